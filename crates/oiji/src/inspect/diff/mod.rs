//! What differs between two values, by path.
//!
//! `search` walks both sides at once, `align` says which items of two lists belong together.

mod align;
mod search;

use std::fmt;

use crate::graph::{Path, Value};
use crate::inspect::diff::search::{Search, TOP};
use crate::inspect::show::inline;

/// How two values are compared.
///
/// ```
/// use oiji::inspect::DiffOptions;
/// assert!(DiffOptions::default().sharing);
/// ```
#[derive(Clone, Debug)]
pub struct DiffOptions {
    /// Differences found before the search ends.
    pub limit: usize,
    /// Whether it is a difference that one object stands in two places on one side only.
    pub sharing: bool,
    /// Columns of a line; long values are cut to fit.
    pub width: usize,
}

impl Default for DiffOptions {
    /// A thousand differences, sharing included, 100 columns.
    fn default() -> Self {
        DiffOptions { limit: 1_000, sharing: true, width: 100 }
    }
}

/// One difference; its `Display` is a line such as `~ root.a[3]: 1 → 2`.
#[derive(Clone, Debug)]
pub struct Difference<'g> {
    /// Where it is: on the left side, or for what was added on the right.
    pub path: Path,
    /// What it is.
    pub change: Change<'g>,
    width: usize,
}

/// What differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change<'g> {
    /// Another value, maybe of another type.
    Value {
        /// The value on the left.
        left: Value<'g>,
        /// The value on the right.
        right: Value<'g>,
    },
    /// Only on the right.
    Added(Value<'g>),
    /// Only on the left.
    Removed(Value<'g>),
    /// Something else than a value, in words: `shared with root.a on the left only`.
    Other(String),
}

/// What differs between `left` and `right`: nothing if and only if they are the same.
///
/// Dicts are compared key by key, lists with an eye to what was put in or taken out, sets by what they hold. Values that
/// stand in several places are compared once.
///
/// ```
/// use oiji::inspect::{DiffOptions, diff};
/// let old = oiji::pickle!({"name": "saw", "sizes": [1, 2, 3]})?;
/// let new = oiji::pickle!({"name": "axe", "sizes": [1, 9, 2, 3]})?;
/// let lines: Vec<String> =
///     diff(old.root(), new.root(), &DiffOptions::default()).iter().map(ToString::to_string).collect();
/// assert_eq!(lines, ["~ root.name: 'saw' → 'axe'", "+ root.sizes[1]: 9"]);
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn diff<'g>(left: Value<'g>, right: Value<'g>, options: &DiffOptions) -> Vec<Difference<'g>> {
    let mut search = Search::new(left.graph(), right.graph(), options);
    search.run(left, right);
    if search.found.is_empty() && options.sharing && options.limit > 0 && !left.same_as(right) {
        search.report(TOP, Change::Other("the same values, shared or ordered differently".to_owned()));
    }
    search.found
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        let room = self.width.saturating_sub(path.to_string().chars().count() + 7).max(20);
        let brief = |value: &Value<'_>, room: usize| inline::brief(*value, room).as_str().to_owned();
        match &self.change {
            Change::Value { left, right } => {
                write!(f, "~ {path}: {} → {}", brief(left, room / 2), brief(right, room / 2))
            }
            Change::Added(right) => write!(f, "+ {path}: {}", brief(right, room)),
            Change::Removed(left) => write!(f, "- {path}: {}", brief(left, room)),
            Change::Other(text) => write!(f, "~ {path}: {text}"),
        }
    }
}
