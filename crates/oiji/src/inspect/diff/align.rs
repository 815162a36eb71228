//! Which items of two lists belong together: the same ones, and between them those in the same place.
//!
//! Knows numbers alone, one for each item; equal numbers are equal items. Source: E. Myers, "An O(ND) Difference Algorithm
//! and Its Variations", 1986.

/// One step through both lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairing {
    /// An item of each, by index.
    Both(usize, usize),
    /// An item of the left one alone.
    Left(usize),
    /// An item of the right one alone.
    Right(usize),
}

/// How many insertions and removals are looked for; beyond, items are paired by place.
const MOST_EDITS: usize = 400;

/// The pairings of two lists, in order.
pub(super) fn align(left: &[u64], right: &[u64]) -> Vec<Pairing> {
    let prefix = left.iter().zip(right).take_while(|(one, two)| one == two).count();
    let (left_rest, right_rest) = (&left[prefix..], &right[prefix..]);
    let suffix = left_rest.iter().rev().zip(right_rest.iter().rev()).take_while(|(one, two)| one == two).count();
    let (left_middle, right_middle) =
        (&left_rest[..left_rest.len() - suffix], &right_rest[..right_rest.len() - suffix]);
    let mut pairings: Vec<Pairing> = (0..prefix).map(|index| Pairing::Both(index, index)).collect();
    let middle = match shortest(left_middle, right_middle) {
        Some(middle) => join(middle),
        None => by_place(left_middle.len(), right_middle.len()),
    };
    pairings.extend(middle.into_iter().map(|pairing| match pairing {
        Pairing::Both(one, two) => Pairing::Both(one + prefix, two + prefix),
        Pairing::Left(one) => Pairing::Left(one + prefix),
        Pairing::Right(two) => Pairing::Right(two + prefix),
    }));
    let ends = (left.len() - suffix, right.len() - suffix);
    pairings.extend((0..suffix).map(|index| Pairing::Both(ends.0 + index, ends.1 + index)));
    pairings
}

fn by_place(left: usize, right: usize) -> Vec<Pairing> {
    let both = (0..left.min(right)).map(|index| Pairing::Both(index, index));
    let rest = (right..left).map(Pairing::Left).chain((left..right).map(Pairing::Right));
    both.chain(rest).collect()
}

/// The fewest insertions and removals that lead from one list to the other, if they are few.
fn shortest(left: &[u64], right: &[u64]) -> Option<Vec<Pairing>> {
    if left.is_empty() || right.is_empty() || left.len() == right.len() {
        return None;
    }
    let most = MOST_EDITS.min(left.len() + right.len());
    let width = 2 * most + 1;
    let mut furthest = vec![0_usize; width + 1];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=most {
        trace.push(furthest.clone());
        for step in 0..=edits {
            // The diagonal, shifted so that it is no negative number.
            let diagonal = most + 2 * step - edits;
            let down = step == 0 || (step != edits && furthest[diagonal - 1] < furthest[diagonal + 1]);
            let mut x = if down { furthest[diagonal + 1] } else { furthest[diagonal - 1] + 1 };
            let Some(mut y) = (x + most).checked_sub(diagonal) else { continue };
            while x < left.len() && y < right.len() && left[x] == right[y] {
                x += 1;
                y += 1;
            }
            furthest[diagonal] = x;
            if x >= left.len() && y >= right.len() {
                return Some(walk_back(&trace, most, left.len(), right.len()));
            }
        }
    }
    None
}

fn walk_back(trace: &[Vec<usize>], most: usize, mut x: usize, mut y: usize) -> Vec<Pairing> {
    let mut pairings = Vec::new();
    for (edits, furthest) in trace.iter().enumerate().rev() {
        let diagonal = x + most - y;
        let lowest = diagonal + edits == most;
        let highest = diagonal == most + edits;
        let down = lowest || (!highest && furthest[diagonal - 1] < furthest[diagonal + 1]);
        let before = if down { diagonal + 1 } else { diagonal - 1 };
        let start_x = if edits == 0 { 0 } else { furthest[before] };
        let start_y = (start_x + most).saturating_sub(before);
        let (mid_x, mid_y) = match (edits, down) {
            (0, _) => (0, 0),
            (_, true) => (start_x, start_y + 1),
            (_, false) => (start_x + 1, start_y),
        };
        while x > mid_x && y > mid_y {
            x -= 1;
            y -= 1;
            pairings.push(Pairing::Both(x, y));
        }
        if edits > 0 {
            pairings.push(if down { Pairing::Right(start_y) } else { Pairing::Left(start_x) });
        }
        (x, y) = (start_x, start_y);
    }
    pairings.reverse();
    pairings
}

/// A removal beside an insertion is one item that changed.
fn join(pairings: Vec<Pairing>) -> Vec<Pairing> {
    let mut joined: Vec<Pairing> = Vec::with_capacity(pairings.len());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let flush = |left: &mut Vec<usize>, right: &mut Vec<usize>, joined: &mut Vec<Pairing>| {
        let both = left.len().min(right.len());
        joined.extend(left.iter().zip(right.iter()).map(|(one, two)| Pairing::Both(*one, *two)));
        joined.extend(left.drain(..).skip(both).map(Pairing::Left));
        joined.extend(right.drain(..).skip(both).map(Pairing::Right));
    };
    for pairing in pairings {
        match pairing {
            Pairing::Left(one) => left.push(one),
            Pairing::Right(two) => right.push(two),
            Pairing::Both(..) => {
                flush(&mut left, &mut right, &mut joined);
                joined.push(pairing);
            }
        }
    }
    flush(&mut left, &mut right, &mut joined);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(left: &[u64], right: &[u64]) -> Vec<Pairing> {
        let changed = |pairing: &Pairing| match pairing {
            Pairing::Both(one, two) => left[*one] != right[*two],
            _ => true,
        };
        align(left, right).into_iter().filter(changed).collect()
    }

    #[test]
    fn one_item_put_in_is_one_difference() {
        let left: Vec<u64> = (0..100).collect();
        let mut right = left.clone();
        right.insert(50, 777);
        assert_eq!(edits(&left, &right), [Pairing::Right(50)]);
        assert_eq!(edits(&right, &left), [Pairing::Left(50)]);
    }

    #[test]
    fn several_changes_are_found_where_they_are() {
        let left = [1, 2, 3, 4, 5, 6, 7, 8];
        let right = [1, 3, 4, 9, 9, 5, 6, 7, 10];
        let found = edits(&left, &right);
        assert_eq!(found, [Pairing::Left(1), Pairing::Right(3), Pairing::Right(4), Pairing::Both(7, 8)]);
    }

    #[test]
    fn every_item_is_in_exactly_one_pairing() {
        let mut state = 1_u64;
        let mut random = move |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for _ in 0..2_000 {
            let left: Vec<u64> = (0..random(12)).map(|_| random(4)).collect();
            let right: Vec<u64> = (0..random(12)).map(|_| random(4)).collect();
            let (mut lefts, mut rights) = (Vec::new(), Vec::new());
            for pairing in align(&left, &right) {
                match pairing {
                    Pairing::Both(one, two) => {
                        lefts.push(one);
                        rights.push(two);
                    }
                    Pairing::Left(one) => lefts.push(one),
                    Pairing::Right(two) => rights.push(two),
                }
            }
            assert!(lefts.iter().copied().eq(0..left.len()), "{left:?} {right:?} {lefts:?}");
            assert!(rights.iter().copied().eq(0..right.len()), "{left:?} {right:?} {rights:?}");
        }
    }
}
