//! What the fuzzers run: laws that hold for any bytes, each a function that panics where one is broken.
//!
//! `tests/smoke.rs` runs them over the corpus without a fuzzer; `cargo xtask fuzz` runs them with one.

mod archive;
mod arrays;
mod classes;
mod cpython;
mod migrate;
pub mod reach;
mod scan;
mod stores;
mod tables;

use std::io::BufReader;

use oiji::inspect::{DiffOptions, DisOptions, ShowOptions, Stats};
use oiji::json::{self, JsonOptions};
use oiji::op::{read_op, write::write_op};
use oiji::source::{SliceSource, Source};
use oiji::{ErrorKind, Graph, Limits, ReadOptions, WriteOptions, inspect, rewrite};

pub use archive::archive;
pub use arrays::arrays;
pub use classes::classes;
pub use cpython::cpython;
pub use migrate::migrate;
pub use scan::scan;
pub use stores::stores;

/// Ints of a size that a fuzzer can print again and again.
fn options() -> ReadOptions<'static> {
    ReadOptions::new().limits(Limits { int_digits: 5_000, ..Limits::default() })
}

/// Any bytes are a graph, which can be shown and written, or an error with an offset.
pub fn read(input: &[u8]) {
    match options().from_slice(input) {
        Ok(graph) => {
            // A byte of input is a mention at most, of a name of 128 bytes, and all may stand there three times.
            assert!(graph.to_string().len() <= 512 * input.len() + 65_536);
            for protocol in 0..=5 {
                let written = WriteOptions::new().protocol(protocol).to_vec(&graph);
                let refused = written.is_err_and(|error| !matches!(error.kind(), ErrorKind::Inexpressible { .. }));
                assert!(!refused, "protocol {protocol} of {graph}");
            }
        }
        Err(error) => assert!(error.offset().is_some(), "{error}: no offset"),
    }
}

/// Ops that are read are written as the same bytes.
pub fn ops(input: &[u8]) {
    let mut source = SliceSource::new(input);
    let mut written = Vec::new();
    loop {
        let before = source.offset() as usize;
        match read_op(&mut source) {
            Ok(op) => write_op(&mut written, &op),
            Err(_) => return assert_eq!(written, &input[..before]),
        }
    }
}

/// A graph that is written and read again is the same, in every protocol that can say it.
///
/// Buffers are numbered anew, and in protocol 0 a persistent id is a line and a NaN is just that: graphs with these are only
/// read again.
pub fn round_trip(input: &[u8]) {
    let options = options().fix_imports(false);
    let Ok(graph) = options.from_slice(input) else { return };
    let is_odd = |value: oiji::Value<'_>| matches!(value.type_name(), "buffer" | "persistent id");
    let is_plain = !graph.values().any(is_odd) && !graph.to_string().contains("nan");
    for protocol in 0..=5 {
        let Ok(written) = WriteOptions::new().protocol(protocol).fix_imports(false).to_vec(&graph) else { continue };
        let again = options.from_slice(&written);
        let again = again.unwrap_or_else(|error| panic!("protocol {protocol}: {error} in {written:?} of {graph}"));
        assert!(!is_plain || again == graph, "protocol {protocol}: {graph} became {again}");
    }
}

/// A slice and a stream give the same values, or the same error at the same offset.
pub fn slice_stream(input: &[u8]) {
    for bytes in [u64::MAX, input.len() as u64 / 2] {
        let options = options().limits(Limits { bytes, int_digits: 5_000, ..Limits::default() });
        let text = |result: oiji::Result<Graph<'_>>| result.map(Graph::into_owned).map_err(|error| error.to_string());
        let slices: Vec<_> = options.pickles(input).map(text).collect();
        let streams: Vec<_> = options.pickles_from_reader(input).map(text).collect();
        assert!(slices == streams, "{slices:?} {streams:?}");
        let reader = BufReader::with_capacity(16, input);
        let buffered: Vec<_> = options.pickles_from_buf_read(reader).map(text).collect();
        assert!(slices == buffered, "{slices:?} {buffered:?}");
    }
}

/// All that looks at pickles takes any bytes; JSON loses nothing.
pub fn tools(input: &[u8]) {
    let limits = Limits { int_digits: 5_000, ..Limits::default() };
    let mut text = Vec::new();
    // What is no pickle is an error, and that is all right here.
    let _ = inspect::dis(input, &mut text, &DisOptions { limits, ..DisOptions::default() });
    let _ = Stats::of(input);
    let _ = rewrite::optimize(input);
    let _ = json::read_with(input, &limits);
    let Ok(graph) = options().from_slice(input) else { return };
    let plain = inspect::Plain;
    inspect::show_graph(&graph, &ShowOptions::default(), &plain, &mut std::io::sink()).expect("a sink takes all");
    assert!(inspect::diff(graph.root(), graph.root(), &DiffOptions::default()).is_empty(), "{graph}");
    let mut text = Vec::new();
    json::write(&graph, &mut text, &JsonOptions::default()).expect("every graph has a tagged form");
    let again = json::read(&text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)));
    assert!(again == graph, "{graph} became {again} by {}", String::from_utf8_lossy(&text));
}
