//! Calls that only say what an older protocol has no opcode for: sets before protocol 4, bytes before 3, bytearrays
//! before 5, dotted names before 4, new objects before 2 (with keywords, before 4). They become the values they stand for,
//! unless `ReadOptions::exact` is set.

use crate::error::Result;
use crate::graph::arena::{self, Graph, Id, Kind, Slot};

/// The value that `callable(*args)` stands for, if it is one of these calls in a form that Python writes.
pub(crate) fn fold(graph: &mut Graph<'_>, callable: Id, args: Id) -> Result<Option<Slot>> {
    let global = &graph.globals[graph.slot(callable).low as usize];
    let Some(made) = Known::of(&global.module, &global.name) else {
        return Ok(None);
    };
    let [first, second] = match *graph.run(graph.slot(args)) {
        [] => [None, None],
        [first] => [Some(graph.slot(first)), None],
        [first, second] => [Some(graph.slot(first)), Some(graph.slot(second))],
        _ => return Ok(None),
    };
    match (made, first, second) {
        (Known::Set, None, None) => graph.run_slot(Kind::Set, &[]).map(Some),
        (Known::FrozenSet, None, None) => graph.run_slot(Kind::FrozenSet, &[]).map(Some),
        (Known::Bytes, None, None) => Ok(Some(graph.owned_slot(Kind::Bytes, &[]))),
        (Known::ByteArray, None, None) => Ok(Some(graph.owned_slot(Kind::ByteArray, &[]))),
        (Known::Set, Some(list), None) if list.kind == Kind::List => collection(graph, Kind::Set, list),
        (Known::FrozenSet, Some(list), None) if list.kind == Kind::List => collection(graph, Kind::FrozenSet, list),
        (Known::ByteArray, Some(bytes), None) if bytes.kind == Kind::Bytes => {
            Ok(Some(Slot { kind: Kind::ByteArray, ..bytes }))
        }
        (Known::ByteArray, Some(text), Some(encoding)) => Ok(latin1(graph, Kind::ByteArray, text, encoding)),
        (Known::Encode, Some(text), Some(encoding)) => Ok(latin1(graph, Kind::Bytes, text, encoding)),
        (Known::GetAttr, Some(owner), Some(name)) => attribute(graph, owner, name),
        _ => Ok(None),
    }
}

#[derive(Clone, Copy)]
enum Known {
    Set,
    FrozenSet,
    Bytes,
    ByteArray,
    Encode,
    GetAttr,
}

impl Known {
    fn of(module: &str, name: &str) -> Option<Known> {
        Some(match (module, name) {
            ("builtins" | "__builtin__", "set") => Known::Set,
            ("builtins" | "__builtin__", "frozenset") => Known::FrozenSet,
            ("builtins" | "__builtin__", "bytes") => Known::Bytes,
            ("builtins" | "__builtin__", "bytearray") => Known::ByteArray,
            ("_codecs", "encode") => Known::Encode,
            ("builtins" | "__builtin__", "getattr") => Known::GetAttr,
            _ => return None,
        })
    }
}

/// Whether a call of this name is a set of what a list holds when it is called.
pub(crate) fn is_collection(module: &str, name: &str) -> bool {
    matches!(Known::of(module, name), Some(Known::Set | Known::FrozenSet))
}

/// A set of what a list holds now, unless something in it cannot be in a set.
fn collection(graph: &mut Graph<'_>, kind: Kind, list: Slot) -> Result<Option<Slot>> {
    let items = graph.run(list).to_vec();
    if !items.iter().all(|id| graph.is_hashable(*id)) {
        return Ok(None);
    }
    graph.run_slot(kind, &items).map(Some)
}

/// The bytes that `text` is in Latin-1, if it is asked for that encoding and it can be.
fn latin1(graph: &mut Graph<'_>, kind: Kind, text: Slot, encoding: Slot) -> Option<Slot> {
    if text.kind != Kind::Str || !matches!(encoding.kind, Kind::Str | Kind::Py2Str) {
        return None;
    }
    if !matches!(graph.span(encoding), b"latin1" | b"latin-1") {
        return None;
    }
    let bytes = graph.span(text);
    if bytes.is_ascii() {
        return Some(Slot { kind, flags: text.flags & !arena::SURROGATES, ..text });
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let bytes = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect::<Option<Vec<u8>>>()?;
    Some(graph.owned_slot(kind, &bytes))
}

/// An attribute of a global is a global with a dotted name.
fn attribute(graph: &mut Graph<'_>, owner: Slot, name: Slot) -> Result<Option<Slot>> {
    if owner.kind != Kind::Global || !matches!(name.kind, Kind::Str | Kind::Py2Str) {
        return Ok(None);
    }
    let name = match std::str::from_utf8(graph.span(name)) {
        Ok(name) if !name.is_empty() && !name.contains('.') => name,
        _ => return Ok(None),
    };
    let owner = &graph.globals[owner.low as usize];
    let (module, dotted) = (owner.module.clone(), format!("{}.{name}", owner.name));
    let index = graph.intern_global(&module, &dotted)?;
    Ok(Some(Slot { low: index, ..Slot::plain(Kind::Global, 0) }))
}

/// How `copyreg.__newobj__(class, *args)` or `copyreg.__newobj_ex__(class, args, kwargs)` makes an object: class, the
/// arguments that follow it or their tuple, and keywords.
pub(crate) enum NewObject {
    Positional {
        class: Id,
    },
    Keywords {
        class: Id,
        args: Id,
        kwargs: Id,
    },
    /// The class stands first among the arguments.
    Partial {
        args: Id,
        kwargs: Id,
    },
}

/// What object `callable(*args)` makes, if it is such a call.
pub(crate) fn new_object(graph: &Graph<'_>, callable: Id, args: Id) -> Option<NewObject> {
    if graph.slot(callable).kind == Kind::Object {
        return partial(graph, callable, args);
    }
    let global = &graph.globals[graph.slot(callable).low as usize];
    if !matches!(&*global.module, "copyreg" | "copy_reg") {
        return None;
    }
    match (&*global.name, graph.run(graph.slot(args))) {
        ("__newobj__", [class, ..]) if graph.slot(*class).kind.is_open() => {
            Some(NewObject::Positional { class: *class })
        }
        ("__newobj_ex__", [class, args, kwargs]) => {
            let [class_slot, args_slot, kwargs_slot] = [*class, *args, *kwargs].map(|id| graph.slot(id));
            let fits = class_slot.kind.is_open() && args_slot.kind == Kind::Tuple && kwargs_slot.kind == Kind::Dict;
            fits.then_some(NewObject::Keywords { class: *class, args: *args, kwargs: *kwargs })
        }
        _ => None,
    }
}

/// `functools.partial(cls.__new__, cls, *args, **kwargs)()`: how protocols 2 and 3 say a new object with keywords.
fn partial(graph: &Graph<'_>, callable: Id, args: Id) -> Option<NewObject> {
    let data = graph.objects[graph.slot(callable).low as usize];
    let global = |id: Id| match graph.slot(id) {
        slot if slot.kind == Kind::Global => graph.globals.get(slot.low as usize),
        _ => None,
    };
    let is_partial = global(data.class).is_some_and(|name| &*name.module == "functools" && &*name.name == "partial");
    let state = graph.slot(data.state?);
    if !is_partial || graph.slot(args).low > 0 || state.kind != Kind::Tuple || graph.steps.contains_key(&callable) {
        return None;
    }
    let [function, args, kwargs, _] = *graph.run(state) else { return None };
    let (args_slot, kwargs_slot) = (graph.slot(args), graph.slot(kwargs));
    if args_slot.kind != Kind::Tuple || kwargs_slot.kind != Kind::Dict {
        return None;
    }
    let (function, class) = (global(function)?, global(*graph.run(args_slot).first()?)?);
    let is_new = function.module == class.module
        && function.name.strip_suffix(".__new__").is_some_and(|owner| owner == &*class.name);
    is_new.then_some(NewObject::Partial { args, kwargs })
}
