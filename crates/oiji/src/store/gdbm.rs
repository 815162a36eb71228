//! What GNU dbm writes, as `dbm.gnu` does: a directory of buckets, each a table of keys and values by offset.
//!
//! Numbers stand in the order and width of the machine that wrote them, padded as its C compiler does: the magic number and
//! the size of a bucket tell which. Every bucket is read once, in the order of the directory.
//!
//! Source: the types of `gdbmdefs.h` in GNU dbm 1.8 to 1.23, and files of both.

use std::borrow::Cow;

use crate::error::Result;
use crate::store::Place;
use crate::store::bytes::Bytes;
use crate::store::container::{Container, Entries, Entry, Raw, invalid, text_or_bytes};

/// Magic numbers of files with offsets of 32 and 64 bits, and of those before 1.9, which do not say; the last two with a
/// number for each time they are synchronized.
const NARROW: [u32; 2] = [0x1357_9acd, 0x1357_9ad0];
const WIDE: [u32; 2] = [0x1357_9acf, 0x1357_9ad1];
const EITHER: u32 = 0x1357_9ace;

/// How the machine that wrote a file lays out its structures.
#[derive(Clone, Copy, Debug)]
struct Layout {
    big_endian: bool,
    /// Bytes of an offset in the file.
    offset: usize,
    /// Bytes of a bucket before its table, and of a row of this.
    head: usize,
    row: usize,
}

/// 32-bit offsets; 64-bit ones, aligned to eight bytes and to four.
const LAYOUTS: [Layout; 3] = [
    Layout { big_endian: false, offset: 4, head: 60, row: 20 },
    Layout { big_endian: false, offset: 8, head: 112, row: 24 },
    Layout { big_endian: false, offset: 8, head: 84, row: 24 },
];

pub(crate) struct Gdbm<'a> {
    bytes: Bytes<'a>,
    layout: Layout,
    directory: u64,
    directory_len: u64,
    bucket_len: u64,
    rows: usize,
}

impl<'a> Gdbm<'a> {
    /// Whether some bytes begin as a file of GNU dbm does.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        magic(bytes).is_some()
    }

    /// # Errors
    /// `InvalidStore` if the header is not as one should be.
    pub(crate) fn new(bytes: Bytes<'a>) -> Result<Gdbm<'a>> {
        const HEADER: u64 = 40;
        let head = bytes.at_most(0, HEADER)?;
        let (magic, big_endian) = magic(&head).ok_or_else(|| invalid("no file of GNU dbm"))?;
        let layouts = LAYOUTS.iter().filter(|layout| match layout.offset {
            4 => NARROW.contains(&magic) || magic == EITHER,
            _ => WIDE.contains(&magic) || magic == EITHER,
        });
        for layout in layouts {
            let layout = Layout { big_endian, ..*layout };
            let at = 8 + layout.offset;
            let header = (layout.offset_at(&head, 8), layout.int(&head, at), layout.int(&head, at + 8));
            let (Some(directory), Some(directory_len), Some(bucket_len)) = header else { continue };
            let rows = layout.int(&head, at + 12).unwrap_or(0) as usize;
            // Only in the right layout do rows fill the bucket.
            let filled = (rows as u64).saturating_mul(layout.row as u64).saturating_add(layout.head as u64);
            let is_full = u64::from(bucket_len).checked_sub(filled).is_some_and(|left| left < layout.row as u64);
            if rows > 0 && is_full && (directory_len as usize).is_multiple_of(layout.offset) {
                drop(head);
                let (directory_len, bucket_len) = (u64::from(directory_len), u64::from(bucket_len));
                return Ok(Gdbm { bytes, layout, directory, directory_len, bucket_len, rows });
            }
        }
        Err(invalid("a header of GNU dbm whose sizes do not fit together"))
    }

    /// Where key and value of a row stand, and how long they are; nothing if the row is free.
    fn row(&self, row: &[u8]) -> Option<(u64, u64, u64)> {
        const FREE: u32 = u32::MAX;
        let layout = self.layout;
        let at = 8 + layout.offset;
        let (key_len, len) = (layout.int(row, at)?, layout.int(row, at + 4)?);
        let offset = layout.offset_at(row, 8)?;
        (layout.int(row, 0)? != FREE).then_some((offset, u64::from(key_len), u64::from(len)))
    }
}

/// The magic number, and whether numbers stand with their largest byte first.
fn magic(bytes: &[u8]) -> Option<(u32, bool)> {
    let head = *bytes.first_chunk()?;
    let is_known = |magic: &u32| NARROW.contains(magic) || WIDE.contains(magic) || *magic == EITHER;
    let little = Some(u32::from_le_bytes(head)).filter(is_known).map(|magic| (magic, false));
    little.or_else(|| Some(u32::from_be_bytes(head)).filter(is_known).map(|magic| (magic, true)))
}

impl Layout {
    fn int(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn offset_at(self, bytes: &[u8], at: usize) -> Option<u64> {
        if self.offset == 4 {
            return self.int(bytes, at).map(u64::from);
        }
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

impl Container for Gdbm<'_> {
    fn entries(&self) -> Entries<'_> {
        match self.bytes.read(self.directory, self.directory_len) {
            Ok(directory) => Box::new(Rows::new(self, directory)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        match place {
            Place::Span { offset, len } => self.bytes.read(*offset, *len).map(Raw::Any),
            _ => Err(invalid("a place of another store")),
        }
    }
}

/// The rows of all buckets that are in use.
struct Rows<'s, 'a> {
    gdbm: &'s Gdbm<'a>,
    directory: Cow<'s, [u8]>,
    /// Where in the directory the next bucket is named.
    at: usize,
    /// The bucket before: one that several entries of the directory name stands in them side by side.
    last: u64,
    /// Bytes that buckets and keys can still take, as each stands in its own.
    left: u64,
    table: Cow<'s, [u8]>,
    row: usize,
}

impl<'s, 'a> Rows<'s, 'a> {
    fn new(gdbm: &'s Gdbm<'a>, directory: Cow<'s, [u8]>) -> Self {
        Rows { gdbm, directory, at: 0, last: 0, left: gdbm.bytes.len(), table: Cow::Borrowed(&[]), row: 0 }
    }

    /// Takes up the next bucket; nothing at the end of the directory.
    fn bucket(&mut self) -> Option<Result<()>> {
        let layout = self.gdbm.layout;
        let mut place = self.last;
        while place == self.last {
            place = layout.offset_at(&self.directory, self.at)?;
            self.at += layout.offset;
        }
        self.last = place;
        let read = self.spend(self.gdbm.bucket_len).and_then(|()| self.gdbm.bytes.read(place, self.gdbm.bucket_len));
        Some(read.map(|table| (self.table, self.row) = (table, 0)))
    }

    fn entry(&mut self, (offset, key_len, len): (u64, u64, u64)) -> Result<Entry> {
        self.spend(key_len)?;
        let key = text_or_bytes(&self.gdbm.bytes.read(offset, key_len)?)?;
        Ok(Entry::new(key, Place::Span { offset: offset + key_len, len }, len))
    }

    fn spend(&mut self, len: u64) -> Result<()> {
        match self.left.checked_sub(len) {
            Some(left) => self.left = left,
            None => {
                // There is no sense in it any more.
                self.at = self.directory.len();
                self.table = Cow::Borrowed(&[]);
                return Err(invalid("buckets or keys lie over one another"));
            }
        }
        Ok(())
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        let Gdbm { layout, rows, .. } = self.gdbm;
        loop {
            let start = layout.head + self.row * layout.row;
            if self.row < *rows
                && let Some(row) = self.table.get(start..start + layout.row)
            {
                self.row += 1;
                if let Some(place) = self.gdbm.row(row) {
                    return Some(self.entry(place));
                }
                continue;
            }
            if let Err(error) = self.bucket()? {
                return Some(Err(error));
            }
        }
    }
}
