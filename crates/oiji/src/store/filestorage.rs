//! What ZODB's FileStorage writes: transactions, one after another, each with the objects that it changed.
//!
//! The value of an object is two pickles with one memo, its class and its state; other objects are named in it by persistent
//! ids, `(oid, class)`. The last transaction that changed an object has its value; what it was before is told as remains.
//!
//! Source: the comment at the head of `ZODB/FileStorage/format.py`, and files of ZODB 6.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::store::Place;
use crate::store::bytes::Bytes;
use crate::store::container::{Container, Entries, Entry, Raw, graph_of, invalid};

/// Of Python 2 and 3.
const MAGICS: [&[u8]; 2] = [b"FS21", b"FS30"];
/// Bytes of the beginning of a transaction, and of the beginning of an object in it.
const TRANSACTION: u64 = 23;
const HEAD: u64 = 42;
/// Bytes that objects of a version have besides, before its name.
const VERSION: u64 = 16;
/// How many records may lead to one another: those that undo another name it.
const BACKS: usize = 100;

pub(crate) struct FileStorage<'a> {
    bytes: Bytes<'a>,
    /// Where the last record of each object begins.
    last: OnceLock<FxHashMap<u64, u64>>,
}

/// The beginning of a record.
struct Head {
    oid: u64,
    transaction: u64,
    /// Where its data begins, or the place of the record that has it.
    data: u64,
    len: u64,
}

impl<'a> FileStorage<'a> {
    /// Whether some bytes begin as a FileStorage does.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        MAGICS.iter().any(|magic| bytes.starts_with(magic))
    }

    pub(crate) fn new(bytes: Bytes<'a>) -> FileStorage<'a> {
        FileStorage { bytes, last: OnceLock::new() }
    }

    fn number(&self, offset: u64) -> Result<u64> {
        let bytes = self.bytes.read(offset, 8)?;
        Ok(be(&bytes, 0))
    }

    fn head(&self, offset: u64) -> Result<Head> {
        let head = self.bytes.read(offset, HEAD)?;
        let version = u64::from(u16::from_be_bytes([head[32], head[33]]));
        let before = if version > 0 { HEAD + VERSION + version } else { HEAD };
        let data = offset.checked_add(before).ok_or_else(|| invalid("a record past the end of all files"))?;
        Ok(Head { oid: be(&head, 0), transaction: be(&head, 8), data, len: be(&head, 34) })
    }

    /// Where the data of a record stands, which may be that of one before; nothing if the object was taken back.
    fn place(&self, head: &Head) -> Result<Option<(u64, u64)>> {
        let (mut data, mut len) = (head.data, head.len);
        for _ in 0..BACKS {
            if len > 0 {
                return Ok(Some((data, len)));
            }
            let back = self.number(data)?;
            if back == 0 {
                return Ok(None);
            }
            if back >= data {
                return Err(invalid(format!("the record at offset {data} leads on to one behind it, {back}")));
            }
            let there = self.head(back)?;
            (data, len) = (there.data, there.len);
        }
        Err(invalid(format!("more than {BACKS} records that lead to one another")))
    }

    /// All records, in the order of the file.
    fn records(&self) -> Records<'_, 'a> {
        Records { file: self, at: 4, transaction: None }
    }

    fn last(&self) -> &FxHashMap<u64, u64> {
        self.last
            .get_or_init(|| self.records().filter_map(|record| record.ok()).map(|(at, head)| (head.oid, at)).collect())
    }

    fn entries_where(&self, is_last: bool) -> Entries<'_> {
        let last = self.last();
        let entry = move |record: Result<(u64, Head)>| {
            let (at, head) = match record {
                Ok(record) => record,
                // What breaks off is told once.
                Err(error) => return is_last.then_some(Err(error)),
            };
            if (last.get(&head.oid) == Some(&at)) != is_last {
                return None;
            }
            let (offset, len) = match self.place(&head) {
                Ok(place) => place?,
                Err(error) => return Some(Err(error)),
            };
            let key = match graph_of(|graph| graph.add_int(head.oid as i64)) {
                Ok(key) => key,
                Err(error) => return Some(Err(error)),
            };
            let place = Place::Span { offset, len };
            Some(Ok(Entry { transaction: Some(head.transaction), ..Entry::new(key, place, len) }))
        };
        Box::new(self.records().filter_map(entry))
    }
}

fn be(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes.get(at..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default())
}

impl Container for FileStorage<'_> {
    fn entries(&self) -> Entries<'_> {
        self.entries_where(true)
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        match place {
            Place::Span { offset, len } => self.bytes.read(*offset, *len).map(Raw::Object),
            _ => Err(invalid("a place of another store")),
        }
    }

    fn remains(&self) -> Entries<'_> {
        self.entries_where(false)
    }
}

/// The records of all transactions, each with its offset.
struct Records<'s, 'a> {
    file: &'s FileStorage<'a>,
    at: u64,
    /// The number of the transaction that we are in, and where it ends.
    transaction: Option<(u64, u64)>,
}

impl Records<'_, '_> {
    fn next_record(&mut self) -> Result<Option<(u64, Head)>> {
        loop {
            let Some((transaction, end)) = self.transaction else {
                if self.at >= self.file.bytes.len() || !self.begin()? {
                    return Ok(None);
                }
                continue;
            };
            if self.at >= end {
                self.transaction = None;
                self.at = end + 8;
                // The length stands once more at the end, for those who come from there.
                let len = self.file.number(end)?;
                if self.file.number(end.saturating_sub(len).saturating_add(8))? != len {
                    return Err(invalid(format!(
                        "the transaction that ends at offset {end} is not as long as it says"
                    )));
                }
                continue;
            }
            let at = self.at;
            // What is broken ends its transaction.
            self.at = end;
            let head = self.file.head(at)?;
            let len = if head.len == 0 { 8 } else { head.len };
            match head.data.checked_add(len).filter(|next| *next <= end) {
                Some(next) if head.transaction == transaction => self.at = next,
                _ => return Err(invalid(format!("the record at offset {at} does not belong to its transaction"))),
            }
            return Ok(Some((at, head)));
        }
    }

    /// Goes into the transaction that begins here. What was being written when the program ended is not one yet.
    fn begin(&mut self) -> Result<bool> {
        const UNFINISHED: u8 = b'c';
        let at = self.at;
        // Without its length nothing tells where the next would begin.
        self.at = self.file.bytes.len();
        let head = self.file.bytes.read(at, TRANSACTION)?;
        let texts: u64 = [17, 19, 21].iter().map(|at| u64::from(u16::from_be_bytes([head[*at], head[at + 1]]))).sum();
        let (start, len) = (at + TRANSACTION + texts, be(&head, 8));
        if head[16] == UNFINISHED {
            return Ok(false);
        }
        let end = at.checked_add(len).filter(|end| start <= *end && *end < self.file.bytes.len());
        let end = end.ok_or_else(|| invalid(format!("the transaction at offset {at} is not all there")))?;
        self.transaction = Some((be(&head, 0), end));
        self.at = start;
        Ok(true)
    }
}

impl Iterator for Records<'_, '_> {
    type Item = Result<(u64, Head)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}
