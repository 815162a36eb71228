//! PyTorch's checkpoints as `torch.save` has written them since 1.6: a ZIP with the pickle `data.pkl` and a member `data/KEY`
//! for each storage, which its persistent ids name. Tensors look into storages and may share one.

use std::borrow::Cow;
use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::names::NamedValues;
use crate::archive::progress::Counter;
use crate::archive::walk::text;
use crate::archive::zip::{Zip, invalid};
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::dtype::ByteOrder;
use crate::array::tensor::storage_dtype;
use crate::array::{Array, Data, Dtype, unpacked};
use crate::error::{Error, Result};
use crate::graph::{Graph, Id, Node, ReadOptions, Value};

pub(crate) struct Torch<'a> {
    zip: Zip<'a>,
    /// The folder that all members are in, with its slash.
    root: String,
    options: ReadOptions<'a>,
    /// The pickle with the names of its tensors, once it has been asked for.
    read: OnceCell<(Graph<'a>, NamedValues)>,
}

impl<'a> Torch<'a> {
    /// The folder of the members, if there is a pickle where checkpoints have it.
    pub(crate) fn root(zip: &Zip<'_>) -> Option<String> {
        let pickle = zip.members().iter().find_map(|member| {
            let root = member.raw_name.strip_suffix(b"data.pkl")?;
            let is_folder = root.ends_with(b"/") && root.iter().filter(|byte| **byte == b'/').count() == 1;
            is_folder.then(|| String::from_utf8_lossy(root).into_owned())
        })?;
        zip.find(format!("{pickle}version").as_bytes()).map(|_| pickle)
    }

    pub(crate) fn new(zip: Zip<'a>, root: String, options: ReadOptions<'a>) -> Self {
        Torch { zip, root, options, read: OnceCell::new() }
    }

    fn read(&self) -> Result<&(Graph<'a>, NamedValues)> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let index = self.zip.find(format!("{}data.pkl", self.root).as_bytes());
        let graph = self.zip.pickle(index.ok_or_else(|| invalid("no member data.pkl"))?, &self.options)?;
        let names = NamedValues::of(graph.root(), "tensor", |value| Array::of(value).is_some());
        Ok(self.read.get_or_init(|| (graph, names)))
    }

    /// The member of a storage, by the third item of its persistent id.
    fn storage(&self, id: Value<'_>) -> Result<usize> {
        let key = id.items().ok().and_then(|items| text(items.get(2)?));
        let key = key.ok_or_else(|| invalid(format!("no storage for the persistent id {id}")))?;
        let name = format!("{}data/{key}", self.root);
        self.zip.find(name.as_bytes()).ok_or_else(|| invalid(format!("no member {name}")))
    }

    /// The bytes of the storage that a tensor looks into; nothing if it holds its own.
    fn data(&self, tensor: &Array<'_>) -> Result<Option<Cow<'a, [u8]>>> {
        match tensor.data() {
            Data::Persistent(storage) => match storage.node() {
                Node::Persistent(id) => self.zip.read(self.storage(id)?).map(Some),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The tensor with the bytes of its storage.
    fn with_data<'b>(&self, tensor: Array<'_>, bytes: Cow<'b, [u8]>) -> Result<Array<'b>> {
        if self.is_big_endian()? { tensor.big_endian() } else { tensor }.with_bytes(bytes)
    }

    fn is_big_endian(&self) -> Result<bool> {
        let member = self.zip.find(format!("{}byteorder", self.root).as_bytes());
        let order = member.map(|index| self.zip.read(index)).transpose()?;
        Ok(order.as_deref() == Some(b"big"))
    }
}

/// What the class of a storage says of its elements, or bytes.
pub(super) fn elements(id: Value<'_>) -> Dtype {
    let class = id.at(1).and_then(Value::as_global).ok();
    class.and_then(|class| storage_dtype(class.name())).unwrap_or(Dtype::UInt(1, ByteOrder::Little))
}

impl<'a> Container<'a> for Torch<'a> {
    fn members(&self) -> Vec<Member> {
        self.zip.as_members()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let (graph, names) = self.read()?;
        let info = |(name, tensor): (&str, Array<'_>)| {
            let member = match tensor.data() {
                Data::Persistent(storage) => match storage.node() {
                    Node::Persistent(id) => self.zip.members()[self.storage(id)?].name().into_owned(),
                    _ => String::new(),
                },
                _ => format!("{}data.pkl", self.root),
            };
            let (dtype, shape) = (tensor.dtype().clone(), tensor.shape().to_vec());
            Ok(ArrayInfo { name: name.to_owned(), dtype, shape, member })
        };
        let tensors = names.iter().filter_map(|(name, id)| Some((name, Array::of(graph.value(id))?)));
        tensors.map(info).collect()
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let (graph, names) = self.read()?;
        let found = names.get(name).and_then(|id| Array::of(graph.value(id)));
        let tensor = found.ok_or_else(|| no_array(name))?;
        tensor.with_parts(|tensor| match self.data(&tensor)? {
            Some(bytes) => self.with_data(tensor, bytes),
            None => tensor.into_owned(),
        })
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        self.read().map(|(graph, _)| Some(graph.clone()))
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        let Some(tensor) = Array::of(value) else { return Ok(None) };
        let filled = tensor.with_parts(|tensor| match self.data(&tensor)? {
            Some(bytes) => self.with_data(tensor, bytes),
            None => Ok(tensor),
        });
        filled.map(Some)
    }

    fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        self.zip.read_named(name)
    }

    fn linked(&self, budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = self.read()?.0.clone();
        // Where storages are said to have the highest byte first, `resolve` reads them: a graph has no word for it.
        if self.is_big_endian()? {
            return Ok(graph);
        }
        let named: Vec<(Id, usize, Dtype)> = graph
            .values()
            .filter_map(|value| match value.node() {
                Node::Persistent(id) => Some((value.id(), self.storage(id).ok()?, elements(id))),
                _ => None,
            })
            .collect();
        let mut pieces = FxHashMap::default();
        for (value, index, dtype) in named {
            let piece = match pieces.get(&(index, dtype.packed())) {
                Some(piece) => *piece,
                None => {
                    let is_whole = self.zip.members()[index].compression() == Compression::Stored
                        || self.zip.members()[index].size <= budget.left;
                    // What is broken, or too large, stays outside.
                    let bytes = is_whole.then(|| self.zip.piece(index, 0, budget).ok()).flatten();
                    let piece = bytes.map(|bytes| graph.add_outside(unpacked(&dtype, bytes)));
                    pieces.insert((index, dtype.packed()), piece);
                    piece
                }
            };
            if let Some(piece) = piece {
                graph.link_outside(value, piece);
            }
        }
        Ok(graph)
    }

    fn verify(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        self.zip.broken_members(counter)
    }
}
