//! Dtypes: what one element of an array is, how many bytes it takes, and its names.
//!
//! `descr` reads and writes the form that `.npy` headers have, `pickled` the one in pickles.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// The type of an array's elements.
///
/// ```
/// use oiji::array::Dtype;
/// let dtype: Dtype = ">f8".parse()?;
/// assert_eq!((dtype.size(), dtype.to_string().as_str()), (8, ">f8"));
/// assert_eq!("<M8[25s]".parse::<Dtype>()?.to_string(), "datetime64[25s]");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dtype {
    /// A bool, one byte.
    Bool,
    /// A signed int of 1, 2, 4 or 8 bytes.
    Int(u8, ByteOrder),
    /// An unsigned int of 1, 2, 4 or 8 bytes.
    UInt(u8, ByteOrder),
    /// A float of 2, 4 or 8 bytes, or C's `long double` in 12 or 16 as x86 has it: ten bytes and padding.
    Float(u8, ByteOrder),
    /// Two floats of half the size each: 8 or 16 bytes, or 24 or 32.
    Complex(u8, ByteOrder),
    /// The upper half of a float32, little-endian. NumPy has none, torch does.
    BFloat16,
    /// A float of one byte. NumPy has none, torch does.
    Float8(Float8),
    /// So many bytes, zeros at the end not counted (`S`).
    Bytes(u64),
    /// So many code points of four bytes each, zeros at the end not counted (`U`).
    Str(u64, ByteOrder),
    /// So many bytes without a meaning (`V`).
    Void(u64),
    /// A count of steps since 1970 in eight bytes (`M8`). The least one is `NaT`.
    DateTime(TimeUnit, ByteOrder),
    /// A count of steps in eight bytes (`m8`). The least one is `NaT`.
    TimeDelta(TimeUnit, ByteOrder),
    /// A Python object.
    Object,
    /// A str of any length: `numpy.dtypes.StringDType`. Only pickles hold arrays of these, as lists.
    String,
    /// Named fields.
    Record(Record),
    /// An array of another type in each element.
    SubArray(SubArray),
    /// A type of torch whose elements mean something only with a scale that stands elsewhere: `qint8`, and its bytes.
    Quantized(&'static str, u8),
}

/// Which byte of a number comes first. Types of one byte are called little-endian.
///
/// ```
/// use oiji::array::{ByteOrder, Dtype};
/// assert_eq!(">i2".parse::<Dtype>()?, Dtype::Int(2, ByteOrder::Big));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The lowest.
    #[default]
    Little,
    /// The highest.
    Big,
}

/// The kinds of floats of one byte, by the bits of exponent and mantissa.
///
/// ```
/// use oiji::array::{Dtype, Float8};
/// assert_eq!(Dtype::Float8(Float8::E5M2).to_string(), "float8_e5m2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Float8 {
    /// Without infinities; all ones is NaN.
    E4M3Fn,
    /// The same with a bias of 8 and no negative zero, which is NaN.
    E4M3Fnuz,
    /// As IEEE would have it.
    E5M2,
    /// Without infinities, with a bias of 16 and no negative zero, which is NaN.
    E5M2Fnuz,
}

/// The step of times: so many of a unit.
///
/// ```
/// use oiji::array::{Dtype, TimeUnit, Unit};
/// let Dtype::DateTime(step, _) = "<M8[25s]".parse()? else { panic!() };
/// assert_eq!(step, TimeUnit { count: 25, unit: Unit::Second });
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeUnit {
    /// How many of the unit one step is.
    pub count: u32,
    /// The unit.
    pub unit: Unit,
}

/// A unit of time.
///
/// ```
/// use oiji::array::Unit;
/// assert_eq!(Unit::Nanosecond.code(), "ns");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Unit {
    /// None yet: what `NaT` alone has.
    Generic,
    Year,
    Month,
    Week,
    /// Of old files alone.
    BusinessDay,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Picosecond,
    Femtosecond,
    Attosecond,
}

/// The fields of a structured type, and the bytes they and what is between them take.
///
/// ```
/// use oiji::array::{Dtype, Field, Record};
/// let record = Record::packed([("x", "<f8".parse()?), ("n", "<i4".parse()?)])?;
/// assert_eq!((record.size(), record.field("n").map(|field| field.offset)), (12, Some(8)));
/// assert_eq!(Dtype::Record(record).to_string(), "{x: float64, n: int32}");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record(Arc<RecordData>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct RecordData {
    fields: Vec<Field>,
    size: u64,
    is_aligned: bool,
    weight: Weight,
}

/// A field of a structured type.
///
/// ```
/// use oiji::array::{Dtype, Field};
/// let field = Field { name: "x".to_owned(), title: None, dtype: Dtype::Bool, offset: 0 };
/// assert_eq!(field.dtype.size(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// A second name.
    pub title: Option<String>,
    /// What is in it.
    pub dtype: Dtype,
    /// Bytes from the start of the element.
    pub offset: u64,
}

/// An array in each element.
///
/// ```
/// use oiji::array::{Dtype, SubArray};
/// let matrix = Dtype::SubArray(SubArray::new("<f4".parse()?, vec![2, 2])?);
/// assert_eq!((matrix.size(), matrix.to_string().as_str()), (16, "(2, 2)float32"));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubArray(Arc<SubArrayData>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct SubArrayData {
    dtype: Dtype,
    shape: Vec<u64>,
    size: u64,
    weight: Weight,
}

/// How much work a type is to walk over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Weight {
    /// Levels of records and sub-arrays.
    depth: u32,
    /// Types in it, counted as often as they are met.
    count: u32,
}

/// Levels that records and sub-arrays may nest: what walks over a type goes down Rust's own stack.
pub(crate) const DEPTH: u32 = 64;
/// Types in a type: a pickle can name one twice in each of 64 levels.
const COUNT: u32 = 1 << 16;
/// Bytes of an element at most; more fits into no memory, and sums of two still fit into an integer.
const SIZE: u64 = 1 << 60;
/// Axes that NumPy and torch have at most.
pub(crate) const AXES: usize = 64;

impl Dtype {
    /// Bytes of one element. A pointer stands for an object, and 16 bytes for a str of any length, as in NumPy's memory.
    pub fn size(&self) -> u64 {
        match self {
            Dtype::Bool | Dtype::Float8(_) => 1,
            Dtype::BFloat16 => 2,
            Dtype::Int(size, _) | Dtype::UInt(size, _) | Dtype::Float(size, _) | Dtype::Complex(size, _) => {
                u64::from(*size)
            }
            Dtype::Bytes(len) | Dtype::Void(len) => *len,
            Dtype::Str(len, _) => 4 * len,
            Dtype::DateTime(..) | Dtype::TimeDelta(..) | Dtype::Object => 8,
            Dtype::String => 16,
            Dtype::Record(record) => record.size(),
            Dtype::SubArray(sub) => sub.0.size,
            Dtype::Quantized(_, size) => u64::from(*size),
        }
    }

    /// The ints that NumPy, torch and Arrow call alike, by that name: `uint16`.
    pub(crate) fn int_named(name: &str) -> Option<Dtype> {
        let order = ByteOrder::Little;
        Some(match name {
            "int8" => Dtype::Int(1, order),
            "int16" => Dtype::Int(2, order),
            "int32" => Dtype::Int(4, order),
            "int64" => Dtype::Int(8, order),
            "uint8" => Dtype::UInt(1, order),
            "uint16" => Dtype::UInt(2, order),
            "uint32" => Dtype::UInt(4, order),
            "uint64" => Dtype::UInt(8, order),
            _ => return None,
        })
    }

    /// How many elements torch puts into one byte of a storage. Here each has a byte of its own.
    pub(crate) fn packed(&self) -> u32 {
        match self {
            Dtype::Quantized("quint4x2", _) => 2,
            Dtype::Quantized("quint2x4", _) => 4,
            _ => 1,
        }
    }

    /// Whether elements are, or hold, Python objects: then they have no bytes of their own.
    pub fn has_objects(&self) -> bool {
        match self {
            Dtype::Object | Dtype::String => true,
            Dtype::Record(record) => record.fields().iter().any(|field| field.dtype.has_objects()),
            Dtype::SubArray(sub) => sub.dtype().has_objects(),
            _ => false,
        }
    }

    /// The order of bytes in the numbers it is made of; of records and bytes none.
    pub fn byte_order(&self) -> Option<ByteOrder> {
        match self {
            Dtype::Int(_, order)
            | Dtype::UInt(_, order)
            | Dtype::Float(_, order)
            | Dtype::Complex(_, order)
            | Dtype::Str(_, order)
            | Dtype::DateTime(_, order)
            | Dtype::TimeDelta(_, order) => Some(*order),
            Dtype::BFloat16 => Some(ByteOrder::Little),
            Dtype::SubArray(sub) => sub.dtype().byte_order(),
            _ => None,
        }
    }

    /// The same type with this order of bytes in all its numbers.
    #[must_use]
    pub fn with_byte_order(&self, order: ByteOrder) -> Dtype {
        let of = |size: u8| if size == 1 { ByteOrder::Little } else { order };
        match self {
            Dtype::Int(size, _) => Dtype::Int(*size, of(*size)),
            Dtype::UInt(size, _) => Dtype::UInt(*size, of(*size)),
            Dtype::Float(size, _) => Dtype::Float(*size, order),
            Dtype::Complex(size, _) => Dtype::Complex(*size, order),
            Dtype::Str(len, _) => Dtype::Str(*len, order),
            Dtype::DateTime(unit, _) => Dtype::DateTime(*unit, order),
            Dtype::TimeDelta(unit, _) => Dtype::TimeDelta(*unit, order),
            Dtype::Record(record) => {
                let field = |field: &Field| Field { dtype: field.dtype.with_byte_order(order), ..field.clone() };
                let fields = record.fields().iter().map(field).collect();
                Dtype::Record(Record(Arc::new(RecordData {
                    fields,
                    size: record.0.size,
                    is_aligned: record.0.is_aligned,
                    weight: record.0.weight,
                })))
            }
            Dtype::SubArray(sub) => Dtype::SubArray(SubArray(Arc::new(SubArrayData {
                dtype: sub.0.dtype.with_byte_order(order),
                shape: sub.0.shape.clone(),
                size: sub.0.size,
                weight: sub.0.weight,
            }))),
            _ => self.clone(),
        }
    }

    /// Whether elements are numbers, or bools.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Dtype::Bool
                | Dtype::Int(..)
                | Dtype::UInt(..)
                | Dtype::Float(..)
                | Dtype::Complex(..)
                | Dtype::BFloat16
                | Dtype::Float8(_)
        )
    }

    /// What structs of C would be aligned to for it, in bytes.
    pub fn alignment(&self) -> u64 {
        match self {
            Dtype::Bool | Dtype::Float8(_) | Dtype::Bytes(_) | Dtype::Void(_) | Dtype::Quantized(..) => 1,
            Dtype::BFloat16 => 2,
            Dtype::Int(size, _) | Dtype::UInt(size, _) => u64::from(*size),
            // The 12 bytes of 32-bit x86 are aligned to four.
            Dtype::Float(12, _) | Dtype::Complex(24, _) | Dtype::Str(..) => 4,
            Dtype::Float(size, _) => u64::from(*size),
            Dtype::Complex(size, _) => u64::from(*size) / 2,
            Dtype::DateTime(..) | Dtype::TimeDelta(..) | Dtype::Object | Dtype::String => 8,
            Dtype::Record(record) if record.is_aligned() => {
                record.fields().iter().map(|field| field.dtype.alignment()).max().unwrap_or(1)
            }
            Dtype::Record(_) => 1,
            Dtype::SubArray(sub) => sub.dtype().alignment(),
        }
    }

    fn weight(&self) -> Weight {
        match self {
            Dtype::Record(record) => record.0.weight,
            Dtype::SubArray(sub) => sub.0.weight,
            _ => Weight { depth: 0, count: 1 },
        }
    }
}

/// The weight of what holds `parts`.
fn weight<'d>(parts: impl Iterator<Item = &'d Dtype>) -> Result<Weight> {
    let mut total = Weight { depth: 0, count: 1 };
    for part in parts {
        let part = part.weight();
        total.depth = total.depth.max(part.depth);
        total.count = total.count.saturating_add(part.count);
    }
    total.depth += 1;
    if total.depth > DEPTH {
        return Err(bad(format!("a dtype of more than {DEPTH} levels")));
    }
    if total.count > COUNT {
        return Err(bad(format!("a dtype of more than {COUNT} parts")));
    }
    Ok(total)
}

impl Record {
    /// Fields at their offsets, in an element of `size` bytes. `is_aligned` tells that they stand as in a struct of C.
    ///
    /// # Errors
    /// `InvalidArray` for a field that ends past the element, two of one name, and more than 64 levels.
    pub fn new(fields: Vec<Field>, size: u64, is_aligned: bool) -> Result<Record> {
        if size > SIZE {
            return Err(bad(format!("an element of {size} bytes")));
        }
        for field in &fields {
            let end = field.offset.checked_add(field.dtype.size());
            if end.is_none_or(|end| end > size) {
                return Err(bad(format!("field {:?} at {} in an element of {size} bytes", field.name, field.offset)));
            }
        }
        let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(bad(format!("two fields {:?}", pair[0])));
        }
        let weight = weight(fields.iter().map(|field| &field.dtype))?;
        Ok(Record(Arc::new(RecordData { fields, size, is_aligned, weight })))
    }

    /// Fields one after another, with nothing between.
    ///
    /// # Errors
    /// As for [`Record::new`].
    pub fn packed<N: Into<String>>(fields: impl IntoIterator<Item = (N, Dtype)>) -> Result<Record> {
        let mut size = 0_u64;
        let mut placed = Vec::new();
        for (name, dtype) in fields {
            let offset = size;
            size = size.saturating_add(dtype.size());
            placed.push(Field { name: name.into(), title: None, dtype, offset });
        }
        Record::new(placed, size, false)
    }

    /// The fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.0.fields.iter().find(|field| field.name == name)
    }

    /// Bytes of one element, padding included.
    pub fn size(&self) -> u64 {
        self.0.size
    }

    /// Whether fields stand as in a struct of C.
    pub fn is_aligned(&self) -> bool {
        self.0.is_aligned
    }
}

impl SubArray {
    /// Elements of `dtype` in C order; `shape` in elements, outermost first.
    ///
    /// # Errors
    /// `InvalidArray` for a size that nothing has, and for more than 64 levels or axes.
    pub fn new(dtype: Dtype, shape: Vec<u64>) -> Result<SubArray> {
        if shape.len() > AXES {
            return Err(bad(format!("{} axes", shape.len())));
        }
        let size = count(&shape).and_then(|count| count.checked_mul(dtype.size())).filter(|size| *size <= SIZE);
        let Some(size) = size else {
            return Err(bad(format!("elements of shape {}", shape_text(&shape))));
        };
        let weight = weight(std::iter::once(&dtype))?;
        Ok(SubArray(Arc::new(SubArrayData { dtype, shape, size, weight })))
    }

    /// The type of its elements.
    pub fn dtype(&self) -> &Dtype {
        &self.0.dtype
    }

    /// `shape` in elements, outermost first.
    pub fn shape(&self) -> &[u64] {
        &self.0.shape
    }
}

impl Unit {
    const ALL: [(Unit, &'static str); 15] = [
        (Unit::Generic, "generic"),
        (Unit::Year, "Y"),
        (Unit::Month, "M"),
        (Unit::Week, "W"),
        (Unit::BusinessDay, "B"),
        (Unit::Day, "D"),
        (Unit::Hour, "h"),
        (Unit::Minute, "m"),
        (Unit::Second, "s"),
        (Unit::Millisecond, "ms"),
        (Unit::Microsecond, "us"),
        (Unit::Nanosecond, "ns"),
        (Unit::Picosecond, "ps"),
        (Unit::Femtosecond, "fs"),
        (Unit::Attosecond, "as"),
    ];

    /// As NumPy writes it in brackets: `ns`.
    pub fn code(self) -> &'static str {
        Unit::ALL.iter().find(|(unit, _)| *unit == self).map_or("generic", |(_, code)| code)
    }

    pub(crate) fn of(code: &str) -> Option<Unit> {
        Unit::ALL.iter().find(|(_, other)| *other == code).map(|(unit, _)| *unit)
    }
}

impl fmt::Display for TimeUnit {
    /// `25s`, `ns`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => f.write_str(self.unit.code()),
            count => write!(f, "{count}{}", self.unit.code()),
        }
    }
}

impl Float8 {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Float8::E4M3Fn => "float8_e4m3fn",
            Float8::E4M3Fnuz => "float8_e4m3fnuz",
            Float8::E5M2 => "float8_e5m2",
            Float8::E5M2Fnuz => "float8_e5m2fnuz",
        }
    }
}

impl fmt::Display for Dtype {
    /// As people write it: `float64`, `>f8`, `<U5`, `datetime64[ns]`, `{x: float64, y: int32}`. Of many fields only the first
    /// are told; nothing is told of fields in fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Fields named before the rest is left out.
        const FEW: usize = 4;
        match self {
            Dtype::Bool => f.write_str("bool"),
            Dtype::Int(size, ByteOrder::Little) => write!(f, "int{}", 8 * size),
            Dtype::Int(size, ByteOrder::Big) => write!(f, ">i{size}"),
            Dtype::UInt(size, ByteOrder::Little) => write!(f, "uint{}", 8 * size),
            Dtype::UInt(size, ByteOrder::Big) => write!(f, ">u{size}"),
            Dtype::Float(size, ByteOrder::Little) => write!(f, "float{}", 8 * u32::from(*size)),
            Dtype::Float(size, ByteOrder::Big) => write!(f, ">f{size}"),
            Dtype::Complex(size, ByteOrder::Little) => write!(f, "complex{}", 8 * u32::from(*size)),
            Dtype::Complex(size, ByteOrder::Big) => write!(f, ">c{size}"),
            Dtype::BFloat16 => f.write_str("bfloat16"),
            Dtype::Float8(float) => f.write_str(float.name()),
            Dtype::Bytes(len) => write!(f, "S{len}"),
            Dtype::Str(len, order) => write!(f, "{}U{len}", order.mark()),
            Dtype::Void(len) => write!(f, "void{}", 8 * u128::from(*len)),
            Dtype::DateTime(unit, _) => time_name(f, "datetime64", *unit),
            Dtype::TimeDelta(unit, _) => time_name(f, "timedelta64", *unit),
            Dtype::Object => f.write_str("object"),
            Dtype::String => f.write_str("StringDType"),
            Dtype::Quantized(name, _) => f.write_str(name),
            Dtype::SubArray(sub) => {
                write!(f, "{}", shape_text(sub.shape()))?;
                inner_name(f, sub.dtype())
            }
            Dtype::Record(record) => {
                let fields = record.fields();
                let shown = if fields.len() <= FEW { FEW } else { 2 };
                f.write_str("{")?;
                for (index, field) in fields.iter().take(shown).enumerate() {
                    write!(f, "{}{}: ", if index > 0 { ", " } else { "" }, field.name)?;
                    match &field.dtype {
                        Dtype::SubArray(sub) => {
                            write!(f, "{}", shape_text(sub.shape()))?;
                            inner_name(f, sub.dtype())?;
                        }
                        dtype => inner_name(f, dtype)?,
                    }
                }
                if fields.len() > shown {
                    write!(f, ", … {} more", fields.len() - shown)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The name of a type inside another one.
fn inner_name(f: &mut fmt::Formatter<'_>, dtype: &Dtype) -> fmt::Result {
    match dtype {
        Dtype::Record(_) | Dtype::SubArray(_) => write!(f, "V{}", dtype.size()),
        _ => write!(f, "{dtype}"),
    }
}

fn time_name(f: &mut fmt::Formatter<'_>, base: &str, unit: TimeUnit) -> fmt::Result {
    match unit.unit {
        Unit::Generic => f.write_str(base),
        _ => write!(f, "{base}[{unit}]"),
    }
}

impl ByteOrder {
    /// As NumPy marks it.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            ByteOrder::Little => "<",
            ByteOrder::Big => ">",
        }
    }
}

/// How many elements a shape has, if that many can be.
pub(crate) fn count(shape: &[u64]) -> Option<u64> {
    // A zero anywhere makes it empty, whatever the rest says.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |count, axis| count.checked_mul(*axis))
}

/// A shape as Python writes it: `(150, 4)`, `(3,)`.
pub(crate) fn shape_text(shape: &[u64]) -> String {
    let axes: Vec<_> = shape.iter().map(u64::to_string).collect();
    if axes.len() == 1 { format!("({},)", axes[0]) } else { format!("({})", axes.join(", ")) }
}

/// An array, or a dtype, that cannot be.
#[cold]
pub(crate) fn bad(problem: impl Into<String>) -> Error {
    ErrorKind::InvalidArray { problem: problem.into() }.into()
}
