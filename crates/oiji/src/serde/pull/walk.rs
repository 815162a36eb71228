//! Containers: entered, counted off item by item, left. What is not asked for is passed here too.

use serde::de::Visitor;

use crate::error::Result;
use crate::op::text::check_utf8;
use crate::serde::pull::access::{Items, Pairs};
use crate::serde::pull::index::*;
use crate::serde::pull::memo::Place;
use crate::serde::pull::reader::{Head, Open, Reader, Start, left};

/// How far a container is read. Batches and single items end by the op that fills the container.
// Told apart by a byte of its own, which is quicker to ask than a gap in what the variants hold.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Run {
    /// Before the first item of a tuple without a mark.
    First(Start),
    /// After some items of a tuple without a mark; after more than one, so many tuples begin with it.
    Short { count: u8, tuples: u16 },
    /// Above a mark.
    Marked(u8),
    /// Before all batches.
    Empty(u8),
    /// Between batches.
    Between(u8),
    /// After the one item, or the key and its value, that an op gives to the container.
    Single(u8),
    /// After the end; so many tuples begin with it.
    Done(u16),
}

impl<'de> Reader<'_, 'de> {
    /// Goes into a container, of which `open` is the place, unless it is too deep or too much was read again.
    #[inline(always)]
    pub(super) fn enter(&mut self, open: Open) -> Result<Run> {
        if self.depth >= self.deepest {
            return Err(self.fail());
        }
        self.depth += 1;
        self.again += u64::from(open.is_again());
        if self.again > 0 {
            match self.visits.checked_sub(1) {
                Some(left) => self.visits = left,
                None => return Err(self.fail()),
            }
        }
        match open.tuples {
            0 => {
                self.unhashable += 1;
                self.position += 1;
                if self.code()? != MARK || !self.is_batch()? {
                    return Ok(Run::Empty(open.end));
                }
                self.pass_mark();
                Ok(Run::Marked(open.end))
            }
            1 if self.input.get(self.position) == Some(&MARK) => {
                self.pass_mark();
                Ok(Run::Marked(TUPLE))
            }
            1 => Ok(Run::First(Start::new(self.code()?, 0, open.known))),
            tuples => Ok(Run::First(Start::new(TUPLE, tuples - 1, true))),
        }
    }

    /// Whether the mark at the position, in a container or after it, begins a batch: it is taken for one, unless careful.
    #[inline]
    fn is_batch(&mut self) -> Result<bool> {
        if !self.careful {
            return Ok(true);
        }
        match self.index.tuples(self.position) {
            Some(tuples) => Ok(tuples == 0),
            None => Err(self.fail()),
        }
    }

    /// Leaves a container with which so many tuples begin.
    #[inline(always)]
    fn leave(&mut self, open: Open, tuples: u16) {
        self.depth -= 1;
        self.last = Place { start: open.start, tuples };
        if open.is_again() {
            self.again -= 1;
            self.position = open.back as usize;
            self.last = Place::NONE;
        }
    }

    /// Goes to the next item, or to the next key; nothing at the end.
    #[inline(always)]
    pub(super) fn next(&mut self, run: &mut Run) -> Result<Option<Start>> {
        match *run {
            Run::Marked(_) => {
                let code = self.code()?;
                if !ENDS[usize::from(code)] {
                    return self.start_of(code).map(Some);
                }
            }
            Run::First(start) => {
                *run = Run::Short { count: 1, tuples: 0 };
                return Ok(Some(start));
            }
            Run::Short { count, tuples } => {
                // What begins where the tuple does was read last.
                let tuples = if count == 1 { self.last.tuples.saturating_add(1) } else { tuples };
                let code = self.code()?;
                if !ENDS[usize::from(code)] && count < 3 {
                    *run = Run::Short { count: count + 1, tuples };
                    return self.start_of(code).map(Some);
                }
                if code == TUPLE1 - 1 + count {
                    self.position += 1;
                    *run = Run::Done(tuples);
                    return Ok(None);
                }
                return Err(self.fail());
            }
            _ => {}
        }
        self.next_elsewhere(run)
    }

    #[inline(never)]
    fn next_elsewhere(&mut self, run: &mut Run) -> Result<Option<Start>> {
        if let Run::Done(_) = run {
            return Ok(None);
        }
        let mut code = self.code()?;
        let end = match (*run, code) {
            (Run::Marked(TUPLE), TUPLE) => {
                self.position += 1;
                *run = Run::Done(1);
                return Ok(None);
            }
            (Run::Marked(end @ APPENDS), APPENDS)
            | (Run::Marked(end @ SETITEMS), SETITEMS)
            | (Run::Marked(end @ ADDITEMS), ADDITEMS)
            | (Run::Single(end @ APPENDS), APPEND)
            | (Run::Single(end @ SETITEMS), SETITEM) => {
                self.position += 1;
                self.last = Place::NONE;
                code = self.code()?;
                *run = Run::Between(end);
                end
            }
            (Run::Empty(end) | Run::Between(end), _) => end,
            _ => return Err(self.fail()),
        };
        // Between batches; there may be empty ones.
        while code == MARK && self.is_batch()? {
            self.pass_mark();
            code = self.code()?;
            if !ENDS[usize::from(code)] {
                *run = Run::Marked(end);
                return self.start_of(code).map(Some);
            }
            if code != end {
                return Err(self.fail());
            }
            self.position += 1;
            code = self.code()?;
            *run = Run::Between(end);
        }
        if self.is_single(code, *run)? {
            *run = Run::Single(end);
            return self.start_of(code).map(Some);
        }
        *run = Run::Done(0);
        Ok(None)
    }

    /// Whether the value at the position is one that is given to the container alone. After a batch it is taken for what
    /// follows the container, unless careful.
    fn is_single(&mut self, code: u8, run: Run) -> Result<bool> {
        if ENDS[usize::from(code)] || matches!(run, Run::Between(_)) && !self.careful {
            return Ok(false);
        }
        match self.index.is_single(self.position) {
            Some(single) => Ok(single),
            None => Err(self.fail()),
        }
    }

    /// Passes a value that no one asks for.
    pub(super) fn skip(&mut self, start: Start) -> Result<()> {
        let start = self.resolved(start)?;
        let head = match start.code() {
            BINGET => {
                let [index] = self.argument(1)?;
                return self.skip_again(u32::from(index), 2);
            }
            LONG_BINGET => {
                let index = u32::from_le_bytes(self.argument(1)?);
                return self.skip_again(index, 5);
            }
            SHORT_BINUNICODE => {
                let [len] = self.argument(1)?;
                let text = self.payload(2, usize::from(len))?;
                return self.check_text(text);
            }
            BINUNICODE => {
                let len = u32::from_le_bytes(self.argument(1)?);
                let text = self.payload(5, len as usize)?;
                return self.check_text(text);
            }
            BINUNICODE8 => {
                let text = self.long_payload()?;
                return self.check_text(text);
            }
            _ => self.head(start)?,
        };
        let (open, is_dict) = match head {
            Head::Tuple(open) | Head::List(open) | Head::Set(open) => (open, false),
            Head::Dict(open) => (open, true),
            _ => return Ok(()),
        };
        let mut run = self.enter(open)?;
        let before = self.unhashable;
        while let Some(item) = self.next(&mut run)? {
            if is_dict {
                let before = self.unhashable;
                self.skip(item)?;
                self.check_hashable(before)?;
                let value = self.start()?;
                self.skip(value)?;
            } else {
                self.skip(item)?;
            }
        }
        if open.end == ADDITEMS {
            self.check_hashable(before)?;
        }
        self.end(open, &mut run)
    }

    /// Passes what was put at `index` of the memo; the op has `len` bytes.
    fn skip_again(&mut self, index: u32, len: usize) -> Result<()> {
        let Some(place) = self.memo.get(index) else { return Err(self.fail()) };
        // What it holds is not looked at; so only where nothing is asked of it.
        let code = self.input.get(place.start as usize).copied().unwrap_or(MARK);
        if place.tuples > 0 || matches!(code, EMPTY_LIST | EMPTY_DICT | EMPTY_SET | BYTEARRAY8 | MARK) {
            self.unhashable += 1;
        }
        self.payload(len, 0).map(drop)
    }

    fn check_text(&mut self, text: &[u8]) -> Result<()> {
        if text.is_ascii() || check_utf8(text).is_ok() { Ok(()) } else { Err(self.fail()) }
    }

    /// Fails if values that are no keys were met since there were `before` of them.
    #[inline(always)]
    pub(super) fn check_hashable(&mut self, before: u64) -> Result<()> {
        if self.unhashable == before { Ok(()) } else { Err(self.fail()) }
    }

    pub(super) fn visit_seq<V: Visitor<'de>>(&mut self, open: Open, visitor: V) -> Result<V::Value> {
        let mut run = self.enter(open)?;
        let before = self.unhashable;
        let value = visitor.visit_seq(Items { reader: self, run: &mut run });
        if value.is_err() {
            self.failed = true;
            return value;
        }
        if open.end == ADDITEMS {
            self.check_hashable(before)?;
        }
        self.end(open, &mut run)?;
        value
    }

    pub(super) fn visit_map<V: Visitor<'de>>(&mut self, open: Open, visitor: V) -> Result<V::Value> {
        let (mut run, mut value_next) = (self.enter(open)?, false);
        let value = visitor.visit_map(Pairs { reader: self, run: &mut run, value_next: &mut value_next });
        // Not taken apart, and so not copied.
        if value.is_err() || value_next {
            self.failed = true;
            return value.and_then(|_| Err(left()));
        }
        self.end(open, &mut run)?;
        value
    }

    /// Leaves a container, of which nothing may be left.
    #[inline(always)]
    pub(super) fn end(&mut self, open: Open, run: &mut Run) -> Result<()> {
        if !matches!(run, Run::Done(_)) && self.next(run)?.is_some() {
            return Err(self.fail());
        }
        let Run::Done(tuples) = *run else { return Err(self.fail()) };
        self.leave(open, tuples);
        Ok(())
    }
}

/// Whether an op ends a run of items.
pub(super) const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let codes = [APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS, TUPLE, TUPLE1, TUPLE2, TUPLE3, STOP];
    let mut next = 0;
    while next < codes.len() {
        ends[codes[next] as usize] = true;
        next += 1;
    }
    ends
};
