//! Arrays inside pickles: NumPy's and torch's, told by the calls that make them, with dtype, shape and where the data is.
//!
//! Only what a pickle says is read here; no element is touched but those that are asked for (`Array::elements`).

use std::borrow::Cow;

use crate::graph::{Node, Object, Value};
use crate::inspect::array::dtype::DType;

/// An array, matrix or tensor.
///
/// ```
/// use oiji::inspect::Array;
/// let graph = oiji::loads(b"cnumpy.core.numeric\n_frombuffer\n(C\x02\x01\x02cnumpy\ndtype\n(Vu1\n\x89\x88t\
///     R(K\x03V|\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb(K\x02tVC\ntR.")?;
/// let array = Array::of(graph.root()).unwrap();
/// assert_eq!((array.dtype(), array.shape()), ("uint8", &[2][..]));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Array<'g> {
    /// Its class, where that is not the plain one.
    pub(crate) class: Option<String>,
    pub(crate) tensor: bool,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<u64>,
    /// Whether the first index runs fastest.
    pub(crate) fortran: bool,
    pub(crate) data: Data<'g>,
}

/// Where the elements are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data<'g> {
    /// Bytes, as the pickle holds them.
    Bytes(&'g [u8]),
    /// A str whose code points are the bytes: Python 2 data read as Latin-1.
    Latin1(&'g str),
    /// A list of Python objects.
    Objects(Value<'g>),
    /// Out of band, or in a storage outside.
    Elsewhere,
}

impl<'g> Array<'g> {
    /// The array that a value is, if it is one.
    pub fn of(value: Value<'g>) -> Option<Self> {
        let object = value.as_object().ok()?;
        let class = object.class_name()?;
        match (class.module(), class.name()) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => reconstructed(object, 0),
            ("numpy.ma.core", "_mareconstruct") => reconstructed(object, 1),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => from_buffer(object),
            ("torch._utils", name) => tensor(name, object),
            _ => None,
        }
    }

    /// The dtype as NumPy writes it: `float64`, `>f8`, `<U5`, `object`.
    pub fn dtype(&self) -> &str {
        &self.dtype.name
    }

    /// Elements along each axis, outermost first.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Whether it is a tensor of torch.
    pub fn is_tensor(&self) -> bool {
        self.tensor
    }

    /// How many elements, if that many can be.
    pub fn count(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |count, axis| count.checked_mul(*axis))
    }

    /// The bytes that its elements take.
    pub fn size(&self) -> Option<u64> {
        self.count()?.checked_mul(self.dtype.size)
    }

    /// The shape as Python writes it: `(150, 4)`, `(3,)`.
    pub(crate) fn shape_text(&self) -> String {
        let axes: Vec<_> = self.shape.iter().map(u64::to_string).collect();
        if axes.len() == 1 { format!("({},)", axes[0]) } else { format!("({})", axes.join(", ")) }
    }

    /// The first elements as short text, at most `most`, the last index running fastest. Nothing for data that is elsewhere.
    pub(crate) fn elements(&self, most: usize) -> Vec<String> {
        let mut out = Vec::new();
        for number in 0..self.count().unwrap_or(0).min(most as u64) {
            let text = self.span(number).and_then(|(start, len)| match self.data {
                Data::Bytes(bytes) => self.dtype.short_element(bytes.get(start..start.checked_add(len)?)?),
                Data::Latin1(text) => self.dtype.short_element(&latin1(text, start, len)?),
                _ => None,
            });
            match text {
                Some(text) => out.push(text),
                None => break,
            }
        }
        out
    }

    /// Whether any element stands in the pickle.
    pub(crate) fn has_elements(&self) -> bool {
        !self.elements(1).is_empty()
    }

    /// All elements as exact text, in the same order.
    pub(crate) fn all_elements(&self) -> Elements<'g> {
        let bytes = match self.data {
            Data::Bytes(bytes) => Cow::Borrowed(bytes),
            Data::Latin1(text) => text.chars().map_while(|char| u8::try_from(u32::from(char)).ok()).collect(),
            _ => Cow::Borrowed(&[][..]),
        };
        let size = self.dtype.size.max(1);
        let count = self.count().unwrap_or(0).min(bytes.len() as u64 / size);
        Elements { array: self.clone(), bytes, next: 0, count }
    }

    /// Where the bytes of an element stand among the data, and how many they are.
    fn span(&self, number: u64) -> Option<(usize, usize)> {
        let offset = self.place(number)?.checked_mul(self.dtype.size)?;
        Some((usize::try_from(offset).ok()?, usize::try_from(self.dtype.size).ok()?))
    }

    /// Where the element with this number in C order stands among the data.
    fn place(&self, number: u64) -> Option<u64> {
        if !self.fortran {
            return Some(number);
        }
        let mut rest = number;
        let mut stride = self.count()?;
        let mut place = 0_u64;
        for axis in self.shape.iter().rev() {
            stride /= (*axis).max(1);
            place = place.checked_add((rest % (*axis).max(1)).checked_mul(stride)?)?;
            rest /= (*axis).max(1);
        }
        Some(place)
    }
}

/// The elements of an array, one after another.
#[derive(Debug)]
pub(crate) struct Elements<'g> {
    array: Array<'g>,
    bytes: Cow<'g, [u8]>,
    next: u64,
    /// How many there are data for.
    count: u64,
}

impl Elements<'_> {
    /// The number of the next one.
    pub(crate) fn number(&self) -> u64 {
        self.next
    }

    /// The next one, which stays the next.
    pub(crate) fn peek(&self) -> Option<String> {
        let (start, len) = self.array.span(self.next).filter(|_| self.next < self.count)?;
        self.array.dtype.element(self.bytes.get(start..start.checked_add(len)?)?)
    }
}

impl Iterator for Elements<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let text = self.peek();
        self.next += 1;
        text
    }
}

/// Bytes kept as the code points of a str.
fn latin1(text: &str, start: usize, len: usize) -> Option<Vec<u8>> {
    /// Looking for a place in a str is linear, so only near the start.
    const FAR: usize = 1 << 16;
    if start > FAR || len > FAR {
        return None;
    }
    let raw: Vec<u8> =
        text.chars().skip(start).take(len).map_while(|char| u8::try_from(u32::from(char)).ok()).collect();
    (raw.len() == len).then_some(raw)
}

/// `_reconstruct(class, (0,), b'b')` with the state `(version, shape, dtype, is_fortran, data)`.
fn reconstructed(object: Object<'_>, class_at: usize) -> Option<Array<'_>> {
    let class = object.args().at(0).ok()?.as_global().ok()?;
    let plain = class_at == 0 && class.is("numpy", "ndarray");
    let state = object.state()?.items().ok()?;
    // Before NumPy 1.0 there was no version.
    let from = usize::from(matches!(state.get(0)?.node(), Node::Int(_)));
    let value = |index: usize| state.get(from + index);
    let data = match value(3)?.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) | Node::ByteArray(bytes) => Data::Bytes(bytes),
        Node::Str(text) => Data::Latin1(text.as_str()?),
        Node::List(_) => Data::Objects(value(3)?),
        _ => return None,
    };
    let fortran = matches!(value(2)?.node(), Node::Bool(true) | Node::Int(1));
    let class = (!plain).then(|| class.to_string());
    Some(Array { class, tensor: false, dtype: DType::of(value(1)?)?, shape: shape(value(0)?)?, fortran, data })
}

/// `_frombuffer(buffer, dtype, shape, order)`.
fn from_buffer(object: Object<'_>) -> Option<Array<'_>> {
    let args = object.args();
    let buffer = args.at(0).ok()?;
    let data = match buffer.as_bytes() {
        Ok(bytes) => Data::Bytes(bytes),
        Err(_) => Data::Elsewhere,
    };
    let dtype = DType::of(args.at(1).ok()?)?;
    let fortran = args.at(3).ok().and_then(|order| order.as_str().ok()) == Some("F");
    Some(Array { class: None, tensor: false, dtype, shape: shape(args.at(2).ok()?)?, fortran, data })
}

/// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)` and its kin.
fn tensor<'g>(name: &str, object: Object<'g>) -> Option<Array<'g>> {
    let args = object.args();
    match name {
        "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3" => {}
        "_rebuild_parameter" | "_rebuild_parameter_with_state" => {
            let inner = args.at(0).ok()?.as_object().ok()?;
            let made = inner.class_name().filter(|class| class.module() == "torch._utils")?;
            if made.name().starts_with("_rebuild_parameter") {
                return None;
            }
            return Some(Array { class: Some("torch.nn.Parameter".to_owned()), ..tensor(made.name(), inner)? });
        }
        _ => return None,
    }
    let storage = args.at(0).ok()?;
    let Node::Persistent(id) = storage.node() else { return None };
    let dtype = match name {
        "_rebuild_tensor_v3" => DType::torch(args.at(6).ok()?.as_global().ok()?.name())?,
        _ => DType::torch_storage(id.at(1).ok()?.as_global().ok()?.name())?,
    };
    let shape = shape(args.at(2).ok()?)?;
    Some(Array { class: None, tensor: true, dtype, shape, fortran: false, data: Data::Elsewhere })
}

/// A tuple of lengths.
fn shape(value: Value<'_>) -> Option<Vec<u64>> {
    /// NumPy has at most 64 axes, torch 64 too.
    const MOST: usize = 64;
    let items = value.items().ok().filter(|items| items.len() <= MOST)?;
    items.iter().map(|axis| u64::try_from(axis.as_i64().ok()?).ok()).collect()
}
