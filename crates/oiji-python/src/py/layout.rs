//! What the interpreter's own memory says at once where its functions take a call each: small ints, the entries of dicts
//! and sets, and the attributes of instances that have no dict yet.
//!
//! Each version has its own layout. `agrees` tries all of it against the public functions when the module is imported; where
//! it does not agree, `Layout::known` is false and nobody comes here.

use pyo3_ffi as ffi;

use super::object::prefetch;
#[cfg(Py_3_11)]
use super::shape::Keys;
use super::shape::{Entries, entries_of_keys};
use super::{Chars, Obj, Own, Py, Raised};

/// Whether this interpreter's memory is laid out as this file has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) known: bool,
}

impl Layout {
    /// What holds for the interpreter that runs.
    pub(crate) fn new() -> Layout {
        let known = cfg!(not(any(Py_GIL_DISABLED, Py_3_14, target_endian = "big"))) && agrees().unwrap_or(false);
        super::clear();
        Layout { known }
    }
}

/// The value of an int that fits into one digit.
#[inline]
pub(crate) fn small_int(object: Obj<'_>) -> Option<i64> {
    // SAFETY: an int that is alive, as callers see to, whose digits follow its size.
    unsafe {
        let words = object.raw().cast::<usize>();
        let digit = i64::from(words.add(3).cast::<u32>().read());
        #[cfg(Py_3_12)]
        {
            let tag = words.add(2).read();
            (tag < 16).then(|| digit * (1 - (tag & 3) as i64))
        }
        #[cfg(not(Py_3_12))]
        {
            match words.add(2).read() as isize {
                0 => Some(0),
                1 => Some(digit),
                -1 => Some(-digit),
                _ => None,
            }
        }
    }
}

/// The text of a str that stands right behind its header: of each that is ASCII, but for some of other makers.
#[inline(always)]
pub(crate) fn ascii(object: Obj<'_>) -> Option<&[u8]> {
    const COMPACT: u32 = 1 << 5;
    const ASCII: u32 = 1 << 6;
    // SAFETY: a str that is alive, as callers see to.
    unsafe {
        let head = object.raw().cast::<ffi::PyASCIIObject>();
        let both = (*head).state & (COMPACT | ASCII) == COMPACT | ASCII;
        both.then(|| std::slice::from_raw_parts(head.add(1).cast(), (*head).length as usize))
    }
}

/// The pairs of a dict that has its keys to itself.
pub(crate) struct Pairs<'a> {
    entries: Entries,
    /// How many entries were looked at, as `dict_next` counts.
    pub(crate) position: isize,
    owner: std::marker::PhantomData<&'a ()>,
}

impl<'a> Pairs<'a> {
    /// Those from a position on, until anything may change the dict.
    #[inline(always)]
    pub(crate) fn of(dict: Obj<'a>, position: isize) -> Option<Pairs<'a>> {
        // SAFETY: a dict that is alive, as callers see to.
        unsafe {
            let object = dict.raw().cast::<ffi::PyDictObject>();
            let entries = entries_of_keys((*object).ma_keys.cast());
            (*object).ma_values.is_null().then_some(Pairs { entries, position, owner: std::marker::PhantomData })
        }
    }

    /// Brings the pair near that is so many entries ahead.
    #[inline(always)]
    pub(crate) fn prefetch(&self, ahead: usize) {
        let at = self.position as usize + ahead;
        if at < self.entries.count {
            // SAFETY: there is such an entry.
            let pair = unsafe { (self.entries.key(at), self.entries.value(at)) };
            for object in [pair.0, pair.1] {
                // SAFETY: of a pair that is there, both are alive.
                if let Some(object) = unsafe { Obj::borrowed(object) } {
                    object.prefetch();
                }
            }
        }
    }

    /// Brings near where the entries of a dict lie, or the first of them.
    #[inline(always)]
    pub(crate) fn prefetch_entries(dict: Obj<'_>) {
        // SAFETY: a dict that is alive, as callers see to.
        let keys = unsafe { (*dict.raw().cast::<ffi::PyDictObject>()).ma_keys }.cast::<u8>();
        for line in 0..4 {
            prefetch(keys.wrapping_add(64 * line));
        }
    }

    /// Brings values near, so many at the most.
    #[inline(always)]
    pub(crate) fn prefetch_values(&self, most: usize) {
        for at in 0..self.entries.count.min(most) {
            // SAFETY: there is such an entry.
            prefetch(unsafe { self.entries.value(at) }.cast());
        }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<(Obj<'a>, Obj<'a>)> {
        while (self.position as usize) < self.entries.count {
            let at = self.position as usize;
            self.position += 1;
            // SAFETY: there is such an entry; one without a value was deleted.
            unsafe {
                if let Some(value) = Obj::borrowed(self.entries.value(at)) {
                    return Some((Obj::borrowed(self.entries.key(at))?, value));
                }
            }
        }
        None
    }
}

#[cfg(Py_3_11)]
const ALL_STR: u8 = 1;

/// The next pair of a dict after `position`, as `PyDict_Next` gives it. It is borrowed until anything may change the dict.
#[inline]
pub(crate) fn dict_next<'a>(dict: Obj<'a>, position: &mut isize) -> Option<(Obj<'a>, Obj<'a>)> {
    #[cfg(Py_3_11)]
    // SAFETY: a dict that is alive, as callers see to; `position` is within its entries, or beyond them all.
    unsafe {
        let object = dict.raw().cast::<ffi::PyDictObject>();
        let keys = (*object).ma_keys.cast::<Keys>();
        let values = (*object).ma_values.cast::<u8>();
        if !values.is_null() {
            let attributes = Attributes::of(keys, values);
            let next = attributes.get(*position as usize);
            *position += isize::from(next.is_some());
            return next;
        }
        if (*keys).kind == ALL_STR {
            let entries = entries_of_keys(keys.cast());
            let mut index = *position as usize;
            while index < entries.count {
                let (key, value) = (entries.key(index), entries.value(index));
                index += 1;
                if let Some(value) = Obj::borrowed(value) {
                    *position = index as isize;
                    return Some((Obj::borrowed(key)?, value));
                }
            }
            return None;
        }
    }
    dict.dict_next_borrowed(position)
}

/// Whether a dict has its keys from somewhere that other dicts have theirs from too: one reference stands for all.
pub(crate) fn shares_keys(dict: Obj<'_>) -> bool {
    // SAFETY: a dict that is alive, as callers see to.
    unsafe { !(*dict.raw().cast::<ffi::PyDictObject>()).ma_values.is_null() }
}

/// Where the attributes lie that a dict shows, if it is the dict of an instance that keeps them by itself.
pub(crate) fn values_of(dict: Obj<'_>) -> Option<usize> {
    #[cfg(Py_3_11)]
    {
        // SAFETY: a dict that is alive, as callers see to.
        let values = unsafe { (*dict.raw().cast::<ffi::PyDictObject>()).ma_values };
        (!values.is_null()).then_some(values as usize)
    }
    #[cfg(not(Py_3_11))]
    {
        let _ = dict;
        None
    }
}

/// The attributes that a dict shows, if it is the dict of an instance that keeps them by itself.
#[inline]
pub(crate) fn attributes_of(dict: Obj<'_>) -> Option<Attributes<'_>> {
    #[cfg(Py_3_11)]
    // SAFETY: a dict that is alive, as callers see to.
    unsafe {
        let object = dict.raw().cast::<ffi::PyDictObject>();
        let values = (*object).ma_values.cast::<u8>();
        (!values.is_null()).then(|| Attributes::of((*object).ma_keys.cast(), values))
    }
    #[cfg(not(Py_3_11))]
    {
        let _ = dict;
        None
    }
}

/// The attributes of an instance that keeps them by itself, whether it has a dict or not.
#[inline]
pub(crate) fn attributes(object: Obj<'_>) -> Option<Attributes<'_>> {
    match place(object) {
        Place::Values(values) => Some(values),
        Place::Dict(dict) => attributes_of(dict),
        _ => None,
    }
}

/// Whether a key of a dict is as `test` asks.
pub(crate) fn any_name(dict: Obj<'_>, test: impl Fn(Obj<'_>) -> bool) -> bool {
    let mut position = 0;
    while let Some((key, _)) = dict_next(dict, &mut position) {
        if test(key) {
            return true;
        }
    }
    false
}

/// A set as it lies.
#[repr(C)]
struct Set {
    head: ffi::PyObject,
    fill: isize,
    used: isize,
    mask: isize,
    table: *const SetEntry,
}

#[repr(C)]
struct SetEntry {
    key: *mut ffi::PyObject,
    hash: isize,
}

/// The next element of a set after `position`, borrowed until anything may change the set.
#[inline]
pub(crate) fn set_next<'a>(set: Obj<'a>, position: &mut isize) -> Option<Obj<'a>> {
    // SAFETY: a set that is alive, as callers see to; an entry with hash -1 is one that was taken out.
    unsafe {
        let set = set.raw().cast::<Set>();
        let (table, end) = ((*set).table, (*set).mask + 1);
        let mut at = *position;
        // Most of a table is empty: four places at a time.
        while at + 4 <= end && (0..4).all(|next| (*table.offset(at + next)).key.is_null()) {
            at += 4;
        }
        while at < end {
            let entry = table.offset(at);
            at += 1;
            if let Some(key) = Obj::borrowed((*entry).key)
                && (*entry).hash != -1
            {
                *position = at;
                return Some(key);
            }
        }
        *position = end.max(*position);
        None
    }
}

/// How many elements a set has.
#[inline]
pub(crate) fn set_len(set: Obj<'_>) -> usize {
    // SAFETY: a set that is alive, as callers see to.
    unsafe { (*set.raw().cast::<Set>()).used as usize }
}

/// Brings the table of a set near, or the first of it.
#[inline(always)]
pub(crate) fn prefetch_set(set: Obj<'_>) {
    const MOST: isize = 128;
    const IN_LINE: isize = 64 / size_of::<SetEntry>() as isize;
    // SAFETY: a set that is alive, as callers see to.
    let (table, mask) = unsafe {
        let set = set.raw().cast::<Set>();
        ((*set).table, (*set).mask)
    };
    let (mut at, last) = (0, mask.min(MOST - 1));
    while at <= last {
        prefetch(table.wrapping_offset(at).cast());
        at += IN_LINE;
    }
}

/// Attributes of an instance that has no dict: they lie in the instance, or beside it.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    #[cfg(Py_3_11)]
    keys: *const Keys,
    /// Each name with its value in the table, where there is none: names are str, and have no hash beside them.
    #[cfg(Py_3_11)]
    names: *const [*mut ffi::PyObject; 2],
    #[cfg(Py_3_11)]
    values: *const *mut ffi::PyObject,
    #[cfg(Py_3_11)]
    order: *const u8,
    #[cfg(Py_3_11)]
    address: usize,
    count: usize,
    owner: std::marker::PhantomData<&'a ()>,
}

/// Brings near where the attributes of an instance lie.
#[inline(always)]
pub(crate) fn prefetch_attributes(object: Obj<'_>) {
    match place(object) {
        #[cfg(Py_3_11)]
        Place::Values(values) => {
            prefetch(values.values.cast());
            prefetch(values.values.cast::<u8>().wrapping_add(64));
        }
        Place::Dict(dict) => dict.prefetch(),
        _ => {}
    }
}

/// Brings near what an instance without attributes may have in slots.
#[inline(always)]
pub(crate) fn prefetch_slots(object: Obj<'_>) {
    const MOST: usize = 16;
    const HEAD: usize = size_of::<ffi::PyObject>() / size_of::<usize>();
    // SAFETY: an instance that is alive is as long as its type says; what is no address is none the worse for the hint.
    unsafe {
        let words = (*object.type_raw()).tp_basicsize as usize / size_of::<usize>();
        for at in HEAD..words.min(MOST) {
            prefetch(object.raw().cast::<*const u8>().add(at).read());
        }
    }
}

/// Brings near the attributes that the dict of an instance shows.
#[inline(always)]
pub(crate) fn prefetch_shown(object: Obj<'_>) {
    if let Place::Dict(dict) = place(object)
        && dict.is_dict_exact()
        && let Some(values) = values_of(dict)
    {
        prefetch(values as *const u8);
    }
}

/// Where an instance has its attributes.
pub(crate) enum Place<'a> {
    /// In a dict.
    Dict(Obj<'a>),
    /// Without a dict; never before Python 3.11.
    #[cfg_attr(not(Py_3_11), expect(dead_code))]
    Values(Attributes<'a>),
    /// It has none, and cannot or need not have a dict.
    Nowhere,
    /// Somewhere that is not known here.
    Unknown,
}

/// Where the attributes of an instance of a class made in Python stand.
#[inline]
pub(crate) fn place(object: Obj<'_>) -> Place<'_> {
    // SAFETY: an instance that is alive; the flags of its type say what lies before and in it.
    unsafe {
        let kind = object.type_raw();
        let offset = (*kind).tp_dictoffset;
        if offset == 0 {
            return Place::Nowhere;
        }
        #[cfg(Py_3_11)]
        if (*kind).tp_flags & ffi::Py_TPFLAGS_MANAGED_DICT != 0 {
            return managed(object, kind);
        }
        if offset < 0 {
            return Place::Unknown;
        }
        let dict = object.raw().cast::<u8>().offset(offset).cast::<*mut ffi::PyObject>().read();
        match Obj::borrowed(dict) {
            Some(dict) => Place::Dict(dict),
            None => Place::Nowhere,
        }
    }
}

#[cfg(Py_3_11)]
#[inline]
unsafe fn managed<'a>(object: Obj<'a>, kind: *mut ffi::PyTypeObject) -> Place<'a> {
    // SAFETY: as the caller says, a type with a managed dict.
    unsafe {
        let keys = (*kind.cast::<ffi::PyHeapTypeObject>()).ht_cached_keys.cast::<Keys>().cast_const();
        let before = object.raw().cast::<*mut u8>();
        let attributes = |values: *const u8| {
            if keys.is_null() || (*keys).kind == 0 {
                return Place::Unknown;
            }
            Place::Values(Attributes::of(keys, values))
        };
        #[cfg(Py_3_13)]
        {
            const INLINE_VALUES: std::ffi::c_ulong = 1 << 2;
            if let Some(dict) = Obj::borrowed(before.sub(3).read().cast()) {
                return Place::Dict(dict);
            }
            if (*kind).tp_flags & INLINE_VALUES == 0 {
                return Place::Nowhere;
            }
            let head = object.raw().cast::<u8>().add(size_of::<ffi::PyObject>());
            if head.add(3).read() == 0 {
                return Place::Nowhere;
            }
            attributes(head)
        }
        #[cfg(not(Py_3_13))]
        {
            #[cfg(Py_3_12)]
            let values = {
                let word = before.sub(3).read();
                if word as usize & 1 == 0 {
                    return match Obj::borrowed(word.cast()) {
                        Some(dict) => Place::Dict(dict),
                        None => Place::Nowhere,
                    };
                }
                word.add(1)
            };
            #[cfg(not(Py_3_12))]
            let values = {
                if let Some(dict) = Obj::borrowed(before.sub(3).read().cast()) {
                    return Place::Dict(dict);
                }
                let values = before.sub(4).read();
                if values.is_null() {
                    return Place::Nowhere;
                }
                values
            };
            attributes(values)
        }
    }
}

impl<'a> Attributes<'a> {
    /// # Safety
    /// A table of keys that several share, all of them str, and the values of one of them.
    #[inline]
    #[cfg(Py_3_11)]
    unsafe fn of(keys: *const Keys, values: *const u8) -> Attributes<'a> {
        // SAFETY: as the caller says.
        unsafe {
            let address = values as usize;
            // Before the values stand one byte each: capacity, size, embedded, valid.
            #[cfg(Py_3_13)]
            let (count, capacity, values) = (values.add(1).read(), values.read(), values.add(size_of::<*mut u8>()));
            #[cfg(Py_3_13)]
            let order = values.add(usize::from(capacity) * size_of::<*mut u8>());
            #[cfg(not(Py_3_13))]
            let (count, order) = (values.sub(2).read(), values.sub(3));
            let (values, count, owner) = (values.cast(), usize::from(count), std::marker::PhantomData);
            let names = entries_of_keys(keys.cast_mut().cast()).in_twos().cast_const();
            Attributes { keys, names, values, order, address, count, owner }
        }
    }

    /// Brings values near, so many at the most.
    #[inline(always)]
    pub(crate) fn prefetch_values(&self, most: usize) {
        #[cfg(Py_3_11)]
        for at in 0..self.count.min(most) {
            // SAFETY: there are at least as many places as values.
            prefetch(unsafe { self.values.add(at).read() }.cast());
        }
        #[cfg(not(Py_3_11))]
        let _ = most;
    }

    /// The address of the attributes, by which a dict that is made of them later is known.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        #[cfg(Py_3_11)]
        return self.address;
        #[cfg(not(Py_3_11))]
        return 0;
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Which table it has its names from, as long as that is as it is: names are but added to it.
    #[inline]
    pub(crate) fn table(&self) -> (usize, usize) {
        #[cfg(Py_3_11)]
        // SAFETY: a table of keys that is alive.
        return (self.keys as usize, unsafe { entries_of_keys(self.keys.cast_mut().cast()) }.count);
        #[cfg(not(Py_3_11))]
        return (0, 0);
    }

    /// Whether a name of that table is as `test` asks.
    pub(crate) fn any_of_table(&self, test: impl Fn(Obj<'_>) -> bool) -> bool {
        #[cfg(Py_3_11)]
        // SAFETY: a table of keys that is alive, and entries that it has.
        return unsafe {
            let entries = entries_of_keys(self.keys.cast_mut().cast());
            (0..entries.count).any(|index| Obj::borrowed(entries.key(index)).is_none_or(&test))
        };
        #[cfg(not(Py_3_11))]
        self.any_name(test)
    }

    /// Whether a name is as `test` asks.
    #[inline]
    pub(crate) fn any_name(&self, test: impl Fn(Obj<'_>) -> bool) -> bool {
        (0..self.count).any(|index| self.get(index).is_none_or(|(name, _)| test(name)))
    }

    /// One attribute, in the order in which they were set. It is borrowed until anything may change the instance.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<(Obj<'a>, Obj<'a>)> {
        #[cfg(Py_3_11)]
        // SAFETY: `index` is less than `count`; the order tells places that are filled.
        unsafe {
            if index >= self.count {
                return None;
            }
            #[cfg(Py_3_13)]
            let at = usize::from(self.order.add(index).read());
            #[cfg(not(Py_3_13))]
            let at = usize::from(self.order.sub(index).read());
            let [key, _] = *self.names.add(at);
            Some((Obj::borrowed(key)?, Obj::borrowed(self.values.add(at).read())?))
        }
        #[cfg(not(Py_3_11))]
        {
            let _ = index;
            None
        }
    }
}

/// The offset of a slot of a class, if `member` is the descriptor of one.
pub(crate) fn slot_offset(member: Obj<'_>, class: Obj<'_>) -> Option<usize> {
    // SAFETY: its type says what it is; the class it is of is alive as long as it.
    unsafe {
        if member.type_raw() != &raw mut ffi::PyMemberDescr_Type {
            return None;
        }
        let member = member.raw().cast::<ffi::PyMemberDescrObject>();
        let definition = &*(*member).d_member.cast::<ffi::PyMemberDef>();
        let fits = definition.type_code == ffi::Py_T_OBJECT_EX
            && definition.flags == 0
            && ffi::PyType_IsSubtype(class.raw().cast(), (*member).d_common.d_type) != 0
            && definition.offset >= size_of::<ffi::PyObject>() as isize;
        fits.then_some(definition.offset as usize)
    }
}

/// What stands in a slot, borrowed until anything may change the instance.
#[inline]
pub(crate) fn slot(object: Obj<'_>, offset: usize) -> Option<Obj<'_>> {
    // SAFETY: the offset is that of a slot of its class, as callers see to.
    unsafe { Obj::borrowed(object.raw().cast::<u8>().add(offset).cast::<*mut ffi::PyObject>().read()) }
}

fn is_same_pair(one: Option<(Obj<'_>, Obj<'_>)>, other: Option<(Obj<'_>, Obj<'_>)>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.0.is(other.0) && one.1.is(other.1),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether all of this file is true here: samples are read both ways.
fn agrees() -> Py<bool> {
    for value in [0, 1, -1, 255, 256, 65535, (1 << 30) - 1, 1 - (1 << 30)] {
        if small_int(super::int(value)?.obj()) != Some(value) {
            return Ok(false);
        }
    }
    for value in [1 << 30, -(1 << 30), 1 << 60, i64::MIN] {
        if small_int(super::int(value)?.obj()).is_some() {
            return Ok(false);
        }
    }
    // Classes with attributes set in other orders, deleted, and beyond what one class's instances share.
    let samples = super::run(
        c"
class Plain:
    pass
class Slotted:
    __slots__ = ('first', 'second')
class Both(Slotted):
    pass
def made(cls, *names):
    value = cls()
    for name in names:
        setattr(value, name, name + '!')
    return value
several = [made(Plain, 'a', 'b', 'c'), made(Plain, 'c', 'a'), made(Plain), made(Plain, 'd', 'b', 'e', 'a')]
del several[0].b
several.append(made(Plain, *['n%d' % i for i in range(40)]))
several += [made(Both, 'x', 'first'), made(Slotted, 'second'), made(Both)]
with_dict = made(Plain, 'a', 'c')
with_dict.__dict__
several.append(with_dict)
dicts = [{}, {'a': 1, 'b': 2}, {1: 2, 'a': 3}, dict.fromkeys(map(str, range(300)))]
del dicts[1]['a'], dicts[3]['7']
dicts.append(vars(with_dict))
for value in made(Plain, 'c', 'a'), made(Plain, 'a', 'b', 'c'), made(Plain):
    dicts.append(vars(value))
del dicts[-2]['b']
dicts[-2]['b'] = 1
sets = [set(), {1, 2}, set(range(100)), {'a', 'b'}]
sets[2] -= {5, 6}
",
    )?;
    let all = |name| samples.obj().item_of(name);
    for dict in all(c"dicts")?.obj().list_items() {
        let (mut ours, mut theirs) = (0, 0);
        loop {
            let dict = dict.obj();
            let (before, pair) = (theirs, dict.dict_next_borrowed(&mut theirs));
            if let Some(mut pairs) = Pairs::of(dict, before)
                && !is_same_pair(pairs.next(), pair)
            {
                return Ok(false);
            }
            match (dict_next(dict, &mut ours), pair) {
                (None, None) => break,
                (one, other) if is_same_pair(one, other) => {}
                _ => return Ok(false),
            }
        }
    }
    for text in ["", "ascii", "\u{e9}", "\u{100}", "\u{1f600}"] {
        let object = super::str_of(text)?;
        let expected = match object.obj().chars()? {
            Chars::Ascii(text) => Some(text),
            _ => None,
        };
        if ascii(object.obj()) != expected {
            return Ok(false);
        }
    }
    for set in all(c"sets")?.obj().list_items() {
        let (mut ours, mut theirs) = (0, 0);
        loop {
            match (set_next(set.obj(), &mut ours), set.obj().set_next_borrowed(&mut theirs)) {
                (Some(one), Some(other)) if one.is(other) => {}
                (None, None) => break,
                _ => return Ok(false),
            }
        }
    }
    for object in all(c"several")?.obj().list_items() {
        let object = object.obj();
        let mut found = Vec::new();
        match place(object) {
            Place::Unknown => return Ok(false),
            Place::Nowhere => {}
            Place::Dict(dict) => {
                let mut position = 0;
                while let Some((key, value)) = dict_next(dict, &mut position) {
                    found.push((key.own(), value.own()));
                }
            }
            Place::Values(values) => {
                found.extend(
                    (0..values.len()).filter_map(|at| values.get(at)).map(|(key, value)| (key.own(), value.own())),
                );
            }
        }
        let mut expected = Vec::new();
        // Last: this makes a dict of what had none.
        if let Some(dict) = object.attr_maybe(super::name(c"__dict__")?.obj())? {
            let mut position = 0;
            while let Some((key, value)) = dict.obj().dict_next(&mut position) {
                expected.push((key, value));
            }
        }
        let same =
            |(one, other): (&(Own, Own), &(Own, Own))| one.0.obj().is(other.0.obj()) && one.1.obj().is(other.1.obj());
        if found.len() != expected.len() || !found.iter().zip(&expected).all(same) {
            return Ok(false);
        }
    }
    let class = all(c"Slotted")?;
    let object = all(c"several")?.obj().list_item(6).ok_or(Raised)?;
    for (name, value) in [(c"first", None), (c"second", Some("second!"))] {
        let Some(offset) = slot_offset(class.obj().attr(name)?.obj(), class.obj()) else { return Ok(false) };
        let found = slot(object.obj(), offset).map(|found| found.text()).transpose()?;
        if found.as_deref() != value {
            return Ok(false);
        }
    }
    super::ordered::agrees()
}
