//! The outline of a value for machines: the same tree, cut by the same options, as JSON.
//!
//! Every value is an object with its `type`; what stands below it is in `children`, each with its step in the path
//! language as `at`, so that the `at`s of a way down, one after another, are the path. Written as it is walked.

use std::io::{self, Write};

use crate::array::{Array, ArrayStats, Number, Quantized, Sparse};
use crate::frame::{Column, Frame, Index};
use crate::graph::path::Step;
use crate::graph::{Items, Node, Value};
use crate::inspect::show::known;
use crate::inspect::show::outline::{Group, Label, Reading, groups};
use crate::inspect::show::sharing::Sharing;
use crate::inspect::show::summary::Common;
use crate::inspect::show::tree::ShowOptions;
use crate::op::number;

/// Writes the outline of `value` as JSON, one object without a newline at its end.
///
/// | field | on | is |
/// |---|---|---|
/// | `at` | all but the outermost | the step to it in the path language: `.name`, `[3]`, `['a key']`, `@args[0]` |
/// | `type` | all | `dict`, `int`, `object`, `array`, `tensor`; a Python 2 `str` is `py2 str` |
/// | `class` | objects, globals | `module.name`, of a call what is called |
/// | `value` | atoms | the value; ints of more than 53 bits, `nan` and the like as strings |
/// | `len` | containers, text, bytes | items, pairs, characters, bytes |
/// | `cut` | text | `true` if it is not all there |
/// | `values` | lists of numbers or words | the items, or the first of them |
/// | `dtype`, `shape`, `size` | arrays | as NumPy has them; `size` in bytes |
/// | `elements` | arrays | the first elements as text, or all of them and exact |
/// | `quantized` | quantized tensors | `scale` and `zero_point`, or `scales`, `zero_points` and `axis`, each with `dtype` and `elements` |
/// | `rows`, `index`, `columns`, `more_columns` | tables of pandas | how many rows; levels of the index and columns, with `name`, `dtype` and the first `elements` as text, or the `problem` of one that is not understood; how many columns are left out |
/// | `dtype`, `shape`, `stored` | sparse matrices | as SciPy has them |
/// | `text` | dates and the like | what the tree shows |
/// | `shared`, `ref` | shared values | their number where they are shown, and where they are met again |
/// | `children`, `more` | containers | what is below, and how many are left out |
///
/// # Errors
/// What `out` fails with.
pub fn show_json(value: Value<'_>, options: &ShowOptions, out: &mut dyn Write) -> io::Result<()> {
    let sharing = Sharing::of(value.graph(), [value.id()]);
    let mut writer = Writer { options, out, sharing, frames: Vec::new() };
    writer.begin(value, None)?;
    while let Some(frame) = writer.frames.last_mut() {
        if let Some((label, child)) = frame.next() {
            if frame.written > 1 {
                writer.out.write_all(b",")?;
            }
            writer.begin(child, Some(&step(&label)))?;
            continue;
        }
        let more = frame.more;
        writer.frames.pop();
        writer.out.write_all(b"]")?;
        if more > 0 {
            write!(writer.out, ",\"more\":{more}")?;
        }
        writer.out.write_all(b"}")?;
    }
    Ok(())
}

/// Elements of an array or a column, unless everything is to be seen.
const ELEMENTS: usize = 8;

struct Writer<'o, 'g> {
    options: &'o ShowOptions,
    out: &'o mut dyn Write,
    sharing: Sharing,
    frames: Vec<Open<'g>>,
}

/// A container of which the children are being written.
struct Open<'g> {
    groups: std::vec::IntoIter<Group<'g>>,
    group: Option<(Group<'g>, usize)>,
    most: usize,
    written: usize,
    more: usize,
}

impl<'g> Open<'g> {
    fn next(&mut self) -> Option<(Label<'g>, Value<'g>)> {
        loop {
            if let Some((group, index)) = &mut self.group {
                let shown = group.len().min(self.most);
                if *index < shown {
                    *index += 1;
                    self.written += 1;
                    return group.get(*index - 1);
                }
                self.more += group.len() - shown;
            }
            self.group = Some((self.groups.next()?, 0));
        }
    }
}

impl<'g> Writer<'_, 'g> {
    /// Writes an object, or the beginning of one whose children follow.
    fn begin(&mut self, value: Value<'g>, at: Option<&str>) -> io::Result<()> {
        self.out.write_all(b"{")?;
        if let Some(at) = at {
            self.out.write_all(b"\"at\":")?;
            self.string(at)?;
            self.out.write_all(b",")?;
        }
        if self.sharing.is_shared(value) {
            if let Some(number) = self.sharing.number(value) {
                return write!(self.out, "\"ref\":{number}}}");
            }
            let number = self.sharing.assign(value);
            write!(self.out, "\"shared\":{number},")?;
        }
        let children = self.fields(value)?;
        if children.iter().all(|group| group.len() == 0) {
            return self.out.write_all(b"}");
        }
        if self.frames.len() >= self.options.depth && !self.options.full {
            let count: usize = children.iter().map(Group::len).sum();
            return write!(self.out, ",\"more\":{count}}}");
        }
        self.out.write_all(b",\"children\":[")?;
        let most = self.most();
        self.frames.push(Open { groups: children.into_iter(), group: None, most, written: 0, more: 0 });
        Ok(())
    }

    fn most(&self) -> usize {
        if self.options.full { usize::MAX } else { self.options.items_at(self.frames.len()) }
    }

    /// Writes what a value is, and gives what stands below it.
    fn fields(&mut self, value: Value<'g>) -> io::Result<Vec<Group<'g>>> {
        if let Some(array) = Array::of(value) {
            return self.array(&array);
        }
        if let (Some(line), Ok(object)) = (known::one_line(value), value.as_object()) {
            let class = Reading::class_of(object).map(|class| class.to_string()).unwrap_or_default();
            self.field("\"type\":", "object")?;
            self.field(",\"class\":", &class)?;
            self.field(",\"text\":", line.as_str())?;
            return Ok(Vec::new());
        }
        let name = match value.node() {
            Node::Py2Str(_) => "py2 str",
            _ => value.type_name(),
        };
        self.field("\"type\":", name)?;
        match value.node() {
            Node::None => self.out.write_all(b",\"value\":null")?,
            Node::Bool(bool) => write!(self.out, ",\"value\":{bool}")?,
            Node::Int(int) => self.int(",\"value\":", int)?,
            Node::BigInt(int) => self.big_int(int.to_le_bytes())?,
            Node::Float(float) => self.float(",\"value\":", float)?,
            Node::Str(text) => {
                let (shown, cut) = self.cut(text.as_bytes(), true);
                let shown = shown.to_vec();
                self.field(",\"value\":", &String::from_utf8_lossy(&shown))?;
                self.cut_note(text.char_count(), cut)?;
            }
            Node::Bytes(bytes) | Node::ByteArray(bytes) | Node::Py2Str(bytes) => {
                let (shown, cut) = self.cut(bytes, false);
                let shown: String = shown.iter().copied().map(char::from).collect();
                self.field(",\"value\":", &shown)?;
                self.cut_note(bytes.len(), cut)?;
            }
            Node::Buffer(buffer) => {
                write!(self.out, ",\"value\":{}", buffer.index())?;
                if let Some(bytes) = buffer.bytes() {
                    write!(self.out, ",\"len\":{}", bytes.len())?;
                }
            }
            Node::Global(global) => self.field(",\"class\":", &global.to_string())?,
            Node::Extension(code) => write!(self.out, ",\"value\":{code}")?,
            Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
                write!(self.out, ",\"len\":{}", items.len())?;
                let common = Common::of(items.iter());
                if common.is_some_and(|common| common.is_number() || common.is_word()) {
                    self.values(items)?;
                    return Ok(Vec::new());
                }
            }
            Node::Dict(pairs) => write!(self.out, ",\"len\":{}", pairs.len())?,
            Node::Object(object) => {
                let reading = Reading::of(object, value);
                let class = match reading.class.node() {
                    Node::Global(global) => global.to_string(),
                    _ => reading.class.type_name().to_owned(),
                };
                self.field(",\"class\":", &class)?;
                if let Ok(Some(frame)) = Frame::of(value) {
                    self.table(&frame)?;
                }
                if let Ok(Some(index)) = Index::of(value) {
                    self.index(&index)?;
                }
                if let Ok(Some(matrix)) = Sparse::of(value) {
                    self.field(",\"dtype\":", &matrix.dtype().to_string())?;
                    self.shape(matrix.shape())?;
                    write!(self.out, ",\"stored\":{}", matrix.stored())?;
                }
                if reading.item_count() > 0 {
                    write!(self.out, ",\"len\":{}", reading.item_count())?;
                }
            }
            Node::Persistent(_) => {}
        }
        Ok(groups(value))
    }

    fn array(&mut self, array: &Array<'g>) -> io::Result<Vec<Group<'g>>> {
        self.field("\"type\":", if array.is_tensor() { "tensor" } else { "array" })?;
        if let Some(class) = array.class() {
            self.field(",\"class\":", class)?;
        }
        self.field(",\"dtype\":", &array.dtype().to_string())?;
        self.shape(array.shape())?;
        if let Some(list) = array.object_list() {
            return Ok(groups(list));
        }
        write!(self.out, ",\"size\":{}", array.size())?;
        if let (true, Ok(found)) = (self.options.stats, array.stats()) {
            self.statistics(&found)?;
        }
        if let Some(Ok(parts)) = array.quantized().map(Quantized::parts) {
            self.out.write_all(b",\"quantized\":{")?;
            for (index, (name, part)) in parts.iter().enumerate() {
                write!(self.out, "{}\"{name}\":{{\"dtype\":\"{}\"", if index > 0 { "," } else { "" }, part.dtype())?;
                self.array_elements(part)?;
                self.out.write_all(b"}")?;
            }
            self.out.write_all(b"}")?;
        }
        self.array_elements(array)
    }

    fn array_elements(&mut self, array: &Array<'_>) -> io::Result<Vec<Group<'g>>> {
        match array.texts() {
            Ok(texts) if self.options.full => self.elements(texts),
            _ => self.elements(array.first_texts(ELEMENTS)),
        }
    }

    fn shape(&mut self, shape: &[u64]) -> io::Result<()> {
        self.out.write_all(b",\"shape\":[")?;
        for (index, axis) in shape.iter().enumerate() {
            write!(self.out, "{}{axis}", if index > 0 { "," } else { "" })?;
        }
        self.out.write_all(b"]")
    }

    /// How many labels there are, and the levels of them as columns.
    fn index(&mut self, index: &Index<'_>) -> io::Result<()> {
        write!(self.out, ",\"rows\":{},\"index\":[", index.len())?;
        for (at, level) in index.levels().enumerate() {
            self.column(at, &level)?;
        }
        self.out.write_all(b"]")
    }

    /// Index and columns of a table; what it is made of stands below it as ever.
    fn table(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        self.index(frame.index())?;
        self.out.write_all(b",\"columns\":[")?;
        let most = self.most();
        for (at, column) in frame.columns().take(most).enumerate() {
            self.column(at, &column)?;
        }
        self.out.write_all(b"]")?;
        match frame.column_count().saturating_sub(most as u64) {
            0 => Ok(()),
            more => write!(self.out, ",\"more_columns\":{more}"),
        }
    }

    /// Name, dtype and the first values of a column, as text; `null` for a missing one.
    fn column(&mut self, at: usize, column: &Column<'_>) -> io::Result<()> {
        self.field(if at > 0 { ",{\"name\":" } else { "{\"name\":" }, &column.name())?;
        self.field(",\"dtype\":", &column.dtype())?;
        if let Some((_, problem)) = column.unknown() {
            self.field(",\"problem\":", problem)?;
            return self.out.write_all(b"}");
        }
        let shown = if self.options.full { usize::MAX } else { ELEMENTS };
        self.out.write_all(b",\"elements\":[")?;
        for (at, cell) in column.cells().take(shown).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match cell.is_missing() {
                true => write!(self.out, "{comma}null")?,
                false => self.field(comma, &cell.to_string())?,
            }
        }
        self.out.write_all(b"]}")
    }

    fn statistics(&mut self, found: &ArrayStats) -> io::Result<()> {
        write!(self.out, ",\"stats\":{{\"nan\":{}", found.missing)?;
        for (name, number) in [(",\"min\":", found.min), (",\"max\":", found.max)] {
            match number {
                Some(Number::Int(int)) => write!(self.out, "{name}{int}")?,
                Some(Number::Float(float)) => self.float(name, float)?,
                None => {}
            }
        }
        if let Some(mean) = found.mean {
            self.float(",\"mean\":", mean)?;
        }
        self.out.write_all(b"}")
    }

    fn elements(&mut self, elements: impl IntoIterator<Item = String>) -> io::Result<Vec<Group<'g>>> {
        let mut before = ",\"elements\":[";
        for element in elements {
            self.field(before, &element)?;
            before = ",";
        }
        if before == "," {
            self.out.write_all(b"]")?;
        }
        Ok(Vec::new())
    }

    /// The items of a list of numbers or words.
    fn values(&mut self, items: Items<'g>) -> io::Result<()> {
        let shown = items.len().min(self.most());
        self.out.write_all(b",\"values\":[")?;
        for (index, item) in items.iter().take(shown).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match item.node() {
                Node::None => write!(self.out, "{comma}null")?,
                Node::Bool(bool) => write!(self.out, "{comma}{bool}")?,
                Node::Int(int) => self.int(comma, int)?,
                Node::Float(float) => self.float(comma, float)?,
                Node::Str(text) => self.field(comma, &text.to_string())?,
                Node::Py2Str(bytes) => self.field(comma, &bytes.iter().copied().map(char::from).collect::<String>())?,
                _ => write!(self.out, "{comma}null")?,
            }
        }
        self.out.write_all(b"]")?;
        match items.len() - shown {
            0 => Ok(()),
            more => write!(self.out, ",\"more\":{more}"),
        }
    }

    /// As much of a text as may be shown, and whether that is not all.
    fn cut<'b>(&self, bytes: &'b [u8], is_text: bool) -> (&'b [u8], bool) {
        let mut take = if self.options.full { bytes.len() } else { bytes.len().min(self.options.width) };
        while is_text && take > 0 && take < bytes.len() && bytes[take] & 0xc0 == 0x80 {
            take -= 1;
        }
        (&bytes[..take], take < bytes.len())
    }

    fn cut_note(&mut self, len: usize, cut: bool) -> io::Result<()> {
        write!(self.out, ",\"len\":{len}{}", if cut { ",\"cut\":true" } else { "" })
    }

    /// A number where every reader takes it for the same one, else a string.
    fn int(&mut self, before: &str, int: i64) -> io::Result<()> {
        const EXACT: u64 = 1 << 53;
        let quote = if int.unsigned_abs() > EXACT { "\"" } else { "" };
        write!(self.out, "{before}{quote}{int}{quote}")
    }

    fn big_int(&mut self, bytes: &[u8]) -> io::Result<()> {
        /// The digits of longer ones take long.
        const QUICK: usize = 512;
        if bytes.len() > QUICK && !self.options.full {
            return write!(self.out, ",\"bits\":{},\"cut\":true", 8 * bytes.len() as u64);
        }
        write!(self.out, ",\"value\":\"{}\"", number::decimal(bytes))
    }

    fn float(&mut self, before: &str, float: f64) -> io::Result<()> {
        let text = number::format_float(float);
        let quote = if float.is_finite() { "" } else { "\"" };
        write!(self.out, "{before}{quote}{text}{quote}")
    }

    fn field(&mut self, before: &str, text: &str) -> io::Result<()> {
        self.out.write_all(before.as_bytes())?;
        self.string(text)
    }

    /// A string of JSON.
    fn string(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(b"\"")?;
        let mut plain = 0;
        for (index, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out.write_all(&text.as_bytes()[plain..index])?;
            plain = index + 1;
            match byte {
                b'"' | b'\\' => self.out.write_all(&[b'\\', byte])?,
                b'\n' => self.out.write_all(b"\\n")?,
                _ => write!(self.out, "\\u{byte:04x}")?,
            }
        }
        self.out.write_all(&text.as_bytes()[plain..])?;
        self.out.write_all(b"\"")
    }
}

/// The step to a child, as paths have it.
fn step(label: &Label<'_>) -> String {
    match label {
        Label::Index(index) => format!("[{index}]"),
        Label::Arg(index) => format!("@args[{index}]"),
        Label::Key(key) | Label::Attribute(key) => Step::at_key(*key).to_string(),
        Label::Kwarg(key) => format!("@kwargs{}", Step::at_key(*key)),
        Label::Part(step) => step.to_string(),
    }
}
