//! `oiji man`: the manual pages, made from the same definitions as the help.

use std::io;
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::Cli;
use crate::failure::{Failure, Status, explain_io};
use crate::output;

/// Print a manual page, or write all of them to a folder.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji man | man -l -
  oiji man show | man -l -
  oiji man --dir ~/.local/share/man/man1

Exit status:
  0  done
  2  there is no such command, or the page could not be written")]
pub(crate) struct Args {
    /// The sub-command whose page is printed [default: the page of oiji itself]
    #[arg(conflicts_with = "dir")]
    command: Option<String>,

    /// Write the page of every command to this folder: oiji.1 and one for each sub-command
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut root = Cli::command();
    // Gives the sub-commands their full names and the options they inherit.
    root.build();
    let Some(dir) = &args.dir else {
        output::print(&page(chosen(&root, args.command.as_deref())?)?)?;
        return Ok(Status::Done);
    };
    std::fs::create_dir_all(dir).map_err(|error| Failure::about(&output::name(dir), explain_io(&error)))?;
    for command in std::iter::once(&root).chain(root.get_subcommands()) {
        let path = dir.join(format!("{}.1", title(command)));
        let content = page(command)?;
        std::fs::write(&path, content).map_err(|error| Failure::about(&output::name(&path), explain_io(&error)))?;
    }
    Ok(Status::Done)
}

fn chosen<'c>(root: &'c Command, name: Option<&str>) -> Result<&'c Command, Failure> {
    let Some(name) = name else { return Ok(root) };
    root.find_subcommand(name)
        .ok_or_else(|| Failure::about("man", format!("there is no command {name:?}; `oiji --help` lists them")))
}

/// `oiji-show` for `oiji show`.
fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    render(command, &mut content).map_err(|error| Failure::about("man", error))?;
    Ok(content)
}

fn render(command: &Command, out: &mut dyn io::Write) -> io::Result<()> {
    let man = Man::new(command.clone()).title(title(command));
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    // `render_extra_section` would run the lines of the examples together.
    if let Some(more) = command.get_after_long_help() {
        sections(&more.to_string()).to_writer(out)?;
    }
    man.render_version_section(out)
}

/// What stands after the help: a heading is a line that ends in a colon, and the lines below it stay as they are.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for part in text.split("\n\n") {
        let (heading, body) = match part.split_once(":\n") {
            Some((heading, body)) if !heading.contains('\n') => (heading.to_uppercase(), body),
            _ => ("NOTES".to_owned(), part),
        };
        roff.control("SH", [heading.as_str()]);
        roff.control("nf", []);
        for line in body.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}
