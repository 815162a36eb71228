//! The classes of tricks that have fooled scanners, each with cases of our own making: none may be called clean, and none may
//! be loaded by policy. Nothing here runs them.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;

use oiji::ReadOptions;
use oiji::inspect::scan::{Rule, Verdict, scan};
use oiji::policy::Policy;

/// `os.system('echo oiji-test')`, from its name to its call, in protocol 0.
const CALL: &[u8] = b"cos\nsystem\n(Vecho oiji-test\ntR";

fn pickle(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A pickle in protocol 2 or 4 of these parts.
fn with(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[0x80, protocol][..], &parts.concat()].concat()
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// A call of a global with one text.
fn call(module: &str, name: &str, text: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n(V{text}\ntR.").into_bytes()
}

/// What each class is called in SCANNING.md, a name for the case, and its bytes.
fn cases() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let short = |text: &str| [&[0x8c, text.len() as u8][..], text.as_bytes()].concat();
    let mut cases = vec![
        ("executes before the parse fails", "an unknown opcode behind", pickle(&[CALL, b"\xff\xff"])),
        ("executes before the parse fails", "no STOP", CALL.to_vec()),
        ("executes before the parse fails", "a stack that runs empty", pickle(&[CALL, b"00000."])),
        ("executes before the parse fails", "an argument that breaks off", pickle(&[CALL, b"X\xff\xff\xff\x7f"])),
        ("executes before the parse fails", "a protocol that nobody knows", pickle(&[CALL, b"\x80\x63."])),
        ("aliases and submodules", "posix", call("posix", "system", "echo oiji-test")),
        (
            "aliases and submodules",
            "a submodule of a package",
            call("torch.utils.collect_env", "run", "echo oiji-test"),
        ),
        ("aliases and submodules", "_pickle", call("_pickle", "loads", "N.")),
        (
            "dotted names",
            "through a module's import",
            with(4, &[&short("collections"), &short("_sys.modules"), b"\x93."]),
        ),
        (
            "dotted names",
            "through a function",
            with(4, &[&short("torch"), &short("serialization.os.system"), b"\x93", &short("echo"), b"\x85R."]),
        ),
        (
            "dotted names",
            "dunders of a class",
            with(4, &[&short("collections"), &short("OrderedDict.__init__.__globals__"), b"\x93."]),
        ),
        (
            "names that are not classes",
            "a dict of a module",
            with(2, &[&global("builtins", "__dict__"), b"(Vopen\nNu."]),
        ),
        ("names that are not classes", "a loader", with(2, &[&global("builtins", "__loader__"), b"."])),
        (
            "composition of allowed parts",
            "an attribute of an allowed function",
            with(2, &[&global("numpy.core.multiarray", "scalar"), b"}Vx\nNsb."]),
        ),
        (
            "composition of allowed parts",
            "an attribute of an allowed class",
            with(2, &[&global("collections", "OrderedDict"), b"N}Vupdate\nNs\x86b."]),
        ),
        (
            "composition of allowed parts",
            "the class of an instance",
            with(
                2,
                &[
                    &global("collections", "OrderedDict"),
                    b")\x81N}V__class__\n",
                    &global("datetime", "date"),
                    b"s\x86b.",
                ],
            ),
        ),
        (
            "computed operands",
            "a name that is decoded",
            with(
                4,
                &[
                    &short("os"),
                    &global("_codecs", "encode"),
                    &short("system"),
                    &short("latin1"),
                    b"\x86R\x93",
                    &short("echo"),
                    b"\x85R.",
                ],
            ),
        ),
        (
            "computed operands",
            "a name that a class makes",
            with(4, &[&short("os"), &global("builtins", "str"), &short("system"), b"\x85R\x93."]),
        ),
        (
            "memo confusion",
            "an index that is put twice",
            with(
                4,
                &[
                    &short("os"),
                    b"q\0",
                    &short("collections"),
                    b"q\x01",
                    b"h\0q\x01h\x01",
                    &short("system"),
                    b"\x93",
                    &short("echo"),
                    b"\x85R.",
                ],
            ),
        ),
        (
            "memo confusion",
            "MEMOIZE behind a far index",
            with(4, &[&short("os"), b"r\x10\0\0\0\x940h\x01", &short("system"), b"\x93."]),
        ),
        ("calls without REDUCE", "INST", b"(Vecho oiji-test\nios\nsystem\n.".to_vec()),
        ("calls without REDUCE", "OBJ", pickle(&[b"(", &global("os", "system"), b"Vecho oiji-test\no."])),
        ("calls without REDUCE", "NEWOBJ", with(2, &[&global("subprocess", "Popen"), b"Vecho oiji-test\n\x85\x81."])),
        (
            "calls without REDUCE",
            "NEWOBJ_EX",
            with(4, &[&global("subprocess", "Popen"), b")}Vargs\nVecho oiji-test\ns\x92."]),
        ),
        ("calls without REDUCE", "BUILD", with(2, &[&global("acme", "Task"), b")\x81Vecho oiji-test\nb."])),
        ("calls without REDUCE", "APPENDS", with(2, &[&global("acme", "Task"), b")\x81(Vecho oiji-test\ne."])),
        ("calls without REDUCE", "ADDITEMS", with(4, &[&global("acme", "Task"), b")\x81(Vecho oiji-test\n\x90."])),
        ("calls without REDUCE", "SETITEM", with(2, &[&global("os", "environ"), b"VPATH\nV/tmp\ns."])),
        ("calls without REDUCE", "a call of what stands outside", with(2, &[b"K\x01Q)R."])),
        ("dropped results", "POP", pickle(&[CALL, b"0N."])),
        ("dropped results", "POP_MARK", pickle(&[b"N(", CALL, b"1."])),
        ("extension codes", "EXT1", with(2, &[b"\x82\x01)R."])),
        ("extension codes", "EXT4", with(2, &[b"\x84\x01\x00\x00\x40)R."])),
        ("extension codes", "a new code", pickle(&[b"ccopyreg\nadd_extension\n(Vos\nVsystem\nK\x01tR."])),
        ("import side effects", "a name alone", with(2, &[&global("antigravity", "x"), b"0N."])),
        ("import side effects", "a module of one's own", with(2, &[&global("acme.plugins.evil", "x"), b"0N."])),
        ("Python 2 names", "commands", call("commands", "getoutput", "echo oiji-test")),
        ("Python 2 names", "__builtin__", call("__builtin__", "eval", "1")),
        ("Python 2 names", "a late PROTO", with(4, &[b"\x80\x02", &call("__builtin__", "eval", "1")])),
        (
            "nested pickles",
            "a loader that is given a pickle",
            with(3, &[b"ctorch.storage\n_load_from_bytes\nB\x1f\0\0\0cos\nsystem\n(Vecho oiji-test\ntR.\x85R."]),
        ),
        ("nested pickles", "pickle.loads", with(3, &[b"c_pickle\nloads\nC\x02N.\x85R."])),
        ("later streams and tails", "a second pickle", pickle(&[b"N.", CALL, b"."])),
        ("later streams and tails", "behind a frame", with(4, &[b"\x95\x02\0\0\0\0\0\0\0N.", CALL, b"."])),
        ("deny-list gaps", "runpy", call("runpy", "run_path", "x.py")),
        ("deny-list gaps", "pip", call("pip._internal.cli.main", "main", "install")),
        ("deny-list gaps", "a profiler", call("cProfile", "run", "1")),
        ("deny-list gaps", "a library that nobody knows", call("acme.shell", "sh", "echo oiji-test")),
        (
            "deny-list gaps",
            "attrgetter",
            pickle(&[b"coperator\nattrgetter\n(Vsystem\ntR(", &global("os", "path"), b"tR."]),
        ),
        ("deny-list gaps", "partial", pickle(&[b"cfunctools\npartial\n(", &global("os", "system"), b"Vecho\ntR)R."])),
        ("deny-list gaps", "methodcaller", pickle(&[b"coperator\nmethodcaller\n(Vsystem\nVecho\ntR."])),
        ("deny-list gaps", "ctypes", call("ctypes", "CDLL", "libc.so.6")),
        ("deny-list gaps", "numpy's loader", call("numpy", "load", "x.npy")),
        ("deny-list gaps", "timeit", call("timeit", "timeit", "1")),
        ("parser differentials", "a NUL in a number", pickle(&[b"I1\0x\n0", CALL, b"."])),
        ("parser differentials", "hex in a number", pickle(&[b"I0x10\n0", CALL, b"."])),
        ("parser differentials", "a memo key of Python 2", pickle(&[b"Npx\n0", CALL, b"."])),
    ];
    // The frame ends inside a string whose length covers the call: who drops the rest of the frame sees the call.
    let mut straddled = with(4, &[b"\x95\x06\0\0\0\0\0\0\0B\x2c\0\0\0x"]);
    straddled.extend(vec![b'x'; 44]);
    straddled.extend_from_slice(CALL);
    straddled.push(b'.');
    cases.push(("parser differentials", "a frame that ends inside a string", straddled));
    cases.extend(containers());
    cases
}

/// The same call in containers that readers see in several ways.
fn containers() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let evil = pickle(&[CALL, b"."]);
    let harmless = b"\x80\x02]q\0.".to_vec();
    let stored = |name: &str, content: &[u8], crc: u32, flags: u16, method: u16| {
        let mut header = b"PK\x03\x04\x14\0".to_vec();
        header.extend(flags.to_le_bytes());
        header.extend(method.to_le_bytes());
        header.extend([0; 4]);
        header.extend(crc.to_le_bytes());
        header.extend((content.len() as u32).to_le_bytes());
        header.extend((content.len() as u32).to_le_bytes());
        header.extend((name.len() as u16).to_le_bytes());
        header.extend([0; 2]);
        header.extend(name.as_bytes());
        header.extend(content);
        header
    };
    let line = |name: &str, content: &[u8], crc: u32, offset: u32| {
        let mut line = b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0".to_vec();
        line.extend(crc.to_le_bytes());
        line.extend((content.len() as u32).to_le_bytes());
        line.extend((content.len() as u32).to_le_bytes());
        line.extend((name.len() as u16).to_le_bytes());
        line.extend([0; 12]);
        line.extend(offset.to_le_bytes());
        line.extend(name.as_bytes());
        line
    };
    let end = |count: u16, len: usize, offset: usize| {
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend(count.to_le_bytes());
        end.extend(count.to_le_bytes());
        end.extend((len as u32).to_le_bytes());
        end.extend((offset as u32).to_le_bytes());
        end.extend([0; 2]);
        end
    };
    let zip = |members: &[Vec<u8>], lines: &[Vec<u8>]| {
        let (members, directory) = (members.concat(), lines.concat());
        let end = end(lines.len() as u16, directory.len(), members.len());
        [members, directory, end].concat()
    };
    let crc = |bytes: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        sum.sum()
    };
    let first = stored("a/data.pkl", &harmless, crc(&harmless), 0, 0);
    let one = stored("a/data.pkl", &evil, crc(&evil), 0, 0);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let array = |descr: &str| {
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}").into_bytes();
        text.resize(117, b' ');
        text.push(b'\n');
        [b"\x93NUMPY\x01\0".as_slice(), &(text.len() as u16).to_le_bytes(), &text].concat()
    };
    let npy = [array("|O"), evil.clone()].concat();
    let plain = [array("|u1"), b"\x07".to_vec(), evil.clone()].concat();
    let tar = {
        let mut header = vec![0_u8; 512];
        header[..8].copy_from_slice(b"data.pkl");
        header[124..136].copy_from_slice(format!("{:011o}\0", evil.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut tar = [header, evil.clone()].concat();
        tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
        tar
    };
    vec![
        ("containers", "a member", zip(std::slice::from_ref(&one), &[line("a/data.pkl", &evil, crc(&evil), 0)])),
        (
            "containers",
            "a member with another ending",
            zip(&[stored("a/notes.txt", &evil, crc(&evil), 0, 0)], &[line("a/notes.txt", &evil, crc(&evil), 0)]),
        ),
        ("containers", "a wrong sum", zip(&[stored("a/data.pkl", &evil, 7, 0, 0)], &[line("a/data.pkl", &evil, 7, 0)])),
        (
            "containers",
            "flags of an encrypted member",
            zip(&[stored("a/data.pkl", &evil, crc(&evil), 1, 0)], &[line("a/data.pkl", &evil, crc(&evil), 0)]),
        ),
        (
            "containers",
            "a member that no directory names",
            zip(&[first.clone(), one.clone()], &[line("a/data.pkl", &harmless, crc(&harmless), 0)]),
        ),
        (
            "containers",
            "two members of one name",
            zip(
                &[one.clone(), first.clone()],
                &[
                    line("a/data.pkl", &evil, crc(&evil), 0),
                    line("a/data.pkl", &harmless, crc(&harmless), one.len() as u32),
                ],
            ),
        ),
        (
            "containers",
            "another name in its own header",
            zip(&[stored("a/data.pkl", &evil, crc(&evil), 0, 0)], &[line("a/notes.txt", &evil, crc(&evil), 0)]),
        ),
        ("containers", "a ZIP in a ZIP", {
            let inner = zip(std::slice::from_ref(&one), &[line("a/data.pkl", &evil, crc(&evil), 0)]);
            zip(&[stored("b.zip", &inner, crc(&inner), 0, 0)], &[line("b.zip", &inner, crc(&inner), 0)])
        }),
        (
            "containers",
            "a pickle before a ZIP",
            [
                evil.clone(),
                zip(std::slice::from_ref(&first), &[line("a/data.pkl", &harmless, crc(&harmless), evil.len() as u32)]),
            ]
            .concat(),
        ),
        ("containers", "a tar", tar),
        ("containers", "gzip", gzip(&evil)),
        ("containers", "an array of objects", npy),
        ("containers", "behind an array", plain),
    ]
}

/// Decompresses gzip, as the command does.
fn unpack(bytes: &[u8], most: u64) -> Option<oiji::Result<Vec<u8>>> {
    use std::io::Read;
    let mut out = Vec::new();
    let gzip = bytes.starts_with(&[0x1f, 0x8b]).then(|| flate2::read::GzDecoder::new(bytes))?;
    Some(gzip.take(most).read_to_end(&mut out).map(|_| out).map_err(oiji::Error::from))
}

#[test]
fn no_case_of_any_class_is_called_clean() {
    let cases = cases();
    let classes: std::collections::BTreeSet<_> = cases.iter().map(|(class, ..)| *class).collect();
    assert_eq!(classes.len(), 17, "{classes:?}");
    for (class, what, bytes) in cases {
        let report = oiji::inspect::scan::Scanner::new(Policy::builtin()).unpack(&unpack).scan(&bytes);
        let told: Vec<_> = report.findings.iter().map(|finding| (finding.verdict, finding.what.as_str())).collect();
        assert!(report.verdict() >= Verdict::Unknown, "{class}, {what}: {told:?}");
        // Wherever it stands, the call is told.
        let holds = bytes.windows(CALL.len()).any(|window| window == CALL);
        let is_told = told.iter().any(|(_, told)| told.contains("calls os.system('echo oiji-test')"));
        assert!(is_told || !holds, "{class}, {what}: {told:?}");
    }
}

#[test]
fn no_case_of_any_class_is_loaded_by_policy() {
    for (class, what, bytes) in cases() {
        // What stands in a container or behind a pickle is not loaded with it.
        if matches!(class, "containers" | "later streams and tails") {
            continue;
        }
        let loaded = ReadOptions::new().policy(Policy::builtin()).from_slice(&bytes);
        assert!(loaded.is_err(), "{class}, {what}: {}", loaded.unwrap());
    }
}

#[test]
fn resource_bombs_are_incomplete_or_unknown_and_cost_nothing() {
    let start = std::time::Instant::now();
    for (what, bytes) in [
        ("a huge memo index", b"Nr\xff\xff\xff\xff.".to_vec()),
        ("a huge memo index in text", b"Np4611686018427387904\n.".to_vec()),
        ("a length of a terabyte", b"\x80\x05\x96\0\0\0\0\0\x01\0\0.".to_vec()),
        ("a frame of exabytes", b"\x80\x04\x95\0\0\0\0\0\0\0\x40N.".to_vec()),
        ("values that unfold without end", [b"\x80\x02K\x01".as_slice(), &b"2\x86".repeat(60), b"."].concat()),
        (
            "a thousand ways to go on",
            [b"\x80\x04".as_slice(), &b"\x95\x02\0\0\0\0\0\0\0I12\n0".repeat(1000), b"N."].concat(),
        ),
    ] {
        let report = scan(&bytes);
        assert_ne!(report.verdict(), Verdict::Clean, "{what}");
    }
    // A million marks and a hundred thousand levels are many ops, and nothing else.
    let marks = [vec![b'('; 1_000_000], b"N.".to_vec()].concat();
    assert!(scan(&marks).findings.iter().all(|finding| finding.rule != Rule::Name));
    let deep = [vec![b']'; 100_000], vec![b'a'; 99_999], b".".to_vec()].concat();
    assert_eq!(scan(&deep).verdict(), Verdict::Clean);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
