//! How pickles are read into Rust values: the options, the callback of persistent ids, several in one input.

use std::any::Any;
use std::borrow::Cow;
use std::io::Read;

use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, ReadOptions, Value};
use crate::limits::Limits;

/// Gives the value kept outside that has this persistent id.
pub(crate) type PersistentLoad<'c> = dyn FnMut(Value<'_>) -> Result<Box<dyn Any>> + 'c;

/// Reads pickles into Rust values: limits, persistent ids, out-of-band buffers.
///
/// ```
/// use oiji::class::Unpickler;
/// let pair: (String, f64) = Unpickler::new().loads(b"(Vw\nF1.5\nt.")?;
/// assert_eq!(pair, ("w".to_owned(), 1.5));
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Unpickler<'c> {
    options: ReadOptions<'static>,
    persistent_load: Option<Box<PersistentLoad<'c>>>,
}

impl<'c> Unpickler<'c> {
    /// The defaults: those of [`ReadOptions`], no callback.
    pub fn new() -> Self {
        Unpickler { options: ReadOptions::new(), persistent_load: None }
    }

    /// How the pickles are read: names of Python 2, its strings, extension codes, limits.
    #[must_use]
    pub fn options(mut self, options: ReadOptions<'static>) -> Self {
        self.options = options;
        self
    }

    /// How much a pickle may cost.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options = self.options.limits(limits);
        self
    }

    /// The out-of-band buffers, in order.
    #[must_use]
    pub fn buffers<B: Into<Cow<'static, [u8]>>>(mut self, buffers: impl IntoIterator<Item = B>) -> Self {
        self.options = self.options.buffers(buffers);
        self
    }

    /// Asks `callback` for the value that each persistent id stands for. It must be of the type that is read there, or, where
    /// that is an `Rc` or `Arc`, of the type it points to.
    ///
    /// ```
    /// use oiji::class::Unpickler;
    /// let mut unpickler = Unpickler::new().persistent_load(|pid| match pid.as_str()? {
    ///     "the answer" => Ok(Box::new(42_i64)),
    ///     other => Err(oiji::Error::message(format!("there is no {other}"))),
    /// });
    /// assert_eq!(unpickler.loads::<Vec<i64>>(b"(lPthe answer\na.")?, [42]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    #[must_use]
    pub fn persistent_load(mut self, callback: impl FnMut(Value<'_>) -> Result<Box<dyn Any>> + 'c) -> Self {
        self.persistent_load = Some(Box::new(callback));
        self
    }

    /// Reads the first pickle of `data`.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_slice`]; `WrongType`, `WrongClass`, `MissingField` and the like, with the offset and the
    /// path; `Cycle`; `Limit`; what hooks say.
    pub fn loads<T: Unpickle>(&mut self, data: &[u8]) -> Result<T> {
        let options = self.options.clone().placed();
        let graph = options.from_slice(data)?;
        self.from_graph(&graph).map_err(|error| located(error, &options, data, 0))
    }

    /// Reads one pickle from `file`, and takes no byte past its `STOP`.
    ///
    /// # Errors
    /// As for [`Unpickler::loads`], with the path alone, and `Io`.
    pub fn load<T: Unpickle, R: Read>(&mut self, file: R) -> Result<T> {
        let graph = self.options.from_reader(file)?;
        self.from_graph(&graph)
    }

    /// Reads the pickles that stand one after another in `data`, until the end.
    ///
    /// ```
    /// use oiji::{Pickle, class::Unpickler};
    /// let bytes = [1_u8.dumps()?, 2_u8.dumps()?].concat();
    /// assert_eq!(Unpickler::new().all::<u8>(&bytes).collect::<Result<Vec<_>, _>>()?, [1, 2]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn all<'s, T: Unpickle>(&'s mut self, data: &'s [u8]) -> impl Iterator<Item = Result<T>> + 's {
        let options = self.options.clone().placed();
        let mut pickles = options.pickles(data);
        std::iter::from_fn(move || {
            let start = pickles.offset();
            let graph = pickles.next()?;
            Some(graph.and_then(|graph| self.from_graph(&graph).map_err(|error| located(error, &options, data, start))))
        })
    }

    /// Reads the pickles that follow one another in `file`, until the end.
    pub fn all_from<'s, T: Unpickle, R: Read + 's>(&'s mut self, file: R) -> impl Iterator<Item = Result<T>> + 's {
        let mut pickles = self.options.pickles_from_reader(file);
        std::iter::from_fn(move || Some(pickles.next()?.and_then(|graph| self.from_graph(&graph))))
    }

    /// Reads the value of a graph's first pickle.
    ///
    /// # Errors
    /// As for [`Unpickler::loads`], with the path alone.
    pub fn from_graph<T: Unpickle>(&mut self, graph: &Graph<'_>) -> Result<T> {
        self.from_value(graph.root())
    }

    /// Reads a value of a graph.
    ///
    /// ```
    /// use oiji::class::Unpickler;
    /// let graph = oiji::pickle!({"points": [(1, 2), (3, 4)]})?;
    /// let point: (u8, u8) = Unpickler::new().from_value(graph.root().path("points[1]")?)?;
    /// assert_eq!(point, (3, 4));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Unpickler::loads`], with the path alone.
    pub fn from_value<T: Unpickle>(&mut self, value: Value<'_>) -> Result<T> {
        let limits = *self.options.limits_ref();
        let callback = self.persistent_load.as_mut().map(|load| &mut **load as &mut PersistentLoad<'_>);
        let from = Unpickling::new(value.graph(), callback, limits);
        from.whole(value).map_err(|error| error.inside(&"root"))
    }
}

impl Default for Unpickler<'_> {
    fn default() -> Self {
        Unpickler::new()
    }
}

/// The same error with the offset of the value it is about: the pickle is read once more, up to the op that makes it.
#[cold]
fn located(error: Error, options: &ReadOptions<'static>, data: &[u8], start: u64) -> Error {
    let found = match error.offset() {
        None => error.value().and_then(|index| options.clone().offset_of_value(data, start, index)),
        Some(_) => None,
    };
    match found {
        Some(offset) => error.at(offset),
        None => error,
    }
}

/// The error for a field that a class has not, or has too much.
#[cold]
pub(crate) fn field(kind: ErrorKind, value: Value<'_>) -> Error {
    Error::from(kind).at_value(value.id().index())
}
