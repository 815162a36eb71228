//! Arrays inside pickles, told by the calls that make them: `_reconstruct` and `_frombuffer`, masked ones, scalars, dtypes;
//! under NumPy's old names and new ones, from Python 2 and 3.
//!
//! Nothing is called; data is borrowed from the graph. Tensors of torch are read by `tensor`, what is written by `write`.

use std::borrow::Cow;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::array::array::{Array, Data, Masked, Objects};
use crate::array::descr::sub_array;
use crate::array::dtype::{AXES, ByteOrder, DEPTH, Dtype, Field, Float8, Record, SubArray, TimeUnit, Unit, bad};
use crate::array::layout::Layout;
use crate::array::npy::{MAGIC, NpyHeader};
use crate::array::tensor::tensor;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Id, Node, Object, Value};

impl<'g> Value<'g> {
    /// The array it is: of NumPy, masked or of a class of its own, a scalar of NumPy as an array without axes, or a tensor of
    /// torch.
    ///
    /// ```
    /// let graph = oiji::loads(b"cnumpy.core.numeric\n_frombuffer\n(C\x02\x01\x02cnumpy\ndtype\n(Vu1\n\x89\x88t\
    ///     R(K\x03V|\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb(K\x02tVC\ntR.")?;
    /// let array = graph.root().as_array()?;
    /// assert_eq!((array.dtype().to_string().as_str(), array.shape()), ("uint8", &[2][..]));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// `WrongType` if it is none, `InvalidArray` with a path from it if it is told wrongly.
    pub fn as_array(self) -> Result<Array<'g>> {
        let scalar = || scalar(self.as_object().ok()?);
        array(self)
            .or_else(scalar)
            .unwrap_or_else(|| Err(ErrorKind::WrongType { expected: "array", found: self.type_name() }.into()))
    }

    /// The dtype it is.
    ///
    /// # Errors
    /// `WrongType` if it is none, `InvalidArray` with a path from it if it is told wrongly.
    pub fn as_dtype(self) -> Result<Dtype> {
        dtype(self)
    }
}

impl<'a> Array<'a> {
    /// The array that a value is, scalars not counted, if it is one and told rightly: see [`Value::as_array`].
    pub fn of(value: Value<'a>) -> Option<Array<'a>> {
        array(value)?.ok()
    }

    /// The scalar of NumPy that a value is, as an array without axes.
    pub fn of_scalar(value: Value<'a>) -> Option<Array<'a>> {
        scalar(value.as_object().ok()?)?.ok()
    }

    /// The array that is the root of `graph`, which is kept with it if there are objects in it.
    ///
    /// # Errors
    /// As for [`Value::as_array`].
    pub fn from_graph(graph: Graph<'a>) -> Result<Array<'a>> {
        let array = graph.root().as_array()?;
        let Data::Objects(objects) = array.data() else { return array.into_owned() };
        let list = objects.id();
        let (class, dtype, shape) = (array.class.clone(), array.dtype().clone(), array.shape().to_vec());
        drop(array);
        let mut array = Array::new(dtype, &shape, Layout::C, Data::Objects(Objects::with_graph(graph, list)))?;
        array.class = class;
        Ok(array)
    }
}

/// The array that a value is, if what makes it makes arrays, or its bytes stand outside.
fn array(value: Value<'_>) -> Option<Result<Array<'_>>> {
    let object = match value.node() {
        Node::Object(object) => object,
        Node::Persistent(_) => return outside(value),
        _ => return None,
    };
    let class = object.class_name()?;
    match (class.module(), class.name()) {
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
            // A subclass may keep a state of its own, and a dtype that nothing was said of yet has none.
            is_state(object.state()?).then(|| reconstructed(object, 0))
        }
        ("numpy.ma.core" | "numpy.ma", "_mareconstruct") => {
            is_state(object.state()?).then(|| reconstructed(object, 1).and_then(|array| masked(object, array)))
        }
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Some(from_buffer(object)),
        ("torch._utils", name) => tensor(name, object),
        _ => None,
    }
}

/// The `.npy` file that a persistent value stands for. Of one whose beginning alone is at hand, type and shape are known.
fn outside(value: Value<'_>) -> Option<Result<Array<'_>>> {
    let npy = value.graph().outside(value.id()).filter(|bytes| bytes.starts_with(MAGIC))?;
    let array = Array::from_npy(npy).or_else(|error| match (NpyHeader::read(npy), error.kind()) {
        (Ok(header), ErrorKind::UnexpectedEnd { .. }) => {
            Array::new(header.dtype, &header.shape, Layout::C, Data::Persistent(value))
        }
        _ => Err(error),
    });
    Some(array)
}

/// Whether a state is one of `numpy.ndarray`: `(version, shape, dtype, is_fortran, data)`, before NumPy 1.0 without version.
fn is_state(state: Value<'_>) -> bool {
    let items = state.items().ok();
    let first = items.and_then(|items| items.get(0)).map(Value::node);
    let least = match first {
        Some(Node::Int(_)) => 5,
        Some(Node::Tuple(axes)) if axes.iter().all(|axis| matches!(axis.node(), Node::Int(_))) => 4,
        _ => return false,
    };
    items.is_some_and(|items| items.len() >= least)
}

/// `_reconstruct(class, (0,), b'b')` with a state.
fn reconstructed(object: Object<'_>, class_at: usize) -> Result<Array<'_>> {
    let class = object.args().at(0)?.as_global()?;
    let plain = class_at == 0 && class.is("numpy", "ndarray");
    let state = object.state().and_then(|state| state.items().ok()).ok_or_else(|| bad("no state"))?;
    let from = usize::from(matches!(state.get(0).map(Value::node), Some(Node::Int(_))));
    let part = |index: usize| {
        let path = format!("@state[{}]", from + index);
        state.get(from + index).map(|value| (value, path)).ok_or_else(|| bad("its state is too short"))
    };
    let (value, path) = part(0)?;
    let shape = shape(value).map_err(|error| error.at_path(path))?;
    let (value, path) = part(1)?;
    let dtype = dtype(value).map_err(|error| error.at_path(path))?;
    let is_fortran = matches!(part(2)?.0.node(), Node::Bool(true) | Node::Int(1));
    let (value, path) = part(3)?;
    let data = data(value).map_err(|error| error.at_path(path.as_str()))?;
    // Objects stand in C order in any case.
    let layout = if is_fortran && !matches!(data, Data::Objects(_)) { Layout::Fortran } else { Layout::C };
    let mut array = Array::new(dtype, &shape, layout, data).map_err(|error| error.at_path("@state"))?;
    array.class = (!plain).then(|| class.to_string());
    Ok(array)
}

/// A masked array: after its data, its state has the mask's bytes and the fill value.
fn masked<'g>(object: Object<'g>, mut array: Array<'g>) -> Result<Array<'g>> {
    let state = object.state().and_then(|state| state.items().ok()).ok_or_else(|| bad("no state"))?;
    let from = usize::from(matches!(state.get(0).map(Value::node), Some(Node::Int(_))));
    let Some(mask) = state.get(from + 4) else { return Ok(array) };
    let is_fortran = matches!(state.get(from + 2).map(Value::node), Some(Node::Bool(true) | Node::Int(1)));
    let layout = if is_fortran { Layout::Fortran } else { Layout::C };
    let mask = data(mask).and_then(|data| Array::new(mask_dtype(array.dtype())?, array.shape(), layout, data));
    let mask = mask.map_err(|error| error.at_path(format!("@state[{}]", from + 4)))?;
    let fill_value = state.get(from + 5).filter(|fill| !fill.is_none());
    array.masked = Some(Box::new(Masked { mask, fill_value }));
    Ok(array)
}

/// A bool for each field.
fn mask_dtype(dtype: &Dtype) -> Result<Dtype> {
    Ok(match dtype {
        Dtype::Record(record) => {
            let field = |field: &Field| Ok((field.name.clone(), mask_dtype(&field.dtype)?));
            Dtype::Record(Record::packed(record.fields().iter().map(field).collect::<Result<Vec<_>>>()?)?)
        }
        Dtype::SubArray(sub) => Dtype::SubArray(SubArray::new(mask_dtype(sub.dtype())?, sub.shape().to_vec())?),
        _ => Dtype::Bool,
    })
}

/// `_frombuffer(buffer, dtype, shape, order)`, from NumPy 2.3 on with the order of axes for `'K'`.
fn from_buffer(object: Object<'_>) -> Result<Array<'_>> {
    let args = object.args();
    let dtype = dtype(args.at(1)?).map_err(|error| error.at_path("@args[1]"))?;
    let shape = shape(args.at(2)?).map_err(|error| error.at_path("@args[2]"))?;
    let data = data(args.at(0)?).map_err(|error| error.at_path("@args[0]"))?;
    let order = args.at(3)?.as_str().map_err(|error| error.at_path("@args[3]"))?;
    let array = match (order, args.at(4)) {
        ("F", _) => Array::new(dtype, &shape, Layout::Fortran, data),
        ("K", Ok(axes)) if !axes.is_none() => permuted(dtype, &shape, axes, data),
        _ => Array::new(dtype, &shape, Layout::C, data),
    };
    array.map_err(|error| error.at_path("@args"))
}

/// An array of `shape` in C order, its axes put into another order.
fn permuted<'g>(dtype: Dtype, shape: &[u64], axes: Value<'g>, data: Data<'g>) -> Result<Array<'g>> {
    let order: Option<Vec<usize>> =
        axes.items()?.iter().map(|axis| usize::try_from(axis.as_i64().ok()?).ok()).collect();
    let order = order.filter(|order| {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.into_iter().eq(0..shape.len())
    });
    let order = order.ok_or_else(|| bad("no order of its axes").at_path("@args[4]"))?;
    // All of the data is needed, as if it stood in C order.
    Array::new(dtype.clone(), shape, Layout::C, data.clone())?;
    let (strides, offset) = Layout::C.strides(shape);
    let strides = order.iter().map(|axis| strides[*axis]).collect();
    let shape: Vec<u64> = order.iter().map(|axis| shape[*axis]).collect();
    Array::new(dtype, &shape, Layout::Strided { offset, strides }, data)
}

/// `scalar(dtype, data)`, as an array without axes.
fn scalar(object: Object<'_>) -> Option<Result<Array<'_>>> {
    let class = object.class_name()?;
    let is_scalar = matches!(class.module(), "numpy.core.multiarray" | "numpy._core.multiarray");
    if !is_scalar || class.name() != "scalar" {
        return None;
    }
    let args = object.args().items().ok()?;
    let (first, second) = (args.get(0)?, args.get(1)?);
    Some(dtype(first).and_then(|dtype| Array::new(dtype, &[], Layout::C, data(second)?)))
}

/// Where the elements are.
fn data(value: Value<'_>) -> Result<Data<'_>> {
    match value.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) | Node::ByteArray(bytes) => Ok(Data::Bytes(Cow::Borrowed(bytes))),
        Node::Str(text) => text.as_str().map(Data::Latin1).ok_or_else(|| bad("data with surrogates")),
        Node::List(_) => Ok(Data::Objects(Objects::in_graph(value))),
        Node::Buffer(buffer) => Ok(match buffer.bytes() {
            Some(bytes) => Data::Bytes(Cow::Borrowed(bytes)),
            None => Data::Buffer(buffer.index()),
        }),
        Node::Object(object) => encoded(object).map(Data::Latin1).ok_or_else(|| bad("no data of an array: an object")),
        Node::Persistent(_) => Ok(Data::Persistent(value)),
        _ => Err(bad(format!("no data of an array: {}", value.type_name()))),
    }
}

/// A tuple of lengths.
pub(crate) fn shape(value: Value<'_>) -> Result<Vec<u64>> {
    let axis = |axis: Value<'_>| axis.as_i64().ok().and_then(|axis| u64::try_from(axis).ok());
    let axes = value.items().ok().filter(|axes| axes.len() <= AXES);
    axes.and_then(|axes| axes.iter().map(axis).collect()).ok_or_else(|| bad("no shape of an array"))
}

/// The dtype that a pickle makes by `numpy.dtype('f8', False, True)` and a state.
///
/// # Errors
/// `WrongType` if it is none; `InvalidArray` with the path from it.
fn dtype(value: Value<'_>) -> Result<Dtype> {
    DtypeReader::default().read(value, DEPTH)
}

/// Dtypes that were met, so that one that stands in many places is read once; nothing for those being read.
#[derive(Default)]
struct DtypeReader {
    known: FxHashMap<Id, Option<Dtype>>,
}

impl DtypeReader {
    fn read(&mut self, value: Value<'_>, depth: u32) -> Result<Dtype> {
        let none = || Error::from(ErrorKind::WrongType { expected: "dtype", found: value.type_name() });
        let depth = depth.checked_sub(1).ok_or_else(|| bad(format!("a dtype of more than {DEPTH} levels")))?;
        let object = value.as_object().map_err(|_| none())?;
        let class = object.class_name().ok_or_else(none)?;
        if class.name() == "_convert_to_stringdtype_kwargs" && class.module().starts_with("numpy.") {
            return Ok(Dtype::String);
        }
        if !class.is("numpy", "dtype") {
            return Err(none());
        }
        let code = object.args().at(0)?;
        let state = Parts(object.state());
        let name = match code.node() {
            Node::Global(class) => return self.of_class(class.module(), class.name(), state, value.id(), depth),
            _ => latin1_text(code).ok_or_else(|| bad("no name of a dtype").at_path("@args[0]"))?,
        };
        let plain: Dtype = name.parse().map_err(|error: Error| error.at_path("@args[0]"))?;
        let is_big = state.get(1).and_then(latin1_text).is_some_and(|order| order == ">");
        Ok(match plain {
            Dtype::Void(len) => self.void(Some(len), state, value.id(), depth)?,
            Dtype::DateTime(unit, _) => Dtype::DateTime(time_unit(state.get(8), unit)?, order(is_big)),
            Dtype::TimeDelta(unit, _) => Dtype::TimeDelta(time_unit(state.get(8), unit)?, order(is_big)),
            plain if is_big => plain.with_byte_order(ByteOrder::Big),
            plain => plain,
        })
    }

    /// The type of elements of a class: a record, or a number of another library.
    fn of_class(&mut self, module: &str, name: &str, state: Parts<'_>, id: Id, depth: u32) -> Result<Dtype> {
        if let (true, Some(dtype)) = (module.starts_with("ml_dtypes"), named(name)) {
            return Ok(dtype);
        }
        self.void(None, state, id, depth)
    }

    /// A record, a sub-array, or just bytes.
    fn void(&mut self, len: Option<u64>, state: Parts<'_>, id: Id, depth: u32) -> Result<Dtype> {
        let own_size = state.get(5).and_then(|size| u64::try_from(size.as_i64().ok()?).ok());
        let size = own_size.or(len).unwrap_or(0);
        if size > 1 << 56 {
            return Err(bad(format!("elements of {size} bytes")));
        }
        let has_parts = [2, 3].iter().any(|index| state.get(*index).is_some_and(|part| !part.is_none()));
        if !has_parts {
            return Ok(Dtype::Void(size));
        }
        match self.known.entry(id) {
            Entry::Occupied(known) => return known.get().clone().ok_or_else(|| bad("a dtype that holds itself")),
            Entry::Vacant(place) => place.insert(None),
        };
        let dtype = match state.get(2).map(Value::node) {
            Some(Node::Tuple(sub)) => {
                let (Some(base), Some(shape)) = (sub.get(0), sub.get(1)) else {
                    return Err(bad("no sub-array").at_path("@state[2]"));
                };
                sub_array(self.read(base, depth)?, shape)?
            }
            _ => self.record(size, state, depth)?,
        };
        self.known.insert(id, Some(dtype.clone()));
        Ok(dtype)
    }

    fn record(&mut self, size: u64, state: Parts<'_>, depth: u32) -> Result<Dtype> {
        /// NumPy's flag for structs as C has them.
        const ALIGNED: i64 = 0x80;
        let names = state.get(3).and_then(|names| names.items().ok());
        let fields = state.get(4).and_then(|fields| fields.pairs().ok());
        let (Some(names), Some(fields)) = (names, fields) else {
            return Err(bad("no names of fields").at_path("@state[3]"));
        };
        let mut by_name = FxHashMap::default();
        for (name, field) in fields {
            by_name.insert(latin1_text(name), field);
        }
        let mut placed = Vec::new();
        for name in names {
            let path = || "@state[4]".to_owned();
            let name = latin1_text(name).ok_or_else(|| bad("a field's name that is no str").at_path("@state[3]"))?;
            let field = by_name.get(&Some(name.clone())).and_then(|field| field.items().ok());
            let field = field.ok_or_else(|| bad(format!("no field {name:?}")).at_path(path()))?;
            let offset = field.get(1).and_then(|offset| u64::try_from(offset.as_i64().ok()?).ok());
            let (Some(dtype), Some(offset)) = (field.get(0), offset) else {
                return Err(bad(format!("field {name:?} has no dtype or offset")).at_path(path()));
            };
            let dtype = self.read(dtype, depth)?;
            placed.push(Field { title: field.get(2).and_then(latin1_text), name, dtype, offset });
        }
        let flags = state.get(7).and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        Record::new(placed, size, flags & ALIGNED != 0).map(Dtype::Record)
    }
}

/// The state of a dtype: `(version, byte order, sub-array, names, fields, size, alignment, flags[, metadata])`.
#[derive(Clone, Copy)]
struct Parts<'g>(Option<Value<'g>>);

impl<'g> Parts<'g> {
    fn get(self, index: usize) -> Option<Value<'g>> {
        self.0?.items().ok()?.get(index)
    }
}

/// The dtype of this name in libraries that have more of them than NumPy.
pub(crate) fn named(name: &str) -> Option<Dtype> {
    Some(match name {
        "bfloat16" => Dtype::BFloat16,
        "float8_e4m3fn" => Dtype::Float8(Float8::E4M3Fn),
        "float8_e4m3fnuz" => Dtype::Float8(Float8::E4M3Fnuz),
        "float8_e5m2" => Dtype::Float8(Float8::E5M2),
        "float8_e5m2fnuz" => Dtype::Float8(Float8::E5M2Fnuz),
        _ => return None,
    })
}

fn order(is_big: bool) -> ByteOrder {
    if is_big { ByteOrder::Big } else { ByteOrder::Little }
}

/// The unit of a datetime dtype, from its metadata `({}, (b'ns', 1, 1, 1))`; `plain` without any.
fn time_unit(metadata: Option<Value<'_>>, plain: TimeUnit) -> Result<TimeUnit> {
    let Some(metadata) = metadata.filter(|metadata| !metadata.is_none()) else { return Ok(plain) };
    let read = || {
        let unit = metadata.items().ok()?.get(1)?.items().ok()?;
        let count = u32::try_from(unit.get(1)?.as_i64().ok()?).ok().filter(|count| *count > 0)?;
        Some(TimeUnit { count, unit: Unit::of(&latin1_text(unit.get(0)?)?)? })
    };
    read().ok_or_else(|| bad("no unit of time").at_path("@state[8]"))
}

/// A str or Python 2 `str`, or bytes, as text.
fn latin1_text(value: Value<'_>) -> Option<String> {
    match value.node() {
        Node::Str(text) => text.as_str().map(str::to_owned),
        Node::Py2Str(bytes) | Node::Bytes(bytes) => Some(bytes.iter().copied().map(char::from).collect()),
        Node::Object(object) => encoded(object).map(str::to_owned),
        _ => None,
    }
}

/// Protocol 2's ways to say bytes, in a graph that was read exactly: `_codecs.encode(text, 'latin1')`, `bytes()`.
fn encoded(object: Object<'_>) -> Option<&str> {
    let (class, args) = (object.class_name()?, object.args().items().ok()?);
    match (class.module(), class.name(), args.get(0), args.get(1)) {
        ("_codecs", "encode", Some(text), Some(encoding)) => {
            let is_latin1 = matches!(encoding.as_str(), Ok("latin1" | "latin-1"));
            text.as_str().ok().filter(|_| is_latin1)
        }
        ("builtins" | "__builtin__", "bytes", None, _) => Some(""),
        _ => None,
    }
}
