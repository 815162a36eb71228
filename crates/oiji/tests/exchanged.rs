//! Archives exchanged with the real joblib and the real torch: what they write is read, what we write they load.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use oiji::archive::{Archive, Format, save_joblib, save_torch};
use oiji::array::Array;
use oiji::graph::{Id, Path};
use oiji::{Graph, ReadOptions, WriteOptions};
use oiji_testkit::{python_with_torch, pythons, skip};
use serde_json::json;

const JOBLIB: &str = include_str!("python/joblib_files.py");

/// A graph in which each array that stood between ops is one of NumPy's in the pickle.
fn in_one(archive: &Archive<'_>) -> Graph<'static> {
    let read = archive.graph().unwrap().unwrap();
    let mut graph = Graph::new();
    let mut pairs: Vec<(Id, Id)> = Vec::new();
    let mut shared = None;
    for (key, value) in read.root().pairs().unwrap().iter() {
        let name = graph.add_copy(key).unwrap();
        let value = match (archive.resolve(value).unwrap(), key.as_str().unwrap()) {
            (Some(_), "again") => shared.unwrap(),
            (Some(array), _) => graph.add_array(&array).unwrap(),
            (None, _) => {
                let [number, text] = [0, 1].map(|index| graph.add_copy(value.at(index).unwrap()).unwrap());
                let key = graph.add_str("key").unwrap();
                let inner = graph.add_dict(&[(key, shared.unwrap())]).unwrap();
                graph.add_list(&[number, text, inner]).unwrap()
            }
        };
        shared = shared.or(Some(value));
        pairs.push((name, value));
    }
    let root = graph.add_dict(&pairs).unwrap();
    graph.set_roots(vec![root]);
    graph
}

#[test]
fn joblib_loads_what_we_make_of_its_files() {
    let python = pythons().iter().rev().find(|python| python.version >= (3, 8, 0));
    let Some(python) = python else { return skip("joblib, for want of a Python from 3.8 on") };
    let python = match python.with_packages(&["joblib", "numpy"]) {
        Ok(python) => python,
        Err(error) => return skip(&format!("joblib on Python {}: {}", python.name(), error.trim())),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let run = |what: &str| python.run_with(&["-c", JOBLIB, what, path], b"").unwrap_or_else(|error| panic!("{error}"));
    run("make");
    for theirs in 0..=5 {
        let bytes = fs::read(folder.path().join(format!("theirs.{theirs}"))).unwrap();
        let archive = Archive::open(&bytes).unwrap_or_else(|error| panic!("protocol {theirs}: {error}"));
        assert_eq!(archive.format(), Format::Joblib);
        let graph = in_one(&archive);
        for ours in 0..=5 {
            let file = fs::File::create(folder.path().join(format!("ours.{theirs}.{ours}"))).unwrap();
            save_joblib(file, graph.root(), WriteOptions::new().protocol(ours)).unwrap();
        }
    }
    let answer: serde_json::Value = serde_json::from_slice(&run("check")).unwrap();
    assert_eq!((&answer["wrong"], &answer["compared"]), (&json!([]), &json!(72)), "{answer}");
    assert!(answer["mapped"].as_u64().unwrap() > 36 * 5, "{answer}");
}

#[test]
fn torch_loads_the_state_dicts_that_we_write() {
    const SCRIPT: &str = "
import json, sys, torch
state = torch.load(sys.argv[1], weights_only=True)
told = {name: [str(tensor.dtype), list(tensor.shape), tensor.double().tolist()] for name, tensor in state.items()}
tied = state['weight'].storage().data_ptr() == state['tied'].storage().data_ptr()
print(json.dumps([type(state).__name__, list(state), told, tied]))
";
    let Some(python) = python_with_torch() else { return };
    let weight = Array::from_values(&[0.5_f32, 1.5, 2.5, 3.5, 4.5, 5.5], &[2, 3]).unwrap();
    let swapped = weight.transposed().unwrap();
    let steps = Array::from_values(&[7_i64], &[]).unwrap();
    let empty = Array::from_values::<f64>(&[], &[0, 3]).unwrap();
    let mask = Array::from_bytes(oiji::array::Dtype::Bool, &[2], vec![1, 0]).unwrap();
    let half = Array::from_bytes(oiji::array::Dtype::BFloat16, &[2], vec![0x80, 0x3f, 0, 0x40]).unwrap();
    let big = Array::from_bytes(">i2".parse().unwrap(), &[2], vec![0, 1, 1, 0]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.pt");
    let arrays = [
        ("weight", &weight),
        ("swapped", &swapped),
        ("steps", &steps),
        ("empty", &empty),
        ("mask", &mask),
        ("half", &half),
        ("big", &big),
        ("tied", &weight),
    ];
    save_torch(fs::File::create(&path).unwrap(), arrays).unwrap();
    let told = python.run_with(&["-c", SCRIPT, path.to_str().unwrap()], b"").unwrap_or_else(|error| panic!("{error}"));
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let names: Vec<&str> = arrays.iter().map(|(name, _)| *name).collect();
    let values = [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]];
    let state = json!({
        "weight": ["torch.float32", [2, 3], values],
        "swapped": ["torch.float32", [3, 2], [[0.5, 3.5], [1.5, 4.5], [2.5, 5.5]]],
        "steps": ["torch.int64", [], 7.0],
        "empty": ["torch.float64", [0, 3], []],
        "mask": ["torch.bool", [2], [1.0, 0.0]],
        "half": ["torch.bfloat16", [2], [1.0, 2.0]],
        "big": ["torch.int16", [2], [1.0, 256.0]],
        "tied": ["torch.float32", [2, 3], values],
    });
    assert_eq!(told, json!(["OrderedDict", names, state, true]));
}

#[test]
fn what_torch_saves_is_read_as_torch_says() {
    let Some(python) = python_with_torch() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = include_str!("python/torch_files.py");
    let told = python.run_with(&["-c", script, folder.path().to_str().unwrap()], b"");
    let told: serde_json::Value = serde_json::from_slice(&told.unwrap_or_else(|error| panic!("{error}"))).unwrap();
    let file = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let numbers = |told: &serde_json::Value| -> Vec<f64> {
        told.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };

    let mut count = 0;
    for name in ["quantized.pt", "quantized_legacy.pt"] {
        let file = file(name);
        let archive = Archive::open(&file).unwrap();
        let linked = archive.linked_graph(u64::MAX).unwrap();
        for (tensor, told) in told["quantized"].as_object().unwrap() {
            let array = archive.array(tensor).unwrap_or_else(|error| panic!("{name}: {tensor}: {error}"));
            assert_eq!(array.dequantized().unwrap().to_f64s().unwrap(), numbers(told), "{name}: {tensor}");
            let array = linked.root().get(tensor.as_str()).unwrap().as_array().unwrap();
            assert_eq!(array.dequantized().unwrap().to_f64s().unwrap(), numbers(told), "{name}: {tensor}");
            count += 1;
        }
    }
    assert!(count >= 4, "{told}");

    let tensors = file("tensors.pt");
    let archive = Archive::open(&tensors).unwrap();
    for (tensor, told) in told["tensors"].as_object().unwrap() {
        assert_eq!(archive.array(tensor).unwrap().to_f64s().unwrap(), numbers(told), "{tensor}");
    }

    let Some(checkpoint) = told["checkpoint"].as_object().filter(|told| !told.is_empty()) else { return };
    let folder = folder.path().join("checkpoint");
    let metadata = fs::read(folder.join(".metadata")).unwrap();
    let beside = |name: &str| Ok(fs::read(folder.join(name))?.into());
    let archive = Archive::open_beside(&metadata, &ReadOptions::new(), beside).unwrap();
    assert_eq!((archive.format(), archive.verify().len()), (Format::TorchDistributed, 0));
    let linked = archive.linked_graph(u64::MAX).unwrap();
    for (name, told) in checkpoint {
        let path: Path = format!("['{name}']").parse().unwrap();
        let value = path.find(linked.root()).unwrap();
        match told.as_i64() {
            Some(number) => assert_eq!(value.as_i64().unwrap(), number, "{name}"),
            None => {
                assert_eq!(archive.array(name).unwrap().to_f64s().unwrap(), numbers(told), "{name}");
                assert_eq!(value.as_array().unwrap().to_f64s().unwrap(), numbers(told), "{name}");
            }
        }
    }
}
