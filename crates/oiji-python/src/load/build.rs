//! Instances: made, and given their state.

use super::Reader;
use crate::input::Bytes;
use crate::py::call::call_with;
use crate::py::layout::{Place, place};
use crate::py::{Obj, Own, Py, make, number, typing};

impl<I: Bytes> Reader<'_, I> {
    pub(super) fn inst(&mut self) -> Py<()> {
        let start = self.marker()?;
        let (module, name) = self.two_names(number::ascii_text)?;
        let class = self.found(module, name)?;
        let args = make::tuple_of_tail(&mut self.stack.items, start)?;
        self.instance(class, args)
    }

    pub(super) fn obj(&mut self) -> Py<()> {
        let start = self.marker()?;
        if self.stack.len() <= start {
            return self.underflow();
        }
        let args = make::tuple_of_tail(&mut self.stack.items, start + 1)?;
        let class = self.take_top()?;
        self.instance(class, args)
    }

    /// An instance as Python 2's old classes made them.
    fn instance(&mut self, class: Own, args: Own) -> Py<()> {
        let maker = self.maker(&class);
        let value = self.outside(move |reader| {
            let (class, names) = (class.obj(), &reader.st.names);
            let is_bare =
                args.obj().tuple_len() == 0 && class.is_type() && class.attr_maybe(names.getinitargs.obj())?.is_none();
            if is_bare {
                return class.attr_obj(names.new.obj())?.obj().call1(class);
            }
            call_with(class, args.obj(), names.init.obj())
        })?;
        self.note_made(maker, &value);
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn new_object(&mut self, with_kwargs: bool) -> Py<()> {
        let kwargs = if with_kwargs { Some(self.take_top()?) } else { None };
        let args = self.take_top()?;
        let class = self.take_top()?;
        let op = if with_kwargs { "NEWOBJ_EX" } else { "NEWOBJ" };
        let wrong = |what: &str, object: &Own| {
            self.st.unpickling(&format!("{op} {what}, not {}", make::type_name(object.obj())))
        };
        if !class.obj().is_type() {
            return wrong("class argument must be a type", &class);
        }
        if !args.obj().is_tuple() {
            return wrong("args argument must be a tuple", &args);
        }
        if let Some(kwargs) = kwargs.as_ref().filter(|kwargs| !kwargs.obj().is_dict()) {
            return wrong("kwargs argument must be a dict", kwargs);
        }
        let maker = self.maker(&class);
        if make::is_made_as_builtin(class.obj()) && args.obj().tuple_len() == 0 && kwargs.is_none() {
            if let Some(made) = class.obj().type_new(args.obj(), None)? {
                self.note_made(maker, &made);
                self.stack.push(made);
            }
            return Ok(());
        }
        // What they are made of goes while user code may run.
        let made =
            self.outside(move |reader| match class.obj().type_new(args.obj(), kwargs.as_ref().map(Own::obj))? {
                Some(made) => Ok(made),
                None => {
                    let name = make::type_name(class.obj());
                    reader.st.unpickling(&format!("{op} class argument '{name}' doesn't have __new__"))
                }
            })?;
        self.note_made(maker, &made);
        self.stack.push(made);
        Ok(())
    }

    /// Gives the state on top to the object below it.
    pub(super) fn build(&mut self) -> Py<()> {
        self.need(2)?;
        let state = self.take_top()?;
        let object = self.top();
        self.outside(move |reader| {
            let state = reader.new_state(object.obj(), state)?;
            reader.give_state(object.obj(), state)
        })
    }

    fn give_state(&self, object: Obj<'_>, state: Own) -> Py<()> {
        let (st, names) = (self.st, &self.st.names);
        if typing::has_method(object.class(), names.setstate.obj()) {
            return object.call_method1(names.setstate.obj(), state.obj()).map(drop);
        }
        let setstate = if st.layout.known && has_none(object, names.setstate.obj()) {
            None
        } else {
            object.attr_maybe(names.setstate.obj())?
        };
        if let Some(setstate) = setstate {
            return setstate.obj().call1(state.obj()).map(drop);
        }
        let (mut dict, mut slots) = (state.clone(), None);
        if state.obj().is_tuple() && state.obj().tuple_len() == 2 {
            dict = state.obj().tuple_item(0).own();
            slots = Some(state.obj().tuple_item(1).own());
        }
        drop(state);
        if !dict.obj().is_none() {
            if !dict.obj().is_dict() {
                return st.unpickling("state is not a dictionary");
            }
            let target = object.attr_obj(names.dict.obj())?;
            let mut position = 0;
            while let Some((key, value)) = dict.obj().dict_next(&mut position) {
                target.obj().set_item(key.obj().interned().obj(), value.obj())?;
            }
        }
        if let Some(slots) = slots {
            if !slots.obj().is_dict() {
                return st.unpickling("slot state is not a dictionary");
            }
            let mut position = 0;
            while let Some((key, value)) = slots.obj().dict_next(&mut position) {
                object.set_attr(key.obj(), value.obj())?;
            }
        }
        Ok(())
    }
}

/// Whether an instance certainly has nothing under a name of two underscores, neither by its class nor by itself.
fn has_none(object: Obj<'_>, name: Obj<'_>) -> bool {
    typing::has_nothing(object.class(), name)
        && match place(object) {
            Place::Nowhere => true,
            Place::Values(values) => !values.any_name(typing::is_dunder),
            Place::Dict(_) | Place::Unknown => false,
        }
}
