//! Small pickles that come again and again with the same dicts: their keys are not made anew, nor looked for in a table.
//!
//! What `loads` read last is remembered dict by dict, in their order: the keys, and a dict to copy. A key is taken again only if
//! nobody else holds it any more, so that no two things that were loaded have more in common than `_pickle` gives them. What was
//! read last is mostly alive while the next is read: two readings are remembered, and take turns.

use std::collections::HashMap;

use crate::py::fresh::Fresh;
use crate::py::shape::Shape;
use crate::py::{Exact, Own, Py};

/// A longer pickle has better ways.
const MOST_BYTES: usize = 4 << 10;
const MOST_DICTS: usize = 64;
const MOST_KEYS: usize = 64;

/// So many readings are tried before it rests, and it rests for so many.
const TRIED: u32 = 4;
const LEAST_REST: u32 = 8;
const MOST_REST: u32 = 1 << 10;

/// A dict that came with other keys so often is not looked at for so many readings.
const MOST_MISSES: u32 = 3;
const UNFIT: u32 = 64;

/// The dicts of earlier readings.
#[derive(Default)]
pub(super) struct Again {
    on: bool,
    turns: [Vec<Pattern>; 2],
    turn: usize,
    /// How many dicts of this reading have come.
    next: usize,
    /// Those whose items have not, the innermost last.
    open: Vec<Open>,
    /// Whether something of an earlier reading was of use in this one.
    useful: bool,
    /// Whether it came with other keys: from there on nobody knows how often one is held.
    changed: bool,
    tried: u32,
    rest: u32,
    last_rest: u32,
}

/// A dict whose items are to come.
struct Open {
    /// Where its first key will lie on the stack.
    base: usize,
    pattern: usize,
}

/// What is known of a dict.
enum Pattern {
    Nothing,
    /// It came with other keys each time, and is not looked at for so many readings.
    Unfit(u32),
    Known {
        keys: Keys,
        /// How often each key is held by the patterns of one reading.
        held: Vec<usize>,
        /// How often it came with other keys since it came with these.
        misses: u32,
    },
}

/// The keys of a dict, each held once.
enum Keys {
    Listed(Vec<Own>),
    Shaped(Shape),
}

impl Keys {
    fn get(&self, index: usize) -> Option<&Own> {
        match self {
            Keys::Listed(keys) => keys.get(index),
            Keys::Shaped(shape) => shape.key(index),
        }
    }

    fn fit(&self, pairs: &[Own]) -> bool {
        match self {
            Keys::Listed(keys) => {
                2 * keys.len() == pairs.len()
                    && keys.iter().zip(pairs.iter().step_by(2)).all(|(one, other)| one.raw() == other.raw())
            }
            Keys::Shaped(shape) => shape.fits(pairs),
        }
    }

    fn addresses(&self) -> impl Iterator<Item = usize> {
        (0..).map_while(|index| self.get(index)).map(|key| key.raw() as usize)
    }
}

impl Again {
    /// A pickle of so many bytes is going to be read.
    #[inline]
    pub(super) fn begin(&mut self, len: usize) {
        self.on = len <= MOST_BYTES;
        if self.on && self.rest > 0 {
            self.rest -= 1;
            self.on = false;
        }
        if self.on {
            self.turn ^= 1;
        }
    }

    #[inline]
    pub(super) fn end(&mut self) {
        if !self.on || self.next == 0 {
            return;
        }
        self.on = false;
        self.next = 0;
        self.open.clear();
        if std::mem::take(&mut self.changed) {
            self.count();
        }
        if std::mem::take(&mut self.useful) {
            (self.tried, self.last_rest) = (0, 0);
            return;
        }
        self.tried += 1;
        if self.tried == TRIED {
            self.tried = 0;
            self.last_rest = (2 * self.last_rest).clamp(LEAST_REST, MOST_REST);
            self.rest = self.last_rest;
            self.turns = Default::default();
        }
    }

    /// Counts how often each key is held.
    #[cold]
    fn count(&mut self) {
        let turn = &mut self.turns[self.turn];
        let mut counts = HashMap::<usize, usize>::new();
        for pattern in &*turn {
            if let Pattern::Known { keys, .. } = pattern {
                keys.addresses().for_each(|key| *counts.entry(key).or_default() += 1);
            }
        }
        for pattern in turn {
            if let Pattern::Known { keys, held, .. } = pattern {
                *held = keys.addresses().map(|key| counts[&key]).collect();
            }
        }
    }

    /// A new dict lies on the stack, below `base`.
    #[inline]
    pub(super) fn opened(&mut self, base: usize) {
        if self.on && self.next < MOST_DICTS {
            self.open.push(Open { base, pattern: self.next });
            self.next += 1;
        }
    }

    /// A str of `bytes` of an earlier reading, which would lie at `position` on the stack, above a mark at `mark`.
    #[inline]
    pub(super) fn key(&mut self, position: usize, mark: usize, bytes: &[u8], fresh: &Fresh) -> Option<Own> {
        if !self.on || self.changed {
            return None;
        }
        while self.open.last()?.base > mark {
            // It had no items.
            self.open.pop();
        }
        let open = self.open.last()?;
        if open.base != mark || !(position - mark).is_multiple_of(2) {
            return None;
        }
        let Pattern::Known { keys, held, .. } = self.turns[self.turn].get(open.pattern)? else { return None };
        let index = (position - mark) / 2;
        let key = keys.get(index)?;
        if !fresh.is_text(key, *held.get(index)?, bytes) {
            return None;
        }
        self.useful = true;
        Some(key.clone())
    }

    /// Fills a blank dict with keys and values from `from` up, or tells that it did not.
    #[inline]
    pub(super) fn fill(&mut self, dict: &Own, stack: &mut Vec<Own>, from: usize) -> Py<bool> {
        if !self.on {
            return Ok(false);
        }
        while self.open.last().is_some_and(|open| open.base > from) {
            self.open.pop();
        }
        let Some(open) = self.open.pop_if(|open| open.base == from) else { return Ok(false) };
        if let Some(Pattern::Known { keys: Keys::Shaped(shape), .. }) = self.turns[self.turn].get(open.pattern)
            && shape.fits(&stack[from..])
        {
            shape.fill(dict.obj(), stack, from)?;
            return Ok(true);
        }
        self.learn(open.pattern, &stack[from..])?;
        Ok(false)
    }

    #[cold]
    fn learn(&mut self, index: usize, pairs: &[Own]) -> Py<()> {
        let count = pairs.len() / 2;
        let turn = &mut self.turns[self.turn];
        if turn.len() <= index {
            turn.resize_with(index + 1, || Pattern::Nothing);
        }
        let keys = pairs.iter().step_by(2);
        let misses = match &mut turn[index] {
            Pattern::Known { keys, misses, .. } if keys.fit(pairs) => {
                *misses = 0;
                if let Some(shape) = Shape::of(pairs)? {
                    *keys = Keys::Shaped(shape);
                }
                return Ok(());
            }
            Pattern::Unfit(left) if *left > 0 => {
                *left -= 1;
                return Ok(());
            }
            Pattern::Known { misses, .. } => *misses + 1,
            _ => 0,
        };
        self.changed = true;
        let is_fit = (2..=MOST_KEYS).contains(&count) && keys.clone().all(|key| key.obj().exact() == Exact::Str);
        turn[index] = if is_fit && misses < MOST_MISSES {
            Pattern::Known { keys: Keys::Listed(keys.cloned().collect()), held: Vec::new(), misses }
        } else {
            Pattern::Unfit(UNFIT)
        };
        Ok(())
    }
}
