//! Hostile bytes: an error with an offset or a value, in bounded time and memory, never a panic.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::{ErrorKind, Graph, Limits, Opcode, ReadOptions, WriteOptions};
use oiji_testkit::{Case, manifest};

/// Reads from a slice and from a stream; both must agree, and what is read must be shown and written without a panic.
fn survives(input: &[u8]) {
    let options = ReadOptions::new();
    let slice = options.from_slice(input);
    let stream = options.from_reader(input);
    match (&slice, &stream) {
        (Ok(slice), Ok(stream)) => {
            assert!(slice == stream, "{input:?}");
            assert!(slice.to_string().len() < 64 * input.len() + 4096);
            for protocol in [0, 2, 5] {
                // What a protocol cannot say is an error, and that is all right.
                let _ = WriteOptions::new().protocol(protocol).to_vec(slice);
            }
        }
        (Err(slice), Err(stream)) => {
            assert_eq!(slice.to_string(), stream.to_string(), "{input:?}");
            assert!(slice.offset().is_some(), "{slice}: no offset");
        }
        (slice, stream) => panic!("slice {slice:?}, stream {stream:?} of {input:?}"),
    }
}

/// A few corpus files of every protocol, small enough to be changed at every byte.
fn victims() -> Vec<Case> {
    let mut cases = manifest();
    cases.retain(|case| case.group == "core" && (40..400).contains(&case.bytes().len()));
    let mut seen = std::collections::HashSet::new();
    cases.retain(|case| seen.insert((case.case.clone(), case.protocol)));
    cases
}

#[test]
fn truncation_at_every_byte_is_an_error_or_a_value() {
    let victims = victims();
    assert!(victims.len() > 100);
    for case in victims {
        let bytes = case.bytes();
        for len in 0..bytes.len() {
            survives(&bytes[..len]);
        }
    }
}

#[test]
fn a_bit_flipped_at_every_byte_is_an_error_or_a_value() {
    for (number, case) in victims().into_iter().enumerate() {
        let mut bytes = case.bytes();
        for index in 0..bytes.len() {
            let bit = 1 << ((index + number) % 8);
            bytes[index] ^= bit;
            survives(&bytes);
            bytes[index] ^= bit;
        }
    }
}

#[test]
fn a_length_that_is_only_claimed_allocates_nothing() {
    for opcode in Opcode::ALL {
        let claims: &[&[u8]] = match opcode.arg().name() {
            Some(name) if name.ends_with('8') && name != "float8" => {
                &[&[0xff; 8], &[0, 0, 0, 0, 0, 0, 0, 0x80], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]]
            }
            Some(name) if name.ends_with('4') => &[&[0xff; 4], &[0, 0, 0, 0x80], &[0xff, 0xff, 0xff, 0x7f]],
            _ => continue,
        };
        for claim in claims {
            let input = [&[opcode.code()], *claim, b"abc"].concat();
            survives(&input);
            assert!(Graph::from_slice(&input).is_err(), "{opcode} {claim:?}");
        }
    }
}

#[test]
fn a_huge_memo_index_costs_one_entry() {
    let graph = Graph::from_slice(b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.").unwrap();
    assert_eq!(graph.to_string(), "None");
    assert_eq!(Graph::from_slice(b"Np999999999999999999\n0g999999999999999999\n.").unwrap().to_string(), "None");
    survives(b"Np-1\n.");
    survives(b"Np99999999999999999999999\n.");
}

#[test]
fn frames_that_lie_are_refused_or_ignored_but_never_believed() {
    let frame = |len: u64, rest: &[u8]| [b"\x80\x04\x95", &len.to_le_bytes()[..], rest].concat();
    for len in [0, 1, 2, 3, 100, 1 << 40, 1 << 63, u64::MAX] {
        survives(&frame(len, b"N."));
        survives(&frame(len, b"\x95\x01\0\0\0\0\0\0\0N."));
        survives(&frame(len, b"I12\n."));
        survives(&frame(len, b"N.K\x01."));
    }
    assert!(Graph::from_slice(&frame(1 << 40, b"N.")).is_err());
}

#[test]
fn a_stream_is_not_read_past_stop() {
    for case in victims() {
        let bytes = [&case.bytes()[..], b"rest"].concat();
        let mut reader = &bytes[..];
        Graph::from_reader(&mut reader).unwrap();
        assert_eq!(reader, b"rest", "{}", case.file);
        let mut reader = &bytes[..];
        Graph::from_buf_read(&mut reader).unwrap();
        assert_eq!(reader, b"rest", "{}, buffered", case.file);
    }
}

#[test]
fn floods_of_cheap_ops_end_soon() {
    let million = 1_000_000;
    let flood = |start: &[u8], each: &[u8], end: &[u8]| [start.to_vec(), each.repeat(million), end.to_vec()].concat();
    let floods = [
        flood(b"", b"(", b"N."),
        flood(b"]", b"2", b"."),
        flood(b"N", b"20", b"."),
        flood(b"]", b"(e", b"."),
        flood(b"\x96\x08\0\0\0\0\0\0\0aaaaaaaa", b"K\x01a", b"."),
        flood(b"", b"cx\ny\n0", b"N."),
        flood(b"N\x94", b"h\x00\x85\x940", b"N."),
        flood(b"]q\x00", b"h\x00a", b"."),
        flood(b"(", b"h\x00", b"t."),
    ];
    for input in floods {
        survives(&input);
    }
}

#[test]
fn every_limit_is_kept_and_says_its_name() {
    let name = |limits: Limits, input: &[u8]| {
        let error = ReadOptions::new().limits(limits).from_slice(input).unwrap_err();
        let ErrorKind::Limit { limit, .. } = error.kind() else { panic!("{error}") };
        let stream = ReadOptions::new().limits(limits).from_reader(input).unwrap_err();
        assert_eq!(error.to_string(), stream.to_string());
        *limit
    };
    let all = Limits::default();
    assert_eq!(name(Limits { bytes: 3, ..all }, b"(K\x01K\x02t."), "bytes");
    assert_eq!(name(Limits { bytes: 3, ..all }, b"X\xff\0\0\0abc."), "bytes");
    assert_eq!(name(Limits { ops: 2, ..all }, b"(K\x01K\x02t."), "ops");
    assert_eq!(name(Limits { memo_entries: 1, ..all }, b"Nq\x00q\x01."), "memo_entries");
    assert_eq!(name(Limits { int_digits: 3, ..all }, b"I1234\n."), "int_digits");
    let list = [b"](".to_vec(), b"N".repeat(100_000), b"e.".to_vec()].concat();
    assert_eq!(name(Limits { allocation: 10_000, ..all }, &list), "allocation");
}
