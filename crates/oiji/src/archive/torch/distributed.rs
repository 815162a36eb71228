//! torch's distributed checkpoints: the pickle `.metadata` has the names of tensors, and says in what files beside it which
//! parts of them stand, each as `torch.save` writes it.

use std::borrow::Cow;
use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::files::{Files, beside};
use crate::archive::progress::{Counter, Progress};
use crate::archive::torch::Torch;
use crate::archive::torch::save::StateDict;
use crate::archive::walk::text;
use crate::archive::zip::{Zip, invalid};
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::dtype::count;
use crate::array::tensor::torch_dtype;
use crate::array::{Array, Data, Dtype, Layout, shape};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Id, Node, Object, ReadOptions, Value};

pub(crate) struct Distributed<'a> {
    tensors: Vec<Tensor>,
    by_name: FxHashMap<String, usize>,
    /// Values that are no tensors, by name.
    others: Vec<(String, Option<Place>)>,
    options: ReadOptions<'a>,
    files: Files<'a>,
    /// Files that were asked for.
    read: RefCell<FxHashMap<String, Cow<'a, [u8]>>>,
}

struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<u64>,
    parts: Vec<Part>,
}

/// Part of a tensor: where it begins in it, and how long it is, along each axis.
struct Part {
    offsets: Vec<u64>,
    sizes: Vec<u64>,
    place: Option<Place>,
}

/// Where something stands in a file.
struct Place {
    file: String,
    offset: u64,
    len: u64,
}

impl Place {
    fn member(&self) -> String {
        format!("{}:{}", self.file, self.offset)
    }
}

/// What makes a place of a part, or of a value that is no tensor.
type Places = FxHashMap<(String, Option<Vec<u64>>), Place>;

impl<'a> Distributed<'a> {
    /// Whether some bytes begin as `.metadata` does.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        const HEAD: usize = 128;
        let head = &bytes[..bytes.len().min(HEAD)];
        let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
        head.first() == Some(&0x80) && has(b"torch.distributed") && has(b"checkpoint.metadata") && has(b"Metadata")
    }

    /// The checkpoint that `bytes` tell of, if they do.
    ///
    /// # Errors
    /// What the pickle says; `InvalidArchive` for what it does not say.
    pub(crate) fn new(bytes: &'a [u8], options: &ReadOptions<'a>, files: Files<'a>) -> Result<Self> {
        let graph = options.from_slice(bytes)?;
        let root = graph.root().as_object()?;
        let mut places = places(attribute(root, "storage_data")?)?;
        let (mut tensors, mut others) = (Vec::new(), Vec::new());
        for (name, told) in attribute(root, "state_dict_metadata")?.pairs()?.iter() {
            let name = text(name).ok_or_else(|| invalid("a tensor whose name is no str"))?.to_owned();
            match told.as_object()?.attribute("chunks") {
                Some(chunks) => tensors.push(Tensor::read(name, told.as_object()?, chunks, &mut places)?),
                None => {
                    let place = places.remove(&(name.clone(), None));
                    others.push((name, place));
                }
            }
        }
        let by_name = tensors.iter().enumerate().map(|(index, tensor)| (tensor.name.clone(), index)).collect();
        Ok(Distributed { tensors, by_name, others, options: options.clone(), files, read: RefCell::default() })
    }

    /// The checkpoint of `torch.save` that stands at a place.
    fn saved(&self, place: &Place) -> Result<Saved<'a>> {
        let is_read = self.read.borrow().contains_key(&place.file);
        if !is_read {
            let file = beside(&self.files, &place.file)?;
            self.read.borrow_mut().insert(place.file.clone(), file);
        }
        let read = self.read.borrow();
        let file = read.get(&place.file).ok_or_else(|| invalid(format!("no file {}", place.file)))?;
        let end = place.offset.checked_add(place.len);
        let range = usize::try_from(place.offset).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
        let range = range.filter(|(start, end)| start <= end && *end <= file.len());
        let (start, end) = range.ok_or_else(|| invalid(format!("{} ends before what stands there", place.file)))?;
        Ok(match file {
            Cow::Borrowed(bytes) => Saved::Borrowed(&bytes[start..end]),
            Cow::Owned(bytes) => Saved::Owned(bytes[start..end].to_vec()),
        })
    }

    fn tensor(&self, tensor: &Tensor) -> Result<Array<'a>> {
        let read = |part: &Part| {
            let place =
                part.place.as_ref().ok_or_else(|| invalid(format!("part of {} stands nowhere", tensor.name)))?;
            let found = self.saved(place)?.tensor(&self.options)?;
            if found.dtype() != &tensor.dtype || found.shape() != part.sizes {
                return Err(invalid(format!("{}: another tensor than .metadata tells of", place.member())));
            }
            Ok(found)
        };
        if let [part] = tensor.parts.as_slice()
            && part.sizes == tensor.shape
        {
            return read(part);
        }
        let mut whole = Whole::new(tensor, self.options.limits_ref().allocation)?;
        for part in &tensor.parts {
            whole.put(&part.offsets, &read(part)?)?;
        }
        whole.finish()
    }

    /// All tensors under their names as torch's own, their storages told by their numbers, and the other values; with each
    /// tensor, the persistent value that its storage is.
    fn state(&self) -> Result<(Graph<'static>, Vec<Id>)> {
        let mut state = StateDict::new()?;
        let mut storages = Vec::new();
        for (index, tensor) in self.tensors.iter().enumerate() {
            let array = Array::new(tensor.dtype.clone(), &tensor.shape, Layout::C, Data::Buffer(0))?;
            storages.push(state.add(&tensor.name, &array, index)?);
        }
        for (name, place) in &self.others {
            let copy = |state: &mut StateDict| match place {
                Some(place) => self.saved(place)?.graph(&self.options, |value| state.graph_mut().add_copy(value)),
                None => Err(invalid(format!("{name} stands nowhere"))),
            };
            match copy(&mut state) {
                Ok(value) => state.add_value(name, value)?,
                // What is broken, or has no file, stays a name.
                Err(_) => {
                    let name_id = state.graph_mut().add_str(name)?;
                    let value = state.graph_mut().add_persistent(name_id)?;
                    state.add_value(name, value)?;
                }
            }
        }
        Ok((state.finish()?, storages))
    }
}

impl Tensor {
    fn read(name: String, told: Object<'_>, chunks: Value<'_>, places: &mut Places) -> Result<Tensor> {
        let problem = |what: &str| invalid(format!("{name}: no {what} in .metadata"));
        let size = size(attribute(told, "size")?).ok_or_else(|| problem("shape"))?;
        let dtype = dtype(attribute(told, "properties")?).ok_or_else(|| problem("dtype that is known"))?;
        let mut parts = Vec::new();
        for chunk in chunks.items()?.iter() {
            let chunk = chunk.as_object()?;
            let read = |name: &str| self::size(attribute(chunk, name)?).ok_or_else(|| problem(name));
            let (offsets, sizes) = (read("offsets")?, read("sizes")?);
            let axes = size.len();
            let fits = offsets.len() == axes && sizes.len() == axes;
            let is_inside = |at: usize| offsets[at].checked_add(sizes[at]).is_some_and(|end| end <= size[at]);
            if !fits || !(0..axes).all(is_inside) {
                return Err(invalid(format!("{name}: a part that does not lie in it")));
            }
            // Taken out, so that none is read twice.
            let place = places.remove(&(name.clone(), Some(offsets.clone())));
            parts.push(Part { offsets, sizes, place });
        }
        Ok(Tensor { name, dtype, shape: size, parts })
    }
}

fn attribute<'g>(object: Object<'g>, name: &str) -> Result<Value<'g>> {
    object.attribute(name).ok_or_else(|| invalid(format!(".metadata without {name}")))
}

/// Dicts from `MetadataIndex(fqn, offset, index)` to `_StorageInfo(relative_path, offset, length)`.
fn places(told: Value<'_>) -> Result<Places> {
    let mut places = Places::default();
    for (index, info) in told.pairs()?.iter() {
        let (index, info) = (index.as_object()?, info.as_object()?);
        let number = |name: &str| {
            let number = info.attribute(name).and_then(|number| u64::try_from(number.as_i64().ok()?).ok());
            number.ok_or_else(|| invalid(format!("no {name} of a part in .metadata")))
        };
        let file = info.attribute("relative_path").and_then(text).ok_or_else(|| invalid("a part in no file"))?;
        let place = Place { file: file.to_owned(), offset: number("offset")?, len: number("length")? };
        let name = index.attribute("fqn").and_then(text).ok_or_else(|| invalid("a part without a name"))?;
        let offsets = index.attribute("offset").filter(|offset| !offset.is_none());
        let offsets = offsets.map(|offsets| size(offsets).ok_or_else(|| invalid("a part without a place")));
        places.insert((name.to_owned(), offsets.transpose()?), place);
    }
    // What lies over one another would be more to read than there is.
    let mut sorted: Vec<&Place> = places.values().collect();
    sorted.sort_by(|one, other| (&one.file, one.offset).cmp(&(&other.file, other.offset)));
    let overlaps = sorted
        .windows(2)
        .any(|pair| pair[0].file == pair[1].file && pair[0].offset.saturating_add(pair[0].len) > pair[1].offset);
    if overlaps { Err(invalid("parts that lie over one another in .metadata")) } else { Ok(places) }
}

/// `torch.Size((2, 3))`, or the tuple.
fn size(value: Value<'_>) -> Option<Vec<u64>> {
    let inner = value.as_object().ok().and_then(|size| size.args().at(0).ok());
    shape(inner.unwrap_or(value)).ok()
}

/// The first of the properties of a tensor: a tuple of them, or attributes.
fn dtype(properties: Value<'_>) -> Option<Dtype> {
    let object = properties.as_object().ok()?;
    let told = object.attribute("dtype").or_else(|| object.state()?.at(0).ok())?;
    torch_dtype(told.as_global().ok()?.name())
}

/// A file of `torch.save` in another.
enum Saved<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

impl<'a> Saved<'a> {
    fn open<'b>(bytes: &'b [u8], options: ReadOptions<'b>) -> Result<Torch<'b>> {
        let zip = Zip::new(bytes, options.limits_ref().allocation)?;
        let root = Torch::root(&zip).ok_or_else(|| invalid("no checkpoint of torch in a part"))?;
        Ok(Torch::new(zip, root, options))
    }

    /// The only tensor in it.
    fn tensor(self, options: &ReadOptions<'a>) -> Result<Array<'a>> {
        const ALONE: &str = "tensor";
        match self {
            Saved::Borrowed(bytes) => Saved::open(bytes, options.clone())?.array(ALONE),
            Saved::Owned(bytes) => Saved::open(&bytes, options.clone().into_owned())?.array(ALONE)?.into_owned(),
        }
    }

    /// What `copy` makes of the object in it, which may be a pickle alone.
    fn graph(self, options: &ReadOptions<'a>, copy: impl FnOnce(Value<'_>) -> Result<Id>) -> Result<Id> {
        let bytes = match &self {
            Saved::Borrowed(bytes) => bytes,
            Saved::Owned(bytes) => bytes.as_slice(),
        };
        let options = options.clone().into_owned();
        if !Zip::is_zip(bytes) {
            return copy(options.from_slice(bytes)?.root());
        }
        match Saved::open(bytes, options)?.graph()? {
            Some(graph) => copy(graph.root()),
            None => Err(invalid("a checkpoint without objects")),
        }
    }

    fn broken(self, options: &ReadOptions<'a>, told: &mut dyn FnMut(u64)) -> Vec<(String, Error)> {
        let bytes = match &self {
            Saved::Borrowed(bytes) => bytes,
            Saved::Owned(bytes) => bytes.as_slice(),
        };
        match Zip::new(bytes, options.limits_ref().allocation) {
            Ok(zip) => {
                let mut last = 0;
                let mut tell = |so_far: Progress<'_>| {
                    told(so_far.done - last);
                    last = so_far.done;
                };
                zip.broken_members(&mut Counter::new(bytes.len() as u64, &mut tell))
            }
            Err(_) if !Zip::is_zip(bytes) => Vec::new(),
            Err(error) => vec![(String::new(), error)],
        }
    }
}

/// A tensor that is put together of its parts.
struct Whole<'t> {
    tensor: &'t Tensor,
    bytes: Vec<u8>,
    /// Elements that are not there yet.
    missing: u64,
}

impl<'t> Whole<'t> {
    fn new(tensor: &'t Tensor, limit: u64) -> Result<Whole<'t>> {
        let told = Array::new(tensor.dtype.clone(), &tensor.shape, Layout::C, Data::Buffer(0))?;
        // Nothing is made room for but what parts are said to fill.
        let parts = tensor.parts.iter().map(|part| count(&part.sizes).unwrap_or(u64::MAX));
        let filled = parts.fold(0_u64, u64::saturating_add);
        if filled != told.count() {
            return Err(invalid(format!("{}: parts of {filled} elements for {}", tensor.name, told.count())));
        }
        let len = usize::try_from(told.size()).ok().filter(|len| *len as u64 <= limit);
        let len = len.ok_or_else(|| Error::from(ErrorKind::Limit { limit: "allocation", allowed: limit }))?;
        Ok(Whole { tensor, bytes: vec![0; len], missing: told.count() })
    }

    /// Puts a part in its place, row by row.
    fn put(&mut self, offsets: &[u64], part: &Array<'_>) -> Result<()> {
        let little = part.to_little_endian()?;
        let bytes = little.bytes()?;
        let size = self.tensor.dtype.size() as usize;
        let (sizes, shape) = (part.shape(), &self.tensor.shape);
        let row = sizes.last().map_or(1, |len| *len as usize) * size;
        if row == 0 {
            return Ok(());
        }
        for (index, from) in bytes.chunks_exact(row).enumerate() {
            // Which row of the part it is, and so of the whole: indexes from the innermost axis but one out.
            let (mut rest, mut stride) = (index as u64, shape.last().copied().unwrap_or(1));
            let mut at = offsets.last().copied().unwrap_or(0);
            for axis in (0..sizes.len().saturating_sub(1)).rev() {
                at += (offsets[axis] + rest % sizes[axis]) * stride;
                rest /= sizes[axis];
                stride *= shape[axis];
            }
            let start = at as usize * size;
            let to = self.bytes.get_mut(start..start + row).ok_or_else(|| invalid("a part beyond its tensor"))?;
            to.copy_from_slice(from);
        }
        self.missing = self.missing.saturating_sub(part.count());
        Ok(())
    }

    fn finish(self) -> Result<Array<'static>> {
        if self.missing > 0 {
            return Err(invalid(format!("{}: {} elements stand nowhere", self.tensor.name, self.missing)));
        }
        Array::tensor(self.tensor.dtype.clone(), &self.tensor.shape, Layout::C, self.bytes)
    }
}

impl<'a> Container<'a> for Distributed<'a> {
    fn members(&self) -> Vec<Member> {
        let parts = self.tensors.iter().flat_map(|tensor| &tensor.parts).filter_map(|part| part.place.as_ref());
        let others = self.others.iter().filter_map(|(_, place)| place.as_ref());
        let mut members: Vec<Member> = parts
            .chain(others)
            .map(|place| Member {
                name: place.member(),
                size: place.len,
                stored_size: place.len,
                compression: Compression::Stored,
                offset: Some(place.offset),
            })
            .collect();
        members.sort_by(|one, other| one.name.cmp(&other.name));
        members
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let info = |tensor: &Tensor| ArrayInfo {
            name: tensor.name.clone(),
            dtype: tensor.dtype.clone(),
            shape: tensor.shape.clone(),
            member: match tensor.parts.as_slice() {
                [part] => part.place.as_ref().map(Place::member).unwrap_or_default(),
                parts => format!("{} parts", parts.len()),
            },
        };
        Ok(self.tensors.iter().map(info).collect())
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let index = self.by_name.get(name).ok_or_else(|| no_array(name))?;
        self.tensor(&self.tensors[*index])
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        self.state().map(|(graph, _)| Some(graph))
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        let Some(told) = Array::of(value) else { return Ok(None) };
        let number = match told.data() {
            Data::Persistent(storage) => match storage.node() {
                Node::Persistent(id) => id.at(2).ok().and_then(text).and_then(|number| number.parse::<usize>().ok()),
                _ => None,
            },
            _ => None,
        };
        match number.and_then(|number| self.tensors.get(number)) {
            Some(tensor) => self.tensor(tensor).map(Some),
            None => Ok(Some(told)),
        }
    }

    fn linked(&self, budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        let (mut graph, storages): (Graph<'a>, _) = self.state()?;
        for (tensor, storage) in self.tensors.iter().zip(storages) {
            // What is broken, or too large, is told without its data.
            let Ok(array) = self.tensor(tensor) else { continue };
            let is_c = array.layout().is_c(array.shape());
            let bytes = match array.data() {
                Data::Bytes(Cow::Borrowed(bytes)) if is_c => Cow::Borrowed(*bytes),
                _ if budget.spend(array.size()) => Cow::Owned(array.c_order_bytes()?.into_owned()),
                _ => continue,
            };
            budget.counter.during(&tensor.name, array.size(), |_| ());
            let piece = graph.add_outside(bytes);
            graph.link_outside(storage, piece);
        }
        Ok(graph)
    }

    fn verify(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        let mut broken = Vec::new();
        let parts = self.tensors.iter().flat_map(|tensor| &tensor.parts).filter_map(|part| part.place.as_ref());
        for place in parts.chain(self.others.iter().filter_map(|(_, place)| place.as_ref())) {
            let member = place.member();
            let checked = counter.during(&member, place.len, |told| -> Result<_> {
                let saved = self.saved(place)?;
                Ok(saved.broken(&self.options, told))
            });
            match checked {
                Ok(found) => broken.extend(found.into_iter().map(|(name, error)| (format!("{member} {name}"), error))),
                Err(error) => broken.push((member, error)),
            }
        }
        broken
    }
}
