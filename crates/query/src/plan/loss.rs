//! How the loss of one release is split over its stages.

use flockwise_mechanisms::{Delta, Loss};

use super::stage::Measure;
use crate::kernel::Moment;

/// Parts of a release's loss, in percent of its amount; δ goes to the selection alone.
///
/// Measured on film ratings and shop invoices: half for finding keys and half for measuring them is within a few percent
/// of the best split over a wide range, and a twentieth buys a bound that is close to the best in hindsight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// For finding the keys; all of it where the selection is also the count of people and nothing else is asked.
    pub selection: u64,
    /// For buying the bound.
    pub bound: u64,
}

impl Split {
    /// The parts for keys from the data (`private`) whose selection is (`reuses`) or is not also the count of people, a
    /// bound that is bought or given, and so many other vectors to measure.
    pub(crate) const fn new(private: bool, reuses: bool, bought: bool, measures: u64) -> Self {
        let selection = match (private, reuses, measures) {
            (false, ..) => 0,
            (true, true, 0) => 100,
            // One part for the count that selects, one for each other vector.
            (true, true, others) => 100 / (others + 1),
            (true, false, _) => 48,
        };
        Self { selection, bound: if bought { 5 } else { 0 } }
    }

    /// The parts: selection (with all of δ), bound, and the equal parts of what is measured.
    pub(crate) fn apply(self, whole: Loss, measures: u64) -> (Loss, Loss, Loss) {
        let amount = whole.with_delta(Delta::ZERO);
        let rest = 100 - self.selection - self.bound;
        let each = if measures == 0 { amount.share(0, 1) } else { amount.share(rest, 100).share(1, measures) };
        let selection = if self.selection == 0 { Delta::ZERO } else { whole.delta() };
        (amount.share(self.selection, 100).with_delta(selection), amount.share(self.bound, 100), each)
    }
}

/// Every moment that is asked, once, with its part of the loss.
pub(crate) fn measures(moments: &[Moment], each: Loss) -> Vec<Measure> {
    let mut measures: Vec<Measure> = Vec::new();
    for &moment in moments {
        if measures.iter().all(|measure| measure.moment != moment) {
            measures.push(Measure { moment, loss: each });
        }
    }
    measures
}
