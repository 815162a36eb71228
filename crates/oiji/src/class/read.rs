//! Instances of classes taken apart: arguments, attributes, slots, items, whatever way Python made them.

use crate::class::containers;
use crate::class::name::{Class, Version};
use crate::class::rest::Attributes;
use crate::class::state::{Migration, State};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::class::unpickler::field;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Items, Node, Object, Pairs, StepKind, Value};

/// An instance of a class, taken apart. What the derives write reads through it; by hand it looks so:
///
/// ```
/// use oiji::{Result, Unpickle, Value, class::{Class, Name, Unpickling}};
/// #[derive(Debug, PartialEq)]
/// struct Point {
///     x: f64,
///     tag: Option<String>,
/// }
/// impl Unpickle for Point {
///     fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
///         const CLASS: Class = Class::new(Name::new("shapes", "Point"));
///         let object = from.object(value, &CLASS)?;
///         Ok(Point { x: object.required(from, &["x"])?, tag: object.required(from, &["tag", "label"])? })
///     }
/// }
/// let bytes = b"\x80\x02cshapes\nPoint\n)\x81}U\x01xG?\xf0\0\0\0\0\0\0sb.";
/// assert_eq!(Point::loads(bytes)?, Point { x: 1.0, tag: None });
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct ObjectReader<'g> {
    /// Nothing for a dict, or for an instance of whatever class.
    class: Option<&'static Class>,
    version_of: Option<Version>,
    value: Value<'g>,
    args: Vec<Value<'g>>,
    kwargs: Option<Pairs<'g>>,
    state: Option<Value<'g>>,
    attributes: Stored<'g>,
    version: Option<i64>,
}

/// Where attributes are.
enum Stored<'g> {
    /// A dict, a dict of slots.
    Dicts([Option<Pairs<'g>>; 2]),
    /// What migrations made of them.
    Migrated(State<'g>),
}

impl<'g> ObjectReader<'g> {
    pub(crate) fn new(value: Value<'g>, class: &'static Class) -> Result<Self> {
        let Some((object, args)) = instance(value, class) else {
            return Err(wrong_class(value, &class.name.to_string()));
        };
        let mut reader = ObjectReader {
            class: Some(class),
            version_of: class.version,
            value,
            args,
            kwargs: object.kwargs().and_then(|kwargs| kwargs.pairs().ok()),
            state: object.state(),
            attributes: Stored::Dicts(dicts(object.state())),
            version: None,
        };
        reader.find_version()?;
        Ok(reader)
    }

    /// A dict, or the attributes of an instance of whatever class.
    pub(crate) fn record(value: Value<'g>, version: Option<Version>) -> Result<Self> {
        let (state, kwargs) = match value.node() {
            Node::Dict(_) => (Some(value), None),
            Node::Object(object) => (object.state(), object.kwargs().and_then(|kwargs| kwargs.pairs().ok())),
            _ => return Err(wrong_type(value, "dict")),
        };
        let attributes = Stored::Dicts(dicts(state));
        let mut reader = ObjectReader {
            class: None,
            version_of: version,
            value,
            args: Vec::new(),
            kwargs,
            state,
            attributes,
            version: None,
        };
        reader.find_version()?;
        Ok(reader)
    }

    fn find_version(&mut self) -> Result<()> {
        if let Some(version) = self.version_of {
            // A state without a version is from before there were versions.
            self.version = Some(match self.attribute_value(&[version.attribute]) {
                Some(value) => value.as_i64().map_err(|error| error.at_value(value.id().index()))?,
                None => 1,
            });
        }
        Ok(())
    }

    /// Takes the items of a tuple that is the only argument for arguments, as protocols 0 and 1 have it of named tuples.
    #[must_use]
    pub fn namedtuple(mut self) -> Self {
        let reconstructed = self.value.as_object().is_ok_and(is_reconstructor);
        if let ([only], true) = (&self.args[..], reconstructed)
            && let Ok(items) = only.items()
        {
            self.args = items.iter().collect();
        }
        self
    }

    /// Brings a state of an older version to the present one: `steps` are versions, in order, and what leads from each to
    /// the next.
    ///
    /// # Errors
    /// `UnknownVersion` for a version that is newer than the class's own, or older than the first step; what steps say.
    pub fn migrate(self, from: &mut Unpickling<'_>, steps: &[(i64, Migration)]) -> Result<Self> {
        let (Some(version), Some(found)) = (self.version_of, self.version) else { return Ok(self) };
        let newest = version.current;
        if found == newest {
            return Ok(self);
        }
        let oldest = steps.first().map_or(newest, |(oldest, _)| *oldest);
        if found > newest || found < oldest {
            let class = self.name();
            return Err(field(ErrorKind::UnknownVersion { class, version: found, oldest, newest }, self.value));
        }
        let mut state = State::new(self.pairs(), self.kwargs);
        for (at, step) in steps.iter().filter(|(at, _)| *at >= found) {
            step(&mut state).map_err(|error| error.inside(&format_args!(" migrated from version {at}")))?;
        }
        for graph in state.graphs() {
            from.keep(graph);
        }
        Ok(ObjectReader { attributes: Stored::Migrated(state), ..self })
    }

    /// Attributes in order, those in slots last.
    fn pairs(&self) -> impl Iterator<Item = (Value<'g>, Value<'g>)> + use<'g> {
        let dicts = match &self.attributes {
            Stored::Dicts(dicts) => *dicts,
            Stored::Migrated(_) => [None, None],
        };
        dicts.into_iter().flatten().flatten()
    }

    /// What it is called in messages.
    fn name(&self) -> String {
        self.class.map_or_else(|| self.value.type_name().to_owned(), |class| class.name.to_string())
    }

    /// The value of the attribute that has one of these names; keyword arguments count too.
    pub fn attribute_value(&self, names: &[&str]) -> Option<Value<'_>> {
        names.iter().find_map(|name| match &self.attributes {
            Stored::Dicts([dict, slots]) => {
                [*slots, *dict, self.kwargs].into_iter().flatten().find_map(|pairs| pairs.get(name))
            }
            Stored::Migrated(state) => state.value(name),
        })
    }

    /// The attribute that has one of these names, if there is one. The first name is that of today.
    ///
    /// # Errors
    /// As for [`Unpickling::value`]. So it is for all of these methods.
    pub fn attribute<T: Unpickle>(&self, from: &mut Unpickling<'_>, names: &[&'static str]) -> Result<Option<T>> {
        match self.attribute_value(names) {
            Some(value) => from.value_at(value, &format_args!(".{}", names[0])).map(Some),
            None => Ok(None),
        }
    }

    /// The attribute that has one of these names.
    ///
    /// # Errors
    /// `MissingField` if there is none, but for types that can do without: [`Unpickle::absent`].
    pub fn required<T: Unpickle>(&self, from: &mut Unpickling<'_>, names: &[&'static str]) -> Result<T> {
        self.field(from, self.attribute_value(names), names[0])
    }

    /// Reads the value that was found for a field.
    ///
    /// # Errors
    /// `MissingField` if none was, but for types that can do without: [`Unpickle::absent`].
    pub fn field<T: Unpickle>(&self, from: &mut Unpickling<'_>, found: Option<Value<'_>>, name: &str) -> Result<T> {
        match found {
            Some(value) => from.value_at(value, &format_args!(".{name}")),
            None => T::absent().ok_or_else(|| self.missing(name)),
        }
    }

    /// The positional argument at `index`, if there are so many. `name` is for messages.
    pub fn arg<T: Unpickle>(&self, from: &mut Unpickling<'_>, index: usize, name: &str) -> Result<Option<T>> {
        match self.arg_value(index) {
            Some(value) => from.value_at(value, &format_args!(".{name}")).map(Some),
            None => Ok(None),
        }
    }

    /// The item at `index` of a state that is a tuple or list, if there are so many. `name` is for messages.
    pub fn state_item<T: Unpickle>(&self, from: &mut Unpickling<'_>, index: usize, name: &str) -> Result<Option<T>> {
        match self.state_value(index)? {
            Some(value) => from.value_at(value, &format_args!(".{name}")).map(Some),
            None => Ok(None),
        }
    }

    fn state_items(&self) -> Result<Option<Items<'g>>> {
        match self.state {
            None => Ok(None),
            Some(state) => match state.node() {
                Node::Tuple(items) | Node::List(items) => Ok(Some(items)),
                Node::None => Ok(None),
                _ => Err(wrong_type(state, "a state that is a tuple or list")),
            },
        }
    }

    /// Refuses a state that is a tuple or list of more than `len` items.
    ///
    /// # Errors
    /// `UnknownField`, named by its index.
    pub fn state_len(&self, len: usize) -> Result<()> {
        match self.state_items()? {
            Some(items) if items.len() > len => Err(self.unknown(format!("[{len}] in its state"))),
            _ => Ok(()),
        }
    }

    /// The whole state: what `__setstate__` is given. Without a state it is `None`.
    pub fn state<T: Unpickle>(&self, from: &mut Unpickling<'_>) -> Result<T> {
        match self.state {
            Some(state) => from.value(state),
            None => from.value(Graph::new().root()),
        }
    }

    /// The value of the positional argument at `index`.
    pub fn arg_value(&self, index: usize) -> Option<Value<'g>> {
        self.args.get(index).copied()
    }

    /// The value at `index` of a state that is a tuple or list, if there are so many.
    ///
    /// # Errors
    /// `WrongType` for a state of another kind.
    pub fn state_value(&self, index: usize) -> Result<Option<Value<'g>>> {
        Ok(self.state_items()?.and_then(|items| items.get(index)))
    }

    /// Items appended to it, as to a subclass of list.
    pub fn item_values(&self) -> Vec<Value<'g>> {
        self.value.as_object().map(containers::object_items).unwrap_or_default()
    }

    /// Items set in it, as in a subclass of dict.
    pub fn dict_item_values(&self) -> Vec<(Value<'g>, Value<'g>)> {
        self.value.as_object().map(containers::object_pairs).unwrap_or_default()
    }

    /// Refuses attributes with other names than these, and than that of the version.
    ///
    /// # Errors
    /// `UnknownField` for the first of them.
    pub fn deny_unknown(&self, known: &[&str]) -> Result<()> {
        match self.unknown_pairs(known).into_iter().next() {
            Some((name, _)) => Err(self.unknown(name)),
            None => Ok(()),
        }
    }

    /// Keeps attributes with other names than these.
    ///
    /// # Errors
    /// `Limit` when there are more values than a graph holds.
    pub fn rest(&self, known: &[&str]) -> Result<Attributes> {
        Attributes::new(self.unknown_pairs(known).into_iter())
    }

    fn unknown_pairs(&self, known: &[&str]) -> Vec<(String, Value<'_>)> {
        let version = self.version_of.map(|version| version.attribute);
        let is_known = |name: &str| known.contains(&name) || version == Some(name);
        let name = |key: Value<'_>| key.as_str().map_or_else(|_| key.to_string(), str::to_owned);
        let all: Vec<(String, Value<'_>)> = match &self.attributes {
            Stored::Dicts(_) => self.pairs().map(|(key, value)| (name(key), value)).collect(),
            Stored::Migrated(state) => state.iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        all.into_iter().filter(|(name, _)| !is_known(name)).collect()
    }

    /// The error for a field that is not there.
    #[cold]
    pub fn missing(&self, name: &str) -> Error {
        let class = self.name();
        field(ErrorKind::MissingField { class, field: name.to_owned(), version: self.version }, self.value)
    }

    #[cold]
    fn unknown(&self, name: String) -> Error {
        let class = self.name();
        field(ErrorKind::UnknownField { class, field: name, version: self.version }, self.value)
    }
}

/// The dicts of attributes and of slots in a state.
fn dicts(state: Option<Value<'_>>) -> [Option<Pairs<'_>>; 2] {
    match state.map(Value::node) {
        Some(Node::Dict(dict)) => [Some(dict), None],
        Some(Node::Tuple(parts)) if parts.len() == 2 => {
            let parts: Vec<Node<'_>> = parts.iter().map(Value::node).collect();
            match parts[..] {
                [Node::Dict(dict), Node::Dict(slots)] => [Some(dict), Some(slots)],
                [Node::None, Node::Dict(slots)] => [None, Some(slots)],
                _ => [None, None],
            }
        }
        _ => [None, None],
    }
}

/// The object that `value` is, with the arguments it is made from, if it is an instance of `class`.
fn instance<'g>(value: Value<'g>, class: &Class) -> Option<(Object<'g>, Vec<Value<'g>>)> {
    let Node::Object(object) = value.node() else { return None };
    let args: Vec<Value<'g>> = object.args().items().map(|args| args.iter().collect()).unwrap_or_default();
    let callable = object.class_name()?;
    if class.is_global(callable) {
        return Some((object, args));
    }
    // `copyreg._reconstructor(class, base, state)` makes an instance as `base.__new__(class, state)` does.
    if !is_reconstructor(object) {
        return None;
    }
    let (owner, base) = (args.first()?.as_global().ok()?, args.get(1)?.as_global().ok()?);
    if !class.is_global(owner) {
        return None;
    }
    let plain = matches!(base.module(), "builtins" | "__builtin__") && base.name() == "object";
    Some((object, if plain { Vec::new() } else { args.get(2).copied().into_iter().collect() }))
}

/// Whether an object is made by `copyreg._reconstructor`, as protocols 0 and 1 have it.
pub(crate) fn is_reconstructor(object: Object<'_>) -> bool {
    let name = object.class_name();
    name.is_some_and(|name| matches!(name.module(), "copyreg" | "copy_reg") && name.name() == "_reconstructor")
}

/// The class of an instance, whatever way it is made.
pub(crate) fn class_of(value: Value<'_>) -> Option<crate::graph::Global<'_>> {
    let Node::Object(object) = value.node() else { return None };
    if is_reconstructor(object) {
        return object.args().items().ok()?.get(0)?.as_global().ok();
    }
    object.class_name()
}

/// Whether `value` is an instance of `class`.
pub fn is_instance(value: Value<'_>, class: &Class) -> bool {
    instance(value, class).is_some()
}

/// The error for a value that is no instance of a class of that name.
#[cold]
pub fn wrong_class(value: Value<'_>, expected: &str) -> Error {
    let found = match class_of(value) {
        Some(global) => format!("one of {global}"),
        None => value.type_name().to_owned(),
    };
    field(ErrorKind::WrongClass { expected: expected.to_owned(), found }, value)
}

/// The error for a value of the wrong type.
#[cold]
pub(crate) fn wrong_type(value: Value<'_>, expected: &'static str) -> Error {
    field(ErrorKind::WrongType { expected, found: value.type_name() }, value)
}

/// The steps of one kind.
pub(crate) fn runs<'g>(object: Object<'g>, kind: StepKind) -> impl Iterator<Item = crate::graph::StepRef<'g>> {
    object.steps().filter(move |step| step.kind() == kind)
}
