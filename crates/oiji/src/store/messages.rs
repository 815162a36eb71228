//! Small containers, of a pickle or a few: cache files of Django, messages of Celery, batches for Graphite's carbon.

use crate::error::Result;
use crate::graph::{Graph, Node, ReadOptions, Value};
use crate::json;
use crate::limits::Limits;
use crate::store::Place;
use crate::store::bytes::Bytes;
use crate::store::container::{Container, Entries, Entry, Raw, from_base64, graph_of, inflated, invalid};

/// What Django's cache in files writes: the pickle of the time when it expires, then a pickle packed by zlib.
pub(crate) struct DjangoFile<'a> {
    bytes: Bytes<'a>,
    expires_len: u64,
    limits: Limits,
}

impl<'a> DjangoFile<'a> {
    /// The time, a float or `None`, is longer in no protocol.
    pub(crate) const HEAD: usize = 64;

    /// How long the first pickle of such a file is, if the bytes begin as one does.
    pub(crate) fn expires_len(bytes: &[u8]) -> Option<usize> {
        let options = ReadOptions::new();
        let mut pickles = options.pickles(&bytes[..bytes.len().min(DjangoFile::HEAD)]);
        let graph = pickles.next()?.ok()?;
        let is_time = matches!(graph.root().node(), Node::None | Node::Float(_) | Node::Int(_));
        let len = pickles.offset() as usize;
        // The head of zlib: deflate, and a check of the two bytes.
        let head = u16::from_be_bytes(*bytes.get(len..)?.first_chunk()?);
        (is_time && head >> 8 & 0x0f == 8 && head % 31 == 0).then_some(len)
    }

    pub(crate) fn new(bytes: Bytes<'a>, expires_len: usize, limits: Limits) -> DjangoFile<'a> {
        DjangoFile { bytes, expires_len: expires_len as u64, limits }
    }
}

impl Container for DjangoFile<'_> {
    fn entries(&self) -> Entries<'_> {
        let (len, rest) = (self.expires_len, self.bytes.len() - self.expires_len);
        let parts = [("expires", 0, len), ("value", len, rest)];
        Box::new(parts.into_iter().map(|(key, offset, len)| {
            Ok(Entry::new(graph_of(|graph| graph.add_str(key))?, Place::Span { offset, len }, len))
        }))
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        match place {
            Place::Span { offset: 0, len } => self.bytes.read(0, *len).map(Raw::Pickle),
            Place::Span { offset, len } => {
                inflated(&self.bytes.read(*offset, *len)?, &self.limits).map(|bytes| Raw::Pickle(bytes.into()))
            }
            _ => Err(invalid("a place of another store")),
        }
    }
}

/// What Graphite's carbon is sent: a length, largest byte first, and a pickle, again and again.
pub(crate) struct Graphite<'a> {
    bytes: Bytes<'a>,
}

impl<'a> Graphite<'a> {
    /// Whether a file of this length begins with a length and a pickle of that.
    pub(crate) fn is_one(head: &[u8], file_len: u64) -> bool {
        let Some((len, pickle)) = head.split_first_chunk::<4>() else { return false };
        // Batches are short; and no pickle begins with a zero.
        let len = u64::from(u32::from_be_bytes(*len));
        head[0] == 0 && len >= 4 && len + 4 <= file_len && matches!(pickle, [0x80, 0..=5, ..])
    }

    pub(crate) fn new(bytes: Bytes<'a>) -> Graphite<'a> {
        Graphite { bytes }
    }

    fn batch(&self, number: i64, start: u64) -> Result<(Entry, u64)> {
        let len = self.bytes.read(start, 4)?;
        let len = u64::from(len.first_chunk().map_or(0, |len| u32::from_be_bytes(*len)));
        let offset = start + 4;
        if offset + len > self.bytes.len() {
            return Err(invalid(format!("the batch at offset {start} is not all there: {len} bytes should follow")));
        }
        let key = graph_of(|graph| graph.add_int(number))?;
        Ok((Entry::new(key, Place::Span { offset, len }, len), offset + len))
    }
}

impl Container for Graphite<'_> {
    fn entries(&self) -> Entries<'_> {
        let (mut at, mut number) = (0, 0);
        Box::new(std::iter::from_fn(move || {
            if at >= self.bytes.len() {
                return None;
            }
            let batch = self.batch(number, at);
            number += 1;
            Some(match batch {
                Ok((entry, next)) => {
                    at = next;
                    Ok(entry)
                }
                Err(error) => {
                    at = u64::MAX;
                    Err(error)
                }
            })
        }))
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        match place {
            Place::Span { offset, len } => self.bytes.read(*offset, *len).map(Raw::Pickle),
            _ => Err(invalid("a place of another store")),
        }
    }
}

/// What Celery sends by way of Redis and others that take text alone: JSON, with the pickle as base64 in `body`.
pub(crate) struct Celery {
    message: Graph<'static>,
}

impl Celery {
    /// What says that the body is a pickle.
    const PICKLE: &'static str = "application/x-python-serialize";
    const BODY: &'static str = "body";

    /// Whether some bytes may begin such a message.
    pub(crate) fn may_be(bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(b"{")
    }

    /// The message that a text is, if it is one with a pickle.
    pub(crate) fn of(text: &[u8], limits: &Limits) -> Option<Celery> {
        memchr::memmem::find(text, Celery::PICKLE.as_bytes())?;
        let message = json::read_with(text, limits).ok()?;
        let root = message.root();
        let is =
            |value: Result<Value<'_>>, text: &str| value.is_ok_and(|value| value.as_str().is_ok_and(|it| it == text));
        let encoding = root.get("properties").and_then(|properties| properties.get("body_encoding"));
        let is_one = is(root.get("content-type"), Celery::PICKLE) && is(encoding, "base64");
        (is_one && root.get(Celery::BODY).is_ok_and(|body| body.as_str().is_ok())).then_some(Celery { message })
    }
}

impl Container for Celery {
    fn entries(&self) -> Entries<'_> {
        let pairs = self.message.root().pairs().into_iter().flat_map(|pairs| pairs.iter());
        let entry = |(key, value): (Value<'_>, Value<'_>)| {
            let len = value.as_str().map_or(0, str::len) as u64;
            let place = Place::Within(key.to_string());
            Ok(Entry::new(graph_of(|graph| graph.add_copy(key))?, place, len))
        };
        Box::new(pairs.map(entry))
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        let Place::Within(key) = place else { return Err(invalid("a place of another store")) };
        let mut pairs = self.message.root().pairs()?.iter();
        let (key, value) = pairs.find(|(other, _)| other.to_string() == *key).ok_or_else(|| invalid("no such key"))?;
        if key.as_str().is_ok_and(|key| key == Celery::BODY) {
            return from_base64(value.as_str()?.as_bytes()).map(|bytes| Raw::Pickle(bytes.into()));
        }
        graph_of(|graph| graph.add_copy(value)).map(Raw::plain)
    }
}
