//! The array itself: dtype, shape, layout and data. Where it comes from (`npy`, `pickled`, `tensor`) it does not know.

use std::borrow::Cow;
use std::sync::Arc;

use crate::array::dtype::{AXES, ByteOrder, Dtype, bad, count, shape_text};
use crate::array::elements::{Cursor, swap_to_little};
use crate::array::layout::Layout;
use crate::array::number::Element;
use crate::array::quantized::{Quantized, unpacked};
use crate::error::{ErrorKind, Result};
use crate::graph::{Graph, Id, Items, Value};

/// An array: elements of one type along axes. Its data is borrowed wherever it can be.
///
/// Elements along axes are told outermost first, in a `.npy` file as in a pickle.
///
/// ```
/// use oiji::array::Array;
/// let array = Array::from_values(&[1.5_f64, 2.5, 3.5, 4.5], &[2, 2])?;
/// let npy = array.to_npy()?;
/// let again = Array::from_npy(&npy)?;
/// assert_eq!((again.dtype().to_string().as_str(), again.shape()), ("float64", &[2, 2][..]));
/// assert_eq!(again.to_vec::<f64>()?, [1.5, 2.5, 3.5, 4.5]);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Array<'a> {
    pub(crate) class: Option<String>,
    pub(crate) is_tensor: bool,
    dtype: Dtype,
    shape: Vec<u64>,
    layout: Layout,
    data: Data<'a>,
    pub(crate) masked: Option<Box<Masked<'a>>>,
    pub(crate) quantized: Option<Quantized<'a>>,
}

/// What an array is made of.
///
/// ```
/// use oiji::array::{Array, Data};
/// let array = Array::from_values(&[1_u8, 2], &[2])?;
/// assert!(matches!(array.data(), Data::Bytes(bytes) if **bytes == [1, 2]));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Data<'a> {
    /// The bytes of its elements, as its layout has them.
    Bytes(Cow<'a, [u8]>),
    /// The same as code points of a str: what becomes of Python 2's data where strings are decoded as Latin-1.
    Latin1(&'a str),
    /// Python objects in C order, whatever the layout.
    Objects(Objects<'a>),
    /// An out-of-band buffer that the reader was not given, by its number.
    Buffer(u64),
    /// A storage kept outside of the pickle, by its persistent id.
    Persistent(Value<'a>),
}

/// The elements of an array of Python objects.
///
/// ```
/// use oiji::array::Array;
/// let graph = oiji::pickle!(["two", (3, 4)])?;
/// let array = Array::from_objects(graph.root(), &[2])?;
/// let objects = array.objects().unwrap();
/// assert_eq!(objects.get(0).unwrap().as_str()?, "two");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Objects<'a>(ObjectList<'a>);

#[derive(Clone, Debug)]
enum ObjectList<'a> {
    /// A list in a graph that holds more.
    In(Value<'a>),
    /// A list in a graph of its own.
    Own(Arc<Graph<'a>>, Id),
}

/// What a masked array has besides its data.
///
/// ```
/// use oiji::array::Array;
/// let array = Array::from_values(&[1_u8, 2], &[2])?;
/// assert!(array.masked().is_none());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Masked<'a> {
    /// Which elements are masked: bools, of the same shape.
    pub mask: Array<'a>,
    /// What stands in place of masked elements.
    pub fill_value: Option<Value<'a>>,
}

impl<'a> Array<'a> {
    /// An array of `dtype`; `shape` in elements, outermost first.
    ///
    /// # Errors
    /// `InvalidArray` if dtype, shape and layout ask for more or fewer bytes (objects) than there are, or for more than can
    /// be.
    pub fn new(dtype: Dtype, shape: &[u64], layout: Layout, data: Data<'a>) -> Result<Array<'a>> {
        /// More bytes than any memory has: so sums of sizes never overflow.
        const MOST: u64 = 1 << 60;
        let told = || format!("shape {} of {dtype}", shape_text(shape));
        if shape.len() > AXES {
            return Err(bad(format!("{} axes; NumPy has at most {AXES}", shape.len())));
        }
        let Some(count) = count(shape).filter(|count| *count <= MOST) else {
            return Err(bad(format!("{}: more elements than can be", told())));
        };
        let extent = layout.extent(shape, count)?;
        let needed = extent.checked_mul(dtype.size()).filter(|size| *size <= MOST);
        let Some(needed) = needed else {
            return Err(bad(format!("{}: more bytes than can be", told())));
        };
        let is_strided = matches!(layout, Layout::Strided { .. });
        let fits = |found: u64| if is_strided { needed <= found } else { needed == found };
        match &data {
            Data::Bytes(bytes) if dtype.has_objects() => {
                return Err(bad(format!("{} has objects, but {} bytes are given", told(), bytes.len())));
            }
            Data::Bytes(bytes) if !fits(bytes.len() as u64) => {
                return Err(bad(format!("{} takes {needed} bytes, not {}", told(), bytes.len())));
            }
            // One or two bytes each; counting them all is for later.
            Data::Latin1(text) if !(needed <= text.len() as u64 && text.len() as u64 / 2 <= needed) => {
                return Err(bad(format!("{} takes {needed} bytes, and the data is a str of {}", told(), text.len())));
            }
            Data::Objects(objects) if objects.items().len() as u64 != count => {
                return Err(bad(format!("{} takes {count} objects, not {}", told(), objects.items().len())));
            }
            _ => {}
        }
        let shape = shape.to_vec();
        Ok(Array { class: None, is_tensor: false, dtype, shape, layout, data, masked: None, quantized: None })
    }

    /// An array of bytes in C order.
    ///
    /// # Errors
    /// As for [`Array::new`].
    pub fn from_bytes(dtype: Dtype, shape: &[u64], bytes: impl Into<Cow<'a, [u8]>>) -> Result<Array<'a>> {
        Array::new(dtype, shape, Layout::C, Data::Bytes(bytes.into()))
    }

    /// An array of the items of a list or tuple, in C order.
    ///
    /// # Errors
    /// `WrongType` if `list` is neither; as for [`Array::new`].
    pub fn from_objects(list: Value<'a>, shape: &[u64]) -> Result<Array<'a>> {
        list.items()?;
        Array::new(Dtype::Object, shape, Layout::C, Data::Objects(Objects(ObjectList::In(list))))
    }

    /// What its elements are.
    pub fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    /// `shape` in elements, outermost first.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Where its elements are among its data.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What it is made of.
    pub fn data(&self) -> &Data<'a> {
        &self.data
    }

    /// What it is made of, for good.
    pub fn into_data(self) -> Data<'a> {
        self.data
    }

    /// Its class, where that is not the plain one: `numpy.matrix`, `numpy.ma.core.MaskedArray`, `torch.nn.Parameter`.
    pub fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }

    /// Mask and fill value of a masked array.
    pub fn masked(&self) -> Option<&Masked<'a>> {
        self.masked.as_deref()
    }

    /// How many elements.
    pub fn count(&self) -> u64 {
        // Checked when it was made.
        count(&self.shape).unwrap_or(0)
    }

    /// The bytes that its elements take; those of a strided array may be fewer or more than its data.
    pub fn size(&self) -> u64 {
        self.count().saturating_mul(self.dtype.size())
    }

    /// The Python objects it holds, in C order.
    pub fn objects(&self) -> Option<Items<'_>> {
        match &self.data {
            Data::Objects(objects) => Some(objects.items()),
            _ => None,
        }
    }

    /// The list of objects in the graph that it was read from.
    pub(crate) fn object_list(&self) -> Option<Value<'a>> {
        match &self.data {
            Data::Objects(Objects(ObjectList::In(list))) => Some(*list),
            _ => None,
        }
    }

    /// Its bytes as its layout has them.
    ///
    /// # Errors
    /// `InvalidArray` for arrays of objects, and where the data is kept elsewhere.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        match &self.data {
            Data::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Data::Latin1(text) => {
                let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
                let needed = self.layout.extent(&self.shape, self.count())?.saturating_mul(self.dtype.size());
                match bytes {
                    Some(bytes) if bytes.len() as u64 == needed => Ok(Cow::Owned(bytes)),
                    _ => Err(bad("its data was decoded, but not as Latin-1; read it without an encoding")),
                }
            }
            Data::Objects(_) => Err(bad("an array of objects has no bytes")),
            Data::Buffer(index) => Err(ErrorKind::MissingBuffer { index: *index }.into()),
            Data::Persistent(id) => Err(bad(format!("its data is kept outside of the pickle: {id}"))),
        }
    }

    /// Its bytes in C order, without a copy where they stand so.
    ///
    /// # Errors
    /// As for [`Array::bytes`]; `Limit` for strides that repeat elements into more than 256 MiB.
    pub fn c_order_bytes(&self) -> Result<Cow<'_, [u8]>> {
        let bytes = self.bytes()?;
        if self.layout.is_c(&self.shape) {
            let len = usize::try_from(self.size()).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[..len]),
                Cow::Owned(mut bytes) => {
                    bytes.truncate(len);
                    Cow::Owned(bytes)
                }
            });
        }
        self.check_repeated(bytes.len())?;
        let mut out = Vec::with_capacity(usize::try_from(self.size()).unwrap_or(0));
        let mut cursor = Cursor::new(bytes, self);
        while let Some(raw) = cursor.next() {
            out.extend_from_slice(raw);
        }
        Ok(Cow::Owned(out))
    }

    /// Checks that walking over all elements is no more work than their bytes, or some, are worth.
    pub(crate) fn check_repeated(&self, len: usize) -> Result<()> {
        /// Strides of zero make an array of any size out of one element.
        const REPEATED: u64 = 1 << 28;
        if self.size() > (len as u64).max(REPEATED) {
            return Err(ErrorKind::Limit { limit: "bytes of repeated elements", allowed: REPEATED }.into());
        }
        Ok(())
    }

    /// Whether files hold it in Fortran order: where it stands so in memory and not in C order too.
    pub(crate) fn is_fortran(&self) -> bool {
        self.layout == Layout::Fortran && !self.layout.is_c(&self.shape)
    }

    /// Its bytes as files hold them: in Fortran order if `is_fortran`, else in C order.
    pub(crate) fn file_bytes(&self) -> Result<Cow<'_, [u8]>> {
        if self.is_fortran() { self.bytes() } else { self.c_order_bytes() }
    }

    /// The same array in C order, with the lowest byte of each number first.
    ///
    /// # Errors
    /// As for [`Array::c_order_bytes`].
    pub fn to_little_endian(&self) -> Result<Array<'_>> {
        let mut bytes = self.c_order_bytes()?;
        let dtype = self.dtype.with_byte_order(ByteOrder::Little);
        if dtype != self.dtype {
            let size = usize::try_from(dtype.size()).unwrap_or(usize::MAX).max(1);
            for raw in bytes.to_mut().chunks_exact_mut(size) {
                swap_to_little(&self.dtype, raw);
            }
        }
        let mut array = Array::new(dtype, &self.shape, Layout::C, Data::Bytes(bytes))?;
        array.class.clone_from(&self.class);
        Ok(array)
    }

    /// The same array with its axes in opposite order; no data is moved.
    ///
    /// # Errors
    /// `InvalidArray` for arrays of objects, which have no layout but C.
    pub fn transposed(&self) -> Result<Array<'a>> {
        if matches!(self.data, Data::Objects(_)) {
            return Err(bad("objects stand in C order alone"));
        }
        let layout = match &self.layout {
            Layout::C => Layout::Fortran,
            Layout::Fortran => Layout::C,
            Layout::Strided { offset, strides } => {
                Layout::Strided { offset: *offset, strides: strides.iter().rev().copied().collect() }
            }
        };
        let mut array = Array { layout, masked: None, ..self.clone() };
        array.shape.reverse();
        array.quantized = array.quantized.map(|quantized| quantized.transposed(array.shape.len()));
        Ok(array)
    }

    /// A tensor of torch that looks into `bytes`.
    ///
    /// # Errors
    /// As for [`Array::new`].
    #[cfg(feature = "archive")]
    pub(crate) fn tensor(
        dtype: Dtype,
        shape: &[u64],
        layout: Layout,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<Array<'a>> {
        let array = Array::new(dtype, shape, layout, Data::Bytes(bytes.into()))?;
        Ok(Array { is_tensor: true, ..array })
    }

    /// The same array, its numbers said to have their highest byte first.
    #[cfg(feature = "archive")]
    pub(crate) fn big_endian(self) -> Array<'a> {
        Array { dtype: self.dtype.with_byte_order(ByteOrder::Big), ..self }
    }

    /// The same array with its data, where that was kept elsewhere; without what it is masked or quantized by. Elements of which
    /// torch puts several into a byte are taken out of it.
    ///
    /// # Errors
    /// As for [`Array::new`].
    pub fn with_bytes<'b>(self, bytes: impl Into<Cow<'b, [u8]>>) -> Result<Array<'b>> {
        let bytes = unpacked(&self.dtype, bytes.into());
        let array = Array::new(self.dtype, &self.shape, self.layout, Data::Bytes(bytes))?;
        Ok(Array { class: self.class, is_tensor: self.is_tensor, ..array })
    }

    /// The same array with a copy of all that it borrows; a masked one without its fill value.
    ///
    /// # Errors
    /// As for [`Array::bytes`], but for objects; `Limit` for too many.
    pub fn into_owned(self) -> Result<Array<'static>> {
        let masked = match self.masked {
            Some(masked) => Some(Box::new(Masked { mask: masked.mask.into_owned_plain()?, fill_value: None })),
            None => None,
        };
        let array = Array { masked: None, ..self }.with_parts(Array::into_owned_plain)?;
        Ok(Array { masked, ..array })
    }

    fn into_owned_plain(self) -> Result<Array<'static>> {
        let data = match &self.data {
            Data::Objects(objects) => {
                let mut graph = Graph::new();
                let list = graph.add_copy(objects.list())?;
                graph.set_roots(vec![list]);
                Data::Objects(Objects(ObjectList::Own(Arc::new(graph), list)))
            }
            Data::Bytes(bytes) => Data::Bytes(Cow::Owned(bytes.to_vec())),
            Data::Buffer(index) => Data::Buffer(*index),
            Data::Latin1(_) | Data::Persistent(_) => Data::Bytes(Cow::Owned(self.bytes()?.into_owned())),
        };
        let Array { class, is_tensor, dtype, shape, layout, .. } = self;
        Ok(Array { class, is_tensor, dtype, shape, layout, data, masked: None, quantized: None })
    }

    /// The same data under another shape, which has as many elements.
    pub(crate) fn reshaped(self, shape: &[u64]) -> Result<Array<'a>> {
        let array = Array::new(self.dtype, shape, self.layout, self.data)?;
        Ok(Array { class: self.class, ..array })
    }

    /// One field of an array of records, as an array of its own.
    ///
    /// # Errors
    /// `NoSuchPath` if there is no such field; as for [`Array::c_order_bytes`].
    pub fn field(&self, name: &str) -> Result<Array<'static>> {
        let field = match &self.dtype {
            Dtype::Record(record) => record.field(name),
            _ => None,
        };
        let Some(field) = field else {
            return Err(ErrorKind::NoSuchPath { step: format!("field {name:?} in {}", self.dtype) }.into());
        };
        // Fields lie inside the element.
        let (start, len) = (field.offset as usize, field.dtype.size() as usize);
        let mut out = Vec::new();
        let bytes = self.bytes()?;
        self.check_repeated(bytes.len())?;
        let mut cursor = Cursor::new(bytes, self);
        while let Some(raw) = cursor.next() {
            out.extend_from_slice(raw.get(start..start + len).unwrap_or_default());
        }
        match &field.dtype {
            Dtype::SubArray(sub) => {
                let shape: Vec<u64> = self.shape.iter().chain(sub.shape()).copied().collect();
                Array::from_bytes(sub.dtype().clone(), &shape, out)
            }
            dtype => Array::from_bytes(dtype.clone(), &self.shape, out),
        }
    }
}

impl Array<'static> {
    /// An array of numbers in C order.
    ///
    /// # Errors
    /// `InvalidArray` if the shape asks for another count of them.
    pub fn from_values<T: Element>(values: &[T], shape: &[u64]) -> Result<Array<'static>> {
        let mut bytes = Vec::with_capacity(size_of_val(values));
        for value in values {
            value.write_le(&mut bytes);
        }
        Array::from_bytes(T::DTYPE, shape, bytes)
    }
}

impl<'a> Objects<'a> {
    pub(crate) fn in_graph(list: Value<'a>) -> Objects<'a> {
        Objects(ObjectList::In(list))
    }

    /// A list in a graph that is kept with the array.
    pub(crate) fn with_graph(graph: Graph<'a>, list: Id) -> Objects<'a> {
        Objects(ObjectList::Own(Arc::new(graph), list))
    }

    /// Where the list of them is in its graph.
    pub(crate) fn id(&self) -> Id {
        self.list().id()
    }

    /// The list, or tuple, of them.
    pub(crate) fn list(&self) -> Value<'_> {
        match &self.0 {
            ObjectList::In(list) => *list,
            ObjectList::Own(graph, list) => graph.value(*list),
        }
    }

    /// The objects, in C order.
    pub fn items(&self) -> Items<'_> {
        let list = self.list();
        // It is made of lists and tuples alone.
        list.items().unwrap_or_else(|_| Items::none(list.graph()))
    }
}
