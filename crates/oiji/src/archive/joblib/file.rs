//! A file of joblib as an archive: its members are the arrays that do not stand in the pickle.

use rustc_hash::FxHashMap;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::files::Files;
use crate::archive::joblib::beside;
use crate::archive::joblib::read::{Inline, read};
use crate::archive::joblib::{Wrapper, is_packed, unpacked};
use crate::archive::names::NamedValues;
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::Array;
use crate::error::Result;
use crate::graph::{Graph, Id, Object, ReadOptions, Value};

pub(crate) struct Joblib<'a> {
    graph: Graph<'a>,
    inline: Inline<'a>,
    names: NamedValues,
    options: ReadOptions<'a>,
    files: Files<'a>,
}

impl<'a> Joblib<'a> {
    /// The file in `bytes`, if it is one of joblib's: a pickle with a wrapper, or one packed as joblib alone did.
    ///
    /// # Errors
    /// What the pickle says, and `InvalidArray` with the offset of an array.
    pub(crate) fn new(bytes: &'a [u8], options: ReadOptions<'a>, files: Files<'a>) -> Result<Option<Joblib<'a>>> {
        let (graph, inline) = if is_packed(bytes) {
            let pickle = unpacked(bytes, options.limits_ref().allocation)?;
            let graph = options.clone().into_owned().from_slice(&pickle).map(Graph::into_owned)?;
            (graph, Inline::default())
        } else {
            let (graph, inline) = read(bytes, &options)?;
            if !graph.values().any(|value| Wrapper::of(&graph, value.id()).is_some()) {
                return Ok(None);
            }
            (graph, inline)
        };
        let is_array = |value: Value<'_>| match wrapper(value) {
            Some((Wrapper::Inline, _)) => inline.contains_key(&value.id()),
            Some(_) => true,
            None => Array::of(value).is_some(),
        };
        let names = NamedValues::of(graph.root(), "array", is_array);
        Ok(Some(Joblib { graph, inline, names, options, files }))
    }

    /// The array that an id stands for, if that stands elsewhere.
    fn outside(&self, id: Id) -> Result<Option<Array<'a>>> {
        if let Some(stored) = self.inline.get(&id) {
            return Ok(Some(stored.array.clone()));
        }
        match Wrapper::of(&self.graph, id) {
            Some((wrapper, object)) if wrapper != Wrapper::Inline => {
                beside::array(wrapper, object, &self.files, &self.options).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The file beside this one that an array stands in; its own name if it stands in this one, nothing in the pickle.
    fn member(&self, name: &str, id: Id) -> String {
        match Wrapper::of(&self.graph, id) {
            Some((Wrapper::Inline, _)) => name.to_owned(),
            Some((_, object)) => beside::file_name(object).unwrap_or_default().to_owned(),
            None => String::new(),
        }
    }
}

fn wrapper(value: Value<'_>) -> Option<(Wrapper, Object<'_>)> {
    Wrapper::of(value.graph(), value.id())
}

impl<'a> Container<'a> for Joblib<'a> {
    fn members(&self) -> Vec<Member> {
        let names: FxHashMap<Id, &str> = self.names.iter().map(|(name, id)| (id, name)).collect();
        let mut members: Vec<Member> = self
            .inline
            .iter()
            .map(|(id, stored)| Member {
                name: names.get(id).copied().unwrap_or_default().to_owned(),
                size: stored.len,
                stored_size: stored.len,
                compression: Compression::Stored,
                offset: Some(stored.offset),
            })
            .collect();
        members.sort_by_key(|member| member.offset);
        members
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let info = |(name, id): (&str, Id)| {
            let array = self.outside(id)?.or_else(|| Array::of(self.graph.value(id)));
            let array = array.ok_or_else(|| no_array(name))?;
            Ok(ArrayInfo {
                name: name.to_owned(),
                dtype: array.dtype().clone(),
                shape: array.shape().to_vec(),
                member: self.member(name, id),
            })
        };
        self.names.iter().map(info).collect()
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let id = self.names.get(name).ok_or_else(|| no_array(name))?;
        match self.outside(id)? {
            Some(array) => Ok(array),
            None => self.graph.value(id).as_array()?.into_owned(),
        }
    }

    fn graph(&self) -> Result<Option<Graph<'a>>> {
        Ok(Some(self.graph.clone()))
    }

    fn linked(&self, budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = self.graph.clone();
        for (name, id) in self.names.iter() {
            // What is broken, or too large, stays a wrapper.
            let Some(array) = self.outside(id).ok().flatten().filter(|array| budget.spend(array.size())) else {
                continue;
            };
            budget.counter.during(name, array.size(), |_| ());
            let whole = graph.add_borrowed_array(&array)?;
            graph.put_in_place(id, whole);
        }
        Ok(graph)
    }

    fn resolve<'g>(&self, value: Value<'g>) -> Result<Option<Array<'g>>>
    where
        'a: 'g,
    {
        match wrapper(value) {
            Some(_) => self.outside(value.id()),
            None => Ok(Array::of(value)),
        }
    }
}
