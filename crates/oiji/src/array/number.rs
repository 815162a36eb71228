//! Numbers as arrays hold them: floats of all sizes to `f64`, ints to `i128`, and the Rust types that are elements as they
//! are.

use crate::array::dtype::{ByteOrder, Dtype, Float8};

/// The float or int that the bytes of an element are, as a float. Ints beyond 2^53 are rounded; of complex numbers nothing.
pub(crate) fn to_f64(dtype: &Dtype, raw: &[u8]) -> Option<f64> {
    match dtype {
        Dtype::Float(_, order) => float(raw, *order),
        Dtype::BFloat16 => Some(f64::from(f32::from_bits(u32::from(u16::from_le_bytes(raw.try_into().ok()?)) << 16))),
        Dtype::Float8(kind) => Some(float8(*kind, *raw.first()?)),
        _ => to_i128(dtype, raw).map(|int| int as f64),
    }
}

/// The int, bool or count of steps in time that the bytes of an element are.
pub(crate) fn to_i128(dtype: &Dtype, raw: &[u8]) -> Option<i128> {
    match dtype {
        Dtype::Bool => Some(i128::from(*raw.first()? != 0)),
        Dtype::Int(_, order) | Dtype::DateTime(_, order) | Dtype::TimeDelta(_, order) => int(raw, *order, true),
        Dtype::UInt(_, order) => int(raw, *order, false),
        Dtype::Quantized(name, _) => int(raw, ByteOrder::Little, !name.starts_with("quint")),
        _ => None,
    }
}

/// The parts of a complex number.
pub(crate) fn to_complex(dtype: &Dtype, raw: &[u8]) -> Option<(f64, f64)> {
    let Dtype::Complex(_, order) = dtype else { return None };
    let (real, imaginary) = raw.split_at(raw.len() / 2);
    Some((float(real, *order)?, float(imaginary, *order)?))
}

/// The bytes of a number, the lowest first, filled up to 16.
fn little(raw: &[u8], order: ByteOrder, fill: u8) -> Option<[u8; 16]> {
    let mut out = [fill; 16];
    let low = out.get_mut(..raw.len())?;
    low.copy_from_slice(raw);
    if order == ByteOrder::Big {
        low.reverse();
    }
    Some(out)
}

fn int(raw: &[u8], order: ByteOrder, is_signed: bool) -> Option<i128> {
    let highest = match order {
        ByteOrder::Little => raw.last(),
        ByteOrder::Big => raw.first(),
    };
    let is_negative = is_signed && highest? & 0x80 != 0;
    little(raw, order, if is_negative { 0xff } else { 0 }).map(i128::from_le_bytes)
}

/// A float of 2, 4, 8, 12 or 16 bytes.
pub(crate) fn float(raw: &[u8], order: ByteOrder) -> Option<f64> {
    let bytes = u128::from_le_bytes(little(raw, order, 0)?);
    match raw.len() {
        2 => Some(half(bytes as u16)),
        4 => Some(f64::from(f32::from_bits(bytes as u32))),
        8 => Some(f64::from_bits(bytes as u64)),
        12 | 16 => Some(extended(bytes as u64, (bytes >> 64) as u16)),
        _ => None,
    }
}

/// A float16.
pub(crate) fn half(bits: u16) -> f64 {
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

/// The extended float of x86: 64 bits of mantissa, the highest of them written out, below 15 of exponent and a sign.
/// `long double` of other machines (quads, pairs of doubles) has the same dtype, and nothing tells them apart.
fn extended(mantissa: u64, top: u16) -> f64 {
    let sign = if top & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(top & 0x7fff);
    if exponent == 0x7fff {
        return if mantissa << 1 == 0 { sign * f64::INFINITY } else { f64::NAN };
    }
    sign * scaled(mantissa as f64, exponent.max(1) - 16_383 - 63)
}

/// `value * 2^exponent`, by steps that a double has room for.
fn scaled(mut value: f64, mut exponent: i32) -> f64 {
    const STEP: i32 = 1000;
    while value != 0.0 && exponent.abs() > STEP && value.is_finite() {
        value *= 2_f64.powi(STEP * exponent.signum());
        exponent -= STEP * exponent.signum();
    }
    value * 2_f64.powi(exponent.clamp(-STEP, STEP))
}

fn float8(kind: Float8, bits: u8) -> f64 {
    let (mantissa_bits, bias) = match kind {
        Float8::E4M3Fn => (3, 7),
        Float8::E4M3Fnuz => (3, 8),
        Float8::E5M2 => (2, 15),
        Float8::E5M2Fnuz => (2, 16),
    };
    let is_nan = match kind {
        Float8::E4M3Fn => bits & 0x7f == 0x7f,
        Float8::E5M2 => bits & 0x7f > 0x7c,
        Float8::E4M3Fnuz | Float8::E5M2Fnuz => bits == 0x80,
    };
    if is_nan {
        return f64::NAN;
    }
    let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
    if kind == Float8::E5M2 && bits & 0x7f == 0x7c {
        return sign * f64::INFINITY;
    }
    let exponent = i32::from((bits & 0x7f) >> mantissa_bits);
    let fraction = f64::from(bits & ((1 << mantissa_bits) - 1)) / f64::from(1 << mantissa_bits);
    let size = match exponent {
        0 => fraction * 2_f64.powi(1 - bias),
        _ => (1.0 + fraction) * 2_f64.powi(exponent - bias),
    };
    sign * size
}

/// A Rust type that is the element of some dtype as it is.
///
/// For bools, ints, `f32` and `f64`; with the feature `ndarray` also for `half`'s floats and `num_complex::Complex`.
///
/// ```
/// use oiji::array::{Array, Element};
/// assert_eq!(f32::DTYPE.to_string(), "float32");
/// assert_eq!(Array::from_values(&[1_u8, 2], &[2])?.to_vec::<u8>()?, [1, 2]);
/// # Ok::<(), oiji::Error>(())
/// ```
pub trait Element: Copy + private::Sealed {
    /// Its dtype, little-endian.
    const DTYPE: Dtype;

    /// The value of as many bytes as the dtype has, the lowest of each number first; else the default.
    #[doc(hidden)]
    fn from_le(raw: &[u8]) -> Self;

    /// Adds its bytes, the lowest of each number first.
    #[doc(hidden)]
    fn write_le(self, out: &mut Vec<u8>);
}

pub(crate) mod private {
    /// Which types are elements is for this crate to say: their bytes are.
    pub trait Sealed {}
}

macro_rules! numbers {
    ($($type:ty => $dtype:expr;)*) => {$(
        impl private::Sealed for $type {}
        impl Element for $type {
            const DTYPE: Dtype = $dtype;

            #[inline]
            fn from_le(raw: &[u8]) -> Self {
                raw.try_into().map(<$type>::from_le_bytes).unwrap_or_default()
            }

            #[inline]
            fn write_le(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

numbers! {
    i8 => Dtype::Int(1, ByteOrder::Little);
    i16 => Dtype::Int(2, ByteOrder::Little);
    i32 => Dtype::Int(4, ByteOrder::Little);
    i64 => Dtype::Int(8, ByteOrder::Little);
    u8 => Dtype::UInt(1, ByteOrder::Little);
    u16 => Dtype::UInt(2, ByteOrder::Little);
    u32 => Dtype::UInt(4, ByteOrder::Little);
    u64 => Dtype::UInt(8, ByteOrder::Little);
    f32 => Dtype::Float(4, ByteOrder::Little);
    f64 => Dtype::Float(8, ByteOrder::Little);
}

#[cfg(feature = "ndarray")]
numbers! {
    half::f16 => Dtype::Float(2, ByteOrder::Little);
    half::bf16 => Dtype::BFloat16;
}

impl private::Sealed for bool {}
impl Element for bool {
    const DTYPE: Dtype = Dtype::Bool;

    fn from_le(raw: &[u8]) -> Self {
        raw.first().is_some_and(|byte| *byte != 0)
    }

    fn write_le(self, out: &mut Vec<u8>) {
        out.push(u8::from(self));
    }
}

#[cfg(feature = "ndarray")]
macro_rules! complex {
    ($($part:ty, $size:literal;)*) => {$(
        impl private::Sealed for num_complex::Complex<$part> {}
        impl Element for num_complex::Complex<$part> {
            const DTYPE: Dtype = Dtype::Complex($size, ByteOrder::Little);

            #[inline]
            fn from_le(raw: &[u8]) -> Self {
                let (re, im) = raw.split_at(raw.len() / 2);
                num_complex::Complex { re: Element::from_le(re), im: Element::from_le(im) }
            }

            #[inline]
            fn write_le(self, out: &mut Vec<u8>) {
                self.re.write_le(out);
                self.im.write_le(out);
            }
        }
    )*};
}

#[cfg(feature = "ndarray")]
complex! {
    f32, 8;
    f64, 16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_all_sizes_are_read() {
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xfbff), -65504.0);
        assert_eq!(half(0x0001), 2_f64.powi(-24));
        let one_and_a_half = [0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f, 0, 0, 0, 0, 0, 0];
        assert_eq!(float(&one_and_a_half, ByteOrder::Little), Some(1.5));
        assert_eq!(float(&one_and_a_half[..12], ByteOrder::Little), Some(1.5));
        assert_eq!(extended(0x8000_0000_0000_0000, 0x7fff), f64::INFINITY);
        assert_eq!(extended(0, 0x8000), 0.0);
        assert_eq!(extended(0xffff_ffff_ffff_ffff, 0x7ffe), f64::INFINITY);
        assert_eq!(extended(0x8000_0000_0000_0000, 16_383 - 1074), 5e-324);
    }

    #[test]
    fn floats_of_one_byte_are_read() {
        assert_eq!(float8(Float8::E4M3Fn, 0x7e), 448.0);
        assert!(float8(Float8::E4M3Fn, 0x7f).is_nan());
        assert_eq!(float8(Float8::E5M2, 0x7b), 57344.0);
        assert_eq!(float8(Float8::E5M2, 0xfc), f64::NEG_INFINITY);
        assert_eq!(float8(Float8::E4M3Fnuz, 0x7f), 240.0);
        assert_eq!(float8(Float8::E5M2Fnuz, 0x40), 1.0);
        assert!(float8(Float8::E4M3Fnuz, 0x80).is_nan());
    }

    #[test]
    fn ints_are_exact() {
        assert_eq!(int(&[0xff; 8], ByteOrder::Little, false), Some(i128::from(u64::MAX)));
        assert_eq!(int(&[0xff, 0xfe], ByteOrder::Big, true), Some(-2));
    }
}
