//! `datetime.timedelta`: days, seconds and microseconds; and `std::time::Duration`, which is one that is not negative.

use std::fmt;
use std::time::Duration;

use num_bigint::BigInt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::Callable;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Value};

const TIMEDELTA: Callable = Callable { shown: "datetime.timedelta", modules: &["datetime"], name: "timedelta" };

/// A span of time, to the microsecond: `datetime.timedelta`.
///
/// As in Python, only days are ever negative: minus one second is minus one day and 86399 seconds.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::TimeDelta};
/// // pickle.dumps(datetime.timedelta(seconds=-1), 2)
/// let delta = TimeDelta::loads(b"\x80\x02cdatetime\ntimedelta\nq\x00J\xff\xff\xff\xffJ\x7fQ\x01\x00K\x00\x87q\x01Rq\x02.")?;
/// assert_eq!(delta, TimeDelta::new(0, -1, 0)?);
/// assert_eq!((delta.days(), delta.seconds(), delta.total_microseconds()), (-1, 86_399, -1_000_000));
/// assert_eq!(TimeDelta::loads(&delta.dumps()?)?, delta);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeDelta {
    days: i32,
    seconds: u32,
    microseconds: u32,
}

impl TimeDelta {
    /// No time at all.
    pub const ZERO: TimeDelta = TimeDelta { days: 0, seconds: 0, microseconds: 0 };

    /// The sum of these, each of which may be negative or go past its own range.
    ///
    /// # Errors
    /// A message for more than 999999999 days.
    pub fn new(days: i64, seconds: i64, microseconds: i64) -> Result<Self> {
        let seconds = i128::from(days) * SECONDS_PER_DAY + i128::from(seconds);
        TimeDelta::from_microseconds(seconds * MICROS_PER_SECOND + i128::from(microseconds))
    }

    /// So many microseconds.
    ///
    /// # Errors
    /// A message for more than 999999999 days.
    pub fn from_microseconds(total: i128) -> Result<Self> {
        let (seconds, microseconds) = (total.div_euclid(MICROS_PER_SECOND), total.rem_euclid(MICROS_PER_SECOND));
        let (days, seconds) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        match i32::try_from(days) {
            Ok(days) if days.unsigned_abs() <= MOST_DAYS => {
                Ok(TimeDelta { days, seconds: seconds as u32, microseconds: microseconds as u32 })
            }
            _ => Err(too_long()),
        }
    }

    /// Whole days, rounded down: from -999999999 to 999999999.
    pub fn days(self) -> i32 {
        self.days
    }

    /// Whole seconds beyond the days: from 0 to 86399.
    pub fn seconds(self) -> u32 {
        self.seconds
    }

    /// Microseconds beyond the seconds: from 0 to 999999.
    pub fn microseconds(self) -> u32 {
        self.microseconds
    }

    /// All of it in microseconds.
    pub fn total_microseconds(self) -> i128 {
        let seconds = i128::from(self.days) * SECONDS_PER_DAY + i128::from(self.seconds);
        seconds * MICROS_PER_SECOND + i128::from(self.microseconds)
    }
}

#[cold]
fn too_long() -> Error {
    Error::message(format!("expected a timedelta of at most {MOST_DAYS} days"))
}

const SECONDS_PER_DAY: i128 = 86_400;
const MICROS_PER_SECOND: i128 = 1_000_000;
const MOST_DAYS: u32 = 999_999_999;

impl fmt::Display for TimeDelta {
    /// As Python's `str`: `-1 day, 23:59:59`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != 0 {
            let plural = if self.days.unsigned_abs() == 1 { "" } else { "s" };
            write!(f, "{} day{plural}, ", self.days)?;
        }
        write!(f, "{}:{:02}:{:02}", self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60)?;
        if self.microseconds > 0 {
            write!(f, ".{:06}", self.microseconds)?;
        }
        Ok(())
    }
}

impl Pickle for TimeDelta {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("datetime", "timedelta", &(self.days, self.seconds, self.microseconds))
    }
}

impl Unpickle for TimeDelta {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let args = TIMEDELTA.args(value)?;
        if args.len() > 3 {
            return Err(TIMEDELTA.wrong_args(value));
        }
        let part = |at: usize| match args.get(at) {
            None => Ok(BigInt::ZERO),
            Some(arg) => arg.as_big_int().map_err(|_| TIMEDELTA.wrong_args(value)),
        };
        let (days, seconds, microseconds) = (part(0)?, part(1)?, part(2)?);
        let narrow = |part: BigInt| i64::try_from(part).map_err(|_| too_long());
        TimeDelta::new(narrow(days)?, narrow(seconds)?, narrow(microseconds)?)
    }

    fn matches(value: Value<'_>) -> bool {
        TIMEDELTA.made(value)
    }
}

/// A `datetime.timedelta`. What is beyond microseconds is cut off.
impl Pickle for Duration {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        TimeDelta::from_microseconds(i128::try_from(self.as_micros()).map_err(|_| too_long())?)?.pickle(to)
    }
}

/// A `datetime.timedelta` that is not negative.
impl Unpickle for Duration {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let delta = TimeDelta::unpickle(value, from)?;
        let Ok(days) = u64::try_from(delta.days) else {
            return Err(Error::message(format!("expected a timedelta that is not negative, found {delta}")));
        };
        Ok(Duration::new(days * 86_400 + u64::from(delta.seconds), delta.microseconds * 1000))
    }

    fn matches(value: Value<'_>) -> bool {
        TIMEDELTA.made(value)
    }
}
