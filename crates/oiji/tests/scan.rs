//! Scanning, against labelled files and against what real readers were seen to do. Nothing here runs a payload.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use oiji::global::to_python3;
use oiji::inspect::scan::{Report, Rule, Scanner, Verdict, scan};
use oiji::policy::Policy;
use serde::Deserialize;

#[derive(Deserialize)]
struct Labelled {
    file: String,
    expected: String,
}

fn labelled() -> Vec<(Labelled, Vec<u8>)> {
    let folder = oiji_testkit::corpus().join("scan");
    let manifest = std::fs::read(folder.join("MANIFEST.json")).unwrap();
    let files: Vec<Labelled> = serde_json::from_slice(&manifest).unwrap();
    files.into_iter().map(|file| (std::fs::read(folder.join(&file.file)).unwrap(), file)).map(|(b, f)| (f, b)).collect()
}

/// Why a file is judged as it is.
fn told(report: &Report) -> String {
    report.findings.iter().map(|finding| format!("{}: {} ({})\n", finding.verdict, finding.what, finding.why)).collect()
}

#[test]
fn no_dangerous_file_is_called_clean() {
    for (file, bytes) in labelled() {
        if file.expected == "dangerous" {
            assert_ne!(scan(&bytes).verdict(), Verdict::Clean, "{}", file.file);
        }
    }
}

#[test]
fn harmless_files_are_clean() {
    for (file, bytes) in labelled() {
        if file.expected == "benign" {
            let report = scan(&bytes);
            assert_eq!(report.verdict(), Verdict::Clean, "{}\n{}", file.file, told(&report));
        }
    }
}

/// JSON with another character for each half of a surrogate pair.
fn without_surrogates(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut chars = json.chars().peekable();
    while let Some(char) = chars.next() {
        out.push(char);
        if char == '\\'
            && let Some(kind) = chars.next()
        {
            out.push(kind);
            if kind == 'u' && chars.peek().is_some_and(|digit| "dD".contains(*digit)) {
                chars.nth(3);
                out.push_str("fffd");
            }
        }
    }
    out
}

#[test]
fn what_any_reader_reaches_is_reached() {
    type Answers = BTreeMap<String, BTreeMap<String, Answer>>;
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        calls: Vec<(String, String)>,
    }
    let folder = oiji_testkit::corpus().join("differential");
    let probes: Vec<(String, String)> =
        serde_json::from_slice(&std::fs::read(folder.join("probes.json")).unwrap()).unwrap();
    let mut count = 0;
    for python in ["2.7.18", "3.8.18", "3.13.0"] {
        let answers = std::fs::read_to_string(folder.join(format!("cpython-{python}.json"))).unwrap();
        // Values shown there hold half surrogates, of which JSON here knows nothing.
        let answers: Answers = serde_json::from_str(&without_surrogates(&answers)).unwrap();
        for (name, hex) in &probes {
            let digits: Vec<u8> = hex.bytes().collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
            let report = scan(&bytes);
            let mut reached: BTreeSet<(String, String)> = report.globals.keys().cloned().collect();
            for (module, name) in report.globals.keys() {
                let (module, name) = to_python3(module, name);
                reached.insert((module.to_owned(), name.to_owned()));
            }
            for (reader, answer) in answers.get(name).into_iter().flatten() {
                for call in &answer.calls {
                    count += 1;
                    // Each names what is no text in its own way.
                    let is_text = !call.0.contains('\u{fffd}') && !call.1.contains('\u{fffd}');
                    assert!(
                        reached.contains(call) || !is_text && !reached.is_empty(),
                        "{name}: {reader} of {python} reaches {call:?}, we {reached:?}"
                    );
                }
            }
        }
    }
    assert!(count > 400, "{count} names were reached");
}

#[test]
fn what_readers_take_differently_is_never_clean() {
    let probes = [
        ("an int with a NUL", &b"I1\0x\n."[..]),
        ("a memo key of Python 2", b"Npx\n."),
        ("a frame longer than the file", b"\x80\x04\x95\x40\0\0\0\0\0\0\0N."),
        ("a frame that ends inside an op", b"\x80\x04\x95\x02\0\0\0\0\0\0\0I12\n."),
        ("a frame past STOP", b"\x80\x04\x95\x04\0\0\0\0\0\0\0N.N."),
    ];
    for (what, bytes) in probes {
        let report = scan(bytes);
        assert!(report.findings.iter().any(|finding| finding.rule == Rule::ReadersDiffer), "{what}: {}", told(&report));
    }
}

#[test]
fn ops_that_only_some_readers_see_are_followed_too() {
    // A reader of a file drops what is left of the frame inside the op, and takes the length anew from behind it.
    let mut bytes = b"\x80\x04\x95\x06\0\0\0\0\0\0\0B\x2c\0\0\0x".to_vec();
    let mut hidden = vec![b'x'; 44];
    hidden.extend_from_slice(b"cos\nsystem\n(Vid\ntR.");
    bytes.extend_from_slice(&hidden);
    let report = scan(&bytes);
    assert_eq!(report.verdict(), Verdict::Dangerous, "{}", told(&report));
}

/// What `cargo xtask fuzz reach` found that some reader reaches, and what it is told as.
#[test]
fn what_was_found_by_chance_is_reached() {
    for (what, bytes, effect) in [
        ("a name that no honest module has", &b"Ncm 1\na b\n0cos\nsystem\n)R."[..], "calls os.system()"),
        (
            "no items for an object: a method is called all the same",
            b"cm\na\n)R(e.",
            "appends to items of what m.a gives",
        ),
        ("a memo index with a NUL", b"cos\nsystem\np1\n0g1\0z\n)R.", "calls os.system()"),
        ("a mark that is put into the memo", b"\x80\x02(q\x01cos\nsystem\n)R.", "calls os.system()"),
        ("a mark in a tuple", b"(\x85cos\nsystem\n)R.", "calls os.system()"),
        ("a mark that is doubled", b"cm\na\n(2cos\nsystem\no.", "calls os.system()"),
        ("items behind two marks", b"((ucos\nsystem\n)R.", "calls os.system()"),
        ("a pickle that is a mark", b"(.cos\nsystem\n)R.", "calls os.system()"),
        ("a state for a mark", b"(K\0b1cos\nsystem\n)R.", "calls os.system()"),
        (
            "a second pickle behind an op that the end of a frame cuts",
            b"\x80\x02\x95\x03\0\0\0\0\0\0\0G?\xf0\0\0\0\0\0\0h\0.cos\nsystem\n)R.",
            "calls os.system()",
        ),
        ("an instance whose name breaks off", b"(ios\nsystemx", "calls os.system()"),
        (
            "a frame in a frame that drops what is left of it",
            b"\x80\x04\x95\x0f\0\0\0\0\0\0\0N\x95\x09\0\0\0\0\0\0\0NNNNNcm1\nb\n(cm2\nb\no.",
            "names 2.b",
        ),
        (
            "a frame in a frame that is cut by the one around it",
            b"\x80\x04N\x95\x10\0\0\0\0\0\0\0N\x95\x01\0\0\0\0\0\0\0cm1\nsystem\n)R.",
            "names m1.stem",
        ),
        ("a mark that stands higher than the stack", b"NNN(\x87(cos\nsystem\no1Nb.", "gives a state to os.system(…)"),
        ("items behind two marks that stand at one height", b"cos\nsystem\n((K\0K\x01u.", "sets items of os.system"),
        (
            "a second pickle behind what is left of a frame that was read anew",
            b"\x80\x04\x95\x0c\0\0\0\0\0\0\0N\x95\x03\0\0\0\0\0\0\0NN.\xff\xffcos\nsystem\n)R.",
            "calls os.system()",
        ),
        ("items with nothing before the mark", b"(Ncos\nsystem\nucos\nsystem\n)R.", "sets items of os.system"),
        ("a key without a value with nothing before the mark", b"(NNcos\nsystem\nu.", "sets items of os.system"),
        (
            "an entry under a text, which MEMOIZE does not count",
            b"\x80\x04\x8c\x02os\x94\x8c\x01xpa\n\x94h\x01cos\nsystem\n)R.",
            "calls os.system()",
        ),
    ] {
        let report = scan(bytes);
        let told: Vec<_> = report.effects.iter().map(|effect| effect.what.as_str()).collect();
        assert!(told.contains(&effect), "{what}: {told:?}");
        assert_ne!(report.verdict(), Verdict::Clean, "{what}");
    }
}

#[test]
fn a_frame_that_is_longer_than_the_file_only_where_it_is_read_anew_ends_nothing() {
    let report = scan(b"\x80\x04\x95\x0b\0\0\0\0\0\0\0N\x95\x04\0\0\0\0\0\0\0NXX\x05");
    assert_ne!(report.verdict(), Verdict::Clean, "{}", told(&report));
}

#[test]
fn many_ways_to_go_on_cost_no_more_than_a_few() {
    // Each would be a copy of the memo.
    let memo: Vec<u8> = (0..20_000_u32).flat_map(|index| [&b"r"[..], &index.to_le_bytes()].concat()).collect();
    for odd in [&b"\x95\x02\0\0\0\0\0\0\0I12\n0"[..], b"(20", b"(q\x010"] {
        let start = std::time::Instant::now();
        let bytes = [b"\x80\x04N", &memo[..], &odd.repeat(20_000), b"."].concat();
        assert_ne!(scan(&bytes).verdict(), Verdict::Clean);
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}

#[test]
fn an_error_erases_no_finding() {
    for tail in [&b""[..], b"\xff", b"X\xff\xff\xff\x7f", b"a"] {
        let report = scan(&[b"cos\nsystem\n(Vid\ntR", tail].concat());
        assert_eq!(report.verdict(), Verdict::Dangerous);
        assert!(report.findings.iter().any(|finding| finding.what == "calls os.system('id')"), "{}", told(&report));
    }
}

#[test]
fn what_is_dropped_was_done_all_the_same() {
    let report = scan(b"cos\nsystem\n(Vid\ntR0N.");
    assert!(report.effects.iter().any(|effect| effect.what == "calls os.system('id')"));
}

#[test]
fn a_policy_of_ones_own_allows_what_it_names_and_no_more() {
    let policy = Policy::builtin().clone().with("allow shapes: Point = new").unwrap();
    let scanner = Scanner::new(&policy);
    assert_eq!(scanner.scan(b"\x80\x02cshapes\nPoint\n)\x81.").verdict(), Verdict::Clean);
    let state = scanner.scan(b"\x80\x02cshapes\nPoint\n)\x81}b.");
    assert_eq!((state.verdict(), state.findings[0].rule), (Verdict::Unknown, Rule::State), "{}", told(&state));
    let call = scanner.scan(b"cshapes\nPoint\n(tR.");
    assert_eq!((call.verdict(), call.findings[0].rule), (Verdict::Unknown, Rule::Call), "{}", told(&call));
}

#[test]
fn what_changes_a_class_or_module_itself_is_dangerous() {
    for (what, bytes) in [
        ("a state for a class", &b"\x80\x02ccollections\nOrderedDict\n}b."[..]),
        ("items for a class", b"\x80\x02ccollections\nOrderedDict\n(Vx\nVy\nu."),
        ("a dunder in a state", b"\x80\x02ccollections\nOrderedDict\n)\x81N}(V__class__\nNu\x86b."),
    ] {
        let report = scan(bytes);
        assert_eq!(report.verdict(), Verdict::Dangerous, "{what}: {}", told(&report));
    }
}

#[test]
fn names_behind_an_allowed_class_are_looked_up_in_full() {
    let through =
        |name: &str| [b"\x80\x03cbuiltins\ngetattr\nczoneinfo\nZoneInfo\nV", name.as_bytes(), b"\n\x86R."].concat();
    assert_eq!(scan(&through("_unpickle")).verdict(), Verdict::Clean, "{}", told(&scan(&through("_unpickle"))));
    assert_eq!(scan(&through("__init__")).verdict(), Verdict::Dangerous);
}

#[test]
fn a_value_that_unfolds_without_end_is_told() {
    let doubled = [b"\x80\x02K\x01".as_slice(), &b"2\x86".repeat(50), b"."].concat();
    let lists = [b"]q\0".as_slice(), &b"(h\0h\0h\0h\0h\0h\0l2q\x000".repeat(30), b"."].concat();
    for bytes in [doubled, lists] {
        let report = scan(&bytes);
        assert_eq!(report.verdict(), Verdict::Incomplete, "{}", told(&report));
        assert!(report.findings.iter().any(|finding| finding.rule == Rule::Limit), "{}", told(&report));
    }
    let shared = [b"\x80\x02]q\0(K\x01K\x02e".as_slice(), &b"h\0".repeat(1000), b"."].concat();
    assert!(scan(&shared).findings.iter().all(|finding| finding.rule != Rule::Limit));
}

#[cfg(feature = "store")]
#[test]
fn records_of_stores_are_scanned_with_what_is_left_of_former_ones() {
    use oiji::store::Store;
    let batches = |pickle: &[u8]| [&(pickle.len() as u32).to_be_bytes()[..], pickle, b"\0\0\0\x04\x80\x02N."].concat();
    let evil = scan(&batches(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."));
    assert_eq!(evil.verdict(), Verdict::Dangerous, "{}", told(&evil));
    assert!(evil.findings.iter().any(|finding| finding.place.starts_with("record ")), "{}", told(&evil));
    assert_eq!(scan(&batches(b"\x80\x02]."),).verdict(), Verdict::Clean);

    let mut stores = 0;
    for path in oiji_testkit::files() {
        let is_ours = path.components().any(|part| part.as_os_str() == "producers");
        let Some(store) = is_ours.then(|| Store::find(&path, &oiji::ReadOptions::new()).ok().flatten()).flatten()
        else {
            continue;
        };
        let report = Scanner::new(Policy::builtin()).scan_store(&store);
        let pickles =
            store.records().flatten().filter(|record| record.content().is_ok_and(|content| content.is_pickle()));
        assert!(report.pickles >= pickles.count() as u64, "{}", path.display());
        assert_ne!(report.verdict(), Verdict::Dangerous, "{}\n{}", path.display(), told(&report));
        stores += 1;
    }
    assert!(stores > 15, "{stores} stores");
}

#[cfg(feature = "store")]
#[test]
fn a_shelf_that_python_wrote_is_scanned_by_its_records() {
    let Some(python) = oiji_testkit::python3() else { return oiji_testkit::skip("no Python 3 on this machine") };
    let folder = tempfile::tempdir().unwrap();
    // What is deleted stays in the file, where another index finds it.
    let script = "import dbm.dumb, sys\n\
                  shelf = dbm.dumb.open(sys.argv[1])\n\
                  shelf['good'] = b'N.'\n\
                  shelf['evil'] = b'cos\\nsystem\\n(Vid\\ntR.'\n\
                  shelf.close()\n";
    let shelf = folder.path().join("shelf");
    python.run_with(&["-c", script, shelf.to_str().unwrap()], b"").unwrap();
    let store = oiji::store::Store::open(&shelf).unwrap();
    let report = Scanner::new(Policy::builtin()).scan_store(&store);
    assert_eq!(report.verdict(), Verdict::Dangerous, "{}", told(&report));
    assert!(report.findings.iter().all(|finding| finding.place == "record evil"), "{}", told(&report));
}

#[test]
fn bytes_that_are_no_pickle_are_not_clean() {
    for bytes in [&b""[..], b"hello, world\n", b"\x89PNG\r\n\x1a\n"] {
        assert_eq!(scan(bytes).verdict(), Verdict::Incomplete);
    }
    let tail = scan(b"N.\xff\xff\xff");
    assert_eq!((tail.verdict(), tail.findings[0].rule), (Verdict::Incomplete, Rule::Tail));
}

#[test]
fn every_file_of_the_producers_is_scanned_without_a_false_alarm_of_danger() {
    let folder = oiji_testkit::corpus().join("producers");
    let mut folders = vec![folder];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            count += 1;
            let report = scan(&std::fs::read(&path).unwrap());
            assert_ne!(report.verdict(), Verdict::Dangerous, "{}\n{}", path.display(), told(&report));
        }
    }
    assert!(count > 300, "{count} files");
}
