//! Classes and functions by name.

use crate::py::{self, Chars, Exact, Kind, Obj, Own, Py, typing};
use crate::save::{Saver, Work, code};
use crate::state::shown;

impl Saver<'_> {
    /// A class: those of the three singletons have no name of their own.
    pub(super) fn save_type(&mut self, object: Obj<'_>) -> Py<()> {
        self.user_code()?;
        let none = py::none();
        for singleton in [&none, &self.st.not_implemented, &self.st.ellipsis] {
            if singleton.obj().type_of().obj().is(object) {
                let value = py::tuple(&[self.st.type_type.clone(), py::tuple(std::slice::from_ref(singleton))?])?;
                return self.reduce(value, Some(object));
            }
        }
        self.save_global(object, None)
    }

    pub(super) fn save_global(&mut self, object: Obj<'_>, name: Option<Own>) -> Py<()> {
        self.user_code()?;
        let held = object.own();
        let object = held.obj();
        let names = &self.st.names;
        let name = match name {
            Some(name) => name,
            None => match object.attr_maybe(names.qualname.obj())? {
                Some(name) => name,
                None => object.attr_obj(names.dunder_name.obj())?,
            },
        };
        if !name.obj().is_str() {
            return py::raise(Kind::Type, "a name that is no str");
        }
        let is_simple =
            name.obj().exact() == Exact::Str && matches!(name.obj().chars()?, Chars::Ascii(text) if is_simple(text));
        if !is_simple && name.obj().text()?.split('.').any(|part| part == "<locals>") {
            let what = if cfg!(Py_3_13) { "get" } else { "pickle" };
            return py::raise(Kind::Attribute, &format!("Can't {what} local object {}", shown(name.obj())));
        }
        let module_name = self.module_of(object, name.obj())?;
        if is_simple && self.is_at_once(object, &module_name, &name)? {
            return self.simple_global(object, &module_name, &name);
        }
        self.global_of(object, module_name, name)
    }

    /// Whether a module that is imported has an object under a simple name, where `import` would do nothing.
    fn is_at_once(&self, object: Obj<'_>, module: &Own, name: &Own) -> Py<bool> {
        let st = self.st;
        if self.protocol < 4 || self.hooks.persistent_id.is_some() || module.obj().exact() != Exact::Str {
            return Ok(false);
        }
        if !st.import.as_ref().is_some_and(|import| py::imports_by(import.obj(), st.names.import.obj())) {
            return Ok(false);
        }
        let found = st.modules.obj().dict_get(module.obj())?;
        let Some(names) = found.and_then(|found| typing::module_dict(found, st.module_type.obj())) else {
            return Ok(false);
        };
        Ok(names.dict_get(name.obj())?.is_some_and(|value| value.is(object)))
    }

    fn simple_global(&mut self, object: Obj<'_>, module: &Own, name: &Own) -> Py<()> {
        if self.save_extension(object, module, name)? {
            return Ok(());
        }
        for text in [module, name] {
            self.boundary()?;
            self.save_shared_key(text.obj())?;
        }
        self.out.buffer.put([code::STACK_GLOBAL])?;
        self.memo_put(object)
    }

    fn global_of(&mut self, object: Obj<'_>, module_name: Own, name: Own) -> Py<()> {
        let text = name.obj().text()?;
        let path: Vec<&str> = text.split('.').collect();
        let found = py::import_module(module_name.obj()).ok();
        let module = match found.and_then(|_| self.st.modules.obj().item_maybe(module_name.obj()).ok().flatten()) {
            Some(module) => module,
            None => {
                py::clear();
                if is_placeholder(object)? {
                    return self.name_alone(object, module_name, name);
                }
                let module = shown(module_name.obj());
                return self.st.pickling(&format!("Can't pickle {}: import of module {module} failed", shown(object)));
            }
        };
        let mut parent = module.clone();
        let mut value = module.clone();
        for part in &path {
            let part = py::str_of(part)?;
            match value.obj().attr_maybe(part.obj()) {
                Ok(Some(next)) => parent = std::mem::replace(&mut value, next),
                Ok(None) if is_placeholder(object)? => return self.name_alone(object, module_name, name),
                Ok(None) => {
                    let module = module_name.obj().str()?.obj().text()?;
                    let text = format!("Can't pickle {}: attribute lookup {text} on {module} failed", shown(object));
                    return self.st.pickling(&text);
                }
                Err(raised) => return Err(raised),
            }
        }
        if !value.obj().is(object) {
            let module = module_name.obj().str()?.obj().text()?;
            let text = format!("Can't pickle {}: it's not the same object as {module}.{text}", shown(object));
            return self.st.pickling(&text);
        }
        // A way that leads back to the module is left out, before Python 3.13.
        let short = cfg!(not(Py_3_13)) && path.len() > 1 && parent.obj().is(module.obj());
        let extension = self.protocol >= 2 && self.save_extension(object, &module_name, &name)?;
        let name = if short { py::str_of(path.last().copied().unwrap_or_default())? } else { name };
        if extension {
            return Ok(());
        }
        self.work.push(Work::MemoPut(object.own()));
        if self.protocol >= 4 {
            self.work.push(Work::Emit(code::STACK_GLOBAL));
            self.push(name);
            self.push(module_name);
            return Ok(());
        }
        if path.len() > 1 && cfg!(Py_3_13) {
            // Each part is asked of the one before; only the names are in the memo.
            self.work.push(Work::Parts(path[1..].iter().rev().map(|part| py::str_of(part)).collect::<Py<_>>()?));
            self.work.push(Work::Global(module_name, py::str_of(path[0])?));
            for _ in 1..path.len() {
                if self.protocol < 2 {
                    self.work.push(Work::Emit(code::MARK));
                }
                self.push(self.st.getattr.clone());
            }
            return Ok(());
        }
        if !parent.obj().is(module.obj()) {
            let last = py::str_of(path.last().copied().unwrap_or_default())?;
            let value = py::tuple(&[self.st.getattr.clone(), py::tuple(&[parent, last])?])?;
            return self.reduce(value, None);
        }
        self.global_lines(module_name, name)
    }

    /// A global that is not looked up: what a placeholder stands for.
    fn name_alone(&mut self, object: Obj<'_>, module: Own, name: Own) -> Py<()> {
        self.work.push(Work::MemoPut(object.own()));
        if self.protocol < 4 {
            return self.global_lines(module, name);
        }
        self.work.push(Work::Emit(code::STACK_GLOBAL));
        self.push(name);
        self.push(module);
        Ok(())
    }

    /// The module that an object says it is of, or that has it.
    fn module_of(&self, object: Obj<'_>, name: Obj<'_>) -> Py {
        match object.attr_maybe(self.st.names.module.obj())? {
            Some(module) if !module.obj().is_none() => Ok(module),
            _ => {
                let find = py::import(c"pickle")?.obj().attr(c"whichmodule")?;
                find.obj().call(py::tuple(&[object.own(), name.own()])?.obj(), None)
            }
        }
    }

    fn save_extension(&mut self, object: Obj<'_>, module: &Own, name: &Own) -> Py<bool> {
        let registry = self.st.extension_registry.obj();
        if registry.is_dict_exact() && registry.dict_len() == 0 {
            return Ok(false);
        }
        let key = py::tuple(&[module.clone(), name.clone()])?;
        let Some(found) = registry.item_maybe(key.obj())? else { return Ok(false) };
        match found.obj().index()? {
            number @ 1..=0xff => self.out.buffer.put([code::EXT1, number as u8])?,
            number @ 1..=0xffff => self.out.buffer.put([code::EXT2, number as u8, (number >> 8) as u8])?,
            number @ 1..=0x7fff_ffff => {
                let [a, b, c, d] = (number as u32).to_le_bytes();
                self.out.buffer.put([code::EXT4, a, b, c, d])?;
            }
            _ => {
                let number = shown(found.obj());
                if cfg!(Py_3_13) {
                    return py::raise(Kind::Runtime, &format!("extension code {number} is out of range"));
                }
                let text = format!("Can't pickle {}: extension code {number} is out of range", shown(object));
                return self.st.pickling(&text);
            }
        }
        Ok(true)
    }

    /// The parts of a nested name, each an attribute of what is on the stack.
    pub(super) fn parts(&mut self, mut parts: Vec<Own>) {
        let Some(part) = parts.pop() else { return };
        self.work.push(Work::Parts(parts));
        self.work.push(Work::Emit(code::REDUCE));
        self.work.push(Work::Emit(if self.protocol >= 2 { code::TUPLE2 } else { code::TUPLE }));
        self.push(part);
    }

    /// `GLOBAL`, with the names of Python 2 where they are asked for.
    pub(super) fn global_lines(&mut self, mut module: Own, mut name: Own) -> Py<()> {
        self.out.buffer.put([code::GLOBAL])?;
        if self.protocol < 3 && self.options.fix_imports {
            let key = py::tuple(&[module.clone(), name.clone()])?;
            if let Some(found) = self.st.name_mapping_3to2.obj().item_maybe(key.obj())? {
                if found.obj().is_tuple() && found.obj().tuple_len() == 2 {
                    module = found.obj().tuple_item(0).own();
                    name = found.obj().tuple_item(1).own();
                }
            } else if let Some(found) = self.st.import_mapping_3to2.obj().item_maybe(module.obj())? {
                module = found;
            }
        }
        for (part, what) in [(&module, "module"), (&name, "global")] {
            let line = if self.protocol == 3 { py::utf8(part.obj()) } else { py::ascii(part.obj()) };
            match line {
                Ok(line) => self.out.buffer.put_slice(line.obj().bytes())?,
                Err(_) if py::is_unicode_error() => {
                    py::clear();
                    let (text, protocol) = (part.obj().text()?, self.protocol);
                    let text = format!("can't pickle {what} identifier '{text}' using pickle protocol {protocol}");
                    return self.st.pickling(&text);
                }
                Err(raised) => return Err(raised),
            }
            self.out.buffer.put([b'\n'])?;
        }
        Ok(())
    }
}

/// Whether a class stands for one that is gone: its type says so.
#[cold]
fn is_placeholder(object: Obj<'_>) -> Py<bool> {
    let kind = object.type_of();
    Ok(object.is_type() && kind.obj().attr_maybe(py::name(c"__oiji_placeholder__")?.obj())?.is_some())
}

/// Whether a name is that of no part of anything, nor one that modules answer by themselves.
fn is_simple(name: &[u8]) -> bool {
    !name.starts_with(b"__") && !name.iter().any(|byte| matches!(byte, b'.' | b'<'))
}
