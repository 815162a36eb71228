//! skops: a ZIP of `.npy` members and `schema.json`, a tree of nodes that says what object they belong to (`tree`).
//!
//! Arrays are named by their ways in that tree, `steps.1.1.coef_`; those that it does not name by their members. The arrays of
//! a sparse matrix stand in an archive of their own in a member.

mod tree;

use std::borrow::Cow;
use std::collections::HashSet;

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::names::{NamedValues, Names};
use crate::archive::progress::Counter;
use crate::archive::walk::text;
use crate::archive::zip::{Zip, invalid};
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::{Array, NpyHeader};
use crate::error::{Error, Result};
use crate::graph::{Graph, Id, Node, ReadOptions, Value};

/// The tree's name.
const SCHEMA: &[u8] = b"schema.json";

pub(crate) struct Skops<'a> {
    zip: Zip<'a>,
    options: ReadOptions<'a>,
    graph: Graph<'a>,
    arrays: Vec<(String, Held)>,
    by_name: FxHashMap<String, Held>,
}

/// What holds an array.
#[derive(Clone)]
enum Held {
    /// A `.npy` file of this name.
    File(String),
    /// The tree itself.
    Tree(Id),
}

/// Where an array stands.
enum Place<'p> {
    Member(usize),
    /// In an archive that is a member, under a name there.
    Inner(usize, &'p str),
}

impl<'a> Skops<'a> {
    pub(crate) fn is_one(zip: &Zip<'_>) -> bool {
        zip.find(SCHEMA).is_some()
    }

    pub(crate) fn new(zip: Zip<'a>, options: ReadOptions<'a>) -> Result<Self> {
        let schema = zip.find(SCHEMA).ok_or_else(|| invalid("no member schema.json"))?;
        let graph = tree::read(&zip, &zip.read(schema)?, &options)?;
        let mut names = Names::free();
        let mut arrays = Vec::new();
        let mut named = HashSet::new();
        let is_array = |value: Value<'_>| member_of(value).is_some() || Array::of(value).is_some();
        let found = NamedValues::of(graph.root(), "array", is_array);
        for (name, id) in found.iter() {
            let held = match member_of(graph.value(id)) {
                Some(member) => {
                    named.insert(member);
                    Held::File(member.to_owned())
                }
                None => Held::Tree(id),
            };
            arrays.push((names.named(name), held));
        }
        for member in zip.members() {
            let name = member.name();
            if let Some(short) = name.strip_suffix(".npy").filter(|_| !named.contains(&*name)) {
                arrays.push((names.named(short), Held::File(name.clone().into_owned())));
            }
        }
        drop(named);
        let by_name = arrays.iter().cloned().collect();
        Ok(Skops { zip, options, graph, arrays, by_name })
    }

    fn place<'p>(&self, member: &'p str) -> Result<Place<'p>> {
        if let Some(index) = self.zip.find(member.as_bytes()) {
            return Ok(Place::Member(index));
        }
        let parts = member.split_once(".npz/").map(|(file, inner)| (&member[..file.len() + 4], inner));
        let found = parts.and_then(|(file, inner)| Some(Place::Inner(self.zip.find(file.as_bytes())?, inner)));
        found.ok_or_else(|| invalid(format!("no member {member}")))
    }

    /// What `look` sees of an archive that is a member.
    fn inside<T>(&self, index: usize, look: impl FnOnce(&Zip<'_>) -> Result<T>) -> Result<T> {
        look(&Zip::new(&self.zip.read(index)?, self.options.limits_ref().allocation)?)
    }

    fn read_array(&self, member: &str) -> Result<Array<'a>> {
        let limit = self.options.limits_ref().allocation;
        match self.place(member)? {
            Place::Member(index) => self.zip.npy(index, &self.options),
            Place::Inner(index, name) => match self.zip.read(index)? {
                Cow::Borrowed(bytes) => {
                    let zip = Zip::new(bytes, limit)?;
                    zip.npy(inner(&zip, name)?, &self.options)
                }
                Cow::Owned(bytes) => {
                    let zip = Zip::new(&bytes, limit)?;
                    zip.npy(inner(&zip, name)?, &self.options.clone().into_owned())?.into_owned()
                }
            },
        }
    }

    /// As a graph borrows the `.npy` file of an array.
    fn piece(&self, member: &str, budget: &mut Budget<'_>) -> Result<Cow<'a, [u8]>> {
        let (index, name) = match self.place(member)? {
            Place::Member(index) => return self.zip.piece(index, 0, budget),
            Place::Inner(index, name) => (index, name),
        };
        let limit = self.options.limits_ref().allocation;
        let outer = &self.zip.members()[index];
        let is_stored = outer.compression() == Compression::Stored;
        if !is_stored && outer.size > budget.left {
            return Err(invalid(format!("member {} is too large to be unpacked here", outer.name())));
        }
        match self.zip.read(index)? {
            Cow::Borrowed(bytes) => {
                let zip = Zip::new(bytes, limit)?;
                zip.piece(inner(&zip, name)?, 0, budget)
            }
            Cow::Owned(bytes) => {
                budget.left -= (bytes.len() as u64).min(budget.left);
                let zip = Zip::new(&bytes, limit)?;
                Ok(Cow::Owned(zip.piece(inner(&zip, name)?, 0, budget)?.into_owned()))
            }
        }
    }

    fn header(&self, member: &str) -> Result<NpyHeader> {
        let header = match self.place(member)? {
            Place::Member(index) => self.zip.npy_header(index)?,
            Place::Inner(index, name) => self.inside(index, |zip| zip.npy_header(inner(zip, name)?))?,
        };
        header.ok_or_else(|| invalid(format!("member {member} is no .npy file")))
    }
}

/// The place of a member.
fn inner(zip: &Zip<'_>, name: &str) -> Result<usize> {
    zip.find(name.as_bytes()).ok_or_else(|| invalid(format!("no member {name}")))
}

/// The member that a persistent value names.
fn member_of(value: Value<'_>) -> Option<&str> {
    match value.node() {
        Node::Persistent(id) => text(id),
        _ => None,
    }
}

impl<'a> Container<'a> for Skops<'a> {
    fn members(&self) -> Vec<Member> {
        self.zip.as_members()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let mut arrays = Vec::new();
        for (name, held) in &self.arrays {
            let (dtype, shape, member) = match held {
                Held::File(file) => {
                    let header = self.header(file)?;
                    let (Place::Member(index) | Place::Inner(index, _)) = self.place(file)?;
                    (header.dtype, header.shape, self.zip.members()[index].name().into_owned())
                }
                Held::Tree(id) => {
                    let array = self.graph.value(*id).as_array()?;
                    (array.dtype().clone(), array.shape().to_vec(), String::from_utf8_lossy(SCHEMA).into_owned())
                }
            };
            arrays.push(ArrayInfo { name: name.clone(), dtype, shape, member });
        }
        Ok(arrays)
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        match self.by_name.get(name).ok_or_else(|| no_array(name))? {
            Held::File(file) => self.read_array(file),
            Held::Tree(id) => self.graph.value(*id).as_array()?.into_owned(),
        }
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        Ok(Some(self.graph.clone()))
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        match member_of(value) {
            Some(member) => self.read_array(member).map(Some),
            None => Ok(Array::of(value)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        self.zip.read_named(name)
    }

    fn linked(&self, budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = self.graph.clone();
        let named: Vec<(Id, String)> =
            graph.values().filter_map(|value| Some((value.id(), member_of(value)?.to_owned()))).collect();
        let mut pieces: FxHashMap<String, Option<usize>> = FxHashMap::default();
        for (id, member) in named {
            let piece = match pieces.get(&member) {
                Some(piece) => *piece,
                None => {
                    // What is broken stays a name.
                    let piece = self.piece(&member, budget).ok().map(|bytes| graph.add_outside(bytes));
                    pieces.insert(member, piece);
                    piece
                }
            };
            if let Some(piece) = piece {
                graph.link_outside(id, piece);
            }
        }
        Ok(graph)
    }

    fn verify(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        self.zip.broken_members(counter)
    }
}
