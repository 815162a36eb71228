//! The directory at the end of a ZIP, record by record as it stands, so that another can be written with the same records.

use std::fs::File;
use std::io::{BufReader, Read};

use rawzip::{FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive};
use rustc_hash::FxHashSet;

use crate::archive::zip::{broken, compression, decoder, invalid};
use crate::error::{ErrorKind, Result};

/// The directory of a ZIP in a file.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) records: Vec<Record>,
    /// What a ZIP may say at its very end.
    comment: Vec<u8>,
    /// Where it ends, comment included; what follows belongs to nobody.
    pub(crate) end: u64,
}

/// What stands in the directory of one member.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) name: Vec<u8>,
    /// All of it, as it is written.
    bytes: Vec<u8>,
}

/// Numbers from here on do not fit into the plain records.
const ZIP64: u64 = 0xffff_ffff;
const ZIP64_COUNT: usize = 0xffff;

impl Directory {
    /// Reads the directory of `file`.
    ///
    /// # Errors
    /// `InvalidArchive` if there is none, or one that does not tell where its members are; `Limit` for one of more than
    /// `limit` bytes.
    pub(crate) fn read(file: &File, limit: u64) -> Result<(Directory, ZipArchive<FileReader>)> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipArchive::from_file(file.try_clone()?, &mut buffer).map_err(|error| broken(&error))?;
        let start = archive.directory_offset();
        let len = archive.eocd_offset().saturating_sub(start);
        if len > limit {
            return Err(ErrorKind::Limit { limit: "allocation", allowed: limit }.into());
        }
        let mut all = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        archive.get_ref().read_exact_at(&mut all, start)?;
        let mut records = Vec::new();
        let mut entries = archive.entries(&mut buffer);
        while let Some(entry) = entries.next_entry().map_err(|error| broken(&error))? {
            let at = entry.central_directory_offset().saturating_sub(start);
            let bytes = usize::try_from(at).ok().and_then(|at| record(all.get(at..)?));
            let bytes = bytes.ok_or_else(|| invalid("a directory that ends within a record"))?;
            // What stands before a ZIP may move all its members; the record does not say so.
            let told = le_u32(bytes, LOCAL_OFFSET);
            if told != u32::MAX && u64::from(told) != entry.local_header_offset() {
                return Err(invalid("something stands before the ZIP, which moves its members: write it anew"));
            }
            records.push(Record { name: entry.file_path().as_bytes().to_vec(), bytes: bytes.to_vec() });
        }
        let end = archive.end_offset();
        let len = archive.comment().remaining();
        let mut comment = vec![0; len as usize];
        archive.get_ref().read_exact_at(&mut comment, end - len)?;
        Ok((Directory { records, comment, end }, archive))
    }

    /// Adds the records that some bytes, which were just written, begin with: of each name that is wanted the last.
    pub(crate) fn extend(&mut self, mut bytes: &[u8], is_wanted: impl Fn(&[u8]) -> bool) {
        let mut added: Vec<Record> = Vec::new();
        while let Some(record) = record(bytes).filter(|record| record.starts_with(RECORD)) {
            let name = record[FIXED..FIXED + name_len(record)].to_vec();
            added.push(Record { name, bytes: record.to_vec() });
            bytes = &bytes[record.len()..];
        }
        let mut met = FxHashSet::default();
        added.reverse();
        added.retain(|record| is_wanted(&record.name) && met.insert(record.name.clone()));
        added.reverse();
        self.records.append(&mut added);
    }

    /// Puts the last record of a name behind all others.
    pub(crate) fn put_last(&mut self, name: &[u8]) {
        if let Some(index) = self.records.iter().rposition(|record| record.name == name) {
            let record = self.records.remove(index);
            self.records.push(record);
        }
    }

    /// The directory as it is written at `offset`, in 64 bits if asked or if there is need.
    pub(crate) fn to_bytes(&self, offset: u64, zip64: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.records.iter().map(|record| record.bytes.len()).sum());
        for record in &self.records {
            out.extend_from_slice(&record.bytes);
        }
        let (len, count) = (out.len() as u64, self.records.len());
        if zip64 || offset + len >= ZIP64 || count >= ZIP64_COUNT {
            out.extend_from_slice(b"PK\x06\x06");
            out.extend_from_slice(&44_u64.to_le_bytes());
            // Version 4.5, made on Unix, to be read by the same; one disk.
            out.extend_from_slice(&[45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [count as u64, count as u64, len, offset] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            out.extend_from_slice(&(offset + len).to_le_bytes());
            out.extend_from_slice(&1_u32.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        let short = (count.min(ZIP64_COUNT) as u16).to_le_bytes();
        out.extend_from_slice(&short);
        out.extend_from_slice(&short);
        for number in [len, offset] {
            out.extend_from_slice(&(number.min(ZIP64) as u32).to_le_bytes());
        }
        // It was no longer when it was read.
        out.extend_from_slice(&(self.comment.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.comment);
        out
    }

    /// How many bytes stand behind the beginning of the last record, which readers look for.
    pub(crate) fn comment_len(&self) -> u64 {
        self.comment.len() as u64
    }
}

/// The bytes of the last member of a ZIP with a name, decompressed and checked; nothing if there is none.
///
/// # Errors
/// `InvalidArchive` if it is broken; `Limit` if it has more than `limit` bytes.
pub(crate) fn read_member(archive: &ZipArchive<FileReader>, name: &[u8], limit: u64) -> Result<Option<Vec<u8>>> {
    let about = |problem: &str| invalid(format!("member {} {problem}", String::from_utf8_lossy(name)));
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let mut entries = archive.entries(&mut buffer);
    let mut found = None;
    while let Some(entry) = entries.next_entry().map_err(|error| broken(&error))? {
        if entry.file_path().as_bytes() == name {
            found = Some((entry.wayfinder(), entry.compression_method(), entry.flags().is_encrypted()));
        }
    }
    let Some((place, method, is_encrypted)) = found else { return Ok(None) };
    if is_encrypted {
        return Err(about("is encrypted"));
    }
    let entry = archive.get_entry(place).map_err(|error| about(&error.to_string()))?;
    let raw = decoder(compression(method), BufReader::new(entry.reader())).map_err(|problem| about(&problem))?;
    let mut bytes = Vec::new();
    let read = entry.verifying_reader(raw).take(limit.saturating_add(1)).read_to_end(&mut bytes);
    if bytes.len() as u64 > limit {
        return Err(ErrorKind::Limit { limit: "allocation", allowed: limit }.into());
    }
    read.map_err(|error| about(&error.to_string()))?;
    Ok(Some(bytes))
}

/// How a record begins, and how long it is without what its last fields measure.
const RECORD: &[u8] = b"PK\x01\x02";
const FIXED: usize = 46;

/// Where a record says where its member begins.
const LOCAL_OFFSET: usize = 42;

/// The record at the beginning of some bytes.
fn record(bytes: &[u8]) -> Option<&[u8]> {
    let fixed = bytes.get(..FIXED)?;
    bytes.get(..FIXED + name_len(fixed) + le_u16(fixed, 30) + le_u16(fixed, 32))
}

fn name_len(record: &[u8]) -> usize {
    le_u16(record, 28)
}

fn le_u16(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn le_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
