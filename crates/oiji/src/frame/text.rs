//! Columns as text, as pandas' `to_csv` writes them: times with as many digits as the column needs.

use std::borrow::Cow;

use crate::frame::cell::Cell;
use crate::frame::moment::DAY;
use crate::frame::table::{Cells, Column};
use crate::frame::zone::Zone;

/// How many seconds clocks are ahead of UTC in the time zone of a name, at so many seconds since 1970.
pub type Offsets<'o> = &'o dyn Fn(&str, i64) -> Option<i32>;

/// The values of a column as text, nothing for missing ones: [`Column::texts`].
///
/// ```
/// use oiji::frame::Frame;
/// # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
/// # let pickle = std::fs::read(format!("{corpus}/pandas-2.2.3-py311/dt.pkl"))?;
/// let graph = oiji::loads(&pickle)?;
/// let frame = Frame::of(graph.root())?.expect("a DataFrame");
/// let texts: Vec<_> = frame.column(0).unwrap().texts(&|_, _| None).flatten().collect();
/// assert_eq!(texts, ["2015-04-01", "2015-04-02", "2015-04-03"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Texts<'f, 'o> {
    cells: Cells<'f>,
    style: Style,
    offsets: Offsets<'o>,
}

/// What all times of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Each value for itself.
    Each,
    /// Times at midnight are dates alone, durations days.
    Dates,
    /// Times with so many digits of the second.
    Digits(u32),
}

impl<'f> Column<'f> {
    /// Its values as `to_csv` writes them. Time zones that have a name are written as clocks show them there if `offsets`
    /// knows, else in UTC.
    pub fn texts<'o>(&self, offsets: Offsets<'o>) -> Texts<'f, 'o> {
        Texts { cells: self.cells(), style: self.style(), offsets }
    }

    fn style(&self) -> Style {
        let dtype = self.values.time_dtype();
        let is_duration = dtype.starts_with("timedelta64[");
        if !is_duration && (!dtype.starts_with("datetime64[") || dtype.contains(", ")) {
            return Style::Each;
        }
        let (mut digits, mut is_time) = (0, false);
        for cell in self.cells() {
            let nanos = match cell {
                Cell::Moment(moment) => moment.nanos.unwrap_or(0),
                Cell::Duration(duration) => duration.nanos.rem_euclid(DAY) as u64,
                _ => continue,
            };
            is_time |= nanos > 0;
            digits = digits.max(match nanos % 1_000_000_000 {
                0 => 0,
                rest if rest.is_multiple_of(1_000_000) && !is_duration => 3,
                rest if rest.is_multiple_of(1_000) => 6,
                _ => 9,
            });
        }
        if is_time { Style::Digits(digits) } else { Style::Dates }
    }
}

impl<'f> Cell<'f> {
    /// Its moment as clocks show it in its time zone, where `offsets` knows what they do.
    #[must_use]
    pub fn local(self, offsets: Offsets<'_>) -> Cell<'f> {
        match self {
            Cell::Moment(moment) => match moment.zone {
                Some(Zone::Named(name)) => match offsets(name, moment.seconds()) {
                    Some(offset) => Cell::Moment(moment.at_offset(offset)),
                    None => Cell::Moment(moment),
                },
                _ => Cell::Moment(moment),
            },
            Cell::Interval(mut interval) => {
                let none = || Cell::Missing;
                interval.left = std::mem::replace(&mut interval.left, none()).local(offsets);
                interval.right = std::mem::replace(&mut interval.right, none()).local(offsets);
                Cell::Interval(interval)
            }
            Cell::List(cells) => Cell::List(cells.into_iter().map(|cell| cell.local(offsets)).collect()),
            Cell::Tuple(cells) => Cell::Tuple(cells.into_iter().map(|cell| cell.local(offsets)).collect()),
            Cell::Record(fields) => {
                Cell::Record(fields.into_iter().map(|(name, cell)| (name, cell.local(offsets))).collect())
            }
            other => other,
        }
    }
}

impl<'f> Iterator for Texts<'f, '_> {
    type Item = Option<Cow<'f, str>>;

    fn next(&mut self) -> Option<Self::Item> {
        let cell = self.cells.next()?;
        if cell.is_missing() {
            return Some(None);
        }
        Some(Some(match (cell.local(self.offsets), self.style) {
            (Cell::Text(text), _) => text,
            (Cell::Moment(moment), Style::Dates) => {
                let text = moment.text(" ", Some(0));
                text.split_once(' ').map_or(text.clone(), |(date, _)| date.to_owned()).into()
            }
            (Cell::Moment(moment), Style::Digits(digits)) => moment.text(" ", Some(digits)).into(),
            (Cell::Duration(duration), Style::Dates) => duration.days().into(),
            (Cell::Duration(duration), Style::Digits(digits)) => duration.text(Some(digits)).into(),
            (cell, _) => cell.to_string().into(),
        }))
    }
}

impl std::fmt::Debug for Texts<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({:?}, {:?})", self.cells, self.style)
    }
}
