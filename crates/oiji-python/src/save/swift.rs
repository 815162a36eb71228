//! Runs of plain values by the lane, as long as the pickle is brief.

use crate::py::lane::{Lane, Pair};
use crate::py::layout::{Attributes, Pairs};
use crate::py::{Obj, Own};
use crate::save::Saver;
use crate::save::containers::BATCH;

impl Saver<'_> {
    #[inline(always)]
    fn lane(&mut self) -> Lane<'_> {
        let full = self.out.full();
        Lane::new(&mut self.out.buffer, self.memo, &mut self.habits, !self.compact, full)
    }

    /// Writes items as far as that is swift; tells how many. `once` is as for `is_single`.
    #[inline]
    pub(super) fn swift_items(&mut self, items: &[Option<Obj<'_>>], once: bool) -> usize {
        let mut lane = self.lane();
        let count = lane.items(items, once);
        lane.close();
        count
    }

    /// Writes pairs of a dict as far as that is swift; gives the value whose key is the last thing written, if there is one.
    #[inline]
    pub(super) fn swift_pairs<'a>(
        &mut self,
        dict: Obj<'a>,
        position: &mut isize,
        batch: &mut usize,
    ) -> Option<Obj<'a>> {
        let mut pairs = Pairs::of(dict, *position)?;
        let mut lane = self.lane();
        let (count, value) = lane.pairs(&mut pairs, BATCH - *batch);
        lane.close();
        *position = pairs.position;
        *batch += count;
        value
    }

    /// As `swift_pairs`, attributes of an instance from `at` on.
    #[inline]
    pub(super) fn swift_attributes<'a>(&mut self, values: &Attributes<'a>, at: &mut usize) -> Option<Obj<'a>> {
        let mut lane = self.lane();
        let (count, value) = lane.attributes(values, *at);
        lane.close();
        *at += count;
        value
    }

    /// As `swift_pairs`, one name and its value.
    #[inline]
    pub(super) fn swift_pair(&mut self, name: &Own, value: Obj<'_>) -> Pair {
        let mut lane = self.lane();
        let pair = lane.pair(name.obj(), value, false);
        lane.close();
        pair
    }
}
