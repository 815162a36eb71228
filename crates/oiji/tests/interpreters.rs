//! Every corpus file, written anew in every protocol that can say it, and loaded by every real Python found: the value is
//! the one that the same Python loads from the original file.

#![allow(clippy::unwrap_used, clippy::panic)]

mod python;

use std::path::Path;

use oiji::{ErrorKind, ReadOptions, WriteOptions};
use oiji_testkit::{Case, manifest, pythons, skip};
use python::compare_everywhere;
use serde_json::{Value as Json, json};

/// Where a Python's value is not that of the original, and why that is right.
const EXPLAINED: &[(&str, &str)] =
    &[("/slice.p0.pkl", "the repr of a slice shows which of Python 2's two types of int it has")];

/// Writes one file in every protocol that can say it; gives what the script is to compare.
fn write_anew(case: &Case, number: usize, folder: &Path) -> Json {
    // Names are kept as they stand where the protocol keeps them too: Python's tables lead some names only one way.
    let bytes = case.bytes();
    let mut written = Vec::new();
    for protocol in 0..=5 {
        let old_to_old = protocol < 3 && case.protocol < 3;
        let graph = ReadOptions::new().fix_imports(!old_to_old).all_from_slice(&bytes).unwrap();
        match WriteOptions::new().protocol(protocol).fix_imports(!old_to_old).to_vec(&graph) {
            Ok(pickle) => {
                let path = folder.join(format!("{number}.p{protocol}"));
                std::fs::write(&path, pickle).unwrap();
                written.push(json!([protocol, path]));
            }
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Inexpressible { .. }), "{}: {error}", case.file),
        }
    }
    let path = case.path();
    let buffers: Vec<_> = (0..case.buffers().len())
        .map(|index| path.with_file_name(format!("{}.buf{index}", path.file_stem().unwrap().to_str().unwrap())))
        .collect();
    json!({"name": case.file, "original": path, "written": written, "buffers": buffers, "group": case.group})
}

#[test]
fn what_we_write_real_pythons_load_as_the_same_value() {
    if pythons().is_empty() {
        return skip("no Python here to load what we write");
    }
    let folder = std::env::temp_dir().join(format!("oiji-interpreters-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let cases = manifest();
    let index: Vec<Json> = cases.iter().enumerate().map(|(number, case)| write_anew(case, number, &folder)).collect();
    let index = serde_json::to_vec(&index).unwrap();
    let wrong = compare_everywhere(&index, 500);
    let wrong: Vec<String> =
        wrong.into_iter().filter(|text| !EXPLAINED.iter().any(|(part, _)| text.contains(part))).collect();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
