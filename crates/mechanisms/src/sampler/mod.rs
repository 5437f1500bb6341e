//! Exact samplers (Canonne, Kamath, Steinke 2020): integer arithmetic only.

use rand_core::CryptoRng;

use crate::noise::Noise;

/// The cryptographic generator behind every released number.
#[derive(Debug)]
pub struct Generator(rand::rngs::StdRng);

/// The operating system gave no entropy.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no entropy")]
pub struct NoEntropy;

impl Generator {
    /// Seeded by the operating system.
    ///
    /// # Errors
    /// When it gives no entropy.
    pub fn new() -> Result<Self, NoEntropy> {
        use rand::SeedableRng as _;
        rand::rngs::StdRng::try_from_rng(&mut rand::rngs::SysRng).map(Self).map_err(|_| NoEntropy)
    }
}

impl rand_core::TryRng for Generator {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.0.try_next_u32()
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0.try_next_u64()
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.0.try_fill_bytes(out)
    }
}

impl rand_core::TryCryptoRng for Generator {}

/// Fills a slice with independent draws.
pub fn fill<R: CryptoRng>(rng: &mut R, noise: Noise, out: &mut [i128]) {
    match noise {
        Noise::DiscreteLaplace { scale } => {
            out.iter_mut().for_each(|x| *x = laplace(rng, scale.numerator(), scale.denominator()));
        }
        Noise::DiscreteGaussian { sigma_squared: s } => {
            let t = (s.numerator() / s.denominator()).isqrt() + 1;
            out.iter_mut().for_each(|x| {
                *x = loop {
                    let y = laplace(rng, t, 1);
                    let z = y.unsigned_abs() * t * s.denominator();
                    let gap = z.abs_diff(s.numerator());
                    let below = 2 * s.numerator() * s.denominator() * t * t;
                    if bernoulli_exp(rng, gap * gap, below) {
                        break y;
                    }
                }
            });
        }
        Noise::RoundedNormal { .. } => unreachable!("not yet calibrated by anything"),
    }
}

fn below<R: CryptoRng>(rng: &mut R, n: u128) -> u128 {
    let mask = u128::MAX >> (n - 1).leading_zeros().min(127);
    loop {
        let x = (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) & mask;
        if x < n {
            return x;
        }
    }
}

fn bernoulli_exp1<R: CryptoRng>(rng: &mut R, n: u128, d: u128) -> bool {
    let mut k = 1;
    loop {
        if below(rng, d * k) >= n {
            return k % 2 == 1;
        }
        k += 1;
    }
}

fn bernoulli_exp<R: CryptoRng>(rng: &mut R, mut n: u128, d: u128) -> bool {
    while n > d {
        if !bernoulli_exp1(rng, 1, 1) {
            return false;
        }
        n -= d;
    }
    bernoulli_exp1(rng, n, d)
}

fn laplace<R: CryptoRng>(rng: &mut R, s: u128, t: u128) -> i128 {
    loop {
        let u = below(rng, s);
        if !bernoulli_exp1(rng, u, s) {
            continue;
        }
        let mut v = 0;
        while bernoulli_exp1(rng, 1, 1) {
            v += 1;
        }
        let y = ((u + s * v) / t) as i128;
        let negative = rng.next_u32() & 1 == 1;
        if negative && y == 0 {
            continue;
        }
        return if negative { -y } else { y };
    }
}
