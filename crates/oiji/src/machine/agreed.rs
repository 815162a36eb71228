//! What all real readers read alike: for loading, where what one reader has checked another may load.
//!
//! Each row is one in which `_pickle`, `pickle.py`, `pickletools`, Python 2 or an older version gives another value or refuses.
//! Honest writers write none of it. They do write opcodes newer than the protocol that they state, and all readers take them. Where frames end and ops stand is for `graph::frames`; what a policy says is asked in `step`.

use crate::error::{ErrorKind, Result};
use crate::machine::Machine;
use crate::op::{Arg, Op};
use crate::opcode::Opcode;

/// Readers in C make room for all indexes below one, so it stays near those that there are.
const FAR: u64 = 1 << 20;

/// Newer versions convert no more decimal digits than this.
const DIGITS: usize = 4300;

impl<V: Clone> Machine<V> {
    /// Refuses an op that readers differ over.
    ///
    /// # Errors
    /// `Ambiguous`.
    pub(super) fn check_agreed(&self, op: &Op<'_, '_>) -> Result<()> {
        let what = match (op.opcode, &op.arg) {
            (Opcode::Int, Arg::Line(line))
                if !is_decimal(self.ended(line)) && !matches!(self.ended(line), b"00" | b"01") =>
            {
                "the text of an int"
            }
            (Opcode::Long, Arg::Line(line)) if !is_decimal(without_l(self.ended(line))) => "the text of an int",
            (Opcode::Float, Arg::Line(line)) if !is_float(self.ended(line)) => "the text of a float",
            (Opcode::Put | Opcode::Get, Arg::Line(line)) if !is_decimal(self.ended(line)) => "the text of a memo index",
            (Opcode::Global | Opcode::Inst, Arg::Lines { text, first_len }) if !self.is_name(text, *first_len) => {
                "the text of a module or name"
            }
            (Opcode::PersId, Arg::Line(line)) if line.is_empty() => "an empty persistent id",
            (Opcode::Stop, _) if self.stack.len() != 1 || !self.marks.is_empty() => "STOP with more than one value",
            _ => return Ok(()),
        };
        Err(ErrorKind::Ambiguous { what }.into())
    }

    /// Refuses a memo index that is taken, or far from all others.
    ///
    /// # Errors
    /// `Ambiguous`.
    #[inline]
    pub(super) fn check_index(&self, index: u64) -> Result<()> {
        let what = if index > self.memo.count() + FAR {
            "a memo index far beyond all others"
        } else if self.memo.get(index).is_some() && !self.goes_on {
            "a memo index that is used twice"
        } else {
            return Ok(());
        };
        Err(ErrorKind::Ambiguous { what }.into())
    }

    /// Whether two lines are a module and a name. Dots in names are split from protocol 4 on alone.
    fn is_name(&self, text: &[u8], first_len: usize) -> bool {
        let module = self.ended(&text[..first_len]);
        let name = self.ended(text.get(first_len + 1..).unwrap_or_default());
        let is_plain = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
        is_plain(module) && is_plain(name) && (self.protocol >= 4 || !name.contains(&b'.'))
    }

    /// A line without the carriage return at its end, where there may be one.
    fn ended<'t>(&self, line: &'t [u8]) -> &'t [u8] {
        if self.crlf { line.strip_suffix(b"\r").unwrap_or(line) } else { line }
    }
}

fn without_l(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"L").unwrap_or(text)
}

/// Whether text is an int as Python writes it.
fn is_decimal(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let starts_well = matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
    starts_well && digits.len() <= DIGITS && digits.iter().all(u8::is_ascii_digit)
}

/// Whether text is a float as Python writes it, and no greater than floats are.
fn is_float(text: &[u8]) -> bool {
    let number = text.strip_prefix(b"-").unwrap_or(text);
    if matches!(number, b"inf" | b"nan") {
        return true;
    }
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    number.first().is_some_and(u8::is_ascii_digit) && number.iter().all(is_part) && value.is_some_and(f64::is_finite)
}
