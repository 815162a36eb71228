//! What a Rust type knows of the Python class it stands for: its name, names it once had, the version of its state.

use crate::graph::Global;

/// The Python class that a Rust type stands for.
///
/// ```
/// use oiji::class::{Class, Name};
/// const POINT: Class = Class::new(Name::new("shapes", "Point")).formerly(&[Name::new("geometry", "Pt")]);
/// assert_eq!(POINT.name.to_string(), "shapes.Point");
/// assert!(POINT.is("geometry", "Pt"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its name, under which it is written.
    pub name: Name,
    /// What is called in its place, where it is not the class itself that makes the instance.
    pub callable: Option<Name>,
    /// Names under which it is read too.
    pub formerly: &'static [Name],
    /// The version of its state, where it has one.
    pub version: Option<Version>,
}

/// The name of a class or function: the module, and the maybe dotted name in it.
///
/// ```
/// use oiji::class::Name;
/// let name = Name::new("shapes", "Outer.Inner");
/// assert_eq!((name.module, name.name), ("shapes", "Outer.Inner"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The module: `collections`.
    pub module: &'static str,
    /// The name in the module: `OrderedDict`, `Outer.Inner`.
    pub name: &'static str,
}

/// The version of a class's state, and the attribute that holds it.
///
/// ```
/// use oiji::class::Version;
/// let version = Version { current: 3, attribute: "_version" };
/// assert_eq!(version.current, 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The version that this program writes.
    pub current: i64,
    /// The attribute, in the state of an instance, that holds the version. A state without it is of version 1.
    pub attribute: &'static str,
}

/// A Rust type that stands for one Python class. The derives implement it where `class` is given.
///
/// ```
/// use oiji::{Unpickle, class::OfClass};
/// #[derive(Unpickle)]
/// #[pickle(class = "shapes.Point")]
/// struct Point {
///     x: f64,
/// }
/// assert_eq!(Point::CLASS.name.to_string(), "shapes.Point");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` stands for no Python class",
    note = "derive it with `#[pickle(class = \"module.Name\")]`"
)]
pub trait OfClass {
    /// The class.
    const CLASS: Class;
}

impl Class {
    /// The class of that name, with nothing else said.
    pub const fn new(name: Name) -> Self {
        Class { name, callable: None, formerly: &[], version: None }
    }

    /// The same class, made by a call of `callable`.
    #[must_use]
    pub const fn called(self, callable: Name) -> Self {
        Class { callable: Some(callable), ..self }
    }

    /// The same class with names under which it is read too.
    #[must_use]
    pub const fn formerly(self, formerly: &'static [Name]) -> Self {
        Class { formerly, ..self }
    }

    /// The same class with a version of its state.
    #[must_use]
    pub const fn version(self, version: Version) -> Self {
        Class { version: Some(version), ..self }
    }

    /// Whether an instance of `module.name` is one of this class: by its name now, one it had, or what is called for it.
    pub fn is(&self, module: &str, name: &str) -> bool {
        let names = [Some(self.name), self.callable];
        names.into_iter().flatten().chain(self.formerly.iter().copied()).any(|own| own.is(module, name))
    }

    pub(crate) fn is_global(&self, global: Global<'_>) -> bool {
        self.is(global.module(), global.name())
    }
}

impl Name {
    /// The name `name` in `module`.
    pub const fn new(module: &'static str, name: &'static str) -> Self {
        Name { module, name }
    }

    /// Whether it is exactly this one.
    pub fn is(&self, module: &str, name: &str) -> bool {
        self.module == module && self.name == name
    }
}

impl std::fmt::Display for Name {
    /// `module.name`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}
