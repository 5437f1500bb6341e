//! From what a job asks to spend to the loss of each of its releases.

use flockwise_mechanisms::{Accounting, Ceiling, Delta, Loss, Rounding};

use super::planner::PlanError;
use crate::job::{Amount, Spend};
use crate::resolve::{Resolved, ResolvedRelease};

/// The loss of each release: its share of the job's total, or its own. δ goes to releases that select keys, by default in
/// proportion to the amount, so that a ledger runs out of both at once.
pub(super) fn losses(resolved: &Resolved, ceiling: Ceiling) -> Result<Vec<Loss>, PlanError> {
    let releases = &resolved.releases;
    let total = resolved.total.map(|total| amount(total, ceiling)).transpose()?;
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
        let delta = match (release.delta, resolved.delta) {
            _ if release.is_grid() && ceiling.accounting != Accounting::Approx => Delta::ZERO,
            (Some(own), _) => own,
            (None, Some(whole_delta)) if whole > 0 => whole_delta.share(share(release), whole, Rounding::Down),
            (None, _) => proportional(spent, ceiling.rectangle()),
        };
        if delta.is_zero() && !release.is_grid() {
            return Err(PlanError::NoDelta { release: release.name.clone() });
        }
        losses.push(spent.with_delta(delta));
    }
    let zero = Loss::zero(ceiling.accounting);
    let sum = losses.iter().try_fold(zero, |sum: Loss, loss| sum.checked_add(*loss));
    sum.ok_or(PlanError::TooMuch).map(|_| losses)
}

/// The amount that a job states, as the ledger counts it; its δ is zero.
fn amount(stated: Amount, ceiling: Ceiling) -> Result<Loss, PlanError> {
    match (stated, ceiling.accounting) {
        (Amount::Epsilon(epsilon), _) => Ok(ceiling.amount_for(epsilon)),
        (Amount::Rho(rho), Accounting::Zcdp) => Ok(Loss::zcdp(rho, Delta::ZERO)),
        (Amount::Rho(_), accounting) => Err(PlanError::RhoUnder { accounting }),
    }
}

/// The part of the δ ceiling that the amount is of the amount's ceiling, rounded down.
fn proportional(spent: Loss, whole: Loss) -> Delta {
    if spent.amount_units() >= whole.amount_units() {
        return whole.delta();
    }
    whole.delta().share(spent.amount_units(), whole.amount_units(), Rounding::Down)
}
