//! `Steps`: the rules of a migration, as the package's own Python asks them.

use std::cell::{OnceCell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;

use oiji::Opcode;
use oiji::op::read_op;
use oiji::rewrite::{LiveRules, Migration, Pack, Report};
use oiji::source::BufferedSource;

use crate::py::class::{Args, Class, This, instance, method, of_class};
use crate::py::{self, Kind, Obj, Py, View};
use crate::state::State;
use crate::types::taken::Taken;

/// A migration of the library.
pub(crate) struct Steps {
    st: Rc<State>,
    migration: RefCell<Rc<Migration>>,
    /// What of it can be followed while pickles are read.
    live: OnceCell<Option<Rc<RefCell<LiveRules>>>>,
}

impl Steps {
    pub(super) fn migration(&self) -> Rc<Migration> {
        self.migration.borrow().clone()
    }

    /// The same for a reader that makes objects, if no rule needs more than that.
    pub(super) fn live(&self) -> Option<Rc<RefCell<LiveRules>>> {
        self.live.get_or_init(|| self.migration().live().map(|live| Rc::new(RefCell::new(live)))).clone()
    }
}

impl Class for Steps {
    const NAME: &'static CStr = c"_oiji.Steps";
    const DOC: &'static CStr = c"Steps()\n--\n\nThe rules of a migration.";
    const OPEN: bool = true;

    fn new(st: Rc<State>) -> Self {
        Steps { st, migration: RefCell::default(), live: OnceCell::new() }
    }

    fn visit(&self, _: &mut dyn FnMut(Obj<'_>)) {}

    fn clear(&self) {}

    fn methods() -> Vec<pyo3_ffi::PyMethodDef> {
        vec![
            method!(Steps, c"toml", toml, c"toml($self, text, name, /)\n--\n\nThese, then the rules of text."),
            method!(Steps, c"pack", pack, c"pack($self, name, /)\n--\n\nThese, then those of a pack."),
            method!(Steps, c"packs", packs, c"packs($self, /)\n--\n\nNames of packs, and what they are for."),
            method!(Steps, c"main_to", main_to, c"main_to($self, module, /)\n--\n\nThese, then __main__ moves there."),
            method!(Steps, c"then", then, c"then($self, other, /)\n--\n\nThese, then the others."),
            method!(
                Steps,
                c"migrate",
                migrate,
                c"migrate($self, data, /)\n--\n\nNew bytes or None, and what was done."
            ),
            method!(Steps, c"take", take, c"take($self, file, /)\n--\n\nThe bytes of one pickle of a file, migrated."),
        ]
    }
}

fn text(given: Option<Obj<'_>>) -> Py<String> {
    match given {
        Some(given) if given.is_str() => given.text(),
        _ => py::raise(Kind::Type, "must be str"),
    }
}

/// These rules and then others.
fn more(this: This<'_, Steps>, others: Migration) -> Py {
    let migration = Rc::new(Migration::clone(&this.migration()).then(others));
    let steps = Steps { st: this.st.clone(), migration: RefCell::new(migration), live: OnceCell::new() };
    instance(this.st.classes()?.steps.obj(), steps)
}

fn toml(this: This<'_, Steps>, args: Args<'_>) -> Py {
    let [rules, name] = args.take("toml", ["text", "name"], 2, 2, 2)?;
    let name = text(name)?;
    match Migration::from_toml(&text(rules)?) {
        Ok(migration) => more(this, migration),
        Err(error) => py::raise(Kind::Value, &error.in_file(name).to_string()),
    }
}

fn pack(this: This<'_, Steps>, args: Args<'_>) -> Py {
    let [name] = args.take("pack", ["name"], 1, 1, 1)?;
    let name = text(name)?;
    match Migration::pack(&name) {
        Some(migration) => more(this, migration),
        None => {
            let names: Vec<&str> = Pack::all().map(Pack::name).collect();
            py::raise(Kind::Value, &format!("there is no pack {name:?}; there are {}", names.join(", ")))
        }
    }
}

fn packs(_: This<'_, Steps>, args: Args<'_>) -> Py {
    let [] = args.take("packs", [], 0, 0, 0)?;
    let pair = |pack: Pack| py::tuple(&[py::str_of(pack.name())?, py::str_of(pack.about())?]);
    py::list(&Pack::all().map(pair).collect::<Py<Vec<_>>>()?)
}

fn main_to(this: This<'_, Steps>, args: Args<'_>) -> Py {
    let [module] = args.take("main_to", ["module"], 1, 1, 1)?;
    more(this, Migration::main_to(&text(module)?))
}

fn then(this: This<'_, Steps>, args: Args<'_>) -> Py {
    let [other] = args.take("then", ["other"], 1, 1, 1)?;
    let Some(other) = other else { return Ok(py::none()) };
    more(this, Migration::clone(&of_class::<Steps>(other)?.migration()))
}

fn migrate(this: This<'_, Steps>, args: Args<'_>) -> Py {
    let [data] = args.take("migrate", ["data"], 1, 1, 1)?;
    let Some(data) = data else { return Ok(py::none()) };
    match this.migration().migrate(View::of(data)?.bytes()) {
        Ok((new, report)) => {
            let new = new.map_or(Ok(py::none()), |new| py::bytes_of(&new))?;
            py::tuple(&[new, told(&report)?])
        }
        Err(error) => this.st.unpickling(&error.to_string()),
    }
}

/// What was done, as a dict of dicts.
fn told(report: &Report) -> Py {
    let all = py::dict()?;
    let put = |name: &str, counts: Vec<(String, u64)>| -> Py<()> {
        let place = py::dict()?;
        for (what, count) in counts {
            place.obj().set_item(py::str_of(&what)?.obj(), py::int(count as i64)?.obj())?;
        }
        all.obj().set_item(py::str_of(name)?.obj(), place.obj())
    };
    put("renamed", report.renamed.iter().map(|((from, to), count)| (format!("{from} -> {to}"), *count)).collect())?;
    put("done", report.done.iter().map(|(what, count)| (what.clone(), *count)).collect())?;
    put("strings", report.strings.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect())?;
    put("undecided", report.undecided.iter().map(|(what, count)| (what.clone(), *count)).collect())?;
    put("already", report.already.iter().map(|(what, version)| (what.clone(), u64::from(*version))).collect())?;
    Ok(all)
}

fn take(this: This<'_, Steps>, args: Args<'_>) -> Py {
    let [file] = args.take("take", ["file"], 1, 1, 1)?;
    let Some(file) = file else { return Ok(py::none()) };
    py::bytes_of(&migrated_from(file, &this.migration(), &this.st)?)
}

/// The next pickle of a file, migrated.
pub(super) fn migrated_from(file: Obj<'_>, migration: &Migration, st: &State) -> Py<Vec<u8>> {
    let mut taken = Taken::new(file, st)?;
    let read = pass_pickle(&mut taken);
    if taken.raised {
        return Err(py::Raised);
    }
    let bytes = taken.into_bytes()?;
    if bytes.is_empty() {
        return py::raise(Kind::Eof, "Ran out of input");
    }
    if let Err(error) = read {
        return st.unpickling(&error.to_string());
    }
    match migration.migrate(&bytes) {
        Ok((new, _)) => Ok(new.unwrap_or(bytes)),
        Err(error) => st.unpickling(&error.to_string()),
    }
}

/// Passes over the ops of one pickle: what they do is seen when it is migrated.
fn pass_pickle(taken: &mut Taken) -> oiji::Result<()> {
    let mut source = BufferedSource::new(taken);
    while read_op(&mut source)?.opcode != Opcode::Stop {}
    Ok(())
}
