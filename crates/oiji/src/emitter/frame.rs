//! Frames, cut as CPython cuts them: at 64 KiB between two values, large payloads outside, none below four bytes.

use crate::op::write;
use crate::opcode::Opcode;

/// From this many bytes on a frame is cut, and a payload is written outside of frames.
pub(crate) const TARGET: usize = 64 * 1024;

/// CPython writes no frame around fewer bytes than this.
const MINIMUM: usize = 4;

/// The op and its eight bytes.
const HEADER: usize = 9;

/// Where the open frame's header stands, if one is open.
#[derive(Debug, Default)]
pub(super) struct Frame {
    start: Option<usize>,
}

impl Frame {
    /// Leaves room for a header.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        self.start = Some(out.len());
        write::uint8(out, Opcode::Frame, 0);
    }

    /// Fills the header in, or takes it out again where the frame is too short.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        let Some(start) = self.start.take() else {
            return;
        };
        let len = out.len() - start - HEADER;
        if len < MINIMUM {
            out.drain(start..start + HEADER);
        } else {
            out[start + 1..start + HEADER].copy_from_slice(&(len as u64).to_le_bytes());
        }
    }
}
