//! Equality of graphs: the same values, with the same sharing and the same cycles.
//!
//! Two values walk side by side, with an explicit stack, and each container met on one side is tied to the one that stands
//! there on the other. Every container is looked at once, so shared values cost nothing however often they are met.

use rustc_hash::FxHashMap;

use crate::graph::arena::{Graph, Id, Kind, READ_ONLY, Slot};
use crate::graph::children::Children;
use crate::graph::hash::Hashes;
use crate::graph::view::{StepRef, Value};

impl Value<'_> {
    /// Whether two values are the same, with the same values shared and the same cycles in them.
    ///
    /// Atoms (`None`, bools, numbers, text, bytes, globals, extension codes, the empty tuple) are compared by value, and
    /// whether they are shared does not matter. Floats are compared by their bits: a NaN is the same as itself, `-0.0` is
    /// not `0.0`. An int is never the same as a bool or a float. Pairs of a dict must stand in the same order. Items of
    /// sets may stand in any order; where two of them look alike but are shared with different other places, they are
    /// taken in the order in which they stand.
    ///
    /// ```
    /// let shared = oiji::loads(b"]q\x00h\x00\x86.")?;
    /// let apart = oiji::loads(b"]]\x86.")?;
    /// assert_eq!(shared.to_string(), apart.to_string());
    /// assert!(!shared.root().same_as(apart.root()));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn same_as(self, other: Value<'_>) -> bool {
        Comparison::new(self.graph(), other.graph()).values(self.id(), other.id())
    }
}

impl PartialEq for Graph<'_> {
    /// Whether they have the same roots, as [`Value::same_as`] has it, with the same sharing between them. The protocol
    /// and values made and dropped do not count.
    fn eq(&self, other: &Self) -> bool {
        let mut comparison = Comparison::new(self, other);
        let mut pairs = self.roots.iter().zip(&other.roots);
        self.roots.len() == other.roots.len() && pairs.all(|(left, right)| comparison.values(*left, *right))
    }
}

/// Two graphs side by side.
struct Comparison<'l, 'r> {
    left: &'l Graph<'l>,
    right: &'r Graph<'r>,
    /// For each container on the left the one on the right, and the other way round.
    to_right: FxHashMap<Id, Id>,
    to_left: FxHashMap<Id, Id>,
    /// For sets; made when one is met whose order differs.
    hashes: Option<(Hashes<'l>, Hashes<'r>)>,
    frames: Vec<Frame<'l, 'r>>,
}

/// What is still to be compared of two containers.
enum Frame<'l, 'r> {
    Children(Children<'l>, Children<'r>),
    Matched(std::vec::IntoIter<(Id, Id)>),
}

impl Frame<'_, '_> {
    /// The next two to compare; an error if one side has more than the other.
    fn next(&mut self) -> Result<Option<(Id, Id)>, Differ> {
        match self {
            Frame::Matched(pairs) => Ok(pairs.next()),
            Frame::Children(left, right) => match (left.next(), right.next()) {
                (Some(left), Some(right)) => Ok(Some((left, right))),
                (None, None) => Ok(None),
                _ => Err(Differ),
            },
        }
    }
}

/// They are not the same.
struct Differ;

impl<'l, 'r> Comparison<'l, 'r> {
    fn new(left: &'l Graph<'l>, right: &'r Graph<'r>) -> Self {
        let (to_right, to_left) = Default::default();
        Comparison { left, right, to_right, to_left, hashes: None, frames: Vec::new() }
    }

    fn values(&mut self, left: Id, right: Id) -> bool {
        self.walk(left, right).is_ok()
    }

    fn walk(&mut self, left: Id, right: Id) -> Result<(), Differ> {
        self.frames.clear();
        self.pair(left, right)?;
        while let Some(frame) = self.frames.last_mut() {
            match frame.next()? {
                Some((left, right)) => self.pair(left, right)?,
                None => drop(self.frames.pop()),
            }
        }
        Ok(())
    }

    /// Compares two atoms, or begins two containers.
    #[inline]
    fn pair(&mut self, left: Id, right: Id) -> Result<(), Differ> {
        if !same_head(self.left, left, self.right, right) {
            return Err(Differ);
        }
        if self.left.is_atom(left) {
            return if self.right.is_atom(right) { Ok(()) } else { Err(Differ) };
        }
        match (self.to_right.get(&left), self.to_left.get(&right)) {
            (None, None) => {}
            (Some(tied), _) if *tied == right => return Ok(()),
            _ => return Err(Differ),
        }
        self.to_right.insert(left, right);
        self.to_left.insert(right, left);
        let frame = self.frame(left, right);
        self.frames.push(frame);
        Ok(())
    }

    fn frame(&mut self, left: Id, right: Id) -> Frame<'l, 'r> {
        let (left_slot, right_slot) = (self.left.slot(left), self.right.slot(right));
        let in_order = Frame::Children(self.left.children(left), self.right.children(right));
        if !matches!(left_slot.kind, Kind::Set | Kind::FrozenSet) {
            return in_order;
        }
        let (left_ids, right_ids) = (self.left.run(left_slot), self.right.run(right_slot));
        let same_atom = |(one, two): (&Id, &Id)| {
            self.left.is_atom(*one) && self.right.is_atom(*two) && same_head(self.left, *one, self.right, *two)
        };
        if left_ids.iter().zip(right_ids).all(same_atom) {
            return in_order;
        }
        let (left_hashes, right_hashes) =
            self.hashes.get_or_insert_with(|| (Hashes::new(self.left), Hashes::new(self.right)));
        let pairs = left_hashes.sorted(left_ids).into_iter().zip(right_hashes.sorted(right_ids));
        Frame::Matched(pairs.collect::<Vec<_>>().into_iter())
    }
}

/// Whether two atoms are the same, or two containers as far as that can be said without what they hold.
#[inline]
pub(crate) fn same_head(left: &Graph<'_>, left_id: Id, right: &Graph<'_>, right_id: Id) -> bool {
    let (one, two) = (left.slot(left_id), right.slot(right_id));
    if one.kind != two.kind {
        return false;
    }
    match one.kind {
        Kind::None => true,
        Kind::Bool | Kind::Int | Kind::Float => one.data == two.data,
        Kind::BigInt | Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => left.span(one) == right.span(two),
        Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet => one.low == two.low,
        Kind::Extension if one.low != two.low => false,
        Kind::Global if left.globals[one.low as usize] != right.globals[two.low as usize] => false,
        Kind::Buffer if !same_buffer(left, one, right, two) => false,
        Kind::Object => {
            let (one, two) = (&left.objects[one.low as usize], &right.objects[two.low as usize]);
            let same_making = one.made == two.made && one.kwargs.is_some() == two.kwargs.is_some();
            same_making && same_steps(left.value(left_id), right.value(right_id))
        }
        Kind::Extension | Kind::Global | Kind::Buffer | Kind::Persistent => {
            same_steps(left.value(left_id), right.value(right_id))
        }
    }
}

/// Whether two buffers have the same content, or, where that is not known, the same number.
fn same_buffer(left: &Graph<'_>, one: Slot, right: &Graph<'_>, two: Slot) -> bool {
    let same = match (left.buffer_bytes(one.data), right.buffer_bytes(two.data)) {
        (Some(one), Some(two)) => one == two,
        _ => one.data == two.data,
    };
    same && one.flags & READ_ONLY == two.flags & READ_ONLY
}

/// Whether the same kinds of things are done to two values, with as many values each.
fn same_steps(left: Value<'_>, right: Value<'_>) -> bool {
    let outline = |step: StepRef<'_>| (step.kind(), step.items().len());
    left.steps().map(outline).eq(right.steps().map(outline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Made, StepKind};

    /// Whether two pickles say the same.
    fn same(left: &[u8], right: &[u8]) -> bool {
        let (left, right) = (crate::loads(left).unwrap(), crate::loads(right).unwrap());
        let (there, back) = (left == right, right == left);
        assert_eq!(there, back);
        assert!(left == left.clone());
        left == right
    }

    #[test]
    fn atoms_are_compared_by_type_and_value() {
        assert!(same(b"K\x01.", b"I1\n."));
        assert!(!same(b"K\x01.", b"\x88."));
        assert!(!same(b"K\x01.", b"F1\n."));
        assert!(!same(b"C\x01a.", b"U\x01a."));
        assert!(!same(b"Vab\n.", b"Vac\n."));
        assert!(!same(b"F0\n.", b"F-0\n."));
        assert!(same(b"Fnan\n.", b"Fnan\n."));
        assert!(same(b"ca\nb\n.", b"\x8c\x01a\x8c\x01b\x93."));
        assert!(!same(b"ca\nb\n.", b"ca\nc\n."));
    }

    #[test]
    fn sharing_of_atoms_does_not_matter() {
        assert!(same(b"Va\nq\x00h\x00\x86.", b"Va\nVa\n\x86."));
        assert!(same(b")q\x00h\x00\x86.", b"))\x86."));
    }

    #[test]
    fn sharing_of_anything_else_does() {
        assert!(!same(b"]q\x00h\x00\x86.", b"]]\x86."));
        assert!(same(b"]q\x00h\x00\x86.", b"]q\x07h\x07\x86."));
        // One list at 0 and 2, the other at 1; and at 0 and 1.
        assert!(!same(b"]q\x00]h\x00\x87.", b"]q\x00h\x00]\x87."));
    }

    #[test]
    fn cycles_are_compared_as_they_are() {
        assert!(same(b"]q\x00h\x00a.", b"]q\x01h\x01a."));
        // A list in itself; a list in a list in the first.
        assert!(!same(b"]q\x00h\x00a.", b"]q\x00]h\x00aa."));
    }

    #[test]
    fn pairs_of_a_dict_have_an_order_and_items_of_a_set_have_none() {
        assert!(!same(b"}(K\x01NK\x02Nu.", b"}(K\x02NK\x01Nu."));
        assert!(same(b"\x8f(K\x01K\x02\x90.", b"\x8f(K\x02K\x01\x90."));
        assert!(!same(b"\x8f(K\x01K\x02\x90.", b"\x8f(K\x02K\x03\x90."));
        let one = b"(\x8c\x01aK\x01\x86K\x02(K\x03K\x04\x91\x91.";
        let two = b"((K\x04K\x03\x91K\x02\x8c\x01aK\x01\x86\x91.";
        assert!(same(one, two));
    }

    #[test]
    fn objects_are_compared_by_all_that_makes_them() {
        let object = |made, arg: i64, state: Option<i64>, item: i64| {
            let mut graph = Graph::new();
            let class = graph.add_global("shapes", "Point").unwrap();
            let arg = graph.add_int(arg).unwrap();
            let args = graph.add_tuple(&[arg]).unwrap();
            let object = graph.add_object(made, class, args, None).unwrap();
            let item = graph.add_int(item).unwrap();
            graph.add_step(object, StepKind::Append, &[item]).unwrap();
            if let Some(state) = state {
                let state = graph.add_int(state).unwrap();
                graph.add_step(object, StepKind::Build, &[state]).unwrap();
            }
            graph.set_roots(vec![object]);
            graph
        };
        let one = object(Made::New, 1, Some(2), 3);
        assert_eq!(one, object(Made::New, 1, Some(2), 3));
        assert_ne!(one, object(Made::Call, 1, Some(2), 3));
        assert_ne!(one, object(Made::New, 2, Some(2), 3));
        assert_ne!(one, object(Made::New, 1, Some(3), 3));
        assert_ne!(one, object(Made::New, 1, None, 3));
        assert_ne!(one, object(Made::New, 1, Some(2), 4));
    }

    #[test]
    fn a_million_levels_are_compared() {
        let nest = |innermost: u8| {
            let mut pickle = vec![b']'; 1_000_000];
            pickle.push(innermost);
            pickle.extend(vec![b'a'; 1_000_000]);
            pickle.push(b'.');
            pickle
        };
        assert!(same(&nest(b']'), &nest(b']')));
        assert!(!same(&nest(b']'), &nest(b'}')));
    }

    #[test]
    fn a_chain_that_doubles_is_compared_without_unfolding_it() {
        let chain = |end: u8| {
            let mut pickle = vec![end];
            for index in 0..200 {
                pickle.extend([b'q', index, b'h', index, 0x86]);
            }
            pickle.push(b'.');
            pickle
        };
        assert!(same(&chain(b']'), &chain(b']')));
        assert!(!same(&chain(b']'), &chain(b'}')));
    }

    #[test]
    fn sets_of_a_doubling_chain_are_compared_at_once() {
        let pickle = |first: &[u8], second: &[u8]| {
            let mut pickle = b"\x8f(".to_vec();
            for end in [first, second] {
                pickle.extend_from_slice(end);
                (0..200).for_each(|index| pickle.extend([b'q', index, b'h', index, 0x86]));
            }
            pickle.extend(b"\x90.");
            pickle
        };
        assert!(same(&pickle(b"K\x01", b"K\x02"), &pickle(b"K\x02", b"K\x01")));
        assert!(!same(&pickle(b"K\x01", b"K\x02"), &pickle(b"K\x02", b"K\x03")));
    }
}
