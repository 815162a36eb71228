//! Every file of `corpus/python`, read to a graph, holds what the Python that wrote it says it holds.
//!
//! `expected.json` was made by the writing Python out of the value, not out of the ops. So a file may be read in either way
//! that `ReadOptions::exact` knows (a set in protocol 2 is told as the call it is, bytes are told as bytes), with names
//! mapped or not, and the calls by which `copyreg` makes a bare object count as that object.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};

use oiji::global::Extensions;
use oiji::graph::{Id, Made, Object, StepKind};
use oiji::{Graph, Node, ReadOptions, Value};
use oiji_testkit::{Case, expected, manifest};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

type Outcome = Result<(), String>;

/// Files whose expectation tells of the value something that the pickle does not say.
const EXPLAINED: &[(&str, &str)] = &[
    ("/nonetype.", "the pickle calls type(None); the value told is the class NoneType"),
    ("/np_masked.", "the fill value was made after the value was told"),
    ("3.6.15/global_reduce.", "Python's tables lead from _functools.reduce to __builtin__.reduce to functools.reduce"),
];

/// One comparison: which value each id of the expected graph turned out to be.
#[derive(Default)]
struct Comparison {
    ids: HashMap<u64, Id>,
}

impl Comparison {
    fn same(&mut self, ours: Value<'_>, theirs: &Json) -> Outcome {
        let kind = theirs["t"].as_str().unwrap_or("?");
        if kind == "ref" {
            let id = theirs["id"].as_u64().unwrap();
            let is_same = self.ids.get(&id) == Some(&ours.id());
            return if is_same { Ok(()) } else { Err(format!("no reference to {id}: {ours}")) };
        }
        if let Some(id) = theirs["id"].as_u64() {
            self.ids.insert(id, ours.id());
        }
        let ok = match (kind, ours.node()) {
            ("none", Node::None) => true,
            ("bool", Node::Bool(value)) => theirs["v"] == value,
            ("int", Node::Int(_) | Node::BigInt(_)) => theirs["v"].as_str() == Some(&ours.to_string()),
            ("float", Node::Float(value)) => theirs["v"].as_str().map(parse_hex) == Some(value.to_bits()),
            ("str", Node::Str(text)) => same_text(text.as_bytes(), theirs),
            ("bytes", Node::Py2Str(bytes)) => theirs["py2"] == "str" && same_bytes(bytes, theirs),
            ("bytes", Node::Bytes(bytes)) => theirs["py2"] != "str" && same_bytes(bytes, theirs),
            ("bytearray", Node::ByteArray(bytes)) => same_bytes(bytes, theirs),
            ("buffer", Node::Buffer(buffer)) => {
                let is_right = theirs["n"] == buffer.index() && theirs["readonly"] == buffer.is_read_only();
                is_right && buffer.bytes().is_none_or(|bytes| same_bytes(bytes, theirs))
            }
            ("tuple", Node::Tuple(items)) | ("list", Node::List(items)) => {
                return self.items(&items.iter().collect::<Vec<_>>(), theirs);
            }
            ("set", Node::Set(items)) | ("frozenset", Node::FrozenSet(items)) => {
                return self.unordered(&items.iter().collect::<Vec<_>>(), theirs);
            }
            ("dict", Node::Dict(pairs)) => return self.pairs(&pairs.iter().collect::<Vec<_>>(), theirs),
            ("global", Node::Global(global)) => {
                theirs["name"].as_str() == Some(&format!("{} {}", global.module(), global.name()))
            }
            ("pers", Node::Persistent(id)) => return self.same(id, &theirs["pid"]),
            ("call" | "object" | "inst", Node::Object(object)) => return self.object(ours, object, theirs),
            _ => false,
        };
        if ok {
            Ok(())
        } else {
            Err(format!("{} is not {}", shortened(&ours.to_string()), shortened(&theirs.to_string())))
        }
    }

    /// Items in order: all of them, or the first and the last and how many there are.
    fn items(&mut self, ours: &[Value<'_>], theirs: &Json) -> Outcome {
        let (wanted, count) = wanted(theirs, ours.len());
        if count != ours.len() {
            return Err(format!("{} items, not {count}", ours.len()));
        }
        wanted.into_iter().try_for_each(|(index, item)| self.same(ours[index], item))
    }

    fn pairs(&mut self, ours: &[(Value<'_>, Value<'_>)], theirs: &Json) -> Outcome {
        let (wanted, count) = wanted(theirs, ours.len());
        if count != ours.len() {
            return Err(format!("{} pairs, not {count}", ours.len()));
        }
        wanted.into_iter().try_for_each(|(index, pair)| {
            self.same(ours[index].0, &pair[0])?;
            self.same(ours[index].1, &pair[1])
        })
    }

    /// Sets: what is told of them is there, somewhere.
    fn unordered(&mut self, ours: &[Value<'_>], theirs: &Json) -> Outcome {
        let (wanted, count) = wanted(theirs, ours.len());
        if count != ours.len() {
            return Err(format!("{} elements, not {count}", ours.len()));
        }
        wanted.into_iter().try_for_each(|(_, item)| {
            ours.iter().find_map(|ours| self.same(*ours, item).ok()).ok_or_else(|| format!("{item} is not in the set"))
        })
    }

    fn object(&mut self, ours: Value<'_>, object: Object<'_>, theirs: &Json) -> Outcome {
        let kind = theirs["t"].as_str().unwrap();
        let (class, args) = bare(object);
        let fits = match kind {
            "inst" => object.made() == Made::Instance,
            "object" => object.made() != Made::Instance,
            _ => object.made() == Made::Call,
        };
        if !fits {
            return Err(format!("made by {:?}, not as {kind}", object.made()));
        }
        match &theirs["class"] {
            Json::Null => self.same(object.class(), &theirs["func"])?,
            Json::String(name) => self.same(class, &serde_json::json!({"t": "global", "name": name}))?,
            class_value => self.same(class, class_value)?,
        }
        match &theirs["args"] {
            Json::Null => {}
            Json::Array(_) if kind == "call" => {
                let args: Vec<_> = object.args().items().unwrap().iter().collect();
                self.items(&args, &serde_json::json!({"v": theirs["args"]}))?;
            }
            Json::Array(_) => self.items(&args, &serde_json::json!({"v": theirs["args"]}))?,
            tuple => self.items(&args, tuple)?,
        }
        if let (Some(kwargs), false) = (object.kwargs(), theirs["kwargs"].is_null()) {
            self.same(kwargs, &theirs["kwargs"])?;
        }
        let steps = |kind| ours.steps().filter(move |step| step.kind() == kind);
        let items: Vec<_> = steps(StepKind::Append).flat_map(|step| step.items()).collect();
        let pairs: Vec<_> = steps(StepKind::SetItems).flat_map(|step| step.pairs()).collect();
        match &theirs["items"] {
            Json::Null => {}
            list @ Json::Object(_) => self.items(&items, list)?,
            list => self.items(&items, &serde_json::json!({"v": list}))?,
        }
        match &theirs["pairs"] {
            Json::Null => {}
            list @ Json::Object(_) => self.pairs(&pairs, list)?,
            list => self.pairs(&pairs, &serde_json::json!({"v": list}))?,
        }
        match (object.state(), &theirs["state"]) {
            // A state that is given by a function is an argument of its call, which the pickle drops.
            (_, state) if !theirs["setter"].is_null() => {
                let setter =
                    ours.graph().dropped().find(|(_, below)| below.is_some_and(|below| below.id() == ours.id()));
                let Some((call, _)) = setter else { return Err("no call of the state setter".to_owned()) };
                let args = call.as_object().map_err(|error| error.to_string())?.args();
                self.same(args.at(1).map_err(|error| error.to_string())?, state)
            }
            (None, Json::Null) => Ok(()),
            (Some(state), Json::Null) if state.is_none() => Ok(()),
            (Some(state), wanted) if !wanted.is_null() => self.same(state, wanted),
            (state, wanted) => Err(format!("state {state:?}, not {wanted}")),
        }
    }
}

/// Class and arguments; for `copyreg._reconstructor(cls, base, value)` those of the object it makes.
fn bare(object: Object<'_>) -> (Value<'_>, Vec<Value<'_>>) {
    let args: Vec<Value<'_>> = object.args().items().unwrap().iter().collect();
    let is_reconstructor = object.class_name().is_some_and(|name| name.name() == "_reconstructor");
    match args[..] {
        [class, base, value] if is_reconstructor && object.made() == Made::Call => {
            let is_plain = base.as_global().is_ok_and(|base| base.name() == "object") && value.is_none();
            (class, if is_plain { Vec::new() } else { vec![value] })
        }
        _ => (object.class(), args),
    }
}

/// What is told of a container, by index, and how many it holds.
fn wanted(theirs: &Json, len: usize) -> (Vec<(usize, &Json)>, usize) {
    if let Some(all) = theirs["v"].as_array() {
        return (all.iter().enumerate().collect(), all.len());
    }
    let part = |name: &str| theirs[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let (head, tail) = (part("head"), part("tail"));
    let count = theirs["len"].as_u64().map_or(head.len() + tail.len(), |len| len as usize);
    let at_end = tail.iter().enumerate().map(|(index, item)| (len.saturating_sub(tail.len()) + index, item));
    (head.iter().enumerate().chain(at_end).collect(), count)
}

fn same_text(ours: &[u8], theirs: &Json) -> bool {
    if let Some(points) = theirs["codepoints"].as_array() {
        let mut bytes = Vec::new();
        for point in points.iter().filter_map(Json::as_u64) {
            match char::from_u32(point as u32) {
                Some(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
                None => bytes.extend([
                    0xe0 | (point >> 12) as u8,
                    0x80 | (point >> 6 & 63) as u8,
                    0x80 | (point & 63) as u8,
                ]),
            }
        }
        return bytes == ours;
    }
    match theirs["v"].as_str() {
        Some(text) => text.as_bytes() == ours,
        None => theirs["sha256"].as_str() == Some(&hex(&Sha256::digest(ours))),
    }
}

fn same_bytes(ours: &[u8], theirs: &Json) -> bool {
    match theirs["hex"].as_str() {
        Some(text) => text == hex(ours),
        None => theirs["len"] == ours.len() && theirs["sha256"].as_str() == Some(&hex(&Sha256::digest(ours))),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bits of a float that C writes in hexadecimal: `-0x1.8p+1`.
fn parse_hex(text: &str) -> u64 {
    let (sign, text) = text.strip_prefix('-').map_or((0, text), |rest| (1 << 63, rest));
    match text {
        "inf" => return sign | f64::INFINITY.to_bits(),
        "nan" => return sign | f64::NAN.to_bits(),
        _ => {}
    }
    let (mantissa, exponent) = text.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap() as f64;
    let scale: i32 = exponent.parse::<i32>().unwrap() - 4 * fraction.len() as i32;
    // In two steps: the smallest floats are below what one power of two can be.
    let value = bits * 2_f64.powi(scale / 2) * 2_f64.powi(scale - scale / 2);
    sign | value.to_bits()
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

fn options(with_names: bool, exact: bool) -> ReadOptions<'static> {
    let mut extensions = Extensions::new();
    for (name, code) in [("Ext1", 0x12), ("Ext2", 0x1234), ("Ext4", 0x12_3456)] {
        extensions.add("corpus_classes", name, code).unwrap();
    }
    ReadOptions::new().fix_imports(with_names).exact(exact).extensions(extensions)
}

fn check(case: &Case, expected: &Json, options: &ReadOptions<'static>) -> Outcome {
    let bytes = case.bytes();
    let value = &expected["value"];
    let said = |error: oiji::Error| error.to_string();
    if case.group != "multi" {
        let graph = options.from_slice(&bytes).map_err(said)?;
        return Comparison::default().same(graph.root(), value);
    }
    let values = value.as_array().unwrap();
    if case.check.contains("ONE Unpickler") {
        let graph = options.all_from_slice(&bytes).map_err(said)?;
        let mut comparison = Comparison::default();
        assert_eq!(graph.roots().len(), values.len());
        return graph.roots().zip(values).try_for_each(|(root, value)| comparison.same(root, value));
    }
    let graphs: Vec<Graph<'_>> = options.pickles(&bytes).collect::<Result<_, _>>().map_err(said)?;
    if graphs.len() != values.len() {
        return Err(format!("{} pickles, not {}", graphs.len(), values.len()));
    }
    graphs.iter().zip(values).try_for_each(|(graph, value)| Comparison::default().same(graph.root(), value))
}

#[test]
fn every_file_holds_what_its_python_says() {
    let cases = manifest();
    let mut all = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in &cases {
        let expected = all.entry(case.python.clone()).or_insert_with(|| expected(&case.python));
        let name = case.file.rsplit('/').next().unwrap();
        let Some(expected) = expected.get(name) else {
            wrong.push(format!("{}: nothing is expected of it", case.file));
            continue;
        };
        for buffers in [None, Some(case.buffers())] {
            let outcomes = [(true, false), (false, false), (true, true), (false, true)].map(|(with_names, exact)| {
                let options = options(with_names, exact);
                let options = match &buffers {
                    Some(buffers) => options.buffers(buffers.clone()),
                    None => options,
                };
                check(case, expected, &options)
            });
            let explained = EXPLAINED.iter().any(|(part, _)| case.file.contains(part));
            if let (false, [Err(error), ..]) = (outcomes.iter().any(Outcome::is_ok) || explained, outcomes) {
                wrong.push(format!("{}: {error}", case.file));
            }
        }
        compared += 1;
    }
    assert_eq!(compared, cases.len());
    assert!(compared > 1_600);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
