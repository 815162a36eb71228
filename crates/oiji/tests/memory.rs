//! Memory: bounded by what was read, never by what was claimed; 64 MB of bytes are copied never or once.

#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::sync::Mutex;

use cap::Cap;
use oiji::{Graph, Opcode};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// One test at a time: what others allocate would count.
static ALONE: Mutex<()> = Mutex::new(());

/// How many bytes more than before are held at most while `work` runs.
fn peak<T>(work: impl FnOnce() -> T) -> usize {
    let before = ALLOCATOR.allocated();
    // The most ever held never falls; so only what goes beyond it is seen. A filler makes that the present.
    let filler = vec![0_u8; ALLOCATOR.max_allocated() - before];
    let base = ALLOCATOR.allocated();
    let most = ALLOCATOR.max_allocated().max(base);
    drop(filler);
    let floor = most - ALLOCATOR.allocated();
    let room = vec![0_u8; floor];
    let result = work();
    let peak = ALLOCATOR.max_allocated().saturating_sub(most);
    drop((room, result));
    peak
}

#[test]
fn a_claimed_length_costs_next_to_nothing() {
    let _alone = ALONE.lock();
    for opcode in Opcode::ALL {
        let width = match opcode.arg().name() {
            Some("uint8" | "bytes8" | "bytearray8" | "unicodestring8") => 8,
            Some("uint4" | "bytes4" | "unicodestring4" | "string4" | "long4") => 4,
            _ => continue,
        };
        let mut claim = vec![0xff; width];
        *claim.last_mut().unwrap() = 0x7f;
        let input = [&[opcode.code()], &claim[..], b"abc"].concat();
        let slice = peak(|| Graph::from_slice(&input).is_err());
        let stream = peak(|| Graph::from_reader(&input[..]).is_err());
        assert!(slice < 16 << 10, "{opcode}: {slice} bytes from a slice");
        assert!(stream < 256 << 10, "{opcode}: {stream} bytes from a stream");
    }
}

#[test]
fn floods_cost_a_small_multiple_of_their_size() {
    let _alone = ALONE.lock();
    let count = 200_000;
    for (each, end) in [(&b"]"[..], &b"."[..]), (b"}", b"."), (b"N\x85\x94", b"."), (b"(", b"N."), (b"cx\ny\n", b".")] {
        let input = [each.repeat(count), end.to_vec()].concat();
        let used = peak(|| Graph::from_slice(&input).is_ok());
        assert!(used <= 64 * input.len() + (1 << 20), "{used} bytes for {} of {each:?}", input.len());
    }
}

#[test]
fn bytes_are_not_copied_from_a_slice_and_once_from_a_stream() {
    let _alone = ALONE.lock();
    let len = 64 << 20;
    let input = [b"\x80\x04B".to_vec(), (len as u32).to_le_bytes().to_vec(), vec![7; len], b".".to_vec()].concat();
    let slice = peak(|| Graph::from_slice(&input).unwrap().value_count());
    assert!(slice < 1 << 16, "{slice} bytes from a slice");
    let stream = peak(|| Graph::from_reader(&input[..]).unwrap().value_count());
    assert!((len..len + len / 8).contains(&stream), "{stream} bytes from a stream");
}
