//! One decoded opcode with its argument, read from a source and written to a vector, byte for byte the same.
//!
//! Arguments stay as they stand in the pickle: text is not parsed and lengths are not believed here. What an argument
//! means is in `number` and `text`; what an op does is in `machine`.

mod memo;
pub mod number;
mod read;
pub mod text;
pub mod write;

pub use memo::MemoUse;
pub use read::read_op;

use crate::opcode::{ArgKind, Opcode};
use crate::source::Chunk;

/// An opcode and what follows it.
///
/// ```
/// use oiji::op::{Arg, read_op};
/// use oiji::{Opcode, source::SliceSource};
/// let mut source = SliceSource::new(b"K\x07.");
/// let op = read_op(&mut source)?;
/// assert_eq!(op.opcode, Opcode::BinInt1);
/// assert!(matches!(op.arg, Arg::Uint(7)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug)]
pub struct Op<'s, 'de> {
    /// Which.
    pub opcode: Opcode,
    /// What follows its byte.
    pub arg: Arg<'s, 'de>,
}

impl Op<'_, '_> {
    /// How many bytes it takes, its opcode counted too.
    pub(crate) fn encoded_len(&self) -> usize {
        let rest = match &self.arg {
            Arg::Bytes(bytes) => bytes.len(),
            Arg::Line(line) => line.len() + 1,
            Arg::Lines { text, .. } => text.len() + 1,
            Arg::None | Arg::Uint(_) | Arg::Int(_) | Arg::Float(_) => 0,
        };
        1 + prefix_len(self.opcode.arg()) + rest
    }
}

/// The bytes of an argument, or of its length where that stands before it.
fn prefix_len(kind: ArgKind) -> usize {
    match kind {
        ArgKind::Uint1 | ArgKind::Long1 | ArgKind::String1 | ArgKind::Bytes1 | ArgKind::UnicodeString1 => 1,
        ArgKind::Uint2 => 2,
        ArgKind::Uint4
        | ArgKind::Int4
        | ArgKind::Long4
        | ArgKind::String4
        | ArgKind::Bytes4
        | ArgKind::UnicodeString4 => 4,
        ArgKind::Uint8 | ArgKind::Float8 | ArgKind::Bytes8 | ArgKind::ByteArray8 | ArgKind::UnicodeString8 => 8,
        _ => 0,
    }
}

/// The argument of an op, as it stands in the pickle.
#[derive(Debug)]
pub enum Arg<'s, 'de> {
    /// No argument.
    None,
    /// An unsigned number of one, two, four or eight bytes.
    Uint(u64),
    /// A signed number of four bytes.
    Int(i32),
    /// A float of eight bytes.
    Float(f64),
    /// A line of text without its newline.
    Line(Chunk<'s, 'de>),
    /// Two lines: the bytes up to the first newline, and after it.
    Lines {
        /// Both lines, with the newline between them, without the one at the end.
        text: Chunk<'s, 'de>,
        /// Bytes in the first line.
        first_len: usize,
    },
    /// What a length prefix announced.
    Bytes(Chunk<'s, 'de>),
}
