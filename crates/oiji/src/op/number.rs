//! Numbers as pickles write them: decimal text, two's complement of any length, floats.
//!
//! Text is accepted as `_pickle` of CPython 3.14 accepts it, which is base 10 throughout, and with a NUL nowhere: see
//! `parse_int`. What is written is what `repr` of Python writes. Nothing here knows which op a number belongs to.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use num_bigint::{BigInt, BigUint, Sign};

use crate::error::{Error, ErrorKind, Result};

/// An integer of any size.
///
/// One value has one form, so that equal integers compare equal: `Big` is only for what does not fit into `Small`.
///
/// ```
/// use oiji::op::number::Integer;
/// assert_eq!(Integer::from_le(b"\xff\x00"), Integer::Small(255));
/// assert_eq!(Integer::Small(-1).to_le().as_ref(), b"\xff");
/// assert_eq!(Integer::from_le(&[0, 0, 0, 0, 0, 0, 0, 0, 1]).to_string(), "18446744073709551616");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Integer<'a> {
    /// What fits into 64 bits.
    Small(i64),
    /// Little-endian two's complement, as short as it can be, more than 8 bytes.
    Big(Cow<'a, [u8]>),
}

impl<'a> Integer<'a> {
    /// What `le` says as little-endian two's complement of any length; empty means zero.
    ///
    /// Source: `pickletools.long1`.
    #[inline]
    pub fn from_le(le: &'a [u8]) -> Self {
        let le = trim_le(le);
        match small_le(le) {
            Some(value) => Integer::Small(value),
            None => Integer::Big(Cow::Borrowed(le)),
        }
    }

    /// The shortest little-endian two's complement, empty for zero, as `LONG1` writes it.
    pub fn to_le(&self) -> Cow<'_, [u8]> {
        match self {
            Integer::Small(0) => Cow::Borrowed(&[]),
            Integer::Small(value) => Cow::Owned(trim_le(&value.to_le_bytes()).to_vec()),
            Integer::Big(le) => Cow::Borrowed(le),
        }
    }

    /// Appends what `to_le` gives, without a vector of its own.
    pub fn write_le(&self, out: &mut Vec<u8>) {
        match self {
            Integer::Small(value) => out.extend_from_slice(trim_le(&value.to_le_bytes())),
            Integer::Big(le) => out.extend_from_slice(le),
        }
    }

    /// Bytes that `to_le` gives.
    pub fn le_len(&self) -> usize {
        match self {
            Integer::Small(value) => trim_le(&value.to_le_bytes()).len(),
            Integer::Big(le) => le.len(),
        }
    }

    /// The same integer, holding its own bytes.
    pub fn into_owned(self) -> Integer<'static> {
        match self {
            Integer::Small(value) => Integer::Small(value),
            Integer::Big(le) => Integer::Big(Cow::Owned(le.into_owned())),
        }
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        match self {
            Integer::Small(value) => *value < 0,
            Integer::Big(le) => le.last().is_some_and(|byte| byte & 0x80 != 0),
        }
    }

    fn from_owned_le(le: Vec<u8>) -> Integer<'static> {
        Integer::from_le(&le).into_owned()
    }
}

impl From<i64> for Integer<'_> {
    fn from(value: i64) -> Self {
        Integer::Small(value)
    }
}

/// Decimal digits, as Python shows an int.
impl fmt::Display for Integer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Integer::Small(value) => value.fmt(f),
            Integer::Big(le) => {
                let digits = decimal(le);
                let magnitude = digits.strip_prefix('-').unwrap_or(&digits);
                f.pad_integral(!self.is_negative(), "", magnitude)
            }
        }
    }
}

/// The longest prefix-free form: without the bytes at the end that only repeat the sign.
#[inline]
fn trim_le(le: &[u8]) -> &[u8] {
    let mut len = le.len();
    while len > 0 {
        let below = if len > 1 { le[len - 2] } else { 0 };
        let repeats = match le[len - 1] {
            0x00 => below & 0x80 == 0,
            0xff => below & 0x80 != 0,
            _ => false,
        };
        if !repeats {
            break;
        }
        len -= 1;
    }
    &le[..len]
}

/// The value of at most eight trimmed bytes.
#[inline]
fn small_le(le: &[u8]) -> Option<i64> {
    let fill = match le.last() {
        Some(byte) if byte & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut bytes = [fill; 8];
    bytes.get_mut(..le.len())?.copy_from_slice(le);
    Some(i64::from_le_bytes(bytes))
}

/// What the text of an `INT` op says.
///
/// ```
/// use oiji::op::number::{Integer, IntText, parse_int};
/// assert_eq!(parse_int(b"01", 100)?, IntText::Bool(true));
/// assert_eq!(parse_int(b"1", 100)?, IntText::Int(Integer::Small(1)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntText<'a> {
    /// `00` or `01`, which is how protocols 0 and 1 say `False` and `True`.
    Bool(bool),
    /// Anything else.
    Int(Integer<'a>),
}

/// Parses the line of an `INT` op: `00` and `01` are bools, the rest is what `int(line)` takes in ASCII.
///
/// Readers disagree on odd lines, and `_pickle` itself has changed. Up to 3.13 it took base 0 (`0x10`, and `010` as 8),
/// any two characters worth 0 or 1 as a bool (` 1`, `+0`), and everything after a NUL as not there. From 3.14 on
/// it is base 10 and the two texts alone; that is what is accepted here. A NUL is refused, since no writer makes one
/// and other readers refuse it.
///
/// # Errors
/// `InvalidNumber`; `Limit` if there are more than `max_digits` digits.
pub fn parse_int(line: &[u8], max_digits: u64) -> Result<IntText<'static>> {
    match line {
        b"00" => Ok(IntText::Bool(false)),
        b"01" => Ok(IntText::Bool(true)),
        _ => parse_decimal(line, max_digits, "int").map(IntText::Int),
    }
}

/// Parses the line of a `LONG` op: what `int(line)` takes in ASCII, after one `L` at the very end is taken away.
///
/// The `L` may be missing, but nothing may follow it. As with `parse_int`, base 10 only and no NUL.
///
/// # Errors
/// `InvalidNumber`; `Limit` if there are more than `max_digits` digits.
pub fn parse_long(line: &[u8], max_digits: u64) -> Result<Integer<'static>> {
    match parse_decimal(line.strip_suffix(b"L").unwrap_or(line), max_digits, "long") {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidNumber { .. }) => Err(invalid("long", line)),
        result => result,
    }
}

/// Parses the line of a `GET` or `PUT` op: a memo index, with all that `int(line)` takes in ASCII.
///
/// # Errors
/// `InvalidNumber` if it is no number, negative, or more than CPython's `Py_ssize_t` (2^63 - 1) holds.
#[inline]
pub fn parse_index(line: &[u8]) -> Result<u64> {
    // Nearly every index is a few plain digits.
    if !line.is_empty() && line.len() <= 18 && line.iter().all(u8::is_ascii_digit) {
        return Ok(plain_digits(line));
    }
    match parse_decimal(line, u64::MAX, "memo index") {
        Ok(Integer::Small(value)) => u64::try_from(value).map_err(|_| invalid("memo index", line)),
        Ok(Integer::Big(_)) => Err(invalid("memo index", line)),
        Err(error) => Err(error),
    }
}

/// Parses the line of a `FLOAT` op.
///
/// Narrower than Python's `float()`: no space before or after, no underscores. `inf`, `infinity` and `nan` go in any
/// case and with a sign. Text too large for a float is refused, not made infinite; only `inf` is infinite.
///
/// # Errors
/// `InvalidNumber`.
pub fn parse_float(line: &[u8]) -> Result<f64> {
    let value = std::str::from_utf8(line).ok().and_then(|text| text.parse::<f64>().ok());
    match value {
        // In words an infinity holds an `i`; in digits it cannot.
        Some(value) if value.is_infinite() && !line.iter().any(|byte| byte.eq_ignore_ascii_case(&b'i')) => {
            Err(invalid("float", line))
        }
        Some(value) => Ok(value),
        None => Err(invalid("float", line)),
    }
}

fn parse_decimal(line: &[u8], max_digits: u64, expected: &'static str) -> Result<Integer<'static>> {
    let text = trim_space(line);
    let (negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let digits = without_underscores(text).ok_or_else(|| invalid(expected, line))?;
    if digits.len() as u64 > max_digits {
        return Err(ErrorKind::Limit { limit: "int_digits", allowed: max_digits }.into());
    }
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() <= 18 {
        let value = plain_digits(digits) as i64;
        return Ok(Integer::Small(if negative { -value } else { value }));
    }
    let magnitude = big_digits(digits).ok_or_else(|| invalid(expected, line))?;
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    Ok(Integer::from_owned_le(BigInt::from_biguint(sign, magnitude).to_signed_bytes_le()))
}

/// Only digits, or nothing if `text` has no digit or anything else but single underscores between digits.
fn without_underscores(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        return Some(Cow::Borrowed(text));
    }
    let mut digits = Vec::with_capacity(text.len());
    for group in text.split(|&byte| byte == b'_') {
        if group.is_empty() || !group.iter().all(u8::is_ascii_digit) {
            return None;
        }
        digits.extend_from_slice(group);
    }
    Some(Cow::Owned(digits))
}

/// Without the space around it: C's `isspace`, which has one more character (VT) than Rust's ASCII whitespace.
fn trim_space(line: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = line.iter().position(|byte| !is_space(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

/// The value of at most 18 digits.
#[inline]
fn plain_digits(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, &digit| value * 10 + u64::from(digit - b'0'))
}

/// The value of any number of digits, by joining neighbours again and again.
///
/// num-bigint 0.5 reads digits in quadratic time: 0.94 s for a million, against 0.1 s this way.
fn big_digits(digits: &[u8]) -> Option<BigUint> {
    const LEAF: usize = 19 * 32;
    let mut parts: Vec<BigUint> =
        digits.rchunks(LEAF).map(|leaf| BigUint::parse_bytes(leaf, 10)).collect::<Option<_>>()?;
    // 10^n is 5^n shifted by n, and a product with 5^n is the smaller one.
    let mut exponent = LEAF;
    let mut power = BigUint::from(5u8).pow(LEAF as u32);
    while parts.len() > 1 {
        let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(low) = rest.next() {
            joined.push(match rest.next() {
                Some(high) => ((high * &power) << exponent) + low,
                None => low,
            });
        }
        parts = joined;
        if parts.len() > 1 {
            power = &power * &power;
            exponent *= 2;
        }
    }
    parts.pop()
}

#[cold]
fn invalid(expected: &'static str, line: &[u8]) -> Error {
    const SHOWN: usize = 40;
    let mut found = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).into_owned();
    if line.len() > SHOWN {
        found.push_str("...");
    }
    ErrorKind::InvalidNumber { expected, found }.into()
}

/// Appends `value` in decimal digits.
pub fn write_decimal(out: &mut Vec<u8>, value: &Integer<'_>) {
    match value {
        Integer::Small(value) => {
            // Writing to a vector cannot fail.
            let _ = write!(out, "{value}");
        }
        Integer::Big(le) => out.extend_from_slice(decimal(le).as_bytes()),
    }
}

/// The decimal digits of little-endian two's complement of any length. A million digits take about 0.2 s.
pub fn decimal(le: &[u8]) -> String {
    match Integer::from_le(le) {
        Integer::Small(value) => value.to_string(),
        Integer::Big(le) => BigInt::from_signed_bytes_le(&le).to_string(),
    }
}

/// What Python's `repr` of a float gives: the fewest digits that read back the same.
///
/// ```
/// use oiji::op::number::format_float;
/// assert_eq!(format_float(1.0), "1.0");
/// assert_eq!(format_float(1e16), "1e+16");
/// assert_eq!(format_float(0.00001), "1e-05");
/// ```
pub fn format_float(value: f64) -> String {
    let mut out = Vec::with_capacity(24);
    write_float(&mut out, value);
    out.iter().copied().map(char::from).collect()
}

/// Appends what `format_float` gives, as the `FLOAT` op writes it.
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"inf");
    }
    let shortest = Shortest::of(value.abs());
    let (digits, exponent) = (&shortest.digits[..shortest.len], shortest.exponent);
    match exponent {
        0..16 => {
            let whole = exponent as usize + 1;
            let (before, after) = digits.split_at(whole.min(digits.len()));
            out.extend_from_slice(before);
            out.resize(out.len() + (whole - before.len()), b'0');
            out.push(b'.');
            out.extend_from_slice(if after.is_empty() { b"0" } else { after });
        }
        -4..0 => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-exponent - 1) as usize, b'0');
            out.extend_from_slice(digits);
        }
        _ => {
            let (first, after) = digits.split_at(1.min(digits.len()));
            out.extend_from_slice(first);
            if !after.is_empty() {
                out.push(b'.');
                out.extend_from_slice(after);
            }
            let sign = if exponent < 0 { '-' } else { '+' };
            let _ = write!(out, "e{sign}{:02}", exponent.abs());
        }
    }
}

/// `d.ddd * 10^exponent` with the fewest digits, of which zero has one.
struct Shortest {
    digits: [u8; 24],
    len: usize,
    exponent: i32,
}

impl Shortest {
    /// Takes what `zmij` prints apart, whichever of its forms it chooses.
    ///
    /// Not std's `{:e}`: where two shortest texts are equally near, Python takes the even digit, and std (1.95) does
    /// not always: `1699035690989648.25`.
    fn of(value: f64) -> Self {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = whole.bytes().chain(fraction.bytes());
        let zeros = written.clone().take_while(|&digit| digit == b'0').count();
        let mut shortest = Shortest { digits: [b'0'; 24], len: 1, exponent: 0 };
        for (index, (place, digit)) in shortest.digits.iter_mut().zip(written.skip(zeros)).enumerate() {
            *place = digit;
            if digit != b'0' {
                shortest.len = index + 1;
            }
        }
        if value != 0.0 {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            shortest.exponent = exponent + whole.len() as i32 - 1 - zeros as i32;
        }
        shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same_lines, hex, noise, python};

    const NO_LIMIT: u64 = u64::MAX;

    fn int(line: &[u8]) -> Option<IntText<'static>> {
        parse_int(line, NO_LIMIT).ok()
    }

    fn number(value: i64) -> Option<IntText<'static>> {
        Some(IntText::Int(Integer::Small(value)))
    }

    #[test]
    fn two_texts_are_bools_and_no_others() {
        assert_eq!(int(b"00"), Some(IntText::Bool(false)));
        assert_eq!(int(b"01"), Some(IntText::Bool(true)));
        for (line, value) in
            [(&b" 1"[..], 1), (b"+0", 0), (b" 0", 0), (b"-0", 0), (b"001", 1), (b"01 ", 1), (b"0", 0), (b"1", 1)]
        {
            assert_eq!(int(line), number(value), "{line:?}");
        }
    }

    #[test]
    fn int_text_is_decimal_with_space_around_and_underscores_between() {
        let cases: [(&[u8], i64); 8] = [
            (b"\t7", 7),
            (b" 12 ", 12),
            (b"1\r", 1),
            (b"\x0b\x0c5", 5),
            (b"1_000", 1000),
            (b"0_1", 1),
            (b"010", 10),
            (b"-5", -5),
        ];
        for (line, value) in cases {
            assert_eq!(int(line), number(value), "{line:?}");
        }
        let refused: [&[u8]; 22] = [
            b"",
            b" ",
            b"+",
            b"-",
            b"--1",
            b"- 5",
            b"_1",
            b"1_",
            b"1__0",
            b"+_1",
            b"1L",
            b"1.0",
            b"1e3",
            b"True",
            b"0x10",
            b"0o17",
            b"0b11",
            b"1\0",
            b"1\0junk",
            b"\xef\xbc\x91",
            b"1 2",
            b"\x1c1",
        ];
        for line in refused {
            assert_eq!(int(line), None, "{line:?}");
        }
    }

    #[test]
    fn one_l_may_end_a_long() {
        let long = |line: &[u8]| parse_long(line, NO_LIMIT).ok();
        for (line, value) in [(&b"1L"[..], 1), (b"1", 1), (b" 1L", 1), (b"1 L", 1), (b"-1L", -1), (b"010L", 10)] {
            assert_eq!(long(line), Some(Integer::Small(value)), "{line:?}");
        }
        for line in [&b"1LL"[..], b"L", b"1l", b"1L ", b"", b"0x10L", b"1\0L", b"1\0"] {
            assert_eq!(long(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_memo_index_is_never_negative_nor_too_large() {
        let cases: [(&[u8], u64); 8] = [
            (b"0", 0),
            (b" 1", 1),
            (b"+1", 1),
            (b"01", 1),
            (b"1_0", 10),
            (b"1\r", 1),
            (b"-0", 0),
            (b"9223372036854775807", i64::MAX as u64),
        ];
        for (line, index) in cases {
            assert_eq!(parse_index(line).ok(), Some(index), "{line:?}");
        }
        for line in [&b"-1"[..], b"", b"0x1", b"1L", b"9223372036854775808", b"999999999999999999999", b"1\0z"] {
            assert!(parse_index(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn float_text_takes_no_space_and_does_not_overflow() {
        let cases: [(&[u8], f64); 11] = [
            (b"1.5", 1.5),
            (b"1.", 1.0),
            (b".5", 0.5),
            (b"+1E5", 1e5),
            (b"1e-400", 0.0),
            (b"0e999999999999999999999", 0.0),
            (b"inf", f64::INFINITY),
            (b"-Infinity", f64::NEG_INFINITY),
            (b"007", 7.0),
            (b"-0", -0.0),
            (b"4.9e-324", 5e-324),
        ];
        for (line, value) in cases {
            assert_eq!(parse_float(line).ok().map(f64::to_bits), Some(value.to_bits()), "{line:?}");
        }
        assert!(parse_float(b"nan").is_ok_and(f64::is_nan));
        assert!(parse_float(b"-nan").is_ok_and(f64::is_nan));
        let refused: [&[u8]; 18] = [
            b"",
            b" 1",
            b"1 ",
            b"1.5\r",
            b"1_0.0",
            b"1e400",
            b"-1e400",
            b"0x1p3",
            b"1d5",
            b"1,5",
            b"1\0x",
            b".",
            b"e5",
            b"1e",
            b"infi",
            b"nan(1)",
            b"\xef\xbc\x91",
            b"1L",
        ];
        for line in refused {
            assert!(parse_float(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn more_digits_than_allowed_are_a_limit() {
        let error = parse_int(b"12345", 4).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Limit { limit: "int_digits", allowed: 4 }));
        assert!(parse_long(b"-1234L", 4).is_ok());
    }

    #[test]
    fn an_error_shows_a_short_piece_of_the_line() {
        let error = parse_int(&[b'x'; 1000], NO_LIMIT).unwrap_err();
        assert_eq!(error.to_string(), format!("expected int text, found \"{}...\"", "x".repeat(40)));
        assert_eq!(parse_long(b"xL", NO_LIMIT).unwrap_err().to_string(), "expected long text, found \"xL\"");
    }

    #[test]
    fn an_integer_has_one_form() {
        let cases: [(&[u8], i64, &[u8]); 9] = [
            (b"", 0, b""),
            (b"\0\0\0", 0, b""),
            (b"\xff", -1, b"\xff"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", -1, b"\xff"),
            (b"\x80\x00", 128, b"\x80\x00"),
            (b"\x80\xff", -128, b"\x80"),
            (b"\x7f\x00", 127, b"\x7f"),
            (b"\xff\xff\xff\xff\xff\xff\xff\x7f\x00", i64::MAX, b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
            (b"\0\0\0\0\0\0\0\x80\xff", i64::MIN, b"\0\0\0\0\0\0\0\x80"),
        ];
        for (le, value, shortest) in cases {
            let integer = Integer::from_le(le);
            assert_eq!(integer, Integer::Small(value));
            assert_eq!(integer.to_le(), shortest);
            assert_eq!(integer.le_len(), shortest.len());
            let mut out = Vec::new();
            integer.write_le(&mut out);
            assert_eq!(out, shortest);
        }
        let big = Integer::from_le(b"\0\0\0\0\0\0\0\x80\0\0");
        assert_eq!(big, Integer::Big(Cow::Borrowed(b"\0\0\0\0\0\0\0\x80\0")));
        assert!(!big.is_negative());
    }

    #[test]
    fn the_ends_of_64_bits_are_small_and_their_neighbours_big() {
        assert_eq!(int(b"9223372036854775807"), number(i64::MAX));
        assert_eq!(int(b"-9223372036854775808"), number(i64::MIN));
        for line in [&b"9223372036854775808"[..], b"-9223372036854775809"] {
            let Some(IntText::Int(integer @ Integer::Big(_))) = int(line) else { unreachable!("{line:?}") };
            assert_eq!(integer.to_string().as_bytes(), line);
        }
    }

    #[test]
    fn long_text_reads_as_num_bigint_reads_it() {
        for len in [19, 607, 608, 609, 1216, 1217, 5000, 20_000] {
            let text: String = noise(len as u64).take(len).map(|value| char::from(b'0' + (value % 10) as u8)).collect();
            let text = format!("-7{text}");
            let plain: BigInt = text.parse().unwrap();
            let ours = parse_long(text.as_bytes(), NO_LIMIT).unwrap();
            assert_eq!(ours.to_le().as_ref(), plain.to_signed_bytes_le());
            assert_eq!(ours.to_string(), text);
        }
    }

    #[test]
    fn a_million_digits_are_read_and_written() {
        let text = "123456789".repeat(111_112);
        let start = std::time::Instant::now();
        let value = parse_long(text.as_bytes(), NO_LIMIT).unwrap();
        let parsed = start.elapsed();
        let mut out = Vec::new();
        write_decimal(&mut out, &value);
        println!("a million digits: parse {parsed:?}, print {:?}", start.elapsed() - parsed);
        assert!(out == text.as_bytes());
    }

    #[test]
    #[expect(clippy::excessive_precision, reason = "the digits past the last are what the case is about")]
    fn floats_are_written_as_python_shows_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000012345, "1.2345e-05"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.2345e100, "1.2345e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (123456789.125, "123456789.125"),
            (1699035690989648.25, "1699035690989648.2"),
            (1699035690989648.75, "1699035690989648.8"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            assert_eq!(format_float(value), text);
        }
    }

    #[test]
    fn floats_are_written_as_a_real_python_writes_them() {
        // Half of the values are any bits, half have few digits around the place where the exponent form begins.
        let values: Vec<f64> = noise(1)
            .take(4000)
            .enumerate()
            .map(|(index, bits)| match index % 2 {
                0 => f64::from_bits(bits),
                _ => (bits % 100_000) as f64 * 10f64.powi((bits >> 32) as i32 % 23 - 11),
            })
            .collect();
        let input: String = values.iter().map(|value| format!("{:016x}\n", value.to_bits())).collect();
        let script = "import sys, struct\nfor line in sys.stdin:\n \
                      print(repr(struct.unpack('>d', bytes.fromhex(line.strip()))[0]))";
        let Some(output) = python(script, input.as_bytes()) else { return };
        assert_same_lines(values.iter().map(|&value| format_float(value)), &output);
        for (value, text) in values.iter().zip(output.lines()).filter(|(value, _)| !value.is_nan()) {
            assert_eq!(parse_float(text.as_bytes()).unwrap().to_bits(), value.to_bits());
        }
    }

    #[test]
    fn integers_are_read_and_written_as_a_real_python_does() {
        let values: Vec<Vec<u8>> = noise(2)
            .take(2000)
            .map(|seed| noise(seed).take((seed % 40) as usize).map(|value| (value >> 24) as u8).collect())
            .collect();
        let input: String = values.iter().map(|le| format!("{}\n", hex(le))).collect();
        let script = "import sys, pickle\nfor line in sys.stdin:\n \
                      n = pickle.decode_long(bytes.fromhex(line.strip())); print(n, pickle.encode_long(n).hex())";
        let Some(output) = python(script, input.as_bytes()) else { return };
        for (le, line) in values.iter().zip(output.lines()) {
            let (digits, shortest) = line.split_once(' ').unwrap();
            assert_eq!(decimal(le), digits);
            assert_eq!(hex(&Integer::from_le(le).to_le()), shortest);
            assert_eq!(parse_long(digits.as_bytes(), NO_LIMIT).unwrap(), Integer::from_le(le));
        }
        assert_eq!(output.lines().count(), values.len());
    }

    #[test]
    fn int_text_is_accepted_as_a_real_int_accepts_ascii() {
        const ALPHABET: &[u8] = b"00112359__+- \t\x0c\x0b";
        let lines: Vec<Vec<u8>> = noise(3)
            .take(4000)
            .map(|seed| {
                let len = 1 + (seed % 8) as usize;
                noise(seed).take(len).map(|value| ALPHABET[(value >> 20) as usize % ALPHABET.len()]).collect()
            })
            .collect();
        let input: String = lines.iter().map(|line| format!("{}\n", hex(line))).collect();
        let script = "import sys\nfor line in sys.stdin:\n try: print(int(bytes.fromhex(line.strip())))\n \
                      except ValueError: print('-')";
        let Some(output) = python(script, input.as_bytes()) else { return };
        let ours: Vec<String> = lines
            .iter()
            .map(|line| parse_long(line, NO_LIMIT).map_or("-".to_owned(), |value| value.to_string()))
            .collect();
        assert_same_lines(ours, &output);
    }
}
