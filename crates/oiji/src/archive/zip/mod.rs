//! ZIP files: the only place that knows the crates which read and write them. Members are looked at where they stand, so
//! that those which are stored borrow from the file.
//!
//! It knows nothing of arrays and pickles. Names are bytes here: old archives have names in no stated encoding, which
//! their pickles repeat byte for byte.

mod ahead;
mod compact;
mod directory;
#[cfg(feature = "migrate")]
mod rewrite;
mod write;

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use rustc_hash::FxHashMap;
#[cfg(feature = "zstd")]
use zstd::stream::read::Decoder as ZstdDecoder;

pub(crate) use ahead::Ahead;
pub(crate) use compact::compact;
pub(crate) use directory::{Directory, read_member};
#[cfg(feature = "migrate")]
pub(crate) use rewrite::rewritten;
pub(crate) use write::ZipWriter;

use crate::archive::Compression;
use crate::archive::progress::Told;
use crate::error::{Error, ErrorKind, Result};

/// A ZIP in memory, or mapped.
pub(crate) struct Zip<'a> {
    archive: ZipSliceArchive<&'a [u8]>,
    members: Vec<ZipMember>,
    /// The members of each name, in order.
    by_name: FxHashMap<Vec<u8>, Vec<usize>>,
    /// No member may become larger than this.
    limit: u64,
}

/// What the directory of a ZIP says of a member.
#[derive(Clone, Debug)]
pub(crate) struct ZipMember {
    pub(crate) raw_name: Vec<u8>,
    /// Bytes, decompressed.
    pub(crate) size: u64,
    /// Bytes in the file.
    pub(crate) stored_size: u64,
    method: CompressionMethod,
    is_encrypted: bool,
    place: ZipArchiveEntryWayfinder,
}

impl ZipMember {
    /// Its name as text. ZIP's own code page, which Python 2 and others write without meaning it, is not asked.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.raw_name)
    }

    pub(crate) fn compression(&self) -> Compression {
        compression(self.method)
    }
}

fn compression(method: CompressionMethod) -> Compression {
    match method {
        CompressionMethod::STORE => Compression::Stored,
        CompressionMethod::DEFLATE => Compression::Deflated,
        CompressionMethod::ZSTD => Compression::Zstd,
        other => Compression::Other(other.as_u16()),
    }
}

/// What `raw` was before it was compressed; or what is wrong with the compression.
fn decoder<'r>(compression: Compression, raw: impl BufRead + 'r) -> std::result::Result<Box<dyn Read + 'r>, String> {
    match compression {
        Compression::Stored => Ok(Box::new(raw)),
        Compression::Deflated => Ok(Box::new(DeflateDecoder::new(raw))),
        #[cfg(feature = "zstd")]
        Compression::Zstd => match ZstdDecoder::with_buffer(raw) {
            Ok(decoder) => Ok(Box::new(decoder)),
            Err(error) => Err(error.to_string()),
        },
        #[cfg(not(feature = "zstd"))]
        Compression::Zstd => Err("is compressed by zstd, which is read with the feature zstd".to_owned()),
        Compression::Other(method) => Err(format!("is compressed by method {method}, which is not read here")),
    }
}

impl<'a> Zip<'a> {
    /// Whether some bytes begin as a ZIP does.
    pub(crate) fn is_zip(bytes: &[u8]) -> bool {
        bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
    }

    /// The ZIP in `bytes`. No member larger than `limit` will be read.
    ///
    /// # Errors
    /// `InvalidArchive` if there is no directory, or a broken one.
    pub(crate) fn new(bytes: &'a [u8], limit: u64) -> Result<Zip<'a>> {
        let archive = ZipArchive::from_slice(bytes).map_err(|error| broken(&error))?;
        let mut members = Vec::new();
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().map_err(|error| broken(&error))? {
            if entry.is_dir() {
                continue;
            }
            members.push(ZipMember {
                raw_name: entry.file_path().as_bytes().to_vec(),
                size: entry.uncompressed_size_hint(),
                stored_size: entry.compressed_size_hint(),
                method: entry.compression_method(),
                is_encrypted: entry.flags().is_encrypted(),
                place: entry.wayfinder(),
            });
        }
        let mut by_name: FxHashMap<Vec<u8>, Vec<usize>> = FxHashMap::default();
        for (index, member) in members.iter().enumerate() {
            by_name.entry(member.raw_name.clone()).or_default().push(index);
        }
        Ok(Zip { archive, members, by_name, limit })
    }

    /// Its members, in the order of the directory. Several may have one name.
    pub(crate) fn members(&self) -> &[ZipMember] {
        &self.members
    }

    /// The last member with a name: the one that readers by name find.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        self.all(name).last().copied()
    }

    /// All members with a name, in order.
    pub(crate) fn all(&self, name: &[u8]) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Where the bytes of a member begin in the file.
    ///
    /// # Errors
    /// `InvalidArchive` if they are not there.
    pub(crate) fn offset(&self, index: usize) -> Result<u64> {
        let entry = self.archive.get_entry(self.members[index].place).map_err(|error| self.broken(index, &error))?;
        Ok(entry.compressed_data_range().0)
    }

    /// The bytes of a member: borrowed if it is stored, and checked against its checksum if it is not.
    ///
    /// # Errors
    /// `InvalidArchive` with the member's name; `Limit` if it becomes too large.
    pub(crate) fn read(&self, index: usize) -> Result<Cow<'a, [u8]>> {
        self.read_with(index, &mut |_| {})
    }

    /// As `read`, and tells of the bytes that are decompressed.
    pub(crate) fn read_with(&self, index: usize, told: &mut dyn FnMut(u64)) -> Result<Cow<'a, [u8]>> {
        let member = &self.members[index];
        let raw = self.raw(index)?;
        if member.compression() == Compression::Stored {
            return Ok(Cow::Borrowed(raw));
        }
        let mut bytes = Vec::new();
        let reader = Told { inner: self.reader(index)?, told };
        let mut reader = reader.take(member.size.min(self.limit).saturating_add(1));
        let read = reader.read_to_end(&mut bytes);
        if bytes.len() as u64 > self.limit {
            return Err(ErrorKind::Limit { limit: "allocation", allowed: self.limit }.into());
        }
        read.map_err(|error| self.invalid(index, &error.to_string()))?;
        bytes.shrink_to_fit();
        Ok(Cow::Owned(bytes))
    }

    /// The first `len` bytes of a member, or all if it is shorter.
    ///
    /// # Errors
    /// `InvalidArchive` with the member's name.
    pub(crate) fn head(&self, index: usize, len: usize) -> Result<Cow<'a, [u8]>> {
        if self.members[index].compression() == Compression::Stored {
            let raw = self.raw(index)?;
            return Ok(Cow::Borrowed(&raw[..len.min(raw.len())]));
        }
        let mut bytes = Vec::new();
        let mut reader = self.reader(index)?.take(len as u64);
        reader.read_to_end(&mut bytes).map_err(|error| self.invalid(index, &error.to_string()))?;
        Ok(Cow::Owned(bytes))
    }

    /// Reads a member to its end and holds size and checksum against the directory; tells of the bytes on the way.
    ///
    /// # Errors
    /// `InvalidArchive` with the member's name.
    pub(crate) fn verify(&self, index: usize, told: &mut dyn FnMut(u64)) -> Result<()> {
        self.raw(index)?;
        let mut reader = Told { inner: self.reader(index)?, told };
        io::copy(&mut reader, &mut io::sink()).map_err(|error| self.invalid(index, &error.to_string()))?;
        Ok(())
    }

    /// What the file holds of a member.
    fn raw(&self, index: usize) -> Result<&'a [u8]> {
        let member = &self.members[index];
        if member.is_encrypted {
            return Err(self.invalid(index, "is encrypted"));
        }
        let entry = self.archive.get_entry(member.place).map_err(|error| self.broken(index, &error))?;
        let (start, end) = entry.compressed_data_range();
        // Of the slice itself, which lives longer than what looks at it.
        let bytes: &'a [u8] = self.archive.get_ref();
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let raw = range.and_then(|(start, end)| bytes.get(start..end));
        let raw = raw.ok_or_else(|| self.invalid(index, "ends after the file"))?;
        if member.compression() == Compression::Stored && raw.len() as u64 != member.size {
            return Err(self.invalid(index, &format!("holds {} bytes, not {} as stated", raw.len(), member.size)));
        }
        Ok(raw)
    }

    /// The bytes of a member, checked at their end.
    fn reader(&self, index: usize) -> Result<Box<dyn Read + '_>> {
        let member = &self.members[index];
        let entry = self.archive.get_entry(member.place).map_err(|error| self.broken(index, &error))?;
        let raw = decoder(member.compression(), self.raw(index)?).map_err(|problem| self.invalid(index, &problem))?;
        Ok(Box::new(entry.verifying_reader(raw)))
    }

    fn broken(&self, index: usize, error: &rawzip::Error) -> Error {
        self.invalid(index, &error.to_string().to_lowercase())
    }

    fn invalid(&self, index: usize, problem: &str) -> Error {
        invalid(format!("member {} {problem}", self.members[index].name()))
    }
}

fn broken(error: &rawzip::Error) -> Error {
    invalid(format!("no ZIP that can be read: {}", error.to_string().to_lowercase()))
}

pub(crate) fn invalid(problem: impl Into<String>) -> Error {
    ErrorKind::InvalidArchive { problem: problem.into() }.into()
}
