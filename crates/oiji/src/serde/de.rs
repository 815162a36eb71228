//! From graphs to Rust types: a serde `Deserializer` over values.
//!
//! Objects are read by what they hold: their state, else their items, else their arguments, whatever the class. Shared
//! values are read again wherever they are met, within `Limits`; a value inside itself is an error.

use std::cell::{Cell, RefCell};

use serde::de::{self, DeserializeSeed, Deserializer as _, IntoDeserializer, SeqAccess as _, Visitor};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::arena::{Graph, IN_INPUT, Id, Kind, PLACE};
use crate::graph::{BigIntRef, Copies, Items, Node, Object, Pairs, StepKind, Value};
use crate::limits::Limits;
use crate::serde::asked::{self, Asked};

/// What one read of a graph shares: what may still be spent, and the containers being read.
pub(crate) struct Context<L> {
    loan: L,
    /// Containers on the way from the root to the value being read.
    open: RefCell<Vec<Id>>,
    visits: Cell<u64>,
    copies: Copies,
    limits: Limits,
}

/// Which bytes of a graph outlive it, so that `&str` and `&[u8]` can be read.
pub(crate) trait Loan<'de> {
    /// The bytes of a value for `'de`, if they may be lent that long.
    fn lend(&self, value: Value<'_>) -> Option<&'de [u8]>;
}

/// Lends what is part of the input.
pub(crate) struct FromInput<'de>(pub(crate) &'de [u8]);

/// Lends everything: the graph itself lives long enough.
pub(crate) struct FromGraph<'de>(pub(crate) &'de Graph<'de>);

/// Lends nothing.
pub(crate) struct Nothing;

impl<'de> Loan<'de> for FromInput<'de> {
    #[inline]
    fn lend(&self, value: Value<'_>) -> Option<&'de [u8]> {
        let slot = value.graph().slot(value.id());
        let spans = matches!(slot.kind, Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str);
        if !spans || slot.flags & PLACE != IN_INPUT {
            return None;
        }
        let start = slot.data as usize;
        self.0.get(start..start + slot.span_len())
    }
}

impl<'de> Loan<'de> for FromGraph<'de> {
    fn lend(&self, value: Value<'_>) -> Option<&'de [u8]> {
        match self.0.value(value.id()).node() {
            Node::Str(text) => Some(text.as_bytes()),
            Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<'de> Loan<'de> for Nothing {
    fn lend(&self, _value: Value<'_>) -> Option<&'de [u8]> {
        None
    }
}

impl<L> Context<L> {
    pub(crate) fn new(loan: L, graph: &Graph<'_>, limits: Limits) -> Self {
        let copies = Copies::new(graph, &limits);
        Context { loan, open: RefCell::default(), visits: Cell::new(0), copies, limits }
    }

    /// Goes into a container, unless it is being read already or too much was read.
    fn enter(&self, value: Value<'_>) -> Result<()> {
        let mut open = self.open.borrow_mut();
        if open.contains(&value.id()) {
            let message = format!("a {} that contains itself cannot be read into a Rust value", value.type_name());
            return Err(Error::message(message).at_value(value.id().index()));
        }
        if open.len() as u64 >= self.limits.recursion {
            return Err(ErrorKind::Limit { limit: "recursion", allowed: self.limits.recursion }.into());
        }
        let visits = self.visits.get() + 1;
        // Every value may be visited once for nothing; what counts is the unfolding of shared ones.
        if visits > self.limits.visits.saturating_add(value.graph().value_count() as u64) {
            return Err(ErrorKind::Limit { limit: "visits", allowed: self.limits.visits }.into());
        }
        self.visits.set(visits);
        open.push(value.id());
        Ok(())
    }

    fn leave(&self) {
        self.open.borrow_mut().pop();
    }
}

/// A value of a graph, as serde's `Deserializer`.
pub(crate) struct ValueDeserializer<'c, 'g, L> {
    pub(crate) value: Value<'g>,
    pub(crate) context: &'c Context<L>,
}

impl<L> Clone for ValueDeserializer<'_, '_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for ValueDeserializer<'_, '_, L> {}

/// What a container is read as.
enum Shape<'g> {
    Seq(Vec<Items<'g>>),
    Map(Vec<Pairs<'g>>),
    /// Another value stands for it: the single argument of a call, a state that is no dict.
    Other(Value<'g>),
}

impl<'c, 'g, 'de, L: Loan<'de>> ValueDeserializer<'c, 'g, L> {
    fn of(self, value: Value<'g>) -> Self {
        ValueDeserializer { value, context: self.context }
    }

    /// The error that serde gives for a value of the wrong type.
    #[cold]
    fn wrong(self, expected: &dyn de::Expected) -> Error {
        Error::message(format!("expected {expected}, found {}", self.value.type_name()))
            .at_value(self.value.id().index())
    }

    /// Whether the value is of the class that a type of this name asks for, if it asks for one.
    #[inline]
    fn check_class(self, name: &'static str) -> Result<()> {
        match Asked::by(name) {
            Some(asked) if !asked.is_class_of(self.value) => Err(self.wrong_class(asked)),
            _ => Ok(()),
        }
    }

    #[cold]
    fn wrong_class(self, asked: Asked) -> Error {
        let Asked { module, name } = asked;
        Error::message(format!("expected an instance of {module}.{name}, found {}", asked::found(self.value)))
            .at_value(self.value.id().index())
    }

    #[cold]
    fn too_many(self, expected: usize, found: usize) -> Error {
        Error::message(format!("expected {expected} items, found {found}")).at_value(self.value.id().index())
    }

    fn placed<T>(self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.at_value(self.value.id().index()))
    }

    fn visit_text<V: Visitor<'de>>(self, bytes: &[u8], visitor: V) -> Result<V::Value> {
        self.context.copies.spend(self.value, &self.context.limits)?;
        let result = match self.context.loan.lend(self.value) {
            Some(lent) => match std::str::from_utf8(lent) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => Err(self.wrong(&visitor)),
            },
            None => match std::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_str(text),
                Err(_) => Err(self.wrong(&visitor)),
            },
        };
        self.placed(result)
    }

    fn visit_raw<V: Visitor<'de>>(self, bytes: &[u8], visitor: V) -> Result<V::Value> {
        self.context.copies.spend(self.value, &self.context.limits)?;
        self.placed(match self.context.loan.lend(self.value) {
            Some(lent) => visitor.visit_borrowed_bytes(lent),
            None => visitor.visit_bytes(bytes),
        })
    }

    fn visit_big_int<V: Visitor<'de>>(self, value: BigIntRef<'_>, visitor: V) -> Result<V::Value> {
        let number = value.to_big_int();
        self.placed(if let Ok(number) = u64::try_from(&number) {
            visitor.visit_u64(number)
        } else if let Ok(number) = i128::try_from(&number) {
            visitor.visit_i128(number)
        } else if let Ok(number) = u128::try_from(&number) {
            visitor.visit_u128(number)
        } else {
            Err(Error::message(format!(
                "expected {}, found an int of more than 128 bits",
                &visitor as &dyn de::Expected
            )))
        })
    }

    fn shape(self, object: Object<'g>) -> Shape<'g> {
        if let Some(state) = state(object) {
            match state.node() {
                Node::Dict(pairs) => return Shape::Map(vec![pairs]),
                Node::Tuple(items) if items.len() == 2 => {
                    let parts: Vec<Node<'_>> = items.iter().map(Value::node).collect();
                    match parts[..] {
                        [Node::Dict(dict), Node::Dict(slots)] => return Shape::Map(vec![dict, slots]),
                        [Node::None, Node::Dict(slots)] => return Shape::Map(vec![slots]),
                        _ => return Shape::Other(state),
                    }
                }
                Node::None => {}
                _ => return Shape::Other(state),
            }
        }
        let runs = |kind| object.steps().filter(move |step| step.kind() == kind);
        if runs(StepKind::SetItems).next().is_some() {
            return Shape::Map(runs(StepKind::SetItems).map(|step| step.pairs()).collect());
        }
        if runs(StepKind::Append).next().is_some() {
            return Shape::Seq(runs(StepKind::Append).map(|step| step.items()).collect());
        }
        if let Some(kwargs) = object.kwargs().and_then(|kwargs| kwargs.pairs().ok()).filter(|pairs| !pairs.is_empty()) {
            return Shape::Map(vec![kwargs]);
        }
        match object.args().items() {
            // Protocols 0 and 1: class, base, and the value of the base, which is None where that is `object`.
            Ok(args) if args.len() == 3 && asked::is_reconstructed(object) => match args.get(2) {
                Some(value) if !value.is_none() => Shape::Other(value),
                _ => Shape::Seq(Vec::new()),
            },
            Ok(args) if args.len() == 1 => match args.get(0) {
                Some(only) => Shape::Other(only),
                None => Shape::Seq(vec![args]),
            },
            Ok(args) => Shape::Seq(vec![args]),
            Err(_) => Shape::Seq(Vec::new()),
        }
    }

    fn visit_seq<V: Visitor<'de>>(self, runs: &[Items<'g>], visitor: V) -> Result<V::Value> {
        self.context.enter(self.value)?;
        let mut access = SeqAccess { of: self, runs, next: 0, done: 0 };
        let result = self.placed(visitor.visit_seq(&mut access));
        let left = access.left();
        self.context.leave();
        let value = result?;
        if left > 0 {
            return Err(self.too_many(access.done, access.done + left));
        }
        Ok(value)
    }

    fn visit_map<V: Visitor<'de>>(self, runs: &[Pairs<'g>], visitor: V) -> Result<V::Value> {
        self.context.enter(self.value)?;
        let mut access = MapAccess { of: self, runs, next: 0, value: None, key: None };
        let result = self.placed(visitor.visit_map(&mut access));
        self.context.leave();
        result
    }

    fn visit_object<V: Visitor<'de>>(self, object: Object<'g>, visitor: V) -> Result<V::Value> {
        match self.shape(object) {
            Shape::Seq(runs) => self.visit_seq(&runs, visitor),
            Shape::Map(runs) => self.visit_map(&runs, visitor),
            Shape::Other(value) => self.within(value, |inner| inner.deserialize_any(visitor)),
        }
    }

    /// Reads `value` in place of this object.
    fn within<T>(self, value: Value<'g>, read: impl FnOnce(Self) -> Result<T>) -> Result<T> {
        self.context.enter(self.value)?;
        let result = read(self.of(value));
        self.context.leave();
        result
    }

    /// The value itself, or what an object of a class like a subclass of `int` stands for.
    fn scalar(self) -> Self {
        let mut found = self;
        // A chain of objects that stand for one another is no honest data.
        for _ in 0..8 {
            let Node::Object(object) = found.value.node() else { break };
            let Shape::Other(value) = found.shape(object) else { break };
            found = self.of(value);
        }
        found
    }
}

/// The first state given to an object.
fn state<'g>(object: Object<'g>) -> Option<Value<'g>> {
    object.steps().find(|step| step.kind() == StepKind::Build)?.items().get(0)
}

/// Whether an object has neither attributes nor items.
fn is_bare(object: Object<'_>) -> bool {
    object.steps().all(|step| step.kind() == StepKind::Build)
        && state(object).is_none_or(|state| state.is_none() || state.pairs().is_ok_and(|pairs| pairs.is_empty()))
}

impl<'c, 'g, 'de, L: Loan<'de>> de::Deserializer<'de> for ValueDeserializer<'c, 'g, L> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value.node() {
            Node::None => self.placed(visitor.visit_unit()),
            Node::Bool(value) => self.placed(visitor.visit_bool(value)),
            Node::Int(value) => self.placed(visitor.visit_i64(value)),
            Node::BigInt(value) => self.visit_big_int(value, visitor),
            Node::Float(value) => self.placed(visitor.visit_f64(value)),
            Node::Str(text) => self.visit_text(text.as_bytes(), visitor),
            // Most strings of Python 2 are text; those that are not can only be bytes.
            Node::Py2Str(bytes) if std::str::from_utf8(bytes).is_ok() => self.visit_text(bytes, visitor),
            Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => self.visit_raw(bytes, visitor),
            Node::Buffer(buffer) => match buffer.bytes() {
                Some(bytes) => self.visit_raw(bytes, visitor),
                None => Err(self.wrong(&visitor)),
            },
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
                self.visit_seq(&[items], visitor)
            }
            Node::Dict(pairs) => self.visit_map(&[pairs], visitor),
            Node::Object(object) => self.visit_object(object, visitor),
            Node::Global(global) => self.placed(visitor.visit_string(global.to_string())),
            Node::Extension(_) | Node::Persistent(_) => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let found = self.scalar();
        match found.value.node() {
            Node::Bool(value) => self.placed(visitor.visit_bool(value)),
            _ => Err(self.wrong(&"bool")),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let found = self.scalar();
        match found.value.node() {
            Node::Int(value) => self.placed(visitor.visit_i64(value)),
            Node::BigInt(value) => self.visit_big_int(value, visitor),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let found = self.scalar();
        match found.value.node() {
            Node::Float(value) => self.placed(visitor.visit_f64(value)),
            Node::Int(value) => self.placed(visitor.visit_f64(value as f64)),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let found = self.scalar();
        match found.value.node() {
            Node::Str(text) => found.visit_text(text.as_bytes(), visitor),
            Node::Py2Str(bytes) => found.visit_text(bytes, visitor),
            Node::Global(global) => self.placed(visitor.visit_string(global.to_string())),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let found = self.scalar();
        match found.value.as_bytes() {
            Ok(bytes) => found.visit_raw(bytes, visitor),
            Err(_) => match found.value.node() {
                Node::Str(text) => found.visit_text(text.as_bytes(), visitor),
                Node::List(_) | Node::Tuple(_) => found.deserialize_seq(visitor),
                _ => Err(self.wrong(&visitor)),
            },
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value.node() {
            Node::None => self.placed(visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value.node() {
            Node::None => self.placed(visitor.visit_unit()),
            Node::Tuple(items) if items.is_empty() => self.placed(visitor.visit_unit()),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.check_class(name)?;
        match self.value.node() {
            // An instance without attributes.
            Node::Object(object) if is_bare(object) => self.placed(visitor.visit_unit()),
            _ => self.deserialize_unit(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.check_class(name)?;
        // Of an instance that was asked for the content is the state, whatever that is: it may be another instance.
        match self.value.node() {
            Node::Object(object) if Asked::by(name).is_some() => match state(object) {
                Some(state) => self.within(state, |inner| visitor.visit_newtype_struct(inner)),
                None => visitor.visit_newtype_struct(self),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value.node() {
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
                self.visit_seq(&[items], visitor)
            }
            Node::Bytes(bytes) | Node::ByteArray(bytes) => {
                let mut access = de::value::SeqDeserializer::new(bytes.iter().copied());
                let value = self.placed(visitor.visit_seq(&mut access))?;
                let left = access.size_hint().unwrap_or(0);
                if left > 0 {
                    return Err(self.too_many(bytes.len() - left, bytes.len()));
                }
                Ok(value)
            }
            Node::Object(object) => match self.shape(object) {
                Shape::Seq(runs) => self.visit_seq(&runs, visitor),
                // `deque([1, 2])`, `array('i', [1, 2])`: a call with a list stands for the list.
                Shape::Other(value) => self.within(value, |inner| inner.deserialize_seq(visitor)),
                Shape::Map(_) => Err(self.wrong(&visitor)),
            },
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.check_class(name)?;
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value.node() {
            Node::Dict(pairs) => self.visit_map(&[pairs], visitor),
            Node::Object(object) => match self.shape(object) {
                Shape::Map(runs) => self.visit_map(&runs, visitor),
                Shape::Other(value) => self.within(value, |inner| inner.deserialize_map(visitor)),
                // An instance without attributes, an OrderedDict without items.
                Shape::Seq(runs) if runs.iter().all(|run| run.is_empty()) => self.visit_map(&[], visitor),
                Shape::Seq(_) => Err(self.wrong(&visitor)),
            },
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.check_class(name)?;
        match self.value.node() {
            Node::Tuple(_) | Node::List(_) => self.deserialize_seq(visitor),
            // A named tuple, a state that is a tuple: fields in order.
            Node::Object(object) => match self.shape(object) {
                Shape::Seq(runs) if runs.iter().any(|run| !run.is_empty()) => self.visit_seq(&runs, visitor),
                Shape::Other(value) if matches!(value.node(), Node::Tuple(_) | Node::List(_)) => {
                    self.within(value, |inner| inner.deserialize_seq(visitor))
                }
                _ => self.deserialize_map(visitor),
            },
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let found = self.scalar();
        match found.value.node() {
            Node::Str(_) | Node::Py2Str(_) | Node::Int(_) | Node::Global(_) => {
                self.placed(visitor.visit_enum(EnumAccess { variant: found, content: None }))
            }
            Node::Dict(pairs) if pairs.len() == 1 => match pairs.nth(0) {
                Some((key, content)) => {
                    self.context.enter(found.value)?;
                    let access = EnumAccess { variant: self.of(key), content: Some(self.of(content)) };
                    let result = self.placed(visitor.visit_enum(access));
                    self.context.leave();
                    result
                }
                None => Err(self.wrong(&visitor)),
            },
            _ => Err(Error::message(format!(
                "expected {} (a str, or a dict of one item), found {}",
                &visitor as &dyn de::Expected,
                self.value.type_name()
            ))
            .at_value(self.value.id().index())),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value.node() {
            Node::Global(global) => self.placed(visitor.visit_str(global.name())),
            Node::Int(value) if value >= 0 => self.placed(visitor.visit_u64(value as u64)),
            // Keys of other types are fields that no struct has.
            Node::Str(_) | Node::Py2Str(_) | Node::Bytes(_) => self.deserialize_any(visitor),
            _ => self.placed(visitor.visit_str("")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.placed(visitor.visit_unit())
    }
}

impl<'c, 'g, 'de, L: Loan<'de>> IntoDeserializer<'de, Error> for ValueDeserializer<'c, 'g, L> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct SeqAccess<'r, 'c, 'g, L> {
    of: ValueDeserializer<'c, 'g, L>,
    runs: &'r [Items<'g>],
    /// The next item of the first run.
    next: usize,
    /// How many items were taken in all.
    done: usize,
}

impl<L> SeqAccess<'_, '_, '_, L> {
    fn left(&self) -> usize {
        self.runs.iter().map(|run| run.len()).sum::<usize>() - self.next
    }
}

impl<'de, L: Loan<'de>> de::SeqAccess<'de> for &mut SeqAccess<'_, '_, '_, L> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        loop {
            let Some((run, rest)) = self.runs.split_first() else {
                return Ok(None);
            };
            let Some(value) = run.get(self.next) else {
                self.runs = rest;
                self.next = 0;
                continue;
            };
            let index = self.done;
            self.next += 1;
            self.done += 1;
            return match seed.deserialize(self.of.of(value)) {
                Ok(made) => Ok(Some(made)),
                // A type may refuse what it was given without a visitor.
                Err(error) => Err(error.at_value(value.id().index()).inside(&format_args!("[{index}]"))),
            };
        }
    }

    fn size_hint(&self) -> Option<usize> {
        // What the graph holds is there; so the hint cannot make anyone allocate for a mere claim.
        Some(self.left())
    }
}

struct MapAccess<'r, 'c, 'g, L> {
    of: ValueDeserializer<'c, 'g, L>,
    runs: &'r [Pairs<'g>],
    next: usize,
    key: Option<Value<'g>>,
    value: Option<Value<'g>>,
}

impl<'de, L: Loan<'de>> de::MapAccess<'de> for &mut MapAccess<'_, '_, '_, L> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        loop {
            let Some((run, rest)) = self.runs.split_first() else {
                return Ok(None);
            };
            let Some((key, value)) = run.nth(self.next) else {
                self.runs = rest;
                self.next = 0;
                continue;
            };
            self.next += 1;
            self.key = Some(key);
            self.value = Some(value);
            return seed.deserialize(self.of.of(key)).map(Some).map_err(|error| error.at_value(key.id().index()));
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let Some(value) = self.value.take() else {
            return Err(Error::message("a value was asked for before its key"));
        };
        match seed.deserialize(self.of.of(value)) {
            Ok(made) => Ok(made),
            Err(error) => Err(error.at_value(value.id().index()).inside(&KeyStep(self.key))),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.runs.iter().map(|run| run.len()).sum::<usize>() - self.next)
    }
}

/// A key as a step of a path: `.name`, or in brackets where it is no name.
struct KeyStep<'g>(Option<Value<'g>>);

impl std::fmt::Display for KeyStep<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(key) = self.0 else { return Ok(()) };
        match key.as_str() {
            Ok(name) if name.chars().all(|char| char.is_alphanumeric() || char == '_') && !name.is_empty() => {
                write!(f, ".{name}")
            }
            _ => write!(f, "[{key}]"),
        }
    }
}

struct EnumAccess<'c, 'g, L> {
    variant: ValueDeserializer<'c, 'g, L>,
    content: Option<ValueDeserializer<'c, 'g, L>>,
}

impl<'c, 'g, 'de, L: Loan<'de>> de::EnumAccess<'de> for EnumAccess<'c, 'g, L> {
    type Error = Error;
    type Variant = VariantAccess<'c, 'g, L>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant)> {
        let variant = seed.deserialize(self.variant)?;
        Ok((variant, VariantAccess { of: self.variant, content: self.content }))
    }
}

struct VariantAccess<'c, 'g, L> {
    of: ValueDeserializer<'c, 'g, L>,
    content: Option<ValueDeserializer<'c, 'g, L>>,
}

impl<'c, 'g, L> VariantAccess<'c, 'g, L> {
    fn content(&self) -> Result<ValueDeserializer<'c, 'g, L>> {
        self.content.ok_or_else(|| {
            Error::message(format!(
                "expected a dict of variant {} and its content, found the name alone",
                self.of.value
            ))
            .at_value(self.of.value.id().index())
        })
    }

    fn step<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.inside(&KeyStep(Some(self.of.value))))
    }
}

impl<'de, L: Loan<'de>> de::VariantAccess<'de> for VariantAccess<'_, '_, L> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        match self.content {
            None => Ok(()),
            Some(content) => self.step(de::Deserialize::deserialize(content)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        let content = self.content()?;
        self.step(seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        let content = self.content()?;
        self.step(content.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        let content = self.content()?;
        self.step(content.deserialize_struct("", fields, visitor))
    }
}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Error::message(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Error::message(format!("expected {expected}, found {}", found_name(found)))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Error::message(format!("expected {expected}, found {found}"))
    }
}

/// What Python calls what serde found.
fn found_name(found: de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Bool(_) => "bool".to_owned(),
        de::Unexpected::Signed(_) | de::Unexpected::Unsigned(_) => "int".to_owned(),
        de::Unexpected::Float(_) => "float".to_owned(),
        de::Unexpected::Str(_) | de::Unexpected::Char(_) => "str".to_owned(),
        de::Unexpected::Bytes(_) => "bytes".to_owned(),
        de::Unexpected::Unit => "None".to_owned(),
        de::Unexpected::Seq => "list".to_owned(),
        de::Unexpected::Map => "dict".to_owned(),
        other => other.to_string(),
    }
}
