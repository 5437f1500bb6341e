//! The least ε whose plan meets a target.

use std::collections::BTreeMap;
use std::path::Path;

use flockwise_mechanisms::{self as mechanisms, Epsilon};
use serde_json::{Map, Value as Json};

use super::{Answer, Answers, Ceiling, Found, Now, ReleaseAnswer, Target, TargetError, Whole};
use crate::job::{Amount, Share, Spend};
use crate::kernel::{Bound, Moment};
use crate::plan::{
    Bounding, Formula, KeyDomain, Order, Plan, PlanError, ReleasePlan, charge_json, contribution_json,
    measure_name, natural_sd, plan_within,
};
use crate::policy::Policy;
use crate::resolve::{Resolved, ResolvedRelease};
use crate::session::Error;
use crate::statistics::{Reach, predicted};

/// Sizes of keys that are answered for where a target names none.
const SIZES: [f64; 4] = [100.0, 1_000.0, 10_000.0, 100_000.0];

/// What is asked, of which job, under which policy.
pub(crate) struct Asked<'a> {
    pub target: &'a Target,
    pub resolved: &'a Resolved,
    pub policy: &'a Policy,
    pub base: &'a Path,
    pub ceiling: mechanisms::Ceiling,
}

/// Which releases an ε is given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Among {
    /// One alone, by its place.
    Alone(usize),
    /// All that have a share.
    Job,
}

/// Answers.
///
/// # Errors
/// When no release has the column, the noise of none is known without data, or the job cannot be planned at the ceiling.
pub(crate) fn answer(asked: &Asked<'_>) -> Result<Answers, Error> {
    let meant = meant(asked)?;
    let mut search = Search { asked, plans: BTreeMap::new() };
    if meant.iter().any(|&place| matches!(asked.resolved.releases[place].spend, Spend::Share(_))) {
        // What cannot be planned with the whole ceiling cannot be planned with less.
        search.made(Among::Job, asked.ceiling.epsilon)?;
    }
    let mut releases = Vec::new();
    let mut unknown = Vec::new();
    for place in meant {
        let named = format!("{}.{}", asked.resolved.releases[place].name, asked.target.column);
        match search.release(place)? {
            Some(answer) => releases.push(answer),
            None => unknown.push(named),
        }
    }
    if releases.is_empty() {
        return Err(TargetError::HangsOnData { columns: unknown.join(", ") }.into());
    }
    let mut notes = vec![
        "The error is that of noise. What bounding and clamping cut off comes beside it and hangs on the data: \
         `flockwise bench` shows it where data may be looked at."
            .to_owned(),
    ];
    if !unknown.is_empty() {
        notes.push(format!("Not answered, for it hangs on the data: {}.", unknown.join(", ")));
    }
    Ok(Answers {
        schema: "flockwise.target/1",
        target: asked.target.clone(),
        ceiling: Ceiling {
            epsilon: asked.ceiling.epsilon.to_f64(),
            delta: asked.ceiling.delta.to_string(),
            accounting: asked.ceiling.accounting.name(),
        },
        job: whole(&releases),
        notes,
        releases,
    })
}

/// The places of the releases that have the column.
fn meant(asked: &Asked<'_>) -> Result<Vec<usize>, TargetError> {
    let Target { release: wanted, column, .. } = asked.target;
    let releases = &asked.resolved.releases;
    let has = |release: &ResolvedRelease| {
        wanted.as_ref().is_none_or(|name| name == release.name.as_str()) && release.outputs.contains(column)
    };
    let meant: Vec<usize> = (0..releases.len()).filter(|&place| has(&releases[place])).collect();
    if meant.is_empty() {
        let of = |release: &ResolvedRelease| {
            let name = release.name.clone();
            let outputs = release.outputs.clone();
            outputs.into_iter().map(move |column| format!("{name}.{column}"))
        };
        let known: Vec<String> = releases.iter().flat_map(of).collect();
        let asked = wanted.as_ref().map_or_else(|| column.clone(), |release| format!("{release}.{column}"));
        return Err(TargetError::UnknownColumn { asked, known });
    }
    Ok(meant)
}

/// The job's ε: that of the release that needs most, under the best and the worst of what is assumed for each.
fn whole(releases: &[ReleaseAnswer]) -> Option<Whole> {
    let needs = |release: &ReleaseAnswer| -> Vec<f64> {
        let of = |answer: &Answer| answer.in_job.as_ref().map_or(f64::INFINITY, |found| found.epsilon);
        release.answers.iter().map(of).collect()
    };
    let needs: Vec<Vec<f64>> = releases.iter().filter(|release| release.shares).map(needs).collect();
    if needs.is_empty() {
        return None;
    }
    let most = |of: fn(&[f64]) -> f64| {
        let most = needs.iter().map(|needs| of(needs)).fold(0.0, f64::max);
        most.is_finite().then_some(most)
    };
    Some(Whole {
        from: most(|needs| needs.iter().copied().fold(f64::INFINITY, f64::min)),
        to: most(|needs| needs.iter().copied().fold(0.0, f64::max)),
    })
}

/// Plans that were made.
struct Search<'a> {
    asked: &'a Asked<'a>,
    plans: BTreeMap<(Among, u64), Option<Plan>>,
}

impl Search<'_> {
    /// The answers of one release; `None` where its noise hangs on the data.
    fn release(&mut self, place: usize) -> Result<Option<ReleaseAnswer>, Error> {
        let asked = self.asked;
        let release = &asked.resolved.releases[place];
        let name = release.name.as_str();
        let at_ceiling = self.made(Among::Alone(place), asked.ceiling.epsilon)?;
        let Some(planned) = of(&at_ceiling, name) else { return Ok(None) };
        let Some(formula) = formula(planned, &asked.target.column) else { return Ok(None) };
        let Some(reach) = bounds(planned, formula)
            .first()
            .and_then(|bound| predicted(planned, formula, *bound, self.probability()))
        else {
            return Ok(None);
        };
        let mean = matches!(reach, Reach::Mean { .. });
        if mean && asked.target.relative {
            return Err(TargetError::RelativeMean { column: asked.target.column.clone() }.into());
        }
        let sizes: Vec<Option<f64>> = match asked.target.size {
            _ if !mean && !asked.target.relative => vec![None],
            Some(size) => vec![Some(size)],
            None => SIZES.map(Some).to_vec(),
        };
        let shares = matches!(release.spend, Spend::Share(_));
        let mut answers = Vec::new();
        for bound in bounds(planned, formula) {
            for &size in &sizes {
                let need = Need { name: name.to_owned(), bound, size };
                answers.push(Answer {
                    contribution: contribution_json(&planned.stages, bound),
                    size,
                    now: self.now(&need),
                    at_ceiling: self.error(planned, &need),
                    alone: self.least(Among::Alone(place), &need),
                    in_job: if shares { self.least(Among::Job, &need) } else { None },
                });
            }
        }
        Ok(Some(ReleaseAnswer {
            release: release.name.clone(),
            statistic: planned.statistic,
            shares,
            of: size_unit(planned, formula),
            notes: notes(planned, formula),
            answers,
        }))
    }

    fn probability(&self) -> f64 {
        self.asked.target.keys / 100.0
    }

    /// How far noise moves the column of a release under a bound.
    fn reach(&self, plan: &ReleasePlan, need: &Need) -> Option<Reach> {
        let formula = formula(plan, &self.asked.target.column)?;
        if !bounds(plan, formula).contains(&need.bound) {
            return None;
        }
        predicted(plan, formula, need.bound, self.probability())
    }

    /// The largest error, in the column's unit, that the target allows a key.
    fn allowed(&self, need: &Need) -> f64 {
        let Target { within, relative, .. } = *self.asked.target;
        if relative { within / 100.0 * need.size.unwrap_or(1.0) } else { within }
    }

    fn meets(&self, plan: &Plan, need: &Need) -> bool {
        let reach = of(plan, &need.name).and_then(|release| self.reach(release, need));
        reach.is_some_and(|reach| reach.holds(self.allowed(need), need.size.unwrap_or(1.0)))
    }

    fn error(&self, plan: &ReleasePlan, need: &Need) -> Option<f64> {
        self.reach(plan, need)?.error(need.size.unwrap_or(1.0)).map(figures)
    }

    /// What the job as it stands gives; nothing where it cannot be planned.
    fn now(&self, need: &Need) -> Option<Now> {
        let Asked { target, resolved, policy, base, ceiling } = *self.asked;
        let plan = plan_within(resolved, policy, base, ceiling).ok()?;
        let release = of(&plan, &need.name)?;
        let reach = self.reach(release, need)?;
        let meets_from = need.size.map(|_| match reach {
            Reach::Same(half) => half / (target.within / 100.0),
            Reach::Mean { .. } => reach.least_size(target.within),
        });
        Some(Now {
            error: self.error(release, need),
            meets: self.meets(&plan, need),
            meets_from: meets_from.map(f64::ceil),
        })
    }

    /// The least ε, in three figures, whose plan meets the target: noise shrinks as ε grows, so it is found by halving; and
    /// whatever is found was planned and does meet it.
    fn least(&mut self, among: Among, need: &Need) -> Option<Found> {
        let steps = steps(self.asked.ceiling.epsilon);
        let (mut low, mut high) = (0, steps.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let meets = self.cached(among, steps[middle]).is_some_and(|plan| self.meets(&plan, need));
            if meets { high = middle } else { low = middle + 1 }
        }
        let epsilon = *steps.get(low)?;
        let plan = self.cached(among, epsilon)?;
        Some(self.found(&plan, of(&plan, &need.name)?, need, epsilon))
    }

    fn found(&self, plan: &Plan, release: &ReleasePlan, need: &Need, epsilon: Epsilon) -> Found {
        let sd = release.stages.measures.iter().map(|measure| {
            (measure_name(measure), Json::from(natural_sd(&release.stages, measure, need.bound)))
        });
        let appears = release.selection_people();
        Found {
            epsilon: epsilon.to_f64(),
            at_delta: plan.at_delta(release.loss),
            charge: charge_json(release.loss),
            mechanism: release.stages.family.name(),
            noise_sd: Json::Object(sd.collect::<Map<_, _>>()),
            error: self.error(release, need),
            appears_half: appears.map(|(half, _)| half.ceil()),
            appears_99pc: appears.map(|(_, most)| most.ceil()),
        }
    }

    /// The plan at an ε; `None` where so little cannot be planned.
    fn cached(&mut self, among: Among, epsilon: Epsilon) -> Option<Plan> {
        if let Some(plan) = self.plans.get(&(among, epsilon.units())) {
            return plan.clone();
        }
        let plan = self.made(among, epsilon).ok();
        self.plans.insert((among, epsilon.units()), plan.clone());
        plan
    }

    fn made(&self, among: Among, epsilon: Epsilon) -> Result<Plan, PlanError> {
        let Asked { resolved, policy, base, ceiling, .. } = *self.asked;
        let mut resolved = resolved.clone();
        resolved.total = Some(Amount::Epsilon(epsilon));
        if let Among::Alone(place) = among {
            resolved.releases = vec![resolved.releases[place].clone()];
            resolved.releases[0].spend = Spend::Share(Share::ONE);
        }
        plan_within(&resolved, policy, base, ceiling)
    }
}

/// One release under one bound, for keys of one size.
struct Need {
    name: String,
    bound: Bound,
    size: Option<f64>,
}

/// Every ε of three figures from a millionth to the ceiling, and the ceiling.
fn steps(ceiling: Epsilon) -> Vec<Epsilon> {
    let decades = (0..14).map(|decade| 10_u64.pow(4 + decade));
    let all = decades.flat_map(|unit| (100..1_000).map(move |figures| figures * unit));
    let below = all.take_while(|units| *units < ceiling.units());
    below.filter_map(|units| Epsilon::from_units(units).ok()).chain([ceiling]).collect()
}

/// A release of a plan: where the budget renews, that of the first window.
fn of<'p>(plan: &'p Plan, name: &str) -> Option<&'p ReleasePlan> {
    plan.releases.iter().find(|release| release.name.as_str() == name)
}

fn formula(plan: &ReleasePlan, column: &str) -> Option<Formula> {
    plan.outputs.iter().find(|output| output.name == *column).map(|output| output.formula)
}

/// The bounds to answer for: one, where what is released is what selected the keys.
fn bounds(plan: &ReleasePlan, formula: Formula) -> Vec<Bound> {
    match (formula, plan.stages.selection()) {
        (Formula::Count(place), Some(selection))
            if plan.stages.is_reused(plan.stages.measures[place].moment) =>
        {
            vec![selection.bound]
        }
        _ => plan.typical_bounds(),
    }
}

/// What the size of a key counts: what a mean is divided by, and else the value itself.
fn size_unit(plan: &ReleasePlan, formula: Formula) -> &'static str {
    let counts = |place: usize| match plan.stages.measures[place].moment {
        Moment::People | Moment::Nodes { limit: 1, .. } => "people",
        Moment::Rows { .. } | Moment::Value { .. } | Moment::Nodes { .. } => "rows",
    };
    match formula {
        Formula::Mean { count: place, .. } | Formula::Count(place) | Formula::Bar { nodes: place, .. } => {
            counts(place)
        }
        Formula::Sum { .. } => "in all",
        Formula::Total(_)
        | Formula::Variance { .. }
        | Formula::Deviation { .. }
        | Formula::Quantile { .. }
        | Formula::Lift(_)
        | Formula::Cosine(_)
        | Formula::Conditional(_)
        | Formula::OverIndex(_)
        | Formula::Retained { .. } => "people",
    }
}

/// What is assumed, and what is not known before the run.
fn notes(plan: &ReleasePlan, formula: Formula) -> Vec<String> {
    let mut notes = Vec::new();
    let reused = bounds(plan, formula).len() == 1 && plan.typical_bounds().len() > 1;
    if matches!(plan.stages.bounding, Bounding::Bought { .. }) && !reused {
        let all = plan.stages.possible_bounds().len();
        notes.push(format!(
            "The bound is bought during the run, one of {all}; the answer is given for {} of them, and more for larger ones.",
            plan.typical_bounds().len()
        ));
    }
    if matches!(formula, Formula::Mean { .. }) {
        notes.push("Of means the worst is taken: one at an end of the range of values.".to_owned());
    }
    if plan.selection_people().is_some() {
        notes.push(
            "Keys are found with noise: those of fewer people may not appear at all; of those that do, so many keep to the error."
                .to_owned(),
        );
    }
    let by_noise = plan.stages.selection().is_some_and(|selection| selection.reused)
        || matches!(plan.order, Order::Leading(_))
            && !matches!(plan.stages.keys, KeyDomain::Leading(_) | KeyDomain::Top(_));
    if by_noise {
        notes.push(
            "The same noisy numbers decide which rows are shown, so that those shown lean high: the share is of all keys that are measured."
                .to_owned(),
        );
    }
    if plan.is_consistent() {
        notes.push(
            "This is before cells and totals are made to add up, which lowers the noise's variance."
                .to_owned(),
        );
    }
    notes
}

/// Four figures: more would be read as precision.
fn figures(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use flockwise_mechanisms::Rounding;

    use super::*;

    #[test]
    fn steps_ascend_to_the_ceiling() {
        for ceiling in ["0.000001", "0.0123456", "1", "4", "99999"] {
            let ceiling = Epsilon::parse(ceiling, Rounding::Down).expect("an epsilon");
            let steps = steps(ceiling);
            assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(steps.last(), Some(&ceiling));
        }
    }
}
