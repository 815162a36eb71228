//! The classes of the corpus as Rust types: every file of each is read, and what is written again every real Python loads as
//! the value of the file.

#![allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity)]
#![cfg(feature = "derive")]

mod python;

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::rc::Rc;

use oiji::class::{Buffer, GlobalName, PersistentId, Pickler, Unpickler};
use oiji::{ErrorKind, Graph, Pickle, Unpickle};
use oiji_testkit::{Case, manifest, pythons, skip};
use python::compare_everywhere;
use serde_json::json;

macro_rules! classes {
    ($($(#[$attribute:meta])* $name:ident { $($(#[$on_field:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(Pickle, Unpickle, Debug, PartialEq)]
        $(#[$attribute])*
        struct $name {
            $($(#[$on_field])* $field: $ty),*
        }
    )*};
}

classes! {
    #[pickle(class = "corpus_classes.Plain", deny_unknown_fields)]
    Plain { a: i64, b: String, c: Vec<i64> }
    #[pickle(class = "corpus_classes.Point", deny_unknown_fields)]
    Point { x: f64, y: i64 }
    #[pickle(class = "corpus_classes.WithDictState", deny_unknown_fields)]
    WithDictState { a: i64, cache: Option<i64> }
    #[pickle(class = "corpus_classes.Reduce2", call)]
    Reduce2 { #[pickle(arg)] a: i64, #[pickle(arg)] b: String }
    #[pickle(class = "corpus_classes.Reduce3", call)]
    Reduce3 { #[pickle(arg)] a: i64, #[pickle(arg)] b: String, extra: String }
    #[pickle(class = "corpus_classes.Reduce4", call)]
    Reduce4 { #[pickle(items)] items: Vec<i64> }
    #[pickle(class = "corpus_classes.Reduce5", call)]
    Reduce5 { #[pickle(dict_items)] items: BTreeMap<i64, String> }
    #[pickle(class = "corpus_classes.FloatSub")]
    FloatSub { #[pickle(arg)] value: f64 }
    #[pickle(class = "corpus_classes.StrSub")]
    StrSub { #[pickle(arg)] value: String }
    #[pickle(class = "corpus_classes.BytesSub")]
    BytesSub { #[pickle(arg)] value: Vec<u8> }
    #[pickle(class = "corpus_classes.TupleSub")]
    TupleSub { #[pickle(arg)] value: (i64, i64) }
    #[pickle(class = "corpus_classes.ListSub")]
    ListSub { #[pickle(items)] items: Vec<i64>, a: i64 }
    #[pickle(class = "corpus_classes.FrozenSetSub", call)]
    FrozenSetSub { #[pickle(arg)] items: Vec<i64> }
    #[pickle(class = "builtins.ValueError", formerly = "exceptions.ValueError", call)]
    ValueError { #[pickle(arg)] message: String }
    #[pickle(class = "builtins.UnicodeDecodeError", formerly = "exceptions.UnicodeDecodeError", call)]
    UnicodeDecodeError {
        #[pickle(arg)] encoding: String,
        #[pickle(arg)] object: Vec<u8>,
        #[pickle(arg)] start: usize,
        #[pickle(arg)] end: usize,
        #[pickle(arg)] reason: String,
    }
    #[pickle(class = "corpus_classes.CustomError", call)]
    CustomError { #[pickle(arg)] message: String, #[pickle(arg)] status: i64, code: i64 }
    #[pickle(class = "corpus_classes.NewArgsEx")]
    NewArgsEx { #[pickle(arg)] a: i64, #[pickle(kwarg)] key: String, made: (i64, String) }
    #[pickle(class = "corpus_classes.Data", deny_unknown_fields)]
    Data { a: i64, b: String }
    #[pickle(class = "corpus_classes.SlottedData", state = "slots")]
    SlottedData { a: i64, b: String }
    #[pickle(class = "corpus_classes.Point", deny_unknown_fields)]
    Optimized { x: i64, y: Vec<i64> }
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "corpus_classes.Colour")]
enum Colour {
    #[pickle(rename = "RED", value = 1)]
    Red,
    #[pickle(rename = "GREEN", value = "g")]
    Green,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "corpus_classes.Number")]
enum Number {
    #[pickle(rename = "ONE", value = 1)]
    #[allow(dead_code, reason = "it is there to be told from the other")]
    One,
    #[pickle(rename = "TWO", value = 2)]
    Two,
}

/// One case: which files, what is read from each, and what is written again in a protocol.
struct Kind {
    case: &'static str,
    /// Whether the Rust type is of the very kind that Python's is: not a tuple for a list, nor a map in an order of its own.
    exact: bool,
    again: Box<dyn Fn(&Case, u8) -> oiji::Result<Vec<u8>>>,
}

/// A case whose value is known.
fn kind<T: Pickle + Unpickle + PartialEq + Debug + 'static>(case: &'static str, make: fn() -> T) -> Kind {
    looked_at(case, move |found: &T| assert_eq!(*found, make(), "{case}"))
}

/// A case whose value is looked at.
fn looked_at<T: Pickle + Unpickle>(case: &'static str, look: impl Fn(&T) + 'static) -> Kind {
    let again = move |file: &Case, protocol: u8| {
        let bytes = file.bytes();
        let found: T = Unpickler::new().buffers(file.buffers()).loads(&bytes).unwrap_or_else(|error| {
            panic!("{}: {error}: {}", file.file, oiji::loads(&bytes).unwrap());
        });
        look(&found);
        Pickler::new().protocol(protocol).dumps(&found)
    };
    Kind { case, exact: true, again: Box::new(again) }
}

/// A case of which some Rust type is a near one.
fn near<T: Pickle + Unpickle>(case: &'static str, look: impl Fn(&T) + 'static) -> Kind {
    Kind { exact: false, ..looked_at(case, look) }
}

type Shared<T> = Rc<RefCell<T>>;

#[derive(Pickle, Unpickle)]
#[pickle(class = "corpus_classes.Plain")]
struct Me {
    me: Option<Shared<Me>>,
    list: Option<Vec<Shared<Me>>>,
}

#[derive(Pickle, Unpickle)]
#[pickle(class = "corpus_classes.Plain")]
struct Other {
    other: Option<Shared<Other>>,
}

#[derive(Pickle, Unpickle)]
#[pickle(class = "corpus_classes.ListSub")]
struct Selfish {
    #[pickle(items)]
    items: Vec<Either>,
    attr: Option<Shared<Selfish>>,
}

#[derive(Pickle, Unpickle)]
enum Either {
    Number(i64),
    Itself(Shared<Selfish>),
}

#[derive(Pickle, Unpickle)]
enum Tuple {
    Pair(Rc<(Shared<Vec<Tuple>>, String)>),
}

#[derive(Pickle, Unpickle, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Int(i64),
    Str(String),
    Tuple((i64, i64)),
    None(()),
    Text(Vec<u8>),
}

#[derive(Pickle, Unpickle)]
enum Anything {
    Pid(PersistentId<(String, i64, String)>),
    Text(String),
    Tuple((PersistentId<(String, i64, String)>,)),
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
enum Old {
    #[pickle(other)]
    Any(OldStyle),
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "corpus_classes.OldStyle", instance)]
struct OldStyle {
    a: i64,
    b: String,
}

#[derive(Pickle, Unpickle)]
#[pickle(class = "corpus_classes.OldInitArgs", instance)]
struct OldInitArgs {
    #[pickle(arg)]
    first: Shared<Vec<i64>>,
    #[pickle(arg)]
    second: Shared<BTreeMap<i64, i64>>,
    x: Shared<Vec<i64>>,
    y: Shared<BTreeMap<i64, i64>>,
}

fn kinds() -> Vec<Kind> {
    vec![
        kind("inst_attrs", || Plain { a: 1, b: "two".into(), c: vec![3] }),
        kind("inst_init", || Point { x: 1.5, y: -2 }),
        kind("inst_dictstate", || WithDictState { a: 1, cache: None }),
        kind("reduce_2", || Reduce2 { a: 1, b: "x".into() }),
        kind("reduce_3", || Reduce3 { a: 1, b: "x".into(), extra: "state".into() }),
        kind("reduce_4_0", || Reduce4 { items: vec![] }),
        kind("reduce_4_1", || Reduce4 { items: vec![0] }),
        kind("reduce_4_1001", || Reduce4 { items: (0..1001).collect() }),
        kind("reduce_5_0", || Reduce5 { items: BTreeMap::new() }),
        kind("reduce_5_1", || Reduce5 { items: [(0, "v0".into())].into() }),
        kind("reduce_5_3", || Reduce5 { items: (0..3).map(|n| (n, format!("v{n}"))).collect() }),
        kind("reduce_5_1001", || Reduce5 { items: (0..1001).map(|n| (n, format!("v{n}"))).collect() }),
        kind("reduce_string", || GlobalName::new("corpus_classes", "THE_ONE")),
        kind("sub_float", || FloatSub { value: 7.5 }),
        kind("sub_str", || StrSub { value: "seven".into() }),
        kind("sub_bytes", || BytesSub { value: b"seven".to_vec() }),
        kind("sub_tuple", || TupleSub { value: (1, 2) }),
        kind("sub_list", || ListSub { items: vec![1, 2], a: 1 }),
        kind("sub_frozenset", || FrozenSetSub { items: vec![1, 2] }),
        kind("exc_value", || ValueError { message: "message".into() }),
        kind("exc_unicode", || UnicodeDecodeError {
            encoding: "ascii".into(),
            object: b"\xff".to_vec(),
            start: 0,
            end: 1,
            reason: "bad".into(),
        }),
        kind("exc_custom", || CustomError { message: "msg".into(), status: 42, code: 42 }),
        kind("newargs_ex", || NewArgsEx { a: 1, key: "k".into(), made: (1, "k".into()) }),
        kind("dataclass", || Data { a: 1, b: "b".into() }),
        kind("dataclass_slots", || SlottedData { a: 1, b: "b".into() }),
        kind("optimized_inst", || Optimized { x: 1, y: vec![2] }),
        kind("set_1", || BTreeSet::from([0_i64])),
        kind("dict_1000", || (0_i64..1000).map(|n| (n, n * n)).collect::<BTreeMap<i64, i64>>()),
        kind("none", || ()),
        near("enum", |found: &(Rc<Colour>, Colour, Rc<Colour>, Number, Graph<'static>)| {
            assert!(Rc::ptr_eq(&found.0, &found.2));
            assert_eq!((&*found.0, &found.1, &found.3), (&Colour::Red, &Colour::Green, &Number::Two));
        }),
        looked_at("rec_inst", |found: &Shared<Me>| {
            let me = found.borrow();
            assert!(Rc::ptr_eq(me.me.as_ref().unwrap(), found));
            assert!(Rc::ptr_eq(&me.list.as_ref().unwrap()[0], found));
        }),
        looked_at("rec_two", |found: &Vec<Shared<Other>>| {
            assert!(Rc::ptr_eq(found[0].borrow().other.as_ref().unwrap(), &found[1]));
            assert!(Rc::ptr_eq(found[1].borrow().other.as_ref().unwrap(), &found[0]));
        }),
        looked_at("rec_listsub", |found: &Shared<Selfish>| {
            let [Either::Number(1), Either::Itself(inner)] = &found.borrow().items[..] else { panic!() };
            assert!(Rc::ptr_eq(inner, found) && Rc::ptr_eq(found.borrow().attr.as_ref().unwrap(), found));
        }),
        looked_at("rec_tuple", |found: &Rc<(Shared<Vec<Tuple>>, String)>| {
            let Tuple::Pair(inner) = &found.0.borrow()[0];
            assert!(Rc::ptr_eq(inner, found) && found.1 == "t");
        }),
        near("shared_list", |found: &(Shared<Vec<i64>>, Shared<Vec<i64>>, (Shared<Vec<i64>>,))| {
            assert!(Rc::ptr_eq(&found.0, &found.1) && Rc::ptr_eq(&found.0, &found.2.0));
        }),
        looked_at("equal_not_same", |found: &Vec<Shared<Vec<i64>>>| {
            assert!(!Rc::ptr_eq(&found[0], &found[1]) && found[0] == found[1]);
        }),
        near("old_list", |found: &(Rc<Old>, OldInitArgs, Rc<Old>)| {
            assert_eq!(*found.0, Old::Any(OldStyle { a: 1, b: "two".into() }));
            assert!(Rc::ptr_eq(&found.1.first, &found.1.x) && Rc::ptr_eq(&found.1.second, &found.1.y));
        }),
        near("dict_mixed", |found: &BTreeMap<Graph2, Graph<'static>>| assert_eq!(found.len(), 5)),
        looked_at("reduce_6", |found: &Graph<'static>| assert_eq!(found.dropped().count(), 1)),
        looked_at("picklebuffer_bytearray", |found: &Buffer| assert!(!found.is_read_only())),
    ]
}

/// A key of some type: those that have one of their own, and floats.
#[derive(Pickle, Unpickle, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Graph2 {
    Known(Key),
    Float(Bits),
}

/// A float that has an order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bits(u64);

impl Pickle for Bits {
    fn pickle(&self, to: &mut oiji::class::Pickling<'_>) -> oiji::Result<oiji::graph::Id> {
        f64::from_bits(self.0).pickle(to)
    }
}

impl Unpickle for Bits {
    fn unpickle(value: oiji::Value<'_>, _from: &mut oiji::class::Unpickling<'_>) -> oiji::Result<Self> {
        value.as_f64().map(|float| Bits(float.to_bits()))
    }

    fn matches(value: oiji::Value<'_>) -> bool {
        value.as_f64().is_ok()
    }
}

/// Cases whose attributes are seen in the order and under the names of the file.
const ORDERED: &[&str] = &[
    "inst_attrs",
    "inst_init",
    "inst_dictstate",
    "optimized_inst",
    "reduce_3",
    "rec_inst",
    "rec_two",
    "rec_listsub",
    "sub_list",
    "exc_custom",
    "exc_unicode",
];

#[test]
fn the_classes_of_the_corpus_are_read_and_written_as_rust_types() {
    let folder = std::env::temp_dir().join(format!("oiji-classes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let manifest = manifest();
    let mut index = Vec::new();
    for kind in kinds() {
        let files: Vec<&Case> = manifest.iter().filter(|file| file.case == kind.case).collect();
        assert!(!files.is_empty(), "there is no {}", kind.case);
        for file in files {
            let mut written = Vec::new();
            for protocol in 0..=5 {
                match (kind.again)(file, protocol) {
                    Ok(pickle) => {
                        let path = folder.join(format!("{}.p{protocol}", index.len()));
                        std::fs::write(&path, pickle).unwrap();
                        written.push(json!([protocol, path]));
                    }
                    Err(error) => {
                        assert!(matches!(error.kind(), ErrorKind::Inexpressible { .. }), "{}: {error}", file.file);
                    }
                }
            }
            // Python 2 wrote attributes in no order, and their names as byte strings.
            let no_order = file.python.starts_with("2.7") && ORDERED.contains(&kind.case);
            if !kind.exact || no_order {
                continue;
            }
            index.push(json!({
                "name": file.file, "original": file.path(), "written": written, "buffers": [], "group": file.group,
            }));
        }
    }
    println!("{} files as Rust types", index.len());
    assert!(index.len() > 250);
    if pythons().is_empty() {
        skip("no Python here to load what we write");
    } else {
        let wrong = compare_everywhere(&serde_json::to_vec(&index).unwrap(), 50);
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn persistent_ids_of_the_corpus_are_values_or_ids() {
    for file in manifest().iter().filter(|file| file.case == "persid_tuple") {
        let bytes = file.bytes();
        let found = Vec::<Anything>::loads(&bytes).unwrap();
        let [Anything::Pid(first), Anything::Text(text), Anything::Pid(_), Anything::Tuple(_)] = &found[..] else {
            panic!("{}", file.file);
        };
        assert_eq!((&*first.0.0, first.0.1, &**text), ("table", 5, "normal"));
        let mut load = Unpickler::new().persistent_load(|pid| Ok(Box::new(pid.to_string()) as Box<dyn Any>));
        let found: (String, String, String, (String,)) = load.loads(&bytes).unwrap();
        assert!(found.0.contains("table") && found.1 == "normal");
    }
}
