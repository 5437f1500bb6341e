//! From a resolved job to its plan.

use std::collections::BTreeSet;
use std::path::Path;

use chrono_tz::Tz;
use flockwise_mechanisms::{Accounting, Ceiling, Digest, Family, Loss};

use super::budget::losses;
use super::grid::{declared, grid};
use super::loss::{Split, measures};
use super::rows::{Consented, Cut, Join, KeyPart, Made, ReadColumn, RowPlan, Scan, Unit, ValuePlan};
use super::stage::{Bounding, Channel, KeyDomain, Selection, StageError, Stages};
use super::{Plan, ReleasePlan};
use crate::engine::BoundChoice;
use crate::job::{Contribution, MechanismChoice, TwoStage};
use crate::kernel::{Bound, Moment};
use crate::names::{ColumnName, Name};
use crate::policy::{Access, Column, Policy};
use crate::resolve::{Key, Resolved, ResolvedRelease, Shape, ValueBounds};
use crate::statistics::{Asked, asked};
use crate::table::{ColumnKind, TableColumn};
use crate::value::ColumnType;

/// Keys of a person that take part in a selection: a keyed-hash subset beyond it keeps the threshold low.
const SELECTION_CAP: u32 = 64;
/// Buckets of the activity histogram where keys are private: up to 2^12 keys a person are told apart.
const ACTIVITY_BUCKETS: usize = 13;

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
    if budget.per.is_some() {
        let release = resolved.releases[0].name.clone();
        let instead = "leave `per` out of the policy's budget";
        return Err(PlanError::Unsupported { release, what: "a budget that renews".to_owned(), instead });
    }
    let ceiling = Ceiling { accounting: budget.accounting, epsilon: budget.epsilon, delta: budget.delta };
    let (losses, job) = losses(resolved, ceiling)?;
    let mut releases = Vec::new();
    for (release, loss) in resolved.releases.iter().zip(losses) {
        releases.push(release_plan(release, loss, policy, base)?);
    }
    let add = |sum: Loss, release: &ReleasePlan| sum.checked_add(release.loss);
    let policy_bytes =
        serde_json::to_vec(policy).map_err(|_| PlanError::Internal("a policy has a JSON form"))?;
    Ok(Plan {
        data: resolved.data.clone(),
        purpose: resolved.purpose.clone(),
        policy: Digest::of(&policy_bytes),
        ceiling,
        charged: match job {
            Some((charged, _)) => charged,
            None => {
                releases.iter().try_fold(Loss::zero(ceiling.accounting), add).ok_or(PlanError::TooMuch)?
            }
        },
        inner: job.map_or(ceiling, |(_, inner)| inner),
        unit: policy.data.privacy_unit.to_string(),
        scan: scan(resolved, policy)?,
        releases,
        reads: resolved.reads.clone(),
    })
}

fn release_plan(
    release: &ResolvedRelease,
    loss: Loss,
    policy: &Policy,
    base: &Path,
) -> Result<ReleasePlan, PlanError> {
    let asked = asked(release)?;
    let (parts, places) = key_parts(release, policy, base)?;
    let (family, reason) = family(release, loss.accounting())?;
    let value = value(release, &asked)?;
    let from_data = parts.iter().take_while(|part| part.declared.is_none()).count();
    let stages = stages(release, &asked, loss, family, &parts, from_data, value.as_ref())?;
    let at = |source| PlanError::Stage { release: release.name.clone(), source };
    stages.check(loss).map_err(at)?;
    let keys = release
        .keys
        .iter()
        .zip(places)
        .map(|(key, place)| (place, TableColumn::key(key.name.as_str(), kind(key))));
    Ok(ReleasePlan {
        name: release.name.clone(),
        statistic: release.statistic.name(),
        rows: RowPlan { filter: release.filter.clone(), keys: parts, value },
        loss: stages.spent().ok_or(PlanError::Internal("losses add up"))?,
        stages,
        keys: keys.collect(),
        outputs: asked.outputs,
        order: asked.order,
        labels: release.labels.clone(),
        reason,
    })
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
        (MechanismChoice::Gumbel | MechanismChoice::Exponential, _) => {
            unsupported("this mechanism", "leave `mechanism` out: rankings come from the noisy histogram")
        }
    }
}

fn value(release: &ResolvedRelease, asked: &Asked) -> Result<Option<ValuePlan>, PlanError> {
    let Some(value) = release.value.as_ref().filter(|_| asked.reads_values) else { return Ok(None) };
    let bounds = match value.bounds {
        Some(ValueBounds::Declared(bounds)) => bounds,
        Some(ValueBounds::Bought(_)) => {
            let (what, instead) =
                ("bounds = \"auto\"".to_owned(), "declare `bounds` for the column in the policy");
            return Err(PlanError::Unsupported { release: release.name.clone(), what, instead });
        }
        None => return Err(PlanError::Internal("a value that is read has bounds")),
    };
    let whole = value.column_type == ColumnType::Int
        && bounds.low().fract().abs() + bounds.high().fract().abs() < 1e-300;
    let channel = if asked.centred {
        Channel::new(bounds.low(), bounds.high(), whole)
    } else {
        Channel::uncentred(bounds.low(), bounds.high(), whole)
    };
    Ok(Some(ValuePlan {
        column: value.column.clone(),
        channel,
        squares: asked.squares,
        on_null: value.on_null,
        on_nan: value.on_nan,
    }))
}

fn stages(
    release: &ResolvedRelease,
    asked: &Asked,
    loss: Loss,
    family: Family,
    parts: &[KeyPart],
    from_data: usize,
    value: Option<&ValuePlan>,
) -> Result<Stages, PlanError> {
    let norm = family != Family::DiscreteLaplace;
    let scaled = |size: u32| if norm { Bound::norm(size) } else { Bound::mass(size) };
    let private = from_data > 0;
    let two_stage = private && release.two_stage != TwoStage::Never;
    let given = match (release.contribution, parts.is_empty()) {
        // One key for everybody: everybody has at most one.
        (_, true) => Some(Bound::keep(1)),
        (Contribution::Auto, false) => None,
        (Contribution::Norm(size), false) => Some(scaled(size.get())),
        (Contribution::Keep(keys), false) => Some(Bound::keep(keys.get())),
    };
    if private && !two_stage && given.is_none() {
        let what = "contribution = \"auto\" in one stage".to_owned();
        let instead = "give contribution = { norm = 8 }, or leave two_stage out";
        return Err(PlanError::Unsupported { release: release.name.clone(), what, instead });
    }
    if private && !two_stage && from_data < parts.len() {
        // The noisy weights that select are those of the private parts alone, and no cell's count of people.
        let what = "two_stage = false where only some parts of the key are public".to_owned();
        let instead = "leave two_stage out";
        return Err(PlanError::Unsupported { release: release.name.clone(), what, instead });
    }
    let reuses = private && !two_stage;
    let given = given.map(|bound| if reuses { bound.capped(SELECTION_CAP.max(bound.size())) } else { bound });
    let distinct: Vec<Moment> = asked.moments.clone();
    let paid = distinct.iter().filter(|moment| !(reuses && **moment == Moment::People)).count() as u64;
    let split = Split::new(private, reuses, given.is_none(), paid);
    let (selected, bought, each) = split.apply(loss, paid);
    let selection = Selection {
        bound: if reuses { given.unwrap_or(Bound::keep(1)) } else { scaled(1).capped(SELECTION_CAP) },
        loss: selected,
        reused: reuses,
    };
    let keys = match (private, from_data == parts.len()) {
        (false, _) => KeyDomain::Public(grid(parts)?),
        (true, true) => KeyDomain::Private(selection),
        (true, false) => KeyDomain::Under(selection, grid(&parts[from_data..])?),
    };
    let cells = match &keys {
        KeyDomain::Public(keys) => keys.len(),
        KeyDomain::Private(_) | KeyDomain::Under(..) => 1 << (ACTIVITY_BUCKETS - 1),
    };
    let buckets = cells.next_power_of_two().trailing_zeros() as usize + 1;
    let bounding = match given {
        Some(bound) => Bounding::Given(bound),
        None => {
            Bounding::Bought { choice: BoundChoice::new(norm, buckets.min(ACTIVITY_BUCKETS)), loss: bought }
        }
    };
    let mut channels = Vec::new();
    if let Some(value) = value {
        channels.push(value.channel);
        if value.squares {
            channels.push(value.channel);
        }
    }
    Ok(Stages { keys, bounding, family, channels, measures: measures(&distinct, each) })
}

/// What is read for all releases.
fn scan(job: &Resolved, policy: &Policy) -> Result<Scan, PlanError> {
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
        consent: policy.consent.as_ref().zip(job.purpose.clone()).map(|(consent, wanted)| Consented {
            source: consent.source.clone(),
            person: consent.person.clone(),
            purpose: consent.purpose.clone(),
            granted: consent.granted.clone(),
            default: consent.default_granted,
            wanted,
        }),
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
