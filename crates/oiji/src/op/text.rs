//! shim
use crate::error::Result;
use std::borrow::Cow;
pub enum Utf8 {
    Valid,
    Surrogates,
}
pub fn check_utf8(b: &[u8]) -> Result<Utf8> {
    std::str::from_utf8(b).map(|_| Utf8::Valid).map_err(|e| crate::Error::message(e.to_string()))
}
pub fn decode_raw_unicode_escape(l: &[u8]) -> Result<Cow<'_, [u8]>> {
    Ok(Cow::Borrowed(l))
}
pub fn decode_string(l: &[u8]) -> Result<Cow<'_, [u8]>> {
    Ok(Cow::Borrowed(&l[1..l.len() - 1]))
}
#[derive(Clone, Copy, Debug)]
pub enum Py2Encoding {
    Ascii,
    Latin1,
    Utf8,
    Bytes,
}
#[derive(Clone, Copy, Debug)]
pub enum DecodeErrors {
    Strict,
}
pub fn decode_py2(b: &[u8], _e: Py2Encoding, _d: DecodeErrors) -> Result<Option<Cow<'_, [u8]>>> {
    Ok(Some(Cow::Borrowed(b)))
}
use std::fmt;
pub fn write_str_repr(f: &mut dyn fmt::Write, b: &[u8]) -> fmt::Result {
    write!(f, "'{}'", String::from_utf8_lossy(b))
}
pub fn write_bytes_repr(f: &mut dyn fmt::Write, b: &[u8]) -> fmt::Result {
    write!(f, "b'{}'", String::from_utf8_lossy(b))
}
pub fn write_py2_str_repr(f: &mut dyn fmt::Write, b: &[u8]) -> fmt::Result {
    write!(f, "'{}'", String::from_utf8_lossy(b))
}
