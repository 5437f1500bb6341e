//! k-ary (generalized) randomized response.

use crate::chance::Chance;
use crate::draw::{Draws, NoEntropy};
use crate::epsilon::Epsilon;
use crate::scheme::{BadScheme, check_items, write_number};

/// k-ary randomized response (Warner 1965 for two items; Kairouz, Oh, Viswanath 2016): the truth with probability T,
/// otherwise an item drawn uniformly from all k.
///
/// ε-locally private: (T + (1−T)/k) / ((1−T)/k) ≤ e^ε, with T rounded down. Best for a few items: its variance grows
/// with k. A report is the item's index, in as many whole bytes as k − 1 needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kary {
    epsilon: Epsilon,
    items: u32,
    keep: Chance,
    bytes: usize,
}

impl Kary {
    /// For items 0..`items`.
    ///
    /// # Errors
    /// [`BadScheme::Items`].
    pub fn new(items: u32, epsilon: Epsilon) -> Result<Self, BadScheme> {
        check_items(items)?;
        let keep = Chance::keep(epsilon, u64::from(items));
        Ok(Self { epsilon, items, keep, bytes: bytes_for(u64::from(items) - 1) })
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

    /// T: how often the truth is reported on purpose (it is also reported by chance).
    #[must_use]
    pub const fn keep(&self) -> Chance {
        self.keep
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        item: Option<u32>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        // Both draws are made whatever the item and the coin: no branch tells how long they take.
        let keep = draws.coin(self.keep)?;
        let other = draws.below(u64::from(self.items))?;
        let truth = item.unwrap_or(other);
        write_number(u64::from(if keep { truth } else { other }), report);
        Ok(())
    }
}

/// Whole bytes that hold every number up to `largest`, at least one.
pub(crate) const fn bytes_for(largest: u64) -> usize {
    let bits = 64 - largest.leading_zeros() as usize;
    if bits <= 8 { 1 } else { bits.div_ceil(8) }
}
