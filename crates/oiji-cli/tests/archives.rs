//! What `oiji get`, `pack`, `unpack` and `convert` write, read by us and by the real NumPy.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::{corpus, oiji, outcome, run};
use oiji::archive::{Archive, Compression, Format};
use oiji::array::Array;
use oiji_testkit::{Python, numpys, python_with};

/// Runs a command with one input and one output, which must go well and say nothing.
fn well(command: &[&str], from: &Path, to: &Path) {
    let (status, said, error) = outcome(oiji().args(command).arg(from).arg("-o").arg(to), b"");
    assert_eq!((status, said.as_str(), error.as_str()), (0, "", ""), "{command:?}");
}

fn producer(file: &str) -> std::path::PathBuf {
    corpus("producers").join(file)
}

#[test]
fn one_array_is_taken_out() {
    let from = producer("theano-1.0.5-py38/model.zip");
    let output = run(oiji().arg("get").arg(&from).arg("foo2"), b"");
    assert_eq!(Array::from_npy(&output.stdout).unwrap().to_vec::<i64>().unwrap(), [1]);
    let output = run(oiji().arg("get").arg(&from).args(["pkl", "-o", "-"]), b"");
    let bytes = fs::read(&from).unwrap();
    assert_eq!(output.stdout, *Archive::open(&bytes).unwrap().member("pkl").unwrap().unwrap());
    // By its way in a pickle, and from a stream.
    let pickle = fs::read(producer("sklearn-1.5.2-py311/logreg.pkl")).unwrap();
    let output = run(oiji().args(["get", "-", "coef_"]), &pickle);
    assert_eq!(Array::from_npy(&output.stdout).unwrap().shape(), [3, 4]);
}

#[test]
fn what_is_packed_is_unpacked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (zip, pickle) = (folder.path().join("model"), folder.path().join("model.pkl"));
    let from = producer("sklearn-1.5.2-py311/pipeline.pkl");
    well(&["pack", "--names", "paths"], &from, &zip);
    let bytes = fs::read(&zip).unwrap();
    let archive = Archive::open(&bytes).unwrap();
    assert_eq!(archive.format(), Format::Robust);
    assert!(archive.arrays().unwrap().iter().any(|array| array.name == "steps.1.1.coef_"));
    assert!(archive.members().iter().all(|member| member.offset.unwrap() % 64 == 0));
    well(&["unpack", "--protocol", "5"], &zip, &pickle);
    let (first, again) = (fs::read(&from).unwrap(), fs::read(&pickle).unwrap());
    let (first, again) = (oiji::loads(&first).unwrap(), oiji::loads(&again).unwrap());
    assert_eq!(again.protocol(), 5);
    let [one, other] = [&first, &again].map(|graph| {
        let contents = oiji::archive::Contents::of(graph.root());
        let arrays = contents.arrays.iter().map(|(name, array)| (name.clone(), array.to_npy().unwrap()));
        (arrays.collect::<Vec<_>>(), contents.rest.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>())
    });
    assert_eq!(one, other);
}

#[test]
fn an_array_in_two_places_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let pickle = folder.path().join("out.pkl");
    well(&["unpack"], &producer("theano-1.0.5-py38/unnamed_aliased.zip"), &pickle);
    let bytes = fs::read(&pickle).unwrap();
    let graph = oiji::loads(&bytes).unwrap();
    let [one, other] = ["x", "x_again"].map(|key| graph.root().get(key).unwrap().id());
    assert_eq!(one, other);
}

#[test]
fn tensors_become_safetensors_and_npz_and_a_pickle() {
    let folder = tempfile::tempdir().unwrap();
    let from = producer("torch-1.13.0a0-py311/dtypes.pt");
    let to = folder.path().join("out.safetensors");
    let (status, _, error) = outcome(oiji().arg("convert").arg(&from).arg("-o").arg(&to), b"");
    assert!(
        status == 1 && error.ends_with("left out: c128: invalid archive: safetensors has no word for complex128\n")
    );
    let files = [&from, &to].map(|file| fs::read(file).unwrap());
    let [torch, safetensors] = [&files[0], &files[1]].map(|bytes| Archive::open(bytes).unwrap());
    assert_eq!(safetensors.format(), Format::Safetensors);
    for array in torch.arrays().unwrap().into_iter().filter(|array| array.name != "c128") {
        let [one, other] = [&torch, &safetensors].map(|archive| {
            let array = archive.array(&array.name).unwrap();
            (array.dtype().clone(), array.shape().to_vec(), array.c_order_bytes().unwrap().into_owned())
        });
        assert_eq!(one, other, "{}", array.name);
    }
    let to = folder.path().join("out.pkl");
    let (status, _, said) = outcome(oiji().args(["convert", "--protocol", "2"]).arg(&from).arg("-o").arg(&to), b"");
    assert_eq!((status, said.contains("note: bf16: bfloat16 became float32")), (0, true), "{said}");
    let bytes = fs::read(&to).unwrap();
    let graph = oiji::loads(&bytes).unwrap();
    let half = graph.root().get("bf16").unwrap().as_array().unwrap();
    // NumPy has no bfloat16.
    assert_eq!(half.dtype().to_string(), "float32");
    assert_eq!(half.to_f64s().unwrap(), torch.array("bf16").unwrap().to_f64s().unwrap());
}

#[test]
fn what_a_file_leaks_of_whoever_wrote_it_is_left_out_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.zip");
    let leaks = |pickle: &[u8]| pickle.windows(10).any(|bytes| bytes == b"mk_theano.");
    for version in ["0.8.2-py27", "1.0.5-py38"] {
        let file = producer(&format!("theano-{version}/graph.zip"));
        for (options, is_leaking) in [(&[][..], true), (&["--strip"], false), (&["--strip", "--compatible"], false)] {
            let (status, _, error) = outcome(oiji().arg("pack").arg(&file).arg("-o").arg(&out).args(options), b"");
            assert_eq!(status, 0, "{error}");
            let zip = fs::read(&out).unwrap();
            let pickle = Archive::open(&zip).unwrap().member("pkl").unwrap().unwrap();
            assert_eq!(leaks(&pickle), is_leaking, "{version}: {options:?}");
            // The list that had them is there still, empty.
            let graph = oiji::loads(&pickle).unwrap();
            assert!(graph.to_string().contains("'trace': []") != is_leaking, "{graph}");
        }
    }
}

#[test]
fn a_broken_member_is_named_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("broken.npz"), folder.path().join("out.npy"));
    let mut bytes = fs::read(producer("numpy-2.5.5-py313/plain.npz")).unwrap();
    let offset = Archive::open(&bytes).unwrap().members()[0].offset.unwrap() as usize;
    bytes[offset + 130] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (status, said, error) = outcome(oiji().args(["list", "--verify"]).arg(&file), b"");
    assert_eq!((status, error.as_str()), (1, ""));
    let broken: Vec<&str> = said.lines().filter(|line| line.starts_with("broken: ")).collect();
    assert!(matches!(broken[..], [line] if line.starts_with("broken: named.npy: ")), "{said}");
    let (status, _, error) = outcome(oiji().arg("get").arg(&file).args(["z", "-o"]).arg(&out), b"");
    assert_eq!((status, error.as_str()), (0, ""));
    // A header that is broken hides no other array either.
    bytes[offset + 1] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (status, said, error) = outcome(oiji().arg("list").arg(&file), b"");
    assert_eq!(status, 2);
    assert!(said.contains("arr_0.npy") && error.contains("member named.npy is no .npy file"), "{said}{error}");
    let (status, _, error) = outcome(oiji().arg("get").arg(&file).args(["z", "-o"]).arg(&out), b"");
    assert_eq!((status, error.as_str()), (0, ""));
    let (status, _, error) = outcome(oiji().arg("get").arg(&file).args(["named", "-o"]).arg(&out), b"");
    assert!(status == 2 && error.contains("named.npy"), "{error}");
}

#[test]
fn what_could_not_be_written_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out.npz");
    fs::write(&to, "as it was").unwrap();
    let from = producer("theano-1.0.5-py38/model.zip");
    let (status, _, _) = outcome(oiji().arg("get").arg(&from).args(["nothing", "-o"]).arg(&to), b"");
    assert_eq!(status, 2);
    assert_eq!(fs::read(&to).unwrap(), b"as it was");
}

#[test]
fn numpy_reads_what_is_packed_and_unpacked() {
    for python in numpys().into_iter().filter(|python| python.version.0 == 3) {
        exchange(&python);
    }
}

/// NumPy writes a pickle; we pack, unpack and convert it; NumPy reads all of that.
fn exchange(python: &Python) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["in.pkl", "a.zip", "b.zip", "out.pkl", "c.npz"].map(|name| folder.path().join(name));
    let [from, zip, deflated, pickle, npz] = &paths;
    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    let make = format!(
        "import numpy as np, pickle\nx = np.arange(6.).reshape(2, 3)\n\
         pickle.dump({{'x': x, 'again': x, 'n': 7, 't': (np.asfortranarray(x), np.array(['a', 'bc']))}}, open({}, 'wb'), 2)",
        quoted(from)
    );
    python.run(&make, b"").unwrap();
    well(&["pack", "--names", "paths"], from, zip);
    well(&["pack", "--compress", "deflate"], from, deflated);
    well(&["unpack"], zip, pickle);
    let (status, _, error) = outcome(oiji().arg("convert").arg(from).arg("-o").arg(npz), b"");
    assert!(status == 1 && error.ends_with("left out: n: 7\n"), "{status} {error}");
    let check = format!(
        "import numpy as np, pickle\nx = np.arange(6.).reshape(2, 3)\n\
         a = np.load({})\nassert sorted(a.keys()) == ['pkl', 't.0', 't.1', 'x'], list(a.keys())\n\
         assert (a['x'] == x).all() and list(a['t.1']) == ['a', 'bc']\n\
         b = np.load({})\nassert (b['array_0'] == x).all(), list(b.keys())\n\
         c = np.load({})\nassert (c['again'] == x).all() and (c['t.0'] == x).all()\n\
         d = pickle.load(open({}, 'rb'))\n\
         assert d['x'] is d['again'] and d['n'] == 7 and (d['x'] == x).all() and (d['t'][0] == x).all()",
        quoted(zip),
        quoted(deflated),
        quoted(npz),
        quoted(pickle)
    );
    python.run(&check, b"").unwrap_or_else(|error| panic!("Python {}: {error}", python.name()));
}

/// Names and elements of all arrays.
fn held(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = fs::read(path).unwrap();
    let archive = Archive::open(&bytes).unwrap();
    let array = |name: &str| archive.array(name).unwrap().to_little_endian().unwrap().to_npy().unwrap();
    let mut held: Vec<_> =
        archive.arrays().unwrap().into_iter().map(|info| (info.name.clone(), array(&info.name))).collect();
    held.sort();
    held
}

#[test]
fn state_dicts_become_safetensors_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (tensors, again) = (folder.path().join("model.safetensors"), folder.path().join("again.pt"));
    let from = producer("torch-2.15.0+cu132-py312/state_dict.pt");
    let convert = |from: &Path, to: &Path| outcome(oiji().arg("convert").arg(from).arg("-o").arg(to), b"");
    let (status, _, said) = convert(&from, &tensors);
    assert_eq!((status, said.contains("left out: _metadata:")), (0, true), "{said}");
    assert_eq!(convert(&tensors, &again), (0, String::new(), String::new()));
    assert_eq!(Archive::open(&fs::read(&again).unwrap()).unwrap().format(), Format::Torch);
    assert_eq!(held(&again), held(&from));

    // What torch has no word for is told.
    let npz = folder.path().join("names.npz");
    let python = "import numpy, sys; numpy.savez(sys.argv[1], text=numpy.array(['a']), x=numpy.arange(2.))";
    let Some(numpy) = numpys().pop() else { return };
    numpy.run_with(&["-c", python, npz.to_str().unwrap()], b"").unwrap();
    let (status, _, said) = convert(&npz, &again);
    assert_eq!((status, said.contains("left out: text: ") && said.contains("torch has no ")), (1, true), "{said}");
    assert_eq!(held(&again).len(), 1);
}

#[test]
fn files_of_joblib_become_archives_and_come_back() {
    let Some(python) = python_with((3, 11), &["joblib", "numpy"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (first, zip, second) = (at("first.joblib"), at("model.zip"), at("second.joblib"));
    let run = |script: &str, path: &Path| {
        let told =
            python.run_with(&["-c", script, path.to_str().unwrap()], b"").unwrap_or_else(|error| panic!("{error}"));
        String::from_utf8(told).unwrap()
    };
    let dump = "import sys, numpy, joblib; x = numpy.arange(2000.).reshape(2, 1000)
joblib.dump({'x': x, 'same': x, 'rest': ['text', 7], 'objects': numpy.array([None, 'a'], object)}, sys.argv[1])";
    let load = "import sys, joblib; held = joblib.load(sys.argv[1], mmap_mode='r')
print(type(held['x']).__name__, held['x'].shape, held['x'].sum(), held['x'] is held['same'], held['rest'], list(held['objects']))";
    run(dump, &first);
    let expected = run(load, &first);
    well(&["convert"], &first, &zip);
    assert_eq!(Archive::open(&fs::read(&zip).unwrap()).unwrap().format(), Format::Robust);
    well(&["convert"], &zip, &second);
    assert_eq!(run(load, &second), expected);
    // And a checkpoint, whose tensors become arrays.
    well(&["convert", "--to", "joblib"], &producer("torch-2.15.0+cu132-py312/state_dict.pt"), &second);
    let bytes = fs::read(&second).unwrap();
    assert_eq!(Archive::open(&bytes).unwrap().array("fc1.weight").unwrap().shape(), [8, 4]);
}

#[test]
fn members_may_be_compressed_by_zstd() {
    let folder = tempfile::tempdir().unwrap();
    let (zip, pickle) = (folder.path().join("model.zip"), folder.path().join("model.pkl"));
    let from = producer("sklearn-1.5.2-py311/pipeline.pkl");
    well(&["pack", "--names", "paths", "--compress", "zstd"], &from, &zip);
    let bytes = fs::read(&zip).unwrap();
    let archive = Archive::open(&bytes).unwrap();
    assert!(archive.members().iter().all(|member| member.compression == Compression::Zstd));
    assert_eq!(archive.array("steps.1.1.coef_").unwrap().shape(), [3, 4]);
    assert_eq!(archive.verify().len(), 0);
    well(&["unpack"], &zip, &pickle);
    let (_, listing, _) = outcome(oiji().arg("list").arg("--verify").arg(&zip), b"");
    assert!(listing.contains(" zstd ") && listing.ends_with("all members are whole\n"), "{listing}");

    // A broken one is named.
    let mut broken = bytes.clone();
    let place = archive.members()[0].offset.unwrap() as usize + 60;
    broken[place..place + 8].fill(0x55);
    let broken = Archive::open(&broken).unwrap().verify();
    assert_eq!(broken.len(), 1);
    assert!(broken[0].1.to_string().contains(&broken[0].0), "{}", broken[0].1);
}

#[test]
fn arrays_are_put_into_an_archive_and_removed_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let (zip, npy) = (folder.path().join("model.zip"), folder.path().join("x.npy"));
    fs::copy(producer("theano-1.0.5-py38/model.zip"), &zip).unwrap();
    oiji::array::save(&npy, &Array::from_values(&[1.5, 2.5], &[2]).unwrap()).unwrap();
    let before = fs::read(&zip).unwrap();
    let done = |args: &[&str]| outcome(oiji().args(args).current_dir(folder.path()), b"");

    assert_eq!(done(&["put", "model.zip", "x", "x.npy"]), (0, String::new(), String::new()));
    assert_eq!(done(&["put", "model.zip", "foo2", "x.npy", "--replace", "--compress", "zstd"]).0, 0);
    let (status, _, said) = done(&["put", "model.zip", "x", "x.npy"]);
    assert_eq!((status, said.contains("--replace puts this in its place")), (2, true), "{said}");
    let (status, _, said) = done(&["remove", "model.zip", "x", "foo1"]);
    assert_eq!((status, said.contains("part of the objects in the pickle")), (2, true), "{said}");
    let after = fs::read(&zip).unwrap();
    assert_eq!(after[..before.len()], before);
    let archive = Archive::open(&after).unwrap();
    assert_eq!(archive.array("x").unwrap().to_f64s().unwrap(), [1.5, 2.5]);
    let graph = archive.linked_graph(1 << 20).unwrap();
    let path: oiji::graph::Path = "[1].container.storage[0]".parse().unwrap();
    assert_eq!(path.find(graph.root()).unwrap().as_array().unwrap().to_f64s().unwrap(), [1.5, 2.5]);

    assert_eq!(done(&["remove", "model.zip", "x", "--compact"]).0, 0);
    let compacted = fs::read(&zip).unwrap();
    assert!(compacted.len() < after.len());
    assert!(Archive::open(&compacted).unwrap().array("x").is_err());
}
