//! What one use of a mechanism may cost when a loss pays for several: rates of pure ε and of bounded range.

use crate::loss::{Accounting, Loss};
use crate::noise::CalibrationError;
use crate::ratio::Ratio;

const ONE: u128 = 1_000_000_000_000;
const FINE: u128 = 1_000_000_000_000_000;

/// The largest η such that a use of bounded range ηr costs `loss` when squares (or, under pure ε, sizes) of r add up to
/// `total` over all uses: see [`choose`](crate::choose) for the conversions. Rounded down.
pub(crate) fn bounded_range(loss: Loss, total: u128) -> Result<Ratio, CalibrationError> {
    match loss.accounting() {
        Accounting::Pure | Accounting::Approx => {
            over(u128::from(loss.amount_units()), total.checked_mul(ONE))
        }
        // Σ(ηr)²/8 ≤ ρ.
        Accounting::Zcdp => over(root(8 * u128::from(loss.amount_units()), total)?, Some(FINE)),
        // 2Φ⁻¹(1/(1 + exp(−ηr/2))) ≤ √(π/8) ηr, the tangent at 0 of a concave function: Σ μ² ≤ π/8 Σ(ηr)².
        Accounting::Gdp => {
            let units = loss.amount_units() as f64 * 8.0 / std::f64::consts::PI * (1.0 - 1e-12);
            over(root(units as u128, total)?, Some(FINE))
        }
    }
}

/// The largest ε such that `uses` adaptive ε-DP mechanisms cost `loss`, rounded down.
///
/// ε-DP is ε²/2-zCDP (Bun and Steinke 2016, proposition 1.4). It is μ-GDP with Φ(μ/2) = 1/(1 + exp(−ε)): its trade-off
/// function has one kink, where that of the normals touches it. The same holds up to the δ of an (ε, δ)-DP mechanism,
/// which is an ε-DP one but for an event of probability δ (Kairouz, Oh, Viswanath 2015).
pub(crate) fn pure(loss: Loss, uses: u128) -> Result<Ratio, CalibrationError> {
    match loss.accounting() {
        Accounting::Pure | Accounting::Approx => over(u128::from(loss.amount_units()), uses.checked_mul(ONE)),
        Accounting::Zcdp => over(root(2 * u128::from(loss.amount_units()), uses)?, Some(FINE)),
        Accounting::Gdp => {
            let mu = (loss.amount_f64() / uses as f64).sqrt();
            over(fine(log_odds(mu)), Some(FINE))
        }
    }
}

/// The largest bounded range each of `uses` choices may have, rounded down: tighter than [`bounded_range`] under `gdp`,
/// where all uses have the same.
pub(crate) fn equal_range(loss: Loss, uses: u128) -> Result<Ratio, CalibrationError> {
    match loss.accounting() {
        Accounting::Pure | Accounting::Approx | Accounting::Zcdp => bounded_range(loss, uses),
        Accounting::Gdp => {
            let mu = (loss.amount_f64() / uses as f64).sqrt();
            over(fine(2.0 * log_odds(mu)), Some(FINE))
        }
    }
}

/// η divided by an integer.
pub(crate) fn divided(rate: Ratio, by: u128) -> Result<Ratio, CalibrationError> {
    over(rate.numerator(), rate.denominator().checked_mul(by))
}

/// √(units · 1e-12/total) in units of 1e-15, rounded down.
fn root(units: u128, total: u128) -> Result<u128, CalibrationError> {
    if total == 0 {
        return Err(CalibrationError::TooLarge);
    }
    Ok((units * (FINE * 1000) / total).isqrt())
}

fn over(numerator: u128, denominator: Option<u128>) -> Result<Ratio, CalibrationError> {
    let denominator = denominator.ok_or(CalibrationError::TooLarge)?;
    Ratio::new(numerator, denominator).map_err(|_| CalibrationError::NothingToSpend)
}

fn fine(rate: f64) -> u128 {
    (rate * FINE as f64 * (1.0 - 1e-9)) as u128
}

/// ln(Φ(μ/2)/Φ(−μ/2)).
fn log_odds(mu: f64) -> f64 {
    // From μ = 60 on, the tail would leave the floats: a smaller μ costs less.
    let half = (mu / 2.0).min(30.0);
    crate::normal::upper_tail(-half).ln() - crate::normal::upper_tail(half).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Delta;

    #[test]
    fn golden_rates() {
        let pure_loss = Loss::pure("0.6".parse().unwrap(), Delta::ZERO);
        let zcdp = Loss::zcdp("0.08".parse().unwrap(), Delta::ZERO);
        let gdp = Loss::gdp("4".parse().unwrap(), Delta::ZERO);
        let near = |rate: Result<Ratio, CalibrationError>, value: f64| {
            let rate = rate.unwrap().to_f64();
            assert!(rate <= value * (1.0 + 1e-12) && rate >= value * (1.0 - 1e-8), "{rate} for {value}");
        };
        near(pure(pure_loss, 3), 0.2);
        near(pure(zcdp, 1), 0.4);
        // Φ(1) = 0.841344746: ln(0.841344746/0.158655254).
        near(pure(gdp, 1), 1.668_267_865_98);
        near(bounded_range(zcdp, 16), 0.2);
        near(equal_range(gdp, 1), 3.336_535_731_97);
        near(bounded_range(gdp, 1), 4.0 * (2.0 / std::f64::consts::PI).sqrt());
        assert_eq!(pure(Loss::zero(Accounting::Zcdp), 1), Err(CalibrationError::NothingToSpend));
        assert_eq!(bounded_range(pure_loss, u128::MAX), Err(CalibrationError::TooLarge));
        assert_eq!(bounded_range(zcdp, 0), Err(CalibrationError::TooLarge));
    }

    /// The tangent costs more than the curve, everywhere, and the worst pair of coins is the symmetric one.
    #[test]
    fn the_gdp_of_a_bounded_range() {
        use crate::audit::spent;
        for range in [0.01_f64, 0.3, 1.0, 3.0, 8.0] {
            let odds = |log: f64| [1.0 / (1.0 + (-log).exp()), 1.0 / (1.0 + log.exp())];
            let mu_squared = |middle: f64| {
                spent(Accounting::Gdp, &odds(middle + range / 2.0), &odds(middle - range / 2.0))
            };
            let symmetric = mu_squared(0.0);
            assert!((2.0 * log_odds(symmetric.sqrt()) - range).abs() < 1e-6 * range);
            assert!(symmetric <= std::f64::consts::PI / 8.0 * range * range * (1.0 + 1e-9));
            for step in -40..=40 {
                assert!(mu_squared(f64::from(step) / 4.0) <= symmetric * (1.0 + 1e-9), "{range} at {step}");
            }
        }
    }
}
