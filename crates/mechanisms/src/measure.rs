//! The vector mechanism: noise on every entry of an exact integer vector.

use crate::charge::Charge;
use crate::noise::{CalibrationError, Family, Noise};
use crate::private::Private;
use crate::release::Release;
use crate::sensitivity::Sensitivity;
use crate::source::{Answer, Call, Source};

/// Adds noise to an exact integer vector, calibrated from a charge.
///
/// Guarantee: for neighbouring data sets whose vectors have equal length and differ by at most `sensitivity`, the loss
/// is at most that of `charge`: ε-DP for the discrete Laplace at scale L1/ε, ρ-zCDP for the discrete Gaussian at
/// σ² = L2²/(2ρ) in any dimension (Canonne, Kamath, Steinke 2020, theorem 14), μ-GDP for the rounded normal at σ = L2/μ.
///
/// # Errors
/// When no noise of the family can be calibrated from the charge; nothing is drawn then.
pub fn measure(
    charge: Charge,
    family: Family,
    sensitivity: Sensitivity,
    exact: &Private<Vec<i128>>,
    source: &mut dyn Source,
) -> Result<Release<Vec<i128>>, CalibrationError> {
    let loss = charge.loss();
    let noise = Noise::calibrate(family, loss, sensitivity)?;
    let answer = source.answer(&Call::Add { loss, noise, sensitivity, exact: exact.exact() });
    let Answer::Integers(noisy) = answer else { unreachable!("a source answers a vector with a vector") };
    Ok(Release::made_by_a_mechanism(noisy))
}
