//! The `oiji` command: look into Python pickles, take them apart, convert and compare them.
//!
//! Here a command line becomes a call of one of `commands`, and what comes of it an exit status. What commands read is in
//! `input`, what they write in `output`, what they say when something is wrong in `failure`.

mod cli;
mod commands;
mod compression;
mod content;
mod destination;
mod failure;
mod flat;
mod holding;
mod input;
mod keys;
mod looking;
mod migrating;
mod options;
mod output;
mod pages;
mod parallel;
mod progress;
mod replace;
mod rewriting;
mod sarif;
mod scanning;
mod stores;
mod table;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    output::prepare_terminal();
    commands::run(cli::Cli::parse()).into()
}
