//! Which places can be keys of a map or items of a set in Rust: they need an order.

use crate::inspect::derive::schema::Schema;
use crate::inspect::derive::shape::{Kind, PlaceId, Shape};

/// For each place whether its type can have an order.
pub(super) struct Keyable(Vec<bool>);

/// How deep keys nest that are told to have an order.
const ROUNDS: usize = 16;

impl Keyable {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut known = Keyable(vec![false; schema.places.len()]);
        for _ in 0..ROUNDS {
            let fresh = (0..schema.places.len() as u32).map(PlaceId).filter(|id| schema.find(*id) == *id);
            let fresh: Vec<PlaceId> = fresh.filter(|id| !known.0[id.0 as usize] && known.place(schema, *id)).collect();
            if fresh.is_empty() {
                break;
            }
            fresh.into_iter().for_each(|id| known.0[id.0 as usize] = true);
        }
        known
    }

    /// Whether the type of a place can have an order.
    pub(super) fn contains(&self, schema: &Schema, id: PlaceId) -> bool {
        self.0[schema.find(id).0 as usize]
    }

    fn place(&self, schema: &Schema, id: PlaceId) -> bool {
        let place = schema.place(id);
        let atoms = &place.atoms;
        let is_odd = atoms.float || atoms.surrogates || atoms.empty_tuple;
        !is_odd && place.shapes.iter().all(|(_, shape)| self.shape(schema, schema.shape(*shape)))
    }

    fn shape(&self, schema: &Schema, shape: &Shape) -> bool {
        let has_order = |place: PlaceId| self.contains(schema, place);
        match &shape.kind {
            _ if shape.is_shared || shape.is_cyclic => matches!(&shape.kind, Kind::Instance(it) if it.is_enum(true)),
            Kind::Library(library) => library.has_order && !schema.unread.contains(library),
            Kind::Tuple(items) => items.iter().copied().all(has_order),
            Kind::Row(item) | Kind::Set { item, frozen: true } => has_order(*item),
            Kind::Instance(instance) if instance.is_enum(false) => true,
            Kind::Instance(instance) if instance.is_of_args_alone() && instance.inert.is_none() => {
                instance.places().all(has_order)
            }
            _ => false,
        }
    }
}
