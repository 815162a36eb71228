//! Rust types in and out of pickles, by serde: feature `serde`, on by default.
//!
//! `de` reads values of a graph, `pull` plain pickles straight from a slice, `ser` writes onto the emitter. Every serde
//! attribute works as it does elsewhere. An object is read by what it holds, whatever its class, and a struct is written as
//! a dict; unless the type asks for a class, by a dot (or a colon, before a dotted name) in its name for serde:
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
//! #[serde(rename = "shapes.Point")]
//! struct Point {
//!     x: i32,
//!     y: i32,
//! }
//! let bytes = oiji::to_vec(&Point { x: 1, y: 2 })?;
//! assert_eq!(oiji::loads(&bytes)?.to_string(), "shapes.Point(; state={'x': 1, 'y': 2})");
//! assert_eq!(oiji::from_slice::<Point>(&bytes)?, Point { x: 1, y: 2 });
//!
//! let error = oiji::from_slice::<Point>(b"}.").unwrap_err();
//! assert_eq!(error.to_string(), "expected an instance of shapes.Point, found dict at offset 0 (root)");
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! Python needs no more than the class: it makes the instance by `__new__`, with the fields as its `__dict__`. A tuple
//! struct becomes an instance made with arguments, as named tuples are; a newtype struct one whose state is the content; a
//! unit struct a bare one. Where fields are `flatten`ed serde tells no name, and no class is asked for.

mod asked;
mod de;
mod field;
mod names;
mod pull;
mod ser;

use std::io::{Read, Write};

use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Pickles, ReadOptions, Value, WriteOptions};
use crate::serde::de::{Context, FromGraph, FromInput, Loan, Nothing, ValueDeserializer};
use crate::source::{SliceSource, StreamSource};

pub use ser::Serializer;

/// Reads the first pickle of `input` into a value of a Rust type; `&str` and `&[u8]` borrow from the input.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Gadget<'a> {
///     name: &'a str,
///     sizes: Vec<f64>,
/// }
/// let bytes = oiji::dumps(&oiji::pickle!({"name": "saw", "sizes": [1, 2.5]})?)?;
/// let gadget: Gadget<'_> = oiji::from_slice(&bytes)?;
/// assert_eq!((gadget.name, &gadget.sizes[..]), ("saw", &[1.0, 2.5][..]));
///
/// let error = oiji::from_slice::<(String, bool)>(b"\x80\x02U\x01aK\x01\x86.").unwrap_err();
/// assert_eq!(error.to_string(), "expected bool, found int at offset 5 (root[1])");
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// Files that are older than the type are read by `rewrite::Migration::from_slice`, by rules.
///
/// # Errors
/// As for [`ReadOptions::from_slice`]; a value of the wrong type, with its offset and the path to it; a value inside
/// itself; `Limit` where shared values unfold too far or types nest too deep.
pub fn from_slice<'de, T: Deserialize<'de>>(input: &'de [u8]) -> Result<T> {
    Deserializer::from_slice(input).read()
}

/// Reads one pickle from `reader` into a value of a Rust type, and takes no byte past its `STOP`.
///
/// # Errors
/// As for [`from_slice`], and `Io`.
pub fn from_reader<R: Read, T: DeserializeOwned>(reader: R) -> Result<T> {
    Deserializer::from_reader(reader).read_owned()
}

/// Reads a value of a graph into a value of a Rust type; `&str` and `&[u8]` borrow from the graph.
///
/// ```
/// let graph = oiji::pickle!({"points": [(1, 2), (3, 4)]})?;
/// let point: (u8, u8) = oiji::from_value(graph.root().path("points[1]")?)?;
/// assert_eq!(point, (3, 4));
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// As for [`from_slice`], without offsets.
pub fn from_value<'g, T: Deserialize<'g>>(value: Value<'g>) -> Result<T> {
    typed(value, FromGraph(value.graph()), &ReadOptions::new())
}

/// Writes `value` as a pickle, with the defaults of [`WriteOptions`].
///
/// ```
/// let bytes = oiji::to_vec(&vec![(1, "one"), (2, "two")])?;
/// assert_eq!(oiji::loads(&bytes)?.to_string(), "[(1, 'one'), (2, 'two')]");
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// `Inexpressible` for what the protocol cannot say, `Limit` for types nested too deep.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    ser::to_vec(value, &WriteOptions::new())
}

/// Writes `value` as a pickle, as `options` say.
///
/// # Errors
/// As for [`to_vec`], and `UnknownProtocol`.
pub fn to_vec_with<T: Serialize + ?Sized>(value: &T, options: &WriteOptions) -> Result<Vec<u8>> {
    ser::to_vec(value, options)
}

/// Writes `value` as a pickle to `writer`, with the defaults of [`WriteOptions`].
///
/// # Errors
/// As for [`to_vec`], and `Io`.
pub fn to_writer<W: Write, T: Serialize + ?Sized>(writer: W, value: &T) -> Result<()> {
    Serializer::new(writer, &WriteOptions::new())?.write(value)
}

/// Reads pickles that stand one after another into values of Rust types.
///
/// ```
/// let mut bytes = oiji::to_vec("first")?;
/// bytes.extend(oiji::to_vec(&2)?);
/// let mut pickles = oiji::serde::Deserializer::from_slice(&bytes);
/// let first: &str = pickles.read()?;
/// let rest = pickles.iter::<i32>().collect::<Result<Vec<_>, _>>()?;
/// assert_eq!((first, &rest[..]), ("first", &[2][..]));
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Deserializer<'de, S> {
    input: &'de [u8],
    options: ReadOptions<'de>,
    pickles: Pickles<'de, S>,
}

impl<'de> Deserializer<'de, SliceSource<'de>> {
    /// A deserializer over the pickles in `input`.
    pub fn from_slice(input: &'de [u8]) -> Self {
        Self::from_slice_with(input, ReadOptions::new())
    }

    /// A deserializer over the pickles in `input`, read as `options` say.
    pub fn from_slice_with(input: &'de [u8], options: ReadOptions<'de>) -> Self {
        Deserializer { input, pickles: options.pickles(input), options }
    }

    /// The next value.
    ///
    /// # Errors
    /// As for the function [`from_slice`]; `EndOfInput` when no pickle is left.
    pub fn read<T: Deserialize<'de>>(&mut self) -> Result<T> {
        let start = self.pickles.offset();
        if !self.pickles.is_over()
            && let Some((value, end)) = pull::read(self.input, start, &self.options)
        {
            self.pickles.seek(end);
            return Ok(value);
        }
        self.read_graph()
    }

    /// The next value, by way of a graph.
    fn read_graph<T: Deserialize<'de>>(&mut self) -> Result<T> {
        let start = self.pickles.offset();
        let graph = self.pickles.next().unwrap_or_else(|| Err(Error::from(ErrorKind::EndOfInput).at(start)))?;
        typed(graph.root(), FromInput(self.input), &self.options)
            .map_err(|error| located::<T>(error, self.input, start, &self.options))
    }

    /// All values that are left, of one type.
    pub fn iter<T: Deserialize<'de>>(&mut self) -> impl Iterator<Item = Result<T>> {
        std::iter::from_fn(|| match self.read() {
            Err(error) if error.is_end_of_input() => None,
            result => Some(result),
        })
    }
}

impl<R: Read> Deserializer<'static, StreamSource<R>> {
    /// A deserializer over the pickles that `reader` gives.
    pub fn from_reader(reader: R) -> Self {
        Self::from_reader_with(reader, ReadOptions::new())
    }

    /// A deserializer over the pickles that `reader` gives, read as `options` say.
    pub fn from_reader_with(reader: R, options: ReadOptions<'static>) -> Self {
        Deserializer { input: &[], pickles: options.pickles_from_reader(reader), options }
    }

    /// The next value.
    ///
    /// # Errors
    /// As for the function [`from_reader`]; `EndOfInput` when no pickle is left.
    pub fn read_owned<T: DeserializeOwned>(&mut self) -> Result<T> {
        let start = self.pickles.offset();
        let graph = self.pickles.next().unwrap_or_else(|| Err(Error::from(ErrorKind::EndOfInput).at(start)))?;
        typed(graph.root(), Nothing, &self.options)
    }

    /// All values that are left, of one type.
    pub fn iter_owned<T: DeserializeOwned>(&mut self) -> impl Iterator<Item = Result<T>> {
        std::iter::from_fn(|| match self.read_owned() {
            Err(error) if error.is_end_of_input() => None,
            result => Some(result),
        })
    }
}

fn typed<'de, T: Deserialize<'de>, L: Loan<'de>>(value: Value<'_>, loan: L, options: &ReadOptions<'_>) -> Result<T> {
    let context = Context::new(loan, value.graph(), *options.limits_ref());
    T::deserialize(ValueDeserializer { value, context: &context })
        .map_err(|error| error.at_value(value.id().index()).inside(&"root"))
}

/// The same error with the offset of the value it is about. Values know no offsets; so the pickle is read once more, with
/// a place for each value, and once more up to the op that makes the one in question.
#[cold]
fn located<'de, T: Deserialize<'de>>(error: Error, input: &'de [u8], start: u64, options: &ReadOptions<'de>) -> Error {
    if error.offset().is_some() {
        return error;
    }
    let placed = options.clone().placed();
    let again =
        placed.graph_at(input, start).and_then(|graph| typed::<T, _>(graph.root(), FromInput(input), &placed).err());
    match again.and_then(|again| again.value()).and_then(|index| placed.offset_of_value(input, start, index)) {
        Some(offset) => error.at(offset),
        None => error,
    }
}

impl Graph<'_> {
    /// Reads the value of the first pickle into a value of a Rust type, as [`from_value`] does.
    ///
    /// # Errors
    /// As for [`from_value`].
    pub fn to_typed<'g, T: Deserialize<'g>>(&'g self) -> Result<T> {
        from_value(self.root())
    }
}
