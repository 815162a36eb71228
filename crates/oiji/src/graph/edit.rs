//! Making graphs by hand: values are added one by one, each from the ids of those it holds.
//!
//! What comes from a pickle goes through `build`; the macro `pickle!` and other formats come through here.

use std::borrow::Cow;

use num_bigint::BigInt;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::again::Again;
use crate::graph::arena::{self, Dropped, Graph, Id, Kind, Made, ObjectData, Slot, Step, StepKind};
use crate::op::number::Integer;
use crate::op::text::{self, Utf8};

/// Each `add_` method adds one value and gives its id; values become part of the result when they are reached from a root.
///
/// ```
/// use oiji::Graph;
/// let mut graph = Graph::new();
/// let one = graph.add_int(1)?;
/// let list = graph.add_list(&[one])?;
/// graph.append(list, &[list])?;
/// graph.set_roots(vec![list]);
/// assert_eq!(graph.to_string(), "[1, [...]]");
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// All of them fail with `Limit` when the graph is full, at 2^32 values; other errors are named where they occur.
impl<'a> Graph<'a> {
    /// A graph of nothing.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Adds `None`.
    pub fn add_none(&mut self) -> Result<Id> {
        Ok(Id::NONE)
    }

    /// Adds a bool.
    pub fn add_bool(&mut self, value: bool) -> Result<Id> {
        Ok(Id::bool(value))
    }

    /// Adds an int.
    pub fn add_int(&mut self, value: i64) -> Result<Id> {
        if let Some(id) = Id::int(value) {
            return Ok(id);
        }
        self.push_slot(Slot::plain(Kind::Int, value as u64))
    }

    /// Adds an int of any size.
    pub fn add_big_int(&mut self, value: &BigInt) -> Result<Id> {
        let bytes = value.to_signed_bytes_le();
        let slot = match Integer::from_le(&bytes) {
            Integer::Small(value) => return self.add_int(value),
            Integer::Big(bytes) => self.owned_slot(Kind::BigInt, &bytes),
        };
        self.push_slot(slot)
    }

    /// Adds a float.
    pub fn add_float(&mut self, value: f64) -> Result<Id> {
        self.push_slot(Slot::plain(Kind::Float, value.to_bits()))
    }

    /// Adds a str.
    pub fn add_str(&mut self, value: &str) -> Result<Id> {
        let slot = self.owned_slot(Kind::Str, value.as_bytes());
        self.push_slot(slot)
    }

    /// Adds a str given as UTF-8 with surrogates let through, three bytes each.
    ///
    /// # Errors
    /// `InvalidText` if it is no such text.
    pub fn add_text(&mut self, value: &[u8]) -> Result<Id> {
        let flags = match text::check_utf8(value)? {
            Utf8::Valid => 0,
            Utf8::Surrogates => arena::SURROGATES,
        };
        let slot = self.owned_slot(Kind::Str, value);
        self.push_slot(Slot { flags: slot.flags | flags, ..slot })
    }

    /// Adds bytes.
    pub fn add_bytes(&mut self, value: &[u8]) -> Result<Id> {
        let slot = self.owned_slot(Kind::Bytes, value);
        self.push_slot(slot)
    }

    /// Adds a bytearray.
    pub fn add_bytearray(&mut self, value: &[u8]) -> Result<Id> {
        let slot = self.owned_slot(Kind::ByteArray, value);
        self.push_slot(slot)
    }

    /// Adds a Python 2 `str`.
    pub fn add_py2_str(&mut self, value: &[u8]) -> Result<Id> {
        let slot = self.owned_slot(Kind::Py2Str, value);
        self.push_slot(slot)
    }

    /// Adds the out-of-band buffer with number `index`. Writers number buffers anew, in the order they meet them.
    pub fn add_buffer(&mut self, index: u64, read_only: bool) -> Result<Id> {
        self.buffer_count = self.buffer_count.max(index.saturating_add(1));
        let flags = if read_only { arena::READ_ONLY } else { 0 };
        self.push_slot(Slot { flags, ..Slot::plain(Kind::Buffer, index) })
    }

    /// Gives the content of the out-of-band buffers, by number.
    pub fn set_buffers<B: Into<Cow<'a, [u8]>>>(&mut self, buffers: impl IntoIterator<Item = B>) {
        self.buffers = buffers.into_iter().map(|buffer| Some(buffer.into())).collect();
    }

    /// The number of a new buffer with this content.
    pub(crate) fn push_buffer(&mut self, bytes: Cow<'a, [u8]>) -> u64 {
        let index = self.buffer_count.max(self.buffers.len() as u64);
        // The content of those between stays unknown.
        self.buffers.resize(index as usize, None);
        self.buffers.push(Some(bytes));
        self.buffer_count = index + 1;
        index
    }

    /// Makes bytes and bytearrays of the buffers with these numbers.
    #[cfg(feature = "class")]
    pub(crate) fn keep_in_band(&mut self, indexes: &[u64]) {
        for at in 0..self.slots.len() {
            let slot = self.slots[at];
            if slot.kind == Kind::Buffer && indexes.contains(&slot.data) {
                let kind = if slot.flags & arena::READ_ONLY != 0 { Kind::Bytes } else { Kind::ByteArray };
                if let Some(Some(bytes)) = self.buffers.get(slot.data as usize).cloned() {
                    self.slots[at] = self.owned_slot(kind, &bytes);
                }
            }
        }
    }

    /// Adds a tuple.
    pub fn add_tuple(&mut self, items: &[Id]) -> Result<Id> {
        self.add_run(Kind::Tuple, items)
    }

    /// Adds a list.
    pub fn add_list(&mut self, items: &[Id]) -> Result<Id> {
        self.add_run(Kind::List, items)
    }

    /// Adds a set.
    ///
    /// # Errors
    /// `Unhashable` for a list, dict, set or bytearray in it. So it is for frozensets and the keys of dicts.
    pub fn add_set(&mut self, items: &[Id]) -> Result<Id> {
        self.check_hashable(items)?;
        self.add_run(Kind::Set, items)
    }

    /// Adds a frozenset.
    pub fn add_frozenset(&mut self, items: &[Id]) -> Result<Id> {
        self.check_hashable(items)?;
        self.add_run(Kind::FrozenSet, items)
    }

    /// Adds a dict.
    pub fn add_dict(&mut self, pairs: &[(Id, Id)]) -> Result<Id> {
        let ids: Vec<Id> = pairs.iter().flat_map(|(key, value)| [*key, *value]).collect();
        self.check_hashable(ids.iter().step_by(2))?;
        self.add_run(Kind::Dict, &ids)
    }

    /// Adds a class, function or other thing by name.
    pub fn add_global(&mut self, module: &str, name: &str) -> Result<Id> {
        let index = self.intern_global(module, name)?;
        self.push_slot(Slot { low: index, ..Slot::plain(Kind::Global, 0) })
    }

    /// Adds a global by its extension code.
    ///
    /// # Errors
    /// `InvalidArgument` for a code that is not between 1 and 2^31 - 1.
    pub fn add_extension(&mut self, code: u32) -> Result<Id> {
        if code == 0 || i32::try_from(code).is_err() {
            let problem = format!("extension code {code} is not between 1 and 2147483647");
            return Err(ErrorKind::InvalidArgument { opcode: "EXT4", problem }.into());
        }
        self.push_slot(Slot { low: code, ..Slot::plain(Kind::Extension, 0) })
    }

    /// Adds a value kept outside, by its id, which is itself a value.
    pub fn add_persistent(&mut self, id: Id) -> Result<Id> {
        self.again = Again::Unknown;
        self.push_slot(Slot::persistent(id))
    }

    /// Adds an object or call. `args` is a tuple, `kwargs` a dict (for [`Made::NewEx`] alone).
    ///
    /// # Errors
    /// `WrongType` if `args` or `kwargs` are anything else.
    pub fn add_object(&mut self, made: Made, class: Id, args: Id, kwargs: Option<Id>) -> Result<Id> {
        self.again = Again::Unknown;
        self.expect(args, Kind::Tuple, "a tuple of arguments")?;
        match (made, kwargs) {
            (Made::NewEx, Some(kwargs)) => self.expect(kwargs, Kind::Dict, "a dict of keyword arguments")?,
            (Made::NewEx, None) => return Err(Error::message("an object made with NEWOBJ_EX needs a dict of kwargs")),
            (_, Some(_)) => return Err(Error::message("only objects made with NEWOBJ_EX have kwargs")),
            (_, None) => {}
        }
        let index = u32::try_from(self.objects.len()).map_err(|_| arena::full())?;
        self.objects.push(ObjectData { made, class, args, kwargs, state: None });
        self.push_slot(Slot { low: index, ..Slot::plain(Kind::Object, 0) })
    }

    /// Takes note of something done to a value after it was made: a state, items appended or set.
    ///
    /// # Errors
    /// `WrongType` if `target` is a builtin value, to which nothing of the kind can be done; `append`, `set_item` and
    /// `add_items` are for lists, dicts and sets. A message for a key without a value, and for other than one state.
    pub fn add_step(&mut self, target: Id, kind: StepKind, ids: &[Id]) -> Result<()> {
        self.again = Again::Unknown;
        match kind {
            StepKind::Build if ids.len() != 1 => {
                return Err(Error::message(format!("{} states where one belongs", ids.len())));
            }
            StepKind::SetItems if ids.len() % 2 == 1 => {
                return Err(Error::message("a key without a value"));
            }
            _ => {}
        }
        let slot = self.slot(target);
        match slot.kind {
            Kind::Object if kind == StepKind::Build && !self.steps.contains_key(&target) => {
                let data = &mut self.objects[slot.low as usize];
                if let ([state], None) = (ids, data.state) {
                    data.state = Some(*state);
                    return Ok(());
                }
            }
            Kind::Object | Kind::Global | Kind::Extension | Kind::Persistent | Kind::Buffer => {}
            _ => return Err(self.wrong("an object", target)),
        }
        self.push_step(target, kind, ids);
        Ok(())
    }

    pub(crate) fn push_step(&mut self, target: Id, kind: StepKind, ids: &[Id]) {
        let slot = self.slot(target);
        let steps = self.steps.entry(target).or_default();
        if slot.kind == Kind::Object {
            let data = &mut self.objects[slot.low as usize];
            match data.state {
                // A state that came first was kept in the object alone.
                Some(state) if steps.is_empty() => steps.push(Step { kind: StepKind::Build, ids: vec![state] }),
                None if kind == StepKind::Build => data.state = ids.first().copied(),
                _ => {}
            }
        }
        match steps.last_mut() {
            Some(last) if last.kind == kind && kind != StepKind::Build => last.ids.extend_from_slice(ids),
            _ => steps.push(Step { kind, ids: ids.to_vec() }),
        }
    }

    /// Appends to a list.
    ///
    /// # Errors
    /// `WrongType` if it is none.
    pub fn append(&mut self, list: Id, items: &[Id]) -> Result<()> {
        self.again = Again::Unknown;
        self.expect(list, Kind::List, "list")?;
        self.extend_run(list, items)
    }

    /// Sets one item of a dict. A key that is there already is set once more.
    ///
    /// # Errors
    /// `WrongType` if it is none, `Unhashable` for the key.
    pub fn set_item(&mut self, dict: Id, key: Id, value: Id) -> Result<()> {
        self.again = Again::Unknown;
        self.expect(dict, Kind::Dict, "dict")?;
        self.check_hashable(&[key])?;
        self.extend_run(dict, &[key, value])
    }

    /// Adds to a set.
    ///
    /// # Errors
    /// `WrongType` if it is none, `Unhashable` for an item.
    pub fn add_items(&mut self, set: Id, items: &[Id]) -> Result<()> {
        self.again = Again::Unknown;
        self.expect(set, Kind::Set, "set")?;
        self.check_hashable(items)?;
        self.extend_run(set, items)
    }

    /// Puts other items into a tuple or frozenset: as many as it has. So a tuple can be made before what it holds.
    ///
    /// # Errors
    /// `WrongType` if it is neither; a message if the counts differ.
    pub fn replace_items(&mut self, container: Id, items: &[Id]) -> Result<()> {
        self.again = Again::Unknown;
        let slot = self.slot(container);
        if !matches!(slot.kind, Kind::Tuple | Kind::FrozenSet | Kind::List) {
            return Err(self.wrong("tuple, frozenset or list", container));
        }
        if slot.low as usize != items.len() {
            return Err(Error::message(format!("{} items in place of {}", items.len(), slot.low)));
        }
        self.run_mut(slot).copy_from_slice(items);
        self.mark_hashable(container);
        Ok(())
    }

    /// Takes note of a call or global that the pickle makes and drops; `below` is what lies under it on the stack.
    pub fn add_dropped(&mut self, value: Id, below: Option<Id>) {
        self.again = Again::Unknown;
        self.dropped.push(Dropped { value, below });
    }

    /// Sets the values of the pickles.
    pub fn set_roots(&mut self, roots: Vec<Id>) {
        self.again = Again::Unknown;
        self.roots = roots;
    }

    /// Sets the protocol that the graph is said to come from.
    pub fn set_protocol(&mut self, protocol: u8) {
        self.protocol = protocol;
    }

    fn add_run(&mut self, kind: Kind, ids: &[Id]) -> Result<Id> {
        self.again = Again::Unknown;
        let slot = self.run_slot(kind, ids)?;
        let id = self.push_slot(slot)?;
        self.mark_hashable(id);
        Ok(id)
    }

    fn mark_hashable(&mut self, id: Id) {
        let slot = self.slot(id);
        if slot.kind == Kind::Tuple {
            let hashable = self.run(slot).iter().all(|item| self.is_hashable(*item));
            let flags = if hashable { slot.flags & !arena::UNHASHABLE } else { slot.flags | arena::UNHASHABLE };
            self.slots[id.index()].flags = flags;
        }
    }

    fn expect(&self, id: Id, kind: Kind, expected: &'static str) -> Result<()> {
        if self.slot(id).kind == kind { Ok(()) } else { Err(self.wrong(expected, id)) }
    }

    #[cold]
    fn wrong(&self, expected: &'static str, found: Id) -> Error {
        ErrorKind::WrongType { expected, found: self.value(found).type_name() }.into()
    }

    /// Whether a value can be a dict key or set element: no list, dict, set or bytearray, nor a tuple with one in it.
    #[inline]
    pub(crate) fn is_hashable(&self, id: Id) -> bool {
        let slot = self.slot(id);
        match slot.kind {
            Kind::List | Kind::Dict | Kind::Set | Kind::ByteArray => false,
            Kind::Tuple => slot.flags & arena::UNHASHABLE == 0,
            _ => true,
        }
    }

    #[inline]
    pub(crate) fn check_hashable<'i>(&self, ids: impl IntoIterator<Item = &'i Id>) -> Result<()> {
        match ids.into_iter().find(|id| !self.is_hashable(**id)) {
            None => Ok(()),
            Some(id) => Err(ErrorKind::Unhashable { found: self.value(*id).type_name() }.into()),
        }
    }
}
