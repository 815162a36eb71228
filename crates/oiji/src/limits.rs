//! How much a pickle may make us do. Every reader and writer spends from a `Budget`, and nowhere else.

use crate::error::{Error, ErrorKind, Result};

/// What one pickle, or one file of pickles, may cost at most.
///
/// The defaults let every honest pickle through that fits into memory and stop the rest. Memory is bounded by the input
/// in any case: no claim of a length or memo index makes us allocate before the bytes are there.
///
/// ```
/// use oiji::{Limits, ReadOptions};
/// let limits = Limits { ops: 3, ..Limits::default() };
/// let error = ReadOptions::new().limits(limits).from_slice(b"](K\x01K\x02e.").unwrap_err();
/// assert!(error.to_string().starts_with("limit reached: ops is 3"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of input, after decompression where there is some.
    pub bytes: u64,
    /// Ops executed.
    pub ops: u64,
    /// Levels of nesting that text output (`Display`, `show`) descends before it writes `...`.
    pub depth: u64,
    /// Memo entries held at once.
    pub memo_entries: u64,
    /// Bytes allocated in all for values, input that is borrowed not counted.
    pub allocation: u64,
    /// Decimal digits of one int in text (protocol 0).
    pub int_digits: u64,
    /// Containers visited again when shared values are unfolded (typed reads, plain JSON), beyond one visit each. A typed read
    /// may copy 64 bytes of shared text for each, beyond one copy of all.
    pub visits: u64,
    /// Levels of nesting that a typed read or write descends: there Rust's own stack is used.
    pub recursion: u64,
    /// Levels of nesting that a typed read builds in all, through pointers that hold one another: Rust's own stack is used
    /// when they are dropped.
    pub nesting: u64,
}

impl Limits {
    /// No limits. Only for input you wrote yourself: a small hostile file can then take all memory and time.
    pub fn unlimited() -> Self {
        Limits {
            bytes: u64::MAX,
            ops: u64::MAX,
            depth: u64::MAX,
            memo_entries: u64::MAX,
            allocation: u64::MAX,
            int_digits: u64::MAX,
            visits: u64::MAX,
            recursion: u64::MAX,
            nesting: u64::MAX,
        }
    }
}

impl Default for Limits {
    /// 64 GiB of input, 2^32 ops and memo entries, 64 GiB of values, 10 million digits, 1,000 levels as
    /// shown, 10 million visits, 200 levels of typed nesting and
    /// 2,000 through pointers.
    fn default() -> Self {
        Limits {
            bytes: 64 << 30,
            ops: 1 << 32,
            depth: 1_000,
            memo_entries: 1 << 32,
            allocation: 64 << 30,
            int_digits: 10_000_000,
            visits: 10_000_000,
            recursion: 200,
            nesting: 2_000,
        }
    }
}

/// What is left of some `Limits`.
#[derive(Clone, Debug)]
pub struct Budget {
    limits: Limits,
    ops: u64,
}

impl Budget {
    /// All of `limits`, nothing spent.
    pub fn new(limits: Limits) -> Self {
        Budget { limits, ops: limits.ops }
    }

    /// What was allowed at the start.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Spends one op.
    ///
    /// # Errors
    /// `Limit` when none is left.
    #[inline]
    pub fn op(&mut self) -> Result<()> {
        match self.ops.checked_sub(1) {
            Some(left) => self.ops = left,
            None => return Err(limit("ops", self.limits.ops)),
        }
        Ok(())
    }

    /// How many ops are left.
    #[inline]
    pub(crate) fn ops_left(&self) -> u64 {
        self.ops
    }

    /// Spends `count` ops, of which there are that many left.
    #[inline]
    pub(crate) fn spend_ops(&mut self, count: u64) {
        self.ops = self.ops.saturating_sub(count);
    }

    /// Checks that `bytes` may be held for values.
    ///
    /// # Errors
    /// `Limit` when that is too much.
    pub fn held(&self, bytes: u64) -> Result<()> {
        if bytes > self.limits.allocation {
            return Err(limit("allocation", self.limits.allocation));
        }
        Ok(())
    }

    /// Checks that the memo may hold `entries`.
    ///
    /// # Errors
    /// `Limit` when that is too many.
    #[inline]
    pub fn memo(&self, entries: u64) -> Result<()> {
        if entries > self.limits.memo_entries {
            return Err(limit("memo_entries", self.limits.memo_entries));
        }
        Ok(())
    }
}

#[cold]
fn limit(limit: &'static str, allowed: u64) -> Error {
    ErrorKind::Limit { limit, allowed }.into()
}
