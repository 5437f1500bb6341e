//! The source that logs, and replays what it logged.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use crate::choose::pick_row;
use crate::noise::Noise;
use crate::source::{Answer, Call, answer_with, sealed};

use super::question::{Question, Trace};

/// How a [`Recorder`] answers on the first data set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As the released binary would, from a generator with a fixed seed.
    Drawn {
        /// The seed.
        seed: u64,
    },
    /// Any answer that could be drawn, the rare ones too: noise of many scales, and every candidate is let through with
    /// probability one half. What a computation does after a rare output must be private as well, and small data sets
    /// would never reach it with noise of the real size.
    Wild {
        /// The seed.
        seed: u64,
    },
    /// No noise; thresholds stay.
    Exact,
    /// No noise, and every candidate is let through: to compare whole results with a reference on small data.
    Open,
}

/// A noise source for tests: it logs each call with its exact input and its answer.
#[derive(Debug)]
pub struct Recorder {
    mode: Mode,
    generator: StdRng,
    recorded: VecDeque<Answer>,
    events: Vec<(Question, Answer)>,
}

impl Recorder {
    /// For the first data set.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        let seed = match mode {
            Mode::Drawn { seed } | Mode::Wild { seed } => seed,
            Mode::Exact | Mode::Open => 0,
        };
        #[expect(clippy::disallowed_methods, reason = "a recorder is for tests: its answers can be repeated")]
        let generator = StdRng::seed_from_u64(seed);
        Self { mode, generator, recorded: VecDeque::new(), events: Vec::new() }
    }

    pub(super) fn replaying(trace: &Trace) -> Self {
        let recorded = trace.events.iter().map(|(_, answer)| answer.clone()).collect();
        Self { recorded, ..Self::new(trace.mode) }
    }

    /// What was asked and answered.
    #[must_use]
    pub fn into_trace(self) -> Trace {
        Trace { mode: self.mode, events: self.events }
    }

    fn make_up(&mut self, call: &Call<'_>) -> Answer {
        match self.mode {
            Mode::Drawn { .. } => answer_with(&mut self.generator, call),
            Mode::Wild { .. } => wild(&mut self.generator, call),
            Mode::Exact => exact(call, false),
            Mode::Open => exact(call, true),
        }
    }
}

impl sealed::Answers for Recorder {
    fn answer(&mut self, call: &Call<'_>) -> Answer {
        // An answer of another shape would not be understood: the neighbour asked something else, which `compare` tells.
        let recorded = self.recorded.pop_front().filter(|answer| fits(call, answer));
        let answer = recorded.unwrap_or_else(|| self.make_up(call));
        self.events.push((Question::from(call), answer.clone()));
        answer
    }

    /// The same on both sides and in every run, so that a keyed subset is a function of the person's own keys.
    fn secret(&mut self) -> [u8; 16] {
        *b"a recorder's key"
    }
}

fn fits(call: &Call<'_>, answer: &Answer) -> bool {
    match call {
        Call::Add { exact, .. } => matches!(answer, Answer::Integers(noisy) if noisy.len() == exact.len()),
        Call::Select { .. } => matches!(answer, Answer::Keys(_)),
        Call::Choose { scores, .. } => {
            let within = |(row, at): (&Vec<i128>, &Vec<usize>)| at.iter().all(|at| *at < row.len());
            matches!(answer, Answer::Positions(rows)
                if rows.len() == scores.len() && scores.iter().zip(rows).all(within))
        }
    }
}

fn exact(call: &Call<'_>, open: bool) -> Answer {
    match call {
        Call::Add { exact, .. } => Answer::Integers(exact.to_vec()),
        Call::Select { threshold, candidates, .. } => {
            let passed = candidates.iter().filter(|(_, weight)| open || weight >= threshold);
            let mut keys: Vec<_> = passed.cloned().collect();
            keys.sort();
            Answer::Keys(keys)
        }
        Call::Choose { chooser, scores, .. } => {
            let best = |row: &Vec<i128>| {
                let mut positions: Vec<_> = (0..row.len()).collect();
                positions.sort_by_key(|at| std::cmp::Reverse(row[*at]));
                positions.truncate(chooser.choice.picks() as usize);
                positions
            };
            Answer::Positions(scores.iter().map(best).collect())
        }
    }
}

fn wild(rng: &mut StdRng, call: &Call<'_>) -> Answer {
    match call {
        Call::Add { noise, exact, .. } => {
            Answer::Integers(exact.iter().map(|exact| exact + wild_noise(rng, *noise)).collect())
        }
        Call::Select { noise, threshold, candidates, .. } => {
            let passed = candidates.iter().filter(|_| rng.random::<bool>()).map(|(key, _)| key.clone());
            let passed: Vec<_> = passed.collect();
            let over = |key| (key, threshold + wild_noise(rng, *noise).abs());
            let mut keys: Vec<_> = passed.into_iter().map(over).collect();
            keys.sort();
            Answer::Keys(keys)
        }
        Call::Choose { chooser, scores, .. } => {
            let flat = |row: &Vec<i128>| pick_row(rng, *chooser, &vec![0; row.len()]);
            Answer::Positions(scores.iter().map(flat).collect())
        }
    }
}

/// Noise of a random magnitude, up to sixteen standard deviations or a thousand grid units.
fn wild_noise(rng: &mut StdRng, noise: Noise) -> i128 {
    let widest = (16.0 * noise.standard_deviation()).max(1000.0) as i128;
    let width = widest >> rng.random_range(0..u128::BITS - widest.leading_zeros());
    let sign = if rng.next_u32() & 1 == 1 { 1 } else { -1 };
    sign * rng.random_range(0..=width)
}
