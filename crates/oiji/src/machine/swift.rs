//! The hot loop of reading: the three dozen ops that nearly all of every pickle is made of, straight from their bytes to the
//! builder, over a slice or a frame of a stream. Whatever else comes, every error, and all that lenient builders look at in
//! another way, is left to the machine.
//!
//! Here alone outside `op` encodings are known: decoding an op into an `Op` and matching it again cost three quarters of
//! the time on lists of numbers. `tests/properties.rs` holds this loop equal to the machine, which reads streams without
//! frames.

use crate::error::Result;
use crate::machine::{Builder, Machine};
use crate::op::number::Integer;
use crate::opcode::Opcode;
use crate::source::{Chunk, Ready, Source};

/// A builder that takes ops by the hot loop.
pub(crate) trait Swift<'de>: Builder<'de> {
    /// A float whose eight bytes stand at `offset` of the input.
    fn float_at(&mut self, offset: usize, value: f64) -> Result<Self::Value>;
    /// A str whose bytes are soon gone.
    fn copied_str(&mut self, text: &[u8]) -> Result<Self::Value>;
    /// A Python 2 `str` whose bytes are soon gone.
    fn copied_py2_str(&mut self, bytes: &[u8]) -> Result<Self::Value>;
    /// Takes note of where the op at work begins.
    fn at(&mut self, _offset: usize) {}
}

/// What becomes of text and floats in the bytes looked at.
trait Keep<'de, 'b, B: Swift<'de>> {
    fn str(builder: &mut B, text: &'b [u8]) -> Result<B::Value>;
    fn float(builder: &mut B, position: usize, value: f64) -> Result<B::Value>;
    fn py2_str(builder: &mut B, bytes: &'b [u8]) -> Result<B::Value>;
}

/// The bytes are the input itself: it is borrowed from.
struct Borrowed;

/// The bytes are soon gone.
struct Copied;

impl<'de, B: Swift<'de>> Keep<'de, 'de, B> for Borrowed {
    #[inline(always)]
    fn str(builder: &mut B, text: &'de [u8]) -> Result<B::Value> {
        builder.str(Chunk::Input(text))
    }

    #[inline(always)]
    fn float(builder: &mut B, position: usize, value: f64) -> Result<B::Value> {
        builder.float_at(position, value)
    }

    #[inline(always)]
    fn py2_str(builder: &mut B, bytes: &'de [u8]) -> Result<B::Value> {
        builder.py2_str(Chunk::Input(bytes))
    }
}

impl<'de, B: Swift<'de>> Keep<'de, '_, B> for Copied {
    #[inline(always)]
    fn str(builder: &mut B, text: &[u8]) -> Result<B::Value> {
        builder.copied_str(text)
    }

    #[inline(always)]
    fn float(builder: &mut B, _position: usize, value: f64) -> Result<B::Value> {
        builder.float(value)
    }

    #[inline(always)]
    fn py2_str(builder: &mut B, bytes: &[u8]) -> Result<B::Value> {
        builder.copied_py2_str(bytes)
    }
}

/// Runs at most `most` ops of what `source` holds ready, in no more than `room` bytes, as long as they are swift ones; gives
/// how many.
///
/// # Errors
/// What the builder refuses, with the offset.
#[inline]
pub(crate) fn run<'de, S: Source<'de>, B: Swift<'de>>(
    source: &mut S,
    machine: &mut Machine<B::Value>,
    builder: &mut B,
    most: u32,
    room: usize,
) -> Result<u32> {
    let offset = source.offset();
    let (ops, len) = match source.ready() {
        Ready::Input(input) => {
            let start = offset as usize;
            let bytes = &input[start..];
            over::<Borrowed, B>(&bytes[..room.min(bytes.len())], start, machine, builder, most)?
        }
        Ready::Buffer([]) => return Ok(0),
        Ready::Buffer(bytes) => {
            over::<Copied, B>(&bytes[..room.min(bytes.len())], offset as usize, machine, builder, most)?
        }
    };
    source.advance(len);
    Ok(ops)
}

#[inline(always)]
fn over<'de, 'b, K: Keep<'de, 'b, B>, B: Swift<'de>>(
    bytes: &'b [u8],
    offset: usize,
    machine: &mut Machine<B::Value>,
    builder: &mut B,
    most: u32,
) -> Result<(u32, usize)> {
    let mut position = 0;
    let mut ops = 0;
    while ops < most {
        let Some((&code, after)) = bytes[position..].split_first() else { break };
        builder.at(offset + position);
        match swift::<K, B>(code, after, offset + position, machine, builder) {
            Ok(0) => break,
            Ok(len) => position += len,
            Err(error) => return Err(error.at((offset + position) as u64)),
        }
        ops += 1;
    }
    Ok((ops, position))
}

const BININT1: u8 = Opcode::BinInt1.code();
const BININT2: u8 = Opcode::BinInt2.code();
const BININT: u8 = Opcode::BinInt.code();
const BINFLOAT: u8 = Opcode::BinFloat.code();
const NONE: u8 = Opcode::None.code();
const NEWTRUE: u8 = Opcode::NewTrue.code();
const NEWFALSE: u8 = Opcode::NewFalse.code();
const SHORT_BINUNICODE: u8 = Opcode::ShortBinUnicode.code();
const BINUNICODE: u8 = Opcode::BinUnicode.code();
const MEMOIZE: u8 = Opcode::Memoize.code();
const BINPUT: u8 = Opcode::BinPut.code();
const LONG_BINPUT: u8 = Opcode::LongBinPut.code();
const BINGET: u8 = Opcode::BinGet.code();
const LONG_BINGET: u8 = Opcode::LongBinGet.code();
const MARK: u8 = Opcode::Mark.code();
const EMPTY_TUPLE: u8 = Opcode::EmptyTuple.code();
const EMPTY_LIST: u8 = Opcode::EmptyList.code();
const EMPTY_DICT: u8 = Opcode::EmptyDict.code();
const TUPLE1: u8 = Opcode::Tuple1.code();
const TUPLE2: u8 = Opcode::Tuple2.code();
const TUPLE3: u8 = Opcode::Tuple3.code();
const TUPLE: u8 = Opcode::Tuple.code();
const APPEND: u8 = Opcode::Append.code();
const APPENDS: u8 = Opcode::Appends.code();
const SETITEM: u8 = Opcode::SetItem.code();
const SETITEMS: u8 = Opcode::SetItems.code();
const INT: u8 = Opcode::Int.code();
const LONG: u8 = Opcode::Long.code();
const PUT: u8 = Opcode::Put.code();
const GET: u8 = Opcode::Get.code();
const UNICODE: u8 = Opcode::Unicode.code();
const STRING: u8 = Opcode::String.code();

/// A memo index in decimal that no scan minds.
const SHORT_INDEX: u64 = 999_999;

/// Runs one op if it is a swift one and whole; gives its length in bytes, or 0.
#[inline(always)]
fn swift<'de, 'b, K: Keep<'de, 'b, B>, B: Swift<'de>>(
    code: u8,
    after: &'b [u8],
    position: usize,
    machine: &mut Machine<B::Value>,
    builder: &mut B,
) -> Result<usize> {
    match code {
        BININT1 => {
            let Some(&byte) = after.first() else { return Ok(0) };
            machine.push(builder.int(Integer::Small(i64::from(byte)))?);
            Ok(2)
        }
        BININT => {
            let Some(&bytes) = after.first_chunk::<4>() else { return Ok(0) };
            machine.push(builder.int(Integer::Small(i64::from(i32::from_le_bytes(bytes))))?);
            Ok(5)
        }
        BININT2 => {
            let Some(&bytes) = after.first_chunk::<2>() else { return Ok(0) };
            machine.push(builder.int(Integer::Small(i64::from(u16::from_le_bytes(bytes))))?);
            Ok(3)
        }
        BINFLOAT => {
            let Some(&bytes) = after.first_chunk::<8>() else { return Ok(0) };
            machine.push(K::float(builder, position + 1, f64::from_be_bytes(bytes))?);
            Ok(9)
        }
        BINGET => {
            let Some(&index) = after.first() else { return Ok(0) };
            let Some(id) = machine.memo().get(u64::from(index)).cloned() else { return Ok(0) };
            builder.again(&id);
            machine.push(id);
            Ok(2)
        }
        LONG_BINGET => {
            let Some(&bytes) = after.first_chunk::<4>() else { return Ok(0) };
            let Some(id) = machine.memo().get(u64::from(u32::from_le_bytes(bytes))).cloned() else { return Ok(0) };
            builder.again(&id);
            machine.push(id);
            Ok(5)
        }
        SHORT_BINUNICODE => {
            let Some((&len, text)) = after.split_first() else { return Ok(0) };
            let Some(text) = text.get(..usize::from(len)) else { return Ok(0) };
            machine.push(K::str(builder, text)?);
            Ok(2 + usize::from(len))
        }
        BINUNICODE => {
            let Some((&len, text)) = after.split_first_chunk::<4>() else { return Ok(0) };
            let len = u32::from_le_bytes(len) as usize;
            let Some(text) = text.get(..len) else { return Ok(0) };
            machine.push(K::str(builder, text)?);
            Ok(5 + len)
        }
        MEMOIZE | BINPUT | LONG_BINPUT | PUT | TUPLE1 if B::LENIENT && !machine.has(1) => Ok(0),
        TUPLE2 | APPEND if B::LENIENT && !machine.has(2) => Ok(0),
        TUPLE3 | SETITEM if B::LENIENT && !machine.has(3) => Ok(0),
        TUPLE | APPENDS | SETITEMS if B::LENIENT && !machine.has_marked(code == SETITEMS) => Ok(0),
        MEMOIZE => machine.put(machine.memo().count(), Opcode::Memoize).map(|_| 1),
        BINPUT => {
            let Some(&index) = after.first() else { return Ok(0) };
            machine.put(u64::from(index), Opcode::BinPut).map(|_| 2)
        }
        LONG_BINPUT => {
            let Some(&bytes) = after.first_chunk::<4>() else { return Ok(0) };
            let index = u64::from(u32::from_le_bytes(bytes));
            if B::LENIENT && index > machine.memo().count() {
                return Ok(0);
            }
            machine.put(index, Opcode::LongBinPut).map(|_| 5)
        }
        NONE => {
            machine.push(builder.none()?);
            Ok(1)
        }
        NEWTRUE | NEWFALSE => {
            machine.push(builder.bool(code == NEWTRUE)?);
            Ok(1)
        }
        MARK => {
            machine.mark();
            Ok(1)
        }
        EMPTY_TUPLE => {
            machine.push(builder.tuple(&[])?);
            Ok(1)
        }
        EMPTY_LIST => {
            machine.push(builder.list(&[])?);
            Ok(1)
        }
        EMPTY_DICT => {
            machine.push(builder.dict(&[])?);
            Ok(1)
        }
        TUPLE1 => machine.tuple(1, Opcode::Tuple1, builder).map(|_| 1),
        TUPLE2 => machine.tuple(2, Opcode::Tuple2, builder).map(|_| 1),
        TUPLE3 => machine.tuple(3, Opcode::Tuple3, builder).map(|_| 1),
        TUPLE => machine.marked_tuple(builder).map(|_| 1),
        APPEND => machine.append(builder).map(|_| 1),
        APPENDS => machine.appends(builder).map(|_| 1),
        SETITEM => machine.set_item(builder).map(|_| 1),
        SETITEMS => machine.set_items(builder).map(|_| 1),
        INT | LONG => {
            let Some(line) = digits(after) else { return Ok(0) };
            let (end, most) = (if code == LONG { b'L' } else { b'\n' }, machine.budget().limits().int_digits);
            // `I00` and `I01` are bools, and readers differ over other zeros. Above 18 digits it is no work for a hot loop.
            if line.end != end || line.count as u64 > most || (line.starts_with_0 && line.count > 1) {
                return Ok(0);
            }
            machine.push(builder.int(Integer::Small(line.value))?);
            Ok(1 + line.len + if code == LONG { 2 } else { 1 })
        }
        PUT | GET => {
            let plain = |line: &Digits| line.end == b'\n' && !(line.starts_with_0 && line.count > 1);
            let Some(line) = digits(after).filter(plain) else { return Ok(0) };
            let Ok(index) = u64::try_from(line.value) else { return Ok(0) };
            if code == PUT {
                if B::LENIENT && index > machine.memo().count().min(SHORT_INDEX) {
                    return Ok(0);
                }
                machine.put(index, Opcode::Put)?;
            } else {
                let Some(id) = machine.memo().get(index).cloned() else { return Ok(0) };
                builder.again(&id);
                machine.push(id);
            }
            Ok(2 + line.len)
        }
        UNICODE | STRING => {
            let Some(text) = plain_line(after) else { return Ok(0) };
            let len = text.len() + 2;
            if code == UNICODE {
                machine.push(K::str(builder, text)?);
                return Ok(len);
            }
            let ([b'\'', text @ .., b'\''] | [b'"', text @ .., b'"']) = text else { return Ok(0) };
            machine.push(K::py2_str(builder, text)?);
            Ok(len)
        }
        _ => Ok(0),
    }
}

/// A number at the beginning of a line.
struct Digits {
    value: i64,
    /// How many digits.
    count: usize,
    starts_with_0: bool,
    /// The length of it all, with the sign.
    len: usize,
    /// The byte after it; `L` only before a newline.
    end: u8,
}

/// Up to 18 digits, maybe after a minus.
#[inline(always)]
fn digits(line: &[u8]) -> Option<Digits> {
    let sign = usize::from(*line.first()? == b'-');
    let (mut value, mut count) = (0, 0);
    let end = loop {
        match *line.get(sign + count)? {
            digit @ b'0'..=b'9' if count < 18 => value = value * 10 + i64::from(digit - b'0'),
            end => break end,
        }
        count += 1;
    };
    let len = sign + count;
    let ends = end == b'\n' || (end == b'L' && line.get(len + 1) == Some(&b'\n'));
    if count == 0 || !ends {
        return None;
    }
    let value = if sign == 1 { -value } else { value };
    Some(Digits { value, count, starts_with_0: line[sign] == b'0', len, end })
}

/// A line of ASCII, without escapes or a carriage return, which have meanings of their own.
#[inline(always)]
fn plain_line(after: &[u8]) -> Option<&[u8]> {
    let line = &after[..memchr::memchr(b'\n', after)?];
    let is_plain = line.iter().fold(true, |all, byte| all & byte.is_ascii() & (*byte != b'\\') & (*byte != b'\r'));
    is_plain.then_some(line)
}
