//! From a graph to tagged JSON, with an explicit stack: each value once, references to it wherever it is used again.

use std::collections::HashSet;
use std::io::Write;

use crate::error::Result;
use crate::graph::arena::{self, Graph, Id, Kind, Made, Slot, Step, StepKind};
use crate::json::marks::{Mark, Marks};
use crate::json::out::{Layout, Out};
use crate::json::tag::{self, Tag};
use crate::json::{FORMAT, JsonOptions};
use crate::op::number;
use crate::op::text::{Segment, segments};

/// Writes everything that the roots of `graph` reach, and what its pickles dropped, as one JSON document with a newline
/// at its end. [`read`](crate::json::read) gives the same graph back.
///
/// Text is UTF-8. Without [`JsonOptions::pretty`] there is no other newline, so that documents can follow one another.
///
/// ```
/// use oiji::json::{self, JsonOptions};
/// let graph = oiji::loads(b"\x80\x02]q\x00(K\x01h\x00e.")?;
/// let mut text = Vec::new();
/// json::write(&graph, &mut text, &JsonOptions::default())?;
/// let same = br#"{"$pickle":1,"protocol":2,"roots":[{"$id":1,"$list":[1,{"$ref":1}]}]}"#;
/// assert_eq!(text.trim_ascii_end(), same);
/// assert_eq!(json::read(&text)?, graph);
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// `Io`. What was written before the error stays written.
pub fn write<W: Write>(graph: &Graph<'_>, out: W, options: &JsonOptions) -> Result<()> {
    let mut writer = Writer { graph, out: Out::new(out, options.pretty), marks: Marks::of(graph), tasks: Vec::new() };
    writer.document()?;
    writer.out.finish()
}

struct Writer<'g, W> {
    graph: &'g Graph<'g>,
    out: Out<W>,
    marks: Marks,
    /// What is still to be written, the next on top.
    tasks: Vec<Task<'g>>,
}

#[derive(Clone, Copy)]
enum Task<'g> {
    Value(Id),
    Items(&'g [Id]),
    /// Keys and values, each two in brackets of their own.
    Pairs(&'g [Id]),
    /// Keys and values as members of an object.
    Members(&'g [Id]),
    /// A member whose value is the next task.
    Key(&'static str),
    Array(&'g [Id]),
    Contents(&'g [Id]),
    Args(Id),
    /// What is done to a value, as a list of steps.
    Steps(&'g [Step]),
    /// A step, whose value is the next task.
    Step(&'static str),
    Close(u8, Layout),
    /// The end of an object that is a tag and nothing else.
    CloseTag,
}

impl<'g, W: Write> Writer<'g, W> {
    fn document(&mut self) -> Result<()> {
        self.out.open(b'{', Layout::Lines);
        self.member(tag::PICKLE)?;
        self.out.number(FORMAT);
        self.member("protocol")?;
        self.out.number(self.graph.protocol);
        self.member("roots")?;
        self.out.open(b'[', Layout::Lines);
        for root in &self.graph.roots {
            self.out.item()?;
            self.run(Task::Value(*root))?;
        }
        self.out.close(b']', Layout::Lines);
        if !self.graph.dropped.is_empty() {
            self.member("dropped")?;
            self.dropped()?;
        }
        if !self.graph.buffers.is_empty() {
            self.member("buffers")?;
            self.out.open(b'[', Layout::Lines);
            for buffer in &self.graph.buffers {
                self.out.item()?;
                match buffer {
                    Some(bytes) => self.out.base64_string(bytes)?,
                    None => self.out.raw("null"),
                }
            }
            self.out.close(b']', Layout::Lines);
        }
        self.out.close(b'}', Layout::Lines);
        Ok(())
    }

    fn dropped(&mut self) -> Result<()> {
        self.out.open(b'[', Layout::Lines);
        for dropped in &self.graph.dropped {
            self.out.item()?;
            self.out.open(b'{', Layout::Lines);
            self.member("value")?;
            self.run(Task::Value(dropped.value))?;
            if let Some(below) = dropped.below {
                self.member("below")?;
                self.run(Task::Value(below))?;
            }
            self.out.close(b'}', Layout::Lines);
        }
        self.out.close(b']', Layout::Lines);
        Ok(())
    }

    fn member(&mut self, name: &str) -> Result<()> {
        self.out.item()?;
        self.out.key(name);
        Ok(())
    }

    fn run(&mut self, task: Task<'g>) -> Result<()> {
        self.tasks.push(task);
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Value(id) => self.value(id)?,
                Task::Items(ids) => self.items(ids)?,
                Task::Pairs(ids) => self.pairs(ids)?,
                Task::Members(ids) => self.members(ids)?,
                Task::Key(name) => self.member(name)?,
                Task::Array(ids) => self.array(ids),
                Task::Contents(ids) => self.contents(ids),
                Task::Args(id) => self.args(id)?,
                Task::Steps(steps) => self.steps(steps),
                Task::Close(bracket, layout) => self.out.close(bracket, layout),
                Task::Step(name) => {
                    self.out.item()?;
                    self.out.raw("{");
                    self.out.key(name);
                }
                Task::CloseTag => self.out.raw("}"),
            }
        }
        Ok(())
    }

    fn array(&mut self, ids: &'g [Id]) {
        let layout = self.layout(ids);
        self.out.open(b'[', layout);
        self.tasks.push(Task::Close(b']', layout));
        self.tasks.push(Task::Items(ids));
    }

    fn items(&mut self, mut ids: &'g [Id]) -> Result<()> {
        while let Some((id, rest)) = ids.split_first() {
            ids = rest;
            self.out.item()?;
            if !self.graph.is_leaf(*id) {
                self.tasks.push(Task::Items(rest));
                return self.value(*id);
            }
            self.value(*id)?;
        }
        Ok(())
    }

    /// The pairs of a dict: members of an object if they can be, else in an array.
    fn contents(&mut self, ids: &'g [Id]) {
        let members = self.can_be_members(ids);
        self.open_contents(ids, members);
    }

    fn open_contents(&mut self, ids: &'g [Id], members: bool) {
        if members {
            let layout = self.layout(ids);
            self.out.open(b'{', layout);
            self.tasks.push(Task::Close(b'}', layout));
            self.tasks.push(Task::Members(ids));
        } else {
            self.out.open(b'[', Layout::Lines);
            self.tasks.push(Task::Close(b']', Layout::Lines));
            self.tasks.push(Task::Pairs(ids));
        }
    }

    fn members(&mut self, ids: &'g [Id]) -> Result<()> {
        let mut rest = ids;
        while let [key, value, after @ ..] = rest {
            rest = after;
            self.out.item()?;
            self.out.string(self.graph.span(self.graph.slot(*key)))?;
            self.out.colon();
            if !self.graph.is_leaf(*value) {
                self.tasks.push(Task::Members(rest));
                return self.value(*value);
            }
            self.value(*value)?;
        }
        Ok(())
    }

    fn pairs(&mut self, ids: &'g [Id]) -> Result<()> {
        if let Some((pair, rest)) = ids.split_at_checked(2) {
            self.out.item()?;
            self.tasks.push(Task::Pairs(rest));
            self.array(pair);
        }
        Ok(())
    }

    /// Whether all keys are text that no tag can be taken for, each of them once.
    fn can_be_members(&mut self, ids: &'g [Id]) -> bool {
        let graph = self.graph;
        let keys = || ids.iter().step_by(2).map(|id| graph.slot(*id));
        let is_plain = |slot: Slot| {
            slot.kind == Kind::Str && slot.flags & arena::SURROGATES == 0 && graph.span(slot).first() != Some(&b'$')
        };
        if !keys().all(is_plain) || ids.iter().step_by(2).any(|id| self.marks.is_shared(graph, *id)) {
            return false;
        }
        let few = ids.len() <= 2 * 8;
        let mut seen = HashSet::new();
        keys().enumerate().all(|(index, slot)| {
            let text = graph.span(slot);
            if few { !keys().take(index).any(|other| graph.span(other) == text) } else { seen.insert(text) }
        })
    }

    /// A few short atoms are written in one line.
    fn layout(&self, ids: &[Id]) -> Layout {
        let is_short = |id: &Id| {
            let slot = self.graph.slot(*id);
            match slot.kind {
                Kind::None | Kind::Bool | Kind::Int | Kind::Float => true,
                Kind::Str => slot.span_len() <= 16,
                _ => false,
            }
        };
        let flat = self.out.is_pretty() && ids.len() <= 12 && ids.iter().all(is_short);
        if flat { Layout::Flat } else { Layout::Lines }
    }

    /// Begins an object of JSON with a tag; its value comes next.
    fn tag(&mut self, mark: Mark, tag: Tag) {
        self.out.raw("{");
        self.number(mark);
        self.out.key(tag.name());
    }

    fn number(&mut self, mark: Mark) {
        if let Mark::First(number) = mark {
            self.out.key(tag::ID);
            self.out.number(number);
            self.out.comma();
        }
    }

    #[inline]
    fn value(&mut self, id: Id) -> Result<()> {
        let mark = self.marks.next(self.graph, id)?;
        if let Mark::Again(number) = mark {
            self.tag(Mark::Alone, Tag::Ref);
            self.out.number(number);
            self.out.raw("}");
            return Ok(());
        }
        let slot = self.graph.slot(id);
        let run = || self.graph.run(slot);
        match slot.kind {
            Kind::None => self.out.raw("null"),
            Kind::Bool => self.out.raw(if slot.data == 0 { "false" } else { "true" }),
            Kind::Int => self.out.number(slot.data as i64),
            Kind::Float => self.float(f64::from_bits(slot.data)),
            Kind::List if mark == Mark::Alone => self.array(run()),
            Kind::Tuple if slot.low == 0 => {
                self.tag(mark, Tag::Tuple);
                self.out.raw("[]}");
            }
            Kind::Tuple => self.sequence(mark, Tag::Tuple, run()),
            Kind::List => self.sequence(mark, Tag::List, run()),
            Kind::Set => self.sequence(mark, Tag::Set, run()),
            Kind::FrozenSet => self.sequence(mark, Tag::FrozenSet, run()),
            Kind::Dict => {
                let pairs = run();
                let members = self.can_be_members(pairs);
                if mark != Mark::Alone || !members {
                    self.tag(mark, Tag::Dict);
                    self.tasks.push(Task::CloseTag);
                }
                self.open_contents(pairs, members);
            }
            Kind::Str if mark == Mark::Alone && slot.flags & arena::SURROGATES == 0 => {
                self.out.string(self.graph.span(slot))?;
            }
            Kind::BigInt | Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Py2Str => self.span(mark, slot)?,
            Kind::Global | Kind::Extension | Kind::Buffer | Kind::Persistent => self.open_ended(mark, id, slot)?,
            Kind::Object => self.object(mark, id, slot),
        }
        Ok(())
    }

    fn sequence(&mut self, mark: Mark, tag: Tag, ids: &'g [Id]) {
        self.tag(mark, tag);
        self.tasks.push(Task::CloseTag);
        self.array(ids);
    }

    fn float(&mut self, value: f64) {
        if value.is_finite() {
            return number::write_float(&mut self.out.buffer, value);
        }
        self.tag(Mark::Alone, Tag::Float);
        match value.to_bits() {
            PLAIN_NAN => self.out.raw("\"nan\"}"),
            bits if value.is_nan() => self.out.raw(&format!("\"nan:{bits:016x}\"}}")),
            _ if value < 0.0 => self.out.raw("\"-inf\"}"),
            _ => self.out.raw("\"inf\"}"),
        }
    }

    /// A value of text or bytes that has a tag.
    fn span(&mut self, mark: Mark, slot: Slot) -> Result<()> {
        let bytes = self.graph.span(slot);
        match slot.kind {
            Kind::BigInt => {
                self.tag(mark, Tag::Int);
                self.out.string(number::decimal(bytes).as_bytes())?;
            }
            Kind::Str => {
                self.tag(mark, Tag::Str);
                if slot.flags & arena::SURROGATES == 0 {
                    self.out.string(bytes)?;
                } else {
                    self.segments(bytes)?;
                }
            }
            Kind::Py2Str => {
                self.tag(mark, Tag::Py2Str);
                self.out.latin1_string(bytes)?;
            }
            Kind::Bytes => {
                self.tag(mark, Tag::Bytes);
                self.out.base64_string(bytes)?;
            }
            _ => {
                self.tag(mark, Tag::ByteArray);
                self.out.base64_string(bytes)?;
            }
        }
        self.out.raw("}");
        Ok(())
    }

    /// Text with lone surrogates: strings, and the surrogates as numbers.
    fn segments(&mut self, text: &[u8]) -> Result<()> {
        self.out.open(b'[', Layout::Flat);
        for segment in segments(text) {
            self.out.item()?;
            match segment {
                Segment::Str(text) => self.out.string(text.as_bytes())?,
                Segment::Surrogate(code_point) => self.out.number(code_point),
            }
        }
        self.out.close(b']', Layout::Flat);
        Ok(())
    }

    /// What is no object here, and yet may have things done to it.
    fn open_ended(&mut self, mark: Mark, id: Id, slot: Slot) -> Result<()> {
        let graph = self.graph;
        let steps = graph.steps.get(&id).map_or(&[][..], Vec::as_slice);
        if !steps.is_empty() || slot.kind == Kind::Persistent {
            self.then(steps, &[]);
        } else {
            self.out.raw("{");
        }
        self.number(mark);
        match slot.kind {
            Kind::Global => {
                let global = &graph.globals[slot.low as usize];
                self.out.key(Tag::Global.name());
                self.out.raw("[");
                self.out.string(global.module.as_bytes())?;
                self.out.comma();
                self.out.string(global.name.as_bytes())?;
                self.out.raw("]");
            }
            Kind::Extension => {
                self.out.key(Tag::Extension.name());
                self.out.number(slot.low);
            }
            Kind::Buffer => {
                self.out.key(Tag::Buffer.name());
                self.out.number(slot.data);
                if slot.flags & arena::READ_ONLY != 0 {
                    self.out.comma();
                    self.out.key("read_only");
                    self.out.raw("true");
                }
            }
            _ => {
                self.out.key(Tag::Persistent.name());
                self.tasks.push(Task::Value(self.graph.persistent_id(slot)));
                return Ok(());
            }
        }
        // A leaf is written at once: nobody runs tasks between two of them.
        if steps.is_empty() {
            self.out.raw("}");
        }
        Ok(())
    }

    fn object(&mut self, mark: Mark, id: Id, slot: Slot) {
        let graph = self.graph;
        let data = &graph.objects[slot.low as usize];
        let tag = match data.made {
            Made::Call => Tag::Call,
            Made::New => Tag::New,
            Made::NewEx => Tag::NewEx,
            Made::Instance => Tag::Instance,
        };
        let steps = graph.steps.get(&id).map_or(&[][..], Vec::as_slice);
        let mut members = Vec::new();
        if graph.slot(data.args).low > 0 {
            members.extend([Task::Key("args"), Task::Args(data.args)]);
        }
        if let Some(kwargs) = data.kwargs {
            members.extend([Task::Key("kwargs"), Task::Value(kwargs)]);
        }
        if let (Some(state), []) = (data.state, steps) {
            members.extend([Task::Key("state"), Task::Value(state)]);
        }
        self.then(steps, &members);
        self.number(mark);
        self.out.key(tag.name());
        self.tasks.push(Task::Value(data.class));
    }

    /// Begins an object of JSON, and queues `members`, what is done to the value, and the end of the object. The caller
    /// writes the first member.
    fn then(&mut self, steps: &'g [Step], members: &[Task<'g>]) {
        if members.is_empty() && steps.is_empty() {
            self.out.raw("{");
            self.tasks.push(Task::CloseTag);
            return;
        }
        self.out.open_hugging();
        self.tasks.push(Task::Close(b'}', Layout::Lines));
        // The usual order goes without saying.
        if steps.is_sorted_by(|one, two| tag::order(one.kind) < tag::order(two.kind)) {
            for step in steps.iter().rev() {
                self.tasks.push(done(step));
                self.tasks.push(Task::Key(tag::step_name(step.kind)));
            }
        } else {
            self.tasks.push(Task::Steps(steps));
            self.tasks.push(Task::Key("steps"));
        }
        self.tasks.extend(members.iter().rev());
    }

    /// A list of steps, each an object of one member.
    fn steps(&mut self, steps: &'g [Step]) {
        self.out.open(b'[', Layout::Lines);
        self.tasks.push(Task::Close(b']', Layout::Lines));
        for step in steps.iter().rev() {
            self.tasks.push(Task::CloseTag);
            self.tasks.push(done(step));
            self.tasks.push(Task::Step(tag::step_name(step.kind)));
        }
    }

    /// The arguments of an object: an array without a tag is a tuple there.
    fn args(&mut self, id: Id) -> Result<()> {
        let slot = self.graph.slot(id);
        if slot.kind != Kind::Tuple || self.marks.is_shared(self.graph, id) {
            return self.value(id);
        }
        self.array(self.graph.run(slot));
        Ok(())
    }
}

/// The bits of the NaN that Python makes.
pub(super) const PLAIN_NAN: u64 = 0x7ff8_0000_0000_0000;

/// What a step is done with.
fn done(step: &Step) -> Task<'_> {
    match (step.kind, step.ids.as_slice()) {
        (StepKind::Append | StepKind::Add, ids) => Task::Array(ids),
        (StepKind::SetItems, ids) => Task::Contents(ids),
        (StepKind::Build, [state, ..]) => Task::Value(*state),
        // `add_step` lets no such step in.
        (StepKind::Build, []) => Task::Array(&[]),
    }
}
