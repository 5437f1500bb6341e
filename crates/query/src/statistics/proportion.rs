//! Proportions of released counts: lift, cosine, conditional probability, affinity, retention. Post-processing.
//!
//! Bars treat a proportion of different measures as the ratio of two independent noisy numbers ([`ratio`]); the noise of a product or root in
//! the denominator is that of its first-order expansion, which is close where counts are several standard deviations
//! from zero.

use super::estimate::{Noisy, Z, noisy, ratio};
use crate::engine::Measured;
use crate::key::{decode, encode};
use crate::plan::{Formula, PairOf, ReleasePlan};
use crate::table::Estimate;

/// What proportions need beside the cell itself.
pub(super) struct Proportions {
    /// For each cell of a pair, the places of its two keys.
    ends: Vec<(usize, usize)>,
    /// For each cell, the place of its first part among the values of the margin over it.
    firsts: Vec<Option<usize>>,
    /// For each cell, the sums it is put in proportion to: its segment, its category, all; in released counts.
    sums: Vec<[Sum; 3]>,
}

/// A sum of released counts, and of how many.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    value: f64,
    cells: f64,
}

impl Proportions {
    pub fn new(plan: &ReleasePlan, measured: &Measured) -> Self {
        let mut made = Self { ends: Vec::new(), firsts: Vec::new(), sums: Vec::new() };
        if plan.stages.linked.is_some() && !plan.stages.margins.is_empty() {
            let keys = measured.margins.first().map_or(0, |margin| margin.values.len());
            made.ends = (0..keys).flat_map(|one| (one + 1..keys).map(move |other| (one, other))).collect();
        }
        for output in &plan.outputs {
            match output.formula {
                Formula::Retained { margin, .. } => {
                    let known = &plan.stages.margins[margin].keys;
                    let first = |key: &Vec<u8>| {
                        let mut bytes = Vec::new();
                        decode(key).first().into_iter().for_each(|part| encode(part, &mut bytes));
                        known.iter().position(|known| *known == bytes)
                    };
                    made.firsts = measured.keys.iter().map(first).collect();
                }
                Formula::OverIndex(place) => made.sums = sums(plan, measured, place),
                Formula::Count(_)
                | Formula::Total(_)
                | Formula::Sum { .. }
                | Formula::Mean { .. }
                | Formula::Variance { .. }
                | Formula::Deviation { .. }
                | Formula::Quantile { .. }
                | Formula::Bar { .. }
                | Formula::Lift(_)
                | Formula::Cosine(_)
                | Formula::Conditional(_) => {}
            }
        }
        made
    }

    /// n_ab·N / (n_a·n_b).
    pub fn lift(&self, plan: &ReleasePlan, measured: &Measured, pair: PairOf, at: usize) -> Estimate {
        let (both, a, b) = self.pair(plan, measured, pair, at, false);
        let everyone = pair.everyone.map_or(Noisy::normal(0.0, 0.0), |place| margin(measured, place, 0));
        if a.value <= 0.0 || b.value <= 0.0 || everyone.value <= 0.0 {
            return Estimate { value: 1.0, low: 0.0, high: everyone.value.max(1.0) };
        }
        let expected = a.value * b.value / everyone.value;
        let relative = [a, b, everyone].iter().map(|n| (n.sd / n.value).powi(2)).sum::<f64>().sqrt();
        ratio(&both, &Noisy::normal(expected, expected * relative), (0.0, everyone.value.max(1.0)))
    }

    /// n_ab / √(n_a·n_b).
    pub fn cosine(&self, plan: &ReleasePlan, measured: &Measured, pair: PairOf, at: usize) -> Estimate {
        let (both, a, b) = self.pair(plan, measured, pair, at, false);
        if a.value <= 0.0 || b.value <= 0.0 {
            return Estimate { value: 0.5, low: 0.0, high: 1.0 };
        }
        let root = (a.value * b.value).sqrt();
        let relative = 0.5 * ((a.sd / a.value).powi(2) + (b.sd / b.value).powi(2)).sqrt();
        ratio(&both, &Noisy::normal(root, root * relative), (0.0, 1.0))
    }

    /// n_ab / n_a.
    pub fn conditional(
        &self,
        plan: &ReleasePlan,
        measured: &Measured,
        pair: PairOf,
        (at, reversed): (usize, bool),
    ) -> Estimate {
        let (both, a, _) = self.pair(plan, measured, pair, at, reversed);
        ratio(&both, &a, (0.0, 1.0))
    }

    fn pair(
        &self,
        plan: &ReleasePlan,
        measured: &Measured,
        pair: PairOf,
        at: usize,
        reversed: bool,
    ) -> (Noisy, Noisy, Noisy) {
        let (a, b) = self.ends[at];
        let (a, b) = if reversed { (b, a) } else { (a, b) };
        let each = |key| margin(measured, pair.each, key);
        (noisy(plan, measured, pair.both, at), each(a), each(b))
    }

    /// (n_sc / Σ_c n_sc) / (Σ_s n_sc / Σ n) = nA/(SC), over the released cells.
    ///
    /// Bars by the first-order expansion in the noise of every cell, each of which is in several of the four: the cell
    /// itself moves it by A/(SC)·(1 + n(1/A − 1/S − 1/C)), one of its segment by nA/(SC)·(1/A − 1/S), one of its category
    /// by nA/(SC)·(1/A − 1/C), any other by n/(SC). Where a sum is within four standard deviations of nothing, nothing is
    /// known.
    pub fn over_index(&self, cell: Noisy, at: usize) -> Estimate {
        let [segment, category, all] = self.sums[at];
        let seen = |sum: Sum| sum.value > 4.0 * cell.sd * sum.cells.sqrt();
        if !(seen(segment) && seen(category) && seen(all)) {
            return Estimate { value: 1.0, low: 0.0, high: all.value.max(1.0) };
        }
        let [s, c, a] = [segment.value, category.value, all.value].map(f64::recip);
        let (n, scale) = (cell.value, s * c / a);
        let others = all.cells - segment.cells - category.cells + 1.0;
        let moves = (1.0 + n * (a - s - c)).powi(2)
            + n * n
                * ((segment.cells - 1.0) * (a - s).powi(2)
                    + (category.cells - 1.0) * (a - c).powi(2)
                    + others * a * a);
        let index = Estimate::new(n * scale, Z * cell.sd * scale * moves.sqrt());
        Estimate { value: index.value.max(0.0), low: index.low.max(0.0), high: index.high.max(0.0) }
    }

    /// n_cp / n_c.
    pub fn retained(&self, measured: &Measured, cell: Noisy, (place, at): (usize, usize)) -> Estimate {
        match self.firsts[at] {
            Some(first) => ratio(&cell, &margin(measured, place, first), (0.0, 1.0)),
            None => Estimate { value: 0.5, low: 0.0, high: 1.0 },
        }
    }
}

/// One number of a margin, in people.
fn margin(measured: &Measured, place: usize, at: usize) -> Noisy {
    let margin = &measured.margins[place];
    Noisy::new(margin.values[at], margin.noise, f64::from(margin.bound.unit()))
}

/// For each cell, what its segment (all parts of the key but the last, as the job has them), its category (the last) and
/// everything add up to.
fn sums(plan: &ReleasePlan, measured: &Measured, place: usize) -> Vec<[Sum; 3]> {
    let parts: Vec<(Vec<u8>, Vec<u8>)> = measured
        .keys
        .iter()
        .map(|key| {
            let values = decode(key);
            let (mut segment, mut category) = (Vec::new(), Vec::new());
            for (at, (part, _)) in plan.keys.iter().enumerate() {
                let of = if at + 1 == plan.keys.len() { &mut category } else { &mut segment };
                encode(&values[*part], of);
            }
            (segment, category)
        })
        .collect();
    let mut segments = hashbrown::HashMap::<&[u8], Sum>::new();
    let mut categories = hashbrown::HashMap::<&[u8], Sum>::new();
    let mut all = Sum::default();
    for (at, (segment, category)) in parts.iter().enumerate() {
        let value = noisy(plan, measured, place, at).value;
        for sum in [segments.entry(segment).or_default(), categories.entry(category).or_default(), &mut all] {
            sum.value += value;
            sum.cells += 1.0;
        }
    }
    parts.iter().map(|(segment, category)| [segments[&segment[..]], categories[&category[..]], all]).collect()
}
