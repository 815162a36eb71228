//! Two places that have to have one type, because a value stands in both, or because records differ, become one.

use std::mem;

use crate::inspect::derive::schema::Schema;
use crate::inspect::derive::shape::{Key, Kind, PlaceId, ShapeId};

/// Two that become one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unite {
    Places(PlaceId, PlaceId),
    Shapes(ShapeId, ShapeId),
}

impl Schema {
    /// Says that values of a shape stand at a place.
    pub(super) fn attach(&mut self, place: PlaceId, key: Key, shape: ShapeId) {
        match self.place(place).shape(key) {
            Some(own) => {
                self.work.push(Unite::Shapes(own, shape));
                self.unite();
            }
            None => self.place_mut(place).shapes.push((key, shape)),
        }
    }

    /// Makes one of all that has to be, and of what follows from it.
    pub(super) fn unite(&mut self) {
        while let Some(work) = self.work.pop() {
            match work {
                Unite::Places(one, other) => self.two_places(one, other),
                Unite::Shapes(one, other) => self.two_shapes(one, other),
            }
        }
    }

    fn two_places(&mut self, one: PlaceId, other: PlaceId) {
        let (one, other) = (self.find(one), self.find(other));
        if one == other {
            return;
        }
        // The older one stays, so that chains of links stay short.
        let (one, other) = (one.min(other), one.max(other));
        self.place_links[other.0 as usize] = one;
        let taken = mem::take(&mut self.places[other.0 as usize]);
        let own = &mut self.places[one.0 as usize];
        own.atoms.add(taken.atoms);
        own.is_back |= taken.is_back;
        own.depth = own.depth.max(taken.depth);
        for (key, shape) in taken.shapes {
            match own.shape(key) {
                Some(own) => self.work.push(Unite::Shapes(own, shape)),
                None => own.shapes.push((key, shape)),
            }
        }
    }

    fn two_shapes(&mut self, one: ShapeId, other: ShapeId) {
        let (one, other) = (self.find_shape(one), self.find_shape(other));
        if one == other {
            return;
        }
        let (one, other) = (one.min(other), one.max(other));
        self.shape_links[other.0 as usize] = one;
        let taken = &mut self.shapes[other.0 as usize];
        let (is_shared, is_cyclic) = (taken.is_shared, taken.is_cyclic);
        let theirs = mem::replace(&mut taken.kind, Kind::United);
        let own = &mut self.shapes[one.0 as usize];
        own.is_shared |= is_shared;
        own.is_cyclic |= is_cyclic;
        let mine = mem::replace(&mut own.kind, Kind::United);
        let kind = self.two_kinds(mine, theirs);
        self.shapes[one.0 as usize].kind = kind;
    }

    fn two_kinds(&mut self, mine: Kind, theirs: Kind) -> Kind {
        let work = &mut self.work;
        let mut places = |one: PlaceId, other: PlaceId| work.push(Unite::Places(one, other));
        match (mine, theirs) {
            (Kind::Tuple(mine), Kind::Tuple(theirs)) if mine.len() == theirs.len() => {
                mine.iter().zip(&theirs).for_each(|(one, other)| places(*one, *other));
                Kind::Tuple(mine)
            }
            (Kind::Tuple(mine), Kind::Tuple(theirs)) => {
                let first = mine[0];
                mine[1..].iter().chain(&theirs).for_each(|other| places(first, *other));
                Kind::Row(first)
            }
            (Kind::Row(item), Kind::Tuple(items)) | (Kind::Tuple(items), Kind::Row(item)) => {
                items.iter().for_each(|other| places(item, *other));
                Kind::Row(item)
            }
            (Kind::Row(one), Kind::Row(other)) => {
                places(one, other);
                Kind::Row(one)
            }
            (Kind::List(one), Kind::List(other)) => {
                places(one, other);
                Kind::List(one)
            }
            (Kind::Set { item, frozen }, Kind::Set { item: other, frozen: also }) => {
                places(item, other);
                Kind::Set { item, frozen: frozen || also }
            }
            (Kind::Map { key, value }, Kind::Map { key: other_key, value: other_value }) => {
                places(key, other_key);
                places(value, other_value);
                Kind::Map { key, value }
            }
            (Kind::Record(mut mine), Kind::Record(theirs)) => {
                mine.unite(theirs).into_iter().for_each(|(one, other)| places(one, other));
                Kind::Record(mine)
            }
            (Kind::Record(fields), Kind::Map { key, value }) | (Kind::Map { key, value }, Kind::Record(fields)) => {
                fields.iter().for_each(|field| places(value, field.place));
                self.place_mut(key).atoms.str |= !fields.is_empty();
                Kind::Map { key, value }
            }
            (Kind::Persistent(one), Kind::Persistent(other)) => {
                places(one, other);
                Kind::Persistent(one)
            }
            (Kind::Buffer { is_outside }, Kind::Buffer { is_outside: also }) => {
                Kind::Buffer { is_outside: is_outside || also }
            }
            (Kind::LibraryList(library, one), Kind::LibraryList(_, other)) => {
                places(one, other);
                Kind::LibraryList(library, one)
            }
            (Kind::LibraryMap { library, key, value }, Kind::LibraryMap { key: other_key, value: other_value, .. }) => {
                places(key, other_key);
                places(value, other_value);
                Kind::LibraryMap { library, key, value }
            }
            (Kind::Inert(mut mine), Kind::Inert(theirs)) => {
                theirs.into_iter().for_each(|label| add_label(&mut mine, label));
                Kind::Inert(mine)
            }
            // Of one kind there is nothing else to unite: a class has one shape.
            (mine, _) => mine,
        }
    }
}

/// Labels kept of inert values at one place.
const LABELS: usize = 3;

/// Adds a label, if there are few and it is new.
pub(super) fn add_label(labels: &mut Vec<String>, label: String) {
    if labels.len() < LABELS && !labels.contains(&label) {
        labels.push(label);
    }
}
