//! The position in one pickle, and what stands there: atoms are decoded, containers entered and left, items counted off.

use serde::de::{DeserializeSeed, Visitor};

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::op::number::Integer;
use crate::opcode::HIGHEST_PROTOCOL;
use crate::serde::asked::Asked;
use crate::serde::pull::cursor::Cursor;
use crate::serde::pull::index::*;
use crate::serde::pull::memo::{Memo, Place};
use crate::serde::pull::walk::ENDS;

/// How many strings of the memo are kept at hand.
pub(super) const NAMES: usize = 32;

pub(super) struct Reader<'i, 'de> {
    /// What begins with the pickle.
    pub(super) input: &'de [u8],
    pub(super) index: &'i mut Index<'de>,
    /// Whether nothing is taken for what the type makes likely: each value is looked up ahead.
    pub(super) careful: bool,
    py2_strings: bool,
    pub(super) position: usize,
    pub(super) memo: Memo,
    /// The value that a `MEMOIZE` at the position would put into the memo.
    pub(super) last: Place,
    /// Containers on the way from the root to the value being read.
    pub(super) depth: u64,
    pub(super) deepest: u64,
    /// How many of them were met through the memo.
    pub(super) again: u64,
    /// How many containers may yet be read again.
    pub(super) visits: u64,
    /// How many values were met that are no keys.
    pub(super) unhashable: u64,
    /// Strings used again, by memo index.
    pub(super) names: [(u32, &'de str); NAMES],
    /// Whether anything went wrong, also where a type made its peace with it.
    pub(super) failed: bool,
}

/// How a value begins, in one word: in parts it went through memory, part by part, and was waited for.
#[derive(Clone, Copy)]
pub(super) struct Start(u32);

impl Start {
    #[inline(always)]
    pub(super) fn new(code: u8, tuples: u16, known: bool) -> Start {
        Start(u32::from(tuples) << 16 | u32::from(known) << 8 | u32::from(code))
    }

    /// Where nothing is known but the op.
    #[inline(always)]
    pub(super) fn of(code: u8) -> Start {
        Start(u32::from(code))
    }

    /// The op at its place; `TUPLE` where a tuple begins there.
    #[inline(always)]
    pub(super) fn code(self) -> u8 {
        self.0 as u8
    }

    /// How many tuples begin there.
    #[inline(always)]
    pub(super) fn tuples(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Whether a tuple begins there for certain, or none for certain.
    #[inline(always)]
    pub(super) fn known(self) -> bool {
        self.0 & 0x100 != 0
    }
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

/// A container about to be read.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) start: u32,
    /// Where to go on if it was met through the memo; else no place.
    pub(super) back: u32,
    /// How many tuples begin with it.
    pub(super) tuples: u16,
    /// The op that fills it from a mark.
    pub(super) end: u8,
    /// Whether it is known to be no more than that.
    pub(super) known: bool,
}

impl Open {
    /// A container that the ops from here on make.
    #[inline(always)]
    pub(super) fn here(position: usize, end: u8) -> Open {
        Open { start: position as u32, back: NO_PLACE, tuples: 0, end, known: true }
    }

    #[inline(always)]
    pub(super) fn tuple(place: Place, known: bool, back: u32) -> Open {
        Open { start: place.start, back, tuples: place.tuples, end: TUPLE, known }
    }

    #[inline(always)]
    pub(super) fn is_again(self) -> bool {
        self.back != NO_PLACE
    }
}

/// More than any place in the input.
const NO_PLACE: u32 = u32::MAX;

/// From how many bytes on an atom is long.
const LONG_ATOM: u32 = 4096;

#[cold]
pub(super) fn left() -> Error {
    Error::message("left to the graph")
}

impl<'i, 'de> Reader<'i, 'de> {
    /// A reader of the pickle that `input` begins with.
    pub(super) fn new(
        input: &'de [u8],
        index: &'i mut Index<'de>,
        careful: bool,
        limits: &Limits,
        py2_strings: bool,
    ) -> Self {
        Reader {
            input,
            index,
            careful,
            py2_strings,
            position: 0,
            memo: Memo::default(),
            last: Place::NONE,
            depth: 0,
            deepest: limits.recursion,
            again: 0,
            visits: limits.visits,
            unhashable: 0,
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
        // Not taken apart, and so not copied.
        if result.is_err() {
            self.failed = true;
        }
        result
    }

    /// There are no instances in what is read here.
    #[inline(always)]
    pub(super) fn check_class(&mut self, name: &'static str) -> Result<()> {
        if Asked::by(name).is_some() { Err(self.fail()) } else { Ok(()) }
    }

    /// The next op that does something to the stack; those before it are passed.
    #[inline(always)]
    pub(super) fn code(&mut self) -> Result<u8> {
        match self.input.get(self.position) {
            Some(&code) if PASSED[usize::from(code)] == 0 => Ok(code),
            Some(&MEMOIZE) => self.code_after_memoized(),
            _ => self.code_after_passed(),
        }
    }

    /// The same after a `MEMOIZE`, as most of those that are passed.
    #[inline(never)]
    fn code_after_memoized(&mut self) -> Result<u8> {
        self.position += 1;
        self.memoize()?;
        match self.input.get(self.position) {
            Some(&code) if PASSED[usize::from(code)] == 0 => Ok(code),
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
            self.pass(code)?;
            self.position += usize::from(len);
        }
    }

    /// Does what an op does that leaves the stack alone.
    fn pass(&mut self, code: u8) -> Result<()> {
        let index = match code {
            MEMOIZE => return self.memoize(),
            BINPUT => u32::from(self.argument::<1>(1)?[0]),
            LONG_BINPUT => u32::from_le_bytes(self.argument(1)?),
            PROTO if self.argument::<1>(1)?[0] <= HIGHEST_PROTOCOL => return Ok(()),
            FRAME => {
                let len = u64::from_le_bytes(self.argument(1)?);
                let rest = self.input.len() - self.position - 9;
                return if len > rest as u64 { Err(self.fail()) } else { Ok(()) };
            }
            _ => return Err(self.fail()),
        };
        // Read again, it is what it was.
        if self.again == 0 && index as usize != self.memo.len() {
            return Err(self.fail());
        }
        self.memoize()
    }

    #[inline(always)]
    fn memoize(&mut self) -> Result<()> {
        if self.again > 0 {
            return Ok(());
        }
        if self.last.is_none() {
            return Err(self.fail());
        }
        self.memo.push(self.last);
        Ok(())
    }

    /// The value that comes next.
    #[inline(always)]
    pub(super) fn start(&mut self) -> Result<Start> {
        let code = self.code()?;
        // No value begins with an op that takes values: whether anything is read of it or not.
        if ENDS[usize::from(code)] {
            return Err(self.fail());
        }
        self.start_of(code)
    }

    /// The value at the position, where `code` stands.
    #[inline(always)]
    pub(super) fn start_of(&mut self, code: u8) -> Result<Start> {
        self.last = Place { start: self.position as u32, tuples: 0 };
        let start = Start::of(code);
        if self.careful { self.resolved(start) } else { Ok(start) }
    }

    /// The value at the position, with what is said of it by what follows.
    #[inline]
    pub(super) fn resolved(&mut self, start: Start) -> Result<Start> {
        if start.known() {
            return Ok(start);
        }
        match self.index.tuples(self.position) {
            Some(0) => Ok(Start::new(start.code(), 0, true)),
            Some(tuples) => Ok(Start::new(TUPLE, tuples, true)),
            None => Err(self.fail()),
        }
    }

    /// Passes a mark, which is nothing to put into the memo.
    #[inline(always)]
    pub(super) fn pass_mark(&mut self) {
        self.position += 1;
        self.last = Place::NONE;
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
        match start.code() {
            TUPLE => {
                let place = Place { start: self.position as u32, tuples: start.tuples() };
                Ok(Head::Tuple(Open::tuple(place, start.known(), NO_PLACE)))
            }
            BINGET => {
                let [index] = self.argument(1)?;
                self.recall(u32::from(index), 2)
            }
            LONG_BINGET => {
                let index = u32::from_le_bytes(self.argument(1)?);
                self.recall(index, 5)
            }
            code => self.plain(code, NO_PLACE),
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
        let Some(place) = self.memo.get(index) else { return Err(self.fail()) };
        // What is long and used again may be copied again and again: the graph counts that.
        if place.tuples == 0 && self.is_long(place.start as usize) {
            return Err(self.fail());
        }
        self.last = Place::NONE;
        self.position = place.start as usize;
        if place.tuples > 0 {
            return Ok(Head::Tuple(Open::tuple(place, true, back as u32)));
        }
        let Some(&code) = self.input.get(self.position) else { return Err(self.fail()) };
        let head = self.plain(code, back as u32)?;
        if let Head::Str(name) = head {
            self.names[index as usize % NAMES] = (index, name);
        }
        if !matches!(head, Head::Tuple(_) | Head::List(_) | Head::Set(_) | Head::Dict(_)) {
            self.position = back;
        }
        Ok(head)
    }

    /// Whether the atom at `start` is text, bytes or an int of more than a few thousand bytes.
    fn is_long(&self, start: usize) -> bool {
        match self.input.get(start..) {
            Some([BINUNICODE8 | BINBYTES8 | BYTEARRAY8, ..]) => true,
            Some([BINUNICODE | BINBYTES | BINSTRING | LONG4, len @ ..]) => {
                len.first_chunk().is_none_or(|len| u32::from_le_bytes(*len) > LONG_ATOM)
            }
            _ => false,
        }
    }

    /// What an op that makes a value makes.
    #[inline]
    pub(super) fn plain(&mut self, code: u8, back: u32) -> Result<Head<'de>> {
        let open = |end| Open { back, ..Open::here(self.position, end) };
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
            EMPTY_LIST => Head::List(open(APPENDS)),
            EMPTY_DICT => Head::Dict(open(SETITEMS)),
            EMPTY_SET => Head::Set(open(ADDITEMS)),
            LONG1 | LONG4 => {
                let bytes = self.bytes(code)?;
                match Integer::from_le(bytes) {
                    Integer::Small(value) => Head::Int(value),
                    Integer::Big(_) => Head::BigInt(bytes),
                }
            }
            SHORT_BINSTRING | BINSTRING if self.py2_strings => Head::Py2Str(self.bytes(code)?),
            SHORT_BINBYTES | BINBYTES | BINBYTES8 => Head::Bytes(self.bytes(code)?),
            BYTEARRAY8 => {
                self.unhashable += 1;
                Head::Bytes(self.bytes(code)?)
            }
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
            LONG4 | BINSTRING => {
                let len = usize::try_from(i32::from_le_bytes(self.argument(1)?));
                self.payload(5, len.unwrap_or(usize::MAX))
            }
            _ => {
                let len = u32::from_le_bytes(self.argument(1)?);
                self.payload(5, len as usize)
            }
        }
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

impl<'de> Reader<'_, 'de> {
    /// What `seed` makes of the value at the position, which it must take.
    #[inline(always)]
    pub(super) fn seeded<T: DeserializeSeed<'de>>(&mut self, seed: T, start: Start) -> Result<T::Value> {
        let before = self.position;
        let value = seed.deserialize(self.cursor(start));
        if self.position == before {
            self.failed = true;
            return value.and_then(|_| Err(left()));
        }
        value
    }

    /// The same for a key, or the name of a variant.
    #[inline(always)]
    pub(super) fn seeded_key<T: DeserializeSeed<'de>>(&mut self, seed: T, start: Start) -> Result<T::Value> {
        let before = self.unhashable;
        let key = self.seeded(seed, start);
        self.check_hashable(before)?;
        key
    }

    /// Whether the `GET` at the position, of `code`, gives an atom.
    pub(super) fn is_atom_again(&self, code: u8) -> bool {
        let rest = self.input.get(self.position + 1..);
        let index = match code {
            BINGET => rest.and_then(|rest| rest.first().copied()).map(u32::from),
            _ => rest.and_then(|rest| rest.first_chunk()).map(|index| u32::from_le_bytes(*index)),
        };
        let Some(place) = index.and_then(|index| self.memo.get(index)) else { return false };
        let code = self.input.get(place.start as usize);
        place.tuples == 0
            && !matches!(code, Some(&(EMPTY_LIST | EMPTY_DICT | EMPTY_SET | EMPTY_TUPLE | SHORT_BINBYTES | BINBYTES)))
    }
}
