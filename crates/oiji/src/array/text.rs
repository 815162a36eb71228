//! Elements as text, as Python would write them, or shortened for people.

use std::borrow::Cow;

use crate::array::array::{Array, Data};
use crate::array::dtype::{ByteOrder, Dtype, bad};
use crate::array::elements::{Cursor, Number};
use crate::array::layout::Layout;
use crate::array::number::{to_complex, to_f64, to_i128};
use crate::array::time;
use crate::error::Result;
use crate::op::number::format_float;
use crate::op::text;

/// The elements of an array as text, in C order: [`Array::texts`].
///
/// ```
/// use oiji::array::Array;
/// let array = Array::from_values(&[1.5_f32, -0.1], &[2])?;
/// assert_eq!(array.texts()?.collect::<Vec<_>>(), ["1.5", "-0.1"]);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Texts<'a> {
    dtype: Dtype,
    cursor: Cursor<'a>,
}

impl Texts<'_> {
    /// How many came before.
    pub(crate) fn done(&self) -> u64 {
        self.cursor.done()
    }

    /// The next one, which stays the next.
    pub(crate) fn peek(&self) -> Option<String> {
        Some(element(&self.dtype, self.cursor.peek()?))
    }
}

impl Iterator for Texts<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let dtype = &self.dtype;
        self.cursor.next().map(|raw| element(dtype, raw))
    }
}

impl<'a> Array<'a> {
    /// Its elements as text, in C order: numbers and strs as Python writes them, times as ISO 8601, records as tuples.
    ///
    /// # Errors
    /// As for [`Array::bytes`].
    pub fn texts(&self) -> Result<Texts<'_>> {
        let bytes = self.bytes()?;
        self.check_repeated(bytes.len())?;
        Ok(Texts { dtype: self.dtype().clone(), cursor: Cursor::new(bytes, self) })
    }

    /// The same, for as long as what the array borrows.
    pub(crate) fn into_texts(self) -> Result<Texts<'a>> {
        let bytes = match self.data() {
            Data::Bytes(bytes) => bytes.clone(),
            _ => Cow::Owned(self.bytes()?.into_owned()),
        };
        self.check_repeated(bytes.len())?;
        Ok(Texts { dtype: self.dtype().clone(), cursor: Cursor::new(bytes, &self) })
    }

    /// The first elements as short text, at most `most`, in C order: floats with six digits unless fewer say it all, long
    /// records cut. Nothing for objects and for data that is elsewhere.
    pub fn first_texts(&self, most: usize) -> Vec<String> {
        let mut out = Vec::new();
        let Ok(bytes) = self.first_bytes(most) else { return out };
        let mut cursor = Cursor::new(bytes, self);
        while let Some(raw) = cursor.next().filter(|_| out.len() < most) {
            out.push(short_element(self.dtype(), raw));
        }
        out
    }

    /// As many bytes as the first elements need, which makes a difference where they must be decoded.
    fn first_bytes(&self, most: usize) -> Result<Cow<'_, [u8]>> {
        /// In other layouts the first elements stand anywhere.
        const SHORT: usize = 1 << 16;
        let Data::Latin1(text) = self.data() else { return self.bytes() };
        if text.len() <= SHORT {
            return self.bytes();
        }
        if *self.layout() != Layout::C {
            return Err(bad("decoded data in another order"));
        }
        let needed = self.dtype().size().saturating_mul(most as u64).min(SHORT as u64) as usize;
        let bytes = text.chars().take(needed).map_while(|char| u8::try_from(u32::from(char)).ok());
        Ok(bytes.collect::<Vec<u8>>().into())
    }
}

/// One element, floats with six digits unless fewer say it all.
fn short_element(dtype: &Dtype, raw: &[u8]) -> String {
    const LONG: usize = 9;
    /// Characters of a record.
    const CUT: usize = 120;
    let exact = match dtype {
        Dtype::Record(_) | Dtype::SubArray(_) => {
            let mut out = Writer { out: String::new(), room: CUT };
            out.element(dtype, raw);
            return out.out;
        }
        _ => element(dtype, raw),
    };
    let is_float = matches!(dtype, Dtype::Float(..) | Dtype::BFloat16 | Dtype::Float8(_));
    match exact.parse() {
        Ok(value) if is_float && exact.len() > LONG => short_float(value),
        _ => exact,
    }
}

/// A number about elements as short text: of times, the one that is so many steps.
pub(crate) fn number_text(dtype: &Dtype, number: Number) -> String {
    let steps = match number {
        Number::Int(int) => i64::try_from(int).unwrap_or(i64::MIN),
        // Rounded to whole steps.
        Number::Float(float) => float.round() as i64,
    };
    match (dtype, number) {
        (Dtype::DateTime(..) | Dtype::TimeDelta(..), _) => {
            element(&dtype.with_byte_order(ByteOrder::Little), &steps.to_le_bytes())
        }
        (_, Number::Int(int)) => int.to_string(),
        (_, Number::Float(float)) => short_float(float),
    }
}

/// A float with six digits, unless fewer say it all.
pub(crate) fn short_float(value: f64) -> String {
    let exact = format_float(value);
    let rounded = format_float(format!("{value:.5e}").parse().unwrap_or(value));
    if rounded.len() < exact.len() { rounded } else { exact }
}

/// One element as Python writes it.
pub(crate) fn element(dtype: &Dtype, raw: &[u8]) -> String {
    let mut out = Writer { out: String::new(), room: usize::MAX };
    out.element(dtype, raw);
    out.out
}

struct Writer {
    out: String,
    /// After so many bytes the rest is left out.
    room: usize,
}

impl Writer {
    /// Goes down as deep as the dtype is, which is bounded.
    fn element(&mut self, dtype: &Dtype, raw: &[u8]) {
        match dtype {
            Dtype::Record(record) => {
                self.out.push('(');
                for (index, field) in record.fields().iter().enumerate() {
                    if !self.comma(index) {
                        break;
                    }
                    // Fields lie inside the element.
                    let (start, len) = (field.offset as usize, field.dtype.size() as usize);
                    self.element(&field.dtype, raw.get(start..start + len).unwrap_or_default());
                }
                self.out.push_str(if record.fields().len() == 1 { ",)" } else { ")" });
            }
            Dtype::SubArray(sub) => self.sub_array(sub.dtype(), sub.shape(), raw),
            _ => {
                let text = plain(dtype, raw).unwrap_or_else(|| hex(raw));
                self.out.push_str(&text);
            }
        }
    }

    /// Elements in brackets, as many around each as axes begin there.
    fn sub_array(&mut self, dtype: &Dtype, shape: &[u64], raw: &[u8]) {
        let size = dtype.size() as usize;
        if size == 0 || raw.is_empty() {
            self.out.push_str("[]");
            return;
        }
        for (index, raw) in raw.chunks_exact(size).enumerate() {
            let mut rows = shape.iter().rev().scan(1_u64, |row, axis| {
                *row = row.saturating_mul(*axis);
                Some(*row)
            });
            let begun = rows.by_ref().take_while(|row| (index as u64).is_multiple_of((*row).max(1))).count();
            if index > 0 {
                self.out.extend(std::iter::repeat_n(']', begun));
            }
            if !self.comma(index) {
                break;
            }
            self.out.extend(std::iter::repeat_n('[', begun));
            self.element(dtype, raw);
        }
        self.out.extend(std::iter::repeat_n(']', shape.len()));
    }

    /// A comma unless it is the first; or the end, where there is no room for more.
    fn comma(&mut self, index: usize) -> bool {
        if index > 0 {
            self.out.push_str(", ");
        }
        let has_room = self.out.len() < self.room;
        if !has_room {
            self.out.push('…');
        }
        has_room
    }
}

/// An element without parts.
fn plain(dtype: &Dtype, raw: &[u8]) -> Option<String> {
    match dtype {
        Dtype::Bool => Some(if *raw.first()? == 0 { "False" } else { "True" }.to_owned()),
        Dtype::Int(..) | Dtype::UInt(..) | Dtype::Quantized(..) => to_i128(dtype, raw).map(|int| int.to_string()),
        Dtype::Float(4, _) => to_f64(dtype, raw).map(|value| format_float(shortest(value as f32))),
        Dtype::Float(..) | Dtype::BFloat16 | Dtype::Float8(_) => to_f64(dtype, raw).map(format_float),
        Dtype::Complex(size, _) => {
            let (real, imaginary) = to_complex(dtype, raw)?;
            let parts = [real, imaginary].map(|part| if *size == 8 { shortest(part as f32) } else { part });
            let [real, imaginary] = parts;
            let sign = if imaginary.is_sign_negative() && !imaginary.is_nan() { "" } else { "+" };
            Some(format!("{}{sign}{}j", format_float(real), format_float(imaginary)))
        }
        Dtype::Bytes(_) => {
            let end = raw.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            Some(bytes(&raw[..end]))
        }
        Dtype::Str(_, order) => {
            let code = |four: &[u8]| {
                let four: [u8; 4] = four.try_into().ok()?;
                Some(match order {
                    ByteOrder::Little => u32::from_le_bytes(four),
                    ByteOrder::Big => u32::from_be_bytes(four),
                })
            };
            let mut codes: Vec<u32> = raw.chunks_exact(4).map_while(code).collect();
            let end = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last + 1);
            codes.truncate(end);
            let chars = codes.iter().map(|code| char::from_u32(*code).unwrap_or(char::REPLACEMENT_CHARACTER));
            let mut out = String::new();
            text::write_str_repr(&mut out, chars.collect::<String>().as_bytes()).ok()?;
            Some(out)
        }
        Dtype::DateTime(step, _) | Dtype::TimeDelta(step, _) => {
            let count = i64::try_from(to_i128(dtype, raw)?).ok()?;
            if count == i64::MIN {
                return Some("NaT".to_owned());
            }
            let unit = step.unit.code();
            let steps = i128::from(count) * i128::from(step.count);
            let date = match dtype {
                Dtype::DateTime(..) => i64::try_from(steps).ok().and_then(|count| time::since_1970(count, unit)),
                _ => None,
            };
            Some(date.unwrap_or_else(|| format!("{steps} {unit}")))
        }
        _ => None,
    }
}

fn bytes(raw: &[u8]) -> String {
    let mut out = String::new();
    // A `String` takes all that is written to it.
    let _ = text::write_bytes_repr(&mut out, raw);
    out
}

/// Bytes without a meaning, as NumPy writes them.
fn hex(raw: &[u8]) -> String {
    let mut out = String::from("b'");
    for byte in raw {
        out.push_str(&format!("\\x{byte:02x}"));
    }
    out.push('\'');
    out
}

/// A float32 as the float64 that is written with as few digits.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}
