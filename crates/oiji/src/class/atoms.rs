//! Numbers, text, bytes, names: values that hold no others.

use num_bigint::BigInt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_type;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Graph, Id, Node, Value};

impl Pickle for bool {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_bool(*self)
    }
}

impl Unpickle for bool {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        value.as_bool()
    }

    fn matches(value: Value<'_>) -> bool {
        matches!(value.node(), Node::Bool(_))
    }
}

macro_rules! ints {
    ($($int:ty)*) => {$(
        impl Pickle for $int {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                match i64::try_from(*self) {
                    Ok(value) => to.graph.add_int(value),
                    Err(_) => to.graph.add_big_int(&BigInt::from(*self)),
                }
            }
        }

        impl Unpickle for $int {
            fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
                let found = match value.node() {
                    Node::Int(found) => <$int>::try_from(found).ok(),
                    Node::BigInt(found) => <$int>::try_from(found.to_big_int()).ok(),
                    _ => return Err(wrong_type(value, "int")),
                };
                found.ok_or_else(|| wrong_type(value, concat!("an int that fits ", stringify!($int))))
            }

            fn matches(value: Value<'_>) -> bool {
                matches!(value.node(), Node::Int(_) | Node::BigInt(_))
            }
        }
    )*};
}

ints!(i8 i16 i32 i64 i128 isize u16 u32 u64 u128 usize);

impl Pickle for u8 {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_int(i64::from(*self))
    }

    /// Bytes, not a list of numbers.
    fn pickle_items(items: &[u8], to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_bytes(items)
    }
}

impl Unpickle for u8 {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        match value.node() {
            Node::Int(found) => u8::try_from(found).map_err(|_| wrong_type(value, "an int that fits u8")),
            _ => Err(wrong_type(value, "int")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        matches!(value.node(), Node::Int(_))
    }

    fn items_match(value: Value<'_>) -> bool {
        matches!(value.node(), Node::Bytes(_) | Node::ByteArray(_))
    }

    fn unpickle_items(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Vec<u8>> {
        match value.as_bytes() {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(_) => from.items(value),
        }
    }
}

impl Pickle for BigInt {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_big_int(self)
    }
}

impl Unpickle for BigInt {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        value.as_big_int()
    }

    fn matches(value: Value<'_>) -> bool {
        matches!(value.node(), Node::Int(_) | Node::BigInt(_))
    }
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Pickle for $float {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                to.graph.add_float(f64::from(*self))
            }
        }

        impl Unpickle for $float {
            fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
                match value.node() {
                    Node::Float(found) => Ok(found as $float),
                    Node::Int(found) => Ok(found as $float),
                    _ => Err(wrong_type(value, "float")),
                }
            }

            fn matches(value: Value<'_>) -> bool {
                matches!(value.node(), Node::Float(_))
            }
        }
    )*};
}

floats!(f32 f64);

impl Pickle for str {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_str(self)
    }
}

impl Pickle for String {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_str(self)
    }
}

/// The text of a str, or of a Python 2 `str` that is UTF-8.
pub(crate) fn text(value: Value<'_>) -> Result<&str> {
    match value.node() {
        Node::Py2Str(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => value.as_str(),
        },
        Node::Str(_) => value.as_str(),
        _ => Err(wrong_type(value, "str")),
    }
}

impl Unpickle for String {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        text(value).map(str::to_owned)
    }

    fn matches(value: Value<'_>) -> bool {
        text(value).is_ok()
    }
}

impl Unpickle for Box<str> {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        text(value).map(Box::from)
    }

    fn matches(value: Value<'_>) -> bool {
        text(value).is_ok()
    }
}

impl Pickle for char {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_str(self.encode_utf8(&mut [0; 4]))
    }
}

impl Unpickle for char {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let mut chars = text(value)?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(Error::message("expected a str of one character")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        text(value).is_ok_and(|text| text.chars().count() == 1)
    }
}

/// `None`.
impl Pickle for () {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_none()
    }
}

impl Unpickle for () {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        match value.node() {
            Node::None => Ok(()),
            Node::Tuple(items) if items.is_empty() => Ok(()),
            _ => Err(wrong_type(value, "None")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        value.is_none()
    }
}

/// Anything at all, inert: its first root.
impl Pickle for Graph<'_> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let id = to.graph.add_copy(self.root())?;
        to.made(id);
        Ok(id)
    }
}

/// Anything at all, inert: a copy of the value and of what it holds.
impl Unpickle for Graph<'static> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        from.inert(value)
    }
}
