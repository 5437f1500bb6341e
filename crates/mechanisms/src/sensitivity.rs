//! How far one person can move a vector of integers: sensitivities, in grid units.

use serde::{Deserialize, Serialize};

/// The largest change of a vector of exact integers when all rows of one person are added or removed.
///
/// Kept exact: the L2 sensitivity is held squared, so that √B never has to be rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Sum of absolute changes.
    L1(L1),
    /// Square of the Euclidean norm of the change.
    L2Squared(L2Squared),
}

/// L1 sensitivity, at least 1 and below 2^100.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "u128", into = "u128")]
pub struct L1(u128);

/// Squared L2 sensitivity, at least 1 and below 2^100.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "u128", into = "u128")]
pub struct L2Squared(u128);

/// A sensitivity that is zero or at least 2^100: the bounds that were multiplied into it are too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the contribution bounds multiply to a sensitivity that is zero or too large for exact arithmetic")]
pub struct BadSensitivity;

const LIMIT: u128 = 1 << 100;

macro_rules! sensitivity {
    ($name:ident) => {
        impl $name {
            /// From grid units.
            ///
            /// # Errors
            /// For zero and from 2^100 on.
            pub const fn new(units: u128) -> Result<Self, BadSensitivity> {
                if units == 0 || units >= LIMIT { Err(BadSensitivity) } else { Ok(Self(units)) }
            }

            /// The product of factors, none of which may wrap.
            ///
            /// # Errors
            /// When the product is zero or from 2^100 on.
            pub fn product(factors: &[u128]) -> Result<Self, BadSensitivity> {
                let product = factors.iter().try_fold(1_u128, |product, &factor| product.checked_mul(factor));
                product.map_or(Err(BadSensitivity), Self::new)
            }

            /// In grid units.
            #[must_use]
            pub const fn units(self) -> u128 {
                self.0
            }
        }

        impl TryFrom<u128> for $name {
            type Error = BadSensitivity;
            fn try_from(units: u128) -> Result<Self, BadSensitivity> {
                Self::new(units)
            }
        }

        impl From<$name> for u128 {
            fn from(sensitivity: $name) -> Self {
                sensitivity.0
            }
        }
    };
}

sensitivity!(L1);
sensitivity!(L2Squared);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n4_a_product_that_overflows_is_refused() {
        let l0 = 1_u128 << 32;
        assert_eq!(L2Squared::product(&[l0, l0, l0, l0]), Err(BadSensitivity));
        assert_eq!(L1::product(&[u128::MAX, 2]), Err(BadSensitivity));
        assert_eq!(L1::product(&[0, 5]), Err(BadSensitivity));
        assert_eq!(L1::product(&[3, 5]).unwrap().units(), 15);
    }
}
