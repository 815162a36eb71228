//! Migration: old pickles made to load again, by rules, without importing anything.
//!
//! `parse` reads rules (`rules`) from TOML, `packs` has those that come along. Where names alone change, `ops` rewrites bytes
//! without a graph; where attributes do, `states` tries the same; else `apply` does each step to a graph. `docs/migration.md`
//! tells the language.

mod apply;
mod conditions;
#[cfg(feature = "archive")]
mod containers;
mod copy;
mod edits;
mod error;
mod layout;
mod literal;
mod live;
mod memo;
mod names;
mod ops;
mod packs;
mod parse;
mod pickle;
mod records;
mod report;
mod rules;
mod stamp;
mod state;
mod states;
mod strings;

pub use error::RulesError;
pub use live::{LiveRules, NewState, NewValue, OldState};
pub use names::Pattern;
pub use packs::Pack;
pub use report::Report;

use std::borrow::Cow;

use crate::error::Result;
use crate::graph::{Graph, ReadOptions};
use crate::limits::Limits;
use rules::{Rules, Step};

/// Rules by which pickles are migrated: names that changed, attributes, states, values.
///
/// Rules are TOML, told in `docs/migration.md`. A migration changes what its rules name and nothing else.
///
/// ```
/// use oiji::rewrite::Migration;
/// let rules = Migration::from_toml(r#"
///     [modules]
///     "shop.models" = "shop.data"
///     [[class]]
///     match = "shop.models:Cart"
///     rename = { itms = "items" }
///     add = { currency = "EUR" }
/// "#).map_err(|error| oiji::Error::message(error.to_string()))?;
/// let old = b"\x80\x02cshop.models\nCart\n)\x81}X\x04\x00\x00\x00itms]sb.";
/// let (new, report) = rules.migrate(old)?;
/// assert_eq!(oiji::loads(&new.unwrap())?.to_string(), "shop.data.Cart(; state={'items': [], 'currency': 'EUR'})");
/// assert!(report.done.contains_key("shop.models.Cart: rename itms to items"));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migration {
    /// Done one after another.
    rules: Vec<Rules>,
    limits: Limits,
}

impl Migration {
    /// No rules: what is migrated stays as it is.
    pub fn new() -> Migration {
        Migration::default()
    }

    /// Rules from their text.
    ///
    /// # Errors
    /// What is wrong with them, and where.
    pub fn from_toml(text: &str) -> Result<Migration, RulesError> {
        Ok(Migration { rules: vec![parse::parse(text)?], ..Migration::default() })
    }

    /// The rules of a pack that comes along, by its name: [`Pack::all`] tells them.
    pub fn pack(name: &str) -> Option<Migration> {
        Pack::all().find(|pack| pack.name() == name).map(|pack| pack.migration())
    }

    /// What was pickled by a script, whose classes are of `__main__`, moves to a module.
    ///
    /// ```
    /// use oiji::rewrite::Migration;
    /// let (new, _) = Migration::main_to("shop.models").migrate(b"c__main__\nCart\n.")?;
    /// assert_eq!(new.as_deref(), Some(&b"cshop.models\nCart\n."[..]));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn main_to(module: &str) -> Migration {
        let mut step = Step::default();
        step.names.add_module("__main__", module);
        let rules = Rules { steps: vec![step], ..Rules::default() };
        Migration { rules: vec![rules], ..Migration::default() }
    }

    /// The same with other rules done afterwards.
    #[must_use]
    pub fn then(mut self, other: Migration) -> Migration {
        self.rules.extend(other.rules);
        self
    }

    /// How much a pickle may cost.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Migration {
        self.limits = limits;
        self
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.steps().all(|step| step.is_names_only() && step.names.is_empty()) && self.protocol().is_none()
    }

    /// Whether names alone change, so that no graph is needed.
    pub fn is_names_only(&self) -> bool {
        self.steps().all(Step::is_names_only) && self.protocol().is_none()
    }

    /// Whether steps have versions, so that the stamp of a file says which of them are done already.
    pub fn has_versions(&self) -> bool {
        self.steps().any(|step| step.version.is_some())
    }

    /// The new module and name of a global, if it has any: what a reader asks before it looks a global up. Names are those
    /// that the pickle says, `protocol` the one it is in.
    ///
    /// ```
    /// use oiji::rewrite::Migration;
    /// let rules = Migration::pack("numpy-2-to-1").unwrap();
    /// let new = rules.rename("numpy._core.multiarray", "scalar", 4);
    /// assert_eq!(new, Some(("numpy.core.multiarray".to_owned(), "scalar".to_owned())));
    /// assert_eq!(rules.rename("numpy", "dtype", 4), None);
    /// ```
    pub fn rename(&self, module: &str, name: &str, protocol: u8) -> Option<(String, String)> {
        rename_by(&self.steps().collect::<Vec<_>>(), module, name, protocol)
    }

    /// Migrates a graph that was read, whatever became of its Python 2 names. Steps are done whether or not a stamp says so:
    /// a graph has none.
    ///
    /// ```
    /// use oiji::rewrite::Migration;
    /// let rules = Migration::from_toml("[[value]]\npath = \"rate\"\nfrom = 0.1\nto = 0.01\n").unwrap();
    /// let mut graph = oiji::pickle!({"rate": 0.1})?;
    /// rules.apply(&mut graph)?;
    /// assert_eq!(graph.to_string(), "{'rate': 0.01}");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Limit` when the graph is full; what is wrong with an array that is to change.
    pub fn apply(&self, graph: &mut Graph<'_>) -> Result<Report> {
        let mut report = Report::default();
        for step in self.steps() {
            apply::apply(graph, step, graph.protocol().max(3), &mut report)?;
        }
        Ok(report)
    }

    /// Reads the first pickle of `input` and migrates it: what typed reading begins with. Steps that the pickle's stamp names are
    /// not done again.
    ///
    /// ```
    /// use oiji::ReadOptions;
    /// use oiji::rewrite::Migration;
    /// let rules = Migration::from_toml("[[class]]\nmatch = \"shop:Cart\"\nrename = { itms = \"items\" }\n").unwrap();
    /// let graph = rules.read(b"\x80\x02cshop\nCart\n)\x81}X\x04\0\0\0itmsK\x07sb.", &ReadOptions::new())?;
    /// assert_eq!(graph.root().get("items")?.as_i64()?, 7);
    ///
    /// // Also for types with `#[derive(Unpickle)]`.
    /// #[derive(oiji::Unpickle)]
    /// #[pickle(class = "shop.Cart")]
    /// struct Cart {
    ///     items: i64,
    /// }
    /// let cart: Cart = oiji::class::Unpickler::new().from_value(graph.root())?;
    /// assert_eq!(cart.items, 7);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`ReadOptions::from_slice`] and [`Migration::apply`].
    pub fn read<'a>(&self, input: &'a [u8], options: &ReadOptions<'a>) -> Result<Graph<'a>> {
        let mut graph = options.from_slice(input)?;
        let stamps = stamp::read(input);
        for rules in &self.rules {
            for step in rules.left(&stamps) {
                apply::apply(&mut graph, step, 3, &mut Report::default())?;
            }
        }
        Ok(graph)
    }

    /// Reads a Rust type from the first pickle of `input` after it is migrated: [`from_slice`](crate::from_slice) for files
    /// that are older than the type.
    ///
    /// ```
    /// use oiji::rewrite::Migration;
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename = "store.Basket")]
    /// struct Basket {
    ///     items: Vec<i64>,
    ///     currency: String,
    /// }
    /// let rules = Migration::from_toml(r#"
    ///     [globals]
    ///     "shop:Cart" = "store:Basket"
    ///     [[class]]
    ///     match = "shop:Cart"
    ///     rename = { itms = "items" }
    ///     add = { currency = "EUR" }
    /// "#).map_err(|error| oiji::Error::message(error.to_string()))?;
    /// let old = b"\x80\x02cshop\nCart\n)\x81}X\x04\0\0\0itms]K\x07asb.";
    /// let basket: Basket = rules.from_slice(old)?;
    /// assert_eq!((basket.items, basket.currency.as_str()), (vec![7], "EUR"));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Migration::read`] and [`from_value`](crate::from_value).
    #[cfg(feature = "serde")]
    pub fn from_slice<T: serde::de::DeserializeOwned>(&self, input: &[u8]) -> Result<T> {
        let options = ReadOptions::new().limits(self.limits);
        crate::serde::from_value(self.read(input, &options)?.root())
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.rules.iter().flat_map(|rules| &rules.steps)
    }

    /// The protocol that the last rules ask for.
    fn protocol(&self) -> Option<u8> {
        self.rules.iter().rev().find_map(|rules| rules.protocol)
    }
}

/// What a class is called once these steps are done.
fn named_by_then<'n>(steps: &[&Step], module: &'n str, name: &'n str, protocol: u8) -> (Cow<'n, str>, Cow<'n, str>) {
    match rename_by(steps, module, name, protocol) {
        Some((module, name)) => (module.into(), name.into()),
        None => (module.into(), name.into()),
    }
}

fn rename_by(steps: &[&Step], module: &str, name: &str, protocol: u8) -> Option<(String, String)> {
    let mut found: Option<(String, String)> = None;
    for step in steps {
        let (module, name) = found.as_ref().map_or((module, name), |(module, name)| (module, name));
        if let Some(new) = step.names.rename(module, name, protocol) {
            found = Some(new);
        }
    }
    found.filter(|(new_module, new_name)| (new_module.as_str(), new_name.as_str()) != (module, name))
}
