//! Numbers and strings of protocol 0, read by Python's own functions: what they accept is what `_pickle` accepts.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::ptr;

use pyo3_ffi as ffi;

use super::{Kind, Own, Py, clear, int, is_raised, raise};

/// A line up to the first zero byte, as C functions see it.
fn as_c_text(line: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = line.iter().copied().take_while(|byte| *byte != 0).collect();
    text.push(0);
    text
}

/// The value of an `INT` line, newline included, as `strtol` and then `int` read it; and whether `strtol` could.
pub(crate) fn int_of_line(line: &[u8], base: c_int) -> Py<(Own, Option<i64>)> {
    let text = as_c_text(line);
    // SAFETY: the text ends with a zero.
    unsafe {
        let mut end = ptr::null_mut();
        *errno() = 0;
        let value = strtol(text.as_ptr().cast(), &mut end, base);
        let wrong = *errno() != 0;
        *errno() = 0;
        if !wrong && matches!(*end as u8, b'\n' | 0) {
            return Ok((int(value as i64)?, Some(value as i64)));
        }
        let value = ffi::PyLong_FromString(text.as_ptr().cast(), ptr::null_mut(), base);
        if value.is_null() {
            clear();
            return raise(Kind::Value, "could not convert string to int");
        }
        Ok((Own::take(value)?, None))
    }
}

/// The value of a `LONG` line.
pub(crate) fn long_of_line(line: &[u8], base: c_int) -> Py {
    int_of_text(line.strip_suffix(b"L\n").unwrap_or(line), base)
}

/// The memo index of a `GET` or `PUT` line.
pub(crate) fn index_of_line(line: &[u8]) -> Py<isize> {
    let value = int_of_text(line, 10)?;
    // SAFETY: an int.
    let index = unsafe { ffi::PyLong_AsSsize_t(value.raw()) };
    if index == -1 && is_raised() { Err(super::Raised) } else { Ok(index) }
}

fn int_of_text(line: &[u8], base: c_int) -> Py {
    let text = as_c_text(line);
    // SAFETY: the text ends with a zero.
    unsafe { Own::take(ffi::PyLong_FromString(text.as_ptr().cast(), ptr::null_mut(), base)) }
}

/// The value of a `FLOAT` line.
pub(crate) fn float_of_line(line: &[u8]) -> Py {
    let text = as_c_text(line);
    // SAFETY: the text ends with a zero.
    unsafe {
        let mut end = ptr::null_mut();
        let value = PyOS_string_to_double(text.as_ptr().cast(), &mut end, ffi::PyExc_OverflowError);
        if value == -1.0 && is_raised() {
            return Err(super::Raised);
        }
        if !matches!(*end as u8, b'\n' | 0) {
            return raise(Kind::Value, "could not convert string to float");
        }
        super::float(value)
    }
}

/// Bytes from the inside of quotes.
pub(crate) fn unescaped(text: &[u8]) -> Py {
    // SAFETY: as many bytes as are said.
    unsafe { Own::take(PyBytes_DecodeEscape(text.as_ptr().cast(), text.len() as isize, ptr::null(), 0, ptr::null())) }
}

/// A str from raw-unicode-escape text.
pub(crate) fn raw_unicode(text: &[u8]) -> Py {
    // SAFETY: as many bytes as are said.
    unsafe { Own::take(PyUnicode_DecodeRawUnicodeEscape(text.as_ptr().cast(), text.len() as isize, ptr::null())) }
}

/// A str from ASCII.
pub(crate) fn ascii_text(text: &[u8]) -> Py {
    // SAFETY: as many bytes as are said.
    unsafe { Own::take(ffi::PyUnicode_DecodeASCII(text.as_ptr().cast(), text.len() as isize, c"strict".as_ptr())) }
}

/// A str from UTF-8 without surrogates.
pub(crate) fn utf8_text(text: &[u8]) -> Py {
    // SAFETY: as many bytes as are said.
    unsafe { Own::take(ffi::PyUnicode_DecodeUTF8(text.as_ptr().cast(), text.len() as isize, c"strict".as_ptr())) }
}

/// The str of an object with bytes, by a codec.
pub(crate) fn decoded_object(object: &Own, encoding: &CStr, errors: &CStr) -> Py {
    // SAFETY: alive, and texts that end with a zero.
    unsafe { Own::take(ffi::PyUnicode_FromEncodedObject(object.raw(), encoding.as_ptr(), errors.as_ptr())) }
}

/// Whether the exception that is set is a `UnicodeDecodeError`.
pub(crate) fn is_decode_error() -> bool {
    // SAFETY: we hold the GIL.
    unsafe { ffi::PyErr_ExceptionMatches(ffi::PyExc_UnicodeDecodeError) != 0 }
}

#[cfg(target_os = "linux")]
unsafe fn errno() -> *mut c_int {
    // SAFETY: always there.
    unsafe { __errno_location() }
}

#[cfg(target_vendor = "apple")]
unsafe fn errno() -> *mut c_int {
    // SAFETY: always there.
    unsafe { __error() }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
unsafe fn errno() -> *mut c_int {
    // SAFETY: always there.
    unsafe { _errno() }
}

unsafe extern "C" {
    #[cfg(target_os = "linux")]
    fn __errno_location() -> *mut c_int;
    #[cfg(target_vendor = "apple")]
    fn __error() -> *mut c_int;
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    fn _errno() -> *mut c_int;
    fn strtol(text: *const c_char, end: *mut *mut c_char, base: c_int) -> c_long;
    fn PyOS_string_to_double(text: *const c_char, end: *mut *mut c_char, overflow: *mut ffi::PyObject) -> f64;
    fn PyBytes_DecodeEscape(
        text: *const c_char,
        len: isize,
        errors: *const c_char,
        unicode: isize,
        recode: *const c_char,
    ) -> *mut ffi::PyObject;
    fn PyUnicode_DecodeRawUnicodeEscape(text: *const c_char, len: isize, errors: *const c_char) -> *mut ffi::PyObject;
}
