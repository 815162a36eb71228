//! What clocks show in time zones that have a name, by the database that comes with the command.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Time zones that were asked for.
#[derive(Default)]
pub(crate) struct Zones {
    known: RefCell<HashMap<String, Option<TimeZone>>>,
}

impl Zones {
    /// How many seconds clocks are ahead of UTC there and then.
    pub(crate) fn offset(&self, name: &str, seconds: i64) -> Option<i32> {
        let mut known = self.known.borrow_mut();
        if !known.contains_key(name) {
            known.insert(name.to_owned(), TimeZone::get(name).ok());
        }
        let zone = known.get(name)?.as_ref()?;
        Some(zone.to_offset(Timestamp::from_second(seconds).ok()?).seconds())
    }

    /// What is to be said of those that there is nothing about.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let known = self.known.borrow();
        let names: BTreeSet<&String> = known.iter().filter(|(_, zone)| zone.is_none()).map(|(name, _)| name).collect();
        names.into_iter().map(|name| format!("the time zone {name} is not known here; its times are in UTC")).collect()
    }
}
