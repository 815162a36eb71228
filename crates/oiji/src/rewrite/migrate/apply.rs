//! One step done to a graph: instances by their classes, then dicts and values, then names. Classes are told by the names
//! that were there before.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, ErrorKind, Result};
use crate::global::to_python2;
use crate::graph::{Graph, Id, Made, Node, Path, Value};
use crate::rewrite::migrate::conditions::{Libraries, holds};
use crate::rewrite::migrate::names::fits;
use crate::rewrite::migrate::report::Report;
use crate::rewrite::migrate::rules::{Action, Argument, ClassRule, DictRule, Shape, Step, ValueRule};
use crate::rewrite::migrate::state::{State, shape};
use crate::rewrite::migrate::{records, strings};

/// Does a step to a graph.
///
/// # Errors
/// `Limit` when the graph is full; what is wrong with an array that is to change.
pub(super) fn apply(graph: &mut Graph<'_>, step: &Step, protocol: u8, report: &mut Report) -> Result<()> {
    let mut later = Vec::new();
    Instances::new(graph, report, &mut later, &step.classes).all(&step.classes)?;
    for rule in &step.dicts {
        dicts(graph, rule, report, &mut later)?;
    }
    for rule in &step.values {
        values(graph, rule, report)?;
    }
    if let Some(how) = step.strings {
        strings::decode_all(graph, how, report)?;
    }
    names(graph, step, protocol, report);
    // What rules name themselves is not renamed by others.
    for (id, (module, name)) in later {
        let (module, name) = if protocol > 2 { (module, name) } else { to_python2(module, name) };
        let class = graph.add_global(module, name)?;
        set_class(graph, id, class)?;
    }
    Ok(())
}

/// Instances whose class has a name in a rule, when all names are changed.
type Later<'r> = Vec<(Id, (&'r str, &'r str))>;

fn names(graph: &mut Graph<'_>, step: &Step, protocol: u8, report: &mut Report) {
    if step.names.is_empty() {
        return;
    }
    let mut counts: FxHashMap<usize, u64> = FxHashMap::default();
    for index in graph.values().filter_map(|value| graph.global_index_of(value.id())) {
        *counts.entry(index).or_default() += 1;
    }
    let names = graph.globals().len();
    for index in 0..names {
        let (module, name) = graph.global_name(index);
        let (Some(count), Some((new_module, new_name))) =
            (counts.get(&index), step.names.rename(module, name, protocol))
        else {
            continue;
        };
        report.rename((module, name), (&new_module, &new_name), *count);
        graph.rename_global(index, &new_module, &new_name);
    }
}

/// Gives an object another class, also one that a helper makes.
fn set_class(graph: &mut Graph<'_>, id: Id, class: Id) -> Result<()> {
    let Ok(object) = graph.value(id).as_object() else { return Ok(()) };
    let (made, called, args) = (object.made(), object.class().id(), object.args());
    match object.seen_through() {
        None => graph.make_anew(id, made, class, args.id()),
        Some((old, _)) => {
            let new: Vec<Id> =
                args.items()?.iter().map(|arg| if arg.id() == old.id() { class } else { arg.id() }).collect();
            let new = graph.add_tuple(&new)?;
            graph.make_anew(id, made, called, new);
        }
    }
    Ok(())
}

struct Instances<'g, 'a, 'r, 'l> {
    graph: &'g mut Graph<'a>,
    report: &'g mut Report,
    libraries: Option<Libraries>,
    later: &'l mut Later<'r>,
    /// How many attributes may still be looked at: all of them for each rule, and no more where objects share one state.
    left: u64,
    allowed: u64,
}

impl<'g, 'a, 'r, 'l> Instances<'g, 'a, 'r, 'l> {
    fn new(graph: &'g mut Graph<'a>, report: &'g mut Report, later: &'l mut Later<'r>, rules: &[ClassRule]) -> Self {
        let rounds = rules.iter().map(|rule| 1 + rule.actions.len() as u64).sum::<u64>();
        let allowed = rounds.saturating_mul(graph.child_count() as u64 + graph.value_count() as u64 + 1024);
        Instances { graph, report, libraries: None, later, left: allowed, allowed }
    }

    fn spend(&mut self, id: Id) -> Result<()> {
        let state = self.graph.value(id).as_object().ok().and_then(|object| object.state());
        let cost = state.and_then(Value::len).unwrap_or(0) as u64 + 1;
        match self.left.checked_sub(cost) {
            Some(left) => self.left = left,
            None => return Err(ErrorKind::Limit { limit: "visits", allowed: self.allowed }.into()),
        }
        Ok(())
    }

    fn all(&mut self, rules: &'r [ClassRule]) -> Result<()> {
        if rules.is_empty() {
            return Ok(());
        }
        // The rules for each class, looked up once.
        let mut by_class: FxHashMap<usize, Vec<&'r ClassRule>> = FxHashMap::default();
        let classes: Vec<(Id, usize)> = self
            .graph
            .object_ids()
            .into_iter()
            .filter_map(|id| {
                let object = self.graph.value(id).as_object().ok()?;
                let class = object.seen_through().map_or(object.class(), |(class, _)| class);
                Some((id, self.graph.global_index_of(class.id())?))
            })
            .collect();
        for (id, class) in classes {
            let matching = by_class.entry(class).or_insert_with(|| {
                let (module, name) = self.graph.global_name(class);
                rules.iter().filter(|rule| rule.is_for(module, name)).collect()
            });
            if matching.is_empty() {
                continue;
            }
            let (module, name) = self.graph.global_name(class);
            let class = format!("{module}.{name}");
            for rule in matching.clone() {
                self.spend(id)?;
                if holds(self.graph, id, &rule.conditions, &mut self.libraries) {
                    self.actions(id, &class, &rule.actions)?;
                }
            }
        }
        Ok(())
    }

    fn actions(&mut self, id: Id, class: &str, actions: &'r [Action]) -> Result<()> {
        for action in actions {
            self.spend(id)?;
            let told = self.action(id, class, action).map_err(|error| Error::message(format!("{class}: {error}")))?;
            if let Some(told) = told {
                self.report.did(format!("{class}: {told}"));
            }
        }
        Ok(())
    }

    /// Does one thing to an instance; says what, if it was not done already.
    fn action(&mut self, id: Id, class: &str, action: &'r Action) -> Result<Option<String>> {
        let graph = &mut *self.graph;
        let state = graph.value(id).as_object().ok().and_then(|object| object.state());
        match action {
            Action::SequenceToDict(names) => {
                let items = match state.map(|state| (state.node(), shape(Some(state)))) {
                    Some((Node::Tuple(items) | Node::List(items), Shape::Tuple | Shape::List | Shape::Slots)) => items,
                    _ => return Ok(None),
                };
                if items.len() != names.len() {
                    let what = format!("{class}: a state of {} where rules have {} names", items.len(), names.len());
                    self.report.decide(what);
                    return Ok(None);
                }
                let items: Vec<Id> = items.iter().map(Value::id).collect();
                let mut pairs = Vec::new();
                for (name, item) in names.iter().zip(items) {
                    pairs.push((graph.add_str(name)?, item));
                }
                let dict = graph.add_dict(&pairs)?;
                graph.set_state(id, Some(dict));
                return Ok(Some(format!("state into a dict of {}", names.join(", "))));
            }
            Action::StateItem(index) => {
                let Some(item) = state.filter(|state| matches!(state.node(), Node::Tuple(_))) else { return Ok(None) };
                let Ok(item) = item.at(*index) else { return Ok(None) };
                let item = item.id();
                graph.set_state(id, Some(item));
                return Ok(Some(format!("item {index} of its state alone")));
            }
            Action::StateOf(index) => {
                if state.is_some_and(|state| !state.is_none()) {
                    return Ok(None);
                }
                let arg = graph.value(id).as_object()?.args().at(*index).ok();
                let Some(new) = arg.and_then(|arg| arg.as_object().ok()?.state()).map(Value::id) else {
                    return Ok(None);
                };
                graph.set_state(id, Some(new));
                return Ok(Some(format!("state of argument {index}")));
            }
            Action::Item(index, pairs) => {
                let Some(Node::Tuple(items)) = state.map(Value::node) else { return Ok(None) };
                let Some(to) = items.get(*index).and_then(|item| pairs.iter().find(|(from, _)| from.is(item))) else {
                    return Ok(None);
                };
                let mut items: Vec<Id> = items.iter().map(Value::id).collect();
                items[*index] = to.1.add_to(graph)?;
                let new = graph.add_tuple(&items)?;
                graph.set_state(id, Some(new));
                return Ok(Some(format!("item {index} of its state")));
            }
            Action::To(module, name) => {
                self.later.push((id, (module, name)));
                return Ok(Some(format!("becomes {module}.{name}")));
            }
            Action::Call { to: (module, name), args } => {
                let Some(told) = call(graph, id, args.as_deref())? else {
                    self.report.decide(format!("{class}: fewer arguments than rules name"));
                    return Ok(None);
                };
                self.later.push((id, (module, name)));
                return Ok(Some(format!("call of {module}.{name}{told}")));
            }
            Action::Decide(what) => {
                self.report.decide(format!("{class}: {what}"));
                return Ok(None);
            }
            _ => {}
        }
        let Some(mut state) = State::of(graph, id) else {
            if let Action::ToDict = action {
                graph.become_dict(id, &[])?;
                return Ok(Some("into a dict".to_owned()));
            }
            return Ok(None);
        };
        let told = match action {
            Action::DictToTuple(names) | Action::DictToList(names) => {
                let is_tuple = matches!(action, Action::DictToTuple(_));
                let items: Option<Vec<Id>> = names.iter().map(|name| state.get(graph, name)).collect();
                let others = state.names(graph).into_iter().filter(|name| !names.contains(name)).count();
                let (Some(items), 0) = (items, others) else {
                    self.report.decide(format!("{class}: attributes other than {}", names.join(", ")));
                    return Ok(None);
                };
                let new = if is_tuple { graph.add_tuple(&items)? } else { graph.add_list(&items)? };
                graph.set_state(id, Some(new));
                return Ok(Some(format!("state into a {}", if is_tuple { "tuple" } else { "list" })));
            }
            Action::SlotsToDict => {
                if shape(graph.value(id).as_object()?.state()) != Shape::Slots {
                    return Ok(None);
                }
                let dict = graph.add_dict(&state.into_pairs())?;
                graph.set_state(id, Some(dict));
                return Ok(Some("slots into a dict".to_owned()));
            }
            Action::DictToSlots(names) => {
                if shape(graph.value(id).as_object()?.state()) != Shape::Dict {
                    return Ok(None);
                }
                let mut slots = Vec::new();
                for name in names {
                    if let Some(value) = state.remove(graph, name) {
                        slots.push((graph.add_str(name)?, value));
                    }
                }
                let rest = state.into_pairs();
                let dict = if rest.is_empty() { graph.add_none()? } else { graph.add_dict(&rest)? };
                let slots = graph.add_dict(&slots)?;
                let new = graph.add_tuple(&[dict, slots])?;
                graph.set_state(id, Some(new));
                return Ok(Some(format!("slots {}", names.join(", "))));
            }
            Action::ToDict => {
                let pairs: Vec<Id> = state.into_pairs().into_iter().flat_map(|(key, value)| [key, value]).collect();
                graph.become_dict(id, &pairs)?;
                return Ok(Some("into a dict".to_owned()));
            }
            Action::Rename(from, to) => state.rename(graph, from, to)?.then(|| format!("rename {from} to {to}")),
            Action::Drop(name) if name.contains('*') => {
                (state.remove_all(graph, |other| fits(name, other)) > 0).then(|| format!("drop {name}"))
            }
            Action::Drop(name) => state.remove(graph, name).map(|_| format!("drop {name}")),
            Action::Add(name, literal) => match state.get(graph, name) {
                Some(_) => None,
                None => {
                    let value = literal.add_to(graph)?;
                    state.set(graph, name, value)?;
                    Some(format!("add {name}"))
                }
            },
            Action::Set(name, literal) => {
                let is_same = state.get(graph, name).is_some_and(|value| literal.is(graph.value(value)));
                if is_same {
                    return Ok(None);
                }
                let value = literal.add_to(graph)?;
                state.set(graph, name, value)?;
                Some(format!("set {name}"))
            }
            Action::Copy(to, from) => match state.get(graph, from) {
                None => None,
                Some(value) => {
                    state.set(graph, to, value)?;
                    Some(format!("copy {from} to {to}"))
                }
            },
            Action::Length(to, from) => match state.get(graph, from).and_then(|value| length(graph.value(value))) {
                Some(len) if state.get(graph, to).is_none() => {
                    let len = graph.add_int(len)?;
                    state.set(graph, to, len)?;
                    Some(format!("{to} is the length of {from}"))
                }
                _ => None,
            },
            Action::Nest(name, parts) => {
                let mut pairs = Vec::new();
                for part in parts {
                    if let Some(value) = state.remove(graph, part) {
                        pairs.push((graph.add_str(part)?, value));
                    }
                }
                if pairs.is_empty() {
                    return Ok(None);
                }
                let dict = graph.add_dict(&pairs)?;
                state.set(graph, name, dict)?;
                Some(format!("nest {} in {name}", parts.join(", ")))
            }
            Action::Flatten(name) => {
                let Some(inner) = state.get(graph, name).and_then(|inner| named_pairs(graph.value(inner))) else {
                    return Ok(None);
                };
                state.remove(graph, name);
                // What has the same name goes.
                let names: FxHashSet<&str> = inner.iter().map(|(name, _)| name.as_str()).collect();
                state.remove_all(graph, |other| names.contains(other));
                let mut pairs = Vec::new();
                for (name, value) in &inner {
                    pairs.push((state.name_like(graph, name)?, *value));
                }
                state.extend(pairs);
                Some(format!("flatten {name}"))
            }
            Action::Replace(name, from, to) => {
                let is_it = state.get(graph, name).is_some_and(|value| from.is(graph.value(value)));
                if !is_it {
                    return Ok(None);
                }
                let value = to.add_to(graph)?;
                state.set(graph, name, value)?;
                Some(format!("replace {name}"))
            }
            Action::Fields(name, fields) => match state.get(graph, name) {
                None => None,
                Some(value) => records::with_fields(graph, value, fields)?
                    .map(|new| state.set(graph, name, new))
                    .transpose()?
                    .map(|()| format!("fields of {name}")),
            },
            Action::Normalize(name) => match state.get(graph, name) {
                None => None,
                Some(value) => records::normalized(graph, value)?
                    .map(|new| state.set(graph, name, new))
                    .transpose()?
                    .map(|()| format!("rows of {name} divided by their sums")),
            },
            Action::Strings(pattern, how) => {
                let report = &mut *self.report;
                let before: u64 = report.strings.values().sum();
                state.change_all(
                    graph,
                    |name| fits(pattern, name),
                    |graph, name, value| {
                        let place = format!("{class}.{name}");
                        if let Node::Py2Str(_) = graph.value(value).node() {
                            return strings::decoded(graph, value, *how, |_| place.clone(), report);
                        }
                        strings::decode_inside(graph, value, *how, &place, report)?;
                        Ok(value)
                    },
                )?;
                let after: u64 = report.strings.values().sum();
                (after > before).then(|| format!("strings of {pattern}"))
            }
            // Done above.
            _ => None,
        };
        state.store(graph)?;
        Ok(told)
    }
}

/// How many items there are: of an array along its first axis.
fn length(value: Value<'_>) -> Option<i64> {
    let len = match value.as_array() {
        Ok(array) => array.shape().first().copied()?,
        Err(_) => value.items().ok()?.len() as u64,
    };
    i64::try_from(len).ok()
}

/// The pairs of a dict whose keys are all names.
fn named_pairs(value: Value<'_>) -> Option<Vec<(String, Id)>> {
    let name = |key: Value<'_>| match key.node() {
        Node::Str(text) => text.as_str().map(str::to_owned),
        Node::Py2Str(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    };
    value.pairs().ok()?.iter().map(|(key, value)| Some((name(key)?, value.id()))).collect()
}

/// Gives a call other arguments; nothing if it has fewer than are asked for.
fn call(graph: &mut Graph<'_>, id: Id, args: Option<&[Argument]>) -> Result<Option<&'static str>> {
    let object = graph.value(id).as_object()?;
    let class = object.class().id();
    let Some(args) = args else {
        let args = object.args().id();
        graph.make_anew(id, Made::Call, class, args);
        return Ok(Some(""));
    };
    let first = object.seen_through().map_or(0, |(_, first)| first);
    let old: Vec<Id> = object.args().items()?.iter().skip(first).map(Value::id).collect();
    let mut new = Vec::new();
    for arg in args {
        match arg {
            Argument::Old(index) => match old.get(*index) {
                Some(arg) => new.push(*arg),
                None => return Ok(None),
            },
            Argument::NameOf(index) => {
                let Some(arg) = old.get(*index) else { return Ok(None) };
                // An object made by a function that is given a class, or its name.
                let inner = graph.value(*arg).as_object().ok().and_then(|object| object.args().at(0).ok());
                let arg = inner.map_or(*arg, Value::id);
                let name = graph.value(arg).as_global().map(|global| global.name().to_owned());
                new.push(match name {
                    Ok(name) => graph.add_str(&name)?,
                    Err(_) => arg,
                });
            }
            Argument::Rest(index) => new.extend(old.iter().skip(*index)),
            Argument::New(literal) => new.push(literal.add_to(graph)?),
        }
    }
    let args = graph.add_tuple(&new)?;
    graph.make_anew(id, Made::Call, class, args);
    Ok(Some(" with other arguments"))
}

fn dicts<'r>(graph: &mut Graph<'_>, rule: &'r DictRule, report: &mut Report, later: &mut Later<'r>) -> Result<()> {
    let states: rustc_hash::FxHashSet<Id> = graph
        .values()
        .flat_map(|value| value.steps())
        .flat_map(|step| step.items().iter().map(Value::id).collect::<Vec<_>>())
        .collect();
    let ids = match &rule.path {
        Some(path) => at_path(graph, path)?.into_iter().map(|(_, id)| id).collect(),
        None => graph.dict_ids(),
    };
    for id in ids {
        let value = graph.value(id);
        let Ok(pairs) = value.pairs() else { continue };
        // The state of an object is a dict of its own kind.
        if states.contains(&id) || !rule.has.iter().all(|name| pairs.get(name).is_some()) {
            continue;
        }
        let class = graph.add_none()?;
        graph.become_object(id, class)?;
        later.push((id, (&rule.to.0, &rule.to.1)));
        report.did(format!("dict into {}.{}", rule.to.0, rule.to.1));
    }
    Ok(())
}

fn values(graph: &mut Graph<'_>, rule: &ValueRule, report: &mut Report) -> Result<()> {
    let is_it = |graph: &Graph<'_>, id: Id| {
        rule.from.as_ref().is_none_or(|from| from.is(graph.value(id))) && !rule.to.is(graph.value(id))
    };
    let told = || rule.path.as_ref().map_or("value replaced".to_owned(), |path| format!("value at {path}"));
    let Some(path) = &rule.path else {
        // What stands in several places stays one.
        let mut new: FxHashMap<Id, Id> = FxHashMap::default();
        let parents: Vec<Id> = graph.values().map(Value::id).collect();
        for parent in parents {
            let old: Vec<Id> = graph.children(parent).filter(|id| is_it(graph, *id)).collect();
            for id in &old {
                if !new.contains_key(id) {
                    new.insert(*id, rule.to.add_to(graph)?);
                }
                report.did(told());
            }
            if !old.is_empty() {
                graph.replace_children(parent, &new);
            }
        }
        let roots: Vec<Id> = graph.roots().map(Value::id).filter(|id| is_it(graph, *id)).collect();
        for root in roots {
            let value = rule.to.add_to(graph)?;
            graph.replace_root(root, value);
            report.did(told());
        }
        return Ok(());
    };
    for (parent, id) in at_path(graph, path)? {
        if !is_it(graph, id) {
            continue;
        }
        let value = rule.to.add_to(graph)?;
        match parent {
            Some(parent) => graph.replace_children(parent, &[(id, value)].into_iter().collect()),
            None => graph.replace_root(id, value),
        }
        report.did(told());
    }
    Ok(())
}

/// The value at a path, with the value that holds it.
fn at_path(graph: &Graph<'_>, path: &str) -> Result<Vec<(Option<Id>, Id)>> {
    let path: Path = path.parse()?;
    let mut found = Vec::new();
    for root in graph.roots() {
        let Ok(value) = path.find(root) else { continue };
        if path.steps().is_empty() {
            found.push((None, value.id()));
            continue;
        }
        // The holder is the last value on the way; a state stands between an object and its attributes.
        let mut above = Path::root();
        for step in &path.steps()[..path.steps().len() - 1] {
            above.push(step.clone());
        }
        let Ok(holder) = above.find(root) else { continue };
        let holds = |holder: Id| graph.children(holder).any(|child| child == value.id());
        let states = holder.steps().flat_map(|step| step.items().iter().map(Value::id).collect::<Vec<_>>());
        let inner = states.flat_map(|state| [state].into_iter().chain(graph.children(state)).collect::<Vec<_>>());
        let holder = [holder.id()].into_iter().chain(inner).find(|id| holds(*id));
        found.extend(holder.map(|holder| (Some(holder), value.id())));
    }
    Ok(found)
}
