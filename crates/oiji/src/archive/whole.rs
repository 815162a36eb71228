//! A graph with its arrays put in place: what was outside of the pickle becomes part of it.

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container};
use crate::archive::dump::plain;
use crate::archive::progress::Counter;
use crate::archive::walk::{text, walk};
use crate::archive::zip::invalid;
use crate::array::{Array, Dtype, Quantized};
use crate::error::Result;
use crate::graph::copy::Copied;
use crate::graph::{Graph, Id, Node, Value};

/// See `Archive::whole_graph`.
pub(crate) fn whole_graph<'a>(container: &(dyn Container<'a> + 'a)) -> Result<Graph<'static>> {
    let linked = container.linked(&mut Budget { left: u64::MAX, counter: Counter::silent() })?;
    put_in(container, &linked, |whole, array| whole.add_array(array))
}

/// See `Archive::inline_graph`.
pub(crate) fn inline_graph<'g, 'a: 'g>(
    container: &(dyn Container<'a> + 'a),
    linked: &'g Graph<'a>,
) -> Result<Graph<'g>> {
    put_in(container, linked, |whole, array| whole.add_borrowed_array(array))
}

/// What `linked` holds, with the arrays that stand outside of it added by `add`.
fn put_in<'g, 'a: 'g, 'w>(
    container: &(dyn Container<'a> + 'a),
    linked: &'g Graph<'a>,
    add: impl Fn(&mut Graph<'w>, &Array<'g>) -> Result<Id>,
) -> Result<Graph<'w>> {
    let mut found: Vec<Value<'_>> = Vec::new();
    walk(linked.root(), false, |value, _| {
        let is_outside = match value.node() {
            Node::Persistent(_) => true,
            _ => {
                let is_one = |array: Array<'_>| array.is_tensor() || plain(value).is_some();
                linked.outside_piece(value.id()).is_some() || Array::of(value).is_some_and(is_one)
            }
        };
        if is_outside {
            found.push(value);
        }
        !is_outside
    });
    let mut whole = Graph::new();
    let mut copied = Copied::of(linked);
    // A persistent value is written anew in each place; what it stands for is one.
    let mut pieces: FxHashMap<usize, Id> = FxHashMap::default();
    for value in found {
        let piece = linked.outside_piece(value.id());
        if let Some(id) = piece.and_then(|piece| pieces.get(&piece)) {
            copied.stands_for(value.id(), *id);
            continue;
        }
        let Some(array) = array(container, value)? else { continue };
        let id = match array.dtype() {
            Dtype::BFloat16 | Dtype::Float8(_) => whole.add_array(&array.to_float32()?)?,
            Dtype::Quantized(..) => add_quantized(&mut whole, &array, &add)?,
            _ => add(&mut whole, &array)?,
        };
        copied.stands_for(value.id(), id);
        if let Some(piece) = piece {
            pieces.insert(piece, id);
        }
    }
    let root = whole.add_copy_with(linked.root(), &mut copied)?;
    whole.set_roots(vec![root]);
    whole.set_protocol(linked.protocol());
    Ok(whole)
}

/// A dict of the integers of a quantized tensor and what they are read by.
fn add_quantized<'g, 'w>(
    whole: &mut Graph<'w>,
    array: &Array<'g>,
    add: &impl Fn(&mut Graph<'w>, &Array<'g>) -> Result<Id>,
) -> Result<Id> {
    let parts = array.quantized().map(Quantized::parts).transpose()?.unwrap_or_default();
    let mut pairs = Vec::new();
    for (name, part) in [("integers", array.to_integers()?)].into_iter().chain(parts) {
        pairs.push((whole.add_str(name)?, add(whole, &part)?));
    }
    whole.add_dict(&pairs)
}

/// The array that a value stands for.
fn array<'g, 'a: 'g>(container: &(dyn Container<'a> + 'a), value: Value<'g>) -> Result<Option<Array<'g>>> {
    if let Some(array) = Array::of(value).filter(|array| array.bytes().is_ok() || array.objects().is_some()) {
        return Ok(Some(array));
    }
    let Node::Persistent(id) = value.node() else { return container.resolve(value) };
    match (container.resolve(value)?, text(id)) {
        (Some(array), _) => Ok(Some(array)),
        // Of a format of arrays alone, a name without an array: what is wrong with it is told by reading it.
        (None, Some(name)) => container.array(name).map(Some),
        (None, None) => Err(invalid(format!("no array of NumPy can be made of what {id} stands for"))),
    }
}
