//! The command on a large file, as whole processes: time, and peak memory as a share of the file.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A pickle of about a hundred megabytes of small records.
const SCRIPT: &str = "
import pickle, sys
records = [{'id': i, 'name': 'item %d' % i, 'price': i * 0.5, 'ok': True, 'tags': ('a', i), 'note': None}
           for i in range(1900000)]
with open(sys.argv[1], 'wb') as file:
    pickle.dump(records, file, 4)
";

/// Prints a row for each command; nothing of it where there is no Python to make the file, or no built command.
pub(crate) fn print() {
    let Some(oiji) = command() else {
        println!("\nskipped: whole processes, for want of the command (cargo build --release)");
        return;
    };
    let Some(python) = oiji_testkit::python3() else {
        println!("\nskipped: whole processes, for want of a Python 3 to make the file");
        return;
    };
    let folder = std::env::temp_dir().join(format!("oiji-bench-{}", std::process::id()));
    if let Err(error) = std::fs::create_dir_all(&folder) {
        println!("\nskipped: whole processes: {error}");
        return;
    }
    let (file, out) = (folder.join("big.pkl"), folder.join("out.pkl"));
    let made = python.run_with(&["-c", SCRIPT, &file.to_string_lossy()], b"");
    let size = std::fs::metadata(&file).map_or(0, |data| data.len());
    if let Err(error) = made {
        println!("\nskipped: whole processes: {error}");
    } else {
        println!("\nthe command on {:.0} MB of small records (peak memory with the mapped file)\n", size as f64 / 1e6);
        println!("{:28} {:>8} {:>9} {:>12}", "", "seconds", "peak MB", "of the file");
        let path = file.to_string_lossy().into_owned();
        let out = out.to_string_lossy().into_owned();
        let commands: [&[&str]; 4] = [
            &["show", &path],
            &["dis", &path],
            &["convert", &path, "--protocol", "5", "-o", &out],
            &["convert", &path, "--optimize", "-o", &out],
        ];
        for arguments in commands {
            let name = arguments.iter().filter(|word| !word.contains('/')).copied().collect::<Vec<_>>().join(" ");
            match measure(Command::new(&oiji).args(arguments)) {
                Ok((time, peak)) => {
                    let (seconds, megabytes) = (time.as_secs_f64(), peak as f64 / 1e6);
                    println!("{name:28} {seconds:8.2} {megabytes:9.0} {:11.1}x", peak as f64 / size as f64);
                }
                Err(error) => println!("{name:28} {error}"),
            }
        }
    }
    // A folder that cannot be removed is the system's to clean.
    let _ = std::fs::remove_dir_all(&folder);
}

/// The command, built beside this program.
pub(crate) fn command() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name("oiji");
    path.exists().then_some(path)
}

/// How long a process runs, and the most memory it has: asked for again and again until it ends.
///
/// # Errors
/// If it does not begin, or does not end well.
pub(crate) fn measure(command: &mut Command) -> Result<(Duration, u64), String> {
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).spawn();
    let mut child = child.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: Option<u64> =
            line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0) * 1024);
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Ok(Some(status)) if status.success() => return Ok((start.elapsed(), peak)),
            Ok(Some(status)) => return Err(status.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
}
