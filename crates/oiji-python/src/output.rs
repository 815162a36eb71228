//! Bytes out: frames as `_pickle` makes them, into memory or to a file.

use crate::py::buffer::Buffer;
use crate::py::{self, Obj, Own, Py};

/// From this size on a frame is ended, and bytes go past frames.
pub(crate) const FRAME_TARGET: usize = 64 << 10;
const FRAME_MIN: usize = 4;
const FRAME_HEADER: usize = 9;
const FRAME: u8 = 0x95;

/// The pickle as far as it is written.
pub(crate) struct Output {
    pub(crate) buffer: Buffer,
    /// The file's `write`, if there is a file.
    write: Option<Own>,
    framing: bool,
    /// Where the open frame begins.
    frame: Option<usize>,
    /// The length from which on the open frame is long enough.
    full: usize,
}

impl Output {
    pub(crate) fn new(write: Option<Own>, scratch: Vec<u8>, expected: usize) -> Self {
        Output { buffer: Buffer::new(scratch, expected), write, framing: false, frame: None, full: usize::MAX }
    }

    pub(crate) fn has_file(&self) -> bool {
        self.write.is_some()
    }

    /// From here on everything stands in frames.
    pub(crate) fn begin_frames(&mut self) -> Py<()> {
        self.framing = true;
        self.begin_frame()
    }

    fn begin_frame(&mut self) -> Py<()> {
        if self.framing {
            self.frame = Some(self.buffer.len());
            self.buffer.put([FRAME; FRAME_HEADER])?;
            self.full = self.buffer.len() + FRAME_TARGET;
        }
        Ok(())
    }

    /// Whether the open frame is long enough to end between two objects.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= self.full
    }

    /// The length from which on the open frame is long enough.
    #[inline]
    pub(crate) fn full(&self) -> usize {
        self.full
    }

    /// Ends a frame that is long enough, and begins the next.
    pub(crate) fn next_frame(&mut self) -> Py<()> {
        self.end_frame();
        if self.write.is_some() {
            self.flush()?;
        }
        self.begin_frame()
    }

    fn end_frame(&mut self) {
        self.full = usize::MAX;
        let Some(start) = self.frame.take() else { return };
        let len = self.buffer.len() - start - FRAME_HEADER;
        if len >= FRAME_MIN {
            self.buffer.patch(start + 1, &(len as u64).to_le_bytes());
        } else {
            self.buffer.cut(start, FRAME_HEADER);
        }
    }

    /// A header and long content: they stand outside of frames, and the content goes to a file uncopied.
    pub(crate) fn payload(&mut self, header: &[u8], bytes: &[u8], object: Option<Obj<'_>>) -> Py<()> {
        if bytes.len() < FRAME_TARGET {
            self.buffer.put_slice(header)?;
            return self.buffer.put_slice(bytes);
        }
        self.end_frame();
        self.buffer.put_slice(header)?;
        if self.write.is_none() {
            self.buffer.put_slice(bytes)?;
            return self.begin_frame();
        }
        self.flush()?;
        let object = match object {
            Some(object) => object.own(),
            None => py::bytes_of(bytes)?,
        };
        self.send(&object)?;
        self.begin_frame()
    }

    fn send(&self, object: &Own) -> Py<()> {
        match &self.write {
            Some(write) => write.clone().obj().call1(object.obj()).map(drop),
            None => Ok(()),
        }
    }

    /// Gives what is there to the file.
    pub(crate) fn flush(&mut self) -> Py<()> {
        let bytes = self.buffer.take()?;
        self.send(&bytes)
    }

    /// Ends the pickle.
    pub(crate) fn end(&mut self) {
        self.end_frame();
        self.framing = false;
    }

    /// Forgets all that was written.
    pub(crate) fn restart(&mut self) {
        self.full = usize::MAX;
        self.frame = None;
        self.framing = false;
        let len = self.buffer.len();
        self.buffer.cut(0, len);
    }
}
