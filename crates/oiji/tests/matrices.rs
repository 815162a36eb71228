//! Sparse matrices of the corpus, and those that several versions of SciPy pickle and save, are the dense ones that SciPy
//! makes of them.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use oiji::archive::Archive;
use oiji::array::{Array, Sparse, SparseFormat};
use oiji::{Graph, Limits, ReadOptions};
use oiji_testkit::{corpus, python_with};
use serde_json::Value as Json;

fn bytes(file: &str) -> Vec<u8> {
    fs::read(corpus().join("producers").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn manifest() -> Vec<Json> {
    let manifest: Json = serde_json::from_slice(&bytes("MANIFEST.json")).unwrap();
    manifest["files"].as_array().unwrap().clone()
}

fn rows(dense: &Array<'_>) -> Vec<Vec<f64>> {
    let width = dense.shape()[1] as usize;
    dense.to_f64s().unwrap().chunks(width).map(<[f64]>::to_vec).collect()
}

#[test]
fn every_matrix_of_the_corpus_is_what_scipy_says() {
    let mut count = 0;
    for file in manifest().into_iter().filter(|file| file["expect"]["dense"].is_array()) {
        let (name, expected) = (file["file"].as_str().unwrap(), &file["expect"]);
        let pickle = bytes(name);
        let graph = Graph::from_slice(&pickle).unwrap();
        let matrix = Sparse::of(graph.root()).unwrap_or_else(|error| panic!("{name}: {error}")).unwrap();
        let class = format!("{}.{}", expected["module"].as_str().unwrap(), expected["class"].as_str().unwrap());
        assert_eq!(matrix.class(), class, "{name}");
        let dense: Vec<Vec<f64>> = serde_json::from_value(expected["dense"].clone()).unwrap();
        assert_eq!(rows(&matrix.to_dense(&Limits::default()).unwrap()), dense, "{name}");
        assert_eq!(matrix.dtype().to_string(), "float64");
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn a_file_of_save_npz_is_a_matrix() {
    let file = bytes("scipy-1.17.1-py311/csr.npz");
    let archive = Archive::open(&file).unwrap();
    let graph = archive.linked_graph(u64::MAX).unwrap();
    let matrix = Sparse::of(graph.root()).unwrap().unwrap();
    assert_eq!((matrix.format(), matrix.stored(), matrix.parts().len()), (SparseFormat::Csr, 3, 3));
    let dense = matrix.to_dense(&Limits::default()).unwrap();
    assert_eq!(rows(&dense), [[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 0.0, 0.0]]);
}

#[test]
fn a_sparse_tensor_of_torch_is_a_matrix() {
    let file = bytes("torch-1.13.0a0-py311/sparse.pt");
    let archive = Archive::open(&file).unwrap();
    let graph = archive.linked_graph(u64::MAX).unwrap();
    let matrix = Sparse::of(graph.root()).unwrap().unwrap();
    assert_eq!((matrix.format(), matrix.dtype().to_string().as_str()), (SparseFormat::Coo, "float32"));
    // At (0, 2) and (1, 0), as the manifest says.
    assert_eq!(rows(&matrix.to_dense(&Limits::default()).unwrap()), [[0.0, 0.0, 3.0], [4.0, 0.0, 0.0]]);
}

/// All formats and dtypes, each a pickle and the dense matrix as `.npy`, with lengths before.
const SCRIPT: &str = r#"
import io, pickle, struct, sys, warnings
import numpy, scipy.sparse as sparse
warnings.simplefilter("ignore")
out = sys.stdout.buffer if sys.version_info[0] > 2 else sys.stdout
rng = numpy.random.RandomState(3)
def put(raw):
    out.write(struct.pack("<Q", len(raw))); out.write(raw)
def show(name, matrix, dense=None):
    put(name.encode()); put(pickle.dumps(matrix, 2))
    file = io.BytesIO(); numpy.save(file, numpy.asarray(matrix.toarray() if dense is None else dense)); put(file.getvalue())
for dtype in ["f8", "f4", "i4", "u1", "?", "c16", "i8"]:
    dense = (rng.rand(7, 5) * 9).astype(dtype) * (rng.rand(7, 5) < 0.4)
    dense = dense.astype(dtype)
    for kind in ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]:
        show("%s %s" % (kind, dtype), getattr(sparse, kind + "_matrix")(dense))
        if hasattr(sparse, kind + "_array"):
            show("%s array %s" % (kind, dtype), getattr(sparse, kind + "_array")(dense))
show("twice", sparse.coo_matrix(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2)))
show("twice csr", sparse.csr_matrix(([1.0, 2.0, 4.0], [1, 1, 0], [0, 2, 3]), shape=(2, 2)))
show("blocks", sparse.bsr_matrix(numpy.kron(numpy.eye(3), numpy.arange(1.0, 7).reshape(2, 3))))
show("diagonals", sparse.diags([[1.0, 2, 3], [4.0, 5]], [0, 1]).todia())
show("empty", sparse.csr_matrix((3, 4)))
show("none", sparse.coo_matrix((0, 4)))
try:
    show("axes", sparse.coo_array(numpy.arange(24.0).reshape(2, 3, 4) * (rng.rand(2, 3, 4) < 0.5)))
    show("one axis", sparse.coo_array(numpy.array([0.0, 2.0, 0.0])))
    show("one axis csr", sparse.csr_array(numpy.array([0.0, 2.0, 0.0])))
except (AttributeError, TypeError, ValueError):
    pass
"#;

fn parts(mut out: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some((len, rest)) = out.split_first_chunk::<8>() {
        let (part, rest) = rest.split_at(u64::from_le_bytes(*len) as usize);
        found.push(part.to_vec());
        out = rest;
    }
    found
}

#[test]
fn matrices_of_all_formats_are_what_scipy_makes_of_them() {
    let scipys: [((u32, u32), &[&str]); 3] = [
        ((2, 7), &["scipy==1.2.3", "numpy==1.16.6"]),
        ((3, 8), &["scipy==1.7.3", "numpy==1.21.6"]),
        ((3, 13), &["scipy>=1.15"]),
    ];
    for (version, packages) in scipys {
        let Some(python) = python_with(version, packages) else { continue };
        let out = python.run(SCRIPT, b"").unwrap_or_else(|error| panic!("{error}"));
        let parts = parts(&out);
        assert!(parts.len() > 150, "{} parts", parts.len());
        for parts in parts.chunks(3) {
            let name = format!("{}: {}", packages[0], String::from_utf8_lossy(&parts[0]));
            let graph = ReadOptions::new().from_slice(&parts[1]).unwrap();
            let matrix = Sparse::of(graph.root()).unwrap_or_else(|error| panic!("{name}: {error}")).unwrap();
            let dense = matrix.to_dense(&Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            let expected = Array::from_npy(&parts[2]).unwrap();
            assert_eq!((dense.dtype(), dense.shape()), (expected.dtype(), expected.shape()), "{name}");
            assert_eq!(dense.c_order_bytes().unwrap(), expected.c_order_bytes().unwrap(), "{name}");
        }
    }
}

#[test]
fn matrices_that_cannot_be_are_errors() {
    let pickle = bytes("scipy-1.17.1-py311/csr.pkl");
    // Every byte in turn: an error or a matrix, and nothing larger than allowed.
    let limits = Limits { allocation: 1 << 20, ..Limits::default() };
    let (mut read, mut refused) = (0, 0);
    for at in 0..pickle.len() {
        for change in [1, 0x40, 0x80, 0xff] {
            let mut damaged = pickle.clone();
            damaged[at] ^= change;
            let Ok(graph) = Graph::from_slice(&damaged) else { continue };
            match Sparse::of(graph.root()).and_then(|matrix| matrix.map(|matrix| matrix.to_dense(&limits)).transpose())
            {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 100 && refused > 20, "{read} read, {refused} refused");
}
