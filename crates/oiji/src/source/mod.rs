//! Where bytes come from: a slice, whose bytes are borrowed, or any `Read`, of which no byte past `STOP` is taken, with a way
//! of its own for a `BufRead`.
//!
//! A source knows offsets and lengths, and nothing of opcodes. All kinds give the same bytes and fail at the same
//! offset. Next: `op`.

mod buffered;
mod slice;
mod stream;

use std::ops::Deref;

pub use buffered::BufferedSource;
pub use slice::SliceSource;
pub use stream::StreamSource;

use crate::error::{Error, ErrorKind, Result};

/// Bytes in. `'de` is the life of input that can be borrowed.
pub trait Source<'de> {
    /// Bytes taken so far.
    fn offset(&self) -> u64;

    /// The next byte, or nothing at the end of the input.
    ///
    /// # Errors
    /// `Limit` past the byte limit, `Io` from the reader below.
    fn byte(&mut self) -> Result<Option<u8>>;

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// `UnexpectedEnd` if fewer remain; `Limit`; `Io`.
    fn array<const N: usize>(&mut self) -> Result<[u8; N]>;

    /// Exactly `len` bytes.
    ///
    /// # Errors
    /// `UnexpectedEnd` if fewer remain; `Limit`; `Io`.
    fn take(&mut self, len: u64) -> Result<Chunk<'_, 'de>>;

    /// The bytes up to the next newline, which is taken but not given.
    ///
    /// # Errors
    /// `UnexpectedEnd` if no newline follows; `Limit`; `Io`.
    fn line(&mut self) -> Result<Chunk<'_, 'de>>;

    /// Two lines: all up to the second newline, which is taken but not given, and the length of the first line.
    ///
    /// # Errors
    /// As for `line`.
    fn lines(&mut self) -> Result<(Chunk<'_, 'de>, usize)>;

    /// What may be looked at without another read.
    #[inline]
    fn ready(&mut self) -> Ready<'_, 'de> {
        Ready::Buffer(&[])
    }

    /// Takes `len` bytes that were looked at, no more than there are.
    fn advance(&mut self, len: usize);

    /// States that `len` more bytes belong to this pickle, so that they may be read at once.
    ///
    /// # Errors
    /// `UnexpectedEnd` if fewer remain; `Limit`; `Io`.
    fn frame(&mut self, len: u64) -> Result<()>;
}

/// Bytes that a source holds ready.
#[derive(Debug)]
pub enum Ready<'s, 'de> {
    /// All of the input, which can be borrowed; the source's offset tells where in it we are.
    Input(&'de [u8]),
    /// What is to come next, in a buffer of the source's own: maybe nothing.
    Buffer(&'s [u8]),
}

/// Bytes from a source: part of the input itself, or in a scratch buffer that a taker may keep with `mem::take`.
#[derive(Debug)]
pub enum Chunk<'s, 'de> {
    /// Borrowed from the input.
    Input(&'de [u8]),
    /// Read into the source's own buffer, which holds these bytes and no others.
    Scratch(&'s mut Vec<u8>),
}

impl Deref for Chunk<'_, '_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Chunk::Input(bytes) => bytes,
            Chunk::Scratch(bytes) => bytes,
        }
    }
}

/// The error for `len` bytes that cannot be had at `offset`.
fn refuse(offset: u64, len: u64, limit: u64) -> Error {
    match offset.checked_add(len) {
        Some(end) if end <= limit => end_of_input(),
        _ if limit == u64::MAX => end_of_input(),
        _ => over_limit(limit),
    }
}

fn end_of_input() -> Error {
    ErrorKind::UnexpectedEnd { expected: "an argument" }.into()
}

fn over_limit(limit: u64) -> Error {
    ErrorKind::Limit { limit: "bytes", allowed: limit }.into()
}
