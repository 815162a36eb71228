//! The layers of ARCHITECTURE.md: a module uses modules of lower layers, its own folder, or what stands before it in its
//! row.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer, the lowest first. Within a row each may use those before it, so that no two use one another.
const LAYERS: &[&[&str]] = &[
    &["error", "limits", "source", "sink", "signed"],
    &["opcode", "op"],
    &["global", "policy", "machine", "emitter"],
    &["graph"],
    &["json", "serde", "class", "array", "frame", "archive", "store"],
    &["inspect", "rewrite"],
    &["tutorial"],
];

/// What a lower layer may use of a higher one all the same, and why.
const ALLOWED: &[(&str, &str, &str)] =
    &[("error", "opcode", "the message about an unknown protocol names the highest one")];

/// What the macros of the crate name by `$crate::`: for users, from the root.
const ROOT: &[&str] = &["testing", "pickle_value", "pickle_items", "pickle_pairs"];

/// How high a module stands: the order of all rows.
fn height(module: &str) -> Option<usize> {
    LAYERS.iter().copied().flatten().position(|other| *other == module)
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

/// The modules that a file names by `crate::`, outside of comments and of the tests at its end.
///
/// Something else behind `#[cfg(test)]` does not end a file: what follows it is read too.
fn uses(text: &str, reexports: &BTreeMap<String, String>) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in lines {
        for after in line.split("crate::").skip(1) {
            let name: String = after.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            found.push(reexports.get(&name).cloned().unwrap_or(name));
        }
        // One step up is the folder of the module; from further up the root is in sight, past this check.
        if line.contains("super::super") {
            found.push("super::super".to_owned());
        }
    }
    found
}

fn offences(module: &str, text: &str, reexports: &BTreeMap<String, String>) -> Vec<String> {
    let allowed = |used: &str| ALLOWED.iter().any(|(user, other, _)| *user == module && *other == used);
    let own = height(module);
    uses(text, reexports)
        .into_iter()
        .filter(|used| used != module && !allowed(used))
        .filter(|used| match (own, height(used)) {
            (Some(own), Some(other)) => other > own,
            // Functions of the crate's root are for users.
            _ => !ROOT.contains(&used.as_str()),
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

/// Every source file with the module it belongs to and its text, but for the root.
fn modules() -> Vec<(PathBuf, String, String)> {
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    let named = paths.into_iter().map(|path| {
        let relative = path.strip_prefix(source()).unwrap().to_owned();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        (relative, module, fs::read_to_string(&path).unwrap())
    });
    named.filter(|(_, module, _)| !matches!(module.as_str(), "lib" | "testing")).collect()
}

#[test]
fn no_module_uses_a_higher_layer() {
    let reexports = reexports();
    assert!(reexports.len() > 10, "{reexports:?}");
    let mut found = Vec::new();
    for (path, module, text) in modules() {
        assert!(height(&module).is_some(), "{module} is in no layer: add it to LAYERS and to ARCHITECTURE.md");
        found
            .extend(offences(&module, &text, &reexports).into_iter().map(|text| format!("{}: {text}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_module_and_every_allowance_is_still_needed() {
    let reexports = reexports();
    let modules = modules();
    for module in LAYERS.iter().copied().flatten() {
        assert!(modules.iter().any(|(_, name, _)| name == module), "there is no {module}: take it out of LAYERS");
    }
    for (user, other, reason) in ALLOWED {
        let mut texts = modules.iter().filter(|(_, module, _)| module == user);
        let used = texts.any(|(_, _, text)| uses(text, &reexports).iter().any(|used| used == other));
        assert!(used, "{user} does not use {other} any more ({reason}): take it out of ALLOWED");
    }
}

#[test]
fn the_check_catches_what_it_is_for() {
    let reexports = reexports();
    assert_eq!(offences("op", "use crate::graph::Graph;", &reexports), ["op uses graph"]);
    assert_eq!(offences("machine", "fn f() -> crate::Graph {}", &reexports), ["machine uses graph"]);
    assert_eq!(offences("global", "use crate::machine::Machine;", &reexports), ["global uses machine"]);
    assert_eq!(offences("op", "use super::super::graph::Graph;", &reexports), ["op uses super::super"]);
    assert_eq!(offences("op", "use crate::{graph, error};", &reexports), ["op uses "]);
    let after_a_test_item = "#[cfg(test)]\nuse std::fmt;\nuse crate::graph::Graph;\n#[cfg(test)]\nmod tests {}";
    assert_eq!(offences("op", after_a_test_item, &reexports), ["op uses graph"]);
    assert!(offences("graph", "use crate::op::Op;\n// crate::inspect\nuse crate::graph::Id;", &reexports).is_empty());
}
