//! Dates and times: made from their bytes at once, where the ops that would make them all stand in a row.
//!
//! The bytes and the tuple around them are not made: the memo promises them. A date does not change, so that what user code
//! does matters to nobody but who looks at the memo.

use super::Reader;
use super::lazy::put_of;
use super::ops::{REDUCE, TUPLE1};
use crate::input::Bytes;
use crate::py::dates::Dates;
use crate::py::entry::Entry;
use crate::py::{self, Py};

/// A date whose arguments are promised.
pub(super) struct Made {
    bytes: Option<u64>,
    args: Option<u64>,
}

impl<I: Bytes> Reader<'_, I> {
    /// Makes the date or time of the class on top that `len` bytes say, if they are there and nothing else is meant.
    pub(super) fn date(&mut self, len: usize) -> Py<bool> {
        let ahead = self.input.ahead();
        let Some((bytes, rest)) = ahead.split_at_checked(len) else { return Ok(false) };
        let next = self.memo.count() as u64;
        let (first, rest) = put_of(rest, next);
        let Some((TUPLE1, rest)) = rest.split_first().map(|(code, rest)| (*code, rest)) else { return Ok(false) };
        let (second, rest) = put_of(rest, next + u64::from(first.is_some()));
        if rest.first() != Some(&REDUCE) || !self.stack.has(1) {
            return Ok(false);
        }
        let Some(class) = self.stack.items.last() else { return Ok(false) };
        let dates = match self.st.dates.get() {
            Some(dates) => dates,
            None => match Dates::of(class.obj()) {
                Some(dates) => self.st.dates.get_or_init(|| dates),
                None => return Ok(false),
            },
        };
        let Some(made) = dates.made(class.obj(), bytes) else { return Ok(false) };
        let len = ahead.len() - rest.len() + 1;
        self.input.take(len);
        for index in [first, second].into_iter().flatten() {
            let before = self.memo.put(index, Entry::state_of(made.clone()));
            if !before.is_empty() {
                self.let_go(before)?;
            }
        }
        if first.is_some() || second.is_some() {
            self.dates.push(Made { bytes: first, args: second });
        }
        if let Some(place) = self.stack.items.last_mut() {
            *place = made;
        }
        Ok(true)
    }

    /// Makes the arguments of dates that the memo promises.
    #[cold]
    pub(super) fn make_dates_real(&mut self) -> Py<()> {
        for date in std::mem::take(&mut self.dates).iter().rev() {
            for index in [date.bytes, date.args].into_iter().flatten() {
                let Some(object) = self.promised(index) else { continue };
                if !self.st.dates.get().is_some_and(|dates| dates.has(object.obj())) {
                    continue;
                }
                let reduced = object.obj().attr(c"__reduce_ex__")?.obj().call1(py::int(4)?.obj())?;
                let args = reduced.obj().tuple_item(1).own();
                let bytes = args.obj().tuple_item(0).own();
                for (index, value) in [(date.bytes, bytes), (date.args, args)] {
                    if let Some(index) = index
                        && self.promised(index).is_some_and(|other| other.raw() == object.raw())
                    {
                        drop(self.memo.put(index, Entry::of(value)));
                    }
                }
            }
        }
        Ok(())
    }
}
