//! `oiji policy`: a team's policy, from its first line to a clean scan.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use common::{corpus, oiji, outcome};

#[test]
fn what_is_learnt_makes_a_scan_clean_and_no_more_than_that() {
    let folder = tempfile::tempdir().unwrap();
    let file = corpus("scan/g20_unknown_class.pkl");
    let (status, lines, error) = outcome(oiji().args(["policy", "learn"]).arg(&file), b"");
    assert_eq!((status, lines.as_str(), error.as_str()), (0, "allow acme.models: Classifier = new state\n", ""));
    let policy = folder.path().join("oiji.policy");
    fs::write(&policy, &lines).unwrap();
    let scan = |file: &str| outcome(oiji().arg("scan").arg("--policy").arg(&policy).arg(corpus(file)), b"").0;
    assert_eq!((scan("scan/g20_unknown_class.pkl"), scan("scan/b17_dup_callable.pkl")), (0, 1));
    let again = outcome(oiji().args(["policy", "learn", "--policy"]).arg(&policy).arg(&file), b"");
    assert_eq!(again, (0, String::new(), String::new()));
}

#[test]
fn nothing_is_learnt_from_what_is_dangerous() {
    let (status, lines, error) =
        outcome(oiji().args(["policy", "learn"]).arg(corpus("scan/b17_dup_callable.pkl")), b"");
    assert_eq!((status, lines.as_str()), (1, ""));
    assert!(
        error.contains("calls os.system('echo oiji-test') (runs programs or reaches files): nothing is learnt"),
        "{error}"
    );
}

#[test]
fn what_is_learnt_from_all_harmless_files_is_nothing() {
    let folder = corpus("producers/pandas-3.1.1-py313");
    assert_eq!(outcome(oiji().args(["policy", "learn"]).arg(folder), b""), (0, String::new(), String::new()));
}

#[test]
fn a_policy_begins_grows_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let policy = |words: &[&str]| outcome(oiji().current_dir(&folder).arg("policy").args(words), b"");
    assert_eq!(policy(&["init"]).0, 0);
    assert_eq!(policy(&["init"]).0, 2);
    assert_eq!(policy(&["allow", "shapes.Point", "shapes:Ring", "--uses", "new state items"]).0, 0);
    let text = fs::read_to_string(folder.path().join("oiji.policy")).unwrap();
    assert!(text.ends_with("allow shapes: Point = new state items\nallow shapes: Ring = new state items\n"), "{text}");
    let (status, out, _) = policy(&["explain", "--policy", "oiji.policy", "shapes.Point"]);
    let line = text.lines().count() - 1;
    assert_eq!((status, out), (0, format!("shapes.Point: allowed: new state items (oiji.policy, line {line})\n")));
    let (status, _, error) = policy(&["allow", "os.system", "--uses", "call"]);
    assert_eq!(
        (status, error.as_str()),
        (
            2,
            "oiji: os.system: is dangerous: runs programs or reaches files; give --dangerous to allow it all the same\n"
        )
    );
    assert_eq!(policy(&["allow", "os.system", "--uses", "call", "--dangerous"]).0, 0);
    let (status, out, _) = policy(&["explain", "--policy", "oiji.policy", "os.system"]);
    assert_eq!((status, out), (0, format!("os.system: allowed: call (oiji.policy, line {})\n", line + 2)));
    assert_eq!(policy(&["allow", "shapes:Ring.Inner"]).0, 2, "a name with dots may lead anywhere");
    let (status, _, error) = policy(&["allow", "shapes.Point", "--uses", "run"]);
    assert!(status == 2 && error.contains("run is no use"), "{error}");
}
