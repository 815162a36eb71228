//! Arrays of Arrow, as `pyarrow` pickles them: a type by its name, and buffers.
//!
//! What the constructor lets through fits: offsets lie inside the buffers, so that nothing is checked again later.

use crate::array::Unit;
use crate::array::dtype::{ByteOrder, Dtype, bad};
use crate::array::number::to_i128;
use crate::error::Result;
use crate::frame::arrow_type::{fixed_size, plain, type_name, zone_named};
use crate::frame::cell::Cell;
use crate::frame::moment::Moment;
use crate::frame::values::Visits;
use crate::frame::zone::Zone;
use crate::graph::Value;

/// Arrays in one another.
const DEPTH: u32 = 8;

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
    /// Times of a day, in four or eight bytes, so many steps of them in a second.
    Times(usize, u64, &'g [u8]),
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
    /// Text or bytes, each as 16 bytes that hold it or say where it stands.
    Views {
        views: &'g [u8],
        buffers: Vec<&'g [u8]>,
        is_text: bool,
    },
    /// Bytes, always so many.
    Fixed(usize, &'g [u8]),
    /// Lists, always of so many.
    FixedList(u64, Box<ArrowArray<'g>>),
    /// A list of keys and what they stand for.
    Map {
        offsets: &'g [u8],
        child: Box<ArrowArray<'g>>,
    },
    Struct(Vec<(&'g str, ArrowArray<'g>)>),
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
        // An array costs something even without elements: a few may stand in many places.
        visits.spend(1)?;
        let name = type_name(told).ok_or_else(|| bad(format!("a type of Arrow that is not known: {told}")))?;
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
        let child = |visits: &mut Visits| ArrowArray::of(parts.at(5)?.at(0)?, depth, visits);
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
            "time32[s]" => Kind::Times(4, 1, data(1, end * 4)?),
            "time32[ms]" => Kind::Times(4, 1_000, data(1, end * 4)?),
            "time64[us]" => Kind::Times(8, 1_000_000, data(1, end * 8)?),
            "time64[ns]" => Kind::Times(8, 1_000_000_000, data(1, end * 8)?),
            name if name.starts_with("list<") => {
                Kind::List { offsets: offsets(4)?, width: 4, child: Box::new(child(visits)?) }
            }
            name if name.starts_with("large_list<") => {
                Kind::List { offsets: offsets(8)?, width: 8, child: Box::new(child(visits)?) }
            }
            "string_view" | "binary_view" => {
                let views = data(1, end * 16)?;
                let buffers = (2..buffers.len()).map(|at| data(at, 0)).collect::<Result<_>>()?;
                Kind::Views { views, buffers, is_text: name == "string_view" }
            }
            name if name.starts_with("fixed_size_binary[") => {
                let size = fixed_size(told, 0)?;
                let needed = end.checked_mul(size).ok_or_else(|| bad("bytes of Arrow past all ends"))?;
                Kind::Fixed(size as usize, data(1, needed)?)
            }
            name if name.starts_with("fixed_size_list<") => {
                let (size, child) = (fixed_size(told, 1)?, child(visits)?);
                if end.checked_mul(size).is_none_or(|needed| needed > child.len) {
                    return Err(bad(format!("{end} lists of {size} of {} elements", child.len)));
                }
                Kind::FixedList(size, Box::new(child))
            }
            name if name.starts_with("map<") => Kind::Map { offsets: offsets(4)?, child: Box::new(child(visits)?) },
            name if name.starts_with("struct<") => {
                let (fields, children) = (told.as_object()?.args().at(0)?.items()?, parts.at(5)?.items()?);
                if fields.len() != children.len() {
                    return Err(bad(format!("{} fields with {} arrays", fields.len(), children.len())));
                }
                let mut read = Vec::new();
                for (field, child) in fields.iter().zip(children.iter()) {
                    let child = ArrowArray::of(child, depth, visits)?;
                    if child.len < end {
                        return Err(bad(format!("a field of {} elements in {end}", child.len)));
                    }
                    read.push((field.as_object()?.args().at(0)?.as_str()?, child));
                }
                Kind::Struct(read)
            }
            name if name.starts_with("decimal128") => {
                let scale = told.as_object()?.args().at(1)?.as_i64()?;
                Kind::Decimal(scale, data(1, end * 16)?)
            }
            name if name.starts_with("dictionary<") => {
                let indices = type_name(told.as_object()?.args().at(0)?).and_then(|name| plain(&name));
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
        // Any number of them can be claimed.
        visits.spend(if array.is_stored() { 0 } else { len })?;
        array.check(visits)?;
        Ok(array)
    }

    /// Offsets go up, and stay inside of what they are offsets in.
    fn check(&self, visits: &mut Visits) -> Result<()> {
        let (offsets, width, size) = match &self.kind {
            Kind::Text { offsets, width, data, .. } => (*offsets, *width, data.len() as u64),
            Kind::List { offsets, width, child } => (*offsets, *width, child.len),
            Kind::Map { offsets, child } => (*offsets, 4, child.len),
            Kind::Views { views, buffers, .. } => return self.check_views(views, buffers, visits),
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

    /// What is long stands in a buffer; more than all buffers hold is what several say.
    fn check_views(&self, views: &[u8], buffers: &[&[u8]], visits: &mut Visits) -> Result<()> {
        let mut long = 0_u64;
        for at in (0..self.len).filter(|at| self.is_there(*at)) {
            let view = viewed(views, buffers, self.offset + at);
            let view = view.ok_or_else(|| bad(format!("element {at} stands in no buffer")))?;
            long += if view.len() > SHORT { view.len() as u64 } else { 0 };
        }
        let held = buffers.iter().fold(0, |held, buffer| held + buffer.len() as u64);
        visits.spend(long.saturating_sub(held))
    }

    /// Whether each element has bytes.
    fn is_stored(&self) -> bool {
        match &self.kind {
            Kind::Null | Kind::Fixed(0, _) | Kind::FixedList(0, _) => false,
            Kind::Struct(fields) => fields.iter().any(|(_, child)| child.is_stored()),
            _ => true,
        }
    }

    fn is_there(&self, at: u64) -> bool {
        self.validity.is_none_or(|bits| bit(bits, self.offset + at))
    }

    fn cell(&self, at: u64) -> Cell<'g> {
        if at >= self.len || !self.is_there(at) {
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
            Kind::Times(width, steps, data) => {
                let count = to_i128(&Dtype::Int(*width as u8, ByteOrder::Little), element(data, *width as u64)?)?;
                Cell::Text(time(u64::try_from(count).ok()?, *steps).into())
            }
            Kind::Plain(dtype, zone, data) => {
                Cell::of_element(dtype, element(data, dtype.size())?)?.in_zone(zone.as_ref())
            }
            Kind::Text { offsets, width, data, is_text } => {
                let (start, end) = bounds(offsets, *width)?;
                text_or_bytes(data.get(start as usize..end as usize)?, *is_text)
            }
            Kind::Views { views, buffers, is_text } => text_or_bytes(viewed(views, buffers, at)?, *is_text),
            Kind::Fixed(size, data) => Cell::Bytes(element(data, *size as u64)?.into()),
            Kind::List { offsets, width, child } => {
                let (start, end) = bounds(offsets, *width)?;
                Cell::List((start..end).map(|at| child.cell(at)).collect())
            }
            Kind::FixedList(size, child) => Cell::List((at * size..(at + 1) * size).map(|at| child.cell(at)).collect()),
            Kind::Map { offsets, child } => {
                let (start, end) = bounds(offsets, 4)?;
                let pair = |cell| match cell {
                    Cell::Record(fields) => Cell::Tuple(fields.into_iter().map(|(_, cell)| cell).collect()),
                    other => other,
                };
                Cell::List((start..end).map(|at| pair(child.cell(at))).collect())
            }
            Kind::Struct(fields) => {
                Cell::Record(fields.iter().map(|(name, child)| ((*name).into(), child.cell(at))).collect())
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

fn text_or_bytes(bytes: &[u8], is_text: bool) -> Cell<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text => Cell::Text(text.into()),
        _ => Cell::Bytes(bytes.into()),
    }
}

/// Views of so many bytes hold them.
const SHORT: usize = 12;

/// What the view at a place holds, or says where it stands: a length, then the bytes or four of them, a buffer and an offset.
fn viewed<'g>(views: &'g [u8], buffers: &[&'g [u8]], at: u64) -> Option<&'g [u8]> {
    let start = usize::try_from(at).ok()?.checked_mul(16)?;
    let view = views.get(start..start.checked_add(16)?)?;
    let number = |at: usize| usize::try_from(i32::from_le_bytes(view.get(at..at + 4)?.try_into().ok()?)).ok();
    let len = number(0)?;
    if len <= SHORT {
        return view.get(4..4 + len);
    }
    let offset = number(12)?;
    buffers.get(number(8)?)?.get(offset..offset.checked_add(len)?)
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

/// A time of a day as Python writes it: with six digits after the second, or none, or nine if it takes so many.
fn time(count: u64, steps: u64) -> String {
    let (seconds, nanos) = (count / steps, count % steps * (1_000_000_000 / steps));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let rest = match nanos {
        0 => String::new(),
        nanos if nanos % 1000 == 0 => format!(".{:06}", nanos / 1000),
        nanos => format!(".{nanos:09}"),
    };
    format!("{hours:02}:{minutes:02}:{seconds:02}{rest}")
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
