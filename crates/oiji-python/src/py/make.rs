//! Objects for the reader: made of what lies on its stack by moving it, and of plain bytes without a decoder.

use std::ffi::c_char;
use std::ptr;

use pyo3_ffi as ffi;

use super::buffer::advise_huge_pages;
use super::{Obj, Own, Py, done, str_of_utf8};

/// A str from UTF-8 with surrogates let through.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Py {
    // Of one character there is one str only, which the decoder knows.
    if bytes.len() < 2 || !bytes.is_ascii() {
        return str_of_utf8(bytes);
    }
    // SAFETY: the characters of a new ASCII str stand behind its header, with room for a zero that is there already.
    unsafe {
        let made = Own::take(ffi::PyUnicode_New(bytes.len() as isize, 127))?;
        let place = made.raw().cast::<u8>().add(size_of::<ffi::PyASCIIObject>());
        ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
        Ok(made)
    }
}

/// A tuple of the values from `from` up, which leave the stack.
#[inline]
pub(crate) fn tuple_of_tail(stack: &mut Vec<Own>, from: usize) -> Py {
    let from = from.min(stack.len());
    // SAFETY: each reference is moved into its place, and no longer the stack's.
    unsafe {
        let len = stack.len() - from;
        let made = Own::take(ffi::PyTuple_New(len as isize))?;
        let items = (*made.raw().cast::<ffi::PyTupleObject>()).ob_item.as_mut_ptr();
        ptr::copy_nonoverlapping(stack.as_ptr().add(from).cast(), items, len);
        stack.set_len(from);
        // What the collector would find out at its first visit: nothing in here can lead back.
        #[cfg(not(Py_3_14))]
        if len > 0 && (0..len).all(|index| !may_be_tracked(*items.add(index))) {
            ffi::PyObject_GC_UnTrack(made.raw().cast());
        }
        Ok(made)
    }
}

/// # Safety
/// An object that is alive.
#[inline]
#[cfg(not(Py_3_14))]
pub(super) unsafe fn may_be_tracked(object: *mut ffi::PyObject) -> bool {
    // SAFETY: as the caller says.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        if ffi::PyType_HasFeature(kind, ffi::Py_TPFLAGS_HAVE_GC) == 0 {
            return false;
        }
        kind != &raw mut ffi::PyTuple_Type || ffi::PyObject_GC_IsTracked(object) != 0
    }
}

/// A list of the values from `from` up, which leave the stack.
pub(crate) fn list_of_tail(stack: &mut Vec<Own>, from: usize) -> Py {
    let from = from.min(stack.len());
    // SAFETY: each reference is moved into its place, and no longer the stack's.
    unsafe {
        let len = stack.len() - from;
        let made = Own::take(ffi::PyList_New(len as isize))?;
        if len > 0 {
            let items = (*made.raw().cast::<ffi::PyListObject>()).ob_item;
            ptr::copy_nonoverlapping(stack.as_ptr().add(from).cast(), items, len);
            stack.set_len(from);
        }
        Ok(made)
    }
}

/// Moves the values from `from` up to the end of a list, whose type is `list` itself.
pub(crate) fn extend_by_tail(list: Obj<'_>, stack: &mut Vec<Own>, from: usize) -> Py<()> {
    debug_assert!(list.exact() == super::Exact::List);
    let from = from.min(stack.len());
    #[cfg(not(any(Py_3_14, Py_GIL_DISABLED)))]
    // SAFETY: the items of a list are one block of `PyMem`, with room for `allocated`, of which `ob_size` are filled.
    unsafe {
        let len = stack.len() - from;
        let object = list.raw().cast::<ffi::PyListObject>();
        let before = (*object).ob_base.ob_size;
        let after = before + len as isize;
        if after > (*object).allocated {
            // As `list` itself grows; a new one takes just what there is.
            let room = if before == 0 { after } else { (after + (after >> 3) + 6) & !3 };
            let grown = ffi::PyMem_Realloc((*object).ob_item.cast(), room as usize * size_of::<*mut ffi::PyObject>());
            if grown.is_null() {
                ffi::PyErr_NoMemory();
                return Err(super::Raised);
            }
            advise_huge_pages(grown.cast(), room as usize * size_of::<*mut ffi::PyObject>());
            (*object).ob_item = grown.cast();
            (*object).allocated = room;
        }
        let place = (*object).ob_item.add(before as usize);
        ptr::copy_nonoverlapping(stack.as_ptr().add(from).cast(), place, len);
        (*object).ob_base.ob_size = after;
        stack.set_len(from);
        Ok(())
    }
    #[cfg(any(Py_3_14, Py_GIL_DISABLED))]
    {
        let tail = list_of_tail(stack, from)?;
        // SAFETY: a list, and a list.
        unsafe {
            let end = ffi::PyList_Size(list.raw());
            done(ffi::PyList_SetSlice(list.raw(), end, end, tail.raw()))
        }
    }
}

/// Appends one value to a list, whose type is `list` itself.
#[inline]
pub(crate) fn append(list: Obj<'_>, item: Own) -> Py<()> {
    // SAFETY: a list.
    done(unsafe { ffi::PyList_Append(list.raw(), item.raw()) })
}

/// A dict that has room for `count` keys.
pub(crate) fn dict_for(count: usize) -> Py {
    // SAFETY: a new reference or null.
    unsafe { Own::take(_PyDict_NewPresized(count as isize)) }
}

/// Bytes to be written by `fill`, who is given all of them.
pub(crate) fn bytes_by(len: usize, fill: impl FnOnce(&mut [u8]) -> Py<()>) -> Py {
    // SAFETY: nobody else has the new bytes; those of no length are shared, and not written.
    unsafe {
        let made = Own::take(ffi::PyBytes_FromStringAndSize(ptr::null(), len as isize))?;
        if len > 0 {
            let start = ffi::PyBytes_AsString(made.raw()).cast::<u8>();
            advise_huge_pages(start, len);
            fill(std::slice::from_raw_parts_mut(start, len))?;
        }
        Ok(made)
    }
}

/// A bytearray to be written by `fill`.
pub(crate) fn bytearray_by(len: usize, fill: impl FnOnce(&mut [u8]) -> Py<()>) -> Py {
    // SAFETY: nobody else has the new bytearray.
    unsafe {
        let made = Own::take(ffi::PyByteArray_FromStringAndSize(ptr::null(), len as isize))?;
        if len > 0 {
            let start = ffi::PyByteArray_AsString(made.raw()).cast::<u8>();
            advise_huge_pages(start, len);
            fill(std::slice::from_raw_parts_mut(start, len))?;
        }
        Ok(made)
    }
}

/// Gives `work` an object of Python's that shows this memory, and takes it back after.
pub(crate) fn shown_as_memory<T>(place: &mut [u8], work: impl FnOnce(Obj<'_>) -> Py<T>) -> Py<T> {
    // SAFETY: the view may be kept by whoever is given it, but is released before the memory goes.
    unsafe {
        let start = place.as_mut_ptr().cast::<c_char>();
        let view = Own::take(ffi::PyMemoryView_FromMemory(start, place.len() as isize, ffi::PyBUF_WRITE))?;
        let result = work(view.obj());
        super::aside(|| view.obj().attr(c"release")?.obj().call0().map(drop));
        result
    }
}

/// One element into a set or a subclass of it.
#[inline]
pub(crate) fn add_to_set(set: Obj<'_>, item: Obj<'_>) -> Py<()> {
    // SAFETY: a set, as callers see to.
    done(unsafe { ffi::PySet_Add(set.raw(), item.raw()) })
}

/// All of an iterable into a set or a subclass of it.
pub(crate) fn update_set(set: Obj<'_>, items: Obj<'_>) -> Py<()> {
    // SAFETY: a set, as callers see to.
    done(unsafe { _PySet_Update(set.raw(), items.raw()) })
}

/// Whether `object[key] = value` is what `dict` itself does: of a dict, or a subclass without a way of its own.
pub(crate) fn sets_as_dict(object: Obj<'_>) -> bool {
    // SAFETY: types have these tables as long as they live, if they have them.
    unsafe {
        let setter = |kind: *mut ffi::PyTypeObject| Some((*kind).tp_as_mapping.as_ref()?.mp_ass_subscript? as usize);
        object.is_dict() && setter(object.type_raw()) == setter(&raw mut ffi::PyDict_Type)
    }
}

/// Whether an instance of a class is made by what `dict` or `list` has: no code of others runs.
pub(crate) fn is_made_as_builtin(class: Obj<'_>) -> bool {
    // SAFETY: a class, as callers see to.
    unsafe {
        let new = |kind: *mut ffi::PyTypeObject| (*kind).tp_new.map(|new| new as usize);
        let own = new(class.raw().cast());
        own.is_some() && (own == new(&raw mut ffi::PyDict_Type) || own == new(&raw mut ffi::PyList_Type))
    }
}

/// What stands for `object[key] = value`, whatever the object.
#[inline]
pub(crate) fn set_any_item(object: Obj<'_>, key: Obj<'_>, value: Obj<'_>) -> Py<()> {
    // SAFETY: all are alive.
    done(unsafe { ffi::PyObject_SetItem(object.raw(), key.raw(), value.raw()) })
}

/// The name of an object's type as C has it.
pub(crate) fn type_name(object: Obj<'_>) -> String {
    // SAFETY: it is alive, and its type with it.
    unsafe { std::ffi::CStr::from_ptr((*object.type_raw()).tp_name).to_string_lossy().into_owned() }
}

/// Sees that a vector has room for so many more; otherwise it is a `MemoryError`, and no abort.
#[cold]
pub(crate) fn room_for<T>(vector: &mut Vec<T>, count: usize) -> Py<()> {
    if vector.try_reserve(count).is_err() {
        // SAFETY: we hold the GIL.
        unsafe { ffi::PyErr_NoMemory() };
        return Err(super::Raised);
    }
    advise_huge_pages(vector.as_mut_ptr().cast(), vector.capacity() * size_of::<T>());
    Ok(())
}

/// The name of a type as C has it.
pub(crate) fn name_of_type(class: Obj<'_>) -> Option<String> {
    if !class.is_type() {
        return None;
    }
    // SAFETY: a type that is alive.
    let name = unsafe { std::ffi::CStr::from_ptr((*class.raw().cast::<ffi::PyTypeObject>()).tp_name) };
    Some(name.to_string_lossy().into_owned())
}

unsafe extern "C" {
    fn _PyDict_NewPresized(count: isize) -> *mut ffi::PyObject;
    fn _PySet_Update(set: *mut ffi::PyObject, items: *mut ffi::PyObject) -> std::ffi::c_int;
}
