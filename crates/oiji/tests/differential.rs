//! What we make of short hostile byte strings against what CPython's `_pickle` made of them.
//!
//! `corpus/differential` holds the strings and the answers of `_pickle` 3.13. We must accept what it accepts and refuse
//! what it refuses, with the same value; where we differ on purpose a row of `EXPLAINED` says why.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use oiji::op::text::{DecodeErrors, Py2Encoding};
use oiji::{Graph, ReadOptions};
use oiji_testkit::corpus;
use serde_json::Value as Json;

/// Where we differ from `_pickle` 3.13 on purpose: the start of a probe's name, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("INT:' 1'", "3.14 reads it as int() does: 1"),
    ("INT:'+0'", "3.14 reads it as int() does: 0"),
    ("INT:' 0'", "3.14 reads it as int() does: 0"),
    ("INT:'0x10'", "3.14 takes decimal text alone"),
    ("INT:'0o17'", "3.14 takes decimal text alone"),
    ("INT:'0b11'", "3.14 takes decimal text alone"),
    ("INT:'010'", "3.14 reads it as int() does: 10"),
    ("INT:'01 '", "3.14 reads it as int() does: 1"),
    ("INT:'1\\x00junk'", "what follows a NUL is not ignored"),
    ("INT:4400digits", "the limit is ours: Limits::int_digits"),
    ("LONG:'0x10L'", "3.14 takes decimal text alone"),
    ("LONG:'1\\x00junk'", "what follows a NUL is not ignored"),
    ("LONG:'010L'", "3.14 reads it as int() does: 10"),
    ("LONG:'99999..x5000'", "the limit is ours: Limits::int_digits"),
    ("FLOAT:'1\\x00x'", "what follows a NUL is not ignored"),
    ("PUT:'1\\x00z'", "what follows a NUL is not ignored"),
    ("GET:'1\\x00z'", "what follows a NUL is not ignored"),
    ("PUT:'9999999999'", "a huge memo index costs one entry here, all memory there"),
    ("PUT:2^62", "a huge memo index costs one entry here, all memory there"),
    ("LONG_BINPUT:", "a huge memo index costs one entry here, all memory there"),
    ("STACK_GLOBAL:surrogate", "no module has such a name; the probe's find_class did not look"),
    ("SETITEMS:onstub", "what an object takes is for its class to say"),
    ("BUILD:emptytuple", "what an object takes as state is for its class to say"),
    ("BUILD:zero", "what an object takes as state is for its class to say"),
    ("BUILD:state=list", "what an object takes as state is for its class to say"),
    ("BUILD:onclass", "what a class takes as state is for it to say"),
    ("NEWOBJ:oninst", "whether a call gives a class is for it to say"),
    ("NEWOBJ_EX:intkw", "keywords are kept as they are"),
    ("EXT1:unreg", "a code without a name stays a code"),
    ("NEXT_BUFFER", "a buffer that is not given stays a value"),
    ("FRAME:straddleLine", "a defect of 3.13 at the end of a frame, mended in 3.13.15"),
    ("FRAME:straddleStr", "a defect of 3.13 at the end of a frame, mended in 3.13.15"),
];

fn read(input: &[u8]) -> oiji::Result<Graph<'_>> {
    ReadOptions::new().py2_strings(Py2Encoding::Ascii, DecodeErrors::Strict).from_slice(input)
}

fn probes() -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(corpus().join("differential/probes.json")).unwrap();
    let pairs: Vec<(String, String)> = serde_json::from_slice(&bytes).unwrap();
    let byte = |hex: &[u8]| u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap();
    pairs.into_iter().map(|(name, hex)| (name, hex.as_bytes().chunks(2).map(byte).collect())).collect()
}

fn answers() -> BTreeMap<String, Json> {
    let text = std::fs::read_to_string(corpus().join("differential/cpython-3.13.0.json")).unwrap();
    // Escapes of lone surrogates are no text for Rust; as they stand they are what our own repr writes.
    let text = text.replace(r"\\", "\u{1}").replace(r"\ud", r"\\ud").replace('\u{1}', r"\\");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn we_accept_what_the_real_unpickler_accepts_and_refuse_what_it_refuses() {
    let answers = answers();
    let mut differing = Vec::new();
    let mut explained = BTreeSet::new();
    let mut compared = 0;
    for (name, input) in probes() {
        let answer = &answers[&name]["c"];
        let theirs = (answer["st"] == "ok").then(|| answer["v"].as_str().unwrap_or_default().to_owned());
        let ours = read(&input).map(|graph| graph.to_string());
        compared += 1;
        let same = match (&theirs, &ours) {
            (None, Err(_)) => true,
            (Some(theirs), Ok(ours)) => theirs == ours || !is_plain(answer, theirs),
            _ => false,
        };
        match EXPLAINED.iter().find(|(start, _)| name.starts_with(start)) {
            Some((start, _)) if !same => drop(explained.insert(start)),
            None if !same => differing.push(format!("{name}\n    theirs {answer}\n    ours   {ours:?}")),
            _ => {}
        }
    }
    assert!(compared > 350, "only {compared} probes");
    assert_eq!(explained.len(), EXPLAINED.len(), "a row that explains nothing");
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

/// Whether the answer's value is Python's `repr`: no stub of a class in it, no short form of a nest, no pair of surrogates
/// that JSON made of one character.
fn is_plain(answer: &Json, value: &str) -> bool {
    let no_calls = answer["calls"].as_array().is_none_or(Vec::is_empty);
    let short = ["tuple(", "list(", "frozenset(", "'\\ud83d"].iter().any(|start| value.starts_with(start));
    no_calls && !short
}
