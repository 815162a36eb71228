//! What `inspect::derive` prints compiles, reads the file it is of, and writes it again: for files of many Pythons and
//! libraries, all in one crate.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "derive")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oiji::class::Unpickler;
use oiji::class::stdlib::{Date, DateTime, Deque, OrderedDict, Time};
use oiji::graph::{Id, StepKind};
use oiji::inspect::{DeriveOptions, Schema};
use oiji::{Graph, Node, Value};
use oiji_testkit::corpus;

/// A file below `corpus`, and what is written of it that was not read so. Without a reason it is the same graph.
type Case = (&'static str, &'static [Reason]);

/// Why a graph that is written is not the one that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
    /// A Python 2 `str` is a `String`, and is written as a str.
    Python2Text,
    /// A `BTreeMap` or `BTreeSet` has an order of its own, a struct that of its fields.
    Order,
    /// A `Graph<'static>` has a copy of what it shares with others; the same of what never changes.
    Copies,
    /// What protocols 0 and 1 make with `_reconstructor` is written as protocol 2 does.
    Reconstructor,
    /// What Python 2 wrote of its library is written as Python 3 does.
    Library,
    /// A field that is missing in some records is written as `None`.
    Missing,
    /// An int where there are floats too is an `f64`.
    Numbers,
    /// A state without attributes is not written.
    EmptyState,
    /// A tuple of any length, and a set of what has no order, is a `Vec`; a frozenset a `BTreeSet`.
    Sequences,
}

use Reason::{Copies, EmptyState, Library, Missing, Numbers, Order, Python2Text, Reconstructor, Sequences};

const CASES: &[Case] = &[
    ("python/2.7.18/inst_attrs.p2.pkl", &[Python2Text]),
    ("python/2.7.18/inst_attrs.p0.pkl", &[Python2Text, Reconstructor]),
    ("python/2.7.18/inst_init.p2.pkl", &[Python2Text]),
    ("python/2.7.18/inst_many.p2.pkl", &[Python2Text]),
    ("python/2.7.18/old_list.p2.pkl", &[Python2Text]),
    ("python/2.7.18/old_list.p0.py.pkl", &[Python2Text]),
    ("python/2.7.18/dict_mixed.p0.pkl", &[]),
    ("python/2.7.18/shared_list.p2.pkl", &[Copies]),
    ("python/2.7.18/shared_tuple.p2.pkl", &[Copies]),
    ("python/2.7.18/equal_not_same.p2.pkl", &[]),
    ("python/2.7.18/rec_inst.p2.pkl", &[Python2Text]),
    ("python/2.7.18/rec_two.p2.pkl", &[Python2Text]),
    ("python/2.7.18/rec_tuple.p2.pkl", &[]),
    ("python/2.7.18/rec_set.p2.pkl", &[Python2Text, Sequences]),
    ("python/2.7.18/rec_listsub.p2.pkl", &[Python2Text]),
    ("python/2.7.18/reduce_2.p2.pkl", &[]),
    ("python/2.7.18/reduce_3.p1.pkl", &[Python2Text]),
    ("python/2.7.18/reduce_4_1001.p2.pkl", &[]),
    ("python/2.7.18/reduce_5_3.p2.pkl", &[]),
    ("python/2.7.18/exc_custom.p2.pkl", &[Python2Text]),
    ("python/2.7.18/sub_list.p0.pkl", &[Python2Text, Reconstructor]),
    ("python/2.7.18/sub_tuple.p2.pkl", &[EmptyState]),
    ("python/2.7.18/sub_float.p2.pkl", &[EmptyState]),
    ("python/2.7.18/deep_50.p2.pkl", &[]),
    ("python/2.7.18/persid_tuple.p2.pkl", &[Python2Text]),
    ("python/2.7.18/multi_dumps.p2.pkl", &[]),
    ("python/2.7.18/dict_2001.p2.pkl", &[]),
    ("python/2.7.18/int_googol.p2.pkl", &[]),
    ("python/3.6.15/enum.p4.pkl", &[Copies]),
    ("python/3.6.15/newargs_ex.p4.pkl", &[]),
    ("python/3.8.18/dataclass.p5.pkl", &[]),
    ("python/3.8.18/inst_dictstate.p5.pkl", &[]),
    ("python/3.8.18/reduce_6.p5.pkl", &[]),
    ("python/3.8.18/str_lone_surrogate.p5.pkl", &[]),
    ("python/3.8.18/set_1001.p5.pkl", &[]),
    ("python/3.8.18/frozenset_1001.p5.pkl", &[Sequences]),
    ("python/3.8.18/picklebuffer_bytearray.p5.pkl", &[]),
    ("python/3.8.18/slice.p5.pkl", &[]),
    ("python/3.10.13/dataclass_slots.p4.pkl", &[]),
    ("python/3.13.0-numpy2.5/np_arr_le_f8.p5.pkl", &[]),
    ("producers/sklearn-1.5.2-py311/pipeline.pkl", &[Copies]),
    ("producers/sklearn-1.5.2-py311/forest.pkl", &[Copies, Missing]),
    ("producers/sklearn-1.5.2-py311/gbr.pkl", &[Copies]),
    ("producers/sklearn-0.20.4-py27/pipeline.pkl", &[Python2Text, Copies]),
    ("producers/pandas-2.2.3-py311/dict_of_frames.pkl", &[Copies]),
    ("producers/sklearn-1.5.2-py311/histgb.pkl", &[Copies, Numbers]),
    ("producers/sklearn-0.20.4-py27/forest.pkl", &[Python2Text, Order, Copies, Missing]),
    ("producers/gbdt/xgb.pkl", &[]),
    ("producers/gbdt/lgbm.pkl", &[Copies]),
    ("producers/theano-1.0.5-py38/shared_plain_p3.pkl", &[Copies]),
    ("producers/torch-1.13.0a0-py311/plain_pickle.pkl", &[]),
    ("producers/notebook-py27/classes_p0.save", &[Python2Text, Reconstructor]),
    ("producers/notebook-py27/classes_p2.save", &[Python2Text]),
    ("producers/notebook-py27/objects_highest.save", &[Python2Text]),
    ("producers/notebook-py27/obj_p1.save", &[Python2Text]),
    ("python/3.13.0/newargs_ex.p3.pkl", &[]),
    ("python/3.8.18/rec_inst.p5.pkl", &[]),
    ("python/3.8.18/rec_tuple.p5.pkl", &[]),
    ("python/3.8.18/rec_two.p5.pkl", &[]),
    ("python/3.8.18/shared_list.p5.pkl", &[Copies]),
    ("python/3.8.18/sub_list.p5.pkl", &[]),
    ("python/3.8.18/reduce_3.p5.pkl", &[]),
    ("python/3.8.18/inst_many.p5.pkl", &[]),
    ("python/3.8.18/dict_mixed.p5.pkl", &[]),
    ("python/3.8.18/multi_dumps.p5.pkl", &[]),
    ("python/3.8.18/partial.p5.pkl", &[]),
    ("python/3.8.18/method_bound.p5.pkl", &[]),
    ("python/3.8.18/exc_unicode.p5.pkl", &[]),
    ("python/3.13.0-numpy2.5/pd_frame.p5.pkl", &[]),
    ("python/3.13.0-numpy2.5/np_masked.p5.pkl", &[]),
    ("producers/sklearn-1.9.1-py313/pipeline.pkl", &[Copies]),
    ("producers/sklearn-0.24.2-py39/forest.pkl", &[Copies, Missing]),
    ("producers/theano-1.0.5-py27/shared_plain_cpickle_p2.pkl", &[Python2Text, Copies]),
    ("python/3.8.18/date.p5.pkl", &[]),
    ("python/3.8.18/time.p5.pkl", &[]),
    ("python/3.8.18/timedelta.p5.pkl", &[]),
    ("python/3.8.18/uuid.p5.pkl", &[]),
    ("python/3.8.18/counter.p5.pkl", &[]),
    ("python/3.8.18/deque.p5.pkl", &[]),
    ("python/3.8.18/rec_deque.p5.pkl", &[]),
    ("python/3.8.18/ipaddress.p5.pkl", &[]),
    ("python/3.10.13/array.p5.pkl", &[]),
    ("python/2.7.18/counter.p2.pkl", &[]),
    ("python/2.7.18/deque.p2.pkl", &[Library]),
    ("python/2.7.18/date.p2.pkl", &[Library]),
    ("python/2.7.18/bytes_ascii.p2.pkl", &[Python2Text]),
    ("scan/h_datetime.pkl", &[]),
    ("scan/h_collections.pkl", &[]),
    ("scan/h_path_re_array.pkl", &[]),
    ("scan/h_namespace_types.pkl", &[]),
    ("producers/notebook-py27/slots_p2.save", &[Python2Text]),
];

#[test]
fn what_is_printed_compiles_and_reads_and_writes_the_file() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("derived");
    let sources = folder.join("src");
    let written = folder.join("written");
    for folder in [&sources, &written] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
    }
    let files: Vec<PathBuf> = CASES.iter().map(|(file, _)| corpus().join(file)).collect();
    for (index, file) in files.iter().enumerate() {
        fs::write(sources.join(format!("case_{index}.rs")), printed(file, None)).unwrap();
    }
    let part = printed(&corpus().join("producers/sklearn-1.5.2-py311/pipeline.pkl"), Some("root.steps[0][1]"));
    fs::write(sources.join("part.rs"), part).unwrap();
    fs::write(sources.join("main.rs"), program(&files)).unwrap();
    is_formatted(&folder);
    build_and_run(&folder, &written);
    let mut found = Vec::new();
    for (index, (file, reasons)) in CASES.iter().enumerate() {
        let (before, after) = (read(&corpus().join(file)), read(&written.join(format!("{index}.pkl"))));
        let (before, after) = (pickles(&before), pickles(&after));
        let is_same = before == after;
        let are_alike = |reasons: &[Reason]| Text::of(&before, reasons) == Text::of(&after, reasons);
        if reasons.is_empty() && !is_same || !are_alike(reasons) {
            let texts = [&before, &after].map(|graphs| Text::of(graphs, reasons).join("\n"));
            let wanted = smallest(&are_alike);
            found.push(format!("{file}: not what it was but for {wanted:?}\n{}\n{}", texts[0], texts[1]));
        } else if let Some(needless) = needless(reasons, &are_alike) {
            found.push(format!("{file}: {needless:?} is no reason"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// A reason without which the others do as well.
fn needless(reasons: &[Reason], are_alike: &dyn Fn(&[Reason]) -> bool) -> Option<Reason> {
    let without = |reason: &Reason| reasons.iter().copied().filter(|other| other != reason).collect::<Vec<_>>();
    reasons.iter().copied().find(|reason| are_alike(&without(reason)))
}

/// Reasons that do, and no more than needed.
fn smallest(are_alike: &dyn Fn(&[Reason]) -> bool) -> Option<Vec<Reason>> {
    let mut reasons = vec![Python2Text, Order, Copies, Reconstructor, Library, Missing, Numbers, EmptyState, Sequences];
    if !are_alike(&reasons) {
        return None;
    }
    while let Some(reason) = needless(&reasons, are_alike) {
        reasons.retain(|other| *other != reason);
    }
    Some(reasons)
}

/// The types for a file, or for a part of it, with a program.
fn printed(file: &Path, path: Option<&str>) -> String {
    let bytes = read(file);
    let mut schema = Schema::new();
    for graph in pickles(&bytes) {
        schema.add(path.map_or(graph.root(), |path| graph.root().path(path).unwrap()));
    }
    let source = Some(file.file_name().unwrap().to_string_lossy().into_owned());
    let path = path.map(str::to_owned);
    schema.to_rust(&DeriveOptions { source, path, main: true, ..DeriveOptions::default() })
}

fn read(file: &Path) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn pickles(bytes: &[u8]) -> Vec<Graph<'_>> {
    oiji::pickles(bytes).collect::<oiji::Result<_>>().unwrap()
}

/// A program that reads each file as its types and writes what it read into a folder.
fn program(files: &[PathBuf]) -> String {
    let mut text = "#![deny(warnings)]\n#![allow(dead_code, non_snake_case)]\n".to_owned();
    (0..files.len()).for_each(|index| writeln!(text, "mod case_{index};").unwrap());
    text.push_str("mod part;\n");
    text.push_str(
        "
fn each<T: oiji::Pickle + oiji::Unpickle + PartialEq + Clone + std::fmt::Debug>(index: usize, file: &str) {
    let bytes = std::fs::read(file).unwrap();
    let mut written = Vec::new();
    for value in oiji::class::Unpickler::new().all::<T>(&bytes) {
        let value = value.unwrap_or_else(|error| panic!(\"{file}: {error}\"));
        written.extend(value.dumps().unwrap_or_else(|error| panic!(\"{file}: {error}\")));
    }
    let folder = std::env::args().nth(1).unwrap();
    std::fs::write(format!(\"{folder}/{index}.pkl\"), written).unwrap();
}

fn main() {
",
    );
    for (index, file) in files.iter().enumerate() {
        writeln!(text, "    each::<case_{index}::Root>({index}, {file:?});").unwrap();
    }
    text + "}\n"
}

/// Holds the types against rustfmt, where that is there.
fn is_formatted(folder: &Path) {
    // Not as this repository has it.
    fs::write(folder.join("rustfmt.toml"), "").unwrap();
    let mut command = Command::new("rustfmt");
    command.arg(folder.join("src/part.rs"));
    command.args(["--check", "--edition", "2024", "--config-path"]).arg(folder);
    for index in 0..CASES.len() {
        command.arg(folder.join(format!("src/case_{index}.rs")));
    }
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => println!("skipped: the layout, for want of rustfmt"),
    }
}

/// Builds the crate in the folder, with what this workspace has built already, and runs it.
fn build_and_run(folder: &Path, written: &Path) {
    let oiji = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!(
        "[package]
name = \"oiji-derived\"
version = \"0.0.0\"
edition = \"2024\"

[workspace]

[dependencies]
oiji = {{ path = {oiji:?}, default-features = false, features = [\"derive\"] }}
num-bigint = \"0.5\"

[profile.dev]
debug = false

# Libraries as the tests of the workspace have them; only what is of this repository is built anew.
[profile.dev.package.\"*\"]
opt-level = 1
debug = true

[profile.dev.package.oiji]
opt-level = 0
debug = false
"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(oiji.join("../../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--offline", "--quiet", "--target-dir"]).arg(target).arg("--manifest-path");
    command.arg(folder.join("Cargo.toml")).arg("--").arg(written).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Values as text, in which nothing differs for which there is a reason.
struct Text<'r> {
    reasons: &'r [Reason],
    /// Of containers that were met, unless copies are no matter.
    numbers: HashMap<Id, usize>,
    open: Vec<Id>,
}

impl Text<'_> {
    fn of(graphs: &[Graph<'_>], reasons: &[Reason]) -> Vec<String> {
        let text = |graph: &Graph<'_>| Text { reasons, numbers: HashMap::new(), open: Vec::new() }.value(graph.root());
        graphs.iter().map(text).collect()
    }

    fn is(&self, reason: Reason) -> bool {
        self.reasons.contains(&reason)
    }

    fn value(&mut self, value: Value<'_>) -> String {
        let id = value.id();
        let is_container = value.items().is_ok_and(|items| !items.is_empty() || value.type_name() != "tuple")
            || value.pairs().is_ok()
            || matches!(value.node(), Node::Object(_) | Node::Persistent(_));
        if !is_container {
            return self.atom(value);
        }
        if self.is(Copies) {
            if let Some(at) = self.open.iter().rposition(|open| *open == id) {
                return format!("↑{}", self.open.len() - at);
            }
        } else if let Some(number) = self.numbers.get(&id) {
            return format!("→{number}");
        }
        self.numbers.insert(id, self.numbers.len());
        self.open.push(id);
        let text = self.container(value);
        self.open.pop();
        text
    }

    fn atom(&self, value: Value<'_>) -> String {
        match value.node() {
            Node::Py2Str(bytes) if self.is(Python2Text) => match std::str::from_utf8(bytes) {
                Ok(text) => format!("{text:?}"),
                Err(_) => value.to_string(),
            },
            Node::Str(text) => format!("{:?}", text.to_string()),
            Node::Int(int) if self.is(Numbers) => format!("{:?}", int as f64),
            _ => value.to_string(),
        }
    }

    fn container(&mut self, value: Value<'_>) -> String {
        match value.node() {
            Node::List(items) => format!("[{}]", self.all(items.iter())),
            Node::Tuple(items) if self.is(Sequences) => format!("[{}]", self.all(items.iter())),
            Node::Tuple(items) => format!("({})", self.all(items.iter())),
            Node::Set(items) | Node::FrozenSet(items) => {
                let mut items: Vec<Value<'_>> = items.iter().collect();
                items.sort_by_key(ToString::to_string);
                let kind = if self.is(Sequences) { "" } else { value.type_name() };
                format!("{kind}[{}]", self.all(items.into_iter()))
            }
            Node::Dict(pairs) => self.pairs(pairs.iter()),
            Node::Persistent(pid) => format!("persistent({})", self.value(pid)),
            Node::Object(_) if self.is(Library) && library(value).is_some() => library(value).unwrap(),
            Node::Object(object) => {
                let mut args: Vec<Value<'_>> = object.args().items().unwrap().iter().collect();
                let mut made = format!("{:?}", object.made());
                let mut class = object.class();
                let mut base = Vec::new();
                if self.is(Reconstructor) && class.to_string().ends_with("_reconstructor") {
                    class = args[0];
                    made = "New".to_owned();
                    let items = args[2].items().into_iter().flatten().filter(|_| args[2].type_name() == "list");
                    base.extend(items);
                    args = args.into_iter().skip(2).filter(|arg| !arg.is_none() && base.is_empty()).collect();
                }
                let mut parts = vec![format!("{made} {}", self.all([class].into_iter().chain(args)))];
                parts.extend(object.kwargs().map(|kwargs| format!("kwargs {}", self.value(kwargs))));
                if !base.is_empty() {
                    parts.push(format!("Append {}", self.all(base.into_iter())));
                }
                for step in object.steps() {
                    let is_empty = step.items().iter().all(|state| state.pairs().is_ok_and(|pairs| pairs.is_empty()));
                    parts.push(match step.kind() {
                        StepKind::Build if is_empty && self.is(EmptyState) => continue,
                        StepKind::SetItems => self.pairs(step.pairs().iter()),
                        kind => format!("{kind:?} {}", self.all(step.items().iter())),
                    });
                }
                format!("object({})", parts.join("; "))
            }
            _ => value.to_string(),
        }
    }

    fn all<'g>(&mut self, values: impl Iterator<Item = Value<'g>>) -> String {
        values.map(|value| self.value(value)).collect::<Vec<_>>().join(", ")
    }

    fn pairs<'g>(&mut self, pairs: impl Iterator<Item = (Value<'g>, Value<'g>)>) -> String {
        let is_there = |(key, value): &(Value<'_>, Value<'_>)| key.as_str().is_err() || !value.is_none();
        let keeps_all = !self.is(Missing);
        let pairs = pairs.filter(|pair| keeps_all || is_there(pair));
        let mut pairs: Vec<(String, Value<'g>)> = pairs.map(|(key, value)| (self.value(key), value)).collect();
        if self.is(Order) {
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
        }
        let pairs: Vec<String> =
            pairs.into_iter().map(|(key, value)| format!("{key}: {}", self.value(value))).collect();
        format!("{{{}}}", pairs.join(", "))
    }
}

/// A value of the standard library as its Rust type has it.
fn library(value: Value<'_>) -> Option<String> {
    fn debug<T: oiji::Unpickle + std::fmt::Debug>(value: Value<'_>) -> Option<String> {
        Unpickler::new().from_value::<T>(value).ok().map(|read| format!("{read:?}"))
    }
    let class = value.as_object().ok()?.class_name()?;
    match (class.module(), class.name()) {
        ("datetime", "date") => debug::<Date>(value),
        ("datetime", "datetime") => debug::<DateTime>(value),
        ("datetime", "time") => debug::<Time>(value),
        ("collections", "deque") => debug::<Deque<Graph<'static>>>(value),
        ("collections", "OrderedDict") => debug::<OrderedDict<Graph<'static>, Graph<'static>>>(value),
        _ => None,
    }
}
