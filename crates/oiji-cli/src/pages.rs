//! The pages of a mapped file that were looked at: they count as memory of ours until they are given back.
//!
//! A graph borrows its text from the file, but most of it is looked at once while reading and, if at all, once more while
//! writing; without this a large file would stand in memory beside its graph.

use std::io::{self, Write};

use oiji_mmap::Map;

/// After so many bytes pages are given back.
const STEP: u64 = 8 << 20;

/// The pages of an input, if it is mapped.
#[derive(Clone, Copy)]
pub(crate) struct Pages<'a> {
    map: Option<&'a Map>,
    /// At how many bytes they are given back next.
    next: u64,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(map: Option<&'a Map>) -> Pages<'a> {
        Pages { map, next: if map.is_some() { STEP } else { u64::MAX } }
    }

    /// The pages of what has no pages of its own.
    pub(crate) fn none() -> Pages<'a> {
        Pages::of(None)
    }

    /// To be told now and then how many bytes are done.
    #[inline]
    pub(crate) fn done(&mut self, bytes: u64) {
        if bytes >= self.next {
            self.give_back(bytes);
        }
    }

    #[cold]
    fn give_back(&mut self, bytes: u64) {
        if let Some(map) = self.map {
            map.give_back();
        }
        self.next = bytes.saturating_add(STEP);
    }

    /// A writer that gives pages back while what stands in them is written.
    pub(crate) fn while_writing<W>(self, out: W) -> Writing<'a, W> {
        Writing { pages: Pages::of(self.map), out, written: 0 }
    }
}

/// See [`Pages::while_writing`].
pub(crate) struct Writing<'a, W> {
    pages: Pages<'a>,
    out: W,
    written: u64,
}

impl<W: Write> Write for Writing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.out.write(&bytes[..bytes.len().min(STEP as usize)])?;
        self.written += len as u64;
        self.pages.done(self.written);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
