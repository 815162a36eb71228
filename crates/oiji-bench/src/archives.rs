//! A gigabyte of arrays in one file, beside NumPy and torch: opening, reading all, writing, listing. The file is in memory
//! either way, and both sides take turns.

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use oiji::archive::{Archive, save_npz, save_torch};
use oiji::array::Array;
use oiji_mmap::Map;
use oiji_testkit::Python;

use crate::processes::{command, measure};
use crate::table::median;

/// So many arrays of 64 MB.
const COUNT: usize = 16;

/// What NumPy does: each line it reads is a job, each line it writes how many seconds that took.
const NUMPY: &str = "
import numpy, os, sys, time
folder = sys.argv[1]
arrays = {'a%d' % i: numpy.arange(8 << 20, dtype='f8') + i for i in range(16)}
for line in sys.stdin:
    start = time.perf_counter()
    job = line.strip()
    if job == 'make':
        numpy.savez(folder + '/numpy.npz', **arrays)
        numpy.save(folder + '/bare.npy', arrays['a3'])
    elif job == 'open':
        numpy.load(folder + '/bare.npy', mmap_mode='r')[1000].item()
    elif job == 'all':
        with numpy.load(folder + '/numpy.npz') as npz:
            sum(npz[name].sum() for name in npz.files)
    elif job == 'write':
        numpy.savez(folder + '/numpy.npz', **arrays)
    print(time.perf_counter() - start, flush=True)
";

/// The same with every array kept, as a process of its own.
const NUMPY_ALL: &str = "
import numpy, sys
with numpy.load(sys.argv[1]) as npz:
    arrays = {name: npz[name] for name in npz.files}
print(sum(array.sum() for array in arrays.values()))
";

/// What torch does. Before 2.1 it has no way to map a file: all of it is read.
const TORCH: &str = "
import inspect, sys, time, torch
path = sys.argv[1] + '/state.pt'
options = {'map_location': 'cpu', 'weights_only': True}
if 'mmap' in inspect.signature(torch.load).parameters:
    options['mmap'] = True
for line in sys.stdin:
    start = time.perf_counter()
    [(name, tensor.dtype, tensor.shape) for name, tensor in torch.load(path, **options).items()]
    print(time.perf_counter() - start, flush=True)
";

/// Tensors of the checkpoint, of 4 MB each.
const TENSORS: usize = 256;

/// Prints the rows, or why there are none.
pub(crate) fn print() {
    println!("\nArchives of 1 GB, stored: medians in ms, both sides in turn\n");
    println!("{:36} {:>10} {:>10} {:>7}  goal", "job", "oiji", "peer", "ratio");
    for rows in [numpy_rows, torch_rows] {
        if let Err(error) = rows() {
            println!("skipped: {error}");
        }
    }
}

fn numpy_rows() -> Result<(), String> {
    let python = oiji_testkit::python3().ok_or("no Python 3")?;
    let python = python.with_packages(&["numpy>=2"]).map_err(|error| format!("numpy: {}", error.trim()))?;
    let folder = tempfile::tempdir().map_err(told)?;
    let mut numpy = Peer::new(&python, NUMPY, folder.path())?;
    numpy.time("make")?;
    let path = |name: &str| folder.path().join(name);
    let arrays: Vec<(String, Array<'_>)> = (0..COUNT)
        .map(|index| {
            let values: Vec<f64> = (0..8 << 20).map(|value| (value + index) as f64).collect();
            Ok((format!("a{index}"), Array::from_values(&values, &[8 << 20]).map_err(told)?))
        })
        .collect::<Result<_, String>>()?;
    row("open, one array (numpy: bare .npy)", "at most 1 ms more", &mut numpy, "open", &mut || {
        let map = Map::of(&File::open(path("numpy.npz")).map_err(told)?).map_err(told)?;
        let archive = Archive::open(&map).map_err(told)?;
        let array = archive.array("a3").map_err(told)?;
        black_box(array.bytes().map_err(told)?[8000]);
        Ok(())
    })?;
    row("read and sum every array", "no slower", &mut numpy, "all", &mut || sum(&path("numpy.npz")).map(drop))?;
    let own = std::env::current_exe().map_err(told)?;
    let (_, ours) = measure(Command::new(own).arg("--archive-sum").arg(path("numpy.npz")))?;
    let (_, theirs) = measure(python.command().args(["-c", NUMPY_ALL]).arg(path("numpy.npz")))?;
    let [ours, theirs] = [ours, theirs].map(|bytes| bytes as f64 / 1e6);
    println!("{:36} {ours:10.1} {theirs:10.1} {:7.1}  a tenth of it", "the same, peak MB", theirs / ours);
    row("write", "1.2 of its time", &mut numpy, "write", &mut || {
        let file = File::create(path("ours.npz")).map_err(told)?;
        save_npz(file, arrays.iter().map(|(name, array)| (name.as_str(), array))).map_err(told)
    })
}

/// A checkpoint of torch, listed.
fn torch_rows() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(told)?;
    let path = folder.path().join("state.pt");
    let values: Vec<f32> = (0..1 << 20).map(|value| value as f32).collect();
    let tensors: Vec<(String, Array<'_>)> = (0..TENSORS)
        .map(|index| {
            Ok((format!("layers.{index}.weight"), Array::from_values(&values, &[1 << 10, 1 << 10]).map_err(told)?))
        })
        .collect::<Result<_, String>>()?;
    let file = File::create(&path).map_err(told)?;
    save_torch(file, tensors.iter().map(|(name, array)| (name.as_str(), array))).map_err(told)?;
    drop(tensors);
    let mut list = || {
        let map = Map::of(&File::open(&path).map_err(told)?).map_err(told)?;
        let arrays = Archive::open(&map).map_err(told)?.arrays().map_err(told)?;
        if arrays.len() == TENSORS { Ok(()) } else { Err(format!("{} tensors", arrays.len())) }
    };
    let (name, goal) = ("list a checkpoint (torch: load)", "milliseconds");
    match oiji_testkit::python_with_torch() {
        Some(python) => row(name, goal, &mut Peer::new(&python, TORCH, folder.path())?, "list", &mut list)?,
        None => {
            let mut times = Vec::new();
            for _ in 0..5 {
                let start = Instant::now();
                list()?;
                times.push(start.elapsed());
            }
            println!("{name:36} {:10.2} {:>10} {:>7}  {goal}", median(times), "-", "-");
        }
    }
    let Some(command) = command() else { return Ok(()) };
    let (time, peak) = measure(Command::new(command).arg("list").arg(&path))?;
    let (time, peak) = (time.as_secs_f64() * 1e3, peak as f64 / 1e6);
    println!("{:36} {time:10.2} {:>10} {:>7}  milliseconds; peak {peak:.1} MB", "oiji list, as a process", "-", "-");
    Ok(())
}

/// The sum of all arrays of a file of floats, whose pages are given back behind each.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn sum(path: &Path) -> Result<f64, String> {
    let map = Map::of(&File::open(path).map_err(told)?).map_err(told)?;
    let archive = Archive::open(&map).map_err(told)?;
    let mut sum = 0.0;
    for info in archive.arrays().map_err(told)? {
        let array = archive.array(&info.name).map_err(told)?;
        sum += total(&array.bytes().map_err(told)?);
        map.give_back();
    }
    Ok(black_box(sum))
}

/// The sum of little-endian floats, on eight lanes.
fn total(bytes: &[u8]) -> f64 {
    let mut lanes = [0.0; 8];
    let (chunks, _) = bytes.as_chunks::<64>();
    for chunk in chunks {
        let (floats, _) = chunk.as_chunks::<8>();
        for (lane, float) in lanes.iter_mut().zip(floats) {
            *lane += f64::from_le_bytes(*float);
        }
    }
    lanes.iter().sum()
}

fn row(
    name: &str,
    goal: &str,
    peer: &mut Peer,
    job: &str,
    ours: &mut dyn FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        let start = Instant::now();
        ours()?;
        times[0].push(start.elapsed());
        times[1].push(peer.time(job)?);
    }
    let [ours, theirs] = times.map(median);
    println!("{name:36} {ours:10.2} {theirs:10.2} {:7.1}  {goal}", theirs / ours);
    Ok(())
}

/// A Python that waits for jobs.
struct Peer {
    child: std::process::Child,
    answers: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Peer {
    fn new(python: &Python, script: &str, folder: &Path) -> Result<Peer, String> {
        use std::io::BufRead;
        let mut command = python.command();
        command.args(["-c", script]).arg(folder);
        let mut child =
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().map_err(told)?;
        let output = child.stdout.take().ok_or("no output")?;
        Ok(Peer { child, answers: std::io::BufReader::new(output).lines() })
    }

    fn time(&mut self, job: &str) -> Result<Duration, String> {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().ok_or("no input")?, "{job}").map_err(told)?;
        let answer = self.answers.next().ok_or("the peer ended")?.map_err(told)?;
        answer.trim().parse().map(Duration::from_secs_f64).map_err(told)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its input; what is left of it does not matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
