//! What Python 2 strings are: text or bytes. In some places the pickle tells; for the others there are rules.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::Result;
use crate::graph::{Graph, Id, Node, Object, Value};
use crate::rewrite::migrate::report::Report;
use crate::rewrite::migrate::rules::Strings;

/// Decodes the Python 2 string `id`; gives the new value.
pub(super) fn decoded(
    graph: &mut Graph<'_>,
    id: Id,
    how: Strings,
    place: impl Fn(&Graph<'_>) -> String,
    report: &mut Report,
) -> Result<Id> {
    let Node::Py2Str(bytes) = graph.value(id).node() else { return Ok(id) };
    let bytes = bytes.to_vec();
    let (text, told) = match how {
        Strings::Bytes => (None, "bytes"),
        Strings::Latin1 => (Some(bytes.iter().copied().map(char::from).collect::<String>()), "text"),
        Strings::Text => match String::from_utf8(bytes.clone()) {
            Ok(text) => (Some(text), "text"),
            Err(_) => {
                report.decide(format!(
                    "{}: a string that is no UTF-8; `latin-1` or `bytes` says what it is",
                    place(graph)
                ));
                return Ok(id);
            }
        },
        Strings::Auto if bytes.is_ascii() => (String::from_utf8(bytes.clone()).ok(), "text"),
        Strings::Auto => match String::from_utf8(bytes.clone()) {
            Ok(text) => {
                report.decide(format!("{}: a string that is UTF-8, taken for text; it may be bytes", place(graph)));
                (Some(text), "text")
            }
            Err(_) => {
                report.decide(format!(
                    "{}: a string that is no UTF-8, taken for bytes; it may be latin-1 text",
                    place(graph)
                ));
                (None, "bytes")
            }
        },
    };
    *report.strings.entry(told).or_default() += 1;
    match text {
        Some(text) => graph.add_str(&text),
        None => graph.add_bytes(&bytes),
    }
}

/// Decodes all strings in a value, down to objects, which are left alone.
pub(super) fn decode_inside(
    graph: &mut Graph<'_>,
    root: Id,
    how: Strings,
    place: &str,
    report: &mut Report,
) -> Result<()> {
    let mut seen = FxHashSet::default();
    let mut done = FxHashMap::default();
    let mut work = vec![root];
    while let Some(parent) = work.pop() {
        let is_container = matches!(
            graph.value(parent).node(),
            Node::Tuple(_) | Node::List(_) | Node::Dict(_) | Node::Set(_) | Node::FrozenSet(_)
        );
        if !is_container || !seen.insert(parent) {
            continue;
        }
        let children: Vec<Id> = graph.children(parent).collect();
        for id in &children {
            if is_py2(graph, *id) && !done.contains_key(id) {
                done.insert(*id, decoded(graph, *id, how, |_| place.to_owned(), report)?);
            }
        }
        graph.replace_children(parent, &done);
        work.extend(children);
    }
    Ok(())
}

fn is_py2(graph: &Graph<'_>, id: Id) -> bool {
    matches!(graph.value(id).node(), Node::Py2Str(_))
}

/// Decodes all strings of a graph that are still of Python 2. Where they stand tells what some are: names of attributes and
/// dtypes are text, the data of arrays and of dates is bytes.
pub(super) fn decode_all(graph: &mut Graph<'_>, how: Strings, report: &mut Report) -> Result<()> {
    let certain = told(graph);
    // One string that stands in several places stays one.
    let mut done: FxHashMap<Id, Id> = FxHashMap::default();
    let parents: Vec<Id> = graph.values().map(Value::id).collect();
    for parent in parents {
        let all = graph.children(parent).enumerate();
        let strings: Vec<(usize, Id)> = all.filter(|(_, id)| is_py2(graph, *id)).collect();
        if strings.is_empty() {
            continue;
        }
        for (index, id) in strings {
            if let Entry::Vacant(entry) = done.entry(id) {
                let how = certain.get(&id).copied().unwrap_or(how);
                let new = decoded(graph, id, how, |graph| place(graph.value(parent), index), report)?;
                entry.insert(new);
            }
        }
        graph.replace_children(parent, &done);
    }
    let roots: Vec<Id> = graph.roots().map(Value::id).collect();
    for root in roots {
        let new = match done.get(&root) {
            Some(new) => *new,
            None => decoded(graph, root, how, |_| "the pickle itself".to_owned(), report)?,
        };
        graph.replace_root(root, new);
    }
    Ok(())
}

/// Where a child stands, for people: the class, or the key.
fn place(parent: Value<'_>, index: usize) -> String {
    if let Ok(pairs) = parent.pairs()
        && let (Some((key, _)), 1) = (pairs.nth(index / 2), index % 2)
    {
        return format!("at key {key}");
    }
    match parent.node() {
        Node::Object(object) => object.made_class().map_or("in an object".to_owned(), |class| format!("in {class}")),
        _ => format!("in a {}", parent.type_name()),
    }
}

/// The strings that are told by where they stand.
fn told(graph: &Graph<'_>) -> FxHashMap<Id, Strings> {
    let mut told = FxHashMap::default();
    for value in graph.values() {
        let Node::Object(object) = value.node() else { continue };
        if let Some(pairs) = object.state().and_then(|state| state.pairs().ok()) {
            told.extend(pairs.iter().map(|(key, _)| (key.id(), Strings::Latin1)));
        }
        let Some(called) = object.class_name() else { continue };
        let args: Vec<Id> = object.args().items().into_iter().flatten().map(Value::id).collect();
        match (called.module(), called.name()) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct")
            | ("numpy.ma.core" | "numpy.ma", "_mareconstruct") => {
                told.extend(args.iter().map(|id| (*id, Strings::Bytes)));
                // (version, shape, dtype, is_fortran, data[, mask, fill value]).
                told.extend(state_items(object).skip(4).map(|id| (id, Strings::Bytes)));
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => {
                told.extend(args.get(1).map(|id| (*id, Strings::Bytes)));
            }
            ("numpy", "dtype") => {
                told.extend(args.iter().map(|id| (*id, Strings::Latin1)));
                told.extend(dtype_texts(object));
            }
            ("datetime", "datetime" | "date" | "time") => {
                told.extend(args.first().map(|id| (*id, Strings::Bytes)));
            }
            ("_codecs", "encode") => told.extend(args.get(1).map(|id| (*id, Strings::Latin1))),
            _ => {}
        }
    }
    told
}

fn state_items(object: Object<'_>) -> impl Iterator<Item = Id> {
    object.state().and_then(|state| state.items().ok()).into_iter().flatten().map(Value::id)
}

/// The byte order, the names of fields and the keys of their dict.
fn dtype_texts(object: Object<'_>) -> Vec<(Id, Strings)> {
    let mut texts = Vec::new();
    for item in object.state().and_then(|state| state.items().ok()).into_iter().flatten() {
        match item.node() {
            Node::Py2Str(_) => texts.push(item.id()),
            Node::Tuple(names) => texts.extend(names.iter().map(Value::id)),
            Node::Dict(fields) => texts.extend(fields.iter().map(|(key, _)| key.id())),
            _ => {}
        }
    }
    texts.into_iter().map(|id| (id, Strings::Latin1)).collect()
}
