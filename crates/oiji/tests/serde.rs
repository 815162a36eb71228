//! Rust types in and out of pickles, by serde: the attributes people know, errors that say where, and real Pythons.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oiji::{Graph, WriteOptions, from_slice, loads, to_vec, to_vec_with};
use oiji_testkit::{python3, skip};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What `value` is after it was written and read in every protocol.
fn crosses<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    for protocol in 0..=5 {
        let bytes = to_vec_with(value, &WriteOptions::new().protocol(protocol)).unwrap();
        let again: T = from_slice(&bytes).unwrap_or_else(|error| panic!("protocol {protocol}: {error}"));
        assert_eq!(&again, value, "protocol {protocol}");
        let streamed: T = oiji::from_reader(&bytes[..]).unwrap();
        assert_eq!(&streamed, value, "protocol {protocol}, from a stream");
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Record {
    id: u64,
    name: String,
    price: f64,
    ok: bool,
    tags: (String, String),
    note: Option<i32>,
}

fn record() -> Record {
    let tags = ("a".to_owned(), "b".to_owned());
    Record { id: u64::MAX, name: "saw".to_owned(), price: -0.5, ok: true, tags, note: None }
}

#[test]
fn structs_numbers_and_collections_cross_every_protocol() {
    crosses(&record());
    crosses(&vec![record(); 3]);
    crosses(&(i8::MIN, i64::MIN, i128::MIN, u128::MAX, f32::MAX, 'ß', ()));
    crosses(&BTreeMap::from([(1, vec!["one".to_owned()]), (2, Vec::new())]));
    crosses(&BTreeMap::from([((1, 'a'), Some(Some(3)))]));
    crosses(&(0..2_500).collect::<Vec<u32>>());
    crosses(&(0..2_500).map(|n| (n.to_string(), n)).collect::<HashMap<String, u32>>());
}

/// What stands between the header of a pickle and its `STOP`.
fn body(pickle: &[u8], protocol: u8) -> &[u8] {
    let header = match protocol {
        0 | 1 => 0,
        4 | 5 if pickle[2] == 0x95 => 11,
        _ => 2,
    };
    &pickle[header..pickle.len() - 1]
}

/// A value is written after a name out of the memo as it is alone.
fn fits_its_name<T: Serialize>(value: T) {
    #[derive(Serialize)]
    struct Holder<'v, T> {
        value: &'v T,
    }
    for protocol in 0..=5 {
        let options = WriteOptions::new().protocol(protocol);
        let alone = to_vec_with(&value, &options).unwrap();
        let pair = to_vec_with(&[Holder { value: &value }, Holder { value: &value }], &options).unwrap();
        let get: &[u8] = if protocol == 0 { b"g0\n" } else { b"h\0" };
        let field = [get, body(&alone, protocol), b"s"].concat();
        let end = if protocol < 2 { b"t" } else { b"\x86" };
        assert!(body(&pair, protocol).ends_with(&[&field, &end[..]].concat()), "protocol {protocol}");
    }
}

#[test]
fn values_are_written_beside_names_as_they_are_alone() {
    for shift in 0..63 {
        [1_i64 << shift, (1 << shift) - 1, -(1 << shift), -(1 << shift) - 1].into_iter().for_each(fits_its_name);
    }
    [0, 255, 256, u64::MAX].into_iter().for_each(fits_its_name);
    [i128::MIN, -1, 65_536].into_iter().for_each(fits_its_name);
    fits_its_name((i8::MIN, u8::MAX, i16::MIN, u16::MAX, i32::MIN, u32::MAX, u128::MAX));
    [u8::MAX, 0].into_iter().for_each(fits_its_name);
    [0.0, -0.5, f64::NAN].into_iter().for_each(fits_its_name);
    [f32::MAX, 1.5].into_iter().for_each(fits_its_name);
    [true, false].into_iter().for_each(fits_its_name);
    ["", "saw", &"x".repeat(255), &"x".repeat(256), "오이지"].into_iter().for_each(fits_its_name);
    fits_its_name('ß');
    fits_its_name(());
    [None, Some("saw")].into_iter().for_each(fits_its_name);
    [Some(Some(3)), Some(None), None].into_iter().for_each(fits_its_name);
    fits_its_name(vec![1, 2]);
    fits_its_name(std::num::Wrapping(7));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Shape {
    Empty,
    Circle(f64),
    Box(f64, f64),
    Named { name: String, sides: Vec<u8> },
}

#[test]
fn enums_cross_every_protocol() {
    let named = Shape::Named { name: "tri".to_owned(), sides: vec![3, 4, 5] };
    crosses(&vec![Shape::Empty, Shape::Circle(1.5), Shape::Box(1.0, 2.0), named]);
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Tagged {
    Saw { teeth: u32 },
    Axe { weight: f64 },
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
    Many(Vec<Either>),
}

#[derive(Deserialize, PartialEq, Debug)]
struct Attributes {
    #[serde(rename = "weights", alias = "w")]
    weights: Vec<f64>,
    #[serde(default)]
    bias: f64,
    #[serde(skip)]
    cache: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

#[test]
fn the_attributes_people_know_work() {
    let bytes = loads_of("[{'kind': 'saw', 'teeth': 9}, {'kind': 'axe', 'weight': 1.5}]");
    let tools: Vec<Tagged> = from_slice(&bytes).unwrap();
    assert_eq!(tools, [Tagged::Saw { teeth: 9 }, Tagged::Axe { weight: 1.5 }]);

    let bytes = loads_of("[1, 'two', [3, 'four']]");
    let inner = Either::Many(vec![Either::Number(3), Either::Text("four".to_owned())]);
    let either: Vec<Either> = from_slice(&bytes).unwrap();
    assert_eq!(either, [Either::Number(1), Either::Text("two".to_owned()), inner]);

    let bytes = loads_of("{'w': [1.0, 2.0], 'x': 1, 'y': 2}");
    let attributes: Attributes = from_slice(&bytes).unwrap();
    let rest = BTreeMap::from([("x".to_owned(), 1), ("y".to_owned(), 2)]);
    assert_eq!(attributes, Attributes { weights: vec![1.0, 2.0], bias: 0.0, cache: None, rest });
}

/// A pickle of what stands here in tagged JSON with Python's quotes.
fn loads_of(text: &str) -> Vec<u8> {
    oiji::json::read(text.replace('\'', "\"").as_bytes()).unwrap().to_vec().unwrap()
}

#[test]
fn text_and_bytes_borrow_from_the_input() {
    let bytes = oiji::pickle!({"name": "saw", "raw": b"abc"}).unwrap().to_vec().unwrap();
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        name: &'a str,
        #[serde(borrow)]
        raw: &'a [u8],
    }
    let borrowed: Borrowed<'_> = from_slice(&bytes).unwrap();
    let input = bytes.as_ptr_range();
    assert!(input.contains(&borrowed.name.as_ptr()) && input.contains(&borrowed.raw.as_ptr()));
    assert_eq!((borrowed.name, borrowed.raw), ("saw", &b"abc"[..]));
}

#[test]
fn errors_say_what_was_expected_what_was_found_and_where() {
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "never made")]
    struct Layer {
        w: f64,
    }
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "never made")]
    struct Model {
        layers: Vec<Layer>,
    }
    let bytes = loads_of("{'layers': [{'w': 1.5}, {'w': 'heavy'}]}");
    let error = from_slice::<Model>(&bytes).unwrap_err();
    let offset = error.offset().unwrap() as usize;
    assert_eq!(&bytes[offset + 2..offset + 7], b"heavy");
    assert_eq!(error.to_string(), format!("expected f64, found str at offset {offset} (root.layers[1].w)"));
    assert_eq!(from_slice::<Model>(b"}.").unwrap_err().to_string(), "missing field `layers` at offset 0 (root)");
    assert_eq!(
        from_slice::<u8>(b"M\x00\x01.").unwrap_err().to_string(),
        "expected u8, found integer `256` at offset 0 (root)"
    );
    assert_eq!(
        from_slice::<(u8, u8)>(b"(K\x01K\x02K\x03t.").unwrap_err().to_string(),
        "expected 2 items, found 3 at offset 7 (root)"
    );
}

#[test]
fn a_value_inside_itself_is_an_error_that_names_the_path() {
    #[derive(Deserialize, Debug)]
    #[serde(transparent)]
    #[expect(dead_code, reason = "never made")]
    struct Tree(Vec<Tree>);
    let error = from_slice::<Tree>(b"]q\x00]h\x00aa.").unwrap_err().to_string();
    assert!(error.starts_with("a list that contains itself cannot be read into a Rust value"), "{error}");
    assert!(error.ends_with("(root[0][0])"), "{error}");
}

#[test]
fn a_chain_that_doubles_forty_times_is_an_error_and_not_a_hang() {
    #[derive(Deserialize, Debug)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "never made")]
    enum Pair {
        Two(Box<(Pair, Pair)>),
        End(()),
    }
    let bytes = [b"N".to_vec(), b"2\x86".repeat(40), b".".to_vec()].concat();
    let limits = oiji::Limits { visits: 100_000, ..oiji::Limits::default() };
    let options = oiji::ReadOptions::new().limits(limits);
    let error = oiji::serde::Deserializer::from_slice_with(&bytes, options).read::<Pair>().unwrap_err();
    assert!(error.to_string().contains("visits is 100000"), "{error}");
}

#[test]
fn objects_are_read_by_what_they_hold_whatever_the_class() {
    #[derive(Deserialize, PartialEq, Debug)]
    struct Point {
        x: i32,
        y: i32,
    }
    let point = Point { x: 1, y: 2 };
    // By its __dict__, by slots, as a named tuple, as an old-style instance.
    let dict = b"\x80\x02cm\nPoint\n)\x81}(U\x01xK\x01U\x01yK\x02ub.";
    let slots = b"\x80\x02cm\nPoint\n)\x81N}(U\x01xK\x01U\x01yK\x02u\x86b.";
    let tuple = b"\x80\x02cm\nPoint\nK\x01K\x02\x86\x81.";
    let old = b"(im\nPoint\n(dS'x'\nI1\nsS'y'\nI2\nsb.";
    for bytes in [&dict[..], slots, tuple, old] {
        assert_eq!(from_slice::<Point>(bytes).unwrap(), point, "{}", loads(bytes).unwrap());
    }
    let set: BTreeSet<i32> = from_slice(b"\x80\x04\x8f(K\x01K\x02\x90.").unwrap();
    assert_eq!(set, BTreeSet::from([1, 2]));
    let ordered: Vec<(String, i32)> =
        from_slice::<HashMap<String, i32>>(b"ccollections\nOrderedDict\n)R(U\x01aK\x01u.")
            .unwrap()
            .into_iter()
            .collect();
    assert_eq!(ordered, [("a".to_owned(), 1)]);
}

#[test]
fn names_of_fields_are_written_once() {
    let many = vec![record(); 1_000];
    let ours = to_vec(&many).unwrap();
    let name = b"price";
    assert_eq!(ours.windows(name.len()).filter(|window| window == name).count(), 1);
    let Some(python) = python3() else {
        return skip("no Python 3 to write the same records");
    };
    let script = "
import pickle, sys
records = pickle.loads(sys.stdin.buffer.read())
assert records[7]['id'] == 2**64 - 1 and records[7]['tags'] == ('a', 'b') and records[7]['note'] is None
sys.stdout.buffer.write(pickle.dumps([dict(r) for r in records], 4))";
    let theirs = python.run(script, &ours).unwrap();
    assert!(ours.len() <= theirs.len(), "ours {}, CPython's {}", ours.len(), theirs.len());
    assert_eq!(from_slice::<Vec<Record>>(&theirs).unwrap(), many);
}

#[test]
fn a_long_list_takes_little_more_room_than_it_fills() {
    let bytes = to_vec(&vec![0.5; 100_000]).unwrap();
    assert!(bytes.capacity() < bytes.len() / 4 * 5, "{} for {}", bytes.capacity(), bytes.len());
    // What follows is foreseen from what came before, and yet not believed.
    let mut texts = vec!["x".repeat(300); 1000];
    texts.resize(1_000_000, String::new());
    let bytes = to_vec(&texts).unwrap();
    assert!(bytes.capacity() <= bytes.len() * 9, "{} for {}", bytes.capacity(), bytes.len());
    assert_eq!(from_slice::<Vec<String>>(&bytes).unwrap(), texts);
}

#[test]
fn several_values_in_one_stream_are_read_in_order() {
    let mut file = Vec::new();
    let mut serializer = oiji::serde::Serializer::new(&mut file, &WriteOptions::new()).unwrap();
    serializer.write(&record()).unwrap();
    serializer.write("second").unwrap();
    let mut pickles = oiji::serde::Deserializer::from_reader(&file[..]);
    assert_eq!(pickles.read_owned::<Record>().unwrap(), record());
    assert_eq!(pickles.read_owned::<String>().unwrap(), "second");
    assert!(pickles.read_owned::<String>().unwrap_err().is_end_of_input());
}

#[test]
fn types_that_nest_too_deep_are_an_error() {
    let bytes = [b"N".to_vec(), b"\x85".repeat(100_000), b".".to_vec()].concat();
    assert!(Graph::from_slice(&bytes).is_ok());
    #[derive(Deserialize, Debug)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "never made")]
    enum Nest {
        In(Vec<Nest>),
        End(()),
    }
    let error = from_slice::<Nest>(&bytes).unwrap_err();
    assert!(error.to_string().contains("recursion is 200"), "{error}");
}
