//! Work on many files: done on all processors, told in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::failure::Failure;

/// Does `work` for all jobs on all processors, and `tell` for each result, in the order of the jobs.
pub(crate) fn in_parallel<J: Sync, R: Send>(
    jobs: &[J],
    work: impl Fn(&J) -> R + Sync,
    mut tell: impl FnMut(&J, R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let count = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..count {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((index, job)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| Some((index, jobs.get(index)?)))
                {
                    // Nobody listens any more where telling failed.
                    if sender.send((index, work(job))).is_err() {
                        return;
                    }
                }
            });
        }
        // Without it the receiver would wait for ever.
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut told = 0;
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&told) {
                tell(&jobs[told], result)?;
                told += 1;
            }
        }
        Ok(())
    })
}
