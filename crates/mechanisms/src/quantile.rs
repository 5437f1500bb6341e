//! Quantiles by the exponential mechanism over all integers of a public range.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::chance::below;
use crate::charge::Charge;
use crate::loss::{Accounting, Loss};
use crate::noise::CalibrationError;
use crate::private::Private;
use crate::rate;
use crate::ratio::Ratio;
use crate::release::Release;
use crate::sensitivity::Sensitivity;
use crate::source::{Answer, Call, Source};
use crate::weighted::Weighted;

/// A value on the grid and its weight.
pub type WeightedValue = (i64, u64);

/// The quantile `part / whole`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Rank {
    part: u32,
    whole: u32,
}

/// A rank is not strictly between 0 and 1, or too fine; or a range is empty; or nothing is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("quantiles need ranks strictly between 0 and 1 of at most six digits, and a range that is not empty")]
pub struct BadQuantile;

impl Rank {
    /// `part / whole`.
    ///
    /// # Errors
    /// Unless 0 < part < whole ≤ 10^6.
    pub const fn new(part: u32, whole: u32) -> Result<Self, BadQuantile> {
        if 0 < part && part < whole && whole <= 1_000_000 {
            Ok(Self { part, whole })
        } else {
            Err(BadQuantile)
        }
    }

    /// The rank as a float.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.part) / f64::from(self.whole)
    }

    /// How far the score moves for a unit of weight: max(q, 1 − q), times the denominator.
    fn steepness(self) -> u128 {
        u128::from(self.part.max(self.whole - self.part))
    }
}

impl TryFrom<(u32, u32)> for Rank {
    type Error = BadQuantile;
    fn try_from((part, whole): (u32, u32)) -> Result<Self, BadQuantile> {
        Self::new(part, whole)
    }
}

impl From<Rank> for (u32, u32) {
    fn from(rank: Rank) -> Self {
        (rank.part, rank.whole)
    }
}

/// Which quantiles, within which range of the grid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quantiles {
    low: i64,
    high: i64,
    ranks: Vec<Rank>,
}

/// Quantiles with the rate at which each is drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drawer {
    /// What is asked.
    pub quantiles: Quantiles,
    /// How far one person's weights may move, as a vector over rows.
    pub sensitivity: Sensitivity,
    /// η of each rank.
    pub rates: Vec<Ratio>,
}

impl Quantiles {
    /// From a public range, ends included.
    ///
    /// # Errors
    /// When the range is empty or nothing is asked.
    pub fn new(low: i64, high: i64, ranks: Vec<Rank>) -> Result<Self, BadQuantile> {
        if low > high || ranks.is_empty() { Err(BadQuantile) } else { Ok(Self { low, high, ranks }) }
    }

    /// The ranks.
    #[must_use]
    pub fn ranks(&self) -> &[Rank] {
        &self.ranks
    }

    /// The public range, ends included.
    #[must_use]
    pub const fn range(&self) -> std::ops::RangeInclusive<i64> {
        self.low..=self.high
    }

    /// The rates that a loss pays for, the same share for each rank: see [`quantiles`].
    ///
    /// # Errors
    /// When there is nothing to spend, the sensitivity is not of the kind that the accounting adds up (L1 under `pure` and
    /// `approx`, L2 otherwise), or exact arithmetic would overflow.
    pub fn drawer(self, loss: Loss, sensitivity: Sensitivity) -> Result<Drawer, CalibrationError> {
        let weight = match (loss.accounting(), sensitivity) {
            (Accounting::Pure | Accounting::Approx, Sensitivity::L1(l1)) => l1.units(),
            (Accounting::Zcdp | Accounting::Gdp, Sensitivity::L2Squared(l2)) => l2.units(),
            (accounting, Sensitivity::L1(_) | Sensitivity::L2Squared(_)) => {
                return Err(CalibrationError::Sensitivity { accounting });
            }
        };
        let total = weight.checked_mul(self.ranks.len() as u128).ok_or(CalibrationError::TooLarge)?;
        let each = rate::bounded_range(loss, total)?;
        let rates: Result<_, _> =
            self.ranks.iter().map(|rank| rate::divided(each, 2 * rank.steepness())).collect();
        Ok(Drawer { rates: rates?, quantiles: self, sensitivity })
    }
}

/// Quantiles of weighted values, in each of many rows (partitions): for each row, one value per rank.
///
/// Values outside the range count at its nearest end. Each integer v of the range is a candidate, with the score
/// −|(1 − q) · weight below v − q · weight above v| (times the denominator of q), and is drawn with Pr ∝ exp(η score):
/// exactly, all integers between two values at once (Smith 2011). A row without values gives a uniform draw.
///
/// Guarantee: a person who adds weight w to a row moves each of its scores by at most w max(q, 1 − q), either way, so each
/// draw has bounded range 2ηw max(q, 1 − q); over rows and ranks, sizes (pure ε) or squares (zCDP, GDP) of it add up, and
/// the person's weights over rows have the declared norm: ρ = Σ η² L2² (2 max(q, 1 − q))²/8 (Cesar and Rogers 2021).
///
/// # Errors
/// As [`Quantiles::drawer`]; nothing is drawn then.
pub fn quantiles(
    charge: Charge,
    ask: Quantiles,
    sensitivity: Sensitivity,
    rows: &Private<Vec<Vec<WeightedValue>>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<Vec<i64>>>, CalibrationError> {
    let loss = charge.loss();
    let drawer = ask.drawer(loss, sensitivity)?;
    let answer = source.answer(&Call::Quantiles { loss, drawer: &drawer, rows: rows.exact() });
    let Answer::Values(values) = answer else { unreachable!("a source answers quantiles with values") };
    Ok(Release::made_by_a_mechanism(values))
}

/// The integers of the range in pieces of equal score: (distance from the rank, first integer, how many).
pub(crate) fn pieces(ask: &Quantiles, rank: Rank, row: &[WeightedValue]) -> Vec<(u128, i64, u128)> {
    let mut weights = std::collections::BTreeMap::<i64, u128>::new();
    for (value, weight) in row {
        *weights.entry((*value).clamp(ask.low, ask.high)).or_default() += u128::from(*weight);
    }
    let (part, rest) = (u128::from(rank.part), u128::from(rank.whole - rank.part));
    let distance = |under: u128, over: u128| (rest * under).abs_diff(part * over);
    let (mut under, mut over) = (0, weights.values().sum::<u128>());
    let mut pieces = Vec::with_capacity(2 * weights.len() + 1);
    let mut next = Some(ask.low);
    for (value, weight) in weights {
        let first = next.expect("values come in order, each at most the end of the range");
        if first < value {
            pieces.push((distance(under, over), first, u128::from(first.abs_diff(value))));
        }
        over -= weight;
        pieces.push((distance(under, over), value, 1));
        under += weight;
        next = value.checked_add(1);
    }
    if let Some(first) = next.filter(|first| *first <= ask.high) {
        pieces.push((distance(under, over), first, u128::from(first.abs_diff(ask.high)) + 1));
    }
    pieces
}

/// One value per rank.
pub(crate) fn draw_row<R: CryptoRng>(rng: &mut R, drawer: &Drawer, row: &[WeightedValue]) -> Vec<i64> {
    let ask = &drawer.quantiles;
    let one = |(rank, rate): (&Rank, &Ratio)| {
        let mut bins = std::collections::BTreeMap::<u128, Vec<(i64, u128)>>::new();
        for (distance, first, count) in pieces(ask, *rank, row) {
            bins.entry(distance).or_default().push((first, count));
        }
        let least = *bins.keys().next().expect("a range that is not empty has a piece");
        let mut weighted = Weighted::new(*rate, bins.keys().map(|distance| distance - least).collect());
        let bins: Vec<_> = bins.into_values().collect();
        let sizes: Vec<u128> = bins.iter().map(|bin| bin.iter().map(|(_, count)| count).sum()).collect();
        let bin = weighted.draw(rng, &sizes);
        within(&bins[bin], below(rng, sizes[bin]))
    };
    ask.ranks.iter().zip(&drawer.rates).map(one).collect()
}

/// The integer at a position in a list of runs.
fn within(runs: &[(i64, u128)], mut at: u128) -> i64 {
    for (first, count) in runs {
        if at < *count {
            return i64::try_from(i128::from(*first) + at as i128).expect("a run lies within the range");
        }
        at -= count;
    }
    unreachable!("a position is below the sum of the runs")
}

#[cfg(test)]
mod tests;
