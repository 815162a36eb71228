//! `cargo xtask pythons`

use crate::python;

/// Prints the Pythons found, and which minor versions are absent. `--module`: only the path of the one that the Python
/// module is built for, for scripts; nothing if there is none.
#[expect(clippy::unnecessary_wraps, reason = "all tasks have one type")]
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if arguments.iter().any(|argument| argument == "--module") {
        if let Some(newest) = python::suitable(&[]).pop() {
            println!("{}", newest.path.display());
        }
        return Ok(());
    }
    let found = oiji_testkit::pythons();
    for python in found {
        println!("Python {:8} {}", python.name(), python.path.display());
    }
    let absent: Vec<String> = std::iter::once((2, 7))
        .chain((6..=13).map(|minor| (3, minor)))
        .filter(|wanted| !found.iter().any(|python| (python.version.0, python.version.1) == *wanted))
        .map(|(major, minor)| format!("{major}.{minor}"))
        .collect();
    if !absent.is_empty() {
        println!("skipped: no Python {} here; tests that compare with them are left out", absent.join(", "));
    }
    Ok(())
}
