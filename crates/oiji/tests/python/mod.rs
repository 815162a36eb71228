//! Pickles held against one another by real Pythons.

use oiji_testkit::{Python, corpus, pythons, skip};
use serde_json::Value as Json;

const SCRIPT: &str = include_str!("compare.py");

/// What every Python here finds wrong with the pickles in `index`: see `compare.py`. Each must compare `least` at least.
pub(crate) fn compare_everywhere(index: &[u8], least: u64) -> Vec<String> {
    // Two at a time: that is how many cores a small machine has.
    let mut wrong = Vec::new();
    for pair in pythons().chunks(2) {
        std::thread::scope(|scope| {
            let running: Vec<_> = pair.iter().map(|python| scope.spawn(|| compare(python, index, least))).collect();
            running.into_iter().for_each(|thread| wrong.extend(thread.join().unwrap()));
        });
    }
    wrong
}

fn compare(python: &Python, index: &[u8], least: u64) -> Vec<String> {
    let classes = corpus().join("python");
    let output = python.run_with(&["-c", SCRIPT, classes.to_str().unwrap()], index).unwrap();
    let answer: Json = serde_json::from_slice(&output).unwrap();
    for (reason, count) in answer["skipped"].as_object().unwrap().iter().filter(|(_, count)| **count != 0) {
        skip(&format!("Python {}: {count} files: {reason}", python.name()));
    }
    println!("Python {}: {} files compared", python.name(), answer["compared"]);
    assert!(answer["compared"].as_u64().unwrap() > least, "Python {} compared next to nothing", python.name());
    let wrong = answer["wrong"].as_array().unwrap().iter().filter_map(Json::as_str);
    wrong.map(|text| format!("Python {}: {text}", python.name())).collect()
}
