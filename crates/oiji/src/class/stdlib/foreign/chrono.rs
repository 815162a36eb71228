//! Dates and times as those of `chrono`: feature `chrono`. What is beyond microseconds is cut off when written.

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use crate::class::stdlib::call::shortened;
use crate::class::stdlib::datetime::is_datetime;
use crate::class::stdlib::foreign::through;
use crate::class::stdlib::{Date, DateTime, Time, TimeDelta, TimeZone};
use crate::error::{Error, Result};

through! {
    /// A `datetime.date`.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use oiji::{Pickle, Unpickle};
    /// let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    /// assert_eq!(NaiveDate::loads(&day.dumps()?)?, day);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    NaiveDate, Date: |date| to_date(*date), from_date, Date::matches;

    /// A `datetime.time` without a zone. Python has no leap seconds.
    NaiveTime, Time: |time| to_time(*time), |own| from_time(&own), Time::matches;

    /// A `datetime.datetime` without a zone.
    NaiveDateTime, DateTime: |datetime| to_datetime(*datetime), |own| naive(&own), |value| is_datetime(value, false);

    /// A `datetime.datetime` with a `datetime.timezone`.
    ///
    /// ```
    /// use chrono::{DateTime, FixedOffset};
    /// use oiji::{Pickle, Unpickle};
    /// let moment = DateTime::parse_from_rfc3339("2024-02-29T01:02:03.000004-05:00").unwrap();
    /// assert_eq!(DateTime::<FixedOffset>::loads(&moment.dumps()?)?, moment);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    chrono::DateTime<FixedOffset>, DateTime: to_aware, |own| aware(&own), |value| is_datetime(value, true);

    /// A `datetime.datetime` in UTC; it is read from any `datetime.timezone`.
    chrono::DateTime<Utc>, DateTime:
        |moment| Ok(to_datetime(moment.naive_utc())?.with_zone(TimeZone::UTC)),
        |own| Ok(aware(&own)?.to_utc()),
        |value| is_datetime(value, true);

    /// A `datetime.timedelta`.
    ///
    /// ```
    /// use chrono::TimeDelta;
    /// use oiji::{Pickle, Unpickle};
    /// let delta = TimeDelta::milliseconds(-1500);
    /// assert_eq!(TimeDelta::loads(&delta.dumps()?)?, delta);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    chrono::TimeDelta, TimeDelta:
        |delta| {
            let micros = i128::from(delta.num_seconds()) * 1_000_000 + i128::from(delta.subsec_micros());
            TimeDelta::from_microseconds(micros)
        },
        |own| {
            let seconds = i64::from(own.days()) * 86_400 + i64::from(own.seconds());
            chrono::TimeDelta::new(seconds, own.microseconds() * 1000).ok_or_else(past_chrono)
        },
        TimeDelta::matches;
}

fn to_date(date: NaiveDate) -> Result<Date> {
    Date::new(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
}

fn to_time(time: NaiveTime) -> Result<Time> {
    let micros = i64::from(time.nanosecond() / 1000);
    Time::new(i64::from(time.hour()), i64::from(time.minute()), i64::from(time.second()), micros)
}

fn to_datetime(datetime: NaiveDateTime) -> Result<DateTime> {
    Ok(DateTime::new(to_date(datetime.date())?, to_time(datetime.time())?))
}

fn to_aware(moment: &chrono::DateTime<FixedOffset>) -> Result<DateTime> {
    let offset = *moment.offset();
    let local = moment.naive_utc().checked_add_offset(offset).ok_or_else(past_chrono)?;
    let zone = TimeZone::fixed(TimeDelta::new(0, i64::from(offset.local_minus_utc()), 0)?)?;
    Ok(to_datetime(local)?.with_zone(zone))
}

#[cold]
fn past_chrono() -> Error {
    Error::message("a time past those that chrono has")
}

fn from_date(own: Date) -> Result<NaiveDate> {
    let date = NaiveDate::from_ymd_opt(i32::from(own.year()), u32::from(own.month()), u32::from(own.day()));
    date.ok_or_else(past_chrono)
}

fn from_time(own: &Time) -> Result<NaiveTime> {
    if let Some(zone) = own.zone() {
        return Err(Error::message(format!(
            "expected a time without a time zone, found one in {}",
            shortened(&zone.to_string())
        )));
    }
    clock(own)
}

fn clock(own: &Time) -> Result<NaiveTime> {
    let [hour, minute, second] = [own.hour(), own.minute(), own.second()].map(u32::from);
    NaiveTime::from_hms_micro_opt(hour, minute, second, own.microsecond()).ok_or_else(past_chrono)
}

fn naive(own: &DateTime) -> Result<NaiveDateTime> {
    Ok(NaiveDateTime::new(from_date(own.date())?, from_time(own.time())?))
}

fn aware(own: &DateTime) -> Result<chrono::DateTime<FixedOffset>> {
    let offset = match own.zone() {
        Some(TimeZone::Fixed { offset, .. }) if offset.microseconds() == 0 => offset,
        Some(zone) => {
            let message = format!(
                "expected a datetime with an offset of whole seconds, found one in {}",
                shortened(&zone.to_string())
            );
            return Err(Error::message(message));
        }
        None => return Err(Error::message("expected a datetime with a time zone, found one without")),
    };
    let seconds = offset.days() * 86_400 + offset.seconds() as i32;
    let offset = FixedOffset::east_opt(seconds).ok_or_else(past_chrono)?;
    let local = NaiveDateTime::new(from_date(own.date())?, clock(own.time())?);
    let utc = local.checked_sub_offset(offset).ok_or_else(past_chrono)?;
    Ok(chrono::DateTime::from_naive_utc_and_offset(utc, offset))
}
