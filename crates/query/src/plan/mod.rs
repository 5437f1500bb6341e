//! The plan: everything that will be done, at what loss, fixed before any data are read.
//!
//! A plan is a pure function of policy, job and schema. It says which rows and columns are read, how a person's
//! contribution is bounded, which stages run with which share of the loss, and the deterministic rule that leads from
//! earlier noisy outputs to the next bound, scale and threshold. The charge binds to its digest.

mod bins;
mod budget;
mod describe;
mod grid;
mod loss;
mod planner;
mod ranking;
mod renewing;
mod rows;
mod stage;
mod staging;

use flockwise_mechanisms::{Ceiling, Digest, Loss};
use serde::Serialize;

use crate::job::Finish;
use crate::kernel::Moment;
use crate::names::Name;
use crate::renewal::Window;
use crate::resolve::{Label, Reads};
use crate::table::TableColumn;

pub use bins::Bins;
pub(crate) use describe::{
    charge as charge_json, contribution as contribution_json, measure_name, natural_sd,
};
pub(crate) use planner::plan_within;
pub use planner::{PlanError, plan};
pub use renewing::Renewing;
pub use rows::{
    Consented, Cut, Grouping, Join, KeyPart, Made, OwnLimit, ReadColumn, RowPlan, Scan, Unit, ValuePlan,
};
pub use stage::{
    BoughtRange, Bounding, Channel, KeyDomain, Leading, Linked, Margin, Measure, Over, Rough, Selection,
    StageError, Stages, Top,
};

/// A job's plan.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plan {
    /// Name of the data set.
    pub data: Name,
    /// The purpose that the job states.
    pub purpose: Option<Name>,
    /// Digest of the policy: a plan is charged and run under the policy it was made from.
    pub policy: Digest,
    /// The ceiling it is charged against.
    pub ceiling: Ceiling,
    /// What the whole job is charged.
    pub charged: Loss,
    /// The ceiling within which its stages add up: the ledger's, or under `approx` that of this job alone, as Gaussian DP.
    pub inner: Ceiling,
    /// Name of the privacy unit's column.
    pub unit: String,
    /// Where the budget renews: the windows, each of which is charged [`Plan::charged`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewing: Option<Renewing>,
    /// What is read, once for all releases.
    pub scan: Scan,
    /// The releases, in the order of the job; where the budget renews, those of one window behind those of the one before.
    pub releases: Vec<ReleasePlan>,
    /// Everything that is read, and nothing else is.
    pub reads: Reads,
}

/// The plan of one release.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReleasePlan {
    /// Its name.
    pub name: Name,
    /// The window whose rows it is made of, where the budget renews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Which statistic.
    pub statistic: &'static str,
    /// Which rows count, and what they become.
    pub rows: RowPlan,
    /// What is done, in order.
    pub stages: Stages,
    /// Its whole loss.
    pub loss: Loss,
    /// The columns of its keys, each with its place in the encoded key.
    pub keys: Vec<(usize, TableColumn)>,
    /// The computed columns.
    pub outputs: Vec<Output>,
    /// How its rows are ordered and which of them are shown.
    pub order: Order,
    /// Whether an unordered pair has a row for each of its two directions.
    pub both_ways: bool,
    /// What is done to the numbers before they are shown.
    pub finish: Finish,
    /// What is joined on after the noise.
    pub labels: Vec<Label>,
    /// Why this mechanism.
    pub reason: String,
}

impl ReleasePlan {
    /// The same plan on the grids that values were put on, which a bought range decides.
    pub(crate) fn on(&self, channels: &[Channel]) -> Self {
        let stages = Stages { channels: channels.to_vec(), ..self.stages.clone() };
        let mut rows = self.rows.clone();
        if let (Some(value), Some(channel), Some(_)) = (&mut rows.value, channels.first(), &stages.range) {
            value.regrid(*channel);
        }
        Self { stages, rows, ..self.clone() }
    }

    /// Whether totals are measured, and cells made to add up to them.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.stages.margins.iter().any(|margin| matches!(margin.over, Over::Totals(_)))
    }

    /// The count of people that stands in the release.
    #[must_use]
    pub fn people(&self) -> Option<Formula> {
        let people = |formula: &Formula| matches!(*formula, Formula::Count(place) if self.stages.measures[place].moment == Moment::People);
        self.outputs.iter().map(|output| output.formula).find(people)
    }
}

/// A computed column: from which measures of the stages, by place.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it is.
    pub formula: Formula,
}

impl Formula {
    /// Whether it counts people or rows: in truth never below 0.
    #[must_use]
    pub const fn is_count(self) -> bool {
        matches!(self, Self::Count(_) | Self::Bar { .. } | Self::Total(_))
    }
}

/// How a column is computed from noisy measures: free post-processing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// A count of people or rows.
    Count(usize),
    /// The total, over a leading part of the key, that a cell is part of.
    Total(usize),
    /// The sum of a column: measured centred, with the centre times the count added back where there is one.
    Sum {
        /// The centred sum.
        value: usize,
        /// The count that shares its weights.
        count: Option<usize>,
    },
    /// The mean of a column.
    Mean {
        /// The centred sum.
        value: usize,
        /// The count that shares its weights.
        count: usize,
    },
    /// The variance of a column.
    Variance {
        /// The centred sum.
        value: usize,
        /// The sum of centred squares.
        square: usize,
        /// The count that shares their weights.
        count: usize,
    },
    /// The standard deviation of a column.
    Deviation {
        /// The centred sum.
        value: usize,
        /// The sum of centred squares.
        square: usize,
        /// The count that shares their weights.
        count: usize,
    },
    /// A quantile of a column, read from its tree.
    Quantile {
        /// The nodes of the tree.
        nodes: usize,
        /// In millionths.
        millionths: u32,
    },
    /// People in one bar of a histogram.
    Bar {
        /// The bars.
        nodes: usize,
        /// Which bar.
        bar: u32,
    },
    /// Of a pair: people with both, over what would be expected of two keys that are met independently.
    Lift(PairOf),
    /// Of a pair: people with both, over the geometric mean of the people of each.
    Cosine(PairOf),
    /// Of a pair: people with both, over the people of the first.
    Conditional(PairOf),
    /// The share of the last part of the key among the people of the others, over its share among all.
    OverIndex(usize),
    /// People, over those of the first part of the key.
    Retained {
        /// The count.
        count: usize,
        /// The margin over the first part.
        margin: usize,
    },
}

/// What the proportions of a pair are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct PairOf {
    /// The count of people with both.
    pub both: usize,
    /// The margin over the keys.
    pub each: usize,
    /// The margin of everyone, for a lift.
    pub everyone: Option<usize>,
}

/// The order of a release's rows: a function of released values alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By the bytes of the key.
    Key,
    /// The largest of the first computed column first; ties by the key.
    Largest,
    /// Within each combination of all parts of the key but the last, the largest first, and only so many.
    Leading(u32),
}

impl flockwise_mechanisms::Plan for Plan {
    fn loss(&self) -> Loss {
        self.charged
    }

    fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("a plan has a JSON form"))
    }

    fn windows(&self) -> usize {
        self.renewing.as_ref().map_or(1, |renewing| renewing.windows.len())
    }
}
