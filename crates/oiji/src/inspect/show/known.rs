//! Values of well-known classes that read best as one line: dates, UUIDs, NumPy's scalars and dtypes.

use crate::array::{Array, Dtype, time};
use crate::graph::{Node, Object, Value};
use crate::inspect::paint::Role;
use crate::inspect::show::line::Line;
use crate::inspect::show::packed;
use crate::op::text;

/// The line of an immutable value of a well-known class: `datetime.date 2020-02-29`, `numpy.float64(1.5)`.
pub(crate) fn one_line(value: Value<'_>) -> Option<Line> {
    let object = value.as_object().ok()?;
    let class = object.class_name()?;
    let arg = |index: usize| object.args().at(index).ok();
    match (class.module(), class.name()) {
        ("datetime", name @ ("date" | "time" | "datetime")) => datetime(name, object),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => {
            let scalar = Array::of_scalar(value).filter(|scalar| scalar.size() <= LONGEST as u64)?;
            let element = scalar.texts().ok()?.next()?;
            Some(called(&format!("numpy.{}", scalar_name(scalar.dtype())), Role::Number, &element))
        }
        ("numpy", "dtype") => {
            let mut name = String::new();
            text::write_str_repr(&mut name, value.as_dtype().ok()?.to_string().as_bytes()).ok()?;
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
        "date" => packed::packed_date(&packed)?,
        "time" => packed::packed_time(&packed)?,
        _ => packed::packed_datetime(&packed)?,
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

fn scalar_name(dtype: &Dtype) -> String {
    match dtype {
        Dtype::DateTime(..) => "datetime64".to_owned(),
        Dtype::TimeDelta(..) => "timedelta64".to_owned(),
        Dtype::Str(..) => "str_".to_owned(),
        Dtype::Bytes(_) => "bytes_".to_owned(),
        Dtype::Bool => "bool_".to_owned(),
        dtype => dtype.to_string(),
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

/// Bytes of a date or scalar at most.
const LONGEST: usize = 1 << 10;

/// A few bytes, however the protocol and Python 2 say them.
fn raw(value: Value<'_>) -> Option<Vec<u8>> {
    match value.node() {
        Node::Bytes(bytes) | Node::Py2Str(bytes) if bytes.len() <= LONGEST => Some(bytes.to_vec()),
        Node::Str(text) if text.as_bytes().len() <= LONGEST => {
            text.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
        }
        _ => None,
    }
}
