//! The memo as places in the input, in four bytes an entry: each new page of it costs more than what is on it.

use rustc_hash::FxHashMap;

use crate::serde::pull::index::Bits;

/// Where a value begins.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) start: u32,
    /// How many tuples begin there that are part of the value.
    pub(super) tuples: u16,
}

impl Place {
    /// Of no value.
    pub(super) const NONE: Place = Place { start: u32::MAX, tuples: 0 };

    #[inline]
    pub(super) fn is_none(self) -> bool {
        self.start == u32::MAX
    }
}

/// Places by memo index.
#[derive(Default)]
pub(super) struct Memo {
    starts: Vec<u32>,
    /// Entries that are tuples.
    tuples: Bits,
    /// How many tuples begin with an entry, where more than one do.
    nested: FxHashMap<u32, u16>,
}

impl Memo {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Puts `place` at the next index.
    #[inline]
    pub(super) fn push(&mut self, place: Place) {
        if place.tuples > 0 {
            self.push_tuple(place.tuples);
        }
        self.starts.push(place.start);
    }

    fn push_tuple(&mut self, tuples: u16) {
        self.tuples.set(self.starts.len());
        if tuples > 1 {
            self.nested.insert(self.starts.len() as u32, tuples);
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<Place> {
        let start = *self.starts.get(index as usize)?;
        let tuples = match self.tuples.has(index as usize) {
            true => self.nested.get(&index).copied().unwrap_or(1),
            false => 0,
        };
        Some(Place { start, tuples })
    }
}
