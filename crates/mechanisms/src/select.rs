//! Partition selection: which keys may appear, when the keys themselves come from the data.

use serde::{Deserialize, Serialize};

use crate::charge::Charge;
use crate::noise::{CalibrationError, Family, Noise};
use crate::private::Private;
use crate::release::Release;
use crate::sensitivity::Sensitivity;
use crate::source::{Answer, Call, Key, Source};
use crate::units::Delta;

/// What a person's own keys look like: `largest[t − 1]` is the largest weight that one key can have when a person
/// brings t keys that nobody else has; its length is the cap on keys per person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    largest: Vec<i128>,
}

impl Entry {
    /// From the largest weight for each number of keys, 1 to the cap.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn new(largest: Vec<i128>) -> Self {
        assert!(!largest.is_empty(), "a person brings at least one key");
        Self { largest }
    }

    /// The cap on keys per person.
    #[must_use]
    pub fn cap(&self) -> usize {
        self.largest.len()
    }

    /// The largest weight of each of `t` keys, 1 ≤ t ≤ cap.
    #[must_use]
    pub fn largest(&self, t: usize) -> i128 {
        self.largest[t - 1]
    }
}

/// The least threshold T at which any of one person's own keys appears with probability at most δ.
///
/// With t new keys of weight at most w_t and independent noise N, the chance that any reaches T is
/// 1 − (1 − Pr[N ≥ T − w_t])^t; T is the least integer that keeps it within δ for every t up to the cap.
///
/// # Errors
/// [`CalibrationError::NothingToSpend`] when δ is zero.
pub fn threshold(noise: Noise, entry: &Entry, delta: Delta) -> Result<i128, CalibrationError> {
    if delta.is_zero() {
        return Err(CalibrationError::NothingToSpend);
    }
    let delta = delta.to_f64();
    let thresholds = (1..=entry.cap()).map(|t| {
        // 1 − (1 − δ)^{1/t}, rounded down.
        let each = -((-delta).ln_1p() / t as f64).exp_m1() * (1.0 - 1e-12);
        entry.largest(t).saturating_add(least_tail(noise, each))
    });
    thresholds.max().ok_or(CalibrationError::NothingToSpend)
}

/// The least m ≥ 1 whose tail bound is at most p.
fn least_tail(noise: Noise, p: f64) -> i128 {
    let (mut low, mut high) = (0_i128, 1_i128);
    while noise.tail_at_least(high) > p {
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if noise.tail_at_least(middle) > p { low = middle } else { high = middle }
    }
    high
}

/// Lets through the keys whose noisy weight reaches the threshold of `charge`, with their noisy weights.
///
/// Guarantee: let D′ be D with one person more. On the keys that both have, adding noise to the weights is ρ-zCDP (or
/// ε-DP, or μ-GDP) by [`measure`](crate::measure), and the threshold is post-processing. Keys that only D′ has are that
/// person's own: with probability at least 1 − δ none of them passes (see [`threshold`]), and given that, the output has
/// the distribution of the former alone. So the whole is δ-approximate ρ-zCDP (Bun and Steinke 2016, definition 8.1)
/// where δ is the δ of the charge. Weights are positive, so a key nobody has can not appear.
///
/// # Errors
/// When no noise of the family can be calibrated from the charge, or its δ is zero; nothing is drawn then.
pub fn select(
    charge: Charge,
    family: Family,
    sensitivity: Sensitivity,
    entry: &Entry,
    candidates: &Private<Vec<(Key, i128)>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<(Key, i128)>>, CalibrationError> {
    let loss = charge.loss();
    let noise = Noise::calibrate(family, loss, sensitivity)?;
    let threshold = threshold(noise, entry, loss.delta())?;
    let call = Call::Select { loss, noise, sensitivity, entry, threshold, candidates: candidates.exact() };
    match source.answer(&call) {
        Answer::Keys(keys) => Ok(Release::made_by_a_mechanism(keys)),
        Answer::Integers(_) => unreachable!("a source answers a selection with keys"),
    }
}
