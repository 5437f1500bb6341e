//! Moments of privacy losses under exponential tilting, and the bounds that need no composition.
//!
//! With M(λ) = E[e^(λL)] over all events, δ(ε) ≤ M(λ) e^(−λε) · λ^λ/(1 + λ)^(1 + λ) for every λ > 0: the conversion from
//! Rényi differential privacy of order λ + 1 (Canonne, Kamath, Steinke 2020, proposition 12). The λ that minimizes it is
//! where a Fourier transform loses no digits: the loss tilted by e^(λL) has its bulk near ε.

use super::grid::Grid;
use crate::accounting::zcdp::valley;

/// Golden sections of the search for λ: to a millionth of its range of logs. Any λ gives a valid bound.
const STEPS: u32 = 30;

/// One mechanism's grid and how often it is used.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub first: i64,
    pub mass: Vec<f64>,
    pub logs: Vec<f64>,
    pub infinite: f64,
    pub count: u64,
    /// A bound on the relative error of any mass.
    pub mass_error: f64,
    /// A bound on the error of any loss.
    pub loss_error: f64,
}

/// ln M, mean and variance of one part's loss index, tilted.
struct Moment {
    log: f64,
    mean: f64,
    variance: f64,
}

impl Part {
    pub fn new(grid: Grid, count: u64, mass_error: f64, loss_error: f64) -> Self {
        let kept = |mass: &f64| *mass > 0.0;
        let start = grid.mass.iter().position(kept).unwrap_or(0);
        let end = grid.mass.iter().rposition(kept).map_or(start, |last| last + 1);
        let mass = grid.mass[start..end].to_vec();
        let logs = mass.iter().map(|mass| mass.ln()).collect();
        let first = grid.first + start as i64;
        Self { first, mass, logs, infinite: grid.infinite, count, mass_error, loss_error }
    }

    /// Moments at tilt `rate` per grid step, of the index counted from the first.
    fn moment(&self, rate: f64) -> Moment {
        let exponent = |at: usize| self.logs[at] + rate * at as f64;
        let top = (0..self.logs.len()).map(exponent).fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return Moment { log: f64::NEG_INFINITY, mean: 0.0, variance: 0.0 };
        }
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for at in 0..self.logs.len() {
            let weight = (exponent(at) - top).exp();
            let index = at as f64;
            sum += weight;
            first += weight * index;
            second += weight * index * index;
        }
        let mean = first / sum;
        Moment { log: top + sum.ln(), mean, variance: (second / sum - mean * mean).max(0.0) }
    }

    /// ln Σ mass · e^(rate · (index − centre)).
    pub fn log_moment(&self, rate: f64, centre: i64) -> f64 {
        self.moment(rate).log + rate * (self.first - centre) as f64
    }

    /// The tilted mean index, rounded.
    pub fn centre(&self, rate: f64) -> i64 {
        self.first + self.moment(rate).mean.round() as i64
    }

    pub fn variance(&self, rate: f64) -> f64 {
        self.moment(rate).variance
    }

    pub fn last(&self) -> i64 {
        self.first + self.mass.len() as i64 - 1
    }
}

/// ln M(λ) over all parts.
fn log_moment(parts: &[Part], h: f64, lambda: f64) -> f64 {
    parts.iter().map(|part| part.count as f64 * part.log_moment(lambda * h, 0)).sum()
}

/// ln(λ^λ/(1 + λ)^(1 + λ)): the log of the largest e^(−λx)(1 − e^(−x)).
pub(super) fn log_gap(lambda: f64) -> f64 {
    -lambda * (1.0 / lambda).ln_1p() - lambda.ln_1p()
}

/// The λ where the moments bound ε best at `delta`, and that ε, not rounded; `rho` is of zCDP events beside the parts.
pub(super) fn at_delta(parts: &[Part], h: f64, rho: f64, delta: f64) -> (f64, f64) {
    let bound = |log: f64| {
        let lambda: f64 = log.exp();
        let moment = log_moment(parts, h, lambda) + rho * lambda * (lambda + 1.0);
        (moment + log_gap(lambda) - delta.ln()) / lambda
    };
    let (log, epsilon) = valley((-25.0, (200.0 / h).ln()), STEPS, bound);
    (log.exp(), epsilon)
}

/// The λ where the moments bound δ best at `epsilon`, and ln δ.
pub(super) fn at_epsilon(parts: &[Part], h: f64, rho: f64, epsilon: f64) -> (f64, f64) {
    let bound = |log: f64| {
        let lambda: f64 = log.exp();
        let moment = log_moment(parts, h, lambda) + rho * lambda * (lambda + 1.0);
        moment + log_gap(lambda) - lambda * epsilon
    };
    let (log, delta) = valley((-25.0, (200.0 / h).ln()), STEPS, bound);
    (log.exp(), delta)
}
