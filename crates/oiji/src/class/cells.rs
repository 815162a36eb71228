//! Cells and locks: what stands in them stands in their place, and can be filled later through a shared pointer.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Value};

/// A cell that is borrowed, or a lock that is held, by the very code that pickles.
#[cold]
fn in_use(what: &str) -> Error {
    Error::message(format!("a {what} in use while it is pickled or read"))
}

/// `$read` and `$write` give what stands in the cell, from `&self`; `$inner` from `&mut self`.
macro_rules! cells {
    ($($cell:ident $name:literal
        |$it:ident| $read:expr, $write:expr, $inner:expr;)*) => {$(
        impl<T: Pickle + ?Sized> Pickle for $cell<T> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                let $it = self;
                match $read {
                    Ok(content) => content.pickle(to),
                    Err(_) => Err(in_use($name)),
                }
            }
        }

        impl<T: Unpickle> Unpickle for $cell<T> {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                T::unpickle(value, from).map($cell::new)
            }

            fn matches(value: Value<'_>) -> bool {
                T::matches(value)
            }

            fn absent() -> Option<Self> {
                T::absent().map($cell::new)
            }

            fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                let $it = self;
                $inner.link(value, from)
            }

            fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                let $it = self;
                match $write {
                    Ok(mut content) => content.link(value, from),
                    Err(_) => Err(in_use($name)),
                }
            }
        }
    )*};
}

// A lock that a panic left behind is read all the same: its content is whole, whoever panicked.
cells! {
    RefCell "RefCell" |it| it.try_borrow(), it.try_borrow_mut(), it.get_mut();
    Mutex "Mutex" |it| recovered(it.try_lock()), recovered(it.try_lock()), it.get_mut().unwrap_or_else(PoisonError::into_inner);
    RwLock "RwLock" |it| recovered(it.try_read()), recovered(it.try_write()), it.get_mut().unwrap_or_else(PoisonError::into_inner);
}

fn recovered<G>(result: Result<G, std::sync::TryLockError<G>>) -> Result<G, ()> {
    match result {
        Ok(guard) => Ok(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => Err(()),
    }
}

impl<T: Pickle + Copy> Pickle for Cell<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        self.get().pickle(to)
    }
}

impl<T: Unpickle> Unpickle for Cell<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        T::unpickle(value, from).map(Cell::new)
    }

    fn matches(value: Value<'_>) -> bool {
        T::matches(value)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Cell::new)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        self.get_mut().link(value, from)
    }
}

macro_rules! once {
    ($($cell:ident)*) => {$(
        /// A cell that is not set is `None`.
        impl<T: Pickle> Pickle for $cell<T> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                match self.get() {
                    Some(content) => content.pickle(to),
                    None => to.graph.add_none(),
                }
            }
        }

        impl<T: Unpickle> Unpickle for $cell<T> {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                if value.is_none() {
                    return Ok(Self::new());
                }
                from.or_gap(|from| T::unpickle(value, from).map(Self::from), Self::new)
            }

            fn matches(value: Value<'_>) -> bool {
                value.is_none() || T::matches(value)
            }

            fn absent() -> Option<Self> {
                Some(Self::new())
            }

            fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                match self.get_mut() {
                    Some(content) => content.link(value, from),
                    None => self.link_shared(value, from),
                }
            }

            fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                match self.get() {
                    Some(content) => content.link_shared(value, from),
                    None if value.is_none() => Ok(()),
                    None => {
                        let content = from.value(value)?;
                        if self.set(content).is_ok() {
                            from.filled();
                        }
                        Ok(())
                    }
                }
            }
        }
    )*};
}

once!(OnceCell OnceLock);
