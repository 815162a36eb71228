//! The disassembler: a line of text for each op, as Python's `pickletools.dis` writes it.
//!
//! It executes nothing. Beside the text it follows stack and memo by type, to indent what stands above a mark and to
//! find what does not hold together.

use std::borrow::Cow;
use std::io::Write;

use crate::error::{Error, ErrorKind, Result};
use crate::inspect::lines::Lines;
use crate::inspect::stack::{Note, TypeStack};
use crate::limits::{Budget, Limits};
use crate::machine::MemoScope;
use crate::op::number::{self, IntText, Integer};
use crate::op::{Arg, Op, read_op, text};
use crate::opcode::{ArgKind, Opcode};
use crate::source::{SliceSource, Source};

/// How ops are shown. The defaults show them as `pickletools.dis` does.
///
/// ```
/// use oiji::inspect::{DisOptions, dis};
/// let mut text = Vec::new();
/// dis(b"N.", &mut text, &DisOptions { annotate: true, ..DisOptions::default() })?;
/// assert!(text.starts_with(b"    0: N    NONE                      None.\n"));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DisOptions {
    /// Says beside each op what it does, from column 30 on.
    pub annotate: bool,
    /// Spaces before an op for each mark that is open, with an end to it: see [`dis`].
    pub indent: usize,
    /// Whether it is an error, after the line that shows it, when stack or memo are not as an op needs them.
    pub check: bool,
    /// How long the memo lasts where there are several pickles.
    pub memo: MemoScope,
    /// How much a pickle may cost.
    pub limits: Limits,
}

impl Default for DisOptions {
    /// No annotation, 4 spaces, checked, a memo for each pickle, default limits.
    fn default() -> Self {
        DisOptions { annotate: false, indent: 4, check: true, memo: MemoScope::EachPickle, limits: Limits::default() }
    }
}

/// Open marks that always indent.
const INDENT_LEVELS: usize = 25;

/// Spaces that indent for more marks than that, in all. A million marks would make two terabytes of them.
const DEEP_INDENT: usize = 64 << 20;

/// Where annotations begin unless the line is longer.
const ANNOTATION_COLUMN: usize = 30;

/// Past this column an annotation does not move those after it.
const LAST_ANNOTATION_COLUMN: usize = 50;

/// Writes the ops of the first pickle in `input` to `out`, a line each; gives the offset after its `STOP`.
///
/// The text is that of `pickletools.dis` in Python 3.13, which leaves these differences:
/// * Module and name of `GLOBAL` and `INST` and the id of `PERSID` are shown as the unpickler takes them, UTF-8 without
///   escapes; `pickletools` resolves escapes that nobody else does and refuses all but ASCII.
/// * A `STRING` with bytes beyond ASCII is shown as Latin-1, as `BINSTRING` is; `pickletools` refuses it.
/// * Ints of any length are shown; `pickletools` stops at 4,300 digits, this at [`Limits::int_digits`].
/// * A memo index of more than 64 bits is refused.
/// * Once marks above the 25th have cost 64 MiB of indentation, only 25 indent. So the text is never much longer than the
///   pickle, and a million marks take no more time than a million other ops.
///
/// # Errors
/// What [`read_op`] says, an argument that cannot be decoded, and with [`DisOptions::check`] what does not hold together:
/// an underflow, a missing mark, a memo index that was never put or is put twice, a stack that is not empty after `STOP`.
/// All lines before the error have been written then, also the one that shows it. `Io` from `out`.
///
/// ```
/// use oiji::inspect::{DisOptions, dis};
/// let mut text = Vec::new();
/// let end = dis(b"(K\x01K\x02t.", &mut text, &DisOptions::default())?;
/// assert_eq!(end, 7);
/// let lines: Vec<&str> = str::from_utf8(&text).unwrap_or_default().lines().collect();
/// assert_eq!(lines[0], "    0: (    MARK");
/// assert_eq!(lines[1], "    1: K        BININT1    1");
/// assert_eq!(lines[3], "    5: t        TUPLE      (MARK at 0)");
/// assert_eq!(lines[5], "highest protocol among opcodes = 1");
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn dis(input: &[u8], out: &mut impl Write, options: &DisOptions) -> Result<u64> {
    Disassembler::new(out, options).pickle(&mut SliceSource::with_limit(input, options.limits.bytes))
}

/// Writes the ops of all pickles in `input` to `out`, with offsets from the start of `input`; gives how many there were.
///
/// # Errors
/// As for [`dis`]; `EndOfInput` if there is no byte at all.
pub fn dis_all(input: &[u8], out: &mut impl Write, options: &DisOptions) -> Result<u64> {
    Disassembler::new(out, options).all(&mut SliceSource::with_limit(input, options.limits.bytes))
}

/// A disassembler that writes to `W` and keeps its memo from one pickle to the next.
///
/// ```
/// use oiji::inspect::{DisOptions, Disassembler};
/// use oiji::source::StreamSource;
/// let mut text = Vec::new();
/// let mut source = StreamSource::new(&b"N.N."[..]);
/// let count = Disassembler::new(&mut text, &DisOptions::default()).all(&mut source)?;
/// assert_eq!(count, 2);
/// assert!(text.starts_with(b"    0: N    NONE\n    1: .    STOP\nhighest protocol among opcodes = 0\n    2: N"));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug)]
pub struct Disassembler<W> {
    lines: Lines<W>,
    options: DisOptions,
    stack: TypeStack,
    budget: Budget,
    scratch: Vec<u8>,
    deep_indent: usize,
}

impl<W: Write> Disassembler<W> {
    /// A disassembler with an empty memo.
    pub fn new(out: W, options: &DisOptions) -> Self {
        Disassembler {
            lines: Lines::new(out),
            options: *options,
            stack: TypeStack::default(),
            budget: Budget::new(options.limits),
            scratch: Vec::new(),
            deep_indent: DEEP_INDENT,
        }
    }

    /// Forgets every memo entry.
    pub fn clear_memo(&mut self) {
        self.stack.clear_memo();
    }

    /// Writes the ops of the next pickle; gives the offset after its `STOP`.
    ///
    /// # Errors
    /// As for [`dis`]; `EndOfInput` if the source is at its end.
    pub fn pickle<'de, S: Source<'de>>(&mut self, source: &mut S) -> Result<u64> {
        let result = self.ops(source);
        let offset = source.offset();
        let written = self.lines.write();
        result?;
        written?;
        Ok(offset)
    }

    /// Writes the ops of all pickles up to the end of the source; gives how many there were.
    ///
    /// # Errors
    /// As for [`Disassembler::pickle`].
    pub fn all<'de, S: Source<'de>>(&mut self, source: &mut S) -> Result<u64> {
        let mut count = 0;
        loop {
            match self.pickle(source) {
                Ok(_) => count += 1,
                Err(error) if error.is_end_of_input() && count > 0 => return Ok(count),
                Err(error) => return Err(error),
            }
            if self.options.memo == MemoScope::EachPickle {
                self.clear_memo();
            }
        }
    }

    fn ops<'de, S: Source<'de>>(&mut self, source: &mut S) -> Result<()> {
        self.stack.restart();
        let start = source.offset();
        let mut protocol = 0;
        let mut column = ANNOTATION_COLUMN;
        loop {
            let offset = source.offset();
            let op = match read_op(source) {
                Ok(op) => op,
                Err(error) if offset == start && error.is_end_before_op() => {
                    return Err(Error::from(ErrorKind::EndOfInput).at(offset));
                }
                Err(error) => return Err(error),
            };
            let opcode = op.opcode;
            protocol = protocol.max(opcode.protocol());
            self.op(op, offset, &mut column).map_err(|error| error.at(offset))?;
            if opcode == Opcode::Stop {
                writeln!(self.lines.buffer(), "highest protocol among opcodes = {protocol}")?;
                return self.check_empty().map_err(|error| error.at(offset));
            }
        }
    }

    /// Writes one line.
    fn op(&mut self, op: Op<'_, '_>, offset: u64, column: &mut usize) -> Result<()> {
        self.budget.op()?;
        let memo_use = op.memo_use()?;
        let indent = self.indent();
        let shown = Shown::of(&op, self.options.limits.int_digits, &mut self.scratch)?;
        let (note, error) = self.stack.step(op.opcode, memo_use, offset);
        self.budget.memo(self.stack.memo_count())?;

        let name = op.opcode.name();
        self.lines.number(offset, OFFSET_WIDTH);
        self.lines.buffer().extend_from_slice(b": ");
        self.lines.begin();
        write_code(self.lines.buffer(), op.opcode.code());
        self.lines.spaces(indent);
        self.lines.buffer().extend_from_slice(name.as_bytes());
        if !matches!((&shown, note), (Shown::Nothing, Note::Nothing)) {
            self.lines.spaces(NAME_WIDTH.saturating_sub(name.len()));
        }
        shown.write(&mut self.lines)?;
        let buffer = self.lines.buffer();
        match note {
            Note::Nothing => {}
            Note::TakesMark(at) => {
                buffer.extend_from_slice(b" (MARK at ");
                self.lines.number(at, 0);
                self.lines.buffer().push(b')');
            }
            Note::LacksMark => buffer.extend_from_slice(b" no MARK exists on stack"),
            Note::PutsAt(index) => {
                buffer.extend_from_slice(b" (as ");
                self.lines.number(index as u64, 0);
                self.lines.buffer().push(b')');
            }
        }
        if self.options.annotate {
            let len = self.lines.char_count();
            self.lines.spaces(column.saturating_sub(len));
            let reached = len.max(*column);
            *column = if reached > LAST_ANNOTATION_COLUMN { ANNOTATION_COLUMN } else { reached };
            self.lines.spaces(1);
            self.lines.buffer().extend_from_slice(op.opcode.row().doc.as_bytes());
        }
        self.lines.end()?;
        match error {
            Some(error) if self.options.check => Err(error),
            _ => Ok(()),
        }
    }

    fn indent(&mut self) -> usize {
        let levels = self.stack.mark_count();
        if levels <= INDENT_LEVELS {
            return levels * self.options.indent;
        }
        let deep = (levels - INDENT_LEVELS).saturating_mul(self.options.indent);
        match self.deep_indent.checked_sub(deep) {
            Some(left) => {
                self.deep_indent = left;
                INDENT_LEVELS * self.options.indent + deep
            }
            None => {
                self.deep_indent = 0;
                INDENT_LEVELS * self.options.indent
            }
        }
    }

    fn check_empty(&self) -> Result<()> {
        const SHOWN: usize = 8;
        let items = self.stack.items();
        if items.is_empty() || !self.options.check {
            return Ok(());
        }
        let mut names: Vec<&str> = items.iter().take(SHOWN).map(|item| item.name()).collect();
        if items.len() > SHOWN {
            names.push("...");
        }
        Err(Error::message(format!("stack not empty after STOP: [{}]", names.join(", "))))
    }
}

/// How wide an offset is at least.
const OFFSET_WIDTH: usize = 5;

/// How wide an opcode's name is at least where something follows it.
const NAME_WIDTH: usize = 10;

/// The opcode's byte as a character or an escape, five columns wide.
fn write_code(out: &mut Vec<u8>, code: u8) {
    if code.is_ascii_graphic() {
        out.extend_from_slice(&[code, b' ', b' ', b' ', b' ']);
        return;
    }
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 0xf)];
    out.extend_from_slice(&[b'\\', b'x', digit(code >> 4), digit(code), b' ']);
}

/// An argument as it is shown.
enum Shown<'a> {
    Nothing,
    Uint(u64),
    Bool(bool),
    Int(Integer<'a>),
    Float(f64),
    /// UTF-8, surrogates let through.
    Str(Cow<'a, [u8]>),
    Latin1(Cow<'a, [u8]>),
    Bytes(&'a [u8]),
    ByteArray(&'a [u8]),
}

impl<'a> Shown<'a> {
    fn of(op: &'a Op<'_, '_>, int_digits: u64, scratch: &'a mut Vec<u8>) -> Result<Shown<'a>> {
        Ok(match (op.opcode.arg(), &op.arg) {
            (_, Arg::None) => Shown::Nothing,
            (_, Arg::Uint(value)) => Shown::Uint(*value),
            (_, Arg::Int(value)) => Shown::Int(Integer::Small(i64::from(*value))),
            (_, Arg::Float(value)) => Shown::Float(*value),
            (ArgKind::DecimalNlLong, Arg::Line(line)) => Shown::Int(number::parse_long(line, int_digits)?),
            (ArgKind::FloatNl, Arg::Line(line)) => Shown::Float(parse_float(line)?),
            (ArgKind::UnicodeStringNl, Arg::Line(line)) => Shown::Str(text::decode_raw_unicode_escape(line)?),
            (ArgKind::StringNl, Arg::Line(line)) => Shown::Latin1(text::decode_string(line)?),
            (ArgKind::StringNlNoEscape, Arg::Line(line)) => utf8_or_latin1(line),
            // 00 and 01 are bools even as memo indexes.
            (_, Arg::Line(line)) => match number::parse_int(line, int_digits)? {
                IntText::Bool(value) => Shown::Bool(value),
                IntText::Int(value) => Shown::Int(value),
            },
            (_, Arg::Lines { text, first_len }) => {
                scratch.clear();
                scratch.extend_from_slice(&text[..*first_len]);
                scratch.push(b' ');
                scratch.extend_from_slice(&text[first_len + 1..]);
                utf8_or_latin1(scratch)
            }
            (ArgKind::Long1 | ArgKind::Long4, Arg::Bytes(bytes)) => {
                // A byte is 2.41 digits.
                if bytes.len() as u64 > int_digits / 2 {
                    return Err(ErrorKind::Limit { limit: "int_digits", allowed: int_digits }.into());
                }
                Shown::Int(Integer::from_le(bytes))
            }
            (ArgKind::String1 | ArgKind::String4, Arg::Bytes(bytes)) => Shown::Latin1(Cow::Borrowed(bytes)),
            (ArgKind::ByteArray8, Arg::Bytes(bytes)) => Shown::ByteArray(bytes),
            (ArgKind::Bytes1 | ArgKind::Bytes4 | ArgKind::Bytes8, Arg::Bytes(bytes)) => Shown::Bytes(bytes),
            (_, Arg::Bytes(utf8)) => {
                text::check_utf8(utf8)?;
                Shown::Str(Cow::Borrowed(utf8))
            }
        })
    }

    /// Writes a space and the argument.
    fn write<W: Write>(&self, lines: &mut Lines<W>) -> Result<()> {
        if matches!(self, Shown::Nothing) {
            return Ok(());
        }
        let buffer = lines.buffer();
        buffer.push(b' ');
        let written = match self {
            Shown::Nothing => Ok(()),
            Shown::Uint(value) => {
                lines.number(*value, 0);
                Ok(())
            }
            Shown::Bool(value) => {
                buffer.extend_from_slice(if *value { b"True" } else { b"False" });
                Ok(())
            }
            Shown::Int(Integer::Small(value @ 0..)) => {
                lines.number(*value as u64, 0);
                Ok(())
            }
            Shown::Int(value) => {
                number::write_decimal(buffer, value);
                Ok(())
            }
            Shown::Float(value) => {
                number::write_float(buffer, *value);
                Ok(())
            }
            Shown::Str(text) | Shown::Latin1(text) if is_plain(text) => return push_quoted(lines, text),
            Shown::Str(utf8) => text::write_str_repr(lines, utf8),
            Shown::Latin1(bytes) => text::write_latin1_repr(lines, bytes),
            Shown::Bytes(bytes) if is_plain(bytes) => {
                buffer.push(b'b');
                return push_quoted(lines, bytes);
            }
            Shown::Bytes(bytes) => text::write_bytes_repr(lines, bytes),
            Shown::ByteArray(bytes) => {
                buffer.extend_from_slice(b"bytearray(");
                let written = text::write_bytes_repr(lines, bytes);
                lines.buffer().push(b')');
                written
            }
        };
        written.map_err(|_| lines.failure().into())
    }
}

/// Whether `repr` changes nothing: printable ASCII without quotes or backslashes.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'\'' && byte != b'\\')
}

fn push_quoted<W: Write>(lines: &mut Lines<W>, text: &[u8]) -> Result<()> {
    lines.buffer().push(b'\'');
    lines.push(text)?;
    lines.buffer().push(b'\'');
    Ok(())
}

/// All that Python's `float()` takes, which is more than the unpickler does: space, underscores, what is too large.
fn parse_float(line: &[u8]) -> Result<f64> {
    let strict = number::parse_float(line);
    let Ok(text) = std::str::from_utf8(line) else {
        return strict;
    };
    let is_space = |c: char| matches!(c, ' ' | '\t'..='\r');
    let text = text.trim_matches(is_space);
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let stray = |(at, _): (usize, &str)| {
        let bytes = text.as_bytes();
        !(at > 0 && is_digit(bytes.get(at - 1)) && is_digit(bytes.get(at + 1)))
    };
    if strict.is_ok() || text.match_indices('_').any(stray) {
        return strict;
    }
    text.replace('_', "").parse().or(strict)
}

/// Names are UTF-8 by right, but Python 2 wrote what it had.
fn utf8_or_latin1(bytes: &[u8]) -> Shown<'_> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Shown::Str(Cow::Borrowed(bytes)),
        Err(_) => Shown::Latin1(Cow::Borrowed(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::StreamSource;

    fn lines(input: &[u8], options: &DisOptions) -> (Vec<String>, Option<String>) {
        let mut out = Vec::new();
        let error = dis_all(input, &mut out, options).err().map(|error| error.to_string());
        (String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), error)
    }

    #[test]
    fn all_lines_before_an_error_are_written() {
        let (lines, error) = lines(b"K\x01K\x02\xff", &DisOptions::default());
        assert_eq!(lines, ["    0: K    BININT1    1", "    2: K    BININT1    2"]);
        assert_eq!(error.as_deref(), Some("unknown opcode 0xff at offset 4"));
    }

    #[test]
    fn an_op_that_does_not_fit_the_stack_is_the_last_line() {
        let (shown, error) = lines(b"K\x01t.", &DisOptions::default());
        assert_eq!(shown[1], "    2: t    TUPLE      no MARK exists on stack");
        assert_eq!(error.as_deref(), Some("no mark on the stack for TUPLE at offset 2"));
        let (shown, error) = lines(b"K\x01t.", &DisOptions { check: false, ..DisOptions::default() });
        assert_eq!(shown.len(), 4);
        assert_eq!(error, None);
    }

    #[test]
    fn values_left_after_stop_are_an_error_after_the_last_line() {
        let (shown, error) = lines(b"NNN.", &DisOptions::default());
        assert_eq!(shown.last().map(String::as_str), Some("highest protocol among opcodes = 0"));
        assert_eq!(error.as_deref(), Some("stack not empty after STOP: [None, None] at offset 3"));
    }

    #[test]
    fn names_are_shown_as_the_unpickler_takes_them() {
        assert_eq!(
            lines(b"cm\\x41\nn\xc3\xa9\n.", &DisOptions::default()).0[0],
            "    0: c    GLOBAL     'm\\\\x41 né'"
        );
        assert_eq!(lines(b"Pn\xe9\n.", &DisOptions::default()).0[0], "    0: P    PERSID     'né'");
    }

    #[test]
    fn the_memo_is_kept_over_pickles_only_when_asked() {
        let input = b"]q\x00.h\x00.";
        let error = lines(input, &DisOptions::default()).1;
        assert_eq!(error.as_deref(), Some("memo index 0 was never put at offset 4"));
        let shared = DisOptions { memo: MemoScope::WholeInput, ..DisOptions::default() };
        assert_eq!(lines(input, &shared).1, None);
    }

    #[test]
    fn streams_give_the_text_of_slices_and_keep_what_follows() {
        let input: &[u8] = b"\x80\x04\x95\x04\0\0\0\0\0\0\0\x8c\x01a\x94.tail";
        let (mut of_slice, mut of_stream) = (Vec::new(), Vec::new());
        let end = dis(input, &mut of_slice, &DisOptions::default()).unwrap();
        let mut reader = input;
        let mut stream = StreamSource::new(&mut reader);
        let stream_end = Disassembler::new(&mut of_stream, &DisOptions::default()).pickle(&mut stream).unwrap();
        assert_eq!(of_slice, of_stream);
        assert_eq!(end, stream_end);
        assert_eq!(reader, b"tail");
    }

    #[test]
    fn a_million_marks_make_no_more_text_than_a_million_other_ops() {
        let mut input = vec![b'('; 1_000_000];
        input.push(b'.');
        let mut counter = Counter::default();
        let options = DisOptions { check: false, ..DisOptions::default() };
        dis(&input, &mut counter, &options).unwrap();
        assert!(counter.bytes < 250_000_000, "{} bytes", counter.bytes);
        assert_eq!(counter.lines, 1_000_002);
    }

    #[test]
    fn an_int_of_too_many_digits_is_refused_before_it_is_converted() {
        let mut input = b"\x8b\x00\x00\x10\x00".to_vec();
        input.resize(input.len() + (1 << 20), 1);
        input.push(b'.');
        let options =
            DisOptions { limits: Limits { int_digits: 1_000_000, ..Limits::default() }, ..Default::default() };
        let error = dis(&input, &mut Vec::new(), &options).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Limit { limit: "int_digits", .. }));
    }

    #[test]
    fn a_writer_that_fails_ends_it() {
        let error = dis(b"N.", &mut &mut [0; 3][..], &DisOptions::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io(_)));
    }

    #[derive(Default)]
    struct Counter {
        bytes: usize,
        lines: usize,
    }

    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.bytes += bytes.len();
            self.lines += memchr::memchr_iter(b'\n', bytes).count();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
