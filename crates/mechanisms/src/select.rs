//! Partition selection: which keys may appear, when the keys themselves come from the data.

use crate::charge::Charge;
use crate::entry::Entry;
use crate::noise::{CalibrationError, Family, Noise};
use crate::private::Private;
use crate::release::Release;
use crate::sensitivity::Sensitivity;
use crate::source::{Answer, Call, Key, Source};
use crate::units::Delta;

/// The least threshold T at which any of one person's own keys appears with probability at most δ.
///
/// With t new keys of weight at most w_t and independent noise N, the chance that any reaches T is at most
/// 1 − (1 − Pr[N ≥ T − w_t])^t. It is within δ where Pr[N ≥ T − w_t] ≤ 1 − (1 − δ)^{1/t}, so
/// T = max over t ≤ cap of w_t + min {m : Pr[N ≥ m] ≤ 1 − (1 − δ)^{1/t}} (Gopi, Gulhane, Kulkarni, Shen, Shokouhi,
/// Yekhanin 2020, for Gaussian noise and weights √(B/t)). Tails are bounded from above by [`Noise::tail_at_least`], and
/// the right side is rounded down, so T is never too low.
///
/// Time: weights fall with t and the second term rises, so no t from a to b exceeds w_a plus the second term at b; ranges
/// that can not hold the maximum are never looked into. A cap of 10^6 costs no more than a few thousand tail bounds.
///
/// # Errors
/// [`CalibrationError::NothingToSpend`] when δ is zero.
pub fn threshold(noise: Noise, entry: &Entry, delta: Delta) -> Result<i128, CalibrationError> {
    if delta.is_zero() {
        return Err(CalibrationError::NothingToSpend);
    }
    let log_miss = (-delta.to_f64()).ln_1p();
    // 1 − (1 − δ)^{1/t}, rounded down.
    let over = |t: usize| least_tail(noise, -(log_miss / t as f64).exp_m1() * (1.0 - 1e-12));
    let at = |t: usize| entry.largest(t).saturating_add(over(t));
    if !entry.falls() {
        return Ok((1..=entry.cap()).map(at).fold(i128::MIN, i128::max));
    }
    let mut best = at(1).max(at(entry.cap()));
    let mut open = vec![(1, entry.cap())];
    while let Some((a, b)) = open.pop() {
        if b - a < 2 || entry.largest(a).saturating_add(over(b)) <= best {
            continue;
        }
        let middle = a.midpoint(b);
        best = best.max(at(middle));
        open.extend([(a, middle), (middle, b)]);
    }
    Ok(best)
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

/// The probability that a key of this exact weight appears: a prediction, for plans, not a bound.
///
/// Exact for the discrete Laplace and the rounded normal; for the discrete Gaussian the normal with a continuity
/// correction, which is within 10^-3 from σ = 2 on.
#[must_use]
pub fn appearance_probability(noise: Noise, threshold: i128, weight: i128) -> f64 {
    let short = threshold.saturating_sub(weight);
    match noise {
        Noise::DiscreteLaplace { scale } => {
            let inverse = 1.0 / scale.to_f64();
            // Pr[N ≥ m] for m ≥ 1; below, the complement by symmetry.
            let tail = |m: i128| (-(m as f64) * inverse).exp() / (1.0 + (-inverse).exp());
            if short >= 1 { tail(short) } else { 1.0 - tail(1 - short) }
        }
        Noise::DiscreteGaussian { sigma_squared } => {
            crate::normal::upper_tail((short as f64 - 0.5) / sigma_squared.to_f64().sqrt())
        }
        Noise::RoundedNormal { sigma } => crate::normal::upper_tail((short as f64 - 0.5) / sigma.to_f64()),
    }
}

/// The least exact weight at which a key appears with at least this probability, as predicted by
/// [`appearance_probability`]: with 0.5 and 0.99, what a plan says of the keys that are likely to be seen.
///
/// # Panics
/// When the probability is not strictly between 0 and 1.
#[must_use]
pub fn appearing_weight(noise: Noise, threshold: i128, probability: f64) -> i128 {
    assert!(probability > 0.0 && probability < 1.0, "no weight makes a key appear never or always");
    let enough = |weight: i128| appearance_probability(noise, threshold, weight) >= probability;
    let mut reach = 1_i128;
    while enough(threshold.saturating_sub(reach)) || !enough(threshold.saturating_add(reach)) {
        reach = reach.saturating_mul(2);
    }
    let (mut low, mut high) = (threshold.saturating_sub(reach), threshold.saturating_add(reach));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
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
    let Answer::Keys(keys) = source.answer(&call) else {
        unreachable!("a source answers a selection with keys")
    };
    Ok(Release::made_by_a_mechanism(keys))
}

#[cfg(test)]
mod tests;
