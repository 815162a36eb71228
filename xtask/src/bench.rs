//! `cargo xtask bench [DATA]`

use crate::run::{cargo, run as execute};

/// Runs the benchmark, built for speed.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    // The command itself is measured too, as a process.
    execute(cargo().args(["build", "--release", "--quiet", "--package", "oiji-cli"]))?;
    execute(cargo().args(["run", "--release", "--quiet", "--package", "oiji-bench", "--"]).args(arguments))
}
