//! A job under a policy: every name has its meaning, every part its type, and what is not allowed is refused.
//!
//! No data are looked at. What comes out is all that a plan needs: where each key comes from, what is read, what is
//! joined, what the release's columns are called.

mod finish;
mod keys;
mod release;
mod scope;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use flockwise_mechanisms::{Accounting, Delta};
use serde::Serialize;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, suggestion};
use crate::document::Places;
use crate::expr::Expr;
use crate::job::{
    Amount, Contribution, Every, Finish, Job, MechanismChoice, Spend, Statistic, TwoStage, Weekday,
};
use crate::names::{ColumnName, ColumnRef, Name};
use crate::policy::{Access, Missing, Normalize, NullKeys, Policy};
use crate::renewal::Window;
use crate::value::{Bounds, ColumnType, Value};

pub use release::{outputs, total_names};

/// A grid of public keys has at most so many cells.
pub const MOST_CELLS: u64 = 10_000_000;

/// A job that its policy allows, as far as can be known before the plan and the ledger.
#[derive(Clone, PartialEq, Debug)]
pub struct Resolved {
    /// The data.
    pub data: Name,
    /// The purpose: one of the policy's, where it has any.
    pub purpose: Option<Name>,
    /// What the whole job may cost.
    pub total: Option<Amount>,
    /// The δ of the whole job, where it was given.
    pub delta: Option<Delta>,
    /// Where the budget renews: the windows it is about, in order; at least one.
    pub windows: Vec<Window>,
    /// Values of the parameters.
    pub params: BTreeMap<Name, (ColumnType, Value)>,
    /// The releases.
    pub releases: Vec<ResolvedRelease>,
    /// Everything that is read, and nothing else is.
    pub reads: Reads,
}

/// The columns that a job reads.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reads {
    /// Of the data, the privacy unit among them; derived columns stand as what they are made from.
    pub data: BTreeSet<ColumnName>,
    /// Derived columns that are used.
    pub derived: BTreeSet<ColumnName>,
    /// Of each table that is used, its key among them.
    pub tables: BTreeMap<Name, BTreeSet<ColumnName>>,
    /// Whether the table of consent is read.
    pub consent: bool,
}

/// One release.
#[derive(Clone, PartialEq, Debug)]
pub struct ResolvedRelease {
    /// Its name.
    pub name: Name,
    /// What is asked, as it was asked.
    pub statistic: Statistic,
    /// The parts of its keys, in the order of [`Statistic::keys`].
    pub keys: Vec<Key>,
    /// The column that is summed, for a summary.
    pub value: Option<ValueColumn>,
    /// The column that orders rows, for transitions: of the data.
    pub order_by: Option<(ColumnName, ColumnType)>,
    /// Which rows count.
    pub filter: Option<Expr>,
    /// Tables whose columns are needed before the noise: joined to rows.
    pub joins: BTreeSet<Name>,
    /// What is joined on after the noise.
    pub labels: Vec<Label>,
    /// The computed columns, in order; each but labels and keys may have `_low` and `_high` beside it.
    pub outputs: Vec<String>,
    /// How a person's contribution is bounded.
    pub contribution: Contribution,
    /// What it may cost.
    pub spend: Spend,
    /// Its own δ.
    pub delta: Option<Delta>,
    /// Which mechanism.
    pub mechanism: MechanismChoice,
    /// Whether keys are selected first and measured after.
    pub two_stage: TwoStage,
    /// What is done to released numbers before they are shown.
    pub finish: Finish,
}

impl ResolvedRelease {
    /// Whether every cell is public: then all of them appear, and nothing is selected.
    #[must_use]
    pub fn is_grid(&self) -> bool {
        self.keys.iter().all(|key| key.domain.is_public())
    }
}

/// One part of a key.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Key {
    /// The column it is made from.
    pub column: ColumnRef,
    /// That column's type.
    pub column_type: ColumnType,
    /// What is done to a string first, in this order.
    pub normalize: Vec<Normalize>,
    /// Splits a string into several keys at this text.
    pub split: Option<String>,
    /// What a row without a key becomes, before it is cut.
    pub null_keys: NullKeys,
    /// How values become keys.
    pub shape: Shape,
    /// Where the keys come from.
    pub domain: Domain,
    /// What it is called in the release.
    pub name: ColumnName,
}

/// How values become keys.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// As they are.
    AsIs,
    /// The window of time they lie in, named by its start.
    Window {
        /// The length.
        every: Every,
        /// The day a week starts on.
        starts: Weekday,
        /// The zone of the calendar; `None` for dates.
        tz: Option<Tz>,
    },
    /// The bin `[i·width, (i+1)·width)` they lie in, named by its lower end.
    Bin {
        /// The width.
        width: f64,
    },
}

/// Where keys come from: never from people's rows, unless they are selected with noise.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Not known: selected with noise.
    Private,
    /// A list that a file declares, or both truth values.
    Listed(Vec<Value>),
    /// Every value of a column of a public table.
    Table {
        /// The table.
        table: Name,
        /// The column, of the table's key or beside it.
        column: ColumnName,
    },
    /// Every window from a moment (included) until another (excluded).
    Windows {
        /// The first moment: a [`Value::Date`] or [`Value::Datetime`].
        from: Value,
        /// The first moment after.
        until: Value,
    },
    /// Every bin of a range; what lies outside falls into the first or the last.
    Bins(Bounds),
}

impl Domain {
    /// Whether the keys are known without looking at people's rows.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        !matches!(self, Self::Private)
    }
}

/// The column that is summed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ValueColumn {
    /// The column.
    pub column: ColumnRef,
    /// Its type: `int` or `float`.
    pub column_type: ColumnType,
    /// What values are clamped to; `None` only where no aggregate looks at values.
    pub bounds: Option<ValueBounds>,
    /// What a null becomes.
    pub on_null: Missing,
    /// What NaN and infinities become.
    pub on_nan: Missing,
}

/// Where the range that values are clamped to comes from.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueBounds {
    /// The policy declares it.
    Declared(Bounds),
    /// It is bought with a part of the loss, within the policy's where it declares one.
    Bought(Option<Bounds>),
}

/// A column of a public table, joined on after the noise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Label {
    /// The table.
    pub table: Name,
    /// The column.
    pub column: ColumnName,
    /// The names, in the release, of the keys that the table is joined on, in the order of the table's key.
    pub on: Vec<ColumnName>,
}

/// Gives a job its meaning under a policy. `settings` are the parameters' values, as typed (`--set day=2026-11-24`).
///
/// # Errors
/// Everything that does not fit.
///
/// ```
/// use std::collections::BTreeMap;
/// use flockwise_query::{Job, Policy, resolve};
///
/// let policy = Policy::parse("policy.toml", r#"
///     version = 1
///     no_privacy = "made up"
///     data = { name = "films", source = "ratings.csv", privacy_unit = "user_id" }
///     columns = { movie_id = { type = "int" } }
/// "#)?;
/// let job = Job::parse("job.toml", r#"
///     version = 1
///     data = "films"
///     release = [{ name = "popular", statistic = "popularity", by = ["movie_id"], epsilon = 0.5 }]
/// "#)?;
/// let resolved = resolve(&job.value, &job.places, &policy.value, &BTreeMap::new())?;
/// assert!(!resolved.releases[0].is_grid());
/// # Ok::<(), flockwise_query::diagnostic::Diagnostics>(())
/// ```
pub fn resolve(
    job: &Job,
    places: &Places,
    policy: &Policy,
    settings: &BTreeMap<String, String>,
) -> Result<Resolved, Diagnostics> {
    job.check()?;
    let mut checker = Checker { places, policy, found: Vec::new(), reads: Reads::default() };
    checker.check_data(job);
    checker.check_purpose(job);
    let params = checker.params(job, settings);
    // A predicate cannot be judged by parameters that have no values.
    let known = (params.len() == job.params.len()).then_some(&params);
    let releases: Vec<Option<ResolvedRelease>> = job
        .releases
        .iter()
        .enumerate()
        .map(|(index, release)| release::release(&mut checker, &format!("release[{index}]"), release, known))
        .collect();
    checker.check_amounts(job);
    // Windows cannot be judged by parameters that have no values, or by keys that are wrong.
    let windows = match known {
        Some(params) if checker.found.is_empty() => checker.renewal(job, &releases, params),
        _ => Vec::new(),
    };
    checker.reads.data.insert(policy.data.privacy_unit.clone());
    checker.reads.consent = policy.consent.is_some();
    if let Access::Budget(budget) = &policy.access
        && let Some(per) = &budget.per
    {
        checker.reads.data.insert(per.time.clone());
    }
    match releases.into_iter().collect::<Option<Vec<_>>>() {
        Some(releases) if checker.found.is_empty() => Ok(Resolved {
            data: job.data.clone(),
            purpose: job.purpose.clone(),
            total: job.total,
            delta: job.delta,
            windows,
            params,
            releases,
            reads: checker.reads,
        }),
        _ => Err(Diagnostics::new(checker.found)),
    }
}

/// Collects what does not fit, and what is read.
struct Checker<'a> {
    places: &'a Places,
    policy: &'a Policy,
    found: Vec<Diagnostic>,
    reads: Reads,
}

impl Checker<'_> {
    fn report(
        &mut self,
        path: &str,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let diagnostic = self.places.diagnostic(path, code, message.into(), help.into());
        self.found.push(diagnostic);
    }

    /// Reports, and is `None`: for the end of a branch.
    fn fail<T>(
        &mut self,
        path: &str,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Option<T> {
        self.report(path, code, message, help);
        None
    }

    fn check_data(&mut self, job: &Job) {
        let name = &self.policy.data.name;
        if job.data != *name {
            let message = format!("this job is about `{}`, and the policy about `{name}`", job.data);
            self.report(
                "data",
                Code::UnknownName,
                message,
                format!("data = \"{name}\"; or run it under another policy"),
            );
        }
    }

    fn check_purpose(&mut self, job: &Job) {
        let known: Vec<&str> = self.policy.purposes.keys().map(Name::as_str).collect();
        match &job.purpose {
            None if known.is_empty() => {}
            None => {
                let help = format!("purpose = {}", crate::diagnostic::one_of(known));
                self.report("", Code::MissingField, "a job under this policy must state its purpose", help);
            }
            Some(purpose) if known.contains(&purpose.as_str()) => {}
            Some(purpose) if known.is_empty() => {
                let message = format!("the policy declares no purposes, and so not `{purpose}`");
                self.report("purpose", Code::UnknownName, message, "remove it".to_owned());
            }
            Some(purpose) => {
                let message = format!("the policy has no purpose `{purpose}`");
                let help = suggestion(purpose.as_str(), known);
                self.report("purpose", Code::UnknownName, message, help);
            }
        }
    }

    fn params(
        &mut self,
        job: &Job,
        settings: &BTreeMap<String, String>,
    ) -> BTreeMap<Name, (ColumnType, Value)> {
        for name in settings.keys().filter(|name| !job.params.contains_key(name.as_str())) {
            let help = suggestion(name, job.params.keys().map(Name::as_str));
            let message = format!("the job has no parameter `{}`", crate::document::shortened(name));
            self.report("params", Code::UnknownName, message, help);
        }
        let mut values = BTreeMap::new();
        for (name, kind) in &job.params {
            let path = format!("params.{name}");
            let Some(text) = settings.get(name.as_str()) else {
                let help = format!("--set {name}=...");
                self.report(&path, Code::MissingField, format!("the parameter `{name}` has no value"), help);
                continue;
            };
            match crate::value::Literal::read(text, *kind) {
                Ok(value) => {
                    values.insert(name.clone(), (*kind, value));
                }
                Err(error) => {
                    self.report(&path, Code::BadValue, format!("the value of `{name}`: {error}"), None)
                }
            }
        }
        values
    }

    /// An amount must be one that the policy's accounting adds up, or can be turned into.
    fn check_amounts(&mut self, job: &Job) {
        let Access::Budget(budget) = &self.policy.access else { return };
        let own = job.releases.iter().enumerate().filter_map(|(index, release)| match release.spend {
            Spend::Own(amount) => Some((format!("release[{index}]"), amount)),
            Spend::Share(_) => None,
        });
        let amounts: Vec<(String, Amount)> =
            job.total.map(|amount| ("job".to_owned(), amount)).into_iter().chain(own).collect();
        for (path, amount) in amounts {
            let gaussian = matches!(budget.accounting, Accounting::Zcdp | Accounting::Gdp);
            if matches!(amount, Amount::Rho(_)) && !gaussian {
                let message = format!("rho does not add up under accounting = \"{}\"", budget.accounting);
                self.report(&format!("{path}.rho"), Code::Unsupported, message, "give epsilon".to_owned());
            }
        }
        let deltas = job
            .releases
            .iter()
            .enumerate()
            .filter(|(_, release)| release.delta.is_some())
            .map(|(index, _)| format!("release[{index}].delta"))
            .chain(job.delta.map(|_| "job.delta".to_owned()));
        for path in deltas.collect::<Vec<_>>() {
            if budget.delta.is_zero() {
                let message = "the policy grants no delta";
                self.report(&path, Code::Unsupported, message, "remove it".to_owned());
            }
        }
    }
}
