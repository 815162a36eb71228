//! JSON: a graph as tagged JSON and back without losing anything, and plain JSON for those who want no tags.
//!
//! `write` and `read` are the two ways of the tagged form, which `docs/json.md` tells exactly; `plain` writes the other.
//! `out` lays JSON out, `tape` takes it apart, `marks` finds what is shared, `tag` has the names.

mod hashable;
mod marks;
mod out;
mod plain;
mod read;
mod tag;
mod tagged;
mod tape;
mod write;

use crate::limits::Limits;

pub use plain::write_plain;
pub use read::{read, read_with};
pub use write::write;

/// The version of the tagged form that is written, and the highest that is read.
pub const FORMAT: u64 = 1;

/// How JSON is written and read.
///
/// ```
/// use oiji::json::{self, JsonOptions};
/// let graph = oiji::loads(b"](K\x01K\x02\x86}(X\x01\x00\x00\x00aNue.")?;
/// let mut text = Vec::new();
/// json::write_plain(graph.root(), &mut text, &JsonOptions { pretty: true, ..JsonOptions::default() })?;
/// assert_eq!(text, b"[\n  [1, 2],\n  {\"a\": null}\n]\n");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonOptions {
    /// Writes a value a line, indented. Otherwise all stands in one line, without spaces.
    pub pretty: bool,
    /// Lets plain JSON have `NaN`, `Infinity` and `-Infinity`, as Python writes them though JSON has no such numbers.
    pub nan: bool,
    /// What reading and unfolding may cost.
    pub limits: Limits,
}
