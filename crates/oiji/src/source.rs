//! Where bytes come from: a slice, whose bytes are borrowed, or any `Read`, of which no byte past `STOP` is taken.
//!
//! A source knows offsets and lengths, and nothing of opcodes. Both kinds give the same bytes and fail at the same
//! offset. Next: `op`.

use std::io::Read;
use std::ops::Deref;

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

/// A source over a slice. Chunks borrow from it.
///
/// ```
/// use oiji::source::{SliceSource, Source};
/// let mut source = SliceSource::new(b"I12\n.");
/// assert_eq!(source.byte()?, Some(b'I'));
/// assert_eq!(&*source.line()?, b"12");
/// assert_eq!(source.offset(), 4);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SliceSource<'de> {
    input: &'de [u8],
    position: usize,
    limit: u64,
}

impl<'de> SliceSource<'de> {
    /// A source of all of `input`.
    pub fn new(input: &'de [u8]) -> Self {
        SliceSource::with_limit(input, u64::MAX)
    }

    /// A source of `input` that gives at most `limit` bytes.
    pub fn with_limit(input: &'de [u8], limit: u64) -> Self {
        SliceSource { input, position: 0, limit }
    }

    /// All of the input, read or not.
    pub fn input(&self) -> &'de [u8] {
        self.input
    }

    /// What has not been taken yet.
    pub fn rest(&self) -> &'de [u8] {
        &self.input[self.position..]
    }

    /// Takes up `offset` as the next position, no further than the end.
    pub fn seek(&mut self, offset: u64) {
        self.position = usize::try_from(offset).unwrap_or(usize::MAX).min(self.input.len());
    }

    #[inline]
    fn checked(&self, len: u64) -> Result<usize> {
        let left = (self.input.len() - self.position) as u64;
        if len <= left && self.position as u64 + len <= self.limit {
            return Ok(len as usize);
        }
        Err(self.refuse(len))
    }

    /// Takes a line and its newline; gives the length without it.
    #[inline]
    fn line_len(&mut self) -> Result<usize> {
        let rest = &self.input[self.position..];
        let allowed = self.limit.saturating_sub(self.position as u64);
        match memchr::memchr(b'\n', rest) {
            Some(len) if (len as u64) < allowed => {
                self.position += len + 1;
                Ok(len)
            }
            None if rest.len() as u64 <= allowed => Err(end_of_input()),
            _ => Err(over_limit(self.limit)),
        }
    }

    #[cold]
    fn refuse(&self, len: u64) -> Error {
        refuse(self.position as u64, len, self.limit)
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

impl<'de> Source<'de> for SliceSource<'de> {
    #[inline]
    fn ready(&mut self) -> Ready<'_, 'de> {
        // Where the limit is reached within it, every byte is counted one by one.
        if self.input.len() as u64 <= self.limit { Ready::Input(self.input) } else { Ready::Buffer(&[]) }
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        self.position = (self.position + len).min(self.input.len());
    }

    #[inline]
    fn offset(&self) -> u64 {
        self.position as u64
    }

    #[inline]
    fn byte(&mut self) -> Result<Option<u8>> {
        match self.input.get(self.position) {
            Some(&byte) if (self.position as u64) < self.limit => {
                self.position += 1;
                Ok(Some(byte))
            }
            Some(_) => Err(self.refuse(1)),
            None => Ok(None),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.checked(N as u64)?;
        let (head, _) = self.input[self.position..].split_first_chunk::<N>().ok_or_else(end_of_input)?;
        self.position += N;
        Ok(*head)
    }

    #[inline]
    fn take(&mut self, len: u64) -> Result<Chunk<'_, 'de>> {
        let len = self.checked(len)?;
        let start = self.position;
        self.position += len;
        Ok(Chunk::Input(&self.input[start..start + len]))
    }

    #[inline]
    fn line(&mut self) -> Result<Chunk<'_, 'de>> {
        let start = self.position;
        let len = self.line_len()?;
        Ok(Chunk::Input(&self.input[start..start + len]))
    }

    fn lines(&mut self) -> Result<(Chunk<'_, 'de>, usize)> {
        let start = self.position;
        let first_len = self.line_len()?;
        self.line_len()?;
        Ok((Chunk::Input(&self.input[start..self.position - 1]), first_len))
    }

    #[inline]
    fn frame(&mut self, len: u64) -> Result<()> {
        self.checked(len).map(drop)
    }
}

/// A source over any reader. It takes what the current op needs, or the current frame, and nothing after it.
///
/// Wrap files and sockets in a `BufReader` where nothing but pickles is read from them: without frames (protocol 0 to 3)
/// every op is a read of its own.
///
/// ```
/// use oiji::source::{Source, StreamSource};
/// let mut source = StreamSource::new(&b"I12\n."[..]);
/// assert_eq!(source.byte()?, Some(b'I'));
/// assert_eq!(&*source.line()?, b"12");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug)]
pub struct StreamSource<R> {
    reader: R,
    /// Bytes of a frame that were read ahead; `ahead[next..]` are still to be given.
    ahead: Vec<u8>,
    next: usize,
    scratch: Vec<u8>,
    offset: u64,
    limit: u64,
}

/// How much is read at once when a length is only a claim.
const STEP: u64 = 1 << 16;

impl<R: Read> StreamSource<R> {
    /// A source of all that `reader` gives.
    pub fn new(reader: R) -> Self {
        StreamSource::with_limit(reader, u64::MAX)
    }

    /// A source that takes at most `limit` bytes from `reader`.
    pub fn with_limit(reader: R, limit: u64) -> Self {
        StreamSource { reader, ahead: Vec::new(), next: 0, scratch: Vec::new(), offset: 0, limit }
    }

    /// The reader, at the byte after the last `STOP`, unless a frame claimed more.
    pub fn into_inner(self) -> R {
        self.reader
    }

    fn check(&self, len: u64) -> Result<()> {
        match self.offset.checked_add(len) {
            Some(end) if end <= self.limit => Ok(()),
            _ if self.limit == u64::MAX => Err(end_of_input()),
            _ => Err(self.past_limit(len)),
        }
    }

    /// Past the limit a slice says `Limit`, whatever remains; so do we.
    #[cold]
    fn past_limit(&self, len: u64) -> Error {
        refuse(self.offset, len, self.limit)
    }

    fn line_onto_scratch(&mut self) -> Result<()> {
        loop {
            match Source::byte(self)? {
                Some(b'\n') => return Ok(()),
                Some(byte) => self.scratch.push(byte),
                None => return Err(end_of_input()),
            }
        }
    }

    fn fill_exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        let held = (self.ahead.len() - self.next).min(buffer.len());
        buffer[..held].copy_from_slice(&self.ahead[self.next..self.next + held]);
        self.next += held;
        read_exact(&mut self.reader, &mut buffer[held..])?;
        self.offset += buffer.len() as u64;
        Ok(())
    }
}

fn read_exact<R: Read>(reader: &mut R, buffer: &mut [u8]) -> Result<()> {
    if buffer.is_empty() {
        return Ok(());
    }
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => end_of_input(),
        _ => error.into(),
    })
}

/// Appends exactly `len` bytes, allocating only as they arrive.
fn read_onto<R: Read>(reader: &mut R, out: &mut Vec<u8>, len: u64) -> Result<()> {
    let mut left = len;
    while left > 0 {
        // What has arrived vouches for as much again; so a claim of 2^63 costs one step.
        let step = left.min(STEP.max(out.len() as u64));
        out.reserve_exact(step as usize);
        let got = reader.by_ref().take(step).read_to_end(out)? as u64;
        if got < step {
            return Err(end_of_input());
        }
        left -= step;
    }
    Ok(())
}

impl<'de, R: Read> Source<'de> for StreamSource<R> {
    #[inline]
    fn ready(&mut self) -> Ready<'_, 'de> {
        // A frame was held against the limit as a whole when it was read.
        Ready::Buffer(&self.ahead[self.next..])
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        let len = len.min(self.ahead.len() - self.next);
        self.next += len;
        self.offset += len as u64;
    }

    #[inline]
    fn offset(&self) -> u64 {
        self.offset
    }

    #[inline]
    fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(&byte) = self.ahead.get(self.next) {
            if self.offset >= self.limit {
                return Err(over_limit(self.limit));
            }
            self.next += 1;
            self.offset += 1;
            return Ok(Some(byte));
        }
        let mut byte = [0];
        loop {
            match self.reader.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) if self.offset >= self.limit => return Err(over_limit(self.limit)),
                Ok(_) => {
                    self.offset += 1;
                    return Ok(Some(byte[0]));
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.check(N as u64)?;
        let mut array = [0; N];
        self.fill_exact(&mut array)?;
        Ok(array)
    }

    fn take(&mut self, len: u64) -> Result<Chunk<'_, 'de>> {
        self.check(len)?;
        self.scratch.clear();
        let held = ((self.ahead.len() - self.next) as u64).min(len) as usize;
        self.scratch.extend_from_slice(&self.ahead[self.next..self.next + held]);
        self.next += held;
        read_onto(&mut self.reader, &mut self.scratch, len - held as u64)?;
        self.offset += len;
        Ok(Chunk::Scratch(&mut self.scratch))
    }

    fn line(&mut self) -> Result<Chunk<'_, 'de>> {
        self.scratch.clear();
        self.line_onto_scratch()?;
        Ok(Chunk::Scratch(&mut self.scratch))
    }

    fn lines(&mut self) -> Result<(Chunk<'_, 'de>, usize)> {
        self.scratch.clear();
        self.line_onto_scratch()?;
        let first_len = self.scratch.len();
        self.scratch.push(b'\n');
        self.line_onto_scratch()?;
        Ok((Chunk::Scratch(&mut self.scratch), first_len))
    }

    fn frame(&mut self, len: u64) -> Result<()> {
        self.check(len)?;
        let held = (self.ahead.len() - self.next) as u64;
        if held < len {
            self.ahead.drain(..self.next);
            self.next = 0;
            read_onto(&mut self.reader, &mut self.ahead, len - held)?;
        }
        Ok(())
    }
}
