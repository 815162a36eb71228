//! `oiji get`: one array of an archive as `.npy`, or one member as it is.

use std::path::PathBuf;

use oiji::ReadOptions;
use oiji::array::Array;
use oiji::store::Store;

use crate::destination::Destination;
use crate::failure::{Failure, Status, complain, explain};
use crate::flat;
use crate::holding::{Holding, PickleArg};
use crate::input::Input;
use crate::options::LimitArgs;
use crate::output;
use crate::pages::Pages;
use crate::stores;

/// Take one array out of a file, as .npy, or one member or record as it is.
///
/// The file is an archive of arrays or a pickle. Names are those that `oiji list` shows. Only this array is read. A member that is no array, such as the pickle of a robust
/// archive, is written byte for byte.
///
/// Of shelves and other files of many pickles (see `oiji show --help`) the pickle under a key is written, unpacked. Of ZODB these are
/// two, for the class and the state, which share one memo.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji get model.zip foo1 -o foo1.npy
  oiji get checkpoint.pt encoder.weight -o weight.npy
  oiji get model.zip pkl | oiji show -
  oiji get shelf.db 'user 7' | oiji dis -

Exit status:
  0  it was written
  1  it was written, but part of it has no place in .npy: standard error says what
  2  there is nothing of this name, or it could not be read; the file OUT is as it was")]
pub(crate) struct Args {
    /// The archive, store or pickle; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The name of an array or member, or the key of a record
    #[arg(value_name = "NAME")]
    name: String,

    /// The file to write; `-`, or none, is standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    #[command(flatten)]
    pickle: PickleArg,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    if let Some(store) = stores::at(&args.file, ReadOptions::new(), args.limits)? {
        return record(args, &output::name(&args.file), &store);
    }
    let mut input = Input::open(&args.file, args.limits)?;
    let name = input.name().to_owned();
    let watch = input.watch();
    let reading = ReadOptions::new().limits(input.limits());
    if let Some(store) = stores::of(&mut input, &reading)? {
        return record(args, &name, &store);
    }
    let folder = input.folder();
    let (bytes, pages) = input.bytes_and_pages()?;
    let holding = watch.during(|| Holding::of(&name, bytes, &reading, folder, args.pickle))?;
    let about = |error: oiji::Error| Failure::about(&name, explain(&error));
    let array = watch.during(|| holding.array(&args.name)).map_err(about)?;
    let status = if let Some(array) = array {
        let mut out = Destination::open(args.output.as_deref(), false)?;
        let other = flat::for_numpy(&array);
        let written = other.as_ref().unwrap_or(&array);
        out.write_with(&name, Some(written.size()), pages, |out| written.write_npy(out))?;
        out.finish()?;
        tell_of_npy(&name, &args.name, &array)
    } else if let Some(member) = watch.during(|| holding.member(&args.name)).map_err(about)? {
        let mut out = Destination::open(args.output.as_deref(), false)?;
        out.write_with(&name, Some(member.len() as u64), pages, |out| Ok(out.write_all(&member)?))?;
        out.finish()?;
        Status::Done
    } else {
        return Err(Failure::about(&name, nothing(&args.name, &holding.names())));
    };
    Ok(status)
}

/// Says of an array of the input `name` what became of it, or of its mask, as it was written as .npy.
pub(crate) fn tell_of_npy(name: &str, array_name: &str, array: &Array<'_>) -> Status {
    if flat::is_widened(array.dtype()) {
        complain(&Failure::about(name, format!("note: {}", flat::widening(array_name, array.dtype()))));
    }
    let left_out = match (array.masked(), array.quantized()) {
        (Some(_), _) => "mask".to_owned(),
        (_, Some(quantized)) => quantized.to_string(),
        _ => return Status::Done,
    };
    complain(&Failure::about(name, format!("left out: {array_name}: its {left_out}")));
    Status::Found
}

/// Writes the value of one record of a store.
fn record(args: &Args, name: &str, store: &Store<'_>) -> Result<Status, Failure> {
    let about = |error: oiji::Error| Failure::about(name, explain(&error));
    let Some(record) = store.get(&args.name).map_err(about)? else {
        let names: Vec<String> = store.records().flatten().map(|record| record.name()).collect();
        return Err(Failure::about(name, nothing(&args.name, &names)));
    };
    let bytes = record.bytes().map_err(about)?;
    let mut out = Destination::open(args.output.as_deref(), false)?;
    out.write_with(name, Some(bytes.len() as u64), Pages::none(), |out| Ok(out.write_all(&bytes)?))?;
    out.finish()?;
    if record.content().is_ok_and(|content| !content.is_pickle()) {
        complain(&Failure::about(name, format!("note: the value of {} is no pickle", args.name)));
    }
    Ok(Status::Done)
}

/// There is nothing of this name; but of names like it, or of few names at all.
fn nothing(name: &str, names: &[String]) -> String {
    const MOST: usize = 5;
    const LIKE: f64 = 0.75;
    if names.is_empty() {
        return format!("nothing is called {name:?}: there are no arrays or records in it");
    }
    let likeness = |other: &String| match other.to_lowercase().contains(&name.to_lowercase()) {
        true => 1.0,
        false => strsim::jaro_winkler(name, other),
    };
    let mut near: Vec<(f64, &String)> = names.iter().map(|other| (likeness(other), other)).collect();
    if names.len() > MOST {
        near.retain(|(likeness, _)| *likeness >= LIKE);
    }
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let near: Vec<&str> = near.iter().take(MOST).map(|(_, name)| name.as_str()).collect();
    match (near.is_empty(), names.len() > MOST) {
        (true, _) => format!("nothing is called {name:?}; `oiji list` shows its {} names", names.len()),
        (false, true) => format!("nothing is called {name:?}; names like it: {}", near.join(", ")),
        (false, false) => format!("nothing is called {name:?}; its names: {}", near.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_near_are_told() {
        let names = ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias", "step", "epoch", "rate"];
        let names = names.map(str::to_owned);
        let told = nothing("encoder.wieght", &names);
        assert!(told.contains("names like it: encoder.weight, "), "{told}");
        assert!(nothing("zzz", &names).contains("shows its 7 names"));
        assert!(nothing("zzz", &names[..2]).ends_with("its names: encoder.weight, encoder.bias"));
    }
}
