//! One pickle out of a file of Python, kept as it is read: what was checked is what is loaded.

use std::io::{self, BufRead, Read};

use crate::py::{self, Obj, Own, Py, View};
use crate::state::State;

/// How much a file is asked for at once, where what is too much can be given back.
const AHEAD: i64 = 64 << 10;

/// The most that is asked for at once: a length in a pickle is but a claim.
const MOST: usize = 64 << 20;

/// A file of Python to read from, and what was taken from it.
pub(super) struct Taken {
    file: Way,
    /// What it has given or shown; from `next` on it is not taken yet.
    ahead: Vec<u8>,
    next: usize,
    bytes: Vec<u8>,
    /// Whether a method of the file has raised; the exception is set.
    pub(super) raised: bool,
}

/// How a file is read without taking what comes after the pickle.
enum Way {
    /// It shows what comes next.
    Peek { peek: Own, read: Own },
    /// It goes back to where the pickle has ended.
    Seek { read: Own, seek: Own },
    /// Byte by byte.
    Plain { read: Own },
}

impl Taken {
    pub(super) fn new(file: Obj<'_>, st: &State) -> Py<Taken> {
        let Some(read) = file.attr_maybe(st.names.read.obj())? else {
            return py::raise(py::Kind::Type, "file must have 'read' and 'readline' attributes");
        };
        let file = match file.attr_maybe(st.names.peek.obj())? {
            Some(peek) => Way::Peek { peek, read },
            None if can_seek(file) => Way::Seek { read, seek: file.attr(c"seek")? },
            None => Way::Plain { read },
        };
        Ok(Taken { file, ahead: Vec::new(), next: 0, bytes: Vec::new(), raised: false })
    }

    /// What was taken; the file stands behind it.
    pub(super) fn into_bytes(mut self) -> Py<Vec<u8>> {
        self.settle()?;
        let left = (self.ahead.len() - self.next) as i64;
        if let (Way::Seek { seek, .. }, 1..) = (&self.file, left) {
            let current = py::int(1)?;
            seek.obj().call(py::tuple(&[py::int(-left)?, current])?.obj(), None)?;
        }
        Ok(self.bytes)
    }

    /// Takes from the file what was taken of what it showed.
    fn settle(&mut self) -> Py<()> {
        if let (Way::Peek { read, .. }, 1..) = (&self.file, self.next) {
            read.obj().call1(py::int(self.next as i64)?.obj())?;
            self.ahead.drain(..self.next);
            self.next = 0;
        }
        Ok(())
    }

    /// More bytes than there are ahead.
    fn more(&mut self) -> Py<Vec<u8>> {
        if self.raised {
            // The exception is set: Python may not be asked again.
            return Err(py::Raised);
        }
        self.settle()?;
        let given = match &self.file {
            Way::Peek { peek, .. } => peek.obj().call1(py::int(AHEAD)?.obj()),
            Way::Seek { read, .. } => read.obj().call1(py::int(AHEAD)?.obj()),
            Way::Plain { read } => read.obj().call1(py::int(1)?.obj()),
        };
        let shown = match given {
            Err(_) if matches!(self.file, Way::Peek { .. }) && py::is_not_implemented() => {
                py::clear();
                Vec::new()
            }
            given => View::of(given?.obj())?.bytes().to_vec(),
        };
        if shown.is_empty()
            && let Way::Peek { read, .. } = &self.file
        {
            // A file may have nothing to show and still more to give.
            self.file = Way::Plain { read: read.clone() };
            return self.more();
        }
        Ok(shown)
    }

    fn failed(&mut self) -> io::Error {
        self.raised = true;
        io::Error::other("the file raised an exception")
    }
}

/// Whether a file can go back by bytes.
fn can_seek(file: Obj<'_>) -> bool {
    let answer = file.attr(c"seekable").and_then(|seekable| seekable.obj().call0()?.obj().is_true());
    answer.unwrap_or_else(|_| {
        py::clear();
        false
    })
}

impl Read for Taken {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        if let (Way::Plain { read }, true, false) = (&self.file, self.next == self.ahead.len(), self.raised) {
            let count = place.len().min(MOST) as i64;
            let given = py::int(count).and_then(|count| read.obj().call1(count.obj()));
            let bytes =
                given.and_then(|given| Ok(View::of(given.obj())?.bytes().to_vec())).map_err(|_| self.failed())?;
            let count = bytes.len().min(place.len());
            place[..count].copy_from_slice(&bytes[..count]);
            self.bytes.extend_from_slice(&bytes[..count]);
            return Ok(count);
        }
        let there = self.fill_buf()?;
        let count = there.len().min(place.len());
        place[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Taken {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.next == self.ahead.len() {
            self.ahead = self.more().map_err(|_| self.failed())?;
            self.next = 0;
        }
        Ok(&self.ahead[self.next..])
    }

    fn consume(&mut self, count: usize) {
        let end = (self.next + count).min(self.ahead.len());
        self.bytes.extend_from_slice(&self.ahead[self.next..end]);
        self.next = end;
    }
}
