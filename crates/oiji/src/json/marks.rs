//! Which values are used more than once, and the number each of them got when it was written.
//!
//! Lists, dicts, objects and whatever else has an identity are noted. Text is not, unless it is long: then a short pickle
//! could otherwise ask for any amount of JSON.

use crate::error::Result;
use crate::graph::Graph;
use crate::graph::arena::{self, Id, Kind};

/// Text of up to this many bytes is written again wherever it is used, and taken for one value when it is read.
pub(super) const SHORT: usize = 64;

/// What is known of all values, by index.
pub(super) struct Marks {
    values: Vec<u32>,
    /// Globals with long names: the same name can be asked for by many values.
    globals: Vec<u32>,
    /// The mark of the next value that gets a number.
    next: u32,
}

/// What to write in place of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The value; it is used only here, or sharing it means nothing.
    Alone,
    /// The value, with this number.
    First(u32),
    /// A reference to the value with this number.
    Again(u32),
}

const UNSEEN: u32 = 0;
const ONCE: u32 = 1;
const SHARED: u32 = 2;

impl Marks {
    /// Counts the uses of all that the roots and dropped values reach.
    pub(super) fn of(graph: &Graph<'_>) -> Marks {
        let mut marks = Marks { values: vec![UNSEEN; graph.slots.len()], globals: Vec::new(), next: SHARED };
        let dropped = graph.dropped.iter().flat_map(|dropped| [Some(dropped.value), dropped.below]).flatten();
        let mut stack = Vec::new();
        for root in graph.roots.iter().copied().chain(dropped) {
            stack.push(root);
            while let Some(id) = stack.pop() {
                let Some(mark) = marks.mark(graph, id) else { continue };
                let met = *mark != UNSEEN;
                *mark = if met { SHARED } else { ONCE };
                if !met && !graph.is_leaf(id) {
                    stack.extend(graph.children(id));
                }
            }
        }
        marks
    }

    /// Where the mark of a value stands; nothing if sharing it means nothing.
    #[inline]
    fn mark(&mut self, graph: &Graph<'_>, id: Id) -> Option<&mut u32> {
        let slot = graph.slot(id);
        match slot.kind {
            Kind::None | Kind::Bool | Kind::Int | Kind::Float => return None,
            Kind::Str | Kind::Bytes | Kind::Py2Str | Kind::BigInt if slot.span_len() <= SHORT => return None,
            Kind::Tuple if slot.low == 0 => return None,
            Kind::Global if graph.is_atom(id) => {
                let name = &graph.globals[slot.low as usize];
                if name.module.len() + name.name.len() <= SHORT {
                    return None;
                }
                self.globals.resize(graph.globals.len(), UNSEEN);
                return self.globals.get_mut(slot.low as usize);
            }
            Kind::Extension if graph.is_atom(id) => return None,
            _ => {}
        }
        self.values.get_mut(id.index())
    }

    /// What to write for a value now.
    ///
    /// # Errors
    /// `Limit` after 2^32 numbers.
    #[inline]
    pub(super) fn next(&mut self, graph: &Graph<'_>, id: Id) -> Result<Mark> {
        let next = self.next;
        match self.mark(graph, id) {
            None => return Ok(Mark::Alone),
            Some(mark) => match *mark {
                UNSEEN | ONCE => return Ok(Mark::Alone),
                SHARED => *mark = next.checked_add(1).ok_or_else(arena::full)?,
                numbered => return Ok(Mark::Again(numbered - SHARED)),
            },
        }
        self.next = next + 1;
        Ok(Mark::First(self.next - SHARED))
    }

    /// Whether a value needs a number.
    pub(super) fn is_shared(&mut self, graph: &Graph<'_>, id: Id) -> bool {
        self.mark(graph, id).is_some_and(|mark| *mark >= SHARED)
    }
}
