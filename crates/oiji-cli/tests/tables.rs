//! `oiji convert` writes tables as CSV cell by cell as the pandas that pickled them, and as JSON lines.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use common::{corpus, oiji, outcome, run};
use oiji_testkit::python_with;

/// A table of pandas 3.
fn frame(name: &str) -> PathBuf {
    corpus(&format!("producers/pandas-3.1.1-py313/{name}.pkl"))
}

fn cells(csv: &[u8]) -> Vec<Vec<String>> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
    let records = reader.into_records().map(|record| record.unwrap());
    records.map(|record| record.iter().map(str::to_owned).collect()).collect()
}

/// Where a version of pandas writes something else, and why that is not what we write.
const OTHERWISE: &[(&str, &[&str], &str)] = &[
    (
        "deltas",
        &["pandas==0.24.2", "pandas==1.3.5", "pandas==2.2.3"],
        "as many digits for each value as it needs, or nine",
    ),
    ("alone_deltas", &["pandas==0.24.2"], "nine digits for each value"),
    ("alone_times", &["pandas==0.24.2"], "its to_frame makes times of UTC of them"),
    ("categories_of_times", &["pandas==0.24.2", "pandas==1.3.5"], "the count of nanoseconds"),
    ("multi_columns", &["pandas==0.24.2"], "None for a level without a name"),
    ("summer_of_2061", &["pandas==0.24.2", "pandas==1.3.5", "pandas==2.2.3"], "pytz ends in 2037"),
    ("arrow_lists", &["pandas==2.2.3", "pandas>=3"], "as NumPy writes arrays"),
    ("float32_large", &["pandas>=3"], "NumPy's new form of large float32"),
];

/// The pickles in a folder, each with what pandas made of it.
fn pickles(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "pkl"));
    found.sort();
    let expected = |path: &Path| fs::read(path.with_extension("expected")).unwrap();
    found.into_iter().map(|path| (path.clone(), expected(&path))).collect()
}

#[test]
fn csv_is_what_the_pandas_writes_that_pickled_the_table() {
    let pandas: [((u32, u32), &[&str], u32); 4] = [
        ((2, 7), &["pandas==0.24.2", "numpy==1.16.6"], 2),
        ((3, 8), &["pandas==1.3.5", "numpy==1.21.6"], 4),
        ((3, 11), &["pandas==2.2.3", "numpy==2.2.6", "pyarrow"], 5),
        ((3, 13), &["pandas>=3", "pyarrow"], 5),
    ];
    let mut wrong = Vec::new();
    for (version, packages, protocol) in pandas {
        let Some(python) = python_with(version, packages) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tables.py");
        let out = folder.path().to_string_lossy().into_owned();
        let told = python.run_with(&[script, &out, &protocol.to_string()], b"");
        let count: usize = String::from_utf8(told.unwrap_or_else(|error| panic!("{error}"))).unwrap().parse().unwrap();
        let pickles = pickles(folder.path());
        assert_eq!(pickles.len(), count);
        assert!(count > 55, "{}: only {count} tables", packages[0]);
        for (path, expected) in pickles {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let written = run(oiji().arg("convert").arg(&path).args(["--to", "csv"]), b"");
            let (ours, theirs) = (cells(&written.stdout), cells(&expected));
            let is_other = OTHERWISE.iter().any(|(other, all, _)| *other == name && all.contains(&packages[0]));
            if (ours == theirs) == is_other {
                let said = String::from_utf8_lossy(&written.stderr).into_owned();
                let differ = ours.iter().zip(&theirs).find(|(one, other)| one != other);
                wrong.push(format!("{}: {name}: {differ:?} {said}", packages[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn json_lines_have_the_index_and_types() {
    let (status, lines, error) = outcome(oiji().args(["convert", "--to", "jsonl"]).arg(frame("dt")), b"");
    assert_eq!((status, error.as_str()), (0, ""));
    let second: serde_json::Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    let expected = serde_json::json!({
        "index": 1, "naive": "2015-04-02T00:00:00", "utc": "2015-04-01T01:00:00+00:00", "paris": null,
        "td": "0 days 00:00:02", "per": "2015-02",
    });
    assert_eq!(second, expected);
    // The levels of an index have names.
    let (_, lines, _) = outcome(oiji().args(["convert", "--to", "jsonl"]).arg(frame("multi")), b"");
    assert_eq!(lines.lines().next(), Some(r#"{"k":"a","n":1,"v":1.0}"#));
}

#[test]
fn the_name_of_the_output_says_the_form() {
    let folder = tempfile::tempdir().unwrap();
    for (name, first) in [("x.csv", ",p"), ("x.ndjson", r#"{"index":"2020-01-01T00:00:00","p":1.0}"#)] {
        let out = folder.path().join(name);
        let (status, said, error) = outcome(oiji().arg("convert").arg(frame("dtindex")).arg("-o").arg(&out), b"");
        assert_eq!((status, said.as_str(), error.as_str()), (0, "", ""));
        assert_eq!(fs::read_to_string(&out).unwrap().lines().next(), Some(first));
    }
    // What is compressed has an ending of its own before that.
    let out = folder.path().join("x.csv.gz");
    outcome(oiji().arg("convert").arg(frame("dtindex")).arg("-o").arg(&out), b"");
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(out).unwrap()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with(",p\n2020-01-01,1.0\n"), "{text}");
}

#[test]
fn of_several_tables_one_is_taken() {
    let several = corpus("producers/pandas-1.1.5-py39/dict_of_frames.pkl");
    let (status, _, error) = outcome(oiji().args(["convert", "--to", "csv"]).arg(&several), b"");
    assert_eq!(status, 2);
    assert!(error.ends_with("holds several tables; take one by --path: train, label\n"), "{error}");
    let (status, csv, _) = outcome(oiji().args(["convert", "--to", "csv", "--path", "label"]).arg(&several), b"");
    assert_eq!((status, csv.as_str()), (0, ",0\n0,1\n1,0\n2,1\n"));
    let (status, _, error) =
        outcome(oiji().args(["convert", "--to", "csv"]).arg(corpus("producers/scipy-1.17.1-py311/csr.pkl")), b"");
    assert_eq!(status, 2);
    assert!(error.contains("holds no table"), "{error}");
}

#[test]
fn what_has_no_place_in_csv_is_told() {
    // A column of a class of its own, kept as an extension array that nobody here knows.
    let graph = oiji::Graph::from_slice(&fs::read(frame("nullable_int")).unwrap()).unwrap().to_vec().unwrap();
    let find = graph.windows(12).position(|bytes| bytes == b"IntegerArray").unwrap();
    let mut strange = graph;
    strange[find..find + 12].copy_from_slice(b"StrangeArray");
    let (status, csv, error) = outcome(oiji().args(["convert", "-", "--to", "csv"]), &strange);
    assert_eq!((status, csv.as_str()), (1, "\"\"\n0\n1\n2\n"), "{error}");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(
        lines[0].contains("left out: I: pandas.arrays.StrangeArray: ") && lines[1].contains("left out: J"),
        "{error}"
    );
}

#[test]
fn a_table_is_the_same_however_its_pickle_is_packed() {
    let mut count = 0;
    for version in ["0.19.2-py27", "0.24.2-py27", "1.1.5-py39", "2.2.3-py311", "3.1.1-py313"] {
        let file = |name: &str| corpus(&format!("producers/pandas-{version}/{name}"));
        let csv =
            |name: &str| outcome(oiji().args(["convert", "--to", "csv", "--encoding", "latin1"]).arg(file(name)), b"");
        let plain = csv("basic.pkl");
        assert_eq!(plain.0, 0, "{version}: {}", plain.2);
        for ending in ["gz", "bz2", "xz", "zip", "tar"] {
            let name = format!("basic.pkl.{ending}");
            if file(&name).exists() {
                let packed = csv(&name);
                assert_eq!((packed.0, &packed.1), (0, &plain.1), "{version}: {name}: {}", packed.2);
                count += 1;
            }
        }
    }
    assert_eq!(count, 18);
}

#[test]
fn an_index_alone_is_json_lines_of_its_levels() {
    // RangeIndex(3, 30, 9), as pandas pickles it in protocol 0.
    let range = b"cpandas.core.indexes.base\n_new_Index\n(cpandas\nRangeIndex\n\
        (dS'start'\nI3\nsS'stop'\nI30\nsS'step'\nI9\nsS'name'\nS'r'\nstR.";
    let (status, lines, error) = outcome(oiji().args(["convert", "-", "--to", "jsonl"]), range);
    assert_eq!((status, lines.as_str(), error.as_str()), (0, "{\"r\":3}\n{\"r\":12}\n{\"r\":21}\n", ""));
    let (status, shown, _) = outcome(oiji().args(["show", "--json", "-"]), range);
    let shown: serde_json::Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    let index = serde_json::json!([{ "name": "r", "dtype": "int64", "elements": ["3", "12", "21"] }]);
    let shown = &shown["value"];
    assert_eq!((status, &shown["rows"], &shown["index"]), (0, &serde_json::json!(3), &index), "{shown}");
    // Labels of a range cost nothing to claim.
    let huge = String::from_utf8(range.to_vec()).unwrap().replace("I30", "L1000000000000L");
    let (status, lines, error) = outcome(oiji().args(["convert", "-", "--to", "csv"]), huge.as_bytes());
    assert_eq!((status, lines.as_str()), (2, ""));
    assert!(error.contains("visits"), "{error}");
}
