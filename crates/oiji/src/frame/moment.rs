//! Moments and durations, as pandas counts and writes them.

use std::fmt;

use crate::array::Unit;
use crate::array::time;
use crate::frame::zone::Zone;

/// A date, or a date and time, with or without a time zone. Its `Display` is that of a pandas `Timestamp`.
///
/// ```
/// use oiji::array::Unit;
/// use oiji::frame::{Moment, Zone};
/// let noon = Moment::new(1_427_889_600, Unit::Second, None).unwrap();
/// assert_eq!(noon.to_string(), "2015-04-01 12:00:00");
/// let there = Moment { zone: Some(Zone::Offset(7200)), ..noon };
/// assert_eq!(there.to_iso(), "2015-04-01T14:00:00+02:00");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment<'f> {
    /// Days since 1970-01-01, of UTC where there is a zone.
    pub day: i64,
    /// Nanoseconds since that day began; nothing for a date without a time.
    pub nanos: Option<u64>,
    /// The time zone. What is written of a zone that has a name alone is UTC: [`Moment::at_offset`] goes on from there.
    pub zone: Option<Zone<'f>>,
}

/// How long something takes, in nanoseconds. Its `Display` is that of a pandas `Timedelta`.
///
/// ```
/// use oiji::array::Unit;
/// use oiji::frame::Duration;
/// assert_eq!(Duration::new(-1, Unit::Second).unwrap().to_string(), "-1 days +23:59:59");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    /// Nanoseconds.
    pub nanos: i128,
}

/// Nanoseconds of a day.
pub(crate) const DAY: i128 = 86_400_000_000_000;

/// Nanoseconds of a unit that has always as many.
pub(crate) fn unit_nanos(unit: Unit) -> Option<i128> {
    Some(match unit {
        Unit::Week => 7 * DAY,
        Unit::Day => DAY,
        Unit::Hour => 3_600_000_000_000,
        Unit::Minute => 60_000_000_000,
        Unit::Second => 1_000_000_000,
        Unit::Millisecond => 1_000_000,
        Unit::Microsecond => 1_000,
        Unit::Nanosecond => 1,
        _ => return None,
    })
}

impl<'f> Moment<'f> {
    /// So many units since 1970; nothing for units without a fixed length, and for years that no calendar here has.
    pub fn new(count: i128, unit: Unit, zone: Option<Zone<'f>>) -> Option<Moment<'f>> {
        let total = count.checked_mul(unit_nanos(unit)?)?;
        let day = i64::try_from(total.div_euclid(DAY)).ok()?;
        let nanos = (!matches!(unit, Unit::Day | Unit::Week)).then(|| total.rem_euclid(DAY) as u64);
        Some(Moment { day, nanos, zone })
    }

    /// Seconds since 1970, of UTC where there is a zone.
    pub fn seconds(&self) -> i64 {
        let seconds = i128::from(self.day) * 86_400 + i128::from(self.nanos.unwrap_or(0) / 1_000_000_000);
        i64::try_from(seconds).unwrap_or(if self.day < 0 { i64::MIN } else { i64::MAX })
    }

    /// The same moment as clocks show it that are so many seconds ahead of UTC.
    #[must_use]
    pub fn at_offset(&self, seconds: i32) -> Moment<'static> {
        Moment { zone: Some(Zone::Offset(seconds)), ..Moment { zone: None, ..*self } }
    }

    /// As ISO 8601 has it: `2015-04-01T14:00:00+02:00`, with a zone that is known by name alone in brackets.
    pub fn to_iso(&self) -> String {
        let mut out = self.text("T", None);
        if let Some(Zone::Named(name)) = self.zone {
            out.push_str(&format!("[{name}]"));
        }
        out
    }

    /// Date, `between`, time with so many digits of the second, or as many as Python would write, and offset.
    pub(crate) fn text(&self, between: &str, digits: Option<u32>) -> String {
        let offset = self.zone.map(|zone| zone.offset().unwrap_or(0));
        let here = i128::from(self.day) * DAY
            + i128::from(self.nanos.unwrap_or(0))
            + i128::from(offset.unwrap_or(0)) * 1_000_000_000;
        let (day, nanos) = (here.div_euclid(DAY), here.rem_euclid(DAY) as u64);
        let day = i64::try_from(day).ok().and_then(|day| time::since_1970(day, "D"));
        let mut out = day.unwrap_or_else(|| format!("{} days since 1970", self.day));
        if self.nanos.is_some() || offset.is_some() {
            out.push_str(between);
            out.push_str(&clock(nanos, digits));
        }
        if let Some(offset) = offset {
            let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
            out.push_str(&format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60));
            if !size.is_multiple_of(60) {
                out.push_str(&format!(":{:02}", size % 60));
            }
        }
        out
    }
}

/// `12:30:00.500000`: with so many digits of the second, or none, six or nine, as fewest say it all.
fn clock(nanos: u64, digits: Option<u32>) -> String {
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let digits = digits.unwrap_or(match nanos {
        0 => 0,
        _ if nanos.is_multiple_of(1000) => 6,
        _ => 9,
    });
    let mut out = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits > 0 {
        out.push('.');
        out.push_str(&format!("{nanos:09}")[..digits.min(9) as usize]);
    }
    out
}

impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(" ", None))
    }
}

impl Duration {
    /// So many units; nothing for units without a fixed length, and for longer than can be counted.
    pub fn new(count: i128, unit: Unit) -> Option<Duration> {
        count.checked_mul(unit_nanos(unit)?).map(|nanos| Duration { nanos })
    }

    /// Days and time with so many digits of the second, or as many as it needs.
    pub(crate) fn text(&self, digits: Option<u32>) -> String {
        let (days, nanos) = (self.nanos.div_euclid(DAY), self.nanos.rem_euclid(DAY) as u64);
        format!("{days} days {}{}", if days < 0 { "+" } else { "" }, clock(nanos, digits))
    }

    /// Whole days alone.
    pub(crate) fn days(&self) -> String {
        format!("{} days", self.nanos.div_euclid(DAY))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(None))
    }
}

/// The day with this number for a date of the proleptic calendar; nothing for a month or day that there is not.
pub(crate) fn day_of(year: i64, month: u8, day: u8) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years taken to begin in March, so that the leap day comes last.
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era.checked_mul(146_097)?.checked_add(year * 365 + year / 4 - year / 100 + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_numbers_and_back() {
        for day in [-719_468, -1, 0, 59, 19_782, 2_932_896] {
            let text = time::since_1970(day, "D").unwrap();
            let parts: Vec<i64> = text.split('-').map(|part| part.parse().unwrap()).collect();
            assert_eq!(day_of(parts[0], parts[1] as u8, parts[2] as u8), Some(day));
        }
    }

    #[test]
    fn a_moment_is_written_with_the_digits_it_needs() {
        let text = |count| Moment::new(count, Unit::Nanosecond, None).unwrap().to_string();
        assert_eq!(text(0), "1970-01-01 00:00:00");
        assert_eq!(text(1_500_000), "1970-01-01 00:00:00.001500");
        assert_eq!(text(-1), "1969-12-31 23:59:59.999999999");
    }

    #[test]
    fn durations_count_days_down() {
        let text = |count| Duration { nanos: count }.to_string();
        assert_eq!(text(DAY), "1 days 00:00:00");
        assert_eq!(text(-1_000), "-1 days +23:59:59.999999");
        assert_eq!(Duration { nanos: 2 * DAY }.days(), "2 days");
    }
}
