//! Time zones as pickles of pandas and `datetime` name them.

use std::fmt;

use crate::graph::{Node, Object, Value};

/// A time zone. Of one with a name only the name is known: what clocks show there is for a database of time zones.
///
/// Its `Display` is what pandas puts into the dtype of a column.
///
/// ```
/// use oiji::frame::Zone;
/// let graph = oiji::loads(b"czoneinfo\nZoneInfo._unpickle\n(S'Europe/Paris'\nI1\ntR.")?;
/// assert_eq!(Zone::of(graph.root()), Some(Zone::Named("Europe/Paris")));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Zone<'f> {
    /// UTC.
    Utc,
    /// So many seconds ahead of UTC.
    Offset(i32),
    /// By its name: `Europe/Paris`.
    Named(&'f str),
}

impl<'f> Zone<'f> {
    /// The zone that a value is: of `datetime`, `zoneinfo`, `pytz` or `dateutil`.
    pub fn of(value: Value<'f>) -> Option<Zone<'f>> {
        let object = value.as_object().ok()?;
        let class = object.made_class()?;
        let arg = |index: usize| object.args().at(index).ok();
        match (class.module(), class.name()) {
            ("datetime", "timezone") => {
                let delta = arg(0)?
                    .as_object()
                    .ok()
                    .filter(|delta| delta.made_class().is_some_and(|class| class.is("datetime", "timedelta")))?;
                fixed(seconds(delta)?)
            }
            ("pytz", "_UTC") | ("dateutil.tz.tz" | "dateutil.tz", "tzutc") => Some(Zone::Utc),
            ("pytz", "_p") | ("zoneinfo", "ZoneInfo._unpickle") => Some(named(arg(0)?.as_str().ok()?)),
            ("pytz", "FixedOffset" | "_FixedOffset") => fixed(arg(0)?.as_i64().ok()?.checked_mul(60)?),
            ("dateutil.tz.tz" | "dateutil.tz", "tzoffset") => match arg(1)?.node() {
                Node::Int(seconds) => fixed(seconds),
                Node::Object(delta) => fixed(seconds(delta)?),
                _ => None,
            },
            ("dateutil.tz.tz" | "dateutil.tz", "tzfile") => {
                let of_args = object.args().items().ok()?.iter().find_map(|arg| arg.as_str().ok());
                let file = of_args.or_else(|| object.attribute("_filename")?.as_str().ok())?;
                Some(named(file.rsplit_once("zoneinfo/").map_or(file, |(_, name)| name)))
            }
            _ => None,
        }
    }

    /// Seconds ahead of UTC, where they are known.
    pub fn offset(self) -> Option<i32> {
        match self {
            Zone::Utc => Some(0),
            Zone::Offset(seconds) => Some(seconds),
            Zone::Named(_) => None,
        }
    }
}

fn named(name: &str) -> Zone<'_> {
    if name == "UTC" { Zone::Utc } else { Zone::Named(name) }
}

/// A zone less than a day away.
fn fixed(seconds: i64) -> Option<Zone<'static>> {
    match i32::try_from(seconds).ok().filter(|seconds| seconds.abs() < 86_400)? {
        0 => Some(Zone::Utc),
        seconds => Some(Zone::Offset(seconds)),
    }
}

/// The whole seconds of `datetime.timedelta(days, seconds, microseconds)`.
fn seconds(delta: Object<'_>) -> Option<i64> {
    let part = |index: usize| match delta.args().items().ok()?.get(index) {
        Some(value) => value.as_i64().ok(),
        None => Some(0),
    };
    part(0)?.checked_mul(86_400)?.checked_add(part(1)?)
}

impl fmt::Display for Zone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Utc => f.write_str("UTC"),
            Zone::Offset(seconds) => {
                let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
                write!(f, "UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Zone::Named(name) => f.write_str(name),
        }
    }
}
