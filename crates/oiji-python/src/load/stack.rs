//! Values that are not yet where they belong, and marks between them.

use crate::py::Own;

/// Values, the last on top, and how many there were at each mark.
#[derive(Default)]
pub(super) struct Stack {
    pub(super) items: Vec<Own>,
    pub(super) marks: Vec<usize>,
    /// So many values are out of reach: they are below the topmost mark, or below `floor`.
    pub(super) fence: usize,
    /// So many values are out of reach for a dict that is not there; 0 if there is none such.
    pub(super) floor: usize,
}

impl Stack {
    #[inline]
    pub(super) fn push(&mut self, value: Own) {
        self.items.push(value);
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether so many values are in reach.
    #[inline]
    pub(super) fn has(&self, count: usize) -> bool {
        self.items.len() >= self.fence + count
    }

    /// Puts the fence where marks and dicts say.
    #[inline]
    pub(super) fn reset_fence(&mut self) {
        self.fence = self.marks.last().copied().unwrap_or(0).max(self.floor);
    }

    #[inline]
    pub(super) fn mark(&mut self) {
        self.fence = self.items.len();
        self.marks.push(self.fence);
    }

    /// Forgets all, but keeps room for some.
    pub(super) fn reset(&mut self, most: usize) {
        self.items.clear();
        self.items.shrink_to(most);
        self.marks.clear();
        self.marks.shrink_to(most);
        (self.fence, self.floor) = (0, 0);
    }
}
