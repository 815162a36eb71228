//! oiji against its peers: one table, both sides in turn in one process, ratios of medians; peak memory of each in a
//! process of its own. `cargo xtask bench` runs it.

mod data;
mod memory;
mod processes;
mod sides;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // One side of one job on one data set, for its peak memory.
        ["--peak", data, job, side] => memory::child(data, job, side),
        [] => {
            let status = table::print(None);
            processes::print();
            status
        }
        ["processes"] => {
            processes::print();
            ExitCode::SUCCESS
        }
        [filter] => table::print(Some(filter)),
        _ => {
            eprintln!(
                "oiji-bench [DATA]: all data sets, or those whose name has DATA in it; `processes` for the command alone"
            );
            ExitCode::from(2)
        }
    }
}
