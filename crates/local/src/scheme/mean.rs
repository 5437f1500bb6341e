//! One-bit mean of bounded numbers.

use crate::chance::Chance;
use crate::draw::{Draws, NoEntropy};
use crate::epsilon::Epsilon;
use crate::scheme::BadScheme;

/// The one-bit mean (Ding, Kulkarni, Yekhanin 2017; Duchi, Jordan, Wainwright 2018): a number x between two bounds
/// becomes one bit, which is one with probability q + (1 − 2q)·(x − low)/(high − low).
///
/// ε-locally private for q ≥ 1/(e^ε + 1), as the probability stays between q and 1 − q. Numbers are integers in units
/// that the collection declares (tenths of a star, seconds); what lies outside the bounds is moved to the nearest one. A
/// report is one byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OneBitMean {
    epsilon: Epsilon,
    low: i64,
    high: i64,
    noise: Chance,
}

impl OneBitMean {
    /// For numbers from `low` to `high`.
    ///
    /// # Errors
    /// [`BadScheme::Bounds`] unless low < high and both lie within ±2^53.
    pub fn new(low: i64, high: i64, epsilon: Epsilon) -> Result<Self, BadScheme> {
        const FAR: i64 = 1 << 53;
        if low >= high || low < -FAR || high > FAR {
            return Err(BadScheme::Bounds);
        }
        Ok(Self { epsilon, low, high, noise: Chance::flip(epsilon) })
    }

    /// ε of one report.
    #[must_use]
    pub const fn epsilon(&self) -> Epsilon {
        self.epsilon
    }

    /// The lower bound.
    #[must_use]
    pub const fn low(&self) -> i64 {
        self.low
    }

    /// The upper bound.
    #[must_use]
    pub const fn high(&self) -> i64 {
        self.high
    }

    /// q: how often the bit is one at the lower bound, and zero at the upper.
    #[must_use]
    pub const fn noise(&self) -> Chance {
        self.noise
    }

    /// Length of every report.
    #[must_use]
    pub const fn report_bytes(&self) -> usize {
        1
    }

    /// The probability of a one for this number: between q and 1 − q, on the line between them, rounded down.
    pub(crate) fn chance(&self, number: i64) -> Chance {
        let along = (number.clamp(self.low, self.high) - self.low) as u128;
        let whole = (self.high - self.low) as u128;
        // 2^64 − 2q fits 64 bits, `along` 54: no overflow.
        let span = (1_u128 << 64) - 2 * u128::from(self.noise.units());
        Chance::from_units(self.noise.units() + (span * along / whole) as u64)
    }

    pub(crate) fn randomize<D: Draws>(
        &self,
        number: Option<i64>,
        draws: &mut D,
        report: &mut [u8],
    ) -> Result<(), NoEntropy> {
        let chance = number.map_or(Chance::HALF, |number| self.chance(number));
        report[0] = u8::from(draws.coin(chance)?);
        Ok(())
    }
}
