//! Values of rules in graphs: added, and compared with what is there. Some are written without a graph.

use crate::emitter::{Emitter, Fill};
use crate::error::Result;
use crate::graph::{Graph, Id, Node, Value};
use crate::rewrite::migrate::rules::Literal;
use crate::sink::VecSink;

impl Literal {
    /// Adds it to a graph. Rules nest no deeper than their parser lets them.
    pub(super) fn add_to(&self, graph: &mut Graph<'_>) -> Result<Id> {
        let all = |graph: &mut Graph<'_>, items: &[Literal]| {
            items.iter().map(|item| item.add_to(graph)).collect::<Result<Vec<Id>>>()
        };
        match self {
            Literal::None => graph.add_none(),
            Literal::Bool(value) => graph.add_bool(*value),
            Literal::Int(value) => graph.add_int(*value),
            Literal::Float(value) => graph.add_float(*value),
            Literal::Str(text) => graph.add_str(text),
            Literal::Bytes(bytes) => graph.add_bytes(bytes),
            Literal::List(items) => {
                let items = all(graph, items)?;
                graph.add_list(&items)
            }
            Literal::Tuple(items) => {
                let items = all(graph, items)?;
                graph.add_tuple(&items)
            }
            Literal::Set(items) => {
                let items = all(graph, items)?;
                graph.add_set(&items)
            }
            Literal::Dict(pairs) => {
                let mut added = Vec::new();
                for (key, value) in pairs {
                    added.push((graph.add_str(key)?, value.add_to(graph)?));
                }
                graph.add_dict(&added)
            }
            Literal::Global(module, name) => graph.add_global(module, name),
        }
    }

    /// Whether it is one value in two places, or two, when it stands there twice.
    pub(super) fn holds_others(&self) -> bool {
        matches!(self, Literal::List(_) | Literal::Tuple(_) | Literal::Set(_) | Literal::Dict(_))
    }

    /// Writes its ops, which put nothing into the memo; nothing comes back of what takes a global in this protocol.
    pub(super) fn write_to(&self, emitter: &mut Emitter<VecSink>) -> Option<()> {
        match self {
            Literal::None => emitter.none(),
            Literal::Bool(value) => emitter.bool(*value),
            Literal::Int(value) => emitter.int(*value),
            Literal::Float(value) => emitter.float(*value),
            Literal::Str(text) => emitter.str(text.as_bytes()).ok()?,
            Literal::Bytes(bytes) if emitter.protocol() >= 3 => emitter.bytes(bytes).ok()?,
            Literal::List(items) => {
                emitter.empty_list();
                for item in items {
                    item.write_to(emitter)?;
                    emitter.append();
                }
            }
            Literal::Tuple(items) if items.is_empty() => emitter.empty_tuple(),
            Literal::Tuple(items) => {
                if emitter.tuple_needs_mark(items.len()) {
                    emitter.mark();
                }
                items.iter().try_for_each(|item| item.write_to(emitter))?;
                emitter.end_tuple(items.len());
            }
            Literal::Dict(pairs) => {
                emitter.empty_dict();
                for (key, value) in pairs {
                    emitter.str(key.as_bytes()).ok()?;
                    value.write_to(emitter)?;
                    emitter.end_batch(Fill::SetItems, true);
                }
            }
            Literal::Bytes(_) | Literal::Set(_) | Literal::Global(..) => return None,
        }
        Some(())
    }

    /// Whether a value is this: a Python 2 string is the same as text, an int is no bool and no float.
    pub(super) fn is(&self, value: Value<'_>) -> bool {
        let all = |items: crate::graph::Items<'_>, literals: &[Literal]| {
            items.len() == literals.len() && items.iter().zip(literals).all(|(item, literal)| literal.is(item))
        };
        match (self, value.node()) {
            (Literal::None, Node::None) => true,
            (Literal::Bool(one), Node::Bool(other)) => *one == other,
            (Literal::Int(one), Node::Int(other)) => *one == other,
            (Literal::Float(one), Node::Float(other)) => one.to_bits() == other.to_bits(),
            (Literal::Str(one), Node::Str(other)) => one.as_bytes() == other.as_bytes(),
            (Literal::Str(one), Node::Py2Str(other)) => one.as_bytes() == other,
            (Literal::Bytes(one), Node::Bytes(other) | Node::Py2Str(other)) => one == other,
            (Literal::List(one), Node::List(other)) => all(other, one),
            (Literal::Tuple(one), Node::Tuple(other)) => all(other, one),
            (Literal::Set(one), Node::Set(other)) => {
                one.len() == other.len() && one.iter().all(|literal| other.iter().any(|item| literal.is(item)))
            }
            (Literal::Dict(one), Node::Dict(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(key, literal)| other.get(key).is_some_and(|item| literal.is(item)))
            }
            (Literal::Global(module, name), Node::Global(global)) => global.is(module, name),
            _ => false,
        }
    }
}
