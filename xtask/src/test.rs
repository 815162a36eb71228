//! `cargo xtask test`

use crate::run::{cargo, run as execute};
use crate::{corpus, python, pythons};

/// Runs all tests of the workspace, and says first what they will be held against; then the Python module's, in the short
/// form: `cargo xtask python` is the long one.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    pythons::run(&[])?;
    corpus::run(&[])?;
    // The library must stand without its features, and with each alone.
    const ALONE: &[&str] = &[
        "",
        "json",
        "serde",
        "class",
        "jiff",
        "chrono",
        "rust_decimal",
        "bigdecimal",
        "num-complex",
        "num-rational",
        "uuid",
        "indexmap",
        "archive",
        "zstd",
        "safetensors",
        "store",
        "sqlite",
        "migrate",
    ];
    for features in ALONE {
        execute(cargo().args(["check", "--package", "oiji", "--no-default-features", "--features", features]))?;
    }
    execute(python::workspace(cargo().arg("test")).arg("--all-features"))?;
    python::run(&["--quick".to_owned()])
}
