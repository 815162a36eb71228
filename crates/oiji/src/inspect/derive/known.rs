//! Types of Python's standard library that have a Rust type: those of `class::stdlib`, and of Rust's own library.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::class::stdlib::{
    Array, Complex, Date, DateTime, Decimal, Fraction, Range, Slice, Time, TimeDelta, TimeZone, Uuid,
};
use crate::class::{Unpickle, Unpickler};
use crate::graph::{Node, Object, StepKind, Value};

/// A value of the standard library.
pub(super) enum Known<'g> {
    /// One without parts that matter here.
    Plain(Library),
    Deque(Library, Vec<Value<'g>>),
    Dict(Library, Vec<(Value<'g>, Value<'g>)>),
}

/// A Rust type for one of Python's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Library {
    pub(super) module: &'static str,
    pub(super) name: &'static str,
    /// Whether it can be a key.
    pub(super) has_order: bool,
    /// Whether it matters which of them are the same.
    pub(super) has_identity: bool,
}

const STDLIB: &str = "oiji::class::stdlib";

const fn library(module: &'static str, name: &'static str, has_order: bool, has_identity: bool) -> Library {
    Library { module, name, has_order, has_identity }
}

/// What a value of the standard library is in Rust; an error for one of a class that has a Rust type, but that it does not
/// read.
pub(super) fn known<'g>(value: Value<'g>, object: Object<'g>) -> Option<Result<Known<'g>, Library>> {
    let name = object.class_name()?;
    let plain = |library: Library, reads: bool| if reads { Ok(Known::Plain(library)) } else { Err(library) };
    let dict = |name| library(STDLIB, name, false, true);
    Some(match (name.module(), name.name()) {
        ("datetime", "date") => plain(library(STDLIB, "Date", true, false), reads::<Date>(value)),
        ("datetime", "datetime") => plain(library(STDLIB, "DateTime", false, false), reads::<DateTime>(value)),
        ("datetime", "time") => plain(library(STDLIB, "Time", false, false), reads::<Time>(value)),
        ("datetime", "timedelta") => plain(library(STDLIB, "TimeDelta", true, false), reads::<TimeDelta>(value)),
        ("datetime", "timezone") | ("zoneinfo", "ZoneInfo" | "ZoneInfo._unpickle") => {
            plain(library(STDLIB, "TimeZone", false, false), reads::<TimeZone>(value))
        }
        ("decimal", "Decimal") => plain(library(STDLIB, "Decimal", false, false), reads::<Decimal>(value)),
        ("fractions", "Fraction") => plain(library(STDLIB, "Fraction", false, false), reads::<Fraction>(value)),
        ("uuid", "UUID") => plain(library(STDLIB, "Uuid", true, false), reads::<Uuid>(value)),
        ("array", "array" | "_array_reconstructor") => {
            plain(library(STDLIB, "Array", false, true), reads::<Array>(value))
        }
        ("builtins", "complex") => plain(library(STDLIB, "Complex", false, false), reads::<Complex>(value)),
        ("builtins", "range" | "xrange") => plain(library(STDLIB, "Range", false, false), reads::<Range>(value)),
        ("builtins", "slice") => plain(library(STDLIB, "Slice", false, false), reads::<Slice>(value)),
        ("ipaddress", "IPv4Address" | "IPv6Address") => {
            plain(library("std::net", "IpAddr", true, false), reads::<IpAddr>(value))
        }
        // Pure paths, and those of the other system, are written as this system's own.
        ("pathlib" | "pathlib._local", "PosixPath") => {
            plain(library("std::path", "PathBuf", true, false), reads::<PathBuf>(value))
        }
        ("collections" | "_collections", "deque") => {
            let library = dict("Deque");
            deque(object).map(|items| Known::Deque(library, items)).ok_or(library)
        }
        ("collections", "OrderedDict") => pairs(object, dict("OrderedDict")),
        ("collections", "defaultdict") => pairs(object, dict("DefaultDict")),
        ("collections", "Counter") => pairs(object, dict("Counter")),
        _ => return None,
    })
}

fn reads<T: Unpickle>(value: Value<'_>) -> bool {
    value.steps().all(|step| step.kind() == StepKind::Build) && Unpickler::new().from_value::<T>(value).is_ok()
}

/// What is in a deque: items of what it is made from, and what was appended.
fn deque(object: Object<'_>) -> Option<Vec<Value<'_>>> {
    let mut items = Vec::new();
    let args = object.args().items().ok()?;
    if let Some(first) = args.get(0) {
        items.extend(first.items().ok()?);
    }
    if let Some(maxlen) = args.get(1).filter(|maxlen| !maxlen.is_none()) {
        usize::try_from(maxlen.as_i64().ok()?).ok()?;
    }
    for step in object.steps() {
        match step.kind() {
            StepKind::Append => items.extend(step.items()),
            _ => return None,
        }
    }
    Some(items)
}

/// What is in a dict: pairs of what it is made from, and what was set.
fn pairs(object: Object<'_>, library: Library) -> Result<Known<'_>, Library> {
    let of_items = |items: crate::graph::Items<'_>| items.iter().all(|item| item.items().is_ok_and(|it| it.len() == 2));
    let mut pairs = Vec::new();
    let first = object.args().items().map_err(|_| library)?.get(0).filter(|first| !first.is_none());
    match first.map(Value::node) {
        None => {}
        Some(Node::Dict(found)) if library.name != "DefaultDict" => pairs.extend(found),
        Some(Node::List(found)) if library.name == "OrderedDict" && of_items(found) => {
            pairs.extend(found.iter().filter_map(|item| Some((item.at(0).ok()?, item.at(1).ok()?))));
        }
        Some(_) if library.name == "DefaultDict" => {}
        Some(_) => return Err(library),
    }
    for step in object.steps() {
        match step.kind() {
            StepKind::SetItems => pairs.extend(step.pairs()),
            _ => return Err(library),
        }
    }
    Ok(Known::Dict(library, pairs))
}
