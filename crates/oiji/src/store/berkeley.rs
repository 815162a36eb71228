//! Hash files of Berkeley DB 3 to 18, as `dbm.ndbm` of Debian's Python and `bsddb` of Python 2 write them: pages of keys and
//! values side by side, with pages of their own for what is long.
//!
//! Pages are read in the order of the file, so that no chain of buckets has to be followed; only what is long is a chain,
//! and that is no longer than it says.
//!
//! Source: the structures of `db_page.h` in Berkeley DB 5.3, and files of it.

use std::borrow::Cow;

use crate::error::Result;
use crate::store::Place;
use crate::store::bytes::Bytes;
use crate::store::container::{Container, Entries, Entry, Raw, invalid, text_or_bytes};

const MAGIC: u32 = 0x0006_1561;
/// Kinds of pages: two of hash tables, what is too long for them, the page that begins the file.
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
const META: u8 = 8;
/// Bytes of a page before its items.
const HEAD: usize = 26;
/// Kinds of items: bytes as they are, the number of a page, and several values for one key.
const KEY_OR_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;
const DUPLICATES: u8 = 2;
const OFF_DUPLICATES: u8 = 4;

pub(crate) struct Berkeley<'a> {
    bytes: Bytes<'a>,
    big_endian: bool,
    page_len: u64,
    pages: u64,
}

impl<'a> Berkeley<'a> {
    /// Whether some bytes begin as a hash file does.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        bytes.get(25) == Some(&META) && [false, true].iter().any(|big| int(bytes, 12, *big) == Some(MAGIC))
    }

    /// # Errors
    /// `InvalidStore` if its pages cannot be told.
    pub(crate) fn new(bytes: Bytes<'a>) -> Result<Berkeley<'a>> {
        const META_LEN: u64 = 72;
        let head = bytes.read(0, META_LEN)?;
        let big_endian = int(&head, 12, true) == Some(MAGIC);
        let page_len = int(&head, 20, big_endian).unwrap_or(0);
        if !page_len.is_power_of_two() || !(512..=1 << 16).contains(&page_len) {
            return Err(invalid(format!("pages of {page_len} bytes, which Berkeley DB has not")));
        }
        if head[24] != 0 {
            return Err(invalid("an encrypted file of Berkeley DB, which only its own programs read"));
        }
        const CHECKSUM: u8 = 1;
        if head[26] & CHECKSUM != 0 {
            return Err(invalid("a file of Berkeley DB with checksums, which `db_dump` reads"));
        }
        drop(head);
        let pages = bytes.len() / u64::from(page_len);
        Ok(Berkeley { bytes, big_endian, page_len: u64::from(page_len), pages })
    }

    fn page(&self, number: u64) -> Result<Cow<'_, [u8]>> {
        let page = number.checked_mul(self.page_len).map(|start| self.bytes.read(start, self.page_len));
        page.unwrap_or_else(|| Err(invalid(format!("there is no page {number}"))))
    }

    fn short(&self, page: &[u8], at: usize) -> u16 {
        let bytes = page.get(at..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    /// Where an item stands, and how long it is. Each stands before the one with the number before.
    fn item(&self, number: u64, page: &[u8], index: usize) -> Result<(Place, u64)> {
        let broken = |what: &str| Err(invalid(format!("item {index} of page {number} {what}")));
        let end = if index == 0 { page.len() } else { usize::from(self.short(page, HEAD + 2 * (index - 1))) };
        let start = usize::from(self.short(page, HEAD + 2 * index));
        if start < HEAD + 2 * (index + 1) || start >= end || end > page.len() {
            return broken("is not where it should be");
        }
        match page[start] {
            KEY_OR_DATA => {
                let len = (end - start - 1) as u64;
                Ok((Place::Span { offset: number * self.page_len + start as u64 + 1, len }, len))
            }
            OFF_PAGE if end - start >= 12 => {
                let number = |at: usize| int(page, at, self.big_endian).unwrap_or(0);
                let len = u64::from(number(start + 8));
                Ok((Place::Pages { first: number(start + 4), len }, len))
            }
            OFF_PAGE => broken("is shorter than it should be"),
            DUPLICATES | OFF_DUPLICATES => broken("has several values, as Python never writes"),
            kind => broken(&format!("is of kind {kind}, which is not known")),
        }
    }

    /// What stands on pages of its own.
    fn chain(&self, first: u32, len: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut number = first;
        while (bytes.len() as u64) < len {
            let page = self.page(u64::from(number))?;
            // Every page adds something, so that a circle comes to an end.
            let count = usize::from(self.short(&page, 22)).min((len - bytes.len() as u64) as usize);
            let here = page.get(HEAD..HEAD + count).filter(|here| page[25] == OVERFLOW && !here.is_empty());
            let here = here.ok_or_else(|| invalid(format!("page {number} should hold part of a long value")))?;
            bytes.extend_from_slice(here);
            number = int(&page, 16, self.big_endian).unwrap_or(0);
        }
        Ok(bytes)
    }

    fn at(&self, place: &Place) -> Result<Cow<'_, [u8]>> {
        match place {
            Place::Span { offset, len } => self.bytes.read(*offset, *len),
            // No more fits into the file.
            Place::Pages { len, .. } if *len > self.bytes.len() => {
                Err(invalid(format!("a value of {len} bytes in a file of {}", self.bytes.len())))
            }
            Place::Pages { first, len } => self.chain(*first, *len).map(Cow::Owned),
            _ => Err(invalid("a place of another store")),
        }
    }
}

fn int(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let bytes = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

impl Container for Berkeley<'_> {
    fn entries(&self) -> Entries<'_> {
        Box::new(Pairs { file: self, next: 1, page: Cow::Borrowed(&[]), index: 0, left: self.bytes.len() })
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        self.at(place).map(Raw::Any)
    }
}

/// The keys and values of all pages.
struct Pairs<'s, 'a> {
    file: &'s Berkeley<'a>,
    /// The number of the page that comes after this one.
    next: u64,
    page: Cow<'s, [u8]>,
    index: usize,
    /// Bytes that keys can still take, as each stands in its own.
    left: u64,
}

impl Pairs<'_, '_> {
    fn pair(&mut self) -> Result<Entry> {
        let (number, index) = (self.next - 1, self.index);
        self.index += 2;
        let (key, len) = self.file.item(number, &self.page, index)?;
        let Some(left) = self.left.checked_sub(len) else {
            // There is no sense in it any more.
            self.next = u64::MAX;
            self.page = Cow::Borrowed(&[]);
            return Err(invalid("keys lie over one another"));
        };
        self.left = left;
        let key = text_or_bytes(&self.file.at(&key)?)?;
        let value = self.file.item(number, &self.page, index + 1);
        let (place, len) = value.map_err(|error| invalid(format!("the value of {}: {error}", key.root())))?;
        Ok(Entry::new(key, place, len))
    }
}

impl Iterator for Pairs<'_, '_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        loop {
            let is_table = self.page.get(25).is_some_and(|kind| matches!(*kind, HASH | HASH_UNSORTED));
            let count = if is_table { usize::from(self.file.short(&self.page, 20)) } else { 0 };
            if self.index + 1 < count {
                return Some(self.pair());
            }
            if self.next >= self.file.pages {
                return None;
            }
            let page = self.file.page(self.next);
            self.next += 1;
            self.index = 0;
            match page {
                Ok(page) => self.page = page,
                Err(error) => {
                    self.page = Cow::Borrowed(&[]);
                    return Some(Err(error));
                }
            }
        }
    }
}
