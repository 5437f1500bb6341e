//! The geometric distribution: ⌊s·E⌋ for an exponential E of mean 1.
//!
//! P(x) = (1 − p)·p^x for x = 0, 1, 2, …, with p = exp(−1/s): for Pr[⌊s·E⌋ ≥ x] = Pr[E ≥ x/s] = p^x.

use num_bigint::BigUint;
use rand_core::CryptoRng;

use super::bits::Bits;
use super::exponential::{Bounds, Exponential};
use super::fixed::{Floor, wide};
use super::logarithm::{FRACTION, minus_log};
use crate::ratio::Ratio;

/// A geometric distribution of rational scale.
pub(super) struct Geometric {
    scaled: Scaled,
}

impl Geometric {
    pub(super) fn new(scale: Ratio) -> Self {
        let (numerator, denominator) = wide(scale);
        Self { scaled: Scaled::new(numerator, denominator) }
    }

    /// The draw that the last 63 bits of a word begin.
    #[inline(always)]
    pub(super) fn draw<R: CryptoRng>(&self, word: u64, bits: &mut Bits<'_, R>) -> i128 {
        if let Some(bounds) = minus_log(word)
            && let Some((low, high)) = self.scaled.floors(bounds)
            && low == high
        {
            return i128::from(low);
        }
        self.draw_slowly(word, bits)
    }

    #[cold]
    #[inline(never)]
    fn draw_slowly<R: CryptoRng>(&self, word: u64, bits: &mut Bits<'_, R>) -> i128 {
        Exponential::of(word).decide(bits, |bounds| {
            let (low, high) = self.scaled.exact_floors(bounds);
            (low == high).then(|| to_i128(&low))
        })
    }
}

/// Only a U that begins with more than 2^14 zeros is too long: scales are below 2^112, and nobody will see it.
pub(super) fn to_i128(value: &BigUint) -> i128 {
    i128::try_from(value).expect("chance 2^-16384")
}

/// ⌊s·E⌋ from bounds of E, for a rational s.
pub(super) struct Scaled {
    numerator: BigUint,
    denominator: BigUint,
    /// s is at least mantissa·2^exponent and less than (mantissa + 1)·2^exponent.
    mantissa: u64,
    /// Of the upper half of mantissa·E, to whole numbers; `None` for scales that leave no room in a word.
    shift: Option<u32>,
}

impl Scaled {
    pub(super) fn new(numerator: BigUint, denominator: BigUint) -> Self {
        let floor = Floor::of(&numerator, &denominator);
        // A product below 2^63 shifted by 63 is zero, and so it is with any longer shift.
        let shift = (i64::from(FRACTION) - floor.exponent - 64).min(63);
        Self { numerator, denominator, mantissa: floor.mantissa, shift: u32::try_from(shift).ok() }
    }

    /// ⌊s·E⌋ at bounds of E in units of 2^-58.
    #[inline(always)]
    pub(super) fn floors(&self, (lower, upper): (u64, u64)) -> Option<(u64, u64)> {
        let shift = self.shift?;
        let product = |e: u64, mantissa: u64| ((u128::from(e) * u128::from(mantissa)) >> 64) as u64 >> shift;
        Some((product(lower, self.mantissa), product(upper, self.mantissa + 1)))
    }

    /// ⌊s·E⌋ at the bounds.
    pub(super) fn exact_floors(&self, bounds: &Bounds) -> (BigUint, BigUint) {
        let below = &self.denominator << bounds.places;
        (&bounds.lower * &self.numerator / &below, &bounds.upper * &self.numerator / below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::goodness::{Stream, assert_fits, boundary, ratio, scales, splitmix, telling_words};

    /// Words on which the draw changes: on both sides of the boundaries of a few values.
    fn boundary_words(geometric: &Geometric) -> Vec<u64> {
        let mut zeros = Stream(|| 0);
        let bits = std::cell::RefCell::new(Bits::new(&mut zeros, 2));
        let value = |word| geometric.draw_slowly(word, &mut bits.borrow_mut());
        let middle = value(1 << 62);
        let bounds = [1, 2, 3, middle.max(1), 3 * middle + 1];
        let words = bounds.map(|x| boundary(|word| value(word) >= x));
        words.iter().flat_map(|&word| (word - word.min(3)..word + 4).filter(|&word| word > 0)).collect()
    }

    #[test]
    fn n2_words_and_integers_of_any_length_agree() {
        for scale in scales() {
            let geometric = Geometric::new(scale);
            let words = telling_words().into_iter().step_by(40).chain(boundary_words(&geometric));
            for word in words.filter(|&word| word >> 63 == 0) {
                for rest in [0, u64::MAX, 0x1234_5678_9ABC_DEF0] {
                    let (mut one, mut other) = (Stream(|| rest), Stream(|| rest));
                    let fast = geometric.draw(word, &mut Bits::new(&mut one, 2));
                    let slow = geometric.draw_slowly(word, &mut Bits::new(&mut other, 2));
                    assert_eq!(fast, slow, "{scale:?} at {word:#x}");
                }
            }
        }
    }

    #[test]
    fn n2_fits_where_only_the_slow_path_serves() {
        let scale = ratio((1 << 111) + 1, 1);
        let geometric = Geometric::new(scale);
        let mut random = splitmix(6);
        let mut bits = Bits::new(&mut random, 64);
        let mut counts = vec![0; 41];
        for _ in 0..5_000 {
            let word = bits.word();
            let draw = geometric.draw(word, &mut bits);
            counts[usize::try_from((draw >> 108).min(40)).unwrap()] += 1;
        }
        let beyond = |eighths: u32| (-f64::from(eighths) / 8.0).exp();
        let mut probabilities: Vec<f64> = (0..40).map(|j| beyond(j) - beyond(j + 1)).collect();
        probabilities.push(beyond(40));
        assert_fits(&counts, &probabilities, "a scale of 2^111");
    }

    #[test]
    fn n2_fits() {
        let mut random = splitmix(8);
        let mut counts = vec![0; 30];
        (0..100_000).for_each(|_| {
            let draw = crate::sampler::geometric(&mut random, ratio(7, 2));
            counts[usize::try_from(draw.min(29)).unwrap()] += 1;
        });
        let beyond = |x: u32| (-f64::from(x) / 3.5).exp();
        let mut probabilities: Vec<f64> = (0..29).map(|x| beyond(x) - beyond(x + 1)).collect();
        probabilities.push(beyond(29));
        assert_fits(&counts, &probabilities, "geometric");
    }
}
