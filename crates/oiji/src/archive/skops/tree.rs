//! The tree of a skops file as a graph: nodes become the values they stand for, objects and calls inert, arrays persistent
//! values under the names of their members. What a node says is kept, also where its kind is not known.

use std::borrow::Cow;

use json_event_parser::{JsonEvent, LowLevelJsonParser};
use rustc_hash::FxHashMap;

use crate::archive::walk::text;
use crate::archive::zip::{Zip, invalid};
use crate::error::Result;
use crate::graph::{Graph, Id, Made, Node, ReadOptions, StepKind};
use crate::limits::Limits;
use crate::op::number::{self, Integer};

/// The graph of the JSON text `schema`.
///
/// # Errors
/// `InvalidArchive` for what is no JSON, and for members that it names and that are broken.
pub(crate) fn read<'a>(zip: &Zip<'a>, schema: &[u8], options: &ReadOptions<'a>) -> Result<Graph<'a>> {
    let limits = *options.limits_ref();
    let mut tree = Tree { zip, graph: Graph::new(), limits, budget: limits.allocation, files: FxHashMap::default() };
    let root = tree.json(schema, true)?;
    tree.graph.set_roots(vec![root]);
    Ok(tree.graph)
}

struct Tree<'z, 'a> {
    zip: &'z Zip<'a>,
    graph: Graph<'a>,
    limits: Limits,
    /// How many bytes may still come out of compressed members.
    budget: u64,
    /// Members that are values, and were read.
    files: FxHashMap<String, Id>,
}

/// An array or object of JSON that is not at its end.
enum Open {
    Array(Vec<Id>),
    Object { key: Option<String>, fields: Vec<(String, Id)> },
}

/// What tells of the tree alone, in each node; at its root also in what version it is written.
const MARKS: [&str; 6] = ["__class__", "__module__", "__loader__", "__id__", "protocol", "_skops_version"];

impl<'a> Tree<'_, 'a> {
    /// The value that a JSON text is, its objects taken for nodes if they are some.
    fn json(&mut self, json: &[u8], has_nodes: bool) -> Result<Id> {
        let mut parser = LowLevelJsonParser::new().with_max_stack_size(usize::MAX);
        let mut offset = 0;
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        loop {
            let parsed = parser.parse_next(&json[offset..], true);
            offset += parsed.consumed_bytes;
            let event = match parsed.event {
                None => continue,
                Some(event) => event.map_err(|error| invalid(format!("schema.json: {}", error.message())))?,
            };
            let value = match event {
                JsonEvent::Eof => return root.ok_or_else(|| invalid("schema.json is empty")),
                JsonEvent::StartArray => {
                    open.push(Open::Array(Vec::new()));
                    continue;
                }
                JsonEvent::StartObject => {
                    open.push(Open::Object { key: None, fields: Vec::new() });
                    continue;
                }
                JsonEvent::ObjectKey(name) => {
                    if let Some(Open::Object { key, .. }) = open.last_mut() {
                        *key = Some(name.into_owned());
                    }
                    continue;
                }
                JsonEvent::EndArray | JsonEvent::EndObject => match open.pop() {
                    Some(Open::Array(items)) => self.graph.add_list(&items)?,
                    Some(Open::Object { fields, .. }) => {
                        let fields = Fields(fields);
                        match self.class(&fields).filter(|_| has_nodes) {
                            Some(class) => self.node(&class, &fields, open.is_empty())?,
                            None => self.dict(&fields, |_| true)?,
                        }
                    }
                    None => continue,
                },
                JsonEvent::String(text) => self.graph.add_str(&text)?,
                JsonEvent::Number(number) => self.number(&number)?,
                JsonEvent::Boolean(value) => self.graph.add_bool(value)?,
                JsonEvent::Null => self.graph.add_none()?,
            };
            match open.last_mut() {
                Some(Open::Array(items)) => items.push(value),
                Some(Open::Object { key, fields }) => fields.push((key.take().unwrap_or_default(), value)),
                None => root = Some(value),
            }
        }
    }

    fn number(&mut self, text: &str) -> Result<Id> {
        if text.contains(['.', 'e', 'E']) {
            return self.graph.add_float(number::parse_float(text.as_bytes())?);
        }
        match number::parse_long(text.as_bytes(), self.limits.int_digits)? {
            Integer::Small(value) => self.graph.add_int(value),
            big => {
                let big = num_bigint::BigInt::from_signed_bytes_le(&big.to_le());
                self.graph.add_big_int(&big)
            }
        }
    }

    /// Fields as a dict, but for those that are not `wanted`.
    fn dict(&mut self, fields: &Fields, wanted: impl Fn(&str) -> bool) -> Result<Id> {
        let mut pairs = Vec::new();
        for (name, value) in fields.0.iter().filter(|(name, _)| wanted(name)) {
            pairs.push((self.graph.add_str(name)?, *value));
        }
        self.graph.add_dict(&pairs)
    }

    fn text(&self, id: Id) -> Option<&str> {
        text(self.graph.value(id))
    }

    /// The items of a list or tuple.
    fn items(&self, id: Id) -> Option<Vec<Id>> {
        Some(self.graph.value(id).items().ok()?.iter().map(|item| item.id()).collect())
    }

    /// The keys and values of a dict, one after another.
    fn pairs(&self, id: Id) -> Option<Vec<Id>> {
        let pairs = self.graph.value(id).pairs().ok()?;
        Some(pairs.iter().flat_map(|(key, value)| [key.id(), value.id()]).collect())
    }

    /// What kind of node some fields are, and the class it tells.
    fn class(&self, fields: &Fields) -> Option<Class> {
        let text = |name: &str| self.text(fields.get(name)?).map(str::to_owned);
        Some(Class { loader: text("__loader__")?, module: text("__module__")?, name: text("__class__")? })
    }

    /// The value that a node stands for.
    fn node(&mut self, class: &Class, fields: &Fields, is_root: bool) -> Result<Id> {
        let content = fields.get("content");
        let known = match (class.loader.as_str(), content) {
            ("JsonNode", Some(content)) => self.atom(content)?,
            ("TypeNode" | "FunctionNode", None) => Some(self.global(class)?),
            ("DictNode", Some(content)) => self.dict_node(class, content, fields.get("key_types"))?,
            ("DefaultDictNode", Some(content)) => self.default_dict(class, content)?,
            ("ListNode" | "TupleNode" | "SetNode", Some(content)) => self.sequence(class, content)?,
            ("NdArrayNode" | "SparseMatrixNode" | "BytesNode" | "BytearrayNode", _) => self.file(class, fields)?,
            ("ConstructorFromReduceNode", Some(content)) => match self.items(content) {
                Some(args) => Some(self.call(class, &args)?),
                None => None,
            },
            _ => self.reduced(class, fields)?,
        };
        match known {
            Some(value) => Ok(value),
            None => self.object(class, fields, is_root),
        }
    }

    fn global(&mut self, class: &Class) -> Result<Id> {
        self.graph.add_global(&class.module, &class.name)
    }

    fn call(&mut self, class: &Class, args: &[Id]) -> Result<Id> {
        let (class, args) = (self.global(class)?, self.graph.add_tuple(args)?);
        self.graph.add_object(Made::Call, class, args, None)
    }

    /// An object with its attributes; of a node of another kind these are all that it tells.
    fn object(&mut self, class: &Class, fields: &Fields, is_root: bool) -> Result<Id> {
        let is_told = |name: &str| !MARKS[..if is_root { MARKS.len() } else { 4 }].contains(&name);
        let told: Vec<&(String, Id)> = fields.0.iter().filter(|(name, _)| is_told(name)).collect();
        let state = match told[..] {
            [] => None,
            [(name, content)] if name == "content" => Some(*content),
            _ => Some(self.dict(fields, is_told)?),
        };
        let (class, nothing) = (self.global(class)?, self.graph.add_tuple(&[])?);
        let object = self.graph.add_object(Made::New, class, nothing, None)?;
        if let Some(state) = state {
            self.graph.add_step(object, StepKind::Build, &[state])?;
        }
        Ok(object)
    }

    /// What a JSON text in a JSON text is.
    fn atom(&mut self, content: Id) -> Result<Option<Id>> {
        let Some(content) = self.text(content).map(str::to_owned) else { return Ok(None) };
        Ok(Some(match content.as_str() {
            "NaN" => self.graph.add_float(f64::NAN)?,
            "Infinity" => self.graph.add_float(f64::INFINITY)?,
            "-Infinity" => self.graph.add_float(f64::NEG_INFINITY)?,
            json => self.json(json.as_bytes(), false)?,
        }))
    }

    /// A dict whose keys are text in JSON, with their types beside them.
    fn dict_node(&mut self, class: &Class, content: Id, types: Option<Id>) -> Result<Option<Id>> {
        let Some(mut pairs) = self.pairs(content) else { return Ok(None) };
        let types = types.and_then(|types| self.items(types)).unwrap_or_default();
        for (key, kind) in pairs.iter_mut().step_by(2).zip(types) {
            *key = self.key(*key, kind)?;
        }
        if class.is("builtins", "dict") {
            let pairs: Vec<(Id, Id)> = pairs.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            return self.graph.add_dict(&pairs).map(Some);
        }
        self.filled(class, &[], StepKind::SetItems, &pairs).map(Some)
    }

    /// A key of a type; one that cannot be told from its text stays text.
    fn key(&mut self, key: Id, kind: Id) -> Result<Id> {
        let name = self.graph.value(kind).as_global().map(|kind| kind.name().to_owned()).unwrap_or_default();
        let Some(text) = self.text(key).map(str::to_owned) else { return Ok(key) };
        let is_number = ["int", "uint", "float"].iter().any(|kind| name.starts_with(kind));
        match (name.as_str(), text.as_str()) {
            ("bool" | "bool_", "true" | "false") => self.graph.add_bool(text == "true"),
            ("NoneType", "null") => self.graph.add_none(),
            _ if is_number => Ok(self.json(text.as_bytes(), false).unwrap_or(key)),
            _ => Ok(key),
        }
    }

    fn default_dict(&mut self, class: &Class, content: Id) -> Result<Option<Id>> {
        let part = |name: &str| self.graph.value(content).get(name).ok().map(|part| part.id());
        let (Some(main), Some(factory)) = (part("main"), part("default_factory")) else { return Ok(None) };
        match self.pairs(main) {
            Some(pairs) => self.filled(class, &[factory], StepKind::SetItems, &pairs).map(Some),
            None => Ok(None),
        }
    }

    fn sequence(&mut self, class: &Class, content: Id) -> Result<Option<Id>> {
        let Some(items) = self.items(content) else { return Ok(None) };
        Ok(Some(match (class.module.as_str(), class.name.as_str()) {
            ("builtins", "list") => content,
            ("builtins", "tuple") => self.graph.add_tuple(&items)?,
            ("builtins", "set") => match self.graph.add_set(&items) {
                Ok(set) => set,
                // What has no hash is no item of a set.
                Err(_) => return Ok(None),
            },
            _ if class.loader == "ListNode" => self.filled(class, &[], StepKind::Append, &items)?,
            _ if class.loader == "SetNode" => self.call(class, &[content])?,
            // A named tuple.
            _ => self.call(class, &items)?,
        }))
    }

    /// A call whose result is filled.
    fn filled(&mut self, class: &Class, args: &[Id], how: StepKind, with: &[Id]) -> Result<Id> {
        let made = self.call(class, args)?;
        if !with.is_empty() {
            self.graph.add_step(made, how, with)?;
        }
        Ok(made)
    }

    /// What stands in a member of its own: an array, a matrix, bytes.
    fn file(&mut self, class: &Class, fields: &Fields) -> Result<Option<Id>> {
        let Some(name) = fields.get("file").and_then(|name| self.text(name)).map(str::to_owned) else {
            return self.object_array(fields);
        };
        let Some(index) = self.zip.find(name.as_bytes()) else { return Ok(None) };
        match class.loader.as_str() {
            "NdArrayNode" => {
                let array = self.persistent(&name)?;
                let is_plain =
                    class.module == "numpy" && !["matrix", "memmap", "recarray"].contains(&class.name.as_str());
                if is_plain { Ok(Some(array)) } else { self.call(class, &[array]).map(Some) }
            }
            "SparseMatrixNode" => self.matrix(&name, index),
            _ => {
                let value = match self.files.get(&name) {
                    Some(value) => *value,
                    None => {
                        let Some(bytes) = self.unpacked(index)? else { return Ok(None) };
                        let value = self.graph.add_bytes(&bytes)?;
                        self.files.insert(name, value);
                        value
                    }
                };
                if class.is("builtins", "bytes") { Ok(Some(value)) } else { self.call(class, &[value]).map(Some) }
            }
        }
    }

    fn persistent(&mut self, name: &str) -> Result<Id> {
        let name = self.graph.add_str(name)?;
        self.graph.add_persistent(name)
    }

    /// The bytes of a member, while the budget lasts.
    fn unpacked(&mut self, index: usize) -> Result<Option<Cow<'a, [u8]>>> {
        match self.budget.checked_sub(self.zip.members()[index].size) {
            Some(left) => self.budget = left,
            None => return Ok(None),
        }
        self.zip.read(index).map(Some)
    }

    /// The arrays of a matrix, which a file of `save_npz` has, by their names: `FILE.npz/data.npy`.
    fn matrix(&mut self, file: &str, index: usize) -> Result<Option<Id>> {
        if let Some(known) = self.files.get(file) {
            return Ok(Some(*known));
        }
        let limit = self.limits.allocation;
        let names: Option<Vec<String>> = match self.unpacked(index)? {
            Some(bytes) => {
                let inner = Zip::new(&bytes, limit)?;
                Some(inner.members().iter().map(|member| member.name().into_owned()).collect())
            }
            None => None,
        };
        let Some(names) = names else { return Ok(None) };
        let mut pairs = Vec::new();
        for name in names {
            let array = self.persistent(&format!("{file}/{name}"))?;
            pairs.push((self.graph.add_str(name.strip_suffix(".npy").unwrap_or(&name))?, array));
        }
        let dict = self.graph.add_dict(&pairs)?;
        self.files.insert(file.to_owned(), dict);
        Ok(Some(dict))
    }

    /// An array of objects, which are nodes in lists, as deep as it has axes.
    fn object_array(&mut self, fields: &Fields) -> Result<Option<Id>> {
        let (Some(content), Some(shape)) = (fields.get("content"), fields.get("shape")) else { return Ok(None) };
        let Some(mut items) = self.items(content) else { return Ok(None) };
        let Some(axes) = self.items(shape) else { return Ok(None) };
        for _ in 1..axes.len() {
            let lists: Option<Vec<Vec<Id>>> = items.iter().map(|item| self.items(*item)).collect();
            match lists {
                // Each list is a value of its own, and so all of them are no more than there are values.
                Some(lists) => items = lists.concat(),
                None => return Ok(None),
            }
        }
        let shape: Option<Vec<u64>> =
            axes.iter().map(|axis| u64::try_from(self.graph.value(*axis).as_i64().ok()?).ok()).collect();
        let fits = shape.as_ref().and_then(|shape| crate::array::dtype::count(shape)) == Some(items.len() as u64);
        match shape.filter(|_| fits && !axes.is_empty()) {
            Some(shape) => self.graph.add_object_array(&shape, &items).map(Some),
            None => Ok(None),
        }
    }

    /// What `__reduce__` of a compiled class gave: arguments of a call, and a state if there is any.
    fn reduced(&mut self, class: &Class, fields: &Fields) -> Result<Option<Id>> {
        let Some(reduce) = fields.get("__reduce__") else { return Ok(None) };
        let Ok(args) = self.graph.value(reduce).get("args").map(|args| args.id()) else { return Ok(None) };
        let is_tuple = matches!(self.graph.value(args).node(), Node::Tuple(_));
        let (true, Some(args)) = (is_tuple, self.items(args)) else { return Ok(None) };
        let made = self.call(class, &args)?;
        if let Some(state) = fields.get("content").filter(|state| self.graph.value(*state).len() != Some(0)) {
            self.graph.add_step(made, StepKind::Build, &[state])?;
        }
        Ok(Some(made))
    }
}

/// The fields of an object of JSON.
struct Fields(Vec<(String, Id)>);

impl Fields {
    /// The last field of a name, which is the one that Python takes.
    fn get(&self, name: &str) -> Option<Id> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, id)| *id)
    }
}

/// What a node says it is.
struct Class {
    loader: String,
    module: String,
    name: String,
}

impl Class {
    fn is(&self, module: &str, name: &str) -> bool {
        self.module == module && self.name == name
    }
}
