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
