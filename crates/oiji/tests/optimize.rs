//! `optimize` against `pickletools.optimize` of the Pythons that are here, on every file of the corpus.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::machine::MemoScope;
use oiji::rewrite::{optimize, optimize_all};

/// Reads paths; prints for each file the optimized bytes as hex, or `refused`.
const SCRIPT: &str = r#"
import pickletools, sys
if hasattr(sys, 'set_int_max_str_digits'):
    sys.set_int_max_str_digits(0)
for path in sys.stdin.read().splitlines():
    with open(path, 'rb') as f:
        data = f.read()
    try:
        print(pickletools.optimize(data).hex())
    except Exception:
        print('refused')
"#;

#[test]
fn every_corpus_file_becomes_what_pickletools_makes_of_it() {
    let files = oiji_testkit::files();
    if files.is_empty() {
        return;
    }
    let list: String = files.iter().map(|path| format!("{}\n", path.display())).collect();
    for python in oiji_testkit::recent_pythons() {
        let printed = String::from_utf8(python.run(SCRIPT, list.clone().as_bytes()).unwrap()).unwrap();
        let mut compared = 0;
        for (path, theirs) in files.iter().zip(printed.lines()) {
            if theirs == "refused" {
                continue;
            }
            let ours = optimize(&std::fs::read(path).unwrap()).unwrap();
            let ours: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(ours == theirs, "{} with {}", path.display(), python.name());
            compared += 1;
        }
        println!("{compared} of {} files compared with {}", files.len(), python.name());
    }
}

#[test]
fn an_optimized_pickle_says_the_same_value() {
    for path in oiji_testkit::files() {
        let input = std::fs::read(&path).unwrap();
        let (Ok(before), Ok(optimized)) = (oiji::loads(&input), optimize(&input)) else { continue };
        let after = oiji::loads(&optimized).unwrap();
        assert!(before == after, "{}", path.display());
    }
}

#[test]
fn several_pickles_with_one_memo_say_the_same_values() {
    for path in oiji_testkit::files() {
        let input = std::fs::read(&path).unwrap();
        let options = oiji::ReadOptions::new();
        let Ok(before) = options.all_from_slice(&input) else { continue };
        let optimized = optimize_all(&input, MemoScope::WholeInput).unwrap();
        let after = options.all_from_slice(&optimized).unwrap();
        assert!(before == after, "{}", path.display());
    }
}
