//! A `.distcp` file of torch's distributed checkpoints: what `torch.save` writes for each tensor, one ZIP after another.
//!
//! Their names stand in the pickle `.metadata` beside it; here they are called by number.

use crate::archive::container::{Container, no_array};
use crate::archive::progress::Counter;
use crate::archive::torch::Torch;
use crate::archive::zip::Zip;
use crate::archive::{ArrayInfo, Member};
use crate::array::Array;
use crate::error::{Error, Result};
use crate::graph::ReadOptions;

pub(crate) struct Parts<'a> {
    parts: Vec<(u64, Torch<'a>)>,
}

impl<'a> Parts<'a> {
    /// The parts of `bytes`, if there are several and all are checkpoints.
    ///
    /// # Errors
    /// `InvalidArchive` for a part that is broken.
    pub(crate) fn new(bytes: &'a [u8], options: &ReadOptions<'a>) -> Result<Option<Parts<'a>>> {
        let mut parts = Vec::new();
        for (start, part) in split(bytes) {
            let zip = Zip::new(part, options.limits_ref().allocation)?;
            let Some(root) = Torch::root(&zip) else { return Ok(None) };
            parts.push((start, Torch::new(zip, root, options.clone())));
        }
        Ok((parts.len() > 1).then_some(Parts { parts }))
    }
}

/// The ZIPs that stand one after another, each with its offset; nothing where there is one alone. The records at the end of
/// each say how long it is, so that all are found from the last one on.
fn split(bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut parts = Vec::new();
    let mut end = bytes.len();
    while end > 0 {
        let start = start(&bytes[..end]).filter(|start| bytes[*start..].starts_with(b"PK\x03\x04"));
        match start {
            Some(start) if start > 0 || !parts.is_empty() => {
                parts.push((start as u64, &bytes[start..end]));
                end = start;
            }
            _ => return Vec::new(),
        }
    }
    parts.reverse();
    parts
}

/// Where the ZIP begins that ends where `bytes` do.
fn start(bytes: &[u8]) -> Option<usize> {
    const RECORD: usize = 22;
    /// The same for large files, and what says where that is.
    const RECORD_64: usize = 56;
    const LOCATOR: usize = 20;
    let number = |at: usize, len: usize| {
        let bytes = bytes.get(at..at.checked_add(len)?)?;
        usize::try_from(bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))).ok()
    };
    let begins = |at: usize, signature: &[u8]| bytes.get(at..).is_some_and(|bytes| bytes.starts_with(signature));
    let record = bytes.len().checked_sub(RECORD).filter(|at| begins(*at, b"PK\x05\x06"))?;
    let locator = record.checked_sub(LOCATOR).filter(|at| begins(*at, b"PK\x06\x07"));
    let large = locator.and_then(|at| at.checked_sub(RECORD_64)).filter(|at| begins(*at, b"PK\x06\x06"));
    let (after, len, offset) = match large {
        Some(large) => (large, number(large + 40, 8)?, number(large + 48, 8)?),
        None => (record, number(record + 12, 4)?, number(record + 16, 4)?),
    };
    after.checked_sub(len)?.checked_sub(offset)
}

impl<'a> Container<'a> for Parts<'a> {
    fn members(&self) -> Vec<Member> {
        let mut members = Vec::new();
        for (index, (start, part)) in self.parts.iter().enumerate() {
            members.extend(part.members().into_iter().map(|member| Member {
                name: format!("{index}.{}", member.name),
                offset: member.offset.map(|offset| start + offset),
                ..member
            }));
        }
        members
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let mut arrays = Vec::new();
        for (index, (_, part)) in self.parts.iter().enumerate() {
            arrays.extend(part.arrays()?.into_iter().map(|info| ArrayInfo {
                name: format!("{index}.{}", info.name),
                member: format!("{index}.{}", info.member),
                ..info
            }));
        }
        Ok(arrays)
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let found =
            name.split_once('.').and_then(|(index, name)| Some((self.parts.get(index.parse::<usize>().ok()?)?, name)));
        let ((_, part), name) = found.ok_or_else(|| no_array(name))?;
        part.array(name)
    }

    fn verify(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        let broken = |(index, (_, part)): (usize, &(u64, Torch<'a>))| {
            part.verify(counter).into_iter().map(move |(name, error)| (format!("{index}.{name}"), error))
        };
        self.parts.iter().enumerate().flat_map(broken).collect()
    }
}
