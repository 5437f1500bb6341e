//! Exact enumeration: every outcome of the real code, with its probability as a rational number.

use std::collections::{BTreeMap, BTreeSet};

use flockwise_local::{Chance, Draws, Entropy, Epsilon, NoEntropy};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

/// Answers draws from a script; beyond its end it takes the first outcome and notes how many there were.
pub struct Script {
    taken: Vec<(u64, u64)>,
    at: usize,
    pub probability: BigRational,
    /// What `below(2^32)` answers: seeds are public, so each is looked at by itself.
    seed: u32,
    /// Every draw as (bound, chance): what a person with a stopwatch could see.
    pub trace: Vec<(u64, u64)>,
}

impl Script {
    fn outcome(&mut self, outcomes: u64) -> u64 {
        if self.at == self.taken.len() {
            self.taken.push((0, outcomes));
        }
        let (outcome, _) = self.taken[self.at];
        self.at += 1;
        outcome
    }
}

pub fn probability(chance: Chance) -> BigRational {
    BigRational::new(chance.units().into(), BigInt::one() << 64)
}

impl Draws for Script {
    fn coin(&mut self, chance: Chance) -> Result<bool, NoEntropy> {
        self.trace.push((0, chance.units()));
        let heads = self.outcome(2) == 1;
        let p = probability(chance);
        self.probability *= if heads { p } else { BigRational::one() - p };
        Ok(heads)
    }

    fn below(&mut self, bound: u64) -> Result<u32, NoEntropy> {
        self.trace.push((bound, 0));
        if bound == 1 << 32 {
            return Ok(self.seed);
        }
        self.probability /= BigRational::from_integer(bound.into());
        Ok(self.outcome(bound) as u32)
    }
}

/// The exact distribution of whatever `run` returns.
pub fn distribution<O: Ord>(seed: u32, mut run: impl FnMut(&mut Script) -> O) -> BTreeMap<O, BigRational> {
    let mut outcomes = BTreeMap::new();
    let mut taken = Vec::new();
    loop {
        let mut script = Script { taken, at: 0, probability: BigRational::one(), seed, trace: Vec::new() };
        let outcome = run(&mut script);
        *outcomes.entry(outcome).or_insert_with(BigRational::zero) += script.probability;
        taken = script.taken;
        // The next path: the last draw that has outcomes left moves on, what came after it starts anew.
        while let Some((outcome, outcomes)) = taken.pop() {
            if outcome + 1 < outcomes {
                taken.push((outcome + 1, outcomes));
                break;
            }
        }
        if taken.is_empty() {
            let total: BigRational = outcomes.values().sum();
            assert!(total.is_one(), "the probabilities of all outcomes add up to one");
            return outcomes;
        }
    }
}

/// The largest ratio of the probabilities of one outcome under two of the distributions; `None` for one over zero.
///
/// A scheme has a handful of different probabilities, so each pair of them is divided once.
pub fn worst_ratio<O: Ord + Clone>(all: &[BTreeMap<O, BigRational>]) -> Option<BigRational> {
    let outcomes: BTreeSet<&O> = all.iter().flat_map(BTreeMap::keys).collect();
    let mut values = vec![BigRational::zero()];
    let mut number = |value: Option<&BigRational>| {
        let value = value.cloned().unwrap_or_else(BigRational::zero);
        let same = |other: &BigRational| other.numer() == value.numer() && other.denom() == value.denom();
        values.iter().position(same).unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        })
    };
    let rows: Vec<Vec<usize>> =
        all.iter().map(|map| outcomes.iter().map(|outcome| number(map.get(outcome))).collect()).collect();
    let mut pairs = BTreeSet::new();
    for a in &rows {
        for b in &rows {
            pairs.extend(a.iter().copied().zip(b.iter().copied()).filter(|(p, q)| p != q));
        }
    }
    let ratio = |(p, q): (usize, usize)| (q > 0).then(|| &values[p] / &values[q]);
    pairs
        .into_iter()
        .filter(|(p, _)| *p > 0)
        .map(ratio)
        .try_fold(BigRational::one(), |worst, ratio| Some(worst.max(ratio?)))
}

/// A lower bound of e^(units·1e-12), within 1e-12 of it: the Taylor sum, rounded down to 200 bits a term.
pub fn exp_below(units: u64) -> BigRational {
    let one: BigInt = BigInt::one() << 200;
    let mut term = one.clone();
    let mut sum = one.clone();
    for i in 1..400_u64 {
        term = term * units / (BigInt::from(1_000_000_000_000_u64) * i);
        sum += &term;
    }
    BigRational::new(sum, one)
}

/// Whether the ratio is within ε, and close enough to it that no budget is wasted.
pub fn within(ratio: Option<&BigRational>, units: u64) -> bool {
    ratio.is_some_and(|ratio| *ratio <= exp_below(units))
}

pub fn epsilon(text: &str) -> Epsilon {
    text.parse().expect("a test's epsilon")
}

/// A generator for tests alone: xorshift64* from a fixed seed.
pub struct Fixed(pub u64);

impl Fixed {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

impl Entropy for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}
