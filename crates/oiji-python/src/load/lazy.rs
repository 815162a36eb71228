//! State that is never made a dict: from the stack straight into the instance it belongs to.
//!
//! An empty dict that comes right after a new instance of a plain class is most likely its state. It is not made: `None`
//! stands for it on the stack, out of reach behind the fence, and its memo entry is a promise. When the items have come and
//! `BUILD` follows, they are moved into the instance, and the memo promises what can be told from the instance. What else
//! may happen, an op that reaches for it, a `GET`, user code, makes the dict real first: who looks finds what `_pickle`
//! would have made.

use super::Reader;
use super::ops::{BINPUT, BUILD, LONG_BINPUT, MEMOIZE, REDUCE, TUPLE2};
use crate::input::Bytes;
use crate::py::call::Call;
use crate::py::entry::Entry;
use crate::py::plan::{Place, Plan};
use crate::py::{self, Own, Py};
use crate::state::State;

/// A state that is being read.
pub(super) struct Open {
    /// Where on the stack `None` stands for it.
    position: usize,
    plan: usize,
    place: Place,
    memo: Option<u64>,
}

/// A state that was read, and is in the memo as a promise.
pub(super) struct Given {
    memo: u32,
    /// Where the memo has the pair that holds the state of slots.
    pair: Option<u32>,
    plan: u16,
    sequence: u16,
}

/// What the reader knows of classes and of states.
#[derive(Default)]
pub(super) struct Lazy {
    /// Plans of plain classes.
    plans: Vec<Plan>,
    /// Whether one of them is new.
    learned: bool,
    /// Classes that are not plain, as long as no user code runs.
    others: Vec<Own>,
    /// The plan that was used last.
    last: usize,
    /// Whether no user code ran since the plans were looked at.
    pub(super) checked: bool,
    /// A new instance, by its position on the stack and one more, its address and its plan.
    pub(super) fresh: usize,
    address: usize,
    plan: usize,
    pub(super) open: Vec<Open>,
    pub(super) given: Vec<Given>,
    /// Arguments of calls, for which no tuple was made.
    pub(super) args: Vec<Own>,
}

/// So many classes are known at once.
const MOST_CLASSES: usize = 64;
/// Room for so many arguments stays.
const MOST_ARGS: usize = 1 << 10;

impl Lazy {
    /// The plan of a class, if it is plain.
    #[inline]
    fn plan_of(&mut self, class: &Own, st: &State) -> Py<Option<usize>> {
        if self.checked
            && let Some(plan) = self.plans.get(self.last)
            && plan.is_for(class.obj())
        {
            return Ok(Some(self.last));
        }
        self.find_plan(class, st)
    }

    fn find_plan(&mut self, class: &Own, st: &State) -> Py<Option<usize>> {
        if !self.checked {
            // User code may have changed them.
            self.others.clear();
            self.plans.iter_mut().for_each(Plan::doubt);
            self.checked = true;
        }
        let Some(getter) = st.dict_getter else { return Ok(None) };
        // The newest first: an older one may have been for the class before it was changed.
        if let Some(index) = self.plans.iter_mut().rposition(|plan| plan.is_sure_for(class.obj())) {
            self.last = index;
            return Ok(Some(index));
        }
        if self.others.iter().any(|other| other.raw() == class.raw()) {
            return Ok(None);
        }
        if self.plans.len() < MOST_CLASSES
            && let Some(plan) = Plan::of(class.obj(), &st.names, Some(getter))?
        {
            self.last = self.plans.len();
            self.plans.push(plan);
            self.learned = true;
            return Ok(Some(self.last));
        }
        if self.others.len() < MOST_CLASSES {
            self.others.push(class.clone());
        }
        Ok(None)
    }

    /// Forgets all but the plans.
    pub(super) fn reset(&mut self) {
        self.others.clear();
        self.open.clear();
        self.given.clear();
        self.given.shrink_to(MOST_CLASSES);
        self.args.shrink_to(MOST_ARGS);
        (self.fresh, self.checked) = (0, false);
        if self.learned {
            self.learned = false;
            self.plans.retain(|plan| !plan.is_stale());
            if self.plans.len() >= MOST_CLASSES {
                self.plans.clear();
            }
        }
    }
}

impl<I: Bytes> Reader<'_, I> {
    /// Makes an instance of the class on top, if that is plain; the arguments would be none.
    #[inline]
    pub(super) fn new_plain(&mut self) -> Py<bool> {
        let Some(class) = self.stack.items.last() else { return Ok(false) };
        if self.is_ruled(class.obj()) {
            return Ok(false);
        }
        let Some(plan) = self.lazy.plan_of(class, self.st)? else { return Ok(false) };
        let object = self.lazy.plans[plan].make(class.obj())?;
        self.lazy.fresh = self.stack.len();
        self.lazy.address = object.raw() as usize;
        self.lazy.plan = plan;
        if let Some(place) = self.stack.items.last_mut() {
            *place = object;
        }
        Ok(true)
    }

    /// Puts an empty dict on the stack, or what stands for it if it seems to be the state of a new instance.
    #[inline]
    pub(super) fn empty_dict(&mut self) -> Py<()> {
        let len = self.stack.len();
        let fresh = self.lazy.fresh;
        if fresh != 0 && (len == fresh || len == fresh + 1) {
            let place = if len == fresh { Place::Dict } else { Place::Slots };
            let plan = self.lazy.plan;
            let object = &self.stack.items[fresh - 1];
            if object.raw() as usize == self.lazy.address
                && self.lazy.plans[plan].is_of(object.obj())
                && self.lazy.plans[plan].has(place)
                && (place == Place::Dict || self.stack.items[fresh].obj().is_none())
                && fresh > self.stack.fence
            {
                self.lazy.fresh = 0;
                self.lazy.open.push(Open { position: len, plan, place, memo: None });
                self.stack.push(py::none());
                self.stack.floor = len + 1;
                self.stack.fence = len + 1;
                return Ok(());
            }
        }
        self.stack.push(py::dict()?);
        self.again.opened(len + 1);
        Ok(())
    }

    /// Memoizes what is on top, at `index` or at the next, where nothing seems to be in reach.
    pub(super) fn memoize_below(&mut self, index: Option<u64>) -> Py<()> {
        if self.stack.floor == self.stack.len()
            && let Some(open) = self.lazy.open.last_mut()
            && open.memo.is_none()
        {
            let index = index.unwrap_or(self.memo.count() as u64);
            open.memo = Some(index);
            let before = self.memo.put(index, Entry::pending());
            if !before.is_empty() {
                return self.let_go(before);
            }
            return Ok(());
        }
        self.real_or_underflow(1)?;
        let value = self.top();
        match index {
            Some(index) => self.put_value(index, value),
            None => {
                self.memo.add(value);
                Ok(())
            }
        }
    }

    /// Items have come for a state that is not there; tells whether it was given to its instance.
    pub(super) fn give_items(&mut self, start: usize) -> Py<bool> {
        let Some(open) = self.lazy.open.last() else { return Ok(false) };
        let count = self.stack.len() - start;
        if open.position + 1 != start || count == 0 || !count.is_multiple_of(2) {
            return Ok(false);
        }
        let (position, plan, place, memo) = (open.position, open.plan, open.place, open.memo);
        let next = self.memo.count() as u64;
        let Some((len, pair)) = ending(self.input.ahead(), place, next) else { return Ok(false) };
        if next.max(memo.unwrap_or(0)) > u64::from(u32::MAX) {
            // Neither would fit into `Given`; what `pair` says otherwise has four bytes at the most.
            return Ok(false);
        }
        let below = if place == Place::Dict { position - 1 } else { position - 2 };
        let object = self.stack.items[below].clone();
        let promised = !self.lazy.given.is_empty();
        let stored = self.lazy.plans[plan].store(place, object.obj(), &mut self.stack.items, start, promised)?;
        let Some(sequence) = stored else {
            return Ok(false);
        };
        self.input.take(len);
        self.stack.items.truncate(below + 1);
        self.lazy.open.pop();
        self.stack.floor = self.lazy.open.last().map_or(0, |open| open.position + 1);
        self.stack.reset_fence();
        let memo = memo.filter(|memo| self.memo.entry(*memo).is_some_and(Entry::is_pending));
        let mut before = Entry::EMPTY;
        if let Some(index) = pair {
            before = self.memo.put(index, Entry::state_of(object.clone()));
        }
        if let Some(index) = memo {
            drop(self.memo.put(index, Entry::state_of(object)));
        }
        if let Some(memo) = memo.or(pair) {
            let (memo, pair) = (memo as u32, pair.map(|pair| pair as u32));
            self.lazy.given.push(Given { memo, pair, plan: plan as u16, sequence: sequence as u16 });
        }
        if before.is_empty() { Ok(true) } else { self.let_go(before).map(|()| true) }
    }

    /// Calls what lies below the topmost values with these, if the ops that come next are those of the call: no tuple is made.
    #[inline]
    pub(super) fn call_at_once(&mut self, count: usize) -> Py<bool> {
        let next = self.memo.count() as u64;
        let ahead = self.input.ahead();
        let (memo, rest) = put_of(ahead, next);
        let is_call = rest.first() == Some(&REDUCE) && memo.is_none_or(|index| index == next);
        if !is_call || self.shown.is_some() || self.options.live.is_some() || !self.stack.has(count + 1) {
            return Ok(false);
        }
        let len = ahead.len() - rest.len() + 1;
        let start = self.stack.len() - count;
        let callable = self.stack.items[start - 1].clone();
        let st = self.st;
        let call = match Call::of(callable.obj(), st.names.init.obj()) {
            Some(call) => call,
            None if count == 1 => match st.decimals_of(callable.obj()) {
                Some(decimals) => Call::Decimal(decimals),
                None => return Ok(false),
            },
            None => return Ok(false),
        };
        self.input.take(len);
        let at = self.lazy.args.len();
        self.lazy.args.extend(self.stack.items.drain(start..));
        self.stack.items.pop();
        if memo.is_some() {
            self.memo.make_room()?;
            let before = self.memo.put(next, Entry::args(at, count));
            if !before.is_empty() {
                self.let_go(before)?;
            }
        }
        let value = self.outside(|reader| {
            let value = call.call(reader.lazy.args[at..].iter().map(Own::obj));
            if memo.is_none() {
                drop(reader.lazy.args.split_off(at));
            }
            value
        })?;
        self.stack.push(value);
        Ok(true)
    }

    /// Makes real what stands on the stack for dicts.
    #[cold]
    pub(super) fn make_open_real(&mut self) -> Py<()> {
        while let Some(open) = self.lazy.open.pop() {
            let dict = py::dict()?;
            if let Some(index) = open.memo
                && self.memo.entry(index).is_some_and(Entry::is_pending)
            {
                drop(self.memo.put(index, Entry::of(dict.clone())));
            }
            self.stack.items[open.position] = dict;
        }
        self.stack.floor = 0;
        self.stack.reset_fence();
        Ok(())
    }

    /// Makes real what the memo promises.
    #[cold]
    pub(super) fn make_given_real(&mut self) -> Py<()> {
        let given = std::mem::take(&mut self.lazy.given);
        // The newest first: an index may have been promised twice.
        given.iter().rev().try_for_each(|given| self.make_real(given))
    }

    /// The object of which something is promised at an index of the memo.
    pub(super) fn promised(&self, index: u64) -> Option<Own> {
        self.memo.entry(index)?.promised()
    }

    fn make_real(&mut self, given: &Given) -> Py<()> {
        let (memo, pair) = (u64::from(given.memo), given.pair.map(u64::from));
        let object = self.promised(memo).or_else(|| self.promised(pair?));
        let Some(object) = object else { return Ok(()) };
        let plan = &self.lazy.plans[given.plan as usize];
        if !plan.is_of(object.obj()) {
            return Ok(());
        }
        let state = plan.state_of(object.obj(), given.sequence as usize)?;
        if let Some(pair) = pair
            && self.promised(pair).is_some()
        {
            let both = py::tuple(&[py::none(), state.clone()])?;
            drop(self.memo.put(pair, Entry::of(both)));
        }
        if Some(memo) != pair && self.promised(memo).is_some() {
            drop(self.memo.put(memo, Entry::of(state)));
        }
        Ok(())
    }

    /// Makes real what is promised at an index of the memo; tells whether there is something.
    #[cold]
    pub(super) fn make_entry_real(&mut self, index: u64) -> Py<bool> {
        let Some(entry) = self.memo.entry(index) else { return Ok(false) };
        if entry.is_pending() {
            self.make_open_real()?;
        } else if let Some((at, count)) = entry.as_args() {
            let tuple = py::tuple(&self.lazy.args[at..at + count])?;
            drop(self.memo.put(index, Entry::of(tuple)));
        } else {
            // All of them: whoever asks for one may ask for each.
            self.make_given_real()?;
            self.make_dates_real()?;
        }
        Ok(self.memo.get(index).is_some())
    }

    /// Sees that so many values are in reach, also such as are not real yet.
    #[cold]
    pub(super) fn real_or_underflow(&mut self, count: usize) -> Py<()> {
        if self.stack.floor > 0 {
            self.make_open_real()?;
        }
        if self.stack.has(count) { Ok(()) } else { self.underflow() }
    }
}

/// The index at which the next op memoizes, if it does, and what comes after.
#[inline]
pub(super) fn put_of(ahead: &[u8], next: u64) -> (Option<u64>, &[u8]) {
    match ahead {
        [MEMOIZE, rest @ ..] => (Some(next), rest),
        [BINPUT, index, rest @ ..] => (Some(u64::from(*index)), rest),
        [LONG_BINPUT, a, b, c, d, rest @ ..] => (Some(u64::from(u32::from_le_bytes([*a, *b, *c, *d]))), rest),
        _ => (None, ahead),
    }
}

/// The ops after the items of a state up to `BUILD`: how long they are, and where the pair of states is put.
#[inline]
fn ending(ahead: &[u8], place: Place, next: u64) -> Option<(usize, Option<u64>)> {
    match (place, ahead) {
        (Place::Dict, [BUILD, ..]) => Some((1, None)),
        (Place::Slots, [TUPLE2, rest @ ..]) => {
            let (put, rest) = put_of(rest, next);
            (rest.first() == Some(&BUILD)).then_some((ahead.len() - rest.len() + 1, put))
        }
        _ => None,
    }
}
