//! What `torch.save` wrote from 0.1.10 to 1.5: one stream of pickles and storages (`array::storages`).

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::names::NamedValues;
use crate::archive::torch::zip::elements;
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::storages::{Storages, Stream, persistent};
use crate::array::{Array, Data, Dtype, unpacked};
use crate::error::Result;
use crate::graph::{Graph, Id, ReadOptions, Value};

pub(crate) struct Legacy<'a> {
    stream: Stream<'a>,
    names: NamedValues,
}

impl<'a> Legacy<'a> {
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        Stream::is_one(bytes)
    }

    pub(crate) fn new(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<Self> {
        let stream = Stream::read(bytes, options)?;
        let names = NamedValues::of(stream.graph.root(), "tensor", |value| Array::of(value).is_some());
        Ok(Legacy { stream, names })
    }

    /// The bytes of the storage that a tensor looks into; nothing if it holds its own.
    fn data(&self, tensor: &Array<'_>) -> Result<Option<&'a [u8]>> {
        match tensor.data() {
            Data::Persistent(storage) => match persistent(*storage) {
                Some(id) => self.stream.storages.of_id(id).map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

/// Storages as members, in the order of the file.
pub(crate) fn members(storages: &Storages<'_>) -> Vec<Member> {
    let member = |(key, storage): (&str, crate::array::storages::Storage<'_>)| Member {
        name: key.to_owned(),
        size: storage.bytes.len() as u64,
        stored_size: storage.bytes.len() as u64,
        compression: Compression::Stored,
        offset: Some(storage.offset),
    };
    let mut members: Vec<Member> = storages.iter().map(member).collect();
    members.sort_by(|one, other| (one.offset, &one.name).cmp(&(other.offset, &other.name)));
    members
}

impl<'a> Container<'a> for Legacy<'a> {
    fn members(&self) -> Vec<Member> {
        members(&self.stream.storages)
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let info = |name: &str, tensor: Array<'_>| {
            let key = match tensor.data() {
                Data::Persistent(storage) => persistent(*storage).and_then(|id| id.at(2).ok()),
                _ => None,
            };
            let member = key.and_then(crate::array::storages::text).unwrap_or_default();
            let (dtype, shape) = (tensor.dtype().clone(), tensor.shape().to_vec());
            ArrayInfo { name: name.to_owned(), dtype, shape, member }
        };
        let tensors = self.names.iter().filter_map(|(name, id)| Some((name, Array::of(self.stream.graph.value(id))?)));
        Ok(tensors.map(|(name, tensor)| info(name, tensor)).collect())
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let found = self.names.get(name).and_then(|id| Array::of(self.stream.graph.value(id)));
        let tensor = found.ok_or_else(|| no_array(name))?;
        tensor.with_parts(|tensor| match self.data(&tensor)? {
            Some(bytes) => tensor.with_bytes(bytes),
            None => tensor.into_owned(),
        })
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        Ok(Some(self.stream.graph.clone()))
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        let Some(tensor) = Array::of(value) else { return Ok(None) };
        let filled = tensor.with_parts(|tensor| match self.data(&tensor)? {
            Some(bytes) => tensor.with_bytes(bytes),
            None => Ok(tensor),
        });
        filled.map(Some)
    }

    fn linked(&self, _: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = self.stream.graph.clone();
        let named: Vec<(Id, &'a [u8], Dtype)> = graph
            .values()
            .filter_map(|value| {
                let id = persistent(value)?;
                // What is broken stays a name.
                Some((value.id(), self.stream.storages.of_id(id).ok()?, elements(id)))
            })
            .collect();
        let mut pieces = FxHashMap::default();
        for (value, bytes, dtype) in named {
            let place = (bytes.as_ptr() as usize, bytes.len(), dtype.packed());
            let piece =
                *pieces.entry(place).or_insert_with(|| graph.add_outside(unpacked(&dtype, Cow::Borrowed(bytes))));
            graph.link_outside(value, piece);
        }
        Ok(graph)
    }
}
