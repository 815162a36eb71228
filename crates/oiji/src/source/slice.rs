//! A slice as a source: what it gives is borrowed.

use crate::error::{Error, Result};
use crate::source::{Chunk, Ready, Source, end_of_input, over_limit, refuse};

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
