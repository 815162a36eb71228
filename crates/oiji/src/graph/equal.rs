//! Equality of graphs: the same values, with the same sharing and the same cycles.

use crate::graph::arena::Graph;
use crate::graph::view::Value;

impl Value<'_> {
    /// Whether two values are the same, sharing and cycles included.
    pub fn same_as(self, other: Value<'_>) -> bool {
        self.to_string() == other.to_string()
    }
}

impl PartialEq for Graph<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.roots().len() == other.roots().len() && self.roots().zip(other.roots()).all(|(one, two)| one.same_as(two))
    }
}
