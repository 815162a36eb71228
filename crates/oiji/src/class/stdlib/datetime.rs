//! `datetime.datetime`: ten bytes, as Python packs them, and a time zone.

use std::fmt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::Callable;
use crate::class::stdlib::date::Date;
use crate::class::stdlib::packed::{int_args, payload};
use crate::class::stdlib::time::{FOLD, FOLD_PROTOCOL, Time};
use crate::class::stdlib::timezone::{self, TimeZone};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Value};

const DATETIME: Callable = Callable { shown: "datetime.datetime", modules: &["datetime"], name: "datetime" };

/// A date and time, with or without a time zone: `datetime.datetime`.
///
/// Protocols 0 to 3 have no place for the fold, and Python drops it there; so does this.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::{Date, DateTime, Time, TimeZone}};
/// // pickle.dumps(datetime.datetime(2024, 2, 29, 1, 2, 3), 3)
/// let bytes = b"\x80\x03cdatetime\ndatetime\nq\x00C\n\x07\xe8\x02\x1d\x01\x02\x03\x00\x00\x00q\x01\x85q\x02Rq\x03.";
/// let naive = DateTime::loads(bytes)?;
/// assert_eq!(naive, DateTime::new(Date::new(2024, 2, 29)?, Time::new(1, 2, 3, 0)?));
///
/// let paris = naive.with_zone(TimeZone::named("Europe/Paris"));
/// assert_eq!(DateTime::loads(&paris.dumps()?)?, paris);
/// assert_eq!(paris.to_string(), "2024-02-29T01:02:03[Europe/Paris]");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DateTime {
    date: Date,
    time: Time,
}

impl DateTime {
    /// The time on that day, in the zone of the time.
    pub fn new(date: Date, time: Time) -> Self {
        DateTime { date, time }
    }

    /// The same in a time zone: the clock shows the same, so it may be another moment.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<Option<TimeZone>>) -> Self {
        DateTime { time: self.time.with_zone(zone), ..self }
    }

    /// The same with the fold: whether it is the second of two times that clocks show twice.
    #[must_use]
    pub fn with_fold(self, fold: bool) -> Self {
        DateTime { time: self.time.with_fold(fold), ..self }
    }

    /// The day.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The time, with fold and zone.
    pub fn time(&self) -> &Time {
        &self.time
    }

    /// The time zone, if there is one.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.time.zone()
    }
}

impl fmt::Display for DateTime {
    /// As Python's `isoformat`; the zone by its offset, or in brackets by its key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, self.time)
    }
}

impl Pickle for DateTime {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let mut packed = [0; 10];
        packed[..4].copy_from_slice(&self.date.pack());
        packed[4..].copy_from_slice(&self.time.pack());
        if self.time.fold() && to.protocol() >= FOLD_PROTOCOL {
            packed[2] |= FOLD;
        }
        match self.zone() {
            None => to.call("datetime", "datetime", &(&packed[..],)),
            Some(zone) => to.call("datetime", "datetime", &(&packed[..], zone)),
        }
    }
}

impl Unpickle for DateTime {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let args = DATETIME.args(value)?;
        let (datetime, rest) = match args.get(0).and_then(payload) {
            Some(bytes) => (unpack(&bytes)?, 1),
            None => {
                let ints = int_args(args);
                let [year, month, day, ..] = ints[..] else { return Err(DATETIME.wrong_args(value)) };
                let part = |at: usize| ints.get(at).copied().unwrap_or(0);
                let time = Time::new(part(3), part(4), part(5), part(6))?;
                (DateTime::new(Date::new(year, month, day)?, time), ints.len().min(7))
            }
        };
        if args.len() > rest + 1 {
            return Err(DATETIME.wrong_args(value));
        }
        Ok(datetime.with_zone(timezone::optional(args.get(rest), from)?))
    }

    fn matches(value: Value<'_>) -> bool {
        DATETIME.made(value)
    }
}

fn unpack(bytes: &[u8]) -> Result<DateTime> {
    let [high, low, month, day, hour, minute, second, first, middle, last] = *bytes else {
        return Err(wrong_len(bytes));
    };
    let date = Date::unpack([high, low, month & !FOLD, day])?;
    let time = Time::unpack([hour, minute, second, first, middle, last])?;
    Ok(DateTime::new(date, time.with_fold(month & FOLD != 0)))
}

#[cold]
fn wrong_len(bytes: &[u8]) -> Error {
    Error::message(format!("expected a datetime of 10 bytes, found {}", bytes.len()))
}

/// Whether `value` is a datetime with a time zone, or, if `aware` is false, without one.
#[cfg(any(feature = "jiff", feature = "chrono"))]
pub(crate) fn is_datetime(value: Value<'_>, aware: bool) -> bool {
    let Ok(args) = DATETIME.args(value) else { return false };
    let packed = args.get(0).is_some_and(|first| payload(first).is_some());
    let zone = args.get(if packed { 1 } else { 7 });
    zone.is_some_and(|zone| !zone.is_none()) == aware
}
