//! `Pickler`.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;

use crate::output::Output;
use crate::py::class::{Args, Class, This, attribute, instance, is_bound_builtin, method};
use crate::py::memo::Memo;
use crate::py::{self, Kind, Obj, Own, Py};
use crate::save::{Hooks, Options, Saver};
use crate::state::State;
use crate::types::functions::{file_write, writing};
use crate::types::proxy::{PicklerMemo, pickler_memo};

/// What a `Pickler` holds. While it writes, the memo is with the writer, but for the time that user code runs.
pub(crate) struct Pickler {
    st: Rc<State>,
    options: RefCell<Option<Rc<Options>>>,
    write: RefCell<Option<Own>>,
    persistent_id: RefCell<Option<Own>>,
    pub(crate) memo: RefCell<Memo>,
    pub(crate) fast: Cell<i64>,
    bin: Cell<i64>,
    busy: Cell<bool>,
}

impl Class for Pickler {
    const NAME: &'static CStr = c"oiji.Pickler";
    const DOC: &'static CStr =
        c"Pickler(file, protocol=None, fix_imports=True, buffer_callback=None, *,\n        compact=False)\n--\n\n\
As pickle.Pickler. An exception of dump() says where in the object it came up, as a note.\n\
With compact=True text and bytes that only one object holds have no memo entry.";
    const OPEN: bool = true;
    const MEMBER: Option<&'static CStr> = Some(c"dispatch_table");

    fn new(st: Rc<State>) -> Self {
        Pickler {
            st,
            options: RefCell::default(),
            write: RefCell::default(),
            persistent_id: RefCell::default(),
            memo: RefCell::default(),
            fast: Cell::new(0),
            bin: Cell::new(0),
            busy: Cell::new(false),
        }
    }

    fn init(this: This<'_, Self>, args: Args<'_>) -> Py<()> {
        let names = ["file", "protocol", "fix_imports", "buffer_callback", "compact"];
        let [file, protocol, fix_imports, callback, compact] = args.take("Pickler", names, 4, 1, 0)?;
        let Some(file) = file else { return Ok(()) };
        let options = writing(protocol, fix_imports, callback, compact)?;
        let write = file_write(&this.st, file)?;
        this.bin.set(i64::from(options.protocol > 0));
        this.fast.set(0);
        drop(this.options.replace(Some(Rc::new(options))));
        drop(this.write.replace(Some(write)));
        drop(this.memo.take());
        Ok(())
    }

    fn visit(&self, visit: &mut dyn FnMut(Obj<'_>)) {
        if let Ok(options) = self.options.try_borrow()
            && let Some(callback) = options.as_ref().and_then(|options| options.buffer_callback.as_ref())
        {
            visit(callback.obj());
        }
        for cell in [&self.write, &self.persistent_id] {
            if let Some(held) = cell.borrow().as_ref() {
                visit(held.obj());
            }
        }
        self.memo.borrow().visit(visit);
    }

    fn clear(&self) {
        drop(self.options.take());
        drop(self.write.take());
        drop(self.persistent_id.take());
        drop(self.memo.take());
    }

    fn own_attribute(&self, name: Obj<'_>) -> Option<Own> {
        if name.is(self.st.names.persistent_id.obj()) { self.persistent_id.borrow().clone() } else { None }
    }

    fn set_own_attribute(&self, name: Obj<'_>, value: Option<Obj<'_>>) -> Py<bool> {
        if !name.is(self.st.names.persistent_id.obj()) || (value.is_none() && self.persistent_id.borrow().is_none()) {
            return Ok(false);
        }
        drop(self.persistent_id.replace(value.map(Obj::own)));
        Ok(true)
    }

    fn methods() -> Vec<pyo3_ffi::PyMethodDef> {
        vec![
            method!(Pickler, c"dump", dump, c"dump($self, obj, /)\n--\n\nWrites obj to the file."),
            method!(Pickler, c"clear_memo", clear_memo, c"clear_memo($self, /)\n--\n\nAs pickle.Pickler.clear_memo."),
            method!(
                Pickler,
                c"persistent_id",
                persistent_id,
                c"persistent_id($self, obj, /)\n--\n\nAs pickle.Pickler.persistent_id."
            ),
            method!(Pickler, c"__sizeof__", in_memory, c"__sizeof__($self, /)\n--\n\nSize in memory, in bytes."),
        ]
    }

    fn attributes() -> Vec<pyo3_ffi::PyGetSetDef> {
        vec![
            attribute!(Pickler, c"memo", memo, set_memo),
            attribute!(Pickler, c"bin", bin, set_bin),
            attribute!(Pickler, c"fast", fast, set_fast),
        ]
    }
}

fn dump(this: This<'_, Pickler>, args: Args<'_>) -> Py {
    let [object] = args.take("dump", ["obj"], 1, 1, 1)?;
    let Some(object) = object else { return Ok(py::none()) };
    let options = this.options.borrow().clone();
    let write = this.write.borrow().clone();
    let (Some(options), Some(write)) = (options, write) else {
        let class = this.obj().type_of().obj().attr(c"__name__")?.obj().text()?;
        return this.st.pickling(&format!("Pickler.__init__() was not called by {class}.__init__()"));
    };
    let _guard = Guard::new(&this.busy, "Pickler object is already in use")?;
    let hooks = hooks(this)?;
    let mut out = Output::new(Some(write), Vec::new(), 0);
    let mut memo = this.memo.take();
    let result = Saver::new(&this.st, &options, &hooks, &mut out, &mut memo, Some(&this)).dump(object);
    memo.hold();
    // What a hook put there meanwhile was taken over by the writer.
    drop(this.memo.replace(memo));
    result?;
    out.flush()?;
    Ok(py::none())
}

/// What the pickler asks of user code.
fn hooks(this: This<'_, Pickler>) -> Py<Hooks> {
    let (object, names) = (this.obj(), &this.st.names);
    let member = this.member();
    if this.is_exact() {
        return Ok(Hooks {
            persistent_id: this.persistent_id.borrow().clone(),
            reducer_override: None,
            dispatch_table: member,
        });
    }
    let persistent_id = object.attr_obj(names.persistent_id.obj())?;
    let persistent_id = (!is_bound_builtin(persistent_id.obj(), object, c"persistent_id")).then_some(persistent_id);
    let dispatch_table = match member {
        Some(table) => Some(table),
        None => object.attr_maybe(names.dispatch_table.obj())?,
    };
    let reducer_override = object.attr_maybe(names.reducer_override.obj())?;
    Ok(Hooks { persistent_id, reducer_override, dispatch_table })
}

fn clear_memo(this: This<'_, Pickler>, args: Args<'_>) -> Py {
    let [] = args.take("clear_memo", [], 0, 0, 0)?;
    drop(this.memo.take());
    Ok(py::none())
}

fn persistent_id(_this: This<'_, Pickler>, args: Args<'_>) -> Py {
    let [_] = args.take("persistent_id", ["obj"], 1, 1, 1)?;
    Ok(py::none())
}

fn in_memory(this: This<'_, Pickler>, args: Args<'_>) -> Py {
    let [] = args.take("__sizeof__", [], 0, 0, 0)?;
    py::int((size_of::<Pickler>() + 24 + this.memo.borrow().size()) as i64)
}

fn memo(this: This<'_, Pickler>) -> Py {
    instance(this.st.classes()?.pickler_memo.obj(), PicklerMemo::new(this.obj()))
}

fn set_memo(this: This<'_, Pickler>, value: Option<Obj<'_>>) -> Py<()> {
    let Some(value) = value else {
        return py::raise(Kind::Type, "attribute deletion is not supported");
    };
    let memo = pickler_memo(value)?;
    drop(this.memo.replace(memo));
    Ok(())
}

fn bin(this: This<'_, Pickler>) -> Py {
    py::int(this.bin.get())
}

fn set_bin(this: This<'_, Pickler>, value: Option<Obj<'_>>) -> Py<()> {
    this.bin.set(number(value)?);
    Ok(())
}

fn fast(this: This<'_, Pickler>) -> Py {
    py::int(this.fast.get())
}

fn set_fast(this: This<'_, Pickler>, value: Option<Obj<'_>>) -> Py<()> {
    this.fast.set(number(value)?);
    Ok(())
}

fn number(value: Option<Obj<'_>>) -> Py<i64> {
    match value {
        Some(value) => value.index(),
        None => py::raise(Kind::Type, "can't delete numeric/char attribute"),
    }
}

/// Marks something as in use as long as it lives.
pub(super) struct Guard<'a>(&'a Cell<bool>);

impl<'a> Guard<'a> {
    pub(super) fn new(busy: &'a Cell<bool>, text: &str) -> Py<Guard<'a>> {
        if busy.replace(true) { py::raise(Kind::Runtime, text) } else { Ok(Guard(busy)) }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
