//! What globals are called from now on, and patterns of their names.

use rustc_hash::FxHashMap;

use crate::global::{to_python2, to_python3};

/// New names by old ones: single globals with what is inside them, modules, and all modules below one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    globals: FxHashMap<String, FxHashMap<String, (String, String)>>,
    modules: FxHashMap<String, String>,
    /// Beginnings of modules with the dot, and what takes their place; the longest first.
    prefixes: Vec<(String, String)>,
    /// Whether names of Python 2 become those of Python 3, in every protocol.
    pub(super) to_python3: bool,
}

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        self.globals.is_empty() && self.modules.is_empty() && self.prefixes.is_empty() && !self.to_python3
    }

    pub(super) fn add_global(&mut self, from: (String, String), to: (String, String)) {
        self.globals.entry(from.0).or_default().insert(from.1, to);
    }

    /// `a.b`, or `a.b.*` for all that is below.
    pub(super) fn add_module(&mut self, from: &str, to: &str) {
        match (from.strip_suffix('*'), to.strip_suffix('*')) {
            (Some(from), Some(to)) => {
                self.prefixes.push((from.to_owned(), to.to_owned()));
                self.prefixes.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
            }
            _ => drop(self.modules.insert(from.to_owned(), to.to_owned())),
        }
    }

    /// The new names of a global, if they differ from the old ones. In protocols up to 2 names may be those of Python 2, and
    /// are again afterwards.
    pub(super) fn rename(&self, module: &str, name: &str, protocol: u8) -> Option<(String, String)> {
        let found = self.find(module, name).or_else(|| {
            let (module3, name3) = to_python3(module, name);
            if protocol > 2 || (module3, name3) == (module, name) {
                return None;
            }
            let (module, name) = self.find(module3, name3)?;
            let (module, name) = to_python2(&module, &name);
            Some((module.to_owned(), name.to_owned()))
        });
        let found = found.or_else(|| {
            let (module, name) = to_python3(module, name);
            self.to_python3.then(|| (module.to_owned(), name.to_owned()))
        });
        found.filter(|(new_module, new_name)| (new_module.as_str(), new_name.as_str()) != (module, name))
    }

    fn find(&self, module: &str, name: &str) -> Option<(String, String)> {
        if let Some(names) = self.globals.get(module) {
            if let Some((module, name)) = names.get(name) {
                return Some((module.clone(), name.clone()));
            }
            // What is inside a class goes where the class goes.
            let mut outer = name;
            while let Some((shorter, _)) = outer.rsplit_once('.') {
                outer = shorter;
                if let Some((module, to)) = names.get(outer) {
                    return Some((module.clone(), format!("{to}{}", &name[outer.len()..])));
                }
            }
        }
        if let Some(to) = self.modules.get(module) {
            return Some((to.clone(), name.to_owned()));
        }
        let (from, to) = self.prefixes.iter().find(|(from, _)| module.starts_with(from.as_str()))?;
        Some((format!("{to}{}", &module[from.len()..]), name.to_owned()))
    }
}

/// Names of classes: `shop.models:Cart`, `sklearn.*`, `*:Tree`. A star stands for any text.
///
/// ```
/// use oiji::rewrite::Pattern;
/// assert!(Pattern::new("sklearn.*").matches("sklearn.svm._classes", "SVC"));
/// assert!(Pattern::new("*:SVC").matches("sklearn.svm._classes", "SVC"));
/// assert!(!Pattern::new("sklearn:SVC").matches("sklearn.svm._classes", "SVC"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    module: Option<String>,
    /// Without a module: module and name with a dot between.
    name: String,
}

impl Pattern {
    /// A pattern with a colon between module and name, or of both with a dot between.
    pub fn new(text: &str) -> Pattern {
        match text.split_once(':') {
            Some((module, name)) => Pattern { module: Some(module.to_owned()), name: name.to_owned() },
            None => Pattern { module: None, name: text.to_owned() },
        }
    }

    /// Whether it fits a global.
    pub fn matches(&self, module: &str, name: &str) -> bool {
        match &self.module {
            Some(pattern) => fits(pattern, module) && fits(&self.name, name),
            None if !self.name.contains('*') => {
                let rest = self.name.strip_prefix(module).and_then(|rest| rest.strip_prefix('.'));
                rest == Some(name)
            }
            None => fits(&self.name, &format!("{module}.{name}")),
        }
    }

    /// Module and name, where both are told without a star.
    pub(crate) fn exact(&self) -> Option<(&str, &str)> {
        let module = self.module.as_deref()?;
        (!module.contains('*') && !self.name.contains('*')).then_some((module, &self.name))
    }
}

/// Whether a pattern with stars fits a text: the parts between the stars stand in it one after another.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(fits("a*c*", "abcd"));
        assert!(fits("*.b", "a.b"));
        assert!(fits("*", ""));
        assert!(!fits("a*b*c", "acb"));
        assert!(Pattern::new("a.b.C").matches("a.b", "C"));
        assert!(Pattern::new("a.b.C").matches("a", "b.C"));
        assert!(Pattern::new("a.*:C").matches("a.b", "C"));
        assert!(!Pattern::new("a.*:C").matches("a.b", "D"));
    }

    #[test]
    fn the_closest_name_counts() {
        let mut names = Names::default();
        names.add_module("a.*", "z.*");
        names.add_module("a.b.*", "y.*");
        names.add_module("a.b.c", "x");
        names.add_global(("a.b.c".into(), "D".into()), ("w".into(), "E".into()));
        let rename = |module, name| names.rename(module, name, 4).map(|(module, name)| format!("{module}:{name}"));
        assert_eq!(rename("a.b.c", "D").as_deref(), Some("w:E"));
        assert_eq!(rename("a.b.c", "D.Inner").as_deref(), Some("w:E.Inner"));
        assert_eq!(rename("a.b.c", "F").as_deref(), Some("x:F"));
        assert_eq!(rename("a.b.d", "F").as_deref(), Some("y.d:F"));
        assert_eq!(rename("a.e", "F").as_deref(), Some("z.e:F"));
        assert_eq!(rename("a", "F"), None);
    }
}
