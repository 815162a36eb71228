//! JSON and back: the whole corpus, deep and doubling values, hostile text.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests end by panics")]

use oiji::json::{self, JsonOptions};
use oiji::{Graph, ReadOptions};

fn to_json(graph: &Graph<'_>, pretty: bool) -> Vec<u8> {
    let mut text = Vec::new();
    json::write(graph, &mut text, &JsonOptions { pretty, ..JsonOptions::default() }).unwrap();
    text
}

/// Writes, reads and writes again, in both layouts.
fn round_trip(graph: &Graph<'_>, name: &str) {
    let compact = to_json(graph, false);
    let pretty = to_json(graph, true);
    for text in [&compact, &pretty] {
        let again = json::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(again == *graph, "{name}");
        assert_eq!(again.protocol(), graph.protocol(), "{name}");
        // The same sharing, and what the pickle dropped.
        assert!(to_json(&again, false) == compact, "{name}");
    }
    let one: serde_json::Value = parse(&compact);
    assert!(one == parse(&pretty), "{name}");
}

/// As serde_json reads it, of any depth.
fn parse(text: &[u8]) -> serde_json::Value {
    serde_json::from_slice(text).unwrap_or(serde_json::Value::Null)
}

#[test]
fn every_corpus_file_comes_back() {
    let mut count = 0;
    for path in oiji_testkit::files() {
        let input = std::fs::read(&path).unwrap();
        let name = path.display().to_string();
        for exact in [false, true] {
            let options = ReadOptions::new().exact(exact);
            for graph in options.pickles(&input).map_while(Result::ok) {
                round_trip(&graph, &name);
                count += 1;
            }
            if let Ok(graph) = options.all_from_slice(&input) {
                round_trip(&graph, &name);
            }
        }
    }
    println!("{count} pickles came back");
}
