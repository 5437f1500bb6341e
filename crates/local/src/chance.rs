//! Probabilities as exact integers, rounded toward privacy.

use crate::epsilon::{Epsilon, UNIT};

/// A probability, in units of 2^−64: what a device really draws, and so what the collector's estimators divide by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Chance(u64);

impl Chance {
    /// One half.
    pub const HALF: Self = Self(1 << 63);

    /// From units of 2^−64.
    #[must_use]
    pub const fn from_units(units: u64) -> Self {
        Self(units)
    }

    /// In units of 2^−64.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The nearest float, for estimators.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 18_446_744_073_709_551_616.0
    }

    /// The largest T such that "the good set with probability T, else uniform over everything" is ε-locally private,
    /// where everything is `times` times as large as the good set:
    /// (T + (1−T)/m) / ((1−T)/m) ≤ e^ε, that is T ≤ (1 − e^−ε) / (1 + (m−1)·e^−ε). Rounded down.
    pub(crate) fn keep(epsilon: Epsilon, times: u64) -> Self {
        let q = u128::from(epsilon.exp_neg());
        let unit = u128::from(UNIT);
        let whole = unit + u128::from(times - 1) * q;
        Self((((unit - q) << 64) / whole) as u64)
    }

    /// The least q such that a bit flipped with probability q is ε-locally private: q ≥ 1/(e^ε + 1). Rounded up.
    pub(crate) fn flip(epsilon: Epsilon) -> Self {
        Self::flip_of(epsilon.exp_neg())
    }

    /// As [`Chance::flip`] at ε/2, for two bits that change together.
    pub(crate) fn flip_half(epsilon: Epsilon) -> Self {
        Self::flip_of(epsilon.exp_neg_half())
    }

    fn flip_of(q: u64) -> Self {
        let q = u128::from(q);
        Self((q << 64).div_ceil(u128::from(UNIT) + q) as u64)
    }
}
