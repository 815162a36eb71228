//! From JSON to a graph, with an explicit stack over the tape. `tagged` reads the objects that are no dicts.
//!
//! Values are made in the order of the text, but where a reference comes before what it means, that is made first.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::graph::arena::{self, Id, Kind, Made, ObjectData, Slot, StepKind};
use crate::json::marks::SHORT;
use crate::json::tape::{Json, Tape};
use crate::json::{FORMAT, hashable, tag};
use crate::limits::{Budget, Limits};
use crate::op::number::{self, Integer};
use crate::opcode::DEFAULT_PROTOCOL;

/// Reads a graph from one JSON document, as [`write`](crate::json::write) writes it.
///
/// A document without `$pickle` is one value, so that plain JSON is read too: objects become dicts, arrays lists, numbers
/// with a point or exponent floats and all others ints of any size; its protocol is the default one. Members may stand in
/// any order.
///
/// ```
/// let graph = oiji::json::read(br#"{"sizes": {"$tuple": [3, 4.0]}}"#)?;
/// assert_eq!(graph.to_string(), "{'sizes': (3, 4.0)}");
/// let error = oiji::json::read(br#"{"sizes": {"$tuple": 3}}"#).unwrap_err();
/// let place = "at offset 21 ($.sizes.$tuple)";
/// assert_eq!(error.to_string(), format!("invalid JSON in line 1, column 22: expected an array, found a number {place}"));
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// `InvalidJson`, with line and column, the offset in bytes and the path; `Limit` as for [`read_with`].
pub fn read(input: &[u8]) -> Result<Graph<'static>> {
    read_with(input, &Limits::default())
}

/// Reads as [`read`] does, within `limits`: `bytes` of input, `ops` for the count of values, `allocation` for all that
/// is made of them, `int_digits`.
///
/// # Errors
/// As for [`read`].
pub fn read_with(input: &[u8], limits: &Limits) -> Result<Graph<'static>> {
    if input.len() as u64 > limits.bytes {
        return Err(ErrorKind::Limit { limit: "bytes", allowed: limits.bytes }.into());
    }
    let tape = Tape::read(input, limits.allocation)?;
    let mut reader = Reader {
        tape: &tape,
        graph: Graph::new(),
        budget: Budget::new(*limits),
        until_look: LOOK_EVERY,
        made: HashMap::new(),
        texts: HashMap::new(),
        globals: HashMap::new(),
        no_args: None,
        ids: Vec::new(),
        tasks: Vec::new(),
        open_tuples: 0,
        look_back: false,
    };
    reader.document()?;
    if reader.look_back {
        hashable::check(&mut reader.graph)?;
    }
    Ok(reader.graph)
}

/// How many values pass between two looks at the memory held.
const LOOK_EVERY: u32 = 1024;

pub(super) struct Reader<'t> {
    pub(super) tape: &'t Tape<'t>,
    pub(super) graph: Graph<'static>,
    pub(super) budget: Budget,
    until_look: u32,
    /// Values by their `$id`.
    pub(super) made: HashMap<u64, Id>,
    /// Short text that was met, so that keys of many dicts are one value, as they were before.
    texts: HashMap<&'t str, Id>,
    pub(super) globals: HashMap<(&'t str, &'t str), Id>,
    /// The empty tuple of arguments.
    pub(super) no_args: Option<Id>,
    /// Values that wait for what holds them.
    pub(super) ids: Vec<Id>,
    /// What is still to be read, the next on top.
    pub(super) tasks: Vec<Task>,
    /// Tuples that are known by a number, and whose items are being read.
    pub(super) open_tuples: u32,
    /// Such a tuple was used when it was not known yet whether it can be a key.
    pub(super) look_back: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Task {
    Value(u32),
    /// Items of an array from `next` on.
    Items {
        next: u32,
        left: u32,
    },
    /// Arrays of two.
    Pairs {
        next: u32,
        left: u32,
    },
    /// Members of an object that is a dict.
    Members {
        next: u32,
        left: u32,
    },
    /// An array of values, or a tuple with a tag.
    Args(u32),
    NoArgs,
    /// Puts all ids from `base` on into a container.
    Fill {
        at: u32,
        kind: Kind,
        base: u32,
        reserved: Option<Id>,
    },
    /// Makes an object of class, args and maybe kwargs, the last ids.
    Make {
        at: u32,
        made: Made,
        reserved: Option<Id>,
    },
    /// Makes a persistent value of the last id.
    Persist {
        reserved: Option<Id>,
    },
    /// Does something with the ids from `base` on to the value before them.
    Step {
        at: u32,
        kind: StepKind,
        base: u32,
    },
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<()> {
        let is_whole = |first, count| self.tape.members(first, count).any(|(name, _)| name == tag::PICKLE);
        let (first, count) = match self.tape.get(0) {
            Json::Object { first, count } if is_whole(first, count) => (first, count),
            _ => {
                let root = self.eval(0)?;
                self.graph.set_roots(vec![root]);
                self.graph.set_protocol(DEFAULT_PROTOCOL);
                return Ok(());
            }
        };
        let [mut roots, mut dropped, mut buffers] = [None; 3];
        for (name, value) in self.tape.members(first, count) {
            match name {
                tag::PICKLE => self.version(value)?,
                "protocol" => self.protocol(value)?,
                "roots" => self.once(&mut roots, value)?,
                "dropped" => self.once(&mut dropped, value)?,
                "buffers" => self.once(&mut buffers, value)?,
                _ => return Err(self.unknown_member(value, name, "protocol, roots, dropped or buffers")),
            }
        }
        let Some(roots) = roots else {
            return Err(self.tape.error(0, "expected a member roots beside $pickle"));
        };
        for root in self.array(roots)? {
            let id = self.eval(root)?;
            self.graph.roots.push(id);
        }
        for item in dropped.map(|at| self.array(at)).transpose()?.into_iter().flatten() {
            self.dropped(item)?;
        }
        let mut contents = Vec::new();
        for item in buffers.map(|at| self.array(at)).transpose()?.into_iter().flatten() {
            let known = !matches!(self.tape.get(item), Json::Null);
            contents.push(if known { Some(Cow::Owned(self.base64(item)?)) } else { None });
        }
        self.graph.buffers = contents;
        Ok(())
    }

    fn version(&self, at: u32) -> Result<()> {
        match self.integer(at)? {
            Integer::Small(version) if version == FORMAT as i64 => Ok(()),
            version => Err(self.tape.error(at, format!("expected version {FORMAT} of this form, found {version}"))),
        }
    }

    fn protocol(&mut self, at: u32) -> Result<()> {
        match self.integer(at)? {
            Integer::Small(protocol @ 0..=5) => self.graph.set_protocol(protocol as u8),
            protocol => return Err(self.tape.error(at, format!("expected a protocol from 0 to 5, found {protocol}"))),
        }
        Ok(())
    }

    fn dropped(&mut self, at: u32) -> Result<()> {
        let Json::Object { first, count } = self.tape.get(at) else { return Err(self.expected(at, "an object")) };
        let [mut value, mut below] = [None; 2];
        for (name, member) in self.tape.members(first, count) {
            match name {
                "value" => self.once(&mut value, member)?,
                "below" => self.once(&mut below, member)?,
                _ => return Err(self.unknown_member(member, name, "value or below")),
            }
        }
        let Some(value) = value else { return Err(self.tape.error(at, "expected a member value")) };
        let value = self.eval(value)?;
        let below = below.map(|below| self.eval(below)).transpose()?;
        self.graph.add_dropped(value, below);
        Ok(())
    }

    /// Makes the value at `at` and all in it.
    fn eval(&mut self, at: u32) -> Result<Id> {
        self.tasks.push(Task::Value(at));
        while let Some(task) = self.tasks.pop() {
            self.task(task)?;
        }
        match self.ids.pop() {
            Some(id) => Ok(id),
            None => Err(self.expected(at, "a value")),
        }
    }

    fn task(&mut self, task: Task) -> Result<()> {
        match task {
            Task::Value(at) => self.value(at),
            Task::Items { mut next, mut left } => {
                while left > 0 {
                    let item = next;
                    (next, left) = (self.tape.after(item), left - 1);
                    if self.is_container(item) {
                        self.tasks.push(Task::Items { next, left });
                        return self.value(item);
                    }
                    self.value(item)?;
                }
                Ok(())
            }
            Task::Members { mut next, mut left } => {
                while left > 0 {
                    let (name, value) = (next, next + 1);
                    (next, left) = (self.tape.after(value), left - 1);
                    self.text(self.tape.name(name))?;
                    if self.is_container(value) {
                        self.tasks.push(Task::Members { next, left });
                        return self.value(value);
                    }
                    self.value(value)?;
                }
                Ok(())
            }
            Task::Pairs { next, left: 1.. } if !matches!(self.tape.get(next), Json::Array { count: 2, .. }) => {
                Err(self.expected(next, "an array of key and value"))
            }
            Task::Pairs { left: 0, .. } => Ok(()),
            Task::Pairs { next, left } => {
                self.tasks.push(Task::Pairs { next: self.tape.after(next), left: left - 1 });
                self.tasks.push(Task::Items { next: next + 1, left: 2 });
                Ok(())
            }
            Task::Args(at) => match self.tape.get(at) {
                Json::Array { first, count } => {
                    self.fill(at, Kind::Tuple, None);
                    self.tasks.push(Task::Items { next: first, left: count });
                    Ok(())
                }
                _ => self.value(at),
            },
            Task::NoArgs => self.no_args(),
            Task::Fill { at, kind, base, reserved } => self.filled(at, kind, base as usize, reserved),
            Task::Make { at, made, reserved } => self.make(at, made, reserved),
            Task::Persist { reserved } => {
                let Some(id) = self.ids.pop() else { return Ok(()) };
                self.settle(Slot::persistent(id), reserved)
            }
            Task::Step { at, kind, base } => self.step(at, kind, base as usize),
        }
    }

    fn is_container(&self, at: u32) -> bool {
        matches!(self.tape.get(at), Json::Array { .. } | Json::Object { .. })
    }

    fn value(&mut self, at: u32) -> Result<()> {
        self.spend()?;
        let id = match self.tape.get(at) {
            Json::Null => self.graph.add_none()?,
            Json::Bool(value) => self.graph.add_bool(value)?,
            Json::Number(text) if is_float(text) => self.float(at, text)?,
            Json::Number(_) => self.int(at)?,
            Json::String(text) => return self.text(text),
            Json::Array { first, count } => {
                self.fill(at, Kind::List, None);
                self.tasks.push(Task::Items { next: first, left: count });
                return Ok(());
            }
            Json::Object { first, count } => {
                if count > 0 && self.tape.members(first, count).any(|(name, _)| name.starts_with('$')) {
                    return self.tagged(at, first, count);
                }
                self.fill(at, Kind::Dict, None);
                self.tasks.push(Task::Members { next: first, left: count });
                return Ok(());
            }
        };
        self.ids.push(id);
        Ok(())
    }

    fn spend(&mut self) -> Result<()> {
        self.until_look -= 1;
        if self.until_look == 0 {
            self.until_look = LOOK_EVERY;
            self.budget.held(self.graph.held() + self.tape.held())?;
        }
        self.budget.op()
    }

    pub(super) fn text(&mut self, text: &'t str) -> Result<()> {
        let id = match self.texts.get(text) {
            Some(id) => *id,
            None => {
                let id = self.graph.add_str(text)?;
                if text.len() <= SHORT {
                    self.texts.insert(text, id);
                }
                id
            }
        };
        self.ids.push(id);
        Ok(())
    }

    pub(super) fn float(&mut self, at: u32, text: &str) -> Result<Id> {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => self.graph.add_float(value),
            _ => Err(self.tape.error(at, format!("expected a float of 64 bits, found {}", shortened(text)))),
        }
    }

    /// An int in a number or a string.
    pub(super) fn int(&mut self, at: u32) -> Result<Id> {
        match self.integer(at)? {
            Integer::Small(value) => self.graph.add_int(value),
            Integer::Big(bytes) => {
                let slot = self.graph.owned_slot(Kind::BigInt, &bytes);
                self.graph.push_slot(slot)
            }
        }
    }

    pub(super) fn integer(&self, at: u32) -> Result<Integer<'static>> {
        let (Json::Number(text) | Json::String(text)) = self.tape.get(at) else {
            return Err(self.expected(at, "an int"));
        };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.tape.error(at, format!("expected an int in decimal digits, found {}", shortened(text))));
        }
        let max_digits = self.budget.limits().int_digits;
        number::parse_long(text.as_bytes(), max_digits).map_err(|error| self.tape.place(at, error))
    }

    /// Queues that all values from here on go into a container.
    pub(super) fn fill(&mut self, at: u32, kind: Kind, reserved: Option<Id>) {
        self.tasks.push(Task::Fill { at, kind, base: self.ids.len() as u32, reserved });
    }

    fn filled(&mut self, at: u32, kind: Kind, base: usize, reserved: Option<Id>) -> Result<()> {
        let ids = &self.ids[base..];
        let width = if kind == Kind::Dict { 2 } else { 1 };
        if matches!(kind, Kind::Dict | Kind::Set | Kind::FrozenSet)
            && let Err(error) = self.graph.check_hashable(ids.iter().step_by(width))
        {
            return Err(self.tape.place(at, error));
        }
        let mut slot = self.graph.run_slot(kind, ids)?;
        if kind == Kind::Tuple {
            let hashable = ids.iter().all(|id| self.graph.is_hashable(*id));
            slot.flags |= if hashable { 0 } else { arena::UNHASHABLE };
            self.open_tuples -= u32::from(reserved.is_some());
        }
        self.ids.truncate(base);
        self.settle(slot, reserved)
    }

    /// A place for a value that something in it may refer to.
    pub(super) fn reserve(&mut self, number: Option<u64>, kind: Kind) -> Result<Option<Id>> {
        let Some(number) = number else { return Ok(None) };
        let id = self.graph.push_slot(Slot::plain(kind, 0))?;
        self.open_tuples += u32::from(kind == Kind::Tuple);
        self.made.insert(number, id);
        Ok(Some(id))
    }

    /// Puts a value into its place, or a new one.
    pub(super) fn settle(&mut self, slot: Slot, reserved: Option<Id>) -> Result<()> {
        let id = match reserved {
            Some(id) => {
                self.graph.slots[id.index()] = slot;
                id
            }
            None => self.graph.push_slot(slot)?,
        };
        self.ids.push(id);
        Ok(())
    }

    fn no_args(&mut self) -> Result<()> {
        let id = match self.no_args {
            Some(id) => id,
            None => self.graph.add_tuple(&[])?,
        };
        self.no_args = Some(id);
        self.ids.push(id);
        Ok(())
    }

    fn make(&mut self, at: u32, made: Made, reserved: Option<Id>) -> Result<()> {
        let kwargs = if made == Made::NewEx { self.ids.pop() } else { None };
        let (Some(args), Some(class)) = (self.ids.pop(), self.ids.pop()) else { return Ok(()) };
        if self.graph.slot(args).kind != Kind::Tuple {
            return Err(self.tape.error(at, "expected an array or tuple of arguments"));
        }
        if kwargs.is_some_and(|kwargs| self.graph.slot(kwargs).kind != Kind::Dict) {
            return Err(self.tape.error(at, "expected a dict of keyword arguments"));
        }
        let index = u32::try_from(self.graph.objects.len()).map_err(|_| arena::full())?;
        self.graph.objects.push(ObjectData { made, class, args, kwargs, state: None });
        self.settle(Slot { low: index, ..Slot::plain(Kind::Object, 0) }, reserved)
    }

    fn step(&mut self, at: u32, kind: StepKind, base: usize) -> Result<()> {
        let (target, ids) = (self.ids[base - 1], &self.ids[base..]);
        let done = self.graph.add_step(target, kind, ids);
        self.ids.truncate(base);
        done.map_err(|error| self.tape.place(at, error))
    }

    /// The items of an array, by index.
    pub(super) fn array(&self, at: u32) -> Result<impl Iterator<Item = u32> + use<'t>> {
        match self.tape.get(at) {
            Json::Array { first, count } => {
                let tape = self.tape;
                Ok(tape.items(first, count))
            }
            _ => Err(self.expected(at, "an array")),
        }
    }

    /// Takes note of a member, which must be the only one of its name.
    pub(super) fn once(&self, member: &mut Option<u32>, at: u32) -> Result<()> {
        match member.replace(at) {
            None => Ok(()),
            Some(_) => Err(self.tape.error(at, "expected this member once, found it twice")),
        }
    }

    #[cold]
    pub(super) fn expected(&self, at: u32, what: &str) -> Error {
        self.tape.error(at, format!("expected {what}, found {}", self.tape.get(at).name()))
    }

    #[cold]
    pub(super) fn unknown_member(&self, at: u32, name: &str, known: &str) -> Error {
        self.tape.error(at - 1, format!("expected {known}, found a member {:?}", shortened(name)))
    }
}

fn is_float(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// As much of a text as a message should show.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
