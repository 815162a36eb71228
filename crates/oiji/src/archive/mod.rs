//! Archives: arrays and objects in one file, read lazily and without the library that made them.
//!
//! ```
//! use oiji::archive::{Archive, DumpOptions};
//! use oiji::array::Array;
//!
//! let mut graph = oiji::Graph::new();
//! let weights = graph.add_array(&Array::from_values(&[0.5_f64, 1.5], &[2])?)?;
//! let key = graph.add_str("weights")?;
//! let root = graph.add_dict(&[(key, weights)])?;
//! graph.set_roots(vec![root]);
//! let zip = DumpOptions::new().paths(true).to_vec(graph.root())?;   // what numpy.load lists and reads
//!
//! let archive = Archive::open(&zip)?;
//! assert_eq!(archive.arrays()?[0].name, "weights");
//! assert_eq!(archive.array("weights")?.to_f64s()?, [0.5, 1.5]);
//! let graph = archive.graph()?.expect("a robust archive has objects");
//! let array = archive.resolve(graph.root().get("weights")?)?.expect("an array");
//! assert_eq!(array.shape(), [2]);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! [`Archive`] tells a format by content and reads all of them in one way; a file for each format knows what it looks like.
//! `dump` writes robust archives, `zip` alone knows ZIP. The machine knows nothing of any of it: a pickle names what stands
//! outside by persistent ids.

mod container;
mod contents;
mod dump;
mod edit;
mod files;
mod joblib;
mod lone;
mod names;
mod npy;
mod npz;
mod progress;
mod robust;
#[cfg(feature = "safetensors")]
mod safetensors;
mod skops;
mod tar;
mod ties;
mod torch;
mod walk;
mod whole;
mod zip;

use std::borrow::Cow;
use std::fmt;

pub use contents::Contents;
pub use dump::DumpOptions;
pub use edit::{Editor, compact};
pub(crate) use joblib::joblib_spans;
pub use joblib::save_joblib;
pub use lone::{lone_file, may_be_packed};
pub use npz::{save_npz, save_npz_compressed};
pub use progress::Progress;
#[cfg(feature = "safetensors")]
pub use safetensors::save_safetensors;
#[cfg(feature = "migrate")]
pub(crate) use tar::{is_tar, rewritten as rewritten_tar};
pub use torch::save_torch;
pub(crate) use zip::Zip;
#[cfg(feature = "migrate")]
pub(crate) use zip::rewritten as rewritten_zip;

use crate::archive::container::{Budget, Container};
use crate::archive::files::Files;
use crate::archive::joblib::{Joblib, Wrapper, is_packed};
use crate::archive::npy::Npy;
use crate::archive::npz::Npz;
use crate::archive::progress::Counter;
use crate::archive::robust::Robust;
#[cfg(feature = "safetensors")]
use crate::archive::safetensors::Safetensors;
use crate::archive::skops::Skops;
use crate::archive::torch::{Distributed, Legacy, Parts, Tar, Torch};
use crate::archive::zip::invalid;
use crate::array::{Array, Dtype};
use crate::error::{Error, Result};
use crate::graph::{Graph, ReadOptions, Value};

/// A file of arrays and objects, in memory or mapped: nothing of an array is read before it is asked for.
///
/// ```
/// use oiji::archive::{Archive, Format, save_npz};
/// use oiji::array::Array;
/// let mut npz = Vec::new();
/// save_npz(&mut npz, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
/// let archive = Archive::open(&npz)?;
/// assert_eq!(archive.format(), Format::Npz);
/// assert_eq!(archive.array("x")?.to_vec::<u8>()?, [1, 2]);
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Archive<'a> {
    format: Format,
    container: Box<dyn Container<'a> + 'a>,
}

/// What the only array of a file is called.
pub(crate) const LONE: &str = "array";

/// What kind of file an archive is.
///
/// ```
/// assert_eq!(oiji::archive::Format::Robust.to_string(), "robust archive");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Format {
    /// What `numpy.save` writes: one array, which is called `array` here.
    Npy,
    /// What `numpy.savez` writes: arrays alone.
    Npz,
    /// Arrays as `.npy` members and the rest as the pickle `pkl`: [`DumpOptions`], `theano.misc.pkl_utils`.
    Robust,
    /// What `torch.save` writes since torch 1.6.
    Torch,
    /// What `torch.save` wrote from 0.1.10 to 1.5: pickles and storages one after another.
    TorchLegacy,
    /// What `torch.save` wrote before 0.1.10: a tar.
    TorchTar,
    /// A `.distcp` file of torch's distributed checkpoints: tensors by number.
    TorchParts,
    /// The file `.metadata` of a distributed checkpoint, which has names for what stands in the `.distcp` files beside it.
    TorchDistributed,
    /// Tensors of any framework, without objects.
    Safetensors,
    /// What `joblib.dump` writes: a pickle with the bytes of arrays between its ops, or in files beside it.
    Joblib,
    /// What `skops.io.dump` writes: arrays, and a tree of JSON that says what they belong to, which is read as a graph.
    Skops,
}

impl Format {
    /// Its name for machines: `npy`, `npz`, `robust`, `torch`, `torch-legacy`, `torch-tar`, `torch-parts`,
    /// `torch-distributed`, `safetensors`, `joblib`, `skops`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Npy => "npy",
            Format::Npz => "npz",
            Format::Robust => "robust",
            Format::Torch => "torch",
            Format::TorchLegacy => "torch-legacy",
            Format::TorchTar => "torch-tar",
            Format::TorchParts => "torch-parts",
            Format::TorchDistributed => "torch-distributed",
            Format::Safetensors => "safetensors",
            Format::Joblib => "joblib",
            Format::Skops => "skops",
        }
    }

    /// Whether an array can stand in a file of this format as it is.
    ///
    /// # Errors
    /// `InvalidArray`, `InvalidArchive` for a dtype that the format has no word for; as for [`Array::bytes`] where the data is
    /// elsewhere.
    ///
    /// ```
    /// use oiji::archive::Format;
    /// use oiji::array::{Array, Dtype};
    /// let half = Array::from_bytes(Dtype::BFloat16, &[1], &[0, 0x3f][..])?;
    /// assert!(Format::Npz.takes(&half).is_err());
    /// assert!(Format::Npz.takes(&half.to_float32()?).is_ok());
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn takes(self, array: &Array<'_>) -> Result<()> {
        match self {
            #[cfg(feature = "safetensors")]
            Format::Safetensors => safetensors::word(array.dtype()).map(drop)?,
            #[cfg(not(feature = "safetensors"))]
            Format::Safetensors => return Err(invalid("built without safetensors")),
            Format::Torch => torch::check_dtype(array.dtype())?,
            _ => Graph::new().add_dtype(array.dtype()).map(drop)?,
        }
        if array.objects().is_none() {
            array.bytes()?;
        }
        Ok(())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Npy => ".npy",
            Format::Npz => ".npz",
            Format::Robust => "robust archive",
            Format::Torch => "PyTorch checkpoint",
            Format::TorchLegacy => "PyTorch checkpoint of before 1.6",
            Format::TorchTar => "PyTorch checkpoint of before 0.1.10",
            Format::TorchParts => "part of a distributed PyTorch checkpoint",
            Format::TorchDistributed => "distributed PyTorch checkpoint",
            Format::Safetensors => "safetensors",
            Format::Joblib => "joblib",
            Format::Skops => "skops",
        })
    }
}

/// A member of an archive, as its directory has it.
///
/// ```
/// use oiji::archive::{Archive, Compression, save_npz};
/// use oiji::array::Array;
/// let mut npz = Vec::new();
/// save_npz(&mut npz, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
/// let members = Archive::open(&npz)?.members();
/// assert_eq!((members[0].name.as_str(), members[0].compression), ("x.npy", Compression::Stored));
/// assert_eq!(members[0].offset.unwrap() % 64, 0);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Member {
    /// Its name in the file.
    pub name: String,
    /// Bytes, decompressed.
    pub size: u64,
    /// Bytes in the file.
    pub stored_size: u64,
    /// How it is compressed.
    pub compression: Compression,
    /// Where its bytes begin in the file, if they are there.
    pub offset: Option<u64>,
}

/// How a member is compressed.
///
/// ```
/// use oiji::archive::Compression;
/// assert_eq!(Compression::Deflated.to_string(), "deflated");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all: it can be mapped.
    #[default]
    Stored,
    /// By deflate.
    Deflated,
    /// By zstd, with the feature `zstd`: smaller and faster than deflate, but few readers of ZIPs know it. NumPy does not.
    Zstd,
    /// By the method with this number in ZIP's list. It is not read here.
    Other(u16),
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::Stored => f.write_str("stored"),
            Compression::Deflated => f.write_str("deflated"),
            Compression::Zstd => f.write_str("zstd"),
            Compression::Other(method) => write!(f, "method {method}"),
        }
    }
}

/// An array of an archive, as far as it is known without reading it.
///
/// ```
/// use oiji::archive::{Archive, save_npz};
/// use oiji::array::Array;
/// let mut npz = Vec::new();
/// save_npz(&mut npz, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
/// let array = &Archive::open(&npz)?.arrays()?[0];
/// assert_eq!((array.name.as_str(), array.dtype.to_string(), &array.shape[..]), ("x", "uint8".to_owned(), &[2][..]));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ArrayInfo {
    /// The name by which [`Archive::array`] reads it.
    pub name: String,
    /// What its elements are.
    pub dtype: Dtype,
    /// `shape` in elements, outermost first.
    pub shape: Vec<u64>,
    /// The member that its data stands in; several arrays may share one.
    pub member: String,
}

impl ArrayInfo {
    /// The bytes that its elements take.
    pub fn size(&self) -> u64 {
        self.shape.iter().fold(self.dtype.size(), |size, axis| size.saturating_mul(*axis))
    }
}

impl<'a> Archive<'a> {
    /// The archive in `bytes`, told by its content. A file that is compressed as a whole, as joblib's may be, is to be
    /// decompressed before: what is read borrows from it.
    ///
    /// # Errors
    /// `InvalidArchive` if it is none that is known, or broken.
    pub fn open(bytes: &'a [u8]) -> Result<Archive<'a>> {
        Archive::open_with(bytes, &ReadOptions::new())
    }

    /// As [`Archive::open`], with options for the pickles in it.
    ///
    /// # Errors
    /// As for [`Archive::open`].
    pub fn open_with(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<Archive<'a>> {
        Archive::open_files(bytes, options, None)
    }

    /// As [`Archive::open_with`], where arrays stand in files beside the one with `bytes`, as joblib wrote them before 0.10 and
    /// torch does for distributed checkpoints, of which this is `.metadata`: `files` gives the content of one by its name, which
    /// is of no other folder.
    ///
    /// ```no_run
    /// use oiji::{ReadOptions, archive::Archive};
    /// let bytes = std::fs::read("models/forest.pkl")?;
    /// let beside = |name: &str| Ok(std::fs::read(format!("models/{name}"))?.into());
    /// let archive = Archive::open_beside(&bytes, &ReadOptions::new(), beside)?;
    /// println!("{:?}", archive.arrays()?);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Archive::open`].
    pub fn open_beside(
        bytes: &'a [u8],
        options: &ReadOptions<'a>,
        files: impl Fn(&str) -> Result<Cow<'a, [u8]>> + 'a,
    ) -> Result<Archive<'a>> {
        Archive::open_files(bytes, options, Some(Box::new(files)))
    }

    fn open_files(bytes: &'a [u8], options: &ReadOptions<'a>, files: Files<'a>) -> Result<Archive<'a>> {
        #[cfg(feature = "safetensors")]
        if Safetensors::is_one(bytes) {
            let container = Box::new(Safetensors::new(bytes)?);
            return Ok(Archive { format: Format::Safetensors, container });
        }
        if Distributed::is_one(bytes) {
            let container = Box::new(Distributed::new(bytes, options, files)?);
            return Ok(Archive { format: Format::TorchDistributed, container });
        }
        if Legacy::is_one(bytes) {
            let container = Box::new(Legacy::new(bytes, options)?);
            return Ok(Archive { format: Format::TorchLegacy, container });
        }
        if Tar::is_one(bytes) {
            let container = Box::new(Tar::new(bytes, options)?);
            return Ok(Archive { format: Format::TorchTar, container });
        }
        if Npy::is_one(bytes) {
            let container = Box::new(Npy::new(bytes, options.clone())?);
            return Ok(Archive { format: Format::Npy, container });
        }
        if !Zip::is_zip(bytes) {
            let may_be = is_packed(bytes) || Wrapper::may_be_in(bytes);
            if may_be && let Some(joblib) = Joblib::new(bytes, options.clone(), files)? {
                return Ok(Archive { format: Format::Joblib, container: Box::new(joblib) });
            }
            return Err(invalid("of no kind that is known; `oiji show` tells what else it may be"));
        }
        if let Some(parts) = Parts::new(bytes, options)? {
            return Ok(Archive { format: Format::TorchParts, container: Box::new(parts) });
        }
        let zip = Zip::new(bytes, options.limits_ref().allocation)?;
        let options = options.clone();
        if let Some(root) = Torch::root(&zip) {
            return Ok(Archive { format: Format::Torch, container: Box::new(Torch::new(zip, root, options)) });
        }
        if Robust::is_one(&zip) {
            return Ok(Archive { format: Format::Robust, container: Box::new(Robust::new(zip, options)) });
        }
        if Skops::is_one(&zip) {
            return Ok(Archive { format: Format::Skops, container: Box::new(Skops::new(zip, options)?) });
        }
        if Npz::is_one(&zip) {
            return Ok(Archive { format: Format::Npz, container: Box::new(Npz::new(zip, options)) });
        }
        Err(invalid("a ZIP that holds no arrays under names that are known; `unzip` takes it apart"))
    }

    /// Whether some bytes begin as an archive may; they need not be one.
    pub fn may_be(bytes: &[u8]) -> bool {
        #[cfg(feature = "safetensors")]
        if Safetensors::is_one(bytes) {
            return true;
        }
        Npy::is_one(bytes)
            || Zip::is_zip(bytes)
            || Legacy::is_one(bytes)
            || Distributed::is_one(bytes)
            || Tar::is_one(bytes)
            || is_packed(bytes)
            || Wrapper::may_be_in(bytes)
    }

    /// What kind of file it is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What stands in the file, in order.
    pub fn members(&self) -> Vec<Member> {
        self.container.members()
    }

    /// The arrays, without reading their data.
    ///
    /// # Errors
    /// `InvalidArchive` for a member that is broken; what the pickle says, where names are told by it.
    pub fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        self.container.arrays()
    }

    /// The array with a name. Its data is borrowed from the file if it is stored there.
    ///
    /// # Errors
    /// `InvalidArchive` if there is none, or a broken one.
    pub fn array(&self, name: &str) -> Result<Array<'a>> {
        self.container.array(name)
    }

    /// The objects, with arrays as persistent values that [`Archive::resolve`] looks up; nothing if the format has arrays
    /// alone.
    ///
    /// # Errors
    /// `InvalidArchive` for a broken member; what the pickle says.
    pub fn graph(&self) -> Result<Option<Graph<'a>>> {
        self.container.graph()
    }

    /// The array that a value of [`Archive::graph`] is, wherever its data stands; nothing if it is none.
    ///
    /// # Errors
    /// `InvalidArchive` if it stands nowhere, or is broken.
    pub fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        self.container.resolve(value)
    }

    /// The bytes of the member with a name, decompressed: borrowed from the file if it is stored there. Nothing if there is
    /// none of this name.
    ///
    /// # Errors
    /// `InvalidArchive` if it is broken; `Limit` if it becomes too large.
    ///
    /// ```
    /// use oiji::archive::{Archive, DumpOptions};
    /// let zip = DumpOptions::new().to_vec(oiji::pickle!({"epoch": 7})?.root())?;
    /// let pickle = Archive::open(&zip)?.member("pkl")?.unwrap();
    /// assert_eq!(oiji::loads(&pickle)?.to_string(), "{'epoch': 7}");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn member(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        self.container.read(name)
    }

    /// Everything as one graph, in which [`Value::as_array`] finds the arrays of the file where they belong: what is stored
    /// stays in the file and is borrowed. A format of arrays alone is a dict of them by name; a `.npy` file is its array.
    ///
    /// Compressed members are read as long as they take no more than `budget` bytes in all; of the others type and shape are
    /// told. A broken member leaves its persistent id, and the rest as it is.
    ///
    /// ```
    /// use oiji::archive::{Archive, save_npz};
    /// use oiji::array::Array;
    /// let mut npz = Vec::new();
    /// save_npz(&mut npz, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
    /// let graph = Archive::open(&npz)?.linked_graph(1 << 20)?;
    /// assert_eq!(graph.root().get("x")?.as_array()?.to_vec::<u8>()?, [1, 2]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArchive` if there is no pickle where there must be one; what the pickle says.
    pub fn linked_graph(&self, budget: u64) -> Result<Graph<'a>> {
        self.container.linked(&mut Budget { left: budget, counter: Counter::silent() })
    }

    /// As [`Archive::linked_graph`], and tells how far it is: of the bytes of [`Archive::members`].
    ///
    /// ```
    /// use oiji::archive::{Archive, save_npz_compressed};
    /// use oiji::array::Array;
    /// let mut npz = Vec::new();
    /// save_npz_compressed(&mut npz, [("x", &Array::from_values(&[0_u8; 4000], &[4000])?)])?;
    /// let mut told = Vec::new();
    /// Archive::open(&npz)?.linked_graph_with(1 << 20, |so_far| told.push((so_far.done, so_far.total)))?;
    /// assert_eq!(told, [(4128, 4128)]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Archive::linked_graph`].
    pub fn linked_graph_with(&self, budget: u64, mut progress: impl FnMut(Progress<'_>)) -> Result<Graph<'a>> {
        let mut budget = Budget { left: budget, counter: Counter::new(self.size(), &mut progress) };
        let graph = self.container.linked(&mut budget)?;
        budget.counter.finish();
        Ok(graph)
    }

    /// Everything as one graph that needs the file no more: each array of the file is an array of NumPy in its place, and one
    /// that stands in several places is one array. Types that NumPy has not, such as bfloat16, become float32; a
    /// quantized tensor a dict of `integers` and what they are read by, as [`crate::array::Quantized::parts`] names it.
    ///
    /// ```
    /// use oiji::archive::{Archive, DumpOptions};
    /// use oiji::array::Array;
    /// let mut graph = oiji::Graph::new();
    /// let array = graph.add_array(&Array::from_values(&[1_i64, 2], &[2])?)?;
    /// let root = graph.add_list(&[array, array])?;
    /// graph.set_roots(vec![root]);
    /// let zip = DumpOptions::new().to_vec(graph.root())?;
    /// let again = Archive::open(&zip)?.whole_graph()?;
    /// assert_eq!(again.root().at(0)?.id(), again.root().at(1)?.id());
    /// assert_eq!(again.root().at(0)?.as_array()?.to_vec::<i64>()?, [1, 2]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Archive::linked_graph`]; what is wrong with an array, with its name.
    pub fn whole_graph(&self) -> Result<Graph<'static>> {
        whole::whole_graph(&*self.container)
    }

    /// As [`Archive::whole_graph`], of what [`Archive::linked_graph`] gave: the data of arrays is borrowed from it, and so from the
    /// file if it is stored there, as buffers that are written in band.
    ///
    /// ```
    /// use oiji::archive::{Archive, save_npz};
    /// use oiji::{WriteOptions, array::Array};
    /// let mut npz = Vec::new();
    /// save_npz(&mut npz, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
    /// let archive = Archive::open(&npz)?;
    /// let linked = archive.linked_graph(u64::MAX)?;
    /// let pickle = WriteOptions::new().to_vec(&archive.inline_graph(&linked)?)?;
    /// assert_eq!(oiji::loads(&pickle)?.root().get("x")?.as_array()?.to_vec::<u8>()?, [1, 2]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Archive::whole_graph`].
    pub fn inline_graph<'g>(&self, linked: &'g Graph<'a>) -> Result<Graph<'g>> {
        whole::inline_graph(&*self.container, linked)
    }

    /// Reads every member to its end and holds it against its checksum; gives the names of those that are broken, with the
    /// reason. Formats without checksums have none to be held against.
    pub fn verify(&self) -> Vec<(String, Error)> {
        self.container.verify(&mut Counter::silent())
    }

    /// As [`Archive::verify`], and tells how far it is: of the bytes of [`Archive::members`]. See [`Progress`].
    pub fn verify_with(&self, mut progress: impl FnMut(Progress<'_>)) -> Vec<(String, Error)> {
        let mut counter = Counter::new(self.size(), &mut progress);
        let broken = self.container.verify(&mut counter);
        counter.finish();
        broken
    }

    /// Bytes of all members, decompressed.
    fn size(&self) -> u64 {
        self.members().iter().fold(0, |size, member| size.saturating_add(member.size))
    }
}

impl fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("format", &self.format).field("members", &self.members().len()).finish()
    }
}
