//! Tar files, as far as single files are taken out of them, or get other content.

#[cfg(feature = "migrate")]
use crate::error::Result;

/// The length of a header, and what members begin at multiples of.
const BLOCK: usize = 512;

/// A file in a tar.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) content: &'a [u8],
    /// Where its header stands.
    #[cfg(feature = "migrate")]
    header: usize,
}

/// Whether some bytes begin as the header of a tar does.
pub(crate) fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// What the first file of a tar is called, if its name is short.
pub(crate) fn first_name(bytes: &[u8]) -> Option<&[u8]> {
    is_tar(bytes).then(|| name(bytes))
}

/// The files in a tar, up to its end or what is broken; folders and what tells of other files are passed over.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let header = bytes.get(at..)?.get(..BLOCK).filter(|header| is_tar(header))?;
            let digits = std::str::from_utf8(header.get(124..136)?).ok()?;
            let len = usize::from_str_radix(digits.trim_matches(['\0', ' ']), 8).ok()?;
            let start = at + BLOCK;
            at = start.checked_add(len.checked_next_multiple_of(BLOCK)?)?;
            if matches!(header.get(156), Some(b'0' | 0)) {
                return Some(Entry {
                    name: name(header),
                    content: bytes.get(start..start.checked_add(len)?)?,
                    #[cfg(feature = "migrate")]
                    header: start - BLOCK,
                });
            }
        }
    })
}

fn name(header: &[u8]) -> &[u8] {
    let name = header.get(..100).unwrap_or_default();
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Gives other content for the name and content of a file, or nothing if it stays.
#[cfg(feature = "migrate")]
type Change<'c> = &'c mut dyn FnMut(&[u8], &[u8]) -> Result<Option<Vec<u8>>>;

/// A tar in which files have other content, which `change` gives for name and content; nothing if all stays.
///
/// # Errors
/// What `change` says.
#[cfg(feature = "migrate")]
pub(crate) fn rewritten(bytes: &[u8], change: Change<'_>) -> Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    let mut copied = 0;
    for entry in entries(bytes) {
        let Some(new) = change(entry.name, entry.content)? else { continue };
        let start = entry.header + BLOCK;
        out.extend_from_slice(&bytes[copied..entry.header]);
        out.extend_from_slice(&with_len(&bytes[entry.header..start], new.len()));
        out.extend_from_slice(&new);
        out.resize(out.len() + new.len().next_multiple_of(BLOCK) - new.len(), 0);
        copied = (start + entry.content.len().next_multiple_of(BLOCK)).min(bytes.len());
    }
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(&bytes[copied..]);
    Ok(Some(out))
}

/// A header that says another length, with the sum that goes with it.
#[cfg(feature = "migrate")]
fn with_len(header: &[u8], len: usize) -> Vec<u8> {
    const LEN: std::ops::Range<usize> = 124..136;
    const SUM: std::ops::Range<usize> = 148..156;
    let mut header = header.to_vec();
    header[LEN].copy_from_slice(format!("{len:011o}\0").as_bytes());
    // The sum is made with spaces in its place.
    header[SUM].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
