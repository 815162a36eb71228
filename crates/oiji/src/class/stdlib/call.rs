//! Calls by which Python makes values of its library: which class is called, and with what.

use crate::class::read::{class_of, is_reconstructor, wrong_class};
use crate::error::{Error, Result};
use crate::graph::{Items, Object, Value};

/// A class or function of Python: its name, and modules that have or had it.
#[derive(Clone, Copy)]
pub(crate) struct Callable {
    /// As messages give it: `datetime.date`.
    pub(crate) shown: &'static str,
    pub(crate) modules: &'static [&'static str],
    pub(crate) name: &'static str,
}

/// The modules of what is built in.
pub(crate) const BUILTINS: &[&str] = &["builtins", "__builtin__"];

impl Callable {
    /// Whether `value` is this class or function itself, by name.
    pub(crate) fn is_global(self, value: Value<'_>) -> bool {
        value.as_global().is_ok_and(|global| self.name == global.name() && self.modules.contains(&global.module()))
    }

    /// Whether `value` is what a call of this gives, or an instance of it.
    pub(crate) fn made(self, value: Value<'_>) -> bool {
        class_of(value).is_some_and(|class| self.name == class.name() && self.modules.contains(&class.module()))
    }

    /// The object that `value` is.
    ///
    /// # Errors
    /// `WrongClass` if a call of this did not make it.
    pub(crate) fn object(self, value: Value<'_>) -> Result<Object<'_>> {
        match value.as_object() {
            Ok(object) if self.made(value) => Ok(object),
            _ => Err(wrong_class(value, self.shown)),
        }
    }

    /// What it was called with.
    ///
    /// # Errors
    /// `WrongClass` if a call of this did not make `value`.
    pub(crate) fn args(self, value: Value<'_>) -> Result<Items<'_>> {
        let object = self.object(value)?;
        // `copyreg._reconstructor` is called with other things.
        if is_reconstructor(object) {
            return Err(self.wrong_args(value));
        }
        object.args().items()
    }

    /// The error for arguments that Python would refuse, or that no Python writes.
    #[cold]
    pub(crate) fn wrong_args(self, value: Value<'_>) -> Error {
        let args: Vec<&str> = match value.as_object() {
            Ok(object) => object.args().items().into_iter().flatten().take(MOST).map(Value::type_name).collect(),
            Err(_) => Vec::new(),
        };
        let message = format!("no {} is made from arguments ({})", self.shown, args.join(", "));
        Error::message(message).at_value(value.id().index())
    }
}

/// How many arguments a message names.
const MOST: usize = 12;

/// The first characters of a text that may be long.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
