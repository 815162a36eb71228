//! What can only be told when all is seen: dicts that are maps, tuples of many lengths.

use crate::inspect::derive::fields::Fields;
use crate::inspect::derive::schema::Schema;
use crate::inspect::derive::shape::{IntSize, Key, Kind, Place, PlaceId, ShapeId};
use crate::inspect::derive::unite::Unite;

/// Fields with which a dict of like values, seen once, is a map.
const MANY: usize = 16;

/// Rounds after which what follows from the last is left as it is.
const ROUNDS: usize = 64;

/// Decides what was left open.
pub(super) fn settle(schema: &mut Schema) {
    for _ in 0..ROUNDS {
        let maps: Vec<ShapeId> = schema.ids().filter(|shape| is_map(schema, *shape)).collect();
        let rows: Vec<ShapeId> = schema.places.iter().filter_map(|place| row(schema, place)).collect();
        if maps.is_empty() && rows.is_empty() {
            break;
        }
        maps.into_iter().for_each(|shape| schema.make_map(shape));
        rows.into_iter().for_each(|shape| schema.make_row(shape));
    }
    for at in 0..schema.places.len() {
        let mut shapes = std::mem::take(&mut schema.places[at].shapes);
        shapes.iter_mut().for_each(|(_, shape)| *shape = schema.find_shape(*shape));
        schema.places[at].shapes = shapes;
    }
}

/// The tuples of one length at a place where empty ones stand too.
fn row(schema: &Schema, place: &Place) -> Option<ShapeId> {
    let shape = place.shape(Key::Tuple).filter(|_| place.atoms.empty_tuple)?;
    matches!(schema.kind(shape), Kind::Tuple(_)).then_some(shape)
}

/// Whether a record reads better as a map: no fields, fields that few have, many fields that are alike.
fn is_map(schema: &Schema, shape: ShapeId) -> bool {
    let Kind::Record(fields) = schema.kind(shape) else { return false };
    if fields.is_empty() {
        return true;
    }
    let is_word = |name: &str| {
        !name.starts_with(|char: char| char.is_ascii_digit())
            && name.chars().all(|char| char.is_alphanumeric() || char == '_')
    };
    let seen: u64 = fields.iter().map(|field| u64::from(field.count)).sum();
    let all = u64::from(fields.records) * fields.len() as u64;
    let is_sparse = fields.records > 2 && fields.len() >= 8 && seen * 3 < all;
    let is_long = fields.len() >= MANY || fields.iter().any(|field| !is_word(&field.name));
    is_sparse || is_long && fields.len() > 1 && are_alike(schema, fields) || fields.len() > 64
}

/// Whether all fields hold values of one kind.
fn are_alike(schema: &Schema, fields: &Fields) -> bool {
    let mut kinds = fields.iter().map(|field| signature(schema, field.place));
    let first = kinds.next();
    kinds.all(|other| Some(other) == first)
}

/// What kinds of values stand at a place.
fn signature(schema: &Schema, place: PlaceId) -> (u8, Vec<Key>) {
    let place = schema.place(place);
    let atoms = &place.atoms;
    let flags = [
        atoms.bool,
        atoms.int.is_some() || atoms.float,
        atoms.int.is_some_and(|size| size > IntSize::I64),
        atoms.str || atoms.py2_text,
        atoms.bytes || atoms.py2_bytes,
        atoms.global,
        atoms.empty_tuple,
    ];
    let bits = flags.iter().enumerate().map(|(at, flag)| u8::from(*flag) << at).sum();
    let mut keys: Vec<Key> = place.shapes.iter().map(|(key, _)| *key).collect();
    keys.sort_by_key(|key| match key {
        Key::Class(shape) => (1, shape.0, ""),
        Key::Library(library) => (2, 0, library.name),
        other => (0, other.order(), ""),
    });
    (bits, keys)
}

impl Key {
    fn order(self) -> u32 {
        match self {
            Key::Tuple => 0,
            Key::List => 1,
            Key::Set => 2,
            Key::Dict => 3,
            Key::Buffer => 4,
            Key::Persistent => 5,
            Key::Inert => 6,
            Key::Class(_) | Key::Library(_) => 7,
        }
    }
}

impl Schema {
    /// All shapes that are part of no other.
    pub(super) fn ids(&self) -> impl Iterator<Item = ShapeId> {
        let all = (0..self.shapes.len() as u32).map(ShapeId);
        all.filter(|id| self.shape_links[id.0 as usize] == *id)
    }

    /// Gives a record one place for all its values, and one for its keys.
    pub(super) fn make_map(&mut self, shape: ShapeId) {
        let shape = self.find_shape(shape);
        let Kind::Record(fields) = self.kind(shape) else { return };
        let places: Vec<PlaceId> = fields.iter().map(|field| field.place).collect();
        let above = self.shape(shape).place;
        let (depth, is_deep) = (self.place(above).depth, self.is_deep(above));
        let (key, value) = if is_deep {
            (self.deep_key, self.deep)
        } else {
            (self.place_in(shape, depth + 1), self.place_in(shape, depth + 1))
        };
        self.place_mut(key).atoms.str |= !places.is_empty();
        *self.kind_mut(shape) = Kind::Map { key, value };
        self.work.extend(places.into_iter().map(|place| Unite::Places(value, place)));
        self.unite();
    }

    /// Gives a tuple one place for all its items.
    pub(super) fn make_row(&mut self, shape: ShapeId) {
        let shape = self.find_shape(shape);
        let Kind::Tuple(places) = self.kind(shape) else { return };
        let places = places.clone();
        let Some(first) = places.first().copied() else { return };
        *self.kind_mut(shape) = Kind::Row(first);
        self.work.extend(places.into_iter().map(|place| Unite::Places(first, place)));
        self.unite();
    }
}
