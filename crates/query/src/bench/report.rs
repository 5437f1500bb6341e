//! What a benchmark found: the document `flockwise.bench/1`, for tables, files and charts.
//!
//! Nothing in it is private: it compares with the truth, which only a [`Waiver`](flockwise_mechanisms::Waiver) lets
//! anybody see. What each figure means stands in docs/bench.md, and in short beside each field here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The form of the document.
pub const SCHEMA: &str = "flockwise.bench/1";

/// The result of one benchmark: every release at every setting and every ε.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version that made it.
    pub flockwise: String,
    /// Name of the data set.
    pub data: String,
    /// Why its truth may be seen: the policy's `no_privacy`, or that the data are made up.
    pub reason: String,
    /// Whether the data are made up: figures then say something about shapes, nothing about anybody's data.
    pub made_up: bool,
    /// The privacy unit: "one person (user_id)".
    pub unit: String,
    /// How losses add up.
    pub accounting: String,
    /// δ of the ceiling.
    pub delta: String,
    /// ε of the ceiling that each ε is a part of; absent where each ε is a ceiling of its own, spent whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ceiling: Option<f64>,
    /// The ε's, ascending: each is that of the whole job.
    pub epsilons: Vec<f64>,
    /// The settings that were swept, each with its values, in the order asked; empty where none was.
    pub sweep: Vec<Axis>,
    /// Runs of each release at each point, each with fresh noise.
    pub trials: u32,
    /// Seconds that the trials took in all, the reading of the data included.
    pub seconds: f64,
    /// The releases of the job, in its order.
    pub releases: Vec<ReleaseReport>,
}

/// One setting that was swept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Axis {
    /// `contribution`, `bounds`, `mechanism` or `max_rows_per_key`.
    pub name: String,
    /// Its values as they were asked: `norm:8`, `auto`, `0:10`.
    pub values: Vec<String>,
}

/// One release.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReleaseReport {
    /// Its name.
    pub release: String,
    /// Which statistic.
    pub statistic: String,
    /// Where its keys come from: `private`, `public`, `leading`, or `private and public`.
    pub keys: String,
    /// What figures over keys count: `keys`, or for pairs and steps `items`, which are selected, while values are of links.
    pub of: String,
    /// How many keys (items, for links) anybody has.
    pub true_keys: u64,
    /// The points, by setting in the order of the axes, then by ε ascending. A release has only the settings that it has a
    /// use for, so two releases may have different ones.
    pub points: Vec<Point>,
}

/// One release at one setting and one ε.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// ε of the whole job.
    pub epsilon: f64,
    /// The value of each axis that this release has a use for, by the axis' name.
    pub setting: BTreeMap<String, String>,
    /// What the release is charged: `{"mu_squared": "0.06", "delta": "1e-8"}`.
    pub charge: Json,
    /// ε of this release alone, and the δ at which it holds.
    pub alone: crate::release::Alone,
    /// What was done.
    pub how: How,
    /// Which keys came out.
    pub keys: KeyFigures,
    /// The computed columns, in the order of the release.
    pub columns: Vec<ColumnFigures>,
}

/// What was done at a point.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct How {
    /// The noise.
    pub mechanism: String,
    /// Why this one.
    pub why: String,
    /// The stages, in order.
    pub stages: Vec<String>,
    /// The contribution bounds that the trials had: more than one only where the bound is bought. The most frequent first.
    pub bounds: Vec<BoundUsed>,
    /// How many people of full weight a key needs to appear half of the time, and in 99 of 100; absent for public keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub selection: Option<Json>,
}

/// A contribution bound, and in how many trials.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BoundUsed {
    /// As a release writes it: `{"norm": 16}`, `{"keep": 8}`, `{"value_norm": 1200}`.
    pub contribution: Json,
    /// In so many trials.
    pub trials: u32,
    /// Standard deviation of the noise under it, by what is measured: `{"people": 23.7}`.
    pub noise_sd: Json,
}

/// A figure over the trials: its mean and how far single trials are from it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// The mean over the trials that have the figure.
    pub mean: f64,
    /// The standard deviation over those trials; 0 for one.
    pub sd: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// How many trials have it: a trial that released no key has no error.
    pub trials: u32,
}

/// Which keys came out, over the trials.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeyFigures {
    /// Rows of the table.
    pub rows: Spread,
    /// Keys (items, for links) that came out, of those that somebody has.
    pub found: Spread,
    /// The same as a share of all keys that somebody has.
    pub share: Spread,
    /// The people (rows of a person and key) under the keys that came out, as a share of those under all.
    pub mass: Spread,
    /// Keys that came out and nobody has: none where keys are private, by construction; public keys that are empty.
    pub nobodys: Spread,
}

/// One computed column, over the trials. Errors are in the column's unit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ColumnFigures {
    /// Its name.
    pub column: String,
    /// What it counts: `people`, `rows`, `value` or `ratio`.
    pub unit: String,
    /// Whether a key that does not come out can be read as zero: counts and sums, not means and ratios.
    pub additive: bool,
    /// Root mean square of (released − unbounded truth) over the released rows.
    pub rmse: Option<Spread>,
    /// Median of |released − unbounded truth| over the released rows.
    pub median: Option<Spread>,
    /// 95th percentile of the same.
    pub p95: Option<Spread>,
    /// Mean of |released − truth| / |truth| over the keys that the most people have.
    pub relative: Vec<Relative>,
    /// How often the 95% bars hold the truth.
    pub coverage: Coverage,
    /// How well the largest are found; empty for columns that are not additive.
    pub recall: Vec<Recall>,
    /// What each step costs over the released rows.
    pub error: Decomposition,
    /// The same over all keys that somebody has or that came out, one that did not come out being read as zero; absent for
    /// columns that are not additive, and for links.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_over_all: Option<Decomposition>,
}

/// The relative error over the leading keys.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Relative {
    /// How many of the keys that the most people have; absent for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top: Option<u32>,
    /// The mean relative error. Of an additive column a key that did not come out counts as 1 (100%); of any other it is
    /// left out.
    pub error: Option<Spread>,
}

/// How often the 95% bars hold the truth, over all rows of all trials.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Coverage {
    /// Rows of all trials together.
    pub cells: u64,
    /// The share whose bars hold the bounded truth: what would have been released without noise. The bars promise 95%.
    pub bounded: Option<f64>,
    /// The share whose bars hold the unbounded truth.
    pub unbounded: Option<f64>,
}

/// Recall of the true leading keys.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recall {
    /// How many leading rows, of truth and of release.
    pub top: u32,
    /// The share of the `top` keys of the largest true value that are among the `top` rows of the largest released value;
    /// for `top_k`, in each segment, averaged.
    pub share: Option<Spread>,
}

/// What each step costs: root mean squares over the same rows, in the column's unit.
///
/// Four values of each row: the unbounded truth T, the truth C after values are clamped and a person's rows in a key are
/// limited, the bounded truth B after a person's keys are bounded (computed exactly, under the bound that the trial had),
/// and what is released R. R − T = (C − T) + (B − C) + (R − B), and of a key that did not come out −T = 0 − T.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decomposition {
    /// RMS of R − T.
    pub total: Option<Spread>,
    /// RMS of C − T: Linf and clamping. Move `max_rows_per_key` or the bounds of the column.
    pub clamp: Option<Spread>,
    /// RMS of B − C: the bound over keys. Move `contribution`.
    pub contribution: Option<Spread>,
    /// RMS of R − B. Move ε, or lower a bound.
    pub noise: Option<Spread>,
    /// RMS of what the keys that did not come out hold; for an affinity, of what their absence does to the ones that did.
    /// Absent where it has no meaning.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dropped: Option<Spread>,
}

impl Spread {
    /// Over the trials that have the figure; nothing where none has.
    #[must_use]
    pub fn over(figures: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let known: Vec<f64> = figures.into_iter().flatten().collect();
        let count = known.len() as f64;
        if known.is_empty() {
            return None;
        }
        let mean = known.iter().sum::<f64>() / count;
        let square: f64 = known.iter().map(|figure| (figure - mean).powi(2)).sum();
        let sd = if known.len() == 1 { 0.0 } else { (square / (count - 1.0)).sqrt() };
        let fold = |of: fn(f64, f64) -> f64| known.iter().copied().reduce(of).unwrap_or(mean);
        Some(Self { mean, sd, least: fold(f64::min), most: fold(f64::max), trials: known.len() as u32 })
    }
}

impl Report {
    /// The form as JSON, for programs.
    ///
    /// # Errors
    /// When a figure is not finite: a bug.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_back_as_it_was_written() {
        let text = include_str!("../../tests/bench/sample.json");
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.schema, SCHEMA);
        assert!(report.releases.iter().all(|release| !release.points.is_empty()));
        let again: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert_eq!(again, report);
    }

    #[test]
    fn a_spread_is_over_the_trials_that_have_the_figure() {
        let spread = Spread::over([Some(1.0), None, Some(3.0)]).unwrap();
        assert_eq!((spread.mean, spread.least, spread.most, spread.trials), (2.0, 1.0, 3.0, 2));
        assert!((spread.sd - 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Spread::over([None]), None);
        assert!(Spread::over([Some(7.0)]).unwrap().sd.abs() < 1e-12);
    }
}
