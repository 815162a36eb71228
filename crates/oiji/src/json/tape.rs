//! JSON taken apart without recursion: all its values one after another, each with where it begins and where it ends.
//!
//! What they mean is not known here, but that names beginning with `$` are special. Next: `read`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use json_event_parser::{JsonEvent, LowLevelJsonParser};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::arena;
use crate::json::tag;

/// A JSON document, as a list of its values in the order of the text. Names of members are values too.
pub(super) struct Tape<'j> {
    input: &'j [u8],
    nodes: Vec<Node>,
    /// Strings that had escapes in them, one after another.
    decoded: String,
    decoded_ends: Vec<usize>,
    /// The objects that give themselves a number.
    numbered: HashMap<u64, u32>,
}

/// A value, in sixteen bytes.
#[derive(Clone, Copy)]
struct Node {
    /// Where its text begins, times 8, plus its kind.
    place: u64,
    /// Of text its length, or the number of its decoded string; of containers the count of children in the lower half,
    /// and the index after the last of them in the upper.
    data: u64,
}

const NULL: u64 = 0;
const FALSE: u64 = 1;
const TRUE: u64 = 2;
const NUMBER: u64 = 3;
const STRING: u64 = 4;
const DECODED: u64 = 5;
const ARRAY: u64 = 6;
const OBJECT: u64 = 7;

/// A value of JSON. `first` is where the children of a container begin, names of members among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Json<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    String(&'t str),
    Array { first: u32, count: u32 },
    Object { first: u32, count: u32 },
}

impl Json<'_> {
    pub(super) fn name(self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a bool",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array { .. } => "an array",
            Json::Object { .. } => "an object",
        }
    }
}

impl<'j> Tape<'j> {
    /// Reads the one document of `input`. `room` is how many bytes the tape may take.
    ///
    /// # Errors
    /// `InvalidJson`, `Limit`.
    pub(super) fn read(input: &'j [u8], room: u64) -> Result<Self> {
        let mut tape = Tape {
            input,
            nodes: Vec::new(),
            decoded: String::new(),
            decoded_ends: Vec::new(),
            numbered: HashMap::new(),
        };
        let mut parser = LowLevelJsonParser::new().with_max_stack_size(usize::MAX);
        let mut open = Vec::new();
        let mut offset = 0;
        loop {
            let parsed = parser.parse_next(&input[offset..], true);
            let start = offset + separators(&input[offset..]);
            offset += parsed.consumed_bytes;
            match parsed.event {
                None => {}
                Some(Ok(JsonEvent::Eof)) => break,
                Some(Ok(event)) => {
                    tape.event(event, start, &mut open)?;
                    if (tape.nodes.len() * size_of::<Node>() + tape.decoded.len()) as u64 > room {
                        return Err(ErrorKind::Limit { limit: "allocation", allowed: room }.into());
                    }
                }
                Some(Err(error)) => {
                    let at = usize::try_from(error.location().start.offset).unwrap_or(start).min(input.len());
                    tape.close_all(&open);
                    let path = tape.path(open.last().copied().unwrap_or_default());
                    return Err(tape.error_at(at, sentence(error.message())).at_path(path));
                }
            }
        }
        Ok(tape)
    }

    fn event(&mut self, event: JsonEvent<'_>, start: usize, open: &mut Vec<u32>) -> Result<()> {
        let index = u32::try_from(self.nodes.len()).map_err(|_| arena::full())?;
        if let (false, Some(parent)) = (matches!(event, JsonEvent::EndArray | JsonEvent::EndObject), open.last()) {
            self.nodes[*parent as usize].data += 1;
        }
        let (kind, data) = match event {
            JsonEvent::Null => (NULL, 0),
            JsonEvent::Boolean(value) => (if value { TRUE } else { FALSE }, 0),
            JsonEvent::Number(text) => (NUMBER, text.len() as u64),
            JsonEvent::String(text) | JsonEvent::ObjectKey(text) => self.string(text),
            JsonEvent::StartArray => (ARRAY, 0),
            JsonEvent::StartObject => (OBJECT, 0),
            JsonEvent::EndArray | JsonEvent::EndObject => {
                if let Some(container) = open.pop() {
                    self.nodes[container as usize].data |= u64::from(index) << 32;
                }
                return Ok(());
            }
            JsonEvent::Eof => return Ok(()),
        };
        if kind >= ARRAY {
            open.push(index);
        }
        self.nodes.push(Node { place: (start as u64) << 3 | kind, data });
        if kind == NUMBER {
            self.number(index, open.last().copied())?;
        }
        Ok(())
    }

    fn string(&mut self, text: Cow<'_, str>) -> (u64, u64) {
        match text {
            Cow::Borrowed(text) => (STRING, text.len() as u64),
            Cow::Owned(text) => {
                self.decoded.push_str(&text);
                self.decoded_ends.push(self.decoded.len());
                (DECODED, self.decoded_ends.len() as u64 - 1)
            }
        }
    }

    /// Takes note of `"$id": 7`.
    fn number(&mut self, index: u32, parent: Option<u32>) -> Result<()> {
        let Some(name) = index.checked_sub(1) else { return Ok(()) };
        let (Some(parent), Json::String(tag::ID)) = (parent, self.get(name)) else { return Ok(()) };
        // Names are the first, third, fifth child.
        if self.nodes[parent as usize].place & 7 != OBJECT || self.nodes[parent as usize].data % 2 == 1 {
            return Ok(());
        }
        let Json::Number(text) = self.get(index) else { return Ok(()) };
        let Ok(number) = text.parse() else {
            return Err(self.error(index, format!("expected a number from 0 up that names a value, found {text}")));
        };
        if self.numbered.insert(number, parent).is_some() {
            return Err(self.error(index, format!("expected a number of its own, found $id {number} a second time")));
        }
        Ok(())
    }

    /// The object with this `$id`.
    pub(super) fn numbered(&self, number: u64) -> Option<u32> {
        self.numbered.get(&number).copied()
    }

    /// Bytes held.
    pub(super) fn held(&self) -> u64 {
        (self.nodes.len() * size_of::<Node>() + self.decoded.len()) as u64
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Json<'_> {
        let node = self.nodes[index as usize];
        let start = (node.place >> 3) as usize;
        let children = (index + 1, node.data as u32);
        match node.place & 7 {
            NULL => Json::Null,
            FALSE => Json::Bool(false),
            TRUE => Json::Bool(true),
            NUMBER => Json::Number(self.text(start, node.data)),
            // After the quotation mark.
            STRING => Json::String(self.text(start + 1, node.data)),
            DECODED => {
                let number = node.data as usize;
                let begin = number.checked_sub(1).map_or(0, |before| self.decoded_ends[before]);
                Json::String(&self.decoded[begin..self.decoded_ends[number]])
            }
            ARRAY => Json::Array { first: children.0, count: children.1 },
            _ => Json::Object { first: children.0, count: children.1 / 2 },
        }
    }

    fn text(&self, start: usize, len: u64) -> &str {
        std::str::from_utf8(&self.input[start..start + len as usize]).unwrap_or_default()
    }

    /// The index after a value and all in it.
    #[inline]
    pub(super) fn after(&self, index: u32) -> u32 {
        let node = self.nodes[index as usize];
        if node.place & 7 >= ARRAY { (node.data >> 32) as u32 } else { index + 1 }
    }

    /// The text of the name at `index`.
    pub(super) fn name(&self, index: u32) -> &str {
        match self.get(index) {
            Json::String(text) => text,
            _ => "",
        }
    }

    /// The members of an object: name, and the index of the value.
    pub(super) fn members(&self, first: u32, count: u32) -> impl Iterator<Item = (&str, u32)> {
        let mut next = first;
        (0..count).map(move |_| {
            let name = next;
            next = self.after(name + 1);
            (self.name(name), name + 1)
        })
    }

    /// The items of an array, by index.
    pub(super) fn items(&self, first: u32, count: u32) -> impl Iterator<Item = u32> {
        let mut next = first;
        (0..count).map(move |_| {
            let item = next;
            next = self.after(item);
            item
        })
    }

    /// An error at a value.
    #[cold]
    pub(super) fn error(&self, index: u32, problem: impl Into<String>) -> Error {
        let start = self.nodes.get(index as usize).map_or(0, |node| (node.place >> 3) as usize);
        self.error_at(start, problem.into()).at_path(self.path(index))
    }

    /// An error with the place of a value.
    #[cold]
    pub(super) fn place(&self, index: u32, error: Error) -> Error {
        let start = self.nodes.get(index as usize).map_or(0, |node| node.place >> 3);
        error.at(start).at_path(self.path(index))
    }

    fn error_at(&self, offset: usize, problem: String) -> Error {
        let before = &self.input[..offset];
        let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64 + 1;
        Error::from(ErrorKind::InvalidJson { line, column, problem }).at(offset as u64)
    }

    /// Gives containers that are still open an end, so that `path` finds its way.
    fn close_all(&mut self, open: &[u32]) {
        let end = self.nodes.len() as u64;
        for container in open {
            self.nodes[*container as usize].data |= end << 32;
        }
    }

    /// The way to a value, `$.roots[0].a`; long ones without their middle.
    fn path(&self, index: u32) -> String {
        let mut steps = Vec::new();
        let mut here = 0;
        while here < index && (here as usize) < self.nodes.len() {
            let mut step = String::new();
            let children = match self.get(here) {
                Json::Array { first, count } => (first, count, false),
                Json::Object { first, count } => (first, count, true),
                _ => break,
            };
            let (first, count, named) = children;
            let mut next = first;
            let mut found = None;
            for number in 0..count {
                let value = if named { next + 1 } else { next };
                if value as usize >= self.nodes.len() {
                    break;
                }
                let after = self.after(value);
                if index < after {
                    // Writing to a string cannot fail.
                    let _ = if named { push_name(&mut step, self.name(next)) } else { write!(step, "[{number}]") };
                    found = Some(value);
                    break;
                }
                next = after;
            }
            let Some(found) = found else { break };
            steps.push(step);
            if found > index {
                // It is the name itself.
                break;
            }
            here = found;
        }
        let mut path = "$".to_owned();
        if steps.len() > 2 * SHOWN {
            path.extend(steps[..SHOWN].iter().map(String::as_str));
            path.push_str("...");
            path.extend(steps[steps.len() - SHOWN..].iter().map(String::as_str));
        } else {
            path.extend(steps.iter().map(String::as_str));
        }
        path
    }
}

/// Steps of a long path that are shown at its start and at its end.
const SHOWN: usize = 16;

fn push_name(path: &mut String, name: &str) -> std::fmt::Result {
    const LONGEST: usize = 60;
    if !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte == b'$' || byte.is_ascii_alphanumeric()) {
        write!(path, ".{name}")
    } else {
        let shown: String = name.chars().take(LONGEST).collect();
        let more = if shown.len() < name.len() { "..." } else { "" };
        write!(path, "[{shown:?}{more}]")
    }
}

/// How many of the first bytes stand between two values.
#[inline]
fn separators(bytes: &[u8]) -> usize {
    let is_separator = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':');
    let mark: &[u8] = b"\xef\xbb\xbf";
    let skip = if bytes.starts_with(mark) { mark.len() } else { 0 };
    bytes[skip..].iter().position(|byte| !is_separator(byte)).map_or(bytes.len(), |at| at + skip)
}

/// Their message, as ours begin: in lower case.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
