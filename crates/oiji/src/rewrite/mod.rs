//! Pickles in, pickles out: the same value in other bytes, or another value by rules.
//!
//! `optimize` copies ops and makes no value. `canonical` writes equal graphs alike. `migrate` changes ops where that is enough, and graphs where it is not.

mod canonical;
#[cfg(feature = "migrate")]
mod migrate;
mod optimize;

#[cfg(feature = "migrate")]
pub use migrate::{LiveRules, Migration, NewState, NewValue, OldState, Pack, Pattern, Report, RulesError};

pub use canonical::canonical;
pub use optimize::{optimize, optimize_all};
