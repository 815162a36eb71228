//! A ZIP without the bytes that belong to no member: what editing leaves behind.

use std::fs::File;
use std::io::Write;

use rawzip::{RECOMMENDED_BUFFER_SIZE, ZipArchive};

use crate::archive::zip::{ZipWriter, broken, invalid};
use crate::error::Result;

/// Writes all members of the ZIP in `file` to another, each as it stands, compressed or not.
///
/// # Errors
/// `InvalidArchive` for a ZIP that is broken; `Io`.
pub(crate) fn compact(file: &File, to: impl Write) -> Result<()> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file.try_clone()?, &mut buffer).map_err(|error| broken(&error))?;
    let mut zip = ZipWriter::new(to);
    let mut entries = archive.entries(&mut buffer);
    while let Some(found) = entries.next_entry().map_err(|error| broken(&error))? {
        let name = found.file_path().as_bytes().to_vec();
        let about = |problem: &str| invalid(format!("member {} {problem}", String::from_utf8_lossy(&name)));
        if found.flags().is_encrypted() {
            return Err(about("is encrypted"));
        }
        if found.is_dir() {
            continue;
        }
        let method = found.compression_method();
        let entry = archive.get_entry(found.wayfinder()).map_err(|error| about(&error.to_string()))?;
        let mut raw = entry.reader();
        let sum = raw.claim_verifier();
        zip.raw_member(&name, method, sum, &mut raw)?;
    }
    zip.finish().map(drop)
}
