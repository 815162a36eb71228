//! Python's pickle as a whole system.

mod error;
mod limits;
pub mod op;
mod opcode;
pub mod sink;
pub mod source;

pub use error::{Error, ErrorKind, Result};
pub use limits::{Budget, Limits};
pub use opcode::{ArgKind, DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, Opcode, Row, StackItem};
