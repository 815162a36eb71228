//! Text and bytes as Python's `repr` shows them.

use std::borrow::Cow;
use std::fmt;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::utf8::{Segment, push_code_point, segments};

/// Writes text as `repr` of a Python 3 `str` does.
///
/// Python shows as they are the characters that its Unicode tables call printable. Ours are those of
/// `unicode-properties` and newer than those of some Pythons, which then escape a character they do not know yet.
///
/// ```
/// let mut shown = String::new();
/// oiji::op::text::write_str_repr(&mut shown, "it's\n오이지\u{200b}".as_bytes())?;
/// assert_eq!(shown, r#""it's\n오이지\u200b""#);
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// # Errors
/// What `f` says.
pub fn write_str_repr(f: &mut dyn fmt::Write, text: &[u8]) -> fmt::Result {
    write_text(f, text, is_printable)
}

/// Writes text as Python's `ascii` does: as `repr`, but every character beyond ASCII escaped.
///
/// # Errors
/// What `f` says.
pub fn write_ascii_repr(f: &mut dyn fmt::Write, text: &[u8]) -> fmt::Result {
    write_text(f, text, |_| false)
}

/// Writes bytes as `repr` does after Latin-1 made a `str` of them, as `pickletools.dis` shows Python 2 strings.
///
/// # Errors
/// What `f` says.
pub fn write_latin1_repr(f: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    write_text(f, &latin1_to_utf8(bytes), is_printable)
}

/// Writes bytes as `repr` of a Python 3 `bytes` does: `b'...'`.
///
/// # Errors
/// What `f` says.
pub fn write_bytes_repr(f: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    f.write_char('b')?;
    write_py2_str_repr(f, bytes)
}

/// Writes bytes as `repr` of a Python 2 `str` does: `'...'`.
///
/// # Errors
/// What `f` says.
pub fn write_py2_str_repr(f: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    let quote = quote_for(bytes);
    f.write_char(quote)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let stays = |&byte: &u8| matches!(byte, b' '..=b'~') && byte != b'\\' && char::from(byte) != quote;
        let len = rest.iter().position(|byte| !stays(byte)).unwrap_or(rest.len());
        f.write_str(std::str::from_utf8(&rest[..len]).unwrap_or_default())?;
        if let Some(&byte) = rest.get(len) {
            write_escape(f, u32::from(byte))?;
        }
        rest = rest.get(len + 1..).unwrap_or_default();
    }
    f.write_char(quote)
}

/// UTF-8 of bytes that are Latin-1.
pub(super) fn latin1_to_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.is_ascii() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 2);
    for &byte in bytes {
        push_code_point(&mut out, u32::from(byte));
    }
    Cow::Owned(out)
}

fn write_text(f: &mut dyn fmt::Write, text: &[u8], beyond_ascii: fn(char) -> bool) -> fmt::Result {
    let quote = quote_for(text);
    f.write_char(quote)?;
    for segment in segments(text) {
        let text = match segment {
            Segment::Str(text) => text,
            Segment::Surrogate(code_point) => {
                write_escape(f, code_point)?;
                continue;
            }
        };
        let mut written = 0;
        for (at, char) in text.char_indices() {
            let stays = match char {
                '\\' => false,
                ' '..='~' => char != quote,
                '\0'..='\x7f' => false,
                _ => beyond_ascii(char),
            };
            if !stays {
                f.write_str(&text[written..at])?;
                write_escape(f, u32::from(char))?;
                written = at + char.len_utf8();
            }
        }
        f.write_str(&text[written..])?;
    }
    f.write_char(quote)
}

/// Python takes double quotes only where that saves escapes altogether.
fn quote_for(text: &[u8]) -> char {
    if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' }
}

fn write_escape(f: &mut dyn fmt::Write, code_point: u32) -> fmt::Result {
    match code_point {
        0x09 => f.write_str("\\t"),
        0x0a => f.write_str("\\n"),
        0x0d => f.write_str("\\r"),
        0x22 => f.write_str("\\\""),
        0x27 => f.write_str("\\'"),
        0x5c => f.write_str("\\\\"),
        0..0x100 => write!(f, "\\x{code_point:02x}"),
        0x100..0x1_0000 => write!(f, "\\u{code_point:04x}"),
        _ => write!(f, "\\U{code_point:08x}"),
    }
}

/// Python's `str.isprintable` for one character beyond ASCII.
fn is_printable(char: char) -> bool {
    use GeneralCategory as C;
    !matches!(
        char.general_category(),
        C::Control
            | C::Format
            | C::Surrogate
            | C::PrivateUse
            | C::Unassigned
            | C::LineSeparator
            | C::ParagraphSeparator
            | C::SpaceSeparator
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same_lines, hex, noise_of, python};

    fn shown(write: fn(&mut dyn fmt::Write, &[u8]) -> fmt::Result, text: &[u8]) -> String {
        let mut out = String::new();
        write(&mut out, text).unwrap();
        out
    }

    #[test]
    fn quotes_are_chosen_as_python_chooses_them() {
        for (text, repr) in [("a", "'a'"), ("'", "\"'\""), ("\"", "'\"'"), ("'\"", "'\\'\"'"), ("", "''")] {
            assert_eq!(shown(write_str_repr, text.as_bytes()), repr);
            assert_eq!(shown(write_py2_str_repr, text.as_bytes()), repr);
            assert_eq!(shown(write_bytes_repr, text.as_bytes()), format!("b{repr}"));
        }
    }

    #[test]
    fn what_is_not_printable_is_escaped_by_its_size() {
        assert_eq!(shown(write_str_repr, "\0\t\n\r\x7f\u{a0}é\u{2028}\u{e0001}\\".as_bytes()), {
            r"'\x00\t\n\r\x7f\xa0é\u2028\U000e0001\\'"
        });
        assert_eq!(shown(write_ascii_repr, "é€😀".as_bytes()), r"'\xe9\u20ac\U0001f600'");
        assert_eq!(shown(write_latin1_repr, b"\xe9\xa0'"), "\"é\\xa0'\"");
    }

    #[test]
    fn surrogates_and_bytes_that_are_no_text_are_escaped() {
        assert_eq!(shown(write_str_repr, b"a\xed\xb2\x80b"), r"'a\udc80b'");
        assert_eq!(shown(write_str_repr, b"\xed\xa0\xbd\xed\xb8\x80"), r"'\ud83d\ude00'");
        assert_eq!(shown(write_str_repr, b"a\xff"), r"'a\udcff'");
    }

    #[test]
    fn bytes_are_shown_as_a_real_python_shows_them() {
        let texts = noise_of(b"''\"\"\\\t\n\r\x1b\x7f\x80\xe9\xad\xffab 1\0", 3000, 8);
        let input: String = texts.iter().map(|text| hex(text) + "\n").collect();
        let script = "import sys\nfor line in sys.stdin:\n b = bytes.fromhex(line.strip())\n \
                      print(repr(b)); print(repr(b.decode('latin-1'))); print(ascii(b.decode('latin-1')))";
        let Some(output) = python(script, input.as_bytes()) else { return };
        let ours = texts.iter().flat_map(|text| {
            [
                shown(write_bytes_repr, text),
                shown(write_latin1_repr, text),
                shown(write_ascii_repr, &latin1_to_utf8(text)),
            ]
        });
        assert_same_lines(ours, &output);
    }

    #[test]
    fn every_character_python_knows_is_shown_as_python_shows_it() {
        let script = "import unicodedata\nfor n in range(0x110000):\n \
                      if unicodedata.category(chr(n)) not in ('Cn', 'Cs'): print('%x %s' % (n, ascii(repr(chr(n)))))";
        let Some(output) = python(script, b"") else { return };
        for line in output.lines() {
            let (code_point, repr) = line.split_once(' ').unwrap();
            let char = char::from_u32(u32::from_str_radix(code_point, 16).unwrap()).unwrap();
            let ours = shown(write_str_repr, char.encode_utf8(&mut [0; 4]).as_bytes());
            assert_eq!(shown(write_ascii_repr, ours.as_bytes()), repr, "U+{code_point}");
        }
    }
}
