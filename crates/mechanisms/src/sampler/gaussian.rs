//! The discrete Gaussian distribution (Canonne, Kamath, Steinke 2020).
//!
//! P(x) ∝ exp(−x²/(2σ²)) on the integers, by rejection from the discrete Laplace of integer scale t ≈ σ: a proposal y is
//! accepted with probability exp(−γ), γ = (|y| − σ²/t)²/(2σ²) (algorithm 3 there; any t ≥ 1 is exact, for
//! exp(−|y|/t − γ) is exp(−y²/(2σ²)) times a constant), that is, when an exponential variable exceeds γ. About 1.3 to
//! 1.5 proposals a draw.

use num_bigint::BigUint;
use rand_core::CryptoRng;

use super::bits::Bits;
use super::exponential::Exponential;
use super::fixed::{Floor, wide};
use super::geometric::Geometric;
use super::logarithm::{FRACTION, minus_log};
use crate::ratio::Ratio;

/// A discrete Gaussian distribution of rational σ².
pub(super) struct DiscreteGaussian {
    proposal: Geometric,
    exact: Exact,
    root: Root,
}

/// γ = (|y|·t·q − p)²/(2pqt²), for σ² = p/q.
struct Exact {
    tq: BigUint,
    p: BigUint,
    below: BigUint,
}

/// √γ = | |y|·a − b | with a = 1/(σ√2) and b = σ/(t√2).
#[derive(Clone, Copy)]
struct Root {
    /// a in units of 2^-(58 + shift), rounded down, and at least 2^62.
    a: u64,
    shift: u32,
    /// b in units of 2^-58, rounded down.
    b: i64,
}

impl DiscreteGaussian {
    pub(super) fn new(sigma_squared: Ratio) -> Self {
        let (p, q) = wide(sigma_squared);
        let t = (sigma_squared.numerator() / sigma_squared.denominator()).isqrt().max(1);
        let proposal =
            Geometric::new(Ratio::new(t, 1).expect("the root of a number below 2^112 is below 2^56"));
        let t = BigUint::from(t);
        let tq = &t * &q;
        let b_below = 2_u8 * &tq * &t;
        let root = Root::new(Floor::of_square_root(&q, &(2_u8 * &p)), Floor::of_square_root(&p, &b_below));
        let below = &b_below * &p;
        Self { proposal, exact: Exact { tq, p, below }, root }
    }

    #[inline(always)]
    pub(super) fn draw<R: CryptoRng>(&self, bits: &mut Bits<'_, R>) -> i128 {
        loop {
            let word = bits.word();
            let magnitude = self.proposal.draw(word, bits);
            let negative = word >> 63 == 1;
            if negative && magnitude == 0 {
                continue;
            }
            if self.accepts(magnitude, bits) {
                return if negative { -magnitude } else { magnitude };
            }
        }
    }

    #[inline(always)]
    fn accepts<R: CryptoRng>(&self, magnitude: i128, bits: &mut Bits<'_, R>) -> bool {
        let word = bits.word();
        if let Some((lower, upper)) = minus_log(word)
            && let Ok(y) = u64::try_from(magnitude)
        {
            let (least, most) = self.root.squares(y);
            if u128::from(lower) << FRACTION >= most {
                return true;
            }
            if u128::from(upper) << FRACTION <= least {
                return false;
            }
        }
        self.exact.accepts(magnitude.unsigned_abs(), word, bits)
    }
}

impl Root {
    fn new(a: Floor, b: Floor) -> Self {
        // b is below 2: t is at least the root of ⌊σ²⌋ rounded down, or 1.
        let b = b.in_places(FRACTION) as i64;
        let shift = -a.exponent - i64::from(FRACTION);
        match u32::try_from(shift) {
            Ok(shift) => Self { a: a.mantissa, shift, b },
            // a is above 32 and is cut to that, which `squares` allows for.
            Err(_) => Self { a: a.in_places(FRACTION).min(i64::MAX.unsigned_abs()), shift: 0, b },
        }
    }

    /// Bounds of γ in units of 2^-116, which decide as γ itself does against any variable below 45.
    ///
    /// In units of 2^-58, with g the cut y·a: the true one is from g to less than g + 1 + y·2^-shift, and y·2^-shift is at
    /// most (g + 1)/2^62 ≤ 2, since the mantissa is at least 2^62. b is less than 1 above its cut. So √γ is within 3 of
    /// |g − b|. Where y·a is cut to 32 (or a is, and y is at least 1), √γ is truly above 32 − 2, and so is the bound: its
    /// square is beyond 45, and the proposal is refused, as it must be.
    #[inline(always)]
    fn squares(self, y: u64) -> (u128, u128) {
        let product = (u128::from(y) * u128::from(self.a)) >> self.shift.min(127);
        let g = product.min(i64::MAX as u128) as i64;
        let distance = (g - self.b).unsigned_abs();
        let (least, most) = (u128::from(distance.saturating_sub(3)), u128::from(distance + 3));
        (least * least, most * most)
    }
}

impl Exact {
    #[cold]
    #[inline(never)]
    fn accepts<R: CryptoRng>(&self, magnitude: u128, word: u64, bits: &mut Bits<'_, R>) -> bool {
        let y = &self.tq * magnitude;
        let distance = if y > self.p { y - &self.p } else { &self.p - y };
        let square = &distance * &distance;
        Exponential::of(word).decide(bits, |bounds| {
            let gamma = &square << bounds.places;
            let exceeds = &bounds.lower * &self.below >= gamma;
            let falls_short = &bounds.upper * &self.below <= gamma;
            (exceeds != falls_short).then_some(exceeds)
        })
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use rand_core::Rng as _;

    use super::*;
    use crate::noise::Noise;
    use crate::sampler::goodness::{
        Stream, assert_noise_fits, boundary, ratio, scales, splitmix, telling_words,
    };

    /// σ², as far from 1 as the scales are.
    fn squares() -> Vec<Ratio> {
        let mut squares = scales();
        squares.extend([ratio(1 << 90, 1), ratio((1 << 111) + 1, 3), ratio(1, 4_000), ratio(1, u128::MAX)]);
        squares
    }

    #[test]
    fn n2_fits_at_every_scale() {
        for sigma_squared in squares() {
            // Beyond words, a draw takes microseconds.
            let draws = if sigma_squared.to_f64() > 1e30 { 10_000 } else { 200_000 };
            assert_noise_fits(Noise::DiscreteGaussian { sigma_squared }, draws);
        }
    }

    #[test]
    fn the_bounds_hold_gamma() {
        let mut random = splitmix(11);
        for square in squares() {
            let gaussian = DiscreteGaussian::new(square);
            let t = (square.numerator() / square.denominator()).isqrt().max(1);
            let multiples = (0..200).map(|_| (u128::from(random.next_u64() >> 32) * 50 * t) >> 32);
            for y in multiples.chain(0..20) {
                let (least, most) = gaussian.root.squares(u64::try_from(y).unwrap());
                let distance = (BigInt::from(y * &gaussian.exact.tq)
                    - BigInt::from(gaussian.exact.p.clone()))
                .into_parts()
                .1;
                let gamma = (&distance * &distance) << (2 * FRACTION);
                let below = &gaussian.exact.below;
                if gamma < (below * 45_u8) << (2 * FRACTION) {
                    assert!(below * least <= gamma && gamma <= below * most, "{square:?} at {y}");
                } else {
                    assert!(least >> (2 * FRACTION) >= 44, "{square:?} at {y}");
                }
            }
        }
    }

    /// The comparison in words and the one in integers of any length, at random words and at those where the answer turns.
    #[test]
    fn n2_words_and_integers_of_any_length_agree() {
        for square in squares() {
            let gaussian = DiscreteGaussian::new(square);
            let t = (square.numerator() / square.denominator()).isqrt().max(1);
            for magnitude in [0, 1, 2, t / 3, t, t + 1, 2 * t, 5 * t, 40 * t] {
                let exactly = |word| {
                    let mut zeros = Stream(|| 0);
                    gaussian.exact.accepts(magnitude, word, &mut Bits::new(&mut zeros, 2))
                };
                let turn = boundary(exactly);
                let around = (turn.saturating_sub(40).max(1)..turn + 40).step_by(3);
                for word in
                    around.chain(telling_words().into_iter().step_by(1000)).filter(|word| word >> 63 == 0)
                {
                    let mut words = [word, 0, 0, 0, 0, 0, 0, 0].into_iter();
                    let mut stream = Stream(|| words.next().unwrap_or(0));
                    let fast = gaussian.accepts(magnitude as i128, &mut Bits::new(&mut stream, 8));
                    assert_eq!(fast, exactly(word), "{square:?}, |y| = {magnitude}, at {word:#x}");
                }
            }
        }
    }
}
