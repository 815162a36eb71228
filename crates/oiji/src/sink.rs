//! Where bytes go: a vector, which simply grows, or any `Write`, which is given a frame at a time.
//!
//! A sink knows nothing of opcodes. Writers append to one `Vec<u8>` and offer it to the sink where a frame ends.

use std::io::Write;

use crate::error::Result;

/// Bytes out.
pub trait Sink {
    /// Whether all that is written stays in `written`.
    const KEEPS: bool = false;

    /// Offers what has been written so far; a sink that hands it on empties `written`.
    ///
    /// # Errors
    /// `Io` from the writer below.
    fn flush(&mut self, written: &mut Vec<u8>) -> Result<()>;

    /// Writes a large payload that follows `written`, without a copy where the sink can.
    ///
    /// # Errors
    /// `Io` from the writer below.
    fn large(&mut self, written: &mut Vec<u8>, payload: &[u8]) -> Result<()>;
}

/// Keeps everything in the vector that is written to.
///
/// ```
/// use oiji::sink::{Sink, VecSink};
/// let mut written = b"abc".to_vec();
/// VecSink.flush(&mut written)?;
/// assert_eq!(written, b"abc");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug, Default, Clone, Copy)]
pub struct VecSink;

impl Sink for VecSink {
    const KEEPS: bool = true;

    #[inline]
    fn flush(&mut self, _written: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn large(&mut self, written: &mut Vec<u8>, payload: &[u8]) -> Result<()> {
        written.extend_from_slice(payload);
        Ok(())
    }
}

/// Hands everything on to a writer: one `write_all` a frame, large payloads as they are.
///
/// ```
/// use oiji::sink::{Sink, WriteSink};
/// let mut file = Vec::new();
/// let mut written = b"abc".to_vec();
/// WriteSink(&mut file).flush(&mut written)?;
/// assert!(written.is_empty());
/// assert_eq!(file, b"abc");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug)]
pub struct WriteSink<W>(pub W);

impl<W: Write> Sink for WriteSink<W> {
    fn flush(&mut self, written: &mut Vec<u8>) -> Result<()> {
        self.0.write_all(written)?;
        written.clear();
        Ok(())
    }

    fn large(&mut self, written: &mut Vec<u8>, payload: &[u8]) -> Result<()> {
        self.flush(written)?;
        self.0.write_all(payload)?;
        Ok(())
    }
}
