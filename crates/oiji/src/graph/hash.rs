//! A number for each value that equal values share: for sets whose order differs, and for lining up lists.
//!
//! It sees the tree below a value, not its sharing, and pairs of dicts and items of sets in any order. Values in a cycle
//! are told apart by what lies within a few steps of them. Linear, with an explicit stack (Tarjan's components: what is
//! in no cycle gets its number from below).

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::graph::arena::{Graph, Id, Kind, Slot};
use crate::graph::children::Children;

/// The numbers of a graph's values, worked out as they are asked for.
pub(crate) struct Hashes<'g> {
    graph: &'g Graph<'g>,
    /// By index; 0 is not known yet.
    known: Vec<u64>,
    /// When a value was met, counted from 1; empty until a container is asked for.
    met: Vec<u32>,
    clock: u32,
}

/// Rounds of refinement for values in a cycle.
const ROUNDS: usize = 8;

/// A container that is being looked at.
struct Frame<'g> {
    id: Id,
    children: Children<'g>,
    /// The earliest container that can be reached from it, as Tarjan has it.
    low: u32,
}

impl<'g> Hashes<'g> {
    pub(crate) fn new(graph: &'g Graph<'g>) -> Self {
        Hashes { graph, known: Vec::new(), met: Vec::new(), clock: 0 }
    }

    /// The number of a value.
    pub(crate) fn of(&mut self, id: Id) -> u64 {
        if self.graph.is_leaf(id) {
            return self.leaf(id);
        }
        self.known.resize(self.graph.value_count(), 0);
        self.met.resize(self.graph.value_count(), 0);
        if self.known[id.index()] == 0 {
            self.components(id);
        }
        self.known[id.index()]
    }

    /// Values in the order of their numbers, those with the same one in the order given.
    pub(crate) fn sorted(&mut self, ids: &[Id]) -> Vec<Id> {
        let mut keyed: Vec<_> = ids.iter().map(|id| (self.of(*id), *id)).collect();
        keyed.sort_by_key(|(number, _)| *number);
        keyed.into_iter().map(|(_, id)| id).collect()
    }

    fn components(&mut self, root: Id) {
        let mut open: Vec<Id> = Vec::new();
        let mut frames = vec![self.enter(root, &mut open)];
        while let Some(frame) = frames.last_mut() {
            if let Some(child) = frame.children.next() {
                if self.graph.is_leaf(child) || self.known[child.index()] != 0 {
                    continue;
                }
                match self.met[child.index()] {
                    0 => {
                        let entered = self.enter(child, &mut open);
                        frames.push(entered);
                    }
                    met => frame.low = frame.low.min(met),
                }
                continue;
            }
            let Some(done) = frames.pop() else { return };
            if let Some(above) = frames.last_mut() {
                above.low = above.low.min(done.low);
            }
            if done.low == self.met[done.id.index()] {
                let from = open.iter().rposition(|id| *id == done.id).unwrap_or(0);
                self.close(&open[from..]);
                open.truncate(from);
            }
        }
    }

    fn enter(&mut self, id: Id, open: &mut Vec<Id>) -> Frame<'g> {
        self.clock += 1;
        self.met[id.index()] = self.clock;
        open.push(id);
        Frame { id, children: self.graph.children(id), low: self.clock }
    }

    /// Gives numbers to values that all reach one another.
    fn close(&mut self, component: &[Id]) {
        let rounds = if component.len() == 1 { 1 } else { ROUNDS.min(component.len()) };
        for _ in 0..rounds {
            let numbers: Vec<u64> = component.iter().map(|id| self.combine(*id)).collect();
            for (id, number) in component.iter().zip(numbers) {
                self.known[id.index()] = number;
            }
        }
    }

    /// The number of a container from those of its children, as far as they are known.
    fn combine(&self, id: Id) -> u64 {
        let graph = self.graph;
        let number = |id| if graph.is_leaf(id) { self.leaf(id) } else { self.known[id.index()] };
        let mut numbers = graph.children(id).map(number);
        let mut count = 0_u64;
        let mut sum = 0_u64;
        match graph.slot(id).kind {
            Kind::Dict => {
                while let (Some(key), Some(value)) = (numbers.next(), numbers.next()) {
                    count += 1;
                    sum = sum.wrapping_add(mix(key, value));
                }
            }
            Kind::Set | Kind::FrozenSet => {
                for number in numbers {
                    count += 1;
                    sum = sum.wrapping_add(mix(1, number));
                }
            }
            _ => {
                for number in numbers {
                    count += 1;
                    sum = mix(sum, number);
                }
            }
        }
        mix(mix(self.leaf(id), count), sum).max(1)
    }

    /// The number of an atom, or of what a container says without its children.
    fn leaf(&self, id: Id) -> u64 {
        let graph = self.graph;
        let slot = graph.slot(id);
        let kind = slot.kind as u64;
        let hash = match slot.kind {
            Kind::Bool | Kind::Int | Kind::Float | Kind::Buffer => mix(kind, slot.data),
            Kind::BigInt | Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => mix(kind, bytes(graph, slot)),
            Kind::Extension => mix(kind, u64::from(slot.low)),
            Kind::Global => {
                let global = &graph.globals[slot.low as usize];
                let mut hasher = FxHasher::default();
                hasher.write(global.module.as_bytes());
                hasher.write_u8(0xff);
                hasher.write(global.name.as_bytes());
                mix(kind, hasher.finish())
            }
            Kind::Object => mix(kind, graph.objects[slot.low as usize].made as u64),
            _ => mix(kind, 0),
        };
        hash.max(1)
    }
}

fn bytes(graph: &Graph<'_>, slot: Slot) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(graph.span(slot));
    hasher.finish()
}

/// Two numbers made one, the order of which counts.
pub(crate) fn mix(one: u64, two: u64) -> u64 {
    let mut hash = one.rotate_left(5) ^ two.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sets of the same pairs, in another order, and one that differs.
    #[test]
    fn order_in_a_set_does_not_count_and_contents_do() {
        let mut graph = Graph::new();
        let ids: Vec<_> = (0..4).map(|number| graph.add_int(number).unwrap()).collect();
        let tuples: Vec<_> = (0..3).map(|at| graph.add_tuple(&[ids[at], ids[at + 1]]).unwrap()).collect();
        let one = graph.add_set(&[tuples[0], tuples[1]]).unwrap();
        let two = graph.add_set(&[tuples[1], tuples[0]]).unwrap();
        let three = graph.add_set(&[tuples[1], tuples[2]]).unwrap();
        let mut hashes = Hashes::new(&graph);
        assert_eq!(hashes.of(one), hashes.of(two));
        assert_ne!(hashes.of(one), hashes.of(three));
    }

    #[test]
    fn a_value_in_a_cycle_has_the_same_number_from_wherever_it_is_met() {
        let make = || {
            let mut graph = Graph::new();
            let [one, two] = [1, 2].map(|number| graph.add_int(number).unwrap());
            let first = graph.add_list(&[one]).unwrap();
            let second = graph.add_list(&[two, first]).unwrap();
            graph.append(first, &[second]).unwrap();
            (graph, first, second)
        };
        let (graph, first, second) = make();
        let mut from_first = Hashes::new(&graph);
        let first_number = from_first.of(first);
        let mut from_second = Hashes::new(&graph);
        let second_number = from_second.of(second);
        assert_eq!((first_number, second_number), (from_second.of(first), from_first.of(second)));
        assert_ne!(first_number, second_number);
    }
}
