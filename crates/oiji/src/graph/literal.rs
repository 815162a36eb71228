//! Graphs as literals in Rust source: the macro `pickle!`, and the trait by which Rust values become values of a graph.

use num_bigint::BigInt;

use crate::error::Result;
use crate::graph::arena::{Graph, Id};

/// A graph from a literal that looks like Python's.
///
/// Lists, tuples, dicts and sets are written as in Python; `None`, `true` and `false`, numbers, strings and byte strings as
/// in Rust. Any Rust expression whose type is [`AddTo`] may stand for a value or, in parentheses, for a key. It gives a
/// `Result`: a list cannot be a key.
///
/// ```
/// use oiji::pickle;
/// let name = "point";
/// let graph = pickle!({"name": name, "at": (1, 2.5), "tags": {"a", "b"}, "none": [None, true, -1, b"raw"]})?;
/// assert_eq!(
///     graph.to_string(),
///     "{'name': 'point', 'at': (1, 2.5), 'tags': {'a', 'b'}, 'none': [None, True, -1, b'raw']}"
/// );
/// assert!(pickle!({[1]: 2}).is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
#[macro_export]
macro_rules! pickle {
    ($($value:tt)+) => {
        $crate::graph::make(|graph| $crate::pickle_value!(graph, $($value)+))
    };
}

/// One value of `pickle!`, added to a graph.
#[doc(hidden)]
#[macro_export]
macro_rules! pickle_value {
    ($graph:ident, None) => { $graph.add_none() };
    ($graph:ident, []) => { $graph.add_list(&[]) };
    ($graph:ident, [$($items:tt)+]) => {{
        let items = $crate::pickle_items!($graph, [] $($items)+);
        $graph.add_list(&items)
    }};
    ($graph:ident, ()) => { $graph.add_tuple(&[]) };
    ($graph:ident, ($($items:tt)+)) => {{
        let items = $crate::pickle_items!($graph, [] $($items)+);
        $graph.add_tuple(&items)
    }};
    ($graph:ident, {}) => { $graph.add_dict(&[]) };
    ($graph:ident, {$key:tt : $($rest:tt)+}) => {{
        let pairs = $crate::pickle_pairs!($graph, [] $key : $($rest)+);
        $graph.add_dict(&pairs)
    }};
    ($graph:ident, {$($items:tt)+}) => {{
        let items = $crate::pickle_items!($graph, [] $($items)+);
        $graph.add_set(&items)
    }};
    ($graph:ident, $value:expr) => { $crate::graph::AddTo::add_to($value, $graph) };
}

/// Values between commas: an array of ids.
#[doc(hidden)]
#[macro_export]
macro_rules! pickle_items {
    ($graph:ident, [$($done:expr,)*]) => { [$($done,)*] };
    ($graph:ident, [$($done:expr,)*] $item:tt) => {
        [$($done,)* $crate::pickle_value!($graph, $item)?]
    };
    ($graph:ident, [$($done:expr,)*] $item:tt, $($rest:tt)*) => {
        $crate::pickle_items!($graph, [$($done,)* $crate::pickle_value!($graph, $item)?,] $($rest)*)
    };
    ($graph:ident, [$($done:expr,)*] $item:expr) => {
        [$($done,)* $crate::graph::AddTo::add_to($item, $graph)?]
    };
    ($graph:ident, [$($done:expr,)*] $item:expr, $($rest:tt)*) => {
        $crate::pickle_items!($graph, [$($done,)* $crate::graph::AddTo::add_to($item, $graph)?,] $($rest)*)
    };
}

/// Keys and values between commas: an array of pairs of ids.
#[doc(hidden)]
#[macro_export]
macro_rules! pickle_pairs {
    ($graph:ident, [$($done:expr,)*]) => { [$($done,)*] };
    ($graph:ident, [$($done:expr,)*] $key:tt : $value:tt) => {
        [$($done,)* ($crate::pickle_value!($graph, $key)?, $crate::pickle_value!($graph, $value)?)]
    };
    ($graph:ident, [$($done:expr,)*] $key:tt : $value:tt, $($rest:tt)*) => {
        $crate::pickle_pairs!(
            $graph,
            [$($done,)* ($crate::pickle_value!($graph, $key)?, $crate::pickle_value!($graph, $value)?),]
            $($rest)*
        )
    };
    ($graph:ident, [$($done:expr,)*] $key:tt : $value:expr) => {
        [$($done,)* ($crate::pickle_value!($graph, $key)?, $crate::graph::AddTo::add_to($value, $graph)?)]
    };
    ($graph:ident, [$($done:expr,)*] $key:tt : $value:expr, $($rest:tt)*) => {
        $crate::pickle_pairs!(
            $graph,
            [$($done,)* ($crate::pickle_value!($graph, $key)?, $crate::graph::AddTo::add_to($value, $graph)?),]
            $($rest)*
        )
    };
}

/// A graph whose root is what `add` adds.
#[doc(hidden)]
pub fn make(add: impl FnOnce(&mut Graph<'static>) -> Result<Id>) -> Result<Graph<'static>> {
    let mut graph = Graph::new();
    let root = add(&mut graph)?;
    graph.set_roots(vec![root]);
    Ok(graph)
}

/// Rust values that can stand in [`pickle!`](crate::pickle).
///
/// ```
/// use oiji::{Graph, graph::AddTo};
/// let mut graph = Graph::new();
/// let root = vec![Some(1), None].add_to(&mut graph)?;
/// graph.set_roots(vec![root]);
/// assert_eq!(graph.to_string(), "[1, None]");
/// # Ok::<(), oiji::Error>(())
/// ```
pub trait AddTo {
    /// Adds the value to `graph`.
    ///
    /// # Errors
    /// `Limit` when the graph is full.
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id>;
}

impl AddTo for bool {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_bool(self)
    }
}

macro_rules! add_ints {
    ($($int:ty)*) => {$(
        impl AddTo for $int {
            fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
                match i64::try_from(self) {
                    Ok(value) => graph.add_int(value),
                    Err(_) => graph.add_big_int(&BigInt::from(self)),
                }
            }
        }
    )*};
}

add_ints!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl AddTo for f64 {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_float(self)
    }
}

impl AddTo for f32 {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_float(f64::from(self))
    }
}

impl AddTo for &str {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_str(self)
    }
}

impl AddTo for String {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_str(&self)
    }
}

impl AddTo for &[u8] {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_bytes(self)
    }
}

impl<const N: usize> AddTo for &[u8; N] {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_bytes(self)
    }
}

impl AddTo for &BigInt {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        graph.add_big_int(self)
    }
}

impl<T: AddTo> AddTo for Option<T> {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        match self {
            Some(value) => value.add_to(graph),
            None => graph.add_none(),
        }
    }
}

impl<T: AddTo> AddTo for Vec<T> {
    fn add_to(self, graph: &mut Graph<'static>) -> Result<Id> {
        let items = self.into_iter().map(|item| item.add_to(graph)).collect::<Result<Vec<Id>>>()?;
        graph.add_list(&items)
    }
}
