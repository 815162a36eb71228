//! `memo` as Python sees it: a proxy with `clear`, `copy` and `__reduce__`.

use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

use crate::py::class::{Args, Class, This, downcast, method, of_class};
use crate::py::memo::Memo;
use crate::py::{self, Kind, Obj, Own, Py};
use crate::state::State;
use crate::types::{Pickler, Unpickler};

macro_rules! proxy {
    ($name:ident, $text:literal, $doc:literal) => {
        #[doc = $doc]
        pub(crate) struct $name {
            owner: RefCell<Option<Own>>,
        }

        impl $name {
            pub(crate) fn new(owner: Obj<'_>) -> Self {
                $name { owner: RefCell::new(Some(owner.own())) }
            }

            /// Its pickler or unpickler.
            fn owner(&self) -> Py {
                match &*self.owner.borrow() {
                    Some(owner) => Ok(owner.clone()),
                    None => py::raise(Kind::Runtime, "the memo's owner is gone"),
                }
            }
        }

        impl Class for $name {
            const NAME: &'static CStr = $text;
            const DOC: &'static CStr = c"The memo.";
            const OPEN: bool = false;

            fn new(_: Rc<State>) -> Self {
                $name { owner: RefCell::default() }
            }

            fn visit(&self, visit: &mut dyn FnMut(Obj<'_>)) {
                if let Some(owner) = self.owner.borrow().as_ref() {
                    visit(owner.obj());
                }
            }

            fn clear(&self) {
                drop(self.owner.take());
            }

            fn methods() -> Vec<pyo3_ffi::PyMethodDef> {
                vec![
                    method!($name, c"clear", $name::forget, c"clear($self, /)\n--\n\nRemove all items from memo."),
                    method!($name, c"copy", $name::copy, c"copy($self, /)\n--\n\nCopy the memo to a new object."),
                    method!($name, c"__reduce__", $name::reduce, c"__reduce__($self, /)\n--\n\nAs a dict."),
                ]
            }
        }

        impl $name {
            fn reduce(this: This<'_, Self>, args: Args<'_>) -> Py {
                let copy = Self::copy(this, args)?;
                let class = copy.obj().type_of();
                py::tuple(&[class, py::tuple(&[copy])?])
            }
        }
    };
}

proxy!(PicklerMemo, c"_oiji.PicklerMemoProxy", "The memo of a pickler: `{id: (index, object)}`.");
proxy!(UnpicklerMemo, c"_oiji.UnpicklerMemoProxy", "The memo of an unpickler: `{index: object}`.");

impl PicklerMemo {
    fn forget(this: This<'_, Self>, args: Args<'_>) -> Py {
        let [] = args.take("clear", [], 0, 0, 0)?;
        let owner = this.owner()?;
        drop(of_class::<Pickler>(owner.obj())?.memo.take());
        Ok(py::none())
    }

    fn copy(this: This<'_, Self>, args: Args<'_>) -> Py {
        let [] = args.take("copy", [], 0, 0, 0)?;
        let owner = this.owner()?;
        let pickler = of_class::<Pickler>(owner.obj())?;
        let entries = pickler.memo.borrow_mut().entries();
        let dict = py::dict()?;
        for (held, index) in entries {
            let pair = py::tuple(&[py::int(i64::from(index))?, held.clone()])?;
            dict.obj().set_item(py::int(held.obj().address() as i64)?.obj(), pair.obj())?;
        }
        Ok(dict)
    }
}

impl UnpicklerMemo {
    fn forget(this: This<'_, Self>, args: Args<'_>) -> Py {
        let [] = args.take("clear", [], 0, 0, 0)?;
        let owner = this.owner()?;
        drop(of_class::<Unpickler>(owner.obj())?.memo.take());
        Ok(py::none())
    }

    fn copy(this: This<'_, Self>, args: Args<'_>) -> Py {
        let [] = args.take("copy", [], 0, 0, 0)?;
        let owner = this.owner()?;
        let entries = unpickler_entries(owner.obj())?;
        let dict = py::dict()?;
        for (index, held) in entries {
            dict.obj().set_item(py::int(index as i64)?.obj(), held.obj())?;
        }
        Ok(dict)
    }
}

fn unpickler_entries(owner: Obj<'_>) -> Py<Vec<(u64, Own)>> {
    let unpickler = of_class::<Unpickler>(owner)?;
    let memo = unpickler.memo.borrow();
    Ok(memo.entries().map(|(index, held)| (index, held.own())).collect())
}

/// A memo from what is assigned to `Pickler.memo`.
pub(super) fn pickler_memo(value: Obj<'_>) -> Py<Memo> {
    let mut memo = Memo::default();
    if let Some(proxy) = downcast::<PicklerMemo>(value) {
        let owner = proxy.owner()?;
        let pickler = of_class::<Pickler>(owner.obj())?;
        let entries = pickler.memo.borrow_mut().entries();
        memo.hold();
        for (held, index) in entries {
            memo.set(held.obj(), index);
        }
        return Ok(memo);
    }
    if !value.is_dict() {
        let text = "'memo' attribute must be a PicklerMemoProxy object or dict";
        return py::raise(Kind::Type, text);
    }
    memo.hold();
    let mut position = 0;
    while let Some((_, pair)) = value.dict_next(&mut position) {
        if !(pair.obj().is_tuple() && pair.obj().tuple_len() == 2) {
            return py::raise(Kind::Type, "'memo' values must be 2-item tuples");
        }
        let Ok(index) = u32::try_from(pair.obj().tuple_item(0).index()?) else {
            return py::raise(Kind::Value, "memo indexes must be from 0 to 4294967294");
        };
        memo.set(pair.obj().tuple_item(1), index);
    }
    Ok(memo)
}

/// Entries from what is assigned to `Unpickler.memo`.
pub(super) fn unpickler_memo(value: Obj<'_>) -> Py<Vec<(u64, Own)>> {
    if let Some(proxy) = downcast::<UnpicklerMemo>(value) {
        return unpickler_entries(proxy.owner()?.obj());
    }
    if !value.is_dict() {
        let text = "'memo' attribute must be an UnpicklerMemoProxy object or dict";
        return py::raise(Kind::Type, text);
    }
    let mut entries = Vec::new();
    let mut position = 0;
    while let Some((key, held)) = value.dict_next(&mut position) {
        if key.obj().exact() != py::Exact::Int {
            return py::raise(Kind::Type, "memo key must be integers");
        }
        match key.obj().index()? {
            index @ 0.. => entries.push((index as u64, held)),
            _ => return py::raise(Kind::Value, "memo key must be positive integers."),
        }
    }
    Ok(entries)
}
