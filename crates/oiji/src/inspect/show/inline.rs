//! Values on one line: atoms, shortened where they are long; small containers as Python would write them; and what is said
//! of a container whose content follows below.
//!
//! Nothing here costs more than the columns allowed, but for the summary of a list, which looks at every item once.

use std::fmt;

use crate::array::Array;
use crate::array::dtype::shape_text;
use crate::frame::{Frame, Index};
use crate::graph::path::is_name;
use crate::graph::{BigIntRef, Buffer, Items, Node, Pairs, Value};
use crate::inspect::paint::Role;
use crate::inspect::show::line::{Line, columns, grouped, size};
use crate::inspect::show::outline::{Group, Label, Reading};
use crate::inspect::show::sharing::Sharing;
use crate::inspect::show::table::{frame_line, index_line, note, saved_matrix};
use crate::inspect::show::{known, summary};
use crate::op::number;
use crate::op::text;

/// Columns of a text inside something else.
pub(crate) const INNER_TEXT: usize = 40;
/// Containers in one another on one line.
const LEVELS: usize = 6;

/// How values are put on one line.
#[derive(Clone, Copy)]
pub(crate) struct Inline<'s> {
    pub(crate) sharing: Option<&'s Sharing>,
    /// Whether long text may be shortened.
    pub(crate) shorten: bool,
}

/// What is still to be written, last first.
enum Todo<'g> {
    Text(Role, &'static str),
    Line(Line),
    Value(Value<'g>, usize),
    Key(Value<'g>),
}

impl Inline<'_> {
    /// A value in at most `limit` columns, or nothing if it does not fit.
    pub(crate) fn value(self, value: Value<'_>, limit: usize) -> Option<Line> {
        let mut line = Line::new();
        let mut todo = vec![Todo::Value(value, 0)];
        while let Some(next) = todo.pop() {
            match next {
                Todo::Text(role, text) => line.push(role, text),
                Todo::Line(part) => line.append(&part),
                Todo::Key(key) => line.append(&key_text(key, if self.shorten { limit } else { usize::MAX })),
                Todo::Value(value, level) => {
                    let left = limit.checked_sub(line.columns())?;
                    self.one(value, level, left, &mut line, &mut todo)?;
                }
            }
            if line.columns() > limit {
                return None;
            }
        }
        Some(line)
    }

    fn one<'g>(
        self,
        value: Value<'g>,
        level: usize,
        left: usize,
        line: &mut Line,
        todo: &mut Vec<Todo<'g>>,
    ) -> Option<()> {
        if level > 0 && self.sharing.is_some_and(|sharing| sharing.is_shared(value)) {
            // Where it was shown; else it must be shown where it can bear a number.
            let number = self.sharing.and_then(|sharing| sharing.number(value))?;
            line.push(Role::Shared, &format!("→ #{number}"));
            return Some(());
        }
        if let Some(known) = known::one_line(value) {
            line.append(&known);
            return Some(());
        }
        if let Some(array) = Array::of(value) {
            if array.objects().is_some() && array.count() > 0 {
                return None;
            }
            let mut short = array_line(&array, false);
            let elements = elements(&array, !self.shorten);
            let (run, complete) = run(elements, array.count(), left.min(INNER_TEXT));
            if complete {
                short.append(&run);
            } else if !self.shorten && has_elements(&array) {
                return None;
            }
            line.append(&short);
            return Some(());
        }
        if let Ok(Some(index)) = Index::of(value) {
            let (short, complete) = index_line(&index, left.min(INNER_TEXT + 24));
            // All of a part is to be seen where nothing is cut.
            line.append(&short);
            return (complete || self.shorten).then_some(());
        }
        if !matches!(Frame::of(value), Ok(None)) {
            return None;
        }
        let text_limit = match (self.shorten, level) {
            (false, _) => usize::MAX,
            (true, 0) => left,
            (true, _) => INNER_TEXT.min(left.max(8)),
        };
        // Text that is too long even where every four bytes take one column.
        if text_limit == usize::MAX && payload(value).is_some_and(|bytes| bytes.len() / 4 > left) {
            return None;
        }
        if let Some(atom) = atom(value, text_limit) {
            if level == 0 && matches!(value.node(), Node::Global(_)) {
                line.push(Role::Dim, "global ");
            }
            line.append(&atom);
            return Some(());
        }
        if level >= LEVELS {
            return None;
        }
        self.container(value, level, left, todo)
    }

    /// Queues the pieces of a container.
    fn container<'g>(self, value: Value<'g>, level: usize, left: usize, todo: &mut Vec<Todo<'g>>) -> Option<()> {
        let mut pieces = Vec::new();
        match value.node() {
            Node::List(items) => list(&mut pieces, "[", items.iter(), "]", left, level)?,
            Node::Tuple(items) => {
                list(&mut pieces, "(", items.iter(), if items.len() == 1 { ",)" } else { ")" }, left, level)?;
            }
            Node::Set(items) if items.is_empty() => pieces.push(Todo::Text(Role::Text, "set()")),
            Node::Set(items) => list(&mut pieces, "{", items.iter(), "}", left, level)?,
            Node::FrozenSet(items) if items.is_empty() => pieces.push(Todo::Text(Role::Text, "frozenset()")),
            Node::FrozenSet(items) => list(&mut pieces, "frozenset({", items.iter(), "})", left, level)?,
            Node::Dict(pairs) => dict(&mut pieces, pairs, left, level)?,
            Node::Persistent(id) if value.steps().next().is_none() => {
                pieces.push(Todo::Text(Role::Type, "persistent id "));
                pieces.push(Todo::Value(id, level + 1));
            }
            Node::Object(object) => self.object(&mut pieces, Reading::of(object, value), left, level)?,
            _ => return None,
        }
        todo.extend(pieces.into_iter().rev());
        Some(())
    }

    fn object<'g>(self, pieces: &mut Vec<Todo<'g>>, reading: Reading<'g>, left: usize, level: usize) -> Option<()> {
        pieces.push(Todo::Value(reading.class, level + 1));
        let mut inside = Vec::new();
        for group in reading.arg_groups() {
            group_pieces(&mut inside, &group, left, level)?;
        }
        let mut after = Vec::new();
        for group in reading.content.iter().take(left) {
            match group {
                Group::Items { items, .. } => {
                    after.push(Todo::Text(Role::Text, " "));
                    list(&mut after, "[", items.iter(), "]", left, level)?;
                }
                Group::Pairs(pairs) => {
                    after.push(Todo::Text(Role::Text, " "));
                    dict(&mut after, *pairs, left, level)?;
                }
                group => group_pieces(&mut inside, group, left, level)?,
            }
        }
        if !inside.is_empty() || after.is_empty() {
            pieces.push(Todo::Text(Role::Text, "("));
            pieces.append(&mut inside);
            pieces.push(Todo::Text(Role::Text, ")"));
        }
        pieces.append(&mut after);
        Some(())
    }
}

/// Items with commas between brackets. Nothing if they are too many to fit.
fn list<'g>(
    pieces: &mut Vec<Todo<'g>>,
    open: &'static str,
    items: impl ExactSizeIterator<Item = Value<'g>>,
    close: &'static str,
    left: usize,
    level: usize,
) -> Option<()> {
    // An item and its comma take at least three columns.
    if items.len().saturating_mul(3) > left.saturating_add(3) {
        return None;
    }
    pieces.push(Todo::Text(Role::Text, open));
    for (index, item) in items.enumerate() {
        if index > 0 {
            pieces.push(Todo::Text(Role::Text, ", "));
        }
        pieces.push(Todo::Value(item, level + 1));
    }
    pieces.push(Todo::Text(Role::Text, close));
    Some(())
}

fn dict<'g>(pieces: &mut Vec<Todo<'g>>, pairs: Pairs<'g>, left: usize, level: usize) -> Option<()> {
    if pairs.len().saturating_mul(6) > left.saturating_add(6) {
        return None;
    }
    pieces.push(Todo::Text(Role::Text, "{"));
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            pieces.push(Todo::Text(Role::Text, ", "));
        }
        pieces.push(Todo::Key(key));
        pieces.push(Todo::Text(Role::Text, ": "));
        pieces.push(Todo::Value(value, level + 1));
    }
    pieces.push(Todo::Text(Role::Text, "}"));
    Some(())
}

/// What stands between the parentheses of an object.
fn group_pieces<'g>(pieces: &mut Vec<Todo<'g>>, group: &Group<'g>, left: usize, level: usize) -> Option<()> {
    if group.len().saturating_mul(3) > left.saturating_add(3) {
        return None;
    }
    for index in 0..group.len() {
        if !pieces.is_empty() {
            pieces.push(Todo::Text(Role::Text, ", "));
        }
        let (label, value) = group.get(index)?;
        match label {
            Label::Kwarg(name) => {
                pieces.push(Todo::Key(name));
                pieces.push(Todo::Text(Role::Text, "="));
            }
            Label::Attribute(name) => {
                pieces.push(Todo::Text(Role::Key, "."));
                pieces.push(Todo::Key(name));
                pieces.push(Todo::Text(Role::Text, "="));
            }
            Label::Part(step) => {
                pieces.push(Todo::Line(Line::of(Role::Key, &step.to_string())));
                pieces.push(Todo::Text(Role::Text, "="));
            }
            _ => {}
        }
        pieces.push(Todo::Value(value, level + 1));
    }
    Some(())
}

/// A key of a dict: bare where it is a name, else as Python writes it; cut unless there is no limit at all.
pub(crate) fn key_text(key: Value<'_>, limit: usize) -> Line {
    let limit = if limit == usize::MAX { limit } else { limit.clamp(8, INNER_TEXT) };
    let bare = match key.node() {
        Node::Str(text) => text.as_bytes(),
        Node::Py2Str(bytes) => bytes,
        _ => return recoloured(&brief(key, limit)),
    };
    let is_word = !matches!(bare, b"None" | b"True" | b"False" | b"inf" | b"nan");
    if is_word && bare.len() <= limit && is_name(bare) {
        return Line::of(Role::Key, std::str::from_utf8(bare).unwrap_or_default());
    }
    let (quoted, cut) = match key.node() {
        Node::Py2Str(bytes) => quote(bytes, limit, false, text::write_py2_str_repr),
        _ => quote(bare, limit, true, text::write_str_repr),
    };
    let mut line = Line::of(Role::Key, &quoted);
    if cut {
        line.push(Role::Dim, "…");
    }
    line
}

fn recoloured(line: &Line) -> Line {
    Line::of(Role::Key, line.as_str())
}

/// A child's label with what stands between it and the value, filled up to `align` columns.
pub(crate) fn label_text(label: &Label<'_>, limit: usize, align: usize) -> Line {
    let mut line = Line::new();
    let mut dotted = |before: &str, name: Value<'_>| {
        line.push(Role::Key, before);
        line.append(&key_text(name, limit));
    };
    let sign = match label {
        Label::Attribute(name) => {
            dotted(".", *name);
            " ="
        }
        Label::Kwarg(name) => {
            dotted("@kwargs.", *name);
            " ="
        }
        Label::Index(index) => {
            line.push(Role::Key, &format!("[{index}]"));
            ""
        }
        Label::Arg(index) => {
            line.push(Role::Key, &format!("@args[{index}]"));
            " ="
        }
        Label::Key(key) => {
            line.append(&key_text(*key, limit));
            ":"
        }
        Label::Part(step) => {
            line.push(Role::Key, &step.to_string());
            " ="
        }
    };
    let fill = " ".repeat(align.saturating_sub(line.columns() + sign.len()));
    if sign == " =" {
        line.push(Role::Text, &fill);
    }
    line.push(Role::Text, sign);
    if sign != " =" {
        line.push(Role::Text, &fill);
    }
    line
}

/// A value in at most about `limit` columns, whatever it is.
pub(crate) fn brief(value: Value<'_>, limit: usize) -> Line {
    let inline = Inline { sharing: None, shorten: limit < usize::MAX };
    inline.value(value, limit).unwrap_or_else(|| {
        let args = value.as_object().ok().and_then(|object| args_line(&Reading::of(object, value), limit, true));
        head(value, args.as_ref(), limit)
    })
}

/// What is said of a container whose content is not on the same line. `args` are the arguments of an object, if they are
/// short enough to be on it.
pub(crate) fn head(value: Value<'_>, args: Option<&Line>, limit: usize) -> Line {
    if let Some(array) = Array::of(value) {
        return array_line(&array, true);
    }
    let mut line = Line::new();
    match value.node() {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            line.push(Role::Type, value.type_name());
            line.push(Role::Text, " of ");
            line.append(&summary::items(items));
        }
        Node::Dict(pairs) => {
            if let Some(matrix) = saved_matrix(value) {
                return matrix;
            }
            line.push(Role::Type, "dict");
            line.push(Role::Text, " of ");
            line.append(&summary::values(pairs));
        }
        Node::Persistent(_) => line.push(Role::Type, "persistent id"),
        Node::Object(object) => {
            if let Ok(Some(frame)) = Frame::of(value) {
                return frame_line(&frame);
            }
            line = object_head(Reading::of(object, value), args, limit);
            line.append(&note(value).unwrap_or_default());
        }
        _ => {
            let steps = value.steps().next().is_some();
            line = atom(value, limit).unwrap_or_else(|| Line::of(Role::Type, value.type_name()));
            if let (true, Node::Global(global)) = (steps, value.node()) {
                line.push(Role::Global, &format!(" {global}"));
            }
        }
    }
    line
}

/// The class of an object with its arguments, if they are short, and how many items it has.
fn object_head(reading: Reading<'_>, args: Option<&Line>, limit: usize) -> Line {
    let mut line = match reading.class.node() {
        Node::Global(global) => Line::of(Role::Global, &global.to_string()),
        _ => brief_class(reading.class, limit),
    };
    let has_args = reading.arg_groups().next().is_some();
    let has_items = reading.item_count() > 0;
    match args {
        Some(args) if has_args || (reading.called && !has_items) => line.append(args),
        None => line.push(Role::Text, "(…)"),
        _ => {}
    }
    let mut items = reading.content.iter().filter(|group| matches!(group, Group::Items { .. } | Group::Pairs(_)));
    if has_items {
        line.push(Role::Text, " of ");
        match (items.next(), items.next()) {
            (Some(Group::Items { items, .. }), None) => line.append(&summary::items(*items)),
            (Some(Group::Pairs(pairs)), None) => line.append(&summary::values(*pairs)),
            _ => line.push(Role::Number, &grouped(reading.item_count() as u64)),
        }
    }
    line
}

/// A class that is no global: what gives it.
fn brief_class(class: Value<'_>, limit: usize) -> Line {
    let inline = Inline { sharing: None, shorten: true };
    let short = limit.clamp(8, 60);
    inline.value(class, short).unwrap_or_else(|| Line::of(Role::Type, &format!("<{}>", class.type_name())))
}

/// The arguments of an object in parentheses, if they are short enough to stand after its class in `room` columns. Long
/// text in them may be cut if `shorten`.
pub(crate) fn args_line(reading: &Reading<'_>, room: usize, shorten: bool) -> Option<Line> {
    /// Longer ones stand better below.
    const LONGEST: usize = 72;
    let class = match reading.class.node() {
        Node::Global(global) => global.module().len() + global.name().len() + 1,
        _ => 0,
    };
    // A short one goes even where the name of the class leaves no room.
    let limit = room.saturating_sub(class).clamp(8, LONGEST);
    let inline = Inline { sharing: None, shorten };
    let mut line = Line::of(Role::Text, "(");
    for group in reading.arg_groups() {
        if group.len() > limit {
            return None;
        }
        for index in 0..group.len() {
            if line.columns() > 1 {
                line.push(Role::Text, ", ");
            }
            let (label, value) = group.get(index)?;
            if let Label::Kwarg(name) = label {
                line.append(&key_text(name, limit));
                line.push(Role::Text, "=");
            }
            let left = limit.checked_sub(line.columns())?;
            let argument = match value.node() {
                Node::Global(global) => Line::of(Role::Global, &global.to_string()),
                _ => inline.value(value, left.min(INNER_TEXT))?,
            };
            line.append(&argument);
        }
    }
    line.push(Role::Text, ")");
    (line.columns() <= limit).then_some(line)
}

/// `array float64 (150, 4)`, and `, 4,800 bytes` where the size is wanted and means something.
pub(crate) fn array_line(array: &Array<'_>, with_size: bool) -> Line {
    /// Smaller ones speak for themselves.
    const SMALL: u64 = 1000;
    let name = match array.class() {
        Some(class) => class,
        None if array.is_tensor() => "tensor",
        None => "array",
    };
    let mut line = Line::of(if array.class().is_some() { Role::Global } else { Role::Type }, name);
    line.push(Role::Text, " ");
    line.push(Role::Array, &array.dtype().to_string());
    line.push(Role::Text, " ");
    line.push(Role::Array, &shape_text(array.shape()));
    if with_size && array.size() >= SMALL && array.objects().is_none() {
        line.push(Role::Dim, &format!(", {}", size(array.size())));
    }
    if let Some(quantized) = array.quantized() {
        line.push(Role::Dim, &format!(", {quantized}"));
    }
    line
}

/// `, min 4.3, max 7.9, mean 5.843333, 2 NaN`, for arrays of numbers and of times whose data is there.
pub(crate) fn statistics_line(array: &Array<'_>) -> Option<Line> {
    let found = array.stats().ok().filter(|_| array.count() > 0)?;
    let mut line = Line::new();
    if let (Some(min), Some(max), Some(mean)) = (found.min_text(), found.max_text(), found.mean_text()) {
        line.push(Role::Dim, &format!(", min {min}, max {max}, mean {mean}"));
    }
    if found.missing > 0 {
        line.push(Role::Dim, &format!(", {} NaN", grouped(found.missing)));
    }
    Some(line)
}

/// Whether any element stands in the pickle, and is no object.
pub(crate) fn has_elements(array: &Array<'_>) -> bool {
    !array.first_texts(1).is_empty()
}

/// The first elements of an array, rounded unless they are to be exact.
pub(crate) fn elements(array: &Array<'_>, exact: bool) -> impl Iterator<Item = Line> {
    /// More do not fit on a line.
    const MOST: usize = 64;
    let texts = match array.texts() {
        Ok(texts) if exact => texts.take(MOST).collect(),
        _ => array.first_texts(MOST),
    };
    texts.into_iter().map(|text| Line::of(Role::Number, &text))
}

/// The items of a list of atoms.
pub(crate) fn texts<'g>(items: Items<'g>) -> impl Iterator<Item = Line> + use<'g> {
    items.iter().filter_map(|item| atom(item, usize::MAX))
}

/// ` [1, 2, 3]`, or as many as fit and an ellipsis; and whether all are there.
pub(crate) fn run(texts: impl Iterator<Item = Line>, count: u64, room: usize) -> (Line, bool) {
    let mut line = Line::of(Role::Text, " [");
    let mut added = 0;
    for text in texts {
        let last = added + 1 == count;
        let comma = if added > 0 { 2 } else { 0 };
        if line.columns() + comma + text.columns() + if last { 1 } else { 4 } > room {
            break;
        }
        if added > 0 {
            line.push(Role::Text, ", ");
        }
        line.append(&text);
        added += 1;
    }
    if added == 0 {
        return (Line::new(), count == 0);
    }
    if added < count {
        line.push(Role::Text, ", ");
        line.push(Role::Dim, "…");
    }
    line.push(Role::Text, "]");
    (line, added == count)
}

/// The line of a value that holds no others; text is cut so that it takes at most about `limit` columns.
pub(crate) fn atom(value: Value<'_>, limit: usize) -> Option<Line> {
    if value.steps().next().is_some() {
        return None;
    }
    Some(match value.node() {
        Node::None => Line::of(Role::Number, "None"),
        Node::Bool(true) => Line::of(Role::Number, "True"),
        Node::Bool(false) => Line::of(Role::Number, "False"),
        Node::Int(int) => Line::of(Role::Number, &int.to_string()),
        Node::BigInt(int) => Line::of(Role::Number, &big_int(int, limit)),
        Node::Float(float) => Line::of(Role::Number, &number::format_float(float)),
        Node::Str(text) => cut("", text.as_bytes(), limit, true, text::write_str_repr),
        Node::Bytes(bytes) => cut("", bytes, limit, false, text::write_bytes_repr),
        Node::Py2Str(bytes) => cut("py2", bytes, limit, false, text::write_py2_str_repr),
        Node::ByteArray(bytes) => {
            let mut line = Line::of(Role::Type, "bytearray");
            line.push(Role::Text, "(");
            line.append(&cut("", bytes, limit.saturating_sub(11), false, text::write_bytes_repr));
            line.push(Role::Text, ")");
            line
        }
        Node::Tuple(items) if items.is_empty() => Line::of(Role::Text, "()"),
        Node::Buffer(buffer) => buffer_line(buffer),
        Node::Global(global) => Line::of(Role::Global, &global.to_string()),
        Node::Extension(code) => Line::of(Role::Global, &format!("extension code {code}")),
        _ => return None,
    })
}

fn buffer_line(buffer: Buffer<'_>) -> Line {
    let mut line = Line::of(Role::Type, "out-of-band buffer");
    line.push(Role::Number, &format!(" {}", buffer.index()));
    if buffer.is_read_only() {
        line.push(Role::Dim, ", read-only");
    }
    if let Some(bytes) = buffer.bytes() {
        line.push(Role::Dim, &format!(", {}", size(bytes.len() as u64)));
    }
    line
}

/// An int of more than 64 bits, in full where that fits and does not take long.
fn big_int(int: BigIntRef<'_>, limit: usize) -> String {
    /// Bytes of an int whose digits are worked out only to be cut.
    const QUICK: usize = 512;
    let bytes = int.to_le_bytes();
    if limit < usize::MAX && bytes.len() > QUICK {
        return format!("int of {} bits", grouped(8 * bytes.len() as u64));
    }
    let digits = number::decimal(bytes);
    if digits.len() <= limit {
        return digits;
    }
    let shown = limit.saturating_sub(2).max(8) / 2;
    format!("{}…{}", &digits[..shown.min(digits.len())], &digits[digits.len().saturating_sub(shown)..])
}

/// Writes text in quotes.
pub(crate) type WriteRepr = fn(&mut dyn fmt::Write, &[u8]) -> fmt::Result;

/// Quoted text that is cut with an ellipsis.
fn cut(prefix: &str, bytes: &[u8], limit: usize, is_text: bool, write: WriteRepr) -> Line {
    let (quoted, cut) = quote(bytes, limit.saturating_sub(prefix.len()), is_text, write);
    let mut line = Line::of(Role::Dim, prefix);
    line.push(Role::Str, &quoted);
    if cut {
        line.push(Role::Dim, "…");
    }
    line
}

/// The beginning of a text in quotes, and whether it was cut. Only about `limit` bytes are looked at.
fn quote(bytes: &[u8], limit: usize, is_text: bool, write: WriteRepr) -> (String, bool) {
    let mut take = bytes.len().min(limit);
    loop {
        while is_text && take > 0 && take < bytes.len() && bytes[take] & 0xc0 == 0x80 {
            take -= 1;
        }
        let mut quoted = String::new();
        // Writing to a string cannot fail.
        let _ = write(&mut quoted, &bytes[..take]);
        let cut = take < bytes.len();
        let taken = columns(&quoted) + usize::from(cut);
        if taken <= limit || take == 0 {
            return (quoted, cut);
        }
        take = (take as u128 * limit as u128 / taken as u128).min(take as u128 - 1) as usize;
    }
}

/// The bytes of text that may be long.
pub(crate) fn payload(value: Value<'_>) -> Option<&[u8]> {
    match value.node() {
        Node::Str(text) => Some(text.as_bytes()),
        Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => Some(bytes),
        _ => None,
    }
}

/// How long a text is, where only its beginning is shown.
pub(crate) fn length_note(value: Value<'_>) -> Option<String> {
    /// Counting characters looks at all bytes.
    const COUNTED: usize = 1 << 20;
    match value.node() {
        Node::Str(text) if text.as_bytes().len() <= COUNTED => {
            Some(format!("{} characters", grouped(text.char_count() as u64)))
        }
        Node::Str(text) => Some(size(text.as_bytes().len() as u64).into_owned()),
        Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => {
            Some(size(bytes.len() as u64).into_owned())
        }
        Node::BigInt(int) => Some(format!("{} bits", grouped(8 * int.to_le_bytes().len() as u64))),
        _ => None,
    }
}
