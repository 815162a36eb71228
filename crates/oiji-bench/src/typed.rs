//! The typed table: Rust values read and written by oiji and its peers in turn, from CPython's own pickles of protocol 4.

use std::hint::black_box;
use std::io::{Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::formats::Format;
use crate::memory;

/// One of the structs: six mixed fields.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Item {
    id: u64,
    name: String,
    price: f64,
    ok: bool,
    tags: (String, u64),
    note: Option<String>,
}

/// A data set: its name, and the Python that makes it.
struct Data {
    name: &'static str,
    python: &'static str,
}

const DATA: &[Data] = &[
    Data {
        name: "200k structs",
        python: "[{'id': i, 'name': 'n%d' % i, 'price': i * 0.5, 'ok': i % 2 == 0, 'tags': ('a', i), 'note': None} \
                 for i in range(200000)]",
    },
    Data { name: "typed 1M ints", python: "list(range(-500000, 500000))" },
    Data { name: "typed 1M floats", python: "[i * 0.37 for i in range(1000000)]" },
    Data { name: "typed 100k strings", python: "['item %d' % i for i in range(100000)]" },
    Data { name: "typed 64 MB bytes", python: "bytes(64 << 20)" },
];

/// How many times the time of `oiji` that of a peer should be.
struct Goal {
    data: &'static str,
    job: &'static str,
    peer: Format,
    times: f64,
}

const GOALS: &[Goal] = &[
    Goal { data: "200k structs", job: "read", peer: Format::SerdePickle, times: 10.0 },
    Goal { data: "200k structs", job: "read", peer: Format::RmpSerde, times: 1.0 / 1.5 },
    Goal { data: "200k structs", job: "read", peer: Format::SerdeJson, times: 1.0 },
    Goal { data: "200k structs", job: "write", peer: Format::SerdePickle, times: 2.0 },
    Goal { data: "200k structs", job: "write", peer: Format::Bincode, times: 1.0 / 1.5 },
    Goal { data: "typed 1M ints", job: "read", peer: Format::SerdePickle, times: 8.0 },
    Goal { data: "typed 1M floats", job: "read", peer: Format::SerdePickle, times: 8.0 },
    Goal { data: "typed 100k strings", job: "read", peer: Format::SerdePickle, times: 3.0 },
];

/// The most that reading structs may hold, as a multiple of the structs themselves.
const MEMORY_GOAL: f64 = 2.0;

/// How long one row may go on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints all rows, or those of data sets with `filter` in their name.
pub(crate) fn print(filter: Option<&str>) {
    let chosen: Vec<&Data> =
        DATA.iter().filter(|data| filter.is_none_or(|filter| data.name.contains(filter))).collect();
    if chosen.is_empty() {
        return;
    }
    println!(
        "\nRust types by serde: medians in ms, all in turn; in brackets how many times oiji's time; MB at the peak\n"
    );
    print!("{:18} {:5}", "data", "job");
    for format in Format::ALL {
        print!(" {:>16}", format.name());
    }
    println!();
    let mut short = Vec::new();
    for data in chosen {
        if let Err(error) = rows(data, &mut short) {
            println!("skipped: {}: {error}", data.name);
        }
    }
    println!();
    for line in &short {
        println!("short: {line}");
    }
    println!("{} typed goals short", short.len());
}

fn rows(data: &Data, short: &mut Vec<String>) -> Result<(), String> {
    let python = oiji_testkit::python3().ok_or("no Python 3 to make the data")?;
    let script = format!("import pickle, sys; sys.stdout.buffer.write(pickle.dumps({}, 4))", data.python);
    let pickle = python.run(&script, b"")?;
    match data.name {
        "200k structs" => rows_of::<Vec<Item>>(data.name, &pickle, short),
        "typed 1M ints" => rows_of::<Vec<i64>>(data.name, &pickle, short),
        "typed 1M floats" => rows_of::<Vec<f64>>(data.name, &pickle, short),
        "typed 100k strings" => rows_of::<Vec<String>>(data.name, &pickle, short),
        _ => rows_of::<serde_bytes::ByteBuf>(data.name, &pickle, short),
    }
}

fn rows_of<T: Serialize + DeserializeOwned + PartialEq + Held>(
    name: &str,
    pickle: &[u8],
    short: &mut Vec<String>,
) -> Result<(), String> {
    let value: T = Format::Oiji.read(pickle)?;
    let mut inputs = Vec::new();
    for format in Format::ALL {
        let input = if format.is_pickle() { pickle.to_vec() } else { format.write(&value)? };
        // serde_json reads floats to the last digit only with a feature that makes it slower.
        if format.read::<T>(&input)? != value && format != Format::SerdeJson {
            return Err(format!("{} reads another value", format.name()));
        }
        inputs.push(input);
    }
    let ours = Format::Oiji.write(&value)?;
    if name == "200k structs" && ours.len() > pickle.len() {
        short.push(format!("{name}: {} bytes written, {} by CPython", ours.len(), pickle.len()));
    }
    for job in ["read", "write"] {
        let mut times: Vec<Vec<Duration>> = vec![Vec::new(); inputs.len()];
        let start = Instant::now();
        while times[0].len() < 3 || (start.elapsed() < PATIENCE && times[0].len() < 15) {
            for ((format, input), times) in Format::ALL.into_iter().zip(&inputs).zip(&mut times) {
                times.push(time(format, job, input, &value)?);
            }
        }
        let times: Vec<f64> = times.into_iter().map(crate::table::median).collect();
        print!("{name:18} {job:5} {:>16.2}", times[0]);
        for time in &times[1..] {
            print!(" {time:9.2} ({:4.1})", time / times[0]);
        }
        println!();
        for goal in GOALS.iter().filter(|goal| goal.data == name && goal.job == job) {
            let peer = Format::ALL.iter().position(|format| *format == goal.peer).unwrap_or(0);
            let ratio = times[peer] / times[0];
            if ratio < goal.times {
                short.push(format!("{name} {job}: {} {ratio:.2}, goal {:.2}", goal.peer.name(), goal.times));
            }
        }
        print!("{:18} {:5}", "", "MB");
        for (format, input) in Format::ALL.into_iter().zip(&inputs) {
            match peak(name, job, format, input) {
                Ok(peak) => print!(" {:16.1}", peak as f64 / 1e6),
                Err(_) => print!(" {:>16}", "?"),
            }
        }
        println!();
    }
    let peak = peak(name, "read", Format::Oiji, &inputs[0])?;
    let times = peak as f64 / value.held() as f64;
    println!(
        "{:18} the value holds {:.1} MB: {times:.2} times that at the peak of reading",
        "",
        value.held() as f64 / 1e6
    );
    if name == "200k structs" && times > MEMORY_GOAL {
        short.push(format!("{name} read: {times:.2} times the memory of the structs, goal {MEMORY_GOAL}"));
    }
    Ok(())
}

/// How long one format takes for one job; the result is dropped within.
fn time<T: Serialize + DeserializeOwned>(
    format: Format,
    job: &str,
    input: &[u8],
    value: &T,
) -> Result<Duration, String> {
    let start = Instant::now();
    if job == "read" {
        drop(black_box(format.read::<T>(black_box(input))?));
    } else {
        drop(black_box(format.write(black_box(value))?));
    }
    Ok(start.elapsed())
}

/// The most a process holds beyond its input while one format does one job.
fn peak(data: &str, job: &str, format: Format, input: &[u8]) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(["--typed-peak", data, job, format.name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    stdin.write_all(input).map_err(|error| error.to_string())?;
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| "no number".to_owned())
}

/// What the child process does.
pub(crate) fn child(data: &str, job: &str, format: &str) -> ExitCode {
    let mut input = Vec::new();
    let result = match (std::io::stdin().read_to_end(&mut input), Format::named(format)) {
        (Err(error), _) => Err(error.to_string()),
        (_, None) => Err(format!("no format {format}")),
        (Ok(_), Some(format)) => match data {
            "200k structs" => child_of::<Vec<Item>>(job, format, &input),
            "typed 1M ints" => child_of::<Vec<i64>>(job, format, &input),
            "typed 1M floats" => child_of::<Vec<f64>>(job, format, &input),
            "typed 100k strings" => child_of::<Vec<String>>(job, format, &input),
            _ => child_of::<serde_bytes::ByteBuf>(job, format, &input),
        },
    };
    match result {
        Ok(peak) => {
            println!("{peak}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn child_of<T: Serialize + DeserializeOwned>(job: &str, format: Format, input: &[u8]) -> Result<u64, String> {
    if job == "read" {
        return memory::rise(|| format.read::<T>(input).map(black_box));
    }
    let value: T = format.read(input)?;
    memory::rise(|| format.write(&value).map(black_box))
}

/// Bytes of memory that a value takes.
trait Held {
    fn held(&self) -> usize;
}

/// What the usual allocator gives for `bytes`: a word more, in steps of sixteen.
fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}

impl Held for Vec<Item> {
    fn held(&self) -> usize {
        let texts = |item: &Item| {
            allocated(item.name.len())
                + allocated(item.tags.0.len())
                + item.note.as_ref().map_or(0, |note| allocated(note.len()))
        };
        allocated(size_of_val(&**self)) + self.iter().map(texts).sum::<usize>()
    }
}

impl Held for Vec<String> {
    fn held(&self) -> usize {
        allocated(size_of_val(&**self)) + self.iter().map(|text| allocated(text.len())).sum::<usize>()
    }
}

impl Held for Vec<i64> {
    fn held(&self) -> usize {
        allocated(size_of_val(&**self))
    }
}

impl Held for Vec<f64> {
    fn held(&self) -> usize {
        allocated(size_of_val(&**self))
    }
}

impl Held for serde_bytes::ByteBuf {
    fn held(&self) -> usize {
        allocated(self.len())
    }
}
