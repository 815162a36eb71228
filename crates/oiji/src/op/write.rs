//! Ops out: each kind of argument appended to a vector. The inverse of `read`, byte for byte.

use crate::op::{Arg, Op};
use crate::opcode::{ArgKind, Opcode};

/// Appends `op` exactly as it stood where it was read.
///
/// ```
/// use oiji::op::{read_op, write::write_op};
/// use oiji::source::SliceSource;
/// let mut out = Vec::new();
/// write_op(&mut out, &read_op(&mut SliceSource::new(b"I007\n"))?);
/// assert_eq!(out, b"I007\n");
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn write_op(out: &mut Vec<u8>, op: &Op<'_, '_>) {
    match &op.arg {
        Arg::None => simple(out, op.opcode),
        Arg::Uint(value) => match op.opcode.arg() {
            ArgKind::Uint1 => uint1(out, op.opcode, *value as u8),
            ArgKind::Uint2 => uint2(out, op.opcode, *value as u16),
            ArgKind::Uint4 => uint4(out, op.opcode, *value as u32),
            _ => uint8(out, op.opcode, *value),
        },
        Arg::Int(value) => uint4(out, op.opcode, *value as u32),
        Arg::Float(value) => float8(out, op.opcode, *value),
        Arg::Line(text) | Arg::Lines { text, .. } => line(out, op.opcode, text),
        Arg::Bytes(bytes) => {
            length(out, op.opcode, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

/// Appends an op without an argument.
#[inline]
pub fn simple(out: &mut Vec<u8>, opcode: Opcode) {
    out.push(opcode.code());
}

/// Appends an op with one unsigned byte.
#[inline]
pub fn uint1(out: &mut Vec<u8>, opcode: Opcode, value: u8) {
    out.extend_from_slice(&[opcode.code(), value]);
}

/// Appends an op with two bytes.
#[inline]
pub fn uint2(out: &mut Vec<u8>, opcode: Opcode, value: u16) {
    let [a, b] = value.to_le_bytes();
    out.extend_from_slice(&[opcode.code(), a, b]);
}

/// Appends an op with four bytes, signed or not.
#[inline]
pub fn uint4(out: &mut Vec<u8>, opcode: Opcode, value: u32) {
    let [a, b, c, d] = value.to_le_bytes();
    out.extend_from_slice(&[opcode.code(), a, b, c, d]);
}

/// Appends the shortest binary op of an int: `BININT1`, `BININT2` or `BININT`.
#[inline]
pub fn int(out: &mut Vec<u8>, value: i32) {
    match value as u32 {
        byte @ 0..=0xff => uint1(out, Opcode::BinInt1, byte as u8),
        short @ 0x100..=0xffff => uint2(out, Opcode::BinInt2, short as u16),
        word => uint4(out, Opcode::BinInt, word),
    }
}

/// Appends an op with eight bytes.
#[inline]
pub fn uint8(out: &mut Vec<u8>, opcode: Opcode, value: u64) {
    let mut bytes = [opcode.code(); 9];
    bytes[1..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&bytes);
}

/// Appends an op with a float of eight bytes.
#[inline]
pub fn float8(out: &mut Vec<u8>, opcode: Opcode, value: f64) {
    let mut bytes = [opcode.code(); 9];
    bytes[1..].copy_from_slice(&value.to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// Appends bytes that are mostly few, and up to sixteen without a call, which would cost more than they do.
#[cfg(feature = "serde")]
#[inline(always)]
pub(crate) fn few(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = bytes.len();
    // Both ends, one over the other where they meet.
    let both = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        if len > 16 {
            return out.extend_from_slice(bytes);
        }
        u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << (8 * (len - 8))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u128::from(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4)))
    } else if let ([first, ..], [.., last]) = (bytes, bytes) {
        u128::from(
            u32::from(*first) | u32::from(bytes[len / 2]) << (8 * (len / 2)) | u32::from(*last) << (8 * (len - 1)),
        )
    } else {
        return;
    };
    let end = out.len() + len;
    out.extend_from_slice(&both.to_le_bytes());
    out.truncate(end);
}

/// Appends an op with a line of text, or two lines with the newline between them.
pub fn line(out: &mut Vec<u8>, opcode: Opcode, text: &[u8]) {
    out.push(opcode.code());
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// Appends an op whose argument is `len` bytes that the caller appends next.
///
/// `len` must fit the length prefix of the opcode, as it does for every op that was read.
#[inline]
pub fn length(out: &mut Vec<u8>, opcode: Opcode, len: usize) {
    match opcode.arg() {
        ArgKind::Long1 | ArgKind::String1 | ArgKind::Bytes1 | ArgKind::UnicodeString1 => {
            uint1(out, opcode, len as u8);
        }
        ArgKind::Bytes8 | ArgKind::ByteArray8 | ArgKind::UnicodeString8 => uint8(out, opcode, len as u64),
        _ => uint4(out, opcode, len as u32),
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_are_appended_as_many_are() {
        let bytes: Vec<u8> = (1..=40).collect();
        for len in 0..bytes.len() {
            let mut out = vec![0];
            few(&mut out, &bytes[..len]);
            assert_eq!(out, [&[0], &bytes[..len]].concat());
        }
    }
}
