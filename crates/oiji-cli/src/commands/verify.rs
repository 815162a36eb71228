//! `oiji verify`: whether a signed file is as it was signed, before anything else reads it.

use std::io::Write;
use std::path::PathBuf;

use oiji::signed;

use crate::failure::{Failure, Status, complain, explain};
use crate::keys::{self, KeyArgs};
use crate::output;

/// Check signed files, and take them out of their envelopes.
///
/// Nothing of a file that is not as a key signed it is written or read any further.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji verify model.pkl.signed --key-file team.key
  oiji verify model.pkl.signed --key-file team.key -o model.pkl
  oiji verify - --key-env OIJI_KEY -o - < model.pkl.signed | oiji show -

Exit status:
  0  all are as one of the keys signed them
  1  one is not
  2  a file or key could not be read")]
pub(crate) struct Args {
    /// The signed files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    keys: KeyArgs,

    /// Where the content goes, of one file; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    if args.output.is_some() && args.files.len() > 1 {
        return Err(Failure::Message("--output is for the content of one file".to_owned()));
    }
    let keys = args.keys.all()?;
    let mut status = Status::Done;
    let mut out = output::stdout();
    for file in &args.files {
        let name = output::name(file);
        let signed = keys::read(file)?;
        match signed::verify(&signed, &keys) {
            Ok(content) => match &args.output {
                Some(target) => keys::write(target, &[content])?,
                None => writeln!(out, "{name}: signed by this key").map_err(Failure::writing)?,
            },
            Err(error) => {
                out.flush().map_err(Failure::writing)?;
                complain(&Failure::about(&name, explain(&error)));
                status = Status::Found;
            }
        }
    }
    out.flush().map_err(Failure::writing)?;
    Ok(status)
}
