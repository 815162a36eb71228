//! Arrays in the corpus, of NumPy 1.16 on Python 2.7 to NumPy 2.5, hold what the NumPy that wrote them says they hold.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use oiji::ReadOptions;
use oiji::array::{Array, Dtype, Layout};
use oiji_testkit::corpus;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

fn path(file: &str) -> PathBuf {
    corpus().join("producers").join(file)
}

fn bytes(file: &str) -> Vec<u8> {
    fs::read(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of a kind in the folders of NumPy, with what each must show.
fn files(kind: &str) -> Vec<(String, Json)> {
    let manifest: Json = serde_json::from_slice(&fs::read(path("MANIFEST.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap().iter();
    let ours = files.filter(|file| file["kind"] == kind && file["file"].as_str().unwrap().starts_with("numpy-"));
    ours.map(|file| (file["file"].as_str().unwrap().to_owned(), file["expect"].clone())).collect()
}

/// The SHA-256 of the elements in C order, little-endian.
fn sha256(array: &Array<'_>) -> String {
    let little = array.to_little_endian().unwrap();
    Sha256::digest(little.c_order_bytes().unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A dtype as the manifest has it: `"<f8"`, or `[["a", "<i4"], ["m", "<f4", "(2, 2)"]]`.
fn descr(expected: &Json) -> String {
    let Some(fields) = expected.as_array() else {
        return format!("'{}'", expected.as_str().unwrap());
    };
    let field = |field: &Json| {
        let parts = field.as_array().unwrap();
        let shape = parts.get(2).map_or(String::new(), |shape| format!(", {}", shape.as_str().unwrap()));
        format!("('{}', {}{shape})", parts[0].as_str().unwrap(), descr(&parts[1]))
    };
    format!("[{}]", fields.iter().map(field).collect::<Vec<_>>().join(", "))
}

/// An element as the manifest has it, in the text of ours.
fn text(expected: &Json) -> Option<String> {
    Some(match expected {
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) if number.is_f64() => oiji::op::number::format_float(number.as_f64().unwrap()),
        Json::Number(number) => number.to_string(),
        Json::String(text) if text.starts_with("b'") || text == "nan" || text == "inf" => text.clone(),
        // What Python 2 wrote of its text.
        Json::String(text) if text.starts_with("u'") => return None,
        Json::String(text) => format!("'{text}'"),
        Json::Object(parts) if parts.contains_key("re") => {
            let part = |name: &str| oiji::op::number::format_float(parts[name].as_f64().unwrap());
            let sign = if part("im").starts_with('-') { "" } else { "+" };
            format!("{}{sign}{}j", part("re"), part("im"))
        }
        Json::Object(parts) if parts.contains_key("bytes") => format!("b'{}'", parts["bytes"].as_str().unwrap()),
        _ => return None,
    })
}

fn check(name: &str, array: &Array<'_>, expected: &Json) {
    let shape: Vec<u64> = expected["shape"].as_array().unwrap().iter().map(|axis| axis.as_u64().unwrap()).collect();
    assert_eq!(array.shape(), shape, "{name}");
    if let Some(fields) = expected["fields"].as_u64() {
        let Dtype::Record(record) = array.dtype() else { panic!("{name}: {}", array.dtype()) };
        return assert_eq!(record.fields().len() as u64, fields, "{name}");
    }
    assert_eq!(array.dtype().descr().unwrap(), descr(&expected["dtype"]), "{name}");
    if array.count() > 1 && array.shape().len() > 1 {
        let is_fortran = *array.layout() == Layout::Fortran;
        assert_eq!(is_fortran, expected["order"] == "F", "{name}");
    }
    assert_eq!(sha256(array), expected["sha256_c_order_le"], "{name}");
    let texts: Vec<String> = array.texts().unwrap().collect();
    let first = expected["first"].as_array().unwrap();
    assert_eq!(first.len(), texts.len().min(first.len()), "{name}");
    for (index, (ours, theirs)) in texts.iter().zip(first).enumerate() {
        if let Some(theirs) = text(theirs) {
            // A float32 is told with the digits of a float64.
            let is_same = *ours == theirs || ours.parse::<f32>().ok().is_some_and(|ours| theirs.parse() == Ok(ours));
            let bare = ours.strip_prefix('b');
            assert!(is_same || bare == Some(&theirs), "{name}[{index}]: {ours}, not {theirs}");
        }
        if let Some(steps) = theirs["i8"].as_i64() {
            let ours_count = array.numbers().unwrap().nth(index).unwrap();
            assert_eq!(ours_count.to_string(), steps.to_string(), "{name}[{index}]");
            let theirs = theirs["text"].as_str().unwrap();
            let theirs = theirs.replace("milliseconds", "ms").replace("seconds", "s");
            assert_eq!(*ours, theirs, "{name}[{index}]");
        }
        if let Some(theirs) = theirs.as_array() {
            let parts: Option<Vec<String>> = theirs.iter().map(text).collect();
            if let Some(parts) = parts.filter(|parts| !parts.iter().any(|part| part.contains("[["))) {
                // Python 2 tells bytes as `str`.
                let (ours, theirs) = (ours.replace("b'", "'"), format!("({})", parts.join(", ")).replace("b'", "'"));
                assert_eq!(ours, theirs, "{name}[{index}]");
            }
        }
    }
    match (&expected["sum"], array.dtype()) {
        (Json::Number(sum), Dtype::Int(..) | Dtype::UInt(..) | Dtype::Bool) => {
            let ours: i128 = array.numbers().unwrap().map(|number| number.to_string().parse::<i128>().unwrap()).sum();
            assert_eq!(ours.to_string(), sum.to_string(), "{name}");
        }
        (Json::Number(sum), _) => {
            let (ours, theirs): (f64, f64) = (array.to_f64s().unwrap().iter().sum(), sum.as_f64().unwrap());
            assert!((ours - theirs).abs() <= 1e-6 * theirs.abs(), "{name}: {ours}, not {theirs}");
        }
        _ => {}
    }
}

#[test]
fn every_npy_file_holds_what_its_numpy_says() {
    let mut count = 0;
    for (file, expected) in files("npy") {
        let npy = bytes(&file);
        let array = Array::from_npy(&npy).unwrap_or_else(|error| panic!("{file}: {error}"));
        count += 1;
        if expected.is_string() {
            check_objects(&file, &array);
        } else {
            check(&file, &array, &expected);
        }
    }
    assert!(count > 80, "{count} files");
}

/// `[1, "two", None, {"k": [1, 2]}, 2.5]`
fn check_objects(name: &str, array: &Array<'_>) {
    assert_eq!((array.dtype(), array.shape()), (&Dtype::Object, &[5][..]), "{name}");
    let objects = array.objects().unwrap();
    assert_eq!(objects.get(0).unwrap().as_i64().unwrap(), 1, "{name}");
    assert_eq!(objects.get(1).unwrap().as_str().unwrap(), "two", "{name}");
    assert!(objects.get(2).unwrap().is_none(), "{name}");
    assert_eq!(objects.get(3).unwrap().get("k").unwrap().at(1).unwrap().as_i64().unwrap(), 2, "{name}");
    assert_eq!(objects.get(4).unwrap().as_f64().unwrap(), 2.5, "{name}");
}

#[test]
fn every_pickle_holds_what_its_numpy_says() {
    let mut count = 0;
    for (file, expected) in files("pickle").into_iter().filter(|(file, _)| file.contains("arrays_p")) {
        let pickle = bytes(&file);
        for exact in [false, true] {
            let graph = ReadOptions::new().exact(exact).from_slice(&pickle).unwrap();
            let items = graph.root().items().unwrap();
            let expected = expected.as_array().unwrap();
            assert_eq!(items.len(), expected.len());
            for (index, (value, expected)) in items.iter().zip(expected).enumerate() {
                let name = format!("{file}[{index}]");
                let array = value.as_array().unwrap_or_else(|error| panic!("{name}: {error}"));
                check(&name, &array, expected);
                count += 1;
            }
        }
    }
    assert!(count > 700, "{count} arrays");
}

#[test]
fn npy_files_are_written_as_numpy_2_writes_them() {
    let mut count = 0;
    for (file, expected) in files("npy") {
        if file.starts_with("numpy-1") || expected.is_string() {
            continue;
        }
        let npy = bytes(&file);
        let written = Array::from_npy(&npy).unwrap().to_npy().unwrap();
        assert!(written == npy, "{file} is written in another way");
        count += 1;
    }
    assert!(count > 50, "{count} files");
}

#[test]
fn masked_arrays_matrices_and_records_are_told() {
    for (file, _) in files("pickle").into_iter().filter(|(file, _)| file.contains("masked_matrix_rec")) {
        let pickle = bytes(&file);
        let graph = oiji::loads(&pickle).unwrap();
        let array = |name: &str| graph.root().get(name).unwrap().as_array().unwrap();
        let masked = array("ma");
        assert_eq!(masked.to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0], "{file}");
        let mask = masked.masked().unwrap();
        assert_eq!(mask.mask.to_vec::<bool>().unwrap(), [false, true, false], "{file}");
        assert_eq!(mask.fill_value.unwrap().as_array().unwrap().to_f64s().unwrap(), [-9.0], "{file}");
        let matrix = array("matrix");
        assert!(matrix.class().unwrap().ends_with(".matrix"), "{file}: {:?}", matrix.class());
        assert_eq!(matrix.to_vec::<i64>().unwrap(), [1, 2, 3, 4], "{file}");
        let dtype = graph.root().get("dtype").unwrap().as_dtype().unwrap();
        assert_eq!(dtype.descr().unwrap(), "[('a', '<i4'), ('b', '>f8')]", "{file}");
    }
}

#[test]
fn scalars_are_arrays_without_axes() {
    for (file, expected) in files("pickle").into_iter().filter(|(file, _)| file.contains("scalars")) {
        let pickle = bytes(&file);
        let graph = oiji::loads(&pickle).unwrap();
        for (name, expected) in expected.as_object().unwrap() {
            let scalar = graph.root().get(name).unwrap();
            assert!(Array::of(scalar).is_none(), "{file}: {name} is no array");
            let scalar = scalar.as_array().unwrap_or_else(|error| panic!("{file}: {name}: {error}"));
            let text = scalar.texts().unwrap().next().unwrap();
            let expected = match expected {
                Json::String(text) if name == "c8" => "1.0+2.0j".replace("1+2j", text),
                Json::String(text) if name == "S" => format!("b'{text}'"),
                Json::String(text) => text.clone(),
                Json::Bool(yes) => if *yes { "True" } else { "False" }.to_owned(),
                number => number.to_string(),
            };
            assert_eq!((scalar.shape(), text), (&[][..], expected), "{file}: {name}");
        }
    }
}

#[test]
fn data_may_stand_out_of_band() {
    for (file, expected) in files("pickle").into_iter().filter(|(file, _)| file.contains("oob_p5")) {
        let pickle = bytes(&file);
        let buffers: Vec<Vec<u8>> =
            (0..3).map(|number| bytes(&file.replace(".pkl", &format!(".buf{number}")))).collect();
        let graph = ReadOptions::new().buffers(buffers.iter().map(Vec::as_slice)).from_slice(&pickle).unwrap();
        for (name, expected) in expected.as_object().unwrap() {
            check(&format!("{file}: {name}"), &graph.root().get(name).unwrap().as_array().unwrap(), expected);
        }
        let graph = oiji::loads(&pickle).unwrap();
        let array = graph.root().get("big").unwrap().as_array().unwrap();
        assert_eq!(
            array.bytes().unwrap_err().to_string(),
            "out-of-band buffer 0 is missing; give it with ReadOptions::buffers"
        );
        let array = array.with_bytes(&buffers[0][..]).unwrap();
        check(&file, &array, &expected["big"]);
    }
}

#[test]
fn strs_of_any_length_are_objects() {
    for (file, expected) in files("pickle").into_iter().filter(|(file, _)| file.contains("stringdtype")) {
        let pickle = bytes(&file);
        let graph = oiji::loads(&pickle).unwrap();
        let array = graph.root().as_array().unwrap();
        assert_eq!(array.dtype(), &Dtype::String);
        let ours: Vec<Option<&str>> = array.objects().unwrap().iter().map(|item| item.as_str().ok()).collect();
        let theirs: Vec<Option<&str>> = expected.as_array().unwrap().iter().map(Json::as_str).collect();
        assert_eq!(ours, theirs, "{file}");
    }
}

#[cfg(feature = "archive")]
#[test]
fn every_npz_file_holds_what_its_numpy_says() {
    use oiji::archive::{Archive, save_npz, save_npz_compressed};
    let mut count = 0;
    for (file, expected) in files("npz") {
        let zip = bytes(&file);
        let npz = Archive::open(&zip).unwrap();
        let expected = expected.as_object().unwrap();
        let mut names: Vec<String> = npz.arrays().unwrap().into_iter().map(|info| info.name).collect();
        names.sort_unstable();
        assert!(names.iter().eq(expected.keys()), "{file}: {names:?}");
        let arrays: Vec<(&str, Array<'_>)> =
            names.iter().map(|name| (name.as_str(), npz.array(name).unwrap())).collect();
        let mut ours = [Vec::new(), Vec::new()];
        save_npz(&mut ours[0], arrays.iter().map(|(name, array)| (*name, array))).unwrap();
        save_npz_compressed(&mut ours[1], arrays.iter().map(|(name, array)| (*name, array))).unwrap();
        for zip in [&zip, &ours[0], &ours[1]] {
            let npz = Archive::open(zip).unwrap();
            for (name, expected) in expected {
                let array = npz.array(name).unwrap();
                assert_eq!(npz.array(&format!("{name}.npy")).unwrap().shape(), array.shape());
                match expected.is_string() {
                    true => assert_eq!(array.dtype(), &Dtype::Object, "{file}: {name}"),
                    false => check(&format!("{file}: {name}"), &array, expected),
                }
                count += 1;
            }
        }
        assert!(npz.array("nothing").is_err_and(|error| error.to_string().contains("no array nothing")), "{file}");
    }
    assert!(count > 50, "{count} arrays");
}

#[cfg(feature = "archive")]
#[test]
fn stored_arrays_are_borrowed_and_aligned() {
    use oiji::archive::{Archive, save_npz};
    let array = Array::from_values(&[1.5_f64; 100], &[100]).unwrap();
    let mut file = Vec::new();
    save_npz(&mut file, [("a", &array), ("bcd", &array)]).unwrap();
    let npz = Archive::open(&file).unwrap();
    for name in ["a", "bcd"] {
        let array = npz.array(name).unwrap();
        let oiji::array::Data::Bytes(std::borrow::Cow::Borrowed(data)) = array.data() else {
            panic!("{name} is a copy")
        };
        assert_eq!((data.as_ptr() as usize - file.as_ptr() as usize) % 64, 0, "{name}");
    }
}

#[cfg(feature = "archive")]
#[test]
fn a_bomb_is_stopped_and_a_damaged_npz_names_the_member() {
    use oiji::Limits;
    use oiji::archive::{Archive, save_npz_compressed};
    let array = Array::from_values(&[0_u8; 100_000], &[100_000]).unwrap();
    let mut file = Vec::new();
    save_npz_compressed(&mut file, [("bomb", &array)]).unwrap();
    let limits = Limits { allocation: 50_000, ..Limits::default() };
    let error = Archive::open_with(&file, &ReadOptions::new().limits(limits)).unwrap().array("bomb").unwrap_err();
    assert!(error.to_string().starts_with("limit reached: allocation is 50000"), "{error}");
    for at in 40..60 {
        let mut damaged = file.clone();
        damaged[at] ^= 0x55;
        if let Err(error) = Archive::open(&damaged).and_then(|npz| npz.array("bomb").map(|array| array.count())) {
            let text = error.to_string();
            assert!(text.contains("bomb") || text.contains("archive"), "{text}");
        }
    }
    for len in 0..file.len() {
        assert!(Archive::open(&file[..len]).is_err(), "{len}");
    }
}

#[test]
fn files_on_disk_are_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    oiji::array::save(&path, &Array::from_values(&[1_i16, -2], &[2, 1]).unwrap()).unwrap();
    let array = oiji::array::load(&path).unwrap();
    assert_eq!((array.shape(), array.to_vec::<i16>().unwrap()), (&[2, 1][..], vec![1, -2]));
    let bfloat = Array::from_bytes(Dtype::BFloat16, &[1], vec![0, 0]).unwrap();
    assert!(oiji::array::save(&path, &bfloat).is_err());
    assert_eq!(oiji::array::load(&path).unwrap().count(), 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A `.npy` file with this header and data.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

#[test]
fn lying_headers_are_errors_with_their_place() {
    let header = |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}");
    for (descr, shape, problem) in [
        ("'<f8'", "(3,)", "input ends where the data should follow at offset 73"),
        ("'<f8'", "(-1,)", "invalid array: no tuple of lengths at offset 10 (shape)"),
        ("'<f8'", "3", "invalid array: no tuple of lengths at offset 10 (shape)"),
        ("'<f8'", "(9223372036854775807, 9223372036854775807)", "invalid array: shape"),
        ("'<f8'", "(9223372036854775807,)", "invalid array: shape"),
        ("'<f8'", "(99999999999999999999,)", "invalid array: expected an int of 64 bits in the header at offset 61"),
        ("'<q7'", "()", "invalid array: no dtype: \"<q7\" at offset 10 (descr)"),
        ("7", "()", "invalid array: no dtype: int at offset 10 (descr)"),
        ("[('a', '<i4'), ('a', '<i4')]", "()", "invalid array: two fields \"a\" at offset 10 (descr)"),
        ("[('a', '<i4'), 7]", "()", "invalid array: no field of a dtype at offset 10 (descr[1])"),
        ("('<i4', (9223372036854775807, 2))", "()", "invalid array: elements of shape"),
        ("'|V99999999999999999999'", "()", "invalid array: no dtype"),
        ("'|V72057594037927936'", "(1000000,)", "invalid array: shape"),
    ] {
        let bytes = npy(&header(descr, shape), &[0; 8]);
        let error = Array::from_npy(&bytes).unwrap_err();
        assert!(error.to_string().starts_with(problem), "{descr} {shape}: {error}");
        assert!(error.offset().is_some(), "{error}");
    }
    for other in ["{}", "[]", "{'descr': '<f8', 'fortran_order': 0, 'shape': ()}", "{'descr': '<f8'}", ""] {
        assert!(Array::from_npy(&npy(other, &[0; 8])).is_err(), "{other}");
    }
    let deep = header(&format!("{}'<i4'{}", "[('a', ".repeat(100), ")]".repeat(100)), "()");
    let error = Array::from_npy(&npy(&deep, &[0; 8])).unwrap_err();
    assert!(error.to_string().contains("levels"), "{error}");
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    for file in ["v1_rec_aligned_sub.npy", "v2_wide.npy", "v3_unicode_fields.npy", "object.npy"] {
        let npy = bytes(&format!("numpy-2.5.5-py313/{file}"));
        for len in (0..npy.len()).step_by(if npy.len() > 10_000 { 997 } else { 1 }) {
            let error = Array::from_npy(&npy[..len]).map(|_| ()).unwrap_err();
            assert!(error.offset().is_some(), "{file} cut at {len}: {error}");
        }
    }
}

#[test]
fn old_headers_are_read() {
    let npy = npy(
        "{'descr': [(('t', 'x'), '<i2'), ('', '|V2')], 'shape': (2L, 1L), 'fortran_order': True}\n",
        &[1, 0, 9, 9, 2, 0, 9, 9],
    );
    let array = Array::from_npy(&npy).unwrap();
    assert_eq!(array.shape(), [2, 1]);
    assert_eq!(array.dtype().descr().unwrap(), "[(('t', 'x'), '<i2'), ('', '|V2')]");
    assert_eq!(array.field("x").unwrap().to_vec::<i16>().unwrap(), [1, 2]);
    assert_eq!(array.texts().unwrap().collect::<Vec<_>>(), ["(1,)", "(2,)"]);
}

#[cfg(feature = "ndarray")]
#[test]
fn views_stand_on_the_data_of_the_file() {
    let npy = bytes("numpy-2.5.5-py313/v1_fort3.npy");
    // Aligned as a mapped file would be.
    let words: Vec<u64> = npy.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
    let array = Array::from_npy(bytemuck::cast_slice(&words)).unwrap();
    let view = array.view::<f64>().unwrap();
    assert_eq!(view.shape(), [2, 3, 4]);
    assert_eq!((view[[1, 2, 3]], view[[0, 0, 1]]), (23.0, 1.0));
    assert_eq!(array.to_ndarray::<f64>().unwrap(), view);
    assert!(array.view::<i64>().is_err() && array.as_slice::<f64>().is_none());
    assert_eq!(Array::from_ndarray(&view).unwrap().to_npy().unwrap(), npy);
    let mut flipped = view.clone();
    flipped.invert_axis(ndarray::Axis(1));
    let flipped = Array::from_ndarray(&flipped).unwrap();
    assert_eq!(flipped.to_f64s().unwrap()[..4], [8.0, 9.0, 10.0, 11.0]);
    let half = bytes("numpy-2.5.5-py313/v1_f2.npy");
    let half = Array::from_npy(&half).unwrap().to_vec::<half::f16>().unwrap();
    assert_eq!(half[2].to_f32(), 65504.0);
    let complex = bytes("numpy-2.5.5-py313/v1_c16.npy");
    let complex = Array::from_npy(&complex).unwrap().to_ndarray::<num_complex::Complex<f64>>().unwrap();
    assert_eq!(complex[[0]].im, -2e-10);
}

/// A pickle of a dtype in a list, by a function that adds it to a graph.
fn dtype_in(make: impl Fn(&mut oiji::Graph<'_>) -> oiji::graph::Id) -> oiji::Graph<'static> {
    let mut graph = oiji::Graph::new();
    let root = make(&mut graph);
    graph.set_roots(vec![root]);
    graph
}

/// `numpy.dtype('V8')` with fields `a` and `b`, both of `inner` at 0.
fn twice(graph: &mut oiji::Graph<'_>, inner: oiji::graph::Id) -> oiji::graph::Id {
    let class = graph.add_global("numpy", "dtype").unwrap();
    let name = graph.add_str("V8").unwrap();
    let args = graph.add_tuple(&[name]).unwrap();
    let dtype = graph.add_object(oiji::graph::Made::Call, class, args, None).unwrap();
    let zero = graph.add_int(0).unwrap();
    let field = graph.add_tuple(&[inner, zero]).unwrap();
    let (a, b) = (graph.add_str("a").unwrap(), graph.add_str("b").unwrap());
    let (names, fields) = (graph.add_tuple(&[a, b]).unwrap(), graph.add_dict(&[(a, field), (b, field)]).unwrap());
    let (version, none, size) = (graph.add_int(3).unwrap(), graph.add_none().unwrap(), graph.add_int(8).unwrap());
    let order = graph.add_str("|").unwrap();
    let state = graph.add_tuple(&[version, order, none, names, fields, size, zero, zero]).unwrap();
    graph.add_step(dtype, oiji::graph::StepKind::Build, &[state]).unwrap();
    dtype
}

#[test]
fn dtypes_that_unfold_without_end_are_errors() {
    for (levels, problem) in [(10, None), (30, Some("more than 65536 parts")), (100, Some("more than 64 levels"))] {
        let graph = dtype_in(|graph| {
            let float = graph.add_dtype(&"<f8".parse().unwrap()).unwrap();
            (0..levels).fold(float, |inner, _| twice(graph, inner))
        });
        let found = graph.root().as_dtype();
        match problem {
            None => assert_eq!(found.unwrap().to_string(), "{a: V8, b: V8}"),
            Some(problem) => assert!(found.unwrap_err().to_string().contains(problem), "{levels}"),
        }
    }
}

#[test]
fn a_dtype_that_holds_itself_is_an_error() {
    let mut graph = oiji::Graph::new();
    let none = graph.add_none().unwrap();
    let dtype = twice(&mut graph, none);
    graph.set_roots(vec![dtype]);
    let field = graph.root().path("@state[4].a").unwrap().id();
    let zero = graph.add_int(0).unwrap();
    graph.replace_items(field, &[dtype, zero]).unwrap();
    assert_eq!(graph.root().as_dtype().unwrap_err().to_string(), "invalid array: a dtype that holds itself");
}

#[test]
fn repeated_elements_are_walked_over_within_reason() {
    let data = oiji::array::Data::Bytes(vec![7].into());
    let layout = Layout::Strided { offset: 0, strides: vec![0, 0] };
    let shape = [1 << 20, 1 << 20];
    let array = Array::new("|u1".parse().unwrap(), &shape, layout, data).unwrap();
    for error in [array.stats().map(drop), array.c_order_bytes().map(drop), array.texts().map(drop)] {
        assert!(error.unwrap_err().to_string().starts_with("limit reached: bytes of repeated elements"));
    }
    assert_eq!(array.first_texts(3), ["7", "7", "7"]);
}
