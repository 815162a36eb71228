//! A ZIP with other content in some of its members. The others are copied as they stand, compressed or not.

use crate::archive::zip::{Zip, ZipWriter, broken};
use crate::error::Result;

/// What a member becomes, by its name and content; nothing where it stays.
pub(crate) type Change<'c> = &'c mut dyn FnMut(&str, &[u8]) -> Result<Option<Vec<u8>>>;

/// The ZIP in `bytes` with members as `change` makes them, if it changes any. No member larger than `limit` is read.
///
/// # Errors
/// `InvalidArchive` for a ZIP that is broken; what `change` says, with the name of the member.
pub(crate) fn rewritten(bytes: &[u8], limit: u64, change: Change<'_>) -> Result<Option<Vec<u8>>> {
    let zip = Zip::new(bytes, limit)?;
    let mut changed = Vec::new();
    for (index, member) in zip.members().iter().enumerate() {
        // Arrays of numbers, which are most of it, are told by their beginning.
        let content = zip.read(index)?;
        let new = change(&member.name(), &content).map_err(|error| zip.named(index, error))?;
        changed.extend(new.map(|new| (index, new)));
    }
    if changed.is_empty() {
        return Ok(None);
    }
    let mut out = ZipWriter::new(Vec::with_capacity(bytes.len()));
    let mut next = changed.into_iter().peekable();
    for (index, member) in zip.members().iter().enumerate() {
        match next.next_if(|(changed, _)| *changed == index) {
            Some((_, new)) => {
                out.member(&member.name(), member.compression(), |to| Ok(to.write_all(&new)?))?;
            }
            None => {
                let entry = zip.archive.get_entry(member.place).map_err(|error| broken(&error))?;
                out.raw_member(&member.raw_name, member.method, entry.claim_verifier(), &mut zip.raw(index)?)?;
            }
        }
    }
    out.finish().map(Some)
}
