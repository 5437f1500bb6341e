//! The discrete Laplace distribution, or two-sided geometric (Ghosh, Roughgarden, Sundararajan 2009).
//!
//! P(x) = (1 − p)/(1 + p) · p^|x| on the integers, with p = exp(−1/s): a fair sign and a geometric magnitude, drawn
//! again when they say minus zero, for else zero would be twice as likely as it should be (Canonne, Kamath, Steinke
//! 2020, algorithm 2). One word holds the sign and the first 63 bits of the magnitude's uniform variable.

use rand_core::CryptoRng;

use super::bits::Bits;
use super::geometric::Geometric;
use crate::ratio::Ratio;

/// A discrete Laplace distribution of rational scale.
pub(super) struct DiscreteLaplace {
    magnitude: Geometric,
}

impl DiscreteLaplace {
    pub(super) fn new(scale: Ratio) -> Self {
        Self { magnitude: Geometric::new(scale) }
    }

    #[inline(always)]
    pub(super) fn draw<R: CryptoRng>(&self, bits: &mut Bits<'_, R>) -> i128 {
        loop {
            let word = bits.word();
            let magnitude = self.magnitude.draw(word, bits);
            let negative = word >> 63 == 1;
            if !negative || magnitude != 0 {
                return if negative { -magnitude } else { magnitude };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::noise::Noise;
    use crate::sampler::goodness::{assert_noise_fits, scales};

    #[test]
    fn n2_fits_at_every_scale() {
        scales().into_iter().for_each(|scale| assert_noise_fits(Noise::DiscreteLaplace { scale }, 200_000));
    }
}
