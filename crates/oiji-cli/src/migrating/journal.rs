//! What is done and what is about to be done, in a file: so that a run that was killed is taken up again, and nothing is lost
//! or done twice.
//!
//! Before a file is replaced, its path goes into the journal with the hashes of its old and new content. Whatever is there
//! afterwards is one of the two, as files are replaced whole.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// The name of a journal, in the folder that is migrated.
pub(crate) const NAME: &str = ".oiji-migrate.journal";

/// A journal of a run with certain rules.
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    /// By path: the hashes of the old and the new content.
    before: HashMap<String, (String, String)>,
}

impl Journal {
    /// Opens the journal in `folder`, or begins one. What other rules did is forgotten.
    pub(crate) fn open(folder: &Path, rules: &str) -> io::Result<Journal> {
        let path = folder.join(NAME);
        let rules = hash(rules.as_bytes());
        let before = match File::open(&path) {
            Ok(file) => read(file, &rules)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut file = match &before {
            Some(_) => File::options().append(true).open(&path)?,
            None => File::create(&path)?,
        };
        match &before {
            // A line that was cut off ends here.
            Some(_) => writeln!(file)?,
            None => writeln!(file, "{}", json!({ "rules": rules }))?,
        }
        Ok(Journal { path, file: Mutex::new(file), before: before.unwrap_or_default() })
    }

    /// Whether a former run did this file already: then it has just this content.
    pub(crate) fn is_done(&self, path: &Path, content: &[u8]) -> bool {
        let entry = self.before.get(&path.display().to_string());
        entry.is_some_and(|(_, new)| *new == hash(content))
    }

    /// Whether a former run took this file, with this content, for one that it would write to another place.
    pub(crate) fn is_copied(&self, path: &Path, content: &[u8]) -> bool {
        let entry = self.before.get(&path.display().to_string());
        entry.is_some_and(|(old, _)| *old == hash(content))
    }

    /// Takes note of what is to be done now.
    pub(crate) fn note(&self, path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
        let line = json!({ "file": path.display().to_string(), "old": hash(old), "new": hash(new) });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())
    }

    /// All is done: there is nothing to be taken up again.
    pub(crate) fn finish(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}

fn read(file: File, rules: &str) -> io::Result<Option<HashMap<String, (String, String)>>> {
    let mut before = HashMap::new();
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let is_same = serde_json::from_str::<Json>(&first).is_ok_and(|line| line["rules"] == rules);
    if !is_same {
        return Ok(None);
    }
    for line in lines {
        // The last line of a run that was killed may be cut off.
        let Ok(entry) = serde_json::from_str::<Json>(&line?) else { continue };
        if let (Some(path), Some(old), Some(new)) =
            (entry["file"].as_str(), entry["old"].as_str(), entry["new"].as_str())
        {
            before.insert(path.to_owned(), (old.to_owned(), new.to_owned()));
        }
    }
    Ok(Some(before))
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
