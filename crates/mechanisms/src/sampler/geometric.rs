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
