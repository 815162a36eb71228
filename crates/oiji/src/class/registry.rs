//! Many classes behind one Rust type: the class named in the pickle chooses.

use crate::class::name::{Class, OfClass};
use crate::class::read::{is_instance, wrong_class};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Graph, Value};

/// Classes behind one type `T`: a `Box<dyn Trait>`, an enum.
///
/// ```
/// use oiji::{Graph, Pickle, Result, Unpickle, Value, class::{Registry, Unpickling}};
/// trait Shape: Pickle {
///     fn area(&self) -> f64;
/// }
/// #[derive(Pickle, Unpickle)]
/// #[pickle(class = "shapes.Circle")]
/// struct Circle {
///     radius: f64,
/// }
/// #[derive(Pickle, Unpickle)]
/// #[pickle(class = "shapes.Square")]
/// struct Square {
///     side: f64,
/// }
/// impl Shape for Circle {
///     fn area(&self) -> f64 {
///         self.radius * self.radius * std::f64::consts::PI
///     }
/// }
/// impl Shape for Square {
///     fn area(&self) -> f64 {
///         self.side * self.side
///     }
/// }
/// // Shapes that this program does not know stay inert, and are written as they were.
/// impl Shape for Graph<'static> {
///     fn area(&self) -> f64 {
///         f64::NAN
///     }
/// }
/// impl Unpickle for Box<dyn Shape> {
///     fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
///         Registry::new()
///             .class(|circle: Circle| Box::new(circle) as Self)
///             .class(|square: Square| Box::new(square) as Self)
///             .unknown(|graph| Box::new(graph) as Self)
///             .read(value, from)
///     }
/// }
/// let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square { side: 2.0 }), Box::new(Circle { radius: 1.0 })];
/// let shapes = Vec::<Box<dyn Shape>>::loads(&shapes.dumps()?)?;
/// assert_eq!(shapes[0].area(), 4.0);
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Registry<T> {
    entries: Vec<Entry<T>>,
    unknown: Option<fn(Graph<'static>) -> T>,
}

struct Entry<T> {
    class: &'static Class,
    read: Box<Read<T>>,
}

/// Reads an instance of one class.
type Read<T> = dyn Fn(Value<'_>, &mut Unpickling<'_>) -> Result<T>;

impl<T: 'static> Registry<T> {
    /// No classes.
    pub fn new() -> Self {
        Registry { entries: Vec::new(), unknown: None }
    }

    /// The same with class `C`, whose instances become a `T` by `into`.
    #[must_use]
    pub fn class<C: Unpickle + OfClass>(mut self, into: fn(C) -> T) -> Self {
        let read = move |value: Value<'_>, from: &mut Unpickling<'_>| C::unpickle(value, from).map(into);
        self.entries.push(Entry { class: &C::CLASS, read: Box::new(read) });
        self
    }

    /// The same, where whatever is of no class here stays inert, and becomes a `T` by `into`.
    #[must_use]
    pub fn unknown(mut self, into: fn(Graph<'static>) -> T) -> Self {
        self.unknown = Some(into);
        self
    }

    /// Reads a value, as its class says.
    ///
    /// # Errors
    /// `WrongClass` for a class that is not here, unless `unknown` takes it; what reading the class says.
    pub fn read(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<T> {
        if let Some(entry) = self.entries.iter().find(|entry| is_instance(value, entry.class)) {
            return (entry.read)(value, from);
        }
        match self.unknown {
            Some(into) => Graph::unpickle(value, from).map(into),
            None => {
                let names: Vec<String> = self.entries.iter().map(|entry| entry.class.name.to_string()).collect();
                Err(wrong_class(value, &names.join(" or ")))
            }
        }
    }
}

impl<T: 'static> Default for Registry<T> {
    fn default() -> Self {
        Registry::new()
    }
}
