//! `cargo xtask test`

use crate::run::{cargo, run as execute};
use crate::{corpus, pythons};

/// Runs all tests of the workspace, and says first what they will be held against.
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
    ];
    for features in ALONE {
        execute(cargo().args(["check", "--package", "oiji", "--no-default-features", "--features", features]))?;
    }
    execute(cargo().args(["test", "--workspace", "--all-features"]))
}
