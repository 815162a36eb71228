//! Files that outlive their classes: names and fields that moved, versions and migrations, what is unknown.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "derive")]

use oiji::class::{Attributes, Pickler, State, Unpickler};
use oiji::{ErrorKind, Graph, Limits, Pickle, Unpickle, pickle};

/// The pickle of an instance of `module.name` with this dict for a state.
fn instance(module: &str, name: &str, state: &Graph<'_>) -> Vec<u8> {
    let mut graph = Graph::new();
    let class = graph.add_global(module, name).unwrap();
    let args = graph.add_tuple(&[]).unwrap();
    let object = graph.add_object(oiji::graph::Made::New, class, args, None).unwrap();
    let state = graph.add_copy(state.root()).unwrap();
    graph.add_step(object, oiji::graph::StepKind::Build, &[state]).unwrap();
    graph.set_roots(vec![object]);
    oiji::dumps(&graph).unwrap()
}

#[derive(Pickle, Unpickle, Debug, PartialEq, Clone)]
#[pickle(class = "model.line.Line", formerly = "model.OldLine", formerly = "lines:Outer.Line")]
struct Line {
    #[pickle(alias = "w", alias = "weight")]
    weights: Vec<f64>,
    #[pickle(alias = "b")]
    bias: f64,
    #[pickle(default = note)]
    note: String,
    #[pickle(skip)]
    cache: Option<u8>,
}

fn note() -> String {
    "none".into()
}

fn line() -> Line {
    Line { weights: vec![0.5], bias: 2.0, note: "none".into(), cache: None }
}

#[test]
fn renamed_fields_and_moved_classes_are_read() {
    let new = pickle!({"weights": [0.5], "bias": 2}).unwrap();
    let old = pickle!({"w": [0.5], "b": 2.0}).unwrap();
    for (module, name) in [("model.line", "Line"), ("model", "OldLine"), ("lines", "Outer.Line")] {
        for state in [&new, &old] {
            assert_eq!(Line::loads(&instance(module, name, state)).unwrap(), line());
        }
    }
    // What is written has the names of today, and nothing that is skipped.
    let written = Line { cache: Some(1), ..line() }.dumps().unwrap();
    let state = "{'weights': [0.5], 'bias': 2.0, 'note': 'none'}";
    assert_eq!(oiji::loads(&written).unwrap().to_string(), format!("model.line.Line(; state={state})"));
    assert_eq!(Line::loads(&written).unwrap(), line());
}

#[test]
fn another_class_is_an_error_that_names_both() {
    let state = pickle!({"weights": [], "bias": 2}).unwrap();
    let error = Line::loads(&instance("os", "Line", &state)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WrongClass { .. }));
    let text = "expected an instance of model.line.Line, found one of os.Line at offset ";
    assert!(error.to_string().starts_with(text), "{error}");
}

#[test]
fn a_missing_field_is_an_error_that_names_class_and_field() {
    let bytes = instance("model.line", "Line", &pickle!({"weights": []}).unwrap());
    let error = Line::loads(&bytes).unwrap_err();
    let ErrorKind::MissingField { class, field, version: None } = error.kind() else { panic!("{error}") };
    assert_eq!((&**class, &**field), ("model.line.Line", "bias"));
    assert!(error.to_string().starts_with("model.line.Line has no field bias at offset"), "{error}");
    assert!(error.to_string().ends_with("(root)"), "{error}");
}

#[test]
fn errors_say_where() {
    // root.layers[1].weights[0] is no float.
    #[derive(Unpickle, Debug)]
    #[allow(dead_code)]
    struct Model {
        layers: Vec<Line>,
    }
    let good = Pickler::new().to_graph(&line()).unwrap();
    let mut graph = Graph::new();
    let first = graph.add_copy(good.root()).unwrap();
    let bad = oiji::loads(&instance("model", "OldLine", &pickle!({"w": ["x"], "b": 1}).unwrap())).unwrap().into_owned();
    let second = graph.add_copy(bad.root()).unwrap();
    let layers = graph.add_list(&[first, second]).unwrap();
    let key = graph.add_str("layers").unwrap();
    let root = graph.add_dict(&[(key, layers)]).unwrap();
    graph.set_roots(vec![root]);
    let bytes = oiji::dumps(&graph).unwrap();
    let error = Model::loads(&bytes).unwrap_err();
    let at = bytes.windows(3).position(|found| found == b"\x8c\x01x").unwrap();
    let wanted = format!("expected float, found str at offset {at} (root.layers[1].weights[0])");
    assert_eq!(error.to_string(), wanted);
    // From a stream there is the path alone.
    let error = Model::load(&bytes[..]).unwrap_err();
    assert_eq!(error.to_string(), "expected float, found str (root.layers[1].weights[0])");
}

#[derive(Pickle, Unpickle, Debug, PartialEq)]
#[pickle(class = "model.Net", version = 3, migrate(1 => one_to_two, 2 => two_to_three), deny_unknown_fields)]
struct Net {
    layers: Vec<(i64, String)>,
    #[pickle(default)]
    rate: Option<f64>,
}

fn one_to_two(state: &mut State<'_>) -> oiji::Result<()> {
    assert!(state.rename("units", "sizes"));
    state.remove("debug");
    Ok(())
}

fn two_to_three(state: &mut State<'_>) -> oiji::Result<()> {
    let sizes: Vec<i64> = state.get("sizes")?;
    state.remove("sizes");
    state.set("layers", &sizes.into_iter().map(|size| (size, "relu")).collect::<Vec<_>>())
}

fn net() -> Net {
    Net { layers: vec![(3, "relu".into()), (4, "relu".into())], rate: None }
}

#[test]
fn migrations_run_in_order_over_the_old_state() {
    let states = [
        pickle!({"units": [3, 4], "debug": true}).unwrap(),
        pickle!({"units": [3, 4], "_version": 1}).unwrap(),
        pickle!({"sizes": [3, 4], "_version": 2}).unwrap(),
        pickle!({"layers": [(3, "relu"), (4, "relu")], "_version": 3, "rate": None}).unwrap(),
    ];
    for state in &states {
        assert_eq!(Net::loads(&instance("model", "Net", state)).unwrap(), net());
    }
    let written = oiji::loads(&net().dumps().unwrap()).unwrap().to_string();
    assert!(written.contains("'_version': 3"), "{written}");
}

#[test]
fn versions_without_a_way_are_typed_errors() {
    for (version, expected) in [
        (4, "model.Net of version 4 cannot be read; versions 1 to 3 can"),
        (0, "model.Net of version 0 cannot be read; versions 1 to 3 can"),
    ] {
        let state = pickle!({"layers": [], "_version": version}).unwrap();
        let error = Net::loads(&instance("model", "Net", &state)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnknownVersion { oldest: 1, newest: 3, .. }));
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let state = pickle!({"layers": [], "_version": 3, "x": 1}).unwrap();
    let error = Net::loads(&instance("model", "Net", &state)).unwrap_err();
    assert!(error.to_string().starts_with("model.Net of version 3 has an unknown field x at offset"), "{error}");
    let state = pickle!({"sizes": "no", "_version": 2}).unwrap();
    let error = Net::loads(&instance("model", "Net", &state)).unwrap_err();
    assert!(error.to_string().contains("migrated from version 2"), "{error}");
}

#[test]
fn unknown_attributes_are_passed_over_refused_or_kept() {
    #[derive(Unpickle, Debug)]
    #[pickle(class = "shapes.Point")]
    #[allow(dead_code)]
    struct Passed {
        x: i64,
    }
    #[derive(Unpickle, Debug)]
    #[pickle(class = "shapes.Point", deny_unknown_fields)]
    #[allow(dead_code)]
    struct Refused {
        x: i64,
    }
    #[derive(Pickle, Unpickle, Debug)]
    #[pickle(class = "shapes.Point")]
    struct Kept {
        x: i64,
        #[pickle(rest)]
        rest: Attributes,
    }
    let state = pickle!({"x": 1, "colors": ["red", "blue"], "y": 2.5}).unwrap();
    let bytes = instance("shapes", "Point", &state);
    assert_eq!(Passed::loads(&bytes).unwrap().x, 1);
    let error = Refused::loads(&bytes).unwrap_err();
    assert!(error.to_string().starts_with("shapes.Point has an unknown field colors at offset"), "{error}");
    let kept = Kept::loads(&bytes).unwrap();
    assert_eq!((kept.x, kept.rest.len()), (1, 2));
    assert_eq!(kept.rest.get("y").unwrap().as_f64().unwrap(), 2.5);
    assert_eq!(oiji::loads(&kept.dumps().unwrap()).unwrap(), oiji::loads(&bytes).unwrap());
}

#[test]
fn records_without_a_class_are_dicts_with_the_same_care() {
    #[derive(Pickle, Unpickle, Debug, PartialEq)]
    #[pickle(version = 2, migrate(1 => rename), version_attribute = "v")]
    struct Record {
        name: String,
        #[pickle(rest)]
        rest: Attributes,
    }
    fn rename(state: &mut State<'_>) -> oiji::Result<()> {
        state.rename("title", "name");
        Ok(())
    }
    let old = oiji::dumps(&pickle!({"title": "saw", "size": 3}).unwrap()).unwrap();
    let record = Record::loads(&old).unwrap();
    assert_eq!((&*record.name, record.rest.len()), ("saw", 1));
    let new = record.dumps().unwrap();
    assert_eq!(oiji::loads(&new).unwrap().to_string(), "{'v': 2, 'name': 'saw', 'size': 3}");
    assert_eq!(Record::loads(&new).unwrap(), record);
    // The attributes of an instance are read too, whatever its class.
    let record = Record::loads(&instance("any", "Thing", &pickle!({"name": "axe", "v": 2}).unwrap())).unwrap();
    assert_eq!(record.name, "axe");
}

#[test]
fn hooks_take_the_state_as_a_graph_too() {
    #[derive(Pickle, Unpickle, Debug, PartialEq)]
    #[pickle(class = "model.Any", getstate = getstate, setstate = setstate)]
    struct Any {
        text: String,
    }
    fn getstate(any: &Any) -> oiji::Result<Graph<'static>> {
        let text = &*any.text;
        pickle!({"text": text})
    }
    fn setstate(state: Graph<'static>) -> oiji::Result<Any> {
        let state = state.root();
        let text = if state.is_none() { "nothing".into() } else { state.get("text")?.as_str()?.to_owned() };
        Ok(Any { text })
    }
    let any = Any { text: "a".into() };
    assert_eq!(Any::loads(&any.dumps().unwrap()).unwrap(), any);
    // A hook's own error says where the object stands.
    let bytes = instance("model", "Any", &pickle!({"other": 1}).unwrap());
    let error = Any::loads(&bytes).unwrap_err();
    assert!(error.to_string().starts_with("no such path: \"text\" in this dict at offset"), "{error}");
}

#[test]
fn limits_hold_for_typed_reads() {
    let limits = Limits { recursion: 3, ..Limits::default() };
    let deep = vec![vec![vec![vec![1_u8]]]];
    let bytes = deep.dumps().unwrap();
    let error = Unpickler::new().limits(limits).loads::<Vec<Vec<Vec<Vec<i64>>>>>(&bytes).unwrap_err();
    assert!(error.to_string().starts_with("limit reached: recursion is 3"), "{error}");
    let error = Pickler::new().recursion(2).dumps(&deep).unwrap_err();
    assert!(error.to_string().starts_with("limit reached: recursion is 2"), "{error}");
}

#[test]
fn shared_text_cannot_be_copied_without_end() {
    // One str of 100 kB, a thousand times in a list.
    let mut graph = Graph::new();
    let text = graph.add_str(&"a".repeat(100_000)).unwrap();
    let list = graph.add_list(&vec![text; 1000]).unwrap();
    graph.set_roots(vec![list]);
    let bytes = oiji::dumps(&graph).unwrap();
    let limits = Limits { visits: 10_000, ..Limits::default() };
    let error = Unpickler::new().limits(limits).loads::<Vec<String>>(&bytes).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: "visits", .. }), "{error}");
    assert_eq!(Unpickler::new().loads::<Vec<String>>(&bytes).unwrap().len(), 1000);
    // Behind a pointer it is one.
    let shared: Vec<std::rc::Rc<str>> = Unpickler::new().limits(limits).loads(&bytes).unwrap();
    assert!(std::rc::Rc::ptr_eq(&shared[0], &shared[999]));
    let options = oiji::ReadOptions::new().limits(limits);
    let error = oiji::serde::Deserializer::from_slice_with(&bytes, options).read::<Vec<String>>().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: "visits", .. }), "{error}");
    assert_eq!(oiji::from_slice::<Vec<&str>>(&bytes).unwrap().len(), 1000);
}

#[test]
fn what_was_skipped_is_filled_from_what_was_read() {
    #[derive(Pickle, Unpickle, Debug, PartialEq)]
    #[pickle(class = "model.Fit", loaded = Fit::fill)]
    struct Fit {
        path: String,
        #[pickle(skip)]
        samples: Vec<u8>,
    }
    impl Fit {
        fn fill(&mut self) -> oiji::Result<()> {
            if self.path.is_empty() {
                return Err(oiji::Error::message("no path to the samples"));
            }
            self.samples = self.path.bytes().collect();
            Ok(())
        }
    }
    let fit = Fit { path: "ab".into(), samples: vec![] };
    assert_eq!(Fit::loads(&fit.dumps().unwrap()).unwrap(), Fit { path: "ab".into(), samples: vec![97, 98] });
    let error = Fit::loads(&Fit { path: String::new(), samples: vec![] }.dumps().unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("no path to the samples at offset"), "{error}");
    // Values without a size of their own are pickled too.
    let text: &str = "text";
    assert_eq!(oiji::loads(&text.dumps().unwrap()).unwrap().to_string(), "'text'");
}
