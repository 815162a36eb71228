//! A copy of a pickle in which some ops are others. Frames get the lengths that they have then.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Bytes of a `FRAME` op.
const HEADER: usize = 9;

/// Where the frame ends whose op stands here, by what it says.
pub(super) fn frame_end(input: &[u8], frame: usize) -> usize {
    let len = input.get(frame + 1..frame + HEADER).and_then(|bytes| bytes.first_chunk());
    let end = len.and_then(|len| (frame + HEADER).checked_add(usize::try_from(u64::from_le_bytes(*len)).ok()?));
    end.unwrap_or(usize::MAX)
}

/// A copy that is being made.
pub(super) struct Copy<'i> {
    input: &'i [u8],
    span: Range<usize>,
    /// Up to where it has been copied.
    at: usize,
    /// Offsets of the `FRAME` ops, and how many of them are behind.
    frames: &'i [usize],
    begun: usize,
    /// Frames that have begun: where each ends, and where its header stands in `out`.
    open: BinaryHeap<Reverse<(usize, usize)>>,
    out: Vec<u8>,
}

impl<'i> Copy<'i> {
    /// Begins to copy a span of `input` in which `FRAME` ops stand at these offsets.
    pub(super) fn new(input: &'i [u8], span: Range<usize>, frames: &'i [usize]) -> Copy<'i> {
        let (at, out) = (span.start, Vec::with_capacity(span.len() + span.len() / 64));
        Copy { input, span, at, frames, begun: 0, open: BinaryHeap::new(), out }
    }

    /// Puts `new` in place of a range, which follows the one before. One that begins in what is gone already goes with it.
    ///
    /// No range may hold a `FRAME` op, or go beyond the end of a frame.
    pub(super) fn replace(&mut self, range: Range<usize>, new: &[u8]) {
        if range.start < self.at {
            return;
        }
        self.up_to(range.start);
        self.out.extend_from_slice(new);
        self.at = range.end;
    }

    /// Copies the rest.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.up_to(self.span.end);
        // Frames that say that they go on beyond the pickle.
        while let Some(Reverse((end, header))) = self.open.pop() {
            self.end_frame(header, end - self.span.end);
        }
        self.out
    }

    fn up_to(&mut self, offset: usize) {
        loop {
            let begin = self.frames.get(self.begun).map(|frame| frame + HEADER).filter(|body| *body <= offset);
            let end = self.open.peek().map(|Reverse((end, _))| *end).filter(|end| *end <= offset);
            match (begin, end) {
                (Some(body), end) if end.is_none_or(|end| end >= body) => {
                    self.raw(body);
                    self.begun += 1;
                    let header = self.out.len().saturating_sub(HEADER);
                    self.open.push(Reverse((frame_end(self.input, body - HEADER), header)));
                }
                (_, Some(end)) => {
                    self.raw(end);
                    if let Some(Reverse((_, header))) = self.open.pop() {
                        self.end_frame(header, 0);
                    }
                }
                _ => break,
            }
        }
        self.raw(offset);
    }

    fn raw(&mut self, offset: usize) {
        if let Some(bytes) = self.input.get(self.at..offset) {
            self.out.extend_from_slice(bytes);
            self.at = offset;
        }
    }

    /// Says in a header how long its frame has become, and so much more.
    fn end_frame(&mut self, header: usize, more: usize) {
        let len = (self.out.len().saturating_sub(header + HEADER) as u64).saturating_add(more as u64);
        if let Some(place) = self.out.get_mut(header + 1..header + HEADER) {
            place.copy_from_slice(&len.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_grow_and_shrink_with_what_is_in_them() {
        let input = b"\x80\x04\x95\x02\0\0\0\0\0\0\0NN\x95\x03\0\0\0\0\0\0\0K\x01.";
        let mut copy = Copy::new(input, 0..input.len(), &[2, 13]);
        copy.replace(11..12, b"K\x07");
        // Between the two: in neither.
        copy.replace(13..13, b"0");
        copy.replace(22..24, b"");
        let expected = b"\x80\x04\x95\x03\0\0\0\0\0\0\0K\x07N0\x95\x01\0\0\0\0\0\0\0.";
        assert_eq!(copy.finish(), expected);
    }

    #[test]
    fn a_frame_that_claims_more_than_there_is_keeps_its_claim() {
        let input = b"\x95\xff\0\0\0\0\0\0\0N.";
        let mut copy = Copy::new(input, 0..input.len(), &[0]);
        copy.replace(9..10, b"K\x07");
        assert_eq!(&copy.finish()[..2], b"\x95\x00");
    }
}
