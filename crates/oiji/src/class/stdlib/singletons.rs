//! `Ellipsis` and `NotImplemented`: names for the only value of their type.

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
