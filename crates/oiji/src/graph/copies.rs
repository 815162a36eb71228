//! What typed reads may copy of text and bytes: each value once for nothing, shared ones again within limits.

use std::cell::Cell;

use crate::error::{ErrorKind, Result};
use crate::graph::Value;
use crate::graph::arena::{Graph, Kind};
use crate::limits::Limits;

/// How many bytes may be copied for each visit that is allowed.
const BYTES_A_VISIT: u64 = 64;

/// The bytes that may still be copied.
pub(crate) struct Copies(Cell<u64>);

impl Copies {
    /// As many as the graph has, and some for what is read again.
    pub(crate) fn new(graph: &Graph<'_>, limits: &Limits) -> Self {
        let blobs: usize = graph.blobs.iter().map(Vec::len).sum();
        let buffers: usize = graph.buffers.iter().flatten().map(|buffer| buffer.len()).sum();
        let own = (graph.input.len() + graph.owned.len() + blobs + buffers) as u64;
        Copies(Cell::new(limits.visits.saturating_mul(BYTES_A_VISIT).saturating_add(own)))
    }

    /// Counts a value, if it is text, bytes or a long int.
    ///
    /// # Errors
    /// `Limit` where too much is copied again.
    #[inline]
    pub(crate) fn spend(&self, value: Value<'_>, limits: &Limits) -> Result<()> {
        match self.0.get().checked_sub(bytes(value)) {
            Some(left) => self.0.set(left),
            None => return Err(ErrorKind::Limit { limit: "visits", allowed: limits.visits }.into()),
        }
        Ok(())
    }

    /// Takes back what was counted for a value that was not copied after all.
    #[cfg(feature = "class")]
    pub(crate) fn refund(&self, value: Value<'_>) {
        self.0.set(self.0.get().saturating_add(bytes(value)));
    }
}

/// The bytes of text, bytes or a long int; of other values none.
#[inline]
fn bytes(value: Value<'_>) -> u64 {
    let slot = value.graph().slot(value.id());
    match slot.kind {
        Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str | Kind::BigInt => slot.span_len() as u64,
        Kind::Buffer => value.graph().buffer_bytes(slot.data).map_or(0, <[u8]>::len) as u64,
        _ => 0,
    }
}
