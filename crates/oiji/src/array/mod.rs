//! Arrays: of NumPy, in `.npy` files and in pickles, and tensors of torch in pickles; read without copying their data.
//!
//! ```
//! use oiji::array::Array;
//! let array = Array::from_values(&[1_i32, 2, 3, 4, 5, 6], &[2, 3])?;
//! let npy = array.to_npy()?;                                 // what numpy.save writes
//! let array = Array::from_npy(&npy)?;                        // borrows `npy`
//! assert_eq!(array.to_f64s()?, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
//!
//! let mut graph = oiji::Graph::new();
//! let id = graph.add_array(&array)?;
//! graph.set_roots(vec![id]);
//! let pickle = oiji::dumps(&graph)?;                         // what pickle.load makes an array of
//! assert_eq!(oiji::loads(&pickle)?.root().as_array()?.shape(), [2, 3]);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! [`Array`] begins in `array`, its [`Dtype`] in `dtype`; `npy` reads and writes files, `pickled` reads arrays of a graph and
//! `write` adds them to one. No dependency is needed for that; the feature `bytemuck` adds
//! slices of numbers without a copy, `ndarray` views of that crate, float16 and complex numbers.

#[allow(clippy::module_inception)]
mod array;
mod descr;
pub(crate) mod dtype;
mod elements;
mod layout;
pub(crate) mod literal;
#[cfg(feature = "ndarray")]
mod ndarray;
mod npy;
pub(crate) mod number;
mod pickled;
mod quantized;
#[cfg(feature = "bytemuck")]
mod slice;
mod sparse;
mod stats;
pub(crate) mod storages;
pub(crate) mod tensor;
pub(crate) mod text;
pub(crate) mod time;
mod write;

pub use array::{Array, Data, Masked, Objects};
pub use dtype::{ByteOrder, Dtype, Field, Float8, Record, SubArray, TimeUnit, Unit};
pub use elements::{Number, Numbers};
pub use layout::Layout;
pub use npy::{MAGIC, NpyHeader, load, save};
#[cfg(feature = "archive")]
pub(crate) use npy::{beside, write_file};
pub use number::Element;
#[cfg(feature = "archive")]
pub(crate) use pickled::shape;
pub use quantized::Quantized;
#[cfg(feature = "archive")]
pub(crate) use quantized::{channel_values, unpacked};
pub use sparse::{Sparse, SparseFormat};
pub use stats::ArrayStats;
pub use text::Texts;
