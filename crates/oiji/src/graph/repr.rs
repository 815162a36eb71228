//! Graphs as text, like Python's `repr`: a value inside itself is `...`, objects are written as what makes them.
//!
//! `Widget(1, size=2; state={'x': 7})` is a call or instance with arguments, and what is done to it after the semicolon.
//! Walks with an explicit stack. Shared values are written wherever they occur while that takes no more text than twice
//! what everything takes once; beyond it as `...`, so that a few bytes cannot ask for more text than there is room for.

use std::fmt::{self, Write};

use rustc_hash::FxHashMap;

use crate::graph::arena::{Graph, Id, StepKind};
use crate::graph::view::{BigIntRef, Buffer, Global, Items, Node, Object, Pairs, StepRef, Text, Value};
use crate::limits::Limits;
use crate::op::{number, text};

/// Writes `root` to `out`.
fn write_repr(out: &mut dyn Write, root: Value<'_>) -> fmt::Result {
    Writer::new(out).whole(root)
}

/// Text of shared values that is written whatever the rest takes.
const SLACK: u64 = 1 << 14;

struct Writer<'w, 'g> {
    out: Counted<'w>,
    frames: Vec<Frame<'g>>,
    /// How long the text was of each value that may be met again; nothing while it is being written.
    lens: FxHashMap<Id, Option<u64>>,
    /// How much text of values was written that had been written before.
    again: u64,
    depth: usize,
}

/// Text on its way out, with its length.
struct Counted<'w> {
    out: &'w mut dyn Write,
    len: u64,
}

impl Write for Counted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.len += text.len() as u64;
        self.out.write_str(text)
    }
}

/// A value that is being written: what is still to come, as runs of pieces.
struct Frame<'g> {
    id: Id,
    /// Where its text begins.
    start: u64,
    parts: std::vec::IntoIter<Part<'g>>,
    part: Option<Part<'g>>,
}

/// A piece of the text of a container.
enum Part<'g> {
    Text(&'static str),
    One(Value<'g>),
    Items { items: Items<'g>, next: usize, separated: bool },
    Pairs { pairs: Pairs<'g>, next: usize, half: u8, colon: &'static str },
}

enum Piece<'g> {
    Text(&'static str),
    Value(Value<'g>),
}

impl<'g> Frame<'g> {
    fn next(&mut self) -> Option<Piece<'g>> {
        loop {
            if self.part.is_none() {
                self.part = Some(self.parts.next()?);
            }
            match self.part.as_mut().and_then(Part::next) {
                Some(piece) => return Some(piece),
                None => self.part = None,
            }
        }
    }
}

impl<'g> Part<'g> {
    fn items(items: Items<'g>) -> Self {
        Part::Items { items, next: 0, separated: true }
    }

    fn pairs(pairs: Pairs<'g>, colon: &'static str) -> Self {
        Part::Pairs { pairs, next: 0, half: 0, colon }
    }

    /// What comes next of this part.
    fn next(&mut self) -> Option<Piece<'g>> {
        match self {
            Part::Text("") => None,
            Part::Text(text) => Some(Piece::Text(std::mem::take(text))),
            Part::One(value) => {
                let value = *value;
                *self = Part::Text("");
                Some(Piece::Value(value))
            }
            Part::Items { items, next, separated } => {
                let value = items.get(*next)?;
                if !*separated {
                    *separated = true;
                    return Some(Piece::Text(", "));
                }
                *separated = false;
                *next += 1;
                Some(Piece::Value(value))
            }
            Part::Pairs { pairs, next, half, colon } => {
                let (key, value) = pairs.nth(*next)?;
                *half += 1;
                match *half {
                    1 if *next > 0 => Some(Piece::Text(", ")),
                    1 | 2 => {
                        *half = 2;
                        Some(Piece::Value(key))
                    }
                    3 => Some(Piece::Text(colon)),
                    _ => {
                        *half = 0;
                        *next += 1;
                        Some(Piece::Value(value))
                    }
                }
            }
        }
    }
}

impl<'w, 'g> Writer<'w, 'g> {
    fn new(out: &'w mut dyn Write) -> Self {
        Writer {
            out: Counted { out, len: 0 },
            frames: Vec::new(),
            lens: FxHashMap::default(),
            again: 0,
            depth: Limits::default().depth as usize,
        }
    }

    /// Writes a value with all that is below it.
    fn whole(&mut self, root: Value<'g>) -> fmt::Result {
        self.value(root)?;
        while let Some(frame) = self.frames.last_mut() {
            match frame.next() {
                Some(Piece::Text(text)) => self.out.write_str(text)?,
                Some(Piece::Value(value)) => self.value(value)?,
                None => {
                    if let Some(frame) = self.frames.pop() {
                        self.written(frame.id, frame.start);
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes an atom, or begins a container.
    fn value(&mut self, value: Value<'g>) -> fmt::Result {
        let (id, start) = (value.id(), self.out.len);
        let Some(parts) = parts(value) else {
            if is_short(value.node()) {
                return write_atom(&mut self.out, value.node());
            }
            if !self.may_be_written(id) {
                return self.out.write_str("...");
            }
            write_atom(&mut self.out, value.node())?;
            self.written(id, start);
            return Ok(());
        };
        if self.frames.len() >= self.depth || !self.may_be_written(id) {
            return self.out.write_str(shortened(value.node()));
        }
        self.lens.insert(id, None);
        self.frames.push(Frame { id, start, parts: parts.into_iter(), part: None });
        Ok(())
    }

    /// Whether a value is met for the first time, or there is room to write it again.
    fn may_be_written(&mut self, id: Id) -> bool {
        match self.lens.get_mut(&id) {
            None => true,
            // It is within itself.
            Some(None) => false,
            Some(Some(len)) => {
                let again = self.again.saturating_add(*len);
                let once = self.out.len.saturating_sub(self.again);
                if again > 2 * once + SLACK {
                    // Nor from here on, though there may be more room then.
                    *len = u64::MAX;
                    return false;
                }
                self.again = again;
                true
            }
        }
    }

    /// Notes how long the text of a value is, which began at `start`.
    fn written(&mut self, id: Id, start: u64) {
        self.lens.insert(id, Some(self.out.len - start));
    }
}

/// Whether an atom is written wherever it occurs: its text is no longer than that of a few others.
fn is_short(node: Node<'_>) -> bool {
    /// Text and bytes; more than the keys of records have.
    const BYTES: usize = 64;
    /// Names of classes, which are never escaped.
    const NAME: usize = 128;
    match node {
        Node::Str(text) => text.as_bytes().len() <= BYTES,
        Node::Bytes(bytes) | Node::Py2Str(bytes) | Node::ByteArray(bytes) => bytes.len() <= BYTES,
        Node::BigInt(int) => int.to_le_bytes().len() <= BYTES,
        Node::Global(global) => global.module().len() + global.name().len() <= NAME,
        _ => true,
    }
}

/// How a container is written that must not be written out.
fn shortened(node: Node<'_>) -> &'static str {
    match node {
        Node::List(_) => "[...]",
        Node::Tuple(_) => "(...)",
        Node::Dict(_) | Node::Set(_) => "{...}",
        _ => "...",
    }
}

/// The parts of a container's text; nothing for an atom.
fn parts(value: Value<'_>) -> Option<Vec<Part<'_>>> {
    let mut parts = match value.node() {
        Node::List(items) => vec![Part::Text("["), Part::items(items), Part::Text("]")],
        Node::Tuple(items) => {
            let end = if items.len() == 1 { ",)" } else { ")" };
            vec![Part::Text("("), Part::items(items), Part::Text(end)]
        }
        Node::Set(items) if items.is_empty() => vec![Part::Text("set()")],
        Node::Set(items) => vec![Part::Text("{"), Part::items(items), Part::Text("}")],
        Node::FrozenSet(items) if items.is_empty() => vec![Part::Text("frozenset()")],
        Node::FrozenSet(items) => vec![Part::Text("frozenset({"), Part::items(items), Part::Text("})")],
        Node::Dict(pairs) => vec![Part::Text("{"), Part::pairs(pairs, ": "), Part::Text("}")],
        Node::Persistent(id) => vec![Part::Text("persistent("), Part::One(id), Part::Text(")")],
        Node::Object(object) => return Some(object_parts(object, value)),
        _ => return None,
    };
    for step in value.steps() {
        step_parts(&mut parts, step);
    }
    Some(parts)
}

fn object_parts<'g>(object: Object<'g>, value: Value<'g>) -> Vec<Part<'g>> {
    let mut parts = vec![Part::One(object.class()), Part::Text("(")];
    if let Ok(args) = object.args().items() {
        parts.push(Part::items(args));
        if let Some(Ok(kwargs)) = object.kwargs().map(Value::pairs) {
            parts.push(Part::Text(if args.is_empty() { "**{" } else { ", **{" }));
            parts.push(Part::pairs(kwargs, ": "));
            parts.push(Part::Text("}"));
        }
    }
    for step in value.steps() {
        step_parts(&mut parts, step);
    }
    parts.push(Part::Text(")"));
    parts
}

fn step_parts<'g>(parts: &mut Vec<Part<'g>>, step: StepRef<'g>) {
    let (start, end) = match step.kind() {
        StepKind::Append => ("; items=[", "]"),
        StepKind::SetItems => ("; pairs={", "}"),
        StepKind::Add => ("; add=[", "]"),
        StepKind::Build => ("; state=", ""),
    };
    parts.push(Part::Text(start));
    parts.push(match step.kind() {
        StepKind::SetItems => Part::pairs(step.pairs(), ": "),
        _ => Part::items(step.items()),
    });
    parts.push(Part::Text(end));
}

fn write_atom(out: &mut dyn Write, node: Node<'_>) -> fmt::Result {
    match node {
        Node::None => out.write_str("None"),
        Node::Bool(true) => out.write_str("True"),
        Node::Bool(false) => out.write_str("False"),
        Node::Int(value) => write!(out, "{value}"),
        Node::BigInt(value) => out.write_str(&number::decimal(value.to_le_bytes())),
        Node::Float(value) => out.write_str(&number::format_float(value)),
        Node::Str(value) => text::write_str_repr(out, value.as_bytes()),
        Node::Bytes(value) => text::write_bytes_repr(out, value),
        Node::ByteArray(value) => {
            out.write_str("bytearray(")?;
            text::write_bytes_repr(out, value)?;
            out.write_str(")")
        }
        Node::Py2Str(value) => text::write_py2_str_repr(out, value),
        Node::Buffer(buffer) => write!(out, "<buffer {}>", buffer.index()),
        Node::Global(global) => write!(out, "{global}"),
        Node::Extension(code) => write!(out, "<extension {code}>"),
        _ => out.write_str("..."),
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_repr(f, *self)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_repr(f, *self)
    }
}

impl fmt::Display for Graph<'_> {
    /// The value of each pickle, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f);
        for (number, root) in self.roots().enumerate() {
            if number > 0 {
                writer.out.write_str("\n")?;
            }
            writer.whole(root)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Graph<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph(protocol {}, {} values: {self})", self.protocol(), self.value_count())
    }
}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f);
        writer.out.write_str("[")?;
        for (number, item) in self.iter().enumerate() {
            writer.out.write_str(if number > 0 { ", " } else { "" })?;
            writer.whole(item)?;
        }
        writer.out.write_str("]")
    }
}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f);
        writer.out.write_str("{")?;
        for (number, (key, value)) in self.iter().enumerate() {
            writer.out.write_str(if number > 0 { ", " } else { "" })?;
            writer.whole(key)?;
            writer.out.write_str(": ")?;
            writer.whole(value)?;
        }
        writer.out.write_str("}")
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.made(), self.class())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_str_repr(f, self.as_bytes())
    }
}

impl fmt::Debug for BigIntRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&number::decimal(self.to_le_bytes()))
    }
}

impl fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<buffer {}>", self.index())
    }
}

impl fmt::Debug for Global<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
