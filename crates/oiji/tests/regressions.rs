//! What fuzzers found, each as a sentence.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::{Graph, WriteOptions};

#[test]
fn a_name_with_nothing_between_its_dots_crosses_every_protocol() {
    for name in ["ios.", ".ios", "a..b", "."] {
        let pickle = format!("cos\n{name}\n.");
        let graph = Graph::from_slice(pickle.as_bytes()).unwrap();
        for protocol in 0..=5 {
            let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
            assert!(Graph::from_slice(&bytes).unwrap() == graph, "{name} in protocol {protocol}");
        }
    }
}

#[test]
fn items_set_in_a_buffer_are_written() {
    // Two buffers, and the first of them with the other as a key.
    let graph = Graph::from_slice(b"\x97\x97\x97s.").unwrap();
    assert!(WriteOptions::new().protocol(5).to_vec(&graph).is_ok());
}

#[test]
fn a_buffer_of_unknown_content_stays_so_beside_known_ones() {
    let mut known = Graph::new();
    let buffer = known.add_buffer(0, false).unwrap();
    known.set_buffers([b"known".to_vec()]);
    known.set_roots(vec![buffer]);
    // The first buffer has no content; the copy of the second does.
    let mut graph = Graph::new();
    let unknown = graph.add_buffer(0, false).unwrap();
    let copied = graph.add_copy(known.root()).unwrap();
    let list = graph.add_list(&[unknown, copied]).unwrap();
    graph.set_roots(vec![list]);
    assert_eq!(graph.root().at(0).unwrap().as_bytes().ok(), None);
    assert_eq!(graph.root().at(1).unwrap().as_bytes().unwrap(), b"known");
    let bytes = WriteOptions::new().protocol(5).to_vec(&graph).unwrap();
    assert_eq!(oiji::loads(&bytes).unwrap().to_string(), "[<buffer 0>, bytearray(b'known')]");
    assert!(graph.clone().into_owned() == graph);
}

#[test]
fn a_set_of_a_list_that_holds_the_set_is_refused_not_emptied() {
    // l = []; o = set(l) while o is in l: the call is made by the name alone, for a list is no key.
    let mut graph = Graph::new();
    let set = graph.add_global("builtins", "set").unwrap();
    let list = graph.add_list(&[]).unwrap();
    let args = graph.add_tuple(&[list]).unwrap();
    let call = graph.add_object(oiji::graph::Made::Call, set, args, None).unwrap();
    let inner = graph.add_list(&[call]).unwrap();
    graph.append(list, &[inner]).unwrap();
    graph.set_roots(vec![call]);
    for protocol in 0..=5 {
        let error = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap_err();
        assert!(matches!(error.kind(), oiji::ErrorKind::Inexpressible { .. }), "{error}");
    }
}

#[test]
fn an_object_of_a_class_that_a_call_made_is_one_in_every_protocol() {
    // NEWOBJ on the result of make().
    let graph = Graph::from_slice(b"\x80\x02cmodule\nmake\n)R)\x81.").unwrap();
    for protocol in 0..=5 {
        let bytes = WriteOptions::new().protocol(protocol).to_vec(&graph).unwrap();
        assert!(oiji::loads(&bytes).unwrap() == graph, "protocol {protocol}: {bytes:?}");
    }
}
