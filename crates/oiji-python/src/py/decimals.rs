//! Decimals from their text, as `decimal.Decimal(text)` makes them: sign, digits and exponent written to where they are kept.
//!
//! The layout is that of `_decimal` in CPython 3.9 to 3.13, on machines of 64 bits; `learnt` compares some with what the class makes.
//! What is not plain digits is left to the class.

use std::ptr;

use pyo3_ffi as ffi;

use super::{Chars, Obj, Own, Py, Raised};

/// A number as `_decimal` has it.
#[repr(C)]
struct Decimal {
    head: ffi::PyObject,
    hash: isize,
    /// The bytes behind it may be anything.
    flags: u8,
    exponent: isize,
    digits: isize,
    len: isize,
    room: isize,
    data: *mut u64,
    words: [u64; WORDS],
}

const WORDS: usize = 4;
/// Decimal digits in a word.
const IN_WORD: usize = 19;
/// No plain number has an exponent beyond; there are others who have, and the class knows their limits.
const MOST_EXPONENT: isize = 1_000_000;

/// Sign, digits and exponent of a text.
struct Number {
    negative: bool,
    exponent: isize,
    digits: usize,
    words: [u64; WORDS],
}

impl Number {
    /// That of `[-]digits[.digits][E[+-]digits]`, if the digits find room.
    fn of(text: &[u8]) -> Option<Number> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let (mut words, mut digits, mut seen, mut behind) = ([0_u64; WORDS], 0_usize, 0_usize, None);
        let mut coefficient = [0_u8; WORDS * IN_WORD];
        let mut left = text;
        while let [byte, rest @ ..] = left {
            match byte {
                b'0'..=b'9' => {
                    seen += 1;
                    behind = behind.map(|behind: isize| behind + 1);
                    if digits > 0 || *byte > b'0' {
                        *coefficient.get_mut(digits)? = byte - b'0';
                        digits += 1;
                    }
                }
                b'.' if behind.is_none() => behind = Some(0),
                b'E' => break,
                _ => return None,
            }
            left = rest;
        }
        let mut exponent = -behind.unwrap_or(0);
        if let [_, rest @ ..] = left {
            let (sign, rest) = match rest {
                [b'-', rest @ ..] => (-1, rest),
                [b'+', rest @ ..] => (1, rest),
                _ => (1, rest),
            };
            if rest.is_empty() || rest.len() > 7 || !rest.iter().all(u8::is_ascii_digit) {
                return None;
            }
            exponent += sign * rest.iter().fold(0, |value, byte| 10 * value + isize::from(byte - b'0'));
        }
        if seen == 0 || exponent.abs() > MOST_EXPONENT {
            return None;
        }
        for (word, chunk) in words.iter_mut().zip(coefficient[..digits].rchunks(IN_WORD)) {
            *word = chunk.iter().fold(0, |value, digit| 10 * value + u64::from(*digit));
        }
        Some(Number { negative, exponent, digits: digits.max(1), words })
    }
}

/// The class, and the flags of its numbers.
pub(crate) struct Decimals {
    class: Own,
    positive: u8,
    negative: u8,
}

impl Decimals {
    /// Whether a class looks as if it were the one of `_decimal`.
    #[inline]
    pub(crate) fn may_be(class: Obj<'_>) -> bool {
        // SAFETY: an object whose type is `type` is a class.
        cfg!(not(any(Py_3_14, Py_GIL_DISABLED, target_endian = "big", target_pointer_width = "32")))
            && super::typing::is_plain_metaclass(class)
            && unsafe { (*class.raw().cast::<ffi::PyTypeObject>()).tp_basicsize } == size_of::<Decimal>() as isize
            && super::typing::last_name(class) == b"Decimal"
    }

    /// What is known of the class `_decimal.Decimal`, if it is all understood.
    pub(crate) fn learnt(class: Obj<'_>) -> Option<Decimals> {
        let learn = || -> Py<Option<Decimals>> {
            let flags = |text: &str| -> Py<u8> {
                let sample = class.call1(super::str_of(text)?.obj())?;
                // SAFETY: it is of the class, and so large.
                Ok(unsafe { (*sample.raw().cast::<Decimal>()).flags })
            };
            let made = Decimals { class: class.own(), positive: flags("1")?, negative: flags("-1")? };
            Ok(made.agrees()?.then_some(made))
        };
        learn().unwrap_or_else(|Raised| {
            super::clear();
            None
        })
    }

    #[inline]
    pub(crate) fn is_for(&self, class: Obj<'_>) -> bool {
        self.class.obj().is(class)
    }

    /// `Decimal(text)`, or `Decimal()`.
    pub(crate) fn call(&self, text: Option<Obj<'_>>) -> Py {
        let Some(text) = text else { return self.class.obj().call0() };
        let number = if text.exact() == super::Exact::Str {
            match text.chars()? {
                Chars::Ascii(text) => Number::of(text),
                _ => None,
            }
        } else {
            None
        };
        match number {
            Some(number) => self.made(&number),
            None => self.class.obj().call1(text),
        }
    }

    fn made(&self, number: &Number) -> Py {
        // SAFETY: memory for an instance of the class, which is laid out as `agrees` has tried.
        unsafe {
            let object = Own::take(ffi::PyType_GenericAlloc(self.class.raw().cast(), 0))?;
            let place = object.raw().cast::<Decimal>();
            (*place).hash = -1;
            (*place).flags = if number.negative { self.negative } else { self.positive };
            (*place).exponent = number.exponent;
            (*place).digits = number.digits as isize;
            (*place).len = number.digits.div_ceil(IN_WORD) as isize;
            (*place).room = WORDS as isize;
            (*place).data = (&raw mut (*place).words).cast();
            ptr::copy_nonoverlapping(number.words.as_ptr(), (*place).data, WORDS);
            Ok(object)
        }
    }

    /// Whether what is made here is what the class makes.
    fn agrees(&self) -> Py<bool> {
        for text in SAMPLES {
            let Some(number) = Number::of(text.as_bytes()) else { return Ok(false) };
            let (ours, theirs) = (self.made(&number)?, self.class.obj().call1(super::str_of(text)?.obj())?);
            // SAFETY: both are of the class; the other's numbers lie in itself if there is room.
            let same = unsafe {
                let (ours, theirs) = (ours.raw().cast::<Decimal>(), theirs.raw().cast::<Decimal>());
                let own = |number: *mut Decimal| (*number).data.cast::<u8>().offset_from(number.cast::<u8>());
                let words = |number: *mut Decimal| (&raw const (*number).words).read();
                let len = ((*ours).len as usize).min(WORDS);
                (*ours).hash == (*theirs).hash
                    && (*ours).flags == (*theirs).flags
                    && (*ours).exponent == (*theirs).exponent
                    && (*ours).digits == (*theirs).digits
                    && (*ours).len == (*theirs).len
                    && (*ours).room == (*theirs).room
                    && own(ours) == own(theirs)
                    && words(ours)[..len] == words(theirs)[..len]
            };
            if !same || ours.obj().repr()?.obj().text()? != theirs.obj().repr()?.obj().text()? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

const SAMPLES: &[&str] = &[
    "0",
    "-0",
    "0.000",
    "1",
    "-1.50",
    "0.1428571428571428571428571429",
    "9999999999999999999",
    "10000000000000000000",
    "12345678901234567890123456789012345678901234567890123456789012345678901234.56",
    "1E+5",
    "-2.5E-1000",
];
