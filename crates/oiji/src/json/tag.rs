//! The names of the tagged form, each in one place.

use crate::graph::StepKind;

/// What an object of JSON stands for, told by the member whose name begins with `$`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tag {
    Ref,
    Int,
    Float,
    Str,
    Bytes,
    ByteArray,
    Py2Str,
    Buffer,
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
    Global,
    Extension,
    Persistent,
    Call,
    New,
    NewEx,
    Instance,
}

const TAGS: [(&str, Tag); 20] = [
    ("$ref", Tag::Ref),
    ("$int", Tag::Int),
    ("$float", Tag::Float),
    ("$str", Tag::Str),
    ("$bytes", Tag::Bytes),
    ("$bytearray", Tag::ByteArray),
    ("$py2str", Tag::Py2Str),
    ("$buffer", Tag::Buffer),
    ("$tuple", Tag::Tuple),
    ("$list", Tag::List),
    ("$dict", Tag::Dict),
    ("$set", Tag::Set),
    ("$frozenset", Tag::FrozenSet),
    ("$global", Tag::Global),
    ("$ext", Tag::Extension),
    ("$persistent", Tag::Persistent),
    ("$call", Tag::Call),
    ("$new", Tag::New),
    ("$new_ex", Tag::NewEx),
    ("$instance", Tag::Instance),
];

impl Tag {
    pub(super) fn name(self) -> &'static str {
        TAGS[self as usize].0
    }

    pub(super) fn of(name: &str) -> Option<Tag> {
        TAGS.iter().find(|(known, _)| *known == name).map(|(_, tag)| *tag)
    }

    /// Whether things can be done to the value after it is made.
    pub(super) fn takes_steps(self) -> bool {
        match self {
            Tag::Buffer | Tag::Global | Tag::Extension | Tag::Persistent => true,
            _ => self.makes_object(),
        }
    }

    pub(super) fn makes_object(self) -> bool {
        matches!(self, Tag::Call | Tag::New | Tag::NewEx | Tag::Instance)
    }
}

/// What can be done to a value after it is made, in the order in which Python does it.
pub(super) const STEPS: [(&str, StepKind); 4] =
    [("append", StepKind::Append), ("set", StepKind::SetItems), ("add", StepKind::Add), ("state", StepKind::Build)];

/// The place of a step in that order.
pub(super) fn order(kind: StepKind) -> usize {
    STEPS.iter().position(|(_, known)| *known == kind).unwrap_or(STEPS.len())
}

pub(super) fn step_name(kind: StepKind) -> &'static str {
    STEPS.get(order(kind)).map_or("", |(name, _)| name)
}

/// The number of a value that is used again.
pub(super) const ID: &str = "$id";

/// What tells the whole document from a value: its value is the version of the form.
pub(super) const PICKLE: &str = "$pickle";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_its_own_name() {
        for (name, tag) in TAGS {
            assert_eq!(tag.name(), name);
            assert_eq!(Tag::of(name), Some(tag));
        }
    }
}
