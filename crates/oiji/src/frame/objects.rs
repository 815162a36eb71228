//! Python objects as cells: scalars of pandas and NumPy, dates and times of `datetime`. What is none of these stays the
//! inert object it is.

use std::borrow::Cow;

use crate::array::{Array, Unit};
use crate::frame::cell::{Cell, Interval};
use crate::frame::moment::{DAY, Duration, Moment, day_of};
use crate::frame::period::Frequency;
use crate::frame::zone::Zone;
use crate::graph::{Items, Node, Object, Value};

impl<'f> Cell<'f> {
    /// The cell that a Python object is.
    pub fn of(value: Value<'f>) -> Cell<'f> {
        match value.node() {
            Node::None => Cell::Missing,
            Node::Bool(bool) => Cell::Bool(bool),
            Node::Int(int) => Cell::Int(int.into()),
            Node::Float(float) => Cell::Float(float),
            Node::Str(text) => match text.as_str() {
                Some(text) => Cell::Text(text.into()),
                None => Cell::Text(text.to_string().into()),
            },
            Node::Py2Str(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Cell::Text(text.into()),
                Err(_) => Cell::Bytes(bytes.into()),
            },
            Node::Bytes(bytes) => Cell::Bytes(bytes.into()),
            Node::Global(global) if global.name() == "NA" && global.module().starts_with("pandas") => Cell::Missing,
            Node::Object(object) => scalar(value, object, SCALARS).unwrap_or(Cell::Object(value)),
            _ => Cell::Object(value),
        }
    }
}

/// Objects within one another: the bounds of an interval are scalars themselves.
const SCALARS: u32 = 3;

fn scalar<'f>(value: Value<'f>, object: Object<'f>, depth: u32) -> Option<Cell<'f>> {
    let depth = depth.checked_sub(1)?;
    let class = object.made_class()?;
    let args = object.args().items().ok()?;
    match (class.module(), class.name()) {
        ("datetime", "date" | "datetime") => moment(args).map(Cell::Moment),
        ("datetime", "timedelta") => timedelta(args).map(Cell::Duration),
        ("decimal", "Decimal") => args.get(0)?.as_str().ok().map(|text| Cell::Text(text.into())),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => {
            let array = Array::of_scalar(value)?;
            Cell::of_element(array.dtype(), &array.c_order_bytes().ok()?)
        }
        (module, name) if module.starts_with("pandas") => pandas(name, args, depth),
        _ => None,
    }
}

/// A scalar of pandas, of any version: modules moved, names hardly.
fn pandas<'f>(name: &str, args: Items<'f>, depth: u32) -> Option<Cell<'f>> {
    let int = |index: usize| args.get(index)?.as_i64().ok();
    match name {
        "NaTType" | "_nat_unpickle" | "__nat_unpickle" => Some(Cell::Missing),
        "Timestamp" | "_unpickle_timestamp" => {
            let zone = match args.get(2).filter(|zone| !zone.is_none()) {
                Some(zone) => Some(Zone::of(zone)?),
                None => None,
            };
            Moment::new(int(0)?.into(), resolution(int(3)), zone).map(Cell::Moment)
        }
        "Timedelta" | "_timedelta_unpickle" => Duration::new(int(0)?.into(), resolution(int(1))).map(Cell::Duration),
        // From pandas 0.20 on a state is (None, freq, ordinal), and it is called with (ordinal, freq).
        "Period" | "_new_period" | "_unpickle_period" => match (args.get(0)?.node(), args.len()) {
            (Node::Int(ordinal), 2) => Some(period(ordinal, args.get(1)?)?),
            (Node::None, 3) => Some(period(int(2)?, args.get(1)?)?),
            _ => None,
        },
        "Interval" => {
            let bound = |index: usize| {
                let value = args.get(index)?;
                match value.node() {
                    Node::Object(object) => scalar(value, object, depth),
                    _ => Some(Cell::of(value)),
                }
            };
            let (has_left, has_right) = closed(args.get(2)?.as_str().ok()?)?;
            Some(Cell::Interval(Box::new(Interval { left: bound(0)?, right: bound(1)?, has_left, has_right })))
        }
        _ => None,
    }
}

fn period<'f>(ordinal: i64, frequency: Value<'_>) -> Option<Cell<'f>> {
    let frequency = Frequency::of(frequency)?;
    Some(if ordinal == i64::MIN { Cell::Missing } else { Cell::Period(frequency.at(ordinal)) })
}

/// Which bounds belong to an interval.
pub(crate) fn closed(name: &str) -> Option<(bool, bool)> {
    Some(match name {
        "left" => (true, false),
        "right" => (false, true),
        "both" => (true, true),
        "neither" => (false, false),
        _ => return None,
    })
}

/// The unit by NumPy's number for it; of old files, which have none, nanoseconds.
fn resolution(number: Option<i64>) -> Unit {
    match number {
        Some(7) => Unit::Second,
        Some(8) => Unit::Millisecond,
        Some(9) => Unit::Microsecond,
        _ => Unit::Nanosecond,
    }
}

/// `datetime.date` or `datetime.datetime` of the bytes they pack themselves into.
fn moment<'f>(args: Items<'f>) -> Option<Moment<'f>> {
    let packed = packed(args.get(0)?)?;
    let date = packed.get(..4)?;
    let year = i64::from(u16::from_be_bytes([date[0], date[1]]));
    // The upper bit of the month is the `fold`.
    let day = day_of(year, date[2] & 0x7f, date[3])?;
    let nanos = match packed[4..] {
        [] => None,
        [hour, minute, second, high, middle, low] if hour < 24 && minute < 60 && second < 60 => {
            let seconds = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
            let micros = u64::from(u32::from_be_bytes([0, high, middle, low]));
            (micros < 1_000_000).then_some(Some(seconds * 1_000_000_000 + micros * 1000))?
        }
        _ => return None,
    };
    let zone = match args.get(1) {
        None => return Some(Moment { day, nanos, zone: None }),
        Some(zone) => Zone::of(zone)?,
    };
    // It is told as clocks show it there. What they show under a name is for a database of zones.
    let ahead = i128::from(zone.offset()?) * 1_000_000_000;
    let total = i128::from(day) * DAY + i128::from(nanos.unwrap_or(0)) - ahead;
    Some(Moment {
        day: i64::try_from(total.div_euclid(DAY)).ok()?,
        nanos: Some(total.rem_euclid(DAY) as u64),
        zone: Some(zone),
    })
}

/// The ten bytes of a datetime, the four of a date: as bytes, or as text of Latin-1.
fn packed(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) => Some(bytes.into()),
        Node::Str(text) if text.as_bytes().len() <= 20 => {
            let bytes: Option<Vec<u8>> =
                text.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
            bytes.map(Cow::Owned)
        }
        _ => None,
    }
}

/// `datetime.timedelta(days, seconds, microseconds)`.
fn timedelta(args: Items<'_>) -> Option<Duration> {
    let part = |index: usize| match args.get(index) {
        Some(value) => value.as_i64().ok().map(i128::from),
        None => Some(0),
    };
    Some(Duration { nanos: part(0)? * DAY + part(1)? * 1_000_000_000 + part(2)? * 1000 })
}
