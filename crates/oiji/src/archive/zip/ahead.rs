//! Appends to a ZIP that stays what it was until the end: its old directory runs ahead of what is written.
//!
//! Readers look for the directory in the last 64 KiB of a file. So before anything is written a copy of the old one is put
//! less than that behind the end, and only what lies before the copy is written; then the next copy. Whoever opens the file at any moment, or after the
//! writer was killed, finds the old directory, and with it the old members, which nobody touches. The new directory counts
//! from the moment that the last copy is cut off, which the system does at once or not at all.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::archive::zip::directory::Directory;
use crate::error::Result;

/// How far behind the end of the last record readers are sure to find it.
const REACH: u64 = 0xffff;

/// Nothing comes to stand partly in a file if it lies within one of these.
const PAGE: u64 = 4 << 10;

/// A file that is appended to. Unless it is finished, it becomes what it was when this is dropped.
pub(crate) struct Ahead {
    file: File,
    old: Directory,
    /// Where the next byte goes.
    at: u64,
    /// Up to here bytes may go: behind it stands a copy of the directory, or nothing that counts.
    room: u64,
    /// Where the directory that readers find ends.
    end: u64,
    is_finished: bool,
}

impl Ahead {
    /// Begins after the end of the ZIP in `file`. With `guarded`, so that it can be read at any time: its directory is to be
    /// one that [`Ahead::can_guard`].
    pub(crate) fn new(file: File, old: Directory, guarded: bool) -> Ahead {
        let end = old.end;
        Ahead { file, old, at: end, room: if guarded { end } else { u64::MAX }, end, is_finished: false }
    }

    /// Whether a directory is short enough to run ahead, with room left for what it runs ahead of.
    pub(crate) fn can_guard(old: &Directory) -> bool {
        old.to_bytes(0, true).len() as u64 <= REACH / 2
    }

    /// Where the next byte goes.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// What was written from `start` on, which is then as if it had never been.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn read_back(&mut self, start: u64) -> Result<Vec<u8>> {
        let start = start.clamp(self.old.end, self.at);
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(start))?;
        Read::by_ref(&mut self.file).take(self.at - start).read_to_end(&mut bytes)?;
        self.at = start;
        Ok(bytes)
    }

    /// Writes `new`, and makes it the directory that counts.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn finish(mut self, new: &Directory) -> Result<()> {
        let bytes = new.to_bytes(self.at, false);
        self.write_all(&bytes)?;
        // All of it is on the disk before it counts.
        self.file.sync_all()?;
        self.file.set_len(self.at)?;
        self.is_finished = true;
        Ok(self.file.sync_all()?)
    }

    /// Puts a copy of the directory further on, so that there is room before it.
    fn move_ahead(&mut self) -> io::Result<()> {
        // At the end of a page, so that its last record lies within one.
        let end = (self.end + REACH - self.old.comment_len()) / PAGE * PAGE;
        let zip64 = end >= u64::from(u32::MAX);
        let start = end - self.old.to_bytes(0, zip64).len() as u64;
        self.file.seek(SeekFrom::Start(start))?;
        self.file.write_all(&self.old.to_bytes(start, zip64))?;
        (self.room, self.end) = (start, end);
        Ok(())
    }
}

impl Write for Ahead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.at >= self.room {
            self.move_ahead()?;
        }
        let room = usize::try_from(self.room - self.at).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(room)];
        self.file.seek(SeekFrom::Start(self.at))?;
        let len = self.file.write(bytes)?;
        self.at += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if !self.is_finished {
            // Where this fails the file can be read all the same, and is longer than need be.
            let _ = self.file.set_len(self.old.end);
        }
    }
}
