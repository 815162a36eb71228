//! `oiji scan`: what files would do if they were loaded, without loading them.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use oiji::inspect::scan::{Finding, Report, Rule, Verdict};
use serde_json::{Value as Json, json};

use crate::failure::{Failure, Status, complain, visible};
use crate::output::{self, Stdout, grouped};
use crate::parallel::in_parallel;
use crate::progress::{Count, Watch};
use crate::sarif::Sarif;
use crate::scanning::{self, Found, PolicyArgs};

/// Tell what files would do if they were loaded, without loading them.
///
/// Every pickle in a file is followed, as any real reader would: what it names, calls and changes, also behind its end, in
/// ZIPs, tars, compressed files and pickles in pickles, whatever the file is called. Nothing of it is run or imported.
///
/// clean: every byte is accounted for, and only what the policy allows is done. unknown: it names code that the policy does not
/// know. dangerous: it does what is known to do harm, or what no honest writer does. incomplete: not all of it could be read.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji scan model.pt
  oiji scan --format json models/ > report.json
  oiji scan --format sarif models/ > report.sarif
  oiji scan --policy team.rules --fail-on dangerous downloads/

A policy has a line for each rule, and `#` before words for people:
  allow shapes: Point Circle = new state
  danger shapes.shell: * = runs commands

Exit status:
  0  all files are clean
  1  something was found that --fail-on names
  2  a file could not be read, or a policy
  3  nothing was found, but not everything could be looked at")]
pub(crate) struct Args {
    /// Files and folders to scan; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policy: PolicyArgs,

    /// How to tell what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The least that makes the exit status 1
    #[arg(long, value_enum, value_name = "VERDICT", default_value_t)]
    fail_on: FailOn,

    /// Name clean files too
    #[arg(long, short)]
    all: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object for all files
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Code that the policy does not know, and what is worse
    #[default]
    Unknown,
    /// What is known to do harm
    Dangerous,
}

/// So many files are told of each by a line, where none is asked for by name.
const FEW: usize = 20;

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let policy = args.policy.policy()?;
    let (jobs, mut failed) = scanning::found(&args.paths);
    let mut out = output::stdout();
    let mut tally = Tally { show_clean: args.all || jobs.len() <= FEW, ..Tally::default() };
    let watch = watch(&jobs);
    // A bar and what is told do not go on one terminal at a time.
    let mut held = (watch.is_some() && io::stdout().is_terminal()).then(Vec::new);
    let count = watch.as_ref().map(|watch| watch.count.clone());
    let mut complaints = Vec::new();
    let mut work = || {
        in_parallel(
            &jobs,
            |job| {
                let scanned = scanning::scan(&job.path, &policy);
                if let Some(count) = &count {
                    count.add(len(&job.path));
                }
                scanned
            },
            |job, scanned| {
                match (scanned, &mut held) {
                    (Ok(report), Some(held)) => tally.add(job, &report, args.format, held).map_err(Failure::writing)?,
                    (Ok(report), None) => tally.add(job, &report, args.format, &mut out).map_err(Failure::writing)?,
                    (Err(failure), held) => {
                        tally.sarif.fail(&failure.to_string());
                        if held.is_some() {
                            complaints.push(failure);
                        } else {
                            out.flush().map_err(Failure::writing)?;
                            complain(&failure);
                        }
                        failed = true;
                    }
                }
                Ok(())
            },
        )
    };
    match &watch {
        Some(watch) => watch.during(work)?,
        None => work()?,
    }
    complaints.iter().for_each(complain);
    out.write_all(&held.unwrap_or_default()).map_err(Failure::writing)?;
    tally.end(args.format, jobs.len(), &mut out).map_err(Failure::writing)?;
    let found = match args.fail_on {
        FailOn::Unknown => tally.unknown + tally.dangerous,
        FailOn::Dangerous => tally.dangerous,
    };
    Ok(match (found > 0, failed, tally.incomplete > 0) {
        (true, ..) => Status::Found,
        (_, true, _) => Status::Failed,
        (_, _, true) => Status::Incomplete,
        _ => Status::Done,
    })
}

/// A bar for what takes long, where somebody would see it.
fn watch(jobs: &[Found<'_>]) -> Option<Watch> {
    let is_seen = io::stderr().is_terminal() && jobs.iter().all(|job| job.path.as_os_str() != "-");
    is_seen.then(|| Watch {
        name: format!("{} file{}", grouped(jobs.len() as u64), if jobs.len() == 1 { "" } else { "s" }),
        count: Count::default(),
        total: Some(jobs.iter().map(|job| len(&job.path)).sum()),
    })
}

fn len(path: &Path) -> u64 {
    path.metadata().map_or(0, |status| status.len())
}

/// How many files have which verdict.
#[derive(Default)]
struct Tally {
    clean: usize,
    unknown: usize,
    dangerous: usize,
    incomplete: usize,
    /// Files met in folders that are no pickles and hold none.
    others: usize,
    show_clean: bool,
    json: Vec<Json>,
    sarif: Sarif,
}

impl Tally {
    fn add(&mut self, job: &Found<'_>, report: &Report, format: Format, out: &mut impl Write) -> io::Result<()> {
        let name = output::name(&job.path);
        // Bytes of which nothing is a pickle: in a folder there are many such files.
        let is_other = job.is_folder
            && report.pickles == 0
            && report.findings.iter().all(|finding| finding.rule == Rule::Tail && finding.offset == 0);
        if is_other && report.verdict() == Verdict::Incomplete {
            self.others += 1;
            return Ok(());
        }
        let verdict = report.verdict();
        match verdict {
            Verdict::Clean => self.clean += 1,
            Verdict::Incomplete => self.incomplete += 1,
            Verdict::Unknown => self.unknown += 1,
            Verdict::Dangerous => self.dangerous += 1,
        }
        match format {
            Format::Text => {}
            Format::Json => {
                self.json.push(as_json(&name, report));
                return Ok(());
            }
            Format::Sarif => {
                self.sarif.add(&name, report);
                return Ok(());
            }
        }
        if verdict == Verdict::Clean && !self.show_clean {
            return Ok(());
        }
        writeln!(out, "{name}: {verdict}")?;
        /// So many findings tell enough.
        const SOME: usize = 12;
        let mut findings: Vec<&Finding> = report.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        for finding in findings.iter().take(SOME) {
            let place = if finding.place.is_empty() { String::new() } else { format!("{}, ", visible(&finding.place)) };
            let times = if finding.count > 1 { format!(" ({} times)", grouped(finding.count)) } else { String::new() };
            writeln!(out, "  {place}offset {}: {}{times}", finding.offset, visible(&finding.what))?;
            writeln!(out, "      {}: {}", finding.verdict, visible(&finding.why))?;
        }
        if findings.len() > SOME {
            writeln!(out, "  and {} more; --format json has all", grouped((findings.len() - SOME) as u64))?;
        }
        Ok(())
    }

    fn end(&mut self, format: Format, count: usize, out: &mut Stdout) -> io::Result<()> {
        if format == Format::Json {
            let summary = json!({
                "files": count, "clean": self.clean, "unknown": self.unknown, "dangerous": self.dangerous,
                "incomplete": self.incomplete, "others": self.others,
            });
            writeln!(out, "{}", json!({ "files": self.json, "summary": summary }))?;
        } else if format == Format::Sarif {
            writeln!(out, "{}", std::mem::take(&mut self.sarif).into_json())?;
        } else if count > 1 {
            let counts = [
                (self.dangerous, "dangerous"),
                (self.unknown, "unknown"),
                (self.incomplete, "incomplete"),
                (self.clean, "clean"),
                (self.others, "without a pickle"),
            ];
            let told: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{} {word}", grouped(*count as u64)))
                .collect();
            writeln!(out, "{} files: {}", grouped(count as u64), told.join(", "))?;
        }
        out.flush()
    }
}

fn as_json(name: &str, report: &Report) -> Json {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "verdict": finding.verdict.name(), "rule": finding.rule.name(), "place": finding.place,
            "offset": finding.offset, "what": finding.what, "why": finding.why, "count": finding.count,
        })
    });
    let globals =
        report.globals.iter().map(|((module, name), count)| json!({ "module": module, "name": name, "count": count }));
    json!({
        "file": name, "verdict": report.verdict().name(), "pickles": report.pickles, "bytes": report.bytes,
        "findings": findings.collect::<Vec<_>>(), "globals": globals.collect::<Vec<_>>(),
    })
}
