//! Rationals and square roots of rationals as floating-point numbers that are rounded down, with integer arithmetic.

use num_bigint::BigUint;

use crate::ratio::Ratio;

/// The largest 63-bit mantissa and exponent with mantissa·2^exponent ≤ x; x is below (mantissa + 1)·2^exponent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Floor {
    /// At least 2^62 and below 2^63.
    pub(super) mantissa: u64,
    pub(super) exponent: i64,
}

impl Floor {
    /// Of numerator/denominator.
    pub(super) fn of(numerator: &BigUint, denominator: &BigUint) -> Self {
        // Between 2^63 and 2^65 before the cut.
        let exponent = numerator.bits() as i64 - denominator.bits() as i64 - 64;
        Self::cut(floor_scaled(numerator, denominator, -exponent), exponent)
    }

    /// Of the square root of numerator/denominator: the root of a rounded-down number, rounded down, is the root rounded
    /// down.
    pub(super) fn of_square_root(numerator: &BigUint, denominator: &BigUint) -> Self {
        let exponent = (numerator.bits() as i64 - denominator.bits() as i64) / 2 - 66;
        Self::cut(floor_scaled(numerator, denominator, -2 * exponent).sqrt(), exponent)
    }

    /// Rounding down twice is rounding down once.
    fn cut(value: BigUint, exponent: i64) -> Self {
        let excess = value.bits() - 63;
        let mantissa = u64::try_from(value >> excess).expect("63 bits fit a word");
        Self { mantissa, exponent: exponent + excess as i64 }
    }

    /// mantissa·2^exponent in units of 2^-places, rounded down; the largest word where it does not fit.
    pub(super) fn in_places(self, places: u32) -> u64 {
        let shift = self.exponent + i64::from(places);
        match shift {
            2.. => u64::MAX,
            0 | 1 => self.mantissa << shift,
            -63..=-1 => self.mantissa >> -shift,
            i64::MIN..=-64 => 0,
        }
    }
}

/// ⌊numerator/denominator · 2^shift⌋.
fn floor_scaled(numerator: &BigUint, denominator: &BigUint, shift: i64) -> BigUint {
    if shift >= 0 {
        (numerator << shift.unsigned_abs()) / denominator
    } else {
        numerator / (denominator << shift.unsigned_abs())
    }
}

/// Numerator and denominator.
pub(super) fn wide(ratio: Ratio) -> (BigUint, BigUint) {
    (ratio.numerator().into(), ratio.denominator().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::goodness::scales;

    #[test]
    fn floors_are_below_and_next_ones_above() {
        let shifted = |mantissa: u64, exponent: i64, n: &BigUint, d: &BigUint, power: u32| {
            let left = BigUint::from(mantissa).pow(power) * d;
            let exponent = exponent * i64::from(power);
            if exponent >= 0 {
                (left << exponent.unsigned_abs()) <= *n
            } else {
                left <= n << exponent.unsigned_abs()
            }
        };
        for scale in scales() {
            let (n, d) = wide(scale);
            for (floor, power) in [(Floor::of(&n, &d), 1), (Floor::of_square_root(&n, &d), 2)] {
                assert!((1 << 62..1 << 63).contains(&floor.mantissa));
                assert!(
                    shifted(floor.mantissa, floor.exponent, &n, &d, power),
                    "{scale:?} is below its floor"
                );
                assert!(
                    !shifted(floor.mantissa + 1, floor.exponent, &n, &d, power),
                    "{scale:?} has a larger floor"
                );
            }
        }
    }

    #[test]
    fn places_are_cut() {
        let floor = Floor::of(&BigUint::from(5_u8), &BigUint::from(2_u8));
        assert_eq!((floor.in_places(0), floor.in_places(1), floor.in_places(61)), (2, 5, 5 << 60));
        assert_eq!(floor.in_places(62), 5 << 61);
        assert_eq!(floor.in_places(63), u64::MAX);
        let tiny = Floor::of(&BigUint::from(1_u8), &(BigUint::from(1_u8) << 90_u32));
        assert_eq!(tiny.in_places(58), 0);
    }
}
