//! References that count themselves, and what may be asked of an object.

use std::ffi::{CStr, c_int, c_uchar};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use pyo3_ffi as ffi;

use super::{Chars, Kind, Py, Raised, clear, is_raised, raise};

/// A borrowed object.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Obj<'a>(pub(super) NonNull<ffi::PyObject>, pub(super) PhantomData<&'a ()>);

/// An object that is owned: it is kept alive.
#[repr(transparent)]
pub(crate) struct Own(pub(super) NonNull<ffi::PyObject>);

impl Clone for Own {
    #[inline]
    fn clone(&self) -> Own {
        // SAFETY: it is alive, for we own it.
        unsafe { ffi::Py_INCREF(self.0.as_ptr()) };
        Own(self.0)
    }
}

impl Drop for Own {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: it is ours, and given up here.
        unsafe { ffi::Py_DECREF(self.0.as_ptr()) };
    }
}

impl Own {
    /// Takes over a new reference; null is an exception.
    ///
    /// # Safety
    /// `object` is a new reference, or null with an exception set.
    #[inline]
    pub(crate) unsafe fn take(object: *mut ffi::PyObject) -> Py {
        NonNull::new(object).map(Own).ok_or(Raised)
    }

    /// As `take`; null without an exception is nothing.
    ///
    /// # Safety
    /// As for `take`.
    pub(super) unsafe fn take_maybe(object: *mut ffi::PyObject) -> Py<Option<Own>> {
        match NonNull::new(object) {
            Some(object) => Ok(Some(Own(object))),
            None if is_raised() => Err(Raised),
            None => Ok(None),
        }
    }

    #[inline]
    pub(crate) fn obj(&self) -> Obj<'_> {
        Obj(self.0, PhantomData)
    }

    #[inline]
    pub(crate) fn raw(&self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }

    /// The pointer, given up to whoever takes it.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut ffi::PyObject {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }
}

/// The types that are told apart before anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exact {
    Int,
    Float,
    Bytes,
    Str,
    Dict,
    Set,
    FrozenSet,
    List,
    Tuple,
    ByteArray,
    PickleBuffer,
    Type,
    Function,
    Other,
}

impl<'a> Obj<'a> {
    /// # Safety
    /// `object` is alive for `'a`.
    #[inline]
    pub(crate) unsafe fn borrowed(object: *mut ffi::PyObject) -> Option<Obj<'a>> {
        NonNull::new(object).map(|object| Obj(object, PhantomData))
    }

    #[inline]
    pub(crate) fn raw(self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }

    #[inline]
    pub(crate) fn own(self) -> Own {
        // SAFETY: it is alive for `'a`.
        unsafe { ffi::Py_INCREF(self.raw()) };
        Own(self.0)
    }

    #[inline]
    pub(crate) fn address(self) -> usize {
        self.raw() as usize
    }

    #[inline]
    pub(crate) fn is(self, other: Obj<'_>) -> bool {
        self.0 == other.0
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        // SAFETY: `None` is always there.
        self.raw() == unsafe { ffi::Py_None() }
    }

    /// `True` or `False`, if it is one of them.
    #[inline]
    pub(crate) fn as_bool(self) -> Option<bool> {
        // SAFETY: both are always there.
        unsafe {
            if self.raw() == ffi::Py_True() {
                Some(true)
            } else if self.raw() == ffi::Py_False() {
                Some(false)
            } else {
                None
            }
        }
    }

    /// Brings it near, if the processor can do that meanwhile.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        prefetch(self.raw().cast());
    }

    /// As `prefetch`, what instances have before their header.
    #[inline(always)]
    pub(super) fn prefetch_before(self) {
        prefetch(self.raw().cast::<u8>().wrapping_sub(32));
    }

    #[inline]
    pub(crate) fn type_raw(self) -> *mut ffi::PyTypeObject {
        // SAFETY: it is alive.
        unsafe { ffi::Py_TYPE(self.raw()) }
    }

    #[inline]
    pub(crate) fn type_of(self) -> Own {
        // SAFETY: an object's type is alive as long as the object.
        unsafe {
            let kind = self.type_raw().cast();
            ffi::Py_INCREF(kind);
            Own(NonNull::new_unchecked(kind))
        }
    }

    /// Which of the known types its type is, exactly.
    #[inline]
    pub(crate) fn exact(self) -> Exact {
        let kind = self.type_raw();
        {
            if kind == &raw mut ffi::PyUnicode_Type {
                Exact::Str
            } else if kind == &raw mut ffi::PyLong_Type {
                Exact::Int
            } else if kind == &raw mut ffi::PyFloat_Type {
                Exact::Float
            } else if kind == &raw mut ffi::PyTuple_Type {
                Exact::Tuple
            } else if kind == &raw mut ffi::PyList_Type {
                Exact::List
            } else if kind == &raw mut ffi::PyDict_Type {
                Exact::Dict
            } else if kind == &raw mut ffi::PyBytes_Type {
                Exact::Bytes
            } else if is_made_in_python(kind) {
                // The most likely of those that are none.
                Exact::Other
            } else if kind == &raw mut ffi::PySet_Type {
                Exact::Set
            } else if kind == &raw mut ffi::PyFrozenSet_Type {
                Exact::FrozenSet
            } else if kind == &raw mut ffi::PyByteArray_Type {
                Exact::ByteArray
            } else if kind == &raw mut ffi::PyType_Type {
                Exact::Type
            } else if kind == &raw mut ffi::PyFunction_Type {
                Exact::Function
            } else if kind == &raw mut PyPickleBuffer_Type {
                Exact::PickleBuffer
            } else {
                Exact::Other
            }
        }
    }

    pub(crate) fn is_str(self) -> bool {
        // SAFETY: it is alive. So it is in all of these.
        unsafe { ffi::PyUnicode_Check(self.raw()) != 0 }
    }

    pub(crate) fn is_bytes(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PyBytes_Check(self.raw()) != 0 }
    }

    pub(crate) fn is_set(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PySet_Check(self.raw()) != 0 }
    }

    pub(crate) fn is_tuple(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PyTuple_Check(self.raw()) != 0 }
    }

    pub(crate) fn is_dict(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PyDict_Check(self.raw()) != 0 }
    }

    pub(crate) fn is_dict_exact(self) -> bool {
        self.exact() == Exact::Dict
    }

    pub(crate) fn is_type(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PyType_Check(self.raw()) != 0 }
    }

    /// Whether its type is `type` or a subclass of it.
    pub(crate) fn is_metatype(self) -> bool {
        // SAFETY: as above; types of all objects are types.
        unsafe { ffi::PyType_IsSubtype(self.type_raw(), &raw mut ffi::PyType_Type) != 0 }
    }

    pub(crate) fn is_callable(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PyCallable_Check(self.raw()) != 0 }
    }

    pub(crate) fn is_builtin_function(self) -> bool {
        self.type_raw() == &raw mut ffi::PyCFunction_Type
    }

    pub(crate) fn is_iterator(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::PyIter_Check(self.raw()) != 0 }
    }

    /// The value of an int, or of what can stand for one; it must fit into 64 bits.
    pub(crate) fn index(self) -> Py<i64> {
        let value = if self.exact() == Exact::Int {
            self.as_i64()?
        } else {
            // SAFETY: as above.
            unsafe { Own::take(ffi::PyNumber_Index(self.raw()))? }.obj().as_i64()?
        };
        match value {
            Some(value) => Ok(value),
            None => raise(Kind::Overflow, "Python int too large to convert to C int"),
        }
    }

    pub(crate) fn is_true(self) -> Py<bool> {
        // SAFETY: as above.
        flag(unsafe { ffi::PyObject_IsTrue(self.raw()) })
    }

    pub(crate) fn attr(self, name: &CStr) -> Py {
        // SAFETY: as above; the name ends with a zero.
        unsafe { Own::take(ffi::PyObject_GetAttrString(self.raw(), name.as_ptr())) }
    }

    pub(crate) fn attr_obj(self, name: Obj<'_>) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_GetAttr(self.raw(), name.raw())) }
    }

    /// An attribute, or nothing if there is none.
    pub(crate) fn attr_maybe(self, name: Obj<'_>) -> Py<Option<Own>> {
        let mut found = ptr::null_mut();
        // SAFETY: as above; `found` is written.
        let status = unsafe { lookup_attr(self.raw(), name.raw(), &mut found) };
        match status {
            // SAFETY: a new reference where the status says so.
            1.. => unsafe { Own::take(found).map(Some) },
            0 => Ok(None),
            _ => Err(Raised),
        }
    }

    pub(crate) fn set_attr(self, name: Obj<'_>, value: Obj<'_>) -> Py<()> {
        // SAFETY: as above.
        done(unsafe { ffi::PyObject_SetAttr(self.raw(), name.raw(), value.raw()) })
    }

    pub(crate) fn call0(self) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_CallNoArgs(self.raw())) }
    }

    pub(crate) fn call1(self, arg: Obj<'_>) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_CallOneArg(self.raw(), arg.raw())) }
    }

    /// `self.name()`, without a bound method where there need not be one.
    pub(crate) fn call_method0(self, name: Obj<'_>) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_CallMethodNoArgs(self.raw(), name.raw())) }
    }

    /// `self.name(arg)`, as `call_method0`.
    pub(crate) fn call_method1(self, name: Obj<'_>, arg: Obj<'_>) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_CallMethodOneArg(self.raw(), name.raw(), arg.raw())) }
    }

    pub(crate) fn call(self, args: Obj<'_>, kwargs: Option<Obj<'_>>) -> Py {
        let kwargs = kwargs.map_or(ptr::null_mut(), Obj::raw);
        // SAFETY: as above; `args` is a tuple, as callers see to.
        unsafe { Own::take(ffi::PyObject_Call(self.raw(), args.raw(), kwargs)) }
    }

    pub(crate) fn iter(self) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_GetIter(self.raw())) }
    }

    /// The next of an iterator, or nothing at its end.
    pub(crate) fn next(self) -> Py<Option<Own>> {
        // SAFETY: as above; it is an iterator, as callers see to.
        unsafe { Own::take_maybe(ffi::PyIter_Next(self.raw())) }
    }

    /// What a mapping has at `key`, or nothing.
    pub(crate) fn item_maybe(self, key: Obj<'_>) -> Py<Option<Own>> {
        if self.is_dict_exact() {
            // SAFETY: as above.
            let found = unsafe { ffi::PyDict_GetItemWithError(self.raw(), key.raw()) };
            // SAFETY: borrowed from the dict, which nobody has changed since.
            return match unsafe { Obj::borrowed(found) } {
                Some(found) => Ok(Some(found.own())),
                None if is_raised() => Err(Raised),
                None => Ok(None),
            };
        }
        // SAFETY: as above.
        match unsafe { Own::take(ffi::PyObject_GetItem(self.raw(), key.raw())) } {
            Ok(found) => Ok(Some(found)),
            // SAFETY: the exception's type is always there.
            Err(Raised) if unsafe { ffi::PyErr_ExceptionMatches(ffi::PyExc_KeyError) } != 0 => {
                clear();
                Ok(None)
            }
            Err(Raised) => Err(Raised),
        }
    }

    pub(crate) fn set_item(self, key: Obj<'_>, value: Obj<'_>) -> Py<()> {
        // SAFETY: as above.
        done(unsafe {
            if self.is_dict_exact() {
                ffi::PyDict_SetItem(self.raw(), key.raw(), value.raw())
            } else {
                ffi::PyObject_SetItem(self.raw(), key.raw(), value.raw())
            }
        })
    }

    pub(crate) fn repr(self) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_Repr(self.raw())) }
    }

    pub(crate) fn str(self) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyObject_Str(self.raw())) }
    }

    /// An int that fits into 64 bits.
    #[inline]
    pub(crate) fn as_i64(self) -> Py<Option<i64>> {
        let mut overflow: c_int = 0;
        // SAFETY: as above; it is an int, as callers see to.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(self.raw(), &mut overflow) };
        if overflow != 0 {
            return Ok(None);
        }
        if value == -1 && is_raised() { Err(Raised) } else { Ok(Some(value)) }
    }

    /// Shows an int of any size, as two's complement, little-endian, as short as it can be.
    pub(crate) fn with_int_bytes<T>(self, work: impl FnOnce(&[u8]) -> Py<T>) -> Py<T> {
        let (mut few, mut many) = ([0_u8; 64], Vec::new());
        // SAFETY: as above; the memory has room for all bits and a sign.
        let bytes = unsafe {
            let len = num_bits(self.raw())? / 8 + 1;
            let bytes = if len <= few.len() {
                &mut few[..len]
            } else {
                many.resize(len, 0);
                &mut many[..]
            };
            done(as_byte_array(self.raw(), bytes.as_mut_ptr(), len))?;
            bytes
        };
        match bytes {
            [most @ .., 0xff] if most.last().is_some_and(|before| before & 0x80 != 0) => work(most),
            bytes => work(bytes),
        }
    }

    #[inline]
    pub(crate) fn as_f64(self) -> f64 {
        // SAFETY: as above; it is a float, as callers see to.
        unsafe { ffi::PyFloat_AS_DOUBLE(self.raw()) }
    }

    /// The content of bytes or a bytearray.
    pub(crate) fn bytes(self) -> &'a [u8] {
        // SAFETY: as above; it is bytes or a bytearray, as callers see to. Of a bytearray the content must be copied before
        // user code runs.
        unsafe {
            let (start, len) = if ffi::PyBytes_Check(self.raw()) != 0 {
                (ffi::PyBytes_AsString(self.raw()), ffi::PyBytes_Size(self.raw()))
            } else {
                (ffi::PyByteArray_AsString(self.raw()), ffi::PyByteArray_Size(self.raw()))
            };
            std::slice::from_raw_parts(start.cast(), len as usize)
        }
    }

    /// The characters of a str, in whichever width it keeps them.
    #[inline]
    pub(crate) fn chars(self) -> Py<Chars<'a>> {
        // SAFETY: as above; it is a str, as callers see to, and those cannot change.
        unsafe {
            let raw = self.raw();
            #[cfg(not(Py_3_12))]
            if ffi::PyUnicode_READY(raw) < 0 {
                return Err(Raised);
            }
            let (len, data) = (ffi::PyUnicode_GET_LENGTH(raw) as usize, ffi::PyUnicode_DATA(raw));
            Ok(match ffi::PyUnicode_KIND(raw) {
                1 if ffi::PyUnicode_IS_ASCII(raw) != 0 => Chars::Ascii(std::slice::from_raw_parts(data.cast(), len)),
                1 => Chars::Latin1(std::slice::from_raw_parts(data.cast(), len)),
                2 => Chars::Two(std::slice::from_raw_parts(data.cast(), len)),
                _ => Chars::Four(std::slice::from_raw_parts(data.cast(), len)),
            })
        }
    }

    /// How many characters a str has.
    #[inline]
    pub(crate) fn str_len(self) -> usize {
        // SAFETY: as above; it is a str, as callers see to.
        unsafe { ffi::PyUnicode_GET_LENGTH(self.raw()) as usize }
    }

    /// The text of a str that is UTF-8.
    pub(crate) fn text(self) -> Py<String> {
        let mut bytes = Vec::new();
        self.chars()?.utf8(&mut bytes);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    #[inline]
    pub(crate) fn list_len(self) -> usize {
        // SAFETY: as above; it is a list, as callers see to.
        unsafe { ffi::PyList_GET_SIZE(self.raw()) as usize }
    }

    /// An item of a list, if there are so many now.
    #[inline]
    pub(crate) fn list_item(self, index: usize) -> Option<Own> {
        if index >= self.list_len() {
            return None;
        }
        // SAFETY: as above, and within its length.
        unsafe { Obj::borrowed(ffi::PyList_GET_ITEM(self.raw(), index as isize)).map(Obj::own) }
    }

    /// As `list_item`, borrowed until anything may change the list.
    #[inline]
    pub(crate) fn list_item_borrowed(self, index: usize) -> Option<Obj<'a>> {
        if index >= self.list_len() {
            return None;
        }
        // SAFETY: as above.
        unsafe { Obj::borrowed(ffi::PyList_GET_ITEM(self.raw(), index as isize)) }
    }

    /// The items of a list, until anything may change it.
    #[inline]
    pub(crate) fn list_slice(self) -> &'a [Option<Obj<'a>>] {
        // SAFETY: as above; the items are that many words, each an object or null.
        unsafe {
            let (items, len) = ((*self.raw().cast::<ffi::PyListObject>()).ob_item, self.list_len());
            if len == 0 { &[] } else { std::slice::from_raw_parts(items.cast(), len) }
        }
    }

    /// How many references there are to it.
    #[inline]
    pub(crate) fn count(self) -> isize {
        // SAFETY: it is alive.
        unsafe { ffi::Py_REFCNT(self.raw()) }
    }

    #[inline]
    pub(crate) fn tuple_len(self) -> usize {
        // SAFETY: as above; it is a tuple, as callers see to.
        unsafe { ffi::PyTuple_GET_SIZE(self.raw()) as usize }
    }

    /// An item of a tuple that has so many.
    #[inline]
    pub(crate) fn tuple_item(self, index: usize) -> Obj<'a> {
        debug_assert!(index < self.tuple_len());
        // SAFETY: as above, and within its length; a tuple holds its items as long as it lives.
        unsafe {
            let index = index.min(self.tuple_len().saturating_sub(1));
            Obj(NonNull::new_unchecked(ffi::PyTuple_GET_ITEM(self.raw(), index as isize)), PhantomData)
        }
    }

    /// The items of a tuple.
    #[inline]
    pub(crate) fn tuple_slice_borrowed(self) -> &'a [Option<Obj<'a>>] {
        // SAFETY: as above; the items are that many words, each an object or null.
        unsafe {
            let items = (*self.raw().cast::<ffi::PyTupleObject>()).ob_item.as_ptr();
            std::slice::from_raw_parts(items.cast(), self.tuple_len())
        }
    }

    pub(crate) fn tuple_slice(self, from: usize, to: usize) -> Py {
        // SAFETY: as above.
        unsafe { Own::take(ffi::PyTuple_GetSlice(self.raw(), from as isize, to as isize)) }
    }

    #[inline]
    pub(crate) fn dict_len(self) -> usize {
        // SAFETY: as above; it is a dict, as callers see to.
        unsafe { (*self.raw().cast::<ffi::PyDictObject>()).ma_used as usize }
    }

    /// The next pair of a dict after `position`, which moves on.
    #[inline]
    pub(crate) fn dict_next(self, position: &mut isize) -> Option<(Own, Own)> {
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as above; the pair is borrowed from the dict and owned at once.
        unsafe {
            if ffi::PyDict_Next(self.raw(), position, &mut key, &mut value) == 0 {
                return None;
            }
            Some((Obj::borrowed(key)?.own(), Obj::borrowed(value)?.own()))
        }
    }

    /// As `dict_next`, borrowed until anything may change the dict.
    #[inline]
    pub(crate) fn dict_next_borrowed(self, position: &mut isize) -> Option<(Obj<'a>, Obj<'a>)> {
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as above.
        unsafe {
            if ffi::PyDict_Next(self.raw(), position, &mut key, &mut value) == 0 {
                return None;
            }
            Some((Obj::borrowed(key)?, Obj::borrowed(value)?))
        }
    }

    /// What a dict has under a name, which must be there.
    pub(crate) fn item_of(self, name: &CStr) -> Py {
        match self.item_maybe(super::name(name)?.obj())? {
            Some(found) => Ok(found),
            None => raise(Kind::Key, &name.to_string_lossy()),
        }
    }

    /// All items of a list.
    pub(crate) fn list_items(self) -> Vec<Own> {
        (0..self.list_len()).filter_map(|index| self.list_item(index)).collect()
    }

    pub(crate) fn set_len(self) -> usize {
        // SAFETY: as above; it is a set, as callers see to.
        unsafe { ffi::PySet_Size(self.raw()) as usize }
    }

    /// The next element of a set after `position`, which moves on; borrowed until anything may change the set.
    pub(crate) fn set_next_borrowed(self, position: &mut isize) -> Option<Obj<'a>> {
        let (mut key, mut hash) = (ptr::null_mut(), 0);
        // SAFETY: as above.
        unsafe {
            if _PySet_NextEntry(self.raw(), position, &mut key, &mut hash) == 0 {
                return None;
            }
            Obj::borrowed(key)
        }
    }

    /// The type's own `__new__` slot called: `cls.__new__(cls, *args, **kwargs)`.
    pub(crate) fn type_new(self, args: Obj<'_>, kwargs: Option<Obj<'_>>) -> Py<Option<Own>> {
        // SAFETY: it is a type, as callers see to; `args` is a tuple.
        unsafe {
            let kind = self.raw().cast::<ffi::PyTypeObject>();
            let Some(new) = (*kind).tp_new else { return Ok(None) };
            Own::take(new(kind, args.raw(), kwargs.map_or(ptr::null_mut(), Obj::raw))).map(Some)
        }
    }

    /// A key that is a str, interned.
    pub(crate) fn interned(self) -> Own {
        let mut raw = self.own().into_raw();
        // SAFETY: we own it, and what stands in its place then.
        unsafe {
            if ffi::PyUnicode_CheckExact(raw) != 0 {
                ffi::PyUnicode_InternInPlace(&mut raw);
            }
            Own(NonNull::new_unchecked(raw))
        }
    }
}

/// Whether a type was made at run time.
#[inline]
fn is_made_in_python(kind: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: the type of an object that is alive.
    unsafe { (*kind).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE != 0 }
}

#[inline]
pub(super) fn done(status: c_int) -> Py<()> {
    if status < 0 { Err(Raised) } else { Ok(()) }
}

#[inline]
fn flag(status: c_int) -> Py<bool> {
    if status < 0 { Err(Raised) } else { Ok(status > 0) }
}

unsafe extern "C" {
    static mut PyPickleBuffer_Type: ffi::PyTypeObject;
    fn _PySet_NextEntry(
        set: *mut ffi::PyObject,
        position: *mut isize,
        key: *mut *mut ffi::PyObject,
        hash: *mut ffi::Py_hash_t,
    ) -> c_int;
    #[cfg(not(Py_3_13))]
    fn _PyLong_AsByteArray(
        value: *mut ffi::PyObject,
        bytes: *mut c_uchar,
        len: usize,
        little: c_int,
        signed: c_int,
    ) -> c_int;
    #[cfg(Py_3_13)]
    fn _PyLong_AsByteArray(
        value: *mut ffi::PyObject,
        bytes: *mut c_uchar,
        len: usize,
        little: c_int,
        signed: c_int,
        with_exceptions: c_int,
    ) -> c_int;
    fn _PyLong_NumBits(value: *mut ffi::PyObject) -> usize;
    #[cfg(not(Py_3_13))]
    fn _PyObject_LookupAttr(
        object: *mut ffi::PyObject,
        name: *mut ffi::PyObject,
        found: *mut *mut ffi::PyObject,
    ) -> c_int;
    #[cfg(Py_3_13)]
    fn PyObject_GetOptionalAttr(
        object: *mut ffi::PyObject,
        name: *mut ffi::PyObject,
        found: *mut *mut ffi::PyObject,
    ) -> c_int;
}

unsafe fn lookup_attr(object: *mut ffi::PyObject, name: *mut ffi::PyObject, found: *mut *mut ffi::PyObject) -> c_int {
    // SAFETY: as the caller says.
    unsafe {
        #[cfg(Py_3_13)]
        return PyObject_GetOptionalAttr(object, name, found);
        #[cfg(not(Py_3_13))]
        return _PyObject_LookupAttr(object, name, found);
    }
}

unsafe fn num_bits(value: *mut ffi::PyObject) -> Py<usize> {
    // SAFETY: as the caller says.
    match unsafe { _PyLong_NumBits(value) } {
        usize::MAX if is_raised() => Err(Raised),
        bits => Ok(bits),
    }
}

unsafe fn as_byte_array(value: *mut ffi::PyObject, bytes: *mut c_uchar, len: usize) -> c_int {
    // SAFETY: as the caller says.
    unsafe {
        #[cfg(Py_3_13)]
        return _PyLong_AsByteArray(value, bytes, len, 1, 1, 1);
        #[cfg(not(Py_3_13))]
        return _PyLong_AsByteArray(value, bytes, len, 1, 1);
    }
}

/// Brings memory near, if the processor can do that meanwhile.
#[inline(always)]
pub(super) fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
