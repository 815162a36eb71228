//! `oiji sign` and `oiji verify`, against Python's `hmac` and openssl.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::process::Command;

use common::{corpus, oiji, outcome, run};
use oiji_testkit::{python3, skip};

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A folder with a key and a signed pickle.
fn signed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("team.key"), format!("{KEY}\n")).unwrap();
    fs::copy(corpus("scan/h_pd_df_p4.pkl"), folder.path().join("a.pkl")).unwrap();
    let status = outcome(oiji().current_dir(&folder).args(["sign", "a.pkl", "--key-file", "team.key"]), b"");
    assert_eq!(status, (0, String::new(), String::new()));
    folder
}

#[test]
fn pythons_hmac_agrees() {
    let Some(python) = python3() else { return skip("no Python 3 on this machine") };
    let folder = signed();
    // The three lines of docs/signed.md.
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/signed.md")).unwrap();
    let lines = docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let script = format!(
        "import hmac, os, sys\nos.chdir(sys.argv[1])\nos.rename('a.pkl.signed', 'model.pkl.signed')\n{lines}\
                          print(ok, content == open('a.pkl', 'rb').read())"
    );
    let told = python.run_with(&["-c", &script, folder.path().to_str().unwrap()], b"").unwrap();
    assert_eq!(String::from_utf8(told).unwrap().trim(), "True True");
}

#[test]
fn what_python_signs_is_verified() {
    let Some(python) = python3() else { return skip("no Python 3 on this machine") };
    let script = "import hmac, sys; data = sys.stdin.buffer.read(); key = sys.argv[1].encode()\n\
                  sys.stdout.buffer.write(b'OIJI-SIGNED-1 hmac-sha256 ' + hmac.new(key, data, 'sha256').hexdigest().encode() + b'\\n' + data)";
    let file = python.run_with(&["-c", script, KEY], b"\x80\x04N.").unwrap();
    let verified =
        run(oiji().args(["verify", "-", "-o", "-", "--key-env", "OIJI_TEST_KEY"]).env("OIJI_TEST_KEY", KEY), &file);
    assert_eq!((verified.status.code(), verified.stdout), (Some(0), b"\x80\x04N.".to_vec()));
}

#[test]
fn openssl_agrees() {
    if Command::new("openssl").arg("version").output().is_err() {
        return skip("no openssl on this machine");
    }
    let folder = signed();
    let file = fs::read(folder.path().join("a.pkl.signed")).unwrap();
    let newline = file.iter().position(|byte| *byte == b'\n').unwrap();
    let digits = String::from_utf8(file[newline - 64..newline].to_vec()).unwrap();
    let hex: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let told = run(
        Command::new("openssl").args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("hexkey:{hex}")]),
        &file[newline + 1..],
    );
    assert!(String::from_utf8(told.stdout).unwrap().trim().ends_with(&digits));
}

#[test]
fn a_file_that_was_changed_anywhere_is_refused_and_nothing_of_it_is_written() {
    let folder = signed();
    let good = fs::read(folder.path().join("a.pkl.signed")).unwrap();
    let changes: [(&str, Vec<u8>); 6] = [
        ("a byte", [&good[..good.len() - 1], b"x"].concat()),
        ("a byte more", [&good[..], b"."].concat()),
        ("a byte less", good[..good.len() - 1].to_vec()),
        ("a digit", [&good[..26], &[if good[26] == b'0' { b'1' } else { b'0' }], &good[27..]].concat()),
        (
            "digits in upper case",
            good.iter().take(91).map(u8::to_ascii_uppercase).chain(good[91..].iter().copied()).collect(),
        ),
        ("no envelope", good[91..].to_vec()),
    ];
    for (what, bytes) in changes {
        fs::write(folder.path().join("b.signed"), bytes).unwrap();
        let (status, out, error) = outcome(
            oiji().current_dir(&folder).args(["verify", "b.signed", "--key-file", "team.key", "-o", "out.pkl"]),
            b"",
        );
        assert_eq!((status, out.as_str()), (1, ""), "{what}");
        assert!(error.starts_with("oiji: b.signed: invalid signature: "), "{what}: {error}");
        assert!(!folder.path().join("out.pkl").exists(), "{what}");
    }
}

#[test]
fn any_of_several_keys_may_have_signed() {
    let folder = signed();
    fs::write(folder.path().join("old.key"), "another key of 16 bytes or more").unwrap();
    let verify = |keys: &[&str]| {
        let keys = keys.iter().flat_map(|key| ["--key-file", key]);
        outcome(oiji().current_dir(&folder).args(["verify", "a.pkl.signed"]).args(keys), b"").0
    };
    assert_eq!((verify(&["old.key"]), verify(&["old.key", "team.key"])), (1, 0));
}

#[test]
fn a_scan_looks_into_a_signed_file_and_trusts_no_signature() {
    let folder = signed();
    let (status, out, _) = outcome(oiji().current_dir(&folder).args(["scan", "a.pkl.signed"]), b"");
    assert_eq!((status, out.as_str()), (0, "a.pkl.signed: clean\n"));
    let evil = [b"OIJI-SIGNED-1 hmac-sha256 ".as_slice(), &[b'0'; 64], b"\ncos\nsystem\n(Vid\ntR."].concat();
    let (status, out, _) = outcome(oiji().args(["scan", "-"]), &evil);
    assert_eq!(status, 1);
    assert!(out.contains("signed content, offset 17: calls os.system('id')"), "{out}");
}
