//! The rounded normal: round(σZ) for a standard normal Z that is never rounded itself.
//!
//! P(x) = Φ((x + ½)/σ) − Φ((x − ½)/σ) on the integers. |Z| has density proportional to exp(−w²/2) on w ≥ 0: an exponential
//! W is accepted with probability exp(−(W − 1)²/2), since exp(−w − (w − 1)²/2) is exp(−w²/2) times a constant (von
//! Neumann 1951), that is, when another exponential exceeds (W − 1)²/2. As in Karney (2016), bits of W are drawn until
//! they decide both that comparison and which integer σW is nearest to; W itself is never cut.

use num_bigint::BigUint;
use rand_core::CryptoRng;

use super::bits::Bits;
use super::exponential::{Bounds, Exponential};
use super::fixed::wide;
use super::geometric::{Scaled, to_i128};
use super::logarithm::{FRACTION, minus_log};
use crate::ratio::Ratio;

const ONE: u64 = 1 << FRACTION;

/// A rounded normal distribution of rational σ.
pub(super) struct RoundedNormal {
    /// 2σ: the integer nearest to x is ⌊(⌊2x⌋ + 1)/2⌋.
    doubled: Scaled,
}

impl RoundedNormal {
    pub(super) fn new(sigma: Ratio) -> Self {
        let (numerator, denominator) = wide(sigma);
        Self { doubled: Scaled::new(2_u8 * numerator, denominator) }
    }

    #[inline(always)]
    pub(super) fn draw<R: CryptoRng>(&self, bits: &mut Bits<'_, R>) -> i128 {
        loop {
            let (first, second) = (bits.word(), bits.word());
            let magnitude = match self.fast(first, second) {
                Decision::Rejected => continue,
                Decision::Accepted(magnitude) => i128::from(magnitude),
                Decision::Open => match self.slow(first, second, bits) {
                    None => continue,
                    Some(magnitude) => magnitude,
                },
            };
            return if first >> 63 == 1 { -magnitude } else { magnitude };
        }
    }

    #[inline(always)]
    fn fast(&self, first: u64, second: u64) -> Decision {
        let (Some(w), Some(e)) = (minus_log(first), minus_log(second)) else { return Decision::Open };
        let (least, most) = distances(w);
        if u128::from(e.1) << (FRACTION + 1) <= least * least {
            return Decision::Rejected;
        }
        if u128::from(e.0) << (FRACTION + 1) < most * most {
            return Decision::Open;
        }
        match self.doubled.floors(w) {
            Some((low, high)) if low.div_ceil(2) == high.div_ceil(2) => Decision::Accepted(low.div_ceil(2)),
            Some(_) | None => Decision::Open,
        }
    }

    /// The same from as many bits as it takes.
    #[cold]
    #[inline(never)]
    fn slow<R: CryptoRng>(&self, first: u64, second: u64, bits: &mut Bits<'_, R>) -> Option<i128> {
        let (mut w, mut e) = (Exponential::of(first), Exponential::of(second));
        loop {
            w.refine(bits);
            e.refine(bits);
            if let (Some(w), Some(e)) = (w.bounds(), e.bounds())
                && let Some(accepted) = accepts(&w, &e)
            {
                if !accepted {
                    return None;
                }
                break;
            }
        }
        let nearest = w.decide(bits, |bounds| {
            let (low, high) = self.doubled.exact_floors(bounds);
            let (low, high) = ((low + 1_u8) >> 1_u32, (high + 1_u8) >> 1_u32);
            (low == high).then_some(low)
        });
        Some(to_i128(&nearest))
    }
}

enum Decision {
    Rejected,
    Accepted(u64),
    /// The bits do not decide.
    Open,
}

/// Bounds of |W − 1| in units of 2^-58.
#[inline(always)]
fn distances((lower, upper): (u64, u64)) -> (u128, u128) {
    let least = lower.saturating_sub(ONE).max(ONE.saturating_sub(upper));
    let most = lower.abs_diff(ONE).max(upper.abs_diff(ONE));
    (u128::from(least), u128::from(most))
}

/// Whether E > (W − 1)²/2, if the bounds tell; both have the same number of places.
fn accepts(w: &Bounds, e: &Bounds) -> Option<bool> {
    let one = BigUint::from(1_u8) << w.places;
    let from_one = |x: &BigUint| if *x > one { (x - &one, true) } else { (&one - x, false) };
    let ((lower, above), (upper, still_above)) = (from_one(&w.lower), from_one(&w.upper));
    let most = (&lower).max(&upper).clone();
    let least = if above == still_above { lower.min(upper) } else { BigUint::ZERO };
    let scale = w.places + 1;
    if (&e.lower << scale) >= &most * &most {
        return Some(true);
    }
    ((&e.upper << scale) <= &least * &least).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::sampler::goodness::{Stream, assert_noise_fits, boundary, scales, telling_words};

    #[test]
    fn n2_fits_at_every_scale() {
        scales().into_iter().for_each(|sigma| assert_noise_fits(Noise::RoundedNormal { sigma }, 200_000));
    }

    /// The decision in words and the one in integers of any length, at random words and at those where it turns.
    #[test]
    fn n2_words_and_integers_of_any_length_agree() {
        for sigma in scales() {
            let normal = RoundedNormal::new(sigma);
            let slowly = |first, second| {
                let mut zeros = Stream(|| 0);
                normal.slow(first, second, &mut Bits::new(&mut zeros, 2))
            };
            for first in telling_words().into_iter().step_by(400) {
                let turn = boundary(|second| slowly(first, second).is_some());
                for second in [turn - turn.min(9), turn, turn + 1, turn + 9, 1 << 62, first] {
                    let fast = match normal.fast(first, second) {
                        Decision::Rejected => None,
                        Decision::Accepted(magnitude) => Some(i128::from(magnitude)),
                        Decision::Open => continue,
                    };
                    assert_eq!(fast, slowly(first, second), "{sigma:?} at {first:#x}, {second:#x}");
                }
            }
        }
    }

    /// Where σW is nearest to another integer.
    #[test]
    fn n2_rounding_turns_where_it_should() {
        for sigma in scales() {
            let normal = RoundedNormal::new(sigma);
            let mut zeros = Stream(|| 0);
            let bits = std::cell::RefCell::new(Bits::new(&mut zeros, 2));
            // E is 30, and accepts every W up to 8.7.
            let second = ((-30_f64).exp() * 2_f64.powi(63)) as u64;
            let value = |first| normal.slow(first, second, &mut bits.borrow_mut()).unwrap_or(i128::MAX);
            let middle = value(1 << 62);
            for x in [1, 2, middle.max(1), 3 * middle + 1] {
                let turn = boundary(|first| value(first) >= x);
                for first in (turn - turn.min(12)..turn + 12).filter(|&first| first > 0 && first >> 63 == 0) {
                    if let Decision::Accepted(fast) = normal.fast(first, second) {
                        assert_eq!(i128::from(fast), value(first), "{sigma:?} at {first:#x}");
                    }
                }
            }
        }
    }
}
