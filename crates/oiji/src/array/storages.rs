//! The stream that `torch.save` wrote until 1.5, and that pickles of tensors hold to this day: five pickles, the fourth of
//! them the object, the fifth the keys of its storages, and the data of these in that order, each after a count of elements.

use rustc_hash::FxHashMap;

use crate::array::dtype::bad;
use crate::array::tensor::storage_dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Node, ReadOptions, Value};

/// The op of the number that a stream begins with, and the end of its pickle.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Where that may stand: after `PROTO` and `FRAME`.
const HEAD: usize = 32;

/// What the second pickle says.
const VERSION: i64 = 1001;

/// The object of a stream, and its storages.
pub(crate) struct Stream<'a> {
    pub(crate) graph: Graph<'a>,
    pub(crate) storages: Storages<'a>,
}

/// Storages by their keys.
#[derive(Default)]
pub(crate) struct Storages<'a> {
    by_key: FxHashMap<String, Storage<'a>>,
}

/// One storage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage<'a> {
    pub(crate) bytes: &'a [u8],
    /// Bytes from the start of the stream.
    pub(crate) offset: u64,
    /// Bytes of an element.
    size: u64,
}

impl<'a> Stream<'a> {
    /// Whether some bytes begin as a stream does.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        bytes.first() == Some(&0x80) && memchr::memmem::find(&bytes[..bytes.len().min(HEAD)], MAGIC).is_some()
    }

    /// The stream in `bytes`.
    ///
    /// # Errors
    /// What the pickles say; `InvalidArray` for storages that are not there.
    pub(crate) fn read(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<Stream<'a>> {
        let mut at = 0;
        let _magic = pickle_at(bytes, &mut at, options)?;
        if pickle_at(bytes, &mut at, options)?.root().as_i64().ok() != Some(VERSION) {
            return Err(bad("a version of torch.save that is not known").at(at));
        }
        let _system = pickle_at(bytes, &mut at, options)?;
        let graph = pickle_at(bytes, &mut at, options)?;
        let keys = pickle_at(bytes, &mut at, options)?;
        let mut sizes = FxHashMap::default();
        for id in graph.values().filter_map(persistent) {
            if let (Some(key), Some(size)) = (key_of(id), element_size(id)) {
                sizes.insert(key, size);
            }
        }
        let mut storages = Storages::default();
        for key in keys.root().items()?.iter() {
            let key = text(key).ok_or_else(|| bad("a storage's key that is no str").at(at))?;
            let size = sizes.get(&key).copied();
            let size = size.ok_or_else(|| bad(format!("storage {key} is of no type that is known")).at(at))?;
            storages.take(key, size, bytes, &mut at)?;
        }
        Ok(Stream { graph, storages })
    }
}

impl<'a> Storages<'a> {
    /// Reads the storage at `at`, a count and elements of `size` bytes, and goes on behind it.
    ///
    /// # Errors
    /// `UnexpectedEnd` if it is not there.
    pub(crate) fn take(&mut self, key: String, size: u64, bytes: &'a [u8], at: &mut u64) -> Result<()> {
        let count = i64::from_le_bytes(array_at(bytes, at)?);
        let len = u64::try_from(count).ok().and_then(|count| count.checked_mul(size));
        let len = len.ok_or_else(|| bad(format!("a storage of {count} elements")).at(*at))?;
        let offset = *at;
        let data = slice_at(bytes, at, len)?;
        self.by_key.insert(key, Storage { bytes: data, offset, size });
        Ok(())
    }

    /// Gives part of the storage `root` a key of its own; `start` and `count` in elements.
    ///
    /// # Errors
    /// `InvalidArray` if that leads out of it.
    #[cfg(feature = "archive")]
    pub(crate) fn view(&mut self, key: String, root: &str, start: u64, count: u64) -> Result<()> {
        let part = self.get(root).and_then(|storage| storage.part(start, count));
        let part = part.ok_or_else(|| bad(format!("a view out of storage {root}")))?;
        self.by_key.insert(key, part);
        Ok(())
    }

    /// Counts offsets from further ahead: the storages stand `start` bytes into a file.
    #[cfg(feature = "archive")]
    pub(crate) fn shift(&mut self, start: u64) {
        self.by_key.values_mut().for_each(|storage| storage.offset += start);
    }

    pub(crate) fn get(&self, key: &str) -> Option<Storage<'a>> {
        self.by_key.get(key).copied()
    }

    #[cfg(feature = "archive")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Storage<'a>)> {
        self.by_key.iter().map(|(key, storage)| (key.as_str(), *storage))
    }

    /// The bytes of the storage, or the view of one, that a persistent id names.
    ///
    /// # Errors
    /// `InvalidArray` if there is none.
    pub(crate) fn of_id(&self, id: Value<'_>) -> Result<&'a [u8]> {
        let storage = key_of(id).and_then(|key| self.get(&key));
        let storage = storage.ok_or_else(|| bad(format!("no storage for the persistent id {id}")))?;
        // `(key, offset, size)` of a view.
        let view = id.at(5).ok().filter(|view| !view.is_none());
        let Some(view) = view else { return Ok(storage.bytes) };
        let number = |index: usize| view.at(index).ok().and_then(|number| u64::try_from(number.as_i64().ok()?).ok());
        let part = number(1).zip(number(2)).and_then(|(start, count)| storage.part(start, count));
        part.map(|part| part.bytes).ok_or_else(|| bad(format!("a view out of its storage: {id}")))
    }
}

impl<'a> Storage<'a> {
    /// Part of it; `start` and `count` in elements.
    fn part(self, start: u64, count: u64) -> Option<Storage<'a>> {
        let start = start.checked_mul(self.size)?;
        let end = start.checked_add(count.checked_mul(self.size)?)?;
        let bytes = self.bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        Some(Storage { bytes, offset: self.offset + start, size: self.size })
    }
}

/// The graph of the pickle at `at`; goes on behind it.
///
/// # Errors
/// What the pickle says, with the offset.
pub(crate) fn pickle_at<'a>(bytes: &'a [u8], at: &mut u64, options: &ReadOptions<'a>) -> Result<Graph<'a>> {
    let rest = usize::try_from(*at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let mut pickles = options.pickles(rest);
    let graph = pickles.next().unwrap_or_else(|| Err(Error::from(ErrorKind::UnexpectedEnd { expected: "a pickle" })));
    let graph = graph.map_err(|error| error.shifted(*at))?;
    *at += pickles.offset();
    Ok(graph)
}

/// `len` bytes at `at`; goes on behind them.
///
/// # Errors
/// `UnexpectedEnd` if fewer remain.
pub(crate) fn slice_at<'a>(bytes: &'a [u8], at: &mut u64, len: u64) -> Result<&'a [u8]> {
    let end = at.checked_add(len);
    let range = usize::try_from(*at).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
    let found = range.and_then(|(start, end)| bytes.get(start..end));
    let found = found.ok_or_else(|| Error::from(ErrorKind::UnexpectedEnd { expected: "the data" }).at(*at))?;
    *at += len;
    Ok(found)
}

/// `N` bytes at `at`; goes on behind them.
///
/// # Errors
/// `UnexpectedEnd` if fewer remain.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: &mut u64) -> Result<[u8; N]> {
    let offset = *at;
    let found = slice_at(bytes, at, N as u64)?;
    found.try_into().map_err(|_| Error::from(ErrorKind::UnexpectedEnd { expected: "a number" }).at(offset))
}

/// The persistent id that a value stands behind.
pub(crate) fn persistent(value: Value<'_>) -> Option<Value<'_>> {
    match value.node() {
        Node::Persistent(id) => Some(id),
        _ => None,
    }
}

/// A key, which is a str or an int.
pub(crate) fn text(value: Value<'_>) -> Option<String> {
    match value.node() {
        Node::Str(text) => text.as_str().map(str::to_owned),
        Node::Py2Str(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Node::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The key in `('storage', class, key, location, count, view)`.
fn key_of(id: Value<'_>) -> Option<String> {
    text(id.items().ok()?.get(2)?)
}

fn element_size(id: Value<'_>) -> Option<u64> {
    storage_size(id.items().ok()?.get(1)?)
}

/// The bytes of an element in a storage of a class.
pub(crate) fn storage_size(class: Value<'_>) -> Option<u64> {
    match class.as_global().ok()?.name() {
        "UntypedStorage" => Some(1),
        name => storage_dtype(name).map(|dtype| dtype.size()),
    }
}
