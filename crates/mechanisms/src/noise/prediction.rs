//! How far noise strays: spread, tails and intervals, in floats, for thresholds, predictions and error bars.
//!
//! Bounds are above the truth by more than the floats lose: everything here is within 1e-12 of itself before [`SLACK`].

use super::Noise;
use crate::normal;

/// Covers the rounding of the floats, a thousandfold.
const SLACK: f64 = 1.0 + 1e-9;

/// Nothing is claimed to be rarer than this: below, floats lose their digits.
const RAREST: f64 = 2.0 * f64::MIN_POSITIVE;

/// Up to this σ, sums are short; beyond it, the discrete Gaussian has the variance of the continuous one to the last
/// digit of a float (it differs by a factor below 1 + 1e-130: Canonne, Kamath, Steinke 2020, section 3).
const SMALL: f64 = 4.0;

impl Noise {
    /// Standard deviation in grid units, as a float: for prediction and display.
    #[must_use]
    pub fn standard_deviation(self) -> f64 {
        match self {
            Self::DiscreteLaplace { scale } => {
                let exponent = -1.0 / scale.to_f64();
                (2.0 * exponent.exp()).sqrt() / -exponent.exp_m1()
            }
            Self::DiscreteGaussian { sigma_squared } => {
                let sigma_squared = sigma_squared.to_f64();
                if sigma_squared > SMALL * SMALL {
                    return sigma_squared.sqrt();
                }
                let weighted = sum_from(1, |x| x * x * (-x * x / (2.0 * sigma_squared)).exp());
                (2.0 * weighted / gaussian_total(sigma_squared)).sqrt()
            }
            Self::RoundedNormal { sigma } => {
                let sigma = sigma.to_f64();
                if sigma > SMALL {
                    return (sigma * sigma + 1.0 / 12.0).sqrt();
                }
                // E x² = Σ (2k − 1)·Pr[|x| ≥ k].
                (2.0 * sum_from(1, |k| (2.0 * k - 1.0) * normal::upper_tail((k - 0.5) / sigma))).sqrt()
            }
        }
    }

    /// An upper bound on Pr[noise ≥ m], for m ≥ 1 (1 below).
    ///
    /// - Discrete Laplace: p^m/(1 + p) with p = exp(−1/scale), exact but for rounding.
    /// - Rounded normal: Pr[σZ ≥ m − ½], exact but for rounding.
    /// - Discrete Gaussian, σ ≤ 4: the sum. Beyond: the normalizing sum is at least σ√(2π) (Poisson summation), and
    ///   exp(−x²/(2σ²)), convex from σ on, is at most its integral from x − ½ to x + ½; so Pr[σZ ≥ m − ½] is a bound from
    ///   m = σ + ½ on, and Pr[σZ ≥ m − 1] before (the function falls: Canonne, Kamath, Steinke 2020, proposition 25).
    #[must_use]
    pub fn tail_at_least(self, m: i128) -> f64 {
        if m < 1 {
            return 1.0;
        }
        let x = m as f64;
        let bound = match self {
            Self::DiscreteLaplace { scale } => {
                let inverse = 1.0 / scale.to_f64();
                (-x * inverse).exp() / (1.0 + (-inverse).exp())
            }
            Self::DiscreteGaussian { sigma_squared } => {
                let sigma_squared = sigma_squared.to_f64();
                let sigma = sigma_squared.sqrt();
                if sigma <= SMALL {
                    sum_from(m, |x| (-x * x / (2.0 * sigma_squared)).exp()) / gaussian_total(sigma_squared)
                } else if x >= sigma + 0.5 {
                    normal::upper_tail((x - 0.5) / sigma)
                } else {
                    normal::upper_tail((x - 1.0) / sigma)
                }
            }
            Self::RoundedNormal { sigma } => normal::upper_tail((x - 0.5) / sigma.to_f64()),
        };
        (bound * SLACK).clamp(RAREST, 1.0)
    }

    /// The least m ≥ 1 whose bound on Pr[noise ≥ m] is at most p.
    ///
    /// # Panics
    /// When p is below 1e-300, or not a number.
    #[must_use]
    pub fn upper_quantile(self, p: f64) -> i128 {
        assert!(p >= 1e-300, "no tail is claimed to be rarer");
        let (mut low, mut high) = (0_i128, 1_i128);
        while self.tail_at_least(high) > p {
            (low, high) = (high, high * 2);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.tail_at_least(middle) > p { low = middle } else { high = middle }
        }
        high
    }

    /// Half the width of the interval around the noisy value that holds the exact one with probability `coverage`: the
    /// least w with Pr[|noise| ≤ w] ≥ coverage, by the bounds of [`Noise::tail_at_least`].
    ///
    /// # Panics
    /// When `coverage` is not strictly between 0 and 1.
    #[must_use]
    pub fn half_width(self, coverage: f64) -> f64 {
        assert!(coverage > 0.0 && coverage < 1.0, "coverage is a probability between 0 and 1");
        (self.upper_quantile((1.0 - coverage) / 2.0) - 1) as f64
    }
}

/// Σ exp(−x²/(2σ²)) over the integers.
fn gaussian_total(sigma_squared: f64) -> f64 {
    1.0 + 2.0 * sum_from(1, |x| (-x * x / (2.0 * sigma_squared)).exp())
}

/// Σ f(x) over x ≥ m, for a Gaussian tail of σ ≤ 4: up to the first term that is lost in the sum, which follows the mode
/// of every f here. After that, terms more than halve within 3σ, so that what is left out is below 1e-14 of the sum.
fn sum_from(m: i128, f: impl Fn(f64) -> f64) -> f64 {
    let mut sum = 0.0;
    for step in 0..200 {
        let term = f((m + step) as f64);
        sum += term;
        if step >= 10 && term <= sum * 1e-16 {
            break;
        }
    }
    sum
}
