//! Instances taken apart: what makes them, and what is done to them then.

use crate::graph::{Global, Items, Made, Node, Object, Pairs, StepKind, Value};
use crate::inspect::derive::inert;

/// An instance of a class that a Rust type can stand for.
pub(super) struct Anatomy<'g> {
    pub(super) class: Global<'g>,
    pub(super) made: Made,
    pub(super) args: Vec<Value<'g>>,
    pub(super) kwargs: Option<Pairs<'g>>,
    pub(super) state: State<'g>,
    pub(super) items: Vec<Value<'g>>,
    pub(super) pairs: Vec<(Value<'g>, Value<'g>)>,
}

/// What `__setstate__` is given.
#[derive(Clone, Copy)]
pub(super) enum State<'g> {
    None,
    /// A `__dict__`, and slots.
    Attributes([Option<Pairs<'g>>; 2]),
    Items {
        items: Items<'g>,
        is_list: bool,
    },
}

/// Arguments that are fields of their own.
const ARGS: usize = 12;
/// Items of a state that are fields of their own.
const STATE_ITEMS: usize = 24;
/// Attributes of one instance.
const ATTRIBUTES: usize = 500;
/// Characters of a name.
const NAME: usize = 100;

impl<'g> Anatomy<'g> {
    /// Takes an object apart.
    ///
    /// # Errors
    /// What it is called, if it can only stay inert.
    pub(super) fn of(object: Object<'g>) -> Result<Self, String> {
        let Some(callable) = object.class_name() else { return Err("the call of something made".to_owned()) };
        let label = || inert::label(object, callable);
        let args: Vec<Value<'g>> = object.args().items().map_err(|_| label())?.iter().collect();
        let mut found = Anatomy {
            class: callable,
            made: object.made(),
            args,
            kwargs: None,
            state: State::None,
            items: Vec::new(),
            pairs: Vec::new(),
        };
        if inert::is_reconstructor(callable) {
            found.reconstruct().ok_or_else(label)?;
        }
        let is_named = is_plain(found.class.module()) && is_plain(found.class.name());
        if inert::stays(found.class, found.made) || !is_named || found.args.len() > ARGS {
            return Err(label());
        }
        if let Some(kwargs) = object.kwargs() {
            let kwargs = kwargs.pairs().ok().filter(|kwargs| are_attributes(*kwargs)).ok_or_else(label)?;
            found.kwargs = Some(kwargs).filter(|kwargs| !kwargs.is_empty());
        }
        found.steps(object).ok_or_else(label)?;
        Ok(found)
    }

    /// `copyreg._reconstructor(class, base, value)`: what protocols 0 and 1 have for `__new__`.
    fn reconstruct(&mut self) -> Option<()> {
        let [class, base, value] = self.args[..] else { return None };
        let (class, base) = (class.as_global().ok()?, base.as_global().ok()?);
        self.class = class;
        self.made = Made::New;
        self.args.clear();
        match (base.name(), value.node()) {
            ("object", _) => {}
            ("list", Node::List(items)) => self.items.extend(items),
            ("dict", Node::Dict(pairs)) => self.pairs.extend(pairs),
            _ => self.args.push(value),
        }
        Some(())
    }

    /// What is done to it, if it is done in the order in which Rust types write it.
    fn steps(&mut self, object: Object<'g>) -> Option<()> {
        // Items of the first argument would be taken for its own.
        let is_filled = self.args.first().is_some_and(|arg| arg.items().is_ok() || arg.pairs().is_ok());
        let mut is_built = false;
        for step in object.steps() {
            match step.kind() {
                StepKind::Append if !is_filled && !is_built => self.items.extend(step.items()),
                StepKind::SetItems if !is_filled && !is_built => self.pairs.extend(step.pairs()),
                StepKind::Build if !is_built => {
                    is_built = true;
                    self.state = State::of(step.items().get(0)?)?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// Its only argument, if that is all there is to it.
    pub(super) fn alone(&self) -> Option<Value<'g>> {
        let is_bare = self.items.is_empty() && self.pairs.is_empty() && matches!(self.state, State::None);
        match self.args[..] {
            [arg] if is_bare && self.made == Made::Call => Some(arg),
            _ => None,
        }
    }
}

impl<'g> State<'g> {
    fn of(state: Value<'g>) -> Option<Self> {
        let attributes = |part: Value<'g>| match part.node() {
            Node::None => Some(None),
            Node::Dict(pairs) if are_attributes(pairs) => Some(Some(pairs)),
            _ => None,
        };
        Some(match state.node() {
            Node::None => State::None,
            Node::Dict(pairs) if are_attributes(pairs) => State::Attributes([Some(pairs), None]),
            Node::Tuple(items) => match (items.len(), items.get(0).and_then(attributes), items.get(1)) {
                (2, Some(dict), Some(slots)) if matches!(slots.node(), Node::Dict(_)) => {
                    State::Attributes([dict, attributes(slots)?])
                }
                (1..=STATE_ITEMS, ..) => State::Items { items, is_list: false },
                _ => return None,
            },
            Node::List(items) if (1..=STATE_ITEMS).contains(&items.len()) => State::Items { items, is_list: true },
            _ => return None,
        })
    }
}

/// Whether a dict can be the attributes of an instance.
fn are_attributes(pairs: Pairs<'_>) -> bool {
    pairs.len() <= ATTRIBUTES && pairs.iter().all(|(key, _)| key.as_str().is_ok_and(is_plain))
}

/// Whether a name can stand in an attribute of a Rust type and be read there.
fn is_plain(name: &str) -> bool {
    let is_plain = |char: char| !char.is_control() && char != ':';
    !name.is_empty() && name.len() <= NAME && name.chars().all(is_plain)
}
