//! The pointers of one unpickling: each made once, and how deep they hold one another.
//!
//! Rust drops what a pointer holds on its own stack. A hostile pickle could make a chain of pointers long enough to overflow
//! it, out of parts that are each short. So it is written down which pointer holds which: a chain too long is an error, and
//! what was made for it is dropped from its beginning, one pointer at a time.

use std::any::{Any, TypeId};

use rustc_hash::FxHashMap;

use crate::graph::Id;

/// A value that a pointer points to: the address of its graph, its place there, the type of the pointer.
pub(crate) type Key = (usize, Id, TypeId);

/// All pointers.
#[derive(Default)]
pub(crate) struct Pointers {
    indexes: FxHashMap<Key, u32>,
    made: Vec<Option<Box<dyn Any>>>,
    /// Those whose content is being read, each with the depth at which it stands.
    open: Vec<(u32, u64)>,
    /// Which holds which, and how many levels lie between.
    holds: Vec<(u32, u32, u32)>,
}

/// Whether a pointer was met before.
pub(crate) enum Met<P> {
    Never,
    /// Its content is being read.
    Open,
    Made(P),
}

impl Pointers {
    /// The pointer for `key`, if it was met; what is open holds it then, `depth` levels down, unless it is `weak`.
    pub(crate) fn meet<P: Clone + 'static>(&mut self, key: &Key, depth: u64, weak: bool) -> Met<P> {
        let Some(&index) = self.indexes.get(key) else { return Met::Never };
        match self.made[index as usize].as_ref().and_then(|made| made.downcast_ref::<P>()) {
            Some(made) => {
                let made = made.clone();
                self.hold(index, depth, weak);
                Met::Made(made)
            }
            None => Met::Open,
        }
    }

    fn hold(&mut self, index: u32, depth: u64, weak: bool) {
        if let (Some(&(owner, at)), false) = (self.open.last(), weak) {
            let levels = u32::try_from(depth.saturating_sub(at)).unwrap_or(u32::MAX);
            self.holds.push((owner, index, levels.max(1)));
        }
    }

    /// Begins to read the content of a pointer; gives its number. Nothing if there are more than numbers.
    pub(crate) fn open(&mut self, key: Key, depth: u64, weak: bool) -> Option<u32> {
        let index = u32::try_from(self.made.len()).ok()?;
        self.hold(index, depth, weak);
        self.indexes.insert(key, index);
        self.made.push(None);
        self.open.push((index, depth));
        Some(index)
    }

    /// Ends what `open` began. Without a pointer it can be met anew.
    pub(crate) fn close(&mut self, key: &Key, index: u32, pointer: Option<Box<dyn Any>>) {
        self.open.pop();
        if pointer.is_none() {
            self.indexes.remove(key);
        }
        self.made[index as usize] = pointer;
    }

    /// Goes back into a pointer, to fill what stayed empty.
    pub(crate) fn reopen(&mut self, index: u32) {
        self.open.push((index, 0));
    }

    /// Ends what `reopen` began.
    pub(crate) fn leave(&mut self) {
        self.open.pop();
    }

    /// The levels of the longest chain of pointers that hold one another. Those in a ring, and what they hold, do not count:
    /// they are not dropped before somebody opens the ring.
    pub(crate) fn longest(&self) -> u64 {
        let mut levels = vec![0_u64; self.made.len()];
        let mut longest = 0;
        self.each_of(self.made.len(), |owner, held| {
            longest = longest.max(levels[owner]);
            for (_, held, between) in held {
                let held = *held as usize;
                levels[held] = levels[held].max(levels[owner] + u64::from(*between));
            }
        });
        longest
    }

    /// Lets all pointers go, each before those that it holds, so that no drop goes deep.
    pub(crate) fn release(mut self) {
        let mut made = std::mem::take(&mut self.made);
        self.each_of(made.len(), |owner, _| made[owner] = None);
    }

    /// Calls `work` with each of `count` pointers and what it holds, those that hold it first.
    fn each_of(&self, count: usize, mut work: impl FnMut(usize, &[(u32, u32, u32)])) {
        let mut holds = self.holds.clone();
        holds.sort_unstable();
        let mut starts = vec![0_usize; count + 1];
        let mut holders = vec![0_u32; count];
        for (owner, held, _) in &holds {
            starts[*owner as usize + 1] += 1;
            holders[*held as usize] += 1;
        }
        for index in 0..count {
            starts[index + 1] += starts[index];
        }
        let mut ready: Vec<usize> = (0..count).filter(|index| holders[*index] == 0).collect();
        while let Some(owner) = ready.pop() {
            let held = &holds[starts[owner]..starts[owner + 1]];
            work(owner, held);
            for (_, held, _) in held {
                holders[*held as usize] -= 1;
                if holders[*held as usize] == 0 {
                    ready.push(*held as usize);
                }
            }
        }
    }
}
