//! Rules as data: what `parse` makes of their text and `apply` does.

use crate::rewrite::migrate::names::{Names, Pattern};

/// All rules of one file, with the name that a stamp says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rules {
    pub(super) name: String,
    /// In order; those with versions go up.
    pub(super) steps: Vec<Step>,
    /// The protocol to write in, if another than that which was read.
    pub(super) protocol: Option<u8>,
}

impl Rules {
    /// The steps that no stamp says are done.
    pub(super) fn left(&self, stamps: &[(String, u32)]) -> Vec<&Step> {
        let done = stamps.iter().filter(|(name, _)| *name == self.name).map(|(_, version)| *version).max();
        let is_left = |step: &&Step| step.version.is_none_or(|version| done.is_none_or(|done| version > done));
        self.steps.iter().filter(is_left).collect()
    }
}

/// What is done at once: every rule sees the names that were there before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    pub(super) version: Option<u32>,
    pub(super) names: Names,
    pub(super) classes: Vec<ClassRule>,
    pub(super) dicts: Vec<DictRule>,
    pub(super) values: Vec<ValueRule>,
    /// What becomes of Python 2 strings that no other rule is about.
    pub(super) strings: Option<Strings>,
}

impl Step {
    pub(super) fn is_names_only(&self) -> bool {
        self.classes.is_empty() && self.dicts.is_empty() && self.values.is_empty() && self.strings.is_none()
    }

    /// The rules for instances of a class, by what it is called.
    pub(super) fn rules_for<'s>(&'s self, module: &str, name: &str) -> impl Iterator<Item = &'s ClassRule> {
        self.classes.iter().filter(move |rule| rule.is_for(module, name))
    }
}

/// What is done to instances of classes, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ClassRule {
    pub(super) patterns: Vec<Pattern>,
    pub(super) conditions: Vec<Condition>,
    pub(super) actions: Vec<Action>,
}

impl ClassRule {
    /// Whether it is about a class, by what it is called.
    pub(super) fn is_for(&self, module: &str, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(module, name))
    }
}

/// A dict that becomes an instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DictRule {
    pub(super) has: Vec<String>,
    pub(super) path: Option<String>,
    pub(super) to: (String, String),
}

/// A value that is replaced: at a path, or wherever it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ValueRule {
    pub(super) path: Option<String>,
    pub(super) from: Option<Literal>,
    pub(super) to: Literal,
}

/// What must hold of an instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Has(String),
    Lacks(String),
    Equals(String, Literal),
    /// So many arguments.
    Args(usize),
    State(Shape),
    /// A library by name, what is compared, and its version.
    Library(String, Order, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Below,
    AtMost,
    Is,
    AtLeast,
    Above,
}

/// What a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    None,
    Dict,
    Tuple,
    List,
    /// A pair of a dict, or `None`, and a dict of slots.
    Slots,
    Other,
}

/// One thing done to an instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// A tuple or list becomes a dict with these keys.
    SequenceToDict(Vec<String>),
    DictToTuple(Vec<String>),
    DictToList(Vec<String>),
    /// Of a state that is a tuple, the item with this number alone.
    StateItem(usize),
    /// Where there is no state, that of the argument with this number.
    StateOf(usize),
    /// Items of a tuple by number: what they are, and what they become.
    Item(usize, Vec<(Literal, Literal)>),
    SlotsToDict,
    DictToSlots(Vec<String>),
    /// Old name, new name.
    Rename(String, String),
    Drop(String),
    /// Where it is missing.
    Add(String, Literal),
    Set(String, Literal),
    /// New name, old name.
    Copy(String, String),
    /// New name, and the array, list or tuple whose length it gets.
    Length(String, String),
    /// Attributes that go into a dict of this name.
    Nest(String, Vec<String>),
    /// A dict whose items become attributes.
    Flatten(String),
    Strings(String, Strings),
    /// An attribute that is this becomes that.
    Replace(String, Literal, Literal),
    Fields(String, Fields),
    /// Rows of an array are divided by their sums.
    Normalize(String),
    To(String, String),
    Call {
        to: (String, String),
        args: Option<Vec<Argument>>,
    },
    ToDict,
    /// What no rule can do: told to people.
    Decide(String),
}

/// An argument of the new call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    /// The old one with this number.
    Old(usize),
    /// The name of the global that the old one with this number is, or is made by or with; else that itself.
    NameOf(usize),
    /// All old ones from this number on.
    Rest(usize),
    New(Literal),
}

/// What becomes of the fields of an array of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) rename: Vec<(String, String)>,
    pub(super) drop: Vec<String>,
    /// Name and dtype; zeros are put in.
    pub(super) add: Vec<(String, String)>,
    /// Whether fields stand as in a struct of C.
    pub(super) aligned: bool,
}

/// What a Python 2 string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strings {
    /// ASCII is text; of what else could be either, the likelier, and it is reported.
    Auto,
    Text,
    Latin1,
    Bytes,
}

/// A value in rules.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Set(Vec<Literal>),
    Dict(Vec<(String, Literal)>),
    Global(String, String),
}
