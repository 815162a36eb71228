//! A growing run of bytes that becomes a `bytes` object without a copy, once it is long.

use std::ptr;

use pyo3_ffi as ffi;

use super::{Own, Py, Raised};

/// From this size on the bytes stand in the object that is given out in the end.
const LONG: usize = 4 << 10;
/// Where the content begins in a `bytes` object.
const HEAD: usize = std::mem::offset_of!(ffi::PyBytesObject, ob_sval);

/// Bytes that grow.
pub(crate) struct Buffer {
    start: *mut u8,
    len: usize,
    room: usize,
    /// Memory of our own, for short content; it is kept for the next pickle.
    scratch: Vec<u8>,
    /// The object that holds the content, once that is long.
    object: *mut ffi::PyObject,
    /// How long it may get.
    expected: usize,
}

/// Copies bytes, of which there mostly are few: whole words, which overlap.
///
/// # Safety
/// There is room for the bytes.
#[inline(always)]
pub(super) unsafe fn copy_short(bytes: &[u8], to: *mut u8) {
    let (from, len) = (bytes.as_ptr(), bytes.len());
    // SAFETY: as the caller says; reads stay within `bytes`.
    unsafe {
        match len {
            16.. => ptr::copy_nonoverlapping(from, to, len),
            8.. => {
                let (first, last) =
                    (from.cast::<u64>().read_unaligned(), from.add(len - 8).cast::<u64>().read_unaligned());
                to.cast::<u64>().write_unaligned(first);
                to.add(len - 8).cast::<u64>().write_unaligned(last);
            }
            4.. => {
                let (first, last) =
                    (from.cast::<u32>().read_unaligned(), from.add(len - 4).cast::<u32>().read_unaligned());
                to.cast::<u32>().write_unaligned(first);
                to.add(len - 4).cast::<u32>().write_unaligned(last);
            }
            _ => {
                for (index, byte) in bytes.iter().enumerate() {
                    to.add(index).write(*byte);
                }
            }
        }
    }
}

/// First touch of a page costs more than filling it; of a huge one, less.
///
/// All pages are advised that the memory has a part in: were the first and last not, the kernel would see three pieces, and the
/// allocator could not have them grow without a copy.
pub(super) fn advise_huge_pages(start: *mut u8, len: usize) {
    const PAGE: usize = 4 << 10;
    const WORTH: usize = 4 << 20;
    #[cfg(target_os = "linux")]
    if len >= WORTH {
        let from = start as usize & !(PAGE - 1);
        let to = (start as usize + len).next_multiple_of(PAGE);
        // SAFETY: it is advice, and nothing changes; a page that others have a part in is none the worse for it.
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, len, PAGE, WORTH);
}

impl Buffer {
    /// An empty one, with memory that may have been in use before.
    pub(crate) fn new(mut scratch: Vec<u8>, expected: usize) -> Buffer {
        scratch.clear();
        scratch.reserve(1024);
        Buffer {
            start: scratch.as_mut_ptr(),
            len: 0,
            room: scratch.capacity(),
            scratch,
            object: ptr::null_mut(),
            expected,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sees that `more` bytes fit.
    #[inline]
    pub(crate) fn reserve(&mut self, more: usize) -> Py<()> {
        if self.room - self.len >= more { Ok(()) } else { self.grow(more) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) -> Py<()> {
        let Some(needed) = self.len.checked_add(more).filter(|needed| *needed < isize::MAX as usize / 8) else {
            return super::raise(super::Kind::Memory, "the pickle is too long");
        };
        if self.object.is_null() && needed <= LONG {
            let wanted = needed.max(4 * self.room).min(LONG);
            // SAFETY: the first `len` bytes were written.
            unsafe { self.scratch.set_len(self.len) };
            self.scratch.reserve(wanted - self.len);
            self.start = self.scratch.as_mut_ptr();
            self.room = self.scratch.capacity();
            return Ok(());
        }
        // Untouched memory costs nothing but address space, and what is left over is given back at the end. A pickle as long
        // as the last one gets the memory that the last one had.
        let wanted = if self.object.is_null() && self.expected > needed {
            self.expected
        } else if more >= LONG {
            // What follows a long copy is seldom as long.
            needed + needed / 16 + 64
        } else {
            needed.max(if needed < 1 << 20 { 4 * self.room } else { 2 * self.room })
        };
        // SAFETY: an object of our own, which nobody has seen; or a new one, into which the content is copied.
        unsafe {
            if self.object.is_null() {
                let object = ffi::PyBytes_FromStringAndSize(ptr::null(), wanted as isize);
                if object.is_null() {
                    return Err(Raised);
                }
                let start = object.cast::<u8>().add(HEAD);
                ptr::copy_nonoverlapping(self.start, start, self.len);
                self.object = object;
            } else if _PyBytes_Resize(&mut self.object, wanted as isize) < 0 {
                // The old one is gone.
                self.start = self.scratch.as_mut_ptr();
                self.len = 0;
                self.room = self.scratch.capacity();
                return Err(Raised);
            }
            self.start = self.object.cast::<u8>().add(HEAD);
            self.room = wanted;
            advise_huge_pages(self.start, wanted);
        }
        Ok(())
    }

    /// Sees that of `most` ops of `each` bytes some fit; tells how many. The last bytes of what was expected may do for them,
    /// so it grows for none that is not there.
    #[inline]
    fn room_for_each(&mut self, each: usize, most: usize) -> Py<usize> {
        let there = (self.room - self.len) / each;
        if there >= most || !self.object.is_null() {
            return Ok(most.min(there));
        }
        self.reserve(each * most)?;
        Ok(most)
    }

    /// Where the next byte goes, and where to begin nothing more: at `full` bytes, or where no `room` is left. It does not grow.
    #[inline(always)]
    pub(super) fn open(&mut self, room: usize, full: usize) -> (*mut u8, *mut u8) {
        let end = self.room.saturating_sub(room).min(full).max(self.len);
        // SAFETY: both are within its memory.
        unsafe { (self.start.add(self.len), self.start.add(end)) }
    }

    /// So far was written after `open`.
    #[inline(always)]
    pub(super) fn close(&mut self, at: *mut u8) {
        self.len = at as usize - self.start as usize;
    }

    /// Appends an array: an op of known length.
    #[inline]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Py<()> {
        self.reserve(N)?;
        // SAFETY: there is room, as was just seen to.
        unsafe { self.start.add(self.len).cast::<[u8; N]>().write_unaligned(bytes) };
        self.len += N;
        Ok(())
    }

    /// Appends the head of an op and its content; the head has at most eight bytes that count, `head_len` of them.
    #[inline]
    pub(crate) fn put_short(&mut self, head: u64, head_len: usize, bytes: &[u8]) -> Py<()> {
        let len = bytes.len();
        self.reserve(len + 8)?;
        // SAFETY: there is room for the whole head, and for the content behind those of it that count.
        unsafe {
            let at = self.start.add(self.len);
            at.cast::<u64>().write_unaligned(head);
            copy_short(bytes, at.add(head_len));
        }
        self.len += head_len + len;
        Ok(())
    }

    /// Appends ints as `next` gives them, `most` of them, or until there are `full` bytes. The opcodes are those for one, two
    /// and four bytes.
    #[inline(always)]
    pub(crate) fn put_ints(
        &mut self,
        opcodes: [u8; 3],
        most: usize,
        full: usize,
        mut next: impl FnMut() -> Option<i32>,
    ) -> Py<()> {
        let most = self.room_for_each(8, most)?;
        let [one, two, four] = opcodes.map(u32::from);
        let mut len = self.len;
        for _ in 0..most {
            if len >= full {
                break;
            }
            let Some(value) = next() else { break };
            let bits = value as u32;
            // SAFETY: there is room for eight bytes each of `most` ints from `self.len` on, and less were appended.
            unsafe {
                let at = self.start.add(len);
                // Branches, and stores of their own: where the next int goes must not wait for this one to be read.
                if bits > 0xffff {
                    at.cast::<u64>().write_unaligned((u64::from(four) | u64::from(bits) << 8).to_le());
                    len += 5;
                } else if bits > 0xff {
                    at.cast::<u32>().write_unaligned((two | bits << 8).to_le());
                    len += 3;
                } else {
                    at.cast::<u16>().write_unaligned(((one | bits << 8) as u16).to_le());
                    len += 2;
                }
            }
        }
        self.len = len;
        Ok(())
    }

    /// Appends floats as `next` gives them, `most` of them, or until there are `full` bytes.
    #[inline(always)]
    pub(crate) fn put_floats(
        &mut self,
        opcode: u8,
        most: usize,
        full: usize,
        mut next: impl FnMut() -> Option<f64>,
    ) -> Py<()> {
        let most = self.room_for_each(9, most)?;
        let mut len = self.len;
        for _ in 0..most {
            if len >= full {
                break;
            }
            let Some(value) = next() else { break };
            // SAFETY: there is room for nine bytes each of `most` floats from `self.len` on.
            unsafe {
                let at = self.start.add(len);
                at.write(opcode);
                at.add(1).cast::<[u8; 8]>().write_unaligned(value.to_be_bytes());
            }
            len += 9;
        }
        self.len = len;
        Ok(())
    }

    /// Appends bytes of any length.
    pub(crate) fn put_slice(&mut self, bytes: &[u8]) -> Py<()> {
        self.reserve(bytes.len())?;
        // SAFETY: there is room.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(self.len), bytes.len()) };
        self.len += bytes.len();
        Ok(())
    }

    /// Writes over what stands at `at`.
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        if at <= self.len && bytes.len() <= self.len - at {
            // SAFETY: within what was written.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(at), bytes.len()) };
        }
    }

    /// Takes `count` bytes out at `at`.
    pub(crate) fn cut(&mut self, at: usize, count: usize) {
        if at <= self.len && count <= self.len - at {
            // SAFETY: within what was written.
            unsafe { ptr::copy(self.start.add(at + count), self.start.add(at), self.len - at - count) };
            self.len -= count;
        }
    }

    /// What was written, as an object; the buffer is empty then.
    pub(crate) fn take(&mut self) -> Py {
        let object = std::mem::replace(&mut self.object, ptr::null_mut());
        let (start, len) = (self.start, std::mem::replace(&mut self.len, 0));
        self.start = self.scratch.as_mut_ptr();
        self.room = self.scratch.capacity();
        // SAFETY: the content lies in memory of our own, or in the object that is made as long as it.
        unsafe {
            if object.is_null() {
                return Own::take(ffi::PyBytes_FromStringAndSize(start.cast(), len as isize));
            }
            let mut object = object;
            if _PyBytes_Resize(&mut object, len as isize) < 0 {
                return Err(Raised);
            }
            Own::take(object)
        }
    }

    /// The memory of our own, to be used again.
    pub(crate) fn into_scratch(mut self) -> Vec<u8> {
        std::mem::take(&mut self.scratch)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: an object that nobody else has.
        unsafe {
            if !self.object.is_null() {
                ffi::Py_DECREF(self.object);
            }
        }
    }
}

unsafe extern "C" {
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, len: isize) -> std::ffi::c_int;
}
