//! Graphs as text, like Python's `repr`: a value inside itself is `...`, objects are written as what makes them.
//!
//! `Widget(1, size=2; state={'x': 7})` is a call or instance with arguments, and what is done to it after the semicolon.
//! Walks with an explicit stack. Shared values are written wherever they occur, until the text is eight times as long as
//! the graph; from then on as `...`, so that a few bytes cannot ask for more text than there is room for.

use std::fmt::{self, Write};

use rustc_hash::FxHashSet;

use crate::graph::arena::{Graph, Id, StepKind};
use crate::graph::view::{BigIntRef, Buffer, Global, Items, Node, Object, Pairs, StepRef, Text, Value};
use crate::limits::Limits;
use crate::op::{number, text};

/// Writes `root` to `out`.
fn write_repr(out: &mut dyn Write, root: Value<'_>) -> fmt::Result {
    let graph = root.graph();
    let mut writer = Writer {
        out,
        frames: Vec::new(),
        open: FxHashSet::default(),
        left: 8 * graph.value_count() as u64 + 1024,
        depth: Limits::default().depth as usize,
    };
    writer.value(root)?;
    while let Some(frame) = writer.frames.last_mut() {
        match frame.next() {
            Some(Piece::Text(text)) => writer.out.write_str(text)?,
            Some(Piece::Value(value)) => writer.value(value)?,
            None => {
                if let Some(frame) = writer.frames.pop() {
                    writer.open.remove(&frame.id);
                }
            }
        }
    }
    Ok(())
}

struct Writer<'w, 'g> {
    out: &'w mut dyn Write,
    frames: Vec<Frame<'g>>,
    /// Which values are being written.
    open: FxHashSet<Id>,
    /// How many values may still be written.
    left: u64,
    depth: usize,
}

/// A value that is being written: what is still to come, as runs of pieces.
struct Frame<'g> {
    id: Id,
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

impl<'g> Writer<'_, 'g> {
    /// Writes an atom, or begins a container.
    fn value(&mut self, value: Value<'g>) -> fmt::Result {
        let Some(parts) = parts(value) else {
            return write_atom(self.out, value.node());
        };
        let empty = self.left == 0;
        self.left = self.left.saturating_sub(1);
        if empty || self.open.contains(&value.id()) || self.frames.len() >= self.depth {
            return self.out.write_str(shortened(value.node()));
        }
        self.open.insert(value.id());
        self.frames.push(Frame { id: value.id(), parts: parts.into_iter(), part: None });
        Ok(())
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
        for (number, root) in self.roots().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write_repr(f, root)?;
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
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
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
