//! Exact draws from Pr[i] ∝ mᵢ · exp(−η gᵢ), the distribution behind the exponential mechanism.
//!
//! The weights are irrational, so no finite table of integers has these probabilities. Instead each weight is enclosed in
//! an interval of fixed-point integers, a uniform number is drawn bit by bit, and a draw is made as soon as the enclosure
//! leaves no doubt about the bin it falls in; while it does, both get more bits. The result has exactly the distribution,
//! whatever the precision: doubt costs time, never correctness.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use rand_core::CryptoRng;

use crate::ratio::Ratio;

/// Bits by which the series is computed beyond those that are kept: its errors, a few units for each of its terms and of
/// its factors, stay far below one kept unit.
const GUARD: u64 = 48;

/// An enclosure is `low ≤ weight · 2^bits ≤ low + 3`.
const WIDTH: u32 = 3;

/// Bins with gaps gᵢ ≥ 0 and a rate η.
pub(crate) struct Weighted {
    gaps: Vec<u128>,
    rate: Ratio,
    bits: u64,
    /// exp(−1) with guard bits.
    unit: BigUint,
    /// What all gaps are counted from: the least gap of the bins that are there, so that the best of them weighs 1.
    least: u128,
    lows: Vec<BigUint>,
    /// Weights by gap, at the present precision.
    known: BTreeMap<u128, BigUint>,
}

impl Weighted {
    /// Precision is raised when it is needed; 128 bits decide all but one in about 2^60 draws.
    pub(crate) fn new(rate: Ratio, gaps: Vec<u128>) -> Self {
        let (unit, lows) = (BigUint::ZERO, Vec::new());
        let mut weighted = Self { gaps, rate, bits: 0, unit, least: 0, lows, known: BTreeMap::new() };
        weighted.refine(128);
        weighted
    }

    fn refine(&mut self, bits: u64) {
        self.bits = bits;
        self.unit = series(&(BigUint::from(1_u32) << (bits + GUARD)), bits + GUARD);
        self.known.clear();
        self.weigh();
    }

    fn weigh(&mut self) {
        let (rate, bits, unit) = (self.rate, self.bits, &self.unit);
        // From here on exp(−η g) < 2^-bits, as exp_low finds too: most of many bins, and no need to ask.
        let cut = u128::from(bits + 1)
            .checked_mul(rate.denominator())
            .map_or(u128::MAX, |product| (product / rate.numerator()).saturating_add(1));
        let mut low = |gap: &u128| {
            let gap = gap.saturating_sub(self.least);
            if gap >= cut {
                return BigUint::ZERO;
            }
            self.known.entry(gap).or_insert_with(|| exp_low(gap, rate, bits, unit)).clone()
        };
        self.lows = self.gaps.iter().map(&mut low).collect();
    }

    /// Draws a bin, given how often each is there.
    ///
    /// # Panics
    /// When no bin is there at all.
    pub(crate) fn draw<R: CryptoRng>(&mut self, rng: &mut R, multiplicities: &[u128]) -> usize {
        assert_eq!(multiplicities.len(), self.gaps.len(), "each bin has a multiplicity");
        let there = self.gaps.iter().zip(multiplicities).filter(|(_, multiplicity)| **multiplicity > 0);
        let least = there.map(|(gap, _)| *gap).min().expect("there is something to draw from");
        if least != self.least {
            self.least = least;
            self.weigh();
        }
        let (mut uniform, mut drawn) = (BigUint::ZERO, 0);
        loop {
            while drawn < self.bits {
                uniform = (uniform << 64_u32) + BigUint::from(rng.next_u64());
                drawn += 64;
            }
            if let Some(bin) = self.decide(&uniform, drawn, multiplicities) {
                return bin;
            }
            self.refine(2 * self.bits);
        }
    }

    /// The bin in which every number from `uniform` to `uniform + 1` (in units of 2^-drawn) falls, whatever the exact
    /// weights are within their enclosures.
    fn decide(&self, uniform: &BigUint, drawn: u64, multiplicities: &[u128]) -> Option<usize> {
        let low = |bin: usize| &self.lows[bin] * multiplicities[bin];
        let slack = |bin: usize| (0..WIDTH).map(move |_| multiplicities[bin]);
        let bins = 0..self.gaps.len();
        let seen = bins.clone().filter(|bin| self.lows[*bin] > BigUint::ZERO);
        let total_low: BigUint = seen.map(low).sum();
        let mut total_high = total_low.clone();
        bins.clone().flat_map(slack).for_each(|unit| total_high += unit);
        let (from, to) = (uniform * &total_low, (uniform + 1_u32) * &total_high);
        let (mut below_low, mut below_high) = (BigUint::ZERO, BigUint::ZERO);
        for bin in bins {
            // A bin without weight at this precision can not be decided for.
            if self.lows[bin] > BigUint::ZERO {
                let weight = low(bin);
                below_low += &weight;
                if to <= &below_low << drawn {
                    return (below_high << drawn <= from).then_some(bin);
                }
                below_high += weight;
            }
            slack(bin).for_each(|unit| below_high += unit);
        }
        None
    }
}

/// Whether a uniform number is below exp(−η g), when its first `drawn` bits are zeros: the rest of the bits are drawn until
/// an enclosure of the exponential leaves no doubt.
#[cold]
pub(crate) fn zeros_below_exp<R: CryptoRng>(rng: &mut R, rate: Ratio, gap: u128, mut drawn: u64) -> bool {
    let mut uniform = BigUint::ZERO;
    let mut bits = 128;
    loop {
        while drawn < bits {
            uniform = (uniform << 64_u32) + BigUint::from(rng.next_u64());
            drawn += 64;
        }
        let unit = series(&(BigUint::from(1_u32) << (bits + GUARD)), bits + GUARD);
        let low = exp_low(gap, rate, bits, &unit);
        if uniform < low {
            return true;
        }
        if uniform >= low + WIDTH {
            return false;
        }
        bits *= 2;
    }
}

/// `low` with low ≤ exp(−η g) 2^bits ≤ low + 3; `unit` is exp(−1) with guard bits.
fn exp_low(gap: u128, rate: Ratio, bits: u64, unit: &BigUint) -> BigUint {
    let wide = bits + GUARD;
    let (numerator, denominator) = (BigUint::from(gap) * rate.numerator(), BigUint::from(rate.denominator()));
    let whole = &numerator / &denominator;
    // exp(−n) < 2^-n: the weight is below one kept unit.
    let Some(whole) = u64::try_from(&whole).ok().filter(|whole| *whole <= bits) else {
        return BigUint::ZERO;
    };
    let rest = ((numerator % &denominator) << wide) / denominator;
    let mut value = series(&rest, wide);
    // exp(−n) by squaring: each product loses at most one unit of what is below 1.
    let (mut power, mut exponent) = (unit.clone(), whole);
    while exponent > 0 {
        if exponent & 1 == 1 {
            value = (value * &power) >> wide;
        }
        power = (&power * &power) >> wide;
        exponent >>= 1;
    }
    let kept: BigUint = value >> GUARD;
    if kept == BigUint::ZERO { kept } else { kept - 1_u32 }
}

/// exp(−x/2^wide) 2^wide for 0 ≤ x ≤ 2^wide, by its power series, to within three units for each of its terms.
fn series(x: &BigUint, wide: u64) -> BigUint {
    let one = BigUint::from(1_u32) << wide;
    let (mut positive, mut negative) = (one.clone(), BigUint::ZERO);
    let mut term = one;
    for k in 1_u32.. {
        term = ((term * x) >> wide) / k;
        if term == BigUint::ZERO {
            break;
        }
        if k % 2 == 1 { negative += &term } else { positive += &term }
    }
    positive - negative
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::seeded;

    fn ratio(numerator: u128, denominator: u128) -> Ratio {
        Ratio::new(numerator, denominator).unwrap()
    }

    /// Against mpmath 1.4.1 at 60 digits: ⌊exp(−gap · rate) 2^128⌋.
    #[test]
    fn enclosures_hold_the_exact_weight() {
        for (gap, numerator, denominator, golden) in MPMATH {
            let golden: BigUint = golden.parse().unwrap();
            let weighted = Weighted::new(ratio(numerator, denominator), vec![gap]);
            let low = &weighted.lows[0];
            assert!(*low <= golden && golden <= low + WIDTH, "{gap} {numerator}/{denominator}");
        }
    }

    /// A finer enclosure lies within a coarser one.
    #[test]
    fn refining_narrows() {
        for gap in [0, 1, 7, 100, 1000] {
            let mut weighted = Weighted::new(ratio(3, 37), vec![gap]);
            let coarse = weighted.lows[0].clone();
            weighted.refine(1024);
            let fine = &weighted.lows[0] >> 896_u32;
            assert!(coarse <= fine && fine <= coarse + WIDTH, "{gap}");
        }
    }

    /// A source of the bits given, then of zeros.
    struct Bits(Vec<u64>);

    impl rand_core::TryRng for Bits {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(self.try_next_u64()? as u32)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(if self.0.is_empty() { 0 } else { self.0.remove(0) })
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            panic!("whole words are drawn")
        }
    }

    impl rand_core::TryCryptoRng for Bits {}

    /// Two equal bins meet at one half, where no enclosure decides before the bits do.
    #[test]
    fn doubt_is_resolved_by_more_bits() {
        let half = 1 << 63;
        let mut weighted = Weighted::new(ratio(1, 1), vec![5, 5]);
        assert_eq!(weighted.draw(&mut Bits(vec![half, 0, 0, 1]), &[1, 1]), 1);
        assert!(weighted.bits > 128, "128 bits are in doubt");
        let mut weighted = Weighted::new(ratio(1, 1), vec![5, 5]);
        assert_eq!(weighted.draw(&mut Bits(vec![half - 1, u64::MAX, u64::MAX - 1, 1]), &[1, 1]), 0);
        assert!(weighted.bits > 128, "128 bits are in doubt");
        let mut weighted = Weighted::new(ratio(1, 1), vec![0, 0]);
        assert_eq!(weighted.draw(&mut Bits(vec![half + 1]), &[1, 1]), 1);
        assert_eq!(weighted.bits, 128);
    }

    #[test]
    fn a_coin_that_begins_with_zeros_is_decided_by_the_rest() {
        let (rate, gap) = (ratio(1, 1), 60);
        let low = u64::try_from(&Weighted::new(rate, vec![gap]).lows[0]).unwrap();
        let coin = |words: Vec<u64>| zeros_below_exp(&mut Bits(words), rate, gap, 64);
        assert!(coin(vec![low - 1]) && !coin(vec![low + 3]));
        // In doubt at 128 bits: between the two, 256 decide, and the answer falls from true to false once.
        let answers: Vec<bool> = (0..3).map(|step| coin(vec![low + step, u64::MAX / 2, 0])).collect();
        assert!(answers.is_sorted_by(|a, b| a >= b), "{answers:?}");
        let mut untouched = Bits(vec![low + 1, 5, 6, 7]);
        zeros_below_exp(&mut untouched, rate, gap, 64);
        assert_eq!(untouched.0, [7], "256 bits were asked for");
    }

    /// Weights far below 2^-128: what is left is weighed against the best of it.
    #[test]
    fn tiny_weights_are_drawn_right() {
        let mut rng = seeded(3);
        let mut weighted = Weighted::new(ratio(1, 1), vec![1_000_000, 1_000_002, 0]);
        let mut counts = [0_u32; 3];
        (0..2000).for_each(|_| counts[weighted.draw(&mut rng, &[1, 1, 0])] += 1);
        // exp(−2)/(1 + exp(−2)) = 0.1192: 238 expected, standard deviation 14.5; six of them.
        assert!((151..=325).contains(&counts[1]), "{counts:?}");
        assert_eq!(counts[2], 0);
    }

    #[test]
    fn multiplicities_weigh() {
        let mut rng = seeded(4);
        let mut weighted = Weighted::new(ratio(2, 1), vec![0, 10]);
        let many = 485_165_195; // e^20: both bins are then equally likely.
        let seen = (0..4000).filter(|_| weighted.draw(&mut rng, &[1, many]) == 1).count();
        assert!((1810..=2190).contains(&seen), "{seen}: six standard deviations are 190");
    }

    const MPMATH: [(u128, u128, u128, &str); 9] = [
        (0, 1, 1, "340282366920938463463374607431768211456"),
        (1, 1, 1, "125182886983370532117250726298150828301"),
        (1, 1, 3, "243822970335011067903414604203639432393"),
        (7, 999999999989, 1000000000000, "310297353615301349689851656764045606"),
        (88, 1, 1, "2"),
        (128, 1, 1, "0"),
        (129, 1, 1, "0"),
        (1000000, 12345, 1000000000, "1480723830484213231540504518579297"),
        (3, 1, 1000000000000, "340282366919917616362613323312029230325"),
    ];
}
