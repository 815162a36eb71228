//! `oiji hash`: a hash of what files hold, whoever wrote them.

use std::io::Write;
use std::path::PathBuf;

use oiji::rewrite::canonical;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Status, complain};
use crate::looking::each_graph;
use crate::migrating::file::failure;
use crate::options::LimitArgs;
use crate::output;

/// Print a hash of what files hold, equal for equal graphs.
///
/// Equal whatever the writer, the memo or the protocol. It is the SHA-256 of what `oiji canon` writes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to hash
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut out = output::stdout();
    let mut status = Status::Done;
    for file in &args.files {
        let mut hash = Sha256::new();
        let mut wrong = None;
        let read = each_graph(file, args.limits.limits(true), |graph| match canonical(graph) {
            Ok(bytes) => hash.update(&bytes),
            Err(error) => wrong = Some(error),
        });
        match wrong.map_or(read.map(drop), Err) {
            Ok(()) => {
                let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(out, "{digits}  {}", output::name(file)).map_err(Failure::writing)?;
            }
            Err(error) => {
                out.flush().map_err(Failure::writing)?;
                complain(&failure(file, &error));
                status = Status::Failed;
            }
        }
    }
    out.flush().map_err(Failure::writing)?;
    Ok(status)
}
