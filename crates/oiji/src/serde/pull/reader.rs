//! The position in one pickle, and what stands there: atoms are decoded, containers entered and left, items counted off.

use serde::de::{DeserializeSeed, Visitor};

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::op::number::Integer;
use crate::serde::pull::access::{Items, Pairs};
use crate::serde::pull::cursor::Cursor;
use crate::serde::pull::index::*;

/// How many strings of the memo are kept at hand.
pub(super) const NAMES: usize = 32;

pub(super) struct Reader<'i, 'de> {
    /// One pickle.
    pub(super) input: &'de [u8],
    pub(super) index: &'i Index,
    pub(super) position: usize,
    /// Containers on the way from the root to the value being read.
    pub(super) depth: u64,
    pub(super) deepest: u64,
    /// How many of them were met through the memo.
    pub(super) again: u64,
    /// How many containers may yet be read again.
    pub(super) visits: u64,
    /// Strings used again, by memo index.
    pub(super) names: [(u32, &'de str); NAMES],
    /// Whether anything went wrong, also where a type made its peace with it.
    pub(super) failed: bool,
}

/// How a value begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// The op at its place; `TUPLE` where a tuple begins there.
    pub(super) code: u8,
    pub(super) tuples: u16,
}

/// What stands at a place. Atoms are taken; of containers the place is.
pub(super) enum Head<'de> {
    None,
    Bool(bool),
    Int(i64),
    BigInt(&'de [u8]),
    Float(f64),
    Str(&'de str),
    Py2Str(&'de [u8]),
    /// Bytes or a bytearray.
    Bytes(&'de [u8]),
    EmptyTuple,
    Tuple(Open),
    List(Open),
    Set(Open),
    Dict(Open),
}

/// A container about to be read: how many tuples begin with it, and where to go on if it was met through the memo.
pub(super) struct Open {
    pub(super) tuples: u16,
    pub(super) back: Option<usize>,
}

/// How far a container is read.
pub(super) enum Run {
    /// Before the first item of a tuple without a mark.
    First(Start),
    /// In a tuple without a mark.
    Short,
    /// Above a mark.
    Marked,
    /// Outside of batches.
    Between,
    /// After the one item, or the key and its value, that an op gives to the container.
    Single,
    Done,
}

#[cold]
pub(super) fn left() -> Error {
    Error::message("left to the graph")
}

impl<'i, 'de> Reader<'i, 'de> {
    /// A reader of one pickle.
    pub(super) fn new(input: &'de [u8], index: &'i Index, limits: &Limits) -> Self {
        Reader {
            input,
            index,
            position: 0,
            depth: 0,
            deepest: limits.recursion,
            again: 0,
            visits: limits.visits,
            names: [(u32::MAX, ""); NAMES],
            failed: false,
        }
    }

    /// Whether anything went wrong, also where a type made its peace with it.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    #[cold]
    pub(super) fn fail(&mut self) -> Error {
        self.failed = true;
        left()
    }

    #[inline(always)]
    pub(super) fn checked<T>(&mut self, result: Result<T>) -> Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failed(error)),
        }
    }

    #[cold]
    pub(super) fn failed(&mut self, error: Error) -> Error {
        self.failed = true;
        error
    }

    /// The next op that does something to the stack; those before it are passed.
    #[inline(always)]
    pub(super) fn code(&mut self) -> Result<u8> {
        match self.input.get(self.position) {
            Some(&code) if PASSED[usize::from(code)] == 0 => Ok(code),
            Some(&MEMOIZE) => {
                self.position += 1;
                self.code_after_passed()
            }
            _ => self.code_after_passed(),
        }
    }

    pub(super) fn code_after_passed(&mut self) -> Result<u8> {
        loop {
            let Some(&code) = self.input.get(self.position) else { return Err(self.fail()) };
            let len = PASSED[usize::from(code)];
            if len == 0 {
                return Ok(code);
            }
            self.position += usize::from(len);
        }
    }

    /// The value that comes next.
    #[inline(always)]
    pub(super) fn start(&mut self) -> Result<Start> {
        let code = self.code()?;
        Ok(self.start_of(code))
    }

    /// The value at the position, where `code` stands.
    #[inline(always)]
    pub(super) fn start_of(&self, code: u8) -> Start {
        match self.index.tuples(self.position) {
            0 => Start { code, tuples: 0 },
            tuples => Start { code: TUPLE, tuples },
        }
    }

    #[inline(always)]
    pub(super) fn cursor(&mut self, start: Start) -> Cursor<'_, 'i, 'de> {
        Cursor { reader: self, start }
    }

    /// The bytes that begin `skip` bytes after the position.
    #[inline]
    pub(super) fn argument<const N: usize>(&mut self, skip: usize) -> Result<[u8; N]> {
        let bytes = self.input.get(self.position + skip..).and_then(|rest| rest.first_chunk::<N>());
        match bytes {
            Some(bytes) => Ok(*bytes),
            None => Err(self.fail()),
        }
    }

    /// Takes an op whose payload of `len` bytes stands `skip` bytes after its code.
    #[inline]
    pub(super) fn payload(&mut self, skip: usize, len: usize) -> Result<&'de [u8]> {
        let start = self.position + skip;
        match self.input.get(start..).and_then(|rest| rest.get(..len)) {
            Some(bytes) => {
                self.position = start + len;
                Ok(bytes)
            }
            None => Err(self.fail()),
        }
    }

    pub(super) fn long_payload(&mut self) -> Result<&'de [u8]> {
        let len = u64::from_le_bytes(self.argument(1)?);
        self.payload(9, usize::try_from(len).unwrap_or(usize::MAX))
    }

    #[inline]
    pub(super) fn str(&mut self, code: u8) -> Result<&'de str> {
        let bytes = match code {
            SHORT_BINUNICODE => {
                let [len] = self.argument(1)?;
                self.payload(2, usize::from(len))?
            }
            BINUNICODE => {
                let len = u32::from_le_bytes(self.argument(1)?);
                self.payload(5, len as usize)?
            }
            _ => self.long_payload()?,
        };
        // Surrogates: no Rust type takes them as text.
        std::str::from_utf8(bytes).map_err(|_| self.fail())
    }

    pub(super) fn head(&mut self, start: Start) -> Result<Head<'de>> {
        match start.code {
            TUPLE => Ok(Head::Tuple(Open { tuples: start.tuples, back: None })),
            BINGET => {
                let [index] = self.argument(1)?;
                self.recall(u32::from(index), 2)
            }
            LONG_BINGET => {
                let index = u32::from_le_bytes(self.argument(1)?);
                self.recall(index, 5)
            }
            code => self.plain(code, None),
        }
    }

    /// What was put at `index` of the memo; the op has `len` bytes.
    #[inline]
    pub(super) fn recall(&mut self, index: u32, len: usize) -> Result<Head<'de>> {
        let (known, name) = self.names[index as usize % NAMES];
        if known == index {
            self.position += len;
            return Ok(Head::Str(name));
        }
        let back = self.position + len;
        let Some(place) = self.index.recall(index) else { return Err(self.fail()) };
        self.position = place.start as usize;
        if place.tuples > 0 {
            return Ok(Head::Tuple(Open { tuples: place.tuples, back: Some(back) }));
        }
        let code = self.code()?;
        let head = self.plain(code, Some(back))?;
        if let Head::Str(name) = head {
            self.names[index as usize % NAMES] = (index, name);
        }
        if !matches!(head, Head::Tuple(_) | Head::List(_) | Head::Set(_) | Head::Dict(_)) {
            self.position = back;
        }
        Ok(head)
    }

    /// What an op that makes a value makes.
    #[inline]
    pub(super) fn plain(&mut self, code: u8, back: Option<usize>) -> Result<Head<'de>> {
        let open = Open { tuples: 0, back };
        Ok(match code {
            SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 => Head::Str(self.str(code)?),
            BININT1 => {
                let [byte] = self.argument(1)?;
                self.position += 2;
                Head::Int(i64::from(byte))
            }
            BININT2 => {
                let value = u16::from_le_bytes(self.argument(1)?);
                self.position += 3;
                Head::Int(i64::from(value))
            }
            BININT => {
                let value = i32::from_le_bytes(self.argument(1)?);
                self.position += 5;
                Head::Int(i64::from(value))
            }
            BINFLOAT => {
                let value = f64::from_be_bytes(self.argument(1)?);
                self.position += 9;
                Head::Float(value)
            }
            NONE => {
                self.position += 1;
                Head::None
            }
            NEWTRUE | NEWFALSE => {
                self.position += 1;
                Head::Bool(code == NEWTRUE)
            }
            EMPTY_TUPLE => {
                self.position += 1;
                Head::EmptyTuple
            }
            EMPTY_LIST => Head::List(open),
            EMPTY_DICT => Head::Dict(open),
            EMPTY_SET => Head::Set(open),
            LONG1 | LONG4 => {
                let bytes = self.bytes(code)?;
                match Integer::from_le(bytes) {
                    Integer::Small(value) => Head::Int(value),
                    Integer::Big(_) => Head::BigInt(bytes),
                }
            }
            SHORT_BINSTRING | BINSTRING => Head::Py2Str(self.bytes(code)?),
            SHORT_BINBYTES | BINBYTES | BINBYTES8 | BYTEARRAY8 => Head::Bytes(self.bytes(code)?),
            _ => return Err(self.fail()),
        })
    }

    pub(super) fn bytes(&mut self, code: u8) -> Result<&'de [u8]> {
        match code {
            LONG1 | SHORT_BINSTRING | SHORT_BINBYTES => {
                let [len] = self.argument(1)?;
                self.payload(2, usize::from(len))
            }
            BINBYTES8 | BYTEARRAY8 => self.long_payload(),
            _ => {
                let len = u32::from_le_bytes(self.argument(1)?);
                self.payload(5, len as usize)
            }
        }
    }

    /// Goes into a container, of which `open` is the place, unless it is too deep or too much was read again.
    pub(super) fn enter(&mut self, open: &Open) -> Result<Run> {
        if self.depth >= self.deepest {
            return Err(self.fail());
        }
        self.depth += 1;
        self.again += u64::from(open.back.is_some());
        if self.again > 0 {
            match self.visits.checked_sub(1) {
                Some(left) => self.visits = left,
                None => return Err(self.fail()),
            }
        }
        match open.tuples {
            0 => {
                self.position += 1;
                let mark = self.code()? == MARK && self.index.tuples(self.position) == 0;
                self.position += usize::from(mark);
                Ok(if mark { Run::Marked } else { Run::Between })
            }
            1 if self.input.get(self.position) == Some(&MARK) => {
                self.position += 1;
                Ok(Run::Marked)
            }
            1 => Ok(Run::First(Start { code: self.code()?, tuples: 0 })),
            tuples => Ok(Run::First(Start { code: TUPLE, tuples: tuples - 1 })),
        }
    }

    #[inline(always)]
    pub(super) fn leave(&mut self, open: &Open) {
        self.depth -= 1;
        if let Some(back) = open.back {
            self.again -= 1;
            self.position = back;
        }
    }

    /// Goes to the next item, or to the next key; nothing at the end.
    #[inline(always)]
    pub(super) fn next(&mut self, run: &mut Run) -> Result<Option<Start>> {
        match *run {
            Run::Marked | Run::Short => {
                let code = self.code()?;
                if !ENDS[usize::from(code)] {
                    return Ok(Some(self.start_of(code)));
                }
            }
            Run::First(start) => {
                *run = Run::Short;
                return Ok(Some(start));
            }
            _ => {}
        }
        self.next_elsewhere(run)
    }

    pub(super) fn next_elsewhere(&mut self, run: &mut Run) -> Result<Option<Start>> {
        let mut code = self.code()?;
        match (&*run, code) {
            (Run::Done, _) => return Ok(None),
            (Run::Marked, TUPLE) | (Run::Short, TUPLE1 | TUPLE2 | TUPLE3) => {
                self.position += 1;
                *run = Run::Done;
                return Ok(None);
            }
            (Run::Marked, APPENDS | SETITEMS | ADDITEMS) | (Run::Single, APPEND | SETITEM) => {
                self.position += 1;
                code = self.code()?;
            }
            (Run::Between, _) => {}
            _ => return Err(self.fail()),
        }
        // Between batches; there may be empty ones.
        loop {
            if code == MARK && self.index.tuples(self.position) == 0 {
                self.position += 1;
                code = self.code()?;
                if !ENDS[usize::from(code)] {
                    *run = Run::Marked;
                    return Ok(Some(self.start_of(code)));
                }
                self.position += 1;
                code = self.code()?;
                continue;
            }
            if self.index.is_single(self.position) {
                *run = Run::Single;
                return Ok(Some(self.start_of(code)));
            }
            *run = Run::Done;
            return Ok(None);
        }
    }

    /// Passes a value that no one asks for.
    pub(super) fn skip(&mut self, start: Start) -> Result<()> {
        let head = match start.code {
            BINGET => return self.payload(2, 0).map(drop),
            LONG_BINGET => return self.payload(5, 0).map(drop),
            SHORT_BINUNICODE => {
                let [len] = self.argument(1)?;
                return self.payload(2, usize::from(len)).map(drop);
            }
            BINUNICODE => {
                let len = u32::from_le_bytes(self.argument(1)?);
                return self.payload(5, len as usize).map(drop);
            }
            BINUNICODE8 => return self.long_payload().map(drop),
            _ => self.head(start)?,
        };
        let (open, is_dict) = match head {
            Head::Tuple(open) | Head::List(open) | Head::Set(open) => (open, false),
            Head::Dict(open) => (open, true),
            _ => return Ok(()),
        };
        let mut run = self.enter(&open)?;
        while let Some(item) = self.next(&mut run)? {
            self.skip(item)?;
            if is_dict {
                let value = self.start()?;
                self.skip(value)?;
            }
        }
        self.leave(&open);
        Ok(())
    }

    pub(super) fn visit_seq<V: Visitor<'de>>(&mut self, open: &Open, visitor: V) -> Result<V::Value> {
        let run = self.enter(open)?;
        let mut run = run;
        let value = visitor.visit_seq(Items { reader: self, run: &mut run });
        let value = self.checked(value)?;
        self.end(open, &mut run)?;
        Ok(value)
    }

    pub(super) fn visit_map<V: Visitor<'de>>(&mut self, open: &Open, visitor: V) -> Result<V::Value> {
        let run = self.enter(open)?;
        let (mut run, mut value_next) = (run, false);
        let value = visitor.visit_map(Pairs { reader: self, run: &mut run, value_next: &mut value_next });
        let value = self.checked(value)?;
        if value_next {
            return Err(self.fail());
        }
        self.end(open, &mut run)?;
        Ok(value)
    }

    /// Leaves a container, of which nothing may be left.
    #[inline(always)]
    pub(super) fn end(&mut self, open: &Open, run: &mut Run) -> Result<()> {
        match run {
            Run::Done => {}
            Run::Short if matches!(self.code()?, TUPLE1 | TUPLE2 | TUPLE3) => self.position += 1,
            _ => {
                if self.next(run)?.is_some() {
                    return Err(self.fail());
                }
            }
        }
        self.leave(open);
        Ok(())
    }

    pub(super) fn visit_big_int<V: Visitor<'de>>(&mut self, le: &[u8], visitor: V) -> Result<V::Value> {
        let Integer::Big(le) = Integer::from_le(le) else { return Err(self.fail()) };
        let fill = if le.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [fill; 16];
        let result = match (le.len(), le.get(16)) {
            (..=16, _) => {
                wide[..le.len()].copy_from_slice(&le);
                let value = i128::from_le_bytes(wide);
                match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_i128(value),
                }
            }
            (17, Some(0)) => {
                wide.copy_from_slice(&le[..16]);
                visitor.visit_u128(u128::from_le_bytes(wide))
            }
            _ => return Err(self.fail()),
        };
        self.checked(result)
    }
}

/// Bytes of an op that does nothing to the stack, else 0.
pub(super) const PASSED: [u8; 256] = {
    let mut passed = [0; 256];
    passed[MEMOIZE as usize] = 1;
    passed[BINPUT as usize] = 2;
    passed[LONG_BINPUT as usize] = 5;
    passed[FRAME as usize] = 9;
    passed[PROTO as usize] = 2;
    passed
};

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

impl<'de> Reader<'_, 'de> {
    /// What `seed` makes of the value at the position, which it must take.
    #[inline(always)]
    pub(super) fn seeded<T: DeserializeSeed<'de>>(&mut self, seed: T, start: Start) -> Result<T::Value> {
        let before = self.position;
        let value = seed.deserialize(self.cursor(start))?;
        if self.position == before {
            return Err(self.fail());
        }
        Ok(value)
    }
}
