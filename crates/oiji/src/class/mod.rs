//! Classes of Python as Rust types: feature `derive`, on by default.
//!
//! `#[derive(Pickle, Unpickle)]` writes real instances that `pickle.load` builds and reads them back, with state hooks,
//! sharing and cycles, and files that outlive their classes. `pickle` and `unpickle` are the two ways, `shared` and `cells`
//! the pointers, `read`, `write` and `state` the instances; no Python is needed and none is run.

mod atoms;
mod buffer;
mod cells;
mod containers;
mod derived;
mod inert;
mod name;
mod pickle;
mod pickler;
mod pointers;
mod read;
mod registry;
mod rest;
mod shared;
mod state;
pub mod stdlib;
mod unpickle;
mod unpickler;
mod write;

pub use buffer::Buffer;
#[doc(hidden)]
pub use derived::{DictItems, ListItems, Member, With, has_field, is_record, is_text, is_tuple};
pub use inert::{GlobalName, PersistentId};
pub use name::{Class, Name, OfClass, Version};
pub use pickle::{Pickle, Pickling};
pub use pickler::Pickler;
pub use read::{ObjectReader, is_instance, wrong_class};
pub use registry::Registry;
pub use rest::Attributes;
pub use state::{Migration, State};
pub use unpickle::{Unpickle, Unpickling};
pub use unpickler::Unpickler;
pub use write::ObjectWriter;
