//! `oiji migrate` on folders: what is killed in the middle is taken up again, and nothing is lost or done twice.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn oiji(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oiji")).args(arguments).current_dir(folder).output().unwrap()
}

/// `{'n': NUMBER, 'pad': ...}` as the state of an instance of `old.C`.
fn pickle(number: i64, len: usize) -> Vec<u8> {
    let mut graph = oiji::Graph::new();
    let class = graph.add_global("old", "C").unwrap();
    let args = graph.add_tuple(&[]).unwrap();
    let object = graph.add_object(oiji::graph::Made::New, class, args, None).unwrap();
    let (n, pad) = (graph.add_str("n").unwrap(), graph.add_str("pad").unwrap());
    let (number, bytes) = (graph.add_int(number).unwrap(), graph.add_bytes(&vec![7; len]).unwrap());
    let state = graph.add_dict(&[(n, number), (pad, bytes)]).unwrap();
    graph.add_step(object, oiji::graph::StepKind::Build, &[state]).unwrap();
    graph.set_roots(vec![object]);
    oiji::dumps(&graph).unwrap()
}

/// Done twice, this nests twice.
const RULES: &str =
    "[modules]\nold = \"new\"\n[[class]]\nmatch = [\"old:C\", \"new:C\"]\nnest = { box = [\"n\", \"box\"] }\n";

/// Whether a file is migrated, which it must be whole and once; else it is as it was.
fn is_migrated(bytes: &[u8], number: i64) -> bool {
    let graph = oiji::loads(bytes).unwrap();
    let root = graph.root();
    match root.as_object().unwrap().class_name().unwrap().module() {
        "old" => {
            assert_eq!(root.get("n").unwrap().as_i64().unwrap(), number);
            false
        }
        _ => {
            assert_eq!(root.get("box").unwrap().get("n").unwrap().as_i64().unwrap(), number);
            assert!(root.get("box").unwrap().get("box").is_err(), "done twice");
            true
        }
    }
}

#[test]
fn a_run_that_is_killed_is_taken_up_again_and_nothing_is_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    const COUNT: i64 = 300;
    let name = |number: i64| data.join(format!("{number:03}.pkl"));
    for number in 0..COUNT {
        fs::write(name(number), pickle(number, 50_000)).unwrap();
    }
    let arguments = ["migrate", "--rules", "rules.toml", "data"];
    let migrated = || (0..COUNT).filter(|number| is_migrated(&fs::read(name(*number)).unwrap(), *number)).count();
    let mut kills = 0;
    for wanted in [1, 40, 120] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_oiji"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        // SIGKILL, once it has come so far.
        while fs::read_dir(&data).unwrap().count() < COUNT as usize + wanted
            && start.elapsed() < Duration::from_secs(60)
        {
            if child.try_wait().unwrap().is_some() {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let done = migrated();
        kills += usize::from(done > 0 && done < COUNT as usize);
    }
    assert!(kills > 0, "never killed in the middle");
    let output = oiji(&arguments, folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("done before"), "{told}");
    assert_eq!(migrated(), COUNT as usize);
    for number in 0..COUNT {
        let backup = data.join(format!("{number:03}.pkl.oiji-bak"));
        assert_eq!(fs::read(backup).unwrap(), pickle(number, 50_000));
    }
    assert!(!data.join(".oiji-migrate.journal").exists());
}

#[test]
fn a_dry_run_changes_nothing_and_another_folder_becomes_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("sub")).unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    fs::write(data.join("sub/a.pkl"), pickle(1, 10)).unwrap();
    fs::write(data.join("readme.txt"), "no pickle").unwrap();
    let output = oiji(&["migrate", "--dry-run", "--rules", "rules.toml", "data"], folder.path());
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        told,
        "old.C -> would become new.C\nold.C: nest n, box in box\n2 files: 1 would change, 1 without a pickle\n"
    );
    assert_eq!(fs::read(data.join("sub/a.pkl")).unwrap(), pickle(1, 10));
    let output =
        oiji(&["migrate", "--rules", "rules.toml", "--out", "new", "data", "--format", "ndjson"], folder.path());
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["renamed"][0]["to"], "new.C");
    assert!(is_migrated(&fs::read(folder.path().join("new/sub/a.pkl")).unwrap(), 1));
    assert_eq!(fs::read(folder.path().join("new/readme.txt")).unwrap(), b"no pickle");
    assert_eq!(fs::read(data.join("sub/a.pkl")).unwrap(), pickle(1, 10));
}

#[test]
fn pickles_in_columns_of_sqlite_and_in_shelves_are_migrated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let path = folder.path().join("cache.db");
    {
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute("CREATE TABLE Cache (key TEXT, value BLOB)", []).unwrap();
        for number in 0..5 {
            database
                .execute("INSERT INTO Cache VALUES (?1, ?2)", rusqlite::params![number.to_string(), pickle(number, 10)])
                .unwrap();
        }
        database.execute("INSERT INTO Cache VALUES ('text', 'no pickle')", []).unwrap();
    }
    let output = oiji(&["migrate", "--rules", "rules.toml", "cache.db"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--sqlite table.column"));
    let output = oiji(&["migrate", "--rules", "rules.toml", "--sqlite", "Cache.value", "cache.db"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let database = rusqlite::Connection::open(&path).unwrap();
    for number in 0..5_i64 {
        let sql = "SELECT value FROM Cache WHERE key = ?1";
        let value: Vec<u8> = database.query_row(sql, [number.to_string()], |row| row.get(0)).unwrap();
        assert!(is_migrated(&value, number));
    }
    // A shelf of `dbm.dumb`, which Python writes.
    let Some(python) = oiji_testkit::python3() else { return oiji_testkit::skip("no Python 3 to write a shelf") };
    let script = format!(
        "import sys, types, shelve, dbm.dumb\nm = types.ModuleType('old')\nsys.modules['old'] = m\nexec('class C: pass', m.__dict__)\ns = shelve.Shelf(dbm.dumb.open({:?}))\nfor n in range(4):\n  c = m.C(); c.n = n; s['k%d' % n] = c\ns.close()",
        folder.path().join("shelf").display().to_string()
    );
    python.run(&script, b"").unwrap();
    let output = oiji(&["migrate", "--rules", "rules.toml", "shelf.dir"], folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let script = format!(
        "import sys, types, shelve, dbm.dumb\nm = types.ModuleType('new')\nsys.modules['new'] = m\nexec('class C: pass', m.__dict__)\ns = shelve.Shelf(dbm.dumb.open({:?}))\nprint([s[k].box for k in sorted(s)])",
        folder.path().join("shelf").display().to_string()
    );
    let said = String::from_utf8(python.run(&script, b"").unwrap()).unwrap();
    assert_eq!(said.trim(), "[{'n': 0}, {'n': 1}, {'n': 2}, {'n': 3}]");
}

#[test]
fn pickles_are_migrated_in_the_wrappings_that_libraries_put_around_them() {
    let Some(python) = oiji_testkit::python3() else { return oiji_testkit::skip("no Python 3 to wrap pickles") };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    fs::write(folder.path().join("one"), pickle(1, 10)).unwrap();
    // As PickledObjectField of Django keeps them, Django's cache in files, pandas' to_pickle in tars, and lzma.
    let wrap = r#"
import base64, io, lzma, pickle, sqlite3, tarfile, zlib
one = open('one', 'rb').read()
open('cache.djcache', 'wb').write(pickle.dumps(1e10, 4) + zlib.compress(one))
open('one.lzma', 'wb').write(lzma.compress(one, format=lzma.FORMAT_ALONE))
open('one.xz', 'wb').write(lzma.compress(one))
with tarfile.open('one.tar', 'w') as tar:
    for name, data in ('readme', b'text'), ('one.pkl', one), ('last', b'x' * 600):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
base = sqlite3.connect('site.db')
base.execute('CREATE TABLE things (value)')
packed = base64.b64encode(zlib.compress(one))
values = [base64.b64encode(one).decode(), packed.decode(), packed, one, zlib.compress(one), 'no pickle', b'none', 7, None]
base.executemany('INSERT INTO things VALUES (?)', [(value,) for value in values])
base.commit()
"#;
    python.run(&format!("import os\nos.chdir({:?})\n{wrap}", folder.path().display().to_string()), b"").unwrap();
    for name in ["cache.djcache", "one.lzma", "one.xz", "one.tar"] {
        let output = oiji(&["migrate", "--rules", "rules.toml", name], folder.path());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains("1 changed"), "{name}: {told}");
    }
    let output = oiji(&["migrate", "--rules", "rules.toml", "--sqlite", "things.value", "site.db"], folder.path());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.starts_with("site.db: 3 values are no pickles, and stay\n"), "{told}");
    // A pickle that is broken is told, with its row, and the file stays.
    let broken = r#"
import sqlite3
base = sqlite3.connect('broken.db')
base.execute('CREATE TABLE things (value)')
base.executemany('INSERT INTO things VALUES (?)', [(b'\x80\x03K\x01.',), (b'\x80\x03K\x01',)])
base.commit()
"#;
    python.run(&format!("import os\nos.chdir({:?})\n{broken}", folder.path().display().to_string()), b"").unwrap();
    let output = oiji(&["migrate", "--rules", "rules.toml", "--sqlite", "things.value", "broken.db"], folder.path());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("row 2 of things.value: "), "{told}");
    let unwrap = r#"
import base64, io, lzma, pickle, sqlite3, sys, tarfile, types, zlib
m = sys.modules['new'] = types.ModuleType('new')
exec('class C: pass', m.__dict__)
found = []
file = open('cache.djcache', 'rb')
found.append((pickle.load(file), pickle.loads(zlib.decompress(file.read()))))
found.append((0, pickle.loads(lzma.open('one.lzma').read())))
found.append((0, pickle.loads(lzma.open('one.xz').read())))
with tarfile.open('one.tar') as tar:
    assert tar.getnames() == ['readme', 'one.pkl', 'last'], tar.getnames()
    found.append((0, pickle.loads(tar.extractfile('one.pkl').read())))
    assert tar.extractfile('last').read() == b'x' * 600
values = [value for value, in sqlite3.connect('site.db').execute('SELECT value FROM things')]
found.append((0, pickle.loads(base64.b64decode(values[0]))))
found.append((0, pickle.loads(zlib.decompress(base64.b64decode(values[1])))))
found.append((0, pickle.loads(zlib.decompress(base64.b64decode(values[2])))))
found.append((0, pickle.loads(values[3])))
found.append((0, pickle.loads(zlib.decompress(values[4]))))
assert [type(value) for value in values[:5]] == [str, str, bytes, bytes, bytes]
assert values[5:] == ['no pickle', b'none', 7, None], values[5:]
print(len(found), {str(vars(value)['box']['n']) for _, value in found})
"#;
    let script = format!("import os\nos.chdir({:?})\n{unwrap}", folder.path().display().to_string());
    let said = String::from_utf8(python.run(&script, b"").unwrap_or_else(|error| panic!("{error}"))).unwrap();
    assert_eq!(said.trim(), "9 {'1'}");
}

#[test]
fn names_that_packages_no_longer_offer_are_looked_up_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let packages = folder.path().join("site");
    fs::create_dir_all(packages.join("shop/store")).unwrap();
    for (file, text) in [
        ("__init__.py", ""),
        ("store/__init__.py", ""),
        ("store/carts.py", "class C:\n    pass\n"),
        ("kept.py", "def f(): pass\n"),
    ] {
        fs::write(packages.join("shop").join(file), text).unwrap();
    }
    fs::write(
        folder.path().join("a.pkl"),
        b"(cshop.models\nC\ncshop.kept\nf\ncshop.kept\ngone\nccollections\nOrderedDict\nt.",
    )
    .unwrap();
    let output = oiji(&["migrate", "--suggest", "--packages", "site", "a.pkl"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let rules = String::from_utf8(output.stdout).unwrap();
    assert!(rules.contains("\"shop.models\" = \"shop.store.carts\""), "{rules}");
    assert!(rules.contains("# shop.kept:gone") && !rules.contains("collections"), "{rules}");
    fs::write(folder.path().join("rules.toml"), &rules).unwrap();
    let output = oiji(&["migrate", "--rules", "rules.toml", "--no-backup", "a.pkl"], folder.path());
    assert!(output.status.success());
    assert!(fs::read(folder.path().join("a.pkl")).unwrap().starts_with(b"(cshop.store.carts\nC\n"));
    let Some(python) = oiji_testkit::python3() else { return };
    let program = python.path.display().to_string();
    let output = oiji(&["migrate", "--suggest", "--packages", "site", "--python", &program, "a.pkl"], folder.path());
    let rules = String::from_utf8(output.stdout).unwrap();
    assert!(rules.contains("# shop.kept:gone") && !rules.contains("shop.store"), "{rules}");
}

#[test]
fn equal_values_have_equal_hashes_whoever_wrote_them() {
    let Some(python) = oiji_testkit::python3() else { return oiji_testkit::skip("no Python 3 to write pickles") };
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "import pickle, pickletools, os, datetime\nclass C: pass\nc = C(); c.a = [1, 2.5, 'x', None]\nv = {{'k': c, 's': {{'b', 'a', (1, 2), 7}}, 'l': [c, c], 'd': datetime.date(2020, 1, 1)}}\nfor p in range(6):\n  open(os.path.join({0:?}, '%d.pkl' % p), 'wb').write(pickle.dumps(v, p))\n  open(os.path.join({0:?}, 'o%d.pkl' % p), 'wb').write(pickletools.optimize(pickle._dumps(v, p)))\nopen(os.path.join({0:?}, 'other.pkl'), 'wb').write(pickle.dumps([v['l']]))",
        folder.path().display().to_string()
    );
    python.run(&script, b"").unwrap();
    let hash = |name: &str| {
        let output = oiji(&["hash", name], folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let first = hash("5.pkl");
    for protocol in 0..6 {
        assert_eq!(hash(&format!("{protocol}.pkl")), first, "{protocol}");
        assert_eq!(hash(&format!("o{protocol}.pkl")), first, "optimized {protocol}");
    }
    assert_ne!(hash("other.pkl"), first);
    let output = oiji(&["canon", "0.pkl", "-o", "canon.pkl"], folder.path());
    assert!(output.status.success());
    assert_eq!(hash("canon.pkl"), first);
}

#[test]
fn files_are_found_and_counted_by_what_they_hold() {
    let corpus = oiji_testkit::corpus().join("producers/sklearn-1.5.2-py311");
    let output = oiji(&["grep", "class:sklearn.* attr:coef_", "."], &corpus);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = String::from_utf8(output.stdout).unwrap();
    let found: Vec<&str> = found.lines().collect();
    assert!(found.contains(&"./logreg.pkl") && found.contains(&"./ridge.joblib"), "{found:?}");
    assert!(!found.iter().any(|name| name.contains("forest")), "{found:?}");
    let output = oiji(&["grep", "class:no.such.*", "."], &corpus);
    assert_eq!(output.status.code(), Some(1));
    let output = oiji(&["stats", "--json", "."], &corpus);
    let stats: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stats["files"], 30);
    let classes = stats["classes"].as_array().unwrap();
    assert!(classes.iter().any(|class| class["class"] == "sklearn.tree._tree.Tree"), "{classes:?}");
}
