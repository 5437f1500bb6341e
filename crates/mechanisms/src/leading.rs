//! The top k of keys that are not known beforehand, each person with any number of them.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::charge::Charge;
use crate::loss::Loss;
use crate::noise::CalibrationError;
use crate::private::Private;
use crate::rate;
use crate::ratio::Ratio;
use crate::release::Release;
use crate::source::{Answer, Call, Key, Source};
use crate::weighted::Weighted;

/// The top `picks` keys, looked for among the `considered` that most people have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leading {
    picks: u32,
    considered: u32,
}

/// The bounds of a top k make no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a top k needs at least one pick, and at least as many keys considered")]
pub struct BadLeading;

/// A top k with everything that decides its distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leader {
    /// What is asked.
    pub leading: Leading,
    /// η.
    pub rate: Ratio,
    /// How far above the first key that is not considered the end mark is.
    pub margin: i128,
}

impl Leading {
    /// From the number of picks and of keys considered; more of the latter raise the end mark by their logarithm.
    ///
    /// # Errors
    /// Unless 1 ≤ picks ≤ considered.
    pub const fn new(picks: u32, considered: u32) -> Result<Self, BadLeading> {
        if 0 < picks && picks <= considered { Ok(Self { picks, considered }) } else { Err(BadLeading) }
    }

    /// The number of picks.
    #[must_use]
    pub const fn picks(self) -> u32 {
        self.picks
    }

    /// The rate and margin that a loss pays for: see [`leading`].
    ///
    /// # Errors
    /// When there is nothing to spend, or the margin is too large for exact arithmetic.
    pub fn leader(self, loss: Loss) -> Result<Leader, CalibrationError> {
        if loss.delta().is_zero() {
            return Err(CalibrationError::NothingToSpend);
        }
        let epsilon = rate::pure(loss, 1)?;
        let rate = rate::divided(epsilon, u128::from(self.picks))?;
        // ln(d (1 + e^ε)/δ), without overflow.
        let (epsilon, delta) = (epsilon.to_f64(), loss.delta().to_f64());
        let log = f64::from(self.considered).ln() + epsilon + (-epsilon).exp().ln_1p() - delta.ln();
        let margin = 1.0 + (log / rate.to_f64() * (1.0 + 1e-9)).ceil();
        if margin < 2.0_f64.powi(90) {
            Ok(Leader { leading: self, rate, margin: margin as i128 })
        } else {
            Err(CalibrationError::TooLarge)
        }
    }
}

/// Up to k keys in the order of the picks, from counts of people; fewer when the rest is too rare to be told.
///
/// The d keys that most people have (ties by the bytes of the key) and an end mark compete; each pick is an exponential
/// mechanism at η among what is left, and the end mark ends it. The mark has the count of key d + 1, plus one, plus
/// ⌈ln(d (1 + e^ε)/δ)/η⌉ (Durfee and Rogers 2019, algorithm 1, with Gumbel noise as peeling).
///
/// Guarantee: (ε, δ)-DP with ε = kη, for a person who changes any number of counts, each by at most one. Let A and A′ be
/// what is considered on neighbours. On what both have, and the mark, scores move the same way by at most one, so k picks
/// are kη-DP ([`choose`](crate::choose)). A key of A alone has at most the count of key d + 1 plus one (d others have
/// passed it, each by one at most); it is picked only if it beats the mark in noise, with probability at most
/// 1/(1 + exp(η(margin − 1))) each, so δ/(1 + e^ε) for all d. Leaving such keys out changes each side's distribution by
/// no more than that, and δ/(1 + e^ε) + e^ε δ/(1 + e^ε) = δ. Under `zcdp` and `gdp`, an (ε, δ)-DP mechanism is ε-DP but
/// for an event of probability δ (Kairouz, Oh, Viswanath 2015).
///
/// # Errors
/// As [`Leading::leader`]; nothing is drawn then.
pub fn leading(
    charge: Charge,
    ask: Leading,
    counts: &Private<Vec<(Key, i128)>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<Key>>, CalibrationError> {
    let loss = charge.loss();
    let leader = ask.leader(loss)?;
    let answer = source.answer(&Call::Leading { loss, leader, counts: counts.exact() });
    let Answer::Present(keys) = answer else { unreachable!("a source answers a top k with keys") };
    Ok(Release::made_by_a_mechanism(keys))
}

/// What is considered, most people first, and the score of the end mark.
pub(crate) fn considered(leader: Leader, counts: &[(Key, i128)]) -> (Vec<&(Key, i128)>, i128) {
    let mut sorted: Vec<&(Key, i128)> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let limit = leader.leading.considered as usize;
    let next = sorted.get(limit).map_or(0, |(_, count)| *count);
    sorted.truncate(limit);
    (sorted, next + leader.margin)
}

/// Picks until the end mark.
pub(crate) fn lead<R: CryptoRng>(rng: &mut R, leader: Leader, counts: &[(Key, i128)]) -> Vec<Key> {
    let (candidates, mark) = considered(leader, counts);
    let best = candidates.first().map_or(mark, |(_, count)| mark.max(*count));
    let scores = candidates.iter().map(|(_, count)| *count).chain([mark]);
    let mut weighted = Weighted::new(leader.rate, scores.map(|score| best.abs_diff(score)).collect());
    let mut left = vec![1; candidates.len() + 1];
    let mut keys = Vec::new();
    for _ in 0..leader.leading.picks {
        let pick = weighted.draw(rng, &left);
        let Some((key, _)) = candidates.get(pick) else { break };
        left[pick] = 0;
        keys.push(key.clone());
    }
    keys
}

#[cfg(test)]
mod tests;
