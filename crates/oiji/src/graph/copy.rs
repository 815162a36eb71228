//! Copies of a value, with all it holds, from one graph into another. Sharing and cycles inside it are kept.

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::graph::Value;
use crate::graph::again::Again;
use crate::graph::arena::{self, Dropped, Graph, Id, Kind, ObjectData, Slot, Step};

/// What is known of the graph that values are copied from.
#[derive(Default)]
pub(crate) struct Copied {
    /// Ids there and ids here.
    ids: FxHashMap<Id, Id>,
    /// Values that were dropped there, by what lay below them: the call of a state setter on its object.
    dropped: FxHashMap<Id, Vec<Id>>,
}

impl Copied {
    /// Nothing is copied from `graph` yet.
    pub(crate) fn of(graph: &Graph<'_>) -> Self {
        let mut copied = Copied::default();
        for dropped in &graph.dropped {
            if let Some(below) = dropped.below {
                copied.dropped.entry(below).or_default().push(dropped.value);
            }
        }
        copied
    }

    /// Takes a value here for the copy of one there.
    #[cfg(feature = "archive")]
    pub(crate) fn stands_for(&mut self, there: Id, here: Id) {
        self.ids.insert(there, here);
    }

    /// Forgets what was copied, for a graph of its own.
    #[cfg(feature = "class")]
    pub(crate) fn restart(&mut self) {
        self.ids.clear();
    }
}

impl Graph<'_> {
    /// Adds a copy of `value`, which is of another graph, and of all it holds. A value that was dropped there is copied with
    /// the value it lay on.
    ///
    /// ```
    /// use oiji::Graph;
    /// let source = oiji::pickle!({"sizes": [1, 2.5]})?;
    /// let mut graph = Graph::new();
    /// let sizes = graph.add_copy(source.root().get("sizes")?)?;
    /// graph.set_roots(vec![sizes]);
    /// assert_eq!(graph.to_string(), "[1, 2.5]");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn add_copy(&mut self, value: Value<'_>) -> Result<Id> {
        self.add_copy_with(value, &mut Copied::of(value.graph()))
    }

    /// As `add_copy`; what was copied before is met again.
    pub(crate) fn add_copy_with(&mut self, value: Value<'_>, copied: &mut Copied) -> Result<Id> {
        self.again = Again::Unknown;
        let from = value.graph();
        let mut work = vec![value.id()];
        let mut fresh = Vec::new();
        while let Some(id) = work.pop() {
            if copied.ids.contains_key(&id) {
                continue;
            }
            let slot = from.slot(id);
            if id.is_immediate() && slot.kind != Kind::Float {
                copied.ids.insert(id, id);
                continue;
            }
            // A place first, so that what it holds can lead back to it.
            copied.ids.insert(id, self.push_slot(Slot::plain(Kind::None, 0))?);
            fresh.push(id);
            work.extend(from.children(id));
            if let Some(dropped) = copied.dropped.get(&id) {
                work.extend(dropped);
            }
        }
        let Copied { ids, dropped } = copied;
        for id in fresh {
            let slot = self.copied_slot(from, from.slot(id), ids)?;
            let new = ids[&id];
            for value in dropped.get(&id).into_iter().flatten() {
                self.dropped.push(Dropped { value: ids[value], below: Some(new) });
            }
            self.slots[new.index()] = slot;
            if let Some(steps) = from.steps.get(&id) {
                let step = |step: &Step| Step { kind: step.kind, ids: step.ids.iter().map(|id| ids[id]).collect() };
                self.steps.insert(new, steps.iter().map(step).collect());
            }
        }
        Ok(ids[&value.id()])
    }

    fn copied_slot(&mut self, from: &Graph<'_>, slot: Slot, ids: &FxHashMap<Id, Id>) -> Result<Slot> {
        Ok(match slot.kind {
            Kind::None | Kind::Bool | Kind::Int | Kind::Float | Kind::Extension => slot,
            Kind::BigInt | Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => {
                let new = self.owned_slot(slot.kind, from.span(slot));
                Slot { flags: new.flags | slot.flags & arena::SURROGATES, ..new }
            }
            Kind::Buffer => {
                let index = match from.buffer_bytes(slot.data) {
                    Some(bytes) => self.push_buffer(bytes.to_vec().into()),
                    None => self.buffer_count,
                };
                self.buffer_count = self.buffer_count.max(index + 1);
                Slot { data: index, ..slot }
            }
            Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet => {
                let run: Vec<Id> = from.run(slot).iter().map(|id| ids[id]).collect();
                let new = self.run_slot(slot.kind, &run)?;
                Slot { flags: slot.flags, ..new }
            }
            Kind::Global => {
                let global = &from.globals[slot.low as usize];
                Slot { low: self.intern_global(&global.module, &global.name)?, ..slot }
            }
            Kind::Persistent => Slot::persistent(ids[&from.persistent_id(slot)]),
            Kind::Object => {
                let data = from.objects[slot.low as usize];
                let index = u32::try_from(self.objects.len()).map_err(|_| arena::full())?;
                self.objects.push(ObjectData {
                    made: data.made,
                    class: ids[&data.class],
                    args: ids[&data.args],
                    kwargs: data.kwargs.map(|id| ids[&id]),
                    state: data.state.map(|id| ids[&id]),
                });
                Slot { low: index, ..slot }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::ReadOptions;
    use crate::graph::{Graph, Made, StepKind};

    fn copy(graph: &Graph<'_>) -> Graph<'static> {
        let mut new = Graph::new();
        new.add_int(1 << 40).unwrap();
        let root = new.add_copy(graph.root()).unwrap();
        new.set_roots(vec![root]);
        new
    }

    #[test]
    fn a_copy_keeps_sharing_cycles_and_what_was_done_to_objects() {
        let mut graph = Graph::new();
        let class = graph.add_global("shapes", "Point").unwrap();
        let args = graph.add_tuple(&[]).unwrap();
        let object = graph.add_object(Made::New, class, args, None).unwrap();
        let list = graph.add_list(&[object, object]).unwrap();
        graph.append(list, &[list]).unwrap();
        graph.add_step(object, StepKind::Build, &[list]).unwrap();
        graph.add_step(object, StepKind::Append, &[list, args]).unwrap();
        let text = graph.add_text(b"\xed\xb2\x80").unwrap();
        let pid = graph.add_persistent(text).unwrap();
        let root = graph.add_tuple(&[list, pid]).unwrap();
        graph.set_roots(vec![root]);
        assert_eq!(copy(&graph), graph);
    }

    #[test]
    fn a_copy_keeps_the_calls_of_state_setters() {
        // set_state(obj, 1), whose result is dropped.
        let pickle = b"cm\nC\n)Rq\x00cm\nset_state\nh\x00K\x01\x86R0.";
        let graph = ReadOptions::new().from_slice(pickle).unwrap();
        assert_eq!(graph.dropped().count(), 1);
        let new = copy(&graph);
        assert_eq!(new.dropped().count(), 1);
        assert_eq!(new, graph);
    }

    #[test]
    fn a_copy_is_of_floats_and_buffers_too() {
        let pickle = b"\x80\x05G?\xf8\0\0\0\0\0\0\x97\x97\x98\x87.";
        let graph = ReadOptions::new().buffers([&b"one"[..], b"two"]).from_slice(pickle).unwrap();
        let new = copy(&graph);
        assert_eq!(new, graph);
        assert_eq!(new.root().at(2).unwrap().as_bytes().unwrap(), b"two");
    }
}
