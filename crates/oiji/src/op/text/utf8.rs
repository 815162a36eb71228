//! UTF-8 that may hold surrogates: checked, taken apart, and written one code point at a time.

use crate::error::{ErrorKind, Result};

/// What text that a pickle calls UTF-8 really is.
///
/// ```
/// use oiji::op::text::{Utf8, check_utf8};
/// assert_eq!(check_utf8("오이지".as_bytes())?, Utf8::Valid);
/// assert_eq!(check_utf8(b"\xed\xa0\x80")?, Utf8::Surrogates);
/// assert!(check_utf8(b"\xff").is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utf8 {
    /// Real UTF-8, which a Rust `str` can hold.
    Valid,
    /// UTF-8 but for surrogates (U+D800 to U+DFFF), each as three bytes. A pair of them stays two code points.
    Surrogates,
}

/// Says whether `bytes` are UTF-8, as strict readers or as Python's `surrogatepass` takes it.
///
/// # Errors
/// `InvalidText` for anything else, with the position of the first bad byte.
pub fn check_utf8(bytes: &[u8]) -> Result<Utf8> {
    let mut found = Utf8::Valid;
    let mut start = 0;
    while let Err(error) = std::str::from_utf8(&bytes[start..]) {
        let bad = start + error.valid_up_to();
        if surrogate(&bytes[bad..]).is_none() {
            let problem = format!("byte {:#04x} at position {bad}", bytes[bad]);
            return Err(ErrorKind::InvalidText { expected: "UTF-8", problem }.into());
        }
        found = Utf8::Surrogates;
        start = bad + SURROGATE_LEN;
    }
    Ok(found)
}

/// Bytes in a surrogate.
pub(super) const SURROGATE_LEN: usize = 3;

/// The surrogate that `bytes` begin with.
pub(super) fn surrogate(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [0xed, high @ 0xa0..=0xbf, low @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u32::from(high & 0x3f) << 6 | u32::from(low & 0x3f))
        }
        _ => None,
    }
}

/// A stretch of text.
pub(crate) enum Segment<'a> {
    /// As much as a `str` can hold.
    Str(&'a str),
    /// One surrogate.
    Surrogate(u32),
}

/// Takes text apart. A byte that is not even UTF-8 with surrogates comes as the surrogate that Python's
/// `surrogateescape` makes of it, so nothing gets lost and nothing fails.
pub(crate) fn segments(text: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let valid = match std::str::from_utf8(rest) {
            Ok("") => return None,
            Ok(valid) => valid,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        let (segment, len) = match surrogate(rest) {
            _ if !valid.is_empty() => (Segment::Str(valid), valid.len()),
            Some(code_point) => (Segment::Surrogate(code_point), SURROGATE_LEN),
            None => (Segment::Surrogate(escaped_byte(*rest.first()?)), 1),
        };
        rest = &rest[len..];
        Some(segment)
    })
}

/// What Python's `surrogateescape` makes of a byte from 0x80 up.
pub(super) fn escaped_byte(byte: u8) -> u32 {
    0xdc00 | u32::from(byte)
}

/// Appends a code point up to U+10FFFF, surrogates among them; anything above is not one, and appends nothing.
pub(crate) fn push_code_point(out: &mut Vec<u8>, code_point: u32) {
    match char::from_u32(code_point) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None if code_point < 0x1_0000 => {
            let [high, low] = [code_point >> 6 & 0x3f, code_point & 0x3f].map(|bits| 0x80 | bits as u8);
            out.extend_from_slice(&[0xed, high, low]);
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same_lines, hex, noise_of, python};

    #[test]
    fn surrogates_are_no_utf8_and_yet_text() {
        assert_eq!(check_utf8(b"").unwrap(), Utf8::Valid);
        assert_eq!(check_utf8("aé€😀".as_bytes()).unwrap(), Utf8::Valid);
        assert_eq!(check_utf8(b"a\xed\xa0\x80b\xed\xbf\xbf").unwrap(), Utf8::Surrogates);
        assert_eq!(check_utf8(b"\xed\xa0\xbd\xed\xb8\x80").unwrap(), Utf8::Surrogates);
    }

    #[test]
    fn the_first_bad_byte_is_named() {
        let error = check_utf8(b"ab\xed\xa0\x80\xc0\x80").unwrap_err();
        assert_eq!(error.to_string(), "invalid UTF-8 text: byte 0xc0 at position 5");
        assert!(check_utf8(b"\xed\xa0").is_err());
        assert!(check_utf8(b"\xf4\x90\x80\x80").is_err());
    }

    #[test]
    fn every_surrogate_is_taken_apart_as_it_was_written() {
        for code_point in 0xd800..0xe000 {
            let mut bytes = Vec::new();
            push_code_point(&mut bytes, code_point);
            assert_eq!(surrogate(&bytes), Some(code_point));
        }
    }

    #[test]
    fn text_is_accepted_as_a_real_surrogatepass_does() {
        let alphabet = b"A\xed\xed\xed\xa0\xa0\x80\x80\xbf\xb0\xe2\x82\xac\xf0\x9f\x98\xc3\xff\xc0\xf4\x90\xe0";
        let texts = noise_of(alphabet, 4000, 8);
        let input: String = texts.iter().map(|text| hex(text) + "\n").collect();
        let script = "import sys\nfor line in sys.stdin:\n b = bytes.fromhex(line.strip())\n \
                      try: b.decode('utf-8'); print('Valid')\n except UnicodeDecodeError:\n  \
                      try: b.decode('utf-8', 'surrogatepass'); print('Surrogates')\n  \
                      except UnicodeDecodeError: print('-')";
        let Some(output) = python(script, input.as_bytes()) else { return };
        let ours = texts.iter().map(|text| check_utf8(text).map_or("-".to_owned(), |found| format!("{found:?}")));
        assert_same_lines(ours, &output);
    }
}
