//! Dicts with the same keys in the same order, copied from one that has them: no key is hashed or looked for again.
//!
//! The layout of dicts is that of CPython 3.9 to 3.13; `works` compares it with what the public functions say, once.

use std::ffi::c_void;
use std::mem::ManuallyDrop;

use pyo3_ffi as ffi;

use super::{Exact, Obj, Own, Py, is_debug_build, make, none};

/// A sequence of keys, all of them str and no two the same.
pub(crate) struct Shape {
    /// A dict of these keys, each with `None`: it alone holds them.
    template: Own,
    keys: Vec<ManuallyDrop<Own>>,
    /// The size of its table, in bytes.
    size: usize,
}

impl Shape {
    /// The shape of keys and values in turn, if their keys are fit.
    pub(crate) fn of(pairs: &[Own]) -> Py<Option<Shape>> {
        let template = make::dict_for(pairs.len() / 2)?;
        let mut keys = Vec::new();
        for key in pairs.iter().step_by(2) {
            if key.obj().exact() != Exact::Str {
                return Ok(None);
            }
            template.obj().set_item(key.obj(), none().obj())?;
            // SAFETY: the template has it, and is never changed.
            keys.push(ManuallyDrop::new(unsafe { Own::take(key.raw())? }));
        }
        if template.obj().dict_len() != keys.len() {
            return Ok(None);
        }
        // SAFETY: a dict that has its keys to itself.
        let size = unsafe { table_size((*template.raw().cast::<ffi::PyDictObject>()).ma_keys.cast()) };
        Ok(Some(Shape { template, keys, size }))
    }

    /// Whether keys and values in turn have the very same keys.
    #[inline]
    pub(crate) fn fits(&self, pairs: &[Own]) -> bool {
        pairs.len() == 2 * self.keys.len()
            && pairs.iter().step_by(2).zip(&self.keys).all(|(key, known)| key.raw() == known.raw())
    }

    /// The key at a place in the sequence.
    #[inline]
    pub(crate) fn key(&self, index: usize) -> Option<&Own> {
        self.keys.get(index).map(|key| &**key)
    }

    /// Moves keys and values from `from` up into a blank dict of type `dict` itself, which they fit.
    pub(crate) fn fill(&self, dict: Obj<'_>, stack: &mut Vec<Own>, from: usize) -> Py<()> {
        debug_assert!(self.fits(&stack[from..]) && dict.dict_len() == 0);
        // SAFETY: a copy of the template's table has an entry for each key, in their order; keys and values are moved there,
        // over those that the template holds. The dict leaves the table that all empty dicts have.
        unsafe {
            let from_template = (*self.template.raw().cast::<ffi::PyDictObject>()).ma_keys.cast::<u8>();
            let table = allocate_table(self.size).cast::<u8>();
            if table.is_null() {
                ffi::PyErr_NoMemory();
                return Err(super::Raised);
            }
            std::ptr::copy_nonoverlapping(from_template, table, self.size);
            let entries = entries_of_keys(table.cast());
            let mut track = false;
            for (index, pair) in stack[from..].chunks_exact(2).enumerate() {
                entries.set(index, pair[0].raw(), pair[1].raw());
                #[cfg(not(Py_3_14))]
                {
                    track |= make::may_be_tracked(pair[1].raw());
                }
            }
            stack.set_len(from);
            let object = dict.raw().cast::<ffi::PyDictObject>();
            #[cfg(not(Py_3_12))]
            {
                (*(*object).ma_keys.cast::<Keys>()).refcount -= 1;
            }
            (*object).ma_keys = table.cast();
            (*object).ma_values = std::ptr::null_mut();
            (*object).ma_used = self.keys.len() as isize;
            if track && ffi::PyObject_GC_IsTracked(dict.raw()) == 0 {
                ffi::PyObject_GC_Track(dict.raw().cast());
            }
            Ok(())
        }
    }
}

/// Memory for a table, from where the interpreter has it and gives it back.
fn allocate_table(size: usize) -> *mut c_void {
    // SAFETY: memory, or null.
    unsafe {
        #[cfg(Py_3_13)]
        return ffi::PyMem_Malloc(size);
        #[cfg(not(Py_3_13))]
        return ffi::PyObject_Malloc(size);
    }
}

/// The size of a table of keys, in bytes.
///
/// # Safety
/// A table of keys of CPython's, from which no key was taken.
unsafe fn table_size(keys: *mut c_void) -> usize {
    // SAFETY: as the caller says.
    unsafe {
        let entries = entries_of_keys(keys);
        let room = entries.count + (*keys.cast::<Keys>()).usable as usize;
        entries.start as usize - keys as usize + room * entries.width * size_of::<usize>()
    }
}

/// Whether a dict of type `dict` itself is as a new one: `blank` is one that nobody ever put anything into. Another may be
/// empty, but have its table in common with an instance.
#[inline]
pub(crate) fn is_blank(dict: Obj<'_>, blank: Obj<'_>) -> bool {
    // SAFETY: two dicts.
    unsafe {
        let (dict, blank) = (dict.raw().cast::<ffi::PyDictObject>(), blank.raw().cast::<ffi::PyDictObject>());
        (*dict).ma_used == 0 && (*dict).ma_keys == (*blank).ma_keys && (*dict).ma_values == (*blank).ma_values
    }
}

/// Gives a blank dict of type `dict` itself room for `count` keys.
pub(crate) fn make_room(dict: Obj<'_>, count: usize) -> Py<()> {
    debug_assert!(dict.dict_len() == 0);
    let roomy = make::dict_for(count)?;
    // SAFETY: two dicts without entries.
    unsafe { swap_tables(dict.raw(), roomy.raw()) };
    Ok(())
}

/// # Safety
/// Two dicts of type `dict` itself.
unsafe fn swap_tables(one: *mut ffi::PyObject, other: *mut ffi::PyObject) {
    // SAFETY: as the caller says.
    unsafe {
        let (one, other) = (one.cast::<ffi::PyDictObject>(), other.cast::<ffi::PyDictObject>());
        std::ptr::swap(&raw mut (*one).ma_used, &raw mut (*other).ma_used);
        std::ptr::swap(&raw mut (*one).ma_keys, &raw mut (*other).ma_keys);
        std::ptr::swap(&raw mut (*one).ma_values, &raw mut (*other).ma_values);
    }
}

/// The table of keys up to its indices, where all of `PyDictKeysObject` is of interest that is here.
#[repr(C)]
#[cfg(Py_3_11)]
pub(super) struct Keys {
    refcount: isize,
    log2_size: u8,
    log2_index_bytes: u8,
    /// 0 if keys need not be str, 1 if all are.
    pub(super) kind: u8,
    version: u32,
    usable: isize,
    count: isize,
}

#[repr(C)]
#[cfg(not(Py_3_11))]
struct Keys {
    refcount: isize,
    size: isize,
    lookup: *mut c_void,
    usable: isize,
    count: isize,
}

/// The entries of a dict: in the order of insertion, in words.
pub(super) struct Entries {
    start: *mut *mut ffi::PyObject,
    /// Words an entry: hash, key and value, or but key and value.
    width: usize,
    pub(super) count: usize,
}

impl Entries {
    /// # Safety
    /// There is such an entry.
    #[inline]
    unsafe fn set(&self, index: usize, key: *mut ffi::PyObject, value: *mut ffi::PyObject) {
        // SAFETY: as the caller says.
        unsafe {
            let end = self.start.add((index + 1) * self.width);
            *end.sub(2) = key;
            *end.sub(1) = value;
        }
    }

    /// The entries of a table whose keys are all str.
    #[inline]
    #[cfg(Py_3_11)]
    pub(super) fn in_twos(&self) -> *mut [*mut ffi::PyObject; 2] {
        debug_assert!(self.width == 2);
        self.start.cast()
    }

    /// # Safety
    /// There is such an entry.
    #[inline]
    pub(super) unsafe fn value(&self, index: usize) -> *mut ffi::PyObject {
        // SAFETY: as the caller says.
        unsafe { *self.start.add(index * self.width + self.width - 1) }
    }

    /// # Safety
    /// There is such an entry.
    #[inline]
    pub(super) unsafe fn key(&self, index: usize) -> *mut ffi::PyObject {
        // SAFETY: as the caller says.
        unsafe { *self.start.add(index * self.width + self.width - 2) }
    }
}

/// # Safety
/// A dict of type `dict` itself.
#[inline]
unsafe fn entries_of(dict: *mut ffi::PyObject) -> Entries {
    // SAFETY: as the caller says.
    unsafe { entries_of_keys((*dict.cast::<ffi::PyDictObject>()).ma_keys.cast()) }
}

/// # Safety
/// A table of keys of CPython's.
#[inline]
pub(super) unsafe fn entries_of_keys(keys: *mut c_void) -> Entries {
    // SAFETY: as the caller says.
    unsafe {
        let keys = keys.cast::<Keys>();
        let indices = keys.add(1).cast::<u8>();
        #[cfg(Py_3_11)]
        let (len, width) = (1_usize << (*keys).log2_index_bytes, if (*keys).kind == 0 { 3 } else { 2 });
        #[cfg(not(Py_3_11))]
        let (len, width) = {
            let size = (*keys).size as usize;
            let each = match size {
                ..=0xff => 1,
                0x100..=0xffff => 2,
                0x1_0000..=0xffff_ffff => 4,
                _ => 8,
            };
            (size * each, 3)
        };
        Entries { start: indices.add(len).cast(), width, count: (*keys).count as usize }
    }
}

/// Whether dicts lie in memory as this file takes them to.
pub(crate) fn works() -> bool {
    // A debug build counts its tables.
    if cfg!(any(Py_3_14, Py_GIL_DISABLED)) || is_debug_build() {
        return false;
    }
    let try_it = || -> Py<bool> {
        for count in [1_usize, 5, 6, 8, 30, 300] {
            let mut stack = Vec::new();
            for index in 0..count {
                stack.push(super::str_of(&format!("key {index}"))?);
                stack.push(if index % 2 == 0 { super::list(&[])? } else { super::float(index as f64)? });
            }
            let expected = super::dict()?;
            for pair in stack.chunks_exact(2) {
                expected.obj().set_item(pair[0].obj(), pair[1].obj())?;
            }
            let Some(shape) = Shape::of(&stack)? else { return Ok(false) };
            // SAFETY: a dict.
            let entries = unsafe { entries_of(shape.template.raw()) };
            // SAFETY: but read as far as the count goes that the public function told too.
            let same = |index: usize| unsafe { entries.key(index) == stack[2 * index].raw() };
            if entries.count != count || !(0..count).all(same) {
                return Ok(false);
            }
            let dict = super::dict()?;
            shape.fill(dict.obj(), &mut stack, 0)?;
            let mut position = 0;
            let mut found = 0;
            while let Some((key, value)) = dict.obj().dict_next(&mut position) {
                let Some(wanted) = expected.obj().item_maybe(key.obj())? else { return Ok(false) };
                found += usize::from(wanted.raw() == value.raw());
            }
            let again = super::dict()?;
            make_room(again.obj(), count)?;
            again.obj().set_item(dict.obj().repr()?.obj(), none().obj())?;
            if found != count || dict.obj().dict_len() != count || again.obj().dict_len() != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    };
    try_it().unwrap_or_else(|_| {
        super::clear();
        false
    })
}
