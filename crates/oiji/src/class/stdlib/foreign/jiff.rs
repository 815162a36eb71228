//! Dates and times as those of `jiff`: feature `jiff`. What is beyond microseconds is cut off when written.

use jiff::tz::{AmbiguousOffset, Offset};
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil, tz};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::shortened;
use crate::class::stdlib::datetime::is_datetime;
use crate::class::stdlib::foreign::through;
use crate::class::stdlib::time::FOLD_PROTOCOL;
use crate::class::stdlib::{Date, DateTime, Time, TimeDelta, TimeZone};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Id, Value};

through! {
    /// A `datetime.date`.
    ///
    /// ```
    /// use jiff::civil::{Date, date};
    /// use oiji::{Pickle, Unpickle};
    /// let day = date(2024, 2, 29);
    /// assert_eq!(Date::loads(&day.dumps()?)?, day);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    civil::Date, Date: |date| to_date(*date), from_date, Date::matches;

    /// A `datetime.time` without a zone.
    civil::Time, Time: |time| to_time(*time), |own| from_time(&own), Time::matches;

    /// A `datetime.datetime` without a zone.
    civil::DateTime, DateTime: |datetime| to_datetime(*datetime), |own| naive(&own), |value| is_datetime(value, false);

    /// A `datetime.datetime` in UTC; it is read from any zone that is fixed or that jiff knows by name.
    ///
    /// ```
    /// use jiff::Timestamp;
    /// use oiji::{Pickle, Unpickle};
    /// let moment: Timestamp = "2024-02-29T01:02:03.000004-05:00".parse().unwrap();
    /// assert_eq!(Timestamp::loads(&moment.dumps()?)?, moment);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    Timestamp, DateTime:
        |moment| Ok(to_datetime(Offset::UTC.to_datetime(*moment))?.with_zone(TimeZone::UTC)),
        |own| Ok(aware(&own)?.timestamp()),
        |value| is_datetime(value, true);

    /// A `datetime.timedelta`.
    ///
    /// ```
    /// use jiff::SignedDuration;
    /// use oiji::{Pickle, Unpickle};
    /// let span = SignedDuration::from_millis(-1500);
    /// assert_eq!(SignedDuration::loads(&span.dumps()?)?, span);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    SignedDuration, TimeDelta:
        |span| TimeDelta::from_microseconds(span.as_micros()),
        |own| Ok(SignedDuration::from_micros_i128(own.total_microseconds())),
        TimeDelta::matches;

    /// A `datetime.timezone` or, where it has a name, a `zoneinfo.ZoneInfo`.
    tz::TimeZone, TimeZone: to_zone, |own| from_zone(&own), TimeZone::matches;
}

/// A `datetime.datetime` with a `datetime.timezone` or a `zoneinfo.ZoneInfo`. The second of two times that clocks show twice
/// needs protocol 4: below it Python would take it for the first.
///
/// ```
/// use jiff::ZonedDateTime;
/// use oiji::{Pickle, Unpickle};
/// let moment: ZonedDateTime = "2024-02-29T01:02:03[Europe/Paris]".parse().unwrap();
/// assert_eq!(ZonedDateTime::loads(&moment.dumps()?)?, moment);
/// # Ok::<(), oiji::Error>(())
/// ```
impl Pickle for ZonedDateTime {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let fold = match self.time_zone().to_ambiguous_timestamp(self.datetime()).offset() {
            AmbiguousOffset::Fold { after, .. } => after == self.offset(),
            _ => false,
        };
        let protocol = to.protocol();
        if fold && protocol < FOLD_PROTOCOL {
            let what = format!("{self}, the second of two times that clocks show twice");
            return Err(ErrorKind::Inexpressible { what, protocol, hint: "use protocol 4 or higher" }.into());
        }
        let datetime = to_datetime(self.datetime())?.with_fold(fold);
        datetime.with_zone(to_zone(self.time_zone())?).pickle(to)
    }
}

impl Unpickle for ZonedDateTime {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        aware(&DateTime::unpickle(value, from)?)
    }

    fn matches(value: Value<'_>) -> bool {
        is_datetime(value, true)
    }
}

fn to_date(date: civil::Date) -> Result<Date> {
    Date::new(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
}

fn to_time(time: civil::Time) -> Result<Time> {
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i64::from);
    Time::new(hour, minute, second, i64::from(time.subsec_nanosecond() / 1000))
}

fn to_datetime(datetime: civil::DateTime) -> Result<DateTime> {
    Ok(DateTime::new(to_date(datetime.date())?, to_time(datetime.time())?))
}

fn to_zone(zone: &tz::TimeZone) -> Result<TimeZone> {
    if *zone == tz::TimeZone::UTC {
        return Ok(TimeZone::UTC);
    }
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) if !zone.is_unknown() => Ok(TimeZone::named(name)),
        (None, Ok(offset)) => TimeZone::fixed(TimeDelta::new(0, i64::from(offset.seconds()), 0)?),
        _ => Err(Error::message("expected a time zone with a name or a fixed offset")),
    }
}

fn jiff_error(error: jiff::Error) -> Error {
    Error::message(error.to_string())
}

fn from_date(own: Date) -> Result<civil::Date> {
    civil::Date::new(own.year() as i16, own.month() as i8, own.day() as i8).map_err(jiff_error)
}

fn from_time(own: &Time) -> Result<civil::Time> {
    if let Some(zone) = own.zone() {
        return Err(Error::message(format!(
            "expected a time without a time zone, found one in {}",
            shortened(&zone.to_string())
        )));
    }
    clock(own)
}

fn clock(own: &Time) -> Result<civil::Time> {
    let nanos = own.microsecond() as i32 * 1000;
    civil::Time::new(own.hour() as i8, own.minute() as i8, own.second() as i8, nanos).map_err(jiff_error)
}

fn naive(own: &DateTime) -> Result<civil::DateTime> {
    Ok(civil::DateTime::from_parts(from_date(own.date())?, from_time(own.time())?))
}

fn from_zone(own: &TimeZone) -> Result<tz::TimeZone> {
    match own {
        TimeZone::Fixed { offset: TimeDelta::ZERO, .. } => Ok(tz::TimeZone::UTC),
        TimeZone::Fixed { offset, .. } if offset.microseconds() == 0 => {
            let seconds = offset.days() * 86_400 + offset.seconds() as i32;
            Offset::from_seconds(seconds).map(tz::TimeZone::fixed).map_err(jiff_error)
        }
        TimeZone::Named { key, .. } => tz::TimeZone::get(key).map_err(jiff_error),
        other => {
            let message = format!(
                "expected a time zone with a key or an offset of whole seconds, found {}",
                shortened(&other.to_string())
            );
            Err(Error::message(message))
        }
    }
}

/// The moment that Python means: in a gap and in a fold, the fold chooses the offset.
fn aware(own: &DateTime) -> Result<ZonedDateTime> {
    let Some(zone) = own.zone() else {
        return Err(Error::message("expected a datetime with a time zone, found one without"));
    };
    let zone = from_zone(zone)?;
    let local = civil::DateTime::from_parts(from_date(own.date())?, clock(own.time())?);
    let offset = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { after, .. } | AmbiguousOffset::Fold { after, .. } if own.time().fold() => after,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    };
    let moment = offset.to_timestamp(local).map_err(jiff_error)?;
    Ok(ZonedDateTime::new(moment, zone))
}
