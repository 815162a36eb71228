//! Looking at a graph: a value is a place in it, and a node is what stands there.

use std::fmt;

use num_bigint::BigInt;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::arena::{Graph, Id, Kind, Made, ObjectData, READ_ONLY, SURROGATES, Step, StepKind};

/// A value in a graph. Cheap to copy; two are the same object in Python's sense if their ids are equal.
///
/// ```
/// let graph = oiji::loads(b"}(X\x01\x00\x00\x00a](K\x01G?\xf8\x00\x00\x00\x00\x00\x00eu.")?;
/// let list = graph.root().get("a")?;
/// assert_eq!(list.len(), Some(2));
/// assert_eq!(list.at(1)?.as_f64()?, 1.5);
/// assert!(list.as_str().is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Value<'g> {
    graph: &'g Graph<'g>,
    id: Id,
}

/// What a value is.
///
/// ```
/// use oiji::Node;
/// let graph = oiji::loads(b"K\x07.")?;
/// assert!(matches!(graph.root().node(), Node::Int(7)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Node<'g> {
    /// `None`.
    None,
    /// A bool.
    Bool(bool),
    /// An int that fits into 64 bits.
    Int(i64),
    /// An int that does not.
    BigInt(BigIntRef<'g>),
    /// A float.
    Float(f64),
    /// A str.
    Str(Text<'g>),
    /// Bytes.
    Bytes(&'g [u8]),
    /// A bytearray.
    ByteArray(&'g [u8]),
    /// A Python 2 `str`, whose meaning depends on an encoding that the pickle does not name.
    Py2Str(&'g [u8]),
    /// An out-of-band buffer.
    Buffer(Buffer<'g>),
    /// A tuple.
    Tuple(Items<'g>),
    /// A list.
    List(Items<'g>),
    /// A dict, its pairs in the order in which they were set.
    Dict(Pairs<'g>),
    /// A set, in the order of the pickle.
    Set(Items<'g>),
    /// A frozenset, in the order of the pickle.
    FrozenSet(Items<'g>),
    /// A class, function or other thing by name. It is never looked up.
    Global(Global<'g>),
    /// A global by an extension code without a name.
    Extension(u32),
    /// A value kept outside; this is its id.
    Persistent(Value<'g>),
    /// An object, or the result of a call. It is never made.
    Object(Object<'g>),
}

impl<'a> Graph<'a> {
    /// The value of the first pickle.
    ///
    /// For a graph without any root this is `None`.
    pub fn root(&self) -> Value<'_> {
        match self.roots.first() {
            Some(&id) => self.value(id),
            None => NOTHING.with_root(),
        }
    }

    /// The value of each pickle, in order.
    pub fn roots(&self) -> impl ExactSizeIterator<Item = Value<'_>> + Clone {
        self.roots.iter().map(|&id| self.value(id))
    }

    /// Every value in the arena, whether or not it is part of the result, in the order of making: all but `None`, bools,
    /// small ints and floats, which need no place there.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.slots.len()).filter_map(|index| Id::new(index).ok()).map(|id| self.value(id))
    }

    /// How many values are in the arena: all ever made but `None`, bools, small ints and floats.
    pub fn value_count(&self) -> usize {
        self.slots.len()
    }

    /// The globals that are named anywhere in it, each once, as module and name.
    ///
    /// ```
    /// let graph = oiji::loads(b"ccollections\nOrderedDict\n)R.")?;
    /// assert_eq!(graph.globals().collect::<Vec<_>>(), [("collections", "OrderedDict")]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn globals(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.globals.iter().map(|global| (&*global.module, &*global.name))
    }

    /// The value with this id. An id of another graph gives some other value, or panics if there is none.
    #[inline]
    pub fn value(&self, id: Id) -> Value<'_> {
        Value { graph: self, id }
    }

    /// Calls and globals that the pickle made and dropped, each with the value that lay under it on the stack. Python
    /// makes them all the same: the call of a state setter is one.
    pub fn dropped(&self) -> impl Iterator<Item = (Value<'_>, Option<Value<'_>>)> {
        self.dropped.iter().map(|dropped| (self.value(dropped.value), dropped.below.map(|id| self.value(id))))
    }

    /// The protocol that the (last) pickle stated; 0 if it stated none.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }
}

/// A graph of nothing, for the root of a graph that has none.
static NOTHING: Nothing = Nothing(std::sync::OnceLock::new());

struct Nothing(std::sync::OnceLock<Graph<'static>>);

impl Nothing {
    fn with_root(&'static self) -> Value<'static> {
        let graph = self.0.get_or_init(|| Graph { roots: vec![Id::NONE], ..Graph::default() });
        graph.root()
    }
}

impl<'g> Value<'g> {
    /// Its place in the graph.
    #[inline]
    pub fn id(self) -> Id {
        self.id
    }

    /// The graph it is in.
    pub fn graph(self) -> &'g Graph<'g> {
        self.graph
    }

    fn sibling(self, id: Id) -> Value<'g> {
        Value { graph: self.graph, id }
    }

    /// What it is.
    pub fn node(self) -> Node<'g> {
        let graph = self.graph;
        let slot = graph.slot(self.id);
        let items = || Items { graph, ids: graph.run(slot) };
        match slot.kind {
            Kind::None => Node::None,
            Kind::Bool => Node::Bool(slot.data != 0),
            Kind::Int => Node::Int(slot.data as i64),
            Kind::BigInt => Node::BigInt(BigIntRef { le_bytes: graph.span(slot) }),
            Kind::Float => Node::Float(f64::from_bits(slot.data)),
            Kind::Str => Node::Str(Text { bytes: graph.span(slot), surrogates: slot.flags & SURROGATES != 0 }),
            Kind::Bytes => Node::Bytes(graph.span(slot)),
            Kind::ByteArray => Node::ByteArray(graph.span(slot)),
            Kind::Py2Str => Node::Py2Str(graph.span(slot)),
            Kind::Buffer => Node::Buffer(Buffer {
                index: slot.data,
                read_only: slot.flags & READ_ONLY != 0,
                bytes: graph.buffer_bytes(slot.data),
            }),
            Kind::Tuple => Node::Tuple(items()),
            Kind::List => Node::List(items()),
            Kind::Dict => Node::Dict(Pairs { graph, ids: graph.run(slot) }),
            Kind::Set => Node::Set(items()),
            Kind::FrozenSet => Node::FrozenSet(items()),
            Kind::Global => {
                let global = &graph.globals[slot.low as usize];
                Node::Global(Global { module: &global.module, name: &global.name })
            }
            Kind::Extension => Node::Extension(slot.low),
            Kind::Persistent => Node::Persistent(self.sibling(graph.persistent_id(slot))),
            Kind::Object => Node::Object(Object { value: self, data: &graph.objects[slot.low as usize] }),
        }
    }

    /// The name of its type as messages give it: `int`, `str`, `Python 2 str`, `global`, `object`.
    pub fn type_name(self) -> &'static str {
        match self.graph.slot(self.id).kind {
            Kind::None => "None",
            Kind::Bool => "bool",
            Kind::Int | Kind::BigInt => "int",
            Kind::Float => "float",
            Kind::Str => "str",
            Kind::Bytes => "bytes",
            Kind::ByteArray => "bytearray",
            Kind::Py2Str => "Python 2 str",
            Kind::Buffer => "buffer",
            Kind::Tuple => "tuple",
            Kind::List => "list",
            Kind::Dict => "dict",
            Kind::Set => "set",
            Kind::FrozenSet => "frozenset",
            Kind::Global => "global",
            Kind::Extension => "extension",
            Kind::Persistent => "persistent id",
            Kind::Object => "object",
        }
    }

    fn wrong<T>(self, expected: &'static str) -> Result<T> {
        Err(ErrorKind::WrongType { expected, found: self.type_name() }.into())
    }

    /// Whether it is `None`.
    pub fn is_none(self) -> bool {
        self.graph.slot(self.id).kind == Kind::None
    }

    /// The bool it is.
    ///
    /// # Errors
    /// `WrongType` if it is none. So it is for all methods named `as_`.
    pub fn as_bool(self) -> Result<bool> {
        match self.node() {
            Node::Bool(value) => Ok(value),
            _ => self.wrong("bool"),
        }
    }

    /// The int it is, if that fits.
    ///
    /// # Errors
    /// `WrongType`, also for an int that needs more than 64 bits.
    pub fn as_i64(self) -> Result<i64> {
        match self.node() {
            Node::Int(value) => Ok(value),
            Node::BigInt(_) => {
                Err(ErrorKind::WrongType { expected: "an int of 64 bits", found: "a longer int" }.into())
            }
            _ => self.wrong("int"),
        }
    }

    /// The int it is, of any size.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn as_big_int(self) -> Result<BigInt> {
        match self.node() {
            Node::Int(value) => Ok(BigInt::from(value)),
            Node::BigInt(value) => Ok(value.to_big_int()),
            _ => self.wrong("int"),
        }
    }

    /// The float it is.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn as_f64(self) -> Result<f64> {
        match self.node() {
            Node::Float(value) => Ok(value),
            _ => self.wrong("float"),
        }
    }

    /// The str it is; a Python 2 `str` counts if it is ASCII.
    ///
    /// # Errors
    /// `WrongType`; `InvalidText` for lone surrogates and 8-bit bytes.
    pub fn as_str(self) -> Result<&'g str> {
        match self.node() {
            Node::Str(text) => text.as_str().ok_or_else(|| not_text("lone surrogates")),
            Node::Py2Str(bytes) if bytes.is_ascii() => std::str::from_utf8(bytes).map_err(|_| not_text("8-bit bytes")),
            Node::Py2Str(_) => Err(not_text("8-bit bytes; read with ReadOptions::py2_strings")),
            _ => self.wrong("str"),
        }
    }

    /// The bytes it is: of bytes, a bytearray, a Python 2 `str`, or a buffer that was given.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn as_bytes(self) -> Result<&'g [u8]> {
        match self.node() {
            Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => Ok(bytes),
            Node::Buffer(Buffer { bytes: Some(bytes), .. }) => Ok(bytes),
            _ => self.wrong("bytes"),
        }
    }

    /// The global it is.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn as_global(self) -> Result<Global<'g>> {
        match self.node() {
            Node::Global(global) => Ok(global),
            _ => self.wrong("global"),
        }
    }

    /// The object it is.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn as_object(self) -> Result<Object<'g>> {
        match self.node() {
            Node::Object(object) => Ok(object),
            _ => self.wrong("object"),
        }
    }

    /// What a list, tuple, set or frozenset holds; of an object, its list items.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn items(self) -> Result<Items<'g>> {
        match self.node() {
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => Ok(items),
            _ => self.wrong("list, tuple or set"),
        }
    }

    /// The pairs of a dict.
    ///
    /// # Errors
    /// `WrongType`.
    pub fn pairs(self) -> Result<Pairs<'g>> {
        match self.node() {
            Node::Dict(pairs) => Ok(pairs),
            _ => self.wrong("dict"),
        }
    }

    /// How many items, pairs or bytes it holds; nothing for what has no length.
    #[expect(clippy::len_without_is_empty, reason = "most values have no length, and are not empty either")]
    pub fn len(self) -> Option<usize> {
        match self.node() {
            Node::Str(text) => Some(text.char_count()),
            Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => Some(bytes.len()),
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => Some(items.len()),
            Node::Dict(pairs) => Some(pairs.len()),
            _ => None,
        }
    }

    /// The item at `index` of a list or tuple.
    ///
    /// # Errors
    /// `NoSuchPath` past the end, `WrongType`.
    pub fn at(self, index: usize) -> Result<Value<'g>> {
        match self.node() {
            Node::Tuple(items) | Node::List(items) => items
                .get(index)
                .ok_or_else(|| no_such_path(format!("[{index}] in a {} of {}", self.type_name(), items.len()))),
            _ => self.wrong("list or tuple"),
        }
    }

    /// The value of a dict at the str `key`, the last one set; of an object, the attribute of that name in its state.
    ///
    /// # Errors
    /// `NoSuchPath` if there is none, `WrongType` if it is neither.
    pub fn get(self, key: &str) -> Result<Value<'g>> {
        let found = match self.node() {
            Node::Dict(pairs) => pairs.get(key),
            Node::Object(object) => object.attribute(key),
            _ => return self.wrong("dict or object"),
        };
        found.ok_or_else(|| no_such_path(format!("{key:?} in this {}", self.type_name())))
    }
}

fn no_such_path(step: String) -> Error {
    ErrorKind::NoSuchPath { step }.into()
}

fn not_text(problem: &str) -> Error {
    ErrorKind::InvalidText { expected: "UTF-8", problem: problem.to_owned() }.into()
}

/// A str of Python: UTF-8, except that lone surrogates may stand in it.
///
/// ```
/// let graph = oiji::loads(b"X\x03\x00\x00\x00\xed\xb2\x80.")?;
/// let oiji::Node::Str(text) = graph.root().node() else { panic!() };
/// assert_eq!(text.as_str(), None);
/// assert_eq!(text.to_string(), "\u{fffd}");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'g> {
    bytes: &'g [u8],
    surrogates: bool,
}

impl<'g> Text<'g> {
    /// The text, unless it has lone surrogates.
    pub fn as_str(self) -> Option<&'g str> {
        if self.surrogates { None } else { std::str::from_utf8(self.bytes).ok() }
    }

    /// UTF-8 with surrogates let through, three bytes each.
    pub fn as_bytes(self) -> &'g [u8] {
        self.bytes
    }

    /// Whether it has surrogates, which no Rust `str` can.
    pub fn has_surrogates(self) -> bool {
        self.surrogates
    }

    /// Its length as Python counts it.
    pub fn char_count(self) -> usize {
        self.bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
    }
}

impl fmt::Display for Text<'_> {
    /// The text itself, with U+FFFD for each lone surrogate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_str() {
            return f.write_str(text);
        }
        let mut rest = self.bytes;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            f.write_str(std::str::from_utf8(valid).unwrap_or_default())?;
            f.write_str("\u{fffd}")?;
            rest = after.get(3..).unwrap_or_default();
        }
        f.write_str(std::str::from_utf8(rest).unwrap_or_default())
    }
}

/// An int of more than 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BigIntRef<'g> {
    le_bytes: &'g [u8],
}

impl<'g> BigIntRef<'g> {
    /// Two's complement, little-endian, as short as it can be.
    pub fn to_le_bytes(self) -> &'g [u8] {
        self.le_bytes
    }

    /// As a number to reckon with.
    pub fn to_big_int(self) -> BigInt {
        BigInt::from_signed_bytes_le(self.le_bytes)
    }
}

/// An out-of-band buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Buffer<'g> {
    index: u64,
    read_only: bool,
    bytes: Option<&'g [u8]>,
}

impl<'g> Buffer<'g> {
    /// Its number, counted from 0 in the order of the pickle.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Whether the pickle makes it read-only.
    pub fn is_read_only(self) -> bool {
        self.read_only
    }

    /// Its content, if the reader was given it.
    pub fn bytes(self) -> Option<&'g [u8]> {
        self.bytes
    }
}

/// A class, function or other thing, by its module and (maybe dotted) name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Global<'g> {
    module: &'g str,
    name: &'g str,
}

impl<'g> Global<'g> {
    /// The module: `collections`.
    pub fn module(self) -> &'g str {
        self.module
    }

    /// The name in the module: `OrderedDict`, `Outer.Inner`.
    pub fn name(self) -> &'g str {
        self.name
    }

    /// Whether it is exactly this one.
    pub fn is(self, module: &str, name: &str) -> bool {
        self.module == module && self.name == name
    }
}

impl fmt::Display for Global<'_> {
    /// `module.name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

/// An object as a pickle describes it: how it is made, and what is done to it then. Nothing of it is run.
///
/// ```
/// let graph = oiji::loads(b"\x80\x02cshapes\nPoint\n)\x81}U\x01xK\x07sb.")?;
/// let point = graph.root().as_object()?;
/// assert_eq!(point.class().as_global()?.to_string(), "shapes.Point");
/// assert_eq!(graph.root().get("x")?.as_i64()?, 7);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Object<'g> {
    value: Value<'g>,
    data: &'g ObjectData,
}

impl<'g> Object<'g> {
    /// How it is made.
    pub fn made(self) -> Made {
        self.data.made
    }

    /// Its class; of a call, the callable.
    pub fn class(self) -> Value<'g> {
        self.value.sibling(self.data.class)
    }

    /// The name of its class, or of what is called, if that is a global.
    pub fn class_name(self) -> Option<Global<'g>> {
        self.class().as_global().ok()
    }

    /// The tuple of arguments.
    pub fn args(self) -> Value<'g> {
        self.value.sibling(self.data.args)
    }

    /// The dict of keyword arguments, where it is made with some.
    pub fn kwargs(self) -> Option<Value<'g>> {
        self.data.kwargs.map(|id| self.value.sibling(id))
    }

    /// The first state given to it.
    pub fn state(self) -> Option<Value<'g>> {
        self.data.state.map(|id| self.value.sibling(id))
    }

    /// All that is done to it after it is made, in order.
    pub fn steps(self) -> Steps<'g> {
        self.value.steps()
    }

    /// Items appended to it, as to a subclass of list.
    pub fn list_items(self) -> impl Iterator<Item = Value<'g>> {
        self.steps().filter(|step| step.kind() == StepKind::Append).flat_map(|step| step.items())
    }

    /// Items set in it, as in a subclass of dict.
    pub fn dict_items(self) -> impl Iterator<Item = (Value<'g>, Value<'g>)> {
        self.steps().filter(|step| step.kind() == StepKind::SetItems).flat_map(|step| step.pairs())
    }

    /// The attribute `name` in its state, where that is a dict, or a tuple of a dict and a dict of slots.
    pub fn attribute(self, name: &str) -> Option<Value<'g>> {
        match self.state()?.node() {
            Node::Dict(pairs) => pairs.get(name),
            Node::Tuple(items) if items.len() == 2 => {
                items.iter().rev().filter_map(|part| part.pairs().ok()).find_map(|pairs| pairs.get(name))
            }
            _ => None,
        }
    }
}

impl<'g> Value<'g> {
    /// All that is done to it after it is made, in order: states, and items of what is no builtin container.
    pub fn steps(self) -> Steps<'g> {
        let graph = self.graph;
        let slot = graph.slot(self.id);
        let alone = match (slot.kind, graph.steps.get(&self.id)) {
            (_, Some(steps)) => return Steps { graph, steps, alone: None },
            (Kind::Object, None) => graph.objects[slot.low as usize].state.as_ref(),
            _ => None,
        };
        Steps { graph, steps: &[], alone }
    }
}

/// What is done to a value after it is made.
#[derive(Clone, Debug)]
pub struct Steps<'g> {
    graph: &'g Graph<'g>,
    steps: &'g [Step],
    alone: Option<&'g Id>,
}

impl<'g> Iterator for Steps<'g> {
    type Item = StepRef<'g>;

    fn next(&mut self) -> Option<StepRef<'g>> {
        if let Some(state) = self.alone.take() {
            return Some(StepRef { graph: self.graph, kind: StepKind::Build, ids: std::slice::from_ref(state) });
        }
        let (step, rest) = self.steps.split_first()?;
        self.steps = rest;
        Some(StepRef { graph: self.graph, kind: step.kind, ids: &step.ids })
    }
}

/// One thing done to a value.
#[derive(Clone, Copy, Debug)]
pub struct StepRef<'g> {
    graph: &'g Graph<'g>,
    kind: StepKind,
    ids: &'g [Id],
}

impl<'g> StepRef<'g> {
    /// What was done.
    pub fn kind(self) -> StepKind {
        self.kind
    }

    /// The values it was done with: items; or key, value, key, value; or one state.
    pub fn items(self) -> Items<'g> {
        Items { graph: self.graph, ids: self.ids }
    }

    /// The values it was done with, in pairs.
    pub fn pairs(self) -> Pairs<'g> {
        Pairs { graph: self.graph, ids: self.ids }
    }
}

/// The values that a container holds.
#[derive(Clone, Copy)]
pub struct Items<'g> {
    graph: &'g Graph<'g>,
    ids: &'g [Id],
}

impl<'g> Items<'g> {
    /// What an empty container of `graph` holds.
    pub(crate) fn none(graph: &'g Graph<'g>) -> Self {
        Items { graph, ids: &[] }
    }

    /// How many.
    pub fn len(self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.ids.is_empty()
    }

    /// The one at `index`.
    pub fn get(self, index: usize) -> Option<Value<'g>> {
        self.ids.get(index).map(|&id| Value { graph: self.graph, id })
    }

    /// All, in order.
    pub fn iter(self) -> ItemsIter<'g> {
        ItemsIter { graph: self.graph, ids: self.ids.iter() }
    }
}

impl<'g> IntoIterator for Items<'g> {
    type Item = Value<'g>;
    type IntoIter = ItemsIter<'g>;

    fn into_iter(self) -> ItemsIter<'g> {
        self.iter()
    }
}

/// The values that a container holds, one after another.
#[derive(Clone)]
pub struct ItemsIter<'g> {
    graph: &'g Graph<'g>,
    ids: std::slice::Iter<'g, Id>,
}

impl<'g> Iterator for ItemsIter<'g> {
    type Item = Value<'g>;

    fn next(&mut self) -> Option<Value<'g>> {
        self.ids.next().map(|&id| Value { graph: self.graph, id })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }
}

impl DoubleEndedIterator for ItemsIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.ids.next_back().map(|&id| Value { graph: self.graph, id })
    }
}

impl ExactSizeIterator for ItemsIter<'_> {}

/// The pairs of a dict, in the order in which the pickle sets them. A key set twice stands twice; the last counts.
#[derive(Clone, Copy)]
pub struct Pairs<'g> {
    graph: &'g Graph<'g>,
    ids: &'g [Id],
}

impl<'g> Pairs<'g> {
    /// How many.
    pub fn len(self) -> usize {
        self.ids.len() / 2
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.ids.is_empty()
    }

    /// The value at the str (or ASCII Python 2 `str`) `key`, the last one set.
    pub fn get(self, key: &str) -> Option<Value<'g>> {
        let is_key = |id: Id| {
            let slot = self.graph.slot(id);
            matches!(slot.kind, Kind::Str | Kind::Py2Str) && self.graph.span(slot) == key.as_bytes()
        };
        let pair = self.ids.chunks_exact(2).rev().find(|pair| is_key(pair[0]))?;
        Some(Value { graph: self.graph, id: pair[1] })
    }

    /// The pair at `index`.
    pub fn nth(self, index: usize) -> Option<(Value<'g>, Value<'g>)> {
        let pair = self.ids.get(2 * index..2 * index + 2)?;
        let value = |id| Value { graph: self.graph, id };
        Some((value(pair[0]), value(pair[1])))
    }

    /// All, in order.
    pub fn iter(self) -> PairsIter<'g> {
        PairsIter { graph: self.graph, ids: self.ids.chunks_exact(2) }
    }
}

impl<'g> IntoIterator for Pairs<'g> {
    type Item = (Value<'g>, Value<'g>);
    type IntoIter = PairsIter<'g>;

    fn into_iter(self) -> PairsIter<'g> {
        self.iter()
    }
}

/// The pairs of a dict, one after another.
#[derive(Clone)]
pub struct PairsIter<'g> {
    graph: &'g Graph<'g>,
    ids: std::slice::ChunksExact<'g, Id>,
}

impl<'g> Iterator for PairsIter<'g> {
    type Item = (Value<'g>, Value<'g>);

    fn next(&mut self) -> Option<Self::Item> {
        let pair = self.ids.next()?;
        let value = |id| Value { graph: self.graph, id };
        Some((value(pair[0]), value(pair[1])))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }
}

impl ExactSizeIterator for PairsIter<'_> {}
