//! `oiji unpack`: one plain pickle of an archive, with the arrays in it.

use std::path::PathBuf;

use oiji::WriteOptions;

use crate::destination::Destination;
use crate::failure::{Failure, Status, explain};
use crate::flat;
use crate::holding::{self, Holding, may_be_archive};
use crate::input::Input;
use crate::options::{LimitArgs, Py2Args};

/// Write one plain pickle of an archive, with the arrays in it.
///
/// Every Python with NumPy loads it, without oiji or what wrote the archive. An array that stands in several places stays one.
/// A format of arrays alone becomes a dict; tensors become arrays of NumPy, and those of types that NumPy has not, such as
/// bfloat16, float32.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji unpack model.zip -o model.pkl
  oiji unpack checkpoint.pt -o checkpoint.pkl --protocol 5
  oiji unpack arrays.npz | oiji show -

Exit status:
  0  the pickle was written
  2  something could not be read or written; the file OUT is as it was")]
pub(crate) struct Args {
    /// The archive; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The pickle to write; `-`, or none, is standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// The protocol to write, from 0 to 5 [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=i64::from(oiji::HIGHEST_PROTOCOL)))]
    protocol: Option<u8>,

    #[command(flatten)]
    py2: Py2Args,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut input = Input::open(&args.input, args.limits)?;
    let name = input.name().to_owned();
    let reading = args.py2.read_options().limits(input.limits());
    let folder = input.folder();
    let (bytes, pages) = input.bytes_and_pages()?;
    if !may_be_archive(bytes) {
        return Err(Failure::about(&name, "no archive; `oiji convert` writes pickles in other forms"));
    }
    let about = |error| Failure::about(&name, explain(&error));
    let holding = Holding::Archive(holding::open(&name, bytes, &reading, folder)?);
    let linked = holding.linked(&name)?;
    let graph = holding.inline(&linked).map_err(about)?;
    let protocol = args.protocol.unwrap_or(oiji::DEFAULT_PROTOCOL);
    let options = WriteOptions::new().protocol(protocol).fix_imports(args.py2.fix_imports());
    let mut out = Destination::open(args.output.as_deref(), false)?;
    out.write_with(&name, holding.size(), pages, |out| options.to_writer(&graph, out))?;
    let notes = holding.notes();
    drop(graph);
    drop(linked);
    drop(holding);
    drop(input);
    out.finish()?;
    Ok(flat::tell(&name, &notes, &[]))
}
