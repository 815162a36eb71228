//! Objects of Python, safely: references that count themselves, and the few dozen calls of the C API that pickling needs.
//!
//! Whoever holds a value of these types holds the GIL: they are made in functions that Python calls, and stay there. A
//! borrowed `Obj` lives no longer than the `Own` it comes from; what a container holds is given as an `Own`, for user code
//! may change the container at any call. This folder alone is `unsafe`.
#![allow(unsafe_code)]
// Its successors are of Python 3.12.
#![allow(deprecated)]

pub(crate) mod arena;
pub(crate) mod buffer;
pub(crate) mod call;
mod chars;
pub(crate) mod class;
pub(crate) mod dates;
pub(crate) mod decimals;
pub(crate) mod entry;
mod error;
pub(crate) mod fresh;
pub(crate) mod lane;
pub(crate) mod layout;
pub(crate) mod make;
pub(crate) mod memo;
pub(crate) mod near;
pub(crate) mod number;
mod object;
pub(crate) mod ordered;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod shape;
pub(crate) mod typing;
mod value;
mod view;

pub(crate) use chars::Chars;
pub(crate) use error::*;
use object::done;
pub(crate) use object::{Exact, Obj, Own};
pub(crate) use value::*;
pub(crate) use view::View;

/// A Python exception is set.
#[derive(Debug)]
pub(crate) struct Raised;

/// What may raise.
pub(crate) type Py<T = Own> = Result<T, Raised>;
