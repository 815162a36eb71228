//! New ints, floats and strs by hand: where the interpreter's functions take several calls each, a block of memory is filled.
//!
//! How a new object looks is learnt from one that the interpreter made; `Fresh::learnt` tries all of it when the module is
//! imported, and where something is not as it seems there is no `Fresh`.

use std::ptr;

use pyo3_ffi as ffi;

use super::{Own, Py, Raised, make};

/// What new objects begin with.
pub(crate) struct Fresh {
    /// Type and size of ints of one digit, above and below zero.
    positive: [usize; 2],
    negative: [usize; 2],
    float: usize,
    /// The header of a str of ASCII, but for the reference count and length, in words.
    text: [usize; TEXT],
    /// The ints of which there is one each, from `LEAST` on.
    small: Vec<Own>,
}

const LEAST: i64 = -5;
const MOST: i64 = 256;
/// The size of ints of one digit, in bytes, with the padding that the interpreter has.
const INT: usize = 32;
/// The word of a str's header that has its state.
const STATE: usize = 4;
const TEXT: usize = size_of::<ffi::PyASCIIObject>() / size_of::<usize>();

/// # Safety
/// `size` bytes are an object of the interpreter's: `words` of it are written before anybody sees it.
#[inline(always)]
unsafe fn made<const N: usize>(size: usize, words: [usize; N]) -> Py {
    // SAFETY: as the caller says.
    unsafe {
        let place = ffi::PyObject_Malloc(size).cast::<[usize; N]>();
        if place.is_null() {
            ffi::PyErr_NoMemory();
            return Err(Raised);
        }
        place.write(words);
        Own::take(place.cast())
    }
}

impl Fresh {
    /// What this interpreter makes, if it is all understood.
    pub(crate) fn learnt() -> Option<Fresh> {
        // A debug build counts what its own functions make.
        if cfg!(any(Py_3_14, Py_GIL_DISABLED, target_endian = "big")) || super::is_debug_build() {
            return None;
        }
        let fresh = Fresh::new().and_then(|fresh| Ok(fresh.agrees()?.then_some(fresh)));
        fresh.unwrap_or_else(|Raised| {
            super::clear();
            None
        })
    }

    fn new() -> Py<Fresh> {
        let (positive, negative) = (super::int(1 << 20)?, super::int(-(1 << 20))?);
        let (float, text) = (super::float(0.5)?, super::str_of("text")?);
        let small = (LEAST..=MOST).map(super::int).collect::<Py<Vec<Own>>>()?;
        // SAFETY: all are alive, and that long.
        unsafe {
            let words = |object: &Own| object.raw().cast::<[usize; 3]>().read();
            let ([_, int, above], [_, _, below]) = (words(&positive), words(&negative));
            let mut header = text.raw().cast::<[usize; TEXT]>().read();
            (header[0], header[2], header[3]) = (1, 0, usize::MAX);
            // Of the state one byte counts; the others may be anything.
            header[STATE] &= 0xff;
            Ok(Fresh { positive: [int, above], negative: [int, below], float: words(&float)[1], text: header, small })
        }
    }

    /// Whether nobody wants to be told of each new object.
    #[inline]
    pub(crate) fn may_be_used(&self) -> bool {
        #[cfg(Py_3_13)]
        // SAFETY: a pointer, or null.
        unsafe {
            let mut data = ptr::null_mut();
            PyRefTracer_GetTracer(&mut data).is_null()
        }
        #[cfg(not(Py_3_13))]
        true
    }

    #[inline(always)]
    pub(crate) fn int(&self, value: i32) -> Py {
        let digit = value.unsigned_abs();
        if let Some(small) = self.small.get((i64::from(value) - LEAST) as usize) {
            return Ok(small.clone());
        }
        if digit >= 1 << 30 {
            return super::int(i64::from(value));
        }
        let [kind, size] = if value < 0 { self.negative } else { self.positive };
        // SAFETY: as `agrees` has tried.
        unsafe { made(INT, [1, kind, size, digit as usize]) }
    }

    #[inline(always)]
    pub(crate) fn float(&self, value: f64) -> Py {
        // SAFETY: as `agrees` has tried.
        unsafe { made(size_of::<ffi::PyFloatObject>(), [1, self.float, value.to_bits() as usize]) }
    }

    /// As `make::text`.
    #[inline(always)]
    pub(crate) fn text(&self, bytes: &[u8]) -> Py {
        if bytes.len() < 2 || !bytes.is_ascii() {
            return make::text(bytes);
        }
        let mut header = self.text;
        header[2] = bytes.len();
        // SAFETY: as `agrees` has tried: behind the header stand the characters, and a zero.
        unsafe {
            let text = made(size_of::<ffi::PyASCIIObject>() + bytes.len() + 1, header)?;
            let place = text.raw().cast::<u8>().add(size_of::<ffi::PyASCIIObject>());
            ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            place.add(bytes.len()).write(0);
            Ok(text)
        }
    }

    /// Whether a str is as `text` makes it of these bytes, and held so often.
    #[inline(always)]
    pub(crate) fn is_text(&self, text: &Own, held: usize, bytes: &[u8]) -> bool {
        // SAFETY: a str has this header, and the characters behind it if its state is that of ours.
        unsafe {
            let header = text.raw().cast::<[usize; TEXT]>();
            (*header)[0] == held
                && (*header)[2] == bytes.len()
                && (*header)[STATE] & 0xff == self.text[STATE]
                && std::slice::from_raw_parts(header.add(1).cast::<u8>(), bytes.len()) == bytes
        }
    }

    /// Whether what is made here is what the interpreter makes, word for word.
    fn agrees(&self) -> Py<bool> {
        // SAFETY: objects are alive, and have these bytes.
        let same_within = |one: &Own, other: &Own, from: usize, to: usize| unsafe {
            let bytes =
                |object: &Own| std::slice::from_raw_parts(object.raw().cast::<u8>().add(from), to - from).to_vec();
            one.raw() == other.raw() || bytes(one) == bytes(other)
        };
        let same = |one: Own, other: Own, len: usize| same_within(&one, &other, 0, len);
        for value in [-6, -5, 0, 1, 255, 256, 257, 0xffff, (1 << 30) - 1, 1 - (1 << 30), i32::MIN, i32::MAX, 1 << 30] {
            let theirs = super::int(i64::from(value))?;
            let size = theirs.obj().attr(c"__sizeof__")?.obj().call0()?.obj().index()? as usize;
            // What is behind the digits may be anything.
            if !same(self.int(value)?, theirs, size.min(28)) || (1 << 29..1 << 30).contains(&value) && size != 28 {
                return Ok(false);
            }
        }
        for value in [0.0, -1.5, f64::MAX] {
            if !same(self.float(value)?, super::float(value)?, size_of::<ffi::PyFloatObject>()) {
                return Ok(false);
            }
        }
        for text in ["ab", "a longer text of more than a few words, so that it has many bytes"] {
            let len = size_of::<ffi::PyASCIIObject>() + text.len() + 1;
            let (ours, theirs) = (self.text(text.as_bytes())?, make::text(text.as_bytes())?);
            let state = STATE * size_of::<usize>();
            // Without the bytes that may be anything.
            if !same_within(&ours, &theirs, 0, state + 1) || !same_within(&ours, &theirs, state + 8, len) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(Py_3_13)]
unsafe extern "C" {
    fn PyRefTracer_GetTracer(data: *mut *mut std::ffi::c_void) -> *mut std::ffi::c_void;
}
