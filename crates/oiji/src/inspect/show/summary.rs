//! What the items of a container have in common: `10,000 dicts with the same 6 keys`, `5 ints from 0 to 9`.

use crate::array::Array;
use crate::graph::{Global, Items, Node, Pairs, Value};
use crate::inspect::paint::Role;
use crate::inspect::show::known;
use crate::inspect::show::line::{Line, grouped, size};
use crate::inspect::show::outline::Reading;
use crate::op::number::format_float;

/// How many items, and of what.
pub(crate) fn items(items: Items<'_>) -> Line {
    counted(items.len(), Common::of(items.iter()))
}

/// How many pairs, and of what kind their values are.
pub(crate) fn values(pairs: Pairs<'_>) -> Line {
    counted(pairs.len(), Common::of(pairs.iter().map(|(_, value)| value)))
}

fn counted(count: usize, common: Option<Common<'_>>) -> Line {
    let mut line = Line::of(Role::Number, &grouped(count as u64));
    let Some(common) = common else { return line };
    line.push(Role::Text, " ");
    line.append(&common.line(count));
    line
}

/// What several values have in common.
#[derive(Clone, Debug)]
pub(crate) enum Common<'g> {
    None,
    Bools,
    Ints {
        least: i64,
        most: i64,
    },
    BigInts,
    Floats {
        least: f64,
        most: f64,
        others: bool,
    },
    /// The bytes of the longest.
    Strings {
        longest: usize,
    },
    Bytes,
    Py2Strings {
        longest: usize,
    },
    /// All of this length, if they are.
    Tuples(Option<usize>),
    Lists(Option<usize>),
    /// All with as many keys as this one, and the same.
    Dicts(Option<Pairs<'g>>),
    Sets,
    /// With all their elements and bytes.
    Arrays {
        tensors: bool,
        elements: u64,
        bytes: u64,
    },
    /// Of NumPy.
    Scalars,
    Objects(Global<'g>),
}

impl<'g> Common<'g> {
    /// Nothing if they differ in type. Looks at every value once, and at every key of dicts.
    pub(crate) fn of(mut values: impl Iterator<Item = Value<'g>>) -> Option<Self> {
        let mut common = Common::one(values.next()?)?;
        for value in values {
            common = common.with(value)?;
        }
        Some(common)
    }

    fn one(value: Value<'g>) -> Option<Self> {
        Some(match value.node() {
            Node::None => Common::None,
            Node::Bool(_) => Common::Bools,
            Node::Int(int) => Common::Ints { least: int, most: int },
            Node::BigInt(_) => Common::BigInts,
            Node::Float(float) if float.is_finite() => Common::Floats { least: float, most: float, others: false },
            Node::Float(_) => Common::Floats { least: f64::INFINITY, most: f64::NEG_INFINITY, others: true },
            Node::Str(text) => Common::Strings { longest: text.as_bytes().len() },
            Node::Bytes(_) => Common::Bytes,
            Node::Py2Str(bytes) => Common::Py2Strings { longest: bytes.len() },
            Node::Tuple(items) => Common::Tuples(Some(items.len())),
            Node::List(items) => Common::Lists(Some(items.len())),
            Node::Dict(pairs) => Common::Dicts(Some(pairs)),
            Node::Set(_) | Node::FrozenSet(_) => Common::Sets,
            Node::Object(object) => match Array::of(value) {
                Some(array) => {
                    Common::Arrays { tensors: array.is_tensor(), elements: array.count(), bytes: array.size() }
                }
                None => match Reading::class_of(object)? {
                    class if class.name() == "scalar" && known::one_line(value).is_some() => Common::Scalars,
                    class => Common::Objects(class),
                },
            },
            _ => return None,
        })
    }

    /// What is left in common with one more value.
    fn with(self, value: Value<'g>) -> Option<Self> {
        Some(match (self, Common::one(value)?) {
            (Common::Ints { least, most }, Common::Ints { least: int, .. }) => {
                Common::Ints { least: least.min(int), most: most.max(int) }
            }
            (Common::Ints { .. } | Common::BigInts, Common::Ints { .. } | Common::BigInts) => Common::BigInts,
            (
                Common::Floats { least, most, others },
                Common::Floats { least: other_least, most: other_most, others: more },
            ) => Common::Floats { least: least.min(other_least), most: most.max(other_most), others: others || more },
            (Common::Strings { longest }, Common::Strings { longest: other }) => {
                Common::Strings { longest: longest.max(other) }
            }
            (Common::Py2Strings { longest }, Common::Py2Strings { longest: other }) => {
                Common::Py2Strings { longest: longest.max(other) }
            }
            (Common::Tuples(len), Common::Tuples(other)) => Common::Tuples(len.filter(|_| len == other)),
            (Common::Lists(len), Common::Lists(other)) => Common::Lists(len.filter(|_| len == other)),
            (Common::Dicts(pairs), Common::Dicts(other)) => {
                Common::Dicts(pairs.filter(|pairs| other.is_some_and(|other| same_keys(*pairs, other))))
            }
            (Common::Objects(class), Common::Objects(other)) if class == other => Common::Objects(class),
            (
                Common::Arrays { tensors, elements, bytes },
                Common::Arrays { tensors: other, elements: more_elements, bytes: more_bytes },
            ) if tensors == other => Common::Arrays {
                tensors,
                elements: elements.saturating_add(more_elements),
                bytes: bytes.saturating_add(more_bytes),
            },
            (one @ (Common::None | Common::Bools | Common::BigInts), other)
            | (one @ (Common::Bytes | Common::Sets | Common::Scalars), other)
                if std::mem::discriminant(&one) == std::mem::discriminant(&other) =>
            {
                one
            }
            _ => return None,
        })
    }

    /// Whether they are numbers or the like, which read well one after another.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Common::None | Common::Bools | Common::Ints { .. } | Common::Floats { .. })
    }

    /// Whether they are short strings, which read well one after another.
    pub(crate) fn is_word(&self) -> bool {
        const LONGEST: usize = 32;
        match self {
            Common::Strings { longest } | Common::Py2Strings { longest } => *longest <= LONGEST,
            _ => false,
        }
    }

    /// Whether they are so much alike that a few stand for all.
    pub(crate) fn is_alike(&self) -> bool {
        matches!(self, Common::Tuples(Some(_)) | Common::Lists(Some(_)) | Common::Dicts(Some(_)) | Common::Objects(_))
    }

    fn line(&self, count: usize) -> Line {
        /// Fewer numbers speak for themselves.
        const RANGED: usize = 10;
        const FEW: usize = 3;
        let plural = |one: &str, more: &str| if count == 1 { one.to_owned() } else { more.to_owned() };
        let of = |one: &str, more: &str, len: &Option<usize>| match len {
            Some(len) => format!("{} of {}", plural(one, more), grouped(*len as u64)),
            None => plural(one, more),
        };
        let text = match self {
            Common::None => "None".to_owned(),
            Common::Bools => plural("bool", "bools"),
            Common::Ints { least, most } if count > RANGED => {
                format!("ints from {} to {}", with_commas(*least), with_commas(*most))
            }
            Common::Ints { .. } | Common::BigInts => plural("int", "ints"),
            Common::Floats { least, most, others: false } if count > RANGED => {
                format!("floats from {} to {}", format_float(*least), format_float(*most))
            }
            Common::Floats { .. } => plural("float", "floats"),
            Common::Strings { .. } => plural("str", "str"),
            Common::Bytes => "bytes".to_owned(),
            Common::Py2Strings { .. } => plural("Python 2 str", "Python 2 str"),
            Common::Tuples(len) => of("tuple", "tuples", len),
            Common::Lists(len) => of("list", "lists", len),
            Common::Dicts(Some(pairs)) if count > 1 && pairs.len() == 1 => "dicts with the same key".to_owned(),
            Common::Dicts(Some(pairs)) if count > 1 => {
                format!("dicts with the same {} keys", grouped(pairs.len() as u64))
            }
            Common::Dicts(_) => plural("dict", "dicts"),
            Common::Sets => plural("set", "sets"),
            Common::Arrays { tensors, elements, bytes } => {
                let name = if *tensors { plural("tensor", "tensors") } else { plural("array", "arrays") };
                let mut line = Line::of(Role::Type, &name);
                if count > FEW {
                    let elements = grouped(*elements);
                    line.push(Role::Dim, &format!(", {elements} elements, {}", size(*bytes)));
                }
                return line;
            }
            Common::Scalars => plural("NumPy scalar", "NumPy scalars"),
            Common::Objects(class) => return Line::of(Role::Global, &class.to_string()),
        };
        Line::of(Role::Type, &text)
    }
}

fn with_commas(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// Whether two dicts have the same str keys in the same order.
fn same_keys(one: Pairs<'_>, other: Pairs<'_>) -> bool {
    let same = |(one, other): ((Value<'_>, Value<'_>), (Value<'_>, Value<'_>))| match (one.0.node(), other.0.node()) {
        (Node::Str(one), Node::Str(other)) => one == other,
        (Node::Py2Str(one), Node::Py2Str(other)) => one == other,
        _ => false,
    };
    one.len() == other.len() && one.iter().zip(other.iter()).all(same)
}
