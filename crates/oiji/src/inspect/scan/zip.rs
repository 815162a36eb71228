//! ZIPs as any reader may see them: every local header that stands in the file, and every one that a directory names.
//!
//! Readers differ: some take sizes and names from the directory, some from the header; some check sums and flags, some do
//! not; of two members of one name some take the first, some the last. So everything is looked at.

use std::collections::BTreeMap;
use std::io::Read;

use memchr::memmem;

use crate::inspect::scan::Scanner;
use crate::inspect::scan::contents::Origin;
use crate::inspect::scan::report::{Report, Rule, Verdict};

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const LOCAL_LEN: usize = 30;
const CENTRAL_LEN: usize = 46;

/// A line of a directory.
struct Entry {
    name: Vec<u8>,
    stored_size: u64,
    method: u16,
    crc: u32,
}

/// Whether bytes begin as a ZIP, or end as one.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    const COMMENT: usize = 1 << 16;
    bytes.starts_with(LOCAL)
        || bytes.starts_with(END)
        || memmem::rfind(&bytes[bytes.len().saturating_sub(22 + COMMENT)..], END)
            .is_some_and(|_| memmem::find(bytes, LOCAL).is_some())
}

/// Scans every member.
pub(super) fn scan(scanner: &Scanner<'_>, bytes: &[u8], report: &mut Report, depth: usize) {
    let entries = directory(bytes);
    let mut starts: BTreeMap<u64, ()> = memmem::find_iter(bytes, LOCAL).map(|start| (start as u64, ())).collect();
    starts.extend(entries.keys().map(|start| (*start, ())));
    let mut names: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut explained = 0;
    for start in starts.into_keys() {
        let entry = entries.get(&start);
        // What stands in the data of a member that all agree about is looked at with it.
        if start < explained && entry.is_none() {
            continue;
        }
        let Some(header) = bytes.get(start as usize..).and_then(|rest| rest.get(..LOCAL_LEN)) else { continue };
        let (name_len, extra_len) = (short(header, 26), short(header, 28));
        let name_at = start as usize + LOCAL_LEN;
        let Some(name) = bytes.get(name_at..name_at + usize::from(name_len)) else { continue };
        let data_at = name_at + usize::from(name_len) + usize::from(extra_len);
        let Some(rest) = bytes.get(data_at..) else { continue };
        let told = entry.map_or(name, |entry| &entry.name);
        let shown = String::from_utf8_lossy(told).into_owned();
        let say = |report: &mut Report, what: String, why: &str| {
            report.find(Verdict::Unknown, Rule::Container, start, what, why);
        };
        if header[..4] != *LOCAL {
            say(report, format!("member {shown} has a broken header"), "some readers refuse it, others read on");
        } else if name != told {
            let other = String::from_utf8_lossy(name).into_owned();
            say(
                report,
                format!("member {shown} is called {other} in its own header"),
                "readers take one name or the other",
            );
        }
        if entry.is_some() && names.insert(told.to_vec(), start).is_some() {
            say(report, format!("two members called {shown}"), "readers take the first or the last");
        }
        let method = entry.map_or(short(header, 8), |entry| entry.method);
        let in_header = u64::from(long(header, 18));
        let stored_size = match entry {
            Some(entry) => Some(entry.stored_size),
            None if short(header, 6) & 8 == 0 && in_header != 0xffff_ffff => Some(in_header),
            None => None,
        };
        let stored = match stored_size.and_then(|size| rest.get(..usize::try_from(size).ok()?)) {
            Some(stored) => stored,
            None => &rest[..next_header(rest)],
        };
        if entry.is_some() && start >= explained {
            explained = (data_at + stored.len()) as u64;
        }
        scanner.inside(&shown, report, |report| {
            member(scanner, &shown, stored, method, entry.map(|entry| entry.crc), report, depth);
        });
    }
    if entries.is_empty() && bytes.len() > 22 && memmem::find(bytes, LOCAL).is_none() {
        report.find(
            Verdict::Incomplete,
            Rule::Container,
            0,
            "a ZIP without members".to_owned(),
            "nothing is in it that can be read",
        );
    }
}

/// Scans what a member holds.
fn member(
    scanner: &Scanner<'_>,
    name: &str,
    stored: &[u8],
    method: u16,
    crc: Option<u32>,
    report: &mut Report,
    depth: usize,
) {
    /// Sums of longer members take longer than all the rest.
    const SUMMED: usize = 1 << 20;
    let find = |report: &mut Report, verdict, what: &str, why: &str| {
        report.find(verdict, Rule::Container, 0, what.to_owned(), why);
    };
    let unpacked;
    let content = match method {
        0 => stored,
        8 => {
            let limit = scanner.left(stored, report);
            let mut bytes = Vec::new();
            let read = flate2::read::DeflateDecoder::new(stored).take(limit.saturating_add(1)).read_to_end(&mut bytes);
            report.bytes += bytes.len() as u64;
            if let Err(error) = read {
                find(report, Verdict::Incomplete, "a member that cannot be decompressed", &error.to_string());
            } else if bytes.len() as u64 > limit {
                let why = format!("more than {limit} bytes come out of {}", stored.len());
                report.find(Verdict::Incomplete, Rule::Limit, 0, "a member that grows without end".to_owned(), &why);
            }
            unpacked = bytes;
            &unpacked
        }
        _ => match scanner.unpack.and_then(|unpack| unpack(stored, scanner.left(stored, report))) {
            Some(Ok(bytes)) => {
                report.bytes += bytes.len() as u64;
                unpacked = bytes;
                &unpacked
            }
            Some(Err(error)) => {
                return find(report, Verdict::Incomplete, "a member that cannot be decompressed", &error.to_string());
            }
            None => {
                let what = format!("a member compressed by method {method}");
                return find(report, Verdict::Incomplete, &what, "that is not read here");
            }
        },
    };
    if let Some(crc) = crc
        && content.len() <= SUMMED
    {
        let mut sum = flate2::Crc::new();
        sum.update(content);
        if sum.sum() != crc {
            find(
                report,
                Verdict::Unknown,
                "a checksum that is wrong",
                "some readers refuse the member, others load it",
            );
        }
    }
    if name.ends_with(".py") && name.contains("code/") {
        find(report, Verdict::Unknown, "TorchScript code", "torch.jit.load makes a program of it");
    }
    scanner.content(content, Origin::Member, report, depth + 1);
}

/// The lines of all directories, by the offset of the header they name.
fn directory(bytes: &[u8]) -> BTreeMap<u64, Entry> {
    // Offsets count from the first byte of the ZIP, which may stand behind something else.
    let ends = memmem::rfind(bytes, END).and_then(|end| Some((end, bytes.get(end..end + 22)?)));
    let base = ends.map_or(0, |(end, record)| {
        (end as u64).saturating_sub(u64::from(long(record, 12)) + u64::from(long(record, 16)))
    });
    let mut entries = BTreeMap::new();
    for at in memmem::find_iter(bytes, CENTRAL) {
        let Some(record) = bytes.get(at..at + CENTRAL_LEN) else { continue };
        let (name_len, extra_len) = (usize::from(short(record, 28)), usize::from(short(record, 30)));
        let name_at = at + CENTRAL_LEN;
        let Some(name) = bytes.get(name_at..name_at + name_len) else { continue };
        let extra = bytes.get(name_at + name_len..name_at + name_len + extra_len).unwrap_or_default();
        let mut wide = wide_fields(extra).into_iter();
        let mut field = |place: usize| match long(record, place) {
            u32::MAX => wide.next().unwrap_or(u64::MAX),
            value => u64::from(value),
        };
        // In this order: size, stored size, offset.
        let (_, stored_size, offset) = (field(24), field(20), field(42));
        let entry = Entry { name: name.to_vec(), stored_size, method: short(record, 10), crc: long(record, 16) };
        for offset in [Some(offset), offset.checked_add(base)].into_iter().flatten() {
            let is_header = bytes.get(offset as usize..).is_some_and(|rest| rest.starts_with(LOCAL));
            if is_header || offset < bytes.len() as u64 && base == 0 {
                entries.insert(offset, entry);
                break;
            }
        }
    }
    entries
}

/// The fields of eight bytes that stand in for those of four that are full.
fn wide_fields(mut extra: &[u8]) -> Vec<u64> {
    while let [id_low, id_high, len_low, len_high, rest @ ..] = extra {
        let len = usize::from(u16::from_le_bytes([*len_low, *len_high])).min(rest.len());
        if [*id_low, *id_high] == [1, 0] {
            return rest[..len].as_chunks().0.iter().map(|field| u64::from_le_bytes(*field)).collect();
        }
        extra = &rest[len..];
    }
    Vec::new()
}

/// Where the next header begins, or the end.
fn next_header(bytes: &[u8]) -> usize {
    [LOCAL, CENTRAL, b"PK\x07\x08"].iter().filter_map(|magic| memmem::find(bytes, magic)).min().unwrap_or(bytes.len())
}

fn short(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn long(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]])
}
