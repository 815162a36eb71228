//! The cyclic collector, put to rest while nothing but our own code runs.

/// Whether and how the collector rests.
///
/// From Python 3.12 on it runs between instructions of Python code only: what is gained then is that nothing asks for it to run as
/// soon as a pickle is loaded, when all that it would look at is in use, but with the next object that is made. Before 3.10
/// the C API has no switch.
#[derive(Default)]
pub(crate) struct Pause {
    /// It was on, and is to be so again.
    was_on: bool,
}

impl Pause {
    /// Lets the collector rest, if it does not already.
    #[inline]
    pub(crate) fn begin(&mut self) {
        #[cfg(Py_3_10)]
        // SAFETY: we hold the GIL.
        unsafe {
            self.was_on = pyo3_ffi::PyGC_Disable() != 0;
        }
    }

    /// Puts the collector back as it was.
    #[inline]
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.was_on) {
            #[cfg(Py_3_10)]
            // SAFETY: we hold the GIL.
            unsafe {
                pyo3_ffi::PyGC_Enable();
            }
        }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.end();
    }
}
