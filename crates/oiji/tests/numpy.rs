//! Arrays exchanged with real NumPys, from 1.16 on Python 2.7 to the newest: what they write is read, what we make of it is
//! loaded again and is the same.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use oiji::array::Array;
use oiji::{Graph, ReadOptions, WriteOptions};
use oiji_testkit::numpys;

const SCRIPT: &str = include_str!("python/arrays.py");

/// Reads every file in `folder` and writes what it holds again: as `.npy`, and in pickles of every protocol.
fn rewrite(folder: &Path, highest: u8) -> usize {
    let mut count = 0;
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&file).unwrap();
        let graph;
        let array = if name.ends_with(".npy") {
            Array::from_npy(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
        } else {
            graph = ReadOptions::new().from_slice(&bytes).unwrap();
            graph.root().as_array().unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        count += 1;
        let ours = |ending: &str| folder.join(format!("ours.{}.{ending}", name.replace(".pkl", "")));
        // Headers cannot say classes, masks, nor that strs are missing.
        let is_plain = array.class().is_none() && !name.starts_with("strings");
        if is_plain {
            let npy = array.to_npy().unwrap_or_else(|error| panic!("{name}: {error}"));
            fs::write(ours("npy"), npy).unwrap();
        }
        for protocol in 0..=highest {
            let mut graph = Graph::new();
            let root = graph.add_array(&array).unwrap_or_else(|error| panic!("{name}: {error}"));
            graph.set_roots(vec![root]);
            let pickle = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
            fs::write(ours(&format!("q{protocol}.pkl")), pickle).unwrap();
        }
    }
    count
}

/// Puts all `.npy` files of NumPy's into archives.
#[cfg(feature = "archive")]
fn pack(folder: &Path) {
    use oiji::archive::{save_npz, save_npz_compressed};
    let mut arrays = Vec::new();
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(name) = name.strip_suffix(".npy").filter(|name| !name.starts_with("ours.")) {
            arrays.push((name.to_owned(), oiji::array::load(&file).unwrap()));
        }
    }
    let arrays = || arrays.iter().map(|(name, array)| (name.as_str(), array));
    save_npz(fs::File::create(folder.join("stored.npz")).unwrap(), arrays()).unwrap();
    save_npz_compressed(fs::File::create(folder.join("deflated.npz")).unwrap(), arrays()).unwrap();
}

#[test]
fn numpy_loads_what_we_make_of_its_arrays() {
    let mut failed = Vec::new();
    for python in numpys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let run = |what: &str| python.run_with(&["-c", SCRIPT, what, path], b"");
        run("make").unwrap_or_else(|error| panic!("{error}"));
        let read = rewrite(folder.path(), python.highest_protocol());
        #[cfg(feature = "archive")]
        pack(folder.path());
        let answer = run("check").unwrap_or_else(|error| panic!("{error}"));
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        println!("Python {}, NumPy {}: {read} read, {} loaded", python.name(), answer["numpy"], answer["compared"]);
        let wrong: Vec<&str> =
            answer["wrong"].as_array().unwrap().iter().map(|wrong| wrong.as_str().unwrap()).collect();
        assert!(answer["compared"].as_u64().unwrap() > 500, "{answer}");
        failed.extend(wrong.iter().take(40).map(|wrong| format!("NumPy {}: {wrong}", answer["numpy"])));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
