//! `oiji sign`: files in an envelope that says who wrote them.

use std::path::PathBuf;

use oiji::signed;

use crate::failure::{Failure, Status};
use crate::keys::{self, KeyArgs};

/// Sign a file, so that whoever has the key can tell that it is as you wrote it.
///
/// A line with the HMAC-SHA-256 of the file goes before its bytes, which stay as they are; docs/signed.md says how other tools
/// check it. The key is a secret of 16 bytes or more, in a file or a variable: never on the command line, where all can see it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  openssl rand -hex 32 > team.key
  oiji sign model.pkl --key-file team.key                     writes model.pkl.signed
  OIJI_KEY=… oiji sign model.pkl --key-env OIJI_KEY -o signed/model.pkl

Exit status:
  0  done
  2  it could not be done")]
pub(crate) struct Args {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    keys: KeyArgs,

    /// Where the signed file goes; `-` is standard output [default: FILE.signed]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let key = args.keys.one()?;
    let content = keys::read(&args.file)?;
    let envelope = signed::envelope(&content, &key);
    let target = match &args.output {
        Some(target) => target.clone(),
        None if args.file.as_os_str() == "-" => PathBuf::from("-"),
        None => {
            let mut name = args.file.clone().into_os_string();
            name.push(".signed");
            PathBuf::from(name)
        }
    };
    keys::write(&target, &[envelope.as_bytes(), &content])?;
    Ok(Status::Done)
}
