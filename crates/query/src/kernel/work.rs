//! Sharing tasks among threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::memory::SpillError;

/// Runs every task once. A thread takes one task after the other, each time the first that nobody has, and carries its own
/// state through them: there are never more states than threads. Which thread does which task is not determined, so
/// nothing that comes out may depend on it.
pub(super) fn share<A: Send>(
    tasks: usize,
    zero: impl Fn() -> A + Sync,
    step: impl Fn(&mut A, usize) -> Result<(), SpillError> + Sync,
) -> Result<Vec<A>, SpillError> {
    let next = AtomicUsize::new(0);
    let threads = rayon::current_num_threads().min(tasks);
    let run = |_| {
        let mut state = None;
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return Ok(state);
            }
            step(state.get_or_insert_with(&zero), task)?;
        }
    };
    let states: Result<Vec<Option<A>>, SpillError> =
        (0..threads).into_par_iter().with_max_len(1).map(run).collect();
    Ok(states?.into_iter().flatten().collect())
}
