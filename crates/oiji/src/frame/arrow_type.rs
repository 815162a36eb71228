//! Types of Arrow, as `pyarrow` pickles them: by the name that it gives them, or a call with what they are made of.

use crate::array::Unit;
use crate::array::dtype::{ByteOrder, Dtype, TimeUnit, bad};
use crate::error::Result;
use crate::frame::zone::Zone;
use crate::graph::Value;

/// Types in one another.
const DEPTH: u32 = 8;
/// The longest name of a type: few fields can stand in many.
const LONGEST: usize = 1 << 14;

/// What pyarrow calls a type.
pub(crate) fn type_name(value: Value<'_>) -> Option<String> {
    Namer { left: LONGEST }.name(value, DEPTH)
}

/// Makes a name of no more than so many bytes.
struct Namer {
    left: usize,
}

impl Namer {
    fn name(&mut self, value: Value<'_>, depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let object = value.as_object().ok()?;
        let class = object.class_name().filter(|class| class.module() == "pyarrow.lib")?;
        self.left = self.left.checked_sub(class.name().len())?;
        let args = object.args().items().ok()?;
        let text = |at: usize| args.get(at)?.as_str().ok();
        let number = |at: usize| args.get(at)?.as_i64().ok();
        Some(match class.name() {
            "type_for_alias" => text(0)?.to_owned(),
            "timestamp" => match text(1) {
                Some(zone) => format!("timestamp[{}, tz={zone}]", text(0)?),
                None => format!("timestamp[{}]", text(0)?),
            },
            "duration" => format!("duration[{}]", text(0)?),
            "decimal128" => format!("decimal128({}, {})", number(0)?, number(1)?),
            "binary" => format!("fixed_size_binary[{}]", number(0)?),
            name @ ("list_" | "large_list") => {
                let item = self.field(args.get(0)?, depth)?;
                match number(1).filter(|size| *size >= 0) {
                    Some(size) => format!("fixed_size_list<{item}>[{size}]"),
                    None => format!("{}<{item}>", name.trim_end_matches('_')),
                }
            }
            // Types, or fields whose names go without saying.
            "map_" => {
                let mut kind = |at: usize| {
                    let value = args.get(at)?;
                    self.name(parts(value).map_or(value, |(_, kind, _)| kind), depth)
                };
                format!("map<{}, {}>", kind(0)?, kind(1)?)
            }
            "struct" => {
                let fields = args.get(0)?.items().ok()?;
                let fields: Option<Vec<String>> = fields.iter().map(|value| self.field(value, depth)).collect();
                format!("struct<{}>", fields?.join(", "))
            }
            "dictionary" => {
                let (indices, values) = (self.name(args.get(0)?, depth)?, self.name(args.get(1)?, depth)?);
                let ordered = matches!(args.get(2).map(Value::as_bool), Some(Ok(true)));
                format!("dictionary<values={values}, indices={indices}, ordered={}>", u8::from(ordered))
            }
            _ => return None,
        })
    }

    /// `item: int64`, of a field or of a type alone.
    fn field(&mut self, value: Value<'_>, depth: u32) -> Option<String> {
        let (name, kind, is_never_null) = parts(value).unwrap_or(("item", value, false));
        self.left = self.left.checked_sub(name.len())?;
        Some(format!("{name}: {}{}", self.name(kind, depth)?, if is_never_null { " not null" } else { "" }))
    }
}

/// Name and type of `field(name, type, nullable, metadata)`, and whether none is ever missing.
fn parts(value: Value<'_>) -> Option<(&str, Value<'_>, bool)> {
    let object = value.as_object().ok().filter(|object| object.class_name().is_some_and(|it| it.name() == "field"))?;
    let args = object.args().items().ok()?;
    let is_never_null = matches!(args.get(2).map(Value::as_bool), Some(Ok(false)));
    Some((args.get(0)?.as_str().ok()?, args.get(1)?, is_never_null))
}

/// How many elements or bytes each has, an argument of the type.
pub(crate) fn fixed_size(told: Value<'_>, at: usize) -> Result<u64> {
    let size = told.as_object()?.args().at(at)?.as_i64()?;
    u64::try_from(size).ok().filter(|size| *size < 1 << 31).ok_or_else(|| bad(format!("elements of {size}")))
}

/// Numbers and times that NumPy has too.
pub(crate) fn plain(name: &str) -> Option<Dtype> {
    let order = ByteOrder::Little;
    let time = |unit: &str| Some(TimeUnit { count: 1, unit: Unit::of(unit)? });
    Some(match name {
        "halffloat" | "float16" => Dtype::Float(2, order),
        "float" | "float32" => Dtype::Float(4, order),
        "double" | "float64" => Dtype::Float(8, order),
        _ => {
            if let Some(dtype) = Dtype::int_named(name) {
                return Some(dtype);
            }
            let (base, unit) = name.strip_suffix(']')?.split_once('[')?;
            let unit = unit.split(',').next()?;
            match base {
                "timestamp" => Dtype::DateTime(time(unit)?, order),
                "duration" => Dtype::TimeDelta(time(unit)?, order),
                _ => return None,
            }
        }
    })
}

/// The time zone of a name.
pub(crate) fn zone_named(name: &str) -> Zone<'_> {
    if name == "UTC" { Zone::Utc } else { Zone::Named(name) }
}
