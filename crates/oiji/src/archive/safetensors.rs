//! safetensors: a header of names, dtypes and shapes, and the data of all tensors. The crate of that name reads the
//! header; data is borrowed. It writes whole files in memory alone, so ours are written here, one tensor after another.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write;

use ::safetensors::tensor::{Dtype as Named, SafeTensors, TensorView};
use json_event_parser::{JsonEvent, WriterJsonSerializer};

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::zip::invalid;
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::{Array, ByteOrder, Dtype, Float8, Layout};
use crate::error::Result;
use crate::graph::{Graph, Made};

pub(crate) struct Safetensors<'a> {
    tensors: SafeTensors<'a>,
    /// The whole file.
    bytes: &'a [u8],
}

impl<'a> Safetensors<'a> {
    /// Whether some bytes begin with the length of a JSON object that is there.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        let Some((len, rest)) = bytes.split_first_chunk::<8>() else { return false };
        let len = u64::from_le_bytes(*len);
        rest.first() == Some(&b'{') && len >= 2 && len <= rest.len() as u64
    }

    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| invalid(format!("no safetensors: {error}")))?;
        Ok(Safetensors { tensors, bytes })
    }

    /// Names and tensors in the order of their data.
    fn in_order(&self) -> Vec<(&str, TensorView<'a>)> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(name, tensor)| (tensor.data().as_ptr() as usize, name.to_owned()));
        tensors
    }
}

impl<'a> Container<'a> for Safetensors<'a> {
    fn members(&self) -> Vec<Member> {
        let member = |(name, tensor): (&str, TensorView<'a>)| Member {
            name: name.to_owned(),
            size: tensor.data().len() as u64,
            stored_size: tensor.data().len() as u64,
            compression: Compression::Stored,
            offset: (tensor.data().as_ptr() as usize).checked_sub(self.bytes.as_ptr() as usize).map(|at| at as u64),
        };
        self.in_order().into_iter().map(member).collect()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let info = |(name, tensor): (&str, TensorView<'a>)| {
            Ok(ArrayInfo {
                name: name.to_owned(),
                dtype: dtype(tensor.dtype())?,
                shape: tensor.shape().iter().map(|axis| *axis as u64).collect(),
                member: name.to_owned(),
            })
        };
        self.in_order().into_iter().map(info).collect()
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let tensor = self.tensors.tensor(name).map_err(|_| no_array(name))?;
        let shape: Vec<u64> = tensor.shape().iter().map(|axis| *axis as u64).collect();
        Array::from_bytes(dtype(tensor.dtype())?, &shape, tensor.data())
    }

    fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        Ok(self.tensors.tensor(name).ok().map(|tensor| Cow::Borrowed(tensor.data())))
    }

    /// A dict of tensors as torch writes them, by `_rebuild_tensor_v3`.
    fn linked(&self, _: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = Graph::new();
        let function = graph.add_global("torch._utils", "_rebuild_tensor_v3")?;
        let ordered = graph.add_global("collections", "OrderedDict")?;
        let class = graph.add_global("torch.storage", "UntypedStorage")?;
        let (kind, device) = (graph.add_str("storage")?, graph.add_str("cpu")?);
        let mut pairs = Vec::new();
        for (name, tensor) in self.in_order() {
            let dtype = dtype(tensor.dtype())?;
            let name = graph.add_str(name)?;
            let shape: Vec<u64> = tensor.shape().iter().map(|axis| *axis as u64).collect();
            let (strides, _) = Layout::C.strides(&shape);
            let count = graph.add_int(tensor.data().len() as i64)?;
            let id = graph.add_tuple(&[kind, class, name, device, count])?;
            let storage = graph.add_persistent(id)?;
            let piece = graph.add_outside(Cow::Borrowed(tensor.data()));
            graph.link_outside(storage, piece);
            let shape = shape.iter().map(|axis| graph.add_int(*axis as i64)).collect::<Result<Vec<_>>>()?;
            let strides = strides.iter().map(|stride| graph.add_int(*stride)).collect::<Result<Vec<_>>>()?;
            let (shape, strides) = (graph.add_tuple(&shape)?, graph.add_tuple(&strides)?);
            let (offset, grad, nothing) = (graph.add_int(0)?, graph.add_bool(false)?, graph.add_tuple(&[])?);
            let hooks = graph.add_object(Made::Call, ordered, nothing, None)?;
            let dtype = graph.add_global("torch", &dtype.to_string())?;
            let args = graph.add_tuple(&[storage, offset, shape, strides, grad, hooks, dtype])?;
            pairs.push((name, graph.add_object(Made::Call, function, args, None)?));
        }
        let root = graph.add_dict(&pairs)?;
        graph.set_roots(vec![root]);
        Ok(graph)
    }
}

const LITTLE: ByteOrder = ByteOrder::Little;

/// Dtypes by their names there.
const DTYPES: &[(Named, Dtype)] = &[
    (Named::BOOL, Dtype::Bool),
    (Named::U8, Dtype::UInt(1, LITTLE)),
    (Named::I8, Dtype::Int(1, LITTLE)),
    (Named::U16, Dtype::UInt(2, LITTLE)),
    (Named::I16, Dtype::Int(2, LITTLE)),
    (Named::U32, Dtype::UInt(4, LITTLE)),
    (Named::I32, Dtype::Int(4, LITTLE)),
    (Named::U64, Dtype::UInt(8, LITTLE)),
    (Named::I64, Dtype::Int(8, LITTLE)),
    (Named::F16, Dtype::Float(2, LITTLE)),
    (Named::F32, Dtype::Float(4, LITTLE)),
    (Named::F64, Dtype::Float(8, LITTLE)),
    (Named::BF16, Dtype::BFloat16),
    (Named::C64, Dtype::Complex(8, LITTLE)),
    (Named::F8_E4M3, Dtype::Float8(Float8::E4M3Fn)),
    (Named::F8_E5M2, Dtype::Float8(Float8::E5M2)),
    (Named::F8_E4M3FNUZ, Dtype::Float8(Float8::E4M3Fnuz)),
    (Named::F8_E5M2FNUZ, Dtype::Float8(Float8::E5M2Fnuz)),
];

fn dtype(named: Named) -> Result<Dtype> {
    let found = DTYPES.iter().find(|(other, _)| *other == named);
    found.map(|(_, dtype)| dtype.clone()).ok_or_else(|| invalid(format!("tensors of {named} are not read here")))
}

/// The name of a dtype there, in whatever order its bytes are.
pub(crate) fn word(dtype: &Dtype) -> Result<Named> {
    let little = dtype.with_byte_order(LITTLE);
    let named = DTYPES.iter().find(|(_, dtype)| *dtype == little).map(|(named, _)| *named);
    named.ok_or_else(|| invalid(format!("safetensors has no word for {dtype}")))
}

/// Writes tensors under their names, in C order. The order of bytes becomes little-endian.
///
/// # Errors
/// `Io`; `InvalidArchive` for a dtype that safetensors has no word for, and if two have one name.
pub fn save_safetensors<'n, 'd: 'n, W: Write>(
    mut to: W,
    arrays: impl IntoIterator<Item = (&'n str, &'n Array<'d>)>,
) -> Result<()> {
    let mut names = HashSet::new();
    let mut tensors = Vec::new();
    for (name, array) in arrays {
        if !names.insert(name) {
            return Err(invalid(format!("two arrays are called {name}")));
        }
        let named = word(array.dtype()).map_err(|error| invalid(format!("{name}: {error}")))?;
        tensors.push((name, named, array));
    }
    // As the crate orders them: the largest elements first, so that all are aligned, and then by name.
    tensors.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    to.write_all(&header(&tensors)?)?;
    for (_, _, array) in tensors {
        // What stands so already is not copied, and of what does not one array at a time.
        if array.dtype().with_byte_order(LITTLE) == *array.dtype() {
            to.write_all(&array.c_order_bytes()?)?;
        } else {
            to.write_all(&array.to_little_endian()?.c_order_bytes()?)?;
        }
    }
    Ok(())
}

/// Names, dtypes, shapes and places of tensors as JSON, with its length before it and spaces after it.
fn header(tensors: &[(&str, Named, &Array<'_>)]) -> Result<Vec<u8>> {
    const ALIGNMENT: usize = 8;
    let mut json = WriterJsonSerializer::new(vec![0; 8]);
    json.serialize_event(JsonEvent::StartObject)?;
    let mut end = 0_u64;
    for (name, named, array) in tensors {
        let start = end;
        end = end.checked_add(array.size()).ok_or_else(|| invalid("more bytes than 64 bits can count"))?;
        json.serialize_event(JsonEvent::ObjectKey((*name).into()))?;
        json.serialize_event(JsonEvent::StartObject)?;
        json.serialize_event(JsonEvent::ObjectKey("dtype".into()))?;
        json.serialize_event(JsonEvent::String(named.to_string().into()))?;
        for (key, numbers) in [("shape", array.shape()), ("data_offsets", &[start, end])] {
            json.serialize_event(JsonEvent::ObjectKey(key.into()))?;
            json.serialize_event(JsonEvent::StartArray)?;
            for number in numbers {
                json.serialize_event(JsonEvent::Number(number.to_string().into()))?;
            }
            json.serialize_event(JsonEvent::EndArray)?;
        }
        json.serialize_event(JsonEvent::EndObject)?;
    }
    json.serialize_event(JsonEvent::EndObject)?;
    let mut bytes = json.finish()?;
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), b' ');
    let len = (bytes.len() - 8) as u64;
    bytes[..8].copy_from_slice(&len.to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_crate() {
        let wide = Array::from_values(&[1.5_f64, 2.5], &[2, 1]).unwrap();
        let narrow = Array::from_values(&[1_u8, 2, 3], &[3]).unwrap();
        let none = Array::from_values::<i32>(&[], &[0, 2]).unwrap();
        let arrays = [("b \"ü", &narrow), ("none", &none), ("z", &wide), ("a", &wide)];
        let mut ours = Vec::new();
        save_safetensors(&mut ours, arrays).unwrap();
        let views: Vec<(String, TensorView<'_>)> = arrays
            .iter()
            .map(|(name, array)| {
                let Cow::Borrowed(bytes) = array.c_order_bytes().unwrap() else { unreachable!() };
                let shape = array.shape().iter().map(|axis| *axis as usize).collect();
                ((*name).to_owned(), TensorView::new(word(array.dtype()).unwrap(), shape, bytes).unwrap())
            })
            .collect();
        assert_eq!(ours, ::safetensors::serialize(views, None).unwrap());
    }
}
