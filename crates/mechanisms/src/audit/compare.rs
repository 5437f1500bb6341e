//! Whether two traces are those of neighbours, exactly and with no slack.

mod inputs;

use inputs::{leaders, presences, rows, searches, selections, vectors, weighted_rows};

use super::question::{Question, Trace};

/// How close two neighbours came to what was declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// One for each call, in order.
    pub reaches: Vec<Reach>,
}

/// How far the exact inputs of one call differed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// The mechanism.
    pub mechanism: &'static str,
    /// The change: its L1 norm, its squared L2 norm, or the largest single change, as the mechanism counts.
    pub moved: u128,
    /// What was declared.
    pub allowed: u128,
    /// Keys that only one side had, for a selection.
    pub new_keys: Option<NewKeys>,
}

/// Keys that only one of two neighbours had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewKeys {
    /// How many.
    pub count: usize,
    /// The cap on keys per person.
    pub cap: usize,
    /// The largest weight among them.
    pub largest: i128,
    /// The largest weight that was declared for so many.
    pub allowed: i128,
}

impl Divergence {
    /// The largest change as a part of what was declared: 1 when a bound was reached. For L2 sensitivities it is a part
    /// of the square.
    #[must_use]
    pub fn closest(&self) -> f64 {
        self.reaches.iter().map(|reach| reach.moved as f64 / reach.allowed as f64).fold(0.0, f64::max)
    }

    /// Whether some call's input moved by exactly what was declared.
    #[must_use]
    pub fn reaches_a_bound(&self) -> bool {
        self.reaches.iter().any(|reach| reach.moved == reach.allowed)
    }
}

/// What neighbours must not do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// One side asked more often.
    #[error("one data set led to {first} calls of a mechanism, its neighbour to {second}")]
    Calls {
        /// Calls on the first data set.
        first: usize,
        /// Calls on its neighbour.
        second: usize,
    },
    /// Another mechanism was asked.
    #[error("call {call} went to {first} on one data set and to {second} on its neighbour")]
    Mechanism {
        /// Position of the call, from 0.
        call: usize,
        /// On the first data set.
        first: &'static str,
        /// On its neighbour.
        second: &'static str,
    },
    /// A parameter was computed from data.
    #[error("call {call}: the {parameter} differs between neighbours")]
    Parameter {
        /// Position of the call, from 0.
        call: usize,
        /// Which one.
        parameter: &'static str,
    },
    /// The second trace is not a replay of the first.
    #[error("call {call} was answered differently: the second trace does not replay the first")]
    Answer {
        /// Position of the call, from 0.
        call: usize,
    },
    /// The length of a vector depends on data.
    #[error("call {call}: {first} entries on one data set, {second} on its neighbour")]
    Length {
        /// Position of the call, from 0.
        call: usize,
        /// On the first data set.
        first: usize,
        /// On its neighbour.
        second: usize,
    },
    /// The inputs differ by more than was declared.
    #[error("call {call}: the input moved by {moved}, and at most {allowed} was declared")]
    Sensitivity {
        /// Position of the call, from 0.
        call: usize,
        /// The change; `u128::MAX` when it is larger than that.
        moved: u128,
        /// What was declared.
        allowed: u128,
    },
    /// A person brings more keys than the cap.
    #[error("call {call}: {count} keys are on one side only, and a person has at most {cap}")]
    Cap {
        /// Position of the call, from 0.
        call: usize,
        /// How many.
        count: usize,
        /// The cap.
        cap: usize,
    },
    /// A new key weighs more than was declared.
    #[error("call {call}: one of {count} new keys weighs {weight}, and at most {allowed} was declared")]
    Weight {
        /// Position of the call, from 0.
        call: usize,
        /// How many new keys there are.
        count: usize,
        /// The weight.
        weight: i128,
        /// What was declared for so many.
        allowed: i128,
    },
    /// A candidate that nobody has, or whose weight hides that somebody does.
    #[error("call {call}: a candidate's weight is {weight}, and only positive ones may be candidates")]
    NotPositive {
        /// Position of the call, from 0.
        call: usize,
        /// The weight.
        weight: i128,
    },
    /// A key that is a candidate twice draws noise twice.
    #[error("call {call}: a key is a candidate twice")]
    Twice {
        /// Position of the call, from 0.
        call: usize,
    },
    /// Adding a person takes no keys away.
    #[error("call {call}: each side has keys that the other has not")]
    TwoSided {
        /// Position of the call, from 0.
        call: usize,
    },
    /// More rows of scores changed than one person can move.
    #[error("call {call}: {count} rows of scores changed, and a person is in at most {allowed}")]
    Rows {
        /// Position of the call, from 0.
        call: usize,
        /// How many.
        count: usize,
        /// What was declared.
        allowed: usize,
    },
    /// Scores that were declared to move the same way moved both ways.
    #[error("call {call}: some scores rose and some fell, and they were declared to move together")]
    NotMonotone {
        /// Position of the call, from 0.
        call: usize,
    },
    /// The same noisy outputs led to different outcomes.
    #[error("the outcomes differ although all noisy outputs are the same")]
    Outcome,
}

/// Checks that a trace and the trace of its replay on a neighbour are what the mechanisms were promised.
///
/// The same mechanisms in the same order with the same parameters; vectors of equal length that differ by at most the
/// declared sensitivity (sum of absolute changes, or sum of their squares, in checked integers); for a selection also:
/// only one side has keys of its own, at most the cap, none heavier than declared for so many; every weight is positive.
///
/// # Errors
/// With the first [`Violation`].
pub fn compare(first: &Trace, second: &Trace) -> Result<Divergence, Violation> {
    let mut reaches = Vec::with_capacity(first.events.len());
    for (call, ((ours, our_answer), (theirs, their_answer))) in
        first.events.iter().zip(&second.events).enumerate()
    {
        reaches.push(question(call, ours, theirs)?);
        if our_answer != their_answer {
            return Err(Violation::Answer { call });
        }
    }
    let (first, second) = (first.events.len(), second.events.len());
    if first == second { Ok(Divergence { reaches }) } else { Err(Violation::Calls { first, second }) }
}

fn question(call: usize, ours: &Question, theirs: &Question) -> Result<Reach, Violation> {
    let equal = |parameter, same: bool| same.then_some(()).ok_or(Violation::Parameter { call, parameter });
    let (first, second) = (ours.mechanism(), theirs.mechanism());
    if first != second {
        return Err(Violation::Mechanism { call, first, second });
    }
    equal("loss", ours.loss() == theirs.loss())?;
    match (ours, theirs) {
        (
            Question::Add { noise, sensitivity, exact, .. },
            Question::Add { noise: their_noise, sensitivity: their_sensitivity, exact: their_exact, .. },
        ) => {
            equal("sensitivity", sensitivity == their_sensitivity)?;
            equal("noise", noise == their_noise)?;
            vectors(call, *sensitivity, exact, their_exact)
        }
        (
            Question::Select { noise, sensitivity, entry, threshold, candidates, .. },
            Question::Select {
                noise: their_noise,
                sensitivity: their_sensitivity,
                entry: their_entry,
                threshold: their_threshold,
                candidates: their_candidates,
                ..
            },
        ) => {
            equal("sensitivity", sensitivity == their_sensitivity)?;
            equal("noise", noise == their_noise)?;
            equal("entry bound", entry == their_entry)?;
            equal("threshold", threshold == their_threshold)?;
            selections(call, *sensitivity, entry, candidates, their_candidates)
        }
        (
            Question::Choose { chooser, scores, .. },
            Question::Choose { chooser: their_chooser, scores: their_scores, .. },
        ) => {
            equal("choice", chooser == their_chooser)?;
            rows(call, chooser.choice, scores, their_scores)
        }
        (
            Question::Appear { noise, candidates, .. },
            Question::Appear { noise: their_noise, candidates: their_candidates, .. },
        ) => {
            equal("noise", noise == their_noise)?;
            presences(call, noise.keys, candidates, their_candidates)
        }
        (
            Question::Above { searcher, queries, .. },
            Question::Above { searcher: their_searcher, queries: their_queries, .. },
        ) => {
            equal("search", searcher == their_searcher)?;
            searches(call, searcher.search.change(), queries, their_queries)
        }
        (
            Question::Quantiles { drawer, rows, .. },
            Question::Quantiles { drawer: their_drawer, rows: their_rows, .. },
        ) => {
            equal("quantiles", drawer == their_drawer)?;
            weighted_rows(call, drawer.sensitivity, rows, their_rows)
        }
        (
            Question::Leading { leader, counts, .. },
            Question::Leading { leader: their_leader, counts: their_counts, .. },
        ) => {
            equal("top k", leader == their_leader)?;
            leaders(call, counts, their_counts)
        }
        (
            Question::Add { .. }
            | Question::Select { .. }
            | Question::Choose { .. }
            | Question::Appear { .. }
            | Question::Above { .. }
            | Question::Quantiles { .. }
            | Question::Leading { .. },
            _,
        ) => Err(Violation::Mechanism { call, first, second }),
    }
}
