//! What commands over many files share: policies from files, files scanned down to their pickles, folders walked.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use oiji::inspect::scan::{Report, Scanner};
use oiji::policy::Policy;
use oiji::store::Store;
use oiji::{ReadOptions, Result};

use crate::compression::Compression;
use crate::content::{Content, unpacked};
use crate::failure::{Failure, complain, explain_io};
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
        ours.map(Ok).chain(self.texts()).collect()
    }

    /// Our own policy with those that were asked for over it.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        self.texts().try_fold(Policy::builtin().clone(), |policy, layer| {
            let (name, text) = layer?;
            policy.with(&text).map_err(|error| Failure::about(&name, error))
        })
    }

    /// The rules that were asked for, each with the name of its file.
    fn texts(&self) -> impl Iterator<Item = Result<(String, String), Failure>> {
        self.files.iter().map(|file| {
            let name = output::name(file);
            match fs::read_to_string(file) {
                Ok(text) => Ok((name, text)),
                Err(error) => Err(Failure::about(&name, explain_io(&error))),
            }
        })
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
    Ok(scanner.scan(Content::of(path).map_err(about)?.bytes()))
}

/// Decompresses what begins as something compressed.
fn unpack(bytes: &[u8], most: u64) -> Option<Result<Vec<u8>>> {
    Some(unpacked(Compression::of(bytes)?, bytes, most))
}

/// A file that was found.
pub(crate) struct Found<'p> {
    pub(crate) path: PathBuf,
    /// The path that it was found by.
    pub(crate) given: &'p Path,
    /// Whether it was met in a folder: then it need not be a pickle.
    pub(crate) is_folder: bool,
}

/// All files that `paths` stand for, and whether some could not be found, which is told.
pub(crate) fn found(paths: &[PathBuf]) -> (Vec<Found<'_>>, bool) {
    let mut all = Vec::new();
    let mut has_failed = false;
    for given in paths {
        match files(given) {
            Ok(files) => {
                let is_folder = files.first() != Some(given);
                all.extend(files.into_iter().map(|path| Found { path, given, is_folder }));
            }
            Err(failure) => {
                complain(&failure);
                has_failed = true;
            }
        }
    }
    (all, has_failed)
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
