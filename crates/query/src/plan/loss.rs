//! How the loss of one release is split over its stages.

use flockwise_mechanisms::{Delta, Loss};

use super::stage::Over;
use crate::kernel::Moment;

/// Parts of a release's loss, in thousandths of its amount; δ goes to the selection alone.
///
/// What finds the keys and what measures them share by weight ([`FINDS`] and [`weight`]). Measured on film ratings at ε = 1
/// and δ = 1e-8, people and mean, bound bought, means of 20 runs: see docs/statistics.md. Six
/// parts for finding, in place of four, find 11% more films and half as many shop goods again, for 8% more noise. Links need more
/// than keys: they are many, and each has few people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// For finding the keys; all of it where the selection is also the count of people and nothing else is asked.
    selection: u64,
    /// For buying the bound.
    bound: u64,
    /// For rough counts of declared keys, by which it is bought.
    rough: u64,
    /// For what is measured over the cells.
    measures: u64,
    /// For each of the two histograms that buy a clamp range.
    range: u64,
    /// The weights of what is measured, added up.
    weights: u64,
}

/// The weight of finding the keys.
const FINDS: u64 = 6;

/// The weight of what is measured: a count carries every mean and proportion that is made of it.
const fn weight(moment: Moment) -> u64 {
    match moment {
        Moment::People | Moment::Nodes { .. } => 5,
        Moment::Rows { .. } | Moment::Value { .. } => 3,
    }
}

/// What decides a split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a> {
    /// Whether keys come from the data.
    pub private: bool,
    /// Whether their selection is also the count of people.
    pub reuses: bool,
    /// Whether a bound is bought.
    pub bought: bool,
    /// Whether it is bought by rough counts of declared keys as well.
    pub rough: bool,
    /// Whether a clamp range is bought.
    pub ranged: bool,
    /// What is measured over the cells.
    pub moments: &'a [Moment],
    /// What is measured beside them.
    pub margins: &'a [Over],
    /// Whether cells are links of keys.
    pub linked: bool,
}

impl Split {
    /// The parts of a release of this shape.
    pub(crate) fn new(shape: Shape<'_>) -> Self {
        let reused = |moment: &&Moment| !(shape.reuses && **moment == Moment::People);
        let totals = |over: &&Over| matches!(over, Over::Totals(_));
        // Every level of a tree of counts has the weight of the cells.
        let levels = shape.margins.iter().filter(totals).count() as u64;
        let moments: u64 = shape.moments.iter().filter(reused).map(|&moment| weight(moment)).sum();
        let weights = moments + levels * weight(Moment::People);
        let margins: u64 = shape.margins.iter().map(|&over| part(over)).sum();
        let bound = if shape.bought { 50 } else { 0 };
        let rough = if shape.rough { 30 } else { 0 };
        let range = if shape.ranged { 40 } else { 0 };
        let rest = 1000 - margins - bound - rough - 2 * range;
        let finds = if shape.reuses { weight(Moment::People) } else { FINDS };
        let selection = match (shape.private, shape.linked) {
            (false, _) => 0,
            (true, true) => 200,
            (true, false) => rest * finds / (finds + weights),
        };
        Self { selection, bound, rough, measures: rest - selection, range, weights }
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

    /// For rough counts of declared keys.
    pub(crate) fn rough(self, whole: Loss) -> Loss {
        amount(whole).share(self.rough, 1000)
    }

    /// For each of the two histograms that buy a clamp range.
    pub(crate) fn ranged(self, whole: Loss) -> Loss {
        amount(whole).share(self.range, 1000)
    }

    /// For one of the vectors over the cells.
    pub(crate) fn measured(self, whole: Loss, moment: Moment) -> Loss {
        if self.weights == 0 {
            return nothing(whole);
        }
        amount(whole).share(self.measures * weight(moment), 1000 * self.weights)
    }

    /// For a margin.
    pub(crate) fn margin(self, whole: Loss, over: Over) -> Loss {
        match over {
            Over::Totals(_) => self.measured(whole, Moment::People),
            Over::Keys | Over::Everyone | Over::FirstPart => amount(whole).share(part(over), 1000),
        }
    }
}

/// For what has been paid for already.
pub(crate) fn nothing(whole: Loss) -> Loss {
    amount(whole).share(0, 1)
}

fn amount(whole: Loss) -> Loss {
    whole.with_delta(Delta::ZERO)
}

/// The fixed part of a margin: people per key are put under every link, so their error is in all of them; one number needs
/// little.
const fn part(over: Over) -> u64 {
    match over {
        Over::Keys => 150,
        Over::Everyone => 10,
        Over::FirstPart => 200,
        Over::Totals(_) => 0,
    }
}
