//! Attributes that change in the ops: the same as by a graph, in less memory, and everything else stays as it stands.

#![cfg(feature = "migrate")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use oiji::graph::Node;
use oiji::rewrite::{Migration, Report};
use oiji::{Graph, ReadOptions};
use oiji_testkit::files;

fn rules(text: &str) -> Migration {
    Migration::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

fn exact(bytes: &[u8]) -> oiji::Result<Graph<'_>> {
    ReadOptions::new().exact(true).fix_imports(false).from_slice(bytes)
}

/// The same rules with one that takes a graph and does nothing.
fn by_graph(text: &str) -> Migration {
    rules(text).then(rules("[[value]]\nfrom = \"no such value\"\nto = 1\n"))
}

/// What becomes of a pickle, and that a graph says the same.
fn migrated(text: &str, old: &[u8]) -> (Vec<u8>, Report) {
    let (new, report) = rules(text).migrate(old).unwrap();
    let (graph, told) = by_graph(text).migrate(old).unwrap();
    let (new, graph) = (new.unwrap_or(old.to_vec()), graph.unwrap_or(old.to_vec()));
    assert_eq!(exact(&new).unwrap(), exact(&graph).unwrap());
    assert_eq!((&report.done, &report.undecided), (&told.done, &told.undecided));
    (new, report)
}

const RENAME: &str = "[[class]]\nmatch = \"shop:Cart\"\nrename = { itms = \"items\" }\n";

#[test]
fn a_name_that_all_share_is_changed_once_where_it_stands() {
    let old =
        b"\x80\x04](\x8c\x04shop\x94\x8c\x04Cart\x94\x93\x94)\x81}\x94\x8c\x04itms\x94K\x01sbh\x02)\x81}h\x04K\x02sbe.";
    let new = b"\x80\x04](\x8c\x04shop\x94\x8c\x04Cart\x94\x93\x94)\x81}\x94\x8c\x05items\x94K\x01sbh\x02)\x81}h\x04K\x02sbe.";
    assert_eq!(migrated(RENAME, old).0, new);
}

#[test]
fn a_name_that_is_used_elsewhere_stays_there() {
    let old = b"\x80\x04(\x8c\x04shop\x8c\x04Cart\x93)\x81}\x8c\x04itms\x94K\x01sbh\x00t.";
    let (new, report) = migrated(RENAME, old);
    assert_eq!(new, b"\x80\x04(\x8c\x04shop\x8c\x04Cart\x93)\x81}\x8c\x04itms\x940\x8c\x05itemsK\x01sbh\x00t.");
    assert_eq!(report.done["shop.Cart: rename itms to items"], 1);
}

#[test]
fn what_is_dropped_leaves_its_places_in_the_memo() {
    let text = "[[class]]\nmatch = \"shop:Cart\"\ndrop = [\"cache\"]\n";
    let old = b"\x80\x04\x8c\x04shop\x8c\x04Cart\x93)\x81}(\x8c\x05cache\x94]\x94\x8c\x01x\x94a\x8c\x01n\x94K\x07ub.";
    let (new, _) = migrated(text, old);
    assert_eq!(new, b"\x80\x04\x8c\x04shop\x8c\x04Cart\x93)\x81}(N\x940N\x94\x940\x8c\x01n\x94K\x07ub.");
    // What is used elsewhere too cannot go in the ops.
    let old = b"\x80\x04(\x8c\x04shop\x8c\x04Cart\x93)\x81}\x8c\x05cache]\x94sbh\x00t.";
    assert_eq!(oiji::loads(&migrated(text, old).0).unwrap().to_string(), "(shop.Cart(; state={}), [])");
}

#[test]
fn attributes_are_added_and_copied_behind_the_others() {
    let text = "[[class]]\nmatch = \"shop:Cart\"\ncopy = { first = \"items\", n2 = \"n\" }\nadd = { rate = 0.5, pair = { tuple = [1, \"x\"] }, n = 9 }\n";
    for old in [
        &b"\x80\x02cshop\nCart\n)\x81}(X\x05\0\0\0items]X\x01\0\0\0nK\x01ub."[..],
        b"\x80\x02cshop\nCart\n)\x81}q\x01(X\x05\0\0\0items]q\x02X\x01\0\0\0nK\x01ub.",
        b"\x80\x02cshop\nCart\n)\x81N}(U\x05items]q\x02U\x01nK\x01u\x86b.",
        b"ccopy_reg\n_reconstructor\n(cshop\nCart\nc__builtin__\nobject\nNtRp1\n(dp2\nS'items'\np3\n(lp4\nsS'n'\nI1\nsb.",
        b"(ishop\nCart\np1\n(dp2\nVitems\np3\n(lp4\nsVn\nI1\nsb.",
        b"(cshop\nCart\no}(U\x05items]q\x02U\x01nK\x01ub.",
    ] {
        let (new, report) = migrated(text, old);
        let shown = oiji::loads(&new).unwrap().to_string();
        assert!(shown.contains("'rate': 0.5, 'pair': (1, 'x')"), "{shown}");
        assert_eq!(report.done.len(), 4);
    }
}

#[test]
fn a_new_list_that_is_copied_is_one_list() {
    let text = "[[class]]\nmatch = \"shop:Cart\"\nadd = { one = [1] }\ncopy = { two = \"one\" }\n";
    let (new, _) = migrated(text, b"\x80\x02cshop\nCart\n)\x81}X\x01\0\0\0nK\x01sb.");
    let graph = oiji::loads(&new).unwrap();
    assert_eq!(graph.root().get("one").unwrap().id(), graph.root().get("two").unwrap().id());
}

#[test]
fn conditions_on_names_are_told_in_the_ops() {
    let text = "[[class]]\nmatch = \"shop:*\"\nif = { has = \"a\", lacks = \"b\", state = \"dict\" }\nrename = { a = \"z\" }\n";
    let old = b"\x80\x04](\x8c\x04shop\x94\x8c\x04Cart\x94\x93\x94)\x81}\x8c\x01aK\x01sbh\x02)\x81}(\x8c\x01aK\x02\x8c\x01bK\x03ubh\x02)\x81}be.";
    let (new, _) = migrated(text, old);
    let shown = oiji::loads(&new).unwrap().to_string();
    assert_eq!(shown, "[shop.Cart(; state={'z': 1}), shop.Cart(; state={'a': 2, 'b': 3}), shop.Cart(; state={})]");
}

#[test]
fn frames_around_what_is_dropped_stay_frames() {
    // A dropped list with bytes too large for a frame, and more of it in frames of their own.
    let text = "[[class]]\nmatch = \"shop:Cart\"\ndrop = [\"cache\"]\nadd = { n = 1 }\n";
    let frame = |body: &[u8]| [&b"\x95"[..], &(body.len() as u64).to_le_bytes(), body].concat();
    let large = [&b"B\x00\x00\x02\x00"[..], &[b'x'; 2 << 16]].concat();
    let old = [
        b"\x80\x04".to_vec(),
        frame(b"\x8c\x04shop\x8c\x04Cart\x93)\x81}(\x8c\x05cache]("),
        large,
        frame(b"K\x01K\x02e\x8c\x01a"),
        frame(b"K\x03ub."),
    ]
    .concat();
    let (new, _) = migrated(text, &old);
    assert!(new.len() < 100);
    assert_eq!(oiji::loads(&new).unwrap().to_string(), "shop.Cart(; state={'a': 3, 'n': 1})");
    if let Some(python) = oiji_testkit::python3() {
        let script = "import sys, types, pickle\nm = sys.modules['shop'] = types.ModuleType('shop')\nm.Cart = type('Cart', (), {})\nm.Cart.__module__ = 'shop'\ndata = sys.stdin.buffer.read()\nimport io\nprint(pickle.loads(data).__dict__, pickle._Unpickler(io.BytesIO(data)).load().__dict__)";
        let shown = String::from_utf8(python.run(script, &new).unwrap()).unwrap();
        assert_eq!(shown.trim(), "{'a': 3, 'n': 1} {'a': 3, 'n': 1}");
    }
}

#[test]
fn names_and_attributes_change_in_one_go_and_step_by_step() {
    let text = "[[step]]\nmodules = { shop = \"store\" }\nclass = [{ match = \"shop:Cart\", rename = { a = \"b\" } }]\n[[step]]\nclass = [{ match = \"store:Cart\", rename = { b = \"c\" }, add = { d = 1 } }]\n";
    let old =
        b"\x80\x04\x95\x1e\0\0\0\0\0\0\0\x8c\x04shop\x94\x8c\x04Cart\x94\x93\x94)\x81\x94}\x94\x8c\x01a\x94h\x05sb.";
    let (new, _) = migrated(text, old);
    assert_eq!(oiji::loads(&new).unwrap().to_string(), "store.Cart(; state={'c': 'a', 'd': 1})");
}

/// By class, the attributes that instances in a pickle have.
fn attributes(graph: &Graph<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let is_plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "._".contains(c)) && !text.is_empty();
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for value in graph.values() {
        let Ok(object) = value.as_object() else { continue };
        let (Some(class), Some(state)) = (object.made_class(), object.state()) else { continue };
        if !is_plain(class.module()) || !is_plain(class.name()) {
            continue;
        }
        let names = classes.entry(format!("{}:{}", class.module(), class.name())).or_default();
        let parts = match state.node() {
            Node::Tuple(parts) => parts.iter().collect(),
            _ => vec![state],
        };
        for (key, _) in parts.into_iter().filter_map(|part| part.pairs().ok()).flatten() {
            names.extend(match key.node() {
                Node::Str(text) => text.as_str().map(str::to_owned),
                Node::Py2Str(bytes) => String::from_utf8(bytes.to_vec()).ok(),
                _ => None,
            });
        }
        names.retain(|name| is_plain(name));
    }
    classes.retain(|_, names| !names.is_empty());
    classes
}

#[test]
fn every_file_of_the_corpus_is_the_same_by_ops_and_by_a_graph() {
    let mut count = 0;
    for path in files() {
        let Some(bytes) = std::fs::read(&path).ok().filter(|bytes| bytes.len() < 1 << 20) else { continue };
        let Ok(graph) = exact(&bytes) else { continue };
        let classes = attributes(&graph);
        if classes.is_empty() {
            continue;
        }
        let name = path.display().to_string();
        let table = |line: &dyn Fn(&BTreeSet<String>) -> String| -> String {
            let classes = classes.iter();
            classes.map(|(class, names)| format!("[[class]]\nmatch = \"{class}\"\n{}\n", line(names))).collect()
        };
        let moved = |turn: bool| {
            table(&|names| {
                let pairs = names.iter().map(|name| match turn {
                    false => format!("\"{name}\" = \"moved_{name}\""),
                    true => format!("\"moved_{name}\" = \"{name}\""),
                });
                format!("rename = {{ {} }}", pairs.collect::<Vec<_>>().join(", "))
            })
        };
        let run = |migration: Migration, bytes: &[u8]| {
            let (new, report) = migration.migrate(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            (new.unwrap_or_else(|| bytes.to_vec()), report)
        };
        // There and back is the identity.
        let (there, report) = run(rules(&moved(false)), &bytes);
        let (graph, told) = run(by_graph(&moved(false)), &bytes);
        assert!(exact(&there).unwrap() == exact(&graph).unwrap(), "{name}: renamed");
        assert_eq!(report.done, told.done, "{name}");
        let (back, _) = run(rules(&moved(true)), &there);
        assert!(exact(&back).unwrap() == exact(&bytes).unwrap(), "{name}: there and back");
        // Every second attribute goes, one comes.
        let half = table(&|names| {
            let names: Vec<String> = names.iter().step_by(2).map(|name| format!("\"{name}\"")).collect();
            format!("drop = [{}]\nadd = {{ brand_new = [1, {{ none = true }}] }}", names.join(", "))
        });
        let (ops, report) = run(rules(&half), &bytes);
        let (graph, told) = run(by_graph(&half), &bytes);
        assert!(exact(&ops).unwrap() == exact(&graph).unwrap(), "{name}: dropped and added");
        assert_eq!(report.done, told.done, "{name}");
        count += 1;
    }
    assert!(count > 100, "only {count} files");
}
