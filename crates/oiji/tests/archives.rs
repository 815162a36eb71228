//! Archives of the corpus, of Theano 0.8.2 to torch 2.15, hold what the libraries that wrote them say they hold.

#![cfg(feature = "safetensors")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use oiji::archive::{
    Archive, Compression, Contents, DumpOptions, Format, save_joblib, save_npz, save_npz_compressed, save_safetensors,
    save_torch,
};
use oiji::array::{Array, Sparse};
use oiji::graph::Path;
use oiji::{Graph, Node, ReadOptions, Value, WriteOptions};
use oiji_testkit::corpus;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

fn bytes(file: &str) -> Vec<u8> {
    fs::read(corpus().join("producers").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of a kind, with all that the manifest says of them.
fn files(kind: &str) -> Vec<(String, Json)> {
    let manifest: Json = serde_json::from_slice(&bytes("MANIFEST.json")).unwrap();
    let files = manifest["files"].as_array().unwrap().iter().filter(|file| file["kind"] == kind);
    files.map(|file| (file["file"].as_str().unwrap().to_owned(), file.clone())).collect()
}

/// Shape and elements are those that the producer told.
fn check(name: &str, array: &Array<'_>, expected: &Json) {
    let shape: Vec<u64> = expected["shape"].as_array().unwrap().iter().map(|axis| axis.as_u64().unwrap()).collect();
    assert_eq!(array.shape(), shape, "{name}");
    if let Some(sum) = expected["sha256_c_order_le"].as_str() {
        let little = array.to_little_endian().unwrap();
        let ours = Sha256::digest(little.c_order_bytes().unwrap());
        assert_eq!(ours.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), sum, "{name}");
    } else if let Some(first) = expected["first_as_f32"].as_array() {
        let ours = array.to_f64s().unwrap();
        let theirs: Vec<f64> = first.iter().map(|number| number.as_f64().unwrap()).collect();
        assert_eq!(ours[..theirs.len()], theirs, "{name}");
    } else {
        panic!("{name}: the manifest says nothing of its elements");
    }
}

/// What a manifest says is an array.
fn is_array(expected: &Json) -> bool {
    expected["shape"].is_array() && (expected["sha256_c_order_le"].is_string() || expected["first_as_f32"].is_array())
}

#[test]
fn every_archive_of_theano_holds_what_it_says() {
    let mut count = 0;
    for (file, expected) in files("theano-zip") {
        let bytes = bytes(&file);
        let archive = Archive::open(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(archive.format(), Format::Robust, "{file}");
        let names: Vec<String> = archive.members().into_iter().map(|member| member.name).collect();
        if let Some(told) = expected["members"].as_array() {
            assert_eq!(names.len(), told.len(), "{file}");
        }
        assert_eq!(archive.verify().len(), 0, "{file}");
        for (name, value) in expected["numpy_values"].as_object().into_iter().flatten() {
            // NumPy reads raw bytes where it sees no `.npy` file.
            if is_array(value) && names.contains(name) {
                check(&format!("{file}: {name}"), &archive.array(name).unwrap(), value);
                count += 1;
            }
        }
        // Every array that the pickle names is there.
        let graph = archive.graph().unwrap().unwrap();
        let mut resolved = 0;
        for value in graph.values().filter(|value| matches!(value.node(), Node::Persistent(_))) {
            let array = archive.resolve(value).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(array.is_some(), "{file}: {value}");
            resolved += 1;
        }
        assert!(resolved > 0 || names == ["pkl"], "{file}");
    }
    assert!(count > 100, "only {count} arrays were checked");
}

/// The numbers that a value of an archive is.
fn numbers(archive: &Archive<'_>, value: Value<'_>) -> Vec<f64> {
    archive.resolve(value).unwrap().unwrap().to_f64s().unwrap()
}

#[test]
fn what_the_original_mixed_up_is_read_as_it_was_meant() {
    for version in ["theano-0.8.2-py27", "theano-1.0.5-py27", "theano-1.0.5-py38"] {
        // Two arrays of one name.
        let file = bytes(&format!("{version}/collide_bug_foo_2.zip"));
        let archive = Archive::open(&file).unwrap();
        let graph = archive.graph().unwrap().unwrap();
        let root = graph.root();
        let value = |index: usize| {
            let container = root.at(index).unwrap().as_object().unwrap().attribute("container").unwrap();
            container.as_object().unwrap().attribute("storage").unwrap().at(0).unwrap()
        };
        let all: Vec<Vec<f64>> = (0..3).map(|index| numbers(&archive, value(index))).collect();
        assert_eq!(all, [[0.0, 1.0, 2.0], [10.0, 11.0, 12.0], [20.0, 21.0, 22.0]], "{version}");

        let file = bytes(&format!("{version}/collide_bug_array_0.zip"));
        let archive = Archive::open(&file).unwrap();
        let graph = archive.graph().unwrap().unwrap();
        assert_eq!(numbers(&archive, graph.root().at(0).unwrap()), [0.0, 1.0, 2.0, 3.0], "{version}");

        // A variable called `pkl`.
        let file = bytes(&format!("{version}/named_pkl.zip"));
        let archive = Archive::open(&file).unwrap();
        let graph = archive.graph().unwrap().unwrap();
        let value = graph.values().find(|value| matches!(value.node(), Node::Persistent(_))).unwrap();
        assert_eq!(numbers(&archive, value), [0.0, 1.0, 2.0], "{version}");
        assert_eq!(archive.array("pkl").unwrap().to_f64s().unwrap(), [0.0, 1.0, 2.0], "{version}");
    }
}

#[test]
fn arrays_of_a_gpu_are_read_without_one() {
    for version in ["theano-0.8.2-py27", "theano-1.0.5-py27", "theano-1.0.5-py38"] {
        let file = bytes(&format!("{version}/gpu_standin.zip"));
        let archive = Archive::open(&file).unwrap();
        let infos = archive.arrays().unwrap();
        let mut sums: Vec<f64> =
            infos.iter().map(|info| archive.array(&info.name).unwrap().to_f64s().unwrap().iter().sum()).collect();
        sums.sort_by(f64::total_cmp);
        assert_eq!(sums, [15.0, 615.0], "{version}");
    }
}

#[test]
fn every_checkpoint_of_torch_holds_what_it_says() {
    let mut count = 0;
    for (file, expected) in files("torch").into_iter().chain(files("torch-tar")) {
        let bytes = bytes(&file);
        let archive = Archive::open(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        let format = match &bytes[..2] {
            b"PK" => Format::Torch,
            b"\x80\x02" => Format::TorchLegacy,
            _ => Format::TorchTar,
        };
        assert_eq!(archive.format(), format, "{file}");
        let infos: BTreeMap<String, _> =
            archive.arrays().unwrap().into_iter().map(|info| (info.name.clone(), info)).collect();
        for (name, value) in expected["expect"].as_object().unwrap() {
            if !is_array(value) {
                continue;
            }
            let name = if name == "root" { "tensor" } else { name };
            let told = format!("{file}: {name}");
            let array = archive.array(name).unwrap_or_else(|error| panic!("{told}: {error}"));
            check(&told, &array, value);
            assert_eq!(
                (infos[name].dtype.clone(), &*infos[name].shape),
                (array.dtype().clone(), array.shape()),
                "{told}"
            );
            count += 1;
        }
    }
    assert!(count > 60, "only {count} tensors were checked");
}

#[test]
fn quantized_tensors_have_their_parts_and_stand_for_what_torch_says() {
    let mut count = 0;
    for (file, expected) in files("torch").into_iter().filter(|(file, _)| file.contains("/quant")) {
        let bytes = bytes(&file);
        let archive = Archive::open(&bytes).unwrap();
        let linked = archive.linked_graph(u64::MAX).unwrap();
        let linked = Contents::of(linked.root()).arrays;
        // Of a lone tensor all that is told stands at the root.
        let told = match &expected["expect"]["dequantized"] {
            Json::Null => expected["expect"].as_object().unwrap().clone(),
            _ => [("tensor".to_owned(), expected["expect"].clone())].into_iter().collect(),
        };
        for (name, told) in told.iter().filter(|(_, told)| !told["dequantized"].is_null()) {
            let here = format!("{file}: {name}");
            let array = archive.array(name).unwrap();
            let real: Vec<f64> =
                told["dequantized"].as_array().unwrap().iter().map(|real| real.as_f64().unwrap()).collect();
            // Of the last digit of a double, JSON is not sure.
            let real: Vec<f32> = real.into_iter().map(|real| real as f32).collect();
            assert_eq!(array.dequantized().unwrap().to_vec::<f32>().unwrap(), real, "{here}");
            let parts = array.quantized().unwrap().parts().unwrap();
            for (part, array) in &parts {
                let numbers = array.to_f64s().unwrap();
                let told = match &told[part] {
                    Json::Array(numbers) => numbers.iter().map(|number| number.as_f64().unwrap()).collect(),
                    number => vec![number.as_f64().unwrap()],
                };
                assert_eq!(numbers, told, "{here}: {part}");
                count += 1;
            }
            if let ("scales", array) = &parts[0] {
                let alone = archive.array(&format!("{name}.scales")).unwrap();
                assert_eq!(alone.to_f64s().unwrap(), array.to_f64s().unwrap(), "{here}");
            }
            let (_, array) = linked.iter().find(|(other, _)| other == name).unwrap();
            assert_eq!(array.dequantized().unwrap().to_vec::<f32>().unwrap(), real, "{here}");
        }
    }
    assert_eq!(count, 2 + 2 * (3 + 3 + 2 + 2));
}

/// Whatever torch wrote, in a ZIP, a stream or a tar.
#[test]
fn the_tensors_of_a_linked_graph_hold_what_the_archive_has_under_their_names() {
    let mut formats = BTreeMap::new();
    for (file, _) in ["torch", "torch-tar"].into_iter().flat_map(files) {
        let bytes = bytes(&file);
        let Ok(archive) = Archive::open(&bytes) else { continue };
        let linked = archive.linked_graph(u64::MAX).unwrap();
        for (name, array) in Contents::of(linked.root()).arrays {
            let Ok(told) = archive.array(&name) else { continue };
            let held = array.c_order_bytes().unwrap_or_else(|error| panic!("{file}: {name}: {error}"));
            assert_eq!(*held, *told.c_order_bytes().unwrap(), "{file}: {name}");
            assert!(array.is_tensor() == told.is_tensor() && array.shape() == told.shape(), "{file}: {name}");
            *formats.entry(archive.format().name()).or_insert(0) += 1;
        }
    }
    let counts: Vec<(&str, i32)> = formats.into_iter().collect();
    assert!(
        matches!(counts[..], [("torch", zip @ 40..), ("torch-legacy", stream @ 20..), ("torch-tar", 1..)] if zip > stream),
        "{counts:?}"
    );
}

#[test]
fn every_file_of_skops_shows_its_arrays() {
    let mut count = 0;
    for (file, expected) in files("skops") {
        let bytes = bytes(&file);
        let archive = Archive::open(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!((archive.format(), archive.verify().len()), (Format::Skops, 0), "{file}");
        let infos = archive.arrays().unwrap();
        for (name, value) in expected["expect"].as_object().unwrap() {
            let found = infos.iter().find(|info| info.name == *name || info.name.rsplit('.').next() == Some(name));
            if let Some(info) = found {
                check(&format!("{file}: {}", info.name), &archive.array(&info.name).unwrap(), value);
                count += 1;
            }
        }
    }
    assert_eq!(count, 8);
    let file = bytes("skops-0.16.0/pipe.skops");
    let infos = Archive::open(&file).unwrap().arrays().unwrap();
    assert!(infos.iter().any(|info| info.name == "steps.1.1.coef_"), "{infos:?}");
}

#[test]
fn the_tree_of_skops_is_a_graph_with_its_arrays_in_place() {
    let file = bytes("skops-0.16.0/kinds.skops");
    let archive = Archive::open(&file).unwrap();
    let graph = archive.linked_graph(u64::MAX).unwrap();
    let at = |path: &str| path.parse::<Path>().unwrap().find(graph.root()).unwrap();
    let text = |path: &str| at(path).to_string();
    assert_eq!(
        at("tree").as_object().unwrap().class_name().unwrap().to_string(),
        "sklearn.tree._classes.DecisionTreeClassifier"
    );
    assert_eq!((text("tree.criterion"), text("tree.max_features")), ("'gini'".to_owned(), "None".to_owned()));
    assert_eq!(at("tree.classes_").as_array().unwrap().to_vec::<i64>().unwrap(), [0, 1]);
    // A compiled class is made by a call, and has a state.
    let nodes = at("tree.tree_.nodes").as_array().unwrap();
    assert_eq!(nodes.field("left_child").unwrap().to_vec::<i64>().unwrap()[0], 1);
    // Keys have the types that stand beside them.
    assert_eq!(text("by_number"), "{1: 'one', 2.5: [True, None, -3, 1e+300], 'text': nan}");
    assert_eq!(text("big"), (1_u128 << 70).to_string());
    assert_eq!((text("bytes"), text("set")), (r"b'\x00\xff'".to_owned(), "{1, 2}".to_owned()));
    let objects = at("objects").as_array().unwrap();
    let items: Vec<String> = objects.objects().unwrap().iter().map(|item| item.to_string()).collect();
    assert_eq!((objects.shape(), items.join(" ")), (&[2, 2][..], "'a' None 1 2.5".to_owned()));
    assert_eq!(archive.array("objects").unwrap().objects().unwrap().len(), 4);
    let matrix = Sparse::of(at("sparse")).unwrap().unwrap();
    let dense = matrix.to_dense(&oiji::Limits::default()).unwrap().to_f64s().unwrap();
    assert_eq!(dense, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0]);
    assert_eq!(archive.array("masked.data").unwrap().to_f64s().unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!((text("type"), text("function")), ("numpy.float64".to_owned(), "numpy.exp".to_owned()));
    // It needs the file no more, and every array is there.
    let whole = oiji::dumps(&archive.whole_graph().unwrap()).unwrap();
    let contents = oiji::loads(&whole).unwrap();
    let names: Vec<String> = Contents::of(contents.root()).arrays.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), archive.arrays().unwrap().len(), "{names:?}");
}

#[test]
fn damaged_trees_of_skops_are_errors_or_other_trees() {
    let mut file = bytes("skops-0.16.0/pipe.skops");
    let members = Archive::open(&file).unwrap().members();
    let schema = members.iter().find(|member| member.name == "schema.json").unwrap();
    let start = schema.offset.unwrap() as usize;
    let (mut read, mut broken) = (0, 0);
    for at in (start..start + schema.size as usize).step_by(7) {
        let before = file[at];
        for byte in [b'"', b'{', b'1', 0xff] {
            file[at] = byte;
            match Archive::open(&file).and_then(|archive| Ok((archive.arrays()?.len(), archive.linked_graph(1 << 20)?)))
            {
                Ok(_) => read += 1,
                Err(_) => broken += 1,
            }
        }
        file[at] = before;
    }
    assert!(read > 100 && broken > 100, "{read} read, {broken} broken");
    // Nothing goes down into what is nested.
    let half = schema.size as usize / 2;
    file[start..start + half].fill(b'[');
    file[start + half..start + 2 * half].fill(b']');
    file[start + 2 * half..start + schema.size as usize].fill(b' ');
    let archive = Archive::open(&file).unwrap();
    assert_eq!((archive.format(), archive.arrays().unwrap().len()), (Format::Skops, members.len() - 1));
}

/// What a file that is compressed as a whole was before.
fn decompressed(bytes: Vec<u8>) -> Vec<u8> {
    let from = bytes.as_slice();
    let mut out = Vec::new();
    let read = match from {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(from).read_to_end(&mut out),
        [0x78, ..] => flate2::read::ZlibDecoder::new(from).read_to_end(&mut out),
        [b'B', b'Z', b'h', ..] => bzip2::read::BzDecoder::new(from).read_to_end(&mut out),
        [0xfd, b'7', ..] => lzma_rust2::XzReader::new(from, true).read_to_end(&mut out),
        [0x5d, 0, ..] => lzma_rust2::LzmaReader::new_mem_limit(from, 1 << 20, None).unwrap().read_to_end(&mut out),
        [0x04, 0x22, 0x4d, 0x18, ..] => lz4_flex::frame::FrameDecoder::new(from).read_to_end(&mut out),
        _ => return bytes,
    };
    read.unwrap();
    out
}

/// The archive in `bytes`, with the files beside `file`.
fn open_beside<'a>(file: &str, bytes: &'a [u8]) -> Archive<'a> {
    let folder = corpus().join("producers").join(file).parent().unwrap().to_owned();
    let beside = move |name: &str| Ok(fs::read(folder.join(name))?.into());
    Archive::open_beside(bytes, &ReadOptions::new(), beside).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_file_of_joblib_holds_what_it_says() {
    let mut count = 0;
    for (file, expected) in files("joblib") {
        let bytes = decompressed(bytes(&file));
        let archive = open_beside(&file, &bytes);
        assert_eq!(archive.format(), Format::Joblib, "{file}");
        let infos = archive.arrays().unwrap_or_else(|error| panic!("{file}: {error}"));
        let infos: BTreeMap<&str, _> = infos.iter().map(|info| (info.name.as_str(), info)).collect();
        let graph = archive.graph().unwrap().unwrap();
        for (name, value) in expected["expect"].as_object().unwrap() {
            if !is_array(value) {
                continue;
            }
            let told = format!("{file}: {name}");
            let array = archive.array(name).unwrap_or_else(|error| panic!("{told}: {error}"));
            check(&told, &array, value);
            let info = infos[name.as_str()];
            assert_eq!((info.dtype.clone(), &*info.shape), (array.dtype().clone(), array.shape()), "{told}");
            let resolved = archive.resolve(graph.root().get(name).unwrap()).unwrap().unwrap();
            check(&told, &resolved, value);
            count += 1;
        }
        if let Some(objects) = infos.get("o").or(infos.get("obj")) {
            assert!(archive.array(&objects.name).unwrap().objects().is_some(), "{file}");
        }
    }
    assert!(count > 170, "only {count} arrays were checked");
}

#[test]
fn every_estimator_in_a_file_of_joblib_shows_its_arrays() {
    let mut count = 0;
    for (file, expected) in files("sklearn-joblib") {
        let bytes = decompressed(bytes(&file));
        let archive = open_beside(&file, &bytes);
        assert_eq!(archive.format(), Format::Joblib, "{file}");
        for info in archive.arrays().unwrap() {
            archive.array(&info.name).unwrap_or_else(|error| panic!("{file}: {}: {error}", info.name));
        }
        for (name, value) in expected["expect"]["attrs"].as_object().into_iter().flatten() {
            // What a property of the class makes is not in the file.
            if is_array(value)
                && let Ok(array) = archive.array(name)
            {
                check(&format!("{file}: {name}"), &array, value);
                count += 1;
            }
        }
    }
    assert!(count > 140, "only {count} arrays were checked");
}

#[test]
fn arrays_beside_a_file_are_asked_for_by_name() {
    let file = bytes("joblib-0.8.4-py27/multi.pkl");
    let archive = Archive::open(&file).unwrap();
    let error = archive.array("a").unwrap_err().to_string();
    assert!(error.contains("multi.pkl_01.npy"), "{error}");
    // Names that lead elsewhere are not asked for.
    let name = file.windows(16).position(|bytes| bytes == b"multi.pkl_01.npy").unwrap();
    let mut moved = file.clone();
    moved[name..name + 16].copy_from_slice(b"../../etc/shadow");
    let ask = |name: &str| panic!("{name} was asked for");
    let archive = Archive::open_beside(&moved, &ReadOptions::new(), ask).unwrap();
    assert!(archive.array("a").is_err());
}

#[test]
fn a_part_of_a_distributed_checkpoint_has_tensors_by_number() {
    for (file, expected) in files("torch-dcp") {
        let bytes = bytes(&file);
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!((archive.format(), archive.verify().len()), (Format::TorchParts, 0));
        let infos = archive.arrays().unwrap();
        assert_eq!(infos.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["1.tensor", "2.tensor"]);
        for expected in ["n.b", "w"].map(|name| &expected["expect"][name]) {
            let axes = expected["shape"].as_array().unwrap().len();
            let info = infos.iter().find(|info| info.shape.len() == axes).unwrap();
            check(&info.name, &archive.array(&info.name).unwrap(), expected);
        }
        for member in archive.members().iter().filter(|member| member.name.ends_with("/byteorder")) {
            assert!(bytes[member.offset.unwrap() as usize..].starts_with(b"little"), "{}", member.name);
        }
    }
}

#[test]
fn a_distributed_checkpoint_has_names_and_puts_tensors_together() {
    let mut count = 0;
    for (file, expected) in files("torch-dcp-metadata") {
        let bytes = bytes(&file);
        let archive = open_beside(&file, &bytes);
        assert_eq!((archive.format(), archive.verify().len()), (Format::TorchDistributed, 0), "{file}");
        let infos = archive.arrays().unwrap();
        let graph = archive.graph().unwrap().unwrap();
        let linked = archive.linked_graph(u64::MAX).unwrap();
        for (name, told) in expected["expect"].as_object().unwrap() {
            let path: Path = format!("['{name}']").parse().unwrap();
            if !is_array(told) {
                assert_eq!(path.find(linked.root()).unwrap().as_i64().ok(), told.as_i64(), "{file}: {name}");
                continue;
            }
            let here = format!("{file}: {name}");
            let array = archive.array(name).unwrap_or_else(|error| panic!("{here}: {error}"));
            check(&here, &array, told);
            check(&here, &archive.resolve(path.find(graph.root()).unwrap()).unwrap().unwrap(), told);
            check(&here, &path.find(linked.root()).unwrap().as_array().unwrap(), told);
            let info = infos.iter().find(|info| info.name == *name).unwrap();
            assert_eq!((&info.dtype, &*info.shape), (array.dtype(), array.shape()), "{here}");
            count += 1;
        }
        // Without the files beside it the names are told still.
        let alone = Archive::open(&bytes).unwrap();
        assert_eq!(alone.arrays().unwrap().len(), infos.len(), "{file}");
        let error = alone.array(&infos[0].name).unwrap_err().to_string();
        assert!(error.contains("stands in the file __0_0.distcp beside this one"), "{error}");
        survives_damage(&bytes);
        survives_damage_beside(&file, &bytes);
    }
    assert_eq!(count, 6);
}

/// The same where the files beside it are there.
fn survives_damage_beside(file: &str, bytes: &[u8]) {
    let folder = corpus().join("producers").join(file).parent().unwrap().to_owned();
    let mut changed = bytes.to_vec();
    for index in 0..changed.len() {
        changed[index] ^= 1;
        let folder = folder.clone();
        let beside = move |name: &str| {
            assert!(!name.contains('/'), "{name}");
            Ok(fs::read(folder.join(name))?.into())
        };
        if let Ok(archive) = Archive::open_beside(&changed, &ReadOptions::new(), beside)
            && let Ok(infos) = archive.arrays()
        {
            infos.iter().for_each(|info| drop(archive.array(&info.name)));
            drop(archive.linked_graph(1 << 20));
        }
        changed[index] ^= 1;
    }
}

#[test]
fn a_tensor_in_a_plain_pickle_holds_its_storage() {
    let bytes = bytes("torch-1.13.0a0-py311/plain_pickle.pkl");
    let graph = oiji::loads(&bytes).unwrap();
    let tensor = graph.root().get("t").unwrap().as_array().unwrap();
    assert!(tensor.is_tensor());
    assert_eq!(tensor.to_vec::<f32>().unwrap(), [0.0, 1.0, 2.0]);
}

#[test]
fn safetensors_and_npz_hold_what_they_say() {
    let mut count = 0;
    for (file, expected) in files("safetensors").into_iter().chain(files("npz")) {
        let bytes = bytes(&file);
        let archive = Archive::open(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(archive.arrays().unwrap().len(), archive.members().len(), "{file}");
        for (name, value) in expected["expect"].as_object().unwrap() {
            if is_array(value) {
                check(&format!("{file}: {name}"), &archive.array(name).unwrap(), value);
                count += 1;
            }
        }
    }
    assert!(count > 20, "only {count} arrays were checked");
}

/// A graph of a dict with arrays, one of them twice, and other things.
fn model() -> Graph<'static> {
    let mut graph = Graph::new();
    let weights = Array::from_values(&[0.5_f64, 1.5, 2.5, 3.5, 4.5, 5.5], &[2, 3]).unwrap();
    let bias = Array::from_values(&[1_i32, 2], &[2]).unwrap();
    let [weights, bias] = [weights, bias].map(|array| graph.add_array(&array).unwrap());
    let [first, second, name, note] = ["w", "é.b", "again", "note"].map(|key| graph.add_str(key).unwrap());
    let text = graph.add_str("plain").unwrap();
    let root = graph.add_dict(&[(first, weights), (second, bias), (name, weights), (note, text)]).unwrap();
    graph.set_roots(vec![root]);
    graph
}

#[test]
fn what_is_dumped_is_read_again_with_its_sharing() {
    for compression in [Compression::Stored, Compression::Deflated] {
        for (paths, names) in [(false, ["array_0", "array_1"]), (true, ["w", "é.b"])] {
            let graph = model();
            let zip = DumpOptions::new().paths(paths).compression(compression).to_vec(graph.root()).unwrap();
            let archive = Archive::open(&zip).unwrap();
            assert_eq!(archive.format(), Format::Robust);
            assert_eq!(archive.verify().len(), 0);
            let members = archive.members();
            let found: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            assert_eq!(found, [names[0], names[1], "pkl"]);
            assert!(members.iter().all(|member| member.compression == compression));
            if compression == Compression::Stored {
                assert!(members.iter().all(|member| member.offset.unwrap() % 64 == 0));
            }
            assert_eq!(archive.array(names[1]).unwrap().to_vec::<i32>().unwrap(), [1, 2]);
            let read = archive.graph().unwrap().unwrap();
            let at = |path: &str| path.parse::<Path>().unwrap().find(read.root()).unwrap();
            assert_eq!(at("['w']").id(), at("again").id());
            assert_eq!(at("note").as_str().unwrap(), "plain");
            assert_eq!(numbers(&archive, at("['é.b']")), [1.0, 2.0]);
        }
    }
}

#[test]
fn a_broken_member_is_named_and_the_others_stay_readable() {
    let graph = model();
    let mut zip = DumpOptions::new().to_vec(graph.root()).unwrap();
    let offset = Archive::open(&zip).unwrap().members()[0].offset.unwrap() as usize;
    zip[offset + 128] ^= 1;
    let archive = Archive::open(&zip).unwrap();
    let broken = archive.verify();
    assert_eq!(broken.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["array_0"]);
    assert_eq!(archive.array("array_1").unwrap().to_vec::<i32>().unwrap(), [1, 2]);
}

#[test]
fn npz_and_safetensors_are_written_and_read_again() {
    let first = Array::from_values(&[0.5_f32, 1.5], &[2, 1]).unwrap();
    let second = Array::from_values(&[1_i64, 2, 3], &[3]).unwrap();
    let arrays = [("a", &first), ("b.c", &second)];
    type Write = fn(&mut Vec<u8>, [(&str, &Array<'_>); 2]) -> oiji::Result<()>;
    let write: [Write; 3] = [
        |to, arrays| save_npz(to, arrays),
        |to, arrays| save_npz_compressed(to, arrays),
        |to, arrays| save_safetensors(to, arrays),
    ];
    for write in write {
        let mut bytes = Vec::new();
        write(&mut bytes, arrays).unwrap();
        let archive = Archive::open(&bytes).unwrap();
        let mut names: Vec<String> = archive.arrays().unwrap().into_iter().map(|info| info.name).collect();
        names.sort();
        assert_eq!(names, ["a", "b.c"]);
        assert_eq!(archive.array("a").unwrap().to_vec::<f32>().unwrap(), [0.5, 1.5]);
        assert_eq!(archive.array("b.c").unwrap().to_vec::<i64>().unwrap(), [1, 2, 3]);
        assert!(write(&mut Vec::new(), [("a", &first), ("a", &second)]).is_err());
    }
}

#[test]
fn state_dicts_of_torch_are_written_and_read_again() {
    let first = Array::from_values(&[0.5_f32, 1.5], &[2, 1]).unwrap();
    let second = Array::from_values(&[1_u16, 2, 3], &[3]).unwrap();
    let mut bytes = Vec::new();
    save_torch(&mut bytes, [("a", &first), ("b.c", &second), ("tied", &first)]).unwrap();
    let archive = Archive::open(&bytes).unwrap();
    assert_eq!((archive.format(), archive.verify().len()), (Format::Torch, 0));
    let members: Vec<String> = archive.members().into_iter().map(|member| member.name).collect();
    let expected = ["data.pkl", "byteorder", "data/0", "data/1", "version"];
    assert_eq!(members, expected.map(|name| format!("archive/{name}")));
    assert!(archive.members().iter().all(|member| member.offset.unwrap() % 64 == 0));
    assert_eq!(archive.array("a").unwrap().to_vec::<f32>().unwrap(), [0.5, 1.5]);
    assert_eq!(archive.array("b.c").unwrap().to_vec::<u16>().unwrap(), [1, 2, 3]);
    let infos = archive.arrays().unwrap();
    let stored: Vec<&str> = infos.iter().map(|info| info.member.as_str()).collect();
    assert_eq!(stored, ["archive/data/0", "archive/data/1", "archive/data/0"]);
    assert!(save_torch(&mut Vec::new(), [("a", &first), ("a", &second)]).is_err());
}

#[test]
fn files_of_joblib_are_written_and_read_again() {
    let graph = model();
    for protocol in 0..=5 {
        let mut bytes = Vec::new();
        save_joblib(&mut bytes, graph.root(), WriteOptions::new().protocol(protocol)).unwrap();
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.format(), Format::Joblib);
        assert!(archive.members().iter().all(|member| member.offset.unwrap() % 16 == 0));
        assert_eq!(archive.array("é.b").unwrap().to_vec::<i32>().unwrap(), [1, 2]);
        let read = archive.graph().unwrap().unwrap();
        let at = |key: &str| read.root().get(key).unwrap();
        assert_eq!(at("w").id(), at("again").id());
        assert_eq!(numbers(&archive, at("w")), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
    }
}

/// Damaged in any way, an archive is read, or an error.
fn survives_damage(archive: &[u8]) {
    let survives = |bytes: &[u8]| {
        let Ok(archive) = Archive::open(bytes) else { return };
        let _ = archive.verify();
        archive.members();
        let Ok(infos) = archive.arrays() else { return };
        for info in infos {
            let _ = archive.array(&info.name).and_then(|array| array.to_f64s());
        }
        if let Ok(Some(graph)) = archive.graph() {
            graph.values().for_each(|value| drop(archive.resolve(value)));
        }
    };
    for len in 0..archive.len() {
        survives(&archive[..len]);
    }
    let mut changed = archive.to_vec();
    for index in 0..archive.len() {
        for bit in [0, 3, 7] {
            changed[index] ^= 1 << bit;
            survives(&changed);
            changed[index] ^= 1 << bit;
        }
    }
}

#[test]
fn damaged_archives_are_errors() {
    let graph = model();
    for compression in [Compression::Stored, Compression::Deflated] {
        survives_damage(&DumpOptions::new().compression(compression).to_vec(graph.root()).unwrap());
    }
    let file = bytes("sklearn-1.9.1-py313/logreg.joblib");
    assert_eq!(Archive::open(&file).unwrap().arrays().unwrap().len(), 4);
    survives_damage(&file);
    survives_damage(&bytes("torch-1.13.0a0-py311/state_dict_legacy.pt"));
    // Between its members a tar is empty.
    survives_damage(&bytes("torch-tar-handmade/state_dict_tar.pth")[..4_096]);
}

#[test]
fn places_in_code_are_left_out_when_asked() {
    let pickle = bytes("theano-1.0.5-py38/shared_plain_p3.pkl");
    let graph = oiji::loads(&pickle).unwrap();
    let leaks = |options: DumpOptions| {
        let zip = options.to_vec(graph.root()).unwrap();
        let archive = Archive::open(&zip).unwrap();
        let graph = archive.graph().unwrap().unwrap();
        let text = graph.to_string();
        assert!(text.contains("foo2"), "{text}");
        text.contains(".py")
    };
    assert!(leaks(DumpOptions::new()));
    assert!(!leaks(DumpOptions::new().strip(true)));
}

#[test]
fn every_array_of_an_archive_is_in_its_place_in_one_graph() {
    let mut count = 0;
    for kind in ["theano-zip", "npz", "safetensors", "sklearn-joblib"] {
        for (file, _) in files(kind) {
            let bytes = bytes(&file);
            let archive = Archive::open(&bytes).unwrap();
            let whole = archive.whole_graph().unwrap_or_else(|error| panic!("{file}: {error}"));
            let linked = archive.linked_graph(u64::MAX).unwrap();
            let [one, other] = [&linked, &whole].map(|graph| Contents::of(graph.root()));
            assert_eq!(one.rest.len(), other.rest.len(), "{file}");
            for ((name, one), (_, other)) in one.arrays.iter().zip(&other.arrays) {
                assert_eq!(one.shape(), other.shape(), "{file}: {name}");
                match one.objects() {
                    Some(objects) => assert_eq!(objects.len(), other.objects().unwrap().len(), "{file}: {name}"),
                    None => assert_eq!(one.c_order_bytes().unwrap(), other.c_order_bytes().unwrap(), "{file}: {name}"),
                }
                count += 1;
            }
            assert_eq!(one.arrays.len(), other.arrays.len(), "{file}");
            // What is written of it needs the archive no more.
            let pickle = oiji::dumps(&whole).unwrap();
            assert_eq!(oiji::loads(&pickle).unwrap(), whole, "{file}");
        }
    }
    assert!(count > 100, "only {count} arrays were compared");
}

#[test]
fn compressed_members_beyond_the_budget_are_told_without_their_data() {
    let bytes = bytes("numpy-2.5.5-py313/comp.npz");
    let archive = Archive::open(&bytes).unwrap();
    let graph = archive.linked_graph(1000).unwrap();
    let [big, small] = ["big", "x"].map(|name| graph.root().get(name).unwrap().as_array().unwrap());
    assert_eq!((big.shape(), big.bytes().is_err()), (&[200, 200][..], true));
    assert_eq!(small.to_f64s().unwrap()[1], 1.0);
    assert!(archive.whole_graph().unwrap().root().get("big").unwrap().as_array().unwrap().bytes().is_ok());
}

#[test]
fn contents_have_a_name_for_each_place_and_all_that_is_no_array() {
    let mut graph = Graph::new();
    let array = graph.add_array(&Array::from_values(&[1_u8], &[1]).unwrap()).unwrap();
    let seven = graph.add_int(7).unwrap();
    let list = graph.add_list(&[array, seven, array]).unwrap();
    graph.append(list, &[list]).unwrap();
    let (a, b, c) = (graph.add_str("a").unwrap(), graph.add_str("a.0").unwrap(), graph.add_str("c").unwrap());
    let none = graph.add_none().unwrap();
    let root = graph.add_dict(&[(a, list), (b, array), (c, none)]).unwrap();
    graph.set_roots(vec![root]);
    let contents = Contents::of(graph.root());
    let names: Vec<&str> = contents.arrays.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.0", "a.2", "a.0_2"]);
    let rest: Vec<(&str, String)> =
        contents.rest.iter().map(|(path, value)| (path.as_str(), value.to_string())).collect();
    assert_eq!(rest, [("a.1", "7".to_owned()), ("c", "None".to_owned())]);
}
