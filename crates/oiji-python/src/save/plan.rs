//! Instances of classes without hooks of their own: what `object.__reduce_ex__` would say of them is known, so nobody is
//! asked, no state is made, and attributes are read where they lie.
//!
//! A plan holds for one version of one class. Whatever is not as a plan has it goes the long way, in `reduce`.

use std::rc::Rc;

use crate::py::lane::{Alike, Date, Pair};
use crate::py::layout::{self, Place};
use crate::py::{self, Kind, Obj, Own, Py, ordered, typing};
use crate::save::containers::DictRun;
use crate::save::reduce::Made;
use crate::save::{Descent, Saver, Work, code};
use crate::state::State;

/// How instances of a class are written.
#[derive(Clone)]
pub(super) enum Plan {
    /// By the long way.
    Long,
    /// As its own `__reduce__` says: that is all that `object.__reduce_ex__` asks.
    Reduce,
    /// As `Plain`, with the state that its own `__getstate__` gives.
    State(Rc<Plain>),
    /// `NEWOBJ` without arguments, then the attributes.
    Plain(Rc<Plain>),
    /// A call with what a value of the standard library is made of.
    Known(typing::Known),
    /// An OrderedDict.
    Ordered,
}

/// A class whose instances are no more than their attributes.
pub(super) struct Plain {
    /// Names and offsets of slots, in the order of `copyreg._slotnames`.
    slots: Vec<(Own, usize)>,
    /// What a class is known by: its own module and name.
    module: Own,
    name: Own,
}

/// Plans of all classes that were met, by class.
#[derive(Default)]
pub(crate) struct Plans(Vec<Option<(usize, u32, Plan)>>);

const PLANS: usize = 256;

/// Plans that were looked up since user code ran last: no table has a reduction for their classes.
#[derive(Default)]
pub(super) struct Found {
    places: [(usize, Option<Plan>); 4],
    /// A table of names of attributes, none of which is that of a hook.
    harmless: (usize, usize),
    any: bool,
}

impl Found {
    #[inline]
    pub(super) fn forget(&mut self) {
        if self.any {
            *self = Found::default();
        }
    }
}

/// An instance that is being written.
pub(super) struct InstanceRun {
    object: Own,
    plan: Rc<Plain>,
    part: Part,
    next: usize,
    /// How many attributes the part has.
    count: usize,
    pair: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Attributes,
    Slots,
    End,
}

impl InstanceRun {
    /// Whether its attributes are in a dict, which is being written.
    pub(super) fn has_dict(&self) -> bool {
        self.part == Part::End
    }

    /// The step of a path to the attribute that is being written.
    pub(super) fn step(&self) -> String {
        let Some(last) = self.next.checked_sub(1) else { return String::new() };
        let name = match (self.part, layout::place(self.object.obj())) {
            (Part::Slots, _) => self.plan.slots.get(last).map(|(name, _)| name.clone()),
            (Part::Attributes, Place::Values(values)) => values.get(last).map(|(name, _)| name.own()),
            (Part::Attributes, Place::Dict(dict)) => {
                let mut position = 0;
                (0..=last).filter_map(|_| dict.dict_next(&mut position)).last().map(|(name, _)| name)
            }
            _ => None,
        };
        name.and_then(|name| name.obj().text().ok()).map_or_else(String::new, |name| format!(".{name}"))
    }
}

/// How the state of an instance begins.
enum Begun<'a> {
    None,
    Values(layout::Attributes<'a>),
    /// Values that a dict shows.
    Shown(Obj<'a>, layout::Attributes<'a>),
    Dict(Obj<'a>),
}

impl<'a> Begun<'a> {
    fn of_dict(dict: Obj<'a>) -> Begun<'a> {
        match layout::attributes_of(dict) {
            Some(values) => Begun::Shown(dict, values),
            None => Begun::Dict(dict),
        }
    }
}

impl Saver<'_> {
    /// Begins an object that is of no type that is written by itself.
    pub(super) fn save_instance(&mut self, object: Obj<'_>) -> Py<()> {
        // A file's `write` may let the last holder go.
        let held = self.out.has_file().then(|| object.own());
        let object = held.as_ref().map_or(object, Own::obj);
        let plan = match self.plan_of(object)? {
            Some(Plan::Plain(plan)) => self.save_plain(object, plan)?,
            Some(Plan::Known(known)) => self.save_known(object, known)?,
            Some(Plan::Ordered) => self.save_ordered(object)?,
            Some(Plan::Reduce) => self.save_by_reduce(object)?,
            Some(Plan::State(plan)) => self.save_with_state(object, &plan)?,
            Some(Plan::Long) | None => false,
        };
        if plan { Ok(()) } else { self.save_object(object, py::Exact::Other) }
    }

    #[inline]
    fn plan_of(&mut self, object: Obj<'_>) -> Py<Option<Plan>> {
        let hooks = self.hooks;
        // A persistent id is asked for all that is written.
        let asks = hooks.persistent_id.is_some() || hooks.reducer_override.is_some();
        if !self.known || self.protocol < 2 || self.fast || asks {
            return Ok(None);
        }
        let class = object.class();
        let at = (class.address() >> 5 ^ class.address() >> 9) & 3;
        if self.found.places[at].0 == class.address() {
            return Ok(self.found.places[at].1.clone());
        }
        let plan = self.look_up_plan(object, class)?;
        self.found.places[at] = (class.address(), plan.clone());
        self.found.any = true;
        Ok(plan)
    }

    #[inline(never)]
    fn look_up_plan(&mut self, object: Obj<'_>, class: Obj<'_>) -> Py<Option<Plan>> {
        // The hash and comparison of its metaclass may be user code.
        if !typing::is_plain_metaclass(class) {
            return Ok(None);
        }
        let table = self.hooks.dispatch_table.as_ref().unwrap_or(&self.st.dispatch_table);
        if !table.obj().is_dict_exact() || table.obj().dict_has(class)? {
            return Ok(None);
        }
        let at = (class.address() >> 5) % PLANS;
        let version = typing::version(class);
        if let Some(Some((address, valid, plan))) = self.st.plans.borrow().0.get(at)
            && *address == class.address()
            && Some(*valid) == version
        {
            return Ok(Some(plan.clone()));
        }
        let plan = learn(self.st, object, class)?;
        if let Some(version) = typing::version(class) {
            let mut plans = self.st.plans.borrow_mut();
            plans.0.resize(PLANS, None);
            plans.0[at] = Some((class.address(), version, plan.clone()));
        }
        Ok(Some(plan))
    }

    /// Writes a class that is not in the memo, if that takes no code but ours.
    fn save_class(&mut self, class: Obj<'_>, module: &Own, name: &Own) -> Py<bool> {
        let st = self.st;
        if self.protocol < 4 || self.hooks.persistent_id.is_some() || st.extension_registry.obj().dict_len() > 0 {
            return Ok(false);
        }
        if typing::is_heap(class) && !typing::qualname(class).is_some_and(|now| now.is(name.obj())) {
            return Ok(false);
        }
        let Some(found) = st.modules.obj().dict_get(module.obj())? else { return Ok(false) };
        let found = typing::module_dict(found, st.module_type.obj());
        let same = match found {
            Some(names) => names.dict_get(name.obj())?.is_some_and(|value| value.is(class)),
            None => false,
        };
        if !same {
            return Ok(false);
        }
        for text in [module, name] {
            self.boundary()?;
            self.save_shared_key(text.obj())?;
        }
        self.out.buffer.put([code::STACK_GLOBAL])?;
        self.memo_put(class)?;
        Ok(true)
    }

    /// The class that begins an instance. Tells whether it is written.
    #[inline]
    pub(super) fn save_class_of(&mut self, object: Obj<'_>, module: &Own, name: &Own) -> Py<bool> {
        let class = object.class();
        if self.last_class.0 != class.address() {
            let Some(index) = self.memo.get(class) else { return self.save_class(class, module, name) };
            self.last_class = (class.address(), index);
        }
        self.memo_get(self.last_class.1)?;
        Ok(true)
    }

    #[inline]
    fn save_plain(&mut self, object: Obj<'_>, plan: Rc<Plain>) -> Py<bool> {
        let single = self.single;
        let held;
        let state = match layout::place(object) {
            Place::Unknown => return Ok(false),
            Place::Nowhere => Begun::None,
            Place::Dict(dict) if !dict.is_dict_exact() => return Ok(false),
            Place::Dict(dict) if dict.dict_len() == 0 => Begun::None,
            Place::Dict(dict) if self.out.has_file() => {
                // A file's `write` may give the instance another dict.
                held = dict.own();
                Begun::of_dict(held.obj())
            }
            Place::Dict(dict) => Begun::of_dict(dict),
            Place::Values(values) if values.len() == 0 => Begun::None,
            Place::Values(_) if self.memo.holds() && cfg!(not(Py_3_13)) => {
                held = object.attr_obj(self.st.names.dict.obj())?;
                Begun::of_dict(held.obj())
            }
            Place::Values(values) => Begun::Values(values),
        };
        let own_hooks = match &state {
            Begun::Values(values) | Begun::Shown(_, values) => self.has_hooks(values),
            Begun::Dict(dict) => layout::any_name(*dict, typing::is_dunder),
            _ => false,
        };
        if own_hooks || !self.save_class_of(object, &plan.module, &plan.name)? {
            return Ok(false);
        }
        self.boundary()?;
        self.out.buffer.put([code::EMPTY_TUPLE, code::NEWOBJ])?;
        self.memo_put_unless(single, object)?;
        let slots = plan.slots.iter().filter(|(_, offset)| layout::slot(object, *offset).is_some()).count();
        let pair = slots > 0;
        if pair {
            self.boundary()?;
        }
        match state {
            Begun::None if !pair => return Ok(true),
            Begun::None => {
                self.boundary()?;
                self.out.buffer.put([code::NONE])?;
            }
            Begun::Shown(dict, values) => {
                self.boundary()?;
                let single = self.is_single(dict, true);
                if !single && self.flat(dict, false)? {
                    // Somebody else has shown its dict before.
                    return self.begin_slots(object, plan, pair).map(|()| true);
                }
                self.out.buffer.put([code::EMPTY_DICT])?;
                self.memo_put_unless(single, dict)?;
                let count = values.len();
                if count > 1 {
                    self.out.buffer.put([code::MARK])?;
                }
                return self.attributes(object, plan, 0, count, pair).map(|()| true);
            }
            Begun::Dict(dict) => {
                let run = InstanceRun { object: object.own(), plan, part: Part::End, next: 0, count: slots, pair };
                self.work.push(Work::Instance(run));
                let alone = self.is_single(dict, true);
                let dict = dict.own();
                self.boundary()?;
                if self.flat(dict.obj(), true)? {
                    return Ok(true);
                }
                self.single = alone;
                self.save_dict(dict.obj())?;
                return Ok(true);
            }
            Begun::Values(values) => {
                self.boundary()?;
                self.out.buffer.put([code::EMPTY_DICT])?;
                if !self.compact {
                    let index = self.memo.next_index();
                    if self.lone {
                        self.memo.put_attributes_loose(object);
                    } else {
                        self.memo.put_within(object, values.address());
                    }
                    self.put_op(index)?;
                }
                let count = values.len();
                if count > 1 {
                    self.out.buffer.put([code::MARK])?;
                }
                return self.attributes(object, plan, 0, count, pair).map(|()| true);
            }
        }
        self.begin_slots(object, plan, pair).map(|()| true)
    }

    /// Whether an instance may have hooks of its own, by the names of its attributes.
    #[inline]
    fn has_hooks(&mut self, values: &layout::Attributes<'_>) -> bool {
        let table = values.table();
        if table == self.found.harmless {
            return false;
        }
        if values.any_of_table(typing::is_dunder) {
            return values.any_name(typing::is_dunder);
        }
        (self.found.harmless, self.found.any) = (table, true);
        false
    }

    /// As `has_hooks`, of any object.
    fn may_have_hooks(&mut self, object: Obj<'_>) -> bool {
        match layout::place(object) {
            Place::Nowhere => false,
            Place::Unknown => true,
            Place::Values(values) => self.has_hooks(&values),
            Place::Dict(dict) if dict.is_dict_exact() => match layout::attributes_of(dict) {
                Some(values) => self.has_hooks(&values),
                None => layout::any_name(dict, typing::is_dunder),
            },
            Place::Dict(_) => true,
        }
    }

    fn save_by_reduce(&mut self, object: Obj<'_>) -> Py<bool> {
        if self.may_have_hooks(object) {
            return Ok(false);
        }
        self.user_code()?;
        let (st, held) = (self.st, object.own());
        let value = self.asking(|| held.obj().call_method0(st.names.reduce.obj()))?;
        self.reduction(value, held.obj())?;
        Ok(true)
    }

    fn save_with_state(&mut self, object: Obj<'_>, plan: &Plain) -> Py<bool> {
        if self.may_have_hooks(object) {
            return Ok(false);
        }
        self.user_code()?;
        let (st, held) = (self.st, object.own());
        let class = object.type_of();
        let state = self.asking(|| held.obj().call_method0(st.names.getstate.obj()))?;
        if !held.obj().class().is(class.obj()) {
            return self.st.pickling("args[0] from __newobj__ args has the wrong class");
        }
        let made = Made::with_state(held.clone(), (!state.obj().is_none()).then_some(state));
        self.open_one(Some(held.obj()))?;
        if self.save_class_of(held.obj(), &plan.module, &plan.name)? {
            self.boundary()?;
            self.out.buffer.put([code::EMPTY_TUPLE, code::NEWOBJ])?;
            self.made(made)?;
        } else {
            self.work.push(Work::Made(Box::new(made)));
            self.work.push(Work::Emit(code::NEWOBJ));
            self.work.push(Work::Value(py::tuple(&[])?));
            self.work.push(Work::Value(class));
        }
        Ok(true)
    }

    /// Counts a part of a state that nobody else can have.
    fn memo_skip(&mut self) -> Py<()> {
        if self.compact {
            return Ok(());
        }
        let index = self.memo.next_index();
        self.memo.skip();
        self.put_op(index)
    }

    /// Writes attributes from `next` on, and what comes after them.
    fn attributes(&mut self, object: Obj<'_>, plan: Rc<Plain>, next: usize, count: usize, pair: bool) -> Py<()> {
        let Some(mut values) = layout::attributes(object) else { return self.changed() };
        let (mut at, mut all_swift) = (next, false);
        while at < count {
            let mut value = if self.swift { self.swift_attributes(&values, &mut at) } else { None };
            all_swift = self.swift && at - next == count && value.is_none();
            // A file's `write` may change an attribute between its name and its value, too.
            let mut _held = None;
            if value.is_none() && at < count {
                self.boundary()?;
                if self.out.has_file() {
                    // Its `write` may have moved them.
                    let Some(now) = layout::attributes(object) else {
                        let object = object.own();
                        let run = InstanceRun { object, plan, part: Part::Attributes, next: at, count, pair };
                        self.work.push(Work::Instance(run));
                        return Ok(());
                    };
                    values = now;
                }
                let Some((name, found)) = values.get(at) else { return self.changed() };
                _held = self.out.has_file().then(|| (name.own(), found.own()));
                self.save_shared_key(name)?;
                at += 1;
                value = Some(found);
            }
            let Some(value) = value else { break };
            self.boundary()?;
            if !self.flat(value, true)? {
                let object = object.own();
                let descent = self.descend(value, true);
                // What came of it may have run user code, and then nothing is where it was.
                if !matches!(descent, Descent::Done) || self.memo.holds() {
                    let run = InstanceRun { object, plan, part: Part::Attributes, next: at, count, pair };
                    return self.leave(descent, Work::Instance(run));
                }
            }
        }
        if layout::attributes(object).is_none_or(|values| values.len() != count) {
            return self.changed();
        }
        self.out.buffer.put([if count == 1 { code::SETITEM } else { code::SETITEMS }])?;
        // With a hook's name among those that the class shares, another instance may have that.
        let is_alike = all_swift && plan.slots.is_empty() && values.table() == self.found.harmless;
        if is_alike && self.last_class.0 == object.class().address() {
            self.habits.instance = Some(Alike::new(object.class(), self.last_class.1, &values));
        }
        self.begin_slots(object, plan, pair)
    }

    #[cold]
    fn changed(&mut self) -> Py<()> {
        py::raise(Kind::Runtime, "dictionary changed size during iteration")
    }

    /// The slots, if there are any, and the end.
    fn begin_slots(&mut self, object: Obj<'_>, plan: Rc<Plain>, pair: bool) -> Py<()> {
        if !pair {
            return self.out.buffer.put([code::BUILD]);
        }
        self.boundary()?;
        self.out.buffer.put([code::EMPTY_DICT])?;
        self.memo_skip()?;
        let count = plan.slots.iter().filter(|(_, offset)| layout::slot(object, *offset).is_some()).count();
        if count == 0 {
            // They were there before the attributes were written.
            return self.changed();
        }
        if count > 1 {
            self.out.buffer.put([code::MARK])?;
        }
        self.slots(object, plan, 0, count)
    }

    fn slots(&mut self, object: Obj<'_>, plan: Rc<Plain>, next: usize, count: usize) -> Py<()> {
        for at in next..plan.slots.len() {
            let (name, offset) = &plan.slots[at];
            let Some(value) = layout::slot(object, *offset) else { continue };
            // A file's `write` may empty the slot.
            let _held = self.out.has_file().then(|| value.own());
            match if self.swift { self.swift_pair(name, value) } else { Pair::Neither } {
                Pair::Both => continue,
                Pair::Key => {}
                Pair::Neither => {
                    self.boundary()?;
                    self.save_shared_key(name.obj())?;
                }
            }
            self.boundary()?;
            if !self.flat(value, true)? {
                let object = object.own();
                let descent = self.descend(value, true);
                if !matches!(descent, Descent::Done) || self.memo.holds() {
                    let plan = plan.clone();
                    let run = InstanceRun { object, plan, part: Part::Slots, next: at + 1, count, pair: true };
                    return self.leave(descent, Work::Instance(run));
                }
            }
        }
        // As long as the pickle is brief, no user code has run.
        let has_changed =
            || plan.slots.iter().filter(|(_, offset)| layout::slot(object, *offset).is_some()).count() != count;
        if !self.brief && has_changed() {
            return self.changed();
        }
        self.out.buffer.put([if count == 1 { code::SETITEM } else { code::SETITEMS }, code::TUPLE2])?;
        self.memo_skip()?;
        self.out.buffer.put([code::BUILD])
    }

    pub(super) fn instance_run(&mut self, run: InstanceRun) -> Py<()> {
        let InstanceRun { object, plan, part, next, count, pair } = run;
        match part {
            Part::End => self.begin_slots(object.obj(), plan, pair),
            Part::Slots => self.slots(object.obj(), plan, next, count),
            Part::Attributes => match layout::place(object.obj()) {
                Place::Dict(dict) => {
                    // User code made a dict of them: its items stand in the same order.
                    let dict = DictRun::resumed(dict.own(), next, count);
                    let rest = InstanceRun { object, plan, part: Part::End, next, count, pair };
                    self.work.push(Work::Instance(rest));
                    self.dict_run(dict)
                }
                _ => self.attributes(object.obj(), plan, next, count, pair),
            },
        }
    }

    /// A value of the standard library that is made by a call of its class.
    fn save_known(&mut self, object: Obj<'_>, known: typing::Known) -> Py<bool> {
        if self.protocol < 3 {
            return Ok(false);
        }
        let single = self.single;
        let Some(parts) = typing::parts(object, known, self.protocol) else { return Ok(false) };
        let (module, name) = self.st.known_name(known)?;
        if !self.save_class_of(object, module, name)? {
            return Ok(false);
        }
        self.boundary()?;
        match parts {
            typing::Parts::Bytes(bytes, len) => {
                if self.swift && self.last_class.0 == object.class().address() {
                    self.habits.date = Some(Date::new(object.class(), known, self.last_class.1));
                }
                self.boundary()?;
                let head = u64::from(code::SHORT_BINBYTES) | (len as u64) << 8;
                self.out.buffer.put_short(head, 2, &bytes[..len])?;
                self.memo_skip()?;
                self.out.buffer.put([code::TUPLE1])?;
            }
            typing::Parts::Ints(numbers) => {
                for number in numbers {
                    self.boundary()?;
                    self.small_int(number)?;
                }
                self.out.buffer.put([code::TUPLE3])?;
            }
        }
        self.memo_skip()?;
        self.out.buffer.put([code::REDUCE])?;
        self.memo_put_unless(single, object)?;
        Ok(true)
    }
}

/// How instances of a class are written, by what the class has.
fn learn(st: &State, object: Obj<'_>, class: Obj<'_>) -> Py<Plan> {
    if let Some(known) = typing::known(class) {
        return Ok(Plan::Known(known));
    }
    if ordered::is_ordered(class) {
        return Ok(Plan::Ordered);
    }
    let names = &st.names;
    let inherits = |name: &Own, ours: &Own| typing::lookup(class, name.obj()).is_some_and(|found| found.is(ours.obj()));
    let lacks = |name: &Own| typing::lookup(class, name.obj()).is_none();
    if !inherits(&names.reduce_ex, &st.object_reduce_ex) {
        return Ok(Plan::Long);
    }
    if !inherits(&names.reduce, &st.object_reduce) {
        return Ok(if typing::has_method(class, names.reduce.obj()) { Plan::Reduce } else { Plan::Long });
    }
    let own_state = !match &st.object_getstate {
        Some(ours) => inherits(&names.getstate, ours),
        None => lacks(&names.getstate),
    };
    let plain = typing::is_plain_class(class)
        && inherits(&names.class, &st.object_class)
        && lacks(&names.getnewargs)
        && lacks(&names.getnewargs_ex);
    if !plain || matches!(layout::place(object), Place::Unknown) {
        return Ok(Plan::Long);
    }
    let (Some(module), Some(name)) = (typing::module_name(class, names.module.obj()), typing::qualname(class)) else {
        return Ok(Plan::Long);
    };
    if name.text()?.contains('.') {
        return Ok(Plan::Long);
    }
    let plain = |slots| Rc::new(Plain { slots, module: module.own(), name: name.own() });
    if own_state {
        let is_method = typing::has_method(class, names.getstate.obj());
        return Ok(if is_method { Plan::State(plain(Vec::new())) } else { Plan::Long });
    }
    Ok(match slots_of(st, class)? {
        Some(slots) if typing::is_only(class, slots.len()) => Plan::Plain(plain(slots)),
        _ => Plan::Long,
    })
}

/// Names and offsets of the slots of a class and its bases, as `copyreg._slotnames` gives them; none where they are not as
/// `class` statements make them.
fn slots_of(st: &State, class: Obj<'_>) -> Py<Option<Vec<(Own, usize)>>> {
    let mut slots = Vec::new();
    for base in typing::bases(class) {
        let Some(declared) = typing::own_attribute(base, st.names.slots.obj())? else { continue };
        let names: Vec<Own> = match declared.exact() {
            py::Exact::Str => vec![declared.own()],
            py::Exact::Tuple => (0..declared.tuple_len()).map(|at| declared.tuple_item(at).own()).collect(),
            py::Exact::List => declared.list_items(),
            _ => return Ok(None),
        };
        for name in names {
            if name.obj().exact() != py::Exact::Str {
                return Ok(None);
            }
            let text = name.obj().text()?;
            if text == "__dict__" || text == "__weakref__" {
                continue;
            }
            if text.starts_with("__") {
                // Mangled, or a hook.
                return Ok(None);
            }
            let offset = typing::lookup(class, name.obj()).and_then(|member| layout::slot_offset(member, class));
            match offset {
                // One that is declared twice stands in a state once.
                Some(offset) if slots.iter().all(|(_, other)| *other != offset) => slots.push((name, offset)),
                _ => return Ok(None),
            }
        }
    }
    Ok(Some(slots))
}
