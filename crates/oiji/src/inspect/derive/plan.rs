//! What every place is in Rust: one type, one of several, or anything; which of them have names, which need pointers.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::Made;
use crate::inspect::derive::cycles::Cycles;
use crate::inspect::derive::fields::Field;
use crate::inspect::derive::keys::Keyable;
use crate::inspect::derive::names::{self, Names};
use crate::inspect::derive::schema::Schema;
use crate::inspect::derive::shape::{Instance, IntSize, Key, Kind, PlaceId, ShapeId};

/// What stands at a place, but for `None`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Nothing,
    One(Variant),
    Choice(Vec<Variant>),
    Anything,
}

/// One of the types at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Variant {
    Bool,
    Int(IntSize),
    Float,
    Str,
    /// A `str` of Python 2 that may be no UTF-8.
    Py2Str,
    Bytes,
    Global,
    Shape(ShapeId),
    /// What no other takes.
    Other,
}

/// What has a name of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum ItemId {
    Shape(ShapeId),
    Choice(PlaceId),
}

/// What stands between a place and a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pointer {
    None,
    Rc,
    RcRefCell,
}

/// Types at one place that are still told apart.
const CHOICES: usize = 8;
/// Levels of containers without names.
const HEIGHT: u32 = 6;

/// The types of all places.
pub(super) struct Plan<'s> {
    pub(super) schema: &'s Schema,
    keyable: Keyable,
    /// Containers that need a name, since they hold themselves or too much.
    newtypes: FxHashSet<ShapeId>,
    /// What would be of endless size without a box.
    endless: Cycles,
    /// What stands in keys, and so needs an order.
    keys: FxHashSet<ItemId>,
    pub(super) names: FxHashMap<ItemId, String>,
    /// What is named, in the order in which it is met from the root.
    pub(super) items: Vec<ItemId>,
    /// What containers without names are called, should they need one.
    pub(super) hints: FxHashMap<ShapeId, String>,
    pub(super) used: Names,
}

impl<'s> Plan<'s> {
    pub(super) fn of(schema: &'s Schema, root: &str) -> Self {
        let mut plan = Plan {
            schema,
            keyable: Keyable::of(schema),
            newtypes: FxHashSet::default(),
            endless: Cycles::default(),
            keys: FxHashSet::default(),
            names: FxHashMap::default(),
            items: Vec::new(),
            hints: FxHashMap::default(),
            used: Names::of_types(),
        };
        plan.newtypes = plan.find_newtypes();
        plan.name_all(root);
        plan.endless = plan.find_endless();
        plan.keys = plan.find_keys();
        plan
    }

    /// Whether its values stay as the pickle says them.
    pub(super) fn is_inert(&self, shape: ShapeId) -> bool {
        match self.schema.kind(shape) {
            Kind::Inert(_) | Kind::United => true,
            Kind::Library(library) | Kind::LibraryList(library, _) | Kind::LibraryMap { library, .. } => {
                self.schema.unread.contains(library)
            }
            Kind::Instance(instance) => instance.inert.is_some(),
            Kind::Map { key, .. } => !self.is_key(*key),
            _ => false,
        }
    }

    /// Whether values of a place can be keys. One that nothing stands at can.
    pub(super) fn is_key(&self, place: PlaceId) -> bool {
        self.keyable.contains(self.schema, place)
    }

    /// What stands at a place.
    pub(super) fn form(&self, id: PlaceId) -> Form {
        let place = self.schema.place(id);
        let atoms = place.atoms;
        if atoms.surrogates {
            return Form::Anything;
        }
        let mut variants = Vec::new();
        let mut add = |is_there: bool, variant: Variant| {
            if is_there {
                variants.push(variant);
            }
        };
        let is_bytes = atoms.bytes && place.shape(Key::Buffer).is_none();
        add(atoms.bool, Variant::Bool);
        if let Some(size) = atoms.int {
            add(!atoms.float || size > IntSize::Double, Variant::Int(size));
        }
        add(atoms.float, Variant::Float);
        add(atoms.py2_bytes, Variant::Py2Str);
        add(atoms.str || atoms.py2_text && !atoms.py2_bytes, Variant::Str);
        add(is_bytes, Variant::Bytes);
        let mut inert = Vec::new();
        // The order in which they are tried: from those that fit one class alone to those that fit much.
        let order = |key: Key| match key {
            Key::Class(_) | Key::Library(_) => 0,
            Key::Buffer => 1,
            Key::Set | Key::Persistent | Key::Inert => 2,
            Key::Tuple => 3,
            Key::List => 4,
            Key::Dict => 5,
        };
        let mut shapes = place.shapes.clone();
        shapes.sort_by_key(|(key, _)| order(*key));
        for (_, shape) in &shapes {
            if self.is_inert(*shape) { inert.push(*shape) } else { variants.push(Variant::Shape(*shape)) }
        }
        if atoms.global {
            variants.push(Variant::Global);
        }
        let is_empty_tuple = atoms.empty_tuple && place.shape(Key::Tuple).is_none();
        match (variants.len(), inert.len(), is_empty_tuple) {
            (0, 0, false) => Form::Nothing,
            (0, 1, false) => Form::One(Variant::Shape(inert[0])),
            (0, ..) => Form::Anything,
            (1, 0, false) => Form::One(variants[0]),
            _ if !self.are_distinct(&variants) => Form::Anything,
            (_, 0, false) => Form::Choice(variants),
            _ if variants.iter().any(|variant| self.is_loose(*variant)) => Form::Anything,
            _ => {
                variants.push(Variant::Other);
                Form::Choice(variants)
            }
        }
    }

    /// Whether `Unpickle::matches` tells them apart.
    fn are_distinct(&self, variants: &[Variant]) -> bool {
        let has = |wanted: fn(&Kind) -> bool| {
            variants.iter().any(|variant| matches!(variant, Variant::Shape(shape) if wanted(self.schema.kind(*shape))))
        };
        let is_sequence = has(|kind| matches!(kind, Kind::Tuple(_) | Kind::Row(_)));
        let is_list = has(|kind| matches!(kind, Kind::List(_)));
        // An `OrderedDict` takes any dict.
        let is_dict = has(|kind| matches!(kind, Kind::Map { .. } | Kind::Record(_)))
            && has(|kind| matches!(kind, Kind::LibraryMap { library, .. } if library.name == "OrderedDict"));
        let is_odd_set = variants.iter().any(|variant| match variant {
            Variant::Shape(shape) => matches!(self.schema.kind(*shape), Kind::Set { item, .. } if !self.is_key(*item)),
            _ => false,
        });
        let is_unclear = is_sequence && is_list || is_odd_set || is_dict;
        variants.len() <= CHOICES && !is_unclear
    }

    /// Whether it matches objects that are none of it: a record whose fields may all be missing.
    fn is_loose(&self, variant: Variant) -> bool {
        let Variant::Shape(shape) = variant else { return false };
        let Kind::Record(fields) = self.schema.kind(shape) else { return false };
        fields.iter().all(|field| {
            let place = self.schema.place(field.place);
            field.count < fields.records || place.atoms.none || place.is_back
        })
    }

    /// Whether a field is an `Option`.
    pub(super) fn is_optional(&self, field: &Field, records: u32) -> bool {
        field.count < records || self.is_nullable(field.place)
    }

    /// Whether a place is an `Option`: for `None`, or for what leads back and is not there yet when it is read.
    pub(super) fn is_nullable(&self, id: PlaceId) -> bool {
        let place = self.schema.place(id);
        let needs_gap = |variant: &Variant| match variant {
            Variant::Shape(shape) => {
                !self.is_inert(*shape)
                    && matches!(self.schema.kind(*shape), Kind::Tuple(_) | Kind::Record(_) | Kind::Instance(_))
            }
            _ => false,
        };
        place.atoms.none
            || place.is_back
                && match self.form(id) {
                    Form::One(variant) => needs_gap(&variant),
                    Form::Choice(variants) => variants.iter().any(needs_gap),
                    _ => false,
                }
    }

    /// What points to values of a shape.
    pub(super) fn pointer(&self, id: ShapeId) -> Pointer {
        let shape = self.schema.shape(id);
        let is_changing = match &shape.kind {
            Kind::Persistent(_) | Kind::United => return Pointer::None,
            Kind::Instance(instance) if instance.is_enum(shape.is_shared) => return Pointer::None,
            _ if self.is_inert(id) => false,
            Kind::Library(library) => library.has_identity,
            Kind::Tuple(_) | Kind::Row(_) | Kind::Inert(_) => false,
            Kind::Set { frozen, .. } => !frozen,
            Kind::Instance(instance) => !(instance.made == Made::New && instance.is_of_args_alone()),
            _ => true,
        };
        match (is_changing, shape.is_shared, shape.is_cyclic) {
            (true, true, _) | (true, _, true) => Pointer::RcRefCell,
            (false, true, _) => Pointer::Rc,
            _ => Pointer::None,
        }
    }

    /// The enum of Python that a shape is.
    pub(super) fn as_enum(&self, id: ShapeId) -> Option<&'s Instance> {
        let shape = self.schema.shape(id);
        match &shape.kind {
            Kind::Instance(instance) if instance.inert.is_none() && instance.is_enum(shape.is_shared) => Some(instance),
            _ => None,
        }
    }

    /// Whether a shape has a name.
    pub(super) fn is_item(&self, shape: ShapeId) -> bool {
        let is_named = matches!(self.schema.kind(shape), Kind::Instance(_) | Kind::Record(_));
        !self.is_inert(shape) && (is_named || self.newtypes.contains(&shape))
    }

    /// Whether a reference to it needs a box where nothing else is between.
    pub(super) fn is_endless(&self, item: ItemId) -> bool {
        self.endless.contains(self.node(item))
    }

    /// Whether it needs an order.
    pub(super) fn has_order(&self, item: ItemId) -> bool {
        self.keys.contains(&item)
    }

    /// The places of what a shape holds.
    pub(super) fn places(&self, shape: ShapeId) -> Vec<PlaceId> {
        match self.schema.kind(shape) {
            _ if self.is_inert(shape) || self.as_enum(shape).is_some() => Vec::new(),
            Kind::Tuple(items) => items.clone(),
            Kind::Row(item) | Kind::List(item) | Kind::Persistent(item) | Kind::Set { item, .. } => vec![*item],
            Kind::LibraryList(_, item) => vec![*item],
            Kind::Map { key, value } | Kind::LibraryMap { key, value, .. } => vec![*key, *value],
            Kind::Record(fields) => fields.iter().map(|field| field.place).collect(),
            Kind::Instance(instance) => instance.places().collect(),
            Kind::Buffer { .. } | Kind::Library(_) | Kind::Inert(_) | Kind::United => Vec::new(),
        }
    }

    /// The shapes that can stand at a place.
    fn shapes(&self, place: PlaceId) -> Vec<ShapeId> {
        let of = |variant: &Variant| match variant {
            Variant::Shape(shape) => Some(*shape),
            _ => None,
        };
        match self.form(place) {
            Form::One(variant) => of(&variant).into_iter().collect(),
            Form::Choice(variants) => variants.iter().filter_map(of).collect(),
            Form::Nothing | Form::Anything => Vec::new(),
        }
    }

    /// The containers without names that one holds at once.
    fn bare(&self, shape: ShapeId) -> std::vec::IntoIter<ShapeId> {
        let is_bare = |shape: &ShapeId| {
            !self.is_inert(*shape) && !matches!(self.schema.kind(*shape), Kind::Instance(_) | Kind::Record(_))
        };
        let one = |place: PlaceId| match self.form(place) {
            Form::One(Variant::Shape(shape)) => Some(shape),
            _ => None,
        };
        let found: Vec<ShapeId> = self.places(shape).into_iter().filter_map(one).filter(is_bare).collect();
        found.into_iter()
    }

    fn find_newtypes(&self) -> FxHashSet<ShapeId> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Not,
            Open,
            /// Levels below it.
            Done(u32),
        }
        let mut found = FxHashSet::default();
        let mut seen = vec![Seen::Not; self.schema.shapes.len()];
        for root in self.schema.ids() {
            let is_bare =
                !matches!(self.schema.kind(root), Kind::Instance(_) | Kind::Record(_)) && !self.is_inert(root);
            if !is_bare || seen[root.0 as usize] != Seen::Not {
                continue;
            }
            let mut frames = Vec::new();
            let mut next = Some(root);
            loop {
                if let Some(shape) = next.take() {
                    seen[shape.0 as usize] = Seen::Open;
                    frames.push((shape, self.bare(shape), 0));
                }
                let Some((shape, rest, height)) = frames.last_mut() else { break };
                match rest.next() {
                    Some(child) => match seen[child.0 as usize] {
                        Seen::Not => next = Some(child),
                        Seen::Open => drop(found.insert(child)),
                        Seen::Done(below) => *height = (*height).max(below + 1),
                    },
                    None => {
                        let (shape, height) = (*shape, *height);
                        let is_high = height >= HEIGHT;
                        if is_high {
                            found.insert(shape);
                        }
                        let height = if is_high || found.contains(&shape) { 0 } else { height };
                        seen[shape.0 as usize] = Seen::Done(height);
                        frames.pop();
                        if let Some((.., above)) = frames.last_mut() {
                            *above = (*above).max(height + 1);
                        }
                    }
                }
            }
        }
        found
    }

    /// A number for what may be endless: places come first.
    fn node(&self, item: ItemId) -> usize {
        match item {
            ItemId::Choice(place) => self.schema.find(place).0 as usize,
            ItemId::Shape(shape) => self.schema.places.len() + self.schema.find_shape(shape).0 as usize,
        }
    }

    fn find_endless(&self) -> Cycles {
        let count = self.schema.places.len();
        let all = count + self.schema.shapes.len();
        Cycles::of(all, 0..all, |node| {
            let next: Vec<usize> = if node < count {
                let shapes = self.shapes(PlaceId(node as u32)).into_iter();
                let direct = shapes.filter(|shape| self.pointer(*shape) == Pointer::None && !self.is_inert(*shape));
                direct.map(|shape| self.node(ItemId::Shape(shape))).collect()
            } else {
                let shape = ShapeId((node - count) as u32);
                let places = match self.schema.kind(shape) {
                    Kind::Instance(instance) if self.as_enum(shape).is_none() => {
                        instance.fields().map(|field| field.place).collect()
                    }
                    Kind::Tuple(_) | Kind::Persistent(_) | Kind::Record(_) => self.places(shape),
                    _ => Vec::new(),
                };
                places.into_iter().map(|place| self.node(ItemId::Choice(place))).collect()
            };
            next.into_iter()
        })
    }

    fn find_keys(&self) -> FxHashSet<ItemId> {
        let mut work: Vec<PlaceId> = Vec::new();
        for shape in self.schema.ids().filter(|shape| !self.is_inert(*shape)) {
            match self.schema.kind(shape) {
                Kind::Map { key, .. } => work.push(*key),
                Kind::Set { item, .. } if self.is_key(*item) => work.push(*item),
                Kind::Instance(instance) => {
                    work.extend(instance.pairs.map(|(key, _)| key).filter(|key| self.is_key(*key)));
                }
                _ => {}
            }
        }
        let mut found = FxHashSet::default();
        while let Some(place) = work.pop() {
            if !found.insert(ItemId::Choice(self.schema.find(place))) {
                continue;
            }
            for shape in self.shapes(place) {
                if found.insert(ItemId::Shape(shape)) {
                    work.extend(self.places(shape));
                }
            }
        }
        found
    }

    /// Gives names, from the root on, level by level.
    fn name_all(&mut self, root: &str) {
        let place = self.schema.root;
        let is_own = match self.form(place) {
            // The class that the file is of has its own name, and the root is an alias for it.
            Form::One(Variant::Shape(shape)) => {
                let is_alone = self.pointer(shape) == Pointer::None && !self.is_nullable(place);
                let is_class = self.schema.instance(shape).is_some();
                let is_same = self.schema.instance(shape).is_some_and(|class| names::type_name(&class.name) == root);
                is_alone && (is_same || !is_class && self.is_item(shape))
            }
            Form::Choice(_) => !self.is_nullable(place),
            _ => false,
        };
        if !is_own {
            self.used.unique(root.to_owned());
        }
        let mut queue = VecDeque::from([(place, root.to_owned())]);
        let mut seen = FxHashSet::default();
        while let Some((place, hint)) = queue.pop_front() {
            let place = self.schema.find(place);
            if !seen.insert(place) {
                continue;
            }
            let form = self.form(place);
            let (variants, is_choice) = match form {
                Form::One(variant) => (vec![variant], false),
                Form::Choice(variants) => (variants, true),
                Form::Nothing | Form::Anything => continue,
            };
            if is_choice {
                self.name(ItemId::Choice(place), hint.clone());
            }
            for variant in variants {
                if let Variant::Shape(shape) = variant {
                    let hint = if is_choice { self.part_of(&hint, shape) } else { hint.clone() };
                    self.name_shape(shape, hint, &mut queue);
                }
            }
        }
    }

    fn name(&mut self, item: ItemId, hint: String) {
        if !self.names.contains_key(&item) {
            let name = self.used.unique(names::shortened(hint));
            self.names.insert(item, name);
            self.items.push(item);
        }
    }

    /// What a container that is one of several is called.
    fn part_of(&self, hint: &str, shape: ShapeId) -> String {
        let part = match self.schema.kind(shape) {
            Kind::Tuple(_) | Kind::Row(_) => "Tuple",
            Kind::List(_) | Kind::LibraryList(..) => "List",
            Kind::Set { .. } => "Set",
            _ => "Dict",
        };
        format!("{hint}{part}")
    }

    fn name_shape(&mut self, shape: ShapeId, hint: String, queue: &mut VecDeque<(PlaceId, String)>) {
        if self.hints.contains_key(&shape) || self.is_inert(shape) {
            return;
        }
        let is_item = self.is_item(shape);
        let schema = self.schema;
        let name = match schema.kind(shape) {
            Kind::Instance(instance) => self.class_name(instance),
            _ => hint,
        };
        self.hints.insert(shape, name.clone());
        if is_item {
            self.name(ItemId::Shape(shape), name.clone());
        }
        let name = self.names.get(&ItemId::Shape(shape)).cloned().unwrap_or(name);
        match schema.kind(shape) {
            Kind::Tuple(items) => {
                queue.extend(items.iter().enumerate().map(|(at, place)| (*place, format!("{name}{at}"))));
            }
            Kind::Row(item) | Kind::List(item) | Kind::Set { item, .. } => {
                queue.push_back((*item, names::one_of(&name)))
            }
            Kind::Persistent(item) => queue.push_back((*item, format!("{name}Id"))),
            Kind::LibraryList(_, item) => queue.push_back((*item, names::one_of(&name))),
            Kind::Map { key, value } | Kind::LibraryMap { key, value, .. } => {
                queue.push_back((*key, format!("{name}Key")));
                queue.push_back((*value, names::one_of(&name)));
            }
            Kind::Record(fields) => queue.extend(fields.iter().map(|field| self.field_hint(&name, field))),
            Kind::Instance(instance) if self.as_enum(shape).is_none() => {
                queue.extend(instance.fields().map(|field| self.field_hint(&name, field)));
                queue.extend(instance.items.map(|place| (place, format!("{name}Item"))));
                if let Some((key, value)) = instance.pairs {
                    queue.push_back((key, format!("{name}Key")));
                    queue.push_back((value, format!("{name}Value")));
                }
            }
            _ => {}
        }
    }

    /// The last part of the class's name; that of its module before it where that is taken.
    fn class_name(&self, instance: &Instance) -> String {
        let name = names::type_name(instance.name.rsplit('.').next().unwrap_or_default());
        if !self.used.contains(&name) {
            return name;
        }
        let module = instance.module.rsplit('.').next().unwrap_or_default();
        names::type_name(&format!("{module}.{name}"))
    }

    fn field_hint(&self, owner: &str, field: &Field) -> (PlaceId, String) {
        let name = names::type_name(&field.name);
        let is_numbered = field.name.ends_with(|char: char| char.is_ascii_digit());
        let hint = if is_numbered || self.used.contains(&name) { format!("{owner}{name}") } else { name };
        (field.place, hint)
    }
}
