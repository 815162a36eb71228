//! Numbers about a pickle: its opcodes, its memo, its frames, its stack. Nothing is executed and no value is made.

use crate::error::{Error, ErrorKind, Result};
use crate::inspect::stack::TypeStack;
use crate::limits::{Budget, Limits};
use crate::machine::{Memo, MemoScope};
use crate::op::{Arg, MemoUse, read_op};
use crate::opcode::Opcode;
use crate::source::{SliceSource, Source};

/// Counts over all pickles of one input.
///
/// ```
/// use oiji::{Opcode, inspect::Stats};
/// let stats = Stats::of(b"\x80\x02]q\x00(K\x01K\x02e.")?;
/// assert_eq!(stats.opcode(Opcode::BinInt1).count, 2);
/// assert_eq!(stats.opcode(Opcode::BinInt1).bytes, 4);
/// assert_eq!(stats.memo.unused, 1);
/// assert_eq!(stats.protocol, Some(2));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Pickles read to their `STOP`.
    pub pickles: u64,
    /// Bytes of all ops.
    pub bytes: u64,
    /// Ops in all.
    pub ops: u64,
    /// The highest protocol that a `PROTO` states, if there is one.
    pub protocol: Option<u8>,
    /// The highest protocol that an op needs.
    pub needed_protocol: u8,
    /// Items on the stack at most, marks included, as far as the opcode table tells.
    pub stack_depth: u64,
    /// What became of the memo.
    pub memo: MemoStats,
    /// The frames.
    pub frames: FrameStats,
    opcodes: [OpcodeStats; 256],
}

/// Counts for one opcode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpcodeStats {
    /// Ops with it.
    pub count: u64,
    /// Bytes of these ops, arguments included.
    pub bytes: u64,
}

/// How the memo was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoStats {
    /// Ops that put.
    pub puts: u64,
    /// Ops that get.
    pub gets: u64,
    /// Puts whose value no op gets before the index is put again or the memo ends. `optimize` drops most of these.
    pub unused: u64,
    /// Gets of an index that nothing was put at.
    pub misses: u64,
}

/// The frames, by the lengths they state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameStats {
    /// Frames.
    pub count: u64,
    /// Bytes they state in all, without the `FRAME` ops themselves.
    pub bytes: u64,
    /// Bytes of the shortest.
    pub shortest: u64,
    /// Bytes of the longest.
    pub longest: u64,
}

impl Stats {
    /// Counts over all pickles of `input`, each with a memo of its own.
    ///
    /// # Errors
    /// What [`read_op`] says; `EndOfInput` if there is no byte at all. Stacks and memos that do not hold together are no
    /// errors here.
    pub fn of(input: &[u8]) -> Result<Stats> {
        let limits = Limits::default();
        Stats::of_source(&mut SliceSource::with_limit(input, limits.bytes), MemoScope::EachPickle, limits)
    }

    /// Counts over all pickles of `source`.
    ///
    /// # Errors
    /// As for [`Stats::of`]; `Limit`; `Io`.
    pub fn of_source<'de, S: Source<'de>>(source: &mut S, memo: MemoScope, limits: Limits) -> Result<Stats> {
        let mut counter = Counter::new(limits);
        let start = source.offset();
        loop {
            match counter.pickle(source) {
                Ok(()) => counter.stats.pickles += 1,
                Err(error) if error.is_end_of_input() && counter.stats.pickles > 0 => break,
                Err(error) => return Err(error),
            }
            if memo == MemoScope::EachPickle {
                counter.end_memo();
            }
        }
        counter.end_memo();
        counter.stats.bytes = source.offset() - start;
        counter.stats.stack_depth = counter.stack.deepest() as u64;
        Ok(counter.stats)
    }

    /// Counts for one opcode.
    pub fn opcode(&self, opcode: Opcode) -> OpcodeStats {
        self.opcodes[usize::from(opcode.code())]
    }

    /// Every opcode that occurs, with its counts, in the order of the table.
    pub fn opcodes(&self) -> impl Iterator<Item = (Opcode, OpcodeStats)> + '_ {
        Opcode::ALL.iter().map(|&opcode| (opcode, self.opcode(opcode))).filter(|(_, stats)| stats.count > 0)
    }
}

struct Counter {
    stats: Stats,
    stack: TypeStack,
    budget: Budget,
    /// Whether the last put at each index was got.
    got: Memo<bool>,
    got_count: u64,
}

impl Counter {
    fn new(limits: Limits) -> Self {
        Counter {
            stats: Stats {
                pickles: 0,
                bytes: 0,
                ops: 0,
                protocol: None,
                needed_protocol: 0,
                stack_depth: 0,
                memo: MemoStats::default(),
                frames: FrameStats::default(),
                opcodes: [OpcodeStats::default(); 256],
            },
            stack: TypeStack::default(),
            budget: Budget::new(limits),
            got: Memo::default(),
            got_count: 0,
        }
    }

    fn pickle<'de, S: Source<'de>>(&mut self, source: &mut S) -> Result<()> {
        self.stack.restart();
        let start = source.offset();
        loop {
            let offset = source.offset();
            let op = match read_op(source) {
                Ok(op) => op,
                Err(error) if offset == start && error.is_end_before_op() => {
                    return Err(Error::from(ErrorKind::EndOfInput).at(offset));
                }
                Err(error) => return Err(error),
            };
            let opcode = op.opcode;
            let memo_use = op.memo_use().map_err(|error| error.at(offset))?;
            match (opcode, op.arg) {
                (Opcode::Proto, Arg::Uint(protocol)) => {
                    self.stats.protocol = self.stats.protocol.max(u8::try_from(protocol).ok());
                }
                (Opcode::Frame, Arg::Uint(len)) => self.frame(len),
                _ => {}
            }
            self.budget.op().map_err(|error| error.at(offset))?;
            if let Some(memo_use) = memo_use {
                self.memo(memo_use);
                self.budget.memo(self.got.count()).map_err(|error| error.at(offset))?;
            }
            self.stack.step(opcode, None, offset);

            let stats = &mut self.stats.opcodes[usize::from(opcode.code())];
            stats.count += 1;
            stats.bytes += source.offset() - offset;
            self.stats.ops += 1;
            self.stats.needed_protocol = self.stats.needed_protocol.max(opcode.protocol());
            if opcode == Opcode::Stop {
                return Ok(());
            }
        }
    }

    fn memo(&mut self, memo_use: MemoUse) {
        let index = match memo_use {
            MemoUse::Put(index) => index as u64,
            MemoUse::Memoize => self.got.count(),
            MemoUse::Get(index) => {
                self.stats.memo.gets += 1;
                let index = index as u64;
                match self.got.get(index) {
                    None => self.stats.memo.misses += 1,
                    Some(true) => {}
                    Some(false) => {
                        self.got.put(index, true);
                        self.got_count += 1;
                    }
                }
                return;
            }
        };
        self.stats.memo.puts += 1;
        self.got.put(index, false);
    }

    fn frame(&mut self, len: u64) {
        let frames = &mut self.stats.frames;
        frames.shortest = if frames.count == 0 { len } else { frames.shortest.min(len) };
        frames.longest = frames.longest.max(len);
        frames.count += 1;
        frames.bytes = frames.bytes.saturating_add(len);
    }

    fn end_memo(&mut self) {
        self.stats.memo.unused = self.stats.memo.puts - self.got_count;
        self.got = Memo::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_several_pickles() {
        let stats = Stats::of(b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94h\x00aK\x01\x85.").unwrap();
        assert_eq!(stats.pickles, 1);
        let two = Stats::of(b"I1\n.\x80\x02K\x01\x85.").unwrap();
        assert_eq!((two.pickles, two.ops, two.bytes), (2, 6, 10));
        assert_eq!((two.protocol, two.needed_protocol), (Some(2), 2));
        let bytes: u64 = two.opcodes().map(|(_, opcode)| opcode.bytes).sum();
        assert_eq!(bytes, two.bytes);
        assert_eq!(two.opcode(Opcode::Int), OpcodeStats { count: 1, bytes: 3 });
    }

    #[test]
    fn a_put_that_is_put_over_before_it_is_got_is_unused() {
        let stats = Stats::of(b"]q\x00q\x00h\x00h\x00h\x050000.").unwrap();
        assert_eq!(stats.memo, MemoStats { puts: 2, gets: 3, unused: 1, misses: 1 });
    }

    #[test]
    fn frames_are_counted_by_the_lengths_they_state() {
        let stats = Stats::of(b"\x95\x02\0\0\0\0\0\0\0NN\x95\xff\xff\xff\xff\xff\xff\xff\xff.").unwrap();
        let frames = FrameStats { count: 2, bytes: u64::MAX, shortest: 2, longest: u64::MAX };
        assert_eq!(stats.frames, frames);
    }

    #[test]
    fn stack_depth_counts_marks() {
        assert_eq!(Stats::of(b"(((K\x01t1t0N.").unwrap().stack_depth, 4);
    }

    #[test]
    fn an_input_that_breaks_off_is_an_error_at_its_end() {
        let error = Stats::of(b"K\x01.K").unwrap_err();
        assert_eq!(error.offset(), Some(3));
        assert!(Stats::of(b"").unwrap_err().is_end_of_input());
    }
}
