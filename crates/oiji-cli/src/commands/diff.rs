//! `oiji diff`: what differs between two files of pickles, by path.

use std::io::{self, Write};
use std::path::PathBuf;

use oiji::graph::Path;
use oiji::inspect::{self, Change, DiffOptions, Paint, Role};
use oiji::{Error, Graph, Pickles};

use crate::commands::is_over;
use crate::failure::{Failure, Status, explain};
use crate::input::{Input, InputSource};
use crate::options::{LimitArgs, Py2Args};
use crate::output::{self, Colours, Stdout};
use crate::progress::Watch;

/// Compare what two files of pickles hold.
///
/// Values are compared, not bytes: protocols and memo indexes do not count. That one object stands in two places on one
/// side and two equal objects on the other does, unless --ignore-sharing is given. Each line names a path: `~` where both
/// sides differ, `-` what only A has, `+` what only B has.
///
/// Where the files hold several pickles, the first is compared with the first, and so on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji diff old.pkl new.pkl
  oiji diff --path 'config.layers' a.pkl b.pkl.gz
  oiji diff --quiet a.pkl b.pkl && echo same

Exit status:
  0  both hold the same
  1  something differs
  2  a file could not be read")]
pub(crate) struct Args {
    /// One file; `-` is standard input
    #[arg(value_name = "A")]
    left: PathBuf,

    /// The other file
    #[arg(value_name = "B")]
    right: PathBuf,

    /// Compare only the parts at this path, as in 'a.b[3].c'
    #[arg(long, value_name = "PATH")]
    path: Option<Path>,

    /// Print nothing, tell by the exit status alone
    #[arg(short, long)]
    quiet: bool,

    /// Most differences to print
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    max: u64,

    /// Let equal objects be the same whether or not they are one object
    #[arg(long)]
    ignore_sharing: bool,

    /// Columns of a line [default: those of the terminal, or 100]
    #[arg(long, value_name = "N")]
    width: Option<usize>,

    #[command(flatten)]
    py2: Py2Args,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    if args.left == args.right && args.left.as_os_str() == "-" {
        return Err(Failure::about("diff", "standard input cannot be both A and B"));
    }
    let mut left = Input::open(&args.left, args.limits)?;
    let mut right = Input::open(&args.right, args.limits)?;
    let mut report = Report::new(args);
    let compared = report.sides(Side::new(&mut left, args)?, Side::new(&mut right, args)?);
    let status = if report.is_same { Status::Done } else { Status::Found };
    // Whoever closed the pipe has seen a difference.
    compared.and_then(|()| report.out.flush().map_err(Failure::writing)).map_err(|failure| failure.after(status))?;
    Ok(status)
}

/// One of the two files, pickle by pickle.
struct Side<'a> {
    name: String,
    watch: Watch,
    bytes: &'a [u8],
    pickles: Pickles<'a, InputSource<'a>>,
    count: u64,
    /// What follows the last pickle and is none.
    rest: &'a [u8],
}

impl<'a> Side<'a> {
    fn new(input: &'a mut Input, args: &Args) -> Result<Side<'a>, Failure> {
        // All at once, since bytes that are no pickle are compared as well.
        input.bytes()?;
        let (name, watch) = (input.name().to_owned(), input.watch());
        let reading = args.py2.read_options().limits(input.limits());
        let (bytes, source) = input.source();
        Ok(Side { name, watch, bytes, pickles: reading.pickles_from_source(bytes, source), count: 0, rest: &[] })
    }

    fn next(&mut self) -> Result<Option<Graph<'a>>, Failure> {
        let offset = self.pickles.offset();
        match self.watch.during(|| self.pickles.next()) {
            Some(Ok(graph)) => {
                self.count += 1;
                Ok(Some(graph))
            }
            Some(Err(error)) if self.count == 0 || is_over(&error) => Err(Failure::about(&self.name, explain(&error))),
            Some(Err(_)) => {
                self.rest = &self.bytes[usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len())..];
                Ok(None)
            }
            None if self.count == 0 => Err(Failure::about(&self.name, "no pickle: the input is empty")),
            None => Ok(None),
        }
    }
}

/// What was found, and where it is told.
struct Report<'a> {
    args: &'a Args,
    out: Stdout,
    paint: Colours,
    width: usize,
    /// How many differences may still be told.
    more: u64,
    is_same: bool,
    /// Whether the path led anywhere, and why not.
    is_found: bool,
    missing: Option<Error>,
}

impl<'a> Report<'a> {
    fn new(args: &'a Args) -> Report<'a> {
        let width = args.width.or_else(output::terminal_width).unwrap_or(DiffOptions::default().width);
        Report {
            args,
            out: output::stdout(),
            paint: Colours::of_stdout(),
            width,
            more: if args.quiet { 1 } else { args.max },
            is_same: true,
            is_found: false,
            missing: None,
        }
    }

    fn sides(&mut self, mut left: Side<'_>, mut right: Side<'_>) -> Result<(), Failure> {
        let mut number = 0;
        while self.more > 0 {
            number += 1;
            match (left.next()?, right.next()?) {
                (Some(left), Some(right)) => self.pickles(number, &left, &right).map_err(Failure::writing)?,
                (Some(_), None) => {
                    self.tell(Role::Removed, format_args!("- pickle {number}")).map_err(Failure::writing)?;
                }
                (None, Some(_)) => {
                    self.tell(Role::Added, format_args!("+ pickle {number}")).map_err(Failure::writing)?;
                }
                (None, None) => break,
            }
        }
        if let (false, Some(error)) = (self.is_found, self.missing.take()) {
            return Err(Failure::about(&format!("{}, {}", left.name, right.name), explain(&error)));
        }
        if self.more > 0 && self.args.path.is_none() && left.rest != right.rest {
            let (left, right) = (left.rest.len(), right.rest.len());
            self.tell(Role::Changed, format_args!("~ what follows the pickles: {left} bytes, {right} bytes"))
                .map_err(Failure::writing)?;
        }
        if self.more == 0 && !self.args.quiet {
            writeln!(self.out, "... stopped after {} differences; --max N shows more", self.args.max)
                .map_err(Failure::writing)?;
        }
        Ok(())
    }

    fn pickles(&mut self, number: u64, left: &Graph<'_>, right: &Graph<'_>) -> io::Result<()> {
        let (left, right) = match &self.args.path {
            None => (left.root(), right.root()),
            Some(path) => match (path.find(left.root()), path.find(right.root())) {
                (Ok(left), Ok(right)) => (left, right),
                (Err(error), Err(_)) => {
                    self.missing = Some(error);
                    return Ok(());
                }
                (Ok(_), Err(_)) => {
                    self.is_found = true;
                    return self.tell(Role::Removed, format_args!("- {path}"));
                }
                (Err(_), Ok(_)) => {
                    self.is_found = true;
                    return self.tell(Role::Added, format_args!("+ {path}"));
                }
            },
        };
        self.is_found = true;
        let limit = usize::try_from(self.more).unwrap_or(usize::MAX);
        let options = DiffOptions { limit, sharing: !self.args.ignore_sharing, width: self.width };
        let differences = inspect::diff(left, right, &options);
        if number > 1 && !differences.is_empty() && !self.args.quiet {
            let (before, after) = self.paint.around(Role::Heading);
            writeln!(self.out, "{before}pickle {number}:{after}")?;
        }
        for difference in &differences {
            let role = match difference.change {
                Change::Added(_) => Role::Added,
                Change::Removed(_) => Role::Removed,
                _ => Role::Changed,
            };
            self.tell(role, format_args!("{difference}"))?;
        }
        Ok(())
    }

    fn tell(&mut self, role: Role, line: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.is_same = false;
        self.more = self.more.saturating_sub(1);
        if self.args.quiet {
            return Ok(());
        }
        let (before, after) = self.paint.around(role);
        writeln!(self.out, "{before}{line}{after}")
    }
}
