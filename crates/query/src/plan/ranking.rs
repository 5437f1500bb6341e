//! How leading keys are found: by ranking a noisy histogram, or by choosing them in one shot.
//!
//! The four cases of Rogers, Subramaniam, Peng, Durfee, Lee, Kancha, Sahay, Ahammad (2020): keys declared or not, a person's
//! keys bounded (the histogram) or any number of them (the choice). The plan knows which keys are declared, and compares the
//! other two ways at the same loss.

use flockwise_mechanisms::{
    Choice, Family, Leading, Loss, Noise, Pick, ScoreChange, appearing_weight, threshold,
};

use super::planner::PlanError;
use super::rows::KeyPart;
use super::stage::StageError;
use super::staging::SELECTION_CAP;
use crate::job::{Contribution, MechanismChoice, Statistic, TopK};
use crate::kernel::Bound;
use crate::resolve::ResolvedRelease;

/// The bound that is supposed of a histogram whose bound is bought: what was bought on films and on shop goods is 12 to 24.
const SUPPOSED_BOUND: u32 = 16;
/// The keys that are supposed of a person where keys are not declared: the smaller end of that, in favour of the histogram,
/// which still finds some keys where the end mark leaves none.
const SUPPOSED_KEYS: u32 = 12;
/// Where keys are not declared, the leading ones are looked for among so many of the most common: more lower the count that
/// the end mark starts from, and raise the mark by their logarithm.
const CONSIDERED: u32 = 1000;
/// Parts of the loss, in hundredths, that find the keys, and that measure all of a histogram: see [`super::loss`].
const FINDS: u64 = 42;
const MEASURES: u64 = 53;

/// How leading keys are chosen in one shot.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Chosen {
    /// Among the declared ones.
    AmongDeclared(Choice),
    /// Among all that anybody has.
    AmongAll(Leading),
}

impl Chosen {
    pub(super) const fn among_declared(self) -> Option<Choice> {
        match self {
            Self::AmongDeclared(choice) => Some(choice),
            Self::AmongAll(_) => None,
        }
    }
}

/// How a release's leading keys are found, and why.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Ranking {
    /// The choice, where keys are chosen in one shot.
    pub chosen: Option<Chosen>,
    /// Why, where the statistic ranks.
    pub reason: Option<String>,
}

/// Compares both ways for the case at hand.
pub(super) fn ranking(
    release: &ResolvedRelease,
    parts: &[KeyPart],
    family: Family,
    loss: Loss,
) -> Result<Ranking, PlanError> {
    let Statistic::TopK(top_k) = &release.statistic else { return Ok(Ranking::default()) };
    let declared: Option<Vec<usize>> =
        parts.iter().map(|part| part.declared.as_ref().map(Vec::len)).collect();
    match declared.as_deref().and_then(<[usize]>::split_last) {
        Some((&items, segments)) => among_declared(release, top_k, (items, segments), family, loss),
        None if parts.len() == 1 => among_all(release, top_k, family, loss),
        None if is_forced(release) => Err(PlanError::Unsupported {
            release: release.name.clone(),
            what: "choosing in one shot among keys that are not declared, in segments".to_owned(),
            instead: "leave by out; or declare the keys; or leave `mechanism` out: the noisy histogram is ranked",
        }),
        None => {
            let reason = "keys are not declared and are ranked in segments: they are found with noise, which finds the \
                          leading ones first, and ranking their counts is free";
            Ok(Ranking { chosen: None, reason: Some(reason.to_owned()) })
        }
    }
}

const fn is_forced(release: &ResolvedRelease) -> bool {
    matches!(release.mechanism, MechanismChoice::Gumbel | MechanismChoice::Exponential)
}

/// A histogram's ranks have its noise, which grows with √B. A choice of k in each of G segments needs no bound, since a
/// person moves all counts of a segment the same way by at most one, and its ranks have Gumbel noise of scale 1/η, which
/// grows with √(kG) under zCDP and with kG under pure ε; but half of the loss is then spent on the counts of what was
/// chosen.
fn among_declared(
    release: &ResolvedRelease,
    top_k: &TopK,
    (items, segments): (usize, &[usize]),
    family: Family,
    loss: Loss,
) -> Result<Ranking, PlanError> {
    let rows = u32::try_from(segments.iter().product::<usize>()).unwrap_or(u32::MAX);
    let choice = Choice::new(top_k.k.get(), rows, ScoreChange::Monotone(1)).ok();
    let Some(choice) = choice.filter(|_| (top_k.k.get() as usize) < items) else {
        return Ok(Ranking::default());
    };
    let cells = u32::try_from(items).unwrap_or(u32::MAX).saturating_mul(rows);
    let bound = supposed(release).min(cells);
    let histogram = noise(release, family, loss.share(95, 100), bound)?.standard_deviation();
    let chooser = choice.chooser(loss.share(1, 2)).map_err(|error| at(release, error.into()))?;
    let unit = match chooser.pick {
        Pick::Exponential => GUMBEL,
        Pick::PermuteAndFlip => 1.0,
    };
    let one_shot = unit / chooser.rate.to_f64();
    let figures = format!(
        "keys are declared; a rank in the noisy histogram has noise of sd {histogram:.1} people (at bound {bound}), a \
         choice in one shot, with any number of keys a person, {one_shot:.1}"
    );
    Ok(decided(release, one_shot < histogram, Chosen::AmongDeclared(choice), &figures))
}

/// A key is found by the histogram when its weight passes the threshold, where a person of many keys weighs little; by the
/// choice when it passes the end mark, where everybody weighs 1. Of both it is known how many people that takes, if people
/// have as many keys as supposed; and since each way's rank noise is a small part of it, the way that takes fewer is also
/// the one of less noise.
fn among_all(
    release: &ResolvedRelease,
    top_k: &TopK,
    family: Family,
    loss: Loss,
) -> Result<Ranking, PlanError> {
    let k = top_k.k.get();
    let ask = Leading::new(k, CONSIDERED.max(k.saturating_mul(10)))
        .map_err(|_| PlanError::Internal("at least as many are considered as picked"))?;
    let finds = loss.share(FINDS, 100).with_delta(loss.delta());
    let leader = ask.leader(finds).map_err(|error| at(release, error.into()))?;
    let scale = 1.0 / leader.rate.to_f64();
    // The difference of two Gumbel variables is logistic: 99% of it lies below ln 99.
    let mark = leader.margin as f64 + 99.0_f64.ln() * scale;
    let selects = match family {
        Family::DiscreteLaplace => Bound::mass(1),
        Family::DiscreteGaussian | Family::RoundedNormal => Bound::norm(1),
    }
    .capped(SELECTION_CAP);
    let select = sensitive(release, family, finds, selects)?;
    let passes = threshold(select, &selects.entry(), finds.delta())
        .map_err(|error| at(release, StageError::Calibration(error)))?;
    let keys = match release.contribution {
        Contribution::Auto => SUPPOSED_KEYS,
        Contribution::Norm(_) | Contribution::Keep(_) => supposed(release),
    };
    let weight = appearing_weight(select, passes, 0.99) as f64 / f64::from(selects.weight(keys));
    let rank = noise(release, family, loss.share(MEASURES, 100), keys)?.standard_deviation();
    let figures = format!(
        "keys are not declared; if people have {keys} keys, the histogram finds a key with {weight:.0} people and ranks it \
         with noise of sd {rank:.1}, while a choice in one shot, with any number of keys a person, finds one with \
         {mark:.0} more than key {} and ranks it with noise of sd {:.1}",
        CONSIDERED.max(k.saturating_mul(10)) + 1,
        GUMBEL * scale
    );
    Ok(decided(release, mark < weight, Chosen::AmongAll(ask), &figures))
}

/// Standard deviation of Gumbel noise of scale 1: π/√6.
const GUMBEL: f64 = 1.282_549_830_161_864;

fn decided(release: &ResolvedRelease, better: bool, chosen: Chosen, figures: &str) -> Ranking {
    let (is_chosen, asked) = match release.mechanism {
        MechanismChoice::Auto => (better, ""),
        MechanismChoice::Gumbel | MechanismChoice::Exponential => (true, ", as the job asks"),
        MechanismChoice::Laplace | MechanismChoice::Gaussian => (false, ", as the job asks"),
    };
    let reason = if is_chosen {
        format!("leading keys are chosen in one shot, then counted{asked}: {figures}")
    } else {
        format!("the noisy histogram is ranked{asked}: {figures}")
    };
    Ranking { chosen: is_chosen.then_some(chosen), reason: Some(reason) }
}

const fn supposed(release: &ResolvedRelease) -> u32 {
    match release.contribution {
        Contribution::Auto => SUPPOSED_BOUND,
        Contribution::Norm(size) | Contribution::Keep(size) => size.get(),
    }
}

fn at(release: &ResolvedRelease, source: StageError) -> PlanError {
    PlanError::Stage { release: release.name.clone(), source }
}

/// The noise of a count of people at a bound.
fn noise(release: &ResolvedRelease, family: Family, loss: Loss, bound: u32) -> Result<Noise, PlanError> {
    sensitive(release, family, loss, Bound::keep(bound))
}

fn sensitive(
    release: &ResolvedRelease,
    family: Family,
    loss: Loss,
    bound: Bound,
) -> Result<Noise, PlanError> {
    let sensitivity = match family {
        Family::DiscreteLaplace => bound.l1(1, true),
        Family::DiscreteGaussian | Family::RoundedNormal => bound.l2_squared(1, true),
    };
    let sensitivity = sensitivity.map_err(|error| at(release, error.into()))?;
    Noise::calibrate(family, loss.with_delta(flockwise_mechanisms::Delta::ZERO), sensitivity)
        .map_err(|error| at(release, error.into()))
}
