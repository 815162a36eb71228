//! `cargo xtask bench scan`: our scan beside scanners of others, by verdicts over the labelled files and by speed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;

use crate::run::{cargo, root, run as execute};

const PEERS: &[&str] = &["picklescan", "fickling", "modelscan", "modelaudit-picklescan"];

#[derive(Deserialize)]
struct Labelled {
    file: String,
    expected: String,
}

/// Prints both tables.
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    execute(cargo().args(["build", "--release", "--quiet", "--package", "oiji-cli"]))?;
    let folder = root().join("target/bench-scan");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let python = peers(&folder)?;
    verdicts(&python)?;
    speed(&folder, &python)
}

/// A Python that has the peers, and what fickling wants without saying so.
fn peers(folder: &Path) -> Result<PathBuf, String> {
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    if !python.exists() {
        let found = oiji_testkit::pythons()
            .iter()
            .rev()
            .find(|python| python.version >= (3, 11, 0) && python.version < (3, 13, 0));
        let found = found.ok_or("the peers want a Python 3.11 or 3.12")?;
        execute(Command::new(&found.path).args(["-m", "venv"]).arg(&environment))?;
    }
    execute(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PEERS)
            .arg("typing_extensions"),
    )?;
    Ok(python)
}

fn oiji() -> Command {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Command::new(target.join("release/oiji"))
}

/// What a peer makes of each path, and how many seconds it takes.
fn ask(python: &Path, peer: &str, paths: &[&Path]) -> Result<Vec<(String, f64)>, String> {
    let script = root().join("xtask/src/scan_peers.py");
    let output = Command::new(python).arg(script).arg(peer).args(paths).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let mut words = line.split('\t');
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Of the labelled files: how many dangerous ones each calls clean, and how many harmless ones it does not.
fn verdicts(python: &Path) -> Result<(), String> {
    let folder = root().join("corpus/scan");
    let manifest = fs::read(folder.join("MANIFEST.json")).map_err(|error| error.to_string())?;
    let files: Vec<Labelled> = serde_json::from_slice(&manifest).map_err(|error| error.to_string())?;
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(&file.file)).collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mut rows = vec![("oiji".to_owned(), ours(&paths)?)];
    for peer in PEERS {
        let told = ask(python, peer, &paths)?.into_iter().map(|(verdict, _)| verdict).collect();
        rows.push(((*peer).to_owned(), told));
    }
    println!(
        "\n{:24} {:>10} {:>10} {:>10} {:>12} {:>12}",
        "labelled files", "dangerous", "missed", "no verdict", "harmless", "not clean"
    );
    for (name, verdicts) in rows {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (file, verdict) in files.iter().zip(&verdicts) {
            *counts.entry((&file.expected, verdict)).or_default() += 1;
        }
        let count = |expected, verdict| counts.get(&(expected, verdict)).copied().unwrap_or(0);
        let all = |expected: &str| files.iter().filter(|file| file.expected == expected).count();
        println!(
            "{name:24} {:>10} {:>10} {:>10} {:>12} {:>12}",
            all("dangerous"),
            count("dangerous", "clean"),
            count("dangerous", "error"),
            all("benign"),
            all("benign") - count("benign", "clean"),
        );
        if verdicts.len() < files.len() {
            println!("{name:24} came to an end after {} of {} files", verdicts.len(), files.len());
        }
    }
    Ok(())
}

fn ours(paths: &[&Path]) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct File {
        verdict: String,
    }
    #[derive(Deserialize)]
    struct All {
        files: Vec<File>,
    }
    let output = oiji().args(["scan", "--format", "json"]).args(paths).output().map_err(|error| error.to_string())?;
    let all: All = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let word = |file: File| match file.verdict.as_str() {
        "clean" => "clean",
        "incomplete" => "error",
        _ => "flagged",
    };
    Ok(all.files.into_iter().map(|file| word(file).to_owned()).collect())
}

/// A large file of small records and many small files, made by a real pickle.
const DATA: &str = "
import os, pickle, sys
folder = sys.argv[1]
record = lambda i: {'id': i, 'name': 'record %d' % i, 'price': i * 0.25, 'tags': ['a', 'b', str(i % 100)], 'ok': i % 2 == 0, 'at': (i, i + 1)}
for name, count in (('records.pkl', 1_000_000), ('part.pkl', 20_000)):
    with open(os.path.join(folder, name), 'wb') as file:
        pickle.dump([record(i) for i in range(count)], file, 4)
os.makedirs(os.path.join(folder, 'small'), exist_ok=True)
for i in range(20_000):
    with open(os.path.join(folder, 'small', '%05d.pkl' % i), 'wb') as file:
        pickle.dump({'config': record(i), 'values': list(range(20))}, file, 4)
";

fn speed(folder: &Path, python: &Path) -> Result<(), String> {
    if !folder.join("small/19999.pkl").exists() {
        execute(Command::new(python).args(["-c", DATA]).arg(folder))?;
    }
    let (records, part, small) = (folder.join("records.pkl"), folder.join("part.pkl"), folder.join("small"));
    let size = |path: &Path| path.metadata().map_or(0, |status| status.len()) as f64 / 1e6;
    println!("\n{:24} {:>12} {:>12} {:>22}", "speed", "MB/s", "ratio", "20,000 small files");
    let seconds = |command: &mut Command| {
        let start = Instant::now();
        let output = command.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("our scan of the data: {}", String::from_utf8_lossy(&output.stdout)));
        }
        Ok(start.elapsed().as_secs_f64())
    };
    // The best of three, of one file and so on one core.
    let mut large = f64::MAX;
    let mut many = f64::MAX;
    for _ in 0..3 {
        large = large.min(seconds(oiji().arg("scan").arg(&records))?);
        many = many.min(seconds(oiji().arg("scan").arg(&small))?);
    }
    let rate = size(&records) / large;
    println!("{:24} {rate:>12.1} {:>12} {many:>20.2} s", "oiji", "");
    for peer in PEERS {
        // A fiftieth of the data, and a fiftieth of the files: more would take minutes.
        let told = ask(python, peer, &[&part])?;
        let some: Vec<PathBuf> = (0..400).map(|number| small.join(format!("{number:05}.pkl"))).collect();
        let some: Vec<&Path> = some.iter().map(PathBuf::as_path).collect();
        let files: f64 = ask(python, peer, &some)?.iter().map(|(_, seconds)| seconds).sum::<f64>() * 50.0;
        let Some((verdict, seconds)) = told.first() else {
            println!("{peer:24} gave no verdict");
            continue;
        };
        let theirs = size(&part) / seconds;
        println!("{peer:24} {theirs:>12.2} {:>11.0}x {files:>20.1} s  {verdict}", rate / theirs);
    }
    std::io::stdout().flush().map_err(|error| error.to_string())
}
