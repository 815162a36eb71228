//! `oiji stats`: what many files hold, counted.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use oiji::{Graph, Node};
use serde_json::json;

use crate::failure::{Failure, Status, complain};
use crate::looking::each_graph;
use crate::migrating::file::{failure, is_other};
use crate::options::LimitArgs;
use crate::output::{self, grouped};
use crate::parallel::in_parallel;
use crate::scanning;

/// Count what files hold: classes, protocols, Python versions, sizes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files and folders to count
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// So many classes are told, the most frequent first
    #[arg(long, value_name = "N", default_value_t = 30)]
    classes: usize,

    /// One JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    limits: LimitArgs,
}

/// What was counted.
#[derive(Default)]
struct Counts {
    files: u64,
    others: u64,
    bytes: u64,
    pickles: u64,
    values: u64,
    /// Instances by class, and in how many files.
    classes: BTreeMap<String, (u64, u64)>,
    protocols: BTreeMap<u8, u64>,
    pythons: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn add_graph(&mut self, graph: &Graph<'_>) {
        self.pickles += 1;
        self.values += graph.value_count() as u64;
        *self.protocols.entry(graph.protocol()).or_default() += 1;
        *self.pythons.entry(python(graph)).or_default() += 1;
        for value in graph.values() {
            let Node::Object(object) = value.node() else { continue };
            if let Some(class) = object.made_class() {
                self.classes.entry(class.to_string()).or_default().0 += 1;
            }
        }
    }

    fn merge(&mut self, other: Counts) {
        self.files += 1;
        self.bytes += other.bytes;
        self.pickles += other.pickles;
        self.values += other.values;
        for (class, (count, _)) in other.classes {
            let entry = self.classes.entry(class).or_default();
            entry.0 += count;
            entry.1 += 1;
        }
        other.protocols.into_iter().for_each(|(protocol, count)| *self.protocols.entry(protocol).or_default() += count);
        other.pythons.into_iter().for_each(|(python, count)| *self.pythons.entry(python).or_default() += count);
    }
}

/// Which Python wrote a pickle, as far as it can be told.
fn python(graph: &Graph<'_>) -> &'static str {
    match graph.protocol() {
        5.. => "3.8 or later",
        4 => "3.4 or later",
        3 => "3.0 or later",
        // Python 3 writes text alone.
        _ if graph.values().any(|value| matches!(value.node(), Node::Py2Str(_))) => "2",
        _ => "2 or 3",
    }
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let (jobs, mut has_failed) = scanning::found(&args.paths);
    let mut all = Counts::default();
    in_parallel(
        &jobs,
        |job| {
            let mut counts = Counts::default();
            counts.bytes = each_graph(&job.path, args.limits.limits(true), |graph| counts.add_graph(graph))?;
            Ok(counts)
        },
        |job, result: Result<Counts, oiji::Error>| {
            match result {
                Ok(counts) if counts.pickles > 0 => all.merge(counts),
                Ok(_) => all.others += 1,
                Err(error) if job.is_folder && is_other(&error) => all.others += 1,
                Err(error) => {
                    complain(&failure(&job.path, &error));
                    has_failed = true;
                }
            }
            Ok(())
        },
    )?;
    let mut out = output::stdout();
    tell(&all, args, &mut out).map_err(Failure::writing)?;
    Ok(if has_failed { Status::Failed } else { Status::Done })
}

fn tell(all: &Counts, args: &Args, out: &mut output::Stdout) -> std::io::Result<()> {
    let mut classes: Vec<(&String, &(u64, u64))> = all.classes.iter().collect();
    classes.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    if args.json {
        let classes: Vec<_> = classes
            .iter()
            .map(|(class, (count, files))| json!({ "class": class, "count": count, "files": files }))
            .collect();
        let protocols: BTreeMap<String, u64> =
            all.protocols.iter().map(|(protocol, count)| (protocol.to_string(), *count)).collect();
        let told = json!({
            "files": all.files, "others": all.others, "bytes": all.bytes, "pickles": all.pickles, "values": all.values,
            "protocols": protocols, "pythons": all.pythons, "classes": classes,
        });
        writeln!(out, "{told}")?;
        return out.flush();
    }
    let mut line = format!(
        "{} files, {} bytes, {} pickles, {} values",
        grouped(all.files),
        grouped(all.bytes),
        grouped(all.pickles),
        grouped(all.values)
    );
    if all.others > 0 {
        line.push_str(&format!("; {} files without a pickle", grouped(all.others)));
    }
    writeln!(out, "{line}")?;
    for (protocol, count) in &all.protocols {
        writeln!(out, "protocol {protocol}: {}", grouped(*count))?;
    }
    for (python, count) in &all.pythons {
        writeln!(out, "Python {python}: {}", grouped(*count))?;
    }
    let rows = classes.iter().take(args.classes);
    let rows = rows.map(|(class, (count, files))| vec![class.to_string(), grouped(*count), grouped(*files)]).collect();
    writeln!(out, "{}", output::table(&["class", "instances", "files"], rows, |column| column > 0))?;
    if classes.len() > args.classes {
        writeln!(out, "and {} more; --classes N has them", grouped((classes.len() - args.classes) as u64))?;
    }
    out.flush()
}
