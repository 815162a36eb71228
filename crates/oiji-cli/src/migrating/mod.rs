//! What `migrate` does to one file: its rules, its bytes in and out, what it takes note of so that nothing is done twice.

pub(crate) mod file;
pub(crate) mod journal;
pub(crate) mod sqlite;
pub(crate) mod suggest;

use std::fs;
use std::path::PathBuf;

use oiji::rewrite::{Migration, Pack};

use crate::failure::{Failure, explain_io};
use crate::output;

/// Rules to migrate by.
#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    /// Rules in TOML; several are followed one after another
    #[arg(long = "rules", value_name = "FILE")]
    rules: Vec<PathBuf>,

    /// Rules that come along, before those of files: `--list-packs` names them
    #[arg(long = "pack", value_name = "NAME")]
    packs: Vec<String>,

    /// Move what is of `__main__`, the script that wrote it, to this module
    #[arg(long = "main", value_name = "MODULE")]
    main: Option<String>,
}

impl RulesArgs {
    /// Whether any rules are asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.packs.is_empty() && self.main.is_none()
    }

    /// The rules, and all of their text.
    pub(crate) fn migration(&self) -> Result<(Migration, String), Failure> {
        let mut migration = Migration::new();
        let mut text = String::new();
        if let Some(module) = &self.main {
            migration = migration.then(Migration::main_to(module));
            text.push_str(module);
        }
        for name in &self.packs {
            let pack = Pack::all().find(|pack| pack.name() == name);
            let pack = pack.ok_or_else(|| {
                let near = Pack::all().max_by(|one, other| {
                    let like = |pack: &Pack| strsim::jaro_winkler(pack.name(), name);
                    like(one).total_cmp(&like(other))
                });
                let near = near.map(|pack| format!("; did you mean {}?", pack.name())).unwrap_or_default();
                Failure::about(&format!("--pack {name}"), format!("no such pack{near}"))
            })?;
            migration = migration.then(pack.migration());
            text.push_str(pack.text());
        }
        for file in &self.rules {
            let name = output::name(file);
            let rules = fs::read_to_string(file).map_err(|error| Failure::about(&name, explain_io(&error)))?;
            let read =
                Migration::from_toml(&rules).map_err(|error| Failure::Shown(error.in_file(&name).to_string()))?;
            migration = migration.then(read);
            text.push_str(&rules);
        }
        Ok((migration, text))
    }
}
