//! What classes are, read where the interpreter keeps it: no code of a class runs.

use std::ffi::{CStr, c_ulong};

use pyo3_ffi as ffi;

use super::{Obj, Py, clear};

fn type_of(class: Obj<'_>) -> *mut ffi::PyTypeObject {
    class.raw().cast()
}

impl<'a> Obj<'a> {
    /// Its class, which lives as long as it.
    #[inline]
    pub(crate) fn class(self) -> Obj<'a> {
        // SAFETY: an object's type is alive as long as the object, unless it is given another, which is user code.
        unsafe { Obj::borrowed(self.type_raw().cast()).unwrap_unchecked() }
    }

    /// What a dict has at a key, borrowed until anything may change it.
    pub(crate) fn dict_get(self, key: Obj<'_>) -> Py<Option<Obj<'a>>> {
        // SAFETY: a dict that is alive, as callers see to.
        let found = unsafe { Obj::borrowed(ffi::PyDict_GetItemWithError(self.raw(), key.raw())) };
        if found.is_none() && super::is_raised() {
            return Err(super::Raised);
        }
        Ok(found)
    }

    pub(crate) fn dict_has(self, key: Obj<'_>) -> Py<bool> {
        self.dict_get(key).map(|found| found.is_some())
    }
}

/// Whether the class of a class is `type` itself.
#[inline]
pub(crate) fn is_plain_metaclass(class: Obj<'_>) -> bool {
    class.type_raw() == &raw mut ffi::PyType_Type
}

/// What tells one state of a class from all others.
#[inline]
pub(crate) fn version(class: Obj<'_>) -> Option<u32> {
    // SAFETY: it is a class that is alive. So it is in all functions below.
    unsafe {
        let kind = type_of(class);
        // Since 3.13 the flag that a version is valid is not kept: one that is not is zero.
        let valid = cfg!(Py_3_13) || (*kind).tp_flags & VALID_VERSION_TAG != 0;
        let tag = (*kind).tp_version_tag;
        (valid && tag != 0).then_some(tag)
    }
}

const VALID_VERSION_TAG: c_ulong = 1 << 19;

/// What instances find under a name in the class and its bases.
pub(crate) fn lookup<'a>(class: Obj<'a>, name: Obj<'_>) -> Option<Obj<'a>> {
    // SAFETY: as above; the result is borrowed from a class.
    let found = unsafe { Obj::borrowed(_PyType_Lookup(type_of(class), name.raw())) };
    if found.is_none() && super::is_raised() {
        clear();
    }
    found
}

/// Whether instances find attributes as usual, and under this name in the class a function, of Python or of C: then getting it
/// runs no code.
pub(crate) fn has_method(class: Obj<'_>, name: Obj<'_>) -> bool {
    finds_as_usual(class)
        && lookup(class, name).is_some_and(|found| {
            let kind = found.type_raw();
            kind == &raw mut ffi::PyFunction_Type || kind == &raw mut ffi::PyMethodDescr_Type
        })
}

/// Whether instances find attributes as usual, and nothing under this name in the class.
pub(crate) fn has_nothing(class: Obj<'_>, name: Obj<'_>) -> bool {
    finds_as_usual(class) && lookup(class, name).is_none()
}

fn finds_as_usual(class: Obj<'_>) -> bool {
    // SAFETY: as above.
    let getattro = unsafe { (*type_of(class)).tp_getattro };
    getattro.is_some_and(|getattro| getattro as usize == ffi::PyObject_GenericGetAttr as *const () as usize)
}

/// The last part of the name of a class made in C, or the name of another.
pub(crate) fn last_name(class: Obj<'_>) -> &[u8] {
    // SAFETY: as above.
    let name = unsafe { CStr::from_ptr((*type_of(class)).tp_name) }.to_bytes();
    name.rsplit(|byte| *byte == b'.').next().unwrap_or(name)
}

/// Whether a class was made by a `class` statement, finds attributes as usual, and is no list, dict, int and the like.
pub(crate) fn is_plain_class(class: Obj<'_>) -> bool {
    // Lists, tuples, ints, strs, bytes, dicts, exceptions and types have bits of their own.
    const BUILTIN: c_ulong = 0xff << 24;
    // SAFETY: as above.
    unsafe {
        let kind = type_of(class);
        (*kind).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE != 0
            && (*kind).tp_flags & BUILTIN == 0
            && (*kind).tp_itemsize == 0
            && finds_as_usual(class)
    }
}

/// Whether instances are nothing but their dict, weak references and so many slots.
pub(crate) fn is_only(class: Obj<'_>, slots: usize) -> bool {
    // SAFETY: as above.
    unsafe {
        let kind = type_of(class);
        let word = size_of::<usize>() as isize;
        let mut size = (&raw const ffi::PyBaseObject_Type).read().tp_basicsize + word * slots as isize;
        size += if (*kind).tp_dictoffset > 0 { word } else { 0 };
        size += if (*kind).tp_weaklistoffset > 0 { word } else { 0 };
        (*kind).tp_basicsize == size
    }
}

/// Whether a class was made at run time.
pub(crate) fn is_heap(class: Obj<'_>) -> bool {
    // SAFETY: as above.
    unsafe { (*type_of(class)).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE != 0 }
}

/// The qualified name of a class made in Python.
pub(crate) fn qualname(class: Obj<'_>) -> Option<Obj<'_>> {
    // SAFETY: as above.
    unsafe {
        if (*type_of(class)).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE == 0 {
            return None;
        }
        Obj::borrowed((*class.raw().cast::<ffi::PyHeapTypeObject>()).ht_qualname)
    }
}

/// What the dict of a class itself has under a name.
pub(crate) fn own_attribute<'a>(class: Obj<'a>, name: Obj<'_>) -> Py<Option<Obj<'a>>> {
    // SAFETY: as above; classes have a dict.
    unsafe {
        match Obj::<'a>::borrowed((*type_of(class)).tp_dict) {
            Some(dict) => dict.dict_get(name),
            None => Ok(None),
        }
    }
}

/// The module that a class says it is of, if it says so with a str of its own.
pub(crate) fn module_name<'a>(class: Obj<'a>, name: Obj<'_>) -> Option<Obj<'a>> {
    let found = own_attribute(class, name).unwrap_or_else(|_| {
        clear();
        None
    });
    found.filter(|module| module.exact() == super::Exact::Str)
}

/// A class and its bases, in the order in which names are looked up.
pub(crate) fn bases(class: Obj<'_>) -> Vec<Obj<'_>> {
    // SAFETY: as above; the bases live as long as the class.
    unsafe {
        match Obj::borrowed((*type_of(class)).tp_mro) {
            Some(all) => (0..all.tuple_len()).map(|at| all.tuple_item(at)).collect(),
            None => Vec::new(),
        }
    }
}

/// The names of a module that is no more than a module.
pub(crate) fn module_dict<'a>(module: Obj<'a>, module_type: Obj<'_>) -> Option<Obj<'a>> {
    if !module.class().is(module_type) {
        return None;
    }
    // SAFETY: it is a module.
    unsafe { Obj::borrowed(ffi::PyModule_GetDict(module.raw())) }
}

/// Whether a name could be that of a hook.
#[inline]
pub(crate) fn is_dunder(name: Obj<'_>) -> bool {
    name.exact() != super::Exact::Str
        || matches!(name.chars(), Ok(super::Chars::Ascii([b'_', b'_', ..])) | Err(super::Raised))
}

/// Values of `datetime`, by what they are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Date,
    DateTime,
    Time,
    Delta,
}

impl Known {
    /// Its name in `datetime`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Known::Date => "date",
            Known::DateTime => "datetime",
            Known::Time => "time",
            Known::Delta => "timedelta",
        }
    }
}

/// What such a value is made of.
pub(crate) enum Parts {
    Bytes([u8; 10], usize),
    Ints([i32; 3]),
}

/// Which of the values of `datetime` a class is of.
pub(crate) fn known(class: Obj<'_>) -> Option<Known> {
    // SAFETY: as above. The capsule is there as soon as a class of `datetime` is.
    unsafe {
        let kind = type_of(class);
        if (*kind).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE != 0
            || !CStr::from_ptr((*kind).tp_name).to_bytes().starts_with(b"datetime.")
        {
            return None;
        }
        let api = ffi::PyCapsule_Import(c"datetime.datetime_CAPI".as_ptr(), 1).cast::<ffi::PyDateTime_CAPI>();
        let Some(api) = api.as_ref() else {
            clear();
            return None;
        };
        let all = [
            (api.DateType, Known::Date),
            (api.DateTimeType, Known::DateTime),
            (api.TimeType, Known::Time),
            (api.DeltaType, Known::Delta),
        ];
        all.into_iter().find(|(other, _)| *other == kind).map(|(_, known)| known)
    }
}

/// What a value of `datetime` is made of; none if it has a time zone.
#[inline(always)]
pub(crate) fn parts(object: Obj<'_>, known: Known, protocol: u8) -> Option<Parts> {
    let mut bytes = [0; 10];
    let fold = |fold: u8| if protocol > 3 && fold != 0 { 1 << 7 } else { 0 };
    // SAFETY: its class says what it is.
    unsafe {
        let len = match known {
            Known::Date => {
                let date = &*object.raw().cast::<ffi::PyDateTime_Date>();
                bytes[..4].copy_from_slice(&date.data);
                4
            }
            Known::DateTime => {
                let date = &*object.raw().cast::<ffi::PyDateTime_DateTime>();
                if date.hastzinfo != 0 {
                    return None;
                }
                bytes.copy_from_slice(&date.data);
                bytes[2] |= fold(date.fold);
                10
            }
            Known::Time => {
                let time = &*object.raw().cast::<ffi::PyDateTime_Time>();
                if time.hastzinfo != 0 {
                    return None;
                }
                bytes[..6].copy_from_slice(&time.data);
                bytes[0] |= fold(time.fold);
                6
            }
            Known::Delta => {
                let delta = &*object.raw().cast::<ffi::PyDateTime_Delta>();
                return Some(Parts::Ints([delta.days, delta.seconds, delta.microseconds]));
            }
        };
        Some(Parts::Bytes(bytes, len))
    }
}

unsafe extern "C" {
    fn _PyType_Lookup(kind: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
}
