//! The first few queries above a threshold, with how far: the sparse vector technique, done right.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::charge::Charge;
use crate::choose::ScoreChange;
use crate::loss::Loss;
use crate::noise::{CalibrationError, Noise};
use crate::private::Private;
use crate::rate;
use crate::ratio::Ratio;
use crate::release::Release;
use crate::sampler;
use crate::source::{Answer, Call, Source};

/// A search for the first `positives` queries at or over a public threshold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    threshold: i128,
    positives: u32,
    change: ScoreChange,
}

/// The bounds of a search are zero or too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a search needs at least one positive, a change of at least one and a threshold below 2^100")]
pub struct BadSearch;

/// A search with its noise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Searcher {
    /// What is searched.
    pub search: Search,
    /// Scale of the discrete Laplace noise on the threshold, drawn once.
    pub threshold_scale: Ratio,
    /// Scale of the discrete Laplace noise on each query.
    pub query_scale: Ratio,
}

impl Search {
    /// For queries that one person changes as `change` says.
    ///
    /// # Errors
    /// When a bound is zero or too large.
    pub fn new(threshold: i128, positives: u32, change: ScoreChange) -> Result<Self, BadSearch> {
        let sound = positives > 0 && change.largest() > 0 && threshold.unsigned_abs() < 1 << 100;
        if sound { Ok(Self { threshold, positives, change }) } else { Err(BadSearch) }
    }

    /// The public threshold.
    #[must_use]
    pub const fn threshold(self) -> i128 {
        self.threshold
    }

    /// After how many positives the search ends.
    #[must_use]
    pub const fn positives(self) -> u32 {
        self.positives
    }

    /// How far a person moves a query.
    #[must_use]
    pub const fn change(self) -> ScoreChange {
        self.change
    }

    /// The noise that a loss pays for: ε₁ for the threshold and ε₂ for the positives, as 1 : (c r/Δ)^{2/3}, which is least
    /// variance of their difference (Lyu, Su, Li 2017, section 4.2).
    ///
    /// # Errors
    /// When there is no loss to spend, or the scale is too large for exact arithmetic.
    pub fn searcher(self, loss: Loss) -> Result<Searcher, CalibrationError> {
        const PARTS: u128 = 1000;
        let epsilon = rate::pure(loss, 1)?;
        let (step, range) = match self.change {
            ScoreChange::Monotone(step) => (u128::from(step), u128::from(step)),
            ScoreChange::Either(step) => (u128::from(step), 2 * u128::from(step)),
        };
        let reach = range.checked_mul(u128::from(self.positives)).ok_or(CalibrationError::TooLarge)?;
        let weight = (reach as f64 / step as f64).powf(2.0 / 3.0);
        // At least one part each, so that neither has no noise worth speaking of.
        let first = ((PARTS as f64 / (1.0 + weight)) as u128).clamp(1, PARTS - 1);
        let scale = |reach: u128, parts: u128| {
            let numerator = reach.checked_mul(PARTS).and_then(|n| n.checked_mul(epsilon.denominator()));
            let denominator = epsilon.numerator().checked_mul(parts);
            let (Some(numerator), Some(denominator)) = (numerator, denominator) else {
                return Err(CalibrationError::TooLarge);
            };
            Ratio::new(numerator, denominator).map_err(|_| CalibrationError::NothingToSpend)
        };
        Ok(Searcher {
            search: self,
            threshold_scale: scale(step, first)?,
            query_scale: scale(reach, PARTS - first)?,
        })
    }
}

/// The positions of the first queries whose noisy value is at or over the noisy threshold, each with the gap between the
/// two. Queries after the last positive are not looked at.
///
/// Guarantee: ε-DP, with ε = Δ/b₁ + c r/b₂ for noise of scale b₁ on the threshold (once) and b₂ on each query, c positives,
/// r = Δ when all queries move the same way and 2Δ otherwise. For any outcome on D, shift the noise so that D′ has the
/// same: the threshold's by +Δ (by 0 when all queries fall), so that what was below stays below whatever its noise; each
/// positive's by the change of the query and of the threshold, at most r, so that its gap stays. Shifts of integers are
/// exact, and there are c of them and one, whatever the number of negatives (Lyu, Su, Li 2017, theorem 4 and, for the saving,
/// 5; the gap is free because the shift keeps it: Ding, Wang, Zhang, Kifer 2019). Each query has fresh noise, negatives
/// too, and the threshold's is never drawn again: what most published variants got wrong.
///
/// Under `zcdp` and `gdp` this ε is turned into ρ and μ.
///
/// # Errors
/// When the charge has nothing to spend, or the noise is too large for exact arithmetic; nothing is drawn then.
pub fn above(
    charge: Charge,
    search: Search,
    queries: &Private<Vec<i128>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<(usize, i128)>>, CalibrationError> {
    let loss = charge.loss();
    let searcher = search.searcher(loss)?;
    let answer = source.answer(&Call::Above { loss, searcher, queries: queries.exact() });
    let Answer::Found(found) = answer else { unreachable!("a source answers a search with positions") };
    Ok(Release::made_by_a_mechanism(found))
}

/// The positives and their gaps.
pub(crate) fn found<R: CryptoRng>(rng: &mut R, searcher: Searcher, queries: &[i128]) -> Vec<(usize, i128)> {
    let mut noise = |scale| {
        let mut draw = [0];
        sampler::fill(rng, Noise::DiscreteLaplace { scale }, &mut draw);
        draw[0]
    };
    let threshold = searcher.search.threshold + noise(searcher.threshold_scale);
    let gaps = queries.iter().map(|query| query + noise(searcher.query_scale) - threshold);
    let positives = gaps.enumerate().filter(|(_, gap)| *gap >= 0);
    positives.take(searcher.search.positives as usize).collect()
}

#[cfg(test)]
mod tests;
