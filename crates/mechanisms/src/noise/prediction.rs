//! How far noise strays: spread, tails and intervals, in floats, for thresholds, predictions and error bars.
//!
//! Bounds are above the truth by more than the floats lose: everything here is within 1e-12 of itself before [`SLACK`].

use super::Noise;
use crate::normal;

/// Covers the rounding of the floats, a thousandfold.
const SLACK: f64 = 1.0 + 1e-9;

/// Nothing is claimed to be rarer than this: below, floats lose their digits.
const RAREST: f64 = 2.0 * f64::MIN_POSITIVE;

/// Up to this σ, sums are short; beyond it, the discrete Gaussian has the variance of the continuous one to the last digit
/// of a float (the difference is of the order of exp(−2π²σ²), by Poisson summation).
const SMALL: f64 = 4.0;

impl Noise {
    /// Standard deviation in grid units, as a float: for prediction and display.
    #[must_use]
    pub fn standard_deviation(self) -> f64 {
        match self {
            Self::DiscreteLaplace { scale } => {
                let exponent = -1.0 / scale.to_f64();
                std::f64::consts::SQRT_2 * (exponent / 2.0).exp() / -exponent.exp_m1()
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
        let term = f(m as f64 + f64::from(step));
        sum += term;
        if step >= 10 && term <= sum * 1e-16 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratio::Ratio;

    /// Computed to 60 digits by tests/golden/samplers.py.
    fn golden() -> Vec<(Noise, serde_json::Value)> {
        let rows = include_str!("../../tests/golden/samplers.json");
        let rows: Vec<serde_json::Value> = serde_json::from_str(rows).unwrap();
        let noise = |row: &serde_json::Value| {
            let parameter: Ratio = serde_json::from_value(row["parameter"].clone()).unwrap();
            match row["family"].as_str().unwrap() {
                "discrete_laplace" => Noise::DiscreteLaplace { scale: parameter },
                "discrete_gaussian" => Noise::DiscreteGaussian { sigma_squared: parameter },
                "rounded_normal" => Noise::RoundedNormal { sigma: parameter },
                other => panic!("no family {other}"),
            }
        };
        rows.into_iter().map(|row| (noise(&row), row)).collect()
    }

    fn float(value: &serde_json::Value) -> f64 {
        value.as_str().unwrap().parse().unwrap()
    }

    fn is_wide_gaussian(noise: Noise) -> bool {
        matches!(noise, Noise::DiscreteGaussian { .. }) && noise.standard_deviation() > SMALL
    }

    #[test]
    fn tails_are_bounds_and_tight() {
        for (noise, row) in golden() {
            for tail in row["tails"].as_array().unwrap() {
                let (m, exact) = (i128::from(tail[0].as_i64().unwrap()), float(&tail[1]));
                let bound = noise.tail_at_least(m);
                assert!(bound > exact, "{noise:?} from {m}: {bound:e} is below {exact:e}");
                let tight = if is_wide_gaussian(noise) { 0.03 } else { 3e-9 };
                assert!(
                    bound <= (exact * (1.0 + tight)).max(RAREST),
                    "{noise:?} from {m}: {bound:e} for {exact:e}"
                );
            }
            assert_eq!(
                (noise.tail_at_least(0).to_bits(), noise.tail_at_least(-3).to_bits()),
                (1_f64.to_bits(), 1_f64.to_bits())
            );
            assert!(noise.tail_at_least(i128::MAX) <= RAREST);
        }
    }

    #[test]
    fn spreads_are_exact() {
        for (noise, row) in golden() {
            let exact = float(&row["standard_deviation"]);
            let ours = noise.standard_deviation();
            assert!((ours - exact).abs() <= exact * 1e-11, "{noise:?}: {ours:e} for {exact:e}");
        }
    }

    #[test]
    fn intervals_cover_and_are_the_shortest() {
        for (noise, row) in golden() {
            for half_width in row["half_widths"].as_array().unwrap() {
                let exact = half_width[1].as_f64().unwrap();
                let ours = noise.half_width(float(&half_width[0]));
                // One unit of slack, out of more than 20, where the tail is a bound only.
                let slack = f64::from(u8::from(is_wide_gaussian(noise)));
                assert!((exact..=exact + slack).contains(&ours), "{noise:?}: {ours} for {exact}");
            }
        }
    }

    #[test]
    fn n6_a_probability_is_between_0_and_1() {
        let noise = Noise::DiscreteLaplace { scale: Ratio::new(1, 1).unwrap() };
        for coverage in [f64::NAN, 0.0, 1.0, -1.0, 2.0, f64::INFINITY] {
            assert!(std::panic::catch_unwind(|| noise.half_width(coverage)).is_err(), "{coverage}");
        }
        for p in [f64::NAN, 0.0, -1.0, 1e-301] {
            assert!(std::panic::catch_unwind(|| noise.upper_quantile(p)).is_err(), "{p}");
        }
    }

    #[test]
    fn quantiles_reach_the_rarest_at_every_scale() {
        for scale in [Ratio::new(1, u128::MAX), Ratio::new(1, 1), Ratio::new((1 << 112) - 1, 1)] {
            let scale = scale.unwrap();
            for noise in [
                Noise::DiscreteLaplace { scale },
                Noise::DiscreteGaussian { sigma_squared: scale },
                Noise::RoundedNormal { sigma: scale },
            ] {
                let m = noise.upper_quantile(1e-300);
                assert!(noise.tail_at_least(m) <= 1e-300);
                assert!(m == 1 || noise.tail_at_least(m - 1) > 1e-300);
            }
        }
    }
}
