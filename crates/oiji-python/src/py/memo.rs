//! The memo of a pickler: what was written, by address, with its index.
//!
//! Few objects stand in one open-addressed table. Many stand by page: a table from pages of memory to blocks with one place
//! for each sixteen bytes of the page, because objects that are pickled after one another mostly lie beside one another.
//!
//! As long as no code but ours runs, nothing that is in the graph can go away, and nothing is held. `hold` comes before the
//! first code that is not ours; from then on everything in the memo is kept alive. Until then, what nobody but the one
//! object that holds it can lead to need not be found: it is only put in order, `loose`, and has its place from `hold` on.
//! Whoever begins anew before code that is not ours needs no order either: what is loose is counted, and that is all.

use std::ptr::NonNull;

use pyo3_ffi as ffi;

use super::layout::{Place, place};
use super::{Obj, Own};

/// Up to so many entries, one table is enough.
const FEW: usize = 256;
const PAGE_BITS: u32 = 12;
const PAGE_PLACES: usize = 1 << (PAGE_BITS - 4);
const TOGETHER: usize = 64;
/// Room for so many is kept for the next pickle.
const MOST_KEPT: usize = 1 << 16;
/// Room is made for so many at the most before they come.
const MOST_EXPECTED: usize = 16 << 20;
/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Marks an entry that is an address within an object, and no object.
const WITHIN: usize = 1;
/// Marks an entry that has no place in a table yet.
const LOOSE: usize = 2;

/// Objects by address.
#[derive(Default)]
pub(crate) struct Memo {
    /// Addresses with indexes plus one; an index of zero is an empty place.
    few: Vec<(usize, u32)>,
    few_shift: u32,
    few_count: usize,
    /// Pages with block numbers plus one.
    pages: Vec<(usize, u32)>,
    page_shift: u32,
    page_count: usize,
    /// Blocks, so many together: growing copies none of them, and their memory is used again.
    blocks: Vec<Box<[[u32; PAGE_PLACES]]>>,
    last_page: usize,
    last_block: usize,
    /// What was put in, in order.
    order: Vec<usize>,
    /// Whether there is no order: this memo will not `hold`.
    unordered: bool,
    /// The index that the next one gets.
    next: u32,
    /// How many of `order` are held.
    held: usize,
    has_loose: bool,
    holds: bool,
    /// How many the last pickle had.
    expected: usize,
}

impl Memo {
    /// The index that the next object gets.
    #[inline]
    pub(crate) fn next_index(&self) -> u32 {
        self.next
    }

    /// The index of an object.
    #[inline]
    pub(crate) fn get(&mut self, object: Obj<'_>) -> Option<u32> {
        self.find(object.address())
    }

    /// The index of an address within an object.
    pub(crate) fn get_within(&mut self, address: usize) -> Option<u32> {
        self.find(address)
    }

    #[inline(always)]
    fn find(&mut self, address: usize) -> Option<u32> {
        if self.blocks.is_empty() {
            if self.few.is_empty() {
                return None;
            }
            let at = place_of(&self.few, of_address(address) >> self.few_shift, address);
            return self.few[at].1.checked_sub(1);
        }
        let page = address >> PAGE_BITS;
        if page != self.last_page {
            self.last_block = self.block_of(page)?;
            self.last_page = page;
        }
        self.blocks[self.last_block / TOGETHER][self.last_block % TOGETHER][address >> 4 & (PAGE_PLACES - 1)]
            .checked_sub(1)
    }

    #[inline]
    fn block_of(&self, page: usize) -> Option<usize> {
        let at = place_of(&self.pages, of_page(page) >> self.page_shift, page);
        self.pages[at].1.checked_sub(1).map(|block| block as usize)
    }

    /// Puts in an object that is not there, with the next index.
    #[inline(always)]
    pub(crate) fn put(&mut self, object: Obj<'_>) {
        let index = self.next;
        self.set(object, index);
    }

    /// The index of an object, or nothing: then it was put in, with the next index.
    #[inline(always)]
    pub(crate) fn get_or_put(&mut self, object: Obj<'_>) -> Option<u32> {
        let address = object.address();
        if !self.blocks.is_empty() || 2 * (self.few_count + 1) > self.few.len() {
            let found = self.find(address);
            if found.is_none() {
                self.put(object);
            }
            return found;
        }
        let at = place_of(&self.few, of_address(address) >> self.few_shift, address);
        if let Some(found) = self.few[at].1.checked_sub(1) {
            return Some(found);
        }
        self.few[at] = (address, self.next + 1);
        self.few_count += 1;
        self.enter_object(object);
        self.next += 1;
        None
    }

    /// Puts an object in, or gives it another index.
    #[inline(always)]
    pub(crate) fn set(&mut self, object: Obj<'_>, index: u32) {
        let address = object.address();
        if !self.place(address, index) {
            return;
        }
        self.enter_object(object);
        self.next = (self.next + 1).max(index.saturating_add(1));
    }

    /// Counts something that has no address of its own, but one within an object that is in the memo.
    #[inline]
    pub(crate) fn put_within(&mut self, owner: Obj<'_>, address: usize) {
        let index = self.next;
        self.place(address, index);
        self.enter(owner.address() | WITHIN);
        self.next += 1;
    }

    /// Puts an object in order, and keeps it alive if all are.
    #[inline(always)]
    fn enter_object(&mut self, object: Obj<'_>) {
        self.enter(object.address());
        if self.holds {
            std::mem::forget(object.own());
        }
    }

    /// Puts an entry in order.
    #[inline(always)]
    fn enter(&mut self, entry: usize) {
        if self.unordered {
            return;
        }
        self.order.push(entry);
        if self.holds {
            self.held = self.order.len();
        }
    }

    /// Whether `put_loose` may be used: the indexes are those of the order.
    pub(crate) fn may_be_loose(&self) -> bool {
        !self.holds && self.order.len() == self.next as usize
    }

    /// Keeps no order, until it is made empty. Nothing may be in it.
    pub(crate) fn keep_no_order(&mut self) {
        debug_assert!(self.next == 0 && !self.holds);
        self.unordered = true;
    }

    /// Counts so many that are loose, where there is no order.
    #[inline]
    pub(crate) fn count_loose(&mut self, count: u32) {
        debug_assert!(self.unordered);
        self.next += count;
    }

    /// Puts in an object that is not there and that nobody asks for before `hold`.
    #[inline(always)]
    pub(crate) fn put_loose(&mut self, object: Obj<'_>) {
        self.enter(object.address() | LOOSE);
        self.has_loose = true;
        self.next += 1;
    }

    /// As `put_within`, for the attributes of an instance, for which nobody asks before `hold`.
    #[inline]
    pub(crate) fn put_attributes_loose(&mut self, owner: Obj<'_>) {
        self.enter(owner.address() | WITHIN | LOOSE);
        self.has_loose = true;
        self.next += 1;
    }

    /// Gives all that is loose its place.
    fn fasten(&mut self) {
        self.has_loose = false;
        for at in self.held..self.order.len() {
            let entry = self.order[at];
            if entry & LOOSE == 0 {
                continue;
            }
            let entry = entry & !LOOSE;
            self.order[at] = entry;
            if entry & WITHIN == 0 {
                self.place(entry, at as u32);
                continue;
            }
            // SAFETY: nothing that is in the memo has gone while only our code ran.
            if let Some(owner) = unsafe { Obj::borrowed((entry & !WITHIN) as *mut ffi::PyObject) }
                && let Place::Values(values) = place(owner)
            {
                self.place(values.address(), at as u32);
            }
        }
    }

    /// Counts something that nobody can come back to.
    #[inline]
    pub(crate) fn skip(&mut self) {
        self.enter(WITHIN);
        self.next += 1;
    }

    /// Tells whether the address is new.
    #[inline(always)]
    fn place(&mut self, address: usize, index: u32) -> bool {
        if self.blocks.is_empty() {
            if 2 * (self.few_count + 1) <= self.few.len() {
                let new = insert(&mut self.few, of_address(address) >> self.few_shift, address, index);
                self.few_count += usize::from(new);
                return new;
            }
            return self.grow_few(address, index);
        }
        let page = address >> PAGE_BITS;
        if page != self.last_page {
            self.last_block = match self.block_of(page) {
                Some(block) => block,
                None => self.add_page(page),
            };
            self.last_page = page;
        }
        let block = &mut self.blocks[self.last_block / TOGETHER][self.last_block % TOGETHER];
        let place = &mut block[address >> 4 & (PAGE_PLACES - 1)];
        let new = *place == 0;
        *place = index + 1;
        new
    }

    #[cold]
    #[inline(never)]
    fn grow_few(&mut self, address: usize, index: u32) -> bool {
        let before = std::mem::take(&mut self.few);
        if before.len() < 2 * FEW {
            let len = (4 * before.len()).max(32);
            self.few_shift = 64 - len.trailing_zeros();
            self.few = vec![(0, 0); len];
            for (address, index) in before.into_iter().filter(|(_, index)| *index > 0) {
                insert(&mut self.few, of_address(address) >> self.few_shift, address, index - 1);
            }
        } else {
            let expected = if self.unordered { 0 } else { self.expected.min(MOST_EXPECTED) };
            self.order.reserve(expected.saturating_sub(self.order.len()));
            self.pages = vec![(0, 0); 64];
            self.page_shift = 64 - 6;
            self.last_page = address >> PAGE_BITS;
            self.last_block = self.add_page(self.last_page);
            for (address, index) in before.into_iter().filter(|(_, index)| *index > 0) {
                self.place(address, index - 1);
            }
        }
        self.place(address, index)
    }

    #[cold]
    #[inline(never)]
    fn add_page(&mut self, page: usize) -> usize {
        if 2 * (self.page_count + 1) > self.pages.len() {
            let len = 4 * self.pages.len();
            self.page_shift = 64 - len.trailing_zeros();
            let before = std::mem::replace(&mut self.pages, vec![(0, 0); len]);
            for (page, block) in before.into_iter().filter(|(_, block)| *block > 0) {
                insert(&mut self.pages, of_page(page) >> self.page_shift, page, block - 1);
            }
        }
        let block = self.page_count;
        if block.is_multiple_of(TOGETHER) {
            self.blocks.push(vec![[0; PAGE_PLACES]; TOGETHER].into_boxed_slice());
        }
        insert(&mut self.pages, of_page(page) >> self.page_shift, page, block as u32);
        self.page_count += 1;
        block
    }

    /// Whether everything is kept alive.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// Keeps alive what is in it, and what comes.
    #[cold]
    #[inline(never)]
    pub(crate) fn hold(&mut self) {
        debug_assert!(!self.unordered);
        if self.has_loose {
            self.fasten();
        }
        #[cfg(all(Py_3_11, not(Py_3_13)))]
        let is_first = !self.holds;
        self.holds = true;
        for address in &self.order[self.held..] {
            if address & WITHIN == 0 {
                // SAFETY: nothing that is in the memo has gone while only our code ran.
                unsafe { ffi::Py_INCREF(*address as *mut ffi::PyObject) };
            }
        }
        self.held = self.order.len();
        // What comes later is written with its dict.
        #[cfg(all(Py_3_11, not(Py_3_13)))]
        if is_first {
            self.make_dicts();
        }
    }

    /// Makes the dicts of instances that were written without them: where they are beside the instance, user code may move
    /// the attributes away, and others to where they were.
    #[cfg(all(Py_3_11, not(Py_3_13)))]
    fn make_dicts(&mut self) {
        for at in 0..self.order.len() {
            // SAFETY: an owner is in the memo by itself, or held by what is.
            let owner = match self.order[at] {
                owner if owner & WITHIN != 0 => unsafe { Obj::borrowed((owner & !WITHIN) as *mut ffi::PyObject) },
                _ => None,
            };
            let Some(owner) = owner else { continue };
            let Place::Values(values) = place(owner) else { continue };
            let Some(index) = self.find(values.address()) else { continue };
            // SAFETY: as above.
            match unsafe { Own::take(ffi::PyObject_GenericGetDict(owner.raw(), std::ptr::null_mut())) } {
                Ok(dict) => {
                    self.place(dict.obj().address(), index);
                    self.order[at] = dict.into_raw() as usize;
                }
                Err(super::Raised) => super::clear(),
            }
        }
    }

    /// All objects with their indexes; all are held.
    pub(crate) fn entries(&mut self) -> Vec<(Own, u32)> {
        self.hold();
        let order: Vec<usize> = self.order.iter().copied().filter(|address| address & WITHIN == 0).collect();
        let mut entries = Vec::with_capacity(order.len());
        for address in order {
            // SAFETY: what is held is alive.
            if let (Some(object), Some(index)) =
                (unsafe { Obj::borrowed(address as *mut ffi::PyObject) }, self.find(address))
            {
                entries.push((object.own(), index));
            }
        }
        entries
    }

    /// Gives each object that it keeps alive.
    pub(crate) fn visit(&self, visit: &mut dyn FnMut(Obj<'_>)) {
        for address in &self.order[..self.held] {
            if address & WITHIN == 0
                && let Some(object) = NonNull::new(*address as *mut ffi::PyObject)
            {
                visit(Obj(object, std::marker::PhantomData));
            }
        }
    }

    /// Makes it empty, and keeps memory for the next pickle if it is little.
    pub(crate) fn clear(&mut self) {
        let expected = self.next as usize;
        if self.held > 0 || !self.blocks.is_empty() {
            // What goes may run user code, which must not find it.
            drop(std::mem::take(self));
        } else {
            if self.few.len() > 128 {
                self.few = Vec::new();
            }
            if self.few_count > 0 {
                self.few.fill((0, 0));
            }
            self.order.clear();
            self.order.shrink_to(MOST_KEPT);
            (self.few_count, self.next, self.holds, self.has_loose) = (0, 0, false, false);
            self.unordered = false;
        }
        self.expected = expected;
    }

    /// What it takes up in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        (self.few.capacity() + self.pages.capacity()) * size_of::<(usize, u32)>()
            + self.blocks.len() * TOGETHER * size_of::<[u32; PAGE_PLACES]>()
            + self.order.capacity() * size_of::<usize>()
    }
}

/// The hash of an address: objects begin at every sixteenth.
#[inline]
fn of_address(address: usize) -> u64 {
    of_page(address >> 4)
}

/// The hash of a page.
#[inline]
fn of_page(page: usize) -> u64 {
    (page as u64).wrapping_mul(GOLDEN)
}

/// Where `key` is in a table with room, or is to be put: the first place from `at` on that is its own or empty.
#[inline(always)]
fn place_of(table: &[(usize, u32)], at: u64, key: usize) -> usize {
    let mask = table.len() - 1;
    let mut at = at as usize & mask;
    while table[at].1 != 0 && table[at].0 != key {
        at = (at + 1) & mask;
    }
    at
}

/// Puts `key` into a table with room, from the place `at` on; tells whether it is new.
#[inline]
fn insert(table: &mut [(usize, u32)], at: u64, key: usize, value: u32) -> bool {
    let at = place_of(table, at, key);
    let is_new = table[at].1 == 0;
    table[at] = (key, value + 1);
    is_new
}

impl Drop for Memo {
    fn drop(&mut self) {
        // What goes may run user code, which cannot come back to this memo: it is in nobody's hands any more.
        for address in self.order.drain(..).take(self.held) {
            if address & WITHIN == 0 {
                // SAFETY: it was held, once.
                unsafe { ffi::Py_DECREF(address as *mut ffi::PyObject) };
            }
        }
    }
}
