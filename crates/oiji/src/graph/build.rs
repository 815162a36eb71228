//! From a machine to a graph: the builder that keeps everything a pickle says, as inert values.
//!
//! It refuses what the real unpickler refuses for values of builtin types; calls and objects are believed.

use std::borrow::Cow;

use crate::error::{ErrorKind, Result};
use crate::global::Extensions;
use crate::graph::again::{Again, Bits};
use crate::graph::arena::{self, Dropped, Graph, Id, Kind, Made, ObjectData, Slot, StepKind};
use crate::graph::fold::{self, NewObject};
use crate::graph::guard::Guard;
use crate::graph::read::{Py2Strings, ReadOptions};
use crate::machine::{Builder, swift::Swift};
use crate::op::number::Integer;
use crate::op::text::{self, Utf8};
use crate::source::Chunk;

/// Makes a [`Graph`] as a machine asks.
///
/// Most callers want [`ReadOptions`]; this is for those who run the [`Machine`](crate::machine::Machine) themselves, as in
/// the example there.
pub struct GraphBuilder<'a> {
    graph: Graph<'a>,
    /// Buffers given by the caller; without them buffers stay nodes.
    buffers_given: bool,
    py2_strings: Py2Strings,
    extensions: Extensions,
    fold: bool,
    /// Every value gets a place in the arena, so that its offset can be found.
    placed: bool,
    /// What is refused that a policy does not allow.
    guard: Option<Guard>,
    /// Whether states are refused that some readers ignore and others do not.
    strict: bool,
}

impl<'a> GraphBuilder<'a> {
    /// A builder for pickles in `input`; text that is part of it is borrowed.
    pub fn new(input: &'a [u8], options: &ReadOptions<'a>) -> Self {
        // Where nothing can be borrowed, an input of our own is made of the floats: half the size of slots.
        let is_made = input.is_empty() && !options.placed;
        let graph = Graph {
            input: if is_made { Cow::Owned(Vec::new()) } else { Cow::Borrowed(input) },
            buffers: options.buffers.iter().flatten().cloned().map(Some).collect(),
            again: Again::Known(Bits::default()),
            ..Graph::default()
        };
        GraphBuilder {
            graph,
            buffers_given: options.buffers.is_some(),
            py2_strings: options.py2_strings,
            extensions: options.extensions.clone(),
            fold: !options.exact,
            placed: options.placed,
            guard: options.policy.clone().map(Guard::new),
            strict: options.strict,
        }
    }

    /// The graph with these roots, one for each pickle read.
    pub fn finish(mut self, roots: Vec<Id>) -> Graph<'a> {
        self.graph.roots = roots;
        self.graph
    }

    /// The graph as it stands, without roots.
    pub fn graph(&self) -> &Graph<'a> {
        &self.graph
    }

    pub(crate) fn graph_mut(&mut self) -> &mut Graph<'a> {
        &mut self.graph
    }

    #[inline]
    fn kind(&self, id: Id) -> Kind {
        self.graph.slot(id).kind
    }

    /// The name of a value's type, for messages.
    fn type_name(&self, id: Id) -> &'static str {
        self.graph.value(id).type_name()
    }

    #[cold]
    fn wrong_type(&self, expected: &'static str, found: Id) -> crate::Error {
        ErrorKind::WrongType { expected, found: self.type_name(found) }.into()
    }

    fn is_open(&self, id: Id) -> bool {
        self.kind(id).is_open()
    }

    fn text(&mut self, text: Chunk<'_, 'a>) -> Result<Id> {
        let flags = match text::check_utf8(&text)? {
            Utf8::Valid => 0,
            Utf8::Surrogates => arena::SURROGATES,
        };
        let mut slot = self.graph.span_slot(Kind::Str, text);
        slot.flags |= flags;
        self.graph.push_slot(slot)
    }

    fn span(&mut self, kind: Kind, bytes: Chunk<'_, 'a>) -> Result<Id> {
        let slot = self.graph.span_slot(kind, bytes);
        self.graph.push_slot(slot)
    }

    fn run(&mut self, kind: Kind, ids: &[Id]) -> Result<Id> {
        let slot = self.graph.run_slot(kind, ids)?;
        self.graph.push_slot(slot)
    }

    fn make(&mut self, made: Made, class: Id, args: Id, kwargs: Option<Id>) -> Result<Id> {
        if !self.is_open(class) {
            return Err(self.wrong_type("a class or callable", class));
        }
        let index = u32::try_from(self.graph.objects.len()).map_err(|_| arena::full())?;
        self.graph.objects.push(ObjectData { made, class, args, kwargs, state: None });
        self.graph.push_slot(Slot { low: index, ..Slot::plain(Kind::Object, 0) })
    }

    /// Sets items of a list or bytearray as Python does: by int or bool, counted from the end where negative.
    fn set_positions(&mut self, target: Id, pairs: &[Id]) -> Result<()> {
        for pair in pairs.chunks_exact(2) {
            let slot = self.graph.slot(target);
            let len = if slot.kind == Kind::List { self.graph.run(slot).len() } else { slot.span_len() };
            let index = self.position(pair[0], len)?;
            if slot.kind == Kind::List {
                self.graph.run_mut(slot)[index] = pair[1];
                continue;
            }
            let byte = self.byte(pair[1])?;
            self.graph.bytearray_mut(target)[index] = byte;
        }
        Ok(())
    }

    fn position(&self, key: Id, len: usize) -> Result<usize> {
        let slot = self.graph.slot(key);
        if !matches!(slot.kind, Kind::Int | Kind::Bool) {
            return Err(self.wrong_type("an int as list index", key));
        }
        let index = slot.data as i64;
        let index = if index < 0 { index + len as i64 } else { index };
        match usize::try_from(index) {
            Ok(index) if index < len => Ok(index),
            _ => Err(crate::Error::message(format!("list index {index} out of range"))),
        }
    }

    fn byte(&self, value: Id) -> Result<u8> {
        let slot = self.graph.slot(value);
        match (slot.kind, u8::try_from(slot.data as i64)) {
            (Kind::Int | Kind::Bool, Ok(byte)) => Ok(byte),
            _ => Err(self.wrong_type("an int from 0 to 255", value)),
        }
    }

    /// The value that a call only stands for.
    fn folded(&mut self, callable: Id, args: Id) -> Result<Option<Id>> {
        if self.kind(callable) == Kind::Global
            && let Some(slot) = fold::fold(&mut self.graph, callable, args)?
        {
            return self.graph.push_slot(slot).map(Some);
        }
        let (class, args, kwargs) = match fold::new_object(&self.graph, callable, args) {
            None => return Ok(None),
            Some(NewObject::Keywords { class, args, kwargs }) => (class, args, Some(kwargs)),
            Some(NewObject::Positional { class }) => (class, self.rest(args)?, None),
            Some(NewObject::Partial { args, kwargs }) => {
                let class = self.graph.run(self.graph.slot(args))[0];
                (class, self.rest(args)?, Some(kwargs))
            }
        };
        let made = if kwargs.is_some() { Made::NewEx } else { Made::New };
        self.make(made, class, args, kwargs).map(Some)
    }

    /// A tuple of all items of another but the first.
    fn rest(&mut self, tuple: Id) -> Result<Id> {
        let rest = self.graph.run(self.graph.slot(tuple))[1..].to_vec();
        self.tuple(&rest)
    }

    /// What `BUILD` may give to a value of a builtin type, which has no `__dict__`: nothing.
    fn check_no_state(&self, object: Id, state: Id) -> Result<()> {
        let is_none = |id: Id| self.kind(id) == Kind::None;
        let slot = self.graph.slot(state);
        let nothing = match (slot.kind, self.graph_children(slot)) {
            (Kind::Tuple, [dict, slots]) => {
                let slots = self.graph.slot(*slots);
                is_none(*dict) && slots.kind == Kind::Dict && slots.low == 0
            }
            _ => is_none(state),
        };
        if nothing { Ok(()) } else { Err(self.wrong_type("an object that takes a state", object)) }
    }

    /// Takes note of items that an object is given, unless there are none.
    fn push_items(&mut self, object: Id, kind: StepKind, items: &[Id]) {
        if !items.is_empty() {
            self.graph.push_step(object, kind, items);
        }
    }

    /// Whether a state is one that `pickle.py` ignores, as false, and `_pickle` refuses.
    fn is_empty_state(&self, state: Id) -> bool {
        let slot = self.graph.slot(state);
        match slot.kind {
            Kind::Tuple | Kind::List | Kind::Set | Kind::FrozenSet => self.graph.run(slot).is_empty(),
            Kind::Int | Kind::Bool => slot.data == 0,
            _ => false,
        }
    }

    fn graph_children(&self, slot: Slot) -> &[Id] {
        if slot.kind == Kind::Tuple { self.graph.run(slot) } else { &[] }
    }
}

impl<'a> Swift<'a> for GraphBuilder<'a> {
    #[inline]
    fn copied_str(&mut self, text: &[u8]) -> Result<Id> {
        let flags = match text::check_utf8(text)? {
            Utf8::Valid => 0,
            Utf8::Surrogates => arena::SURROGATES,
        };
        let slot = self.graph.owned_slot(Kind::Str, text);
        self.graph.push_slot(Slot { flags: slot.flags | flags, ..slot })
    }

    fn copied_py2_str(&mut self, bytes: &[u8]) -> Result<Id> {
        match self.py2_strings {
            Py2Strings::Keep => {
                let slot = self.graph.owned_slot(Kind::Py2Str, bytes);
                self.graph.push_slot(slot)
            }
            Py2Strings::Decode(..) => self.py2_str(Chunk::Scratch(&mut bytes.to_vec())),
        }
    }

    #[inline]
    fn float_at(&mut self, offset: usize, value: f64) -> Result<Id> {
        match Id::float_at(offset) {
            Some(id) if !self.placed => Ok(id),
            _ => self.graph.push_slot(Slot::plain(Kind::Float, value.to_bits())),
        }
    }
}

impl<'a> Builder<'a> for GraphBuilder<'a> {
    type Value = Id;

    #[inline]
    fn none(&mut self) -> Result<Id> {
        if self.placed { self.graph.push_slot(Slot::plain(Kind::None, 0)) } else { Ok(Id::NONE) }
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<Id> {
        if self.placed { self.graph.push_slot(Slot::plain(Kind::Bool, u64::from(value))) } else { Ok(Id::bool(value)) }
    }

    #[inline]
    fn int(&mut self, value: Integer<'_>) -> Result<Id> {
        let slot = match value {
            Integer::Small(value) => match Id::int(value) {
                Some(id) if !self.placed => return Ok(id),
                _ => Slot::plain(Kind::Int, value as u64),
            },
            Integer::Big(bytes) => self.graph.owned_slot(Kind::BigInt, &bytes),
        };
        self.graph.push_slot(slot)
    }

    #[inline]
    fn float(&mut self, value: f64) -> Result<Id> {
        if let Cow::Owned(floats) = &mut self.graph.input
            && let Some(id) = Id::float_at(floats.len())
        {
            floats.extend_from_slice(&value.to_be_bytes());
            return Ok(id);
        }
        self.graph.push_slot(Slot::plain(Kind::Float, value.to_bits()))
    }

    #[inline]
    fn str(&mut self, text: Chunk<'_, 'a>) -> Result<Id> {
        self.text(text)
    }

    fn py2_str(&mut self, bytes: Chunk<'_, 'a>) -> Result<Id> {
        let Py2Strings::Decode(encoding, errors) = self.py2_strings else {
            return self.span(Kind::Py2Str, bytes);
        };
        match text::decode_py2(&bytes, encoding, errors)? {
            None => self.span(Kind::Bytes, bytes),
            Some(Cow::Borrowed(same)) if same.len() == bytes.len() => self.text(bytes),
            Some(decoded) => {
                let mut decoded = decoded.into_owned();
                self.text(Chunk::Scratch(&mut decoded))
            }
        }
    }

    #[inline]
    fn bytes(&mut self, bytes: Chunk<'_, 'a>) -> Result<Id> {
        self.span(Kind::Bytes, bytes)
    }

    fn bytearray(&mut self, bytes: Chunk<'_, 'a>) -> Result<Id> {
        self.span(Kind::ByteArray, bytes)
    }

    fn buffer(&mut self) -> Result<Id> {
        let index = self.graph.buffer_count;
        if self.buffers_given && index >= self.graph.buffers.len() as u64 {
            return Err(ErrorKind::MissingBuffer { index }.into());
        }
        self.graph.buffer_count += 1;
        self.graph.push_slot(Slot::plain(Kind::Buffer, index))
    }

    fn read_only(&mut self, buffer: &Id) -> Result<Id> {
        let slot = self.graph.slot(*buffer);
        match slot.kind {
            Kind::Buffer => self.graph.push_slot(Slot { flags: slot.flags | arena::READ_ONLY, ..slot }),
            Kind::Bytes => Ok(*buffer),
            _ if self.is_open(*buffer) => Ok(*buffer),
            _ => Err(self.wrong_type("a buffer", *buffer)),
        }
    }

    #[inline]
    fn tuple(&mut self, items: &[Id]) -> Result<Id> {
        let mut slot = self.graph.run_slot(Kind::Tuple, items)?;
        // Known once and for all here, so that nested tuples need no walk when one becomes a key.
        if !items.iter().all(|id| self.graph.is_hashable(*id)) {
            slot.flags |= arena::UNHASHABLE;
        }
        self.graph.push_slot(slot)
    }

    #[inline]
    fn list(&mut self, items: &[Id]) -> Result<Id> {
        self.run(Kind::List, items)
    }

    #[inline]
    fn dict(&mut self, pairs: &[Id]) -> Result<Id> {
        self.graph.check_hashable(pairs.iter().step_by(2))?;
        let dict = self.run(Kind::Dict, pairs)?;
        if let Some(guard) = &mut self.guard {
            guard.keyed(&self.graph, dict, pairs);
        }
        Ok(dict)
    }

    fn set(&mut self) -> Result<Id> {
        self.run(Kind::Set, &[])
    }

    fn frozenset(&mut self, items: &[Id]) -> Result<Id> {
        self.graph.check_hashable(items)?;
        self.run(Kind::FrozenSet, items)
    }

    #[inline]
    fn append(&mut self, list: &Id, items: &[Id]) -> Result<()> {
        match self.kind(*list) {
            Kind::List => self.graph.extend_run(*list, items),
            Kind::ByteArray => {
                for item in items {
                    let byte = self.byte(*item)?;
                    self.graph.bytearray_mut(*list).push(byte);
                }
                self.graph.blob_grown(*list);
                Ok(())
            }
            _ if self.is_open(*list) => {
                if let Some(guard) = &self.guard {
                    guard.items(&self.graph, *list)?;
                }
                self.push_items(*list, StepKind::Append, items);
                Ok(())
            }
            _ => Err(self.wrong_type("a list", *list)),
        }
    }

    #[inline]
    fn set_items(&mut self, dict: &Id, pairs: &[Id]) -> Result<()> {
        match self.kind(*dict) {
            Kind::Dict => {
                self.graph.check_hashable(pairs.iter().step_by(2))?;
                if let Some(guard) = &mut self.guard {
                    guard.keyed(&self.graph, *dict, pairs);
                }
                self.graph.extend_run(*dict, pairs)
            }
            Kind::List | Kind::ByteArray => self.set_positions(*dict, pairs),
            _ if self.is_open(*dict) => {
                if let Some(guard) = &self.guard {
                    guard.items(&self.graph, *dict)?;
                }
                self.push_items(*dict, StepKind::SetItems, pairs);
                Ok(())
            }
            _ => Err(self.wrong_type("a dict", *dict)),
        }
    }

    fn add_items(&mut self, set: &Id, items: &[Id]) -> Result<()> {
        match self.kind(*set) {
            Kind::Set => {
                self.graph.check_hashable(items)?;
                self.graph.extend_run(*set, items)
            }
            _ if self.is_open(*set) => {
                if let Some(guard) = &self.guard {
                    guard.items(&self.graph, *set)?;
                }
                self.push_items(*set, StepKind::Add, items);
                Ok(())
            }
            _ => Err(self.wrong_type("a set", *set)),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<Id> {
        let index = self.graph.intern_global(module, name)?;
        if let Some(guard) = &mut self.guard {
            guard.named(&self.graph, index);
        }
        self.graph.push_slot(Slot { low: index, ..Slot::plain(Kind::Global, 0) })
    }

    fn name(&self, value: &Id) -> Result<String> {
        let slot = self.graph.slot(*value);
        match (slot.kind, std::str::from_utf8(self.graph_span(slot))) {
            (Kind::Str | Kind::Py2Str, Ok(name)) => Ok(name.to_owned()),
            (Kind::Str | Kind::Py2Str, Err(_)) => {
                let problem = "a module or name with surrogates or 8-bit bytes".to_owned();
                Err(ErrorKind::InvalidText { expected: "name", problem }.into())
            }
            _ => Err(self.wrong_type("a str as module or name", *value)),
        }
    }

    fn extension(&mut self, code: u32) -> Result<Id> {
        if let Some(guard) = &self.guard {
            guard.extension(code)?;
        }
        if let Some((module, name)) = self.extensions.name(code) {
            let index = self.graph.intern_global(module, name)?;
            return self.graph.push_slot(Slot { low: index, ..Slot::plain(Kind::Global, 0) });
        }
        self.graph.push_slot(Slot { low: code, ..Slot::plain(Kind::Extension, 0) })
    }

    fn persistent(&mut self, id: &Id) -> Result<Id> {
        self.graph.push_slot(Slot::persistent(*id))
    }

    fn reduce(&mut self, callable: &Id, args: &Id) -> Result<Id> {
        if self.kind(*args) != Kind::Tuple {
            return Err(self.wrong_type("a tuple of arguments", *args));
        }
        if let Some(guard) = &mut self.guard {
            guard.call(&self.graph, *callable, self.graph.run(self.graph.slot(*args)), false)?;
        }
        if self.fold
            && matches!(self.kind(*callable), Kind::Global | Kind::Object)
            && let Some(folded) = self.folded(*callable, *args)?
        {
            // What the call held may now be held twice, by it and by the value.
            self.graph.again = Again::Unknown;
            if let (Some(guard), Kind::Global) = (&mut self.guard, self.graph.slot(folded).kind) {
                guard.named(&self.graph, self.graph.slot(folded).low);
            }
            return Ok(folded);
        }
        self.make(Made::Call, *callable, *args, None)
    }

    fn instance(&mut self, class: &Id, args: &[Id]) -> Result<Id> {
        if let Some(guard) = &mut self.guard {
            guard.call(&self.graph, *class, args, false)?;
        }
        let args = self.tuple(args)?;
        self.make(Made::Instance, *class, args, None)
    }

    #[inline]
    fn object(&mut self, class: &Id, args: &Id, kwargs: Option<&Id>) -> Result<Id> {
        if self.kind(*args) != Kind::Tuple {
            return Err(self.wrong_type("a tuple of arguments", *args));
        }
        if let Some(guard) = &mut self.guard {
            guard.call(&self.graph, *class, self.graph.run(self.graph.slot(*args)), true)?;
        }
        let Some(kwargs) = kwargs else {
            return self.make(Made::New, *class, *args, None);
        };
        if self.kind(*kwargs) != Kind::Dict {
            return Err(self.wrong_type("a dict of keyword arguments", *kwargs));
        }
        self.make(Made::NewEx, *class, *args, Some(*kwargs))
    }

    #[inline]
    fn build(&mut self, object: &Id, state: &Id) -> Result<()> {
        if self.strict && self.is_empty_state(*state) {
            return Err(ErrorKind::Ambiguous { what: "a state that is empty and no dict" }.into());
        }
        if let Some(guard) = &self.guard {
            guard.state(&self.graph, *object, *state)?;
        }
        let slot = self.graph.slot(*object);
        if slot.kind != Kind::Object {
            if !self.is_open(*object) {
                return self.check_no_state(*object, *state);
            }
            self.graph.push_step(*object, StepKind::Build, &[*state]);
            return Ok(());
        }
        let data = &mut self.graph.objects[slot.low as usize];
        if data.state.is_none() && !self.graph.steps.contains_key(object) {
            data.state = Some(*state);
        } else {
            // Once there are other steps their order is told by them alone.
            self.graph.push_step(*object, StepKind::Build, &[*state]);
        }
        Ok(())
    }

    #[inline]
    fn again(&mut self, value: &Id) {
        let kind = self.kind(*value);
        self.graph.again.note(*value, kind);
    }

    fn dropped(&mut self, value: &Id, below: Option<&Id>) {
        // A dropped atom has done nothing.
        if matches!(self.kind(*value), Kind::Object | Kind::Global | Kind::Extension | Kind::Persistent) {
            self.graph.dropped.push(Dropped { value: *value, below: below.copied() });
        }
    }
}

impl GraphBuilder<'_> {
    fn graph_span(&self, slot: Slot) -> &[u8] {
        match slot.kind {
            Kind::Str | Kind::Py2Str => self.graph.span(slot),
            _ => &[],
        }
    }
}
