//! What a migration did: names, attributes and strings, counted, and what is left to people.

use std::collections::BTreeMap;

/// What a migration did, or would do.
///
/// ```
/// use oiji::rewrite::Migration;
/// let rules = Migration::from_toml("[globals]\n\"shop:Cart\" = \"store:Basket\"\n").unwrap();
/// let (_, report) = rules.migrate(b"cshop\nCart\n.")?;
/// let renamed: Vec<String> = report.renamed.keys().map(|(from, to)| format!("{from} -> {to}")).collect();
/// assert_eq!(renamed, ["shop.Cart -> store.Basket"]);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many pickles were looked at.
    pub pickles: u64,
    /// Globals by old and new name, and how often each was named.
    pub renamed: BTreeMap<(String, String), u64>,
    /// What was done to instances, in words, and how often: `shop.Cart: rename a to b`.
    pub done: BTreeMap<String, u64>,
    /// What Python 2 strings became: `text`, `bytes`.
    pub strings: BTreeMap<&'static str, u64>,
    /// What people must decide, in words, with how often it was met.
    pub undecided: BTreeMap<String, u64>,
    /// Steps that the stamp of a file says are done already: the name of the rules, and the version.
    pub already: BTreeMap<String, u32>,
    /// Bytes that follow the last pickle and were left as they are.
    pub rest: u64,
}

impl Report {
    /// Whether nothing was changed.
    pub fn is_unchanged(&self) -> bool {
        self.renamed.is_empty() && self.done.is_empty() && self.strings.is_empty()
    }

    /// Adds what another migration did.
    pub fn merge(&mut self, other: Report) {
        self.pickles += other.pickles;
        self.rest += other.rest;
        add(&mut self.renamed, other.renamed);
        add(&mut self.done, other.done);
        add(&mut self.strings, other.strings);
        add(&mut self.undecided, other.undecided);
        self.already.extend(other.already);
    }

    pub(super) fn rename(&mut self, from: (&str, &str), to: (&str, &str), count: u64) {
        let pair = (format!("{}.{}", from.0, from.1), format!("{}.{}", to.0, to.1));
        *self.renamed.entry(pair).or_default() += count;
    }

    pub(super) fn did(&mut self, what: String) {
        *self.done.entry(what).or_default() += 1;
    }

    pub(super) fn did_often(&mut self, what: &str, count: u64) {
        *self.done.entry(what.to_owned()).or_default() += count;
    }

    pub(super) fn decide(&mut self, what: String) {
        self.decide_often(&what, 1);
    }

    pub(super) fn decide_often(&mut self, what: &str, count: u64) {
        /// Of so many different things to decide each is told.
        const SOME: usize = 1000;
        if self.undecided.len() < SOME || self.undecided.contains_key(what) {
            *self.undecided.entry(what.to_owned()).or_default() += count;
        } else {
            *self.undecided.entry("more of the kind".to_owned()).or_default() += count;
        }
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, others: BTreeMap<K, u64>) {
    for (what, count) in others {
        *counts.entry(what).or_default() += count;
    }
}
