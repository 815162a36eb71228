//! From bytes to Rust types without a graph between: a serde `Deserializer` that walks the input from the front, with an
//! `Index` that tells what begins where.
//!
//! It gives what `de` gives for the same pickle read as a graph, or nothing: whatever goes wrong here is read again as a
//! graph, which knows what to say. `tests/serde_paths.rs` holds the two equal.

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer as _, Visitor};

use crate::error::{Error, Result};
use crate::graph::ReadOptions;
use crate::op::number::Integer;
use crate::serde::asked::Asked;
use crate::serde::index::*;

/// The value of the pickle at `start` and the offset of its end, if it is plain and fits the type.
pub(super) fn read<'de, T: Deserialize<'de>>(
    input: &'de [u8],
    start: u64,
    options: &ReadOptions<'_>,
) -> Option<(T, u64)> {
    let start = usize::try_from(start).ok()?;
    let index = Index::new(input, start, options)?;
    let limits = options.limits_ref();
    let mut reader = Reader {
        input: &input[start..start + index.end()],
        index: &index,
        position: 0,
        depth: 0,
        deepest: limits.recursion,
        again: 0,
        visits: limits.visits,
        names: [(u32::MAX, ""); NAMES],
        failed: false,
    };
    let root = reader.start().ok()?;
    let value = T::deserialize(reader.cursor(root)).ok()?;
    let whole = reader.code().ok()? == STOP && !reader.failed;
    whole.then_some((value, (start + index.end()) as u64))
}

/// How many strings of the memo are kept at hand.
const NAMES: usize = 32;

struct Reader<'i, 'de> {
    /// One pickle.
    input: &'de [u8],
    index: &'i Index,
    position: usize,
    /// Containers on the way from the root to the value being read.
    depth: u64,
    deepest: u64,
    /// How many of them were met through the memo.
    again: u64,
    /// How many containers may yet be read again.
    visits: u64,
    /// Strings used again, by memo index.
    names: [(u32, &'de str); NAMES],
    /// Whether anything went wrong, also where a type made its peace with it.
    failed: bool,
}

/// How a value begins.
#[derive(Clone, Copy)]
struct Start {
    /// The op at its place; `TUPLE` where a tuple begins there.
    code: u8,
    tuples: u16,
}

/// What stands at a place. Atoms are taken; of containers the place is.
enum Head<'de> {
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
struct Open {
    tuples: u16,
    back: Option<usize>,
}

/// How far a container is read.
enum Run {
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
fn left() -> Error {
    Error::message("left to the graph")
}

/// Methods that do what another does.
macro_rules! forward {
    ($($to:ident: $($method:ident)*;)*) => {$($(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.$to(visitor)
        }
    )*)*};
}

/// Methods for types that no number is read into.
macro_rules! refuse {
    ($($method:ident($($argument:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _visitor: V) -> Result<V::Value> {
            Err(left())
        }
    )*};
}

impl<'i, 'de> Reader<'i, 'de> {
    #[cold]
    fn fail(&mut self) -> Error {
        self.failed = true;
        left()
    }

    #[inline(always)]
    fn checked<T>(&mut self, result: Result<T>) -> Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failed(error)),
        }
    }

    #[cold]
    fn failed(&mut self, error: Error) -> Error {
        self.failed = true;
        error
    }

    /// The next op that does something to the stack; those before it are passed.
    #[inline(always)]
    fn code(&mut self) -> Result<u8> {
        match self.input.get(self.position) {
            Some(&code) if PASSED[usize::from(code)] == 0 => Ok(code),
            Some(&MEMOIZE) => {
                self.position += 1;
                self.code_after_passed()
            }
            _ => self.code_after_passed(),
        }
    }

    fn code_after_passed(&mut self) -> Result<u8> {
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
    fn start(&mut self) -> Result<Start> {
        let code = self.code()?;
        Ok(self.start_of(code))
    }

    /// The value at the position, where `code` stands.
    #[inline(always)]
    fn start_of(&self, code: u8) -> Start {
        match self.index.tuples(self.position) {
            0 => Start { code, tuples: 0 },
            tuples => Start { code: TUPLE, tuples },
        }
    }

    #[inline(always)]
    fn cursor(&mut self, start: Start) -> Cursor<'_, 'i, 'de> {
        Cursor { reader: self, start }
    }

    /// The bytes that begin `skip` bytes after the position.
    #[inline]
    fn argument<const N: usize>(&mut self, skip: usize) -> Result<[u8; N]> {
        let bytes = self.input.get(self.position + skip..).and_then(|rest| rest.first_chunk::<N>());
        match bytes {
            Some(bytes) => Ok(*bytes),
            None => Err(self.fail()),
        }
    }

    /// Takes an op whose payload of `len` bytes stands `skip` bytes after its code.
    #[inline]
    fn payload(&mut self, skip: usize, len: usize) -> Result<&'de [u8]> {
        let start = self.position + skip;
        match self.input.get(start..).and_then(|rest| rest.get(..len)) {
            Some(bytes) => {
                self.position = start + len;
                Ok(bytes)
            }
            None => Err(self.fail()),
        }
    }

    fn long_payload(&mut self) -> Result<&'de [u8]> {
        let len = u64::from_le_bytes(self.argument(1)?);
        self.payload(9, usize::try_from(len).unwrap_or(usize::MAX))
    }

    #[inline]
    fn str(&mut self, code: u8) -> Result<&'de str> {
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

    fn head(&mut self, start: Start) -> Result<Head<'de>> {
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
    fn recall(&mut self, index: u32, len: usize) -> Result<Head<'de>> {
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
    fn plain(&mut self, code: u8, back: Option<usize>) -> Result<Head<'de>> {
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

    fn bytes(&mut self, code: u8) -> Result<&'de [u8]> {
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
    fn enter(&mut self, open: &Open) -> Result<Run> {
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
    fn leave(&mut self, open: &Open) {
        self.depth -= 1;
        if let Some(back) = open.back {
            self.again -= 1;
            self.position = back;
        }
    }

    /// Goes to the next item, or to the next key; nothing at the end.
    #[inline(always)]
    fn next(&mut self, run: &mut Run) -> Result<Option<Start>> {
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

    fn next_elsewhere(&mut self, run: &mut Run) -> Result<Option<Start>> {
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
    fn skip(&mut self, start: Start) -> Result<()> {
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

    fn visit_seq<V: Visitor<'de>>(&mut self, open: &Open, visitor: V) -> Result<V::Value> {
        let run = self.enter(open)?;
        let mut run = run;
        let value = visitor.visit_seq(Items { reader: self, run: &mut run });
        let value = self.checked(value)?;
        self.end(open, &mut run)?;
        Ok(value)
    }

    fn visit_map<V: Visitor<'de>>(&mut self, open: &Open, visitor: V) -> Result<V::Value> {
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
    fn end(&mut self, open: &Open, run: &mut Run) -> Result<()> {
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

    fn visit_big_int<V: Visitor<'de>>(&mut self, le: &[u8], visitor: V) -> Result<V::Value> {
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
const PASSED: [u8; 256] = {
    let mut passed = [0; 256];
    passed[MEMOIZE as usize] = 1;
    passed[BINPUT as usize] = 2;
    passed[LONG_BINPUT as usize] = 5;
    passed[FRAME as usize] = 9;
    passed[PROTO as usize] = 2;
    passed
};

/// Whether an op ends a run of items.
const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let codes = [APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS, TUPLE, TUPLE1, TUPLE2, TUPLE3, STOP];
    let mut next = 0;
    while next < codes.len() {
        ends[codes[next] as usize] = true;
        next += 1;
    }
    ends
};

/// A value at the position of a reader.
struct Cursor<'r, 'i, 'de> {
    reader: &'r mut Reader<'i, 'de>,
    start: Start,
}

impl<'i, 'de> Cursor<'_, 'i, 'de> {
    #[inline]
    fn head(&mut self) -> Result<Head<'de>> {
        self.reader.head(self.start)
    }

    /// A str from the memo that is at hand.
    #[inline(always)]
    fn known_name(&mut self) -> Option<&'de str> {
        let reader = &mut *self.reader;
        if self.start.code != BINGET {
            return None;
        }
        let index = *reader.input.get(reader.position + 1)?;
        let (known, name) = reader.names[usize::from(index) % NAMES];
        (known == u32::from(index)).then(|| {
            reader.position += 2;
            name
        })
    }

    /// A str, by the ops that say nearly all of them.
    #[inline(always)]
    fn text(&mut self) -> Result<&'de str> {
        if self.start.code == SHORT_BINUNICODE {
            return self.reader.str(SHORT_BINUNICODE);
        }
        match self.known_name() {
            Some(name) => Ok(name),
            None => self.text_elsewhere(),
        }
    }

    fn text_elsewhere(&mut self) -> Result<&'de str> {
        match self.head()? {
            Head::Str(text) => Ok(text),
            Head::Py2Str(bytes) => std::str::from_utf8(bytes).map_err(|_| self.reader.fail()),
            _ => Err(self.reader.fail()),
        }
    }

    /// An int, by the ops that say nearly all of them.
    #[inline(always)]
    fn int(&mut self) -> Result<Option<i64>> {
        let reader = &mut *self.reader;
        let (value, len) = match self.start.code {
            BININT => (i64::from(i32::from_le_bytes(reader.argument(1)?)), 5),
            BININT2 => (i64::from(u16::from_le_bytes(reader.argument(1)?)), 3),
            BININT1 => (i64::from(u8::from_le_bytes(reader.argument(1)?)), 2),
            _ => return Ok(None),
        };
        reader.position += len;
        Ok(Some(value))
    }

    fn visit_head<V: Visitor<'de>>(self, head: Head<'de>, visitor: V) -> Result<V::Value> {
        let result = match head {
            Head::None => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Int(value) => visitor.visit_i64(value),
            Head::BigInt(le) => return self.reader.visit_big_int(le, visitor),
            Head::Float(value) => visitor.visit_f64(value),
            Head::Str(text) => visitor.visit_borrowed_str(text),
            Head::Py2Str(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(bytes),
            },
            Head::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::EmptyTuple => return self.visit_empty(visitor),
            Head::Tuple(open) | Head::List(open) | Head::Set(open) => return self.reader.visit_seq(&open, visitor),
            Head::Dict(open) => return self.reader.visit_map(&open, visitor),
        };
        self.reader.checked(result)
    }

    fn visit_empty<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.reader.depth >= self.reader.deepest {
            return Err(self.reader.fail());
        }
        let result = visitor.visit_seq(Items { reader: self.reader, run: &mut Run::Done });
        self.reader.checked(result)
    }

    fn refused<T>(self) -> Result<T> {
        Err(self.reader.fail())
    }

    /// There are no instances in what is read here.
    #[inline(always)]
    fn check_class(&mut self, name: &'static str) -> Result<()> {
        if Asked::by(name).is_some() { Err(self.reader.fail()) } else { Ok(()) }
    }
}

impl<'de> de::Deserializer<'de> for Cursor<'_, '_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let head = self.head()?;
        self.visit_head(head, visitor)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let value = match self.start.code {
            NEWTRUE | NEWFALSE => {
                self.reader.position += 1;
                self.start.code == NEWTRUE
            }
            _ => match self.head()? {
                Head::Bool(value) => value,
                _ => return self.refused(),
            },
        };
        let result = visitor.visit_bool(value);
        self.reader.checked(result)
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some(value) = self.int()? {
            let result = visitor.visit_i64(value);
            return self.reader.checked(result);
        }
        match self.head()? {
            Head::Int(value) => {
                let result = visitor.visit_i64(value);
                self.reader.checked(result)
            }
            Head::BigInt(le) => self.reader.visit_big_int(le, visitor),
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if self.start.code == BINFLOAT {
            let value = f64::from_be_bytes(self.reader.argument(1)?);
            self.reader.position += 9;
            let result = visitor.visit_f64(value);
            return self.reader.checked(result);
        }
        let value = match self.head()? {
            Head::Float(value) => value,
            Head::Int(value) => value as f64,
            _ => return self.refused(),
        };
        let result = visitor.visit_f64(value);
        self.reader.checked(result)
    }

    forward! {
        deserialize_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i128 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_f64: deserialize_f32;
        deserialize_str: deserialize_string deserialize_char;
        deserialize_bytes: deserialize_byte_buf;
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let text = self.text()?;
        let result = visitor.visit_borrowed_str(text);
        self.reader.checked(result)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let result = match self.head()? {
            Head::Bytes(bytes) | Head::Py2Str(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::Str(text) => visitor.visit_borrowed_str(text),
            Head::EmptyTuple => return self.visit_empty(visitor),
            Head::List(open) | Head::Tuple(open) => return self.reader.visit_seq(&open, visitor),
            _ => return self.refused(),
        };
        self.reader.checked(result)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.start.code != NONE {
            return visitor.visit_some(self);
        }
        self.reader.position += 1;
        let result = visitor.visit_none();
        self.reader.checked(result)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        match self.head()? {
            Head::None | Head::EmptyTuple => {
                let result = visitor.visit_unit();
                self.reader.checked(result)
            }
            _ => self.refused(),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(mut self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.check_class(name)?;
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(mut self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.check_class(name)?;
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        match self.head()? {
            Head::Tuple(open) | Head::List(open) | Head::Set(open) => self.reader.visit_seq(&open, visitor),
            Head::EmptyTuple => self.visit_empty(visitor),
            Head::Bytes(bytes) => {
                let result = visitor.visit_seq(de::value::SeqDeserializer::new(bytes.iter().copied()));
                self.reader.checked(result)
            }
            _ => self.refused(),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.check_class(name)?;
        self.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        match self.head()? {
            Head::Dict(open) => self.reader.visit_map(&open, visitor),
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.check_class(name)?;
        match self.head()? {
            Head::Dict(open) => self.reader.visit_map(&open, visitor),
            Head::Tuple(open) | Head::List(open) => self.reader.visit_seq(&open, visitor),
            Head::EmptyTuple => self.visit_empty(visitor),
            _ => self.refused(),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let start = self.reader.position;
        match self.head()? {
            Head::Str(_) | Head::Py2Str(_) | Head::Int(_) => {
                self.reader.position = start;
                let name = self.start;
                let result = visitor.visit_enum(Variant { reader: self.reader, name, content: false });
                self.reader.checked(result)
            }
            Head::Dict(open) => {
                let mut run = self.reader.enter(&open)?;
                let Some(name) = self.reader.next(&mut run)? else { return self.refused() };
                let result = visitor.visit_enum(Variant { reader: self.reader, name, content: true });
                let value = self.reader.checked(result)?;
                self.reader.end(&open, &mut run)?;
                Ok(value)
            }
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some(name) = self.known_name() {
            let result = visitor.visit_borrowed_str(name);
            return self.reader.checked(result);
        }
        let start = self.reader.position;
        let result = match self.head()? {
            Head::Str(name) => visitor.visit_borrowed_str(name),
            Head::Int(value) if value >= 0 => visitor.visit_u64(value as u64),
            head @ (Head::Py2Str(_) | Head::Bytes(_)) => return self.visit_head(head, visitor),
            _ => {
                self.reader.position = start;
                self.reader.skip(self.start)?;
                visitor.visit_str("")
            }
        };
        self.reader.checked(result)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.skip(self.start)?;
        let result = visitor.visit_unit();
        self.reader.checked(result)
    }
}

struct Items<'r, 'i, 'de> {
    reader: &'r mut Reader<'i, 'de>,
    run: &'r mut Run,
}

impl<'de> Items<'_, '_, 'de> {
    /// The next item, if it is a number in a batch: lists of numbers are long.
    #[inline(always)]
    fn number(&mut self) -> Option<Number> {
        if !matches!(self.run, Run::Marked) || self.reader.index.tuples(self.reader.position) > 0 {
            return None;
        }
        let rest = self.reader.input.get(self.reader.position..)?;
        let (number, len) = match *rest {
            [BINFLOAT, a, b, c, d, e, f, g, h, ..] => (Number::Float(f64::from_be_bytes([a, b, c, d, e, f, g, h])), 9),
            [BININT, a, b, c, d, ..] => (Number::Int(i32::from_le_bytes([a, b, c, d])), 5),
            _ => return None,
        };
        self.reader.position += len;
        Some(number)
    }

    #[inline(never)]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.reader.next(self.run)? {
            Some(start) => self.reader.seeded(seed, start).map(Some),
            None => Ok(None),
        }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.number() {
            Some(number) => {
                let result = seed.deserialize(number);
                self.reader.checked(result).map(Some)
            }
            None => self.next(seed),
        }
    }

    #[inline(always)]
    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>> {
        self.next_element_seed(std::marker::PhantomData)
    }
}

/// A number that was taken from the input.
enum Number {
    Int(i32),
    Float(f64),
}

impl<'de> de::Deserializer<'de> for Number {
    type Error = Error;

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) => visitor.visit_i64(i64::from(value)),
            Number::Float(value) => visitor.visit_f64(value),
        }
    }

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) => visitor.visit_i64(i64::from(value)),
            Number::Float(_) => Err(left()),
        }
    }

    #[inline(always)]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) => visitor.visit_f64(f64::from(value)),
            Number::Float(value) => visitor.visit_f64(value),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if Asked::by(name).is_some() {
            return Err(left());
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) if value >= 0 => visitor.visit_u64(value as u64),
            _ => visitor.visit_str(""),
        }
    }

    forward! {
        deserialize_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i128 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_f64: deserialize_f32;
    }

    refuse! {
        deserialize_bool() deserialize_str() deserialize_string() deserialize_char() deserialize_bytes()
        deserialize_byte_buf() deserialize_unit() deserialize_seq() deserialize_map() deserialize_unit_struct(&'static str)
        deserialize_tuple(usize) deserialize_tuple_struct(&'static str, usize)
        deserialize_struct(&'static str, &'static [&'static str]) deserialize_enum(&'static str, &'static [&'static str])
    }
}

impl<'de> Reader<'_, 'de> {
    /// What `seed` makes of the value at the position, which it must take.
    #[inline(always)]
    fn seeded<T: DeserializeSeed<'de>>(&mut self, seed: T, start: Start) -> Result<T::Value> {
        let before = self.position;
        let value = seed.deserialize(self.cursor(start))?;
        if self.position == before {
            return Err(self.fail());
        }
        Ok(value)
    }
}

struct Pairs<'r, 'i, 'de> {
    reader: &'r mut Reader<'i, 'de>,
    run: &'r mut Run,
    /// Whether a key was read, and its value not yet.
    value_next: &'r mut bool,
}

impl<'de> de::MapAccess<'de> for Pairs<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if *self.value_next {
            return Err(self.reader.fail());
        }
        match self.reader.next(self.run)? {
            Some(start) => {
                *self.value_next = true;
                self.reader.seeded(seed, start).map(Some)
            }
            None => Ok(None),
        }
    }

    #[inline(always)]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        if !*self.value_next {
            return Err(self.reader.fail());
        }
        *self.value_next = false;
        let start = self.reader.start()?;
        self.reader.seeded(seed, start)
    }
}

/// An enum: the name of a variant, and its content if it stands in a dict.
struct Variant<'r, 'i, 'de> {
    reader: &'r mut Reader<'i, 'de>,
    name: Start,
    content: bool,
}

impl<'i, 'de> Variant<'_, 'i, 'de> {
    fn content(&mut self) -> Result<Cursor<'_, 'i, 'de>> {
        if !self.content {
            return Err(self.reader.fail());
        }
        let start = self.reader.start()?;
        Ok(self.reader.cursor(start))
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name = self.reader.seeded(seed, self.name)?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;

    fn unit_variant(mut self) -> Result<()> {
        if self.content { Deserialize::deserialize(self.content()?) } else { Ok(()) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value> {
        self.content()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(mut self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn straight<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
        let (value, end) = read(bytes, 0, &ReadOptions::new())?;
        assert_eq!(end, bytes.len() as u64);
        Some(value)
    }

    #[test]
    fn plain_pickles_are_read_without_a_graph() {
        // A list of two batches beside a tuple of four, shared text, single items.
        assert_eq!(straight(b"(](K\x01K\x02e(K\x03e(K\x04K\x05K\x06K\x07tt."), Some((vec![1, 2, 3], (4, 5, 6, 7))));
        assert_eq!(straight(b"\x80\x04\x8c\x01a\x94\x85\x94h\x00h\x01\x87."), None::<()>);
        assert_eq!(straight(b"(\x8c\x01a\x94\x85\x94h\x00h\x01t."), Some((("a",), "a", ("a",))));
        assert_eq!(straight(b"]K\x01K\x02\x86a."), Some(vec![(1, 2)]));
        assert_eq!(straight(b"}K\x01]K\x02ass."), None::<BTreeMap<u8, Vec<u8>>>);
        assert_eq!(straight(b"}K\x01]K\x02as."), Some(BTreeMap::from([(1, vec![2])])));
        assert_eq!(straight(b"]\x94(h\x00h\x00t."), None::<()>);
        assert_eq!(straight(b"(]\x94K\x07ah\x00t."), Some((vec![7], vec![7])));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_graph() {
        for bytes in [
            &b"cm\nC\n)\x81."[..],
            b"I1\n.",
            b"K\x01K\x02\x300.",
            b"K\x012\x86.",
            b"]q\x00h\x00K\x01a0.",
            b"K\x01q\x00K\x02q\x00\x86.",
            b"K\x01K\x02.",
            b"(K\x01.",
            b"}]K\x01s.",
            b"K\x01",
            b"h\x00.",
        ] {
            assert_eq!(straight::<de::IgnoredAny>(bytes).map(|_| ()), None, "{}", bytes.escape_ascii());
        }
    }
}
