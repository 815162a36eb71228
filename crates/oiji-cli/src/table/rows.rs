//! What is written row by row: a DataFrame or Series, or an index alone, whose levels are then all there is.

use oiji::frame::{Column, Frame, Index};
use oiji::{Error, ErrorKind, Limits, Value};

/// A table, or an index alone.
pub(crate) enum Rows<'g> {
    Frame(Frame<'g>),
    Index(Index<'g>),
}

impl<'g> Rows<'g> {
    /// What a value is, if it is either.
    pub(crate) fn of(value: Value<'g>, limits: &Limits) -> Result<Option<Rows<'g>>, Error> {
        if let Some(frame) = Frame::with_limits(value, limits)? {
            return Ok(Some(Rows::Frame(frame)));
        }
        match Index::of(value)? {
            // Nothing is stored for the labels of a range: any number of them can be claimed.
            Some(index) if index.class() == "RangeIndex" && index.len() > limits.visits => {
                Err(ErrorKind::Limit { limit: "visits", allowed: limits.visits }.into())
            }
            index => Ok(index.map(Rows::Index)),
        }
    }

    /// The labels of rows.
    pub(crate) fn index(&self) -> &Index<'g> {
        match self {
            Rows::Frame(frame) => frame.index(),
            Rows::Index(index) => index,
        }
    }

    /// The labels of columns; an index alone has no columns.
    pub(crate) fn labels(&self) -> Option<&Index<'g>> {
        match self {
            Rows::Frame(frame) => Some(frame.labels()),
            Rows::Index(_) => None,
        }
    }

    /// The columns beside the index.
    pub(crate) fn columns(&self) -> impl Iterator<Item = Column<'_>> {
        let frame = match self {
            Rows::Frame(frame) => Some(frame),
            Rows::Index(_) => None,
        };
        frame.into_iter().flat_map(Frame::columns)
    }

    /// What a column without a name is called: a Series becomes the column 0.
    pub(crate) fn nameless(&self) -> &'static str {
        match self {
            Rows::Frame(frame) if frame.is_series() => "0",
            _ => "",
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.index().len()
    }
}
