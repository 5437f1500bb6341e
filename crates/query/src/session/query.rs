//! Questions built in code.

use flockwise_mechanisms::{Delta, Rounding};

use super::Error;
use crate::expr::ExprText;
use crate::job::{Aggregate, Amount, By, Contribution, Count, Job, Limit, Popularity, Reach, Release, Spend, Statistic, Summary, TopK};
use crate::names::{ColumnRef, Name};
use crate::policy::Policy;

/// A question: what a release of a job file says, built in code. What is wrong with it is said when it is planned.
///
/// ```
/// use flockwise_query::Query;
/// let popular = Query::popularity(["movie_id"]).where_("rating >= 7").epsilon(0.5);
/// let liked = Query::summary("rating", ["movies.genres"]).mean().people().norm(8).epsilon(0.5);
/// ```
#[derive(Clone, Debug)]
pub struct Query {
    name: String,
    purpose: Option<String>,
    question: Question,
    by: Vec<String>,
    filter: Option<String>,
    labels: Vec<String>,
    contribution: Result<Contribution, String>,
    epsilon: Option<f64>,
    delta: Option<f64>,
    rows: u32,
}

#[derive(Clone, Debug)]
enum Question {
    Popularity { rows: bool },
    Summary { column: String, aggregates: Vec<Aggregate> },
    TopK { item: String, k: u32 },
    Reach,
}

impl Query {
    fn new(name: &str, question: Question, by: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: name.to_owned(),
            purpose: None,
            question,
            by: by.into_iter().map(Into::into).collect(),
            filter: None,
            labels: Vec::new(),
            contribution: Ok(Contribution::Auto),
            epsilon: None,
            delta: None,
            rows: 1,
        }
    }

    /// How many people have each key.
    #[must_use]
    pub fn popularity(by: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new("popularity", Question::Popularity { rows: false }, by)
    }

    /// Statistics of a column per key; say which: [`Query::people`], [`Query::rows`], [`Query::sum`], [`Query::mean`],
    /// [`Query::variance`].
    #[must_use]
    pub fn summary(column: impl Into<String>, by: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new("summary", Question::Summary { column: column.into(), aggregates: Vec::new() }, by)
    }

    /// The `k` leading items, in each segment.
    #[must_use]
    pub fn top_k(k: u32, item: impl Into<String>, by: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new("top_k", Question::TopK { item: item.into(), k }, by)
    }

    /// How many distinct people, per key where keys are given.
    #[must_use]
    pub fn reach(by: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new("reach", Question::Reach, by)
    }

    /// Its name in the release.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The purpose that it serves: one of the policy's.
    #[must_use]
    pub fn purpose(mut self, purpose: &str) -> Self {
        self.purpose = Some(purpose.to_owned());
        self
    }

    /// Which rows count: an expression such as `rating >= 7 and country = 'NL'`.
    #[must_use]
    pub fn where_(mut self, filter: &str) -> Self {
        self.filter = Some(filter.to_owned());
        self
    }

    /// A column of a public table, joined on after the noise, free.
    #[must_use]
    pub fn label(mut self, column: &str) -> Self {
        self.labels.push(column.to_owned());
        self
    }

    /// Bounds people's contributions by norm: the squared norm of a person's weights is at most `bound`.
    #[must_use]
    pub fn norm(mut self, bound: u32) -> Self {
        self.contribution = Limit::new(bound).map(Contribution::Norm).map_err(|error| format!("norm {error}"));
        self
    }

    /// Bounds people's contributions by keeping at most `keys` keys of each.
    #[must_use]
    pub fn keep(mut self, keys: u32) -> Self {
        self.contribution = Limit::new(keys).map(Contribution::Keep).map_err(|error| format!("keep {error}"));
        self
    }

    /// How many rows of a person count in one key.
    #[must_use]
    pub const fn max_rows_per_key(mut self, rows: u32) -> Self {
        self.rows = rows;
        self
    }

    /// What it may cost.
    #[must_use]
    pub const fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = Some(epsilon);
        self
    }

    /// Its own δ; in proportion to the loss where none is given.
    #[must_use]
    pub const fn delta(mut self, delta: f64) -> Self {
        self.delta = Some(delta);
        self
    }

    fn aggregate(mut self, aggregate: Aggregate) -> Self {
        match &mut self.question {
            Question::Summary { aggregates, .. } => aggregates.push(aggregate),
            Question::Popularity { rows } => *rows |= aggregate == Aggregate::Rows,
            Question::TopK { .. } | Question::Reach => {}
        }
        self
    }

    /// Asks for the number of people.
    #[must_use]
    pub fn people(self) -> Self {
        self.aggregate(Aggregate::People)
    }

    /// Asks for the number of rows.
    #[must_use]
    pub fn rows(self) -> Self {
        self.aggregate(Aggregate::Rows)
    }

    /// Asks for the sum.
    #[must_use]
    pub fn sum(self) -> Self {
        self.aggregate(Aggregate::Sum)
    }

    /// Asks for the mean.
    #[must_use]
    pub fn mean(self) -> Self {
        self.aggregate(Aggregate::Mean)
    }

    /// Asks for the variance.
    #[must_use]
    pub fn variance(self) -> Self {
        self.aggregate(Aggregate::Variance)
    }

    /// The job of this one question.
    pub(super) fn job(&self, policy: &Policy) -> Result<Job, Error> {
        let name = |text: &str| text.parse::<Name>().map_err(|error| Error::Query(format!("'{text}': {error}")));
        let column = |text: &String| text.parse::<ColumnRef>().map_err(|error| Error::Query(format!("'{text}': {error}")));
        let limit = Limit::new(self.rows).map_err(|error| Error::Query(format!("max_rows_per_key {error}")))?;
        let by = self.by.iter().map(|text| column(text).map(By::column)).collect::<Result<Vec<_>, _>>()?;
        let statistic = match &self.question {
            Question::Popularity { rows } => {
                let aggregates = [Some(Aggregate::People), rows.then_some(Aggregate::Rows)].into_iter().flatten().collect();
                Statistic::Popularity(Popularity { by, aggregates, max_rows_per_key: limit })
            }
            Question::Summary { column: of, aggregates } => {
                if aggregates.is_empty() {
                    return Err(Error::Query("a summary asks for something: .mean(), .sum(), .people(), …".to_owned()));
                }
                Statistic::Summary(Summary {
                    by,
                    column: column(of)?,
                    aggregates: aggregates.clone(),
                    max_rows_per_key: limit,
                    auto_bounds: false,
                })
            }
            Question::TopK { item, k } => {
                let k = Count::new(*k).map_err(|error| Error::Query(format!("k {error}")))?;
                Statistic::TopK(TopK { k, item: By::column(column(item)?), by })
            }
            Question::Reach => Statistic::Reach(Reach { by }),
        };
        let epsilon = self.epsilon.ok_or_else(|| Error::Query("say what it may cost: .epsilon(0.5)".to_owned()))?;
        let epsilon = flockwise_mechanisms::Epsilon::from_f64(epsilon, Rounding::Down);
        let epsilon = epsilon.map_err(|error| Error::Query(error.to_string()))?;
        let delta = self.delta.map(|delta| Delta::from_f64(delta, Rounding::Down)).transpose();
        let filter = self.filter.as_ref().map(|text| ExprText::new(text)).transpose();
        let release = Release {
            filter: filter.map_err(|error| Error::Query(format!("where: {error}")))?,
            label: self.labels.iter().map(column).collect::<Result<_, _>>()?,
            contribution: self.contribution.clone().map_err(Error::Query)?,
            spend: Spend::Own(Amount::Epsilon(epsilon)),
            delta: delta.map_err(|error| Error::Query(error.to_string()))?,
            ..Release::new(name(&self.name)?, statistic)
        };
        Ok(Job {
            data: policy.data.name.clone(),
            purpose: self.purpose.as_deref().map(name).transpose()?,
            total: None,
            delta: None,
            params: std::collections::BTreeMap::new(),
            releases: vec![release],
        })
    }
}
