//! `oiji put`: one array into an archive, where it stands.

use std::path::PathBuf;

use oiji::ReadOptions;
use oiji::archive::{Contents, Editor, compact};

use crate::commands::get::tell_of_npy;
use crate::failure::{Failure, Status, explain};
use crate::flat;
use crate::holding::{Holding, PickleArg};
use crate::input::Input;
use crate::options::{Compress, LimitArgs};
use crate::output;

/// Put one array into a robust archive or .npz file, in place.
///
/// Nothing else in the file is written again but its directory, whatever its size; until the end, and if this is killed, the file
/// is what it was. What is replaced stays in it as bytes without a name, which --compact leaves out by writing the file anew.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji put arrays.npz bias bias.npy
  oiji put model.zip layers.0.weight new.npy --replace
  oiji get other.pt encoder.weight | oiji put model.zip encoder.weight -

Exit status:
  0  it is in the file
  1  it is in the file without its mask, for which .npy has no place
  2  something could not be read or written; the file is as it was")]
pub(crate) struct Args {
    /// The robust archive or .npz file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The name that the array is to have
    #[arg(value_name = "NAME")]
    name: String,

    /// The array: a .npy file, or whatever else holds just one; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Put it in the place of the array that has this name
    #[arg(long)]
    replace: bool,

    /// Compress it: it cannot be mapped then
    #[arg(long, value_name = "HOW")]
    compress: Option<Compress>,

    /// Write the file anew without the bytes that have no name any more
    #[arg(long)]
    compact: bool,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let file = output::name(&args.file);
    let about = |error: oiji::Error| Failure::about(&file, explain(&error));
    let mut input = Input::open(&args.input, args.limits)?;
    let name = input.name().to_owned();
    let watch = input.watch();
    let reading = ReadOptions::new().limits(input.limits());
    let folder = input.folder();
    let bytes = input.bytes()?;
    let holding = watch.during(|| Holding::of(&name, bytes, &reading, folder, PickleArg::NONE))?;
    let graph = holding.linked(&name)?;
    let arrays = Contents::of(graph.root()).arrays;
    let [(_, array)] = arrays.as_slice() else {
        let problem = match arrays.len() {
            0 => "holds no arrays".to_owned(),
            count => format!("holds {count} arrays; `oiji get` takes one out"),
        };
        return Err(Failure::about(&name, problem));
    };
    let other = flat::for_numpy(array);
    let put = other.as_ref().unwrap_or(array);
    let mut editor = Editor::open(&args.file).map_err(about)?;
    editor.compression(Compress::of(args.compress));
    match (editor.has(&args.name), args.replace) {
        (true, false) => {
            let problem = format!("has an array {:?} already; --replace puts this in its place", args.name);
            return Err(Failure::about(&file, problem));
        }
        (_, true) => editor.replace(&args.name, put),
        (_, false) => editor.add(&args.name, put),
    }
    .map_err(about)?;
    editor.finish().map_err(about)?;
    if args.compact {
        compact(&args.file).map_err(about)?;
    }
    Ok(tell_of_npy(&name, &args.name, array))
}
