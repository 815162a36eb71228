//! Objects of all other types: what their reduction says.

use crate::py::{self, Chars, Exact, Kind, Obj, Own, Py, typing};
use crate::save::{Descent, Saver, Work, code};
use crate::state::shown;

/// An object that was just made, and what is to be done to it.
pub(super) struct Made {
    object: Option<Own>,
    list_items: Option<Own>,
    dict_items: Option<Own>,
    state: Option<Own>,
    setter: Option<Own>,
}

impl Made {
    /// An object that is given but a state, if that.
    pub(super) fn with_state(object: Own, state: Option<Own>) -> Made {
        Made { object: Some(object), list_items: None, dict_items: None, state, setter: None }
    }
}

/// So many reductions may be open, each within the one before.
const MOST_OPEN: usize = 2 << 20;

/// How a callable makes an object.
enum NewObject {
    No,
    Positional,
    Keywords,
}

impl Saver<'_> {
    /// An object that is no builtin value.
    pub(super) fn save_object(&mut self, object: Obj<'_>, kind: Exact) -> Py<()> {
        self.user_code()?;
        let held = object.own();
        let object = held.obj();
        if let Some(ask) = &self.hooks.reducer_override {
            let ask = ask.clone();
            let value = self.asking(|| ask.obj().call1(object))?;
            if !value.obj().is(self.st.not_implemented.obj()) {
                return self.reduction(value, object);
            }
        }
        match kind {
            Exact::Type => return self.save_type(object),
            Exact::Function => return self.save_global(object, None),
            _ => {}
        }
        let class = object.type_of();
        let table = self.hooks.dispatch_table.as_ref().unwrap_or(&self.st.dispatch_table).clone();
        if let Some(reduce) = table.obj().item_maybe(class.obj())? {
            let value = self.asking(|| reduce.obj().call1(object))?;
            return self.reduction(value, object);
        }
        if object.is_metatype() {
            return self.save_global(object, None);
        }
        let (st, names) = (self.st, &self.st.names);
        if typing::has_method(class.obj(), names.reduce_ex.obj()) {
            let protocol = py::int(i64::from(self.protocol))?;
            let value = self.asking(|| object.call_method1(st.names.reduce_ex.obj(), protocol.obj()))?;
            return self.reduction(value, object);
        }
        let value = match object.attr_maybe(names.reduce_ex.obj())? {
            Some(reduce) => {
                let protocol = py::int(i64::from(self.protocol))?;
                self.asking(|| reduce.obj().call1(protocol.obj()))?
            }
            None => match object.attr_maybe(names.reduce.obj())? {
                Some(reduce) => self.asking(|| reduce.obj().call0())?,
                None => {
                    let class = class.obj().attr(c"__name__")?.obj().text()?;
                    return self.st.pickling(&format!("can't pickle '{class}' object: {}", shown(object)));
                }
            },
        };
        self.reduction(value, object)
    }

    /// What a reduction gave: a name, or how to make the object.
    pub(super) fn reduction(&mut self, value: Own, object: Obj<'_>) -> Py<()> {
        if value.obj().is_str() {
            return self.save_global(object, Some(value));
        }
        if !value.obj().is_tuple() {
            return self.st.pickling("__reduce__ must return a string or tuple");
        }
        self.reduce(value, Some(object))
    }

    /// Begins an object that is made as the tuple `value` says.
    pub(super) fn reduce(&mut self, value: Own, object: Option<Obj<'_>>) -> Py<()> {
        self.user_code()?;
        let value = value.obj();
        let len = value.tuple_len();
        if !(2..=6).contains(&len) {
            return self.st.pickling("tuple returned by __reduce__ must contain 2 through 6 elements");
        }
        let part = |index: usize| (index < len).then(|| value.tuple_item(index)).filter(|part| !part.is_none());
        let (callable, args) = (value.tuple_item(0), value.tuple_item(1));
        if !callable.is_callable() {
            return self.st.pickling("first item of the tuple returned by __reduce__ must be callable");
        }
        if !args.is_tuple() {
            return self.st.pickling("second item of the tuple returned by __reduce__ must be a tuple");
        }
        let class_name = |part: Obj<'_>| part.type_of().obj().attr(c"__name__").and_then(|name| name.obj().text());
        for (index, which) in [(3, "fourth"), (4, "fifth")] {
            if let Some(part) = part(index).filter(|part| !part.is_iterator()) {
                let (owner, found) = (shown(callable), class_name(part)?);
                let text = format!("{which} element of the tuple returned by {owner} must be an iterator, not {found}");
                return self.st.pickling(&text);
            }
        }
        if let Some(part) = part(5).filter(|part| !part.is_callable()) {
            let (owner, found) = (shown(callable), class_name(part)?);
            let text = format!("sixth element of the tuple returned by {owner} must be a function, not {found}");
            return self.st.pickling(&text);
        }
        let own = |index: usize| part(index).map(Obj::own);
        let made = Made {
            object: object.map(Obj::own),
            list_items: own(3),
            dict_items: own(4),
            state: own(2),
            setter: own(5),
        };
        self.open_one(object)?;
        match self.new_object_name(callable)? {
            NewObject::No => self.call_by(callable, args, made, code::REDUCE),
            NewObject::Positional => self.new_object(args, made),
            NewObject::Keywords => {
                self.work.push(Work::Made(Box::new(made)));
                self.new_object_ex(args)
            }
        }
    }

    /// Writes a call by this op, as far as that goes at once.
    fn call_by(&mut self, callable: Obj<'_>, args: Obj<'_>, made: Made, op: u8) -> Py<()> {
        self.boundary()?;
        if !self.flat(callable, false)? {
            self.work.push(Work::Made(Box::new(made)));
            self.work.push(Work::Emit(op));
            self.push(args.own());
            self.push(callable.own());
            return Ok(());
        }
        self.boundary()?;
        if !self.flat(args, false)? {
            let descent = self.descend(args, false);
            if !matches!(descent, Descent::Done) {
                let base = descent.base(self.work.len());
                self.work.insert(base, Work::Made(Box::new(made)));
                return self.leave(descent.above(1), Work::Emit(op));
            }
        }
        self.out.buffer.put([op])?;
        self.made(made)
    }

    /// Whether a callable is one of those that stand for `NEWOBJ` and `NEWOBJ_EX`, by its name.
    fn new_object_name(&self, callable: Obj<'_>) -> Py<NewObject> {
        let is_other = |callable| !typing::last_name(callable).starts_with(b"__newobj");
        if self.protocol < 2 || callable.is_type() && typing::is_plain_metaclass(callable) && is_other(callable) {
            return Ok(NewObject::No);
        }
        let Some(name) = callable.attr_maybe(self.st.names.dunder_name.obj())? else { return Ok(NewObject::No) };
        if !name.obj().is_str() {
            return Ok(NewObject::No);
        }
        Ok(match name.obj().chars()? {
            Chars::Ascii(b"__newobj__") => NewObject::Positional,
            Chars::Ascii(b"__newobj_ex__") => NewObject::Keywords,
            _ => NewObject::No,
        })
    }

    /// A reduction begins. One that never comes to an end is refused: that holds what it is of, or always something new.
    pub(super) fn open_one(&mut self, object: Option<Obj<'_>>) -> Py<()> {
        self.open += 1;
        if self.open <= self.check_at {
            return Ok(());
        }
        self.check_at *= 2;
        let is_it = |work: &&Work| match work {
            Work::Made(made) => matches!((&made.object, object), (Some(one), Some(other)) if one.obj().is(other)),
            _ => false,
        };
        if self.open > MOST_OPEN || self.work.iter().filter(is_it).count() > self.open / 8 {
            return py::raise(Kind::Recursion, "maximum recursion depth exceeded while pickling an object");
        }
        Ok(())
    }

    fn new_object_ex(&mut self, args: Obj<'_>) -> Py<()> {
        if args.tuple_len() != 3 {
            let len = args.tuple_len();
            return self.st.pickling(&format!("length of the NEWOBJ_EX argument tuple must be exactly 3, not {len}"));
        }
        let (class, positional, keywords) = (args.tuple_item(0), args.tuple_item(1), args.tuple_item(2));
        if !class.is_type() {
            let found = class.type_of().obj().attr(c"__name__")?.obj().text()?;
            let text = format!("first item from NEWOBJ_EX argument tuple must be a class, not {found}");
            return self.st.pickling(&text);
        }
        let new = class.attr_obj(self.st.names.new.obj())?;
        if !positional.is_tuple() {
            return self.st.pickling("second item from NEWOBJ_EX argument tuple must be a tuple");
        }
        if !keywords.is_dict() {
            return self.st.pickling("third item from NEWOBJ_EX argument tuple must be a dict");
        }
        if self.protocol >= 4 {
            self.work.push(Work::Emit(code::NEWOBJ_EX));
            self.push(keywords.own());
            self.push(positional.own());
            self.push(class.own());
            return Ok(());
        }
        let mut all = vec![new, class.own()];
        all.extend((0..positional.tuple_len()).map(|index| positional.tuple_item(index).own()));
        let partial = self.st.partial.obj().call(py::tuple(&all)?.obj(), Some(keywords))?;
        self.work.push(Work::Emit(code::REDUCE));
        self.push(py::tuple(&[])?);
        self.push(partial);
        Ok(())
    }

    fn new_object(&mut self, args: Obj<'_>, made: Made) -> Py<()> {
        let len = args.tuple_len();
        if len < 1 {
            return self.st.pickling("__newobj__ arglist is empty");
        }
        let class = args.tuple_item(0);
        if !class.is_type() {
            return self.st.pickling("args[0] from __newobj__ args is not a type");
        }
        if let Some(object) = &made.object {
            let own = object.obj().attr_obj(self.st.names.class.obj())?;
            if !own.obj().is(class) {
                return self.st.pickling("args[0] from __newobj__ args has the wrong class");
            }
        }
        let rest = args.tuple_slice(1, len)?;
        self.call_by(class, rest.obj(), made, code::NEWOBJ)
    }

    /// Writes a state, as far as that goes at once.
    fn build(&mut self, state: Own) -> Py<()> {
        self.boundary()?;
        if !self.flat(state.obj(), false)? {
            let descent = self.descend(state.obj(), false);
            if !matches!(descent, Descent::Done) {
                return self.leave(descent, Work::Emit(code::BUILD));
            }
        }
        self.out.buffer.put([code::BUILD])
    }

    /// Goes on after an object was made.
    pub(super) fn made(&mut self, made: Made) -> Py<()> {
        self.open -= 1;
        if let Some(object) = &made.object {
            if let Some(index) = self.memo.get(object.obj()) {
                // It was written once more inside its own arguments: that one stays.
                self.out.buffer.put([code::POP])?;
                self.memo_get(index)?;
                return Ok(());
            }
            self.memo_put(object.obj())?;
        }
        if let Some(state) = made.state {
            match (made.setter, made.object) {
                (Some(setter), Some(object)) => {
                    // A call that is made for what it does: its result is dropped.
                    self.work.push(Work::Emit(code::POP));
                    self.work.push(Work::Emit(code::REDUCE));
                    self.work.push(Work::Emit(code::TUPLE2));
                    self.push(state);
                    self.push(object);
                    self.push(setter);
                }
                (Some(_), None) => return py::raise(Kind::Runtime, "a state setter without an object"),
                (None, _) if made.dict_items.is_none() && made.list_items.is_none() => return self.build(state),
                (None, _) => {
                    self.work.push(Work::Emit(code::BUILD));
                    self.push(state);
                }
            }
        }
        if let Some(items) = made.dict_items {
            self.push_batch(items, true);
        }
        if let Some(items) = made.list_items {
            self.push_batch(items, false);
        }
        Ok(())
    }
}
