//! Python's pickle as a whole system: read, look into and write every pickle, without Python.
//!
//! ```
//! // What Python wrote: pickle.dumps({"name": "gadget", "sizes": [1, 2.5]})
//! let bytes = b"\x80\x04\x95\x27\0\0\0\0\0\0\0}\x94(\x8c\x04name\x94\x8c\x06gadget\x94\
//!     \x8c\x05sizes\x94]\x94(K\x01G@\x04\0\0\0\0\0\0eu.";
//! let graph = oiji::loads(bytes)?;
//! assert_eq!(graph.root().get("name")?.as_str()?, "gadget");
//! assert_eq!(graph.root().path("sizes[1]")?.as_f64()?, 2.5);
//!
//! // What Python reads: pickle.loads(bytes)
//! let graph = oiji::pickle!({"name": "gadget", "sizes": [1, 2.5], "tags": ("a", "b")})?;
//! let bytes = oiji::dumps(&graph)?;
//! assert_eq!(oiji::loads(&bytes)?, graph);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! A pickle is a program for a small stack machine. This crate runs that machine, and everything the program asks for
//! becomes an inert value in a [`Graph`]: a class is a name, a call is a record of what would be called. Nothing a pickle
//! names is ever imported or run, sharing and cycles are kept, and a graph written again means the same.
//!
//! # Where to go
//! * [`tutorial`] to begin with: nine short chapters, from one object in a file to sockets and databases.
//! * [`from_slice`], [`from_reader`], [`to_vec`], [`to_writer`] for Rust types by serde, named as in other serialization
//!   crates: the paved path when you know what is in the file.
//! * [`Pickle`](macro@Pickle) and [`Unpickle`](macro@Unpickle) for Python's classes as Rust types: real instances, state hooks,
//!   sharing and cycles, files that outlive their classes; see [`class`].
//! * [`loads`], [`load`], [`dumps`], [`dump`] for graphs, named as in Python; [`Graph::from_slice`] and its companions are
//!   the same.
//! * [`ReadOptions`] and [`WriteOptions`] for protocols, Python 2, out-of-band buffers, [`Limits`]; [`pickles`] for several
//!   pickles in one input.
//! * [`Graph`], [`Value`] and [`Node`] to look; [`Graph::new`] and [`pickle!`] to make.
//! * [`mod@array`] for arrays of NumPy, in `.npy` files and in pickles.
//! * [`frame`] for DataFrames of pandas in pickles.
//! * [`archive`](mod@archive) for ZIPs of arrays and objects: robust archives, `.npz`.
//! * `store` for files of many pickles under keys: `shelve`, ZODB, caches.
//! * [`inspect`] to show, disassemble and compare; `rewrite` to optimize and migrate; JSON and back in `json`.
//! * `signed` for files that must be as somebody wrote them.
//! * `inspect::scan` to know what a file would do if it were loaded, by a [`policy`].
//! * [`op`], [`machine`], [`emitter`] underneath, for tools of your own.
//!
//! # Safety
//! There is no `unsafe` in this crate. No input makes it panic, recurse or allocate more than a small multiple of what it
//! has read; [`Limits`] bound the rest.

#[cfg(feature = "archive")]
pub mod archive;
pub mod array;
#[cfg(feature = "class")]
pub mod class;
pub mod emitter;
mod error;
pub mod frame;
pub mod global;
pub mod graph;
pub mod inspect;
#[cfg(feature = "json")]
pub mod json;
mod limits;
pub mod machine;
pub mod op;
mod opcode;
pub mod policy;
pub mod rewrite;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(feature = "signed")]
pub mod signed;
pub mod sink;
pub mod source;
#[cfg(feature = "store")]
pub mod store;
#[cfg(test)]
mod testing;
#[cfg(all(any(doc, doctest), feature = "derive"))]
pub mod tutorial;

#[cfg(feature = "serde")]
pub use crate::serde::{from_reader, from_slice, from_value, to_vec, to_vec_with, to_writer};
#[cfg(feature = "class")]
pub use class::{Pickle, Unpickle};
pub use num_bigint::BigInt;

pub use error::{Error, ErrorKind, Result};
pub use graph::{Graph, Node, Pickles, ReadOptions, Value, WriteOptions};
pub use limits::{Budget, Limits};
#[cfg(feature = "derive")]
pub use oiji_derive::{Pickle, Unpickle};
pub use opcode::{ArgKind, DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, Opcode, Row, StackItem};

use std::io::{Read, Write};

/// Reads the first pickle of `data`, as Python's function of that name: [`Graph::from_slice`].
///
/// # Errors
/// As for [`ReadOptions::from_slice`].
pub fn loads(data: &[u8]) -> Result<Graph<'_>> {
    Graph::from_slice(data)
}

/// Reads one pickle from `file`, as Python's function of that name: [`Graph::from_reader`].
///
/// # Errors
/// As for [`ReadOptions::from_reader`].
pub fn load<R: Read>(file: R) -> Result<Graph<'static>> {
    Graph::from_reader(file)
}

/// Writes `graph`, as Python's function of that name: [`Graph::to_vec`].
///
/// # Errors
/// As for [`WriteOptions::to_vec`].
pub fn dumps(graph: &Graph<'_>) -> Result<Vec<u8>> {
    graph.to_vec()
}

/// Writes `graph` to `file`, as Python's function of that name: [`Graph::to_writer`].
///
/// # Errors
/// As for [`WriteOptions::to_writer`].
pub fn dump<W: Write>(graph: &Graph<'_>, file: W) -> Result<()> {
    graph.to_writer(file)
}

/// The pickles that stand one after another in `input`, each a graph of its own.
pub fn pickles(input: &[u8]) -> Pickles<'_, source::SliceSource<'_>> {
    ReadOptions::new().pickles(input)
}
