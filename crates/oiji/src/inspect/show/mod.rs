//! Values as a tree that a person can read, and the same outline for machines.
//!
//! `outline` says what stands below a value, `inline` writes values on one line, `tree` puts the lines together; `summary`,
//! `known`, `table` and `sharing` know what makes them short. None of it recurses, and none touches more of the data than it shows.

pub(crate) mod inline;
mod json;
pub(crate) mod known;
pub(crate) mod line;
pub(crate) mod outline;
mod packed;
mod parts;
pub(crate) mod sharing;
mod summary;
mod table;
mod tree;

pub use json::show_json;
pub use tree::{Heading, ShowOptions, show, show_graph, show_pair};
