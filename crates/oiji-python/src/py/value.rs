//! New objects of Python from values of Rust, and what the interpreter does for whoever asks.

use std::ffi::{CStr, c_char, c_int, c_uchar};
use std::ptr::{self, NonNull};

use pyo3_ffi as ffi;

use super::object::done;
use super::{Obj, Own, Py, Raised};

/// `None`.
pub(crate) fn none() -> Own {
    // SAFETY: `None` is always there.
    unsafe {
        ffi::Py_INCREF(ffi::Py_None());
        Own(NonNull::new_unchecked(ffi::Py_None()))
    }
}

pub(crate) fn bool_of(value: bool) -> Own {
    // SAFETY: both are always there.
    unsafe {
        let raw = if value { ffi::Py_True() } else { ffi::Py_False() };
        ffi::Py_INCREF(raw);
        Own(NonNull::new_unchecked(raw))
    }
}

#[inline]
pub(crate) fn int(value: i64) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyLong_FromLongLong(value)) }
}

/// An int from two's complement, little-endian.
pub(crate) fn int_of_bytes(bytes: &[u8]) -> Py {
    if let [.., last] = bytes
        && bytes.len() <= 8
    {
        let mut word = [if last & 0x80 == 0 { 0 } else { 0xff }; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        return int(i64::from_le_bytes(word));
    }
    if bytes.is_empty() {
        return int(0);
    }
    // SAFETY: as above.
    unsafe { Own::take(_PyLong_FromByteArray(bytes.as_ptr(), bytes.len(), 1, 1)) }
}

#[inline]
pub(crate) fn float(value: f64) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyFloat_FromDouble(value)) }
}

/// From this length on it matters what memory the copy is written to.
const LONG: usize = 1 << 20;

pub(crate) fn bytes_of(bytes: &[u8]) -> Py {
    if bytes.len() >= LONG {
        return new_bytes(bytes);
    }
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), bytes.len() as isize)) }
}

/// Bytes that are an object of their own, also where there is one for all of that content.
pub(crate) fn new_bytes(bytes: &[u8]) -> Py {
    super::make::bytes_by(bytes.len(), |place| {
        place.copy_from_slice(bytes);
        Ok(())
    })
}

pub(crate) fn bytearray_of(bytes: &[u8]) -> Py {
    super::make::bytearray_by(bytes.len(), |place| {
        place.copy_from_slice(bytes);
        Ok(())
    })
}

pub(crate) fn str_of(text: &str) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as isize)) }
}

/// A str that stays for good, one for each text.
pub(crate) fn name(text: &CStr) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyUnicode_InternFromString(text.as_ptr())) }
}

/// A str from UTF-8 with surrogates let through.
#[inline]
pub(crate) fn str_of_utf8(bytes: &[u8]) -> Py {
    // SAFETY: as above.
    unsafe {
        Own::take(ffi::PyUnicode_DecodeUTF8(bytes.as_ptr().cast(), bytes.len() as isize, c"surrogatepass".as_ptr()))
    }
}

pub(crate) fn str_of_latin1(bytes: &[u8]) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyUnicode_DecodeLatin1(bytes.as_ptr().cast(), bytes.len() as isize, ptr::null())) }
}

/// Bytes decoded by a codec of Python.
pub(crate) fn decoded(bytes: &[u8], encoding: &CStr, errors: &CStr) -> Py {
    // SAFETY: as above.
    unsafe {
        Own::take(ffi::PyUnicode_Decode(
            bytes.as_ptr().cast(),
            bytes.len() as isize,
            encoding.as_ptr(),
            errors.as_ptr(),
        ))
    }
}

/// A str as ASCII bytes, which may raise.
pub(crate) fn ascii(text: Obj<'_>) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyUnicode_AsASCIIString(text.raw())) }
}

/// A str as UTF-8 bytes, which may raise.
pub(crate) fn utf8(text: Obj<'_>) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyUnicode_AsUTF8String(text.raw())) }
}

pub(crate) fn tuple(items: &[Own]) -> Py {
    // SAFETY: as above; each place is filled once, with a reference of its own.
    unsafe {
        let tuple = Own::take(ffi::PyTuple_New(items.len() as isize))?;
        for (index, item) in items.iter().enumerate() {
            ffi::PyTuple_SET_ITEM(tuple.raw(), index as isize, item.clone().into_raw());
        }
        Ok(tuple)
    }
}

pub(crate) fn list(items: &[Own]) -> Py {
    // SAFETY: as above.
    unsafe {
        let list = Own::take(ffi::PyList_New(items.len() as isize))?;
        for (index, item) in items.iter().enumerate() {
            ffi::PyList_SET_ITEM(list.raw(), index as isize, item.clone().into_raw());
        }
        Ok(list)
    }
}

/// A list of what an iterable gives.
pub(crate) fn list_of(items: Obj<'_>) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PySequence_List(items.raw())) }
}

pub(crate) fn dict() -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyDict_New()) }
}

pub(crate) fn set() -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PySet_New(ptr::null_mut())) }
}

pub(crate) fn frozenset(items: Obj<'_>) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyFrozenSet_New(items.raw())) }
}

pub(crate) fn import(name: &CStr) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyImport_ImportModule(name.as_ptr())) }
}

/// Whether the interpreter counts references and blocks of its own, or cannot be asked.
pub(crate) fn is_debug_build() -> bool {
    let counts = import(c"sys").and_then(|sys| sys.obj().attr_maybe(name(c"gettotalrefcount")?.obj()));
    if counts.is_err() {
        super::clear();
    }
    !matches!(counts, Ok(None))
}

/// Imports a module by its name, and gives it from `sys.modules`, as `_pickle` does.
pub(crate) fn import_module(name: Obj<'_>) -> Py {
    // SAFETY: as above.
    unsafe { Own::take(ffi::PyImport_Import(name.raw())) }
}

/// Whether an `import` here would call this; its name is `__import__`.
pub(crate) fn imports_by(function: Obj<'_>, name: Obj<'_>) -> bool {
    // SAFETY: as above; what is borrowed is looked at at once.
    unsafe {
        let names = ffi::PyEval_GetBuiltins();
        !names.is_null()
            && ffi::PyDict_Check(names) != 0
            && ffi::PyDict_GetItemWithError(names, name.raw()) == function.raw()
    }
}

/// The float's text as `repr` has it.
pub(crate) fn float_text(value: f64) -> Py<Vec<u8>> {
    // SAFETY: as above; the text is freed after it was copied.
    unsafe {
        let text = ffi::PyOS_double_to_string(value, b'r' as c_char, 0, ffi::Py_DTSF_ADD_DOT_0, ptr::null_mut());
        if text.is_null() {
            return Err(Raised);
        }
        let copied = CStr::from_ptr(text).to_bytes().to_vec();
        ffi::PyMem_Free(text.cast());
        Ok(copied)
    }
}

/// Sends an audit event with two arguments.
pub(crate) fn audit(event: &CStr, first: Obj<'_>, second: Obj<'_>) -> Py<()> {
    // SAFETY: as above; the format takes two objects.
    done(unsafe { PySys_Audit(event.as_ptr(), c"OO".as_ptr(), first.raw(), second.raw()) })
}

/// The same buffer, read-only.
pub(crate) fn read_only(buffer: &Own) -> Py {
    // SAFETY: as above.
    let view = unsafe { Own::take(ffi::PyMemoryView_FromObject(buffer.raw()))? };
    if view.obj().attr(c"readonly")?.obj().is_true()? {
        return Ok(buffer.clone());
    }
    view.obj().attr(c"toreadonly")?.obj().call0()
}

/// Runs statements; gives the dict of the names they bind.
pub(crate) fn run(code: &CStr) -> Py {
    let names = dict()?;
    let builtins = import(c"builtins")?;
    names.obj().set_item(name(c"__builtins__")?.obj(), builtins.obj())?;
    names.obj().set_item(name(c"__name__")?.obj(), name(c"oiji.layout")?.obj())?;
    // SAFETY: as above; the names are a dict.
    unsafe { Own::take(ffi::PyRun_String(code.as_ptr(), ffi::Py_file_input, names.raw(), names.raw()))? };
    Ok(names)
}

unsafe extern "C" {
    fn PySys_Audit(event: *const c_char, format: *const c_char, ...) -> c_int;
    fn _PyLong_FromByteArray(bytes: *const c_uchar, len: usize, little: c_int, signed: c_int) -> *mut ffi::PyObject;
}
