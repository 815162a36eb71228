//! `oiji policy`: policies that a team keeps, from the first line to what real files need.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oiji::inspect::scan::{Report, Verdict};
use oiji::policy::{Policy, Rule, Standing};

use crate::failure::{Failure, Status, complain, explain, explain_io, visible};
use crate::output::{self, Stdout};
use crate::replace::Replacement;
use crate::scanning::{self, PolicyArgs};

/// Write, ask and extend policies: what pickles may name, and what may be done with it.
///
/// A policy of your own is put over ours by `oiji scan --policy FILE`. docs/policies.md has the form of its lines.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji policy init
  oiji policy explain os.system shapes.Point
  oiji policy explain --policy oiji.policy model.pkl
  oiji policy allow shapes.Point --uses 'new state' --file oiji.policy
  oiji policy learn models/ >> oiji.policy

Exit status:
  0  done; for explain: all is allowed
  1  explain: something is not allowed; learn: something is dangerous, and is not proposed
  2  something could not be done")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write a policy to begin with, which allows nothing more than ours
    Init {
        /// The file, which must not exist
        #[arg(value_name = "FILE", default_value = DEFAULT)]
        file: PathBuf,
    },
    /// Tell what the policy says of names, or of all that files name
    Explain {
        /// Names as `module.name` or `module:name`, and files
        #[arg(required = true, value_name = "NAME-or-FILE")]
        subjects: Vec<PathBuf>,

        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Add lines to a policy that allow names
    Allow {
        /// Names as `module.name` or `module:name`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,

        /// What may be done with them: words of docs/policies.md
        #[arg(long, value_name = "USES", default_value = "new state")]
        uses: String,

        /// The policy, which is made if there is none
        #[arg(long, value_name = "FILE", default_value = DEFAULT)]
        file: PathBuf,

        /// Allow even what is known to do harm
        #[arg(long)]
        dangerous: bool,
    },
    /// Propose the lines that trusted files need
    Learn {
        /// Files and folders that are trusted; `-` is standard input
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        policy: PolicyArgs,
    },
}

const DEFAULT: &str = "oiji.policy";

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.action {
        Action::Init { file } => init(file),
        Action::Explain { subjects, policy } => explain_all(subjects, policy),
        Action::Allow { names, uses, file, dangerous } => allow(names, uses, file, *dangerous),
        Action::Learn { paths, policy } => learn(paths, policy),
    }
}

/// What a policy begins with.
const BEGINNING: &str = "\
# What pickles of this project may name, over what oiji allows by itself (`oiji policy explain NAME`).
#
#   allow MODULE: NAME NAME = USE USE    exact names; uses are name, call, new, state, items
#   danger MODULE: NAME = REASON         `*` is all names of a module, `MODULE.*` a package
#
# `oiji policy learn FILES` proposes the lines that trusted files need; `oiji scan --policy THIS FILES` judges by them.
";

fn init(file: &Path) -> Result<Status, Failure> {
    let name = output::name(file);
    if file.exists() {
        return Err(Failure::about(&name, "is there already; `oiji policy allow` adds to it"));
    }
    write(file, BEGINNING)?;
    let mut out = output::stdout();
    let told = writeln!(out, "{name}: a policy to begin with; use it by `oiji scan --policy {name} FILES`");
    told.and_then(|()| out.flush()).map_err(Failure::writing)?;
    Ok(Status::Done)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let about = |error: io::Error| Failure::about(&output::name(file), explain_io(&error));
    let mut replacement = Replacement::begin(file).map_err(about)?;
    replacement.write_all(text.as_bytes()).and_then(|()| replacement.finish()).map_err(about)
}

fn explain_all(subjects: &[PathBuf], args: &PolicyArgs) -> Result<Status, Failure> {
    let layers = args.layers()?;
    let policy = args.policy()?;
    let mut out = output::stdout();
    let mut status = Status::Done;
    for subject in subjects {
        let told = if subject.exists() {
            let report = scanning::scan(subject, &policy)?;
            writeln!(out, "{}: {}", output::name(subject), report.verdict()).and_then(|()| {
                let mut all = Status::Done;
                for ((module, name), needs) in &report.needs {
                    all = all.max(explain_one(&policy, &layers, (module, name), *needs, "  ", &mut out)?);
                }
                Ok(all)
            })
        } else {
            let text = subject.to_string_lossy();
            let (module, name) = global(&policy, &text)?;
            explain_one(&policy, &layers, (&module, &name), Rule::default(), "", &mut out)
        };
        status = status.max(told.map_err(Failure::writing)?);
    }
    out.flush().map_err(Failure::writing)?;
    Ok(status)
}

/// Says what is known of a global, and whether that covers what is needed.
fn explain_one(
    policy: &Policy,
    layers: &[(String, String)],
    (module, name): (&str, &str),
    needs: Rule,
    indent: &str,
    out: &mut Stdout,
) -> io::Result<Status> {
    let told = visible(&format!("{module}.{name}"));
    let origin = match origin(layers, module, name) {
        Some((file, line)) => format!(" ({file}, line {line})"),
        None => String::new(),
    };
    let line = |rule: Rule| visible(&format!("`allow {module}: {name} = {rule}`"));
    match policy.standing(module, name) {
        Standing::Allowed(rule) if rule.covers(needs) => {
            writeln!(out, "{indent}{told}: allowed: {rule}{origin}")?;
            Ok(Status::Done)
        }
        Standing::Allowed(rule) => {
            writeln!(
                out,
                "{indent}{told}: allowed: {rule}{origin}, but this wants {needs}: {}",
                line(rule.and(needs))
            )?;
            Ok(Status::Found)
        }
        Standing::Dangerous(reason) => {
            writeln!(out, "{indent}{told}: dangerous: {reason}{origin}")?;
            Ok(Status::Found)
        }
        Standing::Unknown => {
            let needs = if needs == Rule::default() { "USES".to_owned() } else { needs.to_string() };
            let line = visible(&format!("`allow {module}: {name} = {needs}`"));
            writeln!(out, "{indent}{told}: unknown: no rule names it; to allow it: {line}")?;
            Ok(Status::Found)
        }
    }
}

/// The file and line of the rule that counts for a global.
fn origin<'l>(layers: &'l [(String, String)], module: &str, name: &str) -> Option<(&'l str, usize)> {
    let is_about = |line: &str| {
        // A rule by itself says what it says, but for names that are dangerous whatever rules there are.
        let reason = line.split('#').next().unwrap_or_default().rsplit('=').next().unwrap_or_default().trim();
        match Policy::new().with(line).unwrap_or_default().standing(module, name) {
            Standing::Allowed(_) => true,
            Standing::Dangerous(told) => told == reason,
            Standing::Unknown => false,
        }
    };
    let allows = |line: &str| line.trim_start().starts_with("allow");
    // What is allowed goes before what is dangerous, and later lines before earlier ones.
    for wants_allowed in [true, false] {
        for (file, text) in layers.iter().rev() {
            let lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
            let found = lines.iter().rev().find(|(_, line)| {
                line.contains(module.split('.').next().unwrap_or_default())
                    && allows(line) == wants_allowed
                    && is_about(line)
            });
            if let Some((index, _)) = found {
                return Some((file, index + 1));
            }
        }
    }
    None
}

/// Module and name of `module:name` or `module.name`; where several ways are possible, the one that the policy knows.
fn global(policy: &Policy, text: &str) -> Result<(String, String), Failure> {
    if let Some((module, name)) = text.split_once(':') {
        return Ok((module.to_owned(), name.to_owned()));
    }
    let ways: Vec<(&str, &str)> = text
        .match_indices('.')
        .map(|(dot, _)| (&text[..dot], &text[dot + 1..]))
        .filter(|(module, _)| !module.is_empty())
        .collect();
    let known = ways.iter().find(|(module, name)| matches!(policy.standing(module, name), Standing::Allowed(_)));
    match known.or(ways.last()) {
        Some((module, name)) if !name.is_empty() => Ok(((*module).to_owned(), (*name).to_owned())),
        _ => Err(Failure::about(text, "no such file, and no name; names are written module.name")),
    }
}

fn allow(names: &[String], uses: &str, file: &Path, dangerous: bool) -> Result<Status, Failure> {
    let shown = output::name(file);
    let mut text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BEGINNING.to_owned(),
        Err(error) => return Err(Failure::about(&shown, explain_io(&error))),
    };
    let policy = Policy::builtin().clone().with(&text).map_err(|error| Failure::about(&shown, explain(&error)))?;
    let mut out = output::stdout();
    let mut lines = Vec::new();
    for name in names {
        let (module, name) = global(&policy, name)?;
        if let Standing::Dangerous(reason) = policy.standing(&module, &name)
            && !dangerous
        {
            let problem = format!("is dangerous: {reason}; give --dangerous to allow it all the same");
            return Err(Failure::about(&format!("{module}.{name}"), problem));
        }
        let line = format!("allow {module}: {name} = {}", uses.trim());
        Policy::new().with(&line).map_err(|error| Failure::Message(explain(&error)))?;
        lines.push(line);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    write(file, &text)?;
    let told = lines.iter().try_for_each(|line| writeln!(out, "{shown}: {line}"));
    told.and_then(|()| out.flush()).map_err(Failure::writing)?;
    Ok(Status::Done)
}

fn learn(paths: &[PathBuf], args: &PolicyArgs) -> Result<Status, Failure> {
    let policy = args.policy()?;
    let mut needs: BTreeMap<(String, String), Rule> = BTreeMap::new();
    let mut status = Status::Done;
    for path in paths {
        for file in scanning::files(path)? {
            let report = scanning::scan(&file, &policy)?;
            for reason in against(&report) {
                complain(&Failure::about(&output::name(&file), format!("{reason}: nothing is learnt from it")));
                status = Status::Found;
            }
            if report.verdict() != Verdict::Dangerous {
                for (global, rule) in report.needs {
                    if !is_plain(&global.0) || !is_plain(&global.1) {
                        let told = format!("names {}.{}, which no rule can name", global.0, global.1);
                        complain(&Failure::about(&output::name(&file), told));
                        status = Status::Found;
                        continue;
                    }
                    let both = needs.entry(global).or_default();
                    *both = both.and(rule);
                }
            }
        }
    }
    let mut out = output::stdout();
    propose(&policy, needs, &mut out).and_then(|()| out.flush()).map_err(Failure::writing)?;
    Ok(status)
}

/// Whether a name stands in a rule as it is.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || "._-<>".contains(char))
}

/// What is dangerous about a file, the first few.
fn against(report: &Report) -> Vec<String> {
    let dangerous = report.findings.iter().filter(|finding| finding.verdict == Verdict::Dangerous);
    dangerous.take(3).map(|finding| format!("{} ({})", finding.what, finding.why)).collect()
}

/// Writes the lines that allow what is not allowed yet, names of one module with the same uses together.
fn propose(policy: &Policy, needs: BTreeMap<(String, String), Rule>, out: &mut Stdout) -> io::Result<()> {
    let mut lines: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for ((module, name), rule) in needs {
        let rule = match policy.standing(&module, &name) {
            Standing::Allowed(allowed) if allowed.covers(rule) => continue,
            Standing::Allowed(allowed) => allowed.and(rule),
            _ => rule,
        };
        lines.entry((module, rule.to_string())).or_default().push(name);
    }
    for ((module, uses), names) in lines {
        writeln!(out, "{}", visible(&format!("allow {module}: {} = {uses}", names.join(" "))))?;
    }
    Ok(())
}
