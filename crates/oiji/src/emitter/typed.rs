//! What typed writes need: room foreseen for lists, and the dicts of structs, of which a key is a memo entry that is written
//! at once with the atom that is its value.
//!
//! Op by op, each waits for the length that the one before it left: a third more time for structs of six fields.

use crate::emitter::Emitter;
use crate::op::write;
use crate::opcode::Opcode;
use crate::sink::Sink;

const GET: u8 = Opcode::BinGet.code();

/// How many times what is written may be kept ready for what is foreseen.
const FORESIGHT: usize = 8;

impl<S: Sink> Emitter<S> {
    /// How much has been written, while the sink keeps all of it.
    #[inline]
    pub(crate) fn kept(&self) -> Option<usize> {
        S::KEEPS.then_some(self.out.len())
    }

    /// Makes room for what is still to come, about `len` bytes, unless the next `soon` bytes fit already.
    ///
    /// Vectors that double are copied each time and hold up to three times their content meanwhile. What is only
    /// expected is no reason to fail, nor to take many times what is there.
    pub(crate) fn foresee(&mut self, len: usize, soon: usize) {
        if S::KEEPS && self.out.capacity() - self.out.len() < soon {
            let most = self.out.len().saturating_mul(FORESIGHT);
            // Without that room the vector grows as ever.
            let _ = self.out.try_reserve_exact(len.min(most));
        }
    }

    /// An empty dict and the mark of its first batch, from protocol 1 on.
    #[inline]
    pub(crate) fn marked_dict(&mut self) {
        self.out.extend_from_slice(&[Opcode::EmptyDict.code(), Opcode::Mark.code()]);
    }

    /// The memo entry at `index` as a key, if the functions below can write it.
    #[inline]
    pub(crate) fn key(&self, index: u64) -> Option<u8> {
        if self.protocol >= 4 { u8::try_from(index).ok() } else { None }
    }

    /// A key, and an op without an argument.
    #[inline]
    pub(crate) fn key_and_simple(&mut self, key: u8, opcode: Opcode) {
        self.out.extend_from_slice(&[GET, key, opcode.code()]);
    }

    /// A key and an int.
    #[inline]
    pub(crate) fn key_and_int(&mut self, key: u8, value: i64) {
        match value {
            0..=0xff => self.out.extend_from_slice(&[GET, key, Opcode::BinInt1.code(), value as u8]),
            0x100..=0xffff => {
                let [a, b] = (value as u16).to_le_bytes();
                self.out.extend_from_slice(&[GET, key, Opcode::BinInt2.code(), a, b]);
            }
            _ => match i32::try_from(value) {
                Ok(value) => {
                    let [a, b, c, d] = value.to_le_bytes();
                    self.out.extend_from_slice(&[GET, key, Opcode::BinInt.code(), a, b, c, d]);
                }
                Err(_) => {
                    write::uint1(&mut self.out, Opcode::BinGet, key);
                    self.int(value);
                }
            },
        }
    }

    /// A key and a float.
    #[inline]
    pub(crate) fn key_and_float(&mut self, key: u8, value: f64) {
        let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
        self.out.extend_from_slice(&[GET, key, Opcode::BinFloat.code(), a, b, c, d, e, f, g, h]);
    }

    /// A key and a str of at most 255 bytes.
    #[inline]
    pub(crate) fn key_and_str(&mut self, key: u8, value: &[u8], len: u8) {
        self.out.reserve(4 + value.len());
        self.out.extend_from_slice(&[GET, key, Opcode::ShortBinUnicode.code(), len]);
        write::few(&mut self.out, value);
    }
}
