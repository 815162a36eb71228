//! What goes wrong: exceptions of Python, set, looked at, put aside, and told where they came up.

use std::ptr;

use pyo3_ffi as ffi;

use super::{Obj, Py, Raised, str_of};

/// Whether an exception is set.
#[inline]
pub(crate) fn is_raised() -> bool {
    // SAFETY: we hold the GIL. So it is in all functions below.
    unsafe { !ffi::PyErr_Occurred().is_null() }
}

/// Whether the exception that is set is of this class.
pub(crate) fn is_raised_of(class: Obj<'_>) -> bool {
    // SAFETY: as above.
    unsafe { ffi::PyErr_ExceptionMatches(class.raw()) != 0 }
}

pub(crate) fn clear() {
    // SAFETY: as above.
    unsafe { ffi::PyErr_Clear() };
}

/// Which exception an error is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Type,
    Value,
    Runtime,
    Overflow,
    Eof,
    Attribute,
    Key,
    Memory,
    Recursion,
}

/// Sets an exception of the standard library.
#[cold]
pub(crate) fn raise<T>(kind: Kind, text: &str) -> Py<T> {
    // SAFETY: as above; exceptions are always there.
    let kind = unsafe {
        match kind {
            Kind::Type => ffi::PyExc_TypeError,
            Kind::Value => ffi::PyExc_ValueError,
            Kind::Runtime => ffi::PyExc_RuntimeError,
            Kind::Overflow => ffi::PyExc_OverflowError,
            Kind::Eof => ffi::PyExc_EOFError,
            Kind::Attribute => ffi::PyExc_AttributeError,
            Kind::Key => ffi::PyExc_KeyError,
            Kind::Recursion => ffi::PyExc_RecursionError,
            Kind::Memory => ffi::PyExc_MemoryError,
        }
    };
    // SAFETY: as above.
    match unsafe { Obj::borrowed(kind) } {
        Some(kind) => raise_of(kind, text),
        None => Err(Raised),
    }
}

/// Sets an exception of this class.
#[cold]
pub(crate) fn raise_of<T>(class: Obj<'_>, text: &str) -> Py<T> {
    if let Ok(text) = str_of(text) {
        // SAFETY: as above.
        unsafe { ffi::PyErr_SetObject(class.raw(), text.raw()) };
    }
    Err(Raised)
}

pub(crate) fn is_unicode_error() -> bool {
    // SAFETY: as above.
    unsafe { ffi::PyErr_ExceptionMatches(ffi::PyExc_UnicodeEncodeError) != 0 }
}

/// Puts text behind the message of an exception.
#[cfg(not(Py_3_11))]
fn lengthen(exception: Obj<'_>, text: &str) -> Py<()> {
    let args = exception.attr(c"args")?;
    let args = args.obj();
    // SAFETY: the exception's type is always there.
    let is_key = unsafe { ffi::PyErr_GivenExceptionMatches(exception.raw(), ffi::PyExc_KeyError) } != 0;
    if is_key || !args.is_tuple() || args.tuple_len() != 1 || !args.tuple_item(0).is_str() {
        return Ok(());
    }
    let longer = str_of(&format!("{}, {text}", args.tuple_item(0).text()?))?;
    exception.set_attr(super::name(c"args")?.obj(), super::tuple(&[longer])?.obj())
}

/// Whether the exception that is set says that something is not there.
pub(crate) fn is_not_implemented() -> bool {
    // SAFETY: as above.
    unsafe { ffi::PyErr_ExceptionMatches(ffi::PyExc_NotImplementedError) != 0 }
}

/// Whether the exception that is set says that a module, or a name in it, is not there.
pub(crate) fn is_of_what_is_gone() -> bool {
    // SAFETY: as above.
    unsafe {
        ffi::PyErr_ExceptionMatches(ffi::PyExc_ImportError) != 0
            || ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) != 0
    }
}

/// Adds a note to the exception that is set, where Python has notes.
pub(crate) fn add_note(text: &str) {
    #[cfg(Py_3_11)]
    // SAFETY: we hold the GIL; what was fetched is put back.
    unsafe {
        let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&mut kind, &mut value, &mut trace);
        ffi::PyErr_NormalizeException(&mut kind, &mut value, &mut trace);
        if let Some(exception) = Obj::borrowed(value) {
            let added =
                str_of(text).and_then(|text| exception.attr(c"add_note").and_then(|add| add.obj().call1(text.obj())));
            if added.is_err() {
                clear();
            }
        }
        ffi::PyErr_Restore(kind, value, trace);
    }
    // Before, exceptions have no notes: it goes to the end of the message, if that is all the exception holds.
    #[cfg(not(Py_3_11))]
    // SAFETY: as above.
    unsafe {
        let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&mut kind, &mut value, &mut trace);
        ffi::PyErr_NormalizeException(&mut kind, &mut value, &mut trace);
        if let Some(exception) = Obj::borrowed(value)
            && lengthen(exception, text).is_err()
        {
            clear();
        }
        ffi::PyErr_Restore(kind, value, trace);
    }
}

/// Does something while the exception that is set is put aside; one that comes up meanwhile is dropped.
pub(crate) fn aside(work: impl FnOnce() -> Py<()>) {
    // SAFETY: we hold the GIL; what was fetched is put back.
    unsafe {
        let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ffi::PyErr_Fetch(&mut kind, &mut value, &mut trace);
        if work().is_err() {
            ffi::PyErr_Clear();
        }
        ffi::PyErr_Restore(kind, value, trace);
    }
}
