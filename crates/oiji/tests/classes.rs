//! Classes of every kind, exchanged with every real Python found: what Python writes is read into Rust types, and what Rust
//! types write Python loads as the same objects.

#![allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity)]
#![cfg(feature = "derive")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::{Rc, Weak};

use oiji::class::Pickler;
use oiji::{Graph, Pickle, Unpickle};
use oiji_testkit::{pythons, skip};

const SCRIPT: &str = include_str!("python/classes.py");

#[derive(Pickle, Unpickle, Debug, PartialEq, Clone)]
#[pickle(class = "shapes.Point", deny_unknown_fields)]
struct Point {
    x: f64,
    y: i64,
    label: String,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Slotted", state = "slots", deny_unknown_fields)]
struct Slotted {
    left: i64,
    right: Vec<Option<String>>,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Both", deny_unknown_fields)]
struct Both {
    #[pickle(slot)]
    left: i64,
    #[pickle(slot)]
    right: Vec<Option<String>>,
    more: bool,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Named")]
struct Named {
    #[pickle(arg)]
    name: String,
    called: String,
    size: f64,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Reduced", call = "shapes.make_reduced")]
struct Reduced {
    #[pickle(arg)]
    a: i64,
    #[pickle(arg)]
    b: String,
    extra: i64,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Pair", namedtuple)]
struct Pair {
    first: i64,
    second: String,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Items")]
struct Items {
    #[pickle(items)]
    items: Vec<i64>,
    name: Option<String>,
}

/// The same without its attribute, which an empty one does not have.
#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Items", deny_unknown_fields)]
struct Bare {
    #[pickle(items)]
    items: Vec<i64>,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Table")]
struct Table {
    #[pickle(dict_items)]
    pairs: BTreeMap<String, i64>,
    name: String,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Oops", call)]
struct Oops {
    #[pickle(arg)]
    what: String,
    #[pickle(arg)]
    code: i64,
    #[pickle(rename = "where")]
    place: String,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Old", instance)]
struct Old {
    x: i64,
    y: String,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Hooked", getstate = Hooked::getstate, setstate = Hooked::setstate)]
struct Hooked {
    w: f64,
    b: Vec<i64>,
    cache: String,
}

impl Hooked {
    fn getstate(&self) -> oiji::Result<(f64, Vec<i64>)> {
        Ok((self.w, self.b.clone()))
    }

    fn setstate((w, b): (f64, Vec<i64>)) -> oiji::Result<Self> {
        Ok(Hooked { w, b, cache: "filled".into() })
    }
}

#[derive(Pickle, Unpickle, Default)]
#[pickle(class = "shapes.Node")]
struct Node {
    name: String,
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
}

impl Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parent = self.parent.borrow().upgrade().map(|parent| parent.name.clone());
        write!(f, "{} of {parent:?}: {:?}", self.name, self.children.borrow())
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Color")]
enum Color {
    #[pickle(rename = "RED", value = 1)]
    Red,
    #[pickle(rename = "BLUE", value = 2)]
    Blue,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Level")]
enum Level {
    #[pickle(rename = "LOW", value = -1)]
    Low,
    #[pickle(rename = "HIGH", value = 1)]
    High,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Unit")]
enum Unit {
    #[pickle(rename = "METRE", value = "m")]
    #[allow(dead_code, reason = "it is there to be told from the other")]
    Metre,
    #[pickle(rename = "FOOT", value = "ft")]
    Foot,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Keyed")]
struct Keyed {
    #[pickle(arg)]
    name: String,
    #[pickle(kwarg)]
    width: i64,
    #[pickle(kwarg)]
    height: f64,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes:Outer.Inner")]
struct Inner {
    x: i64,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Data")]
struct Data {
    x: i64,
    tags: Vec<String>,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Frozen", state = "list")]
struct Frozen {
    x: i64,
    y: f64,
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "shapes.Meters")]
struct Meters {
    #[pickle(arg)]
    value: f64,
    note: String,
}

/// A case: its value is written, and what Python wrote is held against it.
struct Case {
    name: &'static str,
    write: Box<dyn Fn(u8) -> oiji::Result<Vec<u8>>>,
    read: Box<dyn Fn(&[u8])>,
}

fn case<T: Pickle + Unpickle + PartialEq + Debug>(name: &'static str, make: fn() -> T) -> Case {
    Case {
        name,
        write: Box::new(move |protocol| Pickler::new().protocol(protocol).dumps(&make())),
        read: Box::new(move |bytes| match T::loads(bytes) {
            Ok(found) => assert_eq!(found, make(), "{name}"),
            Err(error) => panic!("{name}: {error}: {}", oiji::loads(bytes).unwrap()),
        }),
    }
}

fn tree(name: &str, children: Vec<Rc<Node>>) -> Rc<Node> {
    let node = Rc::new(Node { name: name.into(), children: RefCell::new(children), ..Node::default() });
    for child in &*node.children.borrow() {
        *child.parent.borrow_mut() = Rc::downgrade(&node);
    }
    node
}

fn point() -> Point {
    Point { x: 1.5, y: -2, label: "a".into() }
}

fn right() -> Vec<Option<String>> {
    vec![Some("r".into()), None]
}

fn cases() -> Vec<Case> {
    vec![
        case("point", point),
        case("slotted", || Slotted { left: 1, right: right() }),
        case("both", || Both { left: 1, right: right(), more: true }),
        case("named", || Named { name: "n".into(), called: "n".into(), size: 2.5 }),
        case("reduced", || Reduced { a: 1, b: "b".into(), extra: 7 }),
        case("pair", || Pair { first: 1, second: "two".into() }),
        case("items", || Items { items: vec![1, 2, 3], name: Some("i".into()) }),
        case("empty_items", || Bare { items: vec![] }),
        case("table", || Table { pairs: [("a".into(), 1), ("b".into(), 2)].into(), name: "t".into() }),
        case("oops", || Oops { what: "bad".into(), code: 3, place: "here".into() }),
        case("old", || Old { x: 1, y: "two".into() }),
        case("hooked", || Hooked { w: 0.5, b: vec![1, 2], cache: "filled".into() }),
        case("tree", || tree("root", vec![tree("left", vec![tree("leaf", vec![])])])),
        case("shared", || {
            let shared = Rc::new(point());
            vec![shared.clone(), shared, Rc::new(point())]
        }),
        case("meters", || Meters { value: 1.5, note: "m".into() }),
        case("color", || vec![Color::Blue, Color::Red]),
        case("level", || vec![Level::Low, Level::High]),
        case("unit", || vec![Unit::Foot]),
        case("keyed", || Keyed { name: "k".into(), width: 1, height: 2.5 }),
        case("inner", || Inner { x: 1 }),
        case("data", || Data { x: 1, tags: vec!["a".into()] }),
        case("frozen", || Frozen { x: 1, y: 2.5 }),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Case, protocol, text.
type Answers = BTreeMap<String, BTreeMap<String, String>>;

fn run(python: &oiji_testkit::Python, task: &str, input: &[u8]) -> Answers {
    let output = python.run_with(&["-c", SCRIPT, task], input).unwrap();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn every_kind_of_class_is_exchanged_with_every_python() {
    if pythons().is_empty() {
        return skip("no Python here to exchange classes with");
    }
    let cases = cases();
    let mut ours = Answers::new();
    for case in &cases {
        let pickles = (0..=5).map(|protocol| (protocol.to_string(), hex(&(case.write)(protocol).unwrap())));
        ours.insert(case.name.to_owned(), pickles.collect());
        // What we write ourselves we read too.
        ours[case.name].values().for_each(|pickle| (case.read)(&unhex(pickle)));
    }
    let ours = serde_json::to_vec(&ours).unwrap();
    let mut wrong = Vec::new();
    for python in pythons() {
        let theirs = run(python, "write", b"");
        assert!(theirs.len() >= 15, "Python {} wrote next to nothing", python.name());
        let mut count = 0;
        for (name, pickles) in &theirs {
            let case = cases.iter().find(|case| case.name == name).unwrap();
            pickles.values().for_each(|pickle| (case.read)(&unhex(pickle)));
            count += pickles.len();
        }
        let checked = run(python, "check", &ours);
        for (name, answers) in &checked {
            for (protocol, answer) in answers {
                if answer != "ok" {
                    wrong.push(format!("Python {}: {name}, protocol {protocol}: {answer}", python.name()));
                }
            }
        }
        let back: usize = checked.values().map(BTreeMap::len).sum();
        println!("Python {}: {count} pickles read, {back} written and loaded", python.name());
        assert!(back >= 40, "Python {} checked next to nothing", python.name());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn inert_values_are_written_as_they_were_read() {
    let bytes = Pickler::new().dumps(&(point(), Color::Red)).unwrap();
    let (point, color) = <(Graph<'static>, Graph<'static>)>::loads(&bytes).unwrap();
    assert_eq!(point.root().get("y").unwrap().as_i64().unwrap(), -2);
    assert_eq!(oiji::loads(&(point, color).dumps().unwrap()).unwrap(), oiji::loads(&bytes).unwrap());
}

/// Shapes by class: those that are known, and the rest.
#[derive(Pickle, Unpickle, Debug)]
#[expect(clippy::large_enum_variant, reason = "one is boxed to show that it may be")]
enum Shape {
    Point(Point),
    Pair(Box<Pair>),
    #[pickle(other)]
    Other(Graph<'static>),
}

#[test]
fn the_class_in_the_pickle_chooses_the_variant_and_others_stay_inert() {
    let pair = Pair { first: 1, second: "two".into() };
    for protocol in 0..=5 {
        let value = (point(), &pair, Color::Red, Oops { what: "bad".into(), code: 3, place: "here".into() });
        let bytes = Pickler::new().protocol(protocol).dumps(&value).unwrap();
        let (first, second, third, fourth) = <(Shape, Shape, Shape, Shape)>::loads(&bytes).unwrap();
        let (Shape::Point(found), Shape::Pair(two), Shape::Other(color), Shape::Other(_)) =
            (&first, &second, &third, &fourth)
        else {
            panic!("{first:?} {second:?} {third:?} {fourth:?}");
        };
        assert_eq!((found, &**two, &*color.to_string()), (&point(), &pair, "shapes.Color(1)"));
        // Written again they are what they were.
        let again = Pickler::new().protocol(protocol).dumps(&(first, second, third, fourth)).unwrap();
        assert_eq!(oiji::loads(&again).unwrap(), oiji::loads(&bytes).unwrap());
    }
}

#[test]
fn a_registry_without_a_place_for_others_names_what_it_knows() {
    let registry = oiji::class::Registry::new().class(|point: Point| point.x).class(|pair: Pair| pair.first as f64);
    struct Number(f64);
    thread_local! {
        static REGISTRY: RefCell<Option<oiji::class::Registry<f64>>> = const { RefCell::new(None) };
    }
    impl Unpickle for Number {
        fn unpickle(value: oiji::Value<'_>, from: &mut oiji::class::Unpickling<'_>) -> oiji::Result<Self> {
            REGISTRY.with_borrow(|registry| registry.as_ref().unwrap().read(value, from).map(Number))
        }
    }
    REGISTRY.set(Some(registry));
    let bytes = vec![point(), point()].dumps().unwrap();
    assert_eq!(Vec::<Number>::loads(&bytes).unwrap().iter().map(|number| number.0).sum::<f64>(), 3.0);
    let error = Vec::<Number>::loads(&vec![Color::Red].dumps().unwrap()).err().unwrap();
    let wanted = "expected an instance of shapes.Point or shapes.Pair, found one of shapes.Color at offset";
    assert!(error.to_string().starts_with(wanted), "{error}");
}
