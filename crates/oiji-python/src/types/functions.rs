//! `dump`, `dumps`, `load`, `loads`.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use oiji::rewrite::Migration;
use oiji::signed::{self, Key};

use crate::input::{Input, Memory};
use crate::load::{self, load as read};
use crate::output::Output;
use crate::py::class::{Args, of_class};
use crate::py::memo::Memo;
use crate::py::{self, Exact, Kind, Obj, Own, Py, View};
use crate::save::{self, Saver};
use crate::state::State;
use crate::types::steps::{Steps, migrated_from};

pub(super) const DUMP: &CStr = c"dump($module, /, obj, file, protocol=None, *, fix_imports=True,\n     buffer_callback=None, compact=False, key=None)\n--\n\n\
As pickle.dump. An exception says where in obj it came up, as a note. With\n\
compact=True the pickle is smaller: values that nothing else in it refers to\n\
are not put into the memo. With a key it is signed: docs/signed.md.";
pub(super) const DUMPS: &CStr =
    c"dumps($module, /, obj, protocol=None, *, fix_imports=True,\n      buffer_callback=None, compact=False, key=None)\n--\n\n\
As pickle.dumps, with the same bytes. An exception says where in obj it came\n\
up, as a note. With compact=True the pickle is smaller: values that nothing\n\
else in it refers to are not put into the memo. With a key it is signed:\n\
docs/signed.md.";
pub(super) const LOAD: &CStr =
    c"load($module, /, file, *, fix_imports=True, encoding='ASCII',\n     errors='strict', buffers=(), migrate=None, missing=None, key=None)\n--\n\n\
As pickle.load. migrate is a Migration, or its rules; with\n\
missing='placeholder' something stands for a class that is gone, and keeps\n\
what the pickle says of it; with a key, or some, only what was signed by one\n\
is read.";
pub(super) const LOADS: &CStr =
    c"loads($module, data, /, *, fix_imports=True, encoding='ASCII',\n      errors='strict', buffers=(), migrate=None, missing=None, key=None)\n--\n\n\
As pickle.loads. migrate is a Migration, or its rules; with\n\
missing='placeholder' something stands for a class that is gone, and keeps\n\
what the pickle says of it; with a key, or some, only what was signed by one\n\
is read.";

pub(super) const VERIFIED: &CStr =
    c"verified($module, data, key, /)\n--\n\nWhat was signed by a key, or by one of some.";

pub(super) fn dump(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["obj", "file", "protocol", "fix_imports", "buffer_callback", "compact", "key"];
    let [object, file, protocol, fix_imports, callback, compact, key] = args.take("dump", names, 3, 2, 0)?;
    let (Some(object), Some(file)) = (object, file) else { return Ok(py::none()) };
    let options = writing(protocol, fix_imports, callback, compact)?;
    if let Some(key) = signing(key)? {
        let write = file_write(st, file)?;
        write.obj().call1(signed_pickle(st, object, &options, &key)?.obj())?;
        return Ok(py::none());
    }
    let mut out = Output::new(Some(file_write(st, file)?), Vec::new(), 0);
    let hooks = save::Hooks::default();
    Saver::new(st, &options, &hooks, &mut out, &mut Memo::default(), None).dump(object)?;
    out.flush()?;
    Ok(py::none())
}

pub(super) fn dumps(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["obj", "protocol", "fix_imports", "buffer_callback", "compact", "key"];
    let [object, protocol, fix_imports, callback, compact, key] = args.take("dumps", names, 2, 1, 0)?;
    let Some(object) = object else { return Ok(py::none()) };
    let options = writing(protocol, fix_imports, callback, compact)?;
    match signing(key)? {
        Some(key) => signed_pickle(st, object, &options, &key),
        None => pickle(st, object, &options),
    }
}

fn signed_pickle(st: &Rc<State>, object: Obj<'_>, options: &save::Options, key: &Key) -> Py {
    let content = pickle(st, object, options)?;
    py::bytes_of(&signed::sign(content.obj().bytes(), key))
}

/// The pickle of an object.
fn pickle(st: &Rc<State>, object: Obj<'_>, options: &save::Options) -> Py {
    // Memory that the last call has left; a call within this one finds none.
    let mut room = st.room.take().unwrap_or_default();
    let mut out = Output::new(None, std::mem::take(&mut room.scratch), st.last_len.get() + 512);
    let hooks = save::Hooks::default();
    let result = Saver::new(st, options, &hooks, &mut out, &mut room.memo, None).dump(object);
    st.last_len.set(out.buffer.len().max(st.last_len.get() / 2));
    let bytes = result.and_then(|()| out.buffer.take());
    room.memo.clear();
    room.scratch = out.buffer.into_scratch();
    drop(st.room.replace(Some(room)));
    bytes
}

pub(super) fn load(st: &Rc<State>, args: Args<'_>) -> Py {
    let names = ["file", "fix_imports", "encoding", "errors", "buffers", "migrate", "missing", "key"];
    let [file, fix_imports, encoding, errors, buffers, migrate, missing, key] = args.take("load", names, 1, 1, 0)?;
    let Some(file) = file else { return Ok(py::none()) };
    let mut input = Input::new(file, st)?;
    let mut options = reading(fix_imports, encoding, errors, buffers)?;
    let steps = migration(migrate, &mut options)?;
    options.placeholders = placeholders(missing)?;
    if let Some(key) = key.filter(|key| !key.is_none()) {
        // The signature is of all that follows it.
        let bytes = file.attr(c"read")?.obj().call0()?;
        let view = View::of(bytes.obj())?;
        return from_memory(verified(view.bytes(), key, st)?, st, &options, steps.as_deref());
    }
    if let Some(steps) = steps {
        let bytes = migrated_from(file, &steps, st)?;
        return read(&mut Memory(&bytes), st, &options, &load::Hooks::default(), None);
    }
    let result = read(&mut input, st, &options, &load::Hooks::default(), None)?;
    input.settle()?;
    Ok(result)
}

pub(super) fn loads(st: &Rc<State>, args: Args<'_>) -> Py {
    if let Some(data) = args.alone().filter(|data| data.exact() == Exact::Bytes) {
        return read(&mut Memory(data.bytes()), st, &st.as_usual, &load::Hooks::default(), None);
    }
    let names = ["data", "fix_imports", "encoding", "errors", "buffers", "migrate", "missing", "key"];
    let [data, fix_imports, encoding, errors, buffers, migrate, missing, key] = args.take("loads", names, 1, 1, 1)?;
    let Some(data) = data else { return Ok(py::none()) };
    let mut options = reading(fix_imports, encoding, errors, buffers)?;
    let steps = migration(migrate, &mut options)?;
    options.placeholders = placeholders(missing)?;
    if data.exact() == Exact::Bytes && steps.is_none() && key.is_none() {
        // They cannot change, and the caller holds them.
        return from_memory(data.bytes(), st, &options, None);
    }
    let view = View::of(data)?;
    match key.filter(|key| !key.is_none()) {
        None => from_memory(view.bytes(), st, &options, steps.as_deref()),
        Some(key) => from_memory(verified(view.bytes(), key, st)?, st, &options, steps.as_deref()),
    }
}

pub(super) fn verify(st: &Rc<State>, args: Args<'_>) -> Py {
    let [data, key] = args.take("verified", ["data", "key"], 2, 2, 2)?;
    let (Some(data), Some(key)) = (data, key) else { return Ok(py::none()) };
    let view = View::of(data)?;
    py::bytes_of(verified(view.bytes(), key, st)?)
}

/// Loads bytes that the caller holds, migrated first where names are not all that changes.
fn from_memory(bytes: &[u8], st: &State, options: &load::Options, steps: Option<&Migration>) -> Py {
    let hooks = load::Hooks::default();
    let Some(steps) = steps else {
        let loaded = read(&mut Memory(bytes), st, options, &hooks, None);
        return match (&loaded, &options.names) {
            (Err(_), Some(steps)) if options.unsuited.take() => {
                py::clear();
                from_memory(bytes, st, &options.without_rules(), Some(steps))
            }
            _ => loaded,
        };
    };
    match steps.migrate(bytes) {
        Ok((Some(migrated), _)) => read(&mut Memory(&migrated), st, options, &hooks, None),
        Ok((None, _)) => read(&mut Memory(bytes), st, options, &hooks, None),
        Err(error) => st.unpickling(&error.to_string()),
    }
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
    let fix_imports = fix_imports.map_or(Ok(true), Obj::is_true)?;
    Ok(load::Options::new(fix_imports, encoding, errors, buffers))
}

/// The rules of an argument `migrate`: such as can be followed while a pickle is read go into the options. Given back are those
/// for which it must be migrated before it is loaded.
pub(super) fn migration(migrate: Option<Obj<'_>>, options: &mut load::Options) -> Py<Option<Rc<Migration>>> {
    let Some(migrate) = migrate.filter(|migrate| !migrate.is_none()) else { return Ok(None) };
    let of = py::import(c"oiji._migrate")?.obj().attr(c"steps_of")?;
    let steps = of.obj().call1(migrate)?;
    let steps = of_class::<Steps>(steps.obj())?;
    let migration = steps.migration();
    if migration.has_versions() {
        return Ok(Some(migration));
    }
    if migration.is_names_only() {
        options.names = Some(migration);
        return Ok(None);
    }
    // Names of attributes that are bytes are not what rules name.
    let live = if options.encoding.is_some() { steps.live() } else { None };
    if live.is_none() {
        return Ok(Some(migration));
    }
    (options.names, options.live) = (Some(migration), live);
    Ok(None)
}

/// Whether an argument `missing` asks for placeholders.
pub(super) fn placeholders(missing: Option<Obj<'_>>) -> Py<bool> {
    match missing.filter(|missing| !missing.is_none()) {
        None => Ok(false),
        Some(missing) if missing.is_str() && missing.text()? == "placeholder" => Ok(true),
        Some(_) => py::raise(Kind::Value, "missing must be None or 'placeholder'"),
    }
}

/// The keys of an argument `key`: bytes, or a list or tuple of some.
fn keys(key: Obj<'_>) -> Py<Vec<Key>> {
    let one =
        |key: Obj<'_>| Key::new(View::of(key)?.bytes()).or_else(|error| py::raise(Kind::Value, &error.to_string()));
    if key.is_tuple() {
        return (0..key.tuple_len()).map(|index| one(key.tuple_item(index))).collect();
    }
    if key.exact() == Exact::List {
        return key.list_items().iter().map(|key| one(key.obj())).collect();
    }
    Ok(vec![one(key)?])
}

/// The key to sign by.
fn signing(key: Option<Obj<'_>>) -> Py<Option<Key>> {
    match key.filter(|key| !key.is_none()) {
        None => Ok(None),
        Some(key) => match keys(key)?.into_iter().next() {
            Some(key) => Ok(Some(key)),
            None => py::raise(Kind::Value, "key is empty"),
        },
    }
}

/// What was signed by one of the keys, and else an error before anything of it is read.
fn verified<'a>(bytes: &'a [u8], key: Obj<'_>, st: &State) -> Py<&'a [u8]> {
    signed::verify(bytes, &keys(key)?).or_else(|error| st.unpickling(&error.to_string()))
}
