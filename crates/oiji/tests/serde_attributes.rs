//! The attributes and types of serde that people know, on what real Pythons write.

#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;

use oiji::{WriteOptions, from_slice, to_vec_with};
use oiji_testkit::{pythons, skip};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

/// What `value` is after it was written and read in every protocol.
fn crosses<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    for protocol in 0..=5 {
        let bytes = to_vec_with(value, &WriteOptions::new().protocol(protocol)).unwrap();
        let again: T = from_slice(&bytes).unwrap_or_else(|error| panic!("protocol {protocol}: {error}"));
        assert_eq!(&again, value, "protocol {protocol}");
    }
}

/// Holds `value` against what every Python writes for `expression`, in each of its protocols from `lowest` on; and what we
/// write against `expression` there, if `back`.
fn python_writes<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    expression: &str,
    value: &T,
    lowest: u8,
    back: bool,
) {
    for python in pythons() {
        let protocols = lowest..=python.highest_protocol();
        let ours = |protocol| to_vec_with(value, &WriteOptions::new().protocol(protocol)).unwrap();
        let lens: Vec<usize> = protocols.clone().map(|protocol| ours(protocol).len()).collect();
        let script = format!(
            "
import sys, pickle, struct
stdin, stdout = getattr(sys.stdin, 'buffer', sys.stdin), getattr(sys.stdout, 'buffer', sys.stdout)
value = {expression}
for protocol, length in enumerate({lens:?}, {lowest}):
    ours = stdin.read(length)
    assert not {} or pickle.loads(ours) == value, pickle.loads(ours)
    theirs = pickle.dumps(value, protocol)
    stdout.write(struct.pack('<I', len(theirs)) + theirs)
",
            u8::from(back)
        );
        let name = format!("{expression} by Python {}", python.name());
        let input: Vec<u8> = protocols.clone().flat_map(ours).collect();
        let output = python.run(&script, &input).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut rest = &output[..];
        for protocol in protocols {
            let (len, after) = rest.split_first_chunk::<4>().unwrap();
            let (bytes, after) = after.split_at(u32::from_le_bytes(*len) as usize);
            rest = after;
            let read: T = from_slice(bytes).unwrap_or_else(|error| panic!("{name}, protocol {protocol}: {error}"));
            assert_eq!(&read, value, "{name}, protocol {protocol}");
        }
    }
    if pythons().is_empty() {
        skip("no Python to write the same");
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "t", content = "c", rename_all = "snake_case")]
enum Adjacent {
    NoContent,
    OneValue(f64),
    TwoValues(i32, i32),
    SomeFields { a: i32 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "kind")]
enum Internal {
    Saw { teeth: u32 },
    Axe { weight: f64 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Strict {
    first_name: String,
    #[serde(default = "seven", skip_serializing_if = "is_seven")]
    how_many: u8,
}

fn seven() -> u8 {
    7
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_seven(number: &u8) -> bool {
    *number == 7
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(transparent)]
struct Metres(f64);

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(try_from = "i64", into = "i64")]
struct Even(i64);

impl TryFrom<i64> for Even {
    type Error = String;
    fn try_from(value: i64) -> Result<Self, String> {
        if value % 2 == 0 { Ok(Even(value)) } else { Err(format!("{value} is odd")) }
    }
}

impl From<Even> for i64 {
    fn from(value: Even) -> i64 {
        value.0
    }
}

/// As from another crate.
#[derive(PartialEq, Debug)]
struct Foreign {
    ticks: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Foreign")]
struct Local {
    ticks: u32,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Mixed {
    #[serde(with = "Local")]
    foreign: Foreign,
    #[serde(with = "as_text")]
    number: u16,
    length: Metres,
    even: Even,
    #[serde(flatten)]
    more: BTreeMap<String, i64>,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(number: &u16, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[test]
fn enums_in_every_tagging_are_what_python_says_in_dicts() {
    let adjacent =
        vec![Adjacent::NoContent, Adjacent::OneValue(1.5), Adjacent::TwoValues(1, 2), Adjacent::SomeFields { a: 3 }];
    python_writes(
        "[{'t': 'no_content'}, {'t': 'one_value', 'c': 1.5}, {'t': 'two_values', 'c': (1, 2)}, \
         {'c': {'a': 3}, 't': 'some_fields'}]",
        &adjacent,
        0,
        true,
    );
    let internal = vec![Internal::Saw { teeth: 9 }, Internal::Axe { weight: 2.5 }];
    python_writes("[{'kind': 'Saw', 'teeth': 9}, {'weight': 2.5, 'kind': 'Axe'}]", &internal, 0, true);
}

#[test]
fn attributes_of_fields_cross_with_python() {
    let more = BTreeMap::from([("x".to_owned(), 1), ("y".to_owned(), -70_000)]);
    let mixed = Mixed { foreign: Foreign { ticks: 5 }, number: 12, length: Metres(2.5), even: Even(4), more };
    let text = "{'foreign': {'ticks': 5}, 'number': '12', 'length': 2.5, 'even': 4, 'x': 1, 'y': -70000}";
    python_writes(text, &mixed, 0, true);
    let strict =
        vec![Strict { first_name: "a".to_owned(), how_many: 7 }, Strict { first_name: "b".to_owned(), how_many: 8 }];
    python_writes("[{'firstName': 'a'}, {'firstName': 'b', 'howMany': 8}]", &strict, 0, true);
}

#[test]
fn attributes_refuse_with_the_place() {
    let error = |value: oiji::Graph<'_>| {
        let bytes = value.to_vec().unwrap();
        from_slice::<Vec<Strict>>(&bytes).unwrap_err().to_string()
    };
    let unknown = error(oiji::pickle!([{"firstName": "a", "last": 1}]).unwrap());
    assert!(unknown.starts_with("unknown field `last`, expected `firstName` or `howMany`"), "{unknown}");
    assert!(unknown.ends_with("(root[0])"), "{unknown}");
    let odd = from_slice::<HashMap<String, Even>>(b"}\x8c\x01nK\x03s.").unwrap_err().to_string();
    assert_eq!(odd, "3 is odd at offset 4 (root.n)");
}

#[test]
fn numbers_of_every_width_cross_with_python() {
    let wide = (u64::MAX, i64::MIN, i128::MIN, i128::MAX, u128::MAX, 0_u128, -1_i128, 70_000_i32);
    python_writes("(2**64 - 1, -2**63, -2**127, 2**127 - 1, 2**128 - 1, 0, -1, 70000)", &wide, 0, true);
    let error = from_slice::<u128>(&to_vec_with(&-1, &WriteOptions::new()).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("expected u128, found integer `-1`"), "{error}");
}

#[test]
fn collections_keep_to_their_kinds_or_bend() {
    python_writes("[1, 2]", &(1, 2), 0, false);
    python_writes("(1, 2)", &vec![1, 2], 0, false);
    python_writes("set([1, 2])", &BTreeSet::from([1, 2]), 0, false);
    python_writes("frozenset([1, 2])", &HashSet::from([1, 2]), 0, false);
    python_writes("{(1, 'a'): [1], (2, 'b'): []}", &BTreeMap::from([((1, 'a'), vec![1]), ((2, 'b'), vec![])]), 0, true);
    python_writes("{1: None, -2: 5}", &HashMap::from([(1, None), (-2, Some(5))]), 0, true);
    python_writes("{frozenset([1]): 'x'}", &BTreeMap::from([(BTreeSet::from([1]), "x".to_owned())]), 0, false);
    crosses(&BTreeMap::from([(true, ()), (false, ())]));
}

#[test]
fn bytes_come_as_bytes_kinds_or_as_lists_of_numbers() {
    python_writes("bytearray(b'a\\xff')", &ByteBuf::from(b"a\xff".to_vec()), 0, false);
    python_writes("bytearray(b'a\\xff')", &vec![b'a', 0xff], 0, false);
    crosses(&ByteBuf::from(vec![7; 300]));
    crosses(&vec![7_u8; 300]);
    let bytes = to_vec_with(Bytes::new(b"abc"), &WriteOptions::new()).unwrap();
    let borrowed: &[u8] = from_slice(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&borrowed.as_ptr()));
    assert_eq!(from_slice::<[u8; 3]>(&bytes).unwrap(), *b"abc");
    assert_eq!(from_slice::<[u8; 2]>(&bytes).unwrap_err().to_string(), "expected 2 items, found 3 at offset 11 (root)");
}

#[test]
fn strings_of_python_2_are_text_where_they_can_be() {
    assert_eq!(from_slice::<String>(b"U\x03abc.").unwrap(), "abc");
    assert_eq!(from_slice::<&str>(b"\x80\x02U\x03abc.").unwrap(), "abc");
    assert_eq!(from_slice::<ByteBuf>(b"U\x01\xff.").unwrap(), ByteBuf::from(b"\xff".to_vec()));
    assert_eq!(
        from_slice::<Vec<String>>(b"]U\x01\xffa.").unwrap_err().to_string(),
        "expected a string, found Python 2 str at offset 1 (root[0])"
    );
}

#[test]
fn an_option_in_an_option_loses_its_outer_some() {
    let bytes = to_vec_with(&Some(None::<i32>), &WriteOptions::new()).unwrap();
    assert_eq!(from_slice::<Option<Option<i32>>>(&bytes).unwrap(), None);
    crosses(&Some(Some(1)));
    crosses(&('ß', '\u{10ffff}', ()));
}

#[test]
fn shared_text_borrows_from_the_place_where_it_was_written_once() {
    let bytes = b"\x80\x04(\x8c\x03abc\x94h\x00h\x00t.";
    let (a, b, c): (&str, &str, &str) = from_slice(bytes).unwrap();
    assert_eq!((a, a.as_ptr(), a.as_ptr()), ("abc", b.as_ptr(), c.as_ptr()));
    assert!(bytes.as_ptr_range().contains(&a.as_ptr()));
}

#[test]
fn a_chain_that_doubles_through_the_memo_is_an_error_and_not_a_hang() {
    #[derive(Deserialize, Debug)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "never made")]
    enum Pair {
        Two(Box<(Pair, Pair)>),
        End(()),
    }
    // Each tuple holds the one before twice.
    let mut bytes = b"\x80\x04N\x85\x94".to_vec();
    for index in 0..40 {
        bytes.extend([b'h', index, 0x86, 0x94]);
    }
    bytes.push(b'.');
    let limits = oiji::Limits { visits: 100_000, ..oiji::Limits::default() };
    let options = oiji::ReadOptions::new().limits(limits);
    let error = oiji::serde::Deserializer::from_slice_with(&bytes, options).read::<Pair>().unwrap_err();
    assert!(error.to_string().contains("visits is 100000"), "{error}");
}
