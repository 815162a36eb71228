//! `oiji dis`: the ops of pickles, a line each, or counted in a table.

use std::io::{self, Write};
use std::path::PathBuf;

use oiji::Opcode;
use oiji::inspect::{DisOptions, Disassembler, OpcodeStats, Stats};
use oiji::machine::MemoScope;

use crate::commands::{each_file, is_over};
use crate::failure::{Failure, Status, explain};
use crate::input::Input;
use crate::options::LimitArgs;
use crate::output::{self, Stdout, grouped};

/// List the ops of pickles, as Python's pickletools.dis does.
///
/// Each line has the offset, the opcode's byte and name, and its argument; what stands above a mark is indented. Nothing
/// is executed. Bytes after a pickle that make no further one are reported with the reason, and are no error.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  oiji dis data.pkl
  oiji dis --annotate data.pkl | less
  oiji dis --stats model.pkl.gz

Exit status:
  0  every op was listed
  2  a file could not be read, or does not hold together; the ops before are listed still")]
pub(crate) struct Args {
    /// Files to take apart; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Say beside each op what it does
    #[arg(short, long)]
    annotate: bool,

    /// Spaces to indent by for each open mark
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=16))]
    indent: u8,

    /// Go on where stack or memo are not as an op needs them
    #[arg(long)]
    no_check: bool,

    /// Count opcodes, their bytes and the use of the memo instead of listing ops
    #[arg(long, conflicts_with_all = ["annotate", "indent", "no_check"])]
    stats: bool,

    /// Let the pickles of a file share one memo, as those that one Pickler wrote do
    #[arg(long)]
    one_memo: bool,

    #[command(flatten)]
    limits: LimitArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut out = output::stdout();
    each_file(&args.files, |file| {
        let mut input = Input::open(file, args.limits)?;
        if args.files.len() > 1 {
            writeln!(out, "{}:", input.name()).map_err(Failure::writing)?;
        }
        let done = if args.stats { stats(args, &mut input, &mut out) } else { list(args, &mut input, &mut out) };
        out.flush().map_err(Failure::writing)?;
        done
    })
}

impl Args {
    fn memo(&self) -> MemoScope {
        if self.one_memo { MemoScope::WholeInput } else { MemoScope::EachPickle }
    }
}

fn list(args: &Args, input: &mut Input, out: &mut Stdout) -> Result<Status, Failure> {
    let options = DisOptions {
        annotate: args.annotate,
        indent: usize::from(args.indent),
        check: !args.no_check,
        memo: args.memo(),
        limits: input.limits(),
    };
    let watch = input.watch();
    let (_, mut source) = input.source();
    let mut dis = Disassembler::new(&mut *out, &options);
    let mut end = 0;
    let listed = watch.beside_output(|| {
        let mut count = 0;
        loop {
            match dis.pickle(&mut source) {
                Ok(offset) => end = offset,
                Err(error) if error.is_end_of_input() && count > 0 => return Ok(()),
                Err(error) => return Err((count, error)),
            }
            count += 1;
            if options.memo == MemoScope::EachPickle {
                dis.clear_memo();
            }
        }
    });
    drop(dis);
    match listed {
        Ok(()) => {}
        Err((_, error)) if out.is_broken() => return Err(Failure::writing(error.into())),
        Err((0, error)) => return Err(input.no_pickle(&error)),
        Err((_, error)) if is_over(&error) => return Err(input.failure(&error)),
        Err((_, error)) => {
            let bytes = input.len()?.saturating_sub(end);
            let reason = explain(&error);
            writeln!(out, "{}: {bytes} bytes at offset {end} are no pickle: {reason}", input.name())
                .map_err(Failure::writing)?;
        }
    }
    Ok(Status::Done)
}

fn stats(args: &Args, input: &mut Input, out: &mut Stdout) -> Result<Status, Failure> {
    let watch = input.watch();
    let limits = input.limits();
    let (_, mut source) = input.source();
    let counted = watch.during(|| Stats::of_source(&mut source, args.memo(), limits));
    match counted {
        Ok(stats) => write_stats(&stats, out).map_err(Failure::writing)?,
        Err(error) => return Err(input.no_pickle(&error)),
    }
    Ok(Status::Done)
}

fn write_stats(stats: &Stats, out: &mut Stdout) -> io::Result<()> {
    let mut rows: Vec<_> = stats.opcodes().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.bytes));
    let cells = |(opcode, row): (Opcode, OpcodeStats)| cells(opcode, row.count, row.bytes, stats.bytes);
    let rows = rows.into_iter().map(cells).collect();
    let table = output::table(&["opcode", "count", "bytes", "share"], rows, |column| column > 0);
    writeln!(out, "{table}")?;
    writeln!(out)?;
    let protocol = stats.protocol.map_or("none stated".to_owned(), |protocol| format!("{protocol} stated"));
    writeln!(
        out,
        "{}, {}, {}; protocol {protocol}, {} needed",
        counted(stats.pickles, "pickle"),
        counted(stats.ops, "op"),
        counted(stats.bytes, "byte"),
        stats.needed_protocol
    )?;
    let memo = &stats.memo;
    write!(out, "memo: {}, {}", counted(memo.puts, "put"), counted(memo.gets, "get"))?;
    match memo.unused {
        0 => {}
        unused => write!(out, ", {} never got", counted(unused, "put"))?,
    }
    match memo.misses {
        0 => {}
        misses => write!(out, ", {} without a put", counted(misses, "get"))?,
    }
    let frames = &stats.frames;
    write!(out, "\nframes: {}", grouped(frames.count))?;
    if frames.count > 0 {
        let (all, least, most) = (counted(frames.bytes, "byte"), grouped(frames.shortest), grouped(frames.longest));
        write!(out, " with {all}, {least} to {most} each")?;
    }
    writeln!(out, "\nstack: {} at most", counted(stats.stack_depth, "item"))
}

fn cells(opcode: Opcode, count: u64, bytes: u64, all: u64) -> Vec<String> {
    let share = 100.0 * bytes as f64 / all.max(1) as f64;
    vec![opcode.name().to_owned(), grouped(count), grouped(bytes), format!("{share:.1} %")]
}

/// `1 put`, `2 puts`.
fn counted(count: u64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", grouped(count))
}
