//! Python's pickle as a whole system.

pub mod emitter;
mod error;
pub mod global;
pub mod graph;
pub mod inspect;
mod limits;
pub mod machine;
pub mod op;
mod opcode;
pub mod rewrite;
pub mod sink;
pub mod source;
#[cfg(test)]
mod testing;

pub use error::{Error, ErrorKind, Result};
pub use graph::{Graph, Node, Pickles, ReadOptions, Value, WriteOptions};
pub use limits::{Budget, Limits};
pub use opcode::{ArgKind, DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, Opcode, Row, StackItem};

/// Reads the first pickle of `input` with the defaults of [`ReadOptions`]; text and bytes are borrowed from it.
///
/// # Errors
/// As for [`ReadOptions::from_slice`].
pub fn from_slice(input: &[u8]) -> Result<Graph<'_>> {
    ReadOptions::new().from_slice(input)
}

/// Reads one pickle from `reader` with the defaults of [`ReadOptions`], and takes no byte past its `STOP`.
///
/// # Errors
/// As for [`ReadOptions::from_reader`].
pub fn from_reader<R: std::io::Read>(reader: R) -> Result<Graph<'static>> {
    ReadOptions::new().from_reader(reader)
}

/// The pickles that stand one after another in `input`, each a graph of its own.
pub fn pickles(input: &[u8]) -> Pickles<'_, source::SliceSource<'_>> {
    ReadOptions::new().pickles(input)
}

/// Writes every root of `graph` as a pickle, with the defaults of [`WriteOptions`].
///
/// # Errors
/// As for [`WriteOptions::to_vec`].
pub fn to_vec(graph: &Graph<'_>) -> Result<Vec<u8>> {
    WriteOptions::new().to_vec(graph)
}

/// Writes every root of `graph` as a pickle to `writer`, with the defaults of [`WriteOptions`].
///
/// # Errors
/// As for [`WriteOptions::to_writer`].
pub fn to_writer<W: std::io::Write>(graph: &Graph<'_>, writer: W) -> Result<()> {
    WriteOptions::new().to_writer(graph, writer)
}
