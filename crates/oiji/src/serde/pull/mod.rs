//! From bytes to Rust types without a graph between: a serde `Deserializer` that walks the input from the front, once.
//!
//! Ops build values from behind, so what begins at a place is not always said there. What the type asks for makes one
//! reading likely, and a wrong one never comes to the end: then all is read again, with an `Index` that looks ahead.
//! It gives what `de` gives for the same pickle read as a graph, or nothing: whatever goes wrong here is read again as a
//! graph, which knows what to say. `tests/serde_paths.rs` holds the two equal. Next: `reader`, then `cursor`.

/// Methods that do what another does.
macro_rules! forward {
    ($($to:ident: $($method:ident)*;)*) => {$($(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.$to(visitor)
        }
    )*)*};
}

mod access;
mod cursor;
mod index;
mod memo;
mod reader;
mod walk;

use serde::de::Deserialize;

use crate::graph::ReadOptions;
use crate::serde::pull::index::{Index, STOP};
use crate::serde::pull::reader::Reader;

/// The value of the pickle at `start` and the offset of its end, if it is plain and fits the type. What is read strictly goes by a graph.
pub(super) fn read<'de, T: Deserialize<'de>>(
    input: &'de [u8],
    start: u64,
    options: &ReadOptions<'_>,
) -> Option<(T, u64)> {
    if options.is_strict() {
        return None;
    }
    let limits = options.limits_ref();
    let rest = input.get(usize::try_from(start).ok()?..)?;
    // No pickle has more ops or memo entries than bytes, and no graph holds more than this for each byte. So limits are
    // kept where the pickle is as short as they allow; the graph counts where it is longer.
    let window = limits.ops.min(limits.memo_entries).min(limits.allocation / HELD_PER_BYTE);
    let window = window.min(limits.bytes.saturating_sub(start)).min(u64::from(u32::MAX));
    let window = usize::try_from(window).map_or(rest.len(), |window| window.min(rest.len()));
    let mut index = Index::new(&rest[..window]);
    // What the type makes likely is nearly always so; where it is not, each value is looked up ahead.
    [false, true].into_iter().find_map(|careful| {
        let mut reader = Reader::new(&rest[..window], &mut index, careful, limits, options.keeps_py2_strings());
        let root = reader.start().ok()?;
        let value = T::deserialize(reader.cursor(root)).ok()?;
        let whole = reader.code().ok()? == STOP && !reader.has_failed();
        whole.then_some((value, start + reader.position as u64 + 1))
    })
}

/// More than a graph holds for each byte of its pickle.
const HELD_PER_BYTE: u64 = 64;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::de;

    use super::*;

    fn straight<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
        let (value, end) = read(bytes, 0, &ReadOptions::new())?;
        assert_eq!(end, bytes.len() as u64);
        Some(value)
    }

    #[test]
    fn plain_pickles_are_read_without_a_graph() {
        // A list of two batches beside a tuple of four, shared text, single items.
        assert_eq!(straight(b"(](K\x01K\x02e(K\x03e(K\x04K\x05K\x06K\x07tt."), Some((vec![1, 2, 3], (4, 5, 6, 7))));
        assert_eq!(straight(b"\x80\x04\x8c\x01a\x94\x85\x94h\x00h\x01\x87."), None::<()>);
        assert_eq!(straight(b"(\x8c\x01a\x94\x85\x94h\x00h\x01t."), Some((("a",), "a", ("a",))));
        assert_eq!(straight(b"]K\x01K\x02\x86a."), Some(vec![(1, 2)]));
        assert_eq!(straight(b"}K\x01]K\x02ass."), None::<BTreeMap<u8, Vec<u8>>>);
        assert_eq!(straight(b"}K\x01]K\x02as."), Some(BTreeMap::from([(1, vec![2])])));
        assert_eq!(straight(b"]\x94(h\x00h\x00t."), None::<()>);
        assert_eq!(straight(b"(]\x94K\x07ah\x00t."), Some((vec![7], vec![7])));
    }

    #[test]
    fn what_the_type_makes_likely_may_prove_wrong() {
        // What looks like the batch of an empty dict or list is a tuple; what follows a batch is an item.
        let pairs = BTreeMap::<u8, u8>::new();
        assert_eq!(straight(b"}(K\x01K\x02K\x03K\x04t\x86."), Some((pairs, (1, 2, 3, 4))));
        assert_eq!(straight(b"](K\x01e(K\x01K\x02K\x03K\x04t\x86."), Some((vec![1], (1, 2, 3, 4))));
        assert_eq!(straight(b"](K\x01K\x02K\x03K\x04ta."), Some(vec![(1, 2, 3, 4)]));
        assert_eq!(straight(b"](K\x01eK\x02a."), Some(vec![1, 2]));
        // A tuple begins where something else could.
        assert_eq!(straight(b"NK\x01\x86."), Some(Some((None::<u8>, 1))));
        assert_eq!(straight(b"](K\x01e\x85."), Some(vec![vec![1]]));
        assert_eq!(straight(b"((K\x01K\x02K\x03K\x04t\x85\x85t."), Some(((((1, 2, 3, 4),),),)));
        assert_eq!(straight(b"J\x01\0\0\0K\x02\x86K\x03\x86."), Some(((1, 2), 3)));
        assert_eq!(straight(b"](J\x01\0\0\0K\x02\x86J\x03\0\0\0K\x04\x86e."), Some(vec![(1, 2), (3, 4)]));
        assert_eq!(
            straight(b"}(\x8c\x01a\x94K\x01\x86K\x02h\0K\x03\x86K\x04u."),
            Some(BTreeMap::from([(("a", 1), 2), (("a", 3), 4)]))
        );
    }

    #[test]
    fn memo_entries_that_are_tuples_begin_where_their_first_item_does() {
        let inner = (1, 2);
        assert_eq!(straight(b"(K\x01K\x02\x86\x94K\x03\x86\x94h\0h\x01t."), Some(((inner, 3), inner, (inner, 3))));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_graph() {
        for bytes in [
            &b"cm\nC\n)\x81."[..],
            b"I1\n.",
            b"K\x01K\x02\x300.",
            b"K\x012\x86.",
            b"]q\x00h\x00K\x01a0.",
            b"K\x01q\x00K\x02q\x00\x86.",
            b"K\x01K\x02.",
            b"t.",
            b"]t.",
            b"}(K\x01tu.",
            b"(K\x01.",
            b"}]K\x01s.",
            b"K\x01",
            b"h\x00.",
        ] {
            assert_eq!(straight::<de::IgnoredAny>(bytes).map(|_| ()), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_not_there_is_not_read_even_by_a_type_that_does_not_look() {
        struct Blind;
        impl<'de> de::Deserialize<'de> for Blind {
            fn deserialize<D: de::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Ok(Blind)
            }
        }
        #[derive(serde::Deserialize)]
        enum Choice {
            A(Blind),
        }
        for bytes in [&b"."[..], b"\x80\x04.", b"}(\x8c\x01Au."] {
            assert!(straight::<Blind>(bytes).is_none(), "{}", bytes.escape_ascii());
            assert!(straight::<Choice>(bytes).is_none(), "{}", bytes.escape_ascii());
        }
    }
}
