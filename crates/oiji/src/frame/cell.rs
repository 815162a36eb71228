//! One value of a table.

use std::borrow::Cow;
use std::fmt;

use crate::array::dtype::{ByteOrder, Dtype};
use crate::array::number::{to_complex, to_f64, to_i128};
use crate::frame::moment::{Duration, Moment};
use crate::frame::period::Period;
use crate::graph::Value;
use crate::op::number::format_float;
use crate::op::text;

/// A value in a column or an index. Its `Display` is Python's `str` of it, and nothing for a missing one, as in CSV.
///
/// ```
/// use oiji::frame::Cell;
/// let graph = oiji::pickle!((None, 1.5, "a", [3]))?;
/// let cells: Vec<Cell<'_>> = graph.root().items()?.iter().map(Cell::of).collect();
/// assert!(cells[0].is_missing());
/// assert_eq!(cells.iter().map(Cell::to_string).collect::<Vec<_>>(), ["", "1.5", "a", "[3]"]);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cell<'f> {
    /// Missing: `None`, `NA`, `NaT`, or a code that stands for no category.
    Missing,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i128),
    /// A float; NaN is missing too.
    Float(f64),
    /// A float of 32 bits, which has fewer digits.
    Float32(f32),
    /// A complex number: real and imaginary part.
    Complex(f64, f64),
    /// Text.
    Text(Cow<'f, str>),
    /// Bytes, or text of Python 2 that is not ASCII and no UTF-8.
    Bytes(Cow<'f, [u8]>),
    /// A date, or a date and time.
    Moment(Moment<'f>),
    /// How long something takes.
    Duration(Duration),
    /// A month, a quarter, a day: a span of time with a name.
    Period(Period),
    /// All between two bounds.
    Interval(Box<Interval<'f>>),
    /// Several values, as Arrow has them.
    List(Vec<Cell<'f>>),
    /// Several values of kinds of their own: a key of Arrow's maps with what it stands for, a label of several levels.
    Tuple(Vec<Cell<'f>>),
    /// Values by name: a `struct` of Arrow.
    Record(Vec<(Cow<'f, str>, Cell<'f>)>),
    /// Any other Python object, as inert as in the graph.
    Object(Value<'f>),
}

/// All between two bounds, of which none, one or both belong to it.
///
/// ```
/// use oiji::frame::{Cell, Interval};
/// let interval = Interval { left: Cell::Int(0), right: Cell::Int(3), has_left: false, has_right: true };
/// assert_eq!(interval.to_string(), "(0, 3]");
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct Interval<'f> {
    /// The lower bound.
    pub left: Cell<'f>,
    /// The upper bound.
    pub right: Cell<'f>,
    /// Whether the lower bound belongs to it.
    pub has_left: bool,
    /// Whether the upper bound belongs to it.
    pub has_right: bool,
}

impl<'f> Cell<'f> {
    /// Whether there is no value: a float that is NaN counts, as it does for pandas.
    pub fn is_missing(&self) -> bool {
        match self {
            Cell::Missing => true,
            Cell::Float(float) => float.is_nan(),
            Cell::Float32(float) => float.is_nan(),
            _ => false,
        }
    }

    /// The element of an array with this dtype; nothing for records and the like.
    pub(crate) fn of_element(dtype: &Dtype, raw: &[u8]) -> Option<Cell<'f>> {
        Some(match dtype {
            Dtype::Bool => Cell::Bool(*raw.first()? != 0),
            Dtype::Int(..) | Dtype::UInt(..) => Cell::Int(to_i128(dtype, raw)?),
            Dtype::Float(4, _) => Cell::Float32(to_f64(dtype, raw)? as f32),
            Dtype::Float(..) => Cell::Float(to_f64(dtype, raw)?),
            Dtype::Complex(..) => to_complex(dtype, raw).map(|(real, imaginary)| Cell::Complex(real, imaginary))?,
            Dtype::Bytes(_) => {
                let end = raw.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                Cell::Bytes(raw[..end].to_vec().into())
            }
            Dtype::Str(_, order) => {
                let code = |four: &[u8]| -> Option<u32> {
                    let four = four.try_into().ok()?;
                    Some(if *order == ByteOrder::Little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
                };
                let codes = raw.chunks_exact(4).map_while(code);
                let text: String =
                    codes.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
                Cell::Text(text.trim_end_matches('\0').to_owned().into())
            }
            Dtype::DateTime(step, _) => match steps(dtype, raw, step.count)? {
                None => Cell::Missing,
                Some(count) => Cell::Moment(Moment::new(count, step.unit, None)?),
            },
            Dtype::TimeDelta(step, _) => match steps(dtype, raw, step.count)? {
                None => Cell::Missing,
                Some(count) => Cell::Duration(Duration::new(count, step.unit)?),
            },
            _ => return None,
        })
    }

    /// The same moment with a time zone.
    pub(crate) fn in_zone(self, zone: Option<&crate::frame::Zone<'f>>) -> Cell<'f> {
        match self {
            Cell::Moment(moment) => Cell::Moment(Moment { zone: zone.copied(), ..moment }),
            other => other,
        }
    }
}

/// A count of steps in units; the least number of 64 bits is none.
fn steps(dtype: &Dtype, raw: &[u8], step: u32) -> Option<Option<i128>> {
    let count = to_i128(dtype, raw)?;
    Some((count != i128::from(i64::MIN)).then(|| count * i128::from(step)))
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            _ if self.is_missing() => Ok(()),
            Cell::Missing => Ok(()),
            Cell::Bool(bool) => f.write_str(if *bool { "True" } else { "False" }),
            Cell::Int(int) => write!(f, "{int}"),
            Cell::Float(float) => f.write_str(&format_float(*float)),
            Cell::Float32(float) => f.write_str(&float32(*float)),
            Cell::Complex(real, imaginary) => {
                let sign = if imaginary.is_sign_negative() && !imaginary.is_nan() { "" } else { "+" };
                // As Python has it: a part without a fraction has no point.
                let part = |part: f64| format_float(part).trim_end_matches(".0").to_owned();
                if *real == 0.0 && real.is_sign_positive() {
                    return write!(f, "{}j", part(*imaginary));
                }
                write!(f, "({}{sign}{}j)", part(*real), part(*imaginary))
            }
            Cell::Text(text) => f.write_str(text),
            Cell::Bytes(bytes) => text::write_bytes_repr(f, bytes),
            Cell::Moment(moment) => moment.fmt(f),
            Cell::Duration(duration) => duration.fmt(f),
            Cell::Period(period) => period.fmt(f),
            Cell::Interval(interval) => interval.fmt(f),
            Cell::List(cells) => {
                f.write_str("[")?;
                write_within(f, cells)?;
                f.write_str("]")
            }
            Cell::Tuple(cells) => {
                f.write_str("(")?;
                write_within(f, cells)?;
                f.write_str(if cells.len() == 1 { ",)" } else { ")" })
            }
            Cell::Record(fields) => {
                f.write_str("{")?;
                for (index, (name, cell)) in fields.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    text::write_str_repr(f, name.as_bytes())?;
                    f.write_str(": ")?;
                    write_within(f, std::slice::from_ref(cell))?;
                }
                f.write_str("}")
            }
            Cell::Object(value) => value.fmt(f),
        }
    }
}

/// Values as Python writes them within others.
fn write_within(f: &mut fmt::Formatter<'_>, cells: &[Cell<'_>]) -> fmt::Result {
    for (index, cell) in cells.iter().enumerate() {
        f.write_str(if index > 0 { ", " } else { "" })?;
        match cell {
            Cell::Text(text) => text::write_str_repr(f, text.as_bytes())?,
            cell if cell.is_missing() => f.write_str("None")?,
            cell => fmt::Display::fmt(cell, f)?,
        }
    }
    Ok(())
}

impl fmt::Display for Interval<'_> {
    /// `(0, 3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = (if self.has_left { '[' } else { '(' }, if self.has_right { ']' } else { ')' });
        write!(f, "{open}{}, {}{close}", self.left, self.right)
    }
}

/// A float32 with as few digits as tell it from others, in Python's form.
fn float32(value: f32) -> String {
    format_float(value.to_string().parse().unwrap_or_else(|_| f64::from(value)))
}
