//! What only later ops tell of a value: looked up ahead, where the type that is asked for does not say it.
//!
//! Ops build values from behind: only `TUPLE2` tells that a tuple began two values ago, only `APPEND` that a value was an
//! item. A look ahead runs over the ops that follow a place, with places for values, and notes both down for all of them
//! up to the end of what the value stands in. It checks nothing: whoever reads the values does.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::opcode::Opcode;

/// What was found ahead, by place: offsets from the first byte of one pickle.
pub(super) struct Index<'de> {
    input: &'de [u8],
    /// Values that begin with a tuple around them.
    tuples: Bits,
    /// Values that are the one item of an `APPEND`, or the key of a `SETITEM`.
    singles: Bits,
    /// How many tuples begin at one place, where more than one do.
    nested: FxHashMap<u32, u16>,
    /// The places that the last look ahead has decided.
    seen: Range<usize>,
    /// How many bytes may yet be looked at: the same ones seldom, where shared values are read again.
    left: usize,
    stack: Vec<Entry>,
    /// Where marks stand: height of the stack, place in the input.
    marks: Vec<(u32, u32)>,
}

/// Something on the stack: where it starts, and how many tuples begin there that are part of it.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    tuples: u16,
}

/// How often all of the input may be looked at.
const LOOKS: usize = 4;

impl<'de> Index<'de> {
    /// Of the pickle that `input` begins with, at most 4 GiB.
    pub(super) fn new(input: &'de [u8]) -> Self {
        Index {
            input,
            tuples: Bits::default(),
            singles: Bits::default(),
            nested: FxHashMap::default(),
            seen: 0..0,
            left: input.len().saturating_mul(LOOKS),
            stack: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// How many tuples begin at `place`; nothing where what follows is not plain.
    #[inline]
    pub(super) fn tuples(&mut self, place: usize) -> Option<u16> {
        self.reach(place)?;
        Some(if self.tuples.has(place) { self.nested_tuples(place) } else { 0 })
    }

    fn nested_tuples(&self, place: usize) -> u16 {
        if self.nested.is_empty() {
            return 1;
        }
        self.nested.get(&(place as u32)).copied().unwrap_or(1)
    }

    /// Whether the value at `place` is appended alone, or is a key set alone; nothing where what follows is not plain.
    #[inline]
    pub(super) fn is_single(&mut self, place: usize) -> Option<bool> {
        self.reach(place)?;
        Some(self.singles.has(place))
    }

    #[inline]
    fn reach(&mut self, place: usize) -> Option<()> {
        if self.seen.contains(&place) { Some(()) } else { self.look(place) }
    }

    /// Looks ahead from `place` until an op takes the value there, or one below it.
    #[inline(never)]
    fn look(&mut self, place: usize) -> Option<()> {
        self.stack.clear();
        self.marks.clear();
        let end = self.decided(place)?;
        self.left = self.left.checked_sub(end - place)?;
        self.seen = place..end;
        Some(())
    }

    /// The place of the op that takes the value at `place`, after all ops up to it.
    fn decided(&mut self, place: usize) -> Option<usize> {
        let mut start = place;
        loop {
            let rest = self.input.get(start..)?;
            let (&code, after) = rest.split_first()?;
            let len = match code {
                BININT1 | BINGET => self.atom(start, 2),
                BININT | LONG_BINGET => self.atom(start, 5),
                BININT2 => self.atom(start, 3),
                BINFLOAT => self.atom(start, 9),
                SHORT_BINUNICODE | LONG1 | SHORT_BINBYTES | SHORT_BINSTRING => {
                    self.atom(start, 2 + usize::from(*after.first()?))
                }
                MEMOIZE => 1,
                BINPUT | PROTO => 2,
                LONG_BINPUT => 5,
                FRAME => 9,
                NONE | NEWTRUE | NEWFALSE | EMPTY_TUPLE | EMPTY_DICT | EMPTY_LIST | EMPTY_SET => self.atom(start, 1),
                BINUNICODE | BINBYTES | LONG4 | BINSTRING => {
                    let len = u32::from_le_bytes(*after.first_chunk()?) as usize;
                    self.atom(start, len.checked_add(5)?)
                }
                BINUNICODE8 | BINBYTES8 | BYTEARRAY8 => {
                    let len = usize::try_from(u64::from_le_bytes(*after.first_chunk()?)).ok()?;
                    self.atom(start, len.checked_add(9)?)
                }
                MARK => {
                    self.marks.push((self.stack.len() as u32, start as u32));
                    1
                }
                SETITEMS | APPENDS | ADDITEMS => match self.marks.pop() {
                    // The container stands below.
                    None | Some((0, _)) => return Some(start),
                    Some((height, _)) => {
                        self.stack.truncate(height as usize);
                        1
                    }
                },
                APPEND | SETITEM => {
                    let fence = self.marks.last().map_or(0, |mark| mark.0 as usize);
                    let above = self.stack.len() - fence;
                    let count = if code == SETITEM { 2 } else { 1 };
                    if above > count || above == count && fence == 0 && self.marks.is_empty() {
                        let first = self.stack.len() - count;
                        self.singles.set(self.stack[first].start as usize);
                        if first == 0 {
                            return Some(start);
                        }
                        self.stack.truncate(first);
                    } else if self.marks.is_empty() {
                        return Some(start);
                    } else {
                        return None;
                    }
                    1
                }
                TUPLE1 | TUPLE2 | TUPLE3 => {
                    let count = usize::from(code - TUPLE1) + 1;
                    let fence = self.marks.last().map_or(0, |mark| mark.0 as usize);
                    match self.stack.len().checked_sub(count).filter(|first| *first >= fence) {
                        Some(first) => {
                            let Entry { start, tuples } = self.stack[first];
                            self.end_tuple(first, start, tuples.checked_add(1)?);
                        }
                        None if self.marks.is_empty() => return Some(start),
                        None => return None,
                    }
                    1
                }
                TUPLE => {
                    let Some((height, mark)) = self.marks.pop() else { return Some(start) };
                    self.end_tuple(height as usize, mark, 1);
                    1
                }
                STOP if self.marks.is_empty() => return Some(start),
                _ => return None,
            };
            start = start.checked_add(len)?;
        }
    }

    #[inline]
    fn atom(&mut self, start: usize, len: usize) -> usize {
        self.stack.push(Entry { start: start as u32, tuples: 0 });
        len
    }

    #[inline]
    fn end_tuple(&mut self, height: usize, start: u32, tuples: u16) {
        self.stack.truncate(height);
        self.stack.push(Entry { start, tuples });
        self.tuples.set(start as usize);
        if tuples > 1 {
            self.nested.insert(start, tuples);
        }
    }
}

/// A set of numbers, as long as its last.
#[derive(Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    #[inline]
    pub(super) fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 != 0)
    }

    #[inline]
    pub(super) fn set(&mut self, place: usize) {
        if place / 64 >= self.0.len() {
            self.grow(place / 64);
        }
        self.0[place / 64] |= 1 << (place % 64);
    }

    #[cold]
    fn grow(&mut self, word: usize) {
        self.0.resize(word + 1 + word / 8, 0);
    }
}

macro_rules! codes {
    ($($name:ident $opcode:ident)*) => {
        $(pub(super) const $name: u8 = Opcode::$opcode.code();)*
    };
}

codes! {
    MARK Mark
    STOP Stop
    NONE None
    NEWTRUE NewTrue
    NEWFALSE NewFalse
    BININT BinInt
    BININT1 BinInt1
    BININT2 BinInt2
    LONG1 Long1
    LONG4 Long4
    BINFLOAT BinFloat
    SHORT_BINUNICODE ShortBinUnicode
    BINUNICODE BinUnicode
    BINUNICODE8 BinUnicode8
    SHORT_BINSTRING ShortBinString
    BINSTRING BinString
    SHORT_BINBYTES ShortBinBytes
    BINBYTES BinBytes
    BINBYTES8 BinBytes8
    BYTEARRAY8 ByteArray8
    EMPTY_TUPLE EmptyTuple
    TUPLE1 Tuple1
    TUPLE2 Tuple2
    TUPLE3 Tuple3
    TUPLE Tuple
    EMPTY_LIST EmptyList
    APPEND Append
    APPENDS Appends
    EMPTY_DICT EmptyDict
    SETITEM SetItem
    SETITEMS SetItems
    EMPTY_SET EmptySet
    ADDITEMS AddItems
    MEMOIZE Memoize
    BINPUT BinPut
    LONG_BINPUT LongBinPut
    BINGET BinGet
    LONG_BINGET LongBinGet
    FRAME Frame
    PROTO Proto
}
