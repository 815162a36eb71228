//! `cargo xtask corpus`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The folders whose manifest has a checksum of every file.
const FOLDERS: &[&str] = &["python", "producers", "scan"];

/// Holds the files of the corpus against its manifests: each is what it was, and none is missing or unknown.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    for name in FOLDERS {
        let count = check(&oiji_testkit::corpus().join(name))?;
        println!("corpus/{name}: {count} files as the manifest says");
    }
    let count = check_probes(&oiji_testkit::corpus().join("differential"))?;
    println!("corpus/differential: {count} probes, each with an answer of every Python");
    Ok(())
}

/// The number of files that the manifest of `folder` names.
fn check(folder: &Path) -> Result<usize, String> {
    let manifest: Value =
        serde_json::from_slice(&read(&folder.join("MANIFEST.json"))?).map_err(|error| error.to_string())?;
    let entries = manifest["files"].as_array().or(manifest.as_array()).ok_or("a manifest without files")?;
    let mut known = BTreeSet::new();
    for entry in entries {
        hold(folder, entry, &mut known)?;
        let file = Path::new(entry["file"].as_str().unwrap_or_default());
        for buffer in entry["buffers"].as_array().into_iter().flatten() {
            hold(&folder.join(file.parent().unwrap_or(file)), buffer, &mut known)?;
        }
    }
    let unknown = files(folder)?.into_iter().find(|path| !known.contains(path) && !tells_of_others(path));
    match unknown {
        Some(path) => Err(format!("{} is in no manifest", path.display())),
        None => Ok(known.len()),
    }
}

/// The number of probes in `folder`, when each Python there has an answer to each of them, and to no other.
fn check_probes(folder: &Path) -> Result<usize, String> {
    let parsing = |path: &Path, error: serde_json::Error| format!("{}: {error}", path.display());
    let path = folder.join("probes.json");
    let probes: Vec<(String, String)> = serde_json::from_slice(&read(&path)?).map_err(|error| parsing(&path, error))?;
    let names: BTreeSet<&String> = probes.iter().map(|(name, _)| name).collect();
    for path in files(folder)?.iter().filter(|other| **other != path) {
        // The answers hold lone surrogates, which a `Value` cannot: look at the names alone.
        let answers: BTreeMap<String, IgnoredAny> =
            serde_json::from_slice(&read(path)?).map_err(|error| parsing(path, error))?;
        if let Some(name) = names.symmetric_difference(&answers.keys().collect()).next() {
            return Err(format!("{}: {name} is a probe without answer, or an answer without probe", path.display()));
        }
    }
    Ok(names.len())
}

/// Holds the file that `entry` names below `folder` against its checksum there.
fn hold(folder: &Path, entry: &Value, known: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let (Some(name), Some(wanted)) = (entry["file"].as_str(), entry["sha256"].as_str()) else {
        return Err(format!("a file without name or checksum: {entry}"));
    };
    let path = folder.join(name);
    let found = hex(&Sha256::digest(read(&path)?));
    if found != wanted {
        return Err(format!("{} has checksum {found}, not {wanted}", path.display()));
    }
    known.insert(path);
    Ok(())
}

/// Manifests, expected values and the classes of the cases: what says how to check the rest.
fn tells_of_others(path: &Path) -> bool {
    let names = ["MANIFEST.json", "GLOBALS.json", "expected.json", "corpus_classes.py"];
    // Python leaves its compiled modules beside the sources.
    path.extension().is_some_and(|extension| extension == "pyc") || names.iter().any(|name| path.ends_with(name))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
