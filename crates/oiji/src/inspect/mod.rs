//! Looking into pickles: what is inside, as a tree for people or an outline for machines, and what differs.
//!
//! All of it reads graphs and writes text; nothing here changes a graph or runs anything.

mod diff;
mod paint;
mod show;

pub use diff::{Change, DiffOptions, Difference, diff};
pub use paint::{Paint, Plain, Role};
pub use show::{Heading, ShowOptions, show, show_graph, show_json};
