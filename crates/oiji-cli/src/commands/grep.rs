//! `oiji grep`: the files that hold something.

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use oiji::rewrite::Pattern;
use oiji::{Graph, Node, Value};
use serde_json::json;

use crate::failure::{Failure, Status, complain, visible};
use crate::looking::each_graph;
use crate::migrating::file::{failure, is_other};
use crate::options::LimitArgs;
use crate::output;
use crate::parallel::in_parallel;
use crate::scanning;

/// Find files by what they hold.
///
/// A query is words, of which all must hold: class:PATTERN an instance of a class, attr:NAME with an attribute of that name,
/// global:PATTERN a class or function by name, str:TEXT text that has this in it, protocol:N. Words about instances must hold of
/// one. A star stands for any text.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji grep 'class:sklearn.* attr:coef_' models/
  oiji grep global:numpy.core.* --count archive/

Exit status, as grep has it:
  0  something was found
  1  nothing was found
  2  a file could not be read")]
pub(crate) struct Args {
    /// What to look for
    #[arg(value_name = "QUERY")]
    query: Query,

    /// Files and folders to look in
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Tell how often it is there
    #[arg(long, short)]
    count: bool,

    /// A JSON object on a line for each file
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    limits: LimitArgs,
}

/// Words that must all hold.
#[derive(Clone, Debug, Default)]
struct Query {
    classes: Vec<Pattern>,
    attributes: Vec<String>,
    globals: Vec<Pattern>,
    texts: Vec<String>,
    protocol: Option<u8>,
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Query, String> {
        let mut query = Query::default();
        for word in text.split_whitespace() {
            let (kind, value) = word.split_once(':').unwrap_or(("", word));
            match kind {
                "class" => query.classes.push(Pattern::new(value)),
                "attr" => query.attributes.push(value.to_owned()),
                "global" => query.globals.push(Pattern::new(value)),
                "str" => query.texts.push(value.to_owned()),
                "protocol" => query.protocol = Some(value.parse().map_err(|_| "a protocol is a number".to_owned())?),
                _ => return Err(format!("{word:?}: words are class:, attr:, global:, str: and protocol:")),
            }
        }
        Ok(query)
    }
}

impl Query {
    /// How often it is in a graph: instances, or else whatever is asked for.
    fn count(&self, graph: &Graph<'_>) -> u64 {
        if self.protocol.is_some_and(|protocol| graph.protocol() != protocol) {
            return 0;
        }
        let has_global = |pattern: &Pattern| {
            graph
                .values()
                .any(|value| value.as_global().is_ok_and(|global| pattern.matches(global.module(), global.name())))
        };
        let has_text = |text: &String| {
            graph.values().any(|value| text_of(value).is_some_and(|found| found.contains(text.as_str())))
        };
        if !self.globals.iter().all(has_global) || !self.texts.iter().all(has_text) {
            return 0;
        }
        if self.classes.is_empty() && self.attributes.is_empty() {
            return 1;
        }
        graph.values().filter(|value| self.is_instance(*value)).count() as u64
    }

    fn is_instance(&self, value: Value<'_>) -> bool {
        let Node::Object(object) = value.node() else { return false };
        let Some(class) = object.made_class() else { return false };
        self.classes.iter().all(|pattern| pattern.matches(class.module(), class.name()))
            && self.attributes.iter().all(|name| has_attribute(value, name))
    }
}

fn has_attribute(value: Value<'_>, name: &str) -> bool {
    let Ok(object) = value.as_object() else { return false };
    if !name.contains('*') {
        return object.attribute(name).is_some();
    }
    let Some(pairs) = object.state().and_then(|state| state.pairs().ok()) else { return false };
    let pattern = Pattern::new(&format!("*:{name}"));
    pairs.iter().any(|(key, _)| text_of(key).is_some_and(|key| pattern.matches("", &key)))
}

fn text_of(value: Value<'_>) -> Option<String> {
    match value.node() {
        Node::Str(text) => Some(text.to_string()),
        Node::Py2Str(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let (jobs, mut has_failed) = scanning::found(&args.paths);
    let mut out = output::stdout();
    let mut found = 0_u64;
    in_parallel(
        &jobs,
        |job| {
            let mut count = 0;
            each_graph(&job.path, args.limits.limits(true), |graph| count += args.query.count(graph)).map(|_| count)
        },
        |job, result| {
            match result {
                Ok(0) => {}
                Ok(count) => {
                    found += 1;
                    let name = output::name(&job.path);
                    let line = match (args.json, args.count) {
                        (true, _) => json!({ "file": name, "count": count }).to_string(),
                        (_, true) => format!("{}: {count}", visible(&name)),
                        _ => name,
                    };
                    writeln!(out, "{line}").map_err(Failure::writing)?;
                }
                // In a folder there are other files too.
                Err(error) if job.is_folder && is_other(&error) => {}
                Err(error) => {
                    out.flush().map_err(Failure::writing)?;
                    complain(&failure(&job.path, &error));
                    has_failed = true;
                }
            }
            Ok(())
        },
    )?;
    out.flush().map_err(Failure::writing)?;
    Ok(match (has_failed, found) {
        (true, _) => Status::Failed,
        (_, 0) => Status::Found,
        _ => Status::Done,
    })
}
