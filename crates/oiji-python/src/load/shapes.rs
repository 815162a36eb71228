//! Dicts by their keys: those that came twice are known, and the third is copied from them.

use crate::py::shape::{Shape, make_room};
use crate::py::{Own, Py};

/// Sequences of keys that came.
#[derive(Default)]
pub(super) struct Shapes {
    /// How many dicts came before any were looked at.
    skipped: usize,
    /// By a hash of the keys' addresses.
    places: Vec<Seen>,
}

enum Seen {
    Never,
    /// With this hash.
    Once(u64),
    Known(Shape),
}

const PLACES: usize = 64;

/// Longer dicts seldom have one shape.
const MOST_KEYS: usize = 64;

impl Shapes {
    /// Fills a blank dict with keys and values from `from` up, or tells that it did not.
    #[inline]
    pub(super) fn fill(&mut self, dict: &Own, stack: &mut Vec<Own>, from: usize) -> Py<bool> {
        let pairs = &stack[from..];
        let count = pairs.len() / 2;
        if !(2..=MOST_KEYS).contains(&count) {
            return roomy(dict, count);
        }
        let first = pairs[0].raw() as u64 ^ (count as u64) << 48;
        let place = (first.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize;
        match self.places.get(place) {
            Some(Seen::Known(shape)) if shape.fits(pairs) => {
                shape.fill(dict.obj(), stack, from)?;
                Ok(true)
            }
            _ => self.learn(dict, stack, from, place),
        }
    }

    fn learn(&mut self, dict: &Own, stack: &[Own], from: usize, place: usize) -> Py<bool> {
        let pairs = &stack[from..];
        let hash = pairs
            .iter()
            .step_by(2)
            .fold(0_u64, |hash, key| (hash.rotate_left(5) ^ key.raw() as u64).wrapping_mul(0x517c_c1b7_2722_0a95));
        if self.places.is_empty() {
            // The table is not made for a few dicts.
            self.skipped += 1;
            if self.skipped < 4 {
                return roomy(dict, pairs.len() / 2);
            }
            self.places.resize_with(PLACES, || Seen::Never);
        }
        match &self.places[place] {
            Seen::Once(before) if *before == hash => {
                if let Some(shape) = Shape::of(pairs)? {
                    self.places[place] = Seen::Known(shape);
                }
            }
            _ => self.places[place] = Seen::Once(hash),
        }
        roomy(dict, pairs.len() / 2)
    }
}

/// Sees that the keys will not outgrow the dict.
fn roomy(dict: &Own, count: usize) -> Py<bool> {
    // So many find room in any dict.
    if count > 5 {
        make_room(dict.obj(), count)?;
    }
    Ok(false)
}
