//! Rules followed while another reader makes objects: it asks what becomes of a state before it gives it to its object, and no
//! graph is made.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::graph::{Graph, Helper, WriteOptions};
use crate::rewrite::Migration;
use crate::rewrite::migrate::layout::{Layout, Layouts, Part, Worth};
use crate::rewrite::migrate::rules::{Action, ClassRule, Condition, Shape, Step};

/// Rules for states, for a reader that makes objects itself, as the Python module does. Names that change are told by
/// [`Migration::rename`].
///
/// ```
/// use oiji::rewrite::{Migration, NewState, NewValue, OldState};
/// let rules = Migration::from_toml("[[class]]\nmatch = \"shop:Cart\"\nlist-to-dict = [\"weights\", \"bias\"]\n").unwrap();
/// let mut live = rules.live().unwrap();
/// let class = live.class("shop", "Cart", 4).unwrap();
/// let new = live.state(class, OldState::List, ["", ""].into_iter()).unwrap();
/// let value = |name: &str, index| (name.to_owned(), NewValue::Old(index));
/// assert_eq!(*new, NewState::Dict(vec![value("weights", 0), value("bias", 1)]));
/// ```
#[derive(Debug)]
pub struct LiveRules {
    steps: Vec<Step>,
    classes: FxHashMap<(String, String, u8), Option<usize>>,
    layouts: Layouts,
    names: FxHashMap<Box<str>, u32>,
    key: Vec<u32>,
    states: Vec<Option<Rc<NewState>>>,
}

/// The shape that a state has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldState {
    /// A dict.
    Dict,
    /// A tuple of a dict with so many items, or of `None`, and of a dict of slots.
    Slots {
        /// How many of the attributes stand in the first dict, if it is one.
        in_dict: Option<usize>,
    },
    /// Any other tuple.
    Tuple,
    /// A list.
    List,
}

/// What becomes of a state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NewState {
    /// Nothing: it stays.
    Same,
    /// A dict with these items, in this order.
    Dict(Vec<(String, NewValue)>),
    /// A tuple of a dict or `None`, and of a dict of slots.
    Slots(Option<Vec<(String, NewValue)>>, Vec<(String, NewValue)>),
    /// A tuple.
    Tuple(Vec<NewValue>),
    /// A list.
    List(Vec<NewValue>),
}

/// A value in a new state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NewValue {
    /// The old value with this number.
    Old(usize),
    /// The item of the old state, a tuple, with this number.
    Item(usize),
    /// What this pickle says.
    Pickle(Vec<u8>),
    /// A dict of others.
    Dict(Vec<(String, NewValue)>),
}

impl Migration {
    /// The rules for a reader that makes objects itself; nothing where some need a graph: those that look at values or at a
    /// version, that name values by path, change calls or classes of instances, copy what they make, and versioned steps.
    pub fn live(&self) -> Option<LiveRules> {
        let steps: Vec<Step> = self.steps().cloned().collect();
        (steps.iter().all(is_live) && !copies_what_is_new(&steps)).then(|| LiveRules {
            steps,
            classes: FxHashMap::default(),
            layouts: Layouts::new(false),
            names: FxHashMap::default(),
            key: Vec::new(),
            states: Vec::new(),
        })
    }
}

impl LiveRules {
    /// The number of a class, by the name that the pickle says, if there are rules for its instances.
    pub fn class(&mut self, module: &str, name: &str, protocol: u8) -> Option<usize> {
        let key = (module.to_owned(), name.to_owned(), protocol);
        if let Some(known) = self.classes.get(&key) {
            return *known;
        }
        let steps: Vec<&Step> = self.steps.iter().collect();
        let class = self.layouts.add_class(&steps, module, name, protocol);
        let class = Some(class).filter(|class| !self.layouts.rules(*class).is_empty());
        self.classes.insert(key, class);
        class
    }

    /// Whether a global is a function that makes instances of the class that is its first argument, as `copyreg` has some and
    /// classes of Cython have theirs: then the rules for that class count.
    pub fn is_helper(module: &str, name: &str) -> bool {
        Helper::of(module, name).is_some()
    }

    /// What becomes of a state of an instance of a class: `names` are those of its attributes, of the first dict and then of
    /// slots, and of an item of a tuple or list, nothing.
    ///
    /// Nothing comes back of what is too much: thousands of states that are all different.
    pub fn state<'n>(
        &mut self,
        class: usize,
        old: OldState,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<Rc<NewState>> {
        let (shape, in_dict) = match old {
            OldState::Dict => (Shape::Dict, None),
            OldState::Slots { in_dict } => (Shape::Slots, in_dict),
            OldState::Tuple => (Shape::Tuple, None),
            OldState::List => (Shape::List, None),
        };
        self.key.clear();
        let number = |number: usize| u32::try_from(number).ok();
        self.key.extend([number(class)?, shape as u32, number(in_dict.map_or(0, |count| count + 1))?]);
        for name in names.clone() {
            let next = number(self.names.len())?;
            let id = match self.names.get(name) {
                Some(id) => *id,
                None => *self.names.entry(name.into()).or_insert(next),
            };
            self.key.push(id);
        }
        let layout = self.layouts.of(&self.key, class, shape, in_dict, || Some(names.collect()))?;
        if self.states.len() <= layout.number {
            self.states.resize(layout.number + 1, None);
        }
        let place = &mut self.states[layout.number];
        if place.is_none() {
            *place = Some(Rc::new(new_state(layout).ok()?));
        }
        place.clone()
    }
}

fn is_live(step: &Step) -> bool {
    let holds =
        |condition: &Condition| matches!(condition, Condition::Has(_) | Condition::Lacks(_) | Condition::State(_));
    let acts = |action: &Action| {
        matches!(
            action,
            Action::SequenceToDict(_)
                | Action::DictToTuple(_)
                | Action::DictToList(_)
                | Action::SlotsToDict
                | Action::DictToSlots(_)
                | Action::Rename(..)
                | Action::Drop(_)
                | Action::Add(..)
                | Action::Set(..)
                | Action::Copy(..)
                | Action::Nest(..)
                | Action::Decide(_)
        )
    };
    let is_live = |rule: &ClassRule| rule.conditions.iter().all(holds) && rule.actions.iter().all(acts);
    let is_plain = step.version.is_none() && step.dicts.is_empty() && step.values.is_empty() && step.strings.is_none();
    is_plain && step.classes.iter().all(is_live)
}

/// Whether a list or dict that rules make may be copied: it is one then, in two places.
fn copies_what_is_new(steps: &[Step]) -> bool {
    let all = || steps.iter().flat_map(|step| &step.classes).flat_map(|rule| &rule.actions);
    let is_new = |action: &Action| match action {
        Action::Add(_, literal) | Action::Set(_, literal) => literal.holds_others(),
        action => matches!(action, Action::Nest(..)),
    };
    all().any(|action| matches!(action, Action::Copy(..))) && all().any(is_new)
}

fn new_state(layout: &Layout) -> Result<NewState> {
    if layout.is_same {
        return Ok(NewState::Same);
    }
    let values = || layout.parts.iter().map(value).collect::<Result<Vec<_>>>();
    Ok(match layout.shape {
        Shape::Dict => NewState::Dict(items(&layout.parts)?),
        Shape::Tuple => NewState::Tuple(values()?),
        Shape::List => NewState::List(values()?),
        Shape::Slots => {
            let (first, slots) = layout.parts.split_at(layout.in_dict.unwrap_or(0).min(layout.parts.len()));
            NewState::Slots(layout.in_dict.map(|_| items(first)).transpose()?, items(slots)?)
        }
        Shape::None | Shape::Other => NewState::Same,
    })
}

fn items(parts: &[Part]) -> Result<Vec<(String, NewValue)>> {
    parts.iter().map(|part| Ok((part.name.clone(), value(part)?))).collect()
}

fn value(part: &Part) -> Result<NewValue> {
    Ok(match &part.worth {
        Worth::Old(index) => NewValue::Old(*index),
        Worth::Item(index) => NewValue::Item(*index),
        Worth::Dict(parts) => NewValue::Dict(items(parts)?),
        Worth::New(literal) => {
            let mut graph = Graph::new();
            let root = literal.add_to(&mut graph)?;
            graph.set_roots(vec![root]);
            NewValue::Pickle(WriteOptions::new().protocol(4).to_vec(&graph)?)
        }
    })
}
