//! Which values stand in more than one place, and the numbers they are shown under.

use rustc_hash::FxHashMap;

use crate::graph::{Graph, Id, Node, Value};
use crate::inspect::show::known;

/// The values below some roots that are met more than once.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    /// By index: 0 not met, 1 met once, 2 more often.
    met: Vec<u8>,
    numbers: FxHashMap<Id, usize>,
}

impl Sharing {
    /// Walks everything below the roots once. No bytes of text or data are looked at.
    pub(crate) fn of<'g>(graph: &'g Graph<'g>, roots: impl IntoIterator<Item = Id>) -> Self {
        let mut met = vec![0_u8; graph.value_count()];
        let mut stack = Vec::new();
        let mut visit = |id: Id, stack: &mut Vec<_>| {
            if graph.is_atom(id) {
                return;
            }
            let count = &mut met[id.index()];
            if *count == 0 {
                stack.push(graph.children(id));
            }
            *count = count.saturating_add(1).min(2);
        };
        for root in roots {
            visit(root, &mut stack);
            while let Some(children) = stack.last_mut() {
                match children.next() {
                    Some(child) => visit(child, &mut stack),
                    None => drop(stack.pop()),
                }
            }
        }
        Sharing { met, numbers: FxHashMap::default() }
    }

    /// Whether a value stands in several places and it matters that it is the same one.
    pub(crate) fn is_shared(&self, value: Value<'_>) -> bool {
        self.met.get(value.id().index()) == Some(&2) && has_identity(value)
    }

    /// The number it was shown under before.
    pub(crate) fn number(&self, value: Value<'_>) -> Option<usize> {
        self.numbers.get(&value.id()).copied()
    }

    /// Gives it the next number.
    pub(crate) fn assign(&mut self, value: Value<'_>) -> usize {
        let next = self.numbers.len() + 1;
        *self.numbers.entry(value.id()).or_insert(next)
    }
}

/// Whether people care if two places hold the same one: not for what is immutable through and through.
fn has_identity(value: Value<'_>) -> bool {
    /// Items looked at; a tuple that begins with so many atoms is taken for one of atoms.
    const LOOKED_AT: usize = 16;
    let graph = value.graph();
    match value.node() {
        Node::Tuple(items) | Node::FrozenSet(items) => {
            items.iter().take(LOOKED_AT).any(|item| !graph.is_atom(item.id()))
        }
        Node::Object(_) => known::one_line(value).is_none(),
        Node::Buffer(_) => false,
        _ => !graph.is_atom(value.id()),
    }
}
