//! The layers of ARCHITECTURE.md: a module uses modules of lower layers, or its own folder.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer, the lowest first.
const LAYERS: &[&[&str]] = &[
    &["error", "limits", "source", "sink"],
    &["opcode", "op"],
    &["global", "machine", "emitter"],
    &["graph"],
    &["json", "serde"],
    &["inspect", "rewrite"],
];

/// What a lower layer may use of a higher one all the same, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("error", "opcode", "the message about an unknown protocol names the highest one"),
    ("limits", "graph", "the example in the docs reads something"),
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// Where `crate::Item` leads: the module that lib.rs re-exports it from.
fn reexports() -> BTreeMap<String, String> {
    let lib = fs::read_to_string(source().join("lib.rs")).unwrap();
    let mut found = BTreeMap::new();
    for line in lib.split(';').map(str::trim) {
        let Some(path) = line.rsplit_once("pub use ").map(|(_, path)| path) else { continue };
        let path = path.trim_start_matches("crate::");
        let Some((module, items)) = path.split_once("::") else { continue };
        for item in items.trim_matches(['{', '}']).split(',').map(str::trim) {
            found.insert(item.to_owned(), module.to_owned());
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules that a file names by `crate::`, outside of comments and tests.
fn uses(text: &str, reexports: &BTreeMap<String, String>) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in lines {
        for after in line.split("crate::").skip(1) {
            let name: String = after.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            found.push(reexports.get(&name).cloned().unwrap_or(name));
        }
    }
    found
}

fn offences(module: &str, text: &str, reexports: &BTreeMap<String, String>) -> Vec<String> {
    let allowed = |used: &str| ALLOWED.iter().any(|(user, other, _)| *user == module && *other == used);
    let own = layer(module);
    uses(text, reexports)
        .into_iter()
        .filter(|used| used != module && !allowed(used))
        .filter(|used| match (own, layer(used)) {
            (Some(own), Some(other)) => other > own,
            // Macros and functions of the crate's root are for users.
            _ => !matches!(used.as_str(), "testing" | "pickle_value" | "pickle_items" | "pickle_pairs"),
        })
        .map(|used| format!("{module} uses {used}"))
        .collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_module_uses_a_higher_layer() {
    let reexports = reexports();
    assert!(reexports.len() > 10, "{reexports:?}");
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    let mut found = Vec::new();
    for path in paths {
        let relative = path.strip_prefix(source()).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(module, "lib" | "testing") {
            continue;
        }
        assert!(layer(module).is_some(), "{module} is in no layer: add it to LAYERS and to ARCHITECTURE.md");
        let text = fs::read_to_string(&path).unwrap();
        found.extend(
            offences(module, &text, &reexports).into_iter().map(|text| format!("{}: {text}", relative.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_check_catches_what_it_is_for() {
    let reexports = reexports();
    assert_eq!(offences("op", "use crate::graph::Graph;", &reexports), ["op uses graph"]);
    assert_eq!(offences("machine", "fn f() -> crate::Graph {}", &reexports), ["machine uses graph"]);
    assert!(offences("graph", "use crate::op::Op;\n// crate::inspect\nuse crate::graph::Id;", &reexports).is_empty());
}
