//! Archives that we write, read by the libraries that people have: NumPy from 1.16 on, and Theano 1.0.5.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use oiji::archive::{Archive, Compression, DumpOptions, save_npz, save_npz_compressed};
use oiji::array::Array;
use oiji::{Graph, ReadOptions};
use oiji_testkit::{Python, corpus, numpys, python_with};

/// The very example: two variables with names, and an array.
fn example() -> (Graph<'static>, DumpOptions) {
    let mut graph = Graph::new();
    let arrays = [0_i64, 1, 3].map(|value| Array::from_values(&[value], &[]).unwrap());
    let ids = arrays.map(|array| graph.add_array(&array).unwrap());
    let root = graph.add_tuple(&ids).unwrap();
    graph.set_roots(vec![root]);
    (graph, DumpOptions::new().name(ids[0], "foo1").name(ids[1], "foo2"))
}

const LIST: &str = "
import json, numpy, sys
for path in sys.argv[1:]:
    arrays = numpy.load(path)
    for name in arrays.keys():
        value = arrays[name]
        raw = isinstance(value, (bytes, str))
        print(json.dumps([name, None if raw else [str(value.dtype), value.tolist()]]))
";

#[test]
fn numpy_alone_lists_and_reads_what_is_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (graph, options) = example();
    options.save(graph.root(), path("model.zip")).unwrap();
    options.clone().compression(Compression::Deflated).save(graph.root(), path("small.zip")).unwrap();
    let array = Array::from_values(&[1.5_f64, 2.5], &[2, 1]).unwrap();
    save_npz(fs::File::create(path("a.npz")).unwrap(), [("é.x", &array)]).unwrap();
    save_npz_compressed(fs::File::create(path("b.npz")).unwrap(), [("y", &array)]).unwrap();
    let zip =
        "[\"foo1\", [\"int64\", 0]]\n[\"foo2\", [\"int64\", 1]]\n[\"array_0\", [\"int64\", 3]]\n[\"pkl\", null]\n";
    let values = "[\"float64\", [[1.5], [2.5]]]";
    let expected = format!("{zip}{zip}[\"\\u00e9.x\", {values}]\n[\"y\", {values}]\n");
    for python in numpys() {
        let files = ["model.zip", "small.zip", "a.npz", "b.npz"].map(path);
        let arguments: Vec<&str> = ["-c", LIST].into_iter().chain(files.iter().map(String::as_str)).collect();
        let found = String::from_utf8(python.run_with(&arguments, b"").unwrap()).unwrap();
        assert_eq!(found, expected, "Python {}", python.name());
        println!("Python {}: read all", python.name());
    }
}

const THEANO: &str = "
import sys
from theano.misc.pkl_utils import load
with open(sys.argv[1], 'rb') as file:
    for value in load(file):
        print(getattr(value, 'name', None), (value.get_value() if hasattr(value, 'get_value') else value).tolist())
";

fn theano_reads(python: &Python, path: &Path) -> String {
    let path = path.to_str().unwrap();
    String::from_utf8(python.run_with(&["-c", THEANO, path], b"").unwrap()).unwrap()
}

#[test]
fn theano_itself_loads_what_is_dumped_for_it() {
    let packages = ["theano==1.0.5", "numpy==1.19.5", "scipy==1.5.4", "six"];
    let Some(python) = python_with((3, 8), &packages) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.zip");
    let pickle = fs::read(corpus().join("producers/theano-1.0.5-py38/shared_plain_p3.pkl")).unwrap();
    let graph = ReadOptions::new().from_slice(&pickle).unwrap();
    DumpOptions::new().compatible(true).save(graph.root(), &path).unwrap();
    assert_eq!(theano_reads(&python, &path), "foo1 0\nfoo2 1\nNone 3\n");
    let names = Archive::open(&fs::read(&path).unwrap()).unwrap().members();
    let names: Vec<&str> = names.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["foo1", "foo2", "array_0", "pkl"]);
}

/// Five gigabytes are written to disk and read three times: `cargo test --release -- --ignored zip64`.
#[test]
#[ignore = "writes 5 GB"]
fn zip64_archives_are_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.zip");
    let len = (4 << 30) + (512 << 20);
    let mut bytes = vec![0_u8; len];
    bytes[len - 1] = 7;
    let large = Array::from_bytes(oiji::array::Dtype::UInt(1, oiji::array::ByteOrder::Little), &[len as u64], bytes);
    let small = Array::from_values(&[1.5_f64, 2.5], &[2]).unwrap();
    let npz = [("large", &large.unwrap()), ("small", &small)];
    save_npz(fs::File::create(&path).unwrap(), npz).unwrap();

    let map = oiji_mmap::Map::of(&fs::File::open(&path).unwrap()).unwrap();
    let archive = Archive::open(&map).unwrap();
    assert!(archive.members()[1].offset.unwrap() > 4 << 30);
    let read = archive.array("large").unwrap();
    assert_eq!((read.shape(), read.bytes().unwrap()[len - 1]), (&[len as u64][..], 7));
    assert_eq!(archive.array("small").unwrap().to_f64s().unwrap(), [1.5, 2.5]);
    assert!(archive.verify().is_empty());

    let script = "
import sys, zipfile, numpy
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
assert numpy.load(sys.argv[1])['small'].tolist() == [1.5, 2.5]
";
    if let Some(python) = numpys().last() {
        python.run_with(&["-c", script, path.to_str().unwrap()], b"").unwrap();
    }
}
