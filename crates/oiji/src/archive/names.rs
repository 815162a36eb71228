//! Names of members: each once, and none that is taken for something else. Names of arrays in a graph: their ways from its
//! root.

use std::collections::HashMap;

use crate::archive::robust::PKL;
use crate::archive::ties::TIES;
use crate::archive::walk::walk;
use crate::array::channel_values;
use crate::graph::{Id, Value};

/// The pickle, and where Python's `oiji.archive` keeps what views have in common.
const RESERVED: [&str; 2] = [PKL, TIES];

/// Gives names out.
pub(crate) struct Names {
    /// Names that are taken, with the number that is tried first for another of that name.
    taken: HashMap<String, u64>,
    numbered: u64,
}

impl Names {
    pub(crate) fn new() -> Self {
        Names { taken: RESERVED.map(|name| (name.to_owned(), 2)).into(), numbered: 0 }
    }

    /// Any name may be given out.
    pub(crate) fn free() -> Self {
        Names { taken: HashMap::new(), numbered: 0 }
    }

    /// `wanted`, or `wanted_2`, `wanted_3`… where it is taken.
    pub(crate) fn named(&mut self, wanted: &str) -> String {
        let Some(next) = self.taken.get(wanted) else {
            self.taken.insert(wanted.to_owned(), 2);
            return wanted.to_owned();
        };
        let mut count = *next;
        loop {
            let name = format!("{wanted}_{count}");
            count += 1;
            if !self.taken.contains_key(&name) {
                self.taken.insert(name.clone(), 2);
                self.taken.insert(wanted.to_owned(), count);
                return name;
            }
        }
    }

    /// The next of `array_0`, `array_1`… that is free.
    pub(crate) fn numbered(&mut self) -> String {
        loop {
            let name = format!("array_{}", self.numbered);
            self.numbered += 1;
            if !self.taken.contains_key(&name) {
                return self.named(&name);
            }
        }
    }
}

/// Arrays of a graph, each with a name of its own, in the order they are met.
pub(crate) struct NamedValues {
    names: Vec<(String, Id)>,
    by_name: HashMap<String, Id>,
}

impl NamedValues {
    /// Those that `is_array` says are arrays, by their ways from `root`; the root itself is called `alone`. What an array
    /// holds is not looked into, but for the tensors that one is quantized by.
    pub(crate) fn of<'g>(root: Value<'g>, alone: &str, is_array: impl Fn(Value<'g>) -> bool) -> Self {
        let mut given = Names::free();
        let mut names = Vec::new();
        walk(root, true, |value, path| {
            if !is_array(value) {
                return true;
            }
            let path = if path.is_empty() { alone } else { path };
            names.push((given.named(path), value.id()));
            let parts =
                channel_values(value).into_iter().flat_map(|parts| ["scales", "zero_points"].into_iter().zip(parts));
            names.extend(parts.map(|(part, value)| (given.named(&format!("{path}.{part}")), value.id())));
            false
        });
        let by_name = names.iter().cloned().collect();
        NamedValues { names, by_name }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Id)> {
        self.names.iter().map(|(name, id)| (name.as_str(), *id))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Id> {
        self.by_name.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::new();
        let named = ["foo", "foo", "foo_2", "array_0", "pkl", "foo"].map(|name| names.named(name));
        assert_eq!(named, ["foo", "foo_2", "foo_2_2", "array_0", "pkl_2", "foo_3"]);
        assert_eq!([names.numbered(), names.numbered()], ["array_1", "array_2"]);
    }

    #[test]
    fn values_of_one_way_have_names_of_their_own() {
        let graph = crate::pickle!({"a.b": [1], "a": {"b": [2]}}).unwrap();
        let named = NamedValues::of(graph.root(), "array", |value| matches!(value.node(), crate::Node::List(_)));
        let names: Vec<&str> = named.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.b", "a.b_2"]);
        assert_eq!(graph.value(named.get("a.b_2").unwrap()).to_string(), "[2]");
    }
}
