//! Memory that other objects show.

use std::ffi::{c_char, c_int};

use pyo3_ffi as ffi;

use super::object::done;
use super::{Obj, Py};

/// A view of the memory of an object.
pub(crate) struct View(Box<ffi::Py_buffer>);

impl View {
    /// Any memory that is one run of bytes.
    pub(crate) fn of(object: Obj<'_>) -> Py<View> {
        View::with(object, ffi::PyBUF_SIMPLE)
    }

    /// Any memory, whatever its shape.
    pub(crate) fn any(object: Obj<'_>) -> Py<View> {
        View::with(object, ffi::PyBUF_FULL_RO)
    }

    fn with(object: Obj<'_>, flags: c_int) -> Py<View> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: as above; the view is released when it is dropped.
        done(unsafe { ffi::PyObject_GetBuffer(object.raw(), &mut *view, flags) })?;
        Ok(View(view))
    }

    pub(crate) fn is_contiguous(&self) -> bool {
        // SAFETY: the view is filled.
        self.0.suboffsets.is_null() && unsafe { ffi::PyBuffer_IsContiguous(&*self.0, b'A' as c_char) } != 0
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.0.readonly != 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0.len == 0 {
            return &[];
        }
        // SAFETY: contiguous memory of that length, as callers see to, while the view is held.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast(), self.0.len as usize) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: it was filled, and is released once.
        unsafe { ffi::PyBuffer_Release(&mut *self.0) };
    }
}
