//! How the loss of one release is split over its stages.

use flockwise_mechanisms::{Delta, Loss};

use super::stage::Over;

/// Parts of a release's loss, in thousandths of its amount; δ goes to the selection alone.
///
/// Measured on film ratings and shop invoices: half for finding keys and half for measuring them is within a few percent
/// of the best split over a wide range, and a twentieth buys a bound that is close to the best in hindsight. Links need
/// more of it than keys: they are many, and each has few people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// For finding the keys; all of it where the selection is also the count of people and nothing else is asked.
    selection: u64,
    /// For buying the bound.
    bound: u64,
    /// For all margins.
    margins: u64,
    /// How many vectors share the rest.
    measures: u64,
}

impl Split {
    /// The parts for keys from the data (`private`) whose selection is (`reuses`) or is not also the count of people, a
    /// bound that is bought or given, so many vectors to measure and these margins, over keys or (`linked`) their links.
    pub(crate) fn new(
        private: bool,
        reuses: bool,
        bought: bool,
        measures: u64,
        margins: &[Over],
        linked: bool,
    ) -> Self {
        let selection = match (private, reuses, measures) {
            (false, ..) => 0,
            (true, true, 0) => 1000,
            // One part for the count that selects, one for each other vector.
            (true, true, others) => 1000 / (others + 1),
            (true, false, _) if linked => 250,
            (true, false, _) => 480,
        };
        let margins = margins.iter().map(|&over| part(over)).sum();
        Self { selection, bound: if bought { 50 } else { 0 }, margins, measures }
    }

    /// For finding the keys, with all of δ.
    pub(crate) fn selected(self, whole: Loss) -> Loss {
        let delta = if self.selection == 0 { Delta::ZERO } else { whole.delta() };
        amount(whole).share(self.selection, 1000).with_delta(delta)
    }

    /// For buying the bound.
    pub(crate) fn bought(self, whole: Loss) -> Loss {
        amount(whole).share(self.bound, 1000)
    }

    /// For one of the vectors over the cells.
    pub(crate) fn measured(self, whole: Loss) -> Loss {
        if self.measures == 0 {
            return self.nothing(whole);
        }
        let rest = 1000_u64.saturating_sub(self.selection + self.bound + self.margins);
        amount(whole).share(rest, 1000 * self.measures)
    }

    /// For a margin.
    pub(crate) fn margin(self, whole: Loss, over: Over) -> Loss {
        amount(whole).share(part(over), 1000)
    }

    /// For what has been paid for already.
    pub(crate) fn nothing(self, whole: Loss) -> Loss {
        amount(whole).share(0, 1)
    }
}

fn amount(whole: Loss) -> Loss {
    whole.with_delta(Delta::ZERO)
}

/// The part of a margin: people per key are put under every link, so their error is in all of them; one number needs
/// little.
const fn part(over: Over) -> u64 {
    match over {
        Over::Keys => 150,
        Over::Everyone => 10,
        Over::FirstPart => 200,
    }
}
