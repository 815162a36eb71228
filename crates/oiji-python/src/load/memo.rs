//! The memo: values by index. It grows by what it holds, never by what an index claims.

use std::collections::HashMap;
use std::mem::take;

use crate::py::entry::Entry;
use crate::py::{Obj, Own, Py, make};

/// Values put aside by index, for a later `GET`.
#[derive(Default)]
pub(crate) struct Memo {
    /// Small indexes, as writers use them.
    near: Vec<Entry>,
    count: usize,
    /// What few pickles have.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// Indexes far beyond the count of entries.
    far: HashMap<u64, Entry>,
    /// Dates that were in the memo at an index where something else is now, while it promised what they are made of.
    dates: HashMap<u64, Own>,
}

/// So many entries ahead, an object is brought near before it is let go.
const AHEAD: usize = 24;

/// How far an index may run ahead of twice the count of entries and still be near.
const SLACK: u64 = 256;

impl Memo {
    /// What was put at `index` last, promises too.
    #[inline]
    pub(super) fn entry(&self, index: u64) -> Option<&Entry> {
        match self.near.get(index as usize) {
            Some(entry) if !entry.is_empty() => Some(entry),
            _ => self.far(index),
        }
    }

    /// The value put at `index` last.
    #[inline]
    pub(crate) fn get(&self, index: u64) -> Option<Obj<'_>> {
        match self.near.get(index as usize).and_then(Entry::value) {
            Some(value) => Some(value),
            None => self.far(index).and_then(Entry::value),
        }
    }

    fn far(&self, index: u64) -> Option<&Entry> {
        self.rare.as_ref()?.far.get(&index)
    }

    fn has_far(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.far.is_empty())
    }

    /// The index that `MEMOIZE` uses: how many entries there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a date, and before it the promise of what it is made of; tells whether it did.
    #[inline]
    pub(super) fn add_date(&mut self, date: &Own) -> Py<bool> {
        if self.near.len() != self.count || self.has_far() {
            return Ok(false);
        }
        if self.near.capacity() - self.count < 3 {
            make::room_for(&mut self.near, 3)?;
        }
        let [bytes, args] = Entry::BEFORE_DATE;
        self.near.extend([bytes, args, Entry::of(date.clone())]);
        self.count += 3;
        Ok(true)
    }

    /// What is promised of dates: at which index, and whether it is the bytes.
    pub(super) fn promised_of_dates(&self) -> Vec<(u64, bool, Own)> {
        let promises = self.near.iter().enumerate().filter_map(|(index, entry)| {
            let on = entry.before_date()?;
            let place = (index + on) as u64;
            let date = match self.rare.as_ref().and_then(|rare| rare.dates.get(&place)) {
                Some(date) => date.clone(),
                None => self.get(place)?.own(),
            };
            Some((index as u64, on == 2, date))
        });
        promises.collect()
    }

    /// Sees that there is room for one entry more.
    #[inline]
    pub(super) fn make_room(&mut self) -> Py<()> {
        if self.near.len() < self.near.capacity() { Ok(()) } else { make::room_for(&mut self.near, 1) }
    }

    /// Puts a value at the index that counts the entries.
    #[inline]
    pub(crate) fn add(&mut self, value: Own) {
        if self.near.len() == self.count {
            self.near.push(Entry::of(value));
            self.count += 1;
        } else {
            drop(self.put(self.count as u64, Entry::of(value)));
        }
    }

    /// Puts an entry at `index`, and gives what was there.
    #[must_use]
    pub(crate) fn put(&mut self, index: u64, entry: Entry) -> Entry {
        if index == self.near.len() as u64 && !self.has_far() {
            self.near.push(entry);
            self.count += 1;
            return Entry::EMPTY;
        }
        if index >= self.near.len() as u64 && index <= 2 * self.count as u64 + SLACK {
            self.near.resize_with(index as usize + 1, || Entry::EMPTY);
        }
        let before = match self.near.get_mut(index as usize) {
            Some(place) => {
                let before = std::mem::replace(place, entry);
                self.keep_date(index, &before);
                match &mut self.rare {
                    Some(rare) if before.is_empty() => rare.far.remove(&index).unwrap_or(Entry::EMPTY),
                    _ => before,
                }
            }
            None => self.rare.get_or_insert_default().far.insert(index, entry).unwrap_or(Entry::EMPTY),
        };
        self.count += usize::from(before.is_empty());
        before
    }

    /// A date that goes may be asked for what it was made of.
    fn keep_date(&mut self, index: u64, before: &Entry) {
        let last = (index as usize).checked_sub(1).and_then(|last| self.near.get(last));
        if last.and_then(Entry::before_date) == Some(1)
            && let Some(date) = before.value()
        {
            self.rare.get_or_insert_default().dates.entry(index).or_insert_with(|| date.own());
        }
    }

    /// All values with their indexes, those of small indexes first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, Obj<'_>)> {
        let near = self.near.iter().enumerate();
        let near = near.filter_map(|(index, entry)| Some((index as u64, entry.value()?)));
        let far = self.rare.iter().flat_map(|rare| &rare.far);
        near.chain(far.filter_map(|(index, entry)| Some((*index, entry.value()?))))
    }

    /// Drops all entries, whatever that runs.
    pub(super) fn clear(&mut self) {
        let mut near = take(&mut self.near);
        self.count = 0;
        drop(self.rare.take());
        for at in 0..near.len() {
            if let Some(ahead) = near.get(at + AHEAD) {
                ahead.prefetch();
            }
            drop(take(&mut near[at]));
        }
        near.clear();
        self.near = near;
    }

    /// Gives back room, but for so many.
    pub(super) fn shrink(&mut self, most: usize) {
        self.near.shrink_to(most);
    }

    /// What it takes up in memory beside itself, in bytes.
    pub(crate) fn size(&self) -> usize {
        let far = self.rare.as_ref().map_or(0, |rare| rare.far.len());
        self.near.capacity() * size_of::<Entry>() + far * size_of::<(u64, Entry)>()
    }
}
