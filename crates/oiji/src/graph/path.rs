//! Paths: a small language that names a part of a value, `layers[3].weight`, `['a key'][(1, 2)]`, `model@args[0]`.
//!
//! | step | means |
//! |---|---|
//! | `.name` | the str key of a dict; the attribute of an object, or a str key set in it. The first dot may be left out |
//! | `[3]`, `[-1]` | the item of a list, tuple or set; the int key of a dict; the item appended to an object |
//! | `['a key']` | the str key of a dict; a str key set in an object, or its attribute |
//! | `[(1, 2)]`, `[None]` | the key of a dict that Python writes so |
//! | `@class`, `@args`, `@kwargs` | what makes an object |
//! | `@state`, `@state2` | the first, the second state given to an object |
//! | `@id` | the persistent id of a value kept outside |
//! | `@key[3]` | the fourth key of a dict itself, not what stands at it |
//!
//! `root` in front means the value itself: `root.a` is `a`. A key `root` is `.root`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::arena::StepKind;
use crate::graph::view::{Node, Object, Pairs, Value};
use crate::op::text;

/// The way from a value to a part of it.
///
/// ```
/// let graph = oiji::loads(b"}X\x05\x00\x00\x00sizes](K\x01K\x02es.")?;
/// let path: oiji::graph::Path = "sizes[1]".parse()?;
/// assert_eq!(path.find(graph.root())?.as_i64()?, 2);
/// assert_eq!(path.to_string(), "root.sizes[1]");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Path {
    steps: Vec<Step>,
}

/// One step of a path; its `Display` is the text of the step, `.name` or `[3]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// `.name`.
    Name(Box<str>),
    /// `[3]`.
    Index(i64),
    /// A key as Python writes it: `['a key']`, `[(1, 2)]`.
    Key(Box<str>),
    /// `@class`.
    Class,
    /// `@args`.
    Args,
    /// `@kwargs`.
    Kwargs,
    /// `@state` is number 1.
    State(usize),
    /// `@id`.
    PersistentId,
    /// `@key[3]`.
    KeyAt(usize),
}

impl Path {
    /// The value itself.
    pub fn root() -> Self {
        Path::default()
    }

    /// Its steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Goes one step further.
    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The part of `value` that it names.
    ///
    /// A name that is no key of a dict may be joined with those that follow: `.layer1.weight` finds `'layer1.weight'`.
    ///
    /// # Errors
    /// `NoSuchPath`, which names the step that failed and what is there instead.
    pub fn find<'g>(&self, value: Value<'g>) -> Result<Value<'g>> {
        let mut here = value;
        let mut taken = 0;
        while let Some(step) = self.steps.get(taken) {
            let (next, count) = match step.find(here) {
                Some(next) => (next, 1),
                None => match joined(&self.steps[taken..], here) {
                    Some(found) => found,
                    None => return Err(self.missing(taken, here)),
                },
            };
            here = next;
            taken += count;
        }
        Ok(here)
    }

    #[cold]
    fn missing(&self, taken: usize, here: Value<'_>) -> Error {
        let place = Path { steps: self.steps[..taken].to_vec() };
        let step = &self.steps[taken];
        let mut text = format!("{step} of {place}, which is {}", described(here));
        add_hint(&mut text, step, here);
        ErrorKind::NoSuchPath { step: text }.into()
    }
}

impl Value<'_> {
    /// The part that `path` names, as in `layers[3].weight`; [`Path`] tells the language.
    ///
    /// # Errors
    /// `NoSuchPath`, which names the step that failed and what is there instead.
    pub fn path(self, path: &str) -> Result<Self> {
        path.parse::<Path>()?.find(self)
    }
}

/// The value at several names joined with dots, and how many those are.
fn joined<'g>(steps: &[Step], here: Value<'g>) -> Option<(Value<'g>, usize)> {
    let mut name = String::new();
    for (index, step) in steps.iter().enumerate() {
        let Step::Name(part) = step else { return None };
        if index > 0 {
            name.push('.');
        }
        name.push_str(part);
        if let (1.., Some(found)) = (index, at_name(here, &name)) {
            return Some((found, index + 1));
        }
    }
    None
}

impl Step {
    /// The step to what stands at `key` in a dict.
    pub fn at_key(key: Value<'_>) -> Step {
        match key.node() {
            Node::Int(index) => Step::Index(index),
            Node::Str(text) if is_name(text.as_bytes()) => Step::Name(text.to_string().into()),
            Node::Py2Str(bytes) if is_name(bytes) => Step::Name(String::from_utf8_lossy(bytes).into()),
            _ => Step::Key(key.to_string().into()),
        }
    }

    fn find<'g>(&self, here: Value<'g>) -> Option<Value<'g>> {
        match self {
            Step::Name(name) => at_name(here, name),
            Step::Index(index) => at_index(here, *index),
            Step::Key(key) => at_key(here, key),
            Step::KeyAt(index) => Some(here.pairs().ok()?.nth(*index)?.0),
            Step::PersistentId => match here.node() {
                Node::Persistent(id) => Some(id),
                _ => None,
            },
            Step::Class => Some(here.as_object().ok()?.class()),
            Step::Args => Some(here.as_object().ok()?.args()),
            Step::Kwargs => here.as_object().ok()?.kwargs(),
            Step::State(number) => {
                let mut states = here.steps().filter(|step| step.kind() == StepKind::Build);
                states.nth(number.checked_sub(1)?)?.items().get(0)
            }
        }
    }
}

fn at_name<'g>(here: Value<'g>, name: &str) -> Option<Value<'g>> {
    match here.node() {
        Node::Dict(pairs) => pairs.get(name),
        Node::Object(object) => object.attribute(name).or_else(|| set_in(here, |pairs| pairs.get(name))),
        _ => set_in(here, |pairs| pairs.get(name)),
    }
}

fn at_index(here: Value<'_>, index: i64) -> Option<Value<'_>> {
    let is_key = |key: Value<'_>| matches!(key.node(), Node::Int(key) if key == index);
    let at_key = |pairs: Pairs<'_>| pairs.iter().filter(|(key, _)| is_key(*key)).last().map(|(_, value)| value.id());
    let value = |id| here.graph().value(id);
    match here.node() {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            items.get(position(index, items.len())?)
        }
        Node::Dict(pairs) => at_key(pairs).map(value),
        _ => {
            let set = here.steps().filter(|step| step.kind() == StepKind::SetItems);
            if let Some(id) = set.filter_map(|step| at_key(step.pairs())).last() {
                return Some(value(id));
            }
            let appended = || here.steps().filter(|step| matches!(step.kind(), StepKind::Append | StepKind::Add));
            let len = appended().map(|step| step.items().len()).sum();
            appended().flat_map(|step| step.items()).nth(position(index, len)?)
        }
    }
}

fn position(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(i64::try_from(len).ok()?)? } else { index };
    usize::try_from(index).ok()
}

fn at_key<'g>(here: Value<'g>, key: &str) -> Option<Value<'g>> {
    let quoted = parse_quoted(key);
    let is_key = |value: Value<'_>| match (&quoted, value.node()) {
        (Some(chars), Node::Str(text)) => text.as_bytes() == encode(chars),
        (Some(chars), Node::Py2Str(bytes)) => bytes == encode(chars) || Some(bytes.to_vec()) == latin1(chars),
        (Some(_), _) => false,
        (None, _) => writes_as(value, key),
    };
    let find = |pairs: Pairs<'g>| pairs.iter().filter(|(key, _)| is_key(*key)).last().map(|(_, value)| value);
    match here.node() {
        Node::Dict(pairs) => find(pairs),
        _ => set_in(here, find).or_else(|| {
            let name = String::from_utf8(encode(quoted.as_ref()?)).ok()?;
            here.as_object().ok()?.attribute(&name)
        }),
    }
}

/// What `find` finds in the items set in a value that is no dict, the last one.
fn set_in<'g>(here: Value<'g>, find: impl Fn(Pairs<'g>) -> Option<Value<'g>>) -> Option<Value<'g>> {
    let set = here.steps().filter(|step| step.kind() == StepKind::SetItems);
    set.filter_map(|step| find(step.pairs())).last()
}

/// Whether a value is written as exactly this text; stops writing at the first difference.
fn writes_as(value: Value<'_>, text: &str) -> bool {
    struct Expect<'t>(&'t str);
    impl fmt::Write for Expect<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut expect = Expect(text);
    write!(expect, "{value}").is_ok() && expect.0.is_empty()
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("root")?;
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Name(name) if is_name(name.as_bytes()) => write!(f, ".{name}"),
            Step::Name(name) => {
                f.write_str("[")?;
                text::write_str_repr(f, name.as_bytes())?;
                f.write_str("]")
            }
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
            Step::Class => f.write_str("@class"),
            Step::Args => f.write_str("@args"),
            Step::Kwargs => f.write_str("@kwargs"),
            Step::State(1) => f.write_str("@state"),
            Step::State(number) => write!(f, "@state{number}"),
            Step::PersistentId => f.write_str("@id"),
            Step::KeyAt(index) => write!(f, "@key[{index}]"),
        }
    }
}

/// Whether a str key is written as `.name`: an identifier of Python.
pub(crate) fn is_name(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut chars = text.chars();
    let begins = chars.next().is_some_and(|char| char == '_' || char.is_alphabetic());
    begins && chars.all(|char| char == '_' || char.is_alphanumeric())
}

impl FromStr for Path {
    type Err = Error;

    /// Reads a path as `Display` writes it, with or without `root` and the first dot.
    ///
    /// # Errors
    /// `NoSuchPath` if it is no path.
    fn from_str(text: &str) -> Result<Path> {
        let mut path = Path::root();
        let mut rest = text;
        if let Some(after) = text.strip_prefix("root")
            && (after.is_empty() || after.starts_with(['.', '[', '@']))
        {
            rest = after;
        }
        while !rest.is_empty() {
            let (step, after) = parse_step(rest, path.steps.is_empty())
                .ok_or_else(|| Error::from(ErrorKind::NoSuchPath { step: not_a_step(rest) }))?;
            path.push(step);
            rest = after;
        }
        Ok(path)
    }
}

#[cold]
fn not_a_step(rest: &str) -> String {
    format!("{rest:?} is no step; steps are .name, [3], ['a key'], @class, @args, @kwargs, @state, @id, @key[3]")
}

/// The step that `text` begins with, and what follows it.
fn parse_step(text: &str, first: bool) -> Option<(Step, &str)> {
    if let Some(text) = text.strip_prefix('[') {
        let (key, rest) = bracketed(text)?;
        let step = match key.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(key.into()),
        };
        return Some((step, rest));
    }
    if let Some(text) = text.strip_prefix('@') {
        let (word, rest) = text.split_at(text.find(['.', '[', '@']).unwrap_or(text.len()));
        if word == "key" {
            let (index, rest) = bracketed(rest.strip_prefix('[')?)?;
            return Some((Step::KeyAt(index.parse().ok()?), rest));
        }
        let step = match word {
            "class" => Step::Class,
            "args" => Step::Args,
            "kwargs" => Step::Kwargs,
            "id" => Step::PersistentId,
            "state" => Step::State(1),
            _ => Step::State(word.strip_prefix("state")?.parse().ok().filter(|number| *number > 0)?),
        };
        return Some((step, rest));
    }
    let text = match text.strip_prefix('.') {
        Some(text) => text,
        None if first => text,
        None => return None,
    };
    let (name, rest) = text.split_at(text.find(['.', '[', '@']).unwrap_or(text.len()));
    if name.is_empty() { None } else { Some((Step::Name(name.into()), rest)) }
}

/// The text up to the bracket that closes, and what follows it. Brackets in quotes do not count.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_u32;
    let mut quote = None;
    let mut escaped = false;
    for (index, char) in text.char_indices() {
        match (quote, char) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(end), _) if char == end => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(char),
            (None, '[' | '(' | '{') => open += 1,
            (None, ']') if open == 0 => return Some((text[..index].trim(), &text[index + 1..])),
            (None, ']' | ')' | '}') => open = open.checked_sub(1)?,
            (None, _) => {}
        }
    }
    None
}

/// The characters of a string in quotes, with Python's escapes. Nothing if it is no such string.
fn parse_quoted(text: &str) -> Option<Vec<u32>> {
    let quote = text.chars().next().filter(|char| matches!(char, '\'' | '"'))?;
    let inner = text.get(1..)?.strip_suffix(quote)?;
    let mut rest = inner;
    let mut out = Vec::new();
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        if char != '\\' {
            out.push(u32::from(char));
            continue;
        }
        let escape = rest.chars().next()?;
        rest = &rest[escape.len_utf8()..];
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        out.push(match escape {
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'x' | 'u' | 'U' => {
                let (code, after) = rest.split_at_checked(digits)?;
                rest = after;
                u32::from_str_radix(code, 16).ok().filter(|code| *code <= 0x0010_ffff)?
            }
            other => u32::from(other),
        });
    }
    Some(out)
}

/// UTF-8 with surrogates let through.
fn encode(chars: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    for code in chars {
        match char::from_u32(*code) {
            Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {
                out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8])
            }
        }
    }
    out
}

fn latin1(chars: &[u32]) -> Option<Vec<u8>> {
    chars.iter().map(|code| u8::try_from(*code).ok()).collect()
}

/// What a value is, for a message: `a dict of 3`.
fn described(value: Value<'_>) -> String {
    let name = value.type_name();
    match value.node() {
        Node::Dict(pairs) => format!("a dict of {}", pairs.len()),
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            format!("a {name} of {}", items.len())
        }
        Node::Object(object) => match object.class_name() {
            Some(class) => format!("an object of {class}"),
            None => "an object".to_owned(),
        },
        Node::None => name.to_owned(),
        _ if name.starts_with(['a', 'e', 'i', 'o']) => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// Keys looked at for a hint.
const LOOKED_AT: usize = 10_000;

/// Names of what is there instead: those that look like the step, or the first few.
fn add_hint(out: &mut String, step: &Step, here: Value<'_>) {
    let asked = match step {
        Step::Name(name) => name.as_bytes().to_vec(),
        Step::Key(key) => parse_quoted(key).map_or_else(|| key.as_bytes().to_vec(), |chars| encode(&chars)),
        _ => Vec::new(),
    };
    let mut there: Vec<(usize, Step)> = Vec::new();
    let mut add = |key: Value<'_>, index: usize| {
        let (Node::Str(_) | Node::Py2Str(_) | Node::Int(_)) = key.node() else { return };
        let distance = match key.node() {
            Node::Str(text) => distance(&asked, text.as_bytes()),
            Node::Py2Str(bytes) => distance(&asked, bytes),
            _ => None,
        };
        there.push((distance.unwrap_or(usize::MAX - LOOKED_AT + index), Step::at_key(key)));
    };
    for (index, key) in keys(here).take(LOOKED_AT).enumerate() {
        add(key, index);
    }
    if there.is_empty() {
        if let (Step::Name(_), Ok(_)) = (step, here.items()) {
            out.push_str("; items are [0], [1] and so on");
        }
        return;
    }
    there.sort_by_key(|(distance, _)| *distance);
    let near = there.iter().take_while(|(distance, _)| *distance < usize::MAX - LOOKED_AT).count();
    out.push_str(if near > 0 { "; near it is " } else { "; it has " });
    let shown = if near > 0 { near.min(3) } else { there.len().min(6) };
    for (index, (_, step)) in there[..shown].iter().enumerate() {
        let _ = write!(out, "{}{step}", if index > 0 { ", " } else { "" });
    }
    if near == 0 && there.len() > shown {
        out.push_str(", …");
    }
}

/// The keys of a dict, of an object's attributes, and of what is set in it.
fn keys(here: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let state = here.as_object().ok().and_then(Object::state);
    let slots = state.and_then(|state| state.items().ok());
    let slots = slots.into_iter().flatten().take(2).filter_map(|part| part.pairs().ok());
    let set = here.steps().filter(|step| step.kind() == StepKind::SetItems).map(|step| step.pairs());
    let own = [Some(here), state].into_iter().flatten().filter_map(|value| value.pairs().ok());
    own.chain(slots).chain(set).flatten().map(|(key, _)| key)
}

/// How many changes of one byte lead from `asked` to `there`; nothing if they are not alike.
fn distance(asked: &[u8], there: &[u8]) -> Option<usize> {
    const LONGEST: usize = 64;
    let most = asked.len().div_ceil(3);
    if asked.len() > LONGEST || asked.is_empty() || asked.len().abs_diff(there.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=there.len()).collect();
    for (line, byte) in asked.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for column in 1..row.len() {
            let same = byte.eq_ignore_ascii_case(&there[column - 1]);
            let best = (diagonal + usize::from(!same)).min(row[column].min(row[column - 1]) + 1);
            diagonal = std::mem::replace(&mut row[column], best);
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Made};

    /// `{'model': Net(3; state={'w': [1, 2], 'bias': None}), (1, 2): 'pair', 7: 'seven', 'a b': True, 'x.y': 9}`.
    fn sample() -> Graph<'static> {
        let mut graph = Graph::new();
        let ids: Vec<_> = (0..4).map(|number| graph.add_int(number).unwrap()).collect();
        let text = |graph: &mut Graph<'_>, text: &str| graph.add_str(text).unwrap();
        let list = graph.add_list(&[ids[1], ids[2]]).unwrap();
        let (w, bias) = (text(&mut graph, "w"), text(&mut graph, "bias"));
        let none = graph.add_none().unwrap();
        let state = graph.add_dict(&[(w, list), (bias, none)]).unwrap();
        let class = graph.add_global("nets", "Net").unwrap();
        let args = graph.add_tuple(&[ids[3]]).unwrap();
        let net = graph.add_object(Made::New, class, args, None).unwrap();
        graph.add_step(net, StepKind::Build, &[state]).unwrap();
        let pair = graph.add_tuple(&[ids[1], ids[2]]).unwrap();
        let seven = graph.add_int(7).unwrap();
        let pairs = [
            (text(&mut graph, "model"), net),
            (pair, text(&mut graph, "pair")),
            (seven, text(&mut graph, "seven")),
            (text(&mut graph, "a b"), graph.add_bool(true).unwrap()),
            (text(&mut graph, "x.y"), graph.add_int(9).unwrap()),
        ];
        let root = graph.add_dict(&pairs).unwrap();
        graph.set_roots(vec![root]);
        graph
    }

    fn at(path: &str) -> String {
        match sample().root().path(path) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn names_go_into_dicts_and_attributes() {
        assert_eq!(at("model.w[1]"), "2");
        assert_eq!(at(".model.w[-1]"), "2");
        assert_eq!(at("root.model.bias"), "None");
        assert_eq!(at("model@state.w"), "[1, 2]");
    }

    #[test]
    fn keys_of_other_types_are_written_as_python_does() {
        assert_eq!(at("[(1, 2)]"), "'pair'");
        assert_eq!(at("[7]"), "'seven'");
        assert_eq!(at("['a b']"), "True");
        assert_eq!(at("[\"a\\x20b\"]"), "True");
        assert_eq!(at("@key[1][0]"), "1");
    }

    #[test]
    fn what_makes_an_object_can_be_named() {
        assert_eq!(at("model@args[0]"), "3");
        assert_eq!(at("model@class"), "nets.Net");
        assert!(at("model@kwargs").contains("no such path: @kwargs of root.model, which is an object of nets.Net"));
    }

    #[test]
    fn names_with_dots_are_found_without_quotes() {
        assert_eq!(at("x.y"), "9");
        assert_eq!(at("['x.y']"), "9");
    }

    #[test]
    fn an_error_names_the_step_and_what_is_near() {
        assert_eq!(at("modle"), "no such path: .modle of root, which is a dict of 5; near it is .model");
        assert_eq!(at("q"), "no such path: .q of root, which is a dict of 5; it has .model, [7], ['a b'], ['x.y']");
        assert_eq!(
            at("model.Bia"),
            "no such path: .Bia of root.model, which is an object of nets.Net; near it is .bias"
        );
        assert_eq!(at("model.w[2]"), "no such path: [2] of root.model.w, which is a list of 2");
        assert!(at("model.w.0").ends_with("which is a list of 2; items are [0], [1] and so on"));
        assert!(at("model..w").contains("\"..w\" is no step"));
        assert!(at("model@nothing").contains("\"@nothing\" is no step"));
    }

    #[test]
    fn a_path_reads_back_as_it_is_written() {
        for text in ["root", "root.a['b c'][3][-1]@args[0]@state2@key[4]@id", "root[(1, ']')][\"it's\"].b", "root.root"]
        {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
        assert_eq!("root".parse::<Path>().unwrap(), Path::root());
        assert_eq!("roots".parse::<Path>().unwrap().steps(), [Step::Name("roots".into())]);
    }

    #[test]
    fn a_step_to_every_key_finds_it_again() {
        let graph = sample();
        for (key, value) in graph.root().pairs().unwrap() {
            let path = Path { steps: vec![Step::at_key(key)] };
            let again: Path = path.to_string().parse().unwrap();
            assert_eq!(again.find(graph.root()).unwrap().id(), value.id(), "{path}");
        }
    }
}
