//! Arguments that are lines of text, and strings of Python 2.

use super::{NO_PERSISTENT_LOAD, Reader};
use crate::input::Bytes;
use crate::py::{self, Kind, Own, Py, number};

impl<I: Bytes> Reader<'_, I> {
    /// The next line, its newline included.
    pub(super) fn line(&mut self) -> Py<Vec<u8>> {
        let find = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n');
        let len = match find(self.input.ahead()) {
            Some(place) => place + 1,
            None => {
                self.outside(|reader| reader.input.more_line(reader.st))?;
                find(self.input.ahead()).map_or(0, |place| place + 1)
            }
        };
        Ok(self.input.take(len).to_vec())
    }

    /// A line with something on it.
    fn filled_line(&mut self) -> Py<Vec<u8>> {
        let line = self.line()?;
        if line.len() < 2 {
            return self.st.unpickling("pickle data was truncated");
        }
        Ok(line)
    }

    pub(super) fn int_line(&mut self) -> Py<()> {
        let line = self.filled_line()?;
        let value = match line[..] {
            [b'0', b'0', b'\n'] => py::bool_of(false),
            [b'0', b'1', b'\n'] => py::bool_of(true),
            _ => {
                let (value, small) = number::int_of_line(&line, self.st.text_base)?;
                match small {
                    Some(small @ (0 | 1)) if line.len() == 3 => py::bool_of(small == 1),
                    _ => value,
                }
            }
        };
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn long_line(&mut self) -> Py<()> {
        let line = self.filled_line()?;
        let value = number::long_of_line(&line, self.st.text_base)?;
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn float_line(&mut self) -> Py<()> {
        let line = self.filled_line()?;
        self.stack.push(number::float_of_line(&line)?);
        Ok(())
    }

    pub(super) fn string_line(&mut self) -> Py<()> {
        let line = self.line()?;
        let inner = match line[..line.len() - 1] {
            [first @ (b'\'' | b'"'), ref inner @ .., last] if first == last => inner,
            _ => return self.st.unpickling("the STRING opcode argument must be quoted"),
        };
        let bytes = number::unescaped(inner)?;
        let value = match &self.options.encoding {
            None => bytes,
            // Any codec may stand for it, also one of the user's.
            Some(encoding) => {
                self.outside(|reader| number::decoded_object(&bytes, encoding, &reader.options.errors))?
            }
        };
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn py2_string(&mut self, len: usize) -> Py<()> {
        self.ready(len)?;
        let bytes = self.input.take(len);
        let value = match &self.options.encoding {
            None => py::bytes_of(bytes)?,
            Some(encoding) => {
                let bytes = bytes.to_vec();
                self.outside(|reader| py::decoded(&bytes, encoding, &reader.options.errors))?
            }
        };
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn unicode_line(&mut self) -> Py<()> {
        let line = self.line()?;
        self.stack.push(number::raw_unicode(&line[..line.len() - 1])?);
        Ok(())
    }

    /// The names of an `INST` or `GLOBAL`.
    pub(super) fn two_names(&mut self, read: fn(&[u8]) -> Py) -> Py<(Own, Own)> {
        let line = self.filled_line()?;
        let module = read(&line[..line.len() - 1])?;
        let line = self.filled_line()?;
        let name = read(&line[..line.len() - 1])?;
        Ok((module, name))
    }

    pub(super) fn get_line(&mut self) -> Py<()> {
        let line = self.filled_line()?;
        let index = number::index_of_line(&line)?;
        self.get(index as u64)
    }

    pub(super) fn put_line(&mut self) -> Py<()> {
        let line = self.filled_line()?;
        if self.stack.floor == 0 {
            self.need(1)?;
        }
        match number::index_of_line(&line)? {
            index @ 0.. => self.put(index as u64),
            _ => py::raise(Kind::Value, "negative PUT argument"),
        }
    }

    pub(super) fn persistent_line(&mut self) -> Py<()> {
        if self.hooks.persistent_load.is_none() {
            return self.st.unpickling(NO_PERSISTENT_LOAD);
        }
        let line = self.line()?;
        match number::ascii_text(&line[..line.len() - 1]) {
            Ok(id) => self.persistent(id),
            Err(_) if number::is_decode_error() => {
                py::clear();
                self.st.unpickling("persistent IDs in protocol 0 must be ASCII strings")
            }
            Err(raised) => Err(raised),
        }
    }

    pub(super) fn persistent(&mut self, id: Own) -> Py<()> {
        let hooks = self.hooks;
        let Some(load) = &hooks.persistent_load else { return self.st.unpickling(NO_PERSISTENT_LOAD) };
        let value = self.outside(|_| load.obj().call1(id.obj()))?;
        self.stack.push(value);
        Ok(())
    }
}
