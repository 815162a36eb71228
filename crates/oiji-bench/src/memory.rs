//! Peak memory: each side does its job once in a process of its own, which tells how far its resident memory rose.

use std::process::{Command, ExitCode};

use crate::data::DATA;
use crate::sides::{self, Side};

/// How many bytes the peak of a side rises above what it holds before the job.
///
/// # Errors
/// Where the system does not tell, or the side fails.
pub(crate) fn peak(data: &str, job: &str, side: Side) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["--peak", data, job, if side == Side::Oiji { "oiji" } else { "peer" }])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What the child process does.
pub(crate) fn child(data: &str, job: &str, side: &str) -> ExitCode {
    let side = if side == "oiji" { Side::Oiji } else { Side::SerdePickle };
    let inputs = match DATA.iter().find(|set| set.name == data) {
        Some(set) => match set.pickle() {
            Ok(pickle) => vec![pickle],
            Err(error) => return fail(&error),
        },
        None => crate::data::corpus(),
    };
    match rise(|| sides::time(&inputs, job, side)) {
        Ok(peak) => {
            println!("{peak}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

/// How many bytes the peak of this process rises while it does `work`.
///
/// # Errors
/// Where the system does not tell, or the work fails.
pub(crate) fn rise<T>(work: impl FnOnce() -> Result<T, String>) -> Result<u64, String> {
    // The peak so far is forgotten, so that making the data does not count.
    std::fs::write("/proc/self/clear_refs", "5").map_err(|_| "this system does not tell peaks of memory")?;
    let before = status("VmRSS:").ok_or("no /proc/self/status")?;
    let result = work()?;
    let after = status("VmHWM:").ok_or("no /proc/self/status")?;
    drop(result);
    Ok(after.saturating_sub(before))
}

fn fail(error: &str) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
