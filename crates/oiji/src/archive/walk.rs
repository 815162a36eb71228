//! All that a value holds, each once, with its way from the root as people write it: `layers.0.weight`.

use rustc_hash::FxHashSet;

use crate::graph::{Id, Node, Pairs, StepKind, Value};

/// Visits `root` and what it holds, each value once; `visit` says whether to go into it. Ways are empty unless `paths`.
pub(crate) fn walk<'g>(root: Value<'g>, paths: bool, mut visit: impl FnMut(Value<'g>, &str) -> bool) {
    let mut met: FxHashSet<Id> = FxHashSet::default();
    let mut stack = vec![(root, String::new())];
    let mut below = Vec::new();
    while let Some((value, path)) = stack.pop() {
        if met.insert(value.id()) && visit(value, &path) {
            children(value, &path, paths, &mut below);
            stack.extend(below.drain(..).rev());
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

/// What a value holds, each with its way from the root if that is `wanted`. Numbers and the like hold nothing: they are left out.
fn children<'g>(value: Value<'g>, path: &str, wanted: bool, below: &mut Vec<(Value<'g>, String)>) {
    let step = |name: &str| match (wanted, path) {
        (false, _) => String::new(),
        (true, "") => name.to_owned(),
        (true, path) => format!("{path}.{name}"),
    };
    let entries = |below: &mut Vec<(Value<'g>, String)>, pairs: Pairs<'g>| {
        for (key, value) in pairs.iter() {
            below.push((key, String::new()));
            below.push((value, step(&text(key).map_or_else(|| key.to_string(), str::to_owned))));
        }
    };
    match value.node() {
        Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
            below.extend(items.iter().enumerate().map(|(index, item)| (item, step(&index.to_string()))));
        }
        Node::Dict(pairs) => entries(below, pairs),
        Node::Object(object) => {
            below.push((object.class(), String::new()));
            below.push((object.args(), step("args")));
            below.extend(object.kwargs().map(|kwargs| (kwargs, step("kwargs"))));
            for part in object.steps() {
                if let Some(first) = part.items().get(0).filter(|_| part.kind() == StepKind::Build) {
                    // Attributes are a step from the object, not from its state.
                    below.push((first, path.to_owned()));
                } else if part.kind() == StepKind::SetItems {
                    entries(below, part.pairs());
                } else {
                    below.extend(part.items().iter().enumerate().map(|(index, item)| (item, step(&index.to_string()))));
                }
            }
        }
        Node::Persistent(id) => below.push((id, String::new())),
        _ => {}
    }
    below.retain(|(value, _)| !value.id().is_immediate());
}
