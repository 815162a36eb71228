//! The types of Python's standard library, each kept as Python says it: dates, numbers, containers, arrays.
//!
//! Types of Rust's own library stand for some of them: `std::time::Duration` for a timedelta, `PathBuf` for a path,
//! `IpAddr` for an address, `VecDeque` for a deque, `std::ops::Range` for a range. Those of other crates come with features
//! of the same name: `jiff`, `chrono`, `rust_decimal`, `bigdecimal`, `num-complex`, `num-rational`, `uuid`, `indexmap`.
//! Builtin functions and classes are a [`GlobalName`](crate::class::GlobalName).

mod array;
mod bytes;
mod call;
mod complex;
mod date;
mod datetime;
mod decimal;
mod deque;
mod dicts;
mod foreign;
mod fraction;
mod ip;
mod packed;
mod path;
mod range;
mod singletons;
mod time;
mod timedelta;
mod timezone;
mod uuid;

pub use array::{Array, ArrayItems};
pub use bytes::{ByteArray, Bytes, Py2Str};
pub use complex::Complex;
pub use date::Date;
pub use datetime::DateTime;
pub use decimal::Decimal;
pub use deque::Deque;
pub use dicts::{Counter, DefaultDict, Factory, OrderedDict};
pub use fraction::Fraction;
pub use range::{Range, Slice};
pub use singletons::{Ellipsis, NotImplemented, TypeOf};
pub use time::Time;
pub use timedelta::TimeDelta;
pub use timezone::TimeZone;
pub use uuid::Uuid;
