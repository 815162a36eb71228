//! Files of many pickles under keys: found by path or in what is read, shown as what they map, listed.

use std::io::{self, Write};
use std::path::Path as FilePath;

use oiji::graph::Path;
use oiji::inspect::{self, Paint, Role, ShowOptions};
use oiji::store::{Content, Record, Store};
use oiji::{Error, Graph, ReadOptions};
use serde_json::{Map, Value as Json, json};

use crate::failure::{Failure, Status, complain, explain, visible};
use crate::flat::brief;
use crate::input::Input;
use crate::options::LimitArgs;
use crate::output::{self, Colours, Stdout, grouped};

/// The store that a path leads to: of one of its files, of what they are all called, of a folder. Nothing for other files.
pub(crate) fn at(
    path: &FilePath,
    reading: ReadOptions<'static>,
    limits: LimitArgs,
) -> Result<Option<Store<'static>>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(None);
    }
    let found = Store::find(path, &reading.limits(limits.limits(false)));
    found.map_err(|error| Failure::about(&output::name(path), explain(&error)))
}

/// The store that an input is, if it comes from elsewhere or was compressed.
pub(crate) fn of<'a>(input: &'a mut Input, reading: &ReadOptions<'_>) -> Result<Option<Store<'a>>, Failure> {
    if !input.may_be_store() {
        return Ok(None);
    }
    let name = input.name().to_owned();
    let bytes = input.bytes()?;
    match Store::from_slice_with(bytes, reading) {
        Ok(store) => Ok(Some(store)),
        // JSON may be anything.
        Err(_) if bytes.trim_ascii_start().starts_with(b"{") => Ok(None),
        Err(error) => Err(Failure::about(&name, explain(&error))),
    }
}

/// What a store is, in a line: `dbm.dumb, 6 records`.
fn heading(store: &Store<'_>) -> String {
    let count = store.count();
    format!("{}, {} record{}", store.format(), grouped(count), if count == 1 { "" } else { "s" })
}

/// A store being shown.
pub(crate) struct Show<'a> {
    pub(crate) store: &'a Store<'a>,
    pub(crate) name: &'a str,
    /// The key of one record, and the way on from its value.
    pub(crate) path: Option<&'a Path>,
    /// The record with this number alone, counted from 1.
    pub(crate) number: Option<u64>,
    pub(crate) options: ShowOptions,
    pub(crate) paint: &'a Colours,
}

impl Show<'_> {
    /// Writes all of it, or what is asked for. A broken record is told in its place.
    pub(crate) fn show(&self, is_json: bool, out: &mut Stdout) -> Result<Status, Failure> {
        if let Some(path) = self.path {
            return self.at(path, is_json, out);
        }
        if is_json {
            return self.json(out).map_err(Failure::writing);
        }
        self.tree(out).map_err(Failure::writing)
    }

    fn tree(&self, out: &mut Stdout) -> io::Result<Status> {
        let (before, after) = self.paint.around(Role::Heading);
        writeln!(out, "{before}{}: {}{after}", self.name, heading(self.store))?;
        let most = if self.options.full { usize::MAX } else { self.options.items.max(1) };
        let skipped = self.number.map_or(0, |number| number.saturating_sub(1)) as usize;
        let most = if self.number.is_some() { 1 } else { most };
        let mut status = Status::Done;
        for record in self.store.records().skip(skipped).take(most) {
            status = status.max(self.entry(record, out)?);
        }
        if self.number.is_some() {
            return Ok(status);
        }
        self.more(self.store.count().saturating_sub(most as u64), out)?;
        let remains = self.store.remains().count() as u64;
        if remains == 0 {
            return Ok(status);
        }
        writeln!(out, "{before}left of former values{after} {}", grouped(remains))?;
        for record in self.store.remains().take(most) {
            // What it is was never promised to be whole.
            self.entry(record, out)?;
        }
        self.more(remains.saturating_sub(most as u64), out)?;
        Ok(status)
    }

    fn more(&self, count: u64, out: &mut Stdout) -> io::Result<()> {
        let (before, after) = self.paint.around(Role::Dim);
        if count > 0 { writeln!(out, "{before}… {} more{after}", grouped(count)) } else { Ok(()) }
    }

    fn entry(&self, record: Result<Record<'_>, Error>, out: &mut Stdout) -> io::Result<Status> {
        let (before, after) = self.paint.around(Role::Removed);
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                writeln!(out, "{before}broken{after}: {}", visible(&explain(&error)))?;
                return Ok(Status::Failed);
            }
        };
        let mut note = String::new();
        if record.key().is_none() {
            note = format!("({} bytes at {})", grouped(record.stored_size()), record.place());
        }
        match record.content() {
            Ok(content) => {
                if !content.is_pickle() {
                    note = format!("{note}{}(no pickle)", if note.is_empty() { "" } else { " " });
                }
                self.pair(&record, &note, content.graph(), out)?;
                Ok(Status::Done)
            }
            Err(error) => {
                let size = grouped(record.stored_size());
                let reason = visible(&explain(&error));
                let name = if record.key().is_none() { "no key".to_owned() } else { visible(&record.name()) };
                writeln!(out, "{name}: {before}broken{after}: {size} bytes at {}: {reason}", record.place())?;
                Ok(Status::Failed)
            }
        }
    }

    fn pair(&self, record: &Record<'_>, note: &str, graph: &Graph<'_>, out: &mut Stdout) -> io::Result<()> {
        let key = Some(record.key()).filter(|key| !key.is_none());
        inspect::show_pair(key, note, graph.root(), &self.options, self.paint, out)
    }

    /// A line for each record, those left of former values last.
    fn json(&self, out: &mut Stdout) -> io::Result<Status> {
        let mut status = Status::Done;
        let records = self.store.records().map(|record| (record, false));
        let remains = self.store.remains().map(|record| (record, true));
        for (record, is_former) in records.chain(remains) {
            let content =
                record.as_ref().map_err(explain).and_then(|record| record.content().map_err(|error| explain(&error)));
            let mut line = described(record.as_ref().ok(), content.as_ref());
            line.remove("what");
            let (file, format) = (json!(self.name), json!(self.store.format().name()));
            write!(out, "{{\"file\":{file},\"format\":{format}")?;
            for (field, told) in &line {
                write!(out, ",{}:{told}", json!(field))?;
            }
            if is_former {
                out.write_all(b",\"former\":true")?;
            }
            match content {
                Ok(content) => {
                    out.write_all(b",\"value\":")?;
                    inspect::show_json(content.graph().root(), &self.options, out)?;
                }
                Err(_) if is_former => {}
                Err(_) => status = Status::Failed,
            }
            out.write_all(b"}\n")?;
        }
        Ok(status)
    }

    /// What a path leads to: its first steps are a key.
    fn at(&self, path: &Path, is_json: bool, out: &mut Stdout) -> Result<Status, Failure> {
        let about = |error: &Error| Failure::about(self.name, explain(error));
        let steps = path.steps();
        for record in self.store.records().flatten() {
            let Some(taken) = steps_to(record.key(), path) else { continue };
            let mut rest = Path::root();
            steps[taken..].iter().for_each(|step| rest.push(step.clone()));
            let content = record.content().map_err(|error| about(&error))?;
            let value = rest.find(content.graph().root()).map_err(|error| about(&error))?;
            let written = if is_json {
                let (file, key) = (json!(self.name), json!(record.name()));
                write!(out, "{{\"file\":{file},\"key\":{key},\"value\":")
                    .and_then(|()| inspect::show_json(value, &self.options, out))
                    .and_then(|()| out.write_all(b"}\n"))
            } else {
                inspect::show(value, &self.options, self.paint, out)
            };
            return written.map(|()| Status::Done).map_err(Failure::writing);
        }
        let first = steps.first().map(ToString::to_string).unwrap_or_default();
        Err(Failure::about(self.name, format!("no record at {first}; `oiji list` shows the keys")))
    }
}

/// How many steps of a path lead from what a store maps to the value of a key.
fn steps_to(key: oiji::Value<'_>, path: &Path) -> Option<usize> {
    let mut map = Graph::new();
    let (key, nothing) = (map.add_copy(key).ok()?, map.add_none().ok()?);
    let root = map.add_dict(&[(key, nothing)]).ok()?;
    map.set_roots(vec![root]);
    let mut first = Path::root();
    for (index, step) in path.steps().iter().enumerate() {
        first.push(step.clone());
        if first.find(map.root()).is_ok_and(|value| value.is_none()) {
            return Some(index + 1);
        }
    }
    None
}

/// Writes a table of records, or a line of JSON with all of them.
pub(crate) fn list(store: &Store<'_>, name: &str, is_json: bool, out: &mut Stdout) -> Result<Status, Failure> {
    /// Rows of which the columns are as wide.
    const TOGETHER: usize = 1000;
    let mut broken = 0_u64;
    let mut rows = Vec::new();
    let start = if is_json {
        let (file, format) = (json!(name), json!(store.format().name()));
        write!(out, "{{\"file\":{file},\"format\":{format},\"records\":[")
    } else {
        writeln!(out, "{name}: {}", heading(store))
    };
    start.map_err(Failure::writing)?;
    let mut header: &[&str] = &["key", "bytes", "protocol", "value", "place"];
    let mut is_first = true;
    for record in store.records() {
        let content =
            record.as_ref().map_err(explain).and_then(|record| record.content().map_err(|error| explain(&error)));
        broken += u64::from(content.is_err());
        if is_json {
            let comma = if is_first { "" } else { "," };
            is_first = false;
            let line = Json::from(described(record.as_ref().ok(), content.as_ref()));
            write!(out, "{comma}{line}").map_err(Failure::writing)?;
            continue;
        }
        rows.push(row(record.as_ref().ok(), content.as_ref()));
        if rows.len() == TOGETHER {
            table(&mut header, &mut rows, out).map_err(Failure::writing)?;
        }
    }
    if is_json {
        writeln!(out, "]}}").map_err(Failure::writing)?;
    } else if !rows.is_empty() {
        table(&mut header, &mut rows, out).map_err(Failure::writing)?;
    }
    out.flush().map_err(Failure::writing)?;
    if broken > 0 {
        let plural = if broken == 1 { "record is" } else { "records are" };
        complain(&Failure::about(name, format!("{} {plural} broken", grouped(broken))));
        return Ok(Status::Found);
    }
    Ok(Status::Done)
}

/// Writes rows, below a header the first time.
fn table(header: &mut &[&str], rows: &mut Vec<Vec<String>>, out: &mut Stdout) -> io::Result<()> {
    let text = output::table(header, std::mem::take(rows), |column| column == 1);
    *header = &[];
    writeln!(out, "{text}")
}

fn row(record: Option<&Record<'_>>, content: Result<&Content<'_>, &String>) -> Vec<String> {
    let (value, protocol) = match content {
        Ok(content) if content.is_pickle() => (brief(content.graph().root()), content.graph().protocol().to_string()),
        Ok(content) => (brief(content.graph().root()), "none".to_owned()),
        Err(reason) => (format!("broken: {reason}"), String::new()),
    };
    let told = record.map(|record| (record.name(), grouped(record.stored_size()), record.place().to_string()));
    let (key, bytes, place) = told.unwrap_or_default();
    vec![key, bytes, protocol, value, place]
}

/// A record as JSON, without its value but with what that is.
fn described(record: Option<&Record<'_>>, content: Result<&Content<'_>, &String>) -> Map<String, Json> {
    let mut line = Map::new();
    let mut tell = |field: &str, told: Json| drop(line.insert(field.to_owned(), told));
    if let Some(record) = record {
        tell("key", if record.key().is_none() { Json::Null } else { record.name().into() });
        tell("bytes", record.stored_size().into());
        tell("place", record.place().to_string().into());
        if let Some(transaction) = record.transaction() {
            tell("transaction", format!("{transaction:#018x}").into());
        }
    }
    match content {
        Ok(content) => {
            tell("pickle", content.is_pickle().into());
            if content.is_pickle() {
                tell("protocol", content.graph().protocol().into());
            }
            tell("what", brief(content.graph().root()).into());
        }
        Err(reason) => tell("problem", reason.as_str().into()),
    }
    line
}
