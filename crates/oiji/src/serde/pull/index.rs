//! Where values begin: one pass over the ops of a plain pickle, so that `pull` can read it from the front.
//!
//! Ops build values from behind: only `TUPLE2` tells that a tuple began two values ago, only `APPEND` that a value was an
//! item. The pass runs the stack of a machine, but with places in the input for values, and notes down both. It answers
//! for plain data alone: numbers, text, bytes, lists, dicts, sets, tuples, memo entries used again. For all else (classes,
//! calls, text ops, containers filled after they were used, and every error) there is no index, and the graph decides.

use rustc_hash::FxHashMap;

use crate::graph::ReadOptions;
use crate::op::text::check_utf8;
use crate::opcode::{HIGHEST_PROTOCOL, Opcode};

/// What one plain pickle holds, by place: offsets from its first byte.
pub(super) struct Index {
    /// Values that begin with a tuple around them.
    tuples: Bits,
    /// Values that are the one item of an `APPEND`, or the key of a `SETITEM`.
    singles: Bits,
    /// How many tuples begin at one place, where more than one do.
    nested: FxHashMap<u32, u16>,
    memo: Vec<Place>,
    /// The end of the pickle, after its `STOP`.
    end: usize,
}

/// Where a value begins.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) start: u32,
    /// How many tuples begin there that are part of the value.
    pub(super) tuples: u16,
    hashable: bool,
}

/// Something on the stack, in eight bytes that are written at once.
#[derive(Clone, Copy)]
struct Entry(u64);

impl Entry {
    #[inline]
    fn new(start: u32, tuples: u16, kind: Kind) -> Entry {
        Entry(u64::from(start) << 32 | u64::from(tuples) << 16 | kind as u64)
    }

    #[inline]
    fn start(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    fn tuples(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline]
    fn is(self, kind: Kind) -> bool {
        self.0 as u16 == kind as u16
    }

    #[inline]
    fn is_hashable(self) -> bool {
        self.0 as u16 <= Kind::Again as u16
    }

    #[inline]
    fn is_again(self) -> bool {
        self.is(Kind::Again) || self.is(Kind::UnhashableAgain)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
enum Kind {
    Hashable,
    /// From the memo: not to be filled, nor put under another index.
    Again,
    // From here on nothing is hashable.
    Unhashable,
    UnhashableAgain,
    List,
    Dict,
    Set,
}

/// From how many bytes on an atom is long.
const LONG_ATOM: u32 = 4096;

impl Index {
    /// The index of the pickle that `input` begins with; nothing where the graph must decide.
    pub(super) fn new(input: &[u8], start: usize, options: &ReadOptions<'_>) -> Option<Index> {
        let limits = options.limits_ref();
        let rest = input.get(start..)?;
        // No pickle has more ops or memo entries than bytes, and no graph holds more than this for each byte. So limits
        // are kept where the pickle is as short as they allow; the graph counts where it is longer.
        let window = limits.ops.min(limits.memo_entries).min(limits.allocation / HELD_PER_BYTE);
        let window = window.min(limits.bytes.saturating_sub(start as u64)).min(u64::from(u32::MAX));
        let window = usize::try_from(window).map_or(rest.len(), |window| window.min(rest.len()));
        let mut scan =
            Scan { input: &rest[..window], index: Index::empty(), stack: Vec::new(), marks: Vec::new(), fence: 0 };
        scan.run(options.keeps_py2_strings()).map(|()| scan.index)
    }

    fn empty() -> Index {
        Index {
            tuples: Bits::default(),
            singles: Bits::default(),
            nested: FxHashMap::default(),
            memo: Vec::new(),
            end: 0,
        }
    }

    /// How many tuples begin at `place`.
    #[inline]
    pub(super) fn tuples(&self, place: usize) -> u16 {
        if self.tuples.has(place) { self.nested_tuples(place) } else { 0 }
    }

    fn nested_tuples(&self, place: usize) -> u16 {
        if self.nested.is_empty() {
            return 1;
        }
        self.nested.get(&(place as u32)).copied().unwrap_or(1)
    }

    /// Whether the value at `place` is appended alone, or is a key set alone.
    #[inline]
    pub(super) fn is_single(&self, place: usize) -> bool {
        self.singles.has(place)
    }

    /// What is at `index` of the memo.
    #[inline]
    pub(super) fn recall(&self, index: u32) -> Option<Place> {
        self.memo.get(index as usize).copied()
    }

    /// How many bytes the pickle has.
    pub(super) fn end(&self) -> usize {
        self.end
    }
}

/// More than a graph holds for each byte of its pickle.
const HELD_PER_BYTE: u64 = 64;

struct Scan<'a> {
    input: &'a [u8],
    index: Index,
    stack: Vec<Entry>,
    /// Where marks stand: height of the stack, place in the input.
    marks: Vec<(u32, u32)>,
    /// The height below which no op may take values.
    fence: usize,
}

impl Scan<'_> {
    fn run(&mut self, py2_strings: bool) -> Option<()> {
        let mut rest = self.input;
        loop {
            let start = self.input.len() - rest.len();
            let (&code, after) = rest.split_first()?;
            let len = match code {
                BININT1 => self.atom(start, Kind::Hashable, 2),
                BININT => self.atoms(start, BININT, 5),
                BININT2 => self.atom(start, Kind::Hashable, 3),
                BINFLOAT => self.atoms(start, BINFLOAT, 9),
                BINGET => self.again(start, u32::from(*after.first()?), 2)?,
                LONG_BINGET => self.again(start, u32::from_le_bytes(*after.first_chunk()?), 5)?,
                SHORT_BINUNICODE => {
                    let (&len, text) = after.split_first()?;
                    check_text(text.get(..usize::from(len))?)?;
                    self.atom(start, Kind::Hashable, 2 + usize::from(len))
                }
                MEMOIZE => {
                    self.memoize(self.index.memo.len())?;
                    1
                }
                NONE | NEWTRUE | NEWFALSE | EMPTY_TUPLE => self.atom(start, Kind::Hashable, 1),
                MARK => {
                    self.fence = self.stack.len();
                    self.marks.push((self.fence as u32, start as u32));
                    1
                }
                EMPTY_DICT => self.atom(start, Kind::Dict, 1),
                EMPTY_LIST => self.atom(start, Kind::List, 1),
                EMPTY_SET => self.atom(start, Kind::Set, 1),
                SETITEMS => self.fill(Kind::Dict, 2)?,
                APPENDS => self.fill(Kind::List, usize::MAX)?,
                ADDITEMS => self.fill(Kind::Set, 1)?,
                APPEND => {
                    self.fill_one(Kind::List, 1)?;
                    1
                }
                SETITEM => {
                    self.fill_one(Kind::Dict, 2)?;
                    1
                }
                TUPLE1 => self.tuple(1)?,
                TUPLE2 => self.tuple(2)?,
                TUPLE3 => self.tuple(3)?,
                TUPLE => self.marked_tuple()?,
                BINUNICODE => {
                    let (&len, text) = after.split_first_chunk::<4>()?;
                    let len = u32::from_le_bytes(len) as usize;
                    check_text(text.get(..len)?)?;
                    self.atom(start, Kind::Hashable, 5 + len)
                }
                BINUNICODE8 => {
                    let (&len, text) = after.split_first_chunk::<8>()?;
                    let len = usize::try_from(u64::from_le_bytes(len)).ok()?;
                    check_text(text.get(..len)?)?;
                    self.atom(start, Kind::Hashable, 9 + len)
                }
                LONG1 | SHORT_BINBYTES => self.atom(start, Kind::Hashable, 2 + usize::from(*after.first()?)),
                SHORT_BINSTRING if py2_strings => self.atom(start, Kind::Hashable, 2 + usize::from(*after.first()?)),
                BINSTRING if py2_strings => self.atom(start, Kind::Hashable, 5 + signed_len(after)?),
                LONG4 => self.atom(start, Kind::Hashable, 5 + signed_len(after)?),
                BINBYTES => {
                    let len = u32::from_le_bytes(*after.first_chunk()?) as usize;
                    self.atom(start, Kind::Hashable, 5 + len)
                }
                BINBYTES8 | BYTEARRAY8 => {
                    let len = usize::try_from(u64::from_le_bytes(*after.first_chunk()?)).ok()?;
                    // Longer than all input is no length; so the sum below cannot overflow.
                    if len > self.input.len() {
                        return None;
                    }
                    let kind = if code == BYTEARRAY8 { Kind::Unhashable } else { Kind::Hashable };
                    self.atom(start, kind, 9 + len)
                }
                BINPUT => {
                    self.memoize(usize::from(*after.first()?))?;
                    2
                }
                LONG_BINPUT => {
                    self.memoize(u32::from_le_bytes(*after.first_chunk()?) as usize)?;
                    5
                }
                FRAME => {
                    let (&len, rest) = after.split_first_chunk::<8>()?;
                    if u64::from_le_bytes(len) > rest.len() as u64 {
                        return None;
                    }
                    9
                }
                PROTO if *after.first()? <= HIGHEST_PROTOCOL => 2,
                STOP if self.stack.len() == 1 && self.marks.is_empty() => {
                    self.index.end = start + 1;
                    return Some(());
                }
                _ => return None,
            };
            rest = rest.get(len..)?;
        }
    }

    #[inline]
    fn atom(&mut self, start: usize, kind: Kind, len: usize) -> usize {
        self.stack.push(Entry::new(start as u32, 0, kind));
        len
    }

    /// All numbers that follow one another by the same op of `len` bytes.
    #[inline]
    fn atoms(&mut self, start: usize, code: u8, len: usize) -> usize {
        let mut end = start + len;
        if self.input.get(end) != Some(&code) {
            return self.atom(start, Kind::Hashable, len);
        }
        while self.input.get(end) == Some(&code) {
            end += len;
        }
        let count = (end - start) / len;
        let entry = |number: usize| Entry::new((start + number * len) as u32, 0, Kind::Hashable);
        self.stack.extend((0..count).map(entry));
        end - start
    }

    #[inline]
    fn again(&mut self, start: usize, index: u32, len: usize) -> Option<usize> {
        let place = self.index.memo.get(index as usize)?;
        // What is long and used again may be copied again and again: the graph counts that.
        if place.tuples == 0 && self.is_long(place.start as usize) {
            return None;
        }
        let kind = if place.hashable { Kind::Again } else { Kind::UnhashableAgain };
        Some(self.atom(start, kind, len))
    }

    /// Whether the atom at `start` is text, bytes or an int of more than a few thousand bytes.
    #[inline]
    fn is_long(&self, start: usize) -> bool {
        match self.input.get(start..) {
            Some([BINUNICODE8 | BINBYTES8 | BYTEARRAY8, ..]) => true,
            Some([BINUNICODE | BINBYTES | BINSTRING | LONG4, len @ ..]) => {
                len.first_chunk().is_none_or(|len| u32::from_le_bytes(*len) > LONG_ATOM)
            }
            _ => false,
        }
    }

    /// Takes the topmost mark away; gives the height and the place where it stood.
    #[inline]
    fn pop_mark(&mut self) -> Option<(usize, u32)> {
        let (height, place) = self.marks.pop()?;
        self.fence = self.marks.last().map_or(0, |mark| mark.0 as usize);
        Some((height as usize, place))
    }

    #[inline]
    fn memoize(&mut self, index: usize) -> Option<()> {
        let top = *self.stack.last()?;
        if self.stack.len() <= self.fence || index != self.index.memo.len() || top.is_again() {
            return None;
        }
        self.index.memo.push(Place { start: top.start(), tuples: top.tuples(), hashable: top.is_hashable() });
        Some(())
    }

    /// A tuple of the top `count` values.
    #[inline]
    fn tuple(&mut self, count: usize) -> Option<usize> {
        let first = self.stack.len().checked_sub(count).filter(|first| *first >= self.fence)?;
        let items = &self.stack[first..];
        let tuples = items[0].tuples().checked_add(1)?;
        let hashable = items.iter().all(|item| item.is_hashable());
        self.end_tuple(first, items[0].start(), tuples, hashable);
        Some(1)
    }

    fn marked_tuple(&mut self) -> Option<usize> {
        let (height, mark) = self.pop_mark()?;
        let hashable = self.stack[height..].iter().all(|item| item.is_hashable());
        self.end_tuple(height, mark, 1, hashable);
        Some(1)
    }

    #[inline]
    fn end_tuple(&mut self, height: usize, start: u32, tuples: u16, hashable: bool) {
        self.stack.truncate(height);
        self.stack.push(Entry::new(start, tuples, if hashable { Kind::Hashable } else { Kind::Unhashable }));
        self.index.tuples.set(start as usize);
        if tuples > 1 {
            self.index.nested.insert(start, tuples);
        }
    }

    /// Gives all above the mark to the container below it; of every `step` items the first must be hashable.
    #[inline(always)]
    fn fill(&mut self, kind: Kind, step: usize) -> Option<usize> {
        let (height, _) = self.pop_mark()?;
        let target = height.checked_sub(1).filter(|target| *target >= self.fence)?;
        let items = &self.stack[height..];
        let fits = step == usize::MAX
            || items.len().is_multiple_of(step) && items.chunks_exact(step).all(|item| item[0].is_hashable());
        if !self.stack[target].is(kind) || !fits {
            return None;
        }
        self.stack.truncate(height);
        Some(1)
    }

    /// Gives an item, or a key and its value, to the container below.
    #[inline]
    fn fill_one(&mut self, kind: Kind, count: usize) -> Option<()> {
        let first = self.stack.len().checked_sub(count)?;
        let target = first.checked_sub(1).filter(|target| *target >= self.fence)?;
        let item = self.stack[first];
        if !self.stack[target].is(kind) || kind == Kind::Dict && !item.is_hashable() {
            return None;
        }
        self.index.singles.set(item.start() as usize);
        self.stack.truncate(first);
        Some(())
    }
}

fn check_text(text: &[u8]) -> Option<()> {
    if text.is_ascii() { Some(()) } else { check_utf8(text).ok().map(drop) }
}

fn signed_len(after: &[u8]) -> Option<usize> {
    usize::try_from(i32::from_le_bytes(*after.first_chunk()?)).ok()
}

/// A set of places, as long as its last.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    #[inline]
    fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 != 0)
    }

    #[inline]
    fn set(&mut self, place: usize) {
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
