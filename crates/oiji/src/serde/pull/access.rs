//! What containers give to serde: items, pairs, variants of enums; and numbers, by a way of their own.

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer as _, Visitor};

use crate::error::{Error, Result};
use crate::serde::asked::Asked;
use crate::serde::pull::cursor::Cursor;
use crate::serde::pull::index::{BINFLOAT, BININT};
use crate::serde::pull::reader::{Reader, Run, Start, left};

pub(super) struct Items<'r, 'i, 'de> {
    pub(super) reader: &'r mut Reader<'i, 'de>,
    pub(super) run: &'r mut Run,
}

impl<'de> Items<'_, '_, 'de> {
    /// The next item, if it is a number in a batch: lists of numbers are long.
    #[inline(always)]
    fn number(&mut self) -> Option<Number> {
        if !matches!(self.run, Run::Marked) || self.reader.index.tuples(self.reader.position) > 0 {
            return None;
        }
        let rest = self.reader.input.get(self.reader.position..)?;
        let (number, len) = match *rest {
            [BINFLOAT, a, b, c, d, e, f, g, h, ..] => (Number::Float(f64::from_be_bytes([a, b, c, d, e, f, g, h])), 9),
            [BININT, a, b, c, d, ..] => (Number::Int(i32::from_le_bytes([a, b, c, d])), 5),
            _ => return None,
        };
        self.reader.position += len;
        Some(number)
    }

    #[inline(never)]
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
            Some(number) => {
                let result = seed.deserialize(number);
                self.reader.checked(result).map(Some)
            }
            None => self.next(seed),
        }
    }

    #[inline(always)]
    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>> {
        self.next_element_seed(std::marker::PhantomData)
    }
}

/// A number that was taken from the input.
pub(super) enum Number {
    Int(i32),
    Float(f64),
}

impl<'de> de::Deserializer<'de> for Number {
    type Error = Error;

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) => visitor.visit_i64(i64::from(value)),
            Number::Float(value) => visitor.visit_f64(value),
        }
    }

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) => visitor.visit_i64(i64::from(value)),
            Number::Float(_) => Err(left()),
        }
    }

    #[inline(always)]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) => visitor.visit_f64(f64::from(value)),
            Number::Float(value) => visitor.visit_f64(value),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if Asked::by(name).is_some() {
            return Err(left());
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Number::Int(value) if value >= 0 => visitor.visit_u64(value as u64),
            _ => visitor.visit_str(""),
        }
    }

    forward! {
        deserialize_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i128 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_f64: deserialize_f32;
    }

    refuse! {
        deserialize_bool() deserialize_str() deserialize_string() deserialize_char() deserialize_bytes()
        deserialize_byte_buf() deserialize_unit() deserialize_seq() deserialize_map() deserialize_unit_struct(&'static str)
        deserialize_tuple(usize) deserialize_tuple_struct(&'static str, usize)
        deserialize_struct(&'static str, &'static [&'static str]) deserialize_enum(&'static str, &'static [&'static str])
    }
}

pub(super) struct Pairs<'r, 'i, 'de> {
    pub(super) reader: &'r mut Reader<'i, 'de>,
    pub(super) run: &'r mut Run,
    /// Whether a key was read, and its value not yet.
    pub(super) value_next: &'r mut bool,
}

impl<'de> de::MapAccess<'de> for Pairs<'_, '_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if *self.value_next {
            return Err(self.reader.fail());
        }
        match self.reader.next(self.run)? {
            Some(start) => {
                *self.value_next = true;
                self.reader.seeded(seed, start).map(Some)
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
        let name = self.reader.seeded(seed, self.name)?;
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
