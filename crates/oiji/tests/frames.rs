//! Tables of the corpus, of pandas 0.19 to 3, hold what pandas says they hold.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Read;

use oiji::frame::{Cell, Column, Frame, Index};
use oiji::{Graph, Limits, Value};
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

/// `RangeIndex(start, stop)`.
fn range(start: i64, stop: i64) -> Vec<u8> {
    let text = format!(
        "cpandas.core.indexes.base\n_new_Index\n(cpandas\nRangeIndex\n(dS'start'\nL{start}L\nsS'stop'\nL{stop}L\nsS'step'\nI1\nstR"
    );
    text.into_bytes()
}

/// An array of bytes, of one axis or two.
fn array(bytes: &[u8], shape: [u8; 2]) -> Vec<u8> {
    let mut out = b"cnumpy._core.numeric\n_frombuffer\n(C".to_vec();
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"cnumpy\ndtype\n(Vu1\n\x89\x88tR(K\x03V|\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb(K");
    out.extend_from_slice(&[shape[0], b'K', shape[1]]);
    out.extend_from_slice(b"tVC\ntR");
    out
}

/// A block with columns `start` to `stop`.
fn block(values: &[u8], start: i64, stop: i64) -> Vec<u8> {
    let place = format!("cbuiltins\nslice\n(L{start}L\nL{stop}L\nI1\ntRI2\ntR");
    [b"cpandas._libs.internals\n_unpickle_block\n(", values, place.as_bytes()].concat()
}

/// A DataFrame of pandas 3 with these blocks, labels of columns and of rows.
fn table(blocks: &[Vec<u8>], axes: &[Vec<u8>]) -> Vec<u8> {
    let start = b"ccopyreg\n_reconstructor\n(cpandas\nDataFrame\ncbuiltins\nobject\nNtR(dV_mgr\n\
        cpandas.core.internals.managers\nBlockManager\n((";
    [&start[..], &blocks.concat(), b"t(", &axes.concat(), b"ltRsb."].concat()
}

/// What is wrong with a table.
fn problem(pickle: &[u8], limits: &Limits) -> String {
    let graph = Graph::from_slice(pickle).unwrap();
    match Frame::with_limits(graph.root(), limits) {
        Ok(Some(frame)) => format!("a table of {} columns", frame.column_count()),
        Ok(None) => "no table".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn tables_that_cannot_be_are_errors() {
    let values = array(&[1, 2, 3, 4], [2, 2]);
    let limits = Limits::default();
    let told =
        |blocks: &[Vec<u8>], columns, rows| problem(&table(blocks, &[range(0, columns), range(0, rows)]), &limits);
    assert_eq!(told(&[block(&values, 0, 2)], 2, 2), "a table of 2 columns");
    assert!(told(&[block(&values, 1, 3)], 2, 2).contains("columns 1 to 2 of 2"));
    assert!(told(&[block(&values, -1, 1)], 2, 2).contains("columns -1 to 0 of 2"));
    assert!(told(&[block(&values, 0, 2)], 2, 3).contains("2 rows in a table of 3"));
    assert!(told(&[block(&values, 0, 2)], 3, 2).contains("2 columns in blocks, and 3 labels"));
    assert!(told(&[block(&values, 0, 1)], 1, 2).contains("2 columns at 1 places"));
    assert!(told(&[block(&values, 0, 2), block(&values, 1, 3)], 3, 2).contains("column 1 stands in two blocks"));
    assert!(told(&[block(&values, 1, 3)], 4, 2).contains("column 0 stands in no block"));
    assert!(problem(&table(&[], &[range(0, 1)]), &limits).contains("a block manager of 1 axes"));
    assert!(problem(&table(&[], &[range(0, 1), b"N".to_vec()]), &limits).contains("expected object"));
}

#[test]
fn what_costs_nothing_to_say_is_limited() {
    let limits = Limits { visits: 1000, ..Limits::default() };
    let told =
        |blocks: &[Vec<u8>], columns, rows| problem(&table(blocks, &[range(0, columns), range(0, rows)]), &limits);
    let limit = "limit reached: visits is 1000";
    // Rows, columns and both without any data.
    assert!(told(&[], 0, 1 << 60).starts_with(limit));
    assert!(told(&[block(&array(&[], [0, 0]), 0, 0)], 0, 1000).ends_with("rows in a table of 1000"));
    assert!(told(&[block(b"N", 0, 1 << 60)], 1 << 60, 0).starts_with(limit));
    assert!(told(&[block(b"N", 0, 1 << 60)], 1 << 60, 1 << 60).starts_with(limit));
    // The same data again and again.
    let mut same = block(&[array(&[7; 200], [1, 200]), b"p1\n".to_vec()].concat(), 0, 1);
    same.extend((1..7).flat_map(|at| block(b"g1\n", at, at + 1)));
    assert!(told(&[same.clone()], 7, 200).starts_with(limit));
    let limits = Limits { visits: 1200, ..limits };
    assert_eq!(problem(&table(&[same], &[range(0, 7), range(0, 200)]), &limits), "a table of 7 columns");
}

/// The column of a table of pandas 3 in which some bytes are others.
fn damaged(file: &str, bytes: &[u8], others: &[u8], column: u64) -> String {
    let mut pickle = pickle(&format!("pandas-3.1.1-py313/{file}.pkl"));
    let at = pickle.windows(bytes.len()).position(|window| window == bytes).unwrap();
    pickle[at..at + bytes.len()].copy_from_slice(others);
    let graph = Graph::from_slice(&pickle).unwrap();
    let frame = Frame::of(graph.root()).unwrap().unwrap();
    let column = frame.column(column).unwrap();
    let (value, problem) = column.unknown().unwrap();
    // What it is stays to be seen, and its class says so.
    assert!(value.as_object().is_ok() && column.dtype().starts_with("pandas."), "{}", column.dtype());
    assert!(column.cells().all(|cell| cell.is_missing()) && column.len() == frame.row_count());
    problem.to_owned()
}

#[test]
fn a_column_that_cannot_be_is_not_understood_and_the_others_are() {
    let offsets = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0";
    let past = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0";
    assert_eq!(damaged("arrow", offsets, past, 0), "offset 9 of element 3 in a buffer of 2");
    let down = b"\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0";
    assert_eq!(damaged("arrow", offsets, down, 0), "offset 1 of element 2 in a buffer of 2");
    let negative = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x80";
    assert!(damaged("arrow", offsets, negative, 0).contains("in a buffer of 2"));
    assert_eq!(damaged("cat", b"\0\x02\xff\0", b"\0\x03\xff\0", 0), "code 3 of 3 categories");
}

#[test]
fn any_damage_is_an_error_or_another_table() {
    let limits = Limits { visits: 100_000, ..Limits::default() };
    let (mut read, mut refused) = (0, 0);
    for (at, (file, _)) in files().into_iter().enumerate() {
        let whole = pickle(&file);
        for offset in (at % 7..whole.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged[offset] = damaged[offset].wrapping_add(1 + (offset % 200) as u8);
            let Ok(graph) = Graph::from_slice(&damaged) else { continue };
            match Frame::with_limits(graph.root(), &limits) {
                Ok(Some(frame)) => {
                    let columns = frame.columns().chain(frame.index().levels());
                    for column in columns {
                        let texts: Vec<String> = column.cells().map(|cell| cell.to_string()).collect();
                        assert_eq!(texts.len() as u64, frame.row_count(), "{file} at {offset}");
                    }
                    read += 1;
                }
                Ok(None) => {}
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 4_000 && refused > 500, "{read} read, {refused} refused");
}

/// A type of Arrow by its name, and one of fields that are called `x`.
fn alias(name: &str) -> Vec<u8> {
    format!("cpyarrow.lib\ntype_for_alias\n(V{name}\ntR").into_bytes()
}

fn structure(fields: &[Vec<u8>]) -> Vec<u8> {
    let field = |of: &Vec<u8>| [b"cpyarrow.lib\nfield\n(Vx\n", &of[..], b"I01\nNtR"].concat();
    let fields: Vec<u8> = fields.iter().flat_map(field).collect();
    [b"cpyarrow.lib\nstruct\n((", &fields[..], b"ltR"].concat()
}

/// The parts of an array of Arrow.
fn arrow(kind: &[u8], len: u64, buffers: &[&[u8]], children: &[Vec<u8>]) -> Vec<u8> {
    let buffer = |bytes: &&[u8]| match bytes.len() {
        0 => b"N".to_vec(),
        len => [b"cpyarrow.lib\npy_buffer\n(B", &(len as u32).to_le_bytes()[..], bytes, b"tR"].concat(),
    };
    let buffers: Vec<u8> = buffers.iter().flat_map(buffer).collect();
    [b"(", kind, format!("L{len}L\nI0\nI0\n(").as_bytes(), &buffers, b"l(", &children.concat(), b"lNt"].concat()
}

/// What a table says of its only column, which is kept by Arrow.
fn arrow_column(parts: &[u8], rows: i64, limits: &Limits) -> Result<Vec<String>, String> {
    let start =
        b"ccopyreg\n_reconstructor\n(cpandas.core.arrays.arrow.array\nArrowExtensionArray\ncbuiltins\nobject\nNtR\
        (dV_pa_array\ncpyarrow.lib\n_restore_array\n(";
    let values = [&start[..], parts, b"tRsb"].concat();
    let pickle = table(&[block(&values, 0, 1)], &[range(0, 1), range(0, rows)]);
    let graph = Graph::from_slice(&pickle).unwrap();
    let frame = Frame::with_limits(graph.root(), limits).map_err(|error| error.to_string())?.unwrap();
    let column = frame.column(0).unwrap();
    match column.unknown() {
        Some((_, problem)) => Err(problem.to_owned()),
        None => Ok(column.cells().map(|cell| cell.to_string()).collect()),
    }
}

/// A view of text that stands in the first buffer.
fn view(len: u32, offset: u32) -> Vec<u8> {
    [len.to_le_bytes(), *b"xxxx", [0; 4], offset.to_le_bytes()].concat()
}

#[test]
fn arrays_of_arrow_that_cannot_be_are_not_understood() {
    let limits = Limits { visits: 1000, ..Limits::default() };
    let bytes = alias("int8");
    let two = arrow(&bytes, 2, &[&[], &[7, 8]], &[]);
    let pairs = structure(&[bytes.clone(), alias("null")]);
    let nulls = arrow(&alias("null"), 2, &[&[]], &[]);
    let told = arrow_column(&arrow(&pairs, 2, &[&[]], &[two.clone(), nulls.clone()]), 2, &limits);
    assert_eq!(told.unwrap(), ["{'x': 7, 'x': None}", "{'x': 8, 'x': None}"]);
    let short = arrow_column(&arrow(&pairs, 3, &[&[]], &[two.clone(), nulls]), 3, &limits);
    assert_eq!(short.unwrap_err(), "a field of 2 elements in 3");
    let few = arrow_column(&arrow(&pairs, 2, &[&[]], &[two]), 2, &limits);
    assert_eq!(few.unwrap_err(), "2 fields with 1 arrays");

    let text = alias("string_view");
    let buffer = [b'x'; 1000];
    let views = |views: &[Vec<u8>]| {
        arrow_column(
            &arrow(&text, views.len() as u64, &[&[], &views.concat(), &buffer], &[]),
            views.len() as i64,
            &limits,
        )
    };
    assert_eq!(views(&[view(13, 0), view(4, 0)]).unwrap(), ["xxxxxxxxxxxxx", "xxxx"]);
    for outside in [view(13, 990), view(u32::MAX, 0), view(1001, 0), view(13, u32::MAX)] {
        assert_eq!(views(&[view(13, 0), outside]).unwrap_err(), "element 1 stands in no buffer");
    }
}

#[test]
fn arrays_of_arrow_that_cost_nothing_to_say_are_limited() {
    let limits = Limits { visits: 1000, ..Limits::default() };
    let limit = "limit reached: visits is 1000";
    // Rows without bytes.
    for kind in [structure(&[]), alias("null")] {
        let told = arrow_column(&arrow(&kind, 1 << 40, &[&[]], &[]), 1 << 40, &limits);
        assert!(told.unwrap_err().starts_with(limit));
    }
    // The same text again and again.
    let views = view(1000, 0).repeat(100);
    let told = arrow_column(&arrow(&alias("string_view"), 100, &[&[], &views, &[b'x'; 1000]], &[]), 100, &limits);
    assert!(told.unwrap_err().starts_with(limit));
    // A few fields in one another, each of which stands in a hundred places.
    let (mut kind, mut parts) = (alias("int8"), arrow(&alias("int8"), 1, &[&[], &[7]], &[]));
    for level in 0..3 {
        let named = |of: &[u8], name: usize| [of, format!("p{name}\n").as_bytes()].concat();
        let again = |name: usize| vec![format!("g{name}\n").into_bytes(); 99];
        let (one, other) = (1 + 3 * level, 2 + 3 * level);
        let children = [vec![named(&parts, one)], again(one)].concat();
        kind = structure(&[vec![named(&kind, other)], again(other)].concat());
        parts = arrow(&kind, 1, &[&[]], &children);
    }
    assert!(arrow_column(&parts, 1, &limits).is_err());
    assert!(arrow_column(&parts, 1, &Limits::default()).is_err());
}
