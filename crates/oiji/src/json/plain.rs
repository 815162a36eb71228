//! Plain JSON, for those who know nothing of pickles: what has no such form is an error that says where it is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::arena::Id;
use crate::graph::{Items, Node, Pairs, Path, Step, Value};
use crate::json::JsonOptions;
use crate::json::out::{Layout, Out};
use crate::limits::Limits;
use crate::op::number;

/// Writes `value` as plain JSON with a newline at its end, as Python's `json.dumps` has it: lists and tuples become
/// arrays, dicts objects, and keys that are numbers, bools or `None` their text. Sets become arrays too.
///
/// Shared values are written wherever they are used, as often as [`Limits::visits`] allows. Text stays UTF-8, where
/// Python escapes it.
///
/// ```
/// use oiji::json::{self, JsonOptions};
/// let graph = oiji::loads(b"}(K\x01(K\x02K\x03tX\x01\x00\x00\x00bC\x01zu.")?;
/// let mut text = Vec::new();
/// let error = json::write_plain(graph.root(), &mut text, &JsonOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "bytes have no plain JSON form; use the tagged form (root.b)");
/// json::write_plain(graph.root().path("[1]")?, &mut std::io::stdout(), &JsonOptions::default())?;
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// # Errors
/// A message with the path for what has no plain form: bytes, globals, objects, lone surrogates, values that contain
/// themselves, other keys, two keys with the same text, and NaN and infinities without [`JsonOptions::nan`]; `Limit`;
/// `Io`. What was written before the error stays written.
pub fn write_plain<W: Write>(value: Value<'_>, out: W, options: &JsonOptions) -> Result<()> {
    let mut writer = Plain {
        out: Out::new(out, options.pretty),
        nan: options.nan,
        visits: options.limits.visits,
        limits: options.limits,
        open: vec![false; value.graph().value_count()],
        frames: Vec::new(),
    };
    if let Err(error) = writer.run(value) {
        return Err(if is_about_values(&error) { error.at_path(writer.path()) } else { error });
    }
    writer.out.finish()
}

fn is_about_values(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Io(_))
}

struct Plain<'g, W> {
    out: Out<W>,
    nan: bool,
    /// How many values may still be written.
    visits: u64,
    limits: Limits,
    /// By index, whether a value is being written.
    open: Vec<bool>,
    frames: Vec<Frame<'g>>,
}

/// A value that is being written.
struct Frame<'g> {
    id: Id,
    rest: Rest<'g>,
    layout: Layout,
}

/// What a container holds, and how much of it was begun.
enum Rest<'g> {
    Items(Items<'g>, usize),
    Members(Vec<Member<'g>>, usize),
}

struct Member<'g> {
    key: Value<'g>,
    text: Cow<'g, str>,
    value: Value<'g>,
}

impl<'g, W: Write> Plain<'g, W> {
    fn run(&mut self, root: Value<'g>) -> Result<()> {
        self.value(root)?;
        while let Some(frame) = self.frames.last_mut() {
            let next = match &mut frame.rest {
                Rest::Items(items, begun) => {
                    *begun += 1;
                    items.get(*begun - 1)
                }
                Rest::Members(members, begun) => {
                    *begun += 1;
                    members.get(*begun - 1).map(|member| member.value)
                }
            };
            let Some(value) = next else {
                let bracket = if matches!(frame.rest, Rest::Items(..)) { b']' } else { b'}' };
                self.out.close(bracket, frame.layout);
                self.open[frame.id.index()] = false;
                self.frames.pop();
                continue;
            };
            self.out.item()?;
            if let Rest::Members(members, begun) = &frame.rest {
                self.out.string(members[*begun - 1].text.as_bytes())?;
                self.out.colon();
            }
            self.value(value)?;
        }
        Ok(())
    }

    fn value(&mut self, value: Value<'g>) -> Result<()> {
        match self.visits.checked_sub(1) {
            Some(left) => self.visits = left,
            None => return Err(ErrorKind::Limit { limit: "visits", allowed: self.limits.visits }.into()),
        }
        match value.node() {
            Node::None => self.out.raw("null"),
            Node::Bool(value) => self.out.raw(if value { "true" } else { "false" }),
            Node::Int(value) => self.out.number(value),
            Node::BigInt(value) => self.out.raw(&number::decimal(value.to_le_bytes())),
            Node::Float(value) => self.float(value)?,
            Node::Str(_) | Node::Py2Str(_) => self.out.string(text(value)?.as_bytes())?,
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
                self.begin(value, b'[', Rest::Items(items, 0))?;
            }
            Node::Dict(pairs) => {
                let members = members(pairs, self.nan)?;
                self.begin(value, b'{', Rest::Members(members, 0))?;
            }
            Node::Bytes(_) => return Err(no_form("bytes have")),
            Node::ByteArray(_) => return Err(no_form("a bytearray has")),
            Node::Buffer(_) => return Err(no_form("an out-of-band buffer has")),
            Node::Global(global) => return Err(no_form(&format!("the global {global} has"))),
            Node::Extension(_) => return Err(no_form("a global by extension code has")),
            Node::Persistent(_) => return Err(no_form("a persistent id has")),
            Node::Object(object) => {
                let of = object.class_name().map_or_else(String::new, |class| format!(" of {class}"));
                return Err(no_form(&format!("an object{of} has")));
            }
        }
        Ok(())
    }

    fn begin(&mut self, value: Value<'g>, bracket: u8, rest: Rest<'g>) -> Result<()> {
        let open = &mut self.open[value.id().index()];
        if std::mem::replace(open, true) {
            return Err(no_form(&format!("a {} that contains itself has", value.type_name())));
        }
        let layout = if self.out.is_pretty() { rest.layout() } else { Layout::Lines };
        self.out.open(bracket, layout);
        self.frames.push(Frame { id: value.id(), rest, layout });
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        if value.is_finite() {
            number::write_float(&mut self.out.buffer, value);
        } else {
            self.out.raw(infinite(value, self.nan)?);
        }
        Ok(())
    }

    /// The way to the value that is being written; a long one without its middle.
    fn path(&self) -> String {
        const SHOWN: usize = 16;
        let (first, last) = match self.frames.len() {
            len if len > 2 * SHOWN => (SHOWN, len - SHOWN),
            len => (len, len),
        };
        let path = |frames: &[Frame<'g>]| {
            let mut path = Path::root();
            frames.iter().filter_map(|frame| frame.rest.step()).for_each(|step| path.push(step));
            path.to_string()
        };
        let mut text = path(&self.frames[..first]);
        if last < self.frames.len() {
            text.push_str("...");
            text.push_str(path(&self.frames[last..]).trim_start_matches("root"));
        }
        text
    }
}

impl Rest<'_> {
    fn step(&self) -> Option<Step> {
        match self {
            Rest::Items(_, begun) => Some(Step::Index(i64::try_from(begun.checked_sub(1)?).ok()?)),
            Rest::Members(members, begun) => Some(Step::at_key(members.get(begun.checked_sub(1)?)?.key)),
        }
    }

    /// A few short atoms are written in one line.
    fn layout(&self) -> Layout {
        let is_short = |value: Value<'_>| match value.node() {
            Node::None | Node::Bool(_) | Node::Int(_) | Node::Float(_) => true,
            Node::Str(text) => text.as_bytes().len() <= 16,
            _ => false,
        };
        let flat = match self {
            Rest::Items(items, _) => items.len() <= 12 && items.iter().all(is_short),
            Rest::Members(members, _) => members.len() <= 6 && members.iter().all(|member| is_short(member.value)),
        };
        if flat { Layout::Flat } else { Layout::Lines }
    }
}

#[cold]
fn no_form(what: &str) -> Error {
    Error::message(format!("{what} no plain JSON form; use the tagged form"))
}

/// The name that Python gives in JSON to a float that is not finite.
fn infinite(value: f64, allowed: bool) -> Result<&'static str> {
    match value {
        value if !allowed => {
            let name = number::format_float(value);
            Err(Error::message(format!("JSON has no number {name}; allow it with JsonOptions::nan")))
        }
        value if value.is_nan() => Ok("NaN"),
        value if value < 0.0 => Ok("-Infinity"),
        _ => Ok("Infinity"),
    }
}

fn text(value: Value<'_>) -> Result<&str> {
    value.as_str().map_err(|_| match value.node() {
        Node::Py2Str(_) => no_form("a Python 2 str with 8-bit bytes has"),
        _ => no_form("a str with lone surrogates has"),
    })
}

/// What makes two keys the same to Python: `1`, `1.0` and `True` are one.
#[derive(PartialEq, Eq, Hash)]
enum Key<'g> {
    None,
    Int(i128),
    /// Digits, of what fits nowhere else.
    Number(String),
    Str(&'g str),
}

/// The members that the pairs of a dict become: each key once, with the last value that was set.
fn members(pairs: Pairs<'_>, nan: bool) -> Result<Vec<Member<'_>>> {
    let mut members: Vec<Member<'_>> = Vec::with_capacity(pairs.len());
    let mut places: HashMap<Key<'_>, usize> = HashMap::with_capacity(pairs.len());
    let mut texts = HashMap::new();
    for (key, value) in pairs {
        let (same, text) = key_text(key, nan)?;
        let is_str = matches!(same, Key::Str(_));
        match places.entry(same) {
            Entry::Occupied(place) => members[*place.get()].value = value,
            Entry::Vacant(place) => {
                place.insert(members.len());
                if !is_str {
                    texts.insert(text.clone(), key);
                }
                members.push(Member { key, text, value });
            }
        }
    }
    if !texts.is_empty() {
        let clash = |member: &&Member<'_>| texts.get(&member.text).is_some_and(|key| key.id() != member.key.id());
        if let Some(member) = members.iter().find(clash) {
            return Err(no_form(&format!("a dict with two keys that are both {:?} in JSON has", member.text)));
        }
    }
    Ok(members)
}

fn key_text(key: Value<'_>, nan: bool) -> Result<(Key<'_>, Cow<'_, str>)> {
    Ok(match key.node() {
        Node::None => (Key::None, "null".into()),
        Node::Bool(value) => (Key::Int(value.into()), if value { "true" } else { "false" }.into()),
        Node::Int(value) => (Key::Int(value.into()), value.to_string().into()),
        Node::BigInt(value) => {
            let digits = number::decimal(value.to_le_bytes());
            let key = digits.parse().map_or_else(|_| Key::Number(digits.clone()), Key::Int);
            (key, digits.into())
        }
        Node::Float(value) if !value.is_finite() => {
            let text = infinite(value, nan)?;
            (Key::Number(text.to_owned()), text.into())
        }
        Node::Float(value) => {
            let text = number::format_float(value);
            let whole = value.fract() == 0.0 && value.abs() < 1e30;
            (if whole { Key::Int(value as i128) } else { Key::Number(text.clone()) }, text.into())
        }
        Node::Str(_) | Node::Py2Str(_) => {
            let text = text(key)?;
            (Key::Str(text), text.into())
        }
        _ => return Err(no_form(&format!("a dict with a {} as key has", key.type_name()))),
    })
}
