//! What stands below a value in a tree, in groups: items, pairs, attributes, what makes an object. Both the text and the
//! JSON of `show`, and `diff`, read values through this.

use crate::graph::path::Step;
use crate::graph::{Global, Items, Made, Node, Object, Pairs, StepKind, Value};

/// Children of one kind, in order.
#[derive(Clone, Debug)]
pub(crate) enum Group<'g> {
    /// `[0]`: items, counted from `first`.
    Items { items: Items<'g>, first: usize },
    /// `key:`: pairs of a dict or set in an object.
    Pairs(Pairs<'g>),
    /// `.name =`: attributes.
    Attributes(Pairs<'g>),
    /// `@args[0]`: arguments, from the one with number `first`.
    Args { items: Items<'g>, first: usize },
    /// `@kwargs.name`: arguments by name.
    Kwargs(Pairs<'g>),
    /// A single part of an object.
    One(Step, Value<'g>),
}

/// Where a child stands, as its group has it.
#[derive(Clone, Debug)]
pub(crate) enum Label<'g> {
    Index(usize),
    Key(Value<'g>),
    Attribute(Value<'g>),
    Arg(usize),
    Kwarg(Value<'g>),
    Part(Step),
}

impl<'g> Group<'g> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Group::Items { items, .. } => items.len(),
            Group::Args { items, first } => items.len().saturating_sub(*first),
            Group::Pairs(pairs) | Group::Attributes(pairs) | Group::Kwargs(pairs) => pairs.len(),
            Group::One(..) => 1,
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<(Label<'g>, Value<'g>)> {
        Some(match self {
            Group::Items { items, first } => (Label::Index(first + index), items.get(index)?),
            Group::Args { items, first } => (Label::Arg(first + index), items.get(first + index)?),
            Group::Pairs(pairs) => pairs.nth(index).map(|(key, value)| (Label::Key(key), value))?,
            Group::Attributes(pairs) => pairs.nth(index).map(|(key, value)| (Label::Attribute(key), value))?,
            Group::Kwargs(pairs) => pairs.nth(index).map(|(key, value)| (Label::Kwarg(key), value))?,
            Group::One(step, value) if index == 0 => (Label::Part(step.clone()), *value),
            Group::One(..) => return None,
        })
    }
}

/// An object as people think of it: a class with arguments, attributes and items.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'g> {
    /// Its class, or what is called.
    pub(crate) class: Value<'g>,
    /// Whether a call makes it, so that even empty parentheses say something.
    pub(crate) called: bool,
    /// Arguments, from the one with number `first_arg`.
    pub(crate) args: Option<Items<'g>>,
    pub(crate) first_arg: usize,
    pub(crate) kwargs: Option<Pairs<'g>>,
    /// What is done to it: attributes, items, pairs, other states.
    pub(crate) content: Vec<Group<'g>>,
}

impl<'g> Reading<'g> {
    pub(crate) fn of(object: Object<'g>, value: Value<'g>) -> Self {
        let seen = object.seen_through();
        Reading {
            class: seen.map_or(object.class(), |(class, _)| class),
            called: seen.is_none() && object.made() == Made::Call,
            args: object.args().items().ok(),
            first_arg: seen.map_or(0, |(_, first)| first),
            kwargs: object.kwargs().and_then(|kwargs| kwargs.pairs().ok()),
            content: content(value),
        }
    }

    /// The class of an object, or what is called, if that is a global.
    pub(crate) fn class_of(object: Object<'g>) -> Option<Global<'g>> {
        object.made_class()
    }

    /// Arguments as groups of children.
    pub(crate) fn arg_groups(&self) -> impl Iterator<Item = Group<'g>> {
        let args = self.args.map(|items| Group::Args { items, first: self.first_arg });
        args.into_iter().chain(self.kwargs.map(Group::Kwargs)).filter(|group| group.len() > 0)
    }

    /// How many items were appended to it or set in it.
    pub(crate) fn item_count(&self) -> usize {
        let items = self.content.iter().filter(|group| matches!(group, Group::Items { .. } | Group::Pairs(_)));
        items.map(Group::len).sum()
    }
}

/// What is done to a value after it is made.
fn content(value: Value<'_>) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let (mut states, mut items) = (0, 0);
    for step in value.steps() {
        match step.kind() {
            StepKind::Build => {
                states += 1;
                if let Some(state) = step.items().get(0) {
                    add_state(&mut groups, state, states);
                }
            }
            StepKind::SetItems => groups.push(Group::Pairs(step.pairs())),
            StepKind::Append | StepKind::Add => {
                groups.push(Group::Items { items: step.items(), first: items });
                items += step.items().len();
            }
        }
    }
    groups
}

/// A state: attributes where it is a dict of str, or a tuple of such a dict and one of slots.
fn add_state<'g>(groups: &mut Vec<Group<'g>>, state: Value<'g>, number: usize) {
    if let Some(pairs) = attributes(state) {
        groups.push(Group::Attributes(pairs));
        return;
    }
    if let Node::Tuple(parts) = state.node()
        && let (2, Some(dict), Some(slots)) = (parts.len(), parts.get(0), parts.get(1))
        && let (true, Some(slots)) = (dict.is_none() || attributes(dict).is_some(), attributes(slots))
    {
        groups.extend(attributes(dict).filter(|pairs| !pairs.is_empty()).map(Group::Attributes));
        groups.push(Group::Attributes(slots));
        return;
    }
    groups.push(Group::One(Step::State(number), state));
}

/// The pairs of a dict whose keys are all str.
fn attributes(state: Value<'_>) -> Option<Pairs<'_>> {
    let pairs = state.pairs().ok()?;
    pairs.iter().all(|(key, _)| matches!(key.node(), Node::Str(_) | Node::Py2Str(_))).then_some(pairs)
}

/// All that stands below a value. Arguments of an object come first.
pub(crate) fn groups(value: Value<'_>) -> Vec<Group<'_>> {
    match value.node() {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            vec![Group::Items { items, first: 0 }]
        }
        Node::Dict(pairs) => vec![Group::Pairs(pairs)],
        Node::Persistent(id) => {
            let mut groups = vec![Group::One(Step::PersistentId, id)];
            groups.extend(content(value));
            groups
        }
        Node::Object(object) => {
            let reading = Reading::of(object, value);
            let mut groups: Vec<_> = reading.arg_groups().collect();
            groups.extend(reading.content);
            groups
        }
        _ => content(value),
    }
}
