//! Smaller pickles of the same value: memo entries that nobody gets are dropped, the others counted anew, frames made
//! anew. The bytes are those of Python's `pickletools.optimize`.
//!
//! Two passes over the ops: one to see which memo indexes are got, one to copy.

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Budget, Limits};
use crate::machine::{Memo, MemoScope};
use crate::op::{Arg, MemoUse, Op, read_op, write};
use crate::opcode::{HIGHEST_PROTOCOL, Opcode};
use crate::source::{SliceSource, Source};

/// The first pickle of `input` without the memo entries that nothing gets, and with frames as Python writes them.
///
/// The result is what `pickletools.optimize` of Python 3.13 gives, byte for byte. Ops are not executed and arguments
/// other than memo indexes not decoded; so some pickles are taken that `pickletools` refuses.
///
/// # Errors
/// What [`read_op`] says; `MemoMiss` for a `GET` before its `PUT`; `UnknownProtocol`; `EndOfInput`.
///
/// ```
/// let pickle = b"]q\x00(X\x01\x00\x00\x00aq\x01h\x01e.";
/// assert_eq!(oiji::rewrite::optimize(pickle)?, b"](X\x01\x00\x00\x00aq\x00h\x00e.");
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn optimize(input: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(input.len());
    let mut survey = Survey::default();
    let end = survey.pickle(input, 0)?;
    Copier::default().pickle(&input[..end], 0, &survey, &mut out)?;
    Ok(out)
}

/// All pickles of `input`, each as [`optimize`] gives it.
///
/// With [`MemoScope::WholeInput`] an entry stays when any later pickle gets it. Only the one who wrote the input can say
/// which scope is right: read in the wrong one, an index means another value.
///
/// # Errors
/// As for [`optimize`].
///
/// ```
/// use oiji::{machine::MemoScope, rewrite::optimize_all};
/// let shared = b"]q\x07.h\x07.";
/// assert_eq!(optimize_all(shared, MemoScope::WholeInput)?, b"]q\x00.h\x00.");
/// assert!(optimize_all(shared, MemoScope::EachPickle).is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn optimize_all(input: &[u8], memo: MemoScope) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(input.len());
    let mut start = 0;
    if memo == MemoScope::EachPickle {
        loop {
            let mut survey = Survey::default();
            let end = survey.pickle(input, start)?;
            Copier::default().pickle(&input[..end], start, &survey, &mut out)?;
            start = end;
            if start == input.len() {
                return Ok(out);
            }
        }
    }
    let mut survey = Survey { memo, ..Survey::default() };
    let mut pickles = Vec::new();
    loop {
        survey.protocol = 0;
        let end = survey.pickle(input, start)?;
        pickles.push((start, end, survey.protocol));
        start = end;
        if start == input.len() {
            break;
        }
    }
    let mut copier = Copier::default();
    for (start, end, protocol) in pickles {
        survey.protocol = protocol;
        copier.pickle(&input[..end], start, &survey, &mut out)?;
    }
    Ok(out)
}

/// What the first pass finds.
#[derive(Default)]
struct Survey {
    /// The indexes that are got, as the `u64` of the same bits.
    got: Memo<()>,
    /// The highest protocol that a `PROTO` states or a get needs, or a put that a later pickle may get.
    protocol: u8,
    memo: MemoScope,
}

impl Survey {
    /// Looks at the pickle that begins at `start`; gives where it ends.
    fn pickle(&mut self, input: &[u8], start: usize) -> Result<usize> {
        let limits = Limits::default();
        let mut budget = Budget::new(limits);
        let mut source = SliceSource::with_limit(input, limits.bytes);
        source.seek(start as u64);
        loop {
            let offset = source.offset();
            let op = match read_op(&mut source) {
                Ok(op) => op,
                Err(error) if offset == start as u64 && error.is_end_before_op() => {
                    return Err(Error::from(ErrorKind::EndOfInput).at(offset));
                }
                Err(error) => return Err(error),
            };
            budget.op().map_err(|error| error.at(offset))?;
            self.op(&op).map_err(|error| error.at(offset))?;
            if op.opcode == Opcode::Stop {
                return Ok(source.offset() as usize);
            }
        }
    }

    fn op(&mut self, op: &Op<'_, '_>) -> Result<()> {
        match op.memo_use()? {
            Some(MemoUse::Get(index)) => {
                self.protocol = self.protocol.max(op.opcode.protocol());
                self.got.put(index as u64, ());
            }
            Some(_) if self.memo == MemoScope::WholeInput => self.protocol = self.protocol.max(op.opcode.protocol()),
            _ => {}
        }
        if let (Opcode::Proto, &Arg::Uint(protocol)) = (op.opcode, &op.arg) {
            match u8::try_from(protocol) {
                Ok(protocol) if protocol <= HIGHEST_PROTOCOL => self.protocol = self.protocol.max(protocol),
                _ => return Err(ErrorKind::UnknownProtocol { protocol }.into()),
            }
        }
        Ok(())
    }
}

/// The second pass. It keeps its indexes from one pickle to the next.
#[derive(Default)]
struct Copier {
    /// The old indexes so far.
    old: Memo<()>,
    /// The new index of each old one that is kept.
    new: Memo<u64>,
    kept: u64,
}

impl Copier {
    /// Copies the pickle from `start` to the end of `input`.
    fn pickle(&mut self, input: &[u8], start: usize, survey: &Survey, out: &mut Vec<u8>) -> Result<()> {
        let protocol = survey.protocol;
        let mut source = SliceSource::new(input);
        source.seek(start as u64);
        let mut frames: Option<Frames> = None;
        while !source.rest().is_empty() {
            let offset = source.offset();
            let op = read_op(&mut source)?;
            if op.opcode == Opcode::Frame {
                continue;
            }
            if op.opcode == Opcode::Proto && offset == start as u64 {
                write::write_op(out, &op);
                continue;
            }
            let memo_use = op.memo_use().map_err(|error| error.at(offset))?;
            if let Some(MemoUse::Put(index)) = memo_use {
                self.old.put(index as u64, ());
            }
            let bytes = &input[offset as usize..source.offset() as usize];
            let put = match memo_use {
                Some(MemoUse::Put(index)) => Some(index as u64),
                Some(MemoUse::Memoize) => {
                    let index = self.old.count();
                    self.old.put(index, ());
                    Some(index)
                }
                _ => None,
            };
            if put.is_some_and(|index| survey.got.get(index).is_none()) {
                continue;
            }

            if protocol >= 4 {
                let is_large = memo_use.is_none() && bytes.len() > FRAME_TARGET;
                let frames = frames.get_or_insert_with(|| Frames::new(out));
                if is_large {
                    frames.end(out);
                    out.extend_from_slice(bytes);
                    frames.restart(out);
                    continue;
                }
                frames.end_if_full(out);
            }
            match (put, memo_use) {
                (Some(index), _) => {
                    self.new.put(index, self.kept);
                    write_put(out, protocol, self.kept);
                    self.kept += 1;
                }
                (None, Some(MemoUse::Get(index))) => {
                    let index = index as u64;
                    let new =
                        self.new.get(index).ok_or_else(|| Error::from(ErrorKind::MemoMiss { index }).at(offset))?;
                    write_get(out, protocol, *new);
                }
                _ => out.extend_from_slice(bytes),
            }
        }
        if let Some(mut frames) = frames {
            frames.end(out);
        }
        Ok(())
    }
}

fn write_put(out: &mut Vec<u8>, protocol: u8, index: u64) {
    match (protocol, u8::try_from(index)) {
        (4.., _) => write::simple(out, Opcode::Memoize),
        (1.., Ok(index)) => write::uint1(out, Opcode::BinPut, index),
        // `Limits` let no more than 2^32 ops through.
        (1.., _) => write::uint4(out, Opcode::LongBinPut, index as u32),
        (0, _) => write::line(out, Opcode::Put, index.to_string().as_bytes()),
    }
}

fn write_get(out: &mut Vec<u8>, protocol: u8, index: u64) {
    match (protocol, u8::try_from(index)) {
        (1.., Ok(index)) => write::uint1(out, Opcode::BinGet, index),
        (1.., _) => write::uint4(out, Opcode::LongBinGet, index as u32),
        (0, _) => write::line(out, Opcode::Get, index.to_string().as_bytes()),
    }
}

/// A frame ends with the op that takes it to this many bytes, and an op longer than this stands outside of frames.
const FRAME_TARGET: usize = 64 << 10;

/// CPython writes frames only from 4 bytes up.
const FRAME_MIN: usize = 4;

/// Bytes of a `FRAME` op.
const FRAME_HEADER: usize = 9;

/// The frame being written: its header stands in `out` already, and its length is filled in at its end.
struct Frames {
    header: usize,
}

impl Frames {
    fn new(out: &mut Vec<u8>) -> Self {
        let mut frames = Frames { header: 0 };
        frames.restart(out);
        frames
    }

    fn restart(&mut self, out: &mut Vec<u8>) {
        self.header = out.len();
        write::uint8(out, Opcode::Frame, 0);
    }

    fn len(&self, out: &[u8]) -> usize {
        out.len() - self.header - FRAME_HEADER
    }

    fn end_if_full(&mut self, out: &mut Vec<u8>) {
        if self.len(out) >= FRAME_TARGET {
            self.end(out);
            self.restart(out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let len = self.len(out);
        if len < FRAME_MIN {
            out.drain(self.header..self.header + FRAME_HEADER);
            return;
        }
        let length_at = self.header + 1;
        out[length_at..length_at + 8].copy_from_slice(&(len as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_gets_is_dropped_and_the_rest_counted_anew() {
        let pickle = b"(lp7\n(lp8\nag8\na.";
        assert_eq!(optimize(pickle).unwrap(), b"(l(lp0\nag0\na.");
    }

    #[test]
    fn frames_are_made_anew_and_only_from_four_bytes_up() {
        assert_eq!(optimize(b"\x80\x04NN0.").unwrap(), b"\x80\x04\x95\x04\0\0\0\0\0\0\0NN0.");
        assert_eq!(optimize(b"\x80\x04\x95\x03\0\0\0\0\0\0\0N\x94.").unwrap(), b"\x80\x04N.");
    }

    #[test]
    fn an_op_above_64_kib_stands_outside_of_frames() {
        let mut pickle = b"\x80\x04K\x01K\x020B\x00\x00\x01\x00".to_vec();
        pickle.resize(pickle.len() + (1 << 16), b'x');
        pickle.extend_from_slice(b"\x86.");
        let out = optimize(&pickle).unwrap();
        assert_eq!(&out[..16], b"\x80\x04\x95\x05\0\0\0\0\0\0\0K\x01K\x020");
        assert_eq!(&out[16..21], b"B\x00\x00\x01\x00");
        assert_eq!(&out[21 + (1 << 16)..], b"\x86.");
    }

    #[test]
    fn a_get_before_its_put_is_an_error_there() {
        let error = optimize(b"h\x000]q\x00.").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoMiss { index: 0 }));
        assert_eq!(error.offset(), Some(0));
        assert!(optimize(b"").unwrap_err().is_end_of_input());
        assert!(matches!(optimize(b"\x80\x06N.").unwrap_err().kind(), ErrorKind::UnknownProtocol { protocol: 6 }));
    }

    #[test]
    fn with_one_memo_indexes_go_on_from_pickle_to_pickle() {
        let first = b"\x80\x04]\x94}\x94a.";
        let second = b"\x80\x04]\x94h\x01ah\x02a.";
        let out = optimize_all(&[&first[..], second].concat(), MemoScope::WholeInput).unwrap();
        let graph = crate::ReadOptions::new().all_from_slice(&out).unwrap();
        assert_eq!(graph.to_string(), "[{}]\n[{}, [...]]");
        assert_eq!(out.iter().filter(|&&byte| byte == 0x94).count(), 2);
    }

    #[test]
    fn each_pickle_of_several_is_as_it_would_be_alone() {
        let one = b"]q\x05q\x06h\x060.";
        let out = optimize_all(&[&one[..], one].concat(), MemoScope::EachPickle).unwrap();
        let alone = optimize(one).unwrap();
        assert_eq!(out, [&alone[..], &alone].concat());
    }
}
