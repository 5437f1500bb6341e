//! Optimized unary encoding.

use crate::chance::Chance;
use crate::draw::{Draws, NoEntropy};
use crate::epsilon::Epsilon;
use crate::scheme::{BadScheme, check_items};

/// Optimized unary encoding (Wang, Blocki, Li, Jha 2017): one bit per item; the bit of the truth is a fair coin, every
/// other bit is one with probability q.
///
/// ε-locally private for q ≥ 1/(e^ε + 1): two items differ in two bits, whose ratios ½/q and (1−q)/½ multiply to
/// (1−q)/q ≤ e^ε. Variance is near the least of any scheme for many items; the report is as long as the list of items.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unary {
    epsilon: Epsilon,
    items: u32,
    noise: Chance,
}

/// The most items one unary report may list: 8 KiB a report.
pub const MOST_UNARY_ITEMS: u32 = 1 << 16;

impl Unary {
    /// For items 0..`items`.
    ///
    /// # Errors
    /// [`BadScheme::Items`], or [`BadScheme::ReportTooLong`] over [`MOST_UNARY_ITEMS`].
    pub fn new(items: u32, epsilon: Epsilon) -> Result<Self, BadScheme> {
        check_items(items)?;
        if items > MOST_UNARY_ITEMS {
            return Err(BadScheme::ReportTooLong);
        }
        Ok(Self { epsilon, items, noise: Chance::flip(epsilon) })
    }

    /// ε of one report.
    #[must_use]
    pub const fn epsilon(&self) -> Epsilon {
        self.epsilon
    }

    /// How many items there are.
    #[must_use]
    pub const fn items(&self) -> u32 {
        self.items
    }

    /// q: how often a bit that is not the truth's is one.
    #[must_use]
    pub const fn noise(&self) -> Chance {
        self.noise
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        (self.items as usize).div_ceil(8)
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        item: Option<u32>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        report.fill(0);
        for index in 0..self.items {
            let chance = if Some(index) == item { Chance::HALF } else { self.noise };
            let bit = u8::from(draws.coin(chance)?);
            report[index as usize / 8] |= bit << (index % 8);
        }
        Ok(())
    }
}
