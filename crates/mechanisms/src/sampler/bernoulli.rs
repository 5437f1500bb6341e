//! Bernoulli(exp(−γ)): true when an exponential variable exceeds γ.

use num_bigint::BigUint;
use rand_core::CryptoRng;

use super::bits::Bits;
use super::exponential::Exponential;
use super::fixed::{Floor, wide};
use super::logarithm::{FRACTION, minus_log};
use crate::ratio::Ratio;

/// True with probability exp(−γ) exactly. (For γ = 0 nothing needs to be drawn.)
///
/// ```
/// use flockwise_mechanisms::{Ratio, sampler};
/// let mut generator = sampler::Generator::new()?;
/// let ln_of_two_or_so = Ratio::new(693_147, 1_000_000)?;
/// let _coin: bool = sampler::bernoulli_exp(&mut generator, ln_of_two_or_so);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bernoulli_exp<R: CryptoRng>(rng: &mut R, gamma: Ratio) -> bool {
    let mut bits = Bits::new(rng, 2);
    let (numerator, denominator) = wide(gamma);
    let word = bits.word();
    if let Some((lower, upper)) = minus_log(word) {
        // γ is at least floor and less than floor + 2 units, or beyond every bound that a word can give.
        let floor = Floor::of(&numerator, &denominator).in_places(FRACTION);
        if lower >= floor.saturating_add(2) {
            return true;
        }
        if upper <= floor {
            return false;
        }
    }
    decide(word, &numerator, &denominator, &mut bits)
}

#[cold]
fn decide<R: CryptoRng>(
    word: u64,
    numerator: &BigUint,
    denominator: &BigUint,
    bits: &mut Bits<'_, R>,
) -> bool {
    Exponential::of(word).decide(bits, |bounds| {
        let gamma = numerator << bounds.places;
        let exceeds = &bounds.lower * denominator >= gamma;
        let falls_short = &bounds.upper * denominator <= gamma;
        (exceeds != falls_short).then_some(exceeds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::goodness::{Stream, assert_fits, boundary, ratio, scales, splitmix, telling_words};

    #[test]
    fn n2_fits() {
        for gamma in scales().into_iter().chain([ratio(44, 1), ratio(1, 1000), ratio(12, 7)]) {
            let mut random = splitmix(9);
            let mut counts = [0, 0];
            (0..50_000).for_each(|_| counts[usize::from(bernoulli_exp(&mut random, gamma))] += 1);
            let p = (-gamma.to_f64()).exp();
            match counts.map(|count| count as f64) {
                // Fewer than 10 are expected on one side, and 60 have a chance below 1e-25.
                [no, yes] if (50_000.0 * p).min(50_000.0 * (1.0 - p)) < 10.0 => assert!(no.min(yes) < 60.0),
                _ => assert_fits(&counts, &[1.0 - p, p], &format!("{gamma:?}")),
            }
        }
    }

    #[test]
    fn n2_words_and_integers_of_any_length_agree() {
        for gamma in scales().into_iter().chain([ratio(31, 1), ratio(33, 1), ratio(43, 1), ratio(65, 1)]) {
            let (n, d) = wide(gamma);
            let exactly = |word| {
                let mut zeros = Stream(|| 0);
                decide(word, &n, &d, &mut Bits::new(&mut zeros, 2))
            };
            let turn = boundary(exactly);
            let around = turn.saturating_sub(60).max(1)..turn + 60;
            for word in around.chain(telling_words().into_iter().step_by(500)).filter(|word| word >> 63 == 0)
            {
                let mut words = [word].into_iter();
                let fast = bernoulli_exp(&mut Stream(|| words.next().unwrap_or(0)), gamma);
                assert_eq!(fast, exactly(word), "{gamma:?} at {word:#x}");
            }
        }
    }
}
