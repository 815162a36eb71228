//! The dicts of `collections`: what they hold, in order, and what makes each of them more than a dict.

use std::ops::{Deref, DerefMut};

use crate::class::containers::pairs;
use crate::class::inert::GlobalName;
use crate::class::name::Name;
use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_class;
use crate::class::stdlib::call::Callable;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Graph, Id, Made, Node, Value};

const ORDERED: Callable = Callable { shown: "collections.OrderedDict", modules: &["collections"], name: "OrderedDict" };
const DEFAULT: Callable = Callable { shown: "collections.defaultdict", modules: &["collections"], name: "defaultdict" };
const COUNTER: Callable = Callable { shown: "collections.Counter", modules: &["collections"], name: "Counter" };

/// Keys and values in order: `collections.OrderedDict`. It is read from a dict too.
///
/// Looking up a key goes through all of them; `indexmap` has a map that need not (feature `indexmap`), and a `HashMap` is read
/// from an `OrderedDict` as well.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::OrderedDict};
/// // pickle.dumps(OrderedDict([(u'b', 1), (u'a', 2)]), 2), by Python 2
/// let bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(]q\x02(X\x01\x00\x00\x00bK\x01e]q\x03(X\x01\x00\x00\x00aK\x02ee\x85q\x04Rq\x05.";
/// let dict = OrderedDict::<String, i64>::loads(bytes)?;
/// assert_eq!(dict[0], ("b".to_owned(), 1));
/// assert_eq!(dict.get("a"), Some(&2));
/// assert_eq!(OrderedDict::loads(&dict.dumps()?)?, dict);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderedDict<K, V>(pub Vec<(K, V)>);

impl<K, V> OrderedDict<K, V> {
    /// The value at `key`, the last one set.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: PartialEq + ?Sized,
    {
        self.0.iter().rev().find(|(other, _)| other.borrow() == key).map(|(_, value)| value)
    }
}

impl<K: Pickle, V: Pickle> Pickle for OrderedDict<K, V> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let mut object = to.object(Name::new("collections", "OrderedDict"), Made::Call, 0)?;
        object.pairs(self.iter().map(|(key, value)| (key, value)))?;
        object.end()
    }
}

impl<K: Unpickle, V: Unpickle> Unpickle for OrderedDict<K, V> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        if !Self::matches(value) {
            return Err(wrong_class(value, ORDERED.shown));
        }
        read(value, from)
    }

    fn matches(value: Value<'_>) -> bool {
        ORDERED.made(value) || matches!(value.node(), Node::Dict(_))
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        link(self, value, from)
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        link_shared(self, value, from)
    }
}

fn read<K: Unpickle, V: Unpickle>(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<OrderedDict<K, V>> {
    let pairs = pairs(value)?;
    let all = |from: &mut Unpickling<'_>| {
        let one = |(key, value): &(Value<'_>, Value<'_>)| {
            Ok((from.value(*key)?, from.value_at(*value, &format_args!("[{key}]"))?))
        };
        pairs.iter().map(one).collect()
    };
    from.or_gap(all, OrderedDict::default)
}

fn link<K: Unpickle, V: Unpickle>(
    dict: &mut OrderedDict<K, V>,
    value: Value<'_>,
    from: &mut Unpickling<'_>,
) -> Result<()> {
    let values = pairs(value).unwrap_or_default();
    if dict.is_empty() && !values.is_empty() {
        *dict = read(value, from)?;
        from.filled();
        return Ok(());
    }
    dict.iter_mut().zip(values).try_for_each(|((_, item), (_, value))| item.link(value, from))
}

fn link_shared<K: Unpickle, V: Unpickle>(
    dict: &OrderedDict<K, V>,
    value: Value<'_>,
    from: &mut Unpickling<'_>,
) -> Result<()> {
    let values = pairs(value).unwrap_or_default();
    dict.iter().zip(values).try_for_each(|((_, item), (_, value))| item.link_shared(value, from))
}

impl<K, V> Default for OrderedDict<K, V> {
    fn default() -> Self {
        OrderedDict(Vec::new())
    }
}

impl<K, V> Deref for OrderedDict<K, V> {
    type Target = Vec<(K, V)>;

    fn deref(&self) -> &Vec<(K, V)> {
        &self.0
    }
}

impl<K, V> DerefMut for OrderedDict<K, V> {
    fn deref_mut(&mut self) -> &mut Vec<(K, V)> {
        &mut self.0
    }
}

impl<K, V> FromIterator<(K, V)> for OrderedDict<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        OrderedDict(pairs.into_iter().collect())
    }
}

impl<K, V> IntoIterator for OrderedDict<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A dict that makes what it lacks: `collections.defaultdict`. The factory is kept, and never called.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::{GlobalName, stdlib::{DefaultDict, Factory}}};
/// // pickle.dumps(defaultdict(list, {u'a': [1]}), 2)
/// let bytes = b"\x80\x02ccollections\ndefaultdict\nq\x00c__builtin__\nlist\nq\x01\x85q\x02Rq\x03X\x01\x00\x00\x00aq\x04]q\x05K\x01as.";
/// let dict = DefaultDict::<String, Vec<u8>>::loads(bytes)?;
/// assert_eq!(dict.factory, Some(Factory::Name(GlobalName::new("builtins", "list"))));
/// assert_eq!(dict.get("a"), Some(&vec![1]));
/// assert_eq!(DefaultDict::loads(&dict.dumps()?)?, dict);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultDict<K, V> {
    /// What makes a value for a key that is not there.
    pub factory: Option<Factory>,
    /// What is there.
    pub items: OrderedDict<K, V>,
}

/// What a [`DefaultDict`] makes values with.
///
/// ```
/// use oiji::class::stdlib::Factory;
/// assert_eq!(Factory::builtin("int"), Factory::Name(oiji::class::GlobalName::new("builtins", "int")));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Factory {
    /// A class or function by name.
    Name(GlobalName),
    /// Anything else, inert: a `functools.partial`, a bound method.
    Other(Box<Graph<'static>>),
}

impl Factory {
    /// A builtin class or function: `list`, `int`.
    pub fn builtin(name: impl Into<String>) -> Self {
        Factory::Name(GlobalName::new("builtins", name))
    }
}

impl Pickle for Factory {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        match self {
            Factory::Name(name) => name.pickle(to),
            Factory::Other(graph) => graph.pickle(to),
        }
    }
}

impl Unpickle for Factory {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        match value.node() {
            Node::Global(_) => GlobalName::unpickle(value, from).map(Factory::Name),
            _ => Graph::unpickle(value, from).map(|graph| Factory::Other(Box::new(graph))),
        }
    }
}

impl<K: Pickle, V: Pickle> Pickle for DefaultDict<K, V> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let name = Name::new("collections", "defaultdict");
        let mut object = to.object(name, Made::Call, usize::from(self.factory.is_some()))?;
        if let Some(factory) = &self.factory {
            object.arg("default_factory", factory)?;
        }
        object.pairs(self.items.iter().map(|(key, value)| (key, value)))?;
        object.end()
    }
}

impl<K: Unpickle, V: Unpickle> Unpickle for DefaultDict<K, V> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let args = DEFAULT.args(value)?;
        let factory = match args.get(0) {
            Some(factory) => from.value_at(factory, &".default_factory")?,
            None => None,
        };
        Ok(DefaultDict { factory, items: read(value, from)? })
    }

    fn matches(value: Value<'_>) -> bool {
        DEFAULT.made(value)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        link(&mut self.items, value, from)
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        link_shared(&self.items, value, from)
    }
}

impl<K, V> Default for DefaultDict<K, V> {
    fn default() -> Self {
        DefaultDict { factory: None, items: OrderedDict::default() }
    }
}

impl<K, V> Deref for DefaultDict<K, V> {
    type Target = OrderedDict<K, V>;

    fn deref(&self) -> &OrderedDict<K, V> {
        &self.items
    }
}

impl<K, V> DerefMut for DefaultDict<K, V> {
    fn deref_mut(&mut self) -> &mut OrderedDict<K, V> {
        &mut self.items
    }
}

/// How often each of its keys was counted: `collections.Counter`. Counts are ints unless said otherwise.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Counter};
/// // pickle.dumps(Counter(u'aab'), 2)
/// let bytes = b"\x80\x02ccollections\nCounter\nq\x00}q\x01(X\x01\x00\x00\x00aq\x02K\x02X\x01\x00\x00\x00bq\x03K\x01u\x85q\x04Rq\x05.";
/// let counter = Counter::<String>::loads(bytes)?;
/// assert_eq!((counter.get("a"), counter.get("z")), (Some(&2), None));
/// assert_eq!(Counter::loads(&counter.dumps()?)?, counter);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counter<K, N = i64>(pub OrderedDict<K, N>);

impl<K: Pickle, N: Pickle> Pickle for Counter<K, N> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("collections", "Counter", &(AsDict(&self.0),))
    }
}

struct AsDict<'c, K, N>(&'c OrderedDict<K, N>);

impl<K: Pickle, N: Pickle> Pickle for AsDict<'_, K, N> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.dict(self.0.iter().map(|(key, count)| (key, count)))
    }
}

impl<K: Unpickle, N: Unpickle> Unpickle for Counter<K, N> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        COUNTER.object(value)?;
        read(value, from).map(Counter)
    }

    fn matches(value: Value<'_>) -> bool {
        COUNTER.made(value)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        link(&mut self.0, value, from)
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        link_shared(&self.0, value, from)
    }
}

impl<K, N> Default for Counter<K, N> {
    fn default() -> Self {
        Counter(OrderedDict::default())
    }
}

impl<K, N> FromIterator<(K, N)> for Counter<K, N> {
    fn from_iter<I: IntoIterator<Item = (K, N)>>(counts: I) -> Self {
        Counter(counts.into_iter().collect())
    }
}

impl<K, N> Deref for Counter<K, N> {
    type Target = OrderedDict<K, N>;

    fn deref(&self) -> &OrderedDict<K, N> {
        &self.0
    }
}

impl<K, N> DerefMut for Counter<K, N> {
    fn deref_mut(&mut self) -> &mut OrderedDict<K, N> {
        &mut self.0
    }
}
