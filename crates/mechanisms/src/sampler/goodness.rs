//! What the tests of the samplers share: streams of words, exact probabilities, and the chi-square test.
//!
//! The streams are fixed, so a test has one outcome; the thresholds are such that with fresh words it would fail a
//! correct sampler with probability at most 1e-9.

use std::convert::Infallible;

use rand_core::{CryptoRng, Rng as _, TryCryptoRng, TryRng};

use super::fill;
use crate::noise::Noise;
use crate::normal;
use crate::ratio::Ratio;

/// Words that a test chooses: no generator, however the trait is named.
pub(super) struct Stream<F>(pub(super) F);

impl<F: FnMut() -> u64> TryRng for Stream<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok((self.0)())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&(self.0)().to_le_bytes()[..chunk.len()]));
        Ok(())
    }
}

impl<F: FnMut() -> u64> TryCryptoRng for Stream<F> {}

/// SplitMix64 (Steele, Lea, Flood 2014), as in tests/golden/samplers.py.
pub(super) fn splitmix(mut state: u64) -> Stream<impl FnMut() -> u64> {
    Stream(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

pub(super) fn ratio(numerator: u128, denominator: u128) -> Ratio {
    Ratio::new(numerator, denominator).unwrap()
}

/// Scales from tiny to huge, whole and not, with a large denominator, and where only the slow path serves.
pub(super) fn scales() -> Vec<Ratio> {
    vec![
        ratio(1, 1 << 60),
        ratio(1, 50),
        ratio(1, 3),
        ratio(1, 1),
        ratio(5, 2),
        ratio(123_456_789_012_345_678, 98_765_432_109_876_543),
        ratio(
            170_141_183_460_469_231_731_687_303_715_884_105_727,
            3_000_000_000_000_000_000_000_000_000_000_000_001,
        ),
        ratio(1_000_003, 1000),
        ratio(1_000_000, 1),
        ratio((1 << 45) + 1, 1),
    ]
}

/// Fails when counts do not fit probabilities: Pearson's statistic of k degrees of freedom exceeds k + 2√(kx) + 2x with
/// probability at most exp(−x) (Laurent and Massart 2000, lemma 1), here 1e-9. Cells that expect fewer than 10 are put
/// together.
pub(super) fn assert_fits(counts: &[u64], probabilities: &[f64], what: &str) {
    let draws = counts.iter().sum::<u64>() as f64;
    let mut cells = Vec::new();
    let (mut count, mut expected) = (0.0, 0.0);
    for (&c, &p) in counts.iter().zip(probabilities) {
        (count, expected) = (count + c as f64, expected + p * draws);
        if expected >= 10.0 {
            cells.push((count, expected));
            (count, expected) = (0.0, 0.0);
        }
    }
    match cells.last_mut() {
        Some(last) => *last = (last.0 + count, last.1 + expected),
        None => panic!("{what}: nothing is expected"),
    }
    let total: f64 = cells.iter().map(|cell| cell.1).sum();
    assert!((total / draws - 1.0).abs() < 1e-6, "{what}: the probabilities add up to {}", total / draws);
    let statistic: f64 = cells.iter().map(|(c, e)| (c - e) * (c - e) / e).sum();
    let (freedom, x) = (cells.len() as f64 - 1.0, 1e9_f64.ln());
    let limit = freedom + 2.0 * (freedom * x).sqrt() + 2.0 * x;
    assert!(statistic <= limit, "{what}: chi-square {statistic:.1} over {limit:.1} at {freedom} degrees");
}

/// Pr[noise ≥ m] for m ≥ 1, to about 1e-7 of it: sums for the discrete Gaussian up to σ = 2000, beyond that the integral,
/// from which the sum differs by 1e-8 of it where it matters here (Euler and Maclaurin).
fn survival(noise: Noise, m: i128) -> f64 {
    let m = m as f64;
    match noise {
        Noise::DiscreteLaplace { scale } => {
            let s = scale.to_f64();
            (-m / s).exp() / (1.0 + (-1.0 / s).exp())
        }
        Noise::DiscreteGaussian { sigma_squared } => {
            let square = sigma_squared.to_f64();
            let sigma = square.sqrt();
            if sigma > 2000.0 {
                return normal::upper_tail((m - 0.5) / sigma);
            }
            let mass = |x: f64| (-x * x / (2.0 * square)).exp();
            let sum = |from: f64| -> f64 {
                let terms = (10.0 * sigma) as u32 + 10;
                (0..terms).map(|step| mass(from + f64::from(step))).sum()
            };
            sum(m) / (1.0 + 2.0 * sum(1.0))
        }
        Noise::RoundedNormal { sigma } => normal::upper_tail((m - 0.5) / sigma.to_f64()),
    }
}

/// Chi-square of draws against the exact probabilities of up to 121 intervals that cover the integers, and of the last
/// four bits where the noise is so wide that they are uniform.
pub(super) fn assert_noise_fits(noise: Noise, draws: usize) {
    assert_fits_from(&mut splitmix(1), noise, draws);
}

/// The same from any generator, a block at a time.
fn assert_fits_from<R: CryptoRng>(rng: &mut R, noise: Noise, draws: usize) {
    let width = ((noise.standard_deviation() / 12.0) as i128).max(1);
    // Interval j ≥ 1 begins at width·(j − 1) + 1; interval 0 is zero alone; −j mirrors j; the last ones have no end.
    let last = 60_i128;
    let interval = |x: i128| x.signum() * ((x.abs() + width - 1) / width).min(last);
    let begins = |j: i128| survival(noise, width * (j - 1) + 1);
    let probability = |j: i128| match j.abs() {
        0 => 1.0 - 2.0 * begins(1),
        j if j == last => begins(j),
        j => begins(j) - begins(j + 1),
    };
    let mut counts = vec![0; 121];
    let mut endings = [0; 16];
    let mut values = vec![0; draws.min(100_000)];
    for _ in 0..draws / values.len() {
        fill(rng, noise, &mut values);
        for &x in &values {
            counts[usize::try_from(interval(x) + last).unwrap()] += 1;
            endings[usize::try_from(x.rem_euclid(16)).unwrap()] += 1;
        }
    }
    let probabilities: Vec<f64> = (-last..=last).map(probability).collect();
    assert_fits(&counts, &probabilities, &format!("{noise:?}"));
    if width > 50 {
        assert_fits(&endings, &[1.0 / 16.0; 16], &format!("last bits of {noise:?}"));
    }
}

/// The boundary of a predicate on the 63 digits of a word that is true up to it: its last true word.
pub(super) fn boundary(holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (1, u64::MAX >> 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// Words of every kind: each length of leading zeros, each table entry, each end, and 10,000 at random.
pub(super) fn telling_words() -> Vec<u64> {
    let mut random = splitmix(7);
    let mut words: Vec<u64> = (0..10_000).map(|_| random.next_u64() >> 1).collect();
    for zeros in 1..64 {
        let top = 1_u64 << (63 - zeros);
        words.extend([top, top | 1, top + top / 2, 2 * top - 1]);
    }
    for part in 0..512_u64 {
        let start = (512 + part) << 53;
        words.extend([start, start | 1, start | ((1 << 53) - 1), (start | ((1 << 53) - 1)) >> 3]);
    }
    words.retain(|&word| word != 0 && word >> 63 == 0);
    words
}

/// N2: what the samplers make of a fixed stream, against a computation to 60 digits that shares nothing with them.
#[test]
fn golden_draws() {
    let golden = include_str!("../../tests/golden/samplers.json");
    let rows: Vec<serde_json::Value> = serde_json::from_str(golden).unwrap();
    assert_eq!(rows.len(), 21);
    for row in rows {
        let parameter: Ratio = serde_json::from_value(row["parameter"].clone()).unwrap();
        let noise = match row["family"].as_str().unwrap() {
            "discrete_laplace" => Noise::DiscreteLaplace { scale: parameter },
            "discrete_gaussian" => Noise::DiscreteGaussian { sigma_squared: parameter },
            "rounded_normal" => Noise::RoundedNormal { sigma: parameter },
            other => panic!("no family {other}"),
        };
        let expected: Vec<i128> =
            row["draws"].as_array().unwrap().iter().map(|draw| i128::from(draw.as_i64().unwrap())).collect();
        let mut draws = vec![0; expected.len()];
        fill(&mut splitmix(0), noise, &mut draws);
        assert_eq!(draws, expected, "{noise:?}");
        for tail in row["tails"].as_array().unwrap() {
            let m = i128::from(tail[0].as_i64().unwrap());
            let exact: f64 = tail[1].as_str().unwrap().parse().unwrap();
            if exact > 1e-300 {
                assert!((survival(noise, m) / exact - 1.0).abs() < 1e-6, "{noise:?} from {m}");
            }
        }
    }
}

/// N1: noise added to 0 and to 1: nothing in the last bits tells which it was.
#[test]
fn n1_trailing_zeros_agree() {
    let wide = ratio(1_000_000, 1);
    for noise in [
        Noise::DiscreteLaplace { scale: wide },
        Noise::DiscreteGaussian { sigma_squared: ratio(1_000_000_000_000, 1) },
        Noise::RoundedNormal { sigma: wide },
    ] {
        let zeros = |seed: u64, exact: i128| {
            let mut values = vec![0; 200_000];
            fill(&mut splitmix(seed), noise, &mut values);
            let mut counts = vec![0_u64; 21];
            values.iter().for_each(|x| counts[(x + exact).trailing_zeros().min(20) as usize] += 1);
            counts
        };
        let mut probabilities: Vec<f64> = (1..=20).map(|n| 0.5_f64.powi(n)).collect();
        probabilities.push(0.5_f64.powi(20));
        assert_fits(&zeros(2, 0), &probabilities, &format!("{noise:?} on 0"));
        assert_fits(&zeros(3, 1), &probabilities, &format!("{noise:?} on 1"));
    }
}

/// The same fits with a hundred times the draws, from the generator of released noise: it fails by chance less often than
/// once in 10^7 runs. `cargo test --release -p flockwise-mechanisms -- --ignored n2`
#[test]
#[ignore = "a minute in release: for the nightly run"]
fn n2_fits_with_many_draws() {
    let mut generator = super::Generator::new().unwrap();
    for parameter in scales() {
        for noise in [
            Noise::DiscreteLaplace { scale: parameter },
            Noise::DiscreteGaussian { sigma_squared: parameter },
            Noise::RoundedNormal { sigma: parameter },
        ] {
            assert_fits_from(&mut generator, noise, 20_000_000);
        }
    }
}

/// The control: a scale that is a tenth too small is found out at once.
#[test]
fn n2_a_biased_sampler_is_caught() {
    let caught = std::panic::catch_unwind(|| {
        let (truth, biased) = (ratio(10, 1), Noise::DiscreteLaplace { scale: ratio(9, 1) });
        let mut values = vec![0; 100_000];
        fill(&mut splitmix(4), biased, &mut values);
        let mut counts = vec![0_u64; 20];
        values.iter().for_each(|x| counts[usize::try_from(x.abs().min(19)).unwrap()] += 1);
        let noise = Noise::DiscreteLaplace { scale: truth };
        let beyond = |m: i128| if m == 0 { 1.0 } else { 2.0 * survival(noise, m) };
        let mut probabilities: Vec<f64> = (0..19).map(|m| beyond(m) - beyond(m + 1)).collect();
        probabilities.push(beyond(19));
        assert_fits(&counts, &probabilities, "the control");
    });
    assert!(caught.is_err());
}
