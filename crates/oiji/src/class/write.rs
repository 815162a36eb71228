//! Instances of classes on their way into a graph: arguments, attributes, slots, items.

use std::fmt::Display;

use crate::class::name::{Class, Name};
use crate::class::pickle::{Pickle, Pickling};
use crate::class::rest::Attributes;
use crate::error::Result;
use crate::graph::{Id, Made, StepKind};

/// An object that is being written. What the derives write goes through it; by hand it looks so:
///
/// ```
/// use oiji::{Pickle, Result, class::{Name, Pickling}, graph::{Id, Made}};
/// struct Point {
///     x: f64,
///     tag: String,
/// }
/// impl Pickle for Point {
///     fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
///         let mut object = to.object(Name::new("shapes", "Point"), Made::New, 0)?;
///         object.attribute("x", &self.x)?;
///         object.attribute("tag", &self.tag)?;
///         object.end()
///     }
/// }
/// let bytes = Point { x: 0.5, tag: "a".into() }.dumps()?;
/// assert_eq!(oiji::loads(&bytes)?.to_string(), "shapes.Point(; state={'x': 0.5, 'tag': 'a'})");
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct ObjectWriter<'w, 'p> {
    to: &'w mut Pickling<'p>,
    id: Id,
    args: Id,
    given: Vec<Id>,
    kwargs: Option<Id>,
    state: State,
}

/// What the state of an object is, as far as it is known.
enum State {
    Attributes { dict: Vec<(Id, Id)>, slots: Option<Vec<(Id, Id)>> },
    Items { ids: Vec<Id>, list: bool },
    Whole(Id),
}

impl<'w, 'p> ObjectWriter<'w, 'p> {
    pub(crate) fn new(to: &'w mut Pickling<'p>, name: Name, made: Made, args: usize) -> Result<Self> {
        let class = to.global(name.module, name.name)?;
        let none = to.graph.add_none()?;
        let args = to.graph.add_tuple(&vec![none; args])?;
        let kwargs = if made == Made::NewEx { Some(to.graph.add_dict(&[])?) } else { None };
        let id = to.graph.add_object(made, class, args, kwargs)?;
        to.made(id);
        let state = State::Attributes { dict: Vec::new(), slots: None };
        Ok(ObjectWriter { to, id, args, given: Vec::new(), kwargs, state })
    }

    fn inner<T: Pickle + ?Sized>(&mut self, step: &dyn Display, value: &T) -> Result<Id> {
        self.to.value_at(value, step)
    }

    /// Gives a positional argument, `name` in messages.
    ///
    /// # Errors
    /// As for [`Pickling::value`]. So it is for all of these methods.
    pub fn arg<T: Pickle + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        let id = self.inner(&format_args!(".{name}"), value)?;
        self.given.push(id);
        Ok(())
    }

    /// Gives a keyword argument, to an object made with [`Made::NewEx`].
    pub fn kwarg<T: Pickle + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let id = self.inner(&format_args!(".{name}"), value)?;
        let name = self.to.name(name)?;
        match self.kwargs {
            Some(kwargs) => self.to.graph.set_item(kwargs, name, id),
            None => Err(crate::Error::message("only objects made with NEWOBJ_EX have kwargs")),
        }
    }

    /// Sets an attribute in the `__dict__`.
    pub fn attribute<T: Pickle + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let id = self.inner(&format_args!(".{name}"), value)?;
        let name = self.to.name(name)?;
        if let State::Attributes { dict, .. } = &mut self.state {
            dict.push((name, id));
        }
        Ok(())
    }

    /// Sets an attribute in a slot.
    pub fn slot<T: Pickle + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let id = self.inner(&format_args!(".{name}"), value)?;
        let name = self.to.name(name)?;
        if let State::Attributes { slots, .. } = &mut self.state {
            slots.get_or_insert_default().push((name, id));
        }
        Ok(())
    }

    /// Sets the attributes that a read left over.
    pub fn attributes(&mut self, rest: &Attributes) -> Result<()> {
        let pairs = rest.add_to(self.to)?;
        if let State::Attributes { dict, .. } = &mut self.state {
            dict.extend(pairs);
        }
        Ok(())
    }

    /// Takes note of the version of the state.
    pub fn version(&mut self, class: &Class) -> Result<()> {
        match class.version {
            Some(version) => self.attribute(version.attribute, &version.current),
            None => Ok(()),
        }
    }

    /// Adds the next item of a state that is a tuple, or a list.
    pub fn state_item<T: Pickle + ?Sized>(&mut self, name: &str, value: &T, list: bool) -> Result<()> {
        let id = self.inner(&format_args!(".{name}"), value)?;
        match &mut self.state {
            State::Items { ids, .. } => ids.push(id),
            state => *state = State::Items { ids: vec![id], list },
        }
        Ok(())
    }

    /// Sets the whole state: what `__getstate__` gives.
    pub fn state<T: Pickle + ?Sized>(&mut self, state: &T) -> Result<()> {
        let id = self.to.value(state)?;
        self.state = State::Whole(id);
        Ok(())
    }

    /// Appends items, as to a subclass of list.
    pub fn items<'t, T: Pickle + ?Sized + 't>(&mut self, items: impl IntoIterator<Item = &'t T>) -> Result<()> {
        let ids = self.to.items(items)?;
        self.step(StepKind::Append, &ids)
    }

    /// Sets items, as in a subclass of dict.
    pub fn pairs<'t, K, V>(&mut self, pairs: impl IntoIterator<Item = (&'t K, &'t V)>) -> Result<()>
    where
        K: Pickle + ?Sized + 't,
        V: Pickle + ?Sized + 't,
    {
        let mut ids = Vec::new();
        for (key, value) in pairs {
            let key = self.to.value(key)?;
            ids.push(key);
            ids.push(self.to.value(value).map_err(|error| self.to.inside_key(error, key))?);
        }
        self.step(StepKind::SetItems, &ids)
    }

    fn step(&mut self, kind: StepKind, ids: &[Id]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.to.graph.add_step(self.id, kind, ids)
    }

    /// Ends the object: its arguments and its state are given to it.
    ///
    /// # Errors
    /// A message if there are more or fewer arguments than were said.
    pub fn end(self) -> Result<Id> {
        let graph = &mut self.to.graph;
        graph.replace_items(self.args, &self.given)?;
        let state = match self.state {
            // As in Python: what has no attributes has no state.
            State::Attributes { dict, slots: None } if dict.is_empty() => None,
            State::Attributes { dict, slots } => {
                let dict = match &slots {
                    Some(_) if dict.is_empty() => graph.add_none()?,
                    _ => graph.add_dict(&dict)?,
                };
                Some(match slots {
                    None => dict,
                    Some(slots) => {
                        let slots = graph.add_dict(&slots)?;
                        graph.add_tuple(&[dict, slots])?
                    }
                })
            }
            State::Items { ids, list: false } => Some(graph.add_tuple(&ids)?),
            State::Items { ids, list: true } => Some(graph.add_list(&ids)?),
            State::Whole(id) => Some(id),
        };
        if let Some(state) = state {
            graph.add_step(self.id, StepKind::Build, &[state])?;
        }
        Ok(self.id)
    }
}
