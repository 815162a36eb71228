//! Looks for the names of wrappers in what may be a file of joblib. Long text and bytes, which are no names, are passed over,
//! so that of a mapped file no more comes into memory than its ops.

use memchr::memmem::Finder;

use crate::op::{Arg, read_op};
use crate::opcode::Opcode;
use crate::source::{SliceSource, Source};

/// Whether `word` stands in `bytes` anywhere but in long arguments of ops, as far as those are ops.
pub(crate) fn has_word(bytes: &[u8], word: &[u8]) -> bool {
    /// Arguments of this length are passed over: a pickler leaves frames for them.
    const LONG: usize = 1 << 16;
    /// So many small ops are looked at one by one; what follows is searched as it stands, which is as fast as memory.
    const OPS: usize = 1 << 20;
    let finder = Finder::new(word);
    let mut source = SliceSource::new(bytes);
    let mut searched = 0;
    for _ in 0..OPS {
        let Ok(op) = read_op(&mut source) else { break };
        match op.arg {
            Arg::Uint(len) if op.opcode == Opcode::Frame => {
                let end = source.offset().saturating_add(len);
                source.seek(end);
            }
            Arg::Bytes(chunk) if chunk.len() >= LONG => {
                let len = chunk.len();
                let end = source.offset() as usize;
                if finder.find(&bytes[searched..end - len]).is_some() {
                    return true;
                }
                searched = end;
            }
            _ => {}
        }
    }
    finder.find(&bytes[searched..]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame, what is long behind it, and more.
    fn pickle(long: &[u8], last: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x80\x04\x95\x02\0\0\0\0\0\0\0NNB".to_vec();
        bytes.extend((long.len() as u32).to_le_bytes());
        bytes.extend(long);
        bytes.extend([&b"\x95"[..], &(last.len() as u64).to_le_bytes(), last, b"."].concat());
        bytes
    }

    #[test]
    fn a_word_is_found_behind_what_is_long_and_not_in_it() {
        let mut long = vec![0_u8; 1 << 17];
        assert!(has_word(&pickle(&long, b"cjoblib\nArrayWrapper\n"), b"ArrayWrapper"));
        long[5..17].copy_from_slice(b"ArrayWrapper");
        assert!(!has_word(&pickle(&long, b"NN"), b"ArrayWrapper"));
        assert!(has_word(&pickle(&long[..100], b"NN"), b"ArrayWrapper"));
    }

    #[test]
    fn what_is_no_pickle_is_searched_as_it_stands() {
        assert!(has_word(b"\xff\xff ArrayWrapper", b"ArrayWrapper"));
        assert!(!has_word(b"", b"ArrayWrapper"));
    }
}
