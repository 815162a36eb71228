//! Bytes that stand outside of a pickle, under its persistent values: what makes of an id in an archive the array it names.
//!
//! What the bytes mean is not known here; whoever links them knows, and `array` reads them.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

#[cfg(feature = "archive")]
use crate::graph::again::Again;
use crate::graph::arena::{Graph, Id};

/// Pieces of bytes, and which of them a persistent value stands for. Several may stand for one.
#[derive(Clone, Default)]
pub(crate) struct Outside<'a> {
    pieces: Vec<Cow<'a, [u8]>>,
    of: FxHashMap<Id, usize>,
}

impl Outside<'_> {
    pub(crate) fn into_owned(self) -> Outside<'static> {
        let pieces = self.pieces.into_iter().map(|piece| Cow::Owned(piece.into_owned())).collect();
        Outside { pieces, of: self.of }
    }
}

impl Graph<'_> {
    /// The bytes that a persistent value stands for, if they are known.
    pub(crate) fn outside(&self, persistent: Id) -> Option<&[u8]> {
        self.outside.of.get(&persistent).map(|index| &*self.outside.pieces[*index])
    }
}

#[cfg(feature = "archive")]
impl<'a> Graph<'a> {
    /// Takes bytes in, and gives the number by which values are linked with them.
    pub(crate) fn add_outside(&mut self, bytes: Cow<'a, [u8]>) -> usize {
        self.outside.pieces.push(bytes);
        self.outside.pieces.len() - 1
    }

    /// Says that a persistent value stands for a piece of bytes.
    pub(crate) fn link_outside(&mut self, persistent: Id, piece: usize) {
        self.outside.of.insert(persistent, piece);
    }

    /// Puts a copy of another value in the place of a persistent one. What it holds is shared by both.
    pub(crate) fn put_in_place(&mut self, persistent: Id, value: Id) {
        self.again = Again::Unknown;
        self.slots[persistent.index()] = self.slots[value.index()];
        if let Some(steps) = self.steps.get(&value).cloned() {
            self.steps.insert(persistent, steps);
        }
    }

    /// The piece of bytes that a persistent value stands for.
    pub(crate) fn outside_piece(&self, persistent: Id) -> Option<usize> {
        self.outside.of.get(&persistent).copied()
    }
}
