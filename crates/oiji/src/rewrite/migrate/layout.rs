//! What becomes of a state, told from its shape and the names in it: worked out once for all instances of a class whose states
//! are alike. What depends on values is left to `apply`, which does it to a graph.

use rustc_hash::FxHashMap;

use crate::rewrite::migrate::named_by_then;
use crate::rewrite::migrate::names::fits;
use crate::rewrite::migrate::report::Report;
use crate::rewrite::migrate::rules::{Action, ClassRule, Condition, Literal, Shape, Step};

/// What becomes of the states of some instances.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) shape: Shape,
    /// All that is in it, in order: attributes of the `__dict__`, then those of slots.
    pub(super) parts: Vec<Part>,
    /// Of slots: how many parts are of a `__dict__`, if there is one.
    pub(super) in_dict: Option<usize>,
    /// Whether it is the same as before.
    pub(super) is_same: bool,
    /// How it comes about where the old attributes keep their order.
    pub(super) in_place: Option<InPlace>,
    /// Its number, of all layouts.
    pub(super) number: usize,
    told: Vec<String>,
    undecided: Vec<String>,
    count: u64,
}

/// A value in a state; in a dict it has a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) worth: Worth,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Worth {
    /// The value that had this number, in the order of the old state.
    Old(usize),
    /// An item of the old state, which was a tuple: its dict of slots, say.
    Item(usize),
    New(Literal),
    Dict(Vec<Part>),
}

/// What becomes of each old attribute, and what comes after them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct InPlace {
    pub(super) fates: Vec<Fate>,
    pub(super) added: Vec<(String, Added)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Renamed(String),
    Dropped,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Added {
    Literal(Literal),
    /// The value of the old attribute with this number, once more.
    Copy(usize),
}

/// Layouts, and the rules from which they are made.
#[derive(Clone, Debug, Default)]
pub(super) struct Layouts {
    /// By the number of a class: the rules for its instances, each with what the class is called by then.
    rules: Vec<Vec<(String, ClassRule)>>,
    has_py2_strings: bool,
    known: FxHashMap<Box<[u32]>, usize>,
    layouts: Vec<Layout>,
}

/// So many different states are looked at.
const MOST: usize = 1 << 12;

impl Layouts {
    pub(super) fn new(has_py2_strings: bool) -> Layouts {
        Layouts { has_py2_strings, ..Layouts::default() }
    }

    /// Numbers a class by which instances are made, and takes note of the rules for it.
    pub(super) fn add_class(&mut self, steps: &[&Step], module: &str, name: &str, protocol: u8) -> usize {
        let mut rules = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let (module, name) = named_by_then(&steps[..index], module, name, protocol);
            let matching = step.rules_for(&module, &name);
            rules.extend(matching.map(|rule| (format!("{module}.{name}"), rule.clone())));
        }
        self.rules.push(rules);
        self.rules.len() - 1
    }

    /// The rules for the class with this number.
    pub(super) fn rules(&self, class: usize) -> &[(String, ClassRule)] {
        self.rules.get(class).map_or(&[], Vec::as_slice)
    }

    /// The layout for one more instance, by a key of its class, the shape of its state and the names in it. Nothing comes back
    /// where these do not tell.
    pub(super) fn of<'n>(
        &mut self,
        key: &[u32],
        class: usize,
        shape: Shape,
        in_dict: Option<usize>,
        names: impl FnOnce() -> Option<Vec<&'n str>>,
    ) -> Option<&Layout> {
        let index = match self.known.get(key) {
            Some(index) => *index,
            None => {
                let draft = Draft::new(shape, in_dict, &names()?, self.has_py2_strings);
                let layout = draft?.made_by(self.rules(class))?;
                if self.layouts.len() == MOST {
                    return None;
                }
                self.layouts.push(Layout { number: self.layouts.len(), ..layout });
                self.known.insert(key.into(), self.layouts.len() - 1);
                self.layouts.len() - 1
            }
        };
        let layout = self.layouts.get_mut(index)?;
        layout.count += 1;
        Some(layout)
    }

    /// Tells what was done to all instances.
    pub(super) fn report(&self, report: &mut Report) {
        for layout in &self.layouts {
            layout.told.iter().for_each(|what| report.did_often(what, layout.count));
            layout.undecided.iter().for_each(|what| report.decide_often(what, layout.count));
        }
    }
}

/// A state on its way.
struct Draft {
    shape: Shape,
    has_py2_strings: bool,
    parts: Vec<Part>,
    in_dict: Option<usize>,
    old: Vec<Part>,
    /// Whether it depends on values what is to be told.
    is_unsure: bool,
    told: Vec<String>,
    undecided: Vec<String>,
}

impl Draft {
    /// Nothing comes back for names that are there twice.
    fn new(shape: Shape, in_dict: Option<usize>, names: &[&str], has_py2_strings: bool) -> Option<Draft> {
        let part = |(index, name): (usize, &&str)| Part { name: (*name).to_owned(), worth: Worth::Old(index) };
        let parts: Vec<Part> = names.iter().enumerate().map(part).collect();
        let draft = Draft {
            shape,
            has_py2_strings,
            old: parts.clone(),
            parts,
            in_dict,
            is_unsure: false,
            told: Vec::new(),
            undecided: Vec::new(),
        };
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        let is_once = sorted.windows(2).all(|pair| pair[0] != pair[1]);
        (is_once || !draft.has_names()).then_some(draft)
    }

    fn made_by(mut self, rules: &[(String, ClassRule)]) -> Option<Layout> {
        let (shape, in_dict) = (self.shape, self.in_dict);
        for (class, rule) in rules {
            if !self.holds(&rule.conditions)? {
                continue;
            }
            for action in &rule.actions {
                if let Some(told) = self.action(class, action)? {
                    self.told.push(format!("{class}: {told}"));
                }
            }
        }
        let is_same = self.shape == shape && self.in_dict == in_dict && self.parts == self.old;
        let is_in_place = self.has_names() && self.shape == shape && self.in_dict == in_dict && !self.is_unsure;
        let in_place = if is_in_place { in_place(&self.old, &self.parts) } else { None };
        let Draft { shape, parts, in_dict, told, undecided, .. } = self;
        Some(Layout { shape, parts, in_dict, is_same, in_place, number: 0, told, undecided, count: 0 })
    }

    fn has_names(&self) -> bool {
        matches!(self.shape, Shape::Dict | Shape::Slots)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.parts.iter().position(|part| part.name == name).filter(|_| self.has_names())
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether all conditions hold; nothing where that takes more than names.
    fn holds(&self, conditions: &[Condition]) -> Option<bool> {
        for condition in conditions {
            let holds = match condition {
                Condition::Has(name) => self.has(name),
                Condition::Lacks(name) => !self.has(name),
                Condition::Equals(name, _) if !self.has(name) => false,
                Condition::State(shape) => *shape == self.shape,
                Condition::Equals(..) | Condition::Args(_) | Condition::Library(..) => return None,
            };
            if !holds {
                return Some(false);
            }
        }
        Some(true)
    }

    fn remove(&mut self, name: &str) -> Option<Worth> {
        let index = self.find(name)?;
        if let Some(in_dict) = self.in_dict.as_mut().filter(|in_dict| index < **in_dict) {
            *in_dict -= 1;
        }
        Some(self.parts.remove(index).worth)
    }

    /// Sets an attribute: in its place, or at the end of the `__dict__`, or of the slots where there is none.
    fn set(&mut self, name: &str, worth: Worth) {
        if let Some(index) = self.find(name) {
            self.parts[index].worth = worth;
            return;
        }
        let part = Part { name: name.to_owned(), worth };
        match &mut self.in_dict {
            Some(in_dict) => {
                self.parts.insert(*in_dict, part);
                *in_dict += 1;
            }
            None => self.parts.push(part),
        }
    }

    fn becomes(&mut self, shape: Shape, parts: Vec<Part>) {
        (self.shape, self.parts, self.in_dict) = (shape, parts, None);
    }

    /// Does an action, as `apply` does; says what, if anything. Nothing comes back where names are not enough.
    fn action(&mut self, class: &str, action: &Action) -> Option<Option<String>> {
        let told = match action {
            Action::Decide(what) => {
                self.undecided.push(format!("{class}: {what}"));
                None
            }
            Action::SequenceToDict(names) => {
                let parts = match self.shape {
                    Shape::Tuple | Shape::List => std::mem::take(&mut self.parts),
                    // A pair of anything and a dict.
                    Shape::Slots if self.parts == self.old => {
                        (0..2).map(|item| Part { name: String::new(), worth: Worth::Item(item) }).collect()
                    }
                    Shape::Slots => return None,
                    _ => return Some(None),
                };
                if parts.len() != names.len() {
                    let what = format!("{class}: a state of {} where rules have {} names", parts.len(), names.len());
                    self.undecided.push(what);
                    if self.shape != Shape::Slots {
                        self.parts = parts;
                    }
                    return Some(None);
                }
                let named = |(part, name): (Part, &String)| Part { name: name.clone(), ..part };
                self.becomes(Shape::Dict, parts.into_iter().zip(names).map(named).collect());
                Some(format!("state into a dict of {}", names.join(", ")))
            }
            Action::DictToTuple(names) | Action::DictToList(names) if self.has_names() => {
                let is_all = self.parts.iter().all(|part| names.contains(&part.name));
                if !is_all || !names.iter().all(|name| self.has(name)) {
                    self.undecided.push(format!("{class}: attributes other than {}", names.join(", ")));
                    return Some(None);
                }
                let is_tuple = matches!(action, Action::DictToTuple(_));
                let parts = names.iter().map(|name| self.find(name).map(|index| self.parts[index].clone()));
                let parts = parts.collect::<Option<_>>()?;
                self.becomes(if is_tuple { Shape::Tuple } else { Shape::List }, parts);
                Some(format!("state into a {}", if is_tuple { "tuple" } else { "list" }))
            }
            Action::SlotsToDict if self.shape == Shape::Slots => {
                let parts = std::mem::take(&mut self.parts);
                self.becomes(Shape::Dict, parts);
                Some("slots into a dict".to_owned())
            }
            Action::DictToSlots(names) if self.shape == Shape::Dict => {
                let mut slots = Vec::new();
                for name in names {
                    slots.extend(self.remove(name).map(|worth| Part { name: name.clone(), worth }));
                }
                let in_dict = Some(self.parts.len()).filter(|len| *len > 0);
                let mut parts = std::mem::take(&mut self.parts);
                parts.extend(slots);
                self.becomes(Shape::Slots, parts);
                self.in_dict = in_dict;
                Some(format!("slots {}", names.join(", ")))
            }
            Action::DictToTuple(_) | Action::DictToList(_) | Action::SlotsToDict | Action::DictToSlots(_) => None,
            Action::StateItem(_) | Action::Item(..) if matches!(self.shape, Shape::Dict | Shape::List) => None,
            Action::StateOf(_) => None,
            Action::Rename(from, to) if from == to || !self.has(from) => None,
            Action::Rename(from, to) => {
                self.remove(to);
                let index = self.find(from)?;
                self.parts[index].name.clone_from(to);
                Some(format!("rename {from} to {to}"))
            }
            Action::Drop(name) => {
                let names = self.parts.iter().map(|part| &part.name);
                let is_it = |other: &&String| if name.contains('*') { fits(name, other) } else { *name == **other };
                let gone: Vec<String> = names.filter(is_it).filter(|name| self.has(name)).cloned().collect();
                gone.iter().for_each(|name| drop(self.remove(name)));
                (!gone.is_empty()).then(|| format!("drop {name}"))
            }
            Action::Add(..) | Action::Set(..) | Action::Nest(..) if !self.has_names() => None,
            Action::Add(name, _) if self.has(name) => None,
            Action::Add(name, literal) => {
                self.set(name, Worth::New(literal.clone()));
                Some(format!("add {name}"))
            }
            Action::Set(name, literal) => {
                // It may be that already.
                self.is_unsure |= self.has(name);
                self.set(name, Worth::New(literal.clone()));
                Some(format!("set {name}"))
            }
            Action::Copy(to, from) => match self.find(from) {
                None => None,
                Some(index) => {
                    let worth = self.parts[index].worth.clone();
                    self.set(to, worth);
                    Some(format!("copy {from} to {to}"))
                }
            },
            Action::Nest(name, parts) => {
                let mut inner = Vec::new();
                for part in parts {
                    inner.extend(self.remove(part).map(|worth| Part { name: part.clone(), worth }));
                }
                if inner.is_empty() {
                    return Some(None);
                }
                self.set(name, Worth::Dict(inner));
                Some(format!("nest {} in {name}", parts.join(", ")))
            }
            Action::Length(to, from) if !self.has(from) || self.has(to) => None,
            Action::Flatten(name) | Action::Replace(name, ..) | Action::Fields(name, _) | Action::Normalize(name)
                if !self.has(name) =>
            {
                None
            }
            Action::Strings(..) if !self.has_py2_strings => None,
            _ => return None,
        };
        Some(told)
    }
}

/// How new attributes come from old ones that keep their order.
fn in_place(old: &[Part], new: &[Part]) -> Option<InPlace> {
    let mut fates = vec![Fate::Dropped; old.len()];
    let mut added: Vec<(String, Added)> = Vec::new();
    let mut next = 0;
    for part in new {
        match &part.worth {
            Worth::Old(index) if added.is_empty() && *index >= next => {
                let is_same = part.name == old[*index].name;
                fates[*index] = if is_same { Fate::Stays } else { Fate::Renamed(part.name.clone()) };
                next = index + 1;
            }
            Worth::Old(index) => added.push((part.name.clone(), Added::Copy(*index))),
            Worth::New(literal) => added.push((part.name.clone(), Added::Literal(literal.clone()))),
            Worth::Item(_) | Worth::Dict(_) => return None,
        }
    }
    let is_gone = |(_, added): &(String, Added)| matches!(added, Added::Copy(index) if fates[*index] == Fate::Dropped);
    // A new list that is copied is one list in two places.
    let holding = |(_, added): &(String, Added)| matches!(added, Added::Literal(literal) if literal.holds_others());
    let is_twice = |(index, one): (usize, &(String, Added))| {
        holding(one) && added[..index].iter().any(|(_, other)| *other == one.1)
    };
    if added.iter().any(is_gone) || added.iter().enumerate().any(is_twice) {
        return None;
    }
    Some(InPlace { fates, added })
}
