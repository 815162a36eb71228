//! What `convert`, `pack` and `unpack` have in common: from where to where they write, in what protocol, and how the arrays of
//! whatever holds some come along.

use std::io::Write;
use std::path::PathBuf;

use oiji::{Graph, ReadOptions, WriteOptions};

use crate::destination::Destination;
use crate::failure::{Failure, Status, explain};
use crate::flat;
use crate::holding::Holding;
use crate::input::Input;
use crate::options::{LimitArgs, Py2Args};
use crate::pages::Pages;

/// From where to where, and in what protocol. It stands last among the arguments of a command: what comes after is under its
/// last heading.
#[derive(Debug, clap::Args)]
pub(crate) struct RewriteArgs {
    /// The file to read; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file to write; `-`, or none, is standard output
    #[arg(short, long, value_name = "OUT", display_order = 0)]
    pub(crate) output: Option<PathBuf>,

    /// The protocol to write, from 0 to 5 [default: that of pickles that are converted, else 4]
    #[arg(long, value_name = "N", display_order = 1, value_parser = clap::value_parser!(u8).range(0..=i64::from(oiji::HIGHEST_PROTOCOL)))]
    pub(crate) protocol: Option<u8>,

    #[command(flatten)]
    pub(crate) py2: Py2Args,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

impl RewriteArgs {
    /// Opens the input and lets `work` write what it makes of it. A file appears in its place once the input is closed: some
    /// systems let nobody replace a file that is mapped.
    pub(crate) fn run(
        &self,
        work: impl FnOnce(&mut Input) -> Result<(Destination, Status), Failure>,
    ) -> Result<Status, Failure> {
        let mut input = Input::open(&self.input, self.limits)?;
        let (out, status) = work(&mut input)?;
        drop(input);
        out.finish()?;
        Ok(status)
    }

    pub(crate) fn destination(&self, is_text: bool) -> Result<Destination, Failure> {
        Destination::open(self.output.as_deref(), is_text)
    }

    pub(crate) fn reading(&self, input: &Input) -> ReadOptions<'static> {
        self.py2.read_options().limits(input.limits())
    }

    /// How pickles are written that have no protocol of their own.
    pub(crate) fn writing(&self) -> WriteOptions {
        let protocol = self.protocol.unwrap_or(oiji::DEFAULT_PROTOCOL);
        WriteOptions::new().protocol(protocol).fix_imports(self.py2.fix_imports())
    }

    /// Lets `write` write all that an input holds, with its arrays in place, and says what became of them.
    pub(crate) fn write_whole(
        &self,
        name: &str,
        holding: &Holding<'_>,
        pages: Pages<'_>,
        write: impl FnOnce(&Graph<'_>, &mut dyn Write) -> oiji::Result<()>,
    ) -> Result<(Destination, Status), Failure> {
        let linked = holding.linked(name)?;
        let graph = holding.inline(&linked).map_err(|error| Failure::about(name, explain(&error)))?;
        let mut out = self.destination(false)?;
        out.write_with(name, holding.size(), pages, |out| write(&graph, out))?;
        Ok((out, flat::tell(name, &holding.notes(), &[])))
    }
}
