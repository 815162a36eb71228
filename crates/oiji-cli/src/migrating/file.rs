//! One file: what its bytes become, decompressed, and the same compression around that.

use std::io::{self, Write};
use std::path::Path;

use oiji::rewrite::{Migration, Report};
use oiji::store::{Format, Store};
use oiji::{Error, ErrorKind, ReadOptions};

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
    /// How many values are no pickles, where pickles should stand.
    pub(crate) others: u64,
}

impl Migrated {
    /// What becomes of a file that stands alone.
    fn alone((new, report): (Option<Vec<u8>>, Report)) -> Migrated {
        Migrated { new, beside: None, report, others: 0 }
    }
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
    if let Some(head) = head_of_django(content) {
        // When it expires, then the value packed by zlib.
        let (head, value) = content.split_at(head);
        let (new, report) = repacked(Compression::Zlib, value, migration, limit)?;
        return Ok(Migrated::alone((new.map(|new| [head, &new].concat()), report)));
    }
    match Compression::of(content) {
        None => migration.migrate_file_beside(content, beside).map(Migrated::alone),
        Some(compression) => repacked(compression, content, migration, limit).map(Migrated::alone),
    }
}

/// What becomes of what is compressed, compressed again in the same way.
pub(crate) fn repacked(
    compression: Compression,
    content: &[u8],
    migration: &Migration,
    limit: u64,
) -> Result<(Option<Vec<u8>>, Report), Error> {
    let inner = unpacked(compression, content, limit)?;
    let (new, report) =
        migration.migrate_file_beside(&inner, |_| Err(Error::message("no files beside a compressed one")))?;
    Ok((new.map(|new| packed(compression, &new)).transpose()?, report))
}

/// How long the first pickle of a file of Django's cache is.
fn head_of_django(content: &[u8]) -> Option<usize> {
    if !Store::may_be(content) || Store::from_slice(content).ok()?.format() != Format::DjangoFile {
        return None;
    }
    let options = ReadOptions::new();
    let mut pickles = options.pickles(content);
    pickles.next()?.ok()?;
    usize::try_from(pickles.offset()).ok()
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
            let mut encoder = lzma_rust2::LzmaWriter::new_use_header(out, &lzma_rust2::LzmaOptions::default(), None)?;
            encoder.write_all(bytes)?;
            out = encoder.finish()?;
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
