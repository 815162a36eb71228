//! What each opcode does to stack, marks and memo.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};
use crate::global;
use crate::machine::{Builder, Flow, Machine};
use crate::op::number::{self, IntText, Integer};
use crate::op::{Arg, Op, text};
use crate::opcode::{HIGHEST_PROTOCOL, Opcode};
use crate::source::Chunk;

impl<V: Clone> Machine<V> {
    /// Executes one op.
    ///
    /// # Errors
    /// What the real unpickler refuses: underflows, missing marks, memo misses, broken text, values of wrong types; and
    /// `Limit`. The machine can go on to another pickle after `restart`.
    #[inline]
    pub fn step<'de, B: Builder<'de, Value = V>>(&mut self, op: Op<'_, 'de>, builder: &mut B) -> Result<Flow<V>> {
        if B::LENIENT { self.lenient_step(op, builder) } else { self.strict_step(op, builder) }
    }

    /// Executes one op, and refuses what `_pickle` refuses.
    #[inline]
    pub(super) fn strict_step<'de, B: Builder<'de, Value = V>>(
        &mut self,
        op: Op<'_, 'de>,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        self.budget.op()?;
        if self.strict {
            self.check_agreed(&op)?;
        }
        let Op { opcode, mut arg } = op;
        if self.crlf {
            arg = without_cr(arg);
        }
        let value = match (opcode, arg) {
            (Opcode::None, _) => builder.none()?,
            (Opcode::NewTrue, _) => builder.bool(true)?,
            (Opcode::NewFalse, _) => builder.bool(false)?,
            (Opcode::BinInt1 | Opcode::BinInt2, Arg::Uint(value)) => builder.int(Integer::Small(value as i64))?,
            (Opcode::BinInt, Arg::Int(value)) => builder.int(Integer::Small(i64::from(value)))?,
            (Opcode::Long1 | Opcode::Long4, Arg::Bytes(bytes)) => builder.int(Integer::from_le(&bytes))?,
            (Opcode::BinFloat, Arg::Float(value)) => builder.float(value)?,
            (Opcode::ShortBinUnicode | Opcode::BinUnicode | Opcode::BinUnicode8, Arg::Bytes(text)) => {
                builder.str(text)?
            }
            (Opcode::ShortBinString | Opcode::BinString, Arg::Bytes(bytes)) => builder.py2_str(bytes)?,
            (Opcode::ShortBinBytes | Opcode::BinBytes | Opcode::BinBytes8, Arg::Bytes(bytes)) => {
                builder.bytes(bytes)?
            }
            (Opcode::ByteArray8, Arg::Bytes(bytes)) => builder.bytearray(bytes)?,
            (Opcode::NextBuffer, _) => builder.buffer()?,
            (Opcode::ReadonlyBuffer, _) => {
                let start = self.top_count(1, opcode)?;
                let buffer = builder.read_only(&self.stack[start])?;
                self.stack.truncate(start);
                buffer
            }

            (Opcode::Memoize, _) => return self.put(self.memo.count(), opcode),
            (Opcode::BinPut | Opcode::LongBinPut, Arg::Uint(index)) => return self.put(index, opcode),
            (Opcode::Put, Arg::Line(line)) => return self.put(number::parse_index(&line)?, opcode),
            (Opcode::BinGet | Opcode::LongBinGet, Arg::Uint(index)) => again(self.recall(index)?, builder),
            (Opcode::Get, Arg::Line(line)) => again(self.recall(number::parse_index(&line)?)?, builder),
            (Opcode::Dup, _) => again(self.top(opcode)?, builder),

            (Opcode::Mark, _) => {
                self.mark();
                return Ok(Flow::Continue);
            }
            (Opcode::Pop, _) => return self.drop_top(opcode, builder),
            (Opcode::PopMark, _) => {
                let start = self.pop_mark(opcode)?;
                while self.stack.len() > start {
                    self.drop_value(builder);
                }
                return Ok(Flow::Continue);
            }

            (Opcode::EmptyTuple, _) => builder.tuple(&[])?,
            (Opcode::EmptyList, _) => builder.list(&[])?,
            (Opcode::EmptyDict, _) => builder.dict(&[])?,
            (Opcode::EmptySet, _) => builder.set()?,
            (Opcode::Tuple1, _) => return self.tuple(1, opcode, builder),
            (Opcode::Tuple2, _) => return self.tuple(2, opcode, builder),
            (Opcode::Tuple3, _) => return self.tuple(3, opcode, builder),
            (Opcode::Tuple, _) => return self.marked_tuple(builder),
            (Opcode::List, _) => {
                let start = self.pop_mark(opcode)?;
                let list = builder.list(&self.stack[start..])?;
                return self.replace(start, list);
            }
            (Opcode::FrozenSet, _) => {
                let start = self.pop_mark(opcode)?;
                let set = builder.frozenset(&self.stack[start..])?;
                return self.replace(start, set);
            }
            (Opcode::Dict, _) => {
                let start = self.pop_mark(opcode)?;
                self.check_even(start, opcode)?;
                let dict = builder.dict(&self.stack[start..])?;
                return self.replace(start, dict);
            }
            (Opcode::Append, _) => return self.append(builder),
            (Opcode::Appends, _) => return self.appends(builder),
            (Opcode::SetItem, _) => return self.set_item(builder),
            (Opcode::SetItems, _) => return self.set_items(builder),
            (Opcode::AddItems, _) => {
                let start = self.pop_mark(opcode)?;
                return self.fill(start, opcode, B::LENIENT, |set, items| builder.add_items(set, items));
            }

            (Opcode::Global, Arg::Lines { text, first_len }) => {
                let (module, name) = names(&text, first_len, opcode)?;
                self.global(self.line_end(module), name, builder)?
            }
            (Opcode::StackGlobal, _) => {
                let start = self.top_count(2, opcode)?;
                let module = builder.name(&self.stack[start])?;
                let name = builder.name(&self.stack[start + 1])?;
                self.stack.truncate(start);
                self.global(&module, &name, builder)?
            }
            (Opcode::Ext1 | Opcode::Ext2, Arg::Uint(code)) => extension(code as i64, opcode, builder)?,
            (Opcode::Ext4, Arg::Int(code)) => extension(i64::from(code), opcode, builder)?,
            (Opcode::PersId, Arg::Line(line)) => {
                if !line.is_ascii() {
                    return Err(invalid(opcode, "a line that is not ASCII"));
                }
                let id = builder.str(line)?;
                builder.persistent(&id)?
            }
            (Opcode::BinPersId, _) => {
                let id = self.pop(opcode)?;
                builder.persistent(&id)?
            }

            (Opcode::Reduce, _) => {
                let start = self.top_count(2, opcode)?;
                let result = builder.reduce(&self.stack[start], &self.stack[start + 1])?;
                return self.replace(start, result);
            }
            (Opcode::NewObj, _) => {
                let start = self.top_count(2, opcode)?;
                let object = builder.object(&self.stack[start], &self.stack[start + 1], None)?;
                return self.replace(start, object);
            }
            (Opcode::NewObjEx, _) => {
                let start = self.top_count(3, opcode)?;
                let kwargs = &self.stack[start + 2];
                let object = builder.object(&self.stack[start], &self.stack[start + 1], Some(kwargs))?;
                return self.replace(start, object);
            }
            (Opcode::Obj, _) => {
                let start = self.pop_mark(opcode)?;
                let Some((class, args)) = self.stack[start..].split_first() else {
                    return Err(self.underflow(opcode));
                };
                let object = builder.instance(class, args)?;
                return self.replace(start, object);
            }
            (Opcode::Inst, Arg::Lines { text, first_len }) => {
                let start = self.pop_mark(opcode)?;
                if !text.is_ascii() {
                    return Err(invalid(opcode, "a module or name that is not ASCII"));
                }
                let (module, name) = names(&text, first_len, opcode)?;
                let class = self.global(self.line_end(module), name, builder)?;
                let object = builder.instance(&class, &self.stack[start..])?;
                return self.replace(start, object);
            }
            (Opcode::Build, _) => {
                let start = self.top_count(2, opcode)?;
                builder.build(&self.stack[start], &self.stack[start + 1])?;
                return self.truncate(start + 1);
            }

            (Opcode::Int, Arg::Line(line)) => match number::parse_int(&line, self.budget.limits().int_digits)? {
                IntText::Bool(value) => builder.bool(value)?,
                IntText::Int(value) => builder.int(value)?,
            },
            (Opcode::Long, Arg::Line(line)) => {
                builder.int(number::parse_long(&line, self.budget.limits().int_digits)?)?
            }
            (Opcode::Float, Arg::Line(line)) => builder.float(number::parse_float(&line)?)?,
            (Opcode::Unicode, Arg::Line(line)) => {
                match unescape(line, text::decode_raw_unicode_escape, &mut self.scratch)? {
                    Some(chunk) => builder.str(chunk)?,
                    None => builder.str(Chunk::Scratch(&mut self.scratch))?,
                }
            }
            (Opcode::String, Arg::Line(line)) => match unescape(line, text::decode_string, &mut self.scratch)? {
                Some(chunk) => builder.py2_str(chunk)?,
                None => builder.py2_str(Chunk::Scratch(&mut self.scratch))?,
            },

            (Opcode::Proto, Arg::Uint(protocol)) => {
                if protocol > u64::from(HIGHEST_PROTOCOL) {
                    return Err(ErrorKind::UnknownProtocol { protocol }.into());
                }
                self.protocol = protocol as u8;
                return Ok(Flow::Continue);
            }
            (Opcode::Frame, _) => return Ok(Flow::Continue),
            (Opcode::Stop, _) => return Ok(Flow::Stop(self.pop(opcode)?)),
            (_, _) => return Err(invalid(opcode, "another kind than the opcode table says")),
        };
        self.stack.push(value);
        Ok(Flow::Continue)
    }

    #[inline]
    pub(super) fn replace(&mut self, start: usize, value: V) -> Result<Flow<V>> {
        self.stack.truncate(start);
        self.stack.push(value);
        Ok(Flow::Continue)
    }

    #[inline]
    fn truncate(&mut self, start: usize) -> Result<Flow<V>> {
        self.stack.truncate(start);
        Ok(Flow::Continue)
    }

    /// Pushes a value.
    #[inline]
    pub(crate) fn push(&mut self, value: V) {
        self.stack.push(value);
    }

    /// Pushes a mark.
    #[inline]
    pub(crate) fn mark(&mut self) {
        self.fence = self.stack.len();
        self.marks.push(self.fence);
    }

    #[inline]
    pub(crate) fn put(&mut self, index: u64, opcode: Opcode) -> Result<Flow<V>> {
        let value = self.top(opcode)?.clone();
        if self.strict {
            self.check_index(index)?;
        }
        self.memo.put(index, value);
        self.budget.memo(self.memo.count())?;
        Ok(Flow::Continue)
    }

    #[inline]
    pub(super) fn recall(&self, index: u64) -> Result<&V> {
        self.memo.get(index).ok_or_else(|| ErrorKind::MemoMiss { index }.into())
    }

    #[inline]
    pub(crate) fn tuple<'de, B: Builder<'de, Value = V>>(
        &mut self,
        count: usize,
        opcode: Opcode,
        builder: &mut B,
    ) -> Result<Flow<V>> {
        let start = self.top_count(count, opcode)?;
        let tuple = builder.tuple(&self.stack[start..])?;
        self.replace(start, tuple)
    }

    #[inline]
    pub(crate) fn marked_tuple<'de, B: Builder<'de, Value = V>>(&mut self, builder: &mut B) -> Result<Flow<V>> {
        let start = self.pop_mark(Opcode::Tuple)?;
        let tuple = builder.tuple(&self.stack[start..])?;
        self.replace(start, tuple)
    }

    #[inline]
    pub(crate) fn append<'de, B: Builder<'de, Value = V>>(&mut self, builder: &mut B) -> Result<Flow<V>> {
        let start = self.top_count(1, Opcode::Append)?;
        self.fill(start, Opcode::Append, B::LENIENT, |list, items| builder.append(list, items))
    }

    #[inline]
    pub(crate) fn appends<'de, B: Builder<'de, Value = V>>(&mut self, builder: &mut B) -> Result<Flow<V>> {
        let start = self.pop_mark(Opcode::Appends)?;
        self.fill(start, Opcode::Appends, B::LENIENT, |list, items| builder.append(list, items))
    }

    #[inline]
    pub(crate) fn set_item<'de, B: Builder<'de, Value = V>>(&mut self, builder: &mut B) -> Result<Flow<V>> {
        let start = self.top_count(2, Opcode::SetItem)?;
        self.fill(start, Opcode::SetItem, B::LENIENT, |dict, pairs| builder.set_items(dict, pairs))
    }

    #[inline]
    pub(crate) fn set_items<'de, B: Builder<'de, Value = V>>(&mut self, builder: &mut B) -> Result<Flow<V>> {
        let start = self.pop_mark(Opcode::SetItems)?;
        if !B::LENIENT {
            self.target(start, Opcode::SetItems)?;
        }
        self.check_even(start, Opcode::SetItems)?;
        self.fill(start, Opcode::SetItems, B::LENIENT, |dict, pairs| builder.set_items(dict, pairs))
    }

    /// Gives all from height `start` on to the value below, which stays. With no items it is not looked at, whatever it is.
    #[inline]
    pub(super) fn fill(
        &mut self,
        start: usize,
        opcode: Opcode,
        lenient: bool,
        give: impl FnOnce(&V, &[V]) -> Result<()>,
    ) -> Result<Flow<V>> {
        let target = match self.target(start, opcode) {
            Ok(target) => target,
            // Without items Python 2 looks for nothing to give them to.
            Err(_) if lenient && start == self.stack.len() => return Ok(Flow::Continue),
            Err(error) => return Err(error),
        };
        // Some readers look all the same, and call a method; so does who reads strictly, or as all of them.
        if start < self.stack.len() || self.strict || lenient {
            give(target, &self.stack[start..])?;
        }
        self.truncate(start)
    }

    fn check_even(&self, start: usize, opcode: Opcode) -> Result<()> {
        if (self.stack.len() - start).is_multiple_of(2) {
            return Ok(());
        }
        Err(invalid(opcode, "a key without a value"))
    }

    /// `POP` takes a mark where one is on top.
    fn drop_top<'de, B: Builder<'de, Value = V>>(&mut self, opcode: Opcode, builder: &mut B) -> Result<Flow<V>> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.pop_mark(opcode)?;
        } else {
            self.top(opcode)?;
            self.drop_value(builder);
        }
        Ok(Flow::Continue)
    }

    fn drop_value<'de, B: Builder<'de, Value = V>>(&mut self, builder: &mut B) {
        if let Some(value) = self.stack.pop() {
            builder.dropped(&value, self.stack.last());
        }
    }

    /// The first of two lines, without the carriage return at its end where there may be one.
    fn line_end<'t>(&self, line: &'t str) -> &'t str {
        if self.crlf { line.strip_suffix('\r').unwrap_or(line) } else { line }
    }

    /// Names are mapped by the protocol stated so far, as `_pickle` does.
    pub(super) fn global<'de, B: Builder<'de, Value = V>>(
        &self,
        module: &str,
        name: &str,
        builder: &mut B,
    ) -> Result<V> {
        let (module, name) =
            if self.fix_imports && self.protocol < 3 { global::to_python3(module, name) } else { (module, name) };
        if let Some(policy) = &self.policy {
            policy.check_name(module, name)?;
        }
        builder.global(module, name)
    }
}

/// The same value, to be pushed once more.
#[inline]
fn again<'de, B: Builder<'de>>(value: &B::Value, builder: &mut B) -> B::Value {
    builder.again(value);
    value.clone()
}

/// The argument with carriage returns taken off the ends of its lines.
#[cold]
fn without_cr<'s, 'de>(arg: Arg<'s, 'de>) -> Arg<'s, 'de> {
    match arg {
        Arg::Line(Chunk::Input(line)) => Arg::Line(Chunk::Input(line.strip_suffix(b"\r").unwrap_or(line))),
        Arg::Line(Chunk::Scratch(line)) => {
            line.pop_if(|byte| *byte == b'\r');
            Arg::Line(Chunk::Scratch(line))
        }
        Arg::Lines { text: Chunk::Input(text), first_len } => {
            // The carriage return of the first line stays between the two: names are cut by lengths.
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            Arg::Lines { text: Chunk::Input(text), first_len }
        }
        Arg::Lines { text: Chunk::Scratch(text), first_len } => {
            text.pop_if(|byte| *byte == b'\r');
            Arg::Lines { text: Chunk::Scratch(text), first_len }
        }
        arg => arg,
    }
}

#[cold]
fn invalid(opcode: Opcode, problem: &str) -> Error {
    ErrorKind::InvalidArgument { opcode: opcode.name(), problem: problem.to_owned() }.into()
}

fn extension<'de, B: Builder<'de>>(code: i64, opcode: Opcode, builder: &mut B) -> Result<B::Value> {
    match u32::try_from(code) {
        Ok(code) if code > 0 => builder.extension(code),
        _ => Err(invalid(opcode, "an extension code below 1")),
    }
}

/// Module and name of `GLOBAL` and `INST`.
fn names(text: &[u8], first_len: usize, opcode: Opcode) -> Result<(&str, &str)> {
    let (module, name) = (&text[..first_len], &text[first_len + 1..]);
    if module.is_empty() || name.is_empty() {
        return Err(invalid(opcode, "an empty module or name"));
    }
    match (std::str::from_utf8(module), std::str::from_utf8(name)) {
        (Ok(module), Ok(name)) => Ok((module, name)),
        _ => Err(invalid(opcode, "a module or name that is not UTF-8")),
    }
}

/// The text of a line after its escapes are resolved: a part of the line itself, or nothing and the scratch buffer filled.
fn unescape<'s, 'de>(
    line: Chunk<'s, 'de>,
    decode: impl for<'t> Fn(&'t [u8]) -> Result<Cow<'t, [u8]>>,
    scratch: &mut Vec<u8>,
) -> Result<Option<Chunk<'s, 'de>>> {
    if let Chunk::Input(input) = line {
        return Ok(match decode(input)? {
            Cow::Borrowed(text) => Some(Chunk::Input(text)),
            Cow::Owned(text) => {
                *scratch = text;
                None
            }
        });
    }
    *scratch = decode(&line)?.into_owned();
    Ok(None)
}
