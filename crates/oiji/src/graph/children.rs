//! What a value holds, one after another: the ground of every walk over a graph.

use crate::graph::arena::{Graph, Id, Kind, Step};

/// The values that a value holds: items; key, value, key, value; a persistent id; an object's class, args and kwargs;
/// then what is done to it, in order.
#[derive(Clone)]
pub(crate) struct Children<'g> {
    /// Taken from the end.
    first: [Option<Id>; 3],
    ids: std::slice::Iter<'g, Id>,
    steps: std::slice::Iter<'g, Step>,
}

impl Iterator for Children<'_> {
    type Item = Id;

    #[inline]
    fn next(&mut self) -> Option<Id> {
        if let Some(id) = self.first.iter_mut().rev().find_map(Option::take) {
            return Some(id);
        }
        loop {
            if let Some(id) = self.ids.next() {
                return Some(*id);
            }
            self.ids = self.steps.next()?.ids.iter();
        }
    }
}

impl Graph<'_> {
    /// What a value holds.
    pub(crate) fn children(&self, id: Id) -> Children<'_> {
        let slot = self.slot(id);
        let mut children = Children { first: [None; 3], ids: [].iter(), steps: [].iter() };
        match slot.kind {
            Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet => {
                children.ids = self.run(slot).iter();
                return children;
            }
            Kind::Persistent => children.first[2] = Some(self.persistent_id(slot)),
            Kind::Object => {
                let data = &self.objects[slot.low as usize];
                children.first = [data.kwargs, Some(data.args), Some(data.class)];
                if let Some(state) = &data.state {
                    children.ids = std::slice::from_ref(state).iter();
                }
            }
            Kind::Global | Kind::Extension | Kind::Buffer => {}
            _ => return children,
        }
        if let (false, Some(steps)) = (self.steps.is_empty(), self.steps.get(&id)) {
            // They tell of the state too.
            children.ids = [].iter();
            children.steps = steps.iter();
        }
        children
    }

    /// Whether a value holds no others and sharing it means nothing.
    #[inline]
    pub(crate) fn is_atom(&self, id: Id) -> bool {
        let slot = self.slot(id);
        match slot.kind {
            Kind::None | Kind::Bool | Kind::Int | Kind::BigInt | Kind::Float => true,
            Kind::Str | Kind::Bytes | Kind::Py2Str => true,
            Kind::Tuple => slot.low == 0,
            Kind::Global | Kind::Extension => self.is_untouched(id),
            _ => false,
        }
    }

    /// Whether a value holds no others.
    #[inline]
    pub(crate) fn is_leaf(&self, id: Id) -> bool {
        match self.slot(id).kind {
            Kind::ByteArray => true,
            Kind::Buffer => self.is_untouched(id),
            _ => self.is_atom(id),
        }
    }

    fn is_untouched(&self, id: Id) -> bool {
        self.steps.is_empty() || !self.steps.contains_key(&id)
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Graph, Made, StepKind};

    #[test]
    fn an_object_holds_its_class_args_kwargs_and_what_is_done_to_it() {
        let mut graph = Graph::new();
        let class = graph.add_global("shapes", "Point").unwrap();
        let args = graph.add_tuple(&[]).unwrap();
        let kwargs = graph.add_dict(&[]).unwrap();
        let state = graph.add_int(1).unwrap();
        let object = graph.add_object(Made::NewEx, class, args, Some(kwargs)).unwrap();
        graph.add_step(object, StepKind::Build, &[state]).unwrap();
        assert_eq!(graph.children(object).collect::<Vec<_>>(), [class, args, kwargs, state]);
        graph.add_step(object, StepKind::Append, &[state, args]).unwrap();
        assert_eq!(graph.children(object).collect::<Vec<_>>(), [class, args, kwargs, state, state, args]);
    }
}
