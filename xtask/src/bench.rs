//! `cargo xtask bench [DATA]`, `cargo xtask bench python [VERSION…]` and `cargo xtask bench scan`

use std::process::Command;

use oiji_testkit::Python;

use crate::python::{self, Outcome};
use crate::run::{cargo, root, run as execute};
use crate::scan;

/// What the module is held against besides `_pickle`, and what makes a row of the table: each only where pip can fetch it.
const PEERS: &[&str] = &["orjson", "msgspec", "cloudpickle", "numpy"];

/// Runs the benchmark, built for speed.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "python"
    {
        return module(rest);
    }
    if arguments.first().is_some_and(|first| first == "scan") {
        return scan::run(&arguments[1..]);
    }
    // The command itself is measured too, as a process.
    execute(cargo().args(["build", "--release", "--quiet", "--package", "oiji-cli"]))?;
    execute(cargo().args(["run", "--release", "--quiet", "--package", "oiji-bench", "--"]).args(arguments))
}

/// The Python module beside `_pickle`, on the versions named or on 3.11 and 3.13. `--only=ROW,…`, `--rounds=N` and `--sweep` are for
/// the script.
fn module(arguments: &[String]) -> Result<(), String> {
    let (options, mut wanted): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    let default = ["3.11".to_owned(), "3.13".to_owned()];
    if wanted.is_empty() {
        wanted.extend(&default);
    }
    let pythons = python::suitable(&wanted);
    if pythons.is_empty() {
        println!("skipped: {}", python::none_found(&wanted));
    }
    for python in pythons {
        measure(python, &options)?;
    }
    Ok(())
}

fn measure(python: &Python, options: &[&String]) -> Result<(), String> {
    let interpreter = match python::installed(python)? {
        Outcome::Done(interpreter) => interpreter,
        Outcome::Skipped(reason) => {
            println!("skipped: Python {}: {reason}", python.name());
            return Ok(());
        }
    };
    for peer in PEERS {
        // The script names those that are absent.
        let _ = python::fetch(&interpreter, peer);
    }
    execute(Command::new(&interpreter).arg(root().join("crates/oiji-python/benches/bench.py")).args(options))
}
