//! The parts of sparse matrices in pickles: attributes of SciPy's classes, under their names through time, the dict of a file
//! of `save_npz`, and the calls that rebuild tensors of torch.

use crate::array::Array;
use crate::array::dtype::{AXES, Dtype, bad};
use crate::array::pickled::shape;
use crate::array::sparse::{Parts, Sparse, SparseFormat};
use crate::error::Result;
use crate::graph::{Node, Object, Value};

impl<'g> Sparse<'g> {
    /// The sparse matrix that a value is: of SciPy, the dict of arrays of one that `save_npz` wrote, or a tensor of torch.
    ///
    /// # Errors
    /// `InvalidArray` if its parts do not go together.
    pub fn of(value: Value<'g>) -> Result<Option<Sparse<'g>>> {
        match value.node() {
            Node::Object(object) => match object.made_class() {
                Some(class) if class.module().starts_with("scipy.sparse") => {
                    let format = class.name().strip_suffix("_matrix").or_else(|| class.name().strip_suffix("_array"));
                    let Some(format) = format.and_then(SparseFormat::of) else { return Ok(None) };
                    of_scipy(object, class.to_string(), format).map(Some)
                }
                Some(class) if class.is("torch._utils", "_rebuild_sparse_tensor") => of_torch(object).map(Some),
                _ => Ok(None),
            },
            Node::Dict(pairs) if (4..=8).contains(&pairs.len()) => of_file(value),
            _ => Ok(None),
        }
    }
}

fn array<'g>(object: Object<'g>, name: &str) -> Result<Array<'g>> {
    let value = object.attribute(name).ok_or_else(|| bad(format!("a sparse matrix without {name}")))?;
    value.as_array().map_err(|error| error.at_path(name))
}

fn of_scipy(object: Object<'_>, class: String, format: SparseFormat) -> Result<Sparse<'_>> {
    let told = object.attribute("_shape").or_else(|| object.attribute("shape"));
    let shape = shape(told.ok_or_else(|| bad("a sparse matrix without a shape"))?)?;
    let dtype = || object.attribute("dtype").ok_or_else(|| bad("a sparse matrix without a dtype"))?.as_dtype();
    let (parts, dtype) = match format {
        SparseFormat::Csr | SparseFormat::Csc | SparseFormat::Bsr => {
            let (data, indices, starts) = (array(object, "data")?, array(object, "indices")?, array(object, "indptr")?);
            let dtype = data.dtype().clone();
            (Parts::Compressed { data, indices, starts }, dtype)
        }
        SparseFormat::Coo => {
            let axes = match object.attribute("coords") {
                Some(axes) => axes.items()?.iter().take(AXES + 1).map(Value::as_array).collect::<Result<Vec<_>>>()?,
                None => vec![array(object, "row")?, array(object, "col")?],
            };
            let data = array(object, "data")?;
            let dtype = data.dtype().clone();
            (Parts::Coordinates { data, axes }, dtype)
        }
        SparseFormat::Dia => {
            let (data, offsets) = (array(object, "data")?, array(object, "offsets")?);
            let dtype = data.dtype().clone();
            (Parts::Diagonals { data, offsets }, dtype)
        }
        SparseFormat::Lil => (Parts::Lists { rows: array(object, "rows")?, data: array(object, "data")? }, dtype()?),
        SparseFormat::Dok => {
            // A dict of its own, or from SciPy 1.11 on one in it.
            let mut entries: Vec<Value<'_>> = object.attribute("_dict").into_iter().collect();
            if entries.is_empty() {
                entries.extend(object.own_arg(1).filter(|dict| dict.pairs().is_ok()));
            }
            (Parts::Entries(entries), dtype()?)
        }
    };
    Sparse::new(class, format, dtype, shape, parts)
}

/// The arrays of `save_npz`, by name.
fn of_file(value: Value<'_>) -> Result<Option<Sparse<'_>>> {
    let part = |name: &str| value.get(name).ok()?.as_array().ok();
    let (Some(named), Some(told), Some(data)) = (part("format"), part("shape"), part("data")) else { return Ok(None) };
    let (Dtype::Bytes(2..=4) | Dtype::Str(2..=4, _)) = named.dtype() else { return Ok(None) };
    let text = named.texts()?.next().unwrap_or_default();
    let name = text.trim_start_matches('b').trim_matches('\'');
    let Some(format) = SparseFormat::of(name) else { return Ok(None) };
    let axes = told.numbers()?.take(AXES + 1).map(|axis| axis.to_f64());
    let shape =
        axes.map(|axis| if (0.0..1e18).contains(&axis) { Ok(axis as u64) } else { Err(bad("no shape of a matrix")) });
    let shape = shape.collect::<Result<Vec<u64>>>()?;
    let wanted = |name: &str| part(name).ok_or_else(|| bad(format!("a sparse matrix without {name}")));
    let dtype = data.dtype().clone();
    let parts = match format {
        SparseFormat::Coo => Parts::Coordinates { data, axes: vec![wanted("row")?, wanted("col")?] },
        SparseFormat::Dia => Parts::Diagonals { data, offsets: wanted("offsets")? },
        SparseFormat::Lil | SparseFormat::Dok => return Ok(None),
        _ => Parts::Compressed { data, indices: wanted("indices")?, starts: wanted("indptr")? },
    };
    Sparse::new(String::new(), format, dtype, shape, parts).map(Some)
}

/// `_rebuild_sparse_tensor(layout, parts)`.
fn of_torch(object: Object<'_>) -> Result<Sparse<'_>> {
    let (layout, parts) = (object.args().at(0)?, object.args().at(1)?);
    // The layout is made by its name.
    let layout = layout.as_object()?.args().at(0)?.as_str()?;
    let array = |at: usize| parts.at(at)?.as_array();
    let size = |at: usize| {
        let size = parts.at(at)?;
        let inner = size.as_object().ok().and_then(|size| size.args().at(0).ok());
        shape(inner.unwrap_or(size))
    };
    let (format, shape, data, parts) = match layout {
        "torch.sparse_coo" => {
            let (indices, data) = (array(0)?, array(1)?);
            (SparseFormat::Coo, size(2)?, data.clone(), Parts::Coordinates { data, axes: vec![indices] })
        }
        "torch.sparse_csr" | "torch.sparse_csc" | "torch.sparse_bsr" => {
            let (starts, indices, data) = (array(0)?, array(1)?, array(2)?);
            let format = match layout {
                "torch.sparse_csr" => SparseFormat::Csr,
                "torch.sparse_csc" => SparseFormat::Csc,
                _ => SparseFormat::Bsr,
            };
            (format, size(3)?, data.clone(), Parts::Compressed { data, indices, starts })
        }
        other => return Err(bad(format!("sparse tensors of layout {other} are not read"))),
    };
    Sparse::new(layout.to_owned(), format, data.dtype().clone(), shape, parts)
}

impl<'g> Sparse<'g> {
    fn new(class: String, format: SparseFormat, dtype: Dtype, shape: Vec<u64>, parts: Parts<'g>) -> Result<Sparse<'g>> {
        if shape.len() > AXES {
            return Err(bad(format!("a sparse matrix of {} axes", shape.len())));
        }
        let stored = match &parts {
            Parts::Compressed { data, indices, starts } => {
                let blocks = data.shape().first().copied().unwrap_or(0);
                if indices.count() != blocks || starts.shape().len() != 1 || indices.shape().len() != 1 {
                    return Err(bad(format!("{} places of {blocks} elements in a sparse matrix", indices.count())));
                }
                data.count()
            }
            Parts::Coordinates { data, axes } => {
                // Of a hybrid tensor elements are arrays themselves.
                let count = data.shape().first().copied().filter(|_| data.shape().len() == 1);
                let count = count.ok_or_else(|| bad("a sparse matrix of arrays"))?;
                let each = count.saturating_mul(shape.len() as u64 / (axes.len() as u64).max(1));
                if axes.len() != 1 && axes.len() != shape.len() || axes.iter().any(|axis| axis.count() != each) {
                    return Err(bad(format!("coordinates that are not those of {count} elements in a sparse matrix")));
                }
                count
            }
            Parts::Diagonals { data, offsets } => {
                if data.shape().len() != 2 || data.shape().first() != Some(&offsets.count()) {
                    return Err(bad(format!("{} diagonals in a sparse matrix", offsets.count())));
                }
                data.count()
            }
            Parts::Lists { rows, data } => {
                let lists = |array: &Array<'g>| {
                    let lists = array.objects()?.iter().map(|list| list.items().map(|items| items.len() as u64).ok());
                    lists.collect::<Option<Vec<u64>>>()
                };
                match (lists(rows), lists(data)) {
                    (Some(rows), Some(data)) if rows == data => data.iter().sum(),
                    _ => return Err(bad("lists of columns and elements that do not go together")),
                }
            }
            Parts::Entries(dicts) => dicts.iter().filter_map(|dict| dict.len()).map(|len| len as u64).sum(),
        };
        Ok(Sparse { class, format, dtype, shape, stored, parts })
    }
}
