//! Tables and matrices on a few lines: what a DataFrame, a Series, an index or a sparse matrix is, its columns with dtypes and
//! first values; and what a word tells of an estimator.

use crate::array::Sparse;
use crate::array::dtype::shape_text;
use crate::array::text::short_float;
use crate::frame::{Cell, Column, Frame, Index};
use crate::graph::{Node, Value};
use crate::inspect::paint::Role;
use crate::inspect::show::inline::{INNER_TEXT, brief, run};
use crate::inspect::show::line::{Line, grouped};
use crate::op::text;

/// `pandas.DataFrame 5 rows × 8 columns`, `pandas.Series 'name' float64, 3 rows`.
pub(crate) fn frame_line(frame: &Frame<'_>) -> Line {
    let mut line = Line::of(Role::Global, &frame.class().to_string());
    line.push(Role::Text, " ");
    let rows = counted(frame.row_count(), "row");
    match frame.column(0).filter(|_| frame.is_series()) {
        Some(column) => {
            if !column.name().is_empty() {
                line.append(&named(&column));
            }
            line.push(Role::Array, &column.dtype());
            line.push(Role::Dim, &format!(", {rows}"));
        }
        None => line.push(Role::Array, &format!("{rows} × {}", counted(frame.column_count(), "column"))),
    }
    line
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// The labels of rows, or a level of them, as columns: their lines below a table.
#[derive(Debug)]
pub(crate) struct TableLines<'g> {
    frame: Box<Frame<'g>>,
    next: u64,
    shown: u64,
    /// Columns of a line up to the dtype.
    align: usize,
}

/// A line below a table.
pub(crate) enum TableLine {
    Row(Line),
    More(u64),
}

impl<'g> TableLines<'g> {
    /// The index and the first columns, or one more of them rather than a count.
    pub(crate) fn new(frame: Frame<'g>, most: usize) -> TableLines<'g> {
        const LOOKED_AT: u64 = 64;
        const WIDEST: usize = 24;
        let levels = frame.index().level_count() as u64;
        let count = levels + if frame.is_series() { 1 } else { frame.column_count() };
        let most = levels.saturating_add(most as u64);
        let shown = if count <= most.saturating_add(1) { count } else { most };
        let mut lines = TableLines { frame: Box::new(frame), next: 0, shown, align: 0 };
        let widths = (0..shown.min(LOOKED_AT)).filter_map(|at| Some(lines.label(at)?.columns()));
        lines.align = widths.max().unwrap_or(0).min(WIDEST);
        lines
    }

    fn levels(&self) -> u64 {
        self.frame.index().level_count() as u64
    }

    fn count(&self) -> u64 {
        self.levels() + self.frame.column_count()
    }

    /// Whether no line is left.
    pub(crate) fn is_over(&self) -> bool {
        self.next >= self.count()
    }

    pub(crate) fn next(&mut self, room: usize) -> Option<TableLine> {
        if self.next >= self.shown {
            let more = self.count() - self.next;
            self.next = self.count();
            return Some(TableLine::More(more));
        }
        let at = self.next;
        self.next += 1;
        let mut line = self.label(at)?;
        line.push(Role::Text, &" ".repeat((self.align + 1).saturating_sub(line.columns()).max(1)));
        let (column, class) = match at.checked_sub(self.levels()) {
            None => (self.frame.index().level(at as usize)?, Some(self.frame.index().class())),
            Some(at) => (self.frame.column(at)?, None),
        };
        if let Some(class) = class {
            line.push(Role::Type, class);
            line.push(Role::Text, " ");
        }
        line.append(&data(&column, room.saturating_sub(line.columns())));
        Some(TableLine::Row(line))
    }

    /// `index:`, `a column:`.
    fn label(&self, at: u64) -> Option<Line> {
        let mut line = match at.checked_sub(self.levels()) {
            None => {
                let level = self.frame.index().level(at as usize)?;
                let mut line = Line::of(Role::Dim, "index");
                if !level.name().is_empty() {
                    line.push(Role::Text, " ");
                    line.append(&name(&level));
                }
                line
            }
            Some(0) if self.frame.is_series() => Line::of(Role::Dim, "values"),
            Some(at) => name(&self.frame.column(at)?),
        };
        line.push(Role::Text, ":");
        Some(line)
    }
}

/// The label of a column, bare where it is a name.
fn name(column: &Column<'_>) -> Line {
    let name = column.name();
    match column.label() {
        [Cell::Text(text)] if !crate::graph::path::is_name(text.as_bytes()) => Line::of(Role::Key, &quoted(text)),
        _ => Line::of(Role::Key, &cut(&name)),
    }
}

/// The name of what stands alone, and a space.
fn named(column: &Column<'_>) -> Line {
    let mut line = match column.label() {
        [Cell::Text(text)] => Line::of(Role::Key, &quoted(text)),
        _ => name(column),
    };
    line.push(Role::Text, " ");
    line
}

/// `int64 [0, 1, 2, …]`; of what is not understood the class, and why.
fn data(column: &Column<'_>, room: usize) -> Line {
    let mut line = Line::of(Role::Array, &column.dtype());
    if let Some((_, problem)) = column.unknown() {
        line.push(Role::Dim, &format!(", not understood: {problem}"));
        return line;
    }
    let left = room.saturating_sub(line.columns());
    line.append(&run(cells(column), column.len(), left).0);
    line
}

/// The first values of a column.
fn cells<'f>(column: &Column<'f>) -> impl Iterator<Item = Line> + use<'f> {
    /// More do not fit on a line.
    const MOST: usize = 64;
    column.cells().take(MOST).map(|cell| match &cell {
        Cell::Missing => Line::of(Role::Number, "NA"),
        Cell::Text(text) => Line::of(Role::Str, &quoted(text)),
        Cell::Float(float) => Line::of(Role::Number, &short_float(*float)),
        Cell::Float32(float) if float.is_nan() => Line::of(Role::Number, "nan"),
        Cell::Object(value) => brief(*value, INNER_TEXT),
        cell => Line::of(Role::Number, &cut(&cell.to_string())),
    })
}

fn quoted(whole: &str) -> String {
    let short = cut(whole);
    let mut out = String::new();
    // A `String` takes all that is written to it.
    let _ = text::write_str_repr(&mut out, short.as_bytes());
    out
}

/// The beginning of a text, with an ellipsis if there is more.
fn cut(text: &str) -> String {
    match text.char_indices().nth(INNER_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `pandas.RangeIndex int64 (3,) [3, 12, 21]`; whether all of it is there.
pub(crate) fn index_line(index: &Index<'_>, room: usize) -> (Line, bool) {
    let mut line = Line::of(Role::Global, &format!("pandas.{}", index.class()));
    line.push(Role::Text, " ");
    if index.level_count() > 1 {
        line.push(Role::Array, &format!("{} of {} levels", counted(index.len(), "label"), index.level_count()));
        for (at, level) in index.levels().enumerate() {
            line.push(Role::Text, if at == 0 { ": " } else { ", " });
            if !level.name().is_empty() {
                line.append(&name(&level));
                line.push(Role::Text, " ");
            }
            let left = room.saturating_sub(line.columns()) / (index.level_count() - at);
            line.append(&data(&level, left));
        }
        return (line, true);
    }
    let Some(level) = index.level(0) else { return (line, true) };
    if !level.name().is_empty() {
        line.append(&named(&level));
    }
    line.push(Role::Array, &format!("{} {}", level.dtype(), shape_text(&[index.len()])));
    let (run, complete) = run(cells(&level), index.len(), room.saturating_sub(line.columns()));
    line.append(&run);
    (line, complete)
}

/// What is said of an object beside its class: of a sparse matrix dtype, shape and how much is stored; of an estimator the
/// version of scikit-learn; of a model of LightGBM or XGBoost in what form it is there.
pub(crate) fn note(value: Value<'_>) -> Option<Line> {
    if let Ok(Some(matrix)) = Sparse::of(value) {
        let mut line = Line::of(Role::Text, " ");
        line.push(Role::Array, &format!("{} {}", matrix.dtype(), shape_text(matrix.shape())));
        line.push(Role::Dim, &format!(", {} stored", grouped(matrix.stored())));
        return Some(line);
    }
    let object = value.as_object().ok()?;
    let class = object.made_class()?;
    if let Some(Ok(version)) = object.attribute("_sklearn_version").map(Value::as_str) {
        return Some(Line::of(Role::Dim, &format!(", scikit-learn {}", cut(version))));
    }
    let model = |name: &str| object.attribute(name);
    let text = match (class.module().split('.').next()?, class.name()) {
        ("lightgbm", "Booster") => {
            let model = model("_handle").or_else(|| model("handle"))?.as_str().ok()?;
            let trees = model.lines().filter(|line| line.starts_with("Tree=")).count() as u64;
            format!(", model as text of LightGBM, {}", counted(trees, "tree"))
        }
        ("xgboost", "Booster") => match model("handle")?.node() {
            Node::ByteArray(bytes) | Node::Bytes(bytes) => {
                let form = if bytes.starts_with(b"{L") || bytes.starts_with(b"{l") { "UBJSON" } else { "binary" };
                format!(", model as {form} of XGBoost, {} bytes", grouped(bytes.len() as u64))
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(Line::of(Role::Dim, &text))
}

/// A dict of arrays that is a matrix which `save_npz` of SciPy wrote.
pub(crate) fn saved_matrix(value: Value<'_>) -> Option<Line> {
    let matrix = Sparse::of(value).ok()??;
    let mut line = Line::of(Role::Type, "sparse matrix");
    line.push(Role::Text, &format!(" {}", matrix.format()));
    line.append(&note(value)?);
    Some(line)
}
