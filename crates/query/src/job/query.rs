//! A question built in code. It holds the fields that a file would, and is read by the same reader: the two cannot
//! differ in what they mean or accept.

use serde_json::{Map, Value as Json, json};

use super::Job;
use super::types::{MechanismChoice, word};
use crate::diagnostic::{Diagnostics, SourceFile};
use crate::document::Node;
use crate::value::Literal;

/// One question, to be made a job of its own. Nothing is checked before [`Query::job`], which checks everything.
///
/// ```
/// use flockwise_query::job::{Part, Query};
///
/// let job = Query::popularity(["movie_id"]).epsilon(0.5).job("films", Some("recommendations"))?;
/// assert_eq!(job.releases[0].name.as_str(), "popularity");
///
/// let week = Part::column("timestamp").every("1w").named("week");
/// let job = Query::summary("rating").by([week, "country".into()]).epsilon(0.5).job("films", None)?;
/// assert_eq!(job.releases[0].statistic.keys().len(), 2);
///
/// assert!(Query::popularity(["movie_id"]).epsilon(f64::NAN).job("films", None).is_err());
/// # Ok::<(), flockwise_query::diagnostic::Diagnostics>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    fields: Map<String, Json>,
    windows: Vec<String>,
}

/// One part of a key, built in code: a column's name, or more.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    fields: Map<String, Json>,
}

impl Part {
    /// A column of the data, or of a table: `movies.genres`.
    #[must_use]
    pub fn column(name: &str) -> Self {
        Self { fields: Map::new() }.with("column", json!(name))
    }

    fn with(mut self, field: &str, value: Json) -> Self {
        self.fields.insert(field.to_owned(), value);
        self
    }

    /// Cut into windows of time: `1w`, `15m`, `1mo`.
    #[must_use]
    pub fn every(self, length: &str) -> Self {
        self.with("every", json!(length))
    }

    /// The day a week starts on: `monday`.
    #[must_use]
    pub fn starts(self, day: &str) -> Self {
        self.with("starts", json!(day))
    }

    /// The zone of the calendar: `Europe/Amsterdam`.
    #[must_use]
    pub fn time_zone(self, name: &str) -> Self {
        self.with("tz", json!(name))
    }

    /// Lists the windows from a moment (included) until another (excluded), so that they are public.
    #[must_use]
    pub fn between(self, from: &str, until: &str) -> Self {
        self.with("from", json!(from)).with("until", json!(until))
    }

    /// Cut into bins of this width.
    #[must_use]
    pub fn width(self, width: f64) -> Self {
        self.with("width", json!(width))
    }

    /// These keys, and no others.
    #[must_use]
    pub fn keys(self, keys: impl IntoIterator<Item = Literal>) -> Self {
        let keys = keys.into_iter().map(|key| super::write::literal(&key)).collect();
        self.with("keys", keys)
    }

    /// Every key of the public table that the column is of, or that is joined on it.
    #[must_use]
    pub fn keys_of_table(self) -> Self {
        self.with("keys", json!("table"))
    }

    /// Keys selected with noise, even where a list is declared.
    #[must_use]
    pub fn private(self) -> Self {
        self.with("keys", json!("private"))
    }

    /// What it is called in the release.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.with("as", json!(name))
    }

    fn into_json(self) -> Json {
        Json::Object(self.fields)
    }
}

impl From<&str> for Part {
    fn from(column: &str) -> Self {
        Self::column(column)
    }
}

impl Query {
    fn new(statistic: &str) -> Self {
        Self { fields: Map::new(), windows: Vec::new() }
            .with("name", json!(statistic))
            .with("statistic", json!(statistic))
    }

    fn with(mut self, field: &str, value: Json) -> Self {
        self.fields.insert(field.to_owned(), value);
        self
    }

    /// How many people per key.
    #[must_use]
    pub fn popularity<P: Into<Part>>(by: impl IntoIterator<Item = P>) -> Self {
        Self::new("popularity").by(by)
    }

    /// The k leading items.
    #[must_use]
    pub fn top_k(k: u32, item: impl Into<Part>) -> Self {
        Self::new("top_k").with("k", json!(k)).with("item", item.into().into_json())
    }

    /// People, sum and mean of a column, or what [`Query::aggregates`] names.
    #[must_use]
    pub fn summary(column: &str) -> Self {
        Self::new("summary").with("column", json!(column))
    }

    /// How many people did both a and b.
    #[must_use]
    pub fn co_occurrence(item: impl Into<Part>) -> Self {
        Self::new("co_occurrence").with("item", item.into().into_json())
    }

    /// What follows what.
    #[must_use]
    pub fn transitions(item: impl Into<Part>, order_by: &str) -> Self {
        Self::new("transitions").with("item", item.into().into_json()).with("order_by", json!(order_by))
    }

    /// Which segment over-indexes on which category.
    #[must_use]
    pub fn affinity<P: Into<Part>>(by: impl IntoIterator<Item = P>, category: impl Into<Part>) -> Self {
        Self::new("affinity").by(by).with("category", category.into().into_json())
    }

    /// How active people are.
    #[must_use]
    pub fn activity() -> Self {
        Self::new("activity")
    }

    /// How many distinct people.
    #[must_use]
    pub fn reach() -> Self {
        Self::new("reach")
    }

    /// How many of a cohort are seen in each period.
    #[must_use]
    pub fn retention(cohort: impl Into<Part>, period: impl Into<Part>) -> Self {
        let (cohort, period) = (cohort.into().into_json(), period.into().into_json());
        Self::new("retention").with("cohort", cohort).with("period", period)
    }

    /// The release's name; by default the statistic's.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.with("name", json!(name))
    }

    /// The keys.
    #[must_use]
    pub fn by<P: Into<Part>>(self, by: impl IntoIterator<Item = P>) -> Self {
        self.with("by", by.into_iter().map(|part| part.into().into_json()).collect())
    }

    /// Which rows count: an expression.
    #[must_use]
    pub fn filter(self, expression: &str) -> Self {
        self.with("where", json!(expression))
    }

    /// Columns of public tables, joined on after the noise: `movies.title`.
    #[must_use]
    pub fn label<'a>(self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("label", columns.into_iter().map(Json::from).collect())
    }

    /// What is computed, by name: `people`, `mean`. Quantiles: [`Query::quantile`].
    #[must_use]
    pub fn aggregates<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("aggregates", names.into_iter().map(Json::from).collect())
    }

    /// A quantile beside what is computed so far, and what it is called.
    #[must_use]
    pub fn quantile(mut self, q: f64, name: &str) -> Self {
        let aggregates = self.fields.entry("aggregates").or_insert_with(|| json!([]));
        if let Json::Array(aggregates) = aggregates {
            aggregates.push(json!({ "quantile": q, "as": name }));
        }
        self
    }

    /// Measures of a co-occurrence: `people`, `lift`, `cosine`, `conditional`.
    #[must_use]
    pub fn measures<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("measures", names.into_iter().map(Json::from).collect())
    }

    /// How many rows of a person count in one key.
    #[must_use]
    pub fn max_rows_per_key(self, rows: u32) -> Self {
        self.with("max_rows_per_key", json!(rows))
    }

    /// A person's rows in a key are averaged first: one value a person.
    #[must_use]
    pub fn per_person(self) -> Self {
        self.with("per", json!("person"))
    }

    /// Each row counts, at most so many of a person in one key.
    #[must_use]
    pub fn per_row(self, max_rows_per_key: u32) -> Self {
        self.with("per", json!("row")).max_rows_per_key(max_rows_per_key)
    }

    /// Totals over the leading parts of the key are measured too, and cells made to add up to them.
    #[must_use]
    pub fn consistent(self) -> Self {
        self.with("consistent", json!(true))
    }

    /// Counts below 0 are shown as 0.
    #[must_use]
    pub fn non_negative(self) -> Self {
        self.with("non_negative", json!(true))
    }

    /// Rows whose noisy count of people is below this are not shown.
    #[must_use]
    pub fn minimum(self, people: u32) -> Self {
        self.with("minimum", json!(people))
    }

    /// Shown counts are rounded to multiples of this.
    #[must_use]
    pub fn round_to(self, step: u32) -> Self {
        self.with("round", json!(step))
    }

    /// Shown numbers are rounded to the last figure that their noise leaves.
    #[must_use]
    pub fn round_to_noise(self) -> Self {
        self.with("round", json!("noise"))
    }

    /// Bounds of the value column are bought with a part of the loss.
    #[must_use]
    pub fn auto_bounds(self) -> Self {
        self.with("bounds", json!("auto"))
    }

    /// Keys weighted so that a person's squared norm is at most this.
    #[must_use]
    pub fn norm(self, bound: u32) -> Self {
        self.with("contribution", json!({ "norm": bound }))
    }

    /// At most so many keys of a person are kept.
    #[must_use]
    pub fn keep(self, keys: u32) -> Self {
        self.with("contribution", json!({ "keep": keys }))
    }

    /// What it may cost: ε.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        self.with("epsilon", json!(epsilon))
    }

    /// What it may cost: ρ of zCDP.
    #[must_use]
    pub fn rho(self, rho: f64) -> Self {
        self.with("rho", json!(rho))
    }

    /// Its δ; by default in proportion to the loss.
    #[must_use]
    pub fn delta(self, delta: f64) -> Self {
        self.with("delta", json!(delta))
    }

    /// Which mechanism.
    #[must_use]
    pub fn mechanism(self, mechanism: MechanismChoice) -> Self {
        self.with("mechanism", json!(word(&MechanismChoice::WORDS, mechanism)))
    }

    /// Whether keys are selected first and measured after.
    #[must_use]
    pub fn two_stage(self, always: bool) -> Self {
        self.with("two_stage", json!(always))
    }

    /// Where the budget renews: which windows this is about, by name (`2026-11`); each is charged in full, and gets a
    /// release of its own. Without them the range of `where` on the time column tells.
    #[must_use]
    pub fn windows<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { windows: names.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// The job of this one question.
    ///
    /// # Errors
    /// Everything that is wrong with it, by field.
    pub fn job(&self, data: &str, purpose: Option<&str>) -> Result<Job, Diagnostics> {
        let mut job = json!({ "version": 1, "data": data, "release": [self.fields] });
        if !self.windows.is_empty() {
            job["job"] = json!({ "windows": self.windows });
        }
        if let Some(purpose) = purpose {
            job["purpose"] = json!(purpose);
        }
        let root = Node::from_json(job);
        Job::from_tree(SourceFile::new("query", ""), root).map(|parsed| parsed.value)
    }
}
