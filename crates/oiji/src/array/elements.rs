//! The elements of an array in C order: their bytes, as numbers, as values of Rust types.

use std::borrow::Cow;
use std::fmt;

use crate::array::array::Array;
use crate::array::dtype::{ByteOrder, Dtype, bad};
use crate::array::layout::Positions;
use crate::array::number::{Element, to_f64, to_i128};
use crate::error::Result;
use crate::op::number::format_float;

/// A number in an array: exact if it is an int, bool or count of steps in time.
///
/// ```
/// use oiji::array::{Array, Number};
/// let array = Array::from_values(&[u64::MAX, 7], &[2])?;
/// assert_eq!(array.numbers()?.next(), Some(Number::Int(18446744073709551615)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An int, a bool as 0 or 1, or a count of steps in time.
    Int(i128),
    /// A float.
    Float(f64),
}

impl Number {
    /// As a float: ints beyond 2^53 are rounded.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        }
    }
}

impl fmt::Display for Number {
    /// As Python writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(int) => write!(f, "{int}"),
            Number::Float(float) => f.write_str(&format_float(*float)),
        }
    }
}

/// The bytes of elements, one element after another.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: Cow<'a, [u8]>,
    size: u64,
    positions: Positions,
}

impl<'a> Cursor<'a> {
    /// Over `bytes`, which are those of `array` or the first of them.
    pub(crate) fn new(bytes: Cow<'a, [u8]>, array: &Array<'_>) -> Cursor<'a> {
        let size = array.dtype().size();
        // Elements of no bytes are as many as a shape says, with nothing to see.
        let count = if size == 0 { 0 } else { array.count() };
        Cursor { bytes, size, positions: Positions::new(array.layout(), array.shape(), count) }
    }

    /// The next element, which stays the next.
    pub(crate) fn peek(&self) -> Option<&[u8]> {
        self.at(self.positions.peek()?)
    }

    /// The next element.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let place = self.positions.next()?;
        self.at(place)
    }

    /// How many came before.
    pub(crate) fn done(&self) -> u64 {
        self.positions.done()
    }

    fn at(&self, place: u64) -> Option<&[u8]> {
        let start = usize::try_from(place.checked_mul(self.size)?).ok()?;
        self.bytes.get(start..start.checked_add(usize::try_from(self.size).ok()?)?)
    }
}

/// The elements of an array as numbers, in C order: [`Array::numbers`].
///
/// ```
/// use oiji::array::Array;
/// let array = Array::from_values(&[1_i8, -2], &[2])?;
/// assert_eq!(array.numbers()?.map(|number| number.to_f64()).sum::<f64>(), -1.0);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Numbers<'a> {
    dtype: Dtype,
    cursor: Cursor<'a>,
}

impl Iterator for Numbers<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        let raw = self.cursor.next()?;
        match to_i128(&self.dtype, raw) {
            Some(int) => Some(Number::Int(int)),
            None => to_f64(&self.dtype, raw).map(Number::Float),
        }
    }
}

impl Array<'_> {
    /// Its elements as numbers, in C order: ints, bools, floats, times as counts of steps, quantized ones as their integers.
    ///
    /// # Errors
    /// `InvalidArray` if they are none; as for [`Array::bytes`].
    pub fn numbers(&self) -> Result<Numbers<'_>> {
        let is_time = matches!(self.dtype(), Dtype::DateTime(..) | Dtype::TimeDelta(..));
        let is_real = self.dtype().is_number() && !matches!(self.dtype(), Dtype::Complex(..));
        let is_quantized = matches!(self.dtype(), Dtype::Quantized(..));
        if !is_time && !is_real && !is_quantized {
            return Err(bad(format!("elements of {} are no real numbers", self.dtype())));
        }
        let bytes = self.bytes()?;
        self.check_repeated(bytes.len())?;
        Ok(Numbers { dtype: self.dtype().clone(), cursor: Cursor::new(bytes, self) })
    }

    /// Its elements as floats, in C order. Ints beyond 2^53 are rounded.
    ///
    /// # Errors
    /// As for [`Array::numbers`].
    pub fn to_f64s(&self) -> Result<Vec<f64>> {
        Ok(self.numbers()?.map(Number::to_f64).collect())
    }

    /// The same array with its elements as float32: bfloat16 and float8 lose nothing.
    ///
    /// # Errors
    /// As for [`Array::numbers`].
    pub fn to_float32(&self) -> Result<Array<'static>> {
        let values: Vec<f32> = self.numbers()?.map(|number| number.to_f64() as f32).collect();
        Array::from_values(&values, self.shape())
    }

    /// Its elements as they are, in C order, whatever the order of their bytes.
    ///
    /// # Errors
    /// `InvalidArray` if its dtype is another one; as for [`Array::c_order_bytes`].
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if self.dtype().with_byte_order(ByteOrder::Little) != T::DTYPE {
            return Err(bad(format!("elements are {}, not {}", self.dtype(), T::DTYPE)));
        }
        let little = self.to_little_endian()?;
        let bytes = little.bytes()?;
        Ok(bytes.chunks_exact(size_of::<T>()).map(T::from_le).collect())
    }
}

/// Puts the lowest byte of each number in an element first.
pub(crate) fn swap_to_little(dtype: &Dtype, raw: &mut [u8]) {
    let mut swap = |size: usize| raw.chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse);
    match dtype {
        Dtype::Int(size, ByteOrder::Big) | Dtype::UInt(size, ByteOrder::Big) | Dtype::Float(size, ByteOrder::Big) => {
            swap(usize::from(*size));
        }
        Dtype::Complex(size, ByteOrder::Big) => swap(usize::from(*size) / 2),
        Dtype::Str(_, ByteOrder::Big) => swap(4),
        Dtype::DateTime(_, ByteOrder::Big) | Dtype::TimeDelta(_, ByteOrder::Big) => swap(8),
        Dtype::Record(record) => {
            for field in record.fields() {
                // Fields lie inside the element. Of those that overlap, the last has its way.
                let (start, len) = (field.offset as usize, field.dtype.size() as usize);
                if let Some(raw) = raw.get_mut(start..start + len) {
                    swap_to_little(&field.dtype, raw);
                }
            }
        }
        Dtype::SubArray(sub) if sub.dtype().size() > 0 => {
            for raw in raw.chunks_exact_mut(sub.dtype().size() as usize) {
                swap_to_little(sub.dtype(), raw);
            }
        }
        _ => {}
    }
}
