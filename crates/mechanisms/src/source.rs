//! Where noise comes from: the one door between exact integers and what is released.
//!
//! Every mechanism of this crate is a [`Call`] that a [`Source`] answers. The released binary has one source,
//! [`Os`]. Behind the feature `audit`, which no shipped crate turns on, there is a second one, `audit::Recorder`, that
//! logs each call with its exact input and replays recorded outputs on a neighbouring data set: that is how the
//! sensitivity of every statistic is tested.

use crate::above::{Searcher, found};
use crate::appear::{Truncated, present};
use crate::choose::{Chooser, pick_row};
use crate::entry::Entry;
use crate::leading::{Leader, lead};
use crate::loss::Loss;
use crate::noise::Noise;
use crate::quantile::{Drawer, WeightedValue, draw_row};
use crate::sampler;
use crate::sensitivity::Sensitivity;

/// A partition key in its canonical encoding: equal keys have equal bytes, and the order of bytes is the order of output.
pub type Key = Vec<u8>;

/// A question to a noise source, with everything that decides the distribution of its answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Call<'a> {
    /// Add independent noise to every entry.
    Add {
        /// What it was charged.
        loss: Loss,
        /// The noise of each entry.
        noise: Noise,
        /// Declared sensitivity of the whole vector.
        sensitivity: Sensitivity,
        /// The exact vector.
        exact: &'a [i128],
    },
    /// Add noise to every candidate and let through those at or over a threshold, with their noisy values.
    Select {
        /// What it was charged.
        loss: Loss,
        /// The noise of each candidate.
        noise: Noise,
        /// Declared sensitivity over the keys that both neighbours have.
        sensitivity: Sensitivity,
        /// What one person's new keys may look like.
        entry: &'a Entry,
        /// Let through from here on.
        threshold: i128,
        /// Keys and their exact weights; every weight is positive.
        candidates: &'a [(Key, i128)],
    },
    /// Choose candidates of high score in each row.
    Choose {
        /// What it was charged.
        loss: Loss,
        /// What is chosen, and how.
        chooser: Chooser,
        /// The exact scores of the candidates, row by row.
        scores: &'a [Vec<i128>],
    },
    /// Let keys through by how many people have them, and say only that.
    Appear {
        /// What it was charged.
        loss: Loss,
        /// The noise of each key.
        noise: Truncated,
        /// Keys and how many people have each.
        candidates: &'a [(Key, i128)],
    },
    /// Find the first queries over a threshold.
    Above {
        /// What it was charged.
        loss: Loss,
        /// What is searched, and the noise.
        searcher: Searcher,
        /// The exact queries.
        queries: &'a [i128],
    },
    /// Draw quantiles in each row.
    Quantiles {
        /// What it was charged.
        loss: Loss,
        /// What is asked, and the rates.
        drawer: &'a Drawer,
        /// Values and their weights, row by row.
        rows: &'a [Vec<WeightedValue>],
    },
    /// Pick the leading keys until an end mark.
    Leading {
        /// What it was charged.
        loss: Loss,
        /// What is asked, the rate and the margin.
        leader: Leader,
        /// Keys and how many people have each.
        counts: &'a [(Key, i128)],
    },
}

/// The answer to a [`Call`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Call::Add`].
    Integers(Vec<i128>),
    /// To [`Call::Select`]: in order of the key bytes.
    Keys(Vec<(Key, i128)>),
    /// To [`Call::Choose`]: positions in each row, in the order of the picks.
    Positions(Vec<Vec<usize>>),
    /// To [`Call::Appear`], in order of the key bytes, and to [`Call::Leading`], in the order of the picks.
    Present(Vec<Key>),
    /// To [`Call::Above`]: positions, and the gap to the threshold.
    Found(Vec<(usize, i128)>),
    /// To [`Call::Quantiles`]: for each row, one value per rank.
    Values(Vec<Vec<i64>>),
}

pub(crate) mod sealed {
    use super::{Answer, Call};

    pub trait Answers {
        fn answer(&mut self, call: &Call<'_>) -> Answer;
        fn secret(&mut self) -> [u8; 16];
    }
}

/// A source of noise. Sealed: exact values pass through it.
pub trait Source: sealed::Answers {}

impl<S: sealed::Answers> Source for S {}

/// A fresh secret for keyed hashing within one run: which of a person's keys are kept must not be predictable.
pub fn secret(source: &mut dyn Source) -> [u8; 16] {
    source.secret()
}

/// The source of every released number: a cryptographic generator seeded by the operating system.
#[derive(Debug)]
pub struct Os {
    generator: sampler::Generator,
}

impl Os {
    /// A generator of its own, freshly seeded.
    ///
    /// # Errors
    /// When the operating system gives no entropy.
    pub fn new() -> Result<Self, sampler::NoEntropy> {
        Ok(Self { generator: sampler::Generator::new()? })
    }
}

impl sealed::Answers for Os {
    fn answer(&mut self, call: &Call<'_>) -> Answer {
        answer_with(&mut self.generator, call)
    }

    fn secret(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        rand_core::Rng::fill_bytes(&mut self.generator, &mut bytes);
        bytes
    }
}

/// Draws the answer: shared by every source that draws.
pub(crate) fn answer_with<R: rand_core::CryptoRng>(rng: &mut R, call: &Call<'_>) -> Answer {
    match call {
        Call::Add { noise, exact, .. } => Answer::Integers(noisy(rng, *noise, exact.iter().copied())),
        Call::Select { noise, threshold, candidates, .. } => {
            let noisy = noisy(rng, *noise, candidates.iter().map(|(_, weight)| *weight));
            let passed = candidates.iter().zip(noisy).filter(|(_, value)| value >= threshold);
            let mut keys: Vec<_> = passed.map(|((key, _), value)| (key.clone(), value)).collect();
            keys.sort();
            Answer::Keys(keys)
        }
        Call::Choose { chooser, scores, .. } => {
            Answer::Positions(scores.iter().map(|row| pick_row(rng, *chooser, row)).collect())
        }
        Call::Appear { noise, candidates, .. } => Answer::Present(present(rng, *noise, candidates)),
        Call::Above { searcher, queries, .. } => Answer::Found(found(rng, *searcher, queries)),
        Call::Quantiles { drawer, rows, .. } => {
            Answer::Values(rows.iter().map(|row| draw_row(rng, drawer, row)).collect())
        }
        Call::Leading { leader, counts, .. } => Answer::Present(lead(rng, *leader, counts)),
    }
}

fn noisy<R: rand_core::CryptoRng>(
    rng: &mut R,
    noise: Noise,
    exact: impl ExactSizeIterator<Item = i128>,
) -> Vec<i128> {
    let mut values = vec![0; exact.len()];
    sampler::fill(rng, noise, &mut values);
    values.iter_mut().zip(exact).for_each(|(value, exact)| *value += exact);
    values
}
