//! Additive noise: which family, at which scale, and what it costs.

use serde::{Deserialize, Serialize};

use crate::loss::{Accounting, Loss};
use crate::ratio::Ratio;
use crate::sensitivity::Sensitivity;

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
    /// The exact arithmetic would overflow.
    #[error("the noise scale is too large for exact arithmetic: tighten the bounds or spend more")]
    TooLarge,
}

impl Noise {
    /// The least noise of a family whose loss stays within `loss`, for a vector of this sensitivity.
    ///
    /// The scale is an exact rational, rounded up where it has to be, so what is spent never exceeds what was charged.
    ///
    /// # Errors
    /// See [`CalibrationError`].
    pub fn calibrate(family: Family, loss: Loss, sensitivity: Sensitivity) -> Result<Self, CalibrationError> {
        const ONE: u128 = 1_000_000_000_000;
        let amount = u128::from(loss.amount_units());
        if amount == 0 {
            return Err(CalibrationError::NothingToSpend);
        }
        let ratio = |units: u128, denominator: u128| {
            let numerator = units.checked_mul(ONE).ok_or(CalibrationError::TooLarge)?;
            Ratio::new(numerator, denominator).map_err(|_| CalibrationError::TooLarge)
        };
        match (family, loss.accounting(), sensitivity) {
            (Family::DiscreteLaplace, Accounting::Pure | Accounting::Approx, Sensitivity::L1(l1)) => {
                Ok(Self::DiscreteLaplace { scale: ratio(l1.units(), amount)? })
            }
            (Family::DiscreteGaussian, Accounting::Zcdp, Sensitivity::L2Squared(l2)) => {
                Ok(Self::DiscreteGaussian { sigma_squared: ratio(l2.units(), 2 * amount)? })
            }
            (Family::DiscreteLaplace | Family::DiscreteGaussian | Family::RoundedNormal, accounting, _) => {
                Err(CalibrationError::Mismatch { family, accounting })
            }
        }
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

    /// Standard deviation in grid units, as a float: for prediction and display.
    #[must_use]
    pub fn standard_deviation(self) -> f64 {
        match self {
            Self::DiscreteLaplace { scale } => {
                let p = (-1.0 / scale.to_f64()).exp();
                (2.0 * p).sqrt() / (1.0 - p)
            }
            Self::DiscreteGaussian { sigma_squared } => sigma_squared.to_f64().sqrt(),
            Self::RoundedNormal { sigma } => (sigma.to_f64().powi(2) + 1.0 / 12.0).sqrt(),
        }
    }

    /// Half the width of the interval around the noisy value that holds the exact one with probability `coverage`.
    #[must_use]
    pub fn half_width(self, coverage: f64) -> f64 {
        match self {
            Self::DiscreteLaplace { scale } => -scale.to_f64() * (1.0 - coverage).ln(),
            Self::DiscreteGaussian { .. } | Self::RoundedNormal { .. } => {
                self.standard_deviation() * crate::normal::quantile(0.5 + coverage / 2.0)
            }
        }
    }

    /// An upper bound on Pr[noise ≥ m].
    #[must_use]
    pub fn tail_at_least(self, m: i128) -> f64 {
        const SLACK: f64 = 1.0 + 1e-9;
        let x = m as f64;
        let bound = match self {
            // Exact for m ≥ 1: pᵐ/(1 + p).
            Self::DiscreteLaplace { scale } => {
                if m < 1 {
                    return 1.0;
                }
                let inverse = 1.0 / scale.to_f64();
                (-x * inverse).exp() / (1.0 + (-inverse).exp())
            }
            // Pr[N_Z ≥ m] ≤ Pr[N ≥ m − 1] (Canonne, Kamath, Steinke 2020, proposition 25).
            Self::DiscreteGaussian { sigma_squared } => {
                crate::normal::upper_tail((x - 1.0) / sigma_squared.to_f64().sqrt())
            }
            // round(σZ) ≥ m only where σZ ≥ m − 1/2.
            Self::RoundedNormal { sigma } => crate::normal::upper_tail((x - 0.5) / sigma.to_f64()),
        };
        (bound * SLACK).min(1.0)
    }
}
