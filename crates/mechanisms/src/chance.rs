//! Small exact building blocks of the mechanisms that choose: uniform integers, and coins with Pr[true] = exp(−γ).

use num_bigint::BigUint;
use rand_core::CryptoRng;

use crate::ratio::Ratio;

/// Uniform below n, by rejection from the next power of two.
///
/// # Panics
/// When n is zero.
pub(crate) fn below<R: CryptoRng>(rng: &mut R, n: u128) -> u128 {
    assert!(n > 0, "there is something to draw from");
    let mask = u128::MAX.checked_shr((n - 1).leading_zeros()).unwrap_or(0);
    loop {
        let low = u128::from(rng.next_u64());
        let high = if mask > u128::from(u64::MAX) { u128::from(rng.next_u64()) << 64 } else { 0 };
        let draw = (high | low) & mask;
        if draw < n {
            return draw;
        }
    }
}

/// An index of a slice of this length.
pub(crate) fn index_below<R: CryptoRng>(rng: &mut R, length: usize) -> usize {
    below(rng, length as u128) as usize
}

/// A coin with Pr[true] = exp(−η g), exactly (Canonne, Kamath, Steinke 2020, algorithm 1).
pub(crate) fn exp_minus<R: CryptoRng>(rng: &mut R, rate: Ratio, gap: u128) -> bool {
    let (numerator, denominator) = (BigUint::from(gap) * rate.numerator(), BigUint::from(rate.denominator()));
    let mut whole = &numerator / &denominator;
    let rest = u128::try_from(numerator % denominator).expect("a remainder is below its divisor");
    while whole > BigUint::ZERO {
        if !exp_minus_fraction(rng, 1, 1) {
            return false;
        }
        whole -= 1_u32;
    }
    exp_minus_fraction(rng, rest, rate.denominator())
}

/// A coin with Pr[true] = exp(−n/d) for n ≤ d: the first k at which a coin of n/(dk) falls is odd with that probability,
/// by the alternating series (von Neumann 1951).
fn exp_minus_fraction<R: CryptoRng>(rng: &mut R, n: u128, d: u128) -> bool {
    let mut k = 1;
    // Pr[a coin of n/(dk)] is a coin of n/d and one of 1/k: no product that could overflow.
    while below(rng, d) < n && below(rng, k) == 0 {
        k += 1;
    }
    k % 2 == 1
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;
    use crate::audit::clopper_pearson;

    #[test]
    fn uniform_integers_are_uniform() {
        let mut rng = StdRng::seed_from_u64(11);
        for n in [1_u128, 2, 3, 7, 10] {
            const RUNS: u64 = 20_000;
            let mut counts = vec![0_u64; n as usize];
            (0..RUNS).for_each(|_| counts[below(&mut rng, n) as usize] += 1);
            for count in counts {
                let (low, high) = clopper_pearson(count, RUNS, 1e-10);
                assert!(low <= 1.0 / n as f64 && 1.0 / n as f64 <= high, "{count} of {RUNS} below {n}");
            }
        }
        assert!((0..200).any(|_| below(&mut rng, u128::MAX) > u128::MAX / 2));
        assert!((0..200).all(|_| below(&mut rng, (1 << 64) + 1) <= 1 << 64));
    }

    #[test]
    fn coins_fall_as_often_as_they_should() {
        let mut rng = StdRng::seed_from_u64(12);
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
        let huge = Ratio::new(u128::MAX, 1).unwrap();
        assert!(!exp_minus(&mut rng, huge, u128::MAX));
    }
}
