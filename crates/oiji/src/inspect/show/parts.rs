//! The lines below a value in a tree: which children are shown, which stand together on a row, which are only counted.

use std::collections::VecDeque;

use crate::array::Texts;
use crate::graph::{Items, Node, Pairs, Value};
use crate::inspect::paint::Role;
use crate::inspect::show::inline::{INNER_TEXT, Inline, atom, key_text, label_text};
use crate::inspect::show::line::Line;
use crate::inspect::show::outline::{Group, Label, groups};
use crate::inspect::show::summary::Common;
use crate::inspect::show::table::{TableLine, TableLines};

/// How much of a container is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amount {
    All,
    /// This many items; twice as many pairs and attributes.
    Most(usize),
}

/// Rows of short items before the rest is counted.
const ROWS: usize = 3;
/// Items shown where they are all alike.
const FEW: usize = 3;

/// A run of lines.
#[derive(Debug)]
pub(crate) enum Part<'g> {
    /// Children, a line and what is below it each.
    Children { group: Group<'g>, picked: Option<Vec<usize>>, next: usize, shown: usize },
    /// Short items, as many on a line as fit.
    Rows { items: Items<'g>, next: usize, rows: usize },
    /// The elements of an array, as many on a line as fit.
    Elements(Texts<'g>),
    /// The index and columns of a table.
    Table(TableLines<'g>),
    /// Attributes that hold nothing.
    Names { what: Line, names: Vec<Value<'g>>, next: usize, rows: usize },
}

/// A line below a value.
#[derive(Debug)]
pub(crate) enum Entry<'g> {
    Child(Label<'g>, Value<'g>),
    Row(Line),
    More(usize),
}

/// A container of which the children are being written.
#[derive(Debug)]
pub(crate) struct Lines<'g> {
    parts: VecDeque<Part<'g>>,
    /// The columns to which labels are filled up.
    pub(crate) align: usize,
}

impl<'g> Lines<'g> {
    pub(crate) fn new(parts: Vec<Part<'g>>) -> Self {
        let align = alignment(&parts);
        Lines { parts: parts.into(), align }
    }

    /// The next line, and whether it is the last one. Rows take at most `room` columns.
    pub(crate) fn next(&mut self, room: usize) -> Option<(Entry<'g>, bool)> {
        let part = self.parts.front_mut()?;
        let entry = part.next(room);
        if part.is_over() {
            self.parts.pop_front();
        }
        Some((entry?, self.parts.is_empty()))
    }
}

impl<'g> Part<'g> {
    fn children(group: Group<'g>, picked: Option<Vec<usize>>, most: usize) -> Self {
        let count = picked.as_ref().map_or(group.len(), Vec::len);
        // One more is shown rather than counted.
        let shown = if count <= most.saturating_add(1) { count } else { most };
        Part::Children { group, picked, next: 0, shown }
    }

    pub(crate) fn is_args(&self) -> bool {
        matches!(self, Part::Children { group: Group::Args { .. } | Group::Kwargs(_), .. })
    }

    fn count(&self) -> usize {
        match self {
            Part::Children { group, picked, .. } => picked.as_ref().map_or(group.len(), Vec::len),
            Part::Rows { items, .. } => items.len(),
            Part::Names { names, .. } => names.len(),
            Part::Elements(_) | Part::Table(_) => usize::MAX,
        }
    }

    /// Whether no line is left. A count of what is not shown is a line too, after which `next` stands past the end.
    fn is_over(&self) -> bool {
        match self {
            Part::Children { next, .. } | Part::Rows { next, .. } | Part::Names { next, .. } => *next >= self.count(),
            Part::Elements(elements) => elements.peek().is_none(),
            Part::Table(lines) => lines.is_over(),
        }
    }

    fn next(&mut self, room: usize) -> Option<Entry<'g>> {
        let count = self.count();
        match self {
            Part::Children { next, shown, .. } if *next >= *shown => Some(rest(next, count)),
            Part::Children { group, picked, next, .. } => {
                let index = picked.as_ref().map_or(*next, |picked| picked[*next]);
                *next += 1;
                group.get(index).map(|(label, value)| Entry::Child(label, value))
            }
            Part::Rows { next, rows: 0, .. } | Part::Names { next, rows: 0, .. } => Some(rest(next, count)),
            Part::Rows { items, next, rows } => {
                *rows -= 1;
                let mut line = Line::of(Role::Key, &format!("[{next}]"));
                line.push(Role::Text, " ");
                // Where all rows are shown, all of each item is too.
                let limit = if *rows > ROWS { usize::MAX } else { room / 2 };
                let texts = items.iter().skip(*next).filter_map(|item| atom(item, limit));
                *next += fill(&mut line, texts, room);
                Some(Entry::Row(line))
            }
            Part::Elements(elements) => {
                let mut line = Line::of(Role::Key, &format!("[{}]", elements.done()));
                line.push(Role::Text, " ");
                let mut is_first = true;
                while let Some(text) = elements.peek() {
                    let text = Line::of(Role::Number, &text);
                    if !is_first && line.columns() + 2 + text.columns() > room {
                        break;
                    }
                    line.push(Role::Text, if is_first { "" } else { ", " });
                    line.append(&text);
                    is_first = false;
                    elements.next();
                }
                Some(Entry::Row(line))
            }
            Part::Table(lines) => lines.next(room).map(|line| match line {
                TableLine::Row(line) => Entry::Row(line),
                TableLine::More(more) => Entry::More(usize::try_from(more).unwrap_or(usize::MAX)),
            }),
            Part::Names { what, names, next, rows } => {
                *rows -= 1;
                let mut line = what.clone();
                line.push(Role::Text, ": ");
                let texts = names[*next..].iter().map(|name| {
                    let mut line = Line::of(Role::Key, ".");
                    line.append(&key_text(*name, INNER_TEXT));
                    line
                });
                *next += fill(&mut line, texts, room);
                Some(Entry::Row(line))
            }
        }
    }
}

fn rest<'g>(next: &mut usize, count: usize) -> Entry<'g> {
    let more = count - *next;
    *next = count;
    Entry::More(more)
}

/// Adds as many texts as fit, at least one, and gives their count.
fn fill(line: &mut Line, texts: impl Iterator<Item = Line>, room: usize) -> usize {
    let mut added = 0;
    for text in texts {
        if added > 0 && line.columns() + 2 + text.columns() > room {
            break;
        }
        if added > 0 {
            line.push(Role::Text, ", ");
        }
        line.append(&text);
        added += 1;
    }
    added.max(1)
}

/// The line of one attribute alone.
pub(crate) fn attribute<'g>(value: Value<'g>, name: &str) -> Option<Part<'g>> {
    let pairs = groups(value).into_iter().find_map(|group| match group {
        Group::Attributes(pairs) => Some(pairs),
        _ => None,
    })?;
    let at = pairs.iter().position(|(key, _)| key.as_str().is_ok_and(|key| key == name))?;
    Some(Part::children(Group::Attributes(pairs), Some(vec![at]), 1))
}

/// What is written below a value.
pub(crate) fn parts(value: Value<'_>, amount: Amount) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for group in groups(value).into_iter().filter(|group| group.len() > 0) {
        match (group, amount) {
            (Group::Items { items, .. }, _) if is_run(items) => {
                let rows = if let Amount::All = amount { usize::MAX } else { ROWS };
                parts.push(Part::Rows { items, next: 0, rows });
            }
            (group, Amount::All) => parts.push(Part::children(group, None, usize::MAX)),
            (Group::Items { items, first }, Amount::Most(most)) => {
                parts.push(Part::children(Group::Items { items, first }, None, most_items(items, most)));
            }
            (Group::Attributes(pairs), Amount::Most(most)) => add_attributes(&mut parts, pairs, 2 * most),
            (group, Amount::Most(most)) => parts.push(Part::children(group, None, 2 * most)),
        }
    }
    parts
}

/// Whether the items read well in rows: numbers and words.
fn is_run(items: Items<'_>) -> bool {
    items.len() > 1 && Common::of(items.iter()).is_some_and(|common| common.is_number() || common.is_word())
}

/// Items that are all alike need not all be shown: a few that take one line, or one that takes more.
fn most_items(items: Items<'_>, most: usize) -> usize {
    const ONE_LINE: usize = 80;
    let alike = items.len() > FEW && Common::of(items.iter()).is_some_and(|common| common.is_alike());
    if !alike {
        return most;
    }
    let inline = Inline { sharing: None, shorten: true };
    let first = items.get(0).and_then(|first| inline.value(first, ONE_LINE));
    if first.is_some() { FEW.min(most) } else { 1 }
}

/// Attributes; where there are many, those that hold nothing are only named.
fn add_attributes<'g>(parts: &mut Vec<Part<'g>>, pairs: Pairs<'g>, most: usize) {
    /// So few need no sorting.
    const MANY: usize = 8;
    if pairs.len() <= MANY {
        parts.push(Part::children(Group::Attributes(pairs), None, most));
        return;
    }
    let (mut picked, mut nones, mut empties) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (_, value)) in pairs.iter().enumerate() {
        match value.node() {
            Node::None => nones.push(index),
            _ if is_empty(value) => empties.push(index),
            _ => picked.push(index),
        }
    }
    for few in [&mut nones, &mut empties] {
        if few.len() < FEW {
            picked.append(few);
        }
    }
    picked.sort_unstable();
    if !picked.is_empty() {
        parts.push(Part::children(Group::Attributes(pairs), Some(picked), most));
    }
    for (what, indices) in [(Line::of(Role::Number, "None"), nones), (Line::of(Role::Type, "empty"), empties)] {
        if !indices.is_empty() {
            let names = indices.into_iter().filter_map(|index| pairs.nth(index)).map(|(name, _)| name).collect();
            parts.push(Part::Names { what, names, next: 0, rows: ROWS });
        }
    }
}

/// Whether a value is a container, or a call without arguments, that holds nothing.
fn is_empty(value: Value<'_>) -> bool {
    match value.node() {
        Node::Dict(pairs) => pairs.is_empty(),
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => items.is_empty(),
        Node::Object(object) => {
            object.class_name().is_some_and(|class| class.is("collections", "OrderedDict"))
                && object.args().items().is_ok_and(|args| args.is_empty())
                && value.steps().next().is_none()
        }
        _ => false,
    }
}

/// The columns to which labels are filled up: those of the longest, unless that is much longer than the others.
fn alignment(parts: &[Part<'_>]) -> usize {
    const LOOKED_AT: usize = 64;
    const APART: usize = 20;
    const MOST: usize = 32;
    let children = parts.iter().filter_map(|part| match part {
        Part::Children { group, picked, shown, .. } => {
            Some((0..*shown).map(move |index| group.get(picked.as_ref().map_or(index, |picked| picked[index]))))
        }
        _ => None,
    });
    let labels =
        children.flatten().take(LOOKED_AT).flatten().map(|(label, _)| label_text(&label, INNER_TEXT, 0).columns());
    let (least, most) = labels.fold((usize::MAX, 0), |(least, most), columns| (least.min(columns), most.max(columns)));
    if most.saturating_sub(least) <= APART { most } else { most.min(MOST) }
}
