//! JSON text on its way out: brackets, commas and indentation, strings and base64. What it means is not known here.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;

/// A writer of JSON text.
pub(super) struct Out<W> {
    writer: W,
    pub(super) buffer: Vec<u8>,
    pretty: bool,
    indent: usize,
    /// How many of the open brackets are written in one line.
    flat: usize,
    /// Nothing stands after the last bracket yet.
    fresh: bool,
}

/// Whether what stands between two brackets goes on lines of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    Lines,
    Flat,
}

/// Bytes gathered before they are written.
const FULL: usize = 1 << 16;

/// Levels that are indented. Deeper ones stay there, or a deep value would be nothing but spaces.
const MAX_INDENT: usize = 40;

impl<W: Write> Out<W> {
    pub(super) fn new(writer: W, pretty: bool) -> Self {
        Out { writer, buffer: Vec::with_capacity(2 * FULL), pretty, indent: 0, flat: 0, fresh: true }
    }

    pub(super) fn is_pretty(&self) -> bool {
        self.pretty
    }

    pub(super) fn open(&mut self, bracket: u8, layout: Layout) {
        self.buffer.push(bracket);
        match layout {
            Layout::Lines => self.indent += 1,
            Layout::Flat => self.flat += 1,
        }
        self.fresh = true;
    }

    pub(super) fn close(&mut self, bracket: u8, layout: Layout) {
        match layout {
            Layout::Flat => self.flat -= 1,
            Layout::Lines => {
                self.indent -= 1;
                if !self.fresh {
                    self.line();
                }
            }
        }
        self.buffer.push(bracket);
        self.fresh = false;
    }

    /// Begins an object whose first member stays on the line of its bracket.
    pub(super) fn open_hugging(&mut self) {
        self.open(b'{', Layout::Lines);
        self.fresh = false;
    }

    /// What stands before an item or member: a comma and a line end, as they are needed.
    ///
    /// # Errors
    /// `Io`.
    #[inline]
    pub(super) fn item(&mut self) -> Result<()> {
        if self.buffer.len() >= FULL {
            self.flush()?;
        }
        if !self.fresh {
            self.buffer.push(b',');
        }
        if self.pretty {
            match (self.flat, self.fresh) {
                (0, _) => self.line(),
                (_, false) => self.buffer.push(b' '),
                (_, true) => {}
            }
        }
        self.fresh = false;
        Ok(())
    }

    /// What stands between two items that are never on lines of their own.
    pub(super) fn comma(&mut self) {
        self.buffer.extend_from_slice(if self.pretty { b", " } else { b"," });
    }

    fn line(&mut self) {
        if self.pretty && self.flat == 0 {
            self.buffer.push(b'\n');
            let spaces = 2 * self.indent.min(MAX_INDENT);
            self.buffer.resize(self.buffer.len() + spaces, b' ');
        }
    }

    /// The name of a member, which needs no escapes.
    pub(super) fn key(&mut self, name: &str) {
        self.buffer.push(b'"');
        self.raw(name);
        self.buffer.push(b'"');
        self.colon();
    }

    pub(super) fn colon(&mut self) {
        self.buffer.extend_from_slice(if self.pretty { b": " } else { b":" });
    }

    #[inline]
    pub(super) fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, number: impl std::fmt::Display) {
        // Writing to a vector cannot fail.
        let _ = write!(self.buffer, "{number}");
    }

    /// A string of UTF-8.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn string(&mut self, text: &[u8]) -> Result<()> {
        self.buffer.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f)) {
            self.bytes(&rest[..at])?;
            self.escape(rest[at]);
            rest = &rest[at + 1..];
        }
        self.bytes(rest)?;
        self.buffer.push(b'"');
        Ok(())
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buffer.len() + bytes.len() > 2 * FULL {
            self.flush()?;
            if bytes.len() > FULL {
                self.writer.write_all(bytes)?;
                return Ok(());
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// A string of one character for each byte.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn latin1_string(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.push(b'"');
        for &byte in bytes {
            match byte {
                b'"' | b'\\' | 0..b' ' | 0x7f..0xa0 => self.escape(byte),
                ..0x7f => self.buffer.push(byte),
                _ => self.buffer.extend_from_slice(char::from(byte).encode_utf8(&mut [0; 2]).as_bytes()),
            }
            if self.buffer.len() >= FULL {
                self.flush()?;
            }
        }
        self.buffer.push(b'"');
        Ok(())
    }

    fn escape(&mut self, byte: u8) {
        let letter = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            12 => b'f',
            _ => {
                let _ = write!(self.buffer, "\\u{byte:04x}");
                return;
            }
        };
        self.buffer.extend_from_slice(&[b'\\', letter]);
    }

    /// A string of base64, written a piece at a time.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn base64_string(&mut self, bytes: &[u8]) -> Result<()> {
        // No piece but the last may have padding.
        const PIECE: usize = 3 << 13;
        self.buffer.push(b'"');
        for piece in bytes.chunks(PIECE) {
            let start = self.buffer.len();
            self.buffer.resize(start + piece.len().div_ceil(3) * 4, 0);
            if let Err(error) = STANDARD.encode_slice(piece, &mut self.buffer[start..]) {
                return Err(crate::Error::message(error.to_string()));
            }
            if self.buffer.len() >= FULL {
                self.flush()?;
            }
        }
        self.buffer.push(b'"');
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.writer.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the text with a newline and writes all that is left.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(mut self) -> Result<()> {
        self.buffer.push(b'\n');
        self.flush()?;
        self.writer.flush()?;
        Ok(())
    }
}
