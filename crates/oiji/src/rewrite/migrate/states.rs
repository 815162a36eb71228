//! Other attributes without a graph: one walk over the ops, with a stack of what little must be known of each value, finds the
//! dicts that are states of instances. `layout` says what becomes of their attributes, `edits` keeps which ops that changes.
//!
//! Where a pickle does what picklers do not do, the walk gives up and the graph does its work: a state in two places, a value
//! that goes while it is used elsewhere, a memo entry put over another.

use crate::graph::Helper;
use crate::limits::Limits;
use crate::machine::Memo;
use crate::op::{MemoUse, Op, read_op};
use crate::opcode::Opcode;
use crate::rewrite::migrate::edits::{Attribute, Edits};
use crate::rewrite::migrate::layout::{Added, Fate, InPlace, Layouts};
use crate::rewrite::migrate::memo::{Entries, Entry, Held};
use crate::rewrite::migrate::ops::{Place, Survey};
use crate::rewrite::migrate::rules::{Action, Shape};
use crate::source::{SliceSource, Source};

/// Finds what becomes of the states of a pickle; nothing where that takes a graph.
pub(super) fn changes<'i>(
    input: &'i [u8],
    start: usize,
    survey: &'i Survey,
    layouts: &mut Layouts,
    limits: Limits,
) -> Option<(Edits<'i>, Entries)> {
    if survey.has_hidden || survey.is_overwritten {
        return None;
    }
    let makers = survey.globals.iter().map(|(module, name, _)| Helper::of(module, name)).collect::<Vec<_>>();
    let is_ruled = |(number, maker): (usize, &Option<Helper>)| maker.is_some() && !layouts.rules(number).is_empty();
    let all = (0..makers.len()).flat_map(|class| layouts.rules(class)).flat_map(|(_, rule)| &rule.actions);
    if makers.iter().enumerate().any(is_ruled) || all.into_iter().any(is_of_every_instance) {
        return None;
    }
    let mut walk = Walk {
        survey,
        layouts,
        makers,
        named: 0,
        memo: Memo::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        open: Vec::new(),
        attributes: 0,
        edits: Edits::new(input, survey),
        key: Vec::new(),
    };
    let mut source = SliceSource::with_limit(input, limits.bytes);
    source.seek(start as u64);
    // A stack that outgrows the pickle is no less than a graph.
    let most = FEW.max(input.len() / SHARE);
    loop {
        let offset = source.offset() as usize;
        let op = read_op(&mut source).ok()?;
        if op.opcode == Opcode::Stop {
            return Some((walk.edits, walk.memo));
        }
        walk.op(&op, offset, offset + op.encoded_len())?;
        if walk.stack.len() + walk.marks.len() + walk.attributes > most {
            return None;
        }
    }
}

/// Whether an action is done to an instance that has no state, too.
fn is_of_every_instance(action: &Action) -> bool {
    matches!(action, Action::StateOf(_) | Action::To(..) | Action::Call { .. } | Action::ToDict | Action::Decide(_))
}

/// So many values are always let onto the stack, and else one for so many bytes of the pickle.
const FEW: usize = 1 << 16;
const SHARE: usize = 64;

/// A value on the stack.
#[derive(Clone, Copy)]
struct Slot {
    held: Held,
    /// Where its first op stands, and how many entries the memo had there.
    start: usize,
    count: u64,
    /// The memo entry that it was got from, or put at first.
    entry: Option<u64>,
}

struct Mark {
    height: usize,
    start: usize,
    count: u64,
}

/// What seems to be the state of an instance, while it is on the stack.
struct Open {
    position: usize,
    class: usize,
    shape: Shape,
    /// The entries of the dict, and of the pair that holds it.
    entries: [Option<u64>; 2],
    /// Where the pair is made.
    pair_at: Option<usize>,
    attributes: Vec<Attribute>,
}

struct Walk<'w, 'i> {
    survey: &'i Survey,
    layouts: &'w mut Layouts,
    /// By the number of a global: whether it makes instances of other classes than itself.
    makers: Vec<Option<Helper>>,
    /// How many places with names are behind.
    named: usize,
    memo: Entries,
    stack: Vec<Slot>,
    marks: Vec<Mark>,
    open: Vec<Open>,
    /// How many attributes these have.
    attributes: usize,
    edits: Edits<'i>,
    key: Vec<u32>,
}

impl Walk<'_, '_> {
    /// Does an op; nothing comes back where the walk gives up.
    fn op(&mut self, op: &Op<'_, '_>, offset: usize, next: usize) -> Option<()> {
        match op.opcode {
            Opcode::Proto | Opcode::Frame | Opcode::Stop => {}
            Opcode::None => self.push(Held::None, offset),
            Opcode::ShortBinUnicode
            | Opcode::BinUnicode
            | Opcode::BinUnicode8
            | Opcode::Unicode
            | Opcode::String
            | Opcode::BinString
            | Opcode::ShortBinString => self.push(Held::Str(offset), offset),
            Opcode::Memoize | Opcode::BinPut | Opcode::LongBinPut | Opcode::Put => {
                let index = match op.memo_use().ok()? {
                    Some(MemoUse::Put(index)) => index as u64,
                    _ => self.memo.count(),
                };
                self.put(index)?;
            }
            Opcode::BinGet | Opcode::LongBinGet | Opcode::Get => match op.memo_use().ok()? {
                Some(MemoUse::Get(index)) => self.get(index as u64, offset)?,
                _ => return None,
            },
            Opcode::Mark => {
                self.marks.push(Mark { height: self.stack.len(), start: offset, count: self.memo.count() });
            }
            Opcode::EmptyDict => self.dict(offset, self.memo.count()),
            Opcode::Dict => {
                let mark = self.marks.pop()?;
                let is_empty = mark.height == self.stack.len();
                self.leave(mark.height);
                match is_empty {
                    true => self.dict(mark.start, mark.count),
                    false => self.push_at(Held::Other, mark.start, mark.count),
                }
            }
            Opcode::SetItem => {
                self.reach(3)?;
                self.items(self.stack.len() - 2, offset, next)?;
            }
            Opcode::SetItems => {
                let mark = self.marks.pop()?;
                self.items(mark.height, offset, offset)?;
            }
            Opcode::Append => {
                self.reach(2)?;
                self.leave(self.stack.len() - 1);
            }
            Opcode::Appends | Opcode::AddItems => {
                let mark = self.marks.pop()?;
                self.leave(mark.height);
                self.reach(1)?;
            }
            Opcode::Tuple1 => self.tuple(1, offset)?,
            Opcode::Tuple2 => self.tuple(2, offset)?,
            Opcode::Tuple3 => self.tuple(3, offset)?,
            Opcode::Tuple | Opcode::List | Opcode::FrozenSet => {
                let mark = self.marks.pop()?;
                let first = self.stack.get(mark.height).map(|slot| slot.held);
                let held = if op.opcode == Opcode::Tuple { self.first(first) } else { Held::Other };
                self.leave(mark.height);
                self.push_at(held, mark.start, mark.count);
            }
            Opcode::Pop => match self.marks.last() {
                Some(mark) if mark.height == self.stack.len() => drop(self.marks.pop()),
                _ => {
                    self.reach(1)?;
                    self.leave(self.stack.len() - 1);
                }
            },
            Opcode::PopMark => {
                let mark = self.marks.pop()?;
                self.leave(mark.height);
            }
            Opcode::Dup => {
                self.reach(1)?;
                let slot = *self.stack.last()?;
                match slot.held {
                    Held::State | Held::Instance(_) => return None,
                    held => self.push(held, offset),
                }
            }
            Opcode::Global => {
                let held = self.global(offset).map_or(Held::Other, Held::Global);
                self.push(held, offset);
            }
            Opcode::StackGlobal => {
                let held = self.global(offset).map_or(Held::Other, Held::Global);
                self.replace(2, held)?;
            }
            Opcode::Reduce => {
                let [.., called, args] = self.stack[..] else { return None };
                let held = self.call(called.held, args.held)?;
                self.replace(2, held)?;
            }
            Opcode::NewObj | Opcode::NewObjEx => {
                let count = if op.opcode == Opcode::NewObj { 2 } else { 3 };
                self.reach(count)?;
                let held = self.instance(self.stack[self.stack.len() - count].held);
                self.replace(count, held)?;
            }
            Opcode::Obj | Opcode::Inst => {
                let mark = self.marks.pop()?;
                let class = match op.opcode {
                    Opcode::Inst => self.global(offset).map_or(Held::Other, Held::Global),
                    _ => self.stack.get(mark.height)?.held,
                };
                let held = self.instance(class);
                self.leave(mark.height);
                self.push_at(held, mark.start, mark.count);
            }
            Opcode::Build => self.build(offset)?,
            Opcode::BinPersId => self.replace(1, Held::Other)?,
            Opcode::ReadonlyBuffer => self.reach(1)?,
            // The rest pushes one value.
            _ => self.push(Held::Other, offset),
        }
        Some(())
    }

    fn push(&mut self, held: Held, start: usize) {
        self.push_at(held, start, self.memo.count());
    }

    fn push_at(&mut self, held: Held, start: usize, count: u64) {
        self.stack.push(Slot { held, start, count, entry: None });
    }

    /// Sees that so many values stand above the mark.
    fn reach(&self, count: usize) -> Option<()> {
        let fence = self.marks.last().map_or(0, |mark| mark.height);
        (self.stack.len() >= fence + count).then_some(())
    }

    /// Takes values off the stack: what seemed to be a state among them is none.
    fn leave(&mut self, height: usize) {
        while let Some(open) = self.open.pop_if(|open| open.position >= height) {
            self.attributes -= open.attributes.len();
            open.entries.into_iter().flatten().for_each(|index| self.becomes(index, Held::Other));
        }
        self.stack.truncate(height);
    }

    fn becomes(&mut self, index: u64, held: Held) {
        if let Some(entry) = self.memo.get(index).copied() {
            self.memo.put(index, entry.with(held));
        }
    }

    /// Puts one value in place of so many.
    fn replace(&mut self, count: usize, held: Held) -> Option<()> {
        self.reach(count)?;
        let height = self.stack.len() - count;
        let Slot { start, count, .. } = self.stack[height];
        self.leave(height);
        self.push_at(held, start, count);
        Some(())
    }

    fn put(&mut self, index: u64) -> Option<()> {
        self.reach(1)?;
        let top = self.stack.last_mut()?;
        let held = match (top.held, top.entry) {
            (held, None) => held,
            (Held::State | Held::Instance(_) | Held::Str(_), Some(_)) => return None,
            (held, Some(_)) => held,
        };
        top.entry = top.entry.or(Some(index));
        if held == Held::State {
            let open = self.open.last_mut()?;
            open.entries[usize::from(open.pair_at.is_some())] = Some(index);
        }
        self.memo.put(index, Entry::of(held));
        Some(())
    }

    fn get(&mut self, index: u64, offset: usize) -> Option<()> {
        let entry = *self.memo.get(index)?;
        if matches!(entry.held(), Held::State | Held::Dropped) {
            return None;
        }
        self.memo.put(index, entry.got());
        self.stack.push(Slot { held: entry.held(), start: offset, count: self.memo.count(), entry: Some(index) });
        Some(())
    }

    /// The number of the global that is named here.
    fn global(&mut self, offset: usize) -> Option<usize> {
        let (number, place) = self.survey.places.get(self.named)?;
        let at = match place {
            Place::Op(range) => range.start,
            Place::Stack(offset, ..) => *offset,
        };
        if at != offset {
            return None;
        }
        self.named += 1;
        Some(*number)
    }

    fn first(&self, item: Option<Held>) -> Held {
        match item {
            Some(Held::Global(number)) => Held::First(number),
            _ => Held::Other,
        }
    }

    fn instance(&self, class: Held) -> Held {
        match class {
            Held::Global(number) if !self.layouts.rules(number).is_empty() => Held::Instance(number),
            _ => Held::Other,
        }
    }

    fn call(&self, called: Held, args: Held) -> Option<Held> {
        let Held::Global(number) = called else { return Some(Held::Other) };
        let class = match args {
            Held::First(number) => Held::Global(number),
            _ => Held::Other,
        };
        match self.makers.get(number)? {
            None => Some(self.instance(called)),
            Some(Helper::Copyreg) => Some(self.instance(class)),
            Some(Helper::Cython) => (self.instance(class) == Held::Other).then_some(Held::Other),
        }
    }

    /// Pushes an empty dict: right above an instance it seems to be its state.
    fn dict(&mut self, start: usize, count: u64) {
        let fence = self.marks.last().map_or(0, |mark| mark.height);
        let (class, shape) = match self.stack[fence..] {
            [.., Slot { held: Held::Instance(class), .. }] => (class, Shape::Dict),
            [.., Slot { held: Held::Instance(class), .. }, Slot { held: Held::None, .. }] => (class, Shape::Slots),
            _ => return self.push_at(Held::Other, start, count),
        };
        let position = self.stack.len();
        self.open.push(Open { position, class, shape, entries: [None; 2], pair_at: None, attributes: Vec::new() });
        self.push_at(Held::State, start, count);
    }

    /// Keys and values go into what is below them: from `first` on the stack, by the op from `offset`. What goes with the last
    /// one ends at `end`.
    fn items(&mut self, first: usize, offset: usize, end: usize) -> Option<()> {
        let below = first.checked_sub(1)?;
        if self.marks.last().is_some_and(|mark| mark.height > below) || first > self.stack.len() {
            return None;
        }
        if self.stack[below].held == Held::State {
            let open = self.open.iter_mut().rfind(|open| open.position <= below)?;
            if open.position != below || open.pair_at.is_some() {
                return None;
            }
            let items = &self.stack[first..];
            self.attributes += items.len() / 2;
            for (index, pair) in items.chunks(2).enumerate() {
                let [key, value] = pair else { return None };
                // What is no str for sure may be one.
                let Held::Str(str_at) = key.held else { return None };
                let value_end = items.get(2 * index + 2).map_or(offset, |next| next.start);
                open.attributes.push(Attribute {
                    str_at,
                    key_at: key.start,
                    key_entry: key.entry,
                    value_at: value.start,
                    value_entry: value.entry,
                    value_end,
                    end: if value_end == offset { end } else { value_end },
                    counts: [key.count, value.count],
                });
            }
        }
        self.leave(first);
        Some(())
    }

    fn tuple(&mut self, count: usize, offset: usize) -> Option<()> {
        self.reach(count)?;
        let height = self.stack.len() - count;
        let items = &self.stack[height..];
        if let ([Slot { held: Held::None, .. }, Slot { held: Held::State, .. }], Some(open)) =
            (items, self.open.last_mut())
            && open.shape == Shape::Slots
            && open.position == height + 1
            && open.pair_at.is_none()
        {
            // The pair is the state now.
            (open.position, open.pair_at) = (height, Some(offset));
            self.stack.truncate(height + 1);
            let slot = self.stack.last_mut()?;
            (slot.held, slot.entry) = (Held::State, None);
            return Some(());
        }
        let held = self.first(items.first().map(|slot| slot.held));
        self.replace(count, held)
    }

    fn build(&mut self, offset: usize) -> Option<()> {
        self.reach(2)?;
        let top = self.stack.len() - 1;
        let (object, state) = (self.stack[top - 1], self.stack[top]);
        match object.held {
            Held::Instance(_) => {}
            Held::Built => return None,
            _ => {
                self.leave(top);
                return Some(());
            }
        }
        let open = self.open.pop().filter(|open| open.position == top && state.held == Held::State)?;
        if open.pair_at.is_some() != (open.shape == Shape::Slots) {
            return None;
        }
        self.attributes -= open.attributes.len();
        self.state(&open, open.pair_at.unwrap_or(offset))?;
        self.stack.truncate(top);
        self.stack[top - 1].held = Held::Built;
        if let Some(index) = object.entry {
            self.becomes(index, Held::Built);
        }
        Some(())
    }

    /// Changes the attributes of an instance; what comes after the others goes to `end`.
    fn state(&mut self, open: &Open, end: usize) -> Option<()> {
        self.key.clear();
        self.key.extend([u32::try_from(open.class).ok()?, u32::from(open.shape == Shape::Slots)]);
        for attribute in &open.attributes {
            self.key.push(self.edits.name(attribute)?);
        }
        let (edits, key) = (&self.edits, &self.key);
        let names = || key[2..].iter().map(|name| edits.text(*name)).collect();
        let layout = self.layouts.of(key, open.class, open.shape, None, names)?;
        let InPlace { fates, added } = layout.in_place.as_ref()?;
        for (attribute, fate) in open.attributes.iter().zip(fates) {
            match fate {
                Fate::Stays => {}
                Fate::Renamed(name) => self.edits.rename(attribute, name)?,
                Fate::Dropped => self.edits.drop(attribute, &mut self.memo)?,
            }
        }
        if added.is_empty() {
            return Some(());
        }
        // A name is of the type that others have.
        let stays = fates.iter().position(|fate| *fate != Fate::Dropped);
        let like = stays.and_then(|index| open.attributes.get(index));
        if added.iter().all(|(_, added)| matches!(added, Added::Literal(_))) {
            return self.edits.add_known(end, layout.number, like, added);
        }
        self.edits.add(end, like, added, &open.attributes)
    }
}
