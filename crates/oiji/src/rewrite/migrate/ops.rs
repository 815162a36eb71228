//! New names without a graph: one walk over the ops says which bytes change, one copy changes them. Memo and protocol stay
//! as they are, and frames grow and shrink with what is in them.
//!
//! `GLOBAL` and `INST` have their names in them. `STACK_GLOBAL` takes two strs: where such a str names nothing else, it is
//! changed where it stands; where it does, it is dropped in favour of a new one.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::error::{ErrorKind, Result};
use crate::limits::{Budget, Limits};
use crate::op::{Arg, MemoUse, Op, read_op, write};
use crate::opcode::Opcode;
use crate::rewrite::migrate::copy::Copy;
use crate::rewrite::migrate::memo::{Entries, Entry, Held};
use crate::source::{SliceSource, Source};

/// What the walk over one pickle finds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Where it ends.
    pub(super) end: usize,
    pub(super) protocol: u8,
    /// Module, name and count of all globals that are told by their names.
    pub(super) globals: Vec<(String, String, u64)>,
    /// Whether it has strings of Python 2.
    pub(super) has_py2_strings: bool,
    /// Whether it names globals by text that is not told just before.
    pub(super) has_hidden: bool,
    index: FxHashMap<(String, String), usize>,
    /// Where names stand.
    pub(super) places: Vec<(usize, Place)>,
    /// Frames: where their op begins.
    pub(super) frames: Vec<usize>,
    /// Memo entries were put over others: then nothing is said of what is used where.
    pub(super) is_overwritten: bool,
}

/// Where a global is named.
#[derive(Debug)]
pub(super) enum Place {
    /// By an op with both names.
    Op(Range<usize>),
    /// By an op at this offset that takes two strs, and by the ops of these, where they are known.
    Stack(usize, Operand, Operand),
}

/// A str that `STACK_GLOBAL` takes: the offset of its op, and the memo entry that it was got from or put at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Operand {
    pub(super) offset: usize,
    entry: Option<u64>,
}

/// What was pushed last.
#[derive(Clone, Copy)]
struct Pushed {
    offset: usize,
    entry: Option<u64>,
    is_str: bool,
}

impl Survey {
    /// Walks over the pickle that begins at `start`.
    ///
    /// # Errors
    /// What [`read_op`] says; `MemoMiss`; `EndOfInput`.
    pub(super) fn of(input: &[u8], start: usize, limits: Limits, memo: &mut Entries) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut budget = Budget::new(limits);
        let mut source = SliceSource::with_limit(input, limits.bytes);
        source.seek(start as u64);
        // The last two values that were pushed, if each is a str.
        let mut pushed: [Option<Pushed>; 2] = [None; 2];
        loop {
            let offset = source.offset() as usize;
            let op = match read_op(&mut source) {
                Ok(op) => op,
                Err(error) if offset == start && error.is_end_before_op() => {
                    return Err(crate::Error::from(ErrorKind::EndOfInput).at(offset as u64));
                }
                Err(error) => return Err(error),
            };
            budget.op().map_err(|error| error.at(offset as u64))?;
            match op.opcode {
                Opcode::ShortBinUnicode | Opcode::BinUnicode | Opcode::BinUnicode8 | Opcode::Unicode => {
                    pushed = [pushed[1], Some(Pushed { offset, entry: None, is_str: true })];
                }
                Opcode::Memoize | Opcode::BinPut | Opcode::LongBinPut | Opcode::Put => {
                    let index = match op.memo_use().map_err(|error| error.at(offset as u64))? {
                        Some(MemoUse::Put(index)) => index as u64,
                        _ => memo.count(),
                    };
                    let top = pushed[1].as_mut().filter(|top| top.entry.is_none() && top.is_str);
                    let held = top.as_ref().map_or(Held::Other, |top| Held::Str(top.offset));
                    if let Some(top) = top {
                        top.entry = Some(index);
                    }
                    let count = memo.count();
                    memo.put(index, Entry::of(held));
                    survey.is_overwritten |= memo.count() == count;
                }
                Opcode::BinGet | Opcode::LongBinGet | Opcode::Get => {
                    let index = match op.memo_use().map_err(|error| error.at(offset as u64))? {
                        Some(MemoUse::Get(index)) => index as u64,
                        _ => 0,
                    };
                    let Some(entry) = memo.get(index).copied() else {
                        return Err(crate::Error::from(ErrorKind::MemoMiss { index }).at(offset as u64));
                    };
                    let mut top = None;
                    if let Held::Str(offset) = entry.held() {
                        memo.put(index, entry.got());
                        top = Some(Pushed { offset, entry: Some(index), is_str: true });
                    }
                    pushed = [pushed[1], top];
                }
                Opcode::Global | Opcode::Inst => {
                    if let Arg::Lines { text, first_len } = &op.arg
                        && let (Ok(module), Ok(name)) =
                            (std::str::from_utf8(&text[..*first_len]), std::str::from_utf8(&text[*first_len + 1..]))
                    {
                        let global = survey.met(module, name);
                        survey.places.push((global, Place::Op(offset..source.offset() as usize)));
                    }
                    pushed = [None; 2];
                }
                Opcode::StackGlobal => {
                    if let [Some(module), Some(name)] = pushed
                        && let (Some(module_text), Some(name_text)) =
                            (text_at(input, module.offset), text_at(input, name.offset))
                    {
                        let global = survey.met(&module_text, &name_text);
                        let operand = |pushed: Pushed| Operand { offset: pushed.offset, entry: pushed.entry };
                        survey.places.push((global, Place::Stack(offset, operand(module), operand(name))));
                    } else {
                        survey.has_hidden = true;
                    }
                    pushed = [None; 2];
                }
                Opcode::Frame => survey.frames.push(offset),
                Opcode::Proto => survey.protocol(&op),
                Opcode::String | Opcode::BinString | Opcode::ShortBinString => {
                    survey.has_py2_strings = true;
                    pushed = [None; 2];
                }
                Opcode::Stop => break,
                _ => pushed = [None; 2],
            }
        }
        survey.end = source.offset() as usize;
        Ok(survey)
    }

    fn protocol(&mut self, op: &Op<'_, '_>) {
        if let Arg::Uint(protocol) = op.arg {
            self.protocol = u8::try_from(protocol).unwrap_or(u8::MAX);
        }
    }

    /// The number of a global that was met once more.
    fn met(&mut self, module: &str, name: &str) -> usize {
        let next = self.globals.len();
        let index = *self.index.entry((module.to_owned(), name.to_owned())).or_insert(next);
        if index == next {
            self.globals.push((module.to_owned(), name.to_owned(), 0));
        }
        self.globals[index].2 += 1;
        index
    }

    /// The pickle with other names, which are given by the number of the old ones.
    pub(super) fn renamed(
        &self,
        input: &[u8],
        start: usize,
        names: &[Option<(String, String)>],
        entries: &Entries,
    ) -> Vec<u8> {
        let mut copy = Copy::new(input, start..self.end, &self.frames);
        self.patches(input, names, entries).iter().for_each(|(range, new)| copy.replace(range.clone(), new));
        copy.finish()
    }

    /// What names must become, one place after another.
    pub(super) fn patches(
        &self,
        input: &[u8],
        names: &[Option<(String, String)>],
        entries: &Entries,
    ) -> Vec<(Range<usize>, Vec<u8>)> {
        let changes = self.strs(names, entries);
        let mut patches = Vec::new();
        for (global, place) in &self.places {
            let Some((module, name)) = &names[*global] else { continue };
            match place {
                Place::Op(range) => {
                    let opcode = if input[range.start] == Opcode::Inst.code() { Opcode::Inst } else { Opcode::Global };
                    let mut new = Vec::new();
                    write::line(&mut new, opcode, format!("{module}\n{name}").as_bytes());
                    patches.push((range.clone(), new));
                }
                Place::Stack(offset, module_at, name_at) => {
                    let in_place = |at: &Operand| changes.get(&at.offset).is_some_and(Option::is_some);
                    if in_place(module_at) && in_place(name_at) {
                        continue;
                    }
                    let mut new = Vec::new();
                    write::simple(&mut new, Opcode::Pop);
                    write::simple(&mut new, Opcode::Pop);
                    push(&mut new, module);
                    push(&mut new, name);
                    write::simple(&mut new, Opcode::StackGlobal);
                    patches.push((*offset..*offset + 1, new));
                }
            }
        }
        for (offset, text) in changes {
            let Some(text) = text else { continue };
            let mut source = SliceSource::new(input);
            source.seek(offset as u64);
            if let (Some(old), Ok(_)) = (text_at(input, offset), read_op(&mut source))
                && old != text
            {
                let mut new = Vec::new();
                push(&mut new, &text);
                patches.push((offset..source.offset() as usize, new));
            }
        }
        patches.sort_by_key(|(range, _)| range.start);
        patches
    }

    /// By the offset of each str that names globals: what it is from now on, where all that use it agree.
    fn strs<'n>(
        &'n self,
        names: &'n [Option<(String, String)>],
        entries: &Entries,
    ) -> FxHashMap<usize, Option<String>> {
        /// What one str is wanted to be, by how many, and by the entry it is in.
        struct Wanted<'n> {
            text: Option<&'n str>,
            uses: u64,
            entry: Option<u64>,
        }
        let mut wanted: FxHashMap<usize, Wanted<'_>> = FxHashMap::default();
        let mut want = |at: &Operand, text: &'n str| {
            let entry = wanted.entry(at.offset).or_insert(Wanted { text: Some(text), uses: 0, entry: at.entry });
            entry.uses += 1;
            entry.entry = entry.entry.or(at.entry);
            entry.text = entry.text.filter(|other| *other == text);
        };
        for (global, place) in &self.places {
            let Place::Stack(_, module_at, name_at) = place else { continue };
            let (old_module, old_name, _) = &self.globals[*global];
            let (module, name) =
                names[*global].as_ref().map_or((old_module, old_name), |(module, name)| (module, name));
            want(module_at, module);
            want(name_at, name);
        }
        // A str is used once where it stands, and once by each get of it.
        let all_uses = |wanted: &Wanted<'_>| match wanted.entry {
            None => Some(1),
            Some(_) if self.is_overwritten => None,
            Some(entry) => entries.get(entry).and_then(|entry| Some(1 + entry.gets()?)),
        };
        let settle = |wanted: Wanted<'_>| {
            let agreed = all_uses(&wanted) == Some(wanted.uses);
            wanted.text.filter(|_| agreed).map(str::to_owned)
        };
        wanted.into_iter().map(|(offset, wanted)| (offset, settle(wanted))).collect()
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    let opcode = if text.len() <= 0xff { Opcode::ShortBinUnicode } else { Opcode::BinUnicode };
    write::length(out, opcode, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// The text that the op at `offset` pushes.
fn text_at(input: &[u8], offset: usize) -> Option<String> {
    let mut source = SliceSource::new(input);
    source.seek(offset as u64);
    match read_op(&mut source).ok()? {
        Op { opcode: Opcode::Unicode, .. } => None,
        Op { arg: Arg::Bytes(bytes), .. } => std::str::from_utf8(&bytes).ok().map(str::to_owned),
        _ => None,
    }
}
