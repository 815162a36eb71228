//! Archives exchanged with the real joblib: what it writes is read, what we write it loads.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use oiji::archive::{Archive, Format, save_joblib};
use oiji::graph::Id;
use oiji::{Graph, WriteOptions};
use oiji_testkit::{pythons, skip};
use serde_json::json;

const JOBLIB: &str = include_str!("python/joblib_files.py");

/// A graph in which each array that stood between ops is one of NumPy's in the pickle.
fn in_one(archive: &Archive<'_>) -> Graph<'static> {
    let read = archive.graph().unwrap().unwrap();
    let mut graph = Graph::new();
    let mut pairs: Vec<(Id, Id)> = Vec::new();
    let mut shared = None;
    for (key, value) in read.root().pairs().unwrap().iter() {
        let name = graph.add_copy(key).unwrap();
        let value = match (archive.resolve(value).unwrap(), key.as_str().unwrap()) {
            (Some(_), "again") => shared.unwrap(),
            (Some(array), _) => graph.add_array(&array).unwrap(),
            (None, _) => {
                let [number, text] = [0, 1].map(|index| graph.add_copy(value.at(index).unwrap()).unwrap());
                let key = graph.add_str("key").unwrap();
                let inner = graph.add_dict(&[(key, shared.unwrap())]).unwrap();
                graph.add_list(&[number, text, inner]).unwrap()
            }
        };
        shared = shared.or(Some(value));
        pairs.push((name, value));
    }
    let root = graph.add_dict(&pairs).unwrap();
    graph.set_roots(vec![root]);
    graph
}

#[test]
fn joblib_loads_what_we_make_of_its_files() {
    let python = pythons().iter().rev().find(|python| python.version >= (3, 8, 0));
    let Some(python) = python else { return skip("joblib, for want of a Python from 3.8 on") };
    let python = match python.with_packages(&["joblib", "numpy"]) {
        Ok(python) => python,
        Err(error) => return skip(&format!("joblib on Python {}: {}", python.name(), error.trim())),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let run = |what: &str| python.run_with(&["-c", JOBLIB, what, path], b"").unwrap_or_else(|error| panic!("{error}"));
    run("make");
    for theirs in 0..=5 {
        let bytes = fs::read(folder.path().join(format!("theirs.{theirs}"))).unwrap();
        let archive = Archive::open(&bytes).unwrap_or_else(|error| panic!("protocol {theirs}: {error}"));
        assert_eq!(archive.format(), Format::Joblib);
        let graph = in_one(&archive);
        for ours in 0..=5 {
            let file = fs::File::create(folder.path().join(format!("ours.{theirs}.{ours}"))).unwrap();
            save_joblib(file, graph.root(), WriteOptions::new().protocol(ours)).unwrap();
        }
    }
    let answer: serde_json::Value = serde_json::from_slice(&run("check")).unwrap();
    assert_eq!((&answer["wrong"], &answer["compared"]), (&json!([]), &json!(72)), "{answer}");
    assert!(answer["mapped"].as_u64().unwrap() > 36 * 5, "{answer}");
}
