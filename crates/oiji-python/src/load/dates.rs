//! Dates and times: made from their bytes at once, where the ops that would make them all stand in a row.
//!
//! The bytes and the tuple around them are not made: the memo promises them. A date does not change, so that what user code
//! does matters to nobody but who looks at the memo.

use super::Reader;
use super::lazy::put_of;
use super::ops::{BINGET, LONG_BINGET, REDUCE, SHORT_BINBYTES, TUPLE1};
use crate::input::Bytes;
use crate::py::dates::Dates;
use crate::py::entry::Entry;
use crate::py::{self, Obj, Own, Py};

impl<I: Bytes> Reader<'_, I> {
    /// Makes the date or time of the class on top that `len` bytes say, if they are there and nothing else is meant. Those
    /// that follow in the same way are made too.
    pub(super) fn date(&mut self, len: usize) -> Py<bool> {
        if !self.stack.has(1) {
            return Ok(false);
        }
        let Some(class) = self.stack.items.last().cloned() else { return Ok(false) };
        let dates = match self.st.dates.get() {
            Some(dates) => dates,
            None => match Dates::of(class.obj()) {
                Some(dates) => self.st.dates.get_or_init(|| dates),
                None => return Ok(false),
            },
        };
        let Some(first) = self.next_date(dates, class.obj(), 0, len)? else { return Ok(false) };
        if let Some(place) = self.stack.items.last_mut() {
            *place = first;
        }
        while self.stack.items.len() < self.stack.items.capacity()
            && let Some(head) = self.gets(class.obj(), len)
            && let Some(date) = self.next_date(dates, class.obj(), head, len)?
        {
            self.stack.push(date);
        }
        Ok(true)
    }

    /// The length of the ops that get a class and begin as many bytes, if they come next.
    fn gets(&self, class: Obj<'_>, len: usize) -> Option<usize> {
        let (index, rest) = match self.input.ahead() {
            [BINGET, index, rest @ ..] => (u64::from(*index), rest),
            [LONG_BINGET, a, b, c, d, rest @ ..] => (u64::from(u32::from_le_bytes([*a, *b, *c, *d])), rest),
            _ => return None,
        };
        let [SHORT_BINBYTES, found, rest @ ..] = rest else { return None };
        let is = usize::from(*found) == len && self.memo.get(index).is_some_and(|got| got.is(class));
        is.then_some(self.input.ahead().len() - rest.len())
    }

    /// Makes a date of the bytes behind the next `head`, and takes all ops that it is made by.
    #[inline]
    fn next_date(&mut self, dates: &Dates, class: Obj<'_>, head: usize, len: usize) -> Py<Option<Own>> {
        let ahead = self.input.ahead();
        let Some((bytes, rest)) = ahead[head..].split_at_checked(len) else { return Ok(None) };
        let next = self.memo.count() as u64;
        let Some((rest, memoized)) = ending(rest, next) else { return Ok(None) };
        let Some(date) = dates.made(class, bytes) else { return Ok(None) };
        let taken = ahead.len() - rest.len();
        if memoized {
            if !self.memo.add_date(&date)? {
                return Ok(None);
            }
            self.dates = true;
        }
        self.input.take(taken);
        Ok(Some(date))
    }

    /// Makes what dates were made of and the memo promises.
    #[cold]
    pub(super) fn make_dates_real(&mut self) -> Py<()> {
        if !self.dates {
            return Ok(());
        }
        // The tuple comes first, from behind, and has the bytes already if they are promised too.
        let mut last: Option<(u64, Own)> = None;
        for (index, is_bytes, date) in self.memo.promised_of_dates().into_iter().rev() {
            let args = match last.take().filter(|(of, _)| is_bytes && *of == index + 1) {
                Some((_, args)) => args,
                None => {
                    let reduced = date.obj().attr(c"__reduce_ex__")?.obj().call1(py::int(4)?.obj())?;
                    reduced.obj().tuple_item(1).own()
                }
            };
            let real = if is_bytes { args.obj().tuple_item(0).own() } else { args.clone() };
            drop(self.memo.put(index, Entry::of(real)));
            last = Some((index, args));
        }
        self.dates = false;
        Ok(())
    }
}

/// What comes after the ops that make a date of its bytes, and whether all of it is memoized: the bytes, the tuple, the date.
#[inline]
fn ending(rest: &[u8], next: u64) -> Option<(&[u8], bool)> {
    let (first, rest) = put_of(rest, next);
    let (TUPLE1, rest) = rest.split_first().map(|(code, rest)| (*code, rest))? else { return None };
    let (second, rest) = put_of(rest, next + 1);
    let (REDUCE, rest) = rest.split_first().map(|(code, rest)| (*code, rest))? else { return None };
    if (first, second) == (None, None) {
        return Some((rest, false));
    }
    let (third, rest) = put_of(rest, next + 2);
    ((first, second, third) == (Some(next), Some(next + 1), Some(next + 2))).then_some((rest, true))
}
