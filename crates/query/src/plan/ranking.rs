//! How leading keys are found: by ranking a noisy histogram, or by choosing them in one shot.

use flockwise_mechanisms::{Choice, Family, Loss, Noise, Pick, ScoreChange};

use super::planner::PlanError;
use super::rows::KeyPart;
use crate::job::{Contribution, MechanismChoice, Statistic};
use crate::kernel::Bound;
use crate::resolve::ResolvedRelease;

/// The bound that is supposed of a histogram whose bound is bought: what it was on films and on shop goods is 12 to 24.
const SUPPOSED_BOUND: u32 = 16;

/// How a release's leading keys are found, and why.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Ranking {
    /// The choice, where keys are chosen in one shot.
    pub choice: Option<Choice>,
    /// Why, where the statistic ranks.
    pub reason: Option<String>,
}

/// Compares the noise of a rank under both ways at the same loss, for the case at hand of the four of Rogers, Subramaniam,
/// Peng, Durfee, Lee, Kancha, Sahay, Ahammad (2020).
///
/// A histogram's ranks have its noise, which grows with √B. A choice of k in each of G segments needs no bound, since a
/// person moves all counts of a segment the same way by at most one, and its ranks have Gumbel noise of scale 1/η, which
/// grows with √(kG) under zCDP and with kG under pure ε; but half of the loss is then spent on the counts of what was
/// chosen. Keys that are not declared have to be selected anyway, which finds the leading ones first.
pub(super) fn ranking(
    release: &ResolvedRelease,
    parts: &[KeyPart],
    family: Family,
    loss: Loss,
) -> Result<Ranking, PlanError> {
    let none = Ranking { choice: None, reason: None };
    let Statistic::TopK(top_k) = &release.statistic else { return Ok(none) };
    let forced = matches!(release.mechanism, MechanismChoice::Gumbel | MechanismChoice::Exponential);
    let declared: Option<Vec<usize>> =
        parts.iter().map(|part| part.declared.as_ref().map(Vec::len)).collect();
    let Some((&items, segments)) = declared.as_deref().and_then(<[usize]>::split_last) else {
        if forced {
            return Err(PlanError::Unsupported {
                release: release.name.clone(),
                what: "choosing in one shot among keys that are not declared".to_owned(),
                instead: "declare the keys, or leave `mechanism` out: rankings come from the noisy histogram",
            });
        }
        let reason = "keys are not declared: they are found with noise, which finds the leading ones first, and ranking \
                      their counts is free";
        return Ok(Ranking { choice: None, reason: Some(reason.to_owned()) });
    };
    let rows = u32::try_from(segments.iter().product::<usize>()).unwrap_or(u32::MAX);
    let choice = Choice::new(top_k.k.get(), rows, ScoreChange::Monotone(1)).ok();
    let Some(choice) = choice.filter(|_| (top_k.k.get() as usize) < items) else { return Ok(none) };
    let in_people = |error| PlanError::Stage { release: release.name.clone(), source: error };
    let bound = match release.contribution {
        Contribution::Auto => {
            SUPPOSED_BOUND.min(u32::try_from(items).unwrap_or(u32::MAX).saturating_mul(rows))
        }
        Contribution::Norm(size) | Contribution::Keep(size) => size.get(),
    };
    let sensitivity = match family {
        Family::DiscreteLaplace => Bound::keep(bound).l1(1, true),
        Family::DiscreteGaussian | Family::RoundedNormal => Bound::keep(bound).l2_squared(1, true),
    };
    let sensitivity = sensitivity.map_err(|error| in_people(error.into()))?;
    let histogram = Noise::calibrate(family, loss.share(95, 100), sensitivity)
        .map_err(|error| in_people(error.into()))?
        .standard_deviation();
    let chooser = choice.chooser(loss.share(1, 2)).map_err(|error| in_people(error.into()))?;
    // Of the Gumbel noise of an exponential mechanism, or the exponential noise of permute-and-flip.
    let unit = match chooser.pick {
        Pick::Exponential => std::f64::consts::PI / 6.0_f64.sqrt(),
        Pick::PermuteAndFlip => 1.0,
    };
    let one_shot = unit / chooser.rate.to_f64();
    let figures = format!(
        "a rank in the noisy histogram has noise of sd {histogram:.1} people (at bound {bound}), a choice in one shot {one_shot:.1}"
    );
    let chosen = match release.mechanism {
        MechanismChoice::Auto => one_shot < histogram,
        MechanismChoice::Gumbel | MechanismChoice::Exponential => true,
        MechanismChoice::Laplace | MechanismChoice::Gaussian => false,
    };
    let reason = match (chosen, release.mechanism == MechanismChoice::Auto) {
        (true, true) => format!("leading keys are chosen in one shot, then counted: {figures}"),
        (false, true) => format!("the noisy histogram is ranked: {figures}"),
        (true, false) => format!("leading keys are chosen in one shot, as the job asks: {figures}"),
        (false, false) => format!("the noisy histogram is ranked, as the job asks: {figures}"),
    };
    Ok(Ranking { choice: chosen.then_some(choice), reason: Some(reason) })
}
