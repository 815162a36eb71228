//! Values that hold no others: numbers, text, bytes, names.

use std::borrow::Cow;

use crate::emitter::Emitter;
use crate::emitter::frame::TARGET;
use crate::error::Result;
use crate::global;
use crate::op::number::{self, Integer};
use crate::op::{text, write};
use crate::opcode::Opcode;
use crate::sink::Sink;

impl<S: Sink> Emitter<S> {
    /// `None`.
    #[inline]
    pub fn none(&mut self) {
        self.simple(Opcode::None);
    }

    /// A bool.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        if self.protocol < 2 {
            return self.text_bool(value);
        }
        self.simple(if value { Opcode::NewTrue } else { Opcode::NewFalse });
    }

    #[cold]
    fn text_bool(&mut self, value: bool) {
        write::line(&mut self.out, Opcode::Int, if value { b"01" } else { b"00" });
    }

    /// An int of 64 bits.
    // What is rare stands in functions of its own, so that the rest fits into the loops of those who call it.
    #[inline(always)]
    pub fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(value) if self.protocol > 0 => write::int(&mut self.out, value),
            _ => self.long_int(value),
        }
    }

    #[inline(never)]
    fn long_int(&mut self, value: i64) {
        if self.protocol == 0 {
            self.text_int(&Integer::Small(value));
        } else {
            self.long(&Integer::Small(value));
        }
    }

    /// An int of any size: two's complement, little-endian.
    ///
    /// # Errors
    /// `Inexpressible` from 2^31 bytes on.
    pub fn big_int(&mut self, le_bytes: &[u8]) -> Result<()> {
        match Integer::from_le(le_bytes) {
            Integer::Small(value) => self.int(value),
            value if self.protocol == 0 => self.text_int(&value),
            value if i32::try_from(le_bytes.len()).is_ok() => self.long(&value),
            _ => return Err(self.inexpressible("an int of 2^31 bytes", "there is no way to write it")),
        }
        Ok(())
    }

    fn long(&mut self, value: &Integer<'_>) {
        if self.protocol < 2 {
            return self.text_int(value);
        }
        let bytes = value.to_le();
        let opcode = if bytes.len() <= 255 { Opcode::Long1 } else { Opcode::Long4 };
        write::length(&mut self.out, opcode, bytes.len());
        self.out.extend_from_slice(&bytes);
    }

    fn text_int(&mut self, value: &Integer<'_>) {
        let mut digits = Vec::new();
        number::write_decimal(&mut digits, value);
        // Python 2 reads an `I` line into 32 bits on some machines; CPython writes longer ones as `L`.
        if matches!(value, Integer::Small(value) if i32::try_from(*value).is_ok()) {
            write::line(&mut self.out, Opcode::Int, &digits);
        } else {
            digits.push(b'L');
            write::line(&mut self.out, Opcode::Long, &digits);
        }
    }

    /// A float.
    #[inline(always)]
    pub fn float(&mut self, value: f64) {
        if self.protocol == 0 {
            return self.text_float(value);
        }
        write::float8(&mut self.out, Opcode::BinFloat, value);
    }

    #[cold]
    fn text_float(&mut self, value: f64) {
        let mut text = Vec::new();
        number::write_float(&mut text, value);
        write::line(&mut self.out, Opcode::Float, &text);
    }

    /// A str, given as UTF-8 with surrogates let through.
    ///
    /// # Errors
    /// `Inexpressible` from 4 GiB on below protocol 4; `Io`.
    #[inline]
    pub fn str(&mut self, value: &[u8]) -> Result<()> {
        if value.len() > 255 || self.protocol < 4 {
            return self.long_str(value);
        }
        self.out.reserve(2 + value.len());
        write::uint1(&mut self.out, Opcode::ShortBinUnicode, value.len() as u8);
        self.out.extend_from_slice(value);
        Ok(())
    }

    #[inline(never)]
    fn long_str(&mut self, value: &[u8]) -> Result<()> {
        if self.protocol == 0 {
            let mut line = Vec::with_capacity(value.len());
            text::encode_raw_unicode_escape(&mut line, value);
            write::line(&mut self.out, Opcode::Unicode, &line);
            return Ok(());
        }
        self.prefixed(value, [None, Some(Opcode::BinUnicode), Some(Opcode::BinUnicode8)])
    }

    /// Bytes.
    ///
    /// # Errors
    /// As for [`Emitter::str`].
    pub fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if self.protocol >= 3 {
            let opcodes = [Some(Opcode::ShortBinBytes), Some(Opcode::BinBytes), Some(Opcode::BinBytes8)];
            return self.prefixed(value, opcodes);
        }
        // Python 2 gets its `str` by these calls, Python 3 its bytes.
        if value.is_empty() {
            self.helper("bytes", "builtins", "bytes")?;
            self.empty_tuple();
        } else {
            self.helper("encode", "_codecs", "encode")?;
            self.latin1_pair(value, "latin1")?;
        }
        self.reduce();
        Ok(())
    }

    /// A bytearray.
    ///
    /// # Errors
    /// As for [`Emitter::str`].
    pub fn bytearray(&mut self, value: &[u8]) -> Result<()> {
        if self.protocol >= 5 {
            return self.prefixed(value, [None, None, Some(Opcode::ByteArray8)]);
        }
        self.helper("bytearray", "builtins", "bytearray")?;
        if value.is_empty() {
            self.empty_tuple();
        } else if self.protocol >= 3 {
            self.bytes(value)?;
            self.end_tuple(1);
        } else {
            self.latin1_pair(value, "latin-1")?;
        }
        self.reduce();
        Ok(())
    }

    /// A tuple of the text that `value` is in Latin-1, and the name of that encoding.
    fn latin1_pair(&mut self, value: &[u8], encoding: &'static str) -> Result<()> {
        let text: String = value.iter().map(|byte| char::from(*byte)).collect();
        if self.tuple_needs_mark(2) {
            self.mark();
        }
        self.str(text.as_bytes())?;
        match self.helpers.get(encoding) {
            Some(&index) => self.get(index),
            None => {
                self.str(encoding.as_bytes())?;
                let index = self.memoize();
                self.helpers.insert(encoding, index);
            }
        }
        self.end_tuple(2);
        Ok(())
    }

    /// A Python 2 `str`.
    ///
    /// # Errors
    /// `Inexpressible` from 2 GiB on; `Io`.
    pub fn py2_str(&mut self, value: &[u8]) -> Result<()> {
        if self.protocol == 0 {
            let mut line = Vec::with_capacity(value.len() + 2);
            text::encode_string(&mut line, value);
            write::line(&mut self.out, Opcode::String, &line);
            return Ok(());
        }
        if i32::try_from(value.len()).is_err() {
            return Err(self.inexpressible("a Python 2 str of 2 GiB", "make bytes or a str of it"));
        }
        self.prefixed(value, [Some(Opcode::ShortBinString), Some(Opcode::BinString), None])
    }

    /// Bytes after the shortest length prefix that holds their length: of one, four or eight bytes.
    fn prefixed(&mut self, value: &[u8], opcodes: [Option<Opcode>; 3]) -> Result<()> {
        let fits = [value.len() <= 255, u32::try_from(value.len()).is_ok(), true];
        let exists = |opcode: &Opcode| opcode.protocol() <= self.protocol.max(3);
        let found = opcodes.into_iter().zip(fits).find_map(|(opcode, fits)| opcode.filter(|op| fits && exists(op)));
        let Some(opcode) = found else {
            return Err(self.inexpressible("text or bytes of 4 GiB", "use protocol 4"));
        };
        if value.len() >= TARGET {
            return self.large(opcode, value);
        }
        write::length(&mut self.out, opcode, value.len());
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// The next out-of-band buffer.
    ///
    /// # Errors
    /// `Inexpressible` below protocol 5.
    pub fn buffer(&mut self, read_only: bool) -> Result<()> {
        if self.protocol < 5 {
            return Err(self.inexpressible("an out-of-band buffer", "use protocol 5, or give its content"));
        }
        self.simple(Opcode::NextBuffer);
        if read_only {
            self.simple(Opcode::ReadonlyBuffer);
        }
        Ok(())
    }

    /// A class, function or other thing by name.
    ///
    /// # Errors
    /// `Inexpressible` for a name with a newline, or not in ASCII, below protocol 4.
    pub fn global(&mut self, module: &str, name: &str) -> Result<()> {
        if self.protocol >= 4 {
            self.str(module.as_bytes())?;
            self.str(name.as_bytes())?;
            self.simple(Opcode::StackGlobal);
            return Ok(());
        }
        // A dotted name is looked up step by step only from protocol 4 on. One with nothing between its dots never is.
        match name.rsplit_once('.') {
            Some((outer, inner)) if name.split('.').all(|step| !step.is_empty()) => {
                return self.attribute(module, outer, inner);
            }
            _ => {}
        }
        let line = self.global_lines(module, name)?;
        write::line(&mut self.out, Opcode::Global, &line);
        Ok(())
    }

    /// `getattr(module.outer, inner)`, for each step of a dotted name from the outermost on.
    fn attribute(&mut self, module: &str, outer: &str, inner: &str) -> Result<()> {
        let mut steps: Vec<&str> = outer.split('.').collect();
        steps.push(inner);
        for _ in 1..steps.len() {
            self.helper("getattr", "builtins", "getattr")?;
            if self.tuple_needs_mark(2) {
                self.mark();
            }
        }
        let line = self.global_lines(module, steps[0])?;
        write::line(&mut self.out, Opcode::Global, &line);
        for step in &steps[1..] {
            self.str(step.as_bytes())?;
            self.end_tuple(2);
            self.reduce();
        }
        Ok(())
    }

    /// Module and name as `GLOBAL` and `INST` have them, a line each, in Python 2's names where that is asked for.
    fn global_lines(&mut self, module: &str, name: &str) -> Result<Vec<u8>> {
        let (module, name): (Cow<'_, str>, Cow<'_, str>) = if self.fix_imports && self.protocol < 3 {
            let (module, name) = global::to_python2(module, name);
            (module.into(), name.into())
        } else {
            (module.into(), name.into())
        };
        let what = || format!("the global {module}.{name}");
        if module.contains('\n') || name.contains('\n') {
            return Err(self.inexpressible(what(), "a name with a newline needs protocol 4"));
        }
        if module.is_empty() || name.is_empty() {
            return Err(self.inexpressible(what(), "an empty name needs protocol 4"));
        }
        if self.protocol < 3 && !(module.is_ascii() && name.is_ascii()) {
            return Err(self.inexpressible(what(), "a name that is not ASCII needs protocol 3"));
        }
        Ok([module.as_bytes(), b"\n", name.as_bytes()].concat())
    }

    /// A global by its extension code.
    ///
    /// # Errors
    /// `Inexpressible` below protocol 2.
    pub fn extension(&mut self, code: u32) -> Result<()> {
        if self.protocol < 2 {
            return Err(self.inexpressible(format!("extension code {code}"), "use protocol 2"));
        }
        if let Ok(byte) = u8::try_from(code) {
            write::uint1(&mut self.out, Opcode::Ext1, byte);
        } else if let Ok(short) = u16::try_from(code) {
            write::uint2(&mut self.out, Opcode::Ext2, short);
        } else {
            write::uint4(&mut self.out, Opcode::Ext4, code);
        }
        Ok(())
    }

    /// A value kept outside, by an id that is a line of text: protocol 0.
    ///
    /// # Errors
    /// `Inexpressible` if the id is no line of ASCII.
    pub fn persistent_line(&mut self, id: &[u8]) -> Result<()> {
        if !id.is_ascii() || id.contains(&b'\n') {
            let what = "a persistent id that is no line of ASCII";
            return Err(self.inexpressible(what, "use protocol 1"));
        }
        write::line(&mut self.out, Opcode::PersId, id);
        Ok(())
    }

    /// An instance of a class by name, with the arguments above the mark: protocol 0.
    ///
    /// # Errors
    /// As for [`Emitter::global`], and for a dotted name.
    pub fn instance_lines(&mut self, module: &str, name: &str) -> Result<()> {
        if name.contains('.') {
            return Err(self.inexpressible(format!("an old-style instance of {module}.{name}"), "use protocol 1"));
        }
        let line = self.global_lines(module, name)?;
        write::line(&mut self.out, Opcode::Inst, &line);
        Ok(())
    }
}
