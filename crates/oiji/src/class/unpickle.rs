//! From a graph to Rust values: the trait, and what one run of it shares.
//!
//! A pointer that leads back to a value which is still being read cannot be had yet. The nearest place that can do without
//! (an `Option`, a `Weak`, a container) stays empty, and is filled when the value is there: `link`. See `shared`.

use std::any::{Any, TypeId};
use std::fmt::Display;
use std::io::Read;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::class::name::Class;
use crate::class::pointers::{Key, Pointers};
use crate::class::read::ObjectReader;
use crate::class::unpickler::{PersistentLoad, Unpickler};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::copy::Copied;
use crate::graph::{Copies, Graph, Id, Node, Value};
use crate::limits::Limits;

/// Rust values that can be read from pickles. `#[derive(Unpickle)]` implements it.
///
/// ```
/// use oiji::{Pickle, Unpickle};
/// #[derive(Pickle, Unpickle, Debug, PartialEq)]
/// #[pickle(class = "shapes.Point")]
/// struct Point {
///     x: f64,
///     #[pickle(alias = "height")]
///     y: f64,
/// }
/// // Point(x=1.5, height=2.0), in protocol 0
/// let bytes = b"ccopy_reg\n_reconstructor\n(cshapes\nPoint\nc__builtin__\nobject\nNtR(dS'x'\nF1.5\nsS'height'\nF2\nsb.";
/// assert_eq!(Point::loads(bytes)?, Point { x: 1.5, y: 2.0 });
///
/// let error = Point::loads(&oiji::dumps(&oiji::pickle!({"x": 1.5})?)?).unwrap_err();
/// assert_eq!(error.to_string(), "expected an instance of shapes.Point, found dict at offset 11 (root)");
/// # Ok::<(), oiji::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a pickle",
    note = "add `#[derive(oiji::Unpickle)]` to it, or leave the field out with `#[pickle(skip)]`"
)]
pub trait Unpickle: Sized + 'static {
    /// Reads the value. What it holds goes through [`Unpickling::value`].
    ///
    /// # Errors
    /// `WrongType`, `WrongClass`, `MissingField` and the like; what the value's own hooks say.
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self>;

    /// Whether `value` looks like one of these: its type or class fits. What is inside is not looked at.
    fn matches(_value: Value<'_>) -> bool {
        true
    }

    /// What stands for a field that is not there: `None` for an `Option`.
    fn absent() -> Option<Self> {
        None
    }

    /// Fills what had to stay empty when `value` was read, for a cycle.
    ///
    /// # Errors
    /// As for `unpickle`.
    fn link(&mut self, _value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<()> {
        Ok(())
    }

    /// As `link`, through a pointer that others share: only what stands in a `RefCell`, a lock or a `OnceCell` can be
    /// filled.
    ///
    /// # Errors
    /// As for `unpickle`.
    fn link_shared(&self, _value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<()> {
        Ok(())
    }

    /// Reads a sequence of such values.
    #[doc(hidden)]
    fn unpickle_items(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Vec<Self>> {
        from.items(value)
    }

    /// Whether `value` looks like a sequence of such values: a list, but for bytes.
    #[doc(hidden)]
    fn items_match(value: Value<'_>) -> bool {
        matches!(value.node(), Node::List(_))
    }

    /// The value that a callback for persistent ids gave, if it is of this type.
    #[doc(hidden)]
    fn from_any(any: Box<dyn Any>) -> Result<Self, Box<dyn Any>> {
        any.downcast::<Self>().map(|value| *value)
    }

    /// Reads the first pickle of `data`, with the defaults of [`Unpickler`].
    ///
    /// # Errors
    /// As for [`Unpickler::loads`].
    fn loads(data: &[u8]) -> Result<Self> {
        Unpickler::new().loads(data)
    }

    /// Reads one pickle from `file`, with the defaults of [`Unpickler`], and takes no byte past its `STOP`.
    ///
    /// # Errors
    /// As for [`Unpickler::load`].
    fn load<R: Read>(file: R) -> Result<Self> {
        Unpickler::new().load(file)
    }
}

/// One unpickling: what was read already, and what is left to be done when all is read.
///
/// Implementations of [`Unpickle`] by hand read what they hold with it:
///
/// ```
/// use oiji::{Result, Unpickle, Value, class::Unpickling};
/// struct Celsius(f64);
/// impl Unpickle for Celsius {
///     fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
///         let (degrees, _unit): (f64, String) = from.value(value.as_object()?.args())?;
///         Ok(Celsius(degrees))
///     }
/// }
/// let pickle = b"cweather\nTemperature\n(F1.5\nVC\ntR.";
/// assert_eq!(Celsius::loads(pickle)?.0, 1.5);
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Unpickling<'u> {
    graph: &'u Graph<'u>,
    /// Graphs of states that were changed by migrations, by address.
    kept: FxHashMap<usize, Rc<Graph<'static>>>,
    pub(crate) persistent_load: Option<&'u mut PersistentLoad<'u>>,
    pub(crate) pointers: Pointers,
    /// Whether the pointer that is read next is a weak one, which holds nothing.
    pub(crate) weak: bool,
    /// Places that stayed empty in the content of the innermost open pointer.
    pub(crate) gaps: u64,
    /// Pointers whose content has gaps.
    pub(crate) pending: Vec<Pending>,
    /// What copies of inert values need to know of the graph.
    copied: Option<Copied>,
    depth: u64,
    visits: u64,
    /// What may still be copied of text and bytes.
    pub(crate) copies: Copies,
    limits: Limits,
}

/// What is left to be done.
pub(crate) type Pending = Box<dyn FnOnce(&mut Unpickling<'_>) -> Result<()>>;

/// A value's place, for later.
#[derive(Clone)]
pub(crate) struct Place {
    graph: Option<Rc<Graph<'static>>>,
    id: Id,
}

impl Place {
    /// Does something with the value at this place.
    pub(crate) fn with(
        &self,
        from: &mut Unpickling<'_>,
        work: impl FnOnce(Value<'_>, &mut Unpickling<'_>) -> Result<()>,
    ) -> Result<()> {
        match &self.graph {
            Some(graph) => work(graph.value(self.id), from),
            None => work(from.graph.value(self.id), from),
        }
    }
}

impl<'u> Unpickling<'u> {
    pub(crate) fn new(
        graph: &'u Graph<'u>,
        persistent_load: Option<&'u mut PersistentLoad<'u>>,
        limits: Limits,
    ) -> Self {
        Unpickling {
            graph,
            kept: FxHashMap::default(),
            persistent_load,
            pointers: Pointers::default(),
            weak: false,
            gaps: 0,
            pending: Vec::new(),
            copied: None,
            depth: 0,
            visits: 0,
            copies: Copies::new(graph, &limits),
            limits,
        }
    }

    /// Reads a whole value: first all that can be had at once, then what closes cycles.
    pub(crate) fn whole<T: Unpickle>(mut self, value: Value<'_>) -> Result<T> {
        let whole = self.read_whole(value);
        // Pointers to what is kept go first, however deep it is.
        self.pending.clear();
        let Unpickling { pointers, limits, .. } = self;
        match whole {
            Ok(whole) => {
                // The longest chain is dropped safely while each pointer is held here.
                let longest = pointers.longest();
                if longest > limits.nesting {
                    drop(whole);
                    pointers.release();
                    return Err(ErrorKind::Limit { limit: "nesting", allowed: limits.nesting }.into());
                }
                pointers.release();
                Ok(whole)
            }
            Err(error) => {
                pointers.release();
                Err(error)
            }
        }
    }

    fn read_whole<T: Unpickle>(&mut self, value: Value<'_>) -> Result<T> {
        let mut whole: T = self.value(value)?;
        if self.gaps > 0 {
            whole.link(value, self)?;
            self.no_gaps(value)?;
        }
        while let Some(pending) = self.pending.pop() {
            self.depth = 0;
            pending(self)?;
        }
        Ok(whole)
    }

    /// # Errors
    /// `Cycle` if places in `value` stayed empty.
    pub(crate) fn no_gaps(&self, value: Value<'_>) -> Result<()> {
        match self.gaps {
            0 => Ok(()),
            _ => Err(Error::from(ErrorKind::Cycle { found: value.type_name() }).at_value(value.id().index())),
        }
    }

    /// Reads a value that stands inside another.
    ///
    /// # Errors
    /// What its [`Unpickle::unpickle`] says; `Limit` where values nest too deep, or where shared ones are read again too
    /// often.
    pub fn value<T: Unpickle>(&mut self, value: Value<'_>) -> Result<T> {
        match value.node() {
            Node::Persistent(pid) if self.persistent_load.is_some() => {
                self.value_with(value, |_, from| from.persistent(pid))
            }
            _ => self.value_with(value, T::unpickle),
        }
    }

    /// The same error at `value`, unless it already says where. Offsets are known for values of the pickle alone.
    fn at(&self, error: Error, value: Value<'_>) -> Error {
        let own = std::ptr::from_ref(self.graph) as usize == address(value);
        if own { error.at_value(value.id().index()) } else { error }
    }

    /// As `value`; an error says that it is inside `step`.
    pub(crate) fn value_at<T: Unpickle>(&mut self, value: Value<'_>, step: &dyn Display) -> Result<T> {
        self.value(value).map_err(|error| error.inside(step))
    }

    /// Reads a value with a function in place of a trait.
    ///
    /// # Errors
    /// As for [`Unpickling::value`].
    pub(crate) fn value_with<T>(
        &mut self,
        value: Value<'_>,
        read: impl FnOnce(Value<'_>, &mut Self) -> Result<T>,
    ) -> Result<T> {
        self.count(value)?;
        self.depth += 1;
        let result = read(value, self);
        self.depth -= 1;
        result.map_err(|error| self.at(error, value))
    }

    fn count(&mut self, value: Value<'_>) -> Result<()> {
        if self.is_deep() {
            return Err(self.too_deep());
        }
        self.visits += 1;
        // Every value may be visited once for nothing; what counts is the unfolding of shared ones.
        if self.visits > self.limits.visits.saturating_add(value.graph().value_count() as u64) {
            return Err(ErrorKind::Limit { limit: "visits", allowed: self.limits.visits }.into());
        }
        self.copies.spend(value, &self.limits)
    }

    /// How many values stand around the one that is read, as far as they are on the stack.
    pub(crate) fn depth(&self) -> u64 {
        self.depth
    }

    /// Whether no value may stand inside this one.
    pub(crate) fn is_deep(&self) -> bool {
        self.depth >= self.limits.recursion
    }

    #[cold]
    pub(crate) fn too_deep(&self) -> Error {
        ErrorKind::Limit { limit: "recursion", allowed: self.limits.recursion }.into()
    }

    /// Reads the items of a list, tuple or set, or those of a subclass of list.
    ///
    /// # Errors
    /// `WrongType` if it is nothing of the kind; as for [`Unpickling::value`].
    pub fn items<T: Unpickle>(&mut self, value: Value<'_>) -> Result<Vec<T>> {
        let items = crate::class::containers::items(value)?;
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            read.push(self.value_at(item, &format_args!("[{index}]"))?);
        }
        Ok(read)
    }

    /// Takes an instance of `class` apart.
    ///
    /// # Errors
    /// `WrongClass` if `value` is none.
    pub fn object<'g>(&mut self, value: Value<'g>, class: &'static Class) -> Result<ObjectReader<'g>> {
        ObjectReader::new(value, class)
    }

    /// Reads what may have to stay empty until later: `empty` then, in place of what `read` gives.
    pub(crate) fn or_gap<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T>,
        empty: impl FnOnce() -> T,
    ) -> Result<T> {
        let before = self.gaps;
        match read(self) {
            Err(error) if error.is_unfinished() => {
                // What was read so far inside is dropped, gaps and all.
                self.gaps = before + 1;
                Ok(empty())
            }
            result => result,
        }
    }

    /// Takes note that a gap is filled.
    pub(crate) fn filled(&mut self) {
        self.gaps = self.gaps.saturating_sub(1);
    }

    pub(crate) fn place(&self, value: Value<'_>) -> Place {
        Place { graph: self.kept.get(&address(value)).cloned(), id: value.id() }
    }

    pub(crate) fn key(value: Value<'_>, pointer: TypeId) -> Key {
        (address(value), value.id(), pointer)
    }

    /// A graph of a value and of all it holds.
    pub(crate) fn inert(&mut self, value: Value<'_>) -> Result<Graph<'static>> {
        let mut graph = Graph::new();
        let own = std::ptr::from_ref(self.graph) as usize == address(value);
        let root = if own {
            let copied = self.copied.get_or_insert_with(|| Copied::of(value.graph()));
            copied.restart();
            graph.add_copy_with(value, copied)?
        } else {
            graph.add_copy(value)?
        };
        graph.set_roots(vec![root]);
        // What several inert values share is copied for each.
        self.visits += graph.value_count() as u64;
        self.count(value)?;
        Ok(graph)
    }

    /// Keeps a graph that values were made in, for as long as this run lasts.
    pub(crate) fn keep(&mut self, graph: Rc<Graph<'static>>) {
        self.kept.insert(Rc::as_ptr(&graph) as usize, graph);
    }

    /// The value kept outside that has this id.
    fn persistent<T: Unpickle>(&mut self, pid: Value<'_>) -> Result<T> {
        let Some(load) = self.persistent_load.as_mut() else { return Err(Error::message("no callback")) };
        T::from_any(load(pid)?).map_err(|_| {
            let wanted = std::any::type_name::<T>();
            Error::message(format!("the callback for persistent ids gave no {wanted} for {pid}"))
        })
    }
}

fn address(value: Value<'_>) -> usize {
    std::ptr::from_ref(value.graph()) as usize
}
