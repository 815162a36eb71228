//! What every format can be asked, and what those in ZIPs answer alike.

use std::borrow::Cow;

use crate::archive::progress::Counter;
use crate::archive::zip::{Zip, ZipMember, invalid};
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::{Array, MAGIC, NpyHeader};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Id, ReadOptions, Value};

/// A file of one format; see the methods of `Archive`.
pub(crate) trait Container<'a> {
    fn members(&self) -> Vec<Member>;
    fn arrays(&self) -> Result<Vec<ArrayInfo>>;
    fn array(&self, name: &str) -> Result<Array<'a>>;

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        Ok(None)
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        Ok(Array::of(value))
    }

    /// The bytes of a member, decompressed; nothing if there is none of this name.
    fn read(&self, _name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        Ok(None)
    }

    /// Everything as one graph in which `Array::of` finds the arrays. Compressed members are read while they take no more
    /// than the budget in all; of others only type and shape is there.
    fn linked(&self, _budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        if let Some(graph) = self.graph()? {
            return Ok(graph);
        }
        let mut graph = Graph::new();
        let mut pairs = Vec::new();
        for info in self.arrays()? {
            pairs.push((graph.add_str(&info.name)?, graph.add_array(&self.array(&info.name)?)?));
        }
        let root = graph.add_dict(&pairs)?;
        graph.set_roots(vec![root]);
        Ok(graph)
    }

    fn verify(&self, _counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        Vec::new()
    }
}

/// How much more may be decompressed, and who counts what is read.
pub(crate) struct Budget<'p> {
    pub(crate) left: u64,
    pub(crate) counter: Counter<'p>,
}

impl Budget<'_> {
    /// Takes as many bytes, if there are so many left.
    pub(crate) fn spend(&mut self, bytes: u64) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// There is no array of this name.
pub(crate) fn no_array(name: &str) -> Error {
    invalid(format!("no array {name}; `oiji list` names those it has"))
}

/// Adds the array of objects that a `.npy` file is, so that they are part of the graph; nothing if it is of another kind, or
/// not all there.
pub(crate) fn add_objects(graph: &mut Graph<'_>, npy: &[u8], options: &ReadOptions<'_>) -> Result<Option<Id>> {
    if !NpyHeader::read(npy).is_ok_and(|header| header.dtype.has_objects()) {
        return Ok(None);
    }
    match Array::from_npy_with(npy, &options.clone().into_owned()) {
        Ok(array) => graph.add_array(&array).map(Some),
        Err(_) => Ok(None),
    }
}

impl<'a> Zip<'a> {
    pub(crate) fn as_members(&self) -> Vec<Member> {
        let member = |(index, member): (usize, &ZipMember)| Member {
            name: member.name().into_owned(),
            size: member.size,
            stored_size: member.stored_size,
            compression: member.compression(),
            offset: self.offset(index).ok(),
        };
        self.members().iter().enumerate().map(member).collect()
    }

    pub(crate) fn broken_members(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        let check = |(index, member): (usize, &ZipMember)| {
            let name = member.name();
            let checked = counter.during(&name, member.size, |told| self.verify(index, told));
            Some((name.into_owned(), checked.err()?))
        };
        self.members().iter().enumerate().filter_map(check).collect()
    }

    /// The header of a member that is a `.npy` file; nothing if it is something else.
    ///
    /// # Errors
    /// `InvalidArchive` if it cannot be read; `InvalidArray` for a broken header.
    pub(crate) fn npy_header(&self, index: usize) -> Result<Option<NpyHeader>> {
        // A header is nearly always shorter; a longer one says by how much.
        let mut len = 1 << 12;
        loop {
            let head = self.head(index, len)?;
            if !head.starts_with(MAGIC) {
                return Ok(None);
            }
            match NpyHeader::read(&head) {
                Ok(header) => return Ok(Some(header)),
                Err(error) if head.len() < len || !matches!(error.kind(), ErrorKind::UnexpectedEnd { .. }) => {
                    return Err(self.named(index, error));
                }
                Err(_) => len *= 16,
            }
        }
    }

    /// The array in a member that is a `.npy` file.
    ///
    /// # Errors
    /// `InvalidArchive` if it cannot be read; `InvalidArray` if it is none.
    pub(crate) fn npy(&self, index: usize, options: &ReadOptions<'a>) -> Result<Array<'a>> {
        self.npy_at(index, 0, options)
    }

    /// As `npy`, from an offset in the member on.
    pub(crate) fn npy_at(&self, index: usize, start: usize, options: &ReadOptions<'a>) -> Result<Array<'a>> {
        let read = match self.read(index)? {
            Cow::Borrowed(bytes) => Array::from_npy_with(&bytes[start.min(bytes.len())..], options),
            Cow::Owned(bytes) => Array::from_npy_with(&bytes[start.min(bytes.len())..], &options.clone().into_owned())
                .and_then(Array::into_owned),
        };
        read.map_err(|error| self.named(index, error))
    }

    /// The graph of the pickle that a member is.
    ///
    /// # Errors
    /// `InvalidArchive` if it cannot be read; what the pickle says.
    pub(crate) fn pickle(&self, index: usize, options: &ReadOptions<'a>) -> Result<Graph<'a>> {
        let read = match self.read(index)? {
            Cow::Borrowed(bytes) => options.from_slice(bytes),
            Cow::Owned(bytes) => options.clone().into_owned().from_slice(&bytes).map(Graph::into_owned),
        };
        read.map_err(|error| self.named(index, error))
    }

    /// The bytes of the last member with a name.
    ///
    /// # Errors
    /// `InvalidArchive` if it is broken.
    pub(crate) fn read_named(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        let found = self.members().iter().rposition(|member| member.name() == name);
        found.map(|index| self.read(index)).transpose()
    }

    /// A member as a graph borrows it, from an offset on: whole if it is stored or the budget is not spent yet, else its
    /// beginning.
    ///
    /// # Errors
    /// `InvalidArchive` if it is broken.
    pub(crate) fn piece(&self, index: usize, start: usize, budget: &mut Budget<'_>) -> Result<Cow<'a, [u8]>> {
        /// Longer than nearly every header.
        const HEAD: usize = 1 << 14;
        let member = &self.members()[index];
        let is_whole = member.compression() == Compression::Stored || budget.spend(member.size);
        let read = budget.counter.during(&member.name(), member.size, |told| match is_whole {
            true => self.read_with(index, told),
            false => self.head(index, start + HEAD),
        })?;
        Ok(match read {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[start.min(bytes.len())..]),
            Cow::Owned(mut bytes) => {
                bytes.drain(..start.min(bytes.len()));
                Cow::Owned(bytes)
            }
        })
    }

    /// The error with the member it is in.
    pub(crate) fn named(&self, index: usize, error: Error) -> Error {
        let name = self.members()[index].name();
        invalid(format!("member {name}: {error}"))
    }
}
