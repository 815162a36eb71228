//! The lane: values of the plainest kinds, one after another, from where the interpreter keeps them straight into a buffer.
//!
//! It is for protocol 4 and later, and where no code but ours runs until the pickle is whole, so that the memo has no order.
//! A value that takes more than a look is left to the general way, which the tests hold this one equal to.

use oiji::Opcode;
use pyo3_ffi as ffi;

use super::Obj;
use super::buffer::{Buffer, copy_short};
use super::layout::{self, Attributes, Pairs};
use super::memo::Memo;
use super::typing::{self, Known, Parts};

/// There is room for so much whenever the lane is open: for any one value, and whole words beyond it.
const ROOM: usize = 320;
/// Longer than any date with its class, and whatever ops.
const DATE: usize = 48;

/// So many items ahead are brought near.
const AHEAD: usize = 32;
/// So many tuples may be within one another.
const TUPLES: u32 = 4;

/// Ops that get objects from the memo, by the address of the object: those that came again last.
#[derive(Default)]
pub(crate) struct Gets(Vec<(usize, u64)>);

const PLACES: usize = 64;

impl Gets {
    /// An object is in the memo, for good, and has come again.
    #[inline]
    pub(crate) fn add(&mut self, object: Obj<'_>, index: u32) {
        if self.0.is_empty() {
            self.0.resize(PLACES, (0, 0));
        }
        self.0[place(object.address())] = (object.address(), get_op(index));
    }

    #[inline(always)]
    fn find(&self, object: Obj<'_>) -> Option<u64> {
        let (address, op) = *self.0.get(place(object.address()))?;
        (address == object.address()).then_some(op)
    }
}

#[inline(always)]
fn place(address: usize) -> usize {
    (address >> 4 ^ address >> 10) % PLACES
}

/// The op that gets what the memo has at an index; its length is the last byte.
#[inline]
fn get_op(index: u32) -> u64 {
    if index < 0x100 {
        u64::from(Opcode::BinGet.code()) | u64::from(index) << 8 | 2 << 56
    } else {
        u64::from(Opcode::LongBinGet.code()) | u64::from(index) << 8 | 5 << 56
    }
}

/// A class of `datetime`, and the op that gets it.
#[derive(Clone, Copy)]
pub(crate) struct Date {
    pub(crate) class: usize,
    known: Known,
    op: u64,
}

impl Date {
    pub(crate) fn new(class: Obj<'_>, known: Known, index: u32) -> Date {
        Date { class: class.address(), known, op: get_op(index) }
    }
}

/// How far a pair was written.
pub(crate) enum Pair {
    Neither,
    Key,
    Both,
}

/// What is written in one go.
pub(crate) struct Lane<'b> {
    buffer: &'b mut Buffer,
    memo: &'b mut Memo,
    gets: &'b mut Gets,
    date: Option<Date>,
    memoize: bool,
    /// Whether tuples are tried: the last one was of plain values alone.
    tuples: bool,
    at: *mut u8,
    end: *mut u8,
    /// How many loose entries were made that the memo has not counted.
    loose: u32,
}

impl<'b> Lane<'b> {
    /// `memoize`: what only one other holds has its entry. `tuples`: they are tried. Nothing is begun once there are `full` bytes.
    #[inline(always)]
    pub(crate) fn new(
        buffer: &'b mut Buffer,
        memo: &'b mut Memo,
        gets: &'b mut Gets,
        date: Option<Date>,
        memoize: bool,
        tuples: bool,
        full: usize,
    ) -> Lane<'b> {
        let (at, end) = buffer.open(ROOM, full);
        Lane { buffer, memo, gets, date, memoize, tuples, at, end, loose: 0 }
    }

    /// Ends it; tells whether tuples are to be tried.
    #[inline(always)]
    pub(crate) fn close(self) -> bool {
        self.buffer.close(self.at);
        self.memo.count_loose(self.loose);
        self.tuples
    }

    #[inline(always)]
    fn is_open(&self) -> bool {
        self.at < self.end
    }

    /// Writes items as far as it can; tells how many. `once` is as for `value`.
    #[inline(always)]
    pub(crate) fn items(&mut self, items: &[Option<Obj<'_>>], once: bool) -> usize {
        for (count, item) in items.iter().enumerate() {
            if let Some(Some(ahead)) = items.get(count + AHEAD) {
                ahead.prefetch();
            }
            match item {
                Some(item) if self.is_open() && self.value(*item, once) => {}
                _ => return count,
            }
        }
        items.len()
    }

    /// Writes pairs of a dict, `most` of them; tells how many, and gives the last value where its key alone is written.
    #[inline(always)]
    pub(crate) fn pairs<'a>(&mut self, pairs: &mut Pairs<'a>, most: usize) -> (usize, Option<Obj<'a>>) {
        for count in 0..most {
            let before = pairs.position;
            pairs.prefetch(AHEAD);
            let Some((key, value)) = pairs.next() else { return (count, None) };
            match self.pair(key, value, true) {
                Pair::Both => {}
                Pair::Key => return (count + 1, Some(value)),
                Pair::Neither => {
                    pairs.position = before;
                    return (count, None);
                }
            }
        }
        (most, None)
    }

    /// As `pairs`, the attributes of an instance from `from` on.
    #[inline(always)]
    pub(crate) fn attributes<'a>(&mut self, values: &Attributes<'a>, from: usize) -> (usize, Option<Obj<'a>>) {
        let mut count = 0;
        while let Some((name, value)) = values.get(from + count) {
            match self.pair(name, value, false) {
                Pair::Both => count += 1,
                Pair::Key => return (count + 1, Some(value)),
                Pair::Neither => break,
            }
        }
        (count, None)
    }

    /// Writes a key and its value, or the key alone. `once`: the key may be held by one object alone.
    #[inline(always)]
    pub(crate) fn pair(&mut self, key: Obj<'_>, value: Obj<'_>, once: bool) -> Pair {
        if !self.is_open() || !self.value(key, once) {
            Pair::Neither
        } else if !self.is_open() || !self.value(value, true) {
            Pair::Key
        } else {
            Pair::Both
        }
    }

    /// Writes a value, if it can. `once`: if one object alone holds it, it is met once.
    #[inline(always)]
    fn value(&mut self, object: Obj<'_>, once: bool) -> bool {
        self.value_within(object, once, TUPLES)
    }

    /// As `value`, with so many tuples within one another.
    #[inline(always)]
    fn value_within(&mut self, object: Obj<'_>, once: bool, tuples: u32) -> bool {
        let kind = object.type_raw();
        if kind == &raw mut ffi::PyUnicode_Type {
            if once && object.count() == 1 {
                self.text(object) && self.loose_entry()
            } else {
                self.get(object) || self.shared(object, tuples < TUPLES)
            }
        } else if kind == &raw mut ffi::PyLong_Type {
            self.int(object)
        } else if kind == &raw mut ffi::PyFloat_Type {
            let [a, b, c, d, e, f, g, h] = object.as_f64().to_be_bytes();
            self.put([Opcode::BinFloat.code(), a, b, c, d, e, f, g, h], 9)
        } else if object.is_none() {
            self.put([Opcode::None.code()], 1)
        } else if let Some(value) = object.as_bool() {
            self.put([if value { Opcode::NewTrue.code() } else { Opcode::NewFalse.code() }], 1)
        } else if kind == &raw mut ffi::PyTuple_Type {
            once && self.tuples && tuples > 0 && object.count() == 1 && self.tuple(object, tuples - 1)
        } else {
            match self.date {
                Some(date) if once && date.class == kind as usize && object.count() == 1 => self.date(object, date),
                _ => false,
            }
        }
    }

    /// Puts an op of which so many bytes count.
    #[inline(always)]
    fn put<const N: usize>(&mut self, op: [u8; N], len: usize) -> bool {
        // SAFETY: the lane is open: there is room for any op.
        unsafe {
            self.at.cast::<[u8; N]>().write_unaligned(op);
            self.at = self.at.add(len);
        }
        true
    }

    #[inline(always)]
    fn loose_entry(&mut self) -> bool {
        if self.memoize {
            self.loose += 1;
            self.put([Opcode::Memoize.code()], 1)
        } else {
            true
        }
    }

    #[inline(always)]
    fn text(&mut self, object: Obj<'_>) -> bool {
        let Some(text) = layout::ascii(object) else { return false };
        let Ok(len) = u8::try_from(text.len()) else { return false };
        self.put([Opcode::ShortBinUnicode.code(), len], 2);
        // SAFETY: as in `put`: for the text, and for whole words.
        unsafe {
            copy_short(text, self.at);
            self.at = self.at.add(text.len());
        }
        true
    }

    #[inline(always)]
    fn get(&mut self, object: Obj<'_>) -> bool {
        match self.gets.find(object) {
            Some(op) => self.put(op.to_le_bytes(), (op >> 56) as usize),
            None => false,
        }
    }

    /// A str that others may hold too. `taken_back`: what is written may be, so that no entry may be made.
    #[inline(never)]
    fn shared(&mut self, object: Obj<'_>, taken_back: bool) -> bool {
        if let Some(index) = self.memo.get(object) {
            self.gets.add(object, index);
            return self.get(object);
        }
        if taken_back || !self.text(object) {
            return false;
        }
        self.memo.count_loose(std::mem::take(&mut self.loose));
        self.memo.put(object);
        self.put([Opcode::Memoize.code()], 1)
    }

    #[inline(always)]
    fn int(&mut self, object: Obj<'_>) -> bool {
        let Some(value) = layout::small_int(object).and_then(|value| i32::try_from(value).ok()) else { return false };
        let [a, b, c, d] = value.to_le_bytes();
        if c != 0 || d != 0 {
            self.put([Opcode::BinInt.code(), a, b, c, d], 5)
        } else if b != 0 {
            self.put([Opcode::BinInt2.code(), a, b], 3)
        } else {
            self.put([Opcode::BinInt1.code(), a], 2)
        }
    }

    /// A short tuple, if it has plain values alone; else what was written of it is taken back.
    fn tuple(&mut self, object: Obj<'_>, tuples: u32) -> bool {
        let op = match object.tuple_len() {
            1 => Opcode::Tuple1,
            2 => Opcode::Tuple2,
            3 => Opcode::Tuple3,
            _ => return false,
        };
        let (at, loose) = (self.at, self.loose);
        for item in object.tuple_slice_borrowed() {
            // It holds them as long as it lives, and one object alone holds it.
            if !item.is_some_and(|item| self.is_open() && self.value_within(item, true, tuples)) {
                (self.at, self.loose, self.tuples) = (at, loose, false);
                return false;
            }
        }
        self.put([op.code()], 1);
        self.loose_entry()
    }

    #[inline(always)]
    fn date(&mut self, object: Obj<'_>, date: Date) -> bool {
        // A frame may end between two of its ops.
        if (self.end as usize) - (self.at as usize) < DATE {
            return false;
        }
        let Some(Parts::Bytes(bytes, len)) = typing::parts(object, date.known, 4) else { return false };
        self.put(date.op.to_le_bytes(), (date.op >> 56) as usize);
        self.put([Opcode::ShortBinBytes.code(), len as u8], 2);
        self.put(bytes, len);
        self.loose_entry();
        self.put([Opcode::Tuple1.code()], 1);
        self.loose_entry();
        self.put([Opcode::Reduce.code()], 1);
        self.loose_entry()
    }
}
