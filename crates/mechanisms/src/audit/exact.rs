//! The exact auditor: divergences between two output distributions that were enumerated.
//!
//! A mechanism with few outcomes is checked without sampling: its probabilities on two neighbours are computed from its
//! definition, and the divergence of the two must be at most what it charges, and nearly that where it claims to be tight.

use crate::loss::{Accounting, Loss};
use crate::normal::upper_quantile;

/// The smallest loss under an accounting, without δ, that two distributions over the same outcomes allow, in floats.
///
/// ```
/// use flockwise_mechanisms::{audit, Accounting};
/// let truth = 1.0_f64.exp() / (1.0 + 1.0_f64.exp());                // randomized response at ε = 1
/// let spent = audit::spent(Accounting::Pure, &[truth, 1.0 - truth], &[1.0 - truth, truth]);
/// assert!((spent - 1.0).abs() < 1e-12);
/// ```
///
/// # Panics
/// When the numbers of outcomes differ.
#[must_use]
pub fn spent(accounting: Accounting, p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "two distributions over the same outcomes");
    match accounting {
        Accounting::Pure | Accounting::Approx => max_divergence(p, q).max(max_divergence(q, p)),
        Accounting::Zcdp => rho(p, q).max(rho(q, p)),
        Accounting::Gdp => mu(p, q).max(mu(q, p)).powi(2),
    }
}

/// Whether a mechanism that charged `loss` may have these output distributions on neighbours: the part of the charge that
/// was needed, when it was enough.
///
/// # Errors
/// With that part, when it exceeds 1 by more than the rounding of floats.
pub fn judge(loss: Loss, p: &[f64], q: &[f64]) -> Result<f64, f64> {
    let part = spent(loss.accounting(), p, q) / loss.amount_f64();
    if part <= 1.0 + 1e-9 { Ok(part) } else { Err(part) }
}

/// The δ at which two distributions are (ε, δ)-indistinguishable: the larger of the two hockey-stick divergences.
#[must_use]
pub fn hockey_stick(epsilon: f64, p: &[f64], q: &[f64]) -> f64 {
    let one_way = |p: &[f64], q: &[f64]| -> f64 {
        p.iter().zip(q).map(|(p, q)| (p - epsilon.exp() * q).max(0.0)).sum()
    };
    one_way(p, q).max(one_way(q, p))
}

fn max_divergence(p: &[f64], q: &[f64]) -> f64 {
    let ratios = p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| (p / q).ln());
    ratios.fold(0.0, f64::max)
}

/// sup over α > 1 of the Rényi divergence of order α, divided by α (Bun and Steinke 2016, definition 1.1), on a grid that
/// is geometric in α − 1.
fn rho(p: &[f64], q: &[f64]) -> f64 {
    let renyi = |order: f64| {
        let moment: f64 = p
            .iter()
            .zip(q)
            .filter(|(p, _)| **p > 0.0)
            .map(|(p, q)| p * ((order - 1.0) * (p / q).ln()).exp_m1())
            .sum();
        moment.ln_1p() / (order - 1.0)
    };
    let orders = (-30..=64).map(|step| 1.0 + (f64::from(step) / 8.0).exp2());
    orders.map(|order| renyi(order) / order).filter(|rho| rho.is_finite()).fold(0.0, f64::max)
}

/// The smallest μ whose Gaussian trade-off lies below that of the two: it is decided at the kinks, since trade-off
/// functions are convex and the former's chords lie above it.
fn mu(p: &[f64], q: &[f64]) -> f64 {
    let mut outcomes: Vec<(f64, f64)> =
        p.iter().copied().zip(q.iter().copied()).filter(|(p, q)| p + q > 0.0).collect();
    // Most powerful tests reject p where q/p is largest.
    outcomes.sort_by(|a, b| (b.1 / b.0).total_cmp(&(a.1 / a.0)));
    // The normal quantile of a part of a distribution, from whichever side of the cut is small and so accurate.
    let quantile = |head: f64, tail: f64| {
        let (part, sign) = if head < tail { (head, 1.0) } else { (tail, -1.0) };
        (part > 1e-300).then(|| sign * upper_quantile(part.min(0.5)))
    };
    let running = |sum: &mut (f64, f64), next: &(f64, f64)| {
        *sum = (sum.0 + next.0, sum.1 + next.1);
        Some(*sum)
    };
    let heads = outcomes.iter().scan((0.0, 0.0), running);
    let mut tails: Vec<_> = outcomes.iter().rev().scan((0.0, 0.0), running).collect();
    tails.reverse();
    let cut = |((p_head, q_head), (p_tail, q_tail)): ((f64, f64), &(f64, f64))| {
        if p_head <= 0.0 && q_head > 0.0 {
            return Some(f64::INFINITY);
        }
        Some(quantile(p_head, *p_tail)? - quantile(q_head, *q_tail)?)
    };
    heads.zip(&tails[1..]).filter_map(cut).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::upper_tail;

    fn normal(shift: f64) -> Vec<f64> {
        (-1200..1200)
            .map(|bin| {
                let edge = f64::from(bin) / 100.0 - shift;
                if edge > 0.0 {
                    upper_tail(edge) - upper_tail(edge + 0.01)
                } else {
                    upper_tail(-edge - 0.01) - upper_tail(-edge)
                }
            })
            .collect()
    }

    /// Fine bins of two normals one apart: ρ = 1/2, μ² = 1, δ(1) = Φ(−1/2) − e Φ(−3/2) (Balle and Wang 2018).
    #[test]
    fn divergences_of_the_normal() {
        let (p, q) = (normal(0.0), normal(1.0));
        assert!((spent(Accounting::Zcdp, &p, &q) - 0.5).abs() < 1e-3);
        assert!((spent(Accounting::Gdp, &p, &q) - 1.0).abs() < 1e-3, "{}", spent(Accounting::Gdp, &p, &q));
        let delta = upper_tail(0.5) - 1.0_f64.exp() * upper_tail(1.5);
        assert!((hockey_stick(1.0, &p, &q) - delta).abs() < 1e-4);
    }

    #[test]
    fn a_charge_that_is_too_small_is_caught() {
        let loss = |epsilon: &str| Loss::pure(epsilon.parse().unwrap(), crate::Delta::ZERO);
        let (p, q) = ([0.75, 0.25], [0.25, 0.75]);
        assert!(judge(loss("1.098612288669"), &p, &q).unwrap() > 0.999_999);
        assert!(judge(loss("1.09"), &p, &q).is_err());
        for loss in [loss("1"), Loss::gdp("1".parse().unwrap(), crate::Delta::ZERO)] {
            assert!(judge(loss, &[1.0, 0.0], &[0.5, 0.5]).is_err(), "an outcome of one side alone");
        }
    }
}
