//! From what a job asks to spend to the loss of each of its releases.

use flockwise_mechanisms::{Accounting, Ceiling, Delta, Loss, MuSquared, Rounding};

use super::planner::PlanError;
use crate::job::{Amount, Spend};
use crate::resolve::{Resolved, ResolvedRelease};

/// The loss of each release: its share of the job's total, or its own. δ goes to releases that select keys, by default in
/// proportion to the amount, so that a ledger runs out of both at once.
///
/// Under `approx` the job is one (ε, δ) mechanism, returned beside with the ceiling within which its stages add up: the
/// losses are then parts of that ceiling's rectangle.
#[expect(
    clippy::type_complexity,
    reason = "the losses, and under one accounting what the job is charged instead"
)]
pub(super) fn losses(
    resolved: &Resolved,
    ceiling: Ceiling,
) -> Result<(Vec<Loss>, Option<(Loss, Ceiling)>), PlanError> {
    if ceiling.accounting == Accounting::Approx {
        let charged = whole_job(resolved, ceiling)?;
        let epsilon = charged.epsilon().ok_or(PlanError::Internal("approx counts epsilon"))?;
        let inner = Ceiling { accounting: Accounting::Gdp, epsilon, delta: charged.delta() };
        let all_shared = resolved.releases.iter().all(|release| matches!(release.spend, Spend::Share(_)));
        let total = match resolved.total {
            _ if all_shared => Some(inner.rectangle()),
            Some(total) => Some(amount(total, inner)?),
            None => None,
        };
        let losses = split(resolved, inner, total, None)?;
        // The parts of a job stay within the job: found now, not after the charge.
        let sum =
            losses.iter().try_fold(Loss::zero(Accounting::Gdp), |sum: Loss, loss| sum.checked_add(*loss));
        let within = sum.is_some_and(|sum| sum.fits_in(inner.rectangle()));
        return if within { Ok((losses, Some((charged, inner)))) } else { Err(PlanError::TooMuch) };
    }
    let total = resolved.total.map(|total| amount(total, ceiling)).transpose()?;
    let losses = split(resolved, ceiling, total, resolved.delta)?;
    let zero = Loss::zero(ceiling.accounting);
    let sum = losses.iter().try_fold(zero, |sum: Loss, loss| sum.checked_add(*loss));
    sum.ok_or(PlanError::TooMuch).map(|_| (losses, None))
}

/// Under `approx`: ε of the job and of the releases that have their own, added up; δ as given, or in proportion.
fn whole_job(resolved: &Resolved, ceiling: Ceiling) -> Result<Loss, PlanError> {
    let shares = resolved.releases.iter().any(|release| matches!(release.spend, Spend::Share(_)));
    let total = resolved.total.filter(|_| shares);
    let own = resolved.releases.iter().filter_map(|release| match release.spend {
        Spend::Own(own) => Some(own),
        Spend::Share(_) => None,
    });
    let mut sum = Loss::zero(Accounting::Approx);
    for stated in total.into_iter().chain(own) {
        sum = sum.checked_add(amount(stated, ceiling)?).ok_or(PlanError::TooMuch)?;
    }
    if sum.amount_units() == 0 {
        return Err(PlanError::NoBudget);
    }
    Ok(resolved.delta.map_or_else(|| ceiling.proportional(sum), |delta| sum.with_delta(delta)))
}

/// The parts of the releases: `total` is what shares are shares of, `delta` what the whole job may spend of δ.
fn split(
    resolved: &Resolved,
    ceiling: Ceiling,
    total: Option<Loss>,
    delta: Option<Delta>,
) -> Result<Vec<Loss>, PlanError> {
    let releases = &resolved.releases;
    let share = |release: &ResolvedRelease| match release.spend {
        Spend::Share(share) => share.millionths(),
        Spend::Own(_) => 0,
    };
    let whole: u64 = releases.iter().map(share).sum();
    let mut losses = Vec::new();
    for release in releases {
        let spent = match release.spend {
            Spend::Own(own) => amount(own, ceiling)?,
            Spend::Share(_) => total.ok_or(PlanError::NoBudget)?.share(share(release), whole),
        };
        if spent.amount_units() == 0 {
            return Err(PlanError::NothingToSpend { release: release.name.clone() });
        }
        let delta = match (release.delta, delta) {
            _ if release.is_grid() => Delta::ZERO,
            (Some(own), _) => own,
            (None, Some(of_job)) if whole > 0 => of_job.share(share(release), whole, Rounding::Down),
            (None, _) => ceiling.proportional(spent).delta(),
        };
        if delta.is_zero() && !release.is_grid() {
            return Err(PlanError::NoDelta { release: release.name.clone() });
        }
        losses.push(spent.with_delta(delta));
    }
    Ok(losses)
}

/// The amount that a job states, as the ledger counts it; its δ is zero.
fn amount(stated: Amount, ceiling: Ceiling) -> Result<Loss, PlanError> {
    match (stated, ceiling.accounting) {
        (Amount::Epsilon(epsilon), _) => Ok(ceiling.amount_for(epsilon)),
        (Amount::Rho(rho), Accounting::Zcdp) => Ok(Loss::zcdp(rho, Delta::ZERO)),
        // A Gaussian of μ is μ²/2-zCDP, and that is what ρ of a Gaussian means.
        (Amount::Rho(rho), Accounting::Gdp) => {
            let doubled = rho.units().checked_mul(2).and_then(|units| MuSquared::from_units(units).ok());
            Ok(Loss::gdp(doubled.ok_or(PlanError::TooMuch)?, Delta::ZERO))
        }
        (Amount::Rho(_), accounting) => Err(PlanError::RhoUnder { accounting }),
    }
}
