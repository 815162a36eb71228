//! Graphs: everything a pickle can say, as values in an arena, with sharing and cycles as ids.
//!
//! `arena` holds them, `build` fills it from a machine, `read` runs the machine over input, `view` looks at the result.
//! Nothing here knows a file format or a Rust type of the user's.

mod again;
pub(crate) mod arena;
mod build;
mod canonical;
#[cfg(feature = "migrate")]
mod change;
mod children;
#[cfg(any(feature = "serde", feature = "class"))]
mod copies;
pub(crate) mod copy;
mod edit;
mod emit;
pub(crate) mod equal;
mod fold;
pub(crate) mod frames;
mod guard;
pub(crate) mod hash;
mod helper;
mod literal;
mod outside;
pub(crate) mod path;
pub(crate) mod read;
mod repr;
mod tree;
mod uses;
mod view;
mod write;

pub use arena::{Graph, Id, Made, StepKind};
pub use build::GraphBuilder;
#[cfg(any(feature = "serde", feature = "class"))]
pub(crate) use copies::Copies;
#[cfg(feature = "migrate")]
pub(crate) use helper::Helper;
pub use literal::AddTo;
#[doc(hidden)]
pub use literal::make;
pub use path::{Path, Step};
pub use read::{Pickles, ReadOptions};
pub use view::{
    BigIntRef, Buffer, Global, Items, ItemsIter, Node, Object, Pairs, PairsIter, StepRef, Steps, Text, Value,
};
pub use write::{Buffers, WriteOptions};
