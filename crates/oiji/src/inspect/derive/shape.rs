//! The words of a schema: places, and the shapes of what stands at them.

use crate::graph::Made;
use crate::inspect::derive::fields::{Field, Fields};
use crate::inspect::derive::known::Library;

/// A place where values stand: a field, the items of a list, the root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct PlaceId(pub(super) u32);

/// A shape of values that hold others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct ShapeId(pub(super) u32);

/// What was seen at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) atoms: Atoms,
    /// At most one shape of each kind, and of each class.
    pub(super) shapes: Vec<(Key, ShapeId)>,
    /// A value here leads back to what holds it.
    pub(super) is_back: bool,
    /// Levels above it, up to the nearest instance.
    pub(super) depth: u8,
    /// The shape it is part of, where it is made.
    pub(super) above: Option<ShapeId>,
}

/// Values without parts that were seen at a place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Atoms {
    pub(super) none: bool,
    pub(super) bool: bool,
    pub(super) int: Option<IntSize>,
    pub(super) float: bool,
    pub(super) str: bool,
    /// A str that no Rust `str` can be.
    pub(super) surrogates: bool,
    pub(super) bytes: bool,
    /// Strings of Python 2: UTF-8, and not.
    pub(super) py2_text: bool,
    pub(super) py2_bytes: bool,
    pub(super) global: bool,
    pub(super) empty_tuple: bool,
}

/// The largest int at a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum IntSize {
    /// A float can say it too.
    Double,
    I64,
    I128,
    Big,
}

/// By what shapes at one place are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Key {
    Tuple,
    List,
    Set,
    Dict,
    Buffer,
    Persistent,
    /// A type of the standard library.
    Library(Library),
    Inert,
    /// The one shape of a class.
    Class(ShapeId),
}

/// Values of one kind that stand at one place, or are of one class.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// One of them stands in several places, and it matters that it is the same.
    pub(super) is_shared: bool,
    /// One of them holds itself.
    pub(super) is_cyclic: bool,
    /// The place where it was first seen.
    pub(super) place: PlaceId,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Tuples of one length.
    Tuple(Vec<PlaceId>),
    /// Tuples of many lengths, or long ones.
    Row(PlaceId),
    List(PlaceId),
    Set {
        item: PlaceId,
        frozen: bool,
    },
    Record(Fields),
    Map {
        key: PlaceId,
        value: PlaceId,
    },
    /// A bytearray, or a buffer that may stand outside.
    Buffer {
        is_outside: bool,
    },
    Persistent(PlaceId),
    /// A value of the standard library, one with items, one with keys and values.
    Library(Library),
    LibraryList(Library, PlaceId),
    LibraryMap {
        library: Library,
        key: PlaceId,
        value: PlaceId,
    },
    /// What stays as it is, and what it is called.
    Inert(Vec<String>),
    Instance(Box<Instance>),
    /// It became part of another.
    United,
}

/// Instances of one class.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) made: Made,
    pub(super) count: u32,
    pub(super) args: Vec<Field>,
    pub(super) kwargs: Fields,
    pub(super) attributes: Fields,
    pub(super) slots: Fields,
    /// Of a state that is a tuple or list.
    pub(super) state: Vec<Field>,
    pub(super) state_kind: Option<StateKind>,
    pub(super) items: Option<PlaceId>,
    pub(super) pairs: Option<(PlaceId, PlaceId)>,
    pub(super) members: Members,
    /// Why it has to stay inert.
    pub(super) inert: Option<&'static str>,
}

/// What the states of a class are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StateKind {
    Attributes,
    Tuple,
    List,
}

/// What calls of a class with one int or str say of it, if it is an `enum.Enum`: each member is there once.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The values, each with the pickle it was last seen in.
    pub(super) values: Vec<(MemberValue, u32)>,
    /// It is none.
    pub(super) are_none: bool,
}

/// The value of a member of an enum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum MemberValue {
    Int(i64),
    Str(String),
}

impl Place {
    pub(super) fn shape(&self, key: Key) -> Option<ShapeId> {
        self.shapes.iter().find(|(other, _)| *other == key).map(|(_, shape)| *shape)
    }
}

impl Atoms {
    pub(super) fn add(&mut self, other: Atoms) {
        self.none |= other.none;
        self.bool |= other.bool;
        self.int = self.int.max(other.int);
        self.float |= other.float;
        self.str |= other.str;
        self.surrogates |= other.surrogates;
        self.bytes |= other.bytes;
        self.py2_text |= other.py2_text;
        self.py2_bytes |= other.py2_bytes;
        self.global |= other.global;
        self.empty_tuple |= other.empty_tuple;
    }
}

impl Instance {
    pub(super) fn new(module: &str, name: &str, made: Made) -> Self {
        Instance {
            module: module.to_owned(),
            name: name.to_owned(),
            made,
            count: 0,
            args: Vec::new(),
            kwargs: Fields::default(),
            attributes: Fields::default(),
            slots: Fields::default(),
            state: Vec::new(),
            state_kind: None,
            items: None,
            pairs: None,
            members: Members::default(),
            inert: None,
        }
    }

    /// All of its fields but items and pairs, as they are printed.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let named = [&self.kwargs, &self.attributes, &self.slots].into_iter().flat_map(|fields| fields.iter());
        self.args.iter().chain(named).chain(&self.state)
    }

    /// The places of all it holds.
    pub(super) fn places(&self) -> impl Iterator<Item = PlaceId> {
        let pairs = self.pairs.into_iter().flat_map(|(key, value)| [key, value]);
        self.fields().map(|field| field.place).chain(self.items).chain(pairs)
    }

    /// Whether nothing but arguments makes it.
    pub(super) fn is_of_args_alone(&self) -> bool {
        self.places().count() == self.args.len() && !self.args.is_empty()
    }

    /// Whether it can be taken for an `enum.Enum`: several members, or one that stands in several places.
    pub(super) fn is_enum(&self, is_shared: bool) -> bool {
        let values = self.members.values.len();
        let is_class = self.name.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase));
        let is_exception = ["Error", "Exception", "Warning"].iter().any(|end| self.name.ends_with(end));
        !self.members.are_none && values > 0 && (values > 1 || is_shared) && is_class && !is_exception
    }
}
