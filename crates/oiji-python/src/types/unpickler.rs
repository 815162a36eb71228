//! `Unpickler`.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;

use oiji::rewrite::Migration;

use crate::input::{Input, Memory};
use crate::load::{self, Hooks, Memo, Options, Shown, find_class as find};
use crate::py::class::{Args, Class, This, attribute, instance, is_bound_builtin, method};
use crate::py::entry::Entry;
use crate::py::{self, Kind, Obj, Own, Py};
use crate::state::State;
use crate::types::functions::{migration, placeholders, reading};
use crate::types::pickler::Guard;
use crate::types::proxy::{UnpicklerMemo, unpickler_memo};
use crate::types::steps::migrated_from;

/// What an `Unpickler` holds.
pub(crate) struct Unpickler {
    st: Rc<State>,
    options: RefCell<Option<Rc<Options>>>,
    /// The file, where its pickles are to be migrated before they are loaded, and by what.
    whole: RefCell<Option<(Own, Rc<Migration>)>>,
    input: RefCell<Option<Input>>,
    persistent_load: RefCell<Option<Own>>,
    pub(crate) memo: RefCell<Memo>,
    protocol: Cell<u64>,
    busy: Cell<bool>,
}

impl Class for Unpickler {
    const NAME: &'static CStr = c"oiji.Unpickler";
    const DOC: &'static CStr = c"Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict',\n\
          buffers=(), migrate=None, missing=None)\n--\n\nAs pickle.Unpickler. migrate and missing are as for load. A dict that is assigned to memo is kept.";
    const OPEN: bool = true;

    fn new(st: Rc<State>) -> Self {
        Unpickler {
            st,
            options: RefCell::default(),
            whole: RefCell::default(),
            input: RefCell::default(),
            persistent_load: RefCell::default(),
            memo: RefCell::default(),
            protocol: Cell::new(0),
            busy: Cell::new(false),
        }
    }

    fn init(this: This<'_, Self>, args: Args<'_>) -> Py<()> {
        let names = ["file", "fix_imports", "encoding", "errors", "buffers", "migrate", "missing"];
        let [file, fix_imports, encoding, errors, buffers, migrate, missing] =
            args.take("Unpickler", names, 1, 1, 0)?;
        let Some(file) = file else { return Ok(()) };
        let input = Input::new(file, &this.st)?;
        let mut options = reading(fix_imports, encoding, errors, buffers)?;
        options.placeholders = placeholders(missing)?;
        let whole = migration(migrate, &mut options)?.map(|steps| (file.own(), steps));
        drop(this.whole.replace(whole));
        let Ok(mut place) = this.input.try_borrow_mut() else {
            return py::raise(Kind::Runtime, "Unpickler object is already in use");
        };
        let before = place.replace(input);
        drop(place);
        drop(before);
        drop(this.options.replace(Some(Rc::new(options))));
        drop(this.memo.take());
        this.protocol.set(0);
        Ok(())
    }

    fn visit(&self, visit: &mut dyn FnMut(Obj<'_>)) {
        if let Some(buffers) = self.options.borrow().as_ref().and_then(|options| options.buffers.as_ref()) {
            visit(buffers.obj());
        }
        if let Some((file, _)) = self.whole.borrow().as_ref() {
            visit(file.obj());
        }
        if let Ok(input) = self.input.try_borrow()
            && let Some(input) = input.as_ref()
        {
            input.methods().for_each(|held| visit(held.obj()));
        }
        if let Some(held) = self.persistent_load.borrow().as_ref() {
            visit(held.obj());
        }
        if let Ok(memo) = self.memo.try_borrow() {
            memo.entries().for_each(|(_, held)| visit(held));
        }
    }

    fn clear(&self) {
        drop(self.options.take());
        drop(self.whole.take());
        drop(self.persistent_load.take());
        if let Ok(mut input) = self.input.try_borrow_mut() {
            let before = input.take();
            drop(input);
            drop(before);
        }
        if let Ok(mut memo) = self.memo.try_borrow_mut() {
            let before = std::mem::take(&mut *memo);
            drop(memo);
            drop(before);
        }
    }

    fn own_attribute(&self, name: Obj<'_>) -> Option<Own> {
        if name.is(self.st.names.persistent_load.obj()) { self.persistent_load.borrow().clone() } else { None }
    }

    fn set_own_attribute(&self, name: Obj<'_>, value: Option<Obj<'_>>) -> Py<bool> {
        let is_it = name.is(self.st.names.persistent_load.obj());
        if !is_it || (value.is_none() && self.persistent_load.borrow().is_none()) {
            return Ok(false);
        }
        drop(self.persistent_load.replace(value.map(Obj::own)));
        Ok(true)
    }

    fn methods() -> Vec<pyo3_ffi::PyMethodDef> {
        vec![
            method!(Unpickler, c"load", load, c"load($self, /)\n--\n\nReads one object from the file."),
            method!(
                Unpickler,
                c"find_class",
                find_class,
                c"find_class($self, module_name, global_name, /)\n--\n\nAs pickle.Unpickler.find_class."
            ),
            method!(
                Unpickler,
                c"persistent_load",
                persistent_load,
                c"persistent_load($self, pid, /)\n--\n\nAs pickle.Unpickler.persistent_load."
            ),
            method!(Unpickler, c"__sizeof__", in_memory, c"__sizeof__($self, /)\n--\n\nSize in memory, in bytes."),
        ]
    }

    fn attributes() -> Vec<pyo3_ffi::PyGetSetDef> {
        vec![attribute!(Unpickler, c"memo", memo, set_memo)]
    }
}

fn load(this: This<'_, Unpickler>, args: Args<'_>) -> Py {
    let [] = args.take("load", [], 0, 0, 0)?;
    let options = this.options.borrow().clone();
    let Some(options) = options else {
        let class = this.obj().type_of().obj().attr(c"__name__")?.obj().text()?;
        return this.st.unpickling(&format!("Unpickler.__init__() was not called by {class}.__init__()"));
    };
    let _guard = Guard::new(&this.busy, "Unpickler object is already in use")?;
    let hooks = hooks(this)?;
    // The file is with the reader while it reads.
    let Some(mut input) = this.input.take() else { return Ok(py::none()) };
    let shown = Shown { memo: &this.memo, protocol: &this.protocol };
    let whole = this.whole.borrow().clone();
    if let Some((file, migration)) = whole {
        drop(this.input.replace(Some(input)));
        let bytes = migrated_from(file.obj(), &migration, &this.st)?;
        return load::load(&mut Memory(&bytes), &this.st, &options, &hooks, Some(shown));
    }
    let result = load::load(&mut input, &this.st, &options, &hooks, Some(shown));
    let result = result.and_then(|value| input.settle().map(|()| value));
    let newer = this.input.take();
    drop(this.input.replace(Some(newer.unwrap_or(input))));
    result
}

fn hooks(this: This<'_, Unpickler>) -> Py<Hooks> {
    if this.is_exact() {
        return Ok(Hooks { find_class: None, persistent_load: this.persistent_load.borrow().clone() });
    }
    let (object, names) = (this.obj(), &this.st.names);
    let theirs = |name: &Own, text: &CStr| {
        let found = object.attr_obj(name.obj())?;
        Ok((!is_bound_builtin(found.obj(), object, text)).then_some(found))
    };
    Ok(Hooks {
        find_class: theirs(&names.find_class, c"find_class")?,
        persistent_load: theirs(&names.persistent_load, c"persistent_load")?,
    })
}

fn find_class(this: This<'_, Unpickler>, args: Args<'_>) -> Py {
    let [module, name] = args.take("find_class", ["module_name", "global_name"], 2, 2, 2)?;
    let (Some(module), Some(name)) = (module, name) else { return Ok(py::none()) };
    let options = this.options.borrow().clone();
    let options = options.map_or_else(|| reading(None, None, None, None).map(Rc::new), Ok)?;
    find(&this.st, module.own(), name.own(), this.protocol.get(), &options)
}

fn persistent_load(this: This<'_, Unpickler>, args: Args<'_>) -> Py {
    let [_] = args.take("persistent_load", ["pid"], 1, 1, 1)?;
    this.st.unpickling(load::NO_PERSISTENT_LOAD)
}

fn in_memory(this: This<'_, Unpickler>, args: Args<'_>) -> Py {
    let [] = args.take("__sizeof__", [], 0, 0, 0)?;
    let memo = this.memo.borrow().size();
    let input = this.input.borrow().as_ref().map_or(0, Input::size);
    py::int((size_of::<Unpickler>() + 24 + memo + input) as i64)
}

fn memo(this: This<'_, Unpickler>) -> Py {
    instance(this.st.classes()?.unpickler_memo.obj(), UnpicklerMemo::new(this.obj()))
}

fn set_memo(this: This<'_, Unpickler>, value: Option<Obj<'_>>) -> Py<()> {
    let Some(value) = value else {
        return py::raise(Kind::Type, "attribute deletion is not supported");
    };
    let entries = unpickler_memo(value)?;
    let mut fresh = Memo::default();
    for (index, held) in entries {
        drop(fresh.put(index, Entry::of(held)));
    }
    drop(this.memo.replace(fresh));
    Ok(())
}
