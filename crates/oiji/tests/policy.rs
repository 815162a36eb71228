//! Loading by policy, and strictly, against labelled files, real files and what real readers were seen to do.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::policy::{Policy, Standing};
use oiji::{ErrorKind, Graph, ReadOptions, Result};
use serde::Deserialize;

fn by_policy() -> ReadOptions<'static> {
    ReadOptions::new().policy(Policy::builtin())
}

#[derive(Deserialize)]
struct Labelled {
    file: String,
    expected: String,
}

/// The labelled files that begin as pickles, with what they are.
fn labelled_pickles() -> Vec<(String, Vec<u8>, String)> {
    let folder = oiji_testkit::corpus().join("scan");
    let files: Vec<Labelled> = serde_json::from_slice(&std::fs::read(folder.join("MANIFEST.json")).unwrap()).unwrap();
    let pickles = files.into_iter().filter(|file| file.file.ends_with(".pkl"));
    pickles
        .map(|Labelled { file, expected }| {
            let bytes = std::fs::read(folder.join(&file)).unwrap();
            (file, bytes, expected)
        })
        .collect()
}

#[test]
fn no_dangerous_pickle_is_loaded() {
    let mut count = 0;
    for (file, bytes, label) in labelled_pickles() {
        if label != "dangerous" {
            continue;
        }
        count += 1;
        // One that is harmless up to its STOP may do harm behind it, which is not loaded.
        let pickles: Result<Vec<Graph<'_>>> = by_policy().pickles(&bytes).collect();
        let is_loaded = pickles.is_ok_and(|pickles| !pickles.is_empty());
        assert!(!is_loaded || oiji::inspect::scan::scan(&bytes).pickles == 0, "{file} is loaded");
    }
    assert!(count > 80, "{count} dangerous pickles");
}

#[test]
fn harmless_pickles_are_loaded() {
    let mut count = 0;
    for (file, bytes, label) in labelled_pickles() {
        if label == "benign" {
            count += 1;
            let graph = by_policy().from_slice(&bytes);
            assert_eq!(graph.map(|_| ()).map_err(|error| error.to_string()), Ok(()), "{file}");
        }
    }
    assert!(count > 20, "{count} harmless pickles");
}

#[test]
fn what_is_loaded_is_the_same_as_without_a_policy_from_slices_and_streams() {
    for (file, bytes, label) in labelled_pickles() {
        let from_slice = by_policy().from_slice(&bytes);
        let from_reader = by_policy().from_reader(&bytes[..]);
        match (from_slice, from_reader) {
            (Ok(slice), Ok(stream)) => {
                assert!(slice == oiji::loads(&bytes).unwrap(), "{file}");
                assert!(slice == stream, "{file}");
            }
            (Err(slice), Err(stream)) => {
                assert_ne!(label, "benign");
                assert_eq!(slice.to_string(), stream.to_string(), "{file}");
            }
            (slice, stream) => panic!("{file}: {slice:?} {stream:?}"),
        }
    }
}

/// Rows of what real readers do with odd bytes: what it is, and bytes of it.
const DIFFERENTIALS: &[(&str, &[u8])] = &[
    ("1: a frame that ends inside an op", b"\x80\x04\x95\x02\0\0\0\0\0\0\0B\x01\0\0\0x."),
    ("2: a frame that ends inside a line", b"\x80\x04\x95\x02\0\0\0\0\0\0\0I12\n."),
    ("3: a frame past STOP", b"\x80\x04\x95\x04\0\0\0\0\0\0\0N.N."),
    ("4: a frame longer than the data", b"\x80\x04\x95\x40\0\0\0\0\0\0\0N."),
    ("4: a frame in a frame", b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x95\x02\0\0\0\0\0\0\0N."),
    ("5: a NUL in an int", b"I1\0x\n."),
    ("5: a NUL in a long", b"L1\0x\n."),
    ("5: a NUL in a float", b"F1\0x\n."),
    ("5: a NUL in a memo index", b"Np1\0x\n."),
    ("6: an int in hex", b"I0x10\n."),
    ("6: a long in hex", b"L0x10L\n."),
    ("7: an int with a leading zero", b"I010\n."),
    ("7: a bool with one zero too many", b"I001\n."),
    ("8: an int with a space", b"I 1\n."),
    ("8: an int with a sign", b"I+0\n."),
    ("9: a long with a leading zero", b"L010L\n."),
    ("9: a bool with a space", b"I01 \n."),
    ("10: a float with a space", b"F 1\n."),
    ("10: a float with an underscore", b"F1_0.0\n."),
    ("10: a float that is too great", b"F1e400\n."),
    ("10: a float with a carriage return", b"F1.5\r\n."),
    ("11: one quote", b"S'\n."),
    ("13: an empty module", b"c\nx\n."),
    ("13: an empty name", b"cbuiltins\n\n."),
    ("14: a module that is not ASCII", b"\x80\x03c\xc3\xa9\nx\n."),
    ("15: a name with a space", b"cbuiltins\nlist list\n."),
    ("15: a module with a carriage return", b"cbuiltins\r\nlist\n."),
    ("16: a memo index below zero", b"Np-1\n."),
    ("16: a memo index that is text", b"Npfoo\n."),
    ("17: a memo index with a zero", b"Np1\n0g01\n."),
    ("17: a memo index with a sign", b"Np1\n0g+1\n."),
    ("18: a huge memo index", b"Nr\xff\xff\xff\xff."),
    ("18: a huge memo index in text", b"Np9999999999\n."),
    ("19: a memo index that is used twice", b"Nq\x01Kq\x010."),
    ("19: a memo index that MEMOIZE takes again", b"\x80\x04Nq\x01K\x07\x940."),
    ("20: no items for a number", b"K\x01(e."),
    ("20: no items for a set that is none", b"\x80\x04K\x01(\x90."),
    ("21: a state that is an empty list", b"\x80\x02cbuiltins\nobject\n)\x81]b."),
    ("21: a state that is zero", b"\x80\x02cbuiltins\nobject\n)\x81K\0b."),
    ("22: arguments in a list", b"cbuiltins\nlist\n]R."),
    ("22: arguments in a list, for a new object", b"\x80\x02cbuiltins\nobject\n]\x81."),
    ("24: a key without a value", b"(K\x01d."),
    ("24: a key without a value, to be set", b"}(K\x01u."),
    ("25: a mark as a value", b"N(2."),
    ("25: a mark in a tuple", b"\x80\x02N(\x85."),
    ("26: STOP with more than one value", b"NN."),
    ("26: STOP with an open mark", b"(N."),
    ("27: a protocol that nobody knows", b"\x80\x06N."),
    ("28: PROTO twice", b"\x80\x02\x80\x03N."),
    ("28: PROTO late", b"N0\x80\x03N."),
    ("30: a string of 2 GB", b"T\xff\xff\xff\xffx."),
    ("31: extension code 0", b"\x80\x02\x82\0."),
    ("31: an extension code below zero", b"\x80\x02\x84\xff\xff\xff\xff."),
    ("32: a persistent id that is not ASCII", b"P\xc3\xa9\n."),
    ("32: an empty persistent id", b"P\n."),
    ("33: a line that does not end", b"I1"),
    ("35: a string with a space behind it", b"S'x' \n."),
    ("36: an int with an L", b"I1L\n."),
    ("36: an int with a space in it", b"I- 5\n."),
    ("37: a dotted name before protocol 4", b"\x80\x02cbuiltins\nobject.__new__\n."),
    ("38: a stack underflow", b"0N."),
];

#[test]
fn what_readers_read_differently_is_refused() {
    for (what, bytes) in DIFFERENTIALS {
        let strict = ReadOptions::new().strict(true);
        assert!(strict.from_slice(bytes).is_err(), "{what} is read from a slice");
        assert!(strict.from_reader(*bytes).is_err(), "{what} is read from a stream");
        assert!(strict.from_buf_read(*bytes).is_err(), "{what} is read from a buffered stream");
        assert!(by_policy().from_slice(bytes).is_err(), "{what} is read by a policy");
    }
    let digits = [b"I", vec![b'9'; 4301].as_slice(), b"\n."].concat();
    assert!(ReadOptions::new().strict(true).from_slice(&digits).is_err(), "34: more digits than newer versions take");
}

#[test]
fn text_of_python_2_that_is_not_ascii_needs_an_encoding_or_stays_what_it_is() {
    use oiji::op::text::{DecodeErrors, Py2Encoding};
    let strict = ReadOptions::new().strict(true);
    assert_eq!(strict.from_slice(b"U\x01\xe9.").unwrap().root().type_name(), "Python 2 str");
    assert!(strict.py2_strings(Py2Encoding::Ascii, DecodeErrors::Strict).from_slice(b"U\x01\xe9.").is_err());
}

#[test]
fn what_honest_writers_write_is_read_strictly_and_means_the_same() {
    let mut read = 0;
    for path in oiji_testkit::files() {
        if path.components().any(|part| part.as_os_str() == "scan") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        // joblib puts bytes of arrays between the ops.
        if memchr::memmem::find(&bytes, b"ArrayWrapper").is_some() {
            continue;
        }
        let Ok(plain) = oiji::loads(&bytes) else { continue };
        let strict = ReadOptions::new().strict(true).from_slice(&bytes);
        let strict = strict.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(strict == plain, "{}", path.display());
        read += 1;
    }
    assert!(read > 1500, "{read} files");
}

#[test]
fn a_refusal_says_the_line_that_would_allow_it() {
    let bytes = std::fs::read(oiji_testkit::corpus().join("scan/g20_unknown_class.pkl")).unwrap();
    let mut policy = Policy::builtin().clone();
    let mut told = Vec::new();
    loop {
        match ReadOptions::new().policy(&policy).from_slice(&bytes) {
            Ok(_) => break,
            Err(error) => {
                let ErrorKind::Forbidden { what, line: Some(line), .. } = error.kind() else { panic!("{error}") };
                policy = policy.with(line).unwrap();
                told.push((error.offset().unwrap(), what.clone(), line.clone()));
            }
        }
    }
    let class = "acme.models.Classifier";
    let line = "allow acme.models: Classifier =";
    let expected = [
        (27, format!("names {class}"), format!("{line} name")),
        (29, format!("makes {class}"), format!("{line} new")),
        (43, format!("gives a state to {class}"), format!("{line} new state")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_refusal_reads_as_a_sentence() {
    for (bytes, message) in [
        (
            &b"cshapes\nPoint\n)R."[..],
            "not allowed by the policy: names shapes.Point (no policy knows this code, and its module is imported; \
             to allow it: `allow shapes: Point = name`) at offset 0",
        ),
        (
            b"cos\nsystem\n(Vid\ntR.",
            "not allowed by the policy: names os.system (runs programs or reaches files; \
             to allow it: `allow os: system = name`) at offset 0",
        ),
        (
            b"\x80\x02ccollections\nOrderedDict\n}b.",
            "not allowed by the policy: gives a state to collections.OrderedDict \
             (it changes a class, function or module itself, for the whole process) at offset 28",
        ),
        (
            b"\x80\x02\x82\x07.",
            "not allowed by the policy: takes what extension code 7 stands for \
             (what it stands for is known to the loading process alone) at offset 2",
        ),
    ] {
        assert_eq!(by_policy().from_slice(bytes).unwrap_err().to_string(), message);
    }
}

#[test]
fn what_is_done_is_asked_for_as_well_as_what_is_named() {
    for (what, bytes) in [
        ("a call of a name", &b"cnumpy\nndarray\n)R."[..]),
        ("an instance of a function", b"\x80\x02c_codecs\nencode\n)\x81."),
        ("a state for what takes none", b"\x80\x02cbuiltins\nint\nK\x01\x85R}b."),
        ("items for what takes none", b"\x80\x02cbuiltins\nobject\n)\x81K\x01a."),
        ("a codec that computes", b"c_codecs\nencode\n(Vid\nVrot13\ntR."),
        ("a call of what a call gives", b"\x80\x02ccollections\nOrderedDict\n)R)R."),
        ("a call of what stands outside", b"\x80\x02K\x01Q)R."),
        ("a state for what stands outside", b"\x80\x02K\x01Q}b."),
        ("a slot of Python's own", b"\x80\x02ccollections\nOrderedDict\n)\x81N}(V__class__\nNu\x86b."),
        ("an attribute of Python's own", b"\x80\x02ccollections\nOrderedDict\n)\x81}V__dict__\nNsb."),
        ("an attribute of a module", b"cbuiltins\ngetattr\n(ccollections\nabc\nVsys\ntR."),
        ("a class that a helper makes", b"ccopyreg\n_reconstructor\n(cnumpy\nndarray\ncbuiltins\nobject\nNtR."),
        ("items for a class", b"\x80\x02ccollections\nOrderedDict\n(Vx\nVy\nu."),
        ("a loader", b"\x80\x03ctorch.storage\n_load_from_bytes\nC\x02N.\x85R."),
    ] {
        let error = by_policy().from_slice(bytes).map(|graph| graph.to_string()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{what}: {error}");
        assert!(error.offset().is_some(), "{what}: {error}");
    }
}

#[test]
fn several_pickles_with_one_memo_are_judged_too() {
    let bytes = b"\x80\x02X\x02\0\0\0osq\0.\x80\x02cos\nsystem\nq\x01.";
    assert!(by_policy().all_from_slice(bytes).is_err());
    let harmless = b"\x80\x02]q\0.\x80\x02h\0.";
    assert_eq!(by_policy().all_from_slice(harmless).unwrap().to_string(), "[]\n[]");
}

#[cfg(feature = "archive")]
#[test]
fn archives_of_honest_writers_are_read_strictly() {
    let mut read = 0;
    for path in oiji_testkit::files() {
        if !path.components().any(|part| part.as_os_str() == "producers") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let Ok(plain) = oiji::archive::Archive::open(&bytes) else { continue };
        let options = ReadOptions::new().strict(true);
        let strict = oiji::archive::Archive::open_with(&bytes, &options);
        let strict = strict.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let graph = |archive: &oiji::archive::Archive<'_>| {
            archive.linked_graph(1 << 30).map(|graph| graph.to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(graph(&strict), graph(&plain), "{}", path.display());
        read += 1;
    }
    assert!(read > 100, "{read} archives");
}

#[cfg(feature = "archive")]
#[test]
fn archives_are_opened_by_policy_too() {
    let folder = oiji_testkit::corpus().join("scan");
    let evil = std::fs::read(folder.join("f24_joblib_bz2.joblib")).unwrap();
    let options = by_policy();
    assert!(oiji::archive::Archive::open_with(&evil, &options).is_err());
    let good = std::fs::read(folder.join("h_torch_state_dict_zip.pt")).unwrap();
    let archive = oiji::archive::Archive::open_with(&good, &options).unwrap();
    assert!(archive.linked_graph(1 << 30).is_ok());
}

#[cfg(feature = "serde")]
#[test]
fn typed_reads_are_strict_too() {
    let strict = || ReadOptions::new().strict(true);
    let read = |bytes| oiji::serde::Deserializer::from_slice_with(bytes, strict()).read::<i64>();
    assert_eq!(read(b"I10\n.").unwrap(), 10);
    assert!(read(b"I010\n.").is_err());
}

#[test]
fn a_line_puts_one_use_more_to_those_that_are_allowed() {
    let policy = Policy::builtin().clone().with("allow shapes: Point = call(class)").unwrap();
    let line = policy.line("shapes", "Point", oiji::policy::Use::State);
    assert_eq!(line, "allow shapes: Point = call(class) state");
    assert!(matches!(policy.with(&line).unwrap().standing("shapes", "Point"), Standing::Allowed(rule) if rule.state));
}
