//! `oiji derive`: Rust types for what a file holds, ready to compile.

use std::io::Write;
use std::path::PathBuf;

use oiji::ErrorKind;
use oiji::graph::Path;
use oiji::inspect::{DeriveOptions, Schema};

use crate::commands::is_over;
use crate::failure::{Failure, Status, complain, explain};
use crate::input::Input;
use crate::options::LimitArgs;
use crate::output;

/// Print Rust types for what pickles hold, ready to compile.
///
/// A struct for each class, and for each dict whose keys read like fields; enums where a place holds several types;
/// `Option` for what is missing in some records or `None`; pointers where several places share one value, or one holds
/// itself. They read the file, and write it again. What no Rust type can stand for, arrays of NumPy for instance, stays
/// inert, as a graph.
///
/// All pickles of a file have one type. Bytes after a pickle that make no further one are reported with the reason, and are
/// no error. Nothing that a pickle names is imported or run.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji derive model.pkl > src/model.rs
  oiji derive --main model.pkl > src/main.rs && cargo run -- model.pkl
  oiji derive --name Config --path config data.pkl.gz
  oiji derive - < data.pkl

A program needs:
  cargo add oiji

Exit status:
  0  the types were printed
  2  the file could not be read, or the path leads nowhere in it")]
pub(crate) struct Args {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print types only for the part at this path, as in 'a.b[3].c'
    #[arg(long, value_name = "PATH")]
    path: Option<Path>,

    /// What the type of the whole is called
    #[arg(long, value_name = "NAME", default_value = "Root", value_parser = parse_name)]
    name: String,

    /// Print a program too, that reads the file it is given and prints what it holds
    #[arg(long)]
    main: bool,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut input = Input::open(&args.file, args.limits)?;
    let schema = observe(&mut input, args.path.as_ref())?;
    let options = DeriveOptions {
        name: args.name.clone(),
        source: Some(input.name().to_owned()),
        path: args.path.as_ref().map(ToString::to_string),
        main: args.main,
    };
    let mut out = output::stdout();
    let written = out.write_all(schema.to_rust(&options).as_bytes()).and_then(|()| out.flush());
    written.map_err(Failure::writing)?;
    Ok(Status::Done)
}

/// What all pickles of the input hold, at the path if there is one.
fn observe(input: &mut Input, path: Option<&Path>) -> Result<Schema, Failure> {
    let name = input.name().to_owned();
    let watch = input.watch();
    let reading = oiji::ReadOptions::new().limits(input.limits());
    let (bytes, source) = input.source();
    let mut pickles = reading.pickles_from_source(bytes, source);
    let mut schema = Schema::new();
    let mut count = 0;
    let (end, error) = loop {
        let offset = pickles.offset();
        let graph = match watch.during(|| pickles.next()) {
            Some(Ok(graph)) => graph,
            Some(Err(error)) => break (offset, error),
            None if count == 0 => break (0, ErrorKind::EndOfInput.into()),
            None => return Ok(schema),
        };
        count += 1;
        let value = match path {
            None => graph.root(),
            Some(path) => path.find(graph.root()).map_err(|error| Failure::about(&name, explain(&error)))?,
        };
        schema.add(value);
    };
    drop(pickles);
    if count == 0 {
        return Err(input.no_pickle(&error));
    }
    if is_over(&error) {
        return Err(input.failure(&error));
    }
    let rest = input.len()?.saturating_sub(end);
    let text = format!("{rest} bytes at offset {end} are no pickle: {}", explain(&error));
    complain(&Failure::about(&name, text));
    Ok(schema)
}

/// A name that a Rust type can have.
fn parse_name(text: &str) -> Result<String, String> {
    let is_first = text.starts_with(|char: char| char.is_ascii_uppercase());
    if is_first && text != "Self" && text.chars().all(|char| char.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no name of a type; write it as in ModelState"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_begin_with_a_capital() {
        assert_eq!(parse_name("Model2").unwrap(), "Model2");
        for text in ["", "model", "2Model", "Self", "Mo del", "Mödel"] {
            assert!(parse_name(text).is_err(), "{text}");
        }
    }
}
