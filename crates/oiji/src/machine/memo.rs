//! The memo: values by index. It grows by what it holds, never by what an index claims.

use rustc_hash::FxHashMap;

/// Values put aside by index, for a later `GET`.
///
/// ```
/// use oiji::machine::Memo;
/// let mut memo = Memo::default();
/// memo.put(4_294_967_295, 'a');
/// assert_eq!(memo.get(4_294_967_295), Some(&'a'));
/// assert_eq!(memo.count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Memo<V> {
    /// Small indexes, as writers use them.
    dense: Vec<Option<V>>,
    /// Indexes far beyond the count of entries.
    sparse: FxHashMap<u64, V>,
    count: u64,
}

/// How long a memo lasts where several pickles stand in one input.
///
/// ```
/// use oiji::machine::MemoScope;
/// assert_eq!(MemoScope::default(), MemoScope::EachPickle);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoScope {
    /// Each pickle begins with an empty memo, as with `pickle.load`.
    #[default]
    EachPickle,
    /// One memo over all of them, as with one `Unpickler`.
    WholeInput,
}

/// How far an index may run ahead of twice the count of entries and still be dense.
const SLACK: u64 = 256;

impl<V> Memo<V> {
    /// The value put at `index` last.
    #[inline]
    pub fn get(&self, index: u64) -> Option<&V> {
        match self.dense.get(index as usize) {
            Some(Some(value)) => Some(value),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&index),
        }
    }

    /// Puts `value` at `index`, in place of what was there.
    #[inline]
    pub fn put(&mut self, index: u64, value: V) {
        let len = self.dense.len() as u64;
        if index == len && self.sparse.is_empty() {
            self.dense.push(Some(value));
            self.count += 1;
            return;
        }
        self.put_elsewhere(index, value);
    }

    /// Puts `value` at an index far beyond those that are counted.
    pub(super) fn put_uncounted(&mut self, index: u64, value: V) {
        self.sparse.insert(index, value);
    }

    fn put_elsewhere(&mut self, index: u64, value: V) {
        if index >= self.dense.len() as u64 && index <= 2 * self.count + SLACK {
            self.dense.resize_with(index as usize + 1, || None);
        }
        let before = match self.dense.get_mut(index as usize) {
            Some(slot) => slot.replace(value).or_else(|| self.sparse.remove(&index)),
            None => self.sparse.insert(index, value),
        };
        self.count += u64::from(before.is_none());
    }

    /// How many indexes hold a value; the index that `MEMOIZE` uses.
    #[inline]
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Memo { dense: Vec::new(), sparse: FxHashMap::default(), count: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_once_whether_dense_or_sparse() {
        let mut memo = Memo::default();
        for index in [0, 7, 1 << 32, 7, 1 << 32, 1] {
            memo.put(index, index);
        }
        assert_eq!(memo.count(), 4);
        assert_eq!(memo.get(7), Some(&7));
        assert_eq!(memo.get(1 << 32), Some(&(1 << 32)));
        assert_eq!(memo.get(2), None);
    }

    #[test]
    fn a_sparse_entry_is_found_after_the_dense_part_has_grown_past_it() {
        let mut memo = Memo::default();
        memo.put(300, 'a');
        for index in 0..400 {
            if index != 300 {
                memo.put(index, 'b');
            }
        }
        assert_eq!(memo.get(300), Some(&'a'));
        assert_eq!(memo.count(), 400);
        memo.put(300, 'c');
        assert_eq!(memo.get(300), Some(&'c'));
        assert_eq!(memo.count(), 400);
    }
}
