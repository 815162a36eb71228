//! Stores of the corpus, of shelve and others, hold what the libraries that wrote them say they hold.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use oiji::store::{Content, Format, Place, Record, Store};
use oiji::{Node, Value};
use oiji_testkit::corpus;
use serde_json::Value as Json;

fn producers() -> PathBuf {
    corpus().join("producers")
}

/// What the manifest says of a file.
fn told(file: &str) -> Json {
    let manifest = fs::read(producers().join("MANIFEST.json")).unwrap();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap();
    let mut files = manifest["files"].as_array().unwrap().iter();
    files.find(|told| told["file"] == file).unwrap_or_else(|| panic!("{file} is in no manifest"))["expect"].clone()
}

fn open(file: &str) -> Store<'static> {
    Store::open(producers().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn records<'s>(store: &'s Store<'_>) -> BTreeMap<String, Record<'s>> {
    store.records().map(|record| record.unwrap()).map(|record| (record.name(), record)).collect()
}

/// A value is what the manifest says: JSON, with dates and bytes in words.
fn is(value: Value<'_>, expected: &Json) -> bool {
    match (value.node(), expected) {
        (Node::None, Json::Null) => true,
        (Node::Bool(value), Json::Bool(expected)) => value == *expected,
        (Node::Int(value), Json::Number(_)) => Some(value) == expected.as_i64(),
        (Node::Float(value), Json::Number(_)) => Some(value) == expected.as_f64(),
        (Node::Str(text), Json::String(expected)) if expected == "'x' * 5000" => text.to_string() == "x".repeat(5000),
        (Node::Py2Str(bytes), Json::String(expected)) if expected == "'x' * 5000" => {
            bytes == "x".repeat(5000).as_bytes()
        }
        (Node::Str(text), Json::String(expected)) => text.to_string() == *expected,
        (Node::Py2Str(bytes) | Node::Bytes(bytes), Json::String(expected)) => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            *expected == format!("bytes {}", hex.join(" "))
                || hex.join(" ") == *expected
                || bytes == expected.as_bytes()
        }
        (Node::List(items) | Node::Tuple(items), Json::Array(expected)) => {
            items.len() == expected.len() && items.iter().zip(expected).all(|(item, expected)| is(item, expected))
        }
        (Node::Dict(pairs), Json::Object(expected)) => {
            let known = |(key, value): (Value<'_>, Value<'_>)| match key.node() {
                Node::Str(key) => is(value, &expected[&key.to_string()]),
                Node::Py2Str(key) => is(value, &expected[str::from_utf8(key).unwrap()]),
                _ => false,
            };
            pairs.len() == expected.len() && pairs.iter().all(known)
        }
        (Node::Object(object), Json::String(expected)) => {
            let class = object.class_name().unwrap().to_string();
            let packed = object.args().at(0).unwrap();
            let packed: &[u8] = match packed.node() {
                Node::Bytes(bytes) | Node::Py2Str(bytes) => bytes,
                other => panic!("{other:?}"),
            };
            match class.as_str() {
                "datetime.date" => packed == [7, 0xdf, 4, 1] && expected == "2015-04-01",
                "datetime.datetime" => packed[..4] == [7, 0xdf, 4, 1] && expected == "2015-04-01T00:00:00+00:00",
                _ => false,
            }
        }
        _ => false,
    }
}

/// The files of every shelf, and what they are.
const SHELVES: &[(&str, &str, Format)] = &[
    ("shelve-py27/dumbdbm", "shelve-py27/dumbdbm.dir", Format::Dumb),
    ("shelve-py38/dbm_dumb.dat", "shelve-py38/dbm_dumb.dir", Format::Dumb),
    ("shelve-py311-debian/dbm_dumb.dir", "shelve-py311-debian/dbm_dumb.dir", Format::Dumb),
    ("shelve-py313/dbm_dumb", "shelve-py313/dbm_dumb.dir", Format::Dumb),
    ("shelve-py311-debian/dbm_gnu", "shelve-py311-debian/dbm_gnu", Format::Gdbm),
    ("shelve-py311-debian/dbm_ndbm", "shelve-py311-debian/dbm_ndbm.db", Format::Berkeley),
    ("shelve-py311-debian/dbm_ndbm.db", "shelve-py311-debian/dbm_ndbm.db", Format::Berkeley),
    ("shelve-py313/dbm_sqlite3", "shelve-py313/dbm_sqlite3", Format::DbmSqlite),
];

#[test]
fn every_shelf_holds_what_it_says() {
    for (file, told_of, format) in SHELVES {
        let store = open(file);
        assert_eq!(store.format(), *format, "{file}");
        let expected = told(told_of);
        let records = records(&store);
        assert_eq!(store.count(), records.len() as u64, "{file}");
        assert_eq!(records.len(), 6, "{file}: {records:?}");
        for (key, expected) in expected.as_object().unwrap() {
            if key == "deleted" {
                continue;
            }
            // The key with an accent is told in words.
            let is_date =
                |record: &&Record<'_>| expected.as_object().is_none() && record.name().starts_with(['c', 'k']);
            let record = match key.as_str() {
                "date key" => records.values().find(is_date).unwrap(),
                key => &records[key],
            };
            let content = record.content().unwrap_or_else(|error| panic!("{file}: {key}: {error}"));
            assert!(content.is_pickle(), "{file}: {key}");
            assert!(is(content.graph().root(), expected), "{file}: {key}: {}", content.graph());
            assert_eq!(oiji::loads(&record.bytes().unwrap()).unwrap(), *content.graph(), "{file}: {key}");
        }
    }
}

#[test]
fn a_key_is_found_by_its_text() {
    for (file, _, _) in SHELVES {
        let store = open(file);
        assert_eq!(store.get("one").unwrap().unwrap().graph().unwrap().to_string(), "1", "{file}");
        assert!(store.get("gone").unwrap().is_none(), "{file}");
    }
    let store = open("shelve-py313/dbm_sqlite3");
    assert!(store.get("clé").unwrap().is_some());
}

/// The value of a key that was deleted, as its bytes say.
static GONE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!("[{}]", ["0"; 100].join(", ")));

#[test]
fn what_is_left_of_a_deleted_value_is_told() {
    for file in ["shelve-py27/dumbdbm", "shelve-py38/dbm_dumb", "shelve-py311-debian/dbm_dumb", "shelve-py313/dbm_dumb"]
    {
        let store = open(file);
        let remains: Vec<_> = store.remains().map(|record| record.unwrap()).collect();
        assert_eq!(remains.len(), 1, "{file}: {remains:?}");
        assert!(remains[0].key().is_none());
        assert!(matches!(remains[0].place(), Place::Span { offset: 0, .. }));
        let graph = remains[0].graph().unwrap();
        assert!(matches!(remains[0].content().unwrap(), Content::Pickle(_)));
        assert_eq!(graph.to_string(), GONE.to_string(), "{file}");
    }
}

#[test]
fn an_older_index_leads_to_what_was_deleted() {
    let store = open("shelve-py313/dbm_dumb.bak");
    assert_eq!(store.count(), 7);
    assert_eq!(store.get("gone").unwrap().unwrap().graph().unwrap().to_string(), GONE.to_string());
}

#[test]
fn objects_of_zodb_are_made_of_their_class_and_state() {
    let store = open("zodb-6.4/Data.fs");
    assert_eq!(store.format(), Format::FileStorage);
    let expected = told("zodb-6.4/Data.fs")["root"].clone();
    let records = records(&store);
    assert_eq!(records.keys().collect::<Vec<_>>(), ["0", "1", "2"]);
    let root = records["0"].graph().unwrap();
    let class = root.root().as_object().unwrap().class_name().unwrap().to_string();
    assert_eq!(class, "persistent.mapping.PersistentMapping");
    let data = root.root().path("data").unwrap();
    assert_eq!(data.get("n").unwrap().as_i64().unwrap(), expected["n"].as_i64().unwrap());
    assert!(is(data.get("d").unwrap().get("x").unwrap(), &expected["d"]["x"]));
    assert!(is(data.get("d").unwrap().get("bytes").unwrap(), &expected["d"]["bytes"]));
    // Others are named by their number and class.
    let Node::Persistent(id) = data.get("list").unwrap().node() else { panic!("{root}") };
    assert_eq!(id.at(0).unwrap().as_bytes().unwrap(), 1_u64.to_be_bytes());
    assert_eq!(id.at(1).unwrap().as_global().unwrap().to_string(), "persistent.list.PersistentList");
    let list = records["1"].graph().unwrap();
    assert!(is(list.root().path("data").unwrap(), &expected["list"]), "{list}");
    let tree = records["2"].graph().unwrap();
    assert_eq!(tree.root().as_object().unwrap().class_name().unwrap().to_string(), "BTrees.OOBTree.OOBTree");
    assert!(tree.to_string().contains("('a', 1, 'b', [2])"), "{tree}");

    let mut all: Vec<_> = store.records().chain(store.remains()).map(|record| record.unwrap()).collect();
    all.sort_by_key(|record| (record.transaction(), record.name()));
    let transactions: std::collections::BTreeSet<_> = all.iter().map(|record| record.transaction().unwrap()).collect();
    assert_eq!(transactions.len() as u64, told("zodb-6.4/Data.fs")["transactions"].as_u64().unwrap());
    // The root was written three times.
    assert_eq!(store.remains().count(), 2);
    assert!(all.iter().filter(|record| record.name() == "0").all(|record| record.graph().is_ok()));
}

#[test]
fn caches_of_django_are_unpacked() {
    let file = "django-5.2.19/filecache/f9c7b7675d9da5a80bc92eb60e78dbf0.djcache";
    let store = open(file);
    assert_eq!(store.format(), Format::DjangoFile);
    let records = records(&store);
    assert!(records["expires"].graph().unwrap().root().is_none());
    let value = records["value"].graph().unwrap();
    let expected = told(file)["value"].clone();
    assert!(is(value.root(), &expected), "{value}");
    assert!(records["value"].bytes().unwrap().len() > records["value"].stored_size() as usize);

    let table = "django-5.2.19/cache.sqlite3";
    let store = open(table);
    assert_eq!(store.format(), Format::DjangoTable);
    let record = store.get(told(table)["key"].as_str().unwrap()).unwrap().unwrap();
    assert_eq!(*record.place(), Place::Row(1));
    assert!(is(record.graph().unwrap().root(), &expected));
    assert_eq!(record.bytes().unwrap()[..2], [0x80, 5]);
}

#[test]
fn values_of_diskcache_stand_in_rows_and_files() {
    let expected = told("diskcache-5.6.3/dc/cache.db");
    for way in ["diskcache-5.6.3/dc/cache.db", "diskcache-5.6.3/dc"] {
        let store = open(way);
        assert_eq!((store.format(), store.count()), (Format::Diskcache, 3));
        let records = records(&store);
        assert!(is(records["a"].graph().unwrap().root(), &expected["a"]));
        assert!(matches!(records["big"].place(), Place::File { name, .. } if name.ends_with(".val")));
        assert_eq!(records["big"].stored_size(), 59_798);
        let big = records["big"].graph().unwrap();
        let numbers: Vec<i64> = big.root().items().unwrap().iter().map(|item| item.as_i64().unwrap()).collect();
        assert!(numbers.into_iter().eq(0..20_000));
        // The key is a pickle, and the value none.
        let pair = &records["('tuple', 'key')"];
        assert_eq!(pair.key().at(1).unwrap().as_str().unwrap(), "key");
        assert!(matches!(pair.content().unwrap(), Content::Plain(graph) if graph.to_string() == "5"));
        assert_eq!(&*pair.bytes().unwrap(), b"5");
    }
}

#[test]
fn the_body_of_a_celery_message_is_the_pickle_that_was_sent() {
    let store = open("celery-5.7.0/redis_message.json");
    assert_eq!(store.format(), Format::Celery);
    let records = records(&store);
    let sent = fs::read(producers().join("celery-5.7.0/body.pkl")).unwrap();
    assert!(*records["body"].bytes().unwrap() == sent[..]);
    let body = records["body"].content().unwrap();
    let expected = told("celery-5.7.0/body.pkl");
    assert!(body.is_pickle() && is(body.graph().root().at(0).unwrap(), &expected["args"]));
    assert!(is(body.graph().root().at(1).unwrap(), &expected["kwargs"]));
    let headers = records["headers"].content().unwrap();
    assert!(!headers.is_pickle());
    assert_eq!(headers.graph().root().get("task").unwrap().as_str().unwrap(), "app.add");
}

#[test]
fn batches_for_graphite_are_numbered() {
    let file = "notebook-py27/graphite_carbon.msg";
    let store = open(file);
    assert_eq!(store.format(), Format::Graphite);
    let records = records(&store);
    let batch = records["0"].graph().unwrap();
    assert!(is(batch.root(), &told(file)), "{batch}");
    let twice = [fs::read(producers().join(file)).unwrap(), fs::read(producers().join(file)).unwrap()].concat();
    assert_eq!(Store::from_slice(&twice).unwrap().count(), 2);
    // The second breaks off: the first is there all the same.
    let cut = Store::from_slice(&twice[..twice.len() - 1]).unwrap();
    let read: Vec<_> = cut.records().collect();
    assert!(read.len() == 2 && read[0].is_ok() && read[1].is_err());
}

#[test]
fn bytes_in_memory_are_read_as_files_are() {
    let files = SHELVES.iter().filter(|(file, _, format)| *format != Format::Dumb && producers().join(file).is_file());
    let more = ["zodb-6.4/Data.fs", "django-5.2.19/cache.sqlite3", "notebook-py27/graphite_carbon.msg"];
    for file in files.map(|(file, ..)| *file).chain(more) {
        let bytes = fs::read(producers().join(file)).unwrap();
        let (from_file, from_bytes) = (open(file), Store::from_slice(&bytes).unwrap());
        assert!(Store::may_be(&bytes[..64]), "{file}");
        assert_eq!(from_file.format(), from_bytes.format(), "{file}");
        let text = |store: &Store<'_>| -> Vec<String> {
            store
                .records()
                .map(|record| record.unwrap())
                .map(|record| format!("{record:?} {}", record.graph().unwrap()))
                .collect()
        };
        assert_eq!(text(&from_file), text(&from_bytes), "{file}");
    }
}

#[test]
fn other_files_are_no_stores() {
    for file in oiji_testkit::files() {
        let name = file.to_string_lossy().into_owned();
        let is_store =
            ["shelve-", "zodb-", "django-", "celery-", "diskcache-", "graphite"].iter().any(|it| name.contains(it));
        if !is_store && !name.contains("/scan/") {
            let found = Store::find(&file, &oiji::ReadOptions::new());
            assert!(matches!(found, Ok(None)), "{name}: {found:?}");
        }
    }
}

#[test]
fn a_broken_record_leaves_the_others_readable() {
    let index =
        b"'plain', (0, 5)\n'text', (512, 5)\n'cut', (1024, 4)\n'beyond', (9999, 5)\nno line\n'last', (1536, 5)\n";
    let mut data = vec![0; 2048];
    for (offset, value) in
        [(0, &b"\x80\x02K\x01."[..]), (512, b"hello"), (1024, b"\x80\x02K\x01"), (1536, b"\x80\x02K\x05.")]
    {
        data[offset..offset + value.len()].copy_from_slice(value);
    }
    let store = Store::from_dumb(index, &data);
    assert_eq!(store.count(), 6);
    let told: Vec<String> = store
        .records()
        .map(|record| match record.and_then(|record| Ok((record.name(), record.content()?))) {
            Ok((name, content)) => format!("{name} {} {}", content.is_pickle(), content.graph()),
            Err(error) => error.to_string(),
        })
        .collect();
    let expected = [
        "plain true 1",
        "text false 'hello'",
        "input ends where an opcode should follow at offset 4",
        "invalid store: 5 bytes should stand at offset 9999, and the file has 2048",
        "last true 5",
        "invalid store: line 5 of the index: invalid store: no key, offset and length",
    ];
    assert_eq!(told, expected);
}

#[test]
fn buckets_of_gnu_dbm_that_lie_over_one_another_are_an_error() {
    let mut bytes = fs::read(producers().join("shelve-py311-debian/dbm_gnu")).unwrap();
    let directory = 0x1000;
    let bucket = u64::from_le_bytes(bytes[directory..directory + 8].try_into().unwrap());
    for number in 0..512 {
        // The same bucket from another place each time.
        let place = bucket + number % 2 * 24;
        bytes[directory + 8 * number as usize..][..8].copy_from_slice(&place.to_le_bytes());
    }
    let store = Store::from_slice(&bytes).unwrap();
    let last = store.records().last().unwrap().unwrap_err();
    assert!(last.to_string().contains("lie over one another"), "{last}");
    assert!(store.count() < 1000);
}

#[test]
fn a_long_value_that_goes_round_in_a_circle_is_cut_off() {
    let file = fs::read(producers().join("shelve-py311-debian/dbm_ndbm.db")).unwrap();
    let store = Store::from_slice(&file).unwrap();
    let big = store.get("big").unwrap().unwrap();
    let Place::Pages { first, len } = *big.place() else { panic!("{big:?}") };
    // Its second page names the first again, and it says to be longer than it is.
    let mut bytes = file.clone();
    let said = bytes.windows(4).position(|window| window == (len as u32).to_le_bytes()).unwrap();
    bytes[said..said + 4].copy_from_slice(&20_000_u32.to_le_bytes());
    let second = u32::from_le_bytes(bytes[first as usize * 4096 + 16..][..4].try_into().unwrap());
    bytes[second as usize * 4096 + 16..][..4].copy_from_slice(&first.to_le_bytes());
    let store = Store::from_slice(&bytes).unwrap();
    assert_eq!(store.get("big").unwrap().unwrap().bytes().unwrap().len(), 20_000);
    drop(store);
    // Longer than the file: nothing is read at all.
    bytes[said..said + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let store = Store::from_slice(&bytes).unwrap();
    let error = store.get("big").unwrap().unwrap().bytes().unwrap_err();
    assert!(error.to_string().contains("4294967295 bytes in a file of 20480"), "{error}");
    assert_eq!(store.get("one").unwrap().unwrap().graph().unwrap().to_string(), "1");
}

#[test]
fn a_zodb_that_breaks_off_is_read_up_to_there() {
    let file = fs::read(producers().join("zodb-6.4/Data.fs")).unwrap();
    let whole = Store::from_slice(&file).unwrap().count();
    let store = Store::from_slice(&file[..file.len() - 100]).unwrap();
    let (read, broken): (Vec<_>, Vec<_>) = store.records().partition(Result::is_ok);
    assert_eq!((read.len() as u64, broken.len()), (whole, 1));
    // What was being written last is not part of it, so the root is what it was before.
    let root = store.get("0").unwrap().unwrap().graph().unwrap();
    assert_eq!(root.root().path("data.n").unwrap().as_i64().unwrap(), 1);
    assert!(broken[0].as_ref().unwrap_err().to_string().contains("is not all there"));
}

#[test]
fn values_cost_no_more_than_limits_allow() {
    let limits = oiji::Limits { bytes: 6_000, ..oiji::Limits::default() };
    let options = oiji::ReadOptions::new().limits(limits);
    let store = Store::open_with(producers().join("shelve-py311-debian/dbm_gnu"), &options).unwrap();
    // Each value may be asked for again, but that counts.
    let records: Vec<_> = store.records().map(|record| record.unwrap()).collect();
    assert!(records.iter().all(|record| record.bytes().is_ok()));
    let again: Vec<String> =
        records.iter().filter_map(|record| record.bytes().err()).map(|error| error.to_string()).collect();
    assert!(again.iter().any(|error| error.starts_with("limit reached: bytes is 6000")), "{again:?}");
    let packed = producers().join("django-5.2.19/filecache/f9c7b7675d9da5a80bc92eb60e78dbf0.djcache");
    let limits = oiji::Limits { allocation: 100, ..limits };
    let store = Store::open_with(packed, &oiji::ReadOptions::new().limits(limits)).unwrap();
    assert!(store.get("value").unwrap().unwrap().bytes().unwrap_err().to_string().contains("allocation is 100"));
    assert!(store.get("expires").unwrap().unwrap().graph().is_ok());
}

#[test]
fn damaged_stores_end_with_errors() {
    let limits = oiji::Limits { bytes: 1 << 20, allocation: 1 << 20, ..oiji::Limits::default() };
    let options = oiji::ReadOptions::new().limits(limits);
    let mut state = 0x9e37_79b9_u64;
    let mut random = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % bound
    };
    let mut read = 0;
    for file in [
        "shelve-py311-debian/dbm_gnu",
        "shelve-py311-debian/dbm_ndbm.db",
        "zodb-6.4/Data.fs",
        "diskcache-5.6.3/dc/cache.db",
    ] {
        let whole = fs::read(producers().join(file)).unwrap();
        // What is not zero says something.
        let telling: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..=random(4) {
                let at = telling[random(telling.len())];
                bytes[at] = [0, 1, 0x7f, 0xff, random(256) as u8][random(5)];
            }
            let Ok(store) = Store::from_slice_with(&bytes, &options) else { continue };
            for record in store.records().chain(store.remains()).take(100_000).flatten() {
                read += u64::from(record.content().is_ok());
            }
        }
    }
    assert!(read > 1000, "{read}");
}
