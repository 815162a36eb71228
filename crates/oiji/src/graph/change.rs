//! Changing what is there: other names, classes, states and contents at the places where values stand, so that all that
//! refers to them sees the change. What it means is for `rewrite` to know.

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::graph::again::Again;
use crate::graph::arena::{self, Graph, Id, Kind, Made, ObjectData, Slot, StepKind};

impl Graph<'_> {
    /// Module and name of the globals with this number.
    pub(crate) fn global_name(&self, index: usize) -> (&str, &str) {
        let name = &self.globals[index];
        (&name.module, &name.name)
    }

    /// The number of the names of a global.
    pub(crate) fn global_index_of(&self, id: Id) -> Option<usize> {
        let slot = self.slot(id);
        (slot.kind == Kind::Global).then_some(slot.low as usize)
    }

    /// Gives other names to all globals with this number.
    pub(crate) fn rename_global(&mut self, index: usize, module: &str, name: &str) {
        let entry = &mut self.globals[index];
        let old =
            (std::mem::replace(&mut entry.module, module.into()), std::mem::replace(&mut entry.name, name.into()));
        if self.global_index.get(&old) == Some(&(index as u32)) {
            self.global_index.remove(&old);
        }
        self.global_index.entry((module.into(), name.into())).or_insert(index as u32);
    }

    /// The ids of all objects, whether or not they are part of the result.
    pub(crate) fn object_ids(&self) -> Vec<Id> {
        self.ids_of(Kind::Object)
    }

    /// The ids of all dicts.
    pub(crate) fn dict_ids(&self) -> Vec<Id> {
        self.ids_of(Kind::Dict)
    }

    fn ids_of(&self, kind: Kind) -> Vec<Id> {
        let places = self.slots.iter().enumerate().filter(|(_, slot)| slot.kind == kind);
        places.filter_map(|(index, _)| Id::new(index).ok()).collect()
    }

    /// Makes an object in another way.
    pub(crate) fn make_anew(&mut self, object: Id, made: Made, class: Id, args: Id) {
        self.again = Again::Unknown;
        let slot = self.slot(object);
        if slot.kind == Kind::Object {
            let data = &mut self.objects[slot.low as usize];
            (data.made, data.class, data.args) = (made, class, args);
            data.kwargs = data.kwargs.filter(|_| made == Made::NewEx);
        }
    }

    /// Gives an object another first state, or none.
    pub(crate) fn set_state(&mut self, object: Id, state: Option<Id>) {
        self.again = Again::Unknown;
        let slot = self.slot(object);
        if slot.kind != Kind::Object {
            return;
        }
        self.objects[slot.low as usize].state = state;
        if let Some(steps) = self.steps.get_mut(&object) {
            let at = steps.iter().position(|step| step.kind == StepKind::Build);
            match (at, state) {
                (Some(at), Some(state)) => steps[at].ids = vec![state],
                (Some(at), None) => drop(steps.remove(at)),
                (None, Some(state)) => steps.push(arena::Step { kind: StepKind::Build, ids: vec![state] }),
                (None, None) => {}
            }
        }
    }

    /// Puts other children into a list, tuple, dict, set or frozenset: items; or key, value, key, value.
    pub(crate) fn set_children(&mut self, container: Id, ids: &[Id]) -> Result<()> {
        self.again = Again::Unknown;
        let slot = self.slot(container);
        let new = self.run_slot(slot.kind, ids)?;
        self.slots[container.index()] = Slot { flags: slot.flags, ..new };
        Ok(())
    }

    /// Puts new values where old ones stand in a value: among its children, in what is done to it, or as its state.
    pub(crate) fn replace_children(&mut self, parent: Id, new: &FxHashMap<Id, Id>) {
        self.again = Again::Unknown;
        let slot = self.slot(parent);
        let put = |id: &mut Id| *id = new.get(id).copied().unwrap_or(*id);
        match slot.kind {
            Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet => {
                self.run_mut(slot).iter_mut().for_each(put);
            }
            Kind::Object => {
                let data = &mut self.objects[slot.low as usize];
                [&mut data.class, &mut data.args].into_iter().for_each(put);
                data.kwargs.iter_mut().chain(&mut data.state).for_each(put);
            }
            Kind::Persistent => {
                let mut id = self.persistent_id(slot);
                put(&mut id);
                self.slots[parent.index()] = Slot::persistent(id);
            }
            _ => {}
        }
        if let Some(steps) = self.steps.get_mut(&parent) {
            steps.iter_mut().flat_map(|step| &mut step.ids).for_each(put);
        }
    }

    /// How many children all values have together, at least.
    pub(crate) fn child_count(&self) -> usize {
        self.pool.len()
    }

    /// Makes a dict of an object, where it stands.
    pub(crate) fn become_dict(&mut self, object: Id, pairs: &[Id]) -> Result<()> {
        self.again = Again::Unknown;
        let slot = self.run_slot(Kind::Dict, pairs)?;
        self.slots[object.index()] = slot;
        self.steps.remove(&object);
        Ok(())
    }

    /// Makes an object of a dict, where it stands: with the same dict as its state.
    pub(crate) fn become_object(&mut self, dict: Id, class: Id) -> Result<()> {
        self.again = Again::Unknown;
        let args = self.add_tuple(&[])?;
        let state = self.push_slot(self.slot(dict))?;
        let index = u32::try_from(self.objects.len()).map_err(|_| arena::full())?;
        self.objects.push(ObjectData { made: Made::New, class, args, kwargs: None, state: Some(state) });
        self.slots[dict.index()] = Slot { low: index, ..Slot::plain(Kind::Object, 0) };
        Ok(())
    }

    /// Puts `new` in the place of every root that is `old`.
    pub(crate) fn replace_root(&mut self, old: Id, new: Id) {
        self.again = Again::Unknown;
        self.roots.iter_mut().filter(|root| **root == old).for_each(|root| *root = new);
    }
}
