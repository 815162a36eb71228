//! `oiji completions`: what a shell needs to complete command lines.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Failure, Status};
use crate::output;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji completions bash > ~/.local/share/bash-completion/completions/oiji
  oiji completions zsh > ~/.zfunc/_oiji
  oiji completions fish > ~/.config/fish/completions/oiji.fish

Exit status:
  0  done
  2  the script could not be written")]
pub(crate) struct Args {
    /// The shell that is to complete.
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    // Rendered first: the generator panics when what it writes to fails, and a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "oiji", &mut script);
    output::print(&script)?;
    Ok(Status::Done)
}
