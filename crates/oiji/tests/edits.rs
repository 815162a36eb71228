//! Archives edited in place: `numpy.load`, `zipfile` and `unzip` take what comes of it, nothing else of the file changes, and
//! whoever reads or kills while it is done has the archive as it was.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use oiji::archive::{Archive, Compression, DumpOptions, Editor, compact, save_npz};
use oiji::array::Array;
use oiji::{Graph, WriteOptions};
use oiji_testkit::{Python, numpys, python_with, skip};

/// What an `.npz` file or robust archive holds by NumPy, with all checksums compared, and that `unzip` has nothing against it.
const CHECK: &str = r"
import sys, zipfile, numpy
for path in sys.argv[1:]:
    assert zipfile.ZipFile(path).testzip() is None, path
    held = numpy.load(path)
    told = []
    for name in sorted(held.files):
        value = held[name]
        if isinstance(value, numpy.ndarray):
            told.append('%s %s %s' % (name, value.shape, float(value.sum())))
    print('; '.join(told))
";

fn numpy(python: &Python, path: &Path) -> String {
    let told = python.run_with(&["-c", CHECK, path.to_str().unwrap()], b"").unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8(told).unwrap().trim().to_owned()
}

/// A warning is a failure too.
fn unzip(path: &Path) {
    match Command::new("unzip").arg("-tqq").arg(path).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => skip(&format!("unzip: {error}")),
    }
}

fn numbers(values: &[i64]) -> Array<'static> {
    Array::from_values(values, &[values.len() as u64]).unwrap()
}

fn npz(path: &Path) {
    let (a, b) = (numbers(&[1, 2, 3]), numbers(&[10, 20]));
    save_npz(File::create(path).unwrap(), [("a", &a), ("b", &b)]).unwrap();
}

/// A robust archive of a dict with arrays.
fn robust(path: &Path) {
    let mut graph = Graph::new();
    let array = graph.add_array(&numbers(&[1, 2, 3])).unwrap();
    let key = graph.add_str("w").unwrap();
    let root = graph.add_dict(&[(key, array)]).unwrap();
    graph.set_roots(vec![root]);
    DumpOptions::new().paths(true).writing(WriteOptions::new().protocol(2)).save(graph.root(), path).unwrap();
}

#[test]
fn numpy_reads_what_was_added_replaced_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    for (number, python) in numpys().iter().enumerate() {
        let path = folder.path().join(format!("{number}.npz"));
        npz(&path);
        let before = fs::read(&path).unwrap();
        let mut editor = Editor::open(&path).unwrap();
        editor.add("c", &numbers(&[7; 100_000])).unwrap();
        editor.replace("a", &numbers(&[5])).unwrap();
        editor.remove("b").unwrap();
        editor.compression(Compression::Deflated).add("d.npy", &numbers(&[8; 1000])).unwrap();
        editor.finish().unwrap();
        assert_eq!(numpy(python, &path), "a (1,) 5.0; c (100000,) 700000.0; d (1000,) 8000.0");
        unzip(&path);
        // Nothing that was there was written again.
        let after = fs::read(&path).unwrap();
        assert_eq!(after[..before.len()], before);
        let archive = Archive::open(&after).unwrap();
        assert!(
            archive
                .members()
                .iter()
                .all(|member| { member.compression == Compression::Deflated || member.offset.unwrap() % 64 == 0 })
        );
        assert_eq!(archive.verify().len(), 0);

        compact(&path).unwrap();
        assert_eq!(numpy(python, &path), "a (1,) 5.0; c (100000,) 700000.0; d (1000,) 8000.0");
        unzip(&path);
        let small = fs::metadata(&path).unwrap().len();
        assert!(small < after.len() as u64 - 300, "{small} of {}", after.len());
    }
}

#[test]
fn objects_of_a_robust_archive_have_the_array_that_replaced_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.zip");
    robust(&path);
    let mut editor = Editor::open(&path).unwrap();
    editor.replace("w", &numbers(&[4, 5])).unwrap();
    editor.replace("w", &numbers(&[6, 7, 8])).unwrap();
    editor.add("extra", &numbers(&[1])).unwrap();
    let error = editor.remove("w").unwrap_err().to_string();
    assert!(error.contains("part of the objects in the pickle"), "{error}");
    editor.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let archive = Archive::open(&bytes).unwrap();
    let graph = archive.graph().unwrap().unwrap();
    let array = archive.resolve(graph.root().get("w").unwrap()).unwrap().unwrap();
    assert_eq!(array.to_vec::<i64>().unwrap(), [6, 7, 8]);
    assert_eq!(archive.members().len(), 3);
    for python in numpys() {
        assert!(numpy(&python, &path).contains("extra (1,) 1.0"));
    }
}

#[test]
fn what_is_not_there_or_there_already_is_an_error_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arrays.npz");
    npz(&path);
    let before = fs::read(&path).unwrap();
    let mut editor = Editor::open(&path).unwrap();
    let one = numbers(&[1]);
    let errors = [
        editor.add("a", &one),
        editor.replace("z", &one),
        editor.remove("z"),
        editor.add("../up", &one),
        editor.add("", &one),
    ];
    for error in errors {
        assert!(error.is_err());
    }
    assert!(Editor::open(&path).unwrap_err().to_string().contains("being edited"));
    editor.add("c", &numbers(&[9; 1 << 20])).unwrap();
    drop(editor);
    assert_eq!(fs::read(&path).unwrap(), before);

    robust(&path);
    let mut editor = Editor::open(&path).unwrap();
    assert!(editor.add("pkl", &one).is_err() && editor.replace("pkl", &one).is_err() && editor.remove("pkl").is_err());
    drop(editor);
    fs::write(&path, b"PK\x03\x04 no ZIP").unwrap();
    assert!(Editor::open(&path).is_err());
    fs::write(&path, b"").unwrap();
    assert!(Editor::open(&path).is_err() && compact(&path).is_err());
}

#[test]
fn the_archive_is_what_it_was_for_all_who_read_it_until_the_end() {
    let Some(python) = numpys().pop() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (path, seen) = (folder.path().join("arrays.npz"), folder.path().join("seen.npz"));
    npz(&path);
    let mut editor = Editor::open(&path).unwrap();
    // Around the 64 KiB in which readers look for a directory, and far beyond.
    for (number, len) in [1, 4_000, 8_000, 8_100, 9_000, 60_000, 500_000].into_iter().enumerate() {
        editor.add(&format!("n{number}"), &numbers(&vec![1; len])).unwrap();
        fs::copy(&path, &seen).unwrap();
        assert_eq!(numpy(&python, &seen), "a (3,) 6.0; b (2,) 30.0", "after {len}");
        unzip(&seen);
    }
    editor.finish().unwrap();
    assert!(numpy(&python, &path).contains("n6 (500000,) 500000.0"));
}

/// The part of `a_killed_editor_leaves_the_archive_as_it_was` that is killed.
#[test]
fn edits_until_it_is_killed() {
    let Some(path) = std::env::var_os("OIJI_TEST_EDIT") else { return };
    for number in 0.. {
        let mut editor = Editor::open(&path).unwrap();
        editor.add(&format!("n{number}"), &numbers(&vec![number; 1_000_000])).unwrap();
        editor.replace("b", &numbers(&[number; 10])).unwrap();
        editor.finish().unwrap();
    }
}

#[test]
fn a_killed_editor_leaves_the_archive_as_it_was() {
    let Some(python) = numpys().pop() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arrays.npz");
    let (mut partly, mut edits) = (0, 0);
    for round in 0..24 {
        npz(&path);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "edits_until_it_is_killed"])
            .env("OIJI_TEST_EDIT", &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Longer each time, so that it is met everywhere.
        sleep(Duration::from_millis(20 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let bytes = fs::read(&path).unwrap();
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.verify().len(), 0);
        // Each edit that came to its end is there whole, and no other.
        let count = archive.members().len() as i64 - 2;
        edits += count;
        let end = archive.members().iter().map(|member| member.offset.unwrap() + member.stored_size).max().unwrap();
        partly += i64::from(bytes.len() as u64 > end + 10_000);
        let mut told = "a (3,) 6.0; b ".to_owned();
        told += &if count == 0 { "(2,) 30.0".to_owned() } else { format!("(10,) {}.0", (count - 1) * 10) };
        let said = numpy(&python, &path);
        assert!(said.starts_with(&told), "{said}, not {told}");
        assert_eq!(said.matches("n").count() as i64, count, "{said}");
        unzip(&path);

        // What the killed one left is no hindrance.
        let mut editor = Editor::open(&path).unwrap();
        editor.add("last", &numbers(&[3; 30_000])).unwrap();
        editor.finish().unwrap();
        assert!(numpy(&python, &path).contains("last (30000,) 90000.0"));
    }
    assert!(partly > 0 && edits > 0, "killed {partly} times in the middle, after {edits} edits in all");
}

#[test]
fn an_archive_with_a_long_directory_is_edited_on_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.npz");
    let one = numbers(&[1]);
    let names: Vec<String> = (0..1000).map(|number| format!("layer.{number:05}")).collect();
    save_npz(File::create(&path).unwrap(), names.iter().map(|name| (name.as_str(), &one))).unwrap();
    let before = fs::read(&path).unwrap();
    let mut editor = Editor::open(&path).unwrap();
    editor.replace("layer.00500", &numbers(&[2, 3])).unwrap();
    assert!(Editor::open(&path).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(editor);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let mut editor = Editor::open(&path).unwrap();
    editor.replace("layer.00500", &numbers(&[2, 3])).unwrap();
    editor.remove("layer.00000").unwrap();
    editor.finish().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let bytes = fs::read(&path).unwrap();
    let archive = Archive::open(&bytes).unwrap();
    assert_eq!(archive.members().len(), 999);
    assert_eq!(archive.array("layer.00500").unwrap().to_vec::<i64>().unwrap(), [2, 3]);
    unzip(&path);
}

/// What `oiji.archive` of Python makes of views of one memory; and what it then reads.
const TIED: &str = r#"
import sys, json, zipfile, numpy
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for name in ('x', 'row', 'y', 'turned'):
        with archive.open(name, 'w') as member:
            numpy.save(member, numpy.arange(3))
    tie = {'offset': 0, 'shape': [3], 'strides': [8], 'dtype': '<i8'}
    archive.writestr('ties', json.dumps({'row': dict(tie, base='x'), 'turned': dict(tie, base='y')}))
    archive.writestr('pkl', b'\x80\x02U\x09ndarray.xQ.')
"#;
const TIES: &str = r"
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
names = archive.namelist()
print(' '.join(names), archive.read('ties').decode() if 'ties' in names else '-')
";

#[test]
fn arrays_that_share_memory_are_untied_when_one_is_replaced() {
    let Some(python) = python_with((3, 11), &["numpy==2.2.6"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.zip");
    let file = path.to_str().unwrap();
    let ties = || String::from_utf8(python.run_with(&["-c", TIES, file], b"").unwrap()).unwrap();
    python.run_with(&["-c", TIED, file], b"").unwrap();
    let mut editor = Editor::open(&path).unwrap();
    editor.replace("x", &numbers(&[1])).unwrap();
    editor.finish().unwrap();
    let kept = r#"{"turned":{"offset":0,"shape":[3],"strides":[8],"dtype":"<i8","base":"y"}}"#;
    assert_eq!(ties().trim(), format!("row y turned x ties pkl {kept}"));
    let mut editor = Editor::open(&path).unwrap();
    editor.remove("turned").unwrap();
    editor.finish().unwrap();
    assert_eq!(ties().trim(), "row y x pkl -");
}

/// The directory of an `.npz` file put five gigabytes behind its members, with nothing between.
const FAR: &str = r"
import sys, zipfile, numpy
with open(sys.argv[1], 'wb') as file:
    with zipfile.ZipFile(file, 'w') as archive:
        for name in 'ab':
            with archive.open(name + '.npy', 'w') as member:
                numpy.save(member, numpy.arange(3))
        archive.start_dir = 5 << 30
";

#[test]
fn archives_of_more_than_four_gigabytes_are_edited() {
    let Some(python) = python_with((3, 11), &["numpy==2.2.6"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("far.npz");
    python.run_with(&["-c", FAR, path.to_str().unwrap()], b"").unwrap();
    assert_eq!(numpy(&python, &path), "a (3,) 3.0; b (3,) 3.0");
    let mut editor = Editor::open(&path).unwrap();
    editor.add("c", &numbers(&[1; 30_000])).unwrap();
    editor.replace("b", &numbers(&[4])).unwrap();
    assert_eq!(numpy(&python, &path), "a (3,) 3.0; b (3,) 3.0");
    editor.finish().unwrap();
    assert_eq!(numpy(&python, &path), "a (3,) 3.0; b (1,) 4.0; c (30000,) 30000.0");
    unzip(&path);
    compact(&path).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 300_000);
    assert_eq!(numpy(&python, &path), "a (3,) 3.0; b (1,) 4.0; c (30000,) 30000.0");
}
