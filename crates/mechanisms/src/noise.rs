//! Additive noise: which family, at which scale, and what it costs.

mod prediction;

use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

use crate::loss::{Accounting, Loss};
use crate::ratio::Ratio;
use crate::sensitivity::Sensitivity;
use crate::units::Delta;

/// A family of additive noise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Two-sided geometric: ε-DP at scale L1/ε (Ghosh, Roughgarden, Sundararajan 2009; Canonne, Kamath, Steinke 2020).
    DiscreteLaplace,
    /// ρ-zCDP at σ² = L2²/(2ρ) (Canonne, Kamath, Steinke 2020).
    DiscreteGaussian,
    /// round(σZ): post-processing of the continuous Gaussian mechanism, so exactly μ-GDP at σ = L2/μ (rounded normals
    /// sampled exactly: Karney 2016).
    RoundedNormal,
}

impl Family {
    /// The name in releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiscreteLaplace => "discrete laplace",
            Self::DiscreteGaussian => "discrete gaussian",
            Self::RoundedNormal => "rounded gaussian",
        }
    }
}

/// Additive integer noise with exact rational parameters, in grid units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// P(x) ∝ exp(−|x|/scale) on the integers.
    DiscreteLaplace {
        /// Scale in grid units.
        scale: Ratio,
    },
    /// P(x) ∝ exp(−x²/(2σ²)) on the integers.
    DiscreteGaussian {
        /// σ² in squared grid units.
        sigma_squared: Ratio,
    },
    /// round(σZ), Z standard normal.
    RoundedNormal {
        /// σ in grid units.
        sigma: Ratio,
    },
}

/// Noise cannot be calibrated from this loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The share of the loss is zero.
    #[error("its share of the budget is too small for any noise scale")]
    NothingToSpend,
    /// The family does not compose under that accounting, or takes the other kind of sensitivity.
    #[error("{} noise cannot be accounted as {accounting} at this sensitivity", family.name())]
    Mismatch {
        /// The family asked for.
        family: Family,
        /// The accounting of the loss.
        accounting: Accounting,
    },
    /// The sensitivity is not of the kind that the accounting adds up.
    #[error("losses under {accounting} cannot be computed from this kind of sensitivity")]
    Sensitivity {
        /// The accounting of the loss.
        accounting: Accounting,
    },
    /// The exact arithmetic would overflow.
    #[error("the noise scale is too large for exact arithmetic: tighten the bounds or spend more")]
    TooLarge,
    /// The loss is beyond every budget.
    #[error("the noise is so small that its loss is beyond every budget")]
    LossTooLarge,
}

/// Units in an ε, a ρ or a μ² of 1.
const ONE: u128 = 1_000_000_000_000;

impl Noise {
    /// The least noise of a family whose loss stays within `loss`, for a vector of this sensitivity.
    ///
    /// What is spent never exceeds what was charged: the scale is the exact rational of the formula, but for two square
    /// roots. With Δ₁ the L1 and Δ₂ the L2 sensitivity:
    ///
    /// | family | accounting | scale |
    /// |---|---|---|
    /// | discrete Laplace | pure, approx | Δ₁/ε |
    /// | discrete Laplace | zcdp | Δ₁/ε with ε = √(2ρ) rounded down to 1e-12: ε-DP is ε²/2-zCDP (Bun and Steinke 2016, proposition 1.4) |
    /// | discrete Gaussian | zcdp | σ² = Δ₂²/(2ρ) (Canonne, Kamath, Steinke 2020, theorem 14) |
    /// | rounded normal | gdp | σ = Δ₂/μ (Dong, Roth, Su 2019, theorem 2.7), rounded up by at most 2^-61 of it |
    /// | rounded normal | zcdp | σ = Δ₂/√(2ρ), likewise: μ-GDP by a Gaussian is μ²/2-zCDP (Bun and Steinke 2016, proposition 1.6) |
    ///
    /// The rounded normal added to an integer is the continuous Gaussian mechanism rounded to the nearest integer, which
    /// is post-processing, so it has the loss of the continuous one, in any dimension.
    ///
    /// # Errors
    /// See [`CalibrationError`].
    pub fn calibrate(family: Family, loss: Loss, sensitivity: Sensitivity) -> Result<Self, CalibrationError> {
        let amount = u128::from(loss.amount_units());
        if amount == 0 {
            return Err(CalibrationError::NothingToSpend);
        }
        let ratio = |sensitivity: u128, spent: u128| {
            Ratio::of_product(sensitivity, ONE, spent).ok_or(CalibrationError::TooLarge)
        };
        match (family, loss.accounting(), sensitivity) {
            (Family::DiscreteLaplace, Accounting::Pure | Accounting::Approx, Sensitivity::L1(l1)) => {
                Ok(Self::DiscreteLaplace { scale: ratio(l1.units(), amount)? })
            }
            (Family::DiscreteLaplace, Accounting::Zcdp, Sensitivity::L1(l1)) => {
                // In units: ε² = 2ρ·1e12, at least 2e12, so ε is not zero.
                Ok(Self::DiscreteLaplace { scale: ratio(l1.units(), (2 * amount * ONE).isqrt())? })
            }
            (Family::DiscreteGaussian, Accounting::Zcdp, Sensitivity::L2Squared(l2)) => {
                Ok(Self::DiscreteGaussian { sigma_squared: ratio(l2.units(), 2 * amount)? })
            }
            (Family::RoundedNormal, Accounting::Gdp, Sensitivity::L2Squared(l2)) => {
                Ok(Self::RoundedNormal { sigma: ratio(l2.units(), amount)?.square_root_up() })
            }
            (Family::RoundedNormal, Accounting::Zcdp, Sensitivity::L2Squared(l2)) => {
                Ok(Self::RoundedNormal { sigma: ratio(l2.units(), 2 * amount)?.square_root_up() })
            }
            (Family::DiscreteLaplace | Family::DiscreteGaussian | Family::RoundedNormal, accounting, _) => {
                Err(CalibrationError::Mismatch { family, accounting })
            }
        }
    }

    /// What adding this noise to a vector of this sensitivity costs: the exact loss, rounded up to whole units.
    ///
    /// The formulas are those of [`Noise::calibrate`], so the loss of what was calibrated is at most what was charged.
    ///
    /// # Errors
    /// [`CalibrationError::Mismatch`] where the family has no such loss, [`CalibrationError::LossTooLarge`] where it is at
    /// or over the limit of its units.
    pub fn loss(self, sensitivity: Sensitivity, accounting: Accounting) -> Result<Loss, CalibrationError> {
        let one = BigUint::from(ONE);
        let square = |x: u128| BigUint::from(x) * x;
        // The loss in units is numerator/denominator.
        let (numerator, denominator): (BigUint, BigUint) = match (self, accounting, sensitivity) {
            (Self::DiscreteLaplace { scale }, Accounting::Pure | Accounting::Approx, Sensitivity::L1(l1)) => {
                (one * l1.units() * scale.denominator(), scale.numerator().into())
            }
            (Self::DiscreteLaplace { scale }, Accounting::Zcdp, Sensitivity::L1(l1)) => {
                (one * square(l1.units()) * square(scale.denominator()), square(scale.numerator()) * 2_u8)
            }
            (Self::DiscreteGaussian { sigma_squared: s }, Accounting::Zcdp, Sensitivity::L2Squared(l2)) => {
                (one * l2.units() * s.denominator(), BigUint::from(s.numerator()) * 2_u8)
            }
            (Self::RoundedNormal { sigma }, Accounting::Gdp, Sensitivity::L2Squared(l2)) => {
                (one * l2.units() * square(sigma.denominator()), square(sigma.numerator()))
            }
            (Self::RoundedNormal { sigma }, Accounting::Zcdp, Sensitivity::L2Squared(l2)) => {
                (one * l2.units() * square(sigma.denominator()), square(sigma.numerator()) * 2_u8)
            }
            (
                Self::DiscreteLaplace { .. } | Self::DiscreteGaussian { .. } | Self::RoundedNormal { .. },
                accounting,
                _,
            ) => {
                return Err(CalibrationError::Mismatch { family: self.family(), accounting });
            }
        };
        let units = (numerator + &denominator - 1_u8) / denominator;
        let units = u64::try_from(units).map_err(|_| CalibrationError::LossTooLarge)?;
        Loss::from_units(accounting, units, Delta::ZERO).map_err(|_| CalibrationError::LossTooLarge)
    }

    /// The family.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::DiscreteLaplace { .. } => Family::DiscreteLaplace,
            Self::DiscreteGaussian { .. } => Family::DiscreteGaussian,
            Self::RoundedNormal { .. } => Family::RoundedNormal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitivity::{L1, L2Squared};
    use crate::units::{Epsilon, MuSquared, Rho};

    fn l1(units: u128) -> Sensitivity {
        Sensitivity::L1(L1::new(units).unwrap())
    }

    fn l2_squared(units: u128) -> Sensitivity {
        Sensitivity::L2Squared(L2Squared::new(units).unwrap())
    }

    /// Every pair that has a loss, at an amount and a sensitivity.
    fn pairs(amount: u64, sensitivity: u128) -> Vec<(Family, Loss, Sensitivity)> {
        let loss = |accounting| Loss::from_units(accounting, amount, Delta::ZERO).unwrap();
        let (pure, approx) = (loss(Accounting::Pure), loss(Accounting::Approx));
        let (zcdp, gdp) = (loss(Accounting::Zcdp), loss(Accounting::Gdp));
        vec![
            (Family::DiscreteLaplace, pure, l1(sensitivity)),
            (Family::DiscreteLaplace, approx, l1(sensitivity)),
            (Family::DiscreteLaplace, zcdp, l1(sensitivity)),
            (Family::DiscreteGaussian, zcdp, l2_squared(sensitivity)),
            (Family::RoundedNormal, gdp, l2_squared(sensitivity)),
            (Family::RoundedNormal, zcdp, l2_squared(sensitivity)),
        ]
    }

    proptest::proptest! {
        #[test]
        fn what_is_spent_is_what_was_charged(
            amount in 1_u64..1_000_000_000_000_000_000, cut in 0_u32..59, l in 1_u128..(1 << 70), low in 0_u32..70,
        ) {
            for (family, charged, sensitivity) in pairs((amount >> cut).max(1), (l >> low).max(1)) {
                let noise = Noise::calibrate(family, charged, sensitivity).unwrap();
                let spent = noise.loss(sensitivity, charged.accounting()).unwrap();
                proptest::prop_assert!(spent.fits_in(charged), "{noise:?} spends {spent} of {charged}");
                let lost = charged.amount_units() - spent.amount_units();
                // The one square root that is taken of the loss itself: ε is at least 1.4e6 units, and cut to one.
                let through_epsilon = family == Family::DiscreteLaplace && charged.accounting() == Accounting::Zcdp;
                let allowed = if through_epsilon { charged.amount_units() / 700_000 + 1 } else { 0 };
                proptest::prop_assert!(lost <= allowed, "{noise:?} leaves {lost} of {charged}");
            }
        }
    }

    #[test]
    fn known_scales() {
        let ratio = |n, d| Ratio::new(n, d).unwrap();
        let epsilon = Loss::pure("0.5".parse::<Epsilon>().unwrap(), Delta::ZERO);
        let laplace = Noise::calibrate(Family::DiscreteLaplace, epsilon, l1(3)).unwrap();
        assert_eq!(laplace, Noise::DiscreteLaplace { scale: ratio(6, 1) });
        let rho = Loss::zcdp("0.125".parse::<Rho>().unwrap(), Delta::ZERO);
        let laplace = Noise::calibrate(Family::DiscreteLaplace, rho, l1(3)).unwrap();
        assert_eq!(laplace, Noise::DiscreteLaplace { scale: ratio(6, 1) });
        let gaussian = Noise::calibrate(Family::DiscreteGaussian, rho, l2_squared(9)).unwrap();
        assert_eq!(gaussian, Noise::DiscreteGaussian { sigma_squared: ratio(36, 1) });
        let normal = Noise::calibrate(Family::RoundedNormal, rho, l2_squared(9)).unwrap();
        assert_eq!(normal, Noise::RoundedNormal { sigma: ratio(6, 1) });
        let mu_squared = Loss::gdp("0.25".parse::<MuSquared>().unwrap(), Delta::ZERO);
        let normal = Noise::calibrate(Family::RoundedNormal, mu_squared, l2_squared(9)).unwrap();
        assert_eq!(normal, Noise::RoundedNormal { sigma: ratio(6, 1) });
    }

    #[test]
    fn n5_a_family_without_that_loss_is_refused() {
        let one = pairs(1_000_000_000_000, 1);
        for family in [Family::DiscreteLaplace, Family::DiscreteGaussian, Family::RoundedNormal] {
            for accounting in [Accounting::Pure, Accounting::Zcdp, Accounting::Gdp, Accounting::Approx] {
                for sensitivity in [l1(1), l2_squared(1)] {
                    let loss = Loss::from_units(accounting, 1_000_000_000_000, Delta::ZERO).unwrap();
                    let calibrated = Noise::calibrate(family, loss, sensitivity);
                    assert_eq!(calibrated.is_ok(), one.contains(&(family, loss, sensitivity)));
                    let noise = one.iter().find(|pair| pair.0 == family).unwrap();
                    let noise = Noise::calibrate(noise.0, noise.1, noise.2).unwrap();
                    assert_eq!(noise.loss(sensitivity, accounting).is_ok(), calibrated.is_ok());
                }
            }
        }
    }

    #[test]
    fn n6_extreme_losses_and_sensitivities_are_refused_or_exact() {
        for (family, loss, sensitivity) in pairs(1, (1 << 100) - 1) {
            assert_eq!(Noise::calibrate(family, loss, sensitivity), Err(CalibrationError::TooLarge));
        }
        let nothing = Loss::zero(Accounting::Pure);
        let refused = Noise::calibrate(Family::DiscreteLaplace, nothing, l1(1));
        assert_eq!(refused, Err(CalibrationError::NothingToSpend));
        let tiny = Noise::DiscreteLaplace { scale: Ratio::new(1, u128::MAX).unwrap() };
        assert_eq!(tiny.loss(l1(1), Accounting::Pure), Err(CalibrationError::LossTooLarge));
    }
}
