//! The state of an old instance, on its way to what the class is today.

use std::borrow::Cow;
use std::rc::Rc;

use crate::class::pickle::Pickle;
use crate::class::pickler::Pickler;
use crate::class::unpickle::Unpickle;
use crate::class::unpickler::Unpickler;
use crate::error::{ErrorKind, Result};
use crate::graph::{Graph, Pairs, Value};

/// What leads from one version of a state to the next.
pub type Migration = fn(&mut State<'_>) -> Result<()>;

/// The attributes of an old instance, which a migration may rename, remove and set.
///
/// ```
/// use oiji::{Result, Unpickle, class::State};
/// #[derive(Unpickle, Debug, PartialEq)]
/// #[pickle(class = "model.Line", version = 3, migrate(1 => rename, 2 => join))]
/// struct Line {
///     weights: Vec<f64>,
/// }
/// // Version 1 had `w` and `b`, version 2 `weight` and `bias`.
/// fn rename(state: &mut State<'_>) -> Result<()> {
///     state.rename("w", "weight");
///     state.rename("b", "bias");
///     Ok(())
/// }
/// fn join(state: &mut State<'_>) -> Result<()> {
///     let weights: Vec<f64> = vec![state.get("weight")?, state.get("bias")?];
///     state.set("weights", &weights)
/// }
/// // An instance with w = 0.5, b = 2, written before there were versions.
/// let bytes = b"\x80\x02cmodel\nLine\n)\x81}(U\x01wG?\xe0\0\0\0\0\0\0U\x01bK\x02ub.";
/// assert_eq!(Line::loads(bytes)?, Line { weights: vec![0.5, 2.0] });
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct State<'g> {
    entries: Vec<(Cow<'g, str>, Entry<'g>)>,
}

#[derive(Clone)]
enum Entry<'g> {
    Read(Value<'g>),
    Made(Rc<Graph<'static>>),
}

impl<'g> State<'g> {
    /// The attributes of an instance; keyword arguments come first.
    pub(crate) fn new(pairs: impl Iterator<Item = (Value<'g>, Value<'g>)>, kwargs: Option<Pairs<'g>>) -> Self {
        let mut state = State { entries: Vec::new() };
        for (key, value) in kwargs.into_iter().flatten().chain(pairs) {
            let name = key.as_str().map_or_else(|_| Cow::Owned(key.to_string()), Cow::Borrowed);
            state.entries.push((name, Entry::Read(value)));
        }
        state
    }

    fn position(&self, name: &str) -> Option<usize> {
        // Of a name set twice the last one counts.
        self.entries.iter().rposition(|(other, _)| other == name)
    }

    /// Whether there is an attribute of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// The value of an attribute, to look at.
    pub fn value(&self, name: &str) -> Option<Value<'_>> {
        self.position(name).map(|at| self.entries[at].1.value())
    }

    /// The names and values of all attributes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.entries.iter().map(|(name, entry)| (&**name, entry.value()))
    }

    /// Reads an attribute as a Rust value.
    ///
    /// # Errors
    /// `NoSuchPath` if there is none; as for [`Unpickler::from_value`].
    pub fn get<T: Unpickle>(&self, name: &str) -> Result<T> {
        match self.value(name) {
            Some(value) => Unpickler::new().from_value(value),
            None => Err(ErrorKind::NoSuchPath { step: format!("{name:?} in this state") }.into()),
        }
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// As for [`Pickler::to_graph`].
    pub fn set<T: Pickle + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        let made = Entry::Made(Rc::new(Pickler::new().to_graph(value)?));
        match self.position(name) {
            Some(at) => self.entries[at].1 = made,
            None => self.entries.push((Cow::Owned(name.to_owned()), made)),
        }
        Ok(())
    }

    /// Gives an attribute another name; says whether it was there. An attribute that had the new name is gone.
    pub fn rename(&mut self, old: &str, new: &str) -> bool {
        let Some(at) = self.position(old) else { return false };
        let entry = self.entries[at].1.clone();
        self.remove(old);
        self.remove(new);
        self.entries.push((Cow::Owned(new.to_owned()), entry));
        true
    }

    /// Takes an attribute out; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(other, _)| other != name);
        self.entries.len() < before
    }

    /// The graphs of values that migrations set.
    pub(crate) fn graphs(&self) -> impl Iterator<Item = Rc<Graph<'static>>> {
        self.entries.iter().filter_map(|(_, entry)| match entry {
            Entry::Made(graph) => Some(Rc::clone(graph)),
            Entry::Read(_) => None,
        })
    }
}

impl Entry<'_> {
    fn value(&self) -> Value<'_> {
        match self {
            Entry::Read(value) => *value,
            Entry::Made(graph) => graph.root(),
        }
    }
}
