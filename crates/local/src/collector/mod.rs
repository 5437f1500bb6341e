//! What the collector learns from reports: counts and means with error bars.
//!
//! Everything here is post-processing of reports that were private when they left their devices, so none of it costs
//! anybody anything, however often it runs. Estimates are unbiased, and so may be negative; [`simplex`] makes them shares.

mod hadamard;
mod intake;
pub mod shuffle;
mod simplex;
mod tally;

pub use intake::{Intake, Skipped};
pub use simplex::simplex;
pub use tally::{BadReport, Estimate, Tally};

/// The items whose count is above zero beyond doubt: with probability about `1 − doubt` (in the normal approximation of
/// the error bars) no item that nobody holds is among them. Largest first.
///
/// The bound on each item is z standard deviations with ½·e^(−z²/2) = doubt/items: the normal tail from above, shared out
/// over all items.
///
/// # Panics
/// Unless `doubt` is between 0 and 1.
#[must_use]
pub fn heavy_hitters(estimates: &[Estimate], doubt: f64) -> std::vec::Vec<usize> {
    assert!(doubt > 0.0 && doubt < 1.0, "doubt is a probability");
    let z = (2.0 * (estimates.len() as f64 / (2.0 * doubt)).max(1.0).ln()).sqrt();
    let sure = |item: &usize| estimates[*item].value > z * estimates[*item].sd;
    let mut items: std::vec::Vec<usize> = (0..estimates.len()).filter(sure).collect();
    items.sort_by(|&a, &b| estimates[b].value.total_cmp(&estimates[a].value));
    items
}
