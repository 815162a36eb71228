//! Migration: rules do what they say, to pickles that real Pythons wrote, and nothing else.

#![cfg(feature = "migrate")]
#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::inspect::{DiffOptions, diff};
use oiji::rewrite::{Migration, Report};
use oiji::{Graph, ReadOptions};
use oiji_testkit::{Python, files, python3, pythons, skip};

fn rules(text: &str) -> Migration {
    Migration::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

fn exact(bytes: &[u8]) -> oiji::Result<Graph<'_>> {
    ReadOptions::new().exact(true).fix_imports(false).from_slice(bytes)
}

/// What becomes of the value that `python` makes by `value`, after `setup`, in each protocol.
fn migrated(python: &Python, setup: &str, value: &str, rules: &Migration) -> Vec<(u8, Vec<u8>, Report)> {
    let script = format!(
        "import sys, pickle, binascii\n{setup}\nfor p in range({}): print(binascii.hexlify(pickle.dumps({value}, p)).decode())",
        python.highest_protocol() + 1
    );
    let output = String::from_utf8(python.run(&script, b"").unwrap()).unwrap();
    let hex = |line: &str| -> Vec<u8> {
        (0..line.len() / 2).map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    let mut all = Vec::new();
    for (protocol, line) in output.lines().enumerate() {
        let old = hex(line.trim());
        let (new, report) = rules.migrate(&old).unwrap();
        all.push((protocol as u8, new.unwrap_or(old), report));
    }
    all
}

/// What `python` says `show` is, where `x` is the pickle loaded after `setup`.
fn loaded(python: &Python, setup: &str, pickle: &[u8], show: &str) -> String {
    let script = format!(
        "import sys, pickle\n{setup}\nx = pickle.loads(getattr(sys.stdin, 'buffer', sys.stdin).read())\nprint({show})"
    );
    String::from_utf8(python.run(&script, pickle).unwrap_or_else(|error| panic!("{error}"))).unwrap().trim().to_owned()
}

/// A module of this name with these lines in it.
fn module(name: &str, lines: &str) -> String {
    format!(
        "import types\nm = types.ModuleType('{name}')\nsys.modules['{name}'] = m\nexec({lines:?}, m.__dict__)\nC = m.__dict__.get('C')"
    )
}

/// Migrates what every Python writes with the old module, and shows what it is with the new one.
fn everywhere(old: &str, value: &str, toml: &str, new: &str, show: &str, expected: &str) {
    let rules = rules(toml);
    let mut count = 0;
    for python in pythons().iter().filter(|python| python.version >= (3, 6, 0)) {
        for (protocol, pickle, _) in migrated(python, &module("old", old), value, &rules) {
            assert_eq!(loaded(python, &module("new", new), &pickle, show), expected, "{protocol} {}", python.name());
            count += 1;
        }
    }
    if count == 0 {
        skip("no Python 3 to write and load old pickles");
    }
}

const OLD: &str = "class C(object):\n  def __init__(s, **k): s.__dict__.update(k)\n";
const SORTED: &str = "sorted(x.__dict__.items())";

#[test]
fn classes_and_modules_move() {
    let new = "class D(object): pass";
    everywhere(
        OLD,
        "[C(a=1), C(a=2)]",
        "[globals]\n\"old:C\" = \"new:D\"\n",
        new,
        "type(x[1]).__name__, x[1].a",
        "D 2",
    );
    everywhere(OLD, "C(a=1)", "[modules]\nold = \"new\"\n", OLD, "x.a", "1");
}

#[test]
fn names_in_a_memo_that_are_data_too_stay() {
    // One str object is the module, the name of a class and a value: all by one memo entry.
    let rules = rules("[globals]\n\"old:old\" = \"new:C\"\n");
    let old = b"\x80\x04\x95\x0f\0\0\0\0\0\0\0\x8c\x03old\x94h\0\x93)\x81h\0\x86.";
    let (new, _) = rules.migrate(old).unwrap();
    let new = new.unwrap();
    assert_eq!(oiji::loads(&new).unwrap().to_string(), "(new.C(), 'old')");
    if let Some(python) = python3() {
        assert_eq!(loaded(python, &module("new", OLD), &new, "type(x[0]).__name__, x[1]"), "C old");
    }
}

#[test]
fn names_alone_are_changed_in_place() {
    let rules = rules("[modules]\nold = \"brand.new\"\n");
    let old = b"\x80\x04\x95\x1b\0\0\0\0\0\0\0](\x8c\x03old\x94\x8c\x01C\x94\x93)\x81h\x01\x8c\x01D\x93)\x81e.";
    let (new, report) = rules.migrate(old).unwrap();
    let expected =
        b"\x80\x04\x95\x21\0\0\0\0\0\0\0](\x8c\x09brand.new\x94\x8c\x01C\x94\x93)\x81h\x01\x8c\x01D\x93)\x81e.";
    // The memo entry 1 is the name `C`: of a module that no rule is about.
    assert_eq!(report.renamed.len(), 1);
    assert_eq!(new.unwrap(), expected);
}

#[test]
fn attributes_are_renamed_dropped_added_copied_and_nested() {
    let toml = r#"
        [[class]]
        match = "old:C"
        to = "new:C"
        [[class]]
        match = "old:C"
        rename = { a = "b" }
        drop = ["gone", "tmp_*"]
        copy = { twin = "b" }
        add = { rate = 0.5, b = 7, none = { none = true }, pair = { tuple = [1, "x"] } }
        nest = { box = ["width", "height"] }
    "#;
    let value = "C(a=1, gone=2, tmp_x=3, width=4, height=5)";
    let expected = "[('b', 1), ('box', {'width': 4, 'height': 5}), ('none', None), ('pair', (1, 'x')), ('rate', 0.5), ('twin', 1)]";
    everywhere(OLD, value, toml, OLD, SORTED, expected);
    let back = "[modules]\nold = \"new\"\n[[class]]\nmatch = \"old:C\"\nflatten = \"box\"\n";
    everywhere(OLD, "C(box={'w': 1})", back, OLD, SORTED, "[('w', 1)]");
}

#[test]
fn tuple_states_become_dicts_and_dicts_tuples() {
    let old = "class C(object):\n  def __init__(s, w, b): s.w, s.b = w, b\n  def __getstate__(s): return [s.w, s.b]\n  def __setstate__(s, t): s.w, s.b = t\n";
    let toml = "[modules]\nold = \"new\"\n[[class]]\nmatch = \"old:C\"\nlist-to-dict = [\"weights\", \"bias\"]\n";
    everywhere(old, "C([1, 2], 3)", toml, "class C(object): pass", SORTED, "[('bias', 3), ('weights', [1, 2])]");
    let toml = "[modules]\nold = \"new\"\n[[class]]\nmatch = \"old:C\"\ndict-to-tuple = [\"w\", \"b\"]\n";
    everywhere(OLD, "C(w=1, b=2)", toml, old, "x.w, x.b", "1 2");
}

#[test]
fn slots_become_a_dict_and_a_dict_slots() {
    let slots =
        "class C(object):\n  __slots__ = ('a', 'b')\n  def __init__(s, **k):\n    for n in k: setattr(s, n, k[n])\n";
    let rules = rules(
        "[modules]\nold = \"new\"\n[[class]]\nmatch = \"old:C\"\nif = { state = \"slots\" }\nslots-to-dict = true\n",
    );
    for python in pythons().iter().filter(|python| python.version >= (3, 6, 0)) {
        // Slots cannot be pickled below protocol 2.
        let setup = format!(
            "{}\nold_dumps = pickle.dumps\npickle.dumps = lambda x, p: old_dumps(x, max(p, 2))",
            module("old", slots)
        );
        for (_, pickle, _) in migrated(python, &setup, "C(a=1, b=2)", &rules) {
            assert_eq!(loaded(python, &module("new", OLD), &pickle, SORTED), "[('a', 1), ('b', 2)]");
        }
    }
    let toml = "[modules]\nold = \"new\"\n[[class]]\nmatch = \"old:C\"\ndict-to-slots = [\"a\", \"b\"]\n";
    everywhere(OLD, "C(a=1, b=2)", toml, slots, "x.a, x.b, hasattr(x, '__dict__')", "1 2 False");
}

#[test]
fn a_call_is_replaced_by_another() {
    let old = "def make(a, b, c): return C()\nclass C(object):\n  def __reduce__(s): return make, (1, 2, 3)\n";
    let new = "class P(tuple): pass\ndef build(*a): return P(a)\n";
    let toml = "[[class]]\nmatch = \"old:make\"\ncall = { to = \"new:build\", args = [\"$1\", \"lit\", \"$$x\", \"$0\", \"$2..\"] }\n";
    everywhere(old, "C()", toml, new, "tuple(x)", "(2, 'lit', '$x', 1, 3)");
    // An instance made without a call, by a function now.
    let old = "import sys\nnew = __import__('copy_reg' if sys.version_info[0] == 2 else 'copyreg').__newobj__\nclass C(object):\n  def __reduce__(s): return new, (C, 1, 2)\n";
    let new = "class P(object): pass\ndef build(*a):\n  x = P()\n  x.a = a\n  return x\n";
    let toml = "[[class]]\nmatch = \"old:C\"\ncall = { to = \"new:build\", args = [\"$1\", \"$0\"] }\n";
    everywhere(old, "C()", toml, new, "x.a", "(2, 1)");
}

#[test]
fn a_class_becomes_a_dict_and_a_dict_a_class() {
    everywhere(OLD, "[C(a=1)]", "[[class]]\nmatch = \"old:C\"\nto-dict = true\n", "", "x", "[{'a': 1}]");
    let toml = "[[dict]]\nhas = [\"w\", \"b\"]\nto = \"new:C\"\n";
    everywhere(
        "",
        "[{'w': 1, 'b': 2}, {'w': 1}]",
        toml,
        OLD,
        "type(x[0]).__name__, sorted(x[0].__dict__.items()), x[1]",
        "C [('b', 2), ('w', 1)] {'w': 1}",
    );
}

#[test]
fn values_are_replaced_by_path_and_wherever_they_stand() {
    everywhere("", "{'a': [1, 2.5]}", "[[value]]\npath = \"a[1]\"\nto = 3.5\n", "", "x", "{'a': [1, 3.5]}");
    everywhere(
        "",
        "['http://old', ('http://old',)]",
        "[[value]]\nfrom = \"http://old\"\nto = \"https://new\"\n",
        "",
        "x",
        "['https://new', ('https://new',)]",
    );
    let toml = "[modules]\nold = \"new\"\n[[class]]\nmatch = \"old:C\"\nreplace = { mode = { from = \"r\", to = \"read\" } }\n";
    everywhere(OLD, "C(mode='r')", toml, OLD, SORTED, "[('mode', 'read')]");
}

#[test]
fn conditions_choose_instances() {
    let toml = r#"
        [modules]
        old = "new"
        [[class]]
        match = "old:C"
        if = { has = "a", lacks = "b", equals = { kind = "x" }, library = "lib < 1.10" }
        set = { a = 9 }
    "#;
    let value = "[C(a=1, kind='x', _lib_version='1.9.2'), C(a=1, b=2, kind='x'), C(a=1, kind='y')]";
    everywhere(OLD, value, toml, OLD, "[c.a for c in x]", "[9, 1, 1]");
}

#[test]
fn a_versioned_step_is_never_done_twice() {
    let toml = r#"
        name = "shop"
        [[step]]
        version = 1
        class = [{ match = "old:C", nest = { box = ["box"] } }]
        [[step]]
        version = 2
        class = [{ match = "old:C", add = { two = 2 } }]
        modules = { old = "new" }
    "#;
    let first = rules(toml.split("[[step]]\n        version = 2").next().unwrap());
    let both = rules(toml);
    for python in pythons().iter().filter(|python| python.version >= (3, 6, 0)) {
        for (_, once, _) in migrated(python, &module("old", OLD), "C(box=1)", &first) {
            assert_eq!(first.migrate(&once).unwrap().0, None);
            let (twice, report) = both.migrate(&once).unwrap();
            assert_eq!(report.already.get("shop"), Some(&1));
            let twice = twice.unwrap();
            assert_eq!(loaded(python, &module("new", OLD), &twice, SORTED), "[('box', {'box': 1}), ('two', 2)]");
            assert_eq!(both.migrate(&twice).unwrap().0, None);
        }
    }
}

#[test]
fn pickles_that_follow_one_another_are_all_migrated_also_with_one_memo() {
    let rules = rules("[modules]\nold = \"new\"\n");
    let Some(python) = python3() else { return skip("no Python 3") };
    let setup = format!(
        "{}\nimport io\nf = io.BytesIO()\nc = C(a=1)\np = pickle.Pickler(f, 4)\np.dump(c)\np.dump([c])\nd = pickle.dumps\npickle.dumps = lambda x, p: x",
        module("old", OLD)
    );
    let (_, new, report) = migrated(python, &setup, "f.getvalue()", &rules).remove(0);
    assert_eq!(report.pickles, 2);
    let script = format!(
        "import sys, pickle\n{}\nu = pickle.Unpickler(sys.stdin.buffer)\na = u.load()\nb = u.load()\nprint(b[0] is a, a.a, a.__class__.__module__)",
        module("new", OLD)
    );
    assert_eq!(String::from_utf8(python.run(&script, &new).unwrap()).unwrap().trim(), "True 1 new");
    // Bytes behind the last pickle stay.
    let (new, report) = rules.migrate(b"cold\nC\n.\x00tail").unwrap();
    assert_eq!((new.unwrap(), report.rest), (b"cnew\nC\n.\x00tail".to_vec(), 5));
}

#[test]
fn strings_of_python_2_are_told_apart() {
    let Some(python2) = pythons().iter().find(|python| python.version.0 == 2) else { return skip("no Python 2") };
    let Some(python) = python3() else { return skip("no Python 3") };
    let toml = r#"
        protocol = 4
        python = 3
        strings = "auto"
        [modules]
        old = "new"
        [[class]]
        match = "old:C"
        strings = { name = "text", raw = "bytes", old = "latin-1" }
    "#;
    let setup = format!("# coding: utf-8\nimport datetime\n{}", module("old", OLD));
    let value = "C(name='caf\\xc3\\xa9', raw='ascii', old='caf\\xe9', when=datetime.datetime(2015, 4, 1), plain='x', odd='\\xff\\xfe')";
    for (protocol, pickle, report) in migrated(python2, &setup, value, &rules(toml)) {
        let shown = loaded(python, &module("new", OLD), &pickle, "ascii(sorted(x.__dict__.items()))");
        let expected = "[('name', 'caf\\xe9'), ('odd', b'\\xff\\xfe'), ('old', 'caf\\xe9'), ('plain', 'x'), ('raw', b'ascii'), ('when', datetime.datetime(2015, 4, 1, 0, 0))]";
        assert_eq!(shown, expected, "{protocol}");
        let undecided: Vec<&String> = report.undecided.keys().collect();
        assert_eq!(undecided, ["at key 'odd': a string that is no UTF-8, taken for bytes; it may be latin-1 text"]);
    }
}

/// All pickles of the corpus that can be read, with the modules they name.
fn corpus() -> impl Iterator<Item = (String, Vec<u8>, Vec<String>)> {
    files().into_iter().filter_map(|path| {
        let bytes = std::fs::read(&path).ok().filter(|bytes| bytes.len() < 1 << 20)?;
        let graph = exact(&bytes).ok()?;
        let mut modules: Vec<String> = graph
            .values()
            .filter_map(|value| value.as_global().ok())
            .map(|global| global.module().to_owned())
            .filter(|module| !module.contains(['\n', '*', ':', '\\', '"']) && !module.is_empty())
            .collect();
        modules.sort();
        modules.dedup();
        Some((path.display().to_string(), bytes.clone(), modules))
    })
}

#[test]
fn without_rules_every_file_of_the_corpus_stays_the_same() {
    let mut count = 0;
    for (name, bytes, _) in corpus() {
        let (new, report) = Migration::new().migrate(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(new.is_none() && report.is_unchanged(), "{name}");
        let mut graph = oiji::loads(&bytes).unwrap();
        Migration::new().apply(&mut graph).unwrap();
        assert_eq!(graph, oiji::loads(&bytes).unwrap(), "{name}");
        count += 1;
    }
    assert!(count > 1000, "only {count} files");
}

#[test]
fn there_and_back_every_file_of_the_corpus_is_the_same() {
    let mut count = 0;
    for (name, bytes, modules) in corpus().filter(|(_, _, modules)| !modules.is_empty()) {
        let table = |turn: bool| {
            let line = |module: &String| match turn {
                false => format!("\"{module}\" = \"moved.to.{module}\"\n"),
                true => format!("\"moved.to.{module}\" = \"{module}\"\n"),
            };
            rules(&format!("[modules]\n{}", modules.iter().map(line).collect::<String>()))
        };
        let (there, _) = table(false).migrate(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let there = there.unwrap_or_else(|| panic!("{name}: unchanged"));
        let (back, _) = table(true).migrate(&there).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(exact(&back.unwrap()).unwrap(), exact(&bytes).unwrap(), "{name}");
        // By a graph it is the same as by ops.
        let by_graph = table(false).then(rules("[[value]]\nfrom = \"no such value\"\nto = 1\n"));
        let (graph, _) = by_graph.migrate(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(exact(&graph.unwrap()).unwrap(), exact(&there).unwrap(), "{name}");
        count += 1;
    }
    assert!(count > 500, "only {count} files");
}

#[test]
fn what_a_rule_does_not_name_does_not_change() {
    let mut count = 0;
    for (name, bytes, modules) in corpus() {
        let Some(module) =
            modules.iter().find(|module| module.starts_with("corpus_classes") || module.starts_with("numpy"))
        else {
            continue;
        };
        let (new, _) = rules(&format!("[modules]\n\"{module}\" = \"elsewhere\"\n")).migrate(&bytes).unwrap();
        let new = new.unwrap();
        let (old, new) = (exact(&bytes).unwrap(), exact(&new).unwrap());
        for difference in diff(old.root(), new.root(), &DiffOptions::default()) {
            let text = difference.to_string();
            assert!(text.contains(module.as_str()) || text.contains("elsewhere"), "{name}: {text}");
        }
        count += 1;
    }
    assert!(count > 100, "only {count} files");
}
