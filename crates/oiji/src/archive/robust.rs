//! Robust archives: a `.npy` member for each array, and the member `pkl`, in which each is a persistent value `type.name`.
//!
//! So wrote `theano.misc.pkl_utils`, with faults that files of its time still show: two members of one name, a variable
//! called `pkl`, names in no stated encoding, and members of GPU arrays that begin with a pickle. They are read as they
//! were meant. Next: `dump`, which writes none of it.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, add_objects, no_array};
use crate::archive::progress::Counter;
use crate::archive::zip::{Zip, invalid};
use crate::archive::{ArrayInfo, Member};
use crate::array::{Array, MAGIC, NpyHeader};
use crate::error::{Error, Result};
use crate::graph::{Graph, Id, Node, ReadOptions, Value};

/// The pickle's name.
pub(crate) const PKL: &str = "pkl";

pub(crate) struct Robust<'a> {
    zip: Zip<'a>,
    options: ReadOptions<'a>,
}

impl<'a> Robust<'a> {
    pub(crate) fn is_one(zip: &Zip<'_>) -> bool {
        zip.find(PKL.as_bytes()).is_some()
    }

    pub(crate) fn new(zip: Zip<'a>, options: ReadOptions<'a>) -> Self {
        Robust { zip, options }
    }

    /// The array in a member: a `.npy` file, or one behind a pickle, which says on which GPU it was.
    fn member(&self, index: usize) -> Result<Array<'a>> {
        self.zip.npy_at(index, self.start(index)?, &self.options)
    }

    /// Where the `.npy` file begins in a member.
    fn start(&self, index: usize) -> Result<usize> {
        const LONGEST: usize = 1 << 12;
        let head = self.zip.head(index, LONGEST)?;
        if head.starts_with(MAGIC) {
            return Ok(0);
        }
        let options = self.options.clone().into_owned();
        let mut pickles = options.pickles(&head);
        let after = pickles.next().and_then(Result::ok).map(|_| pickles.offset() as usize);
        Ok(after.filter(|after| head[*after..].starts_with(MAGIC)).unwrap_or(0))
    }

    fn header(&self, index: usize) -> Result<Option<NpyHeader>> {
        let start = self.start(index)?;
        if start == 0 {
            return self.zip.npy_header(index);
        }
        NpyHeader::read(&self.zip.head(index, start + (1 << 16))?[start..]).map(Some)
    }

    /// The member that a persistent id names.
    fn of_id(&self, id: Value<'_>) -> Option<usize> {
        let name = name_of(id)?;
        let found = self.zip.all(name);
        let [.., last] = *found else { return None };
        if found.len() == 1 {
            return Some(last);
        }
        // Two arrays of one name: their ids are different strings with the same text, in the order of the members. The
        // pickle itself may be called so too, and comes last.
        let mut ids: Vec<_> = id
            .graph()
            .values()
            .filter_map(|value| match value.node() {
                Node::Persistent(other) if name_of(other) == Some(name) => Some(other.id()),
                _ => None,
            })
            .collect();
        ids.sort();
        ids.dedup();
        let arrays = if name == PKL.as_bytes() { &found[..found.len() - 1] } else { found };
        match ids.iter().position(|other| *other == id.id()) {
            Some(position) if ids.len() == arrays.len() => Some(arrays[position]),
            _ => arrays.last().copied(),
        }
    }
}

/// What stands after the first dot of a persistent id: `foo.bar` of `ndarray.foo.bar`.
pub(crate) fn name_of(id: Value<'_>) -> Option<&[u8]> {
    let text = match id.node() {
        Node::Str(text) => text.as_bytes(),
        Node::Py2Str(bytes) | Node::Bytes(bytes) => bytes,
        _ => return None,
    };
    let dot = memchr::memchr(b'.', text)?;
    matches!(&text[..dot], b"ndarray" | b"cuda_ndarray" | b"gpuarray").then(|| &text[dot + 1..])
}

impl<'a> Container<'a> for Robust<'a> {
    fn members(&self) -> Vec<Member> {
        self.zip.as_members()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let mut arrays = Vec::new();
        for (index, member) in self.zip.members().iter().enumerate() {
            if let Some(header) = self.header(index)? {
                let (name, member) = (member.name().into_owned(), member.name().into_owned());
                arrays.push(ArrayInfo { name, dtype: header.dtype, shape: header.shape, member });
            }
        }
        Ok(arrays)
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let found = (0..self.zip.members().len()).rfind(|index| {
            let member = &self.zip.members()[*index];
            member.name() == name && !matches!(self.header(*index), Ok(None))
        });
        self.member(found.ok_or_else(|| no_array(name))?)
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        let index = self.zip.find(PKL.as_bytes()).ok_or_else(|| invalid("no member pkl"))?;
        self.zip.pickle(index, &self.options).map(Some)
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        let Node::Persistent(id) = value.node() else { return Ok(Array::of(value)) };
        let Some(index) = self.of_id(id) else {
            return Err(invalid(format!("no member for the persistent id {id}")));
        };
        self.member(index).map(Some)
    }

    fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        self.zip.read_named(name)
    }

    fn linked(&self, budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        let index = self.zip.find(PKL.as_bytes()).ok_or_else(|| invalid("no member pkl"))?;
        let mut graph = self.zip.pickle(index, &self.options)?;
        let named: Vec<(Id, usize)> = graph
            .values()
            .filter_map(|value| match value.node() {
                Node::Persistent(id) => Some((value.id(), self.of_id(id)?)),
                _ => None,
            })
            .collect();
        let mut linked: FxHashMap<usize, (Option<usize>, Option<Id>)> = FxHashMap::default();
        for (value, index) in named {
            let (piece, objects) = match linked.get(&index) {
                Some(known) => *known,
                None => {
                    // What is broken stays a name.
                    let bytes = self.start(index).and_then(|start| self.zip.piece(index, start, budget)).ok();
                    let objects =
                        bytes.as_deref().map(|bytes| add_objects(&mut graph, bytes, &self.options)).transpose()?;
                    let known = (bytes.map(|bytes| graph.add_outside(bytes)), objects.flatten());
                    linked.insert(index, known);
                    known
                }
            };
            if let Some(piece) = piece {
                graph.link_outside(value, piece);
            }
            if let Some(objects) = objects {
                graph.put_in_place(value, objects);
            }
        }
        Ok(graph)
    }

    fn verify(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        self.zip.broken_members(counter)
    }
}
