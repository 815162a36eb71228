//! What Python's `dbm.dumb` writes: `.dir`, a line with key, offset and length for each value, and `.dat`, where values
//! begin at multiples of 512 bytes.
//!
//! A deleted value stays in `.dat` until another takes its place: what is left is told as remains.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::array::literal::{Charset, read_literal};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Value};
use crate::op::read_op;
use crate::opcode::Opcode;
use crate::source::{SliceSource, Source};
use crate::store::Place;
use crate::store::bytes::Bytes;
use crate::store::container::{Container, Entries, Entry, Raw, invalid, text_or_bytes};

/// What every value's offset is a multiple of.
const BLOCK: u64 = 512;

pub(crate) struct Dumb<'a> {
    /// In the order of the index; a key that comes twice has its last place.
    index: Vec<(Vec<u8>, u64, u64)>,
    /// Lines that say nothing of the kind.
    broken: Vec<(usize, Error)>,
    data: Bytes<'a>,
}

impl<'a> Dumb<'a> {
    /// Whether some bytes begin as an index does.
    pub(crate) fn is_index(bytes: &[u8]) -> bool {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        matches!(bytes.first(), Some(b'\'' | b'"')) && line(&bytes[..end]).is_ok()
    }

    pub(crate) fn new(index: &[u8], data: Bytes<'a>) -> Dumb<'a> {
        let mut dumb = Dumb { index: Vec::new(), broken: Vec::new(), data };
        let mut numbers: FxHashMap<Vec<u8>, usize> = FxHashMap::default();
        for (number, text) in index.split(|byte| *byte == b'\n').enumerate() {
            if text.trim_ascii().is_empty() {
                continue;
            }
            match line(text) {
                Ok(place) => match numbers.get(&place.0) {
                    Some(known) => dumb.index[*known] = place,
                    None => {
                        numbers.insert(place.0.clone(), dumb.index.len());
                        dumb.index.push(place);
                    }
                },
                Err(error) => dumb.broken.push((number + 1, error)),
            }
        }
        dumb
    }

    /// The stretches of the data that no key leads to, in whole blocks.
    fn gaps(&self) -> Vec<(u64, u64)> {
        let mut used: Vec<(u64, u64)> = self.index.iter().map(|(_, offset, len)| (*offset, *len)).collect();
        used.sort_unstable();
        let mut gaps = Vec::new();
        let mut free = 0;
        for (offset, len) in used {
            if offset > free {
                gaps.push((free, offset.min(self.data.len()) - free.min(self.data.len())));
            }
            let end = offset.saturating_add(len).checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
            free = free.max(end);
        }
        if self.data.len() > free {
            gaps.push((free, self.data.len() - free));
        }
        gaps.retain(|(_, len)| *len > 0);
        gaps
    }
}

/// Key, offset and length of a line: `'key', (512, 21)`.
fn line(text: &[u8]) -> Result<(Vec<u8>, u64, u64)> {
    let no_line = || invalid("no key, offset and length");
    // The line is a tuple without its parentheses.
    let tuple = [b"(", text.trim_ascii(), b")"].concat();
    let literal = read_literal(&tuple, Charset::Latin1).map_err(|_| no_line())?;
    let root = literal.root();
    let number = |value: Value<'_>| value.as_i64().ok().and_then(|number| u64::try_from(number).ok());
    let place = || {
        let (key, place) = (root.at(0).ok()?, root.at(1).ok()?);
        let whole = root.len() == Some(2) && place.len() == Some(2);
        let key = match key.node() {
            Node::Str(text) => latin1(&text.to_string())?,
            Node::Bytes(bytes) | Node::Py2Str(bytes) => bytes.to_vec(),
            _ => return None,
        };
        whole.then_some((key, number(place.at(0).ok()?)?, number(place.at(1).ok()?)?))
    };
    place().ok_or_else(no_line)
}

/// The bytes that `dbm.dumb` reads as text.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

impl Container for Dumb<'_> {
    fn entries(&self) -> Entries<'_> {
        let broken =
            self.broken.iter().map(|(number, error)| Err(invalid(format!("line {number} of the index: {error}"))));
        let entry = |(key, offset, len): &(Vec<u8>, u64, u64)| {
            let place = Place::Span { offset: *offset, len: *len };
            Ok(Entry::new(text_or_bytes(key)?, place, *len))
        };
        Box::new(self.index.iter().map(entry).chain(broken))
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        match place {
            Place::Span { offset, len } => self.data.read(*offset, *len).map(Raw::Any),
            _ => Err(invalid("a place of another store")),
        }
    }

    fn remains(&self) -> Entries<'_> {
        let found = self.gaps().into_iter().flat_map(|(offset, len)| Remains::new(&self.data, offset, len));
        Box::new(found)
    }

    fn count(&self) -> u64 {
        (self.index.len() + self.broken.len()) as u64
    }
}

/// Pickles that begin at the blocks of a stretch which nobody owns, and what stands between them.
struct Remains<'s> {
    bytes: Cow<'s, [u8]>,
    offset: u64,
    at: usize,
    /// Bytes that may still be looked at in vain: what is no pickle is looked at from every block on.
    in_vain: u64,
    error: Option<Error>,
}

impl<'s> Remains<'s> {
    fn new(data: &'s Bytes<'_>, offset: u64, len: u64) -> Remains<'s> {
        const TIMES: u64 = 64;
        let (bytes, error) = match data.read(offset, len) {
            Ok(bytes) => (bytes, None),
            Err(error) => (Cow::Borrowed(&[][..]), Some(error)),
        };
        Remains { bytes, offset, at: 0, in_vain: len.saturating_mul(TIMES), error }
    }

    /// How long the pickle at the block is that comes next, if there is one.
    fn pickle_len(&mut self) -> Option<usize> {
        let mut source = SliceSource::with_limit(&self.bytes[self.at..], self.in_vain);
        while let Ok(op) = read_op(&mut source) {
            if op.opcode == Opcode::Stop {
                let len = source.offset() as usize;
                // Two bytes are met by chance.
                return (len > 2).then_some(len);
            }
        }
        self.in_vain = self.in_vain.saturating_sub(source.offset() + 1);
        None
    }

    /// Whether nothing was ever written to the block that comes next.
    fn is_empty(&self) -> bool {
        self.bytes[self.at..].iter().take(BLOCK as usize).all(|byte| *byte == 0)
    }

    fn span(&self, from: usize, len: usize) -> Entry {
        let place = Place::Span { offset: self.offset + from as u64, len: len as u64 };
        Entry::new(Graph::new(), place, len as u64)
    }
}

impl Iterator for Remains<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        while self.at < self.bytes.len() && self.is_empty() {
            self.at += BLOCK as usize;
        }
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        if let Some(len) = self.pickle_len() {
            self.at = (start + len).next_multiple_of(BLOCK as usize);
            return Some(Ok(self.span(start, len)));
        }
        // What is no pickle is told in one piece, up to what is.
        loop {
            self.at += BLOCK as usize;
            if self.at >= self.bytes.len() || self.is_empty() || self.pickle_len().is_some() {
                return Some(Ok(self.span(start, self.at.min(self.bytes.len()) - start)));
            }
        }
    }
}
