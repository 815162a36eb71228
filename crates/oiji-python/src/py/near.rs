//! What the items of a long list lead to, brought near before it is written.
//!
//! Where objects lie all over memory, most of the time of writing them goes by while the processor waits. A dict is near in three
//! steps: itself, its entries, its values; and so are tuples, sets and instances.

use super::layout::{self, Pairs};
use super::{Exact, Obj};

/// So many items ahead an item is brought near, what it has, the attributes that its dict shows, and what all that has.
const ITEM: usize = 24;
const HAS: usize = 16;
const SHOWN: usize = 10;
const HELD: usize = 5;
/// So many of one item at the most.
const MOST: usize = 16;
/// Shorter lists are near anyway.
pub(crate) const LONG: usize = 256;

/// Brings near what comes after the item at `at`. The layout must be known.
#[inline]
pub(crate) fn bring(items: &[Option<Obj<'_>>], at: usize) {
    if let Some(item) = item(items, at + ITEM) {
        item.prefetch();
        item.prefetch_before();
    }
    bring_held(items, at);
}

/// As `bring`, where the items themselves are near.
#[inline]
pub(crate) fn bring_held(items: &[Option<Obj<'_>>], at: usize) {
    if let Some(item) = item(items, at + HAS) {
        match item.exact() {
            Exact::Dict => Pairs::prefetch_entries(item),
            Exact::Tuple => prefetch_all(item.tuple_slice_borrowed()),
            Exact::Other => layout::prefetch_attributes(item),
            _ => {}
        }
    }
    if let Some(item) = item(items, at + SHOWN)
        && item.exact() == Exact::Other
    {
        layout::prefetch_shown(item);
    }
    let Some(item) = item(items, at + HELD) else { return };
    match item.exact() {
        Exact::Dict => {
            if let Some(pairs) = Pairs::of(item, 0) {
                pairs.prefetch_values(MOST);
            }
        }
        Exact::Tuple => {
            for inner in item.tuple_slice_borrowed().iter().take(MOST).flatten() {
                if inner.exact() == Exact::Tuple {
                    prefetch_all(inner.tuple_slice_borrowed());
                }
            }
        }
        Exact::Set => layout::prefetch_set(item),
        Exact::Other => {
            if let Some(attributes) = layout::attributes(item) {
                attributes.prefetch_values(MOST);
            } else {
                layout::prefetch_slots(item);
            }
        }
        _ => {}
    }
}

#[inline(always)]
fn item<'a>(items: &[Option<Obj<'a>>], at: usize) -> Option<Obj<'a>> {
    items.get(at).copied().flatten()
}

#[inline]
fn prefetch_all(items: &[Option<Obj<'_>>]) {
    items.iter().take(MOST).flatten().for_each(|item| item.prefetch());
}
