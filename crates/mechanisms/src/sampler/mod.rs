//! Exact samplers: what comes out has the stated distribution, not one that is close to it.
//!
//! One file per distribution: [`uniform_below`], [`bernoulli_exp`], [`geometric`], and, for [`fill`], the discrete
//! Laplace, the discrete Gaussian and the rounded normal. All of them are functions of fair bits and of exponential
//! variables −ln U, of whose uniform U more bits are drawn until they decide the result: nearly always the first word
//! does, in 64-bit integer arithmetic with proven error bounds, and else integers of any length go on from there. No
//! floating-point number takes part.
//!
//! How long a draw takes depends on what is drawn; it does not depend on the data the noise is added to.

mod bernoulli;
mod bits;
mod exponential;
mod fixed;
mod gaussian;
mod generator;
mod geometric;
#[cfg(test)]
mod goodness;
mod laplace;
mod logarithm;
mod rounded_normal;
mod uniform;

use rand_core::CryptoRng;

pub use bernoulli::bernoulli_exp;
pub use generator::{Generator, NoEntropy};
pub use uniform::uniform_below;

use crate::noise::Noise;
use crate::ratio::Ratio;
use bits::Bits;

/// Fills a slice with independent draws of noise.
///
/// ```
/// use flockwise_mechanisms::{Noise, Ratio, sampler};
/// let mut noise = [0; 1000];
/// let scale = Ratio::new(5, 2)?;
/// sampler::fill(&mut sampler::Generator::new()?, Noise::DiscreteLaplace { scale }, &mut noise);
/// assert!(noise.iter().all(|x| x.abs() < 2_000), "beyond that, the chance is below 1e-300");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fill<R: CryptoRng>(rng: &mut R, noise: Noise, out: &mut [i128]) {
    // On average, a discrete Laplace draw takes at most 1.5 words and the others take 2 to 4.
    let mut bits = Bits::new(rng, out.len().saturating_mul(3));
    match noise {
        Noise::DiscreteLaplace { scale } => {
            let laplace = laplace::DiscreteLaplace::new(scale);
            out.iter_mut().for_each(|x| *x = laplace.draw(&mut bits));
        }
        Noise::DiscreteGaussian { sigma_squared } => {
            let gaussian = gaussian::DiscreteGaussian::new(sigma_squared);
            out.iter_mut().for_each(|x| *x = gaussian.draw(&mut bits));
        }
        Noise::RoundedNormal { sigma } => {
            let normal = rounded_normal::RoundedNormal::new(sigma);
            out.iter_mut().for_each(|x| *x = normal.draw(&mut bits));
        }
    }
}

/// A geometric draw: P(x) = (1 − p)·p^x for x = 0, 1, 2, …, with p = exp(−1/scale).
pub fn geometric<R: CryptoRng>(rng: &mut R, scale: Ratio) -> i128 {
    let mut bits = Bits::new(rng, 2);
    let word = bits.word();
    geometric::Geometric::new(scale).draw(word, &mut bits)
}
