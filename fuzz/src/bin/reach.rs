//! `reach CASES [FIRST] [PYTHON…]`: what real unpicklers reach in so many pickles made by chance, beside our scan.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use oiji_fuzz::reach;
use oiji_testkit::{Python, pythons};

/// So many cases are asked of one process.
const BATCH: u64 = 20_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok());
    let (count, first) = (number(0).unwrap_or(100_000), number(1).unwrap_or(0));
    let named: Vec<&String> = words.iter().skip(2).collect();
    let wanted = |python: &&Python| match named.as_slice() {
        [] => [(2, 7), (3, 8), (3, 13)].contains(&(python.version.0, python.version.1)),
        named => named.iter().any(|name| python.name().starts_with(name.as_str())),
    };
    let pythons: Vec<&Python> = pythons().iter().filter(wanted).collect();
    let Some(batches) = (!pythons.is_empty()).then(|| count.div_ceil(BATCH)) else {
        eprintln!("reach: no such Python here");
        return ExitCode::from(2);
    };
    let (start, next, missed) = (Instant::now(), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch >= batches {
                        return;
                    }
                    let cases = reach::cases(first + batch * BATCH, BATCH.min(count - batch * BATCH));
                    let python = pythons[(batch % pythons.len() as u64) as usize];
                    match reach::missed(python, &cases) {
                        Ok(found) => {
                            for case in &found {
                                if missed.fetch_add(1, Ordering::Relaxed) < 40 {
                                    println!(
                                        "{} reaches {:?}: {}",
                                        python.name(),
                                        case.what,
                                        case.bytes.escape_ascii()
                                    );
                                }
                            }
                        }
                        Err(error) => {
                            println!("batch {batch} on {}: {error}", python.name());
                            missed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let missed = missed.into_inner();
    println!("{count} cases from {first} in {:.0?}: {missed} missed", start.elapsed());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
