//! What must hold before a rule is followed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::graph::{Graph, Id, Node};
use crate::rewrite::migrate::rules::{Condition, Order};
use crate::rewrite::migrate::state::{State, shape};

/// The versions of libraries that a file tells, as scikit-learn does by `_sklearn_version`: the lowest of each.
pub(super) type Libraries = BTreeMap<String, String>;

/// Whether all conditions hold of an object.
pub(super) fn holds(graph: &Graph<'_>, id: Id, conditions: &[Condition], libraries: &mut Option<Libraries>) -> bool {
    if conditions.is_empty() {
        return true;
    }
    let Ok(object) = graph.value(id).as_object() else { return false };
    let state = State::of(graph, id);
    let attribute = |name: &str| state.as_ref().and_then(|state| state.get(graph, name));
    conditions.iter().all(|condition| match condition {
        Condition::Has(name) => attribute(name).is_some(),
        Condition::Lacks(name) => attribute(name).is_none(),
        Condition::Equals(name, literal) => attribute(name).is_some_and(|value| literal.is(graph.value(value))),
        Condition::Args(count) => {
            let first = object.seen_through().map_or(0, |(_, first)| first);
            object.args().items().is_ok_and(|args| args.len().saturating_sub(first) == *count)
        }
        Condition::State(wanted) => shape(object.state()) == *wanted,
        Condition::Library(library, order, version) => {
            let libraries = libraries.get_or_insert_with(|| told(graph));
            libraries.get(library).is_some_and(|found| {
                let found = compare(found, version);
                match order {
                    Order::Below => found == Ordering::Less,
                    Order::AtMost => found != Ordering::Greater,
                    Order::Is => found == Ordering::Equal,
                    Order::AtLeast => found != Ordering::Less,
                    Order::Above => found == Ordering::Greater,
                }
            })
        }
    })
}

fn told(graph: &Graph<'_>) -> Libraries {
    let mut libraries = Libraries::new();
    for value in graph.values() {
        let Some(pairs) = value.as_object().ok().and_then(|object| object.state()?.pairs().ok()) else { continue };
        for (key, version) in pairs {
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
            let as_text = |node: Node<'_>| match node {
                Node::Str(found) => text(found.as_bytes()),
                Node::Py2Str(bytes) => text(bytes),
                _ => None,
            };
            let Some(key) = as_text(key.node()).filter(|key| key.ends_with("_version")) else { continue };
            let Some(version) = as_text(version.node()) else { continue };
            let library = key.trim_end_matches("_version").trim_matches('_').to_owned();
            let lower = libraries.get(&library).is_none_or(|other| compare(&version, other) == Ordering::Less);
            if lower && version.starts_with(|c: char| c.is_ascii_digit()) {
                libraries.insert(library, version);
            }
        }
    }
    libraries
}

/// Versions by their numbers: `1.10` is above `1.9`, and `1.3` is `1.3.0`.
fn compare(one: &str, other: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        let parts = text.split('.').map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>());
        let mut numbers: Vec<u64> = parts.map_while(|part| part.parse().ok()).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        numbers
    };
    numbers(one).cmp(&numbers(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert_eq!(compare("1.10.2", "1.9"), Ordering::Greater);
        assert_eq!(compare("1.3", "1.3.0"), Ordering::Equal);
        assert_eq!(compare("0.20.4", "0.22"), Ordering::Less);
        assert_eq!(compare("1.3.dev0", "1.3"), Ordering::Equal);
    }
}
