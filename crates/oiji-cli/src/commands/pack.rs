//! `oiji pack`: a robust archive of whatever holds arrays.

use oiji::archive::{DumpOptions, Format};

use crate::failure::{Failure, Status};
use crate::holding::{Holding, PickleArg};
use crate::options::Compress;
use crate::rewriting::RewriteArgs;

/// Write a robust archive: arrays as .npy members, the rest as a pickle.
///
/// It is one ZIP: numpy.load alone lists and reads the arrays, without the classes around them. Arrays are called array_0, array_1… or, with
/// --names paths, by their way from the root; named shared variables of Theano by their names. The input is a pickle, or any
/// archive that `oiji list` knows. Stored arrays begin at multiples of 64 bytes, so that they can be mapped.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji pack model.pkl -o model.zip
  oiji pack model.pkl -o model.zip --names paths --compress deflate
  oiji pack checkpoint.pt -o checkpoint.zip
  oiji pack model.pkl -o for-theano.zip --compatible
  oiji pack old.zip -o to-share.zip --strip

Exit status:
  0  the archive was written
  2  something could not be read or written; the file OUT is as it was")]
pub(crate) struct Args {
    /// How arrays are called [default: paths for archives that have names, else numbers]
    #[arg(long, value_name = "HOW")]
    names: Option<Names>,

    /// Compress all members: they cannot be mapped then
    #[arg(long, value_name = "HOW")]
    compress: Option<Compress>,

    /// Write what Theano's own load reads: protocol 2, compressed, no dots in names
    #[arg(long, conflicts_with_all = ["protocol", "compress"])]
    compatible: bool,

    /// Leave out the source paths and lines of code that variables of Theano carry along
    #[arg(long)]
    strip: bool,

    #[command(flatten)]
    pickle: PickleArg,

    #[command(flatten)]
    rewrite: RewriteArgs,
}

/// How arrays are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Names {
    /// By their way from the root: layers.0.weight
    Paths,
    /// array_0, array_1 and so on
    Numbers,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    args.rewrite.run(|input| {
        let name = input.name().to_owned();
        let watch = input.watch();
        let (reading, folder) = (args.rewrite.reading(input), input.folder());
        let (bytes, pages) = input.bytes_and_pages()?;
        let holding = watch.during(|| Holding::of(&name, bytes, &reading, folder, args.pickle))?;
        let paths = args.names.map_or_else(|| has_names(&holding), |names| names == Names::Paths);
        let options = DumpOptions::new()
            .paths(paths)
            .compression(Compress::of(args.compress))
            .compatible(args.compatible)
            .strip(args.strip)
            .writing(args.rewrite.writing());
        args.rewrite.write_whole(&name, &holding, pages, |graph, out| options.to_writer(graph.root(), out))
    })
}

/// Whether arrays have names in their format.
pub(crate) fn has_names(holding: &Holding<'_>) -> bool {
    holding.format().is_some_and(|format| !matches!(format, Format::Robust | Format::Npy))
}
