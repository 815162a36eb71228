//! `datetime.date`: four bytes, as Python packs them.

use std::fmt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::Callable;
use crate::class::stdlib::packed::{int_args, payload};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Value};

const DATE: Callable = Callable { shown: "datetime.date", modules: &["datetime"], name: "date" };

/// A day: `datetime.date`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Date};
/// // pickle.dumps(datetime.date(2024, 2, 29), 3)
/// let day = Date::loads(b"\x80\x03cdatetime\ndate\nq\x00C\x04\x07\xe8\x02\x1dq\x01\x85q\x02Rq\x03.")?;
/// assert_eq!(day, Date::new(2024, 2, 29)?);
/// assert_eq!(day.to_string(), "2024-02-29");
/// assert_eq!(Date::loads(&day.dumps()?)?, day);
/// assert!(Date::new(2023, 2, 29).is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A day of the Gregorian calendar, in a year from 1 to 9999.
    ///
    /// # Errors
    /// A message for a day that no calendar has.
    pub fn new(year: i64, month: i64, day: i64) -> Result<Self> {
        let year = within("a year", year, 1, 9999)? as u16;
        let month = within("a month", month, 1, 12)? as u8;
        let day = within("a day", day, 1, i64::from(days_in(year, month)))? as u8;
        Ok(Date { year, month, day })
    }

    /// From 1 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// From 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// From 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    pub(crate) fn pack(self) -> [u8; 4] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day]
    }

    pub(crate) fn unpack([high, low, month, day]: [u8; 4]) -> Result<Self> {
        Date::new(i64::from(u16::from_be_bytes([high, low])), i64::from(month), i64::from(day))
    }
}

/// `value`, if it lies between `low` and `high`, both included.
pub(crate) fn within(what: &str, value: i64, low: i64, high: i64) -> Result<i64> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(Error::message(format!("expected {what} from {low} to {high}, found {value}")))
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    /// As ISO 8601 has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Pickle for Date {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("datetime", "date", &(&self.pack()[..],))
    }
}

impl Unpickle for Date {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let args = DATE.args(value)?;
        match args.get(0).and_then(payload) {
            Some(bytes) if args.len() == 1 => match bytes[..].try_into() {
                Ok(packed) => Date::unpack(packed),
                Err(_) => Err(Error::message(format!("expected a date of 4 bytes, found {}", bytes.len()))),
            },
            _ => match int_args(args)[..] {
                [year, month, day] if args.len() == 3 => Date::new(year, month, day),
                _ => Err(DATE.wrong_args(value)),
            },
        }
    }

    fn matches(value: Value<'_>) -> bool {
        DATE.made(value)
    }
}
