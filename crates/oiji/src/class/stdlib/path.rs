//! Paths of `pathlib` as those of `std::path`.

use std::path::{Path, PathBuf};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::{class_of, wrong_class};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Made, Node, Text, Value};

/// Modules that have or had the classes. In Python 3.13 alone they name themselves after the second.
const MODULES: &[&str] = &["pathlib", "pathlib._local", "pathlib2"];

/// The class of paths on the system that this program runs on.
const CLASS: &str = if cfg!(windows) { "WindowsPath" } else { "PosixPath" };

/// A `pathlib.PosixPath`; on Windows a `pathlib.WindowsPath`. What is no text is written with surrogates, as Python does.
impl Pickle for Path {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let class = to.global("pathlib", CLASS)?;
        let text = match self.to_str() {
            Some(text) => to.graph.add_str(text)?,
            None => to.graph.add_text(&bytes::escaped(self)?)?,
        };
        let args = to.graph.add_tuple(&[text])?;
        let id = to.graph.add_object(Made::Call, class, args, None)?;
        to.made(id);
        Ok(id)
    }
}

/// A path of the system that this program runs on.
///
/// ```
/// use oiji::{Pickle, Unpickle};
/// use std::path::PathBuf;
/// let path = PathBuf::from("/etc/hosts");
/// assert_eq!(PathBuf::loads(&path.dumps()?)?, path);
/// # Ok::<(), oiji::Error>(())
/// ```
impl Pickle for PathBuf {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        self.as_path().pickle(to)
    }
}

/// Any path of `pathlib`, pure or not, or a str. Those of another system are read as they are written there.
///
/// ```
/// use oiji::Unpickle;
/// use std::path::{Path, PathBuf};
/// // pickle.dumps(pathlib.PurePosixPath('/usr', 'lib'), 2)
/// let bytes = b"\x80\x02cpathlib\nPurePosixPath\nq\x00X\x01\x00\x00\x00/X\x03\x00\x00\x00usrX\x03\x00\x00\x00lib\x87q\x01Rq\x02.";
/// assert_eq!(PathBuf::loads(bytes)?, Path::new("/usr/lib"));
/// # Ok::<(), oiji::Error>(())
/// ```
impl Unpickle for PathBuf {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        if let Some(text) = segment(value) {
            return bytes::path(text?);
        }
        let Some(flavour) = Flavour::of(value) else { return Err(wrong_class(value, "pathlib.PurePath")) };
        let mut joined = Vec::new();
        for arg in value.as_object()?.args().items()? {
            match segment(arg) {
                Some(text) => flavour.join(&mut joined, text?),
                None => return Err(Error::message(format!("expected a path of text, found {}", arg.type_name()))),
            }
        }
        if joined.is_empty() {
            joined.push(b'.');
        }
        bytes::path(&joined)
    }

    fn matches(value: Value<'_>) -> bool {
        Flavour::of(value).is_some()
    }
}

/// Text as UTF-8, with surrogates let through.
fn segment(value: Value<'_>) -> Option<Result<&[u8]>> {
    match value.node() {
        Node::Str(text) => Some(Ok(Text::as_bytes(text))),
        Node::Py2Str(_) => Some(value.as_str().map(str::as_bytes)),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Flavour {
    Posix,
    Windows,
}

impl Flavour {
    fn of(value: Value<'_>) -> Option<Flavour> {
        let class = class_of(value).filter(|class| MODULES.contains(&class.module()))?;
        match class.name() {
            "PosixPath" | "PurePosixPath" => Some(Flavour::Posix),
            "WindowsPath" | "PureWindowsPath" => Some(Flavour::Windows),
            // Python itself never names these, but would take them.
            "Path" | "PurePath" if cfg!(windows) => Some(Flavour::Windows),
            "Path" | "PurePath" => Some(Flavour::Posix),
            _ => None,
        }
    }

    /// Adds one more segment to a path. One that is absolute takes its place.
    fn join(self, path: &mut Vec<u8>, segment: &[u8]) {
        let separator = match self {
            Flavour::Posix => b'/',
            Flavour::Windows => b'\\',
        };
        let is_separator = |byte: &u8| *byte == b'/' || *byte == separator;
        let has_drive = |path: &[u8]| matches!(self, Flavour::Windows) && path.get(1) == Some(&b':');
        match segment {
            [] => return,
            _ if has_drive(segment) => path.clear(),
            [first, second, ..] if is_separator(first) && is_separator(second) => path.clear(),
            [first, ..] if is_separator(first) => path.truncate(if has_drive(path) { 2 } else { 0 }),
            _ if path.is_empty() || path.last().is_some_and(is_separator) => {}
            _ if path.len() == 2 && has_drive(path) => {}
            _ => path.push(separator),
        }
        path.extend_from_slice(segment);
    }
}

/// Bytes that are no text, where paths can have them: Python keeps each as a surrogate.
#[cfg(unix)]
mod bytes {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use crate::error::{Error, Result};

    pub(super) fn escaped(path: &Path) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for chunk in path.as_os_str().as_bytes().utf8_chunks() {
            out.extend_from_slice(chunk.valid().as_bytes());
            for byte in chunk.invalid() {
                // U+DC80 to U+DCFF.
                out.extend_from_slice(&[0xed, 0xb0 | (byte >> 6), 0x80 | (byte & 0x3f)]);
            }
        }
        Ok(out)
    }

    pub(super) fn path(text: &[u8]) -> Result<PathBuf> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            out.extend_from_slice(valid);
            match after {
                [0xed, second @ 0xb2..=0xb3, third, after @ ..] => {
                    out.push(((second & 3) << 6) | (third & 0x3f));
                    rest = after;
                }
                _ => return Err(Error::message("expected a path, found text with lone surrogates")),
            }
        }
        out.extend_from_slice(rest);
        Ok(PathBuf::from(OsString::from_vec(out)))
    }
}

#[cfg(not(unix))]
mod bytes {
    use std::path::{Path, PathBuf};

    use crate::error::{Error, Result};

    pub(super) fn escaped(_path: &Path) -> Result<Vec<u8>> {
        Err(Error::message("a path that is no text"))
    }

    pub(super) fn path(text: &[u8]) -> Result<PathBuf> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(PathBuf::from(text)),
            Err(_) => Err(Error::message("expected a path, found text with lone surrogates")),
        }
    }
}
