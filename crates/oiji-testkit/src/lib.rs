//! What the tests of several crates need: the Pythons of this machine, the corpus and its manifests.
//!
//! Nothing here is part of oiji; it is never published.

mod corpus;
mod packages;
mod python;

pub use corpus::{Case, corpus, expected, files, manifest};
pub use packages::{numpys, python_with, python_with_torch};
pub use python::{Python, python_at, python3, pythons, recent_pythons, skip};
