//! Writes state dicts as `torch.save` does since 1.6, of parts that `torch.load(weights_only=True)` lets through.

use std::collections::HashSet;
use std::io::Write;

use rustc_hash::FxHashMap;

use crate::archive::Compression;
use crate::archive::zip::{ZipWriter, invalid};
use crate::array::tensor::torch_dtype;
use crate::array::{Array, ByteOrder, Data, Dtype};
use crate::error::Result;
use crate::graph::{Graph, Id, Made, StepKind, WriteOptions};

/// The folder of all members, as torch calls it where it knows no file's name.
const ROOT: &str = "archive";

/// Classes of storages, with the names of their dtypes.
const STORAGES: &[(&str, &str)] = &[
    ("FloatStorage", "float32"),
    ("DoubleStorage", "float64"),
    ("HalfStorage", "float16"),
    ("BFloat16Storage", "bfloat16"),
    ("LongStorage", "int64"),
    ("IntStorage", "int32"),
    ("ShortStorage", "int16"),
    ("CharStorage", "int8"),
    ("ByteStorage", "uint8"),
    ("BoolStorage", "bool"),
    ("ComplexFloatStorage", "complex64"),
    ("ComplexDoubleStorage", "complex128"),
];

/// Dtypes without a class of storages: their tensors say what they are.
const UNTYPED: &[&str] =
    &["uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"];

/// Writes tensors under their names as a state dict, which `torch.load` reads with `weights_only=True` too. Data begins at
/// multiples of 64 bytes, in C order and little-endian; what is borrowed from one place is stored once.
///
/// ```
/// use oiji::archive::{Archive, save_torch};
/// use oiji::array::Array;
/// let weight = Array::from_values(&[0.5_f32, 1.5], &[2, 1])?;
/// let mut file = Vec::new();
/// save_torch(&mut file, [("layer.weight", &weight)])?;
/// assert_eq!(Archive::open(&file)?.array("layer.weight")?.to_vec::<f32>()?, [0.5, 1.5]);
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// `Io`; `InvalidArchive` for a dtype that torch has not, and if two have one name.
pub fn save_torch<'n, 'd: 'n, W: Write>(
    to: W,
    arrays: impl IntoIterator<Item = (&'n str, &'n Array<'d>)>,
) -> Result<()> {
    let mut names = HashSet::new();
    let mut storages: Vec<&Array<'_>> = Vec::new();
    let mut known = FxHashMap::default();
    let mut state = StateDict::new()?;
    for (name, array) in arrays {
        if !names.insert(name) {
            return Err(invalid(format!("two arrays are called {name}")));
        }
        let key = *known.entry(place(array, storages.len())).or_insert(storages.len());
        if key == storages.len() {
            storages.push(array);
        }
        state.add(name, array, key)?;
    }
    let graph = state.finish()?;
    let mut zip = ZipWriter::new(to);
    let mut member = |name: &str, bytes: &[u8]| {
        zip.member(&format!("{ROOT}/{name}"), Compression::Stored, |to| Ok(to.write_all(bytes)?))
    };
    member("data.pkl", &WriteOptions::new().protocol(2).to_vec(&graph)?)?;
    member("byteorder", b"little")?;
    for (key, array) in storages.into_iter().enumerate() {
        member(&format!("data/{key}"), &array.to_little_endian()?.bytes()?)?;
    }
    member("version", b"3\n")?;
    zip.finish().map(drop)
}

/// What two arrays have in common whose data is one: where it is and how it is laid out. `fresh` for data of its own.
fn place(array: &Array<'_>, fresh: usize) -> (usize, usize, Option<String>) {
    match array.data() {
        Data::Bytes(bytes) if !bytes.is_empty() => {
            let told = format!("{} {:?} {:?}", array.dtype(), array.shape(), array.layout());
            (bytes.as_ptr() as usize, bytes.len(), Some(told))
        }
        _ => (fresh, 0, None),
    }
}

/// An ordered dict of tensors, as it grows.
pub(super) struct StateDict {
    graph: Graph<'static>,
    root: Id,
    items: Vec<Id>,
    nothing: Id,
    ordered_dict: Id,
    /// `'storage'` and `'cpu'`.
    words: [Id; 2],
    globals: FxHashMap<&'static str, Id>,
}

impl StateDict {
    pub(super) fn new() -> Result<Self> {
        let mut graph = Graph::new();
        let nothing = graph.add_tuple(&[])?;
        let ordered_dict = graph.add_global("collections", "OrderedDict")?;
        let root = graph.add_object(Made::Call, ordered_dict, nothing, None)?;
        let words = [graph.add_str("storage")?, graph.add_str("cpu")?];
        Ok(StateDict { graph, root, items: Vec::new(), nothing, ordered_dict, words, globals: FxHashMap::default() })
    }

    fn global(&mut self, module: &str, name: &'static str) -> Result<Id> {
        if let Some(id) = self.globals.get(name) {
            return Ok(*id);
        }
        let id = self.graph.add_global(module, name)?;
        self.globals.insert(name, id);
        Ok(id)
    }

    fn numbers(&mut self, numbers: &[u64]) -> Result<Id> {
        let ids = numbers.iter().map(|number| self.number(*number)).collect::<Result<Vec<Id>>>()?;
        self.graph.add_tuple(&ids)
    }

    fn number(&mut self, number: u64) -> Result<Id> {
        self.graph.add_int(i64::try_from(number).map_err(|_| invalid("a size beyond 63 bits"))?)
    }

    pub(super) fn graph_mut(&mut self) -> &mut Graph<'static> {
        &mut self.graph
    }

    /// Adds a value that is no tensor.
    pub(super) fn add_value(&mut self, name: &str, value: Id) -> Result<()> {
        let name = self.graph.add_str(name)?;
        self.items.extend([name, value]);
        Ok(())
    }

    /// Adds a tensor that is all of the storage `key`; gives the persistent value that stands for that.
    pub(super) fn add(&mut self, name: &str, array: &Array<'_>, key: usize) -> Result<Id> {
        let (class, count, said) = match storage(array.dtype()) {
            Some(Storage::Typed(class)) => (self.global("torch", class)?, array.count(), None),
            Some(Storage::Untyped(said)) => (self.global("torch.storage", "UntypedStorage")?, array.size(), Some(said)),
            None => return Err(invalid(format!("{name}: torch has no {}", array.dtype()))),
        };
        let [word, location] = self.words;
        let key = self.graph.add_str(&key.to_string())?;
        let count = self.number(count)?;
        let id = self.graph.add_tuple(&[word, class, key, location, count])?;
        let storage = self.graph.add_persistent(id)?;
        let offset = self.number(0)?;
        let shape = self.numbers(array.shape())?;
        let strides = self.numbers(&strides(array.shape()))?;
        let requires_grad = self.graph.add_bool(false)?;
        let hooks = self.graph.add_object(Made::Call, self.ordered_dict, self.nothing, None)?;
        let mut args = vec![storage, offset, shape, strides, requires_grad, hooks];
        let function = match said {
            None => self.global("torch._utils", "_rebuild_tensor_v2")?,
            Some(said) => {
                args.push(self.global("torch", said)?);
                self.global("torch._utils", "_rebuild_tensor_v3")?
            }
        };
        let args = self.graph.add_tuple(&args)?;
        let tensor = self.graph.add_object(Made::Call, function, args, None)?;
        self.add_value(name, tensor)?;
        Ok(storage)
    }

    pub(super) fn finish(mut self) -> Result<Graph<'static>> {
        if !self.items.is_empty() {
            self.graph.add_step(self.root, StepKind::SetItems, &self.items)?;
        }
        self.graph.set_roots(vec![self.root]);
        Ok(self.graph)
    }
}

/// What the data of a tensor stands in.
enum Storage {
    /// A storage of this class.
    Typed(&'static str),
    /// Bytes, whose dtype the tensor says.
    Untyped(&'static str),
}

fn storage(dtype: &Dtype) -> Option<Storage> {
    let dtype = dtype.with_byte_order(ByteOrder::Little);
    let is = |name: &str| torch_dtype(name).as_ref() == Some(&dtype);
    let typed = STORAGES.iter().find(|(_, name)| is(name)).map(|(class, _)| Storage::Typed(class));
    typed.or_else(|| UNTYPED.iter().copied().find(|name| is(name)).map(Storage::Untyped))
}

/// The class of storages of a dtype, in the module `torch`.
pub(super) fn storage_class(dtype: &Dtype) -> Option<&'static str> {
    match storage(dtype) {
        Some(Storage::Typed(class)) => Some(class),
        _ => None,
    }
}

/// Whether torch has tensors of a dtype.
///
/// # Errors
/// `InvalidArchive` if it has not.
pub(crate) fn check_dtype(dtype: &Dtype) -> Result<()> {
    storage(dtype).map(drop).ok_or_else(|| invalid(format!("torch has no {dtype}")))
}

/// Strides of C order in elements, outermost first.
fn strides(shape: &[u64]) -> Vec<u64> {
    let mut stride = 1_u64;
    let mut strides: Vec<u64> = shape
        .iter()
        .rev()
        .map(|axis| {
            let here = stride;
            stride = stride.saturating_mul((*axis).max(1));
            here
        })
        .collect();
    strides.reverse();
    strides
}
