//! The walk over two graphs at once, with an explicit stack: pairs of values that stand in the same place.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::equal::same_head;
use crate::graph::hash::Hashes;
use crate::graph::path::Step as PathStep;
use crate::graph::{Graph, Id, Items, Node, Object, Pairs, Path, StepKind, Value};
use crate::inspect::diff::align::{Pairing, align};
use crate::inspect::diff::{Change, DiffOptions, Difference};

/// A place on the way from the root: the one before, and the step from there.
type Place = u32;

/// The root.
pub(super) const TOP: Place = 0;

pub(super) struct Search<'g> {
    options: DiffOptions,
    left_hashes: Hashes<'g>,
    right_hashes: Hashes<'g>,
    /// Places as a tree: paths are made only for what differs.
    places: Vec<(Place, Option<PathStep>)>,
    stack: Vec<(Value<'g>, Value<'g>, Place)>,
    /// With what a container of the left was compared first, and where; and the same from the right.
    from_left: FxHashMap<Id, (Id, Place)>,
    from_right: FxHashMap<Id, (Id, Place)>,
    done: FxHashSet<(Id, Id)>,
    pub(super) found: Vec<Difference<'g>>,
}

impl<'g> Search<'g> {
    pub(super) fn new(left: &'g Graph<'g>, right: &'g Graph<'g>, options: &DiffOptions) -> Self {
        Search {
            options: options.clone(),
            left_hashes: Hashes::new(left),
            right_hashes: Hashes::new(right),
            places: vec![(TOP, None)],
            stack: Vec::new(),
            from_left: FxHashMap::default(),
            from_right: FxHashMap::default(),
            done: FxHashSet::default(),
            found: Vec::new(),
        }
    }

    pub(super) fn run(&mut self, left: Value<'g>, right: Value<'g>) {
        self.stack.push((left, right, TOP));
        while let Some((left, right, place)) = self.stack.pop() {
            if self.found.len() >= self.options.limit {
                return;
            }
            let before = self.stack.len();
            self.pair(left, right, place);
            // Pushed in order, to be taken in order.
            self.stack[before..].reverse();
        }
    }

    pub(super) fn report(&mut self, place: Place, change: Change<'g>) {
        if self.found.len() < self.options.limit {
            self.found.push(Difference { path: self.path(place), change, width: self.options.width });
        }
    }

    fn path(&self, mut place: Place) -> Path {
        let mut steps = Vec::new();
        while let (before, Some(step)) = &self.places[place as usize] {
            steps.push(step.clone());
            place = *before;
        }
        let mut path = Path::root();
        steps.into_iter().rev().for_each(|step| path.push(step));
        path
    }

    fn place(&mut self, before: Place, step: PathStep) -> Place {
        self.places.push((before, Some(step)));
        self.places.len() as Place - 1
    }

    fn go(&mut self, left: Value<'g>, right: Value<'g>, before: Place, step: PathStep) {
        let place = self.place(before, step);
        self.stack.push((left, right, place));
    }

    fn alone(&mut self, value: Value<'g>, is_left: bool, before: Place, step: PathStep) {
        let place = self.place(before, step);
        self.report(place, if is_left { Change::Removed(value) } else { Change::Added(value) });
    }

    fn pair(&mut self, left: Value<'g>, right: Value<'g>, place: Place) {
        let is_atom = left.graph().is_atom(left.id()) && right.graph().is_atom(right.id());
        if is_atom {
            if !same_head(left.graph(), left.id(), right.graph(), right.id()) {
                self.report(place, Change::Value { left, right });
            }
            return;
        }
        if !self.is_new(left, right, place) {
            return;
        }
        match (left.node(), right.node()) {
            (Node::List(one), Node::List(two)) | (Node::Tuple(one), Node::Tuple(two)) => self.lists(one, two, place),
            (Node::Dict(one), Node::Dict(two)) => self.dicts(one, two, place),
            (Node::Set(one), Node::Set(two)) | (Node::FrozenSet(one), Node::FrozenSet(two)) => {
                self.sets(one, two, place);
            }
            (Node::Persistent(one), Node::Persistent(two)) => self.go(one, two, place, PathStep::PersistentId),
            (Node::Object(one), Node::Object(two)) => self.objects(left, one, right, two, place),
            _ => {
                if !same_head(left.graph(), left.id(), right.graph(), right.id()) {
                    self.report(place, Change::Value { left, right });
                } else {
                    self.steps(left, right, place);
                }
            }
        }
    }

    /// Whether two containers were not compared yet; tells of sharing that is on one side alone.
    fn is_new(&mut self, left: Value<'g>, right: Value<'g>, place: Place) -> bool {
        let (one, two) = (left.id(), right.id());
        let (known_left, known_right) = (self.from_left.get(&one).copied(), self.from_right.get(&two).copied());
        if self.options.sharing {
            match (known_left, known_right) {
                (Some((other, first)), _) if other != two => {
                    let text = format!("the same object as {} on the left only", self.path(first));
                    self.report(place, Change::Other(text));
                }
                (_, Some((other, first))) if other != one => {
                    let text = format!("the same object as {} on the right only", self.path(first));
                    self.report(place, Change::Other(text));
                }
                _ => {}
            }
        }
        self.from_left.entry(one).or_insert((two, place));
        self.from_right.entry(two).or_insert((one, place));
        // One object against many is looked at once more for each of them, but not without end.
        self.done.insert((one, two)) && (known_left.is_none() || known_right.is_none())
    }

    fn lists(&mut self, left: Items<'g>, right: Items<'g>, place: Place) {
        let left_numbers: Vec<u64> = left.iter().map(|item| self.left_hashes.of(item.id())).collect();
        let right_numbers: Vec<u64> = right.iter().map(|item| self.right_hashes.of(item.id())).collect();
        for pairing in align(&left_numbers, &right_numbers) {
            match pairing {
                Pairing::Both(one, two) => {
                    let (Some(left), Some(right)) = (left.get(one), right.get(two)) else { continue };
                    let same_atom = left_numbers[one] == right_numbers[two] && left.graph().is_atom(left.id());
                    if !same_atom {
                        self.go(left, right, place, PathStep::Index(one as i64));
                    }
                }
                Pairing::Left(one) => {
                    let item = left.get(one);
                    item.into_iter().for_each(|item| self.alone(item, true, place, PathStep::Index(one as i64)));
                }
                Pairing::Right(two) => {
                    let item = right.get(two);
                    item.into_iter().for_each(|item| self.alone(item, false, place, PathStep::Index(two as i64)));
                }
            }
        }
    }

    /// Key by key; of a key that is set twice the last value counts.
    fn dicts(&mut self, left: Pairs<'g>, right: Pairs<'g>, place: Place) {
        let mut theirs: FxHashMap<u64, Value<'g>> = FxHashMap::default();
        for (key, value) in right {
            theirs.insert(self.right_hashes.of(key.id()), value);
        }
        let mut ours: FxHashMap<u64, Value<'g>> = FxHashMap::default();
        for (key, value) in left {
            ours.insert(self.left_hashes.of(key.id()), value);
        }
        for (key, _) in left {
            let number = self.left_hashes.of(key.id());
            match (ours.remove(&number), theirs.remove(&number)) {
                (Some(value), Some(other)) => self.go(value, other, place, PathStep::at_key(key)),
                (Some(value), None) => self.alone(value, true, place, PathStep::at_key(key)),
                (None, _) => {}
            }
        }
        for (key, _) in right {
            if let Some(value) = theirs.remove(&self.right_hashes.of(key.id())) {
                self.alone(value, false, place, PathStep::at_key(key));
            }
        }
    }

    fn sets(&mut self, left: Items<'g>, right: Items<'g>, place: Place) {
        let mut by_number: FxHashMap<u64, Vec<Value<'g>>> = FxHashMap::default();
        for item in right {
            by_number.entry(self.right_hashes.of(item.id())).or_default().push(item);
        }
        for item in left {
            match by_number.get_mut(&self.left_hashes.of(item.id())).and_then(Vec::pop) {
                Some(_) => {}
                None => self.report(place, Change::Removed(item)),
            }
        }
        let added: Vec<Value<'g>> = by_number.into_values().flatten().collect();
        for item in right.iter().filter(|item| added.iter().any(|added| added.id() == item.id())) {
            self.report(place, Change::Added(item));
        }
    }

    fn objects(&mut self, left: Value<'g>, one: Object<'g>, right: Value<'g>, two: Object<'g>, place: Place) {
        if one.made() != two.made() {
            self.report(
                place,
                Change::Other(format!("made by {:?} on the left, {:?} on the right", one.made(), two.made())),
            );
        }
        self.go(one.class(), two.class(), place, PathStep::Class);
        self.go(one.args(), two.args(), place, PathStep::Args);
        match (one.kwargs(), two.kwargs()) {
            (Some(one), Some(two)) => self.go(one, two, place, PathStep::Kwargs),
            (Some(one), None) => self.alone(one, true, place, PathStep::Kwargs),
            (None, Some(two)) => self.alone(two, false, place, PathStep::Kwargs),
            (None, None) => {}
        }
        self.steps(left, right, place);
    }

    /// What was done to two values after they were made.
    fn steps(&mut self, left: Value<'g>, right: Value<'g>, place: Place) {
        let (mut ours, mut theirs) = (left.steps(), right.steps());
        let mut states = 0;
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return,
                (Some(one), Some(two)) if one.kind() == two.kind() => match one.kind() {
                    StepKind::SetItems => self.dicts(one.pairs(), two.pairs(), place),
                    StepKind::Append | StepKind::Add => self.lists(one.items(), two.items(), place),
                    _ => {
                        states += 1;
                        let (Some(one), Some(two)) = (one.items().get(0), two.items().get(0)) else { continue };
                        // Attributes have the path that people write: `.name`, without the state between.
                        match (one.node(), two.node()) {
                            (Node::Dict(_), Node::Dict(_)) if states == 1 => self.stack.push((one, two, place)),
                            _ => self.go(one, two, place, PathStep::State(states)),
                        }
                    }
                },
                _ => {
                    self.report(place, Change::Other("other things are done to it after it is made".to_owned()));
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::inspect::{DiffOptions, diff};

    fn lines(left: &[u8], right: &[u8]) -> Vec<String> {
        let (left, right) = (crate::loads(left).unwrap(), crate::loads(right).unwrap());
        diff(left.root(), right.root(), &DiffOptions::default()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn of_a_key_that_is_set_twice_the_last_value_counts() {
        let twice = b"(dI2\nI4\nsI3\nI9\nsI2\nI16\ns.";
        assert!(lines(twice, twice).is_empty());
        assert_eq!(lines(twice, b"(dI2\nI16\nsI3\nI8\ns."), ["~ root[3]: 9 \u{2192} 8"]);
    }

    #[test]
    fn sharing_on_one_side_alone_is_a_difference() {
        let (shared, apart) = (b"(lp0\n(lp1\nag1\na.", b"(lp0\n(la(la.");
        assert_eq!(lines(shared, apart), ["~ root[1]: the same object as root[0] on the left only"]);
        assert_eq!(lines(apart, shared), ["~ root[1]: the same object as root[0] on the right only"]);
        assert!(lines(shared, shared).is_empty());
    }

    #[test]
    fn a_cycle_is_compared_once() {
        let cycle = b"]q\x00h\x00a.";
        assert!(lines(cycle, cycle).is_empty());
        assert_eq!(lines(cycle, b"]q\x00h\x00aK\x01a."), ["+ root[1]: 1"]);
    }
}
