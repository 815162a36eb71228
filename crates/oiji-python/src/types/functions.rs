//! `dump`, `dumps`, `load`, `loads`.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use crate::input::{Input, Memory};
use crate::load::{self, load as read};
use crate::output::Output;
use crate::py::class::Args;
use crate::py::memo::Memo;
use crate::py::{self, Exact, Kind, Obj, Own, Py, View};
use crate::save::{self, Saver};
use crate::state::State;

pub(super) const DUMP: &CStr = c"dump($module, /, obj, file, protocol=None, *, fix_imports=True,\n     buffer_callback=None, compact=False)\n--\n\n\
As pickle.dump. An exception says where in obj it came up, as a note. With\n\
compact=True the pickle is smaller: values that nothing else in it refers to\n\
are not put into the memo.";
pub(super) const DUMPS: &CStr =
    c"dumps($module, /, obj, protocol=None, *, fix_imports=True,\n      buffer_callback=None, compact=False)\n--\n\n\
As pickle.dumps, with the same bytes. An exception says where in obj it came\n\
up, as a note. With compact=True the pickle is smaller: values that nothing\n\
else in it refers to are not put into the memo.";
pub(super) const LOAD: &CStr =
    c"load($module, /, file, *, fix_imports=True, encoding='ASCII',\n     errors='strict', buffers=())\n--\n\n\
As pickle.load.";
pub(super) const LOADS: &CStr =
    c"loads($module, data, /, *, fix_imports=True, encoding='ASCII',\n      errors='strict', buffers=())\n--\n\n\
As pickle.loads.";

pub(super) fn dump(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["obj", "file", "protocol", "fix_imports", "buffer_callback", "compact"];
    let [object, file, protocol, fix_imports, callback, compact] = args.take("dump", names, 3, 2, 0)?;
    let (Some(object), Some(file)) = (object, file) else { return Ok(py::none()) };
    let options = writing(protocol, fix_imports, callback, compact)?;
    let mut out = Output::new(Some(file_write(st, file)?), Vec::new(), 0);
    let hooks = save::Hooks::default();
    Saver::new(st, &options, &hooks, &mut out, Memo::default(), None).dump(object)?;
    out.flush()?;
    Ok(py::none())
}

pub(super) fn dumps(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["obj", "protocol", "fix_imports", "buffer_callback", "compact"];
    let [object, protocol, fix_imports, callback, compact] = args.take("dumps", names, 2, 1, 0)?;
    let Some(object) = object else { return Ok(py::none()) };
    let options = writing(protocol, fix_imports, callback, compact)?;
    // Memory that the last call has left; a call within this one finds none.
    let (scratch, memo) = st.room.take();
    let mut out = Output::new(None, scratch, st.last_len.get() + 512);
    let hooks = save::Hooks::default();
    let mut saver = Saver::new(st, &options, &hooks, &mut out, memo, None);
    let result = saver.dump(object);
    let mut memo = saver.into_memo();
    st.last_len.set(out.buffer.len().max(st.last_len.get() / 2));
    let bytes = result.and_then(|()| out.buffer.take());
    memo.clear();
    st.room.replace((out.buffer.into_scratch(), memo));
    bytes
}

pub(super) fn load(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["file", "fix_imports", "encoding", "errors", "buffers"];
    let [file, fix_imports, encoding, errors, buffers] = args.take("load", names, 1, 1, 0)?;
    let Some(file) = file else { return Ok(py::none()) };
    let mut input = Input::new(file, st)?;
    let options = reading(fix_imports, encoding, errors, buffers)?;
    let result = read(&mut input, st, &options, &load::Hooks::default(), None)?;
    input.settle()?;
    Ok(result)
}

pub(super) fn loads(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["data", "fix_imports", "encoding", "errors", "buffers"];
    let [data, fix_imports, encoding, errors, buffers] = args.take("loads", names, 1, 1, 1)?;
    let Some(data) = data else { return Ok(py::none()) };
    let options = reading(fix_imports, encoding, errors, buffers)?;
    if data.exact() == Exact::Bytes {
        // They cannot change, and the caller holds them.
        return read(&mut Memory(data.bytes()), st, &options, &load::Hooks::default(), None);
    }
    let view = View::of(data)?;
    read(&mut Memory(view.bytes()), st, &options, &load::Hooks::default(), None)
}

/// The method of a file that takes bytes.
pub(super) fn file_write(st: &State, file: Obj<'_>) -> Py {
    match file.attr_maybe(st.names.write.obj())? {
        Some(write) => Ok(write),
        None => py::raise(Kind::Type, "file must have a 'write' attribute"),
    }
}

/// The options of a pickler, from what was given.
pub(super) fn writing(
    protocol: Option<Obj<'_>>,
    fix_imports: Option<Obj<'_>>,
    callback: Option<Obj<'_>>,
    compact: Option<Obj<'_>>,
) -> Py<save::Options> {
    const DEFAULT: u8 = 4;
    const HIGHEST: i64 = 5;
    let protocol = match protocol.filter(|protocol| !protocol.is_none()) {
        None => DEFAULT,
        Some(given) => match given.index()? {
            i64::MIN..0 => HIGHEST as u8,
            protocol @ 0..=HIGHEST => protocol as u8,
            _ => return py::raise(Kind::Value, "pickle protocol must be <= 5"),
        },
    };
    let buffer_callback = callback.filter(|callback| !callback.is_none()).map(Obj::own);
    if buffer_callback.is_some() && protocol < 5 {
        return py::raise(Kind::Value, "buffer_callback needs protocol >= 5");
    }
    let fix_imports = fix_imports.map_or(Ok(true), Obj::is_true)?;
    let compact = compact.map_or(Ok(false), Obj::is_true)?;
    Ok(save::Options { protocol, fix_imports: fix_imports && protocol < 3, buffer_callback, compact })
}

/// The options of an unpickler, from what was given.
pub(super) fn reading(
    fix_imports: Option<Obj<'_>>,
    encoding: Option<Obj<'_>>,
    errors: Option<Obj<'_>>,
    buffers: Option<Obj<'_>>,
) -> Py<load::Options> {
    let text = |given: Option<Obj<'_>>, default: &'static CStr, what: &str| match given {
        None => Ok(Cow::Borrowed(default)),
        Some(given) if given.is_str() => match CString::new(given.text()?) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => py::raise(Kind::Value, "embedded null character"),
        },
        Some(_) => py::raise(Kind::Type, &format!("argument '{what}' must be str")),
    };
    let encoding = text(encoding, c"ASCII", "encoding")?;
    let errors = text(errors, c"strict", "errors")?;
    let is_empty_tuple = |given: Obj<'_>| given.is_tuple() && given.tuple_len() == 0;
    let buffers: Option<Own> = match buffers {
        Some(given) if !given.is_none() && !is_empty_tuple(given) => Some(given.iter()?),
        _ => None,
    };
    let encoding = (&*encoding != c"bytes").then_some(encoding);
    Ok(load::Options { fix_imports: fix_imports.map_or(Ok(true), Obj::is_true)?, encoding, errors, buffers })
}
