//! `.npy` files, versions 1 to 3: a header that is a Python literal, then the bytes of the elements, or one pickle of the
//! whole array where elements are Python objects.
//!
//! Reading borrows the data. Headers are read by `literal` and `descr`, for reasons that `literal` tells, and are written as
//! NumPy 2 writes them, byte for byte.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::array::array::{Array, Data};
use crate::array::descr;
use crate::array::dtype::{AXES, Dtype, bad, shape_text};
use crate::array::layout::Layout;
use crate::array::literal::{Charset, read_literal};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, ReadOptions, Value, WriteOptions};

/// The first bytes of every `.npy` file.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// What a `.npy` file says before its data.
///
/// ```
/// use oiji::array::{Array, NpyHeader};
/// let npy = Array::from_values(&[1_u8, 2], &[2])?.to_npy()?;
/// let header = NpyHeader::read(&npy)?;
/// assert_eq!((header.dtype.to_string().as_str(), header.data_offset, header.data_len()), ("uint8", 128, Some(2)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// What elements are. For objects the pickle that follows says it once more, and better.
    pub dtype: Dtype,
    /// `shape` in elements, outermost first.
    pub shape: Vec<u64>,
    /// Whether the first index runs fastest.
    pub fortran_order: bool,
    /// Where the data begins, in bytes from the start of the file.
    pub data_offset: u64,
}

impl NpyHeader {
    /// Reads what stands at the start of `npy`. The data need not be there.
    ///
    /// # Errors
    /// `InvalidArray`, `UnexpectedEnd`, with the offset.
    pub fn read(npy: &[u8]) -> Result<NpyHeader> {
        let end = |expected: &'static str| Error::from(ErrorKind::UnexpectedEnd { expected }).at(npy.len() as u64);
        if npy.get(..MAGIC.len()).is_none_or(|magic| magic != MAGIC) {
            return Err(bad("no .npy file: it does not begin with \\x93NUMPY").at(0));
        }
        let version = npy.get(6..8).ok_or_else(|| end("the version"))?;
        let (start, charset) = match version[0] {
            1 => (10, Charset::Latin1),
            2 => (12, Charset::Latin1),
            3 => (12, Charset::Utf8),
            version => return Err(bad(format!("unknown version {version} of .npy; the highest is 3")).at(6)),
        };
        let len = match npy.get(8..start).ok_or_else(|| end("the length of the header"))? {
            [low, high] => usize::from(u16::from_le_bytes([*low, *high])),
            len => len.try_into().map_or(usize::MAX, |len| u32::from_le_bytes(len) as usize),
        };
        let text = start.checked_add(len).and_then(|end| npy.get(start..end)).ok_or_else(|| end("the header"))?;
        let at = |error: Error| error.shifted(start as u64);
        let literal = read_literal(text, charset).map_err(at)?;
        NpyHeader::of(literal.root(), (start + len) as u64).map_err(at)
    }

    fn of(literal: Value<'_>, data_offset: u64) -> Result<NpyHeader> {
        const KEYS: [&str; 3] = ["descr", "fortran_order", "shape"];
        let pairs = literal.pairs().map_err(|_| bad("the header is no dict"))?;
        let [descr, fortran, shape] = KEYS.map(|key| pairs.get(key));
        let (Some(descr), Some(fortran), Some(shape), 3) = (descr, fortran, shape, pairs.len()) else {
            return Err(bad("the header must have descr, fortran_order and shape, and nothing else"));
        };
        let fortran_order = fortran.as_bool().map_err(|_| bad("no bool").at_path("fortran_order"))?;
        let axes = shape.items().ok().filter(|axes| axes.len() <= AXES);
        let axis = |axis: Value<'_>| axis.as_i64().ok().and_then(|axis| u64::try_from(axis).ok());
        let shape = axes.and_then(|axes| axes.iter().map(axis).collect::<Option<Vec<u64>>>());
        let shape = shape.ok_or_else(|| bad("no tuple of lengths").at_path("shape"))?;
        Ok(NpyHeader { dtype: descr::from_descr(descr)?, shape, fortran_order, data_offset })
    }

    /// Bytes of data, if that many can be. Nothing for objects: their pickle is as long as it is.
    pub fn data_len(&self) -> Option<u64> {
        if self.dtype.has_objects() {
            return None;
        }
        crate::array::dtype::count(&self.shape)?.checked_mul(self.dtype.size())
    }

    fn layout(&self) -> Layout {
        if self.fortran_order { Layout::Fortran } else { Layout::C }
    }

    /// The header as NumPy 2 writes it, padded so that the data begins at a multiple of 64.
    ///
    /// # Errors
    /// `InvalidArray` for dtypes that headers cannot tell.
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        const ALIGNMENT: usize = 64;
        /// NumPy leaves room for an axis to grow to as many digits.
        const DIGITS: usize = 21;
        let mut text = String::from("{'descr': ");
        self.dtype.write_descr(&mut text)?;
        let order = if self.fortran_order { "True" } else { "False" };
        let _ = write!(text, ", 'fortran_order': {order}, 'shape': {}, }}", shape_text(&self.shape));
        let growing = if self.fortran_order { self.shape.last() } else { self.shape.first() };
        if let Some(axis) = growing {
            let room = DIGITS.saturating_sub(axis.to_string().len());
            text.extend(std::iter::repeat_n(' ', room));
        }
        let latin1: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
        let (text, is_latin1) = match latin1 {
            Some(bytes) => (bytes, true),
            None => (text.into_bytes(), false),
        };
        let padded = |start: usize| (start + text.len() + 1).next_multiple_of(ALIGNMENT) - start;
        let (version, start, len) = match u16::try_from(padded(10)) {
            Ok(len) if is_latin1 => (1, 10, usize::from(len)),
            _ => (if is_latin1 { 2 } else { 3 }, 12, padded(12)),
        };
        let mut out = Vec::with_capacity(start + len);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[version, 0]);
        if version == 1 {
            out.extend_from_slice(&(len as u16).to_le_bytes());
        } else {
            let len = u32::try_from(len).map_err(|_| bad("a header of more than 4 GiB"))?;
            out.extend_from_slice(&len.to_le_bytes());
        }
        out.extend_from_slice(&text);
        out.resize(start + len - 1, b' ');
        out.push(b'\n');
        Ok(out)
    }
}

impl<'a> Array<'a> {
    /// Reads a `.npy` file. Its data is borrowed, so that a mapped file is read as far as it is looked at; what follows the
    /// data is not looked at.
    ///
    /// # Errors
    /// `InvalidArray`, `UnexpectedEnd`, with the offset; for arrays of objects what the pickle says.
    pub fn from_npy(npy: &'a [u8]) -> Result<Array<'a>> {
        Array::from_npy_with(npy, &ReadOptions::new())
    }

    /// As [`Array::from_npy`], with options for the pickle that holds an array of objects.
    ///
    /// # Errors
    /// As for [`Array::from_npy`].
    pub fn from_npy_with(npy: &'a [u8], options: &ReadOptions<'a>) -> Result<Array<'a>> {
        let header = NpyHeader::read(npy)?;
        let (offset, end) = (header.data_offset, npy.len() as u64);
        // The header was there.
        let rest = &npy[offset as usize..];
        if header.dtype.has_objects() {
            let graph = options.from_slice(rest).map_err(|error| error.shifted(offset))?;
            return from_pickle(graph, &header).map_err(|error| error.at(offset));
        }
        let Some(len) = header.data_len() else {
            return Err(bad(format!("shape {}: more bytes than can be", shape_text(&header.shape))).at(offset));
        };
        let data = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let data = data.ok_or_else(|| Error::from(ErrorKind::UnexpectedEnd { expected: "the data" }).at(end))?;
        let (layout, data) = (header.layout(), Data::Bytes(Cow::Borrowed(data)));
        Array::new(header.dtype, &header.shape, layout, data).map_err(|error| error.at(offset))
    }

    /// As [`Array::from_npy`], of bytes that are given up: the array keeps them.
    ///
    /// # Errors
    /// As for [`Array::from_npy`].
    pub fn from_npy_vec(mut npy: Vec<u8>) -> Result<Array<'static>> {
        let array = Array::from_npy(&npy)?;
        if array.objects().is_some() {
            return array.into_owned();
        }
        let (dtype, shape, layout, len) =
            (array.dtype().clone(), array.shape().to_vec(), array.layout().clone(), array.size() as usize);
        let offset = NpyHeader::read(&npy)?.data_offset as usize;
        npy.truncate(offset + len);
        npy.drain(..offset);
        Array::new(dtype, &shape, layout, Data::Bytes(Cow::Owned(npy)))
    }

    /// A `.npy` file, as NumPy writes it. Strided arrays are written in C order.
    ///
    /// # Errors
    /// `InvalidArray` for dtypes that NumPy has not, and for data that is kept elsewhere.
    pub fn to_npy(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write_npy(&mut out)?;
        Ok(out)
    }

    /// Writes a `.npy` file: [`Array::to_npy`].
    ///
    /// # Errors
    /// As for [`Array::to_npy`], and `Io`.
    pub fn write_npy<W: Write>(&self, mut to: W) -> Result<()> {
        let mut header = NpyHeader {
            dtype: self.dtype().clone(),
            shape: self.shape().to_vec(),
            fortran_order: false,
            data_offset: 0,
        };
        if self.dtype().has_objects() {
            // Of a dtype that is not in headers, the pickle says it.
            if *self.dtype() == Dtype::String {
                header.dtype = Dtype::Object;
            }
            to.write_all(&header.to_vec()?)?;
            let mut graph = Graph::new();
            let root = graph.add_array(self)?;
            graph.set_roots(vec![root]);
            // The newest protocol that every Python with a NumPy reads.
            to.write_all(&WriteOptions::new().protocol(2).to_vec(&graph)?)?;
            return Ok(());
        }
        header.fortran_order = self.is_fortran();
        let bytes = self.file_bytes()?;
        to.write_all(&header.to_vec()?)?;
        to.write_all(&bytes)?;
        Ok(())
    }
}

/// The array that the pickle in a `.npy` file holds.
fn from_pickle<'a>(graph: Graph<'a>, header: &NpyHeader) -> Result<Array<'a>> {
    let array = Array::from_graph(graph)?;
    if array.shape() == header.shape { Ok(array) } else { array.reshaped(&header.shape) }
}

/// Reads the `.npy` file at `path`: [`Array::from_npy`].
///
/// ```no_run
/// let array = oiji::array::load("weights.npy")?;
/// println!("{} {:?}", array.dtype(), array.shape());
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// As for [`Array::from_npy`], and `Io`.
pub fn load(path: impl AsRef<Path>) -> Result<Array<'static>> {
    Array::from_npy_vec(fs::read(path)?)
}

/// Writes `array` to a `.npy` file at `path`. A file that was there is replaced as a whole, or not at all.
///
/// ```no_run
/// use oiji::array::{self, Array};
/// array::save("weights.npy", &Array::from_values(&[1.5_f32, 2.5], &[2])?)?;
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// As for [`Array::to_npy`], and `Io`.
pub fn save(path: impl AsRef<Path>, array: &Array<'_>) -> Result<()> {
    write_file(path.as_ref(), |file| array.write_npy(file))
}

/// Writes a file beside `path`, and puts it in its place when it is whole and on the disk.
pub(crate) fn write_file(path: &Path, write: impl FnOnce(&mut BufWriter<fs::File>) -> Result<()>) -> Result<()> {
    let beside = beside(path)?;
    let put = || -> Result<()> {
        let mut file = BufWriter::new(fs::File::create(&beside)?);
        // A file that is replaced keeps its mode.
        if let Ok(old) = fs::metadata(path) {
            file.get_ref().set_permissions(old.permissions())?;
        }
        write(&mut file)?;
        let file = file.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        Ok(fs::rename(&beside, path)?)
    };
    let written = put();
    if written.is_err() {
        // What failed is told; that nothing is left of it matters less.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The name of a file beside `path` that no other program writes.
pub(crate) fn beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Error::message(format!("{} names no file", path.display())))?;
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(beside))
}
