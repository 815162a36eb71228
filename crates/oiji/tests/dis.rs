//! The disassembler against `pickletools.dis` of the Pythons that are here, on every file of the corpus.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use oiji::Opcode;
use oiji::inspect::{DisOptions, Disassembler, Stats};
use oiji::machine::MemoScope;
use oiji::rewrite::{optimize, optimize_all};
use oiji::source::{SliceSource, StreamSource};

/// Reads `opcode` and `file` lines; prints for each file its lines, each after a `|`, and at last `end` or the error.
const SCRIPT: &str = r#"
import io, pickletools, sys
if hasattr(sys, 'set_int_max_str_digits'):
    sys.set_int_max_str_digits(0)
annotate = 0
docs = {}
for line in sys.stdin.read().splitlines():
    kind, rest = line.split(' ', 1)
    if kind == 'opcode':
        name, docs[name] = (lambda parts: (parts[0], parts[1]))(rest.split(' ', 1))
        annotate = 30
        continue
    for opcode in pickletools.opcodes:
        opcode.doc = docs.get(opcode.name, opcode.doc)
    with open(rest, 'rb') as f:
        data = io.BytesIO(f.read())
    out = io.StringIO()
    end = 'end'
    try:
        while True:
            pickletools.dis(data, out, annotate=annotate)
            if data.tell() == len(data.getvalue()):
                break
    except Exception as error:
        end = '%s: %s' % (type(error).__name__, str(error).replace('\n', ' '))
    # What stands after the last newline is the offset of an op that could not be read.
    for line in out.getvalue().split('\n')[:-1]:
        print('|' + line)
    print(end)
"#;

#[test]
fn every_corpus_file_is_shown_as_pickletools_shows_it() {
    compare("", DisOptions::default(), |_| true);
}

#[test]
fn annotations_stand_where_pickletools_puts_them() {
    let docs: String = Opcode::ALL.iter().map(|o| format!("opcode {} {}\n", o.name(), o.row().doc)).collect();
    let options = DisOptions { annotate: true, ..DisOptions::default() };
    compare(&docs, options, |path| path.to_string_lossy().contains("3.8.18"));
}

fn compare(head: &str, options: DisOptions, choose: impl Fn(&Path) -> bool) {
    let mut files = oiji_testkit::files();
    files.retain(|path| choose(path));
    if files.is_empty() {
        return;
    }
    let ours: Vec<Shown> = files.iter().map(|path| Shown::of(&std::fs::read(path).unwrap(), &options)).collect();
    let list: String = files.iter().map(|path| format!("file {}\n", path.display())).collect();
    for python in oiji_testkit::recent_pythons() {
        let printed = String::from_utf8(python.run(SCRIPT, format!("{head}{list}").as_bytes()).unwrap()).unwrap();
        let mut printed = printed.lines();
        for (path, ours) in files.iter().zip(&ours) {
            let mut at = 0;
            let end = loop {
                let line = printed.next().unwrap();
                let Some(theirs) = line.strip_prefix('|') else { break line };
                let ours = ours.lines.get(at).map(String::as_str);
                assert_eq!(ours, Some(theirs), "line {at} of {} with {}", path.display(), python.name());
                at += 1;
            };
            // Texts that Python 2 wrote are not always the ASCII that pickletools takes them for.
            if end.starts_with("UnicodeDecodeError: 'ascii' codec") {
                continue;
            }
            let errors = (end != "end").then_some(end);
            assert_eq!(ours.error.is_some(), errors.is_some(), "{}: {:?}, {errors:?}", path.display(), ours.error);
            assert_eq!(ours.lines.get(at), None, "line {at} of {}", path.display());
        }
        println!("{} files compared with {}", files.len(), python.name());
    }
}

#[test]
fn a_stream_gives_the_text_and_the_error_of_a_slice() {
    for path in oiji_testkit::files() {
        let input = std::fs::read(&path).unwrap();
        let slice = Shown::of(&input, &DisOptions::default());
        let mut text = Vec::new();
        let error = Disassembler::new(&mut text, &DisOptions::default()).all(&mut StreamSource::new(&input[..])).err();
        assert_eq!(Shown::new(&text, error), slice, "{}", path.display());
    }
}

#[test]
fn damaged_pickles_give_the_same_text_and_error_from_slice_and_stream() {
    for path in oiji_testkit::files().iter().step_by(8) {
        let mut input = std::fs::read(path).unwrap();
        input.truncate(200);
        for at in 0..input.len() {
            check_damaged(&input[..at]);
            let bit = 1 << (at % 8);
            input[at] ^= bit;
            check_damaged(&input);
            input[at] ^= bit;
        }
    }
}

fn check_damaged(input: &[u8]) {
    let options = DisOptions { check: false, ..DisOptions::default() };
    let mut text = Vec::new();
    let error = Disassembler::new(&mut text, &options).all(&mut StreamSource::new(input)).err();
    let slice = Shown::of(input, &options);
    assert_eq!(Shown::new(&text, error), slice);
    // An argument that cannot be decoded is no error to these, so they may go on; but they end.
    let stats = Stats::of(input);
    assert!(slice.error.is_some() || stats.is_ok());
    let _ = optimize(input);
    let _ = optimize_all(input, MemoScope::WholeInput);
}

#[test]
fn statistics_account_for_every_byte_of_every_op() {
    for path in oiji_testkit::files() {
        let input = std::fs::read(&path).unwrap();
        let Ok(stats) = Stats::of(&input) else { continue };
        assert_eq!(stats.bytes, input.len() as u64, "{}", path.display());
        assert_eq!(stats.opcodes().map(|(_, opcode)| opcode.bytes).sum::<u64>(), stats.bytes);
        assert_eq!(stats.opcode(Opcode::Stop).count, stats.pickles);
        assert!(stats.memo.unused <= stats.memo.puts);
    }
}

#[derive(Debug, PartialEq)]
struct Shown {
    lines: Vec<String>,
    error: Option<String>,
}

impl Shown {
    fn of(input: &[u8], options: &DisOptions) -> Shown {
        let mut text = Vec::new();
        let error = Disassembler::new(&mut text, options).all(&mut SliceSource::new(input)).err();
        Shown::new(&text, error)
    }

    fn new(text: &[u8], error: Option<oiji::Error>) -> Shown {
        let lines = std::str::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
        Shown { lines, error: error.map(|error| error.to_string()) }
    }
}
