//! Tables of pandas as CSV or JSON lines: which table of an input is meant, and the list of what had no place there.
//!
//! `csv` and `lines` write `rows`, `find` looks for tables in what holds others, `zones` knows what clocks show.

mod csv;
mod find;
mod lines;
mod rows;
mod zones;

use std::io::Write;

use oiji::frame::{Cell, Column, Frame, Index};
use oiji::graph::Path;
use oiji::{Error, Limits, Node, Value};

use crate::failure::{Failure, Status, explain};
use crate::flat;
use crate::table::rows::Rows;
use crate::table::zones::Zones;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Comma-separated, as pandas' `to_csv` has it.
    Csv,
    /// A JSON object a row.
    Lines,
}

/// A table on its way into text.
pub(crate) struct Table<'g> {
    rows: Rows<'g>,
    style: Style,
    zones: Zones,
    left_out: Vec<String>,
    notes: Vec<String>,
}

impl<'g> Table<'g> {
    /// The table that `root`, of the input `name`, is; or the one at `path`; or the only one that it holds.
    pub(crate) fn of(
        name: &str,
        root: Value<'g>,
        path: Option<&Path>,
        style: Style,
        limits: &Limits,
    ) -> Result<Table<'g>, Failure> {
        let about = |error: Error| Failure::about(name, explain(&error));
        let value = match path {
            Some(path) => path.find(root).map_err(about)?,
            None => root,
        };
        let rows = match Rows::of(value, limits).map_err(about)? {
            Some(rows) => rows,
            None => match (path, &found(value)[..]) {
                (None, [(_, only)]) => match Rows::of(*only, limits).map_err(about)? {
                    Some(rows) => rows,
                    None => return Err(Failure::about(name, NO_TABLE)),
                },
                (_, []) => return Err(Failure::about(name, NO_TABLE)),
                (_, found) => {
                    let names: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
                    let problem = format!("holds several tables; take one by --path: {}", names.join(", "));
                    return Err(Failure::about(name, problem));
                }
            },
        };
        let mut table = Table { style, zones: Zones::default(), left_out: Vec::new(), notes: Vec::new(), rows };
        table.look(value);
        Ok(table)
    }

    /// Finds what has no place in text.
    fn look(&mut self, value: Value<'g>) {
        for column in self.rows.index().levels().chain(self.rows.columns()) {
            let name = called(&column);
            if let Some((_, problem)) = column.unknown() {
                self.left_out.push(format!("{name}: {}: {problem}", column.dtype()));
                continue;
            }
            let (mut objects, mut class, mut bytes, mut infinite) = (0_u64, String::new(), 0_u64, 0_u64);
            for cell in column.cells() {
                match cell {
                    Cell::Object(value) if !is_container(value) => {
                        if objects == 0 {
                            class = flat::brief(value);
                        }
                        objects += 1;
                    }
                    Cell::Bytes(_) => bytes += 1,
                    Cell::Float(float) => infinite += u64::from(float.is_infinite()),
                    Cell::Float32(float) => infinite += u64::from(float.is_infinite()),
                    _ => {}
                }
            }
            if objects > 0 {
                let more = if objects > 1 { format!(" and {} more", objects - 1) } else { String::new() };
                self.left_out.push(format!("{name}: {class}{more}: written as text"));
            }
            if bytes > 0 {
                self.notes.push(format!("{name}: bytes are written as Python writes them"));
            }
            if infinite > 0 && self.style == Style::Lines {
                self.notes.push(format!("{name}: JSON has no infinity; it is the text \"inf\""));
            }
        }
        let attrs = value.get("attrs").ok().filter(|attrs| attrs.len() > Some(0));
        self.left_out.extend(attrs.map(|attrs| format!("attrs: {}", flat::brief(attrs))));
    }

    /// The columns that are understood.
    fn columns(&self) -> impl Iterator<Item = Column<'_>> {
        self.rows.columns().filter(|column| column.unknown().is_none())
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        match self.style {
            Style::Csv => csv::write(self, out),
            Style::Lines => lines::write(self, out),
        }
    }

    /// Says on standard error what was left out; whether anything was is the status.
    pub(crate) fn tell(&self, name: &str) -> Status {
        let notes: Vec<String> = self.notes.iter().cloned().chain(self.zones.unknown()).collect();
        flat::tell(name, &notes, &self.left_out)
    }
}

const NO_TABLE: &str = "holds no table: no DataFrame, Series or index of pandas";

/// The tables below a value, or where there are none the indexes that stand alone.
fn found(value: Value<'_>) -> Vec<(String, Value<'_>)> {
    let tables = find::all(value, |value| !matches!(Frame::of(value), Ok(None)));
    if tables.is_empty() { find::all(value, |value| !matches!(Index::of(value), Ok(None))) } else { tables }
}

/// The name of a column in messages.
fn called(column: &Column<'_>) -> String {
    let name = column.name();
    if name.is_empty() { "index".to_owned() } else { name }
}

/// Whether its text says it all, as that of a list does.
fn is_container(value: Value<'_>) -> bool {
    matches!(
        value.node(),
        Node::List(_) | Node::Tuple(_) | Node::Dict(_) | Node::Set(_) | Node::FrozenSet(_) | Node::BigInt(_)
    )
}
