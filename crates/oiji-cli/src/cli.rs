//! The command line as data, for `clap`: the parser, the help, the completions and the man pages come from it.

use clap::{Parser, Subcommand};

use crate::commands::{
    canon, completions, convert, derive, diff, dis, get, grep, hash, list, man, migrate, pack, policy, put, remove,
    scan, show, sign, stats, trace, unpack, verify,
};

/// Look into Python pickles and archives of arrays, without Python and without running anything.
#[derive(Debug, Parser)]
#[command(name = "oiji", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(propagate_version = true, max_term_width = 100, after_long_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Input may be compressed: gzip, zlib, bzip2, xz, zstd and lz4 are told by their first bytes. A pickle \
alone in a ZIP or tar, as pandas writes it, is taken out. `-` is standard input.

Environment:
  NO_COLOR         no colours, whatever the terminal can
  CLICOLOR_FORCE   colours even when the output is no terminal

Exit status:
  0  done
  1  something was found, or differs
  2  something could not be done; standard error says what
  3  not all could be looked at (scan, trace)";

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(show::Args),
    Dis(dis::Args),
    Scan(scan::Args),
    Trace(trace::Args),
    Policy(policy::Args),
    Sign(sign::Args),
    Verify(verify::Args),
    Convert(convert::Args),
    List(list::Args),
    Get(get::Args),
    Pack(pack::Args),
    Unpack(unpack::Args),
    Put(put::Args),
    Remove(remove::Args),
    Diff(diff::Args),
    Derive(derive::Args),
    Migrate(migrate::Args),
    Grep(grep::Args),
    Stats(stats::Args),
    Canon(canon::Args),
    Hash(hash::Args),
    Completions(completions::Args),
    Man(man::Args),
}
