//! The lane: values of the plainest kinds, one after another, from where the interpreter keeps them straight into a buffer.
//!
//! It is for protocol 4 and later, and where no code but ours runs until the pickle is whole, so that the memo has no order.
//! A value that takes more than a look is left to the general way, which the tests hold this one equal to.

use oiji::Opcode;
use pyo3_ffi as ffi;

use super::buffer::{Buffer, copy_short};
use super::layout::{self, Attributes, Pairs, Place};
use super::memo::Memo;
use super::near;
use super::typing::{self, Known, Parts};
use super::{Exact, Obj};

/// There is room for so much whenever the lane is open: for any one value, and whole words beyond it.
const ROOM: usize = 320;
/// Longer than any date with its class, and whatever ops.
const DATE: usize = 48;

/// So many items ahead are brought near.
const AHEAD: usize = 32;
/// So many containers may be within one another.
const NESTED: u32 = 4;
/// Longer lists and dicts are left to the general way: what is not plain after all would be written in vain.
const LONGEST: usize = 32;

/// Ops that get objects from the memo, by the address of the object: those that came again last.
#[derive(Default)]
pub(crate) struct Gets(Option<Box<[(usize, u64); PLACES]>>);

const PLACES: usize = 64;

impl Gets {
    /// An object is in the memo, for good, and has come again.
    #[inline]
    pub(crate) fn add(&mut self, object: Obj<'_>, index: u32) {
        let places = self.0.get_or_insert_with(|| Box::new([(0, 0); PLACES]));
        places[place(object.address())] = (object.address(), get_op(index));
    }

    #[inline(always)]
    fn find(&self, object: Obj<'_>) -> Option<u64> {
        let (address, op) = self.0.as_ref()?[place(object.address())];
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

/// A class whose instances are but their attributes, as the last one was: plain values, kept without a dict.
#[derive(Clone, Copy)]
pub(crate) struct Alike {
    class: usize,
    /// The op that gets the class.
    op: u64,
    /// The names of the attributes, none of them that of a hook.
    table: (usize, usize),
}

impl Alike {
    pub(crate) fn new(class: Obj<'_>, index: u32, attributes: &Attributes<'_>) -> Alike {
        Alike { class: class.address(), op: get_op(index), table: attributes.table() }
    }
}

/// What came last, and may come again.
#[derive(Default)]
pub(crate) struct Habits {
    pub(crate) gets: Gets,
    /// The class of the last date.
    pub(crate) date: Option<Date>,
    /// That of the last instance, if it was plain.
    pub(crate) instance: Option<Alike>,
    /// Whether the last tuple, list, dict or set was of plain values alone.
    pub(crate) tuples: bool,
    pub(crate) lists: bool,
    pub(crate) dicts: bool,
    pub(crate) sets: bool,
}

impl Habits {
    /// Whether objects that hold others are tried.
    #[inline(always)]
    fn has_containers(&self) -> bool {
        self.tuples || self.lists || self.dicts || self.sets || self.instance.is_some()
    }

    /// Whether an object of this type that is no atom may be swift.
    #[inline]
    pub(crate) fn may_take(&self, kind: Exact) -> bool {
        match kind {
            Exact::Tuple => self.tuples,
            Exact::List => self.lists,
            Exact::Dict => self.dicts,
            Exact::Set => self.sets,
            Exact::Other => self.date.is_some() || self.instance.is_some(),
            _ => false,
        }
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
    habits: &'b mut Habits,
    memoize: bool,
    at: *mut u8,
    end: *mut u8,
    /// How many loose entries were made that the memo has not counted.
    loose: u32,
}

impl<'b> Lane<'b> {
    /// `memoize`: what only one other holds has its entry. Nothing is begun once there are `full` bytes.
    #[inline(always)]
    pub(crate) fn new(
        buffer: &'b mut Buffer,
        memo: &'b mut Memo,
        habits: &'b mut Habits,
        memoize: bool,
        full: usize,
    ) -> Lane<'b> {
        let (at, end) = buffer.open(ROOM, full);
        Lane { buffer, memo, habits, memoize, at, end, loose: 0 }
    }

    /// Ends it.
    #[inline(always)]
    pub(crate) fn close(self) {
        self.buffer.close(self.at);
        self.memo.count_loose(self.loose);
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
                if self.habits.instance.is_some() {
                    ahead.prefetch_before();
                }
            }
            if self.habits.has_containers() {
                near::bring_held(items, count);
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
        self.value_within(object, once, NESTED)
    }

    /// As `value`, with so many containers within one another.
    #[inline(always)]
    fn value_within(&mut self, object: Obj<'_>, once: bool, nested: u32) -> bool {
        let kind = object.type_raw();
        if kind == &raw mut ffi::PyUnicode_Type {
            if once && object.count() == 1 {
                self.text(object) && self.loose_entry()
            } else {
                self.get(object) || self.shared(object, nested < NESTED)
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
        } else if !once || object.count() != 1 {
            self.get(object) || self.met_before(object)
        } else if let Some(date) = self.habits.date
            && date.class == kind as usize
        {
            self.date(object, date)
        } else if kind == &raw mut ffi::PyTuple_Type {
            self.habits.tuples && nested > 0 && self.container(object, Exact::Tuple, nested - 1)
        } else if kind == &raw mut ffi::PyDict_Type {
            self.habits.dicts && nested > 0 && self.container(object, Exact::Dict, nested - 1)
        } else if kind == &raw mut ffi::PyList_Type {
            self.habits.lists && nested > 0 && self.container(object, Exact::List, nested - 1)
        } else if kind == &raw mut ffi::PySet_Type {
            self.habits.sets && nested > 0 && self.container(object, Exact::Set, nested - 1)
        } else if let Some(alike) = self.habits.instance
            && alike.class == kind as usize
        {
            nested > 0 && self.container(object, Exact::Other, nested - 1)
        } else {
            false
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
        let Some((text, len)) = short_text(object) else { return false };
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
        match self.habits.gets.find(object) {
            Some(op) => self.put(op.to_le_bytes(), (op >> 56) as usize),
            None => false,
        }
    }

    /// An object that others may hold too, and that is no atom, if it is in the memo.
    #[inline(never)]
    fn met_before(&mut self, object: Obj<'_>) -> bool {
        let Some(index) = self.memo.get(object) else { return false };
        self.habits.gets.add(object, index);
        self.get(object)
    }

    /// A str that others may hold too. `taken_back`: what is written may be, so that no entry may be made.
    #[inline(never)]
    fn shared(&mut self, object: Obj<'_>, taken_back: bool) -> bool {
        if taken_back || short_text(object).is_none() {
            return self.met_before(object);
        }
        self.memo.count_loose(std::mem::take(&mut self.loose));
        let Some(index) = self.memo.get_or_put(object) else {
            return self.text(object) && self.put([Opcode::Memoize.code()], 1);
        };
        self.habits.gets.add(object, index);
        self.get(object)
    }

    #[inline(always)]
    fn int(&mut self, object: Obj<'_>) -> bool {
        let Some(value) = layout::small_int(object).and_then(|value| i32::try_from(value).ok()) else { return false };
        // SAFETY: the lane is open: there is room for any op.
        self.at = unsafe { put_int(self.at, value) };
        true
    }

    /// A container, if it has plain values alone; else what was written of it is taken back.
    #[inline(never)]
    fn container(&mut self, object: Obj<'_>, kind: Exact, nested: u32) -> bool {
        let (at, loose) = (self.at, self.loose);
        let done = match kind {
            Exact::Tuple => self.tuple(object, nested),
            Exact::List => self.list(object, nested),
            Exact::Dict => self.dict(object, nested),
            Exact::Set => self.set(object, nested),
            _ => self.instance(object, nested),
        };
        if !done {
            (self.at, self.loose) = (at, loose);
            match kind {
                Exact::Tuple => self.habits.tuples = false,
                Exact::List => self.habits.lists = false,
                Exact::Dict => self.habits.dicts = false,
                Exact::Set => self.habits.sets = false,
                _ => self.habits.instance = None,
            }
        }
        done
    }

    /// All items of a container that holds them as long as it lives, and that one object alone holds.
    #[inline(always)]
    fn items_within(&mut self, items: &[Option<Obj<'_>>], nested: u32) -> bool {
        let mut left = items;
        while let [Some(item), rest @ ..] = left {
            if item.type_raw() == &raw mut ffi::PyLong_Type {
                match self.ints(left) {
                    0 => return false,
                    count => left = &left[count..],
                }
            } else if self.is_open() && self.value_within(*item, true, nested) {
                left = rest;
            } else {
                return false;
            }
        }
        left.is_empty()
    }

    /// A key and its value in a container. `once` is as for `pair`.
    #[inline(always)]
    fn pair_within(&mut self, key: Obj<'_>, once: bool, value: Obj<'_>, nested: u32) -> bool {
        self.is_open()
            && self.value_within(key, once, nested)
            && self.is_open()
            && self.value_within(value, true, nested)
    }

    /// The ints that come first; tells how many it wrote.
    #[inline(always)]
    fn ints(&mut self, items: &[Option<Obj<'_>>]) -> usize {
        // Not through memory: where the next int goes must not wait for this one.
        let (mut at, mut count) = (self.at, 0);
        while let Some(Some(item)) = items.get(count)
            && at < self.end
            && let Some(value) = plain_int(*item)
        {
            // SAFETY: the lane is open: there is room for any op.
            at = unsafe { put_int(at, value) };
            count += 1;
        }
        self.at = at;
        count
    }

    #[inline(always)]
    fn tuple(&mut self, object: Obj<'_>, nested: u32) -> bool {
        let op = match object.tuple_len() {
            // There is but one.
            0 => return self.put([Opcode::EmptyTuple.code()], 1),
            1 => Opcode::Tuple1,
            2 => Opcode::Tuple2,
            3 => Opcode::Tuple3,
            4..=LONGEST => {
                self.put([Opcode::Mark.code()], 1);
                Opcode::Tuple
            }
            _ => return false,
        };
        self.items_within(object.tuple_slice_borrowed(), nested) && self.put([op.code()], 1) && self.loose_entry()
    }

    #[inline(always)]
    fn list(&mut self, object: Obj<'_>, nested: u32) -> bool {
        let items = object.list_slice();
        self.put([Opcode::EmptyList.code()], 1);
        self.loose_entry();
        match items.len() {
            0 => true,
            1 => self.items_within(items, nested) && self.put([Opcode::Append.code()], 1),
            2..=LONGEST => {
                self.put([Opcode::Mark.code()], 1);
                self.items_within(items, nested) && self.put([Opcode::Appends.code()], 1)
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn dict(&mut self, object: Obj<'_>, nested: u32) -> bool {
        let Some(mut pairs) = Pairs::of(object, 0) else { return false };
        self.put([Opcode::EmptyDict.code()], 1);
        self.loose_entry();
        let end = match object.dict_len() {
            0 => return true,
            1 => Opcode::SetItem,
            2..=LONGEST => {
                self.put([Opcode::Mark.code()], 1);
                Opcode::SetItems
            }
            _ => return false,
        };
        while let Some((key, value)) = pairs.next() {
            if !self.pair_within(key, true, value, nested) {
                return false;
            }
        }
        self.put([end.code()], 1)
    }

    #[inline(always)]
    fn set(&mut self, object: Obj<'_>, nested: u32) -> bool {
        self.put([Opcode::EmptySet.code()], 1);
        self.loose_entry();
        let len = layout::set_len(object);
        if len == 0 || len > LONGEST {
            return len == 0;
        }
        self.put([Opcode::Mark.code()], 1);
        let (mut position, mut left) = (0, len);
        while left > 0 {
            // As in `ints`.
            let (mut at, mut other) = (self.at, None);
            while left > 0 && other.is_none() {
                let Some(item) = layout::set_next(object, &mut position) else { return false };
                left -= 1;
                match plain_int(item) {
                    // SAFETY: the lane is open: there is room for any op.
                    Some(value) if at < self.end => at = unsafe { put_int(at, value) },
                    _ => other = Some(item),
                }
            }
            self.at = at;
            if other.is_some_and(|item| !self.is_open() || !self.value_within(item, true, nested)) {
                return false;
            }
        }
        self.put([Opcode::AddItems.code()], 1)
    }

    #[inline(always)]
    fn instance(&mut self, object: Obj<'_>, nested: u32) -> bool {
        let values = match layout::place(object) {
            Place::Values(values) => Some(values),
            // Somebody has asked for its dict, and let go of it.
            Place::Dict(dict) if dict.count() == 1 && dict.is_dict_exact() => layout::attributes_of(dict),
            _ => None,
        };
        let (Some(alike), Some(values)) = (self.habits.instance, values) else { return false };
        if values.len() < 2 || values.table() != alike.table {
            return false;
        }
        self.put(alike.op.to_le_bytes(), (alike.op >> 56) as usize);
        if !self.is_open() {
            return false;
        }
        self.put([Opcode::EmptyTuple.code(), Opcode::NewObj.code()], 2);
        self.loose_entry();
        if !self.is_open() {
            return false;
        }
        self.put([Opcode::EmptyDict.code()], 1);
        self.loose_entry();
        self.put([Opcode::Mark.code()], 1);
        for index in 0..values.len() {
            let Some((name, value)) = values.get(index) else { return false };
            if !self.pair_within(name, false, value, nested) {
                return false;
            }
        }
        self.put([Opcode::SetItems.code(), Opcode::Build.code()], 2)
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

/// The text of a str that stands in an op with one byte for its length.
#[inline(always)]
fn short_text(object: Obj<'_>) -> Option<(&[u8], u8)> {
    let text = layout::ascii(object)?;
    Some((text, u8::try_from(text.len()).ok()?))
}

/// The value of an int that takes four bytes at the most.
#[inline(always)]
fn plain_int(object: Obj<'_>) -> Option<i32> {
    if object.type_raw() != &raw mut ffi::PyLong_Type {
        return None;
    }
    layout::small_int(object).and_then(|value| i32::try_from(value).ok())
}

/// Puts the op for an int; gives where the next goes.
///
/// # Safety
/// There is room for eight bytes.
#[inline(always)]
unsafe fn put_int(at: *mut u8, value: i32) -> *mut u8 {
    let bits = u64::from(value as u32);
    // SAFETY: as the caller says.
    unsafe {
        if bits > 0xffff {
            at.cast::<u64>().write_unaligned((u64::from(Opcode::BinInt.code()) | bits << 8).to_le());
            at.add(5)
        } else if bits > 0xff {
            at.cast::<u32>().write_unaligned((u32::from(Opcode::BinInt2.code()) | (bits as u32) << 8).to_le());
            at.add(3)
        } else {
            at.cast::<[u8; 2]>().write_unaligned([Opcode::BinInt1.code(), bits as u8]);
            at.add(2)
        }
    }
}
