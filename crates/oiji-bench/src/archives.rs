//! A gigabyte of arrays in one file, beside NumPy: opening, reading all, writing. The file is in memory either way, and
//! both sides take turns.

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use oiji::archive::{Archive, save_npz};
use oiji::array::Array;
use oiji_mmap::Map;
use oiji_testkit::Python;

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
    elif job == 'peak':
        del arrays
        import resource
    print(time.perf_counter() - start, flush=True)
";

/// Prints the rows, or why there are none.
pub(crate) fn print() {
    println!("\nArchives of 1 GB, stored: medians in ms, both sides in turn\n");
    if let Err(error) = rows() {
        println!("skipped: {error}");
    }
}

fn rows() -> Result<(), String> {
    let python = oiji_testkit::python3().ok_or("no Python 3")?;
    let python = python.with_packages(&["numpy>=2"]).map_err(|error| format!("numpy: {}", error.trim()))?;
    let folder = tempfile::tempdir().map_err(told)?;
    let mut numpy = Numpy::new(&python, folder.path())?;
    numpy.time("make")?;
    println!("{:36} {:>10} {:>10} {:>7}  goal", "job", "oiji", "numpy", "ratio");
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
    row("read and sum every array", "no slower", &mut numpy, "all", &mut || {
        let map = Map::of(&File::open(path("numpy.npz")).map_err(told)?).map_err(told)?;
        let archive = Archive::open(&map).map_err(told)?;
        let mut sum = 0.0;
        for info in archive.arrays().map_err(told)? {
            let array = archive.array(&info.name).map_err(told)?;
            sum += total(&array.bytes().map_err(told)?);
        }
        black_box(sum);
        Ok(())
    })?;
    row("write", "1.2 of its time", &mut numpy, "write", &mut || {
        let file = File::create(path("ours.npz")).map_err(told)?;
        save_npz(file, arrays.iter().map(|(name, array)| (name.as_str(), array))).map_err(told)
    })
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
    numpy: &mut Numpy,
    job: &str,
    ours: &mut dyn FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        let start = Instant::now();
        ours()?;
        times[0].push(start.elapsed());
        times[1].push(numpy.time(job)?);
    }
    let [ours, theirs] = times.map(median);
    println!("{name:36} {ours:10.2} {theirs:10.2} {:7.1}  {goal}", theirs / ours);
    Ok(())
}

/// A NumPy that waits for jobs.
struct Numpy {
    child: std::process::Child,
    answers: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Numpy {
    fn new(python: &Python, folder: &Path) -> Result<Numpy, String> {
        use std::io::BufRead;
        let mut command = python.command();
        command.args(["-c", NUMPY]).arg(folder);
        let mut child =
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().map_err(told)?;
        let output = child.stdout.take().ok_or("no output")?;
        Ok(Numpy { child, answers: std::io::BufReader::new(output).lines() })
    }

    fn time(&mut self, job: &str) -> Result<Duration, String> {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().ok_or("no input")?, "{job}").map_err(told)?;
        let answer = self.answers.next().ok_or("NumPy ended")?.map_err(told)?;
        answer.trim().parse().map(Duration::from_secs_f64).map_err(told)
    }
}

impl Drop for Numpy {
    fn drop(&mut self) {
        // It ends with its input; what is left of it does not matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
