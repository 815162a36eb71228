//! Which ops change where attributes do: eight bytes for each place, and the bytes that go there once for all that are alike.
//!
//! A name that is in the memo is changed where it stands if all who get it want the same; else whoever wants another writes it
//! anew. What is dropped leaves its entries in the memo, so that all others keep their indexes.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::emitter::{Emitter, Fill};
use crate::op::{Arg, MemoUse, read_op, text, write};
use crate::opcode::Opcode;
use crate::rewrite::migrate::copy::{Copy, frame_end};
use crate::rewrite::migrate::layout::Added;
use crate::rewrite::migrate::memo::{Entries, Held};
use crate::rewrite::migrate::ops::Survey;
use crate::sink::VecSink;
use crate::source::{SliceSource, Source};

/// An attribute in a state: where its name and its value stand.
#[derive(Clone, Copy)]
pub(super) struct Attribute {
    /// The op with the text of the name, and the one that pushes it here: that, or a get.
    pub(super) str_at: usize,
    pub(super) key_at: usize,
    /// The memo entry of the name, and of the value.
    pub(super) key_entry: Option<u64>,
    pub(super) value_entry: Option<u64>,
    pub(super) value_at: usize,
    pub(super) value_end: usize,
    /// Where all that belongs to it ends: an op that sets this alone belongs to it.
    pub(super) end: usize,
    /// How many entries the memo had before the name, and before the value.
    pub(super) counts: [u64; 2],
}

/// What changes in one pickle.
pub(super) struct Edits<'i> {
    input: &'i [u8],
    survey: &'i Survey,
    /// Offset and number of the content.
    places: Vec<u64>,
    contents: Vec<Content>,
    numbers: FxHashMap<Content, u64>,
    names: FxHashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
    /// Names by the offset of an op that is in the memo.
    read: FxHashMap<usize, u32>,
    uses: FxHashMap<(usize, Option<u32>), usize>,
    used: Vec<Use>,
    /// What is added to all of a layout, after names that are of Python 2 or not.
    added: FxHashMap<(usize, bool), u64>,
    /// Bytes that were looked at once more.
    again: usize,
}

/// What goes to a place.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Content {
    /// Bytes before the op.
    Before(Vec<u8>),
    /// Bytes in place of the op.
    Op(Vec<u8>),
    /// Nothing in place of so many bytes, but a `POP` of what stands before, and entries of the memo.
    Gone { len: usize, pop: bool, entries: u64 },
    /// Another name in place of a get.
    Get(usize),
    /// Another name in place of the one just put into the memo.
    Put(usize),
}

impl Content {
    /// The order of those at one place: what is gone takes others with it.
    fn rank(&self) -> u8 {
        match self {
            Content::Gone { .. } => 0,
            Content::Put(_) => 1,
            _ => 2,
        }
    }
}

/// A name in the memo, and what it is to be: another one, or gone.
struct Use {
    str_at: usize,
    entry: u64,
    to: Option<u32>,
    count: u64,
}

/// Bits of a place that number its content.
const NUMBER: u32 = 24;

impl<'i> Edits<'i> {
    pub(super) fn new(input: &'i [u8], survey: &'i Survey) -> Edits<'i> {
        Edits {
            input,
            survey,
            places: Vec::new(),
            contents: Vec::new(),
            numbers: FxHashMap::default(),
            names: FxHashMap::default(),
            texts: Vec::new(),
            read: FxHashMap::default(),
            uses: FxHashMap::default(),
            used: Vec::new(),
            added: FxHashMap::default(),
            again: 0,
        }
    }

    /// The number of an attribute's name; nothing for what is no name.
    pub(super) fn name(&mut self, attribute: &Attribute) -> Option<u32> {
        if let Some(name) = self.read.get(&attribute.str_at) {
            return Some(*name);
        }
        let mut source = self.source(attribute.str_at);
        let op = read_op(&mut source).ok()?;
        let name = match (op.opcode, &op.arg) {
            (Opcode::Unicode, Arg::Line(line)) => {
                self.number(str::from_utf8(&text::decode_raw_unicode_escape(line).ok()?).ok()?)?
            }
            (Opcode::String, Arg::Line(line)) => self.number(str::from_utf8(&text::decode_string(line).ok()?).ok()?)?,
            (_, Arg::Bytes(bytes)) => self.number(str::from_utf8(bytes).ok()?)?,
            _ => return None,
        };
        if attribute.key_entry.is_some() {
            self.read.insert(attribute.str_at, name);
        }
        Some(name)
    }

    /// The text of a name.
    pub(super) fn text(&self, name: u32) -> Option<&str> {
        self.texts.get(name as usize).map(|text| &**text)
    }

    /// Gives an attribute another name.
    pub(super) fn rename(&mut self, attribute: &Attribute, name: &str) -> Option<()> {
        let Some(entry) = attribute.key_entry else {
            let content = Content::Op(self.name_like(Some(attribute), name)?);
            return self.put(attribute.key_at, content);
        };
        let to = self.number(name)?;
        let usage = self.used(attribute, entry, Some(to));
        match attribute.key_at == attribute.str_at {
            true => self.put(attribute.value_at, Content::Put(usage)),
            false => self.put(attribute.key_at, Content::Get(usage)),
        }
    }

    /// Drops an attribute; nothing comes back where other values need what is in it.
    pub(super) fn drop(&mut self, attribute: &Attribute, memo: &mut Entries) -> Option<()> {
        if let Some(entry) = attribute.key_entry {
            self.used(attribute, entry, None);
        }
        // A name that goes into the memo here may be got elsewhere.
        let stays = attribute.key_entry.is_some() && attribute.key_at == attribute.str_at;
        let [before_key, before_value] = attribute.counts;
        match stays {
            true => self.gone(attribute.value_at..attribute.end, before_value, true, memo),
            false => self.gone(attribute.key_at..attribute.end, before_key, false, memo),
        }
    }

    /// Adds attributes whose values rules say: the same for all of a layout.
    pub(super) fn add_known(
        &mut self,
        at: usize,
        layout: usize,
        like: Option<&Attribute>,
        added: &[(String, Added)],
    ) -> Option<()> {
        let is_py2 = like.is_some_and(|like| self.is_py2(like));
        if let Some(number) = self.added.get(&(layout, is_py2)) {
            return self.place(at, *number);
        }
        let number = self.content(Content::Before(self.attributes(like, added, &[])?))?;
        self.added.insert((layout, is_py2), number);
        self.place(at, number)
    }

    /// Adds attributes, some of which have the value of another.
    pub(super) fn add(
        &mut self,
        at: usize,
        like: Option<&Attribute>,
        added: &[(String, Added)],
        attributes: &[Attribute],
    ) -> Option<()> {
        let content = Content::Before(self.attributes(like, added, attributes)?);
        let number = self.new_content(content)?;
        self.place(at, number)
    }

    /// The pickle with all that changes, its names too, if anything does; nothing at all where it cannot be written so.
    pub(super) fn done(
        mut self,
        start: usize,
        names: &[Option<(String, String)>],
        memo: Entries,
    ) -> Option<Option<Vec<u8>>> {
        let settled = self.settled(&memo);
        let mut few = self.survey.patches(self.input, names, &memo);
        // It is not held beside the copy.
        drop(memo);
        for usage in settled.iter().zip(&self.used).filter_map(|(settled, usage)| settled.then_some(usage)) {
            let mut new = Vec::new();
            match usage.to.and_then(|to| self.text(to)) {
                Some(name) => new = self.op_like(usage.str_at, name)?,
                None => write::simple(&mut new, Opcode::None),
            }
            few.push((self.op_at(usage.str_at)?, new));
        }
        if few.is_empty() && self.places.is_empty() {
            return Some(None);
        }
        few.sort_by_key(|(range, _)| range.start);
        let contents = &self.contents;
        self.places.sort_unstable_by_key(|place| {
            (place >> NUMBER, contents.get((place & ((1 << NUMBER) - 1)) as usize).map_or(0, Content::rank))
        });
        let mut copy = Copy::new(self.input, start..self.survey.end, &self.survey.frames);
        let mut few = few.into_iter().peekable();
        let mut new = Vec::new();
        for place in &self.places {
            let at = (place >> NUMBER) as usize;
            while let Some((range, new)) = few.next_if(|(range, _)| range.start < at) {
                copy.replace(range, &new);
            }
            new.clear();
            let content = &self.contents[(place & ((1 << NUMBER) - 1)) as usize];
            let end = match content {
                Content::Get(usage) | Content::Put(usage) if settled[*usage] => continue,
                Content::Before(bytes) => {
                    new.extend_from_slice(bytes);
                    at
                }
                Content::Op(bytes) => {
                    new.extend_from_slice(bytes);
                    self.op_at(at)?.end
                }
                Content::Gone { len, pop, entries } => {
                    gone(&mut new, *pop, *entries);
                    at + len
                }
                Content::Get(usage) => {
                    new = self.op_of(*usage)?;
                    self.op_at(at)?.end
                }
                Content::Put(usage) => {
                    new = self.op_of(*usage)?;
                    new.insert(0, Opcode::Pop.code());
                    at
                }
            };
            copy.replace(at..end, &new);
        }
        few.for_each(|(range, new)| copy.replace(range, &new));
        Some(Some(copy.finish()))
    }

    /// Of each use of a name, whether all who get it want the same.
    fn settled(&self, memo: &Entries) -> Vec<bool> {
        let mut wishes: FxHashMap<usize, u32> = FxHashMap::default();
        self.used.iter().for_each(|usage| *wishes.entry(usage.str_at).or_default() += 1);
        let is_settled = |usage: &Use| {
            // It is used once where it stands, and once by each get of it.
            let all = memo.get(usage.entry).and_then(|entry| Some(1 + entry.gets()?));
            wishes.get(&usage.str_at) == Some(&1) && all == Some(usage.count)
        };
        self.used.iter().map(is_settled).collect()
    }

    fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(number) = self.names.get(name) {
            return Some(*number);
        }
        let number = u32::try_from(self.texts.len()).ok()?;
        self.texts.push(name.into());
        self.names.insert(name.into(), number);
        Some(number)
    }

    fn used(&mut self, attribute: &Attribute, entry: u64, to: Option<u32>) -> usize {
        let next = self.used.len();
        let usage = *self.uses.entry((attribute.str_at, to)).or_insert(next);
        if usage == next {
            self.used.push(Use { str_at: attribute.str_at, entry, to, count: 0 });
        }
        self.used[usage].count += 1;
        usage
    }

    fn put(&mut self, at: usize, content: Content) -> Option<()> {
        let number = self.content(content)?;
        self.place(at, number)
    }

    fn place(&mut self, at: usize, number: u64) -> Option<()> {
        let at = u64::try_from(at).ok().filter(|at| at >> (u64::BITS - NUMBER) == 0)?;
        self.places.push(at << NUMBER | number);
        Some(())
    }

    fn content(&mut self, content: Content) -> Option<u64> {
        if let Some(number) = self.numbers.get(&content) {
            return Some(*number);
        }
        let number = self.new_content(content.clone())?;
        self.numbers.insert(content, number);
        Some(number)
    }

    fn new_content(&mut self, content: Content) -> Option<u64> {
        let number = u64::try_from(self.contents.len()).ok().filter(|number| number >> NUMBER == 0)?;
        self.contents.push(content);
        Some(number)
    }

    fn gone(&mut self, range: Range<usize>, mut count: u64, pop: bool, memo: &mut Entries) -> Option<()> {
        /// What goes within what goes is looked at again, no more often than this.
        const AGAIN: usize = 8;
        self.again = self.again.checked_add(range.len())?;
        if self.again / AGAIN > self.input.len() {
            return None;
        }
        let mut source = self.source(range.start);
        let (mut puts, mut gets) = (Vec::new(), FxHashMap::<u64, u64>::default());
        let mut entries = 0;
        let mut frame_end = self.frame_end(range.start);
        // Parts between which frames begin or end.
        let mut parts: Vec<Range<usize>> = Vec::new();
        parts.push(range.start..range.start);
        while (source.offset() as usize) < range.end {
            let offset = source.offset() as usize;
            let op = read_op(&mut source).ok()?;
            let next = offset + op.encoded_len();
            if op.opcode == Opcode::Frame {
                parts.push(next..next);
                frame_end = self.frame_end(next);
                continue;
            }
            if offset == frame_end {
                parts.push(offset..offset);
            }
            parts.last_mut()?.end = next;
            match op.memo_use().ok()? {
                Some(MemoUse::Get(index)) => *gets.entry(index as u64).or_default() += 1,
                Some(MemoUse::Put(index)) => {
                    puts.push(index as u64);
                    count += 1;
                }
                Some(MemoUse::Memoize) => {
                    puts.push(count);
                    count += 1;
                    entries += 1;
                }
                None => {}
            }
        }
        for index in puts {
            let entry = *memo.get(index)?;
            if entry.gets()? != gets.get(&index).copied().unwrap_or(0) {
                return None;
            }
            memo.put(index, entry.with(Held::Dropped));
        }
        let (mut pop, mut entries) = (pop, entries);
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.put(part.start, Content::Gone { len: part.len(), pop, entries })?;
            (pop, entries) = (false, 0);
        }
        Some(())
    }

    /// Where the frame ends that an op is in.
    fn frame_end(&self, offset: usize) -> usize {
        let after = self.survey.frames.partition_point(|frame| *frame < offset);
        let frame = after.checked_sub(1).and_then(|before| self.survey.frames.get(before));
        frame.map_or(usize::MAX, |frame| frame_end(self.input, *frame))
    }

    fn attributes(
        &self,
        like: Option<&Attribute>,
        added: &[(String, Added)],
        attributes: &[Attribute],
    ) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for (name, value) in added {
            out.extend(self.name_like(like, name)?);
            let mut emitter = self.emitter()?;
            match value {
                Added::Literal(literal) => literal.write_to(&mut emitter)?,
                Added::Copy(index) => {
                    let attribute = attributes.get(*index)?;
                    match attribute.value_entry {
                        Some(entry) => emitter.get(entry),
                        None => out.extend_from_slice(self.atom(attribute)?),
                    }
                }
            }
            emitter.end_batch(Fill::SetItems, true);
            out.extend(emitter.into_bytes());
        }
        Some(out)
    }

    /// The op of a value that is told by one, and is the same value when it is told twice.
    fn atom(&self, attribute: &Attribute) -> Option<&'i [u8]> {
        let range = self.op_at(attribute.value_at)?;
        let is_container = matches!(
            Opcode::from_code(*self.input.get(range.start)?)?,
            Opcode::EmptyDict | Opcode::EmptyList | Opcode::EmptySet | Opcode::ByteArray8 | Opcode::NextBuffer
        );
        if is_container || range.end != attribute.value_end {
            return None;
        }
        self.input.get(range)
    }

    fn op_at(&self, offset: usize) -> Option<Range<usize>> {
        let mut source = self.source(offset);
        read_op(&mut source).ok()?;
        Some(offset..source.offset() as usize)
    }

    fn op_of(&self, usage: usize) -> Option<Vec<u8>> {
        let usage = self.used.get(usage)?;
        self.op_like(usage.str_at, self.text(usage.to?)?)
    }

    fn is_py2(&self, attribute: &Attribute) -> bool {
        let code = self.input.get(attribute.str_at).copied().and_then(Opcode::from_code);
        matches!(code, Some(Opcode::String | Opcode::BinString | Opcode::ShortBinString))
    }

    /// The op of a name of the type that another one has.
    fn name_like(&self, like: Option<&Attribute>, name: &str) -> Option<Vec<u8>> {
        match like {
            Some(like) => self.op_like(like.str_at, name),
            None => {
                let mut emitter = self.emitter()?;
                emitter.str(name.as_bytes()).ok()?;
                Some(emitter.into_bytes())
            }
        }
    }

    fn op_like(&self, str_at: usize, name: &str) -> Option<Vec<u8>> {
        let mut emitter = self.emitter()?;
        match Opcode::from_code(*self.input.get(str_at)?)? {
            Opcode::String | Opcode::BinString | Opcode::ShortBinString => emitter.py2_str(name.as_bytes()).ok()?,
            _ => emitter.str(name.as_bytes()).ok()?,
        }
        Some(emitter.into_bytes())
    }

    fn emitter(&self) -> Option<Emitter<VecSink>> {
        Emitter::new(VecSink, self.survey.protocol, false).ok()
    }

    fn source(&self, offset: usize) -> SliceSource<'i> {
        let mut source = SliceSource::new(self.input);
        source.seek(offset as u64);
        source
    }
}

/// The ops that stand for what is gone.
fn gone(out: &mut Vec<u8>, pop: bool, entries: u64) {
    if pop {
        write::simple(out, Opcode::Pop);
    }
    if entries > 0 {
        write::simple(out, Opcode::None);
        (0..entries).for_each(|_| write::simple(out, Opcode::Memoize));
        write::simple(out, Opcode::Pop);
    }
}
