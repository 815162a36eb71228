//! The order in which elements stand in memory, and walks over them in C order.

use crate::array::dtype::bad;
use crate::error::Result;

/// Where the elements of an array are among its data.
///
/// ```
/// use oiji::array::{Array, Layout};
/// let array = Array::from_values(&[1_u8, 2, 3, 4, 5, 6], &[2, 3])?;
/// assert_eq!(array.layout(), &Layout::C);
/// assert_eq!(array.transposed()?.layout(), &Layout::Fortran);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One after another, the last index running fastest.
    C,
    /// One after another, the first index running fastest.
    Fortran,
    /// At `offset` plus index times stride, in elements.
    Strided {
        /// The place of the first element, in elements.
        offset: u64,
        /// `strides` in elements, outermost first. They may be zero or negative.
        strides: Vec<i64>,
    },
}

impl Layout {
    /// Strides in elements, outermost first, and the place of the first element.
    pub(crate) fn strides(&self, shape: &[u64]) -> (Vec<i64>, u64) {
        let running = |axes: &mut dyn Iterator<Item = &u64>| {
            let mut stride = 1_i64;
            let mut strides = Vec::new();
            for axis in axes {
                strides.push(stride);
                stride = stride.wrapping_mul(*axis as i64);
            }
            strides
        };
        match self {
            Layout::C => {
                let mut strides = running(&mut shape.iter().rev());
                strides.reverse();
                (strides, 0)
            }
            Layout::Fortran => (running(&mut shape.iter()), 0),
            Layout::Strided { offset, strides } => (strides.clone(), *offset),
        }
    }

    /// Whether elements stand one after another in C order. Axes of one element do not matter.
    pub(crate) fn is_c(&self, shape: &[u64]) -> bool {
        match self {
            Layout::C => true,
            Layout::Fortran => shape.contains(&0) || shape.iter().filter(|axis| **axis != 1).count() <= 1,
            Layout::Strided { offset, strides } => {
                let (c, _) = Layout::C.strides(shape);
                let axes = shape.iter().zip(strides.iter().zip(&c));
                *offset == 0 && axes.into_iter().all(|(axis, (one, other))| *axis == 1 || one == other)
            }
        }
    }

    /// How many elements there must be data for, so that all places are inside.
    ///
    /// # Errors
    /// `InvalidArray` for strides that lead before the data, are not one for each axis, or overflow.
    pub(crate) fn extent(&self, shape: &[u64], count: u64) -> Result<u64> {
        let Layout::Strided { offset, strides } = self else { return Ok(count) };
        if strides.len() != shape.len() {
            return Err(bad(format!("{} strides for {} axes", strides.len(), shape.len())));
        }
        if count == 0 {
            return Ok(0);
        }
        let (mut least, mut most) = (i128::from(*offset), i128::from(*offset));
        for (axis, stride) in shape.iter().zip(strides) {
            let end = i128::from(axis - 1) * i128::from(*stride);
            least += end.min(0);
            most += end.max(0);
        }
        match u64::try_from(most + 1) {
            Ok(extent) if least >= 0 && extent < 1 << 60 => Ok(extent),
            _ => Err(bad(format!("strides {strides:?} from {offset} lead out of the data"))),
        }
    }
}

/// The places of elements, in elements from the start of the data, in C order.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    /// Axes with their stride, how far one has got, outermost first; none where elements stand in C order.
    axes: Vec<Axis>,
    at: u64,
    done: u64,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    len: u64,
    stride: i64,
    index: u64,
}

impl Positions {
    pub(crate) fn new(layout: &Layout, shape: &[u64], count: u64) -> Positions {
        if layout.is_c(shape) {
            return Positions { axes: Vec::new(), at: 0, done: 0, count };
        }
        let (strides, at) = layout.strides(shape);
        let axes = shape.iter().zip(strides).map(|(len, stride)| Axis { len: *len, stride, index: 0 }).collect();
        Positions { axes, at, done: 0, count }
    }

    /// The next place, which stays the next.
    pub(crate) fn peek(&self) -> Option<u64> {
        (self.done < self.count).then_some(self.at)
    }

    /// How many came before.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }
}

impl Iterator for Positions {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let here = self.peek()?;
        self.done += 1;
        if self.axes.is_empty() {
            self.at += 1;
            return Some(here);
        }
        for axis in self.axes.iter_mut().rev() {
            axis.index += 1;
            // Past the last element this leads out of the data, and is not asked for.
            self.at = self.at.wrapping_add_signed(axis.stride);
            if axis.index < axis.len {
                break;
            }
            axis.index = 0;
            self.at = self.at.wrapping_sub((axis.len as i64).wrapping_mul(axis.stride) as u64);
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(layout: &Layout, shape: &[u64]) -> Vec<u64> {
        Positions::new(layout, shape, shape.iter().product()).collect()
    }

    #[test]
    fn elements_are_met_in_c_order() {
        assert_eq!(places(&Layout::C, &[2, 3]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(places(&Layout::Fortran, &[2, 3]), [0, 2, 4, 1, 3, 5]);
        assert_eq!(places(&Layout::Strided { offset: 5, strides: vec![-3, -1] }, &[2, 3]), [5, 4, 3, 2, 1, 0]);
        assert_eq!(places(&Layout::Strided { offset: 1, strides: vec![0, 2] }, &[2, 2]), [1, 3, 1, 3]);
        assert_eq!(places(&Layout::Fortran, &[]), [0]);
    }

    #[test]
    fn strides_stay_inside() {
        let strided = |offset, strides: &[i64]| Layout::Strided { offset, strides: strides.to_vec() };
        assert_eq!(strided(5, &[-3, -1]).extent(&[2, 3], 6).unwrap(), 6);
        assert!(strided(4, &[-3, -1]).extent(&[2, 3], 6).is_err());
        assert!(strided(0, &[1]).extent(&[2, 3], 6).is_err());
        assert!(strided(0, &[i64::MAX, i64::MAX]).extent(&[2, 3], 6).is_err());
    }
}
