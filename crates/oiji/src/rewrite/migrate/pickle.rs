//! Pickles in, migrated pickles out: by ops where names or attributes change and ops tell all, by a graph where more does.

use crate::error::{ErrorKind, Result};
use crate::graph::{ReadOptions, WriteOptions};
use crate::limits::Limits;
use crate::rewrite::migrate::layout::Layouts;
use crate::rewrite::migrate::memo::Entries;
use crate::rewrite::migrate::ops::Survey;
use crate::rewrite::migrate::report::Report;
use crate::rewrite::migrate::rules::Step;
use crate::rewrite::migrate::states::changes;
use crate::rewrite::migrate::{Migration, apply, named_by_then, rename_by, stamp};

impl Migration {
    /// Migrates all pickles of `input`; gives the new bytes, or nothing if they stay as they are. Each is written in its own
    /// protocol, unless rules say another. What follows the last pickle stays.
    ///
    /// A pickle that got a stamp of versioned steps is never migrated by them again.
    ///
    /// ```
    /// use oiji::rewrite::Migration;
    /// let rules = Migration::pack("numpy-1-to-2").unwrap();
    /// let (new, _) = rules.migrate(b"cnumpy.core.multiarray\n_reconstruct\n.")?;
    /// assert_eq!(new.as_deref(), Some(&b"cnumpy._core.multiarray\n_reconstruct\n."[..]));
    /// assert_eq!(rules.migrate(&new.unwrap())?.0, None);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the first pickle says; `Inexpressible` for what the protocol cannot say; what is wrong with an array that is to
    /// change.
    pub fn migrate(&self, input: &[u8]) -> Result<(Option<Vec<u8>>, Report)> {
        match self.each(input, usize::MAX, false) {
            // An index that another pickle put there: they share a memo, or it is no pickle.
            Err(error) if matches!(error.kind(), ErrorKind::MemoMiss { .. }) && error.offset() > Some(0) => {
                self.together(input).or_else(|_| self.each(input, usize::MAX, true))
            }
            other => other,
        }
    }

    /// Pickles with a memo each, `most` of them. Where one that follows another is broken it is what follows the last.
    pub(super) fn each(&self, input: &[u8], most: usize, is_lenient: bool) -> Result<(Option<Vec<u8>>, Report)> {
        let mut report = Report::default();
        let mut out = Output { input, copied: 0, bytes: None };
        let mut start = 0;
        while report.pickles < most as u64 && (start == 0 || self.may_be_another(&input[start..])) {
            let mut entries = Entries::default();
            let survey = match Survey::of(input, start, self.limits, &mut entries) {
                Ok(survey) => survey,
                Err(error) if start == 0 => return Err(error),
                Err(error) if matches!(error.kind(), ErrorKind::MemoMiss { .. }) && !is_lenient => return Err(error),
                Err(_) => break,
            };
            report.pickles += 1;
            let plan = Plan::new(self, input, start, &[&survey]);
            report.already.extend(plan.old_stamps.iter().cloned());
            let new = match plan.way {
                Way::Names => plan.ops(input, &[(start, &survey)], &entries, &mut report),
                way => {
                    drop(entries);
                    let by_ops =
                        if way == Way::States { plan.states(input, start, &survey, self.limits) } else { None };
                    match by_ops {
                        Some((new, own)) => {
                            report.merge(own);
                            new
                        }
                        None => {
                            let graph = self.reading(&plan).from_slice(&input[start..survey.end]);
                            let mut graph = graph.map_err(|error| error.shifted(start as u64))?;
                            plan.graph(&mut graph, &mut report)?
                        }
                    }
                }
            };
            if let Some(mut new) = new {
                plan.stamp(&mut new);
                out.replace(start, survey.end, new);
            }
            start = survey.end;
        }
        report.rest = (input.len() - start) as u64;
        Ok((out.finish(), report))
    }

    /// Whether what follows a pickle is another, and no bytes that happen to look like ops.
    fn may_be_another(&self, rest: &[u8]) -> bool {
        match rest {
            [] => false,
            [0x80, 0..=5, ..] => true,
            _ => !matches!(ReadOptions::new().limits(self.limits).from_slice(rest),
                Err(error) if !matches!(error.kind(), ErrorKind::MemoMiss { .. })),
        }
    }

    /// Pickles that share a memo.
    fn together(&self, input: &[u8]) -> Result<(Option<Vec<u8>>, Report)> {
        let mut entries = Entries::default();
        let mut surveys = Vec::new();
        let mut start = 0;
        while start < input.len() {
            let survey = Survey::of(input, start, self.limits, &mut entries)?;
            let end = survey.end;
            surveys.push((start, survey));
            start = end;
        }
        let mut report = Report { pickles: surveys.len() as u64, ..Report::default() };
        let plan = Plan::new(self, input, 0, &surveys.iter().map(|(_, survey)| survey).collect::<Vec<_>>());
        let new = if plan.way != Way::Names {
            let mut graph = self.reading(&plan).all_from_slice(input)?;
            plan.graph(&mut graph, &mut report)?
        } else {
            let all: Vec<(usize, &Survey)> = surveys.iter().map(|(start, survey)| (*start, survey)).collect();
            plan.ops(input, &all, &entries, &mut report)
        };
        let new = new.map(|mut new| {
            plan.stamp(&mut new);
            new
        });
        Ok((new, report))
    }

    /// Everything is kept as the pickle says it, but where it goes to another protocol.
    fn reading(&self, plan: &Plan<'_>) -> ReadOptions<'static> {
        let is_kept = plan.protocol.is_none();
        ReadOptions::new().limits(self.limits).exact(is_kept).fix_imports(!is_kept)
    }
}

/// Input whose parts are replaced one after another.
struct Output<'i> {
    input: &'i [u8],
    copied: usize,
    bytes: Option<Vec<u8>>,
}

impl Output<'_> {
    fn replace(&mut self, start: usize, end: usize, new: Vec<u8>) {
        // A file of one pickle is not held twice.
        if self.bytes.is_none() && start == 0 {
            self.bytes = Some(new);
            self.copied = end;
            return;
        }
        let bytes = self.bytes.get_or_insert_with(|| Vec::with_capacity(self.input.len()));
        bytes.extend_from_slice(&self.input[self.copied..start]);
        bytes.extend_from_slice(&new);
        self.copied = end;
    }

    fn finish(self) -> Option<Vec<u8>> {
        let mut bytes = self.bytes?;
        bytes.extend_from_slice(&self.input[self.copied..]);
        Some(bytes)
    }
}

/// What is to be done to one pickle, or several that share a memo.
struct Plan<'m> {
    steps: Vec<&'m Step>,
    /// The protocol of the input.
    from_protocol: u8,
    /// The one to write in, if that is another.
    protocol: Option<u8>,
    way: Way,
    /// Stamps that are there, and those to be set.
    old_stamps: Vec<(String, u32)>,
    new_stamps: Vec<(String, u32)>,
}

/// How it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Names alone change, in the ops.
    Names,
    /// Attributes may change in the ops, if the pickle is as picklers write them.
    States,
    /// The pickle becomes a graph.
    Graph,
}

impl<'m> Plan<'m> {
    fn new(migration: &'m Migration, input: &[u8], start: usize, surveys: &[&Survey]) -> Plan<'m> {
        let old_stamps = stamp::read(&input[start..]);
        let mut steps = Vec::new();
        let mut new_stamps = Vec::new();
        for rules in &migration.rules {
            let left = rules.left(&old_stamps);
            new_stamps.extend(left.iter().rev().find_map(|step| Some((rules.name.clone(), step.version?))));
            steps.extend(left);
        }
        let from_protocol = surveys.iter().map(|survey| survey.protocol).max().unwrap_or(0);
        let protocol = migration.protocol().filter(|protocol| *protocol != from_protocol);
        let mut plan = Plan { steps, from_protocol, protocol, way: Way::Names, old_stamps, new_stamps };
        let ways = surveys.iter().map(|survey| plan.way_of(survey));
        plan.way = if protocol.is_some() { Way::Graph } else { ways.max().unwrap_or(Way::Names) };
        plan
    }

    /// What rules that are not of names alone take, where they concern a pickle.
    fn way_of(&self, survey: &Survey) -> Way {
        let has_names = self.steps.iter().any(|step| !step.names.is_empty());
        if survey.has_hidden && (has_names || !self.steps.iter().all(|step| step.is_names_only())) {
            return Way::Graph;
        }
        let ways = self.steps.iter().enumerate().map(|(index, step)| {
            let is_of_class = |(module, name, _): &(String, String, u64)| {
                let (module, name) = named_by_then(&self.steps[..index], module, name, survey.protocol);
                step.rules_for(&module, &name).next().is_some()
            };
            if !step.dicts.is_empty() || !step.values.is_empty() || (step.strings.is_some() && survey.has_py2_strings) {
                return Way::Graph;
            }
            let concerns = !step.classes.is_empty() && survey.globals.iter().any(is_of_class);
            if concerns { Way::States } else { Way::Names }
        });
        ways.max().unwrap_or(Way::Names)
    }

    /// The pickle with other attributes and names, and what was done; nothing where that takes a graph.
    fn states(&self, input: &[u8], start: usize, survey: &Survey, limits: Limits) -> Option<(Option<Vec<u8>>, Report)> {
        let mut report = Report::default();
        let mut layouts = Layouts::new(survey.has_py2_strings);
        for (module, name, _) in &survey.globals {
            layouts.add_class(&self.steps, module, name, survey.protocol);
        }
        let (edits, memo) = changes(input, start, survey, &mut layouts, limits)?;
        let (names, _) = self.names(survey, &mut report);
        layouts.report(&mut report);
        Some((edits.done(start, &names, memo)?, report))
    }

    /// New names by the number of the old ones, and whether there are any.
    fn names(&self, survey: &Survey, report: &mut Report) -> (Vec<Option<(String, String)>>, bool) {
        let mut names = Vec::with_capacity(survey.globals.len());
        for (module, name, count) in &survey.globals {
            let new = rename_by(&self.steps, module, name, survey.protocol);
            if let Some((new_module, new_name)) = &new {
                report.rename((module, name), (new_module, new_name), *count);
            }
            names.push(new);
        }
        let is_changed = names.iter().any(Option::is_some);
        (names, is_changed)
    }

    fn ops(
        &self,
        input: &[u8],
        surveys: &[(usize, &Survey)],
        entries: &Entries,
        report: &mut Report,
    ) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut is_changed = false;
        for (start, survey) in surveys {
            let (names, has_new) = self.names(survey, report);
            is_changed |= has_new;
            if surveys.len() == 1 && is_changed {
                return Some(survey.renamed(input, *start, &names, entries));
            }
            if surveys.len() > 1 {
                out.extend(survey.renamed(input, *start, &names, entries));
            }
        }
        is_changed.then_some(out)
    }

    fn graph(&self, graph: &mut crate::Graph<'_>, report: &mut Report) -> Result<Option<Vec<u8>>> {
        let mut own = Report::default();
        let protocol = if self.protocol.is_some() { self.from_protocol.max(3) } else { self.from_protocol };
        for step in &self.steps {
            apply::apply(graph, step, protocol, &mut own)?;
        }
        if let Some(protocol) = self.protocol {
            if protocol >= 2 {
                // What `object.__new__` refuses, the class itself makes.
                graph.make_plain_objects()?;
            }
            own.did(format!("protocol {} to {protocol}", self.from_protocol));
        }
        let is_changed = !own.is_unchanged();
        report.merge(own);
        if !is_changed {
            return Ok(None);
        }
        let writing = WriteOptions::new()
            .protocol(self.protocol.unwrap_or(self.from_protocol))
            .fix_imports(self.protocol.is_some());
        let mut new = writing.to_vec(graph)?;
        for (name, version) in self.old_stamps.iter().rev() {
            if !self.new_stamps.iter().any(|(other, _)| other == name) {
                stamp::write(&mut new, 0, name, *version);
            }
        }
        Ok(Some(new))
    }

    fn stamp(&self, new: &mut Vec<u8>) {
        for (name, version) in self.new_stamps.iter().rev() {
            stamp::write(new, 0, name, *version);
        }
    }
}
