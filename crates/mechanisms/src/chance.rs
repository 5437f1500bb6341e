//! Small exact building blocks of the mechanisms that choose: uniform integers, and coins with Pr[true] = exp(−η g).

use std::num::NonZeroU128;

use rand_core::CryptoRng;

use crate::ratio::Ratio;
use crate::sampler;
use crate::weighted::zeros_below_exp;

/// Uniform below n.
///
/// # Panics
/// When n is zero.
pub(crate) fn below<R: CryptoRng>(rng: &mut R, n: u128) -> u128 {
    sampler::uniform_below(rng, NonZeroU128::new(n).expect("there is something to draw from"))
}

/// An index of a slice of this length.
pub(crate) fn index_below<R: CryptoRng>(rng: &mut R, length: usize) -> usize {
    below(rng, length as u128) as usize
}

/// A coin with Pr[true] = exp(−η g), exactly.
pub(crate) fn exp_minus<R: CryptoRng>(rng: &mut R, rate: Ratio, gap: u128) -> bool {
    if gap == 0 {
        return true;
    }
    let product = rate.numerator().checked_mul(gap);
    // exp(−45) < 2^-64: a uniform number whose first 64 bits are not all zeros is not below exp(−γ). Most gaps are large.
    let large = product.is_none_or(|numerator| numerator / rate.denominator() >= 45);
    if large && rate.denominator() < 1 << 120 {
        return rng.next_u64() == 0 && zeros_below_exp(rng, rate, gap, 64);
    }
    if let Some(Ok(gamma)) = product.map(|numerator| Ratio::new(numerator, rate.denominator())) {
        return sampler::bernoulli_exp(rng, gamma);
    }
    // γ is past 128 bits: exp(−γ) is the chance that coins for the parts of the gap all show heads. The first will not.
    let half = gap / 2;
    exp_minus(rng, rate, gap - half) && exp_minus(rng, rate, half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{clopper_pearson, seeded};

    #[test]
    fn coins_fall_as_often_as_they_should() {
        let mut rng = seeded(12);
        for (numerator, denominator, gap) in
            [(1, 1, 0), (1, 1, 1), (7, 5, 2), (1, 1000, 3), (2, 3, 4), (5, 1, 1)]
        {
            const RUNS: u64 = 40_000;
            let rate = Ratio::new(numerator, denominator).unwrap();
            let heads = (0..RUNS).filter(|_| exp_minus(&mut rng, rate, gap)).count() as u64;
            let (low, high) = clopper_pearson(heads, RUNS, 1e-10);
            let exact = (-rate.to_f64() * gap as f64).exp();
            assert!(low <= exact && exact <= high, "{exact}: {low} to {high}");
        }
    }

    /// A product past 128 bits, whose exponential is still not small.
    #[test]
    fn products_past_128_bits_are_split() {
        let mut rng = seeded(13);
        let rate = Ratio::new((1 << 67) + 1, 1 << 125).unwrap();
        let gap = (1 << 59) + 1; // γ = 2 + a little, in lowest terms
        let heads = (0..20_000).filter(|_| exp_minus(&mut rng, rate, gap)).count() as u64;
        let (low, high) = clopper_pearson(heads, 20_000, 1e-10);
        assert!(low <= 0.135_335_283 && 0.135_335_283 <= high, "{low} to {high}");
        assert!(!exp_minus(&mut rng, Ratio::new(1 << 100, 1).unwrap(), u128::MAX));
    }
}
