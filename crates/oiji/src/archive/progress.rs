//! How far long work on an archive has come: whoever asks for such work may be told on the way.

use std::io::{self, Read, Write};

/// How far long work on an archive has come, as callbacks are told of it: `done` grows from call to call, and comes to `total`
/// unless the work fails.
///
/// ```
/// use oiji::archive::{Archive, save_npz};
/// use oiji::array::Array;
/// let mut npz = Vec::new();
/// save_npz(&mut npz, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
/// let mut told = Vec::new();
/// let broken = Archive::open(&npz)?.verify_with(|so_far| told.push((so_far.member.to_owned(), so_far.done, so_far.total)));
/// assert!(broken.is_empty());
/// // Two bytes behind a header.
/// assert_eq!(told, [("x.npy".to_owned(), 130, 130)]);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The member at work, or done last.
    pub member: &'a str,
    /// Bytes that are done, decompressed.
    pub done: u64,
    /// Bytes in all, decompressed.
    pub total: u64,
}

/// Counts what is done, and tells of it.
pub(crate) struct Counter<'p> {
    done: u64,
    /// What was told last.
    told: u64,
    total: u64,
    tell: Option<&'p mut dyn FnMut(Progress<'_>)>,
}

/// Within a member nothing is told of less than this.
const STEP: u64 = 1 << 20;

impl<'p> Counter<'p> {
    pub(crate) fn new(total: u64, tell: &'p mut dyn FnMut(Progress<'_>)) -> Self {
        Counter { done: 0, told: 0, total, tell: Some(tell) }
    }

    /// For work of which nobody is told.
    pub(crate) fn silent() -> Self {
        Counter { done: 0, told: 0, total: 0, tell: None }
    }

    /// Does `work` on a member of `size` bytes, which is given what to call with each count of bytes. However much of it was
    /// read, the member is done then.
    pub(crate) fn during<T>(&mut self, member: &str, size: u64, work: impl FnOnce(&mut dyn FnMut(u64)) -> T) -> T {
        let end = self.done.saturating_add(size).min(self.total);
        let result = work(&mut |bytes| {
            self.done = self.done.saturating_add(bytes).min(end);
            if self.done - self.told >= STEP {
                self.tell(member);
            }
        });
        self.done = end;
        self.tell(member);
        result
    }

    /// All is done, also what nobody had to look at.
    pub(crate) fn finish(mut self) {
        self.done = self.total;
        self.tell("");
    }

    fn tell(&mut self, member: &str) {
        if self.done > self.told {
            self.told = self.done;
            if let Some(tell) = &mut self.tell {
                tell(Progress { member, done: self.done, total: self.total });
            }
        }
    }
}

/// A reader or writer whose bytes are told to `told`.
pub(crate) struct Told<T, F> {
    pub(crate) inner: T,
    pub(crate) told: F,
}

impl<R: Read, F: FnMut(u64)> Read for Told<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        (self.told)(len as u64);
        Ok(len)
    }
}

impl<W: Write, F: FnMut(u64)> Write for Told<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An array may come as one.
        let len = self.inner.write(&bytes[..bytes.len().min(STEP as usize)])?;
        (self.told)(len as u64);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(work: impl FnOnce(&mut Counter<'_>)) -> Vec<(String, u64)> {
        let mut told = Vec::new();
        let mut tell = |so_far: Progress<'_>| told.push((so_far.member.to_owned(), so_far.done));
        let mut counter = Counter::new(10 * STEP, &mut tell);
        work(&mut counter);
        counter.finish();
        told
    }

    #[test]
    fn a_large_member_is_told_of_on_the_way_and_a_small_one_when_it_is_done() {
        let counts = told(|counter| {
            counter.during("large", 3 * STEP, |told| (0..6).for_each(|_| told(STEP / 2)));
            counter.during("small", 5, |told| told(5));
        });
        let counts: Vec<(&str, u64)> = counts.iter().map(|(member, done)| (member.as_str(), *done)).collect();
        let large = |steps| ("large", steps * STEP);
        assert_eq!(counts, [large(1), large(2), large(3), ("small", 3 * STEP + 5), ("", 10 * STEP)]);
    }

    #[test]
    fn a_member_that_breaks_off_or_says_too_little_counts_as_it_is_said() {
        let counts = told(|counter| {
            counter.during("broken", 4 * STEP, |told| told(7));
            counter.during("longer", 2 * STEP, |told| told(100 * STEP));
            counter.during("past the end", 100 * STEP, |_| ());
        });
        assert_eq!(counts.iter().map(|(_, done)| done / STEP).collect::<Vec<_>>(), [4, 6, 10]);
    }
}
