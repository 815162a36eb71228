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
