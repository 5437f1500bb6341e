//! How exact a release is to be, and the ε that takes: an answer from plans alone, without data.
//!
//! The key decision: the answer is found by planning. A plan is a pure function of policy and job and says what noise every
//! column gets, so the least ε is looked for among plans, and what is answered is what such a plan will do. What hangs on
//! the data is said to, and not guessed: which bound is bought, what bounding cuts off, how large keys are.

mod parse;
mod render;
mod search;

use serde::Serialize;
use serde_json::Value as Json;

use crate::names::Name;

pub(crate) use search::{Asked, answer};

/// How exact a column is to be: `people within 50 for 95% of keys`.
///
/// ```
/// let target: flockwise_query::target::Target = "people within 10% for 95% of keys of 1000 people".parse()?;
/// assert_eq!(target.to_string(), "people within 10% for 95% of keys of 1000 people");
/// assert!("people around 50".parse::<flockwise_query::target::Target>().is_err());
/// # Ok::<(), flockwise_query::target::TargetError>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Target {
    /// One release, where only it is meant.
    pub release: Option<String>,
    /// The column.
    pub column: String,
    /// The largest error: in the column's unit, or in percent of the value.
    pub within: f64,
    /// Whether that is in percent.
    pub relative: bool,
    /// Of how many keys, in percent.
    pub keys: f64,
    /// Of what size a key is: people or rows for a mean; the value itself for an error in percent.
    pub size: Option<f64>,
}

/// A target that has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is none.
    #[error(
        "a target reads \"COLUMN within N for P% of keys\", such as \"people within 50 for 95% of keys\", \"people within 10% for 95% of keys of 1000 people\", or \"RELEASE.COLUMN within …\": {0}"
    )]
    Form(&'static str),
    /// No release has the column.
    #[error("no release of this job has a column '{asked}'; there are: {}", known.join(", "))]
    UnknownColumn {
        /// What was asked.
        asked: String,
        /// What there is, as RELEASE.COLUMN.
        known: Vec<String>,
    },
    /// What the noise does to the column hangs on the data.
    #[error(
        "how far noise moves {columns} hangs on the data, so no plan knows it: `flockwise bench` measures it on data that may be looked at, or with --mock; a target may be about counts, sums and means"
    )]
    HangsOnData {
        /// The columns, as RELEASE.COLUMN.
        columns: String,
    },
    /// A mean's error in percent.
    #[error("a mean is asked for in its own unit, not in percent: \"{column} within 0.5 for 95% of keys\"")]
    RelativeMean {
        /// The column.
        column: String,
    },
}

/// The ε that a target takes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answers {
    /// What this is.
    pub schema: &'static str,
    /// What was asked.
    pub target: Target,
    /// The policy's ceiling: no ε above is looked at.
    pub ceiling: Ceiling,
    /// The ε of the whole job at which every release that has the column meets the target.
    pub job: Option<Whole>,
    /// What the answers leave out.
    pub notes: Vec<String>,
    /// For each release that has the column.
    pub releases: Vec<ReleaseAnswer>,
}

/// The ceiling of a policy.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Ceiling {
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: String,
    /// How losses add up.
    pub accounting: &'static str,
}

/// The whole job's ε, its releases scaled by their shares.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Whole {
    /// Under the most favourable of the assumptions listed; none where the ceiling does not reach.
    pub from: Option<f64>,
    /// Under the least favourable.
    pub to: Option<f64>,
}

/// The answers for one release.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReleaseAnswer {
    /// Its name.
    pub release: Name,
    /// Its statistic.
    pub statistic: &'static str,
    /// Whether it has a share of the job, and not an amount of its own.
    pub shares: bool,
    /// What a size counts.
    pub of: &'static str,
    /// What is assumed or left out for this release.
    pub notes: Vec<String>,
    /// For each bound and size.
    pub answers: Vec<Answer>,
}

/// What the target takes under one bound, for keys of one size.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer {
    /// The bound on what a person adds.
    pub contribution: Json,
    /// The size of the keys, where it matters.
    pub size: Option<f64>,
    /// What the job as it stands gives; none where it cannot be planned.
    pub now: Option<Now>,
    /// The error at the policy's whole ceiling, spent on this release alone.
    pub at_ceiling: Option<f64>,
    /// As a job of its own; none where the ceiling does not reach.
    pub alone: Option<Found>,
    /// By its share of this job; none where the ceiling does not reach, or where it has an amount of its own.
    pub in_job: Option<Found>,
}

/// What a job as it stands gives.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Now {
    /// The error that so many of the keys keep to.
    pub error: Option<f64>,
    /// Whether that meets the target.
    pub meets: bool,
    /// The size from which on a key meets it, where that matters.
    pub meets_from: Option<f64>,
}

/// A plan that meets the target.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Found {
    /// ε, in three figures, rounded up.
    pub epsilon: f64,
    /// The δ at which the release's own ε holds.
    pub at_delta: String,
    /// The loss of the release, as the ledger counts it.
    pub charge: Json,
    /// The noise.
    pub mechanism: &'static str,
    /// Standard deviation of the noise of each measure, in its natural unit.
    pub noise_sd: Json,
    /// The error that so many of the keys keep to.
    pub error: Option<f64>,
    /// How many people of full weight a key needs to appear half of the time; none where keys are public.
    pub appears_half: Option<f64>,
    /// … and with 99%.
    pub appears_99pc: Option<f64>,
}
