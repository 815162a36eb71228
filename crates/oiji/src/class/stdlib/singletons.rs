//! `Ellipsis` and `NotImplemented`, names for the only value of their type; and those types, which have no name of their own.

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_type;
use crate::class::stdlib::call::{BUILTINS, Callable};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Id, Value};

macro_rules! singletons {
    ($($(#[$doc:meta])* $singleton:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $singleton;

        impl Pickle for $singleton {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                to.global("builtins", stringify!($singleton))
            }
        }

        impl Unpickle for $singleton {
            fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
                if Self::matches(value) { Ok(Self) } else { Err(wrong_type(value, stringify!($singleton))) }
            }

            fn matches(value: Value<'_>) -> bool {
                let name = stringify!($singleton);
                Callable { shown: name, modules: BUILTINS, name }.is_global(value)
            }
        }
    )*};
}

singletons! {
    /// `...`: `Ellipsis`.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle, class::stdlib::Ellipsis};
    /// assert_eq!(Ellipsis::loads(b"cbuiltins\nEllipsis\n.")?, Ellipsis);
    /// assert_eq!(Ellipsis::loads(&Ellipsis.dumps()?)?, Ellipsis);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    Ellipsis;

    /// `NotImplemented`.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle, class::stdlib::NotImplemented};
    /// assert_eq!(NotImplemented::loads(&NotImplemented.dumps()?)?, NotImplemented);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    NotImplemented;
}

/// A type that no name leads to, only its one value: Python pickles it as the call of `type`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::TypeOf};
/// // pickle.dumps(type(None), 2)
/// assert_eq!(TypeOf::loads(b"\x80\x02c__builtin__\ntype\nq\x00N\x85q\x01Rq\x02.")?, TypeOf::None);
/// assert_eq!(TypeOf::loads(&TypeOf::Ellipsis.dumps()?)?, TypeOf::Ellipsis);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TypeOf {
    /// `type(None)`.
    None,
    /// `type(...)`.
    Ellipsis,
    /// `type(NotImplemented)`.
    NotImplemented,
}

const TYPE: Callable = Callable { shown: "type", modules: BUILTINS, name: "type" };

impl Pickle for TypeOf {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        match self {
            TypeOf::None => to.call("builtins", "type", &((),)),
            TypeOf::Ellipsis => to.call("builtins", "type", &(Ellipsis,)),
            TypeOf::NotImplemented => to.call("builtins", "type", &(NotImplemented,)),
        }
    }
}

impl Unpickle for TypeOf {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let args = TYPE.args(value)?;
        match args.get(0) {
            _ if args.len() > 1 => Err(TYPE.wrong_args(value)),
            Some(of) if of.is_none() => Ok(TypeOf::None),
            Some(of) if Ellipsis::matches(of) => Ok(TypeOf::Ellipsis),
            Some(of) if NotImplemented::matches(of) => Ok(TypeOf::NotImplemented),
            _ => Err(TYPE.wrong_args(value)),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        TYPE.made(value)
    }
}
