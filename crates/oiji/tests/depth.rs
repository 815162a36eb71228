//! Depth and sharing: a million levels, a million digits, 2^40 values when unfolded, on a stack of two megabytes.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::{Graph, Node, Value, WriteOptions};

const DEPTH: usize = 1_000_000;

/// Runs on a small stack, where any recursion over the data would overflow.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

/// Reads, compares, shows, writes in every protocol given, reads again.
fn lives(pickle: Vec<u8>, protocols: impl IntoIterator<Item = u8>) {
    let graph = Graph::from_slice(&pickle).unwrap();
    assert!(graph == graph.clone());
    assert!(graph.to_string().contains("..."), "what is deeper than shown is cut");
    assert!(format!("{graph:?}").len() < 100_000);
    for protocol in protocols {
        let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
        let again = Graph::from_slice(&bytes).unwrap();
        assert!(again == graph, "protocol {protocol}");
        let streamed = Graph::from_reader(&bytes[..]).unwrap();
        assert!(streamed == graph, "protocol {protocol}, from a stream");
    }
}

fn nested(open: &[u8], inner: &[u8], close: &[u8]) -> Vec<u8> {
    [open.repeat(DEPTH), inner.to_vec(), close.repeat(DEPTH), b".".to_vec()].concat()
}

#[test]
fn a_list_may_be_nested_a_million_deep() {
    on_a_small_stack(|| lives(nested(b"]", b"N", b"a"), [0, 2, 4]));
}

#[test]
fn a_tuple_may_be_nested_a_million_deep() {
    on_a_small_stack(|| lives(nested(b"", b")", b"\x85"), [0, 2, 4]));
}

#[test]
fn a_dict_may_be_nested_a_million_deep() {
    on_a_small_stack(|| lives(nested(b"}K\x01", b"N", b"s"), [0, 2, 4]));
}

#[test]
fn an_object_may_be_nested_a_million_deep_in_its_state() {
    on_a_small_stack(|| {
        let pickle = [b"cshapes\nPoint\nq\x000".to_vec(), nested(b"h\x00)\x81", b"N", b"b")].concat();
        lives(pickle, [0, 2, 4]);
    });
}

#[test]
fn a_call_may_be_nested_a_million_deep_in_its_arguments() {
    on_a_small_stack(|| {
        let pickle = [b"cshapes\nPoint\nq\x000".to_vec(), nested(b"h\x00", b"N", b"\x85R")].concat();
        lives(pickle, [0, 2, 4]);
    });
}

#[test]
fn a_frozenset_may_be_nested_a_million_deep() {
    on_a_small_stack(|| lives(nested(b"(", b"N", b"\x91"), [4]));
}

#[test]
fn a_doubling_chain_is_read_shown_and_written_in_linear_work() {
    on_a_small_stack(|| {
        for pickle in [[b")".to_vec(), b"2\x86".repeat(40), b".".to_vec()].concat(), doubling_lists(40)] {
            let graph = Graph::from_slice(&pickle).unwrap();
            assert!(graph == graph.clone());
            assert!(graph.to_string().len() < 100_000);
            for protocol in 0..=5 {
                let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
                assert!(bytes.len() < 2_000, "protocol {protocol}: {} bytes", bytes.len());
                assert!(Graph::from_slice(&bytes).unwrap() == graph);
            }
        }
    });
}

/// Each list holds the one before it twice.
fn doubling_lists(count: u8) -> Vec<u8> {
    let mut pickle = b"]q\x00".to_vec();
    for number in 1..=count {
        pickle.extend([b'0', b']', b'q', number, b'h', number - 1, b'a', b'h', number - 1, b'a']);
    }
    pickle.push(b'.');
    pickle
}

#[test]
fn what_stands_in_many_places_does_not_make_the_text_any_size() {
    let long = [&b"X\x40\x42\x0f\0"[..], &[b'a'; 1_000_000], b"q\x000"].concat();
    let wide = [&b"]("[..], &b"K\x01".repeat(10_000), b"eq\x000"].concat();
    let slow = [&b"(X\xe8\x03\0\0"[..], &[b'a'; 1_000], b"tq\x000"].concat();
    for shared in [long, wide, slow] {
        let pickle = [shared, b"](".to_vec(), b"h\x00".repeat(10_000), b"e.".to_vec()].concat();
        let graph = Graph::from_slice(&pickle).unwrap();
        let text = graph.to_string();
        assert!(text.len() < 16 * pickle.len() + 100_000, "{} bytes of {}", text.len(), pickle.len());
        assert!(text.ends_with("...]") || text.ends_with("...)]") || text.ends_with("[...]]"), "it is cut");
        assert!(format!("{:?}", graph.root().items().unwrap()).len() < 16 * pickle.len() + 100_000);
    }
    let twice = Graph::from_slice(b"](]K\x01aq\x00h\x00h\x00e.").unwrap();
    assert_eq!(twice.to_string(), "[[1], [1], [1]]");
}

#[test]
fn an_int_of_a_million_digits_crosses_every_protocol() {
    let digits = "7".repeat(1_000_000);
    let pickle = format!("L{digits}L\n.").into_bytes();
    let graph = Graph::from_slice(&pickle).unwrap();
    assert_eq!(graph.to_string(), digits);
    for protocol in 0..=5 {
        let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
        assert!(Graph::from_slice(&bytes).unwrap() == graph, "protocol {protocol}");
    }
}

#[test]
fn a_list_may_contain_itself_in_every_protocol() {
    let graph = Graph::from_slice(b"]q\x00h\x00a.").unwrap();
    assert_eq!(graph.to_string(), "[[...]]");
    for protocol in 0..=5 {
        let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
        let again = Graph::from_slice(&bytes).unwrap();
        let root: Value<'_> = again.root();
        assert_eq!(root.at(0).unwrap().id(), root.id());
    }
}

#[test]
fn a_tuple_may_contain_itself_through_a_list_in_every_protocol() {
    // t = ([],); t[0].append(t)
    let graph = Graph::from_slice(b"]q\x00h\x00\x85q\x01a0h\x01.").unwrap();
    for protocol in 0..=5 {
        let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
        let again = Graph::from_slice(&bytes).unwrap();
        assert!(again == graph, "protocol {protocol}");
        assert!(matches!(again.root().node(), Node::Tuple(_)));
        assert_eq!(again.root().at(0).unwrap().at(0).unwrap().id(), again.root().id());
    }
}
