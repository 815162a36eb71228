//! A policy over a graph while it is read: nothing is made that the policy does not let a pickle do.
//!
//! Names are asked for by the machine; here is what is done with them. What is said against it comes from `policy::judge`,
//! as for a scan.

use rustc_hash::FxHashSet;

use crate::error::Result;
use crate::graph::arena::{Graph, Id, Kind};
use crate::policy::judge::{self, Objection, Seen, Values};
use crate::policy::{Arguments, Policy, Rule, Standing};

/// The policy, and what it must know that a graph does not say.
pub(crate) struct Guard {
    policy: Policy,
    /// What may be done with the graph's globals, by their number.
    rules: Vec<Option<Rule>>,
    /// Dicts that have had a key of Python's own machinery.
    dunder: FxHashSet<Id>,
}

impl Guard {
    pub(crate) fn new(policy: Policy) -> Self {
        Guard { policy, rules: Vec::new(), dunder: FxHashSet::default() }
    }

    /// Takes note of a global's rule.
    pub(crate) fn named(&mut self, graph: &Graph<'_>, index: u32) {
        for global in graph.globals.iter().take(index as usize + 1).skip(self.rules.len()) {
            self.rules.push(match self.policy.standing(&global.module, &global.name) {
                Standing::Allowed(rule) => Some(rule),
                _ => None,
            });
        }
    }

    /// Takes note of the keys that a dict is given.
    pub(crate) fn keyed(&mut self, graph: &Graph<'_>, dict: Id, pairs: &[Id]) {
        let is_dunder = |key: &Id| {
            let slot = graph.slot(*key);
            matches!(slot.kind, Kind::Str | Kind::Py2Str) && judge::is_dunder(graph.span(slot))
        };
        if pairs.iter().step_by(2).any(is_dunder) {
            self.dunder.insert(dict);
        }
    }

    /// Refuses a call that is not allowed.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn call(&mut self, graph: &Graph<'_>, callable: Id, arguments: &[Id], is_new: bool) -> Result<()> {
        let seen = Judged { graph, guard: self };
        let what = |name: &str| format!("{} {name}", if is_new { "makes" } else { "calls" });
        if let Some(objection) = judge::call(&seen, callable, arguments, is_new) {
            return Err(seen.refusal(callable, what, objection));
        }
        match seen.seen(callable) {
            Seen::Global { standing: Standing::Allowed(Rule { arguments: Arguments::Attribute, .. }), .. } => {
                match judge::attribute(&seen, arguments) {
                    Some((module, name)) => self.policy.check_name(&module, &name),
                    None => Ok(()),
                }
            }
            Seen::Global { standing: Standing::Allowed(Rule { arguments: Arguments::Loaded, .. }), .. } => {
                let why = "it loads bytes in their turn: read those by themselves";
                let objection = Objection { is_danger: false, why, wanted: None };
                Err(seen.refusal(callable, what, objection))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a state that is not allowed.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn state(&self, graph: &Graph<'_>, object: Id, state: Id) -> Result<()> {
        let seen = Judged { graph, guard: self };
        match judge::state(&seen, object, state) {
            None => Ok(()),
            Some(objection) => Err(seen.refusal(object, |name| format!("gives a state to {name}"), objection)),
        }
    }

    /// Refuses items that are not allowed.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn items(&self, graph: &Graph<'_>, target: Id) -> Result<()> {
        let seen = Judged { graph, guard: self };
        match judge::items(&seen, target) {
            None => Ok(()),
            Some(objection) => Err(seen.refusal(target, |name| format!("gives items to {name}"), objection)),
        }
    }

    /// Refuses an extension code: what it stands for is told by the loading process alone.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn extension(&self, code: u32) -> Result<()> {
        let why = "what it stands for is known to the loading process alone";
        let objection = Objection { is_danger: false, why, wanted: None };
        Err(self.policy.refusal(None, &format!("takes what extension code {code} stands for"), objection))
    }
}

/// A graph's values, as a judge sees them.
struct Judged<'g, 'a> {
    graph: &'g Graph<'a>,
    guard: &'g Guard,
}

impl Judged<'_, '_> {
    /// The global that a value is, or that made it.
    fn global(&self, value: Id) -> Option<(&str, &str)> {
        let slot = self.graph.slot(value);
        match slot.kind {
            Kind::Global => {
                let global = &self.graph.globals[slot.low as usize];
                Some((&global.module, &global.name))
            }
            Kind::Object => {
                let class = self.graph.slot(self.maker(slot.low));
                let global = (class.kind == Kind::Global).then(|| &self.graph.globals[class.low as usize])?;
                Some((&global.module, &global.name))
            }
            _ => None,
        }
    }

    /// What made an object: the class where a helper was given one.
    fn maker(&self, object: u32) -> Id {
        let data = self.graph.objects[object as usize];
        let first = self.graph.run(self.graph.slot(data.args)).first();
        match (self.rule(data.class), first) {
            (Some(Rule { arguments: Arguments::Class, .. }), Some(class))
                if self.graph.slot(*class).kind == Kind::Global =>
            {
                *class
            }
            _ => data.class,
        }
    }

    /// What may be done with a global.
    fn rule(&self, global: Id) -> Option<Rule> {
        let slot = self.graph.slot(global);
        if slot.kind == Kind::Global { *self.guard.rules.get(slot.low as usize)? } else { None }
    }

    #[cold]
    fn refusal(&self, about: Id, what: impl Fn(&str) -> String, objection: Objection<'_>) -> crate::Error {
        let global = self.global(about);
        let name = global.map_or_else(|| "what stands outside".to_owned(), |(module, name)| format!("{module}.{name}"));
        self.guard.policy.refusal(global, &what(&name), objection)
    }
}

impl Values for Judged<'_, '_> {
    type Value = Id;

    fn seen(&self, value: Id) -> Seen<'_> {
        let slot = self.graph.slot(value);
        match slot.kind {
            Kind::Global => {
                let global = &self.graph.globals[slot.low as usize];
                let standing = match self.rule(value) {
                    Some(rule) => Standing::Allowed(rule),
                    None => self.guard.policy.standing(&global.module, &global.name),
                };
                Seen::Global { module: &global.module, name: &global.name, standing }
            }
            Kind::Object => Seen::Made(self.rule(self.maker(slot.low))),
            Kind::Extension | Kind::Persistent => Seen::Outside,
            Kind::Str | Kind::Py2Str => Seen::Text(self.graph.span(slot)),
            Kind::Bytes | Kind::ByteArray => Seen::Bytes,
            Kind::Dict => Seen::Dict { has_dunder: self.guard.dunder.contains(&value) },
            _ => Seen::Data,
        }
    }

    fn pair(&self, value: Id) -> Option<(Id, Id)> {
        let slot = self.graph.slot(value);
        match slot.kind {
            Kind::Tuple => match self.graph.run(slot) {
                [first, second] => Some((*first, *second)),
                _ => None,
            },
            _ => None,
        }
    }
}
