//! Draws per second of the exact samplers, beside `rand_distr`'s inexact ones from the same generator.
//!
//! `cargo bench -p flockwise-benches --bench samplers`

use divan::Bencher;
use divan::counter::ItemsCount;
use flockwise_mechanisms::sampler::{Generator, fill};
use flockwise_mechanisms::{Noise, Ratio};
use rand_core::Rng as _;
use rand_distr::Distribution as _;

const DRAWS: usize = 65_536;
const SCALES: [u64; 4] = [1, 1_000, 1_000_000, 1 << 45];

fn main() {
    divan::main();
}

fn generator() -> Generator {
    Generator::new().expect("the operating system gives entropy")
}

fn exact(bencher: Bencher<'_, '_>, noise: Noise) {
    let (mut generator, mut draws) = (generator(), vec![0; DRAWS]);
    bencher.counter(ItemsCount::new(DRAWS)).bench_local(|| {
        fill(&mut generator, noise, &mut draws);
        divan::black_box(draws[0])
    });
}

fn ratio(value: u64) -> Ratio {
    Ratio::new(value.into(), 1).expect("scales are positive")
}

#[divan::bench(args = SCALES)]
fn discrete_laplace(bencher: Bencher<'_, '_>, scale: u64) {
    exact(bencher, Noise::DiscreteLaplace { scale: ratio(scale) });
}

#[divan::bench(args = SCALES)]
fn discrete_gaussian(bencher: Bencher<'_, '_>, sigma: u64) {
    let sigma_squared = Ratio::new(u128::from(sigma).pow(2), 1).expect("scales are positive");
    exact(bencher, Noise::DiscreteGaussian { sigma_squared });
}

#[divan::bench(args = SCALES)]
fn rounded_normal(bencher: Bencher<'_, '_>, sigma: u64) {
    exact(bencher, Noise::RoundedNormal { sigma: ratio(sigma) });
}

/// One draw at a time, with all that it takes to begin.
#[divan::bench(args = SCALES)]
fn discrete_gaussian_one_by_one(bencher: Bencher<'_, '_>, sigma: u64) {
    let mut generator = generator();
    let sigma_squared = Ratio::new(u128::from(sigma).pow(2), 1).expect("scales are positive");
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let mut draw = [0];
        fill(&mut generator, Noise::DiscreteGaussian { sigma_squared }, &mut draw);
        draw
    });
}

/// Not private: rounds a product of floats, with words taken in blocks as [`fill`] takes them.
fn inexact(bencher: Bencher<'_, '_>, draw: impl Fn(&mut Blocks) -> f64) {
    let (mut words, mut draws) = (Blocks::new(), vec![0_i128; DRAWS]);
    bencher.counter(ItemsCount::new(DRAWS)).bench_local(|| {
        draws.iter_mut().for_each(|x| *x = draw(&mut words).round() as i128);
        divan::black_box(draws[0])
    });
}

/// `rand_distr` has no Laplace: a fair sign and its exponential.
#[divan::bench(args = SCALES)]
fn inexact_laplace(bencher: Bencher<'_, '_>, scale: u64) {
    inexact(bencher, |words| {
        let magnitude: f64 = rand_distr::Exp1.sample(words);
        if words.next_u32() & 1 == 1 { -magnitude * scale as f64 } else { magnitude * scale as f64 }
    });
}

#[divan::bench(args = SCALES)]
fn inexact_normal(bencher: Bencher<'_, '_>, sigma: u64) {
    let normal = rand_distr::Normal::new(0.0, sigma as f64).expect("scales are positive");
    inexact(bencher, |words| normal.sample(words));
}

/// The generator alone.
#[divan::bench]
fn words(bencher: Bencher<'_, '_>) {
    let mut words = Blocks::new();
    bencher
        .counter(ItemsCount::new(DRAWS))
        .bench_local(|| (0..DRAWS).fold(0, |sum, _| words.next_u64().wrapping_add(sum)));
}

/// Words of the generator, a kilobyte at a time.
struct Blocks {
    generator: Generator,
    bytes: [u8; 1024],
    at: usize,
}

impl Blocks {
    fn new() -> Self {
        Self { generator: generator(), bytes: [0; 1024], at: 1024 }
    }
}

impl rand_core::TryRng for Blocks {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        if self.at == 1024 {
            self.generator.fill_bytes(&mut self.bytes);
            self.at = 0;
        }
        let word = self.bytes[self.at..self.at + 8].try_into().expect("eight bytes");
        self.at += 8;
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.generator.try_fill_bytes(out)
    }
}
