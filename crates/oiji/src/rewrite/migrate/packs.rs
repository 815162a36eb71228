//! Rules that come along, for what happened to libraries that many files refer to. Each is a TOML file in `packs`.

use crate::rewrite::Migration;
use crate::rewrite::migrate::parse;

/// Rules that come along.
///
/// ```
/// use oiji::rewrite::Pack;
/// let pack = Pack::all().find(|pack| pack.name() == "numpy-1-to-2").unwrap();
/// assert!(pack.text().contains("numpy._core"));
/// assert!(pack.migration().is_names_only());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    name: &'static str,
    text: &'static str,
}

const PACKS: &[Pack] = &[
    Pack { name: "numpy-1-to-2", text: include_str!("packs/numpy-1-to-2.toml") },
    Pack { name: "numpy-2-to-1", text: include_str!("packs/numpy-2-to-1.toml") },
    Pack { name: "pandas-to-2", text: include_str!("packs/pandas-to-2.toml") },
    Pack { name: "pandas-2-to-3", text: include_str!("packs/pandas-2-to-3.toml") },
    Pack { name: "sklearn", text: include_str!("packs/sklearn.toml") },
    Pack { name: "scipy-sparse", text: include_str!("packs/scipy-sparse.toml") },
    Pack { name: "python-2-to-3", text: include_str!("packs/python-2-to-3.toml") },
    Pack { name: "python-3-to-2", text: include_str!("packs/python-3-to-2.toml") },
];

impl Pack {
    /// All packs, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Pack> {
        PACKS.iter().copied()
    }

    /// Its name: `numpy-1-to-2`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What it is for, in a line: the first of its text.
    pub fn about(self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }

    /// The rules as they stand in its file.
    pub fn text(self) -> &'static str {
        self.text
    }

    /// The rules. A test holds that each can be read.
    pub fn migration(self) -> Migration {
        let rules = parse::parse(self.text).into_iter().collect();
        Migration { rules, ..Migration::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_every_pack_can_be_read() {
        for pack in Pack::all() {
            if let Err(error) = Migration::from_toml(pack.text()) {
                unreachable!("{}", error.in_file(pack.name()));
            }
            assert!(!pack.migration().is_empty(), "{}", pack.name());
            assert!(pack.text().starts_with("# "), "{}", pack.name());
        }
    }
}
