//! Data of arrays as slices of Rust types, without a copy: through `bytemuck`, which checks alignment and length.

use bytemuck::AnyBitPattern;

use crate::array::array::{Array, Data};
use crate::array::dtype::{ByteOrder, Dtype};
use crate::array::number::Element;

/// The order of bytes of the machine this runs on.
pub(crate) const NATIVE: ByteOrder = if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };

impl Array<'_> {
    /// Its elements where they are, if they stand in C order, aligned, and with their bytes as this machine has them; else
    /// [`Array::to_vec`] copies them.
    ///
    /// ```
    /// use oiji::array::Array;
    /// let array = Array::from_values(&[1_u8, 2, 3], &[3])?;
    /// assert_eq!(array.as_slice::<u8>(), Some(&[1_u8, 2, 3][..]));
    /// assert_eq!(array.as_slice::<i8>(), None);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn as_slice<T: Element + AnyBitPattern>(&self) -> Option<&[T]> {
        let all = self.memory::<T>().filter(|_| self.layout().is_c(self.shape()))?;
        all.get(..usize::try_from(self.count()).ok()?)
    }

    /// All of its data, in whatever layout.
    pub(crate) fn memory<T: Element + AnyBitPattern>(&self) -> Option<&[T]> {
        let Data::Bytes(bytes) = self.data() else { return None };
        let dtype: Dtype = T::DTYPE;
        let whole = bytes.len() - bytes.len() % size_of::<T>();
        let is_same = *self.dtype() == dtype.with_byte_order(NATIVE);
        bytemuck::try_cast_slice(bytes.get(..whole).filter(|_| is_same)?).ok()
    }
}
