//! The table: a row for each data set and job.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::data::{self, DATA};
use crate::memory;
use crate::sides::{self, JOBS, Job, Side};

/// How long one row may go on.
const PATIENCE: Duration = Duration::from_secs(6);

/// Prints all rows, or those of data sets with `filter` in their name.
pub(crate) fn print(filter: Option<&str>) -> ExitCode {
    println!("oiji against serde-pickle 1.2: times are medians, both sides in turn\n");
    println!(
        "{:20} {:12} {:>10} {:>12} {:>7} {:>5}  {:>9} {:>12} {:>7}",
        "data", "job", "oiji ms", "peer ms", "ratio", "goal", "oiji MB", "peer MB", "share"
    );
    let mut missed = 0;
    for name in DATA.iter().map(|data| data.name).chain(["corpus"]) {
        if filter.is_some_and(|filter| !name.contains(filter)) {
            continue;
        }
        let inputs = match DATA.iter().find(|data| data.name == name) {
            Some(data) => match data.pickle() {
                Ok(pickle) => vec![pickle],
                Err(error) => {
                    println!("skipped: {name}: {error}");
                    continue;
                }
            },
            None => data::corpus(),
        };
        for job in JOBS {
            match row(name, &inputs, job) {
                Ok(reached) => missed += usize::from(!reached),
                Err(error) => println!("{name:20} {:12} {error}", job.name),
            }
        }
    }
    println!("\n{missed} rows short of their goal");
    ExitCode::SUCCESS
}

/// Prints one row; says whether it reached its goals.
fn row(name: &str, inputs: &[Vec<u8>], job: &Job) -> Result<bool, String> {
    let start = Instant::now();
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    while times[0].len() < 3 || (start.elapsed() < PATIENCE && times[0].len() < 15) {
        for (side, times) in [Side::Oiji, Side::SerdePickle].into_iter().zip(&mut times) {
            times.push(sides::time(inputs, job.name, side)?);
        }
    }
    let [ours, theirs] = times.map(median);
    let ratio = theirs / ours;
    // One copy is all that either side makes of it: there is nothing to be faster at.
    let is_copied = name == data::COPIED && job.name != "read";
    let memory = [Side::Oiji, Side::SerdePickle].map(|side| memory::peak(name, job.name, side));
    let mut reached = is_copied || ratio >= job.goal;
    let memory = match memory {
        [Ok(ours), Ok(theirs)] => {
            let share = ours as f64 / theirs.max(1) as f64;
            // Below a megabyte it is pages that are counted, not values.
            reached &= is_copied || job.memory_goal.is_none_or(|goal| share <= goal || ours < 1 << 20);
            format!("{:9.1} {:12.1} {share:7.2}", ours as f64 / 1e6, theirs as f64 / 1e6)
        }
        [Err(error), _] | [_, Err(error)] => error,
    };
    let mark = if reached { "" } else { "  short" };
    let goal = if is_copied { "copy".to_owned() } else { format!("{:.1}", job.goal) };
    println!("{name:20} {:12} {ours:10.3} {theirs:12.2} {ratio:7.1} {goal:>5}  {memory}{mark}", job.name);
    Ok(reached)
}

/// The median, in milliseconds.
pub(crate) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
