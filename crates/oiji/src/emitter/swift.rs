//! What a hot loop writes into: the few ops that nearly all pickles of protocol 4 and later are made of, without a look at
//! the protocol.
//!
//! A vector that nothing else sees stays in registers. `a_swift_emitter_writes_what_the_plain_one_writes` holds the two
//! equal. Next: `graph::tree`, which drives it.

use crate::emitter::{Emitter, Fill};
use crate::op::write;
use crate::opcode::Opcode;
use crate::sink::Sink;

/// The bytes of an emitter of protocol 4 or later, out on loan: until they are back it must write nothing.
pub(crate) struct Swift {
    out: Vec<u8>,
    full: usize,
    memo_count: u64,
}

/// How long the op of a float is.
pub(crate) const FLOAT_LEN: usize = 9;

/// So many bytes of a run are written at once.
const STAGE: usize = 1024;

/// So many numbers are looked at together.
const SOME: usize = 8;

impl<S: Sink> Emitter<S> {
    /// Lends its bytes to a hot loop.
    #[inline(always)]
    pub(crate) fn lend(&mut self) -> Swift {
        debug_assert!(self.protocol >= 4);
        Swift { out: std::mem::take(&mut self.out), full: self.full, memo_count: self.memo_count }
    }

    /// Takes its bytes back.
    #[inline(always)]
    pub(crate) fn take_back(&mut self, swift: Swift) {
        self.out = swift.out;
        self.memo_count = swift.memo_count;
    }
}

impl Swift {
    /// Whether `Emitter::boundary` is due.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.is_full_after(0)
    }

    /// Whether it is, `len` bytes further on.
    #[inline(always)]
    pub(crate) fn is_full_after(&self, len: usize) -> bool {
        self.out.len() + len >= self.full
    }

    #[inline(always)]
    pub(crate) fn none(&mut self) {
        write::simple(&mut self.out, Opcode::None);
    }

    #[inline(always)]
    pub(crate) fn bool(&mut self, value: bool) {
        write::simple(&mut self.out, if value { Opcode::NewTrue } else { Opcode::NewFalse });
    }

    #[inline(always)]
    pub(crate) fn int(&mut self, value: i32) {
        write::int(&mut self.out, value);
    }

    /// An int of any width.
    #[inline(always)]
    pub(crate) fn long(&mut self, value: i64) {
        if let Ok(value) = i32::try_from(value) {
            return self.int(value);
        }
        // As many bytes as leave room for the sign.
        let len = 8 - ((value ^ value >> 63).leading_zeros() as usize - 1) / 8;
        let start = self.out.len();
        write::uint8(&mut self.out, Opcode::Long1, (len as u64) | (value as u64) << 8);
        self.out.push((value >> 56) as u8);
        self.out.truncate(start + 2 + len);
    }

    #[inline(always)]
    pub(crate) fn float(&mut self, value: f64) {
        write::float8(&mut self.out, Opcode::BinFloat, value);
    }

    /// Writes `ints` up to the next boundary, or the first that is none; gives how many.
    ///
    /// On a stage of their own, where nothing grows, and several at once.
    #[inline(always)]
    pub(crate) fn ints<T: Copy>(&mut self, ints: &[T], is_int: impl Fn(T) -> bool, value: impl Fn(T) -> i32) -> usize {
        const WIDE: usize = 5;
        /// The op of an int and its length, by the highest bit that is set.
        const OPS: [(Opcode, u8); 32] = {
            let mut ops = [(Opcode::BinInt, WIDE as u8); 32];
            let mut bit = 0;
            while bit < 16 {
                ops[bit] = if bit < 8 { (Opcode::BinInt1, 2) } else { (Opcode::BinInt2, 3) };
                bit += 1;
            }
            ops
        };
        // What stands behind an op is overwritten by the next.
        let op = |opcode: Opcode, value: i32| (u64::from(opcode.code()) | u64::from(value as u32) << 8).to_le_bytes();
        let mut stage = [0; STAGE + 8];
        let mut count = 0;
        loop {
            let most = self.full.saturating_sub(self.out.len()).min(STAGE);
            let mut len = 0;
            while len < most {
                if let Some(some) = ints[count..].first_chunk::<SOME>()
                    && let Some(room) = stage[len..most].first_chunk_mut::<{ SOME * WIDE + 3 }>()
                    && some.iter().fold(true, |all, int| all & is_int(*int))
                {
                    count += SOME;
                    if some.iter().fold(true, |all, int| all & (value(*int) as u32 > 0xffff)) {
                        for (index, int) in some.iter().enumerate() {
                            room[index * WIDE..][..8].copy_from_slice(&op(Opcode::BinInt, value(*int)));
                        }
                        len += SOME * WIDE;
                        continue;
                    }
                    let mut some_len = 0;
                    for int in some {
                        let (opcode, op_len) = OPS[(value(*int) as u32 | 1).ilog2() as usize];
                        room[some_len..][..8].copy_from_slice(&op(opcode, value(*int)));
                        some_len += usize::from(op_len);
                    }
                    len += some_len;
                    continue;
                }
                // Those that were looked at go one by one, lest all are looked at again for each.
                let before = count;
                for int in ints[count..].iter().copied().take(SOME).take_while(|int| is_int(*int)) {
                    if len >= most {
                        break;
                    }
                    let (opcode, op_len) = OPS[(value(int) as u32 | 1).ilog2() as usize];
                    stage[len..len + 8].copy_from_slice(&op(opcode, value(int)));
                    len += usize::from(op_len);
                    count += 1;
                }
                if count == before {
                    break;
                }
            }
            self.out.extend_from_slice(&stage[..len]);
            if len < most || most == 0 {
                return count;
            }
        }
    }

    /// Copies floats from where they were read, up to the next boundary, as long as they stand there one after another;
    /// gives how many. `ops` begins at the first; `offset` tells of each how many bytes further on it stands.
    #[inline(always)]
    pub(crate) fn same_floats<T: Copy>(&mut self, ops: &[u8], floats: &[T], offset: impl Fn(T) -> u32) -> usize {
        const WIDE: usize = FLOAT_LEN;
        let most = self.full.saturating_sub(self.out.len()).div_ceil(WIDE).min(floats.len());
        let (floats, (singles, _)) = (&floats[..most], ops.as_chunks::<WIDE>());
        let mut count = 0;
        while let (Some(ops), Some(some)) =
            (singles[count..].first_chunk::<SOME>(), floats[count..].first_chunk::<SOME>())
        {
            // Offsets and opcodes apart: together they make a slow vector of both.
            let places = (0..SOME).fold(0, |all, index| all | (offset(some[index]) ^ ((count + index) * WIDE) as u32));
            if places != 0 || !ops.iter().all(|op| op[0] == Opcode::BinFloat.code()) {
                break;
            }
            count += SOME;
        }
        let single = |(index, (op, float)): &(usize, (&[u8; WIDE], &T))| {
            op[0] == Opcode::BinFloat.code() && offset(**float) == ((count + index) * WIDE) as u32
        };
        count += singles[count..].iter().zip(&floats[count..]).enumerate().take_while(single).count();
        self.out.extend_from_slice(&ops[..count * WIDE]);
        count
    }

    /// The str that the first `len` bytes of `text` are, if it is a short one.
    ///
    /// What stands behind them is copied with them and taken off again: a copy of known length is no call.
    #[inline(always)]
    pub(crate) fn str(&mut self, text: &[u8], len: usize) -> bool {
        const NARROW: usize = 16;
        const WIDE: usize = 64;
        let Ok(short) = u8::try_from(len) else { return false };
        write::uint1(&mut self.out, Opcode::ShortBinUnicode, short);
        let end = self.out.len() + len;
        match text.first_chunk::<WIDE>() {
            Some(wide) if len <= NARROW => self.out.extend_from_slice(&wide[..NARROW]),
            Some(wide) if len <= WIDE => self.out.extend_from_slice(wide),
            _ => self.out.extend_from_slice(&text[..len]),
        }
        self.out.truncate(end);
        true
    }

    /// Pushes a memo entry.
    #[inline(always)]
    pub(crate) fn get(&mut self, index: u32) {
        match u8::try_from(index) {
            Ok(short) => write::uint1(&mut self.out, Opcode::BinGet, short),
            Err(_) => write::uint4(&mut self.out, Opcode::LongBinGet, index),
        }
    }

    /// Puts the top value into the memo; gives the index.
    #[inline(always)]
    pub(crate) fn memoize(&mut self) -> u64 {
        write::simple(&mut self.out, Opcode::Memoize);
        self.memo_count += 1;
        self.memo_count - 1
    }

    #[inline(always)]
    pub(crate) fn mark(&mut self) {
        write::simple(&mut self.out, Opcode::Mark);
    }

    /// An empty list, dict or set, by how it is filled.
    #[inline(always)]
    pub(crate) fn empty(&mut self, fill: Fill) {
        let opcode = match fill {
            Fill::Append => Opcode::EmptyList,
            Fill::SetItems => Opcode::EmptyDict,
            Fill::Add => Opcode::EmptySet,
        };
        write::simple(&mut self.out, opcode);
    }

    #[inline(always)]
    pub(crate) fn empty_tuple(&mut self) {
        write::simple(&mut self.out, Opcode::EmptyTuple);
    }

    /// Makes a tuple of the `len` values written last, above a mark where there are more than three.
    #[inline(always)]
    pub(crate) fn end_tuple(&mut self, len: usize) {
        let opcode = match len {
            1 => Opcode::Tuple1,
            2 => Opcode::Tuple2,
            3 => Opcode::Tuple3,
            _ => Opcode::Tuple,
        };
        write::simple(&mut self.out, opcode);
    }

    /// Makes an instance of a class, of it and a tuple.
    #[inline(always)]
    pub(crate) fn new_object(&mut self) {
        write::simple(&mut self.out, Opcode::NewObj);
    }

    /// Gives the top value as state to the object below it.
    #[inline(always)]
    pub(crate) fn build(&mut self) {
        write::simple(&mut self.out, Opcode::Build);
    }

    /// Ends a batch, as [`Emitter::end_batch`] does.
    #[inline(always)]
    pub(crate) fn end_batch(&mut self, fill: Fill, single: bool) {
        write::simple(&mut self.out, fill.opcode(single));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::VecSink;

    #[test]
    fn a_swift_emitter_writes_what_the_plain_one_writes() {
        let [mut one, mut other] = [(); 2].map(|()| Emitter::new(VecSink, 4, true).unwrap());
        let mut swift = one.lend();
        let ints: Vec<i32> = (0..31).flat_map(|shift| [1 << shift, (1 << shift) - 1, -(1 << shift)]).collect();
        swift.none();
        swift.bool(true);
        swift.bool(false);
        ints.iter().for_each(|value| swift.int(*value));
        assert_eq!(swift.ints(&ints, |_| true, |value| value), ints.len());
        let longs = (0..64).flat_map(|shift| {
            [1_i64 << shift, !(1_i64 << shift), (1_i64 << shift).wrapping_sub(1), (1_i64 << shift).wrapping_neg()]
        });
        let longs: Vec<i64> = longs.collect();
        longs.iter().for_each(|value| swift.long(*value));
        swift.float(0.5);
        let text = ["".to_owned(), "오이지".to_owned(), "x".repeat(255), "x".repeat(256)];
        assert_eq!(text.each_ref().map(|text| swift.str(text.as_bytes(), text.len())), [true, true, true, false]);
        let more = "x".repeat(300);
        let lens = [0, 1, 16, 17, 64, 65, 255];
        lens.iter().for_each(|len| assert!(swift.str(more.as_bytes(), *len)));
        [0, 255, 256, u32::MAX].into_iter().for_each(|index| swift.get(index));
        swift.empty_tuple();
        (1..5).for_each(|len| swift.end_tuple(len));
        swift.new_object();
        assert_eq!([swift.memoize(), swift.memoize()], [0, 1]);
        swift.build();
        for fill in [Fill::Append, Fill::SetItems, Fill::Add] {
            swift.empty(fill);
            swift.mark();
            swift.end_batch(fill, true);
            swift.end_batch(fill, false);
        }
        one.take_back(swift);

        other.none();
        other.bool(true);
        other.bool(false);
        ints.iter().chain(&ints).for_each(|value| other.int(i64::from(*value)));
        longs.iter().for_each(|value| other.int(*value));
        other.float(0.5);
        text[..3].iter().for_each(|text| other.str(text.as_bytes()).unwrap());
        lens.iter().for_each(|len| other.str(&more.as_bytes()[..*len]).unwrap());
        [0, 255, 256, u64::from(u32::MAX)].into_iter().for_each(|index| other.get(index));
        other.empty_tuple();
        (1..5).for_each(|len| other.end_tuple(len));
        other.new_object(false);
        assert_eq!([other.memoize(), other.memoize()], [one.memo_count - 2, one.memo_count - 1]);
        other.build();
        other.empty_list();
        for fill in [Fill::Append, Fill::SetItems, Fill::Add] {
            match fill {
                Fill::Append => {}
                Fill::SetItems => other.empty_dict(),
                Fill::Add => other.empty_set(),
            }
            other.mark();
            other.end_batch(fill, true);
            other.end_batch(fill, false);
        }
        assert_eq!(one.into_bytes(), other.into_bytes());
    }

    #[test]
    fn floats_are_copied_as_long_as_they_stand_one_after_another() {
        let mut written = Emitter::new(VecSink, 4, true).unwrap();
        (0..40).for_each(|value| written.float(f64::from(value)));
        let mut ops = written.into_bytes();
        let places: Vec<u32> = (0..40).map(|index| index * 9).collect();
        let copied = |ops: &[u8], places: &[u32]| {
            let mut emitter = Emitter::new(VecSink, 4, true).unwrap();
            let mut swift = emitter.lend();
            let count = swift.same_floats(ops, places, |place| place);
            emitter.take_back(swift);
            assert_eq!(emitter.into_bytes(), ops[..count * 9]);
            count
        };
        assert_eq!(copied(&ops, &places), 40);
        assert_eq!(copied(&ops[..ops.len() - 1], &places), 39);
        assert_eq!(copied(&ops, &places[..17]), 17);
        assert_eq!(copied(&ops, &[&places[..19], &places[20..]].concat()), 19);
        ops[9 * 21] = Opcode::None.code();
        assert_eq!(copied(&ops, &places), 21);
    }
}
