//! The names of fields and variants that a pickle has so far, so that each is written once. Knows nothing of what is written.

use rustc_hash::FxHashMap;

/// Memo indexes of names of fields and variants, by where they stand in the program.
///
/// Structs have their fields in one order: after a name comes the one that came after it before, and no table is asked.
#[derive(Default)]
pub(super) struct Names {
    places: FxHashMap<(usize, usize), usize>,
    names: Vec<Name>,
    last: usize,
    expected: usize,
}

struct Name {
    place: (usize, usize),
    index: u64,
    /// The name that followed it last.
    next: usize,
}

fn place(name: &'static str) -> (usize, usize) {
    (name.as_ptr() as usize, name.len())
}

impl Names {
    pub(super) fn clear(&mut self) {
        *self = Names::default();
    }

    /// The memo index of `name`, if it is the one expected.
    #[inline]
    pub(super) fn expected(&mut self, name: &'static str) -> Option<u64> {
        let found = self.names.get(self.expected).filter(|found| found.place == place(name))?;
        self.last = self.expected;
        self.expected = found.next;
        Some(found.index)
    }

    /// The memo index of `name`, if it was written.
    pub(super) fn find(&mut self, name: &'static str) -> Option<u64> {
        let found = *self.places.get(&place(name))?;
        self.follow(found);
        Some(self.names[found].index)
    }

    pub(super) fn add(&mut self, name: &'static str, index: u64) {
        let number = self.names.len();
        self.places.insert(place(name), number);
        self.names.push(Name { place: place(name), index, next: 0 });
        self.follow(number);
    }

    fn follow(&mut self, number: usize) {
        self.names[self.last].next = number;
        self.last = number;
        self.expected = self.names[number].next;
    }
}
