//! `oiji trace`: the story of one file, line by line.

use std::io::Write;
use std::path::PathBuf;

use crate::failure::{Failure, Status, visible};
use crate::output::{self, grouped};
use crate::scanning::{self, PolicyArgs};

/// Tell what a file does when it is loaded, in the order in which it happens.
///
/// Each line has the member it stands in, the offset, and what is named, called or changed. Nothing of it is run.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji trace model.pt
  oiji trace suspicious.pkl | grep calls

Exit status:
  0  the file was told to its end
  2  it could not be read
  3  not all of it could be looked at")]
pub(crate) struct Args {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    policy: PolicyArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let report = scanning::scan(&args.file, &args.policy.policy()?)?;
    let mut out = output::stdout();
    let mut tell = || {
        let mut place = "";
        for effect in &report.effects {
            if effect.place != place {
                place = &effect.place;
                writeln!(out, "{}:", visible(place))?;
            }
            writeln!(out, "{:>10}  {}", effect.offset, visible(&effect.what))?;
        }
        let more = report.effect_count - report.effects.len() as u64;
        if more > 0 {
            writeln!(out, "and {} more", grouped(more))?;
        }
        for finding in
            report.findings.iter().filter(|finding| finding.verdict == oiji::inspect::scan::Verdict::Incomplete)
        {
            writeln!(out, "{:>10}  {}: {}", finding.offset, visible(&finding.what), visible(&finding.why))?;
        }
        out.flush()
    };
    tell().map_err(Failure::writing)?;
    let is_whole = report.findings.iter().all(|finding| finding.verdict != oiji::inspect::scan::Verdict::Incomplete);
    Ok(if is_whole { Status::Done } else { Status::Incomplete })
}
