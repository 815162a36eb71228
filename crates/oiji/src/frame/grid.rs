//! The elements of an array of one or two axes, by row and place: what a column looks into.

use std::borrow::Cow;

use crate::array::dtype::{Dtype, bad};
use crate::array::{Array, Data};
use crate::error::Result;
use crate::frame::cell::Cell;
use crate::graph::{Items, Value};

/// Elements in rows, wherever they stand in the data.
#[derive(Clone, Debug)]
pub(crate) struct Grid<'g> {
    dtype: Dtype,
    data: GridData<'g>,
    rows: u64,
    len: u64,
    offset: u64,
    /// From a row to the next, and from a place to the next, in elements.
    strides: [i64; 2],
}

#[derive(Clone)]
enum GridData<'g> {
    Bytes(Cow<'g, [u8]>),
    Objects(Items<'g>),
}

impl std::fmt::Debug for GridData<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GridData::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            GridData::Objects(items) => write!(f, "{} objects", items.len()),
        }
    }
}

impl<'g> Grid<'g> {
    /// The elements of `array`; one of one axis is one row.
    pub(crate) fn of(array: Array<'g>) -> Result<Grid<'g>> {
        let (strides, offset) = array.layout().strides(array.shape());
        let (rows, len, strides) = match (array.shape(), &strides[..]) {
            ([len], [stride]) => (1, *len, [0, *stride]),
            ([rows, len], [row, stride]) => (*rows, *len, [*row, *stride]),
            (shape, _) => return Err(bad(format!("a column of {} axes", shape.len()))),
        };
        if array.masked().is_some() {
            return Err(bad("a column that is a masked array"));
        }
        let dtype = array.dtype().clone();
        let data = match array.object_list() {
            Some(list) => GridData::Objects(list.items()?),
            None => match array.data() {
                Data::Bytes(_) => match array.into_data() {
                    Data::Bytes(bytes) => GridData::Bytes(bytes),
                    _ => return Err(bad("no bytes")),
                },
                _ => GridData::Bytes(Cow::Owned(array.bytes()?.into_owned())),
            },
        };
        Ok(Grid { dtype, data, rows, len, offset, strides })
    }

    /// The elements of the array that a value is.
    pub(crate) fn of_value(value: Value<'g>) -> Result<Grid<'g>> {
        Grid::of(value.as_array()?)
    }

    pub(crate) fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Elements of a row.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn is_objects(&self) -> bool {
        matches!(self.data, GridData::Objects(_))
    }

    /// The number of an element among all, where it is one.
    fn place(&self, row: u64, at: u64) -> Option<usize> {
        if row >= self.rows || at >= self.len {
            return None;
        }
        let by = |index: u64, stride: i64| i128::from(index) * i128::from(stride);
        usize::try_from(i128::from(self.offset) + by(row, self.strides[0]) + by(at, self.strides[1])).ok()
    }

    /// The bytes of an element.
    pub(crate) fn raw(&self, row: u64, at: u64) -> Option<&[u8]> {
        let GridData::Bytes(bytes) = &self.data else { return None };
        let size = usize::try_from(self.dtype.size()).ok()?;
        let start = self.place(row, at)?.checked_mul(size)?;
        bytes.get(start..start.checked_add(size)?)
    }

    /// An element; missing where there is none.
    pub(crate) fn cell(&self, row: u64, at: u64) -> Cell<'_> {
        let cell = match &self.data {
            GridData::Objects(items) => self.place(row, at).and_then(|place| items.get(place)).map(Cell::of),
            GridData::Bytes(_) => self.raw(row, at).and_then(|raw| Cell::of_element(&self.dtype, raw)),
        };
        cell.unwrap_or(Cell::Missing)
    }

    /// An element that is an int or a bool.
    pub(crate) fn int(&self, row: u64, at: u64) -> Option<i64> {
        match self.cell(row, at) {
            Cell::Int(int) => i64::try_from(int).ok(),
            Cell::Bool(bool) => Some(bool.into()),
            _ => None,
        }
    }

    /// Whether elements are such that `cell` says what they are.
    pub(crate) fn is_plain(&self) -> bool {
        let size = usize::try_from(self.dtype.size()).unwrap_or(0).min(64);
        self.is_objects() || Cell::of_element(&self.dtype, &[0; 64][..size]).is_some()
    }
}
