//! `oiji trace`: the story of one file, line by line.

use std::io::Write;
use std::path::PathBuf;

use crate::failure::{Failure, Status, visible};
use crate::output::{self, grouped};
use crate::scanning::{self, PolicyArgs};

/// Tell what a file does when it is loaded, in the order in which it happens.
///
/// Each line has the offset and what is done there, much as Python would write it, below the member it stands in. Nothing of it is
/// run.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji trace model.pt
  oiji trace suspicious.pkl | grep import

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
            let how = effect.how.map(|how| format!("  # {how}")).unwrap_or_default();
            writeln!(out, "{:>10}  {}{how}", effect.offset, visible(&as_python(&effect.what)))?;
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

/// What is done, much as Python would write it.
fn as_python(what: &str) -> String {
    let value = |who: &str| match who.strip_prefix("what ").and_then(|who| who.strip_suffix(" gives")) {
        Some(maker) => format!("{maker}(…)"),
        None => who.to_owned(),
    };
    let rest = |start: &str| what.strip_prefix(start);
    if let Some(name) = rest("names ") {
        format!("import {name}")
    } else if let Some(call) = rest("calls ").or_else(|| rest("makes ")) {
        match call.split_once(", with (") {
            Some((who, arguments)) => format!("{}({arguments}", value(who)),
            None if what.starts_with("makes ") => call.replacen('(', ".__new__(", 1),
            None => call.to_owned(),
        }
    } else if let Some(who) = rest("gives a state to ") {
        format!("{}.__setstate__(…)", value(who))
    } else if let Some(who) = rest("sets attributes of ") {
        format!("{who}.__dict__.update(…)")
    } else if let Some(who) = rest("appends to items of ") {
        format!("{}.extend(…)", value(who))
    } else if let Some(who) = rest("adds items of ") {
        format!("{}.update(…)", value(who))
    } else if let Some(who) = rest("sets items of ") {
        format!("{}[…] = …", value(who))
    } else if let Some(id) = rest("asks for what persistent id ").and_then(|id| id.strip_suffix(" stands for")) {
        format!("persistent_load({id})")
    } else if let Some(code) = rest("takes what extension code ").and_then(|code| code.strip_suffix(" stands for")) {
        format!("copyreg._extension_cache[{code}]")
    } else {
        what.to_owned()
    }
}
