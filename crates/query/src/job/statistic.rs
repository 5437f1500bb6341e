//! The statistics, and the fields that each takes.

use super::by::By;
use super::types::{Count, Limit};
use crate::names::{ColumnName, ColumnRef};

/// What is asked.
#[derive(Clone, PartialEq, Debug)]
pub enum Statistic {
    /// How many people, and if asked how many rows, per key.
    Popularity(Popularity),
    /// The leading keys, in each segment.
    TopK(TopK),
    /// Sums, means, quantiles of a column per key.
    Summary(Summary),
    /// How many people did both a and b.
    CoOccurrence(CoOccurrence),
    /// What follows what.
    Transitions(Transitions),
    /// Which segment over-indexes on which category.
    Affinity(Affinity),
    /// How active people are.
    Activity(Activity),
    /// How many distinct people.
    Reach(Reach),
    /// How many of a cohort are seen in each later period.
    Retention(Retention),
}

impl Statistic {
    /// The names in files.
    pub const NAMES: [&'static str; 9] = [
        "popularity",
        "top_k",
        "summary",
        "co_occurrence",
        "transitions",
        "affinity",
        "activity",
        "reach",
        "retention",
    ];

    /// The name in files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Popularity(_) => "popularity",
            Self::TopK(_) => "top_k",
            Self::Summary(_) => "summary",
            Self::CoOccurrence(_) => "co_occurrence",
            Self::Transitions(_) => "transitions",
            Self::Affinity(_) => "affinity",
            Self::Activity(_) => "activity",
            Self::Reach(_) => "reach",
            Self::Retention(_) => "retention",
        }
    }

    /// The parts of its keys, each with its field in a file, in the order of the release's columns.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, &By)> {
        let list = |by: &'_ [By]| (0..by.len()).map(|index| format!("by[{index}]")).collect::<Vec<_>>();
        let all = |by: &'_ [By]| list(by).into_iter();
        match self {
            Self::Popularity(Popularity { by, .. })
            | Self::Summary(Summary { by, .. })
            | Self::Reach(Reach { by, .. }) => all(by).zip(by).collect(),
            Self::TopK(TopK { by, item, .. }) => all(by).zip(by).chain([("item".to_owned(), item)]).collect(),
            Self::CoOccurrence(CoOccurrence { item, .. }) | Self::Transitions(Transitions { item, .. }) => {
                vec![("item".to_owned(), item)]
            }
            Self::Affinity(Affinity { by, category }) => {
                all(by).zip(by).chain([("category".to_owned(), category)]).collect()
            }
            Self::Activity(_) => Vec::new(),
            Self::Retention(Retention { cohort, period }) => {
                vec![("cohort".to_owned(), cohort), ("period".to_owned(), period)]
            }
        }
    }
}

/// People per key.
#[derive(Clone, PartialEq, Debug)]
pub struct Popularity {
    /// The keys: at least one part.
    pub by: Vec<By>,
    /// `people`, `rows` or both; distinct.
    pub aggregates: Vec<Aggregate>,
    /// Linf: how many rows of a person count in one key.
    pub max_rows_per_key: Limit,
    /// Whether totals over the leading parts of the key are measured too, and cells made to add up to them.
    pub consistent: bool,
}

/// The k leading items of each segment.
#[derive(Clone, PartialEq, Debug)]
pub struct TopK {
    /// How many.
    pub k: Count,
    /// What is ranked.
    pub item: By,
    /// The segments: none for one ranking.
    pub by: Vec<By>,
}

/// A column's values per key.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    /// The keys: none for one line.
    pub by: Vec<By>,
    /// The column that is summed.
    pub column: ColumnRef,
    /// What is computed; distinct, at least one.
    pub aggregates: Vec<Aggregate>,
    /// Whose values are summarized: each row's, or each person's average.
    pub per: Per,
    /// Linf: how many rows of a person count in one key.
    pub max_rows_per_key: Limit,
    /// Whether the bounds are bought with a part of the loss, in place of the policy's.
    pub auto_bounds: bool,
}

/// Whose values a summary is of. Sums and means are the same under both while one row of a person counts in a key; variances,
/// quantiles and histograms are not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Every row's: a person's n rows in a key count together min(n, `max_rows_per_key`) times, the same part each.
    #[default]
    Row,
    /// Every person's: the rows of a person in a key are averaged first, and the average is one value.
    Person,
}

impl Per {
    /// The words in files.
    pub const WORDS: [(&'static str, Self); 2] = [("row", Self::Row), ("person", Self::Person)];
}

/// One computed column of a summary.
#[derive(Clone, PartialEq, Debug)]
pub enum Aggregate {
    /// Distinct people.
    People,
    /// Rows.
    Rows,
    /// Sum of values.
    Sum,
    /// Mean of values.
    Mean,
    /// Variance of values.
    Variance,
    /// Standard deviation of values.
    Deviation,
    /// A quantile of values.
    Quantile(Quantile),
    /// A histogram of values.
    Histogram(Histogram),
}

impl Aggregate {
    /// Those that are a word in files.
    pub const WORDS: [&'static str; 6] = ["people", "rows", "sum", "mean", "variance", "deviation"];

    /// Whether it looks at the values of the column.
    #[must_use]
    pub const fn reads_values(&self) -> bool {
        !matches!(self, Self::People | Self::Rows)
    }

    /// What its column is called in the release.
    #[must_use]
    pub fn output(&self) -> String {
        match self {
            Self::People => "people".to_owned(),
            Self::Rows => "rows".to_owned(),
            Self::Sum => "sum".to_owned(),
            Self::Mean => "mean".to_owned(),
            Self::Variance => "variance".to_owned(),
            Self::Deviation => "deviation".to_owned(),
            Self::Quantile(Quantile { q, alias }) => match alias {
                Some(alias) => alias.to_string(),
                None => format!("quantile_{q}").replace('.', "_"),
            },
            Self::Histogram(Histogram { alias, .. }) => {
                alias.as_ref().map_or_else(|| "histogram".to_owned(), ToString::to_string)
            }
        }
    }
}

/// `{ quantile = 0.9, as = "rating_p90" }`
#[derive(Clone, PartialEq, Debug)]
pub struct Quantile {
    /// Strictly between 0 and 1.
    pub q: f64,
    /// What it is called.
    pub alias: Option<ColumnName>,
}

/// `{ histogram = { width = 1 } }`
#[derive(Clone, PartialEq, Debug)]
pub struct Histogram {
    /// The width of its bars: positive, finite.
    pub width: f64,
    /// What it is called.
    pub alias: Option<ColumnName>,
}

/// People who did both a and b.
#[derive(Clone, PartialEq, Debug)]
pub struct CoOccurrence {
    /// What is counted in pairs.
    pub item: By,
    /// What is shown; distinct, at least one.
    pub measures: Vec<Measure>,
}

/// A measure of co-occurrence; all but the first are post-processing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Measure {
    /// People who did both.
    People,
    /// Observed over expected.
    Lift,
    /// Over the geometric mean of the two.
    Cosine,
    /// Of those who did a, who did b.
    Conditional,
}

impl Measure {
    /// The words in files.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("people", Self::People),
        ("lift", Self::Lift),
        ("cosine", Self::Cosine),
        ("conditional", Self::Conditional),
    ];
}

/// What follows what.
#[derive(Clone, PartialEq, Debug)]
pub struct Transitions {
    /// What is followed.
    pub item: By,
    /// The order; ties break by the item's bytes.
    pub order_by: ColumnRef,
}

/// Segments against categories.
#[derive(Clone, PartialEq, Debug)]
pub struct Affinity {
    /// The segments: at least one part.
    pub by: Vec<By>,
    /// The categories.
    pub category: By,
}

/// A histogram of rows per person, in buckets of powers of two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Activity;

/// Distinct people.
#[derive(Clone, PartialEq, Debug)]
pub struct Reach {
    /// The segments: none for one number.
    pub by: Vec<By>,
    /// Whether totals over the leading parts of the key are measured too, and cells made to add up to them.
    pub consistent: bool,
}

/// Cohorts over periods.
#[derive(Clone, PartialEq, Debug)]
pub struct Retention {
    /// When, or as what, a person came.
    pub cohort: By,
    /// When a person is seen.
    pub period: By,
}
