//! Public grids of bins, on which distributions are counted.

use serde::{Deserialize, Serialize};

use crate::kernel::Spread;
use crate::value::Bounds;

/// Bins of the tree from which quantiles are read.
const FINEST: u32 = 256;
/// Branches at each node of that tree: 16 is good for quantiles (Qardaji, Yang, Li 2013).
const BRANCHING: u32 = 16;

/// Bins [origin + (first + i)·width, origin + (first + i + 1)·width), i below the number of bins; what lies outside falls
/// into the first or the last.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bins {
    /// Subtracted first.
    pub origin: f64,
    /// Width of a bin.
    pub width: f64,
    /// The number of the first bin.
    pub first: f64,
    /// Whether a bin stands for one whole number.
    pub whole: bool,
    /// Whether the grid is that of the range that is bought, and not known before.
    pub bought: bool,
    /// What is counted.
    pub spread: Spread,
}

impl Bins {
    /// The grid for quantiles: a bin for each whole number where these are at most 256, else 256 bins of equal width.
    #[must_use]
    pub fn for_quantiles(bounds: Bounds, whole: bool) -> Self {
        let bought = false;
        let (low, high) = (bounds.low(), bounds.high());
        let values = high - low + 1.0;
        let tree = |bins| Spread::Tree { bins, branching: BRANCHING };
        if whole && values <= f64::from(FINEST) {
            return Self { origin: low, width: 1.0, first: 0.0, whole, bought, spread: tree(values as u32) };
        }
        let width = (high / f64::from(FINEST) - low / f64::from(FINEST)).max(f64::MIN_POSITIVE);
        Self { origin: low, width, first: 0.0, whole: false, bought, spread: tree(FINEST) }
    }

    /// The grid for quantiles of a range that is bought: as many bins, whatever it turns out to be.
    #[must_use]
    pub const fn for_bought_quantiles() -> Self {
        let spread = Spread::Tree { bins: FINEST, branching: BRANCHING };
        let width = 2.0 / FINEST as f64;
        Self { origin: -1.0, width, first: 0.0, whole: false, bought: true, spread }
    }

    /// The same number of bins over another range.
    #[must_use]
    pub fn stretched(self, low: f64, high: f64) -> Self {
        let bins = f64::from(self.spread.bins());
        let width = (high / bins - low / bins).max(f64::MIN_POSITIVE);
        Self { origin: low, width, ..self }
    }

    /// Bars of a histogram, at whole multiples of their width.
    #[must_use]
    pub fn for_bars(bounds: Bounds, width: f64) -> Self {
        let (first, last) = crate::backend::bin_range(width, bounds);
        let bins = (last - first + 1.0) as u32;
        Self { origin: 0.0, width, first, whole: false, bought: false, spread: Spread::Flat { bins } }
    }

    /// The bin of a value: a function of this value alone.
    #[must_use]
    pub fn bin(&self, value: f64) -> u32 {
        let at = ((value - self.origin) / self.width).floor() - self.first;
        at.max(0.0).min(f64::from(self.spread.bins() - 1)) as u32
    }

    /// The lower end of a bin.
    #[must_use]
    pub fn start(&self, bin: u32) -> f64 {
        (self.first + f64::from(bin)).mul_add(self.width, self.origin) + 0.0
    }
}
