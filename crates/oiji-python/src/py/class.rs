//! Classes, functions and a module made of safe Rust: what Python calls, turned into calls of ours.
//!
//! An instance is Python's header, one slot for a member of Python's own kind, and the Rust value. Its cells may be looked
//! at while user code runs below us; nothing here is given out as `&mut`.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use pyo3_ffi as ffi;

use super::{Kind, Obj, Own, Py, Raised, raise};
use crate::state::State;

/// The module's definition, which marks its classes.
static mut DEFINITION: ffi::PyModuleDef = ffi::PyModuleDef {
    m_base: ffi::PyModuleDef_HEAD_INIT,
    m_name: c"_oiji".as_ptr(),
    m_doc: c"Python's pickle, in Rust.".as_ptr(),
    m_size: size_of::<Option<Rc<State>>>() as isize,
    m_methods: ptr::null_mut(),
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: Some(free_module),
};

/// What Python calls to import the module. The slots must stay for good: they are leaked, once.
#[unsafe(no_mangle)]
extern "C" fn PyInit__oiji() -> *mut ffi::PyObject {
    // SAFETY: Python holds a lock while it calls this; the definition is filled before it is given away.
    unsafe {
        let definition = &raw mut DEFINITION;
        if (*definition).m_slots.is_null() {
            let slots = vec![
                ffi::PyModuleDef_Slot { slot: ffi::Py_mod_exec, value: exec as *mut c_void },
                #[cfg(Py_3_12)]
                ffi::PyModuleDef_Slot {
                    slot: ffi::Py_mod_multiple_interpreters,
                    value: ffi::Py_MOD_PER_INTERPRETER_GIL_SUPPORTED,
                },
                ffi::PyModuleDef_Slot { slot: 0, value: ptr::null_mut() },
            ];
            (*definition).m_methods = Box::leak(crate::types::functions().into_boxed_slice()).as_mut_ptr();
            (*definition).m_slots = Box::leak(slots.into_boxed_slice()).as_mut_ptr();
        }
        ffi::PyModuleDef_Init(definition)
    }
}

unsafe extern "C" fn exec(module: *mut ffi::PyObject) -> c_int {
    let work = || -> Py<()> {
        // SAFETY: Python gives its own module, with zeroed state of our size.
        let module = unsafe { Obj::borrowed(module) }.ok_or(Raised)?;
        let mut state = State::new()?;
        if !crate::proof::holds(&mut state) {
            state.go_slowly();
        }
        let state = Rc::new(state);
        // SAFETY: as above; all zeros are `None`, which has nothing to drop.
        unsafe { ffi::PyModule_GetState(module.raw()).cast::<Option<Rc<State>>>().write(Some(state.clone())) };
        let version = super::str_of(env!("CARGO_PKG_VERSION"))?;
        module.set_attr(super::name(c"__version__")?.obj(), version.obj())?;
        state.set_classes(crate::types::classes(module)?);
        Ok(())
    };
    match work() {
        Ok(()) => 0,
        Err(Raised) => -1,
    }
}

unsafe extern "C" fn free_module(module: *mut c_void) {
    // SAFETY: the module's own state, zeroed or written by `exec`.
    unsafe {
        let state = ffi::PyModule_GetState(module.cast()).cast::<Option<Rc<State>>>();
        if !state.is_null() {
            drop(state.replace(None));
        }
    }
}

/// The state of a module of ours.
fn state_of_module(module: Obj<'_>) -> Py<Rc<State>> {
    // SAFETY: it is our module, as callers see to.
    let state = unsafe { ffi::PyModule_GetState(module.raw()).cast::<Option<Rc<State>>>().as_ref() };
    match state.and_then(Option::as_ref) {
        Some(state) => Ok(state.clone()),
        None => raise(Kind::Runtime, "the module is not imported whole"),
    }
}

/// A class of Python that a Rust type is.
pub(crate) trait Class: Sized + 'static {
    /// Its whole name, `oiji.Pickler`.
    const NAME: &'static CStr;
    /// Its docstring, which begins with its signature.
    const DOC: &'static CStr;
    /// Whether Python may make instances and subclasses.
    const OPEN: bool;
    /// The name of the member that Python keeps by itself, if there is one.
    const MEMBER: Option<&'static CStr> = None;

    /// What an instance is before `__init__`.
    fn new(state: Rc<State>) -> Self;
    /// `__init__`.
    fn init(_this: This<'_, Self>, _args: Args<'_>) -> Py<()> {
        Ok(())
    }
    /// Gives each object that is held.
    fn visit(&self, visit: &mut dyn FnMut(Obj<'_>));
    /// Lets go of each object that is held.
    fn clear(&self);
    /// An attribute that stands before all others.
    fn own_attribute(&self, _name: Obj<'_>) -> Option<Own> {
        None
    }
    /// Sets or deletes such an attribute; tells whether it is one.
    fn set_own_attribute(&self, _name: Obj<'_>, _value: Option<Obj<'_>>) -> Py<bool> {
        Ok(false)
    }
    /// Its methods, each made by `method!`.
    fn methods() -> Vec<ffi::PyMethodDef>;
    /// Its attributes, each made by `attribute!`.
    fn attributes() -> Vec<ffi::PyGetSetDef> {
        Vec::new()
    }
}

/// How an instance lies in memory.
#[repr(C)]
struct Instance<T> {
    head: ffi::PyObject,
    member: *mut ffi::PyObject,
    body: T,
}

/// An instance of one of our classes.
pub(crate) struct This<'a, T> {
    object: Obj<'a>,
    body: &'a T,
}

impl<T> Clone for This<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for This<'_, T> {}

impl<T> std::ops::Deref for This<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.body
    }
}

impl<'a, T: Class> This<'a, T> {
    /// # Safety
    /// `object` is an instance of `T`'s class or a subclass, alive for `'a`.
    unsafe fn of(object: *mut ffi::PyObject) -> This<'a, T> {
        // SAFETY: as the caller says.
        unsafe {
            let object = Obj::borrowed(object).unwrap_unchecked();
            This { object, body: &(*object.raw().cast::<Instance<T>>()).body }
        }
    }

    pub(crate) fn obj(self) -> Obj<'a> {
        self.object
    }

    /// What stands in the member that Python keeps.
    pub(crate) fn member(self) -> Option<Own> {
        // SAFETY: the slot holds a reference or null.
        unsafe { Obj::borrowed((*self.object.raw().cast::<Instance<T>>()).member).map(Obj::own) }
    }

    /// Whether its type is the class itself, and no subclass.
    pub(crate) fn is_exact(self) -> bool {
        // SAFETY: it is alive.
        unsafe { is_ours(self.object.type_raw()) }
    }
}

/// A new instance of a class that `classes` made.
pub(crate) fn instance<T: Class>(class: Obj<'_>, body: T) -> Py {
    // SAFETY: the class is `T`'s, as callers see to; the place is written before anybody sees it.
    unsafe {
        let kind = class.raw().cast::<ffi::PyTypeObject>();
        let made = ffi::PyType_GenericAlloc(kind, 0);
        if made.is_null() {
            return Err(Raised);
        }
        (&raw mut (*made.cast::<Instance<T>>()).body).write(body);
        Own::take(made)
    }
}

/// The Rust value of an object whose class is `T`'s or a subclass.
pub(crate) fn of_class<'a, T: Class>(object: Obj<'a>) -> Py<This<'a, T>> {
    // SAFETY: it is alive, and so are its type and the bases of that.
    unsafe {
        let mut kind = object.type_raw();
        while !kind.is_null() {
            if (*kind).tp_methods == table::<T>() {
                return Ok(This::of(object.raw()));
            }
            kind = (*kind).tp_base;
        }
    }
    raise(Kind::Type, "not an instance of the class")
}

/// The Rust value of an object, if its class is `T`'s.
pub(crate) fn downcast<'a, T: Class>(object: Obj<'a>) -> Option<This<'a, T>> {
    // SAFETY: it is alive; only the class has this table.
    unsafe {
        let is = (*object.type_raw()).tp_methods == table::<T>();
        is.then(|| This::of(object.raw()))
    }
}

/// # Safety
/// A type that is alive.
unsafe fn is_ours(kind: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: as the caller says.
    unsafe {
        let module = ffi::PyType_GetModule(kind);
        if module.is_null() {
            ffi::PyErr_Clear();
            return false;
        }
        ffi::PyModule_GetDef(module) == &raw mut DEFINITION
    }
}

unsafe extern "C" fn new_instance<T: Class>(
    kind: *mut ffi::PyTypeObject,
    _args: *mut ffi::PyObject,
    _kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: Python gives a type that inherits ours; one of its bases is ours itself.
    unsafe {
        let mut ours = kind;
        while !is_ours(ours) {
            ours = (*ours).tp_base;
            if ours.is_null() {
                let _: Py<()> = raise(Kind::Type, "no class of oiji");
                return ptr::null_mut();
            }
        }
        let Some(module) = Obj::borrowed(ffi::PyType_GetModule(ours)) else { return ptr::null_mut() };
        let Ok(state) = state_of_module(module) else { return ptr::null_mut() };
        let Some(alloc) = (*kind).tp_alloc else { return ptr::null_mut() };
        let made = alloc(kind, 0);
        if !made.is_null() {
            (&raw mut (*made.cast::<Instance<T>>()).body).write(T::new(state));
        }
        made
    }
}

unsafe extern "C" fn init<T: Class>(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: Python gives an instance, a tuple, and a dict or null.
    let result = unsafe { Args::called(args, kwargs).and_then(|args| T::init(This::of(object), args)) };
    match result {
        Ok(()) => 0,
        Err(Raised) => -1,
    }
}

unsafe extern "C" fn dealloc<T: Class>(object: *mut ffi::PyObject) {
    // SAFETY: nobody has the instance any more; its type goes after it.
    unsafe {
        ffi::PyObject_GC_UnTrack(object.cast());
        let kind = ffi::Py_TYPE(object);
        let instance = object.cast::<Instance<T>>();
        ffi::Py_CLEAR(&raw mut (*instance).member);
        ptr::drop_in_place(&raw mut (*instance).body);
        if let Some(free) = (*kind).tp_free {
            free(object.cast());
        }
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn traverse<T: Class>(object: *mut ffi::PyObject, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the collector gives an instance that is alive, and runs no user code meanwhile.
    unsafe {
        let instance = &*object.cast::<Instance<T>>();
        let mut status = visit(ffi::Py_TYPE(object).cast(), arg);
        if status == 0 && !instance.member.is_null() {
            status = visit(instance.member, arg);
        }
        instance.body.visit(&mut |held| {
            if status == 0 {
                status = visit(held.raw(), arg);
            }
        });
        status
    }
}

unsafe extern "C" fn clear<T: Class>(object: *mut ffi::PyObject) -> c_int {
    // SAFETY: as for `traverse`, but what is let go may run user code: cells are emptied first.
    unsafe {
        ffi::Py_CLEAR(&raw mut (*object.cast::<Instance<T>>()).member);
        This::<T>::of(object).clear();
    }
    0
}

unsafe extern "C" fn get_attribute<T: Class>(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: Python gives an instance and a str.
    unsafe {
        if let Some(found) = Obj::borrowed(name).and_then(|name| This::<T>::of(object).own_attribute(name)) {
            return found.into_raw();
        }
        ffi::PyObject_GenericGetAttr(object, name)
    }
}

unsafe extern "C" fn set_attribute<T: Class>(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: as above; the value may be null.
    unsafe {
        let Some(key) = Obj::borrowed(name) else { return -1 };
        match This::<T>::of(object).set_own_attribute(key, Obj::borrowed(value)) {
            Ok(true) => 0,
            Ok(false) => ffi::PyObject_GenericSetAttr(object, name, value),
            Err(Raised) => -1,
        }
    }
}

/// A table for Python, which never goes away.
fn leak<D>(mut all: Vec<D>, end: D) -> *mut c_void {
    all.push(end);
    Box::leak(all.into_boxed_slice()).as_mut_ptr().cast()
}

/// The methods of a class: one table for all interpreters, by which instances are known.
fn table<T: Class>() -> *mut ffi::PyMethodDef {
    static TABLES: Mutex<BTreeMap<TypeId, usize>> = Mutex::new(BTreeMap::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let made = || leak(T::methods(), ffi::PyMethodDef::zeroed()) as usize;
    *tables.entry(TypeId::of::<T>()).or_insert_with(made) as *mut ffi::PyMethodDef
}

/// Makes the class of `T` and puts it into the module.
pub(crate) fn add_class<T: Class>(module: Obj<'_>) -> Py {
    let mut slots = vec![
        ffi::PyType_Slot { slot: ffi::Py_tp_dealloc, pfunc: dealloc::<T> as *mut c_void },
        ffi::PyType_Slot { slot: ffi::Py_tp_traverse, pfunc: traverse::<T> as *mut c_void },
        ffi::PyType_Slot { slot: ffi::Py_tp_clear, pfunc: clear::<T> as *mut c_void },
        ffi::PyType_Slot { slot: ffi::Py_tp_doc, pfunc: T::DOC.as_ptr().cast_mut().cast() },
        ffi::PyType_Slot { slot: ffi::Py_tp_methods, pfunc: table::<T>().cast() },
        ffi::PyType_Slot { slot: ffi::Py_tp_getset, pfunc: leak(T::attributes(), NO_ATTRIBUTE) },
    ];
    if T::OPEN {
        slots.extend([
            ffi::PyType_Slot { slot: ffi::Py_tp_new, pfunc: new_instance::<T> as *mut c_void },
            ffi::PyType_Slot { slot: ffi::Py_tp_init, pfunc: init::<T> as *mut c_void },
            ffi::PyType_Slot { slot: ffi::Py_tp_getattro, pfunc: get_attribute::<T> as *mut c_void },
            ffi::PyType_Slot { slot: ffi::Py_tp_setattro, pfunc: set_attribute::<T> as *mut c_void },
        ]);
    } else {
        slots.push(ffi::PyType_Slot { slot: ffi::Py_tp_hash, pfunc: ffi::PyObject_HashNotImplemented as *mut c_void });
    }
    if let Some(name) = T::MEMBER {
        let member = ffi::PyMemberDef {
            name: name.as_ptr(),
            type_code: ffi::Py_T_OBJECT_EX,
            offset: std::mem::offset_of!(Instance<T>, member) as isize,
            flags: 0,
            doc: ptr::null(),
        };
        let end = ffi::PyMemberDef { name: ptr::null(), type_code: 0, offset: 0, flags: 0, doc: ptr::null() };
        slots.push(ffi::PyType_Slot { slot: ffi::Py_tp_members, pfunc: leak(vec![member], end) });
    }
    slots.push(ffi::PyType_Slot { slot: 0, pfunc: ptr::null_mut() });
    let mut flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_HAVE_GC;
    #[cfg(Py_3_10)]
    {
        flags |= ffi::Py_TPFLAGS_IMMUTABLETYPE;
    }
    if T::OPEN {
        flags |= ffi::Py_TPFLAGS_BASETYPE;
    } else {
        #[cfg(Py_3_10)]
        {
            flags |= ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
        }
    }
    let mut spec = ffi::PyType_Spec {
        name: T::NAME.as_ptr(),
        basicsize: size_of::<Instance<T>>() as c_int,
        itemsize: 0,
        flags: flags as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the slots are those of the class, and end with zeros; what they point to is never freed.
    unsafe {
        let class = Own::take(ffi::PyType_FromModuleAndSpec(module.raw(), &mut spec, ptr::null_mut()))?;
        if T::OPEN && ffi::PyModule_AddType(module.raw(), class.raw().cast()) < 0 {
            return Err(Raised);
        }
        Ok(class)
    }
}

const NO_ATTRIBUTE: ffi::PyGetSetDef =
    ffi::PyGetSetDef { name: ptr::null(), get: None, set: None, doc: ptr::null(), closure: ptr::null_mut() };

/// The arguments of a call.
pub(crate) struct Args<'a> {
    positional: &'a [*mut ffi::PyObject],
    /// A tuple of names, and their values.
    names: Option<Obj<'a>>,
    values: &'a [*mut ffi::PyObject],
    /// Names and values from a dict.
    more: Vec<(Obj<'a>, Obj<'a>)>,
}

impl<'a> Args<'a> {
    /// # Safety
    /// `args` are `count` objects, then the values of the tuple `names`, which may be null.
    pub(crate) unsafe fn vector(args: *const *mut ffi::PyObject, count: isize, names: *mut ffi::PyObject) -> Args<'a> {
        // SAFETY: as the caller says.
        unsafe {
            let positional = if count == 0 { &[][..] } else { std::slice::from_raw_parts(args, count as usize) };
            let names = Obj::<'a>::borrowed(names);
            let named = names.map_or(0, Obj::tuple_len);
            let values = if named == 0 { &[][..] } else { std::slice::from_raw_parts(args.add(count as usize), named) };
            Args { positional, names, values, more: Vec::new() }
        }
    }

    /// # Safety
    /// `args` is a tuple, `kwargs` a dict or null; both stay as they are for `'a`.
    unsafe fn called(args: *mut ffi::PyObject, kwargs: *mut ffi::PyObject) -> Py<Args<'a>> {
        // SAFETY: as the caller says.
        unsafe {
            let count = ffi::PyTuple_GET_SIZE(args);
            let items = (*args.cast::<ffi::PyTupleObject>()).ob_item.as_ptr();
            let mut made = Args::vector(items, count, ptr::null_mut());
            if !kwargs.is_null() {
                let (mut position, mut name, mut value) = (0, ptr::null_mut(), ptr::null_mut());
                while ffi::PyDict_Next(kwargs, &mut position, &mut name, &mut value) != 0 {
                    if let (Some(name), Some(value)) = (Obj::borrowed(name), Obj::borrowed(value)) {
                        made.more.push((name, value));
                    }
                }
            }
            Ok(made)
        }
    }

    /// The argument, where there is but one, without a name.
    #[inline]
    pub(crate) fn alone(&self) -> Option<Obj<'a>> {
        match self.positional {
            // SAFETY: an argument of the call, which holds it for `'a`.
            [object] if self.names.is_none() && self.more.is_empty() => unsafe { Obj::borrowed(*object) },
            _ => None,
        }
    }

    /// One value for each of `names`: the first `by_place` may be given by place, the first `needed` must be given, and the
    /// first `place_only` have no name to callers.
    pub(crate) fn take<const N: usize>(
        self,
        function: &str,
        names: [&str; N],
        by_place: usize,
        needed: usize,
        place_only: usize,
    ) -> Py<[Option<Obj<'a>>; N]> {
        let count = self.positional.len();
        if count > by_place {
            let some = if needed == by_place { "exactly" } else { "at most" };
            let plural = if by_place == 1 { "" } else { "s" };
            let text = format!("{function}() takes {some} {by_place} positional argument{plural} ({count} given)");
            return raise(Kind::Type, &text);
        }
        let mut found = [None; N];
        for (place, object) in found.iter_mut().zip(self.positional) {
            // SAFETY: an argument of the call, which holds it for `'a`.
            *place = unsafe { Obj::borrowed(*object) };
        }
        let given = self.values.iter().enumerate().filter_map(|(index, value)| {
            // SAFETY: as above.
            Some((self.names?.tuple_item(index), unsafe { Obj::borrowed(*value) }?))
        });
        for (name, value) in given.chain(self.more) {
            let chars = name.chars()?;
            let is = |other: &str| matches!(chars, super::Chars::Ascii(text) if text == other.as_bytes());
            match names.iter().position(|other| is(other)).filter(|index| *index >= place_only) {
                None => {
                    let text = name.text()?;
                    let text = format!("{function}() got an unexpected keyword argument '{text}'");
                    return raise(Kind::Type, &text);
                }
                Some(index) if found[index].is_some() => {
                    let text = name.text()?;
                    let place = index + 1;
                    let text = format!("argument for {function}() given by name ('{text}') and position ({place})");
                    return raise(Kind::Type, &text);
                }
                Some(index) => found[index] = Some(value),
            }
        }
        if let Some(missing) = found[..needed].iter().position(Option::is_none) {
            let text = if place_only > missing {
                format!("{function}() takes at least {needed} positional argument ({count} given)")
            } else {
                let (name, place) = (names[missing], missing + 1);
                format!("{function}() missing required argument '{name}' (pos {place})")
            };
            return raise(Kind::Type, &text);
        }
        Ok(found)
    }
}

/// A result for Python: null where an exception is set.
pub(crate) fn given(result: Py) -> *mut ffi::PyObject {
    match result {
        Ok(object) => object.into_raw(),
        Err(Raised) => ptr::null_mut(),
    }
}

/// Calls a function of the module.
///
/// # Safety
/// As Python calls a function of the module with `METH_FASTCALL | METH_KEYWORDS`.
pub(crate) unsafe fn call_function(
    module: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: isize,
    names: *mut ffi::PyObject,
    function: fn(&Rc<State>, Args<'_>) -> Py,
) -> *mut ffi::PyObject {
    // SAFETY: as the caller says.
    unsafe {
        let Some(module) = Obj::borrowed(module) else { return ptr::null_mut() };
        // Borrowed: the module is alive, and its state with it.
        match ffi::PyModule_GetState(module.raw()).cast::<Option<Rc<State>>>().as_ref() {
            Some(Some(state)) => given(function(state, Args::vector(args, count, names))),
            _ => given(raise(Kind::Runtime, "the module is not imported whole")),
        }
    }
}

/// Calls a method.
///
/// # Safety
/// As Python calls a method of the class with `METH_FASTCALL | METH_KEYWORDS`.
pub(crate) unsafe fn call_method<T: Class>(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: isize,
    names: *mut ffi::PyObject,
    method: fn(This<'_, T>, Args<'_>) -> Py,
) -> *mut ffi::PyObject {
    // SAFETY: as the caller says.
    unsafe { given(method(This::of(object), Args::vector(args, count, names))) }
}

/// Reads an attribute.
///
/// # Safety
/// As Python calls the getter of a class.
pub(crate) unsafe fn call_getter<T: Class>(
    object: *mut ffi::PyObject,
    getter: fn(This<'_, T>) -> Py,
) -> *mut ffi::PyObject {
    // SAFETY: as the caller says.
    unsafe { given(getter(This::of(object))) }
}

/// Sets an attribute; nothing for a value deletes it.
///
/// # Safety
/// As Python calls the setter of a class.
pub(crate) unsafe fn call_setter<T: Class>(
    object: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    setter: fn(This<'_, T>, Option<Obj<'_>>) -> Py<()>,
) -> c_int {
    // SAFETY: as the caller says.
    match unsafe { setter(This::of(object), Obj::borrowed(value)) } {
        Ok(()) => 0,
        Err(Raised) => -1,
    }
}

/// The C function of a bound builtin method, and what it is bound to.
pub(crate) fn is_bound_builtin(method: Obj<'_>, object: Obj<'_>, name: &CStr) -> bool {
    // SAFETY: it is alive; a builtin method has a definition with a name.
    unsafe {
        if ffi::PyCFunction_Check(method.raw()) == 0 || ffi::PyCFunction_GetSelf(method.raw()) != object.raw() {
            return false;
        }
        let definition = (*method.raw().cast::<ffi::PyCFunctionObject>()).m_ml;
        CStr::from_ptr((*definition).ml_name) == name
    }
}

/// A function of the module: `function!("loads", loads, "doc")`.
macro_rules! function {
    ($name:literal, $function:path, $doc:expr) => {{
        #[allow(unsafe_code)]
        unsafe extern "C" fn call(
            module: *mut pyo3_ffi::PyObject,
            args: *const *mut pyo3_ffi::PyObject,
            count: isize,
            names: *mut pyo3_ffi::PyObject,
        ) -> *mut pyo3_ffi::PyObject {
            // SAFETY: Python calls it as its flags say.
            unsafe { $crate::py::class::call_function(module, args, count, names, $function) }
        }
        pyo3_ffi::PyMethodDef {
            ml_name: $name.as_ptr(),
            ml_meth: pyo3_ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: call },
            ml_flags: pyo3_ffi::METH_FASTCALL | pyo3_ffi::METH_KEYWORDS,
            ml_doc: $doc.as_ptr(),
        }
    }};
}
pub(crate) use function;

/// A method of a class: `method!(Pickler, "dump", Pickler::dump, "doc")`.
macro_rules! method {
    ($class:ty, $name:literal, $method:path, $doc:expr) => {{
        #[allow(unsafe_code)]
        unsafe extern "C" fn call(
            object: *mut pyo3_ffi::PyObject,
            args: *const *mut pyo3_ffi::PyObject,
            count: isize,
            names: *mut pyo3_ffi::PyObject,
        ) -> *mut pyo3_ffi::PyObject {
            // SAFETY: Python calls it as its flags say.
            unsafe { $crate::py::class::call_method::<$class>(object, args, count, names, $method) }
        }
        pyo3_ffi::PyMethodDef {
            ml_name: $name.as_ptr(),
            ml_meth: pyo3_ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: call },
            ml_flags: pyo3_ffi::METH_FASTCALL | pyo3_ffi::METH_KEYWORDS,
            ml_doc: $doc.as_ptr(),
        }
    }};
}
pub(crate) use method;

/// An attribute of a class: `attribute!(Pickler, "memo", get, set)`.
macro_rules! attribute {
    ($class:ty, $name:literal, $get:path, $set:path) => {{
        #[allow(unsafe_code)]
        unsafe extern "C" fn get(object: *mut pyo3_ffi::PyObject, _: *mut std::ffi::c_void) -> *mut pyo3_ffi::PyObject {
            // SAFETY: Python calls it so.
            unsafe { $crate::py::class::call_getter::<$class>(object, $get) }
        }
        #[allow(unsafe_code)]
        unsafe extern "C" fn set(
            object: *mut pyo3_ffi::PyObject,
            value: *mut pyo3_ffi::PyObject,
            _: *mut std::ffi::c_void,
        ) -> std::ffi::c_int {
            // SAFETY: as above.
            unsafe { $crate::py::class::call_setter::<$class>(object, value, $set) }
        }
        pyo3_ffi::PyGetSetDef {
            name: $name.as_ptr(),
            get: Some(get),
            set: Some(set),
            doc: std::ptr::null(),
            closure: std::ptr::null_mut(),
        }
    }};
}
pub(crate) use attribute;
