//! `oiji remove`: arrays out of an archive, where it stands.

use std::path::PathBuf;

use oiji::archive::{Editor, compact};

use crate::failure::{Failure, Status, explain};
use crate::output;

/// Remove arrays from a robust archive or .npz file, in place.
///
/// Just the directory of the file is written anew, and all of them go or none. Their bytes stay in the file without a name
/// until it is written anew, as with --compact. An array that is part of the objects in the pickle of a robust archive is not
/// removed: they could not be read any more.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji remove arrays.npz bias
  oiji remove model.zip extra.0 extra.1 --compact

Exit status:
  0  they are gone
  2  something could not be read, written or removed; the file is as it was")]
pub(crate) struct Args {
    /// The robust archive or .npz file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The names of arrays, as `oiji list` shows them
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    /// Write the file anew without the bytes that have no name any more
    #[arg(long)]
    compact: bool,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let file = output::name(&args.file);
    let about = |error: oiji::Error| Failure::about(&file, explain(&error));
    let mut editor = Editor::open(&args.file).map_err(about)?;
    args.names.iter().try_for_each(|name| editor.remove(name)).map_err(about)?;
    editor.finish().map_err(about)?;
    if args.compact {
        compact(&args.file).map_err(about)?;
    }
    Ok(Status::Done)
}
