//! What `torch.save` wrote before 0.1.10: a tar of storages, tensors that look into them, and a pickle whose persistent ids
//! name tensors.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::names::NamedValues;
use crate::archive::tar;
use crate::archive::torch::legacy::members;
use crate::archive::torch::save::storage_class;
use crate::archive::zip::invalid;
use crate::archive::{ArrayInfo, Member};
use crate::array::storages::{Storages, array_at, persistent, pickle_at, storage_size, text};
use crate::array::tensor::storage_dtype;
use crate::array::{Array, Data, Dtype, Layout};
use crate::error::Result;
use crate::graph::{Graph, Id, Made, ReadOptions, Value};

pub(crate) struct Tar<'a> {
    graph: Graph<'a>,
    storages: Storages<'a>,
    /// Tensors by key, with the key of the storage that each looks into.
    tensors: FxHashMap<String, (Array<'a>, String)>,
    names: NamedValues,
}

/// The most axes that a tensor has.
const AXES: i32 = 64;

impl<'a> Tar<'a> {
    /// Whether some bytes begin as a tar of `torch.save` does.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        let names = ["sys_info", "pickle", "tensors", "storages"];
        tar::first_name(bytes).is_some_and(|first| names.iter().any(|name| first == name.as_bytes()))
    }

    pub(crate) fn new(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<Self> {
        let member = |name: &str| member(bytes, name).ok_or_else(|| invalid(format!("a tar without {name}")));
        let part = member("storages")?;
        let (mut storages, dtypes) = read_storages(part, options)?;
        storages.shift((part.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize) as u64);
        let tensors = read_tensors(member("tensors")?, &storages, &dtypes, options)?;
        let graph = options.from_slice(member("pickle")?)?;
        let is_tensor = |value: Value<'_>| key(value).is_some_and(|key| tensors.contains_key(&key));
        let names = NamedValues::of(graph.root(), "tensor", |value| is_tensor(value) || Array::of(value).is_some());
        Ok(Tar { graph, storages, tensors, names })
    }

    fn tensor(&self, value: Value<'_>) -> Option<&(Array<'a>, String)> {
        self.tensors.get(&key(value)?)
    }
}

/// The key by which a value names a tensor.
fn key(value: Value<'_>) -> Option<String> {
    text(persistent(value)?)
}

/// The content of the first file with a name.
fn member<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    tar::entries(bytes).find(|entry| entry.name == name.as_bytes()).map(|entry| entry.content)
}

fn number(value: Value<'_>, index: usize) -> Option<u64> {
    u64::try_from(value.at(index).ok()?.as_i64().ok()?).ok()
}

/// A count, `(key, location, class)` with data for each storage, and `(key, root, offset, count)` for views of them.
fn read_storages<'a>(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<(Storages<'a>, FxHashMap<String, Dtype>)> {
    let mut at = 0;
    let mut storages = Storages::default();
    let mut dtypes = FxHashMap::default();
    let count = pickle_at(bytes, &mut at, options)?.root().as_i64()?;
    for _ in 0..count {
        let told = pickle_at(bytes, &mut at, options)?;
        let key = text(told.root().at(0)?).ok_or_else(|| invalid("a storage without a key"))?;
        let class = told.root().at(2)?;
        // Elements that share a byte came years later.
        let dtype = class.as_global().ok().and_then(|class| storage_dtype(class.name()));
        let dtype = dtype.filter(|dtype| dtype.packed() == 1);
        let (Some(size), Some(dtype)) = (storage_size(class), dtype) else {
            return Err(invalid(format!("storage {key} is of no type that is known: {class}")));
        };
        storages.take(key.clone(), size, bytes, &mut at)?;
        dtypes.insert(key, dtype);
    }
    let views = pickle_at(bytes, &mut at, options)?;
    for view in views.root().items()?.iter() {
        let told = || invalid(format!("no view of a storage: {view}"));
        let [key, root] = [0, 1].map(|index| view.at(index).ok().and_then(text));
        let (Some(key), Some(root)) = (key, root) else { return Err(told()) };
        let (Some(start), Some(count)) = (number(view, 2), number(view, 3)) else { return Err(told()) };
        storages.view(key.clone(), &root, start, count)?;
        if let Some(dtype) = dtypes.get(&root).cloned() {
            dtypes.insert(key, dtype);
        }
    }
    Ok((storages, dtypes))
}

/// A count, and `(key, storage, class)` with axes, shape, strides and offset for each tensor.
fn read_tensors<'a>(
    bytes: &'a [u8],
    storages: &Storages<'a>,
    dtypes: &FxHashMap<String, Dtype>,
    options: &ReadOptions<'a>,
) -> Result<FxHashMap<String, (Array<'a>, String)>> {
    let mut at = 0;
    let mut tensors = FxHashMap::default();
    let count = pickle_at(bytes, &mut at, options)?.root().as_i64()?;
    for _ in 0..count {
        let told = pickle_at(bytes, &mut at, options)?;
        let [key, storage] = [0, 1].map(|index| told.root().at(index).ok().and_then(text));
        let (Some(key), Some(storage)) = (key, storage) else {
            return Err(invalid(format!("no tensor: {}", told.root())));
        };
        let axes = i32::from_le_bytes(array_at(bytes, &mut at)?);
        // It was a number of eight bytes once.
        let _: [u8; 4] = array_at(bytes, &mut at)?;
        if !(0..=AXES).contains(&axes) {
            return Err(invalid(format!("tensor {key} of {axes} axes")));
        }
        let mut numbers = |count: i32| -> Result<Vec<i64>> {
            (0..count).map(|_| Ok(i64::from_le_bytes(array_at(bytes, &mut at)?))).collect()
        };
        let (shape, strides, offset) = (numbers(axes)?, numbers(axes)?, numbers(1)?);
        let shape: Option<Vec<u64>> = shape.into_iter().map(|axis| u64::try_from(axis).ok()).collect();
        let offset = offset.first().and_then(|offset| u64::try_from(*offset).ok());
        let (Some(shape), Some(offset)) = (shape, offset) else {
            return Err(invalid(format!("tensor {key} of no shape")));
        };
        let (Some(data), Some(dtype)) = (storages.get(&storage), dtypes.get(&storage)) else {
            return Err(invalid(format!("no storage {storage} for tensor {key}")));
        };
        let layout = Layout::Strided { offset, strides };
        tensors.insert(key, (Array::tensor(dtype.clone(), &shape, layout, data.bytes)?, storage));
    }
    Ok(tensors)
}

impl<'a> Container<'a> for Tar<'a> {
    fn members(&self) -> Vec<Member> {
        members(&self.storages)
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let info = |name: &str, array: &Array<'_>, member: &str| ArrayInfo {
            name: name.to_owned(),
            dtype: array.dtype().clone(),
            shape: array.shape().to_vec(),
            member: member.to_owned(),
        };
        let arrays = self.names.iter().filter_map(|(name, id)| {
            let value = self.graph.value(id);
            match self.tensor(value) {
                Some((tensor, storage)) => Some(info(name, tensor, storage)),
                None => Array::of(value).map(|array| info(name, &array, "")),
            }
        });
        Ok(arrays.collect())
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let value = self.graph.value(self.names.get(name).ok_or_else(|| no_array(name))?);
        match self.tensor(value) {
            Some((tensor, _)) => Ok(tensor.clone()),
            None => value.as_array()?.into_owned(),
        }
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        Ok(Some(self.graph.clone()))
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        match self.tensor(value) {
            Some((tensor, _)) => Ok(Some(tensor.clone())),
            None => Ok(Array::of(value)),
        }
    }

    /// The tensors are told as torch has told them since, so that they are found in their places.
    fn linked(&self, _: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = self.graph.clone();
        let named: Vec<(Id, String)> = graph.values().filter_map(|value| Some((value.id(), key(value)?))).collect();
        let mut told: FxHashMap<String, Option<Id>> = FxHashMap::default();
        for (id, key) in named {
            let Some((tensor, storage)) = self.tensors.get(&key) else { continue };
            let value = match told.get(&key) {
                Some(value) => *value,
                None => {
                    let value = add_tensor(&mut graph, tensor, storage)?;
                    told.insert(key, value);
                    value
                }
            };
            if let Some(value) = value {
                graph.put_in_place(id, value);
            }
        }
        Ok(graph)
    }
}

/// Adds `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)` to a graph, which then has its bytes.
fn add_tensor<'a>(graph: &mut Graph<'a>, tensor: &Array<'a>, key: &str) -> Result<Option<Id>> {
    let (Data::Bytes(Cow::Borrowed(bytes)), Some(class)) = (tensor.data(), storage_class(tensor.dtype())) else {
        return Ok(None);
    };
    let (class, key) = (graph.add_global("torch", class)?, graph.add_str(key)?);
    let (word, location) = (graph.add_str("storage")?, graph.add_str("cpu")?);
    let count = graph.add_int((bytes.len() as u64 / tensor.dtype().size().max(1)) as i64)?;
    let id = graph.add_tuple(&[word, class, key, location, count])?;
    let storage = graph.add_persistent(id)?;
    let piece = graph.add_outside(Cow::Borrowed(bytes));
    graph.link_outside(storage, piece);
    let (strides, offset) = tensor.layout().strides(tensor.shape());
    let mut numbers = |numbers: &mut dyn Iterator<Item = i64>| {
        let ids: Result<Vec<Id>> = numbers.map(|number| graph.add_int(number)).collect();
        graph.add_tuple(&ids?)
    };
    let shape = numbers(&mut tensor.shape().iter().map(|axis| *axis as i64))?;
    let strides = numbers(&mut strides.into_iter())?;
    let (offset, requires_grad) = (graph.add_int(offset as i64)?, graph.add_bool(false)?);
    let (ordered, nothing) = (graph.add_global("collections", "OrderedDict")?, graph.add_tuple(&[])?);
    let hooks = graph.add_object(Made::Call, ordered, nothing, None)?;
    let args = graph.add_tuple(&[storage, offset, shape, strides, requires_grad, hooks])?;
    let function = graph.add_global("torch._utils", "_rebuild_tensor_v2")?;
    graph.add_object(Made::Call, function, args, None).map(Some)
}
