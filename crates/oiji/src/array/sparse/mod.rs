//! Sparse matrices: of SciPy in pickles and as `save_npz` keeps them, and sparse tensors of torch.
//!
//! A matrix is told by its parts, which are arrays; `read` finds them, `dense` goes over what is stored.

mod dense;
mod read;

use crate::array::Array;
use crate::array::dtype::Dtype;
use crate::graph::Value;

/// A matrix of which only a few elements are stored.
///
/// ```
/// use oiji::Limits;
/// use oiji::array::{Sparse, SparseFormat};
/// # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
/// # let pickle = std::fs::read(format!("{corpus}/scipy-1.17.1-py311/csr.pkl"))?;
/// let graph = oiji::loads(&pickle)?;
/// let matrix = Sparse::of(graph.root())?.expect("a matrix of SciPy");
/// assert_eq!((matrix.format(), matrix.shape(), matrix.stored()), (SparseFormat::Csr, &[3, 3][..], 3));
/// let dense = matrix.to_dense(&Limits::default())?;
/// assert_eq!(dense.to_f64s()?, [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sparse<'g> {
    class: String,
    format: SparseFormat,
    dtype: Dtype,
    shape: Vec<u64>,
    stored: u64,
    parts: Parts<'g>,
}

/// How a sparse matrix tells where its elements are.
///
/// ```
/// use oiji::array::SparseFormat;
/// assert_eq!(SparseFormat::Csr.to_string(), "csr");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SparseFormat {
    /// Rows one after another: columns, and where each row begins.
    Csr,
    /// Columns one after another: rows, and where each column begins.
    Csc,
    /// Blocks of one shape, by rows of blocks.
    Bsr,
    /// Every element with its coordinates.
    Coo,
    /// Diagonals.
    Dia,
    /// Lists of columns and of elements for each row.
    Lil,
    /// A dict from coordinates to elements.
    Dok,
}

#[derive(Clone, Debug)]
enum Parts<'g> {
    /// Of `Csr`, `Csc` and `Bsr`.
    Compressed {
        data: Array<'g>,
        indices: Array<'g>,
        starts: Array<'g>,
    },
    /// An array for each axis, or one with a row for each.
    Coordinates {
        data: Array<'g>,
        axes: Vec<Array<'g>>,
    },
    Diagonals {
        data: Array<'g>,
        offsets: Array<'g>,
    },
    Lists {
        rows: Array<'g>,
        data: Array<'g>,
    },
    /// Dicts from coordinates to elements.
    Entries(Vec<Value<'g>>),
}

impl<'g> Sparse<'g> {
    /// Its class: `scipy.sparse._csr.csr_matrix`; of a tensor, `torch.sparse_coo`; nothing for a file of `save_npz`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// How it tells where its elements are.
    pub fn format(&self) -> SparseFormat {
        self.format
    }

    /// What its elements are.
    pub fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    /// `shape` in elements, outermost first.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// How many elements are stored, zeros among them and the padding of diagonals included.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// The arrays it is made of, by SciPy's names for them; there are none of a dict.
    pub fn parts(&self) -> Vec<(&'static str, &Array<'g>)> {
        match &self.parts {
            Parts::Compressed { data, indices, starts } => {
                vec![("data", data), ("indices", indices), ("indptr", starts)]
            }
            Parts::Coordinates { data, axes } => {
                let names: &[&str] = if axes.len() == 2 { &["row", "col"] } else { &["coords"] };
                let axes = axes.iter().enumerate().map(|(at, axis)| (*names.get(at).unwrap_or(&"coords"), axis));
                std::iter::once(("data", data)).chain(axes).collect()
            }
            Parts::Diagonals { data, offsets } => vec![("data", data), ("offsets", offsets)],
            Parts::Lists { rows, data } => vec![("rows", rows), ("data", data)],
            Parts::Entries(_) => Vec::new(),
        }
    }
}

impl SparseFormat {
    const ALL: [(SparseFormat, &'static str); 7] = [
        (SparseFormat::Csr, "csr"),
        (SparseFormat::Csc, "csc"),
        (SparseFormat::Bsr, "bsr"),
        (SparseFormat::Coo, "coo"),
        (SparseFormat::Dia, "dia"),
        (SparseFormat::Lil, "lil"),
        (SparseFormat::Dok, "dok"),
    ];

    /// The format that SciPy calls so.
    fn of(name: &str) -> Option<SparseFormat> {
        SparseFormat::ALL.iter().find(|(_, other)| *other == name).map(|(format, _)| *format)
    }
}

impl std::fmt::Display for SparseFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(SparseFormat::ALL.iter().find(|(format, _)| format == self).map_or("", |(_, name)| name))
    }
}
