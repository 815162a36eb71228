//! Runs of atoms: the hot loop of writing. What it does not know, and where a frame is full, is left to the other functions.
//!
//! Numbers one by one took three times as long; `a_run_writes_what_its_atoms_write_one_by_one` holds the two equal.

use crate::emitter::Emitter;
use crate::op::write;
use crate::opcode::Opcode;
use crate::sink::Sink;

/// A value in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Atom<'t> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// UTF-8 with surrogates let through.
    Str(&'t [u8]),
    /// The memo entry with this index.
    Get(u32),
    /// Any other value: a run ends before it.
    Other,
}

/// The values of a run.
pub(crate) trait Atoms {
    /// How many there are.
    fn count(&self) -> usize;

    /// The one at `index`, if it is an int of 32 bits that is quickly told.
    fn int(&self, index: usize) -> Option<i32>;

    /// The one at `index`, if it is a float that is quickly told.
    fn float(&self, index: usize) -> Option<f64>;

    /// The one at `index`, whatever it is.
    fn atom(&self, index: usize) -> Atom<'_>;
}

impl<S: Sink> Emitter<S> {
    /// Writes `atoms` one after another, with the boundaries between them; gives how many it wrote.
    #[inline]
    pub(crate) fn run(&mut self, atoms: &impl Atoms) -> usize {
        if self.protocol < 4 {
            return 0;
        }
        // A vector that nothing else sees stays in registers.
        let mut out = std::mem::take(&mut self.out);
        let full = self.full;
        let (mut index, count) = (0, atoms.count());
        while index < count && out.len() < full {
            // Loops of their own for the longest lists there are: one loop jumps by a table for each of their items.
            if let Some(value) = atoms.int(index) {
                write::int(&mut out, value);
                index += 1;
                while let Some(value) = atoms.int(index).filter(|_| out.len() < full) {
                    write::int(&mut out, value);
                    index += 1;
                }
                continue;
            }
            if let Some(value) = atoms.float(index) {
                write::float8(&mut out, Opcode::BinFloat, value);
                index += 1;
                while let Some(value) = atoms.float(index).filter(|_| out.len() < full) {
                    write::float8(&mut out, Opcode::BinFloat, value);
                    index += 1;
                }
                continue;
            }
            match atoms.atom(index) {
                Atom::None => write::simple(&mut out, Opcode::None),
                Atom::Bool(true) => write::simple(&mut out, Opcode::NewTrue),
                Atom::Bool(false) => write::simple(&mut out, Opcode::NewFalse),
                Atom::Int(value) => match i32::try_from(value) {
                    Ok(value) => write::int(&mut out, value),
                    Err(_) => break,
                },
                Atom::Float(value) => write::float8(&mut out, Opcode::BinFloat, value),
                Atom::Str(text) => {
                    let Ok(len) = u8::try_from(text.len()) else { break };
                    write::uint1(&mut out, Opcode::ShortBinUnicode, len);
                    out.extend_from_slice(text);
                }
                Atom::Get(index) => match u8::try_from(index) {
                    Ok(short) => write::uint1(&mut out, Opcode::BinGet, short),
                    Err(_) => write::uint4(&mut out, Opcode::LongBinGet, index),
                },
                Atom::Other => break,
            }
            index += 1;
        }
        self.out = out;
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::sink::VecSink;

    impl Atoms for &[Atom<'_>] {
        fn count(&self) -> usize {
            self.len()
        }

        /// Small ones, as a graph has them.
        fn int(&self, index: usize) -> Option<i32> {
            match self.get(index) {
                Some(Atom::Int(value)) => i32::try_from(*value).ok().filter(|value| value.unsigned_abs() < 1 << 29),
                _ => None,
            }
        }

        fn float(&self, index: usize) -> Option<f64> {
            match self.get(index) {
                Some(Atom::Float(value)) => Some(*value).filter(|value| *value > 0.0),
                _ => None,
            }
        }

        fn atom(&self, index: usize) -> Atom<'_> {
            self[index]
        }
    }

    fn one(emitter: &mut Emitter<VecSink>, atom: Atom<'_>) -> Result<()> {
        emitter.boundary()?;
        match atom {
            Atom::None => emitter.none(),
            Atom::Bool(value) => emitter.bool(value),
            Atom::Int(value) => emitter.int(value),
            Atom::Float(value) => emitter.float(value),
            Atom::Str(text) => emitter.str(text)?,
            Atom::Get(index) => emitter.get(u64::from(index)),
            Atom::Other => emitter.empty_tuple(),
        }
        Ok(())
    }

    #[test]
    fn a_run_writes_what_its_atoms_write_one_by_one() {
        let long = "x".repeat(300);
        let mut atoms = vec![
            Atom::None,
            Atom::Bool(true),
            Atom::Bool(false),
            Atom::Float(-0.5),
            Atom::Float(0.5),
            Atom::Float(1.5),
            Atom::Str(b""),
            Atom::Str("오이지".as_bytes()),
            Atom::Str(&long.as_bytes()[..255]),
            Atom::Str(&long.as_bytes()[..256]),
            Atom::Get(0),
            Atom::Get(255),
            Atom::Get(256),
            Atom::Get(u32::MAX),
            Atom::Other,
        ];
        for shift in 0..63 {
            atoms.extend([1_i64 << shift, (1 << shift) - 1, -(1 << shift), -(1 << shift) - 1].map(Atom::Int));
        }
        // Enough for several frames.
        let atoms: Vec<Atom<'_>> = atoms.iter().copied().cycle().take(if cfg!(miri) { 600 } else { 40_000 }).collect();
        for protocol in 0..=5 {
            let [mut swift, mut plain] = [(); 2].map(|()| Emitter::new(VecSink, protocol, true).unwrap());
            swift.start().unwrap();
            plain.start().unwrap();
            let mut rest = &atoms[..];
            while let Some(next) = rest.get(swift.run(&rest)..).and_then(<[_]>::split_first) {
                one(&mut swift, *next.0).unwrap();
                rest = next.1;
            }
            atoms.iter().for_each(|atom| one(&mut plain, *atom).unwrap());
            swift.stop().unwrap();
            plain.stop().unwrap();
            assert!(swift.into_bytes() == plain.into_bytes(), "protocol {protocol}");
        }
    }
}
