//! Ops in: the argument of each kind, taken from any source. Knows encodings and lengths, not meanings.

use crate::error::{ErrorKind, Result};
use crate::op::{Arg, Op};
use crate::opcode::{ArgKind, Opcode};
use crate::source::Source;

/// Reads one op.
///
/// # Errors
/// `UnexpectedEnd` if the input stops before or inside it, `UnknownOpcode`, `InvalidArgument` for a negative length, and
/// what the source says. The offset is that of the op's first byte.
pub fn read_op<'s, 'de, S: Source<'de>>(source: &'s mut S) -> Result<Op<'s, 'de>> {
    let offset = source.offset();
    let code = match source.byte() {
        Ok(Some(code)) => code,
        Ok(None) => return Err(crate::Error::from(ErrorKind::UnexpectedEnd { expected: "an opcode" }).at(offset)),
        Err(error) => return Err(error.at(offset)),
    };
    let Some(opcode) = Opcode::from_code(code) else {
        return Err(crate::Error::from(ErrorKind::UnknownOpcode { code }).at(offset));
    };
    match read_arg(source, opcode) {
        Ok(arg) => Ok(Op { opcode, arg }),
        Err(error) => Err(error.at(offset)),
    }
}

#[inline]
fn read_arg<'s, 'de, S: Source<'de>>(source: &'s mut S, opcode: Opcode) -> Result<Arg<'s, 'de>> {
    Ok(match opcode.arg() {
        ArgKind::None => Arg::None,
        ArgKind::Uint1 => Arg::Uint(u64::from(read_u8(source)?)),
        ArgKind::Uint2 => Arg::Uint(u64::from(u16::from_le_bytes(source.array()?))),
        ArgKind::Uint4 => Arg::Uint(u64::from(read_u32(source)?)),
        ArgKind::Uint8 => Arg::Uint(read_u64(source)?),
        ArgKind::Int4 => Arg::Int(i32::from_le_bytes(source.array()?)),
        ArgKind::Float8 => Arg::Float(f64::from_be_bytes(source.array()?)),
        ArgKind::FloatNl
        | ArgKind::DecimalNlShort
        | ArgKind::DecimalNlLong
        | ArgKind::StringNl
        | ArgKind::StringNlNoEscape
        | ArgKind::UnicodeStringNl => Arg::Line(source.line()?),
        ArgKind::StringNlNoEscapePair => {
            let (text, first_len) = source.lines()?;
            Arg::Lines { text, first_len }
        }
        ArgKind::Long1 | ArgKind::String1 | ArgKind::Bytes1 | ArgKind::UnicodeString1 => {
            let len = read_u8(source)?;
            Arg::Bytes(source.take(u64::from(len))?)
        }
        ArgKind::Long4 | ArgKind::String4 => {
            let len = i32::from_le_bytes(source.array()?);
            let len = u64::try_from(len).map_err(|_| ErrorKind::InvalidArgument {
                opcode: opcode.name(),
                problem: format!("negative length {len}"),
            })?;
            Arg::Bytes(source.take(len)?)
        }
        ArgKind::Bytes4 | ArgKind::UnicodeString4 => {
            let len = read_u32(source)?;
            Arg::Bytes(source.take(u64::from(len))?)
        }
        ArgKind::Bytes8 | ArgKind::ByteArray8 | ArgKind::UnicodeString8 => {
            let len = read_u64(source)?;
            Arg::Bytes(source.take(len)?)
        }
    })
}

#[inline]
fn read_u8<'de, S: Source<'de>>(source: &mut S) -> Result<u8> {
    let [byte] = source.array()?;
    Ok(byte)
}

#[inline]
fn read_u32<'de, S: Source<'de>>(source: &mut S) -> Result<u32> {
    Ok(u32::from_le_bytes(source.array()?))
}

#[inline]
fn read_u64<'de, S: Source<'de>>(source: &mut S) -> Result<u64> {
    Ok(u64::from_le_bytes(source.array()?))
}
