//! States changed by the rules of a migration, right before they are given to their objects.
//!
//! Rules are about classes by the names that the pickle says. Which names led to a class is known from when it was found; of an
//! object that a function made, the name of the function counts.

use std::borrow::Cow;
use std::collections::HashMap;

use oiji::rewrite::{LiveRules, NewState, NewValue, OldState};

use super::{Hooks, Reader, load};
use crate::input::{Bytes, Memory};
use crate::py::{self, Chars, Exact, Obj, Own, Py};

/// What the reader knows of the classes that rules are about.
#[derive(Default)]
pub(super) struct Ruled {
    /// Classes and functions by their addresses, held so that these stay theirs.
    found: HashMap<usize, (Own, Standing)>,
    /// Objects that are not what their class says, with the number of their rules.
    made: HashMap<usize, (Own, Option<usize>)>,
}

impl Ruled {
    /// The number of the rules for the class at an address.
    fn rules(&self, address: usize) -> Option<usize> {
        match self.found.get(&address) {
            Some((_, Standing::Rules(rules))) => Some(*rules),
            _ => None,
        }
    }
}

/// What rules have to do with a class or function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Those with this number are about it.
    Rules(usize),
    Nothing,
    /// It makes instances of other classes.
    Helper,
}

impl<I: Bytes> Reader<'_, I> {
    /// What rules have to do with a name, where there are some that states are changed by.
    pub(super) fn standing(&self, module: &Own, name: &Own) -> Py<Option<Standing>> {
        let Some(live) = &self.options.live else { return Ok(None) };
        let (module, name) = (module.obj().text()?, name.obj().text()?);
        if LiveRules::is_helper(&module, &name) {
            return Ok(Some(Standing::Helper));
        }
        let protocol = u8::try_from(self.protocol).unwrap_or(u8::MAX);
        let rules = live.borrow_mut().class(&module, &name, protocol);
        Ok(Some(rules.map_or(Standing::Nothing, Standing::Rules)))
    }

    /// Takes note of what was found.
    pub(super) fn note_found(&mut self, found: &Own, standing: Standing) -> Py<()> {
        let (_, before) = self
            .ruled
            .get_or_insert_default()
            .found
            .entry(found.obj().address())
            .or_insert_with(|| (found.clone(), standing));
        if *before == standing {
            Ok(())
        } else {
            self.unsuited("one class goes by two names, and rules are about one of them")
        }
    }

    /// Who makes an object, where that must be known.
    #[inline]
    pub(super) fn maker(&self, maker: &Own) -> Option<Own> {
        self.options.live.is_some().then(|| maker.clone())
    }

    /// Takes note of an object that is not what its class says.
    #[inline]
    pub(super) fn note_made(&mut self, maker: Option<Own>, made: &Own) {
        if let Some(maker) = maker {
            self.note_made_by(maker.obj(), made);
        }
    }

    #[cold]
    fn note_made_by(&mut self, maker: Obj<'_>, made: &Own) {
        if made.obj().type_raw().addr() == maker.address() {
            return;
        }
        let ruled = self.ruled.get_or_insert_default();
        let of_maker = ruled.rules(maker.address());
        let is_helper = matches!(ruled.found.get(&maker.address()), Some((_, Standing::Helper)));
        if !is_helper && (of_maker.is_some() || ruled.rules(made.obj().type_raw().addr()).is_some()) {
            ruled.made.insert(made.obj().address(), (made.clone(), of_maker));
        }
    }

    /// Whether rules are about instances of a class.
    pub(super) fn is_ruled(&self, class: Obj<'_>) -> bool {
        self.ruled.as_ref().is_some_and(|ruled| ruled.rules(class.address()).is_some())
    }

    /// The state that an object gets, as rules have it.
    pub(super) fn new_state(&self, object: Obj<'_>, state: Own) -> Py {
        let Some(live) = &self.options.live else { return Ok(state) };
        let Some(ruled) = &self.ruled else { return Ok(state) };
        let rules = match ruled.made.get(&object.address()) {
            Some((_, rules)) => *rules,
            None => ruled.rules(object.type_raw().addr()),
        };
        let Some(rules) = rules else { return Ok(state) };
        let Some((old, keys, values)) = taken_apart(state.obj()) else { return Ok(state) };
        let names = keys.iter().enumerate().map(|(index, key)| name(index, key.obj())).collect::<Vec<_>>();
        let new = live.borrow_mut().state(rules, old, names.iter().map(|name| &**name));
        let Some(new) = new else { return self.unsuited("there are too many kinds of states") };
        let parts = Parts { state: state.obj(), names: &names, keys: &keys, values: &values };
        match &*new {
            NewState::Dict(items) if state.obj().is_dict_exact() => {
                // It may stand elsewhere too.
                let made = self.items(items, &parts)?;
                state.obj().attr(c"clear")?.obj().call0()?;
                let mut position = 0;
                while let Some((key, value)) = made.obj().dict_next(&mut position) {
                    state.obj().set_item(key.obj(), value.obj())?;
                }
                Ok(state.clone())
            }
            NewState::Dict(items) => self.items(items, &parts),
            NewState::Slots(first, slots) => {
                let first = first.as_ref().map_or_else(|| Ok(py::none()), |first| self.items(first, &parts))?;
                py::tuple(&[first, self.items(slots, &parts)?])
            }
            NewState::Tuple(values) => py::tuple(&self.values(values, &parts)?),
            NewState::List(values) => py::list(&self.values(values, &parts)?),
            _ => Ok(state.clone()),
        }
    }

    fn items(&self, items: &[(String, NewValue)], parts: &Parts<'_>) -> Py {
        let dict = py::dict()?;
        for (name, value) in items {
            let key = match value {
                NewValue::Old(index) if parts.names.get(*index).is_some_and(|old| **old == **name) => {
                    parts.keys[*index].clone()
                }
                _ => py::str_of(name)?,
            };
            dict.obj().set_item(key.obj(), self.value(value, parts)?.obj())?;
        }
        Ok(dict)
    }

    fn values(&self, values: &[NewValue], parts: &Parts<'_>) -> Py<Vec<Own>> {
        values.iter().map(|value| self.value(value, parts)).collect()
    }

    fn value(&self, value: &NewValue, parts: &Parts<'_>) -> Py {
        Ok(match value {
            NewValue::Old(index) => parts.values.get(*index).cloned().unwrap_or_else(py::none),
            NewValue::Item(index) => parts.state.tuple_item(*index).own(),
            NewValue::Dict(items) => self.items(items, parts)?,
            NewValue::Pickle(bytes) => {
                let hooks = Hooks { find_class: self.hooks.find_class.clone(), persistent_load: None };
                load(&mut Memory(bytes), self.st, self.options, &hooks, None)?
            }
            _ => py::none(),
        })
    }

    /// What can be done to bytes, but not while they are read.
    #[cold]
    fn unsuited<T>(&self, why: &str) -> Py<T> {
        self.options.unsuited.set(true);
        self.st.unpickling(&format!("{why}: migrate the bytes first, by Migration.migrate"))
    }
}

/// A state that was taken apart.
struct Parts<'s> {
    state: Obj<'s>,
    names: &'s [Cow<'s, str>],
    keys: &'s [Own],
    values: &'s [Own],
}

/// The shape of a state, its keys and its values; nothing for what rules are not about.
fn taken_apart(state: Obj<'_>) -> Option<(OldState, Vec<Own>, Vec<Own>)> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    let mut take = |dict: Obj<'_>| {
        let mut position = 0;
        while let Some((key, value)) = dict.dict_next(&mut position) {
            keys.push(key);
            values.push(value);
        }
    };
    let old = match state.exact() {
        Exact::Dict => {
            take(state);
            OldState::Dict
        }
        Exact::List => {
            values = state.list_items();
            OldState::List
        }
        Exact::Tuple => {
            let items: Vec<Obj<'_>> = (0..state.tuple_len()).map(|index| state.tuple_item(index)).collect();
            match items[..] {
                [first, slots] if slots.is_dict_exact() && (first.is_none() || first.is_dict_exact()) => {
                    let in_dict = first.is_dict_exact().then(|| first.dict_len());
                    if in_dict.is_some() {
                        take(first);
                    }
                    take(slots);
                    OldState::Slots { in_dict }
                }
                _ => {
                    values = items.into_iter().map(Obj::own).collect();
                    OldState::Tuple
                }
            }
        }
        _ => return None,
    };
    if keys.is_empty() {
        keys = values.iter().map(|_| py::none()).collect();
    }
    Some((old, keys, values))
}

/// The name that a key is. What is none gets one that no rule has.
fn name(index: usize, key: Obj<'_>) -> Cow<'_, str> {
    if key.is_none() {
        return Cow::Borrowed("");
    }
    if let Some(Ok(Chars::Ascii(text))) = key.is_str().then(|| key.chars())
        && let Ok(text) = str::from_utf8(text)
    {
        return Cow::Borrowed(text);
    }
    if key.is_str() {
        match key.text() {
            Ok(text) => return Cow::Owned(text),
            Err(_) => py::clear(),
        }
    }
    Cow::Owned(format!("\0{index}"))
}
