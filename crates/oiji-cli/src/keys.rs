//! What `sign` and `verify` share: keys from files and variables, whole files in and out.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use oiji::signed::Key;

use crate::failure::{Failure, explain, explain_io};
use crate::output;
use crate::replace::Replacement;

/// Where keys are; never the keys themselves, which other users of a machine would see.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct KeyArgs {
    /// The key, in a file: all of it but a newline at its end; of several, any may have signed
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,

    /// The key, in an environment variable
    #[arg(long, value_name = "NAME")]
    key_env: Vec<String>,
}

impl KeyArgs {
    /// All keys.
    pub(crate) fn all(&self) -> Result<Vec<Key>, Failure> {
        let mut keys = Vec::new();
        for file in &self.key_file {
            let name = output::name(file);
            let text = fs::read(file).map_err(|error| Failure::about(&name, explain_io(&error)))?;
            keys.push(Key::from_text(&text).map_err(|error| Failure::about(&name, explain(&error)))?);
        }
        for name in &self.key_env {
            let value = std::env::var_os(name).ok_or_else(|| Failure::about(name, "no such environment variable"))?;
            let key = Key::from_text(value.as_encoded_bytes());
            keys.push(key.map_err(|error| Failure::about(name, explain(&error)))?);
        }
        Ok(keys)
    }

    /// The one key to sign with.
    pub(crate) fn one(&self) -> Result<Key, Failure> {
        match <[Key; 1]>::try_from(self.all()?) {
            Ok([key]) => Ok(key),
            Err(keys) => Err(Failure::Message(format!("{} keys; a file is signed with one", keys.len()))),
        }
    }
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let about = |error: io::Error| Failure::about(&output::name(path), explain_io(&error));
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes).map_err(about)?;
        return Ok(bytes);
    }
    // A map could change between check and use; what is checked here is what is written.
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(about)?;
    Ok(bytes)
}

/// Writes a file as a whole, or standard output for `-`.
pub(crate) fn write(path: &Path, parts: &[&[u8]]) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        let mut out = output::stdout();
        let written = parts.iter().try_for_each(|part| out.write_all(part)).and_then(|()| out.flush());
        return written.map_err(Failure::writing);
    }
    let about = |error: io::Error| Failure::about(&output::name(path), explain_io(&error));
    let mut file = Replacement::begin(path).map_err(about)?;
    parts.iter().try_for_each(|part| file.write_all(part)).map_err(about)?;
    file.finish().map_err(about)
}
