//! The benchmark from questions to a report: plan every point, compute the truth once, run the trials.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use flockwise_mechanisms::{Ceiling, Digest, Epsilon, Ledger, Loss, Waiver, charge};
use rayon::prelude::*;

use super::Bench;
use super::figures::{ColumnTrial, Parts};
use super::report::{
    Axis, BoundUsed, ColumnFigures, Coverage, Decomposition, How, KeyFigures, Point, Recall, Relative,
    ReleaseReport, Report, SCHEMA, Spread,
};
use super::rows::Rows;
use super::sweep::{Places, apply, combinations, settings};
use super::trial::{Trial, is_additive, key_words, trial};
use super::world::World;
use crate::engine::Failed;
use crate::job::{Amount, Spend};
use crate::plan::{Plan, PlanError, ReleasePlan, charge_json, plan_within};
use crate::policy::Policy;
use crate::resolve::Resolved;
use crate::table::TableColumn;

/// One plan of the whole job: at one combination of settings and one ε.
pub(crate) struct Planned {
    epsilon: Epsilon,
    places: Places,
    /// The job with the settings of this combination.
    resolved: Resolved,
    /// Its plan.
    pub plan: Plan,
}

/// Plans every combination and ε, in the order of the report.
///
/// # Errors
/// The first that cannot be planned.
pub(crate) fn plans(
    asked: &Bench,
    resolved: &Resolved,
    policy: &Policy,
    base: &Path,
    ceiling: &dyn Fn(Epsilon) -> Ceiling,
) -> Result<Vec<Planned>, PlanError> {
    let mut all = Vec::new();
    for places in combinations(&asked.sweeps) {
        for &epsilon in &asked.epsilons {
            let mut resolved = resolved.clone();
            resolved.total = Some(Amount::Epsilon(epsilon));
            for release in &mut resolved.releases {
                apply(&asked.sweeps, &places, release);
                if matches!(release.spend, Spend::Own(_)) {
                    release.spend = Spend::Own(Amount::Epsilon(epsilon));
                }
            }
            let plan = plan_within(&resolved, policy, base, ceiling(epsilon))?;
            all.push(Planned { epsilon, places: places.clone(), resolved, plan });
        }
    }
    Ok(all)
}

/// No ledger: what is spent in a trial is spent on data that may be looked at, for the reason of a waiver.
struct Waived<'a>(#[expect(dead_code, reason = "whoever has one may do without a ledger")] &'a Waiver);

impl Ledger for Waived<'_> {
    type Error = std::convert::Infallible;
    type Request = ();
    type Receipt = ();

    fn record(&mut self, _: Loss, _: Digest, (): &()) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What a trial of one release may spend.
struct OneTrial(Loss);

impl flockwise_mechanisms::Plan for OneTrial {
    fn loss(&self) -> Loss {
        self.0
    }

    fn digest(&self) -> Digest {
        Digest::of(b"a trial")
    }
}

/// One point of one release.
struct Spot<'p> {
    planned: &'p Planned,
    release: &'p ReleasePlan,
    settings: std::collections::BTreeMap<String, String>,
    /// Which of the truths is its own.
    world: usize,
}

/// Runs every trial of every point.
///
/// # Errors
/// Those of the engine.
pub(crate) fn bench(
    asked: &Bench,
    planned: &[Planned],
    rows: Rows<'_>,
    waiver: &Waiver,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<ReleaseReport>, Failed> {
    let releases = planned.first().map_or(0, |planned| planned.plan.releases.len());
    let spots = |at: usize| {
        planned.iter().filter_map(move |planned| {
            let settings = settings(&asked.sweeps, &planned.places, &planned.resolved.releases[at])?;
            Some(Spot { planned, release: &planned.plan.releases[at], settings, world: 0 })
        })
    };
    let total: usize = (0..releases).map(|at| spots(at).count() * asked.trials as usize).sum();
    let (done, total) = (AtomicU64::new(0), total as u64);
    let mut reports = Vec::new();
    for at in 0..releases {
        let mut worlds: Vec<World<'_>> = Vec::new();
        let mut points: Vec<Spot<'_>> = spots(at).collect();
        for spot in &mut points {
            let known = worlds.iter().position(|world| world.fits(spot.release));
            spot.world = match known {
                Some(known) => known,
                None => {
                    worlds.push(World::new(waiver, spot.release, rows)?);
                    worlds.len() - 1
                }
            };
        }
        let runs = points.len() * asked.trials as usize;
        let trials: Vec<Trial> = (0..runs)
            .into_par_iter()
            .with_max_len(1)
            .map(|run| {
                let spot = &points[run / asked.trials as usize];
                let Ok((charged, ())) = charge(&mut Waived(waiver), OneTrial(spot.planned.plan.charged), &());
                let (_, allowance) = charged.open();
                let found = trial(&worlds[spot.world], spot.release, allowance.as_gaussian())?;
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                Ok(found)
            })
            .collect::<Result<_, Failed>>()?;
        reports.push(report(&points, &worlds, trials.chunks(asked.trials as usize)));
    }
    Ok(reports)
}

fn report<'t>(
    points: &[Spot<'_>],
    worlds: &[World<'_>],
    trials: impl Iterator<Item = &'t [Trial]>,
) -> ReleaseReport {
    let first = points.first().expect("every release has a point");
    let world = &worlds[first.world];
    let linked = first.release.stages.linked.is_some();
    ReleaseReport {
        release: first.release.name.to_string(),
        statistic: first.release.statistic.to_owned(),
        keys: key_words(&first.release.stages.keys).to_owned(),
        of: if linked { "items" } else { "keys" }.to_owned(),
        true_keys: world.true_keys() as u64,
        points: points
            .iter()
            .zip(trials)
            .map(|(spot, trials)| point(spot, &worlds[spot.world], trials))
            .collect(),
    }
}

fn spread(figures: impl Iterator<Item = f64>) -> Spread {
    Spread::over(figures.map(Some)).unwrap_or(Spread { mean: 0.0, sd: 0.0, least: 0.0, most: 0.0, trials: 0 })
}

fn point(spot: &Spot<'_>, world: &World<'_>, trials: &[Trial]) -> Point {
    let (plan, release) = (&spot.planned.plan, spot.release);
    let mut bounds: Vec<BoundUsed> = Vec::new();
    for trial in trials {
        match bounds.iter_mut().find(|known| known.contribution == trial.contribution) {
            Some(known) => known.trials += 1,
            None => bounds.push(BoundUsed {
                contribution: trial.contribution.clone(),
                trials: 1,
                noise_sd: trial.noise_sd.clone(),
            }),
        }
    }
    bounds.sort_by_key(|bound| std::cmp::Reverse(bound.trials));
    let (there, people) = (world.true_keys().max(1) as f64, world.people.iter().sum::<f64>().max(1.0));
    let keys = KeyFigures {
        rows: spread(trials.iter().map(|trial| trial.rows as f64)),
        found: spread(trials.iter().map(|trial| trial.found as f64)),
        share: spread(trials.iter().map(|trial| trial.found as f64 / there)),
        mass: spread(trials.iter().map(|trial| trial.mass / people)),
        nobodys: spread(trials.iter().map(|trial| trial.nobodys as f64)),
    };
    let columns = release.outputs.iter().enumerate().map(|(place, output)| {
        let of: Vec<&ColumnTrial> = trials.iter().map(|trial| &trial.columns[place]).collect();
        column(&unit_of(release, place), (&output.name, is_additive(output.formula)), world, &of)
    });
    Point {
        epsilon: spot.planned.epsilon.to_f64(),
        setting: spot.settings.clone(),
        charge: charge_json(release.loss),
        alone: crate::release::Alone {
            epsilon: plan.inner.epsilon_of(release.loss),
            at_delta: plan.at_delta(release.loss),
        },
        how: How {
            mechanism: release.stages.family.name().to_owned(),
            why: release.reason.clone(),
            stages: release.stage_names().into_iter().map(str::to_owned).collect(),
            bounds,
            selection: release.selection_people().map(|(half, most)| {
                serde_json::json!({ "appears_half": half.ceil(), "appears_99pc": most.ceil() })
            }),
        },
        keys,
        columns: columns.collect(),
    }
}

/// The unit of a column, as its table has it.
fn unit_of(release: &ReleasePlan, place: usize) -> String {
    let columns: Vec<TableColumn> = crate::statistics::columns(release);
    let computed: Vec<&TableColumn> = columns.iter().filter(|column| column.bars.is_some()).collect();
    computed.get(place).and_then(|column| column.unit.clone()).unwrap_or_default()
}

fn column(
    unit: &str,
    (name, additive): (&str, bool),
    world: &World<'_>,
    trials: &[&ColumnTrial],
) -> ColumnFigures {
    let over = |of: &dyn Fn(&ColumnTrial) -> Option<f64>| Spread::over(trials.iter().map(|trial| of(trial)));
    let tops = world.ranks.tops.iter().map(|&top| Some(top)).chain([None]);
    let relative = tops
        .enumerate()
        .map(|(at, top)| Relative { top, error: over(&|trial| trial.relative.get(at).copied().flatten()) });
    let recall = world
        .ranks
        .recalls
        .iter()
        .enumerate()
        .map(|(at, &top)| Recall { top, share: over(&|trial| trial.recall.get(at).copied().flatten()) })
        .filter(|recall| recall.share.is_some());
    let sum = |of: &dyn Fn(&ColumnTrial) -> (u64, u64)| {
        trials
            .iter()
            .map(|trial| of(trial))
            .fold((0, 0), |(all, held), (more, hold)| (all + more, held + hold))
    };
    let share = |(all, held): (u64, u64)| (all > 0).then(|| held as f64 / all as f64);
    let unbounded = sum(&|trial| trial.unbounded);
    let decomposition = |of: &dyn Fn(&ColumnTrial) -> Option<Parts>| Decomposition {
        total: over(&|trial| of(trial).map(|parts| parts.total)),
        clamp: over(&|trial| of(trial).map(|parts| parts.clamp)),
        contribution: over(&|trial| of(trial).map(|parts| parts.contribution)),
        noise: over(&|trial| of(trial).map(|parts| parts.noise)),
        dropped: over(&|trial| of(trial).and_then(|parts| parts.dropped)),
    };
    let over_all = decomposition(&|trial| trial.parts_over_all);
    ColumnFigures {
        column: name.to_owned(),
        unit: unit.to_owned(),
        additive,
        rmse: over(&|trial| trial.parts.map(|parts| parts.total)),
        median: over(&|trial| trial.median),
        p95: over(&|trial| trial.p95),
        relative: relative.collect(),
        coverage: Coverage {
            cells: unbounded.0,
            bounded: share(sum(&|trial| trial.bounded)),
            unbounded: share(unbounded),
        },
        recall: recall.collect(),
        error: decomposition(&|trial| trial.parts),
        error_over_all: over_all.total.is_some().then_some(over_all),
    }
}

/// The head of a report.
pub(crate) struct Head<'a> {
    pub policy: &'a Policy,
    pub waiver: &'a Waiver,
    pub made_up: bool,
    pub ceiling: Ceiling,
    /// Whether each ε is a part of the ceiling.
    pub part: bool,
    pub began: Instant,
}

/// The whole document.
pub(crate) fn whole(asked: &Bench, head: &Head<'_>, releases: Vec<ReleaseReport>) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        flockwise: env!("CARGO_PKG_VERSION").to_owned(),
        data: head.policy.data.name.to_string(),
        reason: head.waiver.reason().to_owned(),
        made_up: head.made_up,
        unit: format!("one person ({})", head.policy.data.privacy_unit),
        accounting: head.ceiling.accounting.name().to_owned(),
        delta: head.ceiling.delta.to_string(),
        ceiling: head.part.then(|| head.ceiling.epsilon.to_f64()),
        epsilons: asked.epsilons.iter().map(|epsilon| epsilon.to_f64()).collect(),
        sweep: asked.sweeps.iter().map(super::Sweep::axis).collect::<Vec<Axis>>(),
        trials: asked.trials,
        seconds: (head.began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        releases,
    }
}
