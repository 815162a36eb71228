//! Arrays as views of the crate `ndarray`, and back. Names and records are not its business: see [`Array::field`].

use std::borrow::Cow;

use bytemuck::{AnyBitPattern, NoUninit};
use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data as Storage, Dimension, IxDyn, ShapeBuilder};

use crate::array::array::{Array, Data};
use crate::array::dtype::bad;
use crate::array::layout::Layout;
use crate::array::number::Element;
use crate::array::slice::NATIVE;
use crate::error::Result;

impl Array<'_> {
    /// A view of its elements where they are, in any layout but one with negative strides.
    ///
    /// ```
    /// use oiji::array::Array;
    /// let array = Array::from_values(&[1_u8, 2, 3, 4], &[2, 2])?;
    /// let transposed = array.transposed()?;
    /// assert_eq!(transposed.view::<u8>()?, ndarray::arr2(&[[1, 3], [2, 4]]).into_dyn());
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArray` for another dtype, and for data that is not aligned or not as this machine has it: then
    /// [`Array::to_ndarray`] makes a copy.
    pub fn view<T: Element + AnyBitPattern>(&self) -> Result<ArrayViewD<'_, T>> {
        let copy = || bad(format!("no view of {} as {}; make a copy", self.dtype(), T::DTYPE));
        let memory = self.memory::<T>().ok_or_else(copy)?;
        let shape = IxDyn(&lengths(self)?);
        let count = usize::try_from(self.count()).map_err(|_| copy())?;
        let view = match self.layout() {
            Layout::C => ArrayViewD::from_shape(shape, memory.get(..count).ok_or_else(copy)?),
            Layout::Fortran => ArrayViewD::from_shape(shape.f(), memory.get(..count).ok_or_else(copy)?),
            Layout::Strided { offset, strides } => {
                let strides: Option<Vec<usize>> = strides.iter().map(|stride| usize::try_from(*stride).ok()).collect();
                let strides = IxDyn(&strides.ok_or_else(copy)?);
                let start = usize::try_from(*offset).map_err(|_| copy())?;
                let memory = if count == 0 { Some(&memory[..0]) } else { memory.get(start..) };
                ArrayViewD::from_shape(shape.strides(strides), memory.ok_or_else(copy)?)
            }
        };
        view.map_err(|error| bad(error.to_string()))
    }

    /// A copy of its elements in C order.
    ///
    /// ```
    /// use oiji::array::Array;
    /// let array = Array::from_bytes(">f8".parse()?, &[1, 2], 1.5_f64.to_be_bytes().repeat(2))?;
    /// assert_eq!(array.to_ndarray::<f64>()?, ndarray::arr2(&[[1.5, 1.5]]).into_dyn());
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Array::to_vec`].
    pub fn to_ndarray<T: Element>(&self) -> Result<ArrayD<T>> {
        ArrayD::from_shape_vec(IxDyn(&lengths(self)?), self.to_vec()?).map_err(|error| bad(error.to_string()))
    }
}

impl<'a> Array<'a> {
    /// The array that `ndarray` holds: borrowed where it stands in C or Fortran order, else copied.
    ///
    /// ```
    /// use oiji::array::{Array, Layout};
    /// let matrix = ndarray::arr2(&[[1.5_f32, 2.5], [3.5, 4.5]]);
    /// assert_eq!(Array::from_ndarray(&matrix)?.shape(), [2, 2]);
    /// assert_eq!(Array::from_ndarray(&matrix.t())?.layout(), &Layout::Fortran);
    /// let column = matrix.column(1);
    /// assert_eq!(Array::from_ndarray(&column)?.to_vec::<f32>()?, [2.5, 4.5]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArray` for more axes than NumPy has.
    pub fn from_ndarray<T, S, D>(array: &'a ArrayBase<S, D>) -> Result<Array<'a>>
    where
        T: Element + NoUninit,
        S: Storage<Elem = T>,
        D: Dimension,
    {
        let shape: Vec<u64> = array.shape().iter().map(|axis| *axis as u64).collect();
        let native = T::DTYPE.with_byte_order(NATIVE);
        let is_fortran = array.t().is_standard_layout();
        let memory = array.as_slice().map(|slice| (Layout::C, slice));
        let memory = memory.or_else(|| Some((Layout::Fortran, array.as_slice_memory_order().filter(|_| is_fortran)?)));
        if let Some((layout, memory)) = memory {
            let bytes = Cow::Borrowed(bytemuck::cast_slice(memory));
            return Array::new(native, &shape, layout, Data::Bytes(bytes));
        }
        let mut bytes = Vec::with_capacity(array.len() * size_of::<T>());
        array.iter().for_each(|element| element.write_le(&mut bytes));
        Array::from_bytes(T::DTYPE, &shape, bytes)
    }
}

fn lengths(array: &Array<'_>) -> Result<Vec<usize>> {
    let lengths: Option<Vec<usize>> = array.shape().iter().map(|axis| usize::try_from(*axis).ok()).collect();
    lengths.ok_or_else(|| bad("more elements than this machine can count"))
}
