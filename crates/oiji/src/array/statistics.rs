//! A few numbers about the elements of an array.

use crate::array::array::Array;
use crate::array::dtype::Dtype;
use crate::array::elements::Number;
use crate::error::Result;

/// Least, greatest and mean of an array's elements.
///
/// ```
/// use oiji::array::{Array, Number};
/// let statistics = Array::from_values(&[1.5, f64::NAN, -2.5], &[3])?.statistics()?;
/// assert_eq!((statistics.count, statistics.nan_count), (3, 1));
/// assert_eq!((statistics.min, statistics.mean), (Some(Number::Float(-2.5)), Some(-0.5)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Elements in all.
    pub count: u64,
    /// Those that are NaN, or `NaT` among times. The rest of the numbers leaves them out.
    pub nan_count: u64,
    /// The least, if there is any.
    pub min: Option<Number>,
    /// The greatest, if there is any.
    pub max: Option<Number>,
    /// The mean, if there are any: for ints and times of the exact sum.
    pub mean: Option<f64>,
}

impl Array<'_> {
    /// Least, greatest and mean of its elements: numbers, bools as 0 and 1, times as counts of steps. All of the data is read.
    ///
    /// # Errors
    /// As for [`Array::numbers`].
    pub fn statistics(&self) -> Result<Statistics> {
        let is_time = matches!(self.dtype(), Dtype::DateTime(..) | Dtype::TimeDelta(..));
        let mut found = Statistics::default();
        let mut ints = 0_i128;
        let mut floats = Sum::default();
        for number in self.numbers()? {
            found.count += 1;
            match number {
                Number::Int(int) if is_time && int == i128::from(i64::MIN) => {
                    found.nan_count += 1;
                    continue;
                }
                // 2^63 ints of 64 bits are less than 2^127.
                Number::Int(int) => ints = ints.saturating_add(int),
                Number::Float(float) if float.is_nan() => {
                    found.nan_count += 1;
                    continue;
                }
                Number::Float(float) => floats.add(float),
            }
            if found.min.is_none_or(|min| is_less(number, min)) {
                found.min = Some(number);
            }
            if found.max.is_none_or(|max| is_less(max, number)) {
                found.max = Some(number);
            }
        }
        let counted = found.count - found.nan_count;
        if counted > 0 {
            let sum = if matches!(found.min, Some(Number::Int(_))) { ints as f64 } else { floats.value() };
            found.mean = Some(sum / counted as f64);
        }
        Ok(found)
    }
}

/// Whether one number is less than another of its kind.
fn is_less(one: Number, other: Number) -> bool {
    match (one, other) {
        (Number::Int(one), Number::Int(other)) => one < other,
        (one, other) => one.to_f64() < other.to_f64(),
    }
}

/// A sum of floats that keeps what each step rounds away.
#[derive(Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, float: f64) {
        let next = self.sum + float;
        self.lost += if self.sum.abs() >= float.abs() { (self.sum - next) + float } else { (float - next) + self.sum };
        self.sum = next;
    }

    fn value(&self) -> f64 {
        // Where infinities are, what was lost is no number.
        if self.lost.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_are_summed_exactly() {
        let array = Array::from_values(&[u64::MAX, u64::MAX, 0], &[3]).unwrap();
        let found = array.statistics().unwrap();
        assert_eq!(found.max, Some(Number::Int(i128::from(u64::MAX))));
        assert_eq!(found.mean, Some((2 * i128::from(u64::MAX)) as f64 / 3.0));
    }

    #[test]
    fn floats_lose_little() {
        let array = Array::from_values(&[1.0, 1e100, 1.0, -1e100], &[4]).unwrap();
        assert_eq!(array.statistics().unwrap().mean, Some(0.5));
        let array = Array::from_values(&[f64::INFINITY, 1.0], &[2]).unwrap();
        assert_eq!(array.statistics().unwrap().mean, Some(f64::INFINITY));
    }

    #[test]
    fn nothing_has_no_mean() {
        let array = Array::from_values(&[f64::NAN; 2], &[2]).unwrap();
        let found = array.statistics().unwrap();
        assert_eq!((found.nan_count, found.min, found.mean), (2, None, None));
    }
}
