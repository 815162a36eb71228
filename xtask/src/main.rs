//! The tasks of this repository. `cargo xtask` lists them; `cargo xtask test` is the one to begin with.

mod bench;
mod ci;
mod corpus;
mod fuzz;
mod memory;
mod peers;
mod python;
mod pythons;
mod run;
mod scan;
mod test;

use std::process::ExitCode;

/// A task: its name, what it does, and the function that does it with the arguments given.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<(), String>,
}

const TASKS: &[Task] = &[
    Task { name: "test", about: "all tests, with all they need set up", run: test::run },
    Task { name: "ci", about: "all that must hold before a change lands: .ci/run", run: ci::run },
    Task {
        name: "bench",
        about: "oiji against its peers, all data sets or the one named; `bench python`: its module; `bench scan`: its scan",
        run: bench::run,
    },
    Task { name: "corpus", about: "every corpus file against its manifest", run: corpus::run },
    Task {
        name: "fuzz",
        about: "each fuzz target (or the one named) for SECONDS, by cargo-fuzz; `fuzz reach CASES`",
        run: fuzz::run,
    },
    Task {
        name: "leaks",
        about: "the Python module on a debug build of Python, references counted",
        run: memory::leaks,
    },
    Task { name: "memcheck", about: "the Python module's tests that mean harm, under valgrind", run: memory::memcheck },
    Task { name: "python", about: "the Python module on each interpreter, or the versions named", run: python::run },
    Task { name: "pythons", about: "the Pythons that tests will use", run: pythons::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        println!("cargo xtask TASK\n");
        for task in TASKS {
            println!("  {:8} {}", task.name, task.about);
        }
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("xtask: no task {name}; `cargo xtask` lists them");
        return ExitCode::from(2);
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error}");
            ExitCode::FAILURE
        }
    }
}
