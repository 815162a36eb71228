//! Values of well-known classes that read best as one line: dates, UUIDs, NumPy's scalars and dtypes.

use crate::graph::{Node, Object, Value};
use crate::inspect::array::dtype::DType;
use crate::inspect::array::time;
use crate::inspect::paint::Role;
use crate::inspect::show::line::Line;
use crate::op::text;

/// The line of an immutable value of a well-known class: `datetime.date 2020-02-29`, `numpy.float64(1.5)`.
pub(crate) fn one_line(value: Value<'_>) -> Option<Line> {
    let object = value.as_object().ok()?;
    let class = object.class_name()?;
    let arg = |index: usize| object.args().at(index).ok();
    match (class.module(), class.name()) {
        ("datetime", name @ ("date" | "time" | "datetime")) => datetime(name, object),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => {
            let dtype = DType::of(arg(0)?)?;
            let element = dtype.element(&raw(arg(1)?)?)?;
            Some(called(&format!("numpy.{}", scalar_name(&dtype)), Role::Number, &element))
        }
        ("numpy", "dtype") => {
            let dtype = DType::of(value)?;
            let mut name = String::new();
            text::write_str_repr(&mut name, dtype.name.as_bytes()).ok()?;
            Some(called("numpy.dtype", Role::Array, &name))
        }
        ("uuid", "UUID") => {
            let Node::BigInt(int) = value.get("int").ok()?.node() else { return None };
            let mut bytes = int.to_le_bytes().to_vec();
            bytes.truncate(16);
            bytes.resize(16, 0);
            let hex: String = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            Some(spaced("uuid.UUID", &parts.join("-")))
        }
        ("pandas._libs.tslibs.timestamps", "_unpickle_timestamp") => {
            let unit = match arg(3).and_then(|unit| unit.as_i64().ok()) {
                Some(7) => "s",
                Some(8) => "ms",
                Some(9) => "us",
                _ => "ns",
            };
            let mut line = spaced("pandas.Timestamp", &time::since_1970(arg(0)?.as_i64().ok()?, unit)?);
            add_zone(&mut line, arg(2)?)?;
            Some(line)
        }
        _ => None,
    }
}

/// A date, time or both, as they pack themselves.
fn datetime(name: &str, object: Object<'_>) -> Option<Line> {
    let args = object.args().items().ok()?;
    let packed = raw(args.get(0)?)?;
    let text = match name {
        "date" => time::packed_date(&packed)?,
        "time" => time::packed_time(&packed)?,
        _ => time::packed_datetime(&packed)?,
    };
    let mut line = spaced(&format!("datetime.{name}"), &text);
    match (args.len(), args.get(1)) {
        (1, _) => {}
        (2, Some(zone)) => add_zone(&mut line, zone)?,
        _ => return None,
    }
    Some(line)
}

/// A time zone after a time, if it is one that can be said in a word.
fn add_zone(line: &mut Line, zone: Value<'_>) -> Option<()> {
    let object = match zone.node() {
        Node::None => return Some(()),
        Node::Object(object) => object,
        _ => return None,
    };
    let class = object.class_name()?;
    let zone = match (class.module(), class.name()) {
        ("datetime", "timezone") => match object.args().at(0).ok()?.as_object().ok()?.args().items().ok()? {
            delta if delta.iter().all(|part| matches!(part.node(), Node::Int(0))) => "UTC".to_owned(),
            delta => {
                let seconds =
                    delta.get(0)?.as_i64().ok()?.checked_mul(86_400)?.checked_add(delta.get(1)?.as_i64().ok()?)?;
                let sign = if seconds < 0 { '-' } else { '+' };
                let minutes = seconds.unsigned_abs() / 60;
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        },
        ("pytz", "_UTC") => "UTC".to_owned(),
        ("pytz", "_p") => object.args().at(0).ok()?.as_str().ok()?.to_owned(),
        ("zoneinfo", "ZoneInfo._unpickle") => object.args().at(0).ok()?.as_str().ok()?.to_owned(),
        _ => return None,
    };
    line.push(Role::Number, if zone.starts_with(['+', '-']) { "" } else { " " });
    line.push(Role::Number, &zone);
    Some(())
}

fn scalar_name(dtype: &DType) -> String {
    match dtype.name.trim_start_matches(['<', '>', '|', '=']) {
        name if name.starts_with("datetime64") => "datetime64".to_owned(),
        name if name.starts_with("timedelta64") => "timedelta64".to_owned(),
        name if name.starts_with('U') => "str_".to_owned(),
        name if name.starts_with('S') => "bytes_".to_owned(),
        "bool" => "bool_".to_owned(),
        _ => dtype.name.clone(),
    }
}

fn called(name: &str, role: Role, argument: &str) -> Line {
    let mut line = Line::of(Role::Global, name);
    line.push(Role::Text, "(");
    line.push(role, argument);
    line.push(Role::Text, ")");
    line
}

fn spaced(name: &str, text: &str) -> Line {
    let mut line = Line::of(Role::Global, name);
    line.push(Role::Text, " ");
    line.push(Role::Number, text);
    line
}

/// A few bytes, however the protocol and Python 2 say them.
fn raw(value: Value<'_>) -> Option<Vec<u8>> {
    /// More is no date and no scalar.
    const LONGEST: usize = 1 << 10;
    match value.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) if bytes.len() <= LONGEST => Some(bytes.to_vec()),
        Node::Str(text) if text.as_bytes().len() <= LONGEST => {
            text.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
        }
        _ => None,
    }
}
