//! Whether all keys can be keys, for graphs in which a tuple was used before all its items were there.

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::graph::Graph;
use crate::graph::arena::{self, Id, Kind};

/// Marks every tuple that holds something unhashable, however deep, then looks at all keys and set items.
///
/// # Errors
/// `Unhashable`.
pub(super) fn check(graph: &mut Graph<'_>) -> Result<()> {
    let ids = |graph: &Graph<'_>| (0..graph.slots.len()).filter_map(|index| Id::new(index).ok());
    let mut holders: FxHashMap<Id, Vec<Id>> = FxHashMap::default();
    let mut unhashable = Vec::new();
    for id in ids(graph) {
        let slot = graph.slot(id);
        if slot.kind != Kind::Tuple {
            continue;
        }
        if slot.flags & arena::UNHASHABLE != 0 {
            unhashable.push(id);
        }
        for item in graph.run(slot).iter().filter(|item| graph.slot(**item).kind == Kind::Tuple) {
            holders.entry(*item).or_default().push(id);
        }
    }
    while let Some(id) = unhashable.pop() {
        graph.slots[id.index()].flags |= arena::UNHASHABLE;
        unhashable.extend(holders.remove(&id).into_iter().flatten());
    }
    for id in ids(graph) {
        let slot = graph.slot(id);
        match slot.kind {
            Kind::Dict => graph.check_hashable(graph.run(slot).iter().step_by(2))?,
            Kind::Set | Kind::FrozenSet => graph.check_hashable(graph.run(slot))?,
            _ => {}
        }
    }
    Ok(())
}
