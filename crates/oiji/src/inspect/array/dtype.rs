//! The dtypes of arrays: their names, and single elements as text.

use crate::graph::{Node, Value};
use crate::inspect::array::time;
use crate::op::number::format_float;
use crate::op::text;

/// The type of an array's elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DType {
    /// As NumPy writes it: `float64`, `>f8`, `<U5`, `datetime64[ns]`.
    pub(crate) name: String,
    /// The letter of its kind: `f`, `i`, `U`.
    kind: u8,
    /// Bytes of one element.
    pub(crate) size: u64,
    big_endian: bool,
    /// For times: how many of the unit one step is, and the unit.
    unit: Option<(i64, String)>,
}

impl DType {
    /// The dtype that a pickle makes by `numpy.dtype('f8', ...)` and a state.
    pub(crate) fn of(value: Value<'_>) -> Option<DType> {
        let object = value.as_object().ok()?;
        match object.class_name()? {
            class if class.is("numpy", "dtype") => {}
            class if class.name() == "_convert_to_stringdtype_kwargs" && class.module().starts_with("numpy.") => {
                let name = "StringDType".to_owned();
                return Some(DType { name, kind: b'T', size: 16, big_endian: false, unit: None });
            }
            _ => return None,
        }
        let code = match object.args().at(0).ok()?.node() {
            // The class of a record: its fields are in the state.
            Node::Global(_) => "V".to_owned(),
            _ => latin1_text(object.args().at(0).ok()?)?,
        };
        let state = object.state().and_then(|state| state.items().ok());
        let part = |index: usize| state.and_then(|state| state.get(index));
        let order = part(1).and_then(latin1_text).unwrap_or_else(|| "|".to_owned());
        let big_endian = order == ">";
        let kind = *code.as_bytes().first()?;
        let digits = code.get(1..)?;
        let number: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let own_size = part(5).and_then(|size| u64::try_from(size.as_i64().ok()?).ok());
        let size = if kind == b'O' { 8 } else { own_size.unwrap_or(number) };
        let mut dtype = DType { name: String::new(), kind, size, big_endian, unit: None };
        dtype.unit = part(8).and_then(unit);
        dtype.name = match (kind, number) {
            (b'O', _) => "object".to_owned(),
            (b'M' | b'm', _) => {
                let base = if kind == b'M' { "datetime64" } else { "timedelta64" };
                match &dtype.unit {
                    Some((1, unit)) => format!("{base}[{unit}]"),
                    Some((count, unit)) => format!("{base}[{count}{unit}]"),
                    None => base.to_owned(),
                }
            }
            (b'V', _) => structured(part(3), part(4), part(2)).unwrap_or_else(|| format!("void{}", 8 * size)),
            (b'b', 1) => "bool".to_owned(),
            (b'i', bytes) if !big_endian => format!("int{}", 8 * bytes),
            (b'u', bytes) if !big_endian => format!("uint{}", 8 * bytes),
            (b'f', bytes) if !big_endian => format!("float{}", 8 * bytes),
            (b'c', bytes) if !big_endian => format!("complex{}", 8 * bytes),
            (b'U', _) => format!("{order}{code}"),
            _ if big_endian => format!(">{code}"),
            _ => code,
        };
        Some(dtype)
    }

    /// The dtype of a storage class of torch: `FloatStorage`.
    pub(crate) fn torch_storage(storage: &str) -> Option<DType> {
        let name = match storage.strip_suffix("Storage")? {
            "Float" => "float32",
            "Double" => "float64",
            "Half" => "float16",
            "BFloat16" => "bfloat16",
            "Long" => "int64",
            "Int" => "int32",
            "Short" => "int16",
            "Char" => "int8",
            "Byte" => "uint8",
            "Bool" => "bool",
            "ComplexFloat" => "complex64",
            "ComplexDouble" => "complex128",
            "QInt8" => "qint8",
            "QUInt8" => "quint8",
            "QInt32" => "qint32",
            _ => return None,
        };
        DType::torch(name)
    }

    /// The dtype of torch with this name: `bfloat16`.
    pub(crate) fn torch(name: &str) -> Option<DType> {
        let digits: u64 = match name {
            "bool" => 8,
            _ => {
                let from = name.find(|char: char| char.is_ascii_digit())?;
                let digits = name[from..].split(|char: char| !char.is_ascii_digit()).next()?;
                digits.parse().ok().filter(|bits| (8..=128).contains(bits))?
            }
        };
        Some(DType { name: name.to_owned(), kind: 0, size: digits / 8, big_endian: false, unit: None })
    }

    /// One element, floats with six digits unless fewer say it all.
    pub(crate) fn short_element(&self, raw: &[u8]) -> Option<String> {
        const LONG: usize = 9;
        let exact = self.element(raw)?;
        if self.kind != b'f' || exact.len() <= LONG {
            return Some(exact);
        }
        let Ok(value) = exact.parse::<f64>() else { return Some(exact) };
        let rounded = format_float(format!("{value:.5e}").parse().unwrap_or(value));
        Some(if rounded.len() < exact.len() { rounded } else { exact })
    }

    /// One element as Python writes it.
    pub(crate) fn element(&self, raw: &[u8]) -> Option<String> {
        /// What can be shown of a float or complex.
        fn float(kind_size: usize, ordered: &[u8]) -> Option<f64> {
            Some(match kind_size {
                2 => half(u16::from_le_bytes(ordered.try_into().ok()?)),
                4 => shortest(f32::from_le_bytes(ordered.try_into().ok()?)),
                8 => f64::from_le_bytes(ordered.try_into().ok()?),
                _ => return None,
            })
        }
        let number = |raw: &[u8]| {
            let mut ordered = raw.to_vec();
            if self.big_endian {
                ordered.reverse();
            }
            ordered
        };
        match self.kind {
            b'b' => Some(if raw == [0] { "False" } else { "True" }.to_owned()),
            b'i' | b'u' if raw.len() <= 8 && !raw.is_empty() => {
                let ordered = number(raw);
                let negative = self.kind == b'i' && ordered.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut wide = [if negative { 0xff } else { 0 }; 16];
                wide[..ordered.len()].copy_from_slice(&ordered);
                Some(i128::from_le_bytes(wide).to_string())
            }
            b'f' => float(raw.len(), &number(raw)).map(format_float),
            b'c' => {
                let (real, imaginary) = raw.split_at(raw.len() / 2);
                let [real, imaginary] = [real, imaginary].map(|part| float(part.len(), &number(part)));
                let (real, imaginary) = (real?, imaginary?);
                let sign = if imaginary.is_sign_negative() { "" } else { "+" };
                Some(format!("{}{sign}{}j", format_float(real), format_float(imaginary)))
            }
            b'S' => {
                let end = raw.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                let mut out = String::new();
                text::write_bytes_repr(&mut out, &raw[..end]).ok()?;
                Some(out)
            }
            b'U' => {
                let code = |four: &[u8]| Some(u32::from_le_bytes(number(four).try_into().ok()?));
                let codes: Option<Vec<u32>> = raw.chunks_exact(4).map(code).collect();
                let mut codes = codes?;
                let end = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last + 1);
                codes.truncate(end);
                let string: String =
                    codes.iter().map(|code| char::from_u32(*code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
                let mut out = String::new();
                text::write_str_repr(&mut out, string.as_bytes()).ok()?;
                Some(out)
            }
            b'M' | b'm' => {
                let (step, unit) = self.unit.as_ref()?;
                let count = i64::from_le_bytes(number(raw).try_into().ok()?);
                if count == i64::MIN {
                    return Some("NaT".to_owned());
                }
                let count = count.checked_mul(*step)?;
                if self.kind == b'm' { Some(format!("{count} {unit}")) } else { time::since_1970(count, unit) }
            }
            _ => None,
        }
    }
}

/// A float32 as the float64 that is written with as few digits.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// A float16.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    sign * size
}

/// The unit of a datetime dtype, from its metadata `({}, (b'ns', 1, 1, 1))`.
fn unit(metadata: Value<'_>) -> Option<(i64, String)> {
    let unit = metadata.items().ok()?.get(1)?.items().ok()?;
    Some((unit.get(1)?.as_i64().ok()?, latin1_text(unit.get(0)?)?))
}

/// The name of a structured dtype `{x: float64, y: int32}`, or of one with a shape of its own `(2, 3)float64`.
fn structured(names: Option<Value<'_>>, fields: Option<Value<'_>>, sub: Option<Value<'_>>) -> Option<String> {
    /// Fields named before the rest is left out.
    const FEW: usize = 4;
    if let Some(Node::Tuple(sub)) = sub.map(Value::node) {
        let base = named(sub.get(0)?)?;
        let mut shape = String::new();
        for axis in sub.get(1)?.items().ok()?.iter().take(FEW) {
            shape.push_str(&format!("{}, ", axis.as_i64().ok()?));
        }
        return Some(format!("({}){base}", shape.trim_end_matches(", ")));
    }
    let names = names?.items().ok()?;
    let shown = if names.len() <= FEW { FEW } else { 2 };
    let fields = fields?.pairs().ok()?;
    let mut out = String::from("{");
    for (index, name) in names.iter().take(shown).enumerate() {
        let name = latin1_text(name)?;
        let dtype = fields.get(&name).and_then(|field| field.at(0).ok()).and_then(named)?;
        out.push_str(if index > 0 { ", " } else { "" });
        out.push_str(&format!("{name}: {dtype}"));
    }
    if names.len() > shown {
        out.push_str(&format!(", … {} more", names.len() - shown));
    }
    out.push('}');
    Some(out)
}

/// The name of a dtype inside another one. Nested fields are not told, so that this cannot go on for ever.
fn named(value: Value<'_>) -> Option<String> {
    let object = value.as_object().ok()?;
    let code = latin1_text(object.args().at(0).ok()?)?;
    if code.starts_with('V') { Some(code) } else { DType::of(value).map(|dtype| dtype.name) }
}

/// A short str or Python 2 `str`, or bytes, as text.
fn latin1_text(value: Value<'_>) -> Option<String> {
    match value.node() {
        Node::Str(text) => text.as_str().map(str::to_owned),
        Node::Py2Str(bytes) | Node::Bytes(bytes) => Some(bytes.iter().copied().map(char::from).collect()),
        _ => None,
    }
}
