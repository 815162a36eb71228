//! Typed reads go straight over the input where a pickle is plain, else by a graph: both give the same values and errors.

#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "generate/mod.rs"]
mod generate;

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use generate::Plan;
use oiji::serde::Deserializer;
use oiji::{Limits, ReadOptions, WriteOptions};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor};

/// Whatever is there, with all that a visitor is told.
#[derive(Debug)]
#[expect(dead_code, reason = "shown alone")]
enum Any {
    Unit,
    Bool(bool),
    Int(i128),
    Wide(u128),
    Float(u64),
    Borrowed(String),
    Str(String),
    Bytes(Vec<u8>),
    Seq(Vec<Any>),
    Map(Vec<(Any, Any)>),
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyVisitor;
        impl<'de> Visitor<'de> for AnyVisitor {
            type Value = Any;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any::Unit)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
                Ok(Any::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
                Ok(Any::Int(i128::from(value)))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
                Ok(Any::Int(i128::from(value)))
            }
            fn visit_i128<E>(self, value: i128) -> Result<Any, E> {
                Ok(Any::Int(value))
            }
            fn visit_u128<E>(self, value: u128) -> Result<Any, E> {
                Ok(Any::Wide(value))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
                Ok(Any::Float(value.to_bits()))
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Any, E> {
                Ok(Any::Borrowed(value.to_owned()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Any, E> {
                Ok(Any::Str(value.to_owned()))
            }
            fn visit_bytes<E>(self, value: &[u8]) -> Result<Any, E> {
                Ok(Any::Bytes(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Any::Seq(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Any::Map(pairs))
            }
        }
        deserializer.deserialize_any(AnyVisitor)
    }
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "shown alone")]
struct Fields {
    a: Any,
    #[serde(default)]
    b: Option<i64>,
    #[serde(default)]
    c: Option<IgnoredAny>,
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "shown alone")]
enum Choice {
    A,
    B(Any),
    C(i64, Any),
    D { a: Any },
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
#[expect(dead_code, reason = "shown alone")]
enum Untagged {
    Number(i64),
    Pair(Any, i64),
    Many(Vec<Untagged>),
    Map(BTreeMap<String, Untagged>),
    Other(Any),
}

/// Reads one item and leaves the rest.
#[derive(Debug)]
#[expect(dead_code, reason = "shown alone")]
struct First(Option<Any>);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor;
        impl<'de> Visitor<'de> for FirstVisitor {
            type Value = First;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or dict")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<First, A::Error> {
                seq.next_element().map(First)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<First, A::Error> {
                map.next_key().map(First)
            }
            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<First, A::Error> {
                let (name, variant) = data.variant()?;
                variant.unit_variant()?;
                Ok(First(Some(name)))
            }
        }
        deserializer.deserialize_any(FirstVisitor)
    }
}

/// An `i64`, or nothing where there is something else: the error is forgotten.
#[derive(Debug)]
#[expect(dead_code, reason = "shown alone")]
struct Lenient(Option<i64>);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Lenient(i64::deserialize(deserializer).ok()))
    }
}

/// Does not look at what is there.
#[derive(Debug)]
struct Blind;

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Ok(Blind)
    }
}

fn shown<'de, T: Deserialize<'de> + Debug>(bytes: &'de [u8], limits: Limits) -> Vec<String> {
    let options = ReadOptions::new().limits(limits);
    let mut pickles = Deserializer::from_slice_with(bytes, options);
    let mut results = Vec::new();
    loop {
        match pickles.read::<T>() {
            Err(error) if error.is_end_of_input() => break,
            Err(error) => {
                results.push(error.to_string());
                break;
            }
            Ok(value) => results.push(format!("{value:?}")),
        }
    }
    results
}

/// Reads `bytes` as `T` both ways. No pickle has as many memo entries as bytes, so a limit just below forbids nothing; but
/// the reader that goes straight over the input leaves it to the graph to count.
fn same<'de, T: Deserialize<'de> + Debug>(bytes: &'de [u8]) {
    let straight = shown::<T>(bytes, Limits::default());
    let by_graph = shown::<T>(bytes, Limits { memo_entries: bytes.len() as u64 - 1, ..Limits::default() });
    assert_eq!(straight, by_graph, "{} of {bytes:?}", std::any::type_name::<T>());
}

fn all_the_same(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    same::<Any>(bytes);
    same::<IgnoredAny>(bytes);
    same::<Vec<Any>>(bytes);
    same::<Vec<Untagged>>(bytes);
    same::<Vec<Option<Any>>>(bytes);
    same::<Vec<f64>>(bytes);
    same::<Vec<i64>>(bytes);
    same::<Vec<String>>(bytes);
    same::<Vec<(Any, Any)>>(bytes);
    same::<(Any, IgnoredAny)>(bytes);
    same::<BTreeMap<String, Any>>(bytes);
    same::<Vec<BTreeMap<i64, Lenient>>>(bytes);
    same::<Fields>(bytes);
    same::<Vec<Fields>>(bytes);
    same::<Vec<Choice>>(bytes);
    same::<Choice>(bytes);
    same::<First>(bytes);
    same::<Vec<First>>(bytes);
    same::<Vec<Lenient>>(bytes);
    same::<Lenient>(bytes);
    same::<Vec<Blind>>(bytes);
    same::<Blind>(bytes);
    same::<()>(bytes);
    same::<Vec<()>>(bytes);
    same::<Vec<&[u8]>>(bytes);
    same::<Vec<u8>>(bytes);
    same::<&str>(bytes);
}

/// Plain values alone, so that there is something to compare; what is filled later makes sharing and cycles.
fn plain(plan: Vec<Plan>) -> Vec<Plan> {
    let keep = |node: Plan| match node {
        Plan::Global(_) | Plan::Extension(_) | Plan::Persistent(_) | Plan::Object { .. } | Plan::Build(..) => {
            Plan::None
        }
        Plan::FrozenSet(items) => Plan::Tuple(items),
        // Names of fields and variants.
        Plan::Str(text) if text.len() == 1 => Plan::Str("a".to_owned()),
        Plan::Str(text) if text.len() == 2 => Plan::Str("B".to_owned()),
        other => other,
    };
    plan.into_iter().map(keep).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn random_plain_graphs_are_read_the_same_both_ways(
        plan in generate::plans(), protocol in 1..6_u8, compact in any::<bool>()
    ) {
        let plan = if compact { plain(plan) } else { plan };
        if let Ok(bytes) = WriteOptions::new().protocol(protocol).to_vec(&generate::graph(&plan)) {
            all_the_same(&bytes);
        }
    }

    #[test]
    fn broken_pickles_are_refused_the_same_both_ways(
        plan in generate::plans(),
        protocol in 2..6_u8,
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
        cut in 0..4_u8,
    ) {
        let graph = generate::graph(&plain(plan));
        let Ok(mut bytes) = WriteOptions::new().protocol(protocol).to_vec(&graph) else { return Ok(()) };
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cut == 0 {
            bytes.truncate(end.index(bytes.len()));
        }
        all_the_same(&bytes);
    }

    /// Ops in any order, of which most machines refuse most; those they take are odd.
    #[test]
    fn random_ops_are_read_the_same_both_ways(ops in proptest::collection::vec(0..ODD.len(), 1..30)) {
        let mut bytes = b"\x80\x04".to_vec();
        for op in ops {
            bytes.extend_from_slice(ODD[op]);
        }
        bytes.push(b'.');
        all_the_same(&bytes);
    }
}

const ODD: &[&[u8]] = &[
    b"N",
    b"K\x01",
    b"\x88",
    b"]",
    b"}",
    b")",
    b"\x8f",
    b"(",
    b"(",
    b"e",
    b"u",
    b"a",
    b"s",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x90",
    b"\x91",
    b"\x94",
    b"q\x00",
    b"q\x01",
    b"h\x00",
    b"h\x01",
    b"\x8c\x01a",
    b"\x8c\x01B",
    b"C\x01x",
    b"U\x01a",
    b"U\x01\xff",
    b"\x8c\x03\xed\xb2\x80",
    b"\x8a\x01\x05",
    b"0",
    b"2",
    b"1",
    b"\x96\x01\0\0\0\0\0\0\0a",
    b"\x8a\x09\0\0\0\0\0\0\0\0\x01",
    b"\x8a\x11\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00",
    b"\x95\x01\0\0\0\0\0\0\0",
    b"G\x3f\xf0\0\0\0\0\0\0",
    b"J\x01\x02\x03\x04",
    b"]K\x01a",
    b"]K\x01K\x02\x86a",
    b"}K\x01K\x02s",
];

#[test]
fn the_corpus_is_read_the_same_both_ways() {
    for case in oiji_testkit::manifest() {
        let bytes = case.bytes();
        if bytes.len() > 100_000 {
            continue;
        }
        all_the_same(&bytes);
    }
}

#[test]
fn batches_and_single_items_are_told_from_what_follows_them() {
    let cases: [&[u8]; 9] = [
        // A list of two batches beside a tuple of four; a list of one tuple of four; one of one short tuple.
        b"(](K\x01K\x02e(K\x03e(K\x01K\x02K\x03K\x04tt.",
        b"](K\x01K\x02K\x03K\x04ta.",
        b"]K\x01K\x02\x86a.",
        // A tuple in a tuple in a tuple, all beginning at one place, and one that begins with a marked one.
        b"K\x01K\x02\x86K\x03\x86\x85.",
        b"(K\x01K\x02K\x03K\x04tK\x05\x86.",
        // The innermost from the memo, as itself and as what it begins.
        b"(X\x01\x00\x00\x00aq\x00\x85q\x01h\x00h\x01t.",
        b"]](K\x01ea](ea.",
        b"}K\x01]K\x02asK\x01}s.",
        b"](K\x01K\x02eK\x03aK\x04a.",
    ];
    for case in cases {
        all_the_same(case);
    }
}

#[test]
fn limits_hold_both_ways() {
    let nested = [b"\x80\x04".to_vec(), b"]".repeat(201), b"a".repeat(200), b".".to_vec()].concat();
    let doubled = [b"\x80\x04]\x94".to_vec(), b"h\x00h\x00\x86q\x01".to_vec(), b".".to_vec()].concat();
    for limits in [
        Limits { recursion: 200, ..Limits::default() },
        Limits { recursion: 201, ..Limits::default() },
        Limits { ops: 3, ..Limits::default() },
        Limits { bytes: 5, ..Limits::default() },
        Limits { visits: 0, ..Limits::default() },
        Limits { memo_entries: 1, ..Limits::default() },
        Limits { allocation: 1, ..Limits::default() },
    ] {
        for bytes in [&nested, &doubled] {
            let entries = limits.memo_entries.min(bytes.len() as u64 - 1);
            let by_graph = shown::<Any>(bytes, Limits { memo_entries: entries, ..limits });
            assert_eq!(shown::<Any>(bytes, limits), by_graph, "{limits:?}");
        }
    }
}
