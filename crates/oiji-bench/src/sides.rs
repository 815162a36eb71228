//! The two sides: the same jobs done by oiji and by serde-pickle.

use std::hint::black_box;
use std::io::BufReader;
use std::time::{Duration, Instant};

use oiji::Graph;
use serde_pickle::{DeOptions, SerOptions};

use crate::data;

/// Who does it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Oiji,
    SerdePickle,
}

/// A job: its name, and how many times as fast we mean to be.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) goal: f64,
    /// The share of the peer's peak memory we mean to stay below.
    pub(crate) memory_goal: Option<f64>,
}

/// All jobs.
pub(crate) const JOBS: &[Job] = &[
    Job { name: "read", goal: 4.0, memory_goal: Some(0.5) },
    Job { name: "read stream", goal: 4.0, memory_goal: Some(0.5) },
    Job { name: "write", goal: 3.0, memory_goal: None },
];

/// How long one side takes for one job on `inputs`, the result dropped within.
///
/// # Errors
/// What the side says.
pub(crate) fn time(inputs: &[Vec<u8>], job: &str, side: Side) -> Result<Duration, String> {
    let mut total = Duration::ZERO;
    for input in inputs {
        total += match side {
            Side::Oiji => oiji_side(input, job).map_err(|error| error.to_string())?,
            Side::SerdePickle => serde_pickle_side(input, job).map_err(|error| error.to_string())?,
        };
    }
    Ok(total)
}

fn oiji_side(input: &[u8], job: &str) -> oiji::Result<Duration> {
    match job {
        "read" => {
            let start = Instant::now();
            drop(black_box(Graph::from_slice(input)?));
            Ok(start.elapsed())
        }
        "read stream" => {
            let start = Instant::now();
            drop(black_box(Graph::from_buf_read(BufReader::new(input))?));
            Ok(start.elapsed())
        }
        _ => {
            let graph = Graph::from_slice(input)?;
            let start = Instant::now();
            drop(black_box(data::rewritten(&graph)?));
            Ok(start.elapsed())
        }
    }
}

fn serde_pickle_side(input: &[u8], job: &str) -> serde_pickle::Result<Duration> {
    match job {
        "read" => {
            let start = Instant::now();
            drop(black_box(serde_pickle::value_from_slice(input, DeOptions::new())?));
            Ok(start.elapsed())
        }
        "read stream" => {
            let start = Instant::now();
            drop(black_box(serde_pickle::value_from_reader(BufReader::new(input), DeOptions::new())?));
            Ok(start.elapsed())
        }
        _ => {
            let value = serde_pickle::value_from_slice(input, DeOptions::new())?;
            let start = Instant::now();
            drop(black_box(serde_pickle::value_to_vec(&value, SerOptions::new())?));
            Ok(start.elapsed())
        }
    }
}
