//! What an op does with the memo, read off the op alone.

use crate::error::Result;
use crate::op::number::{self, IntText, Integer};
use crate::op::{Arg, Op};
use crate::opcode::Opcode;

/// How an op uses the memo.
///
/// Only the text of a `PUT` or `GET` can name an index below zero. Python 2 takes it; Python 3, and our machine, do not.
///
/// ```
/// use oiji::op::{MemoUse, read_op};
/// use oiji::source::SliceSource;
/// assert_eq!(read_op(&mut SliceSource::new(b"q\x07"))?.memo_use()?, Some(MemoUse::Put(7)));
/// assert_eq!(read_op(&mut SliceSource::new(b"g7\n"))?.memo_use()?, Some(MemoUse::Get(7)));
/// assert_eq!(read_op(&mut SliceSource::new(b"N"))?.memo_use()?, None);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoUse {
    /// Puts the top value at this index.
    Put(i64),
    /// Puts the top value at the index that counts the entries (`MEMOIZE`).
    Memoize,
    /// Pushes the entry at this index.
    Get(i64),
}

impl Op<'_, '_> {
    /// How this op uses the memo; nothing for an op that does not.
    ///
    /// # Errors
    /// `InvalidNumber` if the text of a `PUT` or `GET` is no integer of 64 bits.
    #[inline]
    pub fn memo_use(&self) -> Result<Option<MemoUse>> {
        Ok(Some(match (self.opcode, &self.arg) {
            (Opcode::BinPut | Opcode::LongBinPut, Arg::Uint(index)) => MemoUse::Put(*index as i64),
            (Opcode::BinGet | Opcode::LongBinGet, Arg::Uint(index)) => MemoUse::Get(*index as i64),
            (Opcode::Memoize, _) => MemoUse::Memoize,
            (Opcode::Put, Arg::Line(line)) => MemoUse::Put(parse_signed(line)?),
            (Opcode::Get, Arg::Line(line)) => MemoUse::Get(parse_signed(line)?),
            _ => return Ok(None),
        }))
    }
}

fn parse_signed(line: &[u8]) -> Result<i64> {
    /// An index of more digits than this is none.
    const MAX_DIGITS: u64 = 19;
    match number::parse_index(line) {
        Ok(index) => Ok(index as i64),
        Err(error) => match number::parse_int(line, MAX_DIGITS) {
            Ok(IntText::Int(Integer::Small(index))) => Ok(index),
            _ => Err(error),
        },
    }
}
