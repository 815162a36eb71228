//! A place of the reader's memo: nothing, a value, or the promise of one.

use std::ptr::NonNull;

use pyo3_ffi as ffi;

use super::object::prefetch;
use super::{Obj, Own};

/// One word: a reference, whose lowest bit says that it is the object a promised state belongs to; or a promise without one.
#[derive(Default)]
pub(crate) struct Entry(usize);

const PROMISED: usize = 1;
/// A state that is being read.
const PENDING: usize = 2;
/// The bytes of the date that is two entries on.
const DATE_BYTES: usize = PENDING | 4;
/// The arguments of the date that is the next entry.
const DATE_ARGS: usize = PENDING | 8;
/// The arguments of a call, a tuple: where they are kept stands above.
const ARGS: usize = PENDING | 4 | 8;
/// No object lies there.
const MOST_MARKED: usize = 16;

impl Entry {
    pub(crate) const EMPTY: Entry = Entry(0);

    pub(crate) const fn pending() -> Entry {
        Entry(PENDING)
    }

    /// What comes before a date in the memo: the bytes it is made of, and the tuple around them.
    pub(crate) const BEFORE_DATE: [Entry; 2] = [Entry(DATE_BYTES), Entry(DATE_ARGS)];

    /// Of what comes before a date: how many entries on that is, 2 for the bytes and 1 for the tuple.
    pub(crate) fn before_date(&self) -> Option<usize> {
        match self.0 {
            DATE_BYTES => Some(2),
            DATE_ARGS => Some(1),
            _ => None,
        }
    }

    /// A tuple of as many values as `count`, at most 3, that are kept from `at` on.
    #[inline]
    pub(crate) fn args(at: usize, count: usize) -> Entry {
        Entry((at << 2 | count) << 4 | ARGS)
    }

    /// The values that make a tuple: from where on, and how many.
    pub(crate) fn as_args(&self) -> Option<(usize, usize)> {
        let kept = self.0 >> 4;
        (self.0 & (MOST_MARKED - 1) == ARGS).then_some((kept >> 2, kept & 3))
    }

    #[inline]
    pub(crate) fn of(value: Own) -> Entry {
        Entry(value.into_raw() as usize)
    }

    /// The state that this object was given.
    pub(crate) fn state_of(object: Own) -> Entry {
        Entry(object.into_raw() as usize | PROMISED)
    }

    /// The value, if there is one.
    #[inline]
    pub(crate) fn value(&self) -> Option<Obj<'_>> {
        if self.0 & (PROMISED | PENDING) != 0 {
            return None;
        }
        // SAFETY: no mark is set: a reference that is ours, or null.
        unsafe { Obj::borrowed(self.0 as *mut ffi::PyObject) }
    }

    /// The object whose state is promised.
    pub(crate) fn promised(&self) -> Option<Own> {
        if self.0 & PROMISED == 0 {
            return None;
        }
        // SAFETY: a reference that is ours under its mark.
        unsafe { Obj::borrowed((self.0 & !PROMISED) as *mut ffi::PyObject).map(Obj::own) }
    }

    /// Brings what it holds near.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        prefetch(self.0 as *const u8);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.0 == PENDING
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        if self.0 >= MOST_MARKED
            && self.0 & PENDING == 0
            && let Some(object) = NonNull::new((self.0 & !PROMISED) as *mut ffi::PyObject)
        {
            drop(Own(object));
        }
    }
}
