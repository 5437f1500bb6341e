//! Positive rationals, the parameters of exact samplers.

use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

/// A positive rational below 2^112, in lowest terms.
///
/// The limit leaves room for the tails: a draw of noise at the largest scale fits an `i128` but for a chance of
/// 2^-16384.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "(u128, u128)", into = "(u128, u128)")]
pub struct Ratio {
    numerator: u128,
    denominator: u128,
}

/// Zero, a division by zero, or too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a scale must be a positive rational below 2^112")]
pub struct NotPositive;

impl Ratio {
    /// The first value that is refused.
    const LIMIT: u128 = 1 << 112;

    /// `numerator / denominator`, reduced.
    ///
    /// # Errors
    /// When either is zero, or the quotient is 2^112 or more.
    pub const fn new(numerator: u128, denominator: u128) -> Result<Self, NotPositive> {
        if numerator == 0 || denominator == 0 || numerator / denominator >= Self::LIMIT {
            return Err(NotPositive);
        }
        let divisor = gcd(numerator, denominator);
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// `a·b/denominator`, if it is one and its lowest terms fit.
    pub(crate) fn of_product(a: u128, b: u128, denominator: u128) -> Option<Self> {
        let (in_a, in_b) = (gcd(a, denominator), gcd(b, denominator / gcd(a, denominator)));
        let numerator = (a / in_a).checked_mul(b / in_b)?;
        Self::new(numerator, denominator / in_a / in_b).ok()
    }

    /// The square root, rounded up to a dyadic rational: at most 2^-61 of it in excess, and exact where it is one.
    pub(crate) fn square_root_up(self) -> Self {
        let (numerator, denominator) = (BigUint::from(self.numerator), BigUint::from(self.denominator));
        // Between 2^122 and 2^125 in these places, which are from 5 to 125, the number has a root between 2^61 and 2^63.
        let places = (124 + denominator.bits() - numerator.bits()) / 2;
        let shifted = numerator << (2 * places);
        let root = (&shifted / &denominator).sqrt();
        let exact = &root * &root * &denominator == shifted;
        let root = u128::try_from(root).expect("63 bits fit") + u128::from(!exact);
        Self::new(root, 1 << places).expect("the root of a number below 2^112 is below it too")
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

    /// The nearest float or one beside it, for display and prediction.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n6_what_is_no_scale_is_refused_by_every_entrance() {
        for (numerator, denominator) in
            [(0, 1), (1, 0), (0, 0), (1 << 112, 1), (u128::MAX, 1), (u128::MAX, 65_535)]
        {
            assert_eq!(Ratio::new(numerator, denominator), Err(NotPositive));
            let json = format!("[{numerator},{denominator}]");
            assert!(serde_json::from_str::<Ratio>(&json).is_err(), "{json}");
        }
        for json in ["[-1,1]", "[1.5,1]", "[1e300,1]", "[1,1e-400]", "[null,1]", "[1]", "\"NaN\"", "1"] {
            assert!(serde_json::from_str::<Ratio>(json).is_err(), "{json}");
        }
        assert_eq!(serde_json::from_str::<Ratio>("[6,4]").unwrap(), Ratio::new(3, 2).unwrap());
        assert!(Ratio::new((1 << 112) - 1, 1).is_ok() && Ratio::new(1, u128::MAX).is_ok());
    }

    #[test]
    fn a_product_is_reduced_before_it_can_overflow() {
        assert_eq!(Ratio::of_product(1 << 99, 3 << 40, 1 << 60), Ratio::new(3 << 79, 1).ok());
        assert_eq!(Ratio::of_product(6, 10, 15), Ratio::new(4, 1).ok());
        assert_eq!(Ratio::of_product(1 << 99, 3 << 40, 7), None);
    }

    proptest::proptest! {
        #[test]
        fn the_square_root_is_the_least_dyadic_one(n in 1_u128.., d in 1_u128.., cut in 0_u32..128, low in 0_u32..128) {
            let Ok(square) = Ratio::new((n >> cut).max(1), (d >> low).max(1)) else { return Ok(()) };
            let root = square.square_root_up();
            let big = |x: u128| BigUint::from(x);
            let (p, q) = (big(square.numerator()), big(square.denominator()));
            let (r, s) = (big(root.numerator()), big(root.denominator()));
            let (ours, theirs) = (&r * &r * &q, &s * &s * &p);
            proptest::prop_assert!(ours >= theirs, "rounded down");
            proptest::prop_assert!((ours - &theirs) << 60_u32 <= theirs, "rounded up too far");
        }
    }

    #[test]
    fn a_rational_square_has_its_root() {
        for (n, d) in [(1, 1), (9, 4), (1 << 110, 1), (25, 1 << 126)] {
            let root = Ratio::new(n, d).unwrap().square_root_up();
            assert_eq!(Ratio::new(root.numerator().pow(2), root.denominator().pow(2)), Ratio::new(n, d));
        }
    }
}
