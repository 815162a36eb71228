//! A graph with all that does not count taken out of it: equal atoms are one value, sets are in order, old ways of making
//! objects are the new ones.

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::graph::again::Again;
use crate::graph::arena::{Graph, Id, Kind, Made, Slot, Step};
use crate::graph::copy::Copied;
use crate::graph::hash::Hashes;
use crate::graph::view::Value;

impl Graph<'_> {
    /// A copy of all that its roots reach, in a form that is the same for equal graphs.
    pub(crate) fn to_canonical(&self) -> Result<Graph<'static>> {
        let mut copied = Copied::of(self);
        let mut graph = Graph::new();
        let roots = self.roots.iter().map(|root| graph.add_copy_with(self.value(*root), &mut copied));
        let roots = roots.collect::<Result<Vec<Id>>>()?;
        graph.set_roots(roots);
        graph.make_plain_objects()?;
        graph.unite_atoms();
        graph.sort_sets();
        Ok(graph)
    }

    /// `copyreg._reconstructor(cls, object, None)` is a new object of `cls`.
    pub(crate) fn make_plain_objects(&mut self) -> Result<()> {
        let nothing = self.add_tuple(&[])?;
        for index in 0..self.slots.len() {
            let Ok(id) = Id::new(index) else { break };
            let Ok(object) = self.value(id).as_object() else { continue };
            let is_old =
                object.made() == Made::Call && object.class_name().is_some_and(|name| name.name() == "_reconstructor");
            let Some((class, 3)) = object.seen_through().filter(|_| is_old) else { continue };
            let class = class.id();
            let place = self.slots[index].low as usize;
            let data = &mut self.objects[place];
            (data.made, data.class, data.args) = (Made::New, class, nothing);
        }
        Ok(())
    }

    /// Lets one value stand for all atoms that are the same.
    fn unite_atoms(&mut self) {
        let mut first: FxHashMap<(u8, Vec<u8>), Id> = FxHashMap::default();
        let mut same: FxHashMap<Id, Id> = FxHashMap::default();
        for index in 0..self.slots.len() {
            let Ok(id) = Id::new(index) else { break };
            let slot = self.slots[index];
            let bytes = match slot.kind {
                Kind::BigInt | Kind::Str | Kind::Bytes | Kind::Py2Str => self.span(slot).to_vec(),
                Kind::Int | Kind::Float => slot.data.to_le_bytes().to_vec(),
                Kind::Extension if !self.steps.contains_key(&id) => slot.low.to_le_bytes().to_vec(),
                Kind::Tuple if slot.low == 0 => Vec::new(),
                Kind::Global if !self.steps.contains_key(&id) => {
                    let global = &self.globals[slot.low as usize];
                    format!("{}\0{}", global.module, global.name).into_bytes()
                }
                _ => continue,
            };
            let one = *first.entry((slot.kind as u8, bytes)).or_insert(id);
            if one != id {
                same.insert(id, one);
            }
        }
        self.substitute(&same);
    }

    /// Puts other values in the place of some, wherever they stand.
    fn substitute(&mut self, new: &FxHashMap<Id, Id>) {
        self.again = Again::Unknown;
        let put = |id: &mut Id| *id = new.get(id).copied().unwrap_or(*id);
        self.pool.iter_mut().for_each(put);
        self.roots.iter_mut().for_each(put);
        for data in &mut self.objects {
            [&mut data.class, &mut data.args].into_iter().for_each(put);
            data.kwargs.iter_mut().chain(&mut data.state).for_each(put);
        }
        self.steps.values_mut().flatten().flat_map(|step: &mut Step| &mut step.ids).for_each(put);
        for dropped in &mut self.dropped {
            put(&mut dropped.value);
            dropped.below.iter_mut().for_each(put);
        }
        for index in 0..self.slots.len() {
            let slot = self.slots[index];
            if slot.kind == Kind::Persistent {
                let mut id = self.persistent_id(slot);
                put(&mut id);
                self.slots[index] = Slot::persistent(id);
            }
        }
    }

    /// Puts the items of sets into an order that does not depend on where they stood.
    fn sort_sets(&mut self) {
        let sets: Vec<Id> = self.values().map(Value::id).filter(|id| self.is_set(*id)).collect();
        let mut sorted = Vec::new();
        {
            let mut hashes = Hashes::new(self);
            for set in sets {
                let mut keyed: Vec<(Vec<u8>, u64, Id)> =
                    self.run(self.slot(set)).iter().map(|id| (self.atom_key(*id), hashes.of(*id), *id)).collect();
                keyed.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
                sorted.push((set, keyed.into_iter().map(|(_, _, id)| id).collect::<Vec<Id>>()));
            }
        }
        for (set, ids) in sorted {
            let slot = self.slot(set);
            self.run_mut(slot).copy_from_slice(&ids);
        }
    }

    fn is_set(&self, id: Id) -> bool {
        matches!(self.slot(id).kind, Kind::Set | Kind::FrozenSet)
    }

    /// What atoms are ordered by: their kind, and their bytes.
    fn atom_key(&self, id: Id) -> Vec<u8> {
        let slot = self.slot(id);
        let mut key = vec![slot.kind as u8];
        match slot.kind {
            Kind::BigInt | Kind::Str | Kind::Bytes | Kind::Py2Str => key.extend_from_slice(self.span(slot)),
            Kind::Bool | Kind::Int | Kind::Float => key.extend_from_slice(&slot.data.to_be_bytes()),
            _ => {}
        }
        key
    }
}
