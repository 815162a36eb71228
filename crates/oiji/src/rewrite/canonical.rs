//! The canonical form of graphs: the same bytes for equal graphs.

use crate::error::Result;
use crate::graph::{Graph, WriteOptions};

/// A pickle of protocol 5 that is the same for equal graphs, whatever the writer, the choices of its memo or the protocol.
///
/// Equal as `Graph` has it: whether text and other atoms are shared does not matter, nor the order of sets. Objects that protocols
/// 0 and 1 make by `copyreg._reconstructor` are those of protocol 2. Items of a set that look alike but are shared with different
/// other places stay in the order in which they stand.
///
/// ```
/// use oiji::rewrite::canonical;
/// let one = oiji::loads(b"(lp0\nS'a'\np1\naI1\na.")?;
/// let other = oiji::loads(b"\x80\x02]q\x05(U\x01aK\x01e.")?;
/// assert_eq!(canonical(&one)?, canonical(&other)?);
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// `Limit` when a graph is too large to be copied.
pub fn canonical(graph: &Graph<'_>) -> Result<Vec<u8>> {
    WriteOptions::new().protocol(5).to_vec(&graph.to_canonical()?)
}
