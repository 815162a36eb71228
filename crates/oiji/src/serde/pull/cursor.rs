//! A value at the position of a reader, as serde's `Deserializer`.

use serde::de::{self, Visitor};

use crate::error::{Error, Result};
use crate::serde::pull::access::{Items, Variant};
use crate::serde::pull::index::*;
use crate::serde::pull::memo::Place;
use crate::serde::pull::reader::{Head, NAMES, Open, Reader, Start};
use crate::serde::pull::walk::Run;

/// A value at the position of a reader.
pub(super) struct Cursor<'r, 'i, 'de> {
    pub(super) reader: &'r mut Reader<'i, 'de>,
    pub(super) start: Start,
}

impl<'i, 'de> Cursor<'_, 'i, 'de> {
    #[inline]
    fn head(&mut self) -> Result<Head<'de>> {
        self.reader.head(self.start)
    }

    /// Looks ahead, where the type does not say whether a tuple begins here.
    #[inline]
    fn resolve(&mut self) -> Result<()> {
        self.start = self.reader.resolved(self.start)?;
        Ok(())
    }

    /// Takes what stands here for a tuple, if it is no container itself and not known to be none.
    #[inline]
    fn expect_tuple(&mut self) {
        let start = self.start;
        if start.known() {
            return;
        }
        let is_tuple = match start.code() {
            BINGET | LONG_BINGET => self.reader.is_atom_again(start.code()),
            code => !matches!(
                code,
                TUPLE
                    | EMPTY_LIST
                    | EMPTY_DICT
                    | EMPTY_SET
                    | EMPTY_TUPLE
                    | SHORT_BINBYTES
                    | BINBYTES
                    | BINBYTES8
                    | BYTEARRAY8
            ),
        };
        if is_tuple {
            self.start = Start::new(TUPLE, 1, false);
        }
    }

    /// A str from the memo that is at hand.
    #[inline(always)]
    fn known_name(&mut self) -> Option<&'de str> {
        let reader = &mut *self.reader;
        if self.start.code() != BINGET {
            return None;
        }
        let index = *reader.input.get(reader.position + 1)?;
        let (known, name) = reader.names[usize::from(index) % NAMES];
        (known == u32::from(index)).then(|| {
            reader.position += 2;
            name
        })
    }

    /// A str, by the ops that say nearly all of them.
    #[inline(always)]
    fn text(&mut self) -> Result<&'de str> {
        if self.start.code() == SHORT_BINUNICODE {
            return self.reader.str(SHORT_BINUNICODE);
        }
        match self.known_name() {
            Some(name) => Ok(name),
            None => self.text_elsewhere(),
        }
    }

    fn text_elsewhere(&mut self) -> Result<&'de str> {
        match self.head()? {
            Head::Str(text) => Ok(text),
            Head::Py2Str(bytes) => std::str::from_utf8(bytes).map_err(|_| self.reader.fail()),
            _ => Err(self.reader.fail()),
        }
    }

    /// An int, by the ops that say nearly all of them.
    #[inline(always)]
    fn int(&mut self) -> Result<Option<i64>> {
        let reader = &mut *self.reader;
        let (value, len) = match self.start.code() {
            BININT => (i64::from(i32::from_le_bytes(reader.argument(1)?)), 5),
            BININT2 => (i64::from(u16::from_le_bytes(reader.argument(1)?)), 3),
            BININT1 => (i64::from(u8::from_le_bytes(reader.argument(1)?)), 2),
            _ => return Ok(None),
        };
        reader.position += len;
        Ok(Some(value))
    }

    fn visit_head<V: Visitor<'de>>(self, head: Head<'de>, visitor: V) -> Result<V::Value> {
        let result = match head {
            Head::None => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Int(value) => visitor.visit_i64(value),
            Head::BigInt(le) => return self.reader.visit_big_int(le, visitor),
            Head::Float(value) => visitor.visit_f64(value),
            Head::Str(text) => visitor.visit_borrowed_str(text),
            Head::Py2Str(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(bytes),
            },
            Head::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::EmptyTuple => return self.visit_empty(visitor),
            Head::Tuple(open) | Head::List(open) | Head::Set(open) => return self.reader.visit_seq(open, visitor),
            Head::Dict(open) => return self.reader.visit_map(open, visitor),
        };
        self.reader.checked(result)
    }

    fn visit_empty<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.reader.depth >= self.reader.deepest {
            return Err(self.reader.fail());
        }
        let result = visitor.visit_seq(Items { reader: self.reader, run: &mut Run::Done(0) });
        self.reader.checked(result)
    }

    fn refused<T>(self) -> Result<T> {
        Err(self.reader.fail())
    }
}

impl<'de> de::Deserializer<'de> for Cursor<'_, '_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        self.resolve()?;
        let head = self.head()?;
        self.visit_head(head, visitor)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let value = match self.start.code() {
            NEWTRUE | NEWFALSE => {
                self.reader.position += 1;
                self.start.code() == NEWTRUE
            }
            _ => match self.head()? {
                Head::Bool(value) => value,
                _ => return self.refused(),
            },
        };
        let result = visitor.visit_bool(value);
        self.reader.checked(result)
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some(value) = self.int()? {
            let result = visitor.visit_i64(value);
            return self.reader.checked(result);
        }
        match self.head()? {
            Head::Int(value) => {
                let result = visitor.visit_i64(value);
                self.reader.checked(result)
            }
            Head::BigInt(le) => self.reader.visit_big_int(le, visitor),
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if self.start.code() == BINFLOAT {
            let value = f64::from_be_bytes(self.reader.argument(1)?);
            self.reader.position += 9;
            let result = visitor.visit_f64(value);
            return self.reader.checked(result);
        }
        let value = match self.head()? {
            Head::Float(value) => value,
            Head::Int(value) => value as f64,
            _ => return self.refused(),
        };
        let result = visitor.visit_f64(value);
        self.reader.checked(result)
    }

    forward! {
        deserialize_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i128 deserialize_u8 deserialize_u16
            deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_f64: deserialize_f32;
        deserialize_str: deserialize_string deserialize_char;
        deserialize_bytes: deserialize_byte_buf;
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let text = self.text()?;
        let result = visitor.visit_borrowed_str(text);
        self.reader.checked(result)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        self.resolve()?;
        let result = match self.head()? {
            Head::Bytes(bytes) | Head::Py2Str(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::Str(text) => visitor.visit_borrowed_str(text),
            Head::EmptyTuple => return self.visit_empty(visitor),
            Head::List(open) | Head::Tuple(open) => return self.reader.visit_seq(open, visitor),
            _ => return self.refused(),
        };
        self.reader.checked(result)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.start.code() != NONE {
            return visitor.visit_some(self);
        }
        self.reader.position += 1;
        let result = visitor.visit_none();
        self.reader.checked(result)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        self.resolve()?;
        match self.head()? {
            Head::None | Head::EmptyTuple => {
                let result = visitor.visit_unit();
                self.reader.checked(result)
            }
            _ => self.refused(),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.reader.check_class(name)?;
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.reader.check_class(name)?;
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        self.expect_tuple();
        match self.head()? {
            Head::Tuple(open) | Head::List(open) | Head::Set(open) => self.reader.visit_seq(open, visitor),
            Head::EmptyTuple => self.visit_empty(visitor),
            Head::Bytes(bytes) => {
                let mut bytes = bytes.iter().copied();
                let result = visitor.visit_seq(de::value::SeqDeserializer::new(&mut bytes));
                let value = self.reader.checked(result)?;
                if bytes.len() > 0 { self.refused() } else { Ok(value) }
            }
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(mut self, _len: usize, visitor: V) -> Result<V::Value> {
        self.expect_tuple();
        if self.start.code() != TUPLE {
            self.resolve()?;
            return self.deserialize_seq(visitor);
        }
        let place = Place { start: self.reader.position as u32, tuples: self.start.tuples() };
        self.reader.visit_seq(Open::tuple(place, self.start.known(), u32::MAX), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, name: &'static str, len: usize, visitor: V) -> Result<V::Value> {
        self.reader.check_class(name)?;
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        match self.head()? {
            Head::Dict(open) => self.reader.visit_map(open, visitor),
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.reader.check_class(name)?;
        if self.start.code() == EMPTY_DICT {
            let open = Open::here(self.reader.position, SETITEMS);
            return self.reader.visit_map(open, visitor);
        }
        self.expect_tuple();
        match self.head()? {
            Head::Dict(open) => self.reader.visit_map(open, visitor),
            Head::Tuple(open) | Head::List(open) => self.reader.visit_seq(open, visitor),
            Head::EmptyTuple => self.visit_empty(visitor),
            _ => self.refused(),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let start = self.reader.position;
        match self.head()? {
            Head::Str(_) | Head::Py2Str(_) | Head::Int(_) => {
                self.reader.position = start;
                let name = self.start;
                let result = visitor.visit_enum(Variant { reader: self.reader, name, content: false });
                self.reader.checked(result)
            }
            Head::Dict(open) => {
                let mut run = self.reader.enter(open)?;
                let Some(name) = self.reader.next(&mut run)? else { return self.refused() };
                let result = visitor.visit_enum(Variant { reader: self.reader, name, content: true });
                let value = self.reader.checked(result)?;
                self.reader.end(open, &mut run)?;
                Ok(value)
            }
            _ => self.refused(),
        }
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some(name) = self.known_name() {
            let result = visitor.visit_borrowed_str(name);
            return self.reader.checked(result);
        }
        let start = self.reader.position;
        let result = match self.head()? {
            Head::Str(name) => visitor.visit_borrowed_str(name),
            Head::Int(value) if value >= 0 => visitor.visit_u64(value as u64),
            head @ (Head::Py2Str(_) | Head::Bytes(_)) => return self.visit_head(head, visitor),
            _ => {
                self.reader.position = start;
                self.reader.skip(self.start)?;
                visitor.visit_str("")
            }
        };
        self.reader.checked(result)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.skip(self.start)?;
        let result = visitor.visit_unit();
        self.reader.checked(result)
    }
}
