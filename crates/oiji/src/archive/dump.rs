//! Writes robust archives: each array of a graph into a member of its own, the rest as a pickle that names them.
//!
//! None of the original's faults is repeated: names are given once, and arrays are told apart by what they are.

use std::io::Write;
use std::path::Path;

use rustc_hash::FxHashMap;

use crate::archive::Compression;
use crate::archive::names::Names;
use crate::archive::progress::{Counter, Progress, Told};
use crate::archive::robust::PKL;
use crate::archive::walk::{text, walk};
use crate::archive::zip::ZipWriter;
use crate::array::{Array, write_file};
use crate::error::Result;
use crate::graph::copy::Copied;
use crate::graph::{Graph, Id, Value, WriteOptions};

/// How a robust archive is written.
///
/// ```
/// use oiji::archive::{Archive, DumpOptions};
/// use oiji::array::Array;
/// let mut graph = oiji::Graph::new();
/// let array = graph.add_array(&Array::from_values(&[1_i64, 2], &[2])?)?;
/// graph.set_roots(vec![array]);
/// let zip = DumpOptions::new().to_vec(graph.root())?;
/// assert_eq!(Archive::open(&zip)?.array("array_0")?.to_vec::<i64>()?, [1, 2]);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DumpOptions {
    writing: WriteOptions,
    compression: Compression,
    paths: bool,
    names: FxHashMap<Id, String>,
    compatible: bool,
    strip: bool,
}

impl DumpOptions {
    /// The defaults: everything stored, arrays named `array_0`, `array_1`… unless they are of a shared variable with a name.
    pub fn new() -> Self {
        DumpOptions::default()
    }

    /// How the pickle is written.
    #[must_use]
    pub fn writing(mut self, options: WriteOptions) -> Self {
        self.writing = options;
        self
    }

    /// How members are compressed. Stored unless set, so that they can be mapped.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Names arrays by their way from the root, as in `layers.0.weight`.
    #[must_use]
    pub fn paths(mut self, paths: bool) -> Self {
        self.paths = paths;
        self
    }

    /// The name of one array of the graph.
    #[must_use]
    pub fn name(mut self, array: Id, name: impl Into<String>) -> Self {
        self.names.insert(array, name.into());
        self
    }

    /// Writes what Theano's own `load` reads: protocol 2, all deflated, no dots in names.
    #[must_use]
    pub fn compatible(mut self, compatible: bool) -> Self {
        self.compatible = compatible;
        self
    }

    /// Leaves out the source paths and lines of code that Theano's variables carry along (`tag.trace`).
    #[must_use]
    pub fn strip(mut self, strip: bool) -> Self {
        self.strip = strip;
        self
    }

    /// The archive of `value` and all it holds.
    ///
    /// # Errors
    /// What [`WriteOptions`] and [`Array::write_npy`] say.
    pub fn to_vec(&self, value: Value<'_>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.to_writer(value, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes the archive of `value` to `writer`.
    ///
    /// # Errors
    /// As for [`DumpOptions::to_vec`], and `Io`.
    pub fn to_writer<W: Write>(&self, value: Value<'_>, writer: W) -> Result<()> {
        self.to_writer_with(value, writer, |_| {})
    }

    /// Writes as [`DumpOptions::to_writer`] does, and tells how far it is: of the bytes of arrays, which the pickle does not
    /// count among.
    ///
    /// ```
    /// use oiji::archive::DumpOptions;
    /// use oiji::array::Array;
    /// let mut graph = oiji::Graph::new();
    /// let array = graph.add_array(&Array::from_values(&[1_i64, 2], &[2])?)?;
    /// graph.set_roots(vec![array]);
    /// let mut told = Vec::new();
    /// DumpOptions::new().to_writer_with(graph.root(), std::io::sink(), |so_far| told.push((so_far.done, so_far.total)))?;
    /// assert_eq!(told, [(16, 16)]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`DumpOptions::to_writer`].
    pub fn to_writer_with<W: Write>(
        &self,
        value: Value<'_>,
        writer: W,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<()> {
        let compression = if self.compatible { Compression::Deflated } else { self.compression };
        let writing = if self.compatible { self.writing.protocol(2) } else { self.writing };
        let mut zip = ZipWriter::new(writer);
        let mut graph = Graph::new();
        let mut copied = Copied::of(value.graph());
        let arrays = self.arrays(value);
        let total = arrays.iter().fold(0_u64, |total, (_, array, _)| total.saturating_add(array.size()));
        let mut counter = Counter::new(total, &mut progress);
        for (id, array, name) in arrays {
            counter.during(&name, array.size(), |told| {
                zip.member(&name, compression, |to| array.write_npy(Told { inner: to, told }))
            })?;
            let pid = graph.add_str(&format!("ndarray.{name}"))?;
            copied.stands_for(id, graph.add_persistent(pid)?);
        }
        if self.strip {
            let mut traces = Vec::new();
            walk(value, false, |value, _| {
                traces.extend(trace(value));
                true
            });
            for trace in traces {
                copied.stands_for(trace, graph.add_list(&[])?);
            }
        }
        let root = graph.add_copy_with(value, &mut copied)?;
        graph.set_roots(vec![root]);
        zip.member(PKL, compression, |to| writing.to_writer(&graph, to))?;
        zip.finish().map(drop)
    }

    /// Writes the archive of `value` to the file at `path`: to another beside it first, so that a crash leaves no half of it.
    ///
    /// # Errors
    /// As for [`DumpOptions::to_writer`].
    pub fn save(&self, value: Value<'_>, path: impl AsRef<Path>) -> Result<()> {
        write_file(path.as_ref(), |file| self.to_writer(value, file))
    }

    /// The plain arrays that `value` holds, each once, in the order they are met, with their names.
    ///
    /// Subclasses, masked arrays, scalars and arrays of objects stay in the pickle: the first three because a `.npy` file
    /// has no word for them, the last because what they hold is shared with the rest.
    fn arrays<'g>(&self, value: Value<'g>) -> Vec<(Id, Array<'g>, String)> {
        let mut names = Names::new();
        let mut shared: FxHashMap<Id, String> = FxHashMap::default();
        let mut arrays = Vec::new();
        walk(value, self.paths, |value, path| {
            if let Some(array) = plain(value) {
                arrays.push((value.id(), array, path.to_owned()));
                return false;
            }
            if let Some((array, name)) = shared_variable(value) {
                shared.entry(array).or_insert_with(|| name.to_owned());
            }
            true
        });
        // The names that are asked for come first, so that no other takes them.
        let wanted = |id: &Id| self.names.get(id).or_else(|| shared.get(id));
        let clean = |name: &str| {
            let name = ZipWriter::<Vec<u8>>::clean(name);
            // Theano cuts a persistent id at every dot.
            if self.compatible { name.replace('.', "_") } else { name }
        };
        let given: Vec<Option<String>> =
            arrays.iter().map(|(id, ..)| wanted(id).map(|name| names.named(&clean(name)))).collect();
        let named = arrays.into_iter().zip(given).map(|((id, array, path), given)| {
            let name = given.unwrap_or_else(|| match clean(&path) {
                path if path.is_empty() => names.numbered(),
                path => names.named(&path),
            });
            (id, array, name)
        });
        named.collect()
    }
}

/// The list of places in code where a variable of Theano was made.
fn trace(value: Value<'_>) -> Option<Id> {
    let object = value.as_object().ok()?;
    let class = object.class_name()?;
    let is_tag = class.module().starts_with("theano") && class.name() == "scratchpad";
    object.attribute("trace").filter(|_| is_tag).map(Value::id)
}

/// The array that a value is, if a `.npy` file can say all of it.
pub(crate) fn plain(value: Value<'_>) -> Option<Array<'_>> {
    let array = Array::of(value)?;
    let is_plain = array.class().is_none() && array.masked().is_none() && !array.is_tensor();
    (is_plain && !array.dtype().has_objects() && array.bytes().is_ok()).then_some(array)
}

/// The array of a Theano shared variable that has a name, and the name.
fn shared_variable(value: Value<'_>) -> Option<(Id, &str)> {
    let object = value.as_object().ok()?;
    let class = object.class_name()?;
    if !class.module().starts_with("theano") {
        return None;
    }
    let name = text(object.attribute("name")?)?;
    let storage = object.attribute("container")?.as_object().ok()?.attribute("storage")?;
    Some((storage.at(0).ok()?.id(), name))
}
