//! `cargo xtask bench [DATA]`

use crate::run::{cargo, run as execute};

/// Runs the benchmark, built for speed.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    execute(cargo().args(["run", "--release", "--quiet", "--package", "oiji-bench", "--"]).args(arguments))
}
