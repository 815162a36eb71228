//! The hot loop of reading: the three dozen ops that nearly all of every pickle is made of, straight from their bytes to the
//! builder, over a slice or a frame of a stream. Whatever else comes, and every error, is left to the machine.
//!
//! Here alone outside `op` encodings are known: decoding an op into an `Op` and matching it again cost three quarters of
//! the time on lists of numbers. `tests/properties.rs` holds this loop equal to the machine, which reads streams without
//! frames.

use crate::error::Result;
use crate::graph::arena::Id;
use crate::graph::build::GraphBuilder;
use crate::machine::{Builder, Machine};
use crate::op::number::Integer;
use crate::opcode::Opcode;
use crate::source::{Chunk, Ready, Source};

/// What becomes of text and floats in the bytes looked at.
trait Keep<'a, 'b> {
    fn str(builder: &mut GraphBuilder<'a>, text: &'b [u8]) -> Result<Id>;
    fn float(builder: &mut GraphBuilder<'a>, position: usize, value: f64) -> Result<Id>;
    fn py2_str(builder: &mut GraphBuilder<'a>, bytes: &'b [u8]) -> Result<Id>;
}

/// The bytes are the input itself: it is borrowed from.
struct Borrowed;

/// The bytes are soon gone.
struct Copied;

impl<'a> Keep<'a, 'a> for Borrowed {
    #[inline(always)]
    fn str(builder: &mut GraphBuilder<'a>, text: &'a [u8]) -> Result<Id> {
        builder.str(Chunk::Input(text))
    }

    #[inline(always)]
    fn float(builder: &mut GraphBuilder<'a>, position: usize, value: f64) -> Result<Id> {
        builder.float_at(position, value)
    }

    #[inline(always)]
    fn py2_str(builder: &mut GraphBuilder<'a>, bytes: &'a [u8]) -> Result<Id> {
        builder.py2_str(Chunk::Input(bytes))
    }
}

impl<'a> Keep<'a, '_> for Copied {
    #[inline(always)]
    fn str(builder: &mut GraphBuilder<'a>, text: &[u8]) -> Result<Id> {
        builder.copied_str(text)
    }

    #[inline(always)]
    fn float(builder: &mut GraphBuilder<'a>, _position: usize, value: f64) -> Result<Id> {
        builder.float(value)
    }

    #[inline(always)]
    fn py2_str(builder: &mut GraphBuilder<'a>, bytes: &[u8]) -> Result<Id> {
        builder.copied_py2_str(bytes)
    }
}

/// Runs at most `most` ops of what `source` holds ready, in no more than `room` bytes, as long as they are swift ones; gives
/// how many.
///
/// # Errors
/// What the builder refuses, with the offset.
#[inline]
pub(super) fn run<'a, S: Source<'a>>(
    source: &mut S,
    machine: &mut Machine<Id>,
    builder: &mut GraphBuilder<'a>,
    most: u32,
    room: usize,
) -> Result<u32> {
    let offset = source.offset();
    let (ops, len) = match source.ready() {
        Ready::Input(input) => {
            let start = offset as usize;
            let bytes = &input[start..];
            over::<Borrowed>(&bytes[..room.min(bytes.len())], start, machine, builder, most)?
        }
        Ready::Buffer([]) => return Ok(0),
        Ready::Buffer(bytes) => {
            over::<Copied>(&bytes[..room.min(bytes.len())], offset as usize, machine, builder, most)?
        }
    };
    source.advance(len);
    Ok(ops)
}

#[inline(always)]
fn over<'a, 'b, K: Keep<'a, 'b>>(
    bytes: &'b [u8],
    offset: usize,
    machine: &mut Machine<Id>,
    builder: &mut GraphBuilder<'a>,
    most: u32,
) -> Result<(u32, usize)> {
    let mut position = 0;
    let mut ops = 0;
    while ops < most {
        let Some((&code, after)) = bytes[position..].split_first() else { break };
        match swift::<K>(code, after, offset + position, machine, builder) {
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

/// Runs one op if it is a swift one and whole; gives its length in bytes, or 0.
#[inline(always)]
fn swift<'a, 'b, K: Keep<'a, 'b>>(
    code: u8,
    after: &'b [u8],
    position: usize,
    machine: &mut Machine<Id>,
    builder: &mut GraphBuilder<'a>,
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
            let Some(&id) = machine.memo().get(u64::from(index)) else { return Ok(0) };
            builder.again(&id);
            machine.push(id);
            Ok(2)
        }
        LONG_BINGET => {
            let Some(&bytes) = after.first_chunk::<4>() else { return Ok(0) };
            let Some(&id) = machine.memo().get(u64::from(u32::from_le_bytes(bytes))) else { return Ok(0) };
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
        MEMOIZE => machine.put(machine.memo().count(), Opcode::Memoize).map(|_| 1),
        BINPUT => {
            let Some(&index) = after.first() else { return Ok(0) };
            machine.put(u64::from(index), Opcode::BinPut).map(|_| 2)
        }
        LONG_BINPUT => {
            let Some(&bytes) = after.first_chunk::<4>() else { return Ok(0) };
            machine.put(u64::from(u32::from_le_bytes(bytes)), Opcode::LongBinPut).map(|_| 5)
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
                machine.put(index, Opcode::Put)?;
            } else {
                let Some(&id) = machine.memo().get(index) else { return Ok(0) };
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
