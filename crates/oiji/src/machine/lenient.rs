//! Where real readers differ: what those do that go on. For builders that look at what any reader would do.
//!
//! Each case is one in which `_pickle` refuses and `pickle.py`, `pickletools`, Python 2 or an older version does not. What
//! all of them refuse ends a pickle here as well.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Builder, Flow, Machine};
use crate::op::{Arg, Op};
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
            _ => Kept::Nothing,
        };
        let start = self.marks.last().copied();
        let error = match self.strict_step(op, builder) {
            Ok(flow) => return Ok(flow),
            Err(error) => error,
        };
        match (arg, error.kind()) {
            (Kept::Nothing, ErrorKind::UnexpectedMark { .. }) => self.past_marks(opcode, error, builder),
            (arg, _) => self.differing(opcode, arg, start, error, builder),
        }
    }

    /// Python 2 counts a mark as a value, or looks past it.
    #[cold]
    fn past_marks<'de, B: Builder<'de, Value = V>>(
        &mut self,
        opcode: Opcode,
        mut error: Error,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        while matches!(error.kind(), ErrorKind::UnexpectedMark { .. }) && self.marks.pop().is_some() {
            self.fence = self.marks.last().copied().unwrap_or(0);
            match self.strict_step(Op { opcode, arg: Arg::None }, builder) {
                Ok(flow) => {
                    builder.differs("a mark stands where a value is taken");
                    return Ok(flow);
                }
                Err(next) => error = next,
            }
        }
        Err(error)
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
                return self.put(text_index(&line), opcode);
            }
            (Opcode::Get, Kept::Line(line)) if matches!(error.kind(), ErrorKind::InvalidNumber { .. }) => {
                let Ok(value) = self.recall(text_index(&line)).cloned() else { return Err(error) };
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
                return self.fill(start, opcode, |dict, pairs| builder.set_items(dict, pairs));
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
}

fn kept<'de>(chunk: &Chunk<'_, 'de>) -> Cow<'de, [u8]> {
    match chunk {
        Chunk::Input(bytes) => Cow::Borrowed(bytes),
        Chunk::Scratch(bytes) => Cow::Owned(bytes.to_vec()),
    }
}

/// A memo index for text that is no number, apart from those of numbers.
fn text_index(text: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(text);
    hasher.finish() | 1 << 63
}
