//! What `oiji convert` writes, where, and what it leaves alone when something is wrong.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::{corpus, oiji, outcome, run};

/// The graphs of all pickles in a file.
fn graphs(path: &Path) -> Vec<oiji::Graph<'static>> {
    let bytes = fs::read(path).unwrap();
    oiji::ReadOptions::new().pickles(&bytes).map(|graph| graph.unwrap().into_owned()).collect()
}

#[test]
fn every_protocol_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for protocol in 0..=5 {
        let (from, to) = (corpus("scan/h_plain_p1.pkl"), folder.path().join(format!("p{protocol}.pkl")));
        let (status, said, error) =
            outcome(oiji().args(["convert", "--protocol", &protocol.to_string()]).arg(&from).arg("-o").arg(&to), b"");
        assert_eq!((status, said.as_str(), error.as_str()), (0, "", ""));
        let converted = graphs(&to);
        assert_eq!(converted, graphs(&from));
        assert_eq!(converted[0].protocol(), if protocol < 2 { 0 } else { protocol });
    }
}

#[test]
fn plain_json_becomes_pickles_of_the_default_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let (json, pickle) = (folder.path().join("in.json"), folder.path().join("out.pkl"));
    fs::write(&json, "[\n{\"a\": \"\\\"\n{\"},\n{\"b\": 1.5}\n]\n{\n\"c\": null\n}\n\n").unwrap();
    let (status, _, error) = outcome(oiji().arg("convert").arg(&json).arg("-o").arg(&pickle), b"");
    // A line break in a string is no JSON; the string is not cut there all the same.
    assert_eq!(status, 2, "{error}");
    fs::write(&json, "[\n{\"a\": \"\\\"{\"},\n{\"b\": 1.5}\n]\n{\n\"c\": null\n}\n\n").unwrap();
    assert_eq!(outcome(oiji().arg("convert").arg(&json).arg("-o").arg(&pickle), b"").0, 0);
    let found = graphs(&pickle);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["[{'a': '\"{'}, {'b': 1.5}]", "{'c': None}"]);
    assert!(found.iter().all(|graph| graph.protocol() == oiji::DEFAULT_PROTOCOL));
}

#[test]
fn what_is_wrong_in_a_later_document_is_told_with_its_place() {
    let (status, _, error) = outcome(oiji().args(["convert", "--to", "json", "-"]), b"[1]\n[2}\n");
    assert_eq!(status, 2);
    assert!(error.contains("in the JSON document at offset 4: invalid JSON in line 1, column 3"), "{error}");
}

#[test]
fn all_pickles_of_a_file_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (corpus("python/3.6.15/multi_dumps.p4.pkl"), folder.path().join("out.pkl"));
    assert_eq!(outcome(oiji().args(["convert", "--protocol", "2"]).arg(&from).arg("-o").arg(&to), b"").0, 0);
    assert_eq!(graphs(&to), graphs(&from));
    assert_eq!(graphs(&to).len(), 5);
}

#[test]
fn without_a_protocol_each_pickle_keeps_its_own() {
    let both = b"\x80\x02N.\x80\x05N.";
    assert_eq!(run(oiji().args(["convert", "-"]), both).stdout, both);
}

#[test]
fn one_memo_stays_one_memo() {
    let file = corpus("python/3.6.15/multi_onepickler.p4.pkl");
    let converted = run(oiji().args(["convert", "--one-memo", "--protocol", "2"]).arg(&file), b"").stdout;
    let options = oiji::ReadOptions::new();
    let (bytes, before) = (fs::read(&file).unwrap(), options.all_from_slice(&converted).unwrap());
    assert_eq!(before, options.all_from_slice(&bytes).unwrap());
    assert_eq!(before.protocol(), 2);
}

#[test]
fn optimizing_alone_changes_nothing_but_the_memo() {
    let pickle = b"\x80\x02]q\x00(X\x01\x00\x00\x00aq\x01h\x01e.";
    let smaller = run(oiji().args(["convert", "--optimize", "-"]), pickle).stdout;
    assert_eq!(smaller, b"\x80\x02](X\x01\x00\x00\x00aq\x00h\x00e.");
}

#[test]
fn names_follow_the_protocol() {
    let python2 = b"\x80\x02c__builtin__\nxrange\nq\x00.";
    let convert = |protocol| run(oiji().args(["convert", "--protocol", protocol, "-"]), python2).stdout;
    assert_eq!(convert("2"), b"\x80\x02c__builtin__\nxrange\n.");
    assert_eq!(convert("3"), b"\x80\x03cbuiltins\nrange\n.");
    let kept = run(oiji().args(["convert", "--no-fix-imports", "--protocol", "3", "-"]), python2).stdout;
    assert_eq!(kept, b"\x80\x03c__builtin__\nxrange\n.");
}

#[test]
fn strings_of_python_2_become_text_when_told_how() {
    let pickle = b"\x80\x02U\x02\xc3\xa9.";
    let converted = run(oiji().args(["convert", "--encoding", "utf-8", "--protocol", "3", "-"]), pickle).stdout;
    assert_eq!(converted, b"\x80\x03X\x02\0\0\0\xc3\xa9.");
}

#[test]
fn a_file_can_be_converted_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pkl");
    fs::copy(corpus("scan/h_plain_p1.pkl"), &path).unwrap();
    assert_eq!(outcome(oiji().args(["convert", "--protocol", "5"]).arg(&path).arg("-o").arg(&path), b"").0, 0);
    assert_eq!(graphs(&path), graphs(&corpus("scan/h_plain_p1.pkl")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_stays_as_it_was_when_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pkl");
    let wrong: [&[u8]; 4] = [
        b"\x80\x04N.\x80\x04\xff", // a second pickle that is none
        b"\x80\x04](K\x01",        // breaks off
        b"\x80\x05\x97.",          // a buffer, which protocol 4 cannot say
        b"",
    ];
    for bytes in wrong {
        fs::write(&path, bytes).unwrap();
        let (status, _, error) =
            outcome(oiji().args(["convert", "--protocol", "4"]).arg(&path).arg("-o").arg(&path), b"");
        assert_eq!(status, 2, "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn what_follows_the_pickles_is_dropped_only_when_told() {
    let bytes = b"\x80\x04N.\xffrest";
    for how in [&["--protocol", "4"][..], &["--optimize"]] {
        let output = run(oiji().arg("convert").args(how).arg("-"), bytes);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "oiji: standard input: 5 bytes at offset 4 are no pickle: unknown opcode 0xff at offset 4; --drop-rest leaves \
             them out\n"
        );
        assert_eq!(run(oiji().args(["convert", "--drop-rest"]).args(how).arg("-"), bytes).stdout, b"\x80\x04N.");
    }
}

#[test]
fn the_name_of_the_output_tells_its_compression() {
    let folder = tempfile::tempdir().unwrap();
    let from = corpus("scan/h_plain_p1.pkl");
    for (extension, name) in [("gz", "gzip"), ("bz2", "bzip2"), ("xz", "xz"), ("lz4", "lz4")] {
        let to = folder.path().join("a.pkl").with_extension(extension);
        assert_eq!(outcome(oiji().arg("convert").arg(&from).arg("-o").arg(&to), b"").0, 0);
        let (status, shown, _) = outcome(oiji().arg("show").arg(&to), b"");
        assert_eq!(status, 0, "{name}");
        assert!(shown.lines().next().unwrap().ends_with(name), "{shown}");
        assert_eq!(outcome(oiji().arg("diff").arg(&from).arg(&to), b"").0, 0);
    }
}

#[test]
fn quantized_tensors_become_their_integers_and_what_they_are_read_by() {
    let folder = tempfile::tempdir().unwrap();
    let from = corpus("producers/torch-1.13.0a0-py311/quant_channels.pt");
    let to = |name: &str| folder.path().join(name);
    let (status, _, error) = outcome(oiji().arg("convert").arg(&from).arg("-o").arg(to("all.npz")), b"");
    assert_eq!(status, 0, "{error}");
    assert!(error.contains("whole: quint8 became its integers, beside them scale, zero_point"), "{error}");
    let npz = fs::read(to("all.npz")).unwrap();
    let archive = oiji::archive::Archive::open(&npz).unwrap();
    let first = |name: &str| archive.array(name).unwrap().to_f64s().unwrap()[0];
    let found = ["whole", "whole.scale", "whole.zero_point", "channels.scales", "middle.axis"].map(first);
    assert_eq!(found, [0.0, 0.1, 7.0, 0.05, 1.0]);

    let (status, _, error) = outcome(oiji().arg("get").arg(&from).arg("whole").arg("-o").arg(to("one.npy")), b"");
    assert_eq!(status, 1, "{error}");
    assert!(error.contains("left out: whole: its scale 0.1, zero point 7"), "{error}");

    let (status, _, error) = outcome(oiji().arg("unpack").arg(&from).arg("-o").arg(to("all.pkl")), b"");
    assert_eq!(status, 0, "{error}");
    let graph = &graphs(&to("all.pkl"))[0];
    let whole = graph.root().get("whole").unwrap();
    assert_eq!(whole.get("integers").unwrap().as_array().unwrap().to_vec::<u8>().unwrap()[..3], [0, 9, 27]);
    assert_eq!(whole.get("zero_point").unwrap().as_array().unwrap().to_vec::<i64>().unwrap(), [7]);
}
