//! `oiji canon`: a file in its canonical form.

use std::io::Write;
use std::path::PathBuf;

use oiji::rewrite::canonical;

use crate::failure::{Failure, Status};
use crate::looking::each_graph;
use crate::migrating::file::{failed, failure};
use crate::options::LimitArgs;
use crate::output;
use crate::replace::Replacement;

/// Write a canonical form: the same bytes for equal graphs.
///
/// Equal whatever the writer, the memo or the protocol. It is a pickle of protocol 5, or several. Sets are sorted, and what is used once has no memo entry. Arrays that stand outside
/// of a pickle, as in a ZIP, are not part of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Where to write; standard output unless it is given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut bytes = Vec::new();
    let mut wrong = None;
    let read = each_graph(&args.file, args.limits.limits(true), |graph| match canonical(graph) {
        Ok(canonical) => bytes.extend(canonical),
        Err(error) => wrong = Some(error),
    });
    wrong.map_or(read.map(drop), Err).map_err(|error| failure(&args.file, &error))?;
    let Some(path) = &args.output else { return output::print(&bytes).map(|()| Status::Done) };
    let written = Replacement::begin(path).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.finish()
    });
    written.map(|()| Status::Done).map_err(|error| failed(path, &error))
}
