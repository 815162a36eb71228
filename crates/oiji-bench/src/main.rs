//! oiji against its peers: one table, both sides in turn in one process, ratios of medians; peak memory of each in a
//! process of its own. `cargo xtask bench` runs it.

mod archives;
mod data;
mod formats;
mod memory;
mod migration;
mod processes;
mod sides;
mod table;
mod typed;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // One side of one job on one data set, for its peak memory.
        ["--peak", data, job, side] => memory::child(data, job, side),
        ["--typed-peak", data, job, format] => typed::child(data, job, format),
        ["--archive-sum", path] => match archives::sum(Path::new(path)) {
            Ok(sum) => {
                println!("{sum}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                ExitCode::FAILURE
            }
        },
        [] => {
            let status = table::print(None);
            typed::print(None);
            archives::print();
            migration::print();
            processes::print();
            status
        }
        ["processes"] => {
            processes::print();
            ExitCode::SUCCESS
        }
        ["migrate"] => {
            migration::print();
            ExitCode::SUCCESS
        }
        ["archives"] => {
            archives::print();
            ExitCode::SUCCESS
        }
        ["typed"] => {
            typed::print(None);
            ExitCode::SUCCESS
        }
        [filter] => {
            let status = table::print(Some(filter));
            typed::print(Some(filter));
            status
        }
        _ => {
            eprintln!(
                "oiji-bench [DATA]: all data sets, or those whose name has DATA in it; `typed` for the Rust types, \
                 `archives` for those of 1 GB, `migrate` for migration, `processes` for the command alone"
            );
            ExitCode::from(2)
        }
    }
}
