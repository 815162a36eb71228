//! PyTorch's checkpoints as `torch.save` has written them since 1.6: a ZIP with the pickle `data.pkl` and a member `data/KEY`
//! for each storage, which its persistent ids name. Tensors look into storages and may share one.

use std::borrow::Cow;

use crate::archive::container::{Container, no_array};
use crate::archive::walk::{text, walk};
use crate::archive::zip::{Zip, invalid};
use crate::archive::{ArrayInfo, Member};
use crate::array::{Array, Data};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, ReadOptions, Value};

pub(crate) struct Torch<'a> {
    zip: Zip<'a>,
    /// The folder that all members are in, with its slash.
    root: String,
    options: ReadOptions<'a>,
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
        Torch { zip, root, options }
    }

    fn pickle(&self) -> Result<Graph<'a>> {
        let index = self.zip.find(format!("{}data.pkl", self.root).as_bytes());
        self.zip.pickle(index.ok_or_else(|| invalid("no member data.pkl"))?, &self.options)
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
        let member = self.zip.find(format!("{}byteorder", self.root).as_bytes());
        let order = member.map(|index| self.zip.read(index)).transpose()?;
        if order.as_deref() == Some(b"big") { tensor.big_endian() } else { tensor }.with_bytes(bytes)
    }

    /// The tensors of a graph, each with its name.
    fn tensors<'g>(graph: &'g Graph<'g>) -> Vec<(String, Array<'g>)> {
        let mut tensors = Vec::new();
        walk(graph.root(), true, |value, path| match Array::of(value) {
            Some(tensor) => {
                let name = if path.is_empty() { "tensor" } else { path };
                tensors.push((name.to_owned(), tensor));
                false
            }
            None => true,
        });
        tensors
    }
}

impl<'a> Container<'a> for Torch<'a> {
    fn members(&self) -> Vec<Member> {
        self.zip.as_members()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let graph = self.pickle()?;
        let info = |(name, tensor): (String, Array<'_>)| {
            let member = match tensor.data() {
                Data::Persistent(storage) => match storage.node() {
                    Node::Persistent(id) => self.zip.members()[self.storage(id)?].name().into_owned(),
                    _ => String::new(),
                },
                _ => format!("{}data.pkl", self.root),
            };
            Ok(ArrayInfo { name, dtype: tensor.dtype().clone(), shape: tensor.shape().to_vec(), member })
        };
        Torch::tensors(&graph).into_iter().map(info).collect()
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let graph = self.pickle()?;
        let found = Torch::tensors(&graph).into_iter().find(|(other, _)| other == name);
        let (_, tensor) = found.ok_or_else(|| no_array(name))?;
        match self.data(&tensor)? {
            Some(bytes) => self.with_data(tensor, bytes),
            None => tensor.into_owned(),
        }
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        self.pickle().map(Some)
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        let Some(tensor) = Array::of(value) else { return Ok(None) };
        match self.data(&tensor)? {
            Some(bytes) => self.with_data(tensor, bytes).map(Some),
            None => Ok(Some(tensor)),
        }
    }

    fn verify(&self) -> Vec<(String, Error)> {
        self.zip.broken_members()
    }
}
