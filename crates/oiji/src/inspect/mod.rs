//! Looking into pickles: what is inside, as a tree for people or an outline for machines, what differs, which ops there
//! are, and numbers about them.
//!
//! All of it writes text or counts; nothing here changes a graph or runs anything. Ops are looked at by `dis` and
//! `stats`, values by the others; `derive` writes Rust types for them.

#[cfg(feature = "class")]
mod derive;
mod diff;
mod dis;
mod lines;
mod paint;
#[cfg(feature = "archive")]
pub mod scan;
mod show;
mod stack;
mod stats;

#[cfg(feature = "class")]
pub use derive::{DeriveOptions, Schema, derive};
pub use diff::{Change, DiffOptions, Difference, diff};
pub use dis::{DisOptions, Disassembler, dis, dis_all};
pub use paint::{Paint, Plain, Role};
pub use show::{Heading, ShowOptions, show, show_graph, show_json, show_pair};
pub use stats::{FrameStats, MemoStats, OpcodeStats, Stats};
