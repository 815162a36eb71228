//! The value of a struct's field: atoms are written at once with the field's name, all else after it.

use serde::ser::{Serialize, Serializer};

use crate::error::{Error, Result};
use crate::opcode::Opcode;
use crate::serde::ser::{Fields, Filling, Tuple, Writer};
use crate::sink::Sink;

/// What writes the value of a field.
pub(super) struct Field<'w, S> {
    pub(super) writer: &'w mut Writer<S>,
    /// The memo index of the name, where that is not written yet.
    pub(super) key: Option<u8>,
}

impl<'w, S: Sink> Field<'w, S> {
    /// The writer, after the name.
    #[inline(always)]
    fn named(self) -> &'w mut Writer<S> {
        if let Some(key) = self.key {
            self.writer.emitter.get(u64::from(key));
        }
        self.writer
    }

    #[inline(always)]
    fn simple(self, opcode: Opcode) -> Option<&'w mut Writer<S>> {
        let Some(key) = self.key else { return Some(self.writer) };
        self.writer.emitter.key_and_simple(key, opcode);
        None
    }
}

/// Methods that write the name, then what the writer writes.
macro_rules! after_name {
    ($($method:ident($($argument:ident: $type:ty),*) -> $ok:ty;)*) => {$(
        #[inline]
        fn $method(self, $($argument: $type),*) -> Result<$ok> {
            self.named().$method($($argument),*)
        }
    )*};
}

/// Methods for ints.
macro_rules! ints {
    ($($method:ident $type:ty;)*) => {$(
        #[inline(always)]
        fn $method(self, value: $type) -> Result<()> {
            match (self.key, i64::try_from(value)) {
                (Some(key), Ok(value)) => {
                    self.writer.emitter.key_and_int(key, value);
                    Ok(())
                }
                _ => self.named().$method(value),
            }
        }
    )*};
}

impl<'w, S: Sink> Serializer for Field<'w, S> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Filling<'w, S>;
    type SerializeTuple = Tuple<'w, S>;
    type SerializeTupleStruct = Tuple<'w, S>;
    type SerializeTupleVariant = Tuple<'w, S>;
    type SerializeMap = Filling<'w, S>;
    type SerializeStruct = Fields<'w, S>;
    type SerializeStructVariant = Fields<'w, S>;

    ints! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
    }

    after_name! {
        serialize_i128(value: i128) -> ();
        serialize_u128(value: u128) -> ();
        serialize_char(value: char) -> ();
        serialize_bytes(value: &[u8]) -> ();
        serialize_unit_struct(name: &'static str) -> ();
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> ();
        serialize_seq(len: Option<usize>) -> Filling<'w, S>;
        serialize_tuple(len: usize) -> Tuple<'w, S>;
        serialize_tuple_struct(name: &'static str, len: usize) -> Tuple<'w, S>;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Tuple<'w, S>;
        serialize_map(len: Option<usize>) -> Filling<'w, S>;
        serialize_struct(name: &'static str, len: usize) -> Fields<'w, S>;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Fields<'w, S>;
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        let opcode = if value { Opcode::NewTrue } else { Opcode::NewFalse };
        self.simple(opcode).map_or(Ok(()), |writer| writer.serialize_bool(value))
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.serialize_f64(f64::from(value))
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        match self.key {
            Some(key) => self.writer.emitter.key_and_float(key, value),
            None => self.writer.emitter.float(value),
        }
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        match (self.key, u8::try_from(value.len())) {
            (Some(key), Ok(len)) => {
                self.writer.emitter.key_and_str(key, value.as_bytes(), len);
                Ok(())
            }
            _ => self.named().serialize_str(value),
        }
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.simple(Opcode::None).map_or(Ok(()), |writer| writer.serialize_none())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        self.serialize_none()
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        self.named().serialize_newtype_struct(name, value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.named().serialize_newtype_variant(name, index, variant, value)
    }
}
