//! Each fuzz target over the corpus, and over the corpus damaged: without a fuzzer.

type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("read", oiji_fuzz::read),
    ("ops", oiji_fuzz::ops),
    ("round_trip", oiji_fuzz::round_trip),
    ("slice_stream", oiji_fuzz::slice_stream),
    ("tools", oiji_fuzz::tools),
    ("cpython", oiji_fuzz::cpython),
    ("classes", oiji_fuzz::classes),
    ("archive", oiji_fuzz::archive),
    ("arrays", oiji_fuzz::arrays),
    ("stores", oiji_fuzz::stores),
    ("scan", oiji_fuzz::scan),
    ("migrate", oiji_fuzz::migrate),
];

fn run(target: &str) {
    let (_, function) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target of this name");
    let mut state = 0x9e37_79b9_u64;
    let mut random = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % bound.max(1)
    };
    for path in oiji_testkit::files() {
        let bytes = std::fs::read(&path).expect("a corpus file");
        if bytes.len() > 20_000 {
            continue;
        }
        function(&bytes);
        for _ in 0..2 {
            let mut damaged = bytes.clone();
            for _ in 0..=random(3) {
                let at = random(damaged.len());
                if let Some(byte) = damaged.get_mut(at) {
                    *byte = random(256) as u8;
                }
            }
            damaged.truncate(bytes.len() - random(bytes.len() / 4));
            function(&damaged);
        }
    }
}

#[test]
fn every_target_is_here() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz_targets");
    let files = std::fs::read_dir(folder).expect("the folder of targets").flatten();
    let mut files: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    let mut ours: Vec<String> = TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    files.sort();
    ours.sort();
    assert_eq!(ours, files);
}

#[test]
fn read() {
    run("read");
}

#[test]
fn ops() {
    run("ops");
}

#[test]
fn round_trip() {
    run("round_trip");
}

#[test]
fn slice_stream() {
    run("slice_stream");
}

#[test]
fn tools() {
    run("tools");
}

#[test]
fn cpython() {
    run("cpython");
}

#[test]
fn classes() {
    run("classes");
}

#[test]
fn archive() {
    run("archive");
}

#[test]
fn arrays() {
    run("arrays");
}

#[test]
fn stores() {
    run("stores");
}

#[test]
fn scan() {
    run("scan");
}

#[test]
fn what_real_unpicklers_reach_is_reported() {
    for (number, python) in oiji_testkit::pythons().iter().enumerate() {
        let cases = oiji_fuzz::reach::cases(number as u64 * 2_000, 2_000);
        let missed = oiji_fuzz::reach::missed(python, &cases).expect("the Python runs");
        assert!(missed.is_empty(), "{}: {missed:?}", python.name());
    }
}

#[test]
fn migrate() {
    run("migrate");
}
