//! The `str` of Python 2, which is bytes: what they become depends on the reader's `encoding` and `errors`.

use std::borrow::Cow;
use std::str::FromStr;

use super::repr::latin1_to_utf8;
use super::utf8::{SURROGATE_LEN, escaped_byte, push_code_point, surrogate};
use crate::error::{Error, ErrorKind, Result};

/// What to take Python 2 strings for: the `encoding` of Python's `pickle.load`.
///
/// ```
/// use oiji::op::text::Py2Encoding;
/// assert_eq!("latin-1".parse::<Py2Encoding>()?, Py2Encoding::Latin1);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Py2Encoding {
    /// Text in ASCII: Python's default.
    #[default]
    Ascii,
    /// Text in Latin-1, where every byte is a character. Old numpy arrays and datetimes need this one or `Bytes`.
    Latin1,
    /// Text in UTF-8.
    Utf8,
    /// Not text: they stay bytes.
    Bytes,
}

impl FromStr for Py2Encoding {
    type Err = Error;

    /// Takes the names that Python takes: in any case, with `-`, `_` or space between. `bytes` is the exception and is
    /// written just so, since `pickle` looks for it before it looks for a codec.
    fn from_str(name: &str) -> Result<Self> {
        if name == "bytes" {
            return Ok(Py2Encoding::Bytes);
        }
        let parts =
            name.split(|char: char| !char.is_ascii_alphanumeric() && char != '.').filter(|part| !part.is_empty());
        match parts.collect::<Vec<_>>().join("_").to_ascii_lowercase().as_str() {
            "ascii" | "646" | "ansi_x3.4_1968" | "ansi_x3_4_1968" | "ansi_x3.4_1986" | "cp367" | "csascii"
            | "ibm367" | "iso646_us" | "iso_646.irv_1991" | "iso_ir_6" | "us" | "us_ascii" => Ok(Py2Encoding::Ascii),
            "latin_1" | "8859" | "cp819" | "csisolatin1" | "ibm819" | "iso8859" | "iso8859_1" | "iso_8859_1"
            | "iso_8859_1_1987" | "iso_ir_100" | "l1" | "latin" | "latin1" => Ok(Py2Encoding::Latin1),
            "utf_8" | "u8" | "utf" | "utf8" | "utf8_ucs2" | "utf8_ucs4" | "cp65001" => Ok(Py2Encoding::Utf8),
            _ => Err(Error::message(format!("unknown encoding {name:?}; take ASCII, latin1, utf-8 or bytes"))),
        }
    }
}

/// What to do with bytes that the encoding does not have: the `errors` of Python's `pickle.load`.
///
/// ```
/// use oiji::op::text::{DecodeErrors, Py2Encoding, decode_py2};
/// let text = decode_py2(b"caf\xe9", Py2Encoding::Ascii, "replace".parse::<DecodeErrors>()?)?;
/// assert_eq!(text.as_deref(), Some("caf\u{fffd}".as_bytes()));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrors {
    /// They are an error: Python's default.
    #[default]
    Strict,
    /// They are left out.
    Ignore,
    /// U+FFFD stands for them.
    Replace,
    /// They are written as `\xe9`.
    BackslashReplace,
    /// Each becomes a surrogate from U+DC80 to U+DCFF.
    SurrogateEscape,
    /// Surrogates in UTF-8 are taken as they are; anything else is an error.
    SurrogatePass,
}

impl FromStr for DecodeErrors {
    type Err = Error;

    /// Takes the names that Python takes.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "strict" => Ok(DecodeErrors::Strict),
            "ignore" => Ok(DecodeErrors::Ignore),
            "replace" => Ok(DecodeErrors::Replace),
            "backslashreplace" => Ok(DecodeErrors::BackslashReplace),
            "surrogateescape" => Ok(DecodeErrors::SurrogateEscape),
            "surrogatepass" => Ok(DecodeErrors::SurrogatePass),
            _ => Err(Error::message(format!(
                "unknown error handler {name:?}; take strict, ignore, replace, backslashreplace, surrogateescape or \
                 surrogatepass"
            ))),
        }
    }
}

/// The text that a Python 2 string is in `encoding`, as UTF-8 that may hold surrogates; nothing if it stays bytes.
///
/// # Errors
/// `InvalidText` if `errors` does not put up with what is there.
///
/// Source: `bytes.decode`.
pub fn decode_py2(bytes: &[u8], encoding: Py2Encoding, errors: DecodeErrors) -> Result<Option<Cow<'_, [u8]>>> {
    Ok(match encoding {
        Py2Encoding::Bytes => None,
        Py2Encoding::Latin1 => Some(latin1_to_utf8(bytes)),
        Py2Encoding::Ascii | Py2Encoding::Utf8 => Some(decode(bytes, encoding, errors)?),
    })
}

fn decode(bytes: &[u8], encoding: Py2Encoding, errors: DecodeErrors) -> Result<Cow<'_, [u8]>> {
    let Some((valid_len, mut bad_len)) = first_bad(bytes, encoding) else { return Ok(Cow::Borrowed(bytes)) };
    let mut out = bytes[..valid_len].to_vec();
    let mut start = valid_len;
    while bad_len > 0 {
        let bad = &bytes[start..start + bad_len];
        match errors {
            DecodeErrors::Strict => return Err(undecodable(bytes, start, encoding)),
            DecodeErrors::Ignore => {}
            DecodeErrors::Replace => push_code_point(&mut out, 0xfffd),
            DecodeErrors::BackslashReplace => {
                for byte in bad {
                    out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
                }
            }
            DecodeErrors::SurrogateEscape => bad.iter().for_each(|&byte| push_code_point(&mut out, escaped_byte(byte))),
            DecodeErrors::SurrogatePass => match surrogate(&bytes[start..]) {
                // Python knows what a surrogate looks like in UTF-8, and does not take it for anything in ASCII.
                Some(code_point) if encoding == Py2Encoding::Utf8 => {
                    push_code_point(&mut out, code_point);
                    bad_len = SURROGATE_LEN;
                }
                _ => return Err(undecodable(bytes, start, encoding)),
            },
        }
        start += bad_len;
        let (valid_len, next_bad_len) = first_bad(&bytes[start..], encoding).unwrap_or((bytes.len() - start, 0));
        out.extend_from_slice(&bytes[start..start + valid_len]);
        start += valid_len;
        bad_len = next_bad_len;
    }
    Ok(Cow::Owned(out))
}

/// How many bytes are good before the first that are not, and how many bad ones Python reports together.
fn first_bad(bytes: &[u8], encoding: Py2Encoding) -> Option<(usize, usize)> {
    if encoding == Py2Encoding::Ascii {
        return Some((bytes.iter().position(|byte| !byte.is_ascii())?, 1));
    }
    let error = std::str::from_utf8(bytes).err()?;
    let valid_len = error.valid_up_to();
    Some((valid_len, error.error_len().unwrap_or(bytes.len() - valid_len)))
}

#[cold]
fn undecodable(bytes: &[u8], at: usize, encoding: Py2Encoding) -> Error {
    let expected = if encoding == Py2Encoding::Ascii { "ASCII" } else { "UTF-8" };
    let problem = format!(
        "byte {:#04x} at position {at} of a Python 2 string; choose its encoding: latin1, utf-8 or bytes",
        bytes[at]
    );
    ErrorKind::InvalidText { expected, problem }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same_lines, hex, noise_of, python};

    const ERRORS: [&str; 6] = ["strict", "ignore", "replace", "backslashreplace", "surrogateescape", "surrogatepass"];

    #[test]
    fn encodings_go_by_the_names_python_gives_them() {
        use Py2Encoding::{Ascii, Bytes, Latin1, Utf8};
        for (name, encoding) in [
            ("ASCII", Ascii),
            ("us-ascii", Ascii),
            ("latin1", Latin1),
            ("latin-1", Latin1),
            ("Latin 1", Latin1),
            ("iso-8859-1", Latin1),
            ("ISO8859-1", Latin1),
            ("utf-8", Utf8),
            ("UTF8", Utf8),
            ("bytes", Bytes),
        ] {
            assert_eq!(name.parse::<Py2Encoding>().unwrap(), encoding, "{name}");
        }
        let error = "Bytes".parse::<Py2Encoding>().unwrap_err();
        assert_eq!(error.to_string(), "unknown encoding \"Bytes\"; take ASCII, latin1, utf-8 or bytes");
        assert!("".parse::<Py2Encoding>().is_err());
        assert!("cp1252".parse::<Py2Encoding>().is_err());
        assert!("Strict".parse::<DecodeErrors>().is_err());
    }

    #[test]
    fn bytes_stay_bytes_and_good_text_is_borrowed() {
        assert_eq!(decode_py2(b"\xff", Py2Encoding::Bytes, DecodeErrors::Strict).unwrap(), None);
        for encoding in [Py2Encoding::Ascii, Py2Encoding::Latin1, Py2Encoding::Utf8] {
            let text = decode_py2(b"abc", encoding, DecodeErrors::Strict).unwrap();
            assert!(matches!(text, Some(Cow::Borrowed(b"abc"))));
        }
    }

    #[test]
    fn the_error_says_what_to_do() {
        let error = decode_py2(b"caf\xe9", Py2Encoding::Ascii, DecodeErrors::Strict).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid ASCII text: byte 0xe9 at position 3 of a Python 2 string; \
             choose its encoding: latin1, utf-8 or bytes"
        );
    }

    #[test]
    fn python_2_strings_decode_as_a_real_python_decodes_them() {
        let alphabet = b"AB\xed\xed\xa0\xa0\x80\x80\xbf\xb0\xe2\x82\xac\xf0\x9f\x98\xc3\xff\xc0\xf4\x90\xe0\xe9";
        let texts = noise_of(alphabet, 2000, 8);
        let input: String = texts.iter().map(|text| hex(text) + "\n").collect();
        let script = "import sys\nfor line in sys.stdin:\n b = bytes.fromhex(line.strip())\n \
                      for encoding in ['ASCII', 'latin1', 'utf-8']:\n  \
                      for errors in ['strict', 'ignore', 'replace', 'backslashreplace', 'surrogateescape', \
                      'surrogatepass']:\n   \
                      try: print(b.decode(encoding, errors).encode('utf-8', 'surrogatepass').hex() + ';')\n   \
                      except UnicodeDecodeError: print('-')";
        let Some(output) = python(script, input.as_bytes()) else { return };
        let encodings = [Py2Encoding::Ascii, Py2Encoding::Latin1, Py2Encoding::Utf8];
        let mut ours = Vec::new();
        for text in &texts {
            for (encoding, errors) in encodings.iter().flat_map(|&encoding| ERRORS.map(|errors| (encoding, errors))) {
                let decoded = decode_py2(text, encoding, errors.parse().unwrap());
                ours.push(decoded.map_or("-".to_owned(), |text| hex(&text.unwrap()) + ";"));
            }
        }
        assert_same_lines(ours, &output);
    }

    #[test]
    fn a_real_python_takes_every_name_of_an_encoding() {
        let names =
            ["646", "ansi_x3.4_1968", "ANSI X3.4-1986", "cp367", "csASCII", "iso646-us", "ISO_646.irv:1991", "us"];
        let more =
            ["8859", "cp819", "csISOlatin1", "iso 8859 1", "ISO_8859-1:1987", "iso-ir-100", "L1", "latin", "latin_1"];
        let last = ["u8", "UTF", "utf8-ucs2", "utf8_ucs4", "utf 8", "--utf--8--"];
        let names: Vec<&str> = names.into_iter().chain(more).chain(last).collect();
        let script = "import sys, codecs\nfor line in sys.stdin: print(codecs.lookup(line.strip()).name)";
        let Some(output) = python(script, names.join("\n").as_bytes()) else { return };
        let ours = names.iter().map(|name| match name.parse::<Py2Encoding>().unwrap() {
            Py2Encoding::Ascii => "ascii",
            Py2Encoding::Latin1 => "iso8859-1",
            Py2Encoding::Utf8 => "utf-8",
            Py2Encoding::Bytes => "bytes",
        });
        assert_same_lines(ours, &output);
    }
}
