//! Arrays that change: fields of records come, go and move; rows are divided by their sums.

use crate::array::{Array, Dtype, Field, Record};
use crate::error::{Error, Result};
use crate::graph::{Graph, Id};
use crate::rewrite::migrate::rules::Fields;

/// The array at `id` with other fields, added to the graph; nothing if it has those fields already.
///
/// # Errors
/// `InvalidArray` if it is no array of records.
pub(super) fn with_fields(graph: &mut Graph<'_>, id: Id, fields: &Fields) -> Result<Option<Id>> {
    let array = graph.value(id).as_array()?;
    let Dtype::Record(old) = array.dtype() else {
        return Err(Error::message(format!("an array of {}, not of records", array.dtype())));
    };
    // What each field is made of: name, dtype, and where it stood.
    let mut parts: Vec<(String, Dtype, Option<u64>)> = Vec::new();
    for field in old.fields().iter().filter(|field| !fields.drop.contains(&field.name)) {
        let renamed = fields.rename.iter().find(|(from, _)| *from == field.name);
        let name = renamed.map_or(&field.name, |(_, to)| to);
        parts.push((name.clone(), field.dtype.clone(), Some(field.offset)));
    }
    for (name, dtype) in &fields.add {
        if !parts.iter().any(|(known, ..)| known == name) {
            parts.push((name.clone(), dtype.parse()?, None));
        }
    }
    let is_same = parts.len() == old.fields().len()
        && parts.iter().zip(old.fields()).all(|((name, _, from), field)| *name == field.name && from.is_some());
    if is_same {
        return Ok(None);
    }
    let record = laid_out(&parts, fields.aligned)?;
    let bytes = array.c_order_bytes()?;
    let (old_size, new_size) = (old.size() as usize, record.size() as usize);
    let count = array.count() as usize;
    let mut out = vec![0; count.checked_mul(new_size).ok_or_else(|| Error::message("too many records"))?];
    if old_size > 0 && new_size > 0 {
        for (from, to) in bytes.chunks_exact(old_size).zip(out.chunks_exact_mut(new_size)) {
            for ((_, dtype, offset), field) in parts.iter().zip(record.fields()) {
                let (Some(offset), len) = (offset, dtype.size() as usize) else { continue };
                let (start, at) = (*offset as usize, field.offset as usize);
                if let (Some(from), Some(to)) = (from.get(start..start + len), to.get_mut(at..at + len)) {
                    to.copy_from_slice(from);
                }
            }
        }
    }
    let new = Array::from_bytes(Dtype::Record(record), array.shape(), out)?;
    graph.add_array(&new).map(Some)
}

/// Fields one after another: with nothing between, or as C has them.
fn laid_out(parts: &[(String, Dtype, Option<u64>)], aligned: bool) -> Result<Record> {
    let mut fields = Vec::new();
    let (mut size, mut widest) = (0_u64, 1_u64);
    for (name, dtype, _) in parts {
        let alignment = if aligned { dtype.alignment().max(1) } else { 1 };
        let offset = size.next_multiple_of(alignment);
        widest = widest.max(alignment);
        size = offset.saturating_add(dtype.size());
        fields.push(Field { name: name.clone(), title: None, dtype: dtype.clone(), offset });
    }
    // NumPy's dtype says where fields stand; that it is aligned need not be said.
    Record::new(fields, size.next_multiple_of(widest), false)
}

/// The array at `id` with each row, along its last axis, divided by its sum; nothing if rows have one element, or sum to one.
///
/// # Errors
/// `InvalidArray` if it is no array of numbers.
pub(super) fn normalized(graph: &mut Graph<'_>, id: Id) -> Result<Option<Id>> {
    let array = graph.value(id).as_array()?;
    let width = array.shape().last().copied().unwrap_or(1) as usize;
    if width < 2 {
        return Ok(None);
    }
    let mut numbers = array.to_f64s()?;
    let mut is_changed = false;
    for row in numbers.chunks_exact_mut(width) {
        let sum: f64 = row.iter().sum();
        if sum != 0.0 && (sum - 1.0).abs() > 1e-9 {
            is_changed = true;
            row.iter_mut().for_each(|number| *number /= sum);
        }
    }
    if !is_changed {
        return Ok(None);
    }
    let new = Array::from_values(&numbers, array.shape())?;
    graph.add_array(&new).map(Some)
}
