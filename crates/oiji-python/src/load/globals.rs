//! Classes and functions by their names.

use oiji::rewrite::Migration;

use super::{Options, Reader};
use crate::input::Bytes;
use crate::py::{self, Chars, Exact, Kind, Obj, Own, Py, make};
use crate::state::{State, shown};

impl<I: Bytes> Reader<'_, I> {
    pub(super) fn stack_global(&mut self) -> Py<()> {
        let name = self.take_top()?;
        let module = self.take_top()?;
        if module.obj().exact() != Exact::Str || name.obj().exact() != Exact::Str {
            return self.st.unpickling("STACK_GLOBAL requires str");
        }
        self.global(module, name)
    }

    pub(super) fn global(&mut self, module: Own, name: Own) -> Py<()> {
        let found = self.found(module, name)?;
        self.stack.push(found);
        Ok(())
    }

    pub(super) fn found(&mut self, module: Own, name: Own) -> Py {
        let standing = self.standing(&module, &name)?;
        let (module, name) = match &self.options.names {
            None => (module, name),
            Some(migration) => renamed(migration, module, name, self.protocol)?,
        };
        let found = self.outside(|reader| match &reader.hooks.find_class {
            Some(find) => find.obj().call(py::tuple(&[module, name])?.obj(), None),
            None => find_class(reader.st, module, name, reader.protocol, reader.options),
        })?;
        if let Some(standing) = standing {
            self.note_found(&found, standing)?;
        }
        Ok(found)
    }

    pub(super) fn extension(&mut self, code: i64) -> Py<()> {
        if code <= 0 {
            return self.st.unpickling("EXT specifies code <= 0");
        }
        let st = self.st;
        let key = py::int(code)?;
        if let Some(found) = st.extension_cache.obj().item_maybe(key.obj())? {
            self.stack.push(found);
            return Ok(());
        }
        let Some(pair) = st.inverted_registry.obj().item_maybe(key.obj())? else {
            return py::raise(Kind::Value, &format!("unregistered extension code {code}"));
        };
        let pair = pair.obj();
        if !(pair.is_tuple() && pair.tuple_len() == 2 && pair.tuple_item(0).is_str() && pair.tuple_item(1).is_str()) {
            return py::raise(Kind::Value, &format!("_inverted_registry[{code}] isn't a 2-tuple of strings"));
        }
        let found = self.found(pair.tuple_item(0).own(), pair.tuple_item(1).own())?;
        st.extension_cache.obj().set_item(key.obj(), found.obj())?;
        self.stack.push(found);
        Ok(())
    }
}

/// The names that a migration has for these.
#[cold]
fn renamed(migration: &Migration, module: Own, name: Own, protocol: u64) -> Py<(Own, Own)> {
    let protocol = u8::try_from(protocol).unwrap_or(u8::MAX);
    match migration.rename(&module.obj().text()?, &name.obj().text()?, protocol) {
        Some((module, name)) => Ok((py::str_of(&module)?, py::str_of(&name)?)),
        None => Ok((module, name)),
    }
}

/// The object that `module` has under `name`, or what stands for it where that is asked for.
pub(crate) fn find_class(st: &State, module: Own, name: Own, protocol: u64, options: &Options) -> Py {
    if !options.placeholders {
        return find(st, module, name, protocol, options.fix_imports);
    }
    let found = find(st, module.clone(), name.clone(), protocol, options.fix_imports);
    if found.is_err() && py::is_of_what_is_gone() {
        py::clear();
        let make = py::import(c"oiji._placeholder")?.obj().attr(c"placeholder")?;
        return make.obj().call(py::tuple(&[module, name])?.obj(), None);
    }
    found
}

/// The object that `module` has under `name`; names of Python 2 are mapped where that is asked for.
fn find(st: &State, mut module: Own, mut name: Own, protocol: u64, fix_imports: bool) -> Py {
    py::audit(c"pickle.find_class", module.obj(), name.obj())?;
    if protocol < 3 && fix_imports {
        let key = py::tuple(&[module.clone(), name.clone()])?;
        if let Some(found) = st.name_mapping_2to3.obj().item_maybe(key.obj())? {
            if !(found.obj().is_tuple() && found.obj().tuple_len() == 2) {
                let text = format!(
                    "_compat_pickle.NAME_MAPPING values should be 2-tuples, not {}",
                    make::type_name(found.obj())
                );
                return py::raise(Kind::Runtime, &text);
            }
            module = found.obj().tuple_item(0).own();
            name = found.obj().tuple_item(1).own();
        } else if let Some(found) = st.import_mapping_2to3.obj().item_maybe(module.obj())? {
            module = found;
        }
    }
    let found = match st.modules.obj().item_maybe(module.obj())? {
        // A module that is there but for this name may be half imported, by another thread.
        Some(found) => match simple_attribute(found.obj(), name.obj(), protocol)? {
            Some(value) => return Ok(value),
            None => py::import_module(module.obj())?,
        },
        None => py::import_module(module.obj())?,
    };
    if protocol < 4 {
        return attribute(found.obj(), name.obj(), name.obj(), found.obj());
    }
    let text = name.obj().text()?;
    let mut value = found.clone();
    for part in text.split('.') {
        if part == "<locals>" {
            let text = format!("Can't get local attribute {} on {}", shown(name.obj()), shown(found.obj()));
            return py::raise(Kind::Attribute, &text);
        }
        value = attribute(value.obj(), py::str_of(part)?.obj(), name.obj(), found.obj())?;
    }
    Ok(value)
}

/// What a module has under a name without dots, if it is to be found at once.
fn simple_attribute(module: Obj<'_>, name: Obj<'_>, protocol: u64) -> Py<Option<Own>> {
    match name.chars()? {
        Chars::Ascii(text) if protocol < 4 || !text.contains(&b'.') => module.attr_maybe(name),
        _ => Ok(None),
    }
}

fn attribute(object: Obj<'_>, part: Obj<'_>, name: Obj<'_>, module: Obj<'_>) -> Py {
    match object.attr_maybe(part)? {
        Some(found) => Ok(found),
        None => py::raise(Kind::Attribute, &format!("Can't get attribute {} on {}", shown(name), shown(module))),
    }
}
