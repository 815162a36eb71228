//! Reads a pickle that has the bytes of arrays between its ops: after the `BUILD` of each wrapper, as many as that says.

use rustc_hash::FxHashMap;

use crate::archive::joblib::{Wrapper, class, is_fortran};
use crate::archive::zip::invalid;
use crate::array::dtype::count;
use crate::array::{Array, Data, Layout, shape};
use crate::error::Result;
use crate::graph::frames::Frames;
use crate::graph::read::Look;
use crate::graph::{Graph, GraphBuilder, Id, Object, ReadOptions};
use crate::machine::Flow;
use crate::op::read_op;
use crate::opcode::Opcode;
use crate::source::{Chunk, SliceSource, Source};

/// An array where it stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) array: Array<'a>,
    /// Bytes from the start of the file.
    pub(crate) offset: u64,
    /// Bytes in the file.
    pub(crate) len: u64,
}

/// Arrays by the wrapper that stands for them.
pub(crate) type Inline<'a> = FxHashMap<Id, Stored<'a>>;

/// The graph of a file, and the arrays in it.
///
/// # Errors
/// What the pickle says; `InvalidArray`, `UnexpectedEnd` for an array, with the offset.
pub(crate) fn read<'a>(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<(Graph<'a>, Inline<'a>)> {
    let mut inline = Inline::default();
    let graph = read_into(bytes, options, &mut inline)?;
    Ok((graph, inline))
}

/// Where arrays stand between the ops of a file, as far as it can be read: offset, length in bytes, and whether it is a
/// pickle, of objects. In no order.
pub(crate) fn spans(bytes: &[u8]) -> Vec<(u64, u64, bool)> {
    if !Wrapper::is_in(bytes) {
        return Vec::new();
    }
    let mut inline = Inline::default();
    // What breaks off later has the arrays before it.
    let _ = read_into(bytes, &ReadOptions::new(), &mut inline);
    inline.values().map(|stored| (stored.offset, stored.len, stored.array.objects().is_some())).collect()
}

fn read_into<'a>(bytes: &'a [u8], options: &ReadOptions<'a>, inline: &mut Inline<'a>) -> Result<Graph<'a>> {
    let mut source = SliceSource::with_limit(bytes, options.limits_ref().bytes);
    let mut builder = GraphBuilder::new(bytes, options);
    let mut machine = options.machine();
    let mut look = Look::new();
    let mut frames = machine.is_strict().then(|| Frames::new(0));
    loop {
        let offset = source.offset();
        let op = read_op(&mut source)?;
        if let Some(frames) = &mut frames {
            frames.check(&op, offset).map_err(|error| error.at(offset))?;
        }
        let opcode = op.opcode;
        let flow = machine.step(op, &mut builder).map_err(|error| error.at(offset))?;
        if opcode == Opcode::Build
            && let Some(id) = machine.peek().copied()
            && let Some((Wrapper::Inline, object)) = Wrapper::of(builder.graph(), id)
        {
            let start = source.offset();
            let stored = array(object, &mut source, options).map_err(|error| error.at(start))?;
            inline.insert(id, stored);
        }
        look.after(&flow, &mut machine, &builder, offset)?;
        if let Flow::Stop(root) = flow {
            builder.graph_mut().set_protocol(machine.protocol());
            return Ok(builder.finish(vec![root]));
        }
    }
}

/// Takes the array that follows its wrapper.
fn array<'a>(wrapper: Object<'_>, source: &mut SliceSource<'a>, options: &ReadOptions<'a>) -> Result<Stored<'a>> {
    let attribute = |name: &str| wrapper.attribute(name).ok_or_else(|| invalid(format!("a wrapper without {name}")));
    let dtype = attribute("dtype")?.as_dtype()?;
    if dtype.has_objects() {
        let offset = source.offset();
        let rest = source.rest();
        let mut pickles = options.pickles(rest);
        let graph = pickles.next().unwrap_or_else(|| Err(invalid("no pickle of an array of objects")));
        let array = graph.and_then(Array::from_graph).map_err(|error| error.shifted(offset))?;
        let len = pickles.offset();
        source.seek(offset + len);
        return Ok(Stored { array, offset, len });
    }
    if wrapper.attribute("numpy_array_alignment_bytes").is_some_and(|alignment| !alignment.is_none()) {
        let [padding] = source.array()?;
        source.take(u64::from(padding))?;
    }
    let shape = shape(attribute("shape")?)?;
    let len = count(&shape).and_then(|count| count.checked_mul(dtype.size()));
    let len = len.ok_or_else(|| invalid("an array of more bytes than can be"))?;
    let offset = source.offset();
    let data = match source.take(len)? {
        Chunk::Input(bytes) => Data::Bytes(bytes.into()),
        Chunk::Scratch(bytes) => Data::Bytes(std::mem::take(bytes).into()),
    };
    let layout = if is_fortran(wrapper) { Layout::Fortran } else { Layout::C };
    let mut array = Array::new(dtype, &shape, layout, data)?;
    array.class = class(wrapper);
    Ok(Stored { array, offset, len })
}
