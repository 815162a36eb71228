//! The one error type: a kind, the offset it was met at, and, where values are concerned, the path to it.
//!
//! Nothing here knows what a pickle is made of. Every layer above makes its errors from these kinds.

use std::fmt;
use std::io;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a pickle could not be read or written, and where.
///
/// One word wide: the details stand behind a pointer, so that `Result<u32, Error>` stays small.
///
/// ```
/// let error = oiji::loads(b"\x80\x04\xff.").unwrap_err();
/// assert_eq!(error.to_string(), "unknown opcode 0xff at offset 2");
/// assert_eq!(error.offset(), Some(2));
/// ```
pub struct Error(Box<Detail>);

// Which value failed is asked by typed reads alone.
#[cfg_attr(not(feature = "class"), allow(dead_code))]
struct Detail {
    kind: ErrorKind,
    offset: Option<u64>,
    path: Option<String>,
    /// The number of the value that failed, until its offset is known.
    value: Option<usize>,
    /// Whether the value that failed could be had later.
    unfinished: bool,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The reader or writer below failed.
    Io(io::Error),
    /// The input stops inside a pickle; `expected` says what should have come.
    UnexpectedEnd {
        /// What the reader was about to read.
        expected: &'static str,
    },
    /// The input holds no pickle at all, or the last one ended just here.
    EndOfInput,
    /// A byte that is no opcode of protocols 0 to 5.
    UnknownOpcode {
        /// The byte.
        code: u8,
    },
    /// `PROTO` names a protocol that nobody has defined.
    UnknownProtocol {
        /// The number it names.
        protocol: u64,
    },
    /// An op takes more values than the stack holds.
    StackUnderflow {
        /// The op, as Python names it.
        opcode: &'static str,
    },
    /// An op meets a mark where it takes a value.
    UnexpectedMark {
        /// The op, as Python names it.
        opcode: &'static str,
    },
    /// An op needs a mark on the stack, and there is none.
    MissingMark {
        /// The op, as Python names it.
        opcode: &'static str,
    },
    /// A `GET` of a memo index that nothing was put at.
    MemoMiss {
        /// The index asked for.
        index: u64,
    },
    /// A value of one type stands where another is needed.
    WrongType {
        /// What is needed.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A value is no instance of the class that was asked for.
    WrongClass {
        /// The class: `shapes.Point`.
        expected: String,
        /// The class or type of what is there.
        found: String,
    },
    /// The state of an instance has no value for a field that needs one.
    MissingField {
        /// The class of the instance.
        class: String,
        /// The field, as the pickle would name it.
        field: String,
        /// The version of the state, where the class has versions.
        version: Option<i64>,
    },
    /// The state of an instance has a field that the Rust type knows nothing of, and refuses.
    UnknownField {
        /// The class of the instance.
        class: String,
        /// The field, as the pickle names it.
        field: String,
        /// The version of the state, where the class has versions.
        version: Option<i64>,
    },
    /// The state of an instance has a version that this program has no way from.
    UnknownVersion {
        /// The class of the instance.
        class: String,
        /// Its version.
        version: i64,
        /// The oldest version that can be read.
        oldest: i64,
        /// The newest version that can be read, which is what is written.
        newest: i64,
    },
    /// A value leads back to itself, and no place on the way can be filled after it is made.
    Cycle {
        /// Its type.
        found: &'static str,
    },
    /// A list, dict, set or bytearray stands as a dict key or set element.
    Unhashable {
        /// Its type.
        found: &'static str,
    },
    /// Text that should be a number is none.
    InvalidNumber {
        /// What it should be: `int`, `long`, `float`, `memo index`.
        expected: &'static str,
        /// The text, shortened.
        found: String,
    },
    /// Bytes that should be text are none, or an escape in them is broken.
    InvalidText {
        /// The encoding or form they should have.
        expected: &'static str,
        /// What is wrong with them.
        problem: String,
    },
    /// An argument that no reader accepts: a negative length, memo index or code, an odd number of dict items.
    InvalidArgument {
        /// The op, as Python names it.
        opcode: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// `NEXT_BUFFER` asks for more out-of-band buffers than were given.
    MissingBuffer {
        /// The number of the buffer, counted from 0.
        index: u64,
    },
    /// A limit was reached; `Limits` says how to raise it.
    Limit {
        /// The field of `Limits`.
        limit: &'static str,
        /// Its value.
        allowed: u64,
    },
    /// The protocol asked for cannot say this value.
    Inexpressible {
        /// The value that cannot be said.
        what: String,
        /// The protocol asked for.
        protocol: u8,
        /// What to do about it.
        hint: &'static str,
    },
    /// Something that the policy does not let a pickle do.
    Forbidden {
        /// The global it is about, `module.name`, where it is about one.
        global: String,
        /// What was about to be done: `calls os.system`.
        what: String,
        /// Why it is not allowed.
        why: String,
        /// The line of a policy that would allow it, where one could.
        line: Option<String>,
    },
    /// Something that real readers read differently; met where only what all agree on is read.
    Ambiguous {
        /// What it is.
        what: &'static str,
    },
    /// JSON that is none, or that says no graph.
    InvalidJson {
        /// Counted from 1.
        line: u64,
        /// In characters, counted from 1.
        column: u64,
        /// What was expected, and what is there.
        problem: String,
    },
    /// An array, its dtype or its file that cannot be as it is said.
    InvalidArray {
        /// What is wrong with it.
        problem: String,
    },
    /// An archive, or a member of one, that cannot be as it is said.
    InvalidArchive {
        /// What is wrong, and in which member.
        problem: String,
    },
    /// A file of records, or a record of one, that cannot be as it is said.
    InvalidStore {
        /// What is wrong, and where.
        problem: String,
    },
    /// A signed file that is not as it was signed, or a key that is none.
    InvalidSignature {
        /// What is wrong.
        problem: String,
    },
    /// A path that leads nowhere in this graph.
    NoSuchPath {
        /// The step that failed.
        step: String,
    },
    /// Anything else, in words.
    Message(String),
}

impl Error {
    /// An error without an offset.
    pub fn new(kind: ErrorKind) -> Self {
        Error(Box::new(Detail { kind, offset: None, path: None, value: None, unfinished: false }))
    }

    /// An error in words, without an offset.
    pub fn message(text: impl Into<String>) -> Self {
        Error::new(ErrorKind::Message(text.into()))
    }

    /// The same error at `offset` bytes from the start of the input, unless it already says where.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// The same error in a larger input, where what failed begins `start` bytes from its start.
    #[must_use]
    pub(crate) fn shifted(mut self, start: u64) -> Self {
        self.0.offset = Some(start.saturating_add(self.0.offset.unwrap_or(0)));
        self
    }

    /// The same error at `path` (`root.layers[3].w`), unless it already says where.
    #[must_use]
    pub fn at_path(mut self, path: impl Into<String>) -> Self {
        if self.0.path.is_none() {
            self.0.path = Some(path.into());
        }
        self
    }

    #[cfg(any(feature = "serde", feature = "class"))]
    /// The same error inside one more step of a path, which comes first.
    #[must_use]
    pub(crate) fn inside(mut self, step: &dyn fmt::Display) -> Self {
        let rest = self.0.path.take().unwrap_or_default();
        self.0.path = Some(format!("{step}{rest}"));
        self
    }

    #[cfg(any(feature = "serde", feature = "class"))]
    /// The same error at the value with this number, unless it already says which.
    #[must_use]
    pub(crate) fn at_value(mut self, index: usize) -> Self {
        self.0.value.get_or_insert(index);
        self
    }

    #[cfg(any(feature = "serde", feature = "class"))]
    /// The number of the value that failed, if it is known.
    pub(crate) fn value(&self) -> Option<usize> {
        self.0.value
    }

    #[cfg(feature = "class")]
    /// The same error of a value that can be had later.
    #[must_use]
    pub(crate) fn unfinished(mut self) -> Self {
        self.0.unfinished = true;
        self
    }

    #[cfg(feature = "class")]
    /// Whether the value that failed could be had later.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.0.unfinished
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Bytes from the start of the input to the op that failed.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The way from the root to the value that failed, where there is one.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Whether the input simply held no further pickle.
    pub fn is_end_of_input(&self) -> bool {
        matches!(self.0.kind, ErrorKind::EndOfInput)
    }

    /// Whether the input stopped where an op should have begun.
    pub(crate) fn is_end_before_op(&self) -> bool {
        matches!(self.0.kind, ErrorKind::UnexpectedEnd { expected: "an opcode" })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error::new(kind)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::new(ErrorKind::Io(error))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error.0.kind {
            ErrorKind::Io(inner) => inner,
            ErrorKind::UnexpectedEnd { .. } | ErrorKind::EndOfInput => {
                io::Error::new(io::ErrorKind::UnexpectedEof, error)
            }
            _ => io::Error::new(io::ErrorKind::InvalidData, error),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("offset", &self.0.offset)
            .field("path", &self.0.path)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        if let Some(offset) = self.0.offset {
            write!(f, " at offset {offset}")?;
        }
        if let Some(path) = &self.0.path {
            write!(f, " ({path})")?;
        }
        Ok(())
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Io(error) => write!(f, "{error}"),
            ErrorKind::UnexpectedEnd { expected } => write!(f, "input ends where {expected} should follow"),
            ErrorKind::EndOfInput => f.write_str("no pickle here: the input is at its end"),
            ErrorKind::UnknownOpcode { code } => write!(f, "unknown opcode {code:#04x}"),
            ErrorKind::UnknownProtocol { protocol } => {
                write!(f, "unknown protocol {protocol}; the highest is {}", crate::HIGHEST_PROTOCOL)
            }
            ErrorKind::StackUnderflow { opcode } => write!(f, "stack underflow in {opcode}"),
            ErrorKind::UnexpectedMark { opcode } => write!(f, "unexpected mark in {opcode}"),
            ErrorKind::MissingMark { opcode } => write!(f, "no mark on the stack for {opcode}"),
            ErrorKind::MemoMiss { index } => write!(f, "memo index {index} was never put"),
            ErrorKind::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            ErrorKind::WrongClass { expected, found } => write!(f, "expected an instance of {expected}, found {found}"),
            ErrorKind::MissingField { class, field, version } => {
                write!(f, "{class}{} has no field {field}", Versioned(*version))
            }
            ErrorKind::UnknownField { class, field, version } => {
                write!(f, "{class}{} has an unknown field {field}", Versioned(*version))
            }
            ErrorKind::UnknownVersion { class, version, oldest, newest } => {
                write!(f, "{class} of version {version} cannot be read; versions {oldest} to {newest} can")
            }
            ErrorKind::Cycle { found } => {
                write!(f, "a cycle leads back to this {found}, and nothing on the way can be filled later; ")?;
                f.write_str("put an Option, a Weak or a Vec there, in a RefCell or Mutex where it is shared")
            }
            ErrorKind::Unhashable { found } => write!(f, "unhashable {found} as a dict key or set element"),
            ErrorKind::InvalidNumber { expected, found } => write!(f, "expected {expected} text, found {found:?}"),
            ErrorKind::InvalidText { expected, problem } => write!(f, "invalid {expected} text: {problem}"),
            ErrorKind::InvalidArgument { opcode, problem } => write!(f, "invalid argument of {opcode}: {problem}"),
            ErrorKind::MissingBuffer { index } => {
                write!(f, "out-of-band buffer {index} is missing; give it with ReadOptions::buffers")
            }
            ErrorKind::Limit { limit, allowed } => {
                write!(f, "limit reached: {limit} is {allowed}; raise it in Limits if the input is trusted")
            }
            ErrorKind::Inexpressible { what, protocol, hint } => {
                write!(f, "protocol {protocol} cannot say {what}; {hint}")
            }
            ErrorKind::Forbidden { what, why, line, .. } => {
                write!(f, "not allowed by the policy: {what} ({why}")?;
                match line {
                    Some(line) => write!(f, "; to allow it: `{line}`)"),
                    None => f.write_str(")"),
                }
            }
            ErrorKind::Ambiguous { what } => write!(f, "readers disagree about {what}, which is refused here"),
            ErrorKind::InvalidJson { line, column, problem } => {
                write!(f, "invalid JSON in line {line}, column {column}: {problem}")
            }
            ErrorKind::InvalidArray { problem } => write!(f, "invalid array: {problem}"),
            ErrorKind::InvalidArchive { problem } => write!(f, "invalid archive: {problem}"),
            ErrorKind::InvalidStore { problem } => write!(f, "invalid store: {problem}"),
            ErrorKind::InvalidSignature { problem } => write!(f, "invalid signature: {problem}"),
            ErrorKind::NoSuchPath { step } => write!(f, "no such path: {step}"),
            ErrorKind::Message(text) => f.write_str(text),
        }
    }
}

/// A version, where there is one.
struct Versioned(Option<i64>);

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(version) => write!(f, " of version {version}"),
            None => Ok(()),
        }
    }
}
