//! Numbers about the elements of an array: least and greatest, mean, how many are missing.

use crate::array::array::{Array, Data};
use crate::array::dtype::{ByteOrder, Dtype};
use crate::array::elements::Number;
use crate::array::layout::Layout;
use crate::array::text::number_text;
use crate::error::Result;

/// What the elements of an array are like, taken together: [`Array::stats`].
///
/// ```
/// use oiji::array::{Array, Number};
/// let stats = Array::from_values(&[1.0, f64::NAN, 4.0], &[3])?.stats()?;
/// assert_eq!((stats.min, stats.max), (Some(Number::Float(1.0)), Some(Number::Float(4.0))));
/// assert_eq!((stats.mean, stats.missing), (Some(2.5), 1));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArrayStats {
    dtype: Dtype,
    /// The least element; nothing if there is none.
    pub min: Option<Number>,
    /// The greatest element.
    pub max: Option<Number>,
    /// The mean, of times in steps.
    pub mean: Option<f64>,
    /// Elements that are NaN or NaT. They count nowhere else.
    pub missing: u64,
    /// Elements that are masked. They count nowhere else.
    pub masked: u64,
}

impl Array<'_> {
    /// Least and greatest element, mean and count of missing ones, in one walk over the data. Bools are 0 and 1.
    ///
    /// # Errors
    /// As for [`Array::numbers`].
    pub fn stats(&self) -> Result<ArrayStats> {
        let mut sums = Sums::default();
        if !self.add_plain(&mut sums) {
            let mask = match self.masked() {
                Some(masked) => masked.mask.numbers().ok(),
                None => None,
            };
            sums.add_all(self.numbers()?, mask, matches!(self.dtype(), Dtype::DateTime(..) | Dtype::TimeDelta(..)));
        }
        let mean = (sums.count > 0).then(|| (sums.ints as f64 + sums.floats) / sums.count as f64);
        let Sums { min, max, missing, masked, .. } = sums;
        Ok(ArrayStats { dtype: self.dtype().clone(), min, max, mean, missing, masked })
    }

    /// Adds elements as they stand in memory, whatever their order: the quick way for the dtypes that large arrays have.
    fn add_plain(&self, sums: &mut Sums) -> bool {
        let Data::Bytes(bytes) = self.data() else { return false };
        let is_dense = matches!(self.layout(), Layout::C | Layout::Fortran) || self.layout().is_c(self.shape());
        // Data of strided arrays may go on after their elements.
        let bytes = match usize::try_from(self.size()).ok().and_then(|len| bytes.get(..len)) {
            Some(bytes) if is_dense && self.masked().is_none() => bytes,
            _ => return false,
        };
        match self.dtype() {
            Dtype::Float(4, ByteOrder::Little) => sums.floats(bytes, |raw| f64::from(f32::from_le_bytes(raw))),
            Dtype::Float(8, ByteOrder::Little) => sums.floats(bytes, f64::from_le_bytes),
            Dtype::Int(1, _) => sums.ints(bytes, |raw| i64::from(i8::from_le_bytes(raw))),
            Dtype::UInt(1, _) => sums.ints(bytes, |raw| i64::from(u8::from_le_bytes(raw))),
            Dtype::Int(2, ByteOrder::Little) => sums.ints(bytes, |raw| i64::from(i16::from_le_bytes(raw))),
            Dtype::UInt(2, ByteOrder::Little) => sums.ints(bytes, |raw| i64::from(u16::from_le_bytes(raw))),
            Dtype::Int(4, ByteOrder::Little) => sums.ints(bytes, |raw| i64::from(i32::from_le_bytes(raw))),
            Dtype::UInt(4, ByteOrder::Little) => sums.ints(bytes, |raw| i64::from(u32::from_le_bytes(raw))),
            Dtype::Int(8, ByteOrder::Little) => sums.ints(bytes, i64::from_le_bytes),
            _ => return false,
        }
        true
    }
}

impl ArrayStats {
    /// The least element as text; times as ISO 8601, floats with six digits unless fewer say it all.
    pub fn min_text(&self) -> Option<String> {
        self.min.map(|number| self.text(number))
    }

    /// The greatest element as text.
    pub fn max_text(&self) -> Option<String> {
        self.max.map(|number| self.text(number))
    }

    /// The mean as text.
    pub fn mean_text(&self) -> Option<String> {
        self.mean.map(|mean| self.text(Number::Float(mean)))
    }

    fn text(&self, number: Number) -> String {
        number_text(&self.dtype, number)
    }
}

#[derive(Default)]
struct Sums {
    min: Option<Number>,
    max: Option<Number>,
    ints: i128,
    floats: f64,
    count: u64,
    missing: u64,
    masked: u64,
}

/// Elements summed up at a time: sums of sums lose less than one long sum.
const BLOCK: usize = 1 << 10;

impl Sums {
    fn floats<const N: usize>(&mut self, bytes: &[u8], read: impl Fn([u8; N]) -> f64) {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for block in bytes.as_chunks::<N>().0.chunks(BLOCK) {
            let (mut sum, mut missing) = (0.0, 0_u64);
            for raw in block {
                let value = read(*raw);
                missing += u64::from(value.is_nan());
                sum += if value.is_nan() { 0.0 } else { value };
                least = if value < least { value } else { least };
                most = if value > most { value } else { most };
            }
            self.floats += sum;
            self.missing += missing;
            self.count += block.len() as u64 - missing;
        }
        if self.count > 0 {
            (self.min, self.max) = (Some(Number::Float(least)), Some(Number::Float(most)));
        }
    }

    fn ints<const N: usize>(&mut self, bytes: &[u8], read: impl Fn([u8; N]) -> i64) {
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for raw in bytes.as_chunks::<N>().0 {
            let value = read(*raw);
            self.ints += i128::from(value);
            least = least.min(value);
            most = most.max(value);
            self.count += 1;
        }
        if self.count > 0 {
            (self.min, self.max) = (Some(Number::Int(least.into())), Some(Number::Int(most.into())));
        }
    }

    /// Adds numbers one by one, those under a mask not.
    fn add_all(
        &mut self,
        numbers: impl Iterator<Item = Number>,
        mut mask: Option<impl Iterator<Item = Number>>,
        is_time: bool,
    ) {
        for number in numbers {
            if mask.as_mut().and_then(Iterator::next).is_some_and(|masked| masked != Number::Int(0)) {
                self.masked += 1;
                continue;
            }
            match number {
                Number::Int(int) if is_time && int == i128::from(i64::MIN) => self.missing += 1,
                Number::Float(float) if float.is_nan() => self.missing += 1,
                Number::Int(int) => self.add(number, |sums| sums.ints += int),
                Number::Float(float) => self.add(number, |sums| sums.floats += float),
            }
        }
    }

    fn add(&mut self, number: Number, sum: impl FnOnce(&mut Sums)) {
        let is_below = |one: Number, other: Number| match (one, other) {
            (Number::Int(one), Number::Int(other)) => one < other,
            (one, other) => one.to_f64() < other.to_f64(),
        };
        sum(self);
        self.count += 1;
        if self.min.is_none_or(|min| is_below(number, min)) {
            self.min = Some(number);
        }
        if self.max.is_none_or(|max| is_below(max, number)) {
            self.max = Some(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_and_the_slow_one_agree() {
        let floats: Vec<f32> = (0..5000_u16).map(|index| f32::from(index) / 7.0 - 100.0).collect();
        let mut array = Array::from_values(&floats, &[50, 100]).unwrap();
        let quick = array.stats().unwrap();
        array = Array::from_bytes(Dtype::Float(4, ByteOrder::Big), &[50, 100], swapped(&floats)).unwrap();
        let slow = array.stats().unwrap();
        assert_eq!((quick.min, quick.max, quick.missing), (slow.min, slow.max, slow.missing));
        assert!((quick.mean.unwrap() - slow.mean.unwrap()).abs() < 1e-9);
    }

    fn swapped(floats: &[f32]) -> Vec<u8> {
        floats.iter().flat_map(|float| float.to_be_bytes()).collect()
    }

    #[test]
    fn the_ends_of_ints_are_exact() {
        let stats = Array::from_values(&[u64::MAX, 3], &[2]).unwrap().stats().unwrap();
        assert_eq!(stats.max_text().unwrap(), "18446744073709551615");
        let stats = Array::from_values(&[i64::MIN, i64::MAX], &[2]).unwrap().stats().unwrap();
        assert_eq!((stats.min, stats.max), (Some(Number::Int(i64::MIN.into())), Some(Number::Int(i64::MAX.into()))));
    }

    #[test]
    fn nothing_and_infinities_have_stats_too() {
        let stats = Array::from_values(&[] as &[f64], &[0]).unwrap().stats().unwrap();
        assert_eq!((stats.min, stats.mean), (None, None));
        let stats = Array::from_values(&[f64::INFINITY], &[1]).unwrap().stats().unwrap();
        assert_eq!((stats.min_text().unwrap(), stats.max_text().unwrap()), ("inf".to_owned(), "inf".to_owned()));
    }

    #[test]
    fn times_are_told_as_times() {
        let unit = "M8[D]".parse::<Dtype>().unwrap();
        let days: Vec<u8> = [0_i64, 2, i64::MIN].iter().flat_map(|day| day.to_le_bytes()).collect();
        let stats = Array::from_bytes(unit, &[3], days).unwrap().stats().unwrap();
        assert_eq!((stats.max_text().unwrap(), stats.mean_text().unwrap()), ("1970-01-03".into(), "1970-01-02".into()));
        assert_eq!(stats.missing, 1);
    }
}
