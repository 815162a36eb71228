//! `oiji unpack`: one plain pickle of an archive, with the arrays in it.

use crate::failure::{Failure, Status};
use crate::holding::{self, Holding, may_be_archive};
use crate::rewriting::RewriteArgs;

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
    #[command(flatten)]
    rewrite: RewriteArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    args.rewrite.run(|input| {
        let name = input.name().to_owned();
        let (reading, folder) = (args.rewrite.reading(input), input.folder());
        let (bytes, pages) = input.bytes_and_pages()?;
        if !may_be_archive(bytes) {
            return Err(Failure::about(&name, "no archive; `oiji convert` writes pickles in other forms"));
        }
        let holding = Holding::Archive(holding::open(&name, bytes, &reading, folder)?);
        let writing = args.rewrite.writing();
        args.rewrite.write_whole(&name, &holding, pages, |graph, out| writing.to_writer(graph, out))
    })
}
