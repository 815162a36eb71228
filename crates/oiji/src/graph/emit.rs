//! Drives an emitter over a graph, with an explicit stack: memo entries only for what is used again.
//!
//! A value that contains itself is handled as CPython does: containers are memoized before they are filled; a tuple (or
//! call) met again while its own items are being written is written a second time inside, and the outer one is then
//! dropped in favour of the memo entry.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::emitter::{BATCH, Emitter, Fill};
use crate::error::{ErrorKind, Result};
use crate::graph::again::{Again, Bits};
use crate::graph::arena::{self, Graph, Id, Kind, Made, ObjectData, Slot, StepKind};
use crate::graph::tree::How;
use crate::graph::{fold, uses};
use crate::sink::Sink;

/// Is given each object after its `BUILD`, writes what follows it in files that are no plain pickles, and says whether
/// that is the value from then on.
pub(crate) type Between<'w, S> = &'w mut dyn FnMut(Id, &mut Emitter<S>) -> Result<bool>;

/// Writes every root of `graph`; gives the numbers of the buffers left out of band, in order.
pub(super) fn emit<'w, S: Sink>(
    graph: &'w Graph<'_>,
    emitter: &'w mut Emitter<S>,
    out_of_band: bool,
    between: Option<Between<'w, S>>,
) -> Result<Vec<u64>> {
    // Nothing is to come between the children of containers, and every container has an op.
    let is_swift = emitter.protocol() >= 4 && graph.dropped.is_empty();
    emit_with(graph, emitter, out_of_band, is_swift, between)
}

pub(super) fn emit_with<'w, S: Sink>(
    graph: &'w Graph<'_>,
    emitter: &'w mut Emitter<S>,
    out_of_band: bool,
    is_swift: bool,
    between: Option<Between<'w, S>>,
) -> Result<Vec<u64>> {
    let anchored = anchored(graph);
    let again = match &graph.again {
        Again::Known(again) if anchored.is_empty() => Cow::Borrowed(again),
        _ => Cow::Owned(uses::count(graph, &anchored, emitter.protocol())),
    };
    emitter.expect(foreseen(graph));
    let mut walk = Walk {
        graph,
        emitter,
        out_of_band,
        is_swift,
        between,
        again,
        memo: Vec::new(),
        open: Vec::new(),
        work: Vec::new(),
        order: Vec::new(),
        anchored,
        anchors_done: FxHashSet::default(),
        next_orphan: 0,
    };
    for root in &graph.roots {
        walk.emitter.start()?;
        walk.orphans()?;
        walk.run(Work::Value(*root))?;
        walk.emitter.stop()?;
    }
    Ok(walk.order)
}

pub(super) struct Walk<'w, 'g, S> {
    pub(super) graph: &'w Graph<'g>,
    pub(super) emitter: &'w mut Emitter<S>,
    out_of_band: bool,
    /// Whether containers are written by `tree`.
    is_swift: bool,
    pub(super) between: Option<Between<'w, S>>,
    /// The values that need a memo entry.
    pub(super) again: Cow<'w, Bits>,
    /// For each value its memo index, counted from 1; 0 without one. Empty before there is any.
    pub(super) memo: Vec<u32>,
    /// How often a value is being written right now. Empty before one is that gets its memo entry only at its end.
    open: Vec<u8>,
    pub(super) work: Vec<Work>,
    order: Vec<u64>,
    /// Dropped values to be written after the value that lay below them, sorted by that.
    anchored: Vec<(Option<Id>, Id)>,
    anchors_done: FxHashSet<Id>,
    /// How many dropped values that had nothing below them are written.
    next_orphan: usize,
}

/// What is still to be written, the next on top.
#[derive(Clone, Copy)]
pub(super) enum Work {
    Value(Id),
    /// Children `next..` of a run, without anything around them.
    Plain(Run),
    /// Items `next..` of a tuple that is used once, and its end: `tree` alone begins these.
    Tuple(Run),
    /// Children of a list, dict, set or step, in batches that end with this kind of op.
    Batch(Run, Fill),
    /// All items of a tuple or frozenset are written.
    Close(Id),
    /// The list of a set is filled, in a protocol without sets.
    CloseSet(Id),
    /// Class and arguments of an object are written.
    Make(Id),
    /// The next step of an object.
    Step(Id, u32),
    /// The state of an object is written; `BUILD` takes it.
    Build(Id),
    /// All above a mark is written.
    EndTuple,
    /// The id of a persistent value is written.
    Persist(Id),
    /// A dropped value is written and to be dropped.
    Drop,
    /// The value is finished: what was dropped above it comes now.
    After(Id),
}

/// Part of the children of a value.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) of: Id,
    /// The step that holds them; the value's own children for none.
    pub(super) step: Option<u32>,
    pub(super) next: u32,
    /// A batch is open: its mark, if it has one, is written.
    pub(super) open: bool,
    /// How many of the open batch are written.
    pub(super) batch: u32,
    /// The open batch is one item without a mark.
    pub(super) single: bool,
}

impl Run {
    pub(super) fn of(of: Id, step: Option<u32>) -> Run {
        Run { of, step, next: 0, open: false, batch: 0, single: false }
    }
}

impl<S: Sink> Walk<'_, '_, S> {
    fn run(&mut self, work: Work) -> Result<()> {
        let mut next = Some(work);
        while let Some(work) = next.take().or_else(|| self.work.pop()) {
            match work {
                Work::Value(id) => next = self.value(id)?,
                Work::Plain(run) if self.is_swift => self.tree(run, How::Plain)?,
                Work::Plain(run) => self.plain(run)?,
                Work::Tuple(run) => self.tree(run, How::Tuple)?,
                Work::Batch(run, fill) if self.is_swift => self.tree(run, How::Fill(fill))?,
                Work::Batch(run, fill) => self.batch(run, fill)?,
                Work::Close(id) => self.close(id)?,
                Work::CloseSet(id) => self.close_set(id)?,
                Work::Make(id) => self.make(id)?,
                Work::Step(id, index) => self.step(id, index),
                Work::Build(id) => self.build(id)?,
                Work::Persist(id) => self.persist(id)?,
                Work::EndTuple => self.emitter.end_marked_tuple(),
                Work::Drop => self.emitter.pop(),
                Work::After(id) => self.after(id),
            }
        }
        Ok(())
    }

    /// Dropped values that lay on the bottom of the stack come before everything else.
    fn orphans(&mut self) -> Result<()> {
        let orphans = self.anchored.iter().take_while(|(below, _)| below.is_none()).count();
        while self.next_orphan < orphans {
            let (_, value) = self.anchored[self.next_orphan];
            self.next_orphan += 1;
            if self.memoized(value).is_none() {
                self.work.push(Work::Drop);
                self.run(Work::Value(value))?;
            }
        }
        Ok(())
    }

    /// Queues the values dropped above `id`.
    fn after(&mut self, id: Id) {
        if !self.anchors_done.insert(id) {
            return;
        }
        let start = self.anchored.partition_point(|(below, _)| *below < Some(id));
        let run = self.anchored[start..].iter().take_while(|(below, _)| *below == Some(id));
        let values: Vec<Id> = run.map(|(_, value)| *value).filter(|value| self.memoized(*value).is_none()).collect();
        for value in values.into_iter().rev() {
            self.work.push(Work::Drop);
            self.work.push(Work::Value(value));
        }
    }

    /// Writes a value, or begins it; gives what is next, if that is not on top of the work.
    #[inline]
    fn value(&mut self, id: Id) -> Result<Option<Work>> {
        self.emitter.boundary()?;
        let slot = self.graph.slot(id);
        if !self.anchored.is_empty() && !id.is_immediate() && self.opened(id) == 0 && self.memoized(id).is_none() {
            self.work.push(Work::After(id));
        }
        self.atom(id, slot)
    }

    /// Writes a value, or begins it if it is a container.
    #[inline]
    pub(super) fn atom(&mut self, id: Id, slot: Slot) -> Result<Option<Work>> {
        match slot.kind {
            Kind::None => self.emitter.none(),
            Kind::Bool => self.emitter.bool(slot.data != 0),
            Kind::Int => self.emitter.int(slot.data as i64),
            Kind::BigInt => self.emitter.big_int(self.graph.span(slot))?,
            Kind::Float => self.emitter.float(f64::from_bits(slot.data)),
            Kind::Tuple if slot.low == 0 => self.emitter.empty_tuple(),
            _ => match self.memoized(id) {
                None => return self.fresh(id, slot),
                Some(index) => self.emitter.get(index),
            },
        }
        Ok(None)
    }

    /// Writes a value that is in no memo yet.
    #[inline]
    fn fresh(&mut self, id: Id, slot: Slot) -> Result<Option<Work>> {
        match slot.kind {
            Kind::Str => self.emitter.str(self.graph.span(slot))?,
            Kind::Bytes => self.emitter.bytes(self.graph.span(slot))?,
            Kind::ByteArray => self.emitter.bytearray(self.graph.span(slot))?,
            Kind::Py2Str => self.emitter.py2_str(self.graph.span(slot))?,
            Kind::Buffer => self.buffer(slot)?,
            Kind::Extension => self.emitter.extension(slot.low)?,
            Kind::Global => {
                let global = &self.graph.globals[slot.low as usize];
                self.emitter.global(&global.module, &global.name)?;
            }
            _ => return self.container(id, slot),
        }
        self.memoize(id)?;
        if self.has_steps(slot.kind) {
            self.work.push(Work::Step(id, 0));
        }
        Ok(None)
    }

    /// Whether something may have been done to a value that is no object.
    fn has_steps(&self, kind: Kind) -> bool {
        !self.graph.steps.is_empty() && matches!(kind, Kind::Global | Kind::Extension | Kind::Buffer | Kind::Persistent)
    }

    fn container(&mut self, id: Id, slot: Slot) -> Result<Option<Work>> {
        let children = Run::of(id, None);
        let next = match slot.kind {
            Kind::List => {
                self.emitter.empty_list();
                self.memoize(id)?;
                Work::Batch(children, Fill::Append)
            }
            Kind::Dict => {
                self.emitter.empty_dict();
                self.memoize(id)?;
                Work::Batch(children, Fill::SetItems)
            }
            Kind::Set if self.emitter.protocol() >= 4 => {
                self.emitter.empty_set();
                self.memoize(id)?;
                Work::Batch(children, Fill::Add)
            }
            Kind::Set | Kind::FrozenSet if self.emitter.protocol() < 4 => {
                self.enter(id)?;
                self.emitter.set_callable(slot.kind == Kind::FrozenSet)?;
                self.work.push(Work::CloseSet(id));
                Work::Batch(children, Fill::Append)
            }
            Kind::FrozenSet => {
                self.enter(id)?;
                self.emitter.mark();
                self.work.push(Work::Close(id));
                Work::Plain(children)
            }
            Kind::Tuple => {
                self.enter(id)?;
                if self.emitter.tuple_needs_mark(slot.low as usize) {
                    self.emitter.mark();
                }
                self.work.push(Work::Close(id));
                Work::Plain(children)
            }
            Kind::Persistent => {
                self.enter(id)?;
                let pid = self.graph.persistent_id(slot);
                if self.emitter.protocol() == 0 {
                    return Ok(Some(Work::Persist(id)));
                }
                self.work.push(Work::Persist(id));
                Work::Value(pid)
            }
            _ => return self.object(id, slot).map(|()| None),
        };
        Ok(Some(next))
    }

    /// Begins a value that gets its memo entry only at its end.
    fn enter(&mut self, id: Id) -> Result<()> {
        if self.open.is_empty() {
            self.open = vec![0; self.graph.slots.len()];
        }
        let open = &mut self.open[id.index()];
        if *open == 2 {
            let what = format!("a {} that directly contains itself", self.graph.value(id).type_name());
            let hint = "no pickle can make it: put a list or object between";
            return Err(ErrorKind::Inexpressible { what, protocol: self.emitter.protocol(), hint }.into());
        }
        *open += 1;
        Ok(())
    }

    /// A call of `set` inside its own list would be made before the list is full, and so of less than it holds.
    fn check_collection(&self, id: Id, data: ObjectData) -> Result<()> {
        let class = self.graph.slot(data.class);
        if self.opened(id) < 2 || data.made != Made::Call || class.kind != Kind::Global {
            return Ok(());
        }
        let global = &self.graph.globals[class.low as usize];
        if !fold::is_collection(&global.module, &global.name) {
            return Ok(());
        }
        let what = format!("a call of {} whose list holds the call itself", global.name);
        let hint = "no Python can make it: what holds itself cannot be hashed";
        Err(ErrorKind::Inexpressible { what, protocol: self.emitter.protocol(), hint }.into())
    }

    /// The memo index of a value, if it has one yet.
    #[inline]
    pub(super) fn memoized(&self, id: Id) -> Option<u64> {
        // What is its own value has a number that no table has.
        self.memo.get(id.index())?.checked_sub(1).map(u64::from)
    }

    /// How often a value that gets its memo entry at its end is being written.
    fn opened(&self, id: Id) -> u8 {
        self.open.get(id.index()).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn memoize(&mut self, id: Id) -> Result<()> {
        if self.again.contains(id.index()) {
            if self.memo.is_empty() {
                self.memo = vec![0; self.graph.slots.len()];
            }
            let index = u32::try_from(self.emitter.memoize()).ok();
            self.memo[id.index()] = index.and_then(|index| index.checked_add(1)).ok_or_else(arena::full)?;
        }
        Ok(())
    }

    /// Ends a value begun with `enter`. If it was written once more inside itself, that one stays and the outer goes.
    fn leave(&mut self, id: Id) -> Result<()> {
        self.open[id.index()] -= 1;
        match self.memoized(id) {
            None => self.memoize(id),
            Some(index) => {
                self.emitter.pop();
                self.emitter.get(index);
                Ok(())
            }
        }
    }

    fn close(&mut self, id: Id) -> Result<()> {
        let slot = self.graph.slot(id);
        if slot.kind == Kind::FrozenSet {
            self.emitter.end_frozenset();
        } else {
            self.emitter.end_tuple(slot.low as usize);
        }
        self.leave(id)
    }

    fn close_set(&mut self, id: Id) -> Result<()> {
        self.emitter.end_tuple(1);
        self.emitter.reduce();
        self.leave(id)
    }

    fn persist(&mut self, id: Id) -> Result<()> {
        let slot = self.graph.slot(id);
        if self.emitter.protocol() > 0 {
            self.emitter.persistent();
        } else {
            let pid = self.graph.slot(self.graph.persistent_id(slot));
            match pid.kind {
                Kind::Str | Kind::Py2Str => self.emitter.persistent_line(self.graph.span(pid))?,
                _ => {
                    let what = "a persistent id that is no str".to_owned();
                    return Err(ErrorKind::Inexpressible { what, protocol: 0, hint: "use protocol 1" }.into());
                }
            }
        }
        self.leave(id)?;
        if self.has_steps(slot.kind) {
            self.work.push(Work::Step(id, 0));
        }
        Ok(())
    }

    fn buffer(&mut self, slot: Slot) -> Result<()> {
        let read_only = slot.flags & arena::READ_ONLY != 0;
        match self.graph.buffer_bytes(slot.data) {
            Some(bytes) if !self.out_of_band && read_only => self.emitter.bytes(bytes),
            Some(bytes) if !self.out_of_band => self.emitter.bytearray(bytes),
            _ => {
                self.order.push(slot.data);
                self.emitter.buffer(read_only)
            }
        }
    }

    /// Begins an object: what makes it, then `Make`, then its steps.
    fn object(&mut self, id: Id, slot: Slot) -> Result<()> {
        let data = self.graph.objects[slot.low as usize];
        self.enter(id)?;
        self.check_collection(id, data)?;
        self.work.push(Work::Make(id));
        let protocol = self.emitter.protocol();
        let args = Run::of(data.args, None);
        match data.made {
            Made::Call => {
                self.work.push(Work::Value(data.args));
                self.work.push(Work::Value(data.class));
            }
            Made::New if protocol >= 2 => {
                self.work.push(Work::Value(data.args));
                self.work.push(Work::Value(data.class));
            }
            Made::NewEx if protocol >= 4 => {
                self.work.extend(data.kwargs.map(Work::Value));
                self.work.push(Work::Value(data.args));
                self.work.push(Work::Value(data.class));
            }
            // Before protocol 2 a call of a function in copyreg does what the op does; with keywords, before 4, a partial.
            Made::New => {
                self.emitter.new_callable()?;
                self.emitter.mark();
                self.work.push(Work::Plain(args));
                self.work.push(Work::Value(data.class));
            }
            Made::NewEx => {
                let class = self.graph.slot(data.class);
                if class.kind != Kind::Global {
                    let what = "an object with keywords of a class that is no global".to_owned();
                    return Err(ErrorKind::Inexpressible { what, protocol, hint: "use protocol 4" }.into());
                }
                let global = &self.graph.globals[class.low as usize];
                self.emitter.partial_new(&global.module, &global.name)?;
                self.work.extend(data.kwargs.map(Work::Value));
                self.work.push(Work::EndTuple);
                self.work.push(Work::Plain(args));
                self.work.push(Work::Value(data.class));
            }
            Made::Instance => {
                self.emitter.mark();
                self.work.push(Work::Plain(args));
                if protocol > 0 {
                    self.work.push(Work::Value(data.class));
                }
            }
        }
        Ok(())
    }

    fn make(&mut self, id: Id) -> Result<()> {
        let data = self.graph.objects[self.graph.slot(id).low as usize];
        let protocol = self.emitter.protocol();
        match data.made {
            Made::Call => self.emitter.reduce(),
            Made::New if protocol >= 2 => self.emitter.new_object(false),
            Made::NewEx if protocol >= 4 => self.emitter.new_object(true),
            Made::New => {
                self.emitter.end_marked_tuple();
                self.emitter.reduce();
            }
            Made::NewEx => self.emitter.call_partial(),
            Made::Instance if protocol > 0 => self.emitter.instance(),
            Made::Instance => {
                let class = self.graph.slot(data.class);
                if class.kind != Kind::Global {
                    let what = "an old-style instance of a class that is no global".to_owned();
                    return Err(ErrorKind::Inexpressible { what, protocol, hint: "use protocol 1" }.into());
                }
                let global = &self.graph.globals[class.low as usize];
                self.emitter.instance_lines(&global.module, &global.name)?;
            }
        }
        let again = self.memoized(id).is_some();
        self.leave(id)?;
        // The one written inside has had its steps already.
        if !again {
            self.work.push(Work::Step(id, 0));
        }
        Ok(())
    }

    fn build(&mut self, id: Id) -> Result<()> {
        self.emitter.build();
        let Some(between) = &mut self.between else { return Ok(()) };
        if between(id, self.emitter)?
            && let Some(index) = self.memoized(id)
        {
            self.emitter.put(index);
        }
        Ok(())
    }

    fn step(&mut self, id: Id, index: u32) {
        let run = Run::of(id, Some(index));
        match self.graph.steps.get(&id) {
            None => {
                let slot = self.graph.slot(id);
                let alone = if slot.kind == Kind::Object { self.graph.objects[slot.low as usize].state } else { None };
                if let Some(state) = alone {
                    self.work.push(Work::Build(id));
                    self.work.push(Work::Value(state));
                }
            }
            Some(steps) => {
                let Some(step) = steps.get(index as usize) else {
                    return;
                };
                self.work.push(Work::Step(id, index + 1));
                match step.kind {
                    StepKind::Build => {
                        self.work.push(Work::Build(id));
                        self.work.extend(step.ids.first().map(|state| Work::Value(*state)));
                    }
                    StepKind::Append => self.work.push(Work::Batch(run, Fill::Append)),
                    StepKind::SetItems => self.work.push(Work::Batch(run, Fill::SetItems)),
                    StepKind::Add => self.work.push(Work::Batch(run, Fill::Add)),
                }
            }
        }
    }

    /// Writes the children of `run` until one is a container, which is then written before the rest.
    fn plain(&mut self, mut run: Run) -> Result<()> {
        for id in &children(self.graph, run)[run.next as usize..] {
            run.next += 1;
            if !self.flat(*id)? {
                self.work.push(Work::Plain(run));
                self.work.push(Work::Value(*id));
                return Ok(());
            }
        }
        Ok(())
    }

    /// As `plain`, in batches of a thousand. A batch of one has no mark; in protocol 0 all are batches of one.
    fn batch(&mut self, mut run: Run, fill: Fill) -> Result<()> {
        let ids = children(self.graph, run);
        loop {
            let Some(room) = self.room(&mut run, ids.len(), fill) else { return Ok(()) };
            for id in &ids[run.next as usize..][..room] {
                run.next += 1;
                run.batch += 1;
                if !self.flat(*id)? {
                    self.work.push(Work::Batch(run, fill));
                    self.work.push(Work::Value(*id));
                    return Ok(());
                }
            }
        }
    }

    /// Ends the open batch if it is full, and opens the next. Gives how many values it has room for; nothing where all are
    /// written.
    fn room(&mut self, run: &mut Run, len: usize, fill: Fill) -> Option<usize> {
        let (len, width) = (len as u32, fill.width() as u32);
        if run.open && (run.single || run.next == len || run.batch == BATCH as u32 * width) && run.batch >= width {
            self.emitter.end_batch(fill, run.single);
            (run.open, run.batch) = (false, 0);
        }
        if !run.open {
            if run.next == len {
                return None;
            }
            run.open = true;
            // CPython looks at the whole list or dict, but for items from an iterator only at what is left.
            let count = if run.step.is_some() { len - run.next } else { len };
            run.single = fill != Fill::Add && (self.emitter.protocol() == 0 || count == width);
            if !run.single {
                self.emitter.mark();
            }
        }
        let room = if run.single { width } else { BATCH as u32 * width } - run.batch;
        Some(room.min(len - run.next) as usize)
    }

    /// Writes `id` at once if nothing can come after it or in it; else says that it did not.
    #[inline]
    fn flat(&mut self, id: Id) -> Result<bool> {
        let slot = self.graph.slot(id);
        let flat = match slot.kind {
            Kind::None | Kind::Bool | Kind::Int | Kind::BigInt | Kind::Float => true,
            Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => true,
            Kind::Global => self.graph.steps.is_empty(),
            _ => self.memoized(id).is_some(),
        };
        if !flat || !self.anchored.is_empty() {
            return Ok(false);
        }
        self.emitter.boundary()?;
        self.atom(id, slot)?;
        Ok(true)
    }
}

/// About how many bytes a graph takes, told from some of its values: where a vector grows, all is copied.
fn foreseen(graph: &Graph<'_>) -> usize {
    const LOOKS: usize = 64;
    let of_child = |id: &Id| match (id.is_immediate(), graph.slot(*id).kind) {
        (true, Kind::Int) => 5,
        (true, Kind::Float) => 9,
        (true, _) => 1,
        // Found in the memo, or once among the slots.
        (false, _) => 3,
    };
    let of_slot = |slot: &Slot| match slot.kind {
        Kind::BigInt | Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => 2 + slot.span_len(),
        Kind::Float => 7,
        _ => 4,
    };
    fn total<T>(all: &[T], len: impl Fn(&T) -> usize) -> usize {
        let step = all.len().div_ceil(LOOKS).max(1);
        let seen: usize = all.iter().step_by(step).map(len).fold(0, usize::saturating_add);
        seen.saturating_mul(step)
    }
    let (children, slots) = (total(&graph.pool, of_child), total(&graph.slots, of_slot));
    // One look of many may meet what is large by chance: no more is kept ready than values of a common size would take.
    children.saturating_add(slots.min(64 * graph.slots.len())).saturating_add(64)
}

/// The children that a run is of.
#[inline(always)]
pub(super) fn children<'g>(graph: &'g Graph<'_>, run: Run) -> &'g [Id] {
    match run.step {
        None => graph.run(graph.slots[run.of.index()]),
        Some(index) => step_children(graph, run.of, index),
    }
}

#[cold]
fn step_children<'g>(graph: &'g Graph<'_>, of: Id, index: u32) -> &'g [Id] {
    match graph.steps.get(&of).and_then(|steps| steps.get(index as usize)) {
        Some(step) => &step.ids,
        None => &[],
    }
}

/// Dropped values by what lay below them, without those that stand in for a value written inside itself: these are
/// written anew where they are needed, and share their arguments with the value that was kept.
fn anchored(graph: &Graph<'_>) -> Vec<(Option<Id>, Id)> {
    if graph.dropped.is_empty() {
        return Vec::new();
    }
    let dropped: FxHashSet<Id> = graph.dropped.iter().map(|dropped| dropped.value).collect();
    let objects = (0..graph.slots.len()).filter_map(|index| Id::new(index).ok());
    let kept: FxHashSet<Id> = objects
        .filter(|id| graph.slot(*id).kind == Kind::Object && !dropped.contains(id))
        .map(|id| graph.objects[graph.slot(id).low as usize].args)
        .filter(|args| graph.slot(*args).low > 0)
        .collect();
    let stands_in = |id: Id| {
        let slot = graph.slot(id);
        slot.kind == Kind::Object && kept.contains(&graph.objects[slot.low as usize].args)
    };
    let mut anchored: Vec<(Option<Id>, Id)> = graph
        .dropped
        .iter()
        .filter(|dropped| !stands_in(dropped.value))
        .map(|dropped| (dropped.below, dropped.value))
        .collect();
    anchored.sort_by_key(|(below, _)| *below);
    anchored
}
