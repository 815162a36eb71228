//! What `scan` and `trace` share: policies from files, files opened down to their pickles, folders walked.

use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use oiji::inspect::scan::{Report, Scanner};
use oiji::policy::Policy;
use oiji::store::Store;
use oiji::{Error, ErrorKind, ReadOptions, Result};
use oiji_mmap::Map;

use crate::compression::Compression;
use crate::failure::{Failure, explain_io};
use crate::output;

/// By what a file is judged.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// Rules to put over our own; of several, later ones count
    #[arg(long = "policy", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl PolicyArgs {
    /// The rules of all, each with the name of its file, ours first.
    pub(crate) fn layers(&self) -> Result<Vec<(String, String)>, Failure> {
        let ours = Policy::builtin_rules().iter().map(|(name, text)| (format!("oiji's {name}"), (*text).to_owned()));
        let mut layers: Vec<(String, String)> = ours.collect();
        for file in &self.files {
            let name = output::name(file);
            let text = fs::read_to_string(file).map_err(|error| Failure::about(&name, explain_io(&error)))?;
            layers.push((name, text));
        }
        Ok(layers)
    }

    /// Our own policy with those that were asked for over it.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        let mut policy = Policy::builtin().clone();
        for file in &self.files {
            let name = output::name(file);
            let text = fs::read_to_string(file).map_err(|error| Failure::about(&name, explain_io(&error)))?;
            policy = policy.with(&text).map_err(|error| Failure::about(&name, error))?;
        }
        Ok(policy)
    }
}

/// Scans one file, or standard input for `-`.
pub(crate) fn scan(path: &Path, policy: &Policy) -> Result<Report, Failure> {
    let scanner = Scanner::new(policy).unpack(&unpack);
    let about = |error: io::Error| Failure::about(&output::name(path), explain_io(&error));
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::about("standard input", explain_io(&error)))?;
        return Ok(scanner.scan(&bytes));
    }
    // The values of dbm.dumb are told by a file beside them.
    if path.extension().is_some_and(|ending| ending == "dat")
        && let Ok(Some(store)) = Store::find(path, &ReadOptions::new())
    {
        return Ok(scanner.scan_store(&store));
    }
    let mut file = File::open(path).map_err(about)?;
    let status = file.metadata().map_err(about)?;
    // Small files are read sooner than they are mapped.
    const SMALL: u64 = 1 << 16;
    if status.is_file()
        && status.len() > SMALL
        && let Ok(map) = Map::of(&file)
    {
        return Ok(scanner.scan(&map));
    }
    let mut bytes = Vec::with_capacity(status.len().min(SMALL) as usize + 1);
    file.read_to_end(&mut bytes).map_err(about)?;
    Ok(scanner.scan(&bytes))
}

/// Decompresses what begins as something compressed.
fn unpack(bytes: &[u8], most: u64) -> Option<Result<Vec<u8>>> {
    let compression = Compression::of(bytes)?;
    let reader = compression.reader(BufReader::new(Cursor::new(bytes.to_vec())));
    let mut out = Vec::new();
    Some(match reader.take(most.saturating_add(1)).read_to_end(&mut out) {
        Err(error) => Err(Error::from(ErrorKind::Io(error))),
        Ok(count) if count as u64 > most => Err(ErrorKind::Limit { limit: "bytes", allowed: most }.into()),
        Ok(_) => Ok(out),
    })
}

/// The files that a path stands for: itself, or all files below it, in order. Links are not followed.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if path.as_os_str() == "-" || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let about = |error: io::Error| Failure::about(&output::name(&folder), explain_io(&error));
        for entry in fs::read_dir(&folder).map_err(about)? {
            let entry = entry.map_err(about)?;
            let kind = entry.file_type().map_err(about)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
