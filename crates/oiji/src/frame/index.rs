//! The labels of rows and of columns: an index of one level or several.

use std::sync::Arc;

use crate::array::dtype::bad;
use crate::error::Result;
use crate::frame::cell::Cell;
use crate::frame::extension::{Reader, coded};
use crate::frame::grid::Grid;
use crate::frame::table::Column;
use crate::frame::values::Values;
use crate::graph::{Made, Object, Value};
use crate::limits::Limits;

pub(crate) use crate::frame::objects::closed as closed_bounds;

/// Labels, one or a tuple of several for each row or column: an `Index`, `RangeIndex`, `DatetimeIndex`, `MultiIndex`…
///
/// ```
/// use oiji::frame::Index;
/// let graph = oiji::loads(b"cpandas.core.indexes.base\n_new_Index\n(cpandas\nRangeIndex\n\
///     (dS'start'\nI3\nsS'stop'\nI30\nsS'step'\nI9\nsS'name'\nNstR.")?;
/// let index = Index::of(graph.root())?.unwrap();
/// assert_eq!((index.class(), index.len()), ("RangeIndex", 3));
/// assert_eq!(index.label(2).last().unwrap().to_string(), "21");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Index<'g> {
    class: &'g str,
    names: Vec<Option<Value<'g>>>,
    levels: Vec<Arc<Values<'g>>>,
    len: u64,
}

/// The class of an index and the dict of its parts: `_new_Index(class, {…})` and its kin.
pub(crate) fn index_parts<'g>(object: Object<'g>) -> Option<(&'g str, Value<'g>)> {
    let called = object.made_class().filter(|_| object.made() == Made::Call)?;
    let is_index =
        called.module().starts_with("pandas") && called.name().starts_with("_new_") && called.name().ends_with("Index");
    let class = object.args().at(0).ok().filter(|_| is_index)?.as_global().ok()?;
    let parts = object.args().at(1).ok()?;
    parts.pairs().ok()?;
    Some((class.name(), parts))
}

impl<'g> Index<'g> {
    /// The index that a value is, if it is one.
    ///
    /// # Errors
    /// `InvalidArray` if its parts do not go together, `Limit` if it is far longer than its data.
    pub fn of(value: Value<'g>) -> Result<Option<Index<'g>>> {
        let is_index = value.as_object().is_ok_and(|object| index_parts(object).is_some());
        if !is_index {
            return Ok(None);
        }
        Index::read(value, &mut Reader::new(Limits::default().visits)).map(Some)
    }

    /// The labels that a value is.
    pub(crate) fn read(value: Value<'g>, reader: &mut Reader<'g>) -> Result<Index<'g>> {
        let object = value.as_object()?;
        let (class, parts) = index_parts(object).ok_or_else(|| bad("labels that are no index"))?;
        if class == "MultiIndex" {
            return Index::of_levels(class, parts, reader);
        }
        let values = reader.values(value);
        let len = match &*values {
            Values::Unknown { problem, .. } => return Err(bad(format!("an index that is not understood: {problem}"))),
            values => values.len().unwrap_or(0),
        };
        let name = parts.get("name").ok().filter(|name| !name.is_none());
        Ok(Index { class, names: vec![name], levels: vec![values], len })
    }

    fn of_levels(class: &'g str, parts: Value<'g>, reader: &mut Reader<'g>) -> Result<Index<'g>> {
        let codes = parts.get("codes").or_else(|_| parts.get("labels"))?.items()?;
        let labels = parts.get("levels")?.items()?;
        if labels.len() != codes.len() || labels.is_empty() {
            return Err(bad(format!("{} levels with {} lists of codes", labels.len(), codes.len())));
        }
        let names = parts.get("names").ok().and_then(|names| names.items().ok());
        let mut index = Index { class, names: Vec::new(), levels: Vec::new(), len: 0 };
        for (at, (level, codes)) in labels.iter().zip(codes.iter()).enumerate() {
            let values = coded(Grid::of_value(codes)?, reader.values(level), true)?;
            let len = values.len().unwrap_or(0);
            if at > 0 && len != index.len {
                return Err(bad(format!("{len} codes in a level after {}", index.len)));
            }
            reader.visits.meet(codes, len)?;
            index.len = len;
            index.names.push(names.and_then(|names| names.get(at)).filter(|name| !name.is_none()));
            index.levels.push(Arc::new(values));
        }
        Ok(index)
    }

    /// The one label of a Series as if it were a column.
    pub(crate) fn of_name(name: Value<'g>) -> Index<'g> {
        Index { class: "Index", names: vec![None], levels: vec![Arc::new(Values::One(name))], len: 1 }
    }

    /// Its class: `Index`, `RangeIndex`.
    pub fn class(&self) -> &'g str {
        self.class
    }

    /// How many labels.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many levels: one, but for a `MultiIndex`.
    pub fn level_count(&self) -> usize {
        self.levels.len()
    }

    /// A level as a column.
    pub fn level(&self, at: usize) -> Option<Column<'_>> {
        let values = self.levels.get(at)?;
        let name = match self.names.get(at)? {
            Some(name) => vec![Cell::of(*name)],
            None => vec![Cell::Missing],
        };
        Some(Column::new(name, values, 0, self.len))
    }

    /// All levels as columns.
    pub fn levels(&self) -> impl Iterator<Item = Column<'_>> {
        (0..self.levels.len()).filter_map(|at| self.level(at))
    }

    /// The label at a place: a value for each level.
    pub fn label(&self, at: u64) -> Vec<Cell<'_>> {
        self.levels.iter().map(|level| level.cell(0, at)).collect()
    }

    /// Whether all its data is stored value by value.
    pub(crate) fn is_stored(&self) -> bool {
        self.levels.iter().all(|level| level.is_stored())
    }
}
