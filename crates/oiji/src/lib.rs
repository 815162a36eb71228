//! Python's pickle as a whole system.
mod error;
mod opcode;
pub use error::{Error, ErrorKind, Result};
pub use opcode::{ArgKind, DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, Opcode, Row, StackItem};
