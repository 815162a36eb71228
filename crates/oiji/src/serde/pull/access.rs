//! What containers give to serde: items, pairs, variants of enums; and numbers, by a way of their own.

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer as _, Visitor};

use crate::error::{Error, Result};
use crate::serde::pull::cursor::Cursor;
use crate::serde::pull::index::{BINFLOAT, BINGET, BININT};
use crate::serde::pull::memo::Place;
use crate::serde::pull::reader::{NAMES, Reader, Start};
use crate::serde::pull::walk::Run;

pub(super) struct Items<'r, 'i, 'de> {
    pub(super) reader: &'r mut Reader<'i, 'de>,
    pub(super) run: &'r mut Run,
}

impl<'de> Items<'_, '_, 'de> {
    /// The next item, if it begins with a number in a batch: lists of numbers are long.
    #[inline(always)]
    fn number(&mut self) -> Option<(Figure, usize)> {
        if !matches!(self.run, Run::Marked(_)) || self.reader.careful {
            return None;
        }
        match *self.reader.input.get(self.reader.position..)? {
            [BINFLOAT, a, b, c, d, e, f, g, h, ..] => {
                Some((Figure::Float(f64::from_be_bytes([a, b, c, d, e, f, g, h])), 9))
            }
            [BININT, a, b, c, d, ..] => Some((Figure::Int(i32::from_le_bytes([a, b, c, d])), 5)),
            _ => None,
        }
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.reader.next(self.run)? {
            Some(start) => self.reader.seeded(seed, start).map(Some),
            None => Ok(None),
        }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.number() {
            Some((figure, len)) => {
                let before = self.reader.position;
                self.reader.last = Place { start: before as u32, tuples: 0 };
                let value = seed.deserialize(Number { reader: self.reader, figure, len })?;
                if self.reader.position == before {
                    return Err(self.reader.fail());
                }
                Ok(Some(value))
            }
            None => self.next(seed),
        }
    }

    #[inline(always)]
    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>> {
        self.next_element_seed(std::marker::PhantomData)
    }
}

/// A number as the ops for most of them say it.
enum Figure {
    Int(i32),
    Float(f64),
}

/// A number at the position of a reader, or a tuple that begins with it, if that is what the type asks for.
struct Number<'r, 'i, 'de> {
    reader: &'r mut Reader<'i, 'de>,
    figure: Figure,
    /// Bytes of its op.
    len: usize,
}

impl<'r, 'i, 'de> Number<'r, 'i, 'de> {
    /// What stands here, as everything else that does.
    fn cursor(self) -> Cursor<'r, 'i, 'de> {
        let code = if matches!(self.figure, Figure::Int(_)) { BININT } else { BINFLOAT };
        Cursor { reader: self.reader, start: Start::of(code) }
    }
}

/// Methods that are the cursor's.
macro_rules! to_cursor {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value> {
            self.cursor().$method($($argument,)* visitor)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Number<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.figure {
            Figure::Int(value) => {
                self.reader.position += self.len;
                let result = visitor.visit_i64(i64::from(value));
                self.reader.checked(result)
            }
            Figure::Float(_) => Err(self.reader.fail()),
        }
    }

    #[inline(always)]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.position += self.len;
        let result = match self.figure {
            Figure::Int(value) => visitor.visit_f64(f64::from(value)),
            Figure::Float(value) => visitor.visit_f64(value),
        };
        self.reader.checked(result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.reader.check_class(name)?;
        visitor.visit_newtype_struct(self)
    }

    forward! {
        deserialize_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i128 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_f64: deserialize_f32;
    }

    to_cursor! {
        deserialize_any() deserialize_bool() deserialize_str() deserialize_string() deserialize_char() deserialize_bytes()
        deserialize_byte_buf() deserialize_unit() deserialize_seq() deserialize_map() deserialize_identifier()
        deserialize_ignored_any() deserialize_unit_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

pub(super) struct Pairs<'r, 'i, 'de> {
    pub(super) reader: &'r mut Reader<'i, 'de>,
    pub(super) run: &'r mut Run,
    /// Whether a key was read, and its value not yet.
    pub(super) value_next: &'r mut bool,
}

impl<'de> Pairs<'_, '_, 'de> {
    /// The next key, if it begins with a str from the memo that is at hand: names of fields do.
    #[inline(always)]
    fn name(&mut self) -> Option<&'de str> {
        let reader = &mut *self.reader;
        if !matches!(self.run, Run::Marked(_)) || reader.careful {
            return None;
        }
        let &[BINGET, index, ..] = reader.input.get(reader.position..)? else { return None };
        let (known, name) = reader.names[usize::from(index) % NAMES];
        if known != u32::from(index) {
            return None;
        }
        reader.last = Place { start: reader.position as u32, tuples: 0 };
        Some(name)
    }
}

/// A str that the `BINGET` at the position of a reader gives, or whatever begins with it.
struct Name<'r, 'i, 'de> {
    reader: &'r mut Reader<'i, 'de>,
    name: &'de str,
}

impl<'r, 'i, 'de> Name<'r, 'i, 'de> {
    /// What stands here, as everything else that does.
    fn cursor(self) -> Cursor<'r, 'i, 'de> {
        Cursor { reader: self.reader, start: Start::of(BINGET) }
    }
}

impl<'de> de::Deserializer<'de> for Name<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.position += 2;
        let result = visitor.visit_borrowed_str(self.name);
        self.reader.checked(result)
    }

    forward! {
        deserialize_str: deserialize_string deserialize_identifier;
    }

    to_cursor! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_bytes() deserialize_byte_buf()
        deserialize_option() deserialize_unit() deserialize_seq() deserialize_map() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize) deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

impl<'de> de::MapAccess<'de> for Pairs<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if *self.value_next {
            return Err(self.reader.fail());
        }
        if let Some(name) = self.name() {
            *self.value_next = true;
            let (before, unhashable) = (self.reader.position, self.reader.unhashable);
            let key = seed.deserialize(Name { reader: self.reader, name })?;
            if self.reader.position == before {
                return Err(self.reader.fail());
            }
            self.reader.check_hashable(unhashable)?;
            return Ok(Some(key));
        }
        match self.reader.next(self.run)? {
            Some(start) => {
                *self.value_next = true;
                self.reader.seeded_key(seed, start).map(Some)
            }
            None => Ok(None),
        }
    }

    #[inline(always)]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        if !*self.value_next {
            return Err(self.reader.fail());
        }
        *self.value_next = false;
        let start = self.reader.start()?;
        self.reader.seeded(seed, start)
    }
}

/// An enum: the name of a variant, and its content if it stands in a dict.
pub(super) struct Variant<'r, 'i, 'de> {
    pub(super) reader: &'r mut Reader<'i, 'de>,
    pub(super) name: Start,
    pub(super) content: bool,
}

impl<'i, 'de> Variant<'_, 'i, 'de> {
    fn content(&mut self) -> Result<Cursor<'_, 'i, 'de>> {
        if !self.content {
            return Err(self.reader.fail());
        }
        let start = self.reader.start()?;
        Ok(self.reader.cursor(start))
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name = self.reader.seeded_key(seed, self.name)?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;

    fn unit_variant(mut self) -> Result<()> {
        if self.content { Deserialize::deserialize(self.content()?) } else { Ok(()) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value> {
        self.content()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(mut self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
