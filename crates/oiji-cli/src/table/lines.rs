//! JSON lines: an object a row, the index first, under its name or as `index`.

use std::collections::HashSet;
use std::io::Write;

use oiji::frame::{Cell, Column};
use oiji::{Error, Node, Value};
use serde_json::{Map, Number, Value as Json};

use crate::table::Table;

pub(crate) fn write(table: &Table<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let offsets = |name: &str, seconds: i64| table.zones.offset(name, seconds);
    let index = table.rows.index();
    let level_name = |at: usize, level: &Column<'_>| match level.name() {
        name if !name.is_empty() => name,
        _ if index.level_count() > 1 => format!("level_{at}"),
        _ => "index".to_owned(),
    };
    let levels = index.levels().enumerate().map(|(at, level)| (level_name(at, &level), level));
    let nameless = table.rows.nameless();
    let columns = table.columns().map(|column| match column.name() {
        name if name.is_empty() => (nameless.to_owned(), column),
        name => (name, column),
    });
    let mut used = HashSet::new();
    let columns: Vec<(String, Column<'_>)> =
        levels.chain(columns).map(|(name, column)| (distinct(name, &mut used), column)).collect();
    let keys: Vec<String> = columns.iter().map(|(name, _)| Json::from(name.as_str()).to_string()).collect();
    for row in 0..table.rows.count() {
        for (at, (_, column)) in columns.iter().enumerate() {
            let value = json(column.cell(row).local(&offsets));
            write!(out, "{}{}:{value}", if at == 0 { '{' } else { ',' }, keys[at])?;
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

/// A name that no column before it has.
fn distinct(name: String, used: &mut HashSet<String>) -> String {
    let mut number = 2_u64;
    let mut distinct = name.clone();
    while !used.insert(distinct.clone()) {
        distinct = format!("{name}_{number}");
        number += 1;
    }
    distinct
}

/// A value as JSON has it; what it has no form for is text.
fn json(cell: Cell<'_>) -> Json {
    match cell {
        _ if cell.is_missing() => Json::Null,
        Cell::Bool(bool) => bool.into(),
        Cell::Int(int) => match (i64::try_from(int), u64::try_from(int)) {
            (Ok(int), _) => int.into(),
            (_, Ok(int)) => int.into(),
            _ => int.to_string().into(),
        },
        Cell::Float(float) => number(float),
        // As few digits as a float of 32 bits needs.
        Cell::Float32(_) => number(cell.to_string().parse().unwrap_or(f64::INFINITY)),
        Cell::Moment(moment) => moment.to_iso().into(),
        Cell::List(cells) | Cell::Tuple(cells) => cells.into_iter().map(json).collect(),
        Cell::Record(fields) => {
            Json::Object(fields.into_iter().map(|(name, cell)| (name.into_owned(), json(cell))).collect())
        }
        Cell::Object(value) => plain(value, LEVELS).unwrap_or_else(|| cell.to_string().into()),
        cell => cell.to_string().into(),
    }
}

fn number(float: f64) -> Json {
    Number::from_f64(float).map_or_else(|| float.to_string().into(), Json::Number)
}

/// Containers in one another that become JSON; deeper ones, and those with many items, stay text.
const LEVELS: u32 = 8;
const ITEMS: usize = 1 << 12;

/// A list, tuple or dict of what JSON has a form for.
fn plain(value: Value<'_>, levels: u32) -> Option<Json> {
    let levels = levels.checked_sub(1)?;
    let item = |value: Value<'_>| match Cell::of(value) {
        Cell::Object(value) => plain(value, levels),
        cell => Some(json(cell)),
    };
    match value.node() {
        Node::List(items) | Node::Tuple(items) if items.len() <= ITEMS => items.iter().map(item).collect(),
        Node::Dict(pairs) if pairs.len() <= ITEMS => {
            let pair = |(key, value): (Value<'_>, Value<'_>)| Some((key.as_str().ok()?.to_owned(), item(value)?));
            pairs.iter().map(pair).collect::<Option<Map<_, _>>>().map(Json::Object)
        }
        _ => None,
    }
}
