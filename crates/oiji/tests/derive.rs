//! What types are found for values. That they compile, read and write is in `derived.rs`.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "class")]

use oiji::graph::{Id, Made, StepKind};
use oiji::inspect::{DeriveOptions, Schema, derive};
use oiji::{Graph, Value, loads, pickle};

/// The items, without derives and `use` lines.
fn types(value: Value<'_>) -> String {
    let source = derive(value, &DeriveOptions::default());
    let lines = source.lines().filter(|line| !line.starts_with("use ") && !line.starts_with("#[derive"));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// An instance of `shapes.<class>` with a state.
fn instance(graph: &mut Graph<'_>, class: &str, state: &[(&str, i64)]) -> Id {
    let class = graph.add_global("shapes", class).unwrap();
    let args = graph.add_tuple(&[]).unwrap();
    let object = graph.add_object(Made::New, class, args, None).unwrap();
    let pairs: Vec<_> =
        state.iter().map(|(name, value)| (graph.add_str(name).unwrap(), graph.add_int(*value).unwrap())).collect();
    let state = graph.add_dict(&pairs).unwrap();
    graph.add_step(object, StepKind::Build, &[state]).unwrap();
    object
}

#[test]
fn a_place_has_the_type_that_takes_all_that_stands_there() {
    let place = |graph: Graph<'_>| types(graph.root());
    assert_eq!(place(pickle!([1, 2]).unwrap()), "pub type Root = Vec<i64>;");
    assert_eq!(place(pickle!([1, 2.5]).unwrap()), "pub type Root = Vec<f64>;");
    assert_eq!(place(pickle!([None, "a"]).unwrap()), "pub type Root = Vec<Option<String>>;");
    assert_eq!(place(pickle!((1, "a", true)).unwrap()), "pub type Root = (i64, String, bool);");
    assert_eq!(place(pickle!({1: "a", 2: "b"}).unwrap()), "pub type Root = BTreeMap<i64, String>;");
    let several = "pub type Root = Vec<RootItem>;\npub enum RootItem {\n    Int(i64),\n    Str(String),\n}";
    assert_eq!(place(pickle!([1, "a"]).unwrap()), several);
}

#[test]
fn an_int_that_no_float_can_say_stays_an_int_beside_floats() {
    let graph = pickle!([9_007_199_254_740_993_i64, 0.5]).unwrap();
    assert!(types(graph.root()).contains("Int(i64),\n    Float(f64)"));
}

#[test]
fn dicts_are_structs_unless_they_read_like_maps() {
    let graph = pickle!([{"x": 1, "y": 2}, {"x": 3}]).unwrap();
    let expected = "pub type Root = Vec<RootItem>;\npub struct RootItem {\n    pub x: i64,\n    pub y: Option<i64>,\n}";
    assert_eq!(types(graph.root()), expected);
    let graph = pickle!({"layer.0": 1, "layer.1": 2}).unwrap();
    assert_eq!(types(graph.root()), "pub type Root = BTreeMap<String, i64>;");
    let graph = pickle!({"first name": "a", "age": 2}).unwrap();
    assert!(types(graph.root()).contains("#[pickle(rename = \"first name\")]\n    pub first_name: String,"));
}

#[test]
fn a_tree_of_dicts_is_one_type() {
    let graph = pickle!({"name": "a", "parts": [{"name": "b", "parts": [{"name": "c", "parts": []}]}]}).unwrap();
    assert_eq!(types(graph.root()), "pub struct Root {\n    pub name: String,\n    pub parts: Vec<Root>,\n}");
}

#[test]
fn a_class_is_one_type_wherever_it_stands_and_names_differ() {
    let mut graph = Graph::new();
    let one = instance(&mut graph, "Point", &[("x", 1)]);
    let two = instance(&mut graph, "Point", &[("x", 1), ("type", 2)]);
    let three = instance(&mut graph, "Outer.Point", &[]);
    let tuple = graph.add_tuple(&[one, two, three]).unwrap();
    graph.set_roots(vec![tuple]);
    let expected = "pub type Root = (Point, Point, ShapesPoint);
#[pickle(class = \"shapes.Point\")]
pub struct Point {
    pub x: i64,
    pub r#type: Option<i64>,
}
#[pickle(class = \"shapes:Outer.Point\")]
pub struct ShapesPoint;";
    assert_eq!(types(graph.root()), expected);
}

#[test]
fn what_two_places_share_is_behind_a_pointer() {
    let mut graph = Graph::new();
    let point = instance(&mut graph, "Point", &[("x", 1)]);
    let tuple = graph.add_tuple(&[point, point]).unwrap();
    graph.set_roots(vec![tuple]);
    assert!(types(graph.root()).starts_with("pub type Root = (Rc<RefCell<Point>>, Rc<RefCell<Point>>);"));
}

#[test]
fn what_holds_itself_without_a_pointer_is_boxed() {
    let pickle = b"\x80\x02cm\nNode\n)\x81}X\x04\0\0\0nextcm\nNode\n)\x81}X\x04\0\0\0nextNsbsb.";
    let graph = loads(pickle).unwrap();
    assert!(types(graph.root()).ends_with("pub struct Node {\n    pub next: Option<Box<Node>>,\n}"));
}

#[test]
fn members_of_an_enum_are_told_by_being_there_once() {
    let colors = b"\x80\x02](cm\nColor\nK\x01\x85Rq\x00h\x00cm\nColor\nK\x02\x85Re.";
    assert!(types(loads(colors).unwrap().root()).ends_with(
        "pub enum Color {\n    #[pickle(value = 1)]\n    Value1,\n    #[pickle(value = 2)]\n    Value2,\n}"
    ));
    let sizes = b"\x80\x02](cm\nSize\nK\x01\x85Rcm\nSize\nK\x01\x85Re.";
    assert!(types(loads(sizes).unwrap().root()).ends_with("pub struct Size(pub i64);"));
}

#[test]
fn names_that_the_code_uses_are_not_given_to_classes() {
    let graph = loads(b"\x80\x02cm\nVec\n)\x81cm\nRoot\n)\x81\x86.").unwrap();
    assert!(types(graph.root()).starts_with("pub type Root = (MVec, MRoot);"), "{}", types(graph.root()));
}

#[test]
fn several_values_have_one_type() {
    let mut schema = Schema::new();
    for pickle in [&b"}X\x01\0\0\0aK\x01s."[..], b"}X\x01\0\0\0bNs."] {
        schema.add(loads(pickle).unwrap().root());
    }
    let source = schema.to_rust(&DeriveOptions::default());
    assert!(source.ends_with("    pub a: Option<i64>,\n    pub b: Option<Graph<'static>>,\n}\n"), "{source}");
}

#[test]
fn a_million_levels_and_a_chain_that_doubles_have_small_types() {
    let deep = [vec![b']'; 1_000_000], vec![b'a'; 999_999], vec![b'.']].concat();
    assert!(derive(loads(&deep).unwrap().root(), &DeriveOptions::default()).len() < 1000);
    let mut chain = vec![b']'];
    (0..200).for_each(|index| chain.extend([b'q', index, b'h', index, 0x86]));
    chain.push(b'.');
    assert!(derive(loads(&chain).unwrap().root(), &DeriveOptions::default()).len() < 2000);
}

#[test]
fn ten_thousand_classes_are_not_as_many_types() {
    let mut pickle = b"\x80\x02(".to_vec();
    for class in 0..10_000 {
        pickle.extend(format!("cm\nC{class}\n)\x00").bytes().map(|byte| if byte == 0 { 0x81 } else { byte }));
        pickle.extend(b"}(X\x01\0\0\0aK\x01X\x01\0\0\0bK\x01X\x01\0\0\0cK\x01ub");
    }
    pickle.extend(b"t.");
    assert!(derive(loads(&pickle).unwrap().root(), &DeriveOptions::default()).len() < 1000);
}
