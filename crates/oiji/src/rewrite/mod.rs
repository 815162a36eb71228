//! Pickles in, pickles out: the same value in other bytes. Ops are copied or changed, and no value is made.

mod optimize;

pub use optimize::{optimize, optimize_all};
