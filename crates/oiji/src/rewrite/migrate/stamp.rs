//! Which versions of which rules a pickle has been through: a str at its beginning that is dropped at once. Every reader that
//! knows `POP` passes over it.

use crate::op::{Arg, read_op, write};
use crate::opcode::Opcode;
use crate::source::SliceSource;

/// What a stamp begins with; the name of the rules, `=` and the version follow.
const MARK: &str = "oiji:migrated:";

/// Name of the rules and version, for each stamp of the pickle that begins `input`.
pub(super) fn read(input: &[u8]) -> Vec<(String, u32)> {
    let mut stamps = Vec::new();
    let mut source = SliceSource::new(input);
    let mut text: Option<String> = None;
    while let Ok(op) = read_op(&mut source) {
        match (op.opcode, op.arg) {
            (Opcode::Proto | Opcode::Frame, _) => {}
            (Opcode::BinUnicode | Opcode::Unicode | Opcode::ShortBinUnicode, Arg::Bytes(bytes) | Arg::Line(bytes)) => {
                text = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_prefix(MARK)).map(str::to_owned);
                if text.is_none() {
                    break;
                }
            }
            (Opcode::Pop, _) => match text.take().as_deref().and_then(|text| text.rsplit_once('=')) {
                Some((name, version)) => stamps.extend(version.parse().ok().map(|version| (name.to_owned(), version))),
                None => break,
            },
            _ => break,
        }
    }
    stamps
}

/// Puts a stamp into the pickle that begins at `start`, in place of an older one of the same rules.
pub(super) fn write(pickle: &mut Vec<u8>, start: usize, name: &str, version: u32) {
    let has_protocol = pickle.get(start) == Some(&Opcode::Proto.code());
    let at = if has_protocol { start + 2 } else { start };
    let mut stamp = Vec::new();
    let text = format!("{MARK}{name}={version}");
    if has_protocol {
        write::length(&mut stamp, Opcode::BinUnicode, text.len());
        stamp.extend_from_slice(text.as_bytes());
    } else {
        // Protocols 0 and 1: one line, in which every reader finds its end.
        write::line(&mut stamp, Opcode::Unicode, text.as_bytes());
    }
    write::simple(&mut stamp, Opcode::Pop);
    pickle.splice(at..at, stamp);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_again_in_every_protocol() {
        for pickle in [&b"I1\n."[..], b"\x80\x02K\x01.", b"\x80\x04\x95\x04\0\0\0\0\0\0\0K\x01NN."] {
            let mut stamped = pickle.to_vec();
            assert_eq!(read(&stamped), []);
            write(&mut stamped, 0, "shop", 2);
            write(&mut stamped, 0, "other", 7);
            assert_eq!(read(&stamped), [("other".to_owned(), 7), ("shop".to_owned(), 2)]);
            assert_eq!(crate::loads(&stamped).unwrap(), crate::loads(pickle).unwrap());
        }
    }
}
