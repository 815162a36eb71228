//! Stores that the Pythons of this machine, and packages for them, write while the tests run: with many records, long values
//! and deletions.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use oiji::Value;
use oiji::store::{Format, Store};
use oiji_testkit::{Python, python_at, python_with, pythons, skip};

/// What every shelf is filled with: of 700 keys every seventh is deleted again, every fifth changed, values are of up to 40 kB.
const FILL: &str = "
def fill(shelf):
    for i in range(700):
        shelf['key%d' % i] = {'n': i, 'pad': 'x' * (i * 61 % 40000)}
    for i in range(0, 700, 5):
        shelf['key%d' % i] = {'n': -i, 'pad': 'y' * (i * 17 % 3000)}
    for i in range(0, 700, 7):
        del shelf['key%d' % i]
";

/// The shelf at `path` holds what `FILL` left in it.
fn check(path: &Path, format: Format, told: &str) {
    let store = Store::open(path).unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!(store.format(), format, "{told}");
    let mut found = BTreeMap::new();
    for record in store.records() {
        let record = record.unwrap_or_else(|error| panic!("{told}: {error}"));
        let graph = record.graph().unwrap_or_else(|error| panic!("{told}: {}: {error}", record.name()));
        let number = graph.root().get("n").unwrap().as_i64().unwrap();
        let pad = graph.root().get("pad").unwrap();
        let number_of_key: i64 = record.name().strip_prefix("key").unwrap().parse().unwrap();
        assert!(found.insert(number_of_key, (number, pad.len().unwrap())).is_none(), "{told}: {number_of_key} twice");
    }
    let left = (0..700).filter(|number| number % 7 != 0).map(|number| match number % 5 {
        0 => (number, (-number, number as usize * 17 % 3000)),
        _ => (number, (number, number as usize * 61 % 40_000)),
    });
    assert!(found == left.collect(), "{told}");
    assert_eq!(store.count(), 600, "{told}");
}

/// Runs a script that fills the store at its argument.
fn make(python: &Python, script: &str, path: &Path) -> Result<(), String> {
    let script = format!("import sys\npath = sys.argv[1]\n{FILL}\n{script}");
    python.run_with(&["-c", &script, path.to_str().unwrap()], b"").map(drop)
}

/// Debian's own Python, which has modules that one built from source often lacks.
fn debian() -> Option<Python> {
    python_at(Path::new("/usr/bin/python3"))
}

#[test]
fn dumb_shelves_of_every_python() {
    for python in pythons() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelf");
        let script = "
import shelve
try:
    import dbm.dumb as dumb
except ImportError:
    import dumbdbm as dumb
shelf = shelve.Shelf(dumb.open(path))
fill(shelf)
shelf.close()";
        make(python, script, &path).unwrap();
        check(&path, Format::Dumb, &format!("dbm.dumb of Python {}", python.name()));
        // What was deleted last is still there.
        let store = Store::open(path.with_extension("dat")).unwrap();
        let remains: Vec<_> = store.remains().map(|record| record.unwrap()).collect();
        let pickles = remains.iter().filter(|record| record.content().is_ok_and(|content| content.is_pickle()));
        assert!(pickles.count() > 50, "Python {}", python.name());
    }
}

#[test]
fn shelves_in_sqlite() {
    let new = pythons().iter().filter(|python| python.version >= (3, 13, 0));
    let mut count = 0;
    for python in new {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a shelf?#%.db");
        let script = "
import dbm.sqlite3, shelve
shelf = shelve.Shelf(dbm.sqlite3.open(path, 'c'))
fill(shelf)
shelf.close()";
        make(python, script, &path).unwrap();
        check(&path, Format::DbmSqlite, &format!("dbm.sqlite3 of Python {}", python.name()));
        count += 1;
    }
    if count == 0 {
        skip("shelves in SQLite, for want of Python 3.13");
    }
}

#[test]
fn shelves_of_berkeley_db() {
    let script = "
import dbm.ndbm, os, shelve
shelf = shelve.Shelf(dbm.ndbm.open(path, 'c'))
fill(shelf)
shelf['key' * 700] = {}
del shelf['key' * 700]
shelf.close()
assert os.path.exists(path + '.db')";
    let mut count = 0;
    for python in pythons().iter().cloned().chain(debian()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelf");
        if make(&python, script, &path).is_ok() {
            check(&path, Format::Berkeley, &format!("dbm.ndbm of Python {}", python.name()));
            count += 1;
        }
    }
    if count == 0 {
        skip("shelves of Berkeley DB, as no Python here has dbm.ndbm upon it");
    }
}

/// A shelf upon the library of GNU dbm itself, for Pythons that have no module for it.
const GDBM: &str = "
import ctypes, ctypes.util, pickle
lib = ctypes.CDLL(ctypes.util.find_library('gdbm') or 'libgdbm.so.6')
class Datum(ctypes.Structure):
    _fields_ = [('dptr', ctypes.c_char_p), ('dsize', ctypes.c_int)]
lib.gdbm_open.restype = ctypes.c_void_p
lib.gdbm_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
lib.gdbm_store.argtypes = [ctypes.c_void_p, Datum, Datum, ctypes.c_int]
lib.gdbm_delete.argtypes = [ctypes.c_void_p, Datum]
lib.gdbm_close.argtypes = [ctypes.c_void_p]
class Shelf:
    def __init__(self, flags, block):
        self.file = lib.gdbm_open(path.encode(), block, 3 | flags, 0o644, None)
        assert self.file
    def __setitem__(self, key, value):
        key, value = key.encode(), pickle.dumps(value)
        assert lib.gdbm_store(self.file, Datum(key, len(key)), Datum(value, len(value)), 1) == 0
    def __delitem__(self, key):
        assert lib.gdbm_delete(self.file, Datum(key.encode(), len(key))) == 0
    def close(self):
        lib.gdbm_close(self.file)
";

#[test]
fn shelves_of_gnu_dbm() {
    let Some(python) = oiji_testkit::python3() else { return skip("shelves of GNU dbm, for want of a Python 3") };
    // Small blocks make many buckets; `GDBM_NUMSYNC` is another magic number and a longer header.
    for (flags, block) in [(0, 0), (0, 512), (0x2000, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelf");
        let script = format!("{GDBM}\nshelf = Shelf({flags}, {block})\nfill(shelf)\nshelf.close()");
        match make(python, &script, &path) {
            Ok(()) => check(&path, Format::Gdbm, &format!("gdbm_open with flags {flags} and blocks of {block}")),
            Err(error) if error.contains("cannot open shared object") => {
                return skip("shelves of GNU dbm, for want of its library");
            }
            Err(error) => panic!("{error}"),
        }
    }
    for python in pythons().iter().cloned().chain(debian()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelf");
        let script = "
import shelve
try:
    import dbm.gnu as gnu
except ImportError:
    import gdbm as gnu
shelf = shelve.Shelf(gnu.open(path, 'c'))
fill(shelf)
shelf.close()";
        if make(&python, script, &path).is_ok() {
            check(&path, Format::Gdbm, &format!("dbm.gnu of Python {}", python.name()));
        }
    }
}

#[test]
fn objects_of_zodb_written_undone_and_packed() {
    let Some(python) = python_with((3, 11), &["ZODB==6.0.1"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Data.fs");
    let script = "
import transaction
from ZODB import DB, FileStorage
from persistent.mapping import PersistentMapping
db = DB(FileStorage.FileStorage(path))
root = db.open().root()
for i in range(100):
    root['m%d' % i] = PersistentMapping({'n': i, 'pad': 'x' * (i * 200)})
transaction.commit()
root['m5']['n'] = 500
transaction.commit()
root['m6']['n'] = 600
transaction.commit()
db.undo(db.undoLog(0, 1)[0]['id'])
transaction.commit()
db.close()";
    make(&python, script, &path).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.format(), Format::FileStorage);
    let mut numbers = BTreeMap::new();
    for record in store.records() {
        let graph = record.unwrap().graph().unwrap();
        let data = graph.root().path("data").unwrap();
        if let Ok(pad) = data.get("pad") {
            numbers.insert(pad.len().unwrap(), data.get("n").unwrap().as_i64().unwrap());
        }
    }
    let expected = |number: i64| (number as usize * 200, if number == 5 { 500 } else { number });
    assert!(numbers == (0..100).map(expected).collect(), "{numbers:?}");
    assert!(store.remains().count() >= 3);
    assert!(store.remains().all(|record| record.unwrap().graph().is_ok()));
}

/// What folders hold, to see that nothing was written.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[test]
fn a_diskcache_is_read_while_it_is_written() {
    let Some(python) = python_with((3, 11), &["diskcache==5.6.3"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = "
import sys, diskcache
cache = diskcache.Cache(sys.argv[1])
for i in range(300):
    cache[i if i % 2 else 'k%d' % i] = [i, 'x' * (i * 300)]
cache['text'], cache['bytes'], cache['float'] = 'raw', b'\\x80\\x04raw', 1.5
cache['long text'], cache['long bytes'] = 't' * 50000, b'b' * 50000
del cache[7]
print('ready')
sys.stdout.flush()
sys.stdin.read()";
    let mut writer = python.command();
    writer.args(["-c", script, folder.path().to_str().unwrap()]);
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(writer.stdout.as_mut().unwrap()), &mut line).unwrap();
    let check = |told: &str| {
        let before = contents(folder.path());
        let store = Store::open(folder.path()).unwrap_or_else(|error| panic!("{told}: {error}"));
        assert_eq!((store.format(), store.count()), (Format::Diskcache, 304), "{told}");
        let value = |key: &str| store.get(key).unwrap().unwrap().content().unwrap();
        for number in [1_i64, 2, 298, 299] {
            let key = if number % 2 == 1 { number.to_string() } else { format!("k{number}") };
            let list = value(&key);
            let len = |value: Value<'_>| value.at(1).unwrap().len();
            assert_eq!(list.graph().root().at(0).unwrap().as_i64().unwrap(), number, "{told}");
            assert_eq!(len(list.graph().root()), Some(number as usize * 300), "{told}");
        }
        assert!(store.get("7").unwrap().is_none());
        assert!(!value("text").is_pickle() && value("text").graph().to_string() == "'raw'");
        assert_eq!(value("bytes").graph().to_string(), "b'\\x80\\x04raw'");
        assert_eq!(value("float").graph().to_string(), "1.5");
        assert_eq!(value("long text").graph().root().as_str().unwrap(), "t".repeat(50_000));
        assert_eq!(value("long bytes").graph().root().as_bytes().unwrap(), "b".repeat(50_000).as_bytes());
        drop(store);
        assert!(contents(folder.path()) == before, "{told}: a file was changed");
    };
    assert_eq!(line, "ready\n");
    assert!(folder.path().join("cache.db-wal").metadata().unwrap().len() > 0, "nothing stands in the log");
    check("with a log");
    drop(writer.stdin.take());
    writer.wait().unwrap();
    check("at rest");
}

#[test]
fn caches_of_django_in_files_and_tables() {
    let Some(python) = python_with((3, 11), &["django==5.2.8"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = "
import os
import django
from django.conf import settings
back = 'django.core.cache.backends.'
settings.configure(CACHES={
    'default': {'BACKEND': back + 'db.DatabaseCache', 'LOCATION': 'a cache'},
    'files': {'BACKEND': back + 'filebased.FileBasedCache', 'LOCATION': os.path.join(path, 'files')},
}, DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.path.join(path, 'db')}})
django.setup()
from django.core.cache import caches
from django.core.management import call_command
call_command('createcachetable')
for i in range(50):
    caches['default'].set('key%d' % i, {'n': i, 'pad': 'x' * (i * 1000)}, None)
caches['files'].set('one', {'n': 1, 'pad': 'x' * 100000}, 1000)";
    make(&python, script, folder.path()).unwrap();
    let store = Store::open(folder.path().join("db")).unwrap();
    assert_eq!((store.format(), store.count()), (Format::DjangoTable, 50));
    for record in store.records().map(|record| record.unwrap()) {
        let number: i64 = record.name().strip_prefix(":1:key").unwrap().parse().unwrap();
        let graph = record.graph().unwrap();
        assert_eq!(graph.root().get("n").unwrap().as_i64().unwrap(), number);
        assert_eq!(graph.root().get("pad").unwrap().len(), Some(number as usize * 1000));
    }
    let file = contents(&folder.path().join("files")).into_keys().next().unwrap();
    let store = Store::open(file).unwrap();
    assert_eq!(store.format(), Format::DjangoFile);
    assert!(store.get("expires").unwrap().unwrap().graph().unwrap().root().as_f64().unwrap() > 1.7e9);
    let value = store.get("value").unwrap().unwrap().graph().unwrap();
    assert_eq!(value.root().get("pad").unwrap().len(), Some(100_000));
}
