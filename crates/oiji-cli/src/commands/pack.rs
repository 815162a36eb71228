//! `oiji pack`: a robust archive of whatever holds arrays.

use std::path::PathBuf;

use oiji::WriteOptions;
use oiji::archive::{DumpOptions, Format};

use crate::destination::Destination;
use crate::failure::{Failure, Status, explain};
use crate::flat;
use crate::holding::{Holding, PickleArg};
use crate::input::Input;
use crate::options::{Compress, LimitArgs, Py2Args};

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

Exit status:
  0  the archive was written
  2  something could not be read or written; the file OUT is as it was")]
pub(crate) struct Args {
    /// The pickle or archive; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The archive to write; `-`, or none, is standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// How arrays are called [default: paths for archives that have names, else numbers]
    #[arg(long, value_name = "HOW")]
    names: Option<Names>,

    /// Compress all members: they cannot be mapped then
    #[arg(long, value_name = "HOW")]
    compress: Option<Compress>,

    /// Write what Theano's own load reads: protocol 2, compressed, no dots in names
    #[arg(long, conflicts_with_all = ["protocol", "compress"])]
    compatible: bool,

    /// The protocol of the pickle, from 0 to 5 [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=i64::from(oiji::HIGHEST_PROTOCOL)))]
    protocol: Option<u8>,

    #[command(flatten)]
    pickle: PickleArg,

    #[command(flatten)]
    py2: Py2Args,

    #[command(flatten)]
    limits: LimitArgs,
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
    let mut input = Input::open(&args.input, args.limits)?;
    let name = input.name().to_owned();
    let watch = input.watch();
    let reading = args.py2.read_options().limits(input.limits());
    let folder = input.folder();
    let (bytes, pages) = input.bytes_and_pages()?;
    let holding = watch.during(|| Holding::of(&name, bytes, &reading, folder, args.pickle))?;
    let about = |error| Failure::about(&name, explain(&error));
    let linked = holding.linked(&name)?;
    let graph = holding.inline(&linked).map_err(about)?;
    let protocol = args.protocol.unwrap_or(oiji::DEFAULT_PROTOCOL);
    let paths = args.names.map_or_else(|| has_names(&holding), |names| names == Names::Paths);
    let options = DumpOptions::new()
        .paths(paths)
        .compression(Compress::of(args.compress))
        .compatible(args.compatible)
        .writing(WriteOptions::new().protocol(protocol).fix_imports(args.py2.fix_imports()));
    let mut out = Destination::open(args.output.as_deref(), false)?;
    out.write_with(&name, holding.size(), pages, |out| options.to_writer(graph.root(), out))?;
    let notes = holding.notes();
    // Some systems let nobody replace a file that is mapped.
    drop(graph);
    drop(linked);
    drop(holding);
    drop(input);
    out.finish()?;
    Ok(flat::tell(&name, &notes, &[]))
}

/// Whether arrays have names in their format.
pub(crate) fn has_names(holding: &Holding<'_>) -> bool {
    holding.format().is_some_and(|format| !matches!(format, Format::Robust | Format::Npy))
}
