//! What a file holds, and what that is when it is decompressed: for commands that look at files whole.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use oiji::{ErrorKind, Result};
use oiji_mmap::Map;

use crate::compression::Compression;

/// Files above this many bytes are mapped; small ones are read sooner than that.
const SMALL: u64 = 1 << 16;

/// The content of a file.
pub(crate) enum Content {
    Map(Map),
    Bytes(Vec<u8>),
}

impl Content {
    pub(crate) fn of(path: &Path) -> io::Result<Content> {
        let mut file = File::open(path)?;
        let status = file.metadata()?;
        let len = status.len();
        if status.is_file()
            && len > SMALL
            && let Ok(map) = Map::of(&file)
        {
            return Ok(Content::Map(map));
        }
        let mut bytes = Vec::with_capacity(len.min(SMALL) as usize + 1);
        file.read_to_end(&mut bytes)?;
        Ok(Content::Bytes(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Content::Map(map) => map,
            Content::Bytes(bytes) => bytes,
        }
    }
}

/// What compressed bytes hold.
///
/// # Errors
/// What is wrong with them, and `Limit` if they hold more than `most` bytes.
pub(crate) fn unpacked(compression: Compression, bytes: &[u8], most: u64) -> Result<Vec<u8>> {
    let reader = compression.reader(BufReader::new(Cursor::new(bytes.to_vec())));
    let mut out = Vec::new();
    let count = reader.take(most.saturating_add(1)).read_to_end(&mut out).map_err(ErrorKind::Io)?;
    if count as u64 > most {
        return Err(ErrorKind::Limit { limit: "bytes", allowed: most }.into());
    }
    Ok(out)
}
