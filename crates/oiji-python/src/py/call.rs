//! Calls of functions and classes made in Python, without what the interpreter puts between the call and the code: a tuple, and
//! for a class the functions that `type` has before `__init__`.

use std::ptr;

use pyo3_ffi as ffi;

use super::decimals::Decimals;
use super::typing::{is_plain_metaclass, lookup};
use super::{Kind, Obj, Own, Py, Raised, raise};

/// There is room for so many arguments, and what `__init__` is called on.
const MOST: usize = 8;

/// What a call comes to.
pub(crate) enum Call<'a> {
    Function(Obj<'a>),
    /// A class that is made as classes mostly are, by `object.__new__`, and its `__init__`.
    Class(Obj<'a>, Obj<'a>),
    /// `decimal.Decimal`, with one argument or none.
    Decimal(&'a Decimals),
}

impl<'a> Call<'a> {
    /// That of a callable, if it is made in Python. `init` is the name `__init__`.
    #[inline]
    pub(crate) fn of(callable: Obj<'a>, init: Obj<'_>) -> Option<Call<'a>> {
        if callable.type_raw() == &raw mut ffi::PyFunction_Type {
            return Some(Call::Function(callable));
        }
        if !is_plain_metaclass(callable) {
            return None;
        }
        // SAFETY: an object whose type is `type` is a class.
        let is_usual = unsafe {
            let (kind, object) = (callable.raw().cast::<ffi::PyTypeObject>(), &raw mut ffi::PyBaseObject_Type);
            (*kind).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE != 0
                && (*kind).tp_new.map(|new| new as usize) == (*object).tp_new.map(|new| new as usize)
        };
        let init = if is_usual { lookup(callable, init) } else { None };
        let init = init.filter(|init| init.type_raw() == &raw mut ffi::PyFunction_Type)?;
        Some(Call::Class(callable, init))
    }

    /// Calls it, with less than `MOST` arguments.
    pub(crate) fn call<'b>(&self, mut args: impl ExactSizeIterator<Item = Obj<'b>>) -> Py {
        let (callable, init) = match *self {
            Call::Function(function) => (function, None),
            // User code may take it out of the class while it runs.
            Call::Class(class, init) => (class, Some(init.own())),
            Call::Decimal(decimals) => return decimals.call(args.next()),
        };
        let mut all = [ptr::null_mut(); MOST];
        let count = args.len();
        all[1..=count].iter_mut().zip(args).for_each(|(place, arg)| *place = arg.raw());
        // SAFETY: all of it is alive, for whoever calls holds callable and arguments. A class does what `type` does.
        unsafe {
            let Some(init) = init else {
                let args = all.as_ptr().add(1);
                return Own::take(ffi::PyObject_Vectorcall(callable.raw(), args, count, ptr::null_mut()));
            };
            let Some(new) = ffi::PyBaseObject_Type.tp_new else { return Err(Raised) };
            let none = Own::take(ffi::PyTuple_New(0))?;
            let object = Own::take(new(callable.raw().cast(), none.raw(), ptr::null_mut()))?;
            all[0] = object.raw();
            let result = Own::take(ffi::PyObject_Vectorcall(init.raw(), all.as_ptr(), 1 + count, ptr::null_mut()))?;
            if result.obj().is_none() {
                return Ok(object);
            }
            let found = super::make::type_name(result.obj());
            raise(Kind::Type, &format!("__init__() should return None, not '{found}'"))
        }
    }
}

/// `callable(*args)`. `init` is the name `__init__`.
pub(crate) fn call_with(callable: Obj<'_>, args: Obj<'_>, init: Obj<'_>) -> Py {
    match Call::of(callable, init) {
        Some(call) if args.is_tuple() && args.tuple_len() < MOST => {
            call.call((0..args.tuple_len()).map(|index| args.tuple_item(index)))
        }
        // SAFETY: both are alive; Python checks that the arguments are a tuple.
        _ => unsafe { Own::take(ffi::PyObject_CallObject(callable.raw(), args.raw())) },
    }
}
