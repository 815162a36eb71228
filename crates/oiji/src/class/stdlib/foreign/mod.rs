//! Types of other crates for those of Python's library, one crate a file. Each goes through the type that keeps all.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "indexmap")]
mod indexmap;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "num-complex")]
mod num_complex;
#[cfg(feature = "num-rational")]
mod num_rational;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
#[cfg(feature = "uuid")]
mod uuid;

/// Implements the traits for `$foreign` by `$own`: `$to` makes one from a reference to the other, `$from` leads back;
/// `$matches` says whether a value looks like it.
#[cfg(any(
    feature = "bigdecimal",
    feature = "chrono",
    feature = "jiff",
    feature = "num-complex",
    feature = "num-rational",
    feature = "rust_decimal",
    feature = "uuid"
))]
macro_rules! through {
    ($($(#[$doc:meta])* $foreign:ty, $own:ty: $to:expr, $from:expr, $matches:expr;)*) => {$(
        $(#[$doc])*
        impl crate::class::Pickle for $foreign {
            fn pickle(&self, to: &mut crate::class::Pickling<'_>) -> crate::error::Result<crate::graph::Id> {
                let make: fn(&$foreign) -> crate::error::Result<$own> = $to;
                crate::class::Pickle::pickle(&make(self)?, to)
            }
        }

        impl crate::class::Unpickle for $foreign {
            fn unpickle(
                value: crate::graph::Value<'_>,
                from: &mut crate::class::Unpickling<'_>,
            ) -> crate::error::Result<Self> {
                let make: fn($own) -> crate::error::Result<$foreign> = $from;
                make(<$own as crate::class::Unpickle>::unpickle(value, from)?)
            }

            fn matches(value: crate::graph::Value<'_>) -> bool {
                let matches: fn(crate::graph::Value<'_>) -> bool = $matches;
                matches(value)
            }
        }
    )*};
}
#[cfg(any(
    feature = "bigdecimal",
    feature = "chrono",
    feature = "jiff",
    feature = "num-complex",
    feature = "num-rational",
    feature = "rust_decimal",
    feature = "uuid"
))]
use through;
