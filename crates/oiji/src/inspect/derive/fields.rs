//! Named fields in the order in which they were first seen.

use rustc_hash::FxHashMap;

use crate::inspect::derive::shape::PlaceId;

/// A field of a record or of an instance.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) place: PlaceId,
    /// In how many records it is.
    pub(super) count: u32,
    /// The last record it was seen in: a key may be set twice.
    last: u32,
}

/// Fields by name, and how many records were seen.
#[derive(Debug, Default)]
pub(super) struct Fields {
    list: Vec<Field>,
    index: FxHashMap<String, usize>,
    /// Records seen.
    pub(super) records: u32,
}

impl Field {
    pub(super) fn new(name: String, place: PlaceId) -> Self {
        Field { name, place, count: 0, last: 0 }
    }

    /// Takes note that it is in the record with this number, counted from 1.
    pub(super) fn see(&mut self, record: u32) {
        if self.last != record {
            self.count += 1;
            self.last = record;
        }
    }
}

impl Fields {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.list.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.index.get(name).map(|at| &self.list[*at])
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Field> {
        self.index.get(name).map(|at| &mut self.list[*at])
    }

    pub(super) fn push(&mut self, field: Field) {
        self.index.insert(field.name.clone(), self.list.len());
        self.list.push(field);
    }

    /// Takes the fields of others; gives the places that are now one.
    pub(super) fn unite(&mut self, other: Fields) -> Vec<(PlaceId, PlaceId)> {
        let mut pairs = Vec::new();
        self.records += other.records;
        for field in other.list {
            match self.get_mut(&field.name) {
                Some(own) => {
                    own.count += field.count;
                    pairs.push((own.place, field.place));
                }
                None => self.push(field),
            }
        }
        pairs
    }
}
