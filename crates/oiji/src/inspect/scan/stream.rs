//! The pickles of one run of bytes, on the machine that loads: as far as any real reader would go, frames included.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::error::{Error, ErrorKind};
use crate::inspect::scan::report::{Report, Rule, Verdict};
use crate::inspect::scan::trace::{Ref, Tracer};
use crate::limits::Limits;
use crate::machine::{Builder, Flow, Machine, Memo, swift};
use crate::op::{Arg, Op, read_op};
use crate::opcode::{ArgKind, Opcode};
use crate::policy::Policy;
use crate::source::{SliceSource, Source, StreamSource};

/// What became of a run of bytes.
pub(super) struct Run<'de> {
    /// Where what was no pickle begins: the end if all of it was.
    pub(super) end: usize,
    /// How many pickles came to their end.
    pub(super) pickles: u64,
    /// Whether anything was reached that a policy has a word about.
    pub(super) did: bool,
    /// What broke the last one off, after its first op.
    pub(super) error: Option<Error>,
    /// Bytes that are handed to a loader, with where.
    pub(super) nested: Vec<(u64, Cow<'de, [u8]>)>,
}

/// A memo index so far beyond the count of entries takes memory of readers for nothing.
const FAR: u64 = 1 << 20;

/// So many ways on are followed where readers disagree about what comes next.
const BRANCHES: usize = 16;

/// So many ops are done between two looks at what is held.
const SWIFT_OPS: u64 = 1 << 12;

/// What the values of a pickle may take in memory.
const HELD: usize = 1 << 30;

/// Scans all pickles in `input`, one after another, up to what is none.
///
/// `skip` tells at an offset after a `BUILD` how many bytes follow that are no ops, as joblib puts arrays there.
pub(super) fn scan<'de>(
    input: &'de [u8],
    policy: &Policy,
    report: &mut Report,
    limits: Limits,
    skip: &dyn Fn(usize) -> Option<usize>,
) -> Run<'de> {
    let (effects, findings) = (report.effect_count, report.findings.len());
    let mut run = Run { end: 0, pickles: 0, did: false, error: None, nested: Vec::new() };
    let mut tracer = Tracer::new(policy, report);
    let mut branches = Branches::default();
    let mut machine = Machine::new(limits, false);
    let mut source = SliceSource::new(input);
    while run.end < input.len() {
        let start = run.end;
        machine.restart();
        if tracer.held() > HELD {
            tracer.forget();
            machine.clear_memo();
        }
        let memo = machine.replace_memo(Memo::default());
        let mut ended = pickle(&mut source, input, (0, None), &mut machine, &mut tracer, &mut branches, skip);
        if matches!(&ended, Err(error) if run.pickles > 0 && matches!(error.kind(), ErrorKind::MemoMiss { .. })) {
            // With one reader for all of them, the memo goes on.
            source.seek(start as u64);
            machine.restart();
            machine.replace_memo(memo);
            ended = pickle(&mut source, input, (0, None), &mut machine, &mut tracer, &mut branches, skip);
        }
        match ended {
            Ok(after_frame) => {
                run.pickles += 1;
                run.end = source.offset() as usize;
                if let Some(place) = after_frame.filter(|place| *place < input.len()) {
                    branches.add_behind(place, limits);
                }
            }
            Err(error) => {
                // Bytes that are no pickle from their first op on are nobody's pickle.
                let is_begun = source.offset() as usize > start + 2
                    && !matches!(error.kind(), ErrorKind::UnknownOpcode { .. })
                    || tracer.report.effect_count > effects;
                run.error = is_begun.then_some(error);
                break;
            }
        }
    }
    branches.follow(input, &mut tracer);
    // Text may begin as the name of a module and go on as nothing at all.
    let done = tracer.report.effect_count - effects;
    let may_be_text = matches!(input, [b'c' | b'i', ..]) && run.pickles == 0;
    if may_be_text && done > 0 && done == tracer.odd_names {
        // What it would do stays told, without a judgement.
        tracer.report.forget_from(findings);
        run.error = None;
        return run;
    }
    tracer.tell_needs();
    run.nested = std::mem::take(&mut tracer.nested);
    run.did = tracer.report.effect_count > effects;
    tracer.report.pickles += run.pickles;
    run
}

/// Scans one pickle of `source`, which gives `input`, of which the first byte stands at `base`, in a frame up to `frame` where
/// there is one; gives where the frame that
/// is open at its `STOP` ends, if it goes on.
fn pickle<'de, S: Source<'de>>(
    source: &mut S,
    input: &[u8],
    (base, mut frame): (u64, Option<usize>),
    machine: &mut Machine<Ref>,
    tracer: &mut Tracer<'_, '_, 'de>,
    branches: &mut Branches,
    skip: &dyn Fn(usize) -> Option<usize>,
) -> Result<Option<usize>, Error> {
    tracer.protocol = machine.protocol();
    tracer.base = base;
    loop {
        let most = machine.budget().ops_left().min(SWIFT_OPS) as u32;
        let room = frame.map_or(usize::MAX, |frame_end| frame_end.saturating_sub(source.offset() as usize));
        let ops = swift::run(source, machine, tracer, most, room)?;
        machine.budget().spend_ops(u64::from(ops));
        let start = source.offset() as usize;
        let offset = base + start as u64;
        tracer.offset = offset;
        let op = match read_op(source) {
            Ok(op) => op,
            Err(error) => {
                let opcode = input.get(start).and_then(|code| Opcode::from_code(*code));
                let within = frame.filter(|frame_end| (start + 1..=input.len()).contains(frame_end));
                if let (Some(frame_end), Some(opcode)) = (within, opcode) {
                    // Who goes on behind the frame may see a shorter op.
                    cut_by_frame(input, (start, frame_end, base), opcode, machine, tracer, branches);
                }
                cut_name(&input[start.min(input.len())..], tracer)?;
                return Err(error.at(offset));
            }
        };
        let opcode = op.opcode;
        if let Some(frame_end) = frame
            && start + op_len_at_most(&op) >= frame_end
            && let end = start + op.encoded_len()
            && end >= frame_end
        {
            if end > frame_end && start < frame_end {
                cut_by_frame(input, (start, frame_end, base), opcode, machine, tracer, branches);
            }
            frame = None;
        }
        if opcode == Opcode::Frame {
            let len = if let Arg::Uint(len) = op.arg { len } else { 0 };
            let what = || format!("a frame of {len} bytes");
            let end = start + 9;
            if len > (input.len() - end) as u64 {
                let why = "it is longer than the file: some readers refuse it, others run what is there";
                tracer.report.find(Verdict::Dangerous, Rule::ReadersDiffer, offset, what(), why);
            } else {
                let frame_end = end + len as usize;
                if let Some(outer) = frame {
                    let why = "it begins inside another: some readers refuse it, others go on";
                    tracer.report.find(Verdict::Dangerous, Rule::ReadersDiffer, offset, what(), why);
                    if frame_end > outer {
                        // Who reads it anew drops what is left of the frame around it.
                        let (from, len) = (base as usize + outer, len as usize);
                        branches.add(|| Branch {
                            machine: machine.clone(),
                            head: Vec::new(),
                            from,
                            frame: len,
                            way: BEHIND,
                        });
                        // Who has read further ahead has all of it.
                        frame = Some(frame_end);
                    }
                } else {
                    frame = Some(frame_end).filter(|frame_end| *frame_end > end);
                }
            }
        }
        if let (Opcode::LongBinPut, Arg::Uint(index)) = (opcode, &op.arg)
            && *index > machine.memo().count() + FAR
        {
            let what = format!("memo index {index}");
            let why = "readers in C make room for all indexes below it";
            tracer.report.find(Verdict::Unknown, Rule::Limit, offset, what, why);
        }
        if let (Opcode::Put, Arg::Line(line)) = (opcode, &op.arg)
            && line.len() > 7
        {
            let what = format!("memo index {}", String::from_utf8_lossy(&line[..line.len().min(30)]));
            let why = "readers in C make room for all indexes below it";
            tracer.report.find(Verdict::Unknown, Rule::Limit, offset, what, why);
        }
        tracer.wrapper = false;
        let flow = machine.step(op, tracer).map_err(|error| error.at(offset))?;
        if let Some(machine) = machine.take_other() {
            let (from, way) = (base as usize + source.offset() as usize, "for readers of Python 2");
            branches.add(|| Branch { machine, head: Vec::new(), from, frame: 0, way });
        }
        match opcode {
            Opcode::Proto => tracer.protocol = machine.protocol(),
            Opcode::Build if tracer.wrapper => {
                if let Some(len) = skip(start + 1) {
                    source.take(len as u64)?;
                }
            }
            _ => {}
        }
        if let Flow::Stop(_) = flow {
            let differs = frame.is_some();
            if differs {
                let why = "its frame goes on behind it: readers disagree about where the next pickle begins";
                let what = "STOP stands inside a frame".to_owned();
                tracer.report.find(Verdict::Dangerous, Rule::ReadersDiffer, offset, what, why);
            }
            return Ok(frame);
        }
        if tracer.held() > HELD {
            return Err(Error::from(ErrorKind::Limit { limit: "allocation", allowed: HELD as u64 }).at(offset));
        }
    }
}

/// Takes the way of who comes to the end of a frame inside the op at `start`.
#[cold]
fn cut_by_frame(
    input: &[u8],
    (start, frame_end, base): (usize, usize, u64),
    opcode: Opcode,
    machine: &Machine<Ref>,
    tracer: &mut Tracer<'_, '_, '_>,
    branches: &mut Branches,
) {
    let why = "a frame ends inside it: some readers go on behind the frame, and see other ops";
    let what = format!("{} is cut by the end of its frame", opcode.name());
    tracer.report.find(Verdict::Dangerous, Rule::ReadersDiffer, base + start as u64, what, why);
    let head = head(input, start, frame_end, opcode);
    branches.add(|| Branch { machine: machine.clone(), head, from: base as usize + frame_end, frame: 0, way: BEHIND });
}

/// Python 2 takes the end of a file for the end of a line, and so a name that breaks off for a name.
#[cold]
fn cut_name(rest: &[u8], tracer: &mut Tracer<'_, '_, '_>) -> Result<(), Error> {
    if let [b'c' | b'i', names @ ..] = rest {
        let mut lines = names.splitn(2, |byte| *byte == b'\n').map(String::from_utf8_lossy);
        let (module, name) = (lines.next().unwrap_or_default(), lines.next());
        // And the last byte for its end.
        let shorter =
            |text: &str| text.char_indices().next_back().map_or(String::new(), |(last, _)| text[..last].to_owned());
        tracer.differs("a name breaks off");
        match name {
            Some(name) => {
                for name in [name.as_ref(), &shorter(&name)] {
                    let class = tracer.global(&module, name)?;
                    if rest[0] == b'i' {
                        tracer.instance(&class, &[])?;
                    }
                }
            }
            None => {
                for module in [module.as_ref(), &shorter(&module)] {
                    let class = tracer.global(module, "")?;
                    if rest[0] == b'i' {
                        tracer.instance(&class, &[])?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// No fewer bytes than an op takes.
#[inline]
fn op_len_at_most(op: &Op<'_, '_>) -> usize {
    9 + match &op.arg {
        Arg::Bytes(bytes) => bytes.len(),
        Arg::Line(line) => line.len(),
        Arg::Lines { text, .. } => text.len(),
        _ => 0,
    }
}

/// The part of an op that a reader has when it comes to the end of a frame inside it, and drops the rest: what it then
/// reads anew is taken from behind the frame.
fn head(input: &[u8], start: usize, frame_end: usize, opcode: Opcode) -> Vec<u8> {
    let prefix = match opcode.arg() {
        ArgKind::Long1 | ArgKind::String1 | ArgKind::Bytes1 | ArgKind::UnicodeString1 => 1,
        ArgKind::Long4 | ArgKind::String4 | ArgKind::Bytes4 | ArgKind::UnicodeString4 => 4,
        ArgKind::Bytes8 | ArgKind::ByteArray8 | ArgKind::UnicodeString8 => 8,
        // The first of two lines, where it is whole.
        ArgKind::StringNlNoEscapePair => {
            input[start + 1..frame_end].iter().position(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
        }
        _ => 0,
    };
    let end = if start + 1 + prefix <= frame_end { start + 1 + prefix } else { start + 1 };
    input[start..end].to_vec()
}

/// A way on that some reader takes.
struct Branch {
    machine: Machine<Ref>,
    /// What it has of an op already.
    head: Vec<u8>,
    /// Where it goes on.
    from: usize,
    /// How many bytes from there belong to a frame.
    frame: usize,
    /// Who goes there.
    way: &'static str,
}

/// Who drops what is left of a frame that ends inside an op.
const BEHIND: &str = "for readers that go on behind the frame";

#[derive(Default)]
struct Branches {
    waiting: VecDeque<Branch>,
    seen: usize,
}

impl Branches {
    /// Takes a way on, which is made only if it is still followed: machines may be large.
    fn add(&mut self, branch: impl FnOnce() -> Branch) {
        self.seen += 1;
        if self.seen <= BRANCHES {
            self.waiting.push_back(branch());
        }
    }

    /// Takes the way of who has dropped what is left of a frame behind `STOP`.
    fn add_behind(&mut self, from: usize, limits: Limits) {
        self.add(|| Branch { machine: Machine::new(limits, false), head: Vec::new(), from, frame: 0, way: BEHIND });
    }

    /// Follows all ways on, which add effects and findings and nothing else.
    fn follow(mut self, input: &[u8], tracer: &mut Tracer<'_, '_, '_>) {
        while let Some(Branch { mut machine, head, from, frame, way }) = self.waiting.pop_front() {
            let bytes = [&head, &input[from.min(input.len())..]].concat();
            let base = (from - head.len()) as u64;
            tracer.way = Some(way);
            let mut frame = Some(frame).filter(|len| *len > 0);
            let source = &mut StreamSource::new(&bytes[..]);
            // What breaks off here breaks off for that reader alone; what comes to an end may be followed by more.
            while let Ok(after_frame) =
                pickle(source, &bytes, (base, frame.take()), &mut machine, tracer, &mut self, &|_| None)
            {
                if let Some(place) = after_frame.filter(|place| *place < bytes.len()) {
                    self.add_behind(base as usize + place, *machine.budget().limits());
                }
                machine.restart();
                machine.clear_memo();
            }
        }
        tracer.way = None;
        if self.seen > BRANCHES {
            let what = format!("{} ways to read it", self.seen);
            let why = format!("no more than {BRANCHES} are followed");
            tracer.report.find(Verdict::Incomplete, Rule::Limit, 0, what, &why);
        }
    }
}
