//! Attributes that a Rust type has no fields for, kept so that they are written again.

use crate::class::pickle::Pickling;
use crate::error::Result;
use crate::graph::copy::Copied;
use crate::graph::{Graph, Id, Value};

/// Attributes of an instance that the Rust type does not know: `#[pickle(rest)]`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::Attributes};
/// #[derive(Pickle, Unpickle)]
/// #[pickle(class = "shapes.Point")]
/// struct Point {
///     x: i64,
///     #[pickle(rest)]
///     rest: Attributes,
/// }
/// let bytes = b"\x80\x02cshapes\nPoint\n)\x81}(U\x01xK\x01U\x05colorU\x03redub.";
/// let point = Point::loads(bytes)?;
/// assert_eq!(point.rest.get("color").unwrap().to_string(), "'red'");
/// assert_eq!(oiji::loads(&point.dumps()?)?.to_string(), "shapes.Point(; state={'x': 1, 'color': 'red'})");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    names: Vec<String>,
    /// A list of the values.
    graph: Graph<'static>,
}

impl Attributes {
    pub(crate) fn new<'v>(pairs: impl Iterator<Item = (String, Value<'v>)>) -> Result<Self> {
        let (mut names, mut ids, mut graph) = (Vec::new(), Vec::new(), Graph::new());
        let mut copied = Vec::<(*const Graph<'_>, Copied)>::new();
        for (name, value) in pairs {
            names.push(name);
            // Values of one graph may share what they hold.
            let from: *const Graph<'_> = std::ptr::from_ref(value.graph()).cast();
            let at = copied.iter().position(|(other, _)| *other == from).unwrap_or_else(|| {
                copied.push((from, Copied::of(value.graph())));
                copied.len() - 1
            });
            ids.push(graph.add_copy_with(value, &mut copied[at].1)?);
        }
        let values = graph.add_list(&ids)?;
        graph.set_roots(vec![values]);
        Ok(Attributes { names, graph })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The value of the attribute with this name.
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.iter().filter(|(other, _)| *other == name).last().map(|(_, value)| value)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        let values = self.graph.root().items().into_iter().flatten();
        self.names.iter().map(String::as_str).zip(values)
    }

    /// Adds names and values to a graph.
    pub(crate) fn add_to(&self, to: &mut Pickling<'_>) -> Result<Vec<(Id, Id)>> {
        let mut copied = Copied::of(&self.graph);
        let mut pairs = Vec::with_capacity(self.len());
        for (name, value) in self.iter() {
            let name = to.graph.add_str(name)?;
            pairs.push((name, to.graph.add_copy_with(value, &mut copied)?));
        }
        Ok(pairs)
    }
}
