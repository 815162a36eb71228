//! Lists, tuples, dicts and sets, in batches of a thousand as `_pickle` has them.

use crate::py::layout;
use crate::py::{self, Exact, Kind, Obj, Own, Py, near};
use crate::save::{Descent, Saver, Work, code};
use crate::state::shown;

pub(super) const BATCH: usize = 1000;
/// So many items ahead are brought near.
const AHEAD: usize = 64;

/// A list that is being written.
pub(super) struct ListRun {
    list: Own,
    pub(super) next: usize,
    batch: usize,
    single: bool,
}

impl ListRun {
    /// The items that are left of the batch, until anything may change the list.
    #[inline]
    fn left(&self) -> &[Option<Obj<'_>>] {
        let all = self.list.obj().list_slice();
        let most = all.len().min(self.next + BATCH - self.batch);
        &all[self.next.min(most)..most]
    }
}

/// A tuple that is being written.
pub(super) struct TupleRun {
    tuple: Own,
    pub(super) next: usize,
    /// Whether only one other object holds it.
    single: bool,
}

/// A dict that is being written.
pub(super) struct DictRun {
    dict: Own,
    position: isize,
    batch: usize,
    size: usize,
    /// The value whose key is written.
    value: Option<Own>,
    /// Whether its keys are those of other dicts too.
    shared: bool,
}

impl DictRun {
    /// A dict of which so many items are written.
    pub(super) fn resumed(dict: Own, written: usize, size: usize) -> DictRun {
        DictRun { dict, position: written as isize, batch: usize::from(written > 0), size, value: None, shared: true }
    }

    /// The step of a path to the value that is being written.
    pub(super) fn step(&self, attribute: bool) -> String {
        let mut position = 0;
        while let Some((key, _)) = self.dict.obj().dict_next(&mut position) {
            if position != self.position {
                continue;
            }
            if attribute && key.obj().is_str() {
                return format!(".{}", key.obj().text().unwrap_or_default());
            }
            return format!("[{}]", shown(key.obj()));
        }
        String::new()
    }
}

/// A set that is being written.
pub(super) struct SetRun {
    set: Own,
    position: isize,
    batch: usize,
    size: usize,
    /// How many were met.
    met: usize,
}

impl Saver<'_> {
    /// Begins an object that is no atom.
    pub(super) fn container(&mut self, object: Obj<'_>) -> Py<()> {
        match object.exact() {
            Exact::Dict => self.save_dict(object),
            Exact::List => self.save_list(object),
            Exact::Tuple => self.save_tuple(object),
            Exact::Other => self.save_instance(object),
            Exact::Set => self.save_set(object),
            Exact::FrozenSet => self.save_frozenset(object),
            Exact::Bytes => self.save_old_bytes(object),
            Exact::ByteArray => self.save_bytearray(object),
            Exact::PickleBuffer => self.save_picklebuffer(object),
            kind => self.save_object(object, kind),
        }
    }

    fn save_list(&mut self, object: Obj<'_>) -> Py<()> {
        self.fast_enter(object)?;
        if self.bin {
            self.out.buffer.put([code::EMPTY_LIST])?;
        } else {
            self.out.buffer.put([code::MARK, code::LIST])?;
        }
        self.memo_put_unless(self.single, object)?;
        let len = object.list_len();
        if len == 0 {
            return Ok(());
        }
        if !self.bin {
            self.user_code()?;
            let iter = object.iter()?;
            self.push_batch(iter, false);
            return Ok(());
        }
        let single = len == 1;
        if !single {
            self.out.buffer.put([code::MARK])?;
        }
        self.list_run(ListRun { list: object.own(), next: 0, batch: 0, single })
    }

    pub(super) fn list_run(&mut self, mut run: ListRun) -> Py<()> {
        if run.single {
            if run.next == 0 {
                run.next = 1;
                self.boundary()?;
                if let Some(item) = run.list.obj().list_item_borrowed(0)
                    && !self.flat(item, true)?
                {
                    let descent = self.descend(item, true);
                    if !matches!(descent, Descent::Done) {
                        return self.leave(descent, Work::List(run));
                    }
                }
            }
            return self.out.buffer.put([code::APPEND]);
        }
        let mut is_plain = self.swift;
        loop {
            let len = run.list.obj().list_len();
            if run.next > 0 && (run.batch == BATCH || run.next >= len) {
                self.out.buffer.put([code::APPENDS])?;
                if run.next >= len {
                    // The next of its kind may be swift as a whole.
                    self.habits.lists |= is_plain;
                    return Ok(());
                }
                run.batch = 0;
                self.out.buffer.put([code::MARK])?;
            }
            self.boundary()?;
            let Some(item) = run.list.obj().list_item_borrowed(run.next) else {
                // Emptied before its first item was written.
                return self.out.buffer.put([code::APPENDS]);
            };
            run.next += 1;
            run.batch += 1;
            let kind = item.exact();
            if !self.flat(item, true)? {
                is_plain = false;
                if self.known && len >= near::LONG {
                    near::bring(run.list.obj().list_slice(), run.next - 1);
                }
                let descent = self.descend(item, true);
                if !matches!(descent, Descent::Done) {
                    return self.leave(descent, Work::List(run));
                }
                if !self.habits.may_take(kind) {
                    continue;
                }
            } else if matches!(kind, Exact::Int | Exact::Float) && self.bin {
                self.numbers(&mut run, kind)?;
            }
            if self.swift && run.next < len {
                let count = self.swift_items(run.left(), true);
                run.next += count;
                run.batch += count;
            }
        }
    }

    /// Goes on with a list as long as there are numbers of this kind.
    #[inline]
    fn numbers(&mut self, run: &mut ListRun, kind: Exact) -> Py<()> {
        let left = run.left();
        let (mut count, full) = (0, self.out.full());
        match kind {
            Exact::Int if self.known => self.out.buffer.put_ints(INTS, left.len(), full, || {
                let value = small_int((*left.get(count)?)?)?;
                if let Some(Some(ahead)) = left.get(count + AHEAD) {
                    ahead.prefetch();
                }
                count += 1;
                Some(value)
            })?,
            Exact::Float => self.out.buffer.put_floats(code::BINFLOAT, left.len(), full, || {
                let item = (*left.get(count)?).filter(|item| item.exact() == Exact::Float)?;
                count += 1;
                Some(item.as_f64())
            })?,
            _ => {}
        }
        run.next += count;
        run.batch += count;
        Ok(())
    }

    fn save_tuple(&mut self, object: Obj<'_>) -> Py<()> {
        if !(object.tuple_len() <= 3 && self.protocol >= 2) {
            self.out.buffer.put([code::MARK])?;
        }
        let single = self.single;
        self.tuple_run(TupleRun { tuple: object.own(), next: 0, single })
    }

    pub(super) fn tuple_run(&mut self, mut run: TupleRun) -> Py<()> {
        let len = run.tuple.obj().tuple_len();
        let once = run.single || self.compact;
        while run.next < len {
            if self.swift && (len > 3 || run.next == 0) {
                let first = run.next == 0;
                run.next += self.swift_items(&run.tuple.obj().tuple_slice_borrowed()[run.next..], once);
                if run.next == len {
                    // The next of its kind may be swift as a whole.
                    self.habits.tuples |= first;
                    break;
                }
            }
            self.boundary()?;
            let item = run.tuple.obj().tuple_item(run.next);
            run.next += 1;
            if !self.flat(item, once)? {
                let descent = self.descend(item, once);
                if !matches!(descent, Descent::Done) {
                    return self.leave(descent, Work::Tuple(run));
                }
            }
        }
        let short = len <= 3 && self.protocol >= 2;
        let tuple = run.tuple.obj();
        let single = run.single && self.lone;
        if !single && let Some(index) = self.memo.get(tuple) {
            // It was written once more inside itself: that one stays.
            if !short && self.bin {
                self.out.buffer.put([code::POP_MARK])?;
            } else {
                for _ in 0..len + usize::from(!short) {
                    self.out.buffer.put([code::POP])?;
                }
            }
            return self.memo_get(index);
        }
        self.out.buffer.put([match (short, len) {
            (true, 1) => code::TUPLE1,
            (true, 2) => code::TUPLE2,
            (true, _) => code::TUPLE3,
            _ => code::TUPLE,
        }])?;
        self.memo_put_unless(single, tuple)
    }

    pub(super) fn save_dict(&mut self, object: Obj<'_>) -> Py<()> {
        self.fast_enter(object)?;
        if self.bin {
            self.out.buffer.put([code::EMPTY_DICT])?;
        } else {
            self.out.buffer.put([code::MARK, code::DICT])?;
        }
        self.memo_put_unless(self.single, object)?;
        let size = object.dict_len();
        if size == 0 {
            return Ok(());
        }
        if !self.bin {
            self.user_code()?;
            let iter = object.attr_obj(self.st.names.items.obj())?.obj().call0()?.obj().iter()?;
            self.push_batch(iter, true);
            return Ok(());
        }
        if size > 1 {
            self.out.buffer.put([code::MARK])?;
        }
        let shared = layout::shares_keys(object);
        self.dict_run(DictRun { dict: object.own(), position: 0, batch: 0, size, value: None, shared })
    }

    pub(super) fn dict_run(&mut self, mut run: DictRun) -> Py<()> {
        if let Some(value) = run.value.take() {
            // Its key was no atom.
            self.boundary()?;
            run.batch += 1;
            if !self.flat(value.obj(), true)? {
                let descent = self.descend(value.obj(), true);
                if !matches!(descent, Descent::Done) {
                    return self.leave(descent, Work::Dict(run));
                }
            }
        }
        let mut is_plain = self.swift;
        loop {
            let value =
                if self.swift { self.swift_pairs(run.dict.obj(), &mut run.position, &mut run.batch) } else { None };
            if let Some(value) = value {
                self.boundary()?;
                if !self.flat(value, true)? {
                    is_plain = false;
                    let descent = self.descend(value, true);
                    if !matches!(descent, Descent::Done) {
                        return self.leave(descent, Work::Dict(run));
                    }
                }
            }
            if run.batch > 0 {
                if run.size == 1 {
                    return self.out.buffer.put([code::SETITEM]);
                }
                if run.batch == BATCH {
                    self.end_items(&run)?;
                    run.batch = 0;
                    self.out.buffer.put([code::MARK])?;
                }
            }
            let Some((key, value)) = self.dict_next(run.dict.obj(), &mut run.position) else {
                self.habits.dicts |= is_plain;
                return if run.size == 1 { Ok(()) } else { self.end_items(&run) };
            };
            // A file's `write`, which takes a long key, may let the last holder go.
            let _held = self.out.has_file().then(|| value.own());
            let written = !self.out.is_full() && if run.shared { self.flat_key(key)? } else { self.flat(key, true)? };
            if !written {
                // User code may come before the value.
                let (key, value) = (key.own(), value.own());
                self.boundary()?;
                let written = self.flat(key.obj(), false)?;
                run.value = Some(value);
                let descent = if written { Descent::Below(self.work.len()) } else { self.descend(key.obj(), false) };
                return self.leave(descent, Work::Dict(run));
            }
            if self.out.is_full() {
                run.value = Some(value.own());
                self.work.push(Work::Dict(run));
                return Ok(());
            }
            run.batch += 1;
            if !self.flat(value, true)? {
                is_plain = false;
                let descent = self.descend(value, true);
                if !matches!(descent, Descent::Done) {
                    return self.leave(descent, Work::Dict(run));
                }
            }
        }
    }

    #[inline]
    fn dict_next<'a>(&self, dict: Obj<'a>, position: &mut isize) -> Option<(Obj<'a>, Obj<'a>)> {
        if self.known { layout::dict_next(dict, position) } else { dict.dict_next_borrowed(position) }
    }

    fn end_items(&mut self, run: &DictRun) -> Py<()> {
        self.out.buffer.put([code::SETITEMS])?;
        if run.dict.obj().dict_len() != run.size {
            return py::raise(Kind::Runtime, "dictionary changed size during iteration");
        }
        Ok(())
    }

    fn save_set(&mut self, object: Obj<'_>) -> Py<()> {
        if self.protocol < 4 {
            self.user_code()?;
            let args = py::tuple(&[py::list_of(object)?])?;
            let value = py::tuple(&[self.st.set_type.clone(), args])?;
            return self.reduce(value, Some(object));
        }
        self.out.buffer.put([code::EMPTY_SET])?;
        self.memo_put_unless(self.single, object)?;
        let size = object.set_len();
        if size == 0 {
            return Ok(());
        }
        self.out.buffer.put([code::MARK])?;
        self.set_run(SetRun { set: object.own(), position: 0, batch: 0, size, met: 0 })
    }

    pub(super) fn set_run(&mut self, mut run: SetRun) -> Py<()> {
        let mut is_plain = self.swift;
        loop {
            if run.batch == BATCH {
                self.end_set(&run)?;
                run.batch = 0;
                self.out.buffer.put([code::MARK])?;
            }
            // While no user code runs, what is left of the table is empty.
            let none_left = self.brief && run.met == run.size;
            let item = if none_left { None } else { self.set_next(run.set.obj(), &mut run.position) };
            let Some(item) = item else {
                self.habits.sets |= is_plain;
                return self.end_set(&run);
            };
            run.batch += 1;
            run.met += 1;
            let kind = item.exact();
            if self.out.is_full() {
                let item = item.own();
                self.work.push(Work::Set(run));
                self.work.push(Work::Value(item));
                return Ok(());
            }
            if !self.flat(item, true)? {
                is_plain = false;
                let descent = self.descend(item, true);
                if !matches!(descent, Descent::Done) {
                    return self.leave(descent, Work::Set(run));
                }
            } else if kind == Exact::Int && self.known && self.bin {
                let most = (BATCH - run.batch).min(run.size.saturating_sub(run.met));
                let (set, full, mut count) = (run.set.obj(), self.out.full(), 0);
                let mut position = run.position;
                self.out.buffer.put_ints(INTS, most, full, || {
                    let value = small_int(layout::set_next(set, &mut position)?)?;
                    run.position = position;
                    count += 1;
                    Some(value)
                })?;
                run.batch += count;
                run.met += count;
            }
        }
    }

    #[inline]
    fn set_next<'a>(&self, set: Obj<'a>, position: &mut isize) -> Option<Obj<'a>> {
        if self.known { layout::set_next(set, position) } else { set.set_next_borrowed(position) }
    }

    fn end_set(&mut self, run: &SetRun) -> Py<()> {
        self.out.buffer.put([code::ADDITEMS])?;
        if run.set.obj().set_len() != run.size {
            return py::raise(Kind::Runtime, "set changed size during iteration");
        }
        Ok(())
    }

    fn save_frozenset(&mut self, object: Obj<'_>) -> Py<()> {
        if self.protocol < 4 {
            self.user_code()?;
            let args = py::tuple(&[py::list_of(object)?])?;
            let value = py::tuple(&[self.st.frozenset_type.clone(), args])?;
            return self.reduce(value, Some(object));
        }
        self.fast_enter(object)?;
        self.out.buffer.put([code::MARK])?;
        self.frozenset_run(object.own(), 0)
    }

    pub(super) fn frozenset_run(&mut self, set: Own, mut position: isize) -> Py<()> {
        while let Some(item) = self.set_next(set.obj(), &mut position) {
            self.boundary()?;
            if !self.flat(item, false)? {
                let descent = self.descend(item, false);
                if !matches!(descent, Descent::Done) {
                    return self.leave(descent, Work::FrozenSet(set, position));
                }
            }
        }
        if let Some(index) = self.memo.get(set.obj()) {
            // It was written once more inside itself: that one stays.
            self.out.buffer.put([code::POP_MARK])?;
            return self.memo_get(index);
        }
        self.out.buffer.put([code::FROZENSET])?;
        self.memo_put(set.obj())
    }
}

/// The value of an int that `layout` knows to be short.
#[inline(always)]
fn small_int(item: Obj<'_>) -> Option<i32> {
    if item.exact() == Exact::Int { layout::small_int(item).map(|value| value as i32) } else { None }
}

const INTS: [u8; 3] = [code::BININT1, code::BININT2, code::BININT];
