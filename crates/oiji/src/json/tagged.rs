//! The objects of JSON that are no dicts: what each tag wants beside it, and what it makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;
use crate::graph::arena::{Id, Kind, Made, StepKind};
use crate::json::read::{Reader, Task, shortened};
use crate::json::tag::{self, Tag};
use crate::json::tape::Json;
use crate::json::write::PLAIN_NAN;
use crate::op::number::Integer;
use crate::op::text::push_code_point;
use crate::source::Chunk;

/// The members of such an object, by index of their values.
#[derive(Default)]
struct Members {
    number: Option<u32>,
    tag: Option<(Tag, u32)>,
    args: Option<u32>,
    kwargs: Option<u32>,
    read_only: Option<u32>,
    steps: Option<u32>,
    /// In the order in which Python does them.
    done: [Option<u32>; 4],
}

impl Reader<'_> {
    /// Reads an object with a name that begins with `$`.
    pub(super) fn tagged(&mut self, at: u32, first: u32, count: u32) -> Result<()> {
        let members = self.sort(first, count)?;
        let Some((tag, value)) = members.tag else {
            return Err(self.tape.error(at, "expected a tag beside $id"));
        };
        let number = match (members.number, tag) {
            (Some(number), Tag::Ref) => return Err(self.unknown_member(number, tag::ID, "nothing beside $ref")),
            (Some(number), _) => Some(self.number(number)?),
            (None, _) => None,
        };
        self.check(&members, tag)?;
        // A reference further up may have asked for it.
        if let Some(made) = number.and_then(|number| self.made.get(&number)) {
            self.ids.push(*made);
            return Ok(());
        }
        let slot = match tag {
            Tag::Ref => return self.reference(value),
            Tag::List => return self.sequence(value, Kind::List, number),
            Tag::Tuple => return self.sequence(value, Kind::Tuple, number),
            Tag::Set => return self.sequence(value, Kind::Set, number),
            Tag::FrozenSet => return self.sequence(value, Kind::FrozenSet, number),
            Tag::Dict => {
                let reserved = self.reserve(number, Kind::Dict)?;
                self.fill(value, Kind::Dict, reserved);
                return self.contents(value);
            }
            Tag::Call | Tag::New | Tag::NewEx | Tag::Instance => return self.object(at, tag, value, &members, number),
            Tag::Persistent => {
                let reserved = self.reserve(number, Kind::Persistent)?;
                self.queue_steps(&members)?;
                self.tasks.push(Task::Persist { reserved });
                self.tasks.push(Task::Value(value));
                return Ok(());
            }
            Tag::Int => self.int(value)?,
            Tag::Float => self.tagged_float(value)?,
            Tag::Str => self.tagged_str(value)?,
            Tag::Bytes => self.bytes(value, Kind::Bytes)?,
            Tag::ByteArray => self.bytes(value, Kind::ByteArray)?,
            Tag::Py2Str => self.py2_str(value)?,
            Tag::Global => self.global(value, &members)?,
            Tag::Extension => self.extension(value)?,
            Tag::Buffer => self.buffer(value, &members)?,
        };
        if let Some(number) = number {
            self.made.insert(number, slot);
        }
        self.queue_steps(&members)?;
        self.ids.push(slot);
        Ok(())
    }

    fn sort(&self, first: u32, count: u32) -> Result<Members> {
        let mut members = Members::default();
        for (name, value) in self.tape.members(first, count) {
            match name {
                tag::ID => self.once(&mut members.number, value)?,
                "args" => self.once(&mut members.args, value)?,
                "kwargs" => self.once(&mut members.kwargs, value)?,
                "read_only" => self.once(&mut members.read_only, value)?,
                "steps" => self.once(&mut members.steps, value)?,
                _ => match (Tag::of(name), tag::STEPS.iter().position(|(step, _)| *step == name)) {
                    (_, Some(step)) => self.once(&mut members.done[step], value)?,
                    (Some(tag), _) if members.tag.is_none() => members.tag = Some((tag, value)),
                    (Some(_), _) => {
                        return Err(self.tape.error(value - 1, format!("expected one tag, found {name} too")));
                    }
                    (None, None) if name.starts_with('$') => {
                        let hint = "write dicts with such keys as {\"$dict\": [[key, value], ...]}";
                        return Err(self.unknown_member(value, name, &format!("a tag ({hint})")));
                    }
                    (None, None) => return Err(self.unknown_member(value, name, "only members that its tag has")),
                },
            }
        }
        Ok(members)
    }

    /// Whether nothing stands beside a tag that it does not take.
    fn check(&self, members: &Members, tag: Tag) -> Result<()> {
        let object = tag.makes_object();
        let steps = tag.takes_steps();
        let [append, set, add, state] = members.done;
        let all = [
            (members.args, object, "args"),
            (members.kwargs, tag == Tag::NewEx, "kwargs"),
            (members.read_only, tag == Tag::Buffer, "read_only"),
            (members.steps, steps, "steps"),
            (append, steps && members.steps.is_none(), "append"),
            (set, steps && members.steps.is_none(), "set"),
            (add, steps && members.steps.is_none(), "add"),
            (state, steps && members.steps.is_none(), "state"),
        ];
        for (member, allowed, name) in all {
            if let (Some(at), false) = (member, allowed) {
                let beside = if members.steps.is_some() && steps { "steps" } else { tag.name() };
                return Err(self.tape.error(at - 1, format!("expected no member {name} beside {beside}")));
            }
        }
        Ok(())
    }

    fn number(&self, at: u32) -> Result<u64> {
        match (self.tape.get(at), self.integer(at)?) {
            (Json::Number(_), Integer::Small(number @ 0..)) => Ok(number as u64),
            _ => Err(self.tape.error(at, "expected a number from 0 to 9223372036854775807")),
        }
    }

    fn reference(&mut self, at: u32) -> Result<()> {
        let number = self.number(at)?;
        if let Some(id) = self.made.get(&number) {
            self.look_back |= self.open_tuples > 0 && self.graph.slot(*id).kind == Kind::Tuple;
            self.ids.push(*id);
            return Ok(());
        }
        match self.tape.numbered(number) {
            Some(meant) => {
                self.tasks.push(Task::Value(meant));
                Ok(())
            }
            None => Err(self.tape.error(at, format!("expected the $id of a value, found {number}, which none has"))),
        }
    }

    fn sequence(&mut self, at: u32, kind: Kind, number: Option<u64>) -> Result<()> {
        let Json::Array { first, count } = self.tape.get(at) else { return Err(self.expected(at, "an array")) };
        let reserved = self.reserve(number, kind)?;
        self.fill(at, kind, reserved);
        self.tasks.push(Task::Items { next: first, left: count });
        Ok(())
    }

    /// Queues the pairs of a dict, in an array or as members of an object.
    fn contents(&mut self, at: u32) -> Result<()> {
        let task = match self.tape.get(at) {
            Json::Array { first, count } => Task::Pairs { next: first, left: count },
            Json::Object { first, count } => {
                if let Some((_, value)) = self.tape.members(first, count).find(|(name, _)| name.starts_with('$')) {
                    let problem = "expected a key that does not begin with $; write such dicts as [[key, value], ...]";
                    return Err(self.tape.error(value - 1, problem));
                }
                Task::Members { next: first, left: count }
            }
            _ => return Err(self.expected(at, "an object, or an array of pairs")),
        };
        self.tasks.push(task);
        Ok(())
    }

    fn object(&mut self, at: u32, tag: Tag, class: u32, members: &Members, number: Option<u64>) -> Result<()> {
        let made = match tag {
            Tag::Call => Made::Call,
            Tag::New => Made::New,
            Tag::NewEx => Made::NewEx,
            _ => Made::Instance,
        };
        let reserved = self.reserve(number, Kind::Object)?;
        self.queue_steps(members)?;
        self.tasks.push(Task::Make { at, made, reserved });
        match (made, members.kwargs) {
            (Made::NewEx, Some(kwargs)) => self.tasks.push(Task::Value(kwargs)),
            (Made::NewEx, None) => return Err(self.tape.error(at, "expected a member kwargs beside $new_ex")),
            _ => {}
        }
        match members.args {
            Some(args) => self.tasks.push(Task::Args(args)),
            None => self.tasks.push(Task::NoArgs),
        }
        self.tasks.push(Task::Value(class));
        Ok(())
    }

    /// Queues what is done to the value that comes next, last things first.
    fn queue_steps(&mut self, members: &Members) -> Result<()> {
        let base = self.ids.len() as u32 + 1;
        if let Some(steps) = members.steps {
            let all: Vec<u32> = self.array(steps)?.collect();
            for step in all.into_iter().rev() {
                let (kind, at) = self.step_of(step)?;
                self.queue_step(kind, at, base)?;
            }
        }
        for (index, (_, kind)) in tag::STEPS.iter().enumerate().rev() {
            if let Some(at) = members.done[index] {
                self.queue_step(*kind, at, base)?;
            }
        }
        Ok(())
    }

    /// A step as an object of one member.
    fn step_of(&self, at: u32) -> Result<(StepKind, u32)> {
        if let Json::Object { first, count: 1 } = self.tape.get(at)
            && let Some((_, kind)) = tag::STEPS.iter().find(|(name, _)| *name == self.tape.name(first))
        {
            return Ok((*kind, first + 1));
        }
        Err(self.tape.error(at, "expected a step: an object with one member, append, set, add or state"))
    }

    fn queue_step(&mut self, kind: StepKind, at: u32, base: u32) -> Result<()> {
        self.tasks.push(Task::Step { at, kind, base });
        match kind {
            StepKind::SetItems => return self.contents(at),
            StepKind::Build => self.tasks.push(Task::Value(at)),
            StepKind::Append | StepKind::Add => {
                let Json::Array { first, count } = self.tape.get(at) else { return Err(self.expected(at, "an array")) };
                self.tasks.push(Task::Items { next: first, left: count });
            }
        }
        Ok(())
    }

    fn tagged_float(&mut self, at: u32) -> Result<Id> {
        let value = match self.tape.get(at) {
            Json::Number(text) => return self.float(at, text),
            Json::String("nan") => f64::from_bits(PLAIN_NAN),
            Json::String("inf") => f64::INFINITY,
            Json::String("-inf") => f64::NEG_INFINITY,
            Json::String(text) => {
                let bits = text.strip_prefix("nan:").filter(|digits| digits.len() == 16);
                let bits = bits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
                match bits.map(f64::from_bits).filter(|value| value.is_nan()) {
                    Some(value) => value,
                    None => {
                        let found = shortened(text);
                        let problem =
                            format!("expected \"nan\", \"inf\", \"-inf\" or \"nan:\" with 16 digits, found {found:?}");
                        return Err(self.tape.error(at, problem));
                    }
                }
            }
            _ => return Err(self.expected(at, "a string or number")),
        };
        self.graph.add_float(value)
    }

    fn tagged_str(&mut self, at: u32) -> Result<Id> {
        if let Json::String(text) = self.tape.get(at) {
            return self.graph.add_str(text);
        }
        let mut bytes = Vec::new();
        for part in self.array(at)? {
            match self.tape.get(part) {
                Json::String(text) => bytes.extend_from_slice(text.as_bytes()),
                Json::Number(_) => match self.integer(part)? {
                    Integer::Small(code_point @ 0xd800..=0xdfff) => push_code_point(&mut bytes, code_point as u32),
                    other => {
                        let problem = format!("expected a surrogate, from 55296 to 57343, found {other}");
                        return Err(self.tape.error(part, problem));
                    }
                },
                _ => return Err(self.expected(part, "a string, or a surrogate as a number")),
            }
        }
        self.graph.add_text(&bytes)
    }

    fn py2_str(&mut self, at: u32) -> Result<Id> {
        let Json::String(text) = self.tape.get(at) else { return Err(self.expected(at, "a string")) };
        let mut bytes = Vec::with_capacity(text.len());
        for char in text.chars() {
            match u8::try_from(char) {
                Ok(byte) => bytes.push(byte),
                Err(_) => {
                    let problem = format!("expected characters up to U+00FF, one for each byte, found {char:?}");
                    return Err(self.tape.error(at, problem));
                }
            }
        }
        self.keep(Kind::Py2Str, bytes)
    }

    fn bytes(&mut self, at: u32, kind: Kind) -> Result<Id> {
        let bytes = self.base64(at)?;
        self.keep(kind, bytes)
    }

    fn keep(&mut self, kind: Kind, mut bytes: Vec<u8>) -> Result<Id> {
        let slot = self.graph.span_slot(kind, Chunk::Scratch(&mut bytes));
        self.graph.push_slot(slot)
    }

    pub(super) fn base64(&self, at: u32) -> Result<Vec<u8>> {
        let Json::String(text) = self.tape.get(at) else { return Err(self.expected(at, "a string of base64")) };
        STANDARD.decode(text).map_err(|error| self.tape.error(at, format!("expected base64 with padding: {error}")))
    }

    fn global(&mut self, at: u32, members: &Members) -> Result<Id> {
        let names = match self.tape.get(at) {
            Json::Array { first, count: 2 } => (self.tape.get(first), self.tape.get(first + 1)),
            _ => return Err(self.expected(at, "an array of module and name")),
        };
        let (Json::String(module), Json::String(name)) = names else {
            return Err(self.tape.error(at, "expected two strings, module and name"));
        };
        // What has things done to it is a value of its own.
        let touched = members.steps.is_some() || members.done.iter().any(Option::is_some);
        if touched {
            return self.graph.add_global(module, name);
        }
        if let Some(id) = self.globals.get(&(module, name)) {
            return Ok(*id);
        }
        let id = self.graph.add_global(module, name)?;
        self.globals.insert((module, name), id);
        Ok(id)
    }

    fn extension(&mut self, at: u32) -> Result<Id> {
        match self.integer(at)? {
            Integer::Small(code @ 1..=0x7fff_ffff) => self.graph.add_extension(code as u32),
            code => Err(self.tape.error(at, format!("expected an extension code from 1 to 2147483647, found {code}"))),
        }
    }

    fn buffer(&mut self, at: u32, members: &Members) -> Result<Id> {
        let index = self.number(at)?;
        let read_only = match members.read_only.map(|at| (at, self.tape.get(at))) {
            None => false,
            Some((_, Json::Bool(read_only))) => read_only,
            Some((at, _)) => return Err(self.expected(at, "a bool")),
        };
        self.graph.add_buffer(index, read_only)
    }
}
