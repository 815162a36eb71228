//! Objects that helpers make, seen as what they are: `copyreg` of protocols 0 and 1, and the helpers of Cython's classes.

use crate::graph::arena::Made;
use crate::graph::view::{Global, Node, Object, Value};

/// A function that makes instances of the class that is its first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    /// Of `copyreg`.
    Copyreg,
    /// Of a class of Cython: a state may be among its arguments.
    Cython,
}

impl Helper {
    /// What a global is, by its name, if it is one.
    pub(crate) fn of(module: &str, name: &str) -> Option<Helper> {
        match (module, name) {
            _ if name.starts_with("__pyx_unpickle_") => Some(Helper::Cython),
            ("copyreg" | "copy_reg", "_reconstructor" | "__newobj__") => Some(Helper::Copyreg),
            _ => None,
        }
    }
}

impl<'g> Object<'g> {
    /// The class of an object that a helper makes, and the first argument that is its own: `copyreg` of protocols 0 and 1,
    /// and the helpers of Cython's classes.
    pub(crate) fn seen_through(self) -> Option<(Value<'g>, usize)> {
        let called = self.class_name().filter(|_| self.made() == Made::Call)?;
        let args = self.args().items().ok()?;
        let class = args.get(0).filter(|class| class.as_global().is_ok())?;
        let is_nothing =
            |value: Value<'_>| value.is_none() || matches!(value.node(), Node::Tuple(items) if items.is_empty());
        match Helper::of(called.module(), called.name())? {
            Helper::Cython if args.len() == 3 => Some((class, if args.get(2).is_some_and(is_nothing) { 3 } else { 2 })),
            Helper::Cython => None,
            Helper::Copyreg => {
                let base = args.get(1).and_then(|base| base.as_global().ok());
                let plain = base.is_some_and(|base| base.is("builtins", "object") || base.is("__builtin__", "object"));
                let is_plain = plain && called.name() == "_reconstructor" && args.len() == 3;
                Some((class, if is_plain { 3 } else { 1 }))
            }
        }
    }

    /// The class of an object, also of one that a helper makes; of a call, what is called.
    pub fn made_class(self) -> Option<Global<'g>> {
        self.seen_through().map_or(self.class(), |(class, _)| class).as_global().ok()
    }

    /// The argument of its own with this number, past those of a helper that makes it.
    pub(crate) fn own_arg(self, index: usize) -> Option<Value<'g>> {
        let first = self.seen_through().map_or(0, |(_, first)| first);
        self.args().items().ok()?.get(first.checked_add(index)?)
    }
}
