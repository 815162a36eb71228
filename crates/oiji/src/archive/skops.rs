//! skops: a ZIP of `.npy` members and `schema.json`, a tree of nodes that says what object they belong to.
//!
//! Arrays are named by their ways in that tree, `steps.0.1.coef_`; those that it does not name by their members.

use std::collections::{HashMap, HashSet};

use json_event_parser::{JsonEvent, LowLevelJsonParser};

use crate::archive::container::{Container, no_array};
use crate::archive::names::Names;
use crate::archive::zip::{Zip, invalid};
use crate::archive::{ArrayInfo, Member};
use crate::array::Array;
use crate::error::{Error, Result};
use crate::graph::ReadOptions;

/// The tree's name.
const SCHEMA: &[u8] = b"schema.json";

/// Names are cut to their last bytes, about this many.
const LONGEST: usize = 1_000;

pub(crate) struct Skops<'a> {
    zip: Zip<'a>,
    options: ReadOptions<'a>,
    /// Arrays with their members.
    arrays: Vec<(String, usize)>,
    by_name: HashMap<String, usize>,
}

impl<'a> Skops<'a> {
    pub(crate) fn is_one(zip: &Zip<'_>) -> bool {
        zip.find(SCHEMA).is_some()
    }

    pub(crate) fn new(zip: Zip<'a>, options: ReadOptions<'a>) -> Result<Self> {
        let schema = zip.find(SCHEMA).ok_or_else(|| invalid("no member schema.json"))?;
        let files = files(&zip.read(schema)?)?;
        let members: HashMap<&[u8], usize> =
            zip.members().iter().enumerate().map(|(index, member)| (member.raw_name.as_slice(), index)).collect();
        let mut names = Names::free();
        let mut arrays = Vec::new();
        let mut named = HashSet::new();
        for (path, file) in files {
            if let Some(index) = members.get(file.as_bytes()).filter(|_| file.ends_with(".npy")) {
                named.insert(*index);
                arrays.push((names.named(if path.is_empty() { "array" } else { &path }), *index));
            }
        }
        for (index, member) in zip.members().iter().enumerate() {
            let name = member.name();
            if let Some(name) = name.strip_suffix(".npy").filter(|_| !named.contains(&index)) {
                arrays.push((names.named(name), index));
            }
        }
        let by_name = arrays.iter().cloned().collect();
        drop(members);
        Ok(Skops { zip, options, arrays, by_name })
    }
}

/// An object or array of the tree that is not at its end.
struct Open {
    /// How long the way to it is.
    way: usize,
    /// The key that was read last; empty in arrays.
    key: String,
    /// How many items of an array were begun; nothing in objects.
    count: Option<u64>,
}

/// Each `file` of a node, with the way to the node.
fn files(json: &[u8]) -> Result<Vec<(String, String)>> {
    let mut parser = LowLevelJsonParser::new().with_max_stack_size(usize::MAX);
    let mut offset = 0;
    let mut way = String::new();
    let mut open: Vec<Open> = Vec::new();
    let mut found = Vec::new();
    loop {
        let parsed = parser.parse_next(&json[offset..], true);
        offset += parsed.consumed_bytes;
        let event = match parsed.event {
            None => continue,
            Some(event) => event.map_err(|error| invalid(format!("schema.json: {}", error.message())))?,
        };
        match event {
            JsonEvent::Eof => return Ok(found),
            JsonEvent::EndArray | JsonEvent::EndObject => drop(open.pop()),
            JsonEvent::ObjectKey(key) => {
                if let Some(object) = open.last_mut() {
                    object.key = key.into_owned();
                }
            }
            event => {
                // The item begins: its way is that of what holds it and one step, but for the content of a node.
                way.truncate(open.last().map_or(0, |open| open.way));
                if let Some(open) = open.last_mut() {
                    if let (JsonEvent::String(file), "file") = (&event, open.key.as_str()) {
                        found.push((tail(&way).to_owned(), file.to_string()));
                    }
                    let step = match &mut open.count {
                        Some(count) => {
                            *count += 1;
                            (*count - 1).to_string()
                        }
                        None => std::mem::take(&mut open.key),
                    };
                    if step != "content" {
                        way.push_str(if way.is_empty() { "" } else { "." });
                        way.push_str(&step);
                    }
                }
                let count = matches!(event, JsonEvent::StartArray).then_some(0);
                if matches!(event, JsonEvent::StartArray | JsonEvent::StartObject) {
                    open.push(Open { way: way.len(), key: String::new(), count });
                }
            }
        }
    }
}

/// The end of a way, so that nothing that is nested deep makes all names long.
fn tail(way: &str) -> &str {
    let from = way.len().saturating_sub(LONGEST);
    let from = (from..=way.len()).find(|from| way.is_char_boundary(*from));
    &way[from.unwrap_or(0)..]
}

impl<'a> Container<'a> for Skops<'a> {
    fn members(&self) -> Vec<Member> {
        self.zip.as_members()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let mut arrays = Vec::new();
        for (name, index) in &self.arrays {
            let member = self.zip.members()[*index].name().into_owned();
            let header = self.zip.npy_header(*index)?;
            let header = header.ok_or_else(|| invalid(format!("member {member} is no .npy file")))?;
            arrays.push(ArrayInfo { name: name.clone(), dtype: header.dtype, shape: header.shape, member });
        }
        Ok(arrays)
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        self.zip.npy(*self.by_name.get(name).ok_or_else(|| no_array(name))?, &self.options)
    }

    fn verify(&self) -> Vec<(String, Error)> {
        self.zip.broken_members()
    }
}
