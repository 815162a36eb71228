//! `oiji migrate`: old pickles rewritten by rules, in bulk.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oiji::rewrite::{Migration, Pack, Report};
use serde_json::{Value as Json, json};

use crate::content::Content;
use crate::failure::{Failure, Status, complain, visible};
use crate::migrating::RulesArgs;
use crate::migrating::file::{Migrated, failed, failure, is_other, migrate};
use crate::migrating::journal::{self, Journal};
use crate::migrating::sqlite::{self, Column};
use crate::migrating::suggest::{self, SuggestArgs};
use crate::options::LimitArgs;
use crate::output::{self, Stdout, grouped};
use crate::parallel::in_parallel;
use crate::progress::{Count, Watch};
use crate::replace::Replacement;
use crate::scanning::{self, Found};

/// Rewrite old pickles by rules, without importing anything.
///
/// Files and folders, by content: pickles, compressed files, ZIPs (torch, .npz, robust archives), tars, .npy, joblib, shelves,
/// Django's cache, and columns of SQLite. What is no pickle and holds none stays as it is.
///
/// In place, each file is kept beside it as NAME.oiji-bak, and replaced whole. A run that was killed is taken up again by the
/// same command: nothing is lost or done twice.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji migrate --list-packs
  oiji migrate --dry-run --pack sklearn --pack numpy-1-to-2 models/
  oiji migrate --rules shop.toml --out migrated/ archive/
  oiji migrate --rules shop.toml --sqlite Cache.value cache.db
  oiji migrate --suggest --packages venv/lib/python3.13/site-packages models/ > rules.toml

Rules are told in docs/migration.md.

Exit status:
  0  done
  1  people must decide something: the report says what
  2  a file, or the rules, could not be read or written")]
pub(crate) struct Args {
    /// Files and folders to migrate
    #[arg(required_unless_present = "list_packs", value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    rules: RulesArgs,

    /// Name the packs of rules that come along
    #[arg(long, conflicts_with_all = ["paths", "rules", "packs"])]
    list_packs: bool,

    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Write to this folder, which becomes a copy of what is migrated; the files themselves stay
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    out: Option<PathBuf>,

    /// Keep no copies of files that are replaced
    #[arg(long, conflicts_with = "out")]
    no_backup: bool,

    /// A column of SQLite that pickles stand in, also compressed ones, as they are or in base64
    #[arg(long = "sqlite", value_name = "TABLE.COLUMN")]
    columns: Vec<Column>,

    /// How to tell what was done
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    suggest: SuggestArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object for all files
    Json,
    /// A JSON object on a line for each file, and one for all
    Ndjson,
}

/// The end of the names of copies.
const BACKUP: &str = ".oiji-bak";

/// A file to migrate.
struct Job {
    path: PathBuf,
    /// Its name below the path that was given: where it goes in another folder.
    below: PathBuf,
    is_folder: bool,
    len: u64,
}

/// What came of a file.
enum Outcome {
    /// Bytes that are no pickle.
    Other,
    /// Done by a run before.
    Before,
    Done {
        report: Report,
        is_changed: bool,
        /// Values that are no pickles where pickles should stand.
        others: u64,
    },
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    if args.list_packs {
        let rows = Pack::all().map(|pack| vec![pack.name().to_owned(), pack.about().to_owned()]).collect();
        let table = output::table(&["pack", "what it is for"], rows, |_| false);
        return output::print(format!("{table}\n").as_bytes()).map(|()| Status::Done);
    }
    let (jobs, mut has_failed) = jobs(&args.paths);
    if args.suggest.is_asked() {
        let paths: Vec<PathBuf> = jobs.into_iter().map(|job| job.path).collect();
        return suggest::run(&args.suggest, &paths);
    }
    if args.rules.is_empty() {
        return Err(Failure::Message("no rules; give --rules FILE or --pack NAME, or --suggest for some".to_owned()));
    }
    let (migration, text) = args.rules.migration()?;
    let limits = args.limits.limits(true);
    let migration = migration.limits(args.limits.limits(false));
    let journal = if args.dry_run { None } else { Some(journal(args, &text)?) };
    let work = Work { args, migration: &migration, journal: journal.as_ref(), limit: limits.bytes };
    let count = Count::default();
    let total = jobs.iter().map(|job| job.len).sum();
    let watch =
        Watch { name: format!("{} files", grouped(jobs.len() as u64)), count: count.clone(), total: Some(total) };
    let mut out = output::stdout();
    let mut tally = Tally::default();
    let told = watch.beside_output(|| {
        in_parallel(
            &jobs,
            |job| {
                let outcome = work.file(job);
                count.add(job.len);
                outcome
            },
            |job, outcome| match outcome {
                Ok(outcome) => tally.add(job, outcome, args, &mut out).map_err(Failure::writing),
                Err(failure) => {
                    out.flush().map_err(Failure::writing)?;
                    complain(&failure);
                    has_failed = true;
                    Ok(())
                }
            },
        )
    });
    told?;
    tally.end(args, &mut out).map_err(Failure::writing)?;
    if let Some(journal) = journal.filter(|_| !has_failed) {
        journal.finish().map_err(|error| Failure::about(journal::NAME, error))?;
    }
    Ok(match (has_failed, tally.all.undecided.is_empty()) {
        (true, _) => Status::Failed,
        (_, false) => Status::Found,
        _ => Status::Done,
    })
}

/// All files that are to be migrated, and whether some could not be found.
fn jobs(paths: &[PathBuf]) -> (Vec<Job>, bool) {
    let (found, has_failed) = scanning::found(paths);
    (found.into_iter().filter_map(job).collect(), has_failed)
}

/// What is to be done about a file; nothing for those in folders that belong to others or are ours.
fn job(Found { path, given, is_folder }: Found<'_>) -> Option<Job> {
    let name = path.file_name().unwrap_or_default();
    let text = name.to_string_lossy();
    let is_ours = text.ends_with(BACKUP) || text == journal::NAME || text.ends_with(".tmp") && text.starts_with('.');
    // The values of a shelf go with their index.
    let is_of_shelf = || path.extension().is_some_and(|end| end == "dat") && path.with_extension("dir").is_file();
    if is_folder && (is_ours || is_of_shelf()) {
        return None;
    }
    let below = match path.strip_prefix(given) {
        Ok(below) if is_folder => below.to_owned(),
        _ => PathBuf::from(name),
    };
    let len = fs::metadata(&path).map_or(0, |status| status.len());
    Some(Job { path, below, is_folder, len })
}

/// The journal: in the folder that is written to, or else in that of the first path.
fn journal(args: &Args, rules: &str) -> Result<Journal, Failure> {
    let first = args.paths.first().map(PathBuf::as_path).unwrap_or(Path::new("."));
    let folder = match &args.out {
        Some(out) => {
            fs::create_dir_all(out).map_err(|error| failed(out, &error))?;
            out.as_path()
        }
        None if first.is_dir() => first,
        None => first.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")),
    };
    Journal::open(folder, rules).map_err(|error| failed(&folder.join(journal::NAME), &error))
}

/// How files are migrated.
struct Work<'w> {
    args: &'w Args,
    migration: &'w Migration,
    journal: Option<&'w Journal>,
    limit: u64,
}

impl Work<'_> {
    fn file(&self, job: &Job) -> Result<Outcome, Failure> {
        let path = &job.path;
        let about = |error: io::Error| failed(path, &error);
        let content = Content::of(path).map_err(about)?;
        let bytes = content.bytes();
        let target = self.args.out.as_ref().map(|out| out.join(&job.below));
        if let Some(journal) = self.journal {
            let is_done = match &target {
                Some(target) => target.exists() && journal.is_copied(path, bytes),
                None => journal.is_done(path, bytes),
            };
            if is_done {
                return Ok(Outcome::Before);
            }
        }
        if let Some(kind) = sqlite::unwritten_store(bytes) {
            return Err(Failure::about(&output::name(path), format!("{kind}, which is read and not written")));
        }
        let migrated = match self.migrated(path, bytes) {
            Ok(migrated) => migrated,
            // In a folder there are many files that are no pickles.
            Err(error) if job.is_folder && is_other(&error) && !looks_like_pickle(path, bytes) => {
                self.copy(path, target.as_deref(), bytes)?;
                return Ok(Outcome::Other);
            }
            Err(error) => return Err(failure(path, &error)),
        };
        let Migrated { new, beside, report, others } = migrated;
        let is_changed = new.is_some();
        if self.args.dry_run {
            return Ok(Outcome::Done { report, is_changed, others });
        }
        match (&new, target) {
            (None, target) => self.copy(path, target.as_deref(), bytes)?,
            (Some(new), Some(target)) => {
                if let Some((other, values)) = &beside {
                    let name = other.file_name().unwrap_or_default();
                    write(&target.with_file_name(name), values)?;
                }
                write(&target, new)?;
                self.note(path, bytes, new)?;
            }
            (Some(new), None) => {
                self.note(path, bytes, new)?;
                if let Some((other, values)) = &beside {
                    self.backup(other)?;
                    write(other, values)?;
                }
                self.backup(path)?;
                write(path, new)?;
            }
        }
        Ok(Outcome::Done { report, is_changed, others })
    }

    fn migrated(&self, path: &Path, bytes: &[u8]) -> oiji::Result<Migrated> {
        if sqlite::is_database(bytes) {
            if !self.args.columns.is_empty() {
                return sqlite::migrate(path, &self.args.columns, self.migration, self.limit);
            }
            if sqlite::is_shelf(path) {
                return sqlite::migrate(path, &[sqlite::shelf_column()], self.migration, self.limit);
            }
            return Err(oiji::Error::message(sqlite::no_column().to_string()));
        }
        if let Some(data) = sqlite::values_of(path) {
            return sqlite::shelf(path, data, self.migration);
        }
        migrate(path, bytes, self.migration, self.limit)
    }

    fn note(&self, path: &Path, old: &[u8], new: &[u8]) -> Result<(), Failure> {
        match self.journal {
            Some(journal) => journal.note(path, old, new).map_err(|error| failed(Path::new(journal::NAME), &error)),
            None => Ok(()),
        }
    }

    /// What stays as it is goes along to another folder.
    fn copy(&self, path: &Path, target: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
        let Some(target) = target else { return Ok(()) };
        if let Some(values) = sqlite::values_of(path) {
            let content = Content::of(&values).map_err(|error| failed(&values, &error))?;
            write(&target.with_file_name(values.file_name().unwrap_or_default()), content.bytes())?;
        }
        write(target, bytes)?;
        self.note(path, bytes, bytes)
    }

    /// Keeps what is about to be replaced, beside it. What is kept already stays, as it is older.
    fn backup(&self, path: &Path) -> Result<(), Failure> {
        if self.args.no_backup {
            return Ok(());
        }
        let mut name = path.as_os_str().to_owned();
        name.push(BACKUP);
        let backup = PathBuf::from(name);
        if backup.exists() {
            return Ok(());
        }
        // A second name costs nothing, as the file is replaced and not written to.
        match fs::hard_link(path, &backup) {
            Ok(()) => Ok(()),
            Err(_) => fs::copy(path, &backup).map(drop).map_err(|error| failed(&backup, &error)),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = Replacement::begin(path)?;
        file.write_all(bytes)?;
        file.finish()
    };
    written().map_err(|error| failed(path, &error))
}

/// Whether a file says by its name, or by how it begins, that it is a pickle: then that it is broken is told.
fn looks_like_pickle(path: &Path, bytes: &[u8]) -> bool {
    const ENDS: [&str; 8] = ["pkl", "pickle", "joblib", "pt", "pth", "npz", "npy", "p"];
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ENDS.contains(&end)) || matches!(bytes, [0x80, 0..=5, ..])
}

/// What was done to all files.
#[derive(Default)]
struct Tally {
    all: Report,
    changed: u64,
    unchanged: u64,
    others: u64,
    before: u64,
    /// Values that are no pickles where pickles should stand.
    strange: u64,
    json: Vec<Json>,
}

impl Tally {
    fn add(&mut self, job: &Job, outcome: Outcome, args: &Args, out: &mut Stdout) -> io::Result<()> {
        let name = output::name(&job.path);
        let (report, is_changed, others) = match outcome {
            Outcome::Other => {
                self.others += 1;
                return Ok(());
            }
            Outcome::Before => {
                self.before += 1;
                return Ok(());
            }
            Outcome::Done { report, is_changed, others } => (report, is_changed, others),
        };
        match is_changed {
            true => self.changed += 1,
            false => self.unchanged += 1,
        }
        match args.format {
            Format::Text => {
                if others > 0 {
                    let values = if others == 1 {
                        "1 value is no pickle, and stays".to_owned()
                    } else {
                        format!("{} values are no pickles, and stay", grouped(others))
                    };
                    writeln!(out, "{name}: {values}")?;
                }
                for (what, count) in &report.undecided {
                    writeln!(out, "{name}: to decide: {}{}", visible(what), times(*count))?;
                }
            }
            Format::Json => self.json.push(as_json(&name, &report, is_changed, others)),
            Format::Ndjson => writeln!(out, "{}", as_json(&name, &report, is_changed, others))?,
        }
        self.strange += others;
        self.all.merge(report);
        Ok(())
    }

    fn end(&self, args: &Args, out: &mut Stdout) -> io::Result<()> {
        if args.format != Format::Text {
            let mut summary = as_json("", &self.all, self.changed > 0, self.strange);
            if let Some(summary) = summary.as_object_mut() {
                summary.remove("file");
                summary.remove("changed");
            }
            let counts = json!({
                "changed": self.changed, "unchanged": self.unchanged, "others": self.others, "before": self.before,
            });
            let summary = json!({ "files": counts, "all": summary });
            match args.format {
                Format::Json => writeln!(out, "{}", json!({ "files": self.json, "summary": summary }))?,
                _ => writeln!(out, "{}", json!({ "summary": summary }))?,
            }
            return out.flush();
        }
        let will = if args.dry_run { "would become " } else { "" };
        for ((from, to), count) in &self.all.renamed {
            writeln!(out, "{} -> {will}{}{}", visible(from), visible(to), times(*count))?;
        }
        for (what, count) in &self.all.done {
            writeln!(out, "{}{}", visible(what), times(*count))?;
        }
        for (what, count) in &self.all.strings {
            writeln!(out, "Python 2 strings to {what}: {}", grouped(*count))?;
        }
        let changed = if args.dry_run { "would change" } else { "changed" };
        let counts = [
            (self.changed, changed),
            (self.unchanged, "unchanged"),
            (self.before, "done before"),
            (self.others, "without a pickle"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, word)| *count > 0 || *word == changed)
            .map(|(count, word)| format!("{} {word}", grouped(*count)))
            .collect();
        let files = self.changed + self.unchanged + self.before + self.others;
        writeln!(out, "{} {}: {}", grouped(files), if files == 1 { "file" } else { "files" }, told.join(", "))?;
        if !self.all.undecided.is_empty() {
            writeln!(out, "to decide: {}", grouped(self.all.undecided.values().sum()))?;
        }
        out.flush()
    }
}

fn times(count: u64) -> String {
    if count > 1 { format!(" ({} times)", grouped(count)) } else { String::new() }
}

fn as_json(name: &str, report: &Report, is_changed: bool, others: u64) -> Json {
    let renamed: Vec<Json> =
        report.renamed.iter().map(|((from, to), count)| json!({ "from": from, "to": to, "count": count })).collect();
    json!({
        "file": name, "changed": is_changed, "pickles": report.pickles, "renamed": renamed, "done": report.done,
        "strings": report.strings, "undecided": report.undecided, "already": report.already, "rest": report.rest, "other_values": others,
    })
}
