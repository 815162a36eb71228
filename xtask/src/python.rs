//! `cargo xtask python`: the Python module, built, installed and judged by the tests of `crates/oiji-python/tests`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oiji_testkit::Python;

use crate::peers;
use crate::run::{is_there, root, run as execute};

/// One of our own test files.
struct Test {
    name: &'static str,
    /// Whether it asks for what `_pickle` has not.
    ours_alone: bool,
    /// Whether it tells if fast ways, which rest on the layout of one version, are right on it.
    of_each_version: bool,
}

const fn test(name: &'static str, ours_alone: bool, of_each_version: bool) -> Test {
    Test { name, ours_alone, of_each_version }
}

const TESTS: &[Test] = &[
    test("test_surface", false, true),
    test("test_stubs", true, true),
    test("test_unnoticed", false, true),
    test("test_same_bytes", false, true),
    test("test_lone", false, true),
    test("test_compact", false, true),
    test("test_state", false, true),
    test("test_again", false, true),
    test("test_calls", false, true),
    test("test_corpus", false, true),
    test("test_differential", false, false),
    test("test_stress", false, false),
    test("test_depth", true, false),
    test("test_notes", true, true),
    test("test_others", false, false),
    test("test_archive", true, false),
    test("test_archive_ties", true, false),
    test("test_archive_members", true, false),
    test("test_archive_edit", true, false),
    test("test_archive_theano", true, false),
    test("test_safe", true, false),
    test("test_guard", true, false),
    test("test_migrate", true, false),
];

/// What builds on pickle, by module and package: tests hold the module against those that are there.
const PACKAGES: &[(&str, &str)] = &[
    ("numpy", "numpy"),
    ("joblib", "joblib"),
    ("cloudpickle", "cloudpickle"),
    ("dill", "dill"),
    ("pandas", "pandas"),
    ("sklearn", "scikit-learn"),
];

/// Those of ours that take longest.
const SLOW: &[&str] = &["test_depth"];

/// How much of the tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Without the slowest of ours, and without the other test files of the standard library.
    Quick,
    /// Those of each version, with few random graphs.
    Short,
}

/// Builds the module for each interpreter of the versions named (`3.13`; all from 3.9 to 3.13 if none is), and runs its
/// tests there. `--quick`: those that do not take long, on the newest, and on the others what rests on the version.
/// `--reference`: the tests on `_pickle` itself, to judge the judge; nothing is built.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let reference = arguments.iter().any(|argument| argument == "--reference");
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let mut pythons = suitable(&wanted);
    // The newest first.
    pythons.reverse();
    if pythons.is_empty() {
        println!("skipped: the Python module: {}", none_found(&wanted));
        return Ok(());
    }
    // Fetching Theano takes a while the first time.
    let peers = if quick || reference { OsString::new() } else { peers::prepare() };
    let mut summary = Vec::new();
    let mut failed = false;
    let mut extent = if quick { Extent::Quick } else { Extent::Whole };
    for python in pythons {
        let outcome = judge(python, extent, reference, &peers);
        let line = match outcome {
            Ok(Outcome::Done(())) if extent == Extent::Short => "passed what rests on the version".to_owned(),
            Ok(Outcome::Done(())) => "passed".to_owned(),
            Ok(Outcome::Skipped(reason)) => format!("skipped: {reason}"),
            Err(ref error) => {
                failed = true;
                format!("FAILED: {error}")
            }
        };
        if quick && !matches!(outcome, Ok(Outcome::Skipped(_))) {
            extent = Extent::Short;
        }
        summary.push(format!("Python {:8} {line}", python.name()));
    }
    println!("\nThe Python module:\n{}", summary.join("\n"));
    if failed { Err("the Python module does not pass".to_owned()) } else { Ok(()) }
}

/// What came of something that not every machine can do.
pub(crate) enum Outcome<T> {
    Done(T),
    Skipped(&'static str),
}

/// The interpreters that the module can be built for, of the versions named or of all, the oldest first.
pub(crate) fn suitable(wanted: &[&String]) -> Vec<&'static Python> {
    let mut found: Vec<&Python> = oiji_testkit::pythons()
        .iter()
        .filter(|python| python.version.0 == 3 && (9..=13).contains(&python.version.1))
        .filter(|python| wanted.is_empty() || wanted.iter().any(|name| is_version(python, name)))
        .filter(|python| runs(&python.path, &["-c", "import sys; sys.exit(sys.implementation.name != 'cpython')"]))
        .collect();
    found.sort_by_key(|python| python.version);
    found
}

/// Why `suitable` has nothing.
pub(crate) fn none_found(wanted: &[&String]) -> String {
    let names: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
    let versions = if names.is_empty() { "from 3.9 to 3.13".to_owned() } else { names.join(", ") };
    format!("there is no CPython {versions} here (`cargo xtask pythons` lists those found)")
}

/// Makes `cargo TASK` one for the whole workspace: with the module if there is a Python that it can be built for.
pub(crate) fn workspace(command: &mut Command) -> &mut Command {
    command.arg("--workspace");
    if let Some(newest) = suitable(&[]).pop() {
        // Else the first `python` on the path counts, which may be too old.
        command.env("PYO3_PYTHON", &newest.path)
    } else {
        println!("skipped: building crates/oiji-python: {}", none_found(&[]));
        command.args(["--exclude", "oiji-python"])
    }
}

fn is_version(python: &Python, name: &str) -> bool {
    let full = python.name();
    full == name || full.starts_with(&format!("{name}."))
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    is_there(&program.to_string_lossy(), arguments)
}

/// All tests on one interpreter; an error names those that failed.
fn judge(python: &Python, extent: Extent, reference: bool, peers: &OsStr) -> Result<Outcome<()>, String> {
    let (interpreter, module) = if reference {
        (python.path.clone(), "reference")
    } else {
        match installed(python)? {
            Outcome::Done(interpreter) => {
                for (module, package) in PACKAGES {
                    // The others are large.
                    let is_wanted = match extent {
                        Extent::Whole => true,
                        Extent::Quick => ["numpy", "joblib"].contains(module),
                        Extent::Short => false,
                    };
                    if is_wanted
                        && !runs(&interpreter, &["-c", &format!("import {module}")])
                        && fetch(&interpreter, package).is_err()
                    {
                        println!("skipped: what needs {package}: pip cannot fetch it");
                    }
                }
                (interpreter, "oiji")
            }
            Outcome::Skipped(reason) => return Ok(Outcome::Skipped(reason)),
        }
    };
    let tests = root().join("crates/oiji-python/tests");
    let mut failed = Vec::new();
    for Test { name, ours_alone, of_each_version } in TESTS {
        // All skipped is a failure to some versions of unittest.
        let is_wanted = match extent {
            Extent::Whole => true,
            Extent::Quick => !SLOW.contains(name),
            Extent::Short => *of_each_version,
        };
        if !is_wanted || reference && *ours_alone {
            continue;
        }
        let mut command = Command::new(&interpreter);
        command.args(["-W", "ignore", "-m", "unittest", name]).current_dir(&tests);
        command.env("OIJI_TEST_MODULE", module).env("OIJI_TEST_PEERS", peers);
        if extent == Extent::Short {
            command.env("OIJI_TEST_ROUNDS", "0.2");
        }
        if execute(&mut command).is_err() {
            failed.push(*name);
        }
    }
    let mut conformance = Command::new(&interpreter);
    conformance.arg(tests.join("conformance/run.py")).arg(module);
    conformance.arg("--json").arg(folder()?.join(format!("conformance-{}.json", python.name())));
    if extent == Extent::Quick {
        conformance.arg("--quick");
    }
    if extent != Extent::Short && execute(&mut conformance).is_err() {
        failed.push("conformance");
    }
    if failed.is_empty() { Ok(Outcome::Done(())) } else { Err(failed.join(", ")) }
}

/// The interpreter of an environment of its own, with the module built for it and installed.
pub(crate) fn installed(python: &Python) -> Result<Outcome<PathBuf>, String> {
    installed_as(python, &python.name())
}

/// As `installed`, in the environment of that name.
pub(crate) fn installed_as(python: &Python, name: &str) -> Result<Outcome<PathBuf>, String> {
    if !runs(&python.path, &["-c", "import venv, ensurepip"]) {
        return Ok(Outcome::Skipped("it has no venv or no pip"));
    }
    let environment = folder()?.join(name);
    let interpreter = environment.join("bin/python");
    // Left whole by the last run, or made anew.
    if !runs(&interpreter, &["-m", "pip", "--version"]) {
        execute(Command::new(&python.path).args(["-m", "venv", "--clear"]).arg(&environment))?;
    }
    let Some(wheel) = build(&interpreter)? else {
        return Ok(Outcome::Skipped("pip cannot fetch maturin, which builds it: is there a network?"));
    };
    execute(pip(&interpreter).args(["install", "--force-reinstall", "--no-deps"]).arg(wheel))?;
    Ok(Outcome::Done(interpreter))
}

/// The wheel for this interpreter; none if maturin is not to be had.
fn build(interpreter: &Path) -> Result<Option<PathBuf>, String> {
    let maturin = ["-m", "maturin", "--version"];
    if !runs(interpreter, &maturin) {
        let fetched = fetch(interpreter, "maturin>=1.16,<2");
        if fetched.is_err() || !runs(interpreter, &maturin) {
            return Ok(None);
        }
    }
    let folder = interpreter.with_file_name("wheels");
    if folder.exists() {
        // Only one wheel may lie there.
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut command = Command::new(interpreter);
    command.args(["-m", "maturin", "build", "--release", "--interpreter"]).arg(interpreter);
    command.arg("--out").arg(&folder).current_dir(root().join("crates/oiji-python"));
    execute(&mut command)?;
    let wheels = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let wheel =
        wheels.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "whl"));
    wheel.map(Some).ok_or_else(|| "maturin built no wheel".to_owned())
}

/// Installs something from the index, without much patience where there is no network.
pub(crate) fn fetch(interpreter: &Path, requirement: &str) -> Result<(), String> {
    execute(pip(interpreter).args(["install", "--retries", "1", "--timeout", "15", requirement]))
}

fn pip(interpreter: &Path) -> Command {
    let mut command = Command::new(interpreter);
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).stdin(Stdio::null());
    command
}

/// The folder for environments and reports, absolute: programs are run from other folders.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let folder = std::path::absolute(root().join("target/python")).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}
