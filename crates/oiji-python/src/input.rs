//! Bytes in: from memory, or from a file of Python, of which no more is taken than is asked for, but what `peek` shows.

use crate::py::{self, Kind, Obj, Own, Py, View, make};
use crate::state::State;

/// How much `peek` is asked for.
const PREFETCH: usize = 128 << 10;

/// The most that is asked of a file at once before it has given as much: a length in a pickle is but a claim.
const CHUNK: usize = 64 << 20;

/// Where the bytes of a pickle come from: a run that is there, and a way to get more.
pub(crate) trait Bytes {
    /// Whether nothing will be there but what is there.
    const WHOLE: bool;
    /// What is there.
    fn ahead(&self) -> &[u8];
    /// Takes bytes that are there.
    fn take(&mut self, len: usize) -> &[u8];
    /// Sees that so many bytes are there.
    fn more(&mut self, len: usize, st: &State) -> Py<()>;
    /// Sees that a whole line is there.
    fn more_line(&mut self, st: &State) -> Py<()>;
    /// Takes bytes, from wherever they are.
    fn fill(&mut self, place: &mut [u8], st: &State) -> Py<()>;
}

#[cold]
fn truncated<T>(st: &State) -> Py<T> {
    st.unpickling("pickle data was truncated")
}

/// Shows the bytes of what a file gave: bytes, or anything that has some.
fn with_bytes<T>(given: &Own, work: impl FnOnce(&[u8]) -> Py<T>) -> Py<T> {
    if given.obj().is_bytes() { work(given.obj().bytes()) } else { work(View::of(given.obj())?.bytes()) }
}

/// A pickle in memory.
pub(crate) struct Memory<'a>(pub(crate) &'a [u8]);

impl Bytes for Memory<'_> {
    const WHOLE: bool = true;

    #[inline]
    fn ahead(&self) -> &[u8] {
        self.0
    }

    #[inline]
    fn take(&mut self, len: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    #[cold]
    fn more(&mut self, _: usize, st: &State) -> Py<()> {
        truncated(st)
    }

    #[cold]
    fn more_line(&mut self, st: &State) -> Py<()> {
        truncated(st)
    }

    #[cold]
    fn fill(&mut self, _: &mut [u8], st: &State) -> Py<()> {
        truncated(st)
    }
}

/// A file object, by its methods.
pub(crate) struct Input {
    read: Own,
    readline: Own,
    readinto: Option<Own>,
    peek: Option<Own>,
    /// What was read or peeked; from `next` on it is not taken yet.
    buffer: Vec<u8>,
    next: usize,
    /// How many bytes at the end of the buffer were only peeked.
    peeked: usize,
}

impl Input {
    pub(crate) fn new(file: Obj<'_>, st: &State) -> Py<Input> {
        let names = &st.names;
        let peek = file.attr_maybe(names.peek.obj())?;
        let readinto = file.attr_maybe(names.readinto.obj())?;
        let found = (file.attr_maybe(names.read.obj())?, file.attr_maybe(names.readline.obj())?);
        let (Some(read), Some(readline)) = found else {
            return py::raise(Kind::Type, "file must have 'read' and 'readline' attributes");
        };
        Ok(Input { read, readline, readinto, peek, buffer: Vec::new(), next: 0, peeked: 0 })
    }

    pub(crate) fn methods(&self) -> impl Iterator<Item = &Own> {
        [Some(&self.read), Some(&self.readline), self.readinto.as_ref(), self.peek.as_ref()].into_iter().flatten()
    }

    /// What it takes up in memory beside itself, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.buffer.capacity()
    }

    fn left(&self) -> usize {
        self.buffer.len() - self.next
    }

    /// Takes from the file what was taken of the peeked bytes, and forgets the others.
    pub(crate) fn settle(&mut self) -> Py<()> {
        let taken = self.peeked.saturating_sub(self.left());
        if self.peeked > 0 {
            self.buffer.truncate(self.next.max(self.buffer.len() - self.peeked));
            self.peeked = 0;
            if taken > 0 {
                self.read.obj().call1(py::int(taken as i64)?.obj())?;
            }
        }
        Ok(())
    }

    /// What the file gives when asked for so many bytes: no more than those.
    fn read(&mut self, len: usize) -> Py {
        self.read.obj().call1(py::int(len as i64)?.obj())
    }

    /// Asks the file to show what comes next; tells whether that and what is there are `len` bytes.
    fn look(&mut self, len: usize) -> Py<bool> {
        let Some(peek) = self.peek.clone().filter(|_| len < PREFETCH) else { return Ok(false) };
        match peek.obj().call1(py::int(PREFETCH as i64)?.obj()) {
            Ok(bytes) => with_bytes(&bytes, |shown| {
                if self.left() + shown.len() < len {
                    return Ok(false);
                }
                self.peeked = shown.len();
                self.buffer.extend_from_slice(shown);
                Ok(true)
            }),
            Err(_) if py::is_not_implemented() => {
                py::clear();
                self.peek = None;
                Ok(false)
            }
            Err(raised) => Err(raised),
        }
    }

    /// Bytes that are not there yet, into memory of somebody else.
    fn read_into(&mut self, place: &mut [u8], st: &State) -> Py<()> {
        let Some(readinto) = self.readinto.clone() else {
            let bytes = self.read(place.len())?;
            if !bytes.obj().is_bytes() {
                let found = make::type_name(bytes.obj());
                return py::raise(Kind::Value, &format!("read() returned non-bytes object (<class '{found}'>)"));
            }
            let bytes = bytes.obj().bytes();
            if bytes.len() < place.len() {
                return truncated(st);
            }
            place.copy_from_slice(&bytes[..place.len()]);
            return Ok(());
        };
        let len = place.len() as i64;
        let count = make::shown_as_memory(place, |view| readinto.obj().call1(view)?.obj().index())?;
        match count {
            i64::MIN..0 => py::raise(Kind::Value, "readinto() returned negative size"),
            _ if count < len => truncated(st),
            _ => Ok(()),
        }
    }
}

impl Bytes for Input {
    const WHOLE: bool = false;

    #[inline]
    fn ahead(&self) -> &[u8] {
        &self.buffer[self.next..]
    }

    #[inline]
    fn take(&mut self, len: usize) -> &[u8] {
        let start = self.next;
        self.next += len;
        &self.buffer[start..self.next]
    }

    #[cold]
    fn more(&mut self, len: usize, st: &State) -> Py<()> {
        self.settle()?;
        self.buffer.drain(..self.next);
        self.next = 0;
        if self.look(len)? {
            return Ok(());
        }
        while self.left() < len {
            let wanted = (len - self.left()).min(CHUNK.max(self.left()));
            let bytes = self.read(wanted)?;
            let count = with_bytes(&bytes, |bytes| {
                make::room_for(&mut self.buffer, bytes.len())?;
                self.buffer.extend_from_slice(bytes);
                Ok(bytes.len())
            })?;
            if count < wanted {
                return truncated(st);
            }
        }
        Ok(())
    }

    #[cold]
    fn more_line(&mut self, st: &State) -> Py<()> {
        // What is read already belongs to the line; what is only peeked the file gives again.
        self.settle()?;
        self.buffer.drain(..self.next);
        self.next = 0;
        let line = self.readline.obj().call0()?;
        with_bytes(&line, |line| {
            self.buffer.extend_from_slice(line);
            Ok(())
        })?;
        if self.buffer.last() == Some(&b'\n') { Ok(()) } else { truncated(st) }
    }

    fn fill(&mut self, place: &mut [u8], st: &State) -> Py<()> {
        let there = self.left().min(place.len());
        let (first, rest) = place.split_at_mut(there);
        first.copy_from_slice(self.take(there));
        if rest.is_empty() {
            return Ok(());
        }
        self.settle()?;
        rest.chunks_mut(CHUNK).try_for_each(|part| self.read_into(part, st))
    }
}
