//! Lines of text on their way to a writer: long ones pass through in parts, and the characters of each are counted.

use std::fmt;
use std::io::{self, Write};

/// Text out, gathered to large writes.
#[derive(Debug)]
pub(super) struct Lines<W> {
    out: W,
    buffer: Vec<u8>,
    /// Where the current line begins in `buffer`.
    start: usize,
    /// Characters of the current line that have left `buffer`.
    gone: usize,
    failure: Option<io::Error>,
}

/// How much is gathered before it is written.
const GATHER: usize = 1 << 16;

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W) -> Self {
        Lines { out, buffer: Vec::new(), start: 0, gone: 0, failure: None }
    }

    /// The buffer, to append a few bytes to.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() < GATHER {
            self.buffer.extend_from_slice(bytes);
            return self.write_if_full();
        }
        self.write()?;
        self.gone += char_count(bytes);
        self.out.write_all(bytes)
    }

    /// Decimal digits, after as many spaces as make them `width` wide. The formatter of `std` takes three times as long.
    #[inline]
    pub(super) fn number(&mut self, value: u64, width: usize) {
        let mut digits = [b' '; 20];
        let mut at = digits.len();
        let mut rest = value;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.buffer.extend_from_slice(&digits[at.min(digits.len() - width)..]);
    }

    #[inline]
    pub(super) fn spaces(&mut self, count: usize) {
        self.buffer.resize(self.buffer.len() + count, b' ');
    }

    /// Begins a line; what was written before does not count.
    pub(super) fn begin(&mut self) {
        self.start = self.buffer.len();
        self.gone = 0;
    }

    /// Characters since `begin`.
    pub(super) fn char_count(&self) -> usize {
        self.gone + char_count(&self.buffer[self.start..])
    }

    /// Ends a line.
    #[inline]
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        self.write_if_full()
    }

    /// Hands everything to the writer.
    pub(super) fn write(&mut self) -> io::Result<()> {
        self.gone += char_count(&self.buffer[self.start..]);
        self.start = 0;
        let result = self.out.write_all(&self.buffer);
        self.buffer.clear();
        result
    }

    /// What went wrong when `fmt::Error` was returned.
    pub(super) fn failure(&mut self) -> io::Error {
        self.failure.take().unwrap_or_else(|| io::Error::other("formatter error"))
    }

    #[inline]
    fn write_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < GATHER { Ok(()) } else { self.write() }
    }
}

impl<W: Write> fmt::Write for Lines<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}

fn char_count(utf8: &[u8]) -> usize {
    utf8.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_std_writes_them() {
        for value in [0, 7, 10, 99_999, 100_000, u64::MAX] {
            let mut lines = Lines::new(Vec::new());
            lines.number(value, 5);
            assert_eq!(lines.buffer, format!("{value:5}").as_bytes());
        }
    }

    #[test]
    fn characters_are_counted_also_when_they_have_left_the_buffer() {
        let mut lines = Lines::new(Vec::new());
        lines.push("before ".as_bytes()).unwrap();
        lines.begin();
        let long = "é".repeat(GATHER);
        lines.push(b"a").unwrap();
        lines.push(long.as_bytes()).unwrap();
        lines.push("ü".as_bytes()).unwrap();
        assert_eq!(lines.char_count(), GATHER + 2);
    }
}
