//! All that was seen, by place: the arena of places and shapes.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::Value;
use crate::inspect::derive::known::Library;
use crate::inspect::derive::print::{self, DeriveOptions};
use crate::inspect::derive::shape::{Instance, Key, Kind, Place, PlaceId, Shape, ShapeId};
use crate::inspect::derive::unite::Unite;
use crate::inspect::derive::{settle, walk};

/// What values hold, place by place: of one value, or of several that are to have one type.
///
/// ```
/// use oiji::inspect::{DeriveOptions, Schema};
/// let mut schema = Schema::new();
/// schema.add(oiji::loads(b"K\x01.")?.root());
/// schema.add(oiji::loads(b"N.")?.root());
/// let source = schema.to_rust(&DeriveOptions { name: "Answer".into(), ..DeriveOptions::default() });
/// assert_eq!(source, "pub type Answer = Option<i64>;\n");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug)]
pub struct Schema {
    pub(super) places: Vec<Place>,
    pub(super) shapes: Vec<Shape>,
    /// What a place or shape became part of, if not itself.
    pub(super) place_links: Vec<PlaceId>,
    pub(super) shape_links: Vec<ShapeId>,
    pub(super) classes: FxHashMap<(String, String), ShapeId>,
    /// Places and shapes that are to become one.
    pub(super) work: Vec<Unite>,
    pub(super) root: PlaceId,
    /// Where everything stands that lies too deep, or comes when there are too many places.
    pub(super) deep: PlaceId,
    pub(super) deep_key: PlaceId,
    /// Types of the standard library that do not read all that was seen of them.
    pub(super) unread: FxHashSet<Library>,
    /// Values added.
    pub(super) roots: u32,
    /// Whether calls were dropped: they are not part of any value.
    pub(super) has_dropped: bool,
}

/// Levels of containers that have types of their own.
const DEPTH: u8 = 12;
/// Places that have types of their own.
const PLACES: usize = 20_000;

impl Schema {
    /// Nothing seen yet.
    pub fn new() -> Self {
        let mut schema = Schema {
            places: Vec::new(),
            shapes: Vec::new(),
            place_links: Vec::new(),
            shape_links: Vec::new(),
            classes: FxHashMap::default(),
            work: Vec::new(),
            root: PlaceId(0),
            deep: PlaceId(1),
            deep_key: PlaceId(2),
            unread: FxHashSet::default(),
            roots: 0,
            has_dropped: false,
        };
        schema.new_place(Place::default());
        schema.new_place(Place { depth: DEPTH, ..Place::default() });
        schema.new_place(Place { depth: DEPTH, ..Place::default() });
        schema
    }

    /// Takes note of a value and all it holds. Each of several is to be read as the same type.
    pub fn add(&mut self, value: Value<'_>) {
        self.roots += 1;
        self.has_dropped |= value.graph().dropped().next().is_some();
        walk::walk(self, value);
    }

    /// The source of types for all that was added.
    pub fn to_rust(mut self, options: &DeriveOptions) -> String {
        settle::settle(&mut self);
        print::print(&self, options)
    }

    fn new_place(&mut self, place: Place) -> PlaceId {
        let id = PlaceId(self.places.len() as u32);
        self.places.push(place);
        self.place_links.push(id);
        id
    }

    /// A new place in a shape, one level below another.
    pub(super) fn place_in(&mut self, above: ShapeId, depth: u8) -> PlaceId {
        if depth >= DEPTH || self.is_full() {
            return self.deep;
        }
        self.new_place(Place { depth, above: Some(above), ..Place::default() })
    }

    /// Whether all that comes has to do with the places there are.
    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= PLACES
    }

    /// Whether what stands there is only told apart by its kind.
    pub(super) fn is_deep(&self, place: PlaceId) -> bool {
        self.place(place).depth >= DEPTH || self.is_full()
    }

    pub(super) fn new_shape(&mut self, kind: Kind, place: PlaceId) -> ShapeId {
        let id = ShapeId(self.shapes.len() as u32);
        self.shapes.push(Shape { kind, is_shared: false, is_cyclic: false, place });
        self.shape_links.push(id);
        id
    }

    /// The place that `id` has become part of.
    pub(super) fn find(&self, mut id: PlaceId) -> PlaceId {
        while self.place_links[id.0 as usize] != id {
            id = self.place_links[id.0 as usize];
        }
        id
    }

    pub(super) fn find_shape(&self, mut id: ShapeId) -> ShapeId {
        while self.shape_links[id.0 as usize] != id {
            id = self.shape_links[id.0 as usize];
        }
        id
    }

    pub(super) fn place(&self, id: PlaceId) -> &Place {
        &self.places[self.find(id).0 as usize]
    }

    pub(super) fn place_mut(&mut self, id: PlaceId) -> &mut Place {
        let id = self.find(id);
        &mut self.places[id.0 as usize]
    }

    pub(super) fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[self.find_shape(id).0 as usize]
    }

    pub(super) fn shape_mut(&mut self, id: ShapeId) -> &mut Shape {
        let id = self.find_shape(id);
        &mut self.shapes[id.0 as usize]
    }

    pub(super) fn kind(&self, id: ShapeId) -> &Kind {
        &self.shape(id).kind
    }

    pub(super) fn kind_mut(&mut self, id: ShapeId) -> &mut Kind {
        &mut self.shape_mut(id).kind
    }

    pub(super) fn instance(&self, id: ShapeId) -> Option<&Instance> {
        match self.kind(id) {
            Kind::Instance(instance) => Some(instance),
            _ => None,
        }
    }

    pub(super) fn instance_mut(&mut self, id: ShapeId) -> Option<&mut Instance> {
        match self.kind_mut(id) {
            Kind::Instance(instance) => Some(instance),
            _ => None,
        }
    }

    /// The shape for values of that kind at a place, made by `new` if there was none.
    pub(super) fn shape_at(&mut self, place: PlaceId, key: Key, new: impl FnOnce() -> Kind) -> ShapeId {
        if let Some(shape) = self.place(place).shape(key) {
            return self.find_shape(shape);
        }
        let shape = self.new_shape(new(), place);
        self.place_mut(place).shapes.push((key, shape));
        shape
    }
}

impl Default for Schema {
    fn default() -> Self {
        Schema::new()
    }
}
