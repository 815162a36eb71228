//! `range` (in Python 2 `xrange`) and `slice`: three values each. `std::ops::Range` is a range in steps of one.

use num_bigint::BigInt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::{BUILTINS, Callable};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Items, Node, Value};

const RANGE: Callable = Callable { shown: "range", modules: BUILTINS, name: "range" };
const XRANGE: Callable = Callable { shown: "range", modules: BUILTINS, name: "xrange" };
const SLICE: Callable = Callable { shown: "slice", modules: BUILTINS, name: "slice" };

/// `range(start, stop, step)`; in Python 2 an `xrange`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Range};
/// // pickle.dumps(range(1, 10, 3), 2)
/// let range = Range::loads(b"\x80\x02c__builtin__\nxrange\nq\x00K\x01K\nK\x03\x87q\x01Rq\x02.")?;
/// assert_eq!(range, Range { start: 1, stop: 10, step: 3 });
/// assert_eq!(Range::loads(&range.dumps()?)?, range);
///
/// assert_eq!(std::ops::Range::<u8>::loads(&(3_i64..7).dumps()?)?, 3..7);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range<T = i64> {
    /// The first number.
    pub start: T,
    /// What is not reached any more.
    pub stop: T,
    /// From one number to the next; never zero.
    pub step: T,
}

/// The arguments of a range: start, stop and step, where they are given.
fn range_args(value: Value<'_>) -> Result<[Option<Value<'_>>; 3]> {
    let args = if XRANGE.made(value) { XRANGE.args(value)? } else { RANGE.args(value)? };
    match args.len() {
        1 => Ok([None, args.get(0), None]),
        2 | 3 => Ok([args.get(0), args.get(1), args.get(2)]),
        _ => Err(RANGE.wrong_args(value)),
    }
}

fn is_zero(step: Value<'_>) -> bool {
    matches!(step.node(), Node::Int(0) | Node::Bool(false))
}

#[cold]
fn zero_step() -> Error {
    Error::message("a range in steps of zero")
}

impl<T: Pickle> Pickle for Range<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let id = to.call("builtins", "range", &(&self.start, &self.stop, &self.step))?;
        let graph = to.graph();
        let args = graph.value(id).as_object()?.args();
        if is_zero(args.at(2)?) { Err(zero_step()) } else { Ok(id) }
    }
}

impl<T: Unpickle> Unpickle for Range<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let [start, stop, step] = range_args(value)?;
        if step.is_some_and(is_zero) {
            return Err(zero_step());
        }
        Ok(Range {
            start: int(start, 0, ".start", from)?,
            stop: int(stop, 0, ".stop", from)?,
            step: int(step, 1, ".step", from)?,
        })
    }

    fn matches(value: Value<'_>) -> bool {
        RANGE.made(value) || XRANGE.made(value)
    }
}

/// An int, or what stands for one that is not given.
fn int<T: Unpickle>(value: Option<Value<'_>>, default: i64, name: &str, from: &mut Unpickling<'_>) -> Result<T> {
    match value {
        Some(value) => from.value_at(value, &name),
        None => {
            let mut graph = crate::graph::Graph::new();
            let id = graph.add_int(default)?;
            from.value_at(graph.value(id), &name)
        }
    }
}

macro_rules! ranges {
    ($($int:ty)*) => {$(
        impl Pickle for std::ops::Range<$int> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                to.call("builtins", "range", &(&self.start, &self.end, 1))
            }
        }

        impl Unpickle for std::ops::Range<$int> {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                let [start, stop, step] = range_args(value)?;
                if step.is_some_and(|step| !matches!(step.node(), Node::Int(1))) {
                    return Err(Error::message("expected a range in steps of one"));
                }
                Ok(int(start, 0, ".start", from)?..int(stop, 0, ".stop", from)?)
            }

            fn matches(value: Value<'_>) -> bool {
                RANGE.made(value) || XRANGE.made(value)
            }
        }
    )*};
}

ranges!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize BigInt);

/// `slice(start, stop, step)`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Slice};
/// // pickle.dumps(slice(1, None, 2), 3)
/// let slice = Slice::loads(b"\x80\x03cbuiltins\nslice\nq\x00K\x01NK\x02\x87q\x01Rq\x02.")?;
/// assert_eq!(slice, Slice { start: Some(1), stop: None, step: Some(2) });
/// assert_eq!(Slice::loads(&slice.dumps()?)?, slice);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slice<T = i64> {
    /// Where it begins.
    pub start: Option<T>,
    /// What it does not reach.
    pub stop: Option<T>,
    /// From one place to the next.
    pub step: Option<T>,
}

impl<T: Pickle> Pickle for Slice<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("builtins", "slice", &(&self.start, &self.stop, &self.step))
    }
}

impl<T: Unpickle> Unpickle for Slice<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let args: Items<'_> = SLICE.args(value)?;
        let [start, stop, step] = match args.len() {
            1 => [None, args.get(0), None],
            2 | 3 => [args.get(0), args.get(1), args.get(2)],
            _ => return Err(SLICE.wrong_args(value)),
        };
        let mut part = |part: Option<Value<'_>>, name: &str| match part {
            Some(part) => from.value_at(part, &name),
            None => Ok(None),
        };
        Ok(Slice { start: part(start, ".start")?, stop: part(stop, ".stop")?, step: part(step, ".step")? })
    }

    fn matches(value: Value<'_>) -> bool {
        SLICE.made(value)
    }
}
