//! The programs of the tutorial, run one by one, and their files exchanged with every real Python found.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "derive")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use oiji_testkit::{Python, corpus, pythons, skip};
use tempfile::TempDir;

const SCRIPT: &str = include_str!("python/tutorial.py");

/// Chapters of one file, and what each prints when it has loaded it.
const CHAPTERS: [(&str, &str); 7] = [
    ("dump_and_load", "Recipe { name: \"오이지\", cucumbers: 50, salt: 0.25, days: [1, 3, 7], note: None }\n"),
    ("several", "'first'\n{'second': 2}\n[0, 1, 2, 3]\n"),
    ("what_can_be_pickled", EVERYTHING),
    ("state_hooks", "setstate: 2 vegetables, a fresh lid\nJar { vegetables: [\"오이\", \"무\"], opened: 0 }\n"),
    ("training_set", "y = 2 x + 1 misses 3 points by at most 0\n"),
    ("weights", "Line { w: [0.5, -1.5], b: 2.0, answers: [] }\n1.5\n"),
    ("database", "jar 1: Label { text: \"오이지\", year: 2026 }\njar 2: Label { text: \"장아찌\", year: 2026 }\n"),
];

const EVERYTHING: &str = r#"Everything {
    none: (),
    truth: true,
    integer: -7,
    long_integer: 1267650600228229401496703205376,
    float: 0.1,
    byte_string: [
        0,
        128,
        255,
    ],
    unicode_string: "오이지",
    tuple: (
        1,
        "one",
    ),
    list: [
        Some(
            1,
        ),
        None,
    ],
    dict: {
        "salt": 0.25,
        "water": 2.0,
    },
    function: GlobalName {
        module: "kitchen",
        name: "price",
    },
    builtin: GlobalName {
        module: "builtins",
        name: "len",
    },
    class: GlobalName {
        module: "kitchen",
        name: "Label",
    },
    instance: Label {
        text: "cucumbers",
        year: 2026,
    },
}
"#;

const RENAMED: &str = "Line { weights: [0.5, -1.5], bias: 2.0 }\nClassifier { weights: [0.5, -1.5], bias: 2.0 }\n";

const BILLS: &str = "Bill { dish: \"오이지\", total: 7.0 }\nBill { dish: \"깍두기\", total: 3.5 }\n\
    Bill { dish: \"동치미\", total: 14.0 }\n";

const ORDERS: &str = "to the kitchen: 2 오이지\nto the kitchen: 1 깍두기\nto the kitchen: 4 동치미\n";

/// The program of a chapter, as cargo built it: `cargo test` does, `cargo test --test tutorial` alone does not.
fn program(chapter: &str) -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let program = folder.join(chapter).with_extension(std::env::consts::EXE_EXTENSION);
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let sources = sources.split_once(": ").map_or("", |(_, sources)| sources).replace("\\ ", "\0");
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let built = changed(&program);
    let stale = sources.split_whitespace().find(|source| changed(Path::new(&source.replace('\0', " "))) > built);
    assert!(
        built.is_some() && !sources.is_empty() && stale.is_none(),
        "the examples are not built, or not from the sources of now: use `cargo test -p oiji`, or `--examples` first"
    );
    program
}

/// What the program of a chapter prints.
fn run(chapter: &str, arguments: &[&str]) -> String {
    let output = Command::new(program(chapter)).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{chapter} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn python(python: &Python, arguments: &[&str]) -> String {
    let output = python.run_with(&[&["-c", SCRIPT], arguments].concat(), b"");
    String::from_utf8(output.unwrap_or_else(|error| panic!("{error}"))).unwrap()
}

fn path(folder: &TempDir, name: &str, protocol: u8) -> String {
    folder.path().join(format!("{name}.{protocol}.pkl")).to_str().unwrap().to_owned()
}

/// A program that prints where it listens, to talk to.
struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        Server { child, output, address: line.trim_start_matches("listening on ").trim_end().to_owned() }
    }

    /// What it prints until its customer is gone.
    fn end(mut self) -> String {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
        rest
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is over already, but where a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the files of every chapter in every protocol.
fn dump_all() -> TempDir {
    let folder = TempDir::new().unwrap();
    for protocol in 0..=oiji::HIGHEST_PROTOCOL {
        let number = protocol.to_string();
        for (chapter, _) in CHAPTERS {
            run(chapter, &["dump", &path(&folder, chapter, protocol), &number]);
        }
        let (line, classifier) = (path(&folder, "line", protocol), path(&folder, "classifier", protocol));
        run("renamed", &["dump", &line, &classifier, &number]);
    }
    folder
}

#[test]
fn every_chapter_has_its_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chapters = fs::read_dir(folder.join("src/tutorial")).unwrap().map(|entry| entry.unwrap().path());
    let chapters: Vec<PathBuf> = chapters.filter(|path| !path.ends_with("mod.rs")).collect();
    assert_eq!(chapters.len(), CHAPTERS.len() + 2, "renamed and socket are run by themselves");
    for chapter in chapters {
        let program = folder.join("examples").join(chapter.file_name().unwrap());
        assert!(program.exists(), "{} is missing", program.display());
    }
}

#[test]
fn every_program_runs_by_itself() {
    for (chapter, loaded) in CHAPTERS {
        let printed = run(chapter, &[]);
        assert!(printed.ends_with(loaded), "{chapter}: {printed}");
    }
    assert!(run("state_hooks", &[]).contains("getstate: opened 3 times"));
    assert_eq!(run("renamed", &[]), RENAMED);
    let talk = run("socket", &[]);
    assert!(BILLS.lines().chain(ORDERS.lines()).all(|line| talk.contains(line)), "{talk}");
}

#[test]
fn every_program_reads_its_own_files_in_every_protocol() {
    let folder = dump_all();
    for protocol in 0..=oiji::HIGHEST_PROTOCOL {
        for (chapter, loaded) in CHAPTERS {
            assert_eq!(run(chapter, &["load", &path(&folder, chapter, protocol)]), loaded);
        }
        for line in ["line", "weights"] {
            let (line, classifier) = (path(&folder, line, protocol), path(&folder, "classifier", protocol));
            assert_eq!(run("renamed", &["load", &line, &classifier]), RENAMED);
        }
    }
}

#[test]
fn files_are_exchanged_with_every_python() {
    if pythons().is_empty() {
        return skip("no Python here to exchange the tutorial's files with");
    }
    let ours = dump_all();
    for version in pythons() {
        let theirs = TempDir::new().unwrap();
        let note = python(version, &["write", theirs.path().to_str().unwrap()]);
        for protocol in 0..=version.highest_protocol() {
            for (chapter, loaded) in CHAPTERS {
                let file = path(&theirs, chapter, protocol);
                if chapter == "database" && note.contains("no sqlite3") {
                    skip(&format!("Python {} has no sqlite3", version.name()));
                    continue;
                }
                assert_eq!(run(chapter, &["load", &file]), loaded, "Python {}, {chapter}", version.name());
            }
            for (line, classifier) in [("weights", "old_classifier"), ("line", "classifier")] {
                let (line, classifier) = (path(&theirs, line, protocol), path(&theirs, classifier, protocol));
                assert_eq!(run("renamed", &["load", &line, &classifier]), RENAMED, "Python {}", version.name());
            }
        }
        let wrong = python(version, &["check", ours.path().to_str().unwrap()]);
        assert_eq!(wrong, "", "Python {} loads what the examples dumped", version.name());
        println!("Python {}: {}", version.name(), note.trim_end());
    }
}

#[test]
fn objects_go_over_a_socket_to_and_from_every_python() {
    if pythons().is_empty() {
        return skip("no Python here to talk to over a socket");
    }
    for version in pythons() {
        let kitchen = Server::start(Command::new(program("socket")).arg("serve"));
        let port = kitchen.address.rsplit_once(':').unwrap().1;
        assert_eq!(python(version, &["order", port]), "paid\n", "Python {} orders", version.name());
        assert_eq!(kitchen.end(), ORDERS, "Python {} orders", version.name());

        let mut command = Command::new(&version.path);
        let kitchen = Server::start(command.args(["-c", SCRIPT, "serve"]).env("PYTHONDONTWRITEBYTECODE", "1"));
        let address = format!("127.0.0.1:{}", kitchen.address);
        assert_eq!(run("socket", &["order", &address]), BILLS, "Python {} serves", version.name());
        assert_eq!(kitchen.end(), "3 orders\n", "Python {} serves", version.name());
    }
}

#[test]
fn several_objects_of_an_old_notebook_are_read_until_the_end() {
    for name in ["objects_default", "objects_p1", "objects_highest"] {
        let file = corpus().join(format!("producers/notebook-py27/{name}.save"));
        let printed = run("several", &["load", file.to_str().unwrap()]);
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[..2], ["'first'", "{'second': 2}"], "{name}");
        assert!(lines.len() == 3 && lines[2].starts_with("numpy"), "{name}: {printed}");
    }
}
