//! `cargo xtask fuzz [TARGET] [SECONDS]` and `cargo xtask fuzz reach [CASES] [FIRST]`

use crate::run::{cargo, is_there, root, run as execute};

/// The folders of the corpus that have small files of every opcode.
const SEEDS: &[&str] = &["python/3.13.0", "python/3.8.18", "python/2.7.18", "scan"];

/// Runs one fuzz target, or each in turn, for some seconds.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "reach"
    {
        let manifest = root().join("fuzz/Cargo.toml");
        let mut command = cargo();
        command.args(["run", "--release", "--quiet", "--no-default-features", "--bin", "reach", "--manifest-path"]);
        return execute(command.arg(manifest).arg("--").args(rest));
    }
    if !is_there("cargo", &["fuzz", "--version"]) {
        return Err("cargo-fuzz is not here: cargo install cargo-fuzz".to_owned());
    }
    let seconds = arguments.iter().find_map(|word| word.parse::<u32>().ok()).unwrap_or(60);
    let named: Vec<&String> = arguments.iter().filter(|word| word.parse::<u32>().is_err()).collect();
    for target in targets()? {
        if !named.is_empty() && !named.contains(&&target) {
            continue;
        }
        let limit = format!("-max_total_time={seconds}");
        // What it finds goes into the first folder; the corpus is where it begins.
        let found = root().join("fuzz/corpus").join(&target);
        std::fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
        let seeds = oiji_testkit::corpus();
        // Sanitizers and coverage flags are unstable options of the compiler; this lets a stable one take them.
        let mut command = cargo();
        command.env("RUSTC_BOOTSTRAP", "1").args(["fuzz", "run", "--sanitizer", "none", &target]).arg(&found);
        command.args(SEEDS.iter().map(|folder| seeds.join(folder)));
        execute(command.args(["--", &limit, "-rss_limit_mb=4096", "-timeout=20", "-max_len=4096"]))?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
