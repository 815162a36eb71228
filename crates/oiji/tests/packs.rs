//! Packs of rules: what newer and older libraries refuse of real producers' files they load after migration, with the same
//! numbers. The libraries are the real ones; what pip cannot fetch is skipped, and said.

#![cfg(all(feature = "migrate", feature = "archive"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use oiji::rewrite::{Migration, Pack};
use oiji_testkit::{Python, corpus, python_with};

/// NumPy, SciPy, scikit-learn and pandas of today.
fn newest() -> Option<Python> {
    python_with((3, 13), &["numpy==2.5.5", "scipy", "scikit-learn==1.9.1", "pandas==3.1.1", "pytz"])
}

/// The last NumPy 1, with what belongs to it.
fn numpy1() -> Option<Python> {
    python_with((3, 11), &["numpy==1.26.4", "scipy==1.10.1", "scikit-learn==1.2.2", "pandas==1.5.3"])
}

fn packs(names: &[&str]) -> Migration {
    names.iter().fold(Migration::new(), |all, name| all.then(Migration::pack(name).unwrap()))
}

/// The files of a producer with an end of the name, migrated into a folder.
fn migrated(producer: &str, ends: &[&str], rules: &Migration, folder: &Path) -> usize {
    let from = corpus().join("producers").join(producer);
    let mut count = 0;
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !ends.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let old = fs::read(entry.path()).unwrap();
        let (new, _) = rules.migrate_file(&old).unwrap_or_else(|error| panic!("{producer}/{name}: {error}"));
        fs::write(folder.join(&name), new.as_deref().unwrap_or(&old)).unwrap();
        count += 1;
    }
    assert!(count > 0, "no files of {producer}");
    count
}

/// What a script that loads a folder says of each file: `ok`, or what went wrong. A line is `NAME\tWHAT`.
fn told(python: &Python, script: &str, folder: &Path) -> BTreeMap<String, String> {
    let setup = format!(
        "import sys, os, pickle, json, warnings\nwarnings.simplefilter('ignore')\nfolder = {:?}\nmanifest = {{f['file']: f for f in json.load(open({:?}))['files']}}\n",
        folder.display().to_string(),
        corpus().join("producers/MANIFEST.json").display().to_string()
    );
    let runner = "
for name in sorted(os.listdir(folder)):
    try: said = check(os.path.join(folder, name), name) or 'ok'
    except BaseException as e: said = '%s: %s' % (type(e).__name__, str(e).split('\\n')[0])
    print(name + '\\t' + said)
";
    let output = python.run(&format!("{setup}{script}{runner}"), b"").unwrap_or_else(|error| panic!("{error}"));
    let output = String::from_utf8(output).unwrap();
    output
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, said)| (name.to_owned(), said.to_owned()))
        .collect()
}

/// Which are not `ok`.
fn failing(told: &BTreeMap<String, String>) -> Vec<String> {
    told.iter().filter(|(_, said)| *said != "ok").map(|(name, _)| name.clone()).collect()
}

/// Loads estimators, holds what they predict against what the producer did.
const SKLEARN: &str = "
import numpy, joblib
from sklearn.datasets import load_iris
X = load_iris().data[::30]
def check(path, name):
    x = joblib.load(path) if name.endswith('.joblib') else pickle.load(open(path, 'rb'))
    expect = manifest[producer + '/' + name]['expect']
    if 'predict_iris_every_30' in expect:
        want = numpy.array(expect['predict_iris_every_30']['first'])
        got = x.predict(X)
        if not numpy.allclose(got, want): return 'predicts %s, not %s' % (got, want)
        if hasattr(x, 'predict_proba') and hasattr(x, 'estimators_') or hasattr(x, 'tree_') and hasattr(x, 'classes_'):
            if not numpy.allclose(x.predict_proba(X).sum(axis=1), 1): return 'probabilities do not sum to 1'
";

fn sklearn(producer: &str, names: &[&str], before: usize, refused: &[&str]) {
    let Some(python) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = format!("producer = {producer:?}\n{SKLEARN}");
    migrated(producer, &[".pkl", ".joblib"], &Migration::new(), folder.path());
    let old = failing(&told(&python, &script, folder.path()));
    assert_eq!(old.len(), before, "{producer} before: {old:?}");
    migrated(producer, &[".pkl", ".joblib"], &packs(names), folder.path());
    let told = told(&python, &script, folder.path());
    assert_eq!(failing(&told), refused, "{producer}: {told:#?}");
}

#[test]
fn estimators_of_old_versions_of_scikit_learn_predict_the_same_in_the_newest() {
    // Losses of gradient boosting have no counterpart.
    sklearn("sklearn-0.20.4-py27", &["python-2-to-3", "sklearn"], 25, &["gbr.joblib", "gbr.pkl"]);
    sklearn("sklearn-0.24.2-py39", &["sklearn"], 8, &["gbr.joblib", "gbr.pkl"]);
    sklearn("sklearn-1.5.2-py311", &["sklearn"], 4, &[]);
}

/// Loads arrays and generators, holds them against what the producer said.
const NUMPY: &str = "
import numpy, hashlib
def same(x, want, where):
    if isinstance(want, list) and isinstance(x, (list, tuple)):
        for i, (a, b) in enumerate(zip(x, want)): same(a, b, '%s[%d]' % (where, i))
    elif isinstance(want, dict) and isinstance(x, dict):
        for k in want:
            if k in x: same(x[k], want[k], where + '.' + k)
    elif isinstance(want, dict) and 'sha256_c_order_le' in want and isinstance(x, numpy.ndarray):
        raw = numpy.ascontiguousarray(x.astype(x.dtype.newbyteorder('<'))).tobytes()
        if list(x.shape) != want['shape']: raise ValueError(where + ': shape')
        if x.dtype.names is None and hashlib.sha256(raw).hexdigest() != want['sha256_c_order_le']: raise ValueError(where + ': other numbers')
def check(path, name):
    x = pickle.load(open(path, 'rb'))
    expect = manifest[producer + '/' + name]['expect']
    same(x, expect, 'root')
    if isinstance(expect, dict) and 'next' in expect:
        got = [x.random_sample() for _ in expect['next']]
        if got != expect['next']: return 'draws %s' % got
";

#[test]
fn arrays_and_generators_of_numpy_2_are_read_by_numpy_1() {
    let Some(python) = numpy1() else { return };
    for producer in ["numpy-2.2.6-py311", "numpy-2.5.5-py313"] {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("producer = {producer:?}\n{NUMPY}");
        migrated(producer, &[".pkl"], &Migration::new(), folder.path());
        let before = failing(&told(&python, &script, folder.path()));
        assert!(before.len() >= 11, "{before:?}");
        migrated(producer, &[".pkl"], &packs(&["numpy-2-to-1"]), folder.path());
        let told = told(&python, &script, folder.path());
        // One asks for buffers that are not given; strs of any length are new in NumPy 2.
        assert_eq!(failing(&told), ["oob_p5.pkl", "stringdtype_na_p5.pkl", "stringdtype_p5.pkl"], "{told:#?}");
    }
}

#[test]
fn arrays_of_numpy_1_have_no_old_names_for_numpy_2() {
    let Some(python) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let producer = "numpy-1.16.6-py27";
    migrated(producer, &[".pkl"], &packs(&["python-2-to-3", "numpy-1-to-2"]), folder.path());
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let bytes = fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(11).any(|part| part == b"numpy.core."), "{:?}", entry.path());
    }
    // What is deprecated is an error, so that names of old modules would be.
    let script = format!("producer = {producer:?}\nwarnings.simplefilter('error', DeprecationWarning)\n{NUMPY}");
    let told = told(&python, &script, folder.path());
    assert_eq!(failing(&told), [""; 0], "{told:#?}");
}

/// Loads frames with plain `pickle`, holds shape, columns and numbers against what the producer said.
const PANDAS: &str = "
import pandas, math
def check(path, name):
    x = pickle.load(open(path, 'rb'))
    expect = manifest[producer + '/' + name]['expect']
    if not isinstance(expect, dict) or expect.get('type') != 'DataFrame' or not isinstance(x, pandas.DataFrame): return
    if list(x.shape) != expect['shape']: return 'shape %s' % (x.shape,)
    for i, want in enumerate(expect.get('values', [])):
        for a, b in zip(x.iloc[:, i], want):
            if isinstance(b, float) and isinstance(a, float) and not math.isnan(a) and abs(a - b) > 1e-12: return '%s, not %s' % (a, b)
            if isinstance(b, str) and isinstance(a, str) and not b.startswith(('<', '(', '[')) and b != 'nan' and a != b: return '%r, not %r' % (a, b)
";

fn pandas(producer: &str, before: usize, refused: &[&str]) {
    let Some(python) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = format!("producer = {producer:?}\n{PANDAS}");
    migrated(producer, &[".pkl"], &Migration::new(), folder.path());
    let old = failing(&told(&python, &script, folder.path()));
    assert!(old.len() >= before, "{producer} before: {old:?}");
    migrated(producer, &[".pkl"], &packs(&["python-2-to-3", "pandas-to-2", "numpy-1-to-2"]), folder.path());
    let told = told(&python, &script, folder.path());
    assert_eq!(failing(&told), refused, "{producer}: {told:#?}");
}

#[test]
fn frames_of_pandas_on_python_2_are_read_by_pandas_3() {
    pandas("pandas-0.19.2-py27", 16, &[]);
    pandas("pandas-0.24.2-py27", 14, &["dt.pkl"]);
}

#[test]
fn frames_of_pandas_2_have_public_names_for_pandas_3() {
    let Some(python) = newest() else { return };
    for producer in ["pandas-1.1.5-py39", "pandas-2.2.3-py311"] {
        let folder = tempfile::tempdir().unwrap();
        migrated(producer, &[".pkl"], &packs(&["pandas-to-2", "pandas-2-to-3"]), folder.path());
        let told = told(&python, &format!("producer = {producer:?}\n{PANDAS}"), folder.path());
        // Cython made periods in pandas 1.1, in a way of its own.
        let refused: &[&str] = if producer == "pandas-1.1.5-py39" { &["dt.pkl"] } else { &[] };
        assert_eq!(failing(&told), refused, "{producer}: {told:#?}");
    }
}

#[test]
fn sparse_matrices_moved() {
    let Some(python) = newest() else { return };
    // As SciPy up to 1.7 named them.
    let back =
        "[modules]\n\"scipy.sparse._csr\" = \"scipy.sparse.csr\"\n\"scipy.sparse._csc\" = \"scipy.sparse.csc\"\n";
    let back = Migration::from_toml(back).unwrap();
    let file = fs::read(corpus().join("producers/scipy-1.17.1-py311/csr.pkl")).unwrap();
    let old = back.migrate(&file).unwrap().0.unwrap();
    let (new, _) = packs(&["scipy-sparse"]).migrate(&old).unwrap();
    let script = "import sys, pickle\nx = pickle.loads(sys.stdin.buffer.read())\nprint(x.toarray().tolist(), type(x).__module__)";
    let said = String::from_utf8(python.run(script, &new.unwrap()).unwrap()).unwrap();
    assert_eq!(said.trim(), "[[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 0.0, 0.0]] scipy.sparse._csr");
    // Estimators of scikit-learn 0.24 hold them under their old names.
    let old = fs::read(corpus().join("producers/sklearn-0.24.2-py39/tfidf.pkl")).unwrap();
    let (new, report) = packs(&["scipy-sparse"]).migrate(&old).unwrap();
    assert!(new.is_some() && report.renamed.keys().all(|(from, _)| from.starts_with("scipy.sparse.")), "{report:?}");
}

#[test]
fn arrays_in_files_beside_become_part_of_joblibs_one_file() {
    let Some(python) = newest() else { return };
    let folder = corpus().join("producers/joblib-0.8.4-py27");
    let old = fs::read(folder.join("multi.pkl")).unwrap();
    let beside = |name: &str| Ok(fs::read(folder.join(name))?.into());
    let (new, report) = packs(&["python-2-to-3"]).migrate_file_beside(&old, beside).unwrap();
    assert!(report.done.keys().any(|what| what.contains("beside")), "{report:?}");
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("multi.pkl"), new.unwrap()).unwrap();
    let script = format!("producer = 'joblib-0.8.4-py27'\n{NUMPY}")
        .replace("pickle.load(open(path, 'rb'))", "__import__('joblib').load(path)");
    let told = told(&python, &script, out.path());
    assert_eq!(failing(&told), [""; 0], "{told:#?}");
}

#[test]
fn every_pack_does_nothing_the_second_time() {
    let mut count = 0;
    for pack in Pack::all().filter(|pack| pack.name() != "python-3-to-2") {
        let rules = pack.migration();
        for file in [
            "sklearn-0.24.2-py39/forest.pkl",
            "numpy-2.2.6-py311/arrays_p2.pkl",
            "pandas-0.24.2-py27/basic.pkl",
            "numpy-2.2.6-py311/generator_p4.pkl",
        ] {
            let old = fs::read(corpus().join("producers").join(file)).unwrap();
            let Some(once) = rules.migrate(&old).unwrap().0 else { continue };
            let twice = rules.migrate(&once).unwrap().0.unwrap_or_else(|| once.clone());
            assert_eq!(oiji::loads(&twice).unwrap(), oiji::loads(&once).unwrap(), "{}: {file}", pack.name());
            count += 1;
        }
    }
    assert!(count > 5, "only {count}");
}
