//! Where ops stand: frames and `PROTO`, for reading only what all real readers read alike.
//!
//! Readers differ over an op that the end of its frame cuts, over a frame in a frame and over what follows `STOP` in one.

use crate::error::{ErrorKind, Result};
use crate::op::{Arg, Op};
use crate::opcode::Opcode;

/// The frame that is open, in one pickle.
pub(crate) struct Frames {
    start: u64,
    end: Option<u64>,
}

impl Frames {
    /// For a pickle that begins at `start`.
    pub(crate) fn new(start: u64) -> Self {
        Frames { start, end: None }
    }

    /// How many bytes from `offset` on belong to the frame that is open; outside of one there is no end.
    pub(crate) fn left(&self, offset: u64) -> usize {
        match self.end {
            Some(end) if end > offset => (end - offset) as usize,
            _ => usize::MAX,
        }
    }

    /// Looks at an op that stands at `offset`.
    ///
    /// # Errors
    /// `Ambiguous`.
    pub(crate) fn check(&mut self, op: &Op<'_, '_>, offset: u64) -> Result<()> {
        let end = offset + op.encoded_len() as u64;
        let open = self.end.filter(|frame_end| *frame_end > offset);
        self.end = open.filter(|frame_end| *frame_end > end);
        let what = match (op.opcode, open) {
            (_, Some(frame_end)) if end > frame_end => "an op that the end of its frame cuts",
            (Opcode::Frame, Some(_)) => "a frame in a frame",
            (Opcode::Stop, Some(frame_end)) if end != frame_end => "a frame that goes on behind STOP",
            (Opcode::Proto, _) if offset != self.start => "PROTO behind the first op",
            (Opcode::Frame, None) => {
                if let Arg::Uint(len) = op.arg {
                    self.end = end.checked_add(len).filter(|frame_end| *frame_end > end);
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        Err(ErrorKind::Ambiguous { what }.into())
    }
}
