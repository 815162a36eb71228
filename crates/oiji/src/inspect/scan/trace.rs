//! A builder that makes no values: it knows of each what may be done with it, and notes what is done.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{ErrorKind, Result};
use crate::global;
use crate::inspect::scan::report::{Report, Rule, Verdict};
use crate::machine::{Builder, swift::Swift};
use crate::op::number::Integer;
use crate::policy::judge::{self, Objection, Seen, Values};
use crate::policy::{self, Arguments, Policy, Standing, Use};
use crate::source::Chunk;

/// Notes what one file's pickles do, in `report`.
pub(super) struct Tracer<'p, 'r, 'de> {
    policy: &'p Policy,
    pub(super) report: &'r mut Report,
    nodes: Vec<Node>,
    /// How many values each node is when what is shared is written out at each place, about.
    unfolded: Vec<f32>,
    /// Items of tuples, and the first few of other containers.
    pool: Vec<Ref>,
    text: Vec<u8>,
    /// Bytes, which a loader may be given.
    blobs: Vec<Cow<'de, [u8]>>,
    globals: Vec<Global<'p>>,
    known: FxHashMap<(String, String, bool), u32>,
    /// Where the op at work begins.
    pub(super) offset: u64,
    /// Where the first byte of its source stands.
    pub(super) base: u64,
    /// What the last `PROTO` stated.
    pub(super) protocol: u8,
    /// Bytes that are handed to a loader, with where.
    pub(super) nested: Vec<(u64, Cow<'de, [u8]>)>,
    /// An object that has just got its state is an array wrapper of joblib, whose bytes follow.
    pub(super) wrapper: bool,
    /// How many names there were such as text that is no pickle begins with.
    pub(super) odd_names: u64,
    /// What kind of reader comes this way, where not all do.
    pub(super) way: Option<&'static str>,
    /// Globals that were taken from the memo, or doubled.
    recalled: FxHashSet<Ref>,
}

/// A value: `None`, a bool, an int of 30 bits by itself, else the number of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ref(u32);

const NONE: Ref = Ref(0);
const FALSE: Ref = Ref(1);
const TRUE: Ref = Ref(2);
/// A number that is not looked at.
const NUMBER: Ref = Ref(3);
/// A value that readers make different things of.
const UNSURE: Ref = Ref(4);
/// Numbers from here on are nodes.
const NODES: u32 = 5;
/// From here on they are ints, of which half are below zero.
const INTS: u32 = 1 << 31;

#[derive(Clone, Copy)]
enum Node {
    /// Text, or bytes that Python 2 would take for text.
    Text {
        start: u32,
        len: u32,
    },
    Bytes(u32),
    Tuple {
        start: u32,
        len: u32,
    },
    List {
        start: u32,
        len: u32,
    },
    Set {
        start: u32,
        len: u32,
    },
    Dict {
        start: u32,
        len: u32,
        keys: Keys,
    },
    Global(u32),
    /// What a call gives, or an instance: what may be done with it, where the policy knows.
    Made {
        of: u32,
        rule: Option<policy::Rule>,
    },
    /// What another value computes, a persistent id or an extension code stands for.
    Outside,
    Buffer,
}

/// What the keys of a dict are, which might be a state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Plain,
    /// One is a name of Python's machinery, as `__class__`.
    Dunder,
}

struct Global<'p> {
    /// As Python 3 finds it.
    module: String,
    name: String,
    /// Both, for people.
    full: String,
    standing: Standing<'p>,
    /// What is done with it.
    needs: policy::Rule,
}

/// No global.
const NO_ONE: u32 = u32::MAX;

/// What stands for the name of a global that is computed while loading.
const COMPUTED: &str = "\0";

/// So much text of a value is kept: names are shorter, and of bytes only what a loader is given matters.
const KEPT_TEXT: usize = 1 << 10;

/// So many items of a container are kept, to be shown. Of tuples all are: they are arguments.
const KEPT_ITEMS: usize = 8;

impl<'p, 'r, 'de> Tracer<'p, 'r, 'de> {
    pub(super) fn new(policy: &'p Policy, report: &'r mut Report) -> Self {
        Tracer {
            policy,
            report,
            nodes: Vec::new(),
            unfolded: Vec::new(),
            pool: Vec::new(),
            text: Vec::new(),
            blobs: Vec::new(),
            globals: Vec::new(),
            known: FxHashMap::default(),
            offset: 0,
            base: 0,
            protocol: 0,
            nested: Vec::new(),
            wrapper: false,
            odd_names: 0,
            way: None,
            recalled: FxHashSet::default(),
        }
    }

    /// Forgets the values of a pickle, of which nothing is kept.
    pub(super) fn forget(&mut self) {
        self.nodes.clear();
        self.unfolded.clear();
        self.pool.clear();
        self.text.clear();
        self.blobs.clear();
        self.recalled.clear();
        self.protocol = 0;
    }

    /// What may be asked of the memory that is held.
    pub(super) fn held(&self) -> usize {
        self.nodes.len() * (size_of::<Node>() + size_of::<f32>()) + self.pool.len() * size_of::<Ref>() + self.text.len()
    }

    #[inline]
    fn add(&mut self, node: Node) -> Result<Ref> {
        let number = self.nodes.len() as u32 + NODES;
        if number >= INTS {
            return Err(ErrorKind::Limit { limit: "allocation", allowed: u64::from(INTS) }.into());
        }
        self.nodes.push(node);
        self.unfolded.push(1.0);
        Ok(Ref(number))
    }

    /// Takes note of what a container is given, and of one that holds far more than its bytes promise.
    #[inline]
    fn holds(&mut self, container: Ref, items: &[Ref]) {
        /// More than any data, and soon more than any memory.
        const BOMB: f32 = (1_u64 << 40) as f32;
        let one = |item: &Ref| {
            let index = item.0.wrapping_sub(NODES) as usize;
            self.unfolded.get(index).copied().unwrap_or(1.0)
        };
        let sum: f32 = items.iter().map(one).sum();
        let Some(unfolded) = self.unfolded.get_mut(container.0.wrapping_sub(NODES) as usize) else { return };
        *unfolded += sum;
        if *unfolded > BOMB {
            let what = "a value that holds more than 2^40 others, written out".to_owned();
            let why = "what is shared in it is so nested that who walks over all of it never ends";
            self.report.find(Verdict::Incomplete, Rule::Limit, self.offset, what, why);
        }
    }

    #[inline]
    fn node(&self, value: Ref) -> Option<Node> {
        if value.0 >= INTS { None } else { self.nodes.get(value.0.checked_sub(NODES)? as usize).copied() }
    }

    #[inline]
    fn keep(&mut self, bytes: &[u8]) -> (u32, u32) {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        (start, bytes.len() as u32)
    }

    fn items(&mut self, items: &[Ref], most: usize) -> (u32, u32) {
        let start = self.pool.len() as u32;
        self.pool.extend_from_slice(&items[..items.len().min(most)]);
        (start, self.pool.len() as u32 - start)
    }

    fn find(&mut self, verdict: Verdict, rule: Rule, what: String, why: &str) {
        self.report.find(verdict, rule, self.offset, what, why);
    }

    fn text_of(&self, value: Ref) -> Option<&[u8]> {
        match self.node(value)? {
            Node::Text { start, len } => Some(&self.text[start as usize..][..len as usize]),
            Node::Bytes(index) => Some(&self.blobs[index as usize]),
            _ => None,
        }
    }

    fn pool_of(&self, start: u32, len: u32) -> &[Ref] {
        &self.pool[start as usize..][..len as usize]
    }

    /// The value as Python would show it, shortened.
    fn shown(&self, value: Ref, depth: u8) -> String {
        const LONG: usize = 60;
        let some = |start, len, open: &str, close: &str| {
            if depth == 0 {
                return format!("{open}…{close}");
            }
            let items: Vec<_> =
                self.pool_of(start, len).iter().take(4).map(|item| self.shown(*item, depth - 1)).collect();
            let more = if len > 4 { ", …" } else { "" };
            format!("{open}{}{more}{close}", items.join(", "))
        };
        let quoted = |bytes: &[u8], prefix| {
            let text: String = String::from_utf8_lossy(bytes).chars().take(LONG).collect();
            let more = if text.len() < bytes.len() { "…" } else { "" };
            format!("{prefix}'{}{more}'", text.escape_default())
        };
        match value {
            NONE => return "None".to_owned(),
            FALSE => return "False".to_owned(),
            TRUE => return "True".to_owned(),
            Ref(int) if int >= INTS => return ((int - INTS) as i64 - (1 << 30)).to_string(),
            _ => {}
        }
        match self.node(value) {
            None => "…".to_owned(),
            Some(Node::Text { start, len }) => quoted(&self.text[start as usize..][..len as usize], ""),
            Some(Node::Bytes(index)) => quoted(&self.blobs[index as usize], "b"),
            Some(Node::Tuple { start, len }) => some(start, len, "(", ")"),
            Some(Node::List { start, len }) => some(start, len, "[", "]"),
            Some(Node::Set { start, len }) => some(start, len, "{", "}"),
            Some(Node::Dict { .. }) => "{…}".to_owned(),
            Some(Node::Global(index)) => self.globals[index as usize].full.clone(),
            Some(Node::Made { of, .. }) => match self.globals.get(of as usize) {
                Some(global) => format!("{}(…)", global.full),
                None => "…".to_owned(),
            },
            Some(Node::Outside | Node::Buffer) => "…".to_owned(),
        }
    }

    fn arguments_shown(&self, arguments: &[Ref]) -> String {
        let shown: Vec<_> = arguments.iter().take(6).map(|argument| self.shown(*argument, 2)).collect();
        let more = if arguments.len() > 6 { ", …" } else { "" };
        format!("({}{more})", shown.join(", "))
    }

    /// The arguments in a tuple, or in what `pickle.py` unpacks as one.
    fn arguments_in(&self, value: Ref) -> Vec<Ref> {
        match self.node(value) {
            Some(Node::Tuple { start, len } | Node::List { start, len } | Node::Set { start, len }) => {
                self.pool_of(start, len).to_vec()
            }
            _ => vec![value],
        }
    }

    /// Takes note of something that is done, and how it came there.
    fn does(&mut self, how: Option<&'static str>, told: impl FnOnce() -> String) {
        self.report.does(self.offset, self.way.or(how), told);
    }

    /// Takes note of what is said against something, if anything is.
    fn object_to(&mut self, objection: Option<(bool, String)>, rule: Rule, told: String) {
        if let Some((is_danger, why)) = objection {
            self.find(if is_danger { Verdict::Dangerous } else { Verdict::Unknown }, rule, told, &why);
        }
    }

    /// Takes note of a call, or of an instance made by `__new__`.
    fn called(&mut self, callable: Ref, arguments: &[Ref], is_new: bool) -> Result<Ref> {
        let verb = if is_new { "makes" } else { "calls" };
        let Some(Node::Global(index)) = self.node(callable) else {
            return self.called_value(callable, arguments, verb);
        };
        self.needed(index, if is_new { Use::New } else { Use::Call });
        let global = &self.globals[index as usize];
        let standing = global.standing;
        let objection = owned(judge::call(self, callable, arguments, is_new));
        // Of what is allowed no more is told than is kept; of the rest each call is counted with those of the same name.
        if self.report.keeps_effects() || objection.is_some() {
            let like = format!("{verb} {}", global.full);
            let told = format!("{like}{}", self.arguments_shown(arguments));
            let how = self.recalled.contains(&callable).then_some("by a name from the memo");
            self.does(how, || told.clone());
            match (objection, standing) {
                (Some((is_danger, why)), Standing::Dangerous(_) | Standing::Unknown) => {
                    let verdict = if is_danger { Verdict::Dangerous } else { Verdict::Unknown };
                    self.report.find_like(&like, verdict, Rule::Call, self.offset, told, &why);
                }
                (objection, _) => self.object_to(objection, Rule::Call, told),
            }
        } else {
            self.report.effect_count += 1;
        }
        let Standing::Allowed(rule) = standing else { return self.add(Node::Made { of: index, rule: None }) };
        match rule.arguments {
            Arguments::Attribute => {
                if let Some((module, name)) = judge::attribute(self, arguments) {
                    return self.named(&module, &name);
                }
            }
            Arguments::Loaded => {
                if let Some(bytes) = arguments.first().and_then(|bytes| self.loaded(*bytes)) {
                    self.nested.push((self.offset, bytes));
                }
            }
            _ => {}
        }
        let made = judge::rule_of_made(self, rule, arguments);
        let class = arguments.first().and_then(|class| self.node(*class));
        let of = match (rule.arguments, class) {
            (Arguments::Class, Some(Node::Global(class))) => {
                self.needed(class, Use::New);
                class
            }
            _ => index,
        };
        self.add(Node::Made { of, rule: Some(made) })
    }

    /// Takes note that a policy would have to allow a use.
    #[inline]
    fn needed(&mut self, index: u32, more: Use) {
        if let Some(global) = self.globals.get_mut(index as usize) {
            global.needs = global.needs.with(more);
        }
    }

    /// Puts into the report what a policy would have to allow.
    pub(super) fn tell_needs(&mut self) {
        for global in &self.globals {
            let both = self.report.needs.entry((global.module.clone(), global.name.clone())).or_default();
            *both = both.and(global.needs);
        }
    }

    fn loaded(&self, value: Ref) -> Option<Cow<'de, [u8]>> {
        match self.node(value)? {
            Node::Bytes(index) => Some(self.blobs[index as usize].clone()),
            _ => self.text_of(value).map(|text| Cow::Owned(text.to_vec())),
        }
    }

    /// A call of something that is no global.
    fn called_value(&mut self, callable: Ref, arguments: &[Ref], verb: &str) -> Result<Ref> {
        let who = match self.node(callable) {
            Some(Node::Made { of, .. }) => format!("what {} gives", self.maker(of)),
            Some(Node::Outside) => "what stands outside".to_owned(),
            _ => return Err(ErrorKind::WrongType { expected: "a callable", found: self.kind(callable) }.into()),
        };
        let told = format!("{verb} {who}, with {}", self.arguments_shown(arguments));
        self.does(None, || told.clone());
        let objection = owned(judge::call(self, callable, arguments, false));
        self.object_to(objection, Rule::Call, told);
        self.add(Node::Made { of: NO_ONE, rule: None })
    }

    /// Who made a value, for people.
    fn maker(&self, of: u32) -> &str {
        self.globals.get(of as usize).map_or("a value", |global| global.full.as_str())
    }

    fn kind(&self, value: Ref) -> &'static str {
        match self.node(value) {
            Some(Node::Text { .. }) => "str",
            Some(Node::Bytes(_)) => "bytes",
            Some(Node::Tuple { .. }) => "tuple",
            Some(Node::List { .. }) => "list",
            Some(Node::Set { .. }) => "set",
            Some(Node::Dict { .. }) => "dict",
            Some(Node::Global(_)) => "global",
            Some(Node::Made { .. }) => "object",
            Some(Node::Outside) => "value kept outside",
            Some(Node::Buffer) => "buffer",
            None if value == NONE => "None",
            None => "number",
        }
    }

    fn keys(&self, pairs: &[Ref]) -> Keys {
        let is_dunder = |key: &Ref| self.text_of(*key).is_some_and(judge::is_dunder);
        if pairs.iter().step_by(2).any(is_dunder) { Keys::Dunder } else { Keys::Plain }
    }

    /// Gives items to something that is not the container itself.
    fn filled(&mut self, target: Ref, verb: &str) {
        let told = match self.node(target) {
            Some(Node::Global(index)) => format!("{verb} of {}", self.globals[index as usize].full),
            Some(Node::Made { of, .. }) => {
                self.needed(of, Use::Items);
                format!("{verb} of what {} gives", self.maker(of))
            }
            Some(Node::Outside) => format!("{verb} of what stands outside"),
            _ => return self.differs("items are given to a value that takes none"),
        };
        self.does(None, || told.clone());
        let objection = owned(judge::items(self, target));
        self.object_to(objection, Rule::Items, told);
    }

    fn named(&mut self, module: &str, name: &str) -> Result<Ref> {
        let is_old = self.protocol < 3;
        let key = (module.to_owned(), name.to_owned(), is_old);
        let is_computed = module.starts_with(COMPUTED) || name.starts_with(COMPUTED);
        *self.report.globals.entry((shown_name(module), shown_name(name))).or_default() += 1;
        // Text of other kinds may begin as a global does, and hardly any module is called so.
        let is_odd = module.contains(|c: char| c.is_whitespace() || "()[]{}:;,<>=\"'".contains(c));
        if is_odd {
            self.odd_names += 1;
        }
        let index = match self.known.get(&key) {
            Some(index) => *index,
            None => {
                let global = self.judged(module, name, is_old);
                let index = self.globals.len() as u32;
                self.globals.push(global);
                self.known.insert(key, index);
                index
            }
        };
        let global = &self.globals[index as usize];
        let told = format!("names {}", global.full);
        let standing = global.standing;
        self.does(is_computed.then_some("by a computed name"), || told.clone());
        if is_computed {
            let why = "the name is made while loading: no honest writer does so";
            self.find(Verdict::Dangerous, Rule::ComputedName, told, why);
        } else {
            self.object_to(owned(judge::name(standing)), Rule::Name, told);
        }
        self.add(Node::Global(index))
    }

    /// What the policy says of a global, by the name that is written and by the one it is mapped to.
    fn judged(&self, module: &str, name: &str, is_old: bool) -> Global<'p> {
        let (module, name) = (shown_name(module), shown_name(name));
        let written = self.policy.standing(&module, &name);
        let (new_module, new_name) =
            if is_old { global::to_python3(&module, &name) } else { (module.as_str(), name.as_str()) };
        let mapped = self.policy.standing(new_module, new_name);
        let standing = match (mapped, written) {
            // What is allowed in full counts; what only a module's name makes dangerous in one spelling does not.
            (Standing::Allowed(_), _) | (Standing::Dangerous(_), _) => mapped,
            (Standing::Unknown, _) => written,
        };
        let full = format!("{new_module}.{new_name}");
        let (module, name) = (new_module.to_owned(), new_name.to_owned());
        Global { module, name, full, standing, needs: policy::Rule::default() }
    }
}

/// An objection that outlives what it was made about.
fn owned(objection: Option<Objection<'_>>) -> Option<(bool, String)> {
    objection.map(|objection| (objection.is_danger, objection.why.to_owned()))
}

impl Values for Tracer<'_, '_, '_> {
    type Value = Ref;

    fn seen(&self, value: Ref) -> Seen<'_> {
        match self.node(value) {
            Some(Node::Global(index)) => {
                let Global { module, name, standing, .. } = &self.globals[index as usize];
                Seen::Global { module, name, standing: *standing }
            }
            Some(Node::Made { rule, .. }) => Seen::Made(rule),
            Some(Node::Outside) => Seen::Outside,
            Some(Node::Text { start, len }) => Seen::Text(&self.text[start as usize..][..len as usize]),
            Some(Node::Bytes(_)) => Seen::Bytes,
            Some(Node::Dict { keys, .. }) => Seen::Dict { has_dunder: keys == Keys::Dunder },
            _ => Seen::Data,
        }
    }

    fn pair(&self, value: Ref) -> Option<(Ref, Ref)> {
        match self.node(value) {
            Some(Node::Tuple { start, len: 2 }) => Some((self.pool_of(start, 2)[0], self.pool_of(start, 2)[1])),
            _ => None,
        }
    }
}

/// The name as reports have it.
fn shown_name(name: &str) -> String {
    if name.starts_with(COMPUTED) { "<computed>".to_owned() } else { name.to_owned() }
}

impl<'de> Builder<'de> for Tracer<'_, '_, 'de> {
    type Value = Ref;

    const LENIENT: bool = true;

    fn none(&mut self) -> Result<Ref> {
        Ok(NONE)
    }

    fn bool(&mut self, value: bool) -> Result<Ref> {
        Ok(if value { TRUE } else { FALSE })
    }

    fn int(&mut self, value: Integer<'_>) -> Result<Ref> {
        const HALF: i64 = 1 << 30;
        Ok(match value {
            Integer::Small(value) if (-HALF..HALF).contains(&value) => Ref(INTS + (value + HALF) as u32),
            _ => NUMBER,
        })
    }

    fn float(&mut self, _value: f64) -> Result<Ref> {
        Ok(NUMBER)
    }

    fn str(&mut self, text: Chunk<'_, 'de>) -> Result<Ref> {
        self.copied_str(&text)
    }

    fn py2_str(&mut self, bytes: Chunk<'_, 'de>) -> Result<Ref> {
        if bytes.len() > KEPT_TEXT {
            return self.bytes(bytes);
        }
        let (start, len) = self.keep(&bytes);
        self.add(Node::Text { start, len })
    }

    fn bytes(&mut self, bytes: Chunk<'_, 'de>) -> Result<Ref> {
        self.blobs.push(match bytes {
            Chunk::Input(bytes) => Cow::Borrowed(bytes),
            Chunk::Scratch(bytes) => Cow::Owned(bytes.clone()),
        });
        self.add(Node::Bytes(self.blobs.len() as u32 - 1))
    }

    fn bytearray(&mut self, bytes: Chunk<'_, 'de>) -> Result<Ref> {
        self.bytes(bytes)
    }

    fn buffer(&mut self) -> Result<Ref> {
        self.add(Node::Buffer)
    }

    fn read_only(&mut self, buffer: &Ref) -> Result<Ref> {
        Ok(*buffer)
    }

    fn tuple(&mut self, items: &[Ref]) -> Result<Ref> {
        let (start, len) = self.items(items, usize::MAX);
        let tuple = self.add(Node::Tuple { start, len })?;
        self.holds(tuple, items);
        Ok(tuple)
    }

    fn list(&mut self, items: &[Ref]) -> Result<Ref> {
        let (start, len) = self.items(items, KEPT_ITEMS);
        let list = self.add(Node::List { start, len })?;
        self.holds(list, items);
        Ok(list)
    }

    fn dict(&mut self, pairs: &[Ref]) -> Result<Ref> {
        let keys = self.keys(pairs);
        let dict = self.add(Node::Dict { start: 0, len: 0, keys })?;
        self.holds(dict, pairs);
        Ok(dict)
    }

    fn set(&mut self) -> Result<Ref> {
        self.add(Node::Set { start: 0, len: 0 })
    }

    fn frozenset(&mut self, items: &[Ref]) -> Result<Ref> {
        let (start, len) = self.items(items, KEPT_ITEMS);
        let set = self.add(Node::Set { start, len })?;
        self.holds(set, items);
        Ok(set)
    }

    fn append(&mut self, list: &Ref, items: &[Ref]) -> Result<()> {
        self.holds(*list, items);
        match self.node(*list) {
            Some(Node::List { len: 0, .. }) => {
                // What is called with a list may be called with what is in it.
                let (start, len) = self.items(items, KEPT_ITEMS);
                self.nodes[(list.0 - NODES) as usize] = Node::List { start, len };
            }
            Some(Node::List { .. }) => {}
            _ => self.filled(*list, "appends to items"),
        }
        Ok(())
    }

    fn set_items(&mut self, dict: &Ref, pairs: &[Ref]) -> Result<()> {
        self.holds(*dict, pairs);
        match self.node(*dict) {
            Some(Node::Dict { start, len, keys: Keys::Plain }) => {
                let keys = self.keys(pairs);
                self.nodes[(dict.0 - NODES) as usize] = Node::Dict { start, len, keys };
            }
            Some(Node::Dict { .. }) => {}
            _ => self.filled(*dict, "sets items"),
        }
        Ok(())
    }

    fn add_items(&mut self, set: &Ref, _items: &[Ref]) -> Result<()> {
        if !matches!(self.node(*set), Some(Node::Set { .. })) {
            self.filled(*set, "adds items");
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<Ref> {
        self.named(module, name)
    }

    fn name(&self, value: &Ref) -> Result<String> {
        match self.node(*value) {
            Some(Node::Text { start, len }) => {
                Ok(String::from_utf8_lossy(&self.text[start as usize..][..len as usize]).into_owned())
            }
            Some(Node::Made { .. } | Node::Outside | Node::Global(_)) => Ok(COMPUTED.to_owned()),
            None if *value == UNSURE => Ok(COMPUTED.to_owned()),
            _ => Err(ErrorKind::WrongType { expected: "str", found: self.kind(*value) }.into()),
        }
    }

    fn extension(&mut self, code: u32) -> Result<Ref> {
        let told = format!("takes what extension code {code} stands for");
        self.does(None, || told.clone());
        let why = "what it stands for is known to the loading process alone";
        self.find(Verdict::Unknown, Rule::Extension, told, why);
        self.add(Node::Outside)
    }

    fn persistent(&mut self, id: &Ref) -> Result<Ref> {
        if self.report.keeps_effects() {
            let told = format!("asks for what persistent id {} stands for", self.shown(*id, 2));
            self.does(None, || told);
        } else {
            self.report.effect_count += 1;
        }
        self.add(Node::Outside)
    }

    fn reduce(&mut self, callable: &Ref, args: &Ref) -> Result<Ref> {
        let arguments = self.arguments_in(*args);
        self.called(*callable, &arguments, false)
    }

    fn instance(&mut self, class: &Ref, args: &[Ref]) -> Result<Ref> {
        self.called(*class, args, false)
    }

    fn object(&mut self, class: &Ref, args: &Ref, kwargs: Option<&Ref>) -> Result<Ref> {
        let mut arguments = self.arguments_in(*args);
        arguments.extend(kwargs);
        self.called(*class, &arguments, true)
    }

    fn build(&mut self, object: &Ref, state: &Ref) -> Result<()> {
        let objection = owned(judge::state(self, *object, *state));
        let told = match self.node(*object) {
            Some(Node::Made { of, .. }) => {
                self.needed(of, Use::State);
                let maker = self.maker(of);
                let is_wrapper = maker.starts_with("joblib.numpy_pickle") && maker.ends_with("ArrayWrapper");
                if objection.is_none() && !self.report.keeps_effects() {
                    self.wrapper = is_wrapper;
                    self.report.effect_count += 1;
                    return Ok(());
                }
                let told = format!("gives a state to {maker}(…)");
                self.wrapper = is_wrapper;
                told
            }
            Some(Node::Global(index)) => format!("sets attributes of {}", self.globals[index as usize].full),
            Some(Node::Outside) => "gives a state to what stands outside".to_owned(),
            _ => {
                self.differs("a state is given to a value that takes none");
                return Ok(());
            }
        };
        self.does(None, || told.clone());
        self.object_to(objection, Rule::State, told);
        Ok(())
    }

    fn unsure(&mut self) -> Result<Ref> {
        Ok(UNSURE)
    }

    fn differs(&mut self, why: &str) {
        let why = format!("{why}: readers disagree, so one may see what another does not");
        self.report.find(
            Verdict::Unknown,
            Rule::ReadersDiffer,
            self.offset,
            "is read differently by different readers".to_owned(),
            &why,
        );
    }

    #[inline]
    fn again(&mut self, value: &Ref) {
        if matches!(self.node(*value), Some(Node::Global(_))) {
            self.recalled.insert(*value);
        }
    }

    fn dropped(&mut self, _value: &Ref, _below: Option<&Ref>) {}
}

impl<'de> Swift<'de> for Tracer<'_, '_, 'de> {
    #[inline]
    fn float_at(&mut self, _offset: usize, value: f64) -> Result<Ref> {
        self.float(value)
    }

    #[inline]
    fn copied_str(&mut self, text: &[u8]) -> Result<Ref> {
        let (start, len) = self.keep(&text[..text.len().min(KEPT_TEXT)]);
        self.add(Node::Text { start, len })
    }

    fn copied_py2_str(&mut self, bytes: &[u8]) -> Result<Ref> {
        self.py2_str(Chunk::Scratch(&mut bytes.to_vec()))
    }

    #[inline]
    fn at(&mut self, offset: usize) {
        self.offset = offset as u64 + self.base;
    }
}
