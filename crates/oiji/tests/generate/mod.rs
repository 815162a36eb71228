//! Random graphs with sharing and cycles: a plan names values by number, later fillings tie knots.
//!
//! Out-of-band buffers are not among them: they are numbered anew when written.

use oiji::Graph;
use oiji::graph::{Id, Made, StepKind};
use proptest::collection::vec;
use proptest::prelude::*;

/// One value of a random graph. Numbers point at values made before, counted from the newest and wrapped around.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    None,
    Bool(bool),
    Int(i64),
    BigInt(Vec<u8>),
    Float(u64),
    Str(String),
    Surrogates,
    Bytes(Vec<u8>),
    ByteArray(Vec<u8>),
    Py2Str(Vec<u8>),
    Tuple(Vec<usize>),
    List(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Set(Vec<usize>),
    FrozenSet(Vec<usize>),
    Global(String),
    Extension(u32),
    Persistent(usize),
    Object {
        made: u8,
        class: String,
        args: Vec<usize>,
        state: Option<usize>,
        items: Vec<usize>,
        pairs: Vec<(usize, usize)>,
    },
    /// Appends to an earlier list, whatever it is made of: this makes cycles.
    Fill(usize, usize),
    /// Sets an item of an earlier dict.
    Set2(usize, usize, usize),
    /// Gives a state to an earlier object.
    Build(usize, usize),
}

/// Plans of up to forty values.
pub(crate) fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let number = 0..64_usize;
    let numbers = || vec(0..64_usize, 0..5);
    let pairs = || vec((0..64_usize, 0..64_usize), 0..4);
    let name = "[a-z]{1,6}(\\.[A-Z][a-z]{0,3})?";
    let node = prop_oneof![
        Just(Plan::None),
        any::<bool>().prop_map(Plan::Bool),
        any::<i64>().prop_map(Plan::Int),
        (-300..300_i64).prop_map(Plan::Int),
        vec(any::<u8>(), 9..40).prop_map(Plan::BigInt),
        any::<u64>().prop_map(Plan::Float),
        any::<String>().prop_map(Plan::Str),
        "[a-z]{0,3}".prop_map(Plan::Str),
        Just(Plan::Surrogates),
        vec(any::<u8>(), 0..20).prop_map(Plan::Bytes),
        vec(any::<u8>(), 0..20).prop_map(Plan::ByteArray),
        vec(any::<u8>(), 0..20).prop_map(Plan::Py2Str),
        numbers().prop_map(Plan::Tuple),
        numbers().prop_map(Plan::List),
        pairs().prop_map(Plan::Dict),
        numbers().prop_map(Plan::Set),
        numbers().prop_map(Plan::FrozenSet),
        name.prop_map(Plan::Global),
        (1..70_000_u32).prop_map(Plan::Extension),
        number.clone().prop_map(Plan::Persistent),
        (0..4_u8, name, numbers(), proptest::option::of(number.clone()), numbers(), pairs()).prop_map(
            |(made, class, args, state, items, pairs)| Plan::Object { made, class, args, state, items, pairs }
        ),
        (number.clone(), number.clone()).prop_map(|(list, item)| Plan::Fill(list, item)),
        (number.clone(), number.clone(), number.clone()).prop_map(|(dict, key, value)| Plan::Set2(dict, key, value)),
        (number.clone(), number).prop_map(|(object, state)| Plan::Build(object, state)),
    ];
    vec(node, 1..40)
}

/// The graph that a plan describes; what cannot be (a list as a key) is left out.
pub(crate) fn graph(plan: &[Plan]) -> Graph<'static> {
    let mut graph = Graph::new();
    let mut made: Vec<Id> = vec![graph.add_none().unwrap()];
    for node in plan {
        let at = |number: usize| made[made.len() - 1 - number % made.len()];
        let all = |numbers: &[usize]| numbers.iter().map(|number| at(*number)).collect::<Vec<Id>>();
        let both =
            |pairs: &[(usize, usize)]| pairs.iter().map(|(key, value)| (at(*key), at(*value))).collect::<Vec<_>>();
        let id = match node {
            Plan::None => graph.add_none(),
            Plan::Bool(value) => graph.add_bool(*value),
            Plan::Int(value) => graph.add_int(*value),
            Plan::BigInt(bytes) => graph.add_big_int(&num_bigint::BigInt::from_signed_bytes_le(bytes)),
            // Text has one NaN alone.
            Plan::Float(bits) => {
                graph.add_float(Some(f64::from_bits(*bits)).filter(|value| !value.is_nan()).unwrap_or(0.5))
            }
            Plan::Str(text) => graph.add_str(text),
            Plan::Surrogates => graph.add_text(b"a\xed\xb2\x80b"),
            Plan::Bytes(bytes) => graph.add_bytes(bytes),
            Plan::ByteArray(bytes) => graph.add_bytearray(bytes),
            Plan::Py2Str(bytes) => graph.add_py2_str(bytes),
            Plan::Tuple(items) => graph.add_tuple(&all(items)),
            Plan::List(items) => graph.add_list(&all(items)),
            Plan::Dict(pairs) => graph.add_dict(&both(pairs)),
            Plan::Set(items) => graph.add_set(&all(items)),
            Plan::FrozenSet(items) => graph.add_frozenset(&all(items)),
            Plan::Global(name) => graph.add_global("shapes", name),
            Plan::Extension(code) => graph.add_extension(*code),
            Plan::Persistent(id) => graph.add_persistent(at(*id)),
            Plan::Object { made: how, class, args, state, items, pairs } => {
                let (args, state, items) = (all(args), state.map(at), all(items));
                let pairs: Vec<Id> = both(pairs).into_iter().flat_map(|(key, value)| [key, value]).collect();
                let class = graph.add_global("shapes", class).unwrap();
                let args = graph.add_tuple(&args).unwrap();
                let (how, kwargs) = match how {
                    0 => (Made::Call, None),
                    1 => (Made::New, None),
                    2 => (Made::NewEx, Some(graph.add_dict(&[]).unwrap())),
                    _ => (Made::Instance, None),
                };
                let object = graph.add_object(how, class, args, kwargs).unwrap();
                if !items.is_empty() {
                    graph.add_step(object, StepKind::Append, &items).unwrap();
                }
                if !pairs.is_empty() {
                    graph.add_step(object, StepKind::SetItems, &pairs).unwrap();
                }
                if let Some(state) = state {
                    graph.add_step(object, StepKind::Build, &[state]).unwrap();
                }
                Ok(object)
            }
            Plan::Fill(list, item) => {
                let (list, item) = (at(*list), at(*item));
                let _ = graph.append(list, &[item]);
                continue;
            }
            Plan::Set2(dict, key, value) => {
                let (dict, key, value) = (at(*dict), at(*key), at(*value));
                let _ = graph.set_item(dict, key, value);
                continue;
            }
            Plan::Build(object, state) => {
                let (object, state) = (at(*object), at(*state));
                if graph.value(object).as_object().is_ok() {
                    graph.add_step(object, StepKind::Build, &[state]).unwrap();
                }
                continue;
            }
        };
        if let Ok(id) = id {
            made.push(id);
        }
    }
    let root = graph.add_list(&made).unwrap();
    graph.set_roots(vec![root]);
    graph
}
