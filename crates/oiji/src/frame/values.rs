//! The data of a column or an index, whatever its kind: how many values, what pandas calls their type, and each of them.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::array::dtype::{ByteOrder, Dtype};
use crate::error::{ErrorKind, Result};
use crate::frame::arrow::Chunks;
use crate::frame::cell::{Cell, Interval};
use crate::frame::grid::Grid;
use crate::frame::period::Frequency;
use crate::frame::zone::Zone;
use crate::graph::{Id, Value};

/// Values in rows; of all kinds but `Plain`, `Moments` and `Periods` there is one row.
#[derive(Clone, Debug)]
pub(crate) enum Values<'g> {
    /// Elements of an array of NumPy.
    Plain(Grid<'g>),
    /// Times with a zone.
    Moments {
        steps: Grid<'g>,
        zone: Zone<'g>,
    },
    Periods {
        ordinals: Grid<'g>,
        frequency: Frequency,
    },
    /// Text in an array of objects, under a dtype of its own: `string` or `str`.
    Texts {
        objects: Grid<'g>,
        dtype: &'static str,
    },
    /// Numbers, and which of them are missing.
    Masked {
        data: Grid<'g>,
        mask: Grid<'g>,
    },
    /// Numbers of categories; one that is none is missing. A level of a `MultiIndex` is told in the same way.
    Coded {
        codes: Grid<'g>,
        labels: Arc<Values<'g>>,
        is_level: bool,
    },
    Intervals {
        left: Arc<Values<'g>>,
        right: Arc<Values<'g>>,
        has_left: bool,
        has_right: bool,
        has_closed: bool,
    },
    /// A few values by their places, and one for all others.
    Sparse {
        values: Grid<'g>,
        places: Places<'g>,
        len: u64,
        fill: Cell<'g>,
    },
    /// `start`, `start + step`…
    Range {
        start: i128,
        step: i128,
        len: u64,
    },
    /// One value.
    One(Value<'g>),
    Arrow {
        chunks: Chunks<'g>,
        dtype: ArrowName,
    },
    /// What is not understood, and why.
    Unknown {
        value: Value<'g>,
        problem: String,
    },
}

/// What pandas calls a column of Arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrowName {
    /// `string`, `str`.
    Named(&'static str),
    /// `int64[pyarrow]`.
    OfType,
}

/// Where the few values of a sparse array stand, in rising order.
#[derive(Clone, Debug)]
pub(crate) enum Places<'g> {
    /// One by one.
    Each(Grid<'g>),
    /// Runs: where each starts, and how many values come before it.
    Runs { starts: Grid<'g>, lens: Grid<'g>, before: Vec<u64> },
}

impl Places<'_> {
    /// The number of the value at a place, if one stands there.
    fn find(&self, at: u64) -> Option<u64> {
        let starts = match self {
            Places::Each(places) => places,
            Places::Runs { starts, .. } => starts,
        };
        // The last that is not past it.
        let (mut low, mut high) = (0, starts.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if starts.int(0, middle)? <= i64::try_from(at).ok()? { low = middle + 1 } else { high = middle }
        }
        let last = low.checked_sub(1)?;
        let within = at - u64::try_from(starts.int(0, last)?).ok()?;
        match self {
            Places::Each(_) => (within == 0).then_some(last),
            Places::Runs { lens, before, .. } => {
                let is_inside = within < u64::try_from(lens.int(0, last)?).ok()?;
                is_inside.then_some(before.get(usize::try_from(last).ok()?)? + within)
            }
        }
    }
}

impl<'g> Values<'g> {
    /// Values of a row; of what is not understood nobody knows.
    pub(crate) fn len(&self) -> Option<u64> {
        Some(match self {
            Values::Plain(grid) | Values::Moments { steps: grid, .. } | Values::Periods { ordinals: grid, .. } => {
                grid.len()
            }
            Values::Texts { objects: grid, .. }
            | Values::Masked { data: grid, .. }
            | Values::Coded { codes: grid, .. } => grid.len(),
            Values::Intervals { left, .. } => return left.len(),
            Values::Sparse { len, .. } | Values::Range { len, .. } => *len,
            Values::One(_) => 1,
            Values::Arrow { chunks, .. } => chunks.len(),
            Values::Unknown { .. } => return None,
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        match self {
            Values::Plain(grid) | Values::Moments { steps: grid, .. } | Values::Periods { ordinals: grid, .. } => {
                grid.rows()
            }
            Values::Texts { objects: grid, .. } => grid.rows(),
            _ => 1,
        }
    }

    /// Whether each value has bytes or an object of its own.
    pub(crate) fn is_stored(&self) -> bool {
        !matches!(self, Values::Sparse { .. } | Values::Range { .. } | Values::Unknown { .. })
    }

    /// The value at a place in a row; missing past the end.
    pub(crate) fn cell(&self, row: u64, at: u64) -> Cell<'_> {
        match self {
            Values::Plain(grid) | Values::Texts { objects: grid, .. } => grid.cell(row, at),
            Values::Moments { steps, zone } => steps.cell(row, at).in_zone(Some(zone)),
            Values::Periods { ordinals, frequency } => match ordinals.int(row, at) {
                Some(ordinal) if ordinal != i64::MIN => Cell::Period(frequency.at(ordinal)),
                _ => Cell::Missing,
            },
            Values::Masked { data, mask } => match mask.int(row, at) {
                Some(0) => data.cell(row, at),
                _ => Cell::Missing,
            },
            Values::Coded { codes, labels, .. } => match codes.int(row, at).map(u64::try_from) {
                Some(Ok(code)) => labels.cell(0, code),
                _ => Cell::Missing,
            },
            Values::Intervals { left, right, has_left, has_right, .. } => {
                let (left, right) = (left.cell(0, at), right.cell(0, at));
                if left.is_missing() || right.is_missing() {
                    return Cell::Missing;
                }
                Cell::Interval(Box::new(Interval { left, right, has_left: *has_left, has_right: *has_right }))
            }
            Values::Sparse { values, places, len, fill } => match places.find(at) {
                Some(found) => values.cell(0, found),
                None if at < *len => fill.clone(),
                None => Cell::Missing,
            },
            Values::Range { start, step, len } if at < *len => Cell::Int(start + step * i128::from(at)),
            Values::Range { .. } => Cell::Missing,
            Values::One(value) => Cell::of(*value),
            Values::Arrow { chunks, .. } => chunks.cell(at),
            Values::Unknown { .. } => Cell::Missing,
        }
    }

    /// What pandas calls the type of the values.
    pub(crate) fn dtype(&self) -> String {
        match self {
            Values::Plain(grid) => grid.dtype().to_string(),
            Values::Moments { steps, zone } => match steps.dtype() {
                Dtype::DateTime(step, _) => format!("datetime64[{step}, {zone}]"),
                dtype => dtype.to_string(),
            },
            Values::Periods { frequency, .. } => format!("period[{frequency}]"),
            Values::Texts { dtype, .. } => (*dtype).to_owned(),
            // `Int64` of int64, but `boolean`.
            Values::Masked { data, .. } => match data.dtype() {
                Dtype::Bool => "boolean".to_owned(),
                Dtype::UInt(size, _) => format!("UInt{}", 8 * u32::from(*size)),
                dtype => {
                    let name = dtype.with_byte_order(ByteOrder::Little).to_string();
                    let first = name.chars().next().map(|first| first.to_ascii_uppercase());
                    first.into_iter().chain(name.chars().skip(1)).collect()
                }
            },
            Values::Coded { labels, is_level: true, .. } => labels.dtype(),
            Values::Coded { .. } => "category".to_owned(),
            Values::Intervals { left, has_left, has_right, has_closed, .. } => {
                let closed = match (has_left, has_right) {
                    (true, true) => "both",
                    (true, false) => "left",
                    (false, true) => "right",
                    (false, false) => "neither",
                };
                if *has_closed {
                    format!("interval[{}, {closed}]", left.dtype())
                } else {
                    format!("interval[{}]", left.dtype())
                }
            }
            Values::Sparse { values, fill, .. } => {
                let fill = if fill.is_missing() { "nan".to_owned() } else { fill.to_string() };
                format!("Sparse[{}, {fill}]", values.dtype())
            }
            Values::Range { .. } => "int64".to_owned(),
            Values::One(_) => "object".to_owned(),
            Values::Arrow { dtype: ArrowName::Named(name), .. } => (*name).to_owned(),
            Values::Arrow { chunks, .. } => format!("{}[pyarrow]", chunks.type_name()),
            Values::Unknown { value, .. } => match value.as_object().ok().and_then(|object| object.made_class()) {
                Some(class) => class.to_string(),
                None => value.type_name().to_owned(),
            },
        }
    }
}

impl Values<'_> {
    /// The dtype by which `to_csv` chooses how times are written: of categories that of what they are.
    pub(crate) fn time_dtype(&self) -> String {
        match self {
            Values::Coded { labels, .. } => labels.dtype(),
            _ => self.dtype(),
        }
    }
}

/// How often what a table holds may be looked at again: a few bytes of a pickle can name the same data in many places.
#[derive(Debug)]
pub(crate) struct Visits {
    seen: FxHashSet<Id>,
    left: u64,
    allowed: u64,
}

impl Visits {
    pub(crate) fn new(allowed: u64) -> Visits {
        Visits { seen: FxHashSet::default(), left: allowed, allowed }
    }

    /// Notes that `count` values of `data` are looked at, which costs something from the second time on.
    ///
    /// # Errors
    /// `Limit` when that is too much.
    pub(crate) fn meet(&mut self, data: Value<'_>, count: u64) -> Result<()> {
        if self.seen.insert(data.id()) { Ok(()) } else { self.spend(count) }
    }

    /// Spends as many visits.
    ///
    /// # Errors
    /// `Limit` when there are not so many left.
    pub(crate) fn spend(&mut self, count: u64) -> Result<()> {
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return Err(ErrorKind::Limit { limit: "visits", allowed: self.allowed }.into()),
        }
        Ok(())
    }
}
