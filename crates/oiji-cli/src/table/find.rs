//! Tables among what a value holds, each with its path.

use std::collections::HashSet;

use oiji::graph::{Path, Step};
use oiji::{Node, Value};

/// Tables that are named before the rest is left out.
const MOST: usize = 20;
/// Values that are looked at.
const LOOKED_AT: usize = 1 << 20;

/// The first below `root` that `is_one`, with their paths, as `--path` takes them.
pub(crate) fn all<'g>(root: Value<'g>, is_one: impl Fn(Value<'g>) -> bool) -> Vec<(String, Value<'g>)> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![(root, Path::root())];
    while let Some((value, path)) = stack.pop() {
        if !seen.insert(value.id()) || seen.len() > LOOKED_AT {
            continue;
        }
        if is_one(value) {
            let path = path.to_string();
            let path = path.strip_prefix("root").unwrap_or(&path);
            found.push((path.strip_prefix('.').unwrap_or(path).to_owned(), value));
            if found.len() == MOST {
                break;
            }
            continue;
        }
        let before = stack.len();
        let mut add = |step: Step, child: Value<'g>| {
            // Only what can hold others, or be a table.
            if matches!(child.node(), Node::List(_) | Node::Tuple(_) | Node::Dict(_) | Node::Object(_)) {
                let mut path = path.clone();
                path.push(step);
                stack.push((child, path));
            }
        };
        let state = || value.as_object().ok()?.state();
        match value.node() {
            Node::List(items) | Node::Tuple(items) => {
                items.iter().enumerate().for_each(|(at, item)| add(Step::Index(at as i64), item));
            }
            _ => {
                let pairs = state().unwrap_or(value).pairs().ok();
                pairs.into_iter().flatten().for_each(|(key, child)| add(Step::at_key(key), child));
            }
        }
        stack[before..].reverse();
    }
    found
}
