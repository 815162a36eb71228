//! The source: types for places, items for what has a name, and a program around them if one is asked for.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::graph::Made;
use crate::inspect::derive::fields::Field;
use crate::inspect::derive::layout::{self, quoted};
use crate::inspect::derive::names::{self, Names};
use crate::inspect::derive::plan::{Form, ItemId, Plan, Pointer, Variant};
use crate::inspect::derive::schema::Schema;
use crate::inspect::derive::shape::{Instance, IntSize, Kind, MemberValue, PlaceId, ShapeId, StateKind};

/// What is printed around the types.
///
/// ```
/// use oiji::inspect::{DeriveOptions, derive};
/// let options = DeriveOptions { name: "Sizes".into(), source: Some("sizes.pkl".into()), ..DeriveOptions::default() };
/// let source = derive(oiji::pickle!([1.5, 2.5])?.root(), &options);
/// assert_eq!(source, "// What sizes.pkl holds.\n\npub type Sizes = Vec<f64>;\n");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeriveOptions {
    /// The name of the type of the whole. It must be one that a Rust type can have.
    pub name: String,
    /// What the comment at the start names.
    pub source: Option<String>,
    /// The path of the value in its file, if it is not all of it.
    pub path: Option<String>,
    /// Whether a program follows, that reads the file it is given and prints what it holds.
    pub main: bool,
}

impl Default for DeriveOptions {
    fn default() -> Self {
        DeriveOptions { name: "Root".to_owned(), source: None, path: None, main: false }
    }
}

/// Characters of a type that needs no name.
const LONG: usize = 48;
/// Notes on one field.
const NOTES: usize = 3;

pub(super) fn print(schema: &Schema, options: &DeriveOptions) -> String {
    let mut printer = Printer {
        plan: Plan::of(schema, &options.name),
        imports: BTreeSet::new(),
        types: FxHashMap::default(),
        extra: String::new(),
    };
    let items = printer.items(&options.name);
    let mut parts: Vec<String> = Vec::new();
    parts.extend(heading(schema, options));
    let main = options.main.then(|| printer.main(options));
    parts.extend(printer.uses());
    parts.extend(items);
    parts.extend(main);
    parts.join("\n")
}

/// Which file it is of, and what is not in the types.
fn heading(schema: &Schema, options: &DeriveOptions) -> Option<String> {
    let source = options.source.as_deref()?;
    let source: String = source.chars().filter(|char| !char.is_control()).collect();
    let part = options.path.as_ref().map(|path| format!(" at {}", path.escape_debug())).unwrap_or_default();
    let what = match schema.roots {
        0 | 1 => format!("// What {source} holds{part}.\n"),
        count => format!("// What each of the {count} pickles in {source} holds{part}.\n"),
    };
    let dropped = "// Calls that the pickle makes and drops, as of a state setter, are not in it.\n";
    Some(if schema.has_dropped { what + dropped } else { what })
}

struct Printer<'s> {
    plan: Plan<'s>,
    imports: BTreeSet<(&'static str, &'static str)>,
    /// The types of containers without names: whether they stand directly in what holds them, the text, notes.
    types: FxHashMap<(ShapeId, bool), (String, Vec<String>)>,
    /// Names that long types were given.
    extra: String,
}

impl Printer<'_> {
    fn import(&mut self, module: &'static str, name: &'static str) -> &'static str {
        self.imports.insert((module, name));
        name
    }

    /// The `use` lines: those of std, then ours.
    fn uses(&self) -> Option<String> {
        let mut groups: [Vec<String>; 2] = Default::default();
        let mut modules: Vec<&str> = self.imports.iter().map(|(module, _)| *module).collect();
        modules.dedup();
        // A single name stands before deeper modules, a list of names after them.
        let count = |module: &str| self.imports.iter().filter(|(other, _)| *other == module).count();
        modules.sort_by_key(|module| (*module == "oiji" && count(module) > 1, *module));
        for module in modules {
            let names: Vec<&str> =
                self.imports.iter().filter(|(other, _)| *other == module).map(|(_, name)| *name).collect();
            let line = match names[..] {
                [name] => format!("use {module}::{name};\n"),
                _ => format!("use {module}::{{{}}};\n", names.join(", ")),
            };
            groups[usize::from(!module.starts_with("std"))].push(line);
        }
        let groups: Vec<String> = groups.iter().map(|lines| lines.concat()).filter(|group| !group.is_empty()).collect();
        if groups.is_empty() { None } else { Some(groups.join("\n")) }
    }

    fn anything(&mut self) -> String {
        format!("{}<'static>", self.import("oiji", "Graph"))
    }

    /// The type of a place.
    fn place(&mut self, id: PlaceId, is_direct: bool, notes: &mut Vec<String>) -> String {
        let inner = self.inner(id, is_direct, notes);
        let is_nothing = self.plan.form(id) == Form::Nothing && self.plan.schema.place(id).atoms.none;
        if is_nothing || self.plan.is_nullable(id) { format!("Option<{inner}>") } else { inner }
    }

    /// The type of a place, `None` apart.
    fn inner(&mut self, id: PlaceId, is_direct: bool, notes: &mut Vec<String>) -> String {
        match self.plan.form(id) {
            Form::Nothing => self.anything(),
            Form::Anything => {
                self.note_anything(id, notes);
                self.anything()
            }
            Form::One(variant) => self.variant(variant, false, is_direct, notes),
            Form::Choice(_) => self.reference(ItemId::Choice(self.plan.schema.find(id)), is_direct),
        }
    }

    fn note_anything(&self, id: PlaceId, notes: &mut Vec<String>) {
        let place = self.plan.schema.place(id);
        let atoms = &place.atoms;
        let is_alone = place.shapes.is_empty();
        if atoms.surrogates {
            note(notes, "text with lone surrogates");
        } else if atoms.empty_tuple && is_alone && !atoms.bool && atoms.int.is_none() {
            note(notes, "an empty tuple");
        } else {
            note(notes, "values of several types");
        }
    }

    /// The name of an item, in a box where it would be of endless size.
    fn reference(&mut self, item: ItemId, is_direct: bool) -> String {
        let name = self.plan.names.get(&item).cloned().unwrap_or_else(|| "()".to_owned());
        if is_direct && self.plan.is_endless(item) { format!("Box<{name}>") } else { name }
    }

    fn variant(&mut self, variant: Variant, in_choice: bool, is_direct: bool, notes: &mut Vec<String>) -> String {
        match variant {
            Variant::Bool => "bool".to_owned(),
            Variant::Int(IntSize::Double | IntSize::I64) => "i64".to_owned(),
            Variant::Int(IntSize::I128) => "i128".to_owned(),
            Variant::Int(IntSize::Big) => {
                note(notes, "crate num-bigint");
                "num_bigint::BigInt".to_owned()
            }
            Variant::Float => "f64".to_owned(),
            Variant::Str => "String".to_owned(),
            Variant::Py2Str => self.import("oiji::class::stdlib", "Py2Str").to_owned(),
            // A `Vec` would take lists too.
            Variant::Bytes if in_choice => self.import("oiji::class", "Buffer").to_owned(),
            Variant::Bytes => "Vec<u8>".to_owned(),
            Variant::Global => self.import("oiji::class", "GlobalName").to_owned(),
            Variant::Other => self.anything(),
            Variant::Shape(shape) => {
                let pointer = self.plan.pointer(shape);
                let content = self.shape(shape, is_direct && pointer == Pointer::None, notes);
                match pointer {
                    Pointer::None => content,
                    Pointer::Rc => format!("{}<{content}>", self.import("std::rc", "Rc")),
                    Pointer::RcRefCell => {
                        let (rc, cell) = (self.import("std::rc", "Rc"), self.import("std::cell", "RefCell"));
                        format!("{rc}<{cell}<{content}>>")
                    }
                }
            }
        }
    }

    /// The type of a shape, pointers apart.
    fn shape(&mut self, shape: ShapeId, is_direct: bool, notes: &mut Vec<String>) -> String {
        if self.plan.is_inert(shape) {
            self.note_inert(shape, notes);
            return self.anything();
        }
        if self.plan.is_item(shape) {
            return self.reference(ItemId::Shape(shape), is_direct);
        }
        if let Some((text, own)) = self.types.get(&(shape, is_direct)) {
            own.iter().for_each(|text| note(notes, text));
            return text.clone();
        }
        let mut own = Vec::new();
        let mut text = self.container(shape, is_direct, &mut own);
        if text.len() > LONG {
            text = self.named(shape, text, is_direct, &mut own);
        }
        own.iter().for_each(|text| note(notes, text));
        self.types.insert((shape, is_direct), (text.clone(), own));
        text
    }

    /// Gives a long type a name; says that name.
    fn named(&mut self, shape: ShapeId, text: String, is_direct: bool, notes: &mut Vec<String>) -> String {
        let hint = self.plan.hints.get(&shape).cloned().unwrap_or_else(|| "Type".to_owned());
        let name = self.plan.used.unique(names::shortened(hint));
        let item = match self.plan.schema.kind(shape) {
            Kind::Tuple(items) if items.len() > 1 => {
                let fields = self.positional(items, is_direct);
                notes.clear();
                self.derives(self.plan.has_order(ItemId::Shape(shape))) + &layout::tuple_struct(&name, &fields)
            }
            _ => layout::alias(&name, &text),
        };
        self.extra.push('\n');
        self.extra.push_str(&item);
        name
    }

    /// Fields without names: what stands before each, and its type.
    fn positional(&mut self, places: &[PlaceId], is_direct: bool) -> Vec<(String, String)> {
        let one = |place: &PlaceId| {
            let mut notes = Vec::new();
            let ty = self.place(*place, is_direct, &mut notes);
            (layout::comment("    ", &notes), ty)
        };
        places.iter().map(one).collect()
    }

    fn note_inert(&self, shape: ShapeId, notes: &mut Vec<String>) {
        match self.plan.schema.kind(shape) {
            Kind::Inert(labels) => labels.iter().for_each(|label| note(notes, label)),
            Kind::Instance(instance) => {
                let why = instance.inert.unwrap_or_default();
                note(notes, &format!("{}.{}: {why}", instance.module, instance.name));
            }
            _ => note(notes, "a dict whose keys have no order in Rust"),
        }
    }

    fn container(&mut self, shape: ShapeId, is_direct: bool, notes: &mut Vec<String>) -> String {
        let schema = self.plan.schema;
        match schema.kind(shape) {
            Kind::Tuple(items) => {
                let types: Vec<String> = items.iter().map(|place| self.place(*place, is_direct, notes)).collect();
                let comma = if types.len() == 1 { "," } else { "" };
                format!("({}{comma})", types.join(", "))
            }
            Kind::Row(item) => {
                note(notes, "a tuple, which is written as a list");
                format!("Vec<{}>", self.place(*item, false, notes))
            }
            Kind::List(item) => format!("Vec<{}>", self.place(*item, false, notes)),
            Kind::Set { item, .. } if !self.plan.is_key(*item) => {
                note(notes, "a set, which is written as a list");
                format!("Vec<{}>", self.place(*item, false, notes))
            }
            Kind::Set { item, frozen } => {
                if *frozen {
                    note(notes, "a frozenset, which is written as a set");
                }
                let item = self.key(*item, notes);
                format!("{}<{item}>", self.import("std::collections", "BTreeSet"))
            }
            Kind::Map { key, value } => {
                let (key, value) = (self.key(*key, notes), self.place(*value, false, notes));
                format!("{}<{key}, {value}>", self.import("std::collections", "BTreeMap"))
            }
            Kind::Persistent(item) => {
                let item = self.place(*item, is_direct, notes);
                format!("{}<{item}>", self.import("oiji::class", "PersistentId"))
            }
            Kind::Library(library) => self.import(library.module, library.name).to_owned(),
            Kind::LibraryList(library, item) => {
                format!("{}<{}>", self.import(library.module, library.name), self.place(*item, false, notes))
            }
            Kind::LibraryMap { library, key, value } => {
                let name = self.import(library.module, library.name);
                let (key, value) = (self.key(*key, notes), self.place(*value, false, notes));
                // Counts are ints, unless said otherwise.
                if name == "Counter" && value == "i64" {
                    format!("{name}<{key}>")
                } else {
                    format!("{name}<{key}, {value}>")
                }
            }
            Kind::Buffer { is_outside: true } => {
                note(notes, "out of band: give the bytes to Unpickler::buffers");
                self.import("oiji::class", "Buffer").to_owned()
            }
            _ => self.import("oiji::class", "Buffer").to_owned(),
        }
    }

    /// The type of keys. Where none was seen they are taken for text.
    fn key(&mut self, place: PlaceId, notes: &mut Vec<String>) -> String {
        match self.plan.form(place) {
            Form::Nothing if !self.plan.schema.place(place).atoms.none => "String".to_owned(),
            Form::Nothing => "Option<String>".to_owned(),
            _ => self.place(place, false, notes),
        }
    }

    /// All items, the root first.
    fn items(&mut self, root: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut notes = Vec::new();
        let ty = self.place(self.plan.schema.root, false, &mut notes);
        if ty != root {
            found.push(layout::comment("", &notes) + &layout::alias(root, &ty));
        }
        self.flush(&mut found);
        for item in self.plan.items.clone() {
            let name = self.plan.names[&item].clone();
            let text = match item {
                ItemId::Choice(place) => self.choice(item, place, &name),
                ItemId::Shape(shape) => self.item(item, shape, &name),
            };
            found.push(text);
            self.flush(&mut found);
        }
        found
    }

    /// Puts names that were given on the way behind the item that needed them.
    fn flush(&mut self, found: &mut Vec<String>) {
        let extra = std::mem::take(&mut self.extra);
        if let Some(extra) = extra.strip_prefix('\n') {
            found.push(extra.to_owned());
        }
    }

    fn derives(&mut self, has_order: bool) -> String {
        self.import("oiji", "Pickle");
        self.import("oiji", "Unpickle");
        let order: &[&str] = if has_order { &["Eq", "PartialOrd", "Ord"] } else { &[] };
        let all: Vec<&str> = ["Debug", "Clone", "PartialEq"].iter().chain(order).copied().collect();
        format!("#[derive({}, Pickle, Unpickle)]\n", all.join(", "))
    }

    fn choice(&mut self, item: ItemId, place: PlaceId, name: &str) -> String {
        let Form::Choice(variants) = self.plan.form(place) else { return String::new() };
        let mut text = self.derives(self.plan.has_order(item)) + &format!("pub enum {name} {{\n");
        let mut names = Names::default();
        for variant in variants {
            let mut notes = Vec::new();
            let ty = self.variant(variant, true, true, &mut notes);
            if variant == Variant::Other {
                let inert = self.plan.schema.place(place).shapes.iter().map(|(_, shape)| *shape);
                let inert: Vec<ShapeId> = inert.filter(|shape| self.plan.is_inert(*shape)).collect();
                inert.into_iter().for_each(|shape| self.note_inert(shape, &mut notes));
            }
            text.push_str(&layout::comment("    ", &notes));
            if variant == Variant::Other {
                text.push_str("    #[pickle(other)]\n");
            }
            text.push_str(&format!("    {}({ty}),\n", names.unique(self.variant_name(variant))));
        }
        text + "}\n"
    }

    fn variant_name(&self, variant: Variant) -> String {
        let name = match variant {
            Variant::Bool => "Bool",
            Variant::Int(_) => "Int",
            Variant::Float => "Float",
            Variant::Str => "Str",
            Variant::Py2Str => "Py2Str",
            Variant::Bytes => "Bytes",
            Variant::Global => "Global",
            Variant::Other => "Other",
            Variant::Shape(shape) => match self.plan.schema.kind(shape) {
                Kind::Tuple(_) | Kind::Row(_) => "Tuple",
                Kind::List(_) => "List",
                Kind::Set { .. } => "Set",
                Kind::Record(_) | Kind::Map { .. } => "Dict",
                Kind::Buffer { .. } => "Bytes",
                Kind::Persistent(_) => "Persistent",
                Kind::Instance(_) => return self.plan.names[&ItemId::Shape(shape)].clone(),
                Kind::Library(library) | Kind::LibraryList(library, _) | Kind::LibraryMap { library, .. } => {
                    library.name
                }
                Kind::Inert(_) | Kind::United => "Other",
            },
        };
        name.to_owned()
    }

    fn item(&mut self, item: ItemId, shape: ShapeId, name: &str) -> String {
        let schema = self.plan.schema;
        if let Some(instance) = self.plan.as_enum(shape) {
            return self.members(item, instance, name);
        }
        let derives = self.derives(self.plan.has_order(item));
        match schema.kind(shape) {
            Kind::Instance(instance) => derives + &self.instance(instance, name),
            Kind::Record(fields) => {
                let mut names = Names::default();
                let fields = fields.iter().map(|field| self.field(field, fields.records, &[], &mut names));
                let fields: String = fields.collect();
                format!("{derives}pub struct {name} {{\n{fields}}}\n")
            }
            Kind::Tuple(items) if items.len() > 1 => {
                let fields = self.positional(items, true);
                derives + &layout::tuple_struct(name, &fields)
            }
            _ => {
                let mut notes = Vec::new();
                let ty = self.container(shape, true, &mut notes);
                let before = layout::comment("    ", &notes);
                derives + &layout::tuple_struct(name, &[(before, ty)])
            }
        }
    }

    /// A member of Python's `enum.Enum` for each value that was seen. Their names are not in the pickle.
    fn members(&mut self, item: ItemId, instance: &Instance, name: &str) -> String {
        let derives = self.derives(self.plan.has_order(item)).replacen("Clone", "Clone, Copy", 1);
        let class = layout::attribute("", "pickle", &[class(instance)]);
        let mut text = format!("// There may be more members; their names are not in the pickle.\n{derives}{class}");
        text.push_str(&format!("pub enum {name} {{\n"));
        let mut names = Names::default();
        for (value, _) in &instance.members.values {
            let (name, value) = match value {
                MemberValue::Int(int) if *int < 0 => (format!("Minus{}", int.unsigned_abs()), int.to_string()),
                MemberValue::Int(int) => (format!("Value{int}"), int.to_string()),
                MemberValue::Str(text) => (names::type_name(text), quoted(text)),
            };
            let name = if name == "Self" { "Self_".to_owned() } else { name };
            text.push_str(&layout::attribute("    ", "pickle", &[format!("value = {value}")]));
            text.push_str(&format!("    {},\n", names.unique(name)));
        }
        text + "}\n"
    }

    fn instance(&mut self, instance: &Instance, name: &str) -> String {
        let is_slotted = !instance.slots.is_empty() && instance.attributes.is_empty();
        let mut on = vec![class(instance)];
        match instance.made {
            Made::Call => on.push("call".to_owned()),
            Made::Instance => on.push("instance".to_owned()),
            Made::New | Made::NewEx => {}
        }
        match instance.state_kind {
            Some(StateKind::Tuple) => on.push("state = \"tuple\"".to_owned()),
            Some(StateKind::List) => on.push("state = \"list\"".to_owned()),
            _ if is_slotted => on.push("state = \"slots\"".to_owned()),
            _ => {}
        }
        let on = layout::attribute("", "pickle", &on);
        let is_bare = instance.places().next().is_none();
        if is_bare {
            return format!("{on}pub struct {name};\n");
        }
        let is_full = instance.args.iter().all(|field| !self.plan.is_optional(field, instance.count));
        if instance.is_of_args_alone() && is_full && instance.made != Made::Instance {
            let places: Vec<PlaceId> = instance.args.iter().map(|field| field.place).collect();
            let fields = self.positional(&places, true);
            return on + &layout::tuple_struct(name, &fields);
        }
        let count = instance.count;
        let mut names = Names::default();
        // Names of Python come before those that are made up.
        let mut fields = String::new();
        let slot: &[&str] = if is_slotted { &[] } else { &["slot"] };
        let named = [(&instance.kwargs, &["kwarg"][..]), (&instance.attributes, &[]), (&instance.slots, slot)];
        let mut last = String::new();
        for (group, on) in named {
            for field in group.iter() {
                last.push_str(&self.field(field, count, on, &mut names));
            }
        }
        for field in &instance.args {
            fields.push_str(&self.made_up(field, count, &["arg"], &mut names));
        }
        for field in &instance.state {
            fields.push_str(&self.made_up(field, count, &[], &mut names));
        }
        fields.push_str(&last);
        if let Some(place) = instance.items {
            let mut notes = Vec::new();
            let ty = format!("Vec<{}>", self.place(place, false, &mut notes));
            fields.push_str(&self.contents("items", "items", &ty, &notes, &mut names));
        }
        if let Some((key, value)) = instance.pairs {
            let mut notes = Vec::new();
            let (key, value) = (self.key(key, &mut notes), self.place(value, false, &mut notes));
            let ty = format!("Vec<({key}, {value})>");
            fields.push_str(&self.contents("pairs", "dict_items", &ty, &notes, &mut names));
        }
        format!("{on}pub struct {name} {{\n{fields}}}\n")
    }

    /// A field for all items.
    fn contents(&mut self, name: &str, on: &str, ty: &str, notes: &[String], names: &mut Names) -> String {
        let (name, _) = names::field_name(name, names);
        layout::comment("    ", notes) + &format!("    #[pickle({on})]\n") + &layout::field(&name, ty)
    }

    /// A field that has no name in Python.
    fn made_up(&mut self, field: &Field, records: u32, on: &[&str], names: &mut Names) -> String {
        let (name, _) = names::field_name(&field.name, names);
        self.typed(field, records, on.iter().map(|on| (*on).to_owned()).collect(), &name)
    }

    /// A field of a struct.
    fn field(&mut self, field: &Field, records: u32, on: &[&str], names: &mut Names) -> String {
        let (name, is_other) = names::field_name(&field.name, names);
        let mut on: Vec<String> = on.iter().map(|on| (*on).to_owned()).collect();
        if is_other {
            on.push(format!("rename = {}", quoted(&field.name)));
        }
        self.typed(field, records, on, &name)
    }

    fn typed(&mut self, field: &Field, records: u32, on: Vec<String>, name: &str) -> String {
        let mut notes = Vec::new();
        let mut ty = self.place(field.place, true, &mut notes);
        if field.count < records && !ty.starts_with("Option<") {
            ty = format!("Option<{ty}>");
        }
        let on = if on.is_empty() { String::new() } else { layout::attribute("    ", "pickle", &on) };
        layout::comment("    ", &notes) + &on + &layout::field(name, &ty)
    }

    /// A program that reads a file and prints what it holds.
    fn main(&mut self, options: &DeriveOptions) -> String {
        let schema = self.plan.schema;
        let name = &options.name;
        let is_cyclic = schema.ids().any(|shape| schema.shape(shape).is_cyclic);
        // What holds itself would be printed without end.
        let print = if is_cyclic {
            self.import("oiji", "Pickle");
            "println!(\"{}\", oiji::loads(&root.dumps()?)?);"
        } else {
            "println!(\"{root:?}\");"
        };
        let read = match (&options.path, schema.roots) {
            (None, 0 | 1) => {
                self.import("oiji", "Unpickle");
                format!("    let root = {name}::loads(&bytes)?;\n    {print}\n")
            }
            (None, _) => {
                let unpickler = self.import("oiji::class", "Unpickler");
                format!(
                    "    for root in {unpickler}::new().all::<{name}>(&bytes) {{\n        \
                     let root = root?;\n        {print}\n    }}\n"
                )
            }
            (Some(path), _) => {
                let unpickler = self.import("oiji::class", "Unpickler");
                let path = quoted(path);
                format!(
                    "    for graph in oiji::pickles(&bytes) {{\n        let graph = graph?;\n        \
                     let value = graph.root().path({path})?;\n        \
                     let root: {name} = {unpickler}::new().from_value(value)?;\n        {print}\n    }}\n"
                )
            }
        };
        format!(
            "fn main() -> Result<(), Box<dyn std::error::Error>> {{\n    \
             let file = std::env::args().nth(1).ok_or(\"give the name of a file\")?;\n    \
             let bytes = std::fs::read(file)?;\n{read}    Ok(())\n}}\n"
        )
    }
}

/// `class = "module.Name"`, with a colon where the name has dots.
fn class(instance: &Instance) -> String {
    let dot = if instance.name.contains('.') { ':' } else { '.' };
    format!("class = {}", quoted(&format!("{}{dot}{}", instance.module, instance.name)))
}

fn note(notes: &mut Vec<String>, text: &str) {
    if notes.len() < NOTES && !notes.iter().any(|other| other == text) {
        notes.push(text.to_owned());
    }
}
