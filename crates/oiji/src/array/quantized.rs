//! Quantized tensors of torch: integers that stand for real numbers, `(integer - zero point) * scale`.
//!
//! The integers are the array; here is what they are read by, and what becomes of both together.

use std::borrow::Cow;
use std::fmt;

use crate::array::array::Array;
use crate::array::dtype::{ByteOrder, Dtype, bad};
use crate::array::tensor::unquantized;
use crate::error::Result;
use crate::graph::{Node, Value};

/// How the integers of a quantized tensor stand for real numbers.
///
/// ```
/// use oiji::archive::Archive;
/// # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
/// # let file = std::fs::read(format!("{corpus}/torch-1.13.0a0-py311/quant.pt"))?;
/// let tensor = Archive::open(&file)?.array("tensor")?;
/// assert_eq!(tensor.to_f64s()?, [0.0, 10.0, 20.0]);
/// assert_eq!(tensor.quantized().unwrap().to_string(), "scale 0.1, zero point 10");
/// assert_eq!(tensor.dequantized()?.to_f64s()?, [-1.0, 0.0, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Quantized<'a> {
    /// All of them alike.
    Tensor {
        /// What lies between two integers that follow one another.
        scale: f64,
        /// The integer that stands for zero.
        zero_point: i64,
    },
    /// Those at each index along an axis by numbers of their own.
    Channels {
        /// Which axis, the outermost counted as 0.
        axis: usize,
        /// A scale for each index.
        scales: Box<Array<'a>>,
        /// A zero point for each index; of some schemes they are floats.
        zero_points: Box<Array<'a>>,
    },
}

impl<'a> Quantized<'a> {
    /// What the fifth argument of `_rebuild_qtensor` says of a tensor of `shape`.
    ///
    /// # Errors
    /// `InvalidArray` if it says nothing that is known, or does not fit the shape.
    pub(crate) fn read(told: Value<'a>, shape: &[u64]) -> Result<Quantized<'a>> {
        let scheme = told.at(0)?.as_global()?.name();
        if scheme.starts_with("per_tensor") {
            let scale = match told.at(1)?.node() {
                Node::Int(scale) => scale as f64,
                _ => told.at(1)?.as_f64()?,
            };
            return Ok(Quantized::Tensor { scale, zero_point: told.at(2)?.as_i64()? });
        }
        let [scales, zero_points] = channels(told).ok_or_else(|| bad(format!("quantized by {scheme}")))?;
        let (scales, zero_points) = (unquantized(scales)?, unquantized(zero_points)?);
        let axis = told.at(3)?.as_i64().ok().and_then(|axis| usize::try_from(axis).ok());
        let axis = axis.filter(|axis| *axis < shape.len()).ok_or_else(|| bad("quantized along no axis of its own"))?;
        let wanted = [shape[axis]];
        if scales.shape() != wanted || zero_points.shape() != wanted {
            return Err(bad(format!(
                "{} scales and {} zero points for {}",
                scales.count(),
                zero_points.count(),
                wanted[0]
            )));
        }
        Ok(Quantized::Channels { axis, scales: scales.into(), zero_points: zero_points.into() })
    }

    /// As arrays, by name: `scale` and `zero_point`, or `scales`, `zero_points` and `axis`.
    ///
    /// # Errors
    /// None that is known.
    pub fn parts(&self) -> Result<Vec<(&'static str, Array<'a>)>> {
        Ok(match self {
            Quantized::Tensor { scale, zero_point } => vec![
                ("scale", Array::from_values(&[*scale], &[])?),
                ("zero_point", Array::from_values(&[*zero_point], &[])?),
            ],
            Quantized::Channels { axis, scales, zero_points } => vec![
                ("scales", Array::clone(scales)),
                ("zero_points", Array::clone(zero_points)),
                ("axis", Array::from_values(&[*axis as u64], &[])?),
            ],
        })
    }

    /// The same with other arrays for those it has.
    fn try_map<'b>(self, mut read: impl FnMut(Array<'a>) -> Result<Array<'b>>) -> Result<Quantized<'b>> {
        Ok(match self {
            Quantized::Tensor { scale, zero_point } => Quantized::Tensor { scale, zero_point },
            Quantized::Channels { axis, scales, zero_points } => {
                Quantized::Channels { axis, scales: read(*scales)?.into(), zero_points: read(*zero_points)?.into() }
            }
        })
    }

    /// The same for a tensor of so many axes, in opposite order.
    pub(crate) fn transposed(mut self, axes: usize) -> Self {
        if let Quantized::Channels { axis, .. } = &mut self {
            *axis = axes - 1 - *axis;
        }
        self
    }
}

impl fmt::Display for Quantized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantized::Tensor { scale, zero_point } => write!(f, "scale {scale}, zero point {zero_point}"),
            Quantized::Channels { axis, scales, zero_points } => {
                write!(f, "scales {}, zero points {} along axis {axis}", First(scales), First(zero_points))
            }
        }
    }
}

/// The first elements of an array, or how many there are where they stand elsewhere.
struct First<'a>(&'a Array<'a>);

impl fmt::Display for First<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 3;
        let mut texts = self.0.first_texts(MOST);
        if texts.is_empty() {
            return write!(f, "of {}", self.0.count());
        }
        if self.0.count() > MOST as u64 {
            texts.push("…".to_owned());
        }
        write!(f, "[{}]", texts.join(", "))
    }
}

/// The tensors of scales and of zero points that a quantized tensor has, each for itself in the pickle.
#[cfg(feature = "archive")]
pub(crate) fn channel_values(tensor: Value<'_>) -> Option<[Value<'_>; 2]> {
    let mut call = tensor.as_object().ok()?;
    if call.class_name()?.name().starts_with("_rebuild_parameter") {
        call = call.args().at(0).ok()?.as_object().ok()?;
    }
    let is_one = call.class_name()?.is("torch._utils", "_rebuild_qtensor");
    is_one.then(|| channels(call.args().at(4).ok()?)).flatten()
}

/// The second and third of `(scheme, scales, zero_points, axis)`.
fn channels(told: Value<'_>) -> Option<[Value<'_>; 2]> {
    told.at(0).ok()?.as_global().ok().filter(|scheme| scheme.name().starts_with("per_channel"))?;
    Some([told.at(1).ok()?, told.at(2).ok()?])
}

/// The elements of a storage, a byte for each: of some types torch puts several into one, the lowest bits first.
pub(crate) fn unpacked<'a>(dtype: &Dtype, bytes: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    let count = dtype.packed();
    if count == 1 {
        return bytes;
    }
    let width = 8 / count;
    let elements = bytes.iter().flat_map(|byte| (0..count).map(move |at| byte >> (at * width) & (0xff >> (8 - width))));
    Cow::Owned(elements.collect())
}

impl<'a> Array<'a> {
    /// How its integers stand for real numbers, if it is a quantized tensor.
    pub fn quantized(&self) -> Option<&Quantized<'a>> {
        self.quantized.as_ref()
    }

    /// The integers of a quantized tensor, as a tensor that is not quantized; any other as it is.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_integers(&self) -> Result<Array<'a>> {
        let order = ByteOrder::Little;
        let dtype = match self.dtype() {
            Dtype::Quantized("quint8" | "quint4x2" | "quint2x4", _) => Dtype::UInt(1, order),
            Dtype::Quantized(_, size) => Dtype::Int(*size, order),
            _ => return Ok(self.clone()),
        };
        let mut array = Array::new(dtype, self.shape(), self.layout().clone(), self.data().clone())?;
        array.is_tensor = self.is_tensor;
        Ok(array)
    }

    /// The real numbers that a quantized tensor stands for, as float32; of any other its elements.
    ///
    /// # Errors
    /// As for [`Array::numbers`].
    pub fn dequantized(&self) -> Result<Array<'static>> {
        let values: Vec<f32> = match self.quantized() {
            None => return self.to_float32(),
            Some(Quantized::Tensor { scale, zero_point }) => {
                // As torch reckons it: here in floats of this size, below in doubles, which it makes shorter at the end.
                let real = |int: f64| (int - *zero_point as f64) as f32 * *scale as f32;
                self.numbers()?.map(|int| real(int.to_f64())).collect()
            }
            Some(Quantized::Channels { axis, scales, zero_points }) => {
                let (scales, zero_points) = (scales.to_f64s()?, zero_points.to_f64s()?);
                let inner =
                    self.shape()[axis + 1..].iter().fold(1_u64, |inner, axis| inner.saturating_mul((*axis).max(1)));
                let channel = |index: usize| (index as u64 / inner) as usize % scales.len().max(1);
                let ints = self.numbers()?.enumerate();
                let real = |at: usize, int: f64| ((int - zero_points[at]) * scales[at]) as f32;
                ints.map(|(index, int)| real(channel(index), int.to_f64())).collect()
            }
        };
        Array::from_values(&values, self.shape())
    }

    /// What `read` makes of it, with what it makes of the arrays by which it is quantized.
    pub(crate) fn with_parts<'b>(mut self, read: impl Fn(Array<'a>) -> Result<Array<'b>>) -> Result<Array<'b>> {
        let quantized = self.quantized.take();
        let mut array = read(self)?;
        array.quantized = quantized.map(|quantized| quantized.try_map(&read)).transpose()?;
        Ok(array)
    }
}
