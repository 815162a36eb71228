//! From Rust values to a graph: the trait, and what one run of it shares.
//!
//! A value becomes part of the graph first and bytes later, so that what is shared is known, cycles are only ids, and each
//! protocol says it in its own way. `shared` has the pointers, `write` the instances of classes.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;

use rustc_hash::FxHashMap;

use crate::class::name::Name;
use crate::class::pickler::{PersistentId, Pickler};
use crate::class::write::ObjectWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Id, Made};

/// Rust values that can be pickled as Python values. `#[derive(Pickle)]` implements it.
///
/// ```
/// use oiji::Pickle;
/// #[derive(Pickle)]
/// #[pickle(class = "shapes.Point")]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
/// let bytes = Point { x: 1.5, y: -2.0 }.dumps()?;
/// assert_eq!(oiji::loads(&bytes)?.to_string(), "shapes.Point(; state={'x': 1.5, 'y': -2.0})");
/// # Ok::<(), oiji::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be pickled",
    note = "add `#[derive(oiji::Pickle)]` to it, or leave the field out with `#[pickle(skip)]`"
)]
pub trait Pickle {
    /// Adds the value to the graph that is being made. What it holds goes through [`Pickling::value`].
    ///
    /// # Errors
    /// What the graph says, and what the value's own hooks say.
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id>;

    /// The value, for a callback that asks of it whether it is kept outside: [`Pickler::persistent_id`]. Values without it
    /// are never asked about.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// Adds a sequence of such values: a list, but for bytes.
    #[doc(hidden)]
    fn pickle_items(items: &[Self], to: &mut Pickling<'_>) -> Result<Id>
    where
        Self: Sized,
    {
        to.list(items.iter())
    }

    /// Writes the value as a pickle, with the defaults of [`Pickler`].
    ///
    /// # Errors
    /// `Inexpressible` for what the protocol cannot say, `Limit` for values nested too deep, what hooks say.
    fn dumps(&self) -> Result<Vec<u8>> {
        Pickler::new().dumps(self)
    }

    /// Writes the value as a pickle to `file`, with the defaults of [`Pickler`].
    ///
    /// # Errors
    /// As for `dumps`, and `Io`.
    fn dump<W: Write>(&self, file: W) -> Result<()>
    where
        Self: Sized,
    {
        Pickler::new().dump(self, file)
    }
}

/// One pickling: the graph as far as it is made, and what was met already.
///
/// Implementations of [`Pickle`] by hand add values with it:
///
/// ```
/// use oiji::{Pickle, Result, class::Pickling, graph::Id};
/// struct Celsius(f64);
/// impl Pickle for Celsius {
///     fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
///         to.call("weather", "Temperature", &(self.0, "C"))
///     }
/// }
/// let bytes = vec![Celsius(1.5)].dumps()?;
/// let graph = oiji::loads(&bytes)?;
/// assert_eq!(graph.to_string(), "[weather.Temperature(1.5, 'C')]");
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Pickling<'p> {
    pub(crate) graph: Graph<'static>,
    persistent_id: Option<&'p mut PersistentId<'p>>,
    /// What pointers point to, by address, once it has an id.
    pub(crate) shared: FxHashMap<usize, Id>,
    /// Keeps what pointers point to alive, so that no address comes twice.
    pub(crate) kept: Vec<Box<dyn Any>>,
    /// Addresses of pointers whose content has no id yet, and marks where a value begins that no pointer points to.
    pub(crate) open: Vec<Option<usize>>,
    names: FxHashMap<&'static str, Id>,
    globals: FxHashMap<(Cow<'static, str>, Cow<'static, str>), Id>,
    /// Values of which Python has one alone, by what they are.
    singletons: FxHashMap<String, Id>,
    depth: u64,
    limit: u64,
    protocol: u8,
}

impl<'p> Pickling<'p> {
    pub(crate) fn new(persistent_id: Option<&'p mut PersistentId<'p>>, limit: u64, protocol: u8) -> Self {
        Pickling {
            graph: Graph::new(),
            persistent_id,
            shared: FxHashMap::default(),
            kept: Vec::new(),
            open: Vec::new(),
            names: FxHashMap::default(),
            globals: FxHashMap::default(),
            singletons: FxHashMap::default(),
            depth: 0,
            limit,
            protocol,
        }
    }

    /// The graph, to add values that no other method adds.
    pub fn graph(&mut self) -> &mut Graph<'static> {
        &mut self.graph
    }

    /// The protocol that will be written, for the few values that depend on it.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Adds a value of which Python has one alone, `key` says which, once.
    pub(crate) fn singleton(&mut self, key: String, add: impl FnOnce(&mut Self) -> Result<Id>) -> Result<Id> {
        if let Some(&id) = self.singletons.get(&key) {
            return Ok(id);
        }
        let id = add(self)?;
        self.singletons.insert(key, id);
        Ok(id)
    }

    /// Adds a value that stands inside another.
    ///
    /// # Errors
    /// What its [`Pickle::pickle`] says; `Limit` where values nest too deep.
    pub fn value<T: Pickle + ?Sized>(&mut self, value: &T) -> Result<Id> {
        if self.depth >= self.limit {
            return Err(ErrorKind::Limit { limit: "recursion", allowed: self.limit }.into());
        }
        self.depth += 1;
        self.open.push(None);
        let result = match self.persistent(value.as_any()) {
            Ok(None) => value.pickle(self),
            Ok(Some(id)) => Ok(id),
            Err(error) => Err(error),
        };
        self.open.pop();
        self.depth -= 1;
        result
    }

    /// As `value`; an error says that it is inside `step`.
    pub(crate) fn value_at<T: Pickle + ?Sized>(&mut self, value: &T, step: &dyn Display) -> Result<Id> {
        self.value(value).map_err(|error| error.inside(step))
    }

    /// Says that the value which is being added has this id, before it is filled: so it can lead back to itself.
    ///
    /// Call it once in an implementation of [`Pickle`], before [`Pickling::value`].
    pub fn made(&mut self, id: Id) {
        for address in self.open.iter_mut().rev().map_while(Option::take) {
            self.shared.insert(address, id);
        }
        // `take` left marks behind; those of pointers are popped by their owners like any other.
    }

    /// Adds a list.
    ///
    /// # Errors
    /// As for [`Pickling::value`].
    pub fn list<'t, T: Pickle + ?Sized + 't>(&mut self, items: impl IntoIterator<Item = &'t T>) -> Result<Id> {
        let list = self.graph.add_list(&[])?;
        self.made(list);
        let ids = self.items(items)?;
        self.graph.append(list, &ids)?;
        Ok(list)
    }

    /// Adds the values of `items`, one after another.
    pub(crate) fn items<'t, T: Pickle + ?Sized + 't>(
        &mut self,
        items: impl IntoIterator<Item = &'t T>,
    ) -> Result<Vec<Id>> {
        let items = items.into_iter();
        let mut ids = Vec::with_capacity(items.size_hint().0);
        for (index, item) in items.enumerate() {
            ids.push(self.value_at(item, &format_args!("[{index}]"))?);
        }
        Ok(ids)
    }

    /// Adds a dict.
    ///
    /// # Errors
    /// As for [`Pickling::value`]; `Unhashable` for a key that cannot be one.
    pub fn dict<'t, K, V>(&mut self, pairs: impl IntoIterator<Item = (&'t K, &'t V)>) -> Result<Id>
    where
        K: Pickle + ?Sized + 't,
        V: Pickle + ?Sized + 't,
    {
        let dict = self.graph.add_dict(&[])?;
        self.made(dict);
        for (key, value) in pairs {
            let key = self.value(key)?;
            let id = self.value(value).map_err(|error| self.inside_key(error, key))?;
            self.graph.set_item(dict, key, id)?;
        }
        Ok(dict)
    }

    /// The same error inside the value at `key`.
    pub(crate) fn inside_key(&self, error: Error, key: Id) -> Error {
        error.inside(&format_args!("[{}]", self.graph.value(key)))
    }

    /// Adds a str that stands in the program, once.
    ///
    /// # Errors
    /// `Limit` when the graph is full.
    pub fn name(&mut self, name: &'static str) -> Result<Id> {
        if let Some(&id) = self.names.get(name) {
            return Ok(id);
        }
        let id = self.graph.add_str(name)?;
        self.names.insert(name, id);
        Ok(id)
    }

    /// Adds a class or function by name, once.
    ///
    /// # Errors
    /// `Limit` when the graph is full.
    pub fn global(&mut self, module: impl Into<Cow<'static, str>>, name: impl Into<Cow<'static, str>>) -> Result<Id> {
        let key = (module.into(), name.into());
        if let Some(&id) = self.globals.get(&key) {
            return Ok(id);
        }
        let id = self.graph.add_global(&key.0, &key.1)?;
        self.globals.insert(key, id);
        Ok(id)
    }

    /// Adds the call of `module.name` with `args`, which is added as a tuple.
    ///
    /// # Errors
    /// As for [`Pickling::value`]; `WrongType` if `args` are no tuple.
    pub fn call<A: Pickle + ?Sized>(&mut self, module: &'static str, name: &'static str, args: &A) -> Result<Id> {
        let callable = self.global(module, name)?;
        let args = self.value(args)?;
        let id = self.graph.add_object(Made::Call, callable, args, None)?;
        self.made(id);
        Ok(id)
    }

    /// Begins an object of class `name`, made as `made` says from `args` positional arguments.
    ///
    /// # Errors
    /// `Limit` when the graph is full.
    pub fn object(&mut self, name: Name, made: Made, args: usize) -> Result<ObjectWriter<'_, 'p>> {
        ObjectWriter::new(self, name, made, args)
    }

    /// Adds a buffer: out of band if the pickler has a callback for that, else bytes or a bytearray.
    ///
    /// # Errors
    /// `Limit` when the graph is full.
    pub fn buffer(&mut self, bytes: &[u8], read_only: bool) -> Result<Id> {
        let index = self.graph.push_buffer(bytes.to_vec().into());
        let id = self.graph.add_buffer(index, read_only)?;
        self.made(id);
        Ok(id)
    }

    /// What stands for a value that is kept outside.
    fn persistent(&mut self, value: Option<&dyn Any>) -> Result<Option<Id>> {
        let (Some(value), Some(ask)) = (value, self.persistent_id.as_mut()) else { return Ok(None) };
        let Some(pid) = ask(value) else { return Ok(None) };
        // An id is never kept outside itself.
        self.open.push(None);
        let pid = pid.pickle(self);
        self.open.pop();
        self.graph.add_persistent(pid?).map(Some)
    }
}
