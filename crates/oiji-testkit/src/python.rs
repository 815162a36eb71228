//! The Pythons of this machine, found at run time: a newcomer's may have one, or none.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A Python that runs.
#[derive(Clone, Debug)]
pub struct Python {
    /// Major, minor, micro.
    pub version: (u32, u32, u32),
    /// Its program.
    pub path: PathBuf,
    /// Where packages are that it has besides its own.
    pub(crate) packages: Option<PathBuf>,
}

/// How long one script may run.
const TIMEOUT: Duration = Duration::from_secs(300);

impl Python {
    /// The version as text: `3.13.0`.
    pub fn name(&self) -> String {
        let (major, minor, micro) = self.version;
        format!("{major}.{minor}.{micro}")
    }

    /// The folder of the packages that it has besides its own, where it was given some.
    pub fn packages(&self) -> Option<&Path> {
        self.packages.as_deref()
    }

    /// The highest protocol it knows.
    pub fn highest_protocol(&self) -> u8 {
        match (self.version.0, self.version.1) {
            (2, _) => 2,
            (3, ..=3) => 3,
            (3, ..=7) => 4,
            _ => 5,
        }
    }

    /// What `script` writes to standard output when it is given `stdin`.
    ///
    /// # Errors
    /// What it wrote to standard error, if it failed or took more than five minutes.
    pub fn run(&self, script: &str, stdin: &[u8]) -> Result<Vec<u8>, String> {
        self.run_with(&["-c", script], stdin)
    }

    /// The interpreter, with its packages, and the same whenever it runs.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONIOENCODING", "utf-8").env("PYTHONHASHSEED", "0");
        command
    }

    /// As `run`, with all arguments given.
    ///
    /// # Errors
    /// As for `run`.
    pub fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Result<Vec<u8>, String> {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let mut input = child.stdin.take();
        let mut output = child.stdout.take();
        let mut errors = child.stderr.take();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A script that does not read all of its input is no error.
                let _ = input.as_mut().map(|input| input.write_all(stdin));
            });
            let output = scope.spawn(move || read_all(output.as_mut()));
            let errors = scope.spawn(move || read_all(errors.as_mut()));
            let start = Instant::now();
            let status = loop {
                match child.try_wait() {
                    Ok(Some(status)) => break Ok(status),
                    Ok(None) if start.elapsed() > TIMEOUT => {
                        let _ = child.kill();
                        let _ = child.wait();
                        break Err("it took too long".to_owned());
                    }
                    Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                    Err(error) => break Err(error.to_string()),
                }
            };
            let output = output.join().unwrap_or_default();
            let errors = String::from_utf8_lossy(&errors.join().unwrap_or_default()).into_owned();
            match status {
                Ok(status) if status.success() => Ok(output),
                Ok(status) => Err(format!("Python {}: {status}\n{errors}", self.name())),
                Err(error) => Err(format!("Python {}: {error}\n{errors}", self.name())),
            }
        })
    }
}

fn read_all(from: Option<&mut impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What was read before an error is what there is.
        let _ = from.read_to_end(&mut bytes);
    }
    bytes
}

/// All Pythons of this machine, one for each minor version, the oldest first.
///
/// Looked for under pyenv and on the path. `OIJI_TEST_PYTHONS` takes their place: programs with colons between.
pub fn pythons() -> &'static [Python] {
    static FOUND: OnceLock<Vec<Python>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found = BTreeMap::new();
        for path in candidates() {
            if let Some(python) = probe(&path) {
                found.entry((python.version.0, python.version.1)).or_insert(python);
            }
        }
        found.into_values().collect()
    })
}

/// The Python that a program is, if it is one. It stays the program that is run, as it may set the scene for another.
pub fn python_at(path: &Path) -> Option<Python> {
    probe(path).map(|python| Python { path: path.to_owned(), ..python })
}

/// The newest Python 3, if there is one.
pub fn python3() -> Option<&'static Python> {
    pythons().iter().rev().find(|python| python.version.0 == 3)
}

/// The oldest and the newest Python from 3.8 on, whose `pickletools` know all opcodes.
pub fn recent_pythons() -> Vec<&'static Python> {
    let mut recent = pythons().iter().filter(|python| python.version >= (3, 8, 0));
    let (oldest, newest) = (recent.next(), recent.next_back());
    if oldest.is_none() {
        skip("no Python from 3.8 on to compare with");
    }
    oldest.into_iter().chain(newest).collect()
}

/// Prints that something was not done, and why.
pub fn skip(reason: &str) {
    // Not by `println!`: the test harness keeps that to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

fn candidates() -> Vec<PathBuf> {
    if let Some(given) = std::env::var_os("OIJI_TEST_PYTHONS") {
        return std::env::split_paths(&given).collect();
    }
    let mut paths = Vec::new();
    if let Some(versions) = pyenv_root().and_then(|root| std::fs::read_dir(root.join("versions")).ok()) {
        let mut folders: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        paths.extend(folders.into_iter().rev().map(|folder| folder.join("bin/python")));
    }
    let names = ["python3", "python2", "python2.7"].map(str::to_owned).into_iter();
    paths.extend(names.chain((6..20).map(|minor| format!("python3.{minor}"))).map(PathBuf::from));
    paths
}

fn pyenv_root() -> Option<PathBuf> {
    let asked = || {
        let output = Command::new("pyenv").arg("root").stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        Some(PathBuf::from(text.trim_end()))
    };
    let given = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    given.or_else(asked).or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")))
}

fn probe(path: &Path) -> Option<Python> {
    let script = "import sys; sys.stdout.write('%d %d %d %s' % (sys.version_info[:3] + (sys.executable,)))";
    let output = Command::new(path).args(["-c", script]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let mut words = text.splitn(4, ' ');
    let mut number = || words.next()?.parse().ok();
    let version = (number()?, number()?, number()?);
    let path = words.next().map(PathBuf::from).unwrap_or_else(|| path.to_owned());
    Some(Python { version, path, packages: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_gives_back_what_it_reads() {
        let Some(python) = python3() else {
            return skip("no Python 3 on this machine");
        };
        let script = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])";
        assert_eq!(python.run(script, b"abc").as_deref(), Ok(&b"cba"[..]));
        assert!(python.run("import sys; sys.exit('no')", b"").is_err_and(|error| error.contains("no")));
    }
}
