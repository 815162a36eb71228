//! The stack machine: turns ops into builder calls. It never sees a byte of input, nor what a value is.
//!
//! It accepts what CPython's `_pickle` accepts and refuses what that refuses. The caller owns the loop, so that something
//! else may happen between two ops. Next: `builder`, then `graph::build`, the builder that most callers use.

mod agreed;
mod builder;
mod lenient;
mod memo;
mod step;
pub(crate) mod swift;

pub use builder::Builder;
pub use memo::{Memo, MemoScope};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Budget, Limits};
use crate::policy::Policy;

/// Stack, marks and memo of one unpickler.
///
/// ```
/// use oiji::graph::GraphBuilder;
/// use oiji::machine::{Flow, Machine};
/// use oiji::{Limits, ReadOptions, op::read_op, source::SliceSource};
///
/// let mut source = SliceSource::new(b"]K\x07a.");
/// let mut builder = GraphBuilder::new(source.input(), &ReadOptions::new());
/// let mut machine = Machine::new(Limits::default(), true);
/// let root = loop {
///     if let Flow::Stop(root) = machine.step(read_op(&mut source)?, &mut builder)? {
///         break root;
///     }
/// };
/// assert_eq!(builder.finish(vec![root]).to_string(), "[7]");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Machine<V> {
    stack: Vec<V>,
    /// Stack heights at which a mark stands.
    marks: Vec<usize>,
    /// The topmost mark, below which no op may take values.
    fence: usize,
    memo: Memo<V>,
    budget: Budget,
    protocol: u8,
    fix_imports: bool,
    crlf: bool,
    /// Whether what real readers read differently is refused.
    strict: bool,
    /// Whether the memo has entries of earlier pickles.
    goes_on: bool,
    policy: Option<Policy>,
    /// As some reader would go on that sees the last op in another way; of lenient builders alone.
    other: Option<Box<Machine<V>>>,
    /// How many more of those are made: each costs as much as the machine holds.
    others_left: u8,
    scratch: Vec<u8>,
}

/// Whether a pickle goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow<V> {
    /// More ops follow.
    Continue,
    /// This was `STOP`, and this is the result.
    Stop(V),
}

impl<V: Clone> Machine<V> {
    /// A machine that may spend `limits`, and that maps Python 2's names to Python 3's if `fix_imports`.
    pub fn new(limits: Limits, fix_imports: bool) -> Self {
        Machine {
            stack: Vec::new(),
            marks: Vec::new(),
            fence: 0,
            memo: Memo::default(),
            budget: Budget::new(limits),
            protocol: 0,
            fix_imports,
            crlf: false,
            strict: false,
            goes_on: false,
            policy: None,
            other: None,
            others_left: 16,
            scratch: Vec::new(),
        }
    }

    /// Takes a carriage return at the end of a line as part of the line's end, as in files that went through a text mode.
    pub fn accept_crlf(&mut self, accept: bool) {
        self.crlf = accept;
    }

    /// Refuses from now on what real readers read differently, and accepts only what all agree on.
    ///
    /// Where frames end and ops stand is for the caller to see to, as [`ReadOptions::strict`](crate::ReadOptions::strict) does.
    pub fn refuse_ambiguity(&mut self, refuse: bool) {
        self.strict = refuse;
    }

    /// Whether what real readers read differently is refused.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Lets a pickle name only what `policy` allows, whatever the builder. What is done with it is for the builder to ask.
    pub fn obey(&mut self, policy: Policy) {
        self.policy = Some(policy);
    }

    /// Makes ready for another pickle; the memo stays, as it does in one `Unpickler`.
    pub fn restart(&mut self) {
        self.goes_on = self.memo.count() > 0;
        self.stack.clear();
        self.marks.clear();
        self.fence = 0;
        self.protocol = 0;
    }

    /// Forgets every memo entry.
    pub fn clear_memo(&mut self) {
        self.memo = Memo::default();
        self.goes_on = false;
    }

    /// Takes another memo; gives the one there was.
    pub fn replace_memo(&mut self, memo: Memo<V>) -> Memo<V> {
        std::mem::replace(&mut self.memo, memo)
    }

    /// The memo as it stands.
    pub fn memo(&self) -> &Memo<V> {
        &self.memo
    }

    /// The protocol that the last `PROTO` stated; 0 before one.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// The value on top of the stack, whatever stands below it: after `BUILD`, what was built.
    pub fn peek(&self) -> Option<&V> {
        self.stack.last()
    }

    /// What may still be spent.
    pub fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// The machine as a reader would go on that sees the last op in another way, where there is one: Python 2 has two.
    pub(crate) fn take_other(&mut self) -> Option<Machine<V>> {
        self.other.take().map(|other| *other)
    }

    #[inline]
    fn pop(&mut self, opcode: Opname) -> Result<V> {
        if self.stack.len() <= self.fence {
            return Err(self.underflow(opcode));
        }
        self.stack.pop().ok_or_else(|| self.underflow(opcode))
    }

    /// The top value.
    #[inline]
    fn top(&self, opcode: Opname) -> Result<&V> {
        match self.stack.last() {
            Some(value) if self.stack.len() > self.fence => Ok(value),
            _ => Err(self.underflow(opcode)),
        }
    }

    /// Whether so many values stand above the topmost mark.
    #[inline]
    pub(crate) fn has(&self, count: usize) -> bool {
        self.stack.len() >= self.fence + count
    }

    /// Whether there is a mark with values above it, in pairs if `paired`, and one below it that no other mark hides.
    #[inline]
    pub(crate) fn has_marked(&self, paired: bool) -> bool {
        let [.., mark] = self.marks[..] else { return false };
        let below = if let [.., below, _] = self.marks[..] { below } else { 0 };
        mark > below && self.stack.len() > mark && (!paired || (self.stack.len() - mark).is_multiple_of(2))
    }

    /// The height at which the top `count` values begin.
    #[inline]
    fn top_count(&self, count: usize, opcode: Opname) -> Result<usize> {
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= self.fence => Ok(start),
            _ => Err(self.underflow(opcode)),
        }
    }

    /// Takes the topmost mark away; gives the height at which it stood.
    #[inline]
    fn pop_mark(&mut self, opcode: Opname) -> Result<usize> {
        let Some(start) = self.marks.pop() else {
            return Err(ErrorKind::MissingMark { opcode: opcode.name() }.into());
        };
        self.fence = self.marks.last().copied().unwrap_or(0);
        // Of a lenient builder, a mark may be higher than the stack.
        Ok(start.min(self.stack.len()))
    }

    /// The value just below height `start`, to which the values from there on are given.
    #[inline]
    fn target(&self, start: usize, opcode: Opname) -> Result<&V> {
        match start.checked_sub(1) {
            Some(index) if index >= self.fence => Ok(&self.stack[index]),
            _ => Err(self.underflow(opcode)),
        }
    }

    #[cold]
    fn underflow(&self, opcode: Opname) -> Error {
        let opcode = opcode.name();
        if self.marks.is_empty() {
            ErrorKind::StackUnderflow { opcode }.into()
        } else {
            ErrorKind::UnexpectedMark { opcode }.into()
        }
    }
}

/// The opcode at work, for error messages: its name is looked up only when one is made.
type Opname = crate::opcode::Opcode;
