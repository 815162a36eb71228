//! Goes over a value and all it holds, each once, and says to the schema what stands where.
//!
//! A value met again brings its place together with the one where it stood first: so sharing costs nothing, and both have
//! the same type, which can point to the one value.

use crate::graph::{Graph, Id, Made, Node, Pairs, Value};
use crate::inspect::derive::anatomy::{Anatomy, State};
use crate::inspect::derive::cycles::Cycles;
use crate::inspect::derive::fields::{Field, Fields};
use crate::inspect::derive::inert;
use crate::inspect::derive::known::{Known, known};
use crate::inspect::derive::schema::Schema;
use crate::inspect::derive::shape::{Instance, IntSize, Key, Kind, MemberValue, PlaceId, ShapeId, StateKind};
use crate::inspect::derive::unite::add_label;

/// Takes note of all that `root` holds.
pub(super) fn walk(schema: &mut Schema, root: Value<'_>) {
    let graph = root.graph();
    let count = graph.value_count();
    let is_node = |id: Id| !graph.is_atom(id);
    let roots = is_node(root.id()).then(|| root.id().index());
    let children = |node: usize| {
        let ids = Id::new(node).ok().into_iter().flat_map(|id| graph.children(id));
        ids.filter(|id| is_node(*id)).map(|id| id.index())
    };
    let cycles = Cycles::of(count, roots, children);
    let mut walk = Walk { schema, graph, cycles, shapes: vec![None; count], stack: Vec::new() };
    let place = walk.schema.root;
    walk.visit(root.id(), place);
    while let Some((id, place)) = walk.stack.pop() {
        walk.container(id, place);
    }
}

struct Walk<'w, 'g> {
    schema: &'w mut Schema,
    graph: &'g Graph<'g>,
    cycles: Cycles,
    /// Of each container met, its shape.
    shapes: Vec<Option<ShapeId>>,
    stack: Vec<(Id, PlaceId)>,
}

/// Keys of a dict that is a record.
const KEYS: usize = 64;
/// Bytes of such a key.
const KEY_LEN: usize = 40;
/// Items of a tuple that has a place for each.
const TUPLE: usize = 12;
/// Members of an enum.
const MEMBERS: usize = 64;
/// Levels looked up for a record of the same fields.
const LEVELS: usize = 16;

impl<'g> Walk<'_, 'g> {
    /// A value at a place: an atom at once, others when their turn comes.
    fn visit(&mut self, id: Id, place: PlaceId) {
        if self.graph.is_atom(id) {
            self.atom(self.graph.value(id), place);
        } else {
            self.stack.push((id, place));
        }
    }

    /// All of some values, in order.
    fn visit_all(&mut self, values: impl IntoIterator<Item = (Value<'g>, PlaceId)>) {
        let start = self.stack.len();
        for (value, place) in values {
            self.visit(value.id(), place);
        }
        self.stack[start..].reverse();
    }

    fn atom(&mut self, value: Value<'g>, place: PlaceId) {
        if matches!(value.node(), Node::Extension(_)) {
            self.inert(place, "an extension code".to_owned());
            return;
        }
        let atoms = &mut self.schema.place_mut(place).atoms;
        match value.node() {
            Node::None => atoms.none = true,
            Node::Bool(_) => atoms.bool = true,
            Node::Int(int) => {
                let size = if int.unsigned_abs() <= 1 << 53 { IntSize::Double } else { IntSize::I64 };
                atoms.int = atoms.int.max(Some(size));
            }
            Node::BigInt(int) => {
                let size = if int.to_le_bytes().len() <= 16 { IntSize::I128 } else { IntSize::Big };
                atoms.int = atoms.int.max(Some(size));
            }
            Node::Float(_) => atoms.float = true,
            Node::Str(text) if text.has_surrogates() => atoms.surrogates = true,
            Node::Str(_) => atoms.str = true,
            Node::Bytes(_) => atoms.bytes = true,
            Node::Py2Str(bytes) if std::str::from_utf8(bytes).is_ok() => atoms.py2_text = true,
            Node::Py2Str(_) => atoms.py2_bytes = true,
            Node::Global(_) => atoms.global = true,
            _ => atoms.empty_tuple = true,
        }
    }

    fn inert(&mut self, place: PlaceId, label: String) -> ShapeId {
        let shape = self.schema.shape_at(place, Key::Inert, || Kind::Inert(Vec::new()));
        if let Kind::Inert(labels) = self.schema.kind_mut(shape) {
            add_label(labels, label);
        }
        shape
    }

    fn container(&mut self, id: Id, place: PlaceId) {
        let value = self.graph.value(id);
        if let Some(shape) = self.shapes[id.index()] {
            let shape = self.schema.find_shape(shape);
            self.schema.attach(place, self.key_of(shape), shape);
            self.schema.shape_mut(shape).is_shared |= has_identity(value);
            return;
        }
        let shape = self.first(value, place);
        self.shapes[id.index()] = Some(shape);
        self.schema.shape_mut(shape).is_cyclic |= self.cycles.contains(id.index());
    }

    fn key_of(&self, shape: ShapeId) -> Key {
        match self.schema.kind(shape) {
            Kind::Tuple(_) | Kind::Row(_) => Key::Tuple,
            Kind::List(_) => Key::List,
            Kind::Set { .. } => Key::Set,
            Kind::Record(_) | Kind::Map { .. } => Key::Dict,
            Kind::Buffer { .. } => Key::Buffer,
            Kind::Persistent(_) => Key::Persistent,
            Kind::Library(library) | Kind::LibraryList(library, _) | Kind::LibraryMap { library, .. } => {
                Key::Library(*library)
            }
            Kind::Inert(_) | Kind::United => Key::Inert,
            Kind::Instance(_) => Key::Class(shape),
        }
    }

    /// A container that was not met before.
    fn first(&mut self, value: Value<'g>, place: PlaceId) -> ShapeId {
        let node = value.node();
        if !matches!(node, Node::Object(_)) && value.steps().next().is_some() {
            return self.inert(place, format!("a {} to which something is done", value.type_name()));
        }
        match node {
            Node::Tuple(items) => self.tuple(value, items.iter(), place),
            Node::List(items) => {
                let shape = self.one_item(place, Key::List, Kind::List);
                if let Kind::List(item) = *self.schema.kind(shape) {
                    self.visit_all(items.iter().map(|value| (value, item)));
                }
                shape
            }
            Node::Set(items) | Node::FrozenSet(items) => {
                let is_frozen = matches!(node, Node::FrozenSet(_));
                let shape = self.one_item(place, Key::Set, |item| Kind::Set { item, frozen: is_frozen });
                if let Kind::Set { item, frozen } = self.schema.kind_mut(shape) {
                    *frozen |= is_frozen;
                    let item = *item;
                    self.visit_all(items.iter().map(|value| (value, item)));
                }
                shape
            }
            Node::Dict(pairs) => self.dict(value, pairs, place),
            Node::ByteArray(_) | Node::Buffer(_) => {
                let is_buffer = matches!(node, Node::Buffer(_));
                let shape = self.schema.shape_at(place, Key::Buffer, || Kind::Buffer { is_outside: false });
                if let Kind::Buffer { is_outside } = self.schema.kind_mut(shape) {
                    *is_outside |= is_buffer;
                }
                shape
            }
            Node::Persistent(pid) => {
                let shape = self.one_item(place, Key::Persistent, Kind::Persistent);
                if let Kind::Persistent(item) = *self.schema.kind(shape) {
                    self.visit(pid.id(), item);
                }
                shape
            }
            Node::Object(object) => match (known(value, object), Anatomy::of(object)) {
                (Some(Ok(known)), _) => self.known(known, place),
                (Some(Err(library)), Err(label)) => {
                    self.schema.unread.insert(library);
                    self.inert(place, label)
                }
                (_, Ok(anatomy)) => self.instance(value, &anatomy, place),
                (_, Err(label)) => self.inert(place, label),
            },
            _ => self.inert(place, value.type_name().to_owned()),
        }
    }

    /// A value of the standard library.
    fn known(&mut self, known: Known<'g>, place: PlaceId) -> ShapeId {
        match known {
            Known::Plain(library) => self.schema.shape_at(place, Key::Library(library), || Kind::Library(library)),
            Known::Deque(library, items) => {
                let shape = self.one_item(place, Key::Library(library), |item| Kind::LibraryList(library, item));
                if let Kind::LibraryList(_, item) = *self.schema.kind(shape) {
                    self.visit_all(items.into_iter().map(|value| (value, item)));
                }
                shape
            }
            Known::Dict(library, pairs) => {
                let key = Key::Library(library);
                let is_new = self.schema.place(place).shape(key).is_none();
                let shape = self.schema.shape_at(place, key, || Kind::United);
                if is_new {
                    let (key, value) = (self.place_in(shape, place), self.place_in(shape, place));
                    *self.schema.kind_mut(shape) = Kind::LibraryMap { library, key, value };
                }
                if let Kind::LibraryMap { key, value, .. } = *self.schema.kind(shape) {
                    self.visit_all(pairs.into_iter().flat_map(|(one, other)| [(one, key), (other, value)]));
                }
                shape
            }
        }
    }

    /// The shape at a place of what has one kind of items.
    fn one_item(&mut self, place: PlaceId, key: Key, kind: impl FnOnce(PlaceId) -> Kind) -> ShapeId {
        if let Some(shape) = self.schema.place(place).shape(key) {
            return self.schema.find_shape(shape);
        }
        let shape = self.schema.shape_at(place, key, || Kind::United);
        let item = self.place_in(shape, place);
        *self.schema.kind_mut(shape) = kind(item);
        shape
    }

    /// A new place in a shape that stands at `place`.
    fn place_in(&mut self, shape: ShapeId, place: PlaceId) -> PlaceId {
        let depth = self.schema.place(place).depth;
        self.schema.place_in(shape, depth.saturating_add(1))
    }

    fn tuple(&mut self, value: Value<'g>, items: impl ExactSizeIterator<Item = Value<'g>>, place: PlaceId) -> ShapeId {
        let len = items.len();
        let shape = match self.schema.place(place).shape(Key::Tuple) {
            Some(shape) => self.schema.find_shape(shape),
            None => {
                let shape = self.schema.shape_at(place, Key::Tuple, || Kind::United);
                let kind = if len > TUPLE || self.schema.is_deep(place) {
                    Kind::Row(self.place_in(shape, place))
                } else {
                    Kind::Tuple((0..len).map(|_| self.place_in(shape, place)).collect())
                };
                *self.schema.kind_mut(shape) = kind;
                shape
            }
        };
        self.as_row_unless(shape, len);
        match self.schema.kind(shape) {
            Kind::Tuple(places) => {
                let places = places.clone();
                for (item, place) in items.zip(places) {
                    self.held(value, item, place);
                }
            }
            Kind::Row(item) => {
                let item = *item;
                self.visit_all(items.map(|value| (value, item)));
            }
            _ => {}
        }
        shape
    }

    /// Gives tuples of another length than `len` one place for all items.
    fn as_row_unless(&mut self, shape: ShapeId, len: usize) {
        let Kind::Tuple(places) = self.schema.kind(shape) else { return };
        if places.len() != len {
            self.schema.make_row(shape);
        }
    }

    /// A value that another holds in a field of its own.
    fn held(&mut self, holder: Value<'g>, value: Value<'g>, place: PlaceId) {
        if !self.graph.is_atom(value.id()) && self.cycles.are_together(holder.id().index(), value.id().index()) {
            self.schema.place_mut(place).is_back = true;
        }
        self.visit(value.id(), place);
    }

    fn dict(&mut self, value: Value<'g>, pairs: Pairs<'g>, place: PlaceId) -> ShapeId {
        let is_key = |key: Value<'g>| key.as_str().is_ok_and(|name| !name.is_empty() && name.len() <= KEY_LEN);
        let is_record = pairs.len() <= KEYS && !self.schema.is_deep(place) && pairs.iter().all(|(key, _)| is_key(key));
        if is_record && let Some(shape) = self.record_at(place, pairs) {
            let places = self.fields(shape, pairs);
            for (item, place) in places {
                self.held(value, item, place);
            }
            if matches!(self.schema.kind(shape), Kind::Record(fields) if fields.len() > KEYS) {
                self.schema.make_map(shape);
            }
            return shape;
        }
        let shape = self.map_at(place);
        if let Kind::Map { key, value } = *self.schema.kind(shape) {
            self.visit_all(pairs.iter().flat_map(|(one, other)| [(one, key), (other, value)]));
        }
        shape
    }

    /// The record at a place, or one above it that has the same fields: so trees of dicts become one type.
    fn record_at(&mut self, place: PlaceId, pairs: Pairs<'g>) -> Option<ShapeId> {
        if let Some(shape) = self.schema.place(place).shape(Key::Dict) {
            let shape = self.schema.find_shape(shape);
            return matches!(self.schema.kind(shape), Kind::Record(_)).then_some(shape);
        }
        let mut at = self.schema.place(place).above;
        for _ in 0..LEVELS {
            let Some(shape) = at.map(|shape| self.schema.find_shape(shape)) else { break };
            if let Kind::Record(fields) = self.schema.kind(shape)
                && pairs.len() > 1
                && pairs.iter().all(|(key, _)| key.as_str().is_ok_and(|name| fields.get(name).is_some()))
            {
                self.schema.attach(place, Key::Dict, shape);
                return Some(shape);
            }
            at = self.schema.place(self.schema.shape(shape).place).above;
        }
        Some(self.schema.shape_at(place, Key::Dict, || Kind::Record(Fields::default())))
    }

    /// The map at a place, where there may have been a record.
    fn map_at(&mut self, place: PlaceId) -> ShapeId {
        let shape = self.schema.shape_at(place, Key::Dict, || Kind::Record(Fields::default()));
        self.schema.make_map(shape);
        shape
    }

    /// The places of a record's values.
    fn fields(&mut self, shape: ShapeId, pairs: Pairs<'g>) -> Vec<(Value<'g>, PlaceId)> {
        let above = self.schema.shape(shape).place;
        let mut found = Vec::with_capacity(pairs.len());
        let Kind::Record(fields) = self.schema.kind_mut(shape) else { return found };
        let mut fields = std::mem::take(fields);
        fields.records += 1;
        self.named(&mut fields, shape, above, pairs, &mut found);
        if let Kind::Record(empty) = self.schema.kind_mut(shape) {
            *empty = fields;
        }
        found
    }

    /// Takes note of named fields, in a record that is counted already.
    fn named(
        &mut self,
        fields: &mut Fields,
        shape: ShapeId,
        above: PlaceId,
        pairs: Pairs<'g>,
        found: &mut Vec<(Value<'g>, PlaceId)>,
    ) {
        let record = fields.records;
        for (key, value) in pairs {
            let Ok(name) = key.as_str() else { continue };
            if fields.get(name).is_none() {
                let place = self.place_in(shape, above);
                fields.push(Field::new(name.to_owned(), place));
            }
            if let Some(field) = fields.get_mut(name) {
                field.see(record);
                found.push((value, field.place));
            }
        }
    }

    fn instance(&mut self, value: Value<'g>, anatomy: &Anatomy<'g>, place: PlaceId) -> ShapeId {
        let shape = self.class(anatomy, place);
        self.schema.attach(place, Key::Class(shape), shape);
        let is_full = self.schema.is_full();
        let Some(instance) = self.schema.instance_mut(shape) else { return shape };
        if is_full && instance.count == 0 {
            instance.inert = Some("too many classes");
        }
        if instance.inert.is_some() {
            return shape;
        }
        let mut instance = std::mem::replace(instance, Instance::new("", "", Made::New));
        let mut found = Vec::new();
        self.parts(&mut instance, shape, anatomy, &mut found);
        let (items, pairs) = (instance.items, instance.pairs);
        if let Some(empty) = self.schema.instance_mut(shape) {
            *empty = instance;
        }
        for (item, place) in found {
            self.held(value, item, place);
        }
        if let Some(place) = items {
            self.visit_all(anatomy.items.iter().map(|value| (*value, place)));
        }
        if let Some((key, item)) = pairs {
            self.visit_all(anatomy.pairs.iter().flat_map(|(one, other)| [(*one, key), (*other, item)]));
        }
        shape
    }

    /// The one shape of a class.
    fn class(&mut self, anatomy: &Anatomy<'g>, place: PlaceId) -> ShapeId {
        let (module, name) = (anatomy.class.module(), anatomy.class.name());
        let key = (module.to_owned(), name.to_owned());
        if let Some(shape) = self.schema.classes.get(&key) {
            return *shape;
        }
        let kind = Kind::Instance(Box::new(Instance::new(module, name, anatomy.made)));
        let shape = self.schema.new_shape(kind, place);
        self.schema.classes.insert(key, shape);
        shape
    }

    /// Takes note of what an instance has; `found` gets its values with their places, but for items and pairs.
    fn parts(
        &mut self,
        instance: &mut Instance,
        shape: ShapeId,
        anatomy: &Anatomy<'g>,
        found: &mut Vec<(Value<'g>, PlaceId)>,
    ) {
        instance.count += 1;
        let count = instance.count;
        self.member(instance, anatomy);
        self.row(&mut instance.args, "arg", shape, count, &anatomy.args, found);
        let [dict, slots] = match anatomy.state {
            State::Attributes(dicts) => {
                instance.set_state(StateKind::Attributes);
                dicts
            }
            State::Items { items, is_list } => {
                instance.set_state(if is_list { StateKind::List } else { StateKind::Tuple });
                let items: Vec<Value<'g>> = items.iter().collect();
                self.row(&mut instance.state, "state", shape, count, &items, found);
                [None, None]
            }
            State::None => [None, None],
        };
        let parts =
            [(&mut instance.kwargs, anatomy.kwargs), (&mut instance.attributes, dict), (&mut instance.slots, slots)];
        for (fields, pairs) in parts {
            fields.records = count;
            if let Some(pairs) = pairs {
                self.named(fields, shape, self.schema.root, pairs, found);
            }
        }
        if !anatomy.items.is_empty() && instance.items.is_none() {
            instance.items = Some(self.schema.place_in(shape, 1));
        }
        if !anatomy.pairs.is_empty() && instance.pairs.is_none() {
            instance.pairs = Some((self.schema.place_in(shape, 1), self.schema.place_in(shape, 1)));
        }
    }

    /// Fields that have no names: `arg0`, `arg1`.
    fn row(
        &mut self,
        fields: &mut Vec<Field>,
        name: &str,
        shape: ShapeId,
        count: u32,
        values: &[Value<'g>],
        found: &mut Vec<(Value<'g>, PlaceId)>,
    ) {
        for (index, value) in values.iter().enumerate() {
            if fields.len() == index {
                fields.push(Field::new(format!("{name}{index}"), self.schema.place_in(shape, 1)));
            }
            fields[index].see(count);
            found.push((*value, fields[index].place));
        }
    }

    /// Takes note of what may be the member of an enum.
    fn member(&self, instance: &mut Instance, anatomy: &Anatomy<'g>) {
        let pickle = self.schema.roots;
        let members = &mut instance.members;
        let value = anatomy.alone().and_then(|arg| match arg.node() {
            Node::Int(int) => Some(MemberValue::Int(int)),
            _ => arg.as_str().ok().filter(|text| is_word(text)).map(|text| MemberValue::Str(text.to_owned())),
        });
        let Some(value) = value.filter(|_| !members.are_none) else {
            members.are_none = true;
            return;
        };
        match members.values.iter_mut().find(|(other, _)| *other == value) {
            // A member is one object, wherever it stands.
            Some((_, seen)) if *seen == pickle => members.are_none = true,
            Some((_, seen)) => *seen = pickle,
            None => members.values.push((value, pickle)),
        }
        members.are_none |= members.values.len() > MEMBERS;
    }
}

impl Instance {
    fn set_state(&mut self, kind: StateKind) {
        match self.state_kind {
            None => self.state_kind = Some(kind),
            Some(known) if known == kind => {}
            Some(_) => self.inert = Some("its states are of several kinds"),
        }
    }
}

/// Whether a str is a word that can name a member.
fn is_word(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= KEY_LEN
        && chars.next().is_some_and(|first| first.is_ascii_alphabetic())
        && chars.all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | ' '))
}

/// Whether it matters which of such values are the same: not for what is immutable through and through.
fn has_identity(value: Value<'_>) -> bool {
    let graph = value.graph();
    match value.node() {
        Node::Tuple(items) | Node::FrozenSet(items) => items.iter().any(|item| !graph.is_atom(item.id())),
        Node::Object(object) => inert::has_identity(object),
        Node::Persistent(_) => false,
        _ => true,
    }
}
