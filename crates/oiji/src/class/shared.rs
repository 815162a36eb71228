//! Pointers: what several share stays one value, and cycles come back as they were.
//!
//! Writing, a pointer's address has an id as soon as its content says what it is. Reading, a pointer is made once for each
//! value. One that leads back to a value still being read is an error that the nearest `Option`, `Weak` or container turns
//! into a gap; when all is read, the gaps in the content of each pointer are filled, one pointer after another and never one
//! inside another, so that a long chain of pointers needs no deep stack.

use std::any::{Any, TypeId};
use std::rc::Rc;
use std::sync::Arc;

use crate::class::atoms::text;
use crate::class::pickle::{Pickle, Pickling};
use crate::class::pointers::Met;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Id, Value};

/// Writes what a pointer points to, once.
fn pickle<T: Pickle + ?Sized>(content: &T, address: usize, kept: Box<dyn Any>, to: &mut Pickling<'_>) -> Result<Id> {
    if let Some(&id) = to.shared.get(&address) {
        return Ok(id);
    }
    if to.open.contains(&Some(address)) {
        return Err(Error::message(
            "a value that contains itself before it is made: give it an id with Pickling::made",
        ));
    }
    to.kept.push(kept);
    to.open.push(Some(address));
    let result = content.pickle(to);
    to.open.pop();
    let id = result?;
    to.shared.insert(address, id);
    Ok(id)
}

/// Reads what a pointer points to, once.
fn unpickle<P, T>(value: Value<'_>, from: &mut Unpickling<'_>, new: impl FnOnce(T) -> P) -> Result<P>
where
    P: Clone + AsRef<T> + 'static,
    T: Unpickle,
{
    // Small ints and the like are the same everywhere: nothing tells which were shared.
    if value.id().is_immediate() {
        return T::unpickle(value, from).map(new);
    }
    let key = Unpickling::key(value, TypeId::of::<P>());
    let (depth, weak) = (from.depth(), std::mem::take(&mut from.weak));
    match from.pointers.meet(&key, depth, weak) {
        Met::Never => {}
        Met::Made(pointer) => {
            from.copies.refund(value);
            return Ok(pointer);
        }
        Met::Open => {
            let error = Error::from(ErrorKind::Cycle { found: value.type_name() });
            return Err(error.at_value(value.id().index()).unfinished());
        }
    }
    if from.is_deep() {
        // What holds this pointer may stay empty until the stack is short again.
        return Err(from.too_deep().unfinished());
    }
    let Some(index) = from.pointers.open(key, depth, weak) else { return Err(from.too_deep()) };
    let before = std::mem::replace(&mut from.gaps, 0);
    let content = T::unpickle(value, from);
    let gaps = std::mem::replace(&mut from.gaps, before);
    let pointer = match content {
        Ok(content) => new(content),
        Err(error) => {
            from.pointers.close(&key, index, None);
            return Err(error);
        }
    };
    from.pointers.close(&key, index, Some(Box::new(pointer.clone())));
    if gaps > 0 {
        let (place, pointer) = (from.place(value), pointer.clone());
        from.pending.push(Box::new(move |from| {
            from.pointers.reopen(index);
            let result = place.with(from, |value, from| {
                from.gaps = gaps;
                pointer.as_ref().link_shared(value, from)?;
                from.no_gaps(value)
            });
            from.pointers.leave();
            result
        }));
    }
    Ok(pointer)
}

macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<T: Pickle + ?Sized + 'static> Pickle for $pointer<T> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                let address = $pointer::as_ptr(self).cast::<()>() as usize;
                pickle(&**self, address, Box::new($pointer::clone(self)), to)
            }

            fn as_any(&self) -> Option<&dyn Any> {
                (**self).as_any()
            }
        }

        impl<T: Unpickle> Unpickle for $pointer<T> {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                unpickle(value, from, $pointer::new)
            }

            fn matches(value: Value<'_>) -> bool {
                T::matches(value)
            }

            fn from_any(any: Box<dyn Any>) -> Result<Self, Box<dyn Any>> {
                match any.downcast::<Self>() {
                    Ok(pointer) => Ok(*pointer),
                    Err(any) => T::from_any(any).map($pointer::new),
                }
            }
        }

        impl Unpickle for $pointer<str> {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                let key = Unpickling::key(value, TypeId::of::<Self>());
                let depth = from.depth();
                if let Met::Made(pointer) = from.pointers.meet(&key, depth, true) {
                    from.copies.refund(value);
                    return Ok(pointer);
                }
                let pointer: Self = $pointer::from(text(value)?);
                if let Some(index) = from.pointers.open(key, depth, true) {
                    from.pointers.close(&key, index, Some(Box::new($pointer::clone(&pointer))));
                }
                Ok(pointer)
            }

            fn matches(value: Value<'_>) -> bool {
                String::matches(value)
            }
        }
    )*};
}

pointers!(Rc Arc);

macro_rules! weaks {
    ($($module:ident $pointer:ident)*) => {$(
        /// A weak pointer to what is gone is `None`.
        impl<T: Pickle + 'static> Pickle for std::$module::Weak<T> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                match self.upgrade() {
                    Some(pointer) => pointer.pickle(to),
                    None => to.graph.add_none(),
                }
            }
        }

        /// What only weak pointers point to is gone when all is read.
        impl<T: Unpickle> Unpickle for std::$module::Weak<T> {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                if value.is_none() {
                    return Ok(Self::new());
                }
                from.or_gap(
                    |from| {
                        from.weak = true;
                        let pointer = $pointer::<T>::unpickle(value, from);
                        from.weak = false;
                        Ok($pointer::downgrade(&pointer?))
                    },
                    Self::new,
                )
            }

            fn matches(value: Value<'_>) -> bool {
                value.is_none() || T::matches(value)
            }

            fn absent() -> Option<Self> {
                Some(Self::new())
            }

            fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                if !value.is_none() && self.ptr_eq(&Self::new()) {
                    *self = from.value(value)?;
                    from.filled();
                }
                Ok(())
            }
        }
    )*};
}

weaks!(rc Rc sync Arc);

/// What a box holds stands in its place.
impl<T: Pickle + ?Sized> Pickle for Box<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        (**self).pickle(to)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        (**self).as_any()
    }
}

impl<T: Unpickle> Unpickle for Box<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        T::unpickle(value, from).map(Box::new)
    }

    fn matches(value: Value<'_>) -> bool {
        T::matches(value)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        (**self).link(value, from)
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        (**self).link_shared(value, from)
    }

    fn from_any(any: Box<dyn Any>) -> Result<Self, Box<dyn Any>> {
        match any.downcast::<Self>() {
            Ok(boxed) => Ok(*boxed),
            Err(any) => T::from_any(any).map(Box::new),
        }
    }
}

/// What a reference leads to stands in its place.
impl<T: Pickle + ?Sized> Pickle for &T {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        (**self).pickle(to)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        (**self).as_any()
    }
}
