//! `oiji._oiji`: Python's `pickle`, in Rust.
//!
//! `save` writes what `_pickle` writes, byte for byte; `load` reads by a loop of its own. `py` is the way to Python's objects,
//! `types` the module and its classes; `proof` holds the fast ways against the slow ones. What differs from `pickle` stands in
//! the package's docstrings.

mod input;
mod load;
mod output;
mod proof;
mod py;
mod save;
mod state;
mod types;
