//! Objects that hold no others: numbers, text, bytes.

use crate::output::FRAME_TARGET;
use crate::py::{self, Chars, Kind, Obj, Own, Py, View, layout};
use crate::save::{Saver, Work, code};

impl Saver<'_> {
    pub(super) fn save_bool(&mut self, value: bool) -> Py<()> {
        if self.protocol >= 2 {
            self.out.buffer.put([if value { code::NEWTRUE } else { code::NEWFALSE }])
        } else {
            self.out.buffer.put(if value { *b"I01\n" } else { *b"I00\n" })
        }
    }

    #[inline(always)]
    pub(super) fn save_int(&mut self, object: Obj<'_>) -> Py<()> {
        let small = if self.known { layout::small_int(object) } else { None };
        let value = match small {
            Some(value) => Some(value),
            None => object.as_i64()?,
        };
        match (value.and_then(|value| i32::try_from(value).ok()), value) {
            (Some(value), _) if self.bin => self.small_int(value),
            (Some(value), _) => self.out.buffer.put_slice(format!("I{value}\n").as_bytes()),
            (None, Some(value)) if self.protocol >= 2 => self.long_of_word(value),
            _ => self.save_long(object),
        }
    }

    /// An int that does not fit into 32 bits, but into 64.
    #[inline(never)]
    fn long_of_word(&mut self, value: i64) -> Py<()> {
        let bits = 65 - (value ^ value >> 63).leading_zeros();
        let len = bits.div_ceil(8);
        let head = u64::from(code::LONG1) | u64::from(len) << 8;
        self.out.buffer.put_short(head, 2, &value.to_le_bytes()[..len as usize])
    }

    #[inline(always)]
    pub(super) fn small_int(&mut self, value: i32) -> Py<()> {
        let [a, b, c, d] = value.to_le_bytes();
        if c != 0 || d != 0 {
            self.out.buffer.put([code::BININT, a, b, c, d])
        } else if b != 0 {
            self.out.buffer.put([code::BININT2, a, b])
        } else {
            self.out.buffer.put([code::BININT1, a])
        }
    }

    #[inline(never)]
    fn save_long(&mut self, object: Obj<'_>) -> Py<()> {
        if self.protocol < 2 {
            let text = object.repr()?;
            self.out.buffer.put([code::LONG])?;
            let Chars::Ascii(digits) = text.obj().chars()? else { return Ok(()) };
            self.out.buffer.put_slice(digits)?;
            return self.out.buffer.put(*b"L\n");
        }
        object.with_int_bytes(|bytes| {
            if let Ok(len) = u8::try_from(bytes.len()) {
                let head = u64::from(code::LONG1) | u64::from(len) << 8;
                return self.out.buffer.put_short(head, 2, bytes);
            }
            let Ok(len) = i32::try_from(bytes.len()) else {
                return py::raise(Kind::Overflow, "int too large to pickle");
            };
            self.out.buffer.put([code::LONG4])?;
            self.out.buffer.put(len.to_le_bytes())?;
            self.out.buffer.put_slice(bytes)
        })
    }

    #[inline]
    pub(super) fn save_float(&mut self, object: Obj<'_>) -> Py<()> {
        let value = object.as_f64();
        if self.bin {
            let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
            return self.out.buffer.put([code::BINFLOAT, a, b, c, d, e, f, g, h]);
        }
        let text = py::float_text(value)?;
        self.out.buffer.put([code::FLOAT])?;
        self.out.buffer.put_slice(&text)?;
        self.out.buffer.put([b'\n'])
    }

    #[inline]
    pub(super) fn save_str(&mut self, object: Obj<'_>, single: bool) -> Py<()> {
        let held = self.held_if_long(object);
        let object = held.as_ref().map_or(object, Own::obj);
        self.save_text(object)?;
        self.memo_put_atom(single, object)
    }

    /// A key that several dicts share without holding it each.
    #[inline]
    pub(super) fn save_shared_key(&mut self, object: Obj<'_>) -> Py<()> {
        if let Some(index) = self.memo.get(object) {
            return self.memo_get_str(object, index);
        }
        let held = self.held_if_long(object);
        let object = held.as_ref().map_or(object, Own::obj);
        self.save_text(object)?;
        self.memo_put(object)
    }

    /// A str that goes to a file by itself, whose `write` may let its last holder go.
    #[inline]
    fn held_if_long(&self, object: Obj<'_>) -> Option<Own> {
        // A character may take four bytes.
        (self.out.has_file() && object.str_len() >= FRAME_TARGET / 4).then(|| object.own())
    }

    #[inline]
    fn save_text(&mut self, object: Obj<'_>) -> Py<()> {
        let chars = object.chars()?;
        match &chars {
            Chars::Ascii(text) if self.bin => self.text(text),
            _ if self.bin => {
                let mut utf8 = std::mem::take(&mut self.utf8);
                utf8.clear();
                chars.utf8(&mut utf8);
                let result = self.text(&utf8);
                self.utf8 = utf8;
                result
            }
            _ => {
                let mut line = vec![code::UNICODE];
                raw_unicode_escape(&chars, &mut line);
                line.push(b'\n');
                self.out.buffer.put_slice(&line)
            }
        }
    }

    #[inline]
    fn text(&mut self, utf8: &[u8]) -> Py<()> {
        match u8::try_from(utf8.len()) {
            Ok(len) if self.protocol >= 4 => {
                let head = u64::from(code::SHORT_BINUNICODE) | u64::from(len) << 8;
                self.out.buffer.put_short(head, 2, utf8)
            }
            _ => self.long_text(utf8),
        }
    }

    fn long_text(&mut self, utf8: &[u8]) -> Py<()> {
        let len = utf8.len();
        match u32::try_from(len) {
            Ok(len) => {
                let [a, b, c, d] = len.to_le_bytes();
                self.payload(&[code::BINUNICODE, a, b, c, d], utf8, None)
            }
            _ if self.protocol >= 4 => self.payload(&eight(code::BINUNICODE8, len), utf8, None),
            _ => {
                py::raise(Kind::Overflow, "serializing a string larger than 4 GiB requires pickle protocol 4 or higher")
            }
        }
    }

    /// A head and its content, which goes to a file by itself if it is long.
    fn payload(&mut self, head: &[u8], bytes: &[u8], object: Option<Obj<'_>>) -> Py<()> {
        if bytes.len() >= FRAME_TARGET && self.out.has_file() {
            self.user_code()?;
        }
        self.out.payload(head, bytes, object)
    }

    /// Bytes, from protocol 3 on.
    pub(super) fn save_bytes(&mut self, object: Obj<'_>, single: bool) -> Py<()> {
        // A file's `write` may let the last holder go.
        let held;
        let object = if object.bytes().len() >= FRAME_TARGET {
            held = object.own();
            held.obj()
        } else {
            object
        };
        self.bytes_payload(object.bytes(), Some(object))?;
        self.memo_put_atom(single, object)
    }

    pub(super) fn bytes_payload(&mut self, bytes: &[u8], object: Option<Obj<'_>>) -> Py<()> {
        let len = bytes.len();
        match (u8::try_from(len), u32::try_from(len)) {
            (Ok(len), _) => {
                let head = u64::from(code::SHORT_BINBYTES) | u64::from(len) << 8;
                self.out.buffer.put_short(head, 2, bytes)
            }
            (_, Ok(len)) => {
                let [a, b, c, d] = len.to_le_bytes();
                self.payload(&[code::BINBYTES, a, b, c, d], bytes, object)
            }
            _ if self.protocol >= 4 => self.payload(&eight(code::BINBYTES8, len), bytes, object),
            _ => py::raise(
                Kind::Overflow,
                "serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher",
            ),
        }
    }

    /// Bytes before protocol 3: a call that makes them of text.
    pub(super) fn save_old_bytes(&mut self, object: Obj<'_>) -> Py<()> {
        self.user_code()?;
        let bytes = object.bytes();
        let value = if bytes.is_empty() {
            py::tuple(&[self.st.bytes_type.clone(), py::tuple(&[])?])?
        } else {
            let args = py::tuple(&[py::str_of_latin1(bytes)?, self.st.names.latin1.clone()])?;
            py::tuple(&[self.st.encode.clone(), args])?
        };
        self.reduce(value, Some(object))
    }

    pub(super) fn save_bytearray(&mut self, object: Obj<'_>) -> Py<()> {
        let (single, held) = (self.single, object.own());
        let object = held.obj();
        if self.protocol >= 5 {
            let bytes = object.bytes();
            let head = eight(code::BYTEARRAY8, bytes.len());
            if self.out.has_file() && bytes.len() >= FRAME_TARGET {
                // A file's `write` may change the bytearray.
                let copy = bytes.to_vec();
                self.payload(&head, &copy, Some(object))?;
            } else {
                self.payload(&head, bytes, Some(object))?;
            }
            return self.memo_put_unless(single, object);
        }
        self.user_code()?;
        let bytes = object.bytes();
        let args = if bytes.is_empty() { py::tuple(&[])? } else { py::tuple(&[py::new_bytes(bytes)?])? };
        let value = py::tuple(&[self.st.bytearray_type.clone(), args])?;
        self.reduce(value, Some(object))
    }

    pub(super) fn save_picklebuffer(&mut self, object: Obj<'_>) -> Py<()> {
        if self.protocol < 5 {
            return self.st.pickling("PickleBuffer can only be pickled with protocol >= 5");
        }
        self.user_code()?;
        let held = object.own();
        let object = held.obj();
        let view = View::any(object)?;
        if !view.is_contiguous() {
            return self.st.pickling("PickleBuffer can not be pickled when pointing to a non-contiguous buffer");
        }
        let in_band = match &self.options.buffer_callback {
            Some(callback) => self.asking(|| callback.obj().call1(object))?.obj().is_true()?,
            None => true,
        };
        if !in_band {
            self.out.buffer.put([code::NEXT_BUFFER])?;
            if view.is_read_only() {
                self.out.buffer.put([code::READONLY_BUFFER])?;
            }
            return Ok(());
        }
        if view.is_read_only() {
            self.bytes_payload(view.bytes(), Some(object))?;
        } else {
            self.payload(&eight(code::BYTEARRAY8, view.bytes().len()), view.bytes(), Some(object))?;
        }
        self.memo_put(object)
    }

    /// Puts an object on the stack, to be written next.
    pub(super) fn push(&mut self, object: Own) {
        self.work.push(Work::Value(object));
    }
}

/// An opcode with a length of eight bytes.
fn eight(opcode: u8, len: usize) -> [u8; 9] {
    let mut header = [opcode; 9];
    header[1..].copy_from_slice(&(len as u64).to_le_bytes());
    header
}

/// Text of protocol 0: what is no printable Latin-1, and what would end a line, is escaped.
fn raw_unicode_escape(chars: &Chars<'_>, out: &mut Vec<u8>) {
    chars.each(|char| match char {
        0x1_0000.. => out.extend(format!("\\U{char:08x}").bytes()),
        0x100.. | 0 | 0x0a | 0x0d | 0x1a | 0x5c => out.extend(format!("\\u{char:04x}").bytes()),
        _ => out.push(char as u8),
    });
}
