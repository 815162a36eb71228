//! The hot loop of writing: lists, dicts, sets and tuples that are used once, with numbers and text in them, in protocols
//! that have an op for each. What else there is, it leaves to the walk in `emit`, whose stack it shares.
//!
//! `what_the_hot_loop_writes_is_what_the_walk_writes` holds it equal to the walk alone, which takes half as long again.

use crate::emitter::{BATCH, FLOAT_LEN, Fill, Swift};
use crate::error::Result;
use crate::graph::again::Bits;
use crate::graph::arena::{Graph, Id, Immediate, Kind, Made, Slot};
use crate::graph::emit::{Run, Walk, Work, children};
use crate::sink::Sink;

/// What is written around the children of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Nothing.
    Plain,
    /// A mark where there are many, and the end of a tuple.
    Tuple,
    /// Batches.
    Fill(Fill),
}

impl<S: Sink> Walk<'_, '_, S> {
    /// Writes what is left of `run`, and of what lies below it on the stack as far as it can.
    pub(super) fn tree(&mut self, mut run: Run, mut how: How) -> Result<()> {
        let graph = self.graph;
        let mut swift = self.emitter.lend();
        'container: loop {
            let ids = children(graph, run);
            'batch: loop {
                let mut end = ids.len();
                if let How::Fill(fill) = how {
                    let full = BATCH * fill.width();
                    if run.next as usize == end || run.batch as usize == full {
                        if run.open {
                            swift.end_batch(fill, run.single);
                            (run.open, run.batch) = (false, 0);
                        }
                        if run.next as usize == end {
                            break;
                        }
                    }
                    if !run.open {
                        run.open = true;
                        let count = if run.step.is_some() { ids.len() - run.next as usize } else { ids.len() };
                        run.single = fill != Fill::Add && count == fill.width();
                        if !run.single {
                            swift.mark();
                        }
                    }
                    end = end.min(run.next as usize + full - run.batch as usize);
                }
                let start = run.next as usize;
                let mut rest = ids[start..end].iter();
                while let Some((id, next)) = atoms(graph, &self.again, &mut self.memo, &mut rest, &mut swift) {
                    if let Next::Object(slot) = next
                        && let Some(class) = self.plain_class(slot, &swift)
                    {
                        swift.get(class);
                        swift.empty_tuple();
                        swift.new_object();
                        self.note(id, &mut swift);
                        let Some(state) = graph.objects[slot.low as usize].state else { continue };
                        self.put_off(run, how, end - rest.len() - start);
                        self.work.push(Work::Build(id));
                        let slot = graph.slot(state);
                        if slot.kind != Kind::Dict || self.memoized(state).is_some() || swift.is_full() {
                            self.emitter.take_back(swift);
                            self.work.push(Work::Value(state));
                            return Ok(());
                        }
                        (run, how) = (Run::of(state, None), How::Fill(Fill::SetItems));
                        swift.empty(Fill::SetItems);
                        self.note(state, &mut swift);
                        continue 'container;
                    }
                    let slot = match next {
                        Next::Boundary => {
                            self.emitter.take_back(swift);
                            self.emitter.boundary()?;
                            swift = self.emitter.lend();
                            continue;
                        }
                        Next::Leaf(slot) => {
                            self.emitter.take_back(swift);
                            self.atom(id, slot)?;
                            swift = self.emitter.lend();
                            continue;
                        }
                        Next::Object(_) | Next::Other => {
                            self.emitter.take_back(swift);
                            self.put_off(run, how, end - rest.len() - start);
                            self.work.push(Work::Value(id));
                            return Ok(());
                        }
                        Next::Container(slot) => slot,
                    };
                    let inner = match slot.kind {
                        Kind::Tuple => How::Tuple,
                        Kind::List => How::Fill(Fill::Append),
                        Kind::Dict => How::Fill(Fill::SetItems),
                        _ => How::Fill(Fill::Add),
                    };
                    self.put_off(run, how, end - rest.len() - start);
                    (run, how) = (Run::of(id, None), inner);
                    match inner {
                        How::Fill(fill) => {
                            swift.empty(fill);
                            self.note(id, &mut swift);
                        }
                        _ if slot.low > 3 => swift.mark(),
                        _ => {}
                    }
                    continue 'container;
                }
                run.next = end as u32;
                run.batch += (end - start) as u32;
                if !matches!(how, How::Fill(_)) {
                    break 'batch;
                }
            }
            if how == How::Tuple {
                swift.end_tuple(ids.len());
            }
            (run, how) = loop {
                let next = match self.work.last() {
                    Some(&Work::Plain(run)) => Some((run, How::Plain)),
                    Some(&Work::Tuple(run)) => Some((run, How::Tuple)),
                    Some(&Work::Batch(run, fill)) => Some((run, How::Fill(fill))),
                    Some(Work::Build(_)) if self.between.is_none() => None,
                    _ => {
                        self.emitter.take_back(swift);
                        return Ok(());
                    }
                };
                self.work.pop();
                match next {
                    Some(next) => break next,
                    None => swift.build(),
                }
            };
        }
    }

    /// The memo index of an object's class, where class, no arguments and a state are all there is to it.
    #[inline(always)]
    fn plain_class(&self, slot: Slot, swift: &Swift) -> Option<u32> {
        /// What class and arguments take, between which a frame may be cut.
        const LEN: usize = 16;
        let data = self.graph.objects[slot.low as usize];
        let args = self.graph.slot(data.args);
        let is_plain = data.made == Made::New && args.kind == Kind::Tuple && args.low == 0;
        if !is_plain || !self.graph.steps.is_empty() || swift.is_full_after(LEN) {
            return None;
        }
        u32::try_from(self.memoized(data.class)?).ok()
    }

    /// Puts what was just begun into the memo if it is used again.
    #[inline(always)]
    fn note(&mut self, id: Id, swift: &mut Swift) {
        if self.again.contains(id.index()) {
            note(self.graph, &mut self.memo, id, swift);
        }
    }

    /// Puts a container aside, of which `written` more children are written, until what is in it is written.
    #[inline(always)]
    fn put_off(&mut self, run: Run, how: How, written: usize) {
        let run = Run { next: run.next + written as u32, batch: run.batch + written as u32, ..run };
        self.work.push(match how {
            How::Plain => Work::Plain(run),
            How::Tuple => Work::Tuple(run),
            How::Fill(fill) => Work::Batch(run, fill),
        });
    }
}

/// Whether a run of numbers of a kind may begin here that is worth its stage: the next is one, and one some places after.
#[inline(always)]
fn is_run(ids: &[Id], is_kind: impl Fn(Id) -> bool) -> bool {
    const SOME: usize = 32;
    ids.get(SOME).is_some_and(|id| is_kind(*id) && is_kind(ids[0]))
}

/// What comes next, which `atoms` does not write.
enum Next {
    /// A boundary, and then the value.
    Boundary,
    /// A value that holds no others, and after which nothing can come.
    Leaf(Slot),
    /// A container that is in no memo yet; a tuple that is used once.
    Container(Slot),
    /// An object that is in no memo yet.
    Object(Slot),
    /// Any other value.
    Other,
}

/// Writes numbers, short text and what is in the memo; gives the first value that is none of these.
#[inline(always)]
fn atoms(
    graph: &Graph<'_>,
    again: &Bits,
    memo: &mut Vec<u32>,
    ids: &mut std::slice::Iter<'_, Id>,
    swift: &mut Swift,
) -> Option<(Id, Next)> {
    let slots = &graph.slots[..];
    loop {
        let before = ids.clone();
        let id = *ids.next()?;
        if swift.is_full() {
            *ids = before;
            return Some((id, Next::Boundary));
        }
        if id.is_immediate() {
            match graph.immediate_atom(id) {
                Immediate::Int(value) => {
                    swift.int(value);
                    if is_run(ids.as_slice(), Id::is_int) {
                        let count = swift.ints(ids.as_slice(), Id::is_int, Id::int_value);
                        *ids = ids.as_slice()[count..].iter();
                    }
                }
                Immediate::Float(value) => {
                    swift.float(value);
                    if is_run(ids.as_slice(), |id| id.is_immediate() && !id.is_int())
                        && let Some((ops, first)) = graph.input_from_float(id)
                        && let Some(ops) = ops.get(FLOAT_LEN..)
                    {
                        let first = first + FLOAT_LEN as u32;
                        let offset = |id: Id| id.float_offset().wrapping_sub(first);
                        let count = swift.same_floats(ops, ids.as_slice(), offset);
                        *ids = ids.as_slice()[count..].iter();
                    }
                }
                Immediate::None => swift.none(),
                Immediate::Bool(value) => swift.bool(value),
            }
            continue;
        }
        let (slot, is_once) = (&slots[id.index()], !again.contains(id.index()));
        if !is_once && let Some(index) = memo.get(id.index()).and_then(|index| index.checked_sub(1)) {
            swift.get(index);
            continue;
        }
        match slot.kind {
            Kind::Str if swift.str(graph.span_and_more(*slot), slot.span_len()) => {
                if !is_once {
                    note(graph, memo, id, swift);
                }
            }
            Kind::Float => swift.float(f64::from_bits(slot.data)),
            Kind::Int => swift.long(slot.data as i64),
            Kind::Tuple if slot.low == 0 => swift.empty_tuple(),
            Kind::List | Kind::Dict | Kind::Set => return Some((id, Next::Container(*slot))),
            Kind::Tuple if is_once => return Some((id, Next::Container(*slot))),
            Kind::Object => return Some((id, Next::Object(*slot))),
            Kind::None | Kind::Bool | Kind::BigInt => return Some((id, Next::Leaf(*slot))),
            Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => return Some((id, Next::Leaf(*slot))),
            // What is done to it comes after it.
            Kind::Global if graph.steps.is_empty() => return Some((id, Next::Leaf(*slot))),
            _ => return Some((id, Next::Other)),
        }
    }
}

/// Puts the value written last into the memo.
#[inline(always)]
fn note(graph: &Graph<'_>, memo: &mut Vec<u32>, id: Id, swift: &mut Swift) {
    if memo.is_empty() {
        *memo = vec![0; graph.slots.len()];
    }
    // There are fewer values than that, and each is put into the memo once.
    memo[id.index()] = (swift.memoize() + 1) as u32;
}

#[cfg(test)]
mod tests {
    use crate::emitter::Emitter;
    use crate::graph::again::Again;
    use crate::graph::arena::{Graph, Id, Made, StepKind};
    use crate::graph::emit::emit_with;
    use crate::graph::view::Node;
    use crate::sink::VecSink;
    use crate::testing::noise;

    fn written(graph: &Graph<'_>, protocol: u8, is_swift: bool) -> Vec<u8> {
        let mut emitter = Emitter::new(VecSink, protocol, true).unwrap();
        emit_with(graph, &mut emitter, false, is_swift, None).unwrap();
        emitter.into_bytes()
    }

    /// The graph is written both ways, and then again as it is read: from input, numbers are written in other ways.
    fn assert_same(graph: &Graph<'_>) {
        for protocol in [4, 5] {
            let plain = written(graph, protocol, false);
            assert!(written(graph, protocol, true) == plain, "protocol {protocol}");
            let read = Graph::from_slice(&plain).unwrap();
            assert!(written(&read, protocol, true) == written(&read, protocol, false), "read, protocol {protocol}");
            // What the reader noted of values used again is what counting them finds.
            let counted = Graph { again: Again::Unknown, ..read.clone() };
            assert!(written(&read, protocol, true) == written(&counted, protocol, true), "noted, protocol {protocol}");
        }
    }

    fn int(number: u64) -> i64 {
        // Of all sizes, also one after another.
        if number.is_multiple_of(4) {
            number as i64 >> (number >> 8 & 63)
        } else {
            (number as u32 & 0x1fff_ffff).into()
        }
    }

    /// Values of all kinds that hold earlier ones, some more than once, and some of them filled with later ones.
    fn mixed(seed: u64) -> Graph<'static> {
        let mut graph = Graph::new();
        let class = graph.add_global("shapes", "Point").unwrap();
        let mut ids = vec![class];
        let mut lists: Vec<Id> = Vec::new();
        let mut numbers = noise(seed);
        let mut number = move || numbers.next().unwrap_or_default();
        for _ in 0..if cfg!(miri) { 60 } else { 600 } {
            let count = match number() % 40 {
                0 => 1100,
                n => n % 5,
            };
            // Mostly the latest, so that many are used once.
            let mut some = |count: u64| -> Vec<Id> {
                (0..count).map(|_| ids[ids.len() - 1 - (number() % 4).min(ids.len() as u64 - 1) as usize]).collect()
            };
            let items = some(count);
            let picked = number();
            let key = graph.add_str(&format!("{picked}")).unwrap();
            let value = number();
            let id = match number() % 17 {
                0 => graph.add_none(),
                1 => graph.add_bool(value % 2 == 0),
                2 | 3 => graph.add_int(int(value)),
                4 => graph.add_float(value as f64),
                5 => graph.add_str(&"오".repeat((value % 120) as usize)),
                6 => graph.add_bytes(&vec![7; (value % 300) as usize]),
                7 => graph.add_tuple(&items),
                8 | 9 => {
                    let list = graph.add_list(&items);
                    lists.extend(&list);
                    list
                }
                10 | 11 => graph.add_dict(&items.iter().map(|item| (key, *item)).collect::<Vec<_>>()),
                12 => graph.add_set(&[key]),
                13 => graph.add_frozenset(&[key]),
                14 => graph.add_tuple(&[]),
                15 => graph.add_int(int(value)),
                _ => {
                    let args = graph.add_tuple(&items[..items.len().min(3)]).unwrap();
                    let object = graph.add_object(Made::New, class, args, None).unwrap();
                    // Half of the graphs have nothing done to any object.
                    if seed.is_multiple_of(2) && value % 3 > 0 {
                        let pairs = &items[..items.len() & !1];
                        graph.add_step(object, StepKind::Append, &items).unwrap();
                        graph.add_step(object, StepKind::SetItems, pairs).unwrap();
                        graph.add_step(object, StepKind::Add, &[key]).unwrap();
                    } else if value % 3 > 0 {
                        // Any value, or a dict, as most have it.
                        let attributes = graph.add_dict(&[(key, args)]).unwrap();
                        let state = items.first().copied().filter(|_| value % 3 > 1).unwrap_or(attributes);
                        graph.add_step(object, StepKind::Build, &[state]).unwrap();
                    }
                    Ok(object)
                }
            };
            ids.push(id.unwrap());
            if let (0, Some(list)) = (value % 50, lists.last()) {
                graph.append(*list, &ids[ids.len() - 1..]).unwrap();
            }
        }
        let root = graph.add_list(&ids[ids.len() / 2..]).unwrap();
        graph.set_roots(vec![root, ids[ids.len() - 1]]);
        graph
    }

    #[test]
    fn what_the_hot_loop_writes_is_what_the_walk_writes() {
        for seed in 0..if cfg!(miri) { 3 } else { 200 } {
            assert_same(&mixed(seed));
        }
    }

    #[test]
    fn runs_of_numbers_are_written_alike_over_several_frames() {
        let count = if cfg!(miri) { 300 } else { 60_000 };
        let mut graph = Graph::new();
        let mut numbers = noise(1);
        let mut lists = Vec::new();
        for share in [0, 1, 30, 1000] {
            let mut ids = Vec::new();
            for number in numbers.by_ref().take(count) {
                ids.push(match (share, number >> 32) {
                    (0, _) => graph.add_int(int(number)),
                    (share, other) if share > 1 && other.is_multiple_of(share) => graph.add_none(),
                    (share, other) if share > 1 && other % share == 1 => graph.add_int(int(number)),
                    _ => graph.add_float(f64::from_bits(number)),
                });
            }
            let ids: Vec<Id> = ids.into_iter().map(Result::unwrap).collect();
            lists.push(graph.add_list(&ids).unwrap());
            // Floats out of order, and each twice.
            lists.push(graph.add_list(&[&ids[..], &ids[7..]].concat()).unwrap());
        }
        let root = graph.add_tuple(&lists).unwrap();
        graph.set_roots(vec![root]);
        assert_same(&graph);
        let bytes = written(&graph, 4, true);
        let read = Graph::from_slice(&bytes).unwrap();
        let Node::Tuple(items) = read.root().node() else { panic!("{}", read.root().type_name()) };
        assert_eq!(items.len(), lists.len());
    }
}
