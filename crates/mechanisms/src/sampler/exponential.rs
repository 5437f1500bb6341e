//! Exponential variables as far as somebody asks: E = −ln U for a uniform U whose bits are drawn when they are needed.
//!
//! Every sampler of this crate is a function of such variables and of fair bits, decided exactly: it looks at an
//! interval that holds E for certain, and when the interval leaves two answers possible it asks for more bits of U.
//! What comes out is the function of the infinitely many bits of U, so its distribution is exact, not close. (Bits drawn
//! when they are needed: von Neumann 1951; Karney 2016.) The first interval is [`minus_log`](super::logarithm)'s, in
//! machine words; those here are in integers as long as it takes, and are needed about once in 2^55/scale draws.

use num_bigint::BigUint;
use rand_core::CryptoRng;

use super::bits::Bits;

/// An exponential variable of mean 1, of whose U some bits are known.
pub(super) struct Exponential {
    /// The known bits of U, as an integer below 2^known.
    digits: BigUint,
    known: u64,
}

/// E is in [lower, upper]·2^-places.
pub(super) struct Bounds {
    pub(super) lower: BigUint,
    pub(super) upper: BigUint,
    pub(super) places: u64,
}

impl Exponential {
    /// The variable of which [`minus_log`](super::logarithm::minus_log) saw this word.
    pub(super) fn of(word: u64) -> Self {
        Self { digits: BigUint::from(word & (u64::MAX >> 1)), known: 63 }
    }

    /// Draws 64 more bits of U.
    pub(super) fn refine<R: CryptoRng>(&mut self, bits: &mut Bits<'_, R>) {
        self.digits = (&self.digits << 64_u32) + bits.word();
        self.known += 64;
    }

    /// What the known bits say; nothing while they are all zero.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        let length = self.digits.bits();
        if length == 0 {
            return None;
        }
        // U = m·2^-(known − length + 1) with m = digits/2^(length − 1), and ln m = 2 atanh((m − 1)/(m + 1)).
        let places = self.known + 32;
        let one = BigUint::from(1_u8) << (length - 1);
        let (log, slack) = twice_atanh(&(&self.digits - &one), &(&self.digits + &one), places);
        let (log_2, slack_2) = twice_atanh(&BigUint::from(1_u8), &BigUint::from(3_u8), places);
        let multiple = self.known - length + 1;
        let positive = &log_2 * multiple;
        // At the upper end, U is (1 + 1/digits) times as large, so −ln U is less by at most 1/digits.
        let width = (BigUint::from(1_u8) << places) / &self.digits + 1_u8;
        let subtracted = &log + slack + width;
        let lower = if positive > subtracted { &positive - subtracted } else { BigUint::ZERO };
        let most = positive + slack_2 * multiple;
        // The logarithm of m is at most as large as what it is taken from.
        let upper = if most > log { most - log } else { BigUint::ZERO };
        Some(Bounds { lower, upper, places })
    }

    /// Asks for bits until they decide.
    pub(super) fn decide<R: CryptoRng, T>(
        mut self,
        bits: &mut Bits<'_, R>,
        mut decision: impl FnMut(&Bounds) -> Option<T>,
    ) -> T {
        loop {
            if let Some(decided) = self.bounds().and_then(|bounds| decision(&bounds)) {
                return decided;
            }
            self.refine(bits);
        }
    }
}

/// 2·atanh(a/b) for a/b ≤ 1/3, in units of 2^-places: a lower bound, and what to add for an upper one.
///
/// atanh x = Σ x^(2j+1)/(2j+1), every operation rounded down. In units: x is less than 1 low and its square less than 2;
/// then if x^(2j+1) is e low, the next power is at most e/9 + 2·x^(2j+1) + 1 ≤ e/9 + 5/3 low, so e < 2 throughout; each
/// quotient is at most 3 low; and once the power is zero, its true value is below 2, and what follows adds less than 3.
/// For n terms this is at most 3n + 3, and twice that is within the 8n + 8 given.
fn twice_atanh(a: &BigUint, b: &BigUint, places: u64) -> (BigUint, u64) {
    let x = (a << places) / b;
    let square = (&x * &x) >> places;
    let mut power = x;
    let mut sum = BigUint::ZERO;
    let mut terms = 0_u64;
    while power != BigUint::ZERO {
        sum += &power / (2 * terms + 1);
        power = (power * &square) >> places;
        terms += 1;
    }
    (sum << 1_u32, 8 * terms + 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::goodness::{Stream, splitmix, telling_words};

    /// ln 2 in 200 binary places, from its 60 decimals (OEIS A002162).
    #[test]
    fn the_logarithm_of_two_to_200_places() {
        let decimals = "693147180559945309417232121458176568075500134360255254120680";
        let ten = BigUint::from(10_u8).pow(60);
        let log_2 = ((decimals.parse::<BigUint>().unwrap() << 199_u32) / ten) >> 9_u32;
        let mut zeros = Stream(|| 0);
        let mut bits = Bits::new(&mut zeros, 2);
        let mut half = Exponential::of(1 << 62);
        (0..3).for_each(|_| half.refine(&mut bits));
        let bounds = half.bounds().unwrap();
        let cut = bounds.places - 190;
        assert!(bounds.lower.clone() >> cut <= log_2 && bounds.upper.clone() >> cut >= log_2);
        assert!((bounds.upper - bounds.lower) >> (cut - 2) == BigUint::ZERO);
    }

    #[test]
    fn refining_nests_the_bounds_and_agrees_with_floats() {
        let mut random = splitmix(5);
        let mut bits = Bits::new(&mut random, 64);
        for word in telling_words().into_iter().step_by(50) {
            let mut exponential = Exponential::of(word);
            let before = exponential.bounds().unwrap();
            let float = -(word as f64 / 2_f64.powi(63)).ln();
            let units = float * 2_f64.powi(95);
            assert!(
                (u128::try_from(before.upper.clone()).unwrap() as f64 - units).abs()
                    <= units * 1e-12 + 2_f64.powi(45)
            );
            exponential.refine(&mut bits);
            let after = exponential.bounds().unwrap();
            // One unit of slack in the last place that both have: bounds are rounded in their own places.
            assert!(after.lower.clone() >> 64_u32 >= before.lower);
            assert!(after.upper.clone() >> 64_u32 <= before.upper);
            assert!(after.lower < after.upper);
        }
    }

    #[test]
    fn zeros_say_nothing_until_a_one_follows() {
        let mut ones = Stream(|| u64::MAX);
        let mut bits = Bits::new(&mut ones, 2);
        let mut exponential = Exponential::of(0);
        assert!(exponential.bounds().is_none());
        exponential.refine(&mut bits);
        let bounds = exponential.bounds().unwrap();
        // U is just below 2^-63.
        let whole = |bound: BigUint| u64::try_from(bound >> (bounds.places - 10)).unwrap() as f64 / 1024.0;
        assert!((whole(bounds.lower) - 63.0 * std::f64::consts::LN_2).abs() < 0.01);
    }
}
