//! Know before you load: what a file would do if it were loaded, without loading it.
//!
//! The machine that loads runs here too, with a builder (`trace`) that makes no values and notes what is done: names, calls,
//! states, items, in order, also of results that are dropped and of pickles that break off later. `stream` goes on wherever
//! some real reader would; `contents` opens containers, by content. The judgement is the policy's.

mod contents;
mod report;
#[cfg(feature = "store")]
mod stores;
mod stream;
mod trace;
mod zip;

use std::fmt;

pub use report::{Effect, Finding, Report, Rule, Verdict};

use crate::error::Result;
use crate::inspect::scan::contents::Origin;
use crate::limits::Limits;
use crate::policy::Policy;

/// Scans a file, by our own policy: pickles and containers of them.
///
/// ```
/// use oiji::inspect::scan::{self, Verdict};
/// let report = scan::scan(b"cposix\nsystem\n(S'id'\ntR.");
/// assert_eq!(report.verdict(), Verdict::Dangerous);
/// ```
pub fn scan(bytes: &[u8]) -> Report {
    Scanner::new(Policy::builtin()).scan(bytes)
}

/// Decompresses bytes that begin as something compressed, up to a length beyond which it is an error; nothing for others.
pub type Unpack<'s> = dyn Fn(&[u8], u64) -> Option<Result<Vec<u8>>> + Sync + 's;

/// How files are scanned.
///
/// ```
/// use oiji::{inspect::scan::{Scanner, Verdict}, policy::Policy};
/// let policy = Policy::builtin().clone().with("allow shapes: Point = new state")?;
/// let report = Scanner::new(&policy).scan(b"\x80\x02cshapes\nPoint\n)\x81}b.");
/// assert_eq!(report.verdict(), Verdict::Clean);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Scanner<'s> {
    policy: &'s Policy,
    limits: Limits,
    unpack: Option<&'s Unpack<'s>>,
    budget: u64,
}

impl<'s> Scanner<'s> {
    /// A scanner by a policy; it decompresses up to a gigabyte of one file.
    pub fn new(policy: &'s Policy) -> Self {
        Scanner { policy, limits: Limits::default(), unpack: None, budget: 1 << 30 }
    }

    /// How files and members are decompressed that are not deflated in a ZIP. Unless set they are incomplete.
    #[must_use]
    pub fn unpack(mut self, unpack: &'s Unpack<'s>) -> Self {
        self.unpack = Some(unpack);
        self
    }

    /// How many bytes of one file are scanned, what is decompressed counted too.
    #[must_use]
    pub fn budget(mut self, bytes: u64) -> Self {
        self.budget = bytes;
        self
    }

    /// Scans a file. What cannot be read is a finding, never an error.
    pub fn scan(&self, bytes: &[u8]) -> Report {
        let mut report = Report { bytes: bytes.len() as u64, ..Report::default() };
        self.content(bytes, Origin::Whole, &mut report, 0);
        report
    }
}

impl fmt::Debug for Scanner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("limits", &self.limits).field("budget", &self.budget).finish_non_exhaustive()
    }
}
