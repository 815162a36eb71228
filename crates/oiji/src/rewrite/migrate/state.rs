//! The state of an instance, taken apart and put together again: attributes by name, in order, whatever holds them.

use crate::error::Result;
use crate::graph::{Graph, Id, Node, Value};
use crate::rewrite::migrate::rules::Shape;

/// What a state is.
pub(super) fn shape(state: Option<Value<'_>>) -> Shape {
    let Some(state) = state else { return Shape::None };
    match state.node() {
        Node::None => Shape::None,
        Node::Dict(_) => Shape::Dict,
        Node::List(_) => Shape::List,
        Node::Tuple(items) => match (items.len(), items.get(0), items.get(1)) {
            (2, Some(first), Some(second)) if second.pairs().is_ok() && (first.is_none() || first.pairs().is_ok()) => {
                Shape::Slots
            }
            _ => Shape::Tuple,
        },
        _ => Shape::Other,
    }
}

/// The dicts that hold the attributes of an instance: of its `__dict__`, and of its slots.
#[derive(Debug)]
pub(super) struct State {
    dicts: Vec<Dict>,
}

#[derive(Debug)]
struct Dict {
    id: Id,
    /// Key and value; a key set twice stands once, with its last value.
    pairs: Vec<(Id, Id)>,
    is_changed: bool,
}

impl State {
    /// Takes the state of `object` apart; nothing if it has no attributes by name.
    pub(super) fn of(graph: &Graph<'_>, object: Id) -> Option<State> {
        let state = graph.value(object).as_object().ok()?.state()?;
        let dicts = match state.node() {
            Node::Dict(_) => vec![state],
            Node::Tuple(parts) if shape(Some(state)) == Shape::Slots => {
                parts.iter().filter(|part| part.pairs().is_ok()).collect()
            }
            _ => return None,
        };
        let dict = |value: Value<'_>| {
            let pairs = value.pairs().ok()?.iter().map(|(key, value)| (key.id(), value.id())).collect();
            Some(Dict { id: value.id(), pairs, is_changed: false })
        };
        Some(State { dicts: dicts.into_iter().map(dict).collect::<Option<_>>()? })
    }

    /// Where an attribute stands: the dict and the pair, the last one of its name.
    fn find(&self, graph: &Graph<'_>, name: &str) -> Option<(usize, usize)> {
        let is_name = |key: Id| match graph.value(key).node() {
            Node::Str(text) => text.as_bytes() == name.as_bytes(),
            Node::Py2Str(bytes) => bytes == name.as_bytes(),
            _ => false,
        };
        let find = |dict: &Dict| dict.pairs.iter().rposition(|(key, _)| is_name(*key));
        self.dicts.iter().enumerate().rev().find_map(|(index, dict)| Some((index, find(dict)?)))
    }

    pub(super) fn get(&self, graph: &Graph<'_>, name: &str) -> Option<Id> {
        self.find(graph, name).map(|(dict, pair)| self.dicts[dict].pairs[pair].1)
    }

    /// The names of all attributes.
    pub(super) fn names(&self, graph: &Graph<'_>) -> Vec<String> {
        let keys = self.dicts.iter().flat_map(|dict| &dict.pairs).map(|(key, _)| graph.value(*key));
        keys.filter_map(|key| match key.node() {
            Node::Str(text) => text.as_str().map(str::to_owned),
            Node::Py2Str(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        })
        .collect()
    }

    pub(super) fn remove(&mut self, graph: &Graph<'_>, name: &str) -> Option<Id> {
        let (dict, pair) = self.find(graph, name)?;
        self.dicts[dict].is_changed = true;
        Some(self.dicts[dict].pairs.remove(pair).1)
    }

    /// Takes out all attributes whose name `is_it`; gives how many those were.
    pub(super) fn remove_all(&mut self, graph: &Graph<'_>, is_it: impl Fn(&str) -> bool) -> usize {
        let mut count = 0;
        for dict in &mut self.dicts {
            let before = dict.pairs.len();
            dict.pairs.retain(|(key, _)| !name_of(graph, *key).is_some_and(&is_it));
            let removed = before - dict.pairs.len();
            dict.is_changed |= removed > 0;
            count += removed;
        }
        count
    }

    /// Changes the values of all attributes whose name `is_it`.
    pub(super) fn change_all(
        &mut self,
        graph: &mut Graph<'_>,
        is_it: impl Fn(&str) -> bool,
        mut change: impl FnMut(&mut Graph<'_>, &str, Id) -> Result<Id>,
    ) -> Result<()> {
        for dict in &mut self.dicts {
            for (key, value) in &mut dict.pairs {
                let Some(name) = name_of(graph, *key).filter(|name| is_it(name)).map(str::to_owned) else { continue };
                let new = change(graph, &name, *value)?;
                dict.is_changed |= new != *value;
                *value = new;
            }
        }
        Ok(())
    }

    /// Puts attributes to the end that are not there.
    pub(super) fn extend(&mut self, pairs: Vec<(Id, Id)>) {
        if let Some(dict) = self.dicts.first_mut() {
            dict.pairs.extend(pairs);
            dict.is_changed = true;
        }
    }

    /// A name of the type that names of other attributes have.
    pub(super) fn name_like(&self, graph: &mut Graph<'_>, name: &str) -> Result<Id> {
        match self.dicts.first().and_then(|dict| dict.pairs.first()) {
            Some((key, _)) => name_like(graph, *key, name),
            None => graph.add_str(name),
        }
    }

    /// Gives an attribute another name, in its place. One that has that name already is gone then.
    pub(super) fn rename(&mut self, graph: &mut Graph<'_>, from: &str, to: &str) -> Result<bool> {
        if from == to || self.find(graph, from).is_none() {
            return Ok(false);
        }
        self.remove(graph, to);
        let Some((dict, pair)) = self.find(graph, from) else { return Ok(false) };
        let key = name_like(graph, self.dicts[dict].pairs[pair].0, to)?;
        self.dicts[dict].pairs[pair].0 = key;
        self.dicts[dict].is_changed = true;
        Ok(true)
    }

    /// Sets an attribute: in its place, or at the end of the first dict.
    pub(super) fn set(&mut self, graph: &mut Graph<'_>, name: &str, value: Id) -> Result<()> {
        if let Some((dict, pair)) = self.find(graph, name) {
            self.dicts[dict].pairs[pair].1 = value;
            self.dicts[dict].is_changed = true;
            return Ok(());
        }
        let Some(dict) = self.dicts.first_mut() else { return Ok(()) };
        let key = match dict.pairs.first() {
            Some((key, _)) => name_like(graph, *key, name)?,
            None => graph.add_str(name)?,
        };
        dict.pairs.push((key, value));
        dict.is_changed = true;
        Ok(())
    }

    /// Takes all attributes, for a state of another kind.
    pub(super) fn into_pairs(self) -> Vec<(Id, Id)> {
        self.dicts.into_iter().flat_map(|dict| dict.pairs).collect()
    }

    /// Puts what was changed into the graph.
    pub(super) fn store(self, graph: &mut Graph<'_>) -> Result<()> {
        for dict in self.dicts.into_iter().filter(|dict| dict.is_changed) {
            let ids: Vec<Id> = dict.pairs.iter().flat_map(|(key, value)| [*key, *value]).collect();
            graph.set_children(dict.id, &ids)?;
        }
        Ok(())
    }
}

/// The name that a key is.
fn name_of<'g>(graph: &'g Graph<'_>, key: Id) -> Option<&'g str> {
    match graph.value(key).node() {
        Node::Str(text) => text.as_str(),
        Node::Py2Str(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// A name of the same type as another key has.
pub(super) fn name_like(graph: &mut Graph<'_>, key: Id, name: &str) -> Result<Id> {
    match graph.value(key).node() {
        Node::Py2Str(_) => graph.add_py2_str(name.as_bytes()),
        _ => graph.add_str(name),
    }
}
