//! Periods: months, quarters, days by their numbers, as pandas counts and writes them.

use std::fmt;

use crate::array::{Unit, time};
use crate::frame::moment::{Moment, unit_nanos};
use crate::graph::{Node, Object, Value};

/// A span of time with a name: `2015-04`, `2015Q2`.
///
/// ```
/// use oiji::frame::Period;
/// assert_eq!(Period::new("M", 543).unwrap().to_string(), "2015-04");
/// assert_eq!(Period::new("Q-DEC", 181).unwrap().to_string(), "2015Q2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    frequency: Frequency,
    ordinal: i64,
}

/// How long periods are, and where they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frequency {
    base: Base,
    /// Periods of so many at once.
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// Years that end with this month, counted from 1.
    Year(u8),
    Quarter(u8),
    Month,
    /// Weeks that end with this day, Sunday being 0, Monday 1.
    Week(u8),
    BusinessDay,
    Clock(Unit),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const CLOCKS: [(Unit, &str, &str); 7] = [
    (Unit::Day, "D", "D"),
    (Unit::Hour, "h", "H"),
    (Unit::Minute, "min", "T"),
    (Unit::Second, "s", "S"),
    (Unit::Millisecond, "ms", "L"),
    (Unit::Microsecond, "us", "U"),
    (Unit::Nanosecond, "ns", "N"),
];

impl Period {
    /// The period with this number, counted from 1970, of a frequency by pandas' name: `M`, `Q-DEC`, `D`, `h`.
    pub fn new(frequency: &str, ordinal: i64) -> Option<Period> {
        Frequency::parse(frequency).map(|frequency| frequency.at(ordinal))
    }
}

impl Frequency {
    /// The period with this number.
    pub(crate) fn at(self, ordinal: i64) -> Period {
        Period { frequency: self, ordinal }
    }

    /// A frequency by its name, of any version of pandas.
    pub(crate) fn parse(name: &str) -> Option<Frequency> {
        let letters = name.trim_start_matches(|char: char| char.is_ascii_digit());
        let digits = &name[..name.len() - letters.len()];
        let count = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        let (stem, anchor) = letters.split_once('-').map_or((letters, None), |(stem, anchor)| (stem, Some(anchor)));
        let month = || match anchor {
            None => Some(12),
            Some(anchor) => MONTHS.iter().position(|month| *month == anchor).map(|at| at as u8 + 1),
        };
        let base = match stem {
            "Y" | "A" | "YE" => Base::Year(month()?),
            "Q" | "QE" => Base::Quarter(month()?),
            "M" | "ME" => Base::Month,
            "W" => Base::Week(match anchor {
                None => 0,
                Some(anchor) => WEEKDAYS.iter().position(|day| *day == anchor)? as u8,
            }),
            "B" | "C" => Base::BusinessDay,
            _ => Base::Clock(CLOCKS.iter().find(|(_, new, old)| stem == *new || stem == *old)?.0),
        };
        Some(Frequency { base, count })
    }

    /// The frequency that a dtype of periods, an offset such as `MonthEnd`, or a name is.
    pub(crate) fn of(value: Value<'_>) -> Option<Frequency> {
        if let Ok(name) = value.as_str() {
            return Frequency::parse(
                name.strip_prefix("period[").and_then(|name| name.strip_suffix(']')).unwrap_or(name),
            );
        }
        let object = value.as_object().ok()?;
        let class = object.made_class()?;
        if class.name() == "PeriodDtype" {
            let inner = object.own_arg(0).or_else(|| object.attribute("freq"))?;
            // It may say itself again, but not for ever.
            return match inner.as_object() {
                Ok(inner) if inner.made_class().is_some_and(|class| class.name() == "PeriodDtype") => None,
                _ => Frequency::of(inner),
            };
        }
        let count = u32::try_from(number(object, "n", 0).unwrap_or(1)).ok()?;
        let month = |name: &str| Some(u8::try_from(number(object, name, 2).unwrap_or(12)).ok()?.clamp(1, 12));
        let base = match class.name() {
            "MonthEnd" => Base::Month,
            "YearEnd" => Base::Year(month("month")?),
            "QuarterEnd" => Base::Quarter(month("startingMonth")?),
            "BusinessDay" | "BDay" => Base::BusinessDay,
            // Monday is 0 there.
            "Week" => Base::Week(number(object, "weekday", 2).map_or(0, |day| ((day + 1).rem_euclid(7)) as u8)),
            "Day" => Base::Clock(Unit::Day),
            "Hour" => Base::Clock(Unit::Hour),
            "Minute" => Base::Clock(Unit::Minute),
            "Second" => Base::Clock(Unit::Second),
            "Milli" => Base::Clock(Unit::Millisecond),
            "Micro" => Base::Clock(Unit::Microsecond),
            "Nano" => Base::Clock(Unit::Nanosecond),
            _ => return None,
        };
        Some(Frequency { base, count })
    }
}

/// A number of an offset: an argument, an attribute, or a keyword it was made with.
fn number(object: Object<'_>, name: &str, arg: usize) -> Option<i64> {
    let of_kwds = || object.attribute("kwds")?.get(name).ok();
    let value = object.own_arg(arg).or_else(|| object.attribute(name)).or_else(of_kwds)?;
    match value.node() {
        Node::Int(int) => Some(int),
        _ => None,
    }
}

impl fmt::Display for Frequency {
    /// As pandas names it from 2.2 on: `M`, `Q-DEC`, `2h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count != 1 {
            write!(f, "{}", self.count)?;
        }
        let month = |month: u8| MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default();
        match self.base {
            Base::Year(end) => write!(f, "Y-{}", month(end)),
            Base::Quarter(end) => write!(f, "Q-{}", month(end)),
            Base::Month => f.write_str("M"),
            Base::Week(end) => write!(f, "W-{}", WEEKDAYS.get(usize::from(end)).copied().unwrap_or_default()),
            Base::BusinessDay => f.write_str("B"),
            Base::Clock(unit) => {
                let name = CLOCKS.iter().find(|(other, ..)| *other == unit).map_or("", |(_, name, _)| name);
                f.write_str(name)
            }
        }
    }
}

impl fmt::Display for Period {
    /// As pandas writes it: `2015-04`, `2015Q2`, `2015-03-30/2015-04-05`, `2015-04-01 12:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ordinal = i128::from(self.ordinal);
        let day = |day: i128| i64::try_from(day).ok().and_then(|day| time::since_1970(day, "D")).unwrap_or_default();
        match self.frequency.base {
            Base::Year(_) => write!(f, "{}", 1970 + ordinal),
            Base::Quarter(_) => write!(f, "{}Q{}", 1970 + ordinal.div_euclid(4), ordinal.rem_euclid(4) + 1),
            Base::Month => f.write_str(&time::since_1970(self.ordinal, "M").unwrap_or_default()),
            Base::Week(end) => {
                let last = 7 * ordinal + i128::from(end) - 4;
                write!(f, "{}/{}", day(last - 6), day(last))
            }
            // Day 0 is a Thursday.
            Base::BusinessDay => {
                let from_monday = ordinal + 3;
                f.write_str(&day(from_monday.div_euclid(5) * 7 + from_monday.rem_euclid(5) - 3))
            }
            Base::Clock(unit) => {
                let Some(moment) = unit_nanos(unit).and_then(|_| Moment::new(ordinal, unit, None)) else {
                    return write!(f, "{ordinal}");
                };
                let digits = match unit {
                    Unit::Millisecond => 3,
                    Unit::Microsecond => 6,
                    Unit::Nanosecond => 9,
                    _ => 0,
                };
                let text = moment.text(" ", Some(digits));
                // Of hours and minutes the seconds are not told.
                f.write_str(match unit {
                    Unit::Hour | Unit::Minute => text.strip_suffix(":00").unwrap_or(&text),
                    _ => &text,
                })
            }
        }
    }
}
