//! Names of members: each once, and none that is taken for something else.

use std::collections::HashSet;

/// The pickle, and where Python's `oiji.archive` keeps what views have in common.
const RESERVED: [&str; 2] = ["pkl", "ties"];

/// Gives names out.
pub(crate) struct Names {
    taken: HashSet<String>,
    numbered: u64,
}

impl Names {
    pub(crate) fn new() -> Self {
        Names { taken: RESERVED.map(str::to_owned).into(), numbered: 0 }
    }

    /// `wanted`, or `wanted_2`, `wanted_3`… where it is taken.
    pub(crate) fn named(&mut self, wanted: &str) -> String {
        if self.taken.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let mut count = 2_u64;
        loop {
            let name = format!("{wanted}_{count}");
            if self.taken.insert(name.clone()) {
                return name;
            }
            count += 1;
        }
    }

    /// The next of `array_0`, `array_1`… that is free.
    pub(crate) fn numbered(&mut self) -> String {
        loop {
            let name = format!("array_{}", self.numbered);
            self.numbered += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::new();
        let named = ["foo", "foo", "foo_2", "array_0", "pkl"].map(|name| names.named(name));
        assert_eq!(named, ["foo", "foo_2", "foo_2_2", "array_0", "pkl_2"]);
        assert_eq!([names.numbered(), names.numbered()], ["array_1", "array_2"]);
    }
}
