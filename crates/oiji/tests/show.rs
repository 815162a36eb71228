//! The tree and its JSON: nothing is cut when everything is asked for, and depth and sharing cost what they should.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::inspect::{DiffOptions, Plain, ShowOptions, diff, show, show_json};
use oiji::{Graph, Value};
use oiji_testkit::corpus;

fn tree(value: Value<'_>, options: &ShowOptions) -> String {
    let mut out = Vec::new();
    show(value, options, &Plain, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(value: Value<'_>, options: &ShowOptions) -> String {
    let mut out = Vec::new();
    show_json(value, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn full() -> ShowOptions {
    ShowOptions { full: true, ..ShowOptions::default() }
}

#[test]
fn everything_is_shown_when_everything_is_asked_for() {
    let (short, long) = ("é".repeat(300), "x".repeat(9_000));
    let graph = oiji::pickle!({"name": [short.as_str(), long.as_str()]}).unwrap();
    let graph = Graph::from_slice(&oiji::dumps(&graph).unwrap()).unwrap().into_owned();
    let text = tree(graph.root(), &full());
    assert!(text.contains(&format!("[0] '{short}'\n")), "{text}");
    assert!(text.contains(&format!("[1] '{long}'\n")), "{text}");
    assert!(!text.contains('…'), "{text}");
    assert!(json(graph.root(), &full()).contains(&long));
    let cut = tree(graph.root(), &ShowOptions::default());
    assert!(cut.contains("'…"), "{cut}");
}

#[test]
fn long_keys_and_the_text_in_arguments_are_shown_whole() {
    let long = "k".repeat(200);
    let pickle = format!("(dV{long}\ncshapes\nPoint\n(V{long}\ntRs.");
    let graph = Graph::from_slice(pickle.as_bytes()).unwrap();
    assert_eq!(tree(graph.root(), &full()).matches(&long).count(), 2);
    assert_eq!(tree(graph.root(), &ShowOptions::default()).matches(&long).count(), 0);
}

#[test]
fn bytes_and_bytearrays_that_are_cut_say_how_long_they_are() {
    for opcode in [0x8e, 0x96] {
        let pickle = [&b"\x80\x05"[..], &[opcode], &500_u64.to_le_bytes(), &[b'a'; 500], b"."].concat();
        let graph = Graph::from_slice(&pickle).unwrap();
        let text = tree(graph.root(), &ShowOptions::default());
        assert!(text.contains('…') && text.ends_with(" 500 bytes\n"), "{text}");
        assert!(tree(graph.root(), &full()).contains(&"a".repeat(500)));
    }
}

#[test]
fn all_elements_of_an_array_are_shown_exactly() {
    let bytes = std::fs::read(corpus().join("producers/sklearn-1.5.2-py311/logreg.pkl")).unwrap();
    let graph = Graph::from_slice(&bytes).unwrap();
    let array = graph.root().path("coef_").unwrap();
    let text = tree(array, &full());
    let numbers: Vec<f64> = text
        .lines()
        .skip(1)
        .flat_map(|line| line.split_once("] ").unwrap().1.split(", ").map(|number| number.parse().unwrap()))
        .collect();
    assert_eq!((numbers.len(), numbers[0], numbers[11]), (12, -0.420_239_362_308_534_1, 2.027_356_468_751_971));
    assert_eq!(json(array, &full()).matches("\",\"").count(), 11 + 2);
}

#[test]
fn what_is_nested_a_million_deep_is_shown_whole_and_compared() {
    let depth = 1_000_000;
    let nested = |start: &[u8], open: &[u8], inner: &[u8], close: &[u8]| {
        [start, &open.repeat(depth), inner, &close.repeat(depth), b"."].concat()
    };
    let pickles = [
        nested(b"", b"]", b"N", b"a"),
        nested(b"", b"", b")", b"\x85"),
        nested(b"", b"}K\x01", b"N", b"s"),
        nested(b"cshapes\nPoint\nq\x000", b"h\x00)\x81", b"N", b"b"),
    ];
    let run = move || {
        for (number, pickle) in pickles.iter().enumerate() {
            let graph = Graph::from_slice(pickle).unwrap();
            assert!(tree(graph.root(), &ShowOptions::default()).len() < 2_000);
            // A line for each level takes a while without optimization: once will do.
            if number == 0 {
                assert!(tree(graph.root(), &full()).lines().count() > depth - 10);
            }
            assert!(json(graph.root(), &full()).matches("\"type\"").count() > depth - 10);
            assert!(diff(graph.root(), graph.clone().root(), &DiffOptions::default()).is_empty());
        }
    };
    // Where any recursion over the data would overflow.
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_doubling_chain_is_shown_and_compared_in_linear_work() {
    let chain = [b")".to_vec(), b"2\x86".repeat(60), b".".to_vec()].concat();
    let mut lists = b"]q\x00".to_vec();
    for number in 1..=60 {
        lists.extend([b'0', b']', b'q', number, b'h', number - 1, b'a', b'h', number - 1, b'a']);
    }
    lists.push(b'.');
    for pickle in [chain, lists] {
        let graph = Graph::from_slice(&pickle).unwrap();
        assert!(tree(graph.root(), &full()).len() < 50_000);
        assert!(json(graph.root(), &full()).len() < 50_000);
        assert!(diff(graph.root(), graph.clone().root(), &DiffOptions::default()).is_empty());
    }
}
