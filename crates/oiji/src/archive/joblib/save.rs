//! Writes joblib's files as 1.2 and later do: the bytes of each plain array after its wrapper, where they can be mapped.

use std::io::Write;

use rustc_hash::FxHashMap;

use crate::archive::dump::plain;
use crate::archive::walk::walk;
use crate::array::Array;
use crate::emitter::Emitter;
use crate::error::Result;
use crate::graph::copy::Copied;
use crate::graph::{Graph, Id, Made, StepKind, Value, WriteOptions};
use crate::sink::Sink;

/// Where the bytes of arrays begin: at multiples of this.
const ALIGNMENT: u64 = 16;

/// Writes `value` and all it holds as `joblib.dump` does; `joblib.load` reads it from joblib 1.2 on. An array that is used in
/// several places is stored once, and is one array again.
///
/// Subclasses, masked arrays and arrays of objects stay in the pickle.
///
/// ```
/// use oiji::archive::{Archive, save_joblib};
/// use oiji::{Graph, WriteOptions, array::Array};
/// let mut graph = Graph::new();
/// let array = graph.add_array(&Array::from_values(&[1_i64, 2], &[2])?)?;
/// graph.set_roots(vec![array]);
/// let mut file = Vec::new();
/// save_joblib(&mut file, graph.root(), WriteOptions::new())?;
/// assert_eq!(Archive::open(&file)?.array("array")?.to_vec::<i64>()?, [1, 2]);
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// What [`WriteOptions`] says, and `Io`.
pub fn save_joblib<W: Write>(to: W, value: Value<'_>, writing: WriteOptions) -> Result<()> {
    let mut arrays = Vec::new();
    walk(value, false, |value, _| {
        // A header that cannot say a dtype is of one that NumPy has not.
        let array = plain(value).filter(|array| array.dtype().descr().is_ok());
        let found = array.is_some();
        arrays.extend(array.map(|array| (value.id(), array)));
        !found
    });
    let mut graph = Graph::new();
    let mut copied = Copied::of(value.graph());
    let mut by_wrapper = FxHashMap::default();
    for (id, array) in &arrays {
        let wrapper = add_wrapper(&mut graph, array)?;
        copied.stands_for(*id, wrapper);
        by_wrapper.insert(wrapper, array);
    }
    let root = graph.add_copy_with(value, &mut copied)?;
    graph.set_roots(vec![root]);
    let mut between = |id: Id, emitter: &mut Emitter<Counted<W>>| {
        let Some(array) = by_wrapper.get(&id) else { return Ok(false) };
        emitter.outside(|sink| sink.array(array))?;
        Ok(true)
    };
    writing.to_sink_between(&graph, Counted { to, count: 0 }, &mut between)
}

/// The object from which joblib knows what follows it.
fn add_wrapper(graph: &mut Graph<'_>, array: &Array<'_>) -> Result<Id> {
    let class = graph.add_global("joblib.numpy_pickle", "NumpyArrayWrapper")?;
    let nothing = graph.add_tuple(&[])?;
    let wrapper = graph.add_object(Made::New, class, nothing, None)?;
    let axes: Vec<Id> = array.shape().iter().map(|axis| graph.add_int(axis.cast_signed())).collect::<Result<_>>()?;
    let attributes = [
        ("subclass", graph.add_global("numpy", "ndarray")?),
        ("shape", graph.add_tuple(&axes)?),
        ("order", graph.add_str(if array.is_fortran() { "F" } else { "C" })?),
        ("dtype", graph.add_dtype(array.dtype())?),
        ("allow_mmap", graph.add_bool(true)?),
        ("numpy_array_alignment_bytes", graph.add_int(ALIGNMENT.cast_signed())?),
    ];
    let mut pairs = Vec::new();
    for (name, value) in attributes {
        pairs.push((graph.add_str(name)?, value));
    }
    let state = graph.add_dict(&pairs)?;
    graph.add_step(wrapper, StepKind::Build, &[state])?;
    Ok(wrapper)
}

/// A writer that knows how far it has come.
struct Counted<W> {
    to: W,
    count: u64,
}

impl<W: Write> Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes)?;
        self.count += bytes.len() as u64;
        Ok(())
    }

    /// A byte that says how much padding follows, the padding, and the elements.
    fn array(&mut self, array: &Array<'_>) -> Result<()> {
        // From one byte to sixteen, as joblib pads.
        let padding = (ALIGNMENT - (self.count + 1) % ALIGNMENT) as u8;
        self.write(&[padding])?;
        self.write(&vec![0xff; usize::from(padding)])?;
        self.write(&array.file_bytes()?)
    }
}

impl<W: Write> Sink for Counted<W> {
    fn flush(&mut self, written: &mut Vec<u8>) -> Result<()> {
        self.write(written)?;
        written.clear();
        Ok(())
    }

    fn large(&mut self, written: &mut Vec<u8>, payload: &[u8]) -> Result<()> {
        self.flush(written)?;
        self.write(payload)
    }
}
