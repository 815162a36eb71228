//! Which globals a pickle may name, and what may be done with them: data, for scanning and for loading.
//!
//! A name is on the list, exactly, or it is code that nobody has looked at. Rules that say what is dangerous only add the
//! reason. Knows neither pickles nor files of them. Next: `rules`, the lines that a policy is written in, `builtin.rules` and
//! its neighbours, ours; `judge`, what follows from them for what a pickle does.

pub(crate) mod judge;
mod rules;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind, Result};

/// What may be named, and what may be done with it.
///
/// ```
/// use oiji::policy::{Policy, Standing};
/// let policy = Policy::builtin();
/// assert!(matches!(policy.standing("collections", "OrderedDict"), Standing::Allowed(_)));
/// assert!(matches!(policy.standing("os", "system"), Standing::Dangerous(_)));
/// assert!(matches!(policy.standing("shapes", "Point"), Standing::Unknown));
///
/// let ours = policy.clone().with("allow shapes: Point = new state")?;
/// assert!(matches!(ours.standing("shapes", "Point"), Standing::Allowed(_)));
/// # Ok::<(), oiji::Error>(())
/// ```
///
/// A clone is cheap: rules are shared until some are put over them.
#[derive(Clone, Default)]
pub struct Policy(Arc<Tables>);

#[derive(Clone, Default)]
struct Tables {
    allowed: HashMap<String, HashMap<String, Rule>>,
    /// Reasons by module, and by name within it; `*` for all names.
    dangers: HashMap<String, HashMap<String, String>>,
    /// The same for packages with all that is in them.
    packages: HashMap<String, String>,
}

/// What a policy says of a global.
///
/// ```
/// use oiji::policy::{Policy, Standing};
/// let Standing::Dangerous(reason) = Policy::builtin().standing("subprocess", "Popen") else { unreachable!() };
/// assert_eq!(reason, "runs programs");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing<'p> {
    /// It may be named, and used as the rule says.
    Allowed(Rule),
    /// It is known to do harm, and why.
    Dangerous(&'p str),
    /// Nobody has looked at it.
    Unknown,
}

/// What may be done with a global that may be named.
///
/// ```
/// use oiji::policy::{Policy, Rule, Standing};
/// let Standing::Allowed(rule) = Policy::builtin().standing("datetime", "date") else { unreachable!() };
/// assert!(rule.call && !rule.items);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Rule {
    /// Called, with arguments as `arguments` says.
    pub call: bool,
    /// Made by `__new__`, as `NEWOBJ` does.
    pub new: bool,
    /// Instances take a state.
    pub state: bool,
    /// Instances take items, as lists, dicts and sets do.
    pub items: bool,
    /// What it may be called with.
    pub arguments: Arguments,
}

/// Something that is done with a global, or with what it gives, and that a rule has a word for.
///
/// ```
/// use oiji::policy::{Policy, Use};
/// assert_eq!(Policy::builtin().line("shapes", "Point", Use::State), "allow shapes: Point = state");
/// assert_eq!(Policy::builtin().line("random", "Random", Use::Items), "allow random: Random = call new state items");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Use {
    /// It is named, as an argument of something else.
    Name,
    /// It is called.
    Call,
    /// An instance is made by `__new__`.
    New,
    /// An instance is given a state.
    State,
    /// An instance is given items.
    Items,
}

impl Rule {
    /// The same rule, with one more use.
    #[must_use]
    pub fn with(mut self, more: Use) -> Rule {
        match more {
            Use::Name => {}
            Use::Call => (self.call, self.arguments) = (true, Arguments::Any),
            Use::New => self.new = true,
            Use::State => self.state = true,
            Use::Items => self.items = true,
        }
        self
    }

    /// Whether all uses of another rule are allowed by this one, whatever the arguments of calls.
    pub fn covers(&self, other: Rule) -> bool {
        (self.call || !other.call)
            && (self.new || !other.new)
            && (self.state || !other.state)
            && (self.items || !other.items)
    }

    /// What either of two rules allows.
    #[must_use]
    pub fn and(mut self, other: Rule) -> Rule {
        if other.call && self.call && self.arguments != other.arguments {
            self.arguments = Arguments::Any;
        } else if other.call {
            self.arguments = other.arguments;
        }
        self.call |= other.call;
        self.new |= other.new;
        self.state |= other.state;
        self.items |= other.items;
        self
    }
}

/// The words of a policy for it.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = match self.arguments {
            Arguments::Any => "call",
            Arguments::Latin1 => "call(latin1)",
            Arguments::Class => "call(class)",
            Arguments::Attribute => "call(attribute)",
            Arguments::Loaded => "call(loaded)",
        };
        let words = [(self.call, call), (self.new, "new"), (self.state, "state"), (self.items, "items")];
        let words: Vec<&str> = words.into_iter().filter_map(|(is_allowed, word)| is_allowed.then_some(word)).collect();
        f.write_str(if words.is_empty() { "name".to_owned() } else { words.join(" ") }.as_str())
    }
}

/// With what a function may be called.
///
/// ```
/// assert_eq!(oiji::policy::Arguments::default(), oiji::policy::Arguments::Any);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Arguments {
    /// Anything that may be named.
    #[default]
    Any,
    /// Text, and `latin1` as the name of its encoding.
    Latin1,
    /// First a class that may be made by `__new__`.
    Class,
    /// A class and the name of something in it, which together are a global that may be named.
    Attribute,
    /// Bytes which are loaded in their turn, and so are scanned.
    Loaded,
}

const OURS: [(&str, &str); 3] = [
    ("builtin.rules", include_str!("builtin.rules")),
    ("sklearn.rules", include_str!("sklearn.rules")),
    ("torch.rules", include_str!("torch.rules")),
];

impl Policy {
    /// A policy that allows nothing.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Ours: data types of the builtins, the standard library, NumPy, pandas, SciPy, scikit-learn, joblib and
    /// PyTorch, and what is known to do harm.
    ///
    /// # Panics
    /// Never: a test reads the rules.
    pub fn builtin() -> &'static Policy {
        static BUILTIN: OnceLock<Policy> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            OURS.iter().try_fold(Policy::new(), |policy, (_, rules)| policy.with(rules)).unwrap_or_default()
        })
    }

    /// The texts that [`Policy::builtin`] is made of, with their names, in the order in which they are put over one another.
    pub fn builtin_rules() -> &'static [(&'static str, &'static str)] {
        &OURS
    }

    /// The same, with the rules of `text` over it: `docs/policies.md` in the repository has the form.
    ///
    /// # Errors
    /// A message with the line that is no rule.
    pub fn with(mut self, text: &str) -> Result<Policy> {
        rules::read(Arc::make_mut(&mut self.0), text)?;
        Ok(self)
    }

    /// The line that would allow one more use of a global, besides those that are allowed already.
    pub fn line(&self, module: &str, name: &str, more: Use) -> String {
        let rule = match self.standing(module, name) {
            Standing::Allowed(rule) => rule,
            _ => Rule::default(),
        };
        format!("allow {module}: {name} = {}", rule.with(more))
    }

    /// Refuses a global that may not be named.
    pub(crate) fn check_name(&self, module: &str, name: &str) -> Result<()> {
        match judge::name(self.standing(module, name)) {
            None => Ok(()),
            Some(objection) => Err(self.refusal(Some((module, name)), &format!("names {module}.{name}"), objection)),
        }
    }

    /// The error for something that is objected to, about a global if it is about one.
    #[cold]
    pub(crate) fn refusal(&self, global: Option<(&str, &str)>, what: &str, objection: judge::Objection<'_>) -> Error {
        let line = global.zip(objection.wanted).map(|((module, name), more)| self.line(module, name, more));
        let global = global.map_or_else(String::new, |(module, name)| format!("{module}.{name}"));
        ErrorKind::Forbidden { global, what: what.to_owned(), why: objection.why.to_owned(), line }.into()
    }

    /// How many globals it allows.
    pub fn count(&self) -> usize {
        self.0.allowed.values().map(HashMap::len).sum()
    }

    /// What it says of a global, by the names under which Python 3 finds it.
    pub fn standing(&self, module: &str, name: &str) -> Standing<'_> {
        if let Some(rule) = self.0.allowed.get(module).and_then(|names| names.get(name)) {
            return Standing::Allowed(*rule);
        }
        if let Some(names) = self.0.dangers.get(module)
            && let Some(reason) = names.get(name).or_else(|| names.get("*"))
        {
            return Standing::Dangerous(reason);
        }
        let ends = module.match_indices('.').map(|(end, _)| end).chain([module.len()]);
        if let Some(reason) = ends.filter_map(|end| self.0.packages.get(&module[..end])).next() {
            return Standing::Dangerous(reason);
        }
        if name.contains('.') {
            return Standing::Dangerous("a name with dots reaches into what a module holds");
        }
        let is_dunder = |part: &str| part.len() > 4 && part.starts_with("__") && part.ends_with("__");
        // Programs, and the classes that TorchScript makes, stand in modules of such names.
        let is_usual = |part: &str| part == "__main__" || part == "__torch__";
        if is_dunder(name) || module.split('.').any(|part| is_dunder(part) && !is_usual(part)) {
            return Standing::Dangerous("a name of Python's own machinery");
        }
        Standing::Unknown
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("allowed", &self.count()).finish_non_exhaustive()
    }
}
