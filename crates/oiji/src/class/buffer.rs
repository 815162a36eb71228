//! Bytes that may travel out of band.

use std::ops::{Deref, DerefMut};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_type;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Id, Node, Value};

/// Bytes that are written out of band where [`Pickler::buffer_callback`](crate::class::Pickler::buffer_callback) is set,
/// as Python's `PickleBuffer`; else as bytes if read-only, as a bytearray if not.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::Buffer};
/// let bytes = Buffer::read_only(b"abc".to_vec()).dumps()?;
/// assert_eq!(oiji::loads(&bytes)?.to_string(), "b'abc'");
/// assert!(Buffer::loads(&bytes)?.is_read_only());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Buffer {
    bytes: Vec<u8>,
    read_only: bool,
}

impl Buffer {
    /// Bytes that Python may write to.
    pub fn new(bytes: Vec<u8>) -> Self {
        Buffer { bytes, read_only: false }
    }

    /// Bytes that Python may only read.
    pub fn read_only(bytes: Vec<u8>) -> Self {
        Buffer { bytes, read_only: true }
    }

    /// Whether Python may only read them.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The bytes alone.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Pickle for Buffer {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.buffer(&self.bytes, self.read_only)
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl Unpickle for Buffer {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let read_only = match value.node() {
            Node::Buffer(buffer) => buffer.is_read_only(),
            Node::ByteArray(_) => false,
            _ => true,
        };
        match value.as_bytes() {
            Ok(bytes) => Ok(Buffer { bytes: bytes.to_vec(), read_only }),
            Err(_) => Err(wrong_type(value, "bytes or a buffer with known content")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        value.as_bytes().is_ok()
    }
}
