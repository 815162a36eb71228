//! Which values of a graph are used more than once: a bit for each.
//!
//! A pickle uses a value again by `GET` and `DUP` alone, so the builder notes it as it reads; of a graph made or changed
//! by hand `uses` finds it out.

use crate::graph::arena::{Id, Kind};

/// A set of values.
#[derive(Clone, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// A set that has room for the first `count` values.
    pub(crate) fn of(count: usize) -> Bits {
        Bits(vec![0; count.div_ceil(64)])
    }

    /// Adds the value with a number; says whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, index: usize) -> bool {
        let (place, bit) = (index / 64, 1 << (index % 64));
        if place >= self.0.len() {
            self.0.resize(place + 1, 0);
        }
        let word = &mut self.0[place];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether the value with a number is in it.
    #[inline(always)]
    pub(crate) fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 != 0)
    }
}

/// What a reader notes of values used again.
#[derive(Clone, Default)]
pub(crate) enum Again {
    /// It is not known.
    #[default]
    Unknown,
    /// These are all.
    Known(Bits),
}

impl Again {
    /// Takes note that `id`, of this kind, is used again.
    ///
    /// What gets its memo entry only at its end may be met again while it is written, and then what lies between needs an
    /// entry as well: that is left to `uses`.
    #[inline]
    pub(crate) fn note(&mut self, id: Id, kind: Kind) {
        if let Again::Known(bits) = self {
            match kind {
                Kind::Tuple | Kind::Set | Kind::FrozenSet | Kind::Persistent | Kind::Object => *self = Again::Unknown,
                _ if id.is_immediate() => {}
                _ => drop(bits.insert(id.index())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::arena::Graph;
    use crate::graph::uses;
    use crate::testing::noise;

    /// Text, lists and dicts that hold earlier ones, and lists that hold later ones.
    fn shared(seed: u64) -> Graph<'static> {
        let mut graph = Graph::new();
        let mut ids = vec![graph.add_list(&[]).unwrap()];
        let mut lists = ids.clone();
        let mut numbers = noise(seed);
        let mut number = move |below: usize| (numbers.next().unwrap_or_default() % below as u64) as usize;
        for index in 0..if cfg!(miri) { 30 } else { 300 } {
            let key = graph.add_str(&index.to_string()).unwrap();
            let items: Vec<Id> = (0..number(4)).map(|_| ids[number(ids.len())]).collect();
            let id = match number(3) {
                0 => key,
                1 => graph.add_dict(&items.iter().map(|item| (key, *item)).collect::<Vec<_>>()).unwrap(),
                _ => {
                    lists.push(graph.add_list(&items).unwrap());
                    lists[lists.len() - 1]
                }
            };
            graph.append(lists[number(lists.len())], &[id]).unwrap();
            ids.push(id);
        }
        graph.set_roots(vec![ids[ids.len() - 1], ids[0]]);
        graph
    }

    #[test]
    fn a_reader_notes_what_counting_finds() {
        for seed in 0..if cfg!(miri) { 3 } else { 100 } {
            let pickles = shared(seed).to_vec().unwrap();
            let graph = crate::ReadOptions::new().all_from_slice(&pickles).unwrap();
            let Again::Known(noted) = &graph.again else { panic!("nothing was noted") };
            let counted = uses::count(&graph, &[], 4);
            for index in 0..graph.slots.len() {
                assert_eq!(noted.contains(index), counted.contains(index), "value {index} of seed {seed}");
            }
        }
    }

    #[test]
    fn what_is_noted_is_forgotten_when_the_graph_changes() {
        let mut graph = Graph::from_slice(b"](]e.").unwrap();
        assert!(matches!(graph.again, Again::Known(_)));
        let root = graph.root().id();
        graph.append(root, &[root]).unwrap();
        assert!(matches!(graph.again, Again::Unknown));
        assert_eq!(Graph::from_slice(&graph.to_vec().unwrap()).unwrap().to_string(), "[[], [...]]");
    }
}
