//! Time zones: fixed offsets, zones by key, and whatever else a datetime may carry.

use std::fmt;

use crate::class::atoms::text;
use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_type;
use crate::class::stdlib::call::Callable;
use crate::class::stdlib::timedelta::TimeDelta;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Graph, Id, Node, Value};

const TIMEZONE: Callable = Callable { shown: "datetime.timezone", modules: &["datetime"], name: "timezone" };

const ZONE_MODULES: &[&str] = &["zoneinfo", "backports.zoneinfo"];
const ZONE: Callable = Callable { shown: "zoneinfo.ZoneInfo", modules: ZONE_MODULES, name: "ZoneInfo" };
/// How a pickle finds a zone by its key.
const FIND_ZONE: Callable = Callable { shown: "zoneinfo.ZoneInfo", modules: ZONE_MODULES, name: "ZoneInfo._unpickle" };

/// What a datetime has as its `tzinfo`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::{TimeDelta, TimeZone}};
/// let est = TimeZone::fixed(TimeDelta::new(0, -5 * 3600, 0)?)?;
/// assert_eq!(TimeZone::loads(&est.dumps()?)?, est);
/// assert_eq!(est.to_string(), "UTC-05:00");
/// let graph = oiji::loads(b"cpytz\n_UTC\n)R.")?;
/// let pytz: TimeZone = oiji::class::Unpickler::new().from_graph(&graph)?;
/// assert_eq!(pytz.to_string(), "pytz._UTC()");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TimeZone {
    /// A `datetime.timezone`.
    Fixed {
        /// East of Greenwich; less than a day.
        offset: TimeDelta,
        /// What it is called, where that is not made from the offset.
        name: Option<String>,
    },
    /// A `zoneinfo.ZoneInfo`, which Python has from 3.9 on.
    Named {
        /// `Europe/Paris`.
        key: String,
        /// Whether Python takes it from its cache, as it does unless made by `ZoneInfo.no_cache`.
        cached: bool,
    },
    /// Anything else, inert: zones of `pytz`, of `dateutil`, of a program's own.
    Other(Box<Graph<'static>>),
}

impl TimeZone {
    /// `datetime.timezone.utc`.
    pub const UTC: TimeZone = TimeZone::Fixed { offset: TimeDelta::ZERO, name: None };

    /// A fixed offset, east of Greenwich.
    ///
    /// # Errors
    /// A message for a day and more.
    pub fn fixed(offset: TimeDelta) -> Result<Self> {
        check(offset)?;
        Ok(TimeZone::Fixed { offset, name: None })
    }

    /// A zone of the IANA database.
    pub fn named(key: impl Into<String>) -> Self {
        TimeZone::Named { key: key.into(), cached: true }
    }
}

fn check(offset: TimeDelta) -> Result<()> {
    const DAY: i128 = 86_400_000_000;
    if offset.total_microseconds().abs() < DAY {
        return Ok(());
    }
    Err(Error::message(format!("expected a time zone less than a day from UTC, found {offset}")))
}

impl fmt::Display for TimeZone {
    /// A fixed one as Python's `str`, a named one by its key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeZone::Fixed { name: Some(name), .. } => f.write_str(name),
            TimeZone::Fixed { offset: TimeDelta::ZERO, name: None } => f.write_str("UTC"),
            TimeZone::Fixed { offset, name: None } => {
                f.write_str("UTC")?;
                write_offset(f, *offset)
            }
            TimeZone::Named { key, .. } => f.write_str(key),
            TimeZone::Other(graph) => write!(f, "{}", graph.root()),
        }
    }
}

/// A zone after a time.
pub(crate) fn write_suffix(f: &mut fmt::Formatter<'_>, zone: &TimeZone) -> fmt::Result {
    match zone {
        TimeZone::Fixed { offset, .. } => write_offset(f, *offset),
        _ => write!(f, "[{zone}]"),
    }
}

fn write_offset(f: &mut fmt::Formatter<'_>, offset: TimeDelta) -> fmt::Result {
    let micros = offset.total_microseconds();
    let sign = if micros < 0 { '-' } else { '+' };
    let (seconds, micros) = (micros.abs() / 1_000_000, micros.abs() % 1_000_000);
    write!(f, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
    if seconds % 60 > 0 || micros > 0 {
        write!(f, ":{:02}", seconds % 60)?;
    }
    if micros > 0 {
        write!(f, ".{micros:06}")?;
    }
    Ok(())
}

/// One zone is written once, however many times are in it: Python too has one object of each.
impl Pickle for TimeZone {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        match self {
            TimeZone::Fixed { offset, name: None } => {
                check(*offset)?;
                let key = format!("timezone {}", offset.total_microseconds());
                to.singleton(key, |to| to.call("datetime", "timezone", &(offset,)))
            }
            TimeZone::Fixed { offset, name: Some(name) } => {
                check(*offset)?;
                let key = format!("timezone {} {name}", offset.total_microseconds());
                to.singleton(key, |to| to.call("datetime", "timezone", &(offset, name)))
            }
            TimeZone::Named { key, cached } => to.singleton(format!("zone {cached} {key}"), |to| {
                to.call("zoneinfo", "ZoneInfo._unpickle", &(key, u8::from(*cached)))
            }),
            TimeZone::Other(graph) => graph.pickle(to),
        }
    }
}

impl Unpickle for TimeZone {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        if TIMEZONE.made(value) {
            return fixed(value, from);
        }
        if FIND_ZONE.made(value) || ZONE.made(value) {
            return named(value);
        }
        match value.node() {
            Node::Object(_) | Node::Global(_) | Node::Extension(_) | Node::Persistent(_) => {
                Graph::unpickle(value, from).map(|graph| TimeZone::Other(Box::new(graph)))
            }
            _ => Err(wrong_type(value, "a time zone")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        [TIMEZONE, FIND_ZONE, ZONE].into_iter().any(|callable| callable.made(value))
    }
}

fn fixed(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<TimeZone> {
    let args = TIMEZONE.args(value)?;
    let Some(offset) = args.get(0).filter(|_| args.len() <= 2) else { return Err(TIMEZONE.wrong_args(value)) };
    let offset = from.value(offset)?;
    check(offset)?;
    let name = args.get(1).map(text).transpose()?.map(str::to_owned);
    Ok(TimeZone::Fixed { offset, name })
}

fn named(value: Value<'_>) -> Result<TimeZone> {
    let args = if ZONE.made(value) { ZONE.args(value)? } else { FIND_ZONE.args(value)? };
    let Some(key) = args.get(0).filter(|_| args.len() <= 2) else { return Err(ZONE.wrong_args(value)) };
    let cached = match args.get(1).map(Value::node) {
        None => true,
        Some(Node::Int(flag)) => flag != 0,
        Some(Node::Bool(flag)) => flag,
        Some(_) => return Err(ZONE.wrong_args(value)),
    };
    Ok(TimeZone::Named { key: text(key)?.to_owned(), cached })
}

/// The zone that may stand last among arguments.
pub(crate) fn optional(value: Option<Value<'_>>, from: &mut Unpickling<'_>) -> Result<Option<TimeZone>> {
    match value {
        Some(zone) if !zone.is_none() => from.value_at(zone, &".tzinfo").map(Some),
        _ => Ok(None),
    }
}
