//! Instances of plain classes, and their state written to where their attributes are kept: into inline values or slots.
//!
//! A class is plain if what `object` does is all that happens when an instance is made, an attribute is looked up, or a
//! state is set. The layouts are those of CPython 3.11 to 3.13; `find_getter` compares them with the public functions.

#[cfg(Py_3_13)]
use std::ffi::c_void;
use std::ptr;

use pyo3_ffi as ffi;

use super::layout::slot_offset;
use super::shape::entries_of_keys;
use super::typing::{lookup, version};
use super::{Chars, Exact, Obj, Own, Py, Raised, done};

/// How attributes are kept that a state may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the instance's `__dict__`, or what stands for it.
    Dict,
    /// In slots.
    Slots,
}

/// Keys of a state in their order, and where their values go.
struct Sequence {
    place: Place,
    /// Each key as it came, and as an attribute's name.
    keys: Vec<(Own, Own)>,
    /// Positions among the inline values, or offsets in bytes; none if they are not known.
    targets: Vec<usize>,
}

/// What is known of a plain class.
///
/// It does not keep the class alive: whoever asks for a plan has the class in hand.
pub(crate) struct Plan {
    class: usize,
    /// A weak reference to the class, which tells it from another that came to lie there.
    weak: Own,
    version: u32,
    /// Whether the class is known to be as it was.
    sure: bool,
    has_values: bool,
    sequences: Vec<Sequence>,
}

/// More kinds of state than that are not remembered.
const MOST: usize = 8;

impl Plan {
    /// What is known of a class, if it is plain. `getter` is what `find_getter` found.
    pub(crate) fn of(class: Obj<'_>, names: &crate::state::Names, getter: Option<usize>) -> Py<Option<Plan>> {
        if cfg!(any(Py_3_14, Py_GIL_DISABLED)) || !class.is_type() {
            return Ok(None);
        }
        // SAFETY: a type that is alive; names are interned str.
        unsafe {
            let kind = class.raw().cast::<ffi::PyTypeObject>();
            let base = &raw mut ffi::PyBaseObject_Type;
            let is_plain = (*kind).tp_new.map(|new| new as usize) == (*base).tp_new.map(|new| new as usize)
                && (*kind).tp_getattro.map(|get| get as usize) == (*base).tp_getattro.map(|get| get as usize)
                && (*kind).tp_setattro.map(|set| set as usize) == (*base).tp_setattro.map(|set| set as usize)
                && ffi::PyType_HasFeature(kind, ffi::Py_TPFLAGS_HEAPTYPE) != 0
                && ffi::PyType_HasFeature(kind, ffi::Py_TPFLAGS_IS_ABSTRACT) == 0
                && lookup(class, names.setstate.obj()).is_none();
            if !is_plain {
                return Ok(None);
            }
            let has_values =
                getter.is_some() && lookup(class, names.dict.obj()).and_then(getter_of) == getter && keeps_values(kind);
            let Some(version) = version(class) else { return Ok(None) };
            let weak = Own::take(ffi::PyWeakref_NewRef(class.raw(), ptr::null_mut()))?;
            let class = class.address();
            Ok(Some(Plan { class, weak, version, sure: true, has_values, sequences: Vec::new() }))
        }
    }

    /// User code has run.
    pub(crate) fn doubt(&mut self) {
        self.sure = false;
    }

    /// Whether it is the plan of this class, as it is.
    #[inline]
    pub(crate) fn is_for(&self, class: Obj<'_>) -> bool {
        self.sure && self.class == class.address()
    }

    /// As `is_for`, but looks whether the class is as it was.
    pub(crate) fn is_sure_for(&mut self, class: Obj<'_>) -> bool {
        if self.class != class.address() {
            return false;
        }
        // SAFETY: a type that is alive, and a weak reference.
        self.sure = self.sure
            || unsafe {
                version(class) == Some(self.version) && ffi::PyWeakref_GetObject(self.weak.raw()) == class.raw()
            };
        self.sure
    }

    /// Whether the class is no more, or no longer as it was.
    pub(crate) fn is_stale(&self) -> bool {
        // SAFETY: a weak reference; None if the class is no more.
        let class = unsafe { ffi::PyWeakref_GetObject(self.weak.raw()) };
        // SAFETY: it is alive, for it was just found.
        class as usize != self.class || unsafe { Obj::borrowed(class) }.and_then(version) != Some(self.version)
    }

    pub(crate) fn is_of(&self, object: Obj<'_>) -> bool {
        object.type_raw() as usize == self.class
    }

    /// Whether a state can be written into this kind of place.
    pub(crate) fn has(&self, place: Place) -> bool {
        match place {
            Place::Dict => self.has_values,
            Place::Slots => true,
        }
    }

    /// `class.__new__(class)`, for the class that it is for.
    #[inline]
    pub(crate) fn make(&self, class: Obj<'_>) -> Py {
        debug_assert!(self.is_for(class));
        // SAFETY: a type whose `__new__` is `object`'s.
        unsafe {
            let kind = class.raw().cast::<ffi::PyTypeObject>();
            // What `object` does beside is to make place for attributes, before Python 3.13.
            if cfg!(Py_3_13) || (*kind).tp_dictoffset == 0 {
                return match (*kind).tp_alloc {
                    Some(alloc) => Own::take(alloc(kind, 0)),
                    None => Err(Raised),
                };
            }
            match ffi::PyBaseObject_Type.tp_new {
                Some(new) => {
                    let none = Own::take(ffi::PyTuple_New(0))?;
                    Own::take(new(kind, none.raw(), ptr::null_mut()))
                }
                None => Err(Raised),
            }
        }
    }

    /// Moves keys and values from `from` up into an instance of the class that has no state yet; tells by which sequence it
    /// did, or that it cannot. `promised`: somebody may ask for earlier states, with
    /// the very keys that they came with.
    pub(crate) fn store(
        &mut self,
        place: Place,
        object: Obj<'_>,
        stack: &mut Vec<Own>,
        from: usize,
        promised: bool,
    ) -> Py<Option<usize>> {
        let fits = |sequence: &mut Sequence| {
            let pairs = &stack[from..];
            sequence.place == place
                && pairs.len() == 2 * sequence.keys.len()
                && pairs
                    .iter()
                    .step_by(2)
                    .zip(&mut sequence.keys)
                    .all(|(key, known)| is_same(key, &mut known.0, !promised))
        };
        let Some(index) = self.sequences.iter_mut().position(fits) else {
            return self.learn(place, object, stack, from);
        };
        let sequence = &self.sequences[index];
        if sequence.targets.is_empty() {
            set_attributes(object, &sequence.keys, stack, from)?;
            return Ok(Some(index));
        }
        let targets = &sequence.targets;
        // SAFETY: an instance of the class, whose layout is known; each value is moved to its place.
        unsafe {
            match place {
                Place::Dict => {
                    let Some(values) = Values::of(object.raw()) else { return Ok(None) };
                    for (pair, target) in stack[from..].chunks_exact(2).zip(targets) {
                        values.add(*target, pair[1].raw());
                        ffi::Py_DECREF(pair[0].raw());
                    }
                    stack.set_len(from);
                }
                Place::Slots => {
                    let start = object.raw().cast::<u8>();
                    if !targets.iter().all(|offset| (*start.add(*offset).cast::<*mut ffi::PyObject>()).is_null()) {
                        return Ok(None);
                    }
                    for (pair, offset) in stack[from..].chunks_exact(2).zip(targets) {
                        *start.add(*offset).cast::<*mut ffi::PyObject>() = pair[1].raw();
                        ffi::Py_DECREF(pair[0].raw());
                    }
                    stack.set_len(from);
                }
            }
        }
        Ok(Some(index))
    }

    /// As `store`, for keys that are new.
    #[cold]
    fn learn(&mut self, place: Place, object: Obj<'_>, stack: &mut Vec<Own>, from: usize) -> Py<Option<usize>> {
        let class = object.class();
        if self.sequences.len() >= MOST {
            return Ok(None);
        }
        let (mut keys, mut targets) = (Vec::new(), Vec::new());
        for key in stack[from..].iter().step_by(2) {
            if key.obj().exact() != Exact::Str {
                return Ok(None);
            }
            let name = key.obj().interned();
            if keys.iter().any(|(_, other): &(Own, Own)| other.raw() == name.raw()) {
                return Ok(None);
            }
            let found = lookup(class, name.obj());
            match place {
                Place::Dict => {
                    // SAFETY: an object that the type holds, and its own type.
                    if found.is_some_and(|found| unsafe { (*found.type_raw()).tp_descr_set.is_some() }) {
                        return Ok(None);
                    }
                }
                Place::Slots => match found.and_then(|member| slot_offset(member, class)) {
                    Some(offset) => targets.push(offset),
                    None => return Ok(None),
                },
            }
            keys.push((key.clone(), name));
        }
        // SAFETY: an instance of the class.
        if place == Place::Dict && unsafe { Values::of(object.raw()) }.is_none() {
            return Ok(None);
        }
        set_attributes(object, &keys, stack, from)?;
        if place == Place::Dict {
            // SAFETY: the type has shared keys, as `keeps_values` found; a new key is among them after it was set.
            unsafe {
                let entries = entries_of_keys((*class.raw().cast::<ffi::PyHeapTypeObject>()).ht_cached_keys.cast());
                for (_, name) in &keys {
                    let Some(index) = (0..entries.count).find(|index| entries.key(*index) == name.raw()) else {
                        break;
                    };
                    targets.push(index);
                }
            }
            if targets.len() < keys.len() {
                // The class has more attributes than it shares: they are in the `__dict__`.
                targets.clear();
            }
        }
        let index = self.sequences.len();
        self.sequences.push(Sequence { place, keys, targets });
        Ok(Some(index))
    }

    /// The state that an instance was given by a sequence, as a dict; the instance has not changed since.
    pub(crate) fn state_of(&self, object: Obj<'_>, sequence: usize) -> Py {
        let sequence = &self.sequences[sequence];
        // SAFETY: an instance of the class.
        unsafe {
            if sequence.place == Place::Dict {
                let dict = Own::take(ffi::PyObject_GenericGetDict(object.raw(), ptr::null_mut()))?;
                // With the keys as they came, not as the names that they became.
                let state = super::dict()?;
                for (key, name) in &sequence.keys {
                    if let Some(value) = dict.obj().dict_get(name.obj())? {
                        state.obj().set_item(key.obj(), value)?;
                    }
                }
                return Ok(state);
            }
            let state = super::dict()?;
            for ((key, _), offset) in sequence.keys.iter().zip(&sequence.targets) {
                let value = *object.raw().cast::<u8>().add(*offset).cast::<*mut ffi::PyObject>();
                if let Some(value) = Obj::borrowed(value) {
                    state.obj().set_item(key.obj(), value)?;
                }
            }
            Ok(state)
        }
    }
}

/// Sets attributes of an instance as `object` does, which meets no descriptor of the user's here.
fn set_attributes(object: Obj<'_>, keys: &[(Own, Own)], stack: &mut Vec<Own>, from: usize) -> Py<()> {
    for ((_, name), pair) in keys.iter().zip(stack[from..].chunks_exact(2)) {
        // SAFETY: all are alive.
        done(unsafe { ffi::PyObject_GenericSetAttr(object.raw(), name.raw(), pair[1].raw()) })?;
    }
    stack.truncate(from);
    Ok(())
}

/// Whether a key is the known one, which may be replaced by it where it is another str with the same text.
#[inline]
fn is_same(key: &Own, known: &mut Own, may_replace: bool) -> bool {
    if key.raw() == known.raw() {
        return true;
    }
    if !may_replace {
        return false;
    }
    if key.obj().exact() != Exact::Str {
        return false;
    }
    match (key.obj().chars(), known.obj().chars()) {
        (Ok(Chars::Ascii(one)), Ok(Chars::Ascii(other))) if one == other => {}
        _ => return false,
    }
    *known = key.clone();
    true
}

/// The C function that gets an attribute, if `descriptor` is one that C made.
fn getter_of(descriptor: Obj<'_>) -> Option<usize> {
    // SAFETY: its type says what it is.
    unsafe {
        if descriptor.type_raw() != &raw mut ffi::PyGetSetDescr_Type {
            return None;
        }
        (*(*descriptor.raw().cast::<ffi::PyGetSetDescrObject>()).d_getset).get.map(|get| get as usize)
    }
}

/// Whether instances keep values inline, by keys that the class shares.
///
/// # Safety
/// A heap type that is alive.
unsafe fn keeps_values(kind: *mut ffi::PyTypeObject) -> bool {
    #[cfg(Py_3_13)]
    const FLAG: std::ffi::c_ulong = 1 << 2;
    #[cfg(not(Py_3_13))]
    const FLAG: std::ffi::c_ulong = 1 << 4;
    // SAFETY: as the caller says.
    cfg!(Py_3_11)
        && unsafe {
            ffi::PyType_HasFeature(kind, FLAG) != 0 && !(*kind.cast::<ffi::PyHeapTypeObject>()).ht_cached_keys.is_null()
        }
}

/// The inline values of an instance, none of them set.
struct Values {
    start: *mut *mut ffi::PyObject,
    /// Where the order of insertion begins.
    order: *mut u8,
    count: *mut u8,
}

impl Values {
    /// # Safety
    /// An instance of a class that `keeps_values`.
    #[inline]
    #[cfg(Py_3_13)]
    unsafe fn of(object: *mut ffi::PyObject) -> Option<Values> {
        // SAFETY: as the caller says: behind the header stand capacity, count, two flags, the values, and their order; three
        // words before it, the dict if there is one.
        unsafe {
            let head = object.add(1).cast::<u8>();
            let [capacity, count, embedded, valid] = *head.cast::<[u8; 4]>();
            let dict = *object.cast::<*mut c_void>().sub(3);
            if !dict.is_null() || count != 0 || embedded != 1 || valid != 1 {
                return None;
            }
            let start = head.add(8).cast::<*mut ffi::PyObject>();
            Some(Values { start, order: start.add(usize::from(capacity)).cast(), count: head.add(1) })
        }
    }

    /// # Safety
    /// An instance of a class that `keeps_values`.
    #[inline]
    #[cfg(all(Py_3_11, not(Py_3_13)))]
    unsafe fn of(object: *mut ffi::PyObject) -> Option<Values> {
        // SAFETY: as the caller says: before the values stand the length of what is before them, their count, and downwards
        // from there their order.
        unsafe {
            #[cfg(Py_3_12)]
            let start = {
                let word = *object.cast::<usize>().sub(3);
                if word & 1 == 0 {
                    return None;
                }
                (word + 1) as *mut *mut ffi::PyObject
            };
            #[cfg(not(Py_3_12))]
            let start = {
                let (values, dict) = (*object.cast::<usize>().sub(4), *object.cast::<usize>().sub(3));
                if values == 0 || dict != 0 {
                    return None;
                }
                values as *mut *mut ffi::PyObject
            };
            let count = start.cast::<u8>().sub(2);
            (*count == 0).then_some(Values { start, order: count, count })
        }
    }

    #[cfg(not(Py_3_11))]
    unsafe fn of(_: *mut ffi::PyObject) -> Option<Values> {
        None
    }

    /// Sets a value, which is moved.
    ///
    /// # Safety
    /// The position is one of the class's keys, and not set.
    #[inline]
    unsafe fn add(&self, position: usize, value: *mut ffi::PyObject) {
        // SAFETY: as the caller says.
        unsafe {
            *self.start.add(position) = value;
            let count = usize::from(*self.count);
            #[cfg(Py_3_13)]
            let place = self.order.add(count);
            #[cfg(not(Py_3_13))]
            let place = self.order.sub(count + 1);
            *place = position as u8;
            *self.count += 1;
        }
    }
}

/// What makes `__dict__` of a class made by `class`, if the layout of its instances is as it is taken to be here.
pub(crate) fn find_getter(names: &crate::state::Names) -> Option<usize> {
    if !cfg!(all(Py_3_11, not(Py_3_14), not(Py_GIL_DISABLED))) {
        return None;
    }
    let try_it = || -> Py<Option<usize>> {
        let bases = super::tuple(&[])?;
        let class = super::import(c"builtins")?
            .obj()
            .attr(c"type")?
            .obj()
            .call(super::tuple(&[super::str_of("Probe")?, bases, super::dict()?])?.obj(), None)?;
        let getter = lookup(class.obj(), names.dict.obj()).and_then(getter_of);
        let Some(mut plan) = Plan::of(class.obj(), names, getter)? else { return Ok(None) };
        if !plan.has_values {
            return Ok(None);
        }
        let keys = [super::name(c"one")?, super::name(c"two")?, super::name(c"three")?];
        for order in [[0, 1, 2], [0, 1, 2], [2, 0, 1], [2, 0, 1]] {
            let object = plan.make(class.obj())?;
            let mut stack = Vec::new();
            for index in order {
                stack.extend([keys[index].clone(), super::float(index as f64 + 0.5)?]);
            }
            let given: Vec<Own> = stack.clone();
            let stored = plan.store(Place::Dict, object.obj(), &mut stack, 0, false)?;
            if stored.is_none() || !stack.is_empty() {
                return Ok(None);
            }
            for pair in given.chunks_exact(2) {
                if object.obj().attr_obj(pair[0].obj())?.raw() != pair[1].raw() {
                    return Ok(None);
                }
            }
            let dict = object.obj().attr_obj(names.dict.obj())?;
            let mut position = 0;
            let mut found = Vec::new();
            while let Some((key, value)) = dict.obj().dict_next(&mut position) {
                found.extend([key, value]);
            }
            if found.len() != given.len() || !found.iter().zip(&given).all(|(one, other)| one.raw() == other.raw()) {
                return Ok(None);
            }
        }
        Ok(getter)
    };
    try_it().unwrap_or_else(|Raised| {
        super::clear();
        None
    })
}
