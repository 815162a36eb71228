//! Arrays inside pickles, told by the calls that make them: dtype, shape, and the first elements as text.

pub(crate) mod dtype;
mod ndarray;
pub(crate) mod time;

pub use ndarray::Array;
pub(crate) use ndarray::{Data, Elements};
