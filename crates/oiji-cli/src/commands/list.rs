//! `oiji list`: the arrays and members of an archive, without reading them.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;

use oiji::archive::{Archive, ArrayInfo, Contents, Format, Member};
use oiji::{Error, Graph, ReadOptions};
use serde_json::{Value as Json, json};

use crate::commands::each_file;
use crate::failure::{Failure, Status, complain, explain};
use crate::holding::{self, Holding, PickleArg};
use crate::input::Input;
use crate::options::LimitArgs;
use crate::output::{self, Stdout, grouped};
use crate::progress::Watch;
use crate::stores;

/// List the arrays and members of archives, without reading them, and records of stores.
///
/// Told are names, dtypes, shapes, bytes with and without compression, and where the data stands in the file.
///
/// Archives are told by content, whatever they are called: .npy, .npz, robust archives (`oiji pack`, Theano), PyTorch
/// checkpoints, safetensors, joblib, skops; of a pickle the arrays in it are listed. Only headers are read. A distributed checkpoint
/// of PyTorch is called by its folder, or the file .metadata in it.
///
/// Of shelves and other files of many pickles (see `oiji show --help`) each record is listed, with its key, bytes, protocol, and
/// what its value is; every record is read for that.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji list model.zip
  oiji list --verify backup/*.npz
  oiji list shelf.db
  oiji list --json model.safetensors | jq '.arrays[].name'

Exit status:
  0  everything was listed
  1  --verify found broken members, or a store has broken records; they are named
  2  a file could not be read; other files are listed still")]
pub(crate) struct Args {
    /// Files to list; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Read every member and hold it against its checksum
    #[arg(long)]
    verify: bool,

    /// Write JSON: a line for each file
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    pickle: PickleArg,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut out = output::stdout();
    each_file(&args.files, |file| {
        let listed = match stores::at(file, ReadOptions::new(), args.limits)? {
            Some(store) => stores::list(&store, &output::name(file), args.json, &mut out),
            None => list(args, &mut Input::open(file, args.limits)?, &mut out),
        };
        // Before the next file's errors are told.
        out.flush().map_err(Failure::writing)?;
        listed
    })
}

fn list(args: &Args, input: &mut Input, out: &mut Stdout) -> Result<Status, Failure> {
    let name = input.name().to_owned();
    let watch = input.watch();
    let reading = ReadOptions::new().limits(input.limits());
    if let Some(store) = stores::of(input, &reading)? {
        return stores::list(&store, &name, args.json, out);
    }
    let folder = input.folder();
    let bytes = input.bytes()?;
    let archive = match watch.during(|| Holding::of(&name, bytes, &reading, folder, args.pickle))? {
        Holding::Archive(archive) => archive,
        Holding::Pickle(graph) => {
            pickle(args, &name, &graph, out).map_err(Failure::writing)?;
            return Ok(Status::Done);
        }
    };
    let broken = if args.verify { verified(&name, &archive) } else { Vec::new() };
    // A broken member may hide the arrays; the members are there all the same.
    let (arrays, problem) = match archive.arrays() {
        Ok(arrays) => (arrays, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let listing = Listing { name: &name, archive: &archive, bytes: bytes.len(), arrays, broken, verify: args.verify };
    if args.json { listing.json(out) } else { listing.text(out) }.map_err(Failure::writing)?;
    match problem {
        _ if !listing.broken.is_empty() => Ok(Status::Found),
        Some(error) => {
            out.flush().map_err(Failure::writing)?;
            complain(&Failure::about(&name, format!("arrays cannot be told: {}", explain(&error))));
            Ok(Status::Failed)
        }
        None => Ok(Status::Done),
    }
}

/// The members that are broken, with a bar.
fn verified(name: &str, archive: &Archive<'_>) -> Vec<(String, Error)> {
    let watch = Watch::of_archive(name, archive);
    watch.during(|| archive.verify_with(|so_far| watch.follow(so_far)))
}

/// The arrays in a pickle, which is no archive.
fn pickle(args: &Args, name: &str, graph: &Graph<'_>, out: &mut Stdout) -> io::Result<()> {
    let arrays = Contents::of(graph.root()).arrays;
    if args.json {
        let arrays = arrays.iter().map(|(name, array)| {
            let dtype = array.dtype().to_string();
            json!({ "name": name, "dtype": dtype, "shape": array.shape(), "bytes": array.size() })
        });
        let arrays: Vec<Json> = arrays.collect();
        return writeln!(out, "{}", json!({ "file": name, "format": "pickle", "arrays": arrays, "members": [] }));
    }
    let plural = if arrays.len() == 1 { "" } else { "s" };
    writeln!(out, "{name}: pickle, {} array{plural}", grouped(arrays.len() as u64))?;
    if arrays.is_empty() {
        return Ok(());
    }
    let rows = arrays.iter().map(|(name, array)| {
        let (dtype, shape) = (array.dtype().to_string(), holding::shape(array.shape()));
        vec![name.clone(), dtype, shape, grouped(array.size())]
    });
    let table = output::table(&["name", "dtype", "shape", "bytes"], rows.collect(), |column| column == 3);
    writeln!(out, "{table}")
}

struct Listing<'a, 'b> {
    name: &'b str,
    archive: &'b Archive<'a>,
    bytes: usize,
    arrays: Vec<ArrayInfo>,
    broken: Vec<(String, Error)>,
    verify: bool,
}

impl Listing<'_, '_> {
    fn text(&self, out: &mut Stdout) -> io::Result<()> {
        writeln!(out, "{}: {}", self.name, holding::heading(self.archive, self.bytes))?;
        let members = self.archive.members();
        // Where each array is a member, there is no need to say which.
        let is_member = |array: &ArrayInfo| array.member == array.name || array.member == format!("{}.npy", array.name);
        let is_plain = self.arrays.iter().all(is_member);
        let place = |member: Option<&Member>| match member {
            Some(member) => [
                grouped(member.stored_size),
                member.compression.to_string(),
                member.offset.map(grouped).unwrap_or_default(),
            ],
            None => Default::default(),
        };
        let row = |name: &str, [dtype, shape, bytes]: [String; 3], member: Option<&Member>| {
            let mut row = vec![name.to_owned(), dtype, shape, bytes];
            row.extend(place(member));
            if !is_plain {
                row.push(member.map(|member| member.name.clone()).unwrap_or_default());
            }
            row
        };
        let mut rows = Vec::new();
        let mut shown = HashSet::new();
        for array in &self.arrays {
            let member = members.iter().rfind(|member| member.name == array.member);
            let told = [array.dtype.to_string(), holding::shape(&array.shape), grouped(array.size())];
            rows.push(row(&array.name, told, member));
            shown.insert(array.member.as_str());
        }
        for member in members.iter().filter(|member| !shown.contains(member.name.as_str())) {
            rows.push(row(&member.name, ["".to_owned(), "".to_owned(), grouped(member.size)], Some(member)));
        }
        let mut header = vec!["name", "dtype", "shape", "bytes", "stored", "compression", "offset"];
        if !is_plain {
            header.push("member");
        }
        if !rows.is_empty() {
            writeln!(out, "{}", output::table(&header, rows, |column| matches!(column, 3 | 4 | 6)))?;
        }
        for (member, error) in &self.broken {
            writeln!(out, "broken: {}: {}", crate::failure::visible(member), crate::failure::visible(&explain(error)))?;
        }
        match self.archive.format() {
            _ if !self.verify || !self.broken.is_empty() => {}
            format @ (Format::Npy | Format::Safetensors) => {
                writeln!(out, "{format} has no checksums: lengths were checked")?
            }
            _ => writeln!(out, "all members are whole")?,
        }
        Ok(())
    }

    fn json(&self, out: &mut Stdout) -> io::Result<()> {
        let array = |array: &ArrayInfo| {
            let dtype = array.dtype.to_string();
            json!({
                "name": array.name, "dtype": dtype, "shape": array.shape, "bytes": array.size(),
                "member": array.member,
            })
        };
        let member = |member: Member| {
            json!({
                "name": member.name, "bytes": member.size, "stored_bytes": member.stored_size,
                "compression": member.compression.to_string(), "offset": member.offset,
            })
        };
        let mut line = json!({
            "file": self.name,
            "format": self.archive.format().name(),
            "bytes": self.bytes,
            "arrays": self.arrays.iter().map(array).collect::<Vec<Json>>(),
            "members": self.archive.members().into_iter().map(member).collect::<Vec<Json>>(),
        });
        if self.verify {
            let broken =
                self.broken.iter().map(|(member, error)| json!({ "member": member, "problem": explain(error) }));
            line["broken"] = broken.collect();
        }
        writeln!(out, "{line}")
    }
}
