//! `array.array`: numbers or text of one type, as bytes from protocol 3 on and as a list below.

use num_bigint::BigInt;

use crate::class::atoms::text;
use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_class;
use crate::class::stdlib::call::Callable;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Items, Made, Node, Value};

const ARRAY: Callable = Callable { shown: "array.array", modules: &["array"], name: "array" };
const RECONSTRUCTOR: Callable = Callable { name: "_array_reconstructor", ..ARRAY };

/// An `array.array`: its typecode and its items.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::{Array, ArrayItems}};
/// // pickle.dumps(array.array('h', [1, -2]), 3)
/// let bytes = b"\x80\x03carray\n_array_reconstructor\nq\x00(carray\narray\nq\x01X\x01\x00\x00\x00hq\x02K\x04C\x04\x01\x00\xfe\xffq\x03tq\x04Rq\x05.";
/// let array = Array::loads(bytes)?;
/// assert_eq!(array, Array::new('h', vec![1_i64, -2])?);
/// assert_eq!((array.typecode(), array.items()), ('h', &ArrayItems::Signed(vec![1, -2])));
/// assert_eq!(Array::loads(&array.dumps()?)?, array);
/// assert_eq!(Array::new('b', vec![300_i64]).unwrap_err().to_string(), "expected items of typecode 'b', found 300");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    typecode: char,
    items: ArrayItems,
}

/// What is in an [`Array`].
///
/// ```
/// use oiji::class::stdlib::ArrayItems;
/// assert_eq!(ArrayItems::from(vec![1.5, 2.5]).len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ArrayItems {
    /// Of typecodes `b`, `h`, `i`, `l`, `q`.
    Signed(Vec<i64>),
    /// Of typecodes `B`, `H`, `I`, `L`, `Q`.
    Unsigned(Vec<u64>),
    /// Of typecodes `f` and `d`.
    Floats(Vec<f64>),
    /// Of typecodes `u` and `w`, which is of Python 3.13.
    Text(String),
    /// Of typecode `c`, which is of Python 2 alone.
    Chars(Vec<u8>),
}

impl ArrayItems {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            ArrayItems::Signed(items) => items.len(),
            ArrayItems::Unsigned(items) => items.len(),
            ArrayItems::Floats(items) => items.len(),
            ArrayItems::Text(text) => text.chars().count(),
            ArrayItems::Chars(items) => items.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! items {
    ($($kind:ident $type:ty;)*) => {$(
        impl From<$type> for ArrayItems {
            fn from(items: $type) -> Self {
                ArrayItems::$kind(items)
            }
        }
    )*};
}

items! {
    Signed Vec<i64>;
    Unsigned Vec<u64>;
    Floats Vec<f64>;
    Text String;
}

impl Array {
    /// An array of these. Floats of typecode `f` are rounded to what that holds.
    ///
    /// # Errors
    /// A message for a typecode that there is not, or for items that are not of it.
    pub fn new(typecode: char, items: impl Into<ArrayItems>) -> Result<Self> {
        let mut items = items.into();
        match (Type::of(typecode)?, &mut items) {
            (Type::Signed(size), ArrayItems::Signed(items)) => {
                let highest = i64::MAX >> (64 - 8 * size);
                check(typecode, items.iter().find(|item| **item > highest || **item < -highest - 1))?;
            }
            (Type::Unsigned(size), ArrayItems::Unsigned(items)) => {
                let highest = u64::MAX >> (64 - 8 * size);
                check(typecode, items.iter().find(|item| **item > highest))?;
            }
            (Type::Float(size), ArrayItems::Floats(items)) => {
                if size == 4 {
                    items.iter_mut().for_each(|item| *item = f64::from(*item as f32));
                }
            }
            (Type::Text, ArrayItems::Text(_)) | (Type::Chars, ArrayItems::Chars(_)) => {}
            _ => return Err(Error::message(format!("expected items of typecode {typecode:?}, found others"))),
        }
        Ok(Array { typecode, items })
    }

    /// The letter that says the type of the items.
    pub fn typecode(&self) -> char {
        self.typecode
    }

    /// What is in it.
    pub fn items(&self) -> &ArrayItems {
        &self.items
    }

    /// What is in it, alone.
    pub fn into_items(self) -> ArrayItems {
        self.items
    }
}

fn check(typecode: char, wrong: Option<&impl ToString>) -> Result<()> {
    match wrong {
        None => Ok(()),
        Some(item) => {
            Err(Error::message(format!("expected items of typecode {typecode:?}, found {}", item.to_string())))
        }
    }
}

/// What a typecode stands for; numbers with their size in bytes, where `long` has eight.
#[derive(Clone, Copy)]
enum Type {
    Signed(usize),
    Unsigned(usize),
    Float(usize),
    Text,
    Chars,
}

impl Type {
    fn of(typecode: char) -> Result<Type> {
        Ok(match typecode {
            'b' => Type::Signed(1),
            'h' => Type::Signed(2),
            'i' => Type::Signed(4),
            'l' | 'q' => Type::Signed(8),
            'B' => Type::Unsigned(1),
            'H' => Type::Unsigned(2),
            'I' => Type::Unsigned(4),
            'L' | 'Q' => Type::Unsigned(8),
            'f' => Type::Float(4),
            'd' => Type::Float(8),
            'u' | 'w' => Type::Text,
            'c' => Type::Chars,
            _ => return Err(Error::message(format!("expected a typecode of array.array, found {typecode:?}"))),
        })
    }
}

impl Pickle for Array {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        /// The first protocol in which Python writes bytes.
        const BYTES_PROTOCOL: u8 = 3;
        if to.protocol() < BYTES_PROTOCOL { self.pickle_list(to) } else { self.pickle_bytes(to) }
    }
}

impl Array {
    fn pickle_list(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let items: Vec<Id> = match &self.items {
            ArrayItems::Signed(items) => items.iter().map(|item| to.graph.add_int(*item)).collect::<Result<_>>()?,
            ArrayItems::Unsigned(items) => items.iter().map(|item| item.pickle(to)).collect::<Result<_>>()?,
            ArrayItems::Floats(items) => items.iter().map(|item| to.graph.add_float(*item)).collect::<Result<_>>()?,
            ArrayItems::Text(text) => text.chars().map(|char| char.pickle(to)).collect::<Result<_>>()?,
            ArrayItems::Chars(items) => {
                items.iter().map(|item| to.graph.add_py2_str(&[*item])).collect::<Result<_>>()?
            }
        };
        let list = to.graph.add_list(&items)?;
        let typecode = self.typecode.pickle(to)?;
        self.call(&[typecode, list], "array", to)
    }

    fn pickle_bytes(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let (format, bytes) = match (Type::of(self.typecode)?, &self.items) {
            (Type::Signed(size), ArrayItems::Signed(items)) => (
                Format::signed(size),
                items.iter().flat_map(|item| item.to_le_bytes().into_iter().take(size)).collect(),
            ),
            (Type::Unsigned(size), ArrayItems::Unsigned(items)) => (
                Format::unsigned(size),
                items.iter().flat_map(|item| item.to_le_bytes().into_iter().take(size)).collect(),
            ),
            (Type::Float(4), ArrayItems::Floats(items)) => {
                (Format(14), items.iter().flat_map(|item| (*item as f32).to_le_bytes()).collect())
            }
            (_, ArrayItems::Floats(items)) => (Format(16), items.iter().flat_map(|item| item.to_le_bytes()).collect()),
            (_, ArrayItems::Text(text)) => {
                (Format(20), text.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect::<Vec<u8>>())
            }
            _ => return Err(Error::message("only Python 2 has arrays of typecode 'c'; write them in protocol 2")),
        };
        let class = to.global("array", "array")?;
        let typecode = self.typecode.pickle(to)?;
        let format = to.graph.add_int(format.0)?;
        let bytes = to.graph.add_bytes(&bytes)?;
        self.call(&[class, typecode, format, bytes], "_array_reconstructor", to)
    }

    fn call(&self, args: &[Id], name: &'static str, to: &mut Pickling<'_>) -> Result<Id> {
        let callable = to.global("array", name)?;
        let args = to.graph.add_tuple(args)?;
        let id = to.graph.add_object(Made::Call, callable, args, None)?;
        to.made(id);
        Ok(id)
    }
}

impl Unpickle for Array {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        if RECONSTRUCTOR.made(value) {
            return from_bytes(value);
        }
        if !ARRAY.made(value) {
            return Err(wrong_class(value, ARRAY.shown));
        }
        let args = ARRAY.args(value)?;
        let (Some(code), true) = (args.get(0), args.len() <= 2) else { return Err(ARRAY.wrong_args(value)) };
        let typecode = typecode(code)?;
        let items = match args.get(1) {
            Some(items) => items,
            None => return Array::new(typecode, empty(Type::of(typecode)?)),
        };
        match (items.node(), Type::of(typecode)?) {
            (Node::List(items) | Node::Tuple(items), _) => from_items(typecode, items),
            (Node::Str(_), Type::Text) => Array::new(typecode, text(items)?.to_owned()),
            // As Python before 2.7 and 3.2 wrote them, on most machines; a `long` has no size of its own.
            (Node::Bytes(bytes) | Node::Py2Str(bytes), kind) if !matches!(typecode, 'l' | 'L') => {
                let format = match kind {
                    Type::Signed(size) => Format::signed(size),
                    Type::Unsigned(size) => Format::unsigned(size),
                    Type::Float(4) => Format(14),
                    Type::Float(_) => Format(16),
                    Type::Chars => return Array::new(typecode, ArrayItems::Chars(bytes.to_vec())),
                    Type::Text => return Err(ARRAY.wrong_args(value)),
                };
                Array::new(typecode, format.decode(bytes)?)
            }
            _ => Err(ARRAY.wrong_args(value)),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        ARRAY.made(value) || RECONSTRUCTOR.made(value)
    }
}

fn typecode(value: Value<'_>) -> Result<char> {
    let mut chars = text(value)?.chars();
    match (chars.next(), chars.next()) {
        (Some(char), None) => Ok(char),
        _ => Err(Error::message("expected a typecode of one letter")),
    }
}

fn empty(kind: Type) -> ArrayItems {
    match kind {
        Type::Signed(_) => ArrayItems::Signed(Vec::new()),
        Type::Unsigned(_) => ArrayItems::Unsigned(Vec::new()),
        Type::Float(_) => ArrayItems::Floats(Vec::new()),
        Type::Text => ArrayItems::Text(String::new()),
        Type::Chars => ArrayItems::Chars(Vec::new()),
    }
}

/// `array(typecode, [item, …])`.
fn from_items(typecode: char, items: Items<'_>) -> Result<Array> {
    let wrong = |item: Value<'_>| {
        let error = Error::message(format!("expected items of typecode {typecode:?}, found {}", item.type_name()));
        error.at_value(item.id().index())
    };
    fn int<N: TryFrom<BigInt>>(item: Value<'_>) -> Option<N> {
        item.as_big_int().ok().and_then(|int| N::try_from(int).ok())
    }
    let all = items.iter();
    let items = match Type::of(typecode)? {
        Type::Signed(_) => {
            ArrayItems::Signed(all.map(|item| int(item).ok_or_else(|| wrong(item))).collect::<Result<_>>()?)
        }
        Type::Unsigned(_) => {
            ArrayItems::Unsigned(all.map(|item| int(item).ok_or_else(|| wrong(item))).collect::<Result<_>>()?)
        }
        Type::Float(_) => {
            let float = |item: Value<'_>| match item.node() {
                Node::Float(float) => Ok(float),
                Node::Int(int) => Ok(int as f64),
                _ => Err(wrong(item)),
            };
            ArrayItems::Floats(all.map(float).collect::<Result<_>>()?)
        }
        Type::Text => ArrayItems::Text(all.map(|item| text(item).map_err(|_| wrong(item))).collect::<Result<_>>()?),
        Type::Chars => {
            let char = |item: Value<'_>| match item.node() {
                Node::Py2Str([byte]) | Node::Bytes([byte]) => Ok(*byte),
                _ => Err(wrong(item)),
            };
            ArrayItems::Chars(all.map(char).collect::<Result<_>>()?)
        }
    };
    Array::new(typecode, items)
}

/// `_array_reconstructor(array, typecode, format, bytes)`.
fn from_bytes(value: Value<'_>) -> Result<Array> {
    let args = RECONSTRUCTOR.args(value)?;
    let (Some(code), Some(format), Some(bytes), 4) = (args.get(1), args.get(2), args.get(3), args.len()) else {
        return Err(RECONSTRUCTOR.wrong_args(value));
    };
    let typecode = typecode(code)?;
    let format = Format::new(format.as_i64().map_err(|_| RECONSTRUCTOR.wrong_args(value))?)?;
    let bytes = bytes.as_bytes().map_err(|_| RECONSTRUCTOR.wrong_args(value))?;
    Array::new(typecode, format.decode(bytes)?)
}

/// How bytes stand for items, whatever the machine: sizes of 1 to 8 bytes, each little-endian and then big-endian.
///
/// Source: `enum machine_format_code` in CPython's `arraymodule.c`.
#[derive(Clone, Copy)]
struct Format(i64);

impl Format {
    fn new(code: i64) -> Result<Format> {
        match code {
            0..=21 => Ok(Format(code)),
            _ => Err(Error::message(format!("expected an array format from 0 to 21, found {code}"))),
        }
    }

    fn unsigned(size: usize) -> Format {
        Format(match size {
            1 => 0,
            2 => 2,
            4 => 6,
            _ => 10,
        })
    }

    fn signed(size: usize) -> Format {
        Format(match size {
            1 => 1,
            2 => 4,
            4 => 8,
            _ => 12,
        })
    }

    /// Bytes of one item.
    fn size(self) -> usize {
        match self.0 {
            0 | 1 => 1,
            2..=5 | 18 | 19 => 2,
            6..=9 | 14 | 15 | 20 | 21 => 4,
            _ => 8,
        }
    }

    fn is_big_endian(self) -> bool {
        self.0 > 1 && self.0 % 2 == 1
    }

    fn decode(self, bytes: &[u8]) -> Result<ArrayItems> {
        let size = self.size();
        if !bytes.len().is_multiple_of(size) {
            return Err(Error::message(format!("expected items of {size} bytes, found {} bytes", bytes.len())));
        }
        let raw = bytes.chunks_exact(size).map(|item| {
            let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            if self.is_big_endian() { item.iter().fold(0, join) } else { item.iter().rev().fold(0, join) }
        });
        Ok(match self.0 {
            0 | 2 | 3 | 6 | 7 | 10 | 11 => ArrayItems::Unsigned(raw.collect()),
            1 | 4 | 5 | 8 | 9 | 12 | 13 => {
                let unused = 64 - 8 * size;
                ArrayItems::Signed(raw.map(|raw| (raw << unused) as i64 >> unused).collect())
            }
            14 | 15 => ArrayItems::Floats(raw.map(|raw| f64::from(f32::from_bits(raw as u32))).collect()),
            16 | 17 => ArrayItems::Floats(raw.map(f64::from_bits).collect()),
            18 | 19 => char::decode_utf16(raw.map(|raw| raw as u16))
                .collect::<Result<String, _>>()
                .map(ArrayItems::Text)
                .map_err(|_| not_text())?,
            _ => {
                ArrayItems::Text(raw.map(|raw| char::from_u32(raw as u32)).collect::<Option<_>>().ok_or_else(not_text)?)
            }
        })
    }
}

#[cold]
fn not_text() -> Error {
    Error::message("expected an array of text, found lone surrogates or numbers past Unicode")
}
