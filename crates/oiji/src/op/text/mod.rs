//! Text as pickles write it: UTF-8 with surrogates, the escapes of protocol 0, and the strings of Python 2.
//!
//! A `str` of Python may hold lone surrogates, so text is bytes throughout: UTF-8 in which a surrogate stands as three
//! bytes, as Python's `surrogatepass` writes it. Which op text belongs to, and what it means, is not known here.

mod escape;
mod py2;
mod repr;
mod utf8;

pub use escape::{decode_raw_unicode_escape, decode_string, encode_raw_unicode_escape, encode_string};
pub use py2::{DecodeErrors, Py2Encoding, decode_py2};
pub use repr::{write_ascii_repr, write_bytes_repr, write_latin1_repr, write_py2_str_repr, write_str_repr};
#[cfg(feature = "json")]
pub(crate) use utf8::{Segment, push_code_point, segments};
pub use utf8::{Utf8, check_utf8};
