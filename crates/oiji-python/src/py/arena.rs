//! Memory for many new objects, asked of the kernel in one piece.
//!
//! Python takes memory for small objects in arenas of up to a mebibyte, and the kernel gives each page of them at the first
//! touch: on long pickles that takes up to half of the time of a reading. While one goes on, all pages of a new arena are
//! asked for at once. The first arena is left alone: it may be the last.

/// As long as it lives, new arenas have their pages.
pub(crate) struct Arenas {
    /// Another reading around this one has seen to it, or there is no way.
    idle: bool,
}

#[cfg(target_os = "linux")]
mod ahead {
    use std::cell::UnsafeCell;
    use std::ffi::c_void;

    use pyo3_ffi::{PyObject_GetArenaAllocator, PyObject_SetArenaAllocator, PyObjectArenaAllocator};

    type Alloc = extern "C" fn(*mut c_void, usize) -> *mut c_void;

    /// What there was before, and how many arenas were made since.
    struct Before(UnsafeCell<(Option<Alloc>, usize)>);

    // SAFETY: it is looked at by who holds the GIL alone.
    unsafe impl Sync for Before {}

    static BEFORE: Before = Before(UnsafeCell::new((None, 0)));

    /// The allocator in use.
    fn current() -> PyObjectArenaAllocator {
        let mut allocator = PyObjectArenaAllocator { ctx: std::ptr::null_mut(), alloc: None, free: None };
        // SAFETY: we hold the GIL, and it fills in what is there.
        unsafe { PyObject_GetArenaAllocator(&raw mut allocator) };
        allocator
    }

    fn is_ours(allocator: &PyObjectArenaAllocator) -> bool {
        allocator.alloc.is_some_and(|alloc| std::ptr::fn_addr_eq(alloc, arena as Alloc))
    }

    /// Makes an arena as before, with its pages.
    extern "C" fn arena(ctx: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: Python asks for arenas with the GIL held.
        let (alloc, made) = unsafe { &mut *BEFORE.0.get() };
        let Some(alloc) = alloc else { return std::ptr::null_mut() };
        let place = alloc(ctx, size);
        *made += 1;
        if !place.is_null() && *made > 1 {
            // SAFETY: the arena is new and whole pages long, or the kernel refuses; where it cannot, nothing is lost.
            unsafe { libc::madvise(place, size, libc::MADV_POPULATE_WRITE) };
        }
        place
    }

    pub(super) fn begin() -> bool {
        let mut allocator = current();
        if is_ours(&allocator) || allocator.alloc.is_none() {
            return false;
        }
        // SAFETY: we hold the GIL. Arenas are given back by the function that was there before.
        unsafe {
            *BEFORE.0.get() = (allocator.alloc, 0);
            allocator.alloc = Some(arena);
            PyObject_SetArenaAllocator(&raw mut allocator);
        }
        true
    }

    pub(super) fn end() {
        let mut allocator = current();
        if is_ours(&allocator) {
            // SAFETY: as in `begin`.
            unsafe {
                allocator.alloc = (*BEFORE.0.get()).0;
                PyObject_SetArenaAllocator(&raw mut allocator);
            }
        }
    }
}

impl Arenas {
    /// Sees to it if `much` is to be made.
    #[inline]
    pub(crate) fn ahead(much: bool) -> Arenas {
        #[cfg(target_os = "linux")]
        let idle = !much || !ahead::begin();
        #[cfg(not(target_os = "linux"))]
        let idle = true | much;
        Arenas { idle }
    }
}

impl Drop for Arenas {
    #[inline]
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if !self.idle {
            ahead::end();
        }
    }
}
