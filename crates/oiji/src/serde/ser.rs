//! From Rust types to pickles: a serde `Serializer` straight onto the emitter, without a graph between.
//!
//! Structs and maps become dicts, sequences lists, tuples tuples. Names of fields and variants are memoized, so that each
//! is written once. Nothing else is: a Rust value is not the same object twice.

use std::io::Write;

use rustc_hash::FxHashMap;
use serde::ser::{self, Serialize};

use crate::emitter::{BATCH, Emitter, Fill};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::WriteOptions;
use crate::limits::Limits;
use crate::serde::asked::Asked;
use crate::serde::field::Field;
use crate::serde::names::Names;
use crate::sink::{Sink, VecSink, WriteSink};

/// Writes values of Rust types as pickles, one after another.
///
/// ```
/// use serde::Serialize;
/// let mut serializer = oiji::serde::Serializer::new(Vec::new(), &oiji::WriteOptions::new().protocol(2))?;
/// serializer.write(&("a", 1))?;
/// serializer.write(&None::<u8>)?;
/// let bytes = serializer.into_inner()?;
/// assert_eq!(bytes, b"\x80\x02X\x01\0\0\0aK\x01\x86.\x80\x02N.");
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Serializer<W: Write> {
    writer: Writer<WriteSink<W>>,
    sink: std::marker::PhantomData<W>,
}

impl<W: Write> Serializer<W> {
    /// A serializer onto `writer`.
    ///
    /// # Errors
    /// `UnknownProtocol` above 5.
    pub fn new(writer: W, options: &WriteOptions) -> Result<Self> {
        Ok(Serializer { writer: Writer::new(WriteSink(writer), options)?, sink: std::marker::PhantomData })
    }

    /// Writes one value as a pickle of its own.
    ///
    /// # Errors
    /// `Inexpressible` for what the protocol cannot say, `Limit` for types nested too deep, `Io`.
    pub fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.writer.pickle(value)
    }

    /// The writer, with all pickles written.
    ///
    /// # Errors
    /// None today; the result leaves room for writers that buffer.
    pub fn into_inner(self) -> Result<W> {
        Ok(self.writer.emitter.into_sink().0)
    }
}

/// Writes `value` as a pickle into a vector.
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T, options: &WriteOptions) -> Result<Vec<u8>> {
    let mut writer = Writer::new(VecSink, options)?;
    writer.pickle(value)?;
    Ok(writer.emitter.into_bytes())
}

/// An emitter with what serde needs beside it.
pub(super) struct Writer<S> {
    pub(super) emitter: Emitter<S>,
    names: Names,
    /// Memo indexes of classes, by the names that ask for them.
    classes: FxHashMap<(usize, usize), u64>,
    depth: u64,
    limit: u64,
}

impl<S: Sink> Writer<S> {
    fn new(sink: S, options: &WriteOptions) -> Result<Self> {
        Ok(Writer {
            emitter: options.emitter(sink)?,
            names: Names::default(),
            classes: FxHashMap::default(),
            depth: 0,
            limit: Limits::default().recursion,
        })
    }

    fn pickle<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        // Each pickle stands alone, so that each can be read alone.
        self.names.clear();
        self.classes.clear();
        self.emitter.clear_memo();
        self.emitter.start()?;
        value.serialize(&mut *self)?;
        self.emitter.stop()
    }

    /// The name of a field: its memo index, to be written with the value that follows, unless it is written already.
    #[inline(always)]
    fn key(&mut self, name: &'static str) -> Result<Option<u8>> {
        match self.names.expected(name) {
            Some(index) => {
                let key = self.emitter.key(index);
                if key.is_none() {
                    self.emitter.get(index);
                }
                Ok(key)
            }
            None => self.other_name(name).map(|()| None),
        }
    }

    #[inline(always)]
    fn name(&mut self, name: &'static str) -> Result<()> {
        match self.names.expected(name) {
            Some(index) => {
                self.emitter.get(index);
                Ok(())
            }
            None => self.other_name(name),
        }
    }

    #[cold]
    fn other_name(&mut self, name: &'static str) -> Result<()> {
        if let Some(index) = self.names.find(name) {
            self.emitter.get(index);
            return Ok(());
        }
        self.emitter.str(name.as_bytes())?;
        let index = self.emitter.memoize();
        self.names.add(name, index);
        Ok(())
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth >= self.limit {
            return Err(ErrorKind::Limit { limit: "recursion", allowed: self.limit }.into());
        }
        self.depth += 1;
        Ok(())
    }

    /// A list or dict, which is filled in batches.
    fn fill(&mut self, fill: Fill, len: Option<usize>) -> Result<Filling<'_, S>> {
        self.enter()?;
        match fill {
            Fill::SetItems => self.emitter.empty_dict(),
            _ => self.emitter.empty_list(),
        }
        // Without a length we cannot know that one item is all; a batch of one is just as right.
        let single = len == Some(1) || self.emitter.protocol() == 0;
        let begin = self.emitter.kept().unwrap_or(0);
        Ok(Filling { writer: self, fill, single, batch: 0, left: len.unwrap_or(0), begin })
    }

    /// The dict of a struct.
    #[inline]
    fn fields(&mut self, len: usize, after: After) -> Result<Fields<'_, S>> {
        self.enter()?;
        self.emitter.boundary()?;
        let marked = len > 1 && self.emitter.protocol() > 0;
        if marked {
            self.emitter.marked_dict();
        } else {
            self.emitter.empty_dict();
        }
        Ok(Fields { writer: self, marked, after })
    }

    #[inline]
    fn tuple(&mut self, len: usize) -> Result<Tuple<'_, S>> {
        self.enter()?;
        if len == 0 {
            self.emitter.empty_tuple();
        } else if self.emitter.tuple_needs_mark(len) {
            self.emitter.mark();
        }
        Ok(Tuple { writer: self, len, after: After::Nothing })
    }

    /// A class, memoized at its first use; before protocol 2 as the first argument of the function that makes an instance.
    fn class(&mut self, asked: Asked) -> Result<()> {
        if self.emitter.protocol() < 2 {
            self.emitter.new_callable()?;
            self.emitter.mark();
        }
        let place = (asked.module.as_ptr() as usize, asked.module.len() + asked.name.len());
        if let Some(&index) = self.classes.get(&place) {
            self.emitter.get(index);
            return Ok(());
        }
        self.emitter.global(asked.module, asked.name)?;
        let index = self.emitter.memoize();
        self.classes.insert(place, index);
        Ok(())
    }

    /// An instance of a class, made without arguments.
    fn instance(&mut self, asked: Asked) -> Result<()> {
        self.class(asked)?;
        if self.emitter.protocol() >= 2 {
            self.emitter.empty_tuple();
        }
        self.end_instance(0);
        Ok(())
    }

    /// Makes an instance of the class and the `len` arguments written last.
    fn end_instance(&mut self, len: usize) {
        if self.emitter.protocol() >= 2 {
            if len > 0 {
                self.emitter.end_tuple(len);
            }
            self.emitter.new_object(false);
        } else {
            self.emitter.end_marked_tuple();
            self.emitter.reduce();
        }
    }

    /// Begins `{variant: content}`.
    fn variant(&mut self, variant: &'static str) -> Result<()> {
        self.emitter.empty_dict();
        self.name(variant)
    }

    fn end_variant(&mut self) {
        self.emitter.end_batch(Fill::SetItems, true);
    }
}

/// What follows a container that is part of something else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    /// It is the content of an enum's variant, in a dict.
    Variant,
    /// It is the state of an instance.
    Build,
    /// It is the arguments of an instance.
    New,
}

impl After {
    fn write<S: Sink>(self, writer: &mut Writer<S>) {
        match self {
            After::Variant => writer.end_variant(),
            After::Build => writer.emitter.build(),
            After::Nothing | After::New => {}
        }
    }
}

/// A list or dict that is being filled.
pub struct Filling<'w, S> {
    writer: &'w mut Writer<S>,
    fill: Fill,
    /// Whether each item is given alone.
    single: bool,
    /// How many items the batch has that is not yet given.
    batch: usize,
    /// How many items follow this batch, as far as told.
    left: usize,
    /// Where the batch began, for a sink that keeps all.
    begin: usize,
}

impl<S: Sink> Filling<'_, S> {
    #[inline(always)]
    fn begin_item(&mut self) -> Result<()> {
        if self.batch == 0 && !self.single {
            self.writer.emitter.mark();
        }
        self.batch += 1;
        self.writer.emitter.boundary()
    }

    #[inline(always)]
    fn end_item(&mut self) {
        if self.single || self.batch == BATCH {
            self.end_batch();
        }
    }

    #[inline(never)]
    fn end_batch(&mut self) {
        self.writer.emitter.end_batch(self.fill, self.single);
        if self.batch == BATCH {
            self.foresee();
        }
        self.batch = 0;
    }

    /// Makes room for the items that follow, if they are as long as those of this batch, and an eighth more.
    fn foresee(&mut self) {
        self.left = self.left.saturating_sub(BATCH);
        if let Some(end) = self.writer.emitter.kept() {
            let batch = end - self.begin;
            let rest = (batch.saturating_mul(self.left) / BATCH).saturating_mul(9) / 8;
            self.writer.emitter.foresee(rest, rest.min(batch.saturating_mul(2)));
            self.begin = end;
        }
    }

    fn end(self) -> Result<()> {
        if self.batch > 0 {
            self.writer.emitter.end_batch(self.fill, self.single);
        }
        self.writer.depth -= 1;
        Ok(())
    }
}

/// The dict of a struct's fields, which are few and known.
pub struct Fields<'w, S> {
    writer: &'w mut Writer<S>,
    /// Whether they stand above a mark; else each is set alone.
    marked: bool,
    after: After,
}

impl<S: Sink> Fields<'_, S> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let key = self.writer.key(name)?;
        value.serialize(Field { writer: &mut *self.writer, key })?;
        if !self.marked {
            self.writer.emitter.end_batch(Fill::SetItems, true);
        }
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<()> {
        if self.marked {
            self.writer.emitter.end_batch(Fill::SetItems, false);
        }
        self.after.write(self.writer);
        self.writer.depth -= 1;
        Ok(())
    }
}

/// A tuple that is being written.
pub struct Tuple<'w, S> {
    writer: &'w mut Writer<S>,
    len: usize,
    after: After,
}

impl<S: Sink> Tuple<'_, S> {
    fn end(self) -> Result<()> {
        if self.after == After::New {
            self.writer.end_instance(self.len);
        } else if self.len > 0 {
            self.writer.emitter.end_tuple(self.len);
        }
        self.after.write(self.writer);
        self.writer.depth -= 1;
        Ok(())
    }
}

impl<'w, S: Sink> ser::Serializer for &'w mut Writer<S> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Filling<'w, S>;
    type SerializeTuple = Tuple<'w, S>;
    type SerializeTupleStruct = Tuple<'w, S>;
    type SerializeTupleVariant = Tuple<'w, S>;
    type SerializeMap = Filling<'w, S>;
    type SerializeStruct = Fields<'w, S>;
    type SerializeStructVariant = Fields<'w, S>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.emitter.bool(value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<()> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Result<()> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i32(self, value: i32) -> Result<()> {
        self.serialize_i64(i64::from(value))
    }

    #[inline(always)]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.emitter.int(value);
        Ok(())
    }

    #[inline(never)]
    fn serialize_i128(self, value: i128) -> Result<()> {
        if let Ok(value) = i64::try_from(value) {
            return self.serialize_i64(value);
        }
        self.emitter.big_int(&value.to_le_bytes())
    }

    fn serialize_u8(self, value: u8) -> Result<()> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Result<()> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Result<()> {
        self.serialize_i64(i64::from(value))
    }

    #[inline(always)]
    fn serialize_u64(self, value: u64) -> Result<()> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => self.serialize_i128(i128::from(value)),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<()> {
        // One more byte, so that the highest bit is no sign.
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&value.to_le_bytes());
        self.emitter.big_int(&bytes)
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.serialize_f64(f64::from(value))
    }

    #[inline(always)]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.emitter.float(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.emitter.str(value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.emitter.str(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.emitter.bytes(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.emitter.none();
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<()> {
        match Asked::by(name) {
            Some(asked) => self.instance(asked),
            None => self.serialize_none(),
        }
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.name(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        let Some(asked) = Asked::by(name) else { return value.serialize(self) };
        self.enter()?;
        self.instance(asked)?;
        value.serialize(&mut *self)?;
        self.emitter.build();
        self.depth -= 1;
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.enter()?;
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.end_variant();
        self.depth -= 1;
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Filling<'w, S>> {
        self.fill(Fill::Append, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Tuple<'w, S>> {
        self.tuple(len)
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Tuple<'w, S>> {
        let Some(asked) = Asked::by(name) else { return self.tuple(len) };
        self.class(asked)?;
        if self.emitter.protocol() >= 2 {
            return Ok(Tuple { after: After::New, ..self.tuple(len)? });
        }
        // The arguments stand above the mark, after the class.
        self.enter()?;
        Ok(Tuple { writer: self, len, after: After::New })
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Tuple<'w, S>> {
        self.variant(variant)?;
        Ok(Tuple { after: After::Variant, ..self.tuple(len)? })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Filling<'w, S>> {
        self.fill(Fill::SetItems, len)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'w, S>> {
        let Some(asked) = Asked::by(name) else { return self.fields(len, After::Nothing) };
        self.instance(asked)?;
        self.fields(len, After::Build)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'w, S>> {
        self.variant(variant)?;
        self.fields(len, After::Variant)
    }
}

impl<S: Sink> ser::SerializeSeq for Filling<'_, S> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.begin_item()?;
        value.serialize(&mut *self.writer)?;
        self.end_item();
        Ok(())
    }

    fn end(self) -> Result<()> {
        Filling::end(self)
    }
}

impl<S: Sink> ser::SerializeMap for Filling<'_, S> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.begin_item()?;
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self.writer)?;
        self.end_item();
        Ok(())
    }

    fn end(self) -> Result<()> {
        Filling::end(self)
    }
}

impl<S: Sink> ser::SerializeStruct for Fields<'_, S> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        self.field(name, value)
    }

    fn end(self) -> Result<()> {
        Fields::end(self)
    }
}

impl<S: Sink> ser::SerializeStructVariant for Fields<'_, S> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        self.field(name, value)
    }

    fn end(self) -> Result<()> {
        Fields::end(self)
    }
}

macro_rules! tuples {
    ($($trait:ident $method:ident)*) => {$(
        impl<S: Sink> ser::$trait for Tuple<'_, S> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.writer.emitter.boundary()?;
                value.serialize(&mut *self.writer)
            }

            fn end(self) -> Result<()> {
                Tuple::end(self)
            }
        }
    )*};
}

tuples! {
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

impl ser::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Error::message(message.to_string())
    }
}
