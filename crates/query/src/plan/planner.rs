//! From a resolved job to its plan.

use std::collections::BTreeSet;
use std::path::Path;

use chrono_tz::Tz;
use flockwise_mechanisms::{Accounting, Ceiling, Epsilon, Family, Loss, Rounding};

use super::budget::losses;
use super::grid::declared;
use super::ranking::ranking;
use super::renewing::{self, Renewing, charged, meeting};
use super::rows::{Consented, Cut, Grouping, Join, KeyPart, Made, OwnLimit, ReadColumn, RowPlan, Scan, Unit};
use super::stage::StageError;
use super::staging::{stages, value};
use super::{Plan, ReleasePlan};
use crate::job::MechanismChoice;
use crate::names::{ColumnName, Name};
use crate::policy::{Access, Column, Policy};
use crate::renewal::Window;
use crate::resolve::{Key, MOST_CELLS, Resolved, ResolvedRelease, Shape};
use crate::statistics::{Asked, asked};
use crate::table::{ColumnKind, TableColumn};
use crate::value::ColumnType;

/// A job that cannot be planned.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The policy has no budget.
    #[error("the policy says no_privacy: it has no ledger and releases nothing; use it with bench")]
    NoLedger,
    /// Neither the job nor the release says what it may spend.
    #[error("nothing says what this may spend: give [job] an epsilon, or the release one of its own")]
    NoBudget,
    /// A share that rounds to nothing.
    #[error("the share of '{release}' rounds to no loss at all: give it more")]
    NothingToSpend {
        /// The release.
        release: Name,
    },
    /// Private keys need δ.
    #[error(
        "'{release}' selects keys, which takes a delta: give the policy a delta above 0, or declare the keys"
    )]
    NoDelta {
        /// The release.
        release: Name,
    },
    /// ρ is a loss of zCDP.
    #[error("rho is counted under accounting = \"zcdp\"; this ledger counts {accounting}: give epsilon")]
    RhoUnder {
        /// The ledger's accounting.
        accounting: Accounting,
    },
    /// The sum is over every limit.
    #[error("the losses of the releases add up to more than any budget")]
    TooMuch,
    /// The grid of declared keys is too large.
    #[error("the declared keys multiply to more than {most} cells: declare fewer, or leave one part private")]
    TooManyCells {
        /// The limit.
        most: u64,
    },
    /// A public table cannot be read for its keys.
    #[error("the public table '{table}' cannot be read for its keys")]
    Table {
        /// Its name.
        table: String,
    },
    /// What this version does not do.
    #[error("'{release}': {what} is not supported by this version; {instead}")]
    Unsupported {
        /// The release.
        release: Name,
        /// What was asked.
        what: String,
        /// The way out.
        instead: &'static str,
    },
    /// A stage cannot be calibrated.
    #[error("'{release}': {source}")]
    Stage {
        /// The release.
        release: Name,
        /// Why.
        source: StageError,
    },
    /// A bug.
    #[error("a bug in flockwise: {0}")]
    Internal(&'static str),
}

/// Plans a job: a pure function of job, policy and public tables, which are found below `base`.
///
/// # Errors
/// Everything that could fail later for a reason that is known now.
pub fn plan(resolved: &Resolved, policy: &Policy, base: &Path) -> Result<Plan, PlanError> {
    let Access::Budget(budget) = &policy.access else { return Err(PlanError::NoLedger) };
    let ceiling = Ceiling { accounting: budget.accounting, epsilon: budget.epsilon, delta: budget.delta };
    plan_within(resolved, policy, base, ceiling)
}

/// Plans a job within a ceiling, whether or not a ledger has it: what is planned for a ledger comes from [`plan`].
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_within(
    resolved: &Resolved,
    policy: &Policy,
    base: &Path,
    ceiling: Ceiling,
) -> Result<Plan, PlanError> {
    let renewing = match &policy.access {
        Access::Budget(budget) => budget.per.as_ref().map(|per| Renewing::new(resolved, per)).transpose()?,
        Access::NoPrivacy(_) => None,
    };
    let (losses, job) = losses(resolved, ceiling)?;
    let made = |window: Option<&Within<'_>>| -> Result<Vec<ReleasePlan>, PlanError> {
        let all = resolved.releases.iter().zip(&losses);
        let made = all.map(|(release, loss)| release_plan(release, *loss, window, policy, base));
        Ok(made.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    };
    let by_window = match &renewing {
        None => vec![made(None)?],
        Some(Renewing { per, windows }) => {
            let column = policy.columns.get(&per.time).map(|column| column.kind);
            let column = column.ok_or(PlanError::Internal("the time of a renewal is a column"))?;
            let within = windows.iter().map(|window| Within { time: &per.time, column, window });
            within.map(|within| made(Some(&within))).collect::<Result<_, _>>()?
        }
    };
    if by_window.iter().all(Vec::is_empty) {
        return Err(PlanError::Unsupported {
            release: resolved.releases[0].name.clone(),
            what: "a job whose declared times lie in none of its windows".to_owned(),
            instead: "name other windows, or other times",
        });
    }
    if by_window.len() > 1 && renewing::cells(&by_window) > MOST_CELLS {
        return Err(PlanError::TooManyCells { most: MOST_CELLS });
    }
    let charged = match job {
        Some((charged, _)) => charged,
        None => charged(&by_window, Loss::zero(ceiling.accounting))?,
    };
    Ok(Plan {
        data: resolved.data.clone(),
        purpose: resolved.purpose.clone(),
        policy: policy.digest(),
        ceiling,
        charged,
        inner: job.map_or(ceiling, |(_, inner)| inner),
        unit: policy.data.privacy_unit.to_string(),
        renewing,
        scan: scan(resolved, policy, ceiling.epsilon_of(charged))?,
        releases: by_window.into_iter().flatten().collect(),
        reads: resolved.reads.clone(),
    })
}

/// A window of a budget that renews, over the time column.
struct Within<'a> {
    time: &'a ColumnName,
    column: ColumnType,
    window: &'a Window,
}

/// The plan of a release, in a window where the budget renews: none where no declared key lies in that window.
fn release_plan(
    release: &ResolvedRelease,
    loss: Loss,
    within: Option<&Within<'_>>,
    policy: &Policy,
    base: &Path,
) -> Result<Option<ReleasePlan>, PlanError> {
    let asked = asked(release)?;
    let (mut parts, places) = key_parts(release, policy, base)?;
    let mut filter = release.filter.clone();
    if let Some(Within { time, column, window }) = within {
        parts.iter_mut().for_each(|part| meeting(part, time, window));
        if parts.iter().any(|part| part.declared.as_ref().is_some_and(Vec::is_empty)) {
            return Ok(None);
        }
        filter = renewing::within(filter, time, *column, window);
    }
    let (family, reason) = family(release, loss.accounting())?;
    let value = value(release, &asked)?;
    let from_data = parts.iter().take_while(|part| part.declared.is_none()).count();
    let ranking = ranking(release, &parts, family, loss)?;
    let reason = ranking.reason.map_or(reason.clone(), |why| format!("{reason}; {why}"));
    let stages =
        stages(release, &asked, loss, family, (&parts, from_data), (value.as_ref(), ranking.chosen))?;
    let at = |source| PlanError::Stage { release: release.name.clone(), source };
    stages.check(loss).map_err(at)?;
    let keys = key_columns(release, &asked, &places);
    Ok(Some(ReleasePlan {
        name: release.name.clone(),
        window: within.map(|within| within.window.clone()),
        statistic: release.statistic.name(),
        rows: RowPlan { filter, keys: parts, value, grouping: asked.grouping },
        loss: stages.spent().ok_or(PlanError::Internal("losses add up"))?,
        stages,
        keys,
        outputs: asked.outputs,
        order: asked.order,
        both_ways: asked.both_ways,
        finish: release.finish,
        labels: release.labels.clone(),
        reason,
    }))
}

/// The parts of the key, those from the data first, and where each part of the job stands among them.
fn key_parts(
    release: &ResolvedRelease,
    policy: &Policy,
    base: &Path,
) -> Result<(Vec<KeyPart>, Vec<usize>), PlanError> {
    let mut parts = Vec::new();
    for key in &release.keys {
        let cut = match &key.shape {
            Shape::AsIs => Cut::Whole,
            Shape::Window { every, starts, tz } => Cut::Window {
                count: every.count.get(),
                unit: every.unit,
                starts: *starts,
                tz: tz.unwrap_or(Tz::UTC),
            },
            Shape::Bin { width } => {
                let bounds =
                    if let crate::resolve::Domain::Bins(bounds) = &key.domain { Some(*bounds) } else { None };
                Cut::Bins { width: *width, bounds }
            }
        };
        parts.push(KeyPart {
            column: key.column.clone(),
            kind: key.column_type,
            split: key.split.clone(),
            null_keys: key.null_keys.clone(),
            cut,
            declared: declared(key, policy, base)?,
            name: key.name.to_string(),
        });
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&at| parts[at].declared.is_some());
    let places = (0..parts.len()).map(|at| order.iter().position(|&part| part == at).unwrap_or(at)).collect();
    Ok((order.into_iter().map(|at| parts[at].clone()).collect(), places))
}

/// The columns of the keys, each with the place of its part in a cell's key: two of each where keys are linked.
fn key_columns(release: &ResolvedRelease, asked: &Asked, places: &[usize]) -> Vec<(usize, TableColumn)> {
    if matches!(asked.grouping, Grouping::Activity(_)) {
        return vec![(0, TableColumn::key("rows_from", ColumnKind::Int))];
    }
    let column = |key: &Key, suffix: &str| TableColumn::key(&format!("{}{suffix}", key.name), kind(key));
    match (&asked.linked, release.keys.first()) {
        (Some(linked), Some(key)) => {
            let [one, other] = linked.link.suffixes();
            vec![(0, column(key, one)), (1, column(key, other))]
        }
        _ => release.keys.iter().zip(places).map(|(key, &place)| (place, column(key, ""))).collect(),
    }
}

/// What a key's column holds in the release.
const fn kind(key: &Key) -> ColumnKind {
    match (&key.shape, key.column_type) {
        (Shape::Bin { .. }, _) => ColumnKind::Float,
        (Shape::Window { every, .. }, _) => match every.unit {
            crate::job::EveryUnit::Minute | crate::job::EveryUnit::Hour => ColumnKind::Datetime,
            crate::job::EveryUnit::Day
            | crate::job::EveryUnit::Week
            | crate::job::EveryUnit::Month
            | crate::job::EveryUnit::Quarter
            | crate::job::EveryUnit::Year => ColumnKind::Date,
        },
        (Shape::AsIs, ColumnType::Int) => ColumnKind::Int,
        (Shape::AsIs, ColumnType::Float) => ColumnKind::Float,
        (Shape::AsIs, ColumnType::String) => ColumnKind::String,
        (Shape::AsIs, ColumnType::Bool) => ColumnKind::Bool,
        (Shape::AsIs, ColumnType::Date) => ColumnKind::Date,
        (Shape::AsIs, ColumnType::Datetime(_)) => ColumnKind::Datetime,
    }
}

/// The noise of least error that the accounting allows, and why.
fn family(release: &ResolvedRelease, accounting: Accounting) -> Result<(Family, String), PlanError> {
    let unsupported = |what: &str, instead| {
        Err(PlanError::Unsupported { release: release.name.clone(), what: what.to_owned(), instead })
    };
    let gaussian = match accounting {
        Accounting::Zcdp => Some(Family::DiscreteGaussian),
        Accounting::Gdp | Accounting::Approx => Some(Family::RoundedNormal),
        Accounting::Pure => None,
    };
    match (release.mechanism, gaussian) {
        (MechanismChoice::Auto | MechanismChoice::Gaussian, Some(family)) => {
            Ok((family, "at equal loss its error grows with √B, not B, in the bound B".to_owned()))
        }
        (MechanismChoice::Auto | MechanismChoice::Laplace, None) => {
            Ok((Family::DiscreteLaplace, "the one noise of least error that pure epsilon allows".to_owned()))
        }
        (MechanismChoice::Laplace, Some(Family::DiscreteGaussian)) => {
            Ok((Family::DiscreteLaplace, "the job asks for it; Gaussian noise would be less".to_owned()))
        }
        (MechanismChoice::Laplace, Some(_)) => {
            unsupported("mechanism = \"laplace\" under this accounting", "leave `mechanism` out")
        }
        (MechanismChoice::Gaussian, None) => {
            unsupported("Gaussian noise under pure accounting", "use accounting = \"zcdp\" in the policy")
        }
        (MechanismChoice::Gumbel | MechanismChoice::Exponential, family) => {
            if !matches!(release.statistic, crate::job::Statistic::TopK(_)) {
                return unsupported(
                    "this mechanism",
                    "leave `mechanism` out: quantiles come from a noisy tree, any list of them from one",
                );
            }
            Ok((family.unwrap_or(Family::DiscreteLaplace), "for the counts of what is chosen".to_owned()))
        }
    }
}

/// Who consents to the job's purpose, and what they allow a job of this ε.
fn consented(job: &Resolved, policy: &Policy, epsilon: f64) -> Result<Option<Consented>, PlanError> {
    let Some((consent, wanted)) = policy.consent.as_ref().zip(job.purpose.clone()) else { return Ok(None) };
    let epsilon = Epsilon::from_f64(epsilon, Rounding::Up).map_err(|_| PlanError::TooMuch)?;
    Ok(Some(Consented {
        source: consent.source.clone(),
        person: consent.person.clone(),
        purpose: consent.purpose.clone(),
        granted: consent.granted.clone(),
        limit: consent.epsilon.clone().map(|column| OwnLimit { column, job: epsilon }),
        default: consent.default_granted,
        wanted,
    }))
}

/// What is read for all releases.
fn scan(job: &Resolved, policy: &Policy, epsilon: f64) -> Result<Scan, PlanError> {
    let read = |name: &ColumnName, column: &Column| ReadColumn {
        name: name.clone(),
        kind: column.kind,
        normalize: column.normalize.clone(),
    };
    let columns =
        job.reads.data.iter().filter_map(|name| policy.columns.get(name).map(|column| read(name, column)));
    let unit = policy.columns.get(&policy.data.privacy_unit);
    let joined: BTreeSet<&Name> = job.releases.iter().flat_map(|release| &release.joins).collect();
    let joins = joined.into_iter().filter_map(|name| {
        let (table, wanted) = (policy.tables.get(name)?, job.reads.tables.get(name)?);
        let key = table.key.iter().map(|column| match policy.columns.get(column) {
            Some(known) => read(column, known),
            // The privacy unit need not be listed: the table's key then has the type that the unit has in the data.
            None => ReadColumn { name: column.clone(), kind: ColumnType::Int, normalize: Vec::new() },
        });
        let columns = table
            .columns
            .iter()
            .filter(|(column, _)| wanted.contains(*column) && !table.key.contains(column));
        Some(Join {
            table: name.clone(),
            source: table.source.clone(),
            private: table.private,
            key: key.collect(),
            columns: columns.map(|(column, known)| read(column, known)).collect(),
        })
    });
    Ok(Scan {
        unit: Unit {
            column: policy.data.privacy_unit.clone(),
            kind: unit.map(|column| column.kind),
            normalize: unit.map(|column| column.normalize.clone()).unwrap_or_default(),
        },
        consent: consented(job, policy, epsilon)?,
        columns: columns.collect(),
        joins: joins.collect(),
        derived: derived(job, policy)?,
    })
}

fn derived(job: &Resolved, policy: &Policy) -> Result<Vec<Made>, PlanError> {
    let made = |name: &ColumnName| {
        let derived =
            policy.derived.get(name).ok_or(PlanError::Internal("a derived column that is read exists"))?;
        Ok(Made { name: name.clone(), kind: derived.column.kind, expr: derived.expr.clone() })
    };
    job.reads.derived.iter().map(made).collect()
}
