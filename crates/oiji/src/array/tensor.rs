//! Tensors of torch, told by the calls that rebuild them. Their storages are kept outside of the pickle, under persistent ids,
//! or where `pickle` itself wrote them as streams of their own (`storages`) in bytes.

use std::borrow::Cow;

use crate::array::array::{Array, Data};
use crate::array::dtype::{ByteOrder, Dtype, bad};
use crate::array::layout::Layout;
use crate::array::pickled::{named, shape};
use crate::array::quantized::Quantized;
use crate::array::storages::{Stream, persistent};
use crate::error::{ErrorKind, Result};
use crate::graph::{Node, Object, ReadOptions, Value};
use crate::limits::Limits;

/// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)` and its kin.
pub(crate) fn tensor<'g>(name: &str, object: Object<'g>) -> Option<Result<Array<'g>>> {
    match name {
        "_rebuild_parameter" | "_rebuild_parameter_with_state" => {
            let inner = object.args().at(0).ok()?.as_object().ok()?;
            let made = inner.class_name().filter(|class| class.module() == "torch._utils")?;
            if made.name().starts_with("_rebuild_parameter") {
                return None;
            }
            let mut array = tensor(made.name(), inner)?;
            if let Ok(array) = &mut array {
                array.class = Some("torch.nn.Parameter".to_owned());
            }
            Some(array)
        }
        "_rebuild_qtensor" => Some(rebuilt(name, object)?.and_then(|mut array| {
            if !matches!(array.dtype(), Dtype::Quantized(..)) {
                return Err(bad(format!("a quantized tensor of {}", array.dtype())));
            }
            array.quantized = Some(Quantized::read(object.args().at(4)?, array.shape())?);
            Ok(array)
        })),
        _ => rebuilt(name, object),
    }
}

/// The tensor that a value is, if no other is needed to read it: so that nothing goes down into tensors of tensors.
///
/// # Errors
/// `WrongType` if it is none; `InvalidArray` if it is told wrongly.
pub(crate) fn unquantized(value: Value<'_>) -> Result<Array<'_>> {
    let read = || {
        let object = value.as_object().ok()?;
        let called = object.class_name().filter(|called| called.module() == "torch._utils")?;
        if called.name() == "_rebuild_qtensor" { None } else { rebuilt(called.name(), object) }
    };
    read().unwrap_or_else(|| Err(ErrorKind::WrongType { expected: "tensor", found: value.type_name() }.into()))
}

fn rebuilt<'g>(name: &str, object: Object<'g>) -> Option<Result<Array<'g>>> {
    if !matches!(name, "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3" | "_rebuild_qtensor") {
        return None;
    }
    let args = object.args();
    let storage = args.at(0).ok()?;
    let dtype = |id: Value<'_>| match name {
        // A storage without a type does not say that its elements are to be taken apart.
        "_rebuild_tensor_v3" => {
            torch_dtype(args.at(6).ok()?.as_global().ok()?.name()).filter(|dtype| dtype.packed() == 1)
        }
        _ => storage_dtype(id.at(1).ok()?.as_global().ok()?.name()),
    };
    match storage.node() {
        Node::Persistent(id) => {
            let data = match storage.graph().outside(storage.id()) {
                Some(bytes) => Data::Bytes(Cow::Borrowed(bytes)),
                None => Data::Persistent(storage),
            };
            Some(strided(dtype(id)?, data, args))
        }
        Node::Object(object) => {
            let stream = nested(object)?;
            let id = persistent(stream.graph.root())?;
            // Several elements of a byte would be taken apart again for each who looks.
            let dtype = dtype(id).filter(|dtype| dtype.packed() == 1)?;
            let bytes = stream.storages.of_id(id).map(|bytes| Data::Bytes(Cow::Borrowed(bytes)));
            Some(bytes.and_then(|data| strided(dtype, data, args)))
        }
        _ => None,
    }
}

/// The stream of one storage that `_load_from_bytes` is called with in pickles of `pickle.dump`.
fn nested(call: Object<'_>) -> Option<Stream<'_>> {
    /// More than the pickles of one storage have. One stream may stand in many places.
    const OPS: u64 = 256;
    if !call.class_name()?.is("torch.storage", "_load_from_bytes") {
        return None;
    }
    let bytes = match call.args().at(0).ok()?.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) | Node::ByteArray(bytes) => bytes,
        _ => return None,
    };
    let limits = Limits { ops: OPS, ..Limits::default() };
    Stream::is_one(bytes).then(|| Stream::read(bytes, &ReadOptions::new().limits(limits)).ok()).flatten()
}

fn strided<'g>(dtype: Dtype, data: Data<'g>, args: Value<'g>) -> Result<Array<'g>> {
    let shape = shape(args.at(2)?)?;
    let offset = args.at(1)?.as_i64().ok().and_then(|offset| u64::try_from(offset).ok());
    let strides: Option<Vec<i64>> = args.at(3)?.items()?.iter().map(|stride| stride.as_i64().ok()).collect();
    let layout = match (offset, strides) {
        (Some(offset), Some(strides)) => Layout::Strided { offset, strides },
        _ => Layout::C,
    };
    let mut array = Array::new(dtype, &shape, layout, data)?;
    array.is_tensor = true;
    Ok(array)
}

impl Array<'_> {
    /// Whether it is a tensor of torch.
    pub fn is_tensor(&self) -> bool {
        self.is_tensor
    }
}

/// The dtype of a storage class: `FloatStorage`.
pub(crate) fn storage_dtype(storage: &str) -> Option<Dtype> {
    torch_dtype(match storage.strip_suffix("Storage")? {
        "Float" => "float32",
        "Double" => "float64",
        "Half" => "float16",
        "BFloat16" => "bfloat16",
        "Long" => "int64",
        "Int" => "int32",
        "Short" => "int16",
        "Char" => "int8",
        "Byte" => "uint8",
        "Bool" => "bool",
        "ComplexFloat" => "complex64",
        "ComplexDouble" => "complex128",
        "QInt8" => "qint8",
        "QUInt8" => "quint8",
        "QInt32" => "qint32",
        "QUInt4x2" => "quint4x2",
        "QUInt2x4" => "quint2x4",
        _ => return None,
    })
}

/// The dtype of torch with this name: `bfloat16`.
pub(crate) fn torch_dtype(name: &str) -> Option<Dtype> {
    let order = ByteOrder::Little;
    Some(match name {
        "bool" => Dtype::Bool,
        "float16" => Dtype::Float(2, order),
        "float32" => Dtype::Float(4, order),
        "float64" => Dtype::Float(8, order),
        "complex64" => Dtype::Complex(8, order),
        "complex128" => Dtype::Complex(16, order),
        "qint8" => Dtype::Quantized("qint8", 1),
        "quint8" => Dtype::Quantized("quint8", 1),
        "qint32" => Dtype::Quantized("qint32", 4),
        "quint4x2" => Dtype::Quantized("quint4x2", 1),
        "quint2x4" => Dtype::Quantized("quint2x4", 1),
        _ => return Dtype::int_named(name).or_else(|| named(name)),
    })
}
