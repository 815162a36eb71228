//! Migration: any bytes are rules or an error that says where, and any pickle keeps what rules do not name.

use std::collections::BTreeSet;

use oiji::graph::Node;
use oiji::rewrite::Migration;
use oiji::{Graph, Limits, ReadOptions, Value, WriteOptions};

/// Rules from any text; and of any pickle: without rules it stays, there and back it is the same, and by ops it becomes what it
/// becomes by a graph.
pub fn migrate(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        match Migration::from_toml(text) {
            Ok(rules) => drop(rules.migrate(b"\x80\x02cshop\nCart\n)\x81}X\x01\0\0\0aK\x07sb.")),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let limits = Limits { int_digits: 5_000, ..Limits::default() };
    let options = ReadOptions::new().limits(limits).exact(true).fix_imports(false);
    let mut pickles = options.pickles(input);
    let Some(Ok(_)) = pickles.next() else { return };
    let pickle = &input[..pickles.offset() as usize];
    // A frame may claim what follows its pickle.
    let Ok(graph) = options.from_slice(pickle) else { return };
    let rules = |text: &str| Migration::from_toml(text).expect("rules").limits(limits);
    assert!(matches!(Migration::new().limits(limits).migrate(pickle), Ok((None, _)) | Err(_)));
    let is_odd = |value: Value<'_>| matches!(value.type_name(), "buffer" | "persistent id");
    if graph.values().any(is_odd) || graph.to_string().contains("nan") {
        return;
    }
    // In some protocols a graph is written in another way than that in which it was made.
    let written = WriteOptions::new().protocol(graph.protocol()).fix_imports(false).to_vec(&graph);
    let is_kept = written.is_ok_and(|written| options.from_slice(&written).is_ok_and(|again| again == graph));
    let (modules, attributes) = named(&graph);
    let there_and_back = |there: String, back: String| {
        let Ok((Some(moved), _)) = rules(&there).migrate(pickle) else { return };
        // By a graph it is the same as by ops.
        let by_graph = rules(&there).then(rules("[[value]]\nfrom = \"no such value of all\"\nto = 1\n"));
        let read = |bytes: &[u8]| {
            let graph = options.from_slice(bytes).map(Graph::into_owned);
            graph.unwrap_or_else(|error| panic!("{error}: {bytes:?} of {pickle:?} by {there}"))
        };
        if is_kept && let Ok((Some(graph), _)) = by_graph.migrate(pickle) {
            assert!(read(&moved) == read(&graph), "{} by ops, {} by a graph: {there}", read(&moved), read(&graph));
        }
        if let Ok((Some(same), _)) = rules(&back).migrate(&moved) {
            assert!(read(&same) == graph, "{graph} became {}: {there}", read(&same));
        }
    };
    let table = |turn: bool| {
        let line = |name: &String| match turn {
            false => format!("\"{name}\" = \"moved.to.{name}\"\n"),
            true => format!("\"moved.to.{name}\" = \"{name}\"\n"),
        };
        format!("[modules]\n{}", modules.iter().map(line).collect::<String>())
    };
    there_and_back(table(false), table(true));
    let pairs = |turn: bool| {
        let pair = |name: &String| match turn {
            false => format!("\"{name}\" = \"moved_{name}\""),
            true => format!("\"moved_{name}\" = \"{name}\""),
        };
        let pairs: Vec<String> = attributes.iter().map(pair).collect();
        format!("[[class]]\nmatch = \"*\"\nrename = {{ {} }}\n", pairs.join(", "))
    };
    there_and_back(pairs(false), pairs(true));
    let dropped: Vec<String> = attributes.iter().step_by(2).map(|name| format!("\"{name}\"")).collect();
    let half = format!(
        "[[class]]\nmatch = \"*\"\ndrop = [{}]\nadd = {{ brand_new = [1, \"x\"] }}\n[[class]]\nmatch = \"*\"\ncopy = {{ twin = \"brand_new\" }}\n",
        dropped.join(", ")
    );
    there_and_back(half, "[[class]]\nmatch = \"no.such:Class\"\ndrop = [\"a\"]\n".to_owned());
}

/// The modules and attributes that a pickle names, as far as rules can name them as they are.
fn named(graph: &Graph<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let is_plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
    let (mut modules, mut attributes) = (BTreeSet::new(), BTreeSet::new());
    for value in graph.values() {
        if let Ok(global) = value.as_global()
            && is_plain(global.module())
        {
            modules.insert(global.module().to_owned());
        }
        let Some(state) = value.as_object().ok().and_then(|object| object.state()) else { continue };
        for (key, _) in state.pairs().into_iter().flatten() {
            if let Node::Str(text) = key.node()
                && let Some(text) = text.as_str().filter(|text| is_plain(text) && !text.starts_with("moved_"))
            {
                attributes.insert(text.to_owned());
            }
        }
    }
    modules.retain(|module| !module.starts_with("moved.to."));
    (modules, attributes)
}
