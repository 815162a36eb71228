//! The loop over opcodes. What one does is here, if it is short.

use oiji::Opcode;

use super::{NO_PERSISTENT_LOAD, Reader};
use crate::input::Bytes;
use crate::py::entry::Entry;
use crate::py::{self, Kind, Own, Py, make, number, typing};

/// Names for the bytes of opcodes.
macro_rules! codes {
    ($($name:ident $opcode:ident;)*) => { $(pub(super) const $name: u8 = Opcode::$opcode as u8;)* };
}

codes! {
    INT Int; BININT BinInt; BININT1 BinInt1; BININT2 BinInt2; LONG Long; LONG1 Long1; LONG4 Long4;
    STRING String; BINSTRING BinString; SHORT_BINSTRING ShortBinString;
    BINBYTES BinBytes; SHORT_BINBYTES ShortBinBytes; BINBYTES8 BinBytes8; BYTEARRAY8 ByteArray8;
    NEXT_BUFFER NextBuffer; READONLY_BUFFER ReadonlyBuffer;
    NONE None; NEWTRUE NewTrue; NEWFALSE NewFalse;
    UNICODE Unicode; SHORT_BINUNICODE ShortBinUnicode; BINUNICODE BinUnicode; BINUNICODE8 BinUnicode8;
    FLOAT Float; BINFLOAT BinFloat;
    EMPTY_LIST EmptyList; APPEND Append; APPENDS Appends; LIST List;
    EMPTY_TUPLE EmptyTuple; TUPLE Tuple; TUPLE1 Tuple1; TUPLE2 Tuple2; TUPLE3 Tuple3;
    EMPTY_DICT EmptyDict; DICT Dict; SETITEM SetItem; SETITEMS SetItems;
    EMPTY_SET EmptySet; ADDITEMS AddItems; FROZENSET FrozenSet;
    POP Pop; DUP Dup; MARK Mark; POP_MARK PopMark;
    GET Get; BINGET BinGet; LONG_BINGET LongBinGet; PUT Put; BINPUT BinPut; LONG_BINPUT LongBinPut; MEMOIZE Memoize;
    EXT1 Ext1; EXT2 Ext2; EXT4 Ext4; GLOBAL Global; STACK_GLOBAL StackGlobal;
    REDUCE Reduce; BUILD Build; INST Inst; OBJ Obj; NEWOBJ NewObj; NEWOBJ_EX NewObjEx;
    PROTO Proto; STOP Stop; FRAME Frame; PERSID PersId; BINPERSID BinPersId;
}

/// The most that is made in one piece for a length that a file's pickle claims.
const IN_ONE_PIECE: usize = 256 << 20;

impl<I: Bytes> Reader<'_, I> {
    /// Does op after op until `STOP`.
    pub(super) fn run(&mut self) -> Py {
        loop {
            if self.input.ahead().is_empty() {
                self.first_of_more()?;
            }
            // No op pushes more than one value.
            if self.stack.items.len() == self.stack.items.capacity() {
                make::room_for(&mut self.stack.items, 1)?;
            }
            let code = self.input.take(1)[0];
            match code {
                NONE => self.stack.push(py::none()),
                NEWTRUE => self.stack.push(py::bool_of(true)),
                NEWFALSE => self.stack.push(py::bool_of(false)),
                BININT1 => {
                    let [value] = self.array()?;
                    self.int(i32::from(value))?;
                }
                BININT2 => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.int(i32::from(value))?;
                }
                BININT => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.int(value)?;
                }
                BINFLOAT => {
                    let value = f64::from_be_bytes(self.array()?);
                    self.float(value)?;
                }
                SHORT_BINUNICODE => {
                    let [len] = self.array()?;
                    self.text(usize::from(len))?;
                }
                MEMOIZE if self.stack.has(1) => {
                    self.memo.make_room()?;
                    let value = self.top();
                    self.memo.add(value);
                }
                MEMOIZE => self.memoize_below(None)?,
                BINGET => {
                    let [index] = self.array()?;
                    self.get(u64::from(index))?;
                }
                LONG_BINGET => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.get(u64::from(index))?;
                }
                MARK => {
                    if self.stack.marks.len() == self.stack.marks.capacity() {
                        make::room_for(&mut self.stack.marks, 1)?;
                    }
                    self.stack.mark();
                }
                TUPLE1 => self.tuple_of(1)?,
                TUPLE2 => self.tuple_of(2)?,
                TUPLE3 => self.tuple_of(3)?,
                EMPTY_TUPLE if self.input.ahead().first() == Some(&NEWOBJ) && self.stack.has(1) => {
                    if self.new_plain()? {
                        self.input.take(1);
                    } else {
                        self.stack.push(py::tuple(&[])?);
                    }
                }
                EMPTY_TUPLE => self.stack.push(py::tuple(&[])?),
                EMPTY_LIST => self.stack.push(py::list(&[])?),
                EMPTY_DICT => self.empty_dict()?,
                SETITEMS => {
                    let start = self.marker()?;
                    self.set_items(start)?;
                }
                SETITEM => {
                    self.need(2)?;
                    let start = self.stack.len() - 2;
                    self.set_items(start)?;
                }
                APPENDS => {
                    let start = self.marker()?;
                    self.append_items(start)?;
                }
                APPEND => {
                    self.need(1)?;
                    self.append_items(self.stack.len() - 1)?;
                }
                BUILD => self.build()?,
                NEWOBJ => self.new_object(false)?,
                REDUCE => self.reduce()?,
                TUPLE => {
                    let start = self.marker()?;
                    let tuple = make::tuple_of_tail(&mut self.stack.items, start)?;
                    self.stack.push(tuple);
                }
                BINPUT => {
                    let [index] = self.array()?;
                    self.put(u64::from(index))?;
                }
                LONG_BINPUT => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.put(u64::from(index))?;
                }
                LONG1 => self.long1()?,
                STOP => {
                    self.need(1)?;
                    return match self.stack.items.pop() {
                        Some(value) => Ok(value),
                        None => self.underflow(),
                    };
                }
                _ => self.seldom(code)?,
            }
        }
    }

    /// The opcodes that are not met often.
    #[inline(never)]
    fn seldom(&mut self, code: u8) -> Py<()> {
        match code {
            LONG4 => {
                let Ok(len) = usize::try_from(i32::from_le_bytes(self.array()?)) else {
                    return self.st.unpickling("LONG pickle has negative byte count");
                };
                self.ready(len)?;
                let value = py::int_of_bytes(self.input.take(len))?;
                self.stack.push(value);
            }
            BINUNICODE => {
                let len = u32::from_le_bytes(self.array()?) as usize;
                self.text(len)?;
            }
            BINUNICODE8 => {
                let len = self.len8("BINUNICODE")?;
                self.text(len)?;
            }
            SHORT_BINBYTES => {
                let [len] = self.array()?;
                if !(matches!(len, 4 | 6 | 10) && self.is_class_on_top() && self.date(usize::from(len))?) {
                    self.bytes(usize::from(len))?;
                }
            }
            BINBYTES => {
                let len = u32::from_le_bytes(self.array()?) as usize;
                self.bytes(len)?;
            }
            BINBYTES8 => {
                let len = self.len8("BINBYTES")?;
                self.bytes(len)?;
            }
            BYTEARRAY8 => {
                let len = self.len8("BYTEARRAY8")?;
                let value = self.filled(len, |len, fill| make::bytearray_by(len, fill), py::bytearray_of)?;
                self.stack.push(value);
            }
            NEXT_BUFFER => self.next_buffer()?,
            READONLY_BUFFER => {
                self.need(1)?;
                let buffer = self.top();
                let made = self.outside(|_| py::read_only(&buffer))?;
                self.stack.items.pop();
                self.stack.push(made);
            }
            EMPTY_SET => self.stack.push(py::set()?),
            ADDITEMS => self.add_items()?,
            FROZENSET => self.frozenset()?,
            LIST => {
                let start = self.marker()?;
                let list = make::list_of_tail(&mut self.stack.items, start)?;
                self.stack.push(list);
            }
            DICT => self.dict_of_items()?,
            POP => self.pop()?,
            DUP => {
                self.need(1)?;
                let value = self.top();
                self.stack.push(value);
            }
            POP_MARK => {
                let start = self.marker()?;
                self.drop_from(start)?;
            }
            INT => self.int_line()?,
            LONG => self.long_line()?,
            FLOAT => self.float_line()?,
            STRING => self.string_line()?,
            BINSTRING => match usize::try_from(u32::from_le_bytes(self.array()?)) {
                Ok(len) => self.py2_string(len)?,
                Err(_) => return self.st.unpickling("BINSTRING exceeds system's maximum size"),
            },
            SHORT_BINSTRING => {
                let [len] = self.array()?;
                self.py2_string(usize::from(len))?;
            }
            UNICODE => self.unicode_line()?,
            GET => self.get_line()?,
            PUT => self.put_line()?,
            EXT1 => {
                let [code] = self.array()?;
                self.extension(i64::from(code))?;
            }
            EXT2 => {
                let code = u16::from_le_bytes(self.array()?);
                self.extension(i64::from(code))?;
            }
            EXT4 => {
                let code = i32::from_le_bytes(self.array()?);
                self.extension(i64::from(code))?;
            }
            GLOBAL => {
                let (module, name) = self.two_names(number::utf8_text)?;
                self.global(module, name)?;
            }
            STACK_GLOBAL => self.stack_global()?,
            INST => self.inst()?,
            OBJ => self.obj()?,
            NEWOBJ_EX => self.new_object(true)?,
            PERSID => self.persistent_line()?,
            BINPERSID => {
                if self.hooks.persistent_load.is_none() {
                    return self.st.unpickling(NO_PERSISTENT_LOAD);
                }
                let id = self.take_top()?;
                self.persistent(id)?;
            }
            PROTO => {
                let [protocol] = self.array()?;
                if protocol > oiji::HIGHEST_PROTOCOL {
                    return py::raise(Kind::Value, &format!("unsupported pickle protocol: {protocol}"));
                }
                self.set_protocol(u64::from(protocol));
            }
            FRAME => {
                let len = self.len8("FRAME length")?;
                self.ready(len)?;
            }
            _ => return self.unknown(code),
        }
        Ok(())
    }

    #[cold]
    fn unknown(&self, code: u8) -> Py<()> {
        let plain = (0x20..=0x7e).contains(&code) && !matches!(code, b'\'' | b'\\');
        let key = if plain { char::from(code).to_string() } else { format!("\\x{code:02x}") };
        self.st.unpickling(&format!("invalid load key, '{key}'."))
    }

    /// Sees that a next opcode is there.
    #[cold]
    fn first_of_more(&mut self) -> Py<()> {
        let result = self.more(1);
        if result.is_err() && py::is_raised_of(self.st.unpickling_error.obj()) {
            py::clear();
            return py::raise(Kind::Eof, "Ran out of input");
        }
        result
    }

    /// Sees that so many bytes are there.
    #[inline]
    pub(super) fn ready(&mut self, len: usize) -> Py<()> {
        if self.input.ahead().len() >= len {
            return Ok(());
        }
        self.more(len)
    }

    #[cold]
    fn more(&mut self, len: usize) -> Py<()> {
        let result = self.outside(|reader| reader.input.more(len, reader.st));
        self.see();
        result
    }

    /// An argument of fixed length.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Py<[u8; N]> {
        self.ready(N)?;
        let mut array = [0; N];
        array.copy_from_slice(self.input.take(N));
        Ok(array)
    }

    /// A length of eight bytes.
    fn len8(&mut self, what: &str) -> Py<usize> {
        let len = u64::from_le_bytes(self.array()?);
        match isize::try_from(len) {
            Ok(len) => Ok(len as usize),
            Err(_) => {
                let most = isize::MAX;
                let exceeds = if what.starts_with("FRAME") {
                    "exceeds system's maximum"
                } else {
                    "exceeds system's maximum size"
                };
                py::raise(Kind::Overflow, &format!("{what} {exceeds} of {most} bytes"))
            }
        }
    }

    #[inline(always)]
    fn int(&mut self, value: i32) -> Py<()> {
        let value = match self.fresh {
            Some(fresh) => fresh.int(value)?,
            None => py::int(i64::from(value))?,
        };
        self.stack.push(value);
        Ok(())
    }

    #[inline]
    fn long1(&mut self) -> Py<()> {
        let [len] = self.array()?;
        let len = usize::from(len);
        let value = match self.input.ahead() {
            // What does not belong to it is shifted out.
            [a, b, c, d, e, f, g, h, ..] if (1..=8).contains(&len) => {
                let shift = 64 - 8 * len as u32;
                let value = i64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) << shift >> shift;
                self.input.take(len);
                py::int(value)?
            }
            _ => {
                self.ready(len)?;
                py::int_of_bytes(self.input.take(len))?
            }
        };
        self.stack.push(value);
        Ok(())
    }

    #[inline(always)]
    fn float(&mut self, value: f64) -> Py<()> {
        let value = match self.fresh {
            Some(fresh) => fresh.float(value)?,
            None => py::float(value)?,
        };
        self.stack.push(value);
        Ok(())
    }

    #[inline]
    fn text(&mut self, len: usize) -> Py<()> {
        self.ready(len)?;
        let bytes = self.input.take(len);
        let text = match self.fresh {
            Some(fresh) => match self.again.key(self.stack.len(), self.stack.fence, bytes, fresh) {
                Some(key) => key,
                None => fresh.text(bytes)?,
            },
            None => make::text(bytes)?,
        };
        self.stack.push(text);
        Ok(())
    }

    fn bytes(&mut self, len: usize) -> Py<()> {
        if len > isize::MAX as usize - 64 {
            return py::raise(Kind::Overflow, "byte string is too large");
        }
        let value = if self.input.ahead().len() >= len {
            py::bytes_of(self.input.take(len))?
        } else {
            self.filled(len, |len, fill| make::bytes_by(len, fill), py::bytes_of)?
        };
        self.stack.push(value);
        Ok(())
    }

    /// What `make` makes of `len` bytes that it can have written in place, or else `copy` of those read before.
    fn filled(
        &mut self,
        len: usize,
        make: impl FnOnce(usize, &mut dyn FnMut(&mut [u8]) -> Py<()>) -> Py,
        copy: fn(&[u8]) -> Py,
    ) -> Py {
        if self.input.ahead().len() >= len {
            return copy(self.input.take(len));
        }
        if I::WHOLE || len > IN_ONE_PIECE {
            self.ready(len)?;
            return copy(self.input.take(len));
        }
        self.outside(|reader| make(len, &mut |place| reader.input.fill(place, reader.st)))
    }

    /// Whether the value on top is a class that is of no other class than most.
    #[inline]
    fn is_class_on_top(&self) -> bool {
        self.stack.items.last().is_some_and(|top| typing::is_plain_metaclass(top.obj()))
    }

    /// A new reference to the value on top.
    #[inline]
    pub(super) fn top(&self) -> Own {
        match self.stack.items.last() {
            Some(value) => value.clone(),
            None => py::none(),
        }
    }

    /// Sees that so many values are in reach.
    #[inline]
    pub(super) fn need(&mut self, count: usize) -> Py<()> {
        if self.stack.has(count) { Ok(()) } else { self.real_or_underflow(count) }
    }

    #[cold]
    pub(super) fn underflow<T>(&self) -> Py<T> {
        let text = if self.stack.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" };
        self.st.unpickling(text)
    }

    /// Takes the value on top.
    #[inline]
    pub(super) fn take_top(&mut self) -> Py {
        self.need(1)?;
        match self.stack.items.pop() {
            Some(value) => Ok(value),
            None => self.underflow(),
        }
    }

    /// Takes the topmost mark: from there up the values are in reach.
    #[inline]
    pub(super) fn marker(&mut self) -> Py<usize> {
        let Some(mark) = self.stack.marks.pop() else { return self.st.unpickling("could not find MARK") };
        if mark < self.stack.floor {
            self.make_open_real()?;
        }
        self.stack.reset_fence();
        Ok(mark)
    }

    #[inline]
    pub(super) fn get(&mut self, index: u64) -> Py<()> {
        match self.memo.get(index) {
            Some(value) => {
                let value = value.own();
                self.stack.push(value);
                Ok(())
            }
            None => self.get_promised(index),
        }
    }

    #[cold]
    fn get_promised(&mut self, index: u64) -> Py<()> {
        if !self.make_entry_real(index)? {
            return self.missing(index);
        }
        self.get(index)
    }

    #[cold]
    fn missing(&self, index: u64) -> Py<()> {
        self.st.unpickling(&format!("Memo value not found at index {}", index as i64))
    }

    pub(super) fn put(&mut self, index: u64) -> Py<()> {
        if !self.stack.has(1) {
            return self.memoize_below(Some(index));
        }
        let value = self.top();
        self.put_value(index, value)
    }

    pub(super) fn put_value(&mut self, index: u64, value: Own) -> Py<()> {
        self.memo.make_room()?;
        let before = self.memo.put(index, Entry::of(value));
        if before.is_empty() { Ok(()) } else { self.let_go(before) }
    }

    /// Drops what may be the last reference to an object of the user's.
    #[cold]
    pub(super) fn let_go<T>(&mut self, values: T) -> Py<()> {
        self.outside(|_| {
            drop(values);
            Ok(())
        })
    }

    fn pop(&mut self) -> Py<()> {
        if self.stack.marks.last() == Some(&self.stack.len()) {
            return self.marker().map(drop);
        }
        let value = self.take_top()?;
        self.let_go(value)
    }

    /// Drops the values from `start` up.
    fn drop_from(&mut self, start: usize) -> Py<()> {
        let values = self.stack.items.split_off(start);
        self.let_go(values)
    }

    #[inline]
    fn tuple_of(&mut self, count: usize) -> Py<()> {
        self.need(count)?;
        if self.call_at_once(count)? {
            return Ok(());
        }
        let start = self.stack.len() - count;
        let tuple = make::tuple_of_tail(&mut self.stack.items, start)?;
        self.stack.push(tuple);
        Ok(())
    }

    fn next_buffer(&mut self) -> Py<()> {
        let options = self.options;
        let Some(buffers) = &options.buffers else {
            return self.st.unpickling("pickle stream refers to out-of-band data but no *buffers* argument was given");
        };
        match self.outside(|_| buffers.obj().next())? {
            Some(buffer) => {
                self.stack.push(buffer);
                Ok(())
            }
            None => self.st.unpickling("not enough out-of-band buffers"),
        }
    }
}
