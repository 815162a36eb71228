//! Other Pythons with other versions of NumPy and with Theano, which read what the Python module writes.

use std::ffi::OsString;

use oiji_testkit::python_with;

/// Minor versions, and what pip puts beside each. Theano's last release needs an old NumPy, and so an old Python.
const PEERS: &[((u32, u32), &[&str])] = &[
    ((2, 7), &["numpy==1.16.6", "scipy==1.2.3", "six", "theano==1.0.5"]),
    ((3, 7), &["numpy==1.16.6"]),
    ((3, 8), &["theano==1.0.5", "numpy==1.19.5", "scipy==1.5.4", "six"]),
    ((3, 11), &["numpy==1.26.4"]),
];

/// The value of `OIJI_TEST_PEERS`: those that are here or could be fetched, as `PYTHON=FOLDER` with colons between.
/// A line says which are left out.
pub(crate) fn prepare() -> OsString {
    let mut pairs = OsString::new();
    for (version, packages) in PEERS {
        let Some(python) = python_with(*version, packages) else { continue };
        let Some(folder) = python.packages() else { continue };
        if !pairs.is_empty() {
            pairs.push(":");
        }
        pairs.push(&python.path);
        pairs.push("=");
        pairs.push(folder);
    }
    pairs
}
