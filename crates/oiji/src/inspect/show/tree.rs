//! The tree that a person reads.

use std::fmt;
use std::io::{self, Write};

use crate::array::Array;
use crate::frame::{Frame, Index};
use crate::graph::{Graph, Node, Value};
use crate::inspect::paint::{Paint, Role};
use crate::inspect::show::inline::{
    Inline, WriteRepr, args_line, array_line, elements, has_elements, head, label_text, length_note, payload, run,
    statistics_line, texts,
};
use crate::inspect::show::known;
use crate::inspect::show::line::{Line, grouped, size};
use crate::inspect::show::outline::{Label, Reading};
use crate::inspect::show::parts::{Amount, Entry, Lines, Part, attribute, parts};
use crate::inspect::show::sharing::Sharing;
use crate::inspect::show::summary::Common;
use crate::inspect::show::table::{TableLines, frame_line, index_line};
use crate::op::text;

/// How much of a value is shown.
///
/// ```
/// use oiji::inspect::ShowOptions;
/// let options = ShowOptions { depth: 2, ..ShowOptions::default() };
/// assert!(!options.full);
/// ```
#[derive(Clone, Debug)]
pub struct ShowOptions {
    /// Levels below the value itself.
    pub depth: usize,
    /// Columns of a line; long text is cut to fit.
    pub width: usize,
    /// Items of a list, dict or set that are shown; fewer further down.
    pub items: usize,
    /// Everything: `depth` and `items` do not count, no text is cut, and all elements of arrays are there, exactly.
    pub full: bool,
    /// Least, greatest and mean of arrays, and how many elements are NaN: all of their data is read.
    pub stats: bool,
}

impl Default for ShowOptions {
    /// Four levels, 100 columns, 20 items, no statistics.
    fn default() -> Self {
        ShowOptions { depth: 4, width: 100, items: 20, full: false, stats: false }
    }
}

impl ShowOptions {
    /// Items shown at this level: half as many on each, but some.
    pub(crate) fn items_at(&self, level: usize) -> usize {
        const LEAST: usize = 3;
        (self.items >> level.min(16)).max(LEAST)
    }
}

/// Which pickle of an input this is; its `Display` is the line to write above it.
///
/// ```
/// use oiji::inspect::Heading;
/// let heading = Heading { number: 1, count: Some(3), protocol: 2, bytes: Some(1234) };
/// assert_eq!(heading.to_string(), "pickle 1 of 3, protocol 2, 1,234 bytes");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Heading {
    /// Counted from 1.
    pub number: usize,
    /// How many there are, if that is known.
    pub count: Option<usize>,
    /// The protocol it states; 0 if it states none.
    pub protocol: u8,
    /// Its size, if that is known.
    pub bytes: Option<u64>,
}

impl fmt::Display for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pickle {}", self.number)?;
        if let Some(count) = self.count {
            write!(f, " of {count}")?;
        }
        match self.protocol {
            // Neither of the two states which it is.
            0 => f.write_str(", protocol 0 or 1")?,
            protocol => write!(f, ", protocol {protocol}")?,
        }
        match self.bytes {
            Some(bytes) => write!(f, ", {}", size(bytes)),
            None => Ok(()),
        }
    }
}

/// Writes `value` as a tree, a line each.
///
/// # Errors
/// What `out` fails with.
pub fn show(value: Value<'_>, options: &ShowOptions, paint: &dyn Paint, out: &mut dyn Write) -> io::Result<()> {
    let sharing = Sharing::of(value.graph(), [value.id()]);
    let mut tree = Tree { options, paint, out, sharing, frames: Vec::new(), guides: Guides::default() };
    tree.value(value)
}

/// Writes `value` as a tree under its key, which is of another graph: a record of a store. A note stands before the value, and
/// may take the place of a key.
///
/// ```
/// use oiji::inspect::{Plain, ShowOptions, show_pair};
/// let (key, value) = (oiji::pickle!("sizes")?, oiji::pickle!([1, 2.5])?);
/// let mut text = Vec::new();
/// show_pair(Some(key.root()), "", value.root(), &ShowOptions::default(), &Plain, &mut text)?;
/// assert_eq!(text, b"sizes: [1, 2.5]\n");
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// What `out` fails with.
pub fn show_pair(
    key: Option<Value<'_>>,
    note: &str,
    value: Value<'_>,
    options: &ShowOptions,
    paint: &dyn Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    let limit = if options.full { usize::MAX } else { options.width };
    let mut line = Line::new();
    if let Some(key) = key {
        line.append(&label_text(&Label::Key(key), limit, 0));
        line.push(Role::Text, " ");
    }
    if !note.is_empty() {
        line.push(Role::Dim, note);
        line.push(Role::Text, " ");
    }
    let sharing = Sharing::of(value.graph(), [value.id()]);
    let mut tree = Tree { options, paint, out, sharing, frames: Vec::new(), guides: Guides::default() };
    tree.value_after(line, value)
}

/// Writes the value of each pickle in `graph` as a tree, then the calls that were made and dropped.
///
/// # Errors
/// What `out` fails with.
pub fn show_graph(graph: &Graph<'_>, options: &ShowOptions, paint: &dyn Paint, out: &mut dyn Write) -> io::Result<()> {
    let dropped = || graph.dropped().map(|(value, _)| value);
    let sharing = Sharing::of(graph, graph.roots().chain(dropped()).map(Value::id));
    let mut tree = Tree { options, paint, out, sharing, frames: Vec::new(), guides: Guides::default() };
    for root in graph.roots() {
        tree.value(root)?;
    }
    let count = dropped().count();
    if count == 0 {
        return Ok(());
    }
    let mut line = Line::of(Role::Heading, "made and dropped");
    line.push(Role::Text, " ");
    line.push(Role::Number, &grouped(count as u64));
    tree.write(&line)?;
    let shown = if options.full { count } else { options.items.max(1) };
    for value in dropped().take(shown) {
        tree.value(value)?;
    }
    if count > shown {
        tree.write(&more(count - shown))?;
    }
    Ok(())
}

/// The writing of a tree.
struct Tree<'o, 'g> {
    options: &'o ShowOptions,
    paint: &'o dyn Paint,
    out: &'o mut dyn Write,
    sharing: Sharing,
    frames: Vec<Lines<'g>>,
    guides: Guides,
}

fn more(count: usize) -> Line {
    Line::of(Role::Dim, &format!("… {} more", grouped(count as u64)))
}

/// The lines that lead from a container to its children.
#[derive(Default)]
struct Guides {
    text: String,
    /// Where each level begins in the text.
    starts: Vec<usize>,
    /// Levels without guides of their own.
    deeper: usize,
}

/// Levels with guides; below them the level is told by its number.
const GUIDED: usize = 24;

impl Guides {
    fn push(&mut self, is_last: bool) {
        if self.starts.len() >= GUIDED {
            self.deeper += 1;
            return;
        }
        self.starts.push(self.text.len());
        self.text.push_str(if is_last { "  " } else { "│ " });
    }

    /// The columns before a child.
    fn columns(&self) -> usize {
        2 * self.starts.len() + 2
    }

    fn pop(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(start) = self.starts.pop() {
            self.text.truncate(start);
        }
    }

    /// What stands before a child.
    fn before(&self, is_last: bool) -> Line {
        let branch = if is_last { "└ " } else { "├ " };
        if self.deeper > 0 {
            return Line::of(Role::Dim, &format!("⋯ {} {branch}", self.starts.len() + self.deeper + 1));
        }
        let mut line = Line::of(Role::Dim, &self.text);
        line.push(Role::Dim, branch);
        line
    }
}

impl<'g> Tree<'_, 'g> {
    /// Writes a value and all below it.
    fn value(&mut self, root: Value<'g>) -> io::Result<()> {
        self.value_after(Line::new(), root)
    }

    /// The same on a line that has begun.
    fn value_after(&mut self, line: Line, root: Value<'g>) -> io::Result<()> {
        self.entry(root, line, None)?;
        while let Some(frame) = self.frames.last_mut() {
            let room = self.options.width.saturating_sub(self.guides.columns()).max(LEAST_ROOM);
            let Some((entry, is_last)) = frame.next(room) else {
                self.frames.pop();
                if !self.frames.is_empty() {
                    self.guides.pop();
                }
                continue;
            };
            let align = frame.align;
            let mut line = self.guides.before(is_last);
            match entry {
                Entry::Row(row) => {
                    line.append(&row);
                    self.write(&line)?;
                }
                Entry::More(count) => {
                    line.append(&more(count));
                    self.write(&line)?;
                }
                Entry::Child(label, value) => {
                    let limit = if self.options.full { usize::MAX } else { self.options.width };
                    line.append(&label_text(&label, limit, align));
                    line.push(Role::Text, " ");
                    self.entry(value, line, Some(is_last))?;
                }
            }
        }
        Ok(())
    }

    /// Writes the line of a value and queues what is below it.
    fn entry(&mut self, value: Value<'g>, mut line: Line, is_last: Option<bool>) -> io::Result<()> {
        let mut mark = String::new();
        if self.sharing.is_shared(value) {
            if let Some(number) = self.sharing.number(value) {
                line.push(Role::Shared, &format!("→ #{number}"));
                return self.write(&line);
            }
            mark = format!(" #{}", self.sharing.assign(value));
        }
        if let Some(bytes) = payload(value).filter(|bytes| self.options.full && bytes.len() > LONG) {
            return self.long_text(value, bytes, &mark, &line);
        }
        let parts = self.content(value, &mark, &mut line);
        if parts.is_empty() {
            return self.write(&line);
        }
        if self.frames.len() >= self.options.depth && !self.options.full {
            line.push(Role::Dim, " …");
            return self.write(&line);
        }
        self.write(&line)?;
        if let Some(is_last) = is_last {
            self.guides.push(is_last);
        }
        self.frames.push(Lines::new(parts));
        Ok(())
    }

    /// Writes long text as it is walked: there may not be room for all of it and its escapes.
    fn long_text(&mut self, value: Value<'g>, bytes: &[u8], mark: &str, line: &Line) -> io::Result<()> {
        line.write(self.paint, self.out)?;
        let (start, write, end): (_, WriteRepr, _) = match value.node() {
            Node::Str(_) => ("", text::write_str_repr, ""),
            Node::Py2Str(_) => ("py2", text::write_py2_str_repr, ""),
            Node::ByteArray(_) => ("bytearray(", text::write_bytes_repr, ")"),
            _ => ("", text::write_bytes_repr, ""),
        };
        let (before, after) = self.paint.around(Role::Str);
        write!(self.out, "{start}{before}")?;
        let mut text = Utf8 { out: &mut *self.out, error: Ok(()) };
        if write(&mut text, bytes).is_err() {
            text.error?;
        }
        writeln!(self.out, "{after}{end}{mark}")
    }

    /// Adds what a value is to its line, with its mark, and gives what belongs below it.
    fn content(&self, value: Value<'g>, mark: &str, line: &mut Line) -> Vec<Part<'g>> {
        let room = self.room(line).saturating_sub(mark.len());
        if let Some(array) = Array::of(value) {
            return self.array(&array, mark, line);
        }
        if let Ok(Some(index)) = Index::of(value) {
            let (short, complete) = index_line(&index, room);
            line.append(&short);
            line.push(Role::Shared, mark);
            return if complete || !self.options.full { Vec::new() } else { self.parts(value) };
        }
        match Frame::of(value) {
            Ok(Some(frame)) => return self.table(frame, value, mark, line),
            Ok(None) => {}
            Err(error) => line.push(Role::Dim, &format!("(not read as a table: {error}) ")),
        }
        if let Some(short) = self.inline(value, room) {
            line.append(&short);
            line.push(Role::Shared, mark);
            return Vec::new();
        }
        let shorten = !self.options.full;
        let args = value.as_object().ok().and_then(|object| args_line(&Reading::of(object, value), room, shorten));
        line.append(&head(value, args.as_ref(), if shorten { room } else { usize::MAX }));
        line.push(Role::Shared, mark);
        if let (Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items), false) =
            (value.node(), self.options.full)
        {
            let common = Common::of(items.iter());
            let is_number = common.as_ref().is_some_and(Common::is_number);
            if is_number || common.as_ref().is_some_and(Common::is_word) {
                let (run, complete) = run(texts(items), items.len() as u64, self.room(line));
                if complete || is_number {
                    line.append(&run);
                    return Vec::new();
                }
            }
        }
        let mut parts = self.parts(value);
        if args.is_some() {
            parts.retain(|part| !part.is_args());
        }
        parts
    }

    /// Adds what a table is. Below it are its columns; and what it is made of if everything is to be seen, or what it holds
    /// besides.
    fn table(&self, frame: Frame<'g>, value: Value<'g>, mark: &str, line: &mut Line) -> Vec<Part<'g>> {
        line.append(&frame_line(&frame));
        line.push(Role::Shared, mark);
        let most = if self.options.full { usize::MAX } else { self.options.items_at(self.frames.len()) };
        let mut parts = vec![Part::Table(TableLines::new(frame, most))];
        if self.options.full {
            parts.extend(self.parts(value));
        } else if value.get("attrs").is_ok_and(|attrs| attrs.len() > Some(0)) {
            // What a user noted of it.
            parts.extend(attribute(value, "attrs"));
        }
        parts
    }

    /// Adds what an array is, with all its elements, or its size and the first of them.
    fn array(&self, array: &Array<'g>, mark: &str, line: &mut Line) -> Vec<Part<'g>> {
        let count = array.count();
        let mut short = array_line(array, false);
        let stats = if self.options.stats { statistics_line(array) } else { None }.unwrap_or_default();
        short.append(&stats);
        let room = self.room(line).saturating_sub(short.columns() + mark.len());
        let list = array.object_list();
        let (whole, complete) = match list.and_then(|list| list.items().ok()) {
            Some(items) if Common::of(items.iter()).is_some_and(|common| common.is_word() || common.is_number()) => {
                run(texts(items), items.len() as u64, room)
            }
            Some(_) => (Line::new(), false),
            None => run(elements(array, self.options.full), count, room),
        };
        if complete {
            line.append(&short);
            line.push(Role::Shared, mark);
            line.append(&whole);
            return Vec::new();
        }
        line.append(&array_line(array, true));
        line.append(&stats);
        line.push(Role::Shared, mark);
        if let Some(list) = list {
            return self.parts(list);
        }
        if let (true, Ok(texts)) = (self.options.full && has_elements(array), array.clone().into_texts()) {
            return vec![Part::Elements(texts)];
        }
        line.append(&run(elements(array, false), count, self.room(line)).0);
        Vec::new()
    }

    /// A value on one line, if that is how it reads best.
    fn inline(&self, value: Value<'g>, room: usize) -> Option<Line> {
        /// The value itself is written out, unless it is this short.
        const SHORT: usize = 60;
        let inline = Inline { sharing: Some(&self.sharing), shorten: !self.options.full };
        let graph = value.graph();
        let is_whole = self.frames.is_empty() && !graph.is_leaf(value.id()) && known::one_line(value).is_none();
        if is_whole {
            let all_atoms = graph.children(value.id()).take(SHORT).all(|child| graph.is_atom(child));
            return if all_atoms { inline.value(value, room.min(SHORT)) } else { None };
        }
        let line = inline.value(value, room)?;
        let Some(note) = length_note(value).filter(|_| line.is_cut()) else { return Some(line) };
        let mut line = inline.value(value, room.saturating_sub(note.len() + 1))?;
        line.push(Role::Dim, &format!(" {note}"));
        Some(line)
    }

    /// What is written below a value.
    fn parts(&self, value: Value<'g>) -> Vec<Part<'g>> {
        let amount = match self.options.full {
            true => Amount::All,
            false => Amount::Most(self.options.items_at(self.frames.len())),
        };
        parts(value, amount)
    }

    /// The columns left on a line.
    fn room(&self, line: &Line) -> usize {
        if self.options.full {
            return self.options.width.max(LEAST_ROOM);
        }
        self.options.width.saturating_sub(line.columns()).max(LEAST_ROOM)
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        line.write(self.paint, self.out)?;
        self.out.write_all(b"\n")
    }
}

/// Text on its way to bytes, with what they failed with.
struct Utf8<'o> {
    out: &'o mut dyn Write,
    error: io::Result<()>,
}

impl fmt::Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.error = Err(error);
            fmt::Error
        })
    }
}

/// Bytes of a text that is put on its line as a whole, where nothing is cut.
const LONG: usize = 1 << 12;

/// Columns that a value has even where it is nested deep.
const LEAST_ROOM: usize = 24;
