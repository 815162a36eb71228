//! Where input comes from and output goes to: standard input, compressed files, pipes that close, colours.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{corpus, oiji, outcome, run};

/// A list of many ints, so that its ops fill many pipes.
fn many_ints() -> Vec<u8> {
    let mut pickle = b"](".to_vec();
    for value in 0..200_000u32 {
        pickle.push(b'J');
        pickle.extend_from_slice(&value.to_le_bytes());
    }
    pickle.extend_from_slice(b"e.");
    pickle
}

#[test]
fn standard_input_shows_as_a_file_does() {
    let file = corpus("scan/h_plain_p1.pkl");
    let (status, from_file, _) = outcome(oiji().arg("show").arg(&file), b"");
    let (same_status, from_stdin, _) = outcome(oiji().args(["show", "-"]), &std::fs::read(&file).unwrap());
    assert_eq!((status, same_status), (0, 0));
    let tree = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(tree(&from_stdin), tree(&from_file));
    assert!(from_stdin.starts_with("standard input: pickle 1, "));
}

#[test]
fn what_follows_a_pickle_and_is_none_is_told() {
    // Without its index beside, this is just a pickle and more.
    let data = std::fs::read(corpus("producers/shelve-py38/dbm_dumb.dat")).unwrap();
    let (status, shown, _) = outcome(oiji().args(["show", "--depth", "0", "-"]), &data);
    let rest = "standard input: 7874 bytes at offset 208 are no pickle: unknown opcode 0x00 at offset 208\n";
    assert!(
        status == 0 && shown.starts_with("standard input: pickle 1, protocol 3, 208 bytes\nlist of 100 ints"),
        "{shown}"
    );
    assert!(shown.ends_with(rest), "{shown}");
    let (status, shown, _) = outcome(oiji().args(["show", "--json", "--depth", "0", "-"]), &data);
    let rest = r#"{"file":"standard input","offset":208,"bytes":7874,"no_pickle":"unknown opcode 0x00 at offset 208"}"#;
    assert!(status == 0 && shown.lines().last() == Some(rest), "{shown}");
}

#[test]
fn archives_and_stores_are_told_in_standard_input_too() {
    let files = [
        "producers/theano-1.0.5-py38/model.zip",
        "producers/safetensors-0.8.0/model.safetensors",
        "producers/shelve-py311-debian/dbm_gnu",
        "producers/shelve-py311-debian/dbm_ndbm.db",
        "producers/shelve-py313/dbm_sqlite3",
        "producers/zodb-6.4/Data.fs",
        "producers/celery-5.7.0/redis_message.json",
        "producers/notebook-py27/graphite_carbon.msg",
        "producers/torch-tar-handmade/state_dict_tar.pth",
        "producers/pandas-3.1.1-py313/basic.pkl.tar",
    ];
    for file in files {
        let bytes = std::fs::read(corpus(file)).unwrap();
        for command in ["show", "list"] {
            let (status, from_file, _) = outcome(oiji().arg(command).arg(corpus(file)), b"");
            let (same_status, from_stdin, errors) = outcome(oiji().args([command, "-"]), &bytes);
            assert_eq!((status, same_status), (0, 0), "{command} {file}: {errors}");
            let tree = |text: &str| text.split_once(": ").unwrap().1.to_owned();
            assert_eq!(tree(&from_stdin), tree(&from_file), "{command} {file}");
        }
    }
}

/// joblib's files begin as any pickle does.
#[test]
fn files_of_joblib_are_told_however_they_are_compressed_and_wherever_they_come_from() {
    let mut files = vec![corpus("producers/sklearn-1.9.1-py313/forest.joblib")];
    for version in ["0.14.1-py27", "1.6.0-py311", "1.6.0-py313"] {
        let folder = std::fs::read_dir(corpus(&format!("producers/joblib-{version}"))).unwrap();
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    assert!(files.len() > 10);
    for path in files {
        let (status, from_file, error) = outcome(oiji().arg("show").arg(&path), b"");
        assert_eq!((status, error.as_str()), (0, ""), "{}", path.display());
        assert!(from_file.contains(": joblib, "), "{from_file}");
        let (status, from_stdin, error) = outcome(oiji().args(["show", "-"]), &std::fs::read(&path).unwrap());
        assert_eq!((status, error.as_str()), (0, ""), "{}", path.display());
        assert_eq!(from_stdin.split_once(": ").unwrap().1, from_file.split_once(": ").unwrap().1);
    }
}

#[test]
fn compressed_inputs_show_as_what_they_hold() {
    let pickle = std::fs::read(corpus("scan/h_plain_p1.pkl")).unwrap();
    let expected = outcome(oiji().args(["show", "-"]), &pickle).1;
    for (name, packed) in packed(&pickle) {
        let (status, shown, _) = outcome(oiji().args(["show", "-"]), &packed);
        assert_eq!(status, 0, "{name}");
        assert_eq!(shown, expected.replace(" bytes\n", &format!(" bytes, {name}\n")), "{name}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no extension tells");
        std::fs::write(&file, &packed).unwrap();
        let (status, listed, _) = outcome(oiji().arg("dis").arg(&file), b"");
        assert_eq!((status, listed.lines().last()), (0, Some("highest protocol among opcodes = 1")), "{name}");
    }
}

#[test]
fn a_compressed_input_that_is_cut_is_an_error_of_its_compression() {
    for (name, packed) in packed(&many_ints()) {
        let (status, _, error) = outcome(oiji().args(["show", "-"]), &packed[..packed.len() - 5]);
        assert_eq!(status, 2, "{name}");
        let expected = format!("oiji: standard input: the {name} data is broken or cut off");
        assert!(error.starts_with(&expected), "{name}: {error}");
    }
}

fn packed(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(bytes).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(bytes).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
    xz.write_all(bytes).unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(bytes).unwrap();
    let zstd = zstd::encode_all(bytes, 1).unwrap();
    vec![
        ("gzip", gzip.finish().unwrap()),
        ("zlib", zlib.finish().unwrap()),
        ("bzip2", bzip2.finish().unwrap()),
        ("xz", xz.finish().unwrap()),
        ("lz4", lz4.finish().unwrap()),
        ("zstd", zstd),
    ]
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // bytes of 64 MiB, all zero
    gzip.write_all(b"\x80\x04B\0\0\0\x04").unwrap();
    gzip.write_all(&vec![0; 64 << 20]).unwrap();
    gzip.write_all(b".").unwrap();
    let bomb = gzip.finish().unwrap();
    let (status, _, error) = outcome(oiji().args(["show", "--max-bytes", "1M", "-"]), &bomb);
    assert_eq!(status, 2);
    assert!(error.contains("larger than 1048576 bytes; give --max-bytes SIZE or --unlimited"), "{error}");
    assert_eq!(outcome(oiji().args(["show", "--max-bytes", "1G", "-"]), &bomb).0, 0);
}

#[test]
fn nothing_is_said_when_whoever_reads_has_enough() {
    for args in [&["dis", "-"][..], &["show", "--full", "-"], &["convert", "--protocol", "0", "-"]] {
        let mut child =
            oiji().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&many_ints())));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        writer.join().unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_difference_is_told_by_the_status_though_nobody_reads() {
    let mut child = oiji()
        .arg("diff")
        .args([corpus("python/3.6.15/tuple_3.p4.pkl"), corpus("python/3.6.15/none.p4.pkl")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_standard_output() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        oiji().arg("dis").arg(corpus("scan/h_plain_p1.pkl")).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"oiji: standard output: no space left on the device\n");
}

#[test]
fn pickles_are_shown_as_they_come() {
    let mut child = oiji().args(["show", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"N.").unwrap();
    let (sender, lines) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        BufReader::new(stdout).lines().for_each(|line| drop(sender.send(line.unwrap())));
    });
    let began = Instant::now();
    let first: Vec<String> = (0..2).map(|_| lines.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    assert_eq!(first[1], "None", "after {:?}", began.elapsed());
    stdin.write_all(b"K\x07.").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    reader.join().unwrap();
    assert_eq!(lines.iter().last().as_deref(), Some("7"));
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    let file = corpus("scan/h_plain_p1.pkl");
    let escapes = |command: &mut std::process::Command| {
        let output = run(command.arg("show").arg(&file), b"");
        output.stdout.contains(&0x1b)
    };
    assert!(!escapes(&mut oiji()));
    assert!(escapes(oiji().env("CLICOLOR_FORCE", "1")));
    assert!(!escapes(oiji().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")));
}

#[test]
fn names_with_control_characters_do_no_harm() {
    let (status, _, error) = outcome(oiji().args(["show", "no\u{1b}[2J\nfile"]), b"");
    assert_eq!((status, error.as_str()), (2, "oiji: no\\u{1b}[2J\\nfile: no such file\n"));
}

#[test]
fn completions_and_pages_name_every_command() {
    let commands = ["show", "dis", "convert", "diff", "completions", "man"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (status, script, _) = outcome(oiji().args(["completions", shell]), b"");
        assert_eq!(status, 0);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(outcome(oiji().args(["man", "--dir"]).arg(folder.path()), b"").0, 0);
    for command in commands {
        let page = std::fs::read_to_string(folder.path().join(format!("oiji-{command}.1"))).unwrap();
        assert!(page.contains(".SH EXAMPLES") && page.contains(".SH \"EXIT STATUS\""), "{command}");
        assert_eq!(outcome(oiji().args(["man", command]), b"").1, page);
    }
}
