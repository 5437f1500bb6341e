//! Positive rationals, the parameters of exact samplers.

use serde::{Deserialize, Serialize};

/// A positive rational in lowest terms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "(u128, u128)", into = "(u128, u128)")]
pub struct Ratio {
    numerator: u128,
    denominator: u128,
}

/// Zero, or a division by zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a scale must be a positive rational")]
pub struct NotPositive;

impl Ratio {
    /// `numerator / denominator`, reduced.
    ///
    /// # Errors
    /// When either is zero.
    pub const fn new(numerator: u128, denominator: u128) -> Result<Self, NotPositive> {
        if numerator == 0 || denominator == 0 {
            return Err(NotPositive);
        }
        let divisor = gcd(numerator, denominator);
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The numerator.
    #[must_use]
    pub const fn numerator(self) -> u128 {
        self.numerator
    }

    /// The denominator.
    #[must_use]
    pub const fn denominator(self) -> u128 {
        self.denominator
    }

    /// The nearest float, for display and prediction.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl TryFrom<(u128, u128)> for Ratio {
    type Error = NotPositive;
    fn try_from((numerator, denominator): (u128, u128)) -> Result<Self, NotPositive> {
        Self::new(numerator, denominator)
    }
}

impl From<Ratio> for (u128, u128) {
    fn from(ratio: Ratio) -> Self {
        (ratio.numerator, ratio.denominator)
    }
}
