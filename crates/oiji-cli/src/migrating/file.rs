//! One file: what its bytes become, decompressed, and the same compression around that.

use std::io::{self, Write};
use std::path::Path;

use oiji::rewrite::{Migration, Report};
use oiji::{Error, ErrorKind};

use crate::compression::Compression;
use crate::content::unpacked;
use crate::failure::{Failure, explain, explain_io};
use crate::output;

/// What becomes of a file: other bytes, or nothing.
pub(crate) struct Migrated {
    pub(crate) new: Option<Vec<u8>>,
    /// Another file that goes with it, and is written first.
    pub(crate) beside: Option<(std::path::PathBuf, Vec<u8>)>,
    pub(crate) report: Report,
}

/// What is no pickle and holds none.
pub(crate) fn is_other(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Limit { .. } | ErrorKind::Io(_))
}

/// Migrates the content of the file at `path`.
///
/// # Errors
/// What the library says.
pub(crate) fn migrate(path: &Path, content: &[u8], migration: &Migration, limit: u64) -> Result<Migrated, Error> {
    let beside = |name: &str| {
        let file = path.parent().unwrap_or(Path::new(".")).join(name);
        Ok(std::fs::read(file)?.into())
    };
    let Some(compression) = Compression::of(content) else {
        let (new, report) = migration.migrate_file_beside(content, beside)?;
        return Ok(Migrated { new, report, beside: None });
    };
    let inner = unpacked(compression, content, limit)?;
    let (new, report) =
        migration.migrate_file_beside(&inner, |_| Err(Error::message("no files beside a compressed one")))?;
    let new = new.map(|new| packed(compression, &new)).transpose()?;
    Ok(Migrated { new, report, beside: None })
}

/// Compressed again in the same way.
fn packed(compression: Compression, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    match compression {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::default());
            encoder.write_all(bytes)?;
            out = encoder.finish()?;
        }
        Compression::Zlib => {
            let mut encoder = flate2::write::ZlibEncoder::new(out, flate2::Compression::default());
            encoder.write_all(bytes)?;
            out = encoder.finish()?;
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(out, bzip2::Compression::default());
            encoder.write_all(bytes)?;
            out = encoder.finish()?;
        }
        Compression::Xz => {
            let mut encoder = lzma_rust2::XzWriter::new(out, lzma_rust2::XzOptions::default())?;
            encoder.write_all(bytes)?;
            out = encoder.finish()?;
        }
        Compression::Zstd => out = zstd::encode_all(bytes, zstd::DEFAULT_COMPRESSION_LEVEL)?,
        Compression::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(&mut out);
            encoder.write_all(bytes)?;
            encoder.finish().map_err(io::Error::other)?;
        }
        Compression::Lzma => {
            return Err(Error::message("lzma is read but not written; decompress it first, or compress it by xz"));
        }
    }
    Ok(out)
}

/// An error about a file.
pub(crate) fn failure(path: &Path, error: &Error) -> Failure {
    Failure::about(&output::name(path), explain(error))
}

/// An error of the system about a file.
pub(crate) fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::about(&output::name(path), explain_io(error))
}
