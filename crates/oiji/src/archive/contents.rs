//! What a value holds, for formats that have names and arrays and nothing else: the arrays by name, and what is left over.

use std::collections::HashMap;

use crate::archive::LONE;
use crate::archive::names::Names;
use crate::archive::walk::children;
use crate::array::Array;
use crate::graph::{Id, Node, Value};

/// The arrays that a value holds, each under its way from the root, and the parts in which there is none.
///
/// An array that stands in several places has a name for each. Ways are written as people write them, `layers.0.weight`;
/// where two arrays would have one name the second gets another.
///
/// ```
/// use oiji::archive::Contents;
/// use oiji::array::Array;
/// let mut graph = oiji::Graph::new();
/// let (weight, epoch) = (graph.add_str("weight")?, graph.add_str("epoch")?);
/// let pairs = [(weight, graph.add_array(&Array::from_values(&[1.5_f64], &[1])?)?), (epoch, graph.add_int(7)?)];
/// let root = graph.add_dict(&pairs)?;
/// graph.set_roots(vec![root]);
/// let contents = Contents::of(graph.root());
/// assert_eq!(contents.arrays[0].0, "weight");
/// assert_eq!((contents.rest[0].0.as_str(), contents.rest[0].1.as_i64()?), ("epoch", 7));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Contents<'g> {
    /// Names and arrays, in the order in which they are met.
    pub arrays: Vec<(String, Array<'g>)>,
    /// The largest parts without an array, with their ways; the way to the whole is empty.
    pub rest: Vec<(String, Value<'g>)>,
}

/// What was met on the walk. Whether an array stands below is known at the end.
struct Met<'g> {
    value: Value<'g>,
    path: String,
    parent: usize,
    has_array: bool,
}

impl<'g> Contents<'g> {
    /// The contents of `root`.
    pub fn of(root: Value<'g>) -> Contents<'g> {
        /// The parent of the root.
        const NONE: usize = usize::MAX;
        let mut names = Names::free();
        let mut contents = Contents::default();
        let mut seen: Vec<Met<'g>> = Vec::new();
        let mut containers: HashMap<Id, usize> = HashMap::new();
        let mut stack = vec![(root, String::new(), NONE)];
        let mut below = Vec::new();
        while let Some((value, path, parent)) = stack.pop() {
            if let Some(array) = Array::of(value) {
                let lone = if array.is_tensor() { "tensor" } else { LONE };
                contents.arrays.push((names.named(if path.is_empty() { lone } else { &path }), array));
                mark(&mut seen, parent);
                continue;
            }
            children(value, &path, true, true, &mut below);
            // What has no name of its own holds no arrays: keys, classes.
            below.retain(|(_, path)| path.is_some());
            if !below.is_empty() {
                if let Some(known) = containers.insert(value.id(), seen.len()) {
                    containers.insert(value.id(), known);
                    below.clear();
                    if seen[known].has_array {
                        mark(&mut seen, parent);
                    }
                    continue;
                }
                stack.extend(below.drain(..).rev().map(|(child, path)| (child, path.unwrap_or_default(), seen.len())));
            }
            seen.push(Met { value, path, parent, has_array: false });
        }
        // A state is no part of its own: its attributes are those of the object.
        let mut is_open: Vec<bool> = Vec::with_capacity(seen.len());
        for met in &seen {
            let parent = seen.get(met.parent).filter(|_| is_open[met.parent]);
            let is_state = parent.is_some_and(|parent| parent.path == met.path && met.value.len() > Some(0));
            is_open.push(met.has_array || is_state);
            let is_rest = parent.is_some() || met.parent == NONE;
            let is_nothing = met.path.ends_with("args") && is_empty(met.value);
            if is_rest && !is_open[is_open.len() - 1] && !is_nothing {
                contents.rest.push((met.path.clone(), met.value));
            }
        }
        contents
    }
}

/// Notes that an array stands below a container, and below all that hold it.
fn mark(seen: &mut [Met<'_>], mut at: usize) {
    while let Some(met) = seen.get_mut(at).filter(|met| !met.has_array) {
        met.has_array = true;
        at = met.parent;
    }
}

fn is_empty(value: Value<'_>) -> bool {
    match value.node() {
        Node::None => true,
        Node::Tuple(items) => items.is_empty(),
        _ => false,
    }
}
