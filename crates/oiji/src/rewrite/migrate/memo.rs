//! What a walk over ops knows of the values in the memo: eight bytes of each.

use std::num::NonZeroU64;

use crate::machine::Memo;

/// The memo of a walk. It may outlive a pickle.
pub(super) type Entries = Memo<Entry>;

/// As much of a value as rewriting its ops must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Other,
    None,
    /// A str, of Python 2 too, by the offset of its op.
    Str(usize),
    /// A global, by its number.
    Global(usize),
    /// A tuple that begins with a global.
    First(usize),
    /// An instance of a class that rules are about, by the number of the class.
    Instance(usize),
    /// One that has its state.
    Built,
    /// What seems to be the state of the instance below it.
    State,
    /// What stands in the memo no longer.
    Dropped,
}

/// A value in the memo, and how often it was got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry(NonZeroU64);

/// Bits of an entry that count gets; what is got more often is not told how often.
const GETS: u32 = 24;

/// Bits of an entry that say what kind of value it is.
const KINDS: u32 = 4;

impl Entry {
    /// What is not told of a value beyond 64 GiB is that it is something else.
    pub(super) fn of(held: Held) -> Entry {
        let (kind, number) = match held {
            Held::Other => (1, 0),
            Held::None => (2, 0),
            Held::Str(offset) => (3, offset),
            Held::Global(global) => (4, global),
            Held::First(global) => (5, global),
            Held::Instance(global) => (6, global),
            Held::Built => (7, 0),
            Held::State => (8, 0),
            Held::Dropped => (9, 0),
        };
        let number = number as u64;
        let bits = if number >> (u64::BITS - KINDS - GETS) == 0 { number << KINDS | kind } else { 1 };
        Entry(NonZeroU64::new(bits << GETS).unwrap_or(NonZeroU64::MIN))
    }

    pub(super) fn held(self) -> Held {
        let bits = self.0.get() >> GETS;
        let number = (bits >> KINDS) as usize;
        match bits & ((1 << KINDS) - 1) {
            2 => Held::None,
            3 => Held::Str(number),
            4 => Held::Global(number),
            5 => Held::First(number),
            6 => Held::Instance(number),
            7 => Held::Built,
            8 => Held::State,
            9 => Held::Dropped,
            _ => Held::Other,
        }
    }

    /// Another value that was got as often.
    pub(super) fn with(self, held: Held) -> Entry {
        let gets = self.0.get() & MOST;
        Entry(Entry::of(held).0 | gets)
    }

    /// How often it was got, if that could be counted.
    pub(super) fn gets(self) -> Option<u64> {
        let gets = self.0.get() & MOST;
        (gets < MOST).then_some(gets)
    }

    /// Got once more.
    pub(super) fn got(self) -> Entry {
        if self.gets().is_some() { Entry(self.0.saturating_add(1)) } else { self }
    }
}

const MOST: u64 = (1 << GETS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_keeps_what_it_is_and_counts() {
        for held in [Held::Other, Held::None, Held::Str(0), Held::Str(1 << 35), Held::Instance(7), Held::Dropped] {
            let entry = Entry::of(held);
            assert_eq!((entry.held(), entry.gets()), (held, Some(0)));
            assert_eq!((entry.got().got().held(), entry.got().got().gets()), (held, Some(2)));
            assert_eq!(entry.got().with(Held::Built).gets(), Some(1));
        }
        assert_eq!(Entry::of(Held::Str(1 << 36)).held(), Held::Other);
    }
}
