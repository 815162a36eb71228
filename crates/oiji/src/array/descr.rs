//! Dtypes as NumPy's `descr` has them: `'<f8'`, `[('x', '<f8'), ('', '|V4'), (('title', 'n'), '<i4', (2,))]`.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::array::dtype::{AXES, ByteOrder, DEPTH, Dtype, Field, Record, SubArray, TimeUnit, Unit, bad, shape_text};
use crate::error::{Error, Result};
use crate::graph::{Node, Value};
use crate::op::text;

impl FromStr for Dtype {
    type Err = Error;

    /// Reads a type without fields, as NumPy's `dtype.str` writes it: `<f8`, `|S5`, `>M8[25s]`; the mark of byte order may be
    /// left out.
    fn from_str(text: &str) -> Result<Dtype> {
        plain(text).ok_or_else(|| bad(format!("no dtype: {:?}", text.chars().take(40).collect::<String>())))
    }
}

fn plain(text: &str) -> Option<Dtype> {
    let (order, rest) = match text.as_bytes().first()? {
        b'<' | b'|' | b'=' => (ByteOrder::Little, &text[1..]),
        b'>' => (ByteOrder::Big, &text[1..]),
        _ => (ByteOrder::Little, text),
    };
    let kind = *rest.as_bytes().first()?;
    let rest = rest.get(1..)?;
    let (digits, unit) = match rest.find('[') {
        Some(at) => (&rest[..at], Some(rest[at..].strip_prefix('[')?.strip_suffix(']')?)),
        None => (rest, None),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    /// So that a size in bytes is never near the end of an integer.
    const LONGEST: u64 = 1 << 56;
    let len: Option<u64> = if digits.is_empty() { None } else { Some(digits.parse().ok()?) };
    let len = match len {
        Some(len) if len > LONGEST => return None,
        len => len,
    };
    if matches!(kind, b'M' | b'm') {
        let unit = time_unit(unit.unwrap_or("generic"))?;
        return match (kind, len) {
            (_, Some(len)) if len != 8 => None,
            (b'M', _) => Some(Dtype::DateTime(unit, order)),
            _ => Some(Dtype::TimeDelta(unit, order)),
        };
    }
    if unit.is_some() {
        return None;
    }
    let size = len.and_then(|len| u8::try_from(len).ok());
    let of_size = |size: u8| if size == 1 { ByteOrder::Little } else { order };
    Some(match (kind, size) {
        (b'b' | b'?', None | Some(1)) => Dtype::Bool,
        (b'i', Some(size @ (1 | 2 | 4 | 8))) => Dtype::Int(size, of_size(size)),
        (b'u', Some(size @ (1 | 2 | 4 | 8))) => Dtype::UInt(size, of_size(size)),
        (b'f', Some(size @ (2 | 4 | 8 | 12 | 16))) => Dtype::Float(size, order),
        (b'c', Some(size @ (8 | 16 | 24 | 32))) => Dtype::Complex(size, order),
        (b'S' | b'a', _) => Dtype::Bytes(len.unwrap_or(0)),
        (b'U', _) => Dtype::Str(len.unwrap_or(0), order),
        (b'V', _) => Dtype::Void(len.unwrap_or(0)),
        (b'O', None | Some(4 | 8)) => Dtype::Object,
        (b'T', None | Some(16)) => Dtype::String,
        _ => return None,
    })
}

/// `25s`, `ns`, `generic`.
fn time_unit(text: &str) -> Option<TimeUnit> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count = if digits == 0 { 1 } else { text[..digits].parse().ok().filter(|count| *count > 0)? };
    Some(TimeUnit { count, unit: Unit::of(&text[digits..])? })
}

/// The type that a literal in a header describes.
///
/// # Errors
/// `InvalidArray`, with the path from the descr.
pub(crate) fn from_descr(descr: Value<'_>) -> Result<Dtype> {
    described(descr, "descr", DEPTH)
}

fn described(descr: Value<'_>, path: &str, depth: u32) -> Result<Dtype> {
    let depth = depth.checked_sub(1).ok_or_else(|| bad("a dtype of too many levels").at_path(path))?;
    match descr.node() {
        Node::Str(text) => text.as_str().unwrap_or_default().parse().map_err(|error: Error| error.at_path(path)),
        Node::Tuple(pair) if pair.len() == 2 => {
            let (Some(base), Some(shape)) = (pair.get(0), pair.get(1)) else { return Err(bad("no dtype")) };
            let base = described(base, path, depth)?;
            sub_array(base, shape).map_err(|error| error.at_path(path))
        }
        Node::List(fields) => {
            let mut size = 0_u64;
            let mut placed = Vec::new();
            for (index, field) in fields.iter().enumerate() {
                let path = format!("{path}[{index}]");
                let items = field.items().ok().filter(|items| matches!(items.len(), 2 | 3));
                let items = items.ok_or_else(|| bad("no field of a dtype").at_path(path.as_str()))?;
                let (Some(name), Some(base)) = (items.get(0), items.get(1)) else { continue };
                let mut dtype = described(base, &path, depth)?;
                if let Some(shape) = items.get(2) {
                    dtype = sub_array(dtype, shape).map_err(|error| error.at_path(path.as_str()))?;
                }
                let (title, name) = match name.node() {
                    Node::Tuple(both) if both.len() == 2 => (both.get(0).map(text_of).transpose()?, both.get(1)),
                    _ => (None, Some(name)),
                };
                let name = name.map(text_of).transpose().map_err(|error| error.at_path(path.as_str()))?;
                let offset = size;
                size = size.saturating_add(dtype.size());
                match (name.unwrap_or_default(), &dtype) {
                    // Padding.
                    (name, Dtype::Void(_)) if name.is_empty() => {}
                    (name, _) => placed.push(Field { name, title, dtype, offset }),
                }
            }
            // Whether a struct of C would be so, headers do not tell.
            Record::new(placed, size, false).map(Dtype::Record).map_err(|error| error.at_path(path))
        }
        _ => Err(bad(format!("no dtype: {}", descr.type_name())).at_path(path)),
    }
}

fn text_of(value: Value<'_>) -> Result<String> {
    value.as_str().map(str::to_owned).map_err(|_| bad("a field's name that is no str"))
}

/// A type with a shape of its own, which may be an int.
pub(crate) fn sub_array(dtype: Dtype, shape: Value<'_>) -> Result<Dtype> {
    let axis = |value: Value<'_>| value.as_i64().ok().and_then(|axis| u64::try_from(axis).ok());
    let shape: Option<Vec<u64>> = match shape.node() {
        Node::Int(_) => axis(shape).map(|axis| vec![axis]),
        _ => shape.items().ok().filter(|items| items.len() <= AXES).and_then(|items| items.iter().map(axis).collect()),
    };
    Ok(Dtype::SubArray(SubArray::new(dtype, shape.ok_or_else(|| bad("no shape of a sub-array"))?)?))
}

impl Dtype {
    /// As NumPy's `dtype.str` has it: `<f8`, `|S5`, `<M8[25s]`; for records `|V16`.
    ///
    /// What NumPy does not have is told as bytes without a meaning.
    pub fn type_str(&self) -> String {
        let number = |kind: char, size: u8, order: ByteOrder| {
            let mark = if size == 1 { "|" } else { order.mark() };
            format!("{mark}{kind}{size}")
        };
        match self {
            Dtype::Bool => "|b1".to_owned(),
            Dtype::Int(size, order) => number('i', *size, *order),
            Dtype::UInt(size, order) => number('u', *size, *order),
            Dtype::Float(size, order) => number('f', *size, *order),
            Dtype::Complex(size, order) => number('c', *size, *order),
            Dtype::Bytes(len) => format!("|S{len}"),
            Dtype::Str(len, order) => format!("{}U{len}", order.mark()),
            Dtype::DateTime(unit, order) => format!("{}M8{}", order.mark(), in_brackets(*unit)),
            Dtype::TimeDelta(unit, order) => format!("{}m8{}", order.mark(), in_brackets(*unit)),
            Dtype::Object => "|O".to_owned(),
            Dtype::String => "|T16".to_owned(),
            Dtype::Void(_)
            | Dtype::Record(_)
            | Dtype::SubArray(_)
            | Dtype::BFloat16
            | Dtype::Float8(_)
            | Dtype::Quantized(..) => {
                format!("|V{}", self.size())
            }
        }
    }

    /// As a `.npy` header has it: `'<f8'`, `[('x', '<f8'), ('', '|V4'), (('title', 'n'), '<i4', (2,))]`.
    ///
    /// # Errors
    /// `InvalidArray` for records whose fields overlap or are out of order, which headers cannot tell, and for types that
    /// NumPy does not have.
    pub fn descr(&self) -> Result<String> {
        let mut out = String::new();
        self.write_descr(&mut out)?;
        Ok(out)
    }

    /// As a `.npy` header has it.
    ///
    /// # Errors
    /// `InvalidArray` for records whose fields overlap or are out of order, which headers cannot tell, and for types that
    /// NumPy does not have.
    pub(crate) fn write_descr(&self, out: &mut String) -> Result<()> {
        match self {
            Dtype::Record(record) => {
                let mut parts = Vec::new();
                let mut end = 0;
                for field in record.fields() {
                    if field.offset < end {
                        return Err(bad(format!(
                            "field {:?} overlaps the one before: .npy cannot say that",
                            field.name
                        )));
                    }
                    parts.extend(padding(field.offset - end));
                    parts.push(field_descr(field)?);
                    end = field.offset + field.dtype.size();
                }
                parts.extend(padding(record.size() - end));
                let _ = write!(out, "[{}]", parts.join(", "));
            }
            Dtype::SubArray(sub) => {
                out.push('(');
                sub.dtype().write_descr(out)?;
                let _ = write!(out, ", {})", shape_text(sub.shape()));
            }
            Dtype::BFloat16 | Dtype::Float8(_) | Dtype::Quantized(..) => {
                return Err(bad(format!("NumPy has no {self}; make it float32 or bytes first")));
            }
            _ => quoted(out, &self.type_str()),
        }
        Ok(())
    }
}

/// `('x', '<f8')`, `(('title', 'x'), '<f8', (2, 2))`.
fn field_descr(field: &Field) -> Result<String> {
    let mut out = String::from("(");
    match &field.title {
        Some(title) => {
            out.push('(');
            quoted(&mut out, title);
            out.push_str(", ");
            quoted(&mut out, &field.name);
            out.push(')');
        }
        None => quoted(&mut out, &field.name),
    }
    out.push_str(", ");
    match &field.dtype {
        Dtype::SubArray(sub) => {
            sub.dtype().write_descr(&mut out)?;
            let _ = write!(out, ", {}", shape_text(sub.shape()));
        }
        dtype => dtype.write_descr(&mut out)?,
    }
    out.push(')');
    Ok(out)
}

/// What stands for bytes between two fields.
fn padding(len: u64) -> Option<String> {
    (len > 0).then(|| format!("('', '|V{len}')"))
}

fn in_brackets(unit: TimeUnit) -> String {
    if unit.unit == Unit::Generic { String::new() } else { format!("[{unit}]") }
}

/// A str as Python writes it.
pub(crate) fn quoted(out: &mut String, value: &str) {
    // A `String` takes all that is written to it.
    let _ = text::write_str_repr(out, value.as_bytes());
}
