//! `collections.deque`, with its longest length or without.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use crate::class::containers::items;
use crate::class::name::Name;
use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::Callable;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Made, Node, Value};

const MODULES: &[&str] = &["collections", "_collections"];
const DEQUE: Callable = Callable { shown: "collections.deque", modules: MODULES, name: "deque" };

/// A queue with two ends that may have a longest length: `collections.deque`.
///
/// Where the length does not matter, `VecDeque` is read and written as a deque too.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Deque};
/// // pickle.dumps(collections.deque([1, 2], maxlen=3), 2), by Python 2
/// let bytes = b"\x80\x02ccollections\ndeque\nq\x00]q\x01(K\x01K\x02eK\x03\x86q\x02Rq\x03.";
/// let deque = Deque::<u8>::loads(bytes)?;
/// assert_eq!((deque.maxlen, deque.front()), (Some(3), Some(&1)));
/// assert_eq!(Deque::<u8>::loads(&deque.dumps()?)?, deque);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deque<T> {
    /// What is in it.
    pub items: VecDeque<T>,
    /// How many it may hold in Python, which drops what comes before.
    pub maxlen: Option<usize>,
}

impl<T> Default for Deque<T> {
    fn default() -> Self {
        Deque { items: VecDeque::new(), maxlen: None }
    }
}

impl<T> Deref for Deque<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        &self.items
    }
}

impl<T> DerefMut for Deque<T> {
    fn deref_mut(&mut self) -> &mut VecDeque<T> {
        &mut self.items
    }
}

impl<T: Pickle> Pickle for Deque<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let name = Name::new("collections", "deque");
        let mut object = match self.maxlen {
            None => to.object(name, Made::Call, 0)?,
            Some(maxlen) => {
                let mut object = to.object(name, Made::Call, 2)?;
                object.arg("iterable", &NoItems)?;
                object.arg("maxlen", &maxlen)?;
                object
            }
        };
        object.items(&self.items)?;
        object.end()
    }
}

/// The empty tuple.
struct NoItems;

impl Pickle for NoItems {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.graph.add_tuple(&[])
    }
}

impl<T: Unpickle> Unpickle for Deque<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let args = DEQUE.args(value)?;
        let maxlen = match args.get(1).map(Value::node) {
            None | Some(Node::None) => None,
            Some(Node::Int(maxlen)) => match usize::try_from(maxlen) {
                Ok(maxlen) => Some(maxlen),
                Err(_) => return Err(Error::message(format!("expected a maxlen from 0 up, found {maxlen}"))),
            },
            Some(_) => return Err(DEQUE.wrong_args(value)),
        };
        let mut items = VecDeque::unpickle(value, from)?;
        if let Some(maxlen) = maxlen.filter(|maxlen| *maxlen < items.len()) {
            items.drain(..items.len() - maxlen);
        }
        Ok(Deque { items, maxlen })
    }

    fn matches(value: Value<'_>) -> bool {
        DEQUE.made(value)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        self.items.link(value, from)
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        self.items.link_shared(value, from)
    }
}

/// A `collections.deque`.
impl<T: Pickle> Pickle for VecDeque<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let mut object = to.object(Name::new("collections", "deque"), Made::Call, 0)?;
        object.items(self)?;
        object.end()
    }
}

/// A `collections.deque`, or whatever a `Vec` is read from.
impl<T: Unpickle> Unpickle for VecDeque<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        from.or_gap(|from| from.items(value).map(VecDeque::from), VecDeque::new)
    }

    fn matches(value: Value<'_>) -> bool {
        DEQUE.made(value)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        let values = items(value).unwrap_or_default();
        if self.is_empty() && !values.is_empty() {
            *self = from.value(value)?;
            from.filled();
            return Ok(());
        }
        // The first of them may be gone for a maxlen.
        let gone = values.len().saturating_sub(self.len());
        self.iter_mut().zip(values.into_iter().skip(gone)).try_for_each(|(item, value)| item.link(value, from))
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        let values = items(value).unwrap_or_default();
        let gone = values.len().saturating_sub(self.len());
        self.iter().zip(values.into_iter().skip(gone)).try_for_each(|(item, value)| item.link_shared(value, from))
    }
}
