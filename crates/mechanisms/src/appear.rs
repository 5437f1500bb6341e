//! Which keys appear, when nothing but their presence is asked: truncated geometric noise, optimal for one person's keys.

use rand_core::CryptoRng;

use crate::charge::Charge;
use crate::loss::Loss;
use crate::noise::{CalibrationError, Noise};
use crate::private::Private;
use crate::rate;
use crate::ratio::Ratio;
use crate::release::Release;
use crate::sampler;
use crate::source::{Answer, Call, Key, Source};
use crate::units::Delta;

/// Two-sided geometric noise cut off beyond ±`most`: a key of n people appears when n plus noise exceeds `most`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Truncated {
    /// 1/ε of one key.
    pub scale: Ratio,
    /// The largest noise.
    pub most: i128,
    /// Keys that one person has at most.
    pub keys: u32,
}

impl Truncated {
    /// The least noise that a loss pays for, when a person has at most `keys` keys: each key gets an equal share of the
    /// amount and of δ.
    ///
    /// # Errors
    /// [`CalibrationError::NothingToSpend`] when a share of either is zero.
    pub fn calibrate(loss: Loss, keys: u32) -> Result<Self, CalibrationError> {
        if keys == 0 {
            return Err(CalibrationError::TooLarge);
        }
        let rate = rate::pure(loss, u128::from(keys))?;
        let delta = loss.delta().share(1, u64::from(keys), crate::Rounding::Down);
        if delta.is_zero() {
            return Err(CalibrationError::NothingToSpend);
        }
        let scale =
            Ratio::new(rate.denominator(), rate.numerator()).map_err(|_| CalibrationError::NothingToSpend)?;
        Ok(Self { scale, most: least_truncation(rate.to_f64(), delta)?, keys })
    }

    /// The probability that a key of this many people appears: a prediction, for plans.
    #[must_use]
    pub fn appearance_probability(self, people: i128) -> f64 {
        let short = self.most + 1 - people;
        let p = (-1.0 / self.scale.to_f64()).exp();
        let power = |exponent: i128| (-(exponent as f64) / self.scale.to_f64()).exp();
        let whole = 1.0 + p - 2.0 * power(self.most + 1);
        // Pr[X ≥ m] = (p^m − p^{k+1})/whole for m ≥ 1.
        let tail = |m: i128| (power(m) - power(self.most + 1)) / whole;
        match short {
            short if people <= 0 || short > self.most => 0.0,
            short if short <= -self.most => 1.0,
            short if short >= 1 => tail(short),
            short => 1.0 - tail(1 - short),
        }
    }
}

/// The least k ≥ 1 with Pr[X = k] = p^k (1 − p)/(1 + p − 2 p^{k+1}) ≤ δ, where p = e^−ε; with slack for the floats.
fn least_truncation(epsilon: f64, delta: Delta) -> Result<i128, CalibrationError> {
    let delta = delta.to_f64() * (1.0 - 1e-9);
    let p = (-epsilon).exp();
    let enough = |k: i128| {
        let power = (-epsilon * k as f64).exp();
        power * -(-epsilon).exp_m1() / (1.0 + p - 2.0 * p * power) <= delta
    };
    let mut high = 1_i128;
    while !enough(high) {
        high *= 2;
        if high > 1 << 62 {
            return Err(CalibrationError::TooLarge);
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Ok(high)
}

/// Lets keys through by the number of people who have them, and says nothing but that.
///
/// Guarantee: whether one key appears is (ε, δ)-DP for a person who counts once in it. With X truncated at ±k, a count n
/// appears with probability Pr[X > k − n]. Adding one person adds the atom at k − n to it, which is at most e^ε times the
/// next one, but for the last, Pr[X = k] ≤ δ; and the same holds for not appearing. A key of nobody never appears, so
/// that it makes no difference that it is no candidate. A person has at most L keys, and the L decisions, each charged
/// ε/L and δ/L, add up. No (ε, δ)-DP decision appears more often, but for the rounding of k (Desfontaines, Voss, Gipson
/// 2022). An (ε, δ)-DP mechanism is ε-DP but for an event of probability δ (Kairouz, Oh, Viswanath 2015), whence the rates
/// under `zcdp` and `gdp`.
///
/// Where values are asked too, [`select`](crate::select) is the mechanism.
///
/// # Errors
/// When the charge has nothing to spend, or δ needs noise too large for exact arithmetic; nothing is drawn then.
pub fn appear(
    charge: Charge,
    keys: u32,
    candidates: &Private<Vec<(Key, i128)>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<Key>>, CalibrationError> {
    let loss = charge.loss();
    let noise = Truncated::calibrate(loss, keys)?;
    let answer = source.answer(&Call::Appear { loss, noise, candidates: candidates.exact() });
    let Answer::Present(keys) = answer else { unreachable!("a source answers presence with keys") };
    Ok(Release::made_by_a_mechanism(keys))
}

/// The keys that appear, in the order of their bytes.
pub(crate) fn present<R: CryptoRng>(rng: &mut R, noise: Truncated, candidates: &[(Key, i128)]) -> Vec<Key> {
    let mut passes = |people: &i128| *people > 0 && people + truncated(rng, noise) > noise.most;
    let passed = candidates.iter().filter(|(_, people)| passes(people));
    let mut keys: Vec<Key> = passed.map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys
}

/// Two-sided geometric noise, drawn until it is within bounds.
fn truncated<R: CryptoRng>(rng: &mut R, noise: Truncated) -> i128 {
    let mut draw = [0];
    loop {
        sampler::fill(rng, Noise::DiscreteLaplace { scale: noise.scale }, &mut draw);
        if draw[0].abs() <= noise.most {
            return draw[0];
        }
    }
}

#[cfg(test)]
mod tests;
