//! `Rules`: a policy, as the package's own Python asks it.

use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

use oiji::inspect::scan::Scanner;
use oiji::policy::{Policy, Standing};
use oiji::{Error, ErrorKind, ReadOptions};

use crate::py::class::{Args, Class, This, instance, method};
use crate::py::{self, Kind, Obj, Own, Py, View};
use crate::state::State;
use crate::types::taken::Taken;

/// A policy of the library.
pub(crate) struct Rules {
    st: Rc<State>,
    policy: RefCell<Policy>,
}

impl Class for Rules {
    const NAME: &'static CStr = c"_oiji.Rules";
    const DOC: &'static CStr = c"Rules(builtin=True, /)\n--\n\nThe rules of a policy.";
    const OPEN: bool = true;

    fn new(st: Rc<State>) -> Self {
        Rules { st, policy: RefCell::default() }
    }

    fn init(this: This<'_, Self>, args: Args<'_>) -> Py<()> {
        let [builtin] = args.take("Rules", ["builtin"], 1, 0, 1)?;
        if builtin.map_or(Ok(true), Obj::is_true)? {
            this.policy.replace(Policy::builtin().clone());
        }
        Ok(())
    }

    fn visit(&self, _: &mut dyn FnMut(Obj<'_>)) {}

    fn clear(&self) {}

    fn methods() -> Vec<pyo3_ffi::PyMethodDef> {
        vec![
            method!(Rules, c"over", over, c"over($self, text, /)\n--\n\nThese rules with those of text over them."),
            method!(Rules, c"standing", standing, c"standing($self, module, name, /)\n--\n\nWhat is said of a global."),
            method!(Rules, c"count", count, c"count($self, /)\n--\n\nHow many names are allowed."),
            method!(
                Rules,
                c"check",
                check,
                c"check($self, data, fix_imports, /)\n--\n\nWhether bytes that pass name globals, else a tuple that says why they do not pass."
            ),
            method!(
                Rules,
                c"take",
                take,
                c"take($self, file, fix_imports, /)\n--\n\nThe bytes of one pickle if they pass, else a tuple that says why not."
            ),
            method!(
                Rules,
                c"scan",
                scan,
                c"scan($self, data, unpack, /)\n--\n\nWhat a file would do: verdict, findings, effects, globals, pickles, bytes."
            ),
        ]
    }
}

fn over(this: This<'_, Rules>, args: Args<'_>) -> Py {
    let [text] = args.take("over", ["text"], 1, 1, 1)?;
    let text = text.map_or(Ok(String::new()), Obj::text)?;
    match this.policy.borrow().clone().with(&text) {
        Ok(policy) => {
            let rules = Rules { st: this.st.clone(), policy: RefCell::new(policy) };
            instance(this.st.classes()?.rules.obj(), rules)
        }
        Err(error) => py::raise(Kind::Value, &error.to_string()),
    }
}

fn standing(this: This<'_, Rules>, args: Args<'_>) -> Py {
    let [module, name] = args.take("standing", ["module", "name"], 2, 2, 2)?;
    let text = |given: Option<Obj<'_>>| given.map_or(Ok(String::new()), Obj::text);
    let (module, name) = (text(module)?, text(name)?);
    let policy = this.policy.borrow();
    let (word, more) = match policy.standing(&module, &name) {
        Standing::Allowed(rule) => ("allowed", py::str_of(&rule.to_string())?),
        Standing::Dangerous(why) => ("dangerous", py::str_of(why)?),
        Standing::Unknown => ("unknown", py::none()),
    };
    py::tuple(&[py::str_of(word)?, more])
}

fn count(this: This<'_, Rules>, args: Args<'_>) -> Py {
    let [] = args.take("count", [], 0, 0, 0)?;
    py::int(this.policy.borrow().count() as i64)
}

fn check(this: This<'_, Rules>, args: Args<'_>) -> Py {
    let [data, fix_imports] = args.take("check", ["data", "fix_imports"], 2, 2, 2)?;
    let (Some(data), Some(fix_imports)) = (data, fix_imports) else { return Ok(py::none()) };
    let policy = this.policy.borrow().clone();
    let options = ReadOptions::new().fix_imports(fix_imports.is_true()?).policy(&policy);
    let view = View::of(data)?;
    match options.pickles(view.bytes()).next() {
        Some(Ok(graph)) => Ok(py::bool_of(graph.globals().len() > 0)),
        Some(Err(error)) => refused(&error, &this.st),
        None => py::raise(Kind::Eof, "Ran out of input"),
    }
}

fn take(this: This<'_, Rules>, args: Args<'_>) -> Py {
    let [file, fix_imports] = args.take("take", ["file", "fix_imports"], 2, 2, 2)?;
    let (Some(file), Some(fix_imports)) = (file, fix_imports) else { return Ok(py::none()) };
    let policy = this.policy.borrow().clone();
    let options = ReadOptions::new().fix_imports(fix_imports.is_true()?).policy(&policy);
    let mut taken = Taken::new(file, &this.st)?;
    let checked = options.pickles_from_buf_read(&mut taken).next();
    if taken.raised {
        return Err(py::Raised);
    }
    match checked {
        Some(Ok(_)) => py::bytes_of(&taken.into_bytes()?),
        Some(Err(error)) => refused(&error, &this.st),
        None => py::raise(Kind::Eof, "Ran out of input"),
    }
}

/// Message, what, why, line and offset of what the policy does not allow; other errors are raised.
fn refused(error: &Error, st: &State) -> Py {
    let maybe = |text: Option<&String>| text.map_or(Ok(py::none()), |text| py::str_of(text));
    match error.kind() {
        ErrorKind::Forbidden { what, why, line, .. } => {
            let offset = error.offset().map_or(Ok(py::none()), |offset| py::int(offset as i64))?;
            py::tuple(&[
                py::str_of(&error.to_string())?,
                py::str_of(what)?,
                py::str_of(why)?,
                maybe(line.as_ref())?,
                offset,
            ])
        }
        _ => st.unpickling(&error.to_string()),
    }
}

fn scan(this: This<'_, Rules>, args: Args<'_>) -> Py {
    let [data, unpack] = args.take("scan", ["data", "unpack"], 2, 2, 2)?;
    let (Some(data), Some(unpack)) = (data, unpack) else { return Ok(py::none()) };
    let policy = this.policy.borrow().clone();
    let view = View::of(data)?;
    let report = unpacking::with(unpack.own(), || Scanner::new(&policy).unpack(&unpacking::unpack).scan(view.bytes()));
    let number = |number: u64| py::int(number as i64);
    let mut findings = Vec::new();
    for one in &report.findings {
        findings.push(py::tuple(&[
            py::str_of(one.verdict.name())?,
            py::str_of(one.rule.name())?,
            py::str_of(&one.place)?,
            number(one.offset)?,
            py::str_of(&one.what)?,
            py::str_of(&one.why)?,
            number(one.count)?,
        ])?);
    }
    let mut effects = Vec::new();
    for one in &report.effects {
        effects.push(py::tuple(&[py::str_of(&one.place)?, number(one.offset)?, py::str_of(&one.what)?])?);
    }
    let mut globals = Vec::new();
    for ((module, name), count) in &report.globals {
        globals.push(py::tuple(&[py::str_of(module)?, py::str_of(name)?, number(*count)?])?);
    }
    py::tuple(&[
        py::str_of(report.verdict().name())?,
        py::list(&findings)?,
        py::list(&effects)?,
        py::list(&globals)?,
        number(report.pickles)?,
        number(report.bytes)?,
    ])
}

/// Decompressing by Python's own modules: the library leaves it to its caller.
mod unpacking {
    use super::*;

    thread_local! {
        /// What decompresses, while this thread scans.
        static BY: RefCell<Option<Own>> = const { RefCell::new(None) };
    }

    pub(super) fn with<T>(unpack: Own, work: impl FnOnce() -> T) -> T {
        let before = BY.replace(Some(unpack));
        let result = work();
        drop(BY.replace(before));
        result
    }

    /// What compressed bytes hold.
    pub(super) fn unpack(bytes: &[u8], most: u64) -> Option<oiji::Result<Vec<u8>>> {
        let by = BY.with_borrow(Option::clone)?;
        let asked = || -> Py<Option<Vec<u8>>> {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let given = by.obj().call(py::tuple(&[py::bytes_of(bytes)?, py::int(most)?])?.obj(), None)?;
            if given.obj().is_none() { Ok(None) } else { Ok(Some(View::of(given.obj())?.bytes().to_vec())) }
        };
        match asked() {
            Ok(given) => given.map(Ok),
            Err(_) => {
                py::clear();
                let error = std::io::Error::other("it cannot be decompressed whole");
                Some(Err(ErrorKind::Io(error).into()))
            }
        }
    }
}
