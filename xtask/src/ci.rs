//! `cargo xtask ci`

use std::process::Command;

use crate::run::{root, run as execute};

/// All that must hold before a change lands.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    execute(Command::new("bash").arg(".ci/run").current_dir(root()))
}
