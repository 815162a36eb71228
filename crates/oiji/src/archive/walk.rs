//! All that a value holds, each once, with its way from the root as people write it: `layers.0.weight`.

use std::fmt::{self, Write as _};

use rustc_hash::FxHashSet;

use crate::graph::{Id, Items, Node, Pairs, StepKind, Value};

/// A way longer than this, in bytes, is told by its end: so that no nesting and no key makes ways of all it holds long.
const LONGEST: usize = 1_000;

/// Visits `root` and what it holds, each value once; `visit` says whether to go into it. Ways are empty unless `paths`.
pub(crate) fn walk<'g>(root: Value<'g>, paths: bool, mut visit: impl FnMut(Value<'g>, &str) -> bool) {
    let mut met: FxHashSet<Id> = FxHashSet::default();
    let mut stack = vec![(root, String::new())];
    let mut below = Vec::new();
    while let Some((value, path)) = stack.pop() {
        if met.insert(value.id()) && visit(value, &path) {
            children(value, &path, paths, false, &mut below);
            below.retain(|(value, _)| !value.id().is_immediate());
            stack.extend(below.drain(..).rev().map(|(value, path)| (value, path.unwrap_or_default())));
        }
    }
}

/// The text that a value is.
pub(crate) fn text(value: Value<'_>) -> Option<&str> {
    match value.node() {
        Node::Str(text) => text.as_str(),
        Node::Py2Str(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// A way from a value: one step, which is `name`.
fn step(path: &str, name: &dyn fmt::Display) -> String {
    let mut way = Way(String::new());
    // A way that is too long is cut, and that is all that can go wrong.
    let _ = match path.len() {
        0 => write!(way, "{name}"),
        1..LONGEST => write!(way, "{path}.{name}"),
        _ => write!(way, "….{name}"),
    };
    way.0
}

/// Text that grows to twice `LONGEST` and no further.
struct Way(String);

impl fmt::Write for Way {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (2 * LONGEST).saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end));
        self.0.push_str(&text[..end.unwrap_or(0)]);
        Err(fmt::Error)
    }
}

/// What a value holds, each with its way from the root if that is `wanted`; keys, classes and persistent ids have none. Numbers
/// and the like hold nothing: they come only `with_numbers`.
pub(crate) fn children<'g>(
    value: Value<'g>,
    path: &str,
    wanted: bool,
    with_numbers: bool,
    below: &mut Vec<(Value<'g>, Option<String>)>,
) {
    let step = |name: &dyn fmt::Display| wanted.then(|| step(path, name));
    let is_wanted = |value: &Value<'g>| with_numbers || !value.id().is_immediate();
    let entries = |below: &mut Vec<(Value<'g>, Option<String>)>, pairs: Pairs<'g>| {
        for (key, value) in pairs.iter() {
            below.push((key, None));
            if is_wanted(&value) {
                below.push((value, text(key).map_or_else(|| step(&key), |key| step(&key))));
            }
        }
    };
    let numbered = |below: &mut Vec<(Value<'g>, Option<String>)>, items: Items<'g>| {
        let items = items.iter().enumerate().filter(|(_, item)| is_wanted(item));
        below.extend(items.map(|(index, item)| (item, step(&index))));
    };
    match value.node() {
        Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => numbered(below, items),
        Node::Dict(pairs) => entries(below, pairs),
        Node::Object(object) => {
            below.push((object.class(), None));
            below.push((object.args(), step(&"args")));
            below.extend(object.kwargs().map(|kwargs| (kwargs, step(&"kwargs"))));
            for part in object.steps() {
                if let Some(first) = part.items().get(0).filter(|_| part.kind() == StepKind::Build) {
                    // Attributes are a step from the object, not from its state.
                    below.push((first, wanted.then(|| path.to_owned())));
                } else if part.kind() == StepKind::SetItems {
                    entries(below, part.pairs());
                } else {
                    numbered(below, part.items());
                }
            }
        }
        Node::Persistent(id) => below.push((id, None)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;

    #[test]
    fn ways_of_what_is_nested_deep_are_told_by_their_end() {
        let mut graph = Graph::new();
        let key = graph.add_str(&"long".repeat(1_000)).unwrap();
        let mut inner = graph.add_list(&[]).unwrap();
        for _ in 0..100_000 {
            inner = graph.add_dict(&[(key, inner)]).unwrap();
        }
        graph.set_roots(vec![inner]);
        let mut longest = 0;
        walk(graph.root(), true, |_, path| {
            longest = longest.max(path.len());
            true
        });
        assert_eq!(longest, 2_000);
    }

    #[test]
    fn ways_are_written_as_people_do() {
        let graph = crate::pickle!({"layers": [{"weight": []}, ({1: {}})]}).unwrap();
        let mut paths = Vec::new();
        walk(graph.root(), true, |value, path| {
            paths.extend((!path.is_empty() && text(value).is_none()).then(|| path.to_owned()));
            true
        });
        assert_eq!(paths, ["layers", "layers.0", "layers.0.weight", "layers.1", "layers.1.0", "layers.1.0.1"]);
    }
}
