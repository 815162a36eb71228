//! Any reader as a source: what an op or a frame needs is read, and nothing after it.

use std::io::Read;

use crate::error::{Error, Result};
use crate::source::{Chunk, Ready, Source, end_of_input, over_limit, refuse};

/// A source over any reader. It takes what the current op needs, or the current frame, and nothing after it.
///
/// Without frames (protocol 0 to 3) every op is a read of its own: where a `BufReader` may stand around files and sockets,
/// [`BufferedSource`](crate::source::BufferedSource) is faster.
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
    pub(super) reader: R,
    /// Bytes of a frame that were read ahead; `ahead[next..]` are still to be given.
    ahead: Vec<u8>,
    next: usize,
    pub(super) scratch: Vec<u8>,
    pub(super) offset: u64,
    pub(super) limit: u64,
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

    /// Bytes of a frame that are still to be given.
    pub(super) fn held(&self) -> &[u8] {
        &self.ahead[self.next..]
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
        Ready::Buffer(self.held())
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
