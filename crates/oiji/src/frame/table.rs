//! Tables: a DataFrame or a Series, and its columns.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::array::dtype::bad;
use crate::error::Result;
use crate::frame::cell::Cell;
use crate::frame::extension::Reader;
use crate::frame::index::Index;
use crate::frame::manager::{Manager, Run};
use crate::frame::values::Values;
use crate::graph::{Global, Value};
use crate::limits::Limits;

/// A DataFrame, or a Series as a table of one column. Nothing is copied but what stands in text.
///
/// ```
/// use oiji::frame::Frame;
/// # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
/// # let pickle = std::fs::read(format!("{corpus}/pandas-0.19.2-py27/basic.pkl"))?;
/// let graph = oiji::loads(&pickle)?;
/// let frame = Frame::of(graph.root())?.expect("a DataFrame");
/// let column = frame.columns().find(|column| column.name() == "f8").unwrap();
/// assert_eq!(column.dtype(), "float64");
/// assert_eq!(column.cells().next().unwrap().to_string(), "0.5");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frame<'g> {
    class: Global<'g>,
    is_series: bool,
    index: Index<'g>,
    labels: Index<'g>,
    blocks: Vec<Arc<Values<'g>>>,
    /// By their first column.
    runs: Vec<Run>,
}

/// A column of a table, or a level of an index.
///
/// ```
/// use oiji::frame::Frame;
/// # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
/// # let pickle = std::fs::read(format!("{corpus}/pandas-2.2.3-py311/nullable_int.pkl"))?;
/// let graph = oiji::loads(&pickle)?;
/// let frame = Frame::of(graph.root())?.expect("a DataFrame");
/// let column = frame.column(0).unwrap();
/// assert_eq!((column.name().as_str(), column.dtype().as_str(), column.len()), ("I", "Int64", 3));
/// assert!(column.cell(1).is_missing());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Column<'f> {
    name: Vec<Cell<'f>>,
    pub(crate) values: &'f Values<'f>,
    row: u64,
    len: u64,
}

impl<'g> Frame<'g> {
    /// The table that a value is, if it is a DataFrame, a Series or of a class made of them.
    ///
    /// Columns that are not understood are among the others: see [`Column::unknown`].
    ///
    /// # Errors
    /// `InvalidArray` if its parts do not go together; as for [`Frame::with_limits`].
    pub fn of(value: Value<'g>) -> Result<Option<Frame<'g>>> {
        Frame::with_limits(value, &Limits::default())
    }

    /// The same within limits.
    ///
    /// # Errors
    /// `Limit` (`visits`) for columns that say the same data again and again, or that are far longer than what is stored.
    pub fn with_limits(value: Value<'g>, limits: &Limits) -> Result<Option<Frame<'g>>> {
        let Some((class, manager)) =
            value.as_object().ok().and_then(|object| Some((object.made_class()?, Manager::of(object)?)))
        else {
            return Ok(None);
        };
        let manager = manager?;
        let mut reader = Reader::new(limits.visits);
        let (labels, rows) = match manager.is_single {
            true => {
                let named = value.get("_name").or_else(|_| value.get("name"));
                // A Series without a name becomes the column 0.
                (named.ok().filter(|name| !name.is_none()).map(Index::of_name), manager.axes[0])
            }
            false => (Some(Index::read(manager.axes[0], &mut reader)?), manager.axes[1]),
        };
        let index = Index::read(rows, &mut reader)?;
        let labels = match labels {
            Some(labels) => labels,
            None => Index::of_name(value.graph().value(crate::graph::Id::NONE)),
        };
        let mut frame =
            Frame { class, is_series: manager.is_single, index, labels, blocks: Vec::new(), runs: Vec::new() };
        frame.fill(&manager, &mut reader)?;
        Ok(Some(frame))
    }

    /// Reads the blocks and finds which columns they are.
    fn fill(&mut self, manager: &Manager<'g>, reader: &mut Reader<'g>) -> Result<()> {
        let (rows, columns) = (self.index.len(), self.labels.len());
        let mut is_stored = self.index.is_stored();
        let mut told = 0_u64;
        for (at, block) in manager.blocks.iter().enumerate() {
            let values = reader.values(block.values);
            let count = match self.is_series {
                true => {
                    self.runs.push(Run { start: 0, len: 1, block: 0, row: 0, is_rising: true });
                    1
                }
                false => block.runs(at, columns, &mut self.runs)?,
            };
            if let Some(len) = values.len() {
                if len != rows {
                    return Err(bad(format!("a block of {len} rows in a table of {rows}")));
                }
                if values.rows() != count {
                    return Err(bad(format!("a block of {} columns at {count} places", values.rows())));
                }
                let work = count.saturating_mul(rows);
                match values.is_stored() {
                    true => reader.visits.meet(block.values, work)?,
                    false => reader.visits.spend(work)?,
                }
                is_stored |= values.is_stored();
            } else {
                reader.visits.spend(count)?;
            }
            told = told.saturating_add(count);
            self.blocks.push(values);
        }
        // Rows that are only a range are no more than was stored, where anything was; so are columns where there are rows.
        if !is_stored {
            reader.visits.spend(rows)?;
        }
        if rows == 0 && !self.labels.is_stored() {
            reader.visits.spend(columns)?;
        }
        self.runs.sort_unstable_by_key(|run| run.start);
        let mut next = 0;
        for run in &self.runs {
            match run.start.cmp(&next) {
                Ordering::Less => return Err(bad(format!("column {} stands in two blocks", run.start))),
                Ordering::Greater => return Err(bad(format!("column {next} stands in no block"))),
                Ordering::Equal => {}
            }
            next += run.len;
        }
        if told != columns {
            return Err(bad(format!("{told} columns in blocks, and {columns} labels")));
        }
        Ok(())
    }

    /// Its class: `pandas.DataFrame`, `pandas.core.series.Series`.
    pub fn class(&self) -> Global<'g> {
        self.class
    }

    /// Whether it is a Series, which has one column.
    pub fn is_series(&self) -> bool {
        self.is_series
    }

    /// How many rows.
    pub fn row_count(&self) -> u64 {
        self.index.len()
    }

    /// How many columns, those of the index not counted.
    pub fn column_count(&self) -> u64 {
        self.labels.len()
    }

    /// The labels of its rows.
    pub fn index(&self) -> &Index<'g> {
        &self.index
    }

    /// The labels of its columns.
    pub fn labels(&self) -> &Index<'g> {
        &self.labels
    }

    /// The column at a place.
    pub fn column(&self, at: u64) -> Option<Column<'_>> {
        let run = self.runs.get(self.runs.partition_point(|run| run.start <= at).checked_sub(1)?)?;
        let within = at - run.start;
        if within >= run.len {
            return None;
        }
        let row = if run.is_rising { run.row + within } else { run.row + (run.len - 1 - within) };
        Some(Column::new(self.labels.label(at), self.blocks.get(run.block)?, row, self.index.len()))
    }

    /// All columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = Column<'_>> {
        (0..self.labels.len()).map_while(|at| self.column(at))
    }
}

impl<'f> Column<'f> {
    pub(crate) fn new(name: Vec<Cell<'f>>, values: &'f Values<'f>, row: u64, len: u64) -> Column<'f> {
        Column { name, values, row, len }
    }

    /// Its label as text: nothing for none, a tuple of several levels as Python writes it.
    pub fn name(&self) -> String {
        match &self.name[..] {
            [name] => name.to_string(),
            several => Cell::Tuple(several.to_vec()).to_string(),
        }
    }

    /// Its label, a value for each level.
    pub fn label(&self) -> &[Cell<'f>] {
        &self.name
    }

    /// What pandas calls the type of its values: `int64`, `category`, `datetime64[ns, UTC]`. Of a column that is not
    /// understood, its class.
    pub fn dtype(&self) -> String {
        self.values.dtype()
    }

    /// How many values.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value at a place; missing past the end, and in a column that is not understood.
    pub fn cell(&self, at: u64) -> Cell<'f> {
        self.values.cell(self.row, at)
    }

    /// All values, in order.
    pub fn cells(&self) -> Cells<'f> {
        Cells { values: self.values, row: self.row, next: 0, len: self.len }
    }

    /// The inert object that it is, and why, if it is not understood. Its values are missing then.
    pub fn unknown(&self) -> Option<(Value<'f>, &'f str)> {
        match self.values {
            Values::Unknown { value, problem } => Some((*value, problem)),
            _ => None,
        }
    }
}

/// The values of a column, in order: [`Column::cells`].
///
/// ```
/// use oiji::frame::Index;
/// let graph = oiji::loads(b"cpandas.core.indexes.base\n_new_Index\n(cpandas\nRangeIndex\n\
///     (dS'start'\nI0\nsS'stop'\nI3\nsS'step'\nI1\nstR.")?;
/// let index = Index::of(graph.root())?.unwrap();
/// assert_eq!(index.level(0).unwrap().cells().map(|cell| cell.to_string()).collect::<String>(), "012");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone)]
pub struct Cells<'f> {
    values: &'f Values<'f>,
    row: u64,
    next: u64,
    len: u64,
}

impl<'f> Iterator for Cells<'f> {
    type Item = Cell<'f>;

    fn next(&mut self) -> Option<Cell<'f>> {
        (self.next < self.len).then(|| {
            self.next += 1;
            self.values.cell(self.row, self.next - 1)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len - self.next;
        (usize::try_from(left).unwrap_or(usize::MAX), usize::try_from(left).ok())
    }
}

impl fmt::Debug for Cells<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({} of {})", self.next, self.len)
    }
}
