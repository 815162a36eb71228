//! Which globals a pickle may name, and what may be done with them: data, for scanning and for loading.
//!
//! A name is on the list, exactly, or it is code that nobody has looked at. Rules that say what is dangerous only add the
//! reason. Knows neither pickles nor files of them. Next: `rules`, the lines that a policy is written in, and `builtin.rules`
//! and `sklearn.rules`, ours.

mod rules;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::error::Result;

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
#[derive(Clone, Debug, Default)]
pub struct Policy {
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

impl Policy {
    /// A policy that allows nothing.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Ours: data types of the builtins, the standard library, NumPy, pandas, SciPy, scikit-learn, joblib and PyTorch's
    /// tensors, and what is known to do harm.
    ///
    /// # Panics
    /// Never: a test reads the rules.
    pub fn builtin() -> &'static Policy {
        static BUILTIN: OnceLock<Policy> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let rules = [include_str!("builtin.rules"), include_str!("sklearn.rules")];
            rules.iter().try_fold(Policy::new(), |policy, rules| policy.with(rules)).unwrap_or_default()
        })
    }

    /// The same, with the rules of `text` over it: `docs/policies.md` in the repository has the form.
    ///
    /// # Errors
    /// A message with the line that is no rule.
    pub fn with(mut self, text: &str) -> Result<Policy> {
        rules::read(&mut self, text)?;
        Ok(self)
    }

    /// What it says of a global, by the names under which Python 3 finds it.
    pub fn standing(&self, module: &str, name: &str) -> Standing<'_> {
        if let Some(rule) = self.allowed.get(module).and_then(|names| names.get(name)) {
            return Standing::Allowed(*rule);
        }
        if let Some(names) = self.dangers.get(module)
            && let Some(reason) = names.get(name).or_else(|| names.get("*"))
        {
            return Standing::Dangerous(reason);
        }
        let ends = module.match_indices('.').map(|(end, _)| end).chain([module.len()]);
        if let Some(reason) = ends.filter_map(|end| self.packages.get(&module[..end])).next() {
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
