//! The corpus, and the Pythons on this machine to compare with.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every file of the corpus that may hold pickles, sorted; none, and a line that says so, where there is no corpus.
pub(crate) fn corpus() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.extension().is_some_and(|ext| ["json", "py", "md"].iter().any(|other| ext == *other)) {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        println!("skipped: no corpus at {}", root.display());
    }
    files.sort();
    files
}

/// The Pythons from 3.8 on that are here: `OIJI_TEST_PYTHON`, or else `python3` and the oldest and newest of pyenv.
pub(crate) fn pythons() -> Vec<PathBuf> {
    if let Some(python) = std::env::var_os("OIJI_TEST_PYTHON") {
        return vec![python.into()];
    }
    let mut found = vec![PathBuf::from("python3")];
    if let Some(home) = std::env::var_os("HOME") {
        for version in ["3.8", "3.13"] {
            let versions = std::fs::read_dir(Path::new(&home).join(".pyenv/versions")).into_iter().flatten().flatten();
            let prefix = format!("{version}.");
            let of_version = versions.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
            found.extend(of_version.map(|entry| entry.path().join("bin/python3")));
        }
    }
    let is_recent = "import sys; sys.exit(sys.version_info < (3, 8))";
    found.retain(|python| Command::new(python).args(["-c", is_recent]).output().is_ok_and(|out| out.status.success()));
    if found.is_empty() {
        println!("skipped: no Python 3.8 or later to compare with");
    }
    found
}

/// What `script` prints when `python` runs it on `input`.
pub(crate) fn run(python: &Path, script: &str, input: String) -> String {
    let mut child = Command::new(python)
        .args(["-X", "utf8", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{} failed", python.display());
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
