//! Where user code begins: all that the reader keeps to itself is put in order before, and taken back after.
//!
//! Between `leave` and `enter` any code may run: it may look at the unpickler's memo or clear it, switch the collector, or
//! change classes. Between `enter` and `leave` none does.

use super::Reader;
use crate::input::Bytes;
use crate::py::Py;

/// A pickle of fewer bytes makes too few objects for the collector to be in the way.
const WORTH_A_PAUSE: usize = 4 << 10;

impl<I: Bytes> Reader<'_, I> {
    #[inline]
    pub(super) fn leave(&mut self) -> Py<()> {
        if !self.lazy.open.is_empty() {
            self.make_open_real()?;
        }
        if !self.lazy.given.is_empty() {
            self.make_given_real()?;
        }
        if self.shown.is_some() && self.dates {
            self.make_dates_real()?;
        }
        if let Some(shown) = &self.shown {
            let before = shown.memo.replace(std::mem::take(&mut self.memo));
            drop(before);
        }
        self.pause.end();
        Ok(())
    }

    #[inline]
    pub(super) fn enter(&mut self) {
        if let Some(shown) = &self.shown {
            self.memo = shown.memo.take();
        }
        self.lazy.fresh = 0;
        self.lazy.checked = false;
        self.fresh = self.st.fresh.as_ref().filter(|fresh| fresh.may_be_used());
        // Before Python 3.12 it may run, and user code with it, wherever an object is made.
        if cfg!(not(Py_3_12)) || self.seen >= WORTH_A_PAUSE {
            self.pause.begin();
        }
    }

    /// Does what may run user code.
    #[inline]
    pub(super) fn outside<T>(&mut self, work: impl FnOnce(&mut Self) -> Py<T>) -> Py<T> {
        self.leave()?;
        let result = work(self);
        self.enter();
        result
    }

    /// Ends the reading. What is left on the stack or in a memo of nobody goes now.
    pub(super) fn end(&mut self) {
        if self.shown.is_some() {
            // Where no memory is left for what the memo promises, the memo goes without.
            drop(self.leave());
            if let Some(shown) = &self.shown
                && self.memo.count() > 0
            {
                drop(shown.memo.replace(std::mem::take(&mut self.memo)));
            }
        }
        self.pause.end();
        self.stack.items.clear();
        self.memo.clear();
        self.lazy.args.clear();
        self.again.end();
    }

    pub(super) fn set_protocol(&mut self, protocol: u64) {
        self.protocol = protocol;
        if let Some(shown) = &self.shown {
            shown.protocol.set(protocol);
        }
    }
}
