//! `OrderedDict` as it lies: whether its order is that in which a dict has its items anyhow.
//!
//! The layout is that of CPython 3.9 to 3.13; `agrees` compares it with what methods do, once.

use std::ffi::c_void;

use pyo3_ffi as ffi;

use super::{Exact, Obj, Own, Py, done, layout};

/// An OrderedDict.
#[repr(C)]
struct Ordered {
    dict: ffi::PyDictObject,
    first: *const Node,
    last: *const Node,
    fast_nodes: *mut c_void,
    fast_nodes_len: isize,
    resize_sentinel: *mut c_void,
    state: usize,
    attributes: *mut ffi::PyObject,
    weak_references: *mut ffi::PyObject,
}

#[repr(C)]
struct Node {
    key: *mut ffi::PyObject,
    hash: isize,
    next: *const Node,
    before: *const Node,
}

/// What changes with the keys of an OrderedDict.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) state: usize,
    pub(crate) len: usize,
}

/// Whether a class is OrderedDict itself.
#[inline]
pub(crate) fn is_ordered(class: Obj<'_>) -> bool {
    class.address() == &raw const PyODict_Type as usize
}

pub(crate) fn version(dict: Obj<'_>) -> Version {
    // SAFETY: an OrderedDict that is alive, as callers see to.
    let state = unsafe { (*dict.raw().cast::<Ordered>()).state };
    Version { state, len: dict.dict_len() }
}

/// Whether an OrderedDict has no attributes of its own, its items in the order in which `layout::dict_next` gives them, and
/// but keys that run no code when they are looked for.
pub(crate) fn is_in_order(dict: Obj<'_>) -> bool {
    // SAFETY: an OrderedDict that is alive, as callers see to; its nodes are as long as it is not changed.
    unsafe {
        let object = dict.raw().cast::<Ordered>();
        if let Some(attributes) = Obj::borrowed((*object).attributes)
            && !(attributes.is_dict_exact() && attributes.dict_len() == 0)
        {
            return false;
        }
        let mut node = (*object).first;
        let mut position = 0;
        while let Some((key, _)) = layout::dict_next(dict, &mut position) {
            if node.is_null() || (*node).key != key.raw() || !is_plain_key(key) {
                return false;
            }
            node = (*node).next;
        }
        node.is_null()
    }
}

/// Whether hashing and comparing a key runs no code of the user's, where other keys are as plain.
#[inline]
pub(crate) fn is_plain_key(key: Obj<'_>) -> bool {
    matches!(key.exact(), Exact::Str | Exact::Int | Exact::Bytes | Exact::Float)
}

/// A new OrderedDict.
pub(crate) fn new() -> Py {
    // SAFETY: a new reference or null.
    unsafe { Own::take(PyODict_New()) }
}

/// What an OrderedDict itself does for `dict[key] = value`.
#[inline]
pub(crate) fn set(dict: Obj<'_>, key: Obj<'_>, value: Obj<'_>) -> Py<()> {
    // SAFETY: an OrderedDict, as callers see to.
    done(unsafe { PyODict_SetItem(dict.raw(), key.raw(), value.raw()) })
}

/// Whether this file is true here.
pub(super) fn agrees() -> Py<bool> {
    let samples = super::run(
        c"
from collections import OrderedDict
def made(*names):
    return OrderedDict((name, name) for name in names)
yes = [made(), made('a'), made('a', 'b', 'c'), made(*map(str, range(100))), made('a', 'b')]
del yes[2]['b'], yes[3]['7']
yes[2]['b'] = 1
yes[4].attribute = 1
del yes[4].attribute
no = [made('a', 'b'), made('a', 'b'), made('a', 'b'), made('a', 'b')]
no[0].move_to_end('a')
no[1].attribute = 1
dict.__setitem__(no[2], 'c', 1)
no[3][()] = 1
changed = [made('a', 'b'), made('a', 'b')]
",
    )?;
    let all = |name| samples.obj().item_of(name).map(|found| found.obj().list_items());
    for (name, expected) in [(c"yes", true), (c"no", false)] {
        for dict in all(name)? {
            if !is_ordered(dict.obj().class()) || is_in_order(dict.obj()) != expected {
                return Ok(false);
            }
        }
    }
    let key = super::name(c"a")?;
    for dict in all(c"changed")? {
        let before = version(dict.obj());
        set(dict.obj(), key.obj(), key.obj())?;
        if version(dict.obj()) != before {
            return Ok(false);
        }
        dict.obj().attr(c"move_to_end")?.obj().call1(key.obj())?;
        if version(dict.obj()) == before {
            return Ok(false);
        }
    }
    Ok(true)
}

unsafe extern "C" {
    static mut PyODict_Type: ffi::PyTypeObject;
    fn PyODict_New() -> *mut ffi::PyObject;
    fn PyODict_SetItem(dict: *mut ffi::PyObject, key: *mut ffi::PyObject, value: *mut ffi::PyObject)
    -> std::ffi::c_int;
}
