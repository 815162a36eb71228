//! The arena: every value a pickle asks for in sixteen bytes, children in one pool, text borrowed from the input.
//!
//! Sharing and cycles are ids; dropping a graph frees a handful of vectors, however deep it is. Nothing here knows how a
//! graph came to be (`build`, `edit`) or what it means (`view`).

use std::borrow::Cow;
use std::num::NonZeroU32;

use rustc_hash::FxHashMap;

use crate::error::{ErrorKind, Result};
use crate::graph::again::Again;
use crate::graph::outside::Outside;
use crate::source::Chunk;

/// Everything one pickle says, or several that share a memo: values by id, with sharing and cycles kept.
///
/// `'a` is the life of the input that text and bytes are borrowed from; `into_owned` ends the loan.
///
/// ```
/// let graph = oiji::loads(b"}X\x04\x00\x00\x00name](K\x01K\x02es.")?;
/// assert_eq!(graph.root().get("name")?.at(1)?.as_i64()?, 2);
/// assert_eq!(graph.to_string(), "{'name': [1, 2]}");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Graph<'a> {
    /// What was read, as far as it is borrowed from; of a stream, its floats.
    pub(crate) input: Cow<'a, [u8]>,
    /// Decoded and copied bytes, one after another.
    pub(crate) owned: Vec<u8>,
    /// Large payloads that came in a vector of their own.
    pub(crate) blobs: Vec<Vec<u8>>,
    pub(crate) slots: Vec<Slot>,
    /// Children of containers, each container's in one run.
    pub(crate) pool: Vec<Id>,
    pub(crate) objects: Vec<ObjectData>,
    pub(crate) globals: Vec<GlobalName>,
    pub(crate) global_index: FxHashMap<(Box<str>, Box<str>), u32>,
    /// What was done to a value beyond one `BUILD` of an object.
    pub(crate) steps: FxHashMap<Id, Vec<Step>>,
    pub(crate) dropped: Vec<Dropped>,
    /// What is used more than once, if nothing has changed since it was read.
    pub(crate) again: Again,
    /// The content of out-of-band buffers by number, where it is known.
    pub(crate) buffers: Vec<Option<Cow<'a, [u8]>>>,
    pub(crate) buffer_count: u64,
    /// What persistent values stand for, where it is known.
    pub(crate) outside: Outside<'a>,
    pub(crate) roots: Vec<Id>,
    pub(crate) protocol: u8,
}

/// A value's place in its graph.
///
/// `None`, bools, ints of up to thirty bits and floats that stand in the input have no place in the arena: the id says it
/// all. That makes a list of a million numbers four megabytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Id(NonZeroU32);

/// What an id is that is the value itself.
pub(crate) enum Immediate {
    None,
    Bool(bool),
    Int(i32),
    Float(f64),
}

/// Set in ids that are the value itself.
const IMMEDIATE: u32 = 1 << 31;
/// Set too where it is no int: the rest is one of the constants below, or the offset of a float in the input.
const NO_INT: u32 = 1 << 30;
const PAYLOAD: u32 = NO_INT - 1;
const NONE: u32 = PAYLOAD;
const FALSE: u32 = PAYLOAD - 1;
const TRUE: u32 = PAYLOAD - 2;

impl Id {
    /// `None`.
    pub(crate) const NONE: Id = Id::immediate(NO_INT | NONE);

    pub(crate) fn new(index: usize) -> Result<Id> {
        match u32::try_from(index + 1).ok().filter(|raw| raw & IMMEDIATE == 0).and_then(NonZeroU32::new) {
            Some(id) => Ok(Id(id)),
            None => Err(full()),
        }
    }

    #[inline]
    const fn immediate(payload: u32) -> Id {
        Id(NonZeroU32::MIN.saturating_add((IMMEDIATE | payload) - 1))
    }

    #[inline]
    pub(crate) fn bool(value: bool) -> Id {
        Id::immediate(NO_INT | if value { TRUE } else { FALSE })
    }

    /// An int, if thirty bits hold it.
    #[inline]
    pub(crate) fn int(value: i64) -> Option<Id> {
        let fits = (-(1 << 29)..1 << 29).contains(&value);
        fits.then(|| Id::immediate(value as u32 & PAYLOAD))
    }

    /// The int that it is.
    #[inline]
    pub(crate) fn as_int(self) -> Option<i32> {
        self.is_int().then_some(self.int_value())
    }

    /// Whether it is an int by itself.
    #[inline]
    pub(crate) fn is_int(self) -> bool {
        self.0.get() & (IMMEDIATE | NO_INT) == IMMEDIATE
    }

    /// The int that it is, if it is one.
    #[inline]
    pub(crate) fn int_value(self) -> i32 {
        // The sign is the highest of the thirty bits.
        (self.0.get() << 2) as i32 >> 2
    }

    /// Where the float stands in the input that it is. Ids that are something else have an offset that no float has.
    #[inline]
    pub(crate) fn float_offset(self) -> u32 {
        self.0.get() ^ (IMMEDIATE | NO_INT)
    }

    /// The float whose eight bytes stand at `offset` of the input, if thirty bits hold that.
    #[inline]
    pub(crate) fn float_at(offset: usize) -> Option<Id> {
        u32::try_from(offset).ok().filter(|offset| *offset < TRUE).map(|offset| Id::immediate(NO_INT | offset))
    }

    /// Whether it is the value itself.
    #[inline]
    pub(crate) fn is_immediate(self) -> bool {
        self.0.get() & IMMEDIATE != 0
    }

    /// A number for it, different from that of every other value in the graph. Values in the arena are counted from 0 in
    /// the order in which they were made; others have numbers from 2^31 on.
    #[inline]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// The id with this number.
    #[inline]
    pub(crate) fn from_raw(index: u32) -> Option<Id> {
        NonZeroU32::new(index.wrapping_add(1)).map(Id)
    }
}

/// More values than ids.
#[cold]
pub(crate) fn full() -> crate::Error {
    ErrorKind::Limit { limit: "allocation", allowed: u64::from(u32::MAX) }.into()
}

/// One value.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    /// The upper 16 bits of a length.
    pub(crate) high: u16,
    /// The lower 32 bits of a length, or a count of children, or an index.
    pub(crate) low: u32,
    /// A number, an offset, or where children start (low half) and how many have room there (high half).
    pub(crate) data: u64,
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    None,
    Bool,
    Int,
    BigInt,
    Float,
    Str,
    Bytes,
    ByteArray,
    Py2Str,
    Buffer,
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
    Global,
    Extension,
    Persistent,
    Object,
}

impl Kind {
    /// Whether a value may be anything at all when the pickle is loaded.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Kind::Global | Kind::Extension | Kind::Persistent | Kind::Object | Kind::Buffer)
    }
}

/// Where the bytes of a span stand: bits 0 and 1 of the flags.
pub(crate) const IN_INPUT: u8 = 0;
pub(crate) const IN_OWNED: u8 = 1;
pub(crate) const IN_BLOB: u8 = 2;
pub(crate) const PLACE: u8 = 3;
/// A str with lone surrogates.
pub(crate) const SURROGATES: u8 = 4;
/// A tuple that holds something unhashable, however deep.
pub(crate) const UNHASHABLE: u8 = 8;
/// A buffer made read-only.
pub(crate) const READ_ONLY: u8 = 16;

/// A bytearray whose blob is its alone.
pub(crate) const MUTABLE: u8 = 32;

/// From here on a scratch buffer is kept rather than copied.
const KEEP_FROM: usize = 1 << 14;

#[derive(Clone, Copy)]
pub(crate) struct ObjectData {
    pub(crate) made: Made,
    pub(crate) class: Id,
    pub(crate) args: Id,
    pub(crate) kwargs: Option<Id>,
    pub(crate) state: Option<Id>,
}

/// How a pickle makes an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Made {
    /// `callable(*args)`: `REDUCE`.
    Call,
    /// `cls.__new__(cls, *args)`: `NEWOBJ`.
    New,
    /// `cls.__new__(cls, *args, **kwargs)`: `NEWOBJ_EX`.
    NewEx,
    /// An instance of an old-style class of Python 2: `INST`, `OBJ`.
    Instance,
}

/// The names of a global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GlobalName {
    pub(crate) module: Box<str>,
    pub(crate) name: Box<str>,
}

/// Something done to a value after it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    /// Items; or key, value, key, value; or one state.
    pub(crate) ids: Vec<Id>,
}

/// What was done to a value after it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StepKind {
    /// `APPEND`, `APPENDS`: its `extend` or `append` is called.
    Append,
    /// `SETITEM`, `SETITEMS`: items are set.
    SetItems,
    /// `ADDITEMS`: its `add` is called.
    Add,
    /// `BUILD`: a state is given to it.
    Build,
}

/// A value that the pickle made and dropped: for instance the call of a state setter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dropped {
    pub(crate) value: Id,
    /// What lay under it on the stack.
    pub(crate) below: Option<Id>,
}

impl Slot {
    pub(crate) fn plain(kind: Kind, data: u64) -> Slot {
        Slot { kind, flags: 0, high: 0, low: 0, data }
    }

    fn span(kind: Kind, place: u8, start: usize, len: usize) -> Slot {
        Slot { kind, flags: place, high: (len as u64 >> 32) as u16, low: len as u32, data: start as u64 }
    }

    pub(crate) fn persistent(id: Id) -> Slot {
        Slot { low: id.index() as u32, ..Slot::plain(Kind::Persistent, 0) }
    }

    pub(crate) fn run(kind: Kind, start: usize, len: u32, room: u32) -> Slot {
        Slot { kind, flags: 0, high: 0, low: len, data: start as u64 | u64::from(room) << 32 }
    }

    #[inline]
    pub(crate) fn span_len(self) -> usize {
        (u64::from(self.high) << 32 | u64::from(self.low)) as usize
    }

    #[inline]
    fn start(self) -> usize {
        self.data as u32 as usize
    }

    #[inline]
    fn room(self) -> u32 {
        (self.data >> 32) as u32
    }
}

impl<'a> Graph<'a> {
    #[inline]
    pub(crate) fn slot(&self, id: Id) -> Slot {
        if id.is_immediate() { self.immediate(id) } else { self.slots[id.index()] }
    }

    /// The slot that an id which is its own value stands for.
    #[inline]
    fn immediate(&self, id: Id) -> Slot {
        match self.immediate_atom(id) {
            Immediate::Int(value) => Slot::plain(Kind::Int, i64::from(value) as u64),
            Immediate::None => Slot::plain(Kind::None, 0),
            Immediate::Bool(value) => Slot::plain(Kind::Bool, u64::from(value)),
            Immediate::Float(value) => Slot::plain(Kind::Float, value.to_bits()),
        }
    }

    /// The value that an id is by itself.
    #[inline(always)]
    pub(crate) fn immediate_atom(&self, id: Id) -> Immediate {
        if let Some(value) = id.as_int() {
            return Immediate::Int(value);
        }
        match id.0.get() & PAYLOAD {
            NONE => Immediate::None,
            FALSE => Immediate::Bool(false),
            TRUE => Immediate::Bool(true),
            offset => {
                let bytes = self.input.get(offset as usize..).and_then(|rest| rest.first_chunk::<8>());
                Immediate::Float(bytes.map_or(0.0, |bytes| f64::from_be_bytes(*bytes)))
            }
        }
    }

    /// The input from the op of a float on, and the float's own offset, if it stands in the input.
    #[inline]
    pub(crate) fn input_from_float(&self, id: Id) -> Option<(&[u8], u32)> {
        let offset = id.float_offset();
        let input = self.input.get(offset.checked_sub(1)? as usize..)?;
        // Only as far as floats are their ids.
        Some((input.get(..(TRUE + 8).checked_sub(offset)? as usize).unwrap_or(input), offset))
    }

    /// The value outside that a persistent id stands for: the id.
    #[inline]
    pub(crate) fn persistent_id(&self, slot: Slot) -> Id {
        Id::from_raw(slot.low).unwrap_or(Id::NONE)
    }

    #[inline]
    pub(crate) fn push_slot(&mut self, slot: Slot) -> Result<Id> {
        let id = Id::new(self.slots.len())?;
        self.slots.push(slot);
        Ok(id)
    }

    /// The bytes of a str, bytes kind or big int.
    #[inline]
    pub(crate) fn span(&self, slot: Slot) -> &[u8] {
        let (start, len) = (slot.data as usize, slot.span_len());
        match slot.flags & PLACE {
            IN_INPUT => &self.input[start..start + len],
            IN_OWNED => &self.owned[start..start + len],
            _ => &self.blobs[start],
        }
    }

    /// The bytes of a str, bytes kind or big int, and all that happens to stand behind them.
    #[inline(always)]
    pub(crate) fn span_and_more(&self, slot: Slot) -> &[u8] {
        let start = slot.data as usize;
        match slot.flags & PLACE {
            IN_INPUT => &self.input[start..],
            IN_OWNED => &self.owned[start..],
            _ => &self.blobs[start],
        }
    }

    /// The children of a container: items; or key, value, key, value.
    #[inline]
    pub(crate) fn run(&self, slot: Slot) -> &[Id] {
        &self.pool[slot.start()..slot.start() + slot.low as usize]
    }

    pub(crate) fn run_mut(&mut self, slot: Slot) -> &mut [Id] {
        &mut self.pool[slot.start()..slot.start() + slot.low as usize]
    }

    /// A slot for bytes: borrowed where they are part of the input, taken over where they are large, copied else.
    #[inline]
    pub(crate) fn span_slot(&mut self, kind: Kind, bytes: Chunk<'_, 'a>) -> Slot {
        match bytes {
            Chunk::Input(bytes) => self.input_slot(kind, bytes),
            Chunk::Scratch(scratch) if scratch.len() >= KEEP_FROM => {
                let len = scratch.len();
                let mut blob = std::mem::take(scratch);
                blob.shrink_to_fit();
                self.blobs.push(blob);
                Slot::span(kind, IN_BLOB, self.blobs.len() - 1, len)
            }
            Chunk::Scratch(scratch) => self.owned_slot(kind, scratch),
        }
    }

    fn input_slot(&mut self, kind: Kind, bytes: &[u8]) -> Slot {
        let base = self.input.as_ptr() as usize;
        match (bytes.as_ptr() as usize).checked_sub(base) {
            Some(start) if start + bytes.len() <= self.input.len() => Slot::span(kind, IN_INPUT, start, bytes.len()),
            _ => self.owned_slot(kind, bytes),
        }
    }

    pub(crate) fn owned_slot(&mut self, kind: Kind, bytes: &[u8]) -> Slot {
        let start = self.owned.len();
        self.owned.extend_from_slice(bytes);
        Slot::span(kind, IN_OWNED, start, bytes.len())
    }

    /// The bytes of a bytearray, in a vector of its own. After it was made longer, call `blob_grown`.
    pub(crate) fn bytearray_mut(&mut self, id: Id) -> &mut Vec<u8> {
        let slot = self.slots[id.index()];
        if slot.flags & MUTABLE == 0 {
            let blob = self.span(slot).to_vec();
            let len = blob.len();
            self.blobs.push(blob);
            let mut slot = Slot::span(slot.kind, IN_BLOB, self.blobs.len() - 1, len);
            slot.flags |= MUTABLE;
            self.slots[id.index()] = slot;
        }
        let index = self.slots[id.index()].data as usize;
        &mut self.blobs[index]
    }

    /// Takes note of the new length of a bytearray.
    pub(crate) fn blob_grown(&mut self, id: Id) {
        let slot = self.slots[id.index()];
        if slot.flags & MUTABLE != 0 {
            let index = slot.data as usize;
            let grown = Slot::span(slot.kind, IN_BLOB, index, self.blobs[index].len());
            self.slots[id.index()] = Slot { flags: slot.flags, ..grown };
        }
    }

    /// A slot for a container of `ids`.
    #[inline]
    pub(crate) fn run_slot(&mut self, kind: Kind, ids: &[Id]) -> Result<Slot> {
        let start = self.pool.len();
        if start + ids.len() > u32::MAX as usize {
            return Err(full());
        }
        self.pool.extend_from_slice(ids);
        Ok(Slot::run(kind, start, ids.len() as u32, ids.len() as u32))
    }

    /// Appends `ids` to the children of `id`. They stay in one run: in place where there is room or the run is the
    /// pool's last, else in a new run of twice the size.
    #[inline]
    pub(crate) fn extend_run(&mut self, id: Id, ids: &[Id]) -> Result<()> {
        let slot = self.slots[id.index()];
        let (start, len, room) = (slot.start(), slot.low as usize, slot.room() as usize);
        let wanted = len + ids.len();
        let (start, room) = if wanted <= room {
            self.pool[start + len..start + wanted].copy_from_slice(ids);
            (start, room)
        } else if start + room == self.pool.len() {
            self.pool.truncate(start + len);
            self.pool.extend_from_slice(ids);
            (start, wanted)
        } else {
            let moved = self.pool.len();
            let room = wanted.max(2 * room);
            self.pool.extend_from_within(start..start + len);
            self.pool.extend_from_slice(ids);
            self.pool.resize(moved + room, id);
            (moved, room)
        };
        if self.pool.len() > u32::MAX as usize {
            return Err(full());
        }
        self.slots[id.index()] = Slot { flags: slot.flags, ..Slot::run(slot.kind, start, wanted as u32, room as u32) };
        Ok(())
    }

    pub(crate) fn intern_global(&mut self, module: &str, name: &str) -> Result<u32> {
        let key = (Box::from(module), Box::from(name));
        if let Some(&index) = self.global_index.get(&key) {
            return Ok(index);
        }
        let index = u32::try_from(self.globals.len()).map_err(|_| full())?;
        self.globals.push(GlobalName { module: key.0.clone(), name: key.1.clone() });
        self.global_index.insert(key, index);
        Ok(index)
    }

    /// Bytes held for values, input that is borrowed not counted.
    pub(crate) fn held(&self) -> u64 {
        let slots = size_of_val(&*self.slots) + size_of_val(&*self.pool) + size_of_val(&*self.objects);
        // A global, a step and a dropped value cost about this much each, with their tables.
        let tables = 128 * (self.globals.len() + self.steps.len() + self.dropped.len());
        let floats = if let Cow::Owned(input) = &self.input { input.len() } else { 0 };
        (slots + tables + self.owned.len() + floats) as u64
    }

    /// The same graph with all its text and bytes its own.
    pub fn into_owned(self) -> Graph<'static> {
        Graph {
            input: Cow::Owned(self.input.into_owned()),
            owned: self.owned,
            blobs: self.blobs,
            slots: self.slots,
            pool: self.pool,
            objects: self.objects,
            globals: self.globals,
            global_index: self.global_index,
            steps: self.steps,
            dropped: self.dropped,
            again: self.again,
            buffers: self
                .buffers
                .into_iter()
                .map(|buffer| buffer.map(|bytes| Cow::Owned(bytes.into_owned())))
                .collect(),
            buffer_count: self.buffer_count,
            outside: self.outside.into_owned(),
            roots: self.roots,
            protocol: self.protocol,
        }
    }
}
