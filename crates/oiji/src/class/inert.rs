//! What stays as the pickle says it: names of classes and functions, persistent ids.

use std::fmt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_type;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Id, Node, Value};

/// A class, function or other thing by its name. It is never looked up.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::GlobalName};
/// let len = GlobalName::new("builtins", "len");
/// assert_eq!(GlobalName::loads(&len.dumps()?)?, len);
/// assert_eq!(len.to_string(), "builtins.len");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GlobalName {
    /// The module: `collections`.
    pub module: String,
    /// The maybe dotted name in it: `OrderedDict`, `Outer.Inner`.
    pub name: String,
}

impl GlobalName {
    /// The name `name` in `module`.
    pub fn new(module: impl Into<String>, name: impl Into<String>) -> Self {
        GlobalName { module: module.into(), name: name.into() }
    }
}

impl fmt::Display for GlobalName {
    /// `module.name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

impl Pickle for GlobalName {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.global(self.module.clone(), self.name.clone())
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl Unpickle for GlobalName {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        match value.node() {
            Node::Global(global) => Ok(GlobalName::new(global.module(), global.name())),
            _ => Err(wrong_type(value, "global")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        matches!(value.node(), Node::Global(_))
    }
}

/// A persistent id, where no callback turns ids into values.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::PersistentId};
/// let bytes = PersistentId(("image".to_owned(), 7)).dumps()?;
/// assert_eq!(oiji::loads(&bytes)?.to_string(), "persistent(('image', 7))");
/// assert_eq!(PersistentId::<(String, u32)>::loads(&bytes)?.0.1, 7);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersistentId<T>(pub T);

impl<T: Pickle> Pickle for PersistentId<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let pid = to.value(&self.0)?;
        let id = to.graph.add_persistent(pid)?;
        to.made(id);
        Ok(id)
    }
}

impl<T: Unpickle> Unpickle for PersistentId<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        match value.node() {
            Node::Persistent(pid) => from.value(pid).map(PersistentId),
            _ => Err(wrong_type(value, "persistent id")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        matches!(value.node(), Node::Persistent(_))
    }
}
