//! Sparse matrices as dense ones: every stored element is put in its place; those that stand in one place are added up, as
//! SciPy does.

use crate::array::array::Array;
use crate::array::dtype::{ByteOrder, Dtype, bad, count, shape_text};
use crate::array::number::{to_f64, to_i128};
use crate::array::sparse::{Parts, Sparse, SparseFormat};
use crate::error::{ErrorKind, Result};
use crate::graph::{Node, Value};
use crate::limits::Limits;

/// A dense matrix being filled.
struct Dense<'s> {
    dtype: Dtype,
    size: usize,
    shape: &'s [u64],
    bytes: Vec<u8>,
}

impl Sparse<'_> {
    /// The same matrix with all of its elements, in C order.
    ///
    /// # Errors
    /// `Limit` (`allocation`) if that is too large; `InvalidArray` for elements that stand outside, or are no numbers.
    pub fn to_dense(&self, limits: &Limits) -> Result<Array<'static>> {
        let dtype = self.dtype.with_byte_order(ByteOrder::Little);
        let is_number = matches!(dtype, Dtype::Bool | Dtype::Int(..) | Dtype::UInt(..) | Dtype::Complex(8 | 16, _));
        if !is_number && !matches!(dtype, Dtype::Float(4 | 8, _)) {
            return Err(bad(format!("a sparse matrix of {dtype} cannot be added up")));
        }
        let bytes = count(&self.shape).and_then(|count| count.checked_mul(dtype.size()));
        let bytes = bytes.filter(|bytes| *bytes <= limits.allocation);
        let too_large = || ErrorKind::Limit { limit: "allocation", allowed: limits.allocation };
        let len = bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(too_large)?;
        // Memory that is zero as it comes costs nothing until it is written; but that there is so much is asked first.
        Vec::<u8>::new().try_reserve_exact(len).map_err(|_| too_large())?;
        let filled = vec![0; len];
        let size = dtype.size() as usize;
        let mut dense = Dense { dtype, size, shape: &self.shape, bytes: filled };
        self.fill(&mut dense)?;
        Array::from_bytes(dense.dtype, &self.shape, dense.bytes)
    }

    fn fill(&self, dense: &mut Dense<'_>) -> Result<()> {
        match &self.parts {
            Parts::Compressed { data, indices, starts } => self.fill_compressed(data, indices, starts, dense),
            Parts::Coordinates { data, axes } => {
                let data = elements(data)?;
                let axes: Vec<i64> = axes.iter().map(ints).collect::<Result<Vec<_>>>()?.concat();
                let stored = axes.len() / self.shape.len().max(1);
                for (at, raw) in data.chunks_exact(dense.size).enumerate() {
                    let place: Vec<i64> = (0..self.shape.len()).map(|axis| axes[axis * stored + at]).collect();
                    dense.add(&place, raw)?;
                }
                Ok(())
            }
            Parts::Diagonals { data, offsets } => {
                let raw = elements(data)?;
                let columns = usize::try_from(data.shape().get(1).copied().unwrap_or(0)).unwrap_or(0);
                let [height, width] = self.shape[..] else { return Err(bad("diagonals of no matrix")) };
                for (diagonal, offset) in ints(offsets)?.into_iter().enumerate() {
                    for column in 0..columns.min(usize::try_from(width).unwrap_or(usize::MAX)) {
                        let row = (column as i64).saturating_sub(offset);
                        // What stands outside is padding.
                        if row >= 0 && (row as u64) < height {
                            let start = (diagonal * columns + column) * dense.size;
                            dense.add(&[row, column as i64], raw.get(start..start + dense.size).unwrap_or_default())?;
                        }
                    }
                }
                Ok(())
            }
            Parts::Lists { rows, data } => {
                let lists = rows.objects().into_iter().flatten().zip(data.objects().into_iter().flatten());
                for (row, (columns, values)) in lists.enumerate() {
                    for (column, value) in columns.items()?.iter().zip(values.items()?) {
                        dense.add(&[row as i64, int(column)?], &element(&dense.dtype, value)?)?;
                    }
                }
                Ok(())
            }
            Parts::Entries(dicts) => {
                for (key, value) in dicts.iter().filter_map(|dict| dict.pairs().ok()).flatten() {
                    let place = match key.items() {
                        Ok(axes) if axes.len() <= self.shape.len() => {
                            axes.iter().map(int).collect::<Result<Vec<_>>>()?
                        }
                        _ => vec![int(key)?],
                    };
                    dense.add(&place, &element(&dense.dtype, value)?)?;
                }
                Ok(())
            }
        }
    }

    fn fill_compressed(
        &self,
        data: &Array<'_>,
        indices: &Array<'_>,
        starts: &Array<'_>,
        dense: &mut Dense<'_>,
    ) -> Result<()> {
        let (raw, indices, starts) = (elements(data)?, ints(indices)?, ints(starts)?);
        // The shape of a block; an element is one of one.
        let block: Vec<i64> = data.shape().iter().skip(1).map(|axis| *axis as i64).collect();
        let [height, width] = match (self.format, &block[..]) {
            (SparseFormat::Bsr, [height, width]) => [*height, *width],
            (SparseFormat::Csr | SparseFormat::Csc, []) => [1, 1],
            _ => return Err(bad(format!("elements of {} axes in a sparse matrix", data.shape().len()))),
        };
        let size = dense.size;
        let per_block = (height * width) as usize * size;
        for (major, bounds) in starts.windows(2).enumerate() {
            let major = major as i64;
            let bounds = usize::try_from(bounds[0]).ok().zip(usize::try_from(bounds[1]).ok());
            let stored = bounds.and_then(|(start, end)| Some((start, indices.get(start..end)?)));
            let (start, stored) =
                stored.ok_or_else(|| bad("rows of a sparse matrix that lie outside of what it stores"))?;
            for (at, minor) in stored.iter().enumerate() {
                let elements = raw.get((start + at) * per_block..(start + at + 1) * per_block).unwrap_or_default();
                for (inner, raw) in elements.chunks_exact(size.max(1)).enumerate() {
                    let inner = inner as i64;
                    let (row, column) = match self.format {
                        SparseFormat::Csc => (*minor, major),
                        _ => (
                            major.saturating_mul(height).saturating_add(inner / width.max(1)),
                            minor.saturating_mul(width).saturating_add(inner % width.max(1)),
                        ),
                    };
                    match self.shape.len() {
                        // An array of one axis is one row.
                        1 => dense.add(&[column], raw)?,
                        _ => dense.add(&[row, column], raw)?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl Dense<'_> {
    /// Adds an element to the one in a place.
    fn add(&mut self, place: &[i64], raw: &[u8]) -> Result<()> {
        let outside = || bad(format!("an element at {place:?} of a sparse matrix {}", shape_text(self.shape)));
        if place.len() != self.shape.len() {
            return Err(outside());
        }
        let mut at = 0_u64;
        for (index, len) in place.iter().zip(self.shape) {
            let index = u64::try_from(*index).ok().filter(|index| index < len).ok_or_else(outside)?;
            at = at * len + index;
        }
        let start = at as usize * self.size;
        let Some(sum) = self.bytes.get_mut(start..start + self.size) else { return Err(outside()) };
        add(&self.dtype, sum, raw);
        Ok(())
    }
}

/// `sum += raw`, both little-endian.
fn add(dtype: &Dtype, sum: &mut [u8], raw: &[u8]) {
    match dtype {
        Dtype::Bool => sum[0] |= raw.first().map_or(0, |byte| u8::from(*byte != 0)),
        Dtype::Float(4, _) => {
            let total = to_f64(dtype, sum).unwrap_or(0.0) as f32 + to_f64(dtype, raw).unwrap_or(0.0) as f32;
            sum.copy_from_slice(&total.to_le_bytes());
        }
        Dtype::Float(..) => {
            let total = to_f64(dtype, sum).unwrap_or(0.0) + to_f64(dtype, raw).unwrap_or(0.0);
            sum.copy_from_slice(&total.to_le_bytes());
        }
        Dtype::Complex(..) => {
            let part = Dtype::Float(dtype.size() as u8 / 2, ByteOrder::Little);
            let half = sum.len() / 2;
            let (real, imaginary) = sum.split_at_mut(half);
            add(&part, real, raw.get(..half).unwrap_or_default());
            add(&part, imaginary, raw.get(half..).unwrap_or_default());
        }
        _ => {
            let total = to_i128(dtype, sum).unwrap_or(0) + to_i128(dtype, raw).unwrap_or(0);
            let size = sum.len();
            sum.copy_from_slice(&total.to_le_bytes()[..size]);
        }
    }
}

/// The elements of an array in C order, the lowest byte first.
fn elements(array: &Array<'_>) -> Result<Vec<u8>> {
    Ok(array.to_little_endian()?.bytes()?.into_owned())
}

fn ints(array: &Array<'_>) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for number in array.numbers()? {
        match number {
            crate::array::Number::Int(int) => found.push(i64::try_from(int).unwrap_or(i64::MAX)),
            crate::array::Number::Float(_) => return Err(bad("places of a sparse matrix that are no ints")),
        }
    }
    Ok(found)
}

/// An int of Python or NumPy.
fn int(value: Value<'_>) -> Result<i64> {
    if let Some(scalar) = Array::of_scalar(value) {
        return ints(&scalar)?.first().copied().ok_or_else(|| bad("a place that is no int"));
    }
    value.as_i64()
}

/// The bytes of a number of Python or NumPy as an element.
fn element(dtype: &Dtype, value: Value<'_>) -> Result<Vec<u8>> {
    let none = || bad(format!("{} among elements of {dtype}", value.type_name()));
    if let Some(scalar) = Array::of_scalar(value) {
        let raw = elements(&scalar)?;
        return if scalar.dtype().with_byte_order(ByteOrder::Little) == *dtype { Ok(raw) } else { Err(none()) };
    }
    let size = dtype.size() as usize;
    let float_bytes = |value: f64, size: usize| match size {
        4 => (value as f32).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    };
    let (whole, number) = match value.node() {
        Node::Bool(bool) => (i128::from(bool), f64::from(u8::from(bool))),
        Node::Int(int) => (i128::from(int), int as f64),
        Node::Float(float) => (float as i128, float),
        Node::Object(object) if object.made_class().is_some_and(|class| class.name() == "complex") => {
            let parts = [object.args().at(0)?.as_f64()?, object.args().at(1)?.as_f64()?];
            return match dtype {
                Dtype::Complex(..) => Ok(parts.map(|part| float_bytes(part, size / 2)).concat()),
                _ => Err(none()),
            };
        }
        _ => return Err(none()),
    };
    Ok(match dtype {
        Dtype::Bool => vec![u8::from(number != 0.0)],
        Dtype::Float(..) => float_bytes(number, size),
        Dtype::Complex(..) => [float_bytes(number, size / 2), float_bytes(0.0, size / 2)].concat(),
        _ => whole.to_le_bytes()[..size.min(16)].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::number::{float, to_complex};

    #[test]
    fn elements_in_one_place_are_added() {
        let mut sum = 1.5_f32.to_le_bytes();
        add(&Dtype::Float(4, ByteOrder::Little), &mut sum, &2.25_f32.to_le_bytes());
        assert_eq!(float(&sum, ByteOrder::Little), Some(3.75));
        let mut sum = [250_u8];
        add(&Dtype::UInt(1, ByteOrder::Little), &mut sum, &[10]);
        assert_eq!(sum, [4]);
        let complex = [1.0_f64.to_le_bytes(), 2.0_f64.to_le_bytes()].concat();
        let mut sum = complex.clone();
        add(&Dtype::Complex(16, ByteOrder::Little), &mut sum, &complex);
        assert_eq!(to_complex(&Dtype::Complex(16, ByteOrder::Little), &sum), Some((2.0, 4.0)));
    }
}
