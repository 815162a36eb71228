//! Tar files, as far as single files are taken out of them.

/// The length of a header, and what members begin at multiples of.
const BLOCK: usize = 512;

/// A file in a tar.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) content: &'a [u8],
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
                return Some(Entry { name: name(header), content: bytes.get(start..start.checked_add(len)?)? });
            }
        }
    })
}

fn name(header: &[u8]) -> &[u8] {
    let name = header.get(..100).unwrap_or_default();
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}
