//! What a file is, by content, and what in it may be loaded: containers are opened down to their pickles.
//!
//! What a container says of itself is not believed: every member is looked at by its own content, and what begins as a
//! container is looked at as a pickle too, for readers that would.

use crate::archive::{Archive, Format, joblib_spans};
use crate::array::NpyHeader;
use crate::error::ErrorKind;
use crate::inspect::scan::report::{Report, Rule, Verdict};
use crate::inspect::scan::{Scanner, stream, zip};

/// How deep containers in containers are opened.
const DEPTH: usize = 8;

/// Where a run of bytes comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is a file, or is handed to a loader: all of it is to be explained.
    Whole,
    /// It is a member of a container, which explains bytes that are no pickle.
    Member,
}

impl Scanner<'_> {
    /// Scans bytes of any kind.
    pub(super) fn content(&self, bytes: &[u8], origin: Origin, report: &mut Report, depth: usize) {
        if depth > DEPTH {
            let why = format!("containers are opened {DEPTH} deep");
            return report.find(Verdict::Incomplete, Rule::Limit, 0, "a container in a container".to_owned(), &why);
        }
        #[cfg(feature = "signed")]
        if let Some(content) = crate::signed::content_unchecked(bytes) {
            return self.inside("signed content", report, |report| self.content(content, origin, report, depth + 1));
        }
        if zip::is_one(bytes) {
            self.as_pickle_too(bytes, report);
            return zip::scan(self, bytes, report, depth);
        }
        if bytes.starts_with(b"\x93NUMPY") {
            return self.npy(bytes, report, depth);
        }
        if is_tar(bytes) {
            self.as_pickle_too(bytes, report);
            return self.tar(bytes, report, depth);
        }
        if let Some(unpacked) = self.unpack.and_then(|unpack| unpack(bytes, self.left(bytes, report))) {
            return match unpacked {
                Ok(unpacked) => {
                    report.bytes += unpacked.len() as u64;
                    self.inside("decompressed", report, |report| self.content(&unpacked, origin, report, depth + 1));
                }
                Err(error) => {
                    let rule =
                        if matches!(error.kind(), ErrorKind::Limit { .. }) { Rule::Limit } else { Rule::Container };
                    let what = "a compressed file that cannot be decompressed".to_owned();
                    report.find(Verdict::Incomplete, rule, 0, what, &error.to_string());
                }
            };
        }
        for (magic, name) in UNREAD {
            if bytes.starts_with(magic) {
                self.as_pickle_too(bytes, report);
                let what = format!("a {name} file");
                let why = "what is in it is not read: take it apart, and scan that";
                return report.find(Verdict::Incomplete, Rule::Container, 0, what, why);
            }
        }
        if bytes.len() > 8
            && bytes[8] == b'{'
            && matches!(Archive::open(bytes), Ok(archive) if archive.format() == Format::Safetensors)
        {
            return self.as_pickle_too(bytes, report);
        }
        #[cfg(feature = "store")]
        if self.as_store(bytes, report, depth) {
            return;
        }
        self.pickles(bytes, origin, report, depth);
    }

    /// Runs `scan` with findings placed in a member.
    pub(super) fn inside(&self, member: &str, report: &mut Report, scan: impl FnOnce(&mut Report)) {
        let len = report.place.len();
        if len > 0 {
            report.place.push('!');
        }
        report.place.extend(member.chars().take(200));
        scan(report);
        report.place.truncate(len);
    }

    /// How many bytes may come out of some that are compressed: honest data seldom shrinks to a hundredth.
    pub(super) fn left(&self, compressed: &[u8], report: &Report) -> u64 {
        const ALWAYS: u64 = 64 << 20;
        const RATIO: u64 = 100;
        let most = (compressed.len() as u64).saturating_mul(RATIO).max(ALWAYS);
        self.budget.saturating_sub(report.bytes).min(most)
    }

    /// Scans a container as the pickle that it might be as well, and keeps that only if it does something.
    pub(super) fn as_pickle_too(&self, bytes: &[u8], report: &mut Report) {
        let mut other = Report { place: report.place.clone(), ..Report::default() };
        stream::scan(bytes, self.policy, &mut other, self.limits, &|_| None);
        let says = |rule| !matches!(rule, Rule::ReadersDiffer | Rule::Tail | Rule::Broken);
        if other.findings.iter().any(|finding| says(finding.rule)) {
            let what = "a container that is a pickle as well".to_owned();
            report.find(Verdict::Dangerous, Rule::Container, 0, what, "readers see one or the other");
            report.take(other);
        }
    }

    /// Scans pickles, with what formats of pickles put between and behind them.
    fn pickles(&self, bytes: &[u8], origin: Origin, report: &mut Report, depth: usize) {
        let spans = joblib_spans(bytes);
        // The padding before an array takes up to 17 bytes.
        let skip = |end: usize| {
            let behind = |(start, len, _): &&(u64, u64, bool)| {
                let start = *start as usize;
                (start >= end && start <= end + 17).then(|| start - end + *len as usize)
            };
            spans.iter().find_map(|span| behind(&span))
        };
        let (found, effects) = (report.findings.len(), report.effect_count);
        let run = stream::scan(bytes, self.policy, report, self.limits, &skip);
        for (start, len, is_pickle) in &spans {
            if *is_pickle && let Some(objects) = bytes.get(*start as usize..(*start + *len) as usize) {
                let member = format!("array of objects at {start}");
                self.inside(&member, report, |report| self.content(objects, Origin::Whole, report, depth + 1));
            }
        }
        for (offset, nested) in run.nested {
            report.bytes += nested.len() as u64;
            self.inside(&format!("bytes loaded at {offset}"), report, |report| {
                self.content(&nested, Origin::Whole, report, depth + 1);
            });
        }
        let is_nothing = run.pickles == 0 && report.effect_count == effects;
        if is_nothing {
            // Bytes that are no pickle differ between no readers.
            report.forget_from(found);
        }
        if run.pickles == 5 && is_legacy_torch(bytes, run.end) {
            return;
        }
        if let Some(error) = &run.error
            && !is_nothing
        {
            let rule = if matches!(error.kind(), ErrorKind::Limit { .. }) { Rule::Limit } else { Rule::Broken };
            let what = "a pickle breaks off".to_owned();
            return report.find(Verdict::Incomplete, rule, run.end as u64, what, &error.to_string());
        }
        if run.end == bytes.len() && !bytes.is_empty() || is_nothing && origin == Origin::Member {
            return;
        }
        let what = match (run.pickles, bytes.len() - run.end) {
            (_, 0) => "an empty file".to_owned(),
            (0, len) => format!("{len} bytes that are no pickle"),
            (_, len) => format!("{len} bytes behind the last pickle"),
        };
        report.find(Verdict::Incomplete, Rule::Tail, run.end as u64, what, "nothing is known of them");
    }

    /// Scans a `.npy` file: objects are a pickle behind the header, whatever the header says about them.
    fn npy(&self, bytes: &[u8], report: &mut Report, depth: usize) {
        self.as_pickle_too(bytes, report);
        let header = NpyHeader::read(bytes);
        let data_offset = match (&header, bytes) {
            (Ok(header), _) => header.data_offset as usize,
            (Err(_), [_, _, _, _, _, _, 1, _, low, high, ..]) => 10 + usize::from(u16::from_le_bytes([*low, *high])),
            (Err(_), [_, _, _, _, _, _, _, _, a, b, c, d, ..]) => 12 + u32::from_le_bytes([*a, *b, *c, *d]) as usize,
            _ => bytes.len(),
        };
        let data = bytes.get(data_offset..).unwrap_or_default();
        match header {
            Ok(header) if !header.dtype.has_objects() => {
                let count = header.shape.iter().try_fold(1_u64, |count, axis| count.checked_mul(*axis));
                let len = count.and_then(|count| count.checked_mul(header.dtype.size()));
                if let Some(rest) = len.and_then(|len| data.get(usize::try_from(len).ok()?..)) {
                    if !rest.is_empty() {
                        self.inside("behind the array", report, |report| {
                            self.content(rest, Origin::Whole, report, depth + 1);
                        });
                    }
                } else {
                    let what = "an array that breaks off".to_owned();
                    report.find(Verdict::Incomplete, Rule::Broken, 0, what, "it is longer than the file");
                }
            }
            Ok(_) => self.inside("objects", report, |report| self.content(data, Origin::Whole, report, depth + 1)),
            Err(error) => {
                let what = "a .npy header that cannot be read".to_owned();
                report.find(Verdict::Incomplete, Rule::Container, 0, what, &error.to_string());
                self.inside("objects", report, |report| self.content(data, Origin::Member, report, depth + 1));
            }
        }
    }

    /// Scans every member of a tar.
    fn tar(&self, bytes: &[u8], report: &mut Report, depth: usize) {
        const BLOCK: usize = 512;
        let mut start = 0;
        while let Some(header) = bytes.get(start..start + BLOCK) {
            if !is_tar(header) {
                if header.iter().any(|byte| *byte != 0) {
                    let rest = &bytes[start..];
                    self.inside("behind the tar", report, |report| {
                        self.content(rest, Origin::Whole, report, depth + 1)
                    });
                    return;
                }
                start += BLOCK;
                continue;
            }
            let name = String::from_utf8_lossy(header[..100].split(|byte| *byte == 0).next().unwrap_or_default());
            let len = tar_number(&header[124..136]);
            let data = len.and_then(|len| bytes.get(start + BLOCK..(start + BLOCK).checked_add(len)?));
            let Some(data) = data else {
                let what = format!("member {name} breaks off");
                let why = "it is longer than the file";
                report.find(Verdict::Incomplete, Rule::Broken, start as u64, what, why);
                let rest = &bytes[start + BLOCK..];
                return self.inside(&name, report, |report| self.content(rest, Origin::Member, report, depth + 1));
            };
            self.inside(&name, report, |report| self.content(data, Origin::Member, report, depth + 1));
            start += BLOCK + data.len().next_multiple_of(BLOCK);
        }
    }
}

/// Containers that are told and not read.
const UNREAD: [(&[u8], &str); 3] =
    [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "RAR"), (b"\x89HDF\r\n\x1a\n", "HDF5")];

/// Whether a block begins a member of a tar: its checksum says so.
fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..512) else { return false };
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(index, byte)| if (148..156).contains(&index) { 32 } else { u64::from(*byte) })
        .sum();
    header[0] != 0 && tar_number(&header[148..156]) == Some(sum as usize)
}

fn tar_number(field: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    usize::from_str_radix(digits, 8).ok()
}

/// Whether what follows five pickles is just the storages that the fifth names.
fn is_legacy_torch(bytes: &[u8], end: usize) -> bool {
    let Ok(archive) = Archive::open(bytes) else { return false };
    if archive.format() != Format::TorchLegacy {
        return false;
    }
    // Each storage has its length before it.
    let members = archive.members();
    let sizes = members.iter().try_fold(end as u64, |sum, member| sum.checked_add(8)?.checked_add(member.size));
    sizes == Some(bytes.len() as u64)
}
