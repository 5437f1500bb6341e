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
