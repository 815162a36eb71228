//! The stack, marks and memo of a pickle with types in place of values, as far as the opcode table knows them.
//!
//! It follows `pickletools.dis`, not the machine: a mark is an item like any other, and nothing guards it.

use crate::error::{Error, ErrorKind};
use crate::machine::Memo;
use crate::op::MemoUse;
use crate::opcode::{Opcode, StackItem};

/// What stands where, by type.
#[derive(Debug, Default)]
pub(super) struct TypeStack {
    items: Vec<StackItem>,
    /// Offsets of the `MARK` ops that no op has taken yet.
    marks: Vec<u64>,
    /// By index, as the `u64` of the same bits.
    memo: Memo<StackItem>,
    deepest: usize,
}

/// What is worth a word beside an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Nothing,
    /// It takes the mark that was pushed at this offset.
    TakesMark(u64),
    /// It takes a mark, and there is none.
    LacksMark,
    /// It puts at this index without naming it.
    PutsAt(i64),
}

impl TypeStack {
    /// Makes ready for another pickle; the memo stays.
    pub(super) fn restart(&mut self) {
        self.items.clear();
        self.marks.clear();
    }

    pub(super) fn clear_memo(&mut self) {
        self.memo = Memo::default();
    }

    /// Marks that are open.
    #[inline]
    pub(super) fn mark_count(&self) -> usize {
        self.marks.len()
    }

    pub(super) fn memo_count(&self) -> u64 {
        self.memo.count()
    }

    /// What is on the stack, the deepest first.
    pub(super) fn items(&self) -> &[StackItem] {
        &self.items
    }

    /// Items on the stack at most so far, marks included.
    pub(super) fn deepest(&self) -> usize {
        self.deepest
    }

    /// Does what the op at `offset` does; with an error where stack or memo are not as it needs them. It goes on in any
    /// case, with what there is.
    #[inline]
    pub(super) fn step(&mut self, opcode: Opcode, memo_use: Option<MemoUse>, offset: u64) -> (Note, Option<Error>) {
        let row = opcode.row();
        let mut note = Note::Nothing;
        let mut error = None;
        let mut pop_count = row.before.len();

        let mark_at = row.before.iter().position(|&item| item == StackItem::Mark);
        if let Some(below_mark) = mark_at {
            pop_count = below_mark;
            (note, error) = self.take_mark(opcode);
        } else if opcode == Opcode::Pop && self.items.last() == Some(&StackItem::Mark) {
            pop_count = 0;
            (note, error) = self.take_mark(opcode);
        }

        let mut got = None;
        match memo_use {
            None => {}
            Some(MemoUse::Get(index)) => match self.memo.get(index as u64) {
                Some(&item) => got = Some(item),
                None => error = Some(never_put(opcode, index)),
            },
            Some(MemoUse::Put(index)) => error = self.put(opcode, index),
            Some(MemoUse::Memoize) => {
                let index = self.memo.count() as i64;
                note = Note::PutsAt(index);
                error = self.put(opcode, index);
            }
        }

        match self.items.len().checked_sub(pop_count) {
            Some(left) => self.items.truncate(left),
            None => {
                error.get_or_insert_with(|| ErrorKind::StackUnderflow { opcode: opcode.name() }.into());
                self.items.clear();
            }
        }
        match got {
            Some(item) => self.items.push(item),
            None => self.items.extend_from_slice(row.after),
        }
        if opcode == Opcode::Mark {
            self.marks.push(offset);
        }
        self.deepest = self.deepest.max(self.items.len());
        (note, error)
    }

    /// Takes everything down to the topmost mark, and the mark.
    fn take_mark(&mut self, opcode: Opcode) -> (Note, Option<Error>) {
        let Some(offset) = self.marks.pop() else {
            return (Note::LacksMark, Some(ErrorKind::MissingMark { opcode: opcode.name() }.into()));
        };
        match self.items.iter().rposition(|&item| item == StackItem::Mark) {
            Some(height) => {
                self.items.truncate(height);
                (Note::TakesMark(offset), None)
            }
            // An op that knows nothing of marks took it away as a value.
            None => {
                self.items.clear();
                (Note::TakesMark(offset), Some(ErrorKind::MissingMark { opcode: opcode.name() }.into()))
            }
        }
    }

    fn put(&mut self, opcode: Opcode, index: i64) -> Option<Error> {
        let opcode = opcode.name();
        let is_taken = self.memo.get(index as u64).is_some();
        let kind = match self.items.last() {
            None => Some(ErrorKind::StackUnderflow { opcode }),
            Some(StackItem::Mark) => Some(ErrorKind::UnexpectedMark { opcode }),
            Some(&item) => {
                self.memo.put(index as u64, item);
                None
            }
        };
        if is_taken {
            let problem = format!("memo index {index} is already taken");
            return Some(ErrorKind::InvalidArgument { opcode, problem }.into());
        }
        kind.map(Error::from)
    }
}

#[cold]
fn never_put(opcode: Opcode, index: i64) -> Error {
    match u64::try_from(index) {
        Ok(index) => ErrorKind::MemoMiss { index }.into(),
        Err(_) => {
            let problem = format!("memo index {index} was never put");
            ErrorKind::InvalidArgument { opcode: opcode.name(), problem }.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_op_that_takes_a_mark_takes_all_above_it() {
        let mut stack = TypeStack::default();
        for (offset, opcode) in [Opcode::EmptyList, Opcode::Mark, Opcode::None, Opcode::None].into_iter().enumerate() {
            stack.step(opcode, None, offset as u64);
        }
        let (note, error) = stack.step(Opcode::Appends, None, 4);
        assert_eq!(note, Note::TakesMark(1));
        assert!(error.is_none());
        assert_eq!(stack.items(), [StackItem::List]);
        assert_eq!(stack.deepest(), 4);
    }

    #[test]
    fn pop_takes_a_mark_only_where_one_is_on_top() {
        let mut stack = TypeStack::default();
        stack.step(Opcode::Mark, None, 7);
        stack.step(Opcode::None, None, 8);
        assert_eq!(stack.step(Opcode::Pop, None, 9).0, Note::Nothing);
        assert_eq!(stack.step(Opcode::Pop, None, 10).0, Note::TakesMark(7));
        assert_eq!(stack.items(), []);
    }

    #[test]
    fn what_does_not_hold_together_is_an_error_and_does_not_stop_it() {
        let mut stack = TypeStack::default();
        let mut problem = |opcode, memo_use| stack.step(opcode, memo_use, 0).1.map(|error| error.to_string());
        assert_eq!(problem(Opcode::Tuple, None).as_deref(), Some("no mark on the stack for TUPLE"));
        assert_eq!(problem(Opcode::Reduce, None).as_deref(), Some("stack underflow in REDUCE"));
        assert_eq!(problem(Opcode::BinGet, Some(MemoUse::Get(3))).as_deref(), Some("memo index 3 was never put"));
        assert_eq!(problem(Opcode::BinPut, Some(MemoUse::Put(3))), None);
        let again = problem(Opcode::BinPut, Some(MemoUse::Put(3)));
        assert_eq!(again.as_deref(), Some("invalid argument of BINPUT: memo index 3 is already taken"));
        assert_eq!(problem(Opcode::Mark, None), None);
        let mark = problem(Opcode::Memoize, Some(MemoUse::Memoize));
        assert_eq!(mark.as_deref(), Some("unexpected mark in MEMOIZE"));
    }
}
