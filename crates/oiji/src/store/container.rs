//! What every kind of store can be asked, and what several of them answer alike.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::ZlibDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Id};
use crate::limits::Limits;
use crate::store::Place;

/// Records as they are found, each when it is asked for. After an error the next may be whole again.
pub(crate) type Entries<'s> = Box<dyn Iterator<Item = Result<Entry>> + 's>;

/// A store of one kind; see the methods of `Store`.
pub(crate) trait Container {
    fn entries(&self) -> Entries<'_>;

    /// The value that stands at a place of an entry.
    fn read(&self, place: &Place) -> Result<Raw<'_>>;

    /// What is left of values that no key leads to any more.
    fn remains(&self) -> Entries<'_> {
        Box::new(std::iter::empty())
    }

    fn count(&self) -> u64 {
        self.entries().count() as u64
    }
}

/// A record without its value.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Its root is the key; without a root there is none.
    pub(crate) key: Graph<'static>,
    pub(crate) place: Place,
    /// The bytes that its value takes in the store.
    pub(crate) size: u64,
    /// The transaction that wrote it, where there are such.
    pub(crate) transaction: Option<u64>,
}

impl Entry {
    pub(crate) fn new(key: Graph<'static>, place: Place, size: u64) -> Entry {
        Entry { key, place, size, transaction: None }
    }
}

/// What stands at a place.
pub(crate) enum Raw<'s> {
    /// Bytes that are a pickle, if they are what the store says.
    Pickle(Cow<'s, [u8]>),
    /// Bytes that may be a pickle: content tells.
    Any(Cow<'s, [u8]>),
    /// Two pickles that share a memo: the class of an object and its state.
    Object(Cow<'s, [u8]>),
    /// A value that was never pickled.
    Plain(Box<Graph<'static>>),
}

impl Raw<'_> {
    pub(crate) fn plain(graph: Graph<'static>) -> Self {
        Raw::Plain(Box::new(graph))
    }
}

pub(crate) fn invalid(problem: impl Into<String>) -> Error {
    ErrorKind::InvalidStore { problem: problem.into() }.into()
}

/// A graph of the one value that is added.
pub(crate) fn graph_of(add: impl FnOnce(&mut Graph<'static>) -> Result<Id>) -> Result<Graph<'static>> {
    let mut graph = Graph::new();
    let root = add(&mut graph)?;
    graph.set_roots(vec![root]);
    Ok(graph)
}

/// Bytes as a value: text if they are such.
pub(crate) fn text_or_bytes(bytes: &[u8]) -> Result<Graph<'static>> {
    graph_of(|graph| match std::str::from_utf8(bytes) {
        Ok(text) => graph.add_str(text),
        Err(_) => graph.add_bytes(bytes),
    })
}

/// What was packed by zlib.
///
/// # Errors
/// `InvalidStore` if it cannot be unpacked; `Limit` if it becomes too large.
pub(crate) fn inflated(packed: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let most = limits.allocation.min(limits.bytes);
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(packed).take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| invalid(format!("packed by zlib: {error}")))?;
    if bytes.len() as u64 > most {
        return Err(ErrorKind::Limit { limit: "allocation", allowed: limits.allocation }.into());
    }
    Ok(bytes)
}

/// What was written in base64, in one line or several.
///
/// # Errors
/// `InvalidStore` if it is none.
pub(crate) fn from_base64(text: &[u8]) -> Result<Vec<u8>> {
    let plain: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(plain).map_err(|error| invalid(format!("not the base64 that it should be: {error}")))
}
