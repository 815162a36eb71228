//! `datetime.time`: six bytes, as Python packs them, and a time zone.

use std::fmt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::Callable;
use crate::class::stdlib::date::within;
use crate::class::stdlib::packed::{int_args, payload};
use crate::class::stdlib::timezone::{self, TimeZone};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Value};

const TIME: Callable = Callable { shown: "datetime.time", modules: &["datetime"], name: "time" };

/// A time of day, with or without a time zone: `datetime.time`.
///
/// Protocols 0 to 3 have no place for the fold, and Python drops it there; so does this.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::{Time, TimeZone}};
/// // pickle.dumps(datetime.time(1, 2, 3, 4), 2), by Python 2
/// let time = Time::loads(b"\x80\x02cdatetime\ntime\nq\x00U\x06\x01\x02\x03\x00\x00\x04q\x01\x85q\x02Rq\x03.")?;
/// assert_eq!(time, Time::new(1, 2, 3, 4)?);
/// let time = time.with_zone(TimeZone::UTC).with_fold(true);
/// assert_eq!(Time::loads(&time.dumps()?)?, time);
/// assert_eq!(time.to_string(), "01:02:03.000004+00:00");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
    fold: bool,
    zone: Option<TimeZone>,
}

impl Time {
    /// A time without a zone.
    ///
    /// # Errors
    /// A message for a time that no day has.
    pub fn new(hour: i64, minute: i64, second: i64, microsecond: i64) -> Result<Self> {
        Ok(Time {
            hour: within("an hour", hour, 0, 23)? as u8,
            minute: within("a minute", minute, 0, 59)? as u8,
            second: within("a second", second, 0, 59)? as u8,
            microsecond: within("a microsecond", microsecond, 0, 999_999)? as u32,
            fold: false,
            zone: None,
        })
    }

    /// The same in a time zone.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<Option<TimeZone>>) -> Self {
        Time { zone: zone.into(), ..self }
    }

    /// The same with the fold: whether it is the second of two times that clocks show twice.
    #[must_use]
    pub fn with_fold(self, fold: bool) -> Self {
        Time { fold, ..self }
    }

    /// From 0 to 23.
    pub fn hour(&self) -> u8 {
        self.hour
    }

    /// From 0 to 59.
    pub fn minute(&self) -> u8 {
        self.minute
    }

    /// From 0 to 59.
    pub fn second(&self) -> u8 {
        self.second
    }

    /// From 0 to 999999.
    pub fn microsecond(&self) -> u32 {
        self.microsecond
    }

    /// Whether it is the second of two times that clocks show twice.
    pub fn fold(&self) -> bool {
        self.fold
    }

    /// The time zone, if there is one.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// Six bytes, without the fold.
    pub(crate) fn pack(&self) -> [u8; 6] {
        let [_, high, middle, low] = self.microsecond.to_be_bytes();
        [self.hour, self.minute, self.second, high, middle, low]
    }

    /// From six bytes without a fold.
    pub(crate) fn unpack([hour, minute, second, high, middle, low]: [u8; 6]) -> Result<Self> {
        let micros = u32::from_be_bytes([0, high, middle, low]);
        Time::new(i64::from(hour), i64::from(minute), i64::from(second), i64::from(micros))
    }
}

/// The bit that says the fold, in the first byte of a time and in the month of a datetime.
pub(crate) const FOLD: u8 = 0x80;

/// The first protocol in which Python writes the fold.
pub(crate) const FOLD_PROTOCOL: u8 = 4;

impl fmt::Display for Time {
    /// As Python's `isoformat`; the zone by its offset, or in brackets by its key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)?;
        if self.microsecond > 0 {
            write!(f, ".{:06}", self.microsecond)?;
        }
        self.zone.as_ref().map_or(Ok(()), |zone| timezone::write_suffix(f, zone))
    }
}

impl Pickle for Time {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let mut packed = self.pack();
        if self.fold && to.protocol() >= FOLD_PROTOCOL {
            packed[0] |= FOLD;
        }
        match &self.zone {
            None => to.call("datetime", "time", &(&packed[..],)),
            Some(zone) => to.call("datetime", "time", &(&packed[..], zone)),
        }
    }
}

impl Unpickle for Time {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let args = TIME.args(value)?;
        let (time, rest) = match args.get(0).and_then(payload) {
            Some(bytes) => {
                let Ok(mut packed) = <[u8; 6]>::try_from(&bytes[..]) else {
                    return Err(Error::message(format!("expected a time of 6 bytes, found {}", bytes.len())));
                };
                let fold = packed[0] & FOLD != 0;
                packed[0] &= !FOLD;
                (Time::unpack(packed)?.with_fold(fold), 1)
            }
            None => {
                let ints = int_args(args);
                let part = |at: usize| ints.get(at).copied().unwrap_or(0);
                (Time::new(part(0), part(1), part(2), part(3))?, ints.len().min(4))
            }
        };
        if args.len() > rest + 1 {
            return Err(TIME.wrong_args(value));
        }
        Ok(time.with_zone(timezone::optional(args.get(rest), from)?))
    }

    fn matches(value: Value<'_>) -> bool {
        TIME.made(value)
    }
}
