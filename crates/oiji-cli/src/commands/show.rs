//! `oiji show`: what is inside, as a tree for people or as JSON for machines.

use std::io::{self, Write};
use std::path::PathBuf;

use oiji::archive::Archive;
use oiji::graph::Path;
use oiji::inspect::{self, Heading, Paint, Role, ShowOptions};
use oiji::store::Store;
use oiji::{Error, Graph, ReadOptions, Value};

use crate::commands::{each_file, is_over};
use crate::failure::{Failure, Status, explain};
use crate::holding;
use crate::input::Input;
use crate::options::{LimitArgs, Py2Args};
use crate::output::{self, Colours, Stdout};
use crate::stores;

/// Show what is inside pickles and archives of arrays, as a tree.
///
/// Types, sizes and the names of classes are shown, shared values marked, long things shortened. Nothing that a pickle
/// names is imported or run.
///
/// A file may hold several pickles after one another; each is shown, with its offset and size. Bytes after a pickle that
/// make no further one are reported with the reason, and are no error: many formats keep other data there.
///
/// Tables of pandas are shown by their columns, with dtypes and first values; --full shows also what they are made of.
///
/// .npy, .npz, robust archives, PyTorch checkpoints and safetensors are told by their content, whatever they are called: each
/// array is shown in its place with dtype, shape and first elements. Of a large file only headers are read.
///
/// Files of many pickles under keys are shown as what they map: shelve (any of its files, or the name they have in common), ZODB's
/// FileStorage, caches of Django and diskcache, messages of Celery, batches for Graphite; with what is left of former values.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji show model.pkl
  oiji show --depth 2 a.pkl b.pkl.gz
  oiji show --path 'layers[3].weight' --full model.pkl
  curl -s https://example.org/data.pkl.zst | oiji show -
  oiji show --json data.pkl | jq .value
  oiji show --stats checkpoint.pt
  oiji show --path user7.cart shelf.db

Paths:
  a.b        the str key or attribute b of the str key or attribute a
  a[3]       an item of a list, tuple or set, or the int key 3 of a dict
  a['x y']   the str key 'x y'
  a[(1, 2)]  a key as Python writes it
  @class @args @kwargs @state    what an object is made of

Exit status:
  0  everything was shown
  2  a file or a record of it could not be read, or the path leads nowhere in it; the others are shown still")]
pub(crate) struct Args {
    /// Files to show; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Show only the part at this path, as in 'a.b[3].c'
    #[arg(long, value_name = "PATH")]
    path: Option<Path>,

    /// Levels to descend [default: 4]
    #[arg(long, value_name = "N")]
    depth: Option<usize>,

    /// Columns of a line [default: those of the terminal, or 100]
    #[arg(long, value_name = "N")]
    width: Option<usize>,

    /// Items of a container to show [default: 20]
    #[arg(long, value_name = "N")]
    items: Option<usize>,

    /// Show everything: all levels, all items, whole texts, all elements of arrays
    #[arg(long, conflicts_with_all = ["depth", "items"])]
    full: bool,

    /// Add least, greatest and mean of arrays, and how many of their elements are NaN
    #[arg(long)]
    stats: bool,

    /// Show only the pickle with this number, counted from 1
    #[arg(long, value_name = "N", conflicts_with = "one_memo", value_parser = clap::value_parser!(u64).range(1..))]
    pickle: Option<u64>,

    /// Write JSON: a line for each pickle, archive or record
    #[arg(long)]
    json: bool,

    /// Let the pickles of a file share one memo, as those that one Pickler wrote do
    #[arg(long)]
    one_memo: bool,

    #[command(flatten)]
    py2: Py2Args,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut out = output::stdout();
    let paint = Colours::of_stdout();
    each_file(&args.files, |file| {
        if let Some(store) = stores::at(file, args.py2.read_options(), args.limits)? {
            let shown = args.store(&store, &output::name(file), &paint, &mut out);
            out.flush().map_err(Failure::writing)?;
            return shown;
        }
        let mut input = Input::open(file, args.limits)?;
        if input.may_be_store() {
            let (name, reading) = (input.name().to_owned(), args.py2.read_options().limits(input.limits()));
            if let Some(store) = stores::of(&mut input, &reading)? {
                let shown = args.store(&store, &name, &paint, &mut out);
                out.flush().map_err(Failure::writing)?;
                return shown;
            }
        }
        let mut show = Show {
            args,
            options: args.options(),
            reading: args.py2.read_options().limits(input.limits()),
            paint: &paint,
            out: &mut out,
            name: input.name().to_owned(),
            packing: input.packing(),
            missing: None,
            is_found: false,
        };
        let shown = if input.may_be_archive() {
            show.archive(&mut input)
        } else if args.one_memo {
            show.with_one_memo(&mut input)
        } else {
            show.each(&mut input)
        };
        // Before the next file's errors are told.
        out.flush().map_err(Failure::writing)?;
        shown
    })
}

impl Args {
    fn store(&self, store: &Store<'_>, name: &str, paint: &Colours, out: &mut Stdout) -> Result<Status, Failure> {
        let options = self.options();
        let number = self.pickle.filter(|_| self.path.is_none());
        stores::Show { store, name, path: self.path.as_ref(), number, options, paint }.show(self.json, out)
    }

    fn options(&self) -> ShowOptions {
        let defaults = ShowOptions::default();
        ShowOptions {
            depth: self.depth.unwrap_or(defaults.depth),
            width: self.width.or_else(output::terminal_width).unwrap_or(defaults.width),
            items: self.items.unwrap_or(defaults.items),
            full: self.full,
            stats: self.stats,
        }
    }
}

/// One file being shown.
struct Show<'a> {
    args: &'a Args,
    options: ShowOptions,
    reading: ReadOptions<'static>,
    paint: &'a Colours,
    out: &'a mut Stdout,
    name: String,
    packing: Option<String>,
    /// Why the path leads nowhere in the last pickle where it does.
    missing: Option<Error>,
    /// Whether anything was shown.
    is_found: bool,
}

/// A pickle in its file. Where several have one memo, only its number is known.
struct Place {
    number: u64,
    span: Option<Span>,
}

struct Span {
    offset: u64,
    bytes: u64,
}

impl Show<'_> {
    /// Each pickle as it comes.
    fn each(&mut self, input: &mut Input) -> Result<Status, Failure> {
        let watch = input.watch();
        let reading = self.reading.clone();
        let (bytes, source) = input.source();
        // Whoever writes into our input may wait for us.
        let comes_slowly = bytes.is_empty();
        let mut pickles = reading.pickles_from_source(bytes, source);
        let mut number = 0;
        let (end, error) = loop {
            let offset = pickles.offset();
            let graph = match watch.during(|| pickles.next()) {
                Some(Ok(graph)) => graph,
                Some(Err(error)) => break (offset, Some(error)),
                None => break (offset, None),
            };
            number += 1;
            if self.args.pickle.is_none_or(|wanted| wanted == number) {
                let span = Span { offset, bytes: pickles.offset() - offset };
                self.pickle(&graph, graph.root(), &Place { number, span: Some(span) })?;
                if comes_slowly {
                    self.out.flush().map_err(Failure::writing)?;
                }
            }
            if self.args.pickle == Some(number) {
                return self.verdict(number);
            }
        };
        drop(pickles);
        match error {
            Some(error) if number == 0 => return Err(input.no_pickle(&error)),
            Some(error) if is_over(&error) => return Err(input.failure(&error)),
            Some(error) => {
                let span = Span { offset: end, bytes: input.len()?.saturating_sub(end) };
                self.no_pickle(&span, &error).map_err(Failure::writing)?;
            }
            None => {}
        }
        self.verdict(number)
    }

    /// All pickles, read with one memo.
    fn with_one_memo(&mut self, input: &mut Input) -> Result<Status, Failure> {
        let watch = input.watch();
        let reading = self.reading.clone();
        let (bytes, source) = input.source();
        let read = watch.during(|| reading.all_from_source(bytes, source));
        let graph = match read {
            Ok(graph) => graph,
            Err(error) => return Err(input.no_pickle(&error)),
        };
        let mut number = 0;
        for root in graph.roots() {
            number += 1;
            self.pickle(&graph, root, &Place { number, span: None })?;
        }
        self.verdict(number)
    }

    /// An archive of arrays, and the objects around them.
    fn archive(&mut self, input: &mut Input) -> Result<Status, Failure> {
        /// Bytes of compressed arrays that are read for the first elements of each.
        const UNPACKED: u64 = 64 << 20;
        let folder = input.folder();
        let bytes = input.bytes()?;
        let archive = holding::open(&self.name, bytes, &self.reading, folder)?;
        if let Some(number) = self.args.pickle.filter(|number| *number > 1) {
            let problem = format!("no pickle {number}: this is one {}", archive.format());
            return Err(Failure::about(&self.name, problem));
        }
        let budget = if self.args.full || self.args.stats { u64::MAX } else { UNPACKED };
        let about = |error: &Error| Failure::about(&self.name, explain(error));
        let graph = holding::linked(&self.name, &archive, budget)?;
        let value = match &self.args.path {
            None => graph.root(),
            Some(path) => path.find(graph.root()).map_err(|error| about(&error))?,
        };
        let shown = match self.args.json {
            true => self.archive_json(&archive, bytes.len(), value),
            false => self.archive_tree(&archive, bytes.len(), &graph, value),
        };
        shown.map_err(Failure::writing)?;
        Ok(Status::Done)
    }

    fn archive_tree(
        &mut self,
        archive: &Archive<'_>,
        bytes: usize,
        graph: &Graph<'_>,
        value: Value<'_>,
    ) -> io::Result<()> {
        let (before, after) = self.paint.around(Role::Heading);
        write!(self.out, "{before}{}: {}", self.name, holding::heading(archive, bytes))?;
        if let Some(packing) = &self.packing {
            write!(self.out, ", {packing}")?;
        }
        writeln!(self.out, "{after}")?;
        match self.args.path {
            None => inspect::show_graph(graph, &self.options, self.paint, self.out),
            Some(_) => inspect::show(value, &self.options, self.paint, self.out),
        }
    }

    fn archive_json(&mut self, archive: &Archive<'_>, bytes: usize, value: Value<'_>) -> io::Result<()> {
        let file = serde_json::Value::from(&*self.name);
        write!(self.out, "{{\"file\":{file},\"format\":\"{}\",\"bytes\":{bytes}", archive.format().name())?;
        if let Some(packing) = &self.packing {
            write!(self.out, ",\"compression\":\"{packing}\"")?;
        }
        self.value_json(value)
    }

    fn verdict(&mut self, count: u64) -> Result<Status, Failure> {
        match (self.missing.take(), self.args.pickle) {
            _ if self.is_found => Ok(Status::Done),
            (Some(error), _) => Err(Failure::about(&self.name, explain(&error))),
            (None, Some(wanted)) if count > 0 => {
                Err(Failure::about(&self.name, format!("no pickle {wanted}: the last is {count}")))
            }
            (None, _) => Err(Failure::about(&self.name, "no pickle: the input is empty")),
        }
    }

    /// One pickle, or the part of it at the path.
    fn pickle(&mut self, graph: &Graph<'_>, root: Value<'_>, place: &Place) -> Result<(), Failure> {
        let value = match &self.args.path {
            None => root,
            Some(path) => match path.find(root) {
                Ok(value) => value,
                Err(error) => {
                    self.missing = Some(error);
                    return Ok(());
                }
            },
        };
        self.is_found = true;
        let shown =
            if self.args.json { self.json(value, place, graph.protocol()) } else { self.tree(graph, value, place) };
        shown.map_err(Failure::writing)
    }

    fn tree(&mut self, graph: &Graph<'_>, value: Value<'_>, place: &Place) -> io::Result<()> {
        let heading = Heading {
            number: place.number as usize,
            count: None,
            protocol: graph.protocol(),
            bytes: place.span.as_ref().map(|span| span.bytes),
        };
        let (before, after) = self.paint.around(Role::Heading);
        write!(self.out, "{before}{}: {heading}", self.name)?;
        match &place.span {
            Some(span) if span.offset > 0 => write!(self.out, " at offset {}", span.offset)?,
            _ => {}
        }
        if let Some(packing) = &self.packing {
            write!(self.out, ", {packing}")?;
        }
        writeln!(self.out, "{after}")?;
        // With one memo the calls that were dropped are those of all pickles: they are not of this one alone.
        if self.args.path.is_none() && place.span.is_some() {
            return inspect::show_graph(graph, &self.options, self.paint, self.out);
        }
        inspect::show(value, &self.options, self.paint, self.out)
    }

    fn json(&mut self, value: Value<'_>, place: &Place, protocol: u8) -> io::Result<()> {
        let file = serde_json::Value::from(&*self.name);
        write!(self.out, "{{\"file\":{file},\"pickle\":{}", place.number)?;
        if let Some(span) = &place.span {
            write!(self.out, ",\"offset\":{},\"bytes\":{}", span.offset, span.bytes)?;
        }
        if let Some(packing) = &self.packing {
            write!(self.out, ",\"compression\":\"{packing}\"")?;
        }
        write!(self.out, ",\"protocol\":{protocol}")?;
        self.value_json(value)
    }

    /// The last fields of a line.
    fn value_json(&mut self, value: Value<'_>) -> io::Result<()> {
        self.out.write_all(b",\"value\":")?;
        inspect::show_json(value, &self.options, self.out)?;
        self.out.write_all(b"}\n")
    }

    /// Says that there is more in the file, which is no pickle.
    fn no_pickle(&mut self, span: &Span, error: &Error) -> io::Result<()> {
        let (Span { offset, bytes }, reason) = (span, explain(error));
        if self.args.json {
            let (file, reason) = (serde_json::Value::from(&*self.name), serde_json::Value::from(reason));
            return writeln!(
                self.out,
                "{{\"file\":{file},\"offset\":{offset},\"bytes\":{bytes},\"no_pickle\":{reason}}}"
            );
        }
        let (before, after) = self.paint.around(Role::Heading);
        writeln!(self.out, "{before}{}: {bytes} bytes at offset {offset} are no pickle: {reason}{after}", self.name)
    }
}
