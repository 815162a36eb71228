//! Tables of the corpus, of pandas 0.19 to 3, hold what pandas says they hold.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Read;

use oiji::frame::{Cell, Column, Frame, Index};
use oiji::{Graph, Value};
use oiji_testkit::corpus;
use serde_json::Value as Json;

fn bytes(file: &str) -> Vec<u8> {
    fs::read(corpus().join("producers").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of pandas that are pickles as they stand, with what pandas told of them.
fn files() -> Vec<(String, Json)> {
    let manifest: Json = serde_json::from_slice(&bytes("MANIFEST.json")).unwrap();
    let files = manifest["files"].as_array().unwrap().iter().filter(|file| file["kind"] == "pandas-pickle");
    let files = files.map(|file| (file["file"].as_str().unwrap().to_owned(), file["expect"].clone()));
    files.filter(|(file, _)| !file.ends_with(".zip") && !file.ends_with(".tar")).collect()
}

/// A pickle, decompressed if need be: pandas 0.19 compressed nothing, whatever the name.
fn pickle(file: &str) -> Vec<u8> {
    let raw = bytes(file);
    let mut out = Vec::new();
    match raw[..2] {
        [0x1f, 0x8b] => drop(flate2::read::GzDecoder::new(&raw[..]).read_to_end(&mut out).unwrap()),
        [b'B', b'Z'] => drop(bzip2::read::BzDecoder::new(&raw[..]).read_to_end(&mut out).unwrap()),
        [0xfd, b'7'] => drop(lzma_rust2::XzReader::new(&raw[..], true).read_to_end(&mut out).unwrap()),
        _ => return raw,
    }
    out
}

/// What clocks in a time zone show, by jiff's copy of the database.
fn offsets(zone: &str, seconds: i64) -> Option<i32> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    Some(zone.to_offset(jiff::Timestamp::from_second(seconds).ok()?).seconds())
}

/// Whether a cell is what the manifest says. There `0` of Python 2 became `<NA>`.
fn is(cell: Cell<'_>, expected: &Json, is_py2: bool) -> bool {
    let cell = cell.local(&offsets);
    match (expected, &cell) {
        (Json::Null, cell) => cell.is_missing(),
        (Json::String(text), Cell::Int(0) | Cell::Bool(false)) if is_py2 && text == "<NA>" => true,
        (Json::String(text), cell) if matches!(text.as_str(), "<NA>" | "nan" | "NaT") => cell.is_missing(),
        (Json::String(text), Cell::Moment(moment)) => moment.to_iso() == *text,
        (Json::String(text), cell) => cell.to_string() == *text,
        (Json::Bool(expected), Cell::Bool(bool)) => bool == expected,
        (Json::Number(number), Cell::Int(int)) => number.to_string() == int.to_string(),
        (Json::Number(number), Cell::Float(float)) => number.as_f64() == Some(*float),
        (Json::Number(number), Cell::Float32(float)) => number.as_f64() == Some(f64::from(*float)),
        _ => false,
    }
}

struct Checked<'e> {
    file: &'e str,
    is_py2: bool,
    cells: usize,
}

impl Checked<'_> {
    fn column(&mut self, what: &str, column: &Column<'_>, dtype: &Json, values: &Json) {
        let file = self.file;
        assert!(column.unknown().is_none(), "{file}: {what} is not understood: {}", column.unknown().unwrap().1);
        assert_eq!(column.dtype(), dtype.as_str().unwrap(), "{file}: {what}");
        let values = values.as_array().unwrap();
        assert_eq!(column.len(), values.len() as u64, "{file}: {what}");
        for (at, (cell, expected)) in column.cells().zip(values).enumerate() {
            assert!(is(cell.clone(), expected, self.is_py2), "{file}: {what}[{at}] is {cell:?}, not {expected}");
            self.cells += 1;
        }
    }

    fn labels(&mut self, index: &Index<'_>, expected: &Json) {
        let expected = expected.as_array().unwrap();
        assert_eq!(index.len(), expected.len() as u64, "{}", self.file);
        for (at, expected) in expected.iter().enumerate() {
            let label = index.label(at as u64);
            let is_label = match expected {
                Json::Array(parts) => {
                    label.len() == parts.len()
                        && label.into_iter().zip(parts).all(|(cell, part)| is(cell, part, self.is_py2))
                }
                one => label.len() == 1 && is(label[0].clone(), one, self.is_py2),
            };
            assert!(is_label, "{}: label {at} is {:?}, not {expected}", self.file, index.label(at as u64));
            self.cells += 1;
        }
    }

    fn value(&mut self, value: Value<'_>, expected: &Json) {
        let file = self.file;
        match expected["type"].as_str() {
            Some("DataFrame") => {
                let frame = Frame::of(value).unwrap_or_else(|error| panic!("{file}: {error}")).unwrap();
                let shape = [frame.row_count(), frame.column_count()];
                assert_eq!(serde_json::json!(shape), expected["shape"], "{file}");
                assert_eq!(frame.class().name(), "DataFrame", "{file}");
                // Float64Index became an Index of float64, and so did others.
                let class = expected["index_type"].as_str().unwrap();
                assert_eq!(frame.index().class(), class, "{file}");
                self.labels(frame.index(), &expected["index"]);
                for (at, column) in frame.columns().enumerate() {
                    assert_eq!(column.name(), expected["columns"][at].as_str().unwrap(), "{file}");
                    self.column(&column.name(), &column, &expected["dtypes"][at], &expected["values"][at]);
                }
            }
            Some("Series") => {
                let frame = Frame::of(value).unwrap_or_else(|error| panic!("{file}: {error}")).unwrap();
                assert!(frame.is_series() && frame.column_count() == 1, "{file}");
                let column = frame.column(0).unwrap();
                assert_eq!(column.name(), expected["name"].as_str().unwrap_or_default(), "{file}");
                self.labels(frame.index(), &expected["index"]);
                self.column("the Series", &column, &expected["dtype"], &expected["values"]);
            }
            Some(class) => {
                let index = Index::of(value).unwrap_or_else(|error| panic!("{file}: {error}")).unwrap();
                assert_eq!(index.class(), class, "{file}");
                self.column("the index", &index.level(0).unwrap(), &expected["dtype"], &expected["values"]);
            }
            None => {
                for (key, expected) in expected.as_object().unwrap() {
                    self.value(value.get(key).unwrap(), expected);
                }
            }
        }
    }
}

#[test]
fn every_table_of_the_corpus_holds_what_pandas_says() {
    let (mut count, mut cells) = (0, 0);
    for (file, expected) in files() {
        let pickle = pickle(&file);
        let graph = Graph::from_slice(&pickle).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut checked = Checked { file: &file, is_py2: file.contains("py27"), cells: 0 };
        checked.value(graph.root(), &expected);
        assert!(checked.cells > 0, "{file}");
        (count, cells) = (count + 1, cells + checked.cells);
    }
    assert!(count > 120 && cells > 2000, "{count} files, {cells} cells");
}
