//! What the Python module does with memory: `cargo xtask leaks` and `cargo xtask memcheck`.

use std::path::{Path, PathBuf};
use std::process::Command;

use oiji_testkit::Python;

use crate::python::{self, Outcome};
use crate::run::{is_there, root, run as execute};

/// What runs under valgrind: streams and hooks that mean harm, and whatever writes past the interpreter's functions.
const CHECKED: &[&str] = &[
    "test_unnoticed",
    "test_state",
    "test_again",
    "test_calls",
    "test_lone",
    "test_compact",
    "test_notes",
    "test_corpus",
    "apart",
];

/// Each test several times on a debug build of Python, which counts references: nothing may be left behind. The build is the
/// program named, or one on the path (`python3.11-dbg`).
pub(crate) fn leaks(arguments: &[String]) -> Result<(), String> {
    let Some(python) = debug_python(arguments) else {
        println!("skipped: references are not counted: there is no debug build of CPython 3.9 to 3.13 here");
        println!("  one is `python3.11-dbg` of Debian (with libpython3.11-testsuite), or what `--with-pydebug` makes");
        return Ok(());
    };
    let Some(interpreter) = installed(&python, &format!("{}-debug", python.name()))? else { return Ok(()) };
    if !is_there(&interpreter.to_string_lossy(), &["-c", "import test.pickletester"]) {
        return Err(format!("{}: it has no tests of its own: test.pickletester", python.path.display()));
    }
    let mut command = Command::new(interpreter);
    command.arg(tests().join("conformance/leaks.py")).arg("oiji").env("OIJI_TEST_ROUNDS", "0.1");
    execute(&mut command)
}

/// The tests that mean harm, under valgrind, on the version named or the newest: no memory may be read or written that is
/// not the reader's or writer's to read or write.
pub(crate) fn memcheck(arguments: &[String]) -> Result<(), String> {
    if !is_there("valgrind", &["--version"]) {
        println!("skipped: there is no valgrind here");
        return Ok(());
    }
    let wanted: Vec<&String> = arguments.iter().collect();
    let Some(python) = python::suitable(&wanted).pop() else {
        println!("skipped: {}", python::none_found(&wanted));
        return Ok(());
    };
    let Some(interpreter) = installed(python, &python.name())? else { return Ok(()) };
    let mut failed = Vec::new();
    for name in CHECKED {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--error-exitcode=99", "--num-callers=30"]);
        command.arg(&interpreter).args(["-W", "ignore", "-m", "unittest", name]).current_dir(tests());
        // Its own allocator would hide from valgrind what is freed.
        command.env("PYTHONMALLOC", "malloc").env("OIJI_TEST_ROUNDS", "0.1");
        if execute(&mut command).is_err() {
            failed.push(*name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}

fn tests() -> PathBuf {
    root().join("crates/oiji-python/tests")
}

/// The interpreter of the environment of that name; none, and a line that says so, if the module cannot be built there.
fn installed(python: &Python, name: &str) -> Result<Option<PathBuf>, String> {
    Ok(match python::installed_as(python, name)? {
        Outcome::Done(interpreter) => Some(interpreter),
        Outcome::Skipped(reason) => {
            println!("skipped: Python {name}: {reason}");
            None
        }
    })
}

/// The newest Python that counts references, of the programs named or on the path.
fn debug_python(named: &[String]) -> Option<Python> {
    let on_path = (9..=13).rev().flat_map(|minor| [format!("python3.{minor}-dbg"), format!("python3.{minor}d")]);
    let programs: Vec<String> = if named.is_empty() { on_path.collect() } else { named.to_vec() };
    let counts = ["-c", "import sys; sys.gettotalrefcount()"];
    let found = programs.iter().find(|program| is_there(program, &counts))?;
    oiji_testkit::python_at(Path::new(found))
}
