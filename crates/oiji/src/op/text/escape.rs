//! The escapes of protocol 0: raw-unicode-escape for `UNICODE`, and the quoted strings of Python 2 for `STRING`.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use memchr::memchr;

use super::repr::write_py2_str_repr;
use super::utf8::{Segment, push_code_point, segments};
use crate::error::{Error, ErrorKind, Result};

/// The text that the line of a `UNICODE` op says, borrowed if it says itself.
///
/// Only `\uXXXX` and `\UXXXXXXXX` are escapes, and only if the backslash is not the second of a pair; both backslashes
/// of a pair stay. Bytes from 0x80 up are Latin-1. Two escaped halves of a surrogate pair stay two code points.
///
/// ```
/// use oiji::op::text::decode_raw_unicode_escape;
/// assert_eq!(decode_raw_unicode_escape(b"\\u0041\xe9 \\\\u0041 \\n")?.as_ref(), "Aé \\\\u0041 \\n".as_bytes());
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// `InvalidText` if an escape has too few digits or is above U+10FFFF.
pub fn decode_raw_unicode_escape(line: &[u8]) -> Result<Cow<'_, [u8]>> {
    let mut out = Vec::new();
    // Everything before `copied` is in `out`, everything from there to `at` is ASCII that stays as it is.
    let mut copied = 0;
    let mut at = 0;
    while let Some(next) = line[at..].iter().position(|&byte| byte == b'\\' || byte >= 0x80) {
        at += next;
        let (code_point, len) = match (line[at], line.get(at + 1)) {
            (b'\\', Some(b'u')) => (escaped_code_point(line, at, 4)?, 6),
            (b'\\', Some(b'U')) => (escaped_code_point(line, at, 8)?, 10),
            (b'\\', Some(b'\\')) => {
                at += 2;
                continue;
            }
            (b'\\', _) => {
                at += 1;
                continue;
            }
            (byte, _) => (u32::from(byte), 1),
        };
        out.extend_from_slice(&line[copied..at]);
        push_code_point(&mut out, code_point);
        at += len;
        copied = at;
    }
    if out.is_empty() {
        return Ok(Cow::Borrowed(line));
    }
    out.extend_from_slice(&line[copied..]);
    Ok(Cow::Owned(out))
}

fn escaped_code_point(line: &[u8], at: usize, digits: usize) -> Result<u32> {
    let problem = match line.get(at + 2..at + 2 + digits).and_then(hex_value) {
        Some(code_point) if code_point <= u32::from(char::MAX) => return Ok(code_point),
        Some(code_point) => format!("escape at position {at} says {code_point:#x}, more than 0x10ffff"),
        None => format!("escape at position {at} needs {digits} hexadecimal digits"),
    };
    Err(ErrorKind::InvalidText { expected: "raw-unicode-escape", problem }.into())
}

/// The value of at most eight digits.
fn hex_value(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// Appends `text` as `_pickle` writes the line of a `UNICODE` op.
///
/// Above U+FFFF as `\UXXXXXXXX`; above U+00FF, and for backslash, NUL, newline, carriage return and 0x1a, as `\uXXXX`;
/// the rest of Latin-1 as single bytes. Bytes that are no text, as `check_utf8` has it, are written as Python's
/// `surrogateescape` would have read them. Python 3.6 leaves NUL, carriage return and 0x1a as they are.
pub fn encode_raw_unicode_escape(out: &mut Vec<u8>, text: &[u8]) {
    for segment in segments(text) {
        match segment {
            Segment::Str(text) => push_str_escaped(out, text),
            Segment::Surrogate(code_point) => push_escaped(out, code_point),
        }
    }
}

fn push_str_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        let changes = |byte: u8| matches!(byte, b'\\' | 0 | b'\n' | b'\r' | 0x1a | 0x80..);
        let plain_len = rest.bytes().position(changes).unwrap_or(rest.len());
        out.extend_from_slice(&rest.as_bytes()[..plain_len]);
        let mut chars = rest[plain_len..].chars();
        if let Some(char) = chars.next() {
            push_escaped(out, u32::from(char));
        }
        rest = chars.as_str();
    }
}

fn push_escaped(out: &mut Vec<u8>, code_point: u32) {
    // Writing to a vector cannot fail. 0x1a ends a text file on Windows, which is why Python escapes it.
    let _ = match code_point {
        0x1_0000.. => write!(out, "\\U{code_point:08x}"),
        0x5c | 0 | 0x0a | 0x0d | 0x1a | 0x100.. => write!(out, "\\u{code_point:04x}"),
        _ => out.write_all(&[code_point as u8]),
    };
}

/// The bytes that the line of a `STRING` op says, borrowed if there is no escape in it.
///
/// One pair of the same quotes stands around them, with nothing before or after; the quote may come inside without an
/// escape. The escapes are those of Python's byte strings; an unknown one stays as it is, and octal wraps at 256.
///
/// # Errors
/// `InvalidText` if the quotes are not there, `\x` lacks its two digits, or a lone backslash ends the string.
///
/// Source: `codecs.escape_decode`.
pub fn decode_string(line: &[u8]) -> Result<Cow<'_, [u8]>> {
    let quoted = match line {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        [.., b'\r'] => {
            let problem = "a carriage return ends its line; read the file with ReadOptions::crlf (--crlf)";
            return Err(invalid_string(problem.to_owned()));
        }
        _ => return Err(invalid_string("no matching quotes around it".to_owned())),
    };
    let mut out = Vec::new();
    let mut rest = quoted;
    while let Some(backslash) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..backslash]);
        let (&escape, after) =
            rest[backslash + 1..].split_first().ok_or_else(|| invalid_string("a lone backslash ends it".to_owned()))?;
        rest = after;
        match escape {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(escape),
            b'a' => out.push(0x07),
            b'b' => out.push(0x08),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'v' => out.push(0x0b),
            b'f' => out.push(0x0c),
            b'r' => out.push(b'\r'),
            b'0'..=b'7' => {
                let more = rest.iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let value = rest[..more]
                    .iter()
                    .fold(u32::from(escape - b'0'), |value, &digit| value << 3 | u32::from(digit - b'0'));
                out.push(value as u8);
                rest = &rest[more..];
            }
            b'x' => {
                let value = rest.get(..2).and_then(hex_value).ok_or_else(|| {
                    let position = quoted.len() - rest.len() - 2;
                    invalid_string(format!("\\x at position {position} needs 2 hexadecimal digits"))
                })?;
                out.push(value as u8);
                rest = &rest[2..];
            }
            _ => out.extend_from_slice(&[b'\\', escape]),
        }
    }
    if rest.len() == quoted.len() {
        return Ok(Cow::Borrowed(quoted));
    }
    out.extend_from_slice(rest);
    Ok(Cow::Owned(out))
}

#[cold]
fn invalid_string(problem: String) -> Error {
    ErrorKind::InvalidText { expected: "quoted string", problem }.into()
}

/// Appends `bytes` as Python 2 writes the line of a `STRING` op: its `repr` of a `str`.
pub fn encode_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Writing to a vector cannot fail.
    let _ = write_py2_str_repr(&mut Appended(out), bytes);
}

struct Appended<'a>(&'a mut Vec<u8>);

impl fmt::Write for Appended<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::text::check_utf8;
    use crate::testing::{assert_same_lines, hex, noise_of, python, python2};

    #[test]
    fn raw_unicode_escape_borrows_what_it_does_not_change() {
        for line in [&b""[..], b"abc", b"\\", b"a\\x41\\N{BULLET}", b"\\\\u0041", b"\\\\", b"a\r"] {
            assert!(matches!(decode_raw_unicode_escape(line), Ok(Cow::Borrowed(text)) if text == line), "{line:?}");
        }
    }

    #[test]
    fn raw_unicode_escape_knows_two_escapes_and_latin_1() {
        let cases: [(&[u8], &[u8]); 8] = [
            (b"\\u0041", b"A"),
            (b"x\xe9", "xé".as_bytes()),
            (b"\\\xe9", "\\é".as_bytes()),
            (b"\\U0001F600", "😀".as_bytes()),
            (b"\\ud83d\\ude00", b"\xed\xa0\xbd\xed\xb8\x80"),
            (b"\\\\\\u000a!", b"\\\\\n!"),
            (b"\\\\u000a\\u0000", b"\\\\u000a\0"),
            (b"\x85x", b"\xc2\x85x"),
        ];
        for (line, text) in cases {
            assert_eq!(decode_raw_unicode_escape(line).unwrap(), text, "{line:?}");
        }
    }

    #[test]
    fn a_broken_unicode_escape_is_named() {
        let problem = |line: &[u8]| decode_raw_unicode_escape(line).unwrap_err().to_string();
        let truncated = "invalid raw-unicode-escape text: escape at position 2 needs 4 hexadecimal digits";
        assert_eq!(problem(b"ab\\u00"), truncated);
        assert_eq!(problem(b"ab\\u00+1x"), truncated);
        assert_eq!(
            problem(b"\\U00110000"),
            "invalid raw-unicode-escape text: escape at position 0 says 0x110000, more than 0x10ffff"
        );
        assert!(decode_raw_unicode_escape(b"\\Uffffffff").is_err());
    }

    #[test]
    fn raw_unicode_escape_reads_as_a_real_pickle_reads_it() {
        let lines = noise_of(b"\\\\\\uuUU000011dDc8x\xe9\xff\x85 \r\0", 6000, 16);
        let input: String = lines.iter().map(|line| hex(line) + "\n").collect();
        let script = "import sys, pickle\nfor line in sys.stdin:\n \
                      try: print(pickle.loads(b'V' + bytes.fromhex(line.strip()) + b'\\n.')\
                      .encode('utf-8', 'surrogatepass').hex() + ';')\n except UnicodeDecodeError: print('-')";
        let Some(output) = python(script, input.as_bytes()) else { return };
        let ours = lines.iter().map(|line| decode_raw_unicode_escape(line).map_or("-".into(), |text| hex(&text) + ";"));
        assert_same_lines(ours, &output);
    }

    #[test]
    fn raw_unicode_escape_is_written_as_a_real_pickle_writes_it() {
        let script = "import pickle, sys\nfor n in range(0x110000 if sys.version_info >= (3, 7) else 0):\n \
                      if n < 0x3000 or 0xd700 < n < 0xe100 or n % 97 == 0:\n  \
                      s = 'x' + chr(n) + '\\\\'\n  \
                      print(s.encode('utf-8', 'surrogatepass').hex(), pickle.dumps(s, 0)[1:].split(b'\\n')[0].hex())";
        let Some(output) = python(script, b"") else { return };
        for line in output.lines() {
            let (text, escaped) = line.split_once(' ').unwrap();
            let text = unhex(text);
            let mut out = Vec::new();
            encode_raw_unicode_escape(&mut out, &text);
            assert_eq!(hex(&out), escaped);
            assert_eq!(decode_raw_unicode_escape(&out).unwrap(), text);
        }
    }

    #[test]
    fn python_2_reads_what_raw_unicode_escape_writes() {
        let texts: Vec<String> =
            (0..0x3000).filter_map(char::from_u32).map(|char| format!("{char}\\\\{char}")).collect();
        let mut input = String::new();
        for text in &texts {
            let mut out = Vec::new();
            encode_raw_unicode_escape(&mut out, text.as_bytes());
            input += &format!("{}\n", hex(&out));
        }
        let script = "import sys, pickle, cPickle\nfor line in sys.stdin:\n \
                      b = 'V' + line.strip().decode('hex') + '\\n.'\n \
                      assert pickle.loads(b) == cPickle.loads(b)\n \
                      print(cPickle.loads(b).encode('utf-8').encode('hex'))";
        let Some(output) = python2(script, input.as_bytes()) else { return };
        assert_same_lines(texts.iter().map(|text| hex(text.as_bytes())), &output);
    }

    #[test]
    fn bytes_that_are_no_text_are_written_as_escaped_surrogates() {
        let mut out = Vec::new();
        encode_raw_unicode_escape(&mut out, b"a\xff\xed\xa0");
        assert_eq!(out, b"a\\udcff\\udced\\udca0");
        assert!(check_utf8(&decode_raw_unicode_escape(&out).unwrap()).is_ok());
    }

    #[test]
    fn a_string_needs_its_quotes_and_nothing_around_them() {
        for (line, bytes) in
            [(&b"'a'"[..], &b"a"[..]), (b"\"a\"", b"a"), (b"''", b""), (b"'a'b'", b"a'b"), (b"'a\0\xff'", b"a\0\xff")]
        {
            assert!(matches!(decode_string(line), Ok(Cow::Borrowed(text)) if text == bytes), "{line:?}");
        }
        for line in [&b"'a"[..], b"a'", b"'a' ", b" 'a'", b"a", b"'", b"", b"'a\"", b"'a'\r", b"'a'\0"] {
            assert!(decode_string(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_broken_string_escape_is_named() {
        let problem = |line: &[u8]| decode_string(line).unwrap_err().to_string();
        assert_eq!(problem(b"'a\\'"), "invalid quoted string text: a lone backslash ends it");
        let expected = "invalid quoted string text: \\x at position 2 needs 2 hexadecimal digits";
        assert_eq!(problem(b"'ab\\x4'"), expected);
        assert_eq!(problem(b"'ab\\xg4'"), expected);
    }

    #[test]
    fn strings_read_as_a_real_pickle_reads_them() {
        let lines = noise_of(b"\\\\\\\\''\"xx0137789aAbtnvfrq\xff\0\r ", 6000, 12);
        let lines: Vec<Vec<u8>> = lines.into_iter().map(|inner| [b"'", inner.as_slice(), b"'"].concat()).collect();
        let input: String = lines.iter().map(|line| hex(line) + "\n").collect();
        let script = "import sys, pickle, warnings\nwarnings.simplefilter('ignore')\nfor line in sys.stdin:\n \
                      b = b'S' + bytes.fromhex(line.strip()) + b'\\n.'\n \
                      try: print(pickle.loads(b, encoding='bytes').hex() + ';')\n \
                      except ValueError: print('-')";
        let Some(output) = python(script, input.as_bytes()) else { return };
        let ours = lines.iter().map(|line| decode_string(line).map_or("-".into(), |bytes| hex(&bytes) + ";"));
        assert_same_lines(ours, &output);
    }

    #[test]
    fn strings_are_written_as_python_2_writes_them() {
        let texts = noise_of(b"''\"\"\\\t\n\r\x1b\x7f\x80\xffab 1\0", 3000, 8);
        let input: String = texts.iter().map(|text| hex(text) + "\n").collect();
        let script = "import sys\nfor line in sys.stdin: print(repr(line.strip().decode('hex')))";
        let written: Vec<String> = texts
            .iter()
            .map(|text| {
                let mut out = Vec::new();
                encode_string(&mut out, text);
                assert_eq!(&decode_string(&out).unwrap(), text);
                String::from_utf8(out).unwrap()
            })
            .collect();
        let Some(output) = python2(script, input.as_bytes()) else { return };
        assert_same_lines(written, &output);
    }

    fn unhex(digits: &str) -> Vec<u8> {
        digits.as_bytes().chunks(2).map(|pair| hex_value(pair).unwrap() as u8).collect()
    }
}
