//! The sub-commands, a file each: its arguments and what it does.

pub(crate) mod canon;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod derive;
pub(crate) mod diff;
pub(crate) mod dis;
pub(crate) mod get;
pub(crate) mod grep;
pub(crate) mod hash;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod migrate;
pub(crate) mod pack;
pub(crate) mod policy;
pub(crate) mod put;
pub(crate) mod remove;
pub(crate) mod scan;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod stats;
pub(crate) mod trace;
pub(crate) mod unpack;
pub(crate) mod verify;

use std::path::{Path, PathBuf};

use oiji::ErrorKind;

use crate::cli::{Cli, Command};
use crate::failure::{Failure, Status, complain};

/// Runs a command; says what went wrong.
pub(crate) fn run(cli: Cli) -> Status {
    let result = match cli.command {
        Command::Completions(args) => completions::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Dis(args) => dis::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::List(args) => list::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Pack(args) => pack::run(&args),
        Command::Unpack(args) => unpack::run(&args),
        Command::Put(args) => put::run(&args),
        Command::Remove(args) => remove::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Derive(args) => derive::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Grep(args) => grep::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Canon(args) => canon::run(&args),
        Command::Hash(args) => hash::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match result {
        Ok(status) => status,
        Err(Failure::ClosedPipe(status)) => status,
        Err(failure) => {
            complain(&failure);
            Status::Failed
        }
    }
}

/// Does `work` for each file. One that fails is complained about, and the others go on.
pub(crate) fn each_file(
    files: &[PathBuf],
    mut work: impl FnMut(&Path) -> Result<Status, Failure>,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for file in files {
        match work(file) {
            Ok(one) => status = status.max(one),
            Err(failure @ Failure::ClosedPipe(_)) => return Err(failure.after(status)),
            Err(failure) => {
                complain(&failure);
                status = Status::Failed;
            }
        }
    }
    Ok(status)
}

/// Whether an error says nothing of the bytes: they could not be read, or no more of them may be.
pub(crate) fn is_over(error: &oiji::Error) -> bool {
    matches!(error.kind(), ErrorKind::Limit { .. } | ErrorKind::Io(_))
}
