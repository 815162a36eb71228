//! Where real readers differ: what those do that go on. For builders that look at what any reader would do.
//!
//! Each case is one in which `_pickle` refuses and `pickle.py`, `pickletools`, Python 2 or an older version does not. What
//! all of them refuse ends a pickle here as well.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Builder, Flow, Machine};
use crate::op::{Arg, Op, number};
use crate::opcode::Opcode;
use crate::source::Chunk;

impl<V: Clone> Machine<V> {
    /// Executes one op, as any reader does that can.
    pub(super) fn lenient_step<'de, B: Builder<'de, Value = V>>(
        &mut self,
        op: Op<'_, 'de>,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        let opcode = op.opcode;
        let arg = match &op.arg {
            Arg::Line(line) => Kept::Line(kept(line)),
            Arg::Lines { text, first_len } => Kept::Lines(kept(text), *first_len),
            Arg::Uint(index) if matches!(opcode, Opcode::BinPut | Opcode::LongBinPut) => Kept::Index(*index),
            _ => Kept::Nothing,
        };
        let start = self.marks.last().map(|mark| (*mark).min(self.stack.len()));
        let marks = self.marks.len();
        let error = match self.strict_step(op, builder) {
            Ok(flow) => return Ok(flow),
            Err(error) => error,
        };
        // Items are given to what is below other marks.
        let own = start.filter(|_| self.marks.len() < marks && matches!(opcode, Opcode::SetItems | Opcode::Appends));
        match (arg, error.kind()) {
            (Kept::Nothing, ErrorKind::StackUnderflow { .. } | ErrorKind::InvalidArgument { .. })
                if own == Some(0) && self.marks.is_empty() && !self.stack.is_empty() =>
            {
                self.give_to_last(opcode, error, builder)
            }
            (Kept::Index(index), ErrorKind::UnexpectedMark { .. }) => {
                builder.differs("a mark stands where a value is put into the memo");
                self.put_past_marks(index, builder)?;
                Ok(Flow::Continue)
            }
            (Kept::Nothing, ErrorKind::UnexpectedMark { .. }) => self.past_marks(opcode, own, error, builder),
            (arg, _) => self.differing(opcode, arg, start, error, builder),
        }
    }

    /// `cPickle` of Python 2 looks past a mark, `pickle.py` of Python 2 takes it for a value. `own` is the mark of an op that
    /// has taken it.
    #[cold]
    fn past_marks<'de, B: Builder<'de, Value = V>>(
        &mut self,
        opcode: Opcode,
        own: Option<usize>,
        error: Error,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        const WHY: &str = "a mark stands where a value is taken";
        self.others_left = self.others_left.saturating_sub(1);
        let mut other = if self.others_left > 0 { self.clone() } else { Machine::new(*self.budget.limits(), false) };
        let other_flow = if self.others_left > 0 { other.with_marks_as_values(opcode, builder)? } else { None };
        let (count, last) = (self.marks.len(), self.marks.last().copied());
        let others = own.map(|own| std::mem::replace(&mut self.marks, vec![own]));
        self.fence = 0;
        let skipped = self.strict_step(Op { opcode, arg: Arg::None }, builder);
        // Marks stay where they are, be it above what is left of the stack.
        if let Some(others) = others {
            self.marks = others;
        } else if self.marks.len() < count {
            self.marks.extend(last);
        }
        self.fence = self.marks.last().copied().unwrap_or(0);
        match (skipped, other_flow) {
            (Ok(flow), other_flow) => {
                self.other = matches!(other_flow, Some(Flow::Continue)).then(|| Box::new(other));
                builder.differs(WHY);
                Ok(flow)
            }
            (Err(_), Some(flow)) => {
                *self = other;
                builder.differs(WHY);
                Ok(flow)
            }
            (Err(_), None) => Err(error),
        }
    }

    /// `pickle.py` of Python 2 gives items to what stands before the mark: before the first of all, that is the last of all.
    #[cold]
    fn give_to_last<'de, B: Builder<'de, Value = V>>(
        &mut self,
        opcode: Opcode,
        error: Error,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        let Some(last) = self.stack.last().cloned() else { return Err(error) };
        builder.differs("items stand at a mark with nothing before it");
        if opcode == Opcode::SetItems {
            builder.set_items(&last, &self.stack)?;
        } else {
            builder.append(&last, &self.stack)?;
        }
        self.stack.clear();
        Ok(Flow::Continue)
    }

    /// Does an op with the topmost marks as values, if that can be.
    fn with_marks_as_values<'de, B: Builder<'de, Value = V>>(
        &mut self,
        opcode: Opcode,
        builder: &mut B,
    ) -> Result<Option<Flow<V>>> {
        if opcode == Opcode::Dup {
            self.mark();
            return Ok(Some(Flow::Continue));
        }
        while let Some(height) = self.marks.pop() {
            self.fence = self.marks.last().copied().unwrap_or(0);
            let value = builder.unsure()?;
            self.stack.insert(height.min(self.stack.len()), value);
            match self.strict_step(Op { opcode, arg: Arg::None }, builder) {
                Ok(flow) => {
                    // What was given a state or items stays where it is, and is a mark still.
                    if opcode == Opcode::Build && self.stack.len() == height + 1 {
                        self.stack.pop();
                        self.mark();
                    }
                    return Ok(Some(flow));
                }
                Err(next) if matches!(next.kind(), ErrorKind::UnexpectedMark { .. }) => {}
                Err(_) => break,
            }
        }
        Ok(None)
    }

    /// Puts the top value into the memo, whatever marks stand above it.
    fn put_past_marks<'de, B: Builder<'de, Value = V>>(&mut self, index: u64, builder: &mut B) -> Result<()> {
        let value = self.top_past_marks(builder)?;
        self.memo.put(index, value);
        self.budget.memo(self.memo.count())
    }

    fn top_past_marks<'de, B: Builder<'de, Value = V>>(&self, builder: &mut B) -> Result<V> {
        match self.stack.last() {
            Some(value) => Ok(value.clone()),
            None => builder.unsure(),
        }
    }

    /// What is done with an op that `_pickle` refuses with `error`; `start` is the height of the topmost mark before it.
    #[cold]
    fn differing<'de, B: Builder<'de, Value = V>>(
        &mut self,
        opcode: Opcode,
        arg: Kept<'de>,
        start: Option<usize>,
        error: Error,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        match (opcode, arg) {
            (Opcode::Int | Opcode::Long | Opcode::Float | Opcode::String | Opcode::Unicode, Kept::Line(_)) => {
                builder.differs("the text of a number or string that some readers accept and others refuse");
                let value = builder.unsure()?;
                self.push(value);
            }
            // Python 2 takes any text for a memo key.
            (Opcode::Put, Kept::Line(line)) if matches!(error.kind(), ErrorKind::InvalidNumber { .. }) => {
                builder.differs("a memo index that only some readers accept");
                if let Some(index) = index_before_nul(&line) {
                    self.put_past_marks(index, builder)?;
                }
                // They have no `MEMOIZE`, which counts entries.
                let value = self.top_past_marks(builder)?;
                self.memo.put_uncounted(text_index(&line), value);
            }
            (Opcode::Put, Kept::Line(line)) if matches!(error.kind(), ErrorKind::UnexpectedMark { .. }) => {
                builder.differs("a mark stands where a value is put into the memo");
                self.put_past_marks(number::parse_index(&line)?, builder)?;
            }
            (Opcode::Get, Kept::Line(line)) if matches!(error.kind(), ErrorKind::InvalidNumber { .. }) => {
                let before_nul = || index_before_nul(&line).and_then(|index| self.recall(index).ok());
                let Some(value) = self.recall(text_index(&line)).ok().or_else(before_nul).cloned() else {
                    return Err(error);
                };
                builder.differs("a memo index that only some readers accept");
                builder.again(&value);
                self.push(value);
            }
            (Opcode::Global, Kept::Lines(text, first_len)) => {
                builder.differs("a module or name that only some readers accept");
                let value = self.lossy_global(&text, first_len, builder)?;
                self.push(value);
            }
            (Opcode::Inst, Kept::Lines(text, first_len)) if start.is_some() => {
                builder.differs("a module or name that only some readers accept");
                let class = self.lossy_global(&text, first_len, builder)?;
                let start = start.unwrap_or_default();
                let object = builder.instance(&class, &self.stack[start..])?;
                return self.replace(start, object);
            }
            // Python 2 names the class before it looks for the mark.
            (Opcode::Inst, Kept::Lines(text, first_len)) => {
                self.lossy_global(&text, first_len, builder)?;
                return Err(error);
            }
            (Opcode::PersId, Kept::Line(_)) => {
                builder.differs("a persistent id that is not ASCII");
                let id = builder.unsure()?;
                let value = builder.persistent(&id)?;
                self.push(value);
            }
            (Opcode::Ext1 | Opcode::Ext2 | Opcode::Ext4, _) => {
                builder.differs("an extension code below 1");
                let value = builder.extension(0)?;
                self.push(value);
            }
            // `pickle.py` sets all pairs before it misses a value; Python 2 makes a dict without the last key.
            (Opcode::SetItems | Opcode::Dict, _)
                if matches!(error.kind(), ErrorKind::InvalidArgument { .. })
                    && let Some(start) = start
                    && self.stack.len() > start =>
            {
                builder.differs("a key without a value");
                self.stack.pop();
                if opcode == Opcode::Dict {
                    let dict = builder.dict(&self.stack[start..])?;
                    return self.replace(start, dict);
                }
                return self.fill(start, opcode, true, |dict, pairs| builder.set_items(dict, pairs));
            }
            _ => return Err(error),
        }
        Ok(Flow::Continue)
    }

    fn lossy_global<'de, B: Builder<'de, Value = V>>(
        &self,
        text: &[u8],
        first_len: usize,
        builder: &mut B,
    ) -> Result<V> {
        let module = String::from_utf8_lossy(&text[..first_len]);
        let name = String::from_utf8_lossy(text.get(first_len + 1..).unwrap_or_default());
        self.global(&module, &name, builder)
    }
}

/// The argument of an op that is looked at again.
enum Kept<'de> {
    Nothing,
    Line(Cow<'de, [u8]>),
    Lines(Cow<'de, [u8]>, usize),
    /// A memo index.
    Index(u64),
}

fn kept<'de>(chunk: &Chunk<'_, 'de>) -> Cow<'de, [u8]> {
    match chunk {
        Chunk::Input(bytes) => Cow::Borrowed(bytes),
        Chunk::Scratch(bytes) => Cow::Owned(bytes.to_vec()),
    }
}

/// The number that stands before a NUL, where C stops reading.
fn index_before_nul(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| *byte == 0)?;
    number::parse_index(&text[..end]).ok()
}

/// A memo index for text that is no number, apart from those of numbers.
fn text_index(text: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(text);
    hasher.finish() | 1 << 63
}
