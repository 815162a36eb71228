//! Which values are used again, and so need a memo entry when the graph is written.
//!
//! Most are those that two others hold. To these come the containers between a value and itself where the value gets its
//! own entry only at its end (a tuple, the arguments of a call): it is written a second time inside itself, and must not
//! meet them anew there.

use crate::graph::again::Bits;
use crate::graph::arena::{Graph, Id, Kind, Slot};

/// The values that what the roots reach uses more than once.
///
/// `anchored` are the dropped values by what lay below them, in that order.
pub(super) fn count(graph: &Graph<'_>, anchored: &[(Option<Id>, Id)], protocol: u8) -> Bits {
    let mut walk = Walk {
        graph,
        anchored,
        sets_are_late: protocol < 4,
        ids_are_lines: protocol == 0,
        once: Bits::of(graph.slots.len()),
        again: Bits::of(graph.slots.len()),
        depth: Vec::new(),
        path: Vec::new(),
        stack: Vec::new(),
    };
    let orphans = anchored.iter().take_while(|(below, _)| below.is_none()).map(|(_, value)| value);
    for root in graph.roots.iter().chain(orphans) {
        walk.reach(*root);
        while let Some(task) = walk.stack.pop() {
            match task {
                Task::Enter(id) => walk.enter(id),
                Task::Made(id) => walk.depth[id.index()] = 0,
                Task::Leave => drop(walk.path.pop()),
            }
        }
    }
    walk.again
}

struct Walk<'w, 'g> {
    graph: &'w Graph<'g>,
    anchored: &'w [(Option<Id>, Id)],
    sets_are_late: bool,
    /// In protocol 0 a persistent id is a line of its own, not a value.
    ids_are_lines: bool,
    /// Used at all.
    once: Bits,
    again: Bits,
    /// For each value that is yet to get its memo entry, its place in the path, counted from 1; else 0.
    depth: Vec<u32>,
    path: Vec<Step>,
    stack: Vec<Task>,
}

/// A value on the way from the root, and up to which place in the path all between is known to need entries.
struct Step {
    id: Id,
    marked_to: u32,
}

#[derive(Clone, Copy)]
enum Task {
    Enter(Id),
    /// All that a value is made of is done; from here on it has its memo entry.
    Made(Id),
    Leave,
}

impl Walk<'_, '_> {
    #[inline(always)]
    fn reach(&mut self, id: Id) {
        // Apart from the rest, so that a list of numbers costs no call for each.
        if !id.is_immediate() {
            self.reach_slot(id);
        }
    }

    fn reach_slot(&mut self, id: Id) {
        if self.once.insert(id.index()) {
            let slot = self.graph.slot(id);
            if slot.kind as u8 <= Kind::Py2Str as u8 && self.anchored.is_empty() {
                return;
            }
            if !self.is_shallow(slot) {
                self.stack.push(Task::Enter(id));
                return;
            }
            for child in self.graph.run(slot).iter().filter(|child| !child.is_immediate()) {
                if !self.once.insert(child.index()) {
                    self.again.insert(child.index());
                }
            }
            return;
        }
        self.again.insert(id.index());
        match self.depth.get(id.index()) {
            None | Some(0) => {}
            Some(&depth) => self.mark_down_to(depth),
        }
    }

    /// Whether a value is a small container of atoms, which stand on no way to anything.
    #[inline]
    fn is_shallow(&self, slot: Slot) -> bool {
        const SMALL: u32 = 16;
        matches!(slot.kind, Kind::Tuple | Kind::List | Kind::Dict)
            && slot.low <= SMALL
            && self.anchored.is_empty()
            && self.graph.steps.is_empty()
            && self
                .graph
                .run(slot)
                .iter()
                .all(|child| child.is_immediate() || self.graph.slot(*child).kind as u8 <= Kind::Py2Str as u8)
    }

    /// All values on the path below the one at `depth` need entries.
    fn mark_down_to(&mut self, depth: u32) {
        let mut place = self.path.len() as u32;
        while place > depth {
            let step = &mut self.path[place as usize - 1];
            self.again.insert(step.id.index());
            let next = step.marked_to.min(place - 1);
            step.marked_to = step.marked_to.min(depth);
            place = next;
        }
    }

    fn enter(&mut self, id: Id) {
        let slot = self.graph.slot(id);
        self.path.push(Step { id, marked_to: u32::MAX });
        self.stack.push(Task::Leave);
        if !self.anchored.is_empty() {
            let start = self.anchored.partition_point(|(below, _)| *below < Some(id));
            for (_, value) in self.anchored[start..].iter().take_while(|(below, _)| *below == Some(id)) {
                self.reach(*value);
            }
        }
        if let Some(steps) = self.graph.steps.get(&id) {
            for child in steps.iter().rev().flat_map(|step| step.ids.iter().rev()) {
                self.reach(*child);
            }
        }
        match slot.kind {
            Kind::Tuple | Kind::FrozenSet => self.late(id),
            Kind::Set if self.sets_are_late => self.late(id),
            Kind::Object => {
                let data = self.graph.objects[slot.low as usize];
                if !self.graph.steps.contains_key(&id) {
                    data.state.into_iter().for_each(|state| self.reach(state));
                }
                self.late(id);
                for child in [data.kwargs, Some(data.args), Some(data.class)].into_iter().flatten() {
                    self.reach(child);
                }
            }
            Kind::Persistent if !self.ids_are_lines => {
                self.late(id);
                self.reach(self.graph.persistent_id(slot));
            }
            _ => {}
        }
        if matches!(slot.kind, Kind::Tuple | Kind::FrozenSet | Kind::Set | Kind::List | Kind::Dict) {
            let graph = self.graph;
            // Numbers by the dozen need no look at each.
            for some in
                graph.run(slot).rchunks(16).filter(|some| !some.iter().fold(true, |all, id| all & id.is_immediate()))
            {
                for child in some.iter().rev() {
                    self.reach(*child);
                }
            }
        }
    }

    /// From here until `Made` the value has no memo entry yet.
    fn late(&mut self, id: Id) {
        if self.depth.is_empty() {
            self.depth.resize(self.graph.slots.len(), 0);
        }
        self.depth[id.index()] = self.path.len() as u32;
        self.stack.push(Task::Made(id));
    }
}
