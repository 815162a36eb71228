//! The packed bytes of `datetime`, however protocols and Python 2 say them.

use std::borrow::Cow;

use crate::graph::{Items, Node, Value};

/// Text is looked at so far: more is no date.
const LONGEST: usize = 64;

/// A few bytes: bytes, a `str` of Python 2, or the text that it is after it was decoded as Latin-1.
pub(crate) fn payload(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) => Some(Cow::Borrowed(bytes)),
        Node::Str(text) => {
            let chars = text.as_str()?.chars().take(LONGEST);
            chars.map(|char| u8::try_from(u32::from(char)).ok()).collect::<Option<Vec<u8>>>().map(Cow::Owned)
        }
        _ => None,
    }
}

/// The ints that arguments begin with.
pub(crate) fn int_args(args: Items<'_>) -> Vec<i64> {
    args.iter().take(8).map_while(|arg| arg.as_i64().ok()).collect()
}
