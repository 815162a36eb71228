//! Arrays of Arrow, as `pyarrow` pickles them: a type by its name, and buffers.
//!
//! What the constructor lets through fits: offsets lie inside the buffers, so that nothing is checked again later.

use crate::array::Unit;
use crate::array::dtype::{ByteOrder, Dtype, TimeUnit, bad};
use crate::array::number::to_i128;
use crate::error::Result;
use crate::frame::cell::Cell;
use crate::frame::moment::Moment;
use crate::frame::values::Visits;
use crate::frame::zone::Zone;
use crate::graph::{Items, Value};

/// Arrays in one another.
const DEPTH: u32 = 4;
/// Elements of no bytes that lists may have: any number of them can be claimed.
const NULLS: u64 = 1 << 16;

/// A column of Arrow: arrays one after another.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<'g> {
    chunks: Vec<ArrowArray<'g>>,
    /// Where each chunk ends, among all elements.
    ends: Vec<u64>,
}

impl<'g> Chunks<'g> {
    /// The array or chunked array that a value is.
    pub(crate) fn of(value: Value<'g>, visits: &mut Visits) -> Result<Chunks<'g>> {
        let object = value.as_object()?;
        let name = object.class_name().filter(|class| class.module() == "pyarrow.lib").map(|class| class.name());
        let chunks = match name {
            Some("chunked_array") => {
                let arrays = object.args().at(0)?.items()?;
                arrays.iter().map(|array| restored(array, visits)).collect::<Result<Vec<_>>>()?
            }
            _ => vec![restored(value, visits)?],
        };
        let ends = chunks.iter().scan(0_u64, |end, chunk| {
            *end = end.saturating_add(chunk.len);
            Some(*end)
        });
        Ok(Chunks { ends: ends.collect(), chunks })
    }

    pub(crate) fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// What pyarrow calls the type: `int64`, `list<item: string>`.
    pub(crate) fn type_name(&self) -> String {
        self.chunks.first().map_or_else(|| "null".to_owned(), |chunk| chunk.name.clone())
    }

    pub(crate) fn cell(&self, at: u64) -> Cell<'g> {
        let index = self.ends.partition_point(|end| *end <= at);
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.chunks.get(index).map_or(Cell::Missing, |chunk| chunk.cell(at - start))
    }
}

/// `_restore_array((type, length, nulls, offset, buffers, children, dictionary))`.
fn restored<'g>(value: Value<'g>, visits: &mut Visits) -> Result<ArrowArray<'g>> {
    let object = value.as_object()?;
    if !object.class_name().is_some_and(|class| class.is("pyarrow.lib", "_restore_array")) {
        return Err(bad("no array of Arrow"));
    }
    ArrowArray::of(object.args().at(0)?, DEPTH, visits)
}

#[derive(Clone, Debug)]
struct ArrowArray<'g> {
    name: String,
    kind: Kind<'g>,
    len: u64,
    offset: u64,
    /// A bit for each element that is there.
    validity: Option<&'g [u8]>,
}

#[derive(Clone, Debug)]
enum Kind<'g> {
    Null,
    Bits(&'g [u8]),
    /// Days since 1970 in four bytes, or milliseconds in eight.
    Days(usize, &'g [u8]),
    /// Numbers and times as NumPy has them.
    Plain(Dtype, Option<Zone<'g>>, &'g [u8]),
    /// Text or bytes: offsets of four or eight bytes, then all of it.
    Text {
        offsets: &'g [u8],
        width: usize,
        data: &'g [u8],
        is_text: bool,
    },
    List {
        offsets: &'g [u8],
        width: usize,
        child: Box<ArrowArray<'g>>,
    },
    Dictionary {
        codes: Dtype,
        data: &'g [u8],
        values: Box<ArrowArray<'g>>,
    },
    /// An int of 16 bytes, with so many digits after the point.
    Decimal(i64, &'g [u8]),
}

impl<'g> ArrowArray<'g> {
    fn of(parts: Value<'g>, depth: u32, visits: &mut Visits) -> Result<ArrowArray<'g>> {
        let depth = depth.checked_sub(1).ok_or_else(|| bad("arrays of Arrow in one another, too deep"))?;
        let unsigned = |at: usize| {
            let number = parts.at(at)?.as_i64()?;
            u64::try_from(number).map_err(|_| bad(format!("an array of Arrow with {number} elements")))
        };
        let (len, offset) = (unsigned(1)?, unsigned(3)?);
        let Some(end) = len.checked_add(offset).filter(|end| *end < 1 << 60) else {
            return Err(bad(format!("an array of Arrow with {len} elements")));
        };
        let buffers = parts.at(4)?.items()?;
        let told = parts.at(0)?;
        let name = type_name(told, DEPTH).ok_or_else(|| bad(format!("a type of Arrow that is not known: {told}")))?;
        let validity = match buffers.get(0).filter(|buffer| !buffer.is_none()) {
            Some(buffer) if name != "null" => Some(bytes(buffer, end.div_ceil(8))?),
            _ => None,
        };
        let data = |at: usize, needed: u64| match buffers.get(at).filter(|buffer| !buffer.is_none()) {
            Some(buffer) => bytes(buffer, needed),
            None if needed == 0 => Ok(&[][..]),
            None => Err(bad(format!("an array of Arrow has no buffer {at}"))),
        };
        // Buffers may stand in many arrays; looking at offsets again is work.
        if let Some(offsets) = buffers.get(1) {
            visits.meet(offsets, len)?;
        }
        let child = |visits: &mut Visits| {
            let child = ArrowArray::of(parts.at(5)?.at(0)?, depth, visits)?;
            match child.kind {
                Kind::Null if child.len > NULLS => Err(bad(format!("lists of {} nulls", child.len))),
                _ => Ok(child),
            }
        };
        // Without elements there may be no offsets either.
        let offsets = |width: u64| if end == 0 { Ok(&[][..]) } else { data(1, (end + 1) * width) };
        let zone = || if let Ok(object) = told.as_object() { object.args().at(1).ok()?.as_str().ok() } else { None };
        let kind = match name.as_str() {
            "null" => Kind::Null,
            "bool" => Kind::Bits(data(1, end.div_ceil(8))?),
            "string" | "utf8" | "binary" => {
                let is_text = name != "binary";
                Kind::Text { offsets: offsets(4)?, width: 4, data: data(2, 0)?, is_text }
            }
            "large_string" | "large_utf8" | "large_binary" => {
                let is_text = name != "large_binary";
                Kind::Text { offsets: offsets(8)?, width: 8, data: data(2, 0)?, is_text }
            }
            "date32[day]" => Kind::Days(4, data(1, end * 4)?),
            "date64[ms]" => Kind::Days(8, data(1, end * 8)?),
            name if name.starts_with("list<") => {
                Kind::List { offsets: offsets(4)?, width: 4, child: Box::new(child(visits)?) }
            }
            name if name.starts_with("large_list<") => {
                Kind::List { offsets: offsets(8)?, width: 8, child: Box::new(child(visits)?) }
            }
            name if name.starts_with("decimal128") => {
                let scale = told.as_object()?.args().at(1)?.as_i64()?;
                Kind::Decimal(scale, data(1, end * 16)?)
            }
            name if name.starts_with("dictionary<") => {
                let indices = type_name(told.as_object()?.args().at(0)?, DEPTH).and_then(|name| plain(&name));
                let codes = indices.ok_or_else(|| bad("a dictionary of Arrow without ints"))?;
                let bytes = data(1, end * codes.size())?;
                Kind::Dictionary { codes, data: bytes, values: Box::new(ArrowArray::of(parts.at(6)?, depth, visits)?) }
            }
            name => {
                let dtype = plain(name).ok_or_else(|| bad(format!("elements of Arrow's type {name}")))?;
                let bytes = data(1, end * dtype.size())?;
                Kind::Plain(dtype, zone().map(zone_named), bytes)
            }
        };
        let array = ArrowArray { name, kind, len, offset, validity };
        array.check()?;
        Ok(array)
    }

    /// Offsets go up, and stay inside of what they are offsets in.
    fn check(&self) -> Result<()> {
        let (offsets, width, size) = match &self.kind {
            Kind::Text { offsets, width, data, .. } => (*offsets, *width, data.len() as u64),
            Kind::List { offsets, width, child } => (*offsets, *width, child.len),
            _ => return Ok(()),
        };
        let mut last = 0;
        for at in 0..=self.len {
            let Some(offset) = offset_at(offsets, width, self.offset + at) else { break };
            if offset < last || offset > size {
                return Err(bad(format!("offset {offset} of element {at} in a buffer of {size}")));
            }
            last = offset;
        }
        Ok(())
    }

    fn cell(&self, at: u64) -> Cell<'g> {
        if at >= self.len || !self.validity.is_none_or(|bits| bit(bits, self.offset + at)) {
            return Cell::Missing;
        }
        self.present(self.offset + at).unwrap_or(Cell::Missing)
    }

    /// The element at a place that is counted from the start of the buffers.
    fn present(&self, at: u64) -> Option<Cell<'g>> {
        let element = |data: &'g [u8], size: u64| {
            let start = usize::try_from(at.checked_mul(size)?).ok()?;
            data.get(start..start + size as usize)
        };
        let bounds = |offsets, width| Some((offset_at(offsets, width, at)?, offset_at(offsets, width, at + 1)?));
        Some(match &self.kind {
            Kind::Null => Cell::Missing,
            Kind::Bits(bits) => Cell::Bool(bit(bits, at)),
            Kind::Days(width, data) => {
                let (unit, code) = if *width == 4 { (Unit::Day, 4) } else { (Unit::Millisecond, 8) };
                let count = to_i128(&Dtype::Int(code, ByteOrder::Little), element(data, *width as u64)?)?;
                Cell::Moment(Moment { nanos: None, ..Moment::new(count, unit, None)? })
            }
            Kind::Plain(dtype, zone, data) => {
                Cell::of_element(dtype, element(data, dtype.size())?)?.in_zone(zone.as_ref())
            }
            Kind::Text { offsets, width, data, is_text } => {
                let (start, end) = bounds(offsets, *width)?;
                let bytes = data.get(start as usize..end as usize)?;
                match std::str::from_utf8(bytes) {
                    Ok(text) if *is_text => Cell::Text(text.into()),
                    _ => Cell::Bytes(bytes.into()),
                }
            }
            Kind::List { offsets, width, child } => {
                let (start, end) = bounds(offsets, *width)?;
                Cell::List((start..end).map(|at| child.cell(at)).collect())
            }
            Kind::Dictionary { codes, data, values } => match Cell::of_element(codes, element(data, codes.size())?)? {
                Cell::Int(code) => values.cell(u64::try_from(code).ok()?),
                _ => return None,
            },
            Kind::Decimal(scale, data) => {
                let int = i128::from_le_bytes(element(data, 16)?.try_into().ok()?);
                Cell::Text(decimal(int, *scale)?.into())
            }
        })
    }
}

fn bit(bits: &[u8], at: u64) -> bool {
    usize::try_from(at / 8).ok().and_then(|byte| bits.get(byte)).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

fn offset_at(offsets: &[u8], width: usize, at: u64) -> Option<u64> {
    let start = usize::try_from(at).ok()?.checked_mul(width)?;
    let raw = offsets.get(start..start + width)?;
    let int = match width {
        4 => i64::from(i32::from_le_bytes(raw.try_into().ok()?)),
        _ => i64::from_le_bytes(raw.try_into().ok()?),
    };
    // A negative one lies past every end.
    Some(u64::try_from(int).unwrap_or(u64::MAX))
}

/// An int with a point before its last digits.
fn decimal(int: i128, scale: i64) -> Option<String> {
    let scale = usize::try_from(scale).ok().filter(|scale| *scale <= 64)?;
    if scale == 0 {
        return Some(int.to_string());
    }
    let digits = format!("{:0>width$}", int.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    Some(format!("{}{whole}.{rest}", if int < 0 { "-" } else { "" }))
}

/// The bytes of `py_buffer(bytes)`, of which there must be some.
fn bytes(value: Value<'_>, needed: u64) -> Result<&[u8]> {
    let bytes = match value.as_object() {
        Ok(object) if object.class_name().is_some_and(|class| class.module() == "pyarrow.lib") => {
            object.args().at(0)?.as_bytes()?
        }
        _ => value.as_bytes()?,
    };
    match bytes.len() as u64 >= needed {
        true => Ok(bytes),
        false => Err(bad(format!("a buffer of Arrow takes {needed} bytes, not {}", bytes.len()))),
    }
}

fn zone_named(name: &str) -> Zone<'_> {
    if name == "UTC" { Zone::Utc } else { Zone::Named(name) }
}

/// What pyarrow calls a type.
fn type_name(value: Value<'_>, depth: u32) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let object = value.as_object().ok()?;
    let class = object.class_name().filter(|class| class.module() == "pyarrow.lib")?;
    let args = object.args().items().ok()?;
    match class.name() {
        "type_for_alias" => Some(args.get(0)?.as_str().ok()?.to_owned()),
        "timestamp" => Some(match args.get(1).and_then(|zone| zone.as_str().ok()) {
            Some(zone) => format!("timestamp[{}, tz={zone}]", args.get(0)?.as_str().ok()?),
            None => format!("timestamp[{}]", args.get(0)?.as_str().ok()?),
        }),
        "duration" => Some(format!("duration[{}]", args.get(0)?.as_str().ok()?)),
        "decimal128" => Some(format!("decimal128({}, {})", args.get(0)?.as_i64().ok()?, args.get(1)?.as_i64().ok()?)),
        name @ ("list_" | "large_list") => {
            let item = field(args, depth)?;
            Some(format!("{}<{item}>", name.trim_end_matches('_')))
        }
        "dictionary" => {
            let (indices, values) = (type_name(args.get(0)?, depth)?, type_name(args.get(1)?, depth)?);
            let ordered = matches!(args.get(2).map(Value::as_bool), Some(Ok(true)));
            Some(format!("dictionary<values={values}, indices={indices}, ordered={}>", u8::from(ordered)))
        }
        _ => None,
    }
}

/// `item: int64`, of `field(name, type, nullable, metadata)` or a type alone.
fn field(args: Items<'_>, depth: u32) -> Option<String> {
    let value = args.get(0)?;
    let object = value.as_object().ok()?;
    match object.class_name()?.name() {
        "field" => Some(format!(
            "{}: {}",
            object.args().at(0).ok()?.as_str().ok()?,
            type_name(object.args().at(1).ok()?, depth)?
        )),
        _ => Some(format!("item: {}", type_name(value, depth)?)),
    }
}

/// Numbers and times that NumPy has too.
fn plain(name: &str) -> Option<Dtype> {
    let order = ByteOrder::Little;
    let time = |unit: &str| Some(TimeUnit { count: 1, unit: Unit::of(unit)? });
    Some(match name {
        "int8" => Dtype::Int(1, order),
        "int16" => Dtype::Int(2, order),
        "int32" => Dtype::Int(4, order),
        "int64" => Dtype::Int(8, order),
        "uint8" => Dtype::UInt(1, order),
        "uint16" => Dtype::UInt(2, order),
        "uint32" => Dtype::UInt(4, order),
        "uint64" => Dtype::UInt(8, order),
        "halffloat" | "float16" => Dtype::Float(2, order),
        "float" | "float32" => Dtype::Float(4, order),
        "double" | "float64" => Dtype::Float(8, order),
        _ => {
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
