//! The source that logs, and replays what it logged.

use std::collections::VecDeque;

use chacha20::ChaCha12Rng;
use rand_core::SeedableRng as _;

use crate::source::{Answer, Call, answer_with, sealed};

use super::answers::{exact, fits, wild};
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
    generator: ChaCha12Rng,
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
        let generator = seeded(seed);
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

/// A generator that repeats itself: for tests alone, which is why it is here and nowhere else.
#[must_use]
pub fn seeded(seed: u64) -> ChaCha12Rng {
    #[expect(clippy::disallowed_methods, reason = "made-up answers of a test, never released noise")]
    ChaCha12Rng::seed_from_u64(seed)
}
