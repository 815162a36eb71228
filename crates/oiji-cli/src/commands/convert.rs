//! `oiji convert`: pickles in another protocol, without the memo entries that nobody needs, as JSON and back; arrays in the
//! formats that hold nothing else.

use std::io::Write;

use oiji::archive::{DumpOptions, Format, save_joblib};
use oiji::graph::Path;
use oiji::json::{self, JsonOptions};
use oiji::machine::MemoScope;
use oiji::op::read_op;
use oiji::source::{SliceSource, Source};
use oiji::{Error, ErrorKind, Graph, Opcode, ReadOptions, WriteOptions, rewrite};

use crate::commands::{is_over, pack};
use crate::compression::Compression;
use crate::destination::Destination;
use crate::failure::{Failure, Status, explain};
use crate::flat::{self, Flat};
use crate::holding::{Holding, PickleArg};
use crate::input::Input;
use crate::pages::Pages;
use crate::rewriting::RewriteArgs;
use crate::table::{Style, Table};

/// Write pickles in another protocol, or as JSON and back; arrays as .npz, safetensors or .pt.
///
/// JSON is tagged where it has no such type, so that nothing is lost: converted back it is the same pickle. With --plain it
/// has no tags, and what does not fit is an error that says where. The form of OUT is told by --to or by its name; input
/// that is such JSON is told by its first byte.
///
/// The output is a file that is replaced as a whole or, when something is wrong, left as it was; input and output may be
/// the same file. Where its name ends in .gz, .bz2, .xz, .zst or .lz4 it is compressed so. All pickles of an input with several
/// are converted.
///
/// Arrays of whatever holds some, pickles, .npy, .npz, robust archives, PyTorch checkpoints, safetensors, joblib's files, are
/// written as .npy, .npz, safetensors or a state dict of torch, each under its way from the root, or with everything around
/// them as a robust archive, a pickle or a file of joblib. What has no place in the output is listed on standard error.
///
/// A DataFrame, Series or index of pandas is written as CSV, as pandas' to_csv does it, or as JSON lines; the index comes first.
/// Of several in a file --path takes one.
///
/// Names of modules and classes are those of Python 2 in protocols 0 to 2 and those of Python 3 above; going from one to
/// the other they are mapped, as Python maps them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji convert old.pkl -o new.pkl --protocol 5
  oiji convert model.pkl -o model.pkl --optimize
  oiji convert data.pkl.xz -o data.pkl.gz
  oiji convert py2.pkl --encoding latin1 --protocol 4 -o py3.pkl
  oiji convert data.pkl -o data.json
  oiji convert data.json -o data.pkl
  oiji convert --plain config.pkl
  oiji convert checkpoint.pt -o model.safetensors
  oiji convert model.safetensors -o model.pt
  oiji convert forest.joblib -o forest.zip
  oiji convert model.pkl -o arrays.npz
  oiji convert frame.pkl -o frame.csv
  oiji convert --path train data.pkl -o train.jsonl

Exit status:
  0  all of it was converted
  1  arrays or a table were converted, and standard error lists what could not go along
  2  something could not be read, or not be said in this protocol; the file OUT is as it was")]
pub(crate) struct Args {
    /// The form to write [default: by the name of OUT: .json, .npy, .npz, .safetensors, .pt, .pth, .joblib, .zip, .csv, .jsonl; else pickle]
    #[arg(long, value_name = "FORM")]
    to: Option<Form>,

    /// The table to write as CSV or JSON lines, of several in IN: its path, as in 'frames.train'
    #[arg(long, value_name = "PATH")]
    path: Option<Path>,

    /// Write plain JSON, without tags: for those who know nothing of pickles
    #[arg(long, conflicts_with_all = ["protocol", "optimize"])]
    plain: bool,

    /// Write JSON with a value a line, indented
    #[arg(long)]
    pretty: bool,

    /// Leave out memo entries that nothing gets, as Python's pickletools.optimize does. Alone it changes nothing else
    #[arg(long)]
    optimize: bool,

    /// Leave out bytes after the last pickle that are no pickle, instead of refusing the file
    #[arg(long)]
    drop_rest: bool,

    /// Let the pickles of the input share one memo, as those that one Pickler wrote do
    #[arg(long)]
    one_memo: bool,

    #[command(flatten)]
    rewrite: RewriteArgs,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Pickles
    Pickle,
    /// Tagged JSON: nothing is lost
    Json,
    /// The only array, for numpy.load
    Npy,
    /// All arrays by name, for numpy.load
    Npz,
    /// All arrays by name
    Safetensors,
    /// A robust archive, as `oiji pack` writes it
    Robust,
    /// A state dict of all arrays by name, for torch.load, also with weights_only=True
    Pt,
    /// A pickle with arrays that are mapped on load, for joblib.load
    Joblib,
    /// A DataFrame, Series or index, as pandas' to_csv writes it
    Csv,
    /// A DataFrame, Series or index, a JSON object a row
    Jsonl,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    args.rewrite.run(|input| {
        let form = args.form();
        if args.path.is_some() && !matches!(form, Form::Csv | Form::Jsonl) {
            return Err(Failure::about(input.name(), "--path is for tables, as CSV or JSON lines; leave it out"));
        }
        if input.may_be_archive() || !matches!(form, Form::Pickle | Form::Json) {
            return arrays(args, input, form);
        }
        let mut out = args.rewrite.destination(form == Form::Json)?;
        let is_as_it_stands = args.rewrite.protocol.is_none() && !args.rewrite.py2.is_decoding();
        if is_json(input.bytes()?) {
            from_json(args, input, &mut out)?;
        } else if form == Form::Pickle && args.optimize && is_as_it_stands {
            optimize(args, input, &mut out)?;
        } else {
            read_and_write(args, input, &mut out)?;
        }
        Ok((out, Status::Done))
    })
}

/// Writes what holds arrays in a form that has them, or an archive as a pickle or JSON.
fn arrays(args: &Args, input: &mut Input, form: Form) -> Result<(Destination, Status), Failure> {
    let is_pickle = matches!(form, Form::Pickle | Form::Robust | Form::Joblib);
    let name = input.name().to_owned();
    if args.optimize || args.drop_rest || args.one_memo || args.rewrite.protocol.is_some() && !is_pickle {
        let problem = "--protocol, --optimize, --drop-rest and --one-memo are for pickles; leave them out";
        return Err(Failure::about(&name, problem));
    }
    let watch = input.watch();
    let (reading, folder) = (args.rewrite.reading(input), input.folder());
    let (bytes, pages) = input.bytes_and_pages()?;
    let holding = watch.during(|| Holding::of(&name, bytes, &reading, folder, PickleArg::NONE))?;
    let about = |error: Error| Failure::about(&name, explain(&error));
    let writing = args.rewrite.writing();
    let flat = match form {
        Form::Npy => Format::Npy,
        Form::Npz => Format::Npz,
        Form::Safetensors => Format::Safetensors,
        Form::Pt => Format::Torch,
        Form::Csv | Form::Jsonl => {
            let style = if form == Form::Csv { Style::Csv } else { Style::Lines };
            let graph = holding.linked(&name)?;
            let limits = args.rewrite.limits.limits(false);
            let table = watch.during(|| Table::of(&name, graph.root(), args.path.as_ref(), style, &limits))?;
            let mut out = args.rewrite.destination(true)?;
            out.write_with(&name, None, pages, |out| table.write(out))?;
            return Ok((out, table.tell(&name)));
        }
        Form::Json => {
            let linked = holding.linked(&name)?;
            let graph = holding.inline(&linked).map_err(about)?;
            let mut out = args.rewrite.destination(true)?;
            write_json(args, &name, &graph, &mut out)?;
            return Ok((out, flat::tell(&name, &holding.notes(), &[])));
        }
        Form::Pickle | Form::Robust | Form::Joblib => {
            let options = DumpOptions::new().writing(writing).paths(pack::has_names(&holding));
            return args.rewrite.write_whole(&name, &holding, pages, |graph, out| match form {
                Form::Robust => options.to_writer(graph.root(), out),
                Form::Joblib => save_joblib(out, graph.root(), writing),
                _ => writing.to_writer(graph, out),
            });
        }
    };
    let graph = holding.linked(&name)?;
    let flat = watch.during(|| Flat::of(&name, graph.root(), flat))?;
    let mut out = args.rewrite.destination(false)?;
    out.write_with(&name, Some(flat.size()), pages, |out| flat.write(out))?;
    Ok((out, flat.tell(&name)))
}

/// Drops memo entries and leaves all else as it stands, byte for byte.
fn optimize(args: &Args, input: &mut Input, out: &mut Destination) -> Result<(), Failure> {
    let name = input.name().to_owned();
    let memo = if args.one_memo { MemoScope::WholeInput } else { MemoScope::EachPickle };
    let bytes = input.bytes()?;
    let (count, end, error) = ends(bytes);
    match error {
        Some(error) if count == 0 => return Err(input.no_pickle(&error)),
        Some(error) if !args.drop_rest => return Err(no_pickle(&name, bytes.len() as u64 - end, end, &error)),
        _ => {}
    }
    let pickles = &bytes[..usize::try_from(end).unwrap_or(usize::MAX).min(bytes.len())];
    match rewrite::optimize_all(pickles, memo) {
        Ok(smaller) => out.write_all(&smaller).map_err(|error| out.failure(error)),
        Err(error) => Err(Failure::about(&name, explain(&error))),
    }
}

/// How many pickles stand in `bytes`, where the last ends, and what is wrong with what follows it.
fn ends(bytes: &[u8]) -> (u64, u64, Option<Error>) {
    let mut source = SliceSource::new(bytes);
    let (mut count, mut end) = (0, 0);
    while count == 0 || end < bytes.len() as u64 {
        match read_op(&mut source) {
            Ok(op) if op.opcode == Opcode::Stop => {
                count += 1;
                end = source.offset();
            }
            Ok(_) => {}
            Err(error) => return (count, end, Some(error)),
        }
    }
    (count, end, None)
}

/// Reads each pickle and writes it anew.
fn read_and_write(args: &Args, input: &mut Input, out: &mut Destination) -> Result<(), Failure> {
    let name = input.name().to_owned();
    let watch = input.watch();
    let reading = args.read_options().limits(input.limits());
    let (bytes, source) = input.source();
    let pages = source.pages();
    if args.one_memo {
        return match watch.during(|| reading.all_from_source(bytes, source)) {
            Ok(graph) => write(args, &name, &graph, pages, out),
            Err(error) => Err(input.no_pickle(&error)),
        };
    }
    let mut pickles = reading.pickles_from_source(bytes, source);
    let mut count = 0;
    let (end, error) = loop {
        let offset = pickles.offset();
        match watch.during(|| pickles.next()) {
            Some(Ok(graph)) => write(args, &name, &graph, pages, out)?,
            Some(Err(error)) => break (offset, error),
            None if count == 0 => break (0, ErrorKind::EndOfInput.into()),
            None => return Ok(()),
        }
        count += 1;
    };
    drop(pickles);
    if count == 0 {
        return Err(input.no_pickle(&error));
    }
    if is_over(&error) {
        return Err(input.failure(&error));
    }
    if !args.drop_rest {
        return Err(no_pickle(&name, input.len()?.saturating_sub(end), end, &error));
    }
    Ok(())
}

fn no_pickle(name: &str, bytes: u64, offset: u64, error: &Error) -> Failure {
    let reason = explain(error);
    Failure::about(
        name,
        format!("{bytes} bytes at offset {offset} are no pickle: {reason}; --drop-rest leaves them out"),
    )
}

/// Whether the input is JSON that we wrote: none of these bytes is an opcode.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

/// Reads tagged JSON and writes its graphs.
fn from_json(args: &Args, input: &mut Input, out: &mut Destination) -> Result<(), Failure> {
    let name = input.name().to_owned();
    let limits = input.limits();
    for (start, document) in documents(input.bytes()?) {
        match json::read_with(document, &limits) {
            Ok(graph) => write(args, &name, &graph, Pages::none(), out)?,
            Err(error) if start == 0 => return Err(Failure::about(&name, explain(&error))),
            Err(error) => {
                let text = format!("in the JSON document at offset {start}: {}", explain(&error));
                return Err(Failure::about(&name, text));
            }
        }
    }
    Ok(())
}

/// The JSON documents in `bytes`, with their offsets: each ends where all its brackets are closed. What is no JSON is left
/// to those who read it.
fn documents(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut in_string, mut escaped) = (0, 0_usize, false, false);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => continue,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            // A document ends with its line at the earliest: what else stands there is wrong, and told where it stands.
            b'\n' if depth == 0 && !bytes[start..index].trim_ascii().is_empty() => {
                found.push((start, &bytes[start..=index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    if found.is_empty() || !bytes[start..].trim_ascii().is_empty() {
        found.push((start, &bytes[start..]));
    }
    found
}

impl Args {
    fn form(&self) -> Form {
        let ending = self.rewrite.output.as_ref().and_then(|path| match Compression::of_name(path) {
            // What is compressed has an ending of its own before that.
            Some(_) => std::path::Path::new(path.file_stem()?).extension(),
            None => path.extension(),
        });
        let ending = ending.and_then(|ending| ending.to_str());
        match (self.to, ending) {
            (Some(form), _) => form,
            (None, _) if self.plain => Form::Json,
            (None, Some("json")) => Form::Json,
            (None, Some("npy")) => Form::Npy,
            (None, Some("npz")) => Form::Npz,
            (None, Some("safetensors")) => Form::Safetensors,
            (None, Some("zip")) => Form::Robust,
            (None, Some("pt" | "pth")) => Form::Pt,
            (None, Some("joblib")) => Form::Joblib,
            (None, Some("csv")) => Form::Csv,
            (None, Some("jsonl" | "ndjson")) => Form::Jsonl,
            (None, _) => Form::Pickle,
        }
    }

    /// Names become Python 3's only if the output is to have those. From one old protocol to another they stay as they
    /// stand, since not every name finds back.
    fn read_options(&self) -> ReadOptions<'static> {
        let to_python3 = self.rewrite.protocol.is_some_and(|protocol| protocol >= 3);
        let options = self.rewrite.py2.read_options();
        // What stands for a set or for bytes in an old protocol is left as it is for another old one.
        if to_python3 { options } else { options.fix_imports(false).exact(true) }
    }
}

fn write(args: &Args, name: &str, graph: &Graph<'_>, pages: Pages<'_>, out: &mut Destination) -> Result<(), Failure> {
    if args.form() == Form::Json {
        return write_json(args, name, graph, out);
    }
    let protocol = args.rewrite.protocol.unwrap_or_else(|| graph.protocol());
    let options = WriteOptions::new().protocol(protocol).fix_imports(args.rewrite.py2.fix_imports());
    match options.to_writer(graph, pages.while_writing(&mut *out)) {
        Ok(()) => Ok(()),
        Err(error) if out.is_broken() => Err(out.failure(error.into())),
        Err(error) => Err(Failure::about(name, explain(&error))),
    }
}

/// Tagged JSON of a graph, or plain JSON of each of its values.
fn write_json(args: &Args, name: &str, graph: &Graph<'_>, out: &mut Destination) -> Result<(), Failure> {
    let options =
        JsonOptions { pretty: args.pretty, limits: args.rewrite.limits.limits(false), ..JsonOptions::default() };
    let written = if args.plain {
        graph.roots().try_for_each(|root| json::write_plain(root, &mut *out, &options))
    } else {
        json::write(graph, &mut *out, &options)
    };
    match written {
        Ok(()) => Ok(()),
        Err(error) if out.is_broken() => Err(out.failure(error.into())),
        Err(error) => Err(Failure::about(name, explain(&error))),
    }
}
