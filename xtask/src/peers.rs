//! Other Pythons with other versions of NumPy and with Theano, which read what the Python module writes.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use oiji_testkit::Python;

use crate::python::{folder, pip};
use crate::run::run as execute;

/// Minor versions, and what pip puts beside each. Theano's last release needs an old NumPy, and so an old Python.
const PEERS: &[((u32, u32), &[&str])] = &[
    ((2, 7), &["numpy==1.16.6", "scipy==1.2.3", "six", "Theano==1.0.5"]),
    ((3, 7), &["numpy==1.16.6"]),
    ((3, 8), &["numpy==1.19.5", "scipy==1.5.4", "six", "Theano==1.0.5"]),
    ((3, 11), &["numpy==1.26.4"]),
];

/// The value of `OIJI_TEST_PEERS`: those that are here or could be fetched, as `PYTHON=FOLDER` with colons between.
/// A line says which are left out.
pub(crate) fn prepare() -> Result<OsString, String> {
    let mut pairs = OsString::new();
    for ((major, minor), requirements) in PEERS {
        let wanted = requirements.join(", ");
        let found =
            oiji_testkit::pythons().iter().find(|python| python.version.0 == *major && python.version.1 == *minor);
        let Some(python) = found else {
            println!("skipped: {wanted}: there is no Python {major}.{minor} here");
            continue;
        };
        let place = folder()?.join(format!("peer-{}", python.name()));
        if let Err(error) = fetch(python, requirements, &place) {
            println!("skipped: {wanted}: {error}");
            continue;
        }
        if !pairs.is_empty() {
            pairs.push(":");
        }
        pairs.push(&python.path);
        pairs.push("=");
        pairs.push(&place);
    }
    Ok(pairs)
}

/// Fills the folder, unless an earlier run has.
fn fetch(python: &Python, requirements: &[&str], place: &Path) -> Result<(), String> {
    let words = requirements.join("\n");
    let filled = place.join("requirements.txt");
    if std::fs::read_to_string(&filled).is_ok_and(|of_old| of_old == words) {
        return Ok(());
    }
    if place.exists() {
        std::fs::remove_dir_all(place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    let mut command = pip(&python.path);
    command.args(["install", "--retries", "1", "--timeout", "15", "--target"]).arg(place).args(requirements);
    // What old versions of pip say of themselves.
    execute(command.stderr(Stdio::null()))?;
    std::fs::write(&filled, words).map_err(|error| format!("{}: {error}", filled.display()))
}
