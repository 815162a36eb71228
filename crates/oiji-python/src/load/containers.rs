//! Lists, dicts and sets, filled from the stack.

use super::Reader;
use crate::input::Bytes;
use crate::py::call::call_with;
use crate::py::ordered::{self, is_ordered, is_plain_key};
use crate::py::shape::is_blank;
use crate::py::{self, Exact, Kind, Own, Py, make, typing};

impl<I: Bytes> Reader<'_, I> {
    /// The value below those from `start` up, to which they are given; none if there are none to give.
    #[inline]
    fn taker(&mut self, start: usize) -> Py<Option<Own>> {
        if start <= self.stack.fence && self.stack.floor > 0 {
            self.make_open_real()?;
        }
        if start > self.stack.len() || start <= self.stack.fence {
            return self.underflow();
        }
        Ok((start < self.stack.len()).then(|| self.stack.items[start - 1].clone()))
    }

    /// Appends the values from `start` up to the list below them.
    pub(super) fn append_items(&mut self, start: usize) -> Py<()> {
        let Some(list) = self.taker(start)? else { return Ok(()) };
        if list.obj().exact() == Exact::List {
            if start + 1 == self.stack.len() {
                let item = self.take_top()?;
                return make::append(list.obj(), item);
            }
            return make::extend_by_tail(list.obj(), &mut self.stack.items, start);
        }
        let items = make::list_of_tail(&mut self.stack.items, start)?;
        self.outside(|reader| {
            let names = &reader.st.names;
            if typing::has_method(list.obj().class(), names.extend.obj()) {
                return list.obj().call_method1(names.extend.obj(), items.obj()).map(drop);
            }
            if let Some(extend) = list.obj().attr_maybe(names.extend.obj())? {
                return extend.obj().call1(items.obj()).map(drop);
            }
            let append = list.obj().attr_obj(names.append.obj())?;
            let mut index = 0;
            while let Some(item) = items.obj().list_item(index) {
                append.obj().call1(item.obj())?;
                index += 1;
            }
            Ok(())
        })
    }

    /// Sets the keys and values from `start` up in the dict below them.
    pub(super) fn set_items(&mut self, start: usize) -> Py<()> {
        if start <= self.stack.fence && self.stack.floor > 0 && self.give_items(start)? {
            return Ok(());
        }
        let Some(dict) = self.taker(start)? else { return Ok(()) };
        if !(self.stack.len() - start).is_multiple_of(2) {
            return self.st.unpickling("odd number of items for SETITEMS");
        }
        if dict.obj().is_dict_exact() {
            return self.fill_dict(&dict, start);
        }
        if make::sets_as_dict(dict.obj()) && self.set_plain(&dict, start)? {
            return Ok(());
        }
        let set = if is_ordered(dict.obj().class()) { ordered::set } else { make::set_any_item };
        self.outside(|reader| {
            let pairs = reader.stack.items[start..].chunks_exact(2);
            pairs.into_iter().try_for_each(|pair| set(dict.obj(), pair[0].obj(), pair[1].obj()))?;
            reader.stack.items.truncate(start);
            Ok(())
        })
    }

    /// Sets keys and values from `start` up, if no key has its own ways to hash and compare.
    fn set_plain(&mut self, dict: &Own, start: usize) -> Py<bool> {
        if !self.stack.items[start..].iter().step_by(2).all(|key| is_plain_key(key.obj())) {
            return Ok(false);
        }
        for pair in self.stack.items[start..].chunks_exact(2) {
            dict.obj().set_item(pair[0].obj(), pair[1].obj())?;
        }
        self.stack.items.truncate(start);
        Ok(true)
    }

    fn fill_dict(&mut self, dict: &Own, start: usize) -> Py<()> {
        if self.st.knows_dicts
            && is_blank(dict.obj(), self.st.blank.obj())
            && (self.again.fill(dict, &mut self.stack.items, start)?
                || self.shapes.fill(dict, &mut self.stack.items, start)?)
        {
            return Ok(());
        }
        if self.set_plain(dict, start)? {
            return Ok(());
        }
        // Keys may have their own ways to hash and compare.
        let pairs = self.stack.items.split_off(start);
        self.outside(|_| pairs.chunks_exact(2).try_for_each(|pair| dict.obj().set_item(pair[0].obj(), pair[1].obj())))
    }

    pub(super) fn dict_of_items(&mut self) -> Py<()> {
        let start = self.marker()?;
        if !(self.stack.len() - start).is_multiple_of(2) {
            return self.st.unpickling("odd number of items for DICT");
        }
        let dict = py::dict()?;
        self.fill_dict(&dict, start)?;
        self.stack.push(dict);
        Ok(())
    }

    pub(super) fn add_items(&mut self) -> Py<()> {
        let start = self.marker()?;
        let Some(set) = self.taker(start)? else { return Ok(()) };
        let is_plain = |item: &Own| is_plain_key(item.obj());
        if set.obj().is_set() && self.stack.items[start..].iter().all(is_plain) {
            self.stack.items[start..].iter().try_for_each(|item| make::add_to_set(set.obj(), item.obj()))?;
            self.stack.items.truncate(start);
            return Ok(());
        }
        if set.obj().is_set() {
            let items = make::tuple_of_tail(&mut self.stack.items, start)?;
            return self.outside(|_| make::update_set(set.obj(), items.obj()));
        }
        let items = self.stack.items.split_off(start);
        self.outside(|reader| {
            let add = set.obj().attr_obj(reader.st.names.add.obj())?;
            items.iter().try_for_each(|item| add.obj().call1(item.obj()).map(drop))
        })
    }

    pub(super) fn frozenset(&mut self) -> Py<()> {
        let start = self.marker()?;
        let items = make::tuple_of_tail(&mut self.stack.items, start)?;
        let set = self.outside(|_| py::frozenset(items.obj()))?;
        self.stack.push(set);
        Ok(())
    }

    /// Calls a callable with a tuple, both on the stack.
    pub(super) fn reduce(&mut self) -> Py<()> {
        let args = self.take_top()?;
        let callable = self.take_top()?;
        if !args.obj().is_tuple() {
            return py::raise(Kind::Type, "argument list must be a tuple");
        }
        if is_ordered(callable.obj()) && args.obj().tuple_len() == 0 {
            self.stack.push(ordered::new()?);
            return Ok(());
        }
        let maker = self.maker(&callable);
        let value = self.outside(move |reader| call_with(callable.obj(), args.obj(), reader.st.names.init.obj()))?;
        self.note_made(maker, &value);
        self.stack.push(value);
        Ok(())
    }
}
