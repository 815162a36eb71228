//! Dates and times from the bytes of their pickles, by the C API of `datetime`.

use std::ffi::c_int;

use pyo3_ffi as ffi;

use super::{Obj, Own, Py, clear};

/// The C API of the module `datetime`.
pub(crate) struct Dates(*mut ffi::PyDateTime_CAPI);

impl Dates {
    /// The API, if `class` looks as if it were of that module.
    pub(crate) fn of(class: Obj<'_>) -> Option<Dates> {
        if !matches!(
            super::make::name_of_type(class)?.as_str(),
            "datetime.datetime" | "datetime.date" | "datetime.time"
        ) {
            return None;
        }
        // SAFETY: the name is that of the capsule.
        let api = unsafe { ffi::PyCapsule_Import(c"datetime.datetime_CAPI".as_ptr(), 0) };
        if api.is_null() {
            clear();
            return None;
        }
        Some(Dates(api.cast()))
    }

    /// `class(bytes)`, if that is a date or time of the module itself and the bytes are in order.
    #[inline]
    pub(crate) fn made(&self, class: Obj<'_>, bytes: &[u8]) -> Option<Own> {
        let kind = class.raw().cast::<ffi::PyTypeObject>();
        let (one, two) =
            (|at: usize| c_int::from(bytes[at]), |at: usize| c_int::from(bytes[at]) << 8 | c_int::from(bytes[at + 1]));
        // SAFETY: the API is there for good; its functions check what they are given.
        let made: Py = unsafe {
            let (api, none) = (&*self.0, ffi::Py_None());
            let made = match bytes.len() {
                10 if kind == api.DateTimeType => (api.DateTime_FromDateAndTimeAndFold)(
                    two(0),
                    one(2) & 0x7f,
                    one(3),
                    one(4),
                    one(5),
                    one(6),
                    one(7) << 16 | two(8),
                    none,
                    one(2) >> 7,
                    kind,
                ),
                4 if kind == api.DateType => (api.Date_FromDate)(two(0), one(2), one(3), kind),
                6 if kind == api.TimeType => (api.Time_FromTimeAndFold)(
                    one(0) & 0x7f,
                    one(1),
                    one(2),
                    one(3) << 16 | two(4),
                    none,
                    one(0) >> 7,
                    kind,
                ),
                _ => return None,
            };
            Own::take(made)
        };
        made.inspect_err(|_| clear()).ok()
    }
}
