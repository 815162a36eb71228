//! The pickles of one run of bytes, on the machine that loads: as far as any real reader would go, frames included.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::error::{Error, ErrorKind};
use crate::inspect::scan::report::{Report, Rule, Verdict};
use crate::inspect::scan::trace::{Ref, Tracer};
use crate::limits::Limits;
use crate::machine::{Builder, Flow, Machine, Memo};
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
    let effects = report.effect_count;
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
        let mut ended = pickle(&mut source, input, 0, &mut machine, &mut tracer, &mut branches, skip);
        if matches!(&ended, Err(error) if run.pickles > 0 && matches!(error.kind(), ErrorKind::MemoMiss { .. })) {
            // With one reader for all of them, the memo goes on.
            source.seek(start as u64);
            machine.restart();
            machine.replace_memo(memo);
            ended = pickle(&mut source, input, 0, &mut machine, &mut tracer, &mut branches, skip);
        }
        match ended {
            Ok(after_frame) => {
                run.pickles += 1;
                run.end = source.offset() as usize;
                if let Some(place) = after_frame.filter(|place| *place < input.len()) {
                    branches.add(Branch { machine: Machine::new(limits, false), head: Vec::new(), from: place });
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
    tracer.tell_needs();
    run.nested = std::mem::take(&mut tracer.nested);
    run.did = tracer.report.effect_count > effects;
    tracer.report.pickles += run.pickles;
    run
}

/// Scans one pickle of `source`, which gives `input`, of which the first byte stands at `base`; gives where the frame that
/// is open at its `STOP` ends, if it goes on.
fn pickle<'de, S: Source<'de>>(
    source: &mut S,
    input: &[u8],
    base: u64,
    machine: &mut Machine<Ref>,
    tracer: &mut Tracer<'_, '_, 'de>,
    branches: &mut Branches,
    skip: &dyn Fn(usize) -> Option<usize>,
) -> Result<Option<usize>, Error> {
    let mut frame: Option<usize> = None;
    tracer.protocol = 0;
    loop {
        let start = source.offset() as usize;
        let offset = base + start as u64;
        tracer.offset = offset;
        let op = match read_op(source) {
            Ok(op) => op,
            Err(error) => {
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
                let why = "a frame ends inside it: some readers go on behind the frame, and see other ops";
                let what = format!("{} is cut by the end of its frame", opcode.name());
                tracer.report.find(Verdict::Dangerous, Rule::ReadersDiffer, offset, what, why);
                let head = head(input, start, frame_end, opcode);
                branches.add(Branch { machine: machine.clone(), head, from: base as usize + frame_end });
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
                if frame.is_some() {
                    let why = "it begins inside another: some readers refuse it, others go on";
                    tracer.report.find(Verdict::Dangerous, Rule::ReadersDiffer, offset, what(), why);
                }
                frame = Some(end + len as usize).filter(|frame_end| *frame_end > end);
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
        if start & 0xfff == 0 && tracer.held() > HELD {
            return Err(Error::from(ErrorKind::Limit { limit: "allocation", allowed: HELD as u64 }).at(offset));
        }
    }
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
                tracer.global(&module, &name)?;
                tracer.global(&module, &shorter(&name))?;
            }
            None => {
                tracer.global(&module, "")?;
                tracer.global(&shorter(&module), "")?;
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
}

#[derive(Default)]
struct Branches {
    waiting: VecDeque<Branch>,
    seen: usize,
}

impl Branches {
    fn add(&mut self, branch: Branch) {
        self.seen += 1;
        if self.seen <= BRANCHES {
            self.waiting.push_back(branch);
        }
    }

    /// Follows all ways on, which add effects and findings and nothing else.
    fn follow(mut self, input: &[u8], tracer: &mut Tracer<'_, '_, '_>) {
        while let Some(Branch { mut machine, head, from }) = self.waiting.pop_front() {
            let bytes = [&head, &input[from.min(input.len())..]].concat();
            let base = (from - head.len()) as u64;
            // What breaks off here breaks off for that reader alone.
            let _ =
                pickle(&mut StreamSource::new(&bytes[..]), &bytes, base, &mut machine, tracer, &mut self, &|_| None);
        }
        if self.seen > BRANCHES {
            let what = format!("{} ways to read it", self.seen);
            let why = format!("no more than {BRANCHES} are followed");
            tracer.report.find(Verdict::Incomplete, Rule::Limit, 0, what, &why);
        }
    }
}
