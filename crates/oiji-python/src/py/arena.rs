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
    use std::ffi::c_void;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use pyo3_ffi::{PyObject_GetArenaAllocator, PyObject_SetArenaAllocator, PyObjectArenaAllocator};

    type Alloc = extern "C" fn(*mut c_void, usize) -> *mut c_void;
    type Free = extern "C" fn(*mut c_void, *mut c_void, usize);

    /// The allocator that there was before, and what was asked of it since.
    struct Before {
        alloc: Option<Alloc>,
        free: Option<Free>,
        made: usize,
        /// Arenas that Python has not asked for yet, those at the highest addresses last.
        stock: Vec<(*mut c_void, usize)>,
    }

    // SAFETY: whoever holds the lock gives the memory away or back.
    unsafe impl Send for Before {}

    /// Interpreters with locks of their own have one allocator in common.
    static BEFORE: Mutex<Before> = Mutex::new(Before { alloc: None, free: None, made: 0, stock: Vec::new() });

    fn before() -> MutexGuard<'static, Before> {
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes are asked for at once to begin with, and later.
    const FIRST: usize = 4 << 20;
    const MOST: usize = 32 << 20;

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
        let mut before = before();
        let Some(alloc) = before.alloc else { return std::ptr::null_mut() };
        before.made += 1;
        if before.made == 1 {
            return alloc(ctx, size);
        }
        if before.stock.last().is_none_or(|last| last.1 != size) {
            let much = (size * before.made).next_power_of_two().clamp(FIRST, MOST);
            stock_up(&mut before, alloc, ctx, size, much / size);
        }
        let Some((place, _)) = before.stock.pop() else { return alloc(ctx, size) };
        // SAFETY: the arena is new and whole pages long, or the kernel refuses; where it cannot, nothing is lost.
        unsafe { libc::madvise(place, size, libc::MADV_POPULATE_WRITE) };
        place
    }

    /// Takes some arenas from who gave them before: the kernel places them side by side, and large pages cross their borders.
    #[cold]
    fn stock_up(before: &mut Before, alloc: Alloc, ctx: *mut c_void, size: usize, count: usize) {
        for _ in 0..count {
            if before.stock.try_reserve(1).is_err() {
                break;
            }
            let place = alloc(ctx, size);
            if place.is_null() {
                break;
            }
            // SAFETY: as for populating.
            unsafe { libc::madvise(place, size, libc::MADV_HUGEPAGE) };
            before.stock.push((place, size));
        }
        before.stock.sort_unstable();
    }

    pub(super) fn begin() -> bool {
        let mut allocator = current();
        if is_ours(&allocator) || allocator.alloc.is_none() || allocator.free.is_none() {
            return false;
        }
        let mut before = before();
        (before.alloc, before.free, before.made) = (allocator.alloc, allocator.free, 0);
        allocator.alloc = Some(arena);
        // SAFETY: we hold the GIL. Arenas are given back by the function that was there before.
        unsafe { PyObject_SetArenaAllocator(&raw mut allocator) };
        true
    }

    pub(super) fn end() {
        let mut allocator = current();
        if is_ours(&allocator) {
            let mut before = before();
            if let Some(free) = before.free {
                before.stock.drain(..).for_each(|(place, size)| free(allocator.ctx, place, size));
            }
            allocator.alloc = before.alloc;
            // SAFETY: as in `begin`.
            unsafe { PyObject_SetArenaAllocator(&raw mut allocator) };
        }
    }
}

impl Arenas {
    /// Sees to it from here on: much is to be made.
    pub(crate) fn ahead() -> Arenas {
        #[cfg(target_os = "linux")]
        let idle = !ahead::begin();
        #[cfg(not(target_os = "linux"))]
        let idle = true;
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
