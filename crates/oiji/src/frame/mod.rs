//! Tables of pandas in pickles: DataFrames and Series of pandas 0.19 to 3 as columns, without Python.
//!
//! ```
//! use oiji::frame::Frame;
//! # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
//! # let pickle = std::fs::read(format!("{corpus}/pandas-3.1.1-py313/floats_stridx.pkl"))?;
//! let graph = oiji::loads(&pickle)?;
//! let frame = Frame::of(graph.root())?.expect("a DataFrame");
//! assert_eq!((frame.row_count(), frame.column_count()), (3, 2));
//! for column in frame.columns() {
//!     println!("{} {}: {:?}", column.name(), column.dtype(), column.cells().collect::<Vec<_>>());
//! }
//! let labels: Vec<String> = frame.index().level(0).unwrap().cells().map(|cell| cell.to_string()).collect();
//! assert_eq!(labels, ["r1", "r2", "r3"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Frame`] begins in `table`, which puts together what `manager` (blocks), `index` and `extension` (pandas' arrays) read;
//! `values` is a column's data whatever its kind, `grid` and `arrow` (with `arrow_type`) the bytes of it. A [`Cell`] is one value: `objects` makes
//! it of a Python object, `moment`, `period` and `zone` know times, `text` writes columns as `to_csv` does.

mod arrow;
mod arrow_type;
mod cell;
mod extension;
mod grid;
mod index;
mod manager;
mod moment;
mod objects;
mod period;
mod table;
mod text;
mod values;
pub(crate) mod zone;

pub use cell::{Cell, Interval};
pub use index::Index;
pub use moment::{Duration, Moment};
pub use period::Period;
pub use table::{Cells, Column, Frame};
pub use text::{Offsets, Texts};
pub use zone::Zone;
