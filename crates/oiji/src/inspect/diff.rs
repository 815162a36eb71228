//! What differs between two values, by path.

use std::fmt;

use crate::graph::{Path, Value};

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

/// What differs between `left` and `right`: nothing if and only if they are equal.
pub fn diff<'g>(left: Value<'g>, right: Value<'g>, options: &DiffOptions) -> Vec<Difference<'g>> {
    if left.same_as(right) {
        return Vec::new();
    }
    vec![Difference { path: Path::root(), change: Change::Value { left, right }, width: options.width }]
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Value { left, right } => write!(f, "~ {}: {left} → {right}", self.path),
            Change::Added(right) => write!(f, "+ {}: {right}", self.path),
            Change::Removed(left) => write!(f, "- {}: {left}", self.path),
            Change::Other(text) => write!(f, "~ {}: {text}", self.path),
        }
    }
}
