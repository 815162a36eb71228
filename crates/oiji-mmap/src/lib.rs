//! Read-only memory maps of files: the two `unsafe` blocks that the `oiji` command needs, in a crate that holds nothing else.
//!
//! The library and the command forbid `unsafe`, and every map of a file is `unsafe` at bottom: somebody else may write to
//! the file while we look at it. The crates that offer a map without the word only hide the block, or bring a dozen
//! others with them; so it stands here, with its reason.
//!
//! What can happen when somebody changes a mapped file:
//! * it is written to: we see old bytes, new bytes, or some of each, as with any reader of a file in change;
//! * it is made shorter: the pages past its new end are gone, and touching one stops the process (`SIGBUS`). Files that
//!   others cut while they are looked at should be piped in instead: `oiji show - < file`.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file, brought into memory page by page as they are looked at.
///
/// ```no_run
/// let map = oiji_mmap::Map::of(&std::fs::File::open("model.pkl")?)?;
/// assert_eq!(map.first(), Some(&0x80));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Map(memmap2::Mmap);

impl Map {
    /// Maps all of `file`, as long as it is now.
    ///
    /// # Errors
    /// If the system cannot map it: a pipe, a directory, a file larger than the address space.
    #[expect(unsafe_code)]
    pub fn of(file: &File) -> io::Result<Map> {
        // SAFETY: the map is read-only and lives as long as the slices borrowed from it, so nothing in this process
        // changes the bytes. Another process can, and no system we run on can forbid it: then bytes that were checked
        // may differ when they are used. The library takes them as plain `u8`, checks every index, and makes a `str`
        // anew, checked, each time one is asked for, so what can go wrong is a wrong value, an error, or the stop that
        // the docs above describe. A command that looks at the files it is pointed at takes that risk, as every program
        // that maps files does.
        let map = unsafe { memmap2::MmapOptions::new().map(file)? };
        // Only advice: a system that cannot take it reads ahead a little less.
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::Sequential);
        Ok(Map(map))
    }

    /// Gives back the memory of all pages looked at so far. They come again, from what the system keeps of the file, when
    /// they are looked at again.
    #[cfg_attr(unix, expect(unsafe_code))]
    pub fn give_back(&self) {
        // SAFETY: the map is shared with the file and read-only, so that its pages hold nothing but the file's bytes: a
        // page that is dropped is brought in again with these same bytes, wherever slices point to it.
        #[cfg(unix)]
        let _ = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_map_has_the_bytes_of_its_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"\x80\x04N.").unwrap();
        assert_eq!(&*Map::of(&file).unwrap(), b"\x80\x04N.");
    }

    #[test]
    fn pages_given_back_come_again() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..100_000_u32).map(|index| index as u8).collect();
        file.write_all(&bytes).unwrap();
        let map = Map::of(&file).unwrap();
        assert!(*map == bytes[..]);
        map.give_back();
        assert!(*map == bytes[..]);
    }

    #[test]
    fn an_empty_file_gives_no_bytes() {
        let file = tempfile::tempfile().unwrap();
        assert!(Map::of(&file).unwrap().is_empty());
    }
}
