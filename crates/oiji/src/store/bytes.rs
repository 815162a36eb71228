//! The bytes of a file of records: a slice, or a file of which only what is asked for is read.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Mutex;

use crate::error::Result;
use crate::store::container::invalid;

pub(crate) enum Bytes<'a> {
    Slice(&'a [u8]),
    File { file: Mutex<File>, len: u64 },
}

impl Bytes<'_> {
    /// Those of the file at `path`, as long as it is now.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn open(path: &Path) -> Result<Bytes<'static>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Bytes::File { file: Mutex::new(file), len })
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Bytes::Slice(bytes) => bytes.len() as u64,
            Bytes::File { len, .. } => *len,
        }
    }

    /// The `len` bytes from `offset` on.
    ///
    /// # Errors
    /// `InvalidStore` if they are not all there; `Io`.
    pub(crate) fn read(&self, offset: u64, len: u64) -> Result<Cow<'_, [u8]>> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len());
        if end.is_none() {
            let has = self.len();
            return Err(invalid(format!("{len} bytes should stand at offset {offset}, and the file has {has}")));
        }
        match self {
            Bytes::Slice(bytes) => Ok(Cow::Borrowed(&bytes[offset as usize..(offset + len) as usize])),
            Bytes::File { file, .. } => {
                let mut bytes = Vec::new();
                // Whoever held the lock when it was poisoned did no more than seek.
                let mut file = file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                file.seek(SeekFrom::Start(offset))?;
                Read::by_ref(&mut *file).take(len).read_to_end(&mut bytes)?;
                if bytes.len() as u64 != len {
                    return Err(invalid(format!("the file became shorter than {} bytes", offset + len)));
                }
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// No more than `len` bytes from `offset` on: as many as there are.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn at_most(&self, offset: u64, len: u64) -> Result<Cow<'_, [u8]>> {
        let offset = offset.min(self.len());
        self.read(offset, len.min(self.len() - offset))
    }
}
